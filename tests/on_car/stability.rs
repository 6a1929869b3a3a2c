//! The far end as a loop: where it begins to howl, by the transfer of the open loop.
//!
//! The truth knows nothing of levels and tails: a car of which nothing is but linear is given one sample at the POI, and what it
//! sends is the transfer of its open loop, to the last sample. The loop is stable where 1 − g·H does not go round the
//! origin on the unit circle (Nyquist). Of a car whose echo is flat it is known on paper as well.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use lombard::bench::car::dynamics::{Dynamics, Switching};
use lombard::bench::car::flaws::Flaws;
use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::{CarSpec, Codec, IdleNoise, Weighting};
use lombard::bench::car::{BLOCK, BlockInputs, Car};
use lombard::bench::{BenchMaker, RenderedEpoch, RenderedTake, TelemetrySender};
use lombard::context::{Facts, PlanCx};
use lombard::finding::{Bound, Finding, Unmeasurable};
use lombard::limits::{Rule, judge};
use lombard::methods::Method;
use lombard::methods::stability::Stability;
use lombard::run::render::Call;
use lombard::take::{Terminal, Volume};
use lombard::terms::{Bandwidth, LimitClass, Port};
use lombard::units::Unit;
use lombard::verdict::Verdict;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use super::around::around;
use super::comparison::{Comparison, Source, all_hold, count};
use super::echo::flat;
use super::{SEED, Trial, entry, limit, record_take, reference, shipped};

/// A sweep with short silences; what matters is left as a plan has it.
const QUICK: &[(&str, &str)] = &[("idle", "0.5 s")];

fn sweep(car: &CarSpec, volume: Volume, given: &[(&str, &str)]) -> Trial {
    let given = [QUICK, given].concat();
    Trial::record(car.clone(), entry("stability", car.bandwidth, volume, &given), SEED)
}

/// The same through a bench that changes takes.
fn changed(
    car: CarSpec,
    change: impl Fn(&mut RenderedTake) + Send + 'static,
) -> Result<Vec<Finding>, Unmeasurable> {
    let given = [QUICK, &[("loss_first", "20 dB"), ("loss_step", "20 dB")]].concat();
    let wanted = entry("stability", car.bandwidth, Volume::Step(0), &given);
    let trial = Trial::through(CarBenchMaker::new(car), wanted, SEED, Facts::default(), |bench| {
        around(bench, move |bench, take, sink, stop| {
            let mut take = take.clone();
            change(&mut take);
            bench.take(&take, sink, stop)
        })
    });
    trial.findings()
}

/// What of a shipped car is linear and does not change: its room, its responses, its delays; without canceller and noise.
fn linear(name: &str, step_db: f64) -> CarSpec {
    let mut car = shipped(name);
    let own = reference(&mut car);
    own.echo_loss_db = None;
    own.idle_noise = None;
    *own.dynamics = Dynamics::default();
    car.flaws = Flaws::default();
    car.terminal.volume_steps = 2;
    car.terminal.volume_step_db = step_db;
    // The microphone's converter is not what limits a howl.
    car.terminal.send_overload_dbpa = Some(40.0);
    let cabin = &mut car.cabin;
    cabin.noise_microphone_dbpa_a = None;
    cabin.noise_capsule_dbpa_a = None;
    cabin.noise_amplifier_dbpa_a = None;
    cabin.noise_ears_dbpa_a = None;
    car
}

/// The impulse response of the open loop, from the POI to the POI.
fn open_loop(car: &CarSpec, step: u32) -> Vec<f64> {
    const SMALL: f32 = 1e-3;
    let mut running = Car::new(car, 1);
    running.open(car.bandwidth, step).unwrap();
    let mut response = Vec::new();
    for block in 0..100 {
        let mut inputs = BlockInputs::default();
        if block == 0 {
            inputs.receive[0] = SMALL;
        }
        response.extend(running.block(&inputs).unwrap().poi_send.map(|x| f64::from(x / SMALL)));
    }
    response
}

