//! # Attenuation in send during double talk
//!
//! ## What it measures
//!
//! How much quieter the far end hears the talker in the car while it speaks itself: a hands-free terminal that must get rid
//! of an echo takes speech with it.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clause 11.13.1 (11.12.1 in the editions of 03/2017), with the types of P.340.
//!
//! ## Stimulus and capture points
//!
//! A dialogue: six words and two sentences of the talker at the mouth at −1.7 dBPa, each once alone and once over the far end,
//! which speaks from the POI at −16 dBm0. Variants have the one 6 dB higher and the other 6 dB lower (`level_mrp`,
//! `level_poi`), or the loudest volume. −1.7 dBPa at the MRP is −25.7 dBPa at the hands-free reference point in the free
//! field, in which the mouth was set: 24 dB lie between the two. The POI in send is recorded, a silence before included.
//!
//! ## Computation
//!
//! 1. Each word and sentence in double talk is laid over the same one alone: by its place in what the mouth played, and by
//!    the delay to the POI that the longest sentence alone shows.
//! 2. Level form, `attenuation_send_level`: both go through a meter of 5 ms; the energies of its readings while the mouth is
//!    active (no more than 15.9 dB below the active level of P.56) are compared. An echo fills the level in double talk: one
//!    as loud as the speech that is left makes 6 dB read as 3 dB.
//! 3. Separated estimate, `attenuation_send`: double talk is projected on the same speech alone, in tiles of 85 ms and some
//!    hundred hertz. What follows the speech is speech, whatever its gain there; an echo follows it by chance only, by a share
//!    that is known and taken off. Tiles in which the speech is 40 dB below its loudest one are left out.
//! 4. Words and sentences must both hold: the worse of the two counts.
//! 5. What is left beside the speech is tried on the far end, as late as its echo. What follows that is echo, and the silence
//!    tells the noise. Where so much remains that following neither it could be the speech, changed beyond recognition, that
//!    it matters, the attenuation is only known to lie *between* what the level without echo and noise says and the separated
//!    estimate.
//! 6. The standard uncertainty is 0.25 dB while what is beside the speech is 10 dB below it, and 0.5 dB where it is as loud.
//!
//! ## What makes it inconclusive
//!
//! - An edge of the class that is asked for lies within twice the uncertainty, or within the span of item 5.
//! - Nothing of the talker arrives when the talker speaks alone; a track in another plane or with values that are no numbers,
//!   a bad certificate.
//! - Speech that is lost altogether is a bound: the attenuation is *at least* what would still be found.
//!
//! ## How to read the result
//!
//! The series show the level at the POI in double talk, that of the same speech alone at the same times, and the far end. A
//! level form far below the separated estimate tells of an echo in double talk: look at `double_talk_echo_loss`.

use std::fmt::Write as _;

use super::call::{self, CONDITIONING, Checks, DELAY_MAX, LEVEL_MRP, LEVEL_POI, quantity};
use super::double_talk::{self, COMPETING, IDLE, NOISE, Side, TESTED, Way};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx};
use crate::entry::Entry;
use crate::finding::{Finding, Unmeasurable};
use crate::meters::timeline::FAST;
use crate::take::RATE;
use crate::terms::{Direction, Port};
use crate::units::Unit;

