//! Activation by bursts of rising level (P.1100, P.1110, P.1120 clause 11.12.1 and 11.12.2; P.502; switching terms of
//! P.340, 4.6).
//!
//! 1. Bursts are found in the stimulus by its envelope (fast meter of 5 ms, both ways): what stands out of the pauses,
//!    gaps inside a word closed. Each runs from the first to the last frame within 15.9 dB (the margin of P.56) of its
//!    own level; its level is the RMS over exactly that active part.
//! 2. The recording is advanced by the delay of the path. The delay is looked for below one period of the bursts: a row
//!    that rises by the same step every time looks like itself one period later.
//! 3. The *settled gain* is the median gain of the last three bursts, or that of the last one where the path opened no
//!    earlier, unless it is given.
//! 4. P.340 calls threshold the lowest level that removes the insertion loss of the switch; the time in which it does so
//!    is the build-up, measured in that very burst. A burst whose beginning is cut is therefore transmitted: it counts
//!    if from its middle on its gain is within 3 dB of the settled one. A steady burst that opens only in its last
//!    quarter has not been passed, the next one is the first.
//! 5. *Build-up*: from the onset of that burst in the stimulus until the recording on the 5 ms meter is within 3 dB of
//!    its final level. Final level at each instant is the settled gain on the stimulus by the larger one of two 5 ms
//!    meters: one run backward, which has the level of the burst at its onset already and follows the swell of a word,
//!    and one run forward, which sees the same peaks of noise as that of the recording. The meter is part of the
//!    reading: a path without switching reads 3.5 ms where a burst sets in as a step, 2 to 4 ms otherwise.

use std::ops::Range;

use super::MeterError;
use super::timeline::{self, ACTIVE_MARGIN, FAST, PathDelay};
use crate::dsp::level::{LevelMeter, dbov, mean_square, mean_square_series};
use crate::units::{Db, DbOv, Seconds};

/// A burst passes, and a level is final, within this of the settled one.
pub const SETTLED_WITHIN: Db = Db(3.0);
/// A burst less than this above the noise of the recording is not seen in it.
pub const NOISE_MARGIN: Db = Db(6.0);
/// No path has more.
const GAIN_MAX: Db = Db(200.0);
/// How many bursts at the end say what is settled.
const SETTLED_BURSTS: usize = 3;
/// What is quieter than this under the loudest instant is no burst, even in digital silence.
const SPAN: Db = Db(45.0);
/// How far a burst stands out of the pauses of the stimulus.
const OVER_PAUSES: Db = Db(10.0);
/// A gap shorter than this lies inside a word.
const GAP_MAX: Seconds = Seconds(0.15);
/// What is shorter is a click.
const BURST_MIN: Seconds = Seconds(0.03);
/// The part of a period of bursts in which a delay is looked for.
const PERIOD_SHARE: f64 = 0.9;

/// How to measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActivationSettings {
    /// The delay of the path, where it is known; otherwise it is measured, up to 0.9 of the period of the bursts.
    pub delay: Option<Seconds>,
    /// The largest delay looked for.
    pub delay_max: Seconds,
    /// The gain from stimulus to recording when transmission is on, where it is known; otherwise that of the last
    /// bursts.
    pub settled_gain: Option<Db>,
}

impl Default for ActivationSettings {
    /// Everything measured, the delay between 0 and 1 s.
    fn default() -> Self {
        Self { delay: None, delay_max: Seconds(1.0), settled_gain: None }
    }
}

/// One burst.
#[derive(Debug, Clone, PartialEq)]
pub struct Burst {
    /// Where its active part lies in the stimulus.
    pub frames: Range<usize>,
    /// Level of its active part in the stimulus.
    pub level: DbOv,
    /// Gain from stimulus to recording from its middle on, noise of the pauses taken off; −∞ where nothing is left.
    pub gain: Db,
    /// What would be heard of it at the settled gain is less than 6 dB above the noise of the recording.
    pub noise_limited: bool,
}

