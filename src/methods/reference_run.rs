//! # Reference run
//!
//! ## What it measures
//!
//! What the network simulator does by itself, without the car: its delay, its response and its noise in send and in
//! receive, in a call to a reference terminal that is nothing but an electrical access.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clauses 7.7 and 11.1: where a limit is missed because of codec, DTX or
//! simulator, a reference measurement without the acoustics documents it; clause 11.2 subtracts the delay.
//! What else is subtracted, and how, is this project's reading (class C).
//!
//! ## Stimulus and capture points
//!
//! One take for each direction, in a call of its own that the device has no part in: silence, then the composite source
//! signal of the delay, then the signal of the response.
//!
//! - Send: played at `srw.send`, recorded at the POI.
//! - Receive: played at the POI, recorded at `srw.receive`.
//!
//! Both at the nominal level of the POI, −16 dBm0. A bench without `srw.send` and `srw.receive` cannot make the run;
//! its declared delay stands for it.
//!
//! ## Computation
//!
//! 1. Delay: as the method `delay` computes it, nothing subtracted.
//! 2. Response: energy recorded over energy played by third octave, each without the noise of the idle span, in dB.
//!    Bands that stand less than 6 dB above the noise, or below what a 16-bit codec codes, are left out.
//! 3. Noise: the idle span, weighted and limited to the band as the method `idle_noise` does: dBm0(P) in narrowband,
//!    dBm0(A) above.
//!
//! What was found belongs to the codec and the mode of the bench, which every finding and every fact names. It is kept as
//! facts of the run: entries whose methods know them wait for them and take them out of what they find. A fact of another
//! codec or mode than that of the call is refused.
//!
//! `lombard store-reference` keeps the facts of a run as a calibration record (kind `network-reference`). A bench file names
//! such records, one for each codec and mode that its simulator is used with; a run without a reference run of its own
//! begins with the facts of the one that is for its codec, mode and band, as long as it holds.
//!
//! ## What makes it inconclusive
//!
//! - The recording does not follow the stimulus, or its delay lies beyond `delay_max`.
//! - The stimulus lacks a band, or nothing was recorded.
//! - A track in a plane other than dBm0, a bad certificate.
//!
//! A simulator that is digitally silent has its noise given as *at most* what a 16-bit codec cannot code; nothing is
//! subtracted for it.
//!
//! ## How to read the result
//!
//! A delay that is not the declared one shows a wrong declaration. The response should be 0 dB within the band of the
//! call; a slope is the simulator's, not the car's.

use super::call::{self, Checks, DELAY_MAX, Timeline, quantity};
use super::delay::{self, SIGNAL as DELAY_SIGNAL};
use super::{Card, Measurand, Method, Refusal, Wish, evidence, idle_noise};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx};
use crate::dsp;
use crate::dsp::bands::Bands;
use crate::dsp::curve::Outside;
use crate::dsp::weighting::{Weighting, weighted_power};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Unmeasurable};
use crate::take::RATE;
use crate::terms::{Bandwidth, Direction, Port};
use crate::units::{Dbm0, Seconds, Unit};

const SIGNAL: Param<SignalId> =
    Param::with_default("signal", "The signal of the response; it must fill the band of the call.", "css-fb");
const LEVEL: Param<Dbm0> =
    Param::with_default("level_poi", "The level at the electrical access that is played on.", "-16 dBm0");
const IDLE: Param<Seconds> =
    Param::with_default("idle", "The silence in which the noise of the simulator is measured.", "4 s");

/// The facts of the delays, in ms.
pub const DELAY_SEND: &str = "reference.delay_send";
/// See [`DELAY_SEND`].
pub const DELAY_RECEIVE: &str = "reference.delay_receive";
/// The facts of the responses: curves in dB over the nominal frequencies of third octaves.
pub const RESPONSE_SEND: &str = "reference.response_send";
/// See [`RESPONSE_SEND`].
pub const RESPONSE_RECEIVE: &str = "reference.response_receive";
/// The fact of the noise in send, A-weighted.
pub const NOISE_SEND_A: &str = "reference.noise_send";
/// The fact of the noise in send, psophometric.
pub const NOISE_SEND_P: &str = "reference.noise_send_p";

