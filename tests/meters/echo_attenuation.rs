//! Echo attenuation against time: a path of known loss and delay, and what noise and a wrong delay make of it.

use std::sync::LazyLock;

use lombard::dsp::level::{mean_square, rms};
use lombard::dsp::resample::{fractional_delay, resample};
use lombard::meters::echo_attenuation::{EchoAttenuation, EchoSettings, echo_attenuation};
use lombard::signals::{Library, Options};
use lombard::units::Seconds;

use super::residual::{Residual, Truth, all_hold};
use crate::dsp_reference::wav;

const PATH: Truth = Truth { by: "paper: loss of a path without memory", date: "2026-11-25" };
/// One to three samples are lost to the interpolation at the last onset; the requirement on this meter.
const TOLERANCE_DB: f64 = 0.1;

/// A composite source signal at −16 dBm0, without what other signals need.
fn composite(rate: u32) -> Vec<f64> {
    let id = if rate < 16_000 { "css-nb" } else { "css-fb" };
    let options = Options { seconds: Some(4.2), ..Options::default() };
    let signal = Library::builtin().unwrap().make(id, rate, options).unwrap();
    signal.samples.iter().map(|x| x * 0.078).collect()
}

fn speech(rate: u32) -> Vec<f64> {
    let (signal, from) = wav("asl02_speech_en_16k.wav");
    resample(&signal, from, rate)
}

/// The reference, later and weaker; a second more is recorded.
fn echo(reference: &[f64], rate: u32, delay_ms: f64, loss_db: f64) -> Vec<f64> {
    let mut longer = reference.to_vec();
    longer.resize(reference.len() + rate as usize, 0.0);
    let gain = 10f64.powf(-loss_db / 20.0);
    fractional_delay(&longer, delay_ms * f64::from(rate) / 1e3).iter().map(|x| gain * x).collect()
}

fn noise(count: usize, level_dbov: f64) -> Vec<f64> {
    let mut state = 5u64;
    let gain = (3.0f64).sqrt() * 10f64.powf(level_dbov / 20.0);
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        gain * ((state >> 11) as f64 / 2f64.powi(52) - 1.0)
    })
    .take(count)
    .collect()
}

fn measured(reference: &[f64], echo: &[f64], rate: u32) -> EchoAttenuation {
    echo_attenuation(reference, echo, None, rate, &EchoSettings::default()).unwrap()
}

fn every_frame(case: &str, reference: &[f64], rate: u32, delay_ms: f64, loss_db: f64) -> Residual {
    let read = measured(reference, &echo(reference, rate, delay_ms, loss_db), rate);
    let points = read.frames.iter().map(|frame| (loss_db, frame.attenuation.0));
    let case = format!("{case}, {rate} Hz, {loss_db} dB, {delay_ms} ms: every active frame");
    Residual::largest("echo-attenuation", case, "dB", points, TOLERANCE_DB, PATH)
}

pub(crate) static RESIDUALS: LazyLock<Vec<Residual>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (rate, delay_ms) in
        [(48_000, 180.0), (48_000, 31.237), (44_100, 250.01), (16_000, 180.03), (8000, 180.06)]
    {
        all.push(every_frame("CSS", &composite(rate), rate, delay_ms, 40.0));
    }
    for (rate, delay_ms) in [(48_000, 180.0), (16_000, 99.97), (8000, 12.34)] {
        all.push(every_frame("speech", &speech(rate), rate, delay_ms, 40.0));
    }
    let reference = composite(16_000);
    let read = measured(&reference, &echo(&reference, 16_000, 180.03, 40.0), 16_000);
    let delays = (180.03, read.delay.delay.as_ms());
    all.push(Residual::value("echo-attenuation", "CSS, 16 kHz: delay found", "ms", delays, 0.002, PATH));
    all
});

#[test]
fn every_frame_of_a_pure_path_reads_its_loss() {
    all_hold(&RESIDUALS);
}

#[test]
fn enough_frames_are_told_and_no_pause() {
    let reference = composite(48_000);
    let read = measured(&reference, &echo(&reference, 48_000, 180.0, 40.0), 48_000);
    // 248.62 of 350 ms are active: 50 of 70 frames a period, 12 periods.
    assert!((560..=610).contains(&read.frames.len()), "{}", read.frames.len());
    for frame in &read.frames {
        // The time of a frame lies after its last sample, so the end of a burst may be read at its very end.
        let within_ms = frame.time.as_ms() % 350.0;
        assert!(within_ms > 0.0 && within_ms < 250.0, "{frame:?}");
    }
    assert!(read.delay.correlation.unwrap() > 0.99);
    // Speech is told too, pauses aside.
    let speech = speech(16_000);
    let read = measured(&speech, &echo(&speech, 16_000, 20.0, 30.0), 16_000);
    let share = read.frames.len() as f64 / (speech.len() as f64 / 80.0);
    assert!((0.3..0.95).contains(&share), "{share}");
}

