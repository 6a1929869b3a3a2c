//! The acquisition: epochs on as many benches as there may be, takes recorded and journalled at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use crate::bench::{Bench, BenchError, BenchMaker, RenderedEpoch, StopFlag, TelemetrySender};
use crate::capture::{Take, TakeSource};
use crate::context::{BenchInfo, Facts, PlanCx};
use crate::entry::EntryId;
use crate::event::{Event, Failure};
use crate::finding::FactValue;
use crate::methods::Next;
use crate::plan::schedule::{PlannedEpoch, TakeUse};
use crate::plan::{self, PlannedEntry, ResolvedPlan, Schedule};
use crate::run::call::{Bed, Coming, OpenCall, seed_of};
use crate::run::log::{RunLog, StoredTakes};
use crate::run::noise::render_noise;
use crate::run::progress::Progress;
use crate::run::render::SignalStore;
use crate::run::{RunError, clock, preflight};
use crate::store::evaluation::Judged;
use crate::store::folder::{FolderError, RunFolder};
use crate::store::journal::Journal;
use crate::store::wire::Line;
use crate::take::{EpochKey, NoiseBed, TakeId};
use crate::terms::Port;

/// How often a call is set up in one session before its takes count as failed.
const OPENINGS_MAX: u32 = 3;

/// An entry whose takes are all recorded.
pub(super) struct Ready {
    pub entry: EntryId,
    pub epoch: EpochKey,
    pub uses: Vec<TakeUse>,
}

/// The journal with its fold.
pub(super) struct State {
    pub journal: Journal,
    pub log: RunLog,
}

/// Everything that the threads of an acquisition share.
pub(super) struct Acquisition<'a> {
    pub folder: &'a RunFolder,
    pub plan: &'a ResolvedPlan,
    /// The entries to run, those that others need included.
    pub run: &'a BTreeSet<EntryId>,
    pub maker: &'a dyn BenchMaker,
    pub bench: &'a BenchInfo,
    pub signals: &'a SignalStore,
    pub seed: u64,
    pub stop: &'a StopFlag,
    pub telemetry: &'a TelemetrySender,
    pub progress: &'a Progress,
    pub listener: &'a (dyn Fn(&Event) + Sync),
    pub state: &'a Mutex<State>,
    /// Where complete entries go; bounded, so that recording waits for a slow evaluation.
    pub ready: SyncSender<Ready>,
    /// Whether an earlier session recorded a part of the run.
    pub resumed: bool,
    /// When the checks that are made again were made last in this session.
    pub checked: &'a Mutex<Option<Instant>>,
    /// How often a take without a good certificate is recorded again, and how often that was done in this session.
    pub repeats: u32,
    pub repeated: &'a Mutex<BTreeMap<TakeId, u32>>,
    /// The background noises that were made in this session.
    pub beds: &'a Mutex<BTreeMap<String, Arc<Bed>>>,
    /// The outcomes so far, with a signal whenever one is added.
    pub judged: &'a (Mutex<BTreeMap<EntryId, Judged>>, Condvar),
}

/// Why an epoch ended early.
pub(super) enum Ended {
    /// The bench, for this take.
    Bench(Option<TakeId>, BenchError),
    /// A take is to be recorded again, in a new call.
    Again,
    /// The storage or the program.
    Run(RunError),
}

