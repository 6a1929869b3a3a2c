//! The conditioning: echo levels of a canceller that is settled, of one that settles, and of one that comes off its path.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::faults::{Disturbance, Fault, Place};
use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::CarSpec;
use lombard::bench::car::truth::{Truth, white};
use lombard::finding::Value;
use lombard::limits::{Rule, judge};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, LimitClass, Port};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::{SEED, Trial, entry, limit, reference, shipped};

fn trial(maker: CarBenchMaker) -> Trial {
    let bandwidth = maker.model().spec.bandwidth;
    Trial::on(maker, entry("conditioning", bandwidth, Volume::Step(STEP), &[]), SEED)
}

const STEP: u32 = 9;

fn car(bandwidth: Bandwidth, loss_db: f64) -> CarSpec {
    let mut car = shipped("ideal-wb");
    car.bandwidth = bandwidth;
    reference(&mut car).echo_loss_db = Some(loss_db);
    car
}

/// Power of a part of what was played, in the square of its unit: dBm0 is 6.15 dB over dBov.
fn played_power(trial: &Trial, from: u64, to: u64) -> f64 {
    let track = trial.takes[0].played[&Port::of(Port::POI_RECEIVE)].samples().unwrap();
    let part = &track[from as usize..to as usize];
    let square: f64 = part.iter().map(|x| f64::from(*x).powi(2)).sum();
    square / part.len() as f64 * 10f64.powf(0.615)
}

/// The mean of the series, as a level, over whole repetitions.
fn echo_dbm0(trial: &Trial) -> f64 {
    let Value::Series(series) = trial.finding("conditioning_echo").value else { panic!("a series") };
    let powers: Vec<f64> = series.values.iter().map(|db| 10f64.powf(db / 10.0)).collect();
    10.0 * (powers.iter().sum::<f64>() / powers.len() as f64).log10()
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let mut all = Vec::new();
    let mut add = |measurand, case: String, unit, truth, measured, source| {
        let (method, tolerance) = ("conditioning", LEVEL_TOLERANCE_DB);
        all.push(Comparison { method, measurand, case, unit, truth, measured, tolerance, source });
    };
    // Echo as strong as its path and the canceller leave it.
    for (bandwidth, loss_db) in [
        (Bandwidth::Nb, 20.0),
        (Bandwidth::Wb, 0.0),
        (Bandwidth::Wb, 35.0),
        (Bandwidth::Swb, 10.0),
        (Bandwidth::Fb, 28.0),
    ] {
        let car = car(bandwidth, loss_db);
        let model = Model::new(car.clone());
        let loss = Truth::of(&model).echo_losses_db(STEP, &white)[10];
        let trial = trial(CarBenchMaker::new(car));
        let (first, last) = (trial.takes[0].span("repeat-1"), trial.takes[0].span("repeat-3"));
        let truth = 10.0 * played_power(&trial, first.start, last.end).log10() - loss;
        let case = format!("echo loss {loss_db} dB, {bandwidth}");
        add("conditioning_echo", case.clone(), "dBm0", truth, echo_dbm0(&trial), Source::Model);
        add("conditioning_change", case, "dB", 0.0, trial.value("conditioning_change"), Source::Paper);
    }
    // An echo that is gone from some instant of the last repetition on.
    let plain = trial(CarBenchMaker::new(car(Bandwidth::Wb, 20.0)));
    let last = plain.takes[0].span("repeat-3");
    for share in [0.2, 0.35, 0.5, 0.65, 0.8] {
        let at = (last.start + ((last.end - last.start) as f64 * share) as u64).next_multiple_of(480);
        // The echo reaches the terminal's output as much later as the way there takes: 20 and 52 ms to the loudspeaker,
        // 2 ms in the cabin, 63 ms to the output; the network adds 20 ms.
        let way = (0.020 + 0.052 + 0.002 + 0.063) * 48_000.0;
        let muted = Disturbance::Muted { from: at + way as u64, frames: last.end };
        let maker = CarBenchMaker::new(car(Bandwidth::Wb, 20.0));
        let trial = trial(maker.with_fault(Fault { place: Place::Device, disturbance: muted }));
        let heard = played_power(&plain, last.start, at) * (at - last.start) as f64;
        let whole = played_power(&plain, last.start, last.end) * (last.end - last.start) as f64;
        let truth = 10.0 * (heard / whole).log10();
        let measured = trial.value("conditioning_change");
        add(
            "conditioning_change",
            format!("mute after {share} of the last"),
            "dB",
            truth,
            measured,
            Source::Paper,
        );
    }
    all
});

#[test]
fn the_conditioning_is_what_the_echo_makes_of_it() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "conditioning_change") >= 5 && count(&COMPARISONS, "conditioning_echo") >= 5);
}

#[test]
fn a_real_canceller_settles_and_one_that_is_lost_fails() {
    let mut real = shipped("real-wb");
    real.cabin.noise_microphone_dbpa_a = None;
    let trial = trial(CarBenchMaker::new(real));
    let change = trial.finding("conditioning_change");
    let rule = Rule::Range { min: Some(-3.0), max: Some(3.0) };
    let limit = limit("conditioning_change", Unit::Db, rule, LimitClass::C);
    assert_eq!(judge(&change, &limit).verdict, Verdict::Pass, "{change:?}");
    let lost = COMPARISONS.iter().find(|one| one.case == "mute after 0.2 of the last").unwrap();
    let finding = lombard::finding::Finding::scalar("conditioning_change", lost.measured, Unit::Db);
    assert_eq!(judge(&finding, &limit).verdict, Verdict::Fail, "{lost:?}");
}
