//! STOI: the short-time objective intelligibility of Taal, Hendriks, Heusdens and Jensen (IEEE Trans. ASLP, 2011).
//!
//! 1. Both signals at 10 kHz.
//! 2. Frames of 256 with a Hann window and half overlap; where the reference is more than 40 dB below its loudest frame,
//!    the frame is left out of both, and the rest is put together again.
//! 3. 512-point spectra, amplitudes in 15 third octaves from 150 Hz on.
//! 4. Over segments of 30 frames (384 ms), each band of the degraded signal is scaled to the energy of the reference and
//!    clipped at −15 dB of signal to distortion; the score is the mean correlation of the two over bands and segments.

use crate::dsp::resample::resample;
use crate::dsp::spectrum::{Bin, Fft};
use crate::meters::MeterError;

const RATE: u32 = 10_000;
const FRAME: usize = 256;
const STEP: usize = FRAME / 2;
const FFT: usize = 512;
const BANDS: usize = 15;
const LOWEST_HZ: f64 = 150.0;
const SEGMENT: usize = 30;
const DYNAMIC_RANGE_DB: f64 = 40.0;
/// 1 + 10^(15/20): how far over the reference a scaled frame may reach.
const CLIP: f64 = 6.623_413_251_903_491;
/// Keeps logarithms and quotients of nothing finite, as the authors' code does.
const TINY: f64 = f64::EPSILON;

/// The score, 0 … 1. Lengths may differ; what both have in common counts.
///
/// # Errors
/// Fewer than 30 frames of speech.
pub fn stoi(reference: &[f64], degraded: &[f64], rate: u32) -> Result<f64, MeterError> {
    let length = reference.len().min(degraded.len());
    let at_10k = |signal: &[f64]| resample(&signal[..length], rate, RATE);
    let (reference, degraded) = without_silence(&at_10k(reference), &at_10k(degraded));
    let bands = band_bins();
    let (x, y) = (amplitudes(&reference, &bands), amplitudes(&degraded, &bands));
    if x.len() < SEGMENT {
        return Err(MeterError::asked(
            format!("only {} ms of the reference are speech", x.len() * STEP * 1000 / RATE as usize),
            "STOI needs at least 384 ms of speech",
        ));
    }
    let segments = x.len() - SEGMENT + 1;
    let mut sum = 0.0;
    for start in 0..segments {
        for band in 0..BANDS {
            let part = |frames: &[[f64; BANDS]]| -> Vec<f64> {
                frames[start..start + SEGMENT].iter().map(|frame| frame[band]).collect()
            };
            sum += segment_correlation(&part(&x), &part(&y));
        }
    }
    Ok(sum / (segments * BANDS) as f64)
}

/// The correlation of a band's amplitudes with the scaled and clipped ones.
fn segment_correlation(x: &[f64], y: &[f64]) -> f64 {
    let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let scale = norm(x) / (norm(y) + TINY);
    let clipped: Vec<f64> = x.iter().zip(y).map(|(x, y)| (y * scale).min(x * CLIP)).collect();
    let centered = |values: &[f64]| -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let values: Vec<f64> = values.iter().map(|v| v - mean).collect();
        let norm = norm(&values) + TINY;
        values.into_iter().map(|v| v / norm).collect()
    };
    centered(x).iter().zip(centered(&clipped)).map(|(x, y)| x * y).sum()
}

/// The Hann window of 256 values out of one of 258, without its zeros.
fn window() -> Vec<f64> {
    (1..=FRAME).map(|n| 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / (FRAME + 1) as f64).cos()).collect()
}

/// The first frames of the analysis; the last whole frame of a signal is not among them, as in the authors' code.
fn starts(length: usize) -> impl Iterator<Item = usize> {
    (0..length.saturating_sub(FRAME)).step_by(STEP)
}

/// Both signals without the frames in which the reference is silent, overlapped and added.
fn without_silence(reference: &[f64], degraded: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let window = window();
    let frame = |signal: &[f64], start: usize| -> Vec<f64> {
        signal[start..start + FRAME].iter().zip(&window).map(|(x, w)| x * w).collect()
    };
    let length = reference.len().min(degraded.len());
    let levels: Vec<(usize, f64)> = starts(length)
        .map(|start| {
            let energy: f64 = frame(reference, start).iter().map(|x| x * x).sum();
            (start, 20.0 * (energy.sqrt() + TINY).log10())
        })
        .collect();
    let loudest = levels.iter().fold(f64::NEG_INFINITY, |top, (_, level)| top.max(*level));
    let kept: Vec<usize> = levels
        .iter()
        .filter(|(_, level)| loudest - DYNAMIC_RANGE_DB - level < 0.0)
        .map(|(start, _)| *start)
        .collect();
    let together = |signal: &[f64]| {
        let mut out = vec![0.0; if kept.is_empty() { 0 } else { (kept.len() - 1) * STEP + FRAME }];
        for (at, start) in kept.iter().enumerate() {
            for (out, x) in out[at * STEP..].iter_mut().zip(frame(signal, *start)) {
                *out += x;
            }
        }
        out
    };
    (together(reference), together(degraded))
}

/// For each third octave the first bin and the one after the last, edges moved to the nearest bin.
fn band_bins() -> [(usize, usize); BANDS] {
    let bin = |hz: f64| (hz * FFT as f64 / f64::from(RATE)).round() as usize;
    std::array::from_fn(|band| {
        let edge = |half: i32| LOWEST_HZ * 2f64.powf(f64::from(2 * band as i32 + half) / 6.0);
        (bin(edge(-1)), bin(edge(1)))
    })
}

/// The amplitude of each band in each frame.
fn amplitudes(signal: &[f64], bands: &[(usize, usize); BANDS]) -> Vec<[f64; BANDS]> {
    let window = window();
    let mut fft = Fft::new();
    starts(signal.len())
        .map(|start| {
            let frame: Vec<f64> =
                signal[start..start + FRAME].iter().zip(&window).map(|(x, w)| x * w).collect();
            let bins = fft.padded(&frame, FFT);
            bands.map(|(from, to)| bins[from..to].iter().map(Bin::norm_sqr).sum::<f64>().sqrt())
        })
        .collect()
}
