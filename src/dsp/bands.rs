//! Fractional-octave bands with the base-ten ratio of IEC 61260-1: exact midbands, edges, nominal names.

use super::spectrum::{PowerSpectrum, Psd, power_spectrum};

/// One band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// The index x of IEC 61260-1; 0 is the band at 1 kHz (or just above it for even fractions).
    pub index: i32,
    /// The rounded frequency by which people call the band.
    pub nominal_hz: f64,
    /// The exact midband frequency.
    pub midband_hz: f64,
    /// The lower band edge.
    pub lower_hz: f64,
    /// The upper band edge.
    pub upper_hz: f64,
}

/// A run of neighboring bands, each beginning where the one before ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Bands {
    per_octave: u32,
    bands: Vec<Band>,
}

/// log10 of the octave ratio G = 10^(3/10) (IEC 61260-1, 5.2).
const LOG_G: f64 = 0.3;

impl Bands {
    /// The bands from the one nearest to `first_hz` to the one nearest to `last_hz` (on a logarithmic
    /// axis), `per_octave` to the octave. Nominal and exact frequencies both name a band.
    ///
    /// # Panics
    /// If `per_octave` is not 1, 3, 6, 12 or 24, or if the frequencies are not positive and rising.
    pub fn per_octave(per_octave: u32, first_hz: f64, last_hz: f64) -> Self {
        assert!(matches!(per_octave, 1 | 3 | 6 | 12 | 24), "no bands of 1/{per_octave} octave");
        assert!(
            0.0 < first_hz && first_hz <= last_hz && last_hz.is_finite(),
            "bands need rising frequencies"
        );
        let index = |hz: f64| {
            let steps = libm::log10(hz / 1000.0) * f64::from(per_octave) / LOG_G;
            let shift = if per_octave.is_multiple_of(2) { 0.5 } else { 0.0 };
            (steps - shift).round() as i32
        };
        let bands = (index(first_hz)..=index(last_hz)).map(|x| band(per_octave, x)).collect();
        Self { per_octave, bands }
    }

    /// Third-octave bands from `first_hz` to `last_hz`, nominal or exact.
    pub fn third_octave(first_hz: f64, last_hz: f64) -> Self {
        Self::per_octave(3, first_hz, last_hz)
    }

    /// The twenty bands of P.79, third octaves from 100 Hz to 8 kHz; band number `i + 1` stands at `i`.
    pub fn p79() -> Self {
        Self::third_octave(100.0, 8000.0)
    }

    /// How many bands make an octave.
    pub fn fraction(&self) -> u32 {
        self.per_octave
    }

    /// The bands in rising order.
    pub fn as_slice(&self) -> &[Band] {
        &self.bands
    }

    /// The bands in rising order.
    pub fn iter(&self) -> std::slice::Iter<'_, Band> {
        self.bands.iter()
    }

    /// The number of bands.
    pub fn len(&self) -> usize {
        self.bands.len()
    }

    /// Never true: a run has at least one band.
    pub fn is_empty(&self) -> bool {
        self.bands.is_empty()
    }

    /// The power of each band in `spectrum`. What lies above Nyquist counts as zero.
    pub fn powers(&self, spectrum: &PowerSpectrum) -> Vec<f64> {
        self.iter().map(|band| spectrum.band_power(band.lower_hz, band.upper_hz)).collect()
    }

    /// The power of each band in `psd`. What lies above Nyquist counts as zero.
    pub fn powers_of_psd(&self, psd: &Psd) -> Vec<f64> {
        self.iter().map(|band| psd.band_power(band.lower_hz, band.upper_hz)).collect()
    }
}

impl<'a> IntoIterator for &'a Bands {
    type Item = &'a Band;
    type IntoIter = std::slice::Iter<'a, Band>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn band(per_octave: u32, x: i32) -> Band {
    let fraction = f64::from(per_octave);
    let position = if per_octave.is_multiple_of(2) { f64::from(2 * x + 1) / 2.0 } else { f64::from(x) };
    let at = |steps: f64| 1000.0 * libm::pow(10.0, LOG_G * steps / fraction);
    let midband_hz = at(position);
    Band {
        index: x,
        nominal_hz: nominal(per_octave, midband_hz),
        midband_hz,
        lower_hz: at(position - 0.5),
        upper_hz: at(position + 0.5),
    }
}

/// The nominal frequency: preferred numbers for octaves and third octaves, otherwise three
/// significant digits for a first digit of 1 to 4 and two for 5 to 9 (IEC 61260-1, annex E).
fn nominal(per_octave: u32, midband_hz: f64) -> f64 {
    const R10: [f64; 11] = [1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0, 10.0];
    let decade = libm::floor(libm::log10(midband_hz) + 1e-9);
    let (scale, mantissa) = (libm::pow(10.0, decade), midband_hz / libm::pow(10.0, decade));
    let rounded = if matches!(per_octave, 1 | 3) {
        R10[libm::round(10.0 * libm::log10(mantissa)) as usize]
    } else if mantissa < 4.995 {
        libm::round(mantissa * 100.0) / 100.0
    } else {
        libm::round(mantissa * 10.0) / 10.0
    };
    // One more rounding removes the binary dust of the product: 3.15·1000 is 3150.
    libm::round(rounded * scale * 1e6) / 1e6
}

