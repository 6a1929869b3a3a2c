//! What the inputs of the bench say about themselves: whether a converter stands behind them, and whether the room was the
//! same before and after the program of a take.

use std::ops::Range;

use super::recorder::Lane;
use super::sync::LEAD;
use crate::bench::RenderedTake;
use crate::take::{Frame, RATE};
use crate::terms::Port;

/// Frames that are looked at together, 10 ms.
const BLOCK: u64 = 480;
/// A step of 24 bits. What moves by less within a block comes from no converter: the noise of the best is a hundred times
/// larger.
const STEP: f32 = 1.0 / 8_388_608.0;
/// Dead blocks in a row that are no chance, half a second.
const DEAD_BLOCKS: u64 = 50;
/// The same of a take that is shorter than that.
const DEAD_BLOCKS_SHORT: u64 = 10;
/// Frames that what was played may go on to sound, in the network and in the cabin, 500 ms.
const RINGING: i64 = 24_000;
/// Frames of silence that tell a level, 150 ms.
const QUIET_MIN: i64 = 7_200;
/// Frames of silence that are enough.
const QUIET_MAX: i64 = 48_000;
/// By how much the level in the room may change. The mean square of 150 ms of driving noise scatters by 2 dB.
const CHANGE_DB: f64 = 6.0;

/// Where a take plays nothing, before and after everything that it plays, in frames from its first one on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Quiet {
    before: Range<i64>,
    after: Range<i64>,
}

impl Quiet {
    fn of(take: &RenderedTake, has_lead: bool) -> Self {
        let end = take.duration as i64;
        let sounds = |x: &f32| *x != 0.0;
        let first = take.tracks.values().filter_map(|track| track.iter().position(sounds)).min();
        let last = take.tracks.values().filter_map(|track| track.iter().rposition(sounds)).max();
        let earliest = if has_lead { -(LEAD as i64) } else { 0 };
        let first = first.map_or(end / 2, |at| at as i64);
        let last = last.map_or(end / 2 - RINGING, |at| at as i64);
        let before = (first - QUIET_MAX).max(earliest)..first;
        let after = last + RINGING..(last + RINGING + QUIET_MAX).min(end);
        Self { before, after }
    }
}

/// Mean square without what is constant.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    sum: f64,
    square: f64,
    count: i64,
}

impl Level {
    fn add(&mut self, sample: f32) {
        let sample = f64::from(sample);
        self.sum += sample;
        self.square += sample * sample;
        self.count += 1;
    }

    /// In dBov; `None` where there was too little, or nothing.
    fn db(self) -> Option<f64> {
        let count = self.count as f64;
        let variance = self.square / count - (self.sum / count).powi(2);
        (self.count >= QUIET_MIN && variance > 0.0).then(|| 10.0 * variance.log10())
    }
}

/// One input.
#[derive(Debug, Clone, Default)]
struct Input {
    /// Extremes and frames of the block so far.
    block: Option<(f32, f32, u64)>,
    /// Where the present run of dead blocks began, and its length.
    run: (u64, u64),
    longest: (u64, u64),
    blocks: u64,
    before: Level,
    after: Level,
}

impl Input {
    /// Takes in what was recorded from frame `at` of the take on.
    fn push(&mut self, at: Frame, samples: impl Iterator<Item = f32>) {
        for (n, sample) in samples.enumerate() {
            let (low, high, count) = self.block.unwrap_or((sample, sample, 0));
            let (low, high, count) = (low.min(sample), high.max(sample), count + 1);
            self.block = Some((low, high, count));
            if count < BLOCK {
                continue;
            }
            self.block = None;
            self.blocks += 1;
            if high - low < STEP {
                let begins = at + n as u64 + 1 - BLOCK;
                self.run = if self.run.1 == 0 { (begins, 1) } else { (self.run.0, self.run.1 + 1) };
                if self.run.1 > self.longest.1 {
                    self.longest = self.run;
                }
            } else {
                self.run.1 = 0;
            }
        }
    }

    fn is_dead(&self) -> bool {
        let (_, run) = self.longest;
        run >= DEAD_BLOCKS || (run >= DEAD_BLOCKS_SHORT && run == self.blocks)
    }
}

