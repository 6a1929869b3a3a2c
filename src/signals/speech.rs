//! Recorded speech: sentences in slots with pauses, peaks limited where the catalogue says so.

use std::f64::consts::TAU;
use std::io::Cursor;
use std::ops::Range;

use super::catalogue::{Kind, SignalSpec, SpeechSequence};
use super::dialogue::Side;
use super::generate::Base;
use super::random::Random;
use super::{SignalError, SpeechSource};
use crate::dsp::level::active_speech_level;
use crate::dsp::resample::resample;
use crate::wav::Wav;

/// Half length of the limiter's window: shorter than a pitch period, so that gain follows peaks only.
const LIMITER_HALF_S: f64 = 0.005;

/// How often the limiter's threshold follows the level; the third changes it by less than 0.001 dB.
const LIMITER_PASSES: usize = 4;

/// A mono recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Frames per second.
    pub rate: u32,
    /// Samples in ±1.
    pub samples: Vec<f64>,
}

/// Reads a mono WAV file.
///
/// # Errors
/// What is wrong, as a text for the user.
pub fn read_wav(bytes: &[u8]) -> Result<Recording, String> {
    let wav = Wav::open(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    if wav.channels() != 1 {
        return Err(format!("it has {} channels; one is needed", wav.channels()));
    }
    let rate = wav.rate();
    let samples = wav.read(&[1]).map_err(|error| error.to_string())?.remove(0);
    Ok(Recording { rate, samples })
}

/// The lab's own copy of the licensed recording for which `spec` stands in, if the source has it. Of a recording of
/// both sides of a dialogue it is the side's channel: far on the first, near on the second.
pub(super) fn licensed(
    spec: &SignalSpec,
    source: &dyn SpeechSource,
) -> Result<Option<Recording>, SignalError> {
    let Some(one) = &spec.stands_in_for else { return Ok(None) };
    let Some(bytes) = source.wav(&one.file) else { return Ok(None) };
    let recording = match &spec.kind {
        Kind::Dialogue(side) => read_side(&bytes, side.side, one.channels),
        _ => read_wav(&bytes),
    };
    recording.map(Some).map_err(|reason| SignalError::Recording {
        id: spec.id.clone(),
        file: one.file.clone(),
        reason,
    })
}

/// The channel of a side.
fn read_side(bytes: &[u8], side: Side, channels: u32) -> Result<Recording, String> {
    let wav = Wav::open(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    if wav.channels() as u32 != channels {
        return Err(format!("it has {} channels; {channels} are needed", wav.channels()));
    }
    let rate = wav.rate();
    let channel = if side == Side::Far { 1 } else { 2 };
    let mut samples = wav.read(&[channel]).map_err(|error| error.to_string())?;
    Ok(Recording { rate, samples: samples.pop().unwrap_or_default() })
}

/// The sequence of `spec` at `rate`: the lab's licensed recording if there is one, else ours.
pub(super) fn base(
    spec: &SignalSpec,
    sequence: &SpeechSequence,
    rate: u32,
    source: &dyn SpeechSource,
) -> Result<Base, SignalError> {
    if let Some(recording) = licensed(spec, source)? {
        return base_of_licensed(spec, &recording, rate);
    }
    let (recording, active) = our_sequence(spec, sequence, source)?;
    let level = active_rms(&spec.id, &recording)?;
    Ok(Base {
        samples: resample(&recording.samples, recording.rate, rate),
        gain: 1.0 / level,
        cycle: None,
        inverts: false,
        active: moved(&active, recording.rate, rate),
        level_spans: 0..usize::MAX,
        analysis_from: libm::round(spec.analysis_from_s() * f64::from(rate)) as usize,
        method_equivalent: spec.method_equivalent,
    })
}

/// A licensed recording as it is, with its active speech level.
pub(super) fn base_of_licensed(
    spec: &SignalSpec,
    recording: &Recording,
    rate: u32,
) -> Result<Base, SignalError> {
    let level = active_rms(&spec.id, recording)?;
    let samples = resample(&recording.samples, recording.rate, rate);
    Ok(Base {
        gain: 1.0 / level,
        cycle: None,
        inverts: false,
        active: std::iter::once(0..samples.len()).collect(),
        level_spans: 0..usize::MAX,
        samples,
        analysis_from: libm::round(spec.analysis_from_s() * f64::from(rate)) as usize,
        method_equivalent: false,
    })
}

/// Frames at one rate as the nearest frames at another.
pub(super) fn moved(spans: &[Range<usize>], from: u32, to: u32) -> Vec<Range<usize>> {
    let frame = |frame: usize| {
        let scaled = frame as u64 * u64::from(to);
        ((2 * scaled + u64::from(from)) / (2 * u64::from(from))) as usize
    };
    spans.iter().map(|span| frame(span.start)..frame(span.end)).collect()
}

/// Adds the noise of a quiet room, `floor_db` relative to the active speech level.
pub(super) fn add_floor(
    spec: &SignalSpec,
    out: &mut Recording,
    floor_db: f64,
    random: &mut Random,
) -> Result<(), SignalError> {
    let level = active_rms(&spec.id, out)? * libm::pow(10.0, floor_db / 20.0);
    for pair in out.samples.chunks_mut(2) {
        let noise = <[f64; 2]>::from(random.normal_pair());
        pair.iter_mut().zip(noise).for_each(|(x, noise)| *x += level * noise);
    }
    Ok(())
}

/// RMS of the active speech (P.56 method B), rounded to 24 bits: the logarithms of the meter may
/// differ in their last bit between processors, signals may not.
pub(super) fn active_rms(id: &str, recording: &Recording) -> Result<f64, SignalError> {
    active_rms_of(id, &recording.samples, recording.rate)
}

/// As above, of samples at a rate.
pub(super) fn active_rms_of(id: &str, samples: &[f64], rate: u32) -> Result<f64, SignalError> {
    let reading = active_speech_level(samples, rate);
    let reading = reading.active().ok_or_else(|| SignalError::Construction {
        id: id.to_owned(),
        reason: "its recording holds no speech".to_owned(),
    })?;
    Ok(f64::from(libm::pow(10.0, reading.active_level.decibels() / 20.0) as f32))
}

/// Sentences in their slots, with the noise floor, limited; and where the sentences are.
pub(super) fn our_sequence(
    spec: &SignalSpec,
    sequence: &SpeechSequence,
    source: &dyn SpeechSource,
) -> Result<(Recording, Vec<Range<usize>>), SignalError> {
    let mut out = Recording { rate: 0, samples: Vec::new() };
    let mut active = Vec::new();
    for (seconds, files) in &sequence.groups {
        let sentences =
            files.iter().map(|file| load(&spec.id, file, source)).collect::<Result<Vec<_>, _>>()?;
        for (file, sentence) in files.iter().zip(&sentences) {
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
        place_group(spec, sequence, *seconds, &sentences, &mut out, &mut active)?;
    }
    if let Some(floor) = sequence.floor_db {
        add_floor(spec, &mut out, floor, &mut Random::new(spec.seed))?;
    }
    if let Some(crest) = sequence.crest_max_db {
        out = limited(spec, &out, crest)?;
    }
    Ok((out, active))
}

/// Appends one group: lead, then sentences and pauses, filled up to its length.
fn place_group(
    spec: &SignalSpec,
    sequence: &SpeechSequence,
    seconds: f64,
    sentences: &[Recording],
    out: &mut Recording,
    active: &mut Vec<Range<usize>>,
) -> Result<(), SignalError> {
    let frames = |seconds: f64| libm::round(seconds * f64::from(out.rate)) as usize;
    let speech: usize = sentences.iter().map(|one| one.samples.len()).sum();
    let (length, lead) = (frames(seconds), frames(sequence.lead_s));
    let fixed = sequence.gap_s.map_or(0, |gap| frames(gap) * (sentences.len() - 1));
    let Some(rest) = length.checked_sub(lead + speech + fixed) else {
        return Err(SignalError::Construction {
            id: spec.id.clone(),
            reason: format!(
                "its sentences and pauses take {:.2} s, more than the {seconds} s of a group",
                (lead + speech + fixed) as f64 / f64::from(out.rate),
            ),
        });
    };
    let gap = sequence.gap_s.map_or(rest / sentences.len(), frames);
    let start = out.samples.len();
    out.samples.resize(start + lead, 0.0);
    for sentence in sentences {
        let from = out.samples.len();
        out.samples.extend_from_slice(&sentence.samples);
        active.push(from..out.samples.len());
        let pause = out.samples.len() + gap;
        out.samples.resize(pause.min(start + length), 0.0);
    }
    out.samples.resize(start + length, 0.0);
    Ok(())
}

/// Limits the peaks to `crest_db` over the active speech level that is left after limiting.
///
/// A look-ahead limiter: the gain that each sample needs is held over ±5 ms and smoothed by a Hann
/// window of the same width, so that no sample passes the threshold and the gain has no corners.
/// Only peaks are touched: between them the gain is exactly one.
fn limited(spec: &SignalSpec, recording: &Recording, crest_db: f64) -> Result<Recording, SignalError> {
    let mut level = active_rms(&spec.id, recording)?;
    let mut out = recording.clone();
    // The level falls by tenths of a decibel when peaks go; the threshold follows it down.
    for _ in 0..LIMITER_PASSES {
        let threshold = level * libm::pow(10.0, crest_db / 20.0);
        let gain = limiter_gain(&recording.samples, recording.rate, threshold);
        out.samples = recording.samples.iter().zip(&gain).map(|(x, gain)| x * gain).collect();
        level = active_rms(&spec.id, &out)?;
    }
    Ok(out)
}

fn limiter_gain(samples: &[f64], rate: u32, threshold: f64) -> Vec<f64> {
    let needed: Vec<f64> = samples.iter().map(|x| (threshold / x.abs()).min(1.0)).collect();
    smooth_gain(&needed, rate)
}

/// The gain that is at no sample above the `needed` one, without corners, and exactly one away from where less is.
pub(super) fn smooth_gain(needed: &[f64], rate: u32) -> Vec<f64> {
    let half = libm::round(LIMITER_HALF_S * f64::from(rate)) as usize;
    let count = needed.len();
    let around = |n: usize| n.saturating_sub(half)..(n + half + 1).min(count);
    let mut held = vec![1.0_f64; count];
    for (n, needed) in needed.iter().enumerate().filter(|(_, needed)| **needed < 1.0) {
        held[around(n)].iter_mut().for_each(|held| *held = held.min(*needed));
    }
    let mut losses = vec![0_usize; count + 1];
    for (n, held) in held.iter().enumerate() {
        losses[n + 1] = losses[n] + usize::from(*held < 1.0);
    }
    let window: Vec<f64> = (0..=2 * half)
        .map(|k| 0.5 - 0.5 * libm::cos(TAU * (k as f64 + 1.0) / (2.0 * half as f64 + 2.0)))
        .collect();
    let sum: f64 = window.iter().sum();
    (0..count)
        .map(|n| {
            let span = around(n);
            if losses[span.end] == losses[span.start] {
                return 1.0;
            }
            // Outside the signal the gain is one.
            let loss: f64 = span.map(|m| window[m + half - n] * (1.0 - held[m])).sum();
            1.0 - loss / sum
        })
        .collect()
}

/// The recording called `file`, for the signal `id`.
pub(super) fn load(id: &str, file: &str, source: &dyn SpeechSource) -> Result<Recording, SignalError> {
    let bytes =
        source.wav(file).ok_or_else(|| SignalError::Missing { id: id.to_owned(), file: file.to_owned() })?;
    read_wav(&bytes).map_err(|reason| SignalError::Recording {
        id: id.to_owned(),
        file: file.to_owned(),
        reason,
    })
}
