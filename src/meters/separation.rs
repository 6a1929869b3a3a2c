//! What of a signal is a copy of a reference, with another gain, and what is something else: speech in double talk beside
//! the same speech alone, with an echo in between.
//!
//! The level of a segment in double talk holds the echo too. Told apart are:
//!
//! 1. Both signals go through frames of 21 ms with a Hann window, three quarters overlapped, so that the energies of the
//!    frames add up to those of the signals. Frames of 85 ms and bins of a few hundred hertz make a *tile*. Tiles in which
//!    the reference is more than 40 dB below its loudest tile are left out.
//! 2. In each tile the mixed signal is projected on the reference: one complex gain, so that a device may change gain and
//!    phase from tile to tile. The energy of the projection is *coherent*.
//! 3. An echo that has nothing to do with the reference has a share of its own in the projection, by chance: in a tile of M
//!    degrees of freedom (bandwidth times duration) 1/(M − 1) of what is left beside the projection. It is taken off, which
//!    leaves the sum over many tiles without a bias.
//! 4. What is left is tried on the *interferer*, bin by bin over a third of a second, with four taps of 11 ms: what follows
//!    it is *explained*. What neither follows the reference nor the interferer, nor is noise, may be the reference changed
//!    beyond recognition, or an echo changed so: nobody can tell.

use std::ops::{AddAssign, Range};

use crate::dsp::spectrum::{Bin, Fft, Window};

/// Length of a frame at 48 kHz, of which rate the others are scaled.
const SIZE_AT_48K: usize = 1_024;
/// Frames begin a quarter of their length apart.
const OVERLAPS: usize = 4;
/// Frames in a tile.
const TILE_FRAMES: usize = 16;
/// The edges of the bands in Hz: a few hundred hertz where speech has its energy, wider above.
const EDGES_HZ: [f64; 15] = [
    40.0, 350.0, 650.0, 950.0, 1_300.0, 1_700.0, 2_200.0, 2_900.0, 3_800.0, 5_000.0, 6_600.0, 9_000.0,
    13_000.0, 18_000.0, 24_000.0,
];
/// A tile so much quieter than the loudest one does not count.
const QUIET: f64 = 1e-4;
/// Taps of the interferer, and how many frames they are apart.
const TAPS: usize = 4;
const TAP_FRAMES: usize = 2;
/// Neighboring frames of one bin share half of what they hold: so many of them are worth one.
const ALIKE_FRAMES: f64 = 2.0;
/// Frames over which the interferer has one path.
const PATH_FRAMES: usize = 64;

/// Energies, as sums of squares of the signals, over all tiles in which the reference is heard.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Separation {
    /// Of the reference.
    pub reference: f64,
    /// Of the mixed signal.
    pub mixed: f64,
    /// Of what of it follows the reference, less what chance makes. It may be below zero by chance.
    pub coherent: f64,
    /// The variance of `coherent` by chance.
    pub variance: f64,
    /// Of what of the rest follows the interferer.
    pub explained: f64,
    /// Of the noise.
    pub noise: f64,
}

impl AddAssign for Separation {
    fn add_assign(&mut self, other: Self) {
        self.reference += other.reference;
        self.mixed += other.mixed;
        self.coherent += other.coherent;
        self.variance += other.variance;
        self.explained += other.explained;
        self.noise += other.noise;
    }
}

