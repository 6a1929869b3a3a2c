//! Line spectra and their time signals: the project's own inverse DFT, bit-identical everywhere.
//!
//! A periodic noise is stated by its lines, not by its samples, so that one noise exists at every
//! sample rate: below half of each rate it has the same lines.

use std::f64::consts::TAU;

/// A periodic signal as a sum of lines: Σ re·cos(2πft) − im·sin(2πft) over f = k·spacing.
#[derive(Debug, Clone, PartialEq)]
pub struct LineSpectrum {
    /// Distance of the lines; the period of the signal is its reciprocal.
    pub spacing_hz: f64,
    /// Cosine and minus-sine amplitude of line k (index 0 is zero frequency).
    pub lines: Vec<(f64, f64)>,
}

impl LineSpectrum {
    /// `count` samples at `rate` from time zero on. Lines at and above half the rate are left out.
    pub fn render(&self, rate: u32, count: usize) -> Vec<f64> {
        let rate = f64::from(rate);
        let period = rate / self.spacing_hz;
        let whole = libm::round(period);
        // An exact whole number of samples per period: one transform, repeated.
        if libm::fabs(period - whole) < 1e-9 * period && whole >= 2.0 {
            let one = self.one_period(whole as usize);
            let mut out = Vec::with_capacity(count);
            while out.len() < count {
                out.extend_from_slice(&one[..one.len().min(count - out.len())]);
            }
            return out;
        }
        self.sum(rate, count)
    }

    /// As [`LineSpectrum::render`], without the lines above `highest_hz`.
    pub fn render_below(&self, highest_hz: f64, rate: u32, count: usize) -> Vec<f64> {
        let kept = libm::floor(highest_hz / self.spacing_hz * (1.0 + 1e-12)) as usize + 1;
        if kept >= self.lines.len() {
            return self.render(rate, count);
        }
        Self { spacing_hz: self.spacing_hz, lines: self.lines[..kept].to_vec() }.render(rate, count)
    }

    /// One period of `points` samples by inverse DFT.
    fn one_period(&self, points: usize) -> Vec<f64> {
        let mut spectrum = vec![(0.0, 0.0); points];
        for (k, &(re, im)) in self.lines.iter().enumerate().take(points.div_ceil(2)) {
            if k == 0 {
                spectrum[0] = (re, 0.0);
            } else {
                spectrum[k] = (re / 2.0, im / 2.0);
                spectrum[points - k] = (re / 2.0, -im / 2.0);
            }
        }
        inverse_dft(&spectrum).into_iter().map(|(re, _)| re).collect()
    }

    /// Line by line with a rotating phasor, for periods that are no whole number of samples.
    fn sum(&self, rate: f64, count: usize) -> Vec<f64> {
        let mut out = vec![0.0; count];
        for (k, &(re, im)) in self.lines.iter().enumerate() {
            let frequency = k as f64 * self.spacing_hz;
            if frequency >= rate / 2.0 {
                break;
            }
            if re == 0.0 && im == 0.0 {
                continue;
            }
            let step = TAU * frequency / rate;
            let (sin, cos) = (libm::sin(step), libm::cos(step));
            let (mut a, mut b) = (re, im);
            for x in &mut out {
                *x += a;
                (a, b) = (a * cos - b * sin, a * sin + b * cos);
            }
        }
        out
    }
}

/// Σ_k X\[k\]·exp(+2πikn/N) for any N, without scaling; fast when N has small prime factors.
pub fn inverse_dft(spectrum: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let n = spectrum.len();
    let twiddles: Vec<(f64, f64)> = (0..n)
        .map(|k| {
            let angle = TAU * k as f64 / n as f64;
            (libm::cos(angle), libm::sin(angle))
        })
        .collect();
    let mut out = vec![(0.0, 0.0); n];
    transform(spectrum, 1, &mut out, &twiddles);
    out
}

