//! Entries measured in several new calls: what a plan means by it, what a run makes of it, and what reports tell.

use std::collections::BTreeSet;
use std::path::Path;

use lombard::bench::StopFlag;
use lombard::plan::difference::{EntryDifference, difference};
use lombard::plan::{ResolvedPlan, select};
use lombard::report::calls::{Group, What, groups};
use lombard::run::view::{RunState, RunView};
use lombard::run::{Engine, RunError};
use lombard::verdict::Verdict;

use crate::cli::{ask, folder};
use crate::recording::{empty_folder, findings, plan_in, record, request};
use crate::resume::copy_folder;

/// Idle noise of a car that has some: it differs from call to call, as the seed of each call does.
const PLAN: &str = r#"
title = "Calls"
recommendation = "P.1110"
edition = "10/2025"
bandwidth = "WB"
car = "reference-wb"
limits = ["p1110-2025"]

[defaults]
conditioning = "css-delay"

[[entry]]
id = "idle_noise"
title = "Idle noise in send"
clause = "11.7"
method = "idle_noise"
volume = "maximum"
{calls}
limits = ["idle_noise_send", "idle_noise_send_peak"]
[entry.parameters]
activation = "css-delay"
settling = "200 ms"
analysis = "1 s"
"#;

fn plan(calls: &str) -> String {
    PLAN.replace("{calls}", calls)
}

fn resolved(folder: &Path, text: &str, overlays: &[String]) -> Result<ResolvedPlan, RunError> {
    Engine::new(Vec::new()).resolve(&plan_in(folder, text), overlays).map(|planned| planned.plan)
}

fn ids(plan: &ResolvedPlan) -> Vec<&str> {
    plan.entries.iter().map(|one| one.entry.id.text()).collect()
}

/// A file of a test.
fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn an_entry_is_expanded_over_its_calls_and_the_first_keeps_its_id() {
    let here = folder();
    let of = |text: &str| resolved(here.path(), &plan(text), &[]).unwrap();
    assert_eq!(ids(&of("")), ["idle_noise"]);
    assert_eq!(ids(&of("calls = 1")), ["idle_noise"]);
    let three = of("calls = 3");
    assert_eq!(ids(&three), ["idle_noise", "idle_noise[call=2]", "idle_noise[call=3]"]);
    let numbers: Vec<(u32, u32)> =
        three.entries.iter().map(|one| (one.entry.call, one.entry.calls)).collect();
    assert_eq!(numbers, [(1, 3), (2, 3), (3, 3)]);
    // With other conditions: in the order of the alphabet.
    let both = of("calls = 2\nexpand = { volume = ['maximum', 'step-3'] }");
    assert_eq!(
        ids(&both),
        [
            "idle_noise[volume=maximum]",
            "idle_noise[call=2,volume=maximum]",
            "idle_noise[volume=step-3]",
            "idle_noise[call=2,volume=step-3]"
        ]
    );
    // An id that says nothing of a call names all of its calls; one that does names that one.
    let chosen = |word: &str| -> Vec<String> {
        let run = select(&both, &[word.to_owned()]).unwrap().run;
        run.iter().map(|id| id.text().to_owned()).collect()
    };
    assert_eq!(chosen("idle_noise").len(), 4);
    assert_eq!(chosen("idle_noise[volume=step-3]"), [ids(&both)[2], ids(&both)[3]]);
    assert_eq!(chosen("idle_noise[call=2,volume=step-3]"), [ids(&both)[3]]);
}

#[test]
fn an_overlay_asks_for_more_calls_and_that_is_a_difference_in_meaning() {
    let here = folder();
    let overlay = file(here.path(), "more.toml", "title = 'more'\n[[entry]]\nid = 'idle_noise'\ncalls = 3\n");
    let one = resolved(here.path(), &plan(""), &[]).unwrap();
    let more = resolved(here.path(), &plan(""), std::slice::from_ref(&overlay)).unwrap();
    assert_eq!(more.entries.len(), 3);
    let found = difference(&one, &more);
    assert!(!found.same_meaning());
    let added = found.entries.iter().filter(|one| matches!(one, EntryDifference::Added { .. })).count();
    let changed: Vec<String> = found
        .entries
        .iter()
        .filter_map(|one| match one {
            EntryDifference::Changed { changes, .. } => Some(changes),
            _ => None,
        })
        .flatten()
        .map(|one| format!("{}: {:?} → {:?}", one.key, one.before, one.after))
        .collect();
    assert_eq!((added, changed), (2, vec!["calls: Some(\"1\") → Some(\"3\")".to_owned()]));
    // And it may ask for fewer.
    let fewer = file(here.path(), "fewer.toml", "title = 'fewer'\n[[entry]]\nid = 'idle_noise'\ncalls = 1\n");
    assert_eq!(resolved(here.path(), &plan(""), &[overlay, fewer]).unwrap().entries.len(), 1);
}

