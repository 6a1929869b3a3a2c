//! Echo against time, by frequency and as it converges: flat paths, losses that change, noise that hides them.

use std::sync::LazyLock;

use lombard::bench::BenchMaker;
use lombard::bench::car::dynamics::Dynamics;
use lombard::bench::car::spec::{CarSpec, IdleNoise, Weighting};
use lombard::context::{Facts, PlanCx};
use lombard::finding::{Bound, Curve, Finding, Series, Value};
use lombard::limits::{Axis, Mask, Rule, judge};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, LimitClass, Port};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::comparison::{Comparison, Source, all_hold, count};
use super::{SEED, SIGNALS, Trial, entry, limit, paths, reference, shipped, tap};

mod chance;

/// Steady attenuations.
const STEADY_DB: f64 = 0.1;
/// What a meter reads while the loss changes.
const MOVING_DB: f64 = 0.5;

/// An ideal car whose loss from POI to POI is `loss_db` at every frequency, after `delay_ms` in all.
pub(super) fn flat(bandwidth: Bandwidth, loss_db: f64, delay_ms: f64) -> CarSpec {
    let mut car = shipped("ideal-wb");
    car.bandwidth = bandwidth;
    car.terminal.volume_steps = 1;
    // −4 dB to 1 m, −4 dB to the microphone, +4 dB to the output; no converter clips.
    car.terminal.receive_gain_db = -4.0;
    car.terminal.send_gain_db = 4.0;
    car.terminal.send_overload_dbpa = Some(40.0);
    paths(&mut car).loudspeaker_to_microphone = tap(-4.0, 2.0);
    reference(&mut car).echo_loss_db = Some(loss_db - 4.0);
    // 20 ms of the network each way and 2 ms of the cabin are in it.
    car.terminal.receive_delay_s = 0.030;
    car.terminal.send_delay_s = (delay_ms - 72.0) / 1e3;
    car
}

fn trial(method: &str, car: CarSpec, given: &[(&str, &str)]) -> Trial {
    let wanted = entry(method, car.bandwidth, Volume::Step(0), given);
    Trial::record(car, wanted, SEED)
}

fn series(trial: &Trial, measurand: &str) -> Series {
    let Value::Series(series) = trial.finding(measurand).value else { panic!("{measurand} is a series") };
    series
}

fn curve(finding: &Finding) -> &Curve {
    let Value::Curve(curve) = &finding.value else { panic!("{} is a curve", finding.measurand) };
    curve
}

/// A signal for a bandwidth whose whole energy the network carries.
fn css(bandwidth: Bandwidth) -> &'static str {
    if bandwidth == Bandwidth::Nb { "css-nb" } else { "css-fb" }
}

/// The first-order mean square of 35 ms of a track, read after every 240 frames, by this test's own recursion.
fn metered(track: &[f64]) -> Vec<f64> {
    let keep = (-1.0f64 / (0.035 * 48_000.0)).exp();
    let mut power = 0.0;
    let mut readings = Vec::new();
    for (n, x) in track.iter().enumerate() {
        power = keep * power + (1.0 - keep) * x * x;
        if (n + 1) % 240 == 0 {
            readings.push(power);
        }
    }
    readings
}

