//! # Echo against time
//!
//! ## What it measures
//!
//! What the talker at the far end hears of the own voice from one moment to the next, with the canceller converged: how
//! far it is attenuated at every moment, how far that attenuation falls below its best value, and how loud the echo
//! gets.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clause 11.11.2. Two forms, both on a meter of 35 ms:
//!
//! - relative (03/2017, P.1100 and P.1110): the attenuation may not fall by more than 6 dB below its best value;
//! - absolute (10/2025, read in P.1120): the highest A-weighted level.
//!
//! ## Stimulus and capture points
//!
//! Speech or a composite source signal from the POI at −16 dBm0, in a call that is conditioned; the POI in send is
//! recorded, a silence before the signal included. Nobody talks in the car.
//!
//! ## Computation
//!
//! 1. The delay from the played to the recorded track by correlation; the recording is advanced by it. Read 30 ms apart a
//!    flat loss of 40 dB is anything from 36 to 50 dB.
//! 2. Both tracks go through a first-order mean-square meter of 35 ms, read every 5 ms. Attenuation: level of the played
//!    track minus level of the recorded one, where the played signal is active (no more than 15.9 dB, the margin of P.56,
//!    below its active level). In a pause the meters only fall.
//! 3. A reading whose echo is less than 6 dB above the noise of the silence, or below what a 16-bit codec can code, is a
//!    bound: the echo is attenuated by *at least* so much.
//! 4. `echo_attenuation_fall` is the difference between the best and the least attenuation of what stands out of the
//!    noise. What does not is no fall where its A-weighted level is below −58 dBm0(A), which the 10/2025 edition lets pass
//!    for no echo whatever its course; where it is louder the fall is *at least* what was found.
//! 5. `echo_level_max`: the recording through an A-weighting filter and the 35 ms meter; its highest reading from the
//!    beginning of the signal to the end of its echo. Where that is less than 12 dB above the noise, the echo is *at most*
//!    this: weighted noise peaks 2.5 dB above its mean on this meter and would lift it by up to 0.5 dB.
//! 6. Where no delay is found the residue is faint or no copy of what was played: the round trip counts that an entry of
//!    `delay` measured. Without one each reading is held against the loudest one
//!    within `delay_max` after it, so that the attenuation is *at least* this.
//!
//! ## What makes it inconclusive
//!
//! - A signal without an active frame, a track in another plane or with values that are no numbers, a bad certificate.
//! - A bound that does not meet the limit. Noise never fails a car.
//!
//! ## How to read the result
//!
//! The series show the played signal, the recording and the attenuation against time; the note tells when the worst
//! moment was. An attenuation that falls in the middle of a sentence is a canceller that loses its path; one that falls at
//! its beginning, a suppressor that wakes up late.

use std::fmt::Write as _;

use super::call::{self, CONDITIONING, DELAY_MAX, LEVEL_POI};
use super::echo::{self, ANALYSIS, Alignment, IDLE, METER, NOISE, STEP, Tracks, db, power};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx, Track};
use crate::dsp::level::{mean_square, mean_square_series};
use crate::dsp::weighting::Weighting;
use crate::dsp::weighting_filter::weighted;
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Reading, Unmeasurable};
use crate::meters::echo_attenuation::NOISE_MARGIN;
use crate::take::{Frame, RATE, frames};
use crate::units::{Db, Seconds, Unit};
use crate::verdict::Flag;

const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "What the far end says; its span `analysis`, where it has one, is analyzed.",
    "speech-single-talk",
);

