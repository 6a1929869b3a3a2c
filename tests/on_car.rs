//! The methods on the virtual car: what they find is held against what is true.
//!
//! A [`Trial`] is one entry on one car, recorded in memory the way a run records it, without plan, limits and store.

use std::sync::{Arc, LazyLock};

use lombard::bench::car::file::read_car;
use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::{CarSpec, IdealPaths, PathsSpec, ReferenceSpec, TapSpec, TerminalKind};
use lombard::bench::{Bench, BenchMaker, RenderedEpoch, StopFlag, TelemetrySender};
use lombard::capture::{Capture, Take};
use lombard::context::{EvalCx, Facts, PlanCx};
use lombard::entry::{Entry, EntryId, Parameters, parse_parameter};
use lombard::finding::{Finding, Unmeasurable};
use lombard::limits::{Limit, Rule};
use lombard::methods::{Method, Next, Wish, method};
use lombard::problem::SourceText;
use lombard::run::noise::render_noise;
use lombard::run::render::{Call, SignalStore, render};
use lombard::signals::Library;
use lombard::take::{TakeSpec, Volume};
use lombard::terms::{Bandwidth, ClauseRef, LimitClass, Port, Seat};
use lombard::units::Unit;

use crate::recording::Memory;
use crate::source::root;

pub(crate) mod around;
pub(crate) mod comparison;
pub(crate) mod spectrum;

mod ambient;
mod call;
mod cars;
mod clocks;
mod codecs;
mod coupling;
mod delay;
mod distortion;
mod double_talk;
mod dynamics;
mod ears;
mod echo;
mod faults;
mod idle;
mod levels;
pub(crate) mod linearity;
mod loudness;
pub(crate) mod noise_field;
mod noise_transmission;
mod out_of_band;
mod picture;
mod program;
mod range;
mod reference;
mod reflector;
mod replay;
mod response;
mod saturation;
mod seats;
mod setup;
mod speech_over_noise;
mod speed_volume;
mod stability;
mod switching;
mod taps;
mod training;
mod volume;

