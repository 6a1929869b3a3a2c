//! Real responses: the transform of impulse responses, and sines.

use super::*;
use crate::dsp::level::mean_square;
use std::f64::consts::TAU;

const RATES: [u32; 6] = [8000, 16_000, 32_000, 44_100, 48_000, 96_000];
const ALL: [Weighting; 3] = [Weighting::A, Weighting::C, Weighting::Psophometric];

fn impulse(len: usize) -> Vec<f64> {
    let mut impulse = vec![0.0; len];
    impulse[0] = 1.0;
    impulse
}

fn stream(filter: &mut WeightingFilter, signal: &[f64], block: usize) -> Vec<f64> {
    let mut out = signal.to_vec();
    out.chunks_exact_mut(block).for_each(|block| filter.process(block));
    out
}

/// The largest difference in dB from the curve, 20 Hz to `part` of the rate, and where.
fn worst(weighting: Weighting, rate: u32, part: f64) -> (f64, f64) {
    let mut filter = WeightingFilter::new(weighting, rate, 500);
    let response = stream(&mut filter, &impulse(rate as usize * 2 / 500 * 500), 500);
    let size = fast_len(rate as usize * 4);
    let bins = Fft::new().padded(&response, size);
    bins.iter().enumerate().fold((0.0, 0.0), |worst: (f64, f64), (k, bin)| {
        let freq_hz = f64::from(rate) * k as f64 / size as f64;
        if !(20.0..=part * f64::from(rate)).contains(&freq_hz) {
            return worst;
        }
        let off = (20.0 * bin.norm().log10() - weighting.gain_db(freq_hz)).abs();
        if off > worst.0 || off.is_nan() { (off, freq_hz) } else { worst }
    })
}

#[test]
fn impulse_responses_follow_the_curves_at_every_rate() {
    for rate in RATES {
        for weighting in [Weighting::A, Weighting::C] {
            let (off, freq_hz) = worst(weighting, rate, 0.45);
            assert!(off < 0.006, "{weighting:?} at {rate}: {off} dB at {freq_hz} Hz");
        }
        let (off, freq_hz) = worst(Weighting::Psophometric, rate, 0.45);
        assert!(off < 0.07, "psophometric at {rate}: {off} dB at {freq_hz} Hz");
    }
}

#[test]
fn sines_are_weighted_as_the_curve_says() {
    let rate = 48_000;
    for weighting in ALL {
        for freq_hz in [20.0, 50.0, 300.0, 1000.0, 6000.0, 19_200.0] {
            let sine: Vec<f64> =
                (0..rate * 3).map(|n| (TAU * freq_hz * f64::from(n) / f64::from(rate)).sin()).collect();
            let out = weighted(&sine, rate, weighting);
            assert_eq!(out.len(), sine.len());
            // The last second but for the end: settled, whole periods.
            let gain = 10.0 * (2.0 * mean_square(&out[96_000..120_000])).log10();
            assert!((gain - weighting.gain_db(freq_hz)).abs() < 0.07, "{weighting:?} {freq_hz} Hz: {gain}");
        }
    }
}

#[test]
fn blocks_of_any_size_and_the_whole_are_one_filter() {
    let signal: Vec<f64> = (0..30_000).map(|n| f64::from(n * n % 101) / 50.0 - 1.0).collect();
    for weighting in [Weighting::A, Weighting::C, Weighting::Psophometric, Weighting::Flat] {
        let whole = weighted(&signal, 16_000, weighting);
        for block in [1000, 96] {
            let mut filter = WeightingFilter::new(weighting, 16_000, block);
            let streamed = stream(&mut filter, &signal[..28_800 / block * block], block);
            let latency = filter.latency();
            for (n, (a, b)) in streamed[latency..].iter().zip(&whole).enumerate().take(20_000) {
                assert!((a - b).abs() < 1e-10, "{weighting:?} {block} {n}: {a} {b}");
            }
            filter.reset();
            assert_eq!(
                stream(&mut filter, &signal[..9600 / block * block], block)[..],
                streamed[..9600 / block * block]
            );
        }
    }
    assert_eq!(weighted(&signal, 16_000, Weighting::Flat), signal);
    assert!(weighted(&[], 16_000, Weighting::A).is_empty());
}

#[test]
fn a_direct_voltage_has_no_weight_and_nan_is_not_weighted_away() {
    for weighting in ALL {
        let out = weighted(&vec![1.0; 40_000], 8000, weighting);
        assert!(out[30_000..38_000].iter().all(|y| y.abs() < 1e-9), "{weighting:?}");
        let mut filter = WeightingFilter::new(weighting, 8000, 80);
        let mut block = [0.0; 80];
        block[3] = f64::NAN;
        filter.process(&mut block);
        assert!(block[79].is_nan());
    }
}

#[test]
fn a_bilinear_a_filter_would_be_seen() {
    // What the comparison is for: the poles of the curve by the bilinear transform are 3 dB off at 12 kHz.
    let rate = 48_000;
    let filter = Cascade::new(vec![
        Biquad::first_order_lowpass(rate, POLES_HZ[3]),
        Biquad::first_order_lowpass(rate, POLES_HZ[3]),
    ]);
    let gain = filter.gain_db(rate, 16_000.0) - filter.gain_db(rate, 1000.0);
    assert!((gain - Weighting::C.gain_db(16_000.0)).abs() > 2.0, "{gain}");
}
