//! What several new calls of one entry say together: worst, median and spread of each figure that is held against a limit.
//!
//! Every call is judged by itself, so that the worst one decides; nothing here makes or changes a verdict.

use super::summary::{self, Result};
use super::wording;
use crate::entry::EntryId;
use crate::finding::{Bound, Value};
use crate::limits::{Better, Limit, Rule};
use crate::run::view::EntryView;
use crate::units::{Quantity, Unit};
use crate::verdict::Verdict;

/// Entries that differ in nothing but the call.
#[derive(Debug, Clone)]
pub struct Group<'v> {
    /// The id that says nothing of a call: the first one's.
    pub first: EntryId,
    /// In how many calls the plan asks for it.
    pub calls: u32,
    /// The entries, in the order of the calls.
    pub entries: Vec<&'v EntryView>,
    /// One for each limit of the entry, in its order.
    pub figures: Vec<Figure>,
}

/// What is compared from call to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The value of a measurand that is a number.
    Value,
    /// The least margin of a curve or series to its mask.
    Margin,
}

impl What {
    /// The word for a reader.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Margin => "margin",
        }
    }
}

/// One measurand against one limit, over all calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What was measured.
    pub measurand: String,
    /// The limit.
    pub limit: String,
    /// What the numbers are.
    pub what: What,
    /// Their unit.
    pub unit: Unit,
    /// In how many calls the plan asks for it.
    pub calls: u32,
    /// In how many of them there is a number.
    pub measured: usize,
    /// How many of them passed or failed this limit.
    pub judged: usize,
    /// In how many of them the value is only a bound.
    pub bounds: usize,
    /// The worst number with its call; `None` where no call has one, or where the limit does not say which is worse.
    pub worst: Option<(f64, u32)>,
    /// The middle number; between two of them their mean.
    pub median: Option<f64>,
    /// The largest number less the smallest one.
    pub spread: Option<f64>,
}

/// One call's number.
struct Reading {
    call: u32,
    number: f64,
    /// The larger, the better; `None`: the limit does not say.
    goodness: Option<f64>,
}

/// The groups of a run, in the order of the plan. An entry that is measured in one call is in none.
pub fn groups(entries: &[EntryView]) -> Vec<Group<'_>> {
    let mut all: Vec<Group<'_>> = Vec::new();
    for one in entries.iter().filter(|one| one.entry.calls > 1) {
        let first = one.entry.id.first_call();
        if let Some(group) = all.iter_mut().find(|group| group.first == first) {
            group.entries.push(one);
        } else {
            let calls = one.entry.calls;
            all.push(Group { first, calls, entries: vec![one], figures: Vec::new() });
        }
    }
    for group in &mut all {
        let limits: &[Limit] = group.entries.first().map_or(&[], |one| &one.limits);
        group.figures = limits.iter().map(|limit| figure(group, limit)).collect();
    }
    all
}

/// The group that begins with an entry, if one does: where it is shown.
pub fn begun_by<'g, 'v>(groups: &'g [Group<'v>], entry: &EntryView) -> Option<&'g Group<'v>> {
    groups.iter().find(|group| group.entries.first().is_some_and(|one| one.entry.id == entry.entry.id))
}

/// The group that an entry is in.
pub fn of<'g, 'v>(groups: &'g [Group<'v>], entry: &EntryView) -> Option<&'g Group<'v>> {
    groups.iter().find(|group| group.entries.iter().any(|one| one.entry.id == entry.entry.id))
}

