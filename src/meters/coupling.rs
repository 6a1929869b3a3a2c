//! Coupling loss by G.122: what of a signal that arrives at the POI goes back, weighted over log frequency.
//!
//! Loss = C − 10·log10 Σ (A_i + A_(i−1))·(log10 f_i − log10 f_(i−1)), A the power ratio of echo and signal by third octave
//! (G.122 clause B.4); C makes a flat loss return itself (3.24 dB for 300 to 3 400 Hz). The edges are no midbands: the end
//! values are held to them, else TCLw would read 0.23 dB too much.
//!
//! Bands in which the recording is less than 6 dB above the idle noise may be noise. Where more than a tenth of the sum
//! may be noise the loss is a bound: the true one is at least as large.

use super::band_energy::Recorded;
use crate::dsp::bands::Bands;

/// What part of the weighted sum may be noise before the loss is a bound: 0.46 dB.
pub const NOISE_SHARE_MAX: f64 = 0.1;

/// Energies of a stimulus and of its echo by band.
#[derive(Debug, Clone, PartialEq)]
pub struct Echo {
    /// The bands.
    pub bands: Bands,
    /// The energies of the stimulus.
    pub input: Vec<f64>,
    /// Those of the echo, beside the noise.
    pub output: Recorded,
}

/// A weighted loss, and how much of the sum behind it may be noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighted {
    /// The loss in dB; the true one is at least this.
    pub loss_db: f64,
    /// The part of the sum that may be noise, 0 … 1.
    pub noise_share: f64,
}

impl Weighted {
    /// Whether the loss is no more than a bound. NaN is.
    pub fn is_noise_limited(&self) -> bool {
        self.noise_share.is_nan() || self.noise_share > NOISE_SHARE_MAX
    }
}

impl Echo {
    fn ratios(&self, energies: &[f64]) -> Vec<f64> {
        energies.iter().zip(&self.input).map(|(out, input)| out / input).collect()
    }

    /// The positions of the bands that noise hides.
    pub fn hidden(&self) -> Vec<usize> {
        (0..self.bands.len()).filter(|&i| self.output.is_noise(i)).collect()
    }

    /// The loss by G.122 B.4 between two edges in Hz.
    pub fn weighted(&self, band_hz: (f64, f64)) -> Weighted {
        let midbands_hz: Vec<f64> = self.bands.iter().map(|band| band.midband_hz).collect();
        let sum = |energies: &[f64]| trapezoid(&midbands_hz, &self.ratios(energies), band_hz);
        let whole = sum(&self.output.total);
        let may_be_noise: Vec<f64> = (0..self.bands.len())
            .map(|i| if self.output.is_noise(i) { self.output.total[i] } else { self.output.noise[i] })
            .collect();
        Weighted {
            loss_db: constant_db(band_hz) - 10.0 * whole.log10(),
            noise_share: sum(&may_be_noise) / whole,
        }
    }

    /// The loss of each band in dB, noise included.
    pub fn band_loss_db(&self) -> Vec<f64> {
        self.ratios(&self.output.total).iter().map(|ratio| -10.0 * ratio.log10()).collect()
    }
}

/// The constant that makes a flat loss return itself: 3.24 dB for 300 to 3 400 Hz, 5.80 dB for 100 to 8 000 Hz.
pub fn constant_db((lo_hz, hi_hz): (f64, f64)) -> f64 {
    10.0 * (2.0 * (hi_hz / lo_hz).log10()).log10()
}

/// A midband frequency that is an edge, as 100 Hz is, lies inside although its last bits say less.
const NEARLY: f64 = 1.0 - 1e-9;

/// Σ (A_i + A_{i−1})·(log10 f_i − log10 f_{i−1}) of G.122 B.4 between two edges, the end values held to the edges.
pub fn trapezoid(midbands_hz: &[f64], ratios: &[f64], (lo_hz, hi_hz): (f64, f64)) -> f64 {
    let inside = midbands_hz.iter().zip(ratios).filter(|(hz, _)| lo_hz * NEARLY <= **hz && **hz <= hi_hz);
    let mut points: Vec<(f64, f64)> = inside.map(|(hz, ratio)| (*hz, *ratio)).collect();
    let (Some(&first), Some(&last)) = (points.first(), points.last()) else { return f64::NAN };
    points.insert(0, (lo_hz, first.1));
    points.push((hi_hz, last.1));
    points.windows(2).map(|pair| (pair[0].1 + pair[1].1) * (pair[1].0 / pair[0].0).log10()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_those_of_the_standards() {
        assert!((constant_db((300.0, 3400.0)) - 3.24).abs() < 5e-3);
        assert!((constant_db((100.0, 8000.0)) - 5.80).abs() < 5e-3);
    }

    #[test]
    fn a_flat_loss_returns_itself() {
        for band_hz in [(300.0, 3400.0), (100.0, 8000.0)] {
            let bands = Bands::third_octave(band_hz.0, band_hz.1);
            let hz: Vec<f64> = bands.iter().map(|band| band.midband_hz).collect();
            let sum = trapezoid(&hz, &vec![1e-4; hz.len()], band_hz);
            assert!((constant_db(band_hz) - 10.0 * sum.log10() - 40.0).abs() < 1e-9, "{band_hz:?}");
        }
    }

    #[test]
    fn an_edge_that_is_a_midband_keeps_its_own_value() {
        let bands = Bands::third_octave(100.0, 8000.0);
        let hz: Vec<f64> = bands.iter().map(|band| band.midband_hz).collect();
        let mut ratios = vec![0.0; hz.len()];
        ratios[0] = 1.0;
        assert!((trapezoid(&hz, &ratios, (100.0, 8000.0)) - 0.1).abs() < 1e-9);
    }

    #[test]
    fn a_loss_proportional_to_frequency_has_its_closed_form() {
        // A = f/1000: the trapezoid over log f between midbands, done by hand with the ratio r = 10^0.1:
        // Σ (f_i + f_{i−1})·0.1/1000, and two held ends.
        let hz: Vec<f64> = (-5..=5).map(|n| 1000.0 * 10f64.powf(f64::from(n) / 10.0)).collect();
        let ratios: Vec<f64> = hz.iter().map(|f| f / 1000.0).collect();
        let inner: f64 =
            (-4..=5).map(|n| 0.1 * 10f64.powf(f64::from(n) / 10.0) * (1.0 + 10f64.powf(-0.1))).sum();
        let low = 2.0 * ratios[0] * (hz[0] / 300.0).log10();
        let high = 2.0 * ratios[10] * (3400.0 / hz[10]).log10();
        let sum = trapezoid(&hz, &ratios, (300.0, 3400.0));
        assert!((sum - (inner + low + high)).abs() < 1e-12, "{sum}");
    }
}
