//! # Noise field
//!
//! ## What it measures
//!
//! Whether the background noise that is played into the car is the one that was recorded: its A-weighted level and its
//! third-octave spectrum at the reference microphone against those of the recording. Beside them, for the reader, how
//! much louder people talk in this noise, and at what level the talker of this noise's entries speaks.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clauses 7.2 and 9.2: background noise simulation and background noise signals. How
//! closely the field must follow the recording (third octaves from 100 Hz to 10 kHz within ±3 dB, the A-weighted level
//! within ±1 dB) is customary and has not been read in either edition (class C). The Lombard rise is that of P.1130
//! (06/2015) 8.2.3.1 (class B). Third octaves are those of IEC 61260-1, A-weighting that of IEC 61672-1.
//!
//! ## Stimulus and capture points
//!
//! The background noise of the entry sounds from before the call is set up; nobody speaks and nothing else is played. A
//! call without conditioning at the quietest volume step is up, so that the car is as it will be while it is measured.
//! The reference microphone (`mic.reference`) is recorded for as long as one turn of the noise lasts (a noise longer than
//! `analysis_max` is refused); on a bench without one the left ear of the listener's head, with its own response to a diffuse field taken out, because the
//! noise comes from everywhere.
//!
//! ## Computation
//!
//! 1. The power spectrum of the recorded span, without window.
//! 2. The power spectrum of the recording itself, as it was kept when it was played: one turn, in pascals, without any
//!    loudspeaker, room or microphone in it.
//! 3. A-weighted and summed from 20 Hz to 20 kHz, the first is `noise_level_a`; its difference to the second is
//!    `noise_level_deviation`.
//! 4. The difference of the two in each third octave from 100 Hz to 10 kHz is `noise_spectrum_deviation`. A band in which the
//!    recording has nothing (90 dB below all of it) is left out and named.
//! 5. Lombard rise = 0.3·(N − 50) dB, not below 0 dB and not above 8 dB, where N is the level in dB(A) at the driver's head that
//!    the recording states. It is never computed from the field. `talker_level` is `lombard_base` and the rise.
//!
//! ## What makes it inconclusive
//!
//! - A microphone that records zeros only: it is off or not connected.
//! - A recording that was not kept with the take, or that holds nothing.
//! - A track in a plane other than dBPa, a bad certificate.
//!
//! ## How to read the result
//!
//! A level that is off by a constant is a gain to correct in the playback; a spectrum that is off asks for another equalization of the
//! loudspeakers. Every result in this noise is measured in the field as it is: a field that is 3 dB too loud makes a good
//! terminal look worse, and the talker is not raised for it.
//! Noise that is in the car anyhow is in the reading: a ventilation that is left on shows where the recording is quiet.
//! Driving noise is not stationary: over less than a whole turn its level wanders by two decibels, so a turn is recorded.

use super::call::{self, Checks, LOMBARD_BASE, Timeline};
use super::evidence::{self, EarAtPort};
use super::{Card, Measurand, Method, Refusal, Wish};
use crate::context::{BenchInfo, EvalCx, PlanCx, PortDirection};
use crate::dsp::bands::Bands;
use crate::dsp::spectrum::{PowerSpectrum, power_spectrum};
use crate::dsp::weighting::Weighting;
use crate::entry::{Entry, Noise, Param};
use crate::finding::{Finding, Influence, Unmeasurable};
use crate::take::{RATE, Volume};
use crate::terms::{Ear, EarField, Port};
use crate::units::{Seconds, Unit};

const ANALYSIS_MAX: Param<Seconds> = Param::with_default(
    "analysis_max",
    "The longest analysis. A noise that is shorter is analyzed for one turn: its mean does not depend on where in it the \
     recording began.",
    "60 s",
);

