//! What the methods share when they plan: the call with its conditioning, takes as timelines, checks of the bench.
//!
//! All methods set up the same call, so that the schedule can make their takes in one: first speech in receive,
//! on which the echo canceller converges, then speech in send, on which send activation and noise reduction settle.
//! The levels of the conditioning are the nominal ones whatever the entry measures at.

use std::collections::BTreeSet;

use super::Refusal;
use crate::context::{PlanCx, PortDirection};
use crate::entry::{Entry, Noise, Param, ParameterType, SignalId};
use crate::take::{
    Action, BLOCK, CallState, Cue, EpochSpec, Frame, NoiseBed, RigAction, Span, TakeSpec, Terminal, Volume,
    frames,
};
use crate::terms::{Access, Direction, Ear, EarField, Port};
use crate::units::{Db, DbOv, DbPa, Dbm0, Level, Quantity, Reference, Seconds, Unit};

/// The signal that conditions the terminal, once in receive and once in send.
pub const CONDITIONING: Param<SignalId> = Param::with_default(
    "conditioning",
    "The speech that conditions the terminal after call set-up, once in receive, then once in send.",
    "speech-conditioning",
);

/// The talker's level.
pub const LEVEL_MRP: Param<DbPa> =
    Param::with_default("level_mrp", "The level at the mouth reference point.", "-1.7 dBPa");

/// The talker's level in a quiet car, to which the Lombard rise is added in noise.
pub const LOMBARD_BASE: Param<DbPa> = Param::with_default(
    "lombard_base",
    "In background noise: the level at the mouth reference point that the Lombard rise is added to. -4.7 or -1.7 dBPa, \
     worth 3 dB: which of the two is meant has not been read (class C).",
    "-1.7 dBPa",
);

/// The level that arrives from the network.
pub const LEVEL_POI: Param<Dbm0> =
    Param::with_default("level_poi", "The level at the point of interconnect in receive.", "-16 dBm0");

/// The field whose response is taken out of what the ears heard.
pub const EAR_FIELD: Param<EarField> = Param::with_default(
    "ear_field",
    "The field to which ears are equalized, by the head's own curves where the bench has them: free, diffuse, or none, \
     which leaves the pressure at the ear-drum. Free field is the use of hands-free clauses; which one the editions of 2025 \
     mean has not been read (class C).",
    "free",
);

/// The longest delay.
pub const DELAY_MAX: Param<Seconds> = Param::with_default(
    "delay_max",
    "The longest delay between playback and recording that is provided for; at most 500 ms.",
    "500 ms",
);

/// How the terminal is got at on the side of the car.
pub const ACCESS: Param<Access> = Param::with_default(
    "access",
    "How the terminal is got at on the side of the car: acoustic, by mouth and ears, or digital, by the access points of \
     clause 8: what the mouth would say is inserted at tap.microphone, what the ears would hear is recorded at tap.loudspeaker.",
    "acoustic",
);

/// The talker's level where nobody talks: behind the microphone.
pub const LEVEL_TAP: Param<DbOv> = Param::with_default(
    "level_tap",
    "With access = digital: the level inserted at tap.microphone, relative to the full scale of that access. The default is \
     the usual level of speech in files, a choice of the project: no clause that was read gives one.",
    "-26 dBov",
);

/// Nominal level at the MRP for a car: P.1100 to P.1120 clause 9.
const CONDITIONING_MRP: DbPa = DbPa::new(-1.7);
/// Nominal level at the POI in receive: P.1100 to P.1120 clause 9.
const CONDITIONING_POI: Dbm0 = Dbm0::new(-16.0);
/// Between the parts of the conditioning and after it: longer than a hang-over, a delay and the reverberation.
const CONDITIONING_PAUSE: Seconds = Seconds(0.5);
/// No single wait that a plan may ask for is longer.
const WAIT_MAX: Seconds = Seconds(120.0);
/// Longer delays are a broken line-up, and delays of CSS beyond it are not unique.
const DELAY_LIMIT: Seconds = Seconds(0.5);