/// The first burst that was transmitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FirstActive {
    /// Which one, counted from 0.
    pub index: usize,
    /// Level of its active part in the stimulus.
    pub level: DbOv,
    /// From its onset until within 3 dB of its final level on the 5 ms meter; `None` if it never gets there.
    pub build_up: Option<Seconds>,
}

/// What a row of rising bursts showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Activation {
    /// By how much the recording was advanced; `None` where it does not follow the stimulus.
    pub delay: Option<PathDelay>,
    /// Gain of transmission; `None` where none was found or given.
    pub settled_gain: Option<Db>,
    /// Every burst of the stimulus; gains are NaN where there is no delay.
    pub bursts: Vec<Burst>,
    /// The first one that was transmitted; `None` if none was.
    pub first: Option<FirstActive>,
    /// Why the reading is none, or how to take it.
    pub note: Option<String>,
}

impl Activation {
    /// Whether a burst before the first transmitted one could have passed unseen in the noise: the level is then an
    /// upper bound.
    pub fn noise_limited(&self) -> bool {
        let before = self.first.map_or(self.bursts.len(), |first| first.index);
        self.bursts[..before].iter().any(|burst| burst.noise_limited)
    }
}

/// The first burst of `stimulus` that `recording` holds without switching loss, and how fast it opened.
///
/// A recording that does not follow the stimulus at all (mute, or noise alone) is a reading: no burst was transmitted.
///
/// # Errors
/// The stimulus holds fewer than two bursts or ends before the recording shows them, or a signal is not finite.
pub fn activation(
    stimulus: &[f64],
    recording: &[f64],
    rate: u32,
    settings: &ActivationSettings,
) -> Result<Activation, MeterError> {
    if let Some(gain) = settings.settled_gain.filter(|gain| gain.0.is_nan() || gain.0.abs() > GAIN_MAX.0) {
        return Err(MeterError::asked(
            format!("the settled gain is {} dB", gain.0),
            "give one between -200 and 200 dB",
        ));
    }
    timeline::finite(stimulus, "stimulus")?;
    timeline::finite(recording, "recording")?;
    let spans = bursts(stimulus, rate)?;
    let period_s = period_frames(&spans) as f64 / f64::from(rate);
    let delay_max = Seconds(settings.delay_max.0.min(PERIOD_SHARE * period_s));
    let delay = match timeline::path_delay(stimulus, recording, rate, settings.delay, delay_max) {
        Ok(delay) => delay,
        // A given delay that cannot be is an error of the caller, not a device that stays shut.
        Err(error) if settings.delay.is_some() => return Err(error),
        Err(error) => return Ok(unheard(stimulus, spans, settings.settled_gain, &error)),
    };
    let aligned = timeline::advanced(recording, rate, delay.delay);
    let read = read(stimulus, stimulus, &aligned, rate, spans, settings.settled_gain)?;
    Ok(Activation { delay: Some(delay), ..read })
}

/// As [`activation`] where the path is known: `expected` is what it makes of the stimulus while it is open, so that gains
/// are relative to an open path, and a path whose response is not flat builds up no slower than one whose response is.
/// Frame n of all three belongs together. The result has no delay.
///
/// # Errors
/// As [`activation`].
pub fn activation_through(
    stimulus: &[f64],
    expected: &[f64],
    recording: &[f64],
    rate: u32,
    settled_gain: Option<Db>,
) -> Result<Activation, MeterError> {
    timeline::finite(stimulus, "stimulus")?;
    timeline::finite(expected, "expected recording")?;
    timeline::finite(recording, "recording")?;
    let spans = bursts(stimulus, rate)?;
    read(stimulus, expected, recording, rate, spans, settled_gain)
}

