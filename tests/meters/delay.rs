//! Delays that are known by construction: phases turned in numpy (`golden/delay.py`), sines at shifted times, whole frames
//! under noise.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use lombard::meters::delay::DelayRequest;
use lombard::units::Seconds;
use serde_json::Value;

use super::residual::{Residual, Truth, all_hold};
use super::sound::noise;
use crate::dsp_reference::wav;

const DATE: &str = "2026-11-25";
const PHASES: Truth = Truth { by: "phases turned in numpy 2.4.6 (golden/delay.py)", date: DATE };
const SCIPY: Truth =
    Truth { by: "correlation of scipy 1.17.1, 64 times finer (golden/delay.py)", date: DATE };
const SINES: Truth = Truth { by: "sines at shifted times", date: DATE };
const SHIFTED: Truth = Truth { by: "whole frames of shift", date: DATE };

fn request(min_s: f64, max_s: f64) -> DelayRequest {
    DelayRequest { min: Seconds(min_s), max: Seconds(max_s) }
}

/// Delay in frames, with the sign that was found.
fn measured(reference: &[f64], recording: &[f64], rate: u32) -> (f64, f64) {
    let read = request(-0.1, 0.5).measure(reference, recording, rate).unwrap();
    (read.found.delay.0 * f64::from(rate), read.found.polarity.sign())
}

fn golden() -> Vec<Residual> {
    let golden: Value = serde_json::from_str(include_str!("../golden/delay.json")).unwrap();
    let numbers =
        |value: &Value| value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect::<Vec<f64>>();
    let (mut against_truth, mut against_scipy) = (Vec::new(), Vec::new());
    for case in golden["cases"].as_array().unwrap() {
        let (delay, sign) = measured(&numbers(&case["reference"]), &numbers(&case["recording"]), 8000);
        assert_eq!(sign, case["polarity"].as_f64().unwrap());
        against_truth.push((case["delay_frames"].as_f64().unwrap(), delay));
        against_scipy.push((case["scipy_frames"].as_f64().unwrap(), delay));
    }
    let row =
        |points, truth| Residual::largest("delay", "noise, both polarities", "frames", points, 0.02, truth);
    vec![row(against_truth, PHASES), row(against_scipy, SCIPY)]
}

/// Lines between two frequencies, falling by a power of the frequency, at known times.
fn lines(seconds: f64, rate: u32, (lo_hz, hi_hz): (f64, f64), slope: f64, delay_frames: f64) -> Vec<f64> {
    let phases = noise(150, 9);
    let lines: Vec<(f64, f64, f64)> = (0..150)
        .map(|k| {
            let hz = lo_hz + (hi_hz - lo_hz) * (k as f64 + 0.3 * phases[k]) / 150.0;
            (TAU * hz, 7.0 * phases[149 - k], (hz / lo_hz).powf(slope))
        })
        .collect();
    (0..(seconds * f64::from(rate)) as usize)
        .map(|n| {
            let t = (n as f64 - delay_frames) / f64::from(rate);
            lines.iter().map(|(w, phase, gain)| gain * (w * t + phase).sin()).sum()
        })
        .collect()
}

fn sines() -> Vec<Residual> {
    [
        ("wide", 8000, (100.0, 3800.0), 0.0),
        ("wide", 44_100, (100.0, 18_000.0), 0.0),
        ("telephone band, −6 dB per octave", 48_000, (300.0, 3400.0), -1.0),
        ("100 Hz to 7 kHz, −3 dB per octave", 96_000, (100.0, 7000.0), -0.5),
    ]
    .into_iter()
    .map(|(name, rate, band, slope)| {
        let seconds = if rate > 40_000 { 0.5 } else { 1.0 };
        let reference = lines(seconds, rate, band, slope, 0.0);
        let points = [0.0, 0.25, 17.5, 333.02, -20.4].map(|delay| {
            let mut recording = lines(seconds, rate, band, slope, delay);
            if delay > 10.0 {
                for x in &mut recording {
                    *x = -*x;
                }
            }
            let (found, sign) = measured(&reference, &recording, rate);
            assert_eq!(sign, if delay > 10.0 { -1.0 } else { 1.0 });
            (delay, found)
        });
        Residual::largest("delay", format!("{name}, {rate} Hz"), "frames", points, 0.02, SINES)
    })
    .collect()
}

