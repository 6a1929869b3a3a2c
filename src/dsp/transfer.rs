//! The linear relation between two simultaneous signals: transfer function and coherence by averaging.
//!
//! With the averaged densities Gxx, Gyy and the cross-density Gxy: H = Gxy/Gxx (the estimator H1, in
//! which noise on the output averages out), γ² = |Gxy|²/(Gxx·Gyy), and γ²·Gyy is that part of the
//! output which follows the input linearly. Without any relation γ² does not read 0 but about one over
//! the number of independent segments.

use super::DspError;
use super::spectrum::{Bin, Fft, Psd, WelchSettings, density_scale, for_each_segment, sides};

/// Averaged one-sided densities of an input and an output, and between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// The density of the input.
    pub input: Psd,
    /// The density of the output.
    pub output: Psd,
    /// The cross-density conj(X)·Y, scaled like the others.
    pub cross: Vec<Bin>,
    /// How many segments were averaged (overlapping ones included).
    pub segments: usize,
}

impl Transfer {
    /// The averaged densities of two signals that are aligned and of one length (the longer one's
    /// rest is left out). A delay between them that is not small against a segment reads as loss of
    /// coherence: align first.
    pub fn new(input: &[f64], output: &[f64], rate: u32, settings: &WelchSettings) -> Result<Self, DspError> {
        let bins = settings.size / 2 + 1;
        let len = input.len().min(output.len());
        let (mut xx, mut yy) = (vec![0.0; bins], vec![0.0; bins]);
        let mut xy = vec![Bin::new(0.0, 0.0); bins];
        let window = settings.window.values(settings.size);
        let mut fft = Fft::new();
        let segments = for_each_segment(&input[..len], settings, |start, x| {
            let segment = &output[start..start + settings.size];
            let windowed: Vec<f64> = segment.iter().zip(&window).map(|(y, w)| y * w).collect();
            let y = fft.forward(&windowed);
            for k in 0..bins {
                xx[k] += x[k].norm_sqr();
                yy[k] += y[k].norm_sqr();
                xy[k] += x[k].conj() * y[k];
            }
        })?;
        let scale = density_scale(rate, settings) / segments as f64;
        for k in 0..bins {
            let scale = scale * sides(k, settings.size);
            xx[k] *= scale;
            yy[k] *= scale;
            xy[k] *= scale;
        }
        let psd = |density| Psd {
            bin_hz: f64::from(rate) / settings.size as f64,
            nyquist_hz: f64::from(rate) / 2.0,
            density,
        };
        Ok(Self { input: psd(xx), output: psd(yy), cross: xy, segments })
    }

    /// The transfer function H1 at every bin; NaN where the input has nothing.
    pub fn response(&self) -> Vec<Bin> {
        self.cross.iter().zip(&self.input.density).map(|(xy, xx)| xy / xx).collect()
    }

    /// The coherence γ² at every bin, 0 … 1; NaN where one of the signals has nothing.
    pub fn coherence(&self) -> Vec<f64> {
        let densities = self.input.density.iter().zip(&self.output.density);
        self.cross.iter().zip(densities).map(|(xy, (xx, yy))| xy.norm_sqr() / (xx * yy)).collect()
    }

    /// The density of that part of the output which follows the input, γ²·Gyy; 0 where the input has
    /// nothing.
    pub fn coherent_output(&self) -> Psd {
        let density = self
            .cross
            .iter()
            .zip(&self.input.density)
            .map(|(xy, &xx)| if xx == 0.0 { 0.0 } else { xy.norm_sqr() / xx })
            .collect();
        Psd { density, ..self.output }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::filter::Cascade;

    fn noise(count: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / 2f64.powi(52) - 1.0
        })
        .take(count)
        .collect()
    }

    #[test]
    fn the_response_of_a_known_filter_is_read_through_noise() {
        let x = noise(400_000, 1);
        let filter = Cascade::butterworth_lowpass(2, 8000, 1000.0);
        let mut y = filter.clone().filtered(&x);
        for (y, v) in y.iter_mut().zip(noise(400_000, 77)) {
            *y += 0.3 * v;
        }
        let transfer = Transfer::new(&x, &y, 8000, &WelchSettings::hann(512)).unwrap();
        let (response, coherence) = (transfer.response(), transfer.coherence());
        for k in [16, 64, 100] {
            let freq_hz = k as f64 * transfer.input.bin_hz;
            let gain = 20.0 * response[k].norm().log10();
            // 1 561 overlapping segments and γ² of 0.5 at worst: about 0.2 dB of standard deviation.
            assert!((gain - filter.gain_db(8000, freq_hz)).abs() < 0.5, "{freq_hz}: {gain}");
            let power = 10f64.powf(filter.gain_db(8000, freq_hz) / 10.0);
            assert!((coherence[k] - power / (power + 0.09)).abs() < 0.05, "{freq_hz}: {}", coherence[k]);
        }
        // What follows the input is the filtered part: the noise of 0.09/3 is left out.
        let filtered: f64 = filter.filtered(&x).iter().map(|v| v * v).sum::<f64>() / 400_000.0;
        let coherent = transfer.coherent_output().total_power();
        assert!((coherent / filtered - 1.0).abs() < 0.02, "{coherent} {filtered}");
        assert!(transfer.output.total_power() > filtered + 0.028);
    }

    #[test]
    fn a_sign_and_a_gain_are_exact() {
        let x = noise(4096, 3);
        let y: Vec<f64> = x.iter().map(|v| -0.01 * v).collect();
        let transfer = Transfer::new(&x, &y, 8000, &WelchSettings::hann(256)).unwrap();
        assert!(transfer.response().iter().all(|h| (h + Bin::new(0.01, 0.0)).norm() < 1e-12));
        assert!(transfer.coherence().iter().all(|c| (c - 1.0).abs() < 1e-9));
    }

    #[test]
    fn unrelated_signals_cohere_by_one_over_the_segments() {
        let settings = WelchSettings { overlap: 0.0, ..WelchSettings::hann(256) };
        let transfer = Transfer::new(&noise(256 * 50, 5), &noise(256 * 50, 6), 8000, &settings).unwrap();
        let coherence = transfer.coherence();
        let mean = coherence.iter().sum::<f64>() / coherence.len() as f64;
        assert_eq!(transfer.segments, 50);
        // 129 bins of a quantity as wide as its mean: 0.02 ± 0.002.
        assert!((0.014..0.026).contains(&mean), "{mean}");
    }

    #[test]
    fn nothing_in_gives_no_number() {
        let transfer = Transfer::new(&[0.0; 512], &noise(512, 1), 8000, &WelchSettings::hann(256)).unwrap();
        assert!(transfer.response()[10].re.is_nan() && transfer.coherence()[10].is_nan());
        assert_eq!(transfer.coherent_output().total_power(), 0.0);
        let short = Transfer::new(&[0.0; 512], &[0.0; 100], 8000, &WelchSettings::hann(256));
        assert_eq!(short, Err(DspError::TooShort { needed: 256, found: 100 }));
    }
}
