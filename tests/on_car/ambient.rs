//! Ambient noise: declared levels and spectra of the cabin, at the reference microphone or at the ears.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::spec::CarSpec;
use lombard::bench::car::truth::Truth;
use lombard::finding::Value;
use lombard::limits::{Rule, judge};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, LimitClass};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::{SEED, Trial, entry, limit, shipped};

/// Of two ears the louder counts: over 120 s, what they differ by is a hundredth of a decibel.
const GIVEN: &[(&str, &str)] = &[("analysis", "120 s")];

fn cabin(bandwidth: Bandwidth, level_dbpa_a: f64, spectrum: &[(f64, f64)]) -> CarSpec {
    let mut car = shipped("ideal-wb");
    car.bandwidth = bandwidth;
    car.cabin.noise_ears_dbpa_a = Some(level_dbpa_a);
    car.cabin.noise_spectrum = spectrum.to_vec();
    car
}

fn trial(car: CarSpec, given: &[(&str, &str)]) -> Trial {
    let wanted = entry("ambient_noise", car.bandwidth, Volume::Step(0), given);
    Trial::record(car, wanted, SEED)
}

/// Car noise falls with frequency.
const FALLING: &[(f64, f64)] = &[(100.0, 20.0), (1_000.0, 0.0), (8_000.0, -20.0)];

fn compare(name: &str, bandwidth: Bandwidth, level_dbpa_a: f64, spectrum: &[(f64, f64)]) -> Comparison {
    let car = cabin(bandwidth, level_dbpa_a, spectrum);
    let truth = Truth::of(&Model::new(car.clone())).ear_noise_dbpa_a((20.0, 20_000.0));
    Comparison {
        method: "ambient_noise",
        measurand: "ambient_noise_a",
        case: format!("{name}, declared {level_dbpa_a} dBPa(A), {bandwidth}"),
        unit: "dBPa(A)",
        truth,
        measured: trial(car, GIVEN).value("ambient_noise_a"),
        tolerance: LEVEL_TOLERANCE_DB,
        source: Source::Model,
    }
}

/// At the ears without a call: the amplifier of this car hisses louder than its cabin.
fn compare_at_ears(bandwidth: Bandwidth, level_dbpa_a: f64, spectrum: &[(f64, f64)]) -> Comparison {
    let mut car = cabin(bandwidth, level_dbpa_a, spectrum);
    car.cabin.noise_amplifier_dbpa_a = Some(level_dbpa_a + 20.0);
    let truth = Truth::of(&Model::new(car.clone())).ear_noise_dbpa_a((20.0, 20_000.0));
    Comparison {
        method: "ambient_noise",
        measurand: "ambient_noise_ears_a",
        case: format!("no call, declared {level_dbpa_a} dBPa(A), {bandwidth}"),
        unit: "dBPa(A)",
        truth,
        measured: trial(car, &[("analysis", "120 s"), ("call", "none")]).value("ambient_noise_ears_a"),
        tolerance: LEVEL_TOLERANCE_DB,
        source: Source::Model,
    }
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    // Three thousandths keep the falling spectrum off an edge of the print.
    vec![
        compare("white", Bandwidth::Nb, -54.0, &[]),
        compare("white", Bandwidth::Wb, -64.0, &[]),
        compare("falling spectrum", Bandwidth::Wb, -73.703, FALLING),
        compare("falling spectrum", Bandwidth::Swb, -80.003, FALLING),
        compare("falling spectrum", Bandwidth::Fb, -44.003, FALLING),
        compare_at_ears(Bandwidth::Nb, -54.0, &[]),
        compare_at_ears(Bandwidth::Wb, -64.0, &[]),
        compare_at_ears(Bandwidth::Wb, -73.703, FALLING),
        compare_at_ears(Bandwidth::Swb, -80.003, FALLING),
        compare_at_ears(Bandwidth::Fb, -44.003, FALLING),
    ]
});

#[test]
fn ambient_noise_is_that_of_the_cabin() {
    all_hold(&COMPARISONS);
    assert_eq!(count(&COMPARISONS, "ambient_noise_a"), 5);
    assert_eq!(count(&COMPARISONS, "ambient_noise_ears_a"), 5);
}

#[test]
fn an_amplifier_that_hisses_is_heard_in_a_call() {
    let mut car = cabin(Bandwidth::Wb, -74.0, &[]);
    car.cabin.noise_amplifier_dbpa_a = Some(-54.0);
    for (call, level) in [("up", -60.0), ("none", -74.0)] {
        let found = trial(car.clone(), &[("call", call)]).value("ambient_noise_ears_a");
        assert!((found - level).abs() < 0.5, "{call}: {found}");
    }
}

#[test]
fn octaves_of_white_noise_rise_by_three_decibels() {
    let Value::Curve(octaves) = trial(cabin(Bandwidth::Wb, -60.0, &[]), &[("analysis", "60 s")])
        .finding("ambient_noise_octaves")
        .value
    else {
        panic!("octaves are a curve")
    };
    assert_eq!(octaves.hz, [63.0, 125.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0]);
    for (hz, pair) in octaves.hz.iter().zip(octaves.values.windows(2)) {
        // 45 Hz for 60 s scatter by 0.08 dB; the octave ratio of IEC 61260-1 is 3 dB exactly.
        assert!((pair[1] - pair[0] - 3.0).abs() < 0.35, "above {hz} Hz: {pair:?}");
    }
}

#[test]
fn a_loud_cabin_fails_its_entry_and_a_quiet_one_passes() {
    let rule = Rule::Range { min: None, max: Some(-54.0) };
    let limit = limit("ambient_noise_a", Unit::DbPaA, rule, LimitClass::B);
    for (level, verdict) in [(-53.0, Verdict::Fail), (-55.0, Verdict::Pass)] {
        let finding = trial(cabin(Bandwidth::Wb, level, FALLING), &[]).finding("ambient_noise_a");
        assert_eq!(judge(&finding, &limit).verdict, verdict, "{finding:?}");
    }
}

#[test]
fn a_microphone_that_is_off_measures_nothing() {
    let reason = trial(shipped("ideal-wb"), &[]).findings().unwrap_err().reason;
    assert!(reason.contains("recorded zeros only"), "{reason}");
}
