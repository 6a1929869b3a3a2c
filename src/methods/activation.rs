//! # Activation
//!
//! ## What it measures
//!
//! How loud a sound must be for a terminal to let it through, and how long it takes to do so: in send the level at the mouth
//! reference point, in receive the level at the point of interconnect.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clause 11.12.1 (send) and 11.12.2 (receive), 10/2025; 11.11.8 in 03/2017. The switching terms
//! are those of P.340, 4.6. Two rows of sounds:
//!
//! - 03/2017: bursts of the composite source signal, 248.62 ms on and 451.38 ms off (`css-bursts-fb`, `css-bursts-nb`);
//! - 10/2025, read in P.1120: a spoken word, 500 ms on and 500 ms off (`speech-activation`).
//!
//! ## Stimulus and capture points
//!
//! A silence, then the row: each sound 1 dB louder than the one before, over 21 dB, from 3 dB below the limit, −23 dBPa or
//! −38.7 dBm0 (levels of the active part of a burst, which is 4.5 dB above the level of the row). Then, from the same side,
//! speech at nominal level, the *reference*. The other side is silent throughout. In send the POI is recorded, in receive
//! both ears; the mouth is silent then, so that nothing else is in them.
//!
//! ## Computation
//!
//! 1. From the reference: the delay of the path and its response (H1 over segments of 171 ms, by the coherence). With them
//!    the recording that an open path would give of the row. In receive this is read at the ear at which the reference
//!    stands out of the noise most.
//! 2. Expected and real recording go through a high-pass of 100 Hz (second order), so that the low end of the noise of a
//!    cabin hides no quiet sound.
//! 3. Gain of each burst from its middle on, real over expected, noise of the pauses taken off. The *settled* gain is the
//!    largest of the last three bursts in their last quarter, which is whole even where the path opened late and slowly;
//!    where that is more than 3 dB below the reference, the row never opened the path, and the reference is the measure.
//! 4. The first burst within 3 dB of the settled gain is the first that is transmitted. Its level in the played track is
//!    the activation level.
//! 5. Build-up: from its onset until the recording on the meter of 5 ms is within 3 dB of its final level. The meter is part
//!    of the reading: a path without switching reads 2 to 4 ms. Where a path opens slowly within the noise of a burst, the
//!    level is within 3 dB at single instants first, so that a build-up of 80 ms and more is read to 3 ms.
//! 6. For the picture: played and recorded level on the meter of 5 ms, and what each burst lost beside the settled gain.
//!
//! ## What makes it inconclusive
//!
//! - The first burst is transmitted already: the activation level is *at most* its level.
//! - A quieter burst than the first transmitted one, if transmitted, would be less than 6 dB above the noise: the activation
//!   level is *at most* what was found.
//! - All bursts are hidden by noise; what arrives of the reference does not belong to it; a track in another plane or with
//!   values that are no numbers, a bad certificate.
//!
//! No burst transmitted is a reading: the activation level is *at least* that of the loudest burst that noise does not hide,
//! and the build-up *at least* as long as a burst. That is more than any limit allows. Where not even the reference arrived,
//! noise counts as hiding a burst where it would hide it behind a path 10 dB quieter than a nominal one.
//!
//! ## How to read the result
//!
//! A level far below the limit and a long build-up is a detector that waits; a level just below the limit with a short one,
//! a threshold. The loss of the quieter bursts is what the switch takes away.

use super::call::{CONDITIONING, DELAY_MAX, LEVEL_MRP, LEVEL_POI, quantity};
use super::echo::{bounded, db};
use super::switching::{DIRECTION, Heard, IDLE, Way};
use super::{Card, Measurand, Method, Refusal, Wish, call, evidence};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx};
use crate::dsp::level::mean_square_series;
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Influence, Reading, Unmeasurable};
use crate::meters::activation::{self, Burst, FirstActive, NOISE_MARGIN, SETTLED_WITHIN};
use crate::meters::timeline::FAST;
use crate::take::{Frame, RATE, frames};
use crate::terms::Direction;
use crate::units::{Db, DbPa, Dbm0, Seconds, Unit};
use crate::verdict::Flag;

