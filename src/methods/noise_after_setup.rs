//! # Noise after call set-up
//!
//! ## What it measures
//!
//! How the noise of the car that the far end hears changes in the first seconds of a call: while noise reduction settles, or
//! a channel opens late.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clause 11.14.2 (10/2025), 11.13.2 (03/2017), which judge it by a model of hearing (the relative
//! approach of Annex B). That model and its criterion are not in the sources of this project (class N): what is told here is
//! the level against time. That the level may vary by 10 dB at most is a companion rule of sister standards (class C).
//!
//! ## Stimulus and capture points
//!
//! Driving noise, which sounds for 5 s before the call. A call of its own with nothing played in it; the POI in send is
//! recorded from the first moment that the bench has the call. On the virtual car that is the set-up itself. On a live bench
//! it is when the operator has said that the call is up: what came before is not in the recording.
//!
//! ## Computation
//!
//! 1. The recording is A-weighted and goes through a meter of 125 ms.
//! 2. The noise has arrived when a meter of 35 ms is within 20 dB of what it reads a whole number of turns of the noise
//!    later, at most `delay_max` after the beginning: before that is the delay of the link.
//! 3. From 50 ms after that on, level at each moment of the first `watched` seconds minus level of the same sound at least
//!    `watched` later, when the terminal has settled. The same sound, so that the noise's own variation is in both.
//! 4. `noise_setup_variation`: the largest of these differences, or 0 dB, minus the smallest, or 0 dB: 0 dB is the settled
//!    level.
//! 5. `noise_setup_settling`: when the difference was more than 3 dB for the last time.
//!
//! ## What makes it inconclusive
//!
//! - The settled noise is less than 10 dB above what a 16-bit codec can code: a terminal that sends no noise has none that
//!   varies, and 10 dB less than it could not be seen.
//! - A track in another plane or with values that are no numbers, a bad certificate.
//!
//! ## How to read the result
//!
//! A difference that begins positive and falls is noise reduction that learns; one that begins far below, a channel that is
//! muted after set-up.

use super::call::{self, DELAY_MAX, Timeline};
use super::echo::{METER, STEP, db};
use super::transmitted_noise::{self, Sent, turn, turns_over};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx};
use crate::dsp::level::mean_square_series;
use crate::entry::{Entry, Param};
use crate::finding::{Finding, Reading, Unmeasurable};
use crate::take::{Frame, RATE, frames};
use crate::terms::Port;
use crate::units::{Seconds, Unit};

const WATCHED: Param<Seconds> =
    Param::with_default("watched", "How long the beginning of the call is watched; 1 to 60 s.", "10 s");

static CARD: Card = Card {
    id: "noise_after_setup",
    title: "Noise after call set-up",
    source: include_str!("noise_after_setup.rs"),
    measurands: &[
        Measurand {
            id: "noise_setup_variation",
            doc: "By how much the A-weighted level of the noise varies after call set-up, the settled level included.",
            unit: Unit::Db,
        },
        Measurand {
            id: "noise_setup_settling",
            doc: "Until when that level is more than 3 dB from the settled one.",
            unit: Unit::Second,
        },
        Measurand {
            id: "noise_setup_course",
            doc: "A-weighted level against time, over the settled level of the same sound.",
            unit: Unit::Db,
        },
        Measurand {
            id: "noise_setup_level",
            doc: "A-weighted level at the POI in send against time.",
            unit: Unit::Dbm0A,
        },
    ],
    parameters: &[WATCHED.spec(), DELAY_MAX.spec()],
    shown_on: Some(FAST),
    starts_cold: true,
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "setup";
/// The span that is watched.
const BEGINNING: &str = "beginning";
/// The meter of the level: fast, as that of a sound level meter.
const FAST: Seconds = Seconds(0.125);
/// A noise has arrived when it is no further below its settled level.
const ARRIVED_DB: f64 = 20.0;
/// What the cut at the arrival does to the weighting is over.
const CUT: Seconds = Seconds(0.05);
/// A level is settled when it is this close.
const SETTLED_DB: f64 = 3.0;
/// The settled noise must be so far above what can be coded, for its variation to be seen.
const ROOM_DB: f64 = 10.0;

/// Noise after call set-up.
pub struct NoiseAfterSetup;

impl Method for NoiseAfterSetup {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = transmitted_noise::checks(entry, cx);
        checks.duration(entry, &WATCHED, Seconds(60.0));
        checks.at_least(entry, &WATCHED, Seconds(1.0), "the beginning of a call takes longer");
        checks.done()?;
        let (watched, delay_max) = (entry.parameters.get(&WATCHED), entry.parameters.get(&DELAY_MAX));
        let mut take = Timeline::new(TAKE);
        take.wait_as(BEGINNING, Seconds(watched.0 + delay_max.0 + CUT.0));
        take.wait(Seconds(turns_over(turn(entry, cx), watched) as f64 / f64::from(RATE)));
        Ok(Wish {
            epoch: call::bare_epoch(entry, entry.volume),
            takes: vec![take.build(&[Port::of(Port::POI_SEND)])],
        })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let sent = Sent::of(cx, take)?;
        let (watched, delay_max) = (entry.parameters.get(&WATCHED), entry.parameters.get(&DELAY_MAX));
        let beginning = take.span(BEGINNING);
        let later = turns_over(sent.turn, watched);
        let course = Course::read(&sent, beginning.start, later, watched, delay_max)?;
        let (level, times) = (course.level_db.clone(), course.times());
        let findings = [
            (course.variation(), Vec::new()),
            (course.settling(), Vec::new()),
            (
                Finding::series("noise_setup_course", times.clone(), course.over_db.clone(), Unit::Db),
                Vec::new(),
            ),
            (
                Finding::series("noise_setup_level", times, level, Unit::Dbm0A),
                vec![evidence::influence(&sent.track, 1.0)],
            ),
        ];
        let complete = |(mut finding, influences)| {
            evidence::complete(&mut finding, take, BEGINNING, influences);
            finding
        };
        Ok(findings.map(complete).into())
    }
}

