//! Distortion of a periodic noise that has gaps in its line spectrum: what a device adds falls into the gaps.
//!
//! 1. Both records span a whole number of periods in the steady state; a Blackman-Harris window over all of them puts
//!    every line of the period on a bin of its own, and between two lines nothing but noise.
//! 2. A line is *played* where the played record has one, and a gap otherwise.
//! 3. Noise: the mean of the two bins halfway to the neighboring lines. It is subtracted.
//! 4. Where the sound before the device was recorded too, what it holds in a gap is taken out with its phase, by the gain
//!    between the neighboring played lines. How well that can be done is tried out on played lines.
//! 5. By octave: the mean power of the gaps times the number of all lines is the distortion, the power of the played
//!    lines less their share of it is the signal. Both are summed; the result is the root of their ratio.
//!
//! A device with memory may put a little more or less into the gaps than beside them: the gaps are drawn, so it is chance.

use std::ops::RangeInclusive;

use super::MeterError;
use crate::dsp::bands::Bands;
use crate::dsp::spectrum::{Bin, Fft, Window};

/// Periods in a record, at least: fewer leave no bin between the lines for noise.
pub const PERIODS_MIN: usize = 8;
/// A line of the played record below this share of its strongest one is a gap.
const GAP_BELOW: f64 = 1e-6;

/// What a comb was made into.
#[derive(Debug, Clone, PartialEq)]
pub struct CombReading {
    /// Distortion over signal, in percent.
    pub percent: f64,
    /// The same with the noise in it.
    pub with_noise_percent: f64,
    /// The noise alone.
    pub noise_percent: f64,
    /// What of the distortion may come from before the device: how badly the sound in the gaps there was taken out.
    pub doubt_percent: f64,
    /// The standard uncertainty from the number of gaps, in percent.
    pub scatter_percent: f64,
    /// How many gaps were read.
    pub gaps: usize,
}

/// What was recorded of a comb, over the same frames in every record.
#[derive(Debug, Clone, Copy)]
pub struct CombRecords<'a> {
    /// What was played: it says which lines are gaps.
    pub played: &'a [f64],
    /// The sound before the device, where it was recorded.
    pub before: Option<&'a [f64]>,
    /// What the device made of it.
    pub recorded: &'a [f64],
}

/// The distortion of a comb of `period` frames between the edges of `band_hz`.
///
/// # Errors
/// Records of fewer than [`PERIODS_MIN`] whole periods or of different lengths, values that are not finite, a band that
/// has no gap or no played line.
pub fn comb_distortion(
    records: CombRecords<'_>,
    rate: u32,
    period: usize,
    band_hz: RangeInclusive<f64>,
) -> Result<CombReading, MeterError> {
    let frames = records.played.len();
    let periods = frames / period;
    let alike = [records.before, Some(records.recorded)].into_iter().flatten().all(|one| one.len() == frames);
    if periods < PERIODS_MIN || !frames.is_multiple_of(period) || !alike {
        return Err(MeterError::asked(
            format!("{frames} frames are no whole number of at least {PERIODS_MIN} periods of {period}"),
            "record more periods of the comb",
        ));
    }
    super::timeline::finite(records.recorded, "recording")?;
    let lines = |signal: &[f64]| Lines::new(signal, periods);
    let (played, recorded) = (lines(records.played), lines(records.recorded));
    let before = records.before.map(lines);
    let spacing_hz = f64::from(rate) / period as f64;
    let first = (band_hz.start() / spacing_hz).ceil().max(2.0) as usize;
    let last = ((band_hz.end() / spacing_hz).floor() as usize).min(period / 2 - 2);
    let strongest = (first..=last).map(|k| played.line(k).norm_sqr()).fold(0.0, f64::max);
    let is_played = |k: usize| played.line(k).norm_sqr() > GAP_BELOW * strongest;
    let path = before.as_ref().map(|before| Path::new(before, &recorded, &is_played, first..=last));

    let mut sums = Sums::default();
    // Octaves from the lower edge of the band on.
    let octaves = Bands::per_octave(1, *band_hz.start(), *band_hz.end());
    let mut from = first;
    for octave in &octaves {
        let to = if octave.upper_hz >= *band_hz.end() {
            last
        } else {
            ((octave.upper_hz / spacing_hz) as usize).min(last)
        };
        let (on, off): (Vec<usize>, Vec<usize>) = (from..=to).partition(|k| is_played(*k));
        // An octave without a gap counts with the next one.
        if off.is_empty() && to < last {
            continue;
        }
        sums.add(&recorded, before.as_ref().zip(path.as_ref()), &on, &off);
        from = to + 1;
    }
    if sums.gaps == 0 || sums.signal <= 0.0 {
        return Err(MeterError::asked(
            format!("the comb has {} gaps and a signal of power {} in the band", sums.gaps, sums.signal),
            "play a periodic noise with gaps in its line spectrum",
        ));
    }
    let percent = |power: f64| 100.0 * (power.max(0.0) / sums.signal).sqrt();
    let value = percent(sums.distortion - sums.noise);
    Ok(CombReading {
        percent: value,
        with_noise_percent: percent(sums.distortion),
        noise_percent: percent(sums.noise),
        doubt_percent: percent(sums.doubt),
        scatter_percent: value / 2.0 * (sums.squares.sqrt() / sums.distortion.max(f64::MIN_POSITIVE)),
        gaps: sums.gaps,
    })
}

