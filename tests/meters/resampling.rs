//! The rate converter against tones, between all rates: what passes is the tone, what the lower rate cannot hold is gone.

use std::sync::LazyLock;

use lombard::dsp::resample::resample;

use super::residual::{Residual, Truth, all_hold};
use super::sound::tone;

const TONES: Truth = Truth { by: "tones at both rates", date: "2026-11-25" };
const RATES: [u32; 6] = [8000, 16_000, 32_000, 44_100, 48_000, 96_000];
/// −100 dB.
const FLOOR: f64 = 1e-5;

/// The largest difference from the tone, sample by sample, away from the ends of the record.
fn off(from: u32, to: u32, freq_hz: f64, truth_amplitude: f64) -> f64 {
    let frames = (from / 10) as usize;
    let out = resample(&tone(frames, from, freq_hz, 0.4), from, to);
    let expected = tone(out.len(), to, freq_hz, 0.4);
    let margin = 80 * to as usize / from.min(to) as usize;
    out.iter()
        .zip(&expected)
        .skip(margin)
        .take(out.len() - 2 * margin)
        .fold(0.0, |most: f64, (y, x)| most.max((y - truth_amplitude * x).abs()))
}

fn between(lower: u32) -> Vec<Residual> {
    let pairs: Vec<(u32, u32)> = RATES
        .into_iter()
        .filter(|other| *other > lower)
        .flat_map(|other| [(lower, other), (other, lower)])
        .collect();
    let nyquist_hz = f64::from(lower) / 2.0;
    let passed = pairs.iter().flat_map(|&(from, to)| {
        [0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.87, 0.9].map(|part| (0.0, off(from, to, part * nyquist_hz, 1.0)))
    });
    let down = pairs.iter().filter(|(from, to)| from > to);
    let stopped = down.flat_map(|&(from, to)| {
        [1.0, 1.01, 1.1, 1.3, 1.7, 2.3, 4.1]
            .into_iter()
            .map(|part| part * nyquist_hz)
            .filter(move |freq_hz| *freq_hz < 0.49 * f64::from(from))
            .map(move |freq_hz| (0.0, off(from, to, freq_hz, 0.0)))
    });
    let case = |what| format!("{what} {lower} Hz, between it and all higher rates");
    vec![
        Residual::largest(
            "Rate conversion",
            case("tones up to 0.9 of half of"),
            "of 1",
            passed,
            FLOOR,
            TONES,
        ),
        Residual::largest(
            "Rate conversion",
            case("what is left of tones above half of"),
            "of 1",
            stopped,
            FLOOR,
            TONES,
        ),
    ]
}

pub(crate) static RESIDUALS: LazyLock<Vec<Residual>> =
    LazyLock::new(|| RATES[..5].iter().flat_map(|lower| between(*lower)).collect());

#[test]
fn tones_pass_or_are_gone() {
    all_hold(&RESIDUALS);
}

#[test]
fn a_ripple_of_a_thousandth_of_a_decibel_would_be_seen() {
    assert!(off(48_000, 16_000, 1000.0, 1.0) < FLOOR);
    assert!(off(48_000, 16_000, 1000.0, 1.0 + 1.2e-4) > FLOOR);
    // In the transition a tone neither passes nor is gone.
    let between = off(48_000, 16_000, 7600.0, 1.0);
    assert!(between > 0.1, "{between}");
}
