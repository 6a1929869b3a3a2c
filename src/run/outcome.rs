//! From recorded takes to the outcome of an entry: the same path live and stored.

use crate::calibration::Validity;
use crate::capture::{Grade, Take, TakeSource};
use crate::context::{BenchInfo, EvalCx, PlanCx, SignalBook};
use crate::event::Failure;
use crate::finding::Finding;
use crate::limits::{self, Judgement};
use crate::methods::{Method, Next, scene};
use crate::plan::PlannedEntry;
use crate::plan::schedule::TakeUse;
use crate::run::log::{Answer, Hold, RunLog, StoredTakes};
use crate::store::evaluation::Judged;
use crate::store::folder::RunFolder;
use crate::take::{EpochKey, TakeId};
use crate::units::Quantity;
use crate::verdict::{Flag, Verdict};

/// What an evaluation looks at.
pub struct Material<'a> {
    /// The bench as it was at capture time.
    pub bench: &'a BenchInfo,
    /// The signals, for the planning of adaptive entries.
    pub signals: &'a dyn SignalBook,
    /// The folder of the run.
    pub folder: &'a RunFolder,
    /// What its journal tells.
    pub log: &'a RunLog,
}

/// The outcome of an entry, and what a reader must be warned of.
pub struct Outcome {
    /// The outcome.
    pub judged: Judged,
    /// A decision that would now be different.
    pub warnings: Vec<String>,
}

/// What stands between an entry and its findings.
struct Obstacle {
    verdict: Verdict,
    reason: String,
}

impl Obstacle {
    fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { verdict, reason: reason.into() }
    }
}

/// The outcome of an entry that has no takes, with its reason.
pub fn without_takes(planned: &PlannedEntry, verdict: Verdict, reason: &str) -> Judged {
    let mut judged = Judged {
        entry: planned.entry.id.clone(),
        verdict,
        flags: Vec::new(),
        margin: None,
        reason: reason.to_owned(),
        takes: Vec::new(),
        judgements: Vec::new(),
        findings: Vec::new(),
        scenes: Vec::new(),
    };
    if planned.informative {
        judged.flags.push(Flag::Informative);
    }
    judged
}

/// Evaluates an entry from its recorded takes and judges what it found.
pub fn evaluate(
    planned: &PlannedEntry,
    method: &dyn Method,
    epoch: &EpochKey,
    uses: &[TakeUse],
    material: &Material<'_>,
) -> Outcome {
    let mut warnings = Vec::new();
    let mut takes = Vec::new();
    let found = collect(planned, method, epoch, uses, material, &mut takes, &mut warnings)
        .and_then(|()| findings(planned, method, &takes, material));
    let mut judged = match found {
        Ok(findings) => judge_all(planned, findings, material.bench),
        Err(obstacle) => without_takes(planned, obstacle.verdict, &obstacle.reason),
    };
    judged.takes = takes.iter().map(|take| take.id.clone()).collect();
    // Of an entry that measured nothing too: what was played and heard is the first thing to look at.
    if let Some(meter) = method.card().shown_on {
        let cx = EvalCx { bench: material.bench, facts: &material.log.facts, takes: &takes };
        judged.scenes = takes.iter().filter_map(|take| scene::of(&cx, take, meter)).collect();
    }
    if takes.iter().any(|take| take.method_equivalent) {
        judged.flags.push(Flag::MethodEquivalentSignal);
    }
    if takes.iter().any(|take| take.certificate.resampled_ppm().is_some()) {
        judged.flags.push(Flag::DriftCorrected);
    }
    if takes.iter().any(|take| take.certificate.grade == Grade::Weak) {
        judged.flags.push(Flag::WeakEvidence);
    }
    if method.card().starts_cold && !material.bench.sets_up_calls && !takes.is_empty() {
        judged.flags.push(Flag::CallByHand);
    }
    judged.flags.sort_unstable();
    judged.flags.dedup();
    Outcome { judged, warnings }
}

