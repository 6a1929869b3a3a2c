//! How high the meter of a noise may climb by chance: the level that its maximum over a given time exceeds with a given
//! probability.
//!
//! A meter of 35 ms on the noise of a car is above its own mean for 42 to 44 % of the time and reaches 2.5 to 4.9 dB over
//! it within seconds. What is held against the mean of a noise therefore fails without any echo, and so does what is held
//! against the highest reading of another stretch of it.
//!
//! 1. The readings of a stretch of noise alone are cut into blocks of a quarter of a second, many times the meter's
//!    memory; the maximum of each is taken, as a power.
//! 2. The power of a noise on a meter has an exponential tail, so that the maxima of blocks follow Gumbel's distribution.
//!    Its two constants come from the first two linear moments: β = λ₂ / ln 2, μ = λ₁ − γ·β.
//! 3. The maximum over n blocks stays below x with the probability F(x)ⁿ. For it to be 1 − p:
//!    x = μ + β·y with y = −ln(−ln(1 − p)/n).
//! 4. The constants come from few blocks, and a ceiling that is too low by chance is exceeded more often than one too high is
//!    spared. Of N blocks x has the variance β²·v, v = (1.11 + 0.46·y + 0.80·y²)/N (Phien 1987, for linear moments); the mean
//!    of e^(−x/β), which the chance is proportional to, is e^(v/2) times that at the true x: the ceiling is v/2·β higher.

use super::MeterError;
use crate::units::Seconds;

/// The length of a block.
pub const BLOCK: Seconds = Seconds(0.25);
/// Fewer blocks say nothing about a tail.
pub const BLOCKS_MIN: usize = 20;
/// Euler's constant.
const GAMMA: f64 = 0.577_215_664_901_532_9;

/// The power that the readings of a noise exceed within `duration` with the probability `chance`, from the readings
/// `powers` of the same noise alone, `step` apart.
///
/// # Errors
/// The readings cover fewer than [`BLOCKS_MIN`] blocks or hold a value that is no number; `chance` is not between 0 and 1.
pub fn ceiling(powers: &[f64], step: Seconds, duration: Seconds, chance: f64) -> Result<f64, MeterError> {
    let per_block = (BLOCK.0 / step.0).round().max(1.0) as usize;
    let mut maxima: Vec<f64> =
        powers.chunks_exact(per_block).map(|block| block.iter().copied().fold(0.0, f64::max)).collect();
    if powers.iter().any(|power| !power.is_finite()) {
        return Err(MeterError::asked("a reading of the noise is no number", "record it again"));
    }
    if maxima.len() < BLOCKS_MIN {
        return Err(MeterError::asked(
            format!("{:.1} s of noise say nothing about how high it may climb", powers.len() as f64 * step.0),
            format!("use at least {} s of it", BLOCKS_MIN as f64 * BLOCK.0),
        ));
    }
    if !(chance > 0.0 && chance < 1.0) {
        return Err(MeterError::asked(format!("a probability of {chance}"), "use one between 0 and 1"));
    }
    maxima.sort_by(f64::total_cmp);
    let count = maxima.len() as f64;
    let mean = maxima.iter().sum::<f64>() / count;
    let weighted: f64 = (0..).zip(&maxima).map(|(rank, value)| f64::from(rank) * value).sum();
    let second = 2.0 * weighted / (count * (count - 1.0)) - mean;
    let scale = second / std::f64::consts::LN_2;
    let blocks = (duration.0 / BLOCK.0).max(1.0);
    let y = -(-(1.0 - chance).ln() / blocks).ln();
    let variance = (1.1128 + 0.4574 * y + 0.8046 * y * y) / count;
    Ok(mean + scale * (y - GAMMA + variance / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::level::mean_square_series;
    use crate::signals::random::Random;

    const STEP: Seconds = Seconds(0.005);

    /// Readings of a 35 ms meter on noise, low-pass filtered with a first-order filter that keeps `keep`.
    fn readings(seed: u64, seconds: usize, keep: f64) -> Vec<f64> {
        let mut random = Random::new(seed);
        let mut last = 0.0;
        let noise: Vec<f64> = std::iter::repeat_with(|| {
            let white: f64 = (0..12).map(|_| random.uniform()).sum::<f64>() - 6.0;
            last = keep * last + (1.0 - keep) * white;
            last
        })
        .take(seconds * 8_000)
        .collect();
        // The meter has climbed after a second.
        mean_square_series(&noise, 8_000, Seconds(0.035), 40).split_off(200)
    }

    #[test]
    fn a_noise_stays_below_its_ceiling_and_not_far_below_it() {
        // White noise, and noise with its power below 100 Hz as in a car.
        for keep in [0.0, 0.93] {
            let (mut above, mut room_db) = (0, 0.0f64);
            for seed in 0..100 {
                let all = readings(seed, 21, keep);
                let (alone, tested) = all.split_at(3_000);
                let top = ceiling(alone, STEP, Seconds(5.0), 1e-3).unwrap();
                let highest = tested.iter().copied().fold(0.0, f64::max);
                above += u32::from(highest > top);
                room_db += 10.0 * (top / highest).log10() / 100.0;
            }
            // 0.1 of 100 are expected.
            assert!(above <= 1, "{above} of 100 at {keep}");
            assert!((0.3..2.5).contains(&room_db), "{room_db} dB at {keep}");
        }
    }

    #[test]
    fn the_highest_reading_of_another_stretch_is_no_ceiling() {
        let mut above = 0;
        for seed in 0..100 {
            let all = readings(seed, 11, 0.93);
            let (alone, tested) = all.split_at(1_000);
            let highest = |part: &[f64]| part.iter().copied().fold(0.0, f64::max);
            above += u32::from(highest(tested) > highest(alone));
        }
        assert!(above > 25, "{above}");
    }

    #[test]
    fn a_known_distribution_gives_its_known_quantile() {
        // Maxima of blocks that follow Gumbel's distribution with μ = 5 and β = 0.5, in order of probability.
        let count = 4_000;
        let powers: Vec<f64> = (0..count)
            .flat_map(|n| {
                let p = (f64::from(n) + 0.5) / f64::from(count);
                std::iter::repeat_n(5.0 - 0.5 * (-p.ln()).ln(), 50)
            })
            .collect();
        for (seconds, chance) in [(5.0, 1e-3), (1.0, 1e-2), (3.5, 0.05)] {
            let found = ceiling(&powers, STEP, Seconds(seconds), chance).unwrap();
            let exact = 5.0 - 0.5 * (-(1.0f64 - chance).ln() / (seconds / 0.25)).ln();
            assert!((found - exact).abs() < 0.01, "{found} {exact}");
        }
    }

    #[test]
    fn too_little_noise_is_refused() {
        assert!(ceiling(&[1.0; 999], STEP, Seconds(5.0), 1e-3).is_err());
        assert!(ceiling(&[1.0; 1000], STEP, Seconds(5.0), 1e-3).is_ok());
        assert!(ceiling(&[f64::NAN; 1000], STEP, Seconds(5.0), 1e-3).is_err());
        assert!(ceiling(&[1.0; 1000], STEP, Seconds(5.0), 0.0).is_err());
    }
}
