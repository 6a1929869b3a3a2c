//! `lombard measure` through the binary: what it prints, what it refuses, and that no file makes it fall over.

use std::path::Path;

use hound::{SampleFormat, WavSpec, WavWriter};
use serde_json::Value;

use crate::cli::{Answer, ask, folder, object};
use crate::source::root;

/// A WAV file of interleaved samples in ±1.
pub(crate) fn write_wav(path: &Path, rate: u32, channels: u16, bits: u16, samples: &[f64]) {
    let sample_format = if bits == 32 { SampleFormat::Float } else { SampleFormat::Int };
    let spec = WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format };
    let mut wav = WavWriter::create(path, spec).unwrap();
    let full = f64::from(1u32 << (bits - 1));
    for x in samples {
        match sample_format {
            SampleFormat::Float => wav.write_sample(*x as f32).unwrap(),
            SampleFormat::Int => {
                wav.write_sample((x * full).round().clamp(-full, full - 1.0) as i32).unwrap();
            }
        }
    }
    wav.finalize().unwrap();
}

/// Noise in ±`peak`, the same at every run.
pub(crate) fn noise(count: usize, seed: u64, peak: f64) -> Vec<f64> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        peak * ((state >> 11) as f64 / 2f64.powi(52) - 1.0)
    })
    .take(count)
    .collect()
}

fn sine(count: usize, rate: u32, hz: f64, peak: f64) -> Vec<f64> {
    (0..count).map(|n| peak * (std::f64::consts::TAU * hz * n as f64 / f64::from(rate)).sin()).collect()
}

/// What a method answers with `--json`.
pub(crate) fn measured(here: &Path, arguments: &[&str]) -> Value {
    let answer = ask(here, &[&["measure"], arguments, &["--json"]].concat());
    assert_eq!(answer.code, 0, "{arguments:?}: {}", answer.err);
    object(&answer)
}

/// A refusal: bad input, nothing on standard output, and a reason.
pub(crate) fn refused(here: &Path, arguments: &[&str]) -> String {
    let answer = ask(here, &[&["measure"], arguments, &["--json"]].concat());
    is_refusal(&answer);
    answer.err
}

fn is_refusal(answer: &Answer) {
    assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{}", answer.err);
    assert!(answer.err.contains("error") && !answer.err.contains("panicked"), "{}", answer.err);
}

fn number(object: &Value, key: &str) -> f64 {
    object[key].as_f64().unwrap_or_else(|| panic!("no number {key}: {object}"))
}

fn numbers(object: &Value, key: &str) -> Vec<f64> {
    object[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} is not {b} ± {tolerance}");
}

/// A curve file with one level at all frequencies.
fn rows(hz: &[u32], db: &str) -> String {
    hz.iter().fold("hz,db\n".to_owned(), |text, hz| text + &format!("{hz},{db}\n"))
}

fn reference(name: &str) -> String {
    root().join("tests/reference").join(name).display().to_string()
}

#[test]
fn levels_are_those_of_the_reference_tools() {
    let here = folder();
    let level = measured(here.path(), &["level", &reference("bnd05_carnoise_48k.wav")]);
    near(number(&level, "rms_level_dbov"), -16.0, 0.001);
    near(number(&level, "a_weighted_dbov"), -30.4157, 0.02);
    near(number(&level, "c_weighted_dbov"), -16.7768, 0.02);
    near(number(&level, "psophometric_dbov"), -34.2095, 0.15);
    let speech = measured(here.path(), &["active-level", &reference("asl02_speech_en_16k.wav")]);
    near(number(&speech, "active_level_dbov"), -25.9311, 0.002);
    near(number(&speech, "rms_level_dbov"), -26.0, 0.001);
    near(number(&speech, "activity_percent"), 98.4, 0.2);
    near(number(&speech, "peak_dbov"), -11.2774, 0.001);
    assert!(speech.get("level").is_none() && speech.get("unit").is_none());
    let at_ear = &["active-level", &reference("asl02_speech_en_16k.wav"), "--zero-dbov", "18.3 dBPa"];
    let at_ear = measured(here.path(), at_ear);
    near(number(&at_ear, "level"), -25.9311 + 18.3, 0.002);
    assert_eq!(at_ear["unit"], "dBPa");
}