/// Decimation in time over the smallest prime factor; `stride` walks the input, the twiddles too.
fn transform(input: &[(f64, f64)], stride: usize, out: &mut [(f64, f64)], twiddles: &[(f64, f64)]) {
    let n = out.len();
    if n == 1 {
        out[0] = input[0];
        return;
    }
    let radix = smallest_factor(n);
    let part = n / radix;
    for r in 0..radix {
        transform(&input[r * stride..], stride * radix, &mut out[r * part..(r + 1) * part], twiddles);
    }
    match radix {
        2 => combine(stride, out, twiddles, &mut [(0.0, 0.0); 2]),
        3 => combine(stride, out, twiddles, &mut [(0.0, 0.0); 3]),
        5 => combine(stride, out, twiddles, &mut [(0.0, 0.0); 5]),
        7 => combine(stride, out, twiddles, &mut [(0.0, 0.0); 7]),
        _ => combine(stride, out, twiddles, &mut vec![(0.0, 0.0); radix]),
    }
}

/// Makes one transform of as many as `column` is long. The order of every sum is that of its definition, whatever the
/// length: bits are pinned.
#[expect(clippy::inline_always, reason = "the length of the column is a constant then")]
#[inline(always)]
fn combine(stride: usize, out: &mut [(f64, f64)], twiddles: &[(f64, f64)], column: &mut [(f64, f64)]) {
    let radix = column.len();
    let part = out.len() / radix;
    // A turn of all twiddles is `radix` steps of this.
    let step = twiddles.len() / radix;
    for k in 0..part {
        for (r, value) in column.iter_mut().enumerate() {
            *value = out[r * part + k];
        }
        for q in 0..radix {
            let mut sum = column[0];
            for (r, &(re, im)) in column.iter().enumerate().skip(1) {
                // The angle r·(k + q·part)·stride, less whole turns.
                let at = r * k * stride + (r * q) % radix * step;
                let (c, s) = twiddles[if at < twiddles.len() { at } else { at - twiddles.len() }];
                sum.0 += re * c - im * s;
                sum.1 += re * s + im * c;
            }
            out[q * part + k] = sum;
        }
    }
}

fn smallest_factor(n: usize) -> usize {
    [2, 3, 5, 7].into_iter().find(|p| n.is_multiple_of(*p)).unwrap_or_else(|| {
        (11..).step_by(2).take_while(|p| p * p <= n).find(|p| n.is_multiple_of(*p)).unwrap_or(n)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_the_sum_that_defines_it() {
        for n in [1, 2, 8, 12, 30, 49, 77, 97] {
            let x: Vec<(f64, f64)> = (0..n).map(|k| ((k * k % 7) as f64, (k % 5) as f64 - 2.0)).collect();
            let fast = inverse_dft(&x);
            for (t, got) in fast.iter().enumerate() {
                let mut want = (0.0, 0.0);
                for (k, (re, im)) in x.iter().enumerate() {
                    let (s, c) = (TAU * (k * t % n) as f64 / n as f64).sin_cos();
                    want.0 += re * c - im * s;
                    want.1 += re * s + im * c;
                }
                // Rounding of sums of at most 97 terms of size 7.
                assert!((got.0 - want.0).abs() + (got.1 - want.1).abs() < 1e-10, "{n} {t}");
            }
        }
    }

    #[test]
    fn a_noise_is_the_same_at_every_rate_below_half_of_it() {
        let lines = (0..40).map(|k| if k < 2 { (0.0, 0.0) } else { (1.0, f64::from(k) / 40.0) }).collect();
        let spectrum = LineSpectrum { spacing_hz: 100.0, lines };
        let at_48k = spectrum.render(48_000, 960);
        let at_8k = spectrum.render(8_000, 160);
        let odd = spectrum.sum(8_000.0, 160); // the slow way
        for n in 0..160 {
            assert!((at_48k[6 * n] - at_8k[n]).abs() < 1e-10, "{n}");
            assert!((odd[n] - at_8k[n]).abs() < 1e-10, "{n}");
        }
    }
}
