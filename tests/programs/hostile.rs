//! Programs that hang, flood, end, or give what is no sound: each is an error with its reason, and none is left behind.

use std::path::Path;
use std::time::{Duration, Instant};

use lombard::bench::StopFlag;
use lombard::bench::car::{Car, CarError};
use lombard::run::view::RunState;
use lombard::run::{BenchChoice, Engine, RunRequest};
use lombard::verdict::Verdict;
use serde_json::Value;

use super::{hostile, ideal, ideal_text, tracks};
use crate::recording::{SHORT_PLAN, empty_folder, plan_in, request};

/// The time that a program has in these tests; starting Python takes a small part of it.
const TIMEOUT: &str = "timeout = \"5 s\"";

/// The error of a car whose program has a bad habit, and how long it took.
fn broken(mode: &str, file: &Path) -> (String, Duration) {
    let car = ideal(&hostile(mode, file), 48_000, 480, TIMEOUT);
    let mut running = Car::new(&car, 5);
    running.open(car.bandwidth, 9).unwrap();
    let [mouth, receive] = tracks(0.5);
    let began = Instant::now();
    let error = running.run(&mouth, &receive).map(|_| ()).and_then(|()| running.settle());
    let error = error.expect_err(mode);
    assert!(matches!(error, CarError::Program(_)), "{mode}: {error}");
    (error.to_string(), began.elapsed())
}

/// Whether a process that wrote its number into a file is gone, also from the list of those that nobody asked about.
fn is_gone(file: &Path) -> bool {
    let number = std::fs::read_to_string(file).unwrap();
    !cfg!(target_os = "linux") || !Path::new("/proc").join(number.trim()).exists()
}

#[test]
fn every_bad_habit_is_an_error_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let habits: [(&str, &[&str]); 13] = [
        ("hang", &["did not answer within 5 s", "at block 1 ", "raise 'timeout'"]),
        ("mute", &["did not answer within 5 s", "after 0 of the 3840 bytes"]),
        ("flood", &["bytes too many", "messages belong on standard error"]),
        (
            "exit",
            &["it ended (exit status: 3) at block 5 (0.04 s", "it said: warming up | I have had enough"],
        ),
        ("half", &["did not answer within 5 s", "after 1920 of the 3840 bytes"]),
        ("half-exit", &["it ended (exit status: 0)", "after 1920 of the 3840 bytes"]),
        ("extra", &["it wrote 1 bytes too many", "write one block for every block"]),
        ("double", &["it wrote 3840 bytes too many"]),
        ("nan", &["its send is NaN at block 5", "in frame 7 of its answer"]),
        ("infinity", &["its loudspeaker is inf at block 5", "in frame 7 of its answer"]),
        ("close-output", &["it closed its standard output at block 5"]),
        ("close-input", &["it does not read its standard input"]),
        ("shout", &["did not answer within 5 s", "it said: …!!!"]),
    ];
    std::thread::scope(|scope| {
        for (mode, parts) in habits {
            let file = folder.path().join(mode);
            scope.spawn(move || {
                let (text, took) = broken(mode, &file);
                for part in ["the device and not the bench", "hostile.py"].iter().chain(parts) {
                    assert!(text.contains(part), "{mode}: no '{part}' in: {text}");
                }
                assert!(text.len() < 2_000, "{mode}: what it said is bounded: {} bytes", text.len());
                assert!(took < Duration::from_mins(1), "{mode}: {took:?}");
                assert!(is_gone(&file), "{mode} is still there");
            });
        }
    });
}

#[test]
fn a_program_that_writes_without_reading_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let (text, _) = broken("unread", &folder.path().join("unread"));
    // Whether its next block comes before the one that it did not read was asked for is a matter of time.
    assert!(text.contains("does not read its standard input") || text.contains("bytes too many"), "{text}");
}

#[test]
fn a_program_is_gone_with_its_call() {
    let folder = tempfile::tempdir().unwrap();
    for mode in ["pass", "stubborn"] {
        let file = folder.path().join(mode);
        let car = ideal(&hostile(mode, &file), 48_000, 480, "");
        let mut running = Car::new(&car, 5);
        let [mouth, receive] = tracks(0.1);
        let mut seen = Vec::new();
        for _ in 0..2 {
            running.open(car.bandwidth, 9).unwrap();
            assert!(!file.exists() || is_gone(&file), "{mode}: a new call is a new process");
            running.run(&mouth, &receive).unwrap();
            assert!(!cfg!(target_os = "linux") || !is_gone(&file), "{mode}: it runs during the call");
            seen.push(std::fs::read_to_string(&file).unwrap());
        }
        assert_ne!(seen[0], seen[1], "{mode}: every call has a process of its own");
        running.close();
        assert!(is_gone(&file), "{mode} is still there after the call");
        running.open(car.bandwidth, 9).unwrap();
        running.run(&mouth, &receive).unwrap();
        drop(running);
        assert!(is_gone(&file), "{mode} is still there after the car");
    }
}

#[test]
fn a_program_that_cannot_be_started_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let no_program = folder.path().join("readme.txt");
    std::fs::write(&no_program, "not a program").unwrap();
    for (file, part) in [
        (no_program.display().to_string(), "cannot be started"),
        ("lombard-has-no-such-program".to_owned(), "there is no such program"),
        ("./nor-this".to_owned(), "there is no such program"),
    ] {
        let car = ideal(std::slice::from_ref(&file), 48_000, 480, "");
        let mut running = Car::new(&car, 5);
        running.open(car.bandwidth, 9).unwrap();
        let error = running.run(&[0.0; 480], &[]).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("'command'") && error.contains(&file), "{error}");
    }
}

