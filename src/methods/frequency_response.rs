//! # Frequency response
//!
//! ## What it measures
//!
//! The sensitivity of the send or of the receive path over frequency: voltage at the network for the pressure at the
//! talker's lips, or pressure at the listener's ears for the voltage at the network, in third or in twelfth octaves.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clause 11.4; bands and their edges are those of IEC 61260-1.
//! The masks float: only the shape is judged, and the limit shifts the curve to where it fits best.
//!
//! ## Stimulus and capture points
//!
//! Real speech, one take: an idle span first, from which the noise is known, then the speech.
//! Speech recorded in wideband has nothing for the upper bands of SWB and FB: a plan names its extended signals there.
//!
//! - Send: from the mouth at −1.7 dBPa (MRP), recorded at the POI.
//! - Receive: from the POI at −16 dBm0, recorded at both ears or at one.
//!
//! ## Computation
//!
//! 1. The bands are the third octaves from 200 Hz to 4 kHz in NB, from 100 Hz to 8 kHz in WB, to 12.5 kHz in SWB and to
//!    20 kHz in FB; or the twelfth octaves that fill them up to 4, 8, 14 and 20 kHz (`bands`).
//! 2. The energy in each band, of the played track over the stimulus, and of the recording over the stimulus and
//!    `delay_max` after it; energies need no alignment. The power of the idle span in each band, times the length of that
//!    window, is the energy of the noise; it is subtracted.
//! 3. S = 10·log10(energy recorded / energy played), in send in dBV/Pa and in receive in dBPa/V; a level at the POI becomes
//!    a voltage at 600 Ω: 0 dBm0 = −2.218 dBV.
//! 4. Receive: where the bench delivers the pressure at the ear-drum, the head's own response to the field of `ear_field` is
//!    taken out of recording and noise, line by line of their spectra; the average of P.58 stands for a head without
//!    curves of its own, and makes the finding *provisional*.
//! 5. The ears are combined band by band (`ears`): `magnitude` is 20·log10(10^(L/20) + 10^(R/20)), as in a loudness rating;
//!    `power` is 10·log10((10^(L/10) + 10^(R/10))/2), what one ear hears on the average. Ears that are equal differ by
//!    6 dB in the two, and by nothing in shape. Which of them the clause means has not been read (class C).
//!    There is no hands-free correction.
//!
//! ## What makes it inconclusive
//!
//! - The stimulus has no energy in one of the bands.
//! - Nothing was recorded, or noise hides every band.
//! - A track in a plane other than its port's, a missing ear, a bad certificate.
//!
//! Bands in which noise could hide more than 0.3 dB are left out of the curve and named in the note. A curve with bands left
//! out can fail a mask, but not pass it.
//!
//! ## How to read the result
//!
//! Larger is louder. The mask floats, so the level says nothing about the verdict; the margin is the distance of the
//! closest band to the mask after the best shift, and the report draws both.
//! Twelfth octaves show reflections of the cabin that third octaves hide; a mask made for third octaves is not for them.

use super::call::{
    self, CONDITIONING, Checks, DELAY_MAX, EAR_FIELD, LEVEL_MRP, LEVEL_POI, LOMBARD_BASE, Timeline, quantity,
};
use super::evidence::EarAtPort;
use super::sensitivity::{self, Request, STIMULUS};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx};
use crate::dsp::bands::Bands;
use crate::entry::{Entry, Param, ParameterKind, ParameterType, ParameterValue, SignalId};
use crate::finding::{Finding, Unmeasurable};
use crate::meters::loudness::magnitude_sum_db;
use crate::terms::{Bandwidth, Direction, Ear, EarField, Port};
use crate::units::{Seconds, Unit};
use crate::verdict::Flag;

const DIRECTION: Param<Direction> =
    Param::required("direction", "Whether the response in send or in receive is measured.");
const SIGNAL: Param<SignalId> =
    Param::with_default("signal", "What is played; it must fill every band.", "speech-single-talk");
const IDLE: Param<Seconds> =
    Param::with_default("idle", "The silence before the signal, from which the noise is known.", "2 s");

/// How fine the bands are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resolution {
    Third,
    Twelfth,
}

