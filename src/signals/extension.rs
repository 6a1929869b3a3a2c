//! Speech for superwideband and fullband: recordings that end at 7.5 kHz, with synthetic sound above.
//!
//! **A stand-in, and named so.** The recordings that may be redistributed have 16 kHz. What P.1120 plays above them is
//! noise here, whose loudness follows the upper band of the speech itself and whose long-term spectrum continues
//! that of P.50: its formula to 8 kHz, from there a straight line of this project (class C) that stands in the
//! catalogue. It excites microphones, codecs and cancellers over the whole band at the times and with the levels of
//! speech; it is no speech, and no score of speech quality may be taken from it.
//!
//! Below the extension the signal is the same as without it, sample for sample up to what the noise's edge leaks.

use std::f64::consts::TAU;

use super::catalogue::{SignalSpec, SpeechSequence};
use super::generate::Base;
use super::lines::LineSpectrum;
use super::noise::p50_density_db;
use super::random::Random;
use super::speech::{self, Recording};
use super::{SignalError, SpeechSource};
use crate::dsp::curve::{Curve, Outside};
use crate::dsp::filter::Cascade;
use crate::dsp::resample::resample;

/// Where the formula of P.50 ends.
const P50_HIGHEST_HZ: f64 = 8_000.0;

/// The total of P.50 in third octaves from 100 Hz to 8 kHz: the level of speech to which its densities belong.
pub const P50_TOTAL_DB: f64 = 89.34;

/// The upper band of the speech, whose envelope the extension follows: where fricatives are.
const FOLLOWED_FROM_HZ: f64 = 2_500.0;

/// Order of the filter that cuts that band out.
const FOLLOWED_ORDER: u32 = 4;

/// Half length of the window over which the envelope is smoothed: syllables and fricatives stay, pitch goes.
const ENVELOPE_HALF_S: f64 = 0.010;

/// Period of the noise that is shaped. Its lines stand 0.5 Hz apart.
const PERIOD_S: f64 = 2.0;

/// Speech with an extension.
#[derive(Debug, Clone, PartialEq)]
pub struct Extension {
    /// The speech.
    pub speech: SpeechSequence,
    /// Seed of the floor under that speech.
    pub speech_seed: u64,
    /// The band of the extension.
    pub band_hz: std::ops::Range<f64>,
    /// What the sum may have over the active speech level; only the extension gives way. `None`: no limit.
    pub crest_max_db: Option<f64>,
    /// Density above the highest frequency of P.50: (Hz, dB relative to P.50 at 8 kHz).
    pub corners: Vec<(f64, f64)>,
}

impl Extension {
    /// Density in dB/Hz relative to the total level of the speech, at a frequency in the band.
    pub fn density_db(&self, freq_hz: f64) -> f64 {
        let p50 =
            p50_density_db(if freq_hz < P50_HIGHEST_HZ { freq_hz } else { P50_HIGHEST_HZ }) - P50_TOTAL_DB;
        let above = Curve::new(&self.corners).map_or(0.0, |curve| curve.at(freq_hz, Outside::Hold));
        if freq_hz < P50_HIGHEST_HZ { p50 } else { p50 + above }
    }
}

