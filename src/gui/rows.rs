//! The rows of the table, derived once for each new view.

use std::fmt::Write as _;

use crate::entry::EntryId;
use crate::finding::Value;
use crate::report::{summary, wording};
use crate::run::view::EntryView;
use crate::terms::LimitClass;
use crate::verdict::{Flag, Verdict};

/// An entry as the table shows it: every cell has a line, and a smaller one below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The entry.
    pub id: EntryId,
    /// Its title.
    pub title: String,
    /// The clause, without Recommendation and edition.
    pub clause: String,
    /// The outcome.
    pub verdict: Verdict,
    /// The value that decided, with its unit.
    pub value: String,
    /// Its measurand, and how many more there are.
    pub value_of: String,
    /// The limit that it was held against.
    pub limit: String,
    /// The class of the limit.
    pub class: Option<LimitClass>,
    /// The margin, with its unit.
    pub margin: String,
    /// Whether the margin is negative: outside the limit.
    pub outside: bool,
    /// Where on the frequency axis the margin is.
    pub margin_at: String,
    /// What stands beside the verdict.
    pub flags: Vec<Flag>,
    /// The row as one sentence, for screen readers.
    pub spoken: String,
}

/// The rows of entries, in their order.
pub fn of(entries: &[EntryView]) -> Vec<Row> {
    entries.iter().map(row).collect()
}

/// The flags of an entry, with *informative* where the plan says so.
pub fn flags_of(view: &EntryView) -> Vec<Flag> {
    let mut flags = view.flags.clone();
    if !view.required && !flags.contains(&Flag::Informative) {
        flags.push(Flag::Informative);
    }
    flags
}

fn row(view: &EntryView) -> Row {
    let results = summary::results(view);
    let decisive = summary::decisive(view);
    let judgement = decisive.and_then(|result| result.judgement);
    let distance = judgement.and_then(|judgement| judgement.margin);
    // Before anything is measured the limits of the plan are all that there is to show.
    let limit = decisive.map_or_else(|| view.limits.first(), |result| result.limit);
    let value = decisive.and_then(|result| {
        let finding = result.measured()?;
        // How many points a curve has is told with the entry; here there is no room for it.
        Some(match finding.value {
            Value::Scalar(_) => wording::value(finding, distance),
            Value::Curve(_) => "curve".to_owned(),
            Value::Series(_) => "series".to_owned(),
        })
    });
    let mut row = Row {
        id: view.entry.id.clone(),
        title: view.entry.name(),
        clause: view.entry.clause.clause.clone(),
        verdict: view.verdict,
        value: value.unwrap_or_default(),
        value_of: decisive.map_or(String::new(), |result| result.measurand().to_owned()),
        limit: limit.map_or(String::new(), wording::limit),
        class: limit.map(|limit| limit.class),
        margin: distance.map_or(String::new(), wording::margin),
        outside: distance.is_some_and(|distance| distance.value < 0.0),
        margin_at: judgement
            .and_then(|judgement| judgement.at)
            .map_or(String::new(), |at| format!("at {}", wording::at(at))),
        flags: flags_of(view),
        spoken: String::new(),
    };
    if results.len() > 1 {
        let _ = write!(row.value_of, ", {} more", results.len() - 1);
    }
    row.spoken = spoken(&row);
    row
}

fn spoken(row: &Row) -> String {
    let mut parts = vec![row.clause.clone(), row.id.to_string(), row.title.clone()];
    parts.push(wording::verdict(row.verdict).to_owned());
    for (name, text) in [("value", &row.value), ("limit", &row.limit), ("margin", &row.margin)] {
        if !text.is_empty() {
            parts.push(format!("{name} {text}"));
        }
    }
    parts.extend(row.flags.iter().map(|flag| flag.word().to_owned()));
    parts.join(", ")
}
