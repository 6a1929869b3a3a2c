//! Pairs of signals on one time line, and where a signal is active.
//!
//! A recording is laid over its reference by the delay of the path, the part between two frames included: on the slope
//! of an onset a meter moves by a decibel within a frame of 8 kHz. Where the excitation is active is read from a meter
//! of 5 ms that looks both ways, so that neither end of a burst is smeared by the meter's own fall.

use std::ops::Range;

use super::MeterError;
use super::delay::DelayRequest;
use crate::dsp::align::Polarity;
use crate::dsp::level::{SpeechLevel, active_speech_level, mean_square_series, peak};
use crate::dsp::resample::fractional_delay;
use crate::units::{Db, Seconds};

/// Integration time for switching and build-up, and for telling active from inactive.
pub const FAST: Seconds = Seconds(0.005);

/// A frame is active where the fast meter is no more than this below the active level: the margin of P.56.
pub const ACTIVE_MARGIN: Db = Db(15.9);

/// Frames at the end of a recording that an interpolation between frames cannot know.
const INTERPOLATION_FRAMES: usize = 96;

/// How much later a recording is than its reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathDelay {
    /// The delay; negative where the recording is early.
    pub delay: Seconds,
    /// The sign of the path; upright where the delay was given.
    pub polarity: Polarity,
    /// The normalized correlation at the delay, 0 … 1; `None` where the delay was given.
    pub correlation: Option<f64>,
}

/// The delay of `recording` against `reference`: the one that is `given`, or the one between 0 and `delay_max` at which
/// the two correlate best.
///
/// # Errors
/// Silence, a value that is not finite, a given delay at which the two don't overlap, or no delay that means something:
/// the correlation is less than twice what unrelated signals reach by chance, or best at the end of the range.
pub fn path_delay(
    reference: &[f64],
    recording: &[f64],
    rate: u32,
    given: Option<Seconds>,
    delay_max: Seconds,
) -> Result<PathDelay, MeterError> {
    if let Some(delay) = given {
        let frames = delay.0 * f64::from(rate);
        let fits = frames < recording.len() as f64 && -frames < reference.len() as f64;
        if !fits {
            return Err(MeterError::asked(
                format!(
                    "at a delay of {:.2} ms reference and recording have nothing in common",
                    delay.as_ms()
                ),
                "give a delay that lies within the recordings",
            ));
        }
        return Ok(PathDelay { delay, polarity: Polarity::Upright, correlation: None });
    }
    // A path without delay is found a little before 0 as often as after it.
    let request = DelayRequest { min: Seconds(-2.0 / f64::from(rate)), max: delay_max };
    let found = match request.measure(reference, recording, rate) {
        Ok(reading) => reading.found,
        Err(MeterError::Asked { what, .. }) => {
            return Err(MeterError::asked(what, "give the delay of the path, or look for it further out"));
        }
        Err(other) => return Err(other),
    };
    Ok(PathDelay { delay: found.delay, polarity: found.polarity, correlation: Some(found.correlation) })
}

/// `recording` earlier by `delay`, so that frame n belongs to frame n of the reference; what came before is left out,
/// and so are the last frames that would have to be guessed.
pub fn advanced(recording: &[f64], rate: u32, delay: Seconds) -> Vec<f64> {
    let frames = delay.0 * f64::from(rate);
    // A measured delay of whole frames is found within a few millionths of one.
    let frames = if (frames - frames.round()).abs() < 1e-4 { frames.round() } else { frames };
    let guessed = if frames.fract() == 0.0 { 0 } else { INTERPOLATION_FRAMES };
    let left = (recording.len() as f64 - frames).max(0.0).floor() as usize;
    let mut early = fractional_delay(recording, -frames);
    early.truncate(left.saturating_sub(guessed));
    early
}

/// The mean square of the fast meter at every frame, the smaller one of forward and backward: it rises at the first
/// frame of a burst and falls at its last one.
pub fn envelope(signal: &[f64], rate: u32) -> Vec<f64> {
    let forward = mean_square_series(signal, rate, FAST, 1);
    forward.iter().zip(backward(signal, rate)).map(|(a, b)| a.min(b)).collect()
}

/// The mean square of the fast meter run backward: at each frame the level of what follows.
pub fn backward(signal: &[f64], rate: u32) -> Vec<f64> {
    let reversed: Vec<f64> = signal.iter().rev().copied().collect();
    let mut series = mean_square_series(&reversed, rate, FAST, 1);
    series.reverse();
    series
}

/// The active level as a mean square: P.56 on the signal scaled to a peak of 1, so that no level is too low for it.
///
/// # Errors
/// Silence, or a value that is not finite.
pub fn active_power(signal: &[f64], rate: u32, which: &'static str) -> Result<f64, MeterError> {
    let top = peak(signal);
    if top == 0.0 {
        return Err(crate::dsp::DspError::Silent { which }.into());
    }
    let scaled: Vec<f64> = signal.iter().map(|x| x / top).collect();
    match active_speech_level(&scaled, rate) {
        SpeechLevel::Active(speech) => Ok(top * top * Db(speech.active_level.decibels()).power()),
        SpeechLevel::Silence { .. } => Err(MeterError::asked(
            format!("nothing in the {which} lasts long enough to have an active level"),
            "use speech or a composite source signal",
        )),
        SpeechLevel::NotFinite => Err(crate::dsp::DspError::NotFinite { which }.into()),
    }
}