/// Gathers the takes of an entry; an adaptive one replays its decisions.
fn collect(
    planned: &PlannedEntry,
    method: &dyn Method,
    epoch: &EpochKey,
    uses: &[TakeUse],
    material: &Material<'_>,
    takes: &mut Vec<Take>,
    warnings: &mut Vec<String>,
) -> Result<(), Obstacle> {
    let source = StoredTakes { folder: material.folder, log: material.log };
    for one in uses {
        let take = source.take(&one.id, &one.spec).ok_or_else(|| missing(&one.id, material.log))?;
        trusted(&take)?;
        takes.push(take);
    }
    if method.card().takes_max as usize <= uses.len() {
        return Ok(());
    }
    let decisions = material.log.decisions(&planned.entry.id);
    for step in 0..=method.card().takes_max as usize {
        let cx = PlanCx { bench: material.bench, facts: &material.log.facts, signals: material.signals };
        let next = method.next(&planned.entry, &cx, takes);
        let next = next.map_err(|why| Obstacle::new(Verdict::Inconclusive, why.reason))?;
        let (id, spec) = match next {
            Next::Done { .. } => {
                if let Some(Some(take)) = decisions.get(step).map(|one| one.take.as_ref()) {
                    warnings.push(format!(
                        "{}: the recorded search went on with {take}, this evaluation would have stopped before it",
                        planned.entry.id
                    ));
                }
                return Ok(());
            }
            Next::Take { spec, .. } => (spec.id(epoch), spec),
        };
        if let Some(decision) = decisions.get(step)
            && decision.take.as_ref() != Some(&id)
        {
            let then = decision.take.as_ref().map_or("the end of the search".to_owned(), ToString::to_string);
            warnings.push(format!(
                "{}: decision {} was {then}, this evaluation would have chosen {id}",
                planned.entry.id,
                step + 1
            ));
        }
        let take = source.take(&id, &spec).ok_or_else(|| missing(&id, material.log))?;
        trusted(&take)?;
        takes.push(take);
    }
    Err(Obstacle::new(Verdict::Error, "the method asks for more takes than its card allows"))
}

/// What a reader must know of an objection to going on with the run.
pub(super) fn hold_warning(hold: &Hold) -> String {
    let answer = match &hold.answer {
        Answer::Open => {
            "not answered yet: put it right and resume the run, or resume it with --accept".to_owned()
        }
        Answer::Accepted(at) => format!("accepted by the operator at {at}"),
        Answer::Repaired => "put right: a later check had nothing to object to".to_owned(),
    };
    format!("{}: {}; {answer}", hold.entry, hold.reason)
}

fn missing(id: &TakeId, log: &RunLog) -> Obstacle {
    match (log.failure(id), &log.stopped) {
        (Some((Failure::Stopped, _)), _) => Obstacle::new(
            Verdict::Aborted,
            format!("take {id} was stopped before it was complete; resume the run"),
        ),
        (Some((_, reason)), _) => {
            Obstacle::new(Verdict::Error, format!("take {id} could not be recorded: {reason}"))
        }
        (None, Some(_)) => match log.broken_call(id) {
            Some((broken, reason)) => Obstacle::new(
                Verdict::Error,
                format!("take {id} was not reached: its call broke off in take {broken}: {reason}"),
            ),
            None => Obstacle::new(Verdict::NotRun, format!("take {id} was not reached; resume the run")),
        },
        (None, None) => Obstacle::new(Verdict::NotRun, format!("take not recorded: {id}")),
    }
}

fn trusted(take: &Take) -> Result<(), Obstacle> {
    if take.certificate.grade == Grade::Bad {
        let reason = format!("no verdict stands on take {}: {}", take.id, take.certificate.note);
        return Err(Obstacle::new(Verdict::Inconclusive, reason));
    }
    Ok(())
}

fn findings(
    planned: &PlannedEntry,
    method: &dyn Method,
    takes: &[Take],
    material: &Material<'_>,
) -> Result<Vec<Finding>, Obstacle> {
    let resampled = takes.iter().find_map(|take| Some((take, take.certificate.resampled_ppm()?)));
    if let Some((take, drift_ppm)) = resampled.filter(|_| method.card().reads_single_samples) {
        let reason = format!(
            "no verdict stands on take {}: {} looks at single samples as they came, and the clocks of the bench ran {drift_ppm:+.2} ppm apart; use \
             one interface, or lock the two",
            take.id,
            method.card().id
        );
        return Err(Obstacle::new(Verdict::Inconclusive, reason));
    }
    let cx = EvalCx { bench: material.bench, facts: &material.log.facts, takes };
    method.evaluate(&planned.entry, &cx).map_err(|why| Obstacle::new(Verdict::Inconclusive, why.reason))
}

