//! The signal processing layer against numpy and scipy: `golden/dsp.py` made `golden/dsp.json`.

use lombard::dsp::filter::Cascade;
use lombard::dsp::level::{SpeechLevel, active_speech_level, mean_square_series};
use lombard::dsp::spectrum::{
    WelchSettings, Window, cross_correlation, fft_convolve, power_spectrum, power_spectrum_density,
};
use lombard::units::Seconds;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/dsp.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The noise of the script: a 64-bit linear congruential generator, exact in double precision.
fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / 2f64.powi(52) - 1.0
    })
    .take(count)
    .collect()
}

fn biased_noise() -> Vec<f64> {
    noise(4000, 1).iter().map(|x| x + 0.3).collect()
}

/// Both sides compute in double precision and differ in the order of sums only; the golden numbers
/// have 15 digits.
fn assert_same(ours: &[f64], golden: &[f64], what: &str) {
    assert_eq!(ours.len(), golden.len(), "{what}");
    let scale = golden.iter().fold(0.0, |top: f64, v| top.max(v.abs()));
    for (i, (a, b)) in ours.iter().zip(golden).enumerate() {
        assert!((a - b).abs() <= 1e-12 * scale, "{what}[{i}]: {a} but scipy has {b}");
    }
}

#[test]
fn averaged_spectra_are_those_of_scipy() {
    let cases = &golden()["welch"];
    for case in cases.as_array().unwrap() {
        let window = match case["window"].as_str().unwrap() {
            "hann" => Window::Hann,
            "blackman-harris" => Window::BlackmanHarris,
            _ => Window::Rectangular,
        };
        let size = case["size"].as_u64().unwrap() as usize;
        let settings = WelchSettings { size, window, overlap: case["overlap"].as_f64().unwrap() };
        let psd = power_spectrum_density(&biased_noise(), 8000, &settings).unwrap();
        assert_same(&psd.density, &numbers(&case["density"]), "density");
    }
}

#[test]
fn the_power_of_a_record_of_prime_length_is_that_of_scipy() {
    let spectrum = power_spectrum(&noise(997, 2), 8000);
    assert_same(&spectrum.power[..40], &numbers(&golden()["record_power"]), "power");
}

#[test]
fn correlation_and_convolution_are_those_of_scipy() {
    let (a, b) = (noise(60, 3), noise(45, 4));
    let correlation = cross_correlation(&a, &b);
    assert_eq!(correlation.first_lag, -59);
    assert_same(&correlation.values, &numbers(&golden()["correlate"]), "correlation");
    assert_same(&fft_convolve(&a, &b), &numbers(&golden()["convolve"]), "convolution");
}

#[test]
fn the_35_ms_meter_is_the_recursion_of_scipy() {
    let series = mean_square_series(&biased_noise(), 8000, Seconds(0.035), 80);
    assert_same(&series, &numbers(&golden()["meter_35ms"]), "meter");
}

#[test]
fn the_active_speech_level_is_that_of_the_plain_loops() {
    for case in golden()["speech_level"].as_array().unwrap() {
        let number = |key: &str| case[key].as_f64().unwrap();
        let rate = number("rate") as u32;
        let r = f64::from(rate);
        let period = (r * (number("on") + number("off"))) as usize;
        let on = (r * number("on")) as usize;
        let talk: Vec<f64> = noise((r * number("seconds")) as usize, number("seed") as u64)
            .iter()
            .enumerate()
            .map(|(k, x)| {
                let tremor = 1.0 + 0.5 * (std::f64::consts::TAU * 3.0 * k as f64 / r).sin();
                if k % period < on { number("level") * x * tremor } else { 0.0 }
            })
            .collect();
        let level = active_speech_level(&talk, rate);
        if case["expected"].is_null() {
            assert!(matches!(level, SpeechLevel::Silence { .. }), "{level:?}");
            continue;
        }
        let expected = numbers(&case["expected"]);
        let level = level.active().unwrap();
        // One frame more or less at one threshold moves the level by 4.3/(active frames) dB at most;
        // the sines of the two libraries differ in their last bit.
        assert!((level.active_level.decibels() - expected[0]).abs() < 1e-4, "{level:?} {expected:?}");
        assert!((level.rms_level.decibels() - expected[1]).abs() < 1e-9, "{level:?} {expected:?}");
        assert!((level.activity_percent - expected[2]).abs() < 2e-3, "{level:?} {expected:?}");
    }
}

#[test]
fn butterworth_filters_are_those_of_scipy() {
    let golden = golden();
    let freqs_hz = numbers(&golden["butterworth_freqs_hz"]);
    for case in golden["butterworth"].as_array().unwrap() {
        let order = case["order"].as_u64().unwrap() as u32;
        let filter = match case["kind"].as_str().unwrap() {
            "lowpass" => Cascade::butterworth_lowpass(order, 8000, 300.0),
            _ => Cascade::butterworth_highpass(order, 8000, 300.0),
        };
        for (freq_hz, expected) in freqs_hz.iter().zip(numbers(&case["gain_db"])) {
            let gain = filter.gain_db(8000, *freq_hz);
            // Deep in the stop-band both sides cancel large numbers: relative to the depth.
            assert!(
                (gain - expected).abs() < 1e-6 * (1.0 + expected.abs()),
                "{order} {freq_hz}: {gain} {expected}"
            );
        }
        let mut impulse = vec![0.0; 12];
        impulse[0] = 1.0;
        let ours = filter.filtered(&impulse);
        for (a, b) in ours.iter().zip(numbers(&case["impulse"])) {
            assert!((a - b).abs() < 1e-12, "{order}: {a} {b}");
        }
    }
}
