//! `lombard signal`: noise at points, the lab's own noise, pictures.

use std::path::Path;

use lombard::dsp::weighting::{Weighting, weighted_power};
use serde_json::Value;

use crate::cli::{Answer, ask, folder, object};

/// The channels of a 32-bit float WAV, with its rate.
fn channels(path: &Path) -> (u32, Vec<Vec<f64>>) {
    let mut reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    assert_eq!((spec.bits_per_sample, spec.sample_format), (32, hound::SampleFormat::Float));
    let count = usize::from(spec.channels);
    let mut channels = vec![Vec::new(); count];
    for (n, sample) in reader.samples::<f32>().enumerate() {
        channels[n % count].push(f64::from(sample.unwrap()));
    }
    (spec.sample_rate, channels)
}

/// A-weighted level in dB(A) of samples whose 0 dBov is `zero_dbpa`.
fn dba(samples: &[f64], rate: u32, zero_dbpa: f64) -> f64 {
    10.0 * weighted_power(samples, rate, Weighting::A, None).log10() + zero_dbpa + 93.979_4
}

/// A recording of a lab: 1 kHz in 24 bit, an amplitude for each channel.
fn record(path: &Path, amplitudes: &[f64]) {
    let spec = hound::WavSpec {
        channels: amplitudes.len() as u16,
        sample_rate: 44_100,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..2 * 44_100 {
        let x = (std::f64::consts::TAU * 1_000.0 * f64::from(n) / 44_100.0).sin();
        for amplitude in amplitudes {
            writer.write_sample((amplitude * x * 8_388_607.0) as i32).unwrap();
        }
    }
    writer.finalize().unwrap();
}

fn refused(answer: &Answer, parts: &[&str]) {
    assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{}", answer.err);
    for part in parts {
        assert!(answer.err.contains(part), "{part}: {}", answer.err);
    }
}

#[test]
fn driving_noise_is_rendered_at_points_with_its_sound_pressure() {
    let here = folder();
    let arguments = ["signal", "render", "driving-120", "--points", "driver-head,microphone"];
    let answer =
        ask(here.path(), &[&arguments[..], &["--zero-dbov", "20 dBPa", "--out", "noise.wav"]].concat());
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    for part in
        ["driver-head, microphone", "69.0 dB(A)", "-24.98 dBPa(A)", "0 dBov is 20.00 dBPa", "synthetic"]
    {
        assert!(answer.out.contains(part), "{part}: {}", answer.out);
    }
    let (rate, found) = channels(&here.path().join("noise.wav"));
    assert_eq!((rate, found.len(), found[0].len()), (48_000, 2, 960_000));
    // The spread at the second point is that of 20 s of noise, see the tests of the generator.
    assert!((dba(&found[0], rate, 20.0) - 69.0).abs() < 0.1);
    assert!((dba(&found[1], rate, 20.0) - 69.0).abs() < 0.2);
    assert_ne!(found[0], found[1]);
    // At 8 kHz a part of rain is missing, and the level told is the one in the file.
    let low = ["signal", "render", "rain", "--rate", "8000", "--zero-dbov", "20 dBPa", "--out", "low.wav"];
    let answer = ask(here.path(), &low);
    let (rate, found) = channels(&here.path().join("low.wav"));
    let level = dba(&found[0], rate, 20.0);
    assert!(
        level < 57.0 && answer.out.contains(&format!("{level:.1} dB(A) at driver-head")),
        "{level}, {}",
        answer.out
    );
    // One point without being asked; as a mono track at a level of its own.
    assert_eq!(
        ask(here.path(), &["signal", "render", "rain", "--seconds", "1", "--out", "rain.wav"]).code,
        0
    );
    assert_eq!(channels(&here.path().join("rain.wav")).1.len(), 1);
    let mono = ["signal", "render", "rain", "--level", "-30 dBov", "--out", "rain.wav"];
    let answer = ask(here.path(), &mono);
    assert!(answer.code == 0 && answer.out.contains("-30 dBov"), "{}{}", answer.out, answer.err);
    let (_, found) = channels(&here.path().join("rain.wav"));
    let power = found[0].iter().map(|x| x * x).sum::<f64>() / found[0].len() as f64;
    assert!((10.0 * power.log10() + 30.0).abs() < 1e-4);
}

#[test]
fn noise_that_cannot_be_rendered_is_refused_with_the_remedy() {
    let here = folder();
    let render = |more: &[&str]| {
        let arguments = [&["signal", "render"], more, &["--seconds", "2", "--out", "a.wav"]].concat();
        let answer = ask(here.path(), &arguments);
        assert!(!here.path().join("a.wav").exists());
        answer
    };
    let near = ["did you mean 'microphone'?", "driver-head, driver-left-ear"];
    refused(&render(&["fan-1", "--points", "microfone"]), &[&["no point 'microfone'"], &near[..]].concat());
    refused(&render(&["fan-1", "--points", "microphone,microphone"]), &["named twice"]);
    refused(
        &render(&["driving-120", "--zero-dbov", "-20 dBPa"]),
        &["would clip", "dB over full scale", "--zero-dbov"],
    );
    refused(&render(&["driving-120", "--zero-dbov", "24 dBm0"]), &["not in dBm0"]);
    refused(&render(&["css-fb", "--points", "driver-head"]), &["has no points"]);
    let short = ["signal", "render", "css-fb", "--seconds", "0.00001", "--out", "a.wav"];
    refused(&ask(here.path(), &short), &["one frame at least"]);
    refused(
        &ask(here.path(), &[&["signal", "render", "fan-1"], &short[3..]].concat()),
        &["one frame at least"],
    );
    let long = ["signal", "render", "fan-1", "--points", "driver-head,microphone", "--out", "a.wav"];
    let answer = ask(here.path(), &[&long[..], &["--seconds", "3000"]].concat());
    refused(&answer, &["288 million samples", "at most 2796 s", "fewer --points"]);
    refused(&render(&["fan-1", "--band", "NB"]), &["--band limits a track"]);
    refused(&render(&["css-fb", "--zero-dbov", "24 dBPa"]), &["background noise"]);
    refused(&render(&["fan-1", "--points", "microphone", "--level", "-20 dBov"]), &["cannot be used with"]);
    refused(&render(&["p501-single-talk"]), &["a licensed recording", "lombard signal import DIR"]);
    // The peak of a sine is 3.0103 dB over its level: 0.0003 dB too much are told as 0.01 dB.
    let loud = ["sine-1000", "--level", "-3.01 dBov"];
    refused(&render(&loud), &[", 0.01 dB over full scale"]);
    refused(&render(&["speech-activation", "--level", "-10 dBov"]), &["dB over full scale"]);
    refused(&render(&["speech-single-talk-fb", "--rate", "16000"]), &["use a rate above 40000 Hz"]);
}

#[test]
fn the_labs_noise_is_imported_listed_and_played() {
    let here = folder();
    // −23.01 dBov; with 14 dBPa for full scale 84.97 dB at 1 kHz, where the weighting is 0 dB.
    record(&here.path().join("Rough road 80.wav"), &[0.1, 0.05]);
    let import = ["signal", "import-noise", "Rough road 80.wav", "--zero-dbov", "14 dBPa"];
    let points = ["--points", "driver-head,microphone"];
    let level = ["--level-at-driver-head", "85.4 dB(A)"];
    let answer = ask(here.path(), &[&import[..], &points, &level].concat());
    assert_eq!(answer.code, 0, "{}", answer.err);
    for part in
        ["imported  rough-road-80", "44100 Hz", "85.4 dB(A)", "85.0 dB(A) there", "driver-head, microphone"]
    {
        assert!(answer.out.contains(part), "{part}: {}", answer.out);
    }
    assert!(answer.err.contains("no data folder was named"), "{}", answer.err);
    let data = here.path().join("lombard-data/signals/noise");
    let copy = std::fs::read(data.join("rough-road-80.wav")).unwrap();
    assert_eq!(copy, std::fs::read(here.path().join("Rough road 80.wav")).unwrap(), "copied unchanged");
    let record_text = std::fs::read_to_string(data.join("imported.toml")).unwrap();
    assert!(record_text.contains("level_at_driver_head = \"85.4 dB(A)\""), "{record_text}");

    let signals = object(&ask(here.path(), &["list", "signals", "--json"]));
    let find = |id: &str| -> Value {
        signals["signals"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap().clone()
    };
    let noise = find("rough-road-80");
    assert_eq!(noise["level_at_driver_head_dba"], 85.4);
    assert_eq!(noise["points"], serde_json::json!(["driver-head", "microphone"]));
    assert_eq!(noise["method_equivalent"], false);
    assert_eq!(find("driving-50")["level_at_driver_head_dba"], 58.0);
    assert_eq!(find("css-fb")["points"], Value::Null);
    let text = ask(here.path(), &["list", "signals"]).out;
    let row = |id: &str| text.lines().find(|line| line.starts_with(id)).unwrap();
    assert!(row("rough-road-80").contains("recorded") && row("driving-50").contains("synthetic"), "{text}");

    let render =
        ["signal", "render", "rough-road-80", "--zero-dbov", "14 dBPa", "--points", "microphone,driver-head"];
    let answer = ask(here.path(), &[&render[..], &["--out", "noise.wav"]].concat());
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    assert!(!answer.out.contains("note"), "{}", answer.out);
    let (rate, found) = channels(&here.path().join("noise.wav"));
    assert_eq!((rate, found.len(), found[0].len()), (48_000, 2, 96_000));
    // Converted from 44.1 kHz; the ends are cut off there.
    assert!((dba(&found[1], rate, 14.0) - 84.97).abs() < 0.02, "{}", dba(&found[1], rate, 14.0));
    assert!((dba(&found[1], rate, 14.0) - dba(&found[0], rate, 14.0) - 6.02).abs() < 0.01);

    // Imported again it takes the place of the older one; another one stands beside it.
    assert_eq!(
        ask(here.path(), &[&import[..], &points, &["--level-at-driver-head", "84.9 dB(A)"]].concat()).code,
        0
    );
    let other = ["--id", "other", "--level-at-driver-head", "84.9 dB(A)"];
    assert_eq!(ask(here.path(), &[&import[..], &points, &other].concat()).code, 0);
    let record_text = std::fs::read_to_string(data.join("imported.toml")).unwrap();
    assert!(record_text.matches("[[noise]]").count() == 2 && !record_text.contains("85.4"), "{record_text}");
    // Where nothing stands at the driver's head the level is taken on trust, and that is said.
    let elsewhere =
        ["--points", "rear,microphone", "--id", "elsewhere", "--level-at-driver-head", "60 dB(A)"];
    let answer = ask(here.path(), &[&import[..], &elsewhere].concat());
    assert!(
        answer.code == 0 && answer.out.contains("note      no channel stands at driver-head"),
        "{}",
        answer.out
    );
    // Another recording does not take the place of the one that plans know by this id.
    record(&here.path().join("Other.wav"), &[0.1, 0.07]);
    let swapped =
        ["signal", "import-noise", "Other.wav", "--zero-dbov", "14 dBPa", "--points", "driver-head,seat"];
    let answer = ask(here.path(), &[&swapped[..], &other[2..]].concat());
    refused(&answer, &["'other' is another recording", "--id"]);
    // A file that was exchanged is not played.
    record(&data.join("other.wav"), &[0.2, 0.2]);
    let answer = ask(here.path(), &["signal", "render", "other", "--out", "b.wav"]);
    refused(&answer, &["changed since it was imported"]);
}

#[test]
fn noise_that_contradicts_itself_is_not_imported() {
    let here = folder();
    record(&here.path().join("road.wav"), &[0.1]);
    std::fs::write(here.path().join("text.wav"), "no WAV at all").unwrap();
    let import = |file: &str, zero: &str, level: &str, more: &[&str]| {
        let arguments =
            ["signal", "import-noise", file, "--zero-dbov", zero, "--level-at-driver-head", level];
        let answer = ask(here.path(), &[&arguments[..], more].concat());
        assert!(!here.path().join("lombard-data").exists());
        answer
    };
    refused(&import("road.wav", "14 dBPa", "68 dB(A)", &[]), &["68.0 dB(A)", "85.0 dB(A)", "17.0 dB apart"]);
    refused(&import("road.wav", "14 dBPa", "85 dB(A)", &["--points", "a,b"]), &["1 channels and 2 points"]);
    refused(&import("road.wav", "14 dBPa", "85 dB(A)", &["--id", "fan-1"]), &["signal of the catalogue"]);
    refused(&import("road.wav", "14 dBPa", "85 dB(A)", &["--id", "../x"]), &["is no id"]);
    refused(&import("road.wav", "14 dBov", "85 dB(A)", &[]), &["not in dBov"]);
    refused(&import("road.wav", "14 dBPa", "85 dB", &[]), &["dB(A)"]);
    refused(&import("text.wav", "14 dBPa", "85 dB(A)", &[]), &["WAV file"]);
    refused(&import("nothing.wav", "14 dBPa", "85 dB(A)", &[]), &["is no file"]);
    let answer = ask(here.path(), &["signal", "import-noise", "road.wav", "--zero-dbov", "14 dBPa"]);
    refused(&answer, &["--level-at-driver-head"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_could_not_be_finished_leaves_nothing_behind() {
    let here = folder();
    // Files end at some kilobytes in this shell, as on a full disk; the file would have 2 MB.
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" signal render css-fb --out big.wav";
    let answer = std::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_lombard")])
        .current_dir(here.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.code() == Some(4) && said.contains("big.wav"), "{:?}: {said}", answer.status);
    assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 0);
}

#[test]
fn a_signal_is_drawn_with_and_without_its_file() {
    let here = folder();
    let answer = ask(here.path(), &["signal", "render", "css-fb", "--plot", "plots/css.svg"]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    assert!(answer.out.contains("plot     plots/css.svg") && !answer.out.contains("file "), "{}", answer.out);
    let svg = std::fs::read_to_string(here.path().join("plots/css.svg")).unwrap();
    for part in [
        "css-fb",
        "−16 dBm0 = −22.15 dBov (rms)",
        "10.5\u{a0}s",
        "48000 Hz",
        "data:image/png;base64,",
        "t / s",
    ] {
        assert!(svg.contains(part), "{part}");
    }
    assert!(svg.len() < 600_000, "{} bytes", svg.len());
    for plot in ["both.wav", "./both.wav"] {
        let answer = ask(here.path(), &["signal", "render", "css-fb", "--out", "both.wav", "--plot", plot]);
        refused(&answer, &["--out and --plot are both"]);
    }
    let both = [
        "signal",
        "render",
        "speech-double-talk-near",
        "--plot",
        "a.svg",
        "--out",
        "a.wav",
        "--rate",
        "16000",
    ];
    let answer = ask(here.path(), &both);
    assert!(answer.code == 0 && answer.out.contains("file     a.wav"), "{}", answer.err);
    let svg = std::fs::read_to_string(here.path().join("a.svg")).unwrap();
    assert!(svg.contains("<title>double-words-1</title>") && svg.contains(">near</text>"));
    assert!(here.path().join("a.wav").exists());
    let noise = ["signal", "render", "fan-4", "--points", "microphone,driver-head", "--plot", "f.svg"];
    assert_eq!(ask(here.path(), &noise).code, 0);
    let svg = std::fs::read_to_string(here.path().join("f.svg")).unwrap();
    // The level of the channel that is drawn, and the whole line.
    assert!(svg.contains("dB(A) at microphone, 0 dBov is 24.00 dBPa"), "{}", &svg[..2_000]);
    assert!(svg.contains("20.0\u{a0}s  ·  48000 Hz<"), "{}", &svg[..2_000]);
    refused(&ask(here.path(), &["signal", "render", "css-fb"]), &["--out"]);
}

#[test]
fn sides_of_a_dialogue_say_who_speaks_when() {
    let here = folder();
    let signals = object(&ask(here.path(), &["list", "signals", "--json"]));
    let spans = |id: &str| -> Vec<String> {
        let one = signals["signals"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
        let all = one["spans"].as_array().unwrap();
        assert!(
            all.iter().all(|one| one["from_s"].as_f64().unwrap() < one["to_s"].as_f64().unwrap()),
            "{all:?}"
        );
        all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    let near = spans("speech-double-talk-near");
    assert_eq!(near, spans("speech-double-talk-far"));
    for name in ["far-1", "near-words-6", "double-words-6", "near-sentences-2", "double-sentences-2"] {
        assert!(near.iter().any(|one| one == name), "{name}: {near:?}");
    }
    assert_eq!(spans("css-fb"), ["analysis"]);
}
