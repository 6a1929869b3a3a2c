//! The coded sequence on the loopback: where a recording begins, and whether anything is missing in it.
//!
//! A [`Code`] is white noise that never repeats, so that a few hundred frames of it say which frames they are. It runs
//! ahead of the take by [`LEAD`] frames, beside it, and on for [`TAIL`]. [`find`] looks for the end of the lead in what
//! came back; [`examine`] then goes through the rest, window by window:
//!
//! 1. A clock that drifts moves the code along a straight line (`drift`): offsets at check points all over the take,
//!    between the frames, tell that from jumps. What has drifted is brought to the clock that played before it is gone through.
//! 2. A window fits while the code explains it as well as it explains the others. Where one does not, the code is looked
//!    for again further on and further away, and the cheapest way to explain what lies between (the old offset, then
//!    what fits neither, then the new one) places the break. Through a digital loopback that is exact to the frame.

mod drift;

use std::fmt;
use std::sync::Arc;

use crate::dsp::align::{Delay, DelaySearch, find_delay};
use crate::dsp::resample::retimed;
use crate::signals::random::Random;
use crate::take::{Frame, RATE};
use crate::units::Seconds;

/// Frames of the code before the take, 200 ms.
pub const LEAD: usize = 9_600;
/// Frames of the code after the take: what was lost on the way still has something to come.
pub const TAIL: usize = 24_000;
/// Frames that are recorded beyond the take.
pub const AFTER: usize = 2 * PROBE;
/// Frames of the lead that are looked for.
const MARK: usize = 4_096;
/// Frames in which the code must be found; the offset between playback and capture is at most the rest, 2.5 s.
pub const SEARCH_MAX: usize = 131_072;
/// The peak of the code, −18 dB of full scale: loud enough for a cable, no burden for an output.
const PEAK: f64 = 0.125;
/// Steps of the code on either side of zero. With [`PEAK`] a step is 2⁻²², which 24 bits carry exactly.
const STEPS: f64 = 524_288.0;

/// Frames in a window of the examination.
const WINDOW: usize = 256;
/// Frames at the end of a take that say too little after a break: it is on record already.
const WINDOW_MIN: usize = 32;
/// Frames by which the code is looked for after a break.
const PROBE: usize = 512;
/// How far a break may move the code, either way.
const REACH: usize = 16_384;
/// The correlation below which a window is no code: six standard deviations of chance in [`WINDOW`] frames.
const CORRELATION_MIN: f64 = 0.4;
/// How much worse than the median window a window may fit; short noises on a cable stay below.
const MISFIT_RATIO: f64 = 10.0;
/// The misfit that every window may have, far below one wrong frame in [`WINDOW`] (4e-3).
const MISFIT_FLOOR: f64 = 1e-7;

/// The first and last frames of a recording that was resampled: what came before and after them is not in it.
const RETIMED_EDGE: usize = 64;
/// The misfit that a usual window of a resampled recording is taken to have at least. Halfway between two frames two
/// interpolations leave ten times of what they leave at the median window, and a single wrong frame leaves 4e-3.
const MISFIT_RESAMPLED: f64 = 1e-6;
/// The misfit that a window may have behind a jump on a drifting clock: that of a tenth of a frame.
const MISFIT_BEHIND_JUMP: f64 = 0.01;
/// Clocks that run apart by more than this over a take, in frames, have no common time.
pub const DRIFT_MAX_FRAMES: f64 = 0.5;
/// The drift up to which a recording may be brought to the clock that played, in parts per million: crystals that are
/// further off are broken, or run at another rate.
pub const CORRECTED_MAX_PPM: f64 = 200.0;
/// How well the time must be known all over a take that is corrected, in frames: alignment is promised to a tenth.
pub const CORRECTED_WITHIN_FRAMES: f64 = 0.1;

/// White noise that belongs to one take.
#[derive(Debug, Clone)]
pub struct Code {
    samples: Arc<[f32]>,
}

impl Code {
    /// The code beside a take of `duration` frames. Takes with other seeds have other codes, so that an old recording
    /// is never taken for a new one.
    pub fn new(seed: u64, duration: Frame) -> Self {
        let mut random = Random::new(seed);
        let frames = LEAD + duration as usize + TAIL;
        let sample = |_| {
            let step = (random.uniform() * 2.0 * STEPS).floor() - STEPS;
            (step / STEPS * PEAK) as f32
        };
        Self { samples: (0..frames).map(sample).collect() }
    }

    /// The samples, [`LEAD`] first.
    pub fn samples(&self) -> &Arc<[f32]> {
        &self.samples
    }
}

