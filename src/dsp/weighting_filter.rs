//! Frequency weighting as streaming filters: the curves of [`super::weighting`] against time.
//!
//! A recursive part carries the steep low end, a linear-phase filter what is left of the curve, drawn by frequency
//! sampling:
//!
//! - A and C: every pole of IEC 61672-1 at e^(−2πf/rate) (matched z), the zeros at 0 Hz. The rest is smooth at every
//!   rate, the 12.2 kHz poles above Nyquist included; 63 taps leave 0.006 dB.
//! - Psophometric: three real poles and three zeros at 0 Hz fall as O.41 does below 300 Hz, to within 25 dB. The rest
//!   has the corners of the table, the sharpest for its frequency at 50 Hz, where the curve turns by 27 dB per decade:
//!   0.5 s of taps round it by 0.06 dB.
//!
//! Both hold 0.1 dB of the curve from 20 Hz to 0.4 of the rate at 8 to 96 kHz. The delay is that of the linear-phase
//! part, the same at all frequencies; the recursive part adds its own phase, as every meter's does.

use std::f64::consts::PI;

use super::filter::{Biquad, Cascade, fir_from_gain, kaiser, kaiser_beta};
use super::partition::BlockConvolver;
use super::spectrum::{Bin, Fft, fast_len, fft_convolve};
use super::weighting::{Curves, POLES_HZ, Weighting};

/// Taps of the linear-phase part of A and C.
const TAPS: usize = 63;
/// The real poles that stand for the low end of O.41, in Hz.
const PSOPHOMETRIC_POLES_HZ: [f64; 3] = [150.0, 250.0, 300.0];
/// How long the linear-phase part for O.41 is.
const PSOPHOMETRIC_SECONDS: f64 = 0.5;
/// Side lobes of its window. They lie under the correction, which spans 45 dB, not under the curve, which spans 85.
const PSOPHOMETRIC_STOP_DB: f64 = 54.0;
/// How often its design is corrected by what it misses.
const PSOPHOMETRIC_ROUNDS: usize = 3;
/// Below this frequency the linear-phase part goes on as it is here; the zeros at 0 Hz see to the rest.
const FLOOR_HZ: f64 = 8.0;

/// The two parts of a weighting at one rate.
struct Design {
    recursive: Cascade,
    /// Of odd length, symmetrical.
    fir: Vec<f64>,
}

impl Design {
    fn new(weighting: Weighting, rate: u32) -> Self {
        let (poles_hz, zeros): (Vec<f64>, usize) = match weighting {
            Weighting::Flat => return Self { recursive: Cascade::new(Vec::new()), fir: vec![1.0] },
            Weighting::A => {
                let [low, first, second, high] = POLES_HZ;
                (vec![low, low, first, second, high, high], 4)
            }
            Weighting::C => (vec![POLES_HZ[0], POLES_HZ[0], POLES_HZ[3], POLES_HZ[3]], 2),
            Weighting::Psophometric => (PSOPHOMETRIC_POLES_HZ.to_vec(), 3),
        };
        let poles: Vec<f64> = poles_hz.iter().map(|hz| (-2.0 * PI * hz / f64::from(rate)).exp()).collect();
        let curves = Curves::new(weighting);
        let rest = |freq_hz: f64| {
            let freq_hz = freq_hz.max(FLOOR_HZ);
            (curves.power_gain(freq_hz) / power_gain(&poles, zeros, freq_hz / f64::from(rate))).sqrt()
        };
        let fir = match weighting {
            Weighting::Psophometric => fir_by_correction(rate, rest),
            _ => fir_from_gain(rate, TAPS, rest),
        };
        Self { recursive: Cascade::new(sections(&poles, zeros)), fir }
    }
}

/// The power gain of real poles with zeros at 0 Hz, at a part of the rate. In this form nothing cancels at low
/// frequencies: |1 − z⁻¹|² = u², |1 − p·z⁻¹|² = (1 − p)² + p·u², with u = 2·sin(ω/2).
fn power_gain(poles: &[f64], zeros: usize, part: f64) -> f64 {
    let u2 = (2.0 * (PI * part).sin()).powi(2);
    u2.powi(zeros as i32) / poles.iter().map(|p| (1.0 - p).powi(2) + p * u2).product::<f64>()
}

