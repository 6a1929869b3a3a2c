//! The delay between a reference and a recording: found on the envelope of their correlation, refined
//! on the correlation itself, to a small part of a frame.
//!
//! 1. The cross-spectrum of the two, optionally whitened, gives their correlation and, by a Hilbert
//!    transform, its envelope, which has its maximum at the delay whatever the polarity.
//! 2. Candidates are rated by the energy that a delayed copy of the reference explains in the
//!    recording, c²/E, where E is the energy of that part of the reference which would lie within the
//!    recording. For a periodic reference this is what tells the delay from the delay plus or minus a
//!    period (a composite source signal repeats inverted every 350 ms): the wrong one predicts
//!    something where the recording has nothing.
//! 3. Around the best envelope maximum the largest magnitude of the correlation gives polarity and
//!    frame; band-limited interpolation (windowed sinc) gives the maximum between the frames.

use super::DspError;
use super::filter::{kaiser, kaiser_beta, sinc};
use super::spectrum::{Bin, Fft, fast_len};
use crate::units::Seconds;

/// Where and how to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DelaySearch {
    /// The smallest delay considered; negative if the recording may be early.
    pub delay_min: Seconds,
    /// The largest delay considered.
    pub delay_max: Seconds,
    /// Whiten the spectra between these frequencies in Hz and leave out the rest: sharpens the
    /// correlation of colored signals and through colored systems.
    pub whiten_hz: Option<(f64, f64)>,
}

impl DelaySearch {
    /// The plain correlation between two delays.
    pub const fn between(delay_min: Seconds, delay_max: Seconds) -> Self {
        Self { delay_min, delay_max, whiten_hz: None }
    }

    /// The same search on spectra whitened between `lo_hz` and `hi_hz`.
    pub const fn whitened(self, lo_hz: f64, hi_hz: f64) -> Self {
        Self { whiten_hz: Some((lo_hz, hi_hz)), ..self }
    }
}

/// The sign of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    /// As sent.
    Upright,
    /// With the sign changed.
    Inverted,
}

impl Polarity {
    /// 1 or −1.
    pub fn sign(self) -> f64 {
        match self {
            Self::Upright => 1.0,
            Self::Inverted => -1.0,
        }
    }
}

/// A delay and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delay {
    /// How much later the recording is than the reference.
    pub delay: Seconds,
    /// The sign of the path.
    pub polarity: Polarity,
    /// The magnitude of the normalized correlation of the overlapping parts at the delay, 0 … 1,
    /// always of the signals as they are (not whitened).
    pub correlation: f64,
    /// The correlation that unrelated signals with these spectra reach by chance somewhere in the
    /// range, give or take a half. A delay whose correlation is not at least twice that means nothing.
    pub chance: f64,
    /// The next best candidate away from the main lobe, if the range holds one.
    pub second: Option<SecondPeak>,
}

/// A correlation below this multiple of what chance would reach is no delay.
const ABOVE_CHANCE_MIN: f64 = 2.0;

impl Delay {
    /// Whether the recording follows the reference: its correlation is at least twice what chance would reach. NaN does
    /// not.
    pub fn stands_out(&self) -> bool {
        self.correlation >= ABOVE_CHANCE_MIN * self.chance
    }
}

/// The next best candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SecondPeak {
    /// Its delay, to a frame.
    pub delay: Seconds,
    /// Its rating relative to the best one, as an amplitude ratio 0 … 1. Periodic references come
    /// near 1 by nature: 27/28 for 28 periods of a composite source signal.
    pub ratio: f64,
}