const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "The row of rising sounds; its level is that of the active part of the first one: css-bursts-fb, css-bursts-nb or \
     speech-activation.",
    "css-bursts-fb",
);
const START_MRP: Param<DbPa> =
    Param::with_default("start_mrp", "In send: the level of the first sound at the mouth.", "-23 dBPa");
const START_POI: Param<Dbm0> =
    Param::with_default("start_poi", "In receive: the level of the first sound at the POI.", "-38.7 dBm0");

static CARD: Card = Card {
    id: "activation",
    title: "Activation",
    source: include_str!("activation.rs"),
    measurands: &[
        Measurand {
            id: "activation_level_send",
            doc: "Level at the MRP of the active part of the first burst that is transmitted.",
            unit: Unit::DbPa,
        },
        Measurand {
            id: "activation_level_receive",
            doc: "Level at the POI of the active part of the first burst that is transmitted.",
            unit: Unit::Dbm0,
        },
        Measurand {
            id: "activation_build_up_send",
            doc: "Time in which send lets that burst through to within 3 dB.",
            unit: Unit::Millisecond,
        },
        Measurand {
            id: "activation_build_up_receive",
            doc: "Time in which receive lets that burst through to within 3 dB.",
            unit: Unit::Millisecond,
        },
        Measurand {
            id: "activation_loss",
            doc: "What each burst loses beside an open path, at the time of its onset.",
            unit: Unit::Db,
        },
        Measurand {
            id: "activation_spoken",
            doc: "In send: level at the MRP against time, as late as it arrives.",
            unit: Unit::DbPa,
        },
        Measurand { id: "activation_sent", doc: "In send: level at the POI against time.", unit: Unit::Dbm0 },
        Measurand {
            id: "activation_called",
            doc: "In receive: level at the POI against time, as late as it arrives.",
            unit: Unit::Dbm0,
        },
        Measurand {
            id: "activation_heard",
            doc: "In receive: level at the ear against time.",
            unit: Unit::DbPa,
        },
    ],
    parameters: &[
        DIRECTION.spec(),
        SIGNAL.spec(),
        START_MRP.spec(),
        START_POI.spec(),
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
const TAKE: &str = "activation";
/// The span of the row.
const ROW: &str = "row";
/// How many bursts at the end say what is settled.
const SETTLED_BURSTS: usize = 3;
/// How often the levels of the picture are read.
const STEP: Seconds = Seconds(0.005);
/// A level of the first burst this close to what was asked for is that: what counts as its active part differs by so much for a
/// word in a narrow band.
const AS_ASKED_DB: f64 = 3.0;

/// Activation in send and receive.
pub struct Activation;

impl Method for Activation {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let way = Way::of(entry.parameters.get(&DIRECTION), entry);
        way.checks(entry, cx).done()?;
        let signal = entry.parameters.get(&SIGNAL);
        let start = match way.direction {
            Direction::Send => quantity(entry.parameters.get(&START_MRP)),
            Direction::Receive => quantity(entry.parameters.get(&START_POI)),
        };
        let mut take = Way::take(TAKE, entry);
        let at = take.play(&way.source, &signal, start, cx);
        take.name_span(ROW, at..at + cx.signal(&signal.0).frames);
        take.wait(entry.parameters.get(&DELAY_MAX));
        way.reference(&mut take, entry, cx);
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&way.sinks)] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let way = Way::of(entry.parameters.get(&DIRECTION), entry);
        let start = match way.direction {
            Direction::Send => entry.parameters.get(&START_MRP).decibels(),
            Direction::Receive => entry.parameters.get(&START_POI).decibels(),
        };
        let heard = Heard::of(&way, entry, take, cx)?;
        let row = Row::read(&heard, &take.span(ROW), start)?;
        let told = row.told(&heard);
        let played = evidence::influence(&heard.played, 1.0);
        let recorded = evidence::influence(&heard.recorded, 1.0);
        let [level, build_up, spoken, arrived] = match way.direction {
            Direction::Send => {
                ["activation_level_send", "activation_build_up_send", "activation_spoken", "activation_sent"]
            }
            Direction::Receive => [
                "activation_level_receive",
                "activation_build_up_receive",
                "activation_called",
                "activation_heard",
            ],
        };
        let late_s = heard.path.later as f64 / f64::from(RATE);
        let mut level = row.level(level, way.played_in)?;
        level.note = format!("{}; {told}", level.note);
        let mut build_up = row.build_up(build_up);
        build_up.note = told;
        if let Some(onset_s) = row.onset_s() {
            level.read_from = Some(Reading::of(spoken).at(onset_s + late_s));
            build_up.read_from = Some(Reading::after(arrived, onset_s + late_s, 1e-3));
        }
        let series = |name, samples: &[f64], late_s: f64, unit, silence| {
            let readings = mean_square_series(samples, RATE, FAST, frames(STEP) as usize);
            let times = (1..=readings.len()).map(|n| n as f64 * STEP.0 + late_s).collect();
            Finding::series(name, times, readings.iter().map(|power| db(power.max(silence))).collect(), unit)
        };
        let span = take.span(ROW);
        let whole = span.start..(span.end + frames(entry.parameters.get(&DELAY_MAX))).min(take.spec.duration);
        // As far below the loudest sound of the row as a recording could be.
        let floor = heard.silence.max(row.quietest_power());
        let spoken = series(spoken, heard.played.slice(span), late_s, way.played_in, floor);
        let arrived = series(arrived, heard.recorded.slice(whole), 0.0, way.recorded_in, heard.silence);
        let findings: [(Finding, Vec<Influence>); 5] = [
            (level, vec![played.clone()]),
            (build_up, Vec::new()),
            (row.loss(), Vec::new()),
            (spoken, vec![played]),
            (arrived, vec![recorded]),
        ];
        Ok(findings.map(|(finding, influences)| complete(finding, take, influences)).into())
    }
}

