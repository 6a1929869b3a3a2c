//! Spectra with named scaling: the only file that names an FFT library.
//!
//! Three kinds of result, so that no caller scales by hand:
//!
//! - *bins*: the plain DFT, X\[k\] = Σ x\[n\]·e^(−j2πkn/N); [`inverse`] divides by N.
//! - [`PowerSpectrum`]: the whole record without a window; its bins sum to the mean square exactly.
//! - [`Psd`]: Welch's averaged periodogram, one-sided, in units²/Hz; integrated over frequency it
//!   gives the mean square of a stationary signal.

use std::sync::Arc;

pub use realfft::num_traits::Zero;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
pub use realfft::{FftNum, num_complex::Complex};

use super::DspError;

/// A bin of a double-precision spectrum.
pub type Bin = Complex<f64>;

/// Real FFTs of any length with cached plans. Worth keeping where many transforms are made.
pub struct Fft<T: FftNum = f64> {
    planner: RealFftPlanner<T>,
}

impl<T: FftNum> Default for Fft<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: FftNum> Fft<T> {
    /// An empty cache.
    pub fn new() -> Self {
        Self { planner: RealFftPlanner::new() }
    }

    /// The plain DFT of a real signal: `signal.len() / 2 + 1` bins, unscaled. Empty gives empty.
    pub fn forward(&mut self, signal: &[T]) -> Vec<Complex<T>> {
        self.forward_owned(signal.to_vec())
    }

    fn forward_owned(&mut self, mut signal: Vec<T>) -> Vec<Complex<T>> {
        let mut bins = Vec::new();
        self.forward_into(&mut signal, &mut bins);
        bins
    }

    /// [`Self::forward`] into `bins`, whose memory is used again: with long signals its pages cost as much time as the
    /// transform. `signal` is used up as working space.
    pub fn forward_into(&mut self, signal: &mut [T], bins: &mut Vec<Complex<T>>) {
        if signal.is_empty() {
            bins.clear();
            return;
        }
        let plan = self.planner.plan_fft_forward(signal.len());
        bins.resize(plan.complex_len(), Complex::zero());
        plan.process(signal, bins).expect("buffers were made to the plan's lengths");
    }

    /// The real signal of `len` frames whose plain DFT is `bins` (so with the factor 1/len).
    /// Imaginary parts of the bins at 0 Hz and at Nyquist don't belong to a real signal: ignored.
    ///
    /// # Panics
    /// If `bins.len() != len / 2 + 1`.
    pub fn inverse(&mut self, bins: &[Complex<T>], len: usize) -> Vec<T> {
        self.inverse_owned(bins.to_vec(), len)
    }

    pub(super) fn inverse_owned(&mut self, mut bins: Vec<Complex<T>>, len: usize) -> Vec<T> {
        let mut signal = Vec::new();
        self.inverse_into(&mut bins, len, &mut signal);
        signal
    }

    /// [`Self::inverse`] into `signal`, whose memory is used again. `bins` are used up as working space.
    ///
    /// # Panics
    /// If `bins.len() != len / 2 + 1`.
    pub fn inverse_into(&mut self, bins: &mut [Complex<T>], len: usize, signal: &mut Vec<T>) {
        if len == 0 {
            signal.clear();
            return;
        }
        assert_eq!(bins.len(), len / 2 + 1, "a real signal of {len} frames has {} bins", len / 2 + 1);
        bins[0].im = T::zero();
        if len.is_multiple_of(2) {
            bins[len / 2].im = T::zero();
        }
        let plan = self.planner.plan_fft_inverse(len);
        signal.resize(len, T::zero());
        plan.process(bins, signal).expect("buffers were made to the plan's lengths");
        let scale = reciprocal::<T>(len);
        for x in signal {
            *x = *x * scale;
        }
    }

    /// The full linear convolution of `x` and `h`: `x.len() + h.len() − 1` frames, by overlap-add,
    /// so the cost is that of `x.len()·log(h.len())`. Empty input gives empty output.
    pub fn convolve(&mut self, x: &[T], h: &[T]) -> Vec<T> {
        if x.is_empty() || h.is_empty() {
            return Vec::new();
        }
        let (long, short) = if x.len() >= h.len() { (x, h) } else { (h, x) };
        let total = long.len() + short.len() - 1;
        let size = fast_len((4 * short.len()).clamp(1024.min(total), total));
        let step = size + 1 - short.len();
        let response = self.padded(short, size);
        let mut out = vec![T::zero(); total];
        for (i, chunk) in long.chunks(step).enumerate() {
            let mut bins = self.padded(chunk, size);
            for (b, r) in bins.iter_mut().zip(&response) {
                *b = *b * *r;
            }
            let piece = self.inverse_owned(bins, size);
            let at = i * step;
            for (o, p) in out[at..].iter_mut().zip(&piece) {
                *o = *o + *p;
            }
        }
        out
    }

