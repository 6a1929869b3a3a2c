//! The stages that signals of the virtual car pass, block by block: delay lines, filters, shaped noise.

use crate::bench::car::cabin::Path;
use crate::bench::car::noise;
use crate::bench::car::{BLOCK, RATE_HZ, response};
use crate::dsp::partition::BlockConvolver;
use crate::signals::random::Random;

/// One block of a stream.
pub type Block = [f32; BLOCK];

/// A block of silence.
pub const SILENCE: Block = [0.0; BLOCK];

/// Multiplies a block by a factor.
pub fn scale(block: &mut Block, factor: f32) {
    for sample in block {
        *sample *= factor;
    }
}

/// Clips a block at digital full scale.
pub fn clip(block: &mut Block) {
    for sample in block {
        *sample = sample.clamp(-1.0, 1.0);
    }
}

/// A delay by a whole number of samples.
#[derive(Debug, Clone)]
pub struct DelayLine {
    line: Vec<f32>,
    at: usize,
}

impl DelayLine {
    /// A delay of `samples`.
    pub fn new(samples: usize) -> Self {
        Self { line: vec![0.0; samples], at: 0 }
    }

    /// Loses the next frames that would come out (positive) or lets them come twice (negative), as far as the line
    /// holds so many; from then on it is as much shorter or longer.
    pub fn slip(&mut self, lost: i32) {
        let frames = (lost.unsigned_abs() as usize).min(self.line.len());
        self.line.rotate_left(self.at);
        self.at = 0;
        if lost > 0 {
            self.line.drain(..frames);
        } else {
            let twice = self.line[..frames].to_vec();
            self.line.splice(0..0, twice);
        }
    }

    /// Its length.
    pub const fn samples(&self) -> usize {
        self.line.len()
    }

    /// What comes out next, whatever goes in: as much of a block as the line holds, then silence.
    pub fn coming(&self) -> Block {
        let mut coming = self.line[self.at..].iter().chain(&self.line[..self.at]);
        std::array::from_fn(|_| coming.next().copied().unwrap_or(0.0))
    }

    /// Delays one block in place.
    pub fn process(&mut self, block: &mut Block) {
        if self.line.is_empty() {
            return;
        }
        for sample in block {
            std::mem::swap(sample, &mut self.line[self.at]);
            self.at += 1;
            if self.at == self.line.len() {
                self.at = 0;
            }
        }
    }
}

/// A filter, or a wire.
pub enum Filter {
    /// Everything gets through unchanged.
    Wire,
    /// A convolution.
    Convolver(Box<BlockConvolver>, Box<Block>),
}

impl Filter {
    /// The filter with these taps; no taps are a wire.
    pub fn new(taps: &[f64]) -> Self {
        if taps.is_empty() {
            return Self::Wire;
        }
        let taps: Vec<f32> = taps.iter().map(|tap| *tap as f32).collect();
        Self::Convolver(Box::new(BlockConvolver::new(&taps, BLOCK)), Box::new(SILENCE))
    }

    /// Filters one block in place.
    pub fn process(&mut self, block: &mut Block) {
        if let Self::Convolver(convolver, output) = self {
            convolver.process(&block[..], &mut output[..]);
            block.copy_from_slice(&output[..]);
        }
    }
}

/// A sound path with its state.
pub enum Sound {
    /// Nothing gets through.
    Silent,
    /// A gain and a delay.
    Tap(f32, DelayLine),
    /// A convolution.
    Response(Filter),
}

impl Sound {
    /// The path `path` at rest.
    pub fn new(path: &Path) -> Self {
        match path {
            Path::Silent => Self::Silent,
            Path::Tap { gain, delay } => Self::Tap(*gain as f32, DelayLine::new(*delay)),
            Path::Response(taps) => Self::Response(Filter::new(taps)),
        }
    }

    /// What arrives of one block.
    pub fn arrival(&mut self, source: &Block) -> Block {
        let mut block = *source;
        match self {
            Self::Silent => block = SILENCE,
            Self::Tap(gain, line) => {
                scale(&mut block, *gain);
                line.process(&mut block);
            }
            Self::Response(filter) => filter.process(&mut block),
        }
        block
    }
}

/// Half the taps of a response filter: its delay is 10 ms, its resolution about 200 Hz.
pub const RESPONSE_HALF: usize = 480;
/// Half the taps of a noise-shaping filter, which has no right delay to keep.
pub const NOISE_HALF: usize = 256;

/// Taps for the points of a response; flat responses need none and have no delay.
pub fn response_taps(points: &[(f64, f64)]) -> Vec<f64> {
    if points.is_empty() { Vec::new() } else { response::taps_of_points(points, RESPONSE_HALF) }
}

/// Delay of [`response_taps`] in samples.
pub const fn response_delay(points: &[(f64, f64)]) -> usize {
    if points.is_empty() { 0 } else { RESPONSE_HALF }
}

/// Whole samples of a time.
pub fn samples(seconds: f64) -> usize {
    (seconds * RATE_HZ).round() as usize
}

/// A time as the simulation keeps it: a whole number of samples, in seconds.
pub fn whole_samples_s(seconds: f64) -> f64 {
    samples(seconds) as f64 / RATE_HZ
}

/// A noise as the car's model states it: white noise of variance 1 times `gain`, through `taps`.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseModel {
    /// Amplitude factor.
    pub gain: f64,
    /// The shaping filter; empty is white.
    pub taps: Vec<f64>,
}

/// A noise that runs.
pub struct NoiseSource {
    random: Random,
    gain: f32,
    filter: Filter,
}

impl NoiseSource {
    /// The stream `stream` of `seed` with the model's spectrum and level.
    pub fn new(model: &NoiseModel, seed: u64, stream: u64) -> Self {
        Self {
            random: noise::stream(seed, stream),
            gain: model.gain as f32,
            filter: Filter::new(&model.taps),
        }
    }

    /// Adds the next block of noise to `block`.
    pub fn add_to(&mut self, block: &mut Block) {
        let mut noise = SILENCE;
        for sample in &mut noise {
            *sample = noise::normal(&mut self.random) * self.gain;
        }
        self.filter.process(&mut noise);
        block.iter_mut().zip(&noise).for_each(|(sample, noise)| *sample += noise);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_lines_delay_by_whole_samples() {
        for delay in [0usize, 1, 479, 480, 481, 1300] {
            let mut line = DelayLine::new(delay);
            let mut out = Vec::new();
            for block_index in 0..5 {
                let mut block: Block = std::array::from_fn(|n| (block_index * BLOCK + n) as f32 + 1.0);
                line.process(&mut block);
                out.extend_from_slice(&block);
            }
            assert_eq!(out[delay], 1.0, "{delay}");
            assert!(out[..delay].iter().all(|sample| *sample == 0.0));
            assert_eq!(out[2399], (2400 - delay) as f32);
        }
    }

    #[test]
    fn a_line_that_slips_is_shorter_or_longer_from_then_on() {
        for (lost, after) in [(40, 960), (-40, 1_040), (0, 1_000), (5_000, 0)] {
            let mut line = DelayLine::new(1_000);
            let mut out = Vec::new();
            for block_index in 0..10 {
                if block_index == 4 {
                    line.slip(lost);
                }
                let mut block: Block = std::array::from_fn(|n| (block_index * BLOCK + n) as f32 + 1.0);
                line.process(&mut block);
                out.extend_from_slice(&block);
            }
            assert_eq!(out[1_900], 901.0);
            assert_eq!(out[4_799], (4_800 - after) as f32, "{lost}");
        }
    }
}
