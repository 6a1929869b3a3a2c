//! Signal processing for meters and signals: pure functions on slices, f64 for every meter.
//!
//! Conventions of the whole layer:
//!
//! - A signal is a mono slice; `rate` is its sampling rate in frames per second.
//! - A *power* is a mean square in the square of the signal's unit: a sine of amplitude 1 has 0.5,
//!   and a power of 1.0 is 0 dBov (or 0 dBPa, 0 dBV when the signal is in pascals or volts).
//! - Spectra are one-sided and hold power, so that their sum is the mean square (Parseval). All
//!   scaling stands in [`spectrum`], which is also the only file that names an FFT library.
//! - NaN in a signal gives NaN, never a plausible number.
//! - [`filter`], [`resample`] and [`curve`] use portable arithmetic only (no FFT, `libm` for
//!   transcendental functions; the streaming convolver is the exception), so that signals made with
//!   them have the same bits everywhere.

pub mod curve;

pub mod spectrum;

pub mod bands;
pub mod transfer;
pub mod weighting;

pub mod level;

pub mod filter;
pub mod partition;

pub mod filter_bank;
pub mod weighting_filter;

pub mod resample;

pub mod align;

/// Why a signal could not be analyzed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DspError {
    /// There are fewer frames than the analysis needs.
    #[error(
        "the signal has {found} frames, the analysis needs {needed}: record longer or analyze a shorter block"
    )]
    TooShort {
        /// Frames needed.
        needed: usize,
        /// Frames found.
        found: usize,
    },
    /// The signal holds no energy, so there is nothing to relate to.
    #[error("the {which} is silent: check its level and its routing")]
    Silent {
        /// Which of the signals.
        which: &'static str,
    },
    /// The signal holds NaN or an infinity.
    #[error("the {which} holds a value that is not finite: the recording is damaged, record it again")]
    NotFinite {
        /// Which of the signals.
        which: &'static str,
    },
    /// The search range holds no lag at which the two signals overlap.
    #[error("the search range {min_ms} to {max_ms} ms holds no lag at which the signals overlap: widen it")]
    EmptyRange {
        /// Lower end in milliseconds.
        min_ms: f64,
        /// Upper end in milliseconds.
        max_ms: f64,
    },
}
