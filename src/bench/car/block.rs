//! What a car is given and what it gives back, block by block.

use crate::bench::car::stage::{Block, SILENCE};
use crate::terms::Seat;

/// What a car gives back for what it was given, all of one length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CarOutputs {
    /// Digital signal at the POI.
    pub poi_send: Vec<f32>,
    /// Pa at the left ear.
    pub ear_left: Vec<f32>,
    /// Pa at the right ear.
    pub ear_right: Vec<f32>,
    /// Pa at the MRP: what the mouth plays there (room reflections are 20 dB below and left out).
    pub mic_mrp: Vec<f32>,
}

/// One block of what a car is given.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockInputs {
    /// Pa at the MRP of each mouth that speaks; the others are silent.
    pub mouths: Vec<(Seat, Block)>,
    /// Digital signal at the POI.
    pub receive: Block,
    /// Digital signal that takes the place of the microphone's, behind its converter.
    pub microphone: Option<Block>,
    /// Pa of sound that comes from outside of the model and is the same everywhere: at the microphones, at the bench's
    /// microphone, at every ear.
    pub ambient: Block,
}

impl Default for BlockInputs {
    fn default() -> Self {
        Self { mouths: Vec::new(), receive: SILENCE, microphone: None, ambient: SILENCE }
    }
}

/// One block at the access points of the terminal (clause 8), digital.
#[derive(Debug, Clone, PartialEq)]
pub struct Taps {
    /// What the microphones deliver, before all processing, also while something is inserted in its place: ±1.0 is where
    /// their converter clips.
    pub microphone: Block,
    /// What the echo canceller takes for the far end: ±1.0 is full scale of the receive direction.
    pub echo_reference: Block,
    /// What goes to the amplifier, behind the converter of the receive direction with its images, on the same scale.
    pub loudspeaker: Block,
}

impl Taps {
    /// What they carry without a call.
    pub(super) const fn none() -> Self {
        Self { microphone: SILENCE, echo_reference: SILENCE, loudspeaker: SILENCE }
    }
}

/// One block in receive: the sound of the loudspeaker in Pa at 1 m, and what led to it, digital.
pub(super) struct Playback {
    pub(super) sound: Block,
    pub(super) echo_reference: Block,
    pub(super) amplifier: Block,
}

impl Playback {
    /// Without a call.
    pub(super) const fn none() -> Self {
        Self { sound: SILENCE, echo_reference: SILENCE, amplifier: SILENCE }
    }
}

/// One block of what a car gives back.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockOutputs {
    /// Digital signal at the POI.
    pub poi_send: Block,
    /// What goes into the network at the POI: what is played there, and what a loop returns.
    pub receive: Block,
    /// Pa at the left and the right ear of every head, the driver's first.
    pub ears: Vec<(Seat, [Block; 2])>,
    /// Pa at the bench's microphone at the driver's head.
    pub reference: Block,
    /// The access points of the terminal.
    pub taps: Taps,
}