fn played(trial: &Trial, span: &str) -> Vec<f64> {
    let frames = trial.takes[0].span(span);
    let track = trial.takes[0].played[&Port::of(Port::POI_RECEIVE)].samples().unwrap();
    // ±1 is full scale, and 0 dBm0 is 6.15 dB below it.
    let unit = 10f64.powf(6.15 / 20.0);
    track[frames.start as usize..frames.end as usize].iter().map(|x| f64::from(*x) * unit).collect()
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (bandwidth, loss_db, delay_ms) in [
        (Bandwidth::Nb, 20.0, 130.0),
        (Bandwidth::Wb, 40.0, 180.0),
        (Bandwidth::Wb, 53.0, 240.0),
        (Bandwidth::Swb, 33.0, 160.0),
        (Bandwidth::Fb, 60.0, 300.0),
    ] {
        let car = flat(bandwidth, loss_db, delay_ms);
        let trial = trial("echo_level", car.clone(), &[("signal", css(bandwidth)), ("idle", "1 s")]);
        let case = format!("flat {loss_db} dB after {delay_ms} ms, {bandwidth}");
        let mut add = |method, measurand, truth, measured, tolerance| {
            let (case, unit, source) = (case.clone(), "dB", Source::Paper);
            all.push(Comparison { method, measurand, case, unit, truth, measured, tolerance, source });
        };
        // The network cuts what a full-band signal has above the band: less comes back, by so much more loss.
        let cut =
            if bandwidth == Bandwidth::Fb || bandwidth == Bandwidth::Nb { STEADY_DB } else { MOVING_DB };
        add("echo_level", "echo_attenuation_least", loss_db, trial.value("echo_attenuation_least"), cut);
        add("echo_level", "echo_attenuation_fall", 0.0, trial.value("echo_attenuation_fall"), cut);
    }
    // A loss that changes while it is measured, by so much.
    for (change_db, base_db) in [(3.0, 40.0), (6.0, 44.0), (10.0, 48.0), (-8.0, 36.0), (15.0, 50.0)] {
        let mut car = flat(Bandwidth::Fb, base_db, 180.0);
        // 6.5 s of conditioning, then 10.5 s of the signal: 3 s into it the loss begins to change, within 0.5 s.
        let after = 6.0 + 3.0;
        *reference(&mut car).dynamics = Dynamics {
            convergence: vec![
                (after, base_db - 4.0),
                (after + 0.5, base_db - 4.0 - change_db),
                (60.0, base_db - 4.0 - change_db),
            ],
            ..Dynamics::default()
        };
        let trial = trial("echo_level", car, &[("signal", "css-fb"), ("idle", "1 s")]);
        all.push(Comparison {
            method: "echo_level",
            measurand: "echo_attenuation_fall",
            case: format!("a loss of {base_db} dB that changes by {change_db} dB"),
            unit: "dB",
            truth: change_db.abs(),
            measured: trial.value("echo_attenuation_fall"),
            tolerance: MOVING_DB,
            source: Source::Model,
        });
    }
    all
});

#[test]
fn echo_levels_are_those_of_the_car() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "echo_attenuation_least") >= 5);
    assert!(count(&COMPARISONS, "echo_attenuation_fall") >= 10);
}

#[test]
fn every_moment_of_a_flat_path_reads_its_loss() {
    // traps.md 2.2: a path of 40 dB after 180 ms.
    let trial = trial("echo_level", flat(Bandwidth::Fb, 40.0, 180.0), &[("signal", "css-fb")]);
    let series = series(&trial, "echo_attenuation");
    assert!(series.values.len() > 1_000);
    for (s, db) in series.seconds.iter().zip(&series.values) {
        assert!((db - 40.0).abs() < 0.1, "{db} dB at {s} s");
    }
}

/// A car without any echo and with so much noise.
fn noisy(level_dbm0: f64) -> CarSpec {
    let mut car = flat(Bandwidth::Wb, 40.0, 180.0);
    paths(&mut car).loudspeaker_to_microphone = None;
    reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0, weighting: Weighting::A });
    car
}

fn at_least(measurand: &str, min: f64) -> lombard::limits::Limit {
    limit(measurand, Unit::Db, Rule::Range { min: Some(min), max: None }, LimitClass::A)
}

fn at_most(measurand: &str, unit: Unit, max: f64) -> lombard::limits::Limit {
    limit(measurand, unit, Rule::Range { min: None, max: Some(max) }, LimitClass::A)
}

/// The mask of the spectral echo attenuation in wideband, as loss.
fn spectral() -> lombard::limits::Limit {
    let lower = vec![
        (100.0, 41.0),
        (1_300.0, 41.0),
        (3_450.0, 46.0),
        (5_200.0, 46.0),
        (7_500.0, 37.0),
        (8_000.0, 37.0),
    ];
    let mask = Mask { lower, ..Mask::default() };
    limit("echo_spectrum", Unit::Db, Rule::Mask(mask), LimitClass::A)
}

/// The straight line of the convergence.
fn converging() -> lombard::limits::Limit {
    let lower = vec![(0.0, 6.0), (0.2, 6.0), (1.2, 40.0), (5.0, 40.0)];
    let mask = Mask { axis: Axis::Time, lower, ..Mask::default() };
    limit("echo_convergence", Unit::Db, Rule::Mask(mask), LimitClass::A)
}

