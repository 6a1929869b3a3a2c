//! What the methods share when they evaluate: tracks in their plane, band energies beside the idle noise, and what every
//! finding says.

use std::ops::Range;

use crate::calibration::ear::Equalizer;
use crate::capture::Take;
use crate::context::{EvalCx, Track};
use crate::dsp::align::{DelaySearch, find_delay};
use crate::dsp::bands::Bands;
use crate::finding::{Finding, Influence, Unmeasurable};
use crate::meters::band_energy::{Recorded, band_energies, empty_bands};
use crate::take::{Frame, RATE};
use crate::terms::{EarField, Port};
use crate::units::{Seconds, Unit};
use crate::verdict::Flag;

/// A band of the stimulus this far below the whole of it is a missing band.
const MISSING_BELOW_DB: f64 = 90.0;

/// The power, relative to full scale, below which a 16-bit codec codes silence: half a step everywhere.
pub const CODED_SILENCE: f64 = 1.0 / 65_536.0 / 65_536.0;

/// The recorded track of a port, in the plane that the method needs.
///
/// # Errors
/// As [`EvalCx::captured`]; another plane; a recording that is shorter than the take.
pub fn captured(cx: &EvalCx<'_>, take: &Take, port: &Port, plane: Unit) -> Result<Track, Unmeasurable> {
    in_plane(cx.captured(take, port)?, take, port, plane)
}

/// The played track of a port, in the plane that the method needs.
///
/// # Errors
/// As [`captured`].
pub fn played(cx: &EvalCx<'_>, take: &Take, port: &Port, plane: Unit) -> Result<Track, Unmeasurable> {
    in_plane(cx.played(take, port)?, take, port, plane)
}

fn in_plane(track: Track, take: &Take, port: &Port, plane: Unit) -> Result<Track, Unmeasurable> {
    if track.unit != plane {
        return Err(Unmeasurable::because(format!(
            "port {port} is calibrated in {}, the method needs {plane}: correct the bench file or the calibration record",
            track.unit
        )));
    }
    if (track.samples.len() as Frame) < take.spec.duration {
        return Err(Unmeasurable::because(format!(
            "the track of port {port} in take {} has {} frames of {}: record it again",
            take.id,
            track.samples.len(),
            take.spec.duration
        )));
    }
    Ok(track)
}

/// What digital full scale of a port reads in the unit of its track.
pub fn full_scale(cx: &EvalCx<'_>, port: &Port) -> f64 {
    cx.bench.ports.get(port).map_or(1.0, |info| info.calibration.unit_per_sample())
}

/// The power that a port of this track records as coded silence, in the square of the track's unit.
pub fn coded_silence(cx: &EvalCx<'_>, port: &Port) -> f64 {
    CODED_SILENCE * full_scale(cx, port).powi(2)
}

/// The step of 16 bits, relative to full scale.
const STEP_16_BITS: f64 = 1.0 / 32_768.0;
/// The step of 24 bits, relative to full scale: the finest that a converter has, and that a single-precision sample of
/// nearly full scale carries.
const STEP_24_BITS: f64 = 1.0 / 8_388_608.0;
/// How far a sample may lie beside a step: what calibrating it and back rounds.
const OFF_STEP: f64 = 1e-6;

/// The power that the format of a recording carries as silence, half a step everywhere, in the square of the track's unit.
/// The format is that of 16 bits where every sample lies on a step of 16 bits, and otherwise that of 24. What is weaker
/// than this is not known.
pub fn recorded_silence(cx: &EvalCx<'_>, port: &Port, track: &Track) -> f64 {
    let full_scale = full_scale(cx, port);
    let is_on_step = |x: &f64| {
        let steps = x / full_scale / STEP_16_BITS;
        (steps - steps.round()).abs() < OFF_STEP
    };
    let step = if track.samples.iter().all(is_on_step) { STEP_16_BITS } else { STEP_24_BITS };
    (step / 2.0 * full_scale).powi(2)
}

/// The power that the rounding to 24 bits leaves in a band of this width, in the square of the track's unit: a twelfth of the
/// step squared, spread evenly up to half the sampling rate. Converters and microphones are noisier by far (the best reach
/// 130 dB below full scale, this is at 149): a recording that holds less in its silence does not hear there.
pub fn least_noise(cx: &EvalCx<'_>, port: &Port, width_hz: f64) -> f64 {
    let share = width_hz / (f64::from(RATE) / 2.0);
    (STEP_24_BITS * full_scale(cx, port)).powi(2) / 12.0 * share
}

/// The energy of each band in a part of a track.
pub fn energies(part: &[f64], bands: &Bands) -> Vec<f64> {
    band_energies(part, RATE, bands)
}