/// A request for the short plan on a car with this command.
fn short_run(folder: &Path, command: &[String], keys: &str) -> RunRequest {
    let car = folder.join("car.toml");
    std::fs::write(&car, ideal_text(command, 48_000, 480, keys)).unwrap();
    let bench = BenchChoice::Car(car.display().to_string());
    RunRequest { bench, ..request(&plan_in(folder, SHORT_PLAN), folder, 7) }
}

#[test]
fn a_program_that_breaks_ends_the_run_with_its_reason_and_the_run_is_resumed() {
    let folder = empty_folder("broken-program");
    // Not "flag", which is the mode: an argument that names a file is a part of the program.
    let flag = folder.join("it-is-up");
    std::fs::write(&flag, "").unwrap();
    let engine = Engine::new(Vec::new());
    let wish = short_run(&folder, &hostile("flag", &flag), "");
    let broken = engine.record(&wish, &|_| {}, &StopFlag::default()).unwrap();
    assert_eq!((broken.state, broken.exit_code()), (RunState::Incomplete, 4));
    let failed: Vec<_> = broken.entries.iter().filter(|one| one.verdict == Verdict::Error).collect();
    assert!(!failed.is_empty());
    for one in failed {
        for part in ["the program under test failed", "exit status: 9", "the flag is up"] {
            assert!(one.reason.contains(part), "{part}: {}", one.reason);
        }
    }
    // Nobody tries again what a device gets wrong.
    let journal = std::fs::read_to_string(broken.path.join("journal.jsonl")).unwrap();
    let failed: Vec<Value> = journal
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["event"] == "take-failed")
        .collect();
    assert!(!failed.is_empty() && failed.iter().all(|one| one["attempt"] == 1), "{failed:?}");
    // Put right, it goes on.
    std::fs::remove_file(&flag).unwrap();
    let whole = engine.resume(&broken.path, &|_| {}, &StopFlag::default()).unwrap();
    assert_eq!(whole.state, RunState::Finished);
    assert!(whole.entries.iter().all(|one| !one.findings.is_empty()));
}

#[test]
fn a_stop_does_not_wait_for_a_program_that_hangs() {
    let folder = empty_folder("hanging-program");
    let pid = folder.join("pid");
    let wish = short_run(&folder, &hostile("hang", &pid), "timeout = \"300 s\"");
    let stop = StopFlag::default();
    let (view, took) = std::thread::scope(|scope| {
        let recording = scope.spawn(|| Engine::new(Vec::new()).record(&wish, &|_| {}, &stop).unwrap());
        let waited = Instant::now();
        while !pid.exists() && waited.elapsed() < Duration::from_mins(2) {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(100));
        let began = Instant::now();
        stop.stop();
        let view = recording.join().unwrap();
        (view, began.elapsed())
    });
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(view.state, RunState::Incomplete);
    assert!(
        view.entries.iter().all(|one| matches!(one.verdict, Verdict::Aborted | Verdict::NotRun)),
        "{view:#?}"
    );
    assert!(is_gone(&pid));
}

#[test]
fn a_run_is_not_resumed_with_another_build() {
    let folder = empty_folder("other-build");
    let script = folder.join("device.py");
    std::fs::copy(crate::source::root().join("tests/programs/hostile.py"), &script).unwrap();
    let command = [super::PYTHON.clone(), "device.py".to_owned(), "pass".to_owned(), "file=pid".to_owned()];
    let wish = short_run(&folder, &command, "");
    let (stop, engine) = (StopFlag::default(), Engine::new(Vec::new()));
    let listener = |update: lombard::run::Update<'_>| {
        if let lombard::run::Update::Event(lombard::event::Event::TakeRecorded { .. }) = update {
            stop.stop();
        }
    };
    let view = engine.record(&wish, &listener, &stop).unwrap();
    assert_eq!(view.state, RunState::Incomplete);
    let text = std::fs::read_to_string(&script).unwrap();
    std::fs::write(&script, format!("{text}# a new build\n")).unwrap();
    let refused = engine.resume(&view.path, &|_| {}, &StopFlag::default()).unwrap_err();
    assert_eq!(refused.exit_code(), 2);
    let said = refused.to_string();
    assert!(said.contains("device.py in ") && said.contains("bring the old build back"), "{said}");
    // It is told what was tested, also where nothing more is recorded.
    assert!(engine.evaluate(&view.path, None, &[]).is_ok());
    std::fs::write(&script, text).unwrap();
    let whole = engine.resume(&view.path, &|_| {}, &StopFlag::default()).unwrap();
    assert_eq!(whole.state, RunState::Finished);
    let hash = lombard::store::folder::hash_of_text(&std::fs::read(&script).unwrap());
    assert!(whole.inputs.contains(&("program: device.py".to_owned(), hash.clone())), "{:?}", whole.inputs);
    assert_eq!(whole.device.fields.get("SHA-256 of device.py"), Some(&hash));
    assert!(whole.device.software.starts_with("program under test: "), "{}", whole.device.software);
}
