//! What a codec leaves on a waveform: the noise that comes and goes with the signal, the information that got through, and
//! the steps of A-law.

use std::ops::Range;

use crate::dsp::resample::fractional_delay;
use crate::dsp::spectrum::Fft;
use crate::take::RATE;
use crate::units::DBOV_AT_0_DBM0;

/// The periods that a signal may have, in frames.
const PERIODS: [usize; 4] = [4_096, 8_192, 16_384, 32_768];
/// Fewer periods give no noise beside the signal.
const PERIODS_MIN: usize = 4;
/// More say nothing new, and clocks drift.
const PERIODS_MAX: usize = 10;
/// A signal repeats itself when two periods differ by less than −80 dB.
const REPEATS: f64 = 1e-8;
/// Bins on either side over which noise is averaged: a bin alone scatters by a third.
const AROUND: usize = 16;

/// Where the signal to noise ratio of every call is taken, in Hz.
pub(super) const MIDDLE_HZ: (f64, f64) = (300.0, 3_400.0);
/// The lower sub-band of G.722, as far down from 4 kHz as its filters of 24 taps let noise of the upper one through.
const BELOW_SPLIT_HZ: (f64, f64) = (1_000.0, 2_800.0);
/// The upper sub-band of G.722.
const ABOVE_SPLIT_HZ: (f64, f64) = (4_400.0, 6_500.0);
/// Noise that comes with the signal must stand out of the noise that is there without it by so much: as a ratio of powers.
const COMES_WITH_SIGNAL: f64 = 10.0;

/// What a direction carried of a periodic signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Carried {
    /// The signal over everything that does not repeat with it, 300 Hz to 3.4 kHz.
    pub snr_db: f64,
    /// The same from 4.4 to 6.5 kHz.
    pub upper_snr_db: f64,
    /// The signal over the noise that comes with it alone, below and above 4 kHz; where there is any.
    pub split_db: Option<(f64, f64)>,
    /// The information that got through, in kbit/s: no channel with less can have carried it.
    pub rate_kbit_s: f64,
}

/// The period of a signal in a range of frames, if it has one of the known ones.
pub(super) fn period(played: &[f64]) -> Option<usize> {
    PERIODS.into_iter().find(|&period| {
        let from = period;
        let Some(to) = played.len().checked_sub(2 * period).filter(|to| *to > from) else { return false };
        let (power, change) = (from..to).fold((0.0, 0.0), |(power, change), n| {
            (power + played[n].powi(2), change + (played[n + period] - played[n]).powi(2))
        });
        power > 0.0 && change < REPEATS * power
    })
}

