//! # Idle noise
//!
//! ## What it measures
//!
//! The noise of the terminal while nobody speaks: what the far end hears of the quiet car at the point of interconnect, or
//! what the listener hears of the quiet line at the ears. Its weighted level, and the highest line that stands out of its
//! spectrum.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clauses 11.7.1 (send) and 11.7.2 (receive).
//! Send in narrowband: psophometric weighting (O.41). Everything else: A-weighting (IEC 61672-1).
//!
//! ## Stimulus and capture points
//!
//! Speech activates the path; then silence. The analysis begins `settling` after the end of the speech and lasts `analysis`.
//!
//! - Send: speech from the mouth at −1.7 dBPa (MRP), recorded at the POI.
//!   With `access = "digital"` the speech is inserted at the access point behind the microphone (`tap.microphone`, clause 8)
//!   at `level_tap`, and so is the silence: the microphone is cut off, and what is left is the noise that the terminal
//!   makes itself, whatever the cabin does.
//! - Receive: speech from the POI at −16 dBm0, recorded at both ears; acoustic only.
//!
//! ## Computation
//!
//! Send:
//!
//! 1. The power spectrum of the whole analysis span, without window, is weighted and summed over the band:
//!    200 to 4 000 Hz in NB, 100 to 8 000 Hz in WB, 100 to 14 000 Hz in SWB, 100 to 20 000 Hz in FB.
//!    Its level is in dBm0(P) or dBm0(A).
//!    Where a reference run of the plan has found the noise of the network, its power is taken out, if the level stands
//!    at least 6 dB above it; otherwise the terminal's own noise is *at most* the level. So it is where an entry with
//!    `ambient_noise` before it has found the cabin louder than −74 dBPa(A) at the ears: level and peak may be the cabin's.
//! 2. Peaks: the unweighted density from segments of 8 192 frames at 48 kHz (bins of 5.86 Hz), Hann window, half
//!    overlap.
//!    Each bin in the band is compared with the mean density of one octave around it, without the three bins on either
//!    side of it, which belong to the same line; the octave is cut at the edges of the band.
//!    These settings are fixed, since a line stands 3 dB higher with every doubling of the segment.
//! 3. The unweighted level in third octaves is given as a curve for the reader. Peaks and curve are those of the whole.
//!
//! Receive:
//!
//! 1. At each ear the power spectrum, equalized line by line to the field of `ear_field` where the bench delivers the
//!    pressure at the ear-drum, is A-weighted and summed from 20 Hz to 20 kHz, whatever the band of the call: an ear hears
//!    all of it. The louder ear counts, in dBPa(A). The range has not been read (class C).
//! 2. The ears hear the cabin too. How much that is an entry with `ambient_noise` before it has found (the fact
//!    `ambient.ears_a`): its power is taken out, if the level stands at least 6 dB above it; otherwise, and where the cabin
//!    is not known, the terminal's noise is *at most* the level. So no noisy laboratory fails a car.
//! 3. Peaks as in send, within the band of the call, at the ear with the higher one. A line could be the cabin's where its
//!    own A-weighted level is less than 6 dB above all that the cabin makes: the peak is then *at most* this.
//!
//! ## What makes it inconclusive
//!
//! - A recording shorter than the analysis, in another plane, with values that are no numbers; a bad certificate.
//! - An ear that records zeros only: it is off or not connected.
//! - A level or a peak beyond the limit that the cabin or the network may have made.
//!
//! An analysis below 1 s and background noise in the call are refused when the plan is read.
//!
//! A terminal that sends digital silence is not inconclusive: what a 16-bit codec cannot code lies below −96.3 dBov,
//! and the level is given as *at most* that.
//!
//! ## How to read the result
//!
//! Lower is better. In send the noise is that of microphone, cabin, converters and codec after the terminal's noise
//! reduction; a quiet car is needed (below −64 dBPa(A), better −74 dBPa(A)). In receive it is that of the line, the
//! terminal and the amplifier; noise of the network simulator is in it.
//! An amplifier hisses whether a call is up or not: what is to be told from the cabin must not be in the ambient noise.
//! Measure that without a call and with the amplifier off (`call = none` of `ambient_noise`).
//! With 4 s of white noise the peak reads about 3 dB by chance alone.

mod receive;

