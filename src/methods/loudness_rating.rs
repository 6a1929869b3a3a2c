//! # Loudness rating
//!
//! ## What it measures
//!
//! How loud the talker in the car arrives at the network (sending loudness rating, SLR), or how loud the network arrives
//! at the listener in the car (receiving loudness rating, RLR), as one number, and the sensitivity per third octave that
//! it is made of.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clause 11.3; the rating is that of P.79 (11/2007), the hands-free terms are those
//! of P.340 and P.581.
//! Narrowband: P.79 Table 1, bands 4 to 17 (200 Hz to 4 kHz).
//! Wideband and above: P.79 Annex A, bands 1 to 20 (100 Hz to 8 kHz).
//! The table of Annex A that is built in was constructed, not read: every rating made with it is flagged *provisional*.
//!
//! ## Stimulus and capture points
//!
//! Real speech, one take: an idle span first, from which the noise is known, then the speech.
//!
//! - Send: from the mouth at −1.7 dBPa (MRP), recorded at the POI.
//! - Receive: from the POI at −16 dBm0, recorded at the ears, equalized to the free field by the bench.
//!
//! ## Computation
//!
//! 1. The energy in each band, of the played track over the stimulus, and of the recording over the stimulus and
//!    `delay_max` after it.
//!    Energies need no alignment: whatever the delay, all of the speech lies in the window.
//! 2. The power of the idle span in each band, times the length of that window, is the energy of the noise; it is
//!    subtracted.
//! 3. Sensitivity of a band: S = 10·log10(energy recorded / energy played), in send in dBV/Pa and in receive in dBPa/V.
//!    A level at the POI becomes a voltage at 600 Ω: 0 dBm0 = −2.218 dBV.
//! 4. Receive with two ears: S = 20·log10(10^(S_left/20) + 10^(S_right/20)) in each band, a sum of magnitudes; the time
//!    between the ears is no part of it.
//! 5. P.79 equation 5-1: LR = −(10/m)·log10 Σ 10^((m/10)·(S − W)), m = 0.175, W the weights of send or receive.
//! 6. Hands-free correction in receive: two ears −8 dB, one ear −14 dB (`ears`). No leakage term L_E: nothing is sealed.
//!
//! ## What makes it inconclusive
//!
//! - The stimulus has no energy in one of the bands.
//! - Nothing was recorded.
//! - Bands whose recording stands less than 6 dB above the noise could change the rating by more than 0.3 dB.
//! - A track in a plane other than its port's, a missing ear, a bad certificate.
//!
//! ## How to read the result
//!
//! A larger loudness rating is *quieter*.
//! A send path with the same sensitivity in all bands of −18.55 dBV/Pa (−1.7 dBPa gives −18.03 dBm0) has SLR 13.0 dB in
//! narrowband and 12.5 dB with the wideband table.
//! The finding's note names the bands that noise hides.

use super::call::{self, CONDITIONING, Checks, DELAY_MAX, LEVEL_MRP, LEVEL_POI, Timeline, quantity};
use super::{Card, Measurand, Method, Refusal, Wish};
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, Param, ParameterKind, ParameterType, ParameterValue, SignalId};
use crate::finding::{Finding, Unmeasurable};
use crate::take::TakeSpec;
use crate::terms::{Direction, Ear, Port};
use crate::units::{Seconds, Unit};

const DIRECTION: Param<Direction> =
    Param::required("direction", "Whether the sending or the receiving loudness rating is measured.");
const SIGNAL: Param<SignalId> =
    Param::with_default("signal", "The speech that is played.", "speech-single-talk");
const IDLE: Param<Seconds> =
    Param::with_default("idle", "The silence before the speech, from which the noise is known.", "2 s");

/// Which ears a receiving loudness rating is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ears {
    /// Both: magnitudes are summed, the correction is 8 dB.
    Two,
    /// One: the correction is 14 dB.
    One(Ear),
}

impl Ears {
    /// The ears.
    pub fn list(self) -> Vec<Ear> {
        match self {
            Self::Two => Ear::ALL.to_vec(),
            Self::One(ear) => vec![ear],
        }
    }
}

