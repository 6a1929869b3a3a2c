//! A call while it is recorded: which it is, and how far it is.

use std::sync::Arc;

use crate::bench::RenderedNoise;
use crate::event::TrackRecord;
use crate::plan::schedule::PlannedEpoch;
use crate::run::render;
use crate::take::{BLOCK, EpochKey, Frame, TakeId, TakeSpec};

/// A background noise, made once in a session.
pub(super) struct Bed {
    pub noise: RenderedNoise,
    /// Its recording, as it is stored in the run.
    pub stored: TrackRecord,
}

/// A take that is to be recorded in a call.
pub(super) struct Coming<'a> {
    pub spec: &'a TakeSpec,
    pub id: TakeId,
    /// The frame of the call at which it begins.
    pub at: Frame,
    /// Whether it is recorded already, and played again for what follows it.
    pub replay: bool,
}

/// A call while it is recorded.
pub(super) struct OpenCall<'a> {
    pub epoch: &'a PlannedEpoch,
    pub bed: Option<Arc<Bed>>,
    /// The frame of the call at which the next take begins, as the plan has it: takes that are stored already count too, so
    /// that a background noise is where it was when the call is recorded in parts.
    pub at: Frame,
}

impl OpenCall<'_> {
    /// Leaves a take behind, recorded now or earlier. Benches work in whole blocks.
    pub fn pass(&mut self, take: &TakeSpec) {
        self.at += take.duration.next_multiple_of(BLOCK as Frame);
    }

    /// What the rendering of a take that begins at this frame of the call needs to know.
    pub fn at(&self, from: Frame) -> render::Call<'_> {
        render::Call { epoch: &self.epoch.key, bandwidth: self.epoch.spec.call.bandwidth, from }
    }
}

/// The seed of an epoch: a hash of the run's seed and the epoch's identity, so that it depends neither
/// on the order of recording nor on the other epochs.
pub fn seed_of(run: u64, epoch: &EpochKey) -> u64 {
    use sha2::{Digest, Sha256};
    let digest =
        Sha256::new().chain_update(run.to_le_bytes()).chain_update(epoch.text().as_bytes()).finalize();
    digest.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_depend_on_run_and_epoch() {
        let (a, b) = (EpochKey::stored("a"), EpochKey::stored("b"));
        assert_eq!(seed_of(1, &a), seed_of(1, &a));
        assert_ne!(seed_of(1, &a), seed_of(2, &a));
        assert_ne!(seed_of(1, &a), seed_of(1, &b));
    }
}
