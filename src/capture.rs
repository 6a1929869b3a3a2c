//! What was recorded: lazy handles on stored tracks, and what is known about the recording itself.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::dsp::resample::retimed;
use crate::take::{Frame, TakeId, TakeSpec};
use crate::terms::{Port, UnknownWord};

/// Where the samples of a stored track come from. Stores implement it; methods never see files.
pub trait TrackReader: Send + Sync {
    /// All samples of the track, raw digital full scale.
    fn read(&self) -> Result<Vec<f32>, CaptureError>;
}

/// A stored track could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the track {track} cannot be read: {cause}")]
pub struct CaptureError {
    /// The track, as the user can find it.
    pub track: String,
    /// Why.
    pub cause: String,
}

/// One mono track at 48 kHz, raw digital full scale, read when it is asked for.
#[derive(Clone)]
pub struct Capture {
    /// The number of frames.
    pub frames: Frame,
    reader: Arc<dyn TrackReader>,
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Capture({} frames)", self.frames)
    }
}

impl Capture {
    /// A handle on a track of `frames` frames.
    pub fn new(frames: Frame, reader: Arc<dyn TrackReader>) -> Self {
        Self { frames, reader }
    }

    /// A track that is in memory already, as simulations and tests have it.
    pub fn in_memory(samples: Vec<f32>) -> Self {
        struct Memory(Vec<f32>);
        impl TrackReader for Memory {
            fn read(&self) -> Result<Vec<f32>, CaptureError> {
                Ok(self.0.clone())
            }
        }
        Self { frames: samples.len() as Frame, reader: Arc::new(Memory(samples)) }
    }

    /// All samples.
    pub fn samples(&self) -> Result<Vec<f32>, CaptureError> {
        self.reader.read()
    }

    /// The same track on the clock that played, `frames` frames of it. The stored samples stay what they are; the track is
    /// computed whenever it is read.
    #[must_use]
    pub fn retimed(self, by: Retiming, frames: Frame) -> Self {
        struct Retimed(Capture, Retiming, Frame);
        impl TrackReader for Retimed {
            fn read(&self) -> Result<Vec<f32>, CaptureError> {
                let raw: Vec<f64> = self.0.samples()?.into_iter().map(f64::from).collect();
                let retimed = retimed(&raw, self.1.first, self.1.ratio, self.2 as usize);
                Ok(retimed.into_iter().map(|x| x as f32).collect())
            }
        }
        Self { frames, reader: Arc::new(Retimed(self, by, frames)) }
    }
}

/// Where the frames of a take lie in a recording by another clock: frame `n` at `first + ratio·n`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retiming {
    /// The place of the take's first frame, in frames of the recording.
    pub first: f64,
    /// Frames of the recording in a frame of the take.
    pub ratio: f64,
}

/// How far a recording may be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grade {
    /// The loopback proves it.
    Good,
    /// No loopback: weaker evidence, which the report names.
    Weak,
    /// Samples were lost or repeated, clocks ran apart, or an input or the mouth of the bench failed: no verdict may stand
    /// on it.
    Bad,
}

impl Grade {
    /// The word that journals and reports write.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Weak => "weak",
            Self::Bad => "bad",
        }
    }
}

impl std::str::FromStr for Grade {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Good, Self::Weak, Self::Bad]
            .into_iter()
            .find(|grade| grade.word() == text)
            .ok_or_else(|| UnknownWord { found: text.to_owned(), known: "good, weak, bad".to_owned() })
    }
}

/// The capture integrity certificate of a take: the bench's own evidence, never the car's.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// How far the recording may be trusted.
    pub grade: Grade,
    /// Frames lost between playback and capture.
    pub lost_frames: u64,
    /// Frames recorded twice or inserted.
    pub repeated_frames: u64,
    /// The offset of the capture against the playback that was removed, in frames.
    pub offset_frames: f64,
    /// What is left of the offset between the frames, where it was measured: the take's first frame lies so much after the
    /// recording's.
    pub rest_frames: f64,
    /// The drift of the capture clock against the playback clock, in parts per million: positive where it is faster.
    pub drift_ppm: f64,
    /// The expanded uncertainty of the drift (k = 2), in parts per million; `None` where it could not be measured.
    pub drift_uncertainty_ppm: Option<f64>,
    /// Whether the clocks ran apart by so much that the recording is resampled to the clock that played when it is read.
    /// What is stored is what was heard.
    pub is_drift_corrected: bool,
    /// The clocks of further interfaces that recorded; offset, rest and drift above are those of the main one.
    pub further: Vec<FurtherClock>,
    /// Inputs of the bench that were overloaded.
    pub overloaded: Vec<Port>,
    /// Inputs of the bench that delivered what no converter delivers: a constant, or nothing.
    pub dead: Vec<Port>,
    /// What the evidence is, or what is wrong.
    pub note: String,
}