/// What of a periodic signal is in a recording of its steady state, beside `quiet`, a recording of silence. `None` where
/// there are too few periods, or nothing.
///
/// The bins of each period are those of the signal, which are the same in all of them, and of noise, which are not.
pub(super) fn carried(recorded: &[f64], quiet: &[f64], period: usize) -> Option<Carried> {
    let spectra = |part: &[f64]| -> Vec<Vec<f64>> {
        let mut fft = Fft::new();
        let one = |block: &[f64]| -> Vec<f64> {
            fft.forward(block).iter().flat_map(|bin| [bin.re, bin.im]).collect()
        };
        part.chunks_exact(period).take(PERIODS_MAX).map(one).collect()
    };
    let periods = spectra(recorded);
    let count = periods.len() as f64;
    let idle = spectra(quiet);
    if periods.len() < PERIODS_MIN || idle.is_empty() {
        return None;
    }
    let bins = period / 2 + 1;
    let power = |blocks: &[Vec<f64>], mean: Option<&[f64]>, bin: usize| -> f64 {
        let off = |part: usize| mean.map_or(0.0, |mean| mean[part]);
        let one = |block: &Vec<f64>| {
            (block[2 * bin] - off(2 * bin)).powi(2) + (block[2 * bin + 1] - off(2 * bin + 1)).powi(2)
        };
        blocks.iter().map(one).sum()
    };
    let mean: Vec<f64> =
        (0..2 * bins).map(|part| periods.iter().map(|block| block[part]).sum::<f64>() / count).collect();
    let noise: Vec<f64> = (0..bins).map(|bin| power(&periods, Some(&mean), bin) / (count - 1.0)).collect();
    let signal: Vec<f64> = (0..bins)
        .map(|bin| (mean[2 * bin].powi(2) + mean[2 * bin + 1].powi(2) - noise[bin] / count).max(0.0))
        .collect();
    let silence: Vec<f64> = (0..bins).map(|bin| power(&idle, None, bin) / idle.len() as f64).collect();
    let bin_hz = f64::from(RATE) / period as f64;
    let range = |hz: (f64, f64)| -> Range<usize> { (hz.0 / bin_hz) as usize..(hz.1 / bin_hz) as usize };
    let sum = |powers: &[f64], hz: (f64, f64)| powers[range(hz)].iter().sum::<f64>();
    let ratio_db = |hz| 10.0 * (sum(&signal, hz) / sum(&noise, hz)).log10();
    let with_signal_db = |hz| {
        let (all, quiet) = (sum(&noise, hz), sum(&silence, hz));
        (all > COMES_WITH_SIGNAL * quiet).then(|| 10.0 * (sum(&signal, hz) / (all - quiet)).log10())
    };
    let snr_db = ratio_db(MIDDLE_HZ);
    if !snr_db.is_finite() {
        return None;
    }
    // Below 4 kHz noise may be too small to stand out: then its bound is what there is of it.
    let split_db = with_signal_db(ABOVE_SPLIT_HZ).map(|upper| (ratio_db(BELOW_SPLIT_HZ), upper));
    let mut bits = 0.0;
    for bin in range((100.0, 20_000.0)) {
        let around = bin.saturating_sub(AROUND)..(bin + AROUND + 1).min(bins);
        let mean = noise[around.clone()].iter().sum::<f64>() / around.len() as f64;
        bits += (signal[bin] / mean.max(f64::MIN_POSITIVE)).max(1.0).log2();
    }
    let rate_kbit_s = bits * bin_hz / 1e3;
    Some(Carried { snr_db, upper_snr_db: ratio_db(ABOVE_SPLIT_HZ), split_db, rate_kbit_s })
}

/// A step of A-law around zero, in parts of digital full scale: 16 steps of 16 bits.
const STEP: f64 = 16.0 / 32_768.0;
/// Frames of the bench for one of the codec.
const RATIO: usize = 6;
/// Frames of the codec around one that say how loud it is there: 2 ms on either side.
const NEAR: usize = 16;
/// Beyond ten steps a calibration that is 0.1 dB off moves a sample by a tenth of a step.
const LARGEST: f64 = 10.0 * STEP;
/// Sound that moves by less than half a step hits one level only, coded or not.
const SMALLEST_RMS: f64 = 0.5 * STEP;
/// With so many samples chance reaches 0.16 of 12 phases.
const SAMPLES_MIN: usize = 400;
/// As many are enough.
const SAMPLES_MAX: usize = 40_000;

/// How well the quiet samples of a recording at the POI lie one step of A-law apart, from 0 to 1: the mean of their phasors
/// on a circle of one step, at the best of twelve phases of the codec's clock. `None` where there are too few.
///
/// `samples` are in the root of a milliwatt, as tracks in dBm0 are. An offset does not matter.
pub(super) fn a_law_steps(samples: &[f64]) -> Option<f64> {
    let to_full_scale = 10f64.powf(DBOV_AT_0_DBM0 / 20.0);
    let scaled: Vec<f64> = samples.iter().map(|sample| sample * to_full_scale).collect();
    let between = fractional_delay(&scaled, 0.5);
    let phases = [&scaled, &between].into_iter().flat_map(|track| {
        (0..RATIO).filter_map(move |phase| {
            let samples: Vec<f64> = track.iter().skip(phase).step_by(RATIO).copied().collect();
            at_phase(&samples)
        })
    });
    phases.fold(None, |best: Option<f64>, one| Some(best.map_or(one, |best| best.max(one))))
}