/// The windowed spectrum of a record of some periods.
struct Lines {
    bins: Vec<Bin>,
    periods: usize,
}

impl Lines {
    fn new(signal: &[f64], periods: usize) -> Self {
        let window = Window::BlackmanHarris.values(signal.len());
        let windowed: Vec<f64> = signal.iter().zip(&window).map(|(x, w)| x * w).collect();
        Self { bins: Fft::new().forward(&windowed), periods }
    }

    /// The complex amplitude of line `k`, in the scale of the window.
    fn line(&self, k: usize) -> Bin {
        self.bins[k * self.periods]
    }

    /// The power of the noise beside line `k`, in the same scale.
    fn noise(&self, k: usize) -> f64 {
        let half = self.periods / 2;
        let at = k * self.periods;
        f64::midpoint(self.bins[at - half].norm_sqr(), self.bins[at + half].norm_sqr())
    }
}

/// The path from before the device to its recording.
struct Path {
    /// Its delay in periods, 0 … 1: what turns the phase from line to line.
    delay: f64,
    /// The gain of every played line without that turn.
    gains: Vec<Option<Bin>>,
    first: usize,
    /// How badly a line is foretold by its neighbors: the root of the share of its power.
    error: f64,
}

impl Path {
    fn new(
        before: &Lines,
        recorded: &Lines,
        is_played: &impl Fn(usize) -> bool,
        lines: RangeInclusive<usize>,
    ) -> Self {
        let first = *lines.start();
        let raw: Vec<Option<Bin>> =
            lines.map(|k| is_played(k).then(|| recorded.line(k) / before.line(k))).collect();
        let weights = |k: usize| before.line(k).norm_sqr();
        // From line to line the phase turns by the delay; the mean turn of all neighbors is that of the strongest arrival.
        let turn: Bin = raw
            .windows(2)
            .enumerate()
            .filter_map(|(i, pair)| Some((pair[0]?.conj() * pair[1]?).scale(weights(first + i))))
            .sum();
        let delay = -turn.arg() / std::f64::consts::TAU;
        let mut path = Self { delay, gains: Vec::new(), first, error: 0.0 };
        path.gains = raw
            .iter()
            .enumerate()
            .map(|(i, gain)| gain.map(|gain| gain * path.turned(first + i).conj()))
            .collect();
        let (mut missed, mut whole) = (0.0, 0.0);
        for (i, gain) in path.gains.iter().enumerate() {
            let Some((gain, foretold)) = gain.zip(path.foretold(i)) else { continue };
            let weight = before.line(first + i).norm_sqr();
            missed += (foretold - gain).norm_sqr() * weight;
            whole += gain.norm_sqr() * weight;
        }
        path.error = if whole > 0.0 { (missed / whole).sqrt() } else { 1.0 };
        path
    }

    /// The turn of line `k`.
    fn turned(&self, k: usize) -> Bin {
        Bin::from_polar(1.0, -std::f64::consts::TAU * self.delay * k as f64)
    }

    /// The gain at position `i` from the nearest played lines on either side.
    fn foretold(&self, i: usize) -> Option<Bin> {
        let below = self.gains[..i].iter().rev().take(4).flatten().next();
        let above = self.gains[(i + 1).min(self.gains.len())..].iter().take(4).flatten().next();
        match (below, above) {
            (Some(below), Some(above)) => Some((below + above).unscale(2.0)),
            (one, other) => one.or(other).copied(),
        }
    }

    /// The gain of line `k` as its neighbors foretell it; `None` far from every played line.
    fn at(&self, k: usize) -> Option<Bin> {
        self.foretold(k - self.first).map(|gain| gain * self.turned(k))
    }
}

