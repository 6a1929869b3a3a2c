//! `lombard diff`: what differs in meaning between two plans.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::resolved::origin_object;
use super::settings::Settings;
use super::{json, output};
use crate::limits::Origin;
use crate::plan::difference::{Change, Difference, EntryDifference, Touches, difference};
use crate::problem::Problem;
use crate::run::RunError;

/// Say what differs in meaning between two plans
///
/// Both are resolved with all that they stand on; entries, methods, conditions, parameters and limits are compared, not
/// texts, comments or the order of entries. Titles, clauses and the sources of limits are citations: they are listed
/// with --citations and are no difference in meaning.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard diff p1110-2017-03 p1110-2025-10
  lombard diff quick-wb our-plan.toml --citations
  lombard diff our-plan.toml our-plan.toml --overlay-after our-limits.toml

Exit codes: 0 the same in meaning, 1 they differ, 2 bad input.")]
pub(super) struct Diff {
    /// Plan file, or name of a plan
    #[arg(value_name = "PLAN")]
    before: String,

    /// The plan that it is compared with
    #[arg(value_name = "PLAN")]
    after: String,

    /// Overlay laid over both plans; may be given several times
    #[arg(long, value_name = "FILE")]
    overlay: Vec<String>,

    /// Overlay laid over the second plan alone; may be given several times
    #[arg(long, value_name = "FILE")]
    overlay_after: Vec<String>,

    /// Tell citations too: titles, clauses, editions, sources of limits
    #[arg(long)]
    citations: bool,

    /// Print one JSON object and nothing else on standard output
    #[arg(long)]
    json: bool,
}

impl Diff {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        let mut overlays_after = self.overlay.clone();
        overlays_after.extend(self.overlay_after.iter().cloned());
        let mut problems: Vec<Problem> = Vec::new();
        let mut plans = Vec::new();
        for (plan, overlays) in [(&self.before, &self.overlay), (&self.after, &overlays_after)] {
            match settings.engine.resolve(plan, overlays) {
                Ok(planned) => plans.push(planned.plan),
                Err(RunError::Input(found)) => {
                    let new: Vec<Problem> = found.into_iter().filter(|one| !problems.contains(one)).collect();
                    problems.extend(new);
                }
                Err(error) => return Err(error),
            }
        }
        let [before, after] = plans.as_slice() else { return Err(RunError::Input(problems)) };
        let found = difference(before, after);
        if self.json {
            json::print(&object(&self.before, &self.after, &found))?;
        } else {
            output::result(&text(&found, self.citations))?;
        }
        Ok(u8::from(!found.same_meaning()))
    }
}

/// The differences as text.
fn text(found: &Difference, citations: bool) -> String {
    let shown = |changes: &[Change]| -> String {
        let changes = changes.iter().filter(|one| citations || one.touches == Touches::Meaning);
        changes.map(change_text).collect()
    };
    let mut text = shown(&found.plan);
    let (mut added, mut removed, mut changed) = (0, 0, 0);
    for entry in &found.entries {
        let (mark, id, rest) = match entry {
            EntryDifference::Added { id, title, .. } => {
                added += 1;
                ("+", id, format!(" {}\n", output::printable(title)))
            }
            EntryDifference::Removed { id, title, .. } => {
                removed += 1;
                ("-", id, format!(" {}\n", output::printable(title)))
            }
            EntryDifference::Changed { id, changes } => {
                changed += usize::from(entry.touches_meaning());
                let changes = shown(changes);
                if changes.is_empty() {
                    continue;
                }
                ("~", id, format!("\n{changes}"))
            }
        };
        let _ = write!(text, "{mark} {}{rest}", output::bold(&output::printable(id.text())));
    }
    let end = if found.same_meaning() {
        "the same in meaning".to_owned()
    } else {
        format!("entries: {added} added, {removed} removed, {changed} changed in meaning")
    };
    let _ = writeln!(text, "{end}");
    text
}

/// A change with the places of both sides.
fn change_text(one: &Change) -> String {
    let side = |value: &Option<String>, at: &Option<Origin>| {
        let at = at.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
        value.as_ref().map_or_else(|| "nothing".to_owned(), |value| format!("{value} ({at})"))
    };
    let line =
        format!("{}: {} → {}", one.key, side(&one.before, &one.before_at), side(&one.after, &one.after_at));
    format!("    {}\n", output::printable(&line))
}

/// The differences as an object.
fn object(before: &str, after: &str, found: &Difference) -> Value {
    let changes = |all: &[Change]| all.iter().map(change_object).collect::<Vec<_>>();
    let at = |origin: &Option<Origin>| origin.as_ref().map(origin_object);
    let entries = found.entries.iter().map(|entry| match entry {
        EntryDifference::Added { id, title, at: origin } => {
            json!({ "id": id.text(), "difference": "added", "title": title, "at": at(origin) })
        }
        EntryDifference::Removed { id, title, at: origin } => {
            json!({ "id": id.text(), "difference": "removed", "title": title, "at": at(origin) })
        }
        EntryDifference::Changed { id, changes: all } => {
            json!({ "id": id.text(), "difference": "changed", "changes": changes(all) })
        }
    });
    json!({
        "before": before,
        "after": after,
        "same_meaning": found.same_meaning(),
        "plan": changes(&found.plan),
        "entries": entries.collect::<Vec<_>>(),
    })
}

fn change_object(one: &Change) -> Value {
    json!({
        "key": one.key,
        "touches": one.touches.word(),
        "before": one.before,
        "after": one.after,
        "before_at": one.before_at.as_ref().map(origin_object),
        "after_at": one.after_at.as_ref().map(origin_object),
    })
}
