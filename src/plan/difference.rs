//! What differs in meaning between two plans: entries, methods, conditions, parameters, limits; not how it is written.
//!
//! Names and citations (titles, clauses, the sources of limits) are told apart from meaning: two editions that number
//! their clauses differently ask for the same measurement. The order of entries means nothing here.

use crate::entry::EntryId;
use crate::limits::{Axis, Limit, Mask, Origin, Rule};
use crate::plan::{PlannedEntry, ResolvedPlan};
use crate::problem::Place;

/// What a difference touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touches {
    /// What is measured, or what decides about it.
    Meaning,
    /// What it is called, or what it cites.
    Citation,
}

impl Touches {
    /// The word for a reader.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Meaning => "meaning",
            Self::Citation => "citation",
        }
    }
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it touches.
    pub touches: Touches,
    /// The key: `volume`, `parameters.level_mrp`, `limits.slr`.
    pub key: String,
    /// What the first plan says, for a reader; `None` where it says nothing.
    pub before: Option<String>,
    /// What the second plan says.
    pub after: Option<String>,
    /// Where the first plan says so; `None` for a default.
    pub before_at: Option<Origin>,
    /// Where the second plan says so.
    pub after_at: Option<Origin>,
}

/// An entry that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryDifference {
    /// Only the second plan has it.
    Added {
        /// The entry.
        id: EntryId,
        /// What it is called.
        title: String,
        /// Where it is written.
        at: Option<Origin>,
    },
    /// Only the first plan has it.
    Removed {
        /// The entry.
        id: EntryId,
        /// What it is called.
        title: String,
        /// Where it is written.
        at: Option<Origin>,
    },
    /// Both have it, and it differs.
    Changed {
        /// The entry.
        id: EntryId,
        /// How: never empty.
        changes: Vec<Change>,
    },
}

impl EntryDifference {
    /// Whether something else is measured or decided.
    pub fn touches_meaning(&self) -> bool {
        match self {
            Self::Added { .. } | Self::Removed { .. } => true,
            Self::Changed { changes, .. } => changes.iter().any(|one| one.touches == Touches::Meaning),
        }
    }
}

/// What differs between two plans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Of the plan as a whole.
    pub plan: Vec<Change>,
    /// Of its entries: those of the first plan in its order, then those that the second adds.
    pub entries: Vec<EntryDifference>,
}

impl Difference {
    /// Whether the two plans measure and decide the same.
    pub fn same_meaning(&self) -> bool {
        self.plan.iter().all(|one| one.touches == Touches::Citation)
            && !self.entries.iter().any(EntryDifference::touches_meaning)
    }
}

/// What `after` says otherwise than `before`.
pub fn difference(before: &ResolvedPlan, after: &ResolvedPlan) -> Difference {
    let mut entries = Vec::new();
    for one in &before.entries {
        match after.entry(&one.entry.id) {
            None => entries.push(EntryDifference::Removed {
                id: one.entry.id.clone(),
                title: one.entry.title.clone(),
                at: one.origins.first().cloned(),
            }),
            Some(other) => {
                let changes = changes_of(one, other);
                if !changes.is_empty() {
                    entries.push(EntryDifference::Changed { id: one.entry.id.clone(), changes });
                }
            }
        }
    }
    let added = after.entries.iter().filter(|one| before.entry(&one.entry.id).is_none());
    entries.extend(added.map(|one| EntryDifference::Added {
        id: one.entry.id.clone(),
        title: one.entry.title.clone(),
        at: one.origins.first().cloned(),
    }));
    Difference { plan: plan_changes(before, after), entries }
}

/// A value of a plan with where it stands.
type Said = (Option<String>, Option<Origin>);

fn origin_of(place: Option<&Place>) -> Option<Origin> {
    place.map(|place| Origin { file: place.source.name.to_string(), line: place.line() })
}

fn change(touches: Touches, key: impl Into<String>, before: Said, after: Said) -> Option<Change> {
    (before.0 != after.0).then(|| Change {
        touches,
        key: key.into(),
        before: before.0,
        after: after.0,
        before_at: before.1,
        after_at: after.1,
    })
}

fn plan_changes(before: &ResolvedPlan, after: &ResolvedPlan) -> Vec<Change> {
    let said = |plan: &ResolvedPlan, key: &'static str| -> Said {
        let value = match key {
            "title" => Some(plan.title.clone()),
            "recommendation" => Some(plan.recommendation.clone()),
            "edition" => Some(plan.edition.clone()),
            "bandwidth" => Some(plan.bandwidth.to_string()),
            _ => plan.default_car.clone(),
        };
        (value, origin_of(plan.places.get(key)))
    };
    let keys = [
        (Touches::Citation, "title"),
        (Touches::Citation, "recommendation"),
        (Touches::Citation, "edition"),
        (Touches::Meaning, "bandwidth"),
        (Touches::Meaning, "car"),
    ];
    keys.into_iter()
        .filter_map(|(touches, key)| change(touches, key, said(before, key), said(after, key)))
        .collect()
}