impl Certificate {
    /// The certificate of a bench whose streams share one clock by construction.
    pub fn by_construction() -> Self {
        Self {
            grade: Grade::Good,
            lost_frames: 0,
            repeated_frames: 0,
            offset_frames: 0.0,
            rest_frames: 0.0,
            drift_ppm: 0.0,
            drift_uncertainty_ppm: Some(0.0),
            is_drift_corrected: false,
            further: Vec::new(),
            overloaded: Vec::new(),
            dead: Vec::new(),
            note: "one clock by construction".to_owned(),
        }
    }

    /// How the track of a port is brought to the clock that played, where that is needed and known well enough.
    pub fn retiming(&self, port: &Port) -> Option<Retiming> {
        let by = |rest_frames, drift_ppm: f64| Retiming { first: rest_frames, ratio: 1.0 + drift_ppm * 1e-6 };
        match self.further.iter().find(|clock| clock.ports.contains(port)) {
            Some(clock) => clock.is_drift_corrected.then(|| by(clock.rest_frames, clock.drift_ppm)),
            None => self.is_drift_corrected.then(|| by(self.rest_frames, self.drift_ppm)),
        }
    }

    /// The largest drift by which a track is resampled, in parts per million; `None` where none is.
    pub fn resampled_ppm(&self) -> Option<f64> {
        let main = self.is_drift_corrected.then_some(self.drift_ppm);
        let further =
            self.further.iter().filter(|clock| clock.is_drift_corrected).map(|clock| clock.drift_ppm);
        main.into_iter().chain(further).max_by(|one, other| one.abs().total_cmp(&other.abs()))
    }

    /// Makes it one on which no verdict stands: nothing is corrected then either.
    pub fn refuse(&mut self) {
        self.grade = Grade::Bad;
        self.is_drift_corrected = false;
        for clock in &mut self.further {
            clock.is_drift_corrected = false;
        }
    }
}

/// How the clock of a further interface ran beside the clock that played.
#[derive(Debug, Clone, PartialEq)]
pub struct FurtherClock {
    /// The interface, as the bench file calls it.
    pub interface: String,
    /// What it recorded.
    pub ports: Vec<Port>,
    /// As [`Certificate::rest_frames`].
    pub rest_frames: f64,
    /// As [`Certificate::drift_ppm`].
    pub drift_ppm: f64,
    /// As [`Certificate::drift_uncertainty_ppm`].
    pub drift_uncertainty_ppm: Option<f64>,
    /// As [`Certificate::is_drift_corrected`].
    pub is_drift_corrected: bool,
}

/// One recorded take.
#[derive(Debug, Clone)]
pub struct Take {
    /// Its identity.
    pub id: TakeId,
    /// What was asked for.
    pub spec: TakeSpec,
    /// The recorded tracks by input port.
    pub captures: BTreeMap<Port, Capture>,
    /// The played tracks by output port, as they were sent to the bench.
    pub played: BTreeMap<Port, Capture>,
    /// What is known about the recording.
    pub certificate: Certificate,
    /// Whether a signal that it played stands in for a licensed recording.
    pub method_equivalent: bool,
}

impl Take {
    /// The frames of the span `name`.
    ///
    /// # Panics
    /// When the method asks for a span that it did not plan: broken logic.
    pub fn span(&self, name: &str) -> Range<Frame> {
        self.spec.span(name).unwrap_or_else(|| panic!("take {} has no span '{name}'", self.id))
    }
}

/// Where takes are found: live and stored are one path.
pub trait TakeSource {
    /// The finished take of this identity, with the spans of `spec`.
    fn take(&self, id: &TakeId, spec: &TakeSpec) -> Option<Take>;
}