/// An input that no converter stands behind, at least for a while.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dead {
    /// Its port.
    pub port: Port,
    /// The first frame of it.
    pub at: Frame,
    /// For how many frames.
    pub frames: Frame,
}

/// A room that was not the same after the program as before.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RoomChange {
    /// Where that was heard.
    pub port: Port,
    /// The level before, in dBov.
    pub before_db: f64,
    /// The level after.
    pub after_db: f64,
    /// From where on it is another one, at the earliest and at the latest, in frames.
    pub between: Range<i64>,
}

/// Watches the inputs of a take.
#[derive(Debug)]
pub(super) struct Watch {
    quiet: Quiet,
    inputs: Vec<Input>,
}

impl Watch {
    /// For the lanes of a take. With a loopback what is recorded before the take is silent too.
    pub(super) fn new(take: &RenderedTake, lanes: usize, has_lead: bool) -> Self {
        Self { quiet: Quiet::of(take, has_lead), inputs: vec![Input::default(); lanes] }
    }

    /// Takes in interleaved frames; the first is frame `at` of the take, negative before it.
    pub(super) fn push(&mut self, at: i64, frames: &[f32]) {
        let width = self.inputs.len();
        let count = (frames.len() / width) as i64;
        let within = |range: &Range<i64>| {
            let part = range.start.clamp(at, at + count)..range.end.clamp(at, at + count);
            (part.start - at) as usize * width..(part.end - at).max(part.start - at) as usize * width
        };
        let (before, after) = (within(&self.quiet.before), within(&self.quiet.after));
        for (n, input) in self.inputs.iter_mut().enumerate() {
            let lane = |part: &[f32]| part.iter().skip(n).step_by(width).copied().collect::<Vec<f32>>();
            for sample in lane(&frames[before.clone()]) {
                input.before.add(sample);
            }
            for sample in lane(&frames[after.clone()]) {
                input.after.add(sample);
            }
            if at >= 0 {
                input.push(at as Frame, frames.iter().skip(n).step_by(width).copied());
            }
        }
    }

    /// The analog inputs among `kept` that are dead.
    pub(super) fn dead(&self, lanes: &[Lane], kept: &[bool]) -> Vec<Dead> {
        let each = lanes.iter().zip(kept).zip(&self.inputs);
        let dead = each.filter(|((lane, kept), input)| **kept && lane.is_analog && input.is_dead());
        let told = |((lane, _), input): ((&Lane, &bool), &Input)| Dead {
            port: lane.port.clone(),
            at: input.longest.0,
            frames: input.longest.1 * BLOCK,
        };
        dead.map(told).collect()
    }

    /// The microphones and ears of the bench at which the room has changed, recorded or not.
    pub(super) fn changes(&self, lanes: &[Lane]) -> Vec<RoomChange> {
        let hears = |lane: &Lane| {
            let name = lane.port.name();
            lane.is_analog && (name.starts_with("mic.") || name.starts_with("ear."))
        };
        let change = |(lane, input): (&Lane, &Input)| {
            let (before_db, after_db) = (input.before.db()?, input.after.db()?);
            ((after_db - before_db).abs() > CHANGE_DB).then(|| RoomChange {
                port: lane.port.clone(),
                before_db,
                after_db,
                between: self.quiet.before.end..self.quiet.after.start,
            })
        };
        lanes.iter().zip(&self.inputs).filter(|(lane, _)| hears(lane)).filter_map(change).collect()
    }
}

impl Dead {
    /// What is told of it.
    pub(super) fn told(&self) -> String {
        format!(
            "the bench's own input {} delivers one value and no noise from {:.2} s on, for {:.2} s, which no converter does: check \
             its cable, its supply, and whether it is muted or gated",
            self.port,
            self.at as f64 / f64::from(RATE),
            self.frames as f64 / f64::from(RATE)
        )
    }
}