macro_rules! measurand {
    ($id:literal, $doc:literal, $unit:ident) => {
        Measurand { id: $id, doc: $doc, unit: Unit::$unit }
    };
}

static CARD: Card = Card {
    id: "reference_run",
    title: "Reference run",
    source: include_str!("reference_run.rs"),
    measurands: &[
        measurand!("reference_delay_send", "Delay of the simulator in send.", Millisecond),
        measurand!("reference_delay_receive", "Delay of the simulator in receive.", Millisecond),
        measurand!("reference_response_send", "Response of the simulator in send, by third octave.", Db),
        measurand!(
            "reference_response_receive",
            "Response of the simulator in receive, by third octave.",
            Db
        ),
        measurand!("reference_noise_send", "A-weighted noise in send (wideband and above).", Dbm0A),
        measurand!("reference_noise_receive", "A-weighted noise in receive (wideband and above).", Dbm0A),
        measurand!("reference_noise_send_p", "Psophometric noise in send (narrowband).", Dbm0P),
        measurand!("reference_noise_receive_p", "Psophometric noise in receive (narrowband).", Dbm0P),
    ],
    parameters: &[SIGNAL.spec(), DELAY_SIGNAL_HERE.spec(), LEVEL.spec(), IDLE.spec(), DELAY_MAX.spec()],
    picks_volume: true,
    facts_found: &[
        (DELAY_SEND, "reference_delay_send"),
        (DELAY_RECEIVE, "reference_delay_receive"),
        (RESPONSE_SEND, "reference_response_send"),
        (RESPONSE_RECEIVE, "reference_response_receive"),
        (NOISE_SEND_A, "reference_noise_send"),
        ("reference.noise_receive", "reference_noise_receive"),
        (NOISE_SEND_P, "reference_noise_send_p"),
        ("reference.noise_receive_p", "reference_noise_receive_p"),
    ],
    takes_max: 2,
    ..Card::PLAIN
};

/// The signal of the delay, under a name of its own beside that of the response.
const DELAY_SIGNAL_HERE: Param<SignalId> = Param::with_default(
    "delay_signal",
    "The signal that is correlated for the delay.",
    match DELAY_SIGNAL.spec().default {
        Some(default) => default,
        None => "",
    },
);

/// The span in which nothing is played.
const NOISE: &str = "idle";
/// The span of the signal of the delay.
const CORRELATED: &str = "delay";
/// The span of the signal of the response.
const STIMULUS: &str = "stimulus";
/// What a call may still settle.
const SETTLING: Seconds = Seconds(0.5);

/// The network simulator without the car.
pub struct ReferenceRun;

impl Method for ReferenceRun {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = Checks::default();
        for direction in Direction::ALL {
            let (from, to) = ends(*direction);
            checks.plays(cx, &from);
            checks.records(cx, &to);
        }
        checks.wait(entry, &IDLE);
        checks.delay_max(entry);
        checks.done()?;
        let takes = Direction::ALL.iter().map(|direction| {
            let (from, to) = ends(*direction);
            let level = quantity(entry.parameters.get(&LEVEL));
            let mut take = Timeline::new(direction.word());
            take.wait(SETTLING);
            take.wait_as(NOISE, entry.parameters.get(&IDLE));
            for (span, signal) in [(CORRELATED, &DELAY_SIGNAL_HERE), (STIMULUS, &SIGNAL)] {
                let signal = entry.parameters.get(signal);
                let at = take.play(&from, &signal, level, cx);
                take.name_span(span, at..at + cx.signal(&signal.0).frames);
                take.wait(entry.parameters.get(&DELAY_MAX));
            }
            take.build(&[to])
        });
        Ok(Wish { epoch: call::reference_epoch(entry), takes: takes.collect() })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let mut findings = Vec::new();
        for direction in Direction::ALL {
            findings.extend(of_direction(*direction, entry, cx)?);
        }
        Ok(findings)
    }
}

/// Where a direction of the network begins and ends.
fn ends(direction: Direction) -> (Port, Port) {
    let [from, to] = match direction {
        Direction::Send => [Port::SRW_SEND, Port::POI_SEND],
        Direction::Receive => [Port::POI_RECEIVE, Port::SRW_RECEIVE],
    };
    (Port::of(from), Port::of(to))
}

