//! # Ambient noise
//!
//! ## What it measures
//!
//! How loud it is in the car while nobody speaks: the A-weighted sound pressure level and the level of each octave, by
//! which the noise is held against noise criterion (NC) curves.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clauses 7.9 and 11.1: the environment is verified before the tests.
//! Octave bands are those of IEC 61260-1, A-weighting that of IEC 61672-1.
//!
//! ## Stimulus and capture points
//!
//! Nothing is played, but the background noise of the entry if it names one.
//! A call without conditioning at the quietest volume step is up, so that the car is as it will be while it is measured;
//! or none (`call = none`), so that nothing of the device is in the reading: hang up, and switch its amplifier off.
//! The reference microphone at the driver's head (`mic.reference`) is recorded; on a bench without one both ears of the
//! listener's head, of which the louder counts. Where the bench has both, the ears are recorded too.
//!
//! ## Computation
//!
//! 1. The power spectrum of the analysis span, without window, is A-weighted and summed from 20 Hz to 20 kHz.
//! 2. The unweighted power of each octave from 63 Hz to 8 kHz.
//! 3. The same level at the louder ear, equalized to `ear_field`: the fact `ambient.ears_a`, which tells idle noise in
//!    receive what of it is the cabin's. Not with a background noise.
//!
//! ## What makes it inconclusive
//!
//! - A microphone that records zeros only: it is off or not connected, and says nothing about the cabin.
//! - A track in a plane other than dBPa, a bad certificate.
//!
//! ## How to read the result
//!
//! 0 dBPa(A) is 93.98 dB(A). What is asked of the environment depends on the test: much quieter for idle noise than for
//! the rest.
//! The floor of the microphone itself is in the reading: a capsule with 20 dB(A) of its own reads −74 dBPa(A) in an empty
//! chamber.
//! Where the ears stand in for the microphone, the reading is that of the ear's own response too, if the bench does not
//! equalize it.

use super::call::{self, Checks, EAR_FIELD, Timeline};
use super::evidence::EarAtPort;
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::capture::Take;
use crate::context::{BenchInfo, EvalCx, PlanCx, PortDirection, Track};
use crate::dsp::bands::Bands;
use crate::dsp::spectrum::{PowerSpectrum, power_spectrum};
use crate::dsp::weighting::Weighting;
use crate::entry::{Entry, Param, ParameterKind, ParameterType, ParameterValue};
use crate::finding::{Finding, Unmeasurable};
use crate::take::{EpochSpec, RATE, Terminal, Volume};
use crate::terms::{Ear, Port};
use crate::units::{Seconds, Unit};

const ANALYSIS: Param<Seconds> = Param::with_default("analysis", "The length of the analysis.", "10 s");

const CALL: Param<Call> = Param::with_default(
    "call",
    "Whether a call is up: up, or none, so that nothing of the device is in the reading.",
    "up",
);

/// Whether a call is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Up,
    None,
}

