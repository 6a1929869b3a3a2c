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
        self.with_scatter(hz).map(|(gain, _)| gain)
    }

    /// The gain around `hz`, and its standard deviation as a share of it, by how far the recording misses it from bin to
    /// bin: by noise, by what is not linear, by a gain that is not the same over the reach.
    pub fn with_scatter(&self, hz: f64) -> Option<(Bin, f64)> {
        let bin = |hz: f64| ((hz / self.bin_hz).round().max(0.0) as usize).min(self.reference.len() - 1);
        let around = bin(hz - REACH_HZ)..=bin(hz + REACH_HZ);
        let count = around.clone().count() as f64;
        let (mut cross, mut power, mut squares) = (Bin::new(0.0, 0.0), 0.0, 0.0);
        for k in around.clone() {
            cross += self.reference[k].conj() * self.recording[k];
            power += self.reference[k].norm_sqr();
            squares += self.reference[k].norm_sqr().powi(2);
        }
        let is_empty = power / count <= EMPTY_BELOW * self.mean_power;
        if is_empty {
            return None;
        }
        let gain = cross / power;
        let missed: f64 = around.map(|k| (self.recording[k] - gain * self.reference[k]).norm_sqr()).sum();
        // A signal that repeats is strong in few bins, and so is what is not linear of it: so many alike would weigh as much.
        // One of them is used up by the gain. For noise, which lies in every bin, this is up to twice as careful.
        let alike = (power * power / squares - 1.0).max(1.0);
        Some((gain, (missed / power / alike).sqrt() / gain.norm()))
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
            let (found, scatter) = gain.with_scatter(hz).unwrap();
            assert!((found - expected).norm() < 1e-3, "{hz}");
            assert!(scatter < 1e-3, "{hz}: {scatter}");
        }
        // Noise 20 dB down, by another seed's turn of the same noise: a tenth, over as many bins as lie within the reach.
        let noisy: Vec<f64> =
            (0..50_000).map(|n| reference[n] + 0.1 * reference[(n * 7 + 11) % 48_000]).collect();
        let noisy = LineGain::new(&reference, &noisy, 48_000);
        let (mut off, mut told, mut count) = (0.0, 0.0, 0.0f64);
        for hz in (300..9_000).step_by(50).map(f64::from) {
            let (found, scatter) = noisy.with_scatter(hz).unwrap();
            off += (found - Bin::new(1.0, 0.0)).norm_sqr();
            told += scatter * scatter;
            count += 1.0;
        }
        let (off, told) = ((off / count).sqrt(), (told / count).sqrt());
        // 11 bins lie within the reach. Their powers spread as those of noise do, so that 5.5 alike would weigh as much, of
        // which one is used up: told is √(11/4.5) = 1.56 of what noise makes, which lies in every bin alike.
        assert!(off < told && told < 1.8 * off, "{off} {told}");
        assert!((0.01..0.06).contains(&told), "{told}");
        assert_eq!(LineGain::new(&vec![0.0; 4_800], &vec![0.0; 4_800], 48_000).at(1_000.0), None);
    }
}
