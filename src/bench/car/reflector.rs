//! A panel that turns in the cabin: a moving image of the loudspeaker, as the microphone hears it (clause 11.11.6).
//!
//! The image is as loud as the file says when the panel faces the microphone, and not there when it is turned away, as at
//! rest; in between its power follows the sine of half the angle. Its way is longer and shorter by half its extent as an edge
//! of the panel comes and goes.

use std::f64::consts::TAU;

use crate::bench::car::RATE_HZ;
use crate::bench::car::stage::{Block, SILENCE};
use crate::take::BLOCK;

/// What turns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReflectorSpec {
    /// The image at the microphone over the loudspeaker at 1 m, when the panel faces it, in dB.
    pub gain_db: f64,
    /// The time from the loudspeaker to the microphone by way of the panel, in seconds.
    pub delay_s: f64,
    /// By how much that time changes as the panel turns, from least to most, in seconds.
    pub extent_s: f64,
    /// How long a turn takes, in seconds.
    pub turn_s: f64,
}

impl ReflectorSpec {
    /// The amplitude factor and the delay in seconds at an angle in radians; at 0 it is turned away.
    pub fn image_at(&self, angle: f64) -> (f64, f64) {
        let faced = (angle / 2.0).sin().abs();
        let gain = if faced < 1e-12 { 0.0 } else { faced * 10f64.powf(self.gain_db / 20.0) };
        (gain, self.delay_s + 0.5 * self.extent_s * angle.sin())
    }
}

/// The panel in a call.
pub struct Reflector {
    spec: ReflectorSpec,
    /// What the loudspeaker played, the latest last.
    past: Vec<f32>,
    angle: f64,
    turns: bool,
}

/// Frames to either side that an interpolation between frames looks at.
const AROUND: usize = 2;

impl Reflector {
    /// A panel at rest.
    pub fn new(spec: ReflectorSpec) -> Self {
        let longest = ((spec.delay_s + 0.5 * spec.extent_s) * RATE_HZ).ceil() as usize + AROUND;
        Self { spec, past: vec![0.0; longest + BLOCK], angle: 0.0, turns: false }
    }

    /// Lets it turn, or come to rest when it has turned away.
    pub const fn turn(&mut self, turns: bool) {
        self.turns = turns;
    }

    /// The image of a block of the loudspeaker, at the microphone.
    pub fn image(&mut self, loudspeaker: &Block) -> Block {
        self.past.rotate_left(BLOCK);
        let newest = self.past.len() - BLOCK;
        self.past[newest..].copy_from_slice(loudspeaker);
        if !self.turns && self.angle == 0.0 {
            return SILENCE;
        }
        let step = TAU / (self.spec.turn_s * RATE_HZ);
        std::array::from_fn(|at| {
            if self.turns || self.angle > 0.0 {
                self.angle += step;
            }
            if self.angle >= TAU {
                self.angle = if self.turns { self.angle - TAU } else { 0.0 };
            }
            let (gain, delay_s) = self.spec.image_at(self.angle);
            if gain == 0.0 { 0.0 } else { (gain * self.heard(newest + at, delay_s * RATE_HZ)) as f32 }
        })
    }

    /// What was played so many frames before one, between frames by the cubic through the four around.
    fn heard(&self, frame: usize, earlier: f64) -> f64 {
        let whole = earlier.floor();
        let part = earlier - whole;
        let at = |offset: isize| {
            let index = frame.checked_add_signed(-(whole as isize) - offset);
            f64::from(index.and_then(|index| self.past.get(index)).copied().unwrap_or(0.0))
        };
        if part == 0.0 {
            return at(0);
        }
        let [before, first, second, after] = [at(-1), at(0), at(1), at(2)];
        let x = part;
        before * (-x * (x - 1.0) * (x - 2.0) / 6.0)
            + first * ((x + 1.0) * (x - 1.0) * (x - 2.0) / 2.0)
            + second * (-(x + 1.0) * x * (x - 2.0) / 2.0)
            + after * ((x + 1.0) * x * (x - 1.0) / 6.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: ReflectorSpec =
        ReflectorSpec { gain_db: -12.0, delay_s: 0.004, extent_s: 0.001, turn_s: 4.0 };

    /// What a panel makes of a tone of 500 Hz, second by second.
    fn image(turns: &dyn Fn(usize) -> bool, blocks: usize) -> Vec<f64> {
        let mut panel = Reflector::new(SPEC);
        let mut heard = Vec::new();
        for block in 0..blocks {
            panel.turn(turns(block));
            let tone: Block =
                std::array::from_fn(|at| (TAU * 500.0 * (block * BLOCK + at) as f64 / RATE_HZ).sin() as f32);
            heard.extend(panel.image(&tone).map(f64::from));
        }
        heard
    }

    #[test]
    fn a_panel_at_rest_is_not_heard_and_one_that_turns_is_as_its_angle_says() {
        assert!(image(&|_| false, 100).iter().all(|x| *x == 0.0));
        let heard = image(&|_| true, 400);
        for (n, x) in heard.iter().enumerate().skip(1_000) {
            let at_s = (n + 1) as f64 / RATE_HZ;
            let (gain, delay_s) = SPEC.image_at(TAU * at_s / SPEC.turn_s);
            let tone = (TAU * 500.0 * (n as f64 / RATE_HZ - delay_s)).sin();
            assert!((x - gain * tone).abs() < 1e-4, "{n}: {x} is not {}", gain * tone);
        }
        // A quarter of a turn is 1 s: the power is half of that after two.
        let power = |s: f64| {
            let at = (s * RATE_HZ) as usize;
            heard[at - 960..at + 960].iter().map(|x| x * x).sum::<f64>()
        };
        assert!((10.0 * (power(1.0) / power(2.0)).log10() + 3.01).abs() < 0.1);
    }

    #[test]
    fn it_comes_to_rest_when_it_has_turned_away() {
        let heard = image(&|block| block < 150, 500);
        let last = heard.iter().rposition(|x| *x != 0.0).unwrap();
        assert!((last as f64 / RATE_HZ - 4.0).abs() < 0.01, "{last}");
    }
}