#[test]
fn every_sample_format_rate_and_channel_count_reads_the_same_level() {
    let here = folder();
    for (bits, rate) in [(8, 8000), (16, 44_100), (24, 96_000), (32, 48_000), (16, 11_025)] {
        let path = here.path().join("tone.wav");
        write_wav(&path, rate, 1, bits, &sine(rate as usize, rate, 997.0, 0.5));
        let level = measured(here.path(), &["level", "tone.wav"]);
        // Eight bits round by half a step of 1/128.
        near(number(&level, "rms_level_dbov"), -9.0309, if bits == 8 { 0.02 } else { 0.001 });
    }
    let mut twelve = vec![0.0; 12 * 4800];
    for (n, x) in sine(4800, 48_000, 1000.0, 0.1).into_iter().enumerate() {
        twelve[12 * n + 6] = x;
    }
    write_wav(&here.path().join("twelve.wav"), 48_000, 12, 24, &twelve);
    let level = measured(here.path(), &["level", "twelve.wav", "--channel", "7"]);
    near(number(&level, "rms_level_dbov"), -23.0103, 0.001);
    assert!(refused(here.path(), &["level", "twelve.wav"]).contains("12 channels"));
    assert!(refused(here.path(), &["level", "twelve.wav", "--channel", "13"]).contains("no channel 13"));
    assert!(refused(here.path(), &["level", "twelve.wav", "--channel", "0"]).contains("no channel 0"));
}

#[test]
fn broken_files_are_refused_with_what_is_wrong() {
    let here = folder();
    let good = std::fs::read(root().join("tests/reference/asl08_bursts500_8k.wav")).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(here.path().join(name), bytes).unwrap();
    write("cut.wav", &good[..good.len() / 2]);
    write("text.wav", b"this is no WAV file at all");
    write("empty.wav", b"");
    write_wav(&here.path().join("none.wav"), 8000, 1, 16, &[]);
    write_wav(&here.path().join("nan.wav"), 8000, 1, 32, &[0.0, f64::NAN]);
    for method in ["level", "active-level"] {
        for (file, what) in [
            ("cut.wav", "was cut off"),
            ("text.wav", "expected RIFF"),
            ("empty.wav", "byte 0"),
            ("none.wav", "no samples"),
            ("nan.wav", "channel 1, frame 1 is NaN"),
            ("absent.wav", "cannot be read"),
            (".", "cannot be read"),
        ] {
            let error = refused(here.path(), &[method, file]);
            assert!(error.contains(what) && error.contains(file), "{file}: {error}");
        }
    }
}

#[test]
fn one_sample_is_measured_and_silence_has_no_active_level() {
    let here = folder();
    write_wav(&here.path().join("one.wav"), 48_000, 1, 16, &[0.5]);
    near(number(&measured(here.path(), &["level", "one.wav"]), "rms_level_dbov"), -6.0206, 1e-3);
    assert_eq!(measured(here.path(), &["active-level", "one.wav"])["active_level_dbov"], Value::Null);
    write_wav(&here.path().join("still.wav"), 8000, 1, 16, &vec![0.0; 8000]);
    let still = measured(here.path(), &["active-level", "still.wav"]);
    assert_eq!((&still["active_level_dbov"], &still["activity_percent"]), (&Value::Null, &0.0.into()));
    assert!(still["note"].as_str().unwrap().contains("no speech"));
    for method in [&["response"][..], &["coupling-loss"], &["speech-quality", "--model", "stoi"]] {
        refused(here.path(), &[method, &["one.wav", "one.wav"]].concat());
    }
}

/// Damaged headers through the program itself: an answer or a reason, and nothing else.
#[test]
fn damaged_headers_are_answered_or_refused() {
    let here = folder();
    let path = here.path().join("damaged.wav");
    write_wav(&path, 16_000, 2, 24, &noise(400, 3, 0.5));
    let good = std::fs::read(&path).unwrap();
    let mut state = 5u64;
    let mut draw = move |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    let (mut answered, mut refused) = (0, 0);
    for _ in 0..60 {
        let mut bytes = good.clone();
        for _ in 0..=draw(2) {
            let at = draw(60);
            bytes[at] = draw(256) as u8;
        }
        std::fs::write(&path, &bytes).unwrap();
        let answer = ask(here.path(), &["measure", "level", "damaged.wav", "--channel", "1", "--json"]);
        if answer.code == 0 {
            object(&answer);
            answered += 1;
        } else {
            is_refusal(&answer);
            refused += 1;
        }
    }
    assert!(answered > 0 && refused > 20, "{answered} answered, {refused} refused");
}

