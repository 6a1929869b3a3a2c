//! What a model refuses, and that scores are named.

use super::*;

fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / 2f64.powi(52) - 1.0
    })
    .take(count)
    .collect()
}

/// Bursts of noise, four a second.
fn talk(rate: u32, seconds: usize) -> Vec<f64> {
    let quarter = rate as usize / 4;
    let gate = |n: usize| if n % quarter < 2 * quarter / 3 { 0.1 } else { 0.0 };
    noise(rate as usize * seconds, 1).iter().enumerate().map(|(n, x)| gate(n) * x).collect()
}

fn refusal(model: Model, reference: &[f64], degraded: &[f64], rate: u32) -> String {
    score(model, reference, degraded, rate).unwrap_err().to_string()
}

#[test]
fn silence_strangers_and_shifted_pairs_are_refused_with_a_reason() {
    let speech = talk(16_000, 4);
    for model in [Model::PesqWideband, Model::Visqol, Model::Stoi] {
        assert!(refusal(model, &speech, &vec![0.0; speech.len()], 16_000).contains("DEGRADED is silent"));
        assert!(refusal(model, &vec![0.0; speech.len()], &speech, 16_000).contains("REF is silent"));
        let stranger: Vec<f64> = noise(speech.len(), 99).iter().map(|x| 0.1 * x).collect();
        assert!(refusal(model, &speech, &stranger, 16_000).contains("don't belong together"));
        let mut late = vec![0.0; 9600];
        late.extend(&speech[..speech.len() - 9600]);
        assert!(refusal(model, &speech, &late, 16_000).contains("600.0 ms late"));
        assert!(refusal(model, &speech, &speech[..32_000], 16_000).contains("lengths differ by 2.00 s"));
        assert!(refusal(model, &speech[..8000], &speech[..8000], 16_000).contains("lasts 0.50 s"));
    }
    let mut late = vec![0.0; 160];
    late.extend(&speech[..speech.len() - 160]);
    assert!(refusal(Model::Stoi, &speech, &late, 16_000).contains("10.0 ms late"));
    assert!(score(Model::PesqWideband, &speech, &late, 16_000).is_ok());
}

#[test]
fn a_model_takes_its_own_rate_only() {
    let speech = talk(16_000, 4);
    assert!(refusal(Model::PesqNarrowband, &speech, &speech, 16_000).contains("one rate only"));
    assert!(refusal(Model::PesqWideband, &speech, &speech, 8000).contains("one rate only"));
    assert!(refusal(Model::Visqol, &speech, &speech, 48_000).contains("one rate only"));
}

#[test]
fn identical_signals_have_the_best_score() {
    let speech = talk(16_000, 4);
    let stoi = score(Model::Stoi, &speech, &speech, 16_000).unwrap();
    assert!((stoi.score - 1.0).abs() < 1e-9, "{stoi:?}");
    let pesq = score(Model::PesqWideband, &speech, &speech, 16_000).unwrap();
    assert!((pesq.score - 4.644).abs() < 1e-3, "{pesq:?}");
}

#[test]
fn versions_are_those_of_the_lock_file() {
    let lock = include_str!("../../../Cargo.lock");
    for model in [Model::PesqNarrowband, Model::Visqol] {
        let (name, version) = model.version().trim_end_matches(" (Rust)").split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{name} {version}");
    }
}
