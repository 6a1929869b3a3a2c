//! Levels in time: mean square, peak, crest, active speech level (P.56), level against time.

use crate::units::{Db, DbOv, Seconds};

/// Samples from here on count as full scale: the largest value that 16 bits hold.
pub const FULL_SCALE: f32 = 1.0 - 1.0 / 32_768.0;

/// The mean square of the signal; 0 for an empty one.
pub fn mean_square(signal: &[f64]) -> f64 {
    if signal.is_empty() {
        return 0.0;
    }
    signal.iter().map(|x| x * x).sum::<f64>() / signal.len() as f64
}

/// The root of the mean square.
pub fn rms(signal: &[f64]) -> f64 {
    mean_square(signal).sqrt()
}

/// The largest magnitude; NaN if there is one in the signal, 0 if it is empty.
pub fn peak(signal: &[f64]) -> f64 {
    signal.iter().fold(0.0, |top: f64, x| if x.is_nan() || x.abs() > top { x.abs() } else { top })
}

/// Peak over RMS; NaN for silence.
pub fn crest(signal: &[f64]) -> Db {
    Db::from_amplitude(peak(signal) / rms(signal))
}

/// The digital level of a power: 0 dBov is a mean square of 1. Zero gives −∞.
pub fn dbov(power: f64) -> DbOv {
    DbOv::new(10.0 * power.log10())
}

/// The mean squares of successive blocks of `frames` frames; a rest shorter than a block is left out.
pub fn block_mean_squares(signal: &[f64], frames: usize) -> Vec<f64> {
    signal.chunks_exact(frames).map(mean_square).collect()
}

/// A first-order mean-square meter: the exponential average of the squared signal with an integration
/// time, as P.1100 to P.1120 use it (35 ms for echo against time, 5 ms for switching).
///
/// After the end of a signal it falls by 4.34 dB per integration time.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelMeter {
    share: f64,
    mean_square: f64,
}

impl LevelMeter {
    /// A meter at rest.
    ///
    /// # Panics
    /// If the integration time is not positive.
    pub fn new(rate: u32, integration: Seconds) -> Self {
        assert!(integration.0 > 0.0, "a meter needs a positive integration time");
        Self { share: -(-1.0 / (f64::from(rate) * integration.0)).exp_m1(), mean_square: 0.0 }
    }

    /// Takes one more frame and returns the mean square.
    pub fn push(&mut self, frame: f64) -> f64 {
        self.mean_square += self.share * (frame * frame - self.mean_square);
        self.mean_square
    }

    /// The mean square after every `step` frames: value `i` is read after frame `(i + 1)·step − 1`.
    pub fn series(&mut self, signal: &[f64], step: usize) -> Vec<f64> {
        assert!(step > 0, "a series needs a step");
        let mut series = Vec::with_capacity(signal.len() / step);
        for (n, &frame) in signal.iter().enumerate() {
            let value = self.push(frame);
            if (n + 1) % step == 0 {
                series.push(value);
            }
        }
        series
    }
}

/// The mean square against time of a meter that starts at rest: value `i` is read after frame
/// `(i + 1)·step − 1`.
pub fn mean_square_series(signal: &[f64], rate: u32, integration: Seconds, step: usize) -> Vec<f64> {
    LevelMeter::new(rate, integration).series(signal, step)
}

/// What the P.56 meter read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SpeechLevel {
    /// Speech was found.
    Active(ActiveSpeech),
    /// Nothing stands out of the lowest threshold by the margin: silence, or a level below about
    /// −74 dBov.
    Silence {
        /// The level of the whole signal.
        rms_level: DbOv,
    },
    /// The signal holds NaN or an infinity.
    NotFinite,
}

impl SpeechLevel {
    /// The reading, if speech was found.
    pub fn active(self) -> Option<ActiveSpeech> {
        match self {
            Self::Active(speech) => Some(speech),
            Self::Silence { .. } | Self::NotFinite => None,
        }
    }
}

/// A reading of the P.56 meter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActiveSpeech {
    /// The level of the active part.
    pub active_level: DbOv,
    /// The level of the whole signal.
    pub rms_level: DbOv,
    /// How much of the time speech is active.
    pub activity_percent: f64,
}

/// Time constant of the envelope (P.56, clause 7: T).
const SMOOTHING_SECONDS: f64 = 0.03;
/// Hangover (P.56, clause 7: H).
const HANGOVER_SECONDS: f64 = 0.2;
/// Margin between the threshold and the active level (P.56, clause 7: M).
const MARGIN_DB: f64 = 15.9;
/// The exponent of the lowest threshold, 2^−15 of full scale.
const LOWEST_EXPONENT: i32 = -15;
/// The 15 thresholds of P.56 end at 2^−1. The others serve signals in pascals and change nothing
/// for a signal within full scale, since the first crossing counts.
const THRESHOLDS: usize = 31;

