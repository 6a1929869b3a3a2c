//! Known delays between known signals, by construction.

use super::*;
use crate::dsp::filter::Cascade;
use std::f64::consts::TAU;

/// White noise, uniform, seeded.
fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / 2f64.powi(52) - 1.0
    })
    .take(count)
    .collect()
}

/// A composite source signal at `t` seconds, known between samples: voiced harmonics, 200 ms of
/// lines that repeat after 185.8 ms, a pause; the sign changes every 350 ms.
struct Composite {
    lines: Vec<(f64, f64, f64)>,
}

impl Composite {
    fn new(seed: u64) -> Self {
        let spacing_hz = 44_100.0 / 8192.0;
        let phases = noise(1200, seed);
        let lines = (40..700)
            .filter(|k| phases[k + 400] > 0.4)
            .map(|k| {
                let hz = k as f64 * spacing_hz;
                (hz * TAU, TAU * phases[k], 1.0 / (1.0 + hz / 1000.0))
            })
            .collect();
        Self { lines }
    }

    fn render(&self, seconds: f64, rate: u32, delay_s: f64) -> Vec<f64> {
        let rate = f64::from(rate);
        (0..(seconds * rate) as usize).map(|n| self.at(n as f64 / rate - delay_s, 4.0)).collect()
    }

    fn at(&self, t: f64, end: f64) -> f64 {
        if t < 0.0 || t >= end {
            return 0.0;
        }
        let sign = if ((t / 0.35) as u64).is_multiple_of(2) { 1.0 } else { -1.0 };
        match t % 0.35 {
            u if u < 0.0486 => {
                let voiced: f64 =
                    (1..12).map(|k| (TAU * 329.1 * f64::from(k) * u).sin() / f64::from(k)).sum();
                sign * 12.0 * voiced
            }
            u if u < 0.2486 => {
                sign * self.lines.iter().map(|(w, phase, gain)| gain * (w * u + phase).sin()).sum::<f64>()
            }
            _ => 0.0,
        }
    }
}

fn add_noise(signal: &mut [f64], snr_db: f64, seed: u64) {
    let power = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>();
    let noise = noise(signal.len(), seed);
    let gain = (power(signal) / power(&noise) * 10f64.powf(-snr_db / 10.0)).sqrt();
    for (x, v) in signal.iter_mut().zip(&noise) {
        *x += gain * v;
    }
}

fn search(min_ms: f64, max_ms: f64) -> DelaySearch {
    DelaySearch::between(Seconds(min_ms / 1e3), Seconds(max_ms / 1e3))
}

fn frames(delay: &Delay, rate: u32) -> f64 {
    delay.delay.0 * f64::from(rate)
}

#[test]
fn delays_between_frames_are_found_to_a_fiftieth_of_a_frame() {
    // Sines at known phases: the delayed copy needs no interpolation.
    let phases = noise(300, 3);
    let wave = |t: f64| -> f64 {
        (0..300).map(|k| (TAU * (60.0 + 23.0 * f64::from(k) + 9.0 * phases[k as usize]) * t).sin()).sum()
    };
    let rate = 16_000;
    let at = |delay_frames: f64| -> Vec<f64> {
        (0..16_000).map(|n| wave((f64::from(n) - delay_frames) / f64::from(rate))).collect()
    };
    let reference = at(0.0);
    for delay_frames in [0.0, 0.5, 12.25, 99.9, 400.01, -7.37] {
        let found = find_delay(&reference, &at(delay_frames), rate, &search(-20.0, 60.0)).unwrap();
        let error = (frames(&found, rate) - delay_frames).abs();
        assert!(error < 0.02, "{delay_frames}: {found:?}");
        assert_eq!(found.polarity, Polarity::Upright);
    }
}

#[test]
fn an_inverted_composite_signal_is_found_to_a_frame_at_0_db() {
    let composite = Composite::new(1);
    let rate = 8000;
    let reference = composite.render(4.0, rate, 0.0);
    for (delay_s, seed) in [(0.0123375, 1), (0.18, 2), (0.401, 3)] {
        let mut recording: Vec<f64> = composite.render(4.6, rate, delay_s).iter().map(|x| -x).collect();
        add_noise(&mut recording, 0.0, seed);
        let found = find_delay(&reference, &recording, rate, &search(-400.0, 800.0)).unwrap();
        let error = (frames(&found, rate) - delay_s * f64::from(rate)).abs();
        assert!(error < 1.0, "{delay_s}: {found:?}");
        assert_eq!(found.polarity, Polarity::Inverted, "{delay_s}: {found:?}");
        let second = found.second.unwrap();
        let off_s = (second.delay.0 - found.delay.0).abs();
        assert!((off_s - 0.35).abs() < 1e-3 && second.ratio < 0.98, "{found:?}");
    }
}

