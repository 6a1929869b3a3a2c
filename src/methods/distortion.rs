//! # Distortion
//!
//! ## What it measures
//!
//! What a steady sound holds at the far end of a path that it did not hold at the near end: the harmonics of a sine, all
//! that is left beside a sine, or what falls between the lines of a noise.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clauses 11.9 (send) and 11.10 (receive).
//! Known from the edition of 2008: sines of 300, 500 and 1 000 Hz after an activation, less than 3 %.
//! Frequencies above 1 kHz, the weighting of the total and the noise are this project's (class N).
//!
//! ## Stimulus and capture points
//!
//! Silence of `idle` first, then 2.1 s of composite source signal that activate the path, then at once half a second of a
//! sine (`frequency`) or 2 s of noise with gaps in its line spectrum: noise reduction takes away what stays.
//!
//! - Send: from the mouth at −1.7 dBPa (MRP), recorded at the POI and, where the bench has it, at `mic.mrp`.
//! - Receive: from the POI at −16 dBm0, recorded at both ears; of each measurand the worse ear counts.
//!
//! ## Computation
//!
//! Sine:
//!
//! 1. The delay is found by correlation, and the recording is aligned to the nearest frame.
//!    The first 50 ms of the sine settle the cabin; the rest is analyzed.
//! 2. Fundamental and harmonics are fitted with their phases (four-parameter fit of IEEE 1057, Blackman-Harris window).
//!    Harmonics up to `order` count where they lie in the band: 200 to 4 000 Hz in NB, 100 to 8 000 Hz in WB, to 14 000 Hz in
//!    SWB, to 20 000 Hz in FB.
//! 3. Send with `mic.mrp`: what was recorded there is brought to the pace of the device's clock, which the frequency of the
//!    sine tells. The gain of the path at each harmonic is read from the activation (H1 over ± 5 Hz); the harmonic that the
//!    mouth made, times this gain, is subtracted with its phase. What is seen of the fundamental may be turned by φ against
//!    what its gain foretells, by a delay that has changed since: then harmonic k is turned by k·φ.
//!    How far the gain at the fundamental misses the sine itself says how well that can be done: of what passed of harmonic k,
//!    by the level and by min(2, k·|e^jφ − 1|) of the turn, which may have another reason.
//!    What the device makes of the mouth's harmonics together with the fundamental stays: up to six times their share.
//!    Both are the doubt in the value.
//! 4. Receive, where the bench delivers the pressure at the ear-drum: fundamental, harmonics and the spectra of what is left
//!    and of the silence are divided by the ear's response to the field of `ear_field`, each at its own frequency. The
//!    canal of an ear lifts 3 kHz by 12 dB over 1 kHz, and no harmonic of the car is that.
//! 5. Noise: the density of what is left in the third octave around a harmonic, times the bandwidth of the fit.
//! 6. Harmonic distortion: the root of the sum of the squared harmonics less the noise, over the fundamental.
//! 7. Total: harmonics and all that is left in the band, weighted (NB psophometric, otherwise A), over the unweighted
//!    fundamental. Noise counts.
//!
//! Noise stimulus:
//!
//! 1. Eight whole periods, once the path has settled; at an ear-drum every line is divided by the ear's response as in step 4
//!    above. The mean power in the gaps, less the noise between the lines, holds for the lines too: by octave, the gaps
//!    times all lines over the lines played.
//! 2. Send with `mic.mrp`: what lies in the gaps there is subtracted as in step 3 above, by the gain of the neighbors.
//! 3. The total is the root of the summed ratio, in percent; a sine of 3 % and noise of 3 % are two things.
//!
//! ## What makes it inconclusive
//!
//! - Nothing arrives that follows the activation, or the sine stands less than 10 dB above the noise around it; the sine arrives more than 6 dB lower than the activation says, at both ears in
//!   receive: it was taken away. At one ear alone the room cancels it.
//! - The sine cannot be read at an ear where the room cancels it: where the activation finds it 10 dB weaker than the octave
//!   around. The ear is left out, with a note, and the other one is judged; at both ears there is no value.
//! - Harmonics less than 6 dB above the noise, or a total less than 6 dB above the idle noise: the value is *at most* this.
//! - One ear's value is proven, and the other's is a bound above it: the value lies *between* the two. It passes a car where
//!   both are inside the limit, fails it where both are outside, and leaves it open where the limit lies between them.
//! - What the mouth may have made is more than a tenth of the value, or is not known since `mic.mrp` is missing: the value
//!   is *at most* this. So a device fails only for what is proven to be its own.
//!
//! ## How to read the result
//!
//! Lower is better. A loudspeaker's distortion grows with level and falls with frequency: look at the loudest step and
//! the lowest frequency first. The curve gives each harmonic in percent at its own frequency.

