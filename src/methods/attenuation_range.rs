//! # Attenuation range
//!
//! ## What it measures
//!
//! What a terminal takes away from the beginning of a sound while the other side is speaking, and how fast it gives way: the
//! attenuation range and its build-up time.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clause 11.12.3 (send) and 11.12.4 (receive), 10/2025; 11.11.8 in 03/2017. The texts that were
//! read do not say whether the side that speaks goes on beside the sound under test: that is a parameter (class C). Both at
//! once is the double talk of clause 11.13.
//!
//! ## Stimulus and capture points
//!
//! A silence; speech at nominal level from the side under test, the *reference*; then blocks of the composite source signal
//! from the other side, 2.1 s on and as long off. As the last sound of the second and of the fourth block ends, a voiced
//! sound of 2 s sets in on the side under test, at nominal level: one side has just spoken, now the other one does. The two
//! meet at the terminal, which the far end reaches later than it is played by `receive_delay`; where they are to overlap
//! there, `overlap` says by how much. The third block stays alone: it is the *control*. In send the POI is recorded, in
//! receive both ears.
//!
//! ## Computation
//!
//! 1. From the reference the path, and the recording that is expected of the voiced sound while the path is open, as for
//!    `activation`; expected and real recording go through a high-pass of 100 Hz (second order) and a meter of 5 ms.
//! 2. The steady gain is that of the sound from 1.0 to 1.8 s after its onset, over what is expected. Where it is more than
//!    3 dB below the reference, the path never opened, and the reference is the measure.
//! 3. Attenuation at each moment: expected level at the steady gain minus real level. The *range* is its largest value from
//!    3.5 ms to 500 ms after the onset; 3.5 ms is what the meter needs for a step to come within 3 dB.
//! 4. *Build-up*: from the onset until the real level is within 3 dB of its final one. A path without switching reads
//!    2 to 4 ms.
//! 5. Both for either onset; the larger value counts.
//!
//! What else is in the recording:
//!
//! - In receive the mouth speaks into its own ear, louder than the loudspeaker. That way does not lead through the device:
//!   the recording of the control is subtracted, sample by sample. What is left of it in the 200 ms before the onset is the
//!   *rest*.
//! - In send the echo of the far end is in the level, as loud as the canceller and the switch leave it. Its level in the
//!   control, the highest within 500 ms, is the *rest*: the switch lets echo and talker through alike, so that their ratio
//!   at the beginning holds as it opens.
//!
//! ## What makes it inconclusive
//!
//! - The rest, taken twice, is more than a tenth of the lowest level that was read: the range lies *between* what was read
//!   and what is left without the rest, or is *at least* what was read; the build-up is *at least* what was read. A car fails
//!   only where it fails either way.
//! - What arrives of the reference does not belong to it; a track in another plane or with values that are no numbers, a bad
//!   certificate.
//!
//! A sound that never comes within 3 dB has a build-up of *at least* its length, which is more than any limit allows.
//!
//! ## How to read the result
//!
//! A terminal that stays attenuated while both speak has a long build-up here although it opens partly at once: look at the
//! course. Recommended are 13 dB in send and 9 dB in receive, reached within 15 ms; 20 dB and 15 dB within 50 ms are
//! required.

use std::ops::Range;

use super::call::{CONDITIONING, DELAY_MAX, LEVEL_MRP, LEVEL_POI};
use super::echo::db;
use super::switching::{DIRECTION, Heard, IDLE, NOISE, Way};
use super::{Card, Measurand, Method, Refusal, Wish, call, evidence};
use crate::context::{EvalCx, PlanCx};
use crate::dsp::level::{mean_square, mean_square_series};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Reading, Unmeasurable};
use crate::meters::activation::{SETTLED_WITHIN, build_up};
use crate::meters::timeline::FAST;
use crate::take::{Frame, RATE, frames};
use crate::terms::Direction;
use crate::units::{Db, Seconds, Unit};
use crate::verdict::Flag;

const SIGNAL: Param<SignalId> =
    Param::with_default("signal", "The sound under test: steady, for 2 s.", "voiced");
const OPPOSITE: Param<SignalId> = Param::with_default(
    "opposite",
    "What the other side says: five blocks of 2.1 s, as long off: css-blocks-fb or css-blocks-nb.",
    "css-blocks-fb",
);
const RECEIVE_DELAY: Param<Seconds> = Param::with_default(
    "receive_delay",
    "How long a sound from the POI takes to the loudspeaker: so much later the talker sets in behind the far end, so much \
     earlier the far end behind the talker. The entry for the delay in receive measures it.",
    "80 ms",
);
const OVERLAP: Param<Seconds> = Param::with_default(
    "overlap",
    "How long before the last sound of a block ends the sound under test sets in, as both are at the terminal (class C).",
    "0 ms",
);