/// How often 1 − g·H goes round the origin on the unit circle: the poles of the closed loop outside of it.
fn poles_outside(response: &[f64], gain: f64) -> i64 {
    let size = 1 << 19;
    let mut bins: Vec<Complex<f64>> = response.iter().map(|x| Complex::new(gain * x, 0.0)).collect();
    bins.resize(size, Complex::default());
    FftPlanner::new().plan_fft_forward(size).process(&mut bins);
    let points: Vec<Complex<f64>> = bins.iter().map(|bin| 1.0 - bin).collect();
    // From bin to bin a loop of 180 ms turns by 0.1: its arc leaves the straight line between them by a hundredth of a decibel.
    let turned: f64 = (0..size).map(|k| (points[(k + 1) % size] * points[k].conj()).arg()).sum();
    -(turned / TAU).round() as i64
}

/// The loss of the far end at which the loop is just stable, in dB.
fn just_stable_db(response: &[f64]) -> f64 {
    let is_stable = |loss_db: f64| poles_outside(response, 10f64.powf(-loss_db / 20.0)) == 0;
    let (mut howls, mut stable) = (-60.0, 70.0);
    assert!(is_stable(stable) && !is_stable(howls));
    while stable - howls > 0.01 {
        let middle = f64::midpoint(howls, stable);
        if is_stable(middle) { stable = middle } else { howls = middle }
    }
    stable
}

/// The last loss of a sweep that is above one.
fn least_of_sweep(just_stable_db: f64, first: f64, step: f64) -> f64 {
    let count = ((first - just_stable_db.max(0.0)) / step).floor();
    first - count * step
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let mut all = Vec::new();
    let mut add = |case: String, trial: &Trial, truth: f64, tolerance: f64, source| {
        all.push(Comparison {
            method: "stability",
            measurand: "stable_loss_least",
            case,
            unit: "dB",
            truth,
            measured: trial.value("stable_loss_least"),
            tolerance,
            source,
        });
    };
    // Flat: on paper. A delay of 180 ms has a mode every 5.6 Hz, at each of which the loop has its whole gain.
    for (bandwidth, gain_db) in [
        (Bandwidth::Nb, 12.0),
        (Bandwidth::Wb, -46.0),
        (Bandwidth::Wb, 27.0),
        (Bandwidth::Swb, 7.0),
        (Bandwidth::Fb, 33.0),
    ] {
        let trial = sweep(&flat(bandwidth, -gain_db, 180.0), Volume::Step(0), &[]);
        let case = format!("an echo {gain_db} dB above the far end, flat, {bandwidth}, steps of 5 dB");
        add(case, &trial, least_of_sweep(gain_db, 50.0, 5.0), 0.0, Source::Paper);
    }
    // In steps of 1 dB, each at least 0.3 dB from a step: at 180 ms for a turn a margin of 0.18 dB is the 1 dB in a second
    // that counts as no fall, so that the next step is found where the margin is less.
    for gain_db in [12.4, 13.4, 11.7] {
        let given = [("loss_first", "18 dB"), ("loss_last", "6 dB"), ("loss_step", "1 dB")];
        let trial = sweep(&flat(Bandwidth::Wb, -gain_db, 180.0), Volume::Step(0), &given);
        let case = format!("an echo {gain_db} dB above the far end, flat, WB, steps of 1 dB");
        add(case, &trial, least_of_sweep(gain_db, 18.0, 1.0), 0.0, Source::Paper);
    }
    // Rooms, at both ends of the volume: by Nyquist. In steps of 1 dB one step more: what a room has is one mode that
    // rises much above the others, and at a margin below 0.2 dB it counts as howling.
    for name in ["reference-nb", "reference-wb", "reference-swb", "reference-fb"] {
        let car = linear(name, 15.3);
        for (step, volume) in [(0, "nominal"), (1, "maximum")] {
            let just = just_stable_db(&open_loop(&car, step));
            let trial = sweep(&car, Volume::Step(step), &[]);
            let case = format!(
                "{name} without canceller, {volume} volume: just stable at {just:.1} dB, steps of 5 dB"
            );
            add(case, &trial, least_of_sweep(just, 50.0, 5.0), 0.0, Source::Model);
            if name == "reference-wb" && step == 1 {
                let first = (just + 4.0).ceil();
                let given =
                    [("loss_first", format!("{first} dB")), ("loss_last", format!("{} dB", first - 8.0))];
                let mut given: Vec<(&str, &str)> =
                    given.iter().map(|(key, text)| (*key, text.as_str())).collect();
                given.push(("loss_step", "1 dB"));
                let trial = sweep(&car, Volume::Step(step), &given);
                let case = format!(
                    "{name} without canceller, {volume} volume: just stable at {just:.2} dB, steps of 1 dB"
                );
                add(case, &trial, least_of_sweep(just, first, 1.0), 1.0, Source::Model);
            }
        }
    }
    all
});

