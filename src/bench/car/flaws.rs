//! What is not right with a car: bends in its converters and loudspeaker, images and aliases, lines in its idle noise.
//!
//! Each is declared in the car file, so that its truth is known ([`super::truth`]): a bend by the harmonics that it makes
//! of a sine at a stated level, a converter by how far its image lies below what it images, a line by its level. The
//! mouth has a bend of its own: it belongs to the bench, not to the car, and a method must not take one for the other.

mod file;

use std::f64::consts::PI;

pub use file::{converter, lines, nonlinearity};

use crate::bench::car::stage::{Block, Filter, SILENCE};
use crate::bench::car::{RATE_HZ, response};
use crate::take::RATE;

/// Everything that is not right with a car and with the mouth in it. The default is nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flaws {
    /// The mouth simulator's own bend, of the pressure at the MRP. Bench, not car.
    pub mouth: Nonlinearity,
    /// The bend of microphone and amplifier, of the pressure at the membrane.
    pub microphone: Nonlinearity,
    /// The converter behind the microphone: what lies above its band folds into it.
    pub send_converter: Option<Converter>,
    /// The bend of amplifier and loudspeaker, of the pressure at 1 m in the free field.
    pub loudspeaker: Nonlinearity,
    /// The converter before the amplifier: what lies in its band comes again above it.
    pub receive_converter: Option<Converter>,
    /// Lines at the terminal's output in send: frequency in Hz, level in dBm0.
    pub idle_lines: Vec<(f64, f64)>,
    /// Lines from the loudspeaker: frequency in Hz, level at 1 m in dBPa.
    pub amplifier_lines: Vec<(f64, f64)>,
}

/// A bend without memory: y = x + b·x² + c·x³, then L·tanh(y/L).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Nonlinearity {
    /// The second harmonic of a sine at `at_dbpa`, in percent of the fundamental; negative turns its phase.
    pub quadratic_percent: f64,
    /// The third harmonic of that sine; negative compresses.
    pub cubic_percent: f64,
    /// The level (RMS) of the sine at which the two are declared, in dBPa.
    pub at_dbpa: f64,
    /// The amplitude that a limiter never lets through, in dB over 1 Pa; `None` is no limiter.
    pub limit_dbpa: Option<f64>,
}

/// The coefficients of a [`Nonlinearity`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bend {
    /// b, per Pa.
    pub quadratic: f64,
    /// c, per Pa².
    pub cubic: f64,
    /// L, in Pa.
    pub limit: Option<f64>,
}

impl Nonlinearity {
    /// Whether it bends nothing.
    pub fn is_straight(&self) -> bool {
        self.quadratic_percent == 0.0 && self.cubic_percent == 0.0 && self.limit_dbpa.is_none()
    }

    /// The coefficients that make the declared harmonics of a sine of the declared level: of A·cos θ the polynomial
    /// makes the fundamental A + ¾cA³, the second harmonic ½bA² and the third ¼cA³ (Chebyshev).
    pub fn bend(&self) -> Bend {
        let peak = 10f64.powf(self.at_dbpa / 20.0) * std::f64::consts::SQRT_2;
        let (second, third) = (self.quadratic_percent / 100.0, self.cubic_percent / 100.0);
        let cubic = 4.0 * third / (1.0 - 3.0 * third) / (peak * peak);
        let fundamental = 1.0 + 0.75 * cubic * peak * peak;
        Bend {
            quadratic: 2.0 * second * fundamental / peak,
            cubic,
            limit: self.limit_dbpa.map(|dbpa| 10f64.powf(dbpa / 20.0)),
        }
    }
}

impl Bend {
    /// What becomes of a pressure. Beyond the point where the polynomial would turn back it stays where it is.
    pub fn of(&self, x: f64) -> f64 {
        let x = self.before_the_turn(x);
        let y = x + self.quadratic * x * x + self.cubic * x * x * x;
        self.limit.map_or(y, |limit| limit * (y / limit).tanh())
    }

