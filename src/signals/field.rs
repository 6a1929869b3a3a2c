//! Background noise of a car at several points at once: synthetic, or recorded by the lab.
//!
//! Synthetic noise is a sum of lines, 1/period apart, whose magnitudes follow the spectrum of the catalogue. At each
//! point of the cabin every line is mixed from independent sources so that any two points have the coherence of a
//! diffuse field, sin(kd)/(kd) over their distance d, with k = 2πf/c. A slow wander, common to all points, makes it
//! as little stationary as driving is.
//!
//! A point has the same noise whichever other points are rendered with it: all points are mixed in the order of the
//! catalogue, each with a stream of random numbers of its own.
//!
//! **Recorded noise** brings its calibration and its level at the driver's head along: both are metadata of the
//! recording (the Lombard rise hangs on the second), neither is measured again in the replayed field.

use std::f64::consts::TAU;
use std::io::Cursor;
use std::ops::Range;

use super::catalogue::{Kind, SignalSpec};
use super::composite::{PeriodError, rms};
use super::generate::{Base, SECONDS_MAX, hash};
use super::lines::LineSpectrum;
use super::random::Random;
use super::seam::{looped, repeated};
use super::{Options, RenderError, SignalError, SpeechSource};
use crate::dsp::curve::{Curve, Outside};
use crate::dsp::resample::resample;
use crate::dsp::weighting::{Weighting, weighted_power};
use crate::units::{Db, DbOv, DbPa, DbPaA};
use crate::wav::Wav;

/// The point to which the level of a noise refers.
pub const DRIVER_HEAD: &str = "driver-head";

/// 0 dBPa as a sound pressure level: 20·log10(1 Pa / 20 µPa).
pub const DBPA_AS_SPL_DB: f64 = 93.979_400_086_720_38;

/// Speed of sound at 20 °C, in m/s.
pub const SOUND_M_S: f64 = 343.2;

/// By how much a stated level and the calibrated recording may differ, in dB: what a sound-level meter of class 1
/// and its calibrator leave open.
pub const LEVEL_TOLERANCE_DB: f64 = 1.0;

/// Weights of the slow sines of the wander, at 1, 2, 3 and 5 turns in a period. They sum to one, so that the wander
/// never leaves its range.
const WANDER: [(f64, f64); 4] = [(1.0, 0.35), (2.0, 0.3), (3.0, 0.2), (5.0, 0.15)];

/// Steps in which the mean of the wander is taken.
const WANDER_STEPS: u32 = 2_000;

/// Tells the streams of points apart: an odd constant with its bits well spread.
const STREAM: u64 = 0xA24B_AED4_963E_E407;

/// A place in the cabin.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its name.
    pub id: String,
    /// Metres to the front, to the left and up from the middle of the floor.
    pub at_m: [f64; 3],
}

/// Synthetic noise of a driving or standing car.
#[derive(Debug, Clone, PartialEq)]
pub struct DrivingNoise {
    /// Density of the noise: (Hz, dB), straight over log frequency, held beyond the ends.
    pub corners: Vec<(f64, f64)>,
    /// A-weighted level at the driver's head, in dB(A) re 20 µPa.
    pub level_dba: f64,
    /// How far the level wanders to each side.
    pub wander_db: f64,
    /// Period in seconds: the lines stand 1/period apart, and the noise repeats without a seam.
    pub period_s: f64,
    /// The band that holds lines.
    pub band_hz: Range<f64>,
    /// Where it can be rendered; the first is where a mono track of it stands.
    pub points: Vec<Point>,
}

/// Noise that the lab recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedNoise {
    /// Name under which the [`SpeechSource`] has it.
    pub file: String,
    /// SHA-256 of the file when it was imported.
    pub sha256: String,
    /// The point of each channel.
    pub points: Vec<String>,
    /// The physical level of 0 dBov.
    pub zero: DbPa,
    /// A-weighted level at the driver's head, in dB(A) re 20 µPa, as the lab states it.
    pub level_dba: f64,
}