/// The third octaves in which a call of a bandwidth has something to carry: those of the loudness rating, and up to the
/// edge of the band above.
fn bands_of(bandwidth: Bandwidth) -> Bands {
    match bandwidth {
        Bandwidth::Nb => Bands::third_octave(200.0, 4_000.0),
        Bandwidth::Wb => Bands::third_octave(100.0, 8_000.0),
        Bandwidth::Swb => Bands::third_octave(100.0, 12_500.0),
        Bandwidth::Fb => Bands::third_octave(100.0, 16_000.0),
    }
}

fn of_direction(direction: Direction, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
    let (from, to) = ends(direction);
    let take = cx.take(direction.word());
    let played = evidence::played(cx, take, &from, Unit::Dbm0)?;
    let recorded = evidence::captured(cx, take, &to, Unit::Dbm0)?;
    let delay_max = crate::take::frames(entry.parameters.get(&DELAY_MAX));
    let network = cx.bench.network.declared();
    let finish = |mut finding: Finding, span: &str, coefficients: [f64; 2]| {
        let influences = vec![
            evidence::influence(&played, coefficients[0]),
            evidence::influence(&recorded, coefficients[1]),
        ];
        evidence::complete(&mut finding, take, span, influences);
        if finding.note.is_empty() {
            finding.note.clone_from(&network);
        } else {
            finding.note = format!("{network}; {}", finding.note);
        }
        finding
    };

    let span = take.span(CORRELATED);
    let found = delay::search(
        played.slice(span.clone()),
        recorded.slice(span.start..span.end + delay_max),
        entry,
        &format!("{direction} at {to}"),
    )?;
    let delay =
        Finding::scalar(&format!("reference_delay_{direction}"), found.delay.as_ms(), Unit::Millisecond);

    let bands = bands_of(entry.bandwidth);
    let span = take.span(STIMULUS);
    let energies = evidence::energies(played.slice(span.clone()), &bands);
    evidence::stimulus_fills(&energies, &bands, 0..bands.len(), &from)?;
    let window = span.start..span.end + delay_max;
    let heard = evidence::recorded(&recorded, window.clone(), take.span(NOISE), &bands);
    let signal = heard.without_noise();
    // Far above the band of the call what is left of the signal is less than any codec codes.
    let least = evidence::coded_silence(cx, &to) * (window.end - window.start) as f64;
    let is_shown = |band: &usize| !heard.is_noise(*band) && signal[*band] > least;
    let (shown, hidden): (Vec<usize>, Vec<usize>) = (0..bands.len()).partition(is_shown);
    if shown.is_empty() {
        return Err(Unmeasurable::because(format!("nothing of {from} arrived at {to}: check the wiring")));
    }
    let mut response = Finding::curve(
        &format!("reference_response_{direction}"),
        shown.iter().map(|&band| bands.as_slice()[band].nominal_hz).collect(),
        shown.iter().map(|&band| 10.0 * (signal[band] / energies[band]).log10()).collect(),
        Unit::Db,
    );
    if !hidden.is_empty() {
        response.note = format!("hidden by noise, or not carried: {}", evidence::names(&bands, &hidden));
    }

    let noise = noise(direction, entry.bandwidth, take, &recorded, cx);
    Ok(vec![
        finish(delay, CORRELATED, [0.0, 0.0]),
        finish(response, STIMULUS, [-1.0, 1.0]),
        finish(noise, NOISE, [0.0, 1.0]),
    ])
}

fn noise(
    direction: Direction,
    bandwidth: Bandwidth,
    take: &Take,
    recorded: &crate::context::Track,
    cx: &EvalCx<'_>,
) -> Finding {
    let (ending, unit, weighting) = match bandwidth {
        Bandwidth::Nb => ("_p", Unit::Dbm0P, Weighting::Psophometric),
        Bandwidth::Wb | Bandwidth::Swb | Bandwidth::Fb => ("", Unit::Dbm0A, Weighting::A),
    };
    let band_hz = idle_noise::band_hz(bandwidth);
    let power = weighted_power(recorded.slice(take.span(NOISE)), RATE, weighting, Some(band_hz));
    let silence = evidence::coded_silence(cx, &ends(direction).1);
    let level = 10.0 * power.max(silence).log10();
    let mut noise = Finding::scalar(&format!("reference_noise_{direction}{ending}"), level, unit);
    noise.note = format!("{weighting:?} weighting, {} to {} Hz", band_hz.0, band_hz.1);
    if power <= silence {
        noise.bound = Bound::AtMost;
        noise.note.push_str("; digital silence: below what a 16-bit codec codes");
    }
    noise
}