    /// The polynomial rises between the zeros of 1 + 2bx + 3cx² that lie next to 0.
    fn before_the_turn(&self, x: f64) -> f64 {
        let (b, c) = (self.quadratic, self.cubic);
        let root = b * b - 3.0 * c;
        if root < 0.0 {
            return x;
        }
        // Written so that c → 0 is no special case: x = −1 / (b ± √(b² − 3c)).
        let turns = [b + root.sqrt(), b - root.sqrt()].map(|one| -1.0 / one);
        let nearest = |side: f64| {
            let ahead = turns.iter().filter(|turn| turn.is_finite() && **turn * side > 0.0);
            ahead.fold(f64::INFINITY, |least, turn| least.min(turn.abs()))
        };
        x.clamp(-nearest(-1.0), nearest(1.0))
    }

    /// Bends a block.
    pub fn process(&self, block: &mut Block) {
        for sample in block {
            *sample = self.of(f64::from(*sample)) as f32;
        }
    }
}

/// A converter of the terminal whose filter lets something through: only the first image is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Converter {
    /// Its sampling rate: frequencies mirror at half of it.
    pub rate_hz: f64,
    /// How far the image (or alias) lies below what it mirrors, in dB.
    pub loss_db: f64,
}

/// The filters of a [`Converter`], symmetric and of one length: what the simulation runs and the truth reads.
#[derive(Debug, Clone, PartialEq)]
pub struct ConverterModel {
    /// Passes what mirrors from inside the band.
    pub inner_taps: Vec<f64>,
    /// Passes what mirrors from outside the band.
    pub outer_taps: Vec<f64>,
    /// The amplitude of the image.
    pub gain: f64,
}

impl Converter {
    /// The filters.
    pub fn model(&self) -> ConverterModel {
        let edge = self.rate_hz / 2.0;
        // 48 kHz hold the image of a 32 kHz converter only from 8 kHz on; what lies below would come out at the wrong place.
        let least = (self.rate_hz - RATE_HZ / 2.0).max(0.0);
        let width = self.rate_hz / 20.0;
        let mut inner_taps = response::low_pass_taps(edge - width, edge);
        if least > 0.0 {
            let below = response::low_pass_taps(least, least + width);
            inner_taps.iter_mut().zip(&below).for_each(|(tap, below)| *tap -= below);
        }
        let mut outer_taps: Vec<f64> =
            response::low_pass_taps(edge, edge + width).iter().map(|tap| -tap).collect();
        let middle = outer_taps.len() / 2;
        outer_taps[middle] += 1.0;
        ConverterModel { inner_taps, outer_taps, gain: 10f64.powf(-self.loss_db / 20.0) }
    }
}

/// Which way a converter mirrors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mirror {
    /// From outside into the band: aliases of the microphone's converter.
    Into,
    /// Out of the band: images of the loudspeaker's converter.
    OutOf,
}

/// A converter's image, running.
pub struct Image {
    before: Filter,
    after: Filter,
    rate_hz: u64,
    gain: f64,
    frame: u64,
}

impl Image {
    /// The image of a converter at rest.
    pub fn new(converter: &Converter, mirror: Mirror) -> Self {
        let model = converter.model();
        let (before, after) = match mirror {
            Mirror::Into => (&model.outer_taps, &model.inner_taps),
            Mirror::OutOf => (&model.inner_taps, &model.outer_taps),
        };
        Self {
            before: Filter::new(before),
            after: Filter::new(after),
            rate_hz: converter.rate_hz.round() as u64,
            gain: model.gain,
            frame: 0,
        }
    }

