//! Exponential sweeps: sin(2π·f1·T/R·(e^(t·R/T) − 1)) with R = ln(f2/f1), after Farina.
//!
//! Every octave takes the same time, so that the spectrum falls by 3 dB per octave and the distortion products of
//! a device arrive before its linear response.

use std::f64::consts::TAU;

use super::catalogue::Sweep;

/// `count` samples of the sweep at `rate`; it reaches its last frequency at their end.
pub fn render(spec: &Sweep, rate: u32, count: usize) -> Vec<f64> {
    let seconds = count as f64 / f64::from(rate);
    let ratio = libm::log(spec.span_hz.end / spec.span_hz.start);
    let turns_scale = spec.span_hz.start * seconds / ratio;
    let mut samples: Vec<f64> = (0..count)
        .map(|n| {
            let turns = turns_scale * libm::expm1(n as f64 / count as f64 * ratio);
            libm::sin(TAU * (turns - libm::floor(turns)))
        })
        .collect();
    fade(&mut samples, spec.fade_s * f64::from(rate));
    samples
}

/// Raised-cosine fade over `frames` at both ends.
pub(super) fn fade(samples: &mut [f64], frames: f64) {
    let count = samples.len();
    let whole = (libm::round(frames) as usize).min(count / 2);
    for n in 0..whole {
        // The gain stands between the samples: 0 before the first, 1 after the last of the fade.
        let gain = 0.5 - 0.5 * libm::cos(TAU / 2.0 * (n as f64 + 0.5) / whole as f64);
        samples[n] *= gain;
        samples[count - 1 - n] *= gain;
    }
}
