//! The set-up check: what moves is seen by as much as it moved, and what stays repeats.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::{CarSpec, IdleNoise, Moved, PathsSpec, Weighting};
use lombard::bench::car::truth::Truth;
use lombard::context::{Fact, Facts};
use lombard::entry::{Entry, EntryId};
use lombard::finding::{FactValue, Finding};
use lombard::limits::{Rule, judge};
use lombard::methods::method;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, LimitClass};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::{density_in_call, density_of};
use super::{SEED, Trial, entry, limit, paths, shipped};

const SIGNAL: &str = "speech-conditioning";

fn wanted(id: &str, bandwidth: Bandwidth, signal: &str) -> Entry {
    let mut entry = entry("setup_check", bandwidth, Volume::Nominal, &[("signal", signal)]);
    entry.id = EntryId::new(id, &[]);
    entry
}

/// The facts that a first check finds.
fn facts_of(first: &Trial) -> Facts {
    let found = first.method().card().facts_found.iter().map(|(fact, measurand)| {
        let value = FactValue::of(&first.finding(measurand)).unwrap();
        ((*fact).to_owned(), Fact::new(value, first.entry.id.clone()))
    });
    Facts(found.collect())
}

/// The check at the end, on a car that was another one at the start.
fn at_the_end(before: &CarSpec, after: &CarSpec, signal: &str) -> Trial {
    let first = Trial::record(before.clone(), wanted("setup", before.bandwidth, signal), SEED);
    assert!(
        first.findings().unwrap().iter().all(|one| one.measurand != "setup_change"),
        "there is no change yet"
    );
    let end = wanted("setup_end", after.bandwidth, signal);
    Trial::knowing(CarBenchMaker::new(after.clone()), end, SEED + 1, facts_of(&first))
}

fn ideal(bandwidth: Bandwidth) -> CarSpec {
    let mut car = shipped("ideal-wb");
    car.bandwidth = bandwidth;
    car
}

fn moved(car: &CarSpec, mouth_db: f64, ears_db: f64) -> CarSpec {
    let moved = Some(Moved { after_calls: 1, lips_m: None, mouth_db, ears_db });
    CarSpec { moved, ..car.clone() }.after_move().unwrap()
}

/// The largest change of a band from 200 Hz to 4 kHz by the models of two cars.
fn largest_change_db(before: &CarSpec, after: &CarSpec) -> f64 {
    let spectrum = density_of(SIGNAL, false);
    let density = |hz: f64| spectrum.at(hz);
    let limited = density_in_call(SIGNAL, false, before.bandwidth);
    let at_poi = |hz: f64| limited.at(hz);
    let step = before.terminal.volume_steps / 2;
    let curves = |car: &CarSpec| {
        let model = Model::new(car.clone());
        let truth = Truth::of(&model);
        let mut all = vec![truth.send_sensitivities_dbv(&density)];
        for ear in lombard::terms::Ear::ALL {
            let gains: Vec<f64> = (0..20)
                .map(|band| {
                    let middle = 10f64.powf((f64::from(band) + 20.0) / 10.0);
                    let half = 10f64.powf(0.05);
                    truth.receive_gain_db(*ear, step, &at_poi, (middle / half, middle * half))
                })
                .collect();
            all.push(gains.try_into().unwrap());
        }
        all
    };
    let pairs: Vec<([f64; 20], [f64; 20])> = curves(before).into_iter().zip(curves(after)).collect();
    let changes = pairs.iter().flat_map(|(one, other)| (3..17).map(|band| (one[band] - other[band]).abs()));
    changes.fold(0.0, f64::max)
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let mut all = Vec::new();
    let mut add = |case: String, truth: f64, trial: &Trial, source| {
        all.push(Comparison {
            method: "setup_check",
            measurand: "setup_change",
            case,
            unit: "dB",
            truth,
            measured: trial.value("setup_change"),
            tolerance: LEVEL_TOLERANCE_DB,
            source,
        });
    };
    for (bandwidth, mouth_db, ears_db) in [
        (Bandwidth::Nb, 0.0, 0.0),
        (Bandwidth::Nb, -0.4, 0.2),
        (Bandwidth::Wb, 0.6, 0.0),
        (Bandwidth::Wb, 0.0, -0.7),
        (Bandwidth::Swb, 1.5, -1.0),
        (Bandwidth::Fb, -3.0, 2.0),
    ] {
        let car = ideal(bandwidth);
        let trial = at_the_end(&car, &moved(&car, mouth_db, ears_db), SIGNAL);
        let truth = f64::max(mouth_db.abs(), ears_db.abs());
        add(format!("{bandwidth}, mouth {mouth_db:+} dB, ears {ears_db:+} dB"), truth, &trial, Source::Paper);
    }
    let room = shipped("reference-wb");
    for (name, by_m) in [("2 cm forward", [0.02, 0.0, 0.0]), ("5 cm down", [0.0, 0.0, -0.05])] {
        let PathsSpec::Shoebox(cabin) = &room.cabin.paths else { panic!("a shoebox cabin") };
        let lips: [f64; 3] = std::array::from_fn(|axis| cabin.lips_m[axis] + by_m[axis]);
        let moved = Some(Moved { after_calls: 1, lips_m: Some(lips), mouth_db: 0.0, ears_db: 0.0 });
        let after = CarSpec { moved, ..room.clone() }.after_move().unwrap();
        let trial = at_the_end(&room, &after, SIGNAL);
        add(format!("shoebox cabin, HATS {name}"), largest_change_db(&room, &after), &trial, Source::Model);
    }
    all
});

