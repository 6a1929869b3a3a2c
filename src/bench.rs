//! The bench: what records takes. Live and virtual benches are peers behind one trait.

pub mod car;
pub mod live;
pub mod noise;
pub mod tap;

#[cfg(test)]
pub(crate) mod suite;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use crate::capture::Certificate;
use crate::context::BenchInfo;
use crate::event::{Failure, Telemetry};
use crate::take::{EpochKey, Frame, RigAction, TakeId, Terminal};
use crate::terms::{Bandwidth, Port};

pub use noise::RenderedNoise;
pub use tap::{Sound, SoundSender, Tap};

/// An epoch with everything decided.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedEpoch {
    /// Its identity.
    pub key: EpochKey,
    /// The seed of everything random in it.
    pub seed: u64,
    /// The speech band of the call.
    pub bandwidth: Bandwidth,
    /// The receive volume step at call set-up.
    pub volume_step: u32,
    /// Who is called.
    pub terminal: Terminal,
    /// The background noise, which sounds from [`noise::NOISE_LEAD`] before the call is set up until it ends.
    pub noise: Option<RenderedNoise>,
}

/// A take with its tracks, ready to be played.
#[derive(Debug, Clone)]
pub struct RenderedTake {
    /// Its identity.
    pub id: TakeId,
    /// The epoch, for telemetry.
    pub epoch: EpochKey,
    /// The frame of the call at which it begins, counted over every take that is planned before it, recorded in this call or
    /// not: there a simulated background noise is, whenever the take is recorded.
    pub from: Frame,
    /// The length in frames.
    pub duration: Frame,
    /// Tracks by output port, raw digital full scale, each `duration` long.
    pub tracks: BTreeMap<Port, Arc<[f32]>>,
    /// Actions by frame, in the order of time.
    pub actions: Vec<(Frame, RigAction)>,
    /// Loops that are closed and opened, in the order of time; behind the actions of the same frame.
    pub loops: Vec<LoopCue>,
    /// The input ports to record.
    pub record: Vec<Port>,
}

/// A loop is closed, or opened again.
#[derive(Debug, Clone, PartialEq)]
pub struct LoopCue {
    /// The frame.
    pub at: Frame,
    /// What arrives at this port
    pub from: Port,
    /// is played on that one too,
    pub to: Port,
    /// its samples times this factor; `None` opens the loop.
    pub gain: Option<f32>,
}

impl RenderedTake {
    /// Every sample to be played must be a number.
    ///
    /// # Errors
    /// [`BenchError::StopRun`]: playing it again gives the same.
    pub fn check_numbers(&self) -> Result<(), BenchError> {
        let broken = self.tracks.iter().find(|(_, track)| track.iter().any(|sample| !sample.is_finite()));
        broken.map_or(Ok(()), |(port, _)| {
            Err(BenchError::StopRun(format!(
                "the track for port {port} of take {} holds a value that is no number",
                self.id
            )))
        })
    }
}

/// Takes the recorded blocks of every port; a store implements it.
pub trait CaptureSink {
    /// Appends samples to the track of a port, raw digital full scale.
    ///
    /// # Errors
    /// The storage failed; the take is lost, the run is not.
    fn write(&mut self, port: &Port, samples: &[f32]) -> Result<(), SinkError>;
}

/// The storage failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot write the recording of {port}: {cause}")]
pub struct SinkError {
    /// The port.
    pub port: Port,
    /// Why.
    pub cause: String,
}

/// Asks a bench to stop; shared between a face and the bench. A bench looks at it in every block.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks to stop.
    pub fn stop(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether a stop was asked for.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Sends telemetry that may be lost: a full channel drops it, a face can never slow the bench.
#[derive(Debug, Clone, Default)]
pub struct TelemetrySender {
    channel: Option<SyncSender<Telemetry>>,
    sounds: Option<SoundSender>,
}

impl TelemetrySender {
    /// Sends into `channel`.
    pub fn new(channel: SyncSender<Telemetry>) -> Self {
        Self { channel: Some(channel), sounds: None }
    }

    /// The same, which sends the sound of ports too.
    #[must_use]
    pub fn with_sounds(self, sounds: SoundSender) -> Self {
        Self { sounds: Some(sounds), ..self }
    }

    /// Sends to nobody.
    pub fn none() -> Self {
        Self::default()
    }

    /// Sends, or drops when the channel is full or nobody listens.
    pub fn send(&self, telemetry: Telemetry) {
        if let Some(channel) = &self.channel {
            // Telemetry may be lost by design: the journal holds what counts.
            drop(channel.try_send(telemetry));
        }
    }

    /// Whether somebody listens, so that costly telemetry need not be computed.
    pub fn is_listened_to(&self) -> bool {
        self.channel.is_some()
    }

    /// The way of sound out of a new call.
    pub fn tap(&self) -> Tap {
        Tap::new(self.sounds.clone())
    }
}

/// Why the bench could not do what it was asked, grouped by what the caller does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BenchError {
    /// Worth another attempt: a lost block, a device that was busy.
    #[error("{0}")]
    TryAgain(String),
    /// An operator must act first; the text says what to do.
    #[error("{0}")]
    AskOperator(String),
    /// The run cannot go on with this bench.
    #[error("{0}")]
    StopRun(String),
    /// The stop flag was seen.
    #[error("stopped by the user")]
    Stopped,
}

impl BenchError {
    /// What the caller does next.
    pub fn failure(&self) -> Failure {
        match self {
            Self::TryAgain(_) => Failure::TryAgain,
            Self::AskOperator(_) => Failure::AskOperator,
            Self::StopRun(_) => Failure::StopRun,
            Self::Stopped => Failure::Stopped,
        }
    }
}

impl From<SinkError> for BenchError {
    fn from(error: SinkError) -> Self {
        Self::StopRun(error.to_string())
    }
}

/// What records takes: interfaces and a car, or a car in software.
pub trait Bench: Send {
    /// The bench as planning and evaluation see it.
    fn info(&self) -> &BenchInfo;

    /// Sets up a new call: the device starts cold. Streams open and stay open.
    ///
    /// # Errors
    /// See [`BenchError`].
    fn open(&mut self, epoch: &RenderedEpoch, telemetry: &TelemetrySender) -> Result<(), BenchError>;

    /// Plays and records one take. The state of the call carries over from the take before.
    ///
    /// # Errors
    /// See [`BenchError`]; whatever was written to `sink` before the error is thrown away by the caller.
    fn take(
        &mut self,
        take: &RenderedTake,
        sink: &mut dyn CaptureSink,
        stop: &StopFlag,
    ) -> Result<Certificate, BenchError>;

    /// Ends the call and brings everything into its safe state, in declared order.
    ///
    /// # Errors
    /// See [`BenchError`]. Closing what is not open is no error.
    fn close(&mut self) -> Result<(), BenchError>;
}

/// Makes benches of one kind: as many as can run side by side.
pub trait BenchMaker: Sync {
    /// The bench that all of them are.
    fn info(&self) -> &BenchInfo;

    /// One bench.
    ///
    /// # Errors
    /// See [`BenchError`].
    fn make(&self) -> Result<Box<dyn Bench>, BenchError>;

    /// How many may run side by side; 1 for real hardware.
    fn parallel_max(&self) -> usize;
}