#[test]
fn noise_without_an_echo_fails_nothing() {
    for level in [-60.0, -64.0, -75.0] {
        let level_trial = trial("echo_level", noisy(level), &[]);
        let spectrum = trial("echo_spectrum", noisy(level), &[]);
        let convergence = trial("echo_convergence", noisy(level), &[]);
        for (trial, limit) in [
            (&level_trial, at_most("echo_attenuation_fall", Unit::Db, 6.0)),
            (&level_trial, at_least("echo_attenuation_least", 46.0)),
            (&level_trial, at_most("echo_level_max", Unit::Dbm0A, -58.0)),
            (&spectrum, spectral()),
            (&convergence, converging()),
        ] {
            let finding = trial.finding(&limit.measurand);
            let judged = judge(&finding, &limit);
            assert_ne!(judged.verdict, Verdict::Fail, "{level}: {} {judged:?}", limit.measurand);
            let flags = &finding.flags;
            assert!(
                flags.contains(&lombard::verdict::Flag::NoiseLimited),
                "{level}: {} {flags:?}",
                limit.measurand
            );
        }
        if level < -70.0 {
            let judged =
                judge(&level_trial.finding("echo_level_max"), &at_most("echo_level_max", Unit::Dbm0A, -58.0));
            assert_eq!(judged.verdict, Verdict::Pass);
        }
    }
}

#[test]
fn an_echo_that_gets_louder_and_one_that_is_loud_fail() {
    let mut car = flat(Bandwidth::Fb, 50.0, 180.0);
    *reference(&mut car).dynamics =
        Dynamics { convergence: vec![(9.0, 46.0), (9.5, 34.0), (60.0, 34.0)], ..Dynamics::default() };
    let trial = trial("echo_level", car, &[("signal", "css-fb")]);
    let judged =
        judge(&trial.finding("echo_attenuation_fall"), &at_most("echo_attenuation_fall", Unit::Db, 6.0));
    assert_eq!(judged.verdict, Verdict::Fail, "{judged:?}");
    // −16 dBm0, 38 dB down.
    let judged = judge(&trial.finding("echo_level_max"), &at_most("echo_level_max", Unit::Dbm0A, -58.0));
    assert_eq!(judged.verdict, Verdict::Fail, "{judged:?}");
    assert_eq!(trial.finding("echo_level_max").bound, Bound::Exact);
}

#[test]
fn the_spectrum_of_the_echo_is_that_of_the_path() {
    for (bandwidth, points) in [
        (Bandwidth::Nb, vec![(300.0, 0.0), (3_400.0, 0.0)]),
        (Bandwidth::Wb, vec![(100.0, 0.0), (1_000.0, 6.0), (7_000.0, 0.0)]),
        (Bandwidth::Wb, vec![(100.0, -6.0), (7_000.0, 10.0)]),
        (Bandwidth::Swb, vec![(100.0, 8.0), (2_000.0, 0.0), (12_000.0, 8.0)]),
        (Bandwidth::Fb, vec![(100.0, 0.0), (500.0, -8.0), (12_000.0, 0.0)]),
    ] {
        let mut car = flat(bandwidth, 44.0, 180.0);
        reference(&mut car).echo_loss_response = points.clone();
        car.terminal.send_delay_s += 0.020;
        let trial = trial("echo_spectrum", car, &[("signal", css(bandwidth))]);
        let found = trial.finding("echo_spectrum");
        // Bins by the handful: a straight line of decibels over the logarithm of frequency, as the car file states it.
        for (n, (hz, db)) in curve(&found).hz.iter().zip(&curve(&found).values).enumerate() {
            let Some(pair) = points.windows(2).find(|pair| pair[0].0 * 1.3 < *hz && *hz < pair[1].0 / 1.3)
            else {
                continue;
            };
            let share = (hz / pair[0].0).ln() / (pair[1].0 / pair[0].0).ln();
            let truth = 44.0 + pair[0].1 + share * (pair[1].1 - pair[0].1);
            // The car's filter resolves 200 Hz, so that it rounds the corners of its file.
            let tolerance = if *hz < 400.0 { 1.0 } else { 0.3 };
            // Above 8 kHz the signal is 40 dB weaker: its echo is no more than a 16-bit codec can code.
            if found.is_bound_at(n) {
                assert!(
                    *hz > 7_000.0 && *db < truth + tolerance,
                    "{bandwidth}: {db} against {truth} at {hz} Hz"
                );
                continue;
            }
            assert!((db - truth).abs() < tolerance, "{bandwidth}: {db} instead of {truth} at {hz} Hz");
        }
    }
}

