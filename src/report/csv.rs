//! The report for spreadsheets: one row for each finding and judgement, after RFC 4180.
//!
//! Numbers have a point, a hyphen as minus and all their digits; an absent number is an empty cell, and
//! `NaN`, `inf` and `-inf` are written out. Lists in a cell are joined by `; `. A text that a
//! spreadsheet would take for a formula gets an apostrophe before it.

use crate::finding::{Bound, Finding, Value};
use crate::limits::{At, Axis, Rule};
use crate::run::view::{EntryView, RunView};

use super::calls::{self, Group};
use super::summary::{self, Result};

/// The columns: name and meaning.
pub const COLUMNS: &[(&str, &str)] = &[
    ("run", "folder name of the run"),
    ("device", "name of the device under test"),
    ("software", "software build of the device"),
    ("plan", "title of the plan"),
    ("entry", "stable id of the entry"),
    ("title", "what the entry is called"),
    ("recommendation", "Recommendation that asks for it"),
    ("edition", "its edition"),
    ("clause", "its clause"),
    ("method", "id of the method"),
    ("bandwidth", "speech band of the call"),
    ("volume", "receive volume of the call"),
    ("required", "whether it counts towards the verdict of the run: yes or no"),
    ("entry_verdict", "verdict of the entry"),
    ("entry_flags", "flags of the entry"),
    ("entry_margin", "smallest margin of the entry"),
    ("entry_margin_unit", "unit of the smallest margin"),
    ("entry_reason", "why the entry has its verdict"),
    ("measurand", "what was measured; empty: nothing was"),
    ("kind", "scalar, curve or series"),
    ("value", "the number; empty for curves and series"),
    ("unit", "unit of the value"),
    ("bound", "exact, at-least, at-most or between"),
    ("value_to", "the other end of what is known, where the bound is between; otherwise empty"),
    ("uncertainty", "the method's own standard uncertainty in the unit of the value"),
    ("curve", "file of the curve or series below the run's folder"),
    ("limit", "id of the limit; empty: the finding was not judged"),
    ("limit_kind", "range, mask, floating-mask, time-mask or unknown"),
    ("limit_min", "smallest good value of a range"),
    ("limit_max", "largest good value of a range"),
    ("limit_unit", "unit of the limit"),
    ("limit_class", "how far the limit has been verified: A, B, C or N"),
    ("limit_source", "where the limit was read"),
    ("limit_origin", "file and line that set it, the last word first"),
    ("margin", "smallest distance to the limit, positive inside"),
    ("margin_unit", "unit of the margin"),
    ("margin_at_hz", "frequency of the smallest margin, for masks over frequency"),
    ("margin_at_s", "time of the smallest margin, for masks over time"),
    ("mask_shift", "shift that a floating mask chose, added to the curve"),
    ("verdict", "verdict of this finding against this limit"),
    ("flags", "flags of this judgement"),
    ("reason", "why, for verdicts that are not plain"),
    ("note", "what the method says of the finding"),
    ("span", "take and span analysed"),
    ("takes", "takes that the entry stands on"),
    ("call", "in which of several new calls it was measured, from 1"),
    ("calls", "in how many new calls the plan asks for it"),
    (
        "calls_of",
        "what the columns after this one compare from call to call: value or margin; empty: nothing",
    ),
    ("calls_worst", "the worst of all calls"),
    ("calls_worst_call", "the call of the worst"),
    ("calls_median", "the median of all calls"),
    ("calls_spread", "the largest of all calls less the smallest"),
    ("calls_unit", "unit of the worst and of the median; the spread is their difference"),
    ("calls_judged", "how many calls passed or failed this limit"),
];

/// A row: cells in the order of [`COLUMNS`].
type Row = Vec<String>;

/// The whole table.
pub fn table(view: &RunView) -> String {
    let mut text = String::new();
    line(&mut text, COLUMNS.iter().map(|(name, _)| (*name).to_owned()));
    let groups = calls::groups(&view.entries);
    for entry in &view.entries {
        let group = calls::of(&groups, entry);
        let results = summary::results(entry);
        if results.is_empty() {
            let nothing = Result { finding: None, judgement: None, limit: None };
            line(&mut text, row(view, entry, &nothing, group));
        }
        for result in &results {
            line(&mut text, row(view, entry, result, group));
        }
    }
    text
}