/// The index of the take's first frame in a recording of the loopback; `None` where the code is not in it.
pub fn find(code: &Code, recording: &[f32]) -> Option<usize> {
    let longest = recording.len().checked_sub(MARK)?;
    let reference = widened(&code.samples[LEAD - MARK..LEAD]);
    let search = DelaySearch::between(Seconds(0.0), seconds(longest as f64));
    let delay = find_delay(&reference, &widened(recording), RATE, &search).ok()?;
    is_sure(&delay).then(|| frames(delay.delay).round() as usize + MARK)
}

fn is_sure(delay: &Delay) -> bool {
    delay.correlation >= CORRELATION_MIN && delay.stands_out()
}

fn widened(samples: &[f32]) -> Vec<f64> {
    samples.iter().map(|x| f64::from(*x)).collect()
}

fn seconds(frames: f64) -> Seconds {
    Seconds(frames / f64::from(RATE))
}

fn frames(delay: Seconds) -> f64 {
    delay.0 * f64::from(RATE)
}

/// A place where the recording is not what was played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// The first frame of the recording that is wrong, on the timeline of the take.
    pub at: Frame,
    /// Frames that were played and did not arrive.
    pub lost: u64,
    /// Frames that arrived again, or that were never played.
    pub repeated: u64,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = format!("at frame {} ({:.4} s)", self.at, self.at as f64 / f64::from(RATE));
        match (self.lost, self.repeated) {
            (lost, 0) => write!(f, "{lost} lost {place}"),
            (0, repeated) => write!(f, "{repeated} repeated or inserted {place}"),
            (lost, repeated) if lost == repeated => write!(f, "{lost} replaced {place}"),
            (lost, repeated) => write!(f, "{lost} lost and {repeated} inserted {place}"),
        }
    }
}

/// What the loopback says about a take.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// The breaks, in the order of time.
    pub breaks: Vec<Break>,
    /// The drift of the capture clock against the playback clock, in parts per million: positive where it is faster.
    pub drift_ppm: f64,
    /// The expanded uncertainty of the drift (k = 2); `None` where it could not be measured: too short a take, too disturbed,
    /// or clocks whose drift is no straight line.
    pub drift_uncertainty_ppm: Option<f64>,
    /// The largest distance of a check point from the line of the drift, in frames.
    pub deviation_frames: f64,
    /// What is left of the offset after whole frames were removed, in frames.
    pub rest_frames: f64,
}

impl Evidence {
    /// Whether the clocks ran apart by more than [`DRIFT_MAX_FRAMES`] over a take.
    pub fn drifted(&self, duration: Frame) -> bool {
        (self.drift_ppm * 1e-6 * duration as f64).abs() > DRIFT_MAX_FRAMES
    }

    /// Whether the drift is known well enough to bring the recording of a take to the clock that played.
    pub fn is_correctable(&self, duration: Frame) -> bool {
        let Some(uncertainty_ppm) = self.drift_uncertainty_ppm else { return false };
        let unsure_frames = uncertainty_ppm * 1e-6 * duration as f64 + self.deviation_frames;
        self.breaks.is_empty()
            && self.drift_ppm.abs() <= CORRECTED_MAX_PPM + uncertainty_ppm
            && unsure_frames <= CORRECTED_WITHIN_FRAMES
    }
}

/// Frames that are recorded beyond a take: [`AFTER`], and where the largest drift that is corrected leads to.
pub fn after(duration: Frame) -> usize {
    AFTER.max((1.25e-6 * CORRECTED_MAX_PPM * duration as f64).ceil() as usize + PROBE)
}

/// Whether the end of the loopback's recording is code again. After a block that was inserted near the end of a take it is
/// not, and what comes later tells how long that was.
pub fn is_code_at_the_end(code: &Code, recording: &[f32]) -> bool {
    let track = Track { code: &code.samples, recording };
    let end = recording.len();
    track.offset_of(end.saturating_sub(PROBE)..end, 0).is_some()
}

