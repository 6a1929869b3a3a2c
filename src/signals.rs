//! Test signals: generated and recorded, from one catalogue, identical on every machine.
//!
//! `signals/catalogue.toml` names every signal with its role, its source and how far that source
//! has been verified. [`Catalogue::parse`] reads it, [`generate()`] makes a [`Signal`] of unit level,
//! [`at_level`] scales it for playback and refuses to clip, [`import::match_licensed`] takes a
//! lab's own recordings in.
//!
//! **Identical everywhere.** A generator uses the project's own random numbers ([`random`]), the
//! portable functions of `libm`, plain IEEE additions and multiplications in a fixed order, and
//! its own inverse DFT ([`lines`]): FFT libraries choose instructions by processor and differ in
//! the last bits. Samples are rounded to f32 before they are hashed.
//!
//! **Pure.** Recordings reach the generators through a [`SpeechSource`]; no file is opened here.

use std::ops::Range;

use crate::units::Db;

pub mod activation;
pub mod am_fm;
pub mod band;
pub mod builtin;
pub mod catalogue;
pub mod composite;
pub mod conversation;
pub mod dialogue;
pub mod extension;
pub mod field;
mod gate;
pub mod generate;
pub mod import;
pub mod library;
pub mod lines;
pub mod noise;
pub mod noise_record;
pub mod random;
mod read;
pub mod render;
mod seam;
pub mod speech;
pub mod sweep;
pub mod voiced;

pub use builtin::{BuiltinSpeech, WithImported};
pub use catalogue::{BandLimit, Catalogue, Kind, LevelBasis, Licensed, SignalSpec};
pub use generate::{RATES, generate, generate_limited, natural_seconds};
pub use library::{Library, Outline};
pub use render::{RenderError, at_level};

/// Where recordings come from: shipped files, files of the lab, a test's own bytes.
pub trait SpeechSource: Sync {
    /// The bytes of the WAV file called `name`, as the catalogue writes it; `None` if there is none.
    fn wav(&self, name: &str) -> Option<std::borrow::Cow<'_, [u8]>>;
}

/// What a caller may choose about a signal beyond its catalogue entry.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Options {
    /// Length in seconds: the signal is repeated or cut to it. `None`: the catalogue's duration.
    pub seconds: Option<f64>,
    /// Seed of the random phases. `None`: the catalogue's seed, whose hash is pinned.
    pub seed: Option<u64>,
}

/// A signal ready to be scaled and played.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// The catalogue id.
    pub id: String,
    /// Frames per second.
    pub rate: u32,
    /// Samples whose level, on `level_basis`, is 0 dBov (a mean square of 1.0); silence is all zeros.
    pub samples: Vec<f64>,
    /// What the level of 0 dBov refers to.
    pub level_basis: LevelBasis,
    /// Frames of one period, where the signal is periodic (polarity alternation aside).
    pub cycle: Option<usize>,
    /// Frames in which the excitation is on: bursts of a composite signal, sentences of speech.
    pub active_spans: Vec<Range<usize>>,
    /// Frames to analyze: the whole signal, or what is left after the part that is discarded.
    pub analysis: Range<usize>,
    /// Whether a licensed recording is replaced by the project's own stand-in.
    pub method_equivalent: bool,
    /// SHA-256 over the samples as little-endian f32, in hexadecimal.
    pub hash: String,
}

impl Signal {
    /// Peak over the level of 0 dBov, which is the crest factor on the level's own basis.
    pub fn crest(&self) -> Db {
        let peak = self.samples.iter().fold(0.0_f64, |peak, x| peak.max(x.abs()));
        Db::from_amplitude(peak)
    }

    /// Duration in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }
}

/// Why a signal could not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SignalError {
    /// No signal has this id.
    #[error("there is no signal '{id}'; known are {known}")]
    Unknown {
        /// The signal asked for.
        id: String,
        /// Every id.
        known: String,
    },
    /// A rate at which the signal has no exact framing or no content.
    #[error("signal '{id}' cannot be made at {rate_hz} Hz; {remedy}")]
    Rate {
        /// The signal asked for.
        id: String,
        /// The rate asked for.
        rate_hz: u32,
        /// What to do.
        remedy: String,
    },
    /// A length that is no positive finite number, or beyond [`generate::SECONDS_MAX`].
    #[error("signal '{id}': {seconds} s is no usable length; ask for one frame at least and for at most {max} s", max = generate::SECONDS_MAX)]
    Seconds {
        /// The signal asked for.
        id: String,
        /// The length asked for.
        seconds: f64,
    },
    /// A recording is not there.
    #[error("signal '{id}' needs the recording '{file}', which was not found; restore it below signals/")]
    Missing {
        /// The signal asked for.
        id: String,
        /// The file asked for.
        file: String,
    },
    /// A recording cannot be used.
    #[error("signal '{id}': recording '{file}' is unusable: {reason}")]
    Recording {
        /// The signal asked for.
        id: String,
        /// The file read.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A noise is not known at this point.
    #[error("signal '{id}' has no point '{point}'; it has {known}")]
    Point {
        /// The signal asked for.
        id: String,
        /// The point asked for.
        point: String,
        /// Every point.
        known: String,
    },
    /// The construction cannot be met with the catalogue's numbers.
    #[error("signal '{id}': {reason}")]
    Construction {
        /// The signal asked for.
        id: String,
        /// What could not be met.
        reason: String,
    },
}
