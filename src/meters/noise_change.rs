//! How the noise of one span differs from that of another: A-weighted level and third octaves.
//!
//! Used for comfort noise, noise after call set-up and noise under speech (P.1100, P.1110, P.1120 clause 11.14). Both
//! spans are averaged in segments of half a second (Hann window, half overlapped): the window keeps the low end of a
//! car's noise, tens of decibels above the rest, out of the bands above it.

use std::ops::Range;

use super::MeterError;
use super::timeline;
use crate::dsp::bands::{Band, Bands};
use crate::dsp::spectrum::{Psd, WelchSettings, power_spectrum_density};
use crate::dsp::weighting::Weighting;
use crate::units::{Db, Seconds};

/// Length of a segment: its bins, 2 Hz apart, resolve the third octave at 50 Hz.
pub const SEGMENT: Seconds = Seconds(0.5);
/// The lowest band.
const FIRST_HZ: f64 = 50.0;
/// The highest band, where the rate allows it.
const LAST_HZ: f64 = 20_000.0;

/// A change of noise from span a to span b.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseChange {
    /// A-weighted level of b less that of a.
    pub a_weighted: Db,
    /// Level of b less that of a in third octaves from 50 Hz to the last one below Nyquist; NaN where both are silent.
    pub bands: Vec<(Band, Db)>,
}

/// The noise in span `b_s` relative to that in span `a_s`, both in seconds of the recording.
///
/// # Errors
/// A span is empty, shorter than a segment, or reaches beyond the recording; the spans overlap; span a is silent.
pub fn noise_change(
    signal: &[f64],
    rate: u32,
    a_s: &Range<f64>,
    b_s: &Range<f64>,
) -> Result<NoiseChange, MeterError> {
    let a = timeline::frames_of(a_s, rate, signal.len())?;
    let b = timeline::frames_of(b_s, rate, signal.len())?;
    if a.start < b.end && b.start < a.end {
        return Err(MeterError::asked(
            format!("the spans {}..{} s and {}..{} s overlap", a_s.start, a_s.end, b_s.start, b_s.end),
            "choose spans that have nothing in common",
        ));
    }
    timeline::finite(&signal[a.clone()], "span a")?;
    timeline::finite(&signal[b.clone()], "span b")?;
    let (a, b) = (density(&signal[a], rate)?, density(&signal[b], rate)?);
    if a.total_power() == 0.0 {
        return Err(crate::dsp::DspError::Silent { which: "span a" }.into());
    }
    let weighted = |psd: &Psd| Weighting::A.apply_to_psd(psd).total_power();
    let bands = Bands::third_octave(FIRST_HZ, LAST_HZ.min(a.nyquist_hz));
    let powers = bands.powers_of_psd(&a).into_iter().zip(bands.powers_of_psd(&b));
    let bands = bands
        .iter()
        .zip(powers)
        .filter(|(band, _)| band.upper_hz <= a.nyquist_hz)
        .map(|(band, (of_a, of_b))| (*band, Db::from_power(of_b / of_a)))
        .collect();
    Ok(NoiseChange { a_weighted: Db::from_power(weighted(&b) / weighted(&a)), bands })
}

fn density(signal: &[f64], rate: u32) -> Result<Psd, MeterError> {
    let size = SEGMENT.frames(rate) as usize;
    if signal.len() < size {
        return Err(MeterError::asked(
            format!("a span of {:.3} s is too short", signal.len() as f64 / f64::from(rate)),
            format!("choose spans of at least {} s", SEGMENT.0),
        ));
    }
    Ok(power_spectrum_density(signal, rate, &WelchSettings::hann(size))?)
}
