//! Speech quality scores by published models: PESQ, ViSQOL, STOI. The only file that names their libraries.
//!
//! A score is worth nothing without the name of what made it: implementations of one model differ by tenths, modes and
//! mappings by whole points. Each score carries model, version and mapping; a pair that a model cannot judge (silence,
//! strangers, shifted, cut) is refused with its reason. None of them is P.863.
//!
//! - PESQ aligns and levels on its own; held against the C code of the ITU.
//! - STOI is the formula of its authors (`quality/stoi.rs`); held against another implementation.
//! - ViSQOL has no independent truth here: its implementations disagree by a point or more on the same pair. Compare its
//!   scores with scores of this program only.

use super::MeterError;
use crate::dsp::align::{DelaySearch, find_delay};
use crate::dsp::level::{active_speech_level, peak};
use crate::units::Seconds;

pub mod stoi;

/// A model with its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// P.862, narrowband, at 8 kHz.
    PesqNarrowband,
    /// P.862.2, wideband, at 16 kHz.
    PesqWideband,
    /// ViSQOL version 3, speech mode, at 16 kHz.
    Visqol,
    /// Short-time objective intelligibility.
    Stoi,
}

impl Model {
    /// Every model.
    pub const ALL: [Self; 4] = [Self::PesqNarrowband, Self::PesqWideband, Self::Visqol, Self::Stoi];

    /// The word of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PesqNarrowband => "pesq-nb",
            Self::PesqWideband => "pesq-wb",
            Self::Visqol => "visqol",
            Self::Stoi => "stoi",
        }
    }

    /// Model, mode and implementation.
    pub const fn title(self) -> &'static str {
        match self {
            Self::PesqNarrowband => "PESQ, P.862 narrowband at 8 kHz",
            Self::PesqWideband => "PESQ, P.862.2 wideband at 16 kHz",
            Self::Visqol => "ViSQOL v3, speech mode at 16 kHz",
            Self::Stoi => "STOI (Taal et al. 2011), at 10 kHz",
        }
    }

    /// The implementation and its version; a test holds it against `Cargo.lock`.
    pub const fn version(self) -> &'static str {
        match self {
            Self::PesqNarrowband | Self::PesqWideband => "pesq 0.2.0 (Rust)",
            Self::Visqol => "visqol-rs 0.4.1",
            Self::Stoi => concat!("lombard ", env!("CARGO_PKG_VERSION")),
        }
    }

    /// How the number came to be.
    pub const fn mapping(self) -> &'static str {
        match self {
            Self::PesqNarrowband => "MOS-LQO by P.862.1",
            Self::PesqWideband => "MOS-LQO by P.862.2",
            Self::Visqol => {
                "MOS-LQO by the exponential fit to speech, scaled so that identical signals have 5"
            }
            Self::Stoi => "none: a correlation, 0 to 1, no MOS",
        }
    }

    /// The only rate that the model takes, in frames per second.
    pub const fn rate(self) -> Option<u32> {
        match self {
            Self::PesqNarrowband => Some(8000),
            Self::PesqWideband | Self::Visqol => Some(16_000),
            Self::Stoi => None,
        }
    }

    /// How far the recording may be off: PESQ and ViSQOL align on their own, STOI compares frame by frame.
    const fn delay_max_ms(self) -> f64 {
        match self {
            Self::PesqNarrowband | Self::PesqWideband => 500.0,
            Self::Visqol => 100.0,
            Self::Stoi => 2.0,
        }
    }
}

/// A score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The number, on the scale of [`Model::mapping`].
    pub score: f64,
    /// PESQ's raw score, before the mapping.
    pub raw: Option<f64>,
    /// The model.
    pub model: Model,
    /// The delay that was found between the two.
    pub delay: Seconds,
}

/// The shortest signal that a model can judge, and the longest difference of two lengths.
const SHORTEST: Seconds = Seconds(1.0);
const LENGTHS_DIFFER_MAX: Seconds = Seconds(1.0);

/// Scores `degraded` against `reference`, both in ±1 of full scale.
///
/// # Errors
/// The rate is not the model's, a signal is silent, too short or no speech, the two don't belong together, are shifted or
/// of different lengths, or the model finds nothing to compare.
pub fn score(model: Model, reference: &[f64], degraded: &[f64], rate: u32) -> Result<Score, MeterError> {
    if model.rate().is_some_and(|wanted| wanted != rate) {
        return Err(MeterError::asked(
            format!("{} takes files of one rate only, these have {rate} Hz", model.title()),
            "convert both with a resampler that you can name: the score depends on it",
        ));
    }
    let delay = check(model, reference, degraded, rate)?;
    let (score, raw) = match model {
        Model::PesqNarrowband | Model::PesqWideband => pesq(model, reference, degraded)?,
        Model::Visqol => (visqol(reference, degraded, rate)?, None),
        Model::Stoi => (stoi::stoi(reference, degraded, rate)?, None),
    };
    if !score.is_finite() {
        return Err(MeterError::asked(
            "the model gave no number",
            "check both signals: one may hold too little speech",
        ));
    }
    Ok(Score { score, raw, model, delay })
}

