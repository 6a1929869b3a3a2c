//! Faults of the virtual car and of its bench: seeded, and each says which findings must, may and must not react.
//!
//! The same three disturbances at two places. In the *device*, at the output of its terminal towards the network, they
//! are the car's own behavior and are measured like everything else. In the *bench* they disturb everything that is
//! recorded at once, the loopback included, as lost blocks and slipping clocks of real interfaces do; nobody tells the
//! certificate, it reads them off the loopback. Times count from the beginning of each take that records something.

use std::ops::Range;

use crate::bench::car::stage::Block;
use crate::signals::random::Random;
use crate::take::{BLOCK, Frame};

/// Where a fault sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the terminal's send path.
    Device,
    /// In all inputs of the bench.
    Bench,
}

/// What a fault does to a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Disturbance {
    /// Silence for some frames.
    Muted {
        /// The first one.
        from: Frame,
        /// How many.
        frames: Frame,
    },
    /// Clipping at this amplitude, all the time.
    Clipped {
        /// Relative to digital full scale.
        amplitude: f32,
    },
    /// Frames that are lost at once (positive) or repeated (negative), fewer than a block.
    Slipped {
        /// Where.
        at: Frame,
        /// How many.
        lost: i32,
    },
}

/// How a finding answers to a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// It changes (device) or its entry is inconclusive or an error (bench).
    Must,
    /// It changes or not.
    May,
    /// It stays what it was.
    MustNot,
}

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// Where it sits.
    pub place: Place,
    /// What it does.
    pub disturbance: Disturbance,
}

/// How long a seeded fault is silent: 200 ms.
const MUTED_FRAMES: Frame = 9_600;
/// How far a seeded fault slips.
const SLIPPED_FRAMES: i32 = 40;

impl Fault {
    /// The fault of a seed: what it does, where within `within` (at least 300 ms of each recorded take) and how much.
    pub fn seeded(place: Place, seed: u64, within: Range<Frame>) -> Self {
        let mut random = Random::new(seed);
        let last = within.end.saturating_sub(MUTED_FRAMES).max(within.start + 1);
        let at = within.start + (random.uniform() * (last - within.start) as f64) as Frame;
        let disturbance = match seed % 3 {
            0 => Disturbance::Muted { from: at, frames: MUTED_FRAMES },
            // Speech of −18 dBm0 has peaks around 0.3.
            1 => Disturbance::Clipped { amplitude: (0.02 + 0.04 * random.uniform()) as f32 },
            _ => Disturbance::Slipped { at, lost: random.sign() as i32 * SLIPPED_FRAMES },
        };
        Self { place, disturbance }
    }

    /// How the finding of a measurand answers to the fault, when it strikes while something is played.
    pub fn reaction(&self, measurand: &str) -> Reaction {
        const RECEIVE: [&str; 5] =
            ["rlr", "receive_sensitivity", "delay_receive", "volume_nominal", "rlr_nominal"];
        match (self.place, self.disturbance) {
            (Place::Bench, _) => Reaction::Must,
            (Place::Device, _) if RECEIVE.contains(&measurand) => Reaction::MustNot,
            (Place::Device, Disturbance::Clipped { .. })
                if ["slr", "send_sensitivity"].contains(&measurand) =>
            {
                Reaction::Must
            }
            (Place::Device, _) => Reaction::May,
        }
    }
}

impl Disturbance {
    /// What becomes of a block that begins at the frame `at` of a recording. Lost frames shorten it, repeated ones
    /// lengthen it.
    pub fn recorded(&self, at: Frame, block: &Block) -> Vec<f32> {
        match *self {
            Self::Slipped { at: slip, lost } if (at..at + BLOCK as Frame).contains(&slip) => {
                // Within the block, so that nothing of another one is needed.
                let reach = (lost.unsigned_abs() as usize).min(BLOCK - 1);
                let cut = ((slip - at) as usize).clamp(reach, BLOCK - reach);
                let resume = if lost > 0 { cut + reach } else { cut - reach };
                [&block[..cut], &block[resume..]].concat()
            }
            _ => {
                let mut block = *block;
                self.disturb(at, &mut block);
                block.to_vec()
            }
        }
    }

    /// Mutes or clips a block that begins at the frame `at`, in place. Slips are not done here.
    pub fn disturb(&self, at: Frame, block: &mut Block) {
        match *self {
            Self::Muted { from, frames } => {
                let muted = from..from + frames;
                for (n, sample) in block.iter_mut().enumerate() {
                    if muted.contains(&(at + n as Frame)) {
                        *sample = 0.0;
                    }
                }
            }
            Self::Clipped { amplitude } => {
                for sample in block.iter_mut() {
                    *sample = sample.clamp(-amplitude, amplitude);
                }
            }
            Self::Slipped { .. } => {}
        }
    }

    /// How many frames are lost in a block that begins at the frame `at`.
    pub fn slip(&self, at: Frame) -> i32 {
        match *self {
            Self::Slipped { at: slip, lost } if (at..at + BLOCK as Frame).contains(&slip) => lost,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Block {
        std::array::from_fn(|n| n as f32 + 1.0)
    }

    #[test]
    fn slips_lose_and_repeat_the_stated_frames() {
        for at in [480, 500, 700, 959] {
            let lost = Disturbance::Slipped { at, lost: 40 }.recorded(480, &ramp());
            assert_eq!(lost.len(), 440);
            assert_eq!(
                lost.windows(2).filter(|pair| pair[1] - pair[0] == 41.0).count(),
                usize::from(at < 920)
            );
            let repeated = Disturbance::Slipped { at, lost: -40 }.recorded(480, &ramp());
            assert_eq!(repeated.len(), 520);
            assert_eq!(repeated.windows(2).filter(|pair| pair[1] - pair[0] == -39.0).count(), 1);
        }
        assert_eq!(Disturbance::Slipped { at: 479, lost: 40 }.recorded(480, &ramp()), ramp());
    }

    #[test]
    fn mutes_and_clips_touch_what_they_say() {
        let muted = Disturbance::Muted { from: 490, frames: 5 }.recorded(480, &ramp());
        assert_eq!(muted.iter().filter(|x| **x == 0.0).count(), 5);
        assert_eq!((muted[9], muted[10], muted[15]), (10.0, 0.0, 16.0));
        let clipped = Disturbance::Clipped { amplitude: 7.0 }.recorded(0, &ramp());
        assert_eq!((clipped[5], clipped[6], clipped[479]), (6.0, 7.0, 7.0));
    }

    #[test]
    fn seeds_spread_over_kinds_and_times() {
        let faults: Vec<Fault> =
            (0..60).map(|seed| Fault::seeded(Place::Bench, seed, 96_000..300_000)).collect();
        let mut times = Vec::new();
        for fault in &faults {
            match fault.disturbance {
                Disturbance::Muted { from, frames } => {
                    assert!(from >= 96_000 && from + frames <= 300_000);
                    times.push(from);
                }
                Disturbance::Slipped { at, lost } => {
                    assert!((96_000..300_000).contains(&at) && lost.abs() == 40);
                    times.push(at);
                }
                Disturbance::Clipped { amplitude } => assert!((0.02..0.06).contains(&amplitude)),
            }
        }
        times.sort_unstable();
        times.dedup();
        assert_eq!(times.len(), 40);
    }
}