#[test]
fn a_dent_in_the_spectral_attenuation_fails_and_a_whole_one_passes() {
    let with = |points: Vec<(f64, f64)>| {
        let mut car = flat(Bandwidth::Wb, 50.0, 180.0);
        car.terminal.send_delay_s += 0.020;
        reference(&mut car).echo_loss_response = points;
        let found = trial("echo_spectrum", car, &[]).finding("echo_spectrum");
        judge(&found, &spectral())
    };
    assert_eq!(with(vec![(100.0, 0.0), (8_000.0, 0.0)]).verdict, Verdict::Pass);
    let dented = with(vec![(2_000.0, 0.0), (3_000.0, -12.0), (4_500.0, 0.0)]);
    assert_eq!(dented.verdict, Verdict::Fail);
    let hz = dented.at.and_then(lombard::limits::At::hertz).unwrap();
    assert!((2_500.0..3_600.0).contains(&hz), "{hz}");
}

/// A car whose canceller converges by `points`, s and dB of the whole loss.
fn cold(points: &[(f64, f64)]) -> CarSpec {
    let settled_db = points.last().unwrap().1;
    let mut car = flat(Bandwidth::Fb, settled_db, 180.0);
    let convergence = points.iter().map(|(s, db)| (*s, db - 4.0)).collect();
    *reference(&mut car).dynamics = Dynamics { convergence, ..Dynamics::default() };
    car
}

#[test]
fn a_convergence_is_read_as_the_meter_reads_it() {
    for points in [
        vec![(0.0, 8.0), (0.2, 8.0), (1.0, 45.0)],
        vec![(0.0, 10.0), (0.5, 20.0), (2.0, 50.0)],
        vec![(0.0, 6.5), (3.0, 42.0)],
        vec![(0.0, 20.0), (0.1, 30.0), (0.2, 44.0)],
        vec![(0.0, 15.0), (4.0, 30.0)],
    ] {
        let trial = trial("echo_convergence", cold(&points), &[]);
        let found = series(&trial, "echo_convergence");
        let signal = played(&trial, "analysis");
        // The loss at each frame since the far end became active: straight lines of decibels.
        let loss = |s: f64| {
            let pair = points.windows(2).find(|pair| (pair[0].0..pair[1].0).contains(&s));
            pair.map_or(points.last().unwrap().1, |pair| {
                pair[0].1 + (s - pair[0].0) / (pair[1].0 - pair[0].0) * (pair[1].1 - pair[0].1)
            })
        };
        let echo: Vec<f64> = signal
            .iter()
            .enumerate()
            .map(|(n, x)| x * 10f64.powf(-loss(n as f64 / 48_000.0) / 20.0))
            .collect();
        let truth: Vec<f64> = metered(&signal)
            .iter()
            .zip(metered(&echo))
            .map(|(loud, quiet)| 10.0 * (loud / quiet).log10())
            .collect();
        for (s, db) in found.seconds.iter().zip(&found.values) {
            let expected = truth[(s / 0.005).round() as usize - 1];
            assert!((db - expected).abs() < MOVING_DB, "{points:?}: {db} instead of {expected} at {s} s");
        }
        assert!(found.seconds[0] < 0.01 && *found.seconds.last().unwrap() > 4.8);
    }
}

#[test]
fn a_slow_canceller_fails_and_a_quick_one_passes() {
    let verdict = |points: &[(f64, f64)]| {
        let trial = trial("echo_convergence", cold(points), &[]);
        judge(&trial.finding("echo_convergence"), &converging())
    };
    let quick = verdict(&[(0.0, 8.0), (0.1, 20.0), (0.6, 46.0)]);
    assert_eq!(quick.verdict, Verdict::Pass, "{quick:?}");
    let slow = verdict(&[(0.0, 8.0), (0.2, 12.0), (2.0, 44.0)]);
    assert_eq!(slow.verdict, Verdict::Fail);
    assert!(slow.at.and_then(lombard::limits::At::second).unwrap() > 0.5);
    // A canceller is cold only in a call of its own: nothing is played in it before, and nothing else recorded.
    let wanted = entry("echo_convergence", Bandwidth::Wb, Volume::Step(0), &[]);
    let trial = Trial::record(flat(Bandwidth::Wb, 40.0, 180.0), wanted, SEED);
    assert_eq!(trial.takes.len(), 1);
    let cx = PlanCx { bench: trial.maker.info(), facts: &Facts::default(), signals: SIGNALS.library() };
    let epoch = trial.method().plan(&trial.entry, &cx).unwrap().epoch;
    assert!(epoch.preamble.is_empty(), "{epoch:?}");
}
