//! # Noise under speech
//!
//! ## What it measures
//!
//! How the noise of the car that the far end hears changes while somebody speaks: with speech of the far end, whether it
//! sinks or swells under it; with speech of the talker, whether it is another one after it.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clause 11.14.4 (far end) and 11.14.5 (near end), 10/2025; 11.13 in 03/2017. The length of the
//! bursts, 2 s on and 2 s off, is from memory (class C).
//!
//! ## Stimulus and capture points
//!
//! Driving noise in a conditioned call. At least 15 s of it alone, a whole number of turns; then blocks of the composite
//! source signal, 2.1 s on and as long off: from the POI at −16 dBm0, or at the mouth at the level of a talker in that
//! noise. The POI in send is recorded.
//!
//! ## Computation
//!
//! All levels are A-weighted, and each is held against the level of the *same sound* in the noise alone, so that the noise's
//! own variation is in neither.
//!
//! With the far end:
//!
//! 1. The second half of each block, and the pause after it from 1 s after its end on: by then delays and hang-over are
//!    over.
//! 2. Variation of a block: level in the block minus level in the pause after it, both over the same sound alone. The one
//!    that is furthest from 0 dB counts, without its sign.
//! 3. The share of echo in the blocks is the part of the send signal that follows the far end. Up to a tenth of the power,
//!    0.5 dB, it does not matter.
//!
//! With the near end:
//!
//! 1. The delay from mouth to POI by correlation; from 100 ms after the last sound of a block, when the cabin is silent, to
//!    the beginning of the next one: windows of 100 ms.
//! 2. Variation: level of a window over the same sound alone. The one that is furthest from 0 dB counts, without its sign.
//!
//! ## What makes it inconclusive
//!
//! - Echo is more than a tenth of what is sent in the blocks: the variation lies *between* what was read with it and what is
//!   left without it.
//! - The noise alone is less than 10 dB above what a 16-bit codec can code; fewer than two blocks have the same sound alone
//!   before them; a track in another plane or with values that are no numbers, a bad certificate.
//!
//! ## How to read the result
//!
//! Negative with the far end: the terminal attenuates send, and its comfort noise is too quiet, or there is none. The note
//! tells each block with its sign.

use std::ops::Range;

use super::call::{
    self, CONDITIONING, DELAY_MAX, LEVEL_MRP, LEVEL_POI, LOMBARD_BASE, SETTLING, Timeline, quantity,
};
use super::echo::{self, STEP, db};
use super::transmitted_noise::{self, ALONE, CONDITIONED, ECHO_MAX, Echo, SPEECH, Sent, turn, turns_over};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx, Track};
use crate::dsp::level::mean_square_series;
use crate::entry::{Entry, Param, ParameterKind, ParameterType, ParameterValue, SignalId};
use crate::finding::{Bound, Finding, Unmeasurable};
use crate::meters::activation::bursts;
use crate::take::{Frame, RATE, frames};
use crate::terms::Port;
use crate::units::{Seconds, Unit};
use crate::verdict::Flag;

const SPEAKER: Param<Speaker> =
    Param::required("speaker", "Who speaks in the noise: the far end, or the talker in the car (near).");
const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "What is spoken: blocks of about 2 s with pauses as long, css-blocks-fb or css-blocks-nb.",
    "css-blocks-fb",
);

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    Far,
    Near,
}

impl ParameterType for Speaker {
    const KIND: ParameterKind = ParameterKind::Word(&["far", "near"]);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Text(text) if text == "far" => Some(Self::Far),
            ParameterValue::Text(text) if text == "near" => Some(Self::Near),
            _ => None,
        }
    }
}

