//! # Initial convergence
//!
//! ## What it measures
//!
//! How fast the echo of a new call dies away: from the first sound of the far end on, with a canceller that knows nothing
//! of the car yet.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clauses 11.11.4 (in quiet) and 11.11.5 (in driving noise), 03/2017 and 10/2025.
//!
//! ## Stimulus and capture points
//!
//! A call of its own, with nothing played in it before: the canceller is cold. A silence in which the noise is known,
//! then a composite source signal from the POI at −16 dBm0 for more than 5 s; the POI in send is recorded. The entry states
//! the volume; the Recommendations ask for the loudest step in quiet.
//! In noise the silence lasts at least three times as long as the analysis, 15 s: the noise has run for more than 5 s
//! then, and what it may do by chance is known.
//!
//! ## Computation
//!
//! In quiet:
//!
//! 1. The delay from the played to the recorded track by correlation. Time 0 is the first frame of the signal, as late as
//!    its echo.
//! 2. Both tracks go through a meter of 35 ms. Attenuation: level played minus level recorded, every 5 ms, where the signal
//!    is active; in its pauses the meters only fall.
//! 3. Where the echo is less than 15 dB above the noise, or below what a 16-bit codec can code, the attenuation is *at
//!    least* what is read: the peaks of noise on this meter are 5 dB above its mean, and would move it by more than 0.5 dB.
//!
//! In noise:
//!
//! 1. The recording goes through a meter of 35 ms, read every 5 ms where the signal, as late as the echo, is active.
//! 2. The level is held against the *ceiling* of the noise: what the meter of the noise alone, in 15 s of the same call,
//!    would exceed within 5 s with a probability of 0.001. A meter of 35 ms climbs up to 5 dB above the mean of the noise
//!    of a car by chance, so that against the mean every car would fail, and against the highest reading of another
//!    stretch one in three.
//! 3. A level above the ceiling is echo. What lies below it is a bound: the echo is *at most* as loud as the noise.
//!
//! Where no delay is found, because what remains of the echo is faint or no copy of the signal, the round trip counts that an
//! entry of `delay` measured. Without one, time counts from when the signal was played, and no moment is more than a bound.
//!
//! ## What makes it inconclusive
//!
//! - A track in another plane or with values that are no numbers, a bad certificate.
//! - A bound that does not meet the limit. Noise never fails a car.
//!
//! ## How to read the result
//!
//! The straight line over the logarithm of time asks for 36.5 dB after 1 s; another published reading has a point of 20 dB
//! there. The report says which one was used.

use super::call::{self, DELAY_MAX, LEVEL_POI, Timeline, quantity};
use super::echo::{self, ANALYSIS, Alignment, METER, NOISE, STEP, Tracks, bounded, db, power};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx, Track};
use crate::dsp::level::{mean_square, mean_square_series};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Unmeasurable};
use crate::meters::ceiling::ceiling;
use crate::meters::echo_attenuation::EchoAttenuation;
use crate::take::{Frame, RATE, frames};
use crate::terms::Port;
use crate::units::{Db, Seconds, Unit};
use crate::verdict::Flag;

const SIGNAL: Param<SignalId> =
    Param::with_default("signal", "What the far end says: longer than 5 s.", "css-fb");
const IDLE: Param<Seconds> = Param::with_default(
    "idle",
    "The silence before, from which the noise is known: in driving noise at least 15 s.",
    "3 s",
);

