//! # Send linearity
//!
//! ## What it measures
//!
//! Whether the sending loudness rating stays the same when the talker speaks more softly or louder: a terminal with
//! automatic gain control, or one that overloads, changes it.
//!
//! ## Where it is defined
//!
//! P.1100 (03/2017) clause 11.3.4, P.1110 and P.1120 as far as they follow it; in the editions of 10/2025 its number has not
//! been read.
//!
//! ## Stimulus and capture points
//!
//! Four takes in one call, speech from the mouth at 0, −3, +3 and +6 dB relative to the talker's level (−1.7 dBPa at the
//! MRP), recorded at the POI, each after an idle span from which the noise is known. Where the bench has a microphone at
//! the MRP (`mic.mrp`), it is recorded too.
//!
//! ## Computation
//!
//! 1. The sending loudness rating of each take, as the method `loudness_rating` computes it. With `mic.mrp`, the energy of
//!    each band is referred to what was measured there and not to what was asked for: an artificial mouth that compresses
//!    at +6 dB can use up the whole limit of 0.5 dB, and would be taken for the device. In bands that noise hides at
//!    the MRP the energy that was asked for counts.
//! 2. Change at a step = SLR at the step − SLR at 0 dB. The linearity is the largest of their absolute values.
//!
//! ## What makes it inconclusive
//!
//! - A rating that cannot be measured (see `loudness_rating`), or that noise could change by more than 0.1 dB.
//! - A recording at `mic.mrp` whose level is more than 6 dB away from the one asked for: the microphone is not at the MRP, or
//!   the mouth does not play.
//!
//! ## How to read the result
//!
//! Smaller is better. A rating that rises with the level (positive change at +3 and +6 dB) is compression or overload,
//! one that falls is expansion, as of a gate that closes on soft speech.
//! Without `mic.mrp` the mouth counts as part of the device, and the note says so.

use super::call::{self, CONDITIONING, Checks, DELAY_MAX, LEVEL_MRP, LOMBARD_BASE, Timeline, quantity};
use super::loudness_rating::{Rated, Rating};
use super::{Card, Measurand, Method, Refusal, Wish, evidence, sensitivity};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx, PortDirection};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Finding, Influence, Unmeasurable, Value};
use crate::take::TakeSpec;
use crate::terms::{Direction, Port, Seat};
use crate::units::{Db, Seconds, Unit};

const SIGNAL: Param<SignalId> =
    Param::with_default("signal", "The speech that is played at each level.", "speech-single-talk");
const IDLE: Param<Seconds> =
    Param::with_default("idle", "The silence before the speech, from which the noise is known.", "2 s");

