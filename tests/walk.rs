//! The walk: from a plan to a judged run on the virtual car.

use std::collections::BTreeSet;

use lombard::run::Engine;
use lombard::run::view::RunState;
use lombard::verdict::Verdict;

use crate::recording::{SHORT_PLAN, empty_folder, findings, plan_in, record, request};

#[test]
fn every_entry_of_a_run_has_an_outcome_and_the_run_its_files() {
    let folder = empty_folder("outcomes");
    let view = record(&request(&plan_in(&folder, SHORT_PLAN), &folder, 7));
    assert_eq!(view.state, RunState::Finished);
    assert_eq!(view.entries.len(), 5);
    for entry in &view.entries {
        assert!(!matches!(entry.verdict, Verdict::NotRun | Verdict::Error | Verdict::Aborted), "{entry:#?}");
        assert!(!entry.findings.is_empty() && !entry.takes.is_empty(), "{entry:#?}");
    }
    // Two entries that want the same recording stand on one take.
    let takes = |id: &str| {
        let entry = view.entries.iter().find(|one| one.entry.id.text() == id);
        entry.unwrap().takes.iter().cloned().collect::<BTreeSet<_>>()
    };
    assert_eq!(takes("slr"), takes("send_response"));
    for file in ["journal.jsonl", "inputs/plan.toml", "inputs/car.toml", "evaluations/1/events.jsonl"] {
        assert!(view.path.join(file).is_file(), "{file}");
    }
    assert!(view.audio_s > 30.0 && view.facts.get("volume.nominal").is_some());
}

#[test]
fn one_seed_gives_identical_findings_and_another_seed_does_not() {
    let folder = empty_folder("seeds");
    // A car with noise: without it a seed changes nothing.
    let plan = plan_in(&folder, &SHORT_PLAN.replace("ideal-wb", "reference-wb"));
    let runs: Vec<Vec<String>> =
        [3, 3, 4].iter().map(|seed| findings(&record(&request(&plan, &folder, *seed)))).collect();
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[test]
fn judging_again_gives_identical_findings() {
    let folder = empty_folder("again");
    let view = record(&request(&plan_in(&folder, SHORT_PLAN), &folder, 7));
    let engine = Engine::new(Vec::new());
    let again = engine.evaluate(&view.path, None, &[]).unwrap();
    assert_eq!((again.evaluation, view.evaluation), (2, 1));
    assert_eq!(findings(&again), findings(&view));
    assert!(again.warnings.is_empty(), "{:?}", again.warnings);
    assert_eq!(findings(&engine.open(&view.path).unwrap()), findings(&view));
}

#[test]
fn other_limits_judge_the_same_captures() {
    let folder = empty_folder("limits");
    let view = record(&request(&plan_in(&folder, SHORT_PLAN), &folder, 7));
    let overlay = folder.join("strict.toml");
    let text = "title = 'strict'\n[[limit]]\nid = 'slr'\nmin = '14 dB'\nmax = '15 dB'\nclass = 'A'\nsource = 'a test'\n";
    std::fs::write(&overlay, text).unwrap();
    let engine = Engine::new(Vec::new());
    let strict = engine.evaluate(&view.path, None, &[overlay.display().to_string()]).unwrap();
    let verdict = |view: &lombard::run::view::RunView, id: &str| {
        view.entries.iter().find(|one| one.entry.id.text() == id).unwrap().verdict
    };
    assert_eq!((verdict(&view, "slr"), verdict(&strict, "slr")), (Verdict::Pass, Verdict::Fail));
    assert_eq!(verdict(&strict, "delay"), verdict(&view, "delay"));
    // The stored evaluation is opened with the limits that it was made with.
    assert_eq!(verdict(&engine.open(&view.path).unwrap(), "slr"), Verdict::Fail);
}

#[test]
fn a_selection_pulls_in_what_it_needs_and_names_what_is_left_out() {
    let folder = empty_folder("only");
    let mut wish = request(&plan_in(&folder, SHORT_PLAN), &folder, 7);
    wish.only = vec!["slr".to_owned()];
    let view = record(&wish);
    let ids: Vec<&str> = view.entries.iter().map(|one| one.entry.id.text()).collect();
    assert_eq!(ids, ["volume", "slr"]);
    assert_eq!(view.left_out.len(), 3);
    wish.only = vec!["slrr".to_owned()];
    let error = Engine::new(Vec::new()).record(&wish, &|_| {}, &lombard::bench::StopFlag::default());
    assert!(error.unwrap_err().to_string().contains("did you mean 'slr'?"));
}
