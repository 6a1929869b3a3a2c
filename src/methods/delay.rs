//! # Delay
//!
//! ## What it measures
//!
//! How long speech takes through the hands-free terminal: in send from the mouth reference point to the point of
//! interconnect, in receive from the point of interconnect to the ears, and both together as the round trip.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clause 11.2; the correlation method is that of P.502.
//! The share of the network simulator (radio link, codec, converters of the bench) is not the terminal's and is
//! subtracted.
//!
//! ## Stimulus and capture points
//!
//! One take for each direction.
//! A composite source signal whose noise part lasts longer than the delays that must be told apart
//! (16 384 points at 48 kHz are 341 ms) is played
//!
//! - in send from the mouth at −1.7 dBPa (MRP), recorded at the POI;
//! - in receive from the POI at −16 dBm0, recorded at both ears.
//!
//! With `access = "digital"` the digital access points of clause 8 stand for mouth and ears: in send the signal is inserted
//! behind the microphone (`tap.microphone`) at `level_tap`, in receive it is recorded before the amplifier
//! (`tap.loudspeaker`). The way of the sound through converters, loudspeaker and cabin is not in these delays.
//!
//! ## Computation
//!
//! 1. The played track from the first to the last frame of the stimulus is correlated with the recording, which goes on
//!    for `delay_max` after it.
//!    The spectra are whitened within the band that call and stimulus share, so that the responses of terminal and cabin
//!    don't smear the maximum.
//! 2. The envelope of the correlation (Hilbert transform) gives the delay whatever the polarity; each candidate is rated
//!    by the energy that it explains, c²/E, which tells the delay from the delay plus or minus one period of the signal.
//! 3. The maximum is refined on the correlation itself by band-limited interpolation to a small part of a frame.
//! 4. The same is done with every half second of the stimulus.
//!    Where these delays lie on a line that changes by more than 0.02 ms (a clock that is off against the network's), the
//!    delay is that in the middle of the stimulus, and the note gives the drift in ppm.
//!    Where one of them is off by more than 0.5 ms and follows the delay before it clearly worse (a jitter buffer that
//!    jumps), the largest delay counts: the talker hears it.
//! 5. Receive: the ear that hears the terminal first counts; the difference between the ears is geometry.
//!    Both are stated beside the finding.
//! 6. The delay of the network in that direction is subtracted and stated: as the reference run has measured it where
//!    the plan has one, otherwise as the bench declares it.
//! 7. Round trip = send + receive.
//! 8. Implementation = round trip less `inherent`: what codec and radio link inside the terminal take by themselves.
//!    Public readings of the Recommendations limit it, but none says what is inherent to which link: the lab enters it
//!    from its copy. Until then the implementation is *at most* the round trip.
//!
//! ## What makes it inconclusive
//!
//! - The correlation is less than twice what unrelated signals would reach by chance: noise, a mute path, or a
//!   delay beyond `delay_max`.
//! - The delay lies at the end of the search range, or below the delay of the network.
//! - A track in a plane other than its port's, a missing ear, a bad certificate.
//!
//! ## How to read the result
//!
//! In milliseconds, the way of the sound in the cabin included (3 ms to the metre).
//! Terminals that stretch or squeeze time while they run (jitter buffers, clocks of their own) have no single delay.
//! A delay that jumps within the stimulus is the device's doing, so it is measured, not excused: the finding is the largest
//! one, flagged *conditional*, with all of them in its note. A delay that drifts is one of this moment of the call.

mod course;

use super::call::{
    self, ACCESS, CONDITIONING, Checks, DELAY_MAX, LEVEL_MRP, LEVEL_POI, LEVEL_TAP, LOMBARD_BASE, Timeline,
    quantity,
};
use super::{Card, Measurand, Method, Refusal, Wish, evidence, reference_run};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx};
use crate::dsp::align::{self, DelaySearch, Polarity};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Unmeasurable};
use crate::take::{RATE, TakeSpec};
use crate::terms::{Access, Bandwidth, Direction, Port};
use crate::units::{Quantity, Seconds, Unit};
use crate::verdict::Flag;
use course::Course;

