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
//! - Receive: from the POI at −16 dBm0, recorded at the ears; or, where the lab has no head, by one free-field
//!   microphone where its middle would be (`mic.reference`).
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
//! 4. Receive: where the bench delivers the pressure at the ear-drum, the head's own response to the field of `ear_field` is
//!    taken out of recording and noise, line by line of their spectra; the average of P.58 stands for a head without
//!    curves of its own, and makes the finding *provisional*. Free and diffuse field differ by 4.5 dB at 2.5 kHz.
//! 5. Receive with two ears: S = 20·log10(10^(S_left/20) + 10^(S_right/20)) in each band, a sum of magnitudes; the time
//!    between the ears is no part of it.
//! 6. P.79 equation 5-1: LR = −(10/m)·log10 Σ 10^((m/10)·(S − W)), m = 0.175, W the weights of send or receive.
//! 7. Hands-free correction in receive: two ears −8 dB, one ear or one free-field microphone −14 dB (`ears`). No leakage
//!    term L_E: nothing is sealed.
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

use super::call::{
    self, CONDITIONING, Checks, DELAY_MAX, EAR_FIELD, LEVEL_MRP, LEVEL_POI, LOMBARD_BASE, Timeline, quantity,
};
use super::evidence::EarAtPort;
use super::sensitivity::{self, Request, STIMULUS};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx};
use crate::dsp::bands::Bands;
use crate::entry::{Entry, Param, ParameterKind, ParameterType, ParameterValue, SignalId};
use crate::finding::{Finding, Influence, Unmeasurable};
use crate::meters::loudness::{LoudnessTable, ONE_EAR_DB, TWO_EARS_DB, magnitude_sum_db};
use crate::terms::{Direction, Ear, EarField, Port, Seat};
use crate::units::{Seconds, Unit};
use crate::verdict::Flag;

const DIRECTION: Param<Direction> =
    Param::required("direction", "Whether the sending or the receiving loudness rating is measured.");
const SIGNAL: Param<SignalId> =
    Param::with_default("signal", "The speech that is played.", "speech-single-talk");
const IDLE: Param<Seconds> =
    Param::with_default("idle", "The silence before the speech, from which the noise is known.", "2 s");

/// What a receiving loudness rating is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ears {
    /// Both ears: magnitudes are summed, the correction is 8 dB.
    Two,
    /// One ear: the correction is 14 dB.
    One(Ear),
    /// A free-field microphone where the head would be: the correction is 14 dB.
    Microphone,
}

impl Ears {
    /// Their ports, with the head in a seat.
    pub fn ports(self, listener: Seat) -> Vec<Port> {
        match self {
            Self::Two => Ear::ALL.iter().map(|ear| Port::ear(listener, *ear)).collect(),
            Self::One(ear) => vec![Port::ear(listener, ear)],
            Self::Microphone => vec![Port::of(Port::MIC_REFERENCE)],
        }
    }
}

impl ParameterType for Ears {
    const KIND: ParameterKind = ParameterKind::Word(&["two", "left", "right", "microphone"]);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Text(text) if text == "two" => Some(Self::Two),
            ParameterValue::Text(text) if text == "microphone" => Some(Self::Microphone),
            ParameterValue::Text(text) => text.parse().ok().map(Self::One),
            _ => None,
        }
    }
}

/// Which ears count.
pub const EARS: Param<Ears> = Param::with_default(
    "ears",
    "What a receiving loudness rating is made of: two ears (magnitude sum, correction 8 dB), one ear, or one free-field \
     microphone in place of the head (14 dB).",
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
        LOMBARD_BASE.spec(),
        LEVEL_POI.spec(),
        EARS.spec(),
        EAR_FIELD.spec(),
        IDLE.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    facts_wanted: sensitivity::FACTS_WANTED,
    ..Card::PLAIN
};

/// SLR and RLR.
pub struct LoudnessRating;

impl Method for LoudnessRating {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let direction = entry.parameters.get(&DIRECTION);
        let mut checks = Checks::default();
        checks.plays(cx, &call::source_port(direction, entry));
        for port in in_ports(direction, entry) {
            checks.records(cx, &port);
        }
        checks.wait(entry, &IDLE);
        checks.delay_max(entry);
        checks.done()?;
        let level = match direction {
            Direction::Send => quantity(call::talker_level(entry, &LEVEL_MRP)),
            Direction::Receive => quantity(entry.parameters.get(&LEVEL_POI)),
        };
        let mut take = Timeline::new(direction.word());
        sensitivity::part(
            &mut take,
            &call::source_port(direction, entry),
            &entry.parameters.get(&SIGNAL),
            level,
            entry.parameters.get(&IDLE),
            entry,
            cx,
        );
        let take = take.build(&in_ports(direction, entry));
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let direction = entry.parameters.get(&DIRECTION);
        let take = cx.take(direction.word());
        let mut rated = Rating::plain(direction).of(entry, take, cx)?;
        if let Some(lombard) = call::lombard_note(entry).filter(|_| direction == Direction::Send) {
            rated.note = format!("{lombard}; {}", rated.note);
        }
        let (rating, curve, unit) = match direction {
            Direction::Send => ("slr", "send_sensitivity", Unit::DbVPerPa),
            Direction::Receive => ("rlr", "receive_sensitivity", Unit::DbPaPerV),
        };
        let mut curve = Finding::curve(curve, rated.curve_hz.clone(), rated.curve_db.clone(), unit);
        // A sensitivity rises with its calibration where a loudness rating falls.
        let influences =
            rated.influences.iter().map(|one| Influence { coefficient: -one.coefficient, ..one.clone() });
        evidence::complete(&mut curve, take, STIMULUS, influences.collect());
        curve.note.clone_from(&rated.note);
        EarAtPort::tell(&rated.ears, &mut curve);
        if rated.is_partial {
            // A curve with bands left out cannot pass a mask.
            curve.flags.push(Flag::NoiseLimited);
        }
        Ok(vec![rated.finding(rating, take), curve])
    }
}

