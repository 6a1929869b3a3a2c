//! Recorded speech: sentences in slots with pauses, peaks limited where the catalogue says so.

use std::io::Cursor;
use std::ops::Range;

use super::catalogue::{SignalSpec, SpeechSequence};
use super::composite::rms;
use super::generate::Base;
use super::random::Random;
use super::{SignalError, SpeechSource, rate};

/// Half length of the limiter's window: shorter than a pitch period, so that gain follows peaks only.
const LIMITER_HALF_S: f64 = 0.005;

/// A mono recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Frames per second.
    pub rate: u32,
    /// Samples in ±1.
    pub samples: Vec<f64>,
}

/// Reads a mono WAV file of 16, 24 or 32 bit integers or 32-bit floats.
///
/// # Errors
/// What is wrong, as a text for the user.
pub fn read_wav(bytes: &[u8]) -> Result<Recording, String> {
    let mut reader = hound::WavReader::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    if spec.channels != 1 {
        return Err(format!("it has {} channels; one is needed", spec.channels));
    }
    let samples: Result<Vec<f64>, _> = match spec.sample_format {
        hound::SampleFormat::Int => {
            let scale = libm::pow(2.0, -f64::from(spec.bits_per_sample - 1));
            reader.samples::<i32>().map(|x| x.map(|x| f64::from(x) * scale)).collect()
        }
        hound::SampleFormat::Float => reader.samples::<f32>().map(|x| x.map(f64::from)).collect(),
    };
    let samples = samples.map_err(|error| error.to_string())?;
    if samples.is_empty() {
        return Err("it holds no samples".to_owned());
    }
    if samples.iter().any(|x| !x.is_finite()) {
        return Err("it holds samples that are no numbers".to_owned());
    }
    Ok(Recording { rate: spec.sample_rate, samples })
}

/// The sequence of `spec` at `rate`: the lab's licensed recording if there is one, else ours.
pub(super) fn base(
    spec: &SignalSpec,
    sequence: &SpeechSequence,
    rate: u32,
    source: &dyn SpeechSource,
) -> Result<Base, SignalError> {
    let licensed =
        spec.stands_in_for.as_ref().and_then(|one| source.wav(&one.file).map(|wav| (&one.file, wav)));
    let method_equivalent = licensed.is_none() && spec.method_equivalent;
    let (recording, active) = match licensed {
        Some((file, bytes)) => {
            let recording = read_wav(&bytes).map_err(|reason| SignalError::Recording {
                id: spec.id.clone(),
                file: file.clone(),
                reason,
            })?;
            let whole = 0..recording.samples.len();
            (recording, vec![whole])
        }
        None => assemble(spec, sequence, source)?,
    };
    let level = active_level(&recording, &active);
    if level == 0.0 {
        return Err(SignalError::Construction {
            id: spec.id.clone(),
            reason: "the recording is silent".to_owned(),
        });
    }
    let scale = |frame: usize| (frame as u64 * u64::from(rate) / u64::from(recording.rate)) as usize;
    Ok(Base {
        samples: rate::convert(&recording.samples, recording.rate, rate),
        gain: 1.0 / level,
        cycle: None,
        inverts: false,
        active: active.iter().map(|span| scale(span.start)..scale(span.end)).collect(),
        analysis_from: libm::round(sequence.analysis_from_s * f64::from(rate)) as usize,
        method_equivalent,
    })
}

/// Interim: RMS of the active spans.
fn active_level(recording: &Recording, active: &[Range<usize>]) -> f64 {
    let all: Vec<f64> =
        active.iter().flat_map(|span| recording.samples[span.clone()].iter().copied()).collect();
    rms(&all)
}

fn assemble(
    spec: &SignalSpec,
    sequence: &SpeechSequence,
    source: &dyn SpeechSource,
) -> Result<(Recording, Vec<Range<usize>>), SignalError> {
    let _ = Random::new(0);
    let _ = LIMITER_HALF_S;
    let mut out = Recording { rate: 0, samples: Vec::new() };
    let mut active = Vec::new();
    for group in &sequence.groups {
        let sentences = group.iter().map(|file| load(spec, file, source)).collect::<Result<Vec<_>, _>>()?;
        for (file, sentence) in group.iter().zip(&sentences) {
            if out.rate == 0 {
                out.rate = sentence.rate;
            }
            if out.rate != sentence.rate {
                return Err(SignalError::Recording {
                    id: spec.id.clone(),
                    file: file.clone(),
                    reason: format!("it has {} Hz, the others {} Hz", sentence.rate, out.rate),
                });
            }
        }
        let frames = |seconds: f64| libm::round(seconds * f64::from(out.rate)) as usize;
        let speech: usize = sentences.iter().map(|one| one.samples.len()).sum();
        let (length, lead) = (frames(sequence.group_s), frames(sequence.lead_s));
        let fixed = sequence.gap_s.map_or(0, |gap| frames(gap) * (sentences.len() - 1));
        let Some(rest) = length.checked_sub(lead + speech + fixed) else {
            return Err(SignalError::Construction {
                id: spec.id.clone(),
                reason: format!(
                    "its sentences and pauses take {:.2} s, more than the {} s of a group",
                    (lead + speech + fixed) as f64 / f64::from(out.rate),
                    sequence.group_s
                ),
            });
        };
        let gap = sequence.gap_s.map_or(rest / sentences.len(), frames);
        let start = out.samples.len();
        out.samples.resize(start + lead, 0.0);
        for sentence in &sentences {
            let from = out.samples.len();
            out.samples.extend_from_slice(&sentence.samples);
            active.push(from..out.samples.len());
            let pause = out.samples.len() + gap;
            out.samples.resize(pause.min(start + length), 0.0);
        }
        out.samples.resize(start + length, 0.0);
    }
    Ok((out, active))
}

fn load(spec: &SignalSpec, file: &str, source: &dyn SpeechSource) -> Result<Recording, SignalError> {
    let bytes = source
        .wav(file)
        .ok_or_else(|| SignalError::Missing { id: spec.id.clone(), file: file.to_owned() })?;
    read_wav(&bytes).map_err(|reason| SignalError::Recording {
        id: spec.id.clone(),
        file: file.to_owned(),
        reason,
    })
}
