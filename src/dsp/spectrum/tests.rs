//! Scalings, leakage, convolution and correlation against sums written out.

use super::*;
use std::f64::consts::TAU;

fn ramp(len: usize) -> Vec<f64> {
    (0..len).map(|n| ((n * n * 7 + n) % 101) as f64 / 50.0 - 1.0).collect()
}

fn mean_square(signal: &[f64]) -> f64 {
    signal.iter().map(|x| x * x).sum::<f64>() / signal.len() as f64
}

fn sine(len: usize, rate: f64, freq_hz: f64) -> Vec<f64> {
    (0..len).map(|n| (TAU * freq_hz * n as f64 / rate).sin()).collect()
}

#[test]
fn bins_sum_to_the_mean_square_at_any_length() {
    for len in [1, 2, 3, 16, 97, 480, 1001] {
        let x = ramp(len);
        let spectrum = power_spectrum(&x, 8000);
        assert!((spectrum.total_power() / mean_square(&x) - 1.0).abs() < 1e-12, "{len}");
        assert!((spectrum.band_power(0.0, 4000.0) / mean_square(&x) - 1.0).abs() < 1e-12, "{len}");
    }
}

#[test]
fn inverse_undoes_forward_at_any_length() {
    for len in [0, 1, 2, 15, 16, 97] {
        let x = ramp(len);
        let back = inverse(&forward(&x), len);
        assert!(x.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-12), "{len}");
    }
}

#[test]
fn a_full_scale_sine_has_half_a_unit_in_every_window() {
    // 1000 Hz lies between bins; the band holds the main lobe and all but 1e-4 of the side lobes.
    let x = sine(48_000, 48_000.0, 1003.0);
    for (window, overlap) in [(Window::Hann, 0.5), (Window::BlackmanHarris, 0.75)] {
        let settings = WelchSettings { size: 4096, window, overlap };
        let psd = power_spectrum_density(&x, 48_000, &settings).unwrap();
        assert!((psd.band_power(903.0, 1103.0) - 0.5).abs() < 5e-5, "{window:?}");
    }
    let settings = WelchSettings { size: 4800, window: Window::Rectangular, overlap: 0.0 };
    let psd = power_spectrum_density(&sine(48_000, 48_000.0, 1000.0), 48_000, &settings).unwrap();
    assert!((psd.density[100] * psd.bin_hz - 0.5).abs() < 1e-12);
}

#[test]
fn white_noise_has_its_power_per_hertz() {
    let mut state = 1u64;
    let x: Vec<f64> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / 2f64.powi(52) - 1.0
    })
    .take(480_000)
    .collect();
    let psd = power_spectrum_density(&x, 48_000, &WelchSettings::hann(1024)).unwrap();
    let expected = 1.0 / 3.0 / 24_000.0;
    let mean = psd.band_power(1000.0, 20_000.0) / 19_000.0;
    // 937 segments and 405 bins: a standard deviation of about 0.2 %.
    assert!((mean / expected - 1.0).abs() < 0.01, "{mean} {expected}");
    assert!((psd.total_power() * 3.0 - 1.0).abs() < 0.01);
}

#[test]
fn bands_divide_bins_and_lose_nothing() {
    let spectrum = power_spectrum(&ramp(100), 8000);
    let cut = spectrum.band_power(0.0, 1017.0) + spectrum.band_power(1017.0, 1050.0);
    let rest = spectrum.band_power(1050.0, 9e9);
    assert!(((cut + rest) / spectrum.total_power() - 1.0).abs() < 1e-12);
    // A quarter of a bin's width holds a quarter of it, at 0 Hz a half of its half-wide one.
    assert!((spectrum.band_power(400.0, 420.0) / spectrum.power[5] - 0.25).abs() < 1e-12);
    assert!((spectrum.band_power(0.0, 20.0) / spectrum.power[0] - 0.5).abs() < 1e-12);
    assert!((spectrum.band_power(3980.0, 4000.0) / spectrum.power[50] - 0.5).abs() < 1e-12);
    assert_eq!(spectrum.band_power(500.0, 500.0), 0.0);
    assert_eq!(spectrum.band_power(5000.0, 6000.0), 0.0);
    assert!(spectrum.band_power(f64::NAN, 6000.0).is_nan());
}

