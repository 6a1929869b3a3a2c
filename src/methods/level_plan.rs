//! # Level plan
//!
//! ## What it measures
//!
//! How far the loudest things that a plan plays stay below the full scale of the bench's outputs: the headroom of a signal
//! at a level at the point of interconnect, and of one at the mouth; in a background noise that of its loudspeakers too.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clauses 7.7 and 11.1 ask for calibrated levels; a signal that clips has another
//! level and another spectrum than it is said to have. How much room there should be is the lab's choice (class C).
//!
//! ## Stimulus and capture points
//!
//! The signal of the POI and the signal of the mouth, one after the other, in a call at the quietest volume. Nothing is
//! recorded: what counts is what was played.
//!
//! With `noise` the call runs in that noise, and the talker speaks up with it. What its loudspeakers (`noise.1` … `noise.n`,
//! `noise.sub`) play follows from its recording at the driver's head, which is kept with the take, from their number, and
//! from the level that full scale of each port makes at the noise reference microphone.
//!
//! ## Computation
//!
//! 1. The highest sample of the played track, limited to the band of the call at the POI, against digital full scale:
//!    headroom = −20·log10(peak).
//! 2. The crest factor beside it: the peak over the level that was asked for.
//! 3. For each of n loudspeakers of a noise: the highest sample of the recording (with a subwoofer, of what lies above the
//!    crossover) over √n, against full scale of its port; for the subwoofer the highest sample of what lies below. The
//!    smallest room of all is the finding, and its note lists each.
//!
//! ## What makes it inconclusive
//!
//! - A signal without a sound, a track with values that are no numbers.
//! - A limit on the room of the noise where nothing plays it: no `noise`, or a virtual car, whose cabin has a field and no
//!   loudspeakers.
//!
//! ## How to read the result
//!
//! What would exceed full scale is never played: such an entry is refused before the run begins, with every other one
//! that would, so the headroom is never negative. Converters and amplifiers reach their own limits a few decibels before
//! full scale. `lombard check --resolved` prints the headroom of everything that a plan plays, `--bench FILE` that of a live
//! bench with the loudspeakers of its noise.
//!
//! A composite source signal with a crest factor of 11 dB at −5 dBm0 would peak at +1.3 dBov: take the one with the low
//! crest factor there.

use super::call::{self, Checks, LEVEL_MRP, LEVEL_POI, LOMBARD_BASE, Timeline, quantity};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::calibration::loudspeakers::Shares;
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, Noise, Param, SignalId};
use crate::finding::{Finding, Influence, Unmeasurable};
use crate::take::Volume;
use crate::terms::Port;
use crate::units::{Quantity, Seconds, Unit};

const SIGNAL_POI: Param<SignalId> =
    Param::with_default("signal_poi", "The signal at the POI.", "speech-single-talk");
const SIGNAL_MOUTH: Param<SignalId> =
    Param::with_default("signal_mouth", "The signal at the mouth.", "speech-single-talk");

