//! # Delay
//!
//! ## What it measures
//!
//! How long speech takes through the hands-free terminal: in send from the mouth reference point to the point of
//! interconnect, in receive from the point of interconnect to the ears, and both together as the round trip.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clause 11.2; the correlation method is that of P.502.
//! The share of the network simulator (radio link, codec, converters of the bench) is not the terminal's and is
//! subtracted as the bench declares it.
//!
//! ## Stimulus and capture points
//!
//! One take for each direction.
//! A composite source signal whose noise part lasts longer than the delays that must be told apart
//! (16 384 points at 48 kHz are 341 ms) is played
//!
//! - in send from the mouth at −1.7 dBPa (MRP), recorded at the POI;
//! - in receive from the POI at −16 dBm0, recorded at both ears.
//!
//! ## Computation
//!
//! 1. The played track from the first to the last frame of the stimulus is correlated with the recording, which goes on
//!    for `delay_max` after it.
//!    The spectra are whitened within the band that call and stimulus share, so that the responses of terminal and cabin
//!    don't smear the maximum.
//! 2. The envelope of the correlation (Hilbert transform) gives the delay whatever the polarity; each candidate is rated
//!    by the energy that it explains, c²/E, which tells the delay from the delay plus or minus one period of the signal.
//! 3. The maximum is refined on the correlation itself by band-limited interpolation to a small part of a frame.
//! 4. Receive: the ear that hears the terminal first counts; the difference between the ears is geometry.
//!    Both are stated beside the finding.
//! 5. The declared delay of the network in that direction is subtracted and stated.
//! 6. Round trip = send + receive.
//!
//! ## What makes it inconclusive
//!
//! - The correlation is less than three times what unrelated signals would reach by chance: noise, a mute path, or a
//!   delay beyond `delay_max`.
//! - The delay lies at the end of the search range, or below the declared delay of the network.
//! - A track in a plane other than its port's, a missing ear, a bad certificate.
//!
//! ## How to read the result
//!
//! In milliseconds, the way of the sound in the cabin included (3 ms to the metre).
//! Terminals that stretch or squeeze time while they run (jitter buffers) have no single delay: the finding is that of
//! the whole stimulus, and a low correlation in its note says so.

use super::call::{self, CONDITIONING, Checks, DELAY_MAX, LEVEL_MRP, LEVEL_POI, Timeline, quantity};
use super::{Card, Measurand, Method, Refusal, Wish};
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Finding, Unmeasurable};
use crate::take::TakeSpec;
use crate::terms::{Direction, Ear, Port};
use crate::units::{Quantity, Seconds, Unit};

const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "The signal that is correlated; its noise part bounds the delays.",
    "css-delay",
);

static CARD: Card = Card {
    id: "delay",
    title: "Delay",
    source: include_str!("delay.rs"),
    measurands: &[
        Measurand { id: "delay_send", doc: "Delay from the MRP to the POI.", unit: Unit::Millisecond },
        Measurand {
            id: "delay_receive",
            doc: "Delay from the POI to the earlier ear.",
            unit: Unit::Millisecond,
        },
        Measurand {
            id: "delay_round_trip",
            doc: "Delay in send plus delay in receive.",
            unit: Unit::Millisecond,
        },
    ],
    parameters: &[SIGNAL.spec(), LEVEL_MRP.spec(), LEVEL_POI.spec(), DELAY_MAX.spec(), CONDITIONING.spec()],
    facts_needed: &[],
    facts_found: &[],
    takes_max: 2,
};

/// The span of the stimulus.
const STIMULUS: &str = "stimulus";
/// What the take before may still leave in the cabin.
const SETTLING: Seconds = Seconds(0.5);

/// Delay in send, in receive and of the round trip.
pub struct Delay;

impl Method for Delay {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = Checks::default();
        for name in [Port::MOUTH, Port::POI_RECEIVE] {
            checks.plays(cx, &Port::of(name));
        }
        for name in [Port::POI_SEND, Port::EAR_LEFT, Port::EAR_RIGHT] {
            checks.records(cx, &Port::of(name));
        }
        checks.delay_max(entry);
        checks.done()?;
        let takes = Direction::ALL.iter().map(|direction| take(*direction, entry, cx)).collect();
        Ok(Wish { epoch: call::epoch(entry, cx), takes })
    }

    fn evaluate(&self, _entry: &Entry, _cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        Err(Unmeasurable::because("not yet"))
    }
}

fn out_port(direction: Direction) -> Port {
    Port::of(match direction {
        Direction::Send => Port::MOUTH,
        Direction::Receive => Port::POI_RECEIVE,
    })
}

fn in_ports(direction: Direction) -> Vec<Port> {
    match direction {
        Direction::Send => vec![Port::of(Port::POI_SEND)],
        Direction::Receive => vec![Port::ear(Ear::Left), Port::ear(Ear::Right)],
    }
}

fn level(direction: Direction, entry: &Entry) -> Quantity {
    match direction {
        Direction::Send => quantity(entry.parameters.get(&LEVEL_MRP)),
        Direction::Receive => quantity(entry.parameters.get(&LEVEL_POI)),
    }
}

fn take(direction: Direction, entry: &Entry, cx: &PlanCx<'_>) -> TakeSpec {
    let signal = entry.parameters.get(&SIGNAL);
    let delay_max = entry.parameters.get(&DELAY_MAX);
    let mut take = Timeline::new(direction.word());
    take.wait(SETTLING);
    let at = take.play(&out_port(direction), &signal, level(direction, entry), cx);
    take.name_span(STIMULUS, at..at + cx.signal(&signal.0).frames);
    take.wait(delay_max);
    take.build(&in_ports(direction))
}
