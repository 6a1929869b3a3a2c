//! The cabin of the virtual car: how sound gets from mouth and loudspeaker to microphone and ears.
//!
//! *Ideal* cabins have one tap for each path. *Shoebox* cabins are made by the image method (Allen and Berkley 1979):
//! every wall mirrors the source, every mirror image adds one impulse at its own time with its own loss.
//!
//! Units: paths from the mouth are pressure over pressure at the MRP; paths from the loudspeaker are pressure over its
//! free-field pressure at 1 m. The mouth is a point source 6.6 mm behind the lips, which gives 24.1 dB from MRP to
//! HFRP; it is 6 dB weaker to the rear than to the front. Ears lie 150 mm apart, 90 mm behind the lips and 30 mm above;
//! a sound from the far side is 4.4 dB weaker than one from the near side (a plain stand-in for the shadow of the head).
//!
//! A car may have a head in more than one seat. Several microphones are added by the terminal and several loudspeakers
//! fed with one signal, so a path to *the* microphone or from *the* loudspeaker is the sum over all of them.

use std::collections::BTreeMap;

use crate::bench::car::RATE_HZ;
use crate::bench::car::response::add_impulse;
use crate::bench::car::spec::{CabinSpec, Hats, IdealPaths, PathsSpec, Shoebox, TapSpec};
use crate::terms::{Ear, Seat};

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

/// The paths of one head.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// MRP to hands-free microphone.
    pub mouth_to_microphone: Path,
    /// MRP to the left and the right ear of the same head.
    pub mouth_to_ears: [Path; 2],
    /// MRP to the left and the right ear of each other head that hears it.
    pub mouth_to_others: BTreeMap<Seat, [Path; 2]>,
    /// Loudspeaker to the left and the right ear.
    pub loudspeaker_to_ears: [Path; 2],
}

impl Head {
    /// Loudspeaker to an ear.
    pub fn loudspeaker_to_ear(&self, ear: Ear) -> &Path {
        &self.loudspeaker_to_ears[usize::from(ear == Ear::Right)]
    }
}

/// All paths of a cabin.
#[derive(Debug, Clone, PartialEq)]
pub struct Cabin {
    /// Loudspeaker to hands-free microphone.
    pub loudspeaker_to_microphone: Path,
    /// Loudspeaker to the bench's microphone at the driver's head, where no head is between.
    pub loudspeaker_to_reference: Path,
    /// The driver.
    pub driver: Head,
    /// The heads in other seats.
    pub others: BTreeMap<Seat, Head>,
}

impl Cabin {
    /// Computes the paths. A shoebox takes some ten milliseconds for each head.
    pub fn new(spec: &CabinSpec) -> Self {
        match &spec.paths {
            PathsSpec::Ideal(paths) => Self::ideal(paths),
            PathsSpec::Shoebox(room) => Self::shoebox(room),
        }
    }

    /// The head in a seat, if one sits there.
    pub fn head(&self, seat: Seat) -> Option<&Head> {
        if seat == Seat::Driver { Some(&self.driver) } else { self.others.get(&seat) }
    }

    /// Every seat with its head, the driver first.
    pub fn heads(&self) -> impl Iterator<Item = (Seat, &Head)> {
        let others = self.others.iter().map(|(seat, head)| (*seat, head));
        std::iter::once((Seat::Driver, &self.driver)).chain(others)
    }

    fn ideal(paths: &IdealPaths) -> Self {
        let both = |tap| [ideal_path(tap), ideal_path(tap)];
        let others = paths.seats.iter().map(|(seat, own)| {
            let head = Head {
                mouth_to_microphone: ideal_path(own.mouth_to_microphone),
                mouth_to_ears: both(own.mouth_to_ears),
                mouth_to_others: [(Seat::Driver, both(own.mouth_to_driver_ears))].into(),
                loudspeaker_to_ears: own.loudspeaker_to_ears.map(ideal_path),
            };
            (*seat, head)
        });
        Self {
            loudspeaker_to_microphone: ideal_path(paths.loudspeaker_to_microphone),
            loudspeaker_to_reference: ideal_path(paths.loudspeaker_to_reference),
            driver: Head {
                mouth_to_microphone: ideal_path(paths.mouth_to_microphone),
                mouth_to_ears: both(paths.mouth_to_ears),
                mouth_to_others: BTreeMap::new(),
                loudspeaker_to_ears: paths.loudspeaker_to_ears.map(ideal_path),
            },
            others: others.collect(),
        }
    }

