//! The background noise of a call in the cabin: what of its field sounds at the microphones, the ears and the bench's
//! microphone at the driver's head.
//!
//! A noise has points with names; the microphone and every ear hear the point that is theirs ([`ear_points`]), and where
//! a recording lacks a point, its first one. A microphone with a direction hears of a field from everywhere what its
//! pattern takes of it on average; an ear of P.58 hears with its diffuse-field response. A car whose field is not as it was
//! recorded ([`super::spec::NoiseFieldSpec`]) has that on top. All of it is the same in every turn, so it is
//! made once, before the call, as a circular convolution without delay.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bench::car::spec::{CarSpec, Hats, PathsSpec};
use crate::bench::car::stage::Block;
use crate::bench::car::{BLOCK, RATE_HZ, ear, response};
use crate::bench::noise::NOISE_LEAD;
use crate::dsp::spectrum::{Bin, forward, inverse};
use crate::signals::field::DRIVER_HEAD;
use crate::take::Frame;
use crate::terms::Seat;

/// The point at which the hands-free microphone is.
pub const MICROPHONE: &str = "microphone";

/// One turn of a noise, in Pa, at each of its points.
pub type Points = BTreeMap<String, Arc<[f32]>>;

/// The points of the ears in a seat, left and right, by the names of the catalogue. Heads but the driver's have one point
/// for both ears; in the middle of the rear each ear hears what is on its side.
pub const fn ear_points(seat: Seat) -> [&'static str; 2] {
    match seat {
        Seat::Driver => ["driver-left-ear", "driver-right-ear"],
        Seat::Codriver => ["passenger-head"; 2],
        Seat::RearLeft => ["rear-left-head"; 2],
        Seat::RearMiddle => ["rear-left-head", "rear-right-head"],
        Seat::RearRight => ["rear-right-head"; 2],
    }
}

/// The points of the microphones, the driver's first: one in another seat hears what the left ear there hears.
pub fn microphone_points(spec: &CarSpec) -> Vec<&'static str> {
    let others = match &spec.cabin.paths {
        PathsSpec::Ideal(_) => Vec::new(),
        PathsSpec::Shoebox(room) => {
            let served = room.seats.iter().filter(|(_, own)| own.microphone_m.is_some());
            served.map(|(seat, _)| ear_points(*seat)[0]).collect()
        }
    };
    std::iter::once(MICROPHONE).chain(others).collect()
}

/// A background noise that runs through a call.
#[derive(Debug, Clone)]
pub struct Bed {
    microphones: Arc<[f32]>,
    reference: Arc<[f32]>,
    ears: Vec<[Arc<[f32]>; 2]>,
    at: usize,
}

impl Bed {
    /// The noise with these points in a car; `None` where it has no point or no frames.
    pub fn new(spec: &CarSpec, points: &Points) -> Option<Self> {
        let first = points.get(DRIVER_HEAD).or_else(|| points.values().next())?;
        if first.is_empty() {
            return None;
        }
        let at_point = |name: &str| points.get(name).unwrap_or(first);
        let field = &spec.cabin.noise_field;
        let missed = |freq_hz: f64| field.gain_db + response::gain_at_db(&field.response, freq_hz);
        let heard = |turn: &Arc<[f32]>| {
            if field.is_right() { Arc::clone(turn) } else { shaped(turn, missed) }
        };
        let taken = taken_of_a_diffuse_field(spec);
        let all = microphone_points(spec);
        let microphones = if let ([only], true) = (&all[..], taken == 1.0) {
            heard(at_point(only))
        } else {
            let mut sum = vec![0.0f32; first.len()];
            for point in all {
                let turn = heard(at_point(point));
                sum.iter_mut().zip(turn.iter()).for_each(|(sum, x)| *sum += taken as f32 * x);
            }
            sum.into()
        };
        let drums = match &spec.cabin.paths {
            PathsSpec::Shoebox(room) if room.hats == Hats::P58 => Some(ear::own_responses(&room.ears)),
            _ => None,
        };
        let at_ear = |name: &str, side: usize| match &drums {
            None => heard(at_point(name)),
            Some(drums) => {
                let drum = &drums[side].diffuse_field.points;
                shaped(at_point(name), |freq_hz| missed(freq_hz) + response::gain_at_db(drum, freq_hz))
            }
        };
        let at_ears = |seat| {
            let [left, right] = ear_points(seat);
            [at_ear(left, 0), at_ear(right, 1)]
        };
        let ears = spec.seats().map(at_ears).collect();
        let mut bed = Self { microphones, reference: heard(first), ears, at: 0 };
        bed.seek_before(0, 0);
        Some(bed)
    }

    /// Whether the next block is that of a frame of the call.
    pub fn is_at(&self, frame: Frame) -> bool {
        self.at == self.place(frame, 0)
    }

    /// Goes to so many frames before a frame of the call.
    pub fn seek_before(&mut self, frame: Frame, before: Frame) {
        self.at = self.place(frame, before);
    }

    /// Where a frame is in the turn: the noise began [`NOISE_LEAD`] before the call.
    fn place(&self, frame: Frame, before: Frame) -> usize {
        let turn = self.reference.len() as Frame;
        ((NOISE_LEAD % turn + frame % turn + turn - before % turn) % turn) as usize
    }

    /// Adds the next block: at the microphones, at the bench's microphone, at the ears of every head, the driver's first.
    pub fn add_to<'e>(
        &mut self,
        microphones: &mut Block,
        reference: &mut Block,
        ears: impl Iterator<Item = &'e mut [Block; 2]>,
    ) {
        add_turn(microphones, &self.microphones, self.at);
        add_turn(reference, &self.reference, self.at);
        for (ears, turns) in ears.zip(&self.ears) {
            for (ear, turn) in ears.iter_mut().zip(turns) {
                add_turn(ear, turn, self.at);
            }
        }
        self.at = (self.at + BLOCK) % self.reference.len();
    }
}

fn add_turn(block: &mut Block, turn: &[f32], at: usize) {
    block.iter_mut().zip(turn.iter().cycle().skip(at)).for_each(|(sample, noise)| *sample += noise);
}

/// What a microphone of the car hears of a field from everywhere, as an amplitude: its pattern 1 − d + d·cos φ squared, in
/// the mean over the sphere.
pub fn taken_of_a_diffuse_field(spec: &CarSpec) -> f64 {
    match &spec.cabin.paths {
        PathsSpec::Ideal(_) => 1.0,
        PathsSpec::Shoebox(room) => {
            let d = room.microphone_directivity;
            ((1.0 - d).powi(2) + d * d / 3.0).sqrt()
        }
    }
}

/// One turn with a gain in dB over frequency in Hz.
fn shaped(turn: &[f32], gain_db: impl Fn(f64) -> f64) -> Arc<[f32]> {
    let turn: Vec<f64> = turn.iter().map(|x| f64::from(*x)).collect();
    let spacing_hz = RATE_HZ / turn.len() as f64;
    let bins: Vec<Bin> = forward(&turn)
        .into_iter()
        .enumerate()
        .map(|(k, bin)| bin * 10f64.powf(gain_db(k as f64 * spacing_hz) / 20.0))
        .collect();
    inverse(&bins, turn.len()).into_iter().map(|x| x as f32).collect()
}