/// The delay of `recording` against `reference`, both from the same instant on. Lengths may differ; a
/// constant offset of either is left out of account.
pub fn find_delay(
    reference: &[f64],
    recording: &[f64],
    rate: u32,
    search: &DelaySearch,
) -> Result<Delay, DspError> {
    check(reference, "reference")?;
    check(recording, "recording")?;
    let lags = Lags::new(reference.len(), recording.len(), rate, search)?;
    let (reference, recording) = (Centered::new(reference), Centered::new(recording));

    let size = match search.whiten_hz {
        None => lags.clear_size(reference.len(), recording.len()),
        // A whitened correlation has no end.
        Some(_) => fast_len(reference.len() + recording.len()),
    };
    let spectra = Spectra::new(&reference, &recording, size);
    let variance = spectra.variance();
    let Correlations { searched, quadrature, plain } = match search.whiten_hz {
        None => spectra.correlations(),
        Some(band_hz) => spectra.whitened_correlations(rate, band_hz),
    };
    let envelope2 = |lag| searched.at(lag).powi(2) + quadrature.at(lag).powi(2);

    let overlap = Overlap::new(reference, recording);
    let ratings: Vec<f64> = lags.iter().map(|lag| overlap.rating(envelope2(lag), lag)).collect();
    let best = position_of_maximum(&ratings);
    let (from, to) = main_lobe(&ratings, best);

    let coarse = lags.lag(best);
    let lag = strongest_lag_near(coarse, &lags, &searched, envelope2);
    let fine = searched.refine(lag);
    let polarity = if searched.at(lag) < 0.0 { Polarity::Inverted } else { Polarity::Upright };
    let value = plain.as_ref().unwrap_or(&searched).interpolate(fine);
    Ok(Delay {
        delay: Seconds(fine / f64::from(rate)),
        polarity,
        correlation: overlap.normalize(value * polarity.sign(), lag),
        chance: chance(variance, overlap.frames(lag), lags.len()),
        second: second_peak(&ratings, from, to).map(|(i, rating)| SecondPeak {
            delay: Seconds(lags.lag(i) as f64 / f64::from(rate)),
            ratio: (rating / ratings[best]).sqrt(),
        }),
    })
}

fn check(signal: &[f64], which: &'static str) -> Result<(), DspError> {
    if !signal.iter().all(|x| x.is_finite()) {
        return Err(DspError::NotFinite { which });
    }
    if signal.iter().all(|&x| x == signal[0]) {
        return Err(DspError::Silent { which });
    }
    Ok(())
}

/// A signal without its mean: an offset of a converter correlates with everything.
#[derive(Clone, Copy)]
struct Centered<'a> {
    signal: &'a [f64],
    mean: f64,
}

impl<'a> Centered<'a> {
    fn new(signal: &'a [f64]) -> Self {
        Self { signal, mean: signal.iter().sum::<f64>() / signal.len() as f64 }
    }

    fn len(&self) -> usize {
        self.signal.len()
    }

    fn iter(&self) -> impl Iterator<Item = f64> + use<'a> {
        let mean = self.mean;
        self.signal.iter().map(move |x| x - mean)
    }
}

/// The lags of a search, those at which the signals overlap.
struct Lags {
    first: i64,
    last: i64,
}

impl Lags {
    fn new(reference: usize, recording: usize, rate: u32, search: &DelaySearch) -> Result<Self, DspError> {
        let (min, max) = (search.delay_min.0, search.delay_max.0);
        let first = ((min * f64::from(rate)).ceil() as i64).max(1 - reference as i64);
        let last = ((max * f64::from(rate)).floor() as i64).min(recording as i64 - 1);
        if first > last || min.is_nan() || max.is_nan() {
            return Err(DspError::EmptyRange { min_ms: min * 1e3, max_ms: max * 1e3 });
        }
        Ok(Self { first, last })
    }

    fn iter(&self) -> impl Iterator<Item = i64> + use<> {
        self.first..=self.last
    }

    fn lag(&self, position: usize) -> i64 {
        self.first + position as i64
    }

    fn len(&self) -> usize {
        (self.last - self.first + 1) as usize
    }

    /// A transform length at which none of these lags, and nothing that interpolation between them reads, meets another
    /// lag at which the signals overlap. The shorter the search, the shorter the transform.
    fn clear_size(&self, reference: usize, recording: usize) -> usize {
        let (len_a, len_b) = (reference as i64, recording as i64);
        let needed = (len_a + self.last).max(len_b - self.first) + INTERPOLATION_HALF;
        fast_len(needed.max(len_a).max(len_b) as usize)
    }
}

