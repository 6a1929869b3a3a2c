//! Sounds that the golden scripts make too, or that are known at every instant.

use std::f64::consts::TAU;

/// The noise of `golden/dsp.py`: a 64-bit linear congruential generator, uniform from −1 to 1, exact.
pub(crate) fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / 2f64.powi(52) - 1.0
    })
    .take(count)
    .collect()
}

/// A tone of full scale.
pub(crate) fn tone(count: usize, rate: u32, freq_hz: f64, phase: f64) -> Vec<f64> {
    (0..count).map(|n| (TAU * freq_hz * n as f64 / f64::from(rate) + phase).sin()).collect()
}

pub(crate) fn db(power: f64) -> f64 {
    10.0 * power.log10()
}
