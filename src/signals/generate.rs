//! Makes a signal of unit level from its catalogue entry.

use std::f64::consts::TAU;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::catalogue::{BandLimit, Composite, Kind, LevelBasis, SignalSpec};
use super::composite::{self, PeriodError, rms};
use super::{
    Options, Signal, SignalError, SpeechSource, activation, am_fm, band, dialogue, extension, field, gate,
    noise, speech, sweep, voiced,
};

/// The rates at which composite signals keep their crest factor and every signal is pinned by its hash. Others work
/// too, where a period is a whole number of samples: 96 kHz does.
pub const RATES: [u32; 5] = [8_000, 16_000, 32_000, 44_100, 48_000];

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
    /// Which of the active spans carry the level of [`LevelBasis::ActiveRms`].
    pub level_spans: Range<usize>,
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
    generate_limited(spec, rate, source, options, None)
}

/// As [`generate`], limited to `band` too. The level on the signal's own basis is what it was before.
///
/// # Errors
/// As [`generate`], and where the band leaves nothing of the signal.
pub fn generate_limited(
    spec: &SignalSpec,
    rate: u32,
    source: &dyn SpeechSource,
    options: Options,
    band: Option<&BandLimit>,
) -> Result<Signal, SignalError> {
    let seconds = match options.seconds {
        Some(seconds) => seconds,
        None => natural_seconds(spec, source)?,
    };
    if !(libm::round(seconds * f64::from(rate)) >= 1.0 && seconds <= SECONDS_MAX) {
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
    let mut samples: Vec<f64> = (0..frames)
        .map(|n| {
            let x = gain * base.samples[n % period];
            if base.inverts && (n / period) % 2 == 1 { -x } else { x }
        })
        .collect();
    let mut active_spans: Vec<Range<usize>> = Vec::new();
    for start in (0..frames).step_by(period) {
        let moved =
            base.active.iter().map(|span| (start + span.start).min(frames)..(start + span.end).min(frames));
        active_spans.extend(moved.filter(|span| !span.is_empty()));
    }
    let level_spans = base.level_spans.start..base.level_spans.end.min(active_spans.len());
    let carries_level = match spec.level_basis {
        LevelBasis::ActiveRms => active_spans.get(level_spans).unwrap_or_default().to_vec(),
        _ => std::iter::once(0..frames).collect(),
    };
    for limit in [spec.band_limit.as_ref(), band].into_iter().flatten() {
        samples = band::limited(spec, &samples, rate, limit, &carries_level)?;
    }
    let hash = hash(&samples);
    Ok(Signal {
        id: spec.id.clone(),
        rate,
        samples,
        level_basis: spec.level_basis,
        cycle: base.cycle,
        active_spans,
        analysis: base.analysis_from.min(frames)
            ..frames
                .saturating_sub(libm::round(spec.analysis_tail_s() * f64::from(rate)) as usize)
                .max(base.analysis_from.min(frames)),
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
        Kind::Composite(one) => composite(spec, one, rate, seed)?,
        Kind::PseudoNoise(rule) => periodic(spec, composite::pseudo_noise(rule, rate, seed).map_err(error)?)?,
        Kind::ShapedNoise(one) => {
            let count = one.period_s * f64::from(rate);
            if count != libm::round(count) {
                return Err(period_error(spec, rate, PeriodError::Framing));
            }
            periodic(spec, noise::shaped_noise(one, seed).render(rate, count as usize))?
        }
        Kind::Sine { frequency_hz } => sine(spec, *frequency_hz, rate, frames)?,
        Kind::Voiced(sound) => {
            let gain = 1.0 / voiced::endless_rms(sound, rate);
            steady(spec, voiced::render(sound, rate, frames.max(1)), gain)
        }
        Kind::AmFm { comb, high_hz } => periodic(spec, am_fm::one_second(*comb, rate, *high_hz))?,
        Kind::Sweep(one) => {
            needs_rate_above(spec, rate, one.span_hz.end)?;
            let samples = sweep::render(one, rate, whole.max(1));
            let gain = 1.0 / rms(&samples);
            steady(spec, samples, gain)
        }
        Kind::Gated(one) => gate::gated(spec, one, rate, whole.max(1), seed, source)?,
        Kind::Sequence(parts) => gate::sequence(spec, parts, rate, source)?,
        Kind::Speech(sequence) => speech::base(spec, sequence, rate, source)?,
        Kind::Silence => Base { active: Vec::new(), ..steady(spec, vec![0.0; whole.max(1)], 1.0) },
        Kind::Dialogue(side) => dialogue::base(spec, side, rate, source, seed)?,
        Kind::WordRamp(ramp) => activation::base(spec, ramp, rate, source)?,
        Kind::Extended(extension) => extension::base(spec, extension, rate, source, seed)?,
        Kind::DrivingNoise(_) | Kind::RecordedNoise(_) => field::base(spec, rate, frames, source, seed)?,
    };
    Ok(base)
}

/// A signal without a period of its own, excited all the time.
fn steady(spec: &SignalSpec, samples: Vec<f64>, gain: f64) -> Base {
    Base {
        gain,
        cycle: None,
        inverts: false,
        active: std::iter::once(0..samples.len()).collect(),
        level_spans: 0..usize::MAX,
        samples,
        analysis_from: 0,
        method_equivalent: spec.method_equivalent,
    }
}

/// Periods of a composite signal, each with the opposite sign of the one before, until it begins anew.
fn composite(spec: &SignalSpec, one: &Composite, rate: u32, seed: u64) -> Result<Base, SignalError> {
    let period = composite::period(one, rate, seed).map_err(|error| period_error(spec, rate, error))?;
    let (cycle, bursts) = (period.samples.len(), one.bursts as usize);
    let mut samples = Vec::with_capacity(cycle * bursts);
    for burst in 0..bursts {
        let sign = if burst % 2 == 0 { 1.0 } else { -1.0 };
        let gain = sign * libm::pow(10.0, burst as f64 * one.step_db / 20.0);
        samples.extend(period.samples.iter().map(|x| gain * x));
    }
    let level = match spec.level_basis {
        // Of the first burst: the others rise from there.
        LevelBasis::ActiveRms => rms(&period.samples[period.active.clone()]),
        _ => rms(&samples),
    };
    Ok(Base {
        cycle: (bursts == 1).then_some(cycle),
        active: (0..bursts).map(|burst| burst * cycle..burst * cycle + period.active.end).collect(),
        level_spans: if one.step_db == 0.0 { 0..usize::MAX } else { 0..1 },
        gain: 1.0 / level,
        inverts: bursts % 2 == 1,
        samples,
        analysis_from: 0,
        method_equivalent: spec.method_equivalent,
    })
}

fn periodic(spec: &SignalSpec, samples: Vec<f64>) -> Result<Base, SignalError> {
    let level = rms(&samples);
    if level == 0.0 {
        return Err(SignalError::Construction {
            id: spec.id.clone(),
            reason: "no line of the noise is below half the sample rate".to_owned(),
        });
    }
    Ok(Base { cycle: Some(samples.len()), ..steady(spec, samples, 1.0 / level) })
}

/// A frequency that the rate cannot hold is refused.
fn needs_rate_above(spec: &SignalSpec, rate: u32, frequency_hz: f64) -> Result<(), SignalError> {
    if frequency_hz < f64::from(rate) / 2.0 {
        return Ok(());
    }
    Err(SignalError::Rate {
        id: spec.id.clone(),
        rate_hz: rate,
        remedy: format!("use a rate above {} Hz", 2.0 * frequency_hz),
    })
}

/// A sine of whole length: no seam, whatever the frequency. Amplitude √2 is 0 dBov.
fn sine(spec: &SignalSpec, frequency_hz: f64, rate: u32, frames: usize) -> Result<Base, SignalError> {
    needs_rate_above(spec, rate, frequency_hz)?;
    let step = frequency_hz / f64::from(rate);
    let samples = (0..frames.max(1)).map(|n| {
        let turns = step * n as f64;
        libm::sin(TAU * (turns - libm::floor(turns)))
    });
    Ok(steady(spec, samples.collect(), std::f64::consts::SQRT_2))
}

pub(super) fn period_error(spec: &SignalSpec, rate: u32, error: PeriodError) -> SignalError {
    let id = spec.id.clone();
    match error {
        PeriodError::Framing => SignalError::Rate {
            id,
            rate_hz: rate,
            remedy:
                "its period is no whole number of samples there: use 8000, 16000, 32000, 44100, 48000 or 96000 Hz"
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