/// Where an activation is looked for: what every call carries.
const WHITENED_HZ: (f64, f64) = (300.0, 3_400.0);
/// A correlation below this multiple of what chance would reach is none. A delay that is told needs twice that; here a
/// period of a voiced sound more or less costs nothing, since an activation and the steady sound behind it are read with the
/// same delay, and whether the sound arrived is looked at.
const ABOVE_CHANCE_MIN: f64 = 1.25;

/// By how many frames an activation arrives later than it was played. Whitened: its voiced sounds repeat.
///
/// # Errors
/// Nothing that follows it arrived.
pub fn later_frames(
    played: &Track,
    recorded: &Track,
    activation: Range<Frame>,
    delay_max: Seconds,
) -> Result<Frame, Unmeasurable> {
    let end = activation.end + delay_max.frames(RATE) as Frame;
    let search = DelaySearch::between(Seconds(0.0), delay_max).whitened(WHITENED_HZ.0, WHITENED_HZ.1);
    let found =
        find_delay(played.slice(activation.clone()), recorded.slice(activation.start..end), RATE, &search);
    let found = found.map_err(|error| Unmeasurable::because(error.to_string()))?;
    // NaN does not follow.
    let follows = found.correlation >= ABOVE_CHANCE_MIN * found.chance;
    if !follows {
        return Err(Unmeasurable::because(format!(
            "nothing that belongs to the activation arrived: its correlation is {:.3}, and chance reaches {:.3}",
            found.correlation, found.chance
        )));
    }
    Ok((found.delay.0 * f64::from(RATE)).round().max(0.0) as Frame)
}

/// What an ear does to a recording, as the bench had it: what takes it out, and what a finding says about it.
#[derive(Debug, Clone)]
pub struct EarAtPort {
    /// Takes the ear out of a power spectrum; where there is none, nothing.
    pub equalizer: Equalizer,
    /// For the note.
    told: Option<String>,
    /// Whether a table stands for the head's own curve.
    is_table: bool,
    /// The record.
    record: Option<String>,
}

impl EarAtPort {
    /// The ear in front of a port, and the field to which it is equalized. A port that is no ear, and an ear that the bench
    /// has equalized already, are left as they are.
    ///
    /// # Errors
    /// The curve of the ear is none.
    pub fn of(cx: &EvalCx<'_>, port: &Port, field: EarField) -> Result<Self, Unmeasurable> {
        let Some(ear) = cx.bench.ports.get(port).and_then(|info| info.ear.as_ref()) else {
            let is_ear = port.name().starts_with("ear.");
            let told = is_ear.then(|| "ears as the bench equalizes them".to_owned());
            return Ok(Self { equalizer: Equalizer::default(), told, is_table: false, record: None });
        };
        let equalizer = ear.equalizer(field).map_err(|error| {
            Unmeasurable::because(format!(
                "the response '{}' of port {port} is no curve: {error}",
                ear.record
            ))
        })?;
        let is_used = !equalizer.is_flat();
        Ok(Self {
            equalizer,
            told: Some(ear.describe(field)),
            is_table: is_used && ear.serial.is_none(),
            record: is_used.then(|| ear.record.clone()),
        })
    }

    /// Adds what these ears are to a finding: the note once, and the flag where a table stands for a head's own curve.
    pub fn tell(ears: &[Self], finding: &mut Finding) {
        let mut told: Vec<&str> = Vec::new();
        for one in ears.iter().filter_map(|ear| ear.told.as_deref()) {
            if !told.contains(&one) {
                told.push(one);
            }
        }
        for one in told {
            finding.tell(one);
        }
        if ears.iter().any(|ear| ear.is_table) && !finding.flags.contains(&Flag::Provisional) {
            finding.flags.push(Flag::Provisional);
        }
    }

    /// The record of the ear as an influence with the coefficient of its port; none where nothing is taken out.
    pub fn influence(&self, coefficient: f64) -> Option<Influence> {
        // What is taken out too much is missing.
        let coefficient = -coefficient;
        self.record.clone().map(|calibration| Influence { calibration, coefficient })
    }
}

/// The worst of several places, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worst {
    /// Whose value it is.
    pub at: usize,
    /// Whose bound leaves more open.
    pub beside: Option<usize>,
}