/// The signal of the delay, which the reference run plays too.
pub(super) const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "The signal that is correlated; its noise part bounds the delays.",
    "css-delay",
);

const INHERENT: Param<Seconds> = Param::with_default(
    "inherent",
    "What codec and radio link inside the terminal take by themselves, both directions together; 0 s: not known.",
    "0 s",
);

/// The fact of the way of an echo by the car, with the network: from the POI to an ear and from the mouth to the POI.
pub const LOOP: &str = "delay.loop";

static CARD: Card = Card {
    id: "delay",
    title: "Delay",
    source: include_str!("delay.rs"),
    measurands: &[
        Measurand { id: "delay_send", doc: "Delay from the MRP to the POI.", unit: Unit::Millisecond },
        Measurand {
            id: "delay_receive",
            doc: "Delay from the POI to the earlier ear.",
            unit: Unit::Millisecond,
        },
        Measurand {
            id: "delay_round_trip",
            doc: "Delay in send plus delay in receive.",
            unit: Unit::Millisecond,
        },
        Measurand {
            id: "delay_implementation",
            doc: "Round trip without what codec and radio link take by themselves.",
            unit: Unit::Millisecond,
        },
        Measurand {
            id: "delay_loop",
            doc: "Round trip with what the network takes: an echo that is too faint to be found comes so much later.",
            unit: Unit::Millisecond,
        },
    ],
    parameters: &[
        SIGNAL.spec(),
        LEVEL_MRP.spec(),
        LOMBARD_BASE.spec(),
        LEVEL_POI.spec(),
        DELAY_MAX.spec(),
        INHERENT.spec(),
        ACCESS.spec(),
        LEVEL_TAP.spec(),
        CONDITIONING.spec(),
    ],
    facts_wanted: &[reference_run::DELAY_SEND, reference_run::DELAY_RECEIVE],
    facts_found: &[(LOOP, "delay_loop")],
    takes_max: 2,
    ..Card::PLAIN
};

/// The span of the stimulus.
const STIMULUS: &str = "stimulus";
/// What the measurement itself may be off: a path without any delay is measured a little below zero as often as above.
const ACCURACY_MS: f64 = 0.02;
/// What the take before may still leave in the cabin.
const SETTLING: Seconds = Seconds(0.5);

/// Delay in send, in receive and of the round trip.
pub struct Delay;