#[test]
fn a_set_up_has_changed_by_as_much_as_it_was_moved() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "setup_change") >= 5);
}

#[test]
fn one_ear_that_moved_is_seen_beside_the_other() {
    let car = ideal(Bandwidth::Wb);
    let mut after = car.clone();
    if let Some(ear) = &mut paths(&mut after).loudspeaker_to_ears[1] {
        ear.gain_db -= 0.8;
    }
    let change = at_the_end(&car, &after, SIGNAL).finding("setup_change");
    assert!((change.as_scalar().unwrap() - 0.8).abs() < LEVEL_TOLERANCE_DB, "{change:?}");
    assert!(change.note.contains("setup_receive_right at"), "{}", change.note);
}

#[test]
fn half_a_decibel_is_where_it_asks() {
    let objection =
        |trial: &Trial| method("setup_check").unwrap().objection(&trial.entry, &trial.findings().unwrap());
    let car = ideal(Bandwidth::Wb);
    assert_eq!(objection(&at_the_end(&car, &moved(&car, 0.42, 0.0), SIGNAL)), None);
    let more = at_the_end(&car, &moved(&car, 0.0, 0.58), SIGNAL);
    let text = objection(&more).unwrap();
    assert!(text.contains("changed by 0.58 dB") && text.contains("against setup"), "{text}");
    let rule = Rule::Range { min: None, max: Some(0.5) };
    let limit = limit("setup_change", Unit::Db, rule, LimitClass::C);
    assert_eq!(judge(&more.finding("setup_change"), &limit).verdict, Verdict::Fail);
    let broken = [Finding::scalar("setup_change", f64::NAN, Unit::Db)];
    assert!(method("setup_check").unwrap().objection(&more.entry, &broken).is_some());
}

#[test]
fn real_algorithms_repeat_well_enough_to_see_half_a_decibel() {
    let car = shipped("real-wb");
    let change = at_the_end(&car, &car, "speech-single-talk").finding("setup_change");
    // Noise reduction, echo canceller and codec from another seed of all noises.
    assert!(change.as_scalar().unwrap() < 0.25, "{change:?}");
}

#[test]
fn without_a_first_check_there_is_no_change_and_a_mute_path_is_told() {
    let mut car = ideal(Bandwidth::Wb);
    let alone = Trial::record(car.clone(), wanted("setup_end", Bandwidth::Wb, SIGNAL), SEED);
    assert_eq!(alone.findings().unwrap().len(), 4);
    paths(&mut car).loudspeaker_to_ears[0] = None;
    let deaf = Trial::record(car, wanted("setup", Bandwidth::Wb, SIGNAL), SEED);
    assert!(deaf.findings().unwrap_err().reason.contains("cannot be told at ear.left"));
}

/// The ideal car with so much noise of its own, and with the microphone deaf to so many third octaves from 1.25 kHz on.
fn deaf_for(bands: usize) -> CarSpec {
    let mut car = ideal(Bandwidth::Wb);
    super::reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0: -70.0, weighting: Weighting::A });
    if bands > 0 {
        // Walls that stand a tenth of an octave into the neighbours: these keep most of what they have.
        let (first, last) = (10f64.powf(3.05), 10f64.powf(3.05 + 0.1 * bands as f64));
        let points = [(first * 0.93, 0.0), (first, -70.0), (last, -70.0), (last * 1.07, 0.0)];
        car.terminal.send_response = points.to_vec();
    }
    car
}

#[test]
fn more_than_a_fourth_of_the_bands_that_vanish_are_told_whatever_the_others_do() {
    let reason = |bands: usize| {
        at_the_end(&deaf_for(0), &deaf_for(bands), SIGNAL).findings().err().map(|why| why.reason)
    };
    // Of the 14 bands from 200 Hz to 4 kHz three may come and go.
    assert_eq!(reason(3), None);
    let told = reason(4).expect("four of fourteen are more than a fourth");
    assert!(told.contains("4 of the 14 bands of setup_send that setup found no longer stand out"), "{told}");
}