#[test]
fn a_response_is_aligned_and_has_the_unit_of_its_zeros() {
    let here = folder();
    let x = noise(48_000, 1, 0.5);
    let mut y = vec![0.0; 777];
    y.extend(x.iter().map(|v| -0.1 * v));
    write_wav(&here.path().join("x.wav"), 48_000, 1, 32, &x);
    write_wav(&here.path().join("y.wav"), 48_000, 1, 32, &y);
    let response = measured(here.path(), &["response", "x.wav", "y.wav"]);
    near(number(&response, "delay_ms"), 777.0 / 48.0, 1e-3);
    assert!(numbers(&response, "gain_db").iter().all(|gain| (gain + 20.0).abs() < 1e-3), "{response}");
    assert_eq!(numbers(&response, "hz")[17], 1000.0);
    let zeros = ["--reference-zero-dbov", "0 dBPa", "--captured-zero-dbov", "6.15 dBm0"];
    let response =
        measured(here.path(), &[&["response", "x.wav", "y.wav", "--per-octave", "12"], &zeros[..]].concat());
    assert!(numbers(&response, "gain_db").iter().all(|gain| (gain + 13.85).abs() < 1e-3));
    assert_eq!(response["unit"], "dBm0 re dBPa");
    write_wav(&here.path().join("slow.wav"), 16_000, 1, 16, &noise(16_000, 1, 0.5));
    assert!(refused(here.path(), &["response", "x.wav", "slow.wav"]).contains("nothing is resampled"));
    write_wav(&here.path().join("strange.wav"), 48_000, 1, 16, &noise(48_000, 8, 0.5));
    assert!(refused(here.path(), &["response", "x.wav", "strange.wav"]).contains("no delay from"));
}

/// The figures of traps 2.1, on files.
#[test]
fn loudness_ratings_are_those_of_flat_paths() {
    let here = folder();
    let x = noise(96_000, 2, 0.5);
    let gain = |db: f64| 10f64.powf(db / 20.0);
    write_wav(&here.path().join("x.wav"), 48_000, 1, 32, &x);
    write_wav(
        &here.path().join("send.wav"),
        48_000,
        1,
        32,
        &x.iter().map(|v| gain(-18.55) * v).collect::<Vec<_>>(),
    );
    // Both ears flat −5.87 dBPa/V, the right one 0.5 ms late.
    let mut ears = vec![0.0; 2 * (x.len() + 24)];
    for (n, v) in x.iter().enumerate() {
        ears[2 * n] += gain(-5.87) * v;
        ears[2 * (n + 24) + 1] += gain(-5.87) * v;
    }
    write_wav(&here.path().join("ears.wav"), 48_000, 2, 32, &ears);
    let rating = |arguments: &[&str]| {
        number(&measured(here.path(), &[&["loudness-rating"], arguments].concat()), "loudness_rating_db")
    };
    let send = [
        "--direction",
        "send",
        "x.wav",
        "send.wav",
        "--reference-zero-dbov",
        "0 dBPa",
        "--captured-zero-dbov",
    ];
    near(rating(&[&send[..], &["0 dBV", "--bandwidth", "NB"]].concat()), 13.0, 0.01);
    near(rating(&[&send[..], &["0 dBV", "--bandwidth", "wb"]].concat()), 12.46, 0.01);
    near(rating(&[&send[..], &["0 dBm0", "--bandwidth", "NB"]].concat()), 13.0 + 2.218, 0.01);
    near(rating(&[&send[..], &["0 dBV", "--bandwidth", "NB", "--bands", "4-17"]].concat()), 13.0, 0.01);
    let receive = ["--direction", "receive", "x.wav", "ears.wav"];
    near(rating(&[&receive[..], &["--bandwidth", "NB", "--ears", "two"]].concat()), 1.98, 0.01);
    let one = ["--bandwidth", "NB", "--ears", "one", "--captured-channel", "2"];
    near(rating(&[&receive[..], &one].concat()), 2.0, 0.01);
    let bare = ["--bandwidth", "NB", "--captured-channel", "1"];
    near(rating(&[&receive[..], &bare].concat()), 16.0, 0.01);
    let assumed = ask(here.path(), &[&["measure", "loudness-rating"], &receive[..], &bare].concat());
    assert!(assumed.err.contains("0 dBov is taken as 0 dBV") && assumed.code == 0, "{}", assumed.err);

    // Half of the answer, late, with noise after it: what both have in common is rated.
    let mut half = vec![0.0; 4_800];
    half.extend(x[..48_000].iter().map(|v| gain(-18.55) * v));
    write_wav(&here.path().join("half.wav"), 48_000, 1, 32, &half);
    let mut tail: Vec<f64> = x.iter().map(|v| gain(-18.55) * v).collect();
    tail.extend(noise(480_000, 7, 0.05));
    write_wav(&here.path().join("tail.wav"), 48_000, 1, 32, &tail);
    write_wav(&here.path().join("other.wav"), 48_000, 1, 32, &noise(96_000, 99, 0.5));
    let nb = ["loudness-rating", "--direction", "send", "--bandwidth", "NB", "x.wav"];
    for file in ["half.wav", "tail.wav"] {
        let rated = measured(here.path(), &[&nb[..], &[file]].concat());
        near(number(&rated, "loudness_rating_db"), 13.0, 0.01);
    }
    assert!(refused(here.path(), &[&nb[..], &["other.wav"]].concat()).contains("no delay from"));

    let refused = |arguments: &[&str]| refused(here.path(), &[&["loudness-rating"], arguments].concat());
    let two = ["--bandwidth", "NB", "--ears", "two", "--captured-channel", "1"];
    assert!(refused(&[&receive[..], &two].concat()).contains("channels 1 and 2"));
    assert!(refused(&[&send[..], &["0 dBPa", "--bandwidth", "NB"]].concat()).contains("dBV or dBm0"));
    assert!(
        refused(&[&send[..], &["0 dBV", "--bandwidth", "NB", "--ears", "two"]].concat()).contains("receive")
    );
    assert!(refused(&["--direction", "send", "--bandwidth", "NB"]).contains("REF"));
}

