//! The catalogue together with its recordings: what planning and running ask for signals.

use std::ops::Range;
use std::sync::Arc;

use super::builtin::{self, BuiltinSpeech};
use super::catalogue::{Kind, Part};
use super::generate::{generate_limited, natural_seconds};
use super::{Catalogue, Options, Signal, SignalError, SignalSpec, SpeechSource};
use super::{dialogue, field};
use crate::problem::Problem;
use crate::take::{Frame, Span, frames};
use crate::terms::Bandwidth;
use crate::units::Seconds;

/// A catalogue with the recordings that its signals need. Cheap to clone.
#[derive(Clone)]
pub struct Library {
    catalogue: Arc<Catalogue>,
    source: Arc<dyn SpeechSource + Send>,
}

/// What is known of a signal at 48 kHz before it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// Its length.
    pub frames: Frame,
    /// Named parts on its own timeline: `analysis`, and of dialogues who speaks when, of sequences each part by the id of
    /// its signal, without its fades.
    pub spans: Vec<Span>,
    /// Whether it stands in for a licensed recording.
    pub method_equivalent: bool,
}

impl Library {
    /// The signals of `catalogue` with the recordings of `source`.
    pub fn new(catalogue: Catalogue, source: Arc<dyn SpeechSource + Send>) -> Self {
        Self { catalogue: Arc::new(catalogue), source }
    }

    /// What the program was built with.
    ///
    /// # Errors
    /// None for the catalogue as shipped.
    pub fn builtin() -> Result<Self, Vec<Problem>> {
        Ok(Self::new(builtin::catalogue()?, Arc::new(BuiltinSpeech)))
    }

    /// The catalogue.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The recordings.
    pub fn source(&self) -> &dyn SpeechSource {
        &*self.source
    }

    /// Length and spans of the signal `id`; `None` if there is none, or its recording is unusable.
    pub fn outline(&self, id: &str) -> Option<Outline> {
        let spec = self.catalogue.get(id)?;
        let seconds = natural_seconds(spec, self.source()).ok()?;
        let whole = frames(Seconds(seconds));
        let tail = frames(Seconds(spec.analysis_tail_s()));
        let from = frames(Seconds(spec.analysis_from_s())).min(whole);
        let analysis: Range<Frame> = from..whole.saturating_sub(tail).max(from);
        let mut spans = vec![Span { name: "analysis".to_owned(), frames: analysis }];
        spans.extend(self.talk(spec)?);
        if let Kind::Sequence(parts) = &spec.kind {
            spans.extend(parts_of(parts));
        }
        Some(Outline { frames: whole, spans, method_equivalent: self.method_equivalent(spec) })
    }

    /// Single and double talk on the timeline of a dialogue of ours; of the lab's own recording nothing is known.
    fn talk(&self, spec: &SignalSpec) -> Option<Vec<Span>> {
        let imported = spec.stands_in_for.as_ref().is_some_and(|one| self.source.wav(&one.file).is_some());
        let Some(dialogue) = dialogue::dialogue_of(spec).filter(|_| !imported) else {
            return Some(Vec::new());
        };
        let spans = dialogue::spans(&spec.id, dialogue, self.source()).ok()?;
        let span = |(name, at): (String, Range<f64>)| Span {
            name,
            frames: frames(Seconds(at.start))..frames(Seconds(at.end)),
        };
        Some(spans.into_iter().map(span).collect())
    }

    /// The noise `id` at the points named; see [`field::field`].
    ///
    /// # Errors
    /// As [`field::field`], or [`SignalError::Unknown`].
    pub fn field(
        &self,
        id: &str,
        rate: u32,
        options: Options,
        points: &[String],
    ) -> Result<field::Field, SignalError> {
        field::field(self.known(id)?, rate, self.source(), options, points)
    }

    /// One turn of the noise `id` at the points named; see [`field::field_loop`].
    ///
    /// # Errors
    /// As [`field::field_loop`], or [`SignalError::Unknown`].
    pub fn field_loop(&self, id: &str, rate: u32, points: &[String]) -> Result<field::Field, SignalError> {
        field::field_loop(self.known(id)?, rate, self.source(), points)
    }

    /// The points at which the noise `id` can be rendered; `None` where it is no noise of a field.
    pub fn field_points(&self, id: &str) -> Option<Vec<&str>> {
        field::points(self.catalogue.get(id)?)
    }

    /// The level at the driver's head that the noise `id` states, in dB(A) re 20 µPa; `None` where it is no noise.
    pub fn noise_level_dba(&self, id: &str) -> Option<f64> {
        match &self.catalogue.get(id)?.kind {
            Kind::DrivingNoise(noise) => Some(noise.level_dba),
            Kind::RecordedNoise(noise) => Some(noise.level_dba),
            _ => None,
        }
    }

    fn known(&self, id: &str) -> Result<&SignalSpec, SignalError> {
        self.catalogue
            .get(id)
            .ok_or_else(|| SignalError::Unknown { id: id.to_owned(), known: self.catalogue.ids().join(", ") })
    }

    /// Whether `spec`, with these recordings, stands in for what may not be redistributed.
    pub fn method_equivalent(&self, spec: &SignalSpec) -> bool {
        let imported = spec.stands_in_for.as_ref().is_some_and(|one| self.source.wav(&one.file).is_some());
        spec.method_equivalent && !imported
    }

    /// The signal `id` at `rate`.
    ///
    /// # Errors
    /// As [`super::generate()`], or [`SignalError::Unknown`].
    pub fn make(&self, id: &str, rate: u32, options: Options) -> Result<Signal, SignalError> {
        self.make_limited(id, rate, options, None)
    }

    /// The signal `id` at `rate`, limited to the catalogue's band for `bandwidth`.
    ///
    /// # Errors
    /// As [`generate_limited`], [`SignalError::Unknown`], or a band that the catalogue does not have.
    pub fn make_limited(
        &self,
        id: &str,
        rate: u32,
        options: Options,
        bandwidth: Option<Bandwidth>,
    ) -> Result<Signal, SignalError> {
        let spec = self.known(id)?;
        let band = match bandwidth {
            None => None,
            Some(bandwidth) => {
                Some(self.catalogue.band(bandwidth).ok_or_else(|| SignalError::Construction {
                    id: id.to_owned(),
                    reason: format!("the catalogue has no band {bandwidth}; add a table [[band]]"),
                })?)
            }
        };
        generate_limited(spec, rate, self.source(), options, band)
    }
}

/// The parts of a sequence.
fn parts_of(parts: &[Part]) -> impl Iterator<Item = Span> {
    let mut end_s = 0.0;
    parts.iter().map(move |part| {
        let start_s = end_s;
        end_s += part.seconds;
        let inside = frames(Seconds(start_s + part.fade_s))..frames(Seconds(end_s - part.fade_s));
        Span { name: part.of.id.clone(), frames: inside }
    })
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").field("signals", &self.catalogue.ids()).finish_non_exhaustive()
    }
}
