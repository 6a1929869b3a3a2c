//! The truth's own copy of the loudness tables (P.79), so that a slip in the methods' copy is seen.

/// Nominal third-octave centers in Hz.
pub const CENTERS_HZ: [f64; 20] = [
    100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0, 1000.0, 1250.0, 1600.0, 2000.0,
    2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0,
];

/// P.79 Table 1, W_S, bands 1 to 20.
pub const NARROW_SEND: [f64; 20] = [
    154.5, 115.4, 89.0, 76.9, 62.6, 62.0, 44.7, 53.1, 48.5, 47.6, 50.1, 59.1, 56.7, 72.2, 72.6, 89.2, 117.0,
    157.3, 172.2, 181.7,
];

/// P.79 Table 1, W_R, bands 1 to 20.
pub const NARROW_RECEIVE: [f64; 20] = [
    152.8, 116.2, 91.3, 85.0, 74.7, 79.0, 63.7, 73.5, 69.1, 68.0, 68.7, 75.1, 70.4, 81.4, 76.5, 93.3, 113.8,
    144.6, 165.8, 166.7,
];

/// P.79 Table A.2, W_S, bands 1 to 20 (provisional, see the standards' notes).
pub const WIDE_SEND: [f64; 20] = [
    154.5, 115.4, 89.0, 77.2, 62.9, 62.3, 45.0, 53.4, 48.8, 47.9, 50.4, 59.4, 57.0, 72.5, 72.9, 89.5, 117.3,
    157.3, 172.2, 181.7,
];

/// P.79 Table A.2, W_R, bands 1 to 20 (provisional, see the standards' notes).
pub const WIDE_RECEIVE: [f64; 20] = [
    152.8, 116.2, 91.3, 85.3, 75.0, 79.3, 64.0, 73.8, 69.4, 68.3, 69.0, 75.4, 70.7, 81.7, 76.8, 93.6, 114.1,
    144.6, 165.8, 166.7,
];

/// m of the loudness formula for SLR and RLR.
pub const SLOPE: f64 = 0.175;

/// Long-term speech spectrum at the MRP (P.50), dB SPL/Hz; its end values are held outside of 100 to 8 000 Hz.
pub fn speech_density_db(freq_hz: f64) -> f64 {
    let x = freq_hz.clamp(100.0, 8_000.0).log10();
    -376.44 + 465.439 * x - 157.745 * x * x + 16.7124 * x * x * x
}