#[test]
fn loudness_ratings_of_curves_need_every_band() {
    let here = folder();
    let hz = [200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000];
    let curve = rows(&hz, "-18.55");
    std::fs::write(here.path().join("nb.csv"), curve).unwrap();
    let send = ["loudness-rating", "--direction", "send", "--curve", "nb.csv", "--bandwidth"];
    let rated = measured(here.path(), &[&send[..], &["NB"]].concat());
    near(number(&rated, "loudness_rating_db"), 13.0, 0.002);
    assert_eq!(numbers(&rated, "hz").len(), 14);
    assert_eq!(rated["provisional"], false);
    let error = refused(here.path(), &[&send[..], &["WB"]].concat());
    assert!(error.contains("no point at 100 Hz, band 1"), "{error}");
    std::fs::write(here.path().join("dense.csv"), rows(&[200, 205, 250], "0")).unwrap();
    let dense = [
        "loudness-rating",
        "--direction",
        "send",
        "--bandwidth",
        "NB",
        "--curve",
        "dense.csv",
        "--bands",
        "4-5",
    ];
    assert!(refused(here.path(), &dense).contains("several points in the third octave at 200 Hz"));
    std::fs::write(here.path().join("bad.csv"), "hz,db\n200,one\n").unwrap();
    let error = refused(
        here.path(),
        &["loudness-rating", "--direction", "send", "--bandwidth", "NB", "--curve", "bad.csv"],
    );
    assert!(error.contains("bad.csv:2") && error.contains("1000,-3.5"), "{error}");
}

