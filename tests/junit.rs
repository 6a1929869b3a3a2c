//! JUnit files: well-formed whatever a run holds, one case for each entry, and as red as the exit code.

use lombard::report;
use lombard::run::view::{RunState, RunView};
use lombard::verdict::{Flag, Verdict};

use crate::report_sample::{frame, full, hostile};
use crate::xml::{Element, read};

/// The one suite of a document, whose totals are held against its cases.
pub(crate) fn suite(text: &str) -> Element {
    let root = read(text);
    assert_eq!(root.name, "testsuites");
    let suites: Vec<&Element> = root.all("testsuite").collect();
    assert_eq!(suites.len(), 1, "one suite for one run");
    let suite = suites[0].clone();
    let count = |kind: &str| suite.all("testcase").filter(|case| case.all(kind).count() > 0).count();
    for totals in [&root, &suite] {
        assert_eq!(totals.number("tests"), suite.all("testcase").count());
        assert_eq!(totals.number("failures"), count("failure"));
        assert_eq!(totals.number("errors"), count("error"));
        assert_eq!(totals.number("skipped"), count("skipped"));
    }
    suite
}

/// The value of a property.
pub(crate) fn property<'s>(suite: &'s Element, name: &str) -> Option<&'s str> {
    let properties = suite.all("properties").next()?;
    let found = properties.children.iter().find(|one| one.get("name") == Some(name));
    found.and_then(|one| one.get("value"))
}

/// What became of a case: `passed`, `failure`, `error` or `skipped`, with its message.
pub(crate) fn outcome(case: &Element) -> (&str, &str) {
    let found: Vec<&Element> = case.children.iter().filter(|one| one.name != "system-out").collect();
    assert!(found.len() <= 1, "{case:#?}");
    found.first().map_or(("passed", ""), |one| (one.name.as_str(), one.get("message").unwrap()))
}

#[test]
fn every_entry_is_a_case_whatever_the_texts_hold() {
    for view in [full(), hostile(), frame()] {
        let suite = suite(&report::junit(&view));
        assert_eq!(suite.all("testcase").count(), view.entries.len());
        for (case, one) in suite.all("testcase").zip(&view.entries) {
            let shown = |text: &str| text.replace(['\0', '\u{202e}'], "\u{fffd}");
            assert_eq!(case.get("name"), Some(shown(one.entry.id.text()).as_str()));
            let class = case.get("classname").unwrap();
            let (plan, clause) = class.rsplit_once('.').expect("plan and clause");
            assert_eq!(plan, shown(&view.plan_title).replace('.', "_"));
            assert!(clause.ends_with(&shown(&one.entry.clause.clause).replace('.', "_")), "{class}");
            assert!(!clause.contains('.') && !plan.contains('.'), "{class}");
        }
    }
}

#[test]
fn properties_say_what_was_tested_and_with_what() {
    let view = full();
    let suite = suite(&report::junit(&view));
    for (name, value) in [
        ("verdict", view.verdict().word()),
        ("state", "finished"),
        ("plan", "P.1110 quick check, wideband"),
        ("edition", "10/2025"),
        ("car", "cars/demo-wb.toml"),
        ("device", "Example head unit"),
        ("device software", "MIB 4.2.1 build 8812"),
        ("device: Microphone", "roof console, driver side"),
        ("lombard", "lombard 0.1.0"),
        ("seed", "20261122"),
        (
            "SHA-256 of test-plans/cars/demo-wb.toml",
            "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
        ),
    ] {
        assert_eq!(property(&suite, name), Some(value), "{name}");
    }
    assert_eq!(property(&suite, "exit code"), Some(view.exit_code().to_string().as_str()));
    assert_eq!(
        (suite.get("time"), suite.get("timestamp")),
        (Some("9.800"), Some("2026-11-22T14:05:00+01:00"))
    );
}

/// The view with one entry that has this verdict.
fn with(verdict: Verdict, required: bool) -> RunView {
    let mut view = full();
    let like = |one: &&lombard::run::view::EntryView| one.verdict == verdict;
    let mut one =
        view.entries.iter().find(like).unwrap_or_else(|| panic!("no {verdict} in the sample")).clone();
    one.required = required;
    one.flags.retain(|flag| *flag != Flag::Informative && *flag != Flag::NoLimit);
    view.entries = vec![one];
    view
}

#[test]
fn a_verdict_is_what_servers_take_it_for() {
    for (verdict, required, otherwise) in [
        (Verdict::Pass, "passed", "passed"),
        (Verdict::Fail, "failure", "skipped"),
        (Verdict::Inconclusive, "error", "skipped"),
        (Verdict::NotRun, "error", "skipped"),
        (Verdict::Aborted, "error", "skipped"),
        (Verdict::Error, "error", "error"),
        (Verdict::Measured, "error", "skipped"),
    ] {
        for (is_required, expected) in [(true, required), (false, otherwise)] {
            let view = with(verdict, is_required);
            let suite = suite(&report::junit(&view));
            let case = suite.all("testcase").next().unwrap();
            let (kind, message) = outcome(case);
            assert_eq!(kind, expected, "{verdict}, required: {is_required}");
            if kind == "skipped" {
                assert_eq!(message.starts_with("informative, "), !is_required, "{message}");
                assert!(message.contains(verdict.word()), "{message}");
            }
            // A server is red where a shell would be.
            let is_red = suite.number("failures") + suite.number("errors") > 0;
            assert_eq!(is_red, view.exit_code() != 0, "{verdict}, required: {is_required}");
        }
    }
}

#[test]
fn a_failure_says_what_was_missed_by_how_much_and_where_that_stands() {
    let suite = suite(&report::junit(&full()));
    let failures: Vec<&Element> = suite.all("testcase").filter(|case| outcome(case).0 == "failure").collect();
    assert!(!failures.is_empty());
    let said: Vec<&str> = failures.iter().map(|case| outcome(case).1).collect();
    let idle = said.iter().find(|text| text.contains("idle_noise_send")).unwrap();
    assert!(idle.contains("misses ≤ −64 dBm0(A) by 0.0004 dB") && idle.contains("class"), "{idle}");
    for case in failures {
        let body = case.all("failure").next().unwrap();
        assert!(body.text.contains("margin") && body.text.contains("limit"), "{}", body.text);
    }
}

#[test]
fn a_run_that_is_not_complete_says_so() {
    let mut view = full();
    view.state = RunState::Incomplete;
    let suite = suite(&report::junit(&view));
    assert_eq!(property(&suite, "state"), Some("incomplete"));
}
