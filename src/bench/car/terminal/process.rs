//! The terminal that is a program: converters and buffers between the car's blocks of 10 ms at 48 kHz and the blocks, the
//! rate and the full scale of a [`Program`].
//!
//! The causal order, in frames of the program's rate: frame n of the program's input holds the microphone and the receive
//! signal of the time n. The program is given a block when its last frame has been recorded. Frame n of its send leaves
//! `block` frames after the time n; frame n of its loudspeaker sounds `block` frames and 10 ms after it, since the car's
//! next 10 ms begin when the block is done. The converters come on top, and the lines of delay in front of receive and behind
//! send fill up what the car file declares: outside of the loop that the echo goes, so that a program hears its echo as soon as
//! its block size allows ([`audio_delay`]), and the car's delay is the declared one whatever the block.
//!
//! The volume is turned in front of the program: turning it changes the program's receive, not the path from its
//! loudspeaker to its microphone.

use std::collections::VecDeque;

use crate::bench::StopFlag;
use crate::bench::car::BLOCK;
use crate::bench::car::program::{CONTRACT, OUTPUTS, Program, ProgramFailure};
use crate::bench::car::spec::{ProcessSpec, TerminalSpec};
use crate::bench::car::stage::{Block, DelayLine, Filter, SILENCE, clip, response_taps, samples, scale};
use crate::bench::car::terminal::{latencies, overload, receive_gain, send_gain};
use crate::dsp::resample::{Decimator, Interpolator};
use crate::take::RATE;
use crate::terms::Bandwidth;
use crate::units::DBOV_AT_0_DBM0;

/// Frames of the program's rate in one block of the car.
const fn frames(own: &ProcessSpec) -> usize {
    BLOCK * own.rate as usize / RATE as usize
}

/// Frames of the program's rate as samples at 48 kHz; [`buffered`] makes them whole.
const fn at_48_khz(frames: usize, own: &ProcessSpec) -> usize {
    frames * RATE as usize / own.rate as usize
}

/// Frames that wait between the program and the car, when `needed` must and `latency` comes from the program: one more
/// where the sum would be no whole number of samples at 48 kHz (an odd number at 32 kHz).
const fn buffered(needed: usize, latency: usize, own: &ProcessSpec) -> usize {
    let is_whole = ((needed + latency) * RATE as usize).is_multiple_of(own.rate as usize);
    if is_whole { needed } else { needed + 1 }
}

/// Frames that a send frame waits.
const fn send_buffer(own: &ProcessSpec) -> usize {
    buffered(own.block, own.latency_send, own)
}

/// Frames that a loudspeaker frame waits.
const fn loudspeaker_buffer(own: &ProcessSpec) -> usize {
    buffered(own.block + frames(own), own.latency_receive, own)
}

/// What converters, buffers and the declared latency take from the microphone to the output, in samples at 48 kHz.
pub fn send_latency(own: &ProcessSpec) -> usize {
    converters(own) + at_48_khz(send_buffer(own) + own.latency_send, own)
}

/// The same from the input to the loudspeaker.
pub fn receive_latency(own: &ProcessSpec) -> usize {
    converters(own) + at_48_khz(loudspeaker_buffer(own) + own.latency_receive, own)
}

/// From a frame of the program's loudspeaker to the frame of its microphone that hears it, without the way through the
/// cabin, in frames of its rate (to the nearest).
pub fn audio_delay(own: &ProcessSpec) -> usize {
    let converters = (converters(own) * own.rate as usize * 2 + RATE as usize) / (RATE as usize * 2);
    loudspeaker_buffer(own) + converters
}

/// One converter down and one up, in samples at 48 kHz.
fn converters(own: &ProcessSpec) -> usize {
    Converter::new(RATE, own.rate).latency() + Converter::new(own.rate, RATE).latency()
}

/// From one rate to another, block by block: up by a whole number, then down by one.
struct Converter {
    up: Option<Interpolator>,
    down: Option<Decimator>,
    between: Vec<f32>,
    /// Frames of the rate between for one at 48 kHz.
    per_sample: usize,
}

impl Converter {
    fn new(from: u32, to: u32) -> Self {
        let common = common_divisor(from, to);
        let (up, down) = ((to / common) as usize, (from / common) as usize);
        let per_sample = from as usize * up / RATE as usize;
        let block = BLOCK * per_sample;
        Self {
            up: (up > 1).then(|| Interpolator::new(up, block)),
            down: (down > 1).then(|| Decimator::new(down, block)),
            between: vec![0.0; block],
            per_sample,
        }
    }

    /// In samples at 48 kHz.
    fn latency(&self) -> usize {
        let up = self.up.as_ref().map_or(0, Interpolator::latency);
        let down = self.down.as_ref().map_or(0, Decimator::latency);
        (up + down) / self.per_sample
    }

