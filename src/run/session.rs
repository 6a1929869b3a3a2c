//! One session of a run: recording beside evaluation, then the rest, then the view.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use crate::bench::{BenchMaker, StopFlag, TelemetrySender};
use crate::calibration::ledger::network::NetworkRecord;
use crate::context::{BenchInfo, PlanCx};
use crate::entry::EntryId;
use crate::event::{Event, Telemetry};
use crate::methods::{METHODS, Method, reference_run};
use crate::plan::{self, Input, PlannedEntry, Recorded, ResolvedPlan};
use crate::run::acquire::{Acquisition, Ready, State};
use crate::run::attempts::REPEATS;
use crate::run::cores::on_all_cores;
use crate::run::device::device_of;
use crate::run::engine::set_of;
use crate::run::log::{Attempt, RunLog};
use crate::run::monitor::{Monitor, Outlet};
use crate::run::outcome::{self, Material, Outcome};
use crate::run::progress::Progress;
use crate::run::references::{self, Beginning};
use crate::run::render::SignalStore;
use crate::run::view::{Device, EntryView, FindingView, RecordingView, RunState, RunView};
use crate::run::{RunError, Update, clock};
use crate::store::evaluation::{EvaluationLine, EvaluationWriter, Judged};
use crate::store::folder::{Manifest, RunFolder};
use crate::take::TakeId;
use crate::verdict::Verdict;

/// Entries that may wait for their evaluation before recording waits for it.
const READY_MAX: usize = 64;
/// Telemetry messages that may wait for a face before they are dropped.
const TELEMETRY_MAX: usize = 256;

/// A run that is being recorded.
pub(super) struct Session {
    folder: RunFolder,
    manifest: Manifest,
    plan: ResolvedPlan,
    signals: SignalStore,
    maker: Box<dyn BenchMaker>,
    bench: BenchInfo,
    device: Device,
    run: BTreeSet<EntryId>,
    judged: (Mutex<BTreeMap<EntryId, Judged>>, Condvar),
    warnings: Mutex<Vec<String>>,
    beginning: Beginning,
    /// What watches it, and where its ports may be listened to.
    monitor: (Monitor, Outlet),
}

/// What earlier sessions of a run left.
pub(super) struct Before {
    pub log: RunLog,
    /// Entries whose objections the operator accepts.
    pub accepted: Vec<EntryId>,
}

/// What a view is made of beside log and outcomes.
pub(super) struct Parts<'a> {
    pub folder: &'a RunFolder,
    pub manifest: &'a Manifest,
    pub plan: &'a ResolvedPlan,
    pub bench: &'a BenchInfo,
    pub device: &'a Device,
    pub run: &'a BTreeSet<EntryId>,
}

