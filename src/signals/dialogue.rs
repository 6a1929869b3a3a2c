//! Two sides of one conversation: recorded sentences and words, placed by hand or by the timing of P.59.
//!
//! A [`Dialogue`] is one timeline with a far and a near side; each side is a signal of its own, played on its own
//! port. Spans of the timeline follow from where the two sides speak, so that methods find single talk and double
//! talk by name: `far-1`, `near-words-1`, `double-words-1` and so on, counted in the order of time.
//!
//! Words are cut from sentences and scaled to the active speech level of their sentence, so that a word measures
//! what a sentence measures; their ends are faded over 10 ms. Sentences are placed unchanged.

use std::f64::consts::PI;
use std::ops::Range;

use super::catalogue::{Kind, SignalSpec};
use super::conversation::{self, Conversation};
use super::generate::Base;
use super::random::Random;
use super::speech::{self, Recording};
use super::{SignalError, SpeechSource};
use crate::dsp::resample::resample;

/// The fade at both ends of whatever is cut from a recording.
const FADE_S: f64 = 0.010;

/// Single talk of the far side that is shorter says nothing and gets no span.
const FAR_SPAN_MIN_S: f64 = 0.3;

/// What part of a turn in double talk falls on far-end speech, at least.
const OVERLAP_MIN: f64 = 0.5;

/// Which side of a dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The talker at the other end of the network.
    Far,
    /// The talker in the car.
    Near,
}

/// One side of a dialogue as a signal.
#[derive(Debug, Clone, PartialEq)]
pub struct DialogueSide {
    /// The dialogue.
    pub dialogue: Dialogue,
    /// The side.
    pub side: Side,
}

/// A timeline on which two sides speak.
#[derive(Debug, Clone, PartialEq)]
pub struct Dialogue {
    /// Its length.
    pub seconds: f64,
    /// Level of a room's noise floor on each side, relative to its active speech level; `None`: digital silence.
    pub floor_db: Option<f64>,
    /// Who speaks when.
    pub talk: Talk,
}

/// Who speaks when.
#[derive(Debug, Clone, PartialEq)]
pub enum Talk {
    /// As placed in the catalogue.
    Placed {
        /// The far side, in the order of time.
        far: Vec<Turn>,
        /// The near side, in the order of time.
        near: Vec<Turn>,
    },
    /// By the statistics of P.59.
    Timed(Conversation),
}

/// One utterance.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// What its spans are called after: `words`, `sentences`.
    pub group: String,
    /// Where it begins.
    pub at_s: f64,
    /// The recording.
    pub file: String,
    /// The part of the recording; `None`: all of it.
    pub cut_s: Option<Range<f64>>,
    /// Of the near side: whether it is single talk, against which double talk is compared.
    pub alone: bool,
}

/// A turn with its length.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub group: String,
    pub span_s: Range<f64>,
    pub alone: bool,
}

/// Named parts of the timeline, in seconds, in the order of time.
///
/// # Errors
/// A recording that is missing or unusable; turns that do not fit the timeline or each other.
pub fn spans(
    id: &str,
    dialogue: &Dialogue,
    source: &dyn SpeechSource,
) -> Result<Vec<(String, Range<f64>)>, SignalError> {
    let (far, near) = match &dialogue.talk {
        Talk::Placed { far, near } => {
            (lengths(id, dialogue, far, source)?, lengths(id, dialogue, near, source)?)
        }
        Talk::Timed(conversation) => {
            let timing = conversation::timing(conversation, dialogue.seconds);
            let placed = |all: Vec<Range<f64>>| {
                let one = |span_s| Placed { group: String::new(), span_s, alone: false };
                all.into_iter().map(one).collect::<Vec<_>>()
            };
            (placed(timing.far), placed(timing.near))
        }
    };
    if matches!(dialogue.talk, Talk::Placed { .. }) {
        overlaps(id, &far, &near)?;
    }
    Ok(named(&far, &near))
}