mod noise;
mod tone;

use tone::NotRead;

use super::call::{
    self, CONDITIONING, Checks, DELAY_MAX, EAR_FIELD, LEVEL_MRP, LEVEL_POI, LOMBARD_BASE, Timeline, quantity,
};
use super::evidence::EarAtPort;
use super::{Card, Measurand, Method, Refusal, Wish, evidence, idle_noise};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx, PortDirection, Track};
use crate::dsp::weighting::Weighting;
use crate::entry::{Entry, Param, ParameterKind, ParameterType, ParameterValue, SignalId};
use crate::finding::{Bound, Finding, Unmeasurable, add_note};
use crate::take::RATE;
use crate::terms::{Bandwidth, Direction, Port};
use crate::units::{Hz, Seconds, Unit};
use crate::verdict::Flag;

const DIRECTION: Param<Direction> =
    Param::required("direction", "Whether distortion is measured in send or in receive.");
const STIMULUS: Param<Stimulus> = Param::with_default(
    "stimulus",
    "A sine (tone), or noise with gaps in its line spectrum (noise).",
    "tone",
);
const FREQUENCY: Param<Hz> = Param::with_default(
    "frequency",
    "The frequency of the sine: 300, 500 or 1000 Hz; 2000 and 4000 Hz are this project's (class N). The catalogue has a \
     signal distortion-… for each.",
    "1000 Hz",
);
const ORDER: Param<u32> = Param::with_default(
    "order",
    "The highest harmonic that counts, where it lies in the band; 2 to 60.",
    "10",
);
const IDLE: Param<Seconds> =
    Param::with_default("idle", "The silence before the activation, from which the noise is known.", "1 s");

/// What is distorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stimulus {
    Tone,
    Noise,
}

impl ParameterType for Stimulus {
    const KIND: ParameterKind = ParameterKind::Word(&["tone", "noise"]);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Text(text) if text == "tone" => Some(Self::Tone),
            ParameterValue::Text(text) if text == "noise" => Some(Self::Noise),
            _ => None,
        }
    }
}

