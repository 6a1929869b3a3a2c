//! From the choice of a user to what makes benches: cars and live benches, from their files or from a run's copies.

use std::path::Path;
use std::sync::Arc;

use time::Date;

use super::engine::{BenchChoice, Engine};
use super::monitor::Outlet;
use super::{RunError, program, references};
use crate::bench::BenchMaker;
use crate::bench::car::rig::CarBenchMaker;
use crate::bench::live::Interface;
use crate::bench::live::file::{BenchFile, read_bench};
use crate::calibration::ledger::network::NetworkRecord;
use crate::context::{BenchInfo, PortInfo};
use crate::plan::{Folder, Input, Layered, Recorded, ResolvedPlan, Sources};
use crate::problem::SourceText;
use crate::run::clock;
use crate::store::folder::{Manifest, ProgramRecord};
use crate::store::sources::Files;
use crate::store::storage::Storage;

/// The copy of the car file in a run.
pub(super) const CAR: &str = "car.toml";
/// The copy of the bench file in a run.
pub(super) const RIG: &str = "rig.toml";

/// An audio system of the caller's, in place of the one that a bench file names.
#[cfg(feature = "audio")]
pub(super) type Audio = Option<Arc<crate::bench::live::audio::AudioSystem>>;
/// Without audio there is none.
#[cfg(not(feature = "audio"))]
pub(super) type Audio = Option<std::convert::Infallible>;

/// What makes benches, with the texts that it was made from.
pub(super) struct Benches {
    pub maker: Box<dyn BenchMaker>,
    pub inputs: Vec<Input>,
    /// What reference runs found of its network, by codec and mode.
    pub references: Vec<NetworkRecord>,
    /// The program under test, where the terminal of the car is one.
    pub program: Option<ProgramRecord>,
    /// Where its ports may be listened to.
    pub outlet: Outlet,
}

impl Benches {
    /// Virtual cars of one file, with the records of the ledger that it names. `before`: the program under test as it was.
    fn of_car(
        text: SourceText,
        ledger: &dyn Sources,
        storage: &dyn Storage,
        before: Option<&ProgramRecord>,
    ) -> Result<Self, RunError> {
        let mut spec = crate::bench::car::file::read_car(&text)?;
        let program = program::found(&mut spec, &text, storage, before)?;
        let (references, records) = references::records(&spec.network.references, ledger)?;
        let mut inputs = vec![Input { file: CAR.to_owned(), text }];
        inputs.extend(records);
        Ok(Self {
            maker: Box::new(CarBenchMaker::new(spec)),
            inputs,
            references,
            program,
            outlet: Outlet::default(),
        })
    }

    /// The live bench of a file, with the records of the ledger as they hold on a day.
    #[cfg_attr(
        not(feature = "audio"),
        expect(
            clippy::trivially_copy_pass_by_ref,
            reason = "nothing without audio, a shared system with it"
        )
    )]
    fn of_rig(text: SourceText, ledger: &dyn Sources, on: Date, audio: &Audio) -> Result<Self, RunError> {
        let file = read_bench(&text, ledger, on)?;
        let mut inputs = vec![Input { file: RIG.to_owned(), text }];
        inputs.extend(file.ledger.iter().cloned());
        let references = file.references.clone();
        #[cfg(feature = "audio")]
        let outlet = Outlet::beside(&file.spec, audio.clone());
        #[cfg(not(feature = "audio"))]
        let outlet = Outlet::default();
        Ok(Self { maker: live(file, audio)?, inputs, references, program: None, outlet })
    }
}

fn same_validity(then: &BenchInfo, now: &BenchInfo) -> Result<(), RunError> {
    let records = |info: &PortInfo| {
        let full_scale = Some((info.calibration.record.clone(), info.calibration.validity));
        [full_scale, info.ear.as_ref().map(|ear| (ear.record.clone(), ear.validity))]
    };
    for (port, before) in &then.ports {
        let Some(after) = now.ports.get(port) else { continue };
        let pairs = records(before).into_iter().zip(records(after));
        for ((record, before), (_, after)) in pairs.filter_map(|(before, after)| before.zip(after)) {
            if before != after {
                return Err(RunError::Usage(format!(
                    "the calibration '{record}' of port {port} was {before} when the run began and is {after} today: \
                     record what is missing in a new run; what this one holds can be judged as it is"
                )));
            }
        }
    }
    Ok(())
}

#[cfg(feature = "audio")]
fn live(file: BenchFile, audio: &Audio) -> Result<Box<dyn BenchMaker>, RunError> {
    use crate::bench::live::take::LiveBenchMaker;
    let maker = match audio {
        Some(system) => Ok(LiveBenchMaker::on(file, Arc::clone(system))),
        None => LiveBenchMaker::new(file),
    };
    Ok(Box::new(maker.map_err(|error| RunError::Bench(error.to_string()))?))
}

#[cfg(not(feature = "audio"))]
#[expect(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    reason = "as with live audio, which keeps the file and shares its system"
)]
fn live(file: BenchFile, _: &Audio) -> Result<Box<dyn BenchMaker>, RunError> {
    Err(RunError::Usage(format!(
        "the bench '{}' is live, and this program was built without audio interfaces: build it with \
         `cargo build --release --features audio`, or use --car",
        file.info.name
    )))
}

impl Engine {
    /// The same engine with an audio system for live benches, whatever host their files name: interfaces inside a program.
    #[cfg(feature = "audio")]
    #[must_use]
    pub fn with_audio(self, system: Arc<crate::bench::live::audio::AudioSystem>) -> Self {
        Self { audio: Some(system), ..self }
    }