use super::call::{
    self, ACCESS, CONDITIONING, Checks, EAR_FIELD, LEVEL_MRP, LEVEL_POI, LEVEL_TAP, LOMBARD_BASE, Timeline,
    quantity,
};
use super::reference_run::Known;
use super::{Card, Measurand, Method, Refusal, Wish, ambient_noise, evidence, reference_run};
use crate::context::{EvalCx, PlanCx};
use crate::dsp::bands::Bands;
use crate::dsp::spectrum::{PowerSpectrum, Psd, WelchSettings, power_spectrum, power_spectrum_density};
use crate::dsp::weighting::Weighting;
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Unmeasurable};
use crate::take::RATE;
use crate::terms::{Access, Bandwidth, Direction, Port};
use crate::units::{Seconds, Unit};
use crate::verdict::Flag;

const DIRECTION: Param<Direction> =
    Param::with_default("direction", "Whether the noise in send or in receive is measured.", "send");
const ACTIVATION: Param<SignalId> = Param::with_default(
    "activation",
    "The speech that activates the path before the silence.",
    "speech-conditioning",
);
const SETTLING: Param<Seconds> = Param::with_default(
    "settling",
    "The time between the end of the activation and the analysis: longer than any hang-over.",
    "1 s",
);
const ANALYSIS: Param<Seconds> = Param::with_default("analysis", "The length of the analysis.", "4 s");