static CARD: Card = Card {
    id: "distortion",
    title: "Distortion",
    source: include_str!("distortion.rs"),
    measurands: &[
        Measurand { id: "distortion_send", doc: "Harmonics of a sine at the POI.", unit: Unit::Percent },
        Measurand {
            id: "distortion_receive",
            doc: "Harmonics of a sine at the worse ear.",
            unit: Unit::Percent,
        },
        Measurand {
            id: "distortion_send_total",
            doc: "All but the sine, weighted, or what falls into the gaps of a noise, at the POI.",
            unit: Unit::Percent,
        },
        Measurand {
            id: "distortion_receive_total",
            doc: "All but the sine, weighted, or what falls into the gaps of a noise, at the worse ear.",
            unit: Unit::Percent,
        },
        Measurand {
            id: "distortion_send_harmonics",
            doc: "Each harmonic at the POI over the fundamental, at its own frequency.",
            unit: Unit::Percent,
        },
        Measurand {
            id: "distortion_receive_harmonics",
            doc: "Each harmonic at the worse ear over the fundamental, at its own frequency.",
            unit: Unit::Percent,
        },
    ],
    parameters: &[
        DIRECTION.spec(),
        STIMULUS.spec(),
        FREQUENCY.spec(),
        ORDER.spec(),
        LEVEL_MRP.spec(),
        LOMBARD_BASE.spec(),
        LEVEL_POI.spec(),
        EAR_FIELD.spec(),
        IDLE.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "distortion";
/// The span in which nothing is played.
const SILENT: &str = "idle";
/// The span of the composite source signal.
const ACTIVATION: &str = "activation";
/// The span of the sine or noise.
const STEADY: &str = "stimulus";
/// What the take before may still leave in the cabin.
const LEAD: Seconds = Seconds(0.5);
/// The harmonics that can be fitted.
const ORDER_MAX: u32 = 60;
/// The part of a value that the mouth may have made before the value is only a bound.
const DOUBT_MAX: f64 = 0.1;
/// A sine that arrives this much lower than the activation says was taken away.
const TAKEN_AWAY_DB: f64 = 6.0;
/// What the mouth's harmonics make of a device's bend together with their fundamental, by their share of it: a cube makes
/// 3/2·A²·m of a third harmonic m where it makes 1/4·A³ of the fundamental A alone.
const CROSS: f64 = 6.0;

/// Distortion in send and receive.
pub struct Distortion;

impl Method for Distortion {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let direction = entry.parameters.get(&DIRECTION);
        let source = call::source_port(direction, entry);
        let mut record = call::sink_ports(direction, entry);
        let mut checks = Checks::default();
        checks.plays(cx, &source);
        for port in &record {
            checks.records(cx, port);
        }
        checks.wait(entry, &IDLE);
        checks.delay_max(entry);
        let signal = checked_signal(entry, cx, &mut checks);
        checks.done()?;
        if let Some(port) = mouth_reference(direction, entry)
            && cx.bench.has(&port, PortDirection::In)
        {
            record.push(port);
        }
        let mut take = Timeline::new(TAKE);
        take.wait(LEAD);
        take.wait_as(SILENT, entry.parameters.get(&IDLE));
        let level = match direction {
            Direction::Send => quantity(call::talker_level(entry, &LEVEL_MRP)),
            Direction::Receive => quantity(entry.parameters.get(&LEVEL_POI)),
        };
        let at = take.play(&source, &signal, level, cx);
        let steady = cx.signal(&signal.0).span_or_all("analysis");
        take.name_span(ACTIVATION, at..at + steady.start);
        take.name_span(STEADY, at + steady.start..at + steady.end);
        take.wait(entry.parameters.get(&DELAY_MAX));
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&record)] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let direction = entry.parameters.get(&DIRECTION);
        let source = Source::read(direction, entry, take, cx)?;
        let mut heard = Vec::new();
        // The room may cancel a sine at one ear: what takes it away as noise takes it from both.
        let mut least_change_db = f64::NEG_INFINITY;
        let mut canceled = Vec::new();
        for port in call::sink_ports(direction, entry) {
            match Heard::read(port.clone(), &source, entry, take, cx) {
                Ok(one) => {
                    least_change_db = least_change_db.max(one.change_db);
                    heard.push(one);
                }
                Err(NotRead::Canceled(db)) => canceled.push(left_out(&port, db, entry)),
                Err(NotRead::Unmeasurable(reason)) => return Err(reason),
            }
        }
        if heard.is_empty() && !canceled.is_empty() {
            return Err(Unmeasurable::because(canceled.join("; ")));
        }
        if least_change_db < -TAKEN_AWAY_DB {
            return Err(Unmeasurable::because(format!(
                "the sine arrived {:.1} dB lower than the activation says: it was taken away as noise",
                -least_change_db
            )));
        }
        let lombard = call::lombard_note(entry).filter(|_| direction == Direction::Send);
        let measurands = heard.first().map_or(0, |one| one.readings.len());
        let mut findings = Vec::new();
        for i in 0..measurands {
            // An ear that is worse by its harmonics may be the better one by its total.
            let (one, reading) =
                worst(&heard, i).ok_or_else(|| Unmeasurable::because("nothing was recorded"))?;
            let mut finding = reading.finding(direction);
            for told in lombard.iter().chain(&canceled) {
                finding.note = format!("{told}; {}", finding.note);
            }
            // A ratio of two levels at one port: its calibration cancels.
            let influences =
                std::iter::once(evidence::influence(&one.track, 0.0)).chain(one.ear.influence(0.0)).collect();
            evidence::complete(&mut finding, take, STEADY, influences);
            EarAtPort::tell(std::slice::from_ref(&one.ear), &mut finding);
            findings.push(finding);
        }
        Ok(findings)
    }
}

/// What arrived at one port.
struct Heard {
    port: Port,
    track: Track,
    ear: EarAtPort,
    readings: Vec<Reading>,
    /// By how much louder the sine arrived than the activation says.
    change_db: f64,
}

