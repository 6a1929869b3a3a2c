//! The report for continuous integration: JUnit XML, as common servers read it.
//!
//! One `testsuite` for the run, one `testcase` for each entry:
//!
//! | entry | test case |
//! |---|---|
//! | pass | passed |
//! | fail | `failure`, with value, limit, margin and source of every limit that it misses |
//! | inconclusive, not run, aborted; measured for want of a limit | `error`, with the reason |
//! | error | `error`, also where the entry is informative: the bench or the device under test broke |
//! | informative, whatever else came out | `skipped`, with what came out |
//!
//! `classname` is plan and clause, so that servers group by them; they take the text before the last full stop for a
//! package, so full stops inside either are low lines. The verdict of the run, its state and its exit code are properties.

use std::fmt::Write as _;

use super::markup::Markup;
use super::{summary, wording};
use crate::run::view::{EntryView, RunView};
use crate::verdict::Verdict;

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Passed,
    Failure,
    Error,
    Skipped,
}

impl Case {
    fn of(one: &EntryView) -> Self {
        match one.verdict {
            Verdict::Error => Self::Error,
            Verdict::Pass => Self::Passed,
            _ if !one.required => Self::Skipped,
            Verdict::Fail => Self::Failure,
            // A required entry without a limit never helps a run to pass.
            Verdict::Inconclusive | Verdict::NotRun | Verdict::Aborted | Verdict::Measured => Self::Error,
        }
    }
}

/// The whole document.
pub fn document(view: &RunView) -> String {
    let mut out = Markup::new();
    out.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"lombard\"");
    totals(&mut out, view);
    out.raw(">\n<testsuite name=\"");
    out.text(&view.plan_title).raw(" on ").text(&view.bench.name).raw("\"");
    totals(&mut out, view);
    out.element(" timestamp=\"", &view.started_at, "\">\n<properties>\n");
    for (name, value) in properties(view) {
        out.element("<property name=\"", name, "\" value=\"").text(value).raw("\"/>\n");
    }
    out.raw("</properties>\n");
    for one in &view.entries {
        case(&mut out, view, one);
    }
    out.raw("</testsuite>\n</testsuites>\n");
    out.into_string()
}

fn totals(out: &mut Markup, view: &RunView) {
    let count = |wanted: Case| view.entries.iter().filter(|one| Case::of(one) == wanted).count();
    out.element(" tests=\"", view.entries.len(), "\"");
    out.element(" failures=\"", count(Case::Failure), "\"");
    out.element(" errors=\"", count(Case::Error), "\"");
    out.element(" skipped=\"", count(Case::Skipped), "\"");
    if view.wall_s.is_finite() {
        out.raw(" time=\"").text(format_args!("{:.3}", view.wall_s.max(0.0))).raw("\"");
    }
}

/// What the run was made of and what came of it, by name.
fn properties(view: &RunView) -> Vec<(String, String)> {
    let mut all: Vec<(&str, String)> = vec![
        ("verdict", view.verdict().word().to_owned()),
        ("state", wording::state(view.state).to_owned()),
        ("exit code", view.exit_code().to_string()),
        ("headline", view.counts().to_string()),
        ("run", view.path.display().to_string()),
        ("evaluation", view.evaluation.to_string()),
        ("plan", view.plan_title.clone()),
        ("recommendation", view.recommendation.clone()),
        ("edition", view.edition.clone()),
        ("bandwidth", view.bandwidth.word().to_owned()),
        (if view.bench.is_virtual { "car" } else { "bench" }, view.bench.name.clone()),
        ("network", view.bench.network.declared()),
        ("device", view.device.name.clone()),
        ("device software", view.device.software.clone()),
        ("lombard", view.software.clone()),
        ("seed", view.seed.to_string()),
        ("left out by --only", view.left_out.len().to_string()),
    ];
    all.retain(|(_, value)| !value.is_empty());
    let mut all: Vec<(String, String)> =
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    all.extend(view.device.fields.iter().map(|(name, value)| (format!("device: {name}"), value.clone())));
    all.extend(view.inputs.iter().map(|(file, sha256)| (format!("SHA-256 of {file}"), sha256.clone())));
    all.extend(view.warnings.iter().map(|warning| ("warning".to_owned(), warning.clone())));
    all
}

fn case(out: &mut Markup, view: &RunView, one: &EntryView) {
    let without_stops = |text: &str| text.replace('.', "_");
    out.raw("<testcase classname=\"").text(without_stops(&view.plan_title)).raw(".");
    out.text(without_stops(&format!("{} {}", one.entry.clause.recommendation, one.entry.clause.clause)));
    out.element("\" name=\"", one.entry.id.text(), "\">\n");
    let word = one.verdict.word();
    match Case::of(one) {
        Case::Passed => {}
        Case::Failure => {
            out.element("<failure type=\"", word, "\" message=\"").text(reason(one)).raw("\">");
            out.text(told(one)).raw("</failure>\n");
        }
        Case::Error => {
            out.element("<error type=\"", word, "\" message=\"").text(reason(one)).raw("\">");
            out.text(told(one)).raw("</error>\n");
        }
        Case::Skipped => {
            let informative = if one.required { "" } else { "informative, " };
            out.raw("<skipped message=\"").raw(informative).text(word);
            let reason = reason(one);
            if !reason.is_empty() {
                out.raw(": ").text(reason);
            }
            out.raw("\"/>\n");
        }
    }
    out.element("<system-out>", told(one), "</system-out>\n</testcase>\n");
}

/// Why the verdict is what it is: what a fail misses, then what the evaluation says.
fn reason(one: &EntryView) -> String {
    let mut parts = if one.verdict == Verdict::Fail { summary::misses(one) } else { Vec::new() };
    if !one.reason.is_empty() {
        parts.push(one.reason.clone());
    }
    parts.join("; ").replace('\u{a0}', " ")
}

/// Everything about an entry, a line for each result.
fn told(one: &EntryView) -> String {
    let clause = &one.entry.clause;
    let mut lines = vec![
        format!("{}: {clause}", one.entry.name()),
        format!("{}{}", one.verdict.word(), if one.required { "" } else { ", informative" }),
    ];
    if !one.flags.is_empty() {
        lines.push(format!(
            "flags: {}",
            one.flags.iter().map(|flag| flag.word()).collect::<Vec<_>>().join(", ")
        ));
    }
    for result in summary::results(one) {
        let margin = result.judgement.and_then(|judgement| judgement.margin);
        let mut line = result.measurand().to_owned();
        if let Some(finding) = result.measured() {
            let _ = write!(line, ": {}", wording::value(finding, margin));
        }
        if let Some(limit) = result.limit {
            let _ = write!(line, ", limit {} (class {})", wording::limit(limit), limit.class.word());
        }
        if let Some(margin) = margin {
            let _ = write!(line, ", margin {}", wording::margin(margin));
        }
        lines.push(line);
    }
    if !one.reason.is_empty() {
        lines.push(one.reason.clone());
    }
    lines.join("\n").replace('\u{a0}', " ")
}