static CARD: Card = Card {
    id: "attenuation_range",
    title: "Attenuation range",
    source: include_str!("attenuation_range.rs"),
    measurands: &[
        Measurand {
            id: "attenuation_range_send",
            doc: "What send takes away from the beginning of the talker while the far end speaks.",
            unit: Unit::Db,
        },
        Measurand {
            id: "attenuation_range_receive",
            doc: "What receive takes away from the beginning of the far end while the talker speaks.",
            unit: Unit::Db,
        },
        Measurand {
            id: "attenuation_build_up_send",
            doc: "Time until the talker is within 3 dB of the steady level.",
            unit: Unit::Millisecond,
        },
        Measurand {
            id: "attenuation_build_up_receive",
            doc: "Time until the far end is within 3 dB of the steady level.",
            unit: Unit::Millisecond,
        },
        Measurand {
            id: "attenuation_course",
            doc: "Attenuation against time from the onset on, at the onset with the larger range.",
            unit: Unit::Db,
        },
        Measurand {
            id: "attenuation_level_send",
            doc: "Level above 100 Hz at the POI in send against time from that onset on.",
            unit: Unit::Dbm0,
        },
        Measurand {
            id: "attenuation_level_receive",
            doc: "Level above 100 Hz at the ear against time from that onset on, without the talker.",
            unit: Unit::DbPa,
        },
    ],
    parameters: &[
        DIRECTION.spec(),
        SIGNAL.spec(),
        OPPOSITE.spec(),
        RECEIVE_DELAY.spec(),
        OVERLAP.spec(),
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
const TAKE: &str = "switching";
/// The spans of the sound under test, and of the control.
const ONSETS: [&str; 2] = ["onset-1", "onset-2"];
const CONTROL: &str = "control";
/// Where the last sound of a block of the other side ends, before its pause, and the distance of blocks.
const LAST_SOUND: Seconds = Seconds(2.1 - 0.101_38);
const PERIOD: Seconds = Seconds(4.2);
/// Which blocks the sound sets in at, and which one is the control, counted from 0.
const TESTED: [u64; 2] = [1, 3];
const ALONE: u64 = 2;
/// The sound under test, as far as it is analyzed.
const LENGTH: Seconds = Seconds(2.0);
/// What a step takes to come within 3 dB on the meter of 5 ms.
const CLIMB: Seconds = Seconds(0.0035);
/// No longer do both speak.
const OVERLAP_MAX: Seconds = Seconds(1.0);
/// How long after the onset an attenuation counts.
const WATCHED: Seconds = Seconds(0.5);
/// Where the sound is steady.
const STEADY: Range<f64> = 1.0..1.8;
/// How long before the onset the rest of a control is read.
const BEFORE: Seconds = Seconds(0.2);
/// By how much the rest may be louder than in its control, as a power.
const REST_TIMES: f64 = 2.0;
/// A rest that is less of what was read does not matter.
const REST_MAX: f64 = 0.1;
/// How often the course is told.
const STEP: Seconds = Seconds(0.001);

/// The attenuation range in send and receive.
pub struct AttenuationRange;

impl Method for AttenuationRange {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let direction = entry.parameters.get(&DIRECTION);
        let (way, other) = (Way::of(direction, entry), Way::of(opposite(direction), entry));
        let mut checks = way.checks(entry, cx);
        checks.plays(cx, &other.source);
        checks.duration(entry, &RECEIVE_DELAY, Seconds(0.5));
        let overlap = entry.parameters.get(&OVERLAP);
        if overlap.0 > OVERLAP_MAX.0 {
            let found = format!("{} s", overlap.0);
            checks.refuse(&OVERLAP, found, format!("at most {} s", OVERLAP_MAX.0), "write a shorter time");
        }
        let seconds = |frames: Frame| format!("{:.2} s", frames as f64 / f64::from(RATE));
        let (signal, blocks) = (entry.parameters.get(&SIGNAL), entry.parameters.get(&OPPOSITE));
        let length = cx.signal(&signal.0).frames;
        if length != frames(LENGTH) {
            let found = format!("{} of {}", signal.0, seconds(length));
            checks.refuse(
                &SIGNAL,
                found,
                format!("{} s", LENGTH.0),
                "use the voiced sound of the catalogue, voiced",
            );
        }
        let length = cx.signal(&blocks.0).frames;
        if length != 5 * frames(PERIOD) {
            let found = format!("{} of {}", blocks.0, seconds(length));
            let expected = format!("five blocks in {}", seconds(5 * frames(PERIOD)));
            checks.refuse(&OPPOSITE, found, expected, "use css-blocks-fb or css-blocks-nb");
        }
        checks.done()?;
        let mut take = Way::take(TAKE, entry);
        way.reference(&mut take, entry, cx);
        let at = take.play(&other.source, &blocks, other.nominal(entry), cx);
        let later = entry.parameters.get(&RECEIVE_DELAY);
        let behind = match direction {
            Direction::Send => Seconds(LAST_SOUND.0 + later.0 - overlap.0),
            Direction::Receive => Seconds(LAST_SOUND.0 - later.0 - overlap.0),
        };
        let onset = |block: u64| at + block * frames(PERIOD) + frames(behind);
        for (name, block) in ONSETS.into_iter().zip(TESTED) {
            take.sound_from(onset(block), &way.source, &signal, way.nominal(entry));
            take.name_span(name, onset(block)..onset(block) + frames(LENGTH));
        }
        take.name_span(CONTROL, onset(ALONE)..onset(ALONE) + frames(LENGTH));
        take.wait(entry.parameters.get(&DELAY_MAX));
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&way.sinks)] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let way = Way::of(entry.parameters.get(&DIRECTION), entry);
        let heard = Heard::of(&way, entry, take, cx)?;
        let idle = take.span(NOISE);
        let noise = mean_square(&heard.filtered[idle.start as usize..idle.end as usize]).max(heard.silence);
        let control = take.span(CONTROL);
        let onsets: Vec<Onset> = ONSETS
            .iter()
            .map(|name| Onset::read(&heard, way.direction, take.span(name), control.start, noise))
            .collect();
        let [range, time, level] = match way.direction {
            Direction::Send => {
                ["attenuation_range_send", "attenuation_build_up_send", "attenuation_level_send"]
            }
            Direction::Receive => {
                ["attenuation_range_receive", "attenuation_build_up_receive", "attenuation_level_receive"]
            }
        };
        let larger = |a: f64, b: f64| a > b || a.is_nan();
        let worst =
            |of: fn(&Onset) -> f64| onsets.iter().reduce(|a, b| if larger(of(b), of(a)) { b } else { a });
        let nothing = || Unmeasurable::because("no onset was recorded".to_owned());
        let (by_range, by_time) =
            (worst(|one| one.range_db).ok_or_else(nothing)?, worst(Onset::time_ms).ok_or_else(nothing)?);
        let mut range = by_range.range(range);
        let mut time = by_time.build_up(time);
        // The course is that of one onset.
        let is_one = std::ptr::eq(by_range, by_time);
        time.read_from = is_one.then(|| Reading::after("attenuation_course", 0.0, 1e-3));
        let both: Vec<String> = onsets.iter().map(Onset::told).collect();
        for finding in [&mut range, &mut time] {
            finding.note = format!("{}; {}", both.join("; "), heard.told());
        }
        let recorded = vec![evidence::influence(&heard.recorded, 1.0)];
        let findings = [
            (range, Vec::new()),
            (time, Vec::new()),
            (by_range.course(), Vec::new()),
            (by_range.level(level, way.recorded_in), recorded),
        ];
        let complete = |(mut finding, influences)| {
            evidence::complete(&mut finding, take, "both onsets", influences);
            finding
        };
        Ok(findings.map(complete).into())
    }
}

const fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Send => Direction::Receive,
        Direction::Receive => Direction::Send,
    }
}

/// What was read of one onset.
struct Onset {
    /// The largest attenuation, and when after the onset it was.
    range_db: f64,
    range_at_s: f64,
    /// Until within 3 dB; `None` if it never is.
    build_up: Option<Seconds>,
    /// The rest, taken as large as it may be, over the lowest level that was read.
    rest_share: f64,
    /// Whether the rest is mostly noise.
    is_noise: bool,
    /// The attenuation, and the power, of each step of the course.
    attenuation_db: Vec<f64>,
    power: Vec<f64>,
}

impl Onset {
    fn read(heard: &Heard, direction: Direction, span: Range<Frame>, control: Frame, noise: f64) -> Self {
        let expected = heard.expected(span.clone());
        let before = frames(BEFORE);
        // From somewhat before the onset on, so that the meter holds what is there.
        let around = |start: Frame| heard.arrived(start - before..start + frames(LENGTH));
        let (with, alone) = (around(span.start), around(control));
        let steps = |s: f64| (s * f64::from(RATE)).round() as usize;
        let metered = |part: &[f64]| mean_square_series(part, RATE, FAST, 1);
        let highest = |powers: &[f64]| powers.iter().copied().fold(0.0, f64::max);
        let before = before as usize;
        let settled_in = 10 * frames(FAST) as usize;
        let (real, rest) = match direction {
            Direction::Send => {
                let rest = highest(&metered(alone)[before..before + steps(WATCHED.0)]);
                (with.to_vec(), rest)
            }
            Direction::Receive => {
                let real: Vec<f64> = with.iter().zip(alone).map(|(a, b)| a - b).collect();
                let rest = highest(&metered(&real)[settled_in..before]);
                (real, rest)
            }
        };
        let rest = rest.max(heard.silence);
        let steady = steps(STEADY.start)..steps(STEADY.end);
        let whole = mean_square(&real[before..][steady.clone()]) / mean_square(&expected[steady]);
        let gain = if Db::from_power(whole) >= Db(-SETTLED_WITHIN.0) { whole } else { 1.0 };
        let (due, readings) = (metered(&expected), metered(&real).split_off(before));
        let power: Vec<f64> = readings.into_iter().map(|power| power.max(heard.silence)).collect();
        let attenuation_db = due.iter().zip(&power).map(|(due, power)| db(gain * due / power));
        let attenuation_db: Vec<f64> = attenuation_db.collect();
        let watched = steps(CLIMB.0)..steps(WATCHED.0);
        let (lowest, range_db) = watched.fold((0, f64::NEG_INFINITY), |worst, n| {
            let value = attenuation_db[n];
            if value > worst.1 || value.is_nan() { (n, value) } else { worst }
        });
        // The real recording from before the onset on, with the expected one silent there.
        let mut expected_from_before = vec![0.0; before];
        expected_from_before.extend(&expected);
        let end = before + expected.len();
        let build_up = build_up(&expected_from_before, &real, RATE, &(before..end), Db::from_power(gain));
        let share = REST_TIMES * rest / power[lowest];
        let range_at_s = (lowest + 1) as f64 / f64::from(RATE);
        Self {
            range_db,
            range_at_s,
            build_up,
            rest_share: share,
            is_noise: rest < 4.0 * noise,
            attenuation_db,
            power,
        }
    }

