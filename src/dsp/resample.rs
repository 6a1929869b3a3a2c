//! Sample-rate conversion and fractional delay by windowed sinc, without net delay offline.

use super::filter::{kaiser, kaiser_beta, sinc};

/// Stop-band attenuation of the offline converter.
const STOP_DB: f64 = 112.0;
/// Half the filter's length in frames of the lower rate: with [`STOP_DB`] the transition from the
/// pass-band to the stop-band then takes the last tenth below the lower Nyquist frequency.
const HALF_WIDTH: f64 = 74.0;
/// The middle of the transition, relative to the lower Nyquist frequency.
const CUTOFF: f64 = 0.95;

/// The signal at another rate: frame `n` of the result stands at the time `n / to` of the signal, so
/// there is no delay, and it has `⌈len·to/from⌉` frames. The signal is taken as 0 outside.
///
/// Flat within 0.01 dB up to 0.9 of the lower Nyquist frequency, at least 100 dB down from it on.
///
/// # Panics
/// If a rate is 0.
pub fn resample(signal: &[f64], from: u32, to: u32) -> Vec<f64> {
    assert!(from > 0 && to > 0, "a rate is positive");
    if from == to {
        return signal.to_vec();
    }
    let common = gcd(from, to);
    let (up, down) = ((to / common) as usize, (from / common) as usize);
    let phases = Phases::new(up, down);
    let len = (signal.len() * up).div_ceil(down);
    (0..len)
        .map(|n| {
            let position = n * down;
            phases.at(signal, (position / up) as i64, position % up)
        })
        .collect()
}

