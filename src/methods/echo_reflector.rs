//! # Echo with a moving reflector
//!
//! ## What it measures
//!
//! Whether an echo canceller follows a way of the echo that changes: how loud the echo gets, and by how much louder than
//! before, while a panel turns in the cabin.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clause 11.11.6, and 11.11.7 of 03/2017 with speech. Two forms, both on a meter of 35 ms:
//!
//! - relative (03/2017, P.1100 and P.1110): the echo may rise by no more than 6 dB over that with the panel at rest;
//! - absolute (10/2025, read in P.1120): the highest A-weighted level.
//!
//! ## Stimulus and capture points
//!
//! A panel of some 30 by 40 cm on the seat of the codriver turns by 90° in a second; two public readings of its size differ
//! (30 by 40, 40 by 90 cm). The rig turns it. In a call that is conditioned: a silence, the signal from the POI with the
//! panel at rest, the same with the panel turning. The POI in send is recorded. Nobody talks in the car.
//!
//! ## Computation
//!
//! 1. The recording through an A-weighting filter and a first-order mean-square meter of 35 ms, from the beginning of the
//!    signal to the end of its echo; its highest reading, at rest and turning.
//! 2. Where that is less than 12 dB above the noise of the silence, the echo is *at most* this.
//! 3. `reflector_rise`: turning less at rest. Where the echo at rest is hidden by noise the rise is *at least* so much.
//!    An echo that stays below −58 dBm0(A) has not risen: the 10/2025 edition lets that pass for no echo.
//!
//! ## What makes it inconclusive
//!
//! - A track in another plane or with values that are no numbers, a bad certificate.
//! - A bound that does not meet the limit. Noise never fails a car.
//!
//! ## How to read the result
//!
//! The two series are over the same signal: where the one that turns rises twice in each turn, the canceller does not follow;
//! where it rises once at the start, it does, and took that long.

use super::call::{self, CONDITIONING, DELAY_MAX, LEVEL_POI, Timeline, quantity};
use super::echo::{self, IDLE, NOISE, Tracks};
use super::echo_level::{self, Course, UNHEARD_DBM0_A};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Reading, Unmeasurable};
use crate::take::frames;
use crate::terms::Port;
use crate::units::{Seconds, Unit};
use crate::verdict::Flag;

const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "What the far end says, once with the panel at rest and once as it turns.",
    "speech-single-talk",
);

static CARD: Card = Card {
    id: "echo_reflector",
    title: "Echo with a moving reflector",
    source: include_str!("echo_reflector.rs"),
    measurands: &[
        Measurand {
            id: "reflector_rise",
            doc: "By how much the echo is louder while the panel turns than while it rests.",
            unit: Unit::Db,
        },
        Measurand {
            id: "reflector_level_max",
            doc: "The highest A-weighted level of the echo while the panel turns.",
            unit: Unit::Dbm0A,
        },
        Measurand {
            id: "reflector_level",
            doc: "A-weighted level at the POI in send against time while the panel turns.",
            unit: Unit::Dbm0A,
        },
        Measurand { id: "reflector_level_rest", doc: "The same while it rests.", unit: Unit::Dbm0A },
    ],
    parameters: &[SIGNAL.spec(), LEVEL_POI.spec(), IDLE.spec(), DELAY_MAX.spec(), CONDITIONING.spec()],
    facts_wanted: echo::FACTS_WANTED,
    shown_on: Some(echo::METER),
    ..Card::PLAIN
};

/// The one take, and its two spans.
const TAKE: &str = "reflector";
const RESTS: &str = "rests";
const TURNS: &str = "turns";

/// Echo with a moving reflector.
pub struct EchoReflector;

