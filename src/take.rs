//! What the bench is asked to do: epochs, takes, cues and spans. Data only.
//!
//! An [`EpochSpec`] is one call from its set-up on. A [`TakeSpec`] is one recording inside it.
//! Both have a canonical text ([`TakeSpec::content`]), from which their identities are made: equal
//! wishes of several entries become one recording, and stored recordings are found again when
//! another plan asks for the same thing.

use std::collections::BTreeSet;
use std::fmt;
use std::fmt::Write as _;
use std::ops::Range;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::terms::{Bandwidth, Port};
use crate::units::{Db, Quantity, Seconds, Unit};

/// Frames per second of every bench in this edition of the program.
pub const RATE: u32 = 48_000;

/// Frames in a block of 10 ms.
pub const BLOCK: usize = 480;

/// A frame index or count at [`RATE`].
pub type Frame = u64;

/// The nearest frame of a duration.
pub fn frames(duration: Seconds) -> Frame {
    duration.frames(RATE)
}

/// The setting of the terminal's receive volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Volume {
    /// The step whose receive loudness rating is closest to nominal: the fact `volume.nominal`.
    Nominal,
    /// So many steps louder than the nominal one; fewer than none is quieter.
    NominalPlus(i32),
    /// The loudest step.
    Maximum,
    /// A step by its number, 0 the quietest.
    Step(u32),
}

impl Volume {
    /// Whether the nominal step must be known for it.
    pub const fn is_nominal(self) -> bool {
        matches!(self, Self::Nominal | Self::NominalPlus(_))
    }
}

impl FromStr for Volume {
    type Err = VolumeError;

    /// `nominal`, `nominal+2`, `nominal-3`, `maximum`, `step-3`.
    fn from_str(text: &str) -> Result<Self, VolumeError> {
        let error = || VolumeError(text.to_owned());
        let steps = |text: &str| text.parse::<i32>().ok().filter(|steps| steps.unsigned_abs() < STEPS_MAX);
        match text {
            "nominal" => Ok(Self::Nominal),
            "maximum" => Ok(Self::Maximum),
            _ => match (text.strip_prefix("step-"), text.strip_prefix("nominal")) {
                (Some(step), _) => step.parse().map(Self::Step).map_err(|_| error()),
                // A sign is part of the word: "nominal2" is a slip.
                (None, Some(more)) if more.starts_with(['+', '-']) => match steps(more) {
                    Some(0) => Ok(Self::Nominal),
                    Some(steps) => Ok(Self::NominalPlus(steps)),
                    None => Err(error()),
                },
                _ => Err(error()),
            },
        }
    }
}

/// More steps than any volume control has.
const STEPS_MAX: u32 = 1_000;

/// A text that is no volume.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no volume: nominal, nominal+2, nominal-3, maximum or step-3")]
pub struct VolumeError(String);

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nominal => f.write_str("nominal"),
            Self::NominalPlus(steps) => write!(f, "nominal{steps:+}"),
            Self::Maximum => f.write_str("maximum"),
            Self::Step(step) => write!(f, "step-{step}"),
        }
    }
}

/// What stands at the far end of the network in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Terminal {
    /// The device under test, in its car.
    #[default]
    Device,
    /// The reference terminal: nothing but the electrical access `srw.receive` and `srw.send`, without any acoustics.
    /// What is measured in such a call is the network simulator's own.
    Reference,
    /// Nobody: no call is up and the device is silent. What is measured is what the cabin and the bench make by themselves.
    None,
}

/// How the call of an epoch is set up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallState {
    /// The speech band of the call.
    pub bandwidth: Bandwidth,
    /// The receive volume from the start of the call.
    pub volume: Volume,
    /// Who is called.
    pub terminal: Terminal,
}

/// A bed of background noise that runs through an epoch, from before the call is set up to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseBed {
    /// The id of the noise in the catalogue. It is played at the level of its recording.
    pub signal: String,
}

/// One call from its set-up on: the unit of canceller state, of the random seed, of resume and of parallelism.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochSpec {
    /// The call.
    pub call: CallState,
    /// The background noise.
    pub noise: Option<NoiseBed>,
    /// Recordings made first, to condition the device; replayed when an epoch is opened again.
    pub preamble: Vec<TakeSpec>,
    /// Tells calls apart that must not be merged although they are equal, as repeats over new calls.
    pub repeat: u32,
}