/// The frames of a span in seconds.
///
/// # Errors
/// The span is empty, or reaches beyond the signal of `len` frames.
pub fn frames_of(span_s: &Range<f64>, rate: u32, len: usize) -> Result<Range<usize>, MeterError> {
    let named = format!("{}..{} s", span_s.start, span_s.end);
    let ordered = span_s.start >= 0.0 && span_s.end > span_s.start;
    if !ordered {
        return Err(MeterError::asked(
            format!("the span {named} is empty"),
            "write it as from..to in seconds",
        ));
    }
    let frame = |seconds: f64| (seconds * f64::from(rate)).round() as usize;
    let (from, to) = (frame(span_s.start), frame(span_s.end));
    if to > len {
        let seconds = len as f64 / f64::from(rate);
        return Err(MeterError::asked(
            format!("the span {named} reaches beyond the recording of {seconds:.3} s"),
            "choose a span that lies within it",
        ));
    }
    if from == to {
        return Err(MeterError::asked(format!("the span {named} holds no frame"), "choose a longer one"));
    }
    Ok(from..to)
}

/// Refuses a signal with a value that is not finite.
///
/// # Errors
/// There is one.
pub(super) fn finite(signal: &[f64], which: &'static str) -> Result<(), MeterError> {
    if signal.iter().all(|x| x.is_finite()) {
        Ok(())
    } else {
        Err(crate::dsp::DspError::NotFinite { which }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / 2f64.powi(52) - 1.0
        })
        .take(count)
        .collect()
    }

    #[test]
    fn a_recording_advanced_by_its_delay_is_its_reference() {
        let mut reference = noise(4000, 1);
        reference[3000..].fill(0.0);
        for frames in [0.0, 17.0, 123.4] {
            let late = fractional_delay(&reference, frames);
            let seconds = Seconds(frames / 8000.0);
            let early = advanced(&late, 8000, seconds);
            assert!(early.len() <= 4000 - frames as usize && early.len() + 97 + frames as usize >= 4000);
            // Noise up to Nyquist: the interpolation is right up to 0.95 of it.
            let error: f64 = early.iter().zip(&reference).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 3000.0;
            assert!(error < 0.02, "{frames}: {error}");
            let found = path_delay(&reference, &late, 8000, None, Seconds(0.1)).unwrap();
            assert!((found.delay.0 * 8000.0 - frames).abs() < 0.02, "{found:?}");
        }
    }

    #[test]
    fn a_recording_of_something_else_has_no_delay() {
        let error = path_delay(&noise(16_000, 1), &noise(16_000, 2), 8000, None, Seconds(0.5)).unwrap_err();
        assert!(error.to_string().contains("no delay from"), "{error}");
        let given = path_delay(&noise(100, 1), &noise(100, 2), 8000, Some(Seconds(0.01)), Seconds(0.5));
        assert_eq!(given.unwrap().correlation, None);
        for far in [0.0125, -0.0125, f64::NAN] {
            assert!(
                path_delay(&noise(100, 1), &noise(100, 2), 8000, Some(Seconds(far)), Seconds(0.5)).is_err()
            );
        }
    }

    #[test]
    fn a_burst_is_active_from_its_first_to_its_last_frame() {
        let mut burst = vec![0.0; 8000];
        burst[2000..4000].fill(0.1);
        let threshold = 0.01 * Db(-ACTIVE_MARGIN.0).power();
        let active: Vec<usize> = envelope(&burst, 8000)
            .iter()
            .enumerate()
            .filter(|(_, v)| **v >= threshold)
            .map(|(n, _)| n)
            .collect();
        assert!((2000..2003).contains(&active[0]) && (3997..4000).contains(&active[active.len() - 1]));
    }

    #[test]
    fn the_active_level_does_not_depend_on_the_scale() {
        let mut bursts = noise(16_000, 3);
        bursts[4000..12_000].fill(0.0);
        let loud = active_power(&bursts, 8000, "reference").unwrap();
        let quiet: Vec<f64> = bursts.iter().map(|x| x * 1e-6).collect();
        let quiet = active_power(&quiet, 8000, "reference").unwrap();
        assert!((quiet / loud * 1e12 - 1.0).abs() < 1e-9);
        assert!(active_power(&[0.0; 100], 8000, "reference").is_err());
    }

    #[test]
    fn spans_lie_within_the_recording() {
        assert_eq!(frames_of(&(0.5..1.0), 8000, 8000).unwrap(), 4000..8000);
        for (span, what) in [
            (0.5..1.1, "beyond"),
            (0.5..0.5, "empty"),
            (0.6..0.5, "empty"),
            (-0.1..0.5, "empty"),
            (0.1..f64::NAN, "empty"),
            (0.1..0.10001, "no frame"),
        ] {
            assert!(frames_of(&span, 8000, 8000).unwrap_err().to_string().contains(what), "{span:?}");
        }
    }
}