/// [`resample`] for streams and captures; the filter itself works in double precision.
pub fn resample_f32(signal: &[f32], from: u32, to: u32) -> Vec<f32> {
    let wide: Vec<f64> = signal.iter().map(|&x| f64::from(x)).collect();
    resample(&wide, from, to).into_iter().map(|x| x as f32).collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The converter's filter, one set of taps per phase.
struct Phases {
    /// Taps on each side of the position.
    half: usize,
    /// `2·half` taps for each phase, from the earliest frame on.
    taps: Vec<Vec<f64>>,
}

impl Phases {
    fn new(up: usize, down: usize) -> Self {
        // Relative to the input rate: 1 when converting up, the ratio when converting down.
        let bandwidth = (up as f64 / down as f64).min(1.0);
        let width = HALF_WIDTH / bandwidth;
        let half = libm::ceil(width) as usize;
        let beta = kaiser_beta(STOP_DB);
        let taps = (0..up)
            .map(|phase| {
                let offset = phase as f64 / up as f64;
                let taps: Vec<f64> = (0..2 * half)
                    .map(|i| {
                        let t = offset - (i as f64 - (half as f64 - 1.0));
                        sinc(t * bandwidth * CUTOFF) * kaiser(t / width, beta)
                    })
                    .collect();
                // Every phase passes 0 Hz with exactly unit gain.
                let sum: f64 = taps.iter().sum();
                taps.iter().map(|tap| tap / sum).collect()
            })
            .collect();
        Self { half, taps }
    }

    /// The value at input frame `base` plus `phase / up`.
    fn at(&self, signal: &[f64], base: i64, phase: usize) -> f64 {
        let taps = &self.taps[phase];
        let first = base + 1 - self.half as i64;
        let skip = (-first).clamp(0, taps.len() as i64) as usize;
        let from = (first + skip as i64).clamp(0, signal.len() as i64) as usize;
        dot(&taps[skip..], &signal[from..])
    }
}

/// The sum of products over the shorter length, in four interleaved sums of fixed order: fast, and
/// the same bits everywhere.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let len = a.len().min(b.len());
    let (a, b) = (&a[..len], &b[..len]);
    let mut sums = [0.0; 4];
    let (quads_a, quads_b) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = quads_a.remainder().iter().zip(quads_b.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in quads_a.zip(quads_b) {
        for i in 0..4 {
            sums[i] += x[i] * y[i];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Half the length of the fractional-delay filter in frames.
const DELAY_HALF_WIDTH: usize = 96;

/// The signal later by `frames` (earlier if negative), the length kept, 0 where nothing came yet.
/// Whole numbers of frames are exact; between frames it is a windowed sinc, flat within 0.001 dB and
/// right within 1e-4 frames up to 0.95 of Nyquist.
pub fn fractional_delay(signal: &[f64], frames: f64) -> Vec<f64> {
    let whole = libm::floor(frames);
    let part = frames - whole;
    let whole = whole as i64;
    if part == 0.0 {
        return (0..signal.len() as i64)
            .map(|n| usize::try_from(n - whole).ok().and_then(|i| signal.get(i)).copied().unwrap_or(0.0))
            .collect();
    }
    // y[n] = x(n − whole − part): taps on the frames around n − whole − 1 + (1 − part).
    let beta = kaiser_beta(100.0);
    let half = DELAY_HALF_WIDTH;
    let taps: Vec<f64> = (0..2 * half)
        .map(|i| {
            let t = (1.0 - part) - (i as f64 - (half as f64 - 1.0));
            sinc(t) * kaiser(t / half as f64, beta)
        })
        .collect();
    let phases = Phases { half, taps: vec![taps] };
    (0..signal.len() as i64).map(|n| phases.at(signal, n - whole - 1, 0)).collect()
}

/// Half the length of the filter of [`stretched`] in frames.
const STRETCH_HALF_WIDTH: usize = 48;
/// Positions between two frames that it is tabulated at; a straight line between them is 100 dB exact.
const STRETCH_PHASES: usize = 256;

/// Windowed sinc at every position, the end of the last frame included.
fn stretch_phases() -> Phases {
    let (beta, half) = (kaiser_beta(100.0), STRETCH_HALF_WIDTH);
    let tap = |phase: usize, i: usize| {
        let t = phase as f64 / STRETCH_PHASES as f64 - (i as f64 - (half as f64 - 1.0));
        sinc(t) * kaiser(t / half as f64, beta)
    };
    Phases { half, taps: (0..=STRETCH_PHASES).map(|p| (0..2 * half).map(|i| tap(p, i)).collect()).collect() }
}

/// The signal as a clock hears it that is off by a few thousandths at most: frame `n` of the result stands at the frame
/// `pivot + ratio·(n − pivot)` of the signal, so that a tone of 1 Hz has `ratio` Hz. The length is kept; the signal is taken
/// as 0 outside. Right within 1e-4 up to 0.9 of Nyquist; no filter keeps what passes Nyquist from folding.
pub fn stretched(signal: &[f64], ratio: f64, pivot: f64) -> Vec<f64> {
    let phases = stretch_phases();
    (0..signal.len()).map(|n| between_frames(&phases, signal, pivot + ratio * (n as f64 - pivot))).collect()
}

/// A recording on the clock that played: frame `n` of the result, of which there are `frames`, stands at the frame
/// `first + ratio·n` of the recording, which is taken as 0 outside. As exact as [`stretched`]: a tone up to 0.9 of Nyquist
/// keeps its level within 0.001 dB and its place within 1e-4 radians.
pub fn retimed(recording: &[f64], first: f64, ratio: f64, frames: usize) -> Vec<f64> {
    let phases = stretch_phases();
    (0..frames).map(|n| between_frames(&phases, recording, first + ratio * n as f64)).collect()
}

/// The value at a position, by a straight line between the two phases around it.
fn between_frames(phases: &Phases, signal: &[f64], position: f64) -> f64 {
    let whole = libm::floor(position);
    let phase = (position - whole) * STRETCH_PHASES as f64;
    let row = (phase as usize).min(STRETCH_PHASES - 1);
    let (low, high) = (phases.at(signal, whole as i64, row), phases.at(signal, whole as i64, row + 1));
    low + (phase - row as f64) * (high - low)
}

/// Stop-band attenuation of the streaming converters.
const STREAM_STOP_DB: f64 = 90.0;
/// Half their length in frames of the lower rate.
const STREAM_HALF_WIDTH: usize = 46;
/// The middle of their transition, relative to the lower Nyquist frequency.
const STREAM_CUTOFF: f64 = 0.9375;

/// The low-pass of a streaming converter with `ratio` taps per frame of the lower rate, of odd length,
/// with unit gain at 0 Hz.
fn stream_taps(ratio: usize) -> Vec<f32> {
    let half = STREAM_HALF_WIDTH * ratio;
    let beta = kaiser_beta(STREAM_STOP_DB);
    let taps: Vec<f64> = (0..=2 * half)
        .map(|i| {
            let t = i as f64 - half as f64;
            sinc(t * STREAM_CUTOFF / ratio as f64) * kaiser(t / (half as f64 + 1.0), beta)
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

/// Lowers the rate of a stream by a whole number, block by block, allocating nothing after
/// construction. Flat to 0.875 of the lower Nyquist frequency, 85 dB down from it on.
#[derive(Debug, Clone)]
pub struct Decimator {
    ratio: usize,
    block: usize,
    taps: Vec<f32>,
    /// The last `taps.len() − 1` frames, then the current block.
    line: Vec<f32>,
}

impl Decimator {
    /// A converter at rest that takes blocks of `block` frames at the higher rate.
    ///
    /// # Panics
    /// If `ratio` is 0 or does not divide `block`.
    pub fn new(ratio: usize, block: usize) -> Self {
        assert!(ratio > 0 && block.is_multiple_of(ratio), "{block} frames are no multiple of {ratio}");
        let taps = stream_taps(ratio);
        let line = vec![0.0; taps.len() - 1 + block];
        Self { ratio, block, taps, line }
    }

    /// The delay in frames of the higher rate; a multiple of the ratio.
    pub fn latency(&self) -> usize {
        STREAM_HALF_WIDTH * self.ratio
    }

    /// Converts one block; `output` holds `block / ratio` frames.
    ///
    /// # Panics
    /// If the lengths are wrong.
    pub fn process(&mut self, input: &[f32], output: &mut [f32]) {
        assert!(input.len() == self.block && output.len() * self.ratio == self.block, "not one block");
        let kept = self.taps.len() - 1;
        self.line[kept..].copy_from_slice(input);
        for (i, out) in output.iter_mut().enumerate() {
            *out = dot_f32(&self.taps, &self.line[i * self.ratio..]);
        }
        self.line.copy_within(self.block.., 0);
    }
}

/// Raises the rate of a stream by a whole number, block by block, allocating nothing after
/// construction. Flat to 0.875 of the lower Nyquist frequency, images 85 dB down.
#[derive(Debug, Clone)]
pub struct Interpolator {
    ratio: usize,
    block: usize,
    /// The taps of each phase, latest frame first reversed so that they run with the line.
    phases: Vec<Vec<f32>>,
    /// The last frames of the lower rate, then the current block.
    line: Vec<f32>,
}

impl Interpolator {
    /// A converter at rest that gives blocks of `block` frames at the higher rate.
    ///
    /// # Panics
    /// If `ratio` is 0 or does not divide `block`.
    pub fn new(ratio: usize, block: usize) -> Self {
        assert!(ratio > 0 && block.is_multiple_of(ratio), "{block} frames are no multiple of {ratio}");
        let taps = stream_taps(ratio);
        let per_phase = taps.len().div_ceil(ratio);
        let phases = (0..ratio)
            .map(|phase| {
                let tap = |k: usize| taps.get(k * ratio + phase).copied().unwrap_or(0.0) * ratio as f32;
                (0..per_phase).rev().map(tap).collect()
            })
            .collect();
        Self { ratio, block, phases, line: vec![0.0; per_phase - 1 + block / ratio] }
    }

    /// The delay in frames of the higher rate; a multiple of the ratio.
    pub fn latency(&self) -> usize {
        STREAM_HALF_WIDTH * self.ratio
    }

    /// Converts one block; `input` holds `block / ratio` frames.
    ///
    /// # Panics
    /// If the lengths are wrong.
    pub fn process(&mut self, input: &[f32], output: &mut [f32]) {
        assert!(output.len() == self.block && input.len() * self.ratio == self.block, "not one block");
        let kept = self.line.len() - input.len();
        self.line[kept..].copy_from_slice(input);
        for (i, frames) in output.chunks_exact_mut(self.ratio).enumerate() {
            for (out, taps) in frames.iter_mut().zip(&self.phases) {
                *out = dot_f32(taps, &self.line[i..]);
            }
        }
        self.line.copy_within(input.len().., 0);
    }
}

/// The sum of products over the shorter length, in eight interleaved sums of fixed order.
fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    let len = a.len().min(b.len());
    let (a, b) = (&a[..len], &b[..len]);
    let mut sums = [0.0f32; 8];
    let (eights_a, eights_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = eights_a.remainder().iter().zip(eights_b.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in eights_a.zip(eights_b) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATES: [u32; 6] = [8000, 16_000, 32_000, 44_100, 48_000, 96_000];

    fn sine(count: usize, rate: u32, freq_hz: f64, phase: f64) -> Vec<f64> {
        (0..count).map(|n| (TAU * freq_hz * n as f64 / f64::from(rate) + phase).sin()).collect()
    }

    /// The largest difference over the middle, where the ends of the signal don't reach.
    fn error(ours: &[f64], expected: &[f64], margin: usize) -> f64 {
        let inside = margin..ours.len().min(expected.len()) - margin;
        ours[inside.clone()]
            .iter()
            .zip(&expected[inside])
            .fold(0.0, |top, (a, b)| f64::max(top, (a - b).abs()))
    }

    #[test]
    fn tones_arrive_in_gain_and_phase_between_all_rates() {
        for from in RATES {
            for to in RATES {
                let low = from.min(to);
                for part in [0.01, 0.3, 0.7, 0.9] {
                    let freq_hz = part * f64::from(low) / 2.0;
                    let ours = resample(&sine(from as usize / 8, from, freq_hz, 0.4), from, to);
                    assert_eq!(ours.len(), (from as usize / 8 * to as usize).div_ceil(from as usize));
                    let expected = sine(ours.len(), to, freq_hz, 0.4);
                    // 0.01 dB is 1.2e-3; the design has far less ripple: −110 dB.
                    let margin = 80 * to as usize / low as usize;
                    let error = error(&ours, &expected, margin);
                    assert!(error < 1e-5, "{from} → {to} at {freq_hz} Hz: {error}");
                }
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone_by_100_db() {
        for (from, to) in
            [(48_000, 8000), (48_000, 16_000), (48_000, 44_100), (96_000, 48_000), (44_100, 16_000)]
        {
            for part in [1.0, 1.02, 1.3, 1.7] {
                let freq_hz = part * f64::from(to) / 2.0;
                if freq_hz > 0.99 * f64::from(from) / 2.0 {
                    continue;
                }
                let ours = resample(&sine(from as usize / 8, from, freq_hz, 1.0), from, to);
                let peak = error(&ours, &vec![0.0; ours.len()], 80);
                assert!(peak < 1e-5, "{from} → {to} at {freq_hz} Hz: {peak}");
            }
        }
    }

    #[test]
    fn images_are_100_db_down() {
        // 3 kHz from 8 to 48 kHz: nothing but the tone; 43 200 frames hold whole periods.
        let ours = resample(&sine(8000, 8000, 3000.0, 0.0), 8000, 48_000);
        let inner = &ours[1200..44_400];
        let spectrum = crate::dsp::spectrum::power_spectrum(inner, 48_000);
        let images = spectrum.band_power(3100.0, 24_000.0);
        assert!(10.0 * (images / 0.5).log10() < -100.0, "{images}");
    }

    #[test]
    fn lengths_round_up_and_nothing_stays_nothing() {
        assert!(resample(&[], 48_000, 8000).is_empty());
        assert_eq!(resample(&[1.0; 7], 48_000, 8000).len(), 2);
        assert_eq!(resample(&[1.0; 7], 8000, 48_000).len(), 42);
        assert_eq!(resample(&[1.0, 2.0], 8000, 8000), [1.0, 2.0]);
        assert!(resample(&[f64::NAN; 4], 8000, 16_000)[2].is_nan());
    }

    #[test]
    fn a_constant_keeps_its_value() {
        for y in &resample(&vec![0.25; 4000], 44_100, 16_000)[200..1200] {
            assert!((y - 0.25).abs() < 1e-6);
        }
    }

    #[test]
    fn a_fractional_delay_moves_tones_exactly() {
        let rate = 48_000;
        for frames in [0.5, 3.25, 100.01, -20.7, 0.999] {
            for freq_hz in [50.0, 1000.0, 12_000.0, 22_800.0] {
                let ours = fractional_delay(&sine(2000, rate, freq_hz, 0.3), frames);
                let expected = sine(2000, rate, freq_hz, 0.3 - TAU * freq_hz * frames / f64::from(rate));
                let error = error(&ours, &expected, 200);
                // Up to 0.95 of Nyquist, 100 dB.
                assert!(error < 2e-5, "{frames} frames at {freq_hz} Hz: {error}");
            }
        }
    }

    #[test]
    fn another_clock_turns_tones_by_its_ratio_around_the_pivot() {
        let (rate, pivot) = (48_000.0, 3_000.5);
        for ratio in [0.999, 1.0 - 1e-4, 1.0, 1.0 + 1e-6, 1.0 + 2e-4] {
            for hz in [100.0, 1_000.0, 7_777.0, 20_000.0] {
                let turn = |at: f64| (std::f64::consts::TAU * hz * at / rate + 0.3).sin();
                let signal: Vec<f64> = (0..6_000).map(|n| turn(f64::from(n))).collect();
                for (n, y) in stretched(&signal, ratio, pivot).iter().enumerate().take(5_900).skip(100) {
                    let expected = turn(pivot + ratio * (n as f64 - pivot));
                    assert!((y - expected).abs() < 1e-4, "{ratio} {hz} Hz, frame {n}: {y} {expected}");
                }
            }
        }
        assert!(stretched(&[], 1.0, 0.0).is_empty());
    }

    #[test]
    fn a_retimed_recording_stands_on_the_clock_that_played() {
        let rate = 48_000.0;
        for (ppm, first) in [(200.0, 0.4), (-200.0, -0.4), (37.5, 0.0), (-0.2, 12.25)] {
            let ratio = 1.0 + ppm * 1e-6;
            for hz in [50.0, 1_000.0, 9_999.0, 21_600.0] {
                // What a clock that is off by `ppm` records of a tone: its frame n is heard at (n − first) / ratio.
                let heard = |n: f64| (TAU * hz * (n - first) / ratio / rate + 0.3).sin();
                let recording: Vec<f64> = (0..24_000).map(|n| heard(f64::from(n))).collect();
                let ours = retimed(&recording, first, ratio, 23_800);
                for (n, y) in ours.iter().enumerate().skip(100) {
                    let expected = (TAU * hz * n as f64 / rate + 0.3).sin();
                    assert!((y - expected).abs() < 1e-4, "{ppm} ppm, {hz} Hz, frame {n}: {y} {expected}");
                }
            }
        }
        // What was not recorded is nothing.
        assert_eq!(retimed(&[1.0; 10], 500.0, 1.0001, 3), [0.0; 3]);
    }

    #[test]
    fn whole_delays_are_exact() {
        assert_eq!(fractional_delay(&[1.0, 2.0, 3.0], 1.0), [0.0, 1.0, 2.0]);
        assert_eq!(fractional_delay(&[1.0, 2.0, 3.0], -2.0), [3.0, 0.0, 0.0]);
        assert_eq!(fractional_delay(&[1.0, 2.0, 3.0], 0.0), [1.0, 2.0, 3.0]);
        assert_eq!(fractional_delay(&[1.0, 2.0], 1e6), [0.0, 0.0]);
        assert_eq!(fractional_delay(&[1.0, 2.0], -1e6 - 0.5), [0.0, 0.0]);
    }

    fn decimated(input: &[f64], ratio: usize, block: usize) -> (Vec<f64>, usize) {
        let mut converter = Decimator::new(ratio, block);
        let mut out = vec![0.0; block / ratio];
        let mut all = Vec::new();
        for chunk in input.chunks_exact(block) {
            let chunk: Vec<f32> = chunk.iter().map(|x| *x as f32).collect();
            converter.process(&chunk, &mut out);
            all.extend(out.iter().map(|x| f64::from(*x)));
        }
        (all, converter.latency())
    }

    fn interpolated(input: &[f64], ratio: usize, block: usize) -> (Vec<f64>, usize) {
        let mut converter = Interpolator::new(ratio, block);
        let mut out = vec![0.0; block];
        let mut all = Vec::new();
        for chunk in input.chunks_exact(block / ratio) {
            let chunk: Vec<f32> = chunk.iter().map(|x| *x as f32).collect();
            converter.process(&chunk, &mut out);
            all.extend(out.iter().map(|x| f64::from(*x)));
        }
        (all, converter.latency())
    }

    #[test]
    fn streams_are_late_by_their_latency_and_by_nothing_else() {
        for (high, ratio, block) in [(48_000u32, 3, 480), (48_000, 6, 480), (16_000, 2, 160)] {
            let low = high / ratio as u32;
            for part in [0.02, 0.4, 0.875] {
                let freq_hz = part * f64::from(low) / 2.0;
                let (down, latency) = decimated(&sine(48_000, high, freq_hz, 0.0), ratio, block);
                let late = -TAU * freq_hz * latency as f64 / f64::from(high);
                let expected = sine(down.len(), low, freq_hz, late);
                // Single precision and 90 dB of design.
                assert!(error(&down, &expected, 100) < 1e-4, "down {ratio} {freq_hz}");

                let (up, latency) = interpolated(&sine(16_000, low, freq_hz, 0.0), ratio, block);
                let late = -TAU * freq_hz * latency as f64 / f64::from(high);
                let expected = sine(up.len(), high, freq_hz, late);
                assert!(error(&up, &expected, 100 * ratio) < 1e-4, "up {ratio} {freq_hz}");
            }
        }
    }

    #[test]
    fn streams_keep_85_db_from_aliases_and_images() {
        let (down, _) = decimated(&sine(48_000, 48_000, 4001.0, 0.0), 6, 480);
        assert!(error(&down, &vec![0.0; down.len()], 100) < 10f64.powf(-85.0 / 20.0));
        let (up, _) = interpolated(&sine(8000, 8000, 3400.0, 0.0), 6, 480);
        let inner = &up[2400..2400 + 43_200];
        let images = crate::dsp::spectrum::power_spectrum(inner, 48_000).band_power(3500.0, 24_000.0);
        assert!(10.0 * (images / 0.5).log10() < -85.0, "{images}");
    }

    #[test]
    fn down_and_up_again_is_a_delay_of_both_latencies() {
        let x: Vec<f64> = sine(24_000, 48_000, 700.0, 0.0);
        let (down, first) = decimated(&x, 3, 480);
        let (up, second) = interpolated(&down, 3, 480);
        let expected = fractional_delay(&x, (first + second) as f64);
        assert!(error(&up, &expected, 1000) < 1e-4);
    }

    #[test]
    #[should_panic(expected = "no multiple")]
    fn a_block_is_a_multiple_of_the_ratio() {
        Decimator::new(6, 100);
    }
}
