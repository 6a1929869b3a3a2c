//! Idle noise: declared levels of the terminal, noise through microphone and send response, both weightings.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::spec::{CarSpec, IdleNoise, Weighting};
use lombard::bench::car::truth::Truth;
use lombard::finding::Bound;
use lombard::take::Volume;
use lombard::terms::Bandwidth;

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::{SEED, Trial, entry, reference, shipped};

struct Case {
    name: &'static str,
    car: CarSpec,
}

/// Noise of 1 kHz bandwidth scatters by 4.34/√(1000·60) = 0.02 dB in 60 s, five standard deviations inside of the
/// tolerance; the 4 s of the default would take 0.07 dB.
const GIVEN: &[(&str, &str)] = &[("analysis", "60 s"), ("conditioning", "silence")];

fn cases() -> Vec<Case> {
    let idle = |car: &CarSpec, level_dbm0: f64, weighting, spectrum: &[(f64, f64)]| {
        let mut car = car.clone();
        reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0, weighting });
        reference(&mut car).idle_noise_spectrum = spectrum.to_vec();
        car
    };
    let (wide, narrow) = (shipped("ideal-wb"), shipped("ideal-nb"));
    let falling = &[(100.0, 10.0), (1_000.0, 0.0), (8_000.0, -20.0)];
    let rising = &[(100.0, -20.0), (1_000.0, 0.0), (4_000.0, 12.0)];
    let room = shipped("reference-wb");
    let mut noisy_room = room.clone();
    noisy_room.cabin.noise_microphone_dbpa_a = Some(-60.0);
    noisy_room.cabin.noise_amplifier_dbpa_a = Some(-50.0);
    let narrowed = |car: &CarSpec| {
        let mut car = car.clone();
        car.bandwidth = Bandwidth::Nb;
        car
    };
    let a = |car: &CarSpec, level, spectrum| idle(car, level, Weighting::A, spectrum);
    let p = |car: &CarSpec, level, spectrum| idle(car, level, Weighting::Psophometric, spectrum);
    let case = |name, car: CarSpec| Case { name, car };
    vec![
        case("white, declared −64 dBm0(A)", a(&wide, -64.0, &[])),
        case("white, declared −80 dBm0(A)", a(&wide, -80.0, &[])),
        case("falling spectrum, declared −70 dBm0(A)", a(&wide, -70.0, falling)),
        case("rising spectrum, declared −75 dBm0(P)", p(&wide, -75.0, rising)),
        case("shoebox cabin, all noises as shipped", room.clone()),
        case("shoebox cabin, loud cabin and amplifier", noisy_room.clone()),
        case("white, declared −64 dBm0(P)", p(&narrow, -64.0, &[])),
        case("white, declared −50 dBm0(P)", p(&narrow, -50.0, &[])),
        case("falling spectrum, declared −70 dBm0(P)", p(&narrow, -70.0, falling)),
        case("rising spectrum, declared −68 dBm0(A)", a(&narrow, -68.0, rising)),
        case("shoebox cabin, all noises as shipped", narrowed(&room)),
        case("shoebox cabin, loud cabin and amplifier", narrowed(&noisy_room)),
    ]
}

impl Case {
    fn truth(&self) -> f64 {
        let (weighting, band_hz) = match self.car.bandwidth {
            Bandwidth::Nb => (Weighting::Psophometric, (200.0, 4_000.0)),
            _ => (Weighting::A, (100.0, 8_000.0)),
        };
        Truth::of(&Model::new(self.car.clone())).idle_noise_send_dbm0(weighting, band_hz)
    }

    fn compare(&self) -> Comparison {
        let (measurand, unit) = match self.car.bandwidth {
            Bandwidth::Nb => ("idle_noise_send_p", "dBm0(P)"),
            _ => ("idle_noise_send_a", "dBm0(A)"),
        };
        Comparison {
            method: "idle_noise",
            measurand,
            case: self.name.to_owned(),
            unit,
            truth: self.truth(),
            measured: trial(&self.car, GIVEN).value(measurand),
            tolerance: LEVEL_TOLERANCE_DB,
            source: Source::Model,
        }
    }
}

fn trial(car: &CarSpec, given: &[(&str, &str)]) -> Trial {
    Trial::record(car.clone(), entry("idle_noise", car.bandwidth, Volume::Step(5), given), SEED)
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| cases().iter().map(Case::compare).collect());

#[test]
fn idle_noise_is_that_of_the_car() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "idle_noise_send_a") >= 5 && count(&COMPARISONS, "idle_noise_send_p") >= 5);
}

#[test]
fn digital_silence_is_a_bound() {
    for name in ["ideal-wb", "ideal-nb"] {
        let silent = trial(&shipped(name), &[]);
        let level = &silent.findings().unwrap()[0];
        assert_eq!(level.bound, Bound::AtMost, "{name}");
        // half a step of 16 bits, −96.33 dBov
        assert!((level.as_scalar().unwrap() + 96.33 - 6.15).abs() < 0.01, "{level:?}");
    }
}

#[test]
fn a_quarter_decibel_more_noise_is_seen() {
    for (index, more) in [(0, 0.25), (6, -0.25)] {
        let case = cases().remove(index);
        let truth = case.truth();
        let mut car = case.car;
        if let Some(noise) = &mut reference(&mut car).idle_noise {
            noise.level_dbm0 += more;
        }
        let wrong = Case { car, ..case }.compare();
        assert!(wrong.holds() && !wrong.against(truth).holds(), "{wrong:?}");
    }
}

#[test]
fn another_weighting_is_seen() {
    // The narrowband car's noise by the truth of A-weighting.
    let case = cases().remove(8);
    let measured = case.compare();
    let model = Model::new(case.car);
    let other = Truth::of(&model).idle_noise_send_dbm0(Weighting::A, (200.0, 4_000.0));
    assert!(measured.holds() && !measured.against(other).holds(), "{measured:?} {other}");
}
