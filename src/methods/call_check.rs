//! # Call check
//!
//! ## What it measures
//!
//! Whether the call is what it is said to be: how far its spectrum really reaches in send and in receive, whether the far
//! end gets digital silence between words, as it does when the codec stops sending (DTX), and whether the waveform can have
//! gone through the codec and the mode that the bench declares.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clauses 7.6 and 11.1: codec and bit rate are set, DTX is off, the call is up
//! before anything is measured.
//! That the spectrum must prove it, and how, is this project's own (class C).
//!
//! ## Stimulus and capture points
//!
//! One take in the call that the volume search begins with: silence, a wideband signal from the mouth, the same from the
//! POI, speech from the mouth, then a pause. The POI and both ears are recorded.
//!
//! ## Computation
//!
//! 1. The power of what was played and of what was recorded, without the noise of the silence, in bins of 50 Hz; the
//!    ratio of the two. In receive the powers of both ears are added.
//! 2. The upper edge: from 1 kHz upward, where the ratio falls below −30 dB of its median from 500 Hz to 3 kHz, or below
//!    6 dB over the noise, and stays there for the next 250 Hz.
//!    In receive the search ends where the signal does, which is limited to the band of the plan.
//! 3. The pause is cut into frames of 20 ms. A frame is *silent* when its samples differ by no more than a step of 16
//!    bits, and *frozen* when it is the same as the one before; the share of both is the finding.
//! 4. The signal repeats itself. Where at least four of its periods arrive, each bin of their spectra has a mean, which is the
//!    signal, and a variance, which is all that does not repeat with it: noise, and what a codec adds. Their ratio from 300 Hz
//!    to 3.4 kHz is the *signal to noise ratio* of a direction, at the ear with the better one in receive.
//!    The sum of the binary logarithms of the ratio over the bins is the *information* that got through (Shannon, 1949), a
//!    bound for the bit rate of the codec.
//! 5. Quiet samples at the POI, within ten steps of A-law of zero, are taken at 8 kHz, at each of twelve phases, and turned
//!    into phasors on a circle of one step (16 steps of 16 bits; 0 dBm0 is −6.15 dBov). The length of their mean is 1 when
//!    they lie a step apart, 0.9 through the filter of a converter, and close to 0 for anything else.
//! 6. What was found is held against codec, mode and DTX as the bench declares them, by the rules below. The number of
//!    contradictions is a finding, and its note says what is proved and what is declared only.
//!
//! A declaration is contradicted by
//!
//! - steps of A-law (a mean of at least 0.5), where the codec is not G.711 A-law;
//! - noise that comes with the signal and is 5 to 13 dB down above 4 kHz (4.4 to 6.5 kHz), and at least 12 dB more and
//!   22 dB below (1.0 to 2.8 kHz), where the codec is not G.722: its upper sub-band has two bits, its lower one six;
//! - an edge above half the sampling rate of the codec: 4 kHz for G.711 and AMR, 8 kHz for G.722 and AMR-WB;
//! - a signal to noise ratio above 41 dB, where the codec is G.711, which leaves 39 dB; above 16 dB from 4.4 to 6.5 kHz, where
//!   it is G.722, which leaves 9 dB;
//! - 10 % more information than the bit rate of the declared mode, or of the fastest mode of the codec;
//! - a pause in the steps of A-law, where DTX is on; more than 5 % of the pause zero, where DTX is off and the codec is A-law,
//!   which has no zero.
//!
//! Anything else is *declared*: a car that adds more noise than the codec hides which one it is; comfort noise cannot be told
//! from noise that was sent; among modes of a codec only one that is too slow for what it carried is found out.
//!
//! ## What makes it inconclusive
//!
//! - Nothing of the signal arrives.
//! - A track in a plane other than its port's, a missing ear, a bad certificate.
//!
//! ## How to read the result
//!
//! An edge below 4.5 kHz is a narrowband call, below 9 kHz a wideband one, below 16.5 kHz a super-wideband one, whatever
//! the bench declares. Where both directions prove less than the plan measures, or one of them proves narrowband in a
//! plan for more, the run stops and asks: another Recommendation may be the right one. The operator may accept it and go
//! on.
//! A contradiction stops the run as well: what is found would be filed under another codec than its own. Correct the call or
//! the bench file.
//! A terminal that gates its own noise sends silence too; by silence alone codec and terminal cannot be told apart.

