//! Recursive filters, and linear-phase filters drawn from a curve.

use super::curve::{Curve, Outside};
use libm::{cos, pow, sin, sqrt};
use std::f64::consts::{PI, TAU};

/// A second-order section, normalized to a0 = 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Biquad {
    /// Numerator b0, b1, b2.
    pub b: [f64; 3],
    /// Denominator a1, a2.
    pub a: [f64; 2],
}

impl Biquad {
    fn normalized(b: [f64; 3], a: [f64; 3]) -> Self {
        Self { b: b.map(|v| v / a[0]), a: [a[1] / a[0], a[2] / a[0]] }
    }

    fn angle(rate: u32, freq_hz: f64, q: f64) -> (f64, f64) {
        let nyquist = f64::from(rate) / 2.0;
        assert!(0.0 < freq_hz && freq_hz < nyquist && q > 0.0, "no section at {freq_hz} Hz with Q {q}");
        let w = PI * freq_hz / nyquist;
        (cos(w), sin(w) / (2.0 * q))
    }

    /// A low-pass with its pole pair at `freq_hz`: Q = 0.7071 gives −3 dB there.
    pub fn lowpass(rate: u32, freq_hz: f64, q: f64) -> Self {
        let (c, alpha) = Self::angle(rate, freq_hz, q);
        let b = (1.0 - c) / 2.0;
        Self::normalized([b, 2.0 * b, b], [1.0 + alpha, -2.0 * c, 1.0 - alpha])
    }

    /// A high-pass with its pole pair at `freq_hz`.
    pub fn highpass(rate: u32, freq_hz: f64, q: f64) -> Self {
        let (c, alpha) = Self::angle(rate, freq_hz, q);
        let b = f64::midpoint(1.0, c);
        Self::normalized([b, -2.0 * b, b], [1.0 + alpha, -2.0 * c, 1.0 - alpha])
    }

    /// A band-pass with 0 dB at `freq_hz` and a −3 dB width of about `freq_hz / q`.
    pub fn bandpass(rate: u32, freq_hz: f64, q: f64) -> Self {
        let (c, alpha) = Self::angle(rate, freq_hz, q);
        Self::normalized([alpha, 0.0, -alpha], [1.0 + alpha, -2.0 * c, 1.0 - alpha])
    }

    /// A bell of `gain_db` at `freq_hz`.
    pub fn peaking(rate: u32, freq_hz: f64, q: f64, gain_db: f64) -> Self {
        let (c, alpha) = Self::angle(rate, freq_hz, q);
        let a = pow(10.0, gain_db / 40.0);
        Self::normalized(
            [1.0 + alpha * a, -2.0 * c, 1.0 - alpha * a],
            [1.0 + alpha / a, -2.0 * c, 1.0 - alpha / a],
        )
    }

    /// A shelf of `gain_db` below `freq_hz`, where it reaches half of it in dB.
    pub fn low_shelf(rate: u32, freq_hz: f64, q: f64, gain_db: f64) -> Self {
        Self::shelf(rate, freq_hz, q, gain_db, 1.0)
    }

    /// A shelf of `gain_db` above `freq_hz`, where it reaches half of it in dB.
    pub fn high_shelf(rate: u32, freq_hz: f64, q: f64, gain_db: f64) -> Self {
        Self::shelf(rate, freq_hz, q, gain_db, -1.0)
    }

    /// Both shelves: `side` is 1 for the low and −1 for the high one.
    fn shelf(rate: u32, freq_hz: f64, q: f64, gain_db: f64, side: f64) -> Self {
        let (c, alpha) = Self::angle(rate, freq_hz, q);
        let c = c * side;
        let a = pow(10.0, gain_db / 40.0);
        let root = 2.0 * sqrt(a) * alpha;
        Self::normalized(
            [
                a * ((a + 1.0) - (a - 1.0) * c + root),
                2.0 * a * ((a - 1.0) - (a + 1.0) * c) * side,
                a * ((a + 1.0) - (a - 1.0) * c - root),
            ],
            [
                (a + 1.0) + (a - 1.0) * c + root,
                -2.0 * ((a - 1.0) + (a + 1.0) * c) * side,
                (a + 1.0) + (a - 1.0) * c - root,
            ],
        )
    }

    /// A first-order low-pass (in a section with one empty pole), −3 dB at `freq_hz`.
    pub fn first_order_lowpass(rate: u32, freq_hz: f64) -> Self {
        let k = libm::tan(PI * freq_hz / f64::from(rate));
        Self::normalized([k, k, 0.0], [1.0 + k, k - 1.0, 0.0])
    }

