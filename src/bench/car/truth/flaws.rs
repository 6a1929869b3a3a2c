//! What the bends, images and lines of a car truly are at the ports of the bench.
//!
//! A sine through a polynomial has harmonics by Chebyshev's identities: of A·cos θ, x² makes ½A² and ½A²·cos 2θ, x³ makes
//! ¾A³·cos θ and ¼A³·cos 3θ. What a limiter makes of it is a Fourier sum over one period. Noise of Gaussian amplitudes
//! through a polynomial keeps the share 1 + 3cσ² of itself; what does not follow it has the autocorrelation 2b²R² + 6c²R³
//! (Bussgang; Price).

use std::f64::consts::{PI, SQRT_2};

use super::{BandHz, Density, Truth, path_response, symmetric_response};
use crate::bench::car::RATE_HZ;
use crate::bench::car::flaws::{Bend, Converter, Nonlinearity};
use crate::terms::Ear;
use crate::units::DBOV_AT_0_DBM0;

/// Orders that a limiter's harmonics are told to.
const ORDERS: usize = 40;
/// Points of one period for a limiter.
const POINTS: usize = 4_096;
/// Lines of the grid on which noise is bent: 5 Hz apart.
const GRID: usize = 4_800;

impl Truth<'_> {
    /// Harmonics of a sine of `level_dbpa` at the MRP that the device itself makes, at the POI, in percent of the
    /// fundamental, with their orders: those between the edges of `band_hz`.
    pub fn send_harmonics_percent(
        &self,
        freq_hz: f64,
        level_dbpa: f64,
        band_hz: BandHz,
    ) -> Vec<(usize, f64)> {
        let path = path_response(&self.head.mouth_to_microphone, freq_hz).power().sqrt();
        let peak = peak_of(level_dbpa) * path;
        let behind = |hz: f64| self.send_electrical(hz).abs();
        harmonics_percent(&self.model.spec.flaws.microphone, peak, freq_hz, band_hz, behind)
    }

    /// As [`Truth::send_harmonics_percent`] for what the mouth adds, as it arrives at the POI.
    pub fn mouth_harmonics_percent(
        &self,
        freq_hz: f64,
        level_dbpa: f64,
        band_hz: BandHz,
    ) -> Vec<(usize, f64)> {
        let behind = |hz: f64| self.send_response(hz).power().sqrt();
        harmonics_percent(&self.model.spec.flaws.mouth, peak_of(level_dbpa), freq_hz, band_hz, behind)
    }

    /// Harmonics of a sine of `level_dbm0` at the POI, at an ear, in percent of the fundamental.
    pub fn receive_harmonics_percent(
        &self,
        ear: Ear,
        volume_step: u32,
        freq_hz: f64,
        level_dbm0: f64,
        band_hz: BandHz,
    ) -> Vec<(usize, f64)> {
        let electrical = self.receive_electrical(volume_step, freq_hz).abs();
        let peak = peak_of(level_dbm0 + DBOV_AT_0_DBM0) * electrical;
        let path = &self.head.loudspeaker_to_ears[usize::from(ear == Ear::Right)];
        let behind = |hz: f64| path_response(path, hz).power().sqrt();
        harmonics_percent(&self.model.spec.flaws.loudspeaker, peak, freq_hz, band_hz, behind)
    }

    /// What the device adds to Gaussian noise of `density` and `level_dbpa` at the MRP and what does not follow it, at
    /// the POI between the edges of `band_hz`, in percent of what does.
    pub fn send_noise_distortion_percent(
        &self,
        density: Density<'_>,
        level_dbpa: f64,
        band_hz: BandHz,
    ) -> f64 {
        let before = |hz: f64| path_response(&self.head.mouth_to_microphone, hz).power();
        let behind = |hz: f64| self.send_electrical(hz).powi(2);
        let bend = self.model.spec.flaws.microphone.bend();
        noise_percent(&bend, density, level_dbpa, band_hz, &before, &behind)
    }

    /// As [`Truth::send_noise_distortion_percent`] for noise of `level_dbm0` at the POI, at an ear.
    pub fn receive_noise_distortion_percent(
        &self,
        ear: Ear,
        volume_step: u32,
        density: Density<'_>,
        level_dbm0: f64,
        band_hz: BandHz,
    ) -> f64 {
        let path = &self.head.loudspeaker_to_ears[usize::from(ear == Ear::Right)];
        let before = |hz: f64| self.receive_electrical(volume_step, hz).powi(2);
        let behind = |hz: f64| path_response(path, hz).power();
        let bend = self.model.spec.flaws.loudspeaker.bend();
        noise_percent(&bend, density, level_dbm0 + DBOV_AT_0_DBM0, band_hz, &before, &behind)
    }

    /// The alias of a tone of `freq_hz` at the MRP: digital amplitude at the POI for 1 Pa, and its frequency in Hz.
    pub fn send_alias(&self, freq_hz: f64) -> (f64, f64) {
        let Some(converter) = &self.model.spec.flaws.send_converter else { return (0.0, f64::NAN) };
        let image_hz = converter.rate_hz - freq_hz;
        let path = path_response(&self.head.mouth_to_microphone, freq_hz).power().sqrt();
        let amplitude = mirrored(converter, image_hz, freq_hz) * path * self.send_electrical(image_hz).abs();
        (amplitude, image_hz)
    }

    /// Power gain from a tone in the band at the POI to its two images at an ear, Pa² for digital 1, with their
    /// frequencies in Hz; an image beyond 24 kHz does not exist.
    pub fn receive_images(&self, ear: Ear, volume_step: u32, freq_hz: f64) -> Vec<(f64, f64)> {
        let Some(converter) = &self.model.spec.flaws.receive_converter else { return Vec::new() };
        let path = &self.head.loudspeaker_to_ears[usize::from(ear == Ear::Right)];
        [converter.rate_hz - freq_hz, converter.rate_hz + freq_hz]
            .into_iter()
            .filter(|image_hz| *image_hz < RATE_HZ / 2.0)
            .map(|image_hz| {
                let amplitude =
                    mirrored(converter, freq_hz, image_hz) * self.receive_electrical(volume_step, freq_hz);
                (amplitude * amplitude * path_response(path, image_hz).power(), image_hz)
            })
            .collect()
    }
}