mod declared;
mod waveform;

use self::declared::Shown;
use self::waveform::Carried;
use super::call::{
    self, CONDITIONING, Checks, DELAY_MAX, LEVEL_MRP, LEVEL_POI, LOMBARD_BASE, Timeline, quantity,
};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx, Track};
use crate::dsp::spectrum::power_spectrum;
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Finding, Unmeasurable};
use crate::take::{RATE, Volume};
use crate::terms::{Bandwidth, Direction, Port};
use crate::units::{Seconds, Unit};

const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "The signal whose spectrum shows the band; it must reach above it.",
    "pn-16384",
);
const SPEECH: Param<SignalId> = Param::with_default(
    "speech",
    "The speech from the mouth before the pause, so that a pause is what follows.",
    "speech-conditioning",
);
const SETTLING: Param<Seconds> = Param::with_default(
    "settling",
    "The time between the end of the speech and the pause that is looked at: longer than any hang-over.",
    "1 s",
);
const PAUSE: Param<Seconds> = Param::with_default("pause", "The length of that pause.", "4 s");

static CARD: Card = Card {
    id: "call_check",
    title: "Call check",
    source: include_str!("call_check.rs"),
    measurands: &[
        Measurand { id: "call_upper_edge_send", doc: "Where the spectrum ends in send.", unit: Unit::Hz },
        Measurand {
            id: "call_upper_edge_receive",
            doc: "Where the spectrum ends in receive.",
            unit: Unit::Hz,
        },
        Measurand {
            id: "call_silence_send",
            doc: "Share of digitally silent or frozen frames in a speech pause.",
            unit: Unit::Percent,
        },
        Measurand {
            id: "call_snr_send",
            doc: "Signal over all that does not repeat with it in send, 300 Hz to 3.4 kHz.",
            unit: Unit::Db,
        },
        Measurand {
            id: "call_snr_receive",
            doc: "Signal over all that does not repeat with it in receive, 300 Hz to 3.4 kHz.",
            unit: Unit::Db,
        },
        Measurand {
            id: "call_contradictions",
            doc: "How often the call contradicts codec, mode and DTX as the bench declares them.",
            unit: Unit::One,
        },
    ],
    parameters: &[
        SIGNAL.spec(),
        SPEECH.spec(),
        LEVEL_MRP.spec(),
        LOMBARD_BASE.spec(),
        LEVEL_POI.spec(),
        SETTLING.spec(),
        PAUSE.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    picks_volume: true,
    objects: true,
    reads_single_samples: true,
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "call";
/// The silence from which the noise is known.
const NOISE: &str = "idle";
/// The pause after the speech.
const PAUSED: &str = "pause";
/// Fifty frames of a codec.
const PAUSE_MIN: Seconds = Seconds(1.0);
const LEAD: Seconds = Seconds(0.5);
const IDLE: Seconds = Seconds(1.0);

/// The width of a bin, in Hz.
const BIN_HZ: f64 = 50.0;
/// Where the search for the edge begins, in Hz.
const FROM_HZ: f64 = 1_000.0;
/// Where the ratio of the middle of every band is taken, in Hz.
const MIDDLE_HZ: (f64, f64) = (500.0, 3_000.0);
/// Below the middle by so much the band has ended: codecs cut by more, cars by less within their band.
const DOWN_DB: f64 = 30.0;
/// For so many bins it must stay there: wider than a notch of a room.
const STAYS: usize = 5;
/// Above the noise by so much a bin is signal.
const ABOVE_NOISE_DB: f64 = 6.0;
/// Played this far below the mean of all bins is not played.
const PLAYED_BELOW_DB: f64 = 40.0;
/// A frame of every codec of mobile networks.
const FRAME: usize = RATE as usize / 50;
/// One step of 16 bits, relative to full scale.
const STEP: f64 = 1.0 / 32_768.0;

/// The call as it really is.
pub struct CallCheck;

impl Method for CallCheck {
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
        checks.wait(entry, &SETTLING);
        checks.wait(entry, &PAUSE);
        checks.at_least(entry, &PAUSE, PAUSE_MIN, "fewer frames do not tell a pause from a gap");
        checks.delay_max(entry);
        checks.done()?;
        let mouth = call::source_port(Direction::Send, entry);
        let talker = quantity(call::talker_level(entry, &LEVEL_MRP));
        let mut take = Timeline::new(TAKE);
        take.wait(LEAD);
        take.wait_as(NOISE, IDLE);
        for direction in Direction::ALL {
            let level = match direction {
                Direction::Send => talker,
                Direction::Receive => quantity(entry.parameters.get(&LEVEL_POI)),
            };
            let signal = entry.parameters.get(&SIGNAL);
            let at = take.play(&call::source_port(*direction, entry), &signal, level, cx);
            take.name_span(direction.word(), at..at + cx.signal(&signal.0).frames);
            take.wait(entry.parameters.get(&DELAY_MAX));
        }
        take.play(&mouth, &entry.parameters.get(&SPEECH), talker, cx);
        take.wait(entry.parameters.get(&SETTLING));
        take.wait_as(PAUSED, entry.parameters.get(&PAUSE));
        let volume = Volume::Step(cx.bench.volume_step_count / 2);
        Ok(Wish { epoch: call::epoch_at(entry, cx, volume), takes: vec![take.build(&record)] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let declared = cx.bench.network.declared();
        let (mut findings, mut shown) = (Vec::new(), Shown::default());
        for direction in Direction::ALL {
            let edge = edge(*direction, entry, take, cx)?;
            let mut finding = Finding::scalar(&format!("call_upper_edge_{direction}"), edge.hz, Unit::Hz);
            evidence::complete(&mut finding, take, direction.word(), Vec::new());
            let by = if edge.is_of_signal { ", where the signal ends" } else { "" };
            finding.note = format!("{} by its spectrum{by}; declared: {declared}", band_of(edge.hz));
            findings.push(finding);
            shown.edges.push((*direction, edge.hz));
            if let Some(carried) = carried(*direction, entry, take, cx)? {
                let mut snr = Finding::scalar(&format!("call_snr_{direction}"), carried.snr_db, Unit::Db);
                evidence::complete(&mut snr, take, direction.word(), Vec::new());
                snr.note = format!("{:.0} kbit/s of information", carried.rate_kbit_s);
                findings.push(snr);
                shown.carried.push((*direction, carried));
            }
        }
        let poi = evidence::captured(cx, take, &Port::of(Port::POI_SEND), Unit::Dbm0)?;
        let full_scale = evidence::full_scale(cx, &Port::of(Port::POI_SEND));
        let pause = poi.slice(take.span(PAUSED));
        let (silent, frozen, frames) = count_silent(pause, STEP * full_scale);
        let share = 100.0 * f64::from(silent + frozen) / f64::from(frames.max(1));
        let mut silence = Finding::scalar("call_silence_send", share, Unit::Percent);
        evidence::complete(&mut silence, take, PAUSED, Vec::new());
        silence.note =
            format!("{silent} silent and {frozen} frozen of {frames} frames of 20 ms; declared: {declared}");
        findings.push(silence);
        let spoken = take.span(Direction::Send.word()).start..take.span(PAUSED).end;
        shown.steps = waveform::a_law_steps(poi.slice(spoken));
        shown.pause_steps = waveform::a_law_steps(pause);
        let zeros =
            pause.chunks_exact(FRAME).filter(|frame| frame.iter().all(|one| one.abs() <= STEP * full_scale));
        shown.zero_share = 100.0 * zeros.count() as f64 / f64::from(frames.max(1));
        let held = shown.against(&cx.bench.network);
        let mut contradictions =
            Finding::scalar("call_contradictions", held.contradictions.len() as f64, Unit::One);
        evidence::complete(&mut contradictions, take, "send, receive and pause", Vec::new());
        contradictions.note = if held.contradictions.is_empty() {
            held.told.join("; ")
        } else {
            format!("declared: {declared}, but {}; {}", held.contradictions.join("; "), held.told.join("; "))
        };
        findings.push(contradictions);
        Ok(findings)
    }

    fn objection(&self, entry: &Entry, findings: &[Finding]) -> Option<String> {
        let contradicted = findings.iter().find(|one| one.measurand == "call_contradictions");
        // NaN is no proof of anything.
        let contradicted = contradicted.filter(|one| one.as_scalar().is_some_and(|count| count != 0.0));
        let contradicted = contradicted.map(|one| {
            format!(
                "the call is not what the bench declares ({}): set up the right call, or correct codec, mode and dtx in the \
                 bench file",
                one.note
            )
        });
        let edge = |measurand: &str| {
            findings.iter().find(|one| one.measurand == measurand).and_then(Finding::as_scalar)
        };
        let send = edge("call_upper_edge_send").map(band_of)?;
        let receive = edge("call_upper_edge_receive").map(band_of)?;
        // One direction may be cut by the car's own loudspeaker or microphone; no car cuts both like a codec.
        let proven = send.max(receive);
        let one = send.min(receive);
        let narrow = if proven < entry.bandwidth {
            proven
        } else if one == Bandwidth::Nb && entry.bandwidth > Bandwidth::Nb {
            one
        } else {
            return contradicted;
        };
        let contradicted = contradicted.map_or(String::new(), |why| format!("; {why}"));
        Some(format!(
            "the call is {narrow} by its spectrum (send {send}, receive {receive}) and the plan measures {} calls: set up \
             the right call, or run a {narrow} plan by {}{contradicted}",
            entry.bandwidth,
            narrow.recommendation()
        ))
    }
}

/// What a spectrum that ends at a frequency proves.
fn band_of(edge_hz: f64) -> Bandwidth {
    match edge_hz {
        hz if hz < 4_500.0 => Bandwidth::Nb,
        hz if hz < 9_000.0 => Bandwidth::Wb,
        hz if hz < 16_500.0 => Bandwidth::Swb,
        _ => Bandwidth::Fb,
    }
}

struct Edge {
    hz: f64,
    /// Whether the band goes on as far as the signal does.
    is_of_signal: bool,
}

/// The power of a part of a track in bins of [`BIN_HZ`], per frame.
fn bins(part: &[f64]) -> Vec<f64> {
    let spectrum = power_spectrum(part, RATE);
    let count = (f64::from(RATE) / 2.0 / BIN_HZ) as usize;
    (0..count).map(|k| spectrum.band_power(k as f64 * BIN_HZ, (k + 1) as f64 * BIN_HZ)).collect()
}

/// Where the spectrum of a direction ends.
fn edge(direction: Direction, entry: &Entry, take: &Take, cx: &EvalCx<'_>) -> Result<Edge, Unmeasurable> {
    let (played_plane, recorded_plane) = match direction {
        Direction::Send => (Unit::DbPa, Unit::Dbm0),
        Direction::Receive => (Unit::Dbm0, Unit::DbPa),
    };
    let span = take.span(direction.word());
    let window = span.start..span.end + crate::take::frames(entry.parameters.get(&DELAY_MAX));
    let played = evidence::played(cx, take, &call::source_port(direction, entry), played_plane)?;
    let played = bins(played.slice(window.clone()));
    let mut recorded = vec![0.0; played.len()];
    let mut noise = vec![0.0; played.len()];
    for port in call::sink_ports(direction, entry) {
        let track: Track = evidence::captured(cx, take, &port, recorded_plane)?;
        let add = |sum: &mut Vec<f64>, part: &[f64]| {
            sum.iter_mut().zip(bins(part)).for_each(|(sum, power)| *sum += power);
        };
        add(&mut recorded, track.slice(window.clone()));
        add(&mut noise, track.slice(take.span(NOISE)));
    }
    let bin = |hz: f64| (hz / BIN_HZ) as usize;
    let ratio: Vec<f64> = (0..played.len())
        .map(|k| (recorded[k] - noise[k]).max(0.0) / played[k].max(f64::MIN_POSITIVE))
        .collect();
    let mut middle = ratio[bin(MIDDLE_HZ.0)..bin(MIDDLE_HZ.1)].to_vec();
    middle.sort_by(f64::total_cmp);
    let median = middle[middle.len() / 2];
    let above_noise = 10f64.powf(ABOVE_NOISE_DB / 10.0);
    let is_signal =
        |k: usize| ratio[k] > median * 10f64.powf(-DOWN_DB / 10.0) && recorded[k] > noise[k] * above_noise;
    if !(median > 0.0 && (bin(MIDDLE_HZ.0)..bin(MIDDLE_HZ.1)).any(is_signal)) {
        return Err(Unmeasurable::because(format!(
            "nothing of the signal arrives in {direction}: check the call, routing, mute and volume"
        )));
    }
    let mean = played.iter().sum::<f64>() / played.len() as f64;
    let is_played = |k: usize| played[k] > mean * 10f64.powf(-PLAYED_BELOW_DB / 10.0);
    for k in bin(FROM_HZ)..played.len() {
        if !(k..(k + STAYS).min(played.len())).any(is_played) {
            return Ok(Edge { hz: k as f64 * BIN_HZ, is_of_signal: true });
        }
        if !(k..(k + STAYS).min(played.len())).any(is_signal) {
            return Ok(Edge { hz: k as f64 * BIN_HZ, is_of_signal: false });
        }
    }
    Ok(Edge { hz: played.len() as f64 * BIN_HZ, is_of_signal: true })
}

/// What a direction carries of the signal, if that repeats itself: at the POI, or at the better ear.
fn carried(
    direction: Direction,
    entry: &Entry,
    take: &Take,
    cx: &EvalCx<'_>,
) -> Result<Option<Carried>, Unmeasurable> {
    let (played_plane, recorded_plane) = match direction {
        Direction::Send => (Unit::DbPa, Unit::Dbm0),
        Direction::Receive => (Unit::Dbm0, Unit::DbPa),
    };
    let span = take.span(direction.word());
    let played = evidence::played(cx, take, &call::source_port(direction, entry), played_plane)?;
    let Some(period) = waveform::period(played.slice(span.clone())) else { return Ok(None) };
    // The first period that arrives has the silence before it in the cabin.
    let from = span.start + crate::take::frames(entry.parameters.get(&DELAY_MAX)) + period as u64;
    let mut best: Option<Carried> = None;
    for port in call::sink_ports(direction, entry) {
        let track = evidence::captured(cx, take, &port, recorded_plane)?;
        let found = waveform::carried(track.slice(from..span.end), track.slice(take.span(NOISE)), period);
        if found.is_some_and(|one| best.is_none_or(|best| one.snr_db > best.snr_db)) {
            best = found;
        }
    }
    Ok(best)
}

/// How many frames of a pause are silent, how many of the rest are frozen, and how many there are.
fn count_silent(pause: &[f64], step: f64) -> (u32, u32, u32) {
    let frames: Vec<&[f64]> = pause.chunks_exact(FRAME).collect();
    let is_silent = |frame: &[f64]| {
        let (low, high) = frame
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), one| (low.min(*one), high.max(*one)));
        high - low <= step
    };
    let (mut silent, mut frozen) = (0, 0);
    for (index, frame) in frames.iter().enumerate() {
        if is_silent(frame) {
            silent += 1;
        } else if index > 0 && *frame == frames[index - 1] {
            frozen += 1;
        }
    }
    (silent, frozen, frames.len() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_and_frozen_frames_are_counted_once() {
        let noise =
            |seed: usize| (0..FRAME).map(move |n| ((n * 7919 + seed * 104_729) % 1_000) as f64 - 500.0);
        let mut pause: Vec<f64> = Vec::new();
        for seed in [1, 2, 2, 2, 3] {
            pause.extend(noise(seed));
        }
        pause.extend(vec![8.0; 3 * FRAME]);
        pause.extend(noise(4));
        pause.extend([1.0; 100]);
        assert_eq!(count_silent(&pause, 1.0), (3, 2, 9));
    }

    #[test]
    fn an_objection_needs_both_directions_or_a_narrowband_one() {
        let entry = Entry {
            id: crate::entry::EntryId::new("call", &[]),
            title: String::new(),
            clause: crate::terms::ClauseRef {
                recommendation: String::new(),
                edition: String::new(),
                clause: String::new(),
            },
            method: "call_check".to_owned(),
            bandwidth: Bandwidth::Swb,
            volume: Volume::Nominal,
            talker: crate::terms::Seat::Driver,
            listener: crate::terms::Seat::Driver,
            noise: None,
            call: 1,
            calls: 1,
            parameters: crate::entry::Parameters::default(),
        };
        let objection = |send: f64, receive: f64| {
            let findings = [("call_upper_edge_send", send), ("call_upper_edge_receive", receive)]
                .map(|(measurand, hz)| Finding::scalar(measurand, hz, Unit::Hz));
            CallCheck.objection(&entry, &findings)
        };
        assert_eq!(objection(14_000.0, 13_900.0), None);
        assert_eq!(objection(7_000.0, 13_900.0), None);
        assert!(objection(7_000.0, 7_100.0).is_some_and(|why| why.contains("a WB plan by P.1110")));
        assert!(objection(14_000.0, 3_900.0).is_some_and(|why| why.contains("a NB plan by P.1100")));
    }
}
