//! Asking before a run goes on: objections of methods to what was found, and checks that are made again from time to
//! time.
//!
//! A method may object to its own findings (the set-up moved, the call is not what it is said to be). The run stops
//! then and can be resumed; what happens next is the operator's choice:
//!
//! - resumed as it is, a check that can be made again is made again first, and the run goes on when it has nothing to
//!   object to any more; another objection stands;
//! - resumed with the objections accepted, the run goes on, and further objections of that method are journalled without
//!   stopping it. Findings and verdicts are what they are either way.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::bench::Bench;
use crate::capture::{Take, TakeSource};
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, EntryId};
use crate::event::Event;
use crate::finding::Finding;
use crate::methods::{self, METHODS, Method};
use crate::plan::{self, PlannedEntry};
use crate::run::RunError;
use crate::run::acquire::{Acquisition, Ended};
use crate::run::log::StoredTakes;

impl Acquisition<'_> {
    /// An objection of an earlier session that nobody has answered and that no new check can answer.
    pub(super) fn unanswered(&self) -> Result<Option<String>, RunError> {
        let state = self.state()?;
        let stands = state.log.open_holds().find(|hold| {
            let again = |one: &&PlannedEntry| one.entry.method == hold.method && recheck(one).is_some();
            !self.plan.entries.iter().any(|one| again(&one))
        });
        Ok(stands.map(|hold| hold.reason.clone()))
    }

    /// What stands against going on after some entries were recorded. Waits for their evaluation; the facts of those that
    /// may object are known from here on, so that checks that are made again have something to compare with.
    pub(super) fn held(&self, entries: &[EntryId]) -> Result<Option<String>, RunError> {
        let mut first = None;
        for id in entries {
            let Some((planned, method)) = self.with_method(id).filter(|(_, method)| method.card().objects)
            else {
                continue;
            };
            self.find_facts(std::iter::once(planned))?;
            let judged = self.outcome_of(id)?;
            let findings: Vec<Finding> = judged.findings.into_iter().map(|(finding, _)| finding).collect();
            if let Some(reason) = method.objection(&planned.entry, &findings)
                && self.hold(&planned.entry, &reason)?
            {
                first = first.or(Some(reason));
            }
        }
        Ok(first)
    }

    fn with_method(&self, id: &EntryId) -> Option<(&PlannedEntry, &'static dyn Method)> {
        let planned = self.plan.entry(id)?;
        Some((planned, methods::method(&planned.entry.method)?))
    }

    /// Journals an objection that is new. Gives whether the run has to stop for it.
    fn hold(&self, entry: &Entry, reason: &str) -> Result<bool, RunError> {
        let (answered, known) = {
            let state = self.state()?;
            (state.log.is_answered(&entry.id, &entry.method), state.log.hold(&entry.id).is_some())
        };
        if !known {
            let (entry, method) = (entry.id.clone(), entry.method.clone());
            self.journal(&Event::Held { entry, method, reason: reason.to_owned() })?;
        }
        Ok(!answered)
    }

    /// Makes the checks again that are due. Gives why the run has to stop, if it does.
    pub(super) fn recheck(&self, bench: &mut dyn Bench) -> Result<Option<String>, RunError> {
        for planned in self.plan.entries.iter().filter(|one| self.run.contains(&one.entry.id)) {
            if !self.is_due(planned)? {
                continue;
            }
            if let Some(reason) = self.check_again(bench, planned)? {
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }

    /// Whether a check must be made again now. In a session that takes a run up again it is, whatever the time: nobody
    /// knows what was touched since. The first of the entries of a method is the one that is repeated.
    fn is_due(&self, planned: &PlannedEntry) -> Result<bool, RunError> {
        let Some(every_s) = recheck(planned) else { return Ok(false) };
        let same = |one: &&PlannedEntry| one.entry.method == planned.entry.method;
        let first = self.plan.entries.iter().filter(|one| self.run.contains(&one.entry.id)).find(same);
        if first.is_none_or(|one| one.entry.id != planned.entry.id) || !self.is_recorded(planned)? {
            return Ok(false);
        }
        let mut checked = self.checked.lock().map_err(|_| RunError::panicked())?;
        let due = match *checked {
            Some(at) => at.elapsed().as_secs_f64() >= every_s,
            None => self.resumed,
        };
        if due || checked.is_none() {
            *checked = Some(Instant::now());
        }
        Ok(due)
    }

    fn is_recorded(&self, planned: &PlannedEntry) -> Result<bool, RunError> {
        let facts = self.facts()?;
        let cx = PlanCx { bench: self.bench, facts: &facts, signals: self.signals.library() };
        let schedule = plan::schedule(&[planned], METHODS, &cx);
        let state = self.state()?;
        let takes = schedule.takes_of.get(&planned.entry.id).map_or(&[][..], Vec::as_slice);
        Ok(!takes.is_empty() && takes.iter().all(|one| state.log.has(&one.id)))
    }

    /// Records an entry once more, in a call of its own, and asks its method what it has against it.
    fn check_again(&self, bench: &mut dyn Bench, planned: &PlannedEntry) -> Result<Option<String>, RunError> {
        let Some((_, method)) = self.with_method(&planned.entry.id) else { return Ok(None) };
        let count = self.state()?.log.rechecks(&planned.entry.method) + 1;
        let id = EntryId::new(planned.entry.id.text(), &[("recheck".to_owned(), count.to_string())]);
        let again = PlannedEntry { entry: Entry { id, ..planned.entry.clone() }, ..planned.clone() };
        let facts = self.facts()?;
        let cx = PlanCx { bench: self.bench, facts: &facts, signals: self.signals.library() };
        let schedule = plan::schedule(&[&again], METHODS, &cx);
        // Its outcome is asked for here and is none of the plan's.
        let mut sent = BTreeSet::from([again.entry.id.clone()]);
        for epoch in &schedule.epochs {
            let (mut result, mut closed) =
                (self.record_call(bench, epoch, &schedule, &mut sent), bench.close());
            // A take that comes back is counted, so that this ends.
            while matches!(result, Err(Ended::Again)) {
                (result, closed) = (self.record_call(bench, epoch, &schedule, &mut sent), bench.close());
            }
            match result {
                Ok(()) | Err(Ended::Again) => {
                    self.journal(&Event::EpochClosed { epoch: epoch.key.clone() })?;
                    closed.map_err(|error| RunError::Bench(error.to_string()))?;
                }
                Err(Ended::Run(error)) => return Err(error),
                Err(Ended::Bench(take, error)) => {
                    self.fail(epoch, take, &error)?;
                    return Ok(Some(error.to_string()));
                }
            }
        }
        let takes: Vec<Take> = {
            let state = self.state()?;
            let source = StoredTakes { folder: self.folder, log: &state.log };
            let uses = schedule.takes_of.get(&again.entry.id).map_or(&[][..], Vec::as_slice);
            uses.iter().filter_map(|one| source.take(&one.id, &one.spec)).collect()
        };
        let cx = EvalCx { bench: self.bench, facts: &facts, takes: &takes };
        let (note, objection) = match method.evaluate(&again.entry, &cx) {
            Ok(findings) => (note_of(&findings), method.objection(&again.entry, &findings)),
            Err(why) => (format!("not measured: {why}"), Some(why.reason)),
        };
        let (entry, method) = (again.entry.id.clone(), again.entry.method.clone());
        self.journal(&Event::Rechecked { entry, method, note, is_good: objection.is_none() })?;
        match objection {
            Some(reason) if self.hold(&again.entry, &reason)? => Ok(Some(reason)),
            _ => Ok(None),
        }
    }
}

/// After how many seconds an entry is made again.
fn recheck(planned: &PlannedEntry) -> Option<f64> {
    let method = methods::method(&planned.entry.method)?;
    method.recheck_after(&planned.entry).map(|after| after.0)
}

/// The numbers of a check in one line.
fn note_of(findings: &[Finding]) -> String {
    let scalars = findings.iter().filter_map(|one| {
        let value = one.as_scalar()?;
        let note = if one.note.is_empty() { String::new() } else { format!(" ({})", one.note) };
        Some(format!("{} {value:.2} {}{note}", one.measurand, one.unit))
    });
    scalars.collect::<Vec<_>>().join(", ")
}