impl Method for Delay {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = Checks::default();
        let access = entry.parameters.get(&ACCESS);
        for direction in Direction::ALL.iter().copied() {
            checks.plays(cx, &call::source_by_access(access, direction, entry));
            for port in call::sinks_by_access(access, direction, entry) {
                checks.records(cx, &port);
            }
        }
        checks.delay_max(entry);
        checks.done()?;
        let takes = Direction::ALL.iter().map(|direction| take(*direction, entry, cx)).collect();
        Ok(Wish { epoch: call::epoch_by_access(entry, cx), takes })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let mut findings = Vec::new();
        let (mut round_trip_ms, mut loop_ms, mut notes) = (0.0, 0.0, Vec::new());
        for direction in Direction::ALL.iter().copied() {
            let take = cx.take(direction.word());
            let mut heard = Vec::new();
            for port in call::sinks_by_access(entry.parameters.get(&ACCESS), direction, entry) {
                heard.push(path_delay(direction, &port, entry, take, cx)?);
            }
            let (measurand, declared) = match direction {
                Direction::Send => ("delay_send", cx.bench.network.delay_send),
                Direction::Receive => ("delay_receive", cx.bench.network.delay_receive),
            };
            let (taken, how) = match reference_run::delay_of(cx, direction)? {
                Some(measured) => (measured.value, measured.told),
                None => (declared, "declared".to_owned()),
            };
            let first_s = heard.iter().map(|path| path.delay.0).fold(f64::INFINITY, f64::min);
            let value_ms = Seconds(first_s - taken.0).as_ms();
            if value_ms < -ACCURACY_MS {
                return Err(Unmeasurable::because(format!(
                    "the delay in {direction} is {:.2} ms, that of the network, {how}, {:.2} ms: correct the \
                     declaration, or repeat the reference run on the same link",
                    first_s * 1e3,
                    taken.as_ms()
                )));
            }
            let mut finding = Finding::scalar(measurand, value_ms, Unit::Millisecond);
            evidence::complete(&mut finding, take, STIMULUS, Vec::new());
            if heard.iter().any(|path| path.jumps) {
                finding.flags.push(Flag::Conditional);
            }
            let parts: Vec<String> = heard.into_iter().map(|path| path.told).collect();
            finding.note =
                format!("{}; {:.2} ms of the network, {how}, subtracted", parts.join(", "), taken.as_ms());
            round_trip_ms += value_ms;
            loop_ms += first_s * 1e3;
            notes.push(format!("{direction} {value_ms:.2} ms"));
            findings.push(finding);
        }
        let mut both = Finding::scalar("delay_round_trip", round_trip_ms, Unit::Millisecond);
        "send and receive".clone_into(&mut both.span);
        for flag in findings.iter().flat_map(|one| &one.flags) {
            if !both.flags.contains(flag) {
                both.flags.push(*flag);
            }
        }
        both.note = notes.join(" + ");
        let implementation = implementation(&both, round_trip_ms, entry)?;
        findings.extend([both, implementation]);
        if entry.parameters.get(&ACCESS) == Access::Acoustic {
            let mut whole = Finding::scalar("delay_loop", loop_ms, Unit::Millisecond);
            whole.span.clone_from(&findings[2].span);
            whole.flags.clone_from(&findings[2].flags);
            findings.push(whole);
        }
        Ok(findings)
    }
}

/// What is left of the round trip without what the link takes by itself; at most the round trip where that is not known.
fn implementation(both: &Finding, round_trip_ms: f64, entry: &Entry) -> Result<Finding, Unmeasurable> {
    let inherent = entry.parameters.get(&INHERENT);
    let value_ms = round_trip_ms - inherent.as_ms();
    if value_ms < -ACCURACY_MS {
        return Err(Unmeasurable::because(format!(
            "the round trip is {round_trip_ms:.2} ms, less than the {:.2} ms that codec and link are said to take: \
             correct `inherent`, or subtract it from the network alone",
            inherent.as_ms()
        )));
    }
    let mut finding = Finding::scalar("delay_implementation", value_ms, Unit::Millisecond);
    finding.span.clone_from(&both.span);
    finding.flags.clone_from(&both.flags);
    finding.note = if inherent.0 > 0.0 {
        format!("{:.2} ms of codec and link subtracted", inherent.as_ms())
    } else {
        finding.bound = Bound::AtMost;
        "what codec and link take by themselves is not known: enter `inherent`".to_owned()
    };
    Ok(finding)
}

/// The band that the call and the pseudo-noise of the stimulus share, in Hz.
fn band_hz(bandwidth: Bandwidth) -> (f64, f64) {
    match bandwidth {
        Bandwidth::Nb => (300.0, 3_400.0),
        Bandwidth::Wb | Bandwidth::Swb | Bandwidth::Fb => (100.0, 7_000.0),
    }
}