/// People talk louder in noise: above this level at the driver's head, in dB(A).
const LOMBARD_KNEE_DBA: f64 = 50.0;
/// By so much for each decibel of noise.
const LOMBARD_SLOPE: f64 = 0.3;
/// At most by so much.
const LOMBARD_RISE_MAX_DB: f64 = 8.0;

/// The Lombard rise for a noise of `level_dba` at the driver's head: 0 dB up to 50 dB(A), then 0.3 dB for each
/// decibel, at most 8 dB (P.1130 (06/2015) 8.2.3.1, class B).
pub fn lombard_rise(level_dba: f64) -> Db {
    Db((LOMBARD_SLOPE * (level_dba - LOMBARD_KNEE_DBA)).clamp(0.0, LOMBARD_RISE_MAX_DB))
}

/// The level at which the talker of an entry speaks: `quiet` without background noise, otherwise the Lombard base with
/// the rise that the noise's own record asks for. The entry's method lists [`LOMBARD_BASE`].
pub fn talker_level(entry: &Entry, quiet: &Param<DbPa>) -> DbPa {
    match &entry.noise {
        None => entry.parameters.get(quiet),
        Some(noise) => entry.parameters.get(&LOMBARD_BASE) + lombard_rise(noise.level_dba),
    }
}

/// How [`talker_level`] came about, for the note of a finding; nothing in a quiet car.
pub fn lombard_note(entry: &Entry) -> Option<String> {
    let noise = entry.noise.as_ref()?;
    let (base, rise) = (entry.parameters.get(&LOMBARD_BASE), lombard_rise(noise.level_dba));
    Some(format!(
        "talker at {base} + min({LOMBARD_SLOPE}·max({} − {LOMBARD_KNEE_DBA}, 0), {LOMBARD_RISE_MAX_DB}) dB = {} for noise '{}' of {} \
         dB(A) at the driver's head",
        noise.level_dba,
        base + rise,
        noise.signal,
        noise.level_dba
    ))
}

/// The call of an entry at its own volume.
pub fn epoch(entry: &Entry, cx: &PlanCx<'_>) -> EpochSpec {
    epoch_at(entry, cx, entry.volume)
}

/// The call of an entry at a volume of the method's choice.
pub fn epoch_at(entry: &Entry, cx: &PlanCx<'_>, volume: Volume) -> EpochSpec {
    EpochSpec {
        call: CallState { bandwidth: entry.bandwidth, volume, terminal: Terminal::Device },
        noise: entry.noise.as_ref().map(|noise| NoiseBed { signal: noise.signal.clone() }),
        preamble: vec![conditioning(entry, (Port::mouth(entry.talker), quantity(CONDITIONING_MRP)), cx)],
        repeat: repeat(entry),
    }
}

/// What tells several new calls of one entry apart, which are equal otherwise. The first is the call of an entry that asks for
/// one, so that it shares its takes with the others of that call.
fn repeat(entry: &Entry) -> u32 {
    entry.call - 1
}

/// The call of an entry at its own volume, conditioned by the access that its takes use: acoustic as all others, digital
/// from behind the microphone. The entry's method lists [`ACCESS`] and [`LEVEL_TAP`].
pub fn epoch_by_access(entry: &Entry, cx: &PlanCx<'_>) -> EpochSpec {
    let mut epoch = epoch(entry, cx);
    if entry.parameters.get(&ACCESS) == Access::Digital {
        epoch.preamble =
            vec![conditioning(entry, (Port::of(Port::TAP_MICROPHONE), tap_level(entry, cx)), cx)];
    }
    epoch
}

/// The level of an insertion at tap.microphone, in the plane in which the bench has that port: dBov, or dBm0, of which 0 is
/// −6.15 dBov in every codec.
pub fn tap_level(entry: &Entry, cx: &PlanCx<'_>) -> Quantity {
    let level = entry.parameters.get(&LEVEL_TAP);
    let port = cx.bench.ports.get(&Port::of(Port::TAP_MICROPHONE));
    match port.map(|info| info.calibration.unit()) {
        Some(Unit::Dbm0) => quantity(level.to_dbm0()),
        _ => quantity(level),
    }
}

