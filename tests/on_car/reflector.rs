//! The echo while a panel turns in the cabin: what it makes of it, sample by sample, through a meter of the test's own.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use lombard::bench::BenchMaker;
use lombard::bench::car::noise::weight_db;
use lombard::bench::car::reflector::ReflectorSpec;
use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::{CarSpec, IdleNoise, Weighting};
use lombard::context::{Facts, PlanCx};
use lombard::finding::Bound;
use lombard::limits::{Rule, judge};
use lombard::methods::Method;
use lombard::take::{Action, RigAction, Volume};
use lombard::terms::{Bandwidth, LimitClass, Port};
use lombard::units::Unit;
use lombard::verdict::Verdict;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use super::comparison::{Comparison, Source, all_hold, count};
use super::echo::flat;
use super::{SEED, SIGNALS, Trial, entry, limit, reference};

/// What a meter reads while the echo moves.
const MOVING_DB: f64 = 0.5;

/// A car whose echo is `rest_db` below the far end by a way that stays, and at most `moving_db` by a panel.
fn car(bandwidth: Bandwidth, rest_db: f64, moving_db: f64, turn_s: f64) -> CarSpec {
    let mut car = flat(bandwidth, rest_db, 180.0);
    // −4 dB to 1 m and +4 dB to the output: the image at the microphone is what is left of it.
    car.cabin.reflector = Some(ReflectorSpec { gain_db: -6.0, delay_s: 0.005, extent_s: 0.0, turn_s });
    reference(&mut car).moving_loss_db = moving_db - 6.0;
    car
}

fn trial(car: CarSpec) -> Trial {
    let signal = if car.bandwidth == Bandwidth::Nb { "css-nb" } else { "css-fb" };
    let wanted =
        entry("echo_reflector", car.bandwidth, Volume::Step(0), &[("signal", signal), ("idle", "1 s")]);
    Trial::record(car, wanted, SEED)
}

/// A track through the A-weighting, by its transform.
fn weighted(track: &[f64]) -> Vec<f64> {
    let size = (track.len() + 48_000).next_power_of_two();
    let mut bins: Vec<Complex<f64>> = track.iter().map(|x| Complex::new(*x, 0.0)).collect();
    bins.resize(size, Complex::default());
    let mut planner = FftPlanner::new();
    planner.plan_fft_forward(size).process(&mut bins);
    for (k, bin) in bins.iter_mut().enumerate() {
        let hz = k.min(size - k) as f64 * 48_000.0 / size as f64;
        *bin *= if hz < 1.0 { 0.0 } else { 10f64.powf(weight_db(Weighting::A, hz) / 20.0) };
    }
    planner.plan_fft_inverse(size).process(&mut bins);
    bins[..track.len()].iter().map(|bin| bin.re / size as f64).collect()
}

/// The highest level of a track on a meter of 35 ms, in dB.
fn highest_db(track: &[f64]) -> f64 {
    let keep = (-1.0f64 / (0.035 * 48_000.0)).exp();
    let (mut power, mut most) = (0.0, 0.0f64);
    for x in weighted(track) {
        power = keep * power + (1.0 - keep) * x * x;
        most = most.max(power);
    }
    10.0 * most.log10()
}

