//! Seeded noise of the virtual car, and the weightings in which its level is declared.
//!
//! The generator is the project's own, so the noise is the same on every machine before it is shaped.

use crate::bench::car::spec::Weighting;
use crate::bench::car::{RATE_HZ, response};
use crate::signals::random::Random;

/// The generator of a stream of `seed`: streams of one seed are independent.
pub fn stream(seed: u64, stream: u64) -> Random {
    Random::new(seed ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03))
}

/// A number of mean 0 and variance 1, normal to within 1e-3 of its distribution and bounded by ±8: how many of 64 fair
/// coins fall heads, plus a uniform number that fills the gaps between the counts. A quarter of the time that logarithm
/// and cosine take, and integer arithmetic up to the last step.
pub fn normal(random: &mut Random) -> f32 {
    const UNIT: f32 = 1.0 / 16_777_216.0; // 2^-24
    let deviation = (16.0f32 + 1.0 / 12.0).sqrt();
    let coins = random.bits().count_ones() as f32 - 32.0;
    let between = (random.bits() >> 40) as f32 * UNIT - 0.5;
    (coins + between) / deviation
}

/// Gain of a weighting at `freq_hz`, in dB.
pub fn weight_db(weighting: Weighting, freq_hz: f64) -> f64 {
    match weighting {
        Weighting::A => a_weight_db(freq_hz),
        Weighting::Psophometric => response::gain_at_db(&PSOPHOMETRIC, freq_hz),
    }
}

/// A-weighting, the analytic form of IEC 61672-1.
fn a_weight_db(freq_hz: f64) -> f64 {
    let f2 = freq_hz * freq_hz;
    let corners = [20.598_997, 107.652_65, 737.862_23, 12_194.217].map(|f: f64| f * f);
    let below = (f2 + corners[0]) * ((f2 + corners[1]) * (f2 + corners[2])).sqrt() * (f2 + corners[3]);
    20.0 * (corners[3] * f2 * f2 / below).log10() + 2.000
}

/// Psophometric weighting by O.41: frequency in Hz, gain in dB.
const PSOPHOMETRIC: [(f64, f64); 24] = [
    (16.66, -85.0),
    (50.0, -63.0),
    (100.0, -41.0),
    (200.0, -21.0),
    (300.0, -10.6),
    (400.0, -6.3),
    (500.0, -3.6),
    (600.0, -2.0),
    (700.0, -0.9),
    (800.0, 0.0),
    (900.0, 0.6),
    (1000.0, 1.0),
    (1200.0, 0.0),
    (1400.0, -0.9),
    (1600.0, -1.7),
    (1800.0, -2.4),
    (2000.0, -3.0),
    (2500.0, -4.2),
    (3000.0, -5.6),
    (3500.0, -8.5),
    (4000.0, -15.0),
    (4500.0, -25.0),
    (5000.0, -36.0),
    (6000.0, -43.0),
];

/// The amplitude factor that gives white noise of variance 1 at 48 kHz, shaped by `spectrum`, the weighted mean square
/// of `level_db` between 0 Hz and `upper_hz`.
pub fn gain_for(level_db: f64, weighting: Weighting, spectrum: &[(f64, f64)], upper_hz: f64) -> f64 {
    const STEP_HZ: f64 = 5.0;
    let points = (upper_hz / STEP_HZ) as usize;
    let weighted: f64 = (0..points)
        .map(|k| {
            let freq_hz = (k as f64 + 0.5) * STEP_HZ;
            let gain_db = response::gain_at_db(spectrum, freq_hz) + weight_db(weighting, freq_hz);
            10f64.powf(gain_db / 10.0)
        })
        .sum();
    let density = STEP_HZ / (RATE_HZ / 2.0); // of white noise of variance 1, for each step
    (10f64.powf(level_db / 10.0) / (weighted * density)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_normal() {
        let mut random = stream(7, 1);
        let (mut square, mut fourth, mut sum, mut beyond) = (0.0, 0.0, 0.0, 0);
        let count = 400_000;
        for _ in 0..count {
            let x = f64::from(normal(&mut random));
            sum += x;
            square += x * x;
            fourth += x.powi(4);
            beyond += i32::from(x.abs() > 3.0);
        }
        let count = f64::from(count);
        // four standard deviations of each estimate
        assert!((sum / count).abs() < 4.0 / count.sqrt());
        assert!((square / count - 1.0).abs() < 4.0 * (2.0 / count).sqrt());
        assert!((fourth / count - 3.0).abs() < 0.08); // binomial of 64 has kurtosis 3 − 2/64
        assert!((f64::from(beyond) / count - 0.0027).abs() < 0.0004);
    }

    #[test]
    fn weightings_meet_their_tables() {
        for (freq_hz, expected) in [(100.0, -19.1), (1000.0, 0.0), (3981.07, 1.0), (7943.28, -1.1)] {
            assert!((weight_db(Weighting::A, freq_hz) - expected).abs() < 0.06, "{freq_hz}");
        }
        assert_eq!(weight_db(Weighting::Psophometric, 800.0), 0.0);
        assert!((weight_db(Weighting::Psophometric, 3500.0) + 8.5).abs() < 1e-9);
    }
}