/// Peak of a sine of this level (RMS).
fn peak_of(level_db: f64) -> f64 {
    10f64.powf(level_db / 20.0) * SQRT_2
}

/// The gain of a converter's image, from or to `inner_hz` in its band and `outer_hz` outside.
fn mirrored(converter: &Converter, inner_hz: f64, outer_hz: f64) -> f64 {
    let model = converter.model();
    let gain =
        symmetric_response(&model.inner_taps, inner_hz) * symmetric_response(&model.outer_taps, outer_hz);
    (model.gain * gain).abs()
}

fn harmonics_percent(
    declared: &Nonlinearity,
    peak: f64,
    freq_hz: f64,
    band_hz: BandHz,
    behind: impl Fn(f64) -> f64,
) -> Vec<(usize, f64)> {
    let made = made_of_a_sine(&declared.bend(), peak);
    let fundamental = made[1] * behind(freq_hz);
    (2..made.len())
        .map(|order| (order, order as f64 * freq_hz))
        .filter(|(_, hz)| *hz >= band_hz.0 && *hz <= band_hz.1)
        .map(|(order, hz)| (order, 100.0 * (made[order] * behind(hz) / fundamental).abs()))
        .collect()
}

/// Amplitudes of all orders that a bend makes of a cosine of amplitude `peak`.
fn made_of_a_sine(bend: &Bend, peak: f64) -> Vec<f64> {
    let (b, c) = (bend.quadratic, bend.cubic);
    let mut made = vec![0.0; ORDERS + 1];
    made[0] = b * peak * peak / 2.0;
    made[1] = peak + 0.75 * c * peak.powi(3);
    made[2] = b * peak * peak / 2.0;
    made[3] = c * peak.powi(3) / 4.0;
    let Some(limit) = bend.limit else { return made };
    let polynomial =
        |angle: f64| -> f64 { (0..=3).map(|order| made[order] * (order as f64 * angle).cos()).sum() };
    let limited: Vec<f64> = (0..POINTS)
        .map(|n| limit * (polynomial(2.0 * PI * n as f64 / POINTS as f64) / limit).tanh())
        .collect();
    (0..=ORDERS)
        .map(|order| {
            let turned = |n: usize| (2.0 * PI * (order * n % POINTS) as f64 / POINTS as f64).cos();
            limited.iter().enumerate().map(|(n, y)| y * turned(n)).sum::<f64>() * 2.0 / POINTS as f64
        })
        .collect()
}

/// See [`Truth::send_noise_distortion_percent`]: `before` and `behind` are the power gains around the bend, `level_db` is
/// that of the noise before `before`.
fn noise_percent(
    bend: &Bend,
    density: Density<'_>,
    level_db: f64,
    band_hz: BandHz,
    before: &dyn Fn(f64) -> f64,
    behind: &dyn Fn(f64) -> f64,
) -> f64 {
    let step_hz = RATE_HZ / 2.0 / GRID as f64;
    let hz = |k: usize| (k as f64 + 0.5) * step_hz;
    let played: Vec<f64> = (0..GRID).map(|k| density(hz(k))).collect();
    let scale = 10f64.powf(level_db / 10.0) / played.iter().sum::<f64>();
    let power: Vec<f64> = played.iter().enumerate().map(|(k, one)| one * scale * before(hz(k))).collect();
    // Half steps make 4·GRID the period of the cosines. The autocorrelation is followed over 100 ms, tapered, which
    // blurs the spectrum by 20 Hz.
    let period = 4 * GRID;
    let cosines: Vec<f64> = (0..period).map(|n| (2.0 * PI * n as f64 / period as f64).cos()).collect();
    let correlation = |lag: usize| -> f64 {
        power.iter().enumerate().map(|(k, one)| one * cosines[(2 * k + 1) * lag % period]).sum()
    };
    let strayed: Vec<f64> = (0..GRID)
        .map(|lag| {
            let (r, taper) = (correlation(lag), 0.5 + 0.5 * cosines[2 * lag]);
            taper * (2.0 * bend.quadratic.powi(2) * r * r + 6.0 * bend.cubic.powi(2) * r.powi(3))
        })
        .collect();
    let keeps = 1.0 + 3.0 * bend.cubic * power.iter().sum::<f64>();
    let (mut distortion, mut signal) = (0.0, 0.0);
    for k in (0..GRID).filter(|k| hz(*k) >= band_hz.0 && hz(*k) <= band_hz.1) {
        let turned = |lag: usize| cosines[(2 * k + 1) * lag % period];
        let sum: f64 = (1..GRID).map(|lag| 2.0 * strayed[lag] * turned(lag)).sum();
        distortion += (strayed[0] + sum) / GRID as f64 * behind(hz(k));
        signal += keeps * keeps * power[k] * behind(hz(k));
    }
    100.0 * (distortion / signal).sqrt()
}
