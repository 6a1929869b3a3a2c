//! # Set-up check
//!
//! ## What it measures
//!
//! A fingerprint of the set-up: from the mouth of the HATS to the microphone of the car, and from its loudspeaker to each
//! ear, as they arrive through the device. Later checks of the same run tell by how much it has changed: whether somebody
//! has bumped into the HATS, moved the seat, turned a microphone or opened a window.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clause 7 ask for a documented set-up that can be reproduced; the check, its
//! intervals and the 0.5 dB are this project's own (class C).
//!
//! ## Stimulus and capture points
//!
//! One take in a call of its own, with the conditioning of every call, at the middle step of the volume: silence, the
//! signal from the mouth, the same from the POI. The POI and both ears are recorded.
//!
//! A plan has one entry at its start and one at its end. Between two calls the first of them is made again whenever
//! `every` has passed since the last check, and whenever a run is taken up again.
//!
//! ## Computation
//!
//! 1. Sensitivity by third octave: energy recorded, without the noise of the silence, over energy played; in send in
//!    dBV/Pa, in receive in dBPa/V for each ear, and for both with their powers averaged.
//!    Bands: 315 Hz to 3.15 kHz in NB, 200 Hz to 4 kHz above.
//!    Bands that stand less than 15 dB above the noise are left out.
//! 2. The change: the largest difference of a band that both have, to the first check of the run, over send and both
//!    ears.
//!
//! ## What makes it inconclusive
//!
//! - Nothing arrives, or fewer than three bands stand out of the noise.
//! - More than a fourth of the bands of the first check no longer stands out: this stops the run as a change does.
//! - A track in a plane other than its port's, a missing ear, a bad certificate.
//! - Without a first check there is no change.
//!
//! ## How to read the result
//!
//! Where the change is larger than `change_max` the run stops and asks. Put the set-up back and resume the run: the check
//! is made again, and the run goes on when it finds the set-up as it was. What was recorded since the last good check
//! deserves a second look. Or accept the change (`lombard resume --accept`): further changes are journalled and stop
//! nothing, and the check at the end is judged as it is.
//!
//! A device that adapts (gain control, noise reduction that learns) changes without anybody touching it; its check
//! repeats less well than the HATS does. Bands of the curves tell: what moved is in one path, what adapts is in all.

use super::call::{
    self, CONDITIONING, Checks, DELAY_MAX, LEVEL_MRP, LEVEL_POI, LOMBARD_BASE, Timeline, quantity,
};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, Facts, PlanCx};
use crate::dsp::bands::Bands;
use crate::entry::{Entry, EntryId, Param, SignalId};
use crate::finding::{Curve, Finding, Influence, Unmeasurable, Value};
use crate::take::Volume;
use crate::terms::{Bandwidth, Direction, Port};
use crate::units::{DBV_AT_0_DBM0, Db, Seconds, Unit};

const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "The signal of the fingerprint, from the mouth and from the POI. Speech of half a minute repeats within 0.1 dB through \
     noise reduction and echo canceller; shorter signals repeat less well, steady noise not at all.",
    "speech-single-talk",
);
const CHANGE_MAX: Param<Db> =
    Param::with_default("change_max", "A change of a band above which the run stops and asks.", "0.5 dB");
const EVERY: Param<Seconds> = Param::with_default(
    "every",
    "After how long the first check of the plan is made again, between two calls.",
    "3600 s",
);

macro_rules! curve {
    ($id:literal, $doc:literal, $unit:ident) => {
        Measurand { id: $id, doc: $doc, unit: Unit::$unit }
    };
}

