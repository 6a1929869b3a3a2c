//! Composite source signals and line noise: voiced sound, noise, pause, inverted every period.
//!
//! The framing counts whole frames at the rate of the definition (44.1 kHz) and is carried to any
//! other rate by rounding each boundary, so that the period is exact wherever it is a whole number
//! of samples: at 8, 16, 32, 44.1 and 48 kHz for 350 and 400 ms. Every part is evaluated on the
//! samples of the rate asked for; nothing is resampled, so no boundary is smeared.

use std::f64::consts::{PI, TAU};
use std::ops::Range;

use super::catalogue::{Composite, Draw, NoiseRule, ShapedNoise};
use super::lines::LineSpectrum;
use super::random::Random;

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

/// One period at `rate`, unscaled. `None` if a period is no whole number of samples, or no crest fits.
pub fn period(spec: &Composite, rate: u32, seed: u64) -> Result<Period, PeriodError> {
    let at = |frames: u32| -> usize {
        let scaled = u64::from(frames) * u64::from(rate);
        let by = u64::from(spec.frame_rate_hz);
        ((2 * scaled + by) / (2 * by)) as usize
    };
    if !(u64::from(spec.cycle_frames) * u64::from(rate)).is_multiple_of(u64::from(spec.frame_rate_hz)) {
        return Err(PeriodError::Framing);
    }
    let voiced_end = at(spec.voiced_frames);
    let noise_end = at(spec.voiced_frames + spec.noise_frames);
    let voiced = voiced(spec, rate, voiced_end);
    let noise = line_noise(&spec.noise, spec.noise_seconds(), seed)?.render(rate, noise_end - voiced_end);
    let (voiced_rms, noise_rms) = (rms(&voiced), rms(&noise));
    if noise_rms == 0.0 || voiced_rms == 0.0 {
        return Err(PeriodError::Empty);
    }
    let mut samples = vec![0.0; at(spec.cycle_frames)];
    for (out, x) in samples.iter_mut().zip(&voiced) {
        *out = x / voiced_rms;
    }
    for (out, x) in samples[voiced_end..].iter_mut().zip(&noise) {
        *out = x / noise_rms;
    }
    Ok(Period { samples, active: 0..noise_end, noise: voiced_end..noise_end })
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

impl Composite {
    fn noise_seconds(&self) -> f64 {
        f64::from(self.noise_frames) / f64::from(self.frame_rate_hz)
    }
}

/// Harmonics n·f0 with amplitudes n^−slope and one common phase: a glottal pulse train.
///
/// The slope is the one free number; −7.5 dB per octave with all harmonics in phase gives the
/// sharp closure and the long flank of a voiced sound, at the fundamental of the Recommendation.
fn voiced(spec: &Composite, rate: u32, count: usize) -> Vec<f64> {
    let rate = f64::from(rate);
    let fundamental =
        f64::from(spec.voiced_periods) * f64::from(spec.frame_rate_hz) / f64::from(spec.voiced_frames);
    let highest = spec.voiced_max_hz.min(0.45 * rate);
    let phase = spec.voiced_phase_deg * PI / 180.0;
    let mut out = vec![0.0; count];
    let harmonics = libm::floor(highest / fundamental) as u32;
    for n in 1..=harmonics {
        let amplitude = libm::pow(f64::from(n), -spec.voiced_slope);
        let step = TAU * f64::from(n) * fundamental / rate;
        for (t, x) in out.iter_mut().enumerate() {
            *x += amplitude * libm::cos(step * t as f64 + phase);
        }
    }
    out
}

/// Lines of the noise, from the first stream of `seed` whose crest factor is inside the wanted range.
///
/// The crest is that of the first `seconds` at the rate of the rule, where one period is `points`
/// samples; the same lines are then used at every rate.
pub fn line_noise(rule: &NoiseRule, seconds: f64, seed: u64) -> Result<LineSpectrum, PeriodError> {
    let spacing_hz = f64::from(rule.rate_hz) / f64::from(rule.points);
    let magnitudes: Vec<f64> = (0..rule.points / 2)
        .map(|k| {
            let frequency = f64::from(k) * spacing_hz;
            if k == 0 || !rule.band_hz.contains(&frequency) {
                0.0
            } else {
                magnitude(&rule.corners, frequency)
            }
        })
        .collect();
    if magnitudes.iter().all(|m| *m == 0.0) {
        return Err(PeriodError::Empty);
    }
    for trial in 0..TRIALS_MAX {
        let mut random = Random::new(seed.wrapping_mul(0x1_0000_0001).wrapping_add(trial));
        let lines = magnitudes.iter().map(|m| draw(rule.draw, *m, &mut random)).collect();
        let spectrum = LineSpectrum { spacing_hz, lines };
        let Some(wanted) = &rule.crest_db else { return Ok(spectrum) };
        let count = libm::round(seconds * f64::from(rule.rate_hz)) as usize;
        let samples = spectrum.render(rule.rate_hz, count);
        let peak = samples.iter().fold(0.0_f64, |peak, x| peak.max(x.abs()));
        if wanted.contains(&(20.0 * libm::log10(peak / rms(&samples)))) {
            return Ok(spectrum);
        }
    }
    Err(PeriodError::Crest)
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

/// P.50 long-term speech spectrum at the mouth reference point in dB SPL per hertz (equation 4-1),
/// stated for 100 Hz to 8 kHz.
pub fn p50_density_db(frequency: f64) -> f64 {
    let x = libm::log10(frequency);
    -376.44 + 465.439 * x - 157.745 * x * x + 16.7124 * x * x * x
}

/// Lines of exact magnitude after P.50 with random phases.
pub fn p50_noise(spec: &ShapedNoise, seed: u64) -> LineSpectrum {
    let spacing_hz = 1.0 / spec.period_s;
    let mut random = Random::new(seed);
    let count = libm::floor(spec.band_hz.end * spec.period_s) as usize + 1;
    let lines = (0..count)
        .map(|k| {
            let frequency = k as f64 * spacing_hz;
            let angle = TAU * random.uniform();
            if frequency < spec.band_hz.start {
                return (0.0, 0.0);
            }
            let amplitude = libm::pow(10.0, p50_density_db(frequency) / 20.0);
            (amplitude * libm::cos(angle), amplitude * libm::sin(angle))
        })
        .collect();
    LineSpectrum { spacing_hz, lines }
}

/// Root mean square; 0 for nothing.
pub fn rms(samples: &[f64]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    libm::sqrt(samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64)
}