impl EpochSpec {
    /// The canonical text.
    pub fn content(&self) -> String {
        let mut text = format!("call {} {}\n", self.call.bandwidth, self.call.volume);
        match self.call.terminal {
            Terminal::Device => {}
            Terminal::Reference => text.push_str("terminal reference\n"),
            Terminal::None => text.push_str("terminal none\n"),
        }
        if let Some(noise) = &self.noise {
            let _ = writeln!(text, "noise {}", noise.signal);
        }
        for take in &self.preamble {
            let _ = writeln!(text, "preamble {{\n{}}}", take.content());
        }
        if self.repeat > 0 {
            let _ = writeln!(text, "repeat {}", self.repeat);
        }
        text
    }

    /// The identity of the epoch: readable words and a hash of the content.
    pub fn key(&self) -> EpochKey {
        let bandwidth = self.call.bandwidth.word().to_lowercase();
        let who = match self.call.terminal {
            Terminal::Device => self.call.volume.to_string(),
            Terminal::Reference => "reference".to_owned(),
            Terminal::None => "no-call".to_owned(),
        };
        EpochKey(format!("{bandwidth}-{who}-{}", short_hash(&self.content())))
    }
}

/// The identity of an epoch, from what it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EpochKey(String);

impl EpochKey {
    /// A key as a journal wrote it.
    pub fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The key as text; it is a good file name.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The identity of a take: its epoch, its name and a hash of its content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TakeId(String);

impl TakeId {
    /// An id as a journal wrote it.
    pub fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The id as text; it is a good file name.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TakeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What happens at a cue.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A signal of the catalogue starts on a port.
    Play {
        /// An output port of the bench.
        port: Port,
        /// The id of the signal in the catalogue.
        signal: String,
        /// Its level at the port's calibrated plane: dBPa at MRP for `mouth`, dBm0 for `poi.receive`,
        /// by the level basis of the signal (whole cycle, active part, or P.56).
        level: Quantity,
    },
    /// Something is done to the device or the rig.
    Rig(RigAction),
    /// What arrives at one port of the network is played on the other, from here on and beside what else is played there: the
    /// far end is a loop whose echo loss is all that it has, no delay of its own.
    Loop {
        /// An input port of the bench.
        from: Port,
        /// An output port of the bench.
        to: Port,
        /// By how much softer; `None` opens the loop.
        loss: Option<Db>,
    },
}

/// What may be done to the device or the rig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RigAction {
    /// Sets the receive volume to a step.
    SetVolume(u32),
    /// Lets the reflecting panel in the cabin turn, or come to rest (clause 11.11.6).
    TurnReflector(bool),
    /// Hangs up and calls again, at the volume of the epoch's beginning: the device starts cold, as at the beginning of an
    /// epoch, with an open loop. A background noise goes on.
    NewCall,
}

/// An action at a frame of a take.
#[derive(Debug, Clone, PartialEq)]
pub struct Cue {
    /// The frame, from the start of the take.
    pub at: Frame,
    /// What happens.
    pub action: Action,
}

/// A named part of a take that a method analyses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The name.
    pub name: String,
    /// The frames, on the timeline of the cues.
    pub frames: Range<Frame>,
}

/// One recording inside an epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct TakeSpec {
    /// What the method calls it: a short lower-case word.
    pub name: String,
    /// The timeline, in the order of time.
    pub cues: Vec<Cue>,
    /// The parts that are analysed.
    pub spans: Vec<Span>,
    /// The input ports that are recorded. The bench adds `loopback`.
    pub record: BTreeSet<Port>,
    /// The length.
    pub duration: Frame,
    /// Whether it needs the take before it, unbroken: when it must be recorded again, so must that one.
    pub continues: bool,
}

impl TakeSpec {
    /// The canonical text: what is played and recorded, without names and analysed spans,
    /// so that entries that only look at it differently share one recording.
    pub fn content(&self) -> String {
        let mut text = format!("take {} frames\n", self.duration);
        for cue in &self.cues {
            let _ = match &cue.action {
                Action::Play { port, signal, level } => {
                    writeln!(text, "{} play {port} {signal} {level}", cue.at)
                }
                Action::Rig(RigAction::SetVolume(step)) => writeln!(text, "{} volume {step}", cue.at),
                Action::Rig(RigAction::TurnReflector(turns)) => {
                    writeln!(text, "{} reflector {}", cue.at, if *turns { "turns" } else { "rests" })
                }
                Action::Rig(RigAction::NewCall) => writeln!(text, "{} new call", cue.at),
                Action::Loop { from, to, loss: Some(loss) } => {
                    writeln!(text, "{} loop {from} {to} {}", cue.at, Quantity::new(loss.0, Unit::Db))
                }
                Action::Loop { from, to, loss: None } => writeln!(text, "{} loop {from} {to} open", cue.at),
            };
        }
        for port in &self.record {
            let _ = writeln!(text, "record {port}");
        }
        if self.continues {
            text.push_str("continues\n");
        }
        text
    }

