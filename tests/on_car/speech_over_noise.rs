//! Speech over noise in send. The truth is on paper what the terminal takes away of the noise, and by the model how loud the
//! noise is at the microphone beside the driver's head, weighed by a formula of this file.

use std::sync::LazyLock;

use lombard::bench::car::dynamics::{Dynamics, NoiseControl};
use lombard::bench::car::spec::CarSpec;
use lombard::entry::{Entry, Noise};
use lombard::finding::Value;
use lombard::take::Volume;
use lombard::terms::Bandwidth;

use super::comparison::{Comparison, Source, all_hold, count};
use super::noise_field::points_of;
use super::spectrum::Density;
use super::{SEED, SIGNALS, Trial, entry, paths, reference, shipped, tap};

/// The same sound before and under the speech: what is left is by how far the two waveforms happen to agree, some thousand
/// independent values in each class.
const RATIO_DB: f64 = 0.3;
/// A third octave at 200 Hz has 46 Hz times 19 s of them, less where the noise is far louder than the speech.
const BAND_DB: f64 = 1.0;
/// Their mean over at least eleven bands.
const MEAN_DB: f64 = 0.4;
const DRIVING: &str = "driving-50";

fn wanted(bandwidth: Bandwidth, given: &[(&str, &str)]) -> Entry {
    let mut wanted = entry("snr_improvement", bandwidth, Volume::Step(9), given);
    let level_dba = SIGNALS.library().noise_level_dba(DRIVING).unwrap();
    wanted.noise = Some(Noise { signal: DRIVING.to_owned(), level_dba });
    wanted
}

/// A car whose mouth reaches its microphone by a tap of so many decibels, and that treats noise so.
fn car(bandwidth: Bandwidth, mouth_db: f64, noise: NoiseControl) -> CarSpec {
    let mut car = shipped("ideal-wb");
    car.bandwidth = bandwidth;
    paths(&mut car).mouth_to_microphone = tap(mouth_db, 1.5);
    *reference(&mut car).dynamics = Dynamics { noise, ..Dynamics::default() };
    car
}

fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

/// A-weighting as a factor of power, by IEC 61672-1.
fn a_weight(hz: f64) -> f64 {
    let [low, first, second, high] = [20.598_997f64, 107.652_65, 737.862_23, 12_194.217].map(|hz| hz * hz);
    let f2 = hz * hz;
    (1.258_925 * high * f2 * f2 / ((f2 + low) * ((f2 + first) * (f2 + second)).sqrt() * (f2 + high))).powi(2)
}

/// One turn of the noise at two points.
static NOISE: LazyLock<[Density; 2]> = LazyLock::new(|| {
    let points = points_of(DRIVING);
    ["microphone", "driver-head"].map(|point| {
        let turn: Vec<f64> = points[point].iter().map(|x| f64::from(*x)).collect();
        Density::of(&turn)
    })
});

/// How much louder the noise is at the driver's head than at the microphone, A-weighted between two frequencies.
fn head_over_microphone_db(lo_hz: f64, hi_hz: f64) -> f64 {
    let [microphone, head] = [0, 1].map(|point| {
        let step = |n: i32| lo_hz * (hi_hz / lo_hz).powf(f64::from(n) / 500.0);
        let part =
            |n: i32| NOISE[point].between(step(n), step(n + 1)) * a_weight((step(n) * step(n + 1)).sqrt());
        (0..500).map(part).sum::<f64>()
    });
    db(head / microphone)
}

/// The same in a third octave.
fn in_band_db(nominal_hz: f64) -> f64 {
    let exact = 1_000.0 * 10f64.powf((10.0 * (nominal_hz / 1_000.0).log10()).round() / 10.0);
    let [lo, hi] = [-0.05, 0.05].map(|by: f64| exact * 10f64.powf(by));
    db(NOISE[1].between(lo, hi) / NOISE[0].between(lo, hi))
}

