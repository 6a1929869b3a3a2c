//! # Attenuation in receive during double talk
//!
//! ## What it measures
//!
//! How much quieter the listener in the car hears the far end while speaking.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clause 11.13.2 (11.12.2 in the editions of 03/2017), with the types of P.340.
//!
//! ## Stimulus and capture points
//!
//! The dialogue of `double_talk_send` with the sides exchanged: words and sentences of the far end from the POI at −16 dBm0,
//! each once alone and once over the talker, who speaks at the mouth at −1.7 dBPa (−25.7 dBPa at the hands-free reference
//! point in the free field). Both ears are recorded. In a second take of the same call the mouth says the same once more, with
//! receive silent: what arrives at the ears then is the *leak*, the way from the head's own mouth to its ears.
//! At −10 dBm0, the variant with the far end 6 dB higher, peaks of the words of this project would exceed full scale by 2 dB:
//! such an entry is refused until a recording with limited peaks is given.
//!
//! ## Computation
//!
//! 1. As in `double_talk_send`, with the energies of both ears together.
//! 2. Level form, `attenuation_receive_level`: as recorded. The mouth is louder at its own ears than the loudspeaker: a car
//!    that takes receive away altogether may read 0 dB and less.
//! 3. Separated estimate, `attenuation_receive`: the leak is subtracted, sample by sample, as it came at the same time of its
//!    take; then double talk is projected on the same speech alone. What is left beside it is tried on the leak.
//! 4. Words and sentences must both hold: the worse of the two counts.
//!
//! ## What makes it inconclusive
//!
//! - As in `double_talk_send`: an edge of the class within what is known; a leak that is not the same in both takes, as where
//!   somebody moved, leaves a span open.
//! - Nothing of the far end arrives at an ear when it speaks alone.
//!
//! ## How to read the result
//!
//! The ratio is taken at the ears as they are: no equalization is needed for two levels at one place. The note says how loud
//! the leak is beside the far end in double talk. The class is the worse one of what is told; the level form is there because
//! the Recommendation describes it.

use std::fmt::Write as _;

use super::call::{self, CONDITIONING, Checks, DELAY_MAX, LEVEL_MRP, LEVEL_POI, quantity};
use super::double_talk::{self, COMPETING, IDLE, NOISE, Pair, Side, TESTED, Way};
use super::echo::db;
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx, Track};
use crate::dsp::level::mean_square;
use crate::entry::Entry;
use crate::finding::{Finding, Unmeasurable};
use crate::meters::timeline::FAST;
use crate::take::Frame;
use crate::terms::{Direction, Ear, Port};
use crate::units::Unit;