    /// The identity of this take inside the epoch `epoch`.
    pub fn id(&self, epoch: &EpochKey) -> TakeId {
        TakeId(format!("{epoch}.{}-{}", self.name, short_hash(&self.content())))
    }

    /// The frames of the span `name`.
    pub fn span(&self, name: &str) -> Option<Range<Frame>> {
        self.spans.iter().find(|span| span.name == name).map(|span| span.frames.clone())
    }

    /// The duration in seconds.
    pub fn seconds(&self) -> Seconds {
        Seconds(self.duration as f64 / f64::from(RATE))
    }
}

/// The first ten hexadecimal digits of the SHA-256 of a text: enough to tell the takes of a run apart.
fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(5).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Unit;

    fn take(name: &str, level: f64) -> TakeSpec {
        TakeSpec {
            name: name.to_owned(),
            cues: vec![Cue {
                at: 0,
                action: Action::Play {
                    port: Port::of(Port::MOUTH),
                    signal: "speech".to_owned(),
                    level: Quantity::new(level, Unit::DbPa),
                },
            }],
            spans: Vec::new(),
            record: [Port::of(Port::POI_SEND)].into(),
            duration: 48_000,
            continues: false,
        }
    }

    #[test]
    fn volumes_are_read_as_they_are_written() {
        for (text, volume) in [
            ("nominal", Volume::Nominal),
            ("nominal+2", Volume::NominalPlus(2)),
            ("nominal-3", Volume::NominalPlus(-3)),
            ("maximum", Volume::Maximum),
            ("step-3", Volume::Step(3)),
        ] {
            assert_eq!(text.parse(), Ok(volume));
            assert_eq!(volume.to_string(), text);
        }
        for slip in ["nominal2", "nominal+", "step--1", "nominal+two", "loud", "nominal-5000"] {
            assert!(slip.parse::<Volume>().is_err(), "{slip}");
        }
        assert_eq!("nominal+0".parse(), Ok(Volume::Nominal));
    }

    #[test]
    fn a_loop_and_a_new_call_are_a_part_of_the_content() {
        let cue = |action| TakeSpec { cues: vec![Cue { at: 480, action }], ..take("a", -1.7) }.content();
        let looped = |loss: Option<f64>| {
            let [from, to] = [Port::POI_SEND, Port::POI_RECEIVE].map(Port::of);
            cue(Action::Loop { from, to, loss: loss.map(Db) })
        };
        assert!(looped(Some(35.0)).contains("480 loop poi.send poi.receive 35 dB\n"));
        assert!(looped(None).contains("480 loop poi.send poi.receive open\n"));
        assert!(cue(Action::Rig(RigAction::NewCall)).contains("480 new call\n"));
        assert_ne!(looped(Some(35.0)), looped(Some(30.0)));
    }

    #[test]
    fn identities_follow_the_content() {
        let call =
            CallState { bandwidth: Bandwidth::Wb, volume: Volume::Nominal, terminal: Terminal::Device };
        let epoch = EpochSpec { call, noise: None, preamble: Vec::new(), repeat: 0 };
        let key = epoch.key();
        assert!(key.text().starts_with("wb-nominal-"));
        assert_eq!(take("a", -1.7).id(&key), take("a", -1.7).id(&key));
        assert_ne!(take("a", -1.7).id(&key), take("a", -1.8).id(&key));
        let reference = CallState { terminal: Terminal::Reference, ..epoch.call.clone() };
        assert!(EpochSpec { call: reference, ..epoch.clone() }.key().text().starts_with("wb-reference-"));
        let none = CallState { terminal: Terminal::None, ..epoch.call.clone() };
        assert!(EpochSpec { call: none, ..epoch.clone() }.key().text().starts_with("wb-no-call-"));
        assert_ne!(EpochSpec { repeat: 1, ..epoch.clone() }.key(), key);
        let conditioned = EpochSpec { preamble: vec![take("c", -1.7)], ..epoch };
        assert_ne!(conditioned.key(), key);
    }
}