fn figure(group: &Group<'_>, limit: &Limit) -> Figure {
    let what = if matches!(limit.rule, Rule::Mask(_)) { What::Margin } else { What::Value };
    let unit = if what == What::Margin { limit.unit.difference() } else { limit.unit };
    let mut figure = Figure {
        measurand: limit.measurand.clone(),
        limit: limit.id.clone(),
        what,
        unit,
        calls: group.calls,
        measured: 0,
        judged: 0,
        bounds: 0,
        worst: None,
        median: None,
        spread: None,
    };
    let mut readings = Vec::new();
    for one in &group.entries {
        let results = summary::results(one);
        let of_limit = |result: &&Result<'_>| {
            result.judgement.is_some_and(|it| it.limit == limit.id && it.measurand == limit.measurand)
        };
        // Where an entry has several findings of a measurand, the worst of them is the call's.
        let found = results.iter().filter(of_limit).filter_map(|result| {
            let number = number(result, what)?;
            Some((
                result,
                Reading { call: one.entry.call, number, goodness: goodness(result, limit, number) },
            ))
        });
        let order = |reading: &Reading| reading.goodness.unwrap_or(f64::INFINITY);
        let Some((result, reading)) = found.min_by(|a, b| order(&a.1).total_cmp(&order(&b.1))) else {
            continue;
        };
        let is_judged =
            result.judgement.is_some_and(|it| matches!(it.verdict, Verdict::Pass | Verdict::Fail));
        figure.judged += usize::from(is_judged);
        // Of a curve single points may be bounds, and its least margin is none for that.
        let is_bound = result.measured().is_some_and(|it| it.bound != Bound::Exact);
        figure.bounds += usize::from(what == What::Value && is_bound);
        readings.push(reading);
    }
    figure.measured = readings.len();
    let known = readings.iter().filter_map(|one| Some((one, one.goodness?)));
    figure.worst = known.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(one, _)| (one.number, one.call));
    let mut numbers: Vec<f64> = readings.iter().map(|one| one.number).collect();
    numbers.sort_by(f64::total_cmp);
    figure.median = median(&numbers);
    figure.spread = numbers.first().zip(numbers.last()).map(|(least, most)| most - least);
    figure
}

/// The number of a call that is compared with those of the others. What is no number is in none of the figures.
fn number(result: &Result<'_>, what: What) -> Option<f64> {
    let number = match what {
        What::Margin => result.judgement?.margin?.value,
        What::Value => match result.measured()?.value {
            Value::Scalar(value) => value,
            Value::Curve(_) | Value::Series(_) => return None,
        },
    };
    (!number.is_nan()).then_some(number)
}

/// How good a number is against its limit.
fn goodness(result: &Result<'_>, limit: &Limit, number: f64) -> Option<f64> {
    match &limit.rule {
        Rule::Classes(table) => Some(if table.better == Better::Larger { number } else { -number }),
        Rule::Range { .. } | Rule::Mask(_) => result.judgement?.margin.map(|margin| margin.value),
        Rule::Unknown => None,
    }
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

impl Figure {
    /// In a line, without the measurand: `3 calls: worst 42.1 dB in call 2, median 44.0 dB, spread 3.1 dB`.
    pub fn told(&self) -> String {
        let mut parts = Vec::new();
        if let Some((worst, call)) = self.worst {
            let (name, worst) = match self.what {
                What::Value => ("worst", wording::quantity(worst, self.unit)),
                What::Margin => ("least margin", wording::margin(Quantity::new(worst, self.unit))),
            };
            parts.push(format!("{name} {worst} in call {call}"));
        }
        if let (Some(median), Some(spread)) = (self.median, self.spread) {
            let median = match self.what {
                What::Value => wording::quantity(median, self.unit),
                What::Margin => wording::margin(Quantity::new(median, self.unit)),
            };
            parts.push(format!("median {median}"));
            parts.push(format!("spread {}", wording::quantity(spread, self.unit.difference())));
        }
        let calls = self.calls as usize;
        if self.measured < calls {
            parts.push(format!("{} measured", self.measured));
        }
        if self.judged < self.measured {
            parts.push(format!("{} judged", self.judged));
        }
        if self.bounds > 0 {
            parts.push(format!("{} only a bound", self.bounds));
        }
        format!("{calls} calls: {}", parts.join(", "))
    }
}

impl Group<'_> {
    /// The verdicts of the calls, each once, the worst one first: `1 fail, 2 pass`.
    pub fn verdicts(&self) -> String {
        let counted = Verdict::ALL.iter().rev().filter_map(|verdict| {
            let count = self.entries.iter().filter(|one| one.verdict == *verdict).count();
            (count > 0).then(|| format!("{count} {verdict}"))
        });
        counted.collect::<Vec<_>>().join(", ")
    }

    /// A line for each figure: `echo_loss, 3 calls: worst …`. An entry without a limit has one with its verdicts.
    pub fn lines(&self) -> Vec<String> {
        if self.figures.is_empty() {
            return vec![format!("{} calls: {}", self.calls, self.verdicts())];
        }
        self.figures.iter().map(|figure| format!("{}, {}", figure.measurand, figure.told())).collect()
    }
}
