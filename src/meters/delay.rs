//! The delay between two files, and whether it means anything.
//!
//! 1. The cross-spectrum of the two gives their correlation and, by a Hilbert transform, its envelope, which has its
//!    maximum at the delay whatever the polarity. Each candidate is rated by the energy that a delayed copy of the
//!    reference explains in the recording, so that a periodic signal is not mistaken by a period.
//! 2. Around the best one the largest magnitude of the correlation gives the polarity and the frame; interpolation by a
//!    windowed sinc gives the maximum between frames.
//! 3. *Chance* is the correlation that unrelated signals with these spectra reach somewhere in the range. A correlation
//!    below twice that is no delay, and is refused; so is a best match at the end of the range. Few tones have no delay
//!    for that reason; their levels can be compared all the same (`response`, `loudness-rating`, `coupling-loss`).
//!
//! The delay is that of the strongest part of the signal. A path that turns phases (a high-pass on speech) moves it by
//! part of a period and may turn its sign: a correlation below 0.8 is told with a note. Composite source signal or noise
//! tell more than speech.

use super::MeterError;
use crate::dsp::align::{Delay, DelaySearch, find_delay};
use crate::units::Seconds;

/// Between which delays one is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DelayRequest {
    /// The smallest; negative if the recording may be early.
    pub min: Seconds,
    /// The largest.
    pub max: Seconds,
}

/// A delay that means something.
#[derive(Debug, Clone, PartialEq)]
pub struct DelayReading {
    /// The delay, with polarity and correlation.
    pub found: Delay,
    /// What is to be known about it, if anything.
    pub note: Option<String>,
}

/// A path that turns phases keeps less than this of the correlation; so does noise.
const COLORED_BELOW: f64 = 0.8;
/// At this correlation the recording is the reference, whatever chance says.
const SURE: f64 = 0.9;
/// From which rating on another delay is told. Composite source signals have 27/28 after 10 s by nature.
const SECOND_TOLD: f64 = 0.97;

impl DelayRequest {
    /// The delay of `recording` against `reference`.
    ///
    /// # Errors
    /// A signal is silent or damaged, the range holds no lag, the best match lies at the very end of the range, or it is
    /// no better than that of unrelated signals.
    pub fn measure(
        &self,
        reference: &[f64],
        recording: &[f64],
        rate: u32,
    ) -> Result<DelayReading, MeterError> {
        let found = self.find(reference, recording, rate)?;
        if !found.stands_out() {
            return Err(MeterError::asked(
                format!(
                    "no delay from {} to {} ms: the best correlation is {:.3}, and unrelated signals with these spectra \
                     reach {:.3}",
                    self.min.as_ms(),
                    self.max.as_ms(),
                    found.correlation,
                    found.chance
                ),
                "check that the files belong together and begin at one instant, widen the range that is searched, or use a \
                 longer signal with a wider spectrum",
            ));
        }
        let frame_s = 1.0 / f64::from(rate);
        if found.delay.0 < self.min.0 + 0.5 * frame_s || found.delay.0 > self.max.0 - 0.5 * frame_s {
            return Err(MeterError::asked(
                format!("the best match lies at the end of the range, {:.3} ms", found.delay.as_ms()),
                "widen the range that is searched",
            ));
        }
        Ok(DelayReading { found, note: note(&found) })
    }

    /// A delay at which `recording` lies on `reference`. Tones correlate with tones at many delays, so that chance
    /// explains everything and no delay is told; for comparing levels any of them will do, and at this correlation the
    /// recording is the reference.
    ///
    /// # Errors
    /// As [`Self::measure`], but for recordings whose correlation is at least 0.9.
    pub fn align(&self, reference: &[f64], recording: &[f64], rate: u32) -> Result<Delay, MeterError> {
        let found = self.find(reference, recording, rate)?;
        if found.correlation >= SURE {
            return Ok(found);
        }
        self.measure(reference, recording, rate).map(|reading| reading.found)
    }

    fn find(&self, reference: &[f64], recording: &[f64], rate: u32) -> Result<Delay, MeterError> {
        Ok(find_delay(reference, recording, rate, &DelaySearch::between(self.min, self.max))?)
    }
}

/// What is to be known about a delay.
fn note(found: &Delay) -> Option<String> {
    if let Some(second) = found.second.filter(|second| second.ratio > SECOND_TOLD) {
        let also_ms = second.delay.as_ms();
        return Some(format!(
            "{also_ms:.3} ms fits nearly as well: the reference repeats; narrow the range that is searched"
        ));
    }
    (found.correlation < COLORED_BELOW).then(|| {
        "noise is in the recording, or the path colors it: then this is the delay of its strongest part, and the polarity \
         that part's sign; a signal that is white in the band of the path tells more"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: DelayRequest = DelayRequest { min: Seconds(-0.05), max: Seconds(0.2) };

    fn noise(count: usize, seed: u64) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / 2f64.powi(52) - 1.0
        })
        .take(count)
        .collect()
    }

    fn later(signal: &[f64], frames: usize) -> Vec<f64> {
        std::iter::repeat_n(0.0, frames).chain(signal.iter().copied()).collect()
    }

    #[test]
    fn a_copy_has_its_delay_and_no_note() {
        let signal = noise(8000, 1);
        let read = RANGE.measure(&signal, &later(&signal, 123), 8000).unwrap();
        assert!((read.found.delay.0 * 8000.0 - 123.0).abs() < 0.01 && read.note.is_none(), "{read:?}");
    }

    #[test]
    fn unrelated_signals_have_no_delay() {
        for seed in 0..20 {
            let error = RANGE.measure(&noise(8000, 100 + seed), &noise(9000, 200 + seed), 8000).unwrap_err();
            assert!(error.to_string().contains("unrelated signals"), "{error}");
        }
    }

    #[test]
    fn a_match_at_the_end_of_the_range_is_none() {
        let signal = noise(8000, 1);
        let range = DelayRequest { min: Seconds(0.0), max: Seconds(0.01) };
        let smooth: Vec<f64> = signal.windows(40).map(|w| w.iter().sum()).collect();
        let error = range.measure(&smooth, &later(&smooth, 90), 8000).unwrap_err();
        assert!(error.to_string().contains("end of the range"), "{error}");
    }

    #[test]
    fn a_reference_that_repeats_is_told() {
        let one = noise(400, 3);
        let signal: Vec<f64> = one.iter().cycle().take(40_000).copied().collect();
        let read = RANGE.measure(&signal, &later(&signal, 200), 8000).unwrap();
        assert!((read.found.delay.0 * 8000.0 - 200.0).abs() < 0.01, "{read:?}");
        assert!(read.note.unwrap().contains("fits nearly as well"));
    }

    #[test]
    fn a_steady_tone_has_no_delay() {
        let tone: Vec<f64> = (0..16_000).map(|n| (f64::from(n) * 0.3).sin()).collect();
        let error = RANGE.measure(&tone, &later(&tone, 50), 8000).unwrap_err();
        assert!(error.to_string().contains("unrelated"), "{error}");
    }
}