static CARD: Card = Card {
    id: "setup_check",
    title: "Set-up check",
    source: include_str!("setup_check.rs"),
    measurands: &[
        curve!("setup_send", "From the mouth to the POI, by third octave.", DbVPerPa),
        curve!("setup_receive", "From the POI to the ears, powers averaged, by third octave.", DbPaPerV),
        curve!("setup_receive_left", "From the POI to the left ear, by third octave.", DbPaPerV),
        curve!("setup_receive_right", "From the POI to the right ear, by third octave.", DbPaPerV),
        curve!("setup_change", "Largest change of a band since the first check of the run.", Db),
    ],
    parameters: &[
        SIGNAL.spec(),
        LEVEL_MRP.spec(),
        LOMBARD_BASE.spec(),
        LEVEL_POI.spec(),
        CHANGE_MAX.spec(),
        EVERY.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    facts_wanted: &[PATHS[0].1, PATHS[1].1, PATHS[2].1],
    picks_volume: true,
    objects: true,
    facts_found: &[(PATHS[0].1, PATHS[0].0), (PATHS[1].1, PATHS[1].0), (PATHS[2].1, PATHS[2].0)],
    ..Card::PLAIN
};

/// The paths that are compared: measurand, fact, unit.
const PATHS: [(&str, &str, Unit); 3] = [
    ("setup_send", "setup.send", Unit::DbVPerPa),
    ("setup_receive_left", "setup.receive_left", Unit::DbPaPerV),
    ("setup_receive_right", "setup.receive_right", Unit::DbPaPerV),
];
/// The one take.
const TAKE: &str = "setup";
/// The silence from which the noise is known.
const NOISE: &str = "idle";
const LEAD: Seconds = Seconds(0.5);
const IDLE: Seconds = Seconds(2.0);
/// Noise 15 dB down adds 0.13 dB; taken out again it leaves a few hundredths.
const ABOVE_NOISE: f64 = 31.6;
/// With fewer bands a check sees next to nothing.
const BANDS_MIN: usize = 3;
/// Where more than a fourth of the bands of the first check is lost, the check does not say that nothing has changed: a band
/// at the edge of the noise may come and go, a driver of a loudspeaker carries more.
const LOST_SHARE: usize = 4;
/// No check is worth more than a day.
const EVERY_MAX: Seconds = Seconds(86_400.0);

/// The fingerprint of the set-up.
pub struct SetupCheck;

impl Method for SetupCheck {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = Checks::default();
        let mut record = Vec::new();
        for direction in Direction::ALL {
            checks.plays(cx, &call::source_port(*direction, entry));
            for port in call::sink_ports(*direction, entry) {
                checks.records(cx, &port);
                record.push(port);
            }
        }
        checks.delay_max(entry);
        checks.duration(entry, &EVERY, EVERY_MAX);
        let change_max = entry.parameters.get(&CHANGE_MAX).0;
        if change_max.is_nan() || change_max <= 0.0 {
            checks.refuse(
                &CHANGE_MAX,
                format!("{change_max} dB"),
                "more than 0 dB".to_owned(),
                "write what a set-up may change by itself, as in \"0.5 dB\"",
            );
        }
        checks.done()?;
        let signal = entry.parameters.get(&SIGNAL);
        let mut take = Timeline::new(TAKE);
        take.wait(LEAD);
        take.wait_as(NOISE, IDLE);
        for direction in Direction::ALL {
            let level = match direction {
                Direction::Send => quantity(call::talker_level(entry, &LEVEL_MRP)),
                Direction::Receive => quantity(entry.parameters.get(&LEVEL_POI)),
            };
            let at = take.play(&call::source_port(*direction, entry), &signal, level, cx);
            take.name_span(direction.word(), at..at + cx.signal(&signal.0).frames);
            take.wait(entry.parameters.get(&DELAY_MAX));
        }
        let mut epoch = call::epoch_at(entry, cx, Volume::Step(cx.bench.volume_step_count / 2));
        // Every check is a call of its own, also where another one asks for the same; `calls` of a plan is refused for it.
        epoch.repeat = number_of(&entry.id);
        Ok(Wish { epoch, takes: vec![take.build(&record)] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let mut findings = Vec::new();
        for direction in Direction::ALL {
            findings.extend(of_direction(*direction, entry, cx)?);
        }
        let found: Vec<Option<&Curve>> = PATHS.iter().map(|path| curve_of(&findings, path.0)).collect();
        if let Some(change) = change(&entry.id, &found, cx.facts)? {
            let mut finding = Finding::scalar("setup_change", change.db, Unit::Db);
            evidence::complete(&mut finding, take, "send and receive", Vec::new());
            finding.note = format!("{} at {} Hz, against {}", change.path, change.hz, change.first);
            findings.push(finding);
        }
        Ok(findings)
    }

    fn objection(&self, entry: &Entry, findings: &[Finding]) -> Option<String> {
        let change = findings.iter().find(|one| one.measurand == "setup_change")?;
        let change_max = entry.parameters.get(&CHANGE_MAX).0;
        let value = change.as_scalar()?;
        // NaN is no set-up.
        let is_good = value <= change_max;
        (!is_good).then(|| {
            format!(
                "the set-up has changed by {value:.2} dB ({}), and {change_max} dB are allowed: put HATS, seat, microphone \
                 and loudspeaker back as they were and resume the run, which checks again",
                change.note
            )
        })
    }

    fn recheck_after(&self, entry: &Entry) -> Option<Seconds> {
        Some(entry.parameters.get(&EVERY))
    }
}

/// A number that tells the calls of entries apart: a hash of the id (FNV-1a), never 0.
fn number_of(id: &EntryId) -> u32 {
    let hash = id
        .text()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash | 1
}

/// The third octaves in which every call of a bandwidth is well within its band, and in which speech stands so far above
/// the noise that a noise reduction leaves it alone: at 5 and 6.3 kHz a sentence repeats within 0.3 dB, below within 0.06 dB.
/// Geometry shows below.
fn bands_of(bandwidth: Bandwidth) -> Bands {
    match bandwidth {
        Bandwidth::Nb => Bands::third_octave(315.0, 3_150.0),
        Bandwidth::Wb | Bandwidth::Swb | Bandwidth::Fb => Bands::third_octave(200.0, 4_000.0),
    }
}

/// The curves of a direction: one for each port, and for two ears one of both.
fn of_direction(direction: Direction, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
    let take = cx.take(TAKE);
    let (played_plane, recorded_plane, offset_db) = match direction {
        Direction::Send => (Unit::DbPa, Unit::Dbm0, DBV_AT_0_DBM0),
        Direction::Receive => (Unit::Dbm0, Unit::DbPa, -DBV_AT_0_DBM0),
    };
    let from = call::source_port(direction, entry);
    let bands = bands_of(entry.bandwidth);
    let played = evidence::played(cx, take, &from, played_plane)?;
    let span = take.span(direction.word());
    let energies = evidence::energies(played.slice(span.clone()), &bands);
    evidence::stimulus_fills(&energies, &bands, 0..bands.len(), &from)?;
    let window = span.start..span.end + crate::take::frames(entry.parameters.get(&DELAY_MAX));
    let mut heard: Vec<(Port, Vec<Option<f64>>, Influence)> = Vec::new();
    for port in call::sink_ports(direction, entry) {
        let track = evidence::captured(cx, take, &port, recorded_plane)?;
        let recorded = evidence::recorded(&track, window.clone(), take.span(NOISE), &bands);
        let signal = recorded.without_noise();
        let gain = |band: usize| {
            // NaN stands out of nothing.
            let stands_out =
                recorded.total[band] > 0.0 && recorded.total[band] >= ABOVE_NOISE * recorded.noise[band];
            stands_out.then(|| signal[band] / energies[band])
        };
        let gains: Vec<Option<f64>> = (0..bands.len()).map(gain).collect();
        if gains.iter().flatten().count() < BANDS_MIN {
            return Err(Unmeasurable::because(format!(
                "the set-up cannot be told at {port}: fewer than {BANDS_MIN} bands stand 15 dB above the noise; check \
                 routing, mute and volume, or quiet the cabin"
            )));
        }
        heard.push((port, gains, evidence::influence(&track, 1.0)));
    }
    let curve = |measurand: &str, unit: Unit, gains: &[Option<f64>], influences: Vec<Influence>| {
        let points: Vec<(f64, f64)> = bands
            .iter()
            .zip(gains)
            .filter_map(|(band, gain)| Some((band.nominal_hz, 10.0 * (*gain)?.log10() + offset_db)))
            .collect();
        let (hz, values) = points.into_iter().unzip();
        let mut finding = Finding::curve(measurand, hz, values, unit);
        evidence::complete(&mut finding, take, direction.word(), influences);
        finding
    };
    let source = evidence::influence(&played, -1.0);
    let mut findings = Vec::new();
    match (direction, heard.as_slice()) {
        (Direction::Send, [(_, gains, influence)]) => {
            findings.push(curve("setup_send", Unit::DbVPerPa, gains, vec![source, influence.clone()]));
        }
        (_, [(_, left, by_left), (_, right, by_right)]) => {
            let both: Vec<Option<f64>> = left
                .iter()
                .zip(right)
                .map(|(left, right)| Some(f64::midpoint((*left)?, (*right)?)))
                .collect();
            let influences = vec![source.clone(), by_left.clone(), by_right.clone()];
            findings.push(curve("setup_receive", Unit::DbPaPerV, &both, influences));
            for (measurand, gains, influence) in
                [("setup_receive_left", left, by_left), ("setup_receive_right", right, by_right)]
            {
                let influences = vec![source.clone(), influence.clone()];
                findings.push(curve(measurand, Unit::DbPaPerV, gains, influences));
            }
        }
        _ => return Err(Unmeasurable::because("a head has two ears".to_owned())),
    }
    Ok(findings)
}

fn curve_of<'f>(findings: &'f [Finding], measurand: &str) -> Option<&'f Curve> {
    findings.iter().find(|one| one.measurand == measurand).and_then(|one| match &one.value {
        Value::Curve(curve) => Some(curve),
        _ => None,
    })
}

