//! The network simulator: codec, band limit and delay between the terminal and the POI.
//!
//! Signals are digital: ±1.0 is full scale. The codec's input saturates there, as a real one does. The delay of each
//! direction is the declared one exactly, with everything that codec, band limit and resampling take included.

use audio_codec::g722::{G722Decoder, G722Encoder};
use audio_codec::pcma::{PcmaDecoder, PcmaEncoder};
use audio_codec::{Decoder, Encoder};

use crate::bench::car::spec::{Codec, NetworkSpec};
use crate::bench::car::stage::{Block, DelayLine, Filter, clip, samples};
use crate::bench::car::{BLOCK, RATE_HZ, response};
use crate::dsp::resample::{Decimator, Interpolator};
use crate::terms::Bandwidth;

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

/// One direction of the network.
pub struct Channel {
    delay: DelayLine,
    line: Line,
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
    /// A direction with the total delay `delay_s`.
    pub fn new(spec: &NetworkSpec, bandwidth: Bandwidth, delay_s: f64) -> Self {
        let line = match spec.codec {
            Codec::Linear => Line::Linear(Filter::new(&band_limit_taps(bandwidth))),
            Codec::G711A => {
                Line::Coded(Coded::boxed(6, Box::new(PcmaEncoder::new()), Box::new(PcmaDecoder::new())))
            }
            Codec::G722 => {
                Line::Coded(Coded::boxed(3, Box::new(G722Encoder::new()), Box::new(G722Decoder::new())))
            }
        };
        let rest = samples(delay_s).saturating_sub(latency(spec.codec, bandwidth));
        Self { delay: DelayLine::new(rest), line }
    }

    /// Carries one block, in place.
    pub fn process(&mut self, block: &mut Block) {
        clip(block);
        match &mut self.line {
            Line::Linear(filter) => filter.process(block),
            Line::Coded(coded) => coded.process(block),
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
