//! # Conditioning
//!
//! ## What it measures
//!
//! Whether the echo canceller has settled after the training that every call of the run begins with: the echo at the
//! point of interconnect over time, and how much it still changes between the last two repetitions.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clause 11.1: the canceller is settled by a training sequence before the tests.
//! How long it takes and when it has settled is not in the sources of this project (class C).
//!
//! ## Stimulus and capture points
//!
//! A call of its own with nothing before it, so that the canceller is cold. Silence, then the conditioning signal from
//! the POI at −16 dBm0, `repeats` times; the POI is recorded in send. The talker is silent.
//!
//! ## Computation
//!
//! 1. The level at the POI in send, every 250 ms: residual echo and noise, as the far end hears it.
//! 2. The level of each repetition as a whole, each from its beginning to the beginning of the next one, so that all of
//!    them hold the same sounds. The change is the last level minus the one before.
//!
//! ## What makes it inconclusive
//!
//! - A track in a plane other than dBm0, a bad certificate.
//!
//! ## How to read the result
//!
//! Near 0 dB the canceller is as good as it gets, or its echo is hidden by noise, which the note tells; either way the
//! far end hears no change. A falling level (negative) has not settled after one repetition less; lengthen the
//! conditioning. A rising one has come off its path.

use super::call::{self, CONDITIONING, Checks, LEVEL_POI, Timeline, quantity};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, Param};
use crate::finding::{Finding, Unmeasurable};
use crate::take::{Frame, RATE};
use crate::terms::Port;
use crate::units::{Seconds, Unit};

const REPEATS: Param<u32> =
    Param::with_default("repeats", "How often the conditioning signal is played; 2 to 20.", "3");

static CARD: Card = Card {
    id: "conditioning",
    title: "Conditioning",
    source: include_str!("conditioning.rs"),
    measurands: &[
        Measurand {
            id: "conditioning_change",
            doc: "Level at the POI in the last repetition minus the one before.",
            unit: Unit::Db,
        },
        Measurand {
            id: "conditioning_echo",
            doc: "Level at the POI in send over time, echo and noise.",
            unit: Unit::Dbm0,
        },
    ],
    parameters: &[CONDITIONING.spec(), REPEATS.spec(), LEVEL_POI.spec()],
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "training";
/// The silence before, from which the noise is known.
const NOISE: &str = "idle";
const LEAD: Seconds = Seconds(0.5);
const IDLE: Seconds = Seconds(1.0);
/// Between repetitions: longer than a delay and the reverberation.
const PAUSE: Seconds = Seconds(0.5);
/// A point of the series: 250 ms.
const STEP: Frame = RATE as Frame / 4;
/// More repetitions than any canceller needs.
const REPEATS_MAX: u32 = 20;
/// An echo this close to the noise is hidden by it, in dB.
const HIDDEN_DB: f64 = 3.0;

/// The training of the canceller.
pub struct Conditioning;

impl Method for Conditioning {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let (from, to) = (Port::of(Port::POI_RECEIVE), Port::of(Port::POI_SEND));
        let mut checks = Checks::default();
        checks.plays(cx, &from);
        checks.records(cx, &to);
        let repeats = entry.parameters.get(&REPEATS);
        if !(2..=REPEATS_MAX).contains(&repeats) {
            checks.refuse(
                &REPEATS,
                repeats.to_string(),
                format!("2 to {REPEATS_MAX}"),
                "write how often the signal is to be played",
            );
        }
        checks.done()?;
        let mut take = Timeline::new(TAKE);
        take.wait(LEAD);
        take.wait_as(NOISE, IDLE);
        for repeat in 1..=repeats {
            let from_frame = take.now();
            let level = quantity(entry.parameters.get(&LEVEL_POI));
            take.play(&from, &entry.parameters.get(&CONDITIONING), level, cx);
            take.wait(PAUSE);
            let now = take.now();
            take.name_span(&span(repeat), from_frame..now);
        }
        Ok(Wish { epoch: call::bare_epoch(entry, entry.volume), takes: vec![take.build(&[to])] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let poi = Port::of(Port::POI_SEND);
        let track = evidence::captured(cx, take, &poi, Unit::Dbm0)?;
        let silence = evidence::coded_silence(cx, &poi);
        let level_db = |frames: std::ops::Range<Frame>| {
            let part = track.slice(frames);
            let power = part.iter().map(|x| x * x).sum::<f64>() / part.len().max(1) as f64;
            10.0 * power.max(silence).log10()
        };
        let repeats = entry.parameters.get(&REPEATS);
        let levels: Vec<f64> = (1..=repeats).map(|repeat| level_db(take.span(&span(repeat)))).collect();
        let (Some(last), Some(before)) = (levels.last(), levels.iter().rev().nth(1)) else {
            return Err(Unmeasurable::because("there are fewer than two repetitions".to_owned()));
        };
        let noise = level_db(take.span(NOISE));
        let mut change = Finding::scalar("conditioning_change", last - before, Unit::Db);
        let list: Vec<String> = levels.iter().map(|level| format!("{level:.1}")).collect();
        change.note = format!("levels of the repetitions {} dBm0, noise {noise:.1} dBm0", list.join(", "));
        if *last < noise + HIDDEN_DB {
            change.note.push_str("; the echo is hidden by the noise");
        }

        let start = take.span(&span(1)).start;
        let points = (take.spec.duration.saturating_sub(start)) / STEP;
        let at = |point: Frame| start + point * STEP;
        let mut echo = Finding::series(
            "conditioning_echo",
            (0..points).map(|point| (at(point) - start + STEP / 2) as f64 / f64::from(RATE)).collect(),
            (0..points).map(|point| level_db(at(point)..at(point) + STEP)).collect(),
            Unit::Dbm0,
        );
        "seconds from the beginning of the first repetition".clone_into(&mut echo.note);
        let influence = |coefficient| vec![evidence::influence(&track, coefficient)];
        evidence::complete(&mut change, take, "the last two repetitions", influence(0.0));
        evidence::complete(&mut echo, take, "all repetitions", influence(1.0));
        Ok(vec![change, echo])
    }
}

/// The span of a repetition, counted from 1.
fn span(repeat: u32) -> String {
    format!("repeat-{repeat}")
}