static CARD: Card = Card {
    id: "echo_convergence",
    title: "Initial convergence",
    source: include_str!("echo_convergence.rs"),
    measurands: &[
        Measurand {
            id: "echo_convergence",
            doc: "Attenuation of the echo against time from the cold start on, in quiet.",
            unit: Unit::Db,
        },
        Measurand {
            id: "echo_over_noise",
            doc: "Level at the POI in send over the ceiling of the noise, against time from the cold start on.",
            unit: Unit::Db,
        },
        Measurand {
            id: "convergence_level",
            doc: "Level at the POI in send against time.",
            unit: Unit::Dbm0,
        },
    ],
    parameters: &[SIGNAL.spec(), LEVEL_POI.spec(), IDLE.spec(), DELAY_MAX.spec()],
    facts_wanted: echo::FACTS_WANTED,
    shown_on: Some(METER),
    starts_cold: true,
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "convergence";
/// How long the canceller is watched (P.1110 11.11.4).
const WATCHED: Seconds = Seconds(5.0);
/// How many times longer the noise alone must be known.
const NOISE_TIMES: f64 = 3.0;
/// With what probability the noise alone would exceed its ceiling.
const CHANCE: f64 = 1e-3;

/// An echo less than this above the noise is a bound: noise 15 dB below it, with peaks 5 dB above its mean, moves a reading
/// by up to 0.5 dB.
const NOISE_MARGIN: Db = Db(15.0);

/// Initial convergence.
pub struct EchoConvergence;

impl Method for EchoConvergence {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let signal = entry.parameters.get(&SIGNAL);
        let length = cx.signal(&signal.0).frames;
        let mut checks = echo::checks(entry, cx);
        if entry.noise.is_some() {
            let least = Seconds(NOISE_TIMES * WATCHED.0);
            checks.at_least(entry, &IDLE, least, "what the noise may do by chance is known from it");
        } else {
            checks.at_least(entry, &IDLE, Seconds(1.0), "the noise is known from it");
        }
        if length < frames(WATCHED) {
            checks.refuse(
                &SIGNAL,
                format!("{} of {:.2} s", signal.0, length as f64 / f64::from(RATE)),
                "at least 5 s".to_owned(),
                "use a composite source signal of the catalogue, as css-fb",
            );
        }
        checks.done()?;
        let mut take = Timeline::after_silence(TAKE, entry.parameters.get(&IDLE));
        let level = quantity(entry.parameters.get(&LEVEL_POI));
        let at = take.play(&Port::of(Port::POI_RECEIVE), &signal, level, cx);
        take.name_span(ANALYSIS, at..at + frames(WATCHED));
        take.wait(entry.parameters.get(&DELAY_MAX));
        let take = take.build(&echo::recorded_ports(cx));
        Ok(Wish { epoch: call::bare_epoch(entry, entry.volume), takes: vec![take] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let Tracks { played, recorded, silence, clipping } = Tracks::of(cx, take)?;
        let delay_max = entry.parameters.get(&DELAY_MAX);
        let analysis = take.span(ANALYSIS);
        let noise = recorded.slice(take.span(NOISE));
        let echo = recorded.slice(analysis.start..analysis.end + frames(delay_max));
        let (reading, alignment) =
            echo::attenuation(played.slice(analysis.clone()), echo, noise, delay_max, cx)?;
        let (mut finding, influences) = if entry.noise.is_some() {
            (over_noise(&reading, &alignment, noise, silence)?, Vec::new())
        } else {
            let influences = vec![evidence::influence(&played, 1.0), evidence::influence(&recorded, -1.0)];
            (in_quiet(&reading, &alignment, mean_square(noise), silence), influences)
        };
        let mut level = level_series(&recorded, &analysis, silence);
        evidence::complete(&mut finding, take, ANALYSIS, influences);
        evidence::complete(&mut level, take, ANALYSIS, vec![evidence::influence(&recorded, 1.0)]);
        let mut findings = vec![finding, level];
        clipping.tell(&mut findings);
        Ok(findings)
    }
}

fn told(alignment: &Alignment) -> String {
    match alignment.delay() {
        Some(delay) => {
            format!("time 0 is {:.1} ms after the signal began{}", delay.as_ms(), alignment.source())
        }
        None => "no delay found: time 0 is when the signal began".to_owned(),
    }
}

fn in_quiet(reading: &EchoAttenuation, alignment: &Alignment, noise: f64, silence: f64) -> Finding {
    let is_aligned = alignment.delay().is_some();
    let mut by_noise = true;
    let (mut times, mut values, mut limited) = (Vec::new(), Vec::new(), Vec::new());
    for (n, frame) in reading.frames.iter().enumerate() {
        let echo = power(frame.echo_level.decibels()).max(silence);
        let is_hidden = echo < noise * NOISE_MARGIN.power() || echo <= silence;
        by_noise &= is_aligned || is_hidden;
        if !is_aligned || is_hidden {
            limited.push(n);
        }
        times.push(frame.time.0);
        values.push(frame.reference_level.decibels() - 10.0 * echo.log10());
    }
    let mut finding = Finding::series("echo_convergence", times, values, Unit::Db);
    let flag = if by_noise { Flag::NoiseLimited } else { Flag::Bound };
    bounded(&mut finding, Bound::AtLeast, limited, flag);
    finding.note = format!(
        "{}; noise {:.1} dBm0; a new call, nothing was played in it before",
        told(alignment),
        db(noise.max(silence))
    );
    finding
}

fn over_noise(
    reading: &EchoAttenuation,
    alignment: &Alignment,
    noise: &[f64],
    silence: f64,
) -> Result<Finding, Unmeasurable> {
    let step = frames(STEP) as usize;
    // The meter has climbed after ten of its times.
    let readings = mean_square_series(noise, RATE, METER, step).split_off((10.0 * METER.0 / STEP.0) as usize);
    let top = ceiling(&readings, STEP, WATCHED, CHANCE)
        .map_err(|error| Unmeasurable::because(error.to_string()))?
        .max(silence);
    let mean = mean_square(noise).max(silence);
    let is_aligned = alignment.delay().is_some();
    let mut climbs = false;
    let (mut times, mut values, mut limited) = (Vec::new(), Vec::new(), Vec::new());
    for (n, frame) in reading.frames.iter().enumerate() {
        let over = db(power(frame.echo_level.decibels()).max(silence)) - db(top);
        // What is below the ceiling cannot be told from noise: the echo is at most as loud as both together.
        climbs |= over > 0.0;
        if over <= 0.0 || !is_aligned {
            limited.push(n);
        }
        times.push(frame.time.0);
        values.push(over);
    }
    let mut finding = Finding::series("echo_over_noise", times, values, Unit::Db);
    let flag = if is_aligned || !climbs { Flag::NoiseLimited } else { Flag::Bound };
    bounded(&mut finding, Bound::AtMost, limited, flag);
    finding.note = format!(
        "{}; noise {:.1} dBm0, which climbs to {:.1} dBm0 in 5 s once in {:.0} times; a new call, nothing was played in it \
         before",
        told(alignment),
        db(mean),
        db(top),
        1.0 / CHANCE
    );
    Ok(finding)
}

fn level_series(recorded: &Track, analysis: &std::ops::Range<Frame>, silence: f64) -> Finding {
    let levels = mean_square_series(recorded.slice(analysis.clone()), RATE, METER, frames(STEP) as usize);
    let times = (1..=levels.len()).map(|n| n as f64 * STEP.0).collect();
    let values = levels.iter().map(|power| db(power.max(silence))).collect();
    let mut finding = Finding::series("convergence_level", times, values, Unit::Dbm0);
    "seconds from when the signal began".clone_into(&mut finding.note);
    finding
}