#[test]
fn the_lowest_stable_loss_is_that_of_the_open_loop() {
    for one in &*COMPARISONS {
        println!("{}: {} {}", one.case, one.truth, one.measured);
    }
    assert_eq!(count(&COMPARISONS, "stable_loss_least"), 17);
    all_hold(&COMPARISONS);
    // A step beside it would be seen, and the cases are not all the same.
    assert!(
        COMPARISONS
            .iter()
            .filter(|one| one.tolerance == 0.0)
            .all(|one| !one.against(one.truth + 1.0).holds())
    );
    assert!(COMPARISONS.iter().filter(|one| one.truth > 0.0).count() > 8);
}

#[test]
fn the_truth_of_paper_is_that_of_nyquist() {
    // The band limit of the network has a ripple of a thousandth of a decibel.
    for (bandwidth, gain_db) in [(Bandwidth::Nb, 12.0), (Bandwidth::Wb, -7.3), (Bandwidth::Fb, 30.0)] {
        let just = just_stable_db(&open_loop(&flat(bandwidth, -gain_db, 180.0), 0));
        assert!((just - gain_db).abs() < 0.03, "{bandwidth}: {just} is not {gain_db}");
    }
}

fn verdict(found: &Finding) -> Verdict {
    let rule = Rule::Range { min: None, max: Some(0.0) };
    judge(found, &limit("stable_loss_least", Unit::Db, rule, LimitClass::A)).verdict
}

#[test]
fn howling_fails_and_a_stable_car_passes() {
    let coarse = [("loss_first", "30 dB"), ("loss_step", "10 dB")];
    let least = |gain_db: f64| {
        let trial = sweep(&flat(Bandwidth::Wb, -gain_db, 180.0), Volume::Step(0), &coarse);
        let found = trial.finding("stable_loss_least");
        let howl = trial.findings().unwrap().into_iter().find(|one| one.measurand == "howl_frequency");
        (found.as_scalar().unwrap(), found.bound, verdict(&found), trial.takes.len(), howl.is_some())
    };
    assert_eq!(least(-40.0), (0.0, Bound::AtMost, Verdict::Pass, 4, false));
    // It howls at 10 dB and is not asked at 0 dB any more.
    assert_eq!(least(15.0), (20.0, Bound::Exact, Verdict::Fail, 3, true));
    assert_eq!(least(35.0), (30.0, Bound::AtLeast, Verdict::Fail, 1, true));
}

#[test]
fn a_howl_is_loud_and_a_number() {
    let trial = sweep(&flat(Bandwidth::Wb, -40.0, 180.0), Volume::Step(0), &[("loss_first", "5 dB")]);
    for track in trial.takes[0].captures.values() {
        let samples = track.samples().unwrap();
        assert!(samples.iter().all(|x| x.is_finite() && x.abs() < 4.0));
    }
    let howl = trial.takes[0].captures[&Port::of(Port::POI_RECEIVE)].samples().unwrap();
    assert!(howl.iter().all(|x| x.abs() <= 1.0) && howl.iter().any(|x| x.abs() > 0.5));
}

