//! The catalogue of signals: what each is for, how it is made, where that is defined, how far verified.

use std::ops::Range;

use super::activation::WordRamp;
use super::am_fm::Comb;
use super::dialogue::DialogueSide;
use super::extension::Extension;
use super::field::{DrivingNoise, RecordedNoise};
use super::read;
use crate::document;
use crate::problem::{Problem, SourceText};
use crate::terms::Bandwidth;

/// All signals and licensed recordings that a plan may name.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    signals: Vec<SignalSpec>,
    licensed: Vec<Licensed>,
    bands: Vec<BandLimit>,
}

/// What the level of a signal refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LevelBasis {
    /// RMS over whole cycles, pauses included: composite signals and noise (P.1110 clause 9).
    Rms,
    /// RMS over the active spans only: of gated signals all of them, of bursts that rise the *first* one,
    /// of a sequence its last part, the one to analyze.
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

    pub(super) const fn new(
        signals: Vec<SignalSpec>,
        licensed: Vec<Licensed>,
        bands: Vec<BandLimit>,
    ) -> Self {
        Self { signals, licensed, bands }
    }

    /// The band limit of test signals for calls of this bandwidth.
    pub fn band(&self, bandwidth: Bandwidth) -> Option<&BandLimit> {
        self.bands.iter().find(|one| one.bandwidth == bandwidth)
    }

    /// Every band limit, in the order of the file.
    pub fn bands(&self) -> &[BandLimit] {
        &self.bands
    }

    /// Adds the noises that a lab has imported; an id that is taken stays with the signal that has it.
    pub fn add_noises(&mut self, noises: Vec<SignalSpec>) {
        for one in noises {
            if self.get(&one.id).is_none() {
                self.signals.push(one);
            }
        }
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
    /// The band that it is limited to, after it was made.
    pub band_limit: Option<BandLimit>,
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
            Kind::Extended(extension) => extension.speech.analysis_from_s,
            Kind::Sequence(parts) => {
                let (last, before) = (parts.last(), parts.len().saturating_sub(1));
                parts.iter().take(before).map(|part| part.seconds).sum::<f64>()
                    + last.map_or(0.0, |part| part.fade_s)
            }
            _ => 0.0,
        }
    }

    /// How long before its end the analysis stops, in seconds: what fades out is not analyzed.
    pub fn analysis_tail_s(&self) -> f64 {
        match &self.kind {
            Kind::Sequence(parts) => parts.last().map_or(0.0, |part| part.fade_s),
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
    /// Stationary noise with the spectrum of speech or of a room.
    ShapedNoise(ShapedNoise),
    /// A voiced sound alone, on and on.
    Voiced(Voiced),
    /// One comb of the AM-FM pair.
    AmFm {
        /// Which one.
        comb: Comb,
        /// Components that reach beyond this are left out; `None`: only those that the rate cannot hold.
        high_hz: Option<f64>,
    },
    /// A sine whose frequency rises exponentially.
    Sweep(Sweep),
    /// Another signal, switched on and off.
    Gated(Gated),
    /// Other signals one after the other; the last part is the one to analyze.
    Sequence(Vec<Part>),
    /// A sine.
    Sine {
        /// Its frequency.
        frequency_hz: f64,
    },
    /// Recorded sentences in slots.
    Speech(SpeechSequence),
    /// Zeros.
    Silence,
    /// One side of a dialogue of recorded speech.
    Dialogue(DialogueSide),
    /// A recorded word, repeated with rising level.
    WordRamp(WordRamp),
    /// Recorded sentences with synthetic sound above their band.
    Extended(Extension),
    /// Synthetic noise of a car, coherent between points of its cabin.
    DrivingNoise(DrivingNoise),
    /// Background noise that the lab has recorded.
    RecordedNoise(RecordedNoise),
}

/// Framing and parts of a composite source signal. Frames count at `frame_rate_hz`.
#[derive(Debug, Clone, PartialEq)]
pub struct Composite {
    /// The rate at which the parts are counted.
    pub frame_rate_hz: u32,
    /// The voiced sound.
    pub voiced: Voiced,
    /// Length of the voiced sound.
    pub voiced_frames: u32,
    /// Length of the noise.
    pub noise_frames: u32,
    /// How the noise is made.
    pub noise: NoiseRule,
    /// Length of the period with its pause.
    pub cycle_frames: u32,
    /// Periods until the signal begins anew: 1, or the bursts of a rising sequence.
    pub bursts: u32,
    /// How much each burst is above the one before it, in dB.
    pub step_db: f64,
}

/// A periodic sound by the samples of one period.
#[derive(Debug, Clone, PartialEq)]
pub struct Voiced {
    /// One period.
    pub samples: Vec<f64>,
    /// Frames per second of those samples: the fundamental is this over their number.
    pub rate_hz: f64,
    /// Highest harmonic; `None`: all that the rate can hold.
    pub max_hz: Option<f64>,
}

/// Line-spectrum noise.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseRule {
    /// Length of the sequence in points at `rate_hz`: a power of two.
    pub points: u32,
    /// The rate at which the sequence has that many points; `None`: the one that is asked for.
    pub rate_hz: Option<u32>,
    /// How amplitudes and phases are drawn.
    pub draw: Draw,
    /// Level of the lines: (frequency in Hz, dB), straight over log frequency, nothing outside; empty: flat.
    pub corners: Vec<(f64, f64)>,
    /// Lines outside this band are left out.
    pub band_hz: Range<f64>,
    /// One line of every so many neighbors, drawn by the seed, is left out: what a device makes of the others falls into
    /// the gaps. `None`: no gaps.
    pub gaps: Option<u32>,
    /// Crest factor wanted; streams of the seed are tried in order until one is inside, in composite signals also
    /// at the rates that cut lines off. `None`: the first.
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
    /// Density in dB by third-octave bands, as (nominal mid-frequency in Hz, dB): the power of each band is its
    /// density times its width. Empty: the long-term speech spectrum of P.50 by its equation.
    pub third_octaves: Vec<(f64, f64)>,
}

