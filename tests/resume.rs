//! A run survives: killed at every event, stopped, out of disk. At most the take in progress is lost.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lombard::bench::StopFlag;
use lombard::event::{Event, Telemetry};
use lombard::run::view::{RunState, RunView};
use lombard::run::{Engine, RunError, Update};
use lombard::store::storage::{Disk, FailingDisk};
use lombard::verdict::Verdict;

use crate::recording::{SHORT_PLAN, empty_folder, findings, plan_in, record, record_on, request};

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// The takes of a journal that were recorded for good, each with its captures; how often each was.
fn recorded(journal: &str) -> BTreeMap<String, (usize, String)> {
    let mut takes: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for line in journal.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["event"] == "take-recorded" && line["replay"] == false {
            let one = takes.entry(line["take"].as_str().unwrap().to_owned()).or_default();
            one.0 += 1;
            if one.1.is_empty() {
                one.1 = line["captures"].to_string();
            }
        }
    }
    takes
}

fn resume(path: &Path) -> RunView {
    Engine::new(Vec::new()).resume(path, &|_| {}, &StopFlag::default()).unwrap()
}

#[test]
fn killed_at_every_event_a_run_is_resumed_without_loss() {
    let folder = empty_folder("killed");
    let whole = record(&request(&plan_in(&folder, SHORT_PLAN), &folder, 7));
    let journal = std::fs::read_to_string(whole.path.join("journal.jsonl")).unwrap();
    let lines: Vec<&str> = journal.lines().collect();
    assert!(lines.len() > 12, "only {} events: is the plan still one of every kind?", lines.len());
    let all = recorded(&journal);
    assert!(all.len() > 6, "only {} takes", all.len());
    for kept in 1..=lines.len() {
        let path = folder.join(format!("killed-{kept}"));
        copy_folder(&whole.path, &path);
        // What was journalled, and the half of the next line that a power cut leaves.
        let torn = lines.get(kept).map_or("", |next| &next[..next.len() / 2]);
        let text = format!("{}\n{torn}", lines[..kept].join("\n"));
        std::fs::write(path.join("journal.jsonl"), &text).unwrap();
        std::fs::remove_dir_all(path.join("evaluations")).unwrap();
        std::fs::create_dir(path.join("evaluations")).unwrap();

        let view = resume(&path);
        assert_eq!(view.state, RunState::Finished, "killed after event {kept}");
        let after = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
        assert!(after.starts_with(&lines[..kept].join("\n")), "event {kept}: the journal was rewritten");
        let (before, after) = (recorded(&lines[..kept].join("\n")), recorded(&after));
        assert_eq!(after.keys().collect::<Vec<_>>(), all.keys().collect::<Vec<_>>(), "event {kept}");
        for (take, (count, captures)) in &after {
            assert_eq!(*count, 1, "killed after event {kept}: {take} was recorded again");
            if let Some((_, first)) = before.get(take) {
                assert_eq!(captures, first, "killed after event {kept}: {take} was replaced");
            }
        }
        for entry in &view.entries {
            let same = whole.entries.iter().find(|one| one.entry.id == entry.entry.id).unwrap();
            assert_eq!(entry.verdict, same.verdict, "killed after event {kept}: {}", entry.entry.id);
        }
        std::fs::remove_dir_all(&path).unwrap();
    }
}

#[test]
fn a_stop_is_seen_in_the_next_block_and_the_run_can_be_resumed() {
    let folder = empty_folder("stopped");
    let (stop, after) = (StopFlag::default(), AtomicUsize::new(0));
    let listener = |update: Update<'_>| match update {
        Update::Event(Event::TakeRecorded { .. }) => stop.stop(),
        Update::Telemetry(Telemetry::TakeProgress { .. }) if stop.is_set() => {
            after.fetch_add(1, Ordering::SeqCst);
        }
        _ => {}
    };
    let wish = request(&plan_in(&folder, SHORT_PLAN), &folder, 7);
    let view = record_on(Arc::new(Disk), &wish, &listener, &stop).unwrap();
    assert_eq!(view.state, RunState::Incomplete);
    assert_eq!(view.exit_code(), 3);
    assert!(view.entries.iter().all(|one| matches!(one.verdict, Verdict::Aborted | Verdict::NotRun)));
    assert!(view.entries.iter().all(|one| !one.reason.is_empty()));
    let resumed = resume(&view.path);
    assert_eq!(resumed.state, RunState::Finished);
    assert_eq!(findings(&resumed).len(), findings(&record(&wish)).len());
}

#[test]
fn a_disk_that_fails_at_any_write_costs_the_take_in_progress_only() {
    let folder = empty_folder("full");
    let wish = request(&plan_in(&folder, SHORT_PLAN), &folder, 7);
    let mut failures = 0;
    // A run makes some hundreds of writing operations. A stride that is no multiple of anything meets all kinds of them.
    for writes in (3..).step_by(17).take(30) {
        let disk = FailingDisk::after(writes);
        let events = std::sync::Mutex::new(0usize);
        let listener = |update: Update<'_>| {
            if let Update::Event(_) = update {
                *events.lock().unwrap() += 1;
            }
        };
        let result = record_on(Arc::new(disk.clone()), &wish, &listener, &StopFlag::default());
        let newest = || {
            let mut runs: Vec<_> =
                std::fs::read_dir(&folder).unwrap().map(|one| one.unwrap().path()).collect();
            runs.retain(|path| path.is_dir());
            runs.sort();
            runs.pop()
        };
        match result {
            Ok(view) => assert_eq!(view.state, RunState::Finished, "{writes} writes"),
            Err(RunError::Storage(error)) => {
                failures += 1;
                assert!(error.to_string().contains("no space left"), "{error}");
                let Some(path) = newest().filter(|path| path.join("inputs/manifest.json").exists()) else {
                    continue;
                };
                let heard = *events.lock().unwrap();
                let journal = std::fs::read_to_string(path.join("journal.jsonl")).unwrap_or_default();
                assert!(journal.matches('\n').count() >= heard, "an event was told that is not on the disk");
                let view = resume(&path);
                assert_eq!(view.state, RunState::Finished, "{writes} writes");
                let journal = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
                assert!(recorded(&journal).values().all(|(count, _)| *count == 1), "{writes} writes");
            }
            Err(error) => panic!("{writes} writes: {error}"),
        }
        if let Some(path) = newest() {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
    assert!(failures > 10, "only {failures} runs met the failing disk");
}

#[test]
fn a_run_that_another_process_has_open_is_refused() {
    let folder = empty_folder("busy");
    let view = record(&request(&plan_in(&folder, SHORT_PLAN), &folder, 7));
    let open = lombard::store::folder::RunFolder::open(Arc::new(Disk), &view.path).unwrap();
    let _lock = open.lock().unwrap();
    let error = Engine::new(Vec::new()).resume(&view.path, &|_| {}, &StopFlag::default()).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
}
