//! Linear-phase filters of the virtual car, designed from points of a response.
//!
//! Everything here is direct sums: designs are made once per car, and the car's truth reads the taps themselves.

use std::f64::consts::PI;

use crate::bench::car::RATE_HZ;

/// Gain in dB at `freq_hz` of a response given by points: straight lines in dB over log f, end values held.
/// No points are 0 dB.
pub fn gain_at_db(points: &[(f64, f64)], freq_hz: f64) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return 0.0 };
    if freq_hz <= first.0 {
        return first.1;
    }
    if freq_hz >= last.0 {
        return last.1;
    }
    let above = points.partition_point(|point| point.0 <= freq_hz);
    let ((f0, g0), (f1, g1)) = (points[above - 1], points[above]);
    g0 + (g1 - g0) * (freq_hz / f0).ln() / (f1 / f0).ln()
}

/// The value at `x` of straight lines through points that rise in x, end values held. No points are 0.
pub fn straight_at(points: &[(f64, f64)], x: f64) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return 0.0 };
    let between = points.windows(2).find(|pair| (pair[0].0..pair[1].0).contains(&x)).map(|pair| {
        let share = (x - pair[0].0) / (pair[1].0 - pair[0].0);
        pair[0].1 + share * (pair[1].1 - pair[0].1)
    });
    between.unwrap_or(if x < first.0 { first.1 } else { last.1 })
}

/// Taps of the filter with the given response: 2·`half` + 1 taps, symmetric, so its delay is `half` samples.
/// The Hann window smears the response over about 4·24 000/`half` Hz.
pub fn taps_of_points(points: &[(f64, f64)], half: usize) -> Vec<f64> {
    taps_of(half, |freq_hz| 10f64.powf(gain_at_db(points, freq_hz) / 20.0))
}

/// Taps of the symmetric filter with the amplitude response `amplitude`, by frequency sampling.
pub fn taps_of(half: usize, amplitude: impl Fn(f64) -> f64) -> Vec<f64> {
    let grid = (8 * half).next_power_of_two();
    let cosine: Vec<f64> = (0..grid).map(|i| (2.0 * PI * i as f64 / grid as f64).cos()).collect();
    let sampled: Vec<f64> = (0..=grid / 2).map(|k| amplitude(k as f64 * RATE_HZ / grid as f64)).collect();
    let mut taps = vec![0.0; 2 * half + 1];
    for lag in 0..=half {
        let ends = sampled[0] + sampled[grid / 2] * cosine[lag * (grid / 2) % grid];
        let inner: f64 = (1..grid / 2).map(|k| sampled[k] * cosine[k * lag % grid]).sum();
        let window = 0.5 + 0.5 * (PI * lag as f64 / (half + 1) as f64).cos();
        let tap = (ends + 2.0 * inner) / grid as f64 * window;
        taps[half + lag] = tap;
        taps[half - lag] = tap;
    }
    taps
}

/// A low-pass with pass-band to `pass_hz` and 80 dB of loss from `stop_hz`: windowed sinc with a Kaiser window.
/// The number of taps is odd; the delay is half of it, rounded down.
pub fn low_pass_taps(pass_hz: f64, stop_hz: f64) -> Vec<f64> {
    const LOSS_DB: f64 = 80.0;
    let beta = 0.1102 * (LOSS_DB - 8.7); // Kaiser's design formula for losses above 50 dB
    let transition = 2.0 * PI * (stop_hz - pass_hz) / RATE_HZ;
    let half = ((LOSS_DB - 7.95) / (2.285 * transition) / 2.0).ceil() as usize;
    let cutoff = (pass_hz + stop_hz) / RATE_HZ; // cycles per sample times two
    let taps: Vec<f64> = (0..=2 * half)
        .map(|n| {
            let at = n as f64 - half as f64;
            let sinc = if at == 0.0 { cutoff } else { (PI * cutoff * at).sin() / (PI * at) };
            let x = at / half as f64;
            sinc * bessel_i0(beta * (1.0 - x * x).max(0.0).sqrt()) / bessel_i0(beta)
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| tap / sum).collect()
}

/// The modified Bessel function of the first kind, order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..60 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

/// Adds an impulse of `gain` at a fractional `delay` in samples to `taps`: a Hann-windowed sinc of 33 taps, within
/// 0.05 dB of flat to 20 kHz. A whole number of samples is one tap exactly. What falls outside is cut.
pub fn add_impulse(taps: &mut [f64], delay: f64, gain: f64) {
    const HALF: i64 = 16;
    let nearest = delay.round();
    let fraction = delay - nearest;
    if fraction == 0.0 {
        if let Some(tap) = taps.get_mut(nearest as usize) {
            *tap += gain;
        }
        return;
    }
    // sin(π(n − d)) only changes its sign from tap to tap
    let sine = -(PI * fraction).sin() * gain / PI;
    let step = PI / (HALF as f64 + 1.0);
    for offset in -HALF..=HALF {
        let at = nearest as i64 + offset;
        let Some(tap) = usize::try_from(at).ok().and_then(|at| taps.get_mut(at)) else { continue };
        let x = offset as f64 - fraction;
        let window = 0.5 + 0.5 * (step * x).cos();
        let sign = if offset % 2 == 0 { 1.0 } else { -1.0 };
        *tap += sign * sine * window / x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain_db(taps: &[f64], freq_hz: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, tap) in taps.iter().enumerate() {
            let phase = 2.0 * PI * freq_hz * n as f64 / RATE_HZ;
            re += tap * phase.cos();
            im -= tap * phase.sin();
        }
        20.0 * re.hypot(im).log10()
    }

    #[test]
    fn points_are_met_by_the_taps() {
        let points = [(200.0, -6.0), (1000.0, 0.0), (4000.0, 3.0)];
        let taps = taps_of_points(&points, 480);
        for (freq_hz, expected) in [(1000.0, 0.0), (4000.0, 3.0), (6000.0, 3.0), (2000.0, 1.5)] {
            // the window rounds corners by less than 0.05 dB
            assert!((gain_db(&taps, freq_hz) - expected).abs() < 0.05, "{freq_hz}");
        }
    }

    #[test]
    fn low_pass_passes_and_stops() {
        let taps = low_pass_taps(7_000.0, 8_000.0);
        assert!(gain_db(&taps, 1000.0).abs() < 0.002);
        assert!(gain_db(&taps, 7000.0).abs() < 0.002);
        assert!(gain_db(&taps, 8000.0) < -78.0);
        assert!(gain_db(&taps, 12_345.0) < -78.0);
    }

    #[test]
    fn impulses_keep_gain_and_delay_between_samples() {
        let mut taps = vec![0.0; 128];
        add_impulse(&mut taps, 50.3, 0.5);
        for freq_hz in [100.0, 1000.0, 8000.0, 18_000.0] {
            assert!(
                (gain_db(&taps, freq_hz) + 6.0206).abs() < 0.05,
                "{freq_hz}: {}",
                gain_db(&taps, freq_hz)
            );
        }
        let mut one = vec![0.0; 8];
        add_impulse(&mut one, 3.0, 2.0);
        assert_eq!(one, [0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