/// Takes `mixed` apart by `reference` and `interferer`, all on one time line to some milliseconds, beside the `noise` of a
/// stretch in which nothing sounds. What is longer than the shortest of the three is left out.
pub fn separate(
    reference: &[f64],
    mixed: &[f64],
    interferer: Option<&[f64]>,
    noise: &[f64],
    rate: u32,
) -> Separation {
    let mut frames = Frames::new(rate);
    let len = reference.len().min(mixed.len()).min(interferer.map_or(usize::MAX, <[f64]>::len));
    let (reference, mixed) = (frames.of(&reference[..len]), frames.of(&mixed[..len]));
    let interferer = interferer.map(|one| frames.of(&one[..len]));
    let noise = frames.mean_power(noise);
    let tiles = tiles(&frames, &reference);
    let mut sum = Separation::default();
    // What the projection leaves; frames outside of all tiles stay empty.
    let mut rest = vec![vec![Bin::new(0.0, 0.0); frames.bins()]; mixed.len()];
    for tile in &tiles {
        let cells = || tile.frames.clone().flat_map(|t| tile.bins.clone().map(move |k| (t, k)));
        let (mut of_mixed, mut cross) = (0.0, Bin::new(0.0, 0.0));
        for (t, k) in cells() {
            of_mixed += mixed[t][k].norm_sqr();
            cross += mixed[t][k] * reference[t][k].conj();
        }
        let gain = cross / tile.energy;
        let projected = cross.norm_sqr() / tile.energy;
        let freedom = (tile.bins.len() * tile.frames.len()) as f64 / OVERLAPS as f64;
        let chance = (of_mixed - projected).max(0.0) / (freedom - 1.0).max(1.0);
        sum.reference += tile.energy;
        sum.mixed += of_mixed;
        sum.coherent += projected - chance;
        sum.variance += 2.0 * (projected - chance).max(0.0) * chance + chance * chance;
        sum.noise += tile.frames.len() as f64 * tile.bins.clone().map(|k| noise[k]).sum::<f64>();
        for (t, k) in cells() {
            rest[t][k] = mixed[t][k] - gain * reference[t][k];
        }
    }
    if let Some(interferer) = interferer {
        let held =
            |t: usize, k: usize| tiles.iter().any(|tile| tile.frames.contains(&t) && tile.bins.contains(&k));
        for k in 0..frames.bins() {
            sum.explained += explained(&rest, &interferer, k, &|t| held(t, k));
        }
    }
    let scale = frames.energy_scale();
    Separation {
        reference: sum.reference * scale,
        mixed: sum.mixed * scale,
        coherent: sum.coherent * scale,
        variance: sum.variance * scale * scale,
        explained: sum.explained * scale,
        noise: sum.noise * scale,
    }
}

/// A part of time and frequency.
struct Tile {
    frames: Range<usize>,
    bins: Range<usize>,
    energy: f64,
}

/// The tiles in which the reference is heard.
fn tiles(frames: &Frames, reference: &[Vec<Bin>]) -> Vec<Tile> {
    let bin_hz = frames.bin_hz;
    let mut all = Vec::new();
    for times in parts(reference.len(), TILE_FRAMES) {
        for edges in EDGES_HZ.windows(2) {
            let bin = |hz: f64| ((hz / bin_hz).ceil() as usize).min(frames.bins() - 1);
            let bins = bin(edges[0])..bin(edges[1]);
            let energy = times.clone().flat_map(|t| &reference[t][bins.clone()]).map(Bin::norm_sqr).sum();
            all.push(Tile { frames: times.clone(), bins, energy });
        }
    }
    let loudest = all.iter().map(|tile| tile.energy).fold(0.0, f64::max);
    all.retain(|tile| tile.energy > QUIET * loudest && !tile.bins.is_empty());
    all
}

/// `len` cut into equal parts of about `size`.
fn parts(len: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    let count = ((len + size / 2) / size).max(1);
    (0..count).map(move |n| n * len / count..(n + 1) * len / count)
}

/// The energy of bin `k` of the rest that follows the interferer, in the frames that are `held`.
fn explained(rest: &[Vec<Bin>], interferer: &[Vec<Bin>], k: usize, held: &dyn Fn(usize) -> bool) -> f64 {
    let tap = |t: usize, tap: usize| match t.checked_sub(tap * TAP_FRAMES) {
        Some(at) => interferer[at][k],
        None => Bin::new(0.0, 0.0),
    };
    let mut total = 0.0;
    for part in parts(rest.len(), PATH_FRAMES) {
        let mut normal = [[Bin::new(0.0, 0.0); TAPS]; TAPS];
        let mut right = [Bin::new(0.0, 0.0); TAPS];
        let (mut energy, mut count) = (0.0, 0);
        for t in part.filter(|t| held(*t)) {
            let taps: [Bin; TAPS] = std::array::from_fn(|n| tap(t, n));
            for (row, one) in normal.iter_mut().zip(&taps) {
                row.iter_mut().zip(&taps).for_each(|(sum, other)| *sum += one.conj() * other);
            }
            right.iter_mut().zip(&taps).for_each(|(sum, one)| *sum += one.conj() * rest[t][k]);
            energy += rest[t][k].norm_sqr();
            count += 1;
        }
        let freedom = f64::from(count) / ALIKE_FRAMES;
        let used = TAPS as f64;
        if freedom < 2.0 * used || energy == 0.0 {
            continue;
        }
        let path = solved(normal, right);
        let follows = right.iter().zip(&path).map(|(b, x)| (b.conj() * x).re).sum::<f64>().clamp(0.0, energy);
        total += follows - used * (energy - follows) / (freedom - used);
    }
    total
}

