//! Background noise in whole runs: the talker is raised for it, it is where it was when a run is resumed, and a bench that
//! cannot play it is told so before the car is touched.

use std::collections::BTreeMap;
use std::path::Path;

use lombard::bench::StopFlag;
use lombard::run::Engine;
use lombard::run::view::{RunState, RunView};

use crate::recording::{empty_folder, plan_in, record, request};

/// The same entry in a quiet car and in noise, and three takes in one call with noise.
const NOISY_PLAN: &str = r#"
title = "Noisy"
recommendation = "P.1110"
edition = "10/2025"
bandwidth = "WB"
car = "ideal-wb"

[defaults]
conditioning = "css-delay"
delay_max = "250 ms"

[[entry]]
volume = "step-3"
id = "quiet"
clause = "11.3"
method = "loudness_rating"
[entry.parameters]
direction = "send"
signal = "speech-conditioning"
idle = "500 ms"

[[entry]]
volume = "step-3"
id = "noisy"
clause = "11.3"
method = "loudness_rating"
noise = "driving-50"
[entry.parameters]
direction = "send"
signal = "speech-conditioning"
idle = "500 ms"

[[entry]]
volume = "step-3"
id = "noisy_delay_short"
clause = "11.2"
method = "delay"
noise = "driving-50"
[entry.parameters]
delay_max = "400 ms"

[[entry]]
volume = "step-3"
id = "noisy_delay"
clause = "11.2"
method = "delay"
noise = "driving-50"

[[entry]]
id = "field"
clause = "9.2"
method = "noise_field"
noise = "driving-50"
[entry.parameters]
analysis_max = "20 s"
"#;