/// Real poles in pairs, each section with as many of the zeros as it can take.
fn sections(poles: &[f64], zeros: usize) -> Vec<Biquad> {
    let mut left = zeros;
    poles
        .chunks(2)
        .map(|pair| {
            let (p, q) = (pair[0], pair.get(1).copied().unwrap_or(0.0));
            let here = left.min(pair.len());
            left -= here;
            let b = [[1.0, 0.0, 0.0], [1.0, -1.0, 0.0], [1.0, -2.0, 1.0]][here];
            Biquad { b, a: [-(p + q), p * q] }
        })
        .collect()
}

/// A linear-phase filter that follows `gain(Hz)`, by frequency sampling. A window rounds the corners of the curve; what
/// the result misses is added to what is asked for and the design made again, which takes away half of it.
fn fir_by_correction(rate: u32, gain: impl Fn(f64) -> f64) -> Vec<f64> {
    let half = (f64::from(rate) * PSOPHOMETRIC_SECONDS / 2.0).round() as usize;
    let grid = fast_len(8 * half);
    let wanted: Vec<f64> = (0..=grid / 2).map(|k| gain(f64::from(rate) * k as f64 / grid as f64)).collect();
    let beta = kaiser_beta(PSOPHOMETRIC_STOP_DB);
    let window: Vec<f64> = (0..=half).map(|n| kaiser(n as f64 / (half + 1) as f64, beta)).collect();
    let mut fft = Fft::new();
    let mut asked = wanted.clone();
    for round in 0.. {
        let bins: Vec<Bin> = asked.iter().map(|gain| Bin::new(*gain, 0.0)).collect();
        let mut taps = fft.inverse(&bins, grid);
        for n in 0..=grid / 2 {
            let weight = window.get(n).copied().unwrap_or(0.0);
            taps[n] *= weight;
            if n > 0 && n < grid - n {
                taps[grid - n] *= weight;
            }
        }
        if round == PSOPHOMETRIC_ROUNDS {
            return (0..=2 * half).map(|n| taps[half.abs_diff(n)]).collect();
        }
        let got = fft.forward(&taps);
        for ((asked, wanted), got) in asked.iter_mut().zip(&wanted).zip(&got) {
            *asked *= wanted / got.re;
        }
    }
    unreachable!("the rounds are counted")
}

/// A weighting as a streaming filter, block by block; allocates nothing after construction.
pub struct WeightingFilter {
    recursive: Cascade,
    rest: BlockConvolver<f64>,
    output: Vec<f64>,
    latency: usize,
}

impl WeightingFilter {
    /// A filter at rest for blocks of `block` frames.
    ///
    /// # Panics
    /// If `rate` or `block` is 0.
    pub fn new(weighting: Weighting, rate: u32, block: usize) -> Self {
        assert!(rate > 0, "a rate is positive");
        let Design { recursive, fir } = Design::new(weighting, rate);
        Self {
            recursive,
            rest: BlockConvolver::new(&fir, block),
            output: vec![0.0; block],
            latency: fir.len() / 2,
        }
    }

    /// The delay of the linear-phase part in frames: 31 for A and C, 0.25 s for psophometric weighting, 0 for flat.
    pub fn latency(&self) -> usize {
        self.latency
    }

    /// Weights one block in place.
    ///
    /// # Panics
    /// If `block` is not of the length that the filter was made for.
    pub fn process(&mut self, block: &mut [f64]) {
        self.recursive.process(block);
        self.rest.process(block, &mut self.output);
        block.copy_from_slice(&self.output);
    }

    /// Back to rest.
    pub fn reset(&mut self) {
        self.recursive.reset();
        self.rest.reset();
    }
}

/// The whole signal weighted, from rest; the delay of the linear-phase part is taken out and the length is kept.
///
/// # Panics
/// If `rate` is 0.
pub fn weighted(signal: &[f64], rate: u32, weighting: Weighting) -> Vec<f64> {
    assert!(rate > 0, "a rate is positive");
    if signal.is_empty() || weighting == Weighting::Flat {
        return signal.to_vec();
    }
    let Design { recursive, fir } = Design::new(weighting, rate);
    // The recursive part rings on after the end, and the linear-phase part looks half its length ahead.
    let mut padded = signal.to_vec();
    padded.resize(signal.len() + fir.len() / 2, 0.0);
    fft_convolve(&recursive.filtered(&padded), &fir)[fir.len() / 2..][..signal.len()].to_vec()
}

#[cfg(test)]
mod tests;