    /// A first-order high-pass (in a section with one empty pole), −3 dB at `freq_hz`.
    pub fn first_order_highpass(rate: u32, freq_hz: f64) -> Self {
        let k = libm::tan(PI * freq_hz / f64::from(rate));
        Self::normalized([1.0, -1.0, 0.0], [1.0 + k, k - 1.0, 0.0])
    }

    /// The gain in dB at `freq_hz`.
    pub fn gain_db(&self, rate: u32, freq_hz: f64) -> f64 {
        let w = TAU * freq_hz / f64::from(rate);
        let norm_sqr = |p: [f64; 3]| {
            let re = p[0] + p[1] * cos(w) + p[2] * cos(2.0 * w);
            let im = p[1] * sin(w) + p[2] * sin(2.0 * w);
            re * re + im * im
        };
        10.0 * libm::log10(norm_sqr(self.b) / norm_sqr([1.0, self.a[0], self.a[1]]))
    }
}

/// Sections in series with their state: a streaming filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Cascade {
    sections: Vec<Biquad>,
    state: Vec<[f64; 2]>,
}

impl Cascade {
    /// A filter at rest.
    pub fn new(sections: Vec<Biquad>) -> Self {
        let state = vec![[0.0; 2]; sections.len()];
        Self { sections, state }
    }

    /// A Butterworth low-pass of `order`, −3.01 dB at `freq_hz`.
    pub fn butterworth_lowpass(order: u32, rate: u32, freq_hz: f64) -> Self {
        Self::butterworth(
            order,
            |q| Biquad::lowpass(rate, freq_hz, q),
            || Biquad::first_order_lowpass(rate, freq_hz),
        )
    }

    /// A Butterworth high-pass of `order`, −3.01 dB at `freq_hz`.
    pub fn butterworth_highpass(order: u32, rate: u32, freq_hz: f64) -> Self {
        Self::butterworth(
            order,
            |q| Biquad::highpass(rate, freq_hz, q),
            || Biquad::first_order_highpass(rate, freq_hz),
        )
    }

    fn butterworth(order: u32, pair: impl Fn(f64) -> Biquad, single: impl Fn() -> Biquad) -> Self {
        assert!(order > 0, "a filter needs an order");
        let mut sections: Vec<Biquad> = (0..order / 2)
            .map(|k| pair(0.5 / sin(PI * f64::from(2 * k + 1) / f64::from(2 * order))))
            .collect();
        if order % 2 == 1 {
            sections.push(single());
        }
        Self::new(sections)
    }

    /// Takes one frame and returns one (transposed direct form II).
    pub fn push(&mut self, frame: f64) -> f64 {
        let mut x = frame;
        for (Biquad { b, a }, s) in self.sections.iter().zip(&mut self.state) {
            let y = b[0] * x + s[0];
            s[0] = b[1] * x - a[0] * y + s[1];
            s[1] = b[2] * x - a[1] * y;
            x = y;
        }
        x
    }

    /// Filters a block in place, keeping the state for the next one.
    pub fn process(&mut self, block: &mut [f64]) {
        for x in block {
            *x = self.push(*x);
        }
    }

    /// Filters a block of a stream in place; the state stays in double precision.
    pub fn process_f32(&mut self, block: &mut [f32]) {
        for x in block {
            *x = self.push(f64::from(*x)) as f32;
        }
    }

    /// The whole signal filtered from rest.
    pub fn filtered(mut self, signal: &[f64]) -> Vec<f64> {
        self.reset();
        signal.iter().map(|&x| self.push(x)).collect()
    }

    /// Back to rest.
    pub fn reset(&mut self) {
        self.state.fill([0.0; 2]);
    }

    /// The gain in dB at `freq_hz`.
    pub fn gain_db(&self, rate: u32, freq_hz: f64) -> f64 {
        self.sections.iter().map(|section| section.gain_db(rate, freq_hz)).sum()
    }
}

/// The Kaiser window's β for `stop_db` of stop-band attenuation (Kaiser 1974), 50 dB and more.
pub(crate) fn kaiser_beta(stop_db: f64) -> f64 {
    0.1102 * (stop_db - 8.7)
}

/// The Kaiser window at `x` from −1 to 1, 0 outside.
pub(crate) fn kaiser(x: f64, beta: f64) -> f64 {
    let inside = 1.0 - x * x;
    if inside < 0.0 { 0.0 } else { bessel_i0(beta * sqrt(inside)) / bessel_i0(beta) }
}

