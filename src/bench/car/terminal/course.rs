//! The send direction of a reference terminal that changes over time: its parts, each with the gain of the moment.

use crate::bench::car::dynamics::{COMFORT_AGE, Comfort, Dynamics, Gains, Running};
use crate::bench::car::response;
use crate::bench::car::stage::{Block, DelayLine, Filter, RESPONSE_HALF, SILENCE};
use crate::bench::car::terminal::Sounds;
use crate::bench::car::terminal::reference::Residual;
use crate::take::BLOCK;

/// The running course of a call.
pub struct Course {
    running: Running,
    /// What the canceller leaves of the echo once it has converged: a share of it, or the output of a filter.
    share: f64,
    filter: Option<Filter>,
    /// What the canceller leaves of an echo that moves.
    moving_left: f64,
    /// The talker as double talk shapes it.
    shape: Option<Filter>,
    /// Everything else, as late as the filters.
    rest: DelayLine,
    comfort: Option<Standin>,
}

/// Comfort noise in the making.
struct Standin {
    age: DelayLine,
    color: Filter,
    gain: f64,
}

impl Course {
    /// At the beginning of a call; `None` where nothing changes over time.
    pub fn new(spec: &Dynamics, converged_db: f64, residual: &Residual, moving_left: f64) -> Option<Self> {
        let running = Running::new(spec, converged_db)?;
        let (share, filter) = match residual {
            Residual::Whole => (1.0, None),
            Residual::Share(share) => (*share, None),
            Residual::Filtered(taps) => (1.0, Some(Filter::new(taps))),
        };
        let shape = shape_taps(spec).map(|taps| Filter::new(&taps));
        let late = if filter.is_some() || shape.is_some() { RESPONSE_HALF } else { 0 };
        Some(Self {
            running,
            share,
            filter,
            moving_left,
            shape,
            rest: DelayLine::new(late),
            comfort: spec.noise.comfort.as_ref().map(Standin::new),
        })
    }

    /// Hears the talker, see [`Running::listen`].
    pub fn listen(&mut self, talker: &Block) {
        self.running.listen(talker);
    }

    /// What becomes of the far end, digital, in place.
    pub fn receive(&mut self, block: &mut Block) {
        let gains = self.running.follow(block);
        block.iter_mut().zip(&gains.receive).for_each(|(sample, gain)| *sample *= gain);
    }

    /// The gains of the last block.
    pub const fn gains(&self) -> &Gains {
        self.running.gains()
    }

    /// What leaves the canceller: `gain` makes pascals digital, `full` is where the converter clips.
    pub fn send(&mut self, sounds: &Sounds, gain: f64, full: f64) -> Block {
        let gains = self.running.gains();
        let (mut rest, mut left, mut shaped, mut stale) = (SILENCE, SILENCE, SILENCE, SILENCE);
        for at in 0..BLOCK {
            let digital = |pascals: f32| gain * f64::from(pascals);
            let (near, noise, echo) =
                (digital(sounds.near[at]), digital(sounds.noise[at]), digital(sounds.echo[at]));
            let talker = near - noise;
            let moving = digital(sounds.moving[at]);
            let whole = near + echo + moving;
            let clipped = whole.clamp(-full, full) - whole + self.moving_left * moving;
            let send = f64::from(gains.send[at]);
            let to_shape = if self.shape.is_some() { f64::from(gains.shaped[at]) } else { 0.0 };
            rest[at] =
                (send * (clipped + (1.0 - to_shape) * talker + f64::from(gains.noise[at]) * noise)) as f32;
            left[at] = (send * self.share * f64::from(gains.echo[at]) * echo) as f32;
            shaped[at] = (send * to_shape * talker) as f32;
            stale[at] = noise as f32;
        }
        if let Some(comfort) = &mut self.comfort {
            comfort.make_of(&mut stale);
            rest.iter_mut()
                .zip(&stale)
                .zip(&gains.comfort)
                .for_each(|((rest, stale), gain)| *rest += gain * stale);
        }
        if let Some(filter) = &mut self.filter {
            filter.process(&mut left);
        } else {
            rest.iter_mut().zip(&left).for_each(|(rest, left)| *rest += left);
            left = SILENCE;
        }
        if let Some(filter) = &mut self.shape {
            filter.process(&mut shaped);
        }
        self.rest.process(&mut rest);
        std::array::from_fn(|at| rest[at] + left[at] + shaped[at])
    }
}

/// The filter of double talk, where it has one.
pub fn shape_taps(spec: &Dynamics) -> Option<Vec<f64>> {
    let points = &spec.double_talk.send_loss_response;
    let gain = |freq_hz| 10f64.powf(-response::gain_at_db(points, freq_hz) / 20.0);
    (!points.is_empty()).then(|| response::taps_of(RESPONSE_HALF, gain))
}

impl Standin {
    fn new(spec: &Comfort) -> Self {
        Self {
            age: DelayLine::new(COMFORT_AGE),
            color: Filter::new(&if spec.color.is_empty() {
                Vec::new()
            } else {
                response::taps_of_points(&spec.color, RESPONSE_HALF)
            }),
            gain: 10f64.powf(spec.error_db / 20.0),
        }
    }

    /// Turns the noise of now into the comfort noise of now.
    fn make_of(&mut self, noise: &mut Block) {
        self.age.process(noise);
        self.color.process(noise);
        for sample in noise {
            *sample = (self.gain * f64::from(*sample)) as f32;
        }
    }
}