    /// The plain DFT of `signal` with zeros appended to `size` frames.
    pub fn padded(&mut self, signal: &[T], size: usize) -> Vec<Complex<T>> {
        let mut buffer = signal.to_vec();
        buffer.resize(size, T::zero());
        self.forward_owned(buffer)
    }
}

fn reciprocal<T: FftNum>(len: usize) -> T {
    T::one() / T::from_usize(len).expect("lengths are representable as floating-point numbers")
}

/// The plain DFT of a real signal, see [`Fft::forward`].
pub fn forward(signal: &[f64]) -> Vec<Bin> {
    Fft::new().forward(signal)
}

/// The real signal of a plain DFT, see [`Fft::inverse`].
pub fn inverse(bins: &[Bin], len: usize) -> Vec<f64> {
    Fft::new().inverse(bins, len)
}

/// The full linear convolution, `x.len() + h.len() − 1` frames, see [`Fft::convolve`].
pub fn fft_convolve(x: &[f64], h: &[f64]) -> Vec<f64> {
    Fft::new().convolve(x, h)
}

/// [`fft_convolve`] in single precision, for rendering streams.
pub fn fft_convolve_f32(x: &[f32], h: &[f32]) -> Vec<f32> {
    Fft::new().convolve(x, h)
}

/// The smallest even number of the form 2^a·3^b·5^c that is at least `len`: a fast FFT length.
pub fn fast_len(len: usize) -> usize {
    let mut best = len.max(2).next_power_of_two();
    let mut fives = 1;
    while fives < best {
        let mut threes = fives;
        while threes < best {
            let mut product = threes * 2;
            while product < len {
                product *= 2;
            }
            best = best.min(product);
            threes *= 3;
        }
        fives *= 5;
    }
    best
}

/// A transform pair of one length that allocates only when it is made.
pub struct BlockFft<T: FftNum> {
    forward: Arc<dyn RealToComplex<T>>,
    inverse: Arc<dyn ComplexToReal<T>>,
    scratch: Vec<Complex<T>>,
}

impl<T: FftNum> BlockFft<T> {
    /// A transform pair of `len` frames.
    pub fn new(len: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(len);
        let inverse = planner.plan_fft_inverse(len);
        let scratch = vec![Complex::zero(); forward.get_scratch_len().max(inverse.get_scratch_len())];
        Self { forward, inverse, scratch }
    }

    /// The number of bins of a spectrum.
    pub fn bins(&self) -> usize {
        self.forward.complex_len()
    }

    /// The plain DFT; `signal` is used up as working space.
    pub fn forward(&mut self, signal: &mut [T], bins: &mut [Complex<T>]) {
        let used = self.forward.get_scratch_len();
        self.forward
            .process_with_scratch(signal, bins, &mut self.scratch[..used])
            .expect("the caller's buffers have the plan's lengths");
    }

    /// The inverse without the factor 1/len; `bins` are used up as working space.
    pub fn inverse_unscaled(&mut self, bins: &mut [Complex<T>], signal: &mut [T]) {
        let last = bins.len() - 1;
        bins[0].im = T::zero();
        if signal.len().is_multiple_of(2) {
            bins[last].im = T::zero();
        }
        let used = self.inverse.get_scratch_len();
        self.inverse
            .process_with_scratch(bins, signal, &mut self.scratch[..used])
            .expect("the caller's buffers have the plan's lengths");
    }
}

/// A window for spectral analysis, in its periodic form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// No window: the best resolution, side lobes at −13 dB.
    Rectangular,
    /// Side lobes from −31 dB, falling 18 dB per octave.
    Hann,
    /// Four terms, side lobes below −92 dB: separates combs of tones.
    BlackmanHarris,
}

impl Window {
    /// The `len` values of the window.
    pub fn values(self, len: usize) -> Vec<f64> {
        let terms: &[f64] = match self {
            Self::Rectangular => &[1.0],
            Self::Hann => &[0.5, -0.5],
            Self::BlackmanHarris => &[0.35875, -0.48829, 0.14128, -0.01168],
        };
        let step = std::f64::consts::TAU / len as f64;
        (0..len)
            .map(|n| terms.iter().enumerate().map(|(k, a)| a * (step * (k * n) as f64).cos()).sum())
            .collect()
    }
}

