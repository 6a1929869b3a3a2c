//! What `--json` prints: one object on one line, and nothing else on standard output.
//!
//! JSON has no NaN and no infinity: such a number is `null`, and the reason of the entry says what it was.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{output, verdicts};
use crate::report;
use crate::run::RunError;
use crate::run::view::{EntryView, RunView};

#[derive(Serialize)]
struct Object<'a> {
    run: String,
    verdict: &'static str,
    counts: BTreeMap<&'static str, usize>,
    audio_s: Option<f64>,
    wall_s: Option<f64>,
    entries: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    clause: &'a str,
    method: &'a str,
    verdict: &'static str,
    flags: Vec<&'static str>,
    margin: Option<f64>,
    margin_unit: Option<&'static str>,
    reason: String,
    findings: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    measurand: &'a str,
    value: Option<f64>,
    unit: &'static str,
    curve: Option<&'a str>,
}

/// The object of a run, with the end of its line.
///
/// # Errors
/// None for a view: strings and finite numbers always serialize.
pub fn text(view: &RunView) -> Result<String, RunError> {
    line(&object(view))
}

/// Prints any object on a line of its own.
pub(super) fn print(object: &impl Serialize) -> Result<(), RunError> {
    output::result(&line(object)?)
}

fn line(object: &impl Serialize) -> Result<String, RunError> {
    serde_json::to_string(object).map(|text| text + "\n").map_err(|error| RunError::Broken(error.to_string()))
}

fn object(view: &RunView) -> Object<'_> {
    Object {
        run: view.path.display().to_string(),
        verdict: view.verdict().word(),
        counts: report::json::counts(view),
        audio_s: finite(view.audio_s),
        wall_s: finite(view.wall_s),
        entries: view.entries.iter().map(entry).collect(),
    }
}

fn entry(one: &EntryView) -> Entry<'_> {
    Entry {
        id: one.entry.id.text(),
        clause: &one.entry.clause.clause,
        method: &one.entry.method,
        verdict: one.verdict.word(),
        flags: one.flags.iter().map(|flag| flag.word()).collect(),
        margin: one.margin.and_then(|margin| finite(margin.value)),
        margin_unit: one.margin.map(|margin| margin.unit.symbol()),
        reason: verdicts::reason(one),
        findings: one
            .findings
            .iter()
            .map(|found| Found {
                measurand: &found.finding.measurand,
                value: found.finding.as_scalar().and_then(finite),
                unit: found.finding.unit.symbol(),
                curve: found.curve.as_deref(),
            })
            .collect(),
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