/// The delay of one recording against its stimulus.
fn path_delay(
    direction: Direction,
    port: &Port,
    entry: &Entry,
    take: &Take,
    cx: &EvalCx<'_>,
) -> Result<Heard, Unmeasurable> {
    let source = call::source_by_access(entry.parameters.get(&ACCESS), direction, entry);
    let played = evidence::played(cx, take, &source, plane(&source, cx))?;
    let recorded = evidence::captured(cx, take, port, plane(port, cx))?;
    let stimulus = take.span(STIMULUS);
    let (played, recorded) =
        (played.slice(stimulus.clone()), recorded.slice(stimulus.start..take.spec.duration));
    let course = Course::of(played, recorded, entry.parameters.get(&DELAY_MAX), band_hz(entry.bandwidth));
    let found = search(played, recorded, entry, &format!("{direction} at {port}"));
    let (delay, told) = match (course.changing(), found) {
        (None, found) => {
            let found = found?;
            (found.delay, describe(port, &found))
        }
        (Some((delay, how)), Ok(found)) => (delay, format!("{}, {how}", describe(port, &found))),
        // Parts of many delays follow the stimulus each, and the whole of it none.
        (Some((delay, how)), Err(_)) => (delay, format!("{port}, {how}")),
    };
    Ok(Heard { delay, told, jumps: course.jumps() })
}

/// The delay at one port.
struct Heard {
    delay: Seconds,
    /// For the note.
    told: String,
    jumps: bool,
}

/// The plane that a port must have. A tap has that of its record: a delay does not depend on it.
fn plane(port: &Port, cx: &EvalCx<'_>) -> Unit {
    let name = port.name();
    if name.starts_with("tap.") {
        return cx.bench.ports.get(port).map_or(Unit::DbOv, |info| info.calibration.unit());
    }
    if name.starts_with("poi.") { Unit::Dbm0 } else { Unit::DbPa }
}

/// The delay of a recording against what was played, up to the entry's `delay_max`; `path` names it in messages.
pub(super) fn search(
    played: &[f64],
    recorded: &[f64],
    entry: &Entry,
    path: &str,
) -> Result<align::Delay, Unmeasurable> {
    let delay_max = entry.parameters.get(&DELAY_MAX);
    let (lo_hz, hi_hz) = band_hz(entry.bandwidth);
    let search = DelaySearch::between(Seconds(0.0), delay_max).whitened(lo_hz, hi_hz);
    let found = align::find_delay(played, recorded, RATE, &search)
        .map_err(|error| Unmeasurable::because(format!("no delay in {path}: {error}")))?;
    if !found.stands_out() {
        return Err(Unmeasurable::because(format!(
            "the recording does not follow the stimulus in {path}: correlation {:.3}, by chance {:.3}; \
             the path is mute, noisy, or slower than {:.0} ms",
            found.correlation,
            found.chance,
            delay_max.as_ms()
        )));
    }
    let frame_s = 1.0 / f64::from(RATE);
    if found.delay.0 > delay_max.0 - frame_s {
        return Err(Unmeasurable::because(format!(
            "the delay in {path} lies at the end of the search range: raise delay_max above {:.0} ms",
            delay_max.as_ms()
        )));
    }
    Ok(found)
}

fn describe(port: &Port, delay: &align::Delay) -> String {
    let inverted = if delay.polarity == Polarity::Inverted { ", inverted" } else { "" };
    format!("{port} {:.2} ms (correlation {:.2}{inverted})", delay.delay.as_ms(), delay.correlation)
}

fn level(direction: Direction, access: Access, entry: &Entry, cx: &PlanCx<'_>) -> Quantity {
    match (direction, access) {
        (Direction::Send, Access::Acoustic) => quantity(call::talker_level(entry, &LEVEL_MRP)),
        (Direction::Send, Access::Digital) => call::tap_level(entry, cx),
        (Direction::Receive, _) => quantity(entry.parameters.get(&LEVEL_POI)),
    }
}

fn take(direction: Direction, entry: &Entry, cx: &PlanCx<'_>) -> TakeSpec {
    let signal = entry.parameters.get(&SIGNAL);
    let delay_max = entry.parameters.get(&DELAY_MAX);
    let mut take = Timeline::new(direction.word());
    take.wait(SETTLING);
    let access = entry.parameters.get(&ACCESS);
    let source = call::source_by_access(access, direction, entry);
    let at = take.play(&source, &signal, level(direction, access, entry, cx), cx);
    take.name_span(STIMULUS, at..at + cx.signal(&signal.0).frames);
    take.wait(delay_max);
    take.build(&call::sinks_by_access(access, direction, entry))
}