static CARD: Card = Card {
    id: "send_linearity",
    title: "Send linearity",
    source: include_str!("send_linearity.rs"),
    measurands: &[
        Measurand {
            id: "send_linearity",
            doc: "Largest deviation of the sending loudness rating from that at the talker's level.",
            unit: Unit::Db,
        },
        Measurand {
            id: "slr_change_minus_3",
            doc: "Sending loudness rating 3 dB below the talker's level, minus that at it.",
            unit: Unit::Db,
        },
        Measurand {
            id: "slr_change_plus_3",
            doc: "Sending loudness rating 3 dB above the talker's level, minus that at it.",
            unit: Unit::Db,
        },
        Measurand {
            id: "slr_change_plus_6",
            doc: "Sending loudness rating 6 dB above the talker's level, minus that at it.",
            unit: Unit::Db,
        },
    ],
    parameters: &[
        SIGNAL.spec(),
        LEVEL_MRP.spec(),
        LOMBARD_BASE.spec(),
        IDLE.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    facts_wanted: sensitivity::FACTS_WANTED,
    takes_max: 4,
    ..Card::PLAIN
};

/// The take at the talker's level; without `mic.mrp` it is that of a loudness rating in send, and is shared with it.
const NOMINAL: &str = "send";

/// The other levels: the take, its offset in dB, its measurand.
const STEPS: [(&str, f64, &str); 3] = [
    ("minus-3", -3.0, "slr_change_minus_3"),
    ("plus-3", 3.0, "slr_change_plus_3"),
    ("plus-6", 6.0, "slr_change_plus_6"),
];

/// How far noise may change a rating: the limit of the clause is 0.5 dB between two of them.
const UNCERTAINTY_MAX_DB: f64 = 0.1;

/// A mouth that is so far from the level asked for is no mouth, or its microphone stands elsewhere.
const MOUTH_OFF_MAX_DB: f64 = 6.0;

/// Send linearity.
pub struct SendLinearity;

impl Method for SendLinearity {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mouth = Port::mouth(entry.talker);
        let mut ports = vec![Port::of(Port::POI_SEND)];
        let mut checks = Checks::default();
        checks.plays(cx, &mouth);
        checks.records(cx, &ports[0]);
        checks.wait(entry, &IDLE);
        checks.delay_max(entry);
        checks.done()?;
        ports.extend(microphone(entry).filter(|port| cx.bench.has(port, PortDirection::In)));
        let take = |name: &str, offset_db: f64| -> TakeSpec {
            let mut take = Timeline::new(name);
            let level = call::talker_level(entry, &LEVEL_MRP) + Db(offset_db);
            let signal = entry.parameters.get(&SIGNAL);
            let idle = entry.parameters.get(&IDLE);
            sensitivity::part(&mut take, &mouth, &signal, quantity(level), idle, entry, cx);
            take.build(&ports)
        };
        let mut takes = vec![take(NOMINAL, 0.0)];
        takes.extend(STEPS.iter().map(|(name, offset_db, _)| take(name, *offset_db)));
        Ok(Wish { epoch: call::epoch(entry, cx), takes })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let nominal_take = cx.take(NOMINAL);
        let at_mouth = microphone(entry).filter(|port| nominal_take.spec.record.contains(port));
        let rating = Rating {
            direction: Direction::Send,
            at_mouth: at_mouth.as_ref(),
            uncertainty_max_db: UNCERTAINTY_MAX_DB,
        };
        let rate = |take: &Take| -> Result<(Rated, f64), Unmeasurable> {
            let off_db = at_mouth.as_ref().map_or(Ok(0.0), |port| mouth_off_db(port, entry, take, cx))?;
            Ok((rating.of(entry, take, cx)?, off_db))
        };
        let of_take = |name: &str| {
            let take = cx.take(name);
            rate(take)
                .map(|(rated, off_db)| (take, rated, off_db))
                .map_err(|error| Unmeasurable::because(format!("take {name}: {error}")))
        };
        let (_, nominal, nominal_off_db) = of_take(NOMINAL)?;
        let mut changes = Vec::new();
        let mut told = vec![format!("SLR {:.2} dB at the talker's level", nominal.rating_db)];
        let mut uncertainty_db = nominal.uncertainty_db;
        for (name, offset_db, measurand) in STEPS {
            let (take, rated, off_db) = of_take(name)?;
            let change_db = rated.rating_db - nominal.rating_db;
            told.push(format!("{change_db:+.2} dB at {offset_db:+} dB"));
            if at_mouth.is_some() {
                told.push(format!("the mouth {:+.2} dB off there", off_db - nominal_off_db));
            }
            uncertainty_db = uncertainty_db.max(nominal.uncertainty_db + rated.uncertainty_db);
            let mut finding = rated.finding(measurand, take);
            finding.value = Value::Scalar(change_db);
            // Both ratings stand on the same calibrations, which cancel out.
            finding.influences =
                finding.influences.iter().map(|one| Influence { coefficient: 0.0, ..one.clone() }).collect();
            changes.push(finding);
        }
        told.push(match &at_mouth {
            Some(port) => format!("referred to the level at {port}"),
            None => {
                "referred to the level asked for: a mouth that compresses counts as the device".to_owned()
            }
        });
        told.extend(call::lombard_note(entry));
        // NaN is the largest, so that it is never lost.
        let largest = changes
            .iter()
            .max_by(|a, b| size_db(a).total_cmp(&size_db(b)))
            .ok_or_else(|| Unmeasurable::because("no step was recorded"))?;
        let mut linearity = Finding { measurand: "send_linearity".to_owned(), ..largest.clone() };
        linearity.value = Value::Scalar(size_db(largest));
        linearity.note = told.join("; ");
        linearity.uncertainty = (uncertainty_db > 0.0).then_some(uncertainty_db);
        changes.insert(0, linearity);
        Ok(changes)
    }
}

fn size_db(change: &Finding) -> f64 {
    change.as_scalar().map_or(f64::NAN, f64::abs)
}

/// The microphone at the talker's mouth: only the driver's has a name.
fn microphone(entry: &Entry) -> Option<Port> {
    (entry.talker == Seat::Driver).then(|| Port::of(Port::MIC_MRP))
}

/// How much louder the mouth really was than asked for, over the whole stimulus.
fn mouth_off_db(port: &Port, entry: &Entry, take: &Take, cx: &EvalCx<'_>) -> Result<f64, Unmeasurable> {
    let span = take.span(sensitivity::STIMULUS);
    let energy = |samples: &[f64]| samples.iter().map(|x| x * x).sum::<f64>();
    let asked = evidence::played(cx, take, &Port::mouth(entry.talker), Unit::DbPa)?;
    let measured = evidence::captured(cx, take, port, Unit::DbPa)?;
    let off_db = 10.0 * (energy(measured.slice(span.clone())) / energy(asked.slice(span))).log10();
    // NaN is not near.
    let is_near = off_db.abs() <= MOUTH_OFF_MAX_DB;
    if is_near {
        return Ok(off_db);
    }
    Err(Unmeasurable::because(format!(
        "{port} reads {off_db:+.1} dB relative to the level that the mouth was asked for: put the microphone at the mouth \
         reference point, and check the mouth and both calibrations"
    )))
}
