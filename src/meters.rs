//! Meters of telephonometry on plain signals: what `lombard measure` reads from files, and what the methods use.
//!
//! A meter takes slices of samples (mono, in any unit) with their rate and gives a reading; it knows neither plans nor
//! limits nor files, and never resamples, mixes or normalizes what it is given. Its tests hold it against truths of other
//! origin; `docs/accuracy.md` prints what is left.

pub mod activation;
pub mod distortion;
pub mod double_talk;
pub mod echo_attenuation;
pub mod noise_change;
pub mod timeline;

use crate::dsp::DspError;

pub mod band_energy;
pub mod bands;
pub mod ceiling;
pub mod comb;
pub mod coupling;
pub mod delay;
pub mod line_gain;
pub mod loudness;
pub mod monitor;
pub mod quality;
pub mod response;
pub mod separation;

/// Why a meter gives no reading.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MeterError {
    /// The signal cannot be analyzed.
    #[error(transparent)]
    Signal(#[from] DspError),
    /// What was asked for makes no sense with these signals.
    #[error("{what}: {remedy}")]
    Asked {
        /// What does not fit.
        what: String,
        /// What to do.
        remedy: String,
    },
}

impl MeterError {
    /// A request that does not fit.
    pub fn asked(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Asked { what: what.into(), remedy: remedy.into() }
    }
}