/// The solution of a Hermitian system that is made a little stiffer on its diagonal; zero where there is nothing.
fn solved(mut rows: [[Bin; TAPS]; TAPS], mut right: [Bin; TAPS]) -> [Bin; TAPS] {
    let trace: f64 = (0..TAPS).map(|n| rows[n][n].re).sum();
    if trace <= 0.0 {
        return [Bin::new(0.0, 0.0); TAPS];
    }
    for (n, row) in rows.iter_mut().enumerate() {
        row[n] += 1e-6 * trace;
    }
    // A positive definite system needs no exchange of rows.
    for n in 0..TAPS {
        let (pivot, value) = (rows[n], right[n]);
        for row in n + 1..TAPS {
            let factor = rows[row][n] / pivot[n];
            for column in n..TAPS {
                rows[row][column] -= factor * pivot[column];
            }
            right[row] -= factor * value;
        }
    }
    let mut solution = [Bin::new(0.0, 0.0); TAPS];
    for n in (0..TAPS).rev() {
        let known: Bin = (n + 1..TAPS).map(|other| rows[n][other] * solution[other]).sum();
        solution[n] = (right[n] - known) / rows[n][n];
    }
    solution
}

/// Makes frames.
struct Frames {
    fft: Fft,
    window: Vec<f64>,
    bin_hz: f64,
}

impl Frames {
    fn new(rate: u32) -> Self {
        let whole = SIZE_AT_48K as f64 * f64::from(rate) / 48_000.0;
        let size = ((whole / (2 * OVERLAPS) as f64).round() as usize).max(1) * 2 * OVERLAPS;
        Self { fft: Fft::new(), window: Window::Hann.values(size), bin_hz: f64::from(rate) / size as f64 }
    }

    fn bins(&self) -> usize {
        self.window.len() / 2 + 1
    }

    fn hop(&self) -> usize {
        self.window.len() / OVERLAPS
    }

    /// What makes the sum over all frames and one-sided bins the sum of the squares of the signal: the squares of four
    /// overlapping Hann windows add up to 1.5.
    fn energy_scale(&self) -> f64 {
        2.0 / (self.window.len() as f64 * 1.5)
    }

    /// The frames of a signal, from the first that holds some of it to the last.
    fn of(&mut self, signal: &[f64]) -> Vec<Vec<Bin>> {
        let (size, hop) = (self.window.len(), self.hop());
        let lead = size - hop;
        let count = (signal.len() + lead) / hop + 1;
        (0..count)
            .map(|n| {
                let sample = |at: usize| (n * hop + at).checked_sub(lead).and_then(|at| signal.get(at));
                let mut frame: Vec<f64> = self
                    .window
                    .iter()
                    .enumerate()
                    .map(|(at, weight)| weight * sample(at).copied().unwrap_or(0.0))
                    .collect();
                let mut bins = Vec::new();
                self.fft.forward_into(&mut frame, &mut bins);
                bins
            })
            .collect()
    }

    /// The mean power of each bin over the whole frames of a stretch; nothing in a stretch that is shorter than one.
    fn mean_power(&mut self, signal: &[f64]) -> Vec<f64> {
        let mut mean = vec![0.0; self.bins()];
        let all = self.of(signal);
        // Whole are those that neither begin before the stretch nor end behind it.
        let edge = OVERLAPS - 1;
        let whole = (signal.len() / self.hop()).saturating_sub(edge);
        for frame in all.iter().skip(edge).take(whole) {
            mean.iter_mut().zip(frame).for_each(|(sum, bin)| *sum += bin.norm_sqr() / whole as f64);
        }
        mean
    }
}