/// The spectra of two signals over one length.
struct Spectra {
    fft: Fft,
    size: usize,
    a: Vec<Bin>,
    b: Vec<Bin>,
    /// Working space of `size` frames.
    frames: Vec<f64>,
}

/// The correlation in which the delay is searched, its Hilbert transform (−90° for every positive frequency), and the
/// correlation of the signals as they are where that is another one.
struct Correlations {
    searched: Correlation,
    quadrature: Correlation,
    plain: Option<Correlation>,
}

impl Spectra {
    fn new(reference: &Centered<'_>, recording: &Centered<'_>, size: usize) -> Self {
        let (mut fft, mut frames) = (Fft::new(), Vec::with_capacity(size));
        let mut bins = [reference, recording].map(|signal| {
            let mut bins = Vec::new();
            frames.clear();
            frames.extend(signal.iter());
            frames.resize(size, 0.0);
            fft.forward_into(&mut frames, &mut bins);
            bins
        });
        let (a, b) = (std::mem::take(&mut bins[0]), std::mem::take(&mut bins[1]));
        Self { fft, size, a, b, frames }
    }

    /// The correlation of the signals as they are. Every buffer is used again: new memory for long signals takes as
    /// long as the transforms.
    fn correlations(mut self) -> Correlations {
        for (a, b) in self.a.iter_mut().zip(&mut self.b) {
            *a = a.conj() * *b;
            *b = turned(*a);
        }
        let mut values = self.frames;
        self.fft.inverse_into(&mut self.a, self.size, &mut values);
        let quadrature = Correlation { values: self.fft.inverse_owned(self.b, self.size) };
        Correlations { searched: Correlation { values }, quadrature, plain: None }
    }

    /// The correlation of the signals whitened in a band, and the plain one.
    fn whitened_correlations(mut self, rate: u32, band_hz: (f64, f64)) -> Correlations {
        let mut white: Vec<Bin> = self.a.iter().zip(&self.b).map(|(a, b)| a.conj() * b).collect();
        let plain = white.clone();
        whiten(&mut white, &self.a, &self.b, f64::from(rate) / self.size as f64, band_hz);
        self.a.iter_mut().zip(&white).for_each(|(a, bin)| *a = turned(*bin));
        let mut values = self.frames;
        self.fft.inverse_into(&mut white, self.size, &mut values);
        let mut inverse = |bins: Vec<Bin>| Correlation { values: self.fft.inverse_owned(bins, self.size) };
        Correlations {
            searched: Correlation { values },
            quadrature: inverse(self.a),
            plain: Some(inverse(plain)),
        }
    }

    /// The mean square of the normalized correlation of unrelated signals with these spectra, times the frames in
    /// common.
    ///
    /// Σ|A|²|B|² / (Σ|A|²·Σ|B|²) is the mean square over all circular lags; those without overlap count too, so it grows
    /// by their part.
    fn variance(&self) -> f64 {
        let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
        for (a, b) in self.a.iter().zip(&self.b) {
            both += a.norm_sqr() * b.norm_sqr();
            of_a += a.norm_sqr();
            of_b += b.norm_sqr();
        }
        // One-sided sums stand for twice as many bins: the factor 0.5.
        0.5 * both / (of_a * of_b) * self.size as f64
    }
}

/// By −90°.
fn turned(bin: Bin) -> Bin {
    Bin::new(bin.im, -bin.re)
}

/// The largest normalized correlation that `lags` lags of unrelated signals lead to expect, with `overlap` frames in
/// common: √(2·ln(lags)) standard deviations.
fn chance(variance: f64, overlap: i64, lags: usize) -> f64 {
    (variance / overlap as f64 * 2.0 * (lags as f64).ln().max(1.0)).sqrt().min(1.0)
}

