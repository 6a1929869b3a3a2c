//! The network simulator: codec, band limit and delay between the terminal and the POI.
//!
//! Signals are digital: ±1.0 is full scale. The codec's input saturates there, as a real one does. The delay of each
//! direction is the declared one exactly, with everything that codec, band limit and resampling take included.

use audio_codec::g722::{G722Decoder, G722Encoder};
use audio_codec::pcma::{PcmaDecoder, PcmaEncoder};
use audio_codec::{Decoder, Encoder};

use crate::bench::car::noise::gain_for;
use crate::bench::car::spec::{Codec, IdleNoise, NetworkSpec};
use crate::bench::car::stage::{Block, DelayLine, Filter, NoiseModel, NoiseSource, SILENCE, clip, samples};
use crate::bench::car::{BLOCK, RATE_HZ, response};
use crate::dsp::resample::{Decimator, Interpolator};
use crate::terms::{Bandwidth, Direction};
use crate::units::DBOV_AT_0_DBM0;

/// The two filters of the G.722 sub-bands together: 22 samples at 16 kHz (measured by a test).
const G722_DELAY: usize = 22;

/// The low-pass of a call without codec: the pass-band ends at the first, the stop-band begins at the second frequency.
pub const fn band_limit_hz(bandwidth: Bandwidth) -> (f64, f64) {
    match bandwidth {
        Bandwidth::Nb => (3_600.0, 4_000.0),
        Bandwidth::Wb => (7_200.0, 8_000.0),
        Bandwidth::Swb => (14_400.0, 16_000.0),
        Bandwidth::Fb => (20_000.0, 24_000.0),
    }
}

/// Taps of the low-pass of a call without codec.
pub fn band_limit_taps(bandwidth: Bandwidth) -> Vec<f64> {
    let (pass_hz, stop_hz) = band_limit_hz(bandwidth);
    response::low_pass_taps(pass_hz, stop_hz)
}

/// What codec and band limit take in each direction, in samples at 48 kHz.
fn latency(codec: Codec, bandwidth: Bandwidth) -> usize {
    let converters =
        |ratio| Decimator::new(ratio, BLOCK).latency() + Interpolator::new(ratio, BLOCK).latency();
    match codec {
        Codec::Linear => band_limit_taps(bandwidth).len() / 2,
        Codec::G711A => converters(6),
        Codec::G722 => converters(3) + 3 * G722_DELAY,
    }
}

/// The shortest delay that a direction of the network can have, in seconds.
pub fn least_delay_s(codec: Codec, bandwidth: Bandwidth) -> f64 {
    latency(codec, bandwidth) as f64 / RATE_HZ
}

/// What of the declared delay of a direction is a line of delay, behind what codec, band limit and jitter buffer take, in
/// samples.
pub fn rest(spec: &NetworkSpec, bandwidth: Bandwidth, direction: Direction, held: usize) -> usize {
    let bandwidth = spec.real_bandwidth(bandwidth);
    samples(spec.delay_s(direction)).saturating_sub(latency(spec.codec, bandwidth) + held)
}

/// One direction of the network.
pub struct Channel {
    line: Line,
    pauses: Option<Pauses>,
    noise: Option<NoiseSource>,
    delay: DelayLine,
}

/// DTX: what is sent in speech pauses, which is nothing.
struct Pauses {
    /// Blocks since the last one with speech.
    silent: usize,
}

/// A block whose mean square is below it holds no speech: −55 dBov.
const PAUSE_POWER: f32 = 3.2e-6;
/// Blocks that are still sent after speech.
const HANG_OVER: usize = 10;

impl Pauses {
    fn process(&mut self, block: &mut Block) {
        let power = block.iter().map(|sample| sample * sample).sum::<f32>() / BLOCK as f32;
        self.silent = if power > PAUSE_POWER { 0 } else { self.silent + 1 };
        if self.silent > HANG_OVER {
            *block = SILENCE;
        }
    }
}

