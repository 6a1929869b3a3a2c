//! Frequency weighting: A and C of IEC 61672-1, psophometric of O.41, applied to spectra.
//!
//! A filter in the time domain can't host the A curve's 12.2 kHz poles at 16 kHz; weighting the
//! spectrum of the whole record is exact at every rate.

use super::curve::{Curve, Outside};
use super::spectrum::{PowerSpectrum, Psd, power_spectrum};

/// A frequency weighting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weighting {
    /// No weighting.
    Flat,
    /// A of IEC 61672-1.
    A,
    /// C of IEC 61672-1.
    C,
    /// Psophometric weighting for telephone circuits, O.41 Table 1, 0 dB at 800 Hz.
    Psophometric,
}

/// The pole frequencies of IEC 61672-1 annex E, in Hz.
const POLES_HZ: [f64; 4] = [20.598997, 107.65265, 737.86223, 12194.217];
/// The normalization that IEC 61672-1 annex E states for A.
const A_AT_1000: f64 = 2.0;
/// The normalization that IEC 61672-1 annex E states for C.
const C_AT_1000: f64 = 0.062;

/// O.41 Table 1: Hz, dB.
const PSOPHOMETRIC: [(f64, f64); 24] = [
    (16.66, -85.0),
    (50.0, -63.0),
    (100.0, -41.0),
    (200.0, -21.0),
    (300.0, -10.6),
    (400.0, -6.3),
    (500.0, -3.6),
    (600.0, -2.0),
    (700.0, -0.9),
    (800.0, 0.0),
    (900.0, 0.6),
    (1000.0, 1.0),
    (1200.0, 0.0),
    (1400.0, -0.9),
    (1600.0, -1.7),
    (1800.0, -2.4),
    (2000.0, -3.0),
    (2500.0, -4.2),
    (3000.0, -5.6),
    (3500.0, -8.5),
    (4000.0, -15.0),
    (4500.0, -25.0),
    (5000.0, -36.0),
    (6000.0, -43.0),
];

/// A weighting made ready for many frequencies.
struct Curves {
    weighting: Weighting,
    table: Option<Curve>,
}

impl Curves {
    fn new(weighting: Weighting) -> Self {
        let table = (weighting == Weighting::Psophometric)
            .then(|| Curve::new(&PSOPHOMETRIC).expect("the table of O.41 rises in frequency"));
        Self { weighting, table }
    }

    fn power_gain(&self, freq_hz: f64) -> f64 {
        let f2 = freq_hz * freq_hz;
        let [p1, p2, p3, p4] = POLES_HZ.map(|pole| pole * pole);
        let c = (p4 * f2 / ((f2 + p1) * (f2 + p4))).powi(2);
        match (self.weighting, &self.table) {
            (Weighting::A, _) => c * f2 * f2 / ((f2 + p2) * (f2 + p3)) * 10f64.powf(A_AT_1000 / 10.0),
            (Weighting::C, _) => c * 10f64.powf(C_AT_1000 / 10.0),
            (Weighting::Psophometric, Some(table)) => {
                // Below the table the slope goes on, so that a direct voltage has no weight; above it
                // O.41 asks for at least 43 dB of loss, and holding 43 dB never reads too little.
                let outside = if freq_hz < PSOPHOMETRIC[0].0 { Outside::Extend } else { Outside::Hold };
                10f64.powf(table.at(freq_hz, outside) / 10.0)
            }
            _ => 1.0,
        }
    }
}

impl Weighting {
    /// The gain as a power factor at `freq_hz`.
    pub fn power_gain(self, freq_hz: f64) -> f64 {
        Curves::new(self).power_gain(freq_hz)
    }

    /// The gain in dB at `freq_hz`; −∞ at 0 Hz except for [`Weighting::Flat`].
    pub fn gain_db(self, freq_hz: f64) -> f64 {
        10.0 * self.power_gain(freq_hz).log10()
    }

    /// The spectrum with this weighting applied.
    pub fn apply(self, spectrum: &PowerSpectrum) -> PowerSpectrum {
        let curves = Curves::new(self);
        let power = spectrum.freqs_hz().zip(&spectrum.power).map(|(f, p)| p * curves.power_gain(f)).collect();
        PowerSpectrum { power, ..*spectrum }
    }

    /// The density with this weighting applied.
    pub fn apply_to_psd(self, psd: &Psd) -> Psd {
        let curves = Curves::new(self);
        let density = psd.freqs_hz().zip(&psd.density).map(|(f, d)| d * curves.power_gain(f)).collect();
        Psd { density, ..*psd }
    }
}

/// The weighted power of the whole record, between `band_hz` = (lower, upper) edges if given.
pub fn weighted_power(signal: &[f64], rate: u32, weighting: Weighting, band_hz: Option<(f64, f64)>) -> f64 {
    let weighted = weighting.apply(&power_spectrum(signal, rate));
    match band_hz {
        Some((lo_hz, hi_hz)) => weighted.band_power(lo_hz, hi_hz),
        None => weighted.total_power(),
    }
}