impl ParameterType for Call {
    const KIND: ParameterKind = ParameterKind::Word(&["up", "none"]);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Text(text) if text == "up" => Some(Self::Up),
            ParameterValue::Text(text) if text == "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// The fact of the noise at the ears, A-weighted and equalized.
pub const EARS_A: &str = "ambient.ears_a";

static CARD: Card = Card {
    id: "ambient_noise",
    title: "Ambient noise",
    source: include_str!("ambient_noise.rs"),
    measurands: &[
        Measurand {
            id: "ambient_noise_a",
            doc: "A-weighted level at the reference microphone.",
            unit: Unit::DbPaA,
        },
        Measurand {
            id: "ambient_noise_octaves",
            doc: "Unweighted level by octave, 63 Hz to 8 kHz.",
            unit: Unit::DbPa,
        },
        Measurand {
            id: "ambient_noise_ears_a",
            doc: "A-weighted level at the louder ear, equalized.",
            unit: Unit::DbPaA,
        },
    ],
    parameters: &[ANALYSIS.spec(), CALL.spec(), EAR_FIELD.spec()],
    picks_volume: true,
    facts_found: &[(EARS_A, "ambient_noise_ears_a")],
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "ambient";
/// The span that is analyzed.
const SPAN: &str = "analysis";
/// What a call that begins may still let be heard.
const LEAD: Seconds = Seconds(1.0);
/// What A-weighting sums, in Hz.
const BAND_HZ: (f64, f64) = (20.0, 20_000.0);
/// The first and the last octave.
const OCTAVES_HZ: (f64, f64) = (63.0, 8_000.0);

/// The noise in the car.
pub struct AmbientNoise;

impl Method for AmbientNoise {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = Checks::default();
        let ports = ports(entry, cx.bench);
        for port in &ports {
            checks.records(cx, port);
        }
        checks.wait(entry, &ANALYSIS);
        checks.done()?;
        let mut take = Timeline::new(TAKE);
        take.wait(LEAD);
        take.wait_as(SPAN, entry.parameters.get(&ANALYSIS));
        let mut record = ports;
        record.extend(ears(entry).filter(|port| cx.bench.has(port, PortDirection::In)));
        Ok(Wish { epoch: epoch(entry), takes: vec![take.build(&record)] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let mut loudest: Option<(f64, PowerSpectrum, Track, Port)> = None;
        for port in ports(entry, cx.bench) {
            let track = evidence::captured(cx, take, &port, Unit::DbPa)?;
            let noise = track.slice(take.span(SPAN));
            if noise.iter().all(|sample| *sample == 0.0) {
                return Err(Unmeasurable::because(format!(
                    "{port} recorded zeros only: switch the microphone on and check its cable"
                )));
            }
            let spectrum = power_spectrum(noise, RATE);
            let power = weighted(&spectrum);
            if loudest.as_ref().is_none_or(|one| power > one.0) {
                loudest = Some((power, spectrum, track, port));
            }
        }
        let (power, spectrum, track, port) =
            loudest.ok_or_else(|| Unmeasurable::because("no microphone was recorded"))?;
        let level = Finding::scalar("ambient_noise_a", 10.0 * power.log10(), Unit::DbPaA);
        let octaves = Bands::per_octave(1, OCTAVES_HZ.0, OCTAVES_HZ.1);
        let hz = octaves.iter().map(|band| band.nominal_hz).collect();
        let levels = octaves.powers(&spectrum).iter().map(|power| 10.0 * power.log10()).collect();
        let curve = Finding::curve("ambient_noise_octaves", hz, levels, Unit::DbPa);
        let mut findings = vec![level, curve];
        for finding in &mut findings {
            evidence::complete(finding, take, SPAN, vec![evidence::influence(&track, 1.0)]);
            finding.note = format!("at {port}");
        }
        findings.extend(at_ears(entry, take, cx)?);
        Ok(findings)
    }
}

/// The call, or none.
fn epoch(entry: &Entry) -> EpochSpec {
    let mut epoch = call::bare_epoch(entry, Volume::Step(0));
    if entry.parameters.get(&CALL) == Call::None {
        epoch.call.terminal = Terminal::None;
    }
    epoch
}

/// A-weighted power.
pub(super) fn weighted(spectrum: &PowerSpectrum) -> f64 {
    Weighting::A.apply(spectrum).band_power(BAND_HZ.0, BAND_HZ.1)
}

fn ears(entry: &Entry) -> impl Iterator<Item = Port> {
    let listener = entry.listener;
    Ear::ALL.iter().map(move |ear| Port::ear(listener, *ear))
}

/// The level at the louder ear. Ears that were not recorded, or are not connected, are for other methods to complain of.
fn at_ears(entry: &Entry, take: &Take, cx: &EvalCx<'_>) -> Result<Option<Finding>, Unmeasurable> {
    if entry.noise.is_some() {
        return Ok(None);
    }
    let mut louder: Option<(f64, Port, Track, EarAtPort)> = None;
    for port in ears(entry).filter(|port| take.captures.contains_key(port)) {
        let track = evidence::captured(cx, take, &port, Unit::DbPa)?;
        let ear = EarAtPort::of(cx, &port, entry.parameters.get(&EAR_FIELD))?;
        let noise = track.slice(take.span(SPAN));
        let power = weighted(&ear.equalizer.equalized(power_spectrum(noise, RATE)));
        if power > louder.as_ref().map_or(0.0, |one| one.0) {
            louder = Some((power, port, track, ear));
        }
    }
    Ok(louder.map(|(power, port, track, ear)| {
        let mut level = Finding::scalar("ambient_noise_ears_a", 10.0 * power.log10(), Unit::DbPaA);
        let influences = std::iter::once(evidence::influence(&track, 1.0)).chain(ear.influence(1.0));
        evidence::complete(&mut level, take, SPAN, influences.collect());
        level.note = format!("at {port}");
        EarAtPort::tell(&[ear], &mut level);
        level
    }))
}

/// The reference microphone, or the ears in its place.
fn ports(entry: &Entry, bench: &BenchInfo) -> Vec<Port> {
    let microphone = Port::of(Port::MIC_REFERENCE);
    if bench.has(&microphone, PortDirection::In) {
        return vec![microphone];
    }
    Ear::ALL.iter().map(|ear| Port::ear(entry.listener, *ear)).collect()
}