static CARD: Card = Card {
    id: "noise_under_speech",
    title: "Noise under speech",
    source: include_str!("noise_under_speech.rs"),
    measurands: &[
        Measurand {
            id: "noise_far_variation",
            doc: "By how much the noise differs while the far end speaks from after it, at most.",
            unit: Unit::Db,
        },
        Measurand {
            id: "noise_near_variation",
            doc: "By how much the noise after the talker spoke differs from before, at most.",
            unit: Unit::Db,
        },
        Measurand {
            id: "noise_level",
            doc: "A-weighted level at the POI in send against time, from when the speech begins.",
            unit: Unit::Dbm0A,
        },
        Measurand {
            id: "noise_level_alone",
            doc: "The same of the same sound while nobody spoke.",
            unit: Unit::Dbm0A,
        },
        Measurand {
            id: "noise_speech_far",
            doc: "Level at the POI in receive against time.",
            unit: Unit::Dbm0,
        },
        Measurand { id: "noise_speech_near", doc: "Level at the MRP against time.", unit: Unit::DbPa },
    ],
    parameters: &[
        SPEAKER.spec(),
        SIGNAL.spec(),
        LEVEL_POI.spec(),
        LEVEL_MRP.spec(),
        LOMBARD_BASE.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    shown_on: Some(FAST),
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "noise";
/// From the end of a block of the far end to where its pause is read.
const AFTER_BLOCK: Seconds = Seconds(1.0);
/// The cabin is silent so long after the last sound of the talker.
const REVERBERATION: Seconds = Seconds(0.1);
/// A window after the talker spoke.
const WINDOW: Seconds = Seconds(0.1);
/// The meter of the picture.
const FAST: Seconds = Seconds(0.125);
/// The noise alone must be so far above what can be coded.
const ROOM_DB: f64 = 10.0;
/// Fewer blocks say nothing.
const BLOCKS_MIN: usize = 2;

/// Noise with far-end and near-end speech.
pub struct NoiseUnderSpeech;

impl NoiseUnderSpeech {
    fn source(entry: &Entry) -> (Port, Unit) {
        match entry.parameters.get(&SPEAKER) {
            Speaker::Far => (Port::of(Port::POI_RECEIVE), Unit::Dbm0),
            Speaker::Near => (Port::mouth(entry.talker), Unit::DbPa),
        }
    }
}

impl Method for NoiseUnderSpeech {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = transmitted_noise::checks(entry, cx);
        let (source, _) = Self::source(entry);
        checks.plays(cx, &source);
        checks.done()?;
        let mut take = Timeline::new(TAKE);
        take.wait(SETTLING);
        let alone = turns_over(turn(entry, cx), CONDITIONED);
        take.wait_as(ALONE, Seconds(alone as f64 / f64::from(RATE)));
        let level = match entry.parameters.get(&SPEAKER) {
            Speaker::Far => quantity(entry.parameters.get(&LEVEL_POI)),
            Speaker::Near => quantity(call::talker_level(entry, &LEVEL_MRP)),
        };
        let signal = entry.parameters.get(&SIGNAL);
        let at = take.play(&source, &signal, level, cx);
        take.name_span(SPEECH, at..at + cx.signal(&signal.0).frames);
        take.wait(entry.parameters.get(&DELAY_MAX));
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&[Port::of(Port::POI_SEND)])] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let sent = Sent::of(cx, take)?;
        let (source, plane) = Self::source(entry);
        let played = evidence::played(cx, take, &source, plane)?;
        let (alone, speech) = (take.span(ALONE), take.span(SPEECH));
        if db(sent.power(&alone)) < db(sent.silence) + ROOM_DB {
            return Err(Unmeasurable::because(format!(
                "the noise alone is {:.1} dBm0(A) at the POI, no more than a 16-bit codec can code: use a louder noise",
                db(sent.power(&alone))
            )));
        }
        let blocks = bursts(played.slice(speech.clone()), RATE)
            .map_err(|error| Unmeasurable::because(error.to_string()))?;
        let at = |frame: usize| speech.start + frame as Frame;
        let blocks: Vec<Range<Frame>> = blocks.iter().map(|one| at(one.start)..at(one.end)).collect();
        let noise =
            Noise { sent, played, alone, speech, blocks, delay_max: entry.parameters.get(&DELAY_MAX) };
        let (mut finding, speech) = match entry.parameters.get(&SPEAKER) {
            Speaker::Far => (noise.with_far_end()?, "noise_speech_far"),
            Speaker::Near => (noise.with_near_end()?, "noise_speech_near"),
        };
        if let Some(lombard) = call::lombard_note(entry).filter(|_| plane == Unit::DbPa) {
            finding.note = format!("{}; {lombard}", finding.note);
        }
        let recorded = || vec![evidence::influence(&noise.sent.track, 1.0)];
        let [level, same] = noise.levels();
        let findings = [
            (finding, Vec::new()),
            (level, recorded()),
            (same, recorded()),
            (noise.spoken(speech, plane), vec![evidence::influence(&noise.played, 1.0)]),
        ];
        let complete = |(mut finding, influences)| {
            evidence::complete(&mut finding, take, SPEECH, influences);
            finding
        };
        Ok(findings.map(complete).into())
    }
}

/// A take in which somebody speaks in noise.
struct Noise {
    sent: Sent,
    played: Track,
    alone: Range<Frame>,
    speech: Range<Frame>,
    /// The parts in which somebody speaks, as they were played.
    blocks: Vec<Range<Frame>>,
    delay_max: Seconds,
}

impl Noise {
    /// The level of a part over that of the same sound alone, in dB; `None` where there is none.
    fn over_alone(&self, part: &Range<Frame>) -> Option<f64> {
        let same = self.sent.same_sound(part, &self.alone)?;
        Some(db(self.sent.power(part)) - db(self.sent.power(&same)))
    }