/// A copy of the reference late by whole frames, with noise of the same power.
fn noisy(reference: &[f64], late: usize, sign: f64, seed: u64) -> Vec<f64> {
    let disturbance = noise(reference.len() + late + 500, seed);
    let power = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>();
    let gain = (power(reference) / power(&disturbance[..reference.len()])).sqrt();
    let copy = |n: usize| n.checked_sub(late).and_then(|n| reference.get(n)).copied().unwrap_or(0.0);
    disturbance.iter().enumerate().map(|(n, x)| sign * copy(n) + gain * x).collect()
}

fn at_0_db() -> Vec<Residual> {
    let (speech, speech_rate) = wav("asl02_speech_en_16k.wav");
    let (css, css_rate) = wav("dly02_css_inverted_8k_ref.wav");
    let white = noise(8000, 5);
    // Low noise, by running means: −6 dB at 500 Hz.
    let colored: Vec<f64> = noise(16_000, 6).windows(20).map(|w| w.iter().sum::<f64>()).collect();
    [
        ("white noise", white, 8000, 200),
        ("low noise", colored, 16_000, 100),
        ("speech", speech, speech_rate, 20),
        ("composite source signal", css, css_rate, 20),
    ]
    .into_iter()
    .map(|(name, reference, rate, seeds)| {
        let points: Vec<(f64, f64)> = (0..seeds)
            .map(|seed| {
                let late = 37 + 91 * seed as usize % 1500;
                let sign = if seed % 2 == 0 { 1.0 } else { -1.0 };
                let (found, found_sign) =
                    measured(&reference, &noisy(&reference, late, sign, 1000 + seed), rate);
                assert_eq!(found_sign, sign, "{name} {seed}");
                (late as f64, found)
            })
            .collect();
        Residual::largest("delay", format!("{name} at 0 dB of noise"), "frames", points, 1.0, SHIFTED)
    })
    .collect()
}

pub(crate) static RESIDUALS: LazyLock<Vec<Residual>> =
    LazyLock::new(|| [golden(), sines(), at_0_db()].concat());

#[test]
fn delays_are_what_was_built_in() {
    all_hold(&RESIDUALS);
}

#[test]
fn a_twenty_fifth_of_a_frame_would_be_seen() {
    let reference = lines(1.0, 8000, (100.0, 3800.0), 0.0, 0.0);
    let (found, _) = measured(&reference, &lines(1.0, 8000, (100.0, 3800.0), 0.0, 17.54), 8000);
    assert!(!Residual::value("delay", "off", "frames", (17.5, found), 0.02, SINES).holds());
    assert!(Residual::value("delay", "right", "frames", (17.54, found), 0.02, SINES).holds());
}

#[test]
fn a_repeating_reference_is_not_found_a_period_off() {
    // What repeats exactly, recorded in full and cut off at the length of the reference.
    let period = noise(2800, 3);
    let reference: Vec<f64> =
        (0..28_000).map(|n| if (n / 2800) % 2 == 0 { period[n % 2800] } else { -period[n % 2800] }).collect();
    for (late, seed) in [(100, 1), (1500, 2), (3000, 3)] {
        let recording = noisy(&reference, late, 1.0, seed);
        for recording in [&recording[..], &recording[..reference.len()]] {
            let (found, sign) = measured(&reference, recording, 8000);
            assert!((found - late as f64).abs() < 1.0 && sign == 1.0, "{late}: {found} {sign}");
        }
    }
}

#[test]
fn lengths_may_differ() {
    let reference = noise(20_000, 4);
    let recording = noisy(&reference, 250, -1.0, 8);
    for (a, b) in [(&reference[..5000], &recording[..]), (&reference[..], &recording[..3000])] {
        let (found, sign) = measured(a, b, 8000);
        assert!((found - 250.0).abs() < 1.0 && sign == -1.0, "{found}");
    }
}