fn read(
    stimulus: &[f64],
    expected: &[f64],
    aligned: &[f64],
    rate: u32,
    spans: Vec<Range<usize>>,
    given: Option<Db>,
) -> Result<Activation, MeterError> {
    let known = aligned.len().min(expected.len());
    let heard: Vec<Range<usize>> = spans.into_iter().filter(|span| span.end <= known).collect();
    if heard.len() < 2 {
        return Err(MeterError::asked(
            "the recording ends before the second burst of the stimulus",
            "record until the last burst has passed",
        ));
    }
    let noise = pause_noise(aligned, &heard);
    let gains: Vec<Db> = heard.iter().map(|span| gain(expected, aligned, span, noise)).collect();
    let settled_gain = given.unwrap_or_else(|| settled(&gains));
    let bursts: Vec<Burst> = heard
        .into_iter()
        .zip(gains)
        .map(|(frames, gain)| {
            let level = dbov(mean_square(&stimulus[frames.clone()]));
            let power = mean_square(&expected[frames.clone()]);
            let noise_limited = power * settled_gain.power() < noise * NOISE_MARGIN.power();
            Burst { frames, level, gain, noise_limited }
        })
        .collect();
    let floor = Db(settled_gain.0 - SETTLED_WITHIN.0);
    let first = bursts
        .iter()
        .position(|burst| burst.gain >= floor && burst.gain.0.is_finite() && !burst.noise_limited)
        .map(|index| FirstActive {
            index,
            level: bursts[index].level,
            build_up: build_up(expected, aligned, rate, &bursts[index].frames, settled_gain),
        });
    let note = match first {
        None => Some("no burst is transmitted without switching loss".to_owned()),
        Some(FirstActive { index: 0, .. }) if given.is_none() => Some(
            "every burst passes within 3 dB of the last ones: active from the first one on, or never; the gain of an active path tells them \
             apart"
                .to_owned(),
        ),
        Some(_) => None,
    };
    Ok(Activation { delay: None, settled_gain: Some(settled_gain), bursts, first, note })
}

/// The reading where the recording does not follow the stimulus.
fn unheard(
    stimulus: &[f64],
    spans: Vec<Range<usize>>,
    settled_gain: Option<Db>,
    why: &MeterError,
) -> Activation {
    let bursts = spans
        .into_iter()
        .map(|frames| Burst {
            level: dbov(mean_square(&stimulus[frames.clone()])),
            frames,
            gain: Db(f64::NAN),
            noise_limited: false,
        })
        .collect();
    Activation {
        delay: None,
        settled_gain,
        bursts,
        first: None,
        note: Some(format!("no burst is transmitted: {why}")),
    }
}

/// The active parts of the bursts of a stimulus.
///
/// # Errors
/// It is silent, or holds fewer than two bursts.
pub fn bursts(stimulus: &[f64], rate: u32) -> Result<Vec<Range<usize>>, MeterError> {
    let envelope = timeline::envelope(stimulus, rate);
    let top = envelope.iter().copied().fold(0.0, f64::max);
    if top == 0.0 {
        return Err(crate::dsp::DspError::Silent { which: "stimulus" }.into());
    }
    // The pauses take more than half of the time; a tenth of it is surely pause.
    let mut sorted = envelope.clone();
    sorted.sort_by(f64::total_cmp);
    let pause = sorted[sorted.len() / 10];
    let threshold = (pause * OVER_PAUSES.power()).max(top * Db(-SPAN.0).power());
    let gap_max = GAP_MAX.frames(rate) as usize;
    let mut rough: Vec<Range<usize>> = Vec::new();
    for (n, &value) in envelope.iter().enumerate() {
        if value < threshold {
            continue;
        }
        match rough.last_mut() {
            Some(last) if n - last.end <= gap_max => last.end = n + 1,
            _ => rough.push(n..n + 1),
        }
    }
    let found: Vec<Range<usize>> = rough
        .into_iter()
        .map(|span| {
            // Once more with the level of what the first pass found active.
            let inner = active_part(&envelope, &span, mean_square(&stimulus[span.clone()]));
            active_part(&envelope, &span, mean_square(&stimulus[inner]))
        })
        .filter(|span| span.len() >= BURST_MIN.frames(rate) as usize)
        .collect();
    if found.len() < 2 {
        return Err(MeterError::asked(
            format!(
                "the stimulus holds {} bursts with pauses of at least {} ms between",
                found.len(),
                GAP_MAX.as_ms()
            ),
            "play a row of bursts of rising level",
        ));
    }
    Ok(found)
}