/// Holds every finding against its limits and merges the judgements.
fn judge_all(planned: &PlannedEntry, findings: Vec<Finding>, bench: &BenchInfo) -> Judged {
    let mut judgements = Vec::new();
    for limit in &planned.limits {
        let mine: Vec<&Finding> =
            findings.iter().filter(|finding| finding.measurand == limit.measurand).collect();
        if mine.is_empty() {
            judgements.push(unmeasured(limit));
        }
        for finding in mine {
            let mut judgement = limits::judge(finding, limit);
            if let Some(reason) = without_calibration(finding, bench)
                && matches!(judgement.verdict, Verdict::Pass | Verdict::Fail)
            {
                judgement.verdict = Verdict::Inconclusive;
                judgement.reason = reason;
            }
            judgements.push(judgement);
        }
    }
    let verdict = merged(&judgements);
    let mut flags: Vec<Flag> = judgements.iter().flat_map(|one| one.flags.clone()).collect();
    flags.extend(findings.iter().flat_map(|finding| finding.flags.clone()));
    if judgements.is_empty() {
        flags.push(Flag::NoLimit);
    }
    if planned.informative {
        flags.push(Flag::Informative);
    }
    let mut reasons: Vec<&str> = judgements
        .iter()
        .filter(|one| one.verdict == verdict && !one.reason.is_empty())
        .map(|one| one.reason.as_str())
        .collect();
    // Of two limits that are not known each says the same.
    reasons.dedup();
    Judged {
        entry: planned.entry.id.clone(),
        verdict,
        flags,
        margin: smallest_margin(&judgements, verdict),
        reason: reasons.join("; "),
        takes: Vec::new(),
        judgements,
        findings: findings.into_iter().map(|finding| (finding, None)).collect(),
        scenes: Vec::new(),
    }
}

fn unmeasured(limit: &limits::Limit) -> Judgement {
    Judgement {
        measurand: limit.measurand.clone(),
        limit: limit.id.clone(),
        verdict: Verdict::Inconclusive,
        margin: None,
        at: None,
        shift: None,
        class: None,
        flags: Vec::new(),
        reason: format!("{} was not measured", limit.measurand),
    }
}

/// Why a finding may not be judged, when a calibration that it depends on did not hold.
fn without_calibration(finding: &Finding, bench: &BenchInfo) -> Option<String> {
    let records = || {
        bench.ports.values().flat_map(|port| {
            let ear = port.ear.as_ref().map(|ear| (&ear.record, ear.validity));
            std::iter::once((&port.calibration.record, port.calibration.validity)).chain(ear)
        })
    };
    finding.influences.iter().find_map(|influence| {
        let (record, validity) = records().find(|(record, _)| **record == influence.calibration)?;
        (validity != Validity::Valid)
            .then(|| format!("the calibration '{record}' was {validity} when the take was captured"))
    })
}

/// The verdict of an entry from its judgements: the worst of them; measured where nothing was judged.
fn merged(judgements: &[Judgement]) -> Verdict {
    let any = |verdict| judgements.iter().any(|one| one.verdict == verdict);
    [Verdict::Fail, Verdict::Inconclusive, Verdict::Pass]
        .into_iter()
        .find(|verdict| any(*verdict))
        .unwrap_or(Verdict::Measured)
}

/// The smallest margin of the judgements that made the verdict.
fn smallest_margin(judgements: &[Judgement], verdict: Verdict) -> Option<Quantity> {
    let margins = judgements.iter().filter(|one| one.verdict == verdict).filter_map(|one| one.margin);
    margins.fold(None, |least: Option<Quantity>, one| match least {
        Some(least) if least.value <= one.value => Some(least),
        _ => Some(one),
    })
}