/// Every turn of a side, with its length taken from the recording where the catalogue does not state it.
fn lengths(
    id: &str,
    dialogue: &Dialogue,
    turns: &[Turn],
    source: &dyn SpeechSource,
) -> Result<Vec<Placed>, SignalError> {
    let mut placed: Vec<Placed> = Vec::new();
    for turn in turns {
        let seconds = if let Some(cut) = &turn.cut_s {
            cut.end - cut.start
        } else {
            let recording = speech::load(id, &turn.file, source)?;
            recording.samples.len() as f64 / f64::from(recording.rate)
        };
        let span_s = turn.at_s..turn.at_s + seconds;
        let free_from = placed.last().map_or(0.0, |before| before.span_s.end);
        if span_s.start < free_from || span_s.end > dialogue.seconds {
            return Err(SignalError::Construction {
                id: id.to_owned(),
                reason: format!(
                    "'{}' at {:.2} s lasts {seconds:.2} s, which does not fit between {free_from:.2} s and {:.2} s; \
                     turns of a side stand in the order of time, one after the other",
                    turn.file, turn.at_s, dialogue.seconds
                ),
            });
        }
        placed.push(Placed { group: turn.group.clone(), span_s, alone: turn.alone });
    }
    Ok(placed)
}

/// What `of` and `by` have in common, longest first where there is more than one piece.
fn common(of: &Range<f64>, by: &[Placed]) -> Vec<Range<f64>> {
    let pieces = by.iter().map(|one| of.start.max(one.span_s.start)..of.end.min(one.span_s.end));
    pieces.filter(|piece| piece.start < piece.end).collect()
}

/// Holds what the near side promises: double talk overlaps far-end speech, single talk does not.
fn overlaps(id: &str, far: &[Placed], near: &[Placed]) -> Result<(), SignalError> {
    for turn in near {
        let shared = common(&turn.span_s, far).iter().fold(0.0, |sum, piece| sum + piece.end - piece.start);
        let share = shared / (turn.span_s.end - turn.span_s.start);
        let wrong = if turn.alone { share > 0.0 } else { share < OVERLAP_MIN };
        if wrong {
            let wanted = if turn.alone {
                "it is marked `alone`, and has to stand clear of the far end"
            } else {
                "at least half of it has to, or it has to be marked `alone = true`"
            };
            return Err(SignalError::Construction {
                id: id.to_owned(),
                reason: format!(
                    "the near-end turn at {:.2} s ({}) overlaps far-end speech over {:.0} % of its length; {wanted}",
                    turn.span_s.start,
                    turn.group,
                    100.0 * share
                ),
            });
        }
    }
    Ok(())
}

/// Spans with their names.
fn named(far: &[Placed], near: &[Placed]) -> Vec<(String, Range<f64>)> {
    let mut found: Vec<(String, Range<f64>)> = Vec::new();
    for turn in near {
        let group = if turn.group.is_empty() { String::new() } else { format!("{}-", turn.group) };
        found.extend(common(&turn.span_s, far).into_iter().map(|span| (format!("double-{group}"), span)));
        let free = without(&turn.span_s, far).into_iter();
        // What is left of a turn in double talk is single talk of the near side only where nobody placed any.
        let counts = turn.alone || turn.group.is_empty();
        found.extend(free.filter(|_| counts).map(|span| (format!("near-{group}"), span)));
    }
    for turn in far {
        let free = without(&turn.span_s, near).into_iter();
        let long = free.filter(|span| span.end - span.start >= FAR_SPAN_MIN_S);
        found.extend(long.map(|span| ("far-".to_owned(), span)));
    }
    found.sort_by(|a, b| a.1.start.total_cmp(&b.1.start));
    let mut counts = std::collections::BTreeMap::new();
    for (name, _) in &mut found {
        let count = counts.entry(name.clone()).or_insert(0);
        *count += 1;
        name.push_str(&count.to_string());
    }
    found
}

/// What is left of `of` without `by`, which is in the order of time.
fn without(of: &Range<f64>, by: &[Placed]) -> Vec<Range<f64>> {
    let mut left = Vec::new();
    let mut from = of.start;
    for piece in common(of, by) {
        left.push(from..piece.start);
        from = piece.end;
    }
    left.push(from..of.end);
    left.retain(|span| span.end > span.start);
    left
}

