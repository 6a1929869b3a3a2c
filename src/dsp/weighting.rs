//! Frequency weighting: A and C of IEC 61672-1, psophometric of O.41, applied to spectra.
//!
//! Weighting the spectrum of the whole record is exact at every rate. [`super::weighting_filter`] has the same curves
//! as filters, for what is needed against time.

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
pub(super) const POLES_HZ: [f64; 4] = [20.598997, 107.65265, 737.86223, 12194.217];
/// Where the weightings A and C are 0 dB, exactly. (Annex E states the constants rounded to a thousandth of a decibel,
/// 2.000 and 0.062 dB.)
const NORMAL_HZ: f64 = 1000.0;

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
pub(super) struct Curves {
    weighting: Weighting,
    table: Option<Curve>,
    /// The constant factor of the analytic curves.
    factor: f64,
}

impl Curves {
    pub(super) fn new(weighting: Weighting) -> Self {
        let table = (weighting == Weighting::Psophometric)
            .then(|| Curve::new(&PSOPHOMETRIC).expect("the table of O.41 rises in frequency"));
        let bare = Self { weighting, table, factor: 1.0 };
        let factor = match weighting {
            Weighting::A | Weighting::C => 1.0 / bare.power_gain(NORMAL_HZ),
            Weighting::Flat | Weighting::Psophometric => 1.0,
        };
        Self { factor, ..bare }
    }

    pub(super) fn power_gain(&self, freq_hz: f64) -> f64 {
        let f2 = freq_hz * freq_hz;
        let [p1, p2, p3, p4] = POLES_HZ.map(|pole| pole * pole);
        let c = (p4 * f2 / ((f2 + p1) * (f2 + p4))).powi(2);
        match (self.weighting, &self.table) {
            (Weighting::A, _) => c * f2 * f2 / ((f2 + p2) * (f2 + p3)) * self.factor,
            (Weighting::C, _) => c * self.factor,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::bands::Bands;
    use std::f64::consts::TAU;

    /// IEC 61672-1 Table 3 from 20 Hz to 20 kHz: A, C.
    const TABLE: [(f64, f64); 31] = [
        (-50.5, -6.2),
        (-44.7, -4.4),
        (-39.4, -3.0),
        (-34.6, -2.0),
        (-30.2, -1.3),
        (-26.2, -0.8),
        (-22.5, -0.5),
        (-19.1, -0.3),
        (-16.1, -0.2),
        (-13.4, -0.1),
        (-10.9, 0.0),
        (-8.6, 0.0),
        (-6.6, 0.0),
        (-4.8, 0.0),
        (-3.2, 0.0),
        (-1.9, 0.0),
        (-0.8, 0.0),
        (0.0, 0.0),
        (0.6, 0.0),
        (1.0, -0.1),
        (1.2, -0.2),
        (1.3, -0.3),
        (1.2, -0.5),
        (1.0, -0.8),
        (0.5, -1.3),
        (-0.1, -2.0),
        (-1.1, -3.0),
        (-2.5, -4.4),
        (-4.3, -6.2),
        (-6.6, -8.5),
        (-9.3, -11.2),
    ];

    #[test]
    fn a_and_c_have_the_values_of_the_standard_at_exact_midbands() {
        for (band, (a_db, c_db)) in Bands::third_octave(20.0, 20_000.0).iter().zip(TABLE) {
            // The table is rounded to a tenth of a decibel.
            let (a, c) = (Weighting::A.gain_db(band.midband_hz), Weighting::C.gain_db(band.midband_hz));
            assert!((a - a_db).abs() < 0.0505, "A at {}: {a}", band.nominal_hz);
            assert!((c - c_db).abs() < 0.0505, "C at {}: {c}", band.nominal_hz);
        }
        assert!(Weighting::A.gain_db(1000.0).abs() < 1e-12);
        assert!(Weighting::C.gain_db(1000.0).abs() < 1e-12);
        // The constants of annex E, which rounds them to a thousandth: what the bare poles have at 1 kHz.
        let bare = |weighting| 10.0 * Curves::new(weighting).factor.log10();
        assert!((bare(Weighting::A) - 2.000).abs() < 0.0005, "{}", bare(Weighting::A));
        assert!((bare(Weighting::C) - 0.062).abs() < 0.0005, "{}", bare(Weighting::C));
    }

    #[test]
    fn psophometric_weighting_is_its_table_and_at_least_43_db_beyond() {
        for (freq_hz, level_db) in PSOPHOMETRIC {
            assert!((Weighting::Psophometric.gain_db(freq_hz) - level_db).abs() < 1e-9, "{freq_hz}");
        }
        assert_eq!(Weighting::Psophometric.gain_db(800.0), 0.0);
        assert!(Weighting::Psophometric.gain_db(20_000.0) <= -43.0);
        assert!(Weighting::Psophometric.gain_db(5.0) < -85.0);
        // Halfway between 2 and 2.5 kHz on the logarithmic axis lies the mean in dB.
        assert!((Weighting::Psophometric.gain_db((2000.0f64 * 2500.0).sqrt()) + 3.6).abs() < 1e-9);
    }

    #[test]
    fn a_direct_voltage_has_no_weight() {
        let dc = vec![1.0; 4800];
        for weighting in [Weighting::A, Weighting::C, Weighting::Psophometric] {
            assert_eq!(weighting.power_gain(0.0), 0.0, "{weighting:?}");
            assert!(weighted_power(&dc, 48_000, weighting, None) < 1e-20, "{weighting:?}");
        }
        assert!((weighted_power(&dc, 48_000, Weighting::Flat, None) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_weighted_tone_has_the_gain_of_the_curve_at_every_rate() {
        for (rate, freq_hz) in [(8000, 1000.0), (16_000, 7000.0), (48_000, 100.0), (44_100, 12_000.0)] {
            let tone: Vec<f64> =
                (0..rate).map(|n| (TAU * freq_hz * f64::from(n) / f64::from(rate)).sin()).collect();
            for weighting in [Weighting::A, Weighting::C, Weighting::Psophometric, Weighting::Flat] {
                let level = 10.0 * (weighted_power(&tone, rate, weighting, None) / 0.5).log10();
                assert!((level - weighting.gain_db(freq_hz)).abs() < 1e-6, "{weighting:?} {rate} {freq_hz}");
            }
        }
    }

    #[test]
    fn band_limits_leave_out_what_lies_beyond() {
        let tones: Vec<f64> = (0..16_000)
            .map(|n| {
                let t = f64::from(n) / 16_000.0;
                (TAU * 1000.0 * t).sin() + (TAU * 5000.0 * t).sin()
            })
            .collect();
        let flat = |band| weighted_power(&tones, 16_000, Weighting::Flat, band);
        assert!((flat(Some((300.0, 3400.0))) - 0.5).abs() < 1e-12);
        assert!((flat(None) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn nan_is_not_weighted_away() {
        let mut x = vec![0.0; 480];
        x[7] = f64::NAN;
        assert!(weighted_power(&x, 48_000, Weighting::A, Some((100.0, 8000.0))).is_nan());
    }
}