#[test]
fn a_record_that_ends_early_does_not_move_the_delay_by_a_period() {
    // With reference and recording of one length, the lag 350 ms too small overlaps just as much
    // and correlates just as strongly with the wrong sign.
    let composite = Composite::new(2);
    let rate = 8000;
    let reference = composite.render(4.0, rate, 0.0);
    let mut recording: Vec<f64> = composite.render(4.6, rate, 0.42)[..32_000].to_vec();
    add_noise(&mut recording, 6.0, 5);
    let found = find_delay(&reference, &recording, rate, &search(0.0, 900.0)).unwrap();
    assert!((found.delay.0 - 0.42).abs() < 1e-4, "{found:?}");
    assert_eq!(found.polarity, Polarity::Upright);

    // The plain correlation cannot tell them apart: that is what the rating is for.
    let size = fast_len(reference.len() + recording.len());
    let (reference, recording) = (Centered::new(&reference), Centered::new(&recording));
    let plain = Spectra::new(&reference, &recording, size).correlations().searched;
    let ratio = plain.at(3360 - 2800).abs() / plain.at(3360);
    assert!(ratio > 0.97, "{ratio}");
}

#[test]
fn whitening_finds_the_first_arrival_of_a_colored_system_better() {
    // A resonance at 300 Hz of noise that itself falls with frequency: its energy comes late.
    let rate = 16_000;
    let reference = Cascade::butterworth_lowpass(1, rate, 400.0).filtered(&noise(48_000, 8));
    let room = Cascade::new(vec![crate::dsp::filter::Biquad::peaking(rate, 300.0, 4.0, 18.0)]);
    let mut recording = room.filtered(&crate::dsp::resample::fractional_delay(&reference, 320.4));
    add_noise(&mut recording, 20.0, 9);
    let plain = find_delay(&reference, &recording, rate, &search(0.0, 100.0)).unwrap();
    let white =
        find_delay(&reference, &recording, rate, &search(0.0, 100.0).whitened(200.0, 7000.0)).unwrap();
    let error = |d: &Delay| (frames(d, rate) - 320.4).abs();
    assert!(error(&white) < 0.1, "{white:?}");
    assert!(error(&plain) > 2.0 * error(&white), "{plain:?}");
}

#[test]
fn an_offset_of_the_converter_changes_nothing() {
    let reference = noise(8000, 1);
    let mut recording = vec![0.0; 100];
    recording.extend(&reference);
    let offset = |x: &[f64]| -> Vec<f64> { x.iter().map(|v| v + 3.0).collect() };
    let found = find_delay(&offset(&reference), &offset(&recording), 8000, &search(-50.0, 50.0)).unwrap();
    assert!((frames(&found, 8000) - 100.0).abs() < 0.01, "{found:?}");
    assert!(found.correlation > 0.99, "{found:?}");
}

#[test]
fn unrelated_signals_correlate_as_chance_says() {
    for seed in 0..40 {
        let (a, b) = (noise(4000, 2 * seed + 100), noise(4000, 2 * seed + 101));
        let found = find_delay(&a, &b, 8000, &search(-20.0, 20.0)).unwrap();
        assert!(found.correlation < 1.5 * found.chance, "{found:?}");
        assert!(found.correlation > 0.6 * found.chance, "{found:?}");
    }
}

#[test]
fn bad_input_is_an_error_not_a_delay() {
    let x = noise(100, 1);
    let zeros = [0.0; 100];
    let range = search(0.0, 5.0);
    assert_eq!(find_delay(&zeros, &x, 8000, &range), Err(DspError::Silent { which: "reference" }));
    assert_eq!(find_delay(&x, &zeros, 8000, &range), Err(DspError::Silent { which: "recording" }));
    assert_eq!(find_delay(&x, &[], 8000, &range), Err(DspError::Silent { which: "recording" }));
    let mut broken = x.clone();
    broken[7] = f64::NAN;
    assert_eq!(find_delay(&x, &broken, 8000, &range), Err(DspError::NotFinite { which: "recording" }));
    for (min, max) in [(5.0, 0.0), (20.0, 40.0), (f64::NAN, 1.0)] {
        let result = find_delay(&x, &x, 8000, &search(min, max));
        assert!(matches!(result, Err(DspError::EmptyRange { .. })), "{result:?}");
    }
}