/// The lag with the largest magnitude of the correlation among those around `coarse` where the
/// envelope stays above 0.7 of its value there.
fn strongest_lag_near(
    coarse: i64,
    lags: &Lags,
    correlation: &Correlation,
    envelope2: impl Fn(i64) -> f64,
) -> i64 {
    let floor = 0.7 * 0.7 * envelope2(coarse);
    let mut best = coarse;
    for step in [-1, 1] {
        let mut lag = coarse;
        while (lags.first..=lags.last).contains(&lag) && envelope2(lag) >= floor {
            if correlation.at(lag).abs() > correlation.at(best).abs() {
                best = lag;
            }
            lag += step;
        }
    }
    best
}

/// Frames on each side that interpolation between lags reads.
const INTERPOLATION_HALF: i64 = 48;

/// A correlation against lag, circular.
struct Correlation {
    values: Vec<f64>,
}

impl Correlation {
    fn index(&self, lag: i64) -> usize {
        let len = self.values.len() as i64;
        // A division only for lags that go around more than once.
        if (0..len).contains(&lag) {
            lag as usize
        } else if (-len..0).contains(&lag) {
            (lag + len) as usize
        } else {
            lag.rem_euclid(len) as usize
        }
    }

    fn at(&self, lag: i64) -> f64 {
        self.values[self.index(lag)]
    }

    /// The correlation at a lag between frames, by a windowed sinc.
    fn interpolate(&self, lag: f64) -> f64 {
        const HALF: i64 = INTERPOLATION_HALF;
        let beta = kaiser_beta(100.0);
        let base = lag.floor() as i64;
        (base + 1 - HALF..=base + HALF)
            .map(|frame| {
                let t = lag - frame as f64;
                self.at(frame) * sinc(t) * kaiser(t / HALF as f64, beta)
            })
            .sum()
    }

    /// The lag between frames at which the magnitude has its maximum, within a frame of `lag`, by
    /// golden section.
    fn refine(&self, lag: i64) -> f64 {
        const GOLDEN: f64 = 0.618_033_988_749_895;
        let sign = self.at(lag).signum();
        let value = |x: f64| sign * self.interpolate(x);
        let (mut lo, mut hi) = (lag as f64 - 1.0, lag as f64 + 1.0);
        let (mut a, mut b) = (hi - GOLDEN * (hi - lo), lo + GOLDEN * (hi - lo));
        let (mut at_a, mut at_b) = (value(a), value(b));
        while hi - lo > 1e-5 {
            if at_a > at_b {
                (hi, b, at_b) = (b, a, at_a);
                a = hi - GOLDEN * (hi - lo);
                at_a = value(a);
            } else {
                (lo, a, at_a) = (a, b, at_b);
                b = lo + GOLDEN * (hi - lo);
                at_b = value(b);
            }
        }
        f64::midpoint(lo, hi)
    }
}

/// The width over which spectra are smoothed before they are divided out. Wider than the line
/// distance of a periodic signal, so that the gaps between lines don't become noise.
const SMOOTHING_HZ: f64 = 40.0;

/// Divides the cross-spectrum by the geometric mean of the two smoothed power spectra and keeps what
/// lies in the band, with soft edges.
fn whiten(cross: &mut [Bin], a: &[Bin], b: &[Bin], bin_hz: f64, (lo_hz, hi_hz): (f64, f64)) {
    let half = ((SMOOTHING_HZ / 2.0 / bin_hz).round() as usize).max(1);
    let power_a = moving_mean(a, half);
    let power_b = moving_mean(b, half);
    let edge_hz = (0.1 * (hi_hz - lo_hz)).max(bin_hz);
    for (k, bin) in cross.iter_mut().enumerate() {
        let inside_hz = (k as f64 * bin_hz - lo_hz).min(hi_hz - k as f64 * bin_hz);
        let norm = (power_a[k] * power_b[k]).sqrt();
        if inside_hz <= 0.0 || norm <= 0.0 {
            *bin = Bin::new(0.0, 0.0);
            continue;
        }
        let ramp = (inside_hz / edge_hz).min(1.0);
        *bin *= (std::f64::consts::FRAC_PI_2 * ramp).sin().powi(2) / norm;
    }
}

