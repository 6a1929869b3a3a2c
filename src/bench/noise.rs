//! The background noise of a call as a bench is handed it: one turn, which is repeated for as long as the call lasts.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::take::{Frame, RATE};
use crate::terms::Port;

/// So long the noise sounds before the call is set up, in frames: longer than noise reduction takes to settle, and what
/// the clause on convergence in noise asks for (at least 5 s).
pub const NOISE_LEAD: Frame = 5 * RATE as Frame;

/// A background noise, ready to sound.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedNoise {
    /// Its id in the catalogue.
    pub signal: String,
    /// One turn of the recording at the driver's head (of a recording without such a channel, of its first), in Pa: what
    /// the replayed field is held against.
    pub recording: Arc<[f32]>,
    /// Where it sounds.
    pub sound: NoiseSound,
    /// Whether it stands in for a recording of a real car.
    pub method_equivalent: bool,
}

/// Where a background noise sounds. All turns of a noise have the same length.
#[derive(Debug, Clone, PartialEq)]
pub enum NoiseSound {
    /// A field in a simulated cabin: one turn in Pa at each point that the noise has.
    Points(BTreeMap<String, Arc<[f32]>>),
    /// Loudspeakers of a bench: one turn for each port, raw digital full scale.
    Ports(BTreeMap<Port, Arc<[f32]>>),
}