impl Method for EchoReflector {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = echo::checks(entry, cx);
        checks.at_least(entry, &IDLE, Seconds(1.0), "the noise is known from it");
        checks.quiet(entry);
        if !cx.bench.has_reflector {
            checks.refuse_bench(
                format!("bench '{}' without a reflecting panel", cx.bench.name),
                "a panel that the rig turns",
                "add turn_reflector and rest_reflector to [rig] of the bench file, or [cabin.reflector] to the car file; or \
                 remove the entry in an overlay",
            );
        }
        checks.done()?;
        let get = &entry.parameters;
        let (receive, signal) = (Port::of(Port::POI_RECEIVE), get.get(&SIGNAL));
        let length = cx.signal(&signal.0).frames;
        let mut take = Timeline::after_silence(TAKE, get.get(&IDLE));
        for (span, turns) in [(RESTS, false), (TURNS, true)] {
            if turns {
                take.turn_reflector(true);
            }
            let at = take.play(&receive, &signal, quantity(get.get(&LEVEL_POI)), cx);
            take.name_span(span, at..at + length);
            take.wait(get.get(&DELAY_MAX));
        }
        take.turn_reflector(false);
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&echo::recorded_ports(cx))] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let Tracks { played, recorded, silence, clipping } = Tracks::of(cx, take)?;
        let delay_max = entry.parameters.get(&DELAY_MAX);
        let heard = echo_level::heard(&recorded);
        let course = |span: &str| {
            let span = take.span(span);
            let window = span.start..(span.end + frames(delay_max)).min(take.spec.duration);
            let (far, both) = (played.slice(window.clone()), (&recorded, heard.as_slice()));
            Course::read(far, both, window.start, take.span(NOISE), (delay_max, silence), cx)
        };
        let (rests, turns) = (course(RESTS)?, course(TURNS)?);
        let mut loudest = turns.loudest();
        "reflector_level_max".clone_into(&mut loudest.measurand);
        let read_at = loudest.read_from.take().and_then(|reading| reading.at);
        loudest.read_from = read_at.map(|at| Reading::of("reflector_level").at(at));
        let findings = [
            rise(&rests.loudest(), &loudest),
            loudest,
            named(turns.level(), "reflector_level"),
            named(rests.level(), "reflector_level_rest"),
        ];
        let complete = |mut finding: Finding| {
            let is_level = finding.unit == Unit::Dbm0A;
            let influences = is_level.then(|| evidence::influence(&recorded, 1.0)).into_iter().collect();
            let span = if finding.measurand == "reflector_level_rest" { RESTS } else { TURNS };
            evidence::complete(&mut finding, take, span, influences);
            finding
        };
        let mut findings = findings.map(complete);
        clipping.tell(&mut findings);
        Ok(findings.into())
    }
}

fn named(mut finding: Finding, measurand: &str) -> Finding {
    measurand.clone_into(&mut finding.measurand);
    finding
}

/// By how much the highest level has risen.
fn rise(rests: &Finding, turns: &Finding) -> Finding {
    let [before, after] = [rests, turns].map(|one| one.as_scalar().unwrap_or(f64::NAN));
    let is_heard = after >= UNHEARD_DBM0_A || after.is_nan();
    let [rest_hidden, turn_hidden] = [rests, turns].map(|one| one.bound == Bound::AtMost);
    // Of two echoes that noise hides either may be the louder one by any amount.
    let rise = if !is_heard || rest_hidden && turn_hidden { 0.0 } else { after - before };
    let mut finding = Finding::scalar("reflector_rise", rise, Unit::Db);
    let read_at = turns.read_from.as_ref().and_then(|reading| reading.at);
    finding.read_from = read_at.map(|at| Reading::above("reflector_level", before).at(at));
    finding.note = format!("from {before:.1} dBm0(A) at rest to {after:.1} dBm0(A)");
    if !is_heard {
        finding.note.push_str(", which counts as no echo");
    } else if rest_hidden || turn_hidden {
        finding.bound = if rest_hidden { Bound::AtLeast } else { Bound::AtMost };
        finding.flags.push(Flag::NoiseLimited);
        finding.note.push_str(match (rest_hidden, turn_hidden) {
            (true, true) => "; noise hides both",
            (true, false) => "; noise hides the echo at rest",
            _ => "; noise hides the echo as the panel turns",
        });
    }
    finding
}
