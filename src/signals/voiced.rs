//! Voiced sounds from the samples of one period, at any rate.
//!
//! One period of N samples at the rate R is a Fourier series on R/N: at R the series *is* the samples, at another
//! rate it is what lies between them, without what the other rate cannot hold. Nothing is interpolated.

use std::f64::consts::TAU;

use super::catalogue::Voiced;
use super::composite::HIGHEST_OVER_RATE;
use super::lines::LineSpectrum;

/// The Fourier series of one period: cosine and minus-sine amplitude of each harmonic, the mean first.
pub fn harmonics(sound: &Voiced) -> LineSpectrum {
    let count = sound.samples.len();
    let lines = (0..=count / 2).map(|n| {
        let (mut re, mut im) = (0.0, 0.0);
        for (m, x) in sound.samples.iter().enumerate() {
            let angle = TAU * ((n * m) % count) as f64 / count as f64;
            re += x * libm::cos(angle);
            im -= x * libm::sin(angle);
        }
        // The mean and, with an even count, the last line have no twin at the negative frequency.
        let twins = if n == 0 || 2 * n == count { 1.0 } else { 2.0 };
        (twins * re / count as f64, twins * im / count as f64)
    });
    LineSpectrum { spacing_hz: sound.rate_hz / count as f64, lines: lines.collect() }
}

/// `count` samples of the sound at `rate`, from the start of a period on, with its harmonics up to `max_hz` and
/// up to 0.45 of the rate. At the sound's own rate, where nothing limits it, these are the samples themselves.
pub fn render(sound: &Voiced, rate: u32, count: usize) -> Vec<f64> {
    if f64::from(rate) == sound.rate_hz && sound.max_hz.is_none() {
        return sound.samples.iter().copied().cycle().take(count).collect();
    }
    let series = harmonics(sound);
    let highest = sound.max_hz.unwrap_or(f64::INFINITY).min(HIGHEST_OVER_RATE * f64::from(rate));
    let step = series.spacing_hz / f64::from(rate);
    let kept = series.lines.iter().enumerate().filter(|(n, _)| *n as f64 * series.spacing_hz <= highest);
    let kept: Vec<(f64, (f64, f64))> = kept.map(|(n, line)| (n as f64, *line)).collect();
    (0..count)
        .map(|t| {
            let turns = step * t as f64;
            kept.iter().fold(0.0, |sum, &(n, (re, im))| {
                let angle = TAU * (n * turns - libm::floor(n * turns));
                sum + re * libm::cos(angle) - im * libm::sin(angle)
            })
        })
        .collect()
}

/// RMS of the endless sound at `rate`, by the power of its harmonics.
pub fn endless_rms(sound: &Voiced, rate: u32) -> f64 {
    let series = harmonics(sound);
    let highest = sound.max_hz.unwrap_or(f64::INFINITY).min(HIGHEST_OVER_RATE * f64::from(rate));
    let last = sound.samples.len() / 2;
    let power = series.lines.iter().enumerate().filter(|(n, _)| *n as f64 * series.spacing_hz <= highest);
    let power = power.map(|(n, (re, im))| {
        let alone = n == 0 || (n == last && sound.samples.len().is_multiple_of(2));
        (re * re + im * im) / if alone { 1.0 } else { 2.0 }
    });
    libm::sqrt(power.sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(max_hz: Option<f64>) -> Voiced {
        let samples = (0..27).map(|k| f64::from((k * k) % 31) - 15.0).collect();
        Voiced { samples, rate_hz: 44_100.0, max_hz }
    }

    #[test]
    fn at_its_own_rate_the_series_is_the_table() {
        let table = render(&sound(None), 44_100, 100);
        for (n, x) in table.iter().enumerate() {
            assert_eq!(*x, sound(None).samples[n % 27]);
        }
        // The series without any limit, at twice the rate: every second sample is the table's.
        let series = harmonics(&sound(None));
        for (n, want) in table.iter().enumerate() {
            let sum: f64 = series.lines.iter().enumerate().fold(0.0, |sum, (k, (re, im))| {
                let angle = TAU * (k * n % 27) as f64 / 27.0;
                sum + re * angle.cos() - im * angle.sin()
            });
            assert!((sum - want).abs() < 1e-12 * 15.0, "{n}: {sum} {want}");
        }
        // At twice the rate all 13 harmonics (21 233 Hz) are below 0.45 of it.
        let twice = render(&sound(None), 88_200, 200);
        for (n, want) in table.iter().enumerate() {
            assert!((twice[2 * n] - want).abs() < 1e-9, "{n}");
        }
        let power = table[..27].iter().map(|x| x * x).sum::<f64>() / 27.0;
        assert!((endless_rms(&sound(None), 88_200) - power.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn a_limit_leaves_harmonics_out() {
        // 1 633 Hz apart: two harmonics below 4 kHz, and the mean.
        let limited = sound(Some(4_000.0));
        let samples = render(&limited, 44_100, 27 * 40);
        let power = samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64;
        let lines = &harmonics(&limited).lines[..3];
        let want = lines[0].0 * lines[0].0
            + (lines[1].0 * lines[1].0
                + lines[1].1 * lines[1].1
                + lines[2].0 * lines[2].0
                + lines[2].1 * lines[2].1)
                / 2.0;
        assert!((power - want).abs() < 1e-9 * want, "{power} {want}");
        assert!((endless_rms(&limited, 44_100) - want.sqrt()).abs() < 1e-9);
    }
}