#[test]
fn a_loop_that_is_off_or_wrong_is_never_stable() {
    let car = || flat(Bandwidth::Wb, 46.0, 180.0);
    assert!(changed(car(), |_| {}).is_ok());
    let reason = |change: fn(&mut RenderedTake)| changed(car(), change).unwrap_err().reason;
    assert!(reason(|take| take.loops.clear()).contains("not closed"));
    let off =
        reason(|take| take.loops.iter_mut().for_each(|one| one.gain = one.gain.map(|gain| gain * 0.562_341)));
    assert!(off.contains("25.0 dB instead of 20 dB"), "{off}");
    let off =
        reason(|take| take.loops.iter_mut().for_each(|one| one.gain = one.gain.map(|gain| gain * 1.778_279)));
    assert!(off.contains("15.0 dB instead of 20 dB"), "{off}");
    // The loop is opened before anybody speaks.
    assert!(reason(|take| take.loops.iter_mut().for_each(|one| one.gain = None)).contains("not closed"));
    // A car that says nothing proves nothing.
    let mut mute = car();
    mute.terminal.send_gain_db = -200.0;
    let why = changed(mute, |_| {}).unwrap_err().reason;
    assert!(why.contains("does not stand out"), "{why}");
}

#[test]
fn noise_does_not_howl_and_hides_nothing_in_silence() {
    let with_noise = |level_dbm0: f64, gain_db: f64| {
        let mut car = flat(Bandwidth::Wb, -gain_db, 180.0);
        reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0, weighting: Weighting::A });
        let trial = sweep(&car, Volume::Step(0), &[("loss_first", "20 dB"), ("loss_step", "10 dB")]);
        trial.findings().map(|found| found[0].as_scalar().unwrap())
    };
    assert_eq!(with_noise(-64.0, -20.0), Ok(0.0));
    // A loop that is stable by 3 dB makes noise 3 dB louder, not a howl of it.
    assert_eq!(with_noise(-50.0, -3.0), Ok(0.0));
    assert_eq!(with_noise(-50.0, 5.0), Ok(10.0));
    let why = with_noise(-20.0, -20.0).unwrap_err().reason;
    assert!(why.contains("could hide"), "{why}");
}

#[test]
fn the_loop_has_no_delay_of_its_own() {
    // With all of the block from send, with a part of it from receive, and with nearly all from there.
    for (codec, bandwidth, send_ms, receive_ms) in [
        (Codec::Linear, Bandwidth::Wb, 20.0, 20.0),
        (Codec::Linear, Bandwidth::Nb, 14.0, 20.0),
        (Codec::Linear, Bandwidth::Nb, 6.5, 20.0),
    ] {
        let mut car = flat(bandwidth, 0.0, 180.0);
        (car.network.codec, car.network.delay_send_s, car.network.delay_receive_s) =
            (codec, send_ms / 1e3, receive_ms / 1e3);
        let late = ((send_ms + receive_ms + 140.0) * 48.0f64).round() as usize;
        let mut running = Car::new(&car, 1);
        running.open(car.bandwidth, 0).unwrap();
        running.set_loop(Some(0.5)).unwrap();
        let (mut sent, mut at_poi) = (Vec::new(), Vec::new());
        for block in 0..80 {
            let mut inputs = BlockInputs::default();
            if block == 1 {
                inputs.receive[7] = 0.5;
            }
            let outputs = running.block(&inputs).unwrap();
            sent.extend(outputs.poi_send);
            at_poi.extend(outputs.receive);
        }
        let peak = |turn: usize| {
            let around = BLOCK + 7 + turn * late - 100..BLOCK + 7 + turn * late + 100;
            let (at, _) = sent[around.clone()].iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
            around.start + at
        };
        for turn in [1, 2, 3] {
            assert_eq!(
                peak(turn),
                BLOCK + 7 + turn * late,
                "{bandwidth} {send_ms} {receive_ms}, turn {turn}"
            );
        }
        // What is recorded at the POI is in time with what is sent.
        assert!(
            at_poi.iter().zip(&sent).skip(2 * BLOCK).all(|(back, sent)| (back - 0.5 * sent).abs() < 1e-7)
        );
    }
}