/// The modified Bessel function I0 by its series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// sin(πx)/(πx).
pub(crate) fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { sin(PI * x) / (PI * x) }
}

/// A linear-phase filter of `taps` (odd) coefficients whose gain follows `curve` from `rate / taps` on
/// (finer structure is smoothed), held beyond its ends. Its delay is `(taps − 1) / 2` frames.
///
/// # Panics
/// If `taps` is even.
pub fn fir_from_curve(curve: &Curve, rate: u32, taps: usize) -> Vec<f64> {
    fir_from_gain(rate, taps, |freq_hz| pow(10.0, curve.at(freq_hz, Outside::Hold) / 20.0))
}

/// A linear-phase filter of `taps` (odd) coefficients whose amplitude gain follows `gain(Hz)`:
/// frequency sampling on a grid much finer than the filter's resolution, then a Kaiser window.
///
/// # Panics
/// If `taps` is even.
pub fn fir_from_gain(rate: u32, taps: usize, gain: impl Fn(f64) -> f64) -> Vec<f64> {
    assert!(taps % 2 == 1, "a linear-phase filter for any curve needs an odd number of taps");
    let grid = (taps * 4).next_power_of_two();
    let half = taps / 2;
    let gains: Vec<f64> = (0..=grid / 2).map(|k| gain(f64::from(rate) * k as f64 / grid as f64)).collect();
    let cosines: Vec<f64> = (0..grid).map(|i| cos(TAU * i as f64 / grid as f64)).collect();
    let beta = kaiser_beta(80.0);
    let mut fir = vec![0.0; taps];
    for n in 0..=half {
        let inner: f64 = (1..grid / 2).map(|k| gains[k] * cosines[(k * n) % grid]).sum();
        let ends = gains[0] + gains[grid / 2] * cosines[(grid / 2 * n) % grid];
        let value = (2.0 * inner + ends) / grid as f64 * kaiser(n as f64 / (half + 1) as f64, beta);
        fir[half + n] = value;
        fir[half - n] = value;
    }
    fir
}

/// The gain of an impulse response in dB at `freq_hz`.
pub fn fir_gain_db(fir: &[f64], rate: u32, freq_hz: f64) -> f64 {
    let w = TAU * freq_hz / f64::from(rate);
    let (re, im) = fir
        .iter()
        .enumerate()
        .fold((0.0, 0.0), |(re, im), (n, h)| (re + h * cos(w * n as f64), im - h * sin(w * n as f64)));
    10.0 * libm::log10(re * re + im * im)
}

