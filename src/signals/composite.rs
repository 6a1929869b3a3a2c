//! Composite source signals and line noise: voiced sound, noise, pause, inverted every period.
//!
//! The framing counts whole frames at the rate of the definition (44.1 kHz) and is carried to any
//! other rate by rounding each boundary, so that the period is exact wherever it is a whole number
//! of samples: at 8, 16, 32, 44.1 and 48 kHz for 350 and 400 ms. Every part is evaluated on the
//! samples of the rate asked for, from its lines below 0.45 of the rate; nothing is resampled, so no
//! boundary is smeared.

use std::collections::BTreeSet;
use std::ops::Range;

use super::catalogue::{Composite, Draw, NoiseRule};
use super::generate::RATES;
use super::lines::LineSpectrum;
use super::random::Random;
use super::voiced;

/// Highest line of a composite signal over the rate. At 8 kHz that is the 3 600 Hz, at 16 kHz the 7 200 Hz, at
/// 32 kHz the 14 400 Hz where P.501 Table 7-7 has its −3 dB.
pub(super) const HIGHEST_OVER_RATE: f64 = 0.45;

/// How many streams of a seed are tried for a wanted crest factor.
const TRIALS_MAX: u64 = 20_000;

/// One period of a composite signal and where its excitation is.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    /// Samples; the next period has them with the opposite sign.
    pub samples: Vec<f64>,
    /// Voiced sound and noise: the active part.
    pub active: Range<usize>,
    /// The noise alone.
    pub noise: Range<usize>,
}

/// One period at `rate`: voiced sound and noise of the same RMS, 1, then the pause.
///
/// # Errors
/// The period is no whole number of samples, or no crest fits.
pub fn period(spec: &Composite, rate: u32, seed: u64) -> Result<Period, PeriodError> {
    let framing = Framing::new(spec, rate)?;
    let lines = composite_lines(spec, seed)?;
    let voiced = voiced::render(&spec.voiced, rate, framing.noise.start);
    let noise = rendered(&lines, rate, framing.noise.len());
    let (voiced_rms, noise_rms) = (rms(&voiced), rms(&noise));
    if noise_rms == 0.0 || voiced_rms == 0.0 {
        return Err(PeriodError::Empty);
    }
    let mut samples = vec![0.0; framing.cycle];
    for (out, x) in samples.iter_mut().zip(&voiced) {
        *out = x / voiced_rms;
    }
    for (out, x) in samples[framing.noise.clone()].iter_mut().zip(&noise) {
        *out = x / noise_rms;
    }
    Ok(Period { samples, active: 0..framing.noise.end, noise: framing.noise })
}

/// Where the parts of a composite signal stand at one rate.
struct Framing {
    noise: Range<usize>,
    cycle: usize,
}

impl Framing {
    fn new(spec: &Composite, rate: u32) -> Result<Self, PeriodError> {
        let by = u64::from(spec.frame_rate_hz);
        if !(u64::from(spec.cycle_frames) * u64::from(rate)).is_multiple_of(by) {
            return Err(PeriodError::Framing);
        }
        let at = |frames: u32| ((2 * u64::from(frames) * u64::from(rate) + by) / (2 * by)) as usize;
        let noise = at(spec.voiced_frames)..at(spec.voiced_frames + spec.noise_frames);
        Ok(Self { noise, cycle: at(spec.cycle_frames) })
    }
}

/// Lines of the noise whose crest factor is inside the wanted range at the rate of the rule, and at every rate of
/// [`RATES`] that cuts lines off: the rule is for what is played. Where nothing is cut, the same lines peak between
/// other samples, by tenths of a dB: the range that the catalogue asks for leaves room for that.
fn composite_lines(spec: &Composite, seed: u64) -> Result<LineSpectrum, PeriodError> {
    let rule = &spec.noise;
    let points_rate = rule.rate_hz.unwrap_or(spec.frame_rate_hz);
    let top_hz = rule.corners.last().map_or(rule.band_hz.end, |corner| corner.0.min(rule.band_hz.end));
    let cut = RATES
        .into_iter()
        .filter(|rate| *rate != points_rate && HIGHEST_OVER_RATE * f64::from(*rate) < top_hz);
    // The rate of the rule is one transform, the others are sums over all lines: it goes first.
    let framings: Vec<(u32, usize)> = std::iter::once(points_rate)
        .chain(cut)
        .filter_map(|rate| Some((rate, Framing::new(spec, rate).ok()?.noise.len())))
        .collect();
    candidates(rule, points_rate, seed)?
        .find(|lines| {
            let Some(wanted) = &rule.crest_db else { return true };
            framings.iter().all(|&(rate, count)| wanted.contains(&crest_db(&rendered(lines, rate, count))))
        })
        .ok_or(PeriodError::Crest)
}