/// The entries that a selection runs, those that it needs included.
pub(super) fn selected(plan: &ResolvedPlan, only: &[String]) -> Result<BTreeSet<EntryId>, RunError> {
    let selection = plan::select(plan, only).map_err(|unknown| {
        RunError::Usage(unknown.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })?;
    let mut run = set_of(&selection.run);
    run.extend(selection.pulled_in);
    Ok(run)
}

/// Hands telemetry on to the faces until all is `done`.
fn forward(
    heard: &Receiver<Telemetry>,
    done: &AtomicBool,
    progress: &Progress,
    listener: &(dyn Fn(Update<'_>) + Sync),
) {
    while !done.load(Ordering::SeqCst) {
        let Ok(one) = heard.recv_timeout(std::time::Duration::from_millis(50)) else { continue };
        listener(Update::Telemetry(&one));
        // Every message about a take moves the run by as much.
        if let Telemetry::TakeProgress { take, done, .. } = &one {
            progress.heard(take, *done);
            listener(Update::Telemetry(&progress.telemetry()));
        }
    }
}

impl Session {
    pub(super) fn new(
        folder: RunFolder,
        manifest: Manifest,
        plan: ResolvedPlan,
        signals: SignalStore,
        maker: Box<dyn BenchMaker>,
    ) -> Result<Self, RunError> {
        let run = selected(&plan, &manifest.only)?;
        let bench = maker.info().clone();
        let inputs: Vec<Input> = match &manifest.device {
            None => Vec::new(),
            Some(_) => read_inputs(&folder, &manifest)?,
        };
        let device = device_of(&Recorded(inputs), &bench, manifest.program.as_ref())?;
        let judged = (Mutex::default(), Condvar::new());
        let (warnings, beginning) = (Mutex::default(), Beginning::default());
        let monitor = Default::default();
        Ok(Self {
            folder,
            manifest,
            plan,
            signals,
            maker,
            bench,
            device,
            run,
            judged,
            warnings,
            beginning,
            monitor,
        })
    }

    /// Lets a monitor watch it.
    pub(super) fn watched_by(self, monitor: Monitor, outlet: Outlet) -> Self {
        Self { monitor: (monitor, outlet), ..self }
    }

    /// Lets a run that makes no reference run of its own begin with what earlier ones found.
    pub(super) fn beginning_with(self, references: &[NetworkRecord]) -> Self {
        let is_own = |id: &EntryId| {
            self.plan.entry(id).is_some_and(|one| one.entry.method == reference_run::ReferenceRun.card().id)
        };
        if self.run.iter().any(is_own) {
            return self;
        }
        let beginning = references::beginning(references, &self.bench, self.plan.bandwidth, clock::today());
        Self { warnings: Mutex::new(beginning.warnings.clone()), beginning, ..self }
    }

    /// Records what is missing and judges everything. `before` is the log of earlier sessions.
    pub(super) fn run(
        &self,
        listener: &(dyn Fn(Update<'_>) + Sync),
        stop: &StopFlag,
        before: Option<Before>,
    ) -> Result<RunView, RunError> {
        let began = Instant::now();
        let (journal, _) = self.folder.journal()?;
        let resumed = before.is_some();
        let accepted = before.as_ref().map(|one| one.accepted.clone()).unwrap_or_default();
        let log = before.map(|one| one.log).unwrap_or_default();
        let wall_before = log.wall_s();
        let number = self.folder.evaluations()?.last().map_or(1, |last| last + 1);
        let started = EvaluationLine::Started {
            at: clock::now(),
            software: crate::SOFTWARE.to_owned(),
            plan: None,
            overlays: Vec::new(),
            inputs: Vec::new(),
        };
        let writer = Mutex::new(self.begun(EvaluationWriter::create(&self.folder, number, &started)?)?);
        let (ready, complete) = sync_channel(READY_MAX);
        let (telemetry, heard) = sync_channel(TELEMETRY_MAX);
        let (monitor, outlet) = &self.monitor;
        let (sounds, sound) = monitor.sounds();
        let sender = TelemetrySender::new(telemetry).with_sounds(sounds);
        let state = Mutex::new(State { journal, log });
        let progress = Progress::default();
        let (checked, repeated, beds) = (Mutex::default(), Mutex::default(), Mutex::default());
        let acquisition = Acquisition {
            folder: &self.folder,
            plan: &self.plan,
            run: &self.run,
            maker: &*self.maker,
            bench: &self.bench,
            signals: &self.signals,
            seed: self.manifest.seed,
            stop,
            telemetry: &sender,
            progress: &progress,
            listener: &|event| listener(Update::Event(event)),
            state: &state,
            ready,
            resumed,
            checked: &checked,
            repeats: self.manifest.repeats.unwrap_or(REPEATS),
            repeated: &repeated,
            beds: &beds,
            judged: &self.judged,
        };
        acquisition.journal(&self.first_event(resumed))?;
        for fact in self.beginning.facts.iter().filter(|_| !resumed) {
            acquisition.journal(fact)?;
        }
        for entry in accepted {
            acquisition.journal(&Event::HoldAccepted { entry })?;
        }
        let done = AtomicBool::new(false);
        let (stopped, evaluated) = std::thread::scope(|scope| {
            let (done, progress) = (&done, &progress);
            scope.spawn(move || forward(&heard, done, progress, listener));
            scope.spawn(move || monitor.work(&sound, &self.bench, outlet, done, listener));
            let (state, writer) = (&state, &writer);
            let evaluator =
                scope.spawn(move || self.evaluate_as_they_come(complete, state, writer, number, listener));
            let stopped = acquisition.record();
            // The evaluation ends when nothing more can become ready.
            drop(acquisition);
            let evaluated = evaluator
                .join()
                .unwrap_or_else(|_| Err(RunError::Broken("the evaluation panicked".to_owned())));
            done.store(true, Ordering::SeqCst);
            (stopped, evaluated)
        });
        evaluated?;
        let mut state = state.into_inner().map_err(|_| RunError::panicked())?;
        let stopped = stopped?;
        let last = stopped.map_or(Event::RunFinished, |reason| Event::RunStopped { reason });
        // Outcomes of entries that were not reached depend on why the run ended: fold the end first.
        state.log.apply(&clock::now(), &last);
        let mut writer =
            writer.into_inner().map_err(|_| RunError::Broken("the evaluation panicked".to_owned()))?;
        self.evaluate_rest(&state.log, &mut writer)?;
        writer.finish()?;
        let line = crate::store::wire::Line { at: clock::now(), event: (&last).into() };
        state.journal.append(&line).map_err(crate::store::folder::FolderError::from)?;
        listener(Update::Event(&last));
        let mut view = self.view(&state.log, number, false)?;
        view.wall_s = wall_before + began.elapsed().as_secs_f64();
        listener(Update::View(Arc::new(view.clone())));
        Ok(view)
    }

    /// An evaluation that has told what the records of the bench lack.
    fn begun(&self, mut writer: EvaluationWriter) -> Result<EvaluationWriter, RunError> {
        for warning in &self.beginning.warnings {
            writer.warned(warning)?;
        }
        Ok(writer)
    }

    fn first_event(&self, resumed: bool) -> Event {
        if resumed {
            return Event::RunResumed { software: crate::SOFTWARE.to_owned() };
        }
        let ids = self.plan.entries.iter().map(|one| one.entry.id.clone());
        Event::RunStarted {
            plan: self.plan.title.clone(),
            bench: self.bench.name.clone(),
            seed: self.manifest.seed,
            software: crate::SOFTWARE.to_owned(),
            entries: ids.filter(|id| self.run.contains(id)).collect(),
        }
    }

    fn evaluate_as_they_come(
        &self,
        complete: Receiver<Ready>,
        state: &Mutex<State>,
        writer: &Mutex<EvaluationWriter>,
        number: u32,
        listener: &(dyn Fn(Update<'_>) + Sync),
    ) -> Result<(), RunError> {
        for ready in complete {
            let log = state.lock().map_err(|_| RunError::panicked())?.log.clone();
            let planned = self.plan.entry(&ready.entry);
            let method = planned.and_then(|one| crate::methods::method(&one.entry.method));
            let (Some(planned), Some(method)) = (planned, method) else { continue };
            let material = self.material(&log);
            let outcome = outcome::evaluate(planned, method, &ready.epoch, &ready.uses, &material);
            let mut writer = writer.lock().map_err(|_| RunError::panicked())?;
            self.keep(outcome, &mut writer)?;
            drop(writer);
            listener(Update::View(Arc::new(self.view(&log, number, true)?)));
        }
        Ok(())
    }

    fn keep(&self, outcome: Outcome, writer: &mut EvaluationWriter) -> Result<(), RunError> {
        let broken = |_| RunError::Broken("the evaluation panicked".to_owned());
        for warning in &outcome.warnings {
            writer.warned(warning)?;
        }
        self.warnings
            .lock()
            .map_err(|_| RunError::Broken("the evaluation panicked".to_owned()))?
            .extend(outcome.warnings);
        let judged = writer.judged(outcome.judged)?;
        self.judged.0.lock().map_err(broken)?.insert(judged.entry.clone(), judged);
        self.judged.1.notify_all();
        Ok(())
    }

    fn evaluate_rest(&self, log: &RunLog, writer: &mut EvaluationWriter) -> Result<(), RunError> {
        let known: BTreeSet<EntryId> = {
            let judged =
                self.judged.0.lock().map_err(|_| RunError::Broken("the evaluation panicked".to_owned()))?;
            judged.keys().cloned().collect()
        };
        let rest: BTreeSet<EntryId> = self.run.difference(&known).cloned().collect();
        for outcome in evaluate_all(&self.plan, &rest, &self.material(log)) {
            self.keep(outcome, writer)?;
        }
        Ok(())
    }

    fn material<'a>(&'a self, log: &'a RunLog) -> Material<'a> {
        Material { bench: &self.bench, signals: self.signals.library(), folder: &self.folder, log }
    }

    fn view(&self, log: &RunLog, number: u32, running: bool) -> Result<RunView, RunError> {
        let broken = || RunError::Broken("the evaluation panicked".to_owned());
        let judged = self.judged.0.lock().map_err(|_| broken())?;
        let warnings = self.warnings.lock().map_err(|_| broken())?;
        let parts = Parts {
            folder: &self.folder,
            manifest: &self.manifest,
            plan: &self.plan,
            bench: &self.bench,
            device: &self.device,
            run: &self.run,
        };
        Ok(view(&parts, log, &judged, &warnings, number, running))
    }
}

fn read_inputs(folder: &RunFolder, manifest: &Manifest) -> Result<Vec<Input>, RunError> {
    let mut inputs = Vec::new();
    for input in &manifest.inputs {
        let text = crate::problem::SourceText::new(input.name.clone(), folder.input(input)?);
        inputs.push(Input { file: input.file.clone(), text });
    }
    Ok(inputs)
}

/// Evaluates the entries `run` of a plan from what is stored, in the order of the plan, on all cores.
pub(super) fn evaluate_all(
    plan: &ResolvedPlan,
    run: &BTreeSet<EntryId>,
    material: &Material<'_>,
) -> Vec<Outcome> {
    let entries: Vec<&PlannedEntry> = plan.entries.iter().filter(|one| run.contains(&one.entry.id)).collect();
    let stage = plan::ready_at_last(&entries, &material.log.facts);
    let cx = PlanCx { bench: material.bench, facts: &material.log.facts, signals: material.signals };
    let schedule = plan::schedule(&stage.ready, METHODS, &cx);
    let outcome = |planned: &PlannedEntry| {
        let id = &planned.entry.id;
        let plain = |verdict, reason: &str| Outcome {
            judged: outcome::without_takes(planned, verdict, reason),
            warnings: Vec::new(),
        };
        if let Some((_, lacking)) = stage.waiting.iter().find(|(one, _)| one.entry.id == *id) {
            let reason = format!("it needs {}, which no entry found", lacking.join(", "));
            return plain(Verdict::NotRun, &reason);
        }
        if let Some(refused) = schedule.refused.iter().find(|one| one.entry == *id) {
            let reasons: Vec<String> = refused.problems.iter().map(ToString::to_string).collect();
            return plain(Verdict::NotRun, &reasons.join("; "));
        }
        let method = crate::methods::method(&planned.entry.method);
        match (method, schedule.epoch_of.get(id)) {
            (Some(method), Some(epoch)) => {
                let uses = schedule.takes_of.get(id).map_or(&[][..], Vec::as_slice);
                outcome::evaluate(planned, method, epoch, uses, material)
            }
            _ => plain(Verdict::NotRun, "it was not planned"),
        }
    };
    on_all_cores(&entries, |planned| outcome(planned))
}

/// The view of a run: the fold of its journal and of an evaluation.
pub(super) fn view(
    parts: &Parts<'_>,
    log: &RunLog,
    judged: &BTreeMap<EntryId, Judged>,
    warnings: &[String],
    number: u32,
    running: bool,
) -> RunView {
    let (shown, left_out): (Vec<&PlannedEntry>, Vec<&PlannedEntry>) =
        parts.plan.entries.iter().partition(|one| parts.run.contains(&one.entry.id));
    let state = match (running, log.finished) {
        (true, _) => RunState::Running,
        (false, true) => RunState::Finished,
        (false, false) => RunState::Incomplete,
    };
    RunView {
        path: parts.folder.path.clone(),
        state,
        started_at: parts.manifest.started_at.clone(),
        plan_title: parts.plan.title.clone(),
        recommendation: parts.plan.recommendation.clone(),
        edition: parts.plan.edition.clone(),
        bandwidth: parts.plan.bandwidth,
        device: parts.device.clone(),
        bench: parts.bench.clone(),
        seed: parts.manifest.seed,
        software: parts.manifest.software.clone(),
        inputs: inputs_of(parts.manifest),
        facts: log.facts.clone(),
        evaluation: number,
        warnings: warnings.iter().cloned().chain(log.holds().iter().map(outcome::hold_warning)).collect(),
        entries: shown.iter().map(|planned| entry_view(planned, judged.get(&planned.entry.id))).collect(),
        left_out: left_out.iter().map(|planned| planned.entry.id.clone()).collect(),
        recordings: recordings_of(log),
        audio_s: log.audio_s,
        wall_s: log.wall_s(),
    }
}

/// Every attempt of the log.
fn recordings_of(log: &RunLog) -> Vec<RecordingView> {
    let each = log.history().flat_map(|(take, attempts)| attempts.iter().map(move |one| (take, one)));
    let view = |(take, one): (&TakeId, &Attempt)| RecordingView {
        take: take.clone(),
        attempt: one.number,
        replay: one.replay,
        grade: one.certificate.as_ref().map(|certificate| certificate.grade),
        is_drift_corrected: one.certificate.as_ref().is_some_and(|one| one.resampled_ppm().is_some()),
        note: one.certificate.as_ref().map_or_else(|| one.reason.clone(), |one| one.note.clone()),
    };
    each.map(view).collect()
}

/// The texts of a run and the files of its program under test, each with its SHA-256.
fn inputs_of(manifest: &Manifest) -> Vec<(String, String)> {
    let texts = manifest.inputs.iter().map(|one| (one.file.clone(), one.sha256.clone()));
    let program = manifest.program.iter().flat_map(|one| &one.files);
    texts.chain(program.map(|one| (format!("program: {}", one.file), one.sha256.clone()))).collect()
}

fn entry_view(planned: &PlannedEntry, judged: Option<&Judged>) -> EntryView {
    let judged = judged
        .cloned()
        .unwrap_or_else(|| outcome::without_takes(planned, Verdict::NotRun, "not evaluated yet"));
    let findings = judged.findings.into_iter().map(|(finding, curve)| FindingView { finding, curve });
    EntryView {
        entry: planned.entry.clone(),
        required: !planned.informative,
        verdict: judged.verdict,
        flags: judged.flags,
        margin: judged.margin,
        reason: judged.reason,
        findings: findings.collect(),
        judgements: judged.judgements,
        limits: planned.limits.clone(),
        takes: judged.takes,
        scenes: judged.scenes,
    }
}