fn events(path: &Path) -> Vec<serde_json::Value> {
    let journal = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
    journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The hashes of what was recorded, by take and port.
fn recorded(path: &Path) -> BTreeMap<(String, String), String> {
    let mut all = BTreeMap::new();
    for event in events(path) {
        if event["event"] == "take-recorded" && event["replay"] == false {
            for track in event["captures"].as_array().unwrap() {
                let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
                all.insert((text(&event["take"]), text(&track["port"])), text(&track["sha256"]));
            }
        }
    }
    all
}

/// What the mouth played in the one take of an entry.
fn played(view: &RunView, entry: &str) -> Vec<f64> {
    let take = &view.entries.iter().find(|one| one.entry.id.text() == entry).unwrap().takes[0];
    let event = events(&view.path)
        .into_iter()
        .find(|event| event["event"] == "take-recorded" && event["take"] == take.text())
        .unwrap();
    let stimuli = event["stimuli"].as_array().unwrap();
    let track = stimuli.iter().find(|track| track["port"] == "mouth").unwrap();
    let file = view.path.join(track["file"].as_str().unwrap());
    let wav = lombard::wav::Wav::open(std::io::Cursor::new(std::fs::read(file).unwrap())).unwrap();
    wav.read(&[1]).unwrap().remove(0)
}

#[test]
fn the_tracks_at_the_mouth_differ_by_the_lombard_rise() {
    let folder = empty_folder("lombard");
    let view = record(&request(&plan_in(&folder, NOISY_PLAN), &folder, 7));
    assert_eq!(view.state, RunState::Finished);
    let (quiet, noisy) = (played(&view, "quiet"), played(&view, "noisy"));
    assert_eq!(quiet.len(), noisy.len());
    // 58 dB(A): 0.3·8 = 2.4 dB, on the same base of −1.7 dBPa.
    let gain = 10f64.powf(2.4 / 20.0);
    let peak = noisy.iter().fold(0.0f64, |peak, x| peak.max(x.abs()));
    for (quiet, noisy) in quiet.iter().zip(&noisy) {
        assert!((gain * quiet - noisy).abs() < 1e-6 * peak, "{quiet} {noisy}");
    }
    // The recording of the noise is kept once, and the field is measured against it when it is judged again.
    let field = |view: &RunView| {
        let entry = view.entries.iter().find(|one| one.entry.id.text() == "field").unwrap();
        entry.findings.iter().map(|one| format!("{:?}", one.finding)).collect::<Vec<_>>()
    };
    assert_eq!(field(&view).len(), 5, "{view:#?}");
    let again = Engine::new(Vec::new()).evaluate(&view.path, None, &[]).unwrap();
    assert_eq!(field(&again), field(&view));
}

#[test]
fn a_resumed_call_has_its_noise_where_it_was() {
    let folder = empty_folder("noise-resumed");
    taken_up_after_each_take(&folder, NOISY_PLAN);
}

#[test]
fn a_resumed_call_has_the_volume_that_its_noise_gave_it() {
    let folder = empty_folder("volume-resumed");
    let car = std::fs::read_to_string(crate::source::root().join("test-plans/cars/ideal-wb.toml")).unwrap();
    std::fs::create_dir_all(folder.join("cars")).unwrap();
    let points = "[terminal]\nspeed_volume_dbpa_db = [[-60, 0], [-30, 12]]";
    std::fs::write(folder.join("cars/loud.toml"), car.replace("[terminal]", points)).unwrap();
    let plan = NOISY_PLAN.replace("car = \"ideal-wb\"", "car = \"loud\"").replace("\"send\"", "\"receive\"");
    let loud = taken_up_after_each_take(&folder, &plan);
    // And it is another than without.
    let plain = plan.replace("car = \"loud\"", "car = \"ideal-wb\"");
    let plain = record(&request(&plan_in(&folder, &plain), &folder, 7));
    let ears = |all: BTreeMap<(String, String), String>, path: &Path| -> BTreeMap<String, String> {
        let noisy = takes_of(path, &["noisy"]);
        let is_ear = |key: &(String, String)| key.1 == "ear.left" && noisy.contains(&key.0);
        all.into_iter().filter(|(key, _)| is_ear(key)).map(|(key, hash)| (key.1, hash)).collect()
    };
    let (loud, plain) = (ears(recorded(&loud), &loud), ears(recorded(&plain.path), &plain.path));
    assert!(loud.len() == 1 && loud != plain, "{loud:?} {plain:?}");
}

/// The takes of entries.
fn takes_of(path: &Path, entries: &[&str]) -> Vec<String> {
    let view = Engine::new(Vec::new()).open(path).unwrap();
    let mine = view.entries.iter().filter(|one| entries.contains(&one.entry.id.text()));
    mine.flat_map(|one| one.takes.iter().map(|take| take.text().to_owned())).collect()
}

/// Records a plan, breaks the run off after each of its takes and takes it up: every recording is the same, to the bit. The
/// folder of the whole run.
fn taken_up_after_each_take(folder: &Path, plan: &str) -> std::path::PathBuf {
    let whole = record(&request(&plan_in(folder, plan), folder, 7));
    let journal = std::fs::read_to_string(whole.path.join("journal.jsonl")).unwrap();
    let lines: Vec<&str> = journal.lines().collect();
    let all = recorded(&whole.path);
    let takes: Vec<usize> = (0..lines.len()).filter(|n| lines[*n].contains("\"take-recorded\"")).collect();
    // After each take in turn, as if the power had gone.
    for kept in takes {
        let path = folder.join(format!("kept-{kept}"));
        crate::resume::copy_folder(&whole.path, &path);
        std::fs::write(path.join("journal.jsonl"), format!("{}\n", lines[..=kept].join("\n"))).unwrap();
        std::fs::remove_dir_all(path.join("evaluations")).unwrap();
        std::fs::create_dir(path.join("evaluations")).unwrap();
        let view = Engine::new(Vec::new()).resume(&path, &|_| {}, &StopFlag::default()).unwrap();
        assert_eq!(view.state, RunState::Finished, "after line {kept}");
        // A silent car has nothing random but its noise: every sample is the same.
        assert_eq!(recorded(&path), all, "after line {kept}");
        std::fs::remove_dir_all(&path).unwrap();
    }
    whole.path
}

#[test]
fn one_seed_or_another_the_noise_is_that_of_the_recording() {
    let folder = empty_folder("noise-seeds");
    let runs: Vec<_> = [7, 7, 8]
        .iter()
        .map(|seed| recorded(&record(&request(&plan_in(&folder, NOISY_PLAN), &folder, *seed)).path))
        .collect();
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
}

#[cfg(feature = "audio")]
#[test]
fn a_bench_without_loudspeakers_for_noise_is_told_before_it_is_touched() {
    use lombard::run::{BenchChoice, RunError};
    let folder = empty_folder("noise-refused");
    let plan = NOISY_PLAN.replace("volume = \"step-3\"", "volume = \"step-0\"");
    let mut wish = request(&plan_in(&folder, &plan), &folder, 1);
    wish.bench = BenchChoice::Rig("example-loop".to_owned());
    let error = Engine::new(Vec::new()).record(&wish, &|_| {}, &StopFlag::default()).unwrap_err();
    let RunError::Input(problems) = &error else { panic!("{error}") };
    let text = format!("{problems:#?}");
    assert!(text.contains("no output port noise.1") && text.contains("noise.sub"), "{text}");
    assert!(text.contains("with 'base' and 'remove'"), "{text}");
}