static CARD: Card = Card {
    id: "double_talk_send",
    title: "Attenuation in send during double talk",
    source: include_str!("double_talk_send.rs"),
    measurands: &[
        Measurand {
            id: "attenuation_send",
            doc: "How much quieter the talker is sent in double talk, told apart from the echo.",
            unit: Unit::Db,
        },
        Measurand {
            id: "attenuation_send_level",
            doc: "The same by levels, with the echo in them.",
            unit: Unit::Db,
        },
        Measurand {
            id: "attenuation_send_course",
            doc: "The level form against time, where the talker is active.",
            unit: Unit::Db,
        },
        Measurand {
            id: "send_in_double_talk",
            doc: "Level at the POI in send against time.",
            unit: Unit::Dbm0,
        },
        Measurand {
            id: "send_alone",
            doc: "Level of the same speech alone, at the times of double talk.",
            unit: Unit::Dbm0,
        },
        Measurand {
            id: "far_in_double_talk",
            doc: "Level of the far end at the POI in receive against time.",
            unit: Unit::Dbm0,
        },
    ],
    parameters: &[
        TESTED.spec(),
        COMPETING.spec(),
        LEVEL_MRP.spec(),
        LEVEL_POI.spec(),
        IDLE.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    shown_on: Some(FAST),
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "double-talk-send";
/// What the findings stand on.
const SPANS: &str = "words and sentences, alone and in double talk";

/// Attenuation in send during double talk.
pub struct DoubleTalkSend;

impl Method for DoubleTalkSend {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let (mouth, far, send) = ports(entry);
        let mut checks = Checks::default();
        checks.plays(cx, &mouth);
        checks.plays(cx, &far);
        checks.records(cx, &send);
        double_talk::check_dialogue(entry, cx, &mut checks);
        checks.done()?;
        let get = &entry.parameters;
        let tested = Side { port: &mouth, signal: &get.get(&TESTED), level: quantity(get.get(&LEVEL_MRP)) };
        let competing =
            Side { port: &far, signal: &get.get(&COMPETING), level: quantity(get.get(&LEVEL_POI)) };
        let take = double_talk::take_of(TAKE, Some(&tested), &competing, entry, cx);
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&[send])] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let (mouth, far, send) = ports(entry);
        let said = evidence::played(cx, take, &mouth, Unit::DbPa)?;
        let heard = evidence::played(cx, take, &far, Unit::Dbm0)?;
        let sent = evidence::captured(cx, take, &send, Unit::Dbm0)?;
        let silence = evidence::coded_silence(cx, &send);
        let delay_max = entry.parameters.get(&DELAY_MAX);
        let pairs = double_talk::pairs(take, &said)?;
        let delay = double_talk::arrival(take, &said, &sent, &pairs, delay_max, &send)?;
        // The echo of the whole take: a canceller may hide it while the far end speaks alone.
        let echo = super::echo::delay(&heard.samples, &sent.samples, delay_max);
        let echo = echo.map(|delay| (delay.0 * f64::from(RATE)).round() as i64);
        let way = Way {
            recorded: &sent.samples,
            cleaned: &sent.samples,
            delay,
            interferer: echo.map(|delay| (heard.samples.as_slice(), delay)),
            noise: sent.slice(take.span(NOISE)),
            silence,
        };
        let compared = double_talk::compare(&said, &pairs, &[way])?;
        let [mut separated, level] = compared.attenuations(Direction::Send);
        let echo_ms = echo.map(|frames| frames as f64 * 1e3 / f64::from(RATE));
        let _ = match echo_ms {
            Some(ms) => write!(separated.note, "; echo of the far end after {ms:.1} ms"),
            None => write!(separated.note, "; no echo of the far end stands out"),
        };
        let findings = [
            (separated, 0.0),
            (level, 0.0),
            (compared.course(Direction::Send), 0.0),
            (double_talk::level_series("send_in_double_talk", &[&sent.samples], Unit::Dbm0, silence), 1.0),
            (compared.alone("send_alone", Unit::Dbm0, silence), 1.0),
            (double_talk::level_series("far_in_double_talk", &[&heard.samples], Unit::Dbm0, silence), 0.0),
        ];
        // A ratio of two levels at one port: its calibration cancels.
        let complete = |(mut finding, coefficient): (Finding, f64)| {
            evidence::complete(&mut finding, take, SPANS, vec![evidence::influence(&sent, coefficient)]);
            finding
        };
        Ok(findings.map(complete).into())
    }
}

/// Where the talker speaks, where the far end does, where send is recorded.
fn ports(entry: &Entry) -> (Port, Port, Port) {
    (Port::mouth(entry.talker), Port::of(Port::POI_RECEIVE), Port::of(Port::POI_SEND))
}
