//! What is heard of a car while nobody speaks: the noise of line, terminal and amplifier at the ears, and how far lines
//! stand out of a noise.

use std::f64::consts::PI;

use super::{BandHz, DBOV_AT_0_DBM0, Truth, db, path_response, symmetric_response};
use crate::bench::car::RATE_HZ;
use crate::bench::car::noise::weight_db;
use crate::bench::car::spec::Weighting;
use crate::terms::{Direction, Ear};

/// The step in which densities are summed, in Hz.
const STEP_HZ: f64 = 5.0;
/// Bins of the analysis of peaks, in Hz.
const PEAK_BIN_HZ: f64 = RATE_HZ / 8_192.0;
/// The equivalent noise bandwidth of a Hann window, in bins.
const HANN_BINS: f64 = 1.5;
/// Bins on either side of a line that belong to it.
const LINE_HALF: usize = 3;

impl Truth<'_> {
    /// The idle noise at an ear that the car itself makes, A-weighted in dBPa(A) between the edges of `band_hz`: what the
    /// network brings, the hiss of the amplifier and its lines, without the cabin.
    pub fn idle_noise_receive_dbpa_a(&self, ear: Ear, volume_step: u32, band_hz: BandHz) -> f64 {
        let steps = ((band_hz.1 - band_hz.0) / STEP_HZ) as usize;
        let weight = |freq_hz: f64| 10f64.powf(weight_db(Weighting::A, freq_hz) / 10.0);
        let noise: f64 = (0..steps)
            .map(|k| {
                let freq_hz = band_hz.0 + (k as f64 + 0.5) * STEP_HZ;
                self.idle_density_receive(ear, volume_step, freq_hz) * weight(freq_hz) * STEP_HZ
            })
            .sum();
        let lines: f64 = self
            .amplifier_lines(ear)
            .iter()
            .filter(|(hz, _)| (band_hz.0..=band_hz.1).contains(hz))
            .map(|(hz, power)| power * weight(*hz))
            .sum();
        db(noise + lines)
    }

    /// Mean square per Hz of the car's own noise at an ear.
    fn idle_density_receive(&self, ear: Ear, volume_step: u32, freq_hz: f64) -> f64 {
        let path = path_response(self.head.loudspeaker_to_ear(ear), freq_hz).power();
        let hiss = self.model.amplifier_noise.as_ref().map_or(0.0, |noise| {
            (noise.gain * symmetric_response(&noise.taps, freq_hz)).powi(2) / (RATE_HZ / 2.0)
        });
        let terminal = self.receive_gain(volume_step) * symmetric_response(&self.receive_taps, freq_hz);
        (hiss + self.line_density(Direction::Receive, freq_hz) * terminal * terminal) * path
    }

    /// The amplifier's lines at an ear: frequency in Hz, mean square.
    fn amplifier_lines(&self, ear: Ear) -> Vec<(f64, f64)> {
        let path = |hz: f64| path_response(self.head.loudspeaker_to_ear(ear), hz).power();
        let lines = self.model.spec.flaws.amplifier_lines.iter();
        lines.map(|(hz, dbpa)| (*hz, 10f64.powf(dbpa / 10.0) * path(*hz))).collect()
    }

    /// How far the highest line of the idle noise in send stands out of an octave around it, in dB.
    pub fn idle_peak_send_db(&self, band_hz: BandHz) -> f64 {
        let at_poi = |(hz, dbm0): &(f64, f64)| {
            let network = symmetric_response(&self.network_taps, *hz).powi(2);
            (*hz, 10f64.powf((dbm0 + DBOV_AT_0_DBM0) / 10.0) * network)
        };
        let lines: Vec<(f64, f64)> = self.model.spec.flaws.idle_lines.iter().map(at_poi).collect();
        highest_peak_db(&lines, |freq_hz| self.idle_density(freq_hz), band_hz)
    }

    /// As [`Truth::idle_peak_send_db`] at an ear, of what the car itself makes.
    pub fn idle_peak_receive_db(&self, ear: Ear, volume_step: u32, band_hz: BandHz) -> f64 {
        let density = |freq_hz| self.idle_density_receive(ear, volume_step, freq_hz);
        highest_peak_db(&self.amplifier_lines(ear), density, band_hz)
    }
}

/// What a line of mean square 1 adds to the density of a bin so many bins beside it: the transform of a Hann window.
fn hann_density(bins: f64) -> f64 {
    let x = PI * bins;
    let amplitude = if bins.abs() < 1e-9 {
        1.0
    } else if (bins.abs() - 1.0).abs() < 1e-9 {
        0.5
    } else {
        x.sin() / x / (1.0 - bins * bins)
    };
    amplitude * amplitude / (HANN_BINS * PEAK_BIN_HZ)
}

/// The highest of the bins at lines, over the mean of the octave around it.
fn highest_peak_db(lines: &[(f64, f64)], density: impl Fn(f64) -> f64, band_hz: BandHz) -> f64 {
    let all = |k: usize| {
        let of_line = |(hz, power): &(f64, f64)| power * hann_density(k as f64 - hz / PEAK_BIN_HZ);
        density(k as f64 * PEAK_BIN_HZ) + lines.iter().map(of_line).sum::<f64>()
    };
    let bin = |hz: f64| (hz / PEAK_BIN_HZ).round() as usize;
    let (first, last) = (bin(band_hz.0), bin(band_hz.1));
    let peak = |hz: f64| {
        let k = bin(hz);
        let middle_hz = k as f64 * PEAK_BIN_HZ;
        let octave = bin(middle_hz / 2f64.sqrt()).max(first)..=bin(middle_hz * 2f64.sqrt()).min(last);
        let around: Vec<f64> = octave.filter(|i| i.abs_diff(k) > LINE_HALF).map(all).collect();
        10.0 * (all(k) / (around.iter().sum::<f64>() / around.len() as f64)).log10()
    };
    let inside = lines.iter().filter(|(hz, _)| (first..=last).contains(&bin(*hz)));
    inside.map(|(hz, _)| peak(*hz)).fold(f64::NEG_INFINITY, f64::max)
}
