//! The background noise of a call in the cabin: what of its field sounds at the microphones, the ears and the bench's
//! microphone at the driver's head.
//!
//! A noise has points with names; the microphone and every ear hear the point that is theirs ([`ear_points`]), and where
//! a recording lacks a point, its first one. A microphone with a direction hears of a field from everywhere what its
//! pattern takes of it on average; an ear of P.58 hears with its diffuse-field response. A car whose field is not as it was
//! recorded ([`super::spec::NoiseFieldSpec`]) has that on top. All of it is the same in every turn, so it is
//! made once, before the call, as a circular convolution without delay.
//!
//! A terminal whose volume depends on speed listens to it: to the A-weighted power at the microphone, of the noise and of the
//! cabin's own, in an exponential mean of [`VOLUME_S`]. It is not misled by speech, and what it heard before is what
//! was before in the turn, so that a call has its volume at each of its frames, whenever that is recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bench::car::noise::weight_db;
use crate::bench::car::spec::{CarSpec, Hats, PathsSpec, Weighting};
use crate::bench::car::stage::Block;
use crate::bench::car::{BLOCK, RATE_HZ, ear, response};
use crate::bench::noise::NOISE_LEAD;
use crate::dsp::spectrum::{Bin, forward, inverse};
use crate::signals::field::DRIVER_HEAD;
use crate::take::Frame;
use crate::terms::Seat;

/// The point at which the hands-free microphone is.
pub const MICROPHONE: &str = "microphone";

/// How slowly a volume that depends on speed follows the noise: the time constant of the power that it goes by, in s.
pub const VOLUME_S: f64 = 5.0;

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
    /// How much louder the amplifier is made, as a factor, at equal distances round the turn; empty is not at all.
    louder: Vec<f32>,
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
        let louder = volume(spec, &microphones);
        let mut bed = Self { microphones, reference: heard(first), ears, louder, at: 0 };
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

    /// Makes the next block of the amplifier as loud as the noise up to there has it.
    pub fn turn_up(&self, block: &mut Block) {
        if self.louder.is_empty() {
            return;
        }
        let [begin, end] = [self.at, self.at + BLOCK].map(|at| self.louder_at(at));
        for (n, sample) in block.iter_mut().enumerate() {
            *sample *= begin + (end - begin) * (n as f32 / BLOCK as f32);
        }
    }

    /// The factor of the volume at a frame of the turn, on a straight line between those that are known.
    fn louder_at(&self, at: usize) -> f32 {
        let count = self.louder.len();
        let place = (at as f64 / self.reference.len() as f64).fract() * count as f64;
        let (before, share) = (place as usize % count, place.fract() as f32);
        let (from, to) = (self.louder[before], self.louder[(before + 1) % count]);
        from + (to - from) * share
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

/// How much louder the amplifier is made round a turn of noise at the microphones, as factors about a block apart, each at
/// the beginning of its part: what is heard before counts, not what comes. Empty where the volume does not depend on it.
fn volume(spec: &CarSpec, microphones: &Arc<[f32]>) -> Vec<f32> {
    let points = &spec.terminal.speed_volume;
    if points.is_empty() {
        return Vec::new();
    }
    let weighted = shaped(microphones, |freq_hz| weight_db(Weighting::A, freq_hz));
    let parts = weighted.len().div_ceil(BLOCK);
    let edge = |part: usize| part * weighted.len() / parts;
    let powers: Vec<f64> = (0..parts)
        .map(|part| {
            let heard = &weighted[edge(part)..edge(part + 1)];
            heard.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / heard.len() as f64
        })
        .collect();
    let kept = (-(weighted.len() as f64 / parts as f64) / (VOLUME_S * RATE_HZ)).exp();
    let follow = |mean: &f64, power: &f64| kept * mean + (1.0 - kept) * power;
    // After so many turns that the beginning does not matter any more it is the same in each: the first one from nothing
    // gives what a turn adds, and the sum over all of them is a geometric one.
    let added = powers.iter().fold(0.0, |mean, power| follow(&mean, power));
    let mut mean = added / (1.0 - kept.powi(parts as i32));
    let own = spec.cabin.noise_microphone_dbpa_a.map_or(0.0, |dbpa_a| 10f64.powf(dbpa_a / 10.0));
    let mut factors = Vec::with_capacity(parts);
    for power in &powers {
        let louder_db = spec.terminal.speed_volume_db(10.0 * (mean + own).log10());
        factors.push(10f64.powf(louder_db / 20.0) as f32);
        mean = follow(&mean, power);
    }
    factors
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