fn complete(mut finding: Finding, take: &Take, influences: Vec<Influence>) -> Finding {
    evidence::complete(&mut finding, take, ROW, influences);
    finding
}

/// What was read of a row.
struct Row {
    read: activation::Activation,
    /// The level of the active part of each burst, where it was played.
    levels: Vec<f64>,
    /// The noise of the recording, as a mean square.
    noise: f64,
    /// What is expected of each burst, as a mean square.
    expected: Vec<f64>,
}

impl Row {
    fn read(heard: &Heard, span: &std::ops::Range<Frame>, start: f64) -> Result<Self, Unmeasurable> {
        let said = heard.played.slice(span.clone());
        let (expected, arrived) = (heard.expected(span.clone()), heard.arrived(span.clone()));
        let read = |settled| {
            activation::activation_through(said, &expected, arrived, RATE, settled)
                .map_err(|error| Unmeasurable::because(error.to_string()))
        };
        let last = read(Some(Db(0.0)))?;
        let mean = |part: &[f64]| crate::dsp::level::mean_square(part);
        let pauses = last.bursts.windows(2).map(|pair| {
            let (from, to) = (pair[0].frames.end, pair[1].frames.start);
            mean(&arrived[usize::midpoint(from, to)..to])
        });
        let noise = pauses.fold(f64::INFINITY, f64::min).max(heard.silence);
        // At its end a burst is whole even where it opened the path late and slowly.
        let gain_at_end = |burst: &Burst| {
            let end = burst.frames.end - burst.frames.len() / 4..burst.frames.end;
            Db::from_power((mean(&arrived[end.clone()]) - noise).max(0.0) / mean(&expected[end]))
        };
        let gains = last.bursts.iter().rev().take(SETTLED_BURSTS).map(gain_at_end);
        let settled = gains.fold(Db(f64::NEG_INFINITY), |most, gain| if gain > most { gain } else { most });
        let opened = heard.is_heard && settled >= Db(-SETTLED_WITHIN.0);
        let found = if opened { read(Some(settled))? } else { last };
        let first = found.bursts.first().map_or(f64::NAN, |burst| burst.level.decibels());
        // Where the active part ends is a matter of a threshold; by how much one burst is louder than another is not.
        let moved = if (first - start).abs() < AS_ASKED_DB { start - first } else { 0.0 };
        let levels = found.bursts.iter().map(|burst| {
            // What is played is rounded to single precision.
            ((burst.level.decibels() + moved) * 1e3).round() / 1e3
        });
        let levels = levels.collect();
        let expected = found.bursts.iter().map(|burst| mean(&expected[burst.frames.clone()])).collect();
        Ok(Self { read: found, levels, noise, expected })
    }