impl From<RunError> for Ended {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

impl From<FolderError> for Ended {
    fn from(error: FolderError) -> Self {
        Self::Run(error.into())
    }
}

impl Acquisition<'_> {
    pub(super) fn state(&self) -> Result<MutexGuard<'_, State>, RunError> {
        self.state.lock().map_err(|_| RunError::panicked())
    }

    /// Appends an event durably, folds it, tells the listener.
    pub(super) fn journal(&self, event: &Event) -> Result<(), RunError> {
        let line = Line { at: clock::now(), event: event.into() };
        let mut state = self.state()?;
        state.journal.append(&line).map_err(FolderError::from)?;
        state.log.apply(&line.at, event);
        drop(state);
        (self.listener)(event);
        Ok(())
    }

    pub(super) fn facts(&self) -> Result<Facts, RunError> {
        Ok(self.state()?.log.facts.clone())
    }

    fn planned(&self, id: &EntryId) -> Option<&PlannedEntry> {
        self.plan.entry(id)
    }

    /// Records everything that can be recorded. Gives why it stopped early, if it did.
    pub(super) fn record(&self) -> Result<Option<String>, RunError> {
        if let Some(reason) = self.unanswered()? {
            return Ok(Some(reason));
        }
        let mut open: Vec<&PlannedEntry> =
            self.plan.entries.iter().filter(|one| self.run.contains(&one.entry.id)).collect();
        loop {
            let facts = self.facts()?;
            let stage = plan::ready(&open, &facts);
            if stage.ready.is_empty() {
                return Ok(None);
            }
            let done: BTreeSet<&EntryId> = stage.ready.iter().map(|one| &one.entry.id).collect();
            let cx = PlanCx { bench: self.bench, facts: &facts, signals: self.signals.library() };
            let schedule = plan::schedule(&stage.ready, crate::methods::METHODS, &cx);
            self.expect(&schedule, &stage.waiting)?;
            if let Some(reason) = self.record_stage(&schedule)? {
                return Ok(Some(reason));
            }
            let planned = stage.ready.iter().filter(|one| schedule.epoch_of.contains_key(&one.entry.id));
            self.find_facts(planned.copied())?;
            open.retain(|one| !done.contains(&one.entry.id));
        }
    }

    /// Tells the progress what this stage records, and about how much follows when facts are found.
    fn expect(&self, schedule: &Schedule, waiting: &[(&PlannedEntry, Vec<String>)]) -> Result<(), RunError> {
        let mut open = Vec::new();
        for epoch in &schedule.epochs {
            if self.is_complete(epoch)? {
                continue;
            }
            let preamble = epoch.spec.preamble.iter().map(|take| (take.id(&epoch.key), take.seconds().0));
            open.extend(preamble);
            let state = self.state()?;
            let missing = epoch.takes.iter().filter(|take| !state.log.has(&take.id));
            open.extend(missing.map(|take| (take.id.clone(), take.spec.seconds().0)));
        }
        let waiting: Vec<&PlannedEntry> = waiting.iter().map(|(entry, _)| *entry).collect();
        let facts = preflight::assumed_facts(&waiting, self.bench);
        let cx = PlanCx { bench: self.bench, facts: &facts, signals: self.signals.library() };
        let later = plan::schedule(&waiting, crate::methods::METHODS, &cx).audio();
        self.progress.stage(open, later.0);
        self.telemetry.send(self.progress.telemetry());
        Ok(())
    }

    fn record_stage(&self, schedule: &Schedule) -> Result<Option<String>, RunError> {
        let queue: Mutex<VecDeque<&PlannedEpoch>> = Mutex::new(schedule.epochs.iter().collect());
        let count = self.maker.parallel_max().min(schedule.epochs.len()).max(1);
        let results: Vec<Result<Option<String>, RunError>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..count)
                .map(|index| {
                    let queue = &queue;
                    std::thread::Builder::new()
                        .name(format!("bench-{index}"))
                        .spawn_scoped(scope, move || self.work(queue, schedule))
                })
                .collect();
            let join = |worker: std::io::Result<std::thread::ScopedJoinHandle<'_, _>>| match worker {
                Ok(worker) => worker.join().unwrap_or_else(|_| Err(RunError::panicked())),
                Err(error) => Err(RunError::Broken(format!("no thread for a bench: {error}"))),
            };
            workers.into_iter().map(join).collect()
        });
        let mut stopped = None;
        for result in results {
            stopped = stopped.or(result?);
        }
        Ok(stopped)
    }

    /// One worker: epochs from the queue until it is empty or the run has to stop.
    fn work(
        &self,
        queue: &Mutex<VecDeque<&PlannedEpoch>>,
        schedule: &Schedule,
    ) -> Result<Option<String>, RunError> {
        let mut bench: Option<Box<dyn Bench>> = None;
        loop {
            let next = queue.lock().map_err(|_| RunError::panicked())?.pop_front();
            let Some(epoch) = next else { return Ok(None) };
            if self.stop.is_set() {
                return Ok(Some(BenchError::Stopped.to_string()));
            }
            let bench = match &mut bench {
                Some(bench) => bench,
                none => none.insert(self.maker.make().map_err(|error| RunError::Bench(error.to_string()))?),
            };
            if let Some(reason) = self.recheck(&mut **bench)? {
                return abandon(queue, reason);
            }
            if let Some(reason) = self.record_epoch(&mut **bench, epoch, schedule)? {
                return Ok(Some(reason));
            }
            if let Some(reason) = self.held(&epoch.entries)? {
                return abandon(queue, reason);
            }
        }
    }

    fn record_epoch(
        &self,
        bench: &mut dyn Bench,
        epoch: &PlannedEpoch,
        schedule: &Schedule,
    ) -> Result<Option<String>, RunError> {
        let mut sent = BTreeSet::new();
        let mut failures = 0;
        loop {
            self.send_complete(epoch, schedule, &mut sent)?;
            if self.is_complete(epoch)? {
                break;
            }
            let result = self.record_call(bench, epoch, schedule, &mut sent);
            let closed = bench.close();
            match result {
                Ok(()) => {
                    self.journal(&Event::EpochClosed { epoch: epoch.key.clone() })?;
                    closed.map_err(|error| RunError::Bench(error.to_string()))?;
                    break;
                }
                Err(Ended::Run(error)) => return Err(error),
                // What comes back for a take is counted, so that this ends.
                Err(Ended::Again) => closed.map_err(|error| RunError::Bench(error.to_string()))?,
                Err(Ended::Bench(take, error)) => {
                    self.fail(epoch, take, &error)?;
                    failures += 1;
                    match error.failure() {
                        Failure::TryAgain if failures < OPENINGS_MAX => {}
                        Failure::TryAgain => break,
                        Failure::AskOperator | Failure::StopRun | Failure::Stopped => {
                            return Ok(Some(error.to_string()));
                        }
                    }
                }
            }
        }
        self.send_all(epoch, schedule, &mut sent)?;
        Ok(None)
    }

    /// Journals the failure of a take, or of every missing take when the call could not be set up or a replay failed.
    pub(super) fn fail(
        &self,
        epoch: &PlannedEpoch,
        take: Option<TakeId>,
        error: &BenchError,
    ) -> Result<(), RunError> {
        let takes = match take {
            // A take that is there already was only replayed, for those that are missing.
            Some(take) if !self.state()?.log.has(&take) => vec![take],
            _ => epoch.takes.iter().map(|take| take.id.clone()).collect(),
        };
        for take in takes {
            let (attempt, has) = {
                let state = self.state()?;
                (state.log.attempts(&take) + 1, state.log.has(&take))
            };
            if !has {
                self.journal(&Event::TakeFailed {
                    epoch: epoch.key.clone(),
                    take,
                    attempt,
                    failure: error.failure(),
                    reason: error.to_string(),
                })?;
            }
        }
        Ok(())
    }

    fn is_complete(&self, epoch: &PlannedEpoch) -> Result<bool, RunError> {
        let state = self.state()?;
        let planned = epoch.takes.iter().all(|take| state.log.has(&take.id));
        let done =
            |entry: &EntryId| state.log.decisions(entry).last().is_some_and(|last| last.take.is_none());
        Ok(planned && epoch.adaptive.iter().all(done))
    }

    /// One call: set-up, preamble, the takes that are missing, what adaptive entries ask for.
    pub(super) fn record_call(
        &self,
        bench: &mut dyn Bench,
        epoch: &PlannedEpoch,
        schedule: &Schedule,
        sent: &mut BTreeSet<EntryId>,
    ) -> Result<(), Ended> {
        let (attempt, volume_step) = {
            let state = self.state()?;
            let step = self.bench.volume_step(epoch.spec.call.volume, &state.log.facts);
            (state.log.openings(&epoch.key) + 1, step)
        };
        let volume_step = volume_step
            .ok_or_else(|| RunError::Broken(format!("the volume of epoch {} is not known", epoch.key)))?;
        let bed = epoch.spec.noise.as_ref().map(|bed| self.bed(bed)).transpose()?;
        let rendered = RenderedEpoch {
            key: epoch.key.clone(),
            seed: seed_of(self.seed, &epoch.key),
            bandwidth: epoch.spec.call.bandwidth,
            volume_step,
            terminal: epoch.spec.call.terminal,
            noise: bed.as_ref().map(|bed| bed.noise.clone()),
        };
        let mut call = OpenCall { epoch, bed, at: 0 };
        let coming = self.coming(&mut call)?;
        let (opened, mut ready) =
            self.beside(&call, coming.first(), || bench.open(&rendered, self.telemetry));
        opened.map_err(|error| Ended::Bench(None, error))?;
        let network = &self.bench.network;
        self.journal(&Event::EpochOpened {
            epoch: epoch.key.clone(),
            attempt,
            seed: rendered.seed,
            volume_step,
            network: format!(
                "{}; declared delay send {:.1} ms, receive {:.1} ms",
                network.declared(),
                network.delay_send.as_ms(),
                network.delay_receive.as_ms()
            ),
        })?;
        for (n, one) in coming.iter().enumerate() {
            let Some(prepared) = ready.take() else { break };
            ready = self.record_take(bench, &call, one, &prepared?, coming.get(n + 1))?;
            self.send_complete(epoch, schedule, sent)?;
        }
        for entry in &epoch.adaptive {
            self.record_adaptive(bench, &mut call, entry, schedule)?;
        }
        Ok(())
    }

    /// A background noise, made and stored when it is wanted for the first time.
    fn bed(&self, wanted: &NoiseBed) -> Result<Arc<Bed>, Ended> {
        let beds = || self.beds.lock().map_err(|_| RunError::panicked());
        if let Some(bed) = beds()?.get(&wanted.signal) {
            return Ok(Arc::clone(bed));
        }
        // Made outside the lock: calls in other noises need not wait.
        let noise = render_noise(wanted, self.bench, self.signals)
            .map_err(|error| Ended::Bench(None, BenchError::StopRun(error.to_string())))?;
        let stored = self.folder.stimulus(&Port::of(Port::NOISE_RECORDING), &noise.recording)?;
        let bed = Arc::new(Bed { noise, stored });
        Ok(Arc::clone(beds()?.entry(wanted.signal.clone()).or_insert(bed)))
    }

    /// What is to be recorded in a call as it is planned: the preamble, the takes that are missing, and those that are played
    /// again because a missing one continues them. Leaves the call at its end.
    fn coming<'p>(&self, call: &mut OpenCall<'p>) -> Result<Vec<Coming<'p>>, RunError> {
        let epoch = call.epoch;
        let mut coming = Vec::new();
        for spec in &epoch.spec.preamble {
            let id = spec.id(&epoch.key);
            let replay = self.state()?.log.has(&id);
            coming.push(Coming { spec, id, at: call.at, replay });
            call.pass(spec);
        }
        for (index, take) in epoch.takes.iter().enumerate() {
            let missing = !self.state()?.log.has(&take.id);
            if missing || self.is_pulled(epoch, index)? {
                coming.push(Coming { spec: &take.spec, id: take.id.clone(), at: call.at, replay: !missing });
            }
            call.pass(&take.spec);
        }
        Ok(coming)
    }

    /// Whether a recorded take must be replayed because a missing one continues it.
    fn is_pulled(&self, epoch: &PlannedEpoch, index: usize) -> Result<bool, RunError> {
        let state = self.state()?;
        let chain = epoch.takes[index + 1..].iter().take_while(|take| take.spec.continues);
        Ok(chain.into_iter().any(|take| !state.log.has(&take.id)))
    }

    fn record_adaptive(
        &self,
        bench: &mut dyn Bench,
        call: &mut OpenCall<'_>,
        entry: &EntryId,
        schedule: &Schedule,
    ) -> Result<(), Ended> {
        let planned = self.planned(entry);
        let method = planned.and_then(|one| crate::methods::method(&one.entry.method));
        let (Some(planned), Some(method)) = (planned, method) else { return Ok(()) };
        let facts = self.facts()?;
        let begin = call.at;
        for step in 1..=method.card().takes_max + 1 {
            call.at = begin;
            let mut takes: Vec<Take> = Vec::new();
            {
                let state = self.state()?;
                let source = StoredTakes { folder: self.folder, log: &state.log };
                let uses = schedule.takes_of.get(entry).map_or(&[][..], Vec::as_slice);
                takes.extend(uses.iter().filter_map(|one| source.take(&one.id, &one.spec)));
            }
            // Decisions are made again from the stored takes: after a resume they come out the same.
            let cx = PlanCx { bench: self.bench, facts: &facts, signals: self.signals.library() };
            let mut index = 0;
            let next = loop {
                match method.next(&planned.entry, &cx, &takes) {
                    Ok(Next::Take { spec, reason }) => {
                        let id = spec.id(&call.epoch.key);
                        let state = self.state()?;
                        let stored = StoredTakes { folder: self.folder, log: &state.log }.take(&id, &spec);
                        drop(state);
                        index += 1;
                        match stored {
                            Some(take) if index <= method.card().takes_max => {
                                call.pass(&take.spec);
                                takes.push(take);
                            }
                            _ => break Some((id, spec, reason)),
                        }
                    }
                    Ok(Next::Done { reason }) => {
                        index += 1;
                        self.decide(entry, index, None, reason)?;
                        break None;
                    }
                    Err(why) => {
                        index += 1;
                        self.decide(entry, index, None, why.reason)?;
                        break None;
                    }
                }
            };
            let Some((id, spec, reason)) = next else { return Ok(()) };
            if step > method.card().takes_max {
                let reason = "the method asks for more takes than its card allows".to_owned();
                return Err(RunError::Broken(reason).into());
            }
            self.decide(entry, index, Some(id.clone()), reason)?;
            let one = Coming { spec: &spec, id, at: call.at, replay: false };
            let prepared = self.prepare(call, &one)?;
            self.record_take(bench, call, &one, &prepared, None)?;
        }
        Ok(())
    }

    fn decide(
        &self,
        entry: &EntryId,
        step: u32,
        take: Option<TakeId>,
        reason: String,
    ) -> Result<(), RunError> {
        let known = self.state()?.log.decisions(entry).get(step as usize - 1).cloned();
        if known.is_some_and(|one| one.take == take) {
            return Ok(());
        }
        self.journal(&Event::Decided { entry: entry.clone(), step, take, reason })
    }

    /// Hands the entries whose takes are all recorded to the evaluation, adaptive ones excepted.
    fn send_complete(
        &self,
        epoch: &PlannedEpoch,
        schedule: &Schedule,
        sent: &mut BTreeSet<EntryId>,
    ) -> Result<(), RunError> {
        for entry in &epoch.entries {
            let uses = schedule.takes_of.get(entry).map_or(&[][..], Vec::as_slice);
            let complete = {
                let state = self.state()?;
                let done = !epoch.adaptive.contains(entry)
                    || state.log.decisions(entry).last().is_some_and(|d| d.take.is_none());
                done && uses.iter().all(|one| state.log.has(&one.id))
            };
            if complete {
                self.send(epoch, entry, uses, sent)?;
            }
        }
        Ok(())
    }

    fn send_all(
        &self,
        epoch: &PlannedEpoch,
        schedule: &Schedule,
        sent: &mut BTreeSet<EntryId>,
    ) -> Result<(), RunError> {
        for entry in &epoch.entries {
            let uses = schedule.takes_of.get(entry).map_or(&[][..], Vec::as_slice);
            self.send(epoch, entry, uses, sent)?;
        }
        Ok(())
    }

    fn send(
        &self,
        epoch: &PlannedEpoch,
        entry: &EntryId,
        uses: &[TakeUse],
        sent: &mut BTreeSet<EntryId>,
    ) -> Result<(), RunError> {
        if sent.insert(entry.clone()) {
            let ready = Ready { entry: entry.clone(), epoch: epoch.key.clone(), uses: uses.to_vec() };
            let gone = |_| RunError::Broken("the evaluation ended early".to_owned());
            self.ready.send(ready).map_err(gone)?;
        }
        Ok(())
    }

    /// Waits for the outcomes of the entries that find facts, and journals the facts.
    pub(super) fn find_facts<'p>(
        &self,
        stage: impl Iterator<Item = &'p PlannedEntry>,
    ) -> Result<(), RunError> {
        for planned in stage.filter(|one| !one.facts_found.is_empty()) {
            let judged = self.outcome_of(&planned.entry.id)?;
            for (key, measurand) in &planned.facts_found {
                let finding = judged.findings.iter().find(|(finding, _)| finding.measurand == *measurand);
                let value = finding.and_then(|(one, _)| FactValue::of(one));
                let known = self.facts()?.get(key).is_some();
                if let (Some(value), false) = (value, known) {
                    let entry = planned.entry.id.clone();
                    let (key, call) = (key.clone(), Some(self.bench.network.codec_mode()));
                    self.journal(&Event::FactFound { key, value, entry, call, record: None })?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn outcome_of(&self, id: &EntryId) -> Result<Judged, RunError> {
        let broken = || RunError::Broken("the evaluation ended early".to_owned());
        let (judged, added) = self.judged;
        let mut judged = judged.lock().map_err(|_| broken())?;
        loop {
            if let Some(one) = judged.get(id) {
                return Ok(one.clone());
            }
            let (next, timed_out) =
                added.wait_timeout(judged, std::time::Duration::from_mins(10)).map_err(|_| broken())?;
            judged = next;
            if timed_out.timed_out() {
                return Err(broken());
            }
        }
    }
}

/// Leaves what was not begun for the next session: an operator is asked first.
fn abandon(queue: &Mutex<VecDeque<&PlannedEpoch>>, reason: String) -> Result<Option<String>, RunError> {
    queue.lock().map_err(|_| RunError::panicked())?.clear();
    Ok(Some(reason))
}