    fn process(&mut self, input: &[f32], output: &mut [f32]) {
        match &mut self.up {
            Some(up) => up.process(input, &mut self.between),
            None => self.between.copy_from_slice(input),
        }
        match &mut self.down {
            Some(down) => down.process(&self.between, output),
            None => output.copy_from_slice(&self.between),
        }
    }
}

const fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// The running terminal.
pub struct Process {
    program: Program,
    stop: StopFlag,
    failure: Option<ProgramFailure>,
    block: usize,
    receive_delay: DelayLine,
    receive_filter: Filter,
    receive_down: Converter,
    /// The receive signal of the program for digital 1, at the loudest step.
    receive_scale: f32,
    /// By how much less at this step.
    volume: f32,
    /// Pa at 1 m for digital 1 of the network at the loudest step.
    loudest_gain: f32,
    loudspeaker_up: Converter,
    /// Pa at 1 m for 1 of the program's loudspeaker.
    loudspeaker_gain: f32,
    microphone_down: Converter,
    /// The microphone signal of the program for 1 Pa.
    microphone_gain: f32,
    send_up: Converter,
    /// Digital amplitude at the output for 1 of the program's send.
    send_scale: f32,
    send_filter: Filter,
    send_delay: DelayLine,
    /// The receive frames of the car's block, at the program's rate.
    far: Vec<f32>,
    /// Frames of one channel on their way.
    narrow: Vec<f32>,
    /// Interleaved frames that wait until the program's block is full.
    input: Vec<f32>,
    /// The program's answer.
    output: Vec<f32>,
    /// Frames of the program that wait for their time.
    send: VecDeque<f32>,
    loudspeaker: VecDeque<f32>,
}

impl Process {
    /// The terminal at the beginning of a call. The program is started with the first block.
    pub fn new(
        spec: &TerminalSpec,
        own: &ProcessSpec,
        bandwidth: Bandwidth,
        volume_step: u32,
        seed: u64,
    ) -> Self {
        let (send_latency, receive_latency) = latencies(spec, bandwidth);
        let digital = |full_dbm0: f64| 10f64.powf((full_dbm0 + DBOV_AT_0_DBM0) / 20.0);
        let loudest_gain = receive_gain(spec, u32::MAX);
        let count = frames(own);
        Self {
            program: Program::new(own, told(spec, own, bandwidth, volume_step, seed)),
            stop: StopFlag::default(),
            failure: None,
            block: own.block,
            receive_delay: DelayLine::new(samples(spec.receive_delay_s).saturating_sub(receive_latency)),
            receive_filter: Filter::new(&response_taps(&spec.receive_response)),
            receive_down: Converter::new(RATE, own.rate),
            receive_scale: (1.0 / digital(own.receive_full_dbm0)) as f32,
            volume: (receive_gain(spec, volume_step) / loudest_gain) as f32,
            loudest_gain: loudest_gain as f32,
            loudspeaker_up: Converter::new(own.rate, RATE),
            loudspeaker_gain: (loudest_gain * digital(own.receive_full_dbm0)) as f32,
            microphone_down: Converter::new(RATE, own.rate),
            microphone_gain: (1.0 / overload(spec)) as f32,
            send_up: Converter::new(own.rate, RATE),
            send_scale: (send_gain(spec) * overload(spec)) as f32,
            send_filter: Filter::new(&response_taps(&spec.send_response)),
            send_delay: DelayLine::new(samples(spec.send_delay_s).saturating_sub(send_latency)),
            far: vec![0.0; count],
            narrow: vec![0.0; count],
            input: Vec::new(),
            output: Vec::new(),
            send: VecDeque::from(vec![0.0; send_buffer(own)]),
            loudspeaker: VecDeque::from(vec![0.0; loudspeaker_buffer(own)]),
        }
    }

    /// Pa at 1 m for digital 1, from the next block on.
    pub fn set_receive_gain(&mut self, gain: f32) {
        self.volume = gain / self.loudest_gain;
    }

    /// See [`super::Terminal::slip`].
    pub fn slip(&mut self, lost: i32) {
        self.send_delay.slip(lost);
    }

    /// See [`super::Terminal::heed`].
    pub fn heed(&mut self, stop: &StopFlag) {
        self.stop = stop.clone();
    }

    /// See [`super::Terminal::failure`].
    pub fn failure(&self) -> Option<&ProgramFailure> {
        self.failure.as_ref()
    }

    /// See [`super::Terminal::settle`].
    pub fn settle(&mut self) {
        if self.failure.is_none() {
            self.failure = self.program.settle().err();
        }
    }

    /// See [`super::Terminal::receive`].
    pub fn receive(&mut self, block: &mut Block) {
        self.receive_delay.process(block);
        self.receive_filter.process(block);
        self.receive_down.process(&block[..], &mut self.far);
        let gain = self.volume * self.receive_scale;
        self.far.iter_mut().for_each(|sample| *sample = (*sample * gain).clamp(-1.0, 1.0));
        take(&mut self.loudspeaker, &mut self.narrow);
        self.loudspeaker_up.process(&self.narrow, &mut block[..]);
        scale(block, self.loudspeaker_gain);
    }

