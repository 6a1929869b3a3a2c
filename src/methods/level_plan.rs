//! # Level plan
//!
//! ## What it measures
//!
//! How far the loudest things that a plan plays stay below the full scale of the bench's outputs: the headroom of a signal
//! at a level at the point of interconnect, and of one at the mouth.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clauses 7.7 and 11.1 ask for calibrated levels; a signal that clips has another
//! level and another spectrum than it is said to have. How much room there should be is the lab's choice (class C).
//!
//! ## Stimulus and capture points
//!
//! The signal of the POI and the signal of the mouth, one after the other, in a call at the quietest volume. Nothing is
//! recorded: what counts is what was played.
//!
//! ## Computation
//!
//! 1. The highest sample of the played track, limited to the band of the call at the POI, against digital full scale:
//!    headroom = −20·log10(peak).
//! 2. The crest factor beside it: the peak over the level that was asked for.
//!
//! ## What makes it inconclusive
//!
//! - A signal without a sound, a track with values that are no numbers.
//!
//! ## How to read the result
//!
//! What would exceed full scale is never played: such an entry is refused before the run begins, with every other one
//! that would, so the headroom is never negative. Converters and amplifiers reach their own limits a few decibels before
//! full scale. `lombard check --resolved` prints the headroom of everything that a plan plays.
//!
//! A composite source signal with a crest factor of 11 dB at −5 dBm0 would peak at +1.3 dBov: take the one with the low
//! crest factor there.

use super::call::{self, Checks, LEVEL_MRP, LEVEL_POI, LOMBARD_BASE, Timeline, quantity};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Finding, Unmeasurable};
use crate::take::Volume;
use crate::terms::Port;
use crate::units::{Quantity, Seconds, Unit};

const SIGNAL_POI: Param<SignalId> =
    Param::with_default("signal_poi", "The signal at the POI.", "speech-single-talk");
const SIGNAL_MOUTH: Param<SignalId> =
    Param::with_default("signal_mouth", "The signal at the mouth.", "speech-single-talk");

static CARD: Card = Card {
    id: "level_plan",
    title: "Level plan",
    source: include_str!("level_plan.rs"),
    measurands: &[
        Measurand { id: "headroom_poi", doc: "Room of the signal at the POI to full scale.", unit: Unit::Db },
        Measurand {
            id: "headroom_mouth",
            doc: "Room of the signal at the mouth to full scale.",
            unit: Unit::Db,
        },
    ],
    parameters: &[
        SIGNAL_POI.spec(),
        LEVEL_POI.spec(),
        SIGNAL_MOUTH.spec(),
        LEVEL_MRP.spec(),
        LOMBARD_BASE.spec(),
    ],
    facts_needed: &[],
    facts_wanted: &[],
    picks_volume: true,
    objects: false,
    facts_found: &[],
    takes_max: 1,
};

/// The one take.
const TAKE: &str = "levels";
const PAUSE: Seconds = Seconds(0.5);

/// The room of what is played.
pub struct LevelPlan;

/// What is played on which port, with its measurand and its span.
fn plays(entry: &Entry) -> [(&'static str, Port, SignalId, Quantity); 2] {
    let parameters = &entry.parameters;
    [
        (
            "headroom_poi",
            Port::of(Port::POI_RECEIVE),
            parameters.get(&SIGNAL_POI),
            quantity(parameters.get(&LEVEL_POI)),
        ),
        (
            "headroom_mouth",
            Port::mouth(entry.talker),
            parameters.get(&SIGNAL_MOUTH),
            quantity(call::talker_level(entry, &LEVEL_MRP)),
        ),
    ]
}

impl Method for LevelPlan {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = Checks::default();
        let plays = plays(entry);
        for (_, port, ..) in &plays {
            checks.plays(cx, port);
        }
        checks.done()?;
        let mut take = Timeline::new(TAKE);
        for (_, port, signal, level) in &plays {
            take.wait(PAUSE);
            take.play(port, signal, *level, cx);
        }
        Ok(Wish { epoch: call::bare_epoch(entry, Volume::Step(0)), takes: vec![take.build(&[])] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let mut findings = Vec::new();
        for (measurand, port, signal, level) in plays(entry) {
            let track = evidence::played(cx, take, &port, level.unit)?;
            let peak = track.samples.iter().fold(0.0_f64, |peak, sample| peak.max(sample.abs()));
            if peak == 0.0 {
                return Err(Unmeasurable::because(format!("the signal '{}' on {port} is silence", signal.0)));
            }
            let peak_db = 20.0 * peak.log10();
            let full_scale_db = 20.0 * evidence::full_scale(cx, &port).log10();
            let mut finding = Finding::scalar(measurand, full_scale_db - peak_db, Unit::Db);
            evidence::complete(&mut finding, take, port.name(), vec![evidence::influence(&track, 1.0)]);
            finding.note = format!(
                "'{}' at {level}, crest factor {:.1} dB, peak {peak_db:.1} {}",
                signal.0,
                peak_db - level.value,
                level.unit
            );
            findings.push(finding);
        }
        Ok(findings)
    }
}