/// Powers summed over octaves.
#[derive(Default)]
struct Sums {
    signal: f64,
    distortion: f64,
    noise: f64,
    doubt: f64,
    /// Of the single contributions to the distortion, for its scatter.
    squares: f64,
    gaps: usize,
}

impl Sums {
    fn add(&mut self, recorded: &Lines, before: Option<(&Lines, &Path)>, on: &[usize], off: &[usize]) {
        if off.is_empty() {
            self.signal += on.iter().map(|k| recorded.line(*k).norm_sqr()).sum::<f64>();
            return;
        }
        let share = (on.len() + off.len()) as f64 / off.len() as f64;
        let (mut distortion, mut noise) = (0.0, 0.0);
        for k in off {
            let mut added = recorded.line(*k);
            if let Some((before, path)) = before
                && let Some(gain) = path.at(*k)
            {
                let passed = gain * before.line(*k);
                added -= passed;
                self.doubt += share * passed.norm_sqr() * path.error * path.error;
            }
            distortion += added.norm_sqr();
            noise += recorded.noise(*k);
            self.squares += (share * added.norm_sqr()).powi(2);
        }
        self.distortion += share * distortion;
        self.noise += share * noise;
        self.gaps += off.len();
        let played: f64 = on.iter().map(|k| recorded.line(*k).norm_sqr()).sum();
        self.signal += played - distortion / off.len() as f64 * on.len() as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: usize = 2_400;

    fn random(state: &mut u64) -> f64 {
        *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*state >> 11) as f64 / 2f64.powi(53)
    }

    /// Lines of 20 Hz from 200 Hz to 8 kHz with random phases, one of four left out.
    fn comb() -> Vec<f64> {
        let mut state = 5;
        let mut period = vec![0.0; PERIOD];
        for group in (10..400).step_by(4) {
            let gap = group + (4.0 * random(&mut state)) as usize;
            for k in (group..group + 4).filter(|k| *k != gap) {
                let phase = std::f64::consts::TAU * random(&mut state);
                for (n, x) in period.iter_mut().enumerate() {
                    *x += 0.05
                        * (std::f64::consts::TAU * (k * n % PERIOD) as f64 / PERIOD as f64 + phase).cos();
                }
            }
        }
        period.iter().copied().cycle().take(8 * PERIOD).collect()
    }

    fn read(played: &[f64], before: Option<&[f64]>, recorded: &[f64]) -> CombReading {
        comb_distortion(CombRecords { played, before, recorded }, 48_000, PERIOD, 200.0..=8_000.0).unwrap()
    }

    #[test]
    fn a_straight_path_has_none_and_a_cube_has_what_price_says() {
        let x = comb();
        let straight: Vec<f64> = (0..x.len()).map(|n| 0.3 * x[(n + x.len() - 77) % x.len()]).collect();
        assert!(read(&x, None, &straight).percent < 1e-6);
        let sigma2 = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        let c = 0.02 / sigma2;
        let cubed: Vec<f64> = x.iter().map(|x| x + c * x * x * x).collect();
        let found = read(&x, None, &cubed);
        // All of 6c²σ⁶ would be 4.6 %; about a fifth of it lies outside of the band.
        let all = 100.0 * (6.0f64).sqrt() * 0.02 / 1.06;
        assert!(found.percent < all && found.percent > 0.8 * all, "{found:?} {all}");
        assert!(found.scatter_percent < 0.1 * found.percent && found.gaps >= 97);
    }

    #[test]
    fn what_came_before_the_device_is_taken_out() {
        let x = comb();
        let mouth: Vec<f64> = x.iter().map(|x| x + 0.05 * x * x + 0.03 * x * x * x).collect();
        let path: Vec<f64> = (0..x.len())
            .map(|n| 0.3 * mouth[(n + x.len() - 500) % x.len()] + 0.1 * mouth[(n + x.len() - 520) % x.len()])
            .collect();
        let (naive, right) = (read(&x, None, &path), read(&x, Some(&mouth), &path));
        assert!(naive.percent > 2.0, "{naive:?}");
        assert!(
            right.percent < 0.1 * naive.percent && right.doubt_percent < 0.2 * naive.percent,
            "{right:?}"
        );
    }

    #[test]
    fn noise_is_no_distortion() {
        let x = comb();
        let mut state = 9;
        let noisy: Vec<f64> = x.iter().map(|x| x + 0.02 * (random(&mut state) - 0.5)).collect();
        let found = read(&x, None, &noisy);
        assert!(found.percent < 0.5 * found.with_noise_percent, "{found:?}");
        assert!((found.noise_percent / found.with_noise_percent - 1.0).abs() < 0.15, "{found:?}");
    }
}