/// How an averaged spectrum is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WelchSettings {
    /// Frames per segment; the bins are `rate / size` apart.
    pub size: usize,
    /// The window of each segment.
    pub window: Window,
    /// The part of a segment that the next one shares, 0 ≤ overlap < 1.
    pub overlap: f64,
}

impl WelchSettings {
    /// Segments of `size` frames with a Hann window and half overlap.
    pub const fn hann(size: usize) -> Self {
        Self { size, window: Window::Hann, overlap: 0.5 }
    }

    fn step(&self) -> usize {
        assert!(self.size > 0 && (0.0..1.0).contains(&self.overlap), "broken Welch settings {self:?}");
        ((self.size as f64 * (1.0 - self.overlap)).round() as usize).max(1)
    }
}

/// A one-sided power spectral density in units² per hertz; bin `k` stands at `k·bin_hz`.
///
/// The density times `bin_hz` is the power of a bin; the bin at 0 Hz and, for an even size, the one
/// at Nyquist hold the power of half a bin's width.
#[derive(Debug, Clone, PartialEq)]
pub struct Psd {
    /// The distance of the bins.
    pub bin_hz: f64,
    /// Half the sampling rate: where the last bin ends.
    pub nyquist_hz: f64,
    /// Units² per hertz.
    pub density: Vec<f64>,
}

impl Psd {
    /// The power between `lo_hz` and `hi_hz`; bins that an edge cuts count in part.
    pub fn band_power(&self, lo_hz: f64, hi_hz: f64) -> f64 {
        band_sum(&self.density, self.bin_hz, self.nyquist_hz, lo_hz, hi_hz) * self.bin_hz
    }

    /// The power of the whole spectrum.
    pub fn total_power(&self) -> f64 {
        self.density.iter().sum::<f64>() * self.bin_hz
    }

    /// The frequencies of the bins in Hz.
    pub fn freqs_hz(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.density.len()).map(|k| k as f64 * self.bin_hz)
    }
}

/// The power of each bin of a whole record, without a window; the sum is the mean square exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerSpectrum {
    /// The distance of the bins: the reciprocal of the record's duration.
    pub bin_hz: f64,
    /// Half the sampling rate: where the last bin ends.
    pub nyquist_hz: f64,
    /// Units² of each bin.
    pub power: Vec<f64>,
}

impl PowerSpectrum {
    /// The power between `lo_hz` and `hi_hz`; bins that an edge cuts count in part.
    pub fn band_power(&self, lo_hz: f64, hi_hz: f64) -> f64 {
        band_sum(&self.power, self.bin_hz, self.nyquist_hz, lo_hz, hi_hz)
    }

    /// The mean square of the record.
    pub fn total_power(&self) -> f64 {
        self.power.iter().sum()
    }

    /// The frequencies of the bins in Hz.
    pub fn freqs_hz(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.power.len()).map(|k| k as f64 * self.bin_hz)
    }
}

/// The sum of the values whose bins lie within the edges. Bin `k` reaches from `(k − ½)·bin_hz` to
/// `(k + ½)·bin_hz`, clipped to 0 … Nyquist, and its value is spread evenly over that width.
fn band_sum(values: &[f64], bin_hz: f64, nyquist_hz: f64, lo_hz: f64, hi_hz: f64) -> f64 {
    if lo_hz.is_nan() || hi_hz.is_nan() {
        return f64::NAN;
    }
    let (lo, hi) = (lo_hz.max(0.0), hi_hz.min(nyquist_hz));
    if values.is_empty() || hi <= lo {
        return 0.0;
    }
    let first = ((lo / bin_hz + 0.5).floor() as usize).min(values.len() - 1);
    let last = ((hi / bin_hz + 0.5).floor() as usize).min(values.len() - 1);
    let share = |k: usize| {
        let from = ((k as f64 - 0.5) * bin_hz).max(0.0);
        let to = ((k as f64 + 0.5) * bin_hz).min(nyquist_hz);
        ((hi.min(to) - lo.max(from)) / (to - from)).clamp(0.0, 1.0)
    };
    if first == last {
        return values[first] * share(first);
    }
    values[first] * share(first) + values[first + 1..last].iter().sum::<f64>() + values[last] * share(last)
}

/// One-sided weight of bin `k` of a transform of `len` frames.
pub(super) fn sides(k: usize, len: usize) -> f64 {
    if k == 0 || 2 * k == len { 1.0 } else { 2.0 }
}

/// The power spectrum of the whole record, of any length, with no window: exact for weighted and band
/// levels of the record as it is. An empty record gives no bins.
pub fn power_spectrum(signal: &[f64], rate: u32) -> PowerSpectrum {
    let mut spectra = PowerSpectra::default();
    spectra.of(signal, rate);
    spectra.spectrum
}