/// A call to the reference terminal, which has neither a canceller to condition nor a cabin with noise.
pub fn reference_epoch(entry: &Entry) -> EpochSpec {
    EpochSpec {
        call: CallState {
            bandwidth: entry.bandwidth,
            volume: Volume::Step(0),
            terminal: Terminal::Reference,
        },
        noise: None,
        preamble: Vec::new(),
        repeat: 0,
    }
}

/// A call of an entry that nothing is played in first.
pub fn bare_epoch(entry: &Entry, volume: Volume) -> EpochSpec {
    EpochSpec {
        call: CallState { bandwidth: entry.bandwidth, volume, terminal: Terminal::Device },
        noise: entry.noise.as_ref().map(|noise| NoiseBed { signal: noise.signal.clone() }),
        preamble: Vec::new(),
        repeat: repeat(entry),
    }
}

/// The conditioning, on those ports that the bench has: speech in receive, then from where the talker is.
fn conditioning(entry: &Entry, talker: (Port, Quantity), cx: &PlanCx<'_>) -> TakeSpec {
    let signal = &entry.parameters.get(&CONDITIONING);
    let mut take = Timeline::new("conditioning");
    for (port, level) in [(Port::of(Port::POI_RECEIVE), quantity(CONDITIONING_POI)), talker] {
        if cx.bench.has(&port, PortDirection::Out) {
            take.play(&port, signal, level, cx);
            take.wait(CONDITIONING_PAUSE);
        }
    }
    take.build(&[])
}

/// Where the signal of a direction is played: at the talker's mouth, or at the POI.
pub fn source_port(direction: Direction, entry: &Entry) -> Port {
    match direction {
        Direction::Send => Port::mouth(entry.talker),
        Direction::Receive => Port::of(Port::POI_RECEIVE),
    }
}

/// Where a direction is recorded: at the POI, or at both ears of the listener.
pub fn sink_ports(direction: Direction, entry: &Entry) -> Vec<Port> {
    match direction {
        Direction::Send => vec![Port::of(Port::POI_SEND)],
        Direction::Receive => Ear::ALL.iter().map(|ear| Port::ear(entry.listener, *ear)).collect(),
    }
}

/// As [`source_port`], by an access: digital is behind the microphone.
pub fn source_by_access(access: Access, direction: Direction, entry: &Entry) -> Port {
    match (access, direction) {
        (Access::Digital, Direction::Send) => Port::of(Port::TAP_MICROPHONE),
        _ => source_port(direction, entry),
    }
}

/// As [`sink_ports`], by an access: digital is before the amplifier.
pub fn sinks_by_access(access: Access, direction: Direction, entry: &Entry) -> Vec<Port> {
    match (access, direction) {
        (Access::Digital, Direction::Receive) => vec![Port::of(Port::TAP_LOUDSPEAKER)],
        _ => sink_ports(direction, entry),
    }
}

/// A level as a cue carries it.
pub fn quantity<R: Reference>(level: Level<R>) -> Quantity {
    Quantity::new(level.decibels(), R::UNIT)
}

/// The span in which nothing is played, from which the noise is known.
pub const NOISE: &str = "idle";
/// What the take before may still leave in the cabin.
pub const SETTLING: Seconds = Seconds(1.0);

/// A take under construction: one thing after the other, each in whole blocks.
#[derive(Debug, Clone)]
pub struct Timeline {
    name: String,
    cues: Vec<Cue>,
    spans: Vec<Span>,
    now: Frame,
}