    fn time_ms(&self) -> f64 {
        self.build_up.map_or(LENGTH.as_ms(), Seconds::as_ms)
    }

    fn told(&self) -> String {
        let time = match self.build_up {
            Some(time) => format!("{:.1} ms", time.as_ms()),
            None => "never".to_owned(),
        };
        format!(
            "{:.1} dB, within 3 dB after {time}, rest {:.0} dB below the lowest level",
            self.range_db,
            -db(self.rest_share / REST_TIMES)
        )
    }

    /// NaN is not clear.
    fn is_clear(&self) -> bool {
        self.rest_share <= REST_MAX
    }

    fn flag(&self) -> Flag {
        if self.is_noise { Flag::NoiseLimited } else { Flag::Bound }
    }

    fn range(&self, measurand: &str) -> Finding {
        let mut finding = Finding::scalar(measurand, self.range_db, Unit::Db);
        finding.read_from = Some(Reading::of("attenuation_course").at(self.range_at_s));
        if !self.is_clear() {
            finding.bound = if self.rest_share < 1.0 {
                Bound::Between(self.range_db - db(1.0 - self.rest_share))
            } else {
                Bound::AtLeast
            };
            finding.flags.push(self.flag());
        }
        finding
    }

    fn build_up(&self, measurand: &str) -> Finding {
        let mut finding = Finding::scalar(measurand, self.time_ms(), Unit::Millisecond);
        if self.build_up.is_none() {
            finding.bound = Bound::AtLeast;
        } else if !self.is_clear() {
            finding.bound = Bound::AtLeast;
            finding.flags.push(self.flag());
        }
        finding
    }

    fn course(&self) -> Finding {
        let (times, values) = Self::every_step(&self.attenuation_db);
        let mut finding = Finding::series("attenuation_course", times, values, Unit::Db);
        "seconds from the onset".clone_into(&mut finding.note);
        finding
    }

    fn level(&self, measurand: &str, unit: Unit) -> Finding {
        let levels: Vec<f64> = self.power.iter().map(|power| db(*power)).collect();
        let (times, values) = Self::every_step(&levels);
        let mut finding = Finding::series(measurand, times, values, unit);
        "seconds from the onset".clone_into(&mut finding.note);
        finding
    }

    /// What was read at each step, with its time.
    fn every_step(readings: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let step = frames(STEP) as usize;
        (1..=readings.len() / step).map(|n| (n as f64 * STEP.0, readings[n * step - 1])).unzip()
    }
}