/// The power of each band in the whole record, by its DFT without window: bins that a band edge cuts
/// count in part. What lies above Nyquist counts as zero.
pub fn band_levels(signal: &[f64], rate: u32, bands: &Bands) -> Vec<f64> {
    bands.powers(&power_spectrum(signal, rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Exact midbands as IEC 61260-1 rounds them, with their names (ISO 266).
    const TABLE: [(f64, f64); 24] = [
        (100.0, 100.0),
        (125.0, 125.89),
        (160.0, 158.49),
        (200.0, 199.53),
        (250.0, 251.19),
        (315.0, 316.23),
        (400.0, 398.11),
        (500.0, 501.19),
        (630.0, 630.96),
        (800.0, 794.33),
        (1000.0, 1000.0),
        (1250.0, 1258.93),
        (1600.0, 1584.89),
        (2000.0, 1995.26),
        (2500.0, 2511.89),
        (3150.0, 3162.28),
        (4000.0, 3981.07),
        (5000.0, 5011.87),
        (6300.0, 6309.57),
        (8000.0, 7943.28),
        (10000.0, 10000.0),
        (12500.0, 12589.25),
        (16000.0, 15848.93),
        (20000.0, 19952.62),
    ];

    #[test]
    fn third_octaves_have_the_midbands_of_the_standard() {
        let bands = Bands::third_octave(100.0, 20_000.0);
        assert_eq!(bands.len(), TABLE.len());
        for (band, (nominal_hz, midband_hz)) in bands.iter().zip(TABLE) {
            assert_eq!(band.nominal_hz, nominal_hz);
            assert!((band.midband_hz - midband_hz).abs() < 0.0051, "{band:?}");
            let half = 10f64.powf(0.05);
            assert!((band.upper_hz / band.midband_hz / half - 1.0).abs() < 1e-12);
            assert!((band.midband_hz / band.lower_hz / half - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn p79_has_twenty_bands_with_number_17_at_4_khz() {
        let bands = Bands::p79();
        assert_eq!(bands.len(), 20);
        assert_eq!(bands.as_slice()[3].nominal_hz, 200.0);
        assert_eq!(bands.as_slice()[16].nominal_hz, 4000.0);
        assert_eq!(bands.as_slice()[19].nominal_hz, 8000.0);
    }

    #[test]
    fn every_fraction_tiles_the_axis() {
        for fraction in [1, 3, 6, 12, 24] {
            let bands = Bands::per_octave(fraction, 31.5, 16_000.0);
            for pair in bands.as_slice().windows(2) {
                assert!((pair[0].upper_hz / pair[1].lower_hz - 1.0).abs() < 1e-12, "{fraction}: {pair:?}");
            }
            // One octave further is fraction bands further, and its ratio is 10^0.3.
            let ratio = bands.as_slice()[fraction as usize].midband_hz / bands.as_slice()[0].midband_hz;
            assert!((ratio - 10f64.powf(0.3)).abs() < 1e-12, "{fraction}");
        }
    }

    #[test]
    fn nominal_and_exact_frequencies_name_the_same_band() {
        for hz in [12.5, 31.5, 63.0, 80.0, 315.0, 316.23, 3150.0, 16_000.0, 20_000.0] {
            let bands = Bands::third_octave(hz, hz);
            assert_eq!(bands.len(), 1);
            assert!((bands.as_slice()[0].nominal_hz / hz - 1.0).abs() < 0.005, "{hz}");
        }
        let names: Vec<f64> = Bands::per_octave(1, 31.5, 16_000.0).iter().map(|b| b.nominal_hz).collect();
        assert_eq!(names, [31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0]);
        // Twelfths: 1000·G^(1/24) = 1029.2, and 5 … 9 keep two digits.
        let twelfths = Bands::per_octave(12, 1029.0, 1029.0).as_slice()[0];
        assert_eq!((twelfths.nominal_hz, twelfths.index), (1030.0, 0));
        let low = Bands::per_octave(12, 514.0, 516.0).as_slice()[0];
        assert_eq!(low.nominal_hz, 520.0);
    }

    #[test]
    fn a_tone_belongs_to_its_band_only() {
        let rate = 48_000;
        // Whole periods, so that the record's DFT has it in one bin.
        let tone: Vec<f64> =
            (0..rate).map(|n| (TAU * 1000.0 * f64::from(n) / f64::from(rate)).sin()).collect();
        let bands = Bands::third_octave(100.0, 8000.0);
        for (band, power) in bands.iter().zip(band_levels(&tone, rate, &bands)) {
            let expected = if band.nominal_hz == 1000.0 { 0.5 } else { 0.0 };
            assert!((power - expected).abs() < 1e-20_f64.max(1e-12 * expected), "{band:?} {power}");
        }
    }

    #[test]
    fn white_noise_rises_by_a_third_octave_per_band() {
        // An impulse is exactly white in the DFT of its record.
        let mut impulse = vec![0.0; 48_000];
        impulse[100] = 1.0;
        let bands = Bands::third_octave(100.0, 16_000.0);
        let powers = band_levels(&impulse, 48_000, &bands);
        let density = 1.0 / 48_000.0 / 24_000.0;
        for (band, power) in bands.iter().zip(&powers) {
            assert!((power / (density * (band.upper_hz - band.lower_hz)) - 1.0).abs() < 1e-9, "{band:?}");
        }
        // A segment too short loses nothing in the sum either.
        let psd = Psd { bin_hz: 40.0, nyquist_hz: 24_000.0, density: vec![density; 601] };
        for (a, b) in powers.iter().zip(bands.powers_of_psd(&psd)) {
            assert!((a / b - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    #[should_panic(expected = "no bands of 1/5 octave")]
    fn fifths_are_no_bands() {
        Bands::per_octave(5, 100.0, 1000.0);
    }
}
