//! The catalogue of signals: what each is for, how it is made, where that is defined, how far verified.

use std::ops::Range;

use super::read;
use crate::document;
use crate::problem::{Problem, SourceText};

/// All signals and licensed recordings that a plan may name.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    signals: Vec<SignalSpec>,
    licensed: Vec<Licensed>,
}

/// What the level of a signal refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LevelBasis {
    /// RMS over whole cycles, pauses included: composite signals and noise (P.1110 clause 9).
    Rms,
    /// RMS over the active spans only: bursts.
    ActiveRms,
    /// Active speech level, P.56 method B, measured at the rate of the recordings.
    ActiveSpeech,
    /// No level: silence.
    Silent,
}

impl LevelBasis {
    /// Every basis.
    pub const ALL: [Self; 4] = [Self::Rms, Self::ActiveRms, Self::ActiveSpeech, Self::Silent];

    /// The word as files and reports write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rms => "rms",
            Self::ActiveRms => "active-rms",
            Self::ActiveSpeech => "active-speech",
            Self::Silent => "silent",
        }
    }
}

impl std::str::FromStr for LevelBasis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|one| one.word() == text)
            .ok_or_else(|| format!("one of {}", Self::ALL.map(Self::word).join(", ")))
    }
}

impl Catalogue {
    /// Reads a catalogue. Unknown keys are problems; all problems come at once, with their places.
    pub fn parse(source: &SourceText) -> Result<Self, Vec<Problem>> {
        document::read(source, |root| Some(read::catalogue(root)))
    }

    pub(super) const fn new(signals: Vec<SignalSpec>, licensed: Vec<Licensed>) -> Self {
        Self { signals, licensed }
    }

    /// The signal called `id`.
    pub fn get(&self, id: &str) -> Option<&SignalSpec> {
        self.signals.iter().find(|one| one.id == id)
    }

    /// Every signal, in the order of the file.
    pub fn signals(&self) -> &[SignalSpec] {
        &self.signals
    }

    /// Every recording that a lab may import, in the order of the file.
    pub fn licensed(&self) -> &[Licensed] {
        &self.licensed
    }

    /// The ids, for messages.
    pub fn ids(&self) -> Vec<&str> {
        self.signals.iter().map(|one| one.id.as_str()).collect()
    }
}

/// One signal of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalSpec {
    /// The name that plans use.
    pub id: String,
    /// One line for lists and reports.
    pub title: String,
    /// What it is used for, with the clauses that ask for it.
    pub role: String,
    /// How it is made.
    pub kind: Kind,
    /// What its level refers to.
    pub level_basis: LevelBasis,
    /// Length in seconds unless the caller asks for another.
    pub seconds: f64,
    /// Seed of its random phases.
    pub seed: u64,
    /// Whether it stands in for something that may not be redistributed.
    pub method_equivalent: bool,
    /// The licensed recording that replaces it once imported.
    pub stands_in_for: Option<Licensed>,
    /// Where the construction comes from.
    pub source: String,
    /// How far the source has been verified: A, B, C or N as for limits, or `own`.
    pub verified: String,
    /// Licence of the samples.
    pub license: String,
}

impl SignalSpec {
    /// Where the analysis starts, in seconds: what is before conditions the device.
    pub fn analysis_from_s(&self) -> f64 {
        match &self.kind {
            Kind::Speech(sequence) => sequence.analysis_from_s,
            _ => 0.0,
        }
    }
}

/// How a signal is made.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Voiced sound, noise, pause; polarity inverted every period (P.501 composite source signal).
    Composite(Composite),
    /// Periodic noise of constant magnitude and phases of 0 or π.
    PseudoNoise(NoiseRule),
    /// Stationary noise with a long-term speech spectrum.
    ShapedNoise(ShapedNoise),
    /// A sine.
    Sine {
        /// Its frequency.
        frequency_hz: f64,
    },
    /// Recorded sentences in slots.
    Speech(SpeechSequence),
    /// Zeros.
    Silence,
}

/// Framing and parts of a composite source signal. Frames count at `frame_rate_hz`.
#[derive(Debug, Clone, PartialEq)]
pub struct Composite {
    /// The rate at which the parts are counted.
    pub frame_rate_hz: u32,
    /// Length of the voiced sound.
    pub voiced_frames: u32,
    /// Periods of the voiced sound in that length.
    pub voiced_periods: u32,
    /// Harmonic n has the amplitude n^−slope.
    pub voiced_slope: f64,
    /// Phase common to all harmonics, in degrees.
    pub voiced_phase_deg: f64,
    /// Highest harmonic.
    pub voiced_max_hz: f64,
    /// Length of the noise.
    pub noise_frames: u32,
    /// How the noise is made.
    pub noise: NoiseRule,
    /// Length of the period with its pause.
    pub cycle_frames: u32,
}

/// Line-spectrum noise.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseRule {
    /// Length of the sequence in points at `rate_hz`: a power of two.
    pub points: u32,
    /// The rate at which the sequence has that many points.
    pub rate_hz: u32,
    /// How amplitudes and phases are drawn.
    pub draw: Draw,
    /// Level of the lines: (frequency in Hz, dB), straight over log frequency, nothing outside; empty: flat.
    pub corners: Vec<(f64, f64)>,
    /// Lines outside this band are left out.
    pub band_hz: Range<f64>,
    /// Crest factor wanted; streams of the seed are tried in order until one is inside. `None`: the first.
    pub crest_db: Option<Range<f64>>,
}

/// How the lines of a noise are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// Constant magnitude, phase 0 or π.
    Signs,
    /// Gaussian real and imaginary parts: white Gaussian noise.
    Gaussian,
}

/// Noise with exact magnitudes and random phases.
#[derive(Debug, Clone, PartialEq)]
pub struct ShapedNoise {
    /// Period in seconds: the lines stand 1/period apart.
    pub period_s: f64,
    /// The band that holds lines.
    pub band_hz: Range<f64>,
}

/// Recorded sentences, in groups of fixed length.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeechSequence {
    /// Length of each group with its pauses, and its files in playing order.
    pub groups: Vec<(f64, Vec<String>)>,
    /// Pause before the first sentence of a group.
    pub lead_s: f64,
    /// Pause between sentences of a group; `None`: all pauses of the group equal.
    pub gap_s: Option<f64>,
    /// Level of a room's noise floor, in the pauses and under the speech, relative to the active speech
    /// level; `None`: pauses are digital silence.
    pub floor_db: Option<f64>,
    /// Peaks are limited to this above the active speech level, at the rate of the recordings.
    pub crest_max_db: Option<f64>,
    /// Where the analysis starts: what is before conditions the device.
    pub analysis_from_s: f64,
}

/// A recording that only a licensee holds, and how its file may be recognized.
#[derive(Debug, Clone, PartialEq)]
pub struct Licensed {
    /// The name that `stands_in_for` refers to.
    pub id: String,
    /// One line.
    pub title: String,
    /// Recommendation and clause.
    pub clause: String,
    /// What it is used for.
    pub role: String,
    /// Its name in the data folder after import.
    pub file: String,
    /// Patterns of file names, best first; each is words that all occur in the name, in lower case.
    pub names: Vec<Vec<String>>,
    /// Words that do not occur in the name.
    pub avoid: Vec<String>,
    /// Channels of the recording.
    pub channels: u32,
    /// How far names and lengths have been verified.
    pub verified: String,
    /// Plausible lengths.
    pub seconds: Range<f64>,
}
