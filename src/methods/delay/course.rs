//! Whether a delay holds while the stimulus lasts: it is searched piece by piece.
//!
//! A device whose clock is off by 100 ppm changes its delay by 0.25 ms in 2.5 s, a jitter buffer at once by packets of 10 or
//! 20 ms. The correlation of the whole stimulus smears over the one and takes one of the two parts of the other.

use std::fmt::Write as _;

use crate::dsp::align::{self, DelaySearch};
use crate::take::RATE;
use crate::units::Seconds;

/// The length of a piece: long enough for the noise of a burst, so short that two jumps are seldom in one.
const PIECE_S: f64 = 0.5;
/// A piece with less than this share of the energy of the loudest is a pause.
const PAUSE: f64 = 0.1;
/// A change by more between two pieces is looked into: five times what the worst clock makes of it (200 ppm, 0.1 ms).
const JUMP_MIN_S: f64 = 0.000_5;
/// It is a jump if the piece follows the delay of the one before so much worse. Reverberation that turns from one of two
/// equal arrivals to the other is none.
const WORSE: f64 = 0.7;
/// A change over the whole stimulus that is told: the accuracy of a delay.
const DRIFT_MIN_S: f64 = 0.000_02;

/// The delays of the pieces, in the order of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Course {
    /// Parts of one delay each; more than one where it jumps.
    parts: Vec<Vec<Piece>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    /// The middle of its energy, in seconds of the stimulus.
    at_s: f64,
    delay_s: f64,
}

impl Course {
    /// The course of the delay of a recording against what was played; pieces that don't follow are left out.
    pub(super) fn of(played: &[f64], recorded: &[f64], delay_max: Seconds, band_hz: (f64, f64)) -> Self {
        let frames = (PIECE_S * f64::from(RATE)) as usize;
        let energy = |piece: &[f64]| piece.iter().map(|x| x * x).sum::<f64>();
        let loudest = played.chunks(frames).map(energy).fold(0.0, f64::max);
        let reach = (delay_max.0 * f64::from(RATE)) as usize;
        let search = |index: usize, piece: &[f64], from: Seconds, to: Seconds| {
            let start = index * frames;
            let end = (start + piece.len() + reach).min(recorded.len());
            let search = DelaySearch::between(from, to).whitened(band_hz.0, band_hz.1);
            let answer = recorded.get(start..end).unwrap_or_default();
            align::find_delay(piece, answer, RATE, &search).ok()
        };
        let mut parts: Vec<Vec<Piece>> = Vec::new();
        for (index, piece) in played.chunks(frames).enumerate() {
            let power = energy(piece);
            if piece.len() < frames || power < PAUSE * loudest {
                continue;
            }
            let own = search(index, piece, Seconds(0.0), delay_max);
            // At the end of the range there may be more behind it.
            let is_inside = |own: &align::Delay| own.delay.0 < delay_max.0 - 1.0 / f64::from(RATE);
            let Some(own) = own.filter(|own| own.stands_out() && is_inside(own)) else { continue };
            let middle: f64 = (0..).zip(piece).map(|(n, x)| f64::from(n) * x * x).sum::<f64>() / power;
            let mut found = Piece {
                at_s: (index * frames) as f64 / f64::from(RATE) + middle / f64::from(RATE),
                delay_s: own.delay.0,
            };
            let before = parts.last().and_then(|part| part.last()).map(|piece| piece.delay_s);
            let Some(before) = before else {
                parts.push(vec![found]);
                continue;
            };
            if (found.delay_s - before).abs() > JUMP_MIN_S {
                let near = |s: f64| Seconds((before + s).clamp(0.0, delay_max.0));
                let same = search(index, piece, near(-JUMP_MIN_S), near(JUMP_MIN_S));
                match same.filter(|same| same.correlation >= WORSE * own.correlation) {
                    Some(same) => found.delay_s = same.delay.0,
                    None => parts.push(Vec::new()),
                }
            }
            if let Some(part) = parts.last_mut() {
                part.push(found);
            }
        }
        Self { parts }
    }

    /// Whether the delay jumps.
    pub(super) fn jumps(&self) -> bool {
        self.parts.len() > 1
    }

