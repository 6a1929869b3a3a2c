//! Runs through the binary: recorded, stopped, resumed, judged again, reported; streams and exit codes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::cli::{Answer, ask, folder, object, program};

/// The only folder in the folder of runs.
fn only_run(runs: &Path) -> PathBuf {
    let mut found = std::fs::read_dir(runs).unwrap();
    let run = found.next().unwrap().unwrap().path();
    assert!(found.next().is_none(), "one run was made");
    run
}

/// Entries of an object by their id.
fn entry<'o>(object: &'o Value, id: &str) -> &'o Value {
    let mut entries = object["entries"].as_array().unwrap().iter();
    entries.find(|one| one["id"] == id).unwrap_or_else(|| panic!("no entry {id}: {object}"))
}

/// The number that the entry `id` measured as `measurand`.
fn value(object: &Value, id: &str, measurand: &str) -> f64 {
    let mut findings = entry(object, id)["findings"].as_array().unwrap().iter();
    findings.find(|one| one["measurand"] == measurand).unwrap()["value"].as_f64().unwrap()
}

/// The entries without the names of their curves, which hold the number of the evaluation.
fn measured(object: &Value) -> Value {
    let mut entries = object["entries"].clone();
    for entry in entries.as_array_mut().unwrap() {
        for finding in entry["findings"].as_array_mut().unwrap() {
            if let Some(file) = finding["curve"].as_str() {
                finding["curve"] = file.rsplit('/').next().into();
            }
        }
    }
    entries
}

