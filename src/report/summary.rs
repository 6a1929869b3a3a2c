//! Which finding, judgement and limit speak for an entry, and which belong together.

use super::wording;
use crate::finding::{Finding, Value};
use crate::limits::{Judgement, Limit};
use crate::run::view::{EntryView, FindingView};
use crate::units::Quantity;
use crate::verdict::Verdict;

/// A finding with one of its judgements, or with none.
#[derive(Debug, Clone, Copy)]
pub struct Result<'a> {
    /// What was measured. `None`: a judgement whose finding is not in the view.
    pub finding: Option<&'a FindingView>,
    /// What was made of it.
    pub judgement: Option<&'a Judgement>,
    /// The limit that it was held against.
    pub limit: Option<&'a Limit>,
}

impl Result<'_> {
    /// The name of the measurand.
    pub fn measurand(&self) -> &str {
        match (self.finding, self.judgement) {
            (Some(view), _) => &view.finding.measurand,
            (None, Some(judgement)) => &judgement.measurand,
            (None, None) => "",
        }
    }

    /// The finding itself.
    pub fn measured(&self) -> Option<&Finding> {
        self.finding.map(|view| &view.finding)
    }
}

/// Every finding of an entry with its judgements, in the order of the findings; judgements whose
/// finding is missing stand at the end.
pub fn results(entry: &EntryView) -> Vec<Result<'_>> {
    let mut all = Vec::new();
    let mut used = vec![false; entry.judgements.len()];
    for view in &entry.findings {
        let mut judged = false;
        // Several findings may share a measurand: each takes the next unused judgement of each limit.
        let mut limits_seen: Vec<&str> = Vec::new();
        for (at, judgement) in entry.judgements.iter().enumerate() {
            if used[at]
                || judgement.measurand != view.finding.measurand
                || limits_seen.contains(&judgement.limit.as_str())
            {
                continue;
            }
            used[at] = true;
            judged = true;
            limits_seen.push(&judgement.limit);
            all.push(Result {
                finding: Some(view),
                judgement: Some(judgement),
                limit: limit_of(entry, judgement),
            });
        }
        if !judged {
            all.push(Result { finding: Some(view), judgement: None, limit: None });
        }
    }
    for (at, judgement) in entry.judgements.iter().enumerate() {
        if !used[at] {
            all.push(Result { finding: None, judgement: Some(judgement), limit: limit_of(entry, judgement) });
        }
    }
    all
}

fn limit_of<'a>(entry: &'a EntryView, judgement: &Judgement) -> Option<&'a Limit> {
    entry
        .limits
        .iter()
        .find(|limit| limit.id == judgement.limit && limit.measurand == judgement.measurand)
        .or_else(|| entry.limits.iter().find(|limit| limit.id == judgement.limit))
}

/// The result that speaks for the entry: a fail before everything, then what decided least well,
/// then the smallest margin; without a judgement the first number.
pub fn decisive(entry: &EntryView) -> Option<Result<'_>> {
    let all = results(entry);
    let judged = all.iter().filter(|one| one.judgement.is_some());
    let worst = judged.copied().min_by(|a, b| rank(a).cmp(&rank(b)).then(margin(a).total_cmp(&margin(b))));
    worst
        .or_else(|| all.iter().copied().find(|one| one.measured().is_some_and(is_number)))
        .or_else(|| all.first().copied())
}

/// What every failed result of an entry misses: by how much, which limit, and where that comes from.
pub fn misses(entry: &EntryView) -> Vec<String> {
    results(entry).iter().filter_map(miss).collect()
}

fn miss(result: &Result<'_>) -> Option<String> {
    let judgement = result.judgement.filter(|one| one.verdict == Verdict::Fail)?;
    let limit = result.limit?;
    let margin = judgement.margin?;
    let missed = wording::margin(Quantity::new(margin.value.abs(), margin.unit));
    let at = judgement.at.map_or(String::new(), |at| format!(" at {}", wording::at(at)));
    Some(format!(
        "{} misses {} by {}{at}; {}, class {}: {}",
        judgement.measurand,
        wording::limit(limit),
        missed.trim_start_matches('+'),
        limit.clause,
        limit.class.word(),
        limit.source
    ))
}

fn is_number(finding: &Finding) -> bool {
    matches!(finding.value, Value::Scalar(_))
}

fn rank(result: &Result<'_>) -> u8 {
    match result.judgement.map(|judgement| judgement.verdict) {
        Some(Verdict::Fail) => 0,
        Some(Verdict::Error | Verdict::Aborted | Verdict::NotRun) => 1,
        Some(Verdict::Inconclusive) => 2,
        Some(Verdict::Pass) => 3,
        Some(Verdict::Measured) => 4,
        None => 5,
    }
}

/// The margin for comparison; a missing one or NaN comes last.
fn margin(result: &Result<'_>) -> f64 {
    result.judgement.and_then(|judgement| judgement.margin).map_or(f64::INFINITY, |margin| margin.value)
}