impl Timeline {
    /// An empty take called `name`.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), cues: Vec::new(), spans: Vec::new(), now: 0 }
    }

    /// An empty take called `name`, behind a silence.
    pub fn after_silence(name: &str, idle: Seconds) -> Self {
        let mut take = Self::new(name);
        take.silence(idle);
        take
    }

    /// A silence, which is the span [`NOISE`], when what was before has died away.
    pub fn silence(&mut self, idle: Seconds) {
        self.wait(SETTLING);
        self.wait_as(NOISE, idle);
    }

    /// The frame that comes next.
    pub fn now(&self) -> Frame {
        self.now
    }

    /// Sets the volume now.
    pub fn set_volume(&mut self, step: u32) {
        self.cues.push(Cue { at: self.now, action: Action::Rig(RigAction::SetVolume(step)) });
    }

    /// Lets the reflecting panel turn from now on, or come to rest.
    pub fn turn_reflector(&mut self, turns: bool) {
        self.cues.push(Cue { at: self.now, action: Action::Rig(RigAction::TurnReflector(turns)) });
    }

    /// Hangs up now and calls again: the device is cold.
    pub fn new_call(&mut self) {
        self.cues.push(Cue { at: self.now, action: Action::Rig(RigAction::NewCall) });
    }

    /// Lets the far end be a loop of this loss from now on; `None` opens it.
    pub fn set_loop(&mut self, loss: Option<Db>) {
        let [from, to] = [Port::POI_SEND, Port::POI_RECEIVE].map(Port::of);
        self.cues.push(Cue { at: self.now, action: Action::Loop { from, to, loss } });
    }

    /// Lets time pass.
    pub fn wait(&mut self, duration: Seconds) {
        self.now += whole_blocks(frames(duration));
    }

    /// Lets time pass and names it.
    pub fn wait_as(&mut self, span: &str, duration: Seconds) {
        let from = self.now;
        self.wait(duration);
        self.name_span(span, from..self.now);
    }

    /// Plays a signal to its end. Returns the frame at which it starts.
    pub fn play(&mut self, port: &Port, signal: &SignalId, level: Quantity, cx: &PlanCx<'_>) -> Frame {
        let at = self.now;
        self.play_beside(at, port, signal, level, cx);
        at
    }

    /// Plays a signal to its end beside one that began at frame `at`.
    pub fn play_beside(
        &mut self,
        at: Frame,
        port: &Port,
        signal: &SignalId,
        level: Quantity,
        cx: &PlanCx<'_>,
    ) {
        self.sound_from(at, port, signal, level);
        self.now = self.now.max(at + whole_blocks(cx.signal(&signal.0).frames));
    }

    /// Lets a signal sound beside what is played meanwhile, from a frame on; time does not pass.
    pub fn sound_from(&mut self, at: Frame, port: &Port, signal: &SignalId, level: Quantity) {
        let action = Action::Play { port: port.clone(), signal: signal.0.clone(), level };
        self.cues.push(Cue { at, action });
    }

    /// Names a part.
    pub fn name_span(&mut self, name: &str, frames: std::ops::Range<Frame>) {
        self.spans.push(Span { name: name.to_owned(), frames });
    }

    /// The take, with the ports that it records.
    pub fn build(mut self, record: &[Port]) -> TakeSpec {
        self.cues.sort_by_key(|cue| cue.at);
        TakeSpec {
            name: self.name,
            cues: self.cues,
            spans: self.spans,
            record: record.iter().cloned().collect::<BTreeSet<_>>(),
            duration: self.now,
            continues: false,
        }
    }
}

fn whole_blocks(frames: Frame) -> Frame {
    frames.next_multiple_of(BLOCK as Frame)
}

/// Collects what an entry asks for and the bench or the method cannot do.
#[derive(Debug, Default)]
pub struct Checks {
    refusals: Vec<Refusal>,
}

impl Checks {
    /// The bench must be able to play on the port.
    pub fn plays(&mut self, cx: &PlanCx<'_>, port: &Port) {
        self.port(cx, port, PortDirection::Out);
    }

    /// The bench must be able to record the port.
    pub fn records(&mut self, cx: &PlanCx<'_>, port: &Port) {
        self.port(cx, port, PortDirection::In);
    }

