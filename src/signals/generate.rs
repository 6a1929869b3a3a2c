//! Makes a signal of unit level from its catalogue entry.

use std::f64::consts::TAU;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::catalogue::{Kind, LevelBasis, SignalSpec};
use super::composite::{self, PeriodError, rms};
use super::{Options, Signal, SignalError, SpeechSource, speech};

/// Longest signal that can be asked for: an hour, far above any take.
pub const SECONDS_MAX: f64 = 3_600.0;

/// What a kind of signal makes before repeating, cutting and scaling.
pub(super) struct Base {
    pub samples: Vec<f64>,
    /// Factor that brings the level to 0 dBov.
    pub gain: f64,
    /// Frames of one period, and whether every second one is inverted.
    pub cycle: Option<usize>,
    pub inverts: bool,
    pub active: Vec<Range<usize>>,
    pub analysis_from: usize,
    pub method_equivalent: bool,
}

/// The signal `spec` at `rate`, with its level at 0 dBov on its own basis.
///
/// A longer length than the catalogue's repeats the signal, a shorter one cuts it; the level stays
/// that of the whole.
///
/// # Errors
/// A rate without exact framing, a length that is none, a recording that is missing or unusable.
pub fn generate(
    spec: &SignalSpec,
    rate: u32,
    source: &dyn SpeechSource,
    options: Options,
) -> Result<Signal, SignalError> {
    let seconds = match options.seconds {
        Some(seconds) => seconds,
        None => natural_seconds(spec, source)?,
    };
    if !(seconds > 0.0 && seconds <= SECONDS_MAX) {
        return Err(SignalError::Seconds { id: spec.id.clone(), seconds });
    }
    if !(8_000..=192_000).contains(&rate) {
        return Err(SignalError::Rate {
            id: spec.id.clone(),
            rate_hz: rate,
            remedy: "use 8000 to 192000 Hz".to_owned(),
        });
    }
    let frames = libm::round(seconds * f64::from(rate)) as usize;
    let whole = libm::round(spec.seconds * f64::from(rate)) as usize;
    let base = base(spec, rate, whole, frames, source, options)?;
    // Whole bits of f32: the last bit of a level meter may differ between processors.
    let gain = f64::from(base.gain as f32);
    let period = base.samples.len();
    let samples: Vec<f64> = (0..frames)
        .map(|n| {
            let x = gain * base.samples[n % period];
            if base.inverts && (n / period) % 2 == 1 { -x } else { x }
        })
        .collect();
    let mut active_spans = Vec::new();
    for start in (0..frames).step_by(period) {
        let moved =
            base.active.iter().map(|span| (start + span.start).min(frames)..(start + span.end).min(frames));
        active_spans.extend(moved.filter(|span| !span.is_empty()));
    }
    let hash = hash(&samples);
    Ok(Signal {
        id: spec.id.clone(),
        rate,
        samples,
        level_basis: spec.level_basis,
        cycle: base.cycle,
        active_spans,
        analysis: base.analysis_from.min(frames)..frames,
        method_equivalent: base.method_equivalent,
        hash,
    })
}

/// How long `spec` lasts unless a length is asked for: the catalogue's duration, or that of the lab's
/// licensed recording where there is one.
///
/// # Errors
/// A recording that is unusable.
pub fn natural_seconds(spec: &SignalSpec, source: &dyn SpeechSource) -> Result<f64, SignalError> {
    match speech::licensed(spec, source)? {
        Some(recording) => Ok(recording.samples.len() as f64 / f64::from(recording.rate)),
        None => Ok(spec.seconds),
    }
}

