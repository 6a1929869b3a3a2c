//! Limits a signal to a band: linear phase, −3 dB at its edges, more than 60 dB down from the stop frequencies on.
//!
//! A windowed-sinc low-pass with the upper edge, less a longer one with the lower edge. P.501 asks of such a filter
//! a stop-band of 60 dB and a ripple of less than 0.2 dB. The length of the signal and the places of its bursts
//! stay; the level on the signal's own basis is put back.

use std::f64::consts::PI;
use std::ops::Range;

use super::catalogue::{BandLimit, Edge, LevelBasis, SignalSpec};
use super::gate::level_over;
use super::lines::inverse_dft;
use super::{SignalError, speech};
use crate::dsp::filter::{kaiser, kaiser_beta, sinc};

/// Attenuation for which the windows are made; [`STOP_DB`] with a margin for the sum of two filters.
const WINDOW_DB: f64 = 70.0;

/// What is asked of the filter from the stop frequencies on.
pub const STOP_DB: f64 = 60.0;

/// Where the gain of such a low-pass is −3 dB: this far before its middle, in widths of its transition.
const HALF_POWER_BEFORE: f64 = 0.084;

/// Halvings of the search for the middle: beyond the last bit that matters.
const HALVINGS: usize = 40;

/// How often the gain for an active speech level is corrected.
const SPEECH_PASSES: usize = 4;

/// The filter of a band at `rate`: an odd number of taps, the delay is half of them.
///
/// The upper edge is left out where the rate ends before it.
pub fn filter(band: &BandLimit, rate: u32) -> Vec<f64> {
    // As a low-pass, the lower edge is −3 dB of what is taken away from: amplitude 1 − √½.
    let mut low = lowpass(band.low, rate, 1.0 - std::f64::consts::FRAC_1_SQRT_2);
    let sum: f64 = low.iter().sum();
    for tap in &mut low {
        *tap /= -sum;
    }
    let high = band.high.filter(|edge| 2.0 * edge.stop_hz <= f64::from(rate));
    let high = high.map_or(vec![1.0], |edge| lowpass(edge, rate, std::f64::consts::FRAC_1_SQRT_2));
    let (mut taps, other) = if low.len() >= high.len() { (low, high) } else { (high, low) };
    let offset = (taps.len() - other.len()) / 2;
    taps[offset..].iter_mut().zip(&other).for_each(|(tap, x)| *tap += x);
    taps
}

/// A low-pass whose amplitude is `amplitude` at the edge's −3 dB frequency, and whose transition ends at its stop
/// frequency, or begins there where that is below.
fn lowpass(edge: Edge, rate: u32, amplitude: f64) -> Vec<f64> {
    let rate = f64::from(rate);
    let room = libm::fabs(edge.stop_hz - edge.half_power_hz);
    let width = room / (0.5 + HALF_POWER_BEFORE);
    let half = libm::ceil((WINDOW_DB - 7.95) / (14.36 * width / rate) / 2.0) as usize;
    let beta = kaiser_beta(WINDOW_DB);
    let window: Vec<f64> = (0..=half).map(|n| kaiser(n as f64 / (half + 1) as f64, beta)).collect();
    let taps = |middle_hz: f64| -> Vec<f64> {
        let c = 2.0 * middle_hz / rate;
        window.iter().enumerate().map(|(n, w)| w * c * sinc(c * n as f64)).collect()
    };
    // Σ over both sides at the edge; the cosines are the same for every middle.
    let cosines: Vec<f64> =
        (0..=half).map(|n| libm::cos(2.0 * PI * edge.half_power_hz / rate * n as f64)).collect();
    let at_edge = |side: &[f64]| {
        side[0] + 2.0 * side.iter().zip(&cosines).skip(1).map(|(tap, cos)| tap * cos).sum::<f64>()
    };
    let (mut below, mut above) = (edge.half_power_hz - width, edge.half_power_hz + width);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (below + above);
        if at_edge(&taps(middle)) < amplitude {
            below = middle;
        } else {
            above = middle;
        }
    }
    let side = taps(0.5 * (below + above));
    side.iter().skip(1).rev().chain(&side).copied().collect()
}