#[test]
fn a_run_is_recorded_judged_again_and_reported() {
    let here = folder();
    let overlay = "title = \"ours\"\n\n[[limit]]\nid = \"delay_round_trip\"\nmax = \"10 ms\"\nclass = \"C\"\n\
                   source = \"a wish\"\n";
    std::fs::write(here.path().join("strict.toml"), overlay).unwrap();
    let arguments =
        ["run", "quick-wb", "--car", "ideal-wb", "--device", "example", "--only", "delay,slr", "--seed", "7"];
    let recorded = ask(here.path(), &[&arguments[..], &["--json"]].concat());
    let first = object(&recorded);
    assert_eq!(recorded.code, 0, "{}", recorded.err);
    assert_eq!(first["verdict"], "pass");
    let count = first["entries"].as_array().unwrap().len();
    assert_eq!(count, 4, "volume search and reference run are pulled in: {first}");
    for line in [
        "run       P.1110",
        "call      wb-",
        "take      wb-",
        "fact      volume.nominal",
        "verdict   slr: pass",
    ] {
        assert!(recorded.err.contains(line), "{line}: {}", recorded.err);
    }
    assert!(
        !recorded.err.contains('\u{1b}') && !recorded.err.contains('\r'),
        "plain lines: {}",
        recorded.err
    );
    let run = only_run(&here.path().join("runs"));
    let name = run.file_name().unwrap().to_str().unwrap();
    assert_eq!(first["run"], format!("runs/{name}"));

    let again = ask(here.path(), &["evaluate", name, "--json"]);
    let second = object(&again);
    assert_eq!(
        (again.code, measured(&second)),
        (0, measured(&first)),
        "the same captures, the same findings"
    );
    let strict = ask(here.path(), &["evaluate", name, "--overlay", "strict.toml", "--json"]);
    assert_eq!(
        (strict.code, entry(&object(&strict), "delay")["verdict"].as_str()),
        (1, Some("fail")),
        "{}",
        strict.err
    );
    let reason = entry(&object(&strict), "delay")["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("delay_round_trip misses") && reason.contains("a wish"), "{reason}");
    let table = ask(here.path(), &["evaluate", name]);
    assert_eq!(table.code, 0, "{}", table.err);
    for part in ["\nPASS\n", "\ndelay      pass", "ms", "+", "to see more: lombard report runs/"] {
        assert!(table.out.contains(part), "{part}: {}", table.out);
    }

    let written = ask(here.path(), &["report", name, "--format", "csv,html,json,html"]);
    assert_eq!((written.code, written.out.lines().count()), (0, 3), "{}", written.err);
    for file in written.out.lines() {
        assert!(std::fs::metadata(here.path().join(file)).unwrap().len() > 1_000, "{file}");
    }
    assert!(run.join("reports/report.html").exists());
    assert_eq!(ask(here.path(), &["report", name, "--out", "elsewhere/deep"]).code, 0);
    assert!(here.path().join("elsewhere/deep/report.html").exists());

    // Nothing is missing: a resume records nothing and judges again.
    let resumed = ask(here.path(), &["resume", name, "--json"]);
    assert_eq!((resumed.code, &entry(&object(&resumed), "delay")["verdict"]), (0, &Value::from("pass")));
    assert!(!resumed.err.contains("take      "), "{}", resumed.err);
    let runs = object(&ask(here.path(), &["list", "runs", "--json"]));
    assert_eq!(
        (&runs["runs"][0]["verdict"], &runs["runs"][0]["state"]),
        (&"pass".into(), &"finished".into())
    );
}

#[test]
fn one_seed_gives_one_result_and_runs_go_where_they_are_told() {
    let here = folder();
    let arguments = ["run", "quick-nb", "--car", "ideal-nb", "--only", "delay", "--json"];
    let one = object(&ask(here.path(), &[&arguments[..], &["--out", "told"]].concat()));
    let two: Answer =
        program(here.path(), &arguments).env("LOMBARD_RUNS", "environment").output().unwrap().into();
    let two = object(&two);
    assert_eq!(one["entries"], two["entries"]);
    // The car file: terminal 63 ms and 52 ms, mouth to microphone 1.5 ms, loudspeaker to ears 3 ms. The network's own
    // 2 x 20 ms are taken off.
    let delay = value(&one, "delay", "delay_round_trip");
    assert!((delay - 119.5).abs() < 0.02, "{delay} ms");
    assert_eq!(one["run"].as_str().unwrap().split('/').next(), Some("told"));
    assert_eq!(two["run"].as_str().unwrap().split('/').next(), Some("environment"));
    only_run(&here.path().join("told"));
    only_run(&here.path().join("environment"));
    assert!(!here.path().join("runs").exists());
}

#[test]
fn bad_input_records_nothing() {
    let here = folder();
    std::fs::write(
        here.path().join("plan.toml"),
        "base = \"quick-wb\"\nbandwidth = \"WB\"\n[[entry]]\nid = 3\n",
    )
    .unwrap();
    for arguments in [
        &["run", "plan.toml"][..],
        &["run", "quick-wb", "--overlay", "nowhere.toml"],
        &["run", "quick-wb", "--device", "nothing"],
        &["run", "quick-wb", "--only", "nothing"],
        &["run", "quick-wb", "--bench", "lab7", "--json"],
        &["run", "quick-wb", "--car", "ideal-nb", "--json"],
        &["resume", "nothing"],
        &["evaluate", "nothing", "--json"],
    ] {
        let answer = ask(here.path(), arguments);
        assert_eq!(answer.code, 2, "{arguments:?}: {}", answer.err);
        assert!(answer.out.is_empty() && answer.err.contains("error"), "{arguments:?}: {}", answer.err);
    }
    assert!(!here.path().join("runs").exists());
    std::fs::create_dir_all(here.path().join("runs/empty")).unwrap();
    let no_run = ask(here.path(), &["report", "empty"]);
    assert!(no_run.code == 2 && no_run.err.contains("is not a run"), "{}", no_run.err);
}

/// Ctrl-C, as a terminal or a service manager sends it.
#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Starts a run and interrupts it when the first take is recorded. Gives what standard error said after that.
#[cfg(unix)]
fn interrupted(here: &Path, times: usize) -> (Answer, String) {
    let mut child = program(here, &["run", "quick-wb", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let is_take = |line: &String| line.contains("  take  ") && line.ends_with("recorded");
    let first = lines.by_ref().map(Result::unwrap).find(is_take);
    assert!(first.is_some(), "a take was recorded");
    for _ in 0..times {
        interrupt(&child);
        // Two signals of one kind that arrive at once are one.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    (child.wait_with_output().unwrap().into(), rest.join("\n"))
}

#[test]
#[cfg(unix)]
fn the_first_interrupt_stops_so_that_the_run_goes_on_later() {
    let here = folder();
    let (answer, said) = interrupted(here.path(), 1);
    let stopped = object(&answer);
    assert_eq!(answer.code, 3, "{said}");
    assert!(said.contains("To go on later: lombard resume"), "{said}");
    assert!(said.contains("stop      stopped by the user"), "{said}");
    let words: Vec<&str> =
        stopped["entries"].as_array().unwrap().iter().map(|one| one["verdict"].as_str().unwrap()).collect();
    assert!(words.iter().all(|word| ["not-run", "aborted", "measured", "pass"].contains(word)), "{words:?}");
    assert!(words.contains(&"not-run"), "{words:?}");
    let run = stopped["run"].as_str().unwrap();
    let resumed = ask(here.path(), &["resume", run, "--json"]);
    let finished = object(&resumed);
    assert_eq!(finished["counts"]["not-run"], 0, "{}", resumed.err);
    assert_eq!(finished["run"], stopped["run"]);
    assert!(resumed.code <= 1, "{}", resumed.err);
    let runs = object(&ask(here.path(), &["list", "runs", "--json"]));
    assert_eq!(runs["runs"][0]["state"], "finished");
}

#[test]
#[cfg(unix)]
fn the_second_interrupt_ends_the_program_and_nothing_recorded_is_lost() {
    let here = folder();
    let (answer, said) = interrupted(here.path(), 2);
    assert_eq!(answer.code, 3, "{said}");
    assert!(answer.out.is_empty() && said.contains("ended at once"), "{said}");
    let run = only_run(&here.path().join("runs"));
    let kept = std::fs::read_to_string(run.join("journal.jsonl")).unwrap().matches("take-recorded").count();
    assert!(kept >= 1);
    let resumed = ask(here.path(), &["resume", run.to_str().unwrap(), "--json"]);
    assert_eq!(object(&resumed)["counts"]["not-run"], 0, "{}", resumed.err);
}