/// The signal through `fir` without a shift: the delay `(fir.len() − 1) / 2` of a linear-phase filter
/// is taken out and the length is kept. Direct form, in a fixed order of sums: portable to the bit.
/// Long filters on long signals go faster through [`super::spectrum::fft_convolve`].
pub fn filter_centered(signal: &[f64], fir: &[f64]) -> Vec<f64> {
    let center = fir.len() / 2;
    (0..signal.len())
        .map(|n| {
            // y[n] = Σ fir[k]·x[n + center − k] over the frames that exist.
            let first = (n + center + 1).saturating_sub(signal.len());
            let last = (n + center + 1).min(fir.len());
            (first..last).map(|k| fir[k] * signal[n + center - k]).sum()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance
    }

    #[test]
    fn bells_and_shelves_have_their_gain_where_it_is_asked_for() {
        let bell = Biquad::peaking(48_000, 2500.0, 2.0, 18.5);
        assert!(near(bell.gain_db(48_000, 2500.0), 18.5, 1e-9));
        assert!(near(bell.gain_db(48_000, 1.0), 0.0, 1e-4));
        assert!(near(bell.gain_db(48_000, 23_999.9), 0.0, 1e-4));
        let low = Biquad::low_shelf(48_000, 300.0, 0.7, -12.0);
        assert!(near(low.gain_db(48_000, 0.1), -12.0, 1e-3));
        assert!(near(low.gain_db(48_000, 300.0), -6.0, 1e-9));
        assert!(near(low.gain_db(48_000, 23_999.0), 0.0, 1e-3));
        let high = Biquad::high_shelf(48_000, 3000.0, 0.7, 9.0);
        assert!(near(high.gain_db(48_000, 0.1), 0.0, 1e-3));
        assert!(near(high.gain_db(48_000, 3000.0), 4.5, 1e-9));
        assert!(near(high.gain_db(48_000, 23_999.0), 9.0, 1e-3));
        let band = Biquad::bandpass(48_000, 1000.0, 3.0);
        assert!(near(band.gain_db(48_000, 1000.0), 0.0, 1e-9));
        assert!(band.gain_db(48_000, 100.0) < -25.0);
    }

    #[test]
    fn butterworth_corners_lie_at_3_db_for_every_order() {
        for order in 1..=9 {
            let low = Cascade::butterworth_lowpass(order, 16_000, 3400.0);
            let high = Cascade::butterworth_highpass(order, 16_000, 100.0);
            assert!(near(low.gain_db(16_000, 3400.0), -3.0103, 1e-4), "{order}");
            assert!(near(high.gain_db(16_000, 100.0), -3.0103, 1e-4), "{order}");
        }
    }

    #[test]
    fn blocks_of_any_size_give_the_same_stream() {
        let x: Vec<f64> = (0..97).map(|n| f64::from(n * n % 13) - 6.0).collect();
        let whole = Cascade::butterworth_highpass(3, 8000, 300.0).filtered(&x);
        let mut filter = Cascade::butterworth_highpass(3, 8000, 300.0);
        let mut pieces = x.clone();
        for block in pieces.chunks_mut(10) {
            filter.process(block);
        }
        assert_eq!(whole, pieces);
        assert_ne!(whole, x);
    }

    #[test]
    fn a_filter_from_a_curve_follows_its_points() {
        let points =
            [(50.0, -25.8), (200.0, 17.4), (500.0, 12.2), (1000.0, 7.2), (2850.0, 0.0), (3600.0, -2.0)];
        let curve = Curve::new(&points).unwrap();
        let fir = fir_from_curve(&curve, 16_000, 2047);
        for (freq_hz, level_db) in &points[1..] {
            // A corner is rounded over a few times rate/taps = 8 Hz: the one at 200 Hz turns by 30 dB
            // per octave.
            let gain = fir_gain_db(&fir, 16_000, *freq_hz);
            assert!(near(gain, *level_db, 0.6), "{freq_hz}: {gain}");
        }
        for freq_hz in [300.0, 700.0, 2000.0, 6000.0] {
            let gain = fir_gain_db(&fir, 16_000, freq_hz);
            assert!(near(gain, curve.at(freq_hz, Outside::Hold), 0.01), "{freq_hz}: {gain}");
        }
        assert!(fir.iter().zip(fir.iter().rev()).all(|(a, b)| a == b), "linear phase");
    }

    #[test]
    fn a_brick_wall_is_80_db_deep() {
        let fir = fir_from_gain(48_000, 1023, |f| if f < 3700.0 { 1.0 } else { 0.0 });
        assert!(near(fir_gain_db(&fir, 48_000, 3500.0), 0.0, 0.01));
        for freq_hz in [3930.0, 5000.0, 12_345.0, 23_000.0] {
            assert!(fir_gain_db(&fir, 48_000, freq_hz) < -78.0, "{freq_hz}");
        }
    }

    #[test]
    fn a_centered_filter_does_not_shift() {
        let fir = [0.25, 0.5, 0.25];
        assert_eq!(filter_centered(&[0.0, 0.0, 4.0, 0.0], &fir), [0.0, 1.0, 2.0, 1.0]);
        assert_eq!(filter_centered(&[4.0], &fir), [2.0]);
        assert!(filter_centered(&[], &fir).is_empty());
        // As the full convolution with its head and tail cut off.
        let x: Vec<f64> = (0..40).map(|n| f64::from(n * n % 7)).collect();
        let fir = fir_from_gain(8000, 31, |f| 1.0 / (1.0 + f / 500.0));
        let full = super::super::spectrum::fft_convolve(&x, &fir);
        let centered = filter_centered(&x, &fir);
        assert!(centered.iter().zip(&full[15..]).all(|(a, b)| near(*a, *b, 1e-12)));
    }

    #[test]
    fn the_kaiser_window_is_the_published_one() {
        // numpy.kaiser(5, 8.6)
        for (x, expected) in [(-1.0, 0.001332513998), (-0.5, 0.340393622440), (0.0, 1.0), (1.01, 0.0)] {
            assert!(near(kaiser(x, 8.6), expected, 1e-9), "{x}: {}", kaiser(x, 8.6));
        }
    }

    #[test]
    #[should_panic(expected = "odd number of taps")]
    fn an_even_number_of_taps_is_refused() {
        fir_from_gain(8000, 32, |_| 1.0);
    }
}
