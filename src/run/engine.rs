//! The engine: what faces call. It finds the files, records, resumes, evaluates and opens runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bench::StopFlag;
use crate::context::BenchInfo;
use crate::entry::EntryId;
use crate::methods::METHODS;
use crate::plan::{
    self, BuiltIn, DeviceRecord, Folder, Input, Layered, Recorded, ResolveCx, ResolvedPlan, Sources,
};
use crate::problem::SourceText;
use crate::run::benches::{Audio, Benches};
use crate::run::device::{DEVICE, device_of};
use crate::run::log::RunLog;
use crate::run::manifest::{OVERLAY_PREFIX, PLAN, manifest_of, record_of};
use crate::run::monitor::Monitor;
use crate::run::recordings::{Recordings, recorded_noises};
use crate::run::render::SignalStore;
use crate::run::session::{self, Before, Session};
use crate::run::view::RunView;
use crate::run::{RunError, Update, attempts, clock, outcome, preflight};
use crate::signals::noise_record::source_name;
use crate::signals::{Catalogue, Library, WithImported};
use crate::store::evaluation::{self, EvaluationLine, EvaluationWriter};
use crate::store::folder::{Manifest, RunFolder, slug};
use crate::store::sources::Files;
use crate::store::storage::{Disk, Storage};

/// What records the takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BenchChoice {
    /// The virtual car that the plan names.
    #[default]
    PlanDefault,
    /// A virtual car: a file, or the name of a shipped one.
    Car(String),
    /// A live bench: a file, or the name of a rig.
    Rig(String),
}

impl BenchChoice {
    /// What a caller named: a live bench, or a virtual car, or neither.
    pub fn of(rig: Option<String>, car: Option<String>) -> Self {
        rig.map(Self::Rig).or(car.map(Self::Car)).unwrap_or_default()
    }
}

/// A run that is wished for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunRequest {
    /// A plan file, or the name of a shipped plan.
    pub plan: String,
    /// Overlay files, the last has the last word.
    pub overlays: Vec<String>,
    /// What records.
    pub bench: BenchChoice,
    /// The record of the device under test: a file, or a name.
    pub device: Option<String>,
    /// Ids of entries; empty: all.
    pub only: Vec<String>,
    /// The seed of everything random.
    pub seed: u64,
    /// Where the run's folder is made.
    pub runs: PathBuf,
    /// How often a take without a good certificate is recorded again; [`REPEATS`](super::REPEATS) unless told otherwise.
    pub repeats: Option<u32>,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// Its folder.
    pub path: PathBuf,
    /// The title of its plan, or what is wrong with the run.
    pub title: String,
    /// When it began.
    pub started_at: String,
    /// The bench file that recorded it, as it was named then; `None` of a virtual car.
    pub rig: Option<String>,
}

/// Finds the files, records, resumes, evaluates and opens runs.
#[derive(Clone)]
pub struct Engine {
    pub(super) storage: Arc<dyn Storage>,
    /// Data folders, searched after the folder of the plan and before what is built in.
    pub(super) data: Vec<PathBuf>,
    /// The audio system of live benches; the one that a bench file names unless the caller has one.
    pub(super) audio: Audio,
    /// What watches its runs.
    pub(super) monitor: Monitor,
}

/// A plan with the signals that it was resolved with.
pub struct Planned {
    /// The plan.
    pub plan: ResolvedPlan,
    /// The signals.
    pub signals: Library,
}

impl Engine {
    /// An engine on the disk, with the given data folders.
    pub fn new(data: Vec<PathBuf>) -> Self {
        Self::on(Arc::new(Disk), data)
    }

    /// An engine on another storage, as tests want it.
    pub fn on(storage: Arc<dyn Storage>, data: Vec<PathBuf>) -> Self {
        Self { storage, data, audio: None, monitor: Monitor::new() }
    }