static CARD: Card = Card {
    id: "noise_field",
    title: "Noise field",
    source: include_str!("noise_field.rs"),
    measurands: &[
        Measurand {
            id: "noise_level_deviation",
            doc: "A-weighted level of the replayed noise against that of its recording.",
            unit: Unit::Db,
        },
        Measurand {
            id: "noise_spectrum_deviation",
            doc: "The same by third octave, 100 Hz to 10 kHz.",
            unit: Unit::Db,
        },
        Measurand {
            id: "noise_level_a",
            doc: "A-weighted level of the replayed noise at the reference microphone.",
            unit: Unit::DbPaA,
        },
        Measurand {
            id: "lombard_rise",
            doc: "How much louder people talk in this noise, by the level that its recording states.",
            unit: Unit::Db,
        },
        Measurand {
            id: "talker_level",
            doc: "The level of the talker at the mouth reference point in this noise.",
            unit: Unit::DbPa,
        },
    ],
    parameters: &[ANALYSIS_MAX.spec(), LOMBARD_BASE.spec()],
    picks_volume: true,
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "noise";
/// The span that is analyzed.
const SPAN: &str = "analysis";
/// What a call that begins may still let be heard.
const LEAD: Seconds = Seconds(1.0);
/// What A-weighting sums, in Hz.
const BAND_HZ: (f64, f64) = (20.0, 20_000.0);
/// The first and the last third octave.
const THIRD_OCTAVES_HZ: (f64, f64) = (100.0, 10_000.0);
/// A band of the recording this far below all of it holds nothing that could be replayed.
const MISSING_BELOW_DB: f64 = 90.0;

/// The replayed noise against its recording.
pub struct NoiseField;

impl Method for NoiseField {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = Checks::default();
        let port = port(entry, cx.bench);
        checks.records(cx, &port);
        checks.wait(entry, &ANALYSIS_MAX);
        let noise = checks.noise(entry);
        let turn = noise.map_or(0, |noise| cx.signal(&noise.signal).frames);
        let turn = Seconds(turn as f64 / f64::from(RATE));
        let why = "the noise wanders, and less than a turn of it says nothing of how it is replayed";
        checks.at_least(entry, &ANALYSIS_MAX, turn, why);
        checks.done()?;
        let mut take = Timeline::new(TAKE);
        take.wait(LEAD);
        take.wait_as(SPAN, turn);
        let epoch = call::bare_epoch(entry, Volume::Step(0));
        Ok(Wish { epoch, takes: vec![take.build(&[port])] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let Some(noise) = &entry.noise else {
            return Err(Unmeasurable::because("the entry has no background noise"));
        };
        let take = cx.take(TAKE);
        let port = port(entry, cx.bench);
        let track = evidence::captured(cx, take, &port, Unit::DbPa)?;
        let heard = track.slice(take.span(SPAN));
        if heard.iter().all(|sample| *sample == 0.0) {
            return Err(Unmeasurable::because(format!(
                "{port} recorded zeros only: switch the microphone on and check its cable"
            )));
        }
        let recording = cx.noise_recording(take)?;
        if recording.iter().all(|sample| *sample == 0.0) {
            return Err(Unmeasurable::because(format!(
                "the recording of the noise '{}' is silent",
                noise.signal
            )));
        }
        let ear = EarAtPort::of(cx, &port, EarField::Diffuse)?;
        let field = ear.equalizer.equalized(power_spectrum(heard, RATE));
        let recorded = power_spectrum(&recording, RATE);

        let note = format!("noise '{}' of {} dB(A) at {port}", noise.signal, noise.level_dba);
        let influences = |coefficient: f64| -> Vec<Influence> {
            let own = evidence::influence(&track, coefficient);
            std::iter::once(own).chain(ear.influence(coefficient)).collect()
        };
        let mut findings = compared(&field, &recorded, &note);
        for finding in &mut findings {
            evidence::complete(finding, take, SPAN, influences(1.0));
            EarAtPort::tell(std::slice::from_ref(&ear), finding);
        }
        for mut finding in talker(entry, noise) {
            // Read from the record of the noise: no capture and no calibration stands behind it.
            evidence::complete(&mut finding, take, SPAN, Vec::new());
            findings.push(finding);
        }
        Ok(findings)
    }
}

/// The field against the recording: level, spectrum, and the level itself.
fn compared(field: &PowerSpectrum, recorded: &PowerSpectrum, note: &str) -> Vec<Finding> {
    let level_db = |spectrum: &PowerSpectrum| {
        10.0 * Weighting::A.apply(spectrum).band_power(BAND_HZ.0, BAND_HZ.1).log10()
    };
    let (level, wanted) = (level_db(field), level_db(recorded));
    let bands = Bands::third_octave(THIRD_OCTAVES_HZ.0, THIRD_OCTAVES_HZ.1);
    let (powers, wanted_powers) = (bands.powers(field), bands.powers(recorded));
    let floor = recorded.total_power() * 10f64.powf(-MISSING_BELOW_DB / 10.0);
    let (shown, missing): (Vec<usize>, Vec<usize>) =
        (0..bands.len()).partition(|&band| wanted_powers[band] > floor);
    let hz = shown.iter().map(|&band| bands.as_slice()[band].nominal_hz).collect();
    let off = shown.iter().map(|&band| 10.0 * (powers[band] / wanted_powers[band]).log10()).collect();
    let mut curve = Finding::curve("noise_spectrum_deviation", hz, off, Unit::Db);
    note.clone_into(&mut curve.note);
    if !missing.is_empty() {
        curve.note = format!("{note}; not in the recording: {}", evidence::names(&bands, &missing));
    }
    let mut deviation = Finding::scalar("noise_level_deviation", level - wanted, Unit::Db);
    let mut absolute = Finding::scalar("noise_level_a", level, Unit::DbPaA);
    for finding in [&mut deviation, &mut absolute] {
        note.clone_into(&mut finding.note);
    }
    vec![deviation, curve, absolute]
}

/// What the noise makes of the talker.
fn talker(entry: &Entry, noise: &Noise) -> [Finding; 2] {
    let rise = call::lombard_rise(noise.level_dba);
    let level = entry.parameters.get(&LOMBARD_BASE) + rise;
    let note = call::lombard_note(entry).unwrap_or_default();
    let mut findings = [
        Finding::scalar("lombard_rise", rise.0, Unit::Db),
        Finding::scalar("talker_level", level.decibels(), Unit::DbPa),
    ];
    for finding in &mut findings {
        finding.note.clone_from(&note);
    }
    findings
}

/// The reference microphone, or an ear in its place.
fn port(entry: &Entry, bench: &BenchInfo) -> Port {
    let microphone = Port::of(Port::MIC_REFERENCE);
    if bench.has(&microphone, PortDirection::In) {
        return microphone;
    }
    Port::ear(entry.listener, Ear::Left)
}