    fn shoebox(room: &Shoebox) -> Self {
        let microphones: Vec<Pole> = room.microphones().map(|(at, lips)| aimed(room, at, lips)).collect();
        let loudspeakers: Vec<Pole> =
            room.loudspeakers().map(|at| Pole::omnidirectional(Vector(at))).collect();
        let from_loudspeakers = |to: &Pole| {
            Path::sum(loudspeakers.iter().map(|loudspeaker| images(room, loudspeaker, to, 1.0, false)))
        };
        let head = |seat: Seat, lips: [f64; 3]| {
            let mouth = mouth_of(lips);
            // the mouth is driven by the pressure at the MRP, so its reference lies there
            let of_mouth = |to: &Pole| images(room, &mouth, to, MOUTH_DEPTH_M + MRP_M, true);
            let to_ears =
                |lips: [f64; 3]| heard(room, ears_of(lips).map(|ear| Path::Response(of_mouth(&ear))));
            let other_heads = room.lips().filter(|(other, _)| *other != seat);
            Head {
                mouth_to_microphone: Path::sum(microphones.iter().map(of_mouth)),
                mouth_to_ears: to_ears(lips),
                mouth_to_others: other_heads.map(|(other, lips)| (other, to_ears(lips))).collect(),
                loudspeaker_to_ears: heard(room, ears_of(lips).map(|ear| from_loudspeakers(&ear))),
            }
        };
        let mut echo: Vec<Path> = microphones.iter().map(from_loudspeakers).collect();
        let center = Pole::omnidirectional(Vector(head_center(room.lips_m)));
        Self {
            loudspeaker_to_microphone: if echo.len() == 1 {
                echo.swap_remove(0)
            } else {
                Path::sum(echo.into_iter().filter_map(|path| match path {
                    Path::Response(taps) => Some(taps),
                    _ => None,
                }))
            },
            loudspeaker_to_reference: from_loudspeakers(&center),
            driver: head(Seat::Driver, room.lips_m),
            others: room
                .lips()
                .filter(|(seat, _)| *seat != Seat::Driver)
                .map(|(seat, lips)| (seat, head(seat, lips)))
                .collect(),
        }
    }
}

impl Shoebox {
    /// The lips in every seat, the driver's first.
    pub fn lips(&self) -> impl Iterator<Item = (Seat, [f64; 3])> {
        let others = self.seats.iter().map(|(seat, own)| (*seat, own.lips_m));
        std::iter::once((Seat::Driver, self.lips_m)).chain(others)
    }

    /// Every microphone with the lips that it is pointed at.
    pub fn microphones(&self) -> impl Iterator<Item = ([f64; 3], [f64; 3])> {
        let others = self.seats.values().filter_map(|own| Some((own.microphone_m?, own.lips_m)));
        std::iter::once((self.microphone_m, self.lips_m)).chain(others)
    }

    /// Every loudspeaker.
    pub fn loudspeakers(&self) -> impl Iterator<Item = [f64; 3]> {
        std::iter::once(self.loudspeaker_m).chain(self.seats.values().filter_map(|own| own.loudspeaker_m))
    }
}

/// Where the ears of a head are: the left, the right.
pub fn ears_at(lips: [f64; 3]) -> [[f64; 3]; 2] {
    let [x, y, z] = head_center(lips);
    [[x, y - 0.075, z], [x, y + 0.075, z]]
}

/// The middle between the ears.
pub fn head_center(lips: [f64; 3]) -> [f64; 3] {
    [lips[0] - 0.09, lips[1], lips[2] + 0.03]
}

fn mouth_of(lips: [f64; 3]) -> Pole {
    Pole {
        at: Vector([lips[0] - MOUTH_DEPTH_M, lips[1], lips[2]]),
        axis: Vector([1.0, 0.0, 0.0]),
        directivity: 0.25,
    }
}

fn ears_of(lips: [f64; 3]) -> [Pole; 2] {
    let at = ears_at(lips);
    [0, 1].map(|side| Pole {
        at: Vector(at[side]),
        axis: Vector([0.0, if side == 0 { -1.0 } else { 1.0 }, 0.0]),
        directivity: 0.2,
    })
}

/// A microphone pointed at lips.
fn aimed(room: &Shoebox, at: [f64; 3], lips: [f64; 3]) -> Pole {
    let to_lips = Vector(lips).minus(Vector(at));
    Pole {
        at: Vector(at),
        axis: to_lips.times(1.0 / to_lips.length()),
        directivity: room.microphone_directivity,
    }
}

impl Path {
    /// The sum of impulse responses; none is silence.
    fn sum(responses: impl Iterator<Item = Vec<f64>>) -> Self {
        responses
            .reduce(|mut sum, one| {
                sum.iter_mut().zip(one).for_each(|(sum, tap)| *sum += tap);
                sum
            })
            .map_or(Self::Silent, Self::Response)
    }
}

/// What arrives at the ear-drums of what arrives at the left and the right ear.
fn heard(room: &Shoebox, paths: [Path; 2]) -> [Path; 2] {
    let [left, right] = paths;
    let ear = |path, deviation| match (room.hats, path) {
        (Hats::P58, Path::Response(taps)) => Path::Response(super::ear::at_drum(&taps, deviation)),
        (_, path) => path,
    };
    let [of_left, of_right] = &room.ears.deviations;
    [ear(left, of_left), ear(right, of_right)]
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