/// Holds the loopback's recording of a take, its first frame the take's, against the code. [`AFTER`] more frames than
/// the take has tell what a break near its end is.
pub fn examine(code: &Code, recording: &[f32], duration: Frame) -> Evidence {
    let track = Track { code: &code.samples, recording };
    let line = track.line();
    let drifted = line.filter(|line| line.apart(duration) > DRIFT_MAX_FRAMES);
    let (mut breaks, misfit) = match drifted {
        None => track.examined(0, 0.0),
        Some(line) => {
            let ratio = 1.0 + line.ppm * 1e-6;
            let frames = ((recording.len() as f64 - line.start_frames) / ratio).max(0.0) as usize;
            let frames = frames.saturating_sub(RETIMED_EDGE);
            let again = retimed(&widened(recording), line.start_frames, ratio, frames);
            // Between frames nothing is exact near half the rate: both are compared without what lies there.
            let (code, again) = (without_treble(&widened(&code.samples)), without_treble(&again));
            let misfit_min = if line.is_cut { MISFIT_BEHIND_JUMP } else { MISFIT_RESAMPLED };
            Track { code: &code, recording: &again }.examined(RETIMED_EDGE, misfit_min)
        }
    };
    breaks.retain(|one| one.at < duration);
    // Where whole frames explain everything there is one clock, and nothing between them.
    if drifted.is_none() && misfit < MISFIT_FLOOR {
        return Evidence { breaks, drift_uncertainty_ppm: Some(0.0), ..Evidence::default() };
    }
    let Some(line) = line else { return Evidence { breaks, ..Evidence::default() } };
    Evidence {
        breaks,
        drift_ppm: line.ppm,
        drift_uncertainty_ppm: Some(line.uncertainty_ppm),
        deviation_frames: line.deviation_frames,
        rest_frames: line.start_frames,
    }
}

/// A signal through ¼, ½, ¼: nothing of it is left at half the rate, and nothing of it moves.
fn without_treble(signal: &[f64]) -> Vec<f32> {
    let at = |n: Option<usize>| n.and_then(|n| signal.get(n)).copied().unwrap_or(0.0);
    let smooth = |n: usize| 0.25 * at(n.checked_sub(1)) + 0.5 * at(Some(n)) + 0.25 * at(Some(n + 1));
    // The last frame lacks its neighbor.
    (0..signal.len().saturating_sub(1)).map(|n| smooth(n) as f32).collect()
}

/// A recording beside its code. An *offset* is how many frames later than in the undisturbed take the code arrives.
struct Track<'a> {
    code: &'a [f32],
    recording: &'a [f32],
}