#[test]
fn nan_in_the_signal_is_nan_in_the_power() {
    let mut x = ramp(64);
    x[3] = f64::NAN;
    assert!(power_spectrum(&x, 8000).total_power().is_nan());
    assert!(power_spectrum_density(&x, 8000, &WelchSettings::hann(32)).unwrap().total_power().is_nan());
}

#[test]
fn a_signal_shorter_than_a_segment_is_refused() {
    let error = power_spectrum_density(&ramp(100), 8000, &WelchSettings::hann(128)).unwrap_err();
    assert_eq!(error, DspError::TooShort { needed: 128, found: 100 });
}

#[test]
fn the_blackman_harris_window_separates_by_90_db() {
    // A tone of full scale, and nothing 20 Hz beside it: 131 072 points resolve 0.37 Hz.
    let x = sine(131_072, 48_000.0, 250.17);
    let settings = WelchSettings { size: 131_072, window: Window::BlackmanHarris, overlap: 0.0 };
    let psd = power_spectrum_density(&x, 48_000, &settings).unwrap();
    let leak = psd.band_power(265.0, 275.0) / psd.band_power(245.0, 255.0);
    assert!(leak < 1e-9, "{leak}");
    let hann = WelchSettings { window: Window::Hann, size: 8192, overlap: 0.0 };
    let psd = power_spectrum_density(&x, 48_000, &hann).unwrap();
    let leak = psd.band_power(265.0, 275.0) / psd.band_power(245.0, 255.0);
    assert!(leak > 1e-5, "8 k points and a Hann window cannot: {leak}");
}

#[test]
fn convolution_is_the_sum_of_products() {
    for (n, m) in [(1, 1), (5, 3), (3, 5), (5000, 7), (300, 300), (2500, 1200)] {
        let (x, h) = (ramp(n), ramp(m + 1)[1..].to_vec());
        let mut expected = vec![0.0; n + m - 1];
        for (i, a) in x.iter().enumerate() {
            for (j, b) in h.iter().enumerate() {
                expected[i + j] += a * b;
            }
        }
        let ours = fft_convolve(&x, &h);
        assert_eq!(ours.len(), expected.len());
        assert!(ours.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-9), "{n} {m}");
        let narrow = |v: &[f64]| v.iter().map(|&x| x as f32).collect::<Vec<f32>>();
        let single = fft_convolve_f32(&narrow(&x), &narrow(&h));
        // Single precision: 2^-24 of the largest sums.
        assert!(single.iter().zip(&expected).all(|(a, b)| (f64::from(*a) - b).abs() < 2e-3), "{n} {m}");
    }
    assert!(fft_convolve(&[], &[1.0]).is_empty());
}

#[test]
fn the_correlation_peaks_where_the_copy_lies() {
    let x = ramp(50);
    let mut late = vec![0.0; 13];
    late.extend(&x);
    let correlation = cross_correlation(&x, &late);
    let energy: f64 = x.iter().map(|v| v * v).sum();
    assert!((correlation.at(13) / energy - 1.0).abs() < 1e-12);
    assert_eq!(correlation.at(1000), 0.0);
    assert_eq!(correlation.at(-1000), 0.0);
}

#[test]
fn fast_lengths_are_even_smooth_and_not_much_longer() {
    for len in 1..3000 {
        let fast = fast_len(len);
        let mut rest = fast;
        for p in [2, 3, 5] {
            while rest.is_multiple_of(p) {
                rest /= p;
            }
        }
        assert!(rest == 1 && fast.is_multiple_of(2) && fast >= len, "{len} {fast}");
        assert!(fast <= len.max(2) * 4 / 3 + 2, "{len} {fast}");
    }
    assert_eq!(fast_len(961), 972);
}