static CARD: Card = Card {
    id: "level_plan",
    title: "Level plan",
    source: include_str!("level_plan.rs"),
    measurands: &[
        Measurand { id: "headroom_poi", doc: "Room of the signal at the POI to full scale.", unit: Unit::Db },
        Measurand {
            id: "headroom_mouth",
            doc: "Room of the signal at the mouth to full scale.",
            unit: Unit::Db,
        },
        Measurand {
            id: "headroom_noise",
            doc: "Room of that loudspeaker of the background noise that has least of it.",
            unit: Unit::Db,
        },
    ],
    parameters: &[
        SIGNAL_POI.spec(),
        LEVEL_POI.spec(),
        SIGNAL_MOUTH.spec(),
        LEVEL_MRP.spec(),
        LOMBARD_BASE.spec(),
    ],
    picks_volume: true,
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "levels";
const PAUSE: Seconds = Seconds(0.5);

/// The room of what is played.
pub struct LevelPlan;

/// What is played on which port, with its measurand and its span.
fn plays(entry: &Entry) -> [(&'static str, Port, SignalId, Quantity); 2] {
    let parameters = &entry.parameters;
    [
        (
            "headroom_poi",
            Port::of(Port::POI_RECEIVE),
            parameters.get(&SIGNAL_POI),
            quantity(parameters.get(&LEVEL_POI)),
        ),
        (
            "headroom_mouth",
            Port::mouth(entry.talker),
            parameters.get(&SIGNAL_MOUTH),
            quantity(call::talker_level(entry, &LEVEL_MRP)),
        ),
    ]
}

impl Method for LevelPlan {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = Checks::default();
        let plays = plays(entry);
        for (_, port, ..) in &plays {
            checks.plays(cx, port);
        }
        checks.done()?;
        let mut take = Timeline::new(TAKE);
        for (_, port, signal, level) in &plays {
            take.wait(PAUSE);
            take.play(port, signal, *level, cx);
        }
        Ok(Wish { epoch: call::bare_epoch(entry, Volume::Step(0)), takes: vec![take.build(&[])] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let mut findings = Vec::new();
        for (measurand, port, signal, level) in plays(entry) {
            let track = evidence::played(cx, take, &port, level.unit)?;
            let peak = track.samples.iter().fold(0.0_f64, |peak, sample| peak.max(sample.abs()));
            if peak == 0.0 {
                return Err(Unmeasurable::because(format!("the signal '{}' on {port} is silence", signal.0)));
            }
            let peak_db = 20.0 * peak.log10();
            let full_scale_db = 20.0 * evidence::full_scale(cx, &port).log10();
            let mut finding = Finding::scalar(measurand, full_scale_db - peak_db, Unit::Db);
            evidence::complete(&mut finding, take, port.name(), vec![evidence::influence(&track, 1.0)]);
            finding.note = format!(
                "'{}' at {level}, crest factor {:.1} dB, peak {peak_db:.1} {}",
                signal.0,
                peak_db - level.value,
                level.unit
            );
            findings.push(finding);
        }
        if let Some(noise) = &entry.noise {
            findings.extend(room_of_noise(noise, cx)?);
        }
        Ok(findings)
    }
}

/// The room of the loudspeakers of a noise; nothing where the bench has none, which is a simulated cabin.
fn room_of_noise(noise: &Noise, cx: &EvalCx<'_>) -> Result<Option<Finding>, Unmeasurable> {
    let (mains, sub) = cx.bench.noise_loudspeakers();
    if mains.is_empty() {
        return Ok(None);
    }
    let take = cx.take(TAKE);
    let shares = Shares::of(&cx.noise_recording(take)?, mains.len(), sub.is_some());
    let highest = |track: &[f64]| track.iter().fold(0.0_f64, |peak, sample| peak.max(sample.abs()));
    let (main_peak, sub_peak) = (highest(&shares.main), shares.sub.as_deref().map_or(0.0, highest));
    let peaks = mains.iter().map(|port| (port, main_peak)).chain(sub.iter().map(|port| (port, sub_peak)));
    let rooms: Vec<(&Port, f64)> =
        peaks.map(|(port, peak)| (port, 20.0 * (evidence::full_scale(cx, port) / peak).log10())).collect();
    let least = rooms.iter().min_by(|a, b| a.1.total_cmp(&b.1)).filter(|least| least.1.is_finite());
    let Some((port, room_db)) = least else {
        return Err(Unmeasurable::because(format!("the noise '{}' is silence", noise.signal)));
    };
    let influences = rooms.iter().filter_map(|(port, _)| {
        let calibration = &cx.bench.ports.get(port)?.calibration;
        Some(Influence { calibration: calibration.record.clone(), coefficient: 1.0 })
    });
    let mut finding = Finding::scalar("headroom_noise", *room_db, Unit::Db);
    evidence::complete(&mut finding, take, port.name(), influences.collect());
    let each: Vec<String> = rooms.iter().map(|(port, room_db)| format!("{port} {room_db:.1} dB")).collect();
    finding.note = format!("'{}' of {} dB(A): {}", noise.signal, noise.level_dba, each.join(", "));
    Ok(Some(finding))
}