/// The active speech level by method B of P.56 (2011) at the signal's own rate, interpolated exactly
/// between thresholds. The band limits of annexes B and C are the caller's; DC counts as signal.
pub fn active_speech_level(signal: &[f64], rate: u32) -> SpeechLevel {
    let energy: f64 = signal.iter().map(|x| x * x).sum();
    if !energy.is_finite() {
        return SpeechLevel::NotFinite;
    }
    let rms_level = dbov(if signal.is_empty() { 0.0 } else { energy / signal.len() as f64 });
    let counts = activity_counts(signal, rate);
    match crossing(energy, &counts) {
        None => SpeechLevel::Silence { rms_level },
        Some(active_db) => SpeechLevel::Active(ActiveSpeech {
            active_level: DbOv::new(active_db),
            rms_level,
            activity_percent: 100.0 * (rms_level - DbOv::new(active_db)).power(),
        }),
    }
}

/// For every threshold the number of frames at which the envelope is above it, or was within the
/// hangover.
fn activity_counts(signal: &[f64], rate: u32) -> [u64; THRESHOLDS] {
    let rate = f64::from(rate);
    let g = (-1.0 / (rate * SMOOTHING_SECONDS)).exp();
    let hangover = (HANGOVER_SECONDS * rate + 0.5).floor() as u64;
    let mut counts = [0u64; THRESHOLDS];
    // The frame at which the envelope fell below the threshold; none before the first activity.
    let mut fell_at: [Option<u64>; THRESHOLDS] = [None; THRESHOLDS];
    let mut rose_at = [0u64; THRESHOLDS];
    let (mut p, mut q, mut met) = (0.0, 0.0, 0);
    for (n, x) in signal.iter().enumerate() {
        p = g * p + (1.0 - g) * x.abs();
        q = g * q + (1.0 - g) * p;
        let now = thresholds_met(q);
        if now == met {
            continue;
        }
        let n = n as u64;
        for j in met..now {
            counts[j] += fell_at[j].map_or(0, |fell| (n - fell).min(hangover));
            rose_at[j] = n;
        }
        for j in now..met {
            counts[j] += n - rose_at[j];
            fell_at[j] = Some(n);
        }
        met = now;
    }
    let end = signal.len() as u64;
    for j in 0..THRESHOLDS {
        counts[j] +=
            if j < met { end - rose_at[j] } else { fell_at[j].map_or(0, |fell| (end - fell).min(hangover)) };
    }
    counts
}

