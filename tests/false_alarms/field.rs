//! The truth of a replayed background noise: how far the field at the driver's head misses the recording.
//!
//! The spectrum of a recording is that of [`FieldTruth`], made once for a noise. What the field adds to it, and what the
//! car makes there by itself, is laid on top here.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use lombard::bench::car::noise::weight_db;
use lombard::bench::car::spec::{NoiseFieldSpec, Weighting};
use lombard::bench::car::truth::field::{FieldTruth, Listening};

use crate::on_car::noise_field::points_of;
use crate::on_car::shipped;

/// Third octaves from 100 Hz to 10 kHz: n of `10^(n/10)` Hz, and the nominal frequency.
const THIRDS: [(i32, f64); 21] = [
    (20, 100.0),
    (21, 125.0),
    (22, 160.0),
    (23, 200.0),
    (24, 250.0),
    (25, 315.0),
    (26, 400.0),
    (27, 500.0),
    (28, 630.0),
    (29, 800.0),
    (30, 1_000.0),
    (31, 1_250.0),
    (32, 1_600.0),
    (33, 2_000.0),
    (34, 2_500.0),
    (35, 3_150.0),
    (36, 4_000.0),
    (37, 5_000.0),
    (38, 6_300.0),
    (39, 8_000.0),
    (40, 10_000.0),
];

/// What a density in Pa²/Hz makes between two frequencies, each weighted by so many decibels.
pub(super) fn power(
    density: &dyn Fn(f64) -> f64,
    (from_hz, to_hz): (f64, f64),
    weighting: Option<Weighting>,
) -> f64 {
    const STEP_HZ: f64 = 10.0;
    let steps = ((to_hz - from_hz) / STEP_HZ).ceil();
    let step_hz = (to_hz - from_hz) / steps;
    let at = |k: u32| {
        let hz = from_hz + (f64::from(k) + 0.5) * step_hz;
        density(hz) * 10f64.powf(weighting.map_or(0.0, |one| weight_db(one, hz)) / 10.0)
    };
    (0..steps as u32).map(at).sum::<f64>() * step_hz
}

/// A recording at the driver's head.
fn recording(signal: &str) -> Arc<FieldTruth> {
    static MADE: LazyLock<Mutex<BTreeMap<String, Arc<FieldTruth>>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap();
    let make = || {
        let points = points_of(signal);
        Arc::new(FieldTruth::of(&shipped("ideal-wb"), &points, Listening::Reference))
    };
    Arc::clone(made.entry(signal.to_owned()).or_insert_with(make))
}

/// The field's own gain at a frequency, in dB: straight lines over the logarithm of frequency, level beyond the ends.
fn gain_db(field: &NoiseFieldSpec, hz: f64) -> f64 {
    let points = &field.response;
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return field.gain_db };
    let hz = hz.clamp(first.0, last.0);
    let on = points.windows(2).find(|pair| (pair[0].0..=pair[1].0).contains(&hz));
    let shape = on.map_or(first.1, |pair| {
        let share = (hz / pair[0].0).ln() / (pair[1].0 / pair[0].0).ln();
        pair[0].1 + share * (pair[1].1 - pair[0].1)
    });
    field.gain_db + shape
}

/// By how much the A-weighted level of a noise is off in a field, in dB, where the car makes `own` (Pa²/Hz) besides.
pub(super) fn level_off_db(signal: &str, field: &NoiseFieldSpec, own: &dyn Fn(f64) -> f64) -> f64 {
    let noise = recording(signal);
    let a = |hz: f64| weight_db(Weighting::A, hz);
    let all_hz = (20.0, 20_000.0);
    let heard = noise.power(all_hz, |hz| a(hz) + gain_db(field, hz)) + power(own, all_hz, Some(Weighting::A));
    10.0 * (heard / noise.power(all_hz, a)).log10()
}

/// The same by third octave: nominal frequencies and decibels.
pub(super) fn spectrum_off_db(
    signal: &str,
    field: &NoiseFieldSpec,
    own: &dyn Fn(f64) -> f64,
) -> (Vec<f64>, Vec<f64>) {
    let noise = recording(signal);
    let off = |n: i32| {
        let band_hz = (10f64.powf((f64::from(n) - 0.5) / 10.0), 10f64.powf((f64::from(n) + 0.5) / 10.0));
        let heard = noise.power(band_hz, |hz| gain_db(field, hz)) + power(own, band_hz, None);
        10.0 * (heard / noise.power(band_hz, |_| 0.0)).log10()
    };
    THIRDS.iter().map(|(n, nominal_hz)| (*nominal_hz, off(*n))).unzip()
}