    /// Adds the image of a block to it.
    pub fn add_to(&mut self, block: &mut Block) {
        let mut image = *block;
        self.before.process(&mut image);
        for sample in &mut image {
            let turn = (self.frame * self.rate_hz % u64::from(RATE)) as f64 / RATE_HZ;
            *sample = (f64::from(*sample) * 2.0 * self.gain * (2.0 * PI * turn).cos()) as f32;
            self.frame += 1;
        }
        self.after.process(&mut image);
        block.iter_mut().zip(&image).for_each(|(sample, image)| *sample += image);
    }
}

/// Steady lines, running.
pub struct Lines {
    /// Amplitude and radians per frame.
    lines: Vec<(f64, f64)>,
    frame: u64,
}

impl Lines {
    /// Lines whose levels, raised by `gain_db`, are in dB of the mean square.
    pub fn new(lines: &[(f64, f64)], gain_db: f64) -> Self {
        let amplitude = |db: f64| 10f64.powf((db + gain_db) / 20.0) * std::f64::consts::SQRT_2;
        let lines = lines.iter().map(|(hz, db)| (amplitude(*db), 2.0 * PI * hz / RATE_HZ)).collect();
        Self { lines, frame: 0 }
    }

    /// Adds the next block to `block`.
    pub fn add_to(&mut self, block: &mut Block) {
        if self.lines.is_empty() {
            return;
        }
        for sample in block {
            let at = self.frame as f64;
            let sum: f64 = self.lines.iter().map(|(amplitude, step)| amplitude * (step * at).sin()).sum();
            *sample += sum as f32;
            self.frame += 1;
        }
    }
}

/// The flaws of a car in a call.
pub struct Running {
    microphone: Option<Bend>,
    send_image: Option<Image>,
    loudspeaker: Option<Bend>,
    receive_image: Option<Image>,
    idle_lines: Lines,
    amplifier_lines: Lines,
}

impl Running {
    /// At rest.
    pub fn new(flaws: &Flaws) -> Self {
        let bend = |one: &Nonlinearity| (!one.is_straight()).then(|| one.bend());
        Self {
            microphone: bend(&flaws.microphone),
            send_image: flaws.send_converter.map(|one| Image::new(&one, Mirror::Into)),
            loudspeaker: bend(&flaws.loudspeaker),
            receive_image: flaws.receive_converter.map(|one| Image::new(&one, Mirror::OutOf)),
            idle_lines: Lines::new(&flaws.idle_lines, crate::units::DBOV_AT_0_DBM0),
            amplifier_lines: Lines::new(&flaws.amplifier_lines, 0.0),
        }
    }

    /// What the converter of the receive direction makes of what the terminal gives it, in Pa at 1 m.
    pub fn convert(&mut self, loudspeaker: &mut Block) {
        if let Some(image) = &mut self.receive_image {
            image.add_to(loudspeaker);
        }
    }

    /// What amplifier and loudspeaker make of it, in Pa at 1 m.
    pub fn drive(&mut self, loudspeaker: &mut Block) {
        if let Some(bend) = &self.loudspeaker {
            bend.process(loudspeaker);
        }
        self.amplifier_lines.add_to(loudspeaker);
    }

    /// What microphone and converter make of the sound in its two parts: all that is not `echo` is put into `near`.
    pub fn capture(&mut self, near: &mut Block, echo: &Block) {
        if self.microphone.is_none() && self.send_image.is_none() {
            return;
        }
        let mut sound = SILENCE;
        for (sum, (near, echo)) in sound.iter_mut().zip(near.iter().zip(echo)) {
            *sum = near + echo;
        }
        if let Some(bend) = &self.microphone {
            bend.process(&mut sound);
        }
        if let Some(image) = &mut self.send_image {
            image.add_to(&mut sound);
        }
        for (near, (sum, echo)) in near.iter_mut().zip(sound.iter().zip(echo)) {
            *near = sum - echo;
        }
    }