fn cases() -> [(Bandwidth, f64, NoiseControl); 6] {
    let less = |reduction_db| NoiseControl { reduction_db, ..NoiseControl::default() };
    [
        (Bandwidth::Wb, -24.0, NoiseControl::default()),
        (Bandwidth::Nb, -24.0, less(6.0)),
        (Bandwidth::Wb, -18.0, less(9.0)),
        (Bandwidth::Swb, -27.0, less(12.0)),
        (Bandwidth::Fb, -20.0, less(15.0)),
        // It sinks under the talker and comes back in the pauses: what the pauses have is what is told.
        (
            Bandwidth::Wb,
            -24.0,
            NoiseControl { reduction_db: 10.0, settling_s: 3.0, ..NoiseControl::default() },
        ),
    ]
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (bandwidth, mouth_db, noise) in cases() {
        let depth_db = noise.reduction_db;
        let trial = Trial::record(car(bandwidth, mouth_db, noise), wanted(bandwidth, &[]), SEED);
        let case = format!("{depth_db} dB less noise, mouth to microphone {mouth_db} dB, {bandwidth}");
        let mut row = |measurand, truth, tolerance, source| {
            let measured = trial.value(measurand);
            let (method, unit, case) = ("snr_improvement", "dB", case.clone());
            all.push(Comparison { method, measurand, case, unit, truth, measured, tolerance, source });
        };
        let (lo_hz, hi_hz) = bandwidth.edges_hz();
        let place_db = mouth_db + 24.0 + head_over_microphone_db(lo_hz, hi_hz);
        row("snr_improvement_device", depth_db, RATIO_DB, Source::Paper);
        row("snr_improvement", depth_db + place_db, RATIO_DB, Source::Model);
        let spectrum = trial.finding("d_spectrum");
        let Value::Curve(curve) = &spectrum.value else { panic!("{spectrum:?}") };
        assert!(curve.hz.len() >= 11, "{:?}", spectrum.note);
        let truths: Vec<f64> = curve.hz.iter().map(|hz| mouth_db + in_band_db(*hz) + depth_db).collect();
        row("d_value", truths.iter().sum::<f64>() / truths.len() as f64, MEAN_DB, Source::Model);
        for ((hz, truth), measured) in curve.hz.iter().zip(truths).zip(curve.values.iter().copied()) {
            if ![400.0, 1_000.0, 2_500.0].contains(hz) {
                continue;
            }
            let (method, measurand, unit) = ("snr_improvement", "d_spectrum", "dB");
            let (case, tolerance, source) = (format!("{case}, {hz} Hz"), BAND_DB, Source::Model);
            all.push(Comparison { method, measurand, case, unit, truth, measured, tolerance, source });
        }
    }
    all
});

#[test]
fn speech_over_noise_is_what_the_car_makes_of_it() {
    all_hold(&COMPARISONS);
    for (measurand, rows) in
        [("snr_improvement", 6), ("snr_improvement_device", 6), ("d_value", 6), ("d_spectrum", 18)]
    {
        assert_eq!(count(&COMPARISONS, measurand), rows, "{measurand}");
        let mut of = COMPARISONS.iter().filter(|one| one.measurand == measurand);
        assert!(of.all(|one| !one.against(one.truth + 2.1 * one.tolerance).holds()), "{measurand}");
    }
}

#[test]
fn a_talker_lost_in_the_noise_has_no_figure() {
    // A murmur can still be found in what is sent, a whisper not even that.
    for (level, told) in [("-26 dBPa", "lost in the noise"), ("-50 dBPa", "not found at the POI")] {
        let quiet = wanted(Bandwidth::Wb, &[("lombard_base", level)]);
        let trial = Trial::record(car(Bandwidth::Wb, -24.0, NoiseControl::default()), quiet, SEED);
        let why = trial.findings().unwrap_err().reason;
        assert!(why.contains(told), "{level}: {why}");
    }
}

#[test]
fn a_car_with_real_algorithms_has_its_figures() {
    let trial = Trial::record(shipped("real-wb"), wanted(Bandwidth::Wb, &[]), SEED);
    // What a real noise suppressor does is its own; it takes away noise.
    let improvement = trial.value("snr_improvement_device");
    assert!((0.0..60.0).contains(&improvement), "{improvement}");
    assert!(trial.value("d_value").is_finite());
}