fn at_phase(samples: &[f64]) -> Option<f64> {
    let (mut re, mut im, mut count) = (0.0, 0.0, 0_usize);
    let width = (2 * NEAR + 1) as f64;
    let (mut sum, mut square) = (0.0, 0.0);
    let mut last_loud = None;
    for (n, sample) in samples.iter().enumerate() {
        sum += sample;
        square += sample * sample;
        if sample.abs() > LARGEST {
            last_loud = Some(n);
        }
        let Some(first) = n.checked_sub(2 * NEAR) else { continue };
        let is_quiet = last_loud.is_none_or(|loud| loud < first);
        let rms = (square / width - (sum / width).powi(2)).max(0.0).sqrt();
        if is_quiet && rms >= SMALLEST_RMS && count < SAMPLES_MAX {
            let (sin, cos) = (std::f64::consts::TAU * samples[n - NEAR] / STEP).sin_cos();
            (re, im, count) = (re + cos, im + sin, count + 1);
        }
        sum -= samples[first];
        square -= samples[first] * samples[first];
    }
    (count >= SAMPLES_MIN).then(|| f64::hypot(re, im) / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise from −1 to 1, from a generator of its own (a linear congruence).
    fn noise(seed: u64, count: usize) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn a_signal_with_noise_of_known_level_carries_what_shannon_says() {
        let period = 8_192;
        let one = noise(1, period);
        for snr_db in [10.0, 25.0, 40.0] {
            let scale = 10f64.powf(-snr_db / 20.0);
            let recorded: Vec<f64> = noise(2, 10 * period)
                .iter()
                .enumerate()
                .map(|(n, off)| one[n % period] + scale * off)
                .collect();
            let found = carried(&recorded, &vec![0.0; 4 * period], period).unwrap();
            assert!((found.snr_db - snr_db).abs() < 0.3, "{snr_db}: {found:?}");
            // White over 19.9 kHz; the mean of log₂ of a squared normal magnitude lies 0.83 below that of its mean.
            let rate = 19.9 * (snr_db / 3.0103 - 0.83);
            assert!((found.rate_kbit_s / rate - 1.0).abs() < 0.05, "{rate}: {found:?}");
            let (lower, upper) = found.split_db.unwrap();
            assert!((lower - snr_db).abs() < 0.5 && (upper - snr_db).abs() < 0.5, "{found:?}");
        }
        // The same noise in silence is none of the signal's.
        let with_noise: Vec<f64> =
            noise(2, 10 * period).iter().enumerate().map(|(n, off)| one[n % period] + 0.1 * off).collect();
        let quiet: Vec<f64> = noise(3, 4 * period).iter().map(|off| 0.1 * off).collect();
        assert_eq!(carried(&with_noise, &quiet, period).unwrap().split_db, None);
        assert_eq!(carried(&with_noise[..3 * period], &quiet, period), None);
    }

    #[test]
    fn a_period_is_found_and_noise_has_none() {
        let one = noise(1, 16_384);
        let repeated: Vec<f64> = (0..10 * 16_384).map(|n| one[n % 16_384]).collect();
        assert_eq!(period(&repeated), Some(16_384));
        assert_eq!(period(&noise(4, 160_000)), None);
        assert_eq!(period(&vec![0.0; 160_000]), None);
        assert_eq!(period(&[]), None);
    }

    #[test]
    fn steps_are_told_from_none_and_from_an_offset() {
        let full_scale = 10f64.powf(DBOV_AT_0_DBM0 / 20.0);
        // Held for six frames, so that the frames of the codec are there whatever its phase.
        let held = |coded: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let codec = noise(5, 8_000);
            codec.iter().flat_map(|one| [coded(one * 3.0 * STEP) / full_scale; RATIO]).collect()
        };
        let stepped = held(&|x| ((x / STEP).floor() + 0.5) * STEP + 0.3 * STEP);
        assert!(a_law_steps(&stepped).unwrap() > 0.99);
        assert!(a_law_steps(&held(&|x| x)).unwrap() < 0.2);
        // Half a step apart they are another codec's.
        assert!(a_law_steps(&held(&|x| (2.0 * x / STEP).round() * STEP / 2.0)).unwrap() < 0.3);
        assert_eq!(a_law_steps(&held(&|_| 0.5 * STEP)), None, "a constant proves nothing");
        assert_eq!(a_law_steps(&held(&|x| 100.0 * x)), None, "nothing of it is quiet");
    }
}
