//! What each loudspeaker plays of the recording of a noise, in pascals at the noise reference microphone.
//!
//! Each of the loudspeakers plays the n-th part of its power, shifted against the others by so much that they do not know
//! of each other; below the crossover a subwoofer plays it alone, where there is one. Powers add up to that of the
//! recording.

use std::f64::consts::FRAC_PI_2;

use crate::dsp::spectrum::{Bin, forward, inverse};
use crate::take::RATE;

/// Below it the subwoofer plays, above it the others, in Hz: under the first third octave in which the field is judged
/// (100 Hz), and within reach of small loudspeakers.
const CROSSOVER_HZ: f64 = 80.0;
/// Between the two there is an octave with equal power of both in its middle.
const CROSSOVER_OCTAVES: f64 = 1.0;
/// The golden section: multiples of it, whole turns taken off, are as far from each other as can be.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// One turn of a noise, shared out.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    /// What each of the loudspeakers plays, before its shift.
    pub main: Vec<f64>,
    /// What the subwoofer plays.
    pub sub: Option<Vec<f64>>,
}

impl Shares {
    /// One turn at 48 kHz for `mains` loudspeakers, with a subwoofer or without.
    pub fn of(turn: &[f64], mains: usize, has_sub: bool) -> Self {
        let (sub, mut main) = if has_sub {
            let (low, high) = split(turn);
            (Some(low), high)
        } else {
            (None, turn.to_vec())
        };
        let share = 1.0 / (mains.max(1) as f64).sqrt();
        for x in &mut main {
            *x *= share;
        }
        Self { main, sub }
    }

    /// What a loudspeaker plays, counted from 0. None of them is in step with the subwoofer, which is not shifted.
    pub fn shifted(&self, loudspeaker: usize) -> Vec<f64> {
        let shift = (((loudspeaker + 1) as f64 * GOLDEN).fract() * self.main.len() as f64) as usize;
        let mut own = self.main.clone();
        own.rotate_left(shift);
        own
    }
}

/// What lies below and above the crossover; their powers add up to that of the turn.
fn split(turn: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let bins = forward(turn);
    let spacing_hz = f64::from(RATE) / turn.len() as f64;
    let part = |share: fn(f64) -> f64| {
        let weigh = |(k, bin): (usize, &Bin)| {
            let octaves = (k as f64 * spacing_hz / CROSSOVER_HZ).log2() / CROSSOVER_OCTAVES;
            bin * share((octaves + 0.5).clamp(0.0, 1.0) * FRAC_PI_2)
        };
        inverse(&bins.iter().enumerate().map(weigh).collect::<Vec<_>>(), turn.len())
    };
    (part(f64::cos), part(f64::sin))
}
