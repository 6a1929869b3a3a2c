//! Talkers and listeners in other seats than the driver's: each seat has its own SLR and RLR.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::spec::{CarSpec, IdealSeat, PathsSpec};
use lombard::bench::car::truth::Truth;
use lombard::finding::Finding;
use lombard::limits::{Rule, judge};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, LimitClass, Port, Seat};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::density_of;
use super::{SEED, Trial, entry, limit, paths, shipped, tap};

/// Long enough to fill every band, and a fifth of the time of the default.
const SHORT: (&str, &str) = ("signal", "speech-conditioning");
const SEND: &[(&str, &str)] = &[("direction", "send"), SHORT];
const RECEIVE: &[(&str, &str)] = &[("direction", "receive"), SHORT];
/// The volume step with RLR 2 of the ideal cars.
const STEP: u32 = 5;
/// How much farther than the driver each seat is: from the microphone, and from the loudspeaker, in dB.
const FARTHER_DB: [(Seat, f64, f64); 5] = [
    (Seat::Driver, 0.0, 0.0),
    (Seat::Codriver, 1.5, -0.7),
    (Seat::RearLeft, 5.2, 2.1),
    (Seat::RearMiddle, 6.9, 3.3),
    (Seat::RearRight, 6.0, 4.4),
];

/// An ideal car with a head in every seat.
fn full(name: &str) -> CarSpec {
    let mut car = shipped(name);
    let paths = paths(&mut car);
    for (seat, mouth_db, ears_db) in FARTHER_DB.into_iter().skip(1) {
        let ears = tap(-6.0 - ears_db, 5.0);
        let own = IdealSeat {
            mouth_to_microphone: tap(-24.0 - mouth_db, 3.0),
            mouth_to_ears: tap(-18.0, 0.5),
            mouth_to_driver_ears: tap(-26.0 - mouth_db, 2.5),
            loudspeaker_to_ears: [ears; 2],
        };
        paths.seats.insert(seat, own);
    }
    car
}

/// What an entry finds whose talker and listener sit in `seat`.
fn rated(car: &CarSpec, given: &[(&str, &str)], seat: Seat) -> Trial {
    let mut wanted = entry("loudness_rating", car.bandwidth, Volume::Step(STEP), given);
    (wanted.talker, wanted.listener) = (seat, seat);
    Trial::record(car.clone(), wanted, SEED)
}

fn compare(car: &CarSpec, is_send: bool, seat: Seat, truth: f64, source: Source) -> Comparison {
    let (measurand, given) = if is_send { ("slr", SEND) } else { ("rlr", RECEIVE) };
    Comparison {
        method: "loudness_rating",
        measurand,
        case: format!("{}, {seat} talks and listens", car.name),
        unit: "dB",
        truth,
        measured: rated(car, given, seat).value(measurand),
        tolerance: LEVEL_TOLERANCE_DB,
        source,
    }
}

/// What the file's numbers say of the driver: a seat that is farther is as much quieter.
fn on_paper() -> Vec<Comparison> {
    let mut all = Vec::new();
    let wide = full("ideal-wb");
    for (seat, mouth_db, ears_db) in FARTHER_DB {
        all.push(compare(&wide, true, seat, 13.0 + mouth_db, Source::Paper));
        all.push(compare(&wide, false, seat, 2.0 + ears_db, Source::Paper));
    }
    for name in ["ideal-nb", "ideal-swb", "ideal-fb"] {
        let car = full(name);
        let (seat, mouth_db, ears_db) = FARTHER_DB[2];
        all.push(compare(&car, true, seat, 13.0 + mouth_db, Source::Paper));
        all.push(compare(&car, false, seat, 2.0 + ears_db, Source::Paper));
    }
    all
}

