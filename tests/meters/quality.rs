//! Speech quality scores against the C code of the ITU behind the Python package `pesq`, and against `pystoi`:
//! `golden/quality.py` made `golden/quality.json`.

use std::sync::LazyLock;

use lombard::meters::quality::{Model, score};
use serde_json::Value;

use super::residual::{Residual, Truth, all_hold};
use crate::source::root;

const DATE: &str = "2026-11-25";
const PESQ: Truth = Truth { by: "pesq 0.0.4 (C code of the ITU in Python)", date: DATE };
const STOI: Truth = Truth { by: "pystoi 0.4.1", date: DATE };

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/quality.json")).unwrap()
}

/// The speech of the script: 16 kHz, and what it calls 8 kHz.
fn speech() -> (Vec<i64>, Vec<i64>) {
    let mut wide: Vec<i64> = Vec::new();
    for name in ["en-f-1.wav", "en-m-1.wav"] {
        let mut wav = hound::WavReader::open(root().join("signals/speech").join(name)).unwrap();
        wide.extend(wav.samples::<i32>().map(|x| i64::from(x.unwrap())));
    }
    wide.truncate(wide.len() / 2 * 2);
    let narrow = wide.chunks(2).map(|pair| (pair[0] + pair[1]) >> 1).collect();
    (wide, narrow)
}

fn degraded(speech: &[i64], how: &str) -> Vec<f64> {
    let mut state = 7u64;
    speech
        .iter()
        .enumerate()
        .map(|(n, &x)| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let noise = (state >> 11) as f64 / 2f64.powi(52) - 1.0;
            let x = match how {
                "noise" => x + (noise * 600.0).floor() as i64,
                "clipped" => x.clamp(-1500, 1500),
                "coarse" => (x >> 9) << 9,
                _ if n % 8000 < 800 => 0,
                _ => x,
            };
            x.clamp(-32_768, 32_767) as f64 / 32_768.0
        })
        .collect()
}

pub(crate) static RESIDUALS: LazyLock<Vec<Residual>> = LazyLock::new(|| {
    let (wide, narrow) = speech();
    let golden = golden();
    let mut all = Vec::new();
    // The scores of two implementations in single precision differ in the fourth decimal; at 16 kHz the resamplers of the
    // two STOIs differ in their filters.
    for (key, model, rate, tolerance, truth) in [
        ("pesq_nb_8k", Model::PesqNarrowband, 8000, 0.002, PESQ),
        ("pesq_wb_16k", Model::PesqWideband, 16_000, 0.002, PESQ),
        ("stoi_10k", Model::Stoi, 10_000, 1e-9, STOI),
        ("stoi_16k", Model::Stoi, 16_000, 0.002, STOI),
    ] {
        let signal = if rate == 16_000 { &wide } else { &narrow };
        let reference: Vec<f64> = signal.iter().map(|x| *x as f64 / 32_768.0).collect();
        for case in golden["cases"].as_array().unwrap() {
            let how = case["how"].as_str().unwrap();
            let read = score(model, &reference, &degraded(signal, how), rate).unwrap().score;
            let what = format!("{}, {how}, {rate} Hz", model.word());
            let values = (case[key].as_f64().unwrap(), read);
            all.push(Residual::value("speech-quality", what, "score", values, tolerance, truth));
        }
    }
    all
});

#[test]
fn scores_are_those_of_the_independent_implementations() {
    let golden = golden();
    assert_eq!(golden["date"], DATE);
    assert!(PESQ.by.contains(golden["tools"]["pesq"].as_str().unwrap()));
    assert!(STOI.by.contains(golden["tools"]["pystoi"].as_str().unwrap()));
    all_hold(&RESIDUALS);
}

#[test]
fn a_score_of_another_degradation_is_seen() {
    let rows: Vec<(String, &Residual)> = RESIDUALS
        .iter()
        .map(|one| (one.case.split(", ").filter(|part| !HOW.contains(part)).collect(), one))
        .collect();
    let mut pairs = 0;
    for (model, one) in &rows {
        for (_, other) in rows.iter().filter(|(name, other)| name == model && other.case != one.case) {
            let (truth, read) = (other.values.unwrap().0, one.values.unwrap().1);
            assert!((truth - read).abs() > 2.0 * one.tolerance, "{one:?} {other:?}");
            pairs += 1;
        }
    }
    // Four scores, each degradation against the three others.
    assert_eq!(pairs, 4 * 4 * 3);
}

/// PESQ works on 16-bit integers; a recording of 38 dB less must not be scored for its rounding.
#[test]
fn a_quiet_recording_has_the_score_of_a_loud_one() {
    let (wide, _) = speech();
    let reference: Vec<f64> = wide.iter().map(|x| *x as f64 / 32_768.0).collect();
    let quiet: Vec<f64> = reference.iter().map(|x| 0.0125 * x).collect();
    let of = |signal: &[f64]| score(Model::PesqWideband, &reference, signal, 16_000).unwrap().score;
    let (same, quiet) = (of(&reference), of(&quiet));
    assert!((same - quiet).abs() < 0.02, "{same} {quiet}");
}

/// The degradations of the script.
const HOW: [&str; 4] = ["noise", "clipped", "coarse", "gaps"];

/// There is no independent truth for ViSQOL: its implementations disagree by a point. What is held is the order.
#[cfg(feature = "visqol")]
#[test]
fn visqol_puts_identical_signals_above_degraded_ones() {
    let (wide, _) = speech();
    let reference: Vec<f64> = wide.iter().map(|x| *x as f64 / 32_768.0).collect();
    let of = |signal: &[f64]| score(Model::Visqol, &reference, signal, 16_000).unwrap().score;
    let (same, coarse, noisy) =
        (of(&reference), of(&degraded(&wide, "coarse")), of(&degraded(&wide, "noise")));
    assert!((same - 5.0).abs() < 1e-3 && coarse < same && noisy < coarse, "{same} {coarse} {noisy}");
}

#[cfg(not(feature = "visqol"))]
#[test]
fn without_visqol_the_reason_is_told() {
    let (wide, _) = speech();
    let reference: Vec<f64> = wide.iter().map(|x| *x as f64 / 32_768.0).collect();
    let error = score(Model::Visqol, &reference, &reference, 16_000).unwrap_err().to_string();
    assert!(error.contains("built without ViSQOL"), "{error}");
}