impl Track<'_> {
    /// The frame of the code that should stand at frame `at` of the recording.
    fn expected(&self, at: usize, offset: i64) -> Option<f64> {
        let index = usize::try_from(LEAD as i64 + at as i64 - offset).ok()?;
        self.code.get(index).map(|x| f64::from(*x))
    }

    /// How the code fits a window: the magnitude of its correlation, and its gain.
    fn fit(&self, at: usize, frames: usize, offset: i64) -> (f64, f64) {
        let (mut xx, mut cc, mut xc) = (0.0, 0.0, 0.0);
        for n in at..at + frames {
            let x = self.recording.get(n).map_or(0.0, |x| f64::from(*x));
            let c = self.expected(n, offset).unwrap_or(0.0);
            xx += x * x;
            cc += c * c;
            xc += x * c;
        }
        if xx > 0.0 && cc > 0.0 { (xc.abs() / (xx * cc).sqrt(), xc / cc) } else { (0.0, 0.0) }
    }

    /// The part of the energy of some frames that the code does not explain, 0 … 1.
    fn misfit(&self, at: usize, frames: usize, offset: i64) -> f64 {
        let (correlation, _) = self.fit(at, frames, offset);
        1.0 - (correlation * correlation).min(1.0)
    }

    /// The misfit of a usual window: 0 through a digital loopback, more through filters, noise, and between frames.
    fn median_misfit(&self) -> f64 {
        let mut all: Vec<f64> = (0..self.recording.len() / WINDOW)
            .map(|window| self.misfit(window * WINDOW, WINDOW, 0))
            .filter(|misfit| *misfit < misfit_of(CORRELATION_MIN))
            .collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(1.0)
    }

    /// Every break from a frame on, and how well a usual window fits, or is taken to.
    fn examined(&self, from: usize, misfit_min: f64) -> (Vec<Break>, f64) {
        let misfit = self.median_misfit().max(misfit_min);
        (self.breaks(from, misfit), misfit)
    }

    /// Every break from a frame on, in the order of time.
    fn breaks(&self, from: usize, usual: f64) -> Vec<Break> {
        let worst = misfit_of(CORRELATION_MIN);
        let allowed = (MISFIT_RATIO * usual).clamp(MISFIT_FLOOR, worst);
        // Five standard deviations of what WINDOW frames of noise scatter.
        let well = (1.5 * usual).clamp(MISFIT_FLOOR, worst);
        let end = self.recording.len();
        let mut breaks = Vec::new();
        let (mut at, mut offset, mut sure) = (from, 0, from);
        while at < end {
            // The last window reaches back into what is known to be good, as far as that goes.
            let window = at.min(end.saturating_sub(WINDOW)).max(sure);
            let frames = WINDOW.min(end - window);
            if frames < WINDOW_MIN || self.misfit(window, frames, offset) <= allowed {
                at = window + frames;
                continue;
            }
            let from = window.saturating_sub(WINDOW).max(sure);
            let Some((next_offset, to)) = self.again(window, offset, well) else {
                let at = self.end_of_code(from, offset, usual);
                let lost = (end - at) as u64;
                breaks.extend((lost > 0).then_some(Break { at: at as Frame, lost, repeated: lost }));
                return breaks;
            };
            let (first, second) = self.split(from, to, offset, next_offset, usual);
            let skipped = (second as i64 - next_offset) - (first as i64 - offset);
            let strange = (second - first) as u64;
            let lost = skipped.max(0) as u64;
            let repeated = strange + (-skipped).max(0) as u64;
            if lost + repeated > 0 {
                breaks.push(Break { at: first as Frame, lost, repeated });
            }
            (at, offset, sure) = (to, next_offset, to);
        }
        breaks
    }

    /// Where the code fits well again, from `from` on: its offset, and the end of the window.
    fn again(&self, from: usize, offset: i64, well: f64) -> Option<(i64, usize)> {
        let end = self.recording.len();
        let mut at = from;
        let mut step = WINDOW / 2;
        while at + WINDOW <= end {
            let probe = at..(at + PROBE).min(end);
            let near = [Some(offset), self.offset_of(probe.clone(), offset)];
            for next in near.into_iter().flatten() {
                // A window with a part of the break in it fits less well than usual: the next one will do.
                let mut windows = probe.clone().step_by(WINDOW / 4).filter(|n| n + WINDOW <= end);
                if let Some(window) = windows.find(|n| self.misfit(*n, WINDOW, next) <= well) {
                    return Some((next, window + WINDOW));
                }
            }
            at += step;
            // A dead loopback is not looked through frame by frame.
            step = (step * 2).min(2 * PROBE);
        }
        None
    }

    /// The offset at which a part of the recording is code, within [`REACH`] of `offset`.
    fn offset_of(&self, part: std::ops::Range<usize>, offset: i64) -> Option<i64> {
        let middle = LEAD as i64 + part.start as i64 - offset;
        let limit = |index: i64| index.clamp(0, self.code.len() as i64) as usize;
        let from = limit(middle - REACH as i64);
        let to = limit(middle + (part.len() + REACH) as i64);
        let longest = (to - from).checked_sub(part.len())?;
        let reference = widened(&self.recording[part.clone()]);
        let search = DelaySearch::between(Seconds(0.0), seconds(longest as f64));
        let delay = find_delay(&reference, &widened(&self.code[from..to]), RATE, &search).ok()?;
        let index = from as i64 + frames(delay.delay).round() as i64;
        is_sure(&delay).then_some(LEAD as i64 + part.start as i64 - index)
    }

    /// What a frame that fits neither offset costs: well above what a fitting frame costs, well below a wrong one.
    fn strange_cost(gain: f64, usual: f64) -> f64 {
        let power = gain * gain * PEAK * PEAK / 3.0;
        power * (16.0 * usual).clamp(1e-6, 0.5)
    }

    /// Where in `from..to` the code leaves one offset and where it takes up the other: the cheapest explanation.
    fn split(&self, from: usize, to: usize, one: i64, other: i64, usual: f64) -> (usize, usize) {
        let (_, gain) = self.fit(to - WINDOW, WINDOW, other);
        let strange = Self::strange_cost(gain, usual);
        let cost = |n: usize, offset: i64| {
            let error = f64::from(self.recording[n]) - gain * self.expected(n, offset).unwrap_or(0.0);
            error * error
        };
        let mut before = 0.0;
        let (mut between, mut left) = (f64::INFINITY, from);
        let (mut after, mut ends) = (f64::INFINITY, (from, from));
        for n in from..to {
            let direct = (before, (n, n));
            let around = (between, (left, n));
            let stay = (after, ends);
            let best = [stay, around, direct].into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
            (after, ends) = best.unwrap_or(direct);
            after += cost(n, other);
            if before < between {
                (between, left) = (before, n);
            }
            between += strange;
            before += cost(n, one);
        }
        ends
    }

    /// Where the code ends for good, from `from` on.
    fn end_of_code(&self, from: usize, offset: i64, usual: f64) -> usize {
        let (_, gain) = self.fit(from, WINDOW, offset);
        let strange = Self::strange_cost(gain, usual);
        let end = self.recording.len();
        let (mut balance, mut best, mut at) = (0.0, 0.0, from);
        for n in from..end {
            let error = f64::from(self.recording[n]) - gain * self.expected(n, offset).unwrap_or(0.0);
            balance += error * error - strange;
            if balance < best {
                (best, at) = (balance, n + 1);
            }
        }
        at
    }
}

/// The misfit of a window with this correlation.
fn misfit_of(correlation: f64) -> f64 {
    1.0 - correlation * correlation
}

#[cfg(test)]
mod tests;
