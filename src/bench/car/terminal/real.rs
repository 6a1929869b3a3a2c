//! The real terminal: the echo canceller (AEC3) and noise suppressor of WebRTC, in the pure-Rust port `sonora`.
//!
//! It runs in blocks of 10 ms between the converters of the terminal: at 16 kHz in narrowband and wideband calls, at 48 kHz,
//! in three bands, in super-wideband and fullband ones. Canceller and suppressor listen to the lowest band, up to 8 kHz, and
//! treat the others by what they find there. Where the bands meet, at 8 and at 16 kHz, their filters leave dips of some
//! decibels, which are WebRTC's own and stay.
//! The volume control lies before the canceller's reference, so turning it changes the reference, not the path.

use sonora::config::{
    EchoCanceller, HighPassFilter, MaxProcessingRate, NoiseSuppression, NoiseSuppressionLevel, Pipeline,
};
use sonora::{AudioProcessing, Config, StreamConfig};

use crate::bench::car::BLOCK;
use crate::bench::car::spec::{RealSpec, Suppression, TerminalSpec};
use crate::bench::car::stage::{Block, DelayLine, Filter, SILENCE, clip, response_taps, samples, scale};
use crate::bench::car::terminal::{latencies, overload, receive_gain, send_gain};
use crate::dsp::resample::{Decimator, Interpolator};
use crate::take::RATE;
use crate::terms::Bandwidth;

/// Samples at 48 kHz for one at the terminal's rate.
const fn ratio(bandwidth: Bandwidth) -> usize {
    match bandwidth {
        Bandwidth::Nb | Bandwidth::Wb => 3,
        Bandwidth::Swb | Bandwidth::Fb => 1,
    }
}

/// What the suppressor's overlapping frames take, in samples at 48 kHz (measured by a test).
const SUPPRESSION_DELAY: usize = 288;
/// What the canceller's blocks of 64 samples and its overlapping frames take, in samples at 48 kHz (measured by a test).
const CANCELLER_DELAY: usize = 384;
/// What splitting into three bands and putting them together takes, in samples at 48 kHz (measured by a test).
const BANDS_DELAY: usize = 46;

/// From the canceller's reference to the loudspeaker's converter and from the microphone's to the canceller: what the
/// canceller is told about its audio system.
const AUDIO_DELAY_MS: i32 = 6;

/// What the converters and the processing of the send direction take, in samples at 48 kHz.
pub fn send_latency(own: &RealSpec, bandwidth: Bandwidth) -> usize {
    let canceller = if own.echo_canceller { CANCELLER_DELAY } else { 0 };
    let suppression = if own.noise_suppression.is_some() { SUPPRESSION_DELAY } else { 0 };
    let bands = if ratio(bandwidth) == 1 { BANDS_DELAY } else { 0 };
    converters(bandwidth) + canceller + suppression + bands
}

/// What the converters of the receive direction take, in samples at 48 kHz.
pub fn receive_latency(bandwidth: Bandwidth) -> usize {
    converters(bandwidth)
}

fn converters(bandwidth: Bandwidth) -> usize {
    let ratio = ratio(bandwidth);
    Decimator::new(ratio, BLOCK).latency() + Interpolator::new(ratio, BLOCK).latency()
}

/// The running terminal.
pub struct Real {
    processing: AudioProcessing,
    receive_delay: DelayLine,
    receive_filter: Filter,
    receive_down: Decimator,
    receive_up: Interpolator,
    receive_gain: f32,
    /// Pa at 1 m for digital 1 at the loudest step: what lies behind the canceller's reference.
    loudest_gain: f32,
    /// Digital amplitude behind the microphone's converter for 1 Pa.
    converter_gain: f32,
    /// From there to the output, behind canceller and suppressor.
    output_gain: f32,
    send_down: Decimator,
    send_up: Interpolator,
    send_filter: Filter,
    send_delay: DelayLine,
    /// A block at the terminal's rate.
    narrow: Vec<f32>,
    processed: Vec<f32>,
}

