//! # Volume search
//!
//! ## What it measures
//!
//! Which step of the receive volume is the nominal one: the step whose receiving loudness rating is closest to the
//! nominal rating.
//! Entries at nominal volume wait for it.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clause 11.1 (preparation) with the rating of clause 11.3.
//!
//! ## Stimulus and capture points
//!
//! One take for each step that is tried, all in one call that begins at the middle step: the volume is set, an idle span,
//! then speech from the POI at −16 dBm0, recorded at the ears.
//!
//! ## Computation
//!
//! 1. The receiving loudness rating of each take, as the method `loudness_rating` computes it.
//! 2. The rating falls as the volume rises.
//!    The step after a rating is the one where a straight line through the two steps next to the nominal rating meets it
//!    (with one step known: at 3 dB for each step), kept between the quieter and the louder step known; from the fifth
//!    take on the range between them is halved.
//! 3. The search ends when two neighboring steps enclose the nominal rating, or at the end of the control.
//! 4. The closest step is nominal; of two that are equally close, the quieter.
//!
//! Each choice is journalled with its reason.
//!
//! ## What makes it inconclusive
//!
//! - A rating that cannot be measured (see `loudness_rating`).
//! - A louder step that is quieter by more than 0.5 dB: the control does not do what it says.
//!
//! ## How to read the result
//!
//! Steps count from 0, the quietest.
//! When the nominal rating lies outside the range of the control, its last step is the closest; the rating beside it
//! shows how far off it is.

use super::call::{self, CONDITIONING, Checks, DELAY_MAX, LEVEL_POI, Timeline};
use super::loudness_rating::{EARS, receive_part};
use super::{Card, Measurand, Method, Next, Refusal, Wish};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx, VOLUME_NOMINAL};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Finding, Unmeasurable};
use crate::take::{TakeSpec, Volume};
use crate::terms::Port;
use crate::units::{Db, Seconds, Unit};

const RLR_NOMINAL: Param<Db> =
    Param::with_default("rlr_nominal", "The receiving loudness rating that makes a step nominal.", "2 dB");
const SIGNAL: Param<SignalId> =
    Param::with_default("signal", "The speech that is played at each step.", "speech-conditioning");

static CARD: Card = Card {
    id: "volume_search",
    title: "Volume search",
    source: include_str!("volume_search.rs"),
    measurands: &[
        Measurand { id: "volume_nominal", doc: "The nominal step of the receive volume.", unit: Unit::Step },
        Measurand {
            id: "rlr_nominal",
            doc: "Receiving loudness rating at the nominal step.",
            unit: Unit::Db,
        },
    ],
    parameters: &[
        RLR_NOMINAL.spec(),
        SIGNAL.spec(),
        LEVEL_POI.spec(),
        EARS.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    facts_needed: &[],
    facts_found: &[(VOLUME_NOMINAL, "volume_nominal")],
    takes_max: TAKES_MAX,
};

/// Four straight lines, then at most eight halvings of [`STEPS_MAX`].
const TAKES_MAX: u32 = 12;
/// More steps than any volume control has.
const STEPS_MAX: u32 = 256;
/// The silence before the speech, from which the noise is known.
const IDLE: Seconds = Seconds(1.0);

/// The search for the nominal volume.
pub struct VolumeSearch;

impl Method for VolumeSearch {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = Checks::default();
        checks.plays(cx, &Port::of(Port::POI_RECEIVE));
        for ear in entry.parameters.get(&EARS).list() {
            checks.records(cx, &Port::ear(ear));
        }
        checks.delay_max(entry);
        checks.volume_steps(cx, STEPS_MAX);
        checks.done()?;
        let middle = cx.bench.volume_step_count / 2;
        let epoch = call::epoch_at(entry, cx, Volume::Step(middle));
        Ok(Wish { epoch, takes: vec![take(middle, entry, cx)] })
    }

    fn next(&self, _entry: &Entry, _cx: &PlanCx<'_>, _so_far: &[Take]) -> Result<Next, Unmeasurable> {
        Err(Unmeasurable::because("not yet"))
    }

    fn evaluate(&self, _entry: &Entry, _cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        Err(Unmeasurable::because("not yet"))
    }
}

fn take(step: u32, entry: &Entry, cx: &PlanCx<'_>) -> TakeSpec {
    let mut take = Timeline::new(&format!("step-{step}"));
    take.set_volume(step);
    receive_part(&mut take, &entry.parameters.get(&SIGNAL), IDLE, entry, cx);
    let ears: Vec<Port> = entry.parameters.get(&EARS).list().into_iter().map(Port::ear).collect();
    take.build(&ears)
}