/// A noise at several points, in pascals.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The catalogue id.
    pub id: String,
    /// Frames per second.
    pub rate: u32,
    /// The points, as asked for.
    pub points: Vec<String>,
    /// Sound pressure in Pa, one channel for each point.
    pub channels: Vec<Vec<f64>>,
    /// A-weighted level at the driver's head, in dB(A) re 20 µPa, as stated.
    pub level_dba: f64,
    /// SHA-256 over the channels one after the other, as [`super::Signal::hash`].
    pub hash: String,
}

impl Field {
    /// The stated level as a sound pressure relative to 1 Pa.
    pub fn level(&self) -> DbPaA {
        DbPaA::new(self.level_dba - DBPA_AS_SPL_DB)
    }

    /// The channels on a digital scale whose 0 dBov is the sound pressure level `zero`.
    ///
    /// # Errors
    /// [`RenderError::Clips`] with the excess, if any sample of any channel would be beyond full scale.
    pub fn digital(&self, zero: DbPa) -> Result<Vec<Vec<f64>>, RenderError> {
        if !zero.decibels().is_finite() {
            return Err(RenderError::Level);
        }
        let gain = libm::pow(10.0, -zero.decibels() / 20.0);
        let peak = self.channels.iter().flatten().fold(0.0_f64, |peak, x| peak.max(x.abs()));
        let peak = DbOv::new(Db::from_amplitude(gain * peak).0);
        if peak.decibels() > 0.0 {
            let level = DbOv::new(Db::from_amplitude(gain * rms(&self.channels[0])).0);
            return Err(RenderError::Clips { level, peak, excess: Db(peak.decibels()) });
        }
        Ok(self.channels.iter().map(|one| one.iter().map(|x| gain * x).collect()).collect())
    }
}

/// The points at which the noise `spec` can be rendered; `None` if it is no noise of a field.
pub fn points(spec: &SignalSpec) -> Option<Vec<&str>> {
    match &spec.kind {
        Kind::DrivingNoise(noise) => Some(noise.points.iter().map(|one| one.id.as_str()).collect()),
        Kind::RecordedNoise(noise) => Some(noise.points.iter().map(String::as_str).collect()),
        _ => None,
    }
}

/// The A-weighted level at the driver's head that belongs to the noise `spec`, in dB(A): N of the Lombard rise.
pub fn level_at_driver_head_dba(spec: &SignalSpec) -> Option<f64> {
    match &spec.kind {
        Kind::DrivingNoise(noise) => Some(noise.level_dba),
        Kind::RecordedNoise(noise) => Some(noise.level_dba),
        _ => None,
    }
}

/// The noise `spec` at the points named, all of one instant, in pascals.
///
/// # Errors
/// A signal that is no noise of a field, a point that it does not know or that is named twice, a rate or a length
/// without sense, a recording that is missing, changed or unusable.
pub fn field(
    spec: &SignalSpec,
    rate: u32,
    source: &dyn SpeechSource,
    options: Options,
    wanted: &[String],
) -> Result<Field, SignalError> {
    let seconds = options.seconds.unwrap_or(spec.seconds);
    if !(libm::round(seconds * f64::from(rate)) >= 1.0 && seconds <= SECONDS_MAX) {
        return Err(SignalError::Seconds { id: spec.id.clone(), seconds });
    }
    let frames = libm::round(seconds * f64::from(rate)) as usize;
    let channels = once(spec, rate, source, options, wanted)?;
    let lasting = |one: Vec<f64>| match spec.kind {
        Kind::RecordedNoise(_) => repeated(&one, frames, rate),
        // A whole period: it repeats without a seam.
        _ => one.iter().copied().cycle().take(frames).collect(),
    };
    named(spec, rate, wanted, channels.into_iter().map(lasting).collect())
}

/// One turn of the noise `spec` at the points named, all of one instant, in pascals: it may be repeated for ever without a
/// seam.
///
/// # Errors
/// As [`field`], but for a length.
pub fn field_loop(
    spec: &SignalSpec,
    rate: u32,
    source: &dyn SpeechSource,
    wanted: &[String],
) -> Result<Field, SignalError> {
    let channels = once(spec, rate, source, Options::default(), wanted)?;
    let turn = |one: Vec<f64>| match spec.kind {
        Kind::RecordedNoise(_) => looped(&one, rate),
        _ => one,
    };
    named(spec, rate, wanted, channels.into_iter().map(turn).collect())
}

