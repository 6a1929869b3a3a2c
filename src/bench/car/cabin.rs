//! The cabin of the virtual car: how sound gets from mouth and loudspeaker to microphone and ears.
//!
//! *Ideal* cabins have one tap for each path. *Shoebox* cabins are made by the image method (Allen and Berkley 1979):
//! every wall mirrors the source, every mirror image adds one impulse at its own time with its own loss.
//!
//! Units: paths from the mouth are pressure over pressure at the MRP; paths from the loudspeaker are pressure over its
//! free-field pressure at 1 m. The mouth is a point source 6.6 mm behind the lips, which gives 24.1 dB from MRP to
//! HFRP; it is 6 dB weaker to the rear than to the front. Ears lie 150 mm apart, 90 mm behind the lips and 30 mm above;
//! a sound from the far side is 4.4 dB weaker than one from the near side (a plain stand-in for the shadow of the head).

use crate::bench::car::RATE_HZ;
use crate::bench::car::response::add_impulse;
use crate::bench::car::spec::{CabinSpec, Hats, IdealPaths, PathsSpec, Shoebox, TapSpec};

/// Speed of sound in m/s at 20 °C.
pub const SOUND_SPEED: f64 = 343.2;
/// From the center of the mouth's point source to the lips.
const MOUTH_DEPTH_M: f64 = 0.0066;
/// From the lips to the MRP.
const MRP_M: f64 = 0.025;
/// The IRs end here: with the absorption of a car the rest is 60 dB down.
const RESPONSE_S: f64 = 0.085;

/// One sound path.
#[derive(Debug, Clone, PartialEq)]
pub enum Path {
    /// Nothing gets through.
    Silent,
    /// One impulse after a whole number of samples.
    Tap {
        /// Amplitude factor.
        gain: f64,
        /// Delay in samples.
        delay: usize,
    },
    /// An impulse response at 48 kHz.
    Response(Vec<f64>),
}

/// All paths of a cabin.
#[derive(Debug, Clone, PartialEq)]
pub struct Cabin {
    /// MRP to hands-free microphone.
    pub mouth_to_microphone: Path,
    /// MRP to the left and the right ear of the same head.
    pub mouth_to_ears: [Path; 2],
    /// Loudspeaker to hands-free microphone.
    pub loudspeaker_to_microphone: Path,
    /// Loudspeaker to the left and the right ear.
    pub loudspeaker_to_ears: [Path; 2],
}

impl Cabin {
    /// Computes the paths. A shoebox takes some ten milliseconds.
    pub fn new(spec: &CabinSpec) -> Self {
        match &spec.paths {
            PathsSpec::Ideal(paths) => Self::ideal(paths),
            PathsSpec::Shoebox(room) => Self::shoebox(room),
        }
    }

    fn ideal(paths: &IdealPaths) -> Self {
        let mouth_to_ear = ideal_path(paths.mouth_to_ears);
        Self {
            mouth_to_microphone: ideal_path(paths.mouth_to_microphone),
            mouth_to_ears: [mouth_to_ear.clone(), mouth_to_ear],
            loudspeaker_to_microphone: ideal_path(paths.loudspeaker_to_microphone),
            loudspeaker_to_ears: paths.loudspeaker_to_ears.map(ideal_path),
        }
    }

    fn shoebox(room: &Shoebox) -> Self {
        let lips = Vector(room.lips_m);
        let mouth = Pole {
            at: Vector([lips.0[0] - MOUTH_DEPTH_M, lips.0[1], lips.0[2]]),
            axis: Vector([1.0, 0.0, 0.0]),
            directivity: 0.25,
        };
        let to_lips = lips.minus(Vector(room.microphone_m));
        let microphone = Pole {
            at: Vector(room.microphone_m),
            axis: to_lips.times(1.0 / to_lips.length()),
            directivity: room.microphone_directivity,
        };
        let loudspeaker = Pole::omnidirectional(Vector(room.loudspeaker_m));
        let ears = [-1.0, 1.0].map(|side| Pole {
            at: Vector([lips.0[0] - 0.09, lips.0[1] + 0.075 * side, lips.0[2] + 0.03]),
            axis: Vector([0.0, side, 0.0]),
            directivity: 0.2,
        });
        // the mouth is driven by the pressure at the MRP, so its reference lies there
        let mouth_reference_m = MOUTH_DEPTH_M + MRP_M;
        let of_mouth = |to: &Pole| Path::Response(images(room, &mouth, to, mouth_reference_m, true));
        let of_loudspeaker = |to: &Pole| Path::Response(images(room, &loudspeaker, to, 1.0, false));
        Self {
            mouth_to_microphone: of_mouth(&microphone),
            mouth_to_ears: [of_mouth(&ears[0]).heard_by(room.hats), of_mouth(&ears[1]).heard_by(room.hats)],
            loudspeaker_to_microphone: of_loudspeaker(&microphone),
            loudspeaker_to_ears: [
                of_loudspeaker(&ears[0]).heard_by(room.hats),
                of_loudspeaker(&ears[1]).heard_by(room.hats),
            ],
        }
    }
}