/// The simulator's own noise on a line: white within the band of the call.
pub fn line_noise(noise: IdleNoise, bandwidth: Bandwidth) -> NoiseModel {
    let (pass_hz, stop_hz) = band_limit_hz(bandwidth);
    let gain = gain_for(noise.level_dbm0, noise.weighting, &[], f64::midpoint(pass_hz, stop_hz));
    NoiseModel { gain: gain * 10f64.powf(DBOV_AT_0_DBM0 / 20.0), taps: band_limit_taps(bandwidth) }
}

enum Line {
    Linear(Filter),
    Coded(Box<Coded>),
}

struct Coded {
    down: Decimator,
    encoder: Box<dyn Encoder>,
    decoder: Box<dyn Decoder>,
    up: Interpolator,
    narrow: Vec<f32>,
    pcm: Vec<i16>,
    bytes: Vec<u8>,
}

impl Channel {
    /// A direction of a call; `seed` decides its noise. A jitter buffer behind it holds so many samples of its delay:
    /// they are left to it.
    pub fn new(
        spec: &NetworkSpec,
        bandwidth: Bandwidth,
        direction: Direction,
        seed: u64,
        held: usize,
    ) -> Self {
        let bandwidth = spec.real_bandwidth(bandwidth);
        let stream = match direction {
            Direction::Send => 0x4e01,
            Direction::Receive => 0x4e02,
        };
        let noise = spec.noise(direction);
        let line = match spec.codec {
            Codec::Linear => Line::Linear(Filter::new(&band_limit_taps(bandwidth))),
            Codec::G711A => {
                Line::Coded(Coded::boxed(6, Box::new(PcmaEncoder::new()), Box::new(PcmaDecoder::new())))
            }
            Codec::G722 => {
                Line::Coded(Coded::boxed(3, Box::new(G722Encoder::new()), Box::new(G722Decoder::new())))
            }
        };
        let rest = rest(spec, bandwidth, direction, held);
        Self {
            line,
            pauses: spec.dtx.then_some(Pauses { silent: 0 }),
            noise: noise.map(|noise| NoiseSource::new(&line_noise(noise, bandwidth), seed, stream)),
            delay: DelayLine::new(rest),
        }
    }

    /// What it delivers next, as far as that is decided already: see [`DelayLine::coming`].
    pub fn coming(&self) -> Block {
        self.delay.coming()
    }

    /// From the next block on it is shorter by so many samples, which are lost: what delays the signal instead stands in
    /// front of it.
    pub fn shorten(&mut self, by: usize) {
        self.delay.slip(by as i32);
    }

    /// Carries one block, in place.
    pub fn process(&mut self, block: &mut Block) {
        clip(block);
        match &mut self.line {
            Line::Linear(filter) => filter.process(block),
            Line::Coded(coded) => coded.process(block),
        }
        if let Some(pauses) = &mut self.pauses {
            pauses.process(block);
        }
        if let Some(noise) = &mut self.noise {
            noise.add_to(block);
        }
        self.delay.process(block);
    }
}

impl Coded {
    fn boxed(ratio: usize, encoder: Box<dyn Encoder>, decoder: Box<dyn Decoder>) -> Box<Self> {
        let frames = BLOCK / ratio;
        Box::new(Self {
            down: Decimator::new(ratio, BLOCK),
            bytes: vec![0; encoder.max_encode_bytes(frames)],
            encoder,
            decoder,
            up: Interpolator::new(ratio, BLOCK),
            narrow: vec![0.0; frames],
            pcm: vec![0; frames],
        })
    }

    fn process(&mut self, block: &mut Block) {
        self.down.process(&block[..], &mut self.narrow);
        for (pcm, sample) in self.pcm.iter_mut().zip(&self.narrow) {
            *pcm = (sample * 32_768.0).round_ties_even() as i16; // `as` saturates
        }
        let coded = self.encoder.encode_into(&self.pcm, &mut self.bytes);
        let decoded = coded.and_then(|count| self.decoder.decode_into(&self.bytes[..count], &mut self.pcm));
        debug_assert_eq!(decoded.ok(), Some(self.pcm.len()), "both codecs work sample by sample");
        for (sample, pcm) in self.narrow.iter_mut().zip(&self.pcm) {
            *sample = f32::from(*pcm) / 32_768.0;
        }
        self.up.process(&self.narrow, &mut block[..]);
    }
}