/// The highest levels at rest and turning, from the far end's track and the numbers of the car.
fn truth(trial: &Trial, car: &CarSpec, rest_db: f64, moving_db: f64) -> [f64; 2] {
    let take = &trial.takes[0];
    let track = take.played[&Port::of(Port::POI_RECEIVE)].samples().unwrap();
    let unit = 10f64.powf(6.15 / 20.0);
    let far: Vec<f64> = track.iter().map(|x| f64::from(*x) * unit).collect();
    let starts = take.spec.cues.iter().find_map(|cue| match &cue.action {
        Action::Rig(RigAction::TurnReflector(true)) => Some(cue.at as f64),
        _ => None,
    });
    let panel = car.cabin.reflector.unwrap();
    // 20 ms of the network and 30 ms of the terminal lie before the cabin; the way by the panel is 3 ms longer than the other.
    let (before, longer) = (2_400.0, 144usize);
    let echo: Vec<f64> = (0..far.len())
        .map(|n| {
            let still = far[n] * 10f64.powf(-rest_db / 20.0);
            // Time at the microphone, where the other way arrives 2 ms after the loudspeaker.
            let turned = n as f64 + before + 96.0 - starts.unwrap() + 1.0;
            let faced =
                if turned > 0.0 { (TAU * turned / (panel.turn_s * 48_000.0) / 2.0).sin().abs() } else { 0.0 };
            let moving = if n < longer { 0.0 } else { far[n - longer] };
            still + faced * 10f64.powf(-moving_db / 20.0) * moving
        })
        .collect();
    ["rests", "turns"].map(|span| {
        let span = take.span(span);
        highest_db(&echo[span.start as usize..span.end as usize])
    })
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (bandwidth, rest_db, moving_db, turn_s) in [
        (Bandwidth::Nb, 40.0, 37.0, 4.0),
        (Bandwidth::Wb, 50.0, 40.0, 4.0),
        (Bandwidth::Wb, 30.0, 33.0, 3.0),
        (Bandwidth::Swb, 42.0, 33.0, 6.0),
        (Bandwidth::Fb, 45.0, 33.0, 4.0),
    ] {
        let car = car(bandwidth, rest_db, moving_db, turn_s);
        let trial = trial(car.clone());
        let [rests, turns] = truth(&trial, &car, rest_db, moving_db);
        let case =
            format!("{rest_db} dB at rest, {moving_db} dB by a panel, a turn in {turn_s} s, {bandwidth}");
        for (measurand, truth, unit) in
            [("reflector_level_max", turns, "dBm0(A)"), ("reflector_rise", turns - rests, "dB")]
        {
            all.push(Comparison {
                method: "echo_reflector",
                measurand,
                case: case.clone(),
                unit,
                truth,
                measured: trial.value(measurand),
                tolerance: MOVING_DB,
                source: Source::Paper,
            });
        }
    }
    all
});

#[test]
fn the_echo_rises_as_the_panel_turns() {
    assert_eq!(count(&COMPARISONS, "reflector_rise"), 5);
    all_hold(&COMPARISONS);
}

#[test]
fn a_canceller_that_does_not_follow_fails_both_forms_and_one_that_does_passes() {
    let judged = |moving_db: f64| {
        let trial = trial(car(Bandwidth::Wb, 55.0, moving_db, 4.0));
        let at_most = |measurand: &str, unit: Unit, max: f64| {
            let rule = Rule::Range { min: None, max: Some(max) };
            judge(&trial.finding(measurand), &limit(measurand, unit, rule, LimitClass::A)).verdict
        };
        [at_most("reflector_level_max", Unit::Dbm0A, -52.0), at_most("reflector_rise", Unit::Db, 6.0)]
    };
    assert_eq!(judged(62.0), [Verdict::Pass; 2]);
    assert_eq!(judged(30.0), [Verdict::Fail; 2]);
}

#[test]
fn what_noise_hides_has_not_failed() {
    let rise = |level_dbm0: f64, moving_db: f64| {
        let mut car = car(Bandwidth::Wb, 70.0, moving_db, 4.0);
        reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0, weighting: Weighting::A });
        let found = trial(car).finding("reflector_rise");
        let rule = Rule::Range { min: None, max: Some(6.0) };
        (found.bound, judge(&found, &limit("reflector_rise", Unit::Db, rule, LimitClass::A)).verdict)
    };
    // Both hidden, by a noise that is loud; the echo at rest alone, under one that stands out; no echo by its level.
    assert_eq!(rise(-50.0, 60.0), (Bound::AtLeast, Verdict::Inconclusive));
    assert_eq!(rise(-66.0, 30.0), (Bound::AtLeast, Verdict::Fail));
    assert_eq!(rise(-80.0, 60.0), (Bound::Exact, Verdict::Pass));
}

#[test]
fn a_bench_without_a_panel_is_refused() {
    let mut bare = flat(Bandwidth::Wb, 40.0, 180.0);
    bare.cabin.reflector = None;
    let maker = CarBenchMaker::new(bare);
    let wanted = entry("echo_reflector", Bandwidth::Wb, Volume::Step(0), &[]);
    let cx = PlanCx { bench: maker.info(), facts: &Facts::default(), signals: SIGNALS.library() };
    let refusals = lombard::methods::echo_reflector::EchoReflector.plan(&wanted, &cx).unwrap_err();
    assert!(refusals[0].remedy.contains("turn_reflector"), "{refusals:?}");
}