fn changes_of(before: &PlannedEntry, after: &PlannedEntry) -> Vec<Change> {
    let said = |one: &PlannedEntry, key: &'static str| -> Said {
        let entry = &one.entry;
        let value = match key {
            "title" => entry.title.clone(),
            "clause" => entry.clause.clause.clone(),
            "method" => entry.method.clone(),
            "volume" => entry.volume.to_string(),
            "talker" => entry.talker.to_string(),
            "listener" => entry.listener.to_string(),
            "informative" => one.informative.to_string(),
            "calls" => entry.calls.to_string(),
            _ => entry.noise.as_ref().map_or_else(
                || "none".to_owned(),
                |noise| format!("{} ({} dB(A))", noise.signal, noise.level_dba),
            ),
        };
        (Some(value), origin_of(one.key_places.get(key)))
    };
    let keys = [
        (Touches::Citation, "title"),
        (Touches::Citation, "clause"),
        (Touches::Meaning, "method"),
        (Touches::Meaning, "volume"),
        (Touches::Meaning, "talker"),
        (Touches::Meaning, "listener"),
        (Touches::Meaning, "noise"),
        (Touches::Meaning, "calls"),
        (Touches::Meaning, "informative"),
    ];
    let simple = keys
        .into_iter()
        .filter_map(|(touches, key)| change(touches, key, said(before, key), said(after, key)));
    let mut changes: Vec<Change> = simple.collect();
    changes.extend(parameter_changes(before, after));
    changes.extend(limit_changes(before, after));
    changes
}

fn parameter_changes(before: &PlannedEntry, after: &PlannedEntry) -> Vec<Change> {
    let said = |one: &PlannedEntry, key: &str| -> Said {
        let value = one.entry.parameters.0.get(key).map(ToString::to_string);
        (value, origin_of(one.parameter_places.get(key)))
    };
    let mut keys: Vec<&String> =
        before.entry.parameters.0.keys().chain(after.entry.parameters.0.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let changed = keys.into_iter().filter_map(|key| {
        change(Touches::Meaning, format!("parameters.{key}"), said(before, key), said(after, key))
    });
    changed.collect()
}

/// The name of a limit without its file: editions keep their limits in files of their own.
fn local_id(limit: &Limit) -> &str {
    limit.id.rsplit('/').next().unwrap_or(&limit.id)
}

fn limit_changes(before: &PlannedEntry, after: &PlannedEntry) -> Vec<Change> {
    let mut rest: Vec<&Limit> = after.limits.iter().collect();
    let mut changes = Vec::new();
    for old in &before.limits {
        let same = |new: &&Limit| local_id(new) == local_id(old);
        let new = rest.iter().position(same).map(|at| rest.remove(at));
        changes.extend(limit_change(Some(old), new));
    }
    changes.extend(rest.into_iter().flat_map(|new| limit_change(None, Some(new))));
    changes
}

fn limit_change(before: Option<&Limit>, after: Option<&Limit>) -> Vec<Change> {
    let Some(any) = before.or(after) else { return Vec::new() };
    let key = format!("limits.{}", local_id(any));
    let said = |limit: Option<&Limit>, text: &dyn Fn(&Limit) -> String| -> Said {
        (limit.map(text), limit.and_then(|limit| limit.origins.first().cloned()))
    };
    let both = |touches, key: String, text: &dyn Fn(&Limit) -> String| {
        change(touches, key, said(before, text), said(after, text))
    };
    let meaning =
        |limit: &Limit| format!("{} {}, class {}", limit.measurand, rule(limit), limit.class.word());
    let citation = |limit: &Limit| format!("{} ({}): {}", limit.clause, limit.class.word(), limit.source);
    let mut changes: Vec<Change> = both(Touches::Meaning, key.clone(), &meaning).into_iter().collect();
    // A limit that is there on one side only is told once.
    if before.is_some() && after.is_some() {
        changes.extend(both(Touches::Citation, format!("{key}.source"), &citation));
    }
    changes
}

/// What a limit asks for, complete: two masks that differ in a corner read differently.
pub fn rule(limit: &Limit) -> String {
    match &limit.rule {
        Rule::Range { .. } | Rule::Classes(_) => format!("{} {}", limit.rule, limit.unit),
        Rule::Mask(mask) => mask_text(mask),
        Rule::Unknown => "not known".to_owned(),
    }
}

fn mask_text(mask: &Mask) -> String {
    let line = |points: &[(f64, f64)]| {
        let points: Vec<String> = points.iter().map(|(hz, value)| format!("{hz}: {value}")).collect();
        if points.is_empty() { "none".to_owned() } else { points.join(", ") }
    };
    let kind = if mask.floating { "floating mask" } else { "mask" };
    let axis = if mask.axis == Axis::Frequency { "Hz" } else { "s" };
    format!("{kind}, upper line {}; lower line {} ({axis}: dB)", line(&mask.upper), line(&mask.lower))
}
