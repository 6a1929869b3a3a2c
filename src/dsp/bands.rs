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
