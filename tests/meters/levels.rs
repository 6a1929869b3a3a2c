//! Active speech level against an implementation of its own in Python (`golden/speech_level.py`), and the weightings, as
//! spectra and as filters, against their curves over the whole range at every rate.

use std::sync::LazyLock;

use lombard::dsp::level::{SpeechLevel, active_speech_level};
use lombard::dsp::spectrum::{Complex, Fft, fast_len, power_spectrum};
use lombard::dsp::weighting::Weighting;
use lombard::dsp::weighting_filter::WeightingFilter;
use serde_json::Value;

use super::residual::{Residual, Truth, all_hold};
use super::sound::{db, noise, tone};

const DATE: &str = "2026-11-25";
const PYTHON: Truth =
    Truth { by: "exact interpolation in numpy 2.4.6 and scipy 1.17.1 (golden/speech_level.py)", date: DATE };
const CURVES: Truth =
    Truth { by: "curves of IEC 61672-1 in complex frequency, table of O.41 in dB over log f", date: DATE };

const RATES: [u32; 6] = [8000, 16_000, 32_000, 44_100, 48_000, 96_000];
const WEIGHTINGS: [Weighting; 3] = [Weighting::A, Weighting::C, Weighting::Psophometric];

/// O.41 Table 1, written down once more.
const O41: &str = "16.66 -85 50 -63 100 -41 200 -21 300 -10.6 400 -6.3 500 -3.6 600 -2 700 -0.9 800 0 900 0.6 1000 1 \
                   1200 0 1400 -0.9 1600 -1.7 1800 -2.4 2000 -3 2500 -4.2 3000 -5.6 3500 -8.5 4000 -15 4500 -25 \
                   5000 -36 6000 -43 1e9 -43";

/// The curve of a weighting from its definition: products of s/(s + ω) and ω/(s + ω), or the table.
fn curve_db(weighting: Weighting, freq_hz: f64) -> f64 {
    let gain = |freq_hz: f64| {
        let s = Complex::new(0.0, freq_hz);
        let high = |pole: f64| s / (s + pole);
        let low = |pole: f64| Complex::new(pole, 0.0) / (s + pole);
        let c = high(20.598997) * high(20.598997) * low(12194.217) * low(12194.217);
        if weighting == Weighting::A { c * high(107.65265) * high(737.86223) } else { c }
    };
    if weighting != Weighting::Psophometric {
        return 20.0 * (gain(freq_hz).norm() / gain(1000.0).norm()).log10();
    }
    let numbers: Vec<f64> = O41.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let points: Vec<(f64, f64)> = numbers.chunks(2).map(|pair| (pair[0].ln(), pair[1])).collect();
    let x = freq_hz.ln();
    let pair = points.windows(2).find(|pair| x <= pair[1].0).unwrap();
    pair[0].1 + (pair[1].1 - pair[0].1) * (x - pair[0].0) / (pair[1].0 - pair[0].0)
}

/// Bursts that swell and fade over noise, as the script makes them.
fn talk(case: &Value) -> (Vec<f64>, u32) {
    let whole = |key: &str| case[key].as_u64().unwrap() as usize;
    let part = |key: &str| case[key].as_f64().unwrap();
    let rate = whole("rate");
    let (on, period) = (rate * whole("on_ms") / 1000, rate * (whole("on_ms") + whole("off_ms")) / 1000);
    let signal =
        noise(rate * whole("seconds"), whole("seed") as u64).into_iter().enumerate().map(|(n, x)| {
            let place = (n % period) as f64;
            let on = on as f64;
            let swell = if place < on { 1.0 - (2.0 * place - on).abs() / on } else { 0.0 };
            (part("level") * swell + part("floor")) * x
        });
    (signal.collect(), rate as u32)
}

fn speech() -> Vec<Residual> {
    let golden: Value = serde_json::from_str(include_str!("../golden/speech_level.json")).unwrap();
    let (mut levels, mut activities) = (Vec::new(), Vec::new());
    for case in golden["cases"].as_array().unwrap() {
        let (signal, rate) = talk(case);
        let read = active_speech_level(&signal, rate);
        if case["expected"].is_null() {
            assert!(matches!(read, SpeechLevel::Silence { .. }), "{case} {read:?}");
            continue;
        }
        let expected = |key: &str| case["expected"][key].as_f64().unwrap();
        let read = read.active().unwrap();
        levels.push((expected("active_level_dbov"), read.active_level.decibels()));
        activities.push((expected("activity_percent"), read.activity_percent));
    }
    let case = |what| format!("{what}: bursts with and without noise, 8 to 96 kHz");
    vec![
        Residual::largest("active-level", case("level"), "dB", levels, 0.05, PYTHON),
        Residual::largest("active-level", case("activity"), "%", activities, 0.1, PYTHON),
    ]
}

/// The gains of a response in dB at its bins from 20 Hz to a part of the rate, beside the curve.
fn points(
    weighting: Weighting,
    rate: u32,
    part: f64,
    gains: impl Iterator<Item = (f64, f64)>,
) -> Vec<(f64, f64)> {
    gains
        .filter(|(hz, _)| (20.0..=part * f64::from(rate)).contains(hz))
        .map(|(hz, gain_db)| (curve_db(weighting, hz), gain_db))
        .collect()
}

