//! The volume search on controls of several ranges and steps.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::spec::CarSpec;
use lombard::bench::car::truth::Truth;
use lombard::take::Volume;
use lombard::terms::Bandwidth;

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::density_in_call;
use super::{SEED, Trial, entry, shipped};

struct Case {
    name: &'static str,
    car: CarSpec,
}

fn cases() -> Vec<Case> {
    let control = |car: &CarSpec, steps: u32, step_db: f64, louder_db: f64| {
        let mut car = car.clone();
        car.terminal.volume_steps = steps;
        car.terminal.volume_step_db = step_db;
        car.terminal.receive_gain_db += louder_db;
        car
    };
    let (wide, narrow, room) = (shipped("ideal-wb"), shipped("ideal-nb"), shipped("reference-wb"));
    let mut room_narrow = room.clone();
    room_narrow.bandwidth = Bandwidth::Nb;
    let case = |name, car: CarSpec| Case { name, car };
    vec![
        case("ideal cabin, 16 steps of 1.5 dB, WB", wide.clone()),
        case("ideal cabin, 31 steps of 0.8 dB, WB", control(&wide, 31, 0.8, 0.3)),
        case("ideal cabin, 8 steps of 3 dB, NB", control(&narrow, 8, 3.0, 2.0)),
        case("ideal cabin, 64 steps of 0.5 dB, NB", control(&narrow, 64, 0.5, -4.0)),
        case("ideal cabin, loudest step too quiet, WB", control(&wide, 16, 1.5, -20.0)),
        case("shoebox cabin with noise, 16 steps of 1.5 dB, WB", room.clone()),
        case("shoebox cabin with noise, 12 steps of 2.2 dB, NB", control(&room_narrow, 12, 2.2, -1.0)),
    ]
}

impl Case {
    fn compare(&self) -> [Comparison; 2] {
        let spectrum = density_in_call("speech-conditioning", false, self.car.bandwidth);
        let density = |freq_hz: f64| spectrum.at(freq_hz);
        let model = Model::new(self.car.clone());
        let truth = Truth::of(&model);
        let step = truth.nominal_volume_step(&density);
        let wanted = entry("volume_search", self.car.bandwidth, Volume::Step(0), &[]);
        let trial = Trial::record(self.car.clone(), wanted, SEED);
        let of = |measurand, unit, truth: f64, tolerance| Comparison {
            method: "volume_search",
            measurand,
            case: self.name.to_owned(),
            unit,
            truth,
            measured: trial.value(measurand),
            tolerance,
            source: Source::Model,
        };
        [
            of("volume_nominal", "step", f64::from(step), 0.0),
            of("rlr_nominal", "dB", truth.rlr_db(step, &density), LEVEL_TOLERANCE_DB),
        ]
    }
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| cases().iter().flat_map(Case::compare).collect());

#[test]
fn the_nominal_step_is_that_of_the_car() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "volume_nominal") >= 5 && count(&COMPARISONS, "rlr_nominal") >= 5);
}

#[test]
fn a_control_that_is_one_step_off_is_seen() {
    let case = cases().remove(0);
    let [nominal, _] = case.compare();
    let mut car = case.car;
    car.terminal.receive_gain_db -= car.terminal.volume_step_db;
    let [wrong, rating] = Case { car, ..case }.compare();
    assert!(wrong.holds() && rating.holds());
    assert!(!wrong.against(nominal.truth).holds(), "{wrong:?} {nominal:?}");
}

#[test]
fn in_noise_the_terminal_plays_louder_by_as_much_as_its_file_says() {
    let given = &[("direction", "receive"), ("signal", "speech-conditioning")];
    let rlr = |car: CarSpec| {
        let wanted = entry("loudness_rating", car.bandwidth, Volume::Step(5), given);
        Trial::record(car, wanted, SEED).value("rlr")
    };
    for name in ["ideal-nb", "reference-wb", "reference-swb", "reference-fb"] {
        let plain = rlr(shipped(name));
        for (level, louder_db) in
            [(None, 0.5), (Some(-70.0), 0.5), (Some(-45.0), 3.0), (Some(-34.5), 4.75), (Some(-20.0), 5.5)]
        {
            let mut car = shipped(name);
            car.terminal.speed_volume = vec![(-60.0, 0.5), (-45.0, 3.0), (-30.0, 5.5)];
            car.cabin.noise_microphone_dbpa_a = level;
            let found = rlr(car);
            assert!((plain - found - louder_db).abs() < 0.1, "{name} {level:?}: {plain} {found}");
        }
    }
}

#[test]
fn a_volume_that_no_car_has_is_reported() {
    let path = crate::source::root().join("test-plans/cars/ideal-wb.toml");
    let text = std::fs::read_to_string(path).unwrap();
    for (points, expected) in [
        ("[[-50, 0], [-30, 8]]", None),
        ("[[-30, 8], [-50, 0]]", Some("'speed_volume_dbpa_db' is no volume")),
        ("[[-30, 80]]", Some("'speed_volume_dbpa_db' is no volume")),
        ("[]", Some("'speed_volume_dbpa_db' is no volume")),
        ("\"loud\"", Some("speed_volume_dbpa_db")),
    ] {
        let text = text.replace("[terminal]", &format!("[terminal]\nspeed_volume_dbpa_db = {points}"));
        let read = lombard::bench::car::file::read_car(&lombard::problem::SourceText::new("car", text));
        match expected {
            None => assert_eq!(read.unwrap().terminal.speed_volume, [(-50.0, 0.0), (-30.0, 8.0)]),
            Some(expected) => {
                let problems = read.unwrap_err();
                let told = format!("{:?}", problems[0]);
                assert!(problems.len() == 1 && told.contains(expected), "{points}: {problems:#?}");
            }
        }
    }
}
