//! The loopback of the virtual rig: a sequence in which every sample names its own frame, and what is read off it.
//!
//! The bench plays the sequence in every take and records it with everything else. Where the recording is the sequence,
//! frame after frame, nothing was lost, repeated or altered on the way; where it is not, the frames that the samples
//! name say what happened. Nothing here knows of faults.

use crate::bench::car::stage::Block;
use crate::capture::{Certificate, Grade};
use crate::take::{Frame, RATE};

/// The sequence has 2^24 frames, 349 s, and begins again.
const BITS: u32 = 24;
const MASK: u32 = (1 << BITS) - 1;
/// An odd factor and its inverse modulo 2^24.
const FACTOR: u32 = 0x9E_3779;
const INVERSE: u32 = inverse(FACTOR);
/// So many frames in a row that name each other's neighbors are no chance.
const RUN: u32 = 4;
/// No slip is longer: 1 s.
const REACH: u32 = RATE;

/// The inverse of an odd number modulo 2^24, by Newton's iteration.
const fn inverse(odd: u32) -> u32 {
    let (mut x, mut round) = (odd, 0);
    while round < 5 {
        x = x.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(x)));
        round += 1;
    }
    x & MASK
}

/// A one-to-one scrambling of 24 bits.
const fn scramble(frame: u32) -> u32 {
    let x = frame.wrapping_mul(FACTOR) & MASK;
    let x = x ^ (x >> (BITS / 2));
    x.wrapping_mul(FACTOR) & MASK
}

const fn unscramble(value: u32) -> u32 {
    let x = value.wrapping_mul(INVERSE) & MASK;
    let x = x ^ (x >> (BITS / 2));
    x.wrapping_mul(INVERSE) & MASK
}

/// The sample of a frame: an odd multiple of 2^−24 between −1 and 1, so it is exact and never 0.
fn sample(frame: Frame) -> f32 {
    let odd = 2 * scramble(frame as u32 & MASK) as i32 + 1 - (1 << BITS);
    odd as f32 / (1 << BITS) as f32
}

/// The frame that a sample names, if it is one of the sequence.
fn frame_of(sample: f32) -> Option<u32> {
    let odd = f64::from(sample) * f64::from(1 << BITS);
    // In whole numbers: every frame of every take comes by here, and a remainder of floats takes a sixth of the run.
    let whole = odd as i32;
    let is_one = odd.abs() < f64::from(1 << BITS) && f64::from(whole) == odd && whole & 1 == 1;
    is_one.then(|| unscramble((whole + (1 << BITS) - 1) as u32 / 2))
}

/// The block of the sequence that begins at a frame.
pub fn block(at: Frame) -> Block {
    std::array::from_fn(|n| sample(at + n as Frame))
}

/// Reads a recording of the sequence, block by block.
#[derive(Debug, Default)]
pub struct Watch {
    /// Frames read.
    read: Frame,
    /// How far the recording is ahead of the sequence, modulo 2^24.
    ahead: u32,
    /// Another lead that the latest frames agree on, and how many do.
    candidate: (u32, u32),
    lost: u64,
    repeated: u64,
    silent: u64,
    altered: u64,
    /// The first frame that was wrong.
    first: Option<Frame>,
}

impl Watch {
    /// Reads what was recorded next.
    pub fn read(&mut self, recorded: &[f32]) {
        for &sample in recorded {
            let ahead = frame_of(sample).map(|frame| frame.wrapping_sub(self.read as u32) & MASK);
            if ahead == Some(self.ahead) {
                self.candidate.1 = 0;
            } else {
                self.wrong(sample, ahead);
            }
            self.read += 1;
        }
    }