/// Every comparison of a finding with a truth, for `docs/accuracy.md`.
pub(crate) fn comparisons() -> Vec<comparison::Comparison> {
    [
        &*volume::COMPARISONS,
        &*delay::COMPARISONS,
        &*loudness::COMPARISONS,
        &*ears::COMPARISONS,
        &*ears::OF_SERIALS,
        &*range::COMPARISONS,
        &*linearity::COMPARISONS,
        &*response::COMPARISONS,
        &*seats::COMPARISONS,
        &*idle::COMPARISONS,
        &*out_of_band::COMPARISONS,
        &*distortion::COMPARISONS,
        &*coupling::COMPARISONS,
        &*saturation::COMPARISONS,
        &*echo::COMPARISONS,
        &*reflector::COMPARISONS,
        &*double_talk::COMPARISONS,
        &*switching::COMPARISONS,
        &*noise_transmission::COMPARISONS,
        &*speech_over_noise::COMPARISONS,
        &*reference::COMPARISONS,
        &*ambient::COMPARISONS,
        &*noise_field::COMPARISONS,
        &*speed_volume::COMPARISONS,
        &*call::COMPARISONS,
        &*setup::COMPARISONS,
        &*taps::COMPARISONS,
        &*clocks::COMPARISONS,
        &*levels::COMPARISONS,
        &*training::COMPARISONS,
        &*stability::COMPARISONS,
        &*program::COMPARISONS,
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect()
}

/// The signals as shipped, made once for all tests.
pub(crate) static SIGNALS: LazyLock<SignalStore> =
    LazyLock::new(|| SignalStore::new(Library::builtin().expect("the shipped catalogue has no problem")));

/// A car of `test-plans/cars`.
pub(crate) fn shipped(name: &str) -> CarSpec {
    let path = root().join(format!("test-plans/cars/{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    read_car(&SourceText::new(name, text)).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// What only a reference terminal has.
pub(crate) fn reference(car: &mut CarSpec) -> &mut ReferenceSpec {
    match &mut car.terminal.kind {
        TerminalKind::Reference(own) => own,
        TerminalKind::Real(_) | TerminalKind::Process(_) => panic!("{} has no reference terminal", car.name),
    }
}

/// The paths of an ideal cabin.
pub(crate) fn paths(car: &mut CarSpec) -> &mut IdealPaths {
    match &mut car.cabin.paths {
        PathsSpec::Ideal(paths) => paths,
        PathsSpec::Shoebox(_) => panic!("{} has no ideal cabin", car.name),
    }
}

/// A path of one tap, as the paths of a cabin hold it.
#[expect(clippy::unnecessary_wraps, reason = "a path of a cabin may be silent, and is written as an option")]
pub(crate) fn tap(gain_db: f64, delay_ms: f64) -> Option<TapSpec> {
    Some(TapSpec { gain_db, delay_s: delay_ms / 1e3 })
}

/// An entry made by hand: the parameters `given`, as a plan would write them, and the card's defaults.
pub(crate) fn entry(id: &str, bandwidth: Bandwidth, volume: Volume, given: &[(&str, &str)]) -> Entry {
    let card = method(id).unwrap_or_else(|| panic!("no method {id}")).card();
    for (key, _) in given {
        assert!(card.parameters.iter().any(|spec| spec.key == *key), "{id} has no parameter {key}");
    }
    let value = |spec: &lombard::entry::ParameterSpec| {
        let text = given.iter().find(|(key, _)| *key == spec.key).map(|(_, text)| *text).or(spec.default);
        let text = text.unwrap_or_else(|| panic!("{id} needs {}", spec.key));
        parse_parameter(spec.kind, text)
            .unwrap_or_else(|error| panic!("{id}: {} = {text}: {error}", spec.key))
    };
    Entry {
        id: EntryId::new(id, &[]),
        title: card.title.to_owned(),
        clause: clause(),
        method: id.to_owned(),
        bandwidth,
        volume,
        talker: Seat::Driver,
        listener: Seat::Driver,
        noise: None,
        call: 1,
        calls: 1,
        parameters: Parameters(
            card.parameters.iter().map(|spec| (spec.key.to_owned(), value(spec))).collect(),
        ),
    }
}

fn clause() -> ClauseRef {
    ClauseRef { recommendation: "P.1110".to_owned(), edition: "10/2025".to_owned(), clause: "11".to_owned() }
}

/// A limit made by hand.
pub(crate) fn limit(measurand: &str, unit: Unit, rule: Rule, class: LimitClass) -> Limit {
    Limit {
        id: format!("test/{measurand}"),
        measurand: measurand.to_owned(),
        rule,
        unit,
        clause: clause(),
        class,
        source: "a test".to_owned(),
        two_readings: false,
        origins: Vec::new(),
    }
}

/// One entry, recorded on one car.
pub(crate) struct Trial {
    pub(crate) maker: CarBenchMaker,
    pub(crate) entry: Entry,
    pub(crate) takes: Vec<Take>,
    facts: Facts,
}

/// The seed where a test needs no other.
pub(crate) const SEED: u64 = 7;

impl Trial {
    /// Records an entry on a car, in one call of the car's own bandwidth: the entry may rate it as another.
    pub(crate) fn record(car: CarSpec, entry: Entry, seed: u64) -> Self {
        Self::on(CarBenchMaker::new(car), entry, seed)
    }

    /// Records an entry on a bench.
    pub(crate) fn on(maker: CarBenchMaker, entry: Entry, seed: u64) -> Self {
        Self::knowing(maker, entry, seed, Facts::default())
    }

    /// Records an entry on a bench when some facts are known.
    pub(crate) fn knowing(maker: CarBenchMaker, entry: Entry, seed: u64, facts: Facts) -> Self {
        Self::through(maker, entry, seed, facts, |bench| bench)
    }

    /// Records an entry on a bench with something around it, as a mouth that compresses.
    pub(crate) fn through(
        maker: CarBenchMaker,
        entry: Entry,
        seed: u64,
        facts: Facts,
        around: impl FnOnce(Box<dyn Bench>) -> Box<dyn Bench>,
    ) -> Self {
        Self { maker, entry, takes: Vec::new(), facts }.recorded(seed, &[], around)
    }

    /// Records an entry on a car, and what arrives at other ports than its own.
    pub(crate) fn record_also(car: CarSpec, entry: Entry, seed: u64, ports: &[Port]) -> Self {
        let trial =
            Self { maker: CarBenchMaker::new(car), entry, takes: Vec::new(), facts: Facts::default() };
        trial.recorded(seed, ports, |bench| bench)
    }

    fn recorded(
        mut self,
        seed: u64,
        ports: &[Port],
        around: impl FnOnce(Box<dyn Bench>) -> Box<dyn Bench>,
    ) -> Self {
        let trial = &mut self;
        let method = trial.method();
        let cx = PlanCx { bench: trial.maker.info(), facts: &trial.facts, signals: SIGNALS.library() };
        let wish = method
            .plan(&trial.entry, &cx)
            .unwrap_or_else(|refusals| panic!("{} is refused: {refusals:?}", trial.entry.id));
        let key = wish.epoch.key();
        let volume_step = trial
            .maker
            .info()
            .volume_step(wish.epoch.call.volume, &trial.facts)
            .expect("trials state their volume");
        let bandwidth = trial.maker.model().spec.bandwidth;
        let mut bench = around(trial.maker.make().expect("a virtual bench can be made"));
        let terminal = wish.epoch.call.terminal;
        let noise = wish.epoch.noise.as_ref().map(|bed| render_noise(bed, bench.info(), &SIGNALS));
        let noise = noise.transpose().unwrap_or_else(|error| panic!("{error}"));
        let recording = noise.as_ref().map(|noise| Arc::clone(&noise.recording));
        let epoch = RenderedEpoch { key: key.clone(), seed, bandwidth, volume_step, terminal, noise };
        bench.open(&epoch, &TelemetrySender::none()).expect("the call is set up");
        let mut from = 0;
        let mut take = |spec: &TakeSpec| {
            let mut spec = spec.clone();
            spec.record.extend(ports.iter().cloned());
            let call = Call { epoch: &key, bandwidth, from };
            from += spec.duration;
            let mut take = record_take(&mut *bench, &spec, &call);
            let recording = recording.iter().map(|turn| Capture::in_memory(turn.to_vec()));
            take.played.extend(recording.map(|turn| (Port::of(Port::NOISE_RECORDING), turn)));
            take
        };
        // A reference terminal has nothing that conditioning could change, unless it changes over time.
        let learns = match &trial.maker.model().spec.terminal.kind {
            TerminalKind::Reference(own) => !own.dynamics.is_static(),
            TerminalKind::Real(_) | TerminalKind::Process(_) => true,
        };
        if learns {
            for spec in &wish.epoch.preamble {
                take(spec);
            }
        }
        let mut takes: Vec<Take> = wish.takes.iter().map(&mut take).collect();
        for _ in 0..=method.card().takes_max {
            match method.next(&trial.entry, &cx, &takes) {
                Ok(Next::Take { spec, .. }) => takes.push(take(&spec)),
                Ok(Next::Done { .. }) | Err(_) => break,
            }
        }
        assert!(takes.len() <= method.card().takes_max as usize, "{} takes", takes.len());
        bench.close().expect("a virtual bench closes");
        trial.takes = takes;
        self
    }

    pub(crate) fn method(&self) -> &'static dyn Method {
        method(&self.entry.method).expect("the entry names a method")
    }

    /// Whether another entry wants just these recordings, in just this call.
    pub(crate) fn serves(&self, entry: &Entry) -> bool {
        let method = method(&entry.method).expect("the entry names a method");
        let cx = PlanCx { bench: self.maker.info(), facts: &self.facts, signals: SIGNALS.library() };
        let (Ok(own), Ok(other)) = (self.method().plan(&self.entry, &cx), method.plan(entry, &cx)) else {
            return false;
        };
        let contents = |wish: &Wish| wish.takes.iter().map(TakeSpec::content).collect::<Vec<_>>();
        let is_whole =
            other.takes.len() == method.card().takes_max as usize && other.takes.len() == self.takes.len();
        is_whole && own.epoch.key() == other.epoch.key() && contents(&own) == contents(&other)
    }

    /// Lets the recordings be those of an entry that they serve.
    pub(crate) fn turn_to(&mut self, entry: &Entry) {
        assert!(self.serves(entry), "{} stands on other recordings than {}", entry.id, self.entry.id);
        self.entry = entry.clone();
        let cx = PlanCx { bench: self.maker.info(), facts: &self.facts, signals: SIGNALS.library() };
        let wish = self.method().plan(entry, &cx).expect("it was planned just now");
        for (take, spec) in self.takes.iter_mut().zip(wish.takes) {
            take.spec = spec;
        }
    }

    /// What the method finds.
    pub(crate) fn findings(&self) -> Result<Vec<Finding>, Unmeasurable> {
        self.findings_of(&self.takes)
    }

    /// What the method finds in other recordings of the same takes.
    pub(crate) fn findings_of(&self, takes: &[Take]) -> Result<Vec<Finding>, Unmeasurable> {
        let cx = EvalCx { bench: self.maker.info(), facts: &self.facts, takes };
        let findings = self.method().evaluate(&self.entry, &cx)?;
        picture::holds(self.method(), &findings);
        Ok(findings)
    }

    /// The finding of one measurand.
    pub(crate) fn finding(&self, measurand: &str) -> Finding {
        let findings = self.findings().unwrap_or_else(|error| panic!("{}: {error}", self.entry.id));
        let found = findings.into_iter().find(|finding| finding.measurand == measurand);
        found.unwrap_or_else(|| panic!("{} did not find {measurand}", self.entry.id))
    }

    /// The value of one measurand, which is a number.
    pub(crate) fn value(&self, measurand: &str) -> f64 {
        self.finding(measurand).as_scalar().unwrap_or_else(|| panic!("{measurand} is no number"))
    }
}

fn record_take(bench: &mut dyn Bench, spec: &TakeSpec, call: &Call<'_>) -> Take {
    let id = spec.id(call.epoch);
    let rendered =
        render(spec, &id, call, bench.info(), &SIGNALS).unwrap_or_else(|error| panic!("{id}: {error}"));
    let mut memory = Memory::default();
    let certificate = bench
        .take(&rendered.take, &mut memory, &StopFlag::default())
        .unwrap_or_else(|error| panic!("{id}: {error}"));
    let in_memory = |(port, track): (Port, Vec<f32>)| (port, Capture::in_memory(track));
    Take {
        id,
        spec: spec.clone(),
        captures: memory.0.into_iter().map(in_memory).collect(),
        played: rendered
            .take
            .tracks
            .iter()
            .map(|(port, track)| in_memory((port.clone(), track.to_vec())))
            .collect(),
        certificate,
        method_equivalent: rendered.method_equivalent,
    }
}