fn by_spectrum(rate: u32) -> Residual {
    // The record of an impulse has the same power in every bin: 5 Hz apart.
    let mut impulse = vec![0.0; rate as usize / 5];
    impulse[0] = 1.0;
    let flat = power_spectrum(&impulse, rate);
    let all = WEIGHTINGS.into_iter().flat_map(|weighting| {
        let weighted = weighting.apply(&flat);
        let gains =
            flat.freqs_hz().zip(flat.power.iter().zip(&weighted.power)).map(|(f, (a, b))| (f, db(b / a)));
        points(weighting, rate, 0.45, gains)
    });
    let case = format!("A, C, psophometric by spectrum at {rate} Hz, 20 Hz to 0.45 of the rate");
    Residual::largest("level", case, "dB", all, 0.02, CURVES)
}

fn by_filter(rate: u32) -> Residual {
    let all = WEIGHTINGS.into_iter().flat_map(|weighting| {
        let mut response = vec![0.0; rate as usize];
        response[0] = 1.0;
        let block = rate as usize / 20;
        let mut filter = WeightingFilter::new(weighting, rate, block);
        response.chunks_exact_mut(block).for_each(|block| filter.process(block));
        let size = fast_len(2 * response.len());
        let bins = Fft::new().padded(&response, size);
        let gains = bins.into_iter().enumerate();
        points(
            weighting,
            rate,
            0.4,
            gains.map(|(k, bin)| (k as f64 * f64::from(rate) / size as f64, db(bin.norm_sqr()))),
        )
    });
    let case = format!("A, C, psophometric as filters at {rate} Hz, 20 Hz to 0.4 of the rate");
    Residual::largest("level", case, "dB", all, 0.1, CURVES)
}

pub(crate) static RESIDUALS: LazyLock<Vec<Residual>> = LazyLock::new(|| {
    let mut all = speech();
    all.extend(RATES.map(by_spectrum));
    all.extend(RATES.map(by_filter));
    all
});

#[test]
fn speech_levels_and_weightings_are_what_they_should_be() {
    all_hold(&RESIDUALS);
}

#[test]
fn a_curve_or_a_level_that_is_off_would_be_seen() {
    // 0.05 dB at one frequency of a curve; a hangover of 150 ms in place of 200; a margin of 16 dB in place of 15.9.
    let off = |weighting| {
        let gains = [100.0, 1000.0, 3000.0]
            .map(|hz| (hz, curve_db(weighting, hz) + if hz == 1000.0 { 0.05 } else { 0.0 }));
        Residual::largest(
            "level",
            "off",
            "dB",
            points(weighting, 8000, 0.45, gains.into_iter()),
            0.02,
            CURVES,
        )
    };
    assert!(WEIGHTINGS.into_iter().all(|weighting| !off(weighting).holds()));
    let golden: Value = serde_json::from_str(include_str!("../golden/speech_level.json")).unwrap();
    let case = &golden["cases"][0];
    let (signal, rate) = talk(case);
    // The same samples taken for a rate a third higher have time constants three quarters as long.
    let read = active_speech_level(&signal, rate * 4 / 3).active().unwrap().active_level.decibels();
    let expected = case["expected"]["active_level_dbov"].as_f64().unwrap();
    assert!((read - expected).abs() > 0.05, "{read} {expected}");
}

#[test]
fn an_active_level_follows_gain_and_ignores_sign_and_silence_before() {
    let golden: Value = serde_json::from_str(include_str!("../golden/speech_level.json")).unwrap();
    for case in &golden["cases"].as_array().unwrap()[..12] {
        let (signal, rate) = talk(case);
        let level = |signal: &[f64]| active_speech_level(signal, rate).active().unwrap();
        let plain = level(&signal);
        let half: Vec<f64> = signal.iter().map(|x| x * -0.5).collect();
        let moved = level(&half).active_level.decibels() - plain.active_level.decibels();
        assert!((moved + 20.0 * 2f64.log10()).abs() < 1e-9, "{moved}");
        let late: Vec<f64> = std::iter::repeat_n(0.0, rate as usize).chain(signal).collect();
        let late = level(&late);
        assert!((late.active_level.decibels() - plain.active_level.decibels()).abs() < 1e-6, "{late:?}");
        assert!(late.activity_percent < plain.activity_percent);
    }
}

#[test]
fn a_tone_through_the_filters_has_the_level_of_the_curve() {
    for rate in RATES {
        for weighting in WEIGHTINGS {
            let freq_hz = (0.4 * f64::from(rate)).floor();
            let out = lombard::dsp::weighting_filter::weighted(
                &tone(rate as usize, rate, freq_hz, 0.0),
                rate,
                weighting,
            );
            let (from, to) = (out.len() / 2, out.len() * 7 / 10);
            let power = out[from..to].iter().map(|y| y * y).sum::<f64>() / (to - from) as f64;
            assert!((db(2.0 * power) - curve_db(weighting, freq_hz)).abs() < 0.1, "{weighting:?} {rate}");
        }
    }
}