/// Which of several places counts where the worst does, as two ears or several tones: of each how bad it is, the larger the
/// worse, and whether that is proven or only the worst that it can be.
///
/// A value that is proven is not left for a bound: the worst of all has at least the worst that is proven. A bound that is
/// worse still stands beside it, since the worst of all lies between the two. Where nothing is proven, the worst bound holds
/// for all. Of equals the first counts, in the order in which they are given: the left ear, the lowest tone. What is no
/// number is worse than every number, so that it hides behind none.
pub fn worst_of(places: &[(f64, bool)]) -> Option<Worst> {
    let is_worse = |a: f64, b: f64| a > b || (a.is_nan() && !b.is_nan());
    let worst = |proven: bool| {
        (0..places.len())
            .filter(|i| places[*i].1 == proven)
            .reduce(|worst, i| if is_worse(places[i].0, places[worst].0) { i } else { worst })
    };
    match (worst(true), worst(false)) {
        (Some(at), Some(bound)) if is_worse(places[bound].0, places[at].0) => {
            Some(Worst { at, beside: Some(bound) })
        }
        (one, other) => one.or(other).map(|at| Worst { at, beside: None }),
    }
}

/// A window of a track in bands, beside the idle noise of a window of the same length.
pub fn recorded(track: &Track, window: Range<Frame>, idle: Range<Frame>, bands: &Bands) -> Recorded {
    Recorded::read(track.slice(window), track.slice(idle), RATE, bands)
}

/// The same of what an ear-drum heard, in the field that it is equalized to.
pub fn recorded_at_ear(
    track: &Track,
    window: Range<Frame>,
    idle: Range<Frame>,
    bands: &Bands,
    ear: &EarAtPort,
) -> Recorded {
    Recorded::read_at_ear(track.slice(window), track.slice(idle), RATE, bands, &ear.equalizer)
}

/// The stimulus must have energy in every band that counts.
///
/// # Errors
/// The bands that it lacks.
pub fn stimulus_fills(
    energies: &[f64],
    bands: &Bands,
    positions: Range<usize>,
    port: &Port,
) -> Result<(), Unmeasurable> {
    let missing = empty_bands(energies, positions, MISSING_BELOW_DB);
    if missing.is_empty() {
        return Ok(());
    }
    Err(Unmeasurable::because(format!(
        "the stimulus on {port} has no energy at {}: use a signal that fills the band of the measurement",
        names(bands, &missing)
    )))
}

/// The nominal frequencies of bands, for the reader.
pub fn names(bands: &Bands, positions: &[usize]) -> String {
    let hz: Vec<String> =
        positions.iter().map(|&i| format!("{} Hz", bands.as_slice()[i].nominal_hz)).collect();
    hz.join(", ")
}

/// The calibration of a track as an influence with this coefficient.
pub fn influence(track: &Track, coefficient: f64) -> Influence {
    Influence { coefficient, ..track.influence.clone() }
}

/// Completes a finding with what every finding says: the take and span, the influences, a stand-in signal.
pub fn complete(finding: &mut Finding, take: &Take, span: &str, influences: Vec<Influence>) {
    finding.span = format!("{} / {span}", take.spec.name);
    finding.influences = influences;
    if take.method_equivalent {
        finding.flags.push(Flag::MethodEquivalentSignal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proven_value_is_not_hidden_by_a_bound_that_is_worse() {
        for (places, at, beside) in [
            (&[(3.5, true), (4.0, false)][..], 0, Some(1)),
            (&[(4.0, false), (0.5, true)], 1, Some(0)),
            (&[(4.0, true), (3.5, false)], 0, None),
            (&[(1.0, true), (2.0, true)], 1, None),
            (&[(1.0, false), (2.0, false)], 1, None),
            // As losses of tones are told, by their negative.
            (&[(-30.0, true), (-25.0, false), (-40.0, true)], 0, Some(1)),
            (&[(-25.0, false), (-20.0, false), (-30.0, true)], 2, Some(1)),
            (&[(-40.0, false), (-30.0, true)], 1, None),
        ] {
            assert_eq!(worst_of(places), Some(Worst { at, beside }), "{places:?}");
        }
        assert_eq!(worst_of(&[]), None);
    }

    #[test]
    fn of_equals_the_first_counts() {
        for is_proven in [true, false] {
            let places = [(1.0, is_proven), (2.0, is_proven), (2.0, is_proven)];
            assert_eq!(worst_of(&places), Some(Worst { at: 1, beside: None }));
        }
        // A bound no worse than what is proven adds nothing.
        for places in [[(2.0, true), (2.0, false)], [(2.0, false), (2.0, true)]] {
            let worst = worst_of(&places).unwrap();
            assert!(places[worst.at].1 && worst.beside.is_none(), "{worst:?}");
        }
        let open = [(1.0, true), (2.0, false), (2.0, false)];
        assert_eq!(worst_of(&open), Some(Worst { at: 0, beside: Some(1) }));
    }

    #[test]
    fn what_is_no_number_is_the_worst() {
        for nan in [f64::NAN, -f64::NAN] {
            assert_eq!(worst_of(&[(9.0, true), (nan, true), (f64::INFINITY, true)]).unwrap().at, 1);
            assert_eq!(worst_of(&[(9.0, true), (nan, false)]).unwrap().beside, Some(1));
        }
    }
}