    fn settled(&self) -> f64 {
        self.read.settled_gain.map_or(f64::NAN, |gain| gain.0)
    }

    /// The loudest burst that noise does not hide.
    fn loudest(&self) -> Option<usize> {
        (0..self.levels.len()).rev().find(|n| !self.read.bursts[*n].noise_limited)
    }

    /// When the first burst that is transmitted was played, in s.
    fn onset_s(&self) -> Option<f64> {
        let first = self.read.first?;
        Some(self.read.bursts[first.index].frames.start as f64 / f64::from(RATE))
    }

    fn told(&self, heard: &Heard) -> String {
        format!(
            "{}; settled gain {:.1} dB beside the reference; noise {:.1} dB",
            heard.told(),
            self.settled(),
            db(self.noise)
        )
    }

    /// A level below which nothing is drawn.
    fn quietest_power(&self) -> f64 {
        const DRAWN_DB: f64 = 100.0;
        self.levels.last().map_or(0.0, |level| 10f64.powf((level - DRAWN_DB) / 10.0))
    }

    fn level(&self, measurand: &str, unit: Unit) -> Result<Finding, Unmeasurable> {
        let count = self.levels.len();
        if let Some(FirstActive { index, .. }) = self.read.first {
            let mut finding = Finding::scalar(measurand, self.levels[index], unit);
            finding.note = format!("burst {} of {count} is the first that is transmitted", index + 1);
            if self.read.noise_limited() {
                finding.bound = Bound::AtMost;
                finding.flags.push(Flag::NoiseLimited);
                finding.note.push_str(", and noise hides a quieter one");
            } else if index == 0 {
                finding.bound = Bound::AtMost;
            }
            return Ok(finding);
        }
        let Some(loudest) = self.loudest() else {
            return Err(Unmeasurable::because(format!(
                "no burst would be {} dB above the noise of the recording: measure in a quieter cabin",
                NOISE_MARGIN.0
            )));
        };
        let mut finding = Finding::scalar(measurand, self.levels[loudest], unit);
        finding.bound = Bound::AtLeast;
        finding.note = format!("none of {count} bursts is transmitted without loss");
        Ok(finding)
    }

    fn build_up(&self, measurand: &str) -> Finding {
        let length = |index: usize| self.read.bursts[index].frames.len() as f64 * 1e3 / f64::from(RATE);
        let never = |ms: f64| {
            let mut finding = Finding::scalar(measurand, ms, Unit::Millisecond);
            finding.bound = Bound::AtLeast;
            finding
        };
        match self.read.first {
            Some(FirstActive { build_up: Some(time), .. }) => {
                Finding::scalar(measurand, time.as_ms(), Unit::Millisecond)
            }
            Some(FirstActive { index, .. }) => never(length(index)),
            None => never(self.loudest().map_or(f64::NAN, length)),
        }
    }

    /// What each burst lost; where noise hides what is left of it, at least so much.
    fn loss(&self) -> Finding {
        let (mut times, mut values, mut limited) = (Vec::new(), Vec::new(), Vec::new());
        for (n, (burst, expected)) in self.read.bursts.iter().zip(&self.expected).enumerate() {
            // A quarter of the noise is what its mean in a burst may be off by chance.
            let least = db((self.noise / expected).max(1e-12)) - 6.0;
            let gain = burst.gain.0;
            // NaN does not stand out.
            let stands_out = gain > least;
            if !stands_out {
                limited.push(n);
            }
            times.push(burst.frames.start as f64 / f64::from(RATE));
            values.push(self.settled() - gain.max(least));
        }
        let mut finding = Finding::series("activation_loss", times, values, Unit::Db);
        bounded(&mut finding, Bound::AtLeast, limited, Flag::NoiseLimited);
        finding
    }
}