#[test]
fn coupling_loss_is_a_bound_where_noise_could_be_the_echo() {
    let here = folder();
    let x = noise(64_000, 4, 0.5);
    let echo = |loss_db: f64, noise_peak: f64| -> Vec<f64> {
        let own = noise(64_000 + 2880, 77, noise_peak);
        (0..64_000 + 2880)
            .map(|n| own[n] + n.checked_sub(2880).map_or(0.0, |n| 10f64.powf(-loss_db / 20.0) * x[n]))
            .collect()
    };
    write_wav(&here.path().join("x.wav"), 16_000, 1, 32, &x);
    write_wav(&here.path().join("clear.wav"), 16_000, 1, 32, &echo(40.0, 1e-5));
    write_wav(&here.path().join("hidden.wav"), 16_000, 1, 32, &echo(80.0, 0.005));
    write_wav(&here.path().join("idle.wav"), 16_000, 1, 32, &noise(32_000, 78, 1e-5));
    write_wav(&here.path().join("loud.wav"), 16_000, 1, 32, &noise(32_000, 79, 0.005));
    let loss = measured(here.path(), &["coupling-loss", "x.wav", "clear.wav", "--idle", "idle.wav"]);
    near(number(&loss, "coupling_loss_db"), 40.0, 0.01);
    near(number(&loss, "delay_ms"), 180.0, 0.01);
    assert_eq!(loss["noise_limited"], false);
    assert!(numbers(&loss, "band_loss_db").iter().all(|loss| (loss - 40.0).abs() < 0.05), "{loss}");
    let bound = measured(here.path(), &["coupling-loss", "x.wav", "hidden.wav", "--idle", "loud.wav"]);
    assert_eq!(bound["noise_limited"], true);
    // The noise lies 40 dB below the signal.
    near(number(&bound, "coupling_loss_db"), 40.0, 0.3);
    let unknown = measured(
        here.path(),
        &["coupling-loss", "x.wav", "clear.wav", "--from-hz", "100", "--to-hz", "6700"],
    );
    assert_eq!(unknown["noise_limited"], Value::Null);
    near(number(&unknown, "coupling_loss_db"), 40.0, 0.01);
    let zeros = ["--reference-zero-dbov", "6.15 dBm0", "--captured-zero-dbov", "3.15 dBm0"];
    let shifted = measured(here.path(), &[&["coupling-loss", "x.wav", "clear.wav"], &zeros[..]].concat());
    near(number(&shifted, "coupling_loss_db"), 43.0, 0.01);
    write_wav(&here.path().join("mute.wav"), 16_000, 1, 16, &vec![0.0; 64_000]);
    assert_eq!(
        measured(here.path(), &["coupling-loss", "x.wav", "mute.wav"])["coupling_loss_db"],
        Value::Null
    );

    let refused = |arguments: &[&str]| refused(here.path(), &[&["coupling-loss"], arguments].concat());
    write_wav(&here.path().join("short.wav"), 16_000, 1, 32, &[0.5, -0.5]);
    assert!(refused(&["x.wav", "clear.wav", "--idle", "short.wav"]).contains("idle noise are needed"));
    assert!(refused(&["x.wav", "clear.wav", "--to-hz", "9000"]).contains("below the upper edge"));
    assert!(refused(&["x.wav", "clear.wav", "--from-hz", "500", "--to-hz", "400"]).contains("no band"));
    assert!(refused(&["x.wav", "clear.wav", zeros[0], zeros[1]]).contains("both in one unit"));
}

#[test]
fn the_coupling_loss_of_a_curve_holds_its_end_values_to_the_edges() {
    let here = folder();
    let hz = [315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150];
    let flat = rows(&hz, "46");
    std::fs::write(here.path().join("flat.csv"), flat).unwrap();
    let loss = measured(
        here.path(),
        &["coupling-loss", "--curve", "flat.csv", "--from-hz", "300", "--to-hz", "3400"],
    );
    near(number(&loss, "coupling_loss_db"), 46.0, 1e-9);
    let open = ["coupling-loss", "--curve", "flat.csv", "--from-hz", "100", "--to-hz", "3400"];
    assert!(refused(here.path(), &open).contains("more than an octave at an edge"));
    assert!(
        refused(here.path(), &["coupling-loss", "--curve", "flat.csv", "--from-hz", "20", "--to-hz", "30"])
            .contains("no point")
    );
}