fn row(view: &RunView, one: &EntryView, result: &Result<'_>, group: Option<&Group<'_>>) -> Row {
    let entry = &one.entry;
    let run = view.path.file_name().unwrap_or(view.path.as_os_str()).to_string_lossy();
    let mut row: Row = [
        cell(&run),
        cell(&view.device.name),
        cell(&view.device.software),
        cell(&view.plan_title),
        cell(entry.id.text()),
        cell(&entry.title),
        cell(&entry.clause.recommendation),
        cell(&entry.clause.edition),
        cell(&entry.clause.clause),
        cell(&entry.method),
        cell(entry.bandwidth.word()),
        cell(&entry.volume.to_string()),
        cell(if one.required { "yes" } else { "no" }),
        cell(one.verdict.word()),
        list(&one.flags),
        number(one.margin.map(|margin| margin.value)),
        cell(one.margin.map_or("", |margin| margin.unit.symbol())),
        cell(&one.reason),
    ]
    .into();
    row.extend(finding_cells(result));
    row.extend(limit_cells(result));
    row.extend(judgement_cells(result));
    row.push(cell(result.measured().map_or("", |finding| &finding.note)));
    row.push(cell(result.measured().map_or("", |finding| &finding.span)));
    row.push(list(one.takes.iter()));
    row.extend([entry.call.to_string(), entry.calls.to_string()]);
    row.extend(calls_cells(result, group));
    row
}

/// What all calls of the entry say together of this measurand and limit.
fn calls_cells(result: &Result<'_>, group: Option<&Group<'_>>) -> [String; 7] {
    let figure = result.judgement.zip(group).and_then(|(judgement, group)| {
        let same = |it: &&calls::Figure| it.limit == judgement.limit && it.measurand == judgement.measurand;
        group.figures.iter().find(same)
    });
    let Some(figure) = figure else { return Default::default() };
    [
        cell(figure.what.word()),
        number(figure.worst.map(|(worst, _)| worst)),
        figure.worst.map_or_else(String::new, |(_, call)| call.to_string()),
        number(figure.median),
        number(figure.spread),
        cell(figure.unit.symbol()),
        figure.judged.to_string(),
    ]
}

fn finding_cells(result: &Result<'_>) -> [String; 8] {
    let finding = result.measured();
    [
        cell(result.measurand()),
        cell(finding.map_or("", kind)),
        number(finding.and_then(Finding::as_scalar)),
        cell(finding.map_or("", |finding| finding.unit.symbol())),
        cell(finding.map_or("", |finding| bound(finding.bound))),
        number(finding.and_then(|finding| other_end(finding.bound))),
        number(finding.and_then(|finding| finding.uncertainty)),
        cell(result.finding.and_then(|view| view.curve.as_deref()).unwrap_or("")),
    ]
}

fn limit_cells(result: &Result<'_>) -> [String; 8] {
    let id = cell(result.judgement.map_or("", |judgement| &judgement.limit));
    let Some(limit) = result.limit else {
        let mut cells: [String; 8] = Default::default();
        cells[0] = id;
        return cells;
    };
    let (min, max) = match limit.rule {
        Rule::Range { min, max } => (min, max),
        _ => (None, None),
    };
    [
        id,
        cell(rule_kind(&limit.rule)),
        number(min),
        number(max),
        cell(limit.unit.symbol()),
        cell(limit.class.word()),
        cell(&limit.source),
        list(&limit.origins),
    ]
}

fn judgement_cells(result: &Result<'_>) -> [String; 8] {
    let Some(judgement) = result.judgement else { return Default::default() };
    [
        number(judgement.margin.map(|margin| margin.value)),
        cell(judgement.margin.map_or("", |margin| margin.unit.symbol())),
        number(judgement.at.and_then(At::hertz)),
        number(judgement.at.and_then(At::second)),
        number(judgement.shift),
        cell(judgement.verdict.word()),
        list(&judgement.flags),
        cell(&judgement.reason),
    ]
}

/// The kind of a value.
pub(super) fn kind(finding: &Finding) -> &'static str {
    match finding.value {
        Value::Scalar(_) => "scalar",
        Value::Curve(_) => "curve",
        Value::Series(_) => "series",
    }
}

/// The word of a bound.
pub(super) const fn bound(bound: Bound) -> &'static str {
    match bound {
        Bound::Exact => "exact",
        Bound::AtLeast => "at-least",
        Bound::AtMost => "at-most",
        Bound::Between(_) => "between",
    }
}

/// The other end of what is known, where both are.
pub(super) const fn other_end(bound: Bound) -> Option<f64> {
    match bound {
        Bound::Between(end) => Some(end),
        Bound::Exact | Bound::AtLeast | Bound::AtMost => None,
    }
}

/// The word of a rule.
pub(super) fn rule_kind(rule: &Rule) -> &'static str {
    match rule {
        Rule::Range { .. } => "range",
        Rule::Mask(mask) if mask.floating => "floating-mask",
        Rule::Mask(mask) if mask.axis == Axis::Time => "time-mask",
        Rule::Mask(_) => "mask",
        Rule::Classes(_) => "classes",
        Rule::Unknown => "unknown",
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn list<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    cell(&words.join("; "))
}

/// A text that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

fn line(text: &mut String, cells: impl IntoIterator<Item = String>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        if cell.contains([',', '"', '\r', '\n']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&cell);
        }
    }
    text.push_str("\r\n");
}