#[test]
fn a_delay_that_is_wrong_by_30_ms_is_seen() {
    // Traps 4: the same path reads 36 to 50 dB then.
    let reference = composite(48_000);
    let echo = echo(&reference, 48_000, 180.0, 40.0);
    let settings = EchoSettings { delay: Some(Seconds(0.15)), ..EchoSettings::default() };
    let read = echo_attenuation(&reference, &echo, None, 48_000, &settings).unwrap();
    let worst = read.frames.iter().map(|frame| (frame.attenuation.0 - 40.0).abs()).fold(0.0, f64::max);
    assert!(worst > 3.0, "{worst}");
    let wrong = Residual::largest(
        "echo-attenuation",
        "30 ms off",
        "dB",
        read.frames.iter().map(|frame| (40.0, frame.attenuation.0)),
        TOLERANCE_DB,
        PATH,
    );
    assert!(!wrong.holds());
}

#[test]
fn a_change_of_the_path_is_followed_by_the_meter() {
    // 6 dB less loss after 2.1 s: 5 time constants later the meter has forgotten.
    let reference = composite(48_000);
    let mut echo = echo(&reference, 48_000, 100.0, 40.0);
    for x in &mut echo[105_600..] {
        *x *= 10f64.powf(6.0 / 20.0);
    }
    for frame in measured(&reference, &echo, 48_000).frames {
        let truth = if frame.time.0 < 2.1 { 40.0 } else { 34.0 };
        let settled = frame.time.0 < 2.1 || frame.time.0 > 2.3;
        assert!(!settled || (frame.attenuation.0 - truth).abs() < 0.15, "{frame:?}");
    }
}

#[test]
fn noise_at_the_echo_makes_a_bound_of_it() {
    let reference = composite(48_000);
    let mut echo = echo(&reference, 48_000, 180.0, 40.0);
    let level = 20.0 * rms(&echo).log10();
    let idle = noise(echo.len(), level - 20.0);
    echo.iter_mut().zip(&idle).for_each(|(x, n)| *x += n);
    let settings = EchoSettings::default();
    let read = echo_attenuation(&reference, &echo, Some(&idle), 48_000, &settings).unwrap();
    let limited = read.frames.iter().filter(|frame| frame.noise_limited).count();
    assert!(
        limited * 10 < read.frames.len(),
        "20 dB under the echo, noise limits its onsets only: {limited}"
    );
    // 20 dB louder, every frame is one of noise.
    let loud: Vec<f64> = idle.iter().map(|x| 10.0 * x).collect();
    let settings = EchoSettings { delay: Some(Seconds(0.18)), ..settings };
    let heard: Vec<f64> = loud.iter().rev().copied().collect();
    let read = echo_attenuation(&reference, &heard, Some(&loud), 48_000, &settings).unwrap();
    assert!(read.frames.iter().all(|frame| frame.noise_limited));
    assert!((mean_square(&loud) / mean_square(&heard) - 1.0).abs() < 1e-9);
}

#[test]
fn what_cannot_be_aligned_is_refused_with_a_remedy() {
    let reference = composite(16_000);
    let settings = EchoSettings::default();
    let refused =
        |echo: &[f64]| echo_attenuation(&reference, echo, None, 16_000, &settings).unwrap_err().to_string();
    let noise = noise(reference.len(), -60.0);
    assert!(refused(&noise).contains("no delay from") && refused(&noise).contains("give the delay"));
    assert!(refused(&vec![0.0; 16_000]).contains("silent"));
    assert!(refused(&[f64::NAN; 100]).contains("not finite"));
    // A silent echo with its delay given is no error: nothing comes back.
    let given = EchoSettings { delay: Some(Seconds(0.1)), ..settings };
    let read = echo_attenuation(&reference, &vec![0.0; 32_000], None, 16_000, &given).unwrap();
    assert!(read.frames.iter().all(|frame| frame.attenuation.0 == f64::INFINITY));
    let silent = echo_attenuation(&vec![0.0; 16_000], &noise, None, 16_000, &given).unwrap_err();
    assert!(silent.to_string().contains("reference is silent"), "{silent}");
    let late = EchoSettings { delay: Some(Seconds(99.0)), ..settings };
    assert!(echo_attenuation(&reference, &noise, None, 16_000, &late).is_err());
    for broken in [
        EchoSettings { integration: Seconds(0.0), ..settings },
        EchoSettings { integration: Seconds(f64::NAN), ..settings },
        EchoSettings { step: Seconds(-1.0), ..settings },
    ] {
        assert!(echo_attenuation(&reference, &noise, None, 16_000, &broken).is_err(), "{broken:?}");
    }
}