/// The level after the noise has arrived.
struct Course {
    /// From the beginning of the recording to the first reading, in s.
    from_s: f64,
    arrived_s: f64,
    /// Over the settled level, every [`STEP`].
    over_db: Vec<f64>,
    level_db: Vec<f64>,
    settled_db: f64,
}

impl Course {
    fn read(
        sent: &Sent,
        start: Frame,
        later: Frame,
        watched: Seconds,
        delay_max: Seconds,
    ) -> Result<Self, Unmeasurable> {
        let step = frames(STEP);
        let part = |from: Frame, length: Frame| {
            let end = ((from + length) as usize).min(sent.weighted.len());
            &sent.weighted[(from as usize).min(end)..end]
        };
        let readings =
            |meter, from, length| mean_square_series(part(from, length), RATE, meter, step as usize);
        let settled = sent.power(&(start + later..start + later + frames(watched)));
        if db(settled) < db(sent.silence) + ROOM_DB {
            return Err(Unmeasurable::because(format!(
                "the settled noise at the POI is {:.1} dBm0(A), no more than a 16-bit codec can code: use a louder noise",
                db(settled)
            )));
        }
        let arrival = readings(METER, start, frames(delay_max)).into_iter();
        let same = readings(METER, start + later, frames(delay_max));
        let near = |(now, settled): (f64, &f64)| db(now.max(sent.silence)) >= db(*settled) - ARRIVED_DB;
        let arrived =
            arrival.zip(&same).position(near).map_or(frames(delay_max), |n| (n as Frame + 1) * step);
        let from = start + arrived + frames(CUT);
        let length = frames(watched);
        // Both meters begin at rest, so that their climb is in both.
        let (now, then) = (readings(FAST, from, length), readings(FAST, from + later, length));
        let floor = |power: f64| power.max(sent.silence);
        let over = now.iter().zip(&then).map(|(now, then)| db(floor(*now)) - db(floor(*then)));
        Ok(Self {
            from_s: (from - start) as f64 / f64::from(RATE),
            arrived_s: arrived as f64 / f64::from(RATE),
            over_db: over.collect(),
            level_db: now.iter().map(|power| db(floor(*power))).collect(),
            settled_db: db(settled),
        })
    }

    fn times(&self) -> Vec<f64> {
        (1..=self.over_db.len()).map(|n| self.from_s + n as f64 * STEP.0).collect()
    }

    fn variation(&self) -> Finding {
        let fold = |better: fn(f64, f64) -> bool| {
            self.over_db.iter().zip(self.times()).fold((0.0, 0.0), |worst: (f64, f64), (over, at)| {
                // NaN stays.
                if better(*over, worst.0) || over.is_nan() { (*over, at) } else { worst }
            })
        };
        let (high, low) = (fold(|a, b| a > b), fold(|a, b| a < b));
        let mut finding = Finding::scalar("noise_setup_variation", high.0 - low.0, Unit::Db);
        // Where nothing is louder than the settled level, no moment decided.
        let at = Some(high.1).filter(|_| high.0 > 0.0);
        finding.read_from = Some(Reading { at, ..Reading::above("noise_setup_course", low.0) });
        finding.note = format!(
            "from {:.1} dB at {:.2} s to {:+.1} dB at {:.2} s of a settled level of {:.1} dBm0(A); the noise arrived after \
             {:.0} ms",
            low.0,
            low.1,
            high.0,
            high.1,
            self.settled_db,
            self.arrived_s * 1e3
        );
        finding
    }

    fn settling(&self) -> Finding {
        let far = |over: &f64| over.is_nan() || over.abs() > SETTLED_DB;
        let last = self.over_db.iter().rposition(far);
        let at = last.map_or(0.0, |n| self.from_s + (n + 1) as f64 * STEP.0);
        let mut finding = Finding::scalar("noise_setup_settling", at, Unit::Second);
        finding.read_from = Some(Reading::after("noise_setup_course", 0.0, 1.0));
        finding
    }
}