/// An exponential sweep: sin(2π·f1·T/R·(e^(t·R/T) − 1)), R = ln(f2/f1), over the signal's duration T.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// f1 and f2 in Hz.
    pub span_hz: Range<f64>,
    /// Raised-cosine fade at both ends, in seconds.
    pub fade_s: f64,
}

/// A signal that is switched on and off.
#[derive(Debug, Clone, PartialEq)]
pub struct Gated {
    /// What is switched; it runs on while it is off.
    pub of: Box<SignalSpec>,
    /// When it is on.
    pub timing: Timing,
    /// Raised-cosine fade at both ends of each burst, inside it, in seconds.
    pub fade_s: f64,
    /// How much each burst is above the one before it, in dB.
    pub step_db: f64,
}

/// When a gated signal is on.
#[derive(Debug, Clone, PartialEq)]
pub enum Timing {
    /// On and off for fixed times.
    Regular {
        /// Length of a burst in seconds.
        on_s: f64,
        /// Pause after it in seconds.
        off_s: f64,
    },
    /// Talk spurts and pauses of exponential lengths, drawn from the seed.
    Spurts {
        /// Mean length of a spurt in seconds.
        on_s: f64,
        /// Mean length of a pause in seconds.
        off_s: f64,
    },
}

/// One part of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The signal.
    pub of: Box<SignalSpec>,
    /// Its length here.
    pub seconds: f64,
    /// Its level on its own basis, relative to the level of the last part.
    pub level_db: f64,
    /// Raised-cosine fade at both ends, inside it, in seconds.
    pub fade_s: f64,
}

/// The band that test signals of one bandwidth are limited to.
#[derive(Debug, Clone, PartialEq)]
pub struct BandLimit {
    /// The bandwidth of the call.
    pub bandwidth: Bandwidth,
    /// The lower edge.
    pub low: Edge,
    /// The upper edge; `None`: none.
    pub high: Option<Edge>,
    /// Where the edges come from.
    pub source: String,
    /// How far that has been verified.
    pub verified: String,
}

/// One edge of a band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Where the gain is −3 dB, in Hz.
    pub half_power_hz: f64,
    /// From where on, outward, the gain is below −60 dB, in Hz.
    pub stop_hz: f64,
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