static CARD: Card = Card {
    id: "echo_level",
    title: "Echo against time",
    source: include_str!("echo_level.rs"),
    measurands: &[
        Measurand {
            id: "echo_attenuation_fall",
            doc: "How far the attenuation of the echo falls below its best value.",
            unit: Unit::Db,
        },
        Measurand {
            id: "echo_attenuation_least",
            doc: "The least attenuation of the echo at any moment.",
            unit: Unit::Db,
        },
        Measurand {
            id: "echo_level_max",
            doc: "The highest A-weighted level of the echo at any moment.",
            unit: Unit::Dbm0A,
        },
        Measurand {
            id: "echo_attenuation",
            doc: "Attenuation of the echo against time, where the far end is active.",
            unit: Unit::Db,
        },
        Measurand {
            id: "echo_level",
            doc: "A-weighted level at the POI in send against time.",
            unit: Unit::Dbm0A,
        },
        Measurand {
            id: "echo_far_level",
            doc: "Level at the POI in receive against time, as late as its echo.",
            unit: Unit::Dbm0,
        },
    ],
    parameters: &[SIGNAL.spec(), LEVEL_POI.spec(), IDLE.spec(), DELAY_MAX.spec(), CONDITIONING.spec()],
    facts_wanted: echo::FACTS_WANTED,
    shown_on: Some(METER),
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "echo";
/// What is quieter is no echo by P.1120 (10/2025) 11.11.2, in dBm0(A).
pub(super) const UNHEARD_DBM0_A: f64 = -58.0;

/// The highest level is a bound where it is less than this above the noise.
const LIFTS: Db = Db(12.0);

/// Echo against time.
pub struct EchoLevel;

impl Method for EchoLevel {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = echo::checks(entry, cx);
        checks.at_least(entry, &IDLE, Seconds(1.0), "the noise is known from it");
        checks.quiet(entry);
        checks.done()?;
        let get = &entry.parameters;
        let what = (&get.get(&SIGNAL), get.get(&LEVEL_POI), get.get(&IDLE));
        let take = echo::far_end_alone(TAKE, what, entry, cx);
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let Tracks { played, recorded, silence, clipping } = Tracks::of(cx, take)?;
        let delay_max = entry.parameters.get(&DELAY_MAX);
        let span = take.span(ANALYSIS);
        let window = span.start..(span.end + frames(delay_max)).min(take.spec.duration);
        let heard = heard(&recorded);
        let course = Course::read(
            played.slice(window.clone()),
            (&recorded, &heard),
            window.start,
            take.span(NOISE),
            (delay_max, silence),
            cx,
        )?;
        let (level, far) =
            (vec![evidence::influence(&recorded, 1.0)], vec![evidence::influence(&played, 1.0)]);
        let loss = vec![evidence::influence(&played, 1.0), evidence::influence(&recorded, -1.0)];
        let findings = [
            (course.fall(), Vec::new()),
            (course.least(), loss.clone()),
            (course.loudest(), level.clone()),
            (course.attenuation(), loss),
            (course.level(), level),
            (course.far(), far),
        ];
        let complete = |(mut finding, influences)| {
            evidence::complete(&mut finding, take, ANALYSIS, influences);
            finding
        };
        let mut findings = findings.map(complete);
        clipping.tell(&mut findings);
        Ok(findings.into())
    }
}

/// A moment of the echo.
#[derive(Debug, Clone, Copy)]
struct Moment {
    /// From the beginning of the signal, in s.
    at_s: f64,
    attenuation_db: f64,
    /// Whether the echo stands out of the noise there, at a known delay.
    stands_out: bool,
    /// Whether all of it may be noise.
    may_be_noise: bool,
    /// The A-weighted level of the recording there, in dBm0(A).
    level_db: f64,
}

/// A recording through the A-weighting, as a whole, so that the filter has forgotten its beginning where a reading starts.
pub(super) fn heard(recorded: &Track) -> Vec<f64> {
    weighted(&recorded.samples, RATE, Weighting::A)
}

/// The readings of both meters.
pub(super) struct Course {
    /// The moments in which the far end is active.
    moments: Vec<Moment>,
    /// The A-weighted level of the recording from the beginning of the signal on, in dBm0(A).
    level_db: Vec<f64>,
    /// The level of the signal, in dBm0.
    far_db: Vec<f64>,
    /// By how much the recording was advanced.
    alignment: Alignment,
    /// The A-weighted level of the silence, in dBm0(A).
    noise_db: f64,
    silence_db: f64,
}