fn base(
    spec: &SignalSpec,
    rate: u32,
    whole: usize,
    frames: usize,
    source: &dyn SpeechSource,
    options: Options,
) -> Result<Base, SignalError> {
    let seed = options.seed.unwrap_or(spec.seed);
    let error = |error: PeriodError| period_error(spec, rate, error);
    let base = match &spec.kind {
        Kind::Composite(composite) => {
            let period = composite::period(composite, rate, seed).map_err(error)?;
            let level = match spec.level_basis {
                LevelBasis::ActiveRms => rms(&period.samples[period.active.clone()]),
                _ => rms(&period.samples),
            };
            Base {
                cycle: Some(period.samples.len()),
                active: vec![period.active],
                gain: 1.0 / level,
                inverts: true,
                samples: period.samples,
                analysis_from: 0,
                method_equivalent: spec.method_equivalent,
            }
        }
        Kind::PseudoNoise(rule) => {
            let seconds = f64::from(rule.points) / f64::from(rule.rate_hz);
            let lines = composite::line_noise(rule, seconds, seed).map_err(error)?;
            let count = rule.points as usize * rate as usize;
            if !count.is_multiple_of(rule.rate_hz as usize) {
                return Err(period_error(spec, rate, PeriodError::Framing));
            }
            periodic(spec, lines.render(rate, count / rule.rate_hz as usize))?
        }
        Kind::ShapedNoise(noise) => {
            let count = noise.period_s * f64::from(rate);
            if count != libm::round(count) {
                return Err(period_error(spec, rate, PeriodError::Framing));
            }
            periodic(spec, composite::p50_noise(noise, seed).render(rate, count as usize))?
        }
        Kind::Sine { frequency_hz } => sine(spec, *frequency_hz, rate, frames)?,
        Kind::Speech(sequence) => speech::base(spec, sequence, rate, source)?,
        Kind::Silence => Base {
            samples: vec![0.0; whole.max(1)],
            gain: 1.0,
            cycle: None,
            inverts: false,
            active: Vec::new(),
            analysis_from: 0,
            method_equivalent: spec.method_equivalent,
        },
    };
    Ok(base)
}

fn periodic(spec: &SignalSpec, samples: Vec<f64>) -> Result<Base, SignalError> {
    let level = rms(&samples);
    if level == 0.0 {
        return Err(SignalError::Construction {
            id: spec.id.clone(),
            reason: "no line of the noise is below half the sample rate".to_owned(),
        });
    }
    Ok(Base {
        gain: 1.0 / level,
        cycle: Some(samples.len()),
        inverts: false,
        active: std::iter::once(0..samples.len()).collect(),
        samples,
        analysis_from: 0,
        method_equivalent: spec.method_equivalent,
    })
}

/// A sine of whole length: no seam, whatever the frequency. Amplitude √2 is 0 dBov.
fn sine(spec: &SignalSpec, frequency_hz: f64, rate: u32, frames: usize) -> Result<Base, SignalError> {
    if frequency_hz >= f64::from(rate) / 2.0 {
        return Err(SignalError::Rate {
            id: spec.id.clone(),
            rate_hz: rate,
            remedy: format!("use a rate above {} Hz", 2.0 * frequency_hz),
        });
    }
    let step = frequency_hz / f64::from(rate);
    let samples = (0..frames.max(1)).map(|n| {
        let turns = step * n as f64;
        libm::sin(TAU * (turns - libm::floor(turns)))
    });
    Ok(Base {
        samples: samples.collect(),
        gain: std::f64::consts::SQRT_2,
        cycle: None,
        inverts: false,
        active: std::iter::once(0..frames.max(1)).collect(),
        analysis_from: 0,
        method_equivalent: spec.method_equivalent,
    })
}

fn period_error(spec: &SignalSpec, rate: u32, error: PeriodError) -> SignalError {
    let id = spec.id.clone();
    match error {
        PeriodError::Framing => SignalError::Rate {
            id,
            rate_hz: rate,
            remedy:
                "its period is no whole number of samples there: use 8000, 16000, 32000, 44100 or 48000 Hz, \
                     pseudo-noise only its own rate and multiples"
                    .to_owned(),
        },
        PeriodError::Crest => SignalError::Construction {
            id,
            reason:
                "no stream of this seed has the crest factor that the catalogue asks for; choose another seed"
                    .to_owned(),
        },
        PeriodError::Empty => SignalError::Construction {
            id,
            reason: "no line of its spectrum is below half the sample rate".to_owned(),
        },
    }
}

/// SHA-256 over the samples rounded to f32, little-endian.
pub fn hash(samples: &[f64]) -> String {
    let mut hasher = Sha256::new();
    for x in samples {
        hasher.update((*x as f32).to_le_bytes());
    }
    hex(&hasher.finalize())
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