impl Path {
    fn heard_by(self, hats: Hats) -> Self {
        match (hats, self) {
            (Hats::P58, Self::Response(taps)) => Self::Response(super::ear::at_drum(&taps)),
            (_, path) => path,
        }
    }
}

fn ideal_path(tap: Option<TapSpec>) -> Path {
    let Some(tap) = tap else { return Path::Silent };
    let gain = 10f64.powf(tap.gain_db / 20.0);
    let delay = tap.delay_s * RATE_HZ;
    if (delay - delay.round()).abs() < 1e-6 {
        return Path::Tap { gain, delay: delay.round() as usize };
    }
    let mut taps = vec![0.0; delay.ceil() as usize + 20];
    add_impulse(&mut taps, delay, gain);
    Path::Response(taps)
}

#[derive(Debug, Clone, Copy)]
struct Vector([f64; 3]);

impl Vector {
    fn minus(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - other.0[i]))
    }

    fn times(self, factor: f64) -> Self {
        Self(self.0.map(|x| x * factor))
    }

    fn dot(self, other: Self) -> f64 {
        (0..3).map(|i| self.0[i] * other.0[i]).sum()
    }

    fn length(self) -> f64 {
        self.dot(self).sqrt()
    }
}

/// A source or a receiver: where it is, where it looks, how much it prefers that direction.
/// The gain at the angle φ is 1 − d + d·cos φ.
#[derive(Debug, Clone, Copy)]
struct Pole {
    at: Vector,
    axis: Vector,
    directivity: f64,
}

impl Pole {
    fn omnidirectional(at: Vector) -> Self {
        Self { at, axis: Vector([1.0, 0.0, 0.0]), directivity: 0.0 }
    }

    fn gain(&self, cosine: f64) -> f64 {
        1.0 - self.directivity + self.directivity * cosine
    }
}

/// The impulse response from `source` to `receiver`. An image at the distance `reference_m` on axis has gain 1; with
/// `from_reference` time counts from there, otherwise from the source itself.
fn images(
    room: &Shoebox,
    source: &Pole,
    receiver: &Pole,
    reference_m: f64,
    from_reference: bool,
) -> Vec<f64> {
    let mut taps = vec![0.0; (RESPONSE_S * RATE_HZ) as usize];
    let reach_m = RESPONSE_S * SOUND_SPEED;
    let wall = (1.0 - room.absorption).max(0.0).sqrt();
    let origin_m = if from_reference { reference_m } else { 0.0 };
    let orders: [i64; 3] = std::array::from_fn(|i| (reach_m / (2.0 * room.size_m[i])).ceil() as i64);
    // (position of the image, is it mirrored, how many walls it met) on each axis
    let axes: [Vec<(f64, bool, i32)>; 3] = std::array::from_fn(|i| {
        (-orders[i]..=orders[i])
            .flat_map(|n| [(n, false), (n, true)])
            .map(|(n, mirrored)| {
                let shift = 2.0 * n as f64 * room.size_m[i];
                let (at, walls) = if mirrored {
                    (shift - source.at.0[i], (2 * n - 1).abs())
                } else {
                    (shift + source.at.0[i], (2 * n).abs())
                };
                (at, mirrored, walls as i32)
            })
            .collect()
    });
    for &(x, x_mirrored, x_walls) in &axes[0] {
        for &(y, y_mirrored, y_walls) in &axes[1] {
            for &(z, z_mirrored, z_walls) in &axes[2] {
                let way = receiver.at.minus(Vector([x, y, z]));
                let distance = way.length();
                if distance > reach_m {
                    continue;
                }
                let flip = |mirrored: bool| if mirrored { -1.0 } else { 1.0 };
                let axis = Vector([
                    source.axis.0[0] * flip(x_mirrored),
                    source.axis.0[1] * flip(y_mirrored),
                    source.axis.0[2] * flip(z_mirrored),
                ]);
                let gain = wall.powi(x_walls + y_walls + z_walls) * reference_m / distance
                    * source.gain(way.dot(axis) / distance)
                    * receiver.gain(-way.dot(receiver.axis) / distance);
                add_impulse(&mut taps, (distance - origin_m) / SOUND_SPEED * RATE_HZ, gain);
            }
        }
    }
    taps
}
