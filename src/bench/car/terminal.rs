//! The hands-free terminal of the virtual car: between network and cabin.
//!
//! Signals towards the network are digital (±1.0 is full scale, where the converter of the microphone and the output
//! clip, as real ones do); signals towards the cabin are pascals.

pub mod course;
pub mod process;
pub mod real;
pub mod reference;

use crate::bench::StopFlag;
use crate::bench::car::RATE_HZ;
use crate::bench::car::dynamics::Gains;
use crate::bench::car::program::ProgramFailure;
use crate::bench::car::spec::{TerminalKind, TerminalSpec};
use crate::bench::car::stage::{Block, response_delay};
use crate::terms::Bandwidth;
use crate::units::DBOV_AT_0_DBM0;

/// The sound at the microphone, in Pa, in parts that only the reference terminal may tell apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Sounds {
    /// Everything but the echo.
    pub near: Block,
    /// What of `near` nobody said.
    pub noise: Block,
    /// What came from the loudspeaker by ways that stay as they are.
    pub echo: Block,
    /// What came from the loudspeaker by a way that moves.
    pub moving: Block,
}

impl Sounds {
    /// All that came from the loudspeaker.
    pub fn whole_echo(&self) -> Block {
        std::array::from_fn(|at| self.echo[at] + self.moving[at])
    }
}

/// A running terminal.
pub enum Terminal {
    /// See [`reference::Reference`].
    Reference(Box<reference::Reference>),
    /// See [`real::Real`].
    Real(Box<real::Real>),
    /// See [`process::Process`].
    Process(Box<process::Process>),
}

impl Terminal {
    /// The terminal at the beginning of a call: cold canceller, empty lines.
    pub fn new(spec: &TerminalSpec, bandwidth: Bandwidth, volume_step: u32, seed: u64) -> Self {
        match &spec.kind {
            TerminalKind::Reference(own) => {
                let model = reference::Model::new(spec, own, bandwidth);
                Self::Reference(Box::new(reference::Reference::new(
                    spec,
                    own,
                    &model,
                    bandwidth,
                    volume_step,
                    seed,
                )))
            }
            TerminalKind::Real(own) => {
                Self::Real(Box::new(real::Real::new(spec, own, bandwidth, volume_step)))
            }
            TerminalKind::Process(own) => {
                Self::Process(Box::new(process::Process::new(spec, own, bandwidth, volume_step, seed)))
            }
        }
    }

    /// Turns the volume to `step`, at once.
    pub fn set_volume(&mut self, spec: &TerminalSpec, step: u32) {
        let gain = receive_gain(spec, step) as f32;
        match self {
            Self::Reference(terminal) => terminal.set_receive_gain(gain),
            Self::Real(terminal) => terminal.set_receive_gain(gain),
            Self::Process(terminal) => terminal.set_receive_gain(gain),
        }
    }

    /// From the network (digital) to the loudspeaker (Pa at 1 m), in place.
    pub fn receive(&mut self, block: &mut Block) {
        match self {
            Self::Reference(terminal) => terminal.receive(block),
            Self::Real(terminal) => terminal.receive(block),
            Self::Process(terminal) => terminal.receive(block),
        }
    }

    /// From the microphone to the network (digital).
    pub fn send(&mut self, sounds: &Sounds) -> Block {
        match self {
            Self::Reference(terminal) => terminal.send(sounds),
            Self::Real(terminal) => terminal.send(&sounds.near, &sounds.whole_echo()),
            Self::Process(terminal) => terminal.send(&sounds.near, &sounds.whole_echo()),
        }
    }

    /// Tells a reference terminal what the talker makes at the microphone, in Pa, before the block is received.
    pub fn listen(&mut self, talker: &Block) {
        if let Self::Reference(terminal) = self {
            terminal.listen(talker);
        }
    }

    /// The gains of the last block of a reference terminal that changes over time.
    pub fn gains(&self) -> Option<&Gains> {
        match self {
            Self::Reference(terminal) => terminal.gains(),
            Self::Real(_) | Self::Process(_) => None,
        }
    }
}

impl Terminal {
    /// Lets a terminal that must wait look for a stop while it does.
    pub fn heed(&mut self, stop: &StopFlag) {
        if let Self::Process(terminal) = self {
            terminal.heed(stop);
        }
    }

    /// Looks for what a program gave that nobody asked for, when everything was answered.
    pub fn settle(&mut self) {
        if let Self::Process(terminal) = self {
            terminal.settle();
        }
    }

    /// Why the terminal gives silence from some block on, if it does.
    pub fn failure(&self) -> Option<&ProgramFailure> {
        match self {
            Self::Process(terminal) => terminal.failure(),
            Self::Reference(_) | Self::Real(_) => None,
        }
    }

    /// Loses frames of the send direction (positive) or repeats them, from the next block on.
    pub fn slip(&mut self, lost: i32) {
        match self {
            _ if lost == 0 => {}
            Self::Reference(terminal) => terminal.slip(lost),
            Self::Real(terminal) => terminal.slip(lost),
            Self::Process(terminal) => terminal.slip(lost),
        }
    }
}

/// Digital amplitude for 1 Pa at the microphone.
pub fn send_gain(spec: &TerminalSpec) -> f64 {
    10f64.powf((spec.send_gain_db + DBOV_AT_0_DBM0) / 20.0)
}

/// The amplitude in Pa at which the microphone's converter clips.
pub fn overload(spec: &TerminalSpec) -> f64 {
    spec.send_overload_dbpa.map_or_else(|| 1.0 / send_gain(spec), |dbpa| 10f64.powf(dbpa / 20.0))
}

/// Pa at 1 m for the digital amplitude 1 at a volume step.
pub fn receive_gain(spec: &TerminalSpec, step: u32) -> f64 {
    let loudest = spec.volume_steps.saturating_sub(1);
    let below = f64::from(loudest - step.min(loudest));
    10f64.powf((spec.receive_gain_db - DBOV_AT_0_DBM0 - below * spec.volume_step_db) / 20.0)
}

/// The shortest delays (send, receive) that the terminal's filters allow in calls of `bandwidth`, in seconds.
pub fn least_delays_s(spec: &TerminalSpec, bandwidth: Bandwidth) -> (f64, f64) {
    let (send, receive) = latencies(spec, bandwidth);
    (send as f64 / RATE_HZ, receive as f64 / RATE_HZ)
}

/// What the terminal's filters take (send, receive), in samples.
fn latencies(spec: &TerminalSpec, bandwidth: Bandwidth) -> (usize, usize) {
    let send = response_delay(&spec.send_response);
    let receive = response_delay(&spec.receive_response);
    match &spec.kind {
        TerminalKind::Reference(own) => {
            let shapes = response_delay(&own.dynamics.double_talk.send_loss_response);
            (send + response_delay(&own.echo_loss_response).max(shapes), receive)
        }
        TerminalKind::Real(own) => {
            (send + real::send_latency(own, bandwidth), receive + real::receive_latency(bandwidth))
        }
        TerminalKind::Process(own) => {
            (send + process::send_latency(own), receive + process::receive_latency(own))
        }
    }
}
