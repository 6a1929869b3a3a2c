//! The truth of background noise in the cabin: its level and spectrum at every place, from the noise as it was made.
//!
//! The power at a frequency is the mean over pieces of the turn, with a raised cosine over each (Welch), by a transform of
//! two's that is written out here; one turn is taken round, so that its ends meet. What a place does to the
//! noise is multiplied frequency by frequency.
//!
//! A volume that depends on speed follows that level at the microphone, [`Truth::in_noise`].

use std::f64::consts::PI;
use std::sync::Arc;

use super::{BandHz, Truth};
use crate::bench::car::bed::{Points, ear_points, microphone_points};
use crate::bench::car::noise::weight_db;
use crate::bench::car::response::gain_at_db;
use crate::bench::car::spec::{CarSpec, Hats, PathsSpec, Weighting};
use crate::bench::car::{RATE_HZ, ear};
use crate::terms::{Ear, Seat};

/// Where the noise is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    /// At the hands-free microphone, with its pattern; several are added.
    Microphone,
    /// At the bench's microphone at the driver's head.
    Reference,
    /// At an ear.
    Ear(Seat, Ear),
}

/// The frames of a piece: lines 0.73 Hz apart, so that the third octave at 100 Hz has thirty of them.
const PIECE: usize = 65_536;

/// The power of a noise at one place over frequency: mean square in Pa² for each line of a piece of 65 536 frames.
#[derive(Debug, Clone)]
pub struct FieldTruth {
    lines: Vec<f64>,
}

impl FieldTruth {
    /// The noise with these points in a car, at a place. A point that the noise does not have is its point at the driver's
    /// head.
    pub fn of(spec: &CarSpec, points: &Points, place: Listening) -> Self {
        let silent: Arc<[f32]> = Arc::from(Vec::new());
        let turn_at = |name: &str| {
            points.get(name).or_else(|| points.get("driver-head")).or_else(|| points.values().next())
        };
        let mut turn: Vec<f64> = Vec::new();
        let names = match place {
            Listening::Reference => vec!["driver-head"],
            Listening::Ear(seat, ear) => vec![ear_points(seat)[usize::from(ear == Ear::Right)]],
            Listening::Microphone => microphone_points(spec),
        };
        for name in names {
            let one = turn_at(name).unwrap_or(&silent);
            turn.resize(one.len(), 0.0);
            turn.iter_mut().zip(one.iter()).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        let mut lines = power_lines(&turn);
        let field = &spec.cabin.noise_field;
        let drum = match (&spec.cabin.paths, place) {
            (PathsSpec::Shoebox(room), Listening::Ear(_, ear)) if room.hats == Hats::P58 => {
                let [left, right] = ear::own_responses(&room.ears);
                Some(if ear == Ear::Right { right } else { left })
            }
            _ => None,
        };
        for (k, power) in lines.iter_mut().enumerate() {
            let freq_hz = k as f64 * RATE_HZ / PIECE as f64;
            let mut gain_db = field.gain_db + gain_at_db(&field.response, freq_hz);
            if let PathsSpec::Shoebox(room) = &spec.cabin.paths {
                match place {
                    Listening::Microphone => {
                        gain_db += 10.0 * pattern_power(room.microphone_directivity).log10();
                    }
                    Listening::Ear(..) | Listening::Reference => {}
                }
            }
            if let Some(drum) = &drum {
                gain_db += gain_at_db(&drum.diffuse_field.points, freq_hz);
            }
            *power *= 10f64.powf(gain_db / 10.0);
        }
        Self { lines }
    }

    /// The power in a band with a gain in dB over frequency, in Pa². A line stands for the frequencies halfway to its
    /// neighbors.
    pub fn power(&self, band_hz: BandHz, gain_db: impl Fn(f64) -> f64) -> f64 {
        let spacing_hz = RATE_HZ / PIECE as f64;
        let part = |(k, power): (usize, &f64)| {
            let (below, above) = ((k as f64 - 0.5) * spacing_hz, (k as f64 + 0.5) * spacing_hz);
            let share = (above.min(band_hz.1) - below.max(band_hz.0)).max(0.0) / spacing_hz;
            if share > 0.0 { share * power * 10f64.powf(gain_db(k as f64 * spacing_hz) / 10.0) } else { 0.0 }
        };
        self.lines.iter().enumerate().map(part).sum()
    }

    /// The A-weighted level from 20 Hz to 20 kHz, in dBPa(A).
    pub fn level_dbpa_a(&self) -> f64 {
        10.0 * self.power((20.0, 20_000.0), |freq_hz| weight_db(Weighting::A, freq_hz)).log10()
    }

    /// The level of the third octave at `10^(n/10)` Hz, in dBPa.
    pub fn third_octave_dbpa(&self, n: i32) -> f64 {
        let edge = |steps: f64| 10f64.powf((f64::from(n) + steps) / 10.0);
        10.0 * self.power((edge(-0.5), edge(0.5)), |_| 0.0).log10()
    }
}

impl Truth<'_> {
    /// The same in a call with the background noise of these points: receive is as much louder as the car file says for the
    /// A-weighted level at the microphone, the mean over the turn with the cabin's own noise added by power.
    #[must_use]
    pub fn in_noise(self, points: &Points) -> Self {
        let spec = &self.model.spec;
        let own = spec.cabin.noise_microphone_dbpa_a.unwrap_or(f64::NEG_INFINITY);
        let played = FieldTruth::of(spec, points, Listening::Microphone).level_dbpa_a();
        let level = 10.0 * (10f64.powf(own / 10.0) + 10f64.powf(played / 10.0)).log10();
        // From the first point on, each stretch adds what the level climbs of it.
        let mut louder_db = spec.terminal.speed_volume.first().map_or(0.0, |first| first.1);
        for pair in spec.terminal.speed_volume.windows(2) {
            let climbed = ((level - pair[0].0) / (pair[1].0 - pair[0].0)).clamp(0.0, 1.0);
            louder_db += climbed * (pair[1].1 - pair[0].1);
        }
        Self { louder_db, ..self }
    }
}

