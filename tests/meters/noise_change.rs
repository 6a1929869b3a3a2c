//! Noise change: gains and filters that are known, between two spans of one recording.

use std::sync::LazyLock;

use lombard::dsp::filter::Cascade;
use lombard::meters::noise_change::{NoiseChange, noise_change};

use super::residual::{Residual, Truth, all_hold};

const PAPER: Truth = Truth { by: "paper: the gain between the spans", date: "2026-11-25" };
const TABLE: Truth = Truth { by: "IEC 61672-1 Table 3", date: "2026-11-25" };
const FILTER: Truth =
    Truth { by: "formula: a Butterworth filter of first order at each midband", date: "2026-11-25" };

fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / 2f64.powi(52) - 1.0
    })
    .take(count)
    .collect()
}

/// Six seconds of a noise, then `after` made of it.
fn both(rate: u32, after: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let before = noise(6 * rate as usize, 9);
    [before.clone(), after(&before)].concat()
}

fn read(signal: &[f64], rate: u32) -> NoiseChange {
    noise_change(signal, rate, &(0.0..6.0), &(6.0..12.0)).unwrap()
}

pub(crate) static RESIDUALS: LazyLock<Vec<Residual>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (rate, gain_db) in [(48_000, -7.5), (16_000, 3.0)] {
        let louder = |x: &[f64]| x.iter().map(|v| v * 10f64.powf(gain_db / 20.0)).collect();
        let change = read(&both(rate, louder), rate);
        let case = format!("{gain_db} dB, {rate} Hz");
        let values = (gain_db, change.a_weighted.0);
        all.push(Residual::value("noise-change", format!("{case}, A"), "dB", values, 0.01, PAPER));
        let points = change.bands.iter().map(|(_, delta)| (gain_db, delta.0));
        all.push(Residual::largest(
            "noise-change",
            format!("{case}, third octaves"),
            "dB",
            points,
            0.01,
            PAPER,
        ));
    }
    // A slope of 6 dB per octave above 2 kHz. Within a third octave of white noise the mean of |H|² lies beside that of
    // the midband by less than 0.1 dB; the noise itself is the same in both spans.
    let filter = Cascade::butterworth_lowpass(1, 48_000, 2000.0);
    let change = read(&both(48_000, |x| filter.clone().filtered(x)), 48_000);
    let points = change
        .bands
        .iter()
        .filter(|(band, _)| (100.0..=8000.0).contains(&band.nominal_hz))
        .map(|(band, delta)| (filter.gain_db(48_000, band.midband_hz), delta.0));
    all.push(Residual::largest("noise-change", "low-pass between the spans", "dB", points, 0.15, FILTER));
    // A tone at 1 kHz, then one as strong at 100 Hz: IEC 61672-1 Table 3 has 0.0 and −19.1 dB, rounded to a tenth.
    let tone = |freq_hz: f64| {
        (0..96_000).map(move |n| (std::f64::consts::TAU * freq_hz * f64::from(n) / 16_000.0).sin())
    };
    let signal: Vec<f64> = tone(1000.0).chain(tone(100.0)).collect();
    let values = (-19.1, read(&signal, 16_000).a_weighted.0);
    all.push(Residual::value("noise-change", "1 kHz, then 100 Hz, A", "dB", values, 0.06, TABLE));
    all
});

#[test]
fn known_changes_are_read() {
    all_hold(&RESIDUALS);
}

#[test]
fn a_change_that_is_not_there_is_not_read_and_one_that_is_fails_the_check() {
    let change = read(&both(16_000, <[f64]>::to_vec), 16_000);
    assert!(change.a_weighted.0.abs() < 1e-9 && change.bands.iter().all(|(_, delta)| delta.0.abs() < 1e-9));
    let quieter = read(&both(16_000, |x| x.iter().map(|v| v * 0.99).collect()), 16_000);
    let wrong = Residual::value("noise-change", "0.09 dB", "dB", (0.0, quieter.a_weighted.0), 0.01, PAPER);
    assert!(!wrong.holds());
    // b is compared with a, not a with b.
    assert!(quieter.a_weighted.0 < 0.0);
}

#[test]
fn bands_end_below_half_the_rate() {
    let bands = |rate| read(&both(rate, <[f64]>::to_vec), rate).bands;
    let ends = |rate| {
        let bands = bands(rate);
        (bands[0].0.nominal_hz, bands[bands.len() - 1].0.nominal_hz)
    };
    assert_eq!(ends(48_000), (50.0, 20_000.0));
    assert_eq!(ends(16_000), (50.0, 6300.0));
    assert_eq!(ends(8000), (50.0, 3150.0));
}

#[test]
fn the_low_end_of_a_cars_noise_does_not_leak_into_the_rest() {
    // A tone of full scale at 30.3 Hz, and white noise 90 dB under it that rises by 6 dB.
    let rate = 16_000;
    let weak = noise(12 * rate as usize, 4);
    let signal: Vec<f64> = weak
        .iter()
        .enumerate()
        .map(|(n, v)| {
            let gain = if n < 6 * rate as usize { 1e-4 } else { 2e-4 };
            (std::f64::consts::TAU * 30.3 * n as f64 / f64::from(rate)).sin() + gain * v
        })
        .collect();
    for (band, delta) in read(&signal, rate).bands {
        let truth = 20.0 * 2f64.log10();
        assert!(band.nominal_hz < 500.0 || (delta.0 - truth).abs() < 0.5, "{}: {}", band.nominal_hz, delta.0);
    }
}

#[test]
fn spans_that_make_no_comparison_are_refused() {
    let signal = noise(16_000, 1);
    let refused = |a: std::ops::Range<f64>, b| noise_change(&signal, 8000, &a, &b).unwrap_err().to_string();
    assert!(refused(0.0..1.0, 0.5..1.5).contains("overlap"));
    assert!(refused(0.0..1.0, 1.0..2.5).contains("beyond the recording of 2.000 s"));
    assert!(refused(1.0..1.0, 1.0..2.0).contains("empty"));
    assert!(refused(0.0..1.0, 1.0..1.2).contains("too short"));
    assert!(noise_change(&signal, 8000, &(1.0..2.0), &(0.0..1.0)).is_ok());
    let silent = [vec![0.0; 8000], signal[..8000].to_vec()].concat();
    let error = noise_change(&silent, 8000, &(0.0..1.0), &(1.0..2.0)).unwrap_err();
    assert!(error.to_string().contains("span a is silent"));
    let gone = noise_change(&silent, 8000, &(1.0..2.0), &(0.0..1.0)).unwrap();
    assert_eq!(gone.a_weighted.0, f64::NEG_INFINITY);
}