/// Both must hold speech, belong together, and be aligned as far as the model needs it.
fn check(model: Model, reference: &[f64], degraded: &[f64], rate: u32) -> Result<Seconds, MeterError> {
    let seconds = |signal: &[f64]| signal.len() as f64 / f64::from(rate);
    for (name, signal) in [("REF", reference), ("DEGRADED", degraded)] {
        if seconds(signal) < SHORTEST.0 {
            return Err(MeterError::asked(
                format!("{name} lasts {:.2} s", seconds(signal)),
                format!("a score needs at least {} s, better 8 s of speech", SHORTEST.0),
            ));
        }
        if active_speech_level(signal, rate).active().is_none() {
            return Err(MeterError::asked(format!("{name} is silent"), "check level, mute and routing"));
        }
    }
    let differ = (seconds(reference) - seconds(degraded)).abs();
    if differ > LENGTHS_DIFFER_MAX.0 {
        return Err(MeterError::asked(
            format!("the lengths differ by {differ:.2} s"),
            "cut both to the same speech: the model would compare speech with nothing",
        ));
    }
    let found = find_delay(reference, degraded, rate, &DelaySearch::between(Seconds(-1.0), Seconds(1.0)))?;
    if !found.stands_out() {
        return Err(MeterError::asked(
            format!(
                "the two don't belong together, or lie more than a second apart: their correlation of {:.3} is not above \
                 twice what chance gives, {:.3}",
                found.correlation, found.chance
            ),
            "score a recording against what was played",
        ));
    }
    let late_ms = found.delay.as_ms();
    if late_ms.abs() > model.delay_max_ms() {
        return Err(MeterError::asked(
            format!("DEGRADED is {late_ms:.1} ms late, {} takes {} ms", model.word(), model.delay_max_ms()),
            "align the two: cut the delay, as `lombard measure delay` tells it",
        ));
    }
    Ok(found.delay)
}

/// Samples as 16-bit integers, which is what PESQ is defined on. It levels both signals on its own; a quiet one is first
/// doubled until it fills the upper half of the range, else its rounding would count as noise. What had 16 bits before
/// stays exact.
fn pcm(signal: &[f64]) -> Vec<i16> {
    let top = peak(signal);
    let gain = if top > 0.0 { libm::exp2(libm::floor(-libm::log2(top) - 1e-9).max(0.0)) } else { 1.0 };
    signal
        .iter()
        .map(|x| x * gain)
        .map(|x| (x * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16)
        .collect()
}

/// The mapped and, in narrowband, the raw score.
fn pesq(model: Model, reference: &[f64], degraded: &[f64]) -> Result<(f64, Option<f64>), MeterError> {
    let (reference, degraded) = (pcm(reference), pcm(degraded));
    let refused = |error: pesq::PesqError| {
        MeterError::asked(
            format!("PESQ finds nothing to judge ({error})"),
            "use 8 s of speech at −26 dBov or so",
        )
    };
    if model == Model::PesqWideband {
        return Ok((f64::from(pesq::pesq_wb(&reference, &degraded).map_err(refused)?), None));
    }
    let raw = f64::from(pesq::pesq_8k(&reference, &degraded).map_err(refused)?);
    Ok((f64::from(pesq::score::mos_lqo(raw)), Some(raw)))
}

#[cfg(feature = "visqol")]
fn visqol(reference: &[f64], degraded: &[f64], rate: u32) -> Result<f64, MeterError> {
    use visqol_rs::audio_signal::AudioSignal;
    use visqol_rs::constants::NUM_BANDS_SPEECH;
    use visqol_rs::variant::Variant;
    use visqol_rs::visqol_manager::VisqolManager;

    /// Patches of the search, as the model's authors set it.
    const SEARCH_WINDOW: usize = 60;
    let refused = |reason: String| {
        MeterError::asked(format!("ViSQOL finds nothing to judge ({reason})"), "use 5 to 10 s of speech")
    };
    // The library panics on pairs in which it finds no speech; such a pair is bad input, not a broken program.
    let outcome = std::panic::catch_unwind(|| {
        let mut manager = VisqolManager::<NUM_BANDS_SPEECH>::new(
            Variant::Wideband { use_unscaled_mos_mapping: false },
            SEARCH_WINDOW,
        );
        let mut reference = AudioSignal::new(reference, rate);
        let mut degraded = AudioSignal::new(degraded, rate);
        manager.compute_results(&mut reference, &mut degraded).map(|result| result.moslqo)
    });
    match outcome {
        Ok(Ok(score)) => Ok(score),
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(_) => Err(refused("the library gave up".to_owned())),
    }
}

#[cfg(not(feature = "visqol"))]
fn visqol(_: &[f64], _: &[f64], _: u32) -> Result<f64, MeterError> {
    Err(MeterError::asked(
        "this program was built without ViSQOL",
        "build it with `--features visqol`, or choose another model",
    ))
}

#[cfg(test)]
mod tests;