fn in_ports(direction: Direction, entry: &Entry) -> Vec<Port> {
    match direction {
        Direction::Send => vec![Port::of(Port::POI_SEND)],
        Direction::Receive => entry.parameters.get(&EARS).ports(entry.listener),
    }
}

/// A loudness rating with what it is made of.
pub(super) struct Rated {
    /// The rating in dB, hands-free correction included.
    pub(super) rating_db: f64,
    /// By how much the bands that noise hides could change it.
    pub(super) uncertainty_db: f64,
    /// Nominal frequencies of the bands that count and that noise does not hide.
    curve_hz: Vec<f64>,
    /// Their sensitivities.
    curve_db: Vec<f64>,
    influences: Vec<Influence>,
    is_provisional: bool,
    /// Whether noise hides bands that count.
    is_partial: bool,
    ears: Vec<EarAtPort>,
    note: String,
}

impl Rated {
    /// The rating as a finding.
    pub(super) fn finding(&self, measurand: &str, take: &Take) -> Finding {
        let mut finding = Finding::scalar(measurand, self.rating_db, Unit::Db);
        evidence::complete(&mut finding, take, STIMULUS, self.influences.clone());
        // Where noise hides nothing the method knows of no uncertainty, which is not the same as none.
        finding.uncertainty = (self.uncertainty_db > 0.0).then_some(self.uncertainty_db);
        if self.is_provisional {
            finding.flags.push(Flag::Provisional);
        }
        finding.note.clone_from(&self.note);
        EarAtPort::tell(&self.ears, &mut finding);
        finding
    }
}

/// Hands-free correction in receive: P.340 for one ear and for a microphone, P.581 for two ears.
fn correction_db(direction: Direction, ears: Ears) -> f64 {
    match (direction, ears) {
        (Direction::Send, _) => 0.0,
        (Direction::Receive, Ears::Two) => TWO_EARS_DB,
        (Direction::Receive, Ears::One(_) | Ears::Microphone) => ONE_EAR_DB,
    }
}

/// How far bands that noise hides may change a rating.
const UNCERTAINTY_MAX_DB: f64 = 0.3;

/// What a rating is asked for with.
pub(super) struct Rating<'a> {
    /// SLR or RLR.
    pub(super) direction: Direction,
    /// The microphone beside the mouth, where the level that really was there counts.
    pub(super) at_mouth: Option<&'a Port>,
    /// How far bands that noise hides may change it.
    pub(super) uncertainty_max_db: f64,
}

impl Rating<'_> {
    /// As the clauses on loudness ask for.
    pub(super) const fn plain(direction: Direction) -> Self {
        Self { direction, at_mouth: None, uncertainty_max_db: UNCERTAINTY_MAX_DB }
    }

    /// The loudness rating of a take that [`sensitivity::part`] planned.
    ///
    /// # Errors
    /// As [`sensitivity::paths`]; noise that could change the rating by too much.
    pub(super) fn of(&self, entry: &Entry, take: &Take, cx: &EvalCx<'_>) -> Result<Rated, Unmeasurable> {
        let direction = self.direction;
        let (ears, field) = match direction {
            // A send path has no ears; the parameters are not asked for.
            Direction::Send => (Ears::Two, EarField::None),
            Direction::Receive => (entry.parameters.get(&EARS), entry.parameters.get(&EAR_FIELD)),
        };
        let table = LoudnessTable::of(entry.bandwidth);
        let bands = Bands::p79();
        let measured = sensitivity::paths(
            &Request {
                direction,
                bands: &bands,
                positions: &table.positions(),
                ports: &in_ports(direction, entry),
                field,
                at_mouth: self.at_mouth,
            },
            entry,
            take,
            cx,
        )?;
        let correction_db = correction_db(direction, ears);
        let rating =
            |bands: &[f64]| table.rating(direction, &std::array::from_fn(|i| bands[i])) + correction_db;
        let path = measured.sum(magnitude_sum_db);
        let rating_db = rating(&path.estimate);
        let uncertainty_db = rating(&path.quietest) - rating(&path.loudest);
        let hidden = path.hidden(table.positions(), UNCERTAINTY_MAX_DB);
        // NaN is not certain.
        let certain = uncertainty_db <= self.uncertainty_max_db && rating_db.is_finite();
        if !certain {
            return Err(Unmeasurable::because(format!(
                "the stimulus does not stand out of the noise at {}, which could change the rating by more than \
                 {} dB: quiet the cabin or the line, or raise the level",
                evidence::names(&bands, &hidden),
                self.uncertainty_max_db
            )));
        }
        let shown: Vec<usize> = table.positions().filter(|i| !hidden.contains(i)).collect();
        let mut note = table.edition.to_owned();
        if let Some(network) = measured.network_note() {
            note = format!("{note}; {network}");
        }
        if !hidden.is_empty() {
            note.push_str("; hidden by noise: ");
            note.push_str(&evidence::names(&bands, &hidden));
        }
        Ok(Rated {
            rating_db,
            uncertainty_db,
            curve_hz: shown.iter().map(|&i| bands.as_slice()[i].nominal_hz).collect(),
            curve_db: shown.iter().map(|&i| path.estimate[i]).collect(),
            influences: measured.influences(magnitude_sum_db, |path| rating(&path.estimate)),
            is_provisional: table.is_provisional,
            is_partial: !hidden.is_empty(),
            ears: measured.ears,
            note,
        })
    }
}