/// From the first to the last frame of `span` that is active beside the level `power`.
fn active_part(envelope: &[f64], span: &Range<usize>, power: f64) -> Range<usize> {
    let threshold = power * Db(-ACTIVE_MARGIN.0).power();
    let active = |n: &usize| envelope[*n] >= threshold;
    let from = span.clone().find(active).unwrap_or(span.start);
    let to = span.clone().rev().find(active).map_or(span.end, |last| last + 1);
    from..to
}

/// The median distance of the onsets.
fn period_frames(spans: &[Range<usize>]) -> usize {
    let mut distances: Vec<usize> = spans.windows(2).map(|pair| pair[1].start - pair[0].start).collect();
    distances.sort_unstable();
    distances[distances.len() / 2]
}

/// The mean square of the recording in the second half of the pauses, where the tail of the burst before is over; the
/// smallest of all pauses, since noise may be let through with the bursts.
fn pause_noise(recording: &[f64], spans: &[Range<usize>]) -> f64 {
    spans
        .windows(2)
        .map(|pair| {
            let (from, to) = (pair[0].end, pair[1].start);
            mean_square(&recording[usize::midpoint(from, to)..to])
        })
        .fold(f64::INFINITY, f64::min)
}

/// The gain of a burst from its middle on.
fn gain(stimulus: &[f64], recording: &[f64], span: &Range<usize>, noise: f64) -> Db {
    let late = usize::midpoint(span.start, span.end)..span.end;
    let heard = (mean_square(&recording[late.clone()]) - noise).max(0.0);
    Db::from_power(heard / mean_square(&stimulus[late]))
}

/// The median of the last bursts, or the gain of the very last one where the path opened no earlier.
fn settled(gains: &[Db]) -> Db {
    let median = median(&gains[gains.len().saturating_sub(SETTLED_BURSTS)..]);
    let opened = |last: &&Db| last.0.is_finite() && last.0 > median.0 + SETTLED_WITHIN.0;
    gains.last().filter(opened).copied().unwrap_or(median)
}

fn median(gains: &[Db]) -> Db {
    let mut sorted: Vec<f64> = gains.iter().map(|gain| gain.0).collect();
    sorted.sort_by(f64::total_cmp);
    Db(sorted[sorted.len() / 2])
}

/// From the onset of what is in `span` of the stimulus until the recording on the fast meter is within 3 dB of its final
/// level, `settled` on the stimulus; `None` if it never is.
pub fn build_up(
    stimulus: &[f64],
    recording: &[f64],
    rate: u32,
    span: &Range<usize>,
    settled: Db,
) -> Option<Seconds> {
    let burst = &stimulus[span.clone()];
    let (so_far, next) = (mean_square_series(burst, rate, FAST, 1), timeline::backward(burst, rate));
    let floor = settled.power() * Db(-SETTLED_WITHIN.0).power();
    let mut meter = LevelMeter::new(rate, FAST);
    // What the meter still holds of the pause before belongs to the reading.
    let before = span.start.saturating_sub((10.0 * FAST.0 * f64::from(rate)) as usize);
    for &frame in &recording[before..span.start] {
        meter.push(frame);
    }
    recording[span.clone()]
        .iter()
        .zip(so_far.iter().zip(&next))
        .position(|(&frame, (&so_far, &next))| meter.push(frame) >= floor * so_far.max(next))
        .map(|frames| Seconds((frames + 1) as f64 / f64::from(rate)))
}