/// What the model of a cabin with two heads, two microphones and two loudspeakers says.
fn of_rooms() -> Vec<Comparison> {
    let spectrum = density_of(SHORT.1, false);
    let density = |freq_hz: f64| spectrum.at(freq_hz);
    let car = shipped("zones-wb");
    let model = Model::new(car.clone());
    let mut all = Vec::new();
    for seat in [Seat::Driver, Seat::Codriver] {
        let truth = Truth::of(&model).at(seat).expect("both seats are taken");
        all.push(compare(&car, true, seat, truth.slr_db(&density), Source::Model));
        all.push(compare(&car, false, seat, truth.rlr_db(STEP, &density), Source::Model));
    }
    all
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| on_paper().into_iter().chain(of_rooms()).collect());

#[test]
fn every_seat_has_its_own_ratings() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "slr") >= 5 && count(&COMPARISONS, "rlr") >= 5);
    // A bench that took the driver for everybody would be found out.
    let codriver = COMPARISONS.iter().find(|one| one.case.contains("codriver")).unwrap();
    assert!(!codriver.against(13.0).holds(), "{codriver:?}");
}

#[test]
fn a_seat_that_is_served_too_quietly_fails_where_the_driver_passes() {
    let mut car = full("ideal-wb");
    let rear = paths(&mut car).seats.get_mut(&Seat::RearRight).unwrap();
    rear.mouth_to_microphone = tap(-24.0 - 5.0, 3.0);
    rear.loudspeaker_to_ears = [tap(-6.0 - 5.0, 5.0); 2];
    for (measurand, given, nominal) in [("slr", SEND, 13.0), ("rlr", RECEIVE, 2.0)] {
        let range = Rule::Range { min: Some(nominal - 4.0), max: Some(nominal + 4.0) };
        let limit = limit(measurand, Unit::Db, range, LimitClass::A);
        let verdict = |seat| {
            let finding: Finding = rated(&car, given, seat).finding(measurand);
            judge(&finding, &limit).verdict
        };
        assert_eq!(verdict(Seat::Driver), Verdict::Pass, "{measurand}");
        assert_eq!(verdict(Seat::RearRight), Verdict::Fail, "{measurand}");
    }
}

#[test]
fn a_seat_without_a_head_is_refused() {
    let mut wanted = entry("loudness_rating", Bandwidth::Wb, Volume::Step(STEP), SEND);
    wanted.talker = Seat::Codriver;
    let maker = lombard::bench::car::rig::CarBenchMaker::new(shipped("ideal-wb"));
    let facts = lombard::context::Facts::default();
    let signals = super::SIGNALS.library();
    let cx =
        lombard::context::PlanCx { bench: lombard::bench::BenchMaker::info(&maker), facts: &facts, signals };
    let refusals = lombard::methods::method("loudness_rating").unwrap().plan(&wanted, &cx).unwrap_err();
    assert!(refusals[0].found.contains("mouth.codriver"), "{refusals:?}");
}

#[test]
fn the_driver_hears_who_talks_beside_him() {
    let mut car = full("ideal-wb");
    let mut wanted = entry("loudness_rating", Bandwidth::Wb, Volume::Step(STEP), SEND);
    wanted.talker = Seat::Codriver;
    paths(&mut car).seats.get_mut(&Seat::Codriver).unwrap().mouth_to_driver_ears = tap(-20.0, 2.5);
    let level_db = |car: &CarSpec, ear: Port| {
        let trial = Trial::record_also(car.clone(), wanted.clone(), SEED, std::slice::from_ref(&ear));
        let power = |samples: Vec<f32>| samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        let take = &trial.takes[0];
        let played = power(take.played[&Port::mouth(Seat::Codriver)].samples().unwrap().clone());
        10.0 * (power(take.captures[&ear].samples().unwrap().clone()) / played).log10()
    };
    assert!((level_db(&car, Port::of(Port::EAR_LEFT)) + 20.0).abs() < 0.01);
    assert!((level_db(&car, Port::ear(Seat::Codriver, lombard::terms::Ear::Right)) + 18.0).abs() < 0.01);
    let PathsSpec::Ideal(_) = &car.cabin.paths else { panic!("the cabin is ideal") };
}