/// The mean over the sphere of the square of 1 − d + d·cos φ: as a sum over rings of equal height.
fn pattern_power(d: f64) -> f64 {
    const RINGS: u32 = 2_000;
    let ring = |n: u32| -1.0 + (f64::from(n) + 0.5) * 2.0 / f64::from(RINGS);
    (0..RINGS).map(|n| (1.0 - d + d * ring(n)).powi(2)).sum::<f64>() / f64::from(RINGS)
}

/// The power of each line from 0 Hz to half the rate, in the mean over half-overlapping pieces of a turn.
fn power_lines(turn: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; PIECE / 2 + 1];
    if turn.is_empty() {
        return sum;
    }
    let window: Vec<f64> =
        (0..PIECE).map(|n| 0.5 - 0.5 * (2.0 * PI * n as f64 / PIECE as f64).cos()).collect();
    // The mean of the squared window is 3/8; pieces at equal distances round the turn weigh every frame alike.
    let pieces = (2 * turn.len()).div_ceil(PIECE).max(2);
    for piece in 0..pieces {
        let begin = piece * turn.len() / pieces;
        let real: Vec<f64> =
            turn.iter().cycle().skip(begin).zip(&window).map(|(x, weight)| x * weight).collect();
        for (line, (re, im)) in sum.iter_mut().zip(transform(real)) {
            *line += re * re + im * im;
        }
    }
    let scale = 2.0 / (0.375 * (PIECE as f64).powi(2) * pieces as f64);
    sum.into_iter().map(|line| line * scale).collect()
}

/// The discrete Fourier transform of as many samples as a power of two has: turned over, then butterflies.
fn transform(real: Vec<f64>) -> Vec<(f64, f64)> {
    let size = real.len();
    let bits = size.trailing_zeros();
    let mut values = vec![(0.0, 0.0); size];
    for (n, x) in real.into_iter().enumerate() {
        values[n.reverse_bits() >> (usize::BITS - bits)] = (x, 0.0);
    }
    let turns: Vec<(f64, f64)> = (0..size / 2)
        .map(|k| {
            let (sine, cosine) = (-2.0 * PI * k as f64 / size as f64).sin_cos();
            (cosine, sine)
        })
        .collect();
    let mut half = 1;
    while half < size {
        let stride = size / (2 * half);
        for start in (0..size).step_by(2 * half) {
            for k in 0..half {
                let (cosine, sine) = turns[k * stride];
                let (a, b) = (values[start + k], values[start + k + half]);
                let turned = (b.0 * cosine - b.1 * sine, b.0 * sine + b.1 * cosine);
                values[start + k] = (a.0 + turned.0, a.1 + turned.1);
                values[start + k + half] = (a.0 - turned.0, a.1 - turned.1);
            }
        }
        half *= 2;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_power_of_a_tone_is_found_where_it_is() {
        // 1 000.2 Hz: 20 004 turns in 20 s, and on no line of a piece.
        let turn: Vec<f64> =
            (0..960_000).map(|n| 2.0 * (2.0 * PI * 20_004.0 * f64::from(n) / 960_000.0).sin()).collect();
        let truth = FieldTruth { lines: power_lines(&turn) };
        assert!((truth.third_octave_dbpa(30) - 10.0 * 2f64.log10()).abs() < 1e-6);
        assert!(truth.third_octave_dbpa(31) < -60.0);
        assert!((truth.level_dbpa_a() - 10.0 * 2f64.log10()).abs() < 1e-3);
    }

    #[test]
    fn a_cardioid_hears_a_third_of_a_diffuse_field() {
        assert!((pattern_power(0.5) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(pattern_power(0.0), 1.0);
    }
}