static CARD: Card = Card {
    id: "idle_noise",
    title: "Idle noise",
    source: include_str!("idle_noise.rs"),
    measurands: &[
        Measurand {
            id: "idle_noise_send_p",
            doc: "Psophometric level at the POI (narrowband).",
            unit: Unit::Dbm0P,
        },
        Measurand {
            id: "idle_noise_send_a",
            doc: "A-weighted level at the POI (wideband and above).",
            unit: Unit::Dbm0A,
        },
        Measurand {
            id: "idle_noise_send_peak",
            doc: "Highest line at the POI above the smoothed spectrum.",
            unit: Unit::Db,
        },
        Measurand {
            id: "idle_noise_send_spectrum",
            doc: "Unweighted level at the POI by third octave.",
            unit: Unit::Dbm0,
        },
        Measurand {
            id: "idle_noise_receive_a",
            doc: "A-weighted level at the louder ear.",
            unit: Unit::DbPaA,
        },
        Measurand {
            id: "idle_noise_receive_peak",
            doc: "Highest line at an ear above the smoothed spectrum.",
            unit: Unit::Db,
        },
        Measurand {
            id: "idle_noise_receive_spectrum",
            doc: "Unweighted level at the louder ear by third octave.",
            unit: Unit::DbPa,
        },
    ],
    parameters: &[
        DIRECTION.spec(),
        ACTIVATION.spec(),
        LEVEL_MRP.spec(),
        LOMBARD_BASE.spec(),
        LEVEL_POI.spec(),
        EAR_FIELD.spec(),
        SETTLING.spec(),
        ANALYSIS.spec(),
        ACCESS.spec(),
        LEVEL_TAP.spec(),
        CONDITIONING.spec(),
    ],
    facts_wanted: &[reference_run::NOISE_SEND_A, reference_run::NOISE_SEND_P, ambient_noise::EARS_A],
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "idle";
/// The span that is analyzed.
const SPAN: &str = "analysis";
/// With fewer segments a peak of 10 dB comes by chance: one in ten analyses of 0.2 s, none of a thousand of 1 s.
const ANALYSIS_MIN: Seconds = Seconds(1.0);
/// What the take before may still leave in the cabin.
const LEAD: Seconds = Seconds(0.5);

/// Idle noise in send or in receive.
pub struct IdleNoise;

impl Method for IdleNoise {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let (direction, access) = (entry.parameters.get(&DIRECTION), entry.parameters.get(&ACCESS));
        if (direction, access) == (Direction::Receive, Access::Digital) {
            return Err(vec![Refusal {
                parameter: Some(ACCESS.spec().key),
                found: "access = digital in receive".to_owned(),
                expected: "acoustic in receive: the limit is one of sound pressure at the ears".to_owned(),
                remedy: "measure send by the digital access, or receive with the head".to_owned(),
            }]);
        }
        let source = call::source_by_access(access, direction, entry);
        let record = call::sink_ports(direction, entry);
        let mut checks = Checks::default();
        checks.plays(cx, &source);
        for port in &record {
            checks.records(cx, port);
        }
        checks.wait(entry, &SETTLING);
        checks.wait(entry, &ANALYSIS);
        checks.at_least(entry, &ANALYSIS, ANALYSIS_MIN, "in less a peak of 10 dB comes by chance");
        checks.quiet(entry);
        checks.done()?;
        let level = match (direction, access) {
            (Direction::Send, Access::Acoustic) => quantity(call::talker_level(entry, &LEVEL_MRP)),
            (Direction::Send, Access::Digital) => call::tap_level(entry, cx),
            (Direction::Receive, _) => quantity(entry.parameters.get(&LEVEL_POI)),
        };
        let mut take = Timeline::new(TAKE);
        take.wait(LEAD);
        take.play(&source, &entry.parameters.get(&ACTIVATION), level, cx);
        take.wait(entry.parameters.get(&SETTLING));
        take.wait_as(SPAN, entry.parameters.get(&ANALYSIS));
        Ok(Wish { epoch: call::epoch_by_access(entry, cx), takes: vec![take.build(&record)] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        match entry.parameters.get(&DIRECTION) {
            Direction::Send => send(entry, cx),
            Direction::Receive => receive::findings(entry, cx),
        }
    }
}

/// The findings in send.
fn send(entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
    let take = cx.take(TAKE);
    let poi = Port::of(Port::POI_SEND);
    let track = evidence::captured(cx, take, &poi, Unit::Dbm0)?;
    let noise = track.slice(take.span(SPAN));
    let band_hz = band_hz(entry.bandwidth);
    let (measurand, unit, weighting) = match entry.bandwidth {
        Bandwidth::Nb => ("idle_noise_send_p", Unit::Dbm0P, Weighting::Psophometric),
        Bandwidth::Wb | Bandwidth::Swb | Bandwidth::Fb => ("idle_noise_send_a", Unit::Dbm0A, Weighting::A),
    };
    let access = match entry.parameters.get(&ACCESS) {
        Access::Acoustic => "",
        Access::Digital => ", microphone cut off by the insertion at tap.microphone",
    };
    let band = format!("{weighting:?} weighting, {} to {} Hz{access}", band_hz.0, band_hz.1);
    let spectrum = power_spectrum(noise, RATE);
    let power = weighting.apply(&spectrum).band_power(band_hz.0, band_hz.1);
    let silence = evidence::coded_silence(cx, &poi);

    let own = own(power, entry, cx)?;
    let mut level = Finding::scalar(measurand, 10.0 * own.power.max(silence).log10(), unit);
    let mut findings = Vec::new();
    if power > silence {
        level.bound = own.bound;
        level.note = format!("{band}{}", own.note);
        findings.push(level);
        let highest = peak(&density(noise)?, band_hz);
        let mut peak = Finding::scalar("idle_noise_send_peak", highest.above_db, Unit::Db);
        peak.note = highest.note();
        // What hides the level may have made the line too.
        peak.bound = own.bound;
        findings.push(peak);
        findings.push(third_octaves("idle_noise_send_spectrum", &spectrum, band_hz, Unit::Dbm0));
    } else {
        level.bound = Bound::AtMost;
        level.note = format!("{band}; digital silence: below what a 16-bit codec codes");
        findings.push(level);
        let mut none = Finding::scalar("idle_noise_send_peak", 0.0, Unit::Db);
        none.bound = Bound::AtMost;
        "digital silence has no peak".clone_into(&mut none.note);
        findings.push(none);
    }
    for finding in &mut findings {
        if own.bound != Bound::Exact && finding.bound != Bound::Exact {
            finding.flags.push(Flag::NoiseLimited);
        }
        let coefficient = if finding.measurand == "idle_noise_send_peak" { 0.0 } else { 1.0 };
        evidence::complete(finding, take, SPAN, vec![evidence::influence(&track, coefficient)]);
    }
    Ok(findings)
}

/// What a level leaves for the terminal.
struct Own {
    power: f64,
    bound: Bound,
    note: String,
}

/// Above the noise of the network by so much the terminal's own can be told from it: 6 dB, as a ratio of powers.
const ABOVE_NETWORK: f64 = 4.0;

/// A cabin that is louder makes as much noise in send as the limit allows: clause 7.9 asks for this level (class B, 2008).
const CABIN_MAX_DBPA_A: f64 = -74.0;

/// What is the terminal's own: where the cabin is known to be louder than idle noise needs, it is at most what was measured.
fn own(power: f64, entry: &Entry, cx: &EvalCx<'_>) -> Result<Own, Unmeasurable> {
    let mut own = without_network(power, entry, cx)?;
    let acoustic = entry.parameters.get(&ACCESS) == Access::Acoustic;
    let cabin = cx.facts.number(ambient_noise::EARS_A, Unit::DbPaA);
    if let Some(cabin) = cabin.filter(|level| acoustic && *level > CABIN_MAX_DBPA_A) {
        own.bound = Bound::AtMost;
        let told = format!("; the cabin has {cabin:.1} dBPa(A), more than {CABIN_MAX_DBPA_A}, and is in it");
        own.note.push_str(&told);
    }
    Ok(own)
}

/// The noise of the network that a reference run of the plan has found is taken out of the level. Where it is most of
/// what was measured, the terminal's own is at most that.
fn without_network(power: f64, entry: &Entry, cx: &EvalCx<'_>) -> Result<Own, Unmeasurable> {
    let Some(Known { value: network, told }) = reference_run::noise_power(cx, entry.bandwidth)? else {
        return Ok(Own { power, bound: Bound::Exact, note: String::new() });
    };
    let network_db = 10.0 * network.log10();
    if power >= ABOVE_NETWORK * network {
        let note = format!("; {network_db:.1} dB of the network, {told}, subtracted");
        return Ok(Own { power: power - network, bound: Bound::Exact, note });
    }
    let note =
        format!("; the network alone makes {network_db:.1} dB, {told}, which hides the terminal's own");
    Ok(Own { power, bound: Bound::AtMost, note })
}

/// Where idle noise and distortion are counted, in Hz.
pub(super) fn band_hz(bandwidth: Bandwidth) -> (f64, f64) {
    match bandwidth {
        Bandwidth::Nb => (200.0, 4_000.0),
        Bandwidth::Wb => (100.0, 8_000.0),
        Bandwidth::Swb => (100.0, 14_000.0),
        Bandwidth::Fb => (100.0, 20_000.0),
    }
}

/// Frames of a segment for peaks. Fixed: a line stands 3 dB higher with every doubling.
const PEAK_FRAMES: usize = 8_192;
/// Bins on either side of a line that belong to it, with a Hann window.
const LINE_HALF: usize = 3;

/// The density that peaks are read from.
fn density(noise: &[f64]) -> Result<Psd, Unmeasurable> {
    power_spectrum_density(noise, RATE, &WelchSettings::hann(PEAK_FRAMES))
        .map_err(|error| Unmeasurable::because(format!("the analysis is too short for peaks: {error}")))
}

/// A bin that stands out.
#[derive(Debug, Clone, Copy)]
struct Peak {
    /// Above the mean density of an octave around it.
    above_db: f64,
    hz: f64,
    /// The power of the line: of the bins that belong to it.
    power: f64,
}

impl Peak {
    fn note(&self) -> String {
        format!("at {:.0} Hz; {PEAK_FRAMES} frames, Hann, against the mean of one octave", self.hz)
    }
}

/// The highest bin above the mean of an octave around it.
fn peak(psd: &Psd, (lo_hz, hi_hz): (f64, f64)) -> Peak {
    let bin = |hz: f64| (hz / psd.bin_hz).round() as usize;
    let (first, last) = (bin(lo_hz), bin(hi_hz).min(psd.density.len() - 1));
    let mut highest = Peak { above_db: f64::NEG_INFINITY, hz: 0.0, power: 0.0 };
    for k in first..=last {
        let hz = k as f64 * psd.bin_hz;
        let from = bin(hz * std::f64::consts::FRAC_1_SQRT_2).max(first);
        let to = bin(hz * std::f64::consts::SQRT_2).min(last);
        let around: Vec<f64> =
            (from..=to).filter(|i| i.abs_diff(k) > LINE_HALF).map(|i| psd.density[i]).collect();
        let mean = around.iter().sum::<f64>() / around.len() as f64;
        let above_db = 10.0 * (psd.density[k] / mean).log10();
        if above_db.is_nan() || above_db > highest.above_db {
            let line = k.saturating_sub(LINE_HALF)..=(k + LINE_HALF).min(psd.density.len() - 1);
            let power = psd.density[line].iter().sum::<f64>() * psd.bin_hz;
            highest = Peak { above_db, hz, power };
        }
    }
    highest
}

fn third_octaves(
    measurand: &str,
    spectrum: &PowerSpectrum,
    (lo_hz, hi_hz): (f64, f64),
    unit: Unit,
) -> Finding {
    let bands = Bands::third_octave(lo_hz, hi_hz);
    let hz = bands.iter().map(|band| band.nominal_hz).collect();
    let levels = bands.powers(spectrum).iter().map(|power| 10.0 * power.log10()).collect();
    Finding::curve(measurand, hz, levels, unit)
}