/// The largest change of a band.
struct Change {
    db: f64,
    hz: f64,
    path: &'static str,
    first: EntryId,
}

/// The largest change since the check that found the facts; nothing where this is that one, or where there is none.
fn change(id: &EntryId, found: &[Option<&Curve>], facts: &Facts) -> Result<Option<Change>, Unmeasurable> {
    let mut largest: Option<Change> = None;
    for ((measurand, key, unit), curve) in PATHS.iter().zip(found) {
        let (Some(fact), Some(first), Some(curve)) = (facts.get(key), facts.curve(key, *unit), curve) else {
            return Ok(None);
        };
        if fact.entry == *id {
            return Ok(None);
        }
        let mut common = 0;
        for (hz, value) in curve.hz.iter().zip(&curve.values) {
            let Some(before) = first.hz.iter().position(|one| one == hz) else { continue };
            common += 1;
            let db = (value - first.values[before]).abs();
            // NaN is the largest change of all.
            if largest.as_ref().is_none_or(|one| db.is_nan() || db > one.db) {
                largest = Some(Change { db, hz: *hz, path: measurand, first: fact.entry.clone() });
            }
        }
        let lost = first.hz.iter().filter(|hz| !curve.hz.contains(hz)).count();
        if lost * LOST_SHARE > first.hz.len() {
            return Err(Unmeasurable::because(format!(
                "{lost} of the {} bands of {measurand} that {} found no longer stand out of the noise: something covers \
                 the path or a part of it is silent, or the noise has grown",
                first.hz.len(),
                fact.entry
            )));
        }
        if common < BANDS_MIN {
            return Err(Unmeasurable::because(format!(
                "the set-up cannot be compared with {}: fewer than {BANDS_MIN} bands of {measurand} stand out of the \
                 noise in both",
                fact.entry
            )));
        }
    }
    Ok(largest)
}