    /// Where texts come from: beside the plan, data folders, built in.
    pub fn sources(&self, plan: Option<&Path>) -> Layered {
        let mut layers: Vec<Box<dyn Sources>> = Vec::new();
        if let Some(plan) = plan {
            layers.push(Box::new(Files::beside(Arc::clone(&self.storage), plan)));
        }
        for data in &self.data {
            layers.push(Box::new(Files::data(Arc::clone(&self.storage), data)));
        }
        layers.push(Box::new(BuiltIn));
        Layered(layers)
    }

    /// The text of a file given by its path, or by its name in a folder.
    pub(super) fn text(
        &self,
        sources: &dyn Sources,
        folder: Folder,
        given: &str,
    ) -> Result<SourceText, RunError> {
        let path = Path::new(given);
        if self.storage.exists(path) && !path.is_dir() {
            let bytes = self.storage.read(path).map_err(|error| RunError::Usage(error.to_string()))?;
            return Ok(SourceText::new(given, String::from_utf8_lossy(&bytes).into_owned()));
        }
        let name = given.strip_suffix(".toml").unwrap_or(given);
        sources.read(folder, name).ok_or_else(|| {
            let known = sources.names(folder);
            let words: Vec<&str> = known.iter().map(String::as_str).collect();
            let near = crate::document::nearest(name, &words);
            let near = near.map_or(String::new(), |near| format!("; did you mean '{near}'?"));
            RunError::Usage(format!(
                "there is no file '{given}' and nothing called that in {folder} (known: {}){near}",
                words.join(", ")
            ))
        })
    }

    /// The signals: the catalogue of the sources, with recordings imported into the data folders.
    ///
    /// # Errors
    /// Problems of the catalogue, or a recording that cannot be read.
    pub fn library(&self, sources: &dyn Sources) -> Result<Library, RunError> {
        let text = sources.read(Folder::Signals, "catalogue");
        let text = text.ok_or_else(|| RunError::Broken("the catalogue of signals is missing".to_owned()))?;
        let mut catalogue = Catalogue::parse(&text)?;
        let noises = recorded_noises(&*self.storage, &self.data)?;
        catalogue.add_noises(noises.iter().map(|one| one.record.signal()).collect());
        let noises = noises.into_iter().map(|one| (source_name(&one.record.file), one.path)).collect();
        let mut files = BTreeMap::new();
        for data in &self.data {
            let folder = data.join("signals").join("licensed");
            let storage_error = |error| RunError::Storage(crate::store::folder::FolderError::Storage(error));
            for name in self.storage.names(&folder).map_err(storage_error)? {
                let is_wav = Path::new(&name).extension().is_some_and(|one| one.eq_ignore_ascii_case("wav"));
                if is_wav && !files.contains_key(&name) {
                    let bytes = self.storage.read(&folder.join(&name)).map_err(storage_error)?;
                    files.insert(name, bytes);
                }
            }
        }
        let source =
            Recordings { imported: WithImported { files }, storage: Arc::clone(&self.storage), noises };
        Ok(Library::new(catalogue, Arc::new(source)))
    }

    /// Reads, merges and checks a plan with overlays.
    ///
    /// # Errors
    /// Every problem of every file.
    pub fn resolve(&self, plan: &str, overlays: &[String]) -> Result<Planned, RunError> {
        let path = Path::new(plan);
        let beside = self.storage.exists(path).then_some(path);
        let sources = self.sources(beside);
        let signals = self.library(&sources)?;
        let text = self.text(&sources, Folder::Plans, plan)?;
        let overlays: Vec<SourceText> = overlays
            .iter()
            .map(|overlay| self.text(&sources, Folder::Limits, overlay))
            .collect::<Result<_, _>>()?;
        let cx = ResolveCx { sources: &sources, methods: METHODS, signals: &signals };
        let mut plan = plan::resolve(&text, &overlays, &cx)?;
        if !plan.inputs.iter().any(|input| input.file == CATALOGUE)
            && let Some(text) = sources.read(Folder::Signals, "catalogue")
        {
            plan.inputs.push(Input { file: CATALOGUE.to_owned(), text });
        }
        Ok(Planned { plan, signals })
    }