    /// See [`super::Terminal::send`].
    pub fn send(&mut self, near: &Block, echo: &Block) -> Block {
        let heard: Block =
            std::array::from_fn(|at| ((near[at] + echo[at]) * self.microphone_gain).clamp(-1.0, 1.0));
        self.microphone_down.process(&heard[..], &mut self.narrow);
        self.input.extend(self.narrow.iter().zip(&self.far).flat_map(|(near, far)| [*near, *far]));
        self.answer();
        take(&mut self.send, &mut self.narrow);
        let mut block = SILENCE;
        self.send_up.process(&self.narrow, &mut block[..]);
        self.send_filter.process(&mut block);
        scale(&mut block, self.send_scale);
        clip(&mut block);
        self.send_delay.process(&mut block);
        block
    }

    /// Gives the program every block that is full, and keeps what it answers until its time. What exceeds its full scale is
    /// clipped, as converters do.
    fn answer(&mut self) {
        let size = self.block * 2;
        let whole = self.input.len() / size * size;
        if self.failure.is_some() || whole == 0 {
            // A program that has failed is given nothing more, and silence is heard of it.
            self.input.drain(..whole);
            return;
        }
        self.output.clear();
        let done = self.program.exchange(&self.input[..whole], &mut self.output, &self.stop);
        self.failure = done.err();
        self.input.drain(..whole);
        for frame in self.output.chunks_exact(OUTPUTS) {
            self.send.push_back(frame[0].clamp(-1.0, 1.0));
            self.loudspeaker.push_back(frame[1].clamp(-1.0, 1.0));
        }
    }
}

/// The next frames of a channel; silence where there are none, which is behind a failure only.
fn take(from: &mut VecDeque<f32>, to: &mut [f32]) {
    for sample in to {
        *sample = from.pop_front().unwrap_or(0.0);
    }
}

/// What a program is told, by name.
fn told(
    spec: &TerminalSpec,
    own: &ProcessSpec,
    bandwidth: Bandwidth,
    volume_step: u32,
    seed: u64,
) -> Vec<(&'static str, String)> {
    vec![
        ("contract", CONTRACT.to_string()),
        ("rate", own.rate.to_string()),
        ("block", own.block.to_string()),
        ("microphones", own.microphones.to_string()),
        ("inputs", (own.microphones + 1).to_string()),
        ("outputs", OUTPUTS.to_string()),
        ("bandwidth", bandwidth.word().to_owned()),
        ("volume-step", volume_step.to_string()),
        ("volume-steps", spec.volume_steps.to_string()),
        ("audio-delay", audio_delay(own).to_string()),
        ("seed", seed.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn converters_to_every_rate_and_back_are_late_by_what_they_say() {
        for rate in ProcessSpec::RATES {
            let (mut down, mut up) = (Converter::new(RATE, rate), Converter::new(rate, RATE));
            let late = down.latency() + up.latency();
            assert_eq!(late > 0, rate != RATE, "{rate}");
            let freq_hz = 0.3 * f64::from(rate) / 2.0;
            let sine = |n: f64| (TAU * freq_hz * n / f64::from(RATE)).sin();
            let mut narrow = vec![0.0; BLOCK * rate as usize / RATE as usize];
            for index in 0..40 {
                let input: Block = std::array::from_fn(|at| sine((index * BLOCK + at) as f64) as f32);
                let mut output = SILENCE;
                down.process(&input, &mut narrow);
                up.process(&narrow, &mut output);
                for (at, found) in output.iter().enumerate().filter(|_| index > 20) {
                    let expected = sine((index * BLOCK + at) as f64 - late as f64);
                    // pass-band ripple and images of two converters, each 85 dB down
                    assert!((f64::from(*found) - expected).abs() < 3e-4, "{rate}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn buffers_are_whole_samples_at_48_khz() {
        let mut own = ProcessSpec {
            command: vec!["a".to_owned()],
            folder: std::path::PathBuf::new(),
            rate: 16_000,
            block: 64,
            microphones: 1,
            latency_send: 10,
            latency_receive: 0,
            send_full_dbm0: 6.15,
            receive_full_dbm0: 6.15,
            timeout: std::time::Duration::from_secs(1),
        };
        // two converters of 138 samples; 64 and 10 frames, 64 and 160 frames of 3 samples
        assert_eq!((send_latency(&own), receive_latency(&own)), (276 + 222, 276 + 672));
        assert_eq!(audio_delay(&own), 64 + 160 + 92);
        own.rate = 32_000;
        own.block = 65;
        // two converters of 115 samples; 65 and 10 frames are odd, so one more; 65 and 320 are too
        assert_eq!((send_latency(&own), receive_latency(&own)), (230 + 76 * 3 / 2, 230 + 386 * 3 / 2));
        own.rate = 48_000;
        assert_eq!((send_latency(&own), receive_latency(&own)), (75, 545));
    }
}
