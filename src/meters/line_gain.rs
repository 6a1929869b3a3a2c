//! The complex gain of a path at single frequencies, read from a broadband signal: the estimator H1 over a few hertz of
//! the spectra of two whole records that are aligned to the nearest frame.

use crate::dsp::spectrum::{Bin, Fft, fast_len};

/// What lies within this of a frequency is averaged: less than the response of a cabin changes over.
const REACH_HZ: f64 = 5.0;
/// A part of the reference this far below its mean density tells nothing.
const EMPTY_BELOW: f64 = 1e-6;

/// The spectra of a reference and of its recording.
#[derive(Debug, Clone)]
pub struct LineGain {
    reference: Vec<Bin>,
    recording: Vec<Bin>,
    bin_hz: f64,
    mean_power: f64,
}

impl LineGain {
    /// The relation between two records of one length and rate: the second is the answer to the first, to the nearest
    /// frame. Both hold all of it: nothing sounds at their ends.
    pub fn new(reference: &[f64], recording: &[f64], rate: u32) -> Self {
        let size = fast_len(reference.len().max(recording.len()));
        let mut fft = Fft::new();
        let reference = fft.padded(reference, size);
        let recording = fft.padded(recording, size);
        let mean_power = reference.iter().map(Bin::norm_sqr).sum::<f64>() / reference.len() as f64;
        Self { reference, recording, bin_hz: f64::from(rate) / size as f64, mean_power }
    }

    /// The gain around `hz`; `None` where the reference has nothing.
    pub fn at(&self, hz: f64) -> Option<Bin> {
        let bin = |hz: f64| ((hz / self.bin_hz).round().max(0.0) as usize).min(self.reference.len() - 1);
        let around = bin(hz - REACH_HZ)..=bin(hz + REACH_HZ);
        let count = around.clone().count() as f64;
        let (mut cross, mut power) = (Bin::new(0.0, 0.0), 0.0);
        for k in around {
            cross += self.reference[k].conj() * self.recording[k];
            power += self.reference[k].norm_sqr();
        }
        (power / count > EMPTY_BELOW * self.mean_power).then(|| cross / power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_at_single_frequencies() {
        let mut state = 1u64;
        let noise: Vec<f64> = (0..48_000)
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 11) as f64 / 2f64.powi(52) - 1.0
            })
            .collect();
        let mut reference = noise;
        reference.resize(50_000, 0.0);
        // Half of it, and a quarter two frames later.
        let recording: Vec<f64> = (0..50_000)
            .map(|n| 0.5 * reference[n] + if n < 2 { 0.0 } else { 0.25 * reference[n - 2] })
            .collect();
        let gain = LineGain::new(&reference, &recording, 48_000);
        for hz in [300.0, 1_000.0, 9_000.0] {
            let angle = -std::f64::consts::TAU * hz * 2.0 / 48e3;
            let expected = Bin::new(0.5 + 0.25 * angle.cos(), 0.25 * angle.sin());
            // The gain turns by a thousandth within the reach.
            assert!((gain.at(hz).unwrap() - expected).norm() < 1e-3, "{hz}");
        }
        assert_eq!(LineGain::new(&vec![0.0; 4_800], &vec![0.0; 4_800], 48_000).at(1_000.0), None);
    }
}