impl ParameterType for Ears {
    const KIND: ParameterKind = ParameterKind::Word(&["two", "left", "right"]);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Text(text) if text == "two" => Some(Self::Two),
            ParameterValue::Text(text) => text.parse().ok().map(Self::One),
            _ => None,
        }
    }
}

/// Which ears count.
pub const EARS: Param<Ears> = Param::with_default(
    "ears",
    "The ears of a receiving loudness rating: two (magnitude sum, correction 8 dB), or one (14 dB).",
    "two",
);

static CARD: Card = Card {
    id: "loudness_rating",
    title: "Loudness rating",
    source: include_str!("loudness_rating.rs"),
    measurands: &[
        Measurand { id: "slr", doc: "Sending loudness rating; larger is quieter.", unit: Unit::Db },
        Measurand { id: "rlr", doc: "Receiving loudness rating; larger is quieter.", unit: Unit::Db },
        Measurand {
            id: "send_sensitivity",
            doc: "Voltage at the POI per pressure at the MRP, by third octave.",
            unit: Unit::DbVPerPa,
        },
        Measurand {
            id: "receive_sensitivity",
            doc: "Pressure at the ears per voltage at the POI, by third octave, without hands-free correction.",
            unit: Unit::DbPaPerV,
        },
    ],
    parameters: &[
        DIRECTION.spec(),
        SIGNAL.spec(),
        LEVEL_MRP.spec(),
        LEVEL_POI.spec(),
        EARS.spec(),
        IDLE.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    facts_needed: &[],
    facts_found: &[],
    takes_max: 1,
};

/// The span in which nothing is played.
const NOISE: &str = "idle";
/// The span of the stimulus.
const STIMULUS: &str = "stimulus";
/// What the take before may still leave in the cabin.
const SETTLING: Seconds = Seconds(1.0);

/// SLR and RLR.
pub struct LoudnessRating;

impl Method for LoudnessRating {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let direction = entry.parameters.get(&DIRECTION);
        let mut checks = Checks::default();
        checks.plays(cx, &out_port(direction));
        for port in in_ports(direction, entry.parameters.get(&EARS)) {
            checks.records(cx, &port);
        }
        checks.wait(entry, &IDLE);
        checks.delay_max(entry);
        checks.done()?;
        let take = match direction {
            Direction::Send => send_take(entry, cx),
            Direction::Receive => {
                let mut take = Timeline::new("receive");
                receive_part(
                    &mut take,
                    &entry.parameters.get(&SIGNAL),
                    entry.parameters.get(&IDLE),
                    entry,
                    cx,
                );
                take.build(&in_ports(direction, entry.parameters.get(&EARS)))
            }
        };
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take] })
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

fn in_ports(direction: Direction, ears: Ears) -> Vec<Port> {
    match direction {
        Direction::Send => vec![Port::of(Port::POI_SEND)],
        Direction::Receive => ears.list().into_iter().map(Port::ear).collect(),
    }
}

fn send_take(entry: &Entry, cx: &PlanCx<'_>) -> TakeSpec {
    let mut take = Timeline::new("send");
    let level = quantity(entry.parameters.get(&LEVEL_MRP));
    let signal = entry.parameters.get(&SIGNAL);
    take.wait(SETTLING);
    take.wait_as(NOISE, entry.parameters.get(&IDLE));
    let at = take.play(&Port::of(Port::MOUTH), &signal, level, cx);
    take.name_span(STIMULUS, at..at + cx.signal(&signal.0).frames);
    take.wait(entry.parameters.get(&DELAY_MAX));
    take.build(&in_ports(Direction::Send, Ears::Two))
}

/// What a receiving loudness rating needs of a take: settling, idle span, stimulus at the entry's level, tail.
pub(super) fn receive_part(
    take: &mut Timeline,
    signal: &SignalId,
    idle: Seconds,
    entry: &Entry,
    cx: &PlanCx<'_>,
) {
    take.wait(SETTLING);
    take.wait_as(NOISE, idle);
    let level = quantity(entry.parameters.get(&LEVEL_POI));
    let at = take.play(&Port::of(Port::POI_RECEIVE), signal, level, cx);
    take.name_span(STIMULUS, at..at + cx.signal(&signal.0).frames);
    take.wait(entry.parameters.get(&DELAY_MAX));
}