impl ParameterType for Resolution {
    const KIND: ParameterKind = ParameterKind::Word(&["third", "twelfth"]);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Text(text) if text == "third" => Some(Self::Third),
            ParameterValue::Text(text) if text == "twelfth" => Some(Self::Twelfth),
            _ => None,
        }
    }
}

const BANDS: Param<Resolution> =
    Param::with_default("bands", "The bands: third or twelfth octaves.", "third");

/// How the ears become one curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Combination {
    Magnitude,
    Power,
    One(Ear),
}

impl ParameterType for Combination {
    const KIND: ParameterKind = ParameterKind::Word(&["magnitude", "power", "left", "right"]);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Text(text) if text == "magnitude" => Some(Self::Magnitude),
            ParameterValue::Text(text) if text == "power" => Some(Self::Power),
            ParameterValue::Text(text) => text.parse().ok().map(Self::One),
            _ => None,
        }
    }
}

impl Combination {
    fn ears(self) -> Vec<Ear> {
        match self {
            Self::Magnitude | Self::Power => Ear::ALL.to_vec(),
            Self::One(ear) => vec![ear],
        }
    }

    fn sum(self) -> fn(f64, f64) -> f64 {
        match self {
            Self::Magnitude | Self::One(_) => magnitude_sum_db,
            Self::Power => power_mean_db,
        }
    }
}

fn power_mean_db(a_db: f64, b_db: f64) -> f64 {
    10.0 * f64::midpoint(10f64.powf(a_db / 10.0), 10f64.powf(b_db / 10.0)).log10()
}

const EARS: Param<Combination> = Param::with_default(
    "ears",
    "What a receive response is made of: both ears by the sum of magnitudes or by the mean of powers, or one ear. Which of \
     them is meant has not been read (class C).",
    "magnitude",
);

static CARD: Card = Card {
    id: "frequency_response",
    title: "Frequency response",
    source: include_str!("frequency_response.rs"),
    measurands: &[
        Measurand {
            id: "send_sensitivity",
            doc: "Voltage at the POI per pressure at the MRP, by band.",
            unit: Unit::DbVPerPa,
        },
        Measurand {
            id: "receive_sensitivity",
            doc: "Pressure at the ears per voltage at the POI, by band, without hands-free correction.",
            unit: Unit::DbPaPerV,
        },
    ],
    parameters: &[
        DIRECTION.spec(),
        SIGNAL.spec(),
        LEVEL_MRP.spec(),
        LOMBARD_BASE.spec(),
        LEVEL_POI.spec(),
        BANDS.spec(),
        EARS.spec(),
        EAR_FIELD.spec(),
        IDLE.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    facts_wanted: sensitivity::FACTS_WANTED,
    ..Card::PLAIN
};

/// By how much noise may change a band that is shown.
const UNCERTAINTY_MAX_DB: f64 = 0.3;

/// The response in send or in receive.
pub struct FrequencyResponse;

impl Method for FrequencyResponse {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let direction = entry.parameters.get(&DIRECTION);
        let source = call::source_port(direction, entry);
        let mut checks = Checks::default();
        checks.plays(cx, &source);
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
        let signal = entry.parameters.get(&SIGNAL);
        sensitivity::part(&mut take, &source, &signal, level, entry.parameters.get(&IDLE), entry, cx);
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&in_ports(direction, entry))] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let direction = entry.parameters.get(&DIRECTION);
        let take = cx.take(direction.word());
        let bands = bands_of(entry.bandwidth, entry.parameters.get(&BANDS));
        let all = 0..bands.len();
        let (sum, field) = match direction {
            Direction::Send => (magnitude_sum_db as fn(f64, f64) -> f64, EarField::None),
            Direction::Receive => (entry.parameters.get(&EARS).sum(), entry.parameters.get(&EAR_FIELD)),
        };
        let measured = sensitivity::paths(
            &Request {
                direction,
                bands: &bands,
                positions: &all,
                ports: &in_ports(direction, entry),
                field,
                at_mouth: None,
            },
            entry,
            take,
            cx,
        )?;
        let path = measured.sum(sum);
        let hidden = path.hidden(all.clone(), UNCERTAINTY_MAX_DB);
        let shown: Vec<usize> = all.filter(|i| !hidden.contains(i)).collect();
        if shown.is_empty() {
            return Err(Unmeasurable::because(
                "the signal stands out of the noise in no band: quiet the cabin or the line, or raise the level",
            ));
        }
        let (measurand, unit) = match direction {
            Direction::Send => ("send_sensitivity", Unit::DbVPerPa),
            Direction::Receive => ("receive_sensitivity", Unit::DbPaPerV),
        };
        let hz = shown.iter().map(|&i| bands.as_slice()[i].nominal_hz).collect();
        let values = shown.iter().map(|&i| path.estimate[i]).collect();
        let mut curve = Finding::curve(measurand, hz, values, unit);
        let mean = |path: &sensitivity::Path| {
            shown.iter().map(|&i| path.estimate[i]).sum::<f64>() / shown.len() as f64
        };
        evidence::complete(&mut curve, take, STIMULUS, measured.influences(sum, mean));
        let mut notes = vec![format!("1/{} octave", bands.fraction())];
        if direction == Direction::Send {
            notes.extend(call::lombard_note(entry));
        }
        notes.extend(measured.network_note().map(str::to_owned));
        if !hidden.is_empty() {
            notes.push(format!("hidden by noise: {}", evidence::names(&bands, &hidden)));
            // A curve with bands left out cannot pass a mask.
            curve.flags.push(Flag::NoiseLimited);
        }
        curve.note = notes.join("; ");
        EarAtPort::tell(&measured.ears, &mut curve);
        Ok(vec![curve])
    }
}