    fn port(&mut self, cx: &PlanCx<'_>, port: &Port, direction: PortDirection) {
        if !cx.bench.has(port, direction) {
            let kind = if direction == PortDirection::Out { "output" } else { "input" };
            self.refusals.push(Refusal {
                parameter: None,
                found: format!("bench '{}' without {kind} port '{port}'", cx.bench.name),
                expected: format!("the {kind} port '{port}'"),
                remedy: format!("bind '{port}' in the bench file"),
            });
        }
    }

    /// A duration of the plan must be above zero and at most `most`.
    pub fn duration(&mut self, entry: &Entry, parameter: &Param<Seconds>, most: Seconds) {
        let asked = entry.parameters.get(parameter);
        if !(asked.0 > 0.0 && asked.0 <= most.0) {
            self.refuse(
                parameter,
                format!("{} s", asked.0),
                format!("more than 0 s and at most {} s", most.0),
                "write a duration in this range",
            );
        }
    }

    /// A wait of the plan must be above zero and bounded.
    pub fn wait(&mut self, entry: &Entry, parameter: &Param<Seconds>) {
        self.duration(entry, parameter, WAIT_MAX);
    }

    /// A wait of the plan must be long enough for what is read from it.
    pub fn at_least(&mut self, entry: &Entry, parameter: &Param<Seconds>, least: Seconds, why: &str) {
        let asked = entry.parameters.get(parameter);
        if asked.0 < least.0 {
            self.refuse(
                parameter,
                format!("{} s", asked.0),
                format!("at least {} s", least.0),
                &format!("write a longer time: {why}"),
            );
        }
    }

    /// The entry must be one of a quiet car.
    pub fn quiet(&mut self, entry: &Entry) {
        if let Some(noise) = &entry.noise {
            self.refusals.push(Refusal {
                parameter: None,
                found: format!("background noise '{}'", noise.signal),
                expected: "a quiet car".to_owned(),
                remedy: "remove 'noise' from the entry".to_owned(),
            });
        }
    }

    /// The longest delay must be within what the methods can tell.
    pub fn delay_max(&mut self, entry: &Entry) {
        self.duration(entry, &DELAY_MAX, DELAY_LIMIT);
    }

    /// The device must have a volume control of at least one and at most `most` steps.
    pub fn volume_steps(&mut self, cx: &PlanCx<'_>, most: u32) {
        let steps = cx.bench.volume_step_count;
        if !(1..=most).contains(&steps) {
            self.refusals.push(Refusal {
                parameter: None,
                found: format!("bench '{}' with {steps} volume steps", cx.bench.name),
                expected: format!("1 to {most} volume steps"),
                remedy: "state the number of volume steps of the device in its file".to_owned(),
            });
        }
    }

    /// The entry must name a background noise.
    pub fn noise<'e>(&mut self, entry: &'e Entry) -> Option<&'e Noise> {
        if entry.noise.is_none() {
            self.refusals.push(Refusal {
                parameter: None,
                found: "an entry without background noise".to_owned(),
                expected: "the id of a noise".to_owned(),
                remedy: "write noise = \"…\" with a noise of 'lombard list signals'".to_owned(),
            });
        }
        entry.noise.as_ref()
    }

    /// The parameter cannot be met.
    pub fn refuse<T: ParameterType>(
        &mut self,
        parameter: &Param<T>,
        found: String,
        expected: String,
        remedy: &str,
    ) {
        self.refusals.push(Refusal {
            parameter: Some(parameter.spec().key),
            found,
            expected,
            remedy: remedy.to_owned(),
        });
    }

    /// The bench lacks something that is no port.
    pub fn refuse_bench(&mut self, found: String, expected: &str, remedy: &str) {
        let (expected, remedy) = (expected.to_owned(), remedy.to_owned());
        self.refusals.push(Refusal { parameter: None, found, expected, remedy });
    }

    /// Nothing was refused, or all that was.
    ///
    /// # Errors
    /// Every refusal.
    pub fn done(self) -> Result<(), Vec<Refusal>> {
        if self.refusals.is_empty() { Ok(()) } else { Err(self.refusals) }
    }
}