/// The samples in the band, with the level on the basis of `spec` as before. `carries_level`: the frames of it.
pub(super) fn limited(
    spec: &SignalSpec,
    samples: &[f64],
    rate: u32,
    band: &BandLimit,
    carries_level: &[Range<usize>],
) -> Result<Vec<f64>, SignalError> {
    if spec.level_basis == LevelBasis::Silent || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let taps = filter(band, rate);
    // As if it went on at both ends: what repeats stays seamless, and no end is cut into the band.
    let (count, delay) = (samples.len(), taps.len() / 2);
    let around: Vec<f64> =
        (0..count + 2 * delay).map(|n| samples[(n + count * (delay / count + 1) - delay) % count]).collect();
    let mut out = convolve_centered(&around, &taps);
    out.drain(..delay);
    out.truncate(count);
    let level = |samples: &[f64]| match spec.level_basis {
        LevelBasis::ActiveSpeech => speech::active_rms_of(&spec.id, samples, rate),
        _ => Ok(level_over(samples, carries_level)),
    };
    let before = level(samples)?;
    if level(&out)? <= before * libm::pow(10.0, -STOP_DB / 20.0) {
        return Err(SignalError::Construction {
            id: spec.id.clone(),
            reason: format!("the band {} leaves nothing of it", band.bandwidth),
        });
    }
    // The thresholds of P.56 stand at fixed levels: its reading moves with the gain up to a tenth of a dB.
    let passes = if spec.level_basis == LevelBasis::ActiveSpeech { SPEECH_PASSES } else { 1 };
    for _ in 0..passes {
        // Whole bits of f32, as everywhere where a level makes samples.
        let gain = f64::from((before / level(&out)?) as f32);
        for x in &mut out {
            *x *= gain;
        }
    }
    Ok(out)
}

/// The signal through an odd number of symmetric taps without a shift, taken as 0 outside. Overlap-add with the
/// project's own transform: portable to the bit, and fast for the thousands of taps of a lower edge.
fn convolve_centered(samples: &[f64], taps: &[f64]) -> Vec<f64> {
    let size = (4 * taps.len()).next_power_of_two().max(4_096);
    let step = size - taps.len() + 1;
    let mut response = vec![(0.0, 0.0); size];
    response.iter_mut().zip(taps).for_each(|(bin, tap)| bin.0 = *tap);
    let response = forward_dft(&response);
    let mut out = vec![0.0; samples.len() + taps.len() - 1];
    // Two blocks at once: the taps are real, so real and imaginary part don't mix.
    for (pair, blocks) in samples.chunks(2 * step).enumerate() {
        let (first, second) = blocks.split_at(step.min(blocks.len()));
        let mut packed = vec![(0.0, 0.0); size];
        packed.iter_mut().zip(first).for_each(|(bin, x)| bin.0 = *x);
        packed.iter_mut().zip(second).for_each(|(bin, x)| bin.1 = *x);
        let spectrum: Vec<(f64, f64)> = forward_dft(&packed)
            .into_iter()
            .zip(&response)
            .map(|((a, b), &(c, d))| (a * c - b * d, a * d + b * c))
            .collect();
        let filtered = inverse_dft(&spectrum);
        let start = pair * 2 * step;
        for (n, (re, im)) in filtered.into_iter().enumerate() {
            if let Some(x) = out.get_mut(start + n) {
                *x += re / size as f64;
            }
            if let Some(x) = out.get_mut(start + step + n).filter(|_| !second.is_empty()) {
                *x += im / size as f64;
            }
        }
    }
    let delay = taps.len() / 2;
    out[delay..delay + samples.len()].to_vec()
}

/// Σ_n x\[n\]·exp(−2πikn/N), by the inverse transform of the conjugate.
fn forward_dft(x: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let conjugate: Vec<(f64, f64)> = x.iter().map(|(re, im)| (*re, -im)).collect();
    inverse_dft(&conjugate).into_iter().map(|(re, im)| (re, -im)).collect()
}