    /// What the terminal's output hums.
    pub fn hum(&mut self, poi_send: &mut Block) {
        self.idle_lines.add_to(poi_send);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cosine amplitudes of orders 0 to 4 of what a bend makes of a cosine, by the sum over one period.
    fn harmonics(bend: &Bend, peak: f64) -> [f64; 5] {
        let points = 240;
        std::array::from_fn(|order| {
            let sum: f64 = (0..points)
                .map(|n| 2.0 * PI * f64::from(n) / f64::from(points))
                .map(|angle| bend.of(peak * angle.cos()) * (order as f64 * angle).cos())
                .sum();
            2.0 * sum / f64::from(points)
        })
    }

    #[test]
    fn a_sine_at_the_declared_level_has_the_declared_harmonics() {
        for (second, third, at_dbpa) in
            [(3.0, 0.0, 0.0), (0.0, 2.0, -20.0), (1.0, -2.5, 5.0), (-4.0, 1.0, -30.0)]
        {
            let declared =
                Nonlinearity { quadratic_percent: second, cubic_percent: third, at_dbpa, limit_dbpa: None };
            let peak = 10f64.powf(at_dbpa / 20.0) * std::f64::consts::SQRT_2;
            let found = harmonics(&declared.bend(), peak);
            assert!((100.0 * found[2] / found[1] - second).abs() < 1e-9, "{found:?}");
            assert!((100.0 * found[3] / found[1] - third).abs() < 1e-9, "{found:?}");
            assert!(found[4].abs() < 1e-12);
        }
    }

    #[test]
    fn a_bend_never_turns_back() {
        for (second, third, limit_dbpa) in [(5.0, -3.0, None), (5.0, 0.0, None), (0.0, -3.0, Some(3.0))] {
            let bend =
                Nonlinearity { quadratic_percent: second, cubic_percent: third, at_dbpa: 0.0, limit_dbpa }
                    .bend();
            let values: Vec<f64> = (-400..=400).map(|n| bend.of(f64::from(n) / 10.0)).collect();
            assert!(values.windows(2).all(|pair| pair[0] <= pair[1]), "{second} {third}");
        }
    }

    #[test]
    fn images_lie_where_frequencies_mirror() {
        for (rate_hz, played_hz, mirror) in [
            (8_000.0, 6_000.0, Mirror::Into),
            (16_000.0, 9_500.0, Mirror::Into),
            (32_000.0, 20_000.0, Mirror::Into),
            (8_000.0, 1_500.0, Mirror::OutOf),
            (32_000.0, 11_000.0, Mirror::OutOf),
        ] {
            let mut image = Image::new(&Converter { rate_hz, loss_db: 30.0 }, mirror);
            let mut out = Vec::new();
            for at in 0..100 {
                let mut block: Block = std::array::from_fn(|n| {
                    (2.0 * PI * played_hz * (at * block_len() + n) as f64 / RATE_HZ).sin() as f32
                });
                image.add_to(&mut block);
                out.extend_from_slice(&block);
            }
            // One second without the settling of the filters holds whole periods.
            let level_db = |hz: f64| {
                let (mut re, mut im) = (0.0, 0.0);
                for (n, x) in out[out.len() - 24_000..].iter().enumerate() {
                    let angle = 2.0 * PI * hz * n as f64 / RATE_HZ;
                    re += f64::from(*x) * angle.cos();
                    im += f64::from(*x) * angle.sin();
                }
                20.0 * (re.hypot(im) / 12_000.0).log10()
            };
            let image_hz = rate_hz - played_hz;
            assert!((level_db(image_hz) + 30.0).abs() < 0.01, "{image_hz}: {}", level_db(image_hz));
            assert!(level_db(played_hz).abs() < 0.01);
            // Nothing in the band but the image.
            for step in 1..40 {
                let hz = rate_hz / 2.0 * f64::from(step) / 40.0;
                if mirror == Mirror::Into && (hz - image_hz).abs() > 1.0 {
                    assert!(level_db(hz) < -90.0, "{rate_hz} {hz}: {}", level_db(hz));
                }
            }
        }
    }

    fn block_len() -> usize {
        SILENCE.len()
    }
}