fn named(
    spec: &SignalSpec,
    rate: u32,
    wanted: &[String],
    channels: Vec<Vec<f64>>,
) -> Result<Field, SignalError> {
    let level_dba = level_at_driver_head_dba(spec).ok_or_else(|| no_points(spec))?;
    let hash = hash(&channels.concat());
    Ok(Field { id: spec.id.clone(), rate, points: wanted.to_vec(), channels, level_dba, hash })
}

fn no_points(spec: &SignalSpec) -> SignalError {
    SignalError::Construction {
        id: spec.id.clone(),
        reason: "it has no points: only driving noise and recorded noise are rendered at points".to_owned(),
    }
}

/// The noise at the points named, as long as it lasts by itself.
fn once(
    spec: &SignalSpec,
    rate: u32,
    source: &dyn SpeechSource,
    options: Options,
    wanted: &[String],
) -> Result<Vec<Vec<f64>>, SignalError> {
    let construction = |reason: String| SignalError::Construction { id: spec.id.clone(), reason };
    let known = points(spec).ok_or_else(|| no_points(spec))?;
    let mut rows = Vec::new();
    for point in wanted {
        let row = known.iter().position(|one| one == point).ok_or_else(|| SignalError::Point {
            id: spec.id.clone(),
            point: point.clone(),
            known: known.join(", "),
        })?;
        if rows.contains(&row) {
            return Err(construction(format!("the point '{point}' is named twice")));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(construction("no point is named".to_owned()));
    }
    match &spec.kind {
        Kind::DrivingNoise(noise) => synthetic(spec, noise, rate, options.seed.unwrap_or(spec.seed), &rows),
        Kind::RecordedNoise(noise) => recorded(spec, noise, rate, source, &rows),
        _ => Err(no_points(spec)),
    }
}

/// A mono track of the noise: its first point, of unit RMS; a recorded one of at least `frames`.
pub(super) fn base(
    spec: &SignalSpec,
    rate: u32,
    frames: usize,
    source: &dyn SpeechSource,
    seed: u64,
) -> Result<Base, SignalError> {
    let (mut channels, cycle) = match &spec.kind {
        Kind::DrivingNoise(noise) => (synthetic(spec, noise, rate, seed, &[0])?, true),
        Kind::RecordedNoise(noise) => {
            let driver = noise.points.iter().position(|one| one == DRIVER_HEAD).unwrap_or(0);
            (recorded(spec, noise, rate, source, &[driver])?, false)
        }
        _ => (Vec::new(), false),
    };
    let samples = channels.pop().unwrap_or_default();
    let level = rms(&samples);
    if samples.is_empty() || level == 0.0 {
        return Err(SignalError::Construction { id: spec.id.clone(), reason: "it is silent".to_owned() });
    }
    let samples = if cycle || frames <= samples.len() { samples } else { repeated(&samples, frames, rate) };
    Ok(Base {
        gain: 1.0 / level,
        cycle: cycle.then_some(samples.len()),
        inverts: false,
        level_spans: 0..usize::MAX,
        active: std::iter::once(0..samples.len()).collect(),
        samples,
        analysis_from: 0,
        method_equivalent: spec.method_equivalent,
    })
}

/// sin(kd)/(kd): the coherence (real, signed) of a diffuse field between two points `distance_m` apart.
pub fn diffuse_coherence(freq_hz: f64, distance_m: f64) -> f64 {
    let kd = TAU * freq_hz * distance_m / SOUND_M_S;
    if kd < 1e-6 { 1.0 } else { libm::sin(kd) / kd }
}

/// The distance of two points in metres.
pub fn distance_m(a: &Point, b: &Point) -> f64 {
    let square: f64 = a.at_m.iter().zip(&b.at_m).map(|(a, b)| (a - b) * (a - b)).sum();
    libm::sqrt(square)
}

/// One period at the points `rows`, in pascals.
fn synthetic(
    spec: &SignalSpec,
    noise: &DrivingNoise,
    rate: u32,
    seed: u64,
    rows: &[usize],
) -> Result<Vec<Vec<f64>>, SignalError> {
    let error = |error| super::generate::period_error(spec, rate, error);
    let count = noise.period_s * f64::from(rate);
    if count != libm::round(count) {
        return Err(error(PeriodError::Framing));
    }
    let magnitudes = magnitudes(noise).ok_or_else(|| error(PeriodError::Empty))?;
    let spacing_hz = 1.0 / noise.period_s;
    let mut spectra: Vec<Vec<(f64, f64)>> = rows.iter().map(|_| vec![(0.0, 0.0); magnitudes.len()]).collect();
    let last = rows.iter().copied().max().unwrap_or(0);
    let mut sources: Vec<Random> =
        (0..=last as u64).map(|row| Random::new(seed ^ row.wrapping_mul(STREAM))).collect();
    let mut mixer = Mixer::new(&noise.points[..=last]);
    let mut phasors = vec![(0.0, 0.0); last + 1];
    for (k, &magnitude) in magnitudes.iter().enumerate().filter(|(_, magnitude)| **magnitude > 0.0) {
        for (phasor, random) in phasors.iter_mut().zip(&mut sources) {
            let angle = TAU * random.uniform();
            *phasor = (libm::cos(angle), libm::sin(angle));
        }
        mixer.at(k as f64 * spacing_hz);
        for (lines, &row) in spectra.iter_mut().zip(rows) {
            let (re, im) = mixer.mix(row, &phasors);
            lines[k] = (magnitude * re, magnitude * im);
        }
    }
    let gain = wander(noise, seed, rate, count as usize);
    let render = |lines: Vec<(f64, f64)>| {
        let samples = LineSpectrum { spacing_hz, lines }.render(rate, count as usize);
        samples.iter().zip(&gain).map(|(x, gain)| x * gain).collect()
    };
    Ok(spectra.into_iter().map(render).collect())
}

/// Amplitudes in Pa of the lines from 0 Hz on, before the wander; `None` where the band holds no line.
fn magnitudes(noise: &DrivingNoise) -> Option<Vec<f64>> {
    let curve = Curve::new(&noise.corners).ok()?;
    let count = libm::floor(noise.band_hz.end * noise.period_s) as usize + 1;
    let mut weighted = 0.0;
    let mut all = vec![0.0; count];
    for (k, magnitude) in all.iter_mut().enumerate().skip(1) {
        let freq_hz = k as f64 / noise.period_s;
        if freq_hz >= noise.band_hz.start {
            let power = libm::pow(10.0, curve.at(freq_hz, Outside::Hold) / 10.0);
            weighted += power / 2.0 * Weighting::A.power_gain(freq_hz);
            *magnitude = libm::sqrt(power);
        }
    }
    if weighted <= 0.0 {
        return None;
    }
    let target = libm::pow(10.0, (noise.level_dba - DBPA_AS_SPL_DB) / 10.0);
    // Whole bits of f32: the last bit of the weighting may differ between processors, signals may not.
    let gain = f64::from(libm::sqrt(target / weighted) as f32);
    for magnitude in &mut all {
        *magnitude *= gain;
    }
    Some(all)
}

/// The slow gain common to all points, of mean square 1.
fn wander(noise: &DrivingNoise, seed: u64, rate: u32, count: usize) -> Vec<f64> {
    let mut random = Random::new(!seed);
    let phases: [f64; WANDER.len()] = std::array::from_fn(|_| random.uniform());
    let at = |turn: f64| {
        let sum: f64 = WANDER
            .iter()
            .zip(phases)
            .map(|((turns, w), phase)| w * libm::sin(TAU * (turns * turn + phase)))
            .sum();
        libm::pow(10.0, noise.wander_db * sum / 20.0)
    };
    let steps = (0..WANDER_STEPS).map(|step| at(f64::from(step) / f64::from(WANDER_STEPS)));
    let mean = steps.map(|gain| gain * gain).sum::<f64>() / f64::from(WANDER_STEPS);
    let unit = 1.0 / libm::sqrt(mean);
    // Straight between steps of 1 ms: nothing in the wander is faster than some tenths of a hertz.
    let step = (rate / 1_000).max(1) as usize;
    let knots: Vec<f64> =
        (0..=count / step + 1).map(|k| unit * at((k * step) as f64 / count as f64)).collect();
    (0..count)
        .map(|n| {
            let part = (n % step) as f64 / step as f64;
            knots[n / step] + part * (knots[n / step + 1] - knots[n / step])
        })
        .collect()
}

/// Mixes independent sources to the coherence of a diffuse field: the Cholesky factor of its matrix.
struct Mixer {
    distances_m: Vec<Vec<f64>>,
    factor: Vec<Vec<f64>>,
}

impl Mixer {
    fn new(points: &[Point]) -> Self {
        let distances_m: Vec<Vec<f64>> =
            points.iter().map(|a| points.iter().map(|b| distance_m(a, b)).collect()).collect();
        let factor = vec![vec![0.0; points.len()]; points.len()];
        Self { distances_m, factor }
    }

    /// Makes the factor for `freq_hz`. At low frequencies all points hear the same: pivots that rounding leaves at or
    /// below nothing are nothing.
    fn at(&mut self, freq_hz: f64) {
        for i in 0..self.factor.len() {
            for j in 0..=i {
                let known: f64 = (0..j).map(|k| self.factor[i][k] * self.factor[j][k]).sum();
                let rest = diffuse_coherence(freq_hz, self.distances_m[i][j]) - known;
                self.factor[i][j] = if i == j {
                    libm::sqrt(rest.max(0.0))
                } else if self.factor[j][j] > 1e-6 {
                    rest / self.factor[j][j]
                } else {
                    0.0
                };
            }
        }
    }

    fn mix(&self, row: usize, phasors: &[(f64, f64)]) -> (f64, f64) {
        self.factor[row][..=row]
            .iter()
            .zip(phasors)
            .fold((0.0, 0.0), |sum, (weight, phasor)| (sum.0 + weight * phasor.0, sum.1 + weight * phasor.1))
    }
}

/// The channels `rows` of a recording at `rate`, in pascals.
fn recorded(
    spec: &SignalSpec,
    noise: &RecordedNoise,
    rate: u32,
    source: &dyn SpeechSource,
    rows: &[usize],
) -> Result<Vec<Vec<f64>>, SignalError> {
    let unusable =
        |reason: String| SignalError::Recording { id: spec.id.clone(), file: noise.file.clone(), reason };
    let bytes = source
        .wav(&noise.file)
        .ok_or_else(|| SignalError::Missing { id: spec.id.clone(), file: noise.file.clone() })?;
    if super::import::sha256(&bytes) != noise.sha256 {
        return Err(unusable("it has changed since it was imported; import it again".to_owned()));
    }
    let wav = Wav::open(Cursor::new(&bytes)).map_err(|error| unusable(error.to_string()))?;
    let from = wav.rate();
    if wav.channels() != noise.points.len() {
        return Err(unusable(format!(
            "it has {} channels for {} points",
            wav.channels(),
            noise.points.len()
        )));
    }
    let wanted: Vec<usize> = rows.iter().map(|row| row + 1).collect();
    let channels = wav.read(&wanted).map_err(|error| unusable(error.to_string()))?;
    let pascals = libm::pow(10.0, noise.zero.decibels() / 20.0);
    Ok(channels
        .iter()
        .map(|one| resample(one, from, rate).into_iter().map(|x| pascals * x).collect())
        .collect())
}

/// The A-weighted level of a track in dB(A) re 20 µPa, when 0 dBov is the sound pressure level `zero`.
pub fn level_dba(samples: &[f64], rate: u32, zero: DbPa) -> f64 {
    let power = weighted_power(samples, rate, Weighting::A, None);
    Db::from_power(power).0 + zero.decibels() + DBPA_AS_SPL_DB
}

#[cfg(test)]
mod tests;