/// The extended speech of `spec` at `rate`: the lab's licensed recording, as it is, if there is one; else ours.
pub(super) fn base(
    spec: &SignalSpec,
    extension: &Extension,
    rate: u32,
    source: &dyn SpeechSource,
    seed: u64,
) -> Result<Base, SignalError> {
    if let Some(recording) = speech::licensed(spec, source)? {
        return speech::base_of_licensed(spec, &recording, rate);
    }
    if f64::from(rate) <= 2.0 * extension.band_hz.end {
        return Err(SignalError::Rate {
            id: spec.id.clone(),
            rate_hz: rate,
            remedy: format!("use a rate above {} Hz", 2.0 * extension.band_hz.end),
        });
    }
    let unextended = SignalSpec { seed: extension.speech_seed, ..spec.clone() };
    let mut base = speech::base(&unextended, &extension.speech, rate, source)?;
    let (recording, _) = speech::our_sequence(&unextended, &extension.speech, source)?;
    let mut envelope = resample(&envelope(&recording), recording.rate, rate);
    for x in &mut envelope {
        *x = x.max(0.0);
    }
    // The mean square of the envelope is that of the speech: what is shaped relative to the speech's level keeps it.
    let speech = mean_square(&base.samples);
    let followed = mean_square(&envelope);
    if followed == 0.0 {
        let reason = "its speech has no upper band to follow".to_owned();
        return Err(SignalError::Construction { id: spec.id.clone(), reason });
    }
    // Whole bits of f32, as every level that a generator takes from a meter.
    let gain = f64::from(libm::sqrt(speech / followed) as f32);
    let frames = libm::round(PERIOD_S * f64::from(rate)) as usize;
    let noise = noise(extension, seed).render(rate, frames);
    let mut above: Vec<f64> =
        envelope.iter().zip(noise.iter().cycle()).map(|(envelope, noise)| gain * envelope * noise).collect();
    if let Some(crest_db) = extension.crest_max_db {
        let threshold = libm::pow(10.0, crest_db / 20.0) / f64::from(base.gain as f32);
        // What the speech leaves under the threshold is what the extension may take.
        let room = base.samples.iter().zip(&above).map(|(speech, above)| {
            let room = (threshold - speech.abs()).max(0.0);
            if above.abs() > room { room / above.abs() } else { 1.0 }
        });
        let gain = speech::smooth_gain(&room.collect::<Vec<_>>(), rate);
        above.iter_mut().zip(gain).for_each(|(x, gain)| *x *= gain);
    }
    base.samples.iter_mut().zip(above).for_each(|(x, above)| *x += above);
    Ok(base)
}

fn mean_square(samples: &[f64]) -> f64 {
    samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64
}

/// The noise of the extension, relative to a speech of unit level.
fn noise(extension: &Extension, seed: u64) -> LineSpectrum {
    let spacing_hz = 1.0 / PERIOD_S;
    let mut random = Random::new(seed);
    let count = libm::floor(extension.band_hz.end / spacing_hz) as usize + 1;
    let lines = (0..count).map(|k| {
        let freq_hz = k as f64 * spacing_hz;
        if freq_hz < extension.band_hz.start {
            return (0.0, 0.0);
        }
        // A line of amplitude a carries a²/2 over its spacing.
        let power = libm::pow(10.0, extension.density_db(freq_hz) / 10.0) * spacing_hz;
        let (amplitude, angle) = (libm::sqrt(2.0 * power), TAU * random.uniform());
        (amplitude * libm::cos(angle), amplitude * libm::sin(angle))
    });
    LineSpectrum { spacing_hz, lines: lines.collect() }
}

/// The envelope of the upper band: the root of its power, smoothed by a triangle of 20 ms without delay.
fn envelope(recording: &Recording) -> Vec<f64> {
    let band = Cascade::butterworth_highpass(FOLLOWED_ORDER, recording.rate, FOLLOWED_FROM_HZ);
    let power: Vec<f64> = band.filtered(&recording.samples).iter().map(|x| x * x).collect();
    let half = libm::round(ENVELOPE_HALF_S * f64::from(recording.rate) / 2.0) as usize;
    // Two running means make a triangle.
    running_mean(&running_mean(&power, half), half).iter().map(|x| libm::sqrt(x.max(0.0))).collect()
}

/// The mean over `half` samples to each side; fewer at the ends.
fn running_mean(samples: &[f64], half: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(samples.len() + 1);
    sums.push(0.0);
    let mut sum = 0.0;
    for x in samples {
        sum += x;
        sums.push(sum);
    }
    (0..samples.len())
        .map(|n| {
            let (from, to) = (n.saturating_sub(half), (n + half + 1).min(samples.len()));
            (sums[to] - sums[from]) / (to - from) as f64
        })
        .collect()
}

#[cfg(test)]
mod tests;