/// [`power_spectrum`] of one record after another, with plan and memory kept: several times as fast for long records of
/// one length.
pub struct PowerSpectra {
    fft: Fft,
    signal: Vec<f64>,
    bins: Vec<Bin>,
    spectrum: PowerSpectrum,
}

impl Default for PowerSpectra {
    fn default() -> Self {
        let spectrum = PowerSpectrum { bin_hz: f64::NAN, nyquist_hz: f64::NAN, power: Vec::new() };
        Self { fft: Fft::new(), signal: Vec::new(), bins: Vec::new(), spectrum }
    }
}

impl PowerSpectra {
    /// The power spectrum of one more record.
    pub fn of(&mut self, signal: &[f64], rate: u32) -> &PowerSpectrum {
        let len = signal.len();
        self.signal.clear();
        self.signal.extend_from_slice(signal);
        self.fft.forward_into(&mut self.signal, &mut self.bins);
        let scale = 1.0 / (len as f64 * len as f64);
        let PowerSpectrum { bin_hz, nyquist_hz, power } = &mut self.spectrum;
        (*bin_hz, *nyquist_hz) = (f64::from(rate) / len as f64, f64::from(rate) / 2.0);
        power.clear();
        power.extend(self.bins.iter().map(|bin| bin.norm_sqr() * 2.0 * scale));
        // What stands for itself alone: halves are exact.
        if let Some(first) = power.first_mut() {
            *first *= 0.5;
        }
        if len > 0 && len.is_multiple_of(2) {
            power[len / 2] *= 0.5;
        }
        &self.spectrum
    }
}

/// Welch's estimate: the mean of the windowed segments' periodograms, no detrending. Segments lie
/// wholly inside the signal; what remains at the end is not analyzed.
pub fn power_spectrum_density(signal: &[f64], rate: u32, settings: &WelchSettings) -> Result<Psd, DspError> {
    let mut density = vec![0.0; settings.size / 2 + 1];
    let segments = for_each_segment(signal, settings, |_, bins| {
        density.iter_mut().zip(bins).for_each(|(d, bin)| *d += bin.norm_sqr());
    })?;
    let scale = density_scale(rate, settings) / segments as f64;
    density.iter_mut().enumerate().for_each(|(k, d)| *d *= scale * sides(k, settings.size));
    Ok(Psd { bin_hz: f64::from(rate) / settings.size as f64, nyquist_hz: f64::from(rate) / 2.0, density })
}

pub(super) fn density_scale(rate: u32, settings: &WelchSettings) -> f64 {
    let window_energy: f64 = settings.window.values(settings.size).iter().map(|w| w * w).sum();
    1.0 / (f64::from(rate) * window_energy)
}

/// Calls `each` with the first frame and the bins of every windowed segment; returns their number.
pub(super) fn for_each_segment(
    signal: &[f64],
    settings: &WelchSettings,
    mut each: impl FnMut(usize, &[Bin]),
) -> Result<usize, DspError> {
    let (size, step) = (settings.size, settings.step());
    if signal.len() < size {
        return Err(DspError::TooShort { needed: size, found: signal.len() });
    }
    let window = settings.window.values(size);
    let mut fft = Fft::new();
    let mut segments = 0;
    for start in (0..=signal.len() - size).step_by(step) {
        let windowed = signal[start..start + size].iter().zip(&window).map(|(x, w)| x * w).collect();
        each(start, &fft.forward_owned(windowed));
        segments += 1;
    }
    Ok(segments)
}

/// The correlation of two signals against lag: c(lag) = Σ a\[n\]·b\[n + lag\]. A positive lag means
/// that `b` is the later one.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossCorrelation {
    /// The lag of the first value, in frames.
    pub first_lag: i64,
    /// One value per frame of lag.
    pub values: Vec<f64>,
}

impl CrossCorrelation {
    /// The value at `lag`; 0 where the signals don't overlap.
    pub fn at(&self, lag: i64) -> f64 {
        usize::try_from(lag - self.first_lag).ok().and_then(|i| self.values.get(i)).copied().unwrap_or(0.0)
    }
}

/// The correlation of `a` and `b` at every lag at which they overlap, from `−(a.len() − 1)` to
/// `b.len() − 1`, not normalized. Empty input gives no values.
pub fn cross_correlation(a: &[f64], b: &[f64]) -> CrossCorrelation {
    let reversed: Vec<f64> = a.iter().rev().copied().collect();
    CrossCorrelation { first_lag: 1 - a.len() as i64, values: fft_convolve(b, &reversed) }
}

#[cfg(test)]
mod tests;
