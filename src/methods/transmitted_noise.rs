//! What the methods of noise transmission share: a stretch of noise alone, the same stretch of the recording one turn later,
//! and how much of what is sent is echo.
//!
//! The noise of a car wanders by some decibels within seconds. A background noise is one recording that is turned round and
//! round, so that what is sent at one moment is held against what was sent of the *same sound* a whole number of turns
//! before or after: what then differs is the terminal. The length of a turn is that of the recording which was kept with the
//! take.
//!
//! Echo is told from noise by the signal of the far end: the part of the send signal that follows it (its coherent power,
//! over segments of 171 ms, by the delay at which the two correlate) is echo, and noise reads at most one part in the number
//! of segments. Where no delay is found, an echo is weaker than the hundredth of the noise.

use std::ops::Range;

use super::call::{Checks, DELAY_MAX};
use super::echo;
use super::evidence;
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx, Track};
use crate::dsp::level::mean_square;
use crate::dsp::spectrum::{Psd, WelchSettings};
use crate::dsp::transfer::Transfer;
use crate::dsp::weighting::Weighting;
use crate::dsp::weighting_filter::weighted;
use crate::entry::Entry;
use crate::finding::Unmeasurable;
use crate::take::{Frame, RATE, frames};
use crate::terms::Port;
use crate::units::{Seconds, Unit};

/// The span of noise alone, which ends where the speech begins.
pub const ALONE: &str = "alone";
/// The span of the speech.
pub const SPEECH: &str = "speech";
/// Noise is heard alone for so long before anybody speaks (11.14.4).
pub const CONDITIONED: Seconds = Seconds(15.0);
/// No noise of a longer turn is provided for.
const TURN_MAX: Seconds = Seconds(120.0);
/// A shorter one says little about a car.
const TURN_MIN: Seconds = Seconds(2.0);
/// A segment in which echo is told from noise: longer than a cabin reverberates.
const SEGMENT: usize = 8_192;
/// So much of an echo, over what is told from noise, does not follow the far end within a segment: its reverberation beyond
/// it, the noise of a codec that comes with it. A car without a canceller behind G.722 has 2 %.
const UNSEEN: f64 = 0.05;
/// An echo that is less of what is sent does not matter: 0.5 dB.
pub const ECHO_MAX: f64 = 0.1;

/// What every entry needs in which the noise of a car is sent.
pub fn checks(entry: &Entry, cx: &PlanCx<'_>) -> Checks {
    let mut checks = Checks::default();
    checks.records(cx, &Port::of(Port::POI_SEND));
    checks.delay_max(entry);
    checks.noise(entry);
    let turn = turn(entry, cx);
    if entry.noise.is_some() && !(frames(TURN_MIN)..=frames(TURN_MAX)).contains(&turn) {
        checks.refuse(
            &DELAY_MAX,
            format!("a background noise of {:.1} s", turn as f64 / f64::from(RATE)),
            format!("one of {} to {} s", TURN_MIN.0, TURN_MAX.0),
            "cut the recording of the noise to this length",
        );
    }
    checks
}

/// The length of a turn of the noise of an entry; 0 without one.
pub fn turn(entry: &Entry, cx: &PlanCx<'_>) -> Frame {
    entry.noise.as_ref().map_or(0, |noise| cx.signal(&noise.signal).frames)
}

/// So many whole turns that they last for at least a time.
pub fn turns_over(turn: Frame, least: Seconds) -> Frame {
    frames(least).div_ceil(turn.max(1)) * turn
}

/// A take in driving noise, as it arrived at the POI in send.
pub struct Sent {
    /// The recording.
    pub track: Track,
    /// The recording, A-weighted as a whole.
    pub weighted: Vec<f64>,
    /// The power of a recording that cannot be told from silence.
    pub silence: f64,
    /// Frames of a turn of the noise.
    pub turn: Frame,
}