    /// Checks a plan as far as it can be without a bench: every problem of its files, and whether its entries can be
    /// planned on its default car.
    ///
    /// # Errors
    /// Every problem.
    pub fn check(&self, plan: &str, overlays: &[String]) -> Result<ResolvedPlan, RunError> {
        self.check_on(plan, overlays, &BenchChoice::PlanDefault)
    }

    /// Checks a plan as [`Engine::check`] does, on a bench or another car; a live bench is read, not opened.
    ///
    /// # Errors
    /// Every problem.
    pub fn check_on(
        &self,
        plan: &str,
        overlays: &[String],
        choice: &BenchChoice,
    ) -> Result<ResolvedPlan, RunError> {
        Ok(self.checked(plan, overlays, choice)?.0)
    }

    /// A checked plan, with the bench that it was held against and the signals that were made for it.
    pub(super) fn checked(
        &self,
        plan: &str,
        overlays: &[String],
        choice: &BenchChoice,
    ) -> Result<(ResolvedPlan, Option<(BenchInfo, SignalStore)>), RunError> {
        let planned = self.resolve(plan, overlays)?;
        let Some(bench) = self.bench_info(plan, choice, &planned.plan)? else {
            return Ok((planned.plan, None));
        };
        let signals = SignalStore::new(planned.signals.clone());
        self.check_bandwidth(&planned.plan, &bench)?;
        preflight::preflight(&planned.plan, &bench, &signals)?;
        Ok((planned.plan, Some((bench, signals))))
    }

    /// The benches of a choice.
    pub(super) fn benches(
        &self,
        choice: &BenchChoice,
        plan: &ResolvedPlan,
        sources: Layered,
    ) -> Result<Benches, RunError> {
        match choice {
            BenchChoice::Car(car) => self.car_benches(&sources, car),
            BenchChoice::PlanDefault => match &plan.default_car {
                Some(car) => self.car_benches(&sources, car),
                None => {
                    Err(RunError::Usage("the plan names no car: say --car FILE or --bench FILE".to_owned()))
                }
            },
            BenchChoice::Rig(rig) => self.live_bench(sources, rig),
        }
    }

