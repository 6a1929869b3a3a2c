//! The heads in a running car: what each hears, and where what it says is heard.

use crate::bench::car::cabin::{Head, Path};
use crate::bench::car::stage::{Block, NoiseSource, Sound};
use crate::terms::Seat;

/// A head that hears.
pub(super) struct Listener {
    pub(super) seat: Seat,
    pub(super) loudspeaker: [Sound; 2],
    pub(super) noise: Option<[NoiseSource; 2]>,
}

/// A head that talks: to the microphone, and to the ears of those that hear it.
pub(super) struct Talker {
    pub(super) seat: Seat,
    pub(super) to_microphone: Sound,
    pub(super) to_ears: Vec<(Seat, [Sound; 2])>,
}

impl Talker {
    pub(super) fn new(seat: Seat, head: &Head) -> Self {
        let sounds = |paths: &[Path; 2]| [Sound::new(&paths[0]), Sound::new(&paths[1])];
        let others = head.mouth_to_others.iter().map(|(other, paths)| (*other, sounds(paths)));
        Self {
            seat,
            to_microphone: Sound::new(&head.mouth_to_microphone),
            to_ears: std::iter::once((seat, sounds(&head.mouth_to_ears))).chain(others).collect(),
        }
    }
}

impl Listener {
    /// What the loudspeaker and the cabin make at the ears.
    pub(super) fn hear(&mut self, loudspeaker: &Block) -> [Block; 2] {
        let [left, right] = &mut self.loudspeaker;
        let mut ears = [left.arrival(loudspeaker), right.arrival(loudspeaker)];
        if let Some(noises) = &mut self.noise {
            ears.iter_mut().zip(noises).for_each(|(ear, noise)| noise.add_to(ear));
        }
        ears
    }
}
