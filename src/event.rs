//! What happens in a run: journalled events, lossy telemetry, commands.
//!
//! A run is the fold of its events. Faces know nothing else about results.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::capture::Certificate;
use crate::entry::EntryId;
use crate::finding::FactValue;
use crate::take::{EpochKey, Frame, TakeId};
use crate::terms::{CodecMode, Port};
use crate::units::Quantity;
use crate::verdict::{Flag, Verdict};

mod reading;

pub use reading::{BandReading, LineReading, Listened, Reading, Side, Spectra, Standing};

/// One track as the journal names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackRecord {
    /// The port.
    pub port: Port,
    /// The file below the run's folder.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// The number of frames.
    pub frames: Frame,
}

/// Why a take was not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Worth another attempt.
    TryAgain,
    /// An operator has to do something first.
    AskOperator,
    /// The run cannot go on.
    StopRun,
    /// The user stopped it.
    Stopped,
}

/// An event of the acquisition, journalled before anything builds on it.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The run began.
    RunStarted {
        /// The title of the plan.
        plan: String,
        /// The name of the bench.
        bench: String,
        /// The seed that everything random derives from.
        seed: u64,
        /// The version of the program.
        software: String,
        /// The selected entries, in the order of the plan.
        entries: Vec<EntryId>,
    },
    /// The run was taken up again after a stop, a kill or a power cut.
    RunResumed {
        /// The version of the program.
        software: String,
    },
    /// A call was set up.
    EpochOpened {
        /// The epoch.
        epoch: EpochKey,
        /// How often it was opened, from 1.
        attempt: u32,
        /// Its seed.
        seed: u64,
        /// The volume step of the call.
        volume_step: u32,
        /// What carried the call: codec, mode, delays.
        network: String,
    },
    /// A take was recorded and its tracks are on disk.
    TakeRecorded {
        /// The epoch.
        epoch: EpochKey,
        /// The take.
        take: TakeId,
        /// Which attempt this is, from 1.
        attempt: u32,
        /// Whether it only replays a preamble that is recorded already.
        replay: bool,
        /// Whether a verdict may stand on it: the certificate is not bad.
        kept: bool,
        /// The canonical text of what was asked for.
        content: String,
        /// Recorded tracks.
        captures: Vec<TrackRecord>,
        /// Played tracks.
        stimuli: Vec<TrackRecord>,
        /// The integrity certificate.
        certificate: Certificate,
        /// Whether a played signal stands in for a licensed recording.
        method_equivalent: bool,
    },
    /// A take could not be recorded.
    TakeFailed {
        /// The epoch.
        epoch: EpochKey,
        /// The take.
        take: TakeId,
        /// Which attempt this was, from 1.
        attempt: u32,
        /// What the caller does next.
        failure: Failure,
        /// What happened and what helps.
        reason: String,
    },
    /// An adaptive entry chose what to do next.
    Decided {
        /// The entry.
        entry: EntryId,
        /// Which of its decisions, from 1.
        step: u32,
        /// The take that it asked for; `None`: it is done.
        take: Option<TakeId>,
        /// Why.
        reason: String,
    },
    /// A finding became a fact that planning uses.
    FactFound {
        /// The name, as `volume.nominal`.
        key: String,
        /// The value.
        value: FactValue,
        /// The entry that found it.
        entry: EntryId,
        /// Codec and mode of the call that it was found in.
        call: Option<CodecMode>,
        /// The calibration record that it comes from, when the run did not find it itself.
        record: Option<String>,
    },
    /// A method has something against going on: the run stops until an operator has answered.
    Held {
        /// The entry, or the check that was made again.
        entry: EntryId,
        /// Its method.
        method: String,
        /// What it has against it, and what to do.
        reason: String,
    },
    /// An operator accepted an objection; the run goes on as it is.
    HoldAccepted {
        /// The entry that objected.
        entry: EntryId,
    },
    /// A check was made again between two calls.
    Rechecked {
        /// Which one, with its number.
        entry: EntryId,
        /// Its method.
        method: String,
        /// What it found.
        note: String,
        /// Whether it has nothing against going on: open objections of its method are answered by that.
        is_good: bool,
    },
    /// The call ended and the bench is in its safe state.
    EpochClosed {
        /// The epoch.
        epoch: EpochKey,
    },
    /// The run stopped before it was complete; it can be resumed.
    RunStopped {
        /// Why.
        reason: String,
    },
    /// Everything that could be recorded is.
    RunFinished,
}

/// One judgement of an entry, appended to an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryJudged {
    /// The entry.
    pub entry: EntryId,
    /// The verdict.
    pub verdict: Verdict,
    /// What stands beside it.
    pub flags: Vec<Flag>,
    /// The smallest distance to a limit, positive inside.
    pub margin: Option<Quantity>,
    /// Why.
    pub reason: String,
}

/// What a live view may show and lose: never journalled.
#[derive(Debug, Clone, PartialEq)]
pub enum Telemetry {
    /// How far the take is.
    TakeProgress {
        /// The epoch.
        epoch: EpochKey,
        /// The take.
        take: TakeId,
        /// Frames done.
        done: Frame,
        /// Frames in all.
        total: Frame,
    },
    /// Levels of one block, in dBov, by port.
    Levels {
        /// RMS and peak level of each recorded port.
        levels: BTreeMap<Port, (f64, f64)>,
    },
    /// How far the run is.
    RunProgress {
        /// Seconds of sound recorded.
        done_s: f64,
        /// Seconds of sound planned so far.
        total_s: f64,
    },
    /// What the monitor reads from a port that is watched, ten times a second.
    Reading(Arc<Reading>),
    /// What became of listening, once a second, when a problem comes or goes, and at the end.
    Listening(Listened),
}

/// What a face may ask of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Stop within 100 ms; the run can be resumed.
    Stop,
}