/// How many thresholds 2^(j − 15) an envelope reaches: its binary exponent says it.
fn thresholds_met(envelope: f64) -> usize {
    let exponent = ((envelope.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    (exponent - LOWEST_EXPONENT + 1).clamp(0, THRESHOLDS as i32) as usize
}

/// The level in dB at which the active level lies exactly the margin above the threshold.
fn crossing(energy: f64, counts: &[u64; THRESHOLDS]) -> Option<f64> {
    let mut below: Option<(f64, f64)> = None;
    for (j, &count) in counts.iter().enumerate() {
        if count == 0 {
            return None;
        }
        let active_db = 10.0 * (energy / count as f64).log10();
        let threshold_db = 20.0 * f64::from(2i32).log10() * f64::from(j as i32 + LOWEST_EXPONENT);
        let above = active_db - threshold_db - MARGIN_DB;
        match below {
            None if above < 0.0 => return None,
            Some((active_before, above_before)) if above <= 0.0 => {
                let part = above_before / (above_before - above);
                return Some(active_before + part * (active_db - active_before));
            }
            _ => below = Some((active_db, above)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn sine(seconds: f64, rate: u32, amplitude: f64) -> Vec<f64> {
        let count = (seconds * f64::from(rate)) as usize;
        (0..count).map(|n| amplitude * (TAU * 1000.0 * n as f64 / f64::from(rate)).sin()).collect()
    }

    fn active(signal: &[f64], rate: u32) -> ActiveSpeech {
        active_speech_level(signal, rate).active().unwrap()
    }

    #[test]
    fn a_full_scale_sine_is_3_db_under_a_square_wave() {
        let sine = sine(1.0, 48_000, 1.0);
        assert!((dbov(mean_square(&sine)).decibels() + 3.0103).abs() < 1e-4);
        assert!((crest(&sine).0 - 3.0103).abs() < 1e-4);
        assert_eq!(dbov(mean_square(&[1.0, -1.0])).decibels(), 0.0);
        assert_eq!(crest(&[1.0, -1.0]).0, 0.0);
        assert_eq!(rms(&[3.0, -3.0]), 3.0);
        assert_eq!(dbov(mean_square(&[])).decibels(), f64::NEG_INFINITY);
    }

    #[test]
    fn nan_is_not_lost_in_a_peak() {
        assert!(peak(&[1.0, f64::NAN, 0.5]).is_nan());
        assert_eq!(peak(&[0.5, -0.75, 0.1]), 0.75);
        assert!(mean_square(&[1.0, f64::NAN]).is_nan());
        assert!(crest(&[0.0, 0.0]).0.is_nan());
    }

    #[test]
    fn a_steady_sine_is_active_all_the_time() {
        for rate in [8000, 16_000, 48_000] {
            let level = active(&sine(10.0, rate, 0.1), rate);
            assert!((level.rms_level.decibels() + 23.0103).abs() < 1e-4);
            // Only the rise of the envelope is missing: some 10 ms of 10 s.
            assert!((level.active_level - level.rms_level).0 < 0.02, "{level:?}");
            assert!(level.activity_percent > 99.5 && level.activity_percent <= 100.0, "{level:?}");
        }
    }

    #[test]
    fn pauses_count_down_to_the_hangover() {
        // 1 s of tone every 4 s: active is the second itself, the hangover of 0.2 s and the time in
        // which the envelope falls to the threshold, which lies about 16 dB under the level.
        let mut signal = Vec::new();
        for _ in 0..5 {
            signal.extend(sine(1.0, 16_000, 0.3));
            signal.extend(vec![0.0; 48_000]);
        }
        let level = active(&signal, 16_000);
        assert!((29.5..34.0).contains(&level.activity_percent), "{level:?}");
        let ratio = (level.rms_level - level.active_level).power();
        assert!((ratio * 100.0 - level.activity_percent).abs() < 1e-9);
    }

    #[test]
    fn speech_in_pascals_is_read_above_full_scale_too() {
        let quiet = sine(3.0, 8000, 0.2);
        let loud: Vec<f64> = quiet.iter().map(|x| x * 64.0).collect();
        let difference = active(&loud, 8000).active_level - active(&quiet, 8000).active_level;
        assert!((difference.0 - 20.0 * 64f64.log10()).abs() < 1e-9, "{difference:?}");
        // The step of a factor that is no power of two moves the thresholds: interpolation differs.
        let odd: Vec<f64> = quiet.iter().map(|x| x * 10.0).collect();
        let difference = active(&odd, 8000).active_level - active(&quiet, 8000).active_level;
        assert!((difference.0 - 20.0).abs() < 0.05, "{difference:?}");
    }

    #[test]
    fn silence_and_damage_are_values() {
        assert!(matches!(active_speech_level(&[], 8000), SpeechLevel::Silence { .. }));
        assert!(matches!(active_speech_level(&vec![0.0; 8000], 8000), SpeechLevel::Silence { .. }));
        assert!(matches!(active_speech_level(&sine(1.0, 8000, 1e-4), 8000), SpeechLevel::Silence { .. }));
        let mut damaged = sine(1.0, 8000, 0.1);
        damaged[5] = f64::NAN;
        assert_eq!(active_speech_level(&damaged, 8000), SpeechLevel::NotFinite);
        damaged[5] = f64::INFINITY;
        assert_eq!(active_speech_level(&damaged, 8000), SpeechLevel::NotFinite);
    }

    #[test]
    fn thresholds_are_powers_of_two_including_the_edge() {
        assert_eq!(thresholds_met(0.0), 0);
        assert_eq!(thresholds_met(2f64.powi(-15) * 0.999_999), 0);
        assert_eq!(thresholds_met(2f64.powi(-15)), 1);
        assert_eq!(thresholds_met(0.499_999), 14);
        assert_eq!(thresholds_met(0.5), 15);
        assert_eq!(thresholds_met(1e30), THRESHOLDS);
    }

    #[test]
    fn the_35_ms_meter_falls_124_db_per_second() {
        let mut meter = LevelMeter::new(48_000, Seconds(0.035));
        let loud = meter.series(&sine(1.0, 48_000, 1.0), 480);
        // A sine's ripple on this meter: 1/(4π·1000·0.035) of the mean, 0.01 dB.
        assert!((10.0 * (loud[99] / 0.5).log10()).abs() < 0.02, "{}", loud[99]);
        let fall = meter.series(&vec![0.0; 48_000], 480);
        let rate_db = 10.0 * (fall[9] / fall[59]).log10() / 0.5;
        assert!((rate_db - 124.08).abs() < 0.01, "{rate_db}");
    }

    #[test]
    fn a_step_is_within_3_db_on_the_5_ms_meter_after_3_5_ms() {
        for rate in [8000, 16_000, 44_100, 48_000] {
            let series = mean_square_series(&vec![1.0; rate as usize / 10], rate, Seconds(0.005), 1);
            let after = series.iter().position(|v| *v > 0.5).unwrap() as f64 / f64::from(rate);
            assert!((after - 0.005 * 2f64.ln()).abs() <= 1.0 / f64::from(rate), "{rate}: {after}");
        }
    }

    #[test]
    fn blocks_are_whole_blocks() {
        assert_eq!(block_mean_squares(&[1.0, 1.0, 2.0, 2.0, 9.0], 2), [1.0, 4.0]);
        assert_eq!(mean_square_series(&[1.0; 25], 100, Seconds(1.0), 10).len(), 2);
    }
}