/// Entries beside that of [`PLAN`] which cannot be measured in several calls, and what stands against it.
const NOT_IN_CALLS: [(&str, &str); 3] = [
    ("method = 'reference_run'\nclause = '7.6'", "a call to the reference terminal"),
    ("method = 'ambient_noise'\nclause = '7.9'\nparameters = { call = 'none' }", "no call"),
    ("method = 'setup_check'\nclause = '11.1'", "a check that is made again by itself"),
];

#[test]
fn what_is_not_in_a_call_of_the_device_is_refused_with_its_place() {
    for (entry, why) in NOT_IN_CALLS {
        let here = folder();
        // The first finds the facts, so that only the second may be asked for more calls at all.
        let text =
            format!("{}\n[[entry]]\nid = 'a'\n{entry}\n[[entry]]\nid = 'b'\ncalls = 2\n{entry}\n", plan(""));
        let place = text.lines().position(|line| line == "calls = 2").unwrap() + 1;
        let answer = ask(here.path(), &["check", &plan_in(here.path(), &text)]);
        assert_ne!(answer.code, 0, "{why}");
        let told = format!("{}{}", answer.out, answer.err);
        for part in
            ["cannot be measured in several calls", why, "remove 'calls'", &format!("short.toml:{place}:")]
        {
            assert!(told.contains(part), "no '{part}' in\n{told}");
        }
    }
}

/// The value that each call measured, straight from the findings.
fn values(view: &RunView, measurand: &str) -> Vec<f64> {
    let of_entry = |one: &lombard::run::view::EntryView| {
        let finding = one.findings.iter().find(|one| one.finding.measurand == measurand);
        finding.and_then(|one| one.finding.as_scalar()).unwrap()
    };
    view.entries.iter().map(of_entry).collect()
}

fn only_group(view: &RunView) -> Group<'_> {
    let mut all = groups(&view.entries);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn worst_median_and_spread_are_those_of_the_single_findings() {
    let folder = empty_folder("calls");
    let view = record(&request(&plan_in(&folder, &plan("calls = 3")), &folder, 7));
    let takes: BTreeSet<&str> = view.entries.iter().map(|one| one.takes[0].text()).collect();
    assert_eq!(takes.len(), 3, "each call is recorded: {takes:?}");
    let values = values(&view, "idle_noise_send_a");
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    assert!(sorted[0] < sorted[1] && sorted[1] < sorted[2], "the calls have seeds of their own: {values:?}");
    let group = only_group(&view);
    let figure = &group.figures[0];
    assert_eq!((figure.measurand.as_str(), figure.what), ("idle_noise_send_a", What::Value));
    // The limit is a largest level: the loudest is the worst.
    let worst = values.iter().position(|one| *one == sorted[2]).unwrap();
    assert_eq!(figure.worst, Some((sorted[2], worst as u32 + 1)));
    assert_eq!(figure.median, Some(sorted[1]));
    assert_eq!(figure.spread, Some(sorted[2] - sorted[0]));
    assert_eq!((figure.calls, figure.measured, figure.judged), (3, 3, 3));
    assert_eq!(group.verdicts(), "3 pass");
    // The same seed gives the same calls, and the first is the call of the entry that asks for one.
    let one = record(&request(&plan_in(&folder, &plan("")), &folder, 7));
    assert_eq!(findings(&one)[..], findings(&view)[..findings(&one).len()]);
    assert!(groups(&one.entries).is_empty());
}