impl Sent {
    /// What was sent in a take.
    ///
    /// # Errors
    /// As [`evidence::captured`] and [`EvalCx::noise_recording`].
    pub fn of(cx: &EvalCx<'_>, take: &Take) -> Result<Self, Unmeasurable> {
        let port = Port::of(Port::POI_SEND);
        let track = evidence::captured(cx, take, &port, Unit::Dbm0)?;
        let turn = cx.noise_recording(take)?.len() as Frame;
        if turn < frames(TURN_MIN) {
            return Err(Unmeasurable::because(
                "the recording of the background noise is shorter than 2 s: use a longer one".to_owned(),
            ));
        }
        let weighted = weighted(&track.samples, RATE, Weighting::A);
        Ok(Self { track, weighted, silence: evidence::coded_silence(cx, &port), turn })
    }

    /// The A-weighted power of a part.
    pub fn power(&self, part: &Range<Frame>) -> f64 {
        power(&self.weighted, part).max(self.silence)
    }

    /// The part of the noise alone that holds the same sound, where there is one that lies wholly in `alone`.
    pub fn same_sound(&self, part: &Range<Frame>, alone: &Range<Frame>) -> Option<Range<Frame>> {
        same_sound(part, alone, self.turn)
    }
}

/// The power of a part of a track, as far as the track goes.
pub fn power(samples: &[f64], part: &Range<Frame>) -> f64 {
    let end = (part.end as usize).min(samples.len());
    mean_square(&samples[(part.start as usize).min(end)..end])
}

/// The part of the noise alone that holds the same sound, so many turns before `part`, where there is one that lies wholly in
/// `alone`.
pub fn same_sound(part: &Range<Frame>, alone: &Range<Frame>, turn: Frame) -> Option<Range<Frame>> {
    let back = part.end.saturating_sub(alone.end).div_ceil(turn.max(1)) * turn;
    let from = part.start.checked_sub(back)?;
    (from >= alone.start).then(|| from..part.end - back)
}

/// How much of what is sent follows the far end.
pub struct Echo {
    /// The power that follows, and all of it.
    both: Option<(Psd, Psd)>,
}

impl Echo {
    /// In the parts of a recording, `far` being the played track of the same take.
    pub fn read(
        far: &Track,
        sent: &Track,
        speech: &Range<Frame>,
        parts: &[Range<Frame>],
        delay_max: Seconds,
    ) -> Self {
        let heard = sent.slice(speech.start..speech.end + frames(delay_max));
        let Some(delay) = echo::delay(far.slice(speech.clone()), heard, delay_max) else {
            return Self { both: None };
        };
        let later = (delay.0 * f64::from(RATE)).round().max(0.0) as Frame;
        let (mut said, mut heard) = (Vec::new(), Vec::new());
        for part in parts {
            // Whole segments, so that none holds a seam.
            let length = (part.end - part.start) / SEGMENT as Frame * SEGMENT as Frame;
            heard.extend_from_slice(sent.slice(part.start..part.start + length));
            said.extend_from_slice(
                far.slice(part.start.saturating_sub(later)..(part.start + length).saturating_sub(later)),
            );
        }
        let settings = WelchSettings { overlap: 0.0, ..WelchSettings::hann(SEGMENT) };
        let relation = Transfer::new(&said, &heard, RATE, &settings).ok();
        Self { both: relation.map(|one| (one.coherent_output(), one.output)) }
    }

    /// The share of the A-weighted power, 0 … 1.
    pub fn weighted_share(&self) -> f64 {
        let power = |psd: &Psd| Weighting::A.apply_to_psd(psd).total_power();
        self.both.as_ref().map_or(0.0, |(echo, all)| share(power(echo), power(all)))
    }

    /// The share of the A-weighted power that is noise for certain: what does not follow the far end, without the part of an
    /// echo that does not follow it either.
    pub fn certain_noise(&self) -> f64 {
        (1.0 - (1.0 + UNSEEN) * self.weighted_share()).max(1e-6)
    }

    /// The share of the power between two frequencies.
    pub fn share_between(&self, lo_hz: f64, hi_hz: f64) -> f64 {
        let power = |psd: &Psd| psd.band_power(lo_hz, hi_hz);
        self.both.as_ref().map_or(0.0, |(echo, all)| share(power(echo), power(all)))
    }
}

/// Nothing of nothing is nothing.
fn share(part: f64, all: f64) -> f64 {
    if all > 0.0 { part / all } else { 0.0 }
}