/// `count` samples of the lines that a composite signal has at `rate`.
fn rendered(lines: &LineSpectrum, rate: u32, count: usize) -> Vec<f64> {
    lines.render_below(HIGHEST_OVER_RATE * f64::from(rate), rate, count)
}

/// Why a period cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeriodError {
    /// The period is no whole number of samples at the rate.
    Framing,
    /// No stream of the seed gives the crest factor.
    Crest,
    /// No line is below half the rate.
    Empty,
}

/// Pseudo-noise of `rule.points` points at `rate`, one period, with the crest factor that the rule asks for.
///
/// # Errors
/// The period is no whole number of samples, no crest fits, or no line is left.
pub fn pseudo_noise(rule: &NoiseRule, rate: u32, seed: u64) -> Result<Vec<f64>, PeriodError> {
    let points_rate = rule.rate_hz.unwrap_or(rate);
    let count = u64::from(rule.points) * u64::from(rate);
    if !count.is_multiple_of(u64::from(points_rate)) {
        return Err(PeriodError::Framing);
    }
    let count = (count / u64::from(points_rate)) as usize;
    candidates(rule, points_rate, seed)?
        .map(|lines| lines.render(rate, count))
        .find(|samples| rule.crest_db.as_ref().is_none_or(|wanted| wanted.contains(&crest_db(samples))))
        .ok_or(PeriodError::Crest)
}

/// The line spectra of the streams of `seed`, in order.
fn candidates(
    rule: &NoiseRule,
    points_rate: u32,
    seed: u64,
) -> Result<impl Iterator<Item = LineSpectrum>, PeriodError> {
    let spacing_hz = f64::from(points_rate) / f64::from(rule.points);
    let left_out = gaps(rule, seed);
    let magnitudes: Vec<f64> = (0..rule.points / 2)
        .map(|k| {
            let frequency = f64::from(k) * spacing_hz;
            if k == 0 || !rule.band_hz.contains(&frequency) || left_out.contains(&k) {
                0.0
            } else {
                magnitude(&rule.corners, frequency)
            }
        })
        .collect();
    if magnitudes.iter().all(|m| *m == 0.0) {
        return Err(PeriodError::Empty);
    }
    let draw_of = rule.draw;
    Ok((0..TRIALS_MAX).map(move |trial| {
        let mut random = Random::new(seed.wrapping_mul(0x1_0000_0001).wrapping_add(trial));
        LineSpectrum {
            spacing_hz,
            lines: magnitudes.iter().map(|m| draw(draw_of, *m, &mut random)).collect(),
        }
    }))
}

/// The lines that a rule leaves out inside its band: one at a random place of each group of neighbors.
fn gaps(rule: &NoiseRule, seed: u64) -> BTreeSet<u32> {
    let Some(spacing) = rule.gaps else { return BTreeSet::new() };
    let mut random = Random::new(seed ^ 0x6761_7073);
    let place = |random: &mut Random| (random.uniform() * f64::from(spacing)) as u32;
    (0..rule.points / 2).step_by(spacing as usize).map(|first| first + place(&mut random)).collect()
}

/// Peak over RMS in dB.
pub fn crest_db(samples: &[f64]) -> f64 {
    let peak = samples.iter().fold(0.0_f64, |peak, x| peak.max(x.abs()));
    20.0 * libm::log10(peak / rms(samples))
}

fn draw(how: Draw, magnitude: f64, random: &mut Random) -> (f64, f64) {
    match how {
        Draw::Signs => (magnitude * random.sign(), 0.0),
        Draw::Gaussian => {
            let (re, im) = random.normal_pair();
            (magnitude * re, magnitude * im)
        }
    }
}

/// Amplitude at `frequency` on straight lines between the corners over log frequency; 0 outside.
pub fn magnitude(corners: &[(f64, f64)], frequency: f64) -> f64 {
    if corners.is_empty() {
        return 1.0;
    }
    let Some(pair) = corners.windows(2).find(|pair| (pair[0].0..=pair[1].0).contains(&frequency)) else {
        return 0.0;
    };
    let along = libm::log(frequency / pair[0].0) / libm::log(pair[1].0 / pair[0].0);
    let level = pair[0].1 + along * (pair[1].1 - pair[0].1);
    libm::pow(10.0, level / 20.0)
}

/// Root mean square; 0 for nothing.
pub fn rms(samples: &[f64]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    libm::sqrt(samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64)
}
