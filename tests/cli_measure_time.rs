//! `lombard measure` of time and modulation: the fields of each method, and what it refuses with which reason.

use std::f64::consts::TAU;
use std::path::Path;

use serde_json::Value;

use crate::cli::{Answer, ask, folder, object};

const RATE: u32 = 16_000;

fn write(folder: &Path, name: &str, channels: &[&[f64]], rate: u32) {
    let spec = hound::WavSpec {
        channels: channels.len() as u16,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(folder.join(name), spec).unwrap();
    for n in 0..channels[0].len() {
        for channel in channels {
            writer.write_sample(channel[n] as f32).unwrap();
        }
    }
    writer.finalize().unwrap();
}

fn noise(count: usize, gain: f64) -> Vec<f64> {
    let mut state = 3u64;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        gain * ((state >> 11) as f64 / 2f64.powi(52) - 1.0)
    })
    .take(count)
    .collect()
}

fn sine(freq_hz: f64, count: usize) -> Vec<f64> {
    (0..count).map(|n| 0.5 * (TAU * freq_hz * n as f64 / f64::from(RATE)).sin()).collect()
}

/// Bursts of 250 ms every 700 ms, rising by 1 dB, of the same noise.
fn bursts(count: usize) -> Vec<f64> {
    let one = noise(4000, 1.0);
    let mut out = vec![0.0; 11_200 * count];
    for burst in 0..count {
        for (x, v) in out[11_200 * burst..].iter_mut().zip(&one) {
            *x = 0.02 * 10f64.powf(burst as f64 / 20.0) * v;
        }
    }
    out
}

