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

use super::call::{self, CONDITIONING, Checks, DELAY_MAX, EAR_FIELD, LEVEL_POI, Timeline, quantity};
use super::loudness_rating::{EARS, Rated, Rating};
use super::{Card, Measurand, Method, Next, Refusal, Wish, evidence, sensitivity};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx, VOLUME_NOMINAL};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Finding, Unmeasurable};
use crate::take::{Action, RigAction, TakeSpec, Volume};
use crate::terms::{Direction, Port};
use crate::units::{Db, Seconds, Unit};
use std::collections::BTreeMap;

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
        EAR_FIELD.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    facts_wanted: sensitivity::FACTS_WANTED,
    picks_volume: true,
    facts_found: &[(VOLUME_NOMINAL, "volume_nominal")],
    takes_max: TAKES_MAX,
    ..Card::PLAIN
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
        for port in entry.parameters.get(&EARS).ports(entry.listener) {
            checks.records(cx, &port);
        }
        checks.delay_max(entry);
        checks.volume_steps(cx, STEPS_MAX);
        checks.done()?;
        let middle = cx.bench.volume_step_count / 2;
        let epoch = call::epoch_at(entry, cx, Volume::Step(middle));
        Ok(Wish { epoch, takes: vec![take(middle, entry, cx)] })
    }

    fn next(&self, entry: &Entry, cx: &PlanCx<'_>, so_far: &[Take]) -> Result<Next, Unmeasurable> {
        let eval = EvalCx { bench: cx.bench, facts: cx.facts, takes: so_far };
        let tried =
            tried(entry, &eval)?.into_iter().map(|(step, _, rated)| (step, rated.rating_db)).collect();
        let nominal_db = entry.parameters.get(&RLR_NOMINAL).0;
        Ok(match choose(&tried, nominal_db, cx.bench.volume_step_count)? {
            Choice::Done(reason) => Next::Done { reason },
            Choice::Try(step, reason) => Next::Take { spec: Box::new(take(step, entry, cx)), reason },
        })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let nominal_db = entry.parameters.get(&RLR_NOMINAL).0;
        let tried = tried(entry, cx)?;
        let ratings: Ratings = tried.iter().map(|(step, _, rated)| (*step, rated.rating_db)).collect();
        let best = closest(&ratings, nominal_db)
            .ok_or_else(|| Unmeasurable::because("no step of the volume was recorded"))?;
        let list: Vec<String> = ratings.iter().map(|(step, rlr)| format!("{step}: {rlr:.2} dB")).collect();
        let note = format!("RLR by step: {}", list.join(", "));
        let mut findings = Vec::new();
        for (step, take, rated) in tried.iter().filter(|(step, ..)| *step == best) {
            let mut volume = Finding::scalar("volume_nominal", f64::from(*step), Unit::Step);
            evidence::complete(&mut volume, take, "stimulus", Vec::new());
            volume.note.clone_from(&note);
            findings.push(volume);
            findings.push(rated.finding("rlr_nominal", take));
        }
        Ok(findings)
    }
}

/// Ratings in dB by step.
type Ratings = BTreeMap<u32, f64>;

/// The takes so far with their steps and ratings.
fn tried<'t>(entry: &Entry, cx: &EvalCx<'t>) -> Result<Vec<(u32, &'t Take, Rated)>, Unmeasurable> {
    cx.takes
        .iter()
        .map(|take| {
            let step = take.spec.cues.iter().find_map(|cue| match cue.action {
                Action::Rig(RigAction::SetVolume(step)) => Some(step),
                _ => None,
            });
            let step = step.expect("every take of the search sets the volume");
            let rated = Rating::plain(Direction::Receive)
                .of(entry, take, cx)
                .map_err(|error| Unmeasurable::because(format!("volume step {step}: {error}")))?;
            Ok((step, take, rated))
        })
        .collect()
}