/// One side of a dialogue at `rate`: the lab's licensed recording if there is one, else ours.
pub(super) fn base(
    spec: &SignalSpec,
    one: &DialogueSide,
    rate: u32,
    source: &dyn SpeechSource,
    seed: u64,
) -> Result<Base, SignalError> {
    if let Some(recording) = speech::licensed(spec, source)? {
        return speech::base_of_licensed(spec, &recording, rate);
    }
    // The promises of the timeline are held for each side, whichever is rendered.
    spans(&spec.id, &one.dialogue, source)?;
    let (recording, active) = match &one.dialogue.talk {
        Talk::Placed { far, near } => {
            placed(spec, &one.dialogue, if one.side == Side::Far { far } else { near }, source)?
        }
        Talk::Timed(timed) => conversation::side(spec, &one.dialogue, timed, one.side, source)?,
    };
    let mut recording = recording;
    if let Some(floor) = one.dialogue.floor_db {
        // Each side sits in a room of its own.
        let seed = if one.side == Side::Far { seed } else { !seed };
        speech::add_floor(spec, &mut recording, floor, &mut Random::new(seed))?;
    }
    let level = speech::active_rms(&spec.id, &recording)?;
    Ok(Base {
        samples: resample(&recording.samples, recording.rate, rate),
        gain: 1.0 / level,
        cycle: None,
        inverts: false,
        level_spans: 0..usize::MAX,
        active: speech::moved(&active, recording.rate, rate),
        analysis_from: 0,
        method_equivalent: spec.method_equivalent,
    })
}

/// The turns of a side on its timeline.
fn placed(
    spec: &SignalSpec,
    dialogue: &Dialogue,
    turns: &[Turn],
    source: &dyn SpeechSource,
) -> Result<(Recording, Vec<Range<usize>>), SignalError> {
    let mut out = Recording { rate: 0, samples: Vec::new() };
    let mut active = Vec::new();
    for turn in turns {
        let recording = speech::load(&spec.id, &turn.file, source)?;
        if out.rate == 0 {
            out.rate = recording.rate;
            out.samples = vec![0.0; libm::round(dialogue.seconds * f64::from(out.rate)) as usize];
        }
        if out.rate != recording.rate {
            return Err(SignalError::Recording {
                id: spec.id.clone(),
                file: turn.file.clone(),
                reason: format!("it has {} Hz, the others {} Hz", recording.rate, out.rate),
            });
        }
        let samples = match &turn.cut_s {
            Some(cut) => word(&spec.id, &turn.file, &recording, cut)?,
            None => recording.samples,
        };
        let start = libm::round(turn.at_s * f64::from(out.rate)) as usize;
        let end = (start + samples.len()).min(out.samples.len());
        out.samples[start..end].iter_mut().zip(&samples).for_each(|(x, one)| *x += one);
        active.push(start..end);
    }
    if active.is_empty() {
        let reason = "a side of the dialogue says nothing".to_owned();
        return Err(SignalError::Construction { id: spec.id.clone(), reason });
    }
    Ok((out, active))
}

/// A word cut from a recording, faded, scaled so that its RMS is the active speech level of the whole recording.
pub(super) fn word(
    id: &str,
    file: &str,
    recording: &Recording,
    cut_s: &Range<f64>,
) -> Result<Vec<f64>, SignalError> {
    let frame = |seconds: f64| libm::round(seconds * f64::from(recording.rate)) as usize;
    let cut = frame(cut_s.start)..frame(cut_s.end);
    let unusable =
        |reason: String| SignalError::Recording { id: id.to_owned(), file: file.to_owned(), reason };
    if cut.end > recording.samples.len() {
        let seconds = recording.samples.len() as f64 / f64::from(recording.rate);
        let (from, to) = (cut_s.start, cut_s.end);
        return Err(unusable(format!("it lasts {seconds:.2} s, and {from:.2} to {to:.2} s are asked for")));
    }
    let mut word = recording.samples[cut].to_vec();
    fade(&mut word, recording.rate);
    let level = super::composite::rms(&word);
    if level == 0.0 {
        let (from, to) = (cut_s.start, cut_s.end);
        return Err(unusable(format!("it is silent from {from:.2} to {to:.2} s")));
    }
    let gain = speech::active_rms(id, recording)? / level;
    for x in &mut word {
        *x *= gain;
    }
    Ok(word)
}

/// Raised-cosine fades at both ends.
pub(super) fn fade(samples: &mut [f64], rate: u32) {
    let ramp = libm::round(FADE_S * f64::from(rate)) as usize;
    let ramp = ramp.min(samples.len() / 2);
    let last = samples.len();
    for n in 0..ramp {
        let gain = 0.5 - 0.5 * libm::cos(PI * (n as f64 + 0.5) / ramp as f64);
        samples[n] *= gain;
        samples[last - 1 - n] *= gain;
    }
}

/// The dialogue of a signal, if it is a side of one.
pub fn dialogue_of(spec: &SignalSpec) -> Option<&Dialogue> {
    match &spec.kind {
        Kind::Dialogue(one) => Some(&one.dialogue),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
