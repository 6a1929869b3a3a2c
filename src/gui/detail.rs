//! Everything about the selected entry, derived once for each new view or selection.

use std::fmt::Write as _;

use super::curve::Curve;
use super::rows::flags_of;
use crate::entry::EntryId;
use crate::limits::{Limit, Rule};
use crate::methods::{self, Method};
use crate::report::{summary, wording};
use crate::run::view::EntryView;
use crate::terms::LimitClass;
use crate::verdict::{Flag, Verdict};

/// An entry with everything that is known about it.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The entry.
    pub id: EntryId,
    /// What a reader of the report calls it.
    pub title: String,
    /// Clause, speech band and volume.
    pub conditions: String,
    /// The outcome.
    pub verdict: Verdict,
    /// What stands beside it.
    pub flags: Vec<Flag>,
    /// Why.
    pub reason: String,
    /// What several new calls say together, a line for each limit; the other calls are entries of their own.
    pub calls: Vec<String>,
    /// What was measured, each with what was made of it.
    pub results: Vec<ResultText>,
    /// The limits with their sources.
    pub limits: Vec<LimitText>,
    /// Method, parameters, notes, takes and calibrations, each with its name.
    pub trail: Vec<(&'static str, String)>,
}

/// A finding and what was made of it.
#[derive(Debug, Clone)]
pub struct ResultText {
    /// The measurand.
    pub measurand: String,
    /// What the method's card says of it.
    pub meaning: &'static str,
    /// The value with its unit and uncertainty, or how long the curve is.
    pub value: String,
    /// The curve or series against its limit.
    pub curve: Option<Curve>,
    /// The limit.
    pub limit: String,
    /// The class of the limit.
    pub class: Option<LimitClass>,
    /// The margin, with its place on the frequency axis.
    pub margin: String,
    /// Whether the margin is negative: outside the limit.
    pub outside: bool,
    /// The verdict on it.
    pub verdict: Option<Verdict>,
    /// Why, where the entry does not say it.
    pub reason: String,
}

/// A limit and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitText {
    /// Its name in the limit file.
    pub id: String,
    /// What it asks for, with the measurand and break-points of a mask.
    pub rule: String,
    /// How far it has been verified.
    pub class: LimitClass,
    /// Clause and source.
    pub source: String,
    /// Where it was written, the last word first.
    pub origins: String,
}

impl Detail {
    /// Of an entry.
    pub fn of(view: &EntryView) -> Self {
        let entry = &view.entry;
        let results = summary::results(view);
        Self {
            id: entry.id.clone(),
            title: entry.name(),
            conditions: format!("{} · {}", entry.clause, entry.conditions()),
            verdict: view.verdict,
            flags: flags_of(view),
            reason: view.reason.clone(),
            calls: Vec::new(),
            results: results.iter().map(|result| result_text(view, result, &results)).collect(),
            limits: view.limits.iter().map(limit_text).collect(),
            trail: trail(view),
        }
    }
}

fn result_text(
    view: &EntryView,
    result: &summary::Result<'_>,
    results: &[summary::Result<'_>],
) -> ResultText {
    let judgement = result.judgement;
    let distance = judgement.and_then(|judgement| judgement.margin);
    let value = match result.measured() {
        Some(finding) => {
            let mut text = wording::value(finding, distance);
            if let Some(uncertainty) = finding.uncertainty {
                let _ = write!(text, " ± {}", wording::uncertainty(uncertainty, finding.unit));
            }
            text
        }
        None => String::new(),
    };
    let mut margin = distance.map_or(String::new(), wording::margin);
    if let Some(at) = judgement.and_then(|judgement| judgement.at).filter(|_| distance.is_some()) {
        let _ = write!(margin, " at {}", wording::at(at));
    }
    let reason = judgement.map_or("", |judgement| judgement.reason.as_str());
    ResultText {
        measurand: result.measurand().to_owned(),
        meaning: meaning(&view.entry.method, result.measurand()),
        value,
        curve: Curve::of(result, results),
        limit: result.limit.map_or(String::new(), wording::limit),
        class: result.limit.map(|limit| limit.class),
        margin,
        outside: distance.is_some_and(|distance| distance.value < 0.0),
        verdict: judgement.map(|judgement| judgement.verdict),
        reason: if reason == view.reason { String::new() } else { reason.to_owned() },
    }
}

/// What the method's card says of a measurand.
fn meaning(method: &str, measurand: &str) -> &'static str {
    let card = methods::method(method).map(Method::card);
    card.and_then(|card| card.measurands.iter().find(|one| one.id == measurand)).map_or("", |one| one.doc)
}

fn limit_text(limit: &Limit) -> LimitText {
    let mut rule = format!("{} {}", limit.measurand, wording::limit(limit));
    match &limit.rule {
        Rule::Mask(mask) => {
            let _ = write!(rule, " ({}; {})", wording::mask_points(mask), limit.unit);
        }
        Rule::Classes(table) => {
            let _ = write!(rule, " ({}; {})", wording::class_steps(table), limit.unit);
        }
        Rule::Range { .. } | Rule::Unknown => {}
    }
    let mut source = limit.clause.to_string();
    if !limit.source.is_empty() {
        let _ = write!(source, "; {}", limit.source);
    }
    let origins: Vec<String> = limit.origins.iter().map(ToString::to_string).collect();
    LimitText { id: limit.id.clone(), rule, class: limit.class, source, origins: origins.join(", over ") }
}

fn trail(view: &EntryView) -> Vec<(&'static str, String)> {
    let mut trail = vec![("Method", view.entry.method.clone())];
    for (key, value) in &view.entry.parameters.0 {
        trail.push(("Parameter", format!("{key} = {value}")));
    }
    for finding in view.findings.iter().map(|one| &one.finding) {
        if !finding.note.is_empty() {
            trail.push(("Note", format!("{}: {}", finding.measurand, finding.note)));
        }
        if !finding.span.is_empty() {
            trail.push(("Analyzed", format!("{}: {}", finding.measurand, finding.span)));
        }
    }
    let mut records: Vec<String> = Vec::new();
    for influence in view.findings.iter().flat_map(|one| &one.finding.influences) {
        let record = format!("{} × {}", influence.calibration, wording::plain(influence.coefficient));
        if !records.contains(&record) {
            records.push(record);
        }
    }
    trail.extend(records.into_iter().map(|record| ("Calibration", record)));
    trail.extend(view.takes.iter().map(|take| ("Take", take.to_string())));
    let files = view.findings.iter().filter_map(|one| one.curve.as_ref());
    trail.extend(files.map(|file| ("Values in", file.clone())));
    trail
}