fn late(signal: &[f64], frames: usize, gain: f64) -> Vec<f64> {
    let mut out = vec![0.0; frames];
    out.extend(signal.iter().map(|x| gain * x));
    out.resize(signal.len() + RATE as usize, 0.0);
    out
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn numbers(value: &Value, key: &str) -> Vec<f64> {
    let row = value[key].as_array().unwrap_or_else(|| panic!("no row {key}"));
    row.iter().map(|one| one.as_f64().unwrap_or(f64::NAN)).collect()
}

fn holds_fields(value: &Value, fields: &[&str]) {
    for field in fields {
        assert!(value.get(field).is_some(), "{field} is missing in {:?}", keys(value));
    }
}

fn refused(answer: &Answer, reasons: &[&str]) {
    assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{}", answer.err);
    for reason in reasons {
        assert!(answer.err.contains(reason), "{reason}: {}", answer.err);
    }
}

#[test]
fn echo_attenuation_tells_its_frames() {
    let here = folder();
    let reference = bursts(6);
    write(here.path(), "ref.wav", &[&reference], RATE);
    write(here.path(), "echo.wav", &[&late(&reference, 1600, 0.01)], RATE);
    write(here.path(), "idle.wav", &[&noise(RATE as usize, 1e-6)], RATE);
    let measure = |more: &[&str]| {
        let arguments = [&["measure", "echo-attenuation", "ref.wav", "echo.wav", "--json"], more].concat();
        object(&ask(here.path(), &arguments))
    };
    let plain = measure(&[]);
    holds_fields(&plain, &["delay_ms", "time_s", "attenuation_db", "reference_level_dbov"]);
    assert!((plain["delay_ms"].as_f64().unwrap() - 100.0).abs() < 0.001);
    let read = numbers(&plain, "attenuation_db");
    assert!(read.len() > 200 && read.iter().all(|one| (one - 40.0).abs() < 0.01), "{read:?}");
    assert_eq!(numbers(&plain, "time_s").len(), read.len());
    assert_eq!(numbers(&plain, "reference_level_dbov").len(), read.len());
    let more = measure(&[
        "--delay-ms",
        "100",
        "--integration-ms",
        "20",
        "--step-ms",
        "10",
        "--idle",
        "idle.wav",
        "--reference-zero-dbov",
        "6.15 dBm0",
        "--captured-zero-dbov",
        "0 dBm0",
    ]);
    assert_eq!(more["unit"], "dBm0");
    assert!(more["noise_limited"].as_array().unwrap().iter().all(|one| one == false), "{more}");
    let physical = numbers(&more, "attenuation_db");
    assert!(physical.iter().all(|one| (one - 46.15).abs() < 0.01) && physical.len() * 2 < read.len() + 20);
    let [level, dbov] = ["reference_level", "reference_level_dbov"].map(|key| numbers(&more, key)[0]);
    assert!((level - dbov - 6.15).abs() < 1e-9);
    // As a table too.
    let table = ask(here.path(), &["measure", "echo-attenuation", "ref.wav", "echo.wav"]);
    assert!(
        table.code == 0 && table.out.contains("attenuation_db") && table.out.contains("40.00"),
        "{}",
        table.out
    );
}

#[test]
fn echo_attenuation_refuses_what_it_cannot_align() {
    let here = folder();
    let reference = bursts(4);
    write(here.path(), "ref.wav", &[&reference], RATE);
    write(here.path(), "noise.wav", &[&noise(reference.len() + 777, 0.001)[777..]], RATE);
    write(here.path(), "slow.wav", &[&reference], 8000);
    write(here.path(), "two.wav", &[&reference, &reference], RATE);
    let measure = |echo: &str, more: &[&str]| {
        ask(here.path(), &[&["measure", "echo-attenuation", "ref.wav", echo, "--json"], more].concat())
    };
    refused(&measure("noise.wav", &[]), &["no delay from", "give the delay", "ref.wav and noise.wav"]);
    // With the idle noise known, noise is a bound: every frame says so.
    write(here.path(), "idle.wav", &[&noise(RATE as usize, 0.001)], RATE);
    let bound = object(&measure("noise.wav", &["--idle", "idle.wav"]));
    let limited = bound["noise_limited"].as_array().unwrap();
    assert!(limited.len() > 100 && limited.iter().all(|one| *one == true), "{bound}");
    refused(&measure("slow.wav", &[]), &["16000", "8000", "nothing is resampled"]);
    refused(&measure("two.wav", &[]), &["2 channels", "--captured-channel"]);
    refused(&measure("gone.wav", &[]), &["gone.wav"]);
    refused(&measure("ref.wav", &["--step-ms", "0"]), &["step"]);
    refused(
        &measure("ref.wav", &["--reference-zero-dbov", "0 dBm0"]),
        &["give both in one unit, or neither"],
    );
    refused(&measure("ref.wav", &["--delay-ms", "soon"]), &["milliseconds"]);
    refused(&measure("ref.wav", &["--delay-ms", "99999"]), &["nothing in common"]);
    assert_eq!(measure("two.wav", &["--captured-channel", "2"]).code, 0);
}

#[test]
fn activation_tells_the_first_burst() {
    let here = folder();
    let stimulus = bursts(8);
    let mut passed = late(&stimulus, 800, 0.25);
    let opens_at = 800 + 11_200 * 3 + 320;
    passed[..opens_at].iter_mut().for_each(|x| *x *= 0.05);
    write(here.path(), "bursts.wav", &[&stimulus], RATE);
    write(here.path(), "send.wav", &[&passed], RATE);
    write(here.path(), "mute.wav", &[&vec![0.0; passed.len()]], RATE);
    let arguments = ["measure", "activation", "bursts.wav", "send.wav", "--json"];
    let read = object(&ask(here.path(), &arguments));
    holds_fields(&read, &["first_active_burst", "level_dbov", "build_up_ms"]);
    assert_eq!(read["first_active_burst"], 4);
    // Uniform noise of ±0.02, 3 dB up.
    let level = 20.0 * (0.02 / 3f64.sqrt()).log10() + 3.0;
    assert!((read["level_dbov"].as_f64().unwrap() - level).abs() < 0.1, "{read}");
    assert!((read["build_up_ms"].as_f64().unwrap() - 23.4).abs() < 1.0, "{read}");
    assert_eq!(numbers(&read, "burst_gain_db").len(), 8);
    let with_zero =
        object(&ask(here.path(), &[&arguments[..], &["--reference-zero-dbov", "10 dBPa"]].concat()));
    assert_eq!(with_zero["unit"], "dBPa");
    assert!(
        (with_zero["level"].as_f64().unwrap() - read["level_dbov"].as_f64().unwrap() - 10.0).abs() < 1e-9
    );
    let none = object(&ask(here.path(), &["measure", "activation", "bursts.wav", "mute.wav", "--json"]));
    for field in ["first_active_burst", "level_dbov", "build_up_ms"] {
        assert!(none.get(field).is_some_and(Value::is_null), "{none}");
    }
    assert!(none["note"].as_str().unwrap().contains("silent"), "{none}");
    refused(&ask(here.path(), &["measure", "activation", "mute.wav", "send.wav"]), &["stimulus is silent"]);
}

/// A few components of either comb, from the formula.
fn am_fm(components: &[(f64, f64)], seconds: f64) -> Vec<f64> {
    (0..(seconds * f64::from(RATE)) as usize)
        .map(|n| {
            let t = n as f64 / f64::from(RATE);
            let tones: f64 = components
                .iter()
                .map(|(freq_hz, deviation_hz)| {
                    let level_db = -5.0 * (freq_hz / 250.0).log2().max(0.0);
                    10f64.powf(level_db / 20.0) * (TAU * freq_hz * t + deviation_hz * (TAU * t).sin()).cos()
                })
                .sum();
            0.05 * (1.0 + 2.0 / 3.0 * (TAU * 3.0 * t).cos()) * tones
        })
        .collect()
}

#[test]
fn double_talk_tells_both_combs() {
    let here = folder();
    let far = am_fm(&[(180.0, 2.5), (270.0, 5.0), (540.0, 10.0), (1080.0, 20.0)], 5.0);
    let near = am_fm(&[(250.0, 5.0), (500.0, 10.0), (1000.0, 20.0)], 5.0);
    let alone: Vec<f64> = near.iter().map(|x| 0.5 * x).collect();
    let send: Vec<f64> = alone.iter().zip(&far).map(|(near, far)| 0.5 * near + 0.01 * far).collect();
    for (name, signal) in [("far.wav", &far), ("near.wav", &near), ("send.wav", &send), ("alone.wav", &alone)]
    {
        write(here.path(), name, &[signal], RATE);
    }
    let arguments = ["measure", "double-talk", "far.wav", "near.wav", "send.wav", "--json"];
    let measure = |more: &[&str]| ask(here.path(), &[&arguments[..], more].concat());
    let read = object(&measure(&["--near-only-send", "alone.wav"]));
    holds_fields(&read, &["hz", "echo_loss_db", "send_hz", "sent_speech_attenuation_db", "spread"]);
    assert_eq!((read["far_comb"].as_str(), read["near_comb"].as_str()), (Some("2"), Some("1")));
    assert_eq!(numbers(&read, "hz"), [270.0, 540.0, 1080.0]);
    assert!(numbers(&read, "echo_loss_db").iter().all(|one| (one - 40.0).abs() < 0.1), "{read}");
    assert_eq!(numbers(&read, "send_hz"), [250.0, 500.0, 1000.0]);
    assert!(
        numbers(&read, "sent_speech_attenuation_db").iter().all(|one| (one - 6.02).abs() < 0.01),
        "{read}"
    );
    assert_eq!(read["spread"], false);
    let without = object(&measure(&["--span", "0.5..5"]));
    assert!(without.get("sent_speech_attenuation_db").is_some_and(Value::is_null), "{without}");
    assert!(without["note"].as_str().unwrap().contains("--near-only-send"));
    assert_eq!(numbers(&without, "send_hz").len(), 3);
    refused(&measure(&["--span", "0..3"]), &["frames", "needs"]);
    refused(&measure(&["--span", "3..9"]), &["beyond the recording of 5.000 s"]);
    refused(&measure(&["--span", "3-9"]), &["0..6"]);
    let same = ask(here.path(), &["measure", "double-talk", "far.wav", "far.wav", "send.wav"]);
    refused(&same, &["both hold comb 2"]);
}

#[test]
fn noise_change_compares_two_spans() {
    let here = folder();
    let mut signal = noise(4 * RATE as usize, 0.1);
    let (before, after) = signal.split_at_mut(2 * RATE as usize);
    after.iter_mut().zip(before).for_each(|(x, v)| *x = 0.5 * *v);
    write(here.path(), "send.wav", &[&signal], RATE);
    let measure = |a: &str, b: &str| {
        ask(here.path(), &["measure", "noise-change", "send.wav", "--a", a, "--b", b, "--json"])
    };
    let read = object(&measure("0..2", "2..4"));
    assert_eq!(keys(&read), ["delta_a_weighted_db", "delta_db", "hz"]);
    assert!((read["delta_a_weighted_db"].as_f64().unwrap() + 6.0206).abs() < 0.001, "{read}");
    assert!(numbers(&read, "delta_db").iter().all(|one| (one + 6.0206).abs() < 0.001));
    assert_eq!(numbers(&read, "hz")[0], 50.0);
    refused(&measure("0..2", "1..3"), &["overlap"]);
    refused(&measure("0..2", "2..9"), &["beyond the recording of 4.000 s"]);
    refused(&measure("2..2", "2..4"), &["empty"]);
    refused(&measure("0..2", "later"), &["0..6"]);
}

#[test]
fn distortion_tells_each_harmonic() {
    let here = folder();
    let signal: Vec<f64> = sine(1503.7, RATE as usize).iter().map(|x| x + 0.04 * x * x).collect();
    write(here.path(), "tone.wav", &[&signal], RATE);
    write(here.path(), "silence.wav", &[&vec![0.0; 16_000]], RATE);
    let measure = |file: &str, more: &[&str]| {
        ask(here.path(), &[&["measure", "distortion", file, "--json"], more].concat())
    };
    let read = object(&measure("tone.wav", &["--fundamental-hz", "1500"]));
    holds_fields(&read, &["thd_percent", "thd_n_percent", "harmonics_percent"]);
    // a·c/2 = 0.04·0.5/2 = 1 %.
    for field in ["thd_percent", "thd_n_percent"] {
        assert!((read[field].as_f64().unwrap() - 1.0).abs() < 0.01, "{read}");
    }
    assert!((read["fundamental_hz"].as_f64().unwrap() - 1503.7).abs() < 0.001, "{read}");
    assert_eq!(read["harmonics_percent"].as_array().unwrap().len(), 9);
    assert!((numbers(&read, "harmonics_percent")[0] - 1.0).abs() < 0.01);
    // From the sixth on they lie above 8 kHz.
    assert!(read["harmonics_percent"][3].is_number() && read["harmonics_percent"][4].is_null(), "{read}");
    let short =
        object(&measure("tone.wav", &["--fundamental-hz", "1500", "--harmonics", "3", "--span", "0.2..0.5"]));
    assert_eq!(short["harmonics_percent"].as_array().unwrap().len(), 2);
    let zero = ["--fundamental-hz", "1500", "--zero-dbov", "10 dBPa"];
    assert_eq!(object(&measure("tone.wav", &zero))["unit"], "dBPa");
    refused(&measure("tone.wav", &["--fundamental-hz", "800"]), &["no fundamental at 800 Hz", "1503.7 Hz"]);
    refused(&measure("silence.wav", &["--fundamental-hz", "800"]), &["silent"]);
    refused(&measure("tone.wav", &["--fundamental-hz", "9000"]), &["between 0 and 8000 Hz"]);
    refused(&measure("tone.wav", &["--fundamental-hz", "1500", "--harmonics", "1"]), &["2 to 100"]);
    refused(&measure("tone.wav", &["--fundamental-hz", "1500", "--span", "0..0.001"]), &["frames"]);
    refused(&measure("tone.wav", &[]), &["--fundamental-hz"]);
}