    /// Records a run and judges it. `listener` hears of every event.
    ///
    /// # Errors
    /// Bad input before anything is recorded; failures of storage or bench. A run that was stopped or that failed is no
    /// error.
    pub fn record(
        &self,
        request: &RunRequest,
        listener: &(dyn Fn(Update<'_>) + Sync),
        stop: &StopFlag,
    ) -> Result<RunView, RunError> {
        let Planned { mut plan, signals } = self.resolve(&request.plan, &request.overlays)?;
        let path = Path::new(&request.plan);
        let beside = self.storage.exists(path).then_some(path);
        let Benches { maker, inputs, references, program, outlet } =
            self.benches(&request.bench, &plan, self.sources(beside))?;
        attempts::check(request.repeats)?;
        plan.inputs.extend(inputs);
        if let Some(device) = &request.device {
            let text = self.text(&self.sources(beside), Folder::Devices, device)?;
            DeviceRecord::parse(&text)?;
            plan.inputs.push(Input { file: DEVICE.to_owned(), text });
        }
        session::selected(&plan, &request.only)?;
        let signals = SignalStore::new(signals);
        self.check_bandwidth(&plan, maker.info())?;
        preflight::preflight(&plan, maker.info(), &signals)?;
        let stem = Path::new(&request.plan).file_stem().map_or("run".into(), |stem| stem.to_string_lossy());
        let stem = format!("{}-{}", clock::folder_stamp(), slug(&stem));
        let folder = RunFolder::create(Arc::clone(&self.storage), &request.runs, &stem)?;
        let _lock = folder.lock()?;
        let manifest = Manifest { program, ..manifest_of(request, &plan, maker.info()) };
        let texts =
            plan.inputs.iter().map(|input| (input.file.clone(), input.text.text.to_string())).collect();
        folder.write_inputs(&manifest, &texts)?;
        let session = Session::new(folder, manifest, plan, signals, maker)?
            .beginning_with(&references)
            .watched_by(self.monitor.clone(), outlet);
        session.run(listener, stop, None)
    }

    /// Takes a run up again: records what is missing, judges everything. Where the run stopped to ask, what can be
    /// checked again is, and what cannot be stops it again.
    ///
    /// # Errors
    /// As [`Engine::record`].
    pub fn resume(
        &self,
        path: &Path,
        listener: &(dyn Fn(Update<'_>) + Sync),
        stop: &StopFlag,
    ) -> Result<RunView, RunError> {
        self.take_up(path, listener, stop, false)
    }

    /// Takes a run up again that stopped to ask, and accepts what it asked about.
    ///
    /// # Errors
    /// As [`Engine::record`]; the run has nothing that waits for an answer.
    pub fn resume_accepting(
        &self,
        path: &Path,
        listener: &(dyn Fn(Update<'_>) + Sync),
        stop: &StopFlag,
    ) -> Result<RunView, RunError> {
        self.take_up(path, listener, stop, true)
    }

    fn take_up(
        &self,
        path: &Path,
        listener: &(dyn Fn(Update<'_>) + Sync),
        stop: &StopFlag,
        accept: bool,
    ) -> Result<RunView, RunError> {
        let folder = RunFolder::open(Arc::clone(&self.storage), path)?;
        let _lock = folder.lock()?;
        let stored = self.stored(&folder)?;
        let Benches { maker, outlet, .. } = self.stored_benches(&stored.manifest, &stored.sources)?;
        let signals = SignalStore::new(stored.planned.signals);
        self.check_bandwidth(&stored.planned.plan, maker.info())?;
        preflight::preflight(&stored.planned.plan, maker.info(), &signals)?;
        let log = RunLog::of(&folder.read_journal()?).map_err(|error| RunError::Broken(error.to_string()))?;
        let open: Vec<EntryId> = log.open_holds().map(|hold| hold.entry.clone()).collect();
        if accept && open.is_empty() {
            return Err(RunError::Usage(
                "the run has not stopped to ask: there is nothing to accept; resume it as it is".to_owned(),
            ));
        }
        let before = Before { log, accepted: if accept { open } else { Vec::new() } };
        let session = Session::new(folder, stored.manifest, stored.planned.plan, signals, maker)?
            .watched_by(self.monitor.clone(), outlet);
        session.run(listener, stop, Some(before))
    }

    /// Reads the inputs of a stored run and resolves its plan again.
    fn stored(&self, folder: &RunFolder) -> Result<StoredRun, RunError> {
        let manifest = folder.manifest()?;
        let mut inputs = Vec::new();
        for input in &manifest.inputs {
            let text = SourceText::new(input.name.clone(), folder.input(input)?);
            inputs.push(Input { file: input.file.clone(), text });
        }
        let sources = Recorded(inputs);
        let find = |file: &str| {
            let input = sources.0.iter().find(|input| input.file == file).map(|input| input.text.clone());
            input.ok_or_else(|| RunError::Broken(format!("the run's copy of {file} is missing")))
        };
        let signals = self.library(&Layered(vec![Box::new(sources.clone()), Box::new(BuiltIn)]))?;
        let overlays: Vec<SourceText> =
            manifest.overlays.iter().map(|file| find(file)).collect::<Result<_, _>>()?;
        let cx = ResolveCx { sources: &sources, methods: METHODS, signals: &signals };
        let plan = plan::resolve(&find(&manifest.plan)?, &overlays, &cx)?;
        Ok(StoredRun { manifest, sources, planned: Planned { plan, signals } })
    }

    /// Judges the stored captures again, with another plan or with overlays where they are given. Nothing is recorded.
    ///
    /// # Errors
    /// Bad input, or a run that cannot be read.
    pub fn evaluate(
        &self,
        path: &Path,
        plan: Option<&str>,
        overlays: &[String],
    ) -> Result<RunView, RunError> {
        let folder = RunFolder::open(Arc::clone(&self.storage), path)?;
        let _lock = folder.lock()?;
        let stored = self.stored(&folder)?;
        let (planned, inputs, plan_file, overlay_files) = match (plan, overlays.is_empty()) {
            (None, true) => (stored.planned, Vec::new(), None, Vec::new()),
            _ => self.judging(&folder, &stored, plan, overlays)?,
        };
        let log = RunLog::of(&folder.read_journal()?).map_err(|error| RunError::Broken(error.to_string()))?;
        let number = folder.evaluations()?.last().map_or(1, |last| last + 1);
        for input in &inputs {
            let file = folder.evaluation(number).join("inputs").join(&input.file);
            if let Some(parent) = file.parent() {
                self.storage.ensure_folder(parent).map_err(crate::store::folder::FolderError::from)?;
            }
            self.storage
                .replace(&file, input.text.text.as_bytes())
                .map_err(crate::store::folder::FolderError::from)?;
        }
        let started = EvaluationLine::Started {
            at: clock::now(),
            software: crate::SOFTWARE.to_owned(),
            plan: plan_file,
            overlays: overlay_files,
            inputs: inputs.iter().map(record_of).collect(),
        };
        let mut writer = EvaluationWriter::create(&folder, number, &started)?;
        let bench: BenchInfo = stored.manifest.bench.clone().try_into().map_err(broken)?;
        let material =
            outcome::Material { bench: &bench, signals: &planned.signals, folder: &folder, log: &log };
        let run = session::selected(&planned.plan, &stored.manifest.only)?;
        let outcomes = session::evaluate_all(&planned.plan, &run, &material);
        let (mut judged, mut warnings) = (BTreeMap::new(), Vec::new());
        for outcome in outcomes {
            for warning in &outcome.warnings {
                writer.warned(warning)?;
            }
            warnings.extend(outcome.warnings);
            let one = writer.judged(outcome.judged)?;
            judged.insert(one.entry.clone(), one);
        }
        writer.finish()?;
        let device = device_of(&stored.sources, &bench, stored.manifest.program.as_ref())?;
        let parts = session::Parts {
            folder: &folder,
            manifest: &stored.manifest,
            plan: &planned.plan,
            bench: &bench,
            device: &device,
            run: &run,
        };
        Ok(session::view(&parts, &log, &judged, &warnings, number, false))
    }

    /// The plan that judges a stored run: another one, or the run's own with other overlays.
    #[expect(
        clippy::type_complexity,
        reason = "plan, its inputs, and the names of plan and overlays among them"
    )]
    fn judging(
        &self,
        folder: &RunFolder,
        stored: &StoredRun,
        plan: Option<&str>,
        overlays: &[String],
    ) -> Result<(Planned, Vec<Input>, Option<String>, Vec<String>), RunError> {
        let planned = if let Some(plan) = plan {
            self.resolve(plan, overlays)?
        } else {
            let file = folder.path.join("inputs").join(&stored.manifest.plan);
            let mut all: Vec<String> = stored
                .manifest
                .overlays
                .iter()
                .map(|one| folder.path.join("inputs").join(one).display().to_string())
                .collect();
            all.extend(overlays.iter().cloned());
            self.resolve(&file.display().to_string(), &all)?
        };
        let inputs = planned.plan.inputs.clone();
        let overlay_files: Vec<String> = inputs
            .iter()
            .map(|input| input.file.clone())
            .filter(|file| file.starts_with(OVERLAY_PREFIX))
            .collect();
        Ok((planned, inputs, Some(PLAN.to_owned()), overlay_files))
    }

    /// Opens a stored run with its last evaluation.
    ///
    /// # Errors
    /// The folder is no run, or a file of it is damaged.
    pub fn open(&self, path: &Path) -> Result<RunView, RunError> {
        let folder = RunFolder::open(Arc::clone(&self.storage), path)?;
        let stored = self.stored(&folder)?;
        let log = RunLog::of(&folder.read_journal()?).map_err(|error| RunError::Broken(error.to_string()))?;
        let number = folder.evaluations()?.last().copied().unwrap_or(0);
        let evaluation =
            if number == 0 { evaluation::Stored::default() } else { evaluation::read(&folder, number)? };
        let plan = match &evaluation.plan {
            None => stored.planned.plan,
            Some(_) => self.evaluated_plan(&folder, number, &evaluation)?,
        };
        let judged: BTreeMap<EntryId, _> =
            evaluation.judged.into_iter().map(|one| (one.entry.clone(), one)).collect();
        let bench: BenchInfo = stored.manifest.bench.clone().try_into().map_err(broken)?;
        let device = device_of(&stored.sources, &bench, stored.manifest.program.as_ref())?;
        let run = session::selected(&plan, &stored.manifest.only)?;
        let busy = folder.is_busy();
        let parts = session::Parts {
            folder: &folder,
            manifest: &stored.manifest,
            plan: &plan,
            bench: &bench,
            device: &device,
            run: &run,
        };
        Ok(session::view(&parts, &log, &judged, &evaluation.warnings, number, busy))
    }

    /// The plan of an evaluation that was not made with the run's own.
    fn evaluated_plan(
        &self,
        folder: &RunFolder,
        number: u32,
        evaluation: &evaluation::Stored,
    ) -> Result<ResolvedPlan, RunError> {
        let mut inputs = Vec::new();
        for input in &evaluation.inputs {
            let path = folder.evaluation(number).join("inputs").join(&input.file);
            let bytes = self.storage.read(&path).map_err(crate::store::folder::FolderError::from)?;
            let text = SourceText::new(input.name.clone(), String::from_utf8_lossy(&bytes).into_owned());
            inputs.push(Input { file: input.file.clone(), text });
        }
        let sources = Recorded(inputs);
        let find = |file: &str| {
            let input = sources.0.iter().find(|input| input.file == file).map(|input| input.text.clone());
            input.ok_or_else(|| RunError::Broken(format!("the evaluation's copy of {file} is missing")))
        };
        let signals = self.library(&Layered(vec![Box::new(sources.clone()), Box::new(BuiltIn)]))?;
        let overlays: Vec<SourceText> =
            evaluation.overlays.iter().map(|file| find(file)).collect::<Result<_, _>>()?;
        let cx = ResolveCx { sources: &sources, methods: METHODS, signals: &signals };
        Ok(plan::resolve(&find(PLAN)?, &overlays, &cx)?)
    }

    /// The runs in a folder, the newest first.
    ///
    /// # Errors
    /// The folder cannot be listed; an absent one is empty.
    pub fn list(&self, runs: &Path) -> Result<Vec<RunSummary>, RunError> {
        let names = self.storage.names(runs).map_err(crate::store::folder::FolderError::from)?;
        let mut summaries = Vec::new();
        for name in names.into_iter().rev() {
            let path = runs.join(name);
            let Ok(folder) = RunFolder::open(Arc::clone(&self.storage), &path) else { continue };
            let (title, started_at, rig) = match (folder.manifest(), folder.read_journal()) {
                (Ok(manifest), Ok(lines)) => {
                    let title = lines.first().and_then(|line| match &line.event {
                        crate::store::wire::WireEvent::RunStarted { plan, .. } => Some(plan.clone()),
                        _ => None,
                    });
                    let rig = manifest.rig.as_deref().and_then(|rig| {
                        manifest.inputs.iter().find(|input| input.file == rig).map(|input| input.name.clone())
                    });
                    (title.unwrap_or(manifest.plan), manifest.started_at, rig)
                }
                (Err(error), _) | (_, Err(error)) => (error.to_string(), String::new(), None),
            };
            summaries.push(RunSummary { path, title, started_at, rig });
        }
        Ok(summaries)
    }
}

/// A stored run, read and resolved again.
struct StoredRun {
    manifest: Manifest,
    sources: Recorded,
    planned: Planned,
}

const CATALOGUE: &str = "signals/catalogue.toml";

fn broken(error: impl std::fmt::Display) -> RunError {
    RunError::Broken(error.to_string())
}

/// The ids of entries as a set, for selections.
pub(super) fn set_of(ids: &[EntryId]) -> BTreeSet<EntryId> {
    ids.iter().cloned().collect()
}