fn in_ports(direction: Direction, entry: &Entry) -> Vec<Port> {
    match direction {
        Direction::Send => vec![Port::of(Port::POI_SEND)],
        Direction::Receive => {
            entry.parameters.get(&EARS).ears().into_iter().map(|ear| Port::ear(entry.listener, ear)).collect()
        }
    }
}

/// The bands in which a response is asked for.
fn bands_of(bandwidth: Bandwidth, resolution: Resolution) -> Bands {
    let (first_hz, last_hz) = match bandwidth {
        Bandwidth::Nb => (200.0, 4_000.0),
        Bandwidth::Wb => (100.0, 8_000.0),
        Bandwidth::Swb => (100.0, 12_500.0),
        Bandwidth::Fb => (100.0, 20_000.0),
    };
    let thirds = Bands::third_octave(first_hz, last_hz);
    match resolution {
        Resolution::Third => thirds,
        Resolution::Twelfth => {
            // Four twelfths fill a third exactly; their midbands lie one and three eighths of it beside its own.
            let beside = |third: usize, eighths: f64| {
                thirds.as_slice()[third].midband_hz * 10f64.powf(eighths * 0.1 / 8.0)
            };
            let last = match bandwidth {
                // The call ends in the middle of the last third: its upper half carries nothing.
                Bandwidth::Nb | Bandwidth::Wb | Bandwidth::Fb => -1.0,
                Bandwidth::Swb => 3.0,
            };
            Bands::per_octave(12, beside(0, -3.0), beside(thirds.len() - 1, last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelfths_fill_the_thirds_up_to_where_the_call_ends() {
        for (bandwidth, end_hz) in [
            (Bandwidth::Nb, 3_981.0),
            (Bandwidth::Wb, 7_943.0),
            (Bandwidth::Swb, 14_125.0),
            (Bandwidth::Fb, 19_953.0),
        ] {
            let [third, twelfth] =
                [Resolution::Third, Resolution::Twelfth].map(|resolution| bands_of(bandwidth, resolution));
            let (third, twelfth) = (third.as_slice(), twelfth.as_slice());
            assert!((twelfth[0].lower_hz / third[0].lower_hz - 1.0).abs() < 1e-12);
            assert!((twelfth[4].lower_hz / third[1].lower_hz - 1.0).abs() < 1e-12);
            assert!((twelfth[twelfth.len() - 1].upper_hz - end_hz).abs() < 1.0);
        }
    }

    #[test]
    fn equal_ears_differ_by_six_decibels_in_level_and_by_nothing_in_shape() {
        for db in [-30.0, -5.87, 0.0, 12.0] {
            assert!((power_mean_db(db, db) - db).abs() < 1e-9);
            assert!((magnitude_sum_db(db, db) - db - 6.0206).abs() < 1e-4);
        }
        // A mute ear leaves half the power.
        assert!((power_mean_db(-6.0, f64::NEG_INFINITY) + 9.0103).abs() < 1e-4);
    }
}
