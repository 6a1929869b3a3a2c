//! An interface at a whole multiple of the bench's rate: what is played is raised, what is heard is lowered, both outside
//! of the callbacks.

use std::sync::Arc;

use crate::dsp::resample::{Decimator, resample_f32};
use crate::take::RATE;

/// Frames at the bench's rate that are lowered at once: a millisecond.
const BLOCK: usize = 48;
/// Frames of a turn that are seen beyond its ends while it is raised: longer than the filter on either side.
const MARGIN: usize = 1_024;

/// A track at `ratio` times the bench's rate, without delay.
pub(super) fn raised(samples: &Arc<[f32]>, ratio: usize) -> Arc<[f32]> {
    if ratio == 1 { Arc::clone(samples) } else { resample_f32(samples, RATE, RATE * ratio as u32).into() }
}

/// One turn of what goes round, at `ratio` times the bench's rate: its end flows into its beginning.
pub(super) fn raised_turn(samples: &Arc<[f32]>, ratio: usize) -> Arc<[f32]> {
    if ratio == 1 || samples.is_empty() {
        return Arc::clone(samples);
    }
    let len = samples.len();
    let before = MARGIN.div_ceil(len) * len;
    let wide: Vec<f32> = samples.iter().copied().cycle().take(before + len + MARGIN).collect();
    let raised = resample_f32(&wide, RATE, RATE * ratio as u32);
    raised[before * ratio..(before + len) * ratio].into()
}

/// Lowers interleaved lanes to the bench's rate, block by block.
pub(super) struct Lowering {
    ratio: usize,
    lanes: Vec<Decimator>,
    /// The largest magnitude of each lane before it was lowered.
    peaks: Vec<f32>,
    raw: Vec<f32>,
    one: Vec<f32>,
    lowered: Vec<f32>,
    /// Frames that are still to be forgotten: the delay of the filter.
    late: usize,
}

impl Lowering {
    /// For so many lanes, at rest.
    pub(super) fn new(ratio: usize, lanes: usize) -> Self {
        let decimator = Decimator::new(ratio, BLOCK * ratio);
        let late = decimator.latency() / ratio;
        Self {
            ratio,
            lanes: vec![decimator; lanes],
            peaks: vec![0.0; lanes],
            raw: Vec::new(),
            one: vec![0.0; BLOCK * ratio],
            lowered: vec![0.0; BLOCK],
            late,
        }
    }

    /// Appends at most `frames_max` lowered frames; gives their number. `fetch` appends so many frames, or nothing and
    /// says so.
    pub(super) fn read(
        &mut self,
        into: &mut Vec<f32>,
        frames_max: usize,
        mut fetch: impl FnMut(&mut Vec<f32>, usize) -> bool,
    ) -> usize {
        let width = self.lanes.len();
        let mut frames = 0;
        while width > 0 && frames + BLOCK <= frames_max {
            self.raw.clear();
            if !fetch(&mut self.raw, BLOCK * self.ratio) {
                break;
            }
            let from = into.len();
            into.resize(from + BLOCK * width, 0.0);
            for (n, decimator) in self.lanes.iter_mut().enumerate() {
                for (to, sample) in self.one.iter_mut().zip(self.raw.iter().skip(n).step_by(width)) {
                    *to = *sample;
                    self.peaks[n] = self.peaks[n].max(sample.abs());
                }
                decimator.process(&self.one, &mut self.lowered);
                for (to, sample) in into[from + n..].iter_mut().step_by(width).zip(&self.lowered) {
                    *to = *sample;
                }
            }
            let late = self.late.min(BLOCK);
            into.drain(from..from + late * width);
            self.late -= late;
            frames += BLOCK - late;
        }
        frames
    }

    /// Which lanes reached `full` since this was last asked.
    pub(super) fn overloads(&mut self, full: f32) -> Vec<usize> {
        let found =
            self.peaks.iter().enumerate().filter(|(_, peak)| **peak >= full).map(|(n, _)| n).collect();
        self.peaks.fill(0.0);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, frames: usize, rate: f64) -> Vec<f32> {
        (0..frames).map(|n| (0.5 * (std::f64::consts::TAU * hz * n as f64 / rate).sin()) as f32).collect()
    }

    #[test]
    fn what_is_lowered_keeps_its_time_and_its_level() {
        let (one, other) = (tone(1_000.0, 96_000, 96_000.0), tone(30_000.0, 96_000, 96_000.0));
        let mut ring: Vec<f32> = one.iter().zip(&other).flat_map(|(a, b)| [*a, *b]).collect();
        let mut lowering = Lowering::new(2, 2);
        let mut heard = Vec::new();
        let frames = lowering.read(&mut heard, 100_000, |raw, frames| {
            let is_there = ring.len() >= 2 * frames;
            raw.extend(ring.drain(..if is_there { 2 * frames } else { 0 }));
            is_there
        });
        // All but the delay of the filter.
        assert_eq!((frames, heard.len()), (48_000 - 46, 2 * (48_000 - 46)));
        let expected = tone(1_000.0, 48_000, 48_000.0);
        for (n, (frame, expected)) in heard.chunks_exact(2).zip(expected).enumerate().skip(100) {
            // 0.01 dB of 0.5.
            assert!((frame[0] - expected).abs() < 6e-4, "{n}: {} {expected}", frame[0]);
            assert!(frame[1].abs() < 1e-4, "what lies above the band of the bench is gone: {}", frame[1]);
        }
    }

    #[test]
    fn an_overload_is_seen_before_the_rate_is_lowered() {
        let mut lowering = Lowering::new(2, 2);
        let mut samples = vec![0.0; 2 * 96];
        samples[101] = -1.0;
        let mut heard = Vec::new();
        let mut once = Some(samples);
        lowering.read(&mut heard, 48, |raw, _| {
            once.take().is_some_and(|all| {
                raw.extend(all);
                true
            })
        });
        assert_eq!(lowering.overloads(0.999), [1]);
        assert_eq!(lowering.overloads(0.999), [0usize; 0]);
    }

    #[test]
    fn a_raised_turn_has_no_seam() {
        // 40 periods of 1 kHz: a turn that goes round without a step.
        let turn: Arc<[f32]> = tone(1_000.0, 1_920, 48_000.0).into();
        let raised = raised_turn(&turn, 2);
        assert_eq!(raised.len(), 3_840);
        for (n, (found, expected)) in raised.iter().zip(tone(1_000.0, 3_840, 96_000.0)).enumerate() {
            assert!((found - expected).abs() < 2e-4, "{n}: {found} {expected}");
        }
        assert!(Arc::ptr_eq(&raised_turn(&turn, 1), &turn));
    }
}
