//! Energies by band of whole records, and what of a recording may be noise.

use std::ops::Range;

use crate::calibration::ear::Equalizer;
use crate::dsp::bands::Bands;
use crate::dsp::spectrum::{fast_len, power_spectrum};

/// A band in which the recording is less than this above the idle noise says nothing about the signal.
pub const ABOVE_NOISE_MIN_DB: f64 = 6.0;

/// The energy of each band in a part of a signal, in unit² frames. The record is analyzed whole, without window, so that
/// no part of a transient is lost; zeros are appended to a length that transforms fast.
pub fn band_energies(part: &[f64], rate: u32, bands: &Bands) -> Vec<f64> {
    energies_at_ear(part, rate, bands, &Equalizer::default())
}

/// The same of what an ear-drum heard, in the field that it is equalized to.
fn energies_at_ear(part: &[f64], rate: u32, bands: &Bands, ear: &Equalizer) -> Vec<f64> {
    let mut padded = part.to_vec();
    padded.resize(fast_len(part.len()), 0.0);
    let spectrum = ear.equalized(power_spectrum(&padded, rate));
    bands.powers(&spectrum).iter().map(|power| power * padded.len() as f64).collect()
}

/// What was recorded in each band, and what of it may be noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Energies with the noise in them.
    pub total: Vec<f64>,
    /// Energies of the idle noise in a window of the same length.
    pub noise: Vec<f64>,
}

impl Recorded {
    /// Reads a window of a recording, and an idle part of it or of another one made the same way.
    pub fn read(window: &[f64], idle: &[f64], rate: u32, bands: &Bands) -> Self {
        Self::read_at_ear(window, idle, rate, bands, &Equalizer::default())
    }

    /// The same of what an ear-drum heard, in the field that it is equalized to.
    pub fn read_at_ear(window: &[f64], idle: &[f64], rate: u32, bands: &Bands, ear: &Equalizer) -> Self {
        let share = window.len() as f64 / idle.len().max(1) as f64;
        let noise = energies_at_ear(idle, rate, bands, ear).iter().map(|energy| energy * share).collect();
        Self { total: energies_at_ear(window, rate, bands, ear), noise }
    }

    /// Whether a band cannot be told from noise.
    pub fn is_noise(&self, band: usize) -> bool {
        let total = self.total[band];
        // NaN stands out of nothing.
        let stands_out = total > 0.0 && total >= self.noise[band] * 10f64.powf(ABOVE_NOISE_MIN_DB / 10.0);
        !stands_out
    }

    /// The energies without the noise; 0 where there is nothing else.
    pub fn without_noise(&self) -> Vec<f64> {
        self.total.iter().zip(&self.noise).map(|(total, noise)| (total - noise).max(0.0)).collect()
    }
}

/// The positions at which a signal has nothing: more than `below_db` under the whole of it.
pub fn empty_bands(energies: &[f64], positions: Range<usize>, below_db: f64) -> Vec<usize> {
    let floor = energies.iter().sum::<f64>() * 10f64.powf(-below_db / 10.0);
    // NaN has nothing either.
    positions.filter(|&i| energies[i].is_nan() || energies[i] <= floor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energies_do_not_depend_on_the_length_of_the_window() {
        let bands = Bands::third_octave(1000.0, 1000.0);
        let tone = |frames: usize| -> Vec<f64> {
            let mut part: Vec<f64> =
                (0..4800).map(|n| (std::f64::consts::TAU * 1000.0 / 48e3 * f64::from(n)).sin()).collect();
            part.resize(frames, 0.0);
            part
        };
        let short = band_energies(&tone(4801), 48_000, &bands)[0];
        let long = band_energies(&tone(20_011), 48_000, &bands)[0];
        // The tone has 2400 unit² frames; a burst of 0.1 s keeps 99 % of it within the band. Bins that an edge cuts
        // are wide for the short one: 0.01 dB.
        assert!((short / 2400.0 - 1.0).abs() < 0.01 && (long / short - 1.0).abs() < 2e-3, "{short} {long}");
    }

    #[test]
    fn noise_is_told_by_six_decibels() {
        let recorded = Recorded { total: vec![3.9, 4.0, 0.5], noise: vec![1.0; 3] };
        assert_eq!([recorded.is_noise(0), recorded.is_noise(1), recorded.is_noise(2)], [true, false, true]);
        assert_eq!(recorded.without_noise(), [2.9, 3.0, 0.0]);
    }
}