static CARD: Card = Card {
    id: "double_talk_receive",
    title: "Attenuation in receive during double talk",
    source: include_str!("double_talk_receive.rs"),
    measurands: &[
        Measurand {
            id: "attenuation_receive",
            doc: "How much quieter the far end is heard in double talk, told apart from the talker's own voice.",
            unit: Unit::Db,
        },
        Measurand {
            id: "attenuation_receive_level",
            doc: "The same by levels, with the talker's own voice in them.",
            unit: Unit::Db,
        },
        Measurand {
            id: "attenuation_receive_course",
            doc: "The level form against time, where the far end is active.",
            unit: Unit::Db,
        },
        Measurand {
            id: "receive_in_double_talk",
            doc: "Level at both ears together against time.",
            unit: Unit::DbPa,
        },
        Measurand {
            id: "receive_alone",
            doc: "Level of the same speech alone, at the times of double talk.",
            unit: Unit::DbPa,
        },
        Measurand {
            id: "leak_in_double_talk",
            doc: "Level of the talker's own voice at both ears together against time.",
            unit: Unit::DbPa,
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
    takes_max: 2,
    shown_on: Some(FAST),
    ..Card::PLAIN
};

/// Both sides.
const BOTH: &str = "double-talk-receive";
/// The talker alone.
const LEAK: &str = "double-talk-leak";
/// What the findings stand on.
const SPANS: &str = "words and sentences, alone and in double talk";

/// Attenuation in receive during double talk.
pub struct DoubleTalkReceive;

impl Method for DoubleTalkReceive {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let (mouth, far) = (Port::mouth(entry.talker), Port::of(Port::POI_RECEIVE));
        let ears = ears(entry);
        let mut checks = Checks::default();
        checks.plays(cx, &mouth);
        checks.plays(cx, &far);
        for ear in &ears {
            checks.records(cx, ear);
        }
        double_talk::check_dialogue(entry, cx, &mut checks);
        checks.done()?;
        let get = &entry.parameters;
        let tested = Side { port: &far, signal: &get.get(&TESTED), level: quantity(get.get(&LEVEL_POI)) };
        let competing =
            Side { port: &mouth, signal: &get.get(&COMPETING), level: quantity(get.get(&LEVEL_MRP)) };
        let both = double_talk::take_of(BOTH, Some(&tested), &competing, entry, cx);
        let leak = double_talk::take_of(LEAK, None, &competing, entry, cx);
        let takes = [both, leak].map(|take| take.build(&ears)).into();
        Ok(Wish { epoch: call::epoch(entry, cx), takes })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let (both, leak) = (cx.take(BOTH), cx.take(LEAK));
        let said = evidence::played(cx, both, &Port::of(Port::POI_RECEIVE), Unit::Dbm0)?;
        let delay_max = entry.parameters.get(&DELAY_MAX);
        let pairs = double_talk::pairs(both, &said)?;
        let mut heard = Vec::new();
        for port in ears(entry) {
            let recorded = evidence::captured(cx, both, &port, Unit::DbPa)?;
            let leak = evidence::captured(cx, leak, &port, Unit::DbPa)?;
            let silence = evidence::recorded_silence(cx, &port, &recorded);
            let delay = double_talk::arrival(both, &said, &recorded, &pairs, delay_max, &port);
            heard.push(Heard::new(recorded, leak, silence, delay));
        }
        // One ear may lie in a shadow: what arrives at the other one tells the delay of both.
        let found = heard.iter().find_map(|one| one.delay.as_ref().ok().copied());
        let Some(found) = found else {
            let why = heard.into_iter().find_map(|one| one.delay.err());
            return Err(why.unwrap_or_else(|| Unmeasurable::because("no ear was recorded")));
        };
        let noise: Vec<&[f64]> = heard.iter().map(|one| one.cleaned_slice(both.span(NOISE))).collect();
        let ways: Vec<Way<'_>> = heard
            .iter()
            .zip(&noise)
            .map(|(one, noise)| Way {
                recorded: &one.recorded.samples,
                cleaned: &one.cleaned,
                delay: *one.delay.as_ref().unwrap_or(&found),
                interferer: Some((one.leak.samples.as_slice(), 0)),
                noise,
                silence: one.silence,
            })
            .collect();
        let compared = double_talk::compare(&said, &pairs, &ways)?;
        let [mut separated, level] = compared.attenuations(Direction::Receive);
        let _ = write!(
            separated.note,
            "; the talker's own voice is {:.1} dB over the far end at the ears in double talk",
            leak_over_db(&heard, &pairs, found)
        );
        let silence = heard.iter().map(|one| one.silence).sum();
        let tracks = |of: &dyn Fn(&Heard) -> usize, name: &str| {
            let all: Vec<&[f64]> = heard.iter().map(|one| one.tracks()[of(one)]).collect();
            double_talk::level_series(name, &all, Unit::DbPa, silence)
        };
        let findings = [
            (separated, 0.0),
            (level, 0.0),
            (compared.course(Direction::Receive), 0.0),
            (tracks(&|_| 0, "receive_in_double_talk"), 1.0),
            (compared.alone("receive_alone", Unit::DbPa, silence), 1.0),
            (tracks(&|_| 1, "leak_in_double_talk"), 1.0),
        ];
        // A ratio of two levels at the same ports: their calibrations cancel.
        let complete = |(mut finding, coefficient): (Finding, f64)| {
            let influences =
                heard.iter().map(|one| evidence::influence(&one.recorded, coefficient / heard.len() as f64));
            evidence::complete(&mut finding, both, SPANS, influences.collect());
            finding
        };
        Ok(findings.map(complete).into())
    }
}

/// The ears of the listener, who is the talker: it is the own voice that competes.
fn ears(entry: &Entry) -> Vec<Port> {
    Ear::ALL.iter().map(|ear| Port::ear(entry.listener, *ear)).collect()
}

/// What arrived at one ear.
struct Heard {
    recorded: Track,
    leak: Track,
    /// The recording less the leak.
    cleaned: Vec<f64>,
    silence: f64,
    delay: Result<Frame, Unmeasurable>,
}

impl Heard {
    fn new(recorded: Track, leak: Track, silence: f64, delay: Result<Frame, Unmeasurable>) -> Self {
        let cleaned = recorded.samples.iter().zip(&leak.samples).map(|(all, leak)| all - leak).collect();
        Self { recorded, leak, cleaned, silence, delay }
    }

    fn cleaned_slice(&self, span: std::ops::Range<Frame>) -> &[f64] {
        let end = (span.end as usize).min(self.cleaned.len());
        &self.cleaned[(span.start as usize).min(end)..end]
    }

    fn tracks(&self) -> [&[f64]; 2] {
        [&self.recorded.samples, &self.leak.samples]
    }
}

/// How loud the leak is beside the far end in double talk, at both ears together.
fn leak_over_db(heard: &[Heard], pairs: &[Pair], delay: Frame) -> f64 {
    let (mut leak, mut rest) = (0.0, 0.0);
    for one in heard {
        for pair in pairs {
            let span = pair.double.start + delay..pair.double.end + delay;
            let frames = (span.end - span.start) as f64;
            leak += frames * mean_square(one.leak.slice(span.clone()));
            rest += frames * mean_square(one.cleaned_slice(span));
        }
    }
    db(leak / rest)
}
