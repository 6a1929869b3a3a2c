//! The reference terminal: every property is a number of the car file.
//!
//! Its canceller is told which part of the microphone signal is echo and takes away the declared share of it. What
//! clipping made of the echo stays, as with a real (linear) canceller.

use crate::bench::car::dynamics::Gains;
use crate::bench::car::network::band_limit_hz;
use crate::bench::car::noise;
use crate::bench::car::response;
use crate::bench::car::spec::{ReferenceSpec, TerminalSpec};
use crate::bench::car::stage::{
    Block, DelayLine, Filter, NOISE_HALF, NoiseModel, NoiseSource, RESPONSE_HALF, clip, response_delay,
    response_taps, samples, scale,
};
use crate::bench::car::terminal::course::Course;
use crate::bench::car::terminal::{Sounds, latencies, overload, receive_gain, send_gain};
use crate::terms::Bandwidth;

/// The filters of the reference terminal as taps: what the simulation runs and the truth reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Send response; empty is flat.
    pub send_taps: Vec<f64>,
    /// Receive response; empty is flat.
    pub receive_taps: Vec<f64>,
    /// What the canceller leaves of the echo.
    pub echo: Residual,
    /// The terminal's own noise at its output.
    pub idle_noise: Option<NoiseModel>,
}

/// What the canceller leaves of the echo.
#[derive(Debug, Clone, PartialEq)]
pub enum Residual {
    /// All of it: there is no canceller.
    Whole,
    /// This share of the amplitude.
    Share(f64),
    /// This filter's output.
    Filtered(Vec<f64>),
}

impl Model {
    /// The model of a terminal in calls of `bandwidth`.
    pub fn new(spec: &TerminalSpec, own: &ReferenceSpec, bandwidth: Bandwidth) -> Self {
        let echo = match own.echo_loss_db {
            None => Residual::Whole,
            Some(loss_db) if own.echo_loss_response.is_empty() => {
                Residual::Share(10f64.powf(-loss_db / 20.0))
            }
            Some(loss_db) => Residual::Filtered(response::taps_of(RESPONSE_HALF, |freq_hz| {
                10f64.powf(-(loss_db + response::gain_at_db(&own.echo_loss_response, freq_hz)) / 20.0)
            })),
        };
        let (pass_hz, stop_hz) = band_limit_hz(bandwidth);
        let idle_noise = own.idle_noise.map(|idle| {
            let spectrum = &own.idle_noise_spectrum;
            // the network cuts what lies above its band
            let gain =
                noise::gain_for(idle.level_dbm0, idle.weighting, spectrum, f64::midpoint(pass_hz, stop_hz));
            let taps =
                if spectrum.is_empty() { Vec::new() } else { response::taps_of_points(spectrum, NOISE_HALF) };
            NoiseModel { gain: gain * digital_at_0_dbm0(), taps }
        });
        Self {
            send_taps: response_taps(&spec.send_response),
            receive_taps: response_taps(&spec.receive_response),
            echo,
            idle_noise,
        }
    }
}

/// What is left of an echo that moves: all of it without a canceller.
fn moving_left(own: &ReferenceSpec) -> f64 {
    if own.echo_loss_db.is_some() { 10f64.powf(-own.moving_loss_db / 20.0) } else { 1.0 }
}

/// The digital RMS amplitude of 0 dBm0.
fn digital_at_0_dbm0() -> f64 {
    10f64.powf(crate::units::DBOV_AT_0_DBM0 / 20.0)
}

/// The running terminal.
pub struct Reference {
    receive_gain: f32,
    receive_filter: Filter,
    receive_delay: DelayLine,
    send_gain: f64,
    /// Where the microphone's converter clips, as the digital amplitude at the output.
    converter_full: f64,
    canceller: Canceller,
    /// The share that it leaves of an echo that moves.
    moving_left: f64,
    /// What changes over time, in the canceller's place.
    course: Option<Course>,
    send_filter: Filter,
    idle_noise: Option<NoiseSource>,
    send_delay: DelayLine,
}