#[test]
fn masks_judge_curves() {
    let here = folder();
    let write = |name: &str, text: &str| std::fs::write(here.path().join(name), text).unwrap();
    write(
        "mask.toml",
        "title = \"a mask\"\nunit = \"dB\"\nupper_hz_db = [[200, 0], [4000, 0]]\nlower_hz_db = [[200, -6], [4000, -12]]\n",
    );
    write("good.csv", "hz,db\n200,-3\n1000,-4\n4000,-6\n");
    write("high.csv", "hz,db\n200,7\n1000,6\n4000,4\n");
    write("bent.csv", "hz,db\n200,-3\n1000,8\n4000,-6\n");
    write("short.csv", "hz,db\n1000,-3\n");
    let judged = |file: &str, more: &[&str]| {
        let object = measured(here.path(), &[&["mask", file, "--mask", "mask.toml"], more].concat());
        (object["verdict"].as_str().unwrap().to_owned(), object)
    };
    let (verdict, good) = judged("good.csv", &[]);
    assert_eq!((verdict.as_str(), number(&good, "shift_db")), ("pass", 0.0));
    near(number(&good, "worst_margin_db"), 3.0, 1e-9);
    assert_eq!(number(&good, "at_hz"), 200.0);
    let (verdict, high) = judged("high.csv", &[]);
    assert_eq!(verdict, "fail");
    near(number(&high, "worst_margin_db"), -7.0, 1e-9);
    let (verdict, floating) = judged("high.csv", &["--floating"]);
    assert_eq!(verdict, "pass");
    near(number(&floating, "shift_db"), -10.0, 1e-9);
    near(number(&floating, "worst_margin_db"), 3.0, 1e-9);
    assert_eq!(judged("bent.csv", &["--floating"]).0, "fail");
    let (verdict, short) = judged("short.csv", &[]);
    assert_eq!(verdict, "inconclusive");
    assert!(short["reason"].as_str().unwrap().contains("no point from 200 to 1000 Hz"));
    for (file, code) in [("good.csv", 0), ("high.csv", 1), ("short.csv", 3)] {
        let answer = ask(here.path(), &["measure", "mask", file, "--mask", "mask.toml", "--exit-code"]);
        assert_eq!(answer.code, code, "{file}");
    }
    write("none.toml", "title = \"no lines\"\nunit = \"dB\"\n");
    assert!(refused(here.path(), &["mask", "good.csv", "--mask", "none.toml"]).contains("none.toml"));
}

#[test]
fn scores_are_told_with_what_made_them() {
    let here = folder();
    let speech = root().join("signals/speech/en-f-1.wav").display().to_string();
    let scored = measured(here.path(), &["speech-quality", &speech, &speech, "--model", "pesq-wb"]);
    near(number(&scored, "score"), 4.644, 0.001);
    assert_eq!((&scored["model"], &scored["mapping"]), (&"pesq-wb".into(), &"MOS-LQO by P.862.2".into()));
    assert!(scored["version"].as_str().unwrap().starts_with("pesq 0."), "{scored}");
    let refused = |model: &str| refused(here.path(), &["speech-quality", &speech, &speech, "--model", model]);
    assert!(refused("pesq-nb").contains("one rate only, these have 16000 Hz"));
    assert!(refused("polqa").contains("possible values"));
}

/// Tones at the band midbands, as a bench without noise plays them: no delay stands out, and the response is plain.
#[test]
fn the_response_of_a_multitone_is_read_although_its_delay_is_one_of_many() {
    let here = folder();
    let hz = [315.0, 500.0, 800.0, 1250.0, 2000.0, 3150.0];
    let tones = |gain: f64| -> Vec<f64> {
        let of = |n: f64| hz.iter().map(|hz| (std::f64::consts::TAU * hz * n / 16_000.0).sin()).sum::<f64>();
        (0..32_000).map(|n| gain * of(f64::from(n))).collect()
    };
    write_wav(&here.path().join("x.wav"), 16_000, 1, 32, &tones(0.1));
    write_wav(&here.path().join("y.wav"), 16_000, 1, 32, &tones(0.01));
    let read = measured(here.path(), &["response", "x.wav", "y.wav"]);
    near(number(&read, "delay_ms"), 0.0, 0.001);
    let all: Vec<(f64, f64)> = numbers(&read, "hz").into_iter().zip(numbers(&read, "gain_db")).collect();
    for (_, gain) in all.iter().filter(|(band, _)| hz.contains(band)) {
        near(*gain, -20.0, 0.001);
    }
    // Which of the delays it is cannot be told.
    assert!(refused(here.path(), &["delay", "x.wav", "y.wav"]).contains("no delay from"));
}

#[test]
fn a_table_is_for_people_and_an_object_for_programs() {
    let here = folder();
    let answer = ask(here.path(), &["measure", "level", &reference("bnd05_carnoise_48k.wav")]);
    assert_eq!(
        answer.out,
        "rms_level_dbov     −16.00\na_weighted_dbov    −30.42\nc_weighted_dbov    −16.78\npsophometric_dbov  −34.21\n"
    );
}