impl RoomChange {
    /// What is told of it. An ear may hear the device itself, so that no verdict is refused for it.
    pub(super) fn told(&self) -> String {
        let seconds = |frames: i64| frames as f64 / f64::from(RATE);
        format!(
            "at {} silence has {:+.1} dB between {:.2} and {:.2} s ({:.1} dBov before, {:.1} after): the room has changed, or the \
             device's own noise; repeat the entry when the room is quiet if the change is not the device's",
            self.port,
            self.after_db - self.before_db,
            seconds(self.between.start),
            seconds(self.between.end),
            self.before_db,
            self.after_db
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::suite::take;
    use crate::signals::random::Random;

    fn lane(name: &'static str, is_analog: bool) -> Lane {
        Lane { port: Port::of(name), is_analog }
    }

    /// Two seconds: silence for 0.5 s, the mouth for 0.5 s, silence.
    fn spoken() -> RenderedTake {
        let mut track = vec![0.0; 96_000];
        track[24_000..48_000].fill(0.1);
        take(96_000, &[("mouth", track)], &["ear.left"])
    }

    fn noise(random: &mut Random, level: f64) -> f32 {
        (level * (2.0 * random.uniform() - 1.0)) as f32
    }

    /// Pushes a lead and a take of one lane, in pieces.
    fn watched(sample: impl Fn(i64, &mut Random) -> f32) -> Watch {
        let mut watch = Watch::new(&spoken(), 1, true);
        let mut random = Random::new(1);
        let all: Vec<f32> = (-(LEAD as i64)..96_000).map(|at| sample(at, &mut random)).collect();
        watch.push(-(LEAD as i64), &all[..LEAD]);
        let mut at = 0;
        for piece in all[LEAD..].chunks(1_111) {
            watch.push(at, piece);
            at += piece.len() as i64;
        }
        watch
    }

    #[test]
    fn an_input_that_stands_still_is_dead_and_one_with_the_noise_of_24_bits_is_not() {
        let lanes = [lane("ear.left", true)];
        let dead = |watch: &Watch| watch.dead(&lanes, &[true]);
        for constant in [0.0, 0.25, -1.0] {
            let all = dead(&watched(|_, _| constant));
            assert_eq!((all[0].at, all[0].frames), (0, 96_000), "{constant}");
        }
        // Noise far below a step of 24 bits comes from no converter, that of one step does.
        assert_eq!(dead(&watched(|_, random| noise(random, 1e-9))).len(), 1);
        assert!(dead(&watched(|_, random| noise(random, 1.0 / 8_388_608.0))).is_empty());
        // From some frame on, located to a block.
        let dies = watched(|at, random| if at < 50_000 { noise(random, 1e-4) } else { 0.0 });
        let all = dead(&dies);
        assert!((50_000..50_480).contains(&all[0].at), "{all:?}");
        // A pause of 0.4 s is none.
        let pauses = |at: i64, random: &mut Random| {
            if (40_000..59_000).contains(&at) { 0.0 } else { noise(random, 1e-4) }
        };
        assert!(dead(&watched(pauses)).is_empty());
        // What is not recorded, and what is digital, may be silent.
        let silent = watched(|_, _| 0.0);
        assert!(silent.dead(&lanes, &[false]).is_empty());
        assert!(silent.dead(&[lane("poi.send", false)], &[true]).is_empty());
    }

    #[test]
    fn a_room_that_gets_louder_or_quieter_is_told_and_what_is_played_is_not() {
        let lanes = [lane("ear.left", true)];
        let course = |after: f64| {
            watched(move |at, random| {
                let speech = if (24_000..60_000).contains(&at) { 0.1 } else { 0.0 };
                speech + noise(random, if at < 40_000 { 1e-3 } else { after })
            })
        };
        assert!(course(1e-3).changes(&lanes).is_empty());
        assert!(course(1.8e-3).changes(&lanes).is_empty());
        for (after, change_db) in [(4e-3, 12.04), (2.5e-4, -12.04)] {
            let all = course(after).changes(&lanes);
            assert_eq!(all.len(), 1, "{after}");
            assert!((all[0].after_db - all[0].before_db - change_db).abs() < 0.3, "{all:?}");
            assert_eq!(all[0].between, 24_000..71_999);
        }
        assert!(course(4e-3).changes(&[lane("poi.send", true)]).is_empty());
    }
}
