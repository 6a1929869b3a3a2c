//! What the methods share when they evaluate: tracks in their plane, band energies beside the idle noise, and what every
//! finding says.

use std::ops::Range;

use crate::capture::Take;
use crate::context::{EvalCx, Track};
use crate::dsp::bands::Bands;
use crate::dsp::spectrum::{fast_len, power_spectrum};
use crate::finding::{Finding, Influence, Unmeasurable};
use crate::take::{Frame, RATE};
use crate::terms::Port;
use crate::units::Unit;
use crate::verdict::Flag;

/// A band in which the recording is less than this above the idle noise says nothing about the signal.
pub const ABOVE_NOISE_MIN_DB: f64 = 6.0;

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

/// The power that a port of this track records as coded silence, in the square of the track's unit.
pub fn coded_silence(cx: &EvalCx<'_>, port: &Port) -> f64 {
    let factor = cx.bench.ports.get(port).map_or(1.0, |info| info.calibration.unit_per_sample());
    CODED_SILENCE * factor * factor
}

/// The energy of each band in a part of a track, in unit² frames. The record is analyzed whole, without window, so that
/// no part of a transient is lost; zeros are appended to a length that transforms fast.
pub fn band_energies(part: &[f64], bands: &Bands) -> Vec<f64> {
    let mut padded = part.to_vec();
    padded.resize(fast_len(part.len()), 0.0);
    let spectrum = power_spectrum(&padded, RATE);
    bands.powers(&spectrum).iter().map(|power| power * padded.len() as f64).collect()
}

/// What was recorded in each band, and what of it may be noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Energies with the noise in them.
    pub total: Vec<f64>,
    /// Energies of the idle noise in a window of the same length.
    pub noise: Vec<f64>,
}

impl Recorded {
    /// Reads a window of a track, and its idle span.
    pub fn read(track: &Track, window: Range<Frame>, idle: Range<Frame>, bands: &Bands) -> Self {
        let share = window.end.saturating_sub(window.start) as f64 / (idle.end - idle.start).max(1) as f64;
        let noise = band_energies(track.slice(idle), bands).iter().map(|energy| energy * share).collect();
        Self { total: band_energies(track.slice(window), bands), noise }
    }

    /// Whether a band cannot be told from noise.
    pub fn is_noise(&self, band: usize) -> bool {
        let total = self.total[band];
        // NaN stands out of nothing.
        let stands_out = total > 0.0 && total >= self.noise[band] * 10f64.powf(ABOVE_NOISE_MIN_DB / 10.0);
        !stands_out
    }

    /// The energies without the noise; 0 where there is nothing else.
    pub fn without_noise(&self) -> Vec<f64> {
        self.total.iter().zip(&self.noise).map(|(total, noise)| (total - noise).max(0.0)).collect()
    }
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
    let all: f64 = energies.iter().sum();
    let floor = all * 10f64.powf(-MISSING_BELOW_DB / 10.0);
    let missing: Vec<usize> = positions.filter(|&i| energies[i] <= floor).collect();
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
    fn energies_do_not_depend_on_the_length_of_the_window() {
        let bands = Bands::third_octave(1000.0, 1000.0);
        let tone = |frames: usize| -> Vec<f64> {
            let mut part: Vec<f64> =
                (0..4800).map(|n| (std::f64::consts::TAU * 1000.0 / 48e3 * f64::from(n)).sin()).collect();
            part.resize(frames, 0.0);
            part
        };
        let short = band_energies(&tone(4801), &bands)[0];
        let long = band_energies(&tone(20_011), &bands)[0];
        // The tone has 2400 unit² frames; a burst of 0.1 s keeps 99 % of it within the band. Bins that an edge cuts
        // are wide for the short one: 0.01 dB.
        assert!((short / 2400.0 - 1.0).abs() < 0.01 && (long / short - 1.0).abs() < 2e-3, "{short} {long}");
    }

    #[test]
    fn noise_is_told_by_six_decibels() {
        let recorded = Recorded { total: vec![3.9, 4.0, 0.5], noise: vec![1.0; 3] };
        assert_eq!([recorded.is_noise(0), recorded.is_noise(1), recorded.is_noise(2)], [true, false, true]);
        assert_eq!(recorded.without_noise(), [2.9, 3.0, 0.0]);
    }
}