    fn wrong(&mut self, sample: f32, ahead: Option<u32>) {
        self.first.get_or_insert(self.read);
        if sample == 0.0 {
            self.silent += 1;
        } else {
            self.altered += 1;
        }
        let Some(ahead) = ahead else {
            self.candidate.1 = 0;
            return;
        };
        self.candidate = if self.candidate.0 == ahead { (ahead, self.candidate.1 + 1) } else { (ahead, 1) };
        if self.candidate.1 < RUN {
            return;
        }
        // The frames that led here were good ones, elsewhere.
        let forward = ahead.wrapping_sub(self.ahead) & MASK;
        let backward = self.ahead.wrapping_sub(ahead) & MASK;
        if forward <= REACH {
            self.lost += u64::from(forward);
        } else if backward <= REACH {
            self.repeated += u64::from(backward);
        } else {
            return;
        }
        self.altered -= u64::from(RUN);
        self.ahead = ahead;
        self.candidate.1 = 0;
    }

    /// What the recording proves.
    pub fn certificate(self) -> Certificate {
        let frames = self.read;
        let mut certificate = Certificate {
            grade: Grade::Good,
            lost_frames: self.lost + self.silent,
            repeated_frames: self.repeated,
            note: format!("loopback intact over {frames} frames"),
            ..Certificate::by_construction()
        };
        if let Some(first) = self.first {
            certificate.grade = Grade::Bad;
            let counts = [
                (self.lost, "lost"),
                (self.repeated, "repeated"),
                (self.silent, "silent"),
                (self.altered, "altered"),
            ];
            let parts: Vec<String> = counts
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{count} frames {what}"))
                .collect();
            certificate.note = format!(
                "the loopback is damaged from {:.3} s on: {}",
                first as f64 / f64::from(RATE),
                parts.join(", ")
            );
        }
        certificate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::take::BLOCK;

    fn sequence(frames: usize) -> Vec<f32> {
        (0..frames.div_ceil(BLOCK)).flat_map(|n| block((n * BLOCK) as Frame)).take(frames).collect()
    }

    fn certificate(recorded: &[f32]) -> Certificate {
        let mut watch = Watch::default();
        recorded.chunks(480).for_each(|part| watch.read(part));
        watch.certificate()
    }

    #[test]
    fn every_sample_names_its_frame() {
        for frame in (0..1 << BITS).step_by(997).chain([0, 1, 2, (1 << BITS) - 1]) {
            assert_eq!(frame_of(sample(frame)), Some(frame as u32), "{frame}");
            assert!(sample(frame) != 0.0 && sample(frame).abs() < 1.0);
        }
        assert_eq!(sample(1 << BITS), sample(0));
        for none in [0.0, 0.5, 1.0, -1.0, f32::NAN] {
            assert_eq!(frame_of(none), None, "{none}");
        }
    }

    #[test]
    fn an_intact_loopback_is_good() {
        let good = certificate(&sequence(50_000));
        assert_eq!((good.grade, good.lost_frames, good.repeated_frames), (Grade::Good, 0, 0));
        assert!(good.note.contains("50000 frames"), "{}", good.note);
    }

    #[test]
    fn what_was_lost_repeated_silenced_and_altered_is_counted() {
        let whole = sequence(20_000);
        let lost = [&whole[..7_000], &whole[7_040..]].concat();
        let repeated = [&whole[..7_000], &whole[6_960..]].concat();
        let mut silent = whole.clone();
        silent[9_000..9_500].fill(0.0);
        let clipped: Vec<f32> = whole.iter().map(|x| x.clamp(-0.5, 0.5)).collect();
        let mut touched = whole.clone();
        touched[12_345] += 1e-6;
        for (recorded, lost, repeated, words) in [
            (lost, 40, 0, "40 frames lost"),
            (repeated, 0, 40, "40 frames repeated"),
            (silent, 500, 0, "500 frames silent"),
            (clipped, 0, 0, "frames altered"),
            (touched, 0, 0, "1 frames altered"),
        ] {
            let bad = certificate(&recorded);
            assert_eq!(
                (bad.grade, bad.lost_frames, bad.repeated_frames),
                (Grade::Bad, lost, repeated),
                "{words}"
            );
            assert!(bad.note.contains(words), "{}", bad.note);
        }
    }

    #[test]
    fn silence_alone_proves_nothing_good() {
        assert_eq!(certificate(&[0.0; 960]).grade, Grade::Bad);
    }
}