#[test]
fn one_call_that_fails_fails_the_run() {
    let folder = empty_folder("calls-fail");
    let view = record(&request(&plan_in(&folder, &plan("calls = 3")), &folder, 7));
    assert_eq!(view.verdict(), Verdict::Pass);
    let mut sorted = values(&view, "idle_noise_send_a");
    sorted.sort_by(f64::total_cmp);
    let between = f64::midpoint(sorted[1], sorted[2]);
    let text = format!(
        "title = 'strict'\n[[limit]]\nid = 'idle_noise_send'\nmax = '{between} dBm0(A)'\nclass = 'A'\nsource = 'a test'\n"
    );
    let strict = file(&folder, "strict.toml", &text);
    let strict = Engine::new(Vec::new()).evaluate(&view.path, None, &[strict]).unwrap();
    let failed: Vec<u32> =
        strict.entries.iter().filter(|one| one.verdict == Verdict::Fail).map(|one| one.entry.call).collect();
    let group = only_group(&strict);
    assert_eq!(failed, [group.figures[0].worst.unwrap().1], "the worst call alone fails");
    assert_eq!((strict.verdict(), strict.exit_code()), (Verdict::Fail, 1));
    assert_eq!(group.verdicts(), "1 fail, 2 pass");
    let told = ask(&folder, &["evaluate", &view.path.display().to_string()]);
    let line = format!("idle_noise: idle_noise_send_a, {}", only_group(&view).figures[0].told());
    assert!(
        told.out.replace('\u{a0}', " ").contains(&line.replace('\u{a0}', " ")),
        "no '{line}' in\n{}",
        told.out
    );
}

#[test]
fn a_run_in_several_calls_is_resumed_with_the_calls_that_it_lacks() {
    let folder = empty_folder("calls-resume");
    let whole = record(&request(&plan_in(&folder, &plan("calls = 3")), &folder, 7));
    let journal = std::fs::read_to_string(whole.path.join("journal.jsonl")).unwrap();
    let lines: Vec<&str> = journal.lines().collect();
    let takes: BTreeSet<&str> = whole.entries.iter().map(|one| one.takes[0].text()).collect();
    assert_eq!(takes.len(), 3, "one take of each call");
    for kept in 1..=lines.len() {
        let path = folder.join(format!("killed-{kept}"));
        copy_folder(&whole.path, &path);
        std::fs::write(path.join("journal.jsonl"), format!("{}\n", lines[..kept].join("\n"))).unwrap();
        std::fs::remove_dir_all(path.join("evaluations")).unwrap();
        std::fs::create_dir(path.join("evaluations")).unwrap();
        let view = Engine::new(Vec::new()).resume(&path, &|_| {}, &StopFlag::default()).unwrap();
        assert_eq!(view.state, RunState::Finished, "killed after event {kept}");
        assert_eq!(view.verdict(), Verdict::Pass, "killed after event {kept}");
        let after = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
        let recorded = |take: &str| {
            let of_take =
                |line: &&str| line.contains("\"take-recorded\"") && line.contains("\"replay\":false");
            after.lines().filter(|line| of_take(line) && line.contains(take)).count()
        };
        for one in &whole.entries {
            assert_eq!(recorded(one.takes[0].text()), 1, "killed after event {kept}: {}", one.entry.id);
        }
        assert_eq!(only_group(&view).figures[0].judged, 3, "killed after event {kept}");
        std::fs::remove_dir_all(&path).unwrap();
    }
}

#[test]
fn a_run_made_in_one_call_is_judged_as_the_first_of_three() {
    let folder = empty_folder("calls-more");
    let view = record(&request(&plan_in(&folder, &plan("")), &folder, 7));
    let more = file(&folder, "more.toml", "title = 'more'\n[[entry]]\nid = 'idle_noise'\ncalls = 3\n");
    let more = Engine::new(Vec::new()).evaluate(&view.path, None, &[more]).unwrap();
    let verdicts: Vec<Verdict> = more.entries.iter().map(|one| one.verdict).collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::NotRun, Verdict::NotRun]);
    let group = only_group(&more);
    assert_eq!((group.figures[0].measured, group.figures[0].judged), (1, 1));
    assert!(group.figures[0].told().contains("1 measured"), "{}", group.figures[0].told());
    assert_ne!(more.verdict(), Verdict::Pass, "calls that are missing help no run to a pass");
}