enum Canceller {
    None,
    /// What it leaves of the echo.
    Flat(f64),
    /// What it leaves of the echo, and the delay of that filter for everything else.
    Shaped(Filter, DelayLine),
}

impl Reference {
    /// The terminal at the beginning of a call.
    pub fn new(
        spec: &TerminalSpec,
        own: &ReferenceSpec,
        model: &Model,
        bandwidth: Bandwidth,
        volume_step: u32,
        seed: u64,
    ) -> Self {
        let (send_latency, receive_latency) = latencies(spec, bandwidth);
        debug_assert!(receive_latency >= response_delay(&spec.receive_response), "the filter is part of it");
        let canceller = match &model.echo {
            Residual::Whole => Canceller::None,
            Residual::Share(share) => Canceller::Flat(*share),
            Residual::Filtered(taps) => Canceller::Shaped(Filter::new(taps), DelayLine::new(RESPONSE_HALF)),
        };
        Self {
            receive_gain: receive_gain(spec, volume_step) as f32,
            receive_filter: Filter::new(&model.receive_taps),
            receive_delay: DelayLine::new(samples(spec.receive_delay_s).saturating_sub(receive_latency)),
            send_gain: send_gain(spec),
            converter_full: send_gain(spec) * overload(spec),
            canceller,
            moving_left: moving_left(own),
            course: Course::new(
                &own.dynamics,
                own.echo_loss_db.unwrap_or(0.0),
                &model.echo,
                moving_left(own),
            ),
            send_filter: Filter::new(&model.send_taps),
            idle_noise: model.idle_noise.as_ref().map(|noise| NoiseSource::new(noise, seed, 0x7e)),
            send_delay: DelayLine::new(samples(spec.send_delay_s).saturating_sub(send_latency)),
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
        if let Some(course) = &mut self.course {
            course.receive(block);
        }
        scale(block, self.receive_gain);
    }

    /// See [`super::Terminal::listen`].
    pub fn listen(&mut self, talker: &Block) {
        if let Some(course) = &mut self.course {
            course.listen(talker);
        }
    }

    /// See [`super::Terminal::gains`].
    pub fn gains(&self) -> Option<&Gains> {
        self.course.as_ref().map(Course::gains)
    }

    /// See [`super::Terminal::send`].
    pub fn send(&mut self, sounds: &Sounds) -> Block {
        let mut block = match &mut self.course {
            Some(course) => course.send(sounds, self.send_gain, self.converter_full),
            None => self.cancel(sounds),
        };
        self.send_filter.process(&mut block);
        if let Some(noise) = &mut self.idle_noise {
            noise.add_to(&mut block);
        }
        self.send_delay.process(&mut block);
        clip(&mut block);
        block
    }

    /// What leaves a canceller that is always the same.
    fn cancel(&mut self, sounds: &Sounds) -> Block {
        let Sounds { near, echo, moving, .. } = sounds;
        // In double precision: the canceller takes the difference of two numbers that are nearly equal.
        let gain = self.send_gain;
        let echo_at = |at: usize| gain * f64::from(echo[at]);
        let full = self.converter_full;
        let removed_of_moving = 1.0 - self.moving_left;
        let digital = |at: usize| {
            let moved = gain * f64::from(moving[at]);
            let heard = (gain * f64::from(near[at]) + echo_at(at) + moved).clamp(-full, full);
            heard - removed_of_moving * moved
        };
        match &mut self.canceller {
            Canceller::None => std::array::from_fn(|at| digital(at) as f32),
            Canceller::Flat(left) => {
                let removed = 1.0 - *left;
                std::array::from_fn(|at| (digital(at) - removed * echo_at(at)) as f32)
            }
            Canceller::Shaped(filter, delay) => {
                let mut rest: Block = std::array::from_fn(|at| (digital(at) - echo_at(at)) as f32);
                let mut left: Block = std::array::from_fn(|at| echo_at(at) as f32);
                delay.process(&mut rest);
                filter.process(&mut left);
                std::array::from_fn(|at| rest[at] + left[at])
            }
        }
    }
}