impl Heard {
    fn read(
        port: Port,
        source: &Source,
        entry: &Entry,
        take: &Take,
        cx: &EvalCx<'_>,
    ) -> Result<Self, NotRead> {
        let direction = entry.parameters.get(&DIRECTION);
        let plane = match direction {
            Direction::Send => Unit::Dbm0,
            Direction::Receive => Unit::DbPa,
        };
        let track = evidence::captured(cx, take, &port, plane)?;
        let ear = EarAtPort::of(cx, &port, entry.parameters.get(&EAR_FIELD))?;
        let (mut readings, change_db) = match entry.parameters.get(&STIMULUS) {
            Stimulus::Tone => tone::read(source, &track, &ear.equalizer, entry, take)?,
            Stimulus::Noise => (noise::read(source, &track, &ear.equalizer, entry, take)?, 0.0),
        };
        if direction == Direction::Receive {
            for reading in &mut readings {
                reading.note = format!("{port}; {}", reading.note);
            }
        }
        Ok(Self { port, track, ear, readings, change_db })
    }
}

/// What is said where the room cancels the sine, and what helps.
fn left_out(port: &Port, db: f64, entry: &Entry) -> String {
    format!(
        "the room cancels {} Hz at {port}, {db:.0} dB against the octave around it, and nothing can be read there: move the \
         head by some centimeters, or play another frequency",
        entry.parameters.get(&FREQUENCY).0
    )
}

/// Where reading `i` is worst, with it.
fn worst(heard: &[Heard], i: usize) -> Option<(&Heard, Reading)> {
    let readings: Vec<&Reading> = heard.iter().map(|one| &one.readings[i]).collect();
    let places: Vec<(f64, bool)> =
        readings.iter().map(|one| (one.percent, one.bound == Bound::Exact)).collect();
    let worst = evidence::worst_of(&places)?;
    let reading = match worst.beside {
        Some(other) => readings[worst.at].beside(readings[other], &heard[other].port),
        None => readings[worst.at].clone(),
    };
    Some((&heard[worst.at], reading))
}

/// The signal of an entry; what cannot be done is reported.
fn checked_signal(entry: &Entry, cx: &PlanCx<'_>, checks: &mut Checks) -> SignalId {
    let signal = match entry.parameters.get(&STIMULUS) {
        Stimulus::Noise => return SignalId("distortion-noise".to_owned()),
        Stimulus::Tone => SignalId(format!("distortion-{}", entry.parameters.get(&FREQUENCY).0)),
    };
    let (frequency, order) = (entry.parameters.get(&FREQUENCY).0, entry.parameters.get(&ORDER));
    let upper_hz = idle_noise::band_hz(entry.bandwidth).1;
    if cx.signals.signal(&signal.0).is_none() {
        let remedy = "write one of these frequencies, or add the signal to the catalogue";
        let known = "a frequency for which the catalogue has a signal: 300, 500, 1000, 2000 or 4000 Hz";
        checks.refuse(&FREQUENCY, format!("{frequency} Hz"), known.to_owned(), remedy);
    } else if 2.0 * frequency > upper_hz {
        let room = format!("at most {} Hz, so that a harmonic lies in the band", upper_hz / 2.0);
        checks.refuse(&FREQUENCY, format!("{frequency} Hz"), room, "choose a lower frequency");
    }
    if !(2..=ORDER_MAX).contains(&order) {
        let remedy = "write a number in this range";
        checks.refuse(&ORDER, order.to_string(), format!("2 to {ORDER_MAX}"), remedy);
    }
    signal
}

/// The port at which the talker's own sound is recorded: the driver's mouth has one.
fn mouth_reference(direction: Direction, entry: &Entry) -> Option<Port> {
    let is_driver = entry.talker == crate::terms::Seat::Driver;
    (direction == Direction::Send && is_driver).then(|| Port::of(Port::MIC_MRP))
}

/// What went into the path.
struct Source {
    played: Track,
    /// The sound at the MRP, where it was recorded.
    before: Option<Track>,
    /// Whether something may have distorted before the path and was not recorded.
    is_unknown: bool,
}

impl Source {
    fn read(direction: Direction, entry: &Entry, take: &Take, cx: &EvalCx<'_>) -> Result<Self, Unmeasurable> {
        let plane = match direction {
            Direction::Send => Unit::DbPa,
            Direction::Receive => Unit::Dbm0,
        };
        let played = evidence::played(cx, take, &call::source_port(direction, entry), plane)?;
        let port = mouth_reference(direction, entry).filter(|port| take.captures.contains_key(port));
        let before = port.map(|port| evidence::captured(cx, take, &port, Unit::DbPa)).transpose()?;
        let is_unknown = direction == Direction::Send && before.is_none();
        Ok(Self { played, before, is_unknown })
    }