    /// The benches of a stored run, from its own copies.
    ///
    /// # Errors
    /// Also when a calibration does not hold any more, or holds again, or when the program under test is another one: the
    /// takes of one run are judged as one.
    pub(super) fn stored_benches(
        &self,
        manifest: &Manifest,
        sources: &Recorded,
    ) -> Result<Benches, RunError> {
        let find = |file: &str| sources.0.iter().find(|input| input.file == file).map(|one| one.text.clone());
        if let Some(text) = manifest.rig.as_deref().and_then(find) {
            let benches = Benches::of_rig(text, sources, clock::today(), &self.audio)?;
            let then: BenchInfo =
                manifest.bench.clone().try_into().map_err(|error| RunError::Broken(format!("{error}")))?;
            same_validity(&then, benches.maker.info())?;
            return Ok(benches);
        }
        let text = manifest.car.as_deref().and_then(find);
        let text = text.ok_or_else(|| RunError::Broken("the run names neither car nor bench".to_owned()))?;
        Benches::of_car(text, sources, &*self.storage, manifest.program.as_ref())
    }

    /// What a choice of benches tells about itself, beside a plan that was given as `given`; nothing where neither plan nor
    /// choice names one. No audio interface is opened.
    pub(super) fn bench_info(
        &self,
        given: &str,
        choice: &BenchChoice,
        plan: &ResolvedPlan,
    ) -> Result<Option<BenchInfo>, RunError> {
        let path = Path::new(given);
        let sources = self.sources(self.storage.exists(path).then_some(path));
        match choice {
            BenchChoice::PlanDefault if plan.default_car.is_none() => Ok(None),
            BenchChoice::Rig(rig) => {
                let (text, ledger) = self.rig(sources, rig)?;
                Ok(Some(read_bench(&text, &ledger, clock::today())?.info))
            }
            _ => Ok(Some(self.benches(choice, plan, sources)?.maker.info().clone())),
        }
    }

    /// Virtual cars of a file or a shipped name.
    pub(super) fn car_benches(&self, sources: &dyn Sources, given: &str) -> Result<Benches, RunError> {
        Benches::of_car(self.text(sources, Folder::Cars, given)?, sources, &*self.storage, None)
    }

    /// The live bench of a file or a name.
    pub(super) fn live_bench(&self, sources: Layered, given: &str) -> Result<Benches, RunError> {
        let (text, ledger) = self.rig(sources, given)?;
        Benches::of_rig(text, &ledger, clock::today(), &self.audio)
    }

    /// The bench file that is given, with the audio system that it names.
    ///
    /// # Errors
    /// Problems of the file; a virtual car, which has no inputs outside of a run; an audio host that does not answer.
    #[cfg(feature = "audio")]
    pub(super) fn live_inputs(
        &self,
        given: &str,
    ) -> Result<(BenchFile, Arc<crate::bench::live::audio::AudioSystem>), RunError> {
        use crate::bench::live::take::system_of;
        let sources = self.sources(None);
        let car = || {
            RunError::Usage(format!(
                "'{given}' is a virtual car, which sounds only while it is recorded: name a bench file, or watch the car in a run with \
                 `lombard run PLAN --car {given} --listen PORT`"
            ))
        };
        let car_text = self.text(&sources, Folder::Cars, given);
        let is_car = || car_text.is_ok_and(|text| crate::bench::car::file::read_car(&text).is_ok());
        let (text, ledger) = match self.rig(sources, given) {
            Ok(found) => found,
            Err(_) if is_car() => return Err(car()),
            Err(error) => return Err(error),
        };
        let file = match read_bench(&text, &ledger, clock::today()) {
            Ok(file) => file,
            Err(_) if is_car() => return Err(car()),
            Err(problems) => return Err(problems.into()),
        };
        let system = match &self.audio {
            Some(system) => Arc::clone(system),
            None => Arc::new(system_of(&file.spec).map_err(|error| RunError::Bench(error.to_string()))?),
        };
        Ok((file, system))
    }

    /// The text of a bench file and its ledger, which is looked for beside it first.
    fn rig(&self, sources: Layered, given: &str) -> Result<(SourceText, Layered), RunError> {
        let text = self.text(&sources, Folder::Rigs, given)?;
        let path = Path::new(given);
        let mut ledger = Layered(Vec::new());
        if self.storage.exists(path) {
            // `calibration/rigs/a.toml` finds `calibration/ledger/`; a bench file anywhere finds `ledger/` beside it.
            for beside in [Some(path), path.parent()].into_iter().flatten() {
                ledger.0.push(Box::new(Files::beside(Arc::clone(&self.storage), beside)));
            }
        }
        ledger.0.push(Box::new(sources));
        Ok((text, ledger))
    }

    /// The audio interfaces of this machine, and the one inside the program.
    ///
    /// # Errors
    /// The program was built without audio, or the sound system hangs.
    #[cfg(feature = "audio")]
    pub fn interfaces(&self) -> Result<Vec<Interface>, RunError> {
        crate::bench::live::audio::interfaces().map_err(|error| RunError::Bench(error.to_string()))
    }

    /// The audio interfaces of this machine.
    ///
    /// # Errors
    /// Always: the program was built without audio.
    #[cfg(not(feature = "audio"))]
    pub fn interfaces(&self) -> Result<Vec<Interface>, RunError> {
        Err(RunError::Usage(
            "this program was built without audio interfaces: build it with `cargo build --release --features audio`"
                .to_owned(),
        ))
    }
}