    /// The delay where it is not the same all the time: the largest where it jumps, otherwise that in the middle of the
    /// stimulus, and how it changes. `None` where it holds.
    pub(super) fn changing(&self) -> Option<(Seconds, String)> {
        if !self.jumps() {
            return self.parts.first().and_then(|part| drifting(part));
        }
        let pieces = || self.parts.iter().flatten();
        let largest_s = pieces().map(|piece| piece.delay_s).fold(0.0, f64::max);
        let mut told = String::from("it jumps:");
        for (index, part) in self.parts.iter().enumerate() {
            let mean_s = part.iter().map(|piece| piece.delay_s).sum::<f64>() / part.len() as f64;
            let from_s = part.first().map_or(0.0, |piece| piece.at_s);
            // Texts don't fail.
            let _ = if index == 0 {
                write!(told, " {:.2} ms", mean_s * 1e3)
            } else {
                write!(told, ", {:.2} ms about {from_s:.1} s into the stimulus", mean_s * 1e3)
            };
        }
        told.push_str("; the largest counts");
        Some((Seconds(largest_s), told))
    }
}

/// The line through the pieces, if it changes by more than the accuracy of a delay.
fn drifting(part: &[Piece]) -> Option<(Seconds, String)> {
    if part.len() < 3 {
        return None;
    }
    let count = part.len() as f64;
    let mean = |of: &dyn Fn(&Piece) -> f64| part.iter().map(of).sum::<f64>() / count;
    let (at_s, delay_s) = (mean(&|piece| piece.at_s), mean(&|piece| piece.delay_s));
    let product = mean(&|piece| (piece.at_s - at_s) * (piece.delay_s - delay_s));
    let spread = mean(&|piece| (piece.at_s - at_s).powi(2));
    let slope = product / spread;
    let whole_s = slope * (part.last()?.at_s - part.first()?.at_s);
    let rest = mean(&|piece| (piece.delay_s - delay_s - slope * (piece.at_s - at_s)).powi(2));
    // A line explains what scatter does not.
    let is_line = whole_s.abs() > DRIFT_MIN_S && rest < 0.25 * slope * slope * spread;
    is_line
        .then(|| (Seconds(delay_s), format!("it drifts by {:+.0} ppm, middle of the stimulus", slope * 1e6)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::random::Random;

    const MAX: Seconds = Seconds(0.3);
    const BAND_HZ: (f64, f64) = (100.0, 7_000.0);

    fn noise(frames: usize) -> Vec<f64> {
        let mut random = Random::new(5);
        (0..frames).map(|_| random.uniform() - 0.5).collect()
    }

    /// What is recorded when the delay is `delay` frames at each frame.
    fn delayed(played: &[f64], delay: impl Fn(usize) -> usize) -> Vec<f64> {
        (0..played.len() + 24_000)
            .map(|n| n.checked_sub(delay(n)).and_then(|at| played.get(at)).copied().unwrap_or(0.0))
            .collect()
    }

    #[test]
    fn a_delay_that_holds_has_no_course() {
        let played = noise(120_000);
        for frames in [0, 480, 4_801] {
            let course = Course::of(&played, &delayed(&played, |_| frames), MAX, BAND_HZ);
            assert!(!course.jumps() && course.changing().is_none(), "{course:?}");
        }
    }

    #[test]
    fn jumps_are_found_whichever_way_they_go() {
        let played = noise(120_000);
        for (before, after) in [(480, 1_440), (1_440, 480), (3_000, 3_040), (3_040, 3_000), (200, 9_600)] {
            for at in [20_000, 60_000, 95_000] {
                let recorded = delayed(&played, |n| if n < at { before } else { after });
                let course = Course::of(&played, &recorded, MAX, BAND_HZ);
                let (delay, told) = course.changing().unwrap();
                let largest = before.max(after) as f64 / 48_000.0;
                assert!(course.jumps() && (delay.0 - largest).abs() < 1e-5, "{before} {after} {at}: {told}");
            }
        }
    }

    #[test]
    fn an_echo_as_strong_as_the_sound_is_no_jump() {
        let played = noise(120_000);
        let (first, second) = (delayed(&played, |_| 480), delayed(&played, |_| 960));
        // Now the one, now the other is a little stronger.
        let recorded: Vec<f64> =
            (0..first.len())
                .map(|n| {
                    if n / 24_000 % 2 == 0 {
                        first[n] + 0.97 * second[n]
                    } else {
                        0.97 * first[n] + second[n]
                    }
                })
                .collect();
        let course = Course::of(&played, &recorded, MAX, BAND_HZ);
        assert!(!course.jumps(), "{course:?}");
    }

    #[test]
    fn silence_has_no_course() {
        let played = noise(120_000);
        let course = Course::of(&played, &vec![0.0; 140_000], MAX, BAND_HZ);
        assert!(!course.jumps() && course.changing().is_none());
        let nothing = Course::of(&[], &[], MAX, BAND_HZ);
        assert!(nothing.changing().is_none());
    }
}
