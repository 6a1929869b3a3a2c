//! Repeats a recording for longer than it lasts, without a click where it begins anew.

use std::f64::consts::FRAC_PI_2;

/// The cross-fade at a seam: long enough that no ear finds it in noise, short against a recording.
const FADE_S: f64 = 0.5;

/// What part of a recording the cross-fade takes, at most.
const FADE_SHARE_MAX: usize = 4;

/// `frames` of a recording. As long as it lasts it is itself; beyond, its end is faded into its beginning over 0.5 s,
/// at most a quarter of it, with gains cos and sin: of noise, the power stays. All channels of one recording have
/// their seams at the same frames.
///
/// One frame more than it has is the rounding of another rate, and no seam: the last sample is held.
pub(super) fn repeated(recording: &[f64], frames: usize, rate: u32) -> Vec<f64> {
    let length = recording.len();
    if frames <= length + 1 {
        let mut samples = recording[..frames.min(length)].to_vec();
        samples.resize(frames, recording.last().copied().unwrap_or(0.0));
        return samples;
    }
    let (fade, period) = turn(length, rate);
    (0..frames)
        .map(|n| {
            let at = n % period;
            if n < period || at >= fade {
                return recording.get(at).copied().unwrap_or(0.0);
            }
            let angle = FRAC_PI_2 * (at as f64 + 0.5) / fade as f64;
            libm::cos(angle) * recording[period + at] + libm::sin(angle) * recording[at]
        })
        .collect()
}

/// One turn of a recording that may be repeated for ever: its end is faded into its beginning as [`repeated`] does it, so
/// it is as much shorter than the recording as the cross-fade is long.
pub(super) fn looped(recording: &[f64], rate: u32) -> Vec<f64> {
    let (_, period) = turn(recording.len(), rate);
    repeated(recording, 2 * period, rate).split_off(period)
}

/// The frames of the cross-fade, and from one beginning to the next.
fn turn(length: usize, rate: u32) -> (usize, usize) {
    let fade = (libm::round(FADE_S * f64::from(rate)) as usize).min(length / FADE_SHARE_MAX);
    (fade, (length - fade).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::random::Random;

    const RATE: u32 = 8_000;

    #[test]
    fn a_recording_is_itself_as_long_as_it_lasts() {
        let ramp: Vec<f64> = (0..RATE).map(f64::from).collect();
        assert_eq!(repeated(&ramp, ramp.len(), RATE), ramp);
        assert_eq!(repeated(&ramp, 10, RATE), ramp[..10]);
        assert_eq!(repeated(&ramp, ramp.len() + 1, RATE)[8_000], 7_999.0);
    }

    #[test]
    fn there_is_no_step_at_the_seam_and_the_power_stays() {
        // A ramp ends 7 999 steps over its beginning; cut together that would be one jump.
        let ramp: Vec<f64> = (0..RATE).map(f64::from).collect();
        let twice = repeated(&ramp, 3 * ramp.len(), RATE);
        let step = twice.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
        assert!(step < 10.0, "{step}");
        // A quarter of the recording is faded, so it begins anew after three quarters.
        assert_eq!(twice[6_000 + 3_000], 3_000.0);
        assert_eq!(twice[2 * 6_000 + 3_000], 3_000.0);

        let mut random = Random::new(7);
        let noise: Vec<f64> = (0..10 * RATE).map(|_| 2.0 * random.uniform() - 1.0).collect();
        let long = repeated(&noise, 2 * noise.len(), RATE);
        let seam = &long[76_000..80_000];
        let power = seam.iter().map(|x| x * x).sum::<f64>() / 4_000.0;
        // A third, the power of uniform noise; 4 000 samples scatter by 1.4 % of it, four of those.
        assert!((3.0 * power - 1.0).abs() < 0.057, "{power}");
    }

    #[test]
    fn a_turn_goes_on_where_it_ends() {
        let ramp: Vec<f64> = (0..RATE).map(f64::from).collect();
        let turn = looped(&ramp, RATE);
        // A quarter of it is faded.
        assert_eq!(turn.len(), 6_000);
        assert_eq!(turn[5_999], 5_999.0);
        assert!((turn[0] - 6_000.0).abs() < 10.0, "{}", turn[0]);
        let long = repeated(&ramp, 18_000, RATE);
        assert_eq!(long[6_000..12_000], turn);
        assert_eq!(long[12_000..], turn);
    }
}
