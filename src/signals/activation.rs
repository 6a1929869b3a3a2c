//! The activation sequence of P.1120: one word, again and again, a step louder each time.
//!
//! The level of the sequence is that of its *first* word, over the word itself and not over its slot: a test starts
//! under the limit and finds the first word that comes through. The last one is `(count − 1) · step` louder, which is
//! what has to fit under full scale.

use std::ops::Range;

use super::catalogue::SignalSpec;
use super::composite::rms;
use super::dialogue::word;
use super::generate::Base;
use super::speech::{self, Recording};
use super::{SignalError, SpeechSource};
use crate::dsp::level::block_mean_squares;
use crate::dsp::resample::resample;

/// How far below its loudest block a recording is still taken as a word: the first word of 21 dB of steps, and the
/// soft sounds inside it.
const WORD_UNDER_LOUDEST_DB: f64 = 45.0;

/// Blocks in which words are looked for.
const BLOCK_S: f64 = 0.010;

/// Pauses inside of a word are shorter.
const PAUSE_MIN_BLOCKS: usize = 20;

/// A word with rising level.
#[derive(Debug, Clone, PartialEq)]
pub struct WordRamp {
    /// The recording that holds the word.
    pub file: String,
    /// The word in it.
    pub cut_s: Range<f64>,
    /// From one word to the next.
    pub period_s: f64,
    /// Words.
    pub count: u32,
    /// By how much each is louder than the one before.
    pub step_db: f64,
}

/// The sequence of `spec` at `rate`: the lab's licensed recording if there is one, else ours.
pub(super) fn base(
    spec: &SignalSpec,
    ramp: &WordRamp,
    rate: u32,
    source: &dyn SpeechSource,
) -> Result<Base, SignalError> {
    let imported = speech::licensed(spec, source)?;
    let ours = imported.is_none();
    let (recording, words) = match imported {
        Some(recording) => {
            let words = words_of(&recording);
            (recording, words)
        }
        None => our_sequence(spec, ramp, source)?,
    };
    let first = words.first().map_or(0.0, |word| rms(&recording.samples[word.clone()]));
    if first == 0.0 {
        let reason = "its recording holds no word".to_owned();
        return Err(SignalError::Construction { id: spec.id.clone(), reason });
    }
    Ok(Base {
        samples: resample(&recording.samples, recording.rate, rate),
        gain: 1.0 / f64::from(first as f32),
        cycle: None,
        inverts: false,
        level_spans: 0..1,
        active: speech::moved(&words, recording.rate, rate),
        analysis_from: 0,
        method_equivalent: spec.method_equivalent && ours,
    })
}

/// The words one after the other, and where they are.
fn our_sequence(
    spec: &SignalSpec,
    ramp: &WordRamp,
    source: &dyn SpeechSource,
) -> Result<(Recording, Vec<Range<usize>>), SignalError> {
    let recording = speech::load(&spec.id, &ramp.file, source)?;
    let word = word(&spec.id, &ramp.file, &recording, &ramp.cut_s)?;
    let period = libm::round(ramp.period_s * f64::from(recording.rate)) as usize;
    if word.len() >= period {
        return Err(SignalError::Construction {
            id: spec.id.clone(),
            reason: format!("its word is not shorter than its period of {} s", ramp.period_s),
        });
    }
    let mut samples = vec![0.0; period * ramp.count as usize];
    let mut words = Vec::new();
    for (n, slot) in samples.chunks_mut(period).enumerate() {
        let gain = libm::pow(10.0, n as f64 * ramp.step_db / 20.0);
        slot.iter_mut().zip(&word).for_each(|(x, one)| *x = gain * one);
        words.push(n * period..n * period + word.len());
    }
    Ok((Recording { rate: recording.rate, samples }, words))
}

/// Where a recording speaks: runs of blocks that are not silent, with pauses of at least 200 ms between them.
fn words_of(recording: &Recording) -> Vec<Range<usize>> {
    let block = libm::round(BLOCK_S * f64::from(recording.rate)) as usize;
    let powers = block_mean_squares(&recording.samples, block);
    let loudest = powers.iter().copied().fold(0.0, f64::max);
    let threshold = loudest * libm::pow(10.0, -WORD_UNDER_LOUDEST_DB / 10.0);
    let mut words: Vec<Range<usize>> = Vec::new();
    for (n, _) in powers.iter().enumerate().filter(|(_, power)| **power > threshold) {
        match words.last_mut() {
            Some(word) if n < word.end + PAUSE_MIN_BLOCKS => word.end = n + 1,
            _ => words.push(n..n + 1),
        }
    }
    let end = recording.samples.len();
    words.into_iter().map(|word| word.start * block..(word.end * block).min(end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_between_pauses_and_not_inside_them() {
        let rate = 16_000;
        let mut samples = vec![0.0; 5 * 16_000];
        for (n, level) in [(0, 0.1), (1, 0.2), (2, 0.4)] {
            let start = 8_000 + n * 16_000;
            samples[start..start + 3_200].fill(level);
            // a stop of 100 ms inside the word
            samples[start + 4_800..start + 6_400].fill(level);
        }
        let words = words_of(&Recording { rate, samples });
        assert_eq!(words, [8_000..14_400, 24_000..30_400, 40_000..46_400]);
    }
}