impl Course {
    /// Reads a played window and the recording, both from frame `start` of the take on; `silence` is what cannot be coded.
    pub(super) fn read(
        played: &[f64],
        (recorded, heard): (&Track, &[f64]),
        start: Frame,
        idle: std::ops::Range<Frame>,
        (delay_max, silence): (Seconds, f64),
        cx: &EvalCx<'_>,
    ) -> Result<Self, Unmeasurable> {
        let echo = recorded.slice(start..start + played.len() as Frame);
        let noise = recorded.slice(idle.clone());
        let (read, alignment) = echo::attenuation(played, echo, noise, delay_max, cx)?;
        let delay_s = alignment.delay().map(|delay| delay.0);
        let step = frames(STEP) as usize;
        let part = |range: std::ops::Range<Frame>| {
            let end = (range.end as usize).min(heard.len());
            &heard[(range.start as usize).min(end)..end]
        };
        let noise_a = mean_square(part(idle)).max(silence);
        let levels = mean_square_series(part(start..start + played.len() as Frame), RATE, METER, step);
        let level_db: Vec<f64> = levels.iter().map(|power| db(power.max(silence))).collect();
        let late = delay_s.map_or(0, |delay| (delay / STEP.0).round().max(0.0) as usize);
        // Where the echo may be later by anything up to the longest delay, its loudest reading counts.
        let (reach, unaligned) = match delay_s {
            Some(_) => (0, Vec::new()),
            None => ((delay_max.0 / STEP.0).ceil() as usize, mean_square_series(echo, RATE, METER, step)),
        };
        let noise = mean_square(noise).max(silence);
        let moments = read.frames.iter().map(|frame| {
            let index = (frame.time.0 / STEP.0).round() as usize - 1;
            let within = |series: &[f64], from: usize| {
                series.iter().skip(from).take(reach + 1).copied().fold(f64::NEG_INFINITY, f64::max)
            };
            let echo = match delay_s {
                Some(_) => power(frame.echo_level.decibels()),
                None => within(&unaligned, index),
            };
            let seen = echo.max(silence);
            let may_be_noise = seen < noise * NOISE_MARGIN.power() || echo <= silence;
            Moment {
                at_s: frame.time.0,
                attenuation_db: frame.reference_level.decibels() - db(seen),
                stands_out: delay_s.is_some() && !may_be_noise,
                may_be_noise,
                level_db: within(&level_db, index + late),
            }
        });
        let far = mean_square_series(played, RATE, METER, step);
        Ok(Self {
            moments: moments.collect(),
            level_db,
            far_db: far.iter().map(|power| db(power.max(silence))).collect(),
            alignment,
            noise_db: db(noise_a),
            silence_db: db(silence),
        })
    }

    fn aligned(&self) -> String {
        match self.alignment.delay() {
            Some(delay) => format!("echo after {:.1} ms{}", delay.as_ms(), self.alignment.source()),
            None => {
                "no delay found: each moment held against the loudest one that may belong to it".to_owned()
            }
        }
    }

    /// The least attenuation of all that is read.
    fn least(&self) -> Finding {
        let least = self.moments.iter().min_by(|a, b| a.attenuation_db.total_cmp(&b.attenuation_db));
        let (value, at_s) = least.map_or((f64::NAN, f64::NAN), |one| (one.attenuation_db, one.at_s));
        let mut finding = Finding::scalar("echo_attenuation_least", value, Unit::Db);
        finding.note = format!("at {at_s:.2} s; {}", self.aligned());
        finding.read_from = Some(Reading::of("echo_attenuation").at(at_s));
        if least.is_some_and(|one| !one.stands_out) {
            finding.bound = Bound::AtLeast;
            finding.flags.push(self.why());
        }
        finding
    }