    /// The best that is known of what went in.
    fn best(&self) -> &Track {
        self.before.as_ref().unwrap_or(&self.played)
    }
}

/// One value on its way to a finding.
#[derive(Debug, Clone)]
struct Reading {
    /// What follows `distortion_send` or `distortion_receive` in the measurand.
    suffix: &'static str,
    percent: f64,
    /// Harmonics in percent by frequency, where the reading is a curve.
    curve: Option<(Vec<f64>, Vec<f64>)>,
    bound: Bound,
    /// Whether the bound is that of noise, and not of the mouth.
    is_hidden: bool,
    uncertainty: Option<f64>,
    note: String,
}

impl Reading {
    /// A value that noise and mouth may explain in part: `doubt` is what the mouth may have made.
    fn judged(suffix: &'static str, value: f64, doubt: f64, noisy: Option<f64>, unknown: bool) -> Self {
        let mut reading = Self {
            suffix,
            percent: value,
            curve: None,
            bound: Bound::Exact,
            is_hidden: noisy.is_some(),
            uncertainty: None,
            note: String::new(),
        };
        if let Some(with_noise) = noisy {
            (reading.percent, reading.bound) = (with_noise + doubt, Bound::AtMost);
            "noise hides what is distorted".clone_into(&mut reading.note);
        } else if unknown {
            reading.bound = Bound::AtMost;
            "the mouth's own distortion was not recorded (port mic.mrp) and is in the value"
                .clone_into(&mut reading.note);
        } else if doubt > DOUBT_MAX * value {
            (reading.percent, reading.bound) = (value + doubt, Bound::AtMost);
            reading.note = format!("the mouth's own distortion leaves {doubt:.3} % in doubt");
        } else {
            reading.uncertainty = (doubt > 0.0).then_some(doubt);
        }
        reading
    }

    /// The same as what the worse of two places has, where the other one is known by a bound only: at least this, and at
    /// most that bound.
    fn beside(&self, other: &Self, port: &Port) -> Self {
        let hidden = format!(
            "{port} is known to have at most {:.3} %: the worse ear has at least the {:.3} % proven here, and at most that",
            other.percent, self.percent
        );
        // A curve is that of the one place.
        let bound = if self.curve.is_some() { Bound::AtLeast } else { Bound::Between(other.percent) };
        Self { bound, is_hidden: other.is_hidden, ..self.clone() }.and_note(&hidden)
    }

    fn and_note(mut self, more: &str) -> Self {
        add_note(&mut self.note, more);
        self
    }

    fn finding(self, direction: Direction) -> Finding {
        let measurand = format!("distortion_{}{}", direction.word(), self.suffix);
        let mut finding = match self.curve {
            Some((hz, percent)) => Finding::curve(&measurand, hz, percent, Unit::Percent),
            None => Finding::scalar(&measurand, self.percent, Unit::Percent),
        };
        finding.bound = self.bound;
        finding.uncertainty = self.uncertainty;
        finding.note = self.note;
        if self.is_hidden {
            finding.flags.push(Flag::NoiseLimited);
        }
        finding
    }
}

/// The weighting of a total.
fn weighting(bandwidth: Bandwidth) -> Weighting {
    match bandwidth {
        Bandwidth::Nb => Weighting::Psophometric,
        Bandwidth::Wb | Bandwidth::Swb | Bandwidth::Fb => Weighting::A,
    }
}

/// Frames of a duration.
fn frames(duration: Seconds) -> usize {
    duration.frames(RATE) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(percent: f64, is_hidden: bool) -> Reading {
        Reading::judged("", percent, 0.0, is_hidden.then_some(percent), false)
    }

    #[test]
    fn a_proven_value_with_a_bound_above_it_lies_between_the_two() {
        let worse = reading(3.5, false).beside(&reading(4.0, true), &Port::of(Port::EAR_RIGHT));
        assert_eq!((worse.percent, worse.bound), (3.5, Bound::Between(4.0)));
        let finding = worse.finding(Direction::Receive);
        assert!(
            finding.flags.contains(&Flag::NoiseLimited) && finding.note.contains("ear.right"),
            "{finding:?}"
        );
        let curve = Reading { curve: Some((vec![2e3], vec![3.5])), ..reading(3.5, false) };
        assert_eq!(
            curve.beside(&reading(4.0, true), &Port::of(Port::EAR_RIGHT)).bound,
            Bound::AtLeast,
            "a curve has one end"
        );
    }
}