/// What a reference run found of the network, and who says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Known<T> {
    /// The value.
    pub value: T,
    /// For a note: `measured by the reference run`, and of a stored one its record.
    pub told: String,
}

/// Who says so, where a reference run has found the fact of this name. It belongs to codec and mode of the call that it was found
/// in: another simulator setting has another delay, response and noise.
///
/// # Errors
/// It was found in a call with another codec or mode.
fn known(cx: &EvalCx<'_>, key: &str) -> Result<Option<String>, Unmeasurable> {
    let Some(fact) = cx.facts.get(key) else { return Ok(None) };
    let of = fact.record.as_ref().map_or(String::new(), |record| format!(" of {record}"));
    let here = cx.bench.network.codec_mode();
    match &fact.call {
        Some(call) if *call != here => Err(Unmeasurable::because(format!(
            "the reference run{of} found {key} in a call with {call} ('{}'), and this call is one with {here}: set up the \
             call with the codec and mode of the reference run, or make a reference run with those of this call",
            fact.entry
        ))),
        _ => Ok(Some(format!("measured by the reference run{of}"))),
    }
}

/// The delay of the network in a direction, where a reference run has found it.
///
/// # Errors
/// It was found in a call with another codec or mode.
pub fn delay_of(cx: &EvalCx<'_>, direction: Direction) -> Result<Option<Known<Seconds>>, Unmeasurable> {
    let key = match direction {
        Direction::Send => DELAY_SEND,
        Direction::Receive => DELAY_RECEIVE,
    };
    let Some(told) = known(cx, key)? else { return Ok(None) };
    let ms = cx.facts.number(key, Unit::Millisecond);
    Ok(ms.map(|ms| Known { value: Seconds(ms / 1e3), told }))
}

/// The response of the network in a direction at frequencies, in dB, where a reference run has found it; nothing outside of
/// what the network carries. Between the third octaves it is a straight line over log f, beyond the middle of the first and
/// of the last one it is theirs for a sixth of an octave.
///
/// # Errors
/// It was found in a call with another codec or mode.
pub fn network_db(
    cx: &EvalCx<'_>,
    direction: Direction,
    hz: impl Iterator<Item = f64>,
) -> Result<Option<Known<Vec<Option<f64>>>>, Unmeasurable> {
    /// Half a third octave, with what nominal frequencies are beside the exact ones.
    const HALF: f64 = 1.13;
    let key = match direction {
        Direction::Send => RESPONSE_SEND,
        Direction::Receive => RESPONSE_RECEIVE,
    };
    let Some(told) = known(cx, key)? else { return Ok(None) };
    let Some(response) = cx.facts.curve(key, Unit::Db) else { return Ok(None) };
    let points: Vec<(f64, f64)> = response.hz.iter().copied().zip(response.values.iter().copied()).collect();
    let Ok(line) = dsp::curve::Curve::new(&points) else { return Ok(None) };
    let (first_hz, last_hz) = line.span_hz();
    let is_carried = |hz: f64| (first_hz / HALF..=last_hz * HALF).contains(&hz);
    let value = hz.map(|hz| is_carried(hz).then(|| line.at(hz, Outside::Hold))).collect();
    Ok(Some(Known { value, told }))
}

/// The weighted noise of the network in send, as a power at the POI, where a reference run has found it.
///
/// # Errors
/// It was found in a call with another codec or mode.
pub fn noise_power(cx: &EvalCx<'_>, bandwidth: Bandwidth) -> Result<Option<Known<f64>>, Unmeasurable> {
    let (key, unit) = match bandwidth {
        Bandwidth::Nb => (NOISE_SEND_P, Unit::Dbm0P),
        Bandwidth::Wb | Bandwidth::Swb | Bandwidth::Fb => (NOISE_SEND_A, Unit::Dbm0A),
    };
    let Some(told) = known(cx, key)? else { return Ok(None) };
    let level = cx.facts.number(key, unit);
    Ok(level.map(|level| Known { value: 10f64.powf(level / 10.0), told }))
}