    fn with_far_end(&self) -> Result<Finding, Unmeasurable> {
        let ends = self.blocks.iter().skip(1).map(|next| next.start).chain([self.speech.end]);
        let mut read = Vec::new();
        for (block, next) in self.blocks.iter().zip(ends) {
            let under = block.start.midpoint(block.end)..block.end;
            let after = block.end + frames(AFTER_BLOCK)..next;
            if after.end <= after.start + frames(WINDOW) {
                continue;
            }
            if let (Some(in_block), Some(in_pause)) = (self.over_alone(&under), self.over_alone(&after)) {
                read.push((under, in_block - in_pause));
            }
        }
        if read.len() < BLOCKS_MIN {
            return Err(Unmeasurable::because(
                "fewer than two blocks have the same sound of the noise before them, or a pause of more than 1.1 s after them: \
                 use css-blocks-fb"
                    .to_owned(),
            ));
        }
        let parts: Vec<Range<Frame>> = read.iter().map(|(part, _)| part.clone()).collect();
        let echo = Echo::read(&self.played, &self.sent.track, &self.speech, &parts, self.delay_max);
        let share = echo.weighted_share();
        let told: Vec<String> = read.iter().map(|(_, variation)| format!("{variation:+.1}")).collect();
        let worst =
            |of: &dyn Fn(f64) -> f64| read.iter().map(|(_, variation)| of(*variation)).fold(0.0, larger);
        // NaN is not little.
        let is_little = share <= ECHO_MAX;
        let mut finding = if is_little {
            Finding::scalar("noise_far_variation", worst(&f64::abs), Unit::Db)
        } else {
            // Without the echo each block is lower by so much; in between it may be 0 dB.
            let lower_db = db(echo.certain_noise());
            let least = |variation: f64| {
                let without = variation + lower_db;
                if variation > 0.0 && without < 0.0 { 0.0 } else { variation.abs().min(without.abs()) }
            };
            let most = |variation: f64| larger(variation.abs(), (variation + lower_db).abs());
            let mut finding = Finding::scalar("noise_far_variation", worst(&least), Unit::Db);
            finding.bound = Bound::Between(worst(&most));
            finding.flags.push(Flag::Bound);
            finding
        };
        finding.note =
            format!("blocks {} dB; echo {:.1} % of what is sent in them", told.join(", "), 100.0 * share);
        Ok(finding)
    }

    fn with_near_end(&self) -> Result<Finding, Unmeasurable> {
        let span = self.speech.clone();
        let heard = self.sent.track.slice(span.start..span.end + frames(self.delay_max));
        let delay = echo::delay(self.played.slice(span.clone()), heard, self.delay_max);
        let later = frames(delay.unwrap_or(self.delay_max));
        let earliest = if delay.is_some() { later } else { 0 };
        let ends = self.blocks.iter().skip(1).map(|next| next.start).chain([span.end]);
        let (mut worst, mut pauses) = ((0.0f64, f64::NAN), 0);
        for (block, next) in self.blocks.iter().zip(ends) {
            let (from, until) = (block.end + later + frames(REVERBERATION), next + earliest);
            let starts =
                (from..).step_by(frames(WINDOW) as usize).take_while(|at| at + frames(WINDOW) <= until);
            let mut is_read = false;
            for start in starts {
                let window = start..start + frames(WINDOW);
                let Some(over) = self.over_alone(&window) else { continue };
                is_read = true;
                if over.is_nan() || over.abs() > worst.0.abs() {
                    worst = (over, (start - block.end - later) as f64 / f64::from(RATE));
                }
            }
            pauses += usize::from(is_read);
        }
        if pauses < BLOCKS_MIN {
            return Err(Unmeasurable::because(
                "fewer than two pauses have the same sound of the noise before them: use css-blocks-fb"
                    .to_owned(),
            ));
        }
        let mut finding = Finding::scalar("noise_near_variation", worst.0.abs(), Unit::Db);
        let arrival = match delay {
            Some(delay) => format!("{:.1} ms from mouth to POI", delay.as_ms()),
            None => "no delay found from mouth to POI: the longest one assumed".to_owned(),
        };
        finding.note =
            format!("{:+.1} dB {:.2} s after a block, of {pauses} pauses; {arrival}", worst.0, worst.1);
        Ok(finding)
    }

    /// The level while somebody speaks, and that of the same sound alone, as far as there is one.
    fn levels(&self) -> [Finding; 2] {
        let start = self.speech.start;
        let back = self.sent.turn * (self.speech.start - self.alone.start).div_euclid(self.sent.turn);
        let length = back.min(self.speech.end - start);
        let series = |name, from: Frame| {
            let part = &self.sent.weighted[from as usize..(from + length) as usize];
            let powers = mean_square_series(part, RATE, FAST, frames(STEP) as usize);
            let times = (1..=powers.len()).map(|n| n as f64 * STEP.0).collect();
            let levels = powers.iter().map(|power| db(power.max(self.sent.silence))).collect();
            Finding::series(name, times, levels, Unit::Dbm0A)
        };
        [series("noise_level", start), series("noise_level_alone", start - back)]
    }

    fn spoken(&self, measurand: &str, unit: Unit) -> Finding {
        let powers =
            mean_square_series(self.played.slice(self.speech.clone()), RATE, FAST, frames(STEP) as usize);
        let times = (1..=powers.len()).map(|n| n as f64 * STEP.0).collect();
        let top = powers.iter().copied().fold(0.0, f64::max);
        // As far below its top as a recording could be.
        let levels = powers.iter().map(|power| db(power.max(top * 1e-10))).collect();
        Finding::series(measurand, times, levels, unit)
    }
}

/// The larger of two numbers; what is none is larger than any.
fn larger(a: f64, b: f64) -> f64 {
    if b > a || b.is_nan() { b } else { a }
}