/// The power of the bins, averaged over `half` neighbors on either side.
fn moving_mean(bins: &[Bin], half: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(bins.len() + 1);
    let mut sum = 0.0;
    sums.push(0.0);
    for bin in bins {
        sum += bin.norm_sqr();
        sums.push(sum);
    }
    (0..bins.len())
        .map(|k| {
            let (from, to) = (k.saturating_sub(half), (k + half + 1).min(bins.len()));
            ((sums[to] - sums[from]) / (to - from) as f64).max(0.0)
        })
        .collect()
}

/// The energies of the overlapping parts at any lag.
struct Overlap<'a> {
    /// Running sums of the reference's squares, one longer than it is.
    reference: Vec<f64>,
    recording: Centered<'a>,
}

/// Overlaps with less than this part of the reference's energy are not rated higher for it.
const OVERLAP_MIN: f64 = 0.1;

impl<'a> Overlap<'a> {
    fn new(reference: Centered<'_>, recording: Centered<'a>) -> Self {
        let mut sum = 0.0;
        let running = reference.iter().map(|x| {
            sum += x * x;
            sum
        });
        Self { reference: std::iter::once(0.0).chain(running).collect(), recording }
    }

    /// The frames of the reference that lie in the recording at `lag`.
    fn range(&self, lag: i64) -> (i64, i64) {
        let (len_a, len_b) = (self.reference.len() as i64 - 1, self.recording.len() as i64);
        let from = (-lag).clamp(0, len_a);
        (from, (len_b - lag).clamp(from, len_a))
    }

    /// The number of frames in common at `lag`.
    fn frames(&self, lag: i64) -> i64 {
        let (from, to) = self.range(lag);
        to - from
    }

    /// The energy of the part of the reference that lies in the recording at `lag`.
    fn reference_energy(&self, lag: i64) -> f64 {
        let (from, to) = self.range(lag);
        (self.reference[to as usize] - self.reference[from as usize]).max(0.0)
    }

    fn rating(&self, envelope2: f64, lag: i64) -> f64 {
        let whole = self.reference[self.reference.len() - 1];
        envelope2 / self.reference_energy(lag).max(OVERLAP_MIN * whole)
    }

    fn normalize(&self, correlation: f64, lag: i64) -> f64 {
        let (from, to) = self.range(lag);
        let part = self.recording.iter().skip((from + lag) as usize).take((to - from) as usize);
        let (a, b) = (self.reference_energy(lag), part.map(|x| x * x).sum::<f64>());
        if a > 0.0 && b > 0.0 { (correlation / (a * b).sqrt()).clamp(0.0, 1.0) } else { 0.0 }
    }
}

fn position_of_maximum(values: &[f64]) -> usize {
    values.iter().enumerate().fold((0, f64::NEG_INFINITY), |b, (i, &v)| if v > b.1 { (i, v) } else { b }).0
}

/// From where to where the ratings fall to a quarter (the envelope to a half) of their maximum.
fn main_lobe(ratings: &[f64], best: usize) -> (usize, usize) {
    let floor = ratings[best] / 4.0;
    let from = ratings[..best].iter().rposition(|&r| r < floor).map_or(0, |i| i + 1);
    let to = ratings[best..].iter().position(|&r| r < floor).map_or(ratings.len(), |i| best + i);
    (from, to)
}

/// The best local maximum outside the main lobe. The ends of the range are none: their true maximum
/// may lie beyond.
fn second_peak(ratings: &[f64], from: usize, to: usize) -> Option<(usize, f64)> {
    (1..ratings.len().saturating_sub(1))
        .filter(|i| !(from..to).contains(i))
        .filter(|&i| ratings[i] >= ratings[i - 1] && ratings[i] >= ratings[i + 1])
        .map(|i| (i, ratings[i]))
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
}

#[cfg(test)]
mod tests;
