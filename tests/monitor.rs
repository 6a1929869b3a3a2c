//! The live monitor beside a run and before one: readings come, and nothing that is captured changes.

use std::collections::BTreeMap;
use std::sync::Mutex;

use lombard::bench::StopFlag;
use lombard::event::{Event, Reading, Side, Standing, Telemetry};
use lombard::run::{BenchChoice, Engine, Monitor, Update};
use lombard::terms::Port;
use lombard::units::Unit;

use crate::cli::{ask, folder};
use crate::recording::{SHORT_PLAN, empty_folder, plan_in, request};

/// The hashes of everything that a run of `slr` recorded and played, and the last reading of each port.
fn run(
    name: &str,
    plan: &str,
    bench: BenchChoice,
    monitor: &Monitor,
) -> (Vec<String>, BTreeMap<(String, Side), Reading>) {
    let folder = empty_folder(name);
    let mut wish = request(&plan_in(&folder, plan), &folder, 1);
    wish.bench = bench;
    wish.only = vec!["slr".to_owned()];
    let (hashes, readings) = (Mutex::new(Vec::new()), Mutex::new(BTreeMap::new()));
    let listener = |update: Update<'_>| match update {
        Update::Event(Event::TakeRecorded { captures, stimuli, .. }) => {
            let all = captures.iter().chain(stimuli).map(|one| format!("{} {}", one.port, one.sha256));
            hashes.lock().unwrap().extend(all);
        }
        Update::Telemetry(Telemetry::Reading(one)) => {
            readings.lock().unwrap().insert((one.port.to_string(), one.side), (**one).clone());
        }
        _ => {}
    };
    let engine = Engine::new(Vec::new()).with_monitor(monitor.clone());
    engine.record(&wish, &listener, &StopFlag::default()).unwrap();
    let mut hashes = hashes.into_inner().unwrap();
    hashes.sort();
    (hashes, readings.into_inner().unwrap())
}

fn watching() -> Monitor {
    let monitor = Monitor::new();
    monitor.watch_all();
    monitor.analyze([Port::of("poi.send")]);
    monitor
}

fn hold(name: &str, plan: &str, bench: &BenchChoice) {
    let (bare, nothing) = run(&format!("{name}-bare"), plan, bench.clone(), &Monitor::new());
    assert!(!bare.is_empty() && nothing.is_empty(), "nothing is read that nobody asked for");
    let (watched, readings) = run(&format!("{name}-watched"), plan, bench.clone(), &watching());
    assert_eq!(watched, bare, "being watched has changed what was captured");
    // Speech from the mouth at its level, and what arrives of it: every port with its own unit.
    let mouth = &readings[&("mouth".to_owned(), Side::Played)];
    assert_eq!((mouth.unit, mouth.standing), (Unit::DbPa, Standing::Calibrated));
    assert!(mouth.highest_peak > -10.0 && mouth.highest_peak < 20.0, "{mouth:?}");
    let poi = &readings[&("poi.send".to_owned(), Side::Recorded)];
    assert_eq!(poi.unit, Unit::Dbm0);
    assert!(poi.highest_peak.is_finite() && poi.level_a.is_none() && poi.spectra.is_some(), "{poi:?}");
    assert!(readings[&("ear.left".to_owned(), Side::Recorded)].level_a.is_some());
}

#[test]
fn a_run_on_a_virtual_car_is_watched_and_its_captures_are_the_same() {
    hold("monitor-car", SHORT_PLAN, &BenchChoice::PlanDefault);
}

#[cfg(feature = "audio")]
#[test]
fn a_run_on_a_live_bench_is_watched_and_its_captures_are_the_same() {
    hold("monitor-wire", &crate::live::wire_plan(), &BenchChoice::Rig("example-loop".to_owned()));
}

#[cfg(not(feature = "audio"))]
#[test]
fn without_audio_the_monitor_is_refused_and_says_how_to_build_it() {
    let answer = ask(folder().path(), &["monitor", "example-loop", "--for", "1"]);
    assert_eq!(answer.code, 2, "{}", answer.err);
    assert!(answer.err.contains("--features audio"), "{}", answer.err);
}

#[cfg(feature = "audio")]
mod with_audio {
    use serde_json::Value;

    use super::*;

    fn objects(text: &str) -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn json_is_a_line_for_each_reading_and_nothing_is_left_behind() {
        let folder = folder();
        let answer = ask(
            folder.path(),
            &["monitor", "example-loop", "--port", "ear.left", "--spectrum", "--json", "--for", "2"],
        );
        assert_eq!((answer.code, answer.err.as_str()), (0, ""));
        let all = objects(&answer.out);
        assert!(all.len() > 2, "{}", answer.out);
        for one in &all {
            assert_eq!((&one["port"], &one["unit"]), (&"ear.left".into(), &"dBPa".into()));
            assert_eq!((&one["standing"], &one["record"]), (&"calibrated".into(), &"example-ear".into()));
            // The wire is silent, because nothing is played.
            assert_eq!(
                (&one["level"], &one["clipped"], &one["broken"]),
                (&Value::Null, &0.into(), &false.into())
            );
            assert_eq!(one["bands"]["nominal_hz"].as_array().unwrap().len(), 31);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was written");
    }

    #[test]
    fn a_line_a_second_names_every_input() {
        let answer = ask(folder().path(), &["monitor", "example-loop", "--for", "2.5"]);
        assert_eq!((answer.code, answer.err.as_str()), (0, ""));
        let line = answer.out.lines().last().unwrap();
        for part in ["ear.left silent dBPa silent dBPa(A)", "poi.send silent dBm0", "loopback silent dBov"] {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_exit_code() {
        for (arguments, code, part) in [
            (&["example-loop", "--port", "ear.lefd"][..], 2, "did you mean 'ear.left'"),
            (&["example-loop", "--port", "Ear Left"], 2, "is not a port name"),
            (&["ideal-wb"], 2, "is a virtual car"),
            (&["example-loop", "--for", "0"], 2, "give seconds above 0"),
            (&["example-loop", "--spectrum"], 2, "--port"),
            (&["example-loop", "--gain", "3"], 2, "--listen"),
            (&["example-loop", "--listen", "ear.left", "--gain", "-61"], 2, "give -60 to 60 dB"),
            (&["example-loop", "--listen", "mouth"], 2, "in a run only"),
            (
                &["example-loop", "--listen", "ear.left", "--on", "loop:wire", "--for", "20"],
                4,
                "would sound in the measurement",
            ),
            (
                &["example-loop", "--listen", "ear.left", "--on", "nohost:x", "--for", "20"],
                4,
                "no audio host 'nohost'",
            ),
        ] {
            let answer = ask(folder().path(), &[&["monitor"], arguments].concat());
            assert_eq!(answer.code, code, "{arguments:?}: {}", answer.err);
            assert!(answer.err.contains(part), "{arguments:?}: {}", answer.err);
        }
    }

    #[test]
    fn a_run_that_cannot_be_listened_to_goes_on_and_says_so() {
        let folder = empty_folder("monitor-listen");
        let plan = plan_in(&folder, SHORT_PLAN);
        let answer = ask(
            &folder,
            &["run", &plan, "--only", "slr", "--listen", "ear.left", "--on", "loop:wire", "--out", "runs"],
        );
        assert!(answer.code == 0 || answer.code == 1, "{}", answer.err);
        assert!(
            answer.err.contains("ear.left is not heard: loop:wire is inside the program"),
            "{}",
            answer.err
        );
    }
}