    /// What makes a reading a bound: noise, or a delay that is not known.
    fn why(&self) -> Flag {
        let by_noise = self.moments.iter().all(|one| one.stands_out || one.may_be_noise);
        if by_noise { Flag::NoiseLimited } else { Flag::Bound }
    }

    fn fall(&self) -> Finding {
        let seen: Vec<&Moment> = self.moments.iter().filter(|one| one.stands_out).collect();
        let hidden = self.moments.len() - seen.len();
        let best = seen.iter().map(|one| one.attenuation_db).fold(f64::NEG_INFINITY, f64::max);
        let worst = seen.iter().fold((f64::INFINITY, 0.0), |worst, one| {
            if one.attenuation_db < worst.0 { (one.attenuation_db, one.at_s) } else { worst }
        });
        let value = if seen.is_empty() { 0.0 } else { best - worst.0 };
        let mut finding = Finding::scalar("echo_attenuation_fall", value, Unit::Db);
        finding.note = if seen.is_empty() {
            "no echo stands out of the noise".to_owned()
        } else {
            finding.read_from = Some(Reading::below("echo_attenuation", best).at(worst.1));
            format!("from {best:.1} dB to {:.1} dB at {:.2} s", worst.0, worst.1)
        };
        let heard =
            self.moments.iter().filter(|one| !one.stands_out && one.level_db >= UNHEARD_DBM0_A).count();
        if hidden > 0 {
            let share = 100.0 * hidden as f64 / self.moments.len() as f64;
            let _ = write!(finding.note, "; noise hides {share:.0} % of the moments");
            finding.flags.push(self.why());
        }
        if heard > 0 {
            finding.bound = Bound::AtLeast;
            let _ = write!(finding.note, ", {heard} of them at −58 dBm0(A) or louder");
        }
        finding.note.push_str("; ");
        finding.note.push_str(&self.aligned());
        finding
    }

    pub(super) fn loudest(&self) -> Finding {
        let (at, level) =
            self.level_db.iter().enumerate().fold((0, f64::NEG_INFINITY), |loudest, (n, level)| {
                if *level > loudest.1 { (n, *level) } else { loudest }
            });
        let at_s = (at + 1) as f64 * STEP.0;
        let mut finding = Finding::scalar("echo_level_max", level, Unit::Dbm0A);
        finding.read_from = Some(Reading::of("echo_level").at(at_s));
        finding.note = format!("at {at_s:.2} s; noise of the silence {:.1} dBm0(A)", self.noise_db);
        if level < self.noise_db + LIFTS.0 || level <= self.silence_db {
            finding.bound = Bound::AtMost;
            finding.flags.push(Flag::NoiseLimited);
        }
        finding
    }

    fn attenuation(&self) -> Finding {
        let mut finding = Finding::series(
            "echo_attenuation",
            self.moments.iter().map(|one| one.at_s).collect(),
            self.moments.iter().map(|one| one.attenuation_db).collect(),
            Unit::Db,
        );
        let limited = (0..self.moments.len()).filter(|n| !self.moments[*n].stands_out).collect();
        echo::bounded(&mut finding, Bound::AtLeast, limited, self.why());
        finding.note = self.aligned();
        finding
    }

    pub(super) fn level(&self) -> Finding {
        Finding::series("echo_level", times(&self.level_db, 0.0), self.level_db.clone(), Unit::Dbm0A)
    }

    /// The signal, as late as its echo.
    fn far(&self) -> Finding {
        let times = times(&self.far_db, self.alignment.delay().map_or(0.0, |delay| delay.0));
        Finding::series("echo_far_level", times, self.far_db.clone(), Unit::Dbm0)
    }
}

/// When the readings of a meter are, from the beginning of the signal, so much later.
fn times(readings: &[f64], late_s: f64) -> Vec<f64> {
    (1..=readings.len()).map(|n| n as f64 * STEP.0 + late_s).collect()
}