/// The step closest to the nominal rating; of two, the quieter.
fn closest(ratings: &Ratings, nominal_db: f64) -> Option<u32> {
    let distance = |step: &u32| (ratings[step] - nominal_db).abs();
    ratings.keys().copied().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

#[derive(Debug, PartialEq)]
enum Choice {
    Done(String),
    Try(u32, String),
}

/// Louder steps may read quieter by this much before the control is not believed.
const RISE_MAX_DB: f64 = 0.5;
/// What a step is taken for while only one is known.
const STEP_DB: f64 = 3.0;
/// From this take on the range is halved.
const LINES_MAX: usize = 4;

/// What to do after these ratings, on a control of `steps` steps.
fn choose(ratings: &Ratings, nominal_db: f64, steps: u32) -> Result<Choice, Unmeasurable> {
    for ((quiet, quiet_db), (loud, loud_db)) in ratings.iter().zip(ratings.iter().skip(1)) {
        // NaN falls nowhere.
        let falls = loud_db - quiet_db <= RISE_MAX_DB;
        if !falls {
            return Err(Unmeasurable::because(format!(
                "volume step {loud} (RLR {loud_db:.2} dB) is quieter than step {quiet} ({quiet_db:.2} dB): check the \
                 volume control of the device and the order of its steps"
            )));
        }
    }
    // The loudest step that is too quiet, the quietest one that is not.
    let below = ratings.iter().rev().find(|(_, rlr)| **rlr > nominal_db).map(|(step, rlr)| (*step, *rlr));
    let above = ratings.iter().find(|(_, rlr)| **rlr <= nominal_db).map(|(step, rlr)| (*step, *rlr));
    let best = closest(ratings, nominal_db)
        .ok_or_else(|| Unmeasurable::because("no step of the volume was recorded"))?;
    let done = |why: &str| {
        Ok(Choice::Done(format!(
            "step {best} has RLR {:.2} dB, closest to {nominal_db} dB: {why}",
            ratings[&best]
        )))
    };
    let (first, last) = match (below, above) {
        (Some((below, _)), Some((above, _))) if above == below + 1 => {
            return done(&format!("steps {below} and {above} enclose it"));
        }
        (None, Some((0, _))) => return done("there is no quieter step"),
        (Some((below, _)), None) if below + 1 == steps => return done("there is no louder step"),
        (Some((below, _)), Some((above, _))) => (below + 1, above - 1),
        (None, Some((above, _))) => (0, above - 1),
        (Some((below, _)), None) => (below + 1, steps - 1),
        (None, None) => return Err(Unmeasurable::because("the loudness ratings are no numbers")),
    };
    let (step, how) = if ratings.len() >= LINES_MAX {
        (u32::midpoint(first, last), "the middle".to_owned())
    } else {
        let guess = line(ratings, below, above, nominal_db);
        let step = guess.round().clamp(f64::from(first), f64::from(last)) as u32;
        (step, format!("a straight line gives {guess:.1}"))
    };
    let known = |side: Option<(u32, f64)>, none: &str| {
        side.map_or(none.to_owned(), |(step, rlr)| format!("step {step} has RLR {rlr:.2} dB"))
    };
    let reason = format!(
        "{}, {}; between them {how} for {nominal_db} dB: step {step}",
        known(below, "no quieter step known"),
        known(above, "no louder step known")
    );
    Ok(Choice::Try(step, reason))
}

/// The step at which a straight line through the two steps next to the nominal rating meets it.
fn line(ratings: &Ratings, below: Option<(u32, f64)>, above: Option<(u32, f64)>, nominal_db: f64) -> f64 {
    let mut by_distance: Vec<(u32, f64)> = ratings.iter().map(|(step, rlr)| (*step, *rlr)).collect();
    by_distance.sort_by(|a, b| (a.1 - nominal_db).abs().total_cmp(&(b.1 - nominal_db).abs()));
    let (near, far) = match (below, above) {
        (Some(below), Some(above)) => (below, Some(above)),
        _ => (by_distance[0], by_distance.get(1).copied()),
    };
    let step_db = far
        .map(|far| (far.1 - near.1) / (f64::from(near.0) - f64::from(far.0)))
        .filter(|step_db| *step_db > 0.1)
        .unwrap_or(STEP_DB);
    f64::from(near.0) + (near.1 - nominal_db) / step_db
}

fn take(step: u32, entry: &Entry, cx: &PlanCx<'_>) -> TakeSpec {
    let mut take = Timeline::new(&format!("step-{step}"));
    take.set_volume(step);
    sensitivity::part(
        &mut take,
        &Port::of(Port::POI_RECEIVE),
        &entry.parameters.get(&SIGNAL),
        quantity(entry.parameters.get(&LEVEL_POI)),
        IDLE,
        entry,
        cx,
    );
    let ears = entry.parameters.get(&EARS).ports(entry.listener);
    take.build(&ears)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a control whose ratings are `rlr`; returns the chosen step and the number of takes.
    fn search(rlr: &[f64], nominal_db: f64) -> (u32, usize) {
        let steps = rlr.len() as u32;
        let mut ratings = Ratings::from([(steps / 2, rlr[(steps / 2) as usize])]);
        loop {
            match choose(&ratings, nominal_db, steps).unwrap() {
                Choice::Done(_) => return (closest(&ratings, nominal_db).unwrap(), ratings.len()),
                Choice::Try(step, reason) => {
                    let new = ratings.insert(step, rlr[step as usize]).is_none();
                    assert!(new, "step {step} tried twice: {reason}");
                }
            }
            assert!(ratings.len() <= TAKES_MAX as usize, "{ratings:?}");
        }
    }

    #[test]
    fn the_closest_step_is_found_on_every_control() {
        for steps in [1usize, 2, 3, 7, 16, 33, 256] {
            for (loudest, slope) in [(-13.0, 3.0), (-3.5, 0.7), (1.9, 1.0), (-30.0, 2.2), (4.0, 0.25)] {
                let rlr: Vec<f64> = (0..steps).map(|i| loudest + slope * (steps - 1 - i) as f64).collect();
                let best = rlr.iter().map(|r| (r - 2.0_f64).abs()).fold(f64::INFINITY, f64::min);
                let (step, _) = search(&rlr, 2.0);
                assert!(
                    (rlr[step as usize] - 2.0).abs() <= best,
                    "{steps} steps of {slope} dB from {loudest} dB"
                );
            }
        }
    }

    #[test]
    fn a_crooked_control_needs_no_more_than_the_takes_of_the_card() {
        let mut rlr: Vec<f64> = (0..256).map(|i| 60.0 - 0.01 * f64::from(i)).collect();
        for (i, value) in rlr.iter_mut().enumerate().skip(200) {
            *value = 1.0 - 0.3 * i as f64;
        }
        assert_eq!(search(&rlr, 2.0).0, 199);
    }

    #[test]
    fn of_two_steps_equally_close_the_quieter_is_nominal() {
        assert_eq!(closest(&Ratings::from([(3, 4.0), (4, 0.0)]), 2.0), Some(3));
    }

    #[test]
    fn a_control_that_turns_back_is_refused() {
        let turned = Ratings::from([(3, 1.0), (5, 4.0)]);
        assert!(choose(&turned, 2.0, 8).unwrap_err().reason.contains("quieter than step 3"));
        let broken = Ratings::from([(3, f64::NAN), (5, 4.0)]);
        assert!(choose(&broken, 2.0, 8).is_err());
        assert!(choose(&Ratings::from([(3, f64::NAN)]), 2.0, 8).is_err());
    }
}