impl Real {
    /// The terminal at the beginning of a call.
    pub fn new(spec: &TerminalSpec, own: &RealSpec, bandwidth: Bandwidth, volume_step: u32) -> Self {
        let ratio = ratio(bandwidth);
        let level = own.noise_suppression.map(|strength| match strength {
            Suppression::Low => NoiseSuppressionLevel::Low,
            Suppression::Moderate => NoiseSuppressionLevel::Moderate,
            Suppression::High => NoiseSuppressionLevel::High,
            Suppression::VeryHigh => NoiseSuppressionLevel::VeryHigh,
        });
        let config = Config {
            high_pass_filter: Some(HighPassFilter::default()),
            echo_canceller: own.echo_canceller.then(EchoCanceller::default),
            noise_suppression: level.map(|level| NoiseSuppression { level, ..NoiseSuppression::default() }),
            pipeline: Pipeline {
                maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
                ..Pipeline::default()
            },
            ..Config::default()
        };
        let stream = StreamConfig::new(RATE / ratio as u32, 1);
        let processing =
            AudioProcessing::builder().config(config).capture_config(stream).render_config(stream).build();
        let (send_latency, receive_latency) = latencies(spec, bandwidth);
        Self {
            processing,
            receive_delay: DelayLine::new(samples(spec.receive_delay_s).saturating_sub(receive_latency)),
            receive_filter: Filter::new(&response_taps(&spec.receive_response)),
            receive_down: Decimator::new(ratio, BLOCK),
            receive_up: Interpolator::new(ratio, BLOCK),
            receive_gain: receive_gain(spec, volume_step) as f32,
            loudest_gain: receive_gain(spec, u32::MAX) as f32,
            converter_gain: (1.0 / overload(spec)) as f32,
            output_gain: (send_gain(spec) * overload(spec)) as f32,
            send_down: Decimator::new(ratio, BLOCK),
            send_up: Interpolator::new(ratio, BLOCK),
            send_filter: Filter::new(&response_taps(&spec.send_response)),
            send_delay: DelayLine::new(samples(spec.send_delay_s).saturating_sub(send_latency)),
            narrow: vec![0.0; BLOCK / ratio],
            processed: vec![0.0; BLOCK / ratio],
        }
    }

    /// Pa at 1 m for digital 1, from the next block on.
    pub fn set_receive_gain(&mut self, gain: f32) {
        self.receive_gain = gain;
    }

    /// See [`super::Terminal::slip`].
    pub fn slip(&mut self, lost: i32) {
        self.send_delay.slip(lost);
    }

    /// See [`super::Terminal::receive`].
    pub fn receive(&mut self, block: &mut Block) {
        self.receive_delay.process(block);
        self.receive_filter.process(block);
        self.receive_down.process(&block[..], &mut self.narrow);
        let volume = self.receive_gain / self.loudest_gain;
        self.narrow.iter_mut().for_each(|sample| *sample = (*sample * volume).clamp(-1.0, 1.0));
        let done = self.processing.process_render_f32(&[&self.narrow], &mut [&mut self.processed]);
        debug_assert!(done.is_ok(), "the block has the configured length");
        self.receive_up.process(&self.narrow, &mut block[..]);
        scale(block, self.loudest_gain);
    }

    /// See [`super::Terminal::send`].
    pub fn send(&mut self, near: &Block, echo: &Block) -> Block {
        let mut block: Block =
            std::array::from_fn(|at| ((near[at] + echo[at]) * self.converter_gain).clamp(-1.0, 1.0));
        self.send_down.process(&block[..], &mut self.narrow);
        let told = self.processing.set_stream_delay_ms(AUDIO_DELAY_MS);
        let done = self.processing.process_capture_f32(&[&self.narrow], &mut [&mut self.processed]);
        debug_assert!(told.is_ok() && done.is_ok(), "the block has the configured length");
        block = SILENCE;
        self.send_up.process(&self.processed, &mut block[..]);
        self.send_filter.process(&mut block);
        scale(&mut block, self.output_gain);
        clip(&mut block);
        self.send_delay.process(&mut block);
        block
    }
}
