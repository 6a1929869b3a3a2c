//! # Volume range
//!
//! ## What it measures
//!
//! How much louder the receive volume can be turned up from the volume of the entry (nominal, unless the plan says
//! otherwise), as a difference of two receiving loudness ratings, and the rating at the loudest step.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clause 11.3 (volume control), with the rating of the same clause.
//!
//! ## Stimulus and capture points
//!
//! Two takes in one call: speech from the POI at −16 dBm0, recorded at the ears, each after an idle span from which the noise
//! is known; the first at the entry's volume, the second at the loudest step. Then the volume is turned back, so that
//! what else is measured in the same call finds it as it was.
//!
//! ## Computation
//!
//! 1. The receiving loudness rating of each take, as the method `loudness_rating` computes it.
//! 2. Range = RLR at the entry's volume − RLR at the loudest step.
//!
//! ## What makes it inconclusive
//!
//! - A rating that cannot be measured (see `loudness_rating`).
//! - The nominal step is not known: no entry of the plan found it.
//!
//! ## How to read the result
//!
//! Larger is better: the control offers so many decibels more loudness than nominal, for a noisy car or a poor line.
//! A limiter in the amplifier takes away from it, as it does for the listener.

use super::call::{self, CONDITIONING, Checks, DELAY_MAX, EAR_FIELD, LEVEL_POI, Timeline, quantity};
use super::loudness_rating::{EARS, Rating};
use super::{Card, Measurand, Method, Refusal, Wish, evidence, sensitivity};
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Finding, Influence, Unmeasurable};
use crate::take::TakeSpec;
use crate::terms::{Direction, Port};
use crate::units::{Seconds, Unit};

const SIGNAL: Param<SignalId> =
    Param::with_default("signal", "The speech that is played at both volumes.", "speech-single-talk");
const IDLE: Param<Seconds> =
    Param::with_default("idle", "The silence before the speech, from which the noise is known.", "2 s");

static CARD: Card = Card {
    id: "volume_range",
    title: "Volume range",
    source: include_str!("volume_range.rs"),
    measurands: &[
        Measurand {
            id: "volume_range",
            doc: "Receiving loudness rating at the entry's volume minus that at the loudest step.",
            unit: Unit::Db,
        },
        Measurand {
            id: "rlr_maximum",
            doc: "Receiving loudness rating at the loudest step; larger is quieter.",
            unit: Unit::Db,
        },
    ],
    parameters: &[
        SIGNAL.spec(),
        LEVEL_POI.spec(),
        EARS.spec(),
        EAR_FIELD.spec(),
        IDLE.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    facts_wanted: sensitivity::FACTS_WANTED,
    takes_max: 2,
    ..Card::PLAIN
};

/// The take at the entry's volume; it is that of a loudness rating in receive, and is shared with it.
const NOMINAL: &str = "receive";
/// The take at the loudest step.
const MAXIMUM: &str = "maximum";
/// The volume is turned back before the take ends.
const TURNING_BACK: Seconds = Seconds(0.5);

/// The range of the receive volume.
pub struct VolumeRange;

impl Method for VolumeRange {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = Checks::default();
        checks.plays(cx, &Port::of(Port::POI_RECEIVE));
        for port in entry.parameters.get(&EARS).ports(entry.listener) {
            checks.records(cx, &port);
        }
        checks.wait(entry, &IDLE);
        checks.delay_max(entry);
        checks.volume_steps(cx, u32::MAX);
        checks.done()?;
        let loudest = cx.bench.volume_step_count - 1;
        let Some(own) = cx.bench.volume_step(entry.volume, cx.facts) else {
            return Err(vec![Refusal {
                parameter: None,
                found: format!("volume {}, whose step is not known", entry.volume),
                expected: "a step of the volume control".to_owned(),
                remedy: "search the nominal volume first (volume_search), or write a step".to_owned(),
            }]);
        };
        let mut nominal = Timeline::new(NOMINAL);
        listen(&mut nominal, entry, cx);
        let mut maximum = Timeline::new(MAXIMUM);
        maximum.set_volume(loudest);
        listen(&mut maximum, entry, cx);
        maximum.set_volume(own);
        maximum.wait(TURNING_BACK);
        let build =
            |take: Timeline| -> TakeSpec { take.build(&entry.parameters.get(&EARS).ports(entry.listener)) };
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![build(nominal), build(maximum)] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let rated = |name: &str| {
            Rating::plain(Direction::Receive)
                .of(entry, cx.take(name), cx)
                .map_err(|error| Unmeasurable::because(format!("take {name}: {error}")))
        };
        let (nominal, maximum) = (rated(NOMINAL)?, rated(MAXIMUM)?);
        let take = cx.take(MAXIMUM);
        let loudest = maximum.finding("rlr_maximum", take);
        let mut range = Finding::scalar("volume_range", nominal.rating_db - maximum.rating_db, Unit::Db);
        // Both ratings stand on the same calibrations, which cancel out.
        let influences =
            loudest.influences.iter().map(|one| Influence { coefficient: 0.0, ..one.clone() }).collect();
        evidence::complete(&mut range, take, sensitivity::STIMULUS, influences);
        range.span = format!("{NOMINAL} and {}", range.span);
        let uncertainty_db = nominal.uncertainty_db + maximum.uncertainty_db;
        range.uncertainty = (uncertainty_db > 0.0).then_some(uncertainty_db);
        range.flags.clone_from(&loudest.flags);
        range.note = format!(
            "RLR {:.2} dB at volume {}, {:.2} dB at step {}; {}",
            nominal.rating_db,
            entry.volume,
            maximum.rating_db,
            cx.bench.volume_step_count.saturating_sub(1),
            loudest.note
        );
        Ok(vec![range, loudest])
    }
}

fn listen(take: &mut Timeline, entry: &Entry, cx: &PlanCx<'_>) {
    sensitivity::part(
        take,
        &Port::of(Port::POI_RECEIVE),
        &entry.parameters.get(&SIGNAL),
        quantity(entry.parameters.get(&LEVEL_POI)),
        entry.parameters.get(&IDLE),
        entry,
        cx,
    );
}