#[test]
fn an_open_loop_changes_nothing_of_a_call() {
    // A part of the block comes from receive.
    let mut car = flat(Bandwidth::Nb, 10.0, 180.0);
    car.network.delay_send_s = 0.014;
    let heard = |closes: bool| {
        let mut running = Car::new(&car, 1);
        running.open(car.bandwidth, 0).unwrap();
        if closes {
            running.set_loop(Some(0.1)).unwrap();
            running.set_loop(None).unwrap();
        }
        let tone = |step: f32| -> Vec<f32> { (0..48_000).map(|n| 0.05 * (n as f32 * step).sin()).collect() };
        running.run(&tone(0.1), &tone(0.13)).unwrap().poi_send
    };
    let (without, with) = (heard(false), heard(true));
    assert!(without.iter().any(|x| x.abs() > 0.01));
    assert!(without.iter().zip(&with).all(|(a, b)| (a - b).abs() < 1e-5));
}

#[test]
fn every_loss_has_a_cold_call_of_its_own() {
    // The canceller is WebRTC's, and nothing is random but by the seed: a second call is as the first.
    let mut car = shipped("real-wb");
    let cabin = &mut car.cabin;
    cabin.noise_microphone_dbpa_a = None;
    cabin.noise_capsule_dbpa_a = None;
    cabin.noise_amplifier_dbpa_a = None;
    cabin.noise_ears_dbpa_a = None;
    let heard = |again: bool| {
        let mut running = Car::new(&car, 1);
        running.open(car.bandwidth, 5).unwrap();
        let noise: Vec<f32> = (0..96_000u32)
            .map(|n| 0.05 * ((n.wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0))
            .collect();
        let first = running.run(&[], &noise).unwrap().poi_send;
        if again {
            running.call_again(96_000).unwrap();
        }
        (first, running.run(&[], &noise).unwrap().poi_send)
    };
    let (first, second) = heard(true);
    assert!(first == second);
    let (first, second) = heard(false);
    assert!(first != second);
}

#[test]
fn a_sweep_that_is_taken_up_again_is_the_same() {
    let maker = CarBenchMaker::new(shipped("reference-wb"));
    let wanted = entry("stability", Bandwidth::Wb, Volume::Step(5), QUICK);
    let cx = PlanCx { bench: maker.info(), facts: &Facts::default(), signals: super::SIGNALS.library() };
    let wish = Stability.plan(&wanted, &cx).unwrap();
    let (key, spec) = (wish.epoch.key(), &wish.takes[0]);
    let call = |from| Call { epoch: &key, bandwidth: Bandwidth::Wb, from };
    let opened = || {
        let mut bench = maker.make().unwrap();
        let (bandwidth, terminal) = (Bandwidth::Wb, Terminal::Device);
        let epoch =
            RenderedEpoch { key: key.clone(), seed: SEED, bandwidth, volume_step: 5, terminal, noise: None };
        bench.open(&epoch, &TelemetrySender::none()).unwrap();
        bench
    };
    let sent = |take: &lombard::capture::Take| take.captures[&Port::of(Port::POI_SEND)].samples().unwrap();
    let mut bench = opened();
    let first = sent(&record_take(&mut *bench, spec, &call(0)));
    let second = sent(&record_take(&mut *bench, spec, &call(spec.duration)));
    // The first one was recorded before, the second one is recorded in another session.
    let resumed = sent(&record_take(&mut *opened(), spec, &call(spec.duration)));
    assert!(second == resumed);
    assert!(first != second, "another call has other noises");
}

#[test]
fn healthy_cars_do_not_howl() {
    let cars = ["reference-nb", "reference-wb", "reference-swb", "reference-fb"];
    for seed in 0..20 {
        let car = shipped(cars[seed as usize % cars.len()]);
        let given = [QUICK, &[("loss_first", "20 dB"), ("loss_step", "20 dB")]].concat();
        let wanted = entry("stability", car.bandwidth, Volume::Step(5), &given);
        let trial = Trial::record(car, wanted, seed);
        let found = trial.finding("stable_loss_least");
        assert_eq!(
            (found.as_scalar(), verdict(&found)),
            (Some(0.0), Verdict::Pass),
            "seed {seed}: {}",
            found.note
        );
    }
}

#[test]
fn every_terminal_comes_to_a_verdict() {
    let coarse = [("loss_first", "40 dB"), ("loss_step", "20 dB")];
    for name in ["real-nb", "real-wb"] {
        let trial = sweep(&shipped(name), Volume::Step(5), &coarse);
        println!("{name}: {}", trial.finding("stable_loss_least").note);
    }
    // A program that passes everything through is the ideal car without canceller.
    let program = crate::programs::ideal(&crate::programs::pass_through(), 48_000, 480, "");
    let trial = sweep(&program, Volume::Step(15), &coarse);
    let mut bare = shipped("ideal-wb");
    reference(&mut bare).echo_loss_db = None;
    let just = just_stable_db(&open_loop(&bare, 15));
    assert_eq!(trial.value("stable_loss_least"), least_of_sweep(just, 40.0, 20.0), "{just}");
    assert!(just > 0.0);
    // A terminal that lets one side speak at a time: what rings is the far end to it, and its switch takes 10 dB more than
    // the echo is louder than the far end.
    let mut switched = flat(Bandwidth::Wb, -15.0, 180.0);
    let value = |car: &CarSpec| {
        let found = sweep(car, Volume::Step(0), &coarse).finding("stable_loss_least");
        (found.as_scalar().unwrap(), found.note)
    };
    let (least, why) = value(&switched);
    assert!(least == 20.0 && why.contains("at the end"), "{least} {why}");
    let mut switch = |idle_loss_db: f64, both_loss_db: f64| {
        let switching = Switching {
            send_loss_db: 25.0,
            receive_loss_db: 25.0,
            send_idle_loss_db: idle_loss_db,
            receive_idle_loss_db: 0.0,
            build_up_s: 0.015,
            release_s: 0.06,
        };
        let dynamics = Dynamics { switching: Some(switching), ..Dynamics::default() };
        *reference(&mut switched).dynamics = dynamics;
        reference(&mut switched).dynamics.double_talk.send_loss_db = both_loss_db;
        value(&switched)
    };
    // Open while nobody speaks, it rings up to where it takes itself for the far end, closes, and begins again.
    let (least, why) = switch(0.0, 25.0);
    assert!(least == 20.0 && why.contains("at the end"), "{least} {why}");
    // Open while both speak, it rings as long as the talker speaks.
    let (least, why) = switch(25.0, 0.0);
    assert!(least == 20.0 && why.contains("louder than at the first loss"), "{least} {why}");
    let (least, why) = switch(25.0, 25.0);
    assert!(least == 0.0, "{why}");
}

#[test]
fn a_bench_without_a_loop_is_refused() {
    let mut car = flat(Bandwidth::Nb, 40.0, 180.0);
    (car.network.codec, car.network.delay_send_s, car.network.delay_receive_s) =
        (Codec::G711A, 0.0115, 0.0115);
    let maker = CarBenchMaker::new(car);
    let wanted = entry("stability", Bandwidth::Nb, Volume::Step(0), &[]);
    let cx = PlanCx { bench: maker.info(), facts: &Facts::default(), signals: super::SIGNALS.library() };
    let refusals = Stability.plan(&wanted, &cx).unwrap_err();
    assert!(refusals[0].found.contains("without an electrical loop"), "{refusals:?}");
    assert!(refusals[0].remedy.contains("overlay"), "{refusals:?}");
}
