//! The spectrum of a signal as the truth needs it, by a transform of its own: nothing of the meters is used.

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::sync::{Arc, LazyLock, Mutex};

use lombard::signals::Options;
use lombard::terms::Bandwidth;

use super::SIGNALS;

const RATE_HZ: f64 = 48_000.0;
/// The step in which the truth goes through a band: a 24th of a third octave, at most 3 Hz. The density is a mean over it.
fn step_hz(freq_hz: f64) -> f64 {
    (freq_hz * (10f64.powf(0.05) - 10f64.powf(-0.05)) / 24.0).min(3.0)
}

/// Power over frequency.
pub(crate) struct Density {
    /// The power below each bin.
    below: Vec<f64>,
    bin_hz: f64,
}

impl Density {
    /// The density of a whole record.
    pub(crate) fn of(samples: &[f64]) -> Self {
        let size = samples.len().next_power_of_two().max(2);
        let mut bins: Vec<(f64, f64)> = samples.iter().map(|x| (*x, 0.0)).collect();
        bins.resize(size, (0.0, 0.0));
        transform(&mut bins);
        let mut below = vec![0.0];
        for (re, im) in &bins[..size / 2] {
            below.push(below[below.len() - 1] + re * re + im * im);
        }
        Self { below, bin_hz: RATE_HZ / size as f64 }
    }

    /// The mean density around a frequency.
    pub(crate) fn at(&self, freq_hz: f64) -> f64 {
        let step_hz = step_hz(freq_hz);
        self.between(freq_hz - step_hz / 2.0, freq_hz + step_hz / 2.0) / step_hz
    }

    /// The power between two frequencies.
    pub(crate) fn between(&self, from_hz: f64, to_hz: f64) -> f64 {
        let bin = |hz: f64| ((hz / self.bin_hz).round().max(0.0) as usize).min(self.below.len() - 1);
        self.below[bin(to_hz)] - self.below[bin(from_hz)]
    }
}

/// The density of a signal of the catalogue, from where its analysis begins if `analyzed`, made once.
pub(crate) fn density_of(signal: &str, analyzed: bool) -> Arc<Density> {
    made(signal, analyzed, None)
}

/// The same of the signal as it is played into a call: limited to its band.
pub(crate) fn density_in_call(signal: &str, analyzed: bool, bandwidth: Bandwidth) -> Arc<Density> {
    made(signal, analyzed, Some(bandwidth))
}

fn made(signal: &str, analyzed: bool, band: Option<Bandwidth>) -> Arc<Density> {
    type Made = BTreeMap<(String, bool, Option<Bandwidth>), Arc<Density>>;
    static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap();
    let make = || {
        let signal = SIGNALS.library().make_limited(signal, 48_000, Options::default(), band).unwrap();
        let from = if analyzed { signal.analysis.start } else { 0 };
        Arc::new(Density::of(&signal.samples[from..]))
    };
    Arc::clone(made.entry((signal.to_owned(), analyzed, band)).or_insert_with(make))
}

/// The discrete Fourier transform in place, of a length that is a power of two (Cooley and Tukey).
fn transform(bins: &mut [(f64, f64)]) {
    let size = bins.len();
    let bits = size.trailing_zeros();
    for i in 0..size {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if i < j {
            bins.swap(i, j);
        }
    }
    let mut half = 1;
    while half < size {
        let turns: Vec<(f64, f64)> = (0..half)
            .map(|k| {
                let (im, re) = (-PI * k as f64 / half as f64).sin_cos();
                (re, im)
            })
            .collect();
        for group in bins.chunks_exact_mut(2 * half) {
            let (even, odd) = group.split_at_mut(half);
            for ((a, b), (re, im)) in even.iter_mut().zip(odd).zip(&turns) {
                let turned = (b.0 * re - b.1 * im, b.0 * im + b.1 * re);
                (*a, *b) = ((a.0 + turned.0, a.1 + turned.1), (a.0 - turned.0, a.1 - turned.1));
            }
        }
        half *= 2;
    }
}

#[test]
fn a_tone_lies_where_it_is() {
    let tone: Vec<f64> = (0..60_000).map(|n| (2.0 * PI * 1_000.5 * f64::from(n) / RATE_HZ).sin()).collect();
    let density = Density::of(&tone);
    let all = density.between(0.0, 24_000.0);
    assert!(density.between(995.0, 1_006.0) / all > 0.95 && 3.0 * density.at(1_000.5) / all > 0.7);
    // Parseval, with the negative frequencies as the other half
    let square: f64 = tone.iter().map(|x| x * x).sum();
    assert!((2.0 * all / (65_536.0 * square) - 1.0).abs() < 1e-6);
}
