//! What a terminal switches: activation by a row of sounds, attenuation while the other side speaks, against the gains of
//! the car's model, sample by sample, through a meter of this file.

use std::ops::Range;
use std::sync::LazyLock;

use lombard::bench::BenchMaker;
use lombard::bench::car::dynamics::{Detector, DoubleTalk, Dynamics, Switching};
use lombard::bench::car::spec::{CarSpec, IdleNoise, Weighting};
use lombard::context::{Facts, PlanCx};
use lombard::entry::Noise;
use lombard::finding::{Bound, Value};
use lombard::limits::{Judgement, Rule, judge};
use lombard::methods::method;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, LimitClass, Port};
use lombard::units::Unit;
use lombard::verdict::{Flag, Verdict};

use super::comparison::{Comparison, Source, all_hold, count};
use super::replay::{self, played};
use super::{SEED, SIGNALS, Trial, entry, limit, paths, reference, shipped};

mod doubt;

/// Build-up on the meter of 5 ms.
const TIME_MS: f64 = 1.0;
/// Build-up of 80 ms and more in the noise of a burst: a gain that moves by 0.3 dB in a millisecond, where the final level, the
/// larger one of a meter from either side, moves by decibels. Within 3 dB of it is a matter of single instants, 3 ms apart, and
/// of hundredths of a decibel.
const SLOW_MS: f64 = 3.0;
/// What a meter of 5 ms reads while a gain changes.
const SHORT_DB: f64 = 0.5;
/// Levels of a row: its steps are 1 dB.
const LEVEL_DB: f64 = 0.05;
const STEP: u32 = 9;

const SWITCH: Switching = Switching {
    send_loss_db: 15.0,
    receive_loss_db: 12.0,
    send_idle_loss_db: 15.0,
    receive_idle_loss_db: 12.0,
    build_up_s: 0.015,
    release_s: 0.060,
};

/// A car without noise whose terminal has these dynamics.
fn car(bandwidth: Bandwidth, switching: Switching, detector: Detector) -> CarSpec {
    let mut car = shipped("ideal-wb");
    car.bandwidth = bandwidth;
    *reference(&mut car).dynamics = Dynamics { switching: Some(switching), detector, ..Dynamics::default() };
    car
}

fn wanted(method: &str, bandwidth: Bandwidth, given: &[(&str, &str)]) -> lombard::entry::Entry {
    entry(method, bandwidth, Volume::Step(STEP), given)
}

fn trial(method: &str, car: &CarSpec, given: &[(&str, &str)]) -> Trial {
    Trial::record(car.clone(), wanted(method, car.bandwidth, given), SEED)
}

/// The sound under test, and what its gain makes of it.
struct Switched {
    plain: Vec<f64>,
    real: Vec<f64>,
}

impl Switched {
    /// In a direction: from the mouth it is 1.5 ms to the microphone, from the POI 20 and 52 ms to where receive is switched.
    fn of(trial: &Trial, direction: &str) -> Self {
        let is_send = direction == "send";
        let gains = replay::course(trial, STEP, |gains| if is_send { gains.send } else { gains.receive });
        let (port, later) = if is_send { (Port::MOUTH, 72) } else { (Port::POI_RECEIVE, 3_456) };
        let plain: Vec<f64> = played(trial, &Port::of(port)).iter().map(|x| f64::from(*x)).collect();
        let at = |n: usize| gains.get(n + later).copied().unwrap_or(1.0);
        let real: Vec<f64> = plain.iter().enumerate().map(|(n, x)| x * at(n)).collect();
        Self { plain: high_passed(&plain), real: high_passed(&real) }
    }
}

/// A Butterworth high-pass of second order at 100 Hz, which is a part of the reading: s²/(s² + √2·s + 1) by the bilinear
/// transform, worked out here.
fn high_passed(samples: &[f64]) -> Vec<f64> {
    let k = (std::f64::consts::PI * 100.0 / 48_000.0).tan();
    let norm = 1.0 / (1.0 + std::f64::consts::SQRT_2 * k + k * k);
    let (a1, a2) = (2.0 * (k * k - 1.0) * norm, (1.0 - std::f64::consts::SQRT_2 * k + k * k) * norm);
    let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
    let next = |x: &f64| {
        let y = norm * (x - 2.0 * x1 + x2) - a1 * y1 - a2 * y2;
        (x2, x1, y2, y1) = (x1, *x, y1, y);
        y
    };
    samples.iter().map(next).collect()
}

/// The first-order mean square of 5 ms after each frame, by this test's own recursion.
fn metered(samples: &[f64]) -> Vec<f64> {
    let keep = (-1.0f64 / (0.005 * 48_000.0)).exp();
    let mut power = 0.0;
    let next = |x: &f64| {
        power = keep * power + (1.0 - keep) * x * x;
        power
    };
    samples.iter().map(next).collect()
}

/// Milliseconds from the beginning of a sound until the meter of what came through is within 3 dB of the final level, which
/// is that of a meter on the plain sound from either side.
fn build_up_ms(one: &Switched, sound: Range<usize>) -> Option<f64> {
    let plain = &one.plain[sound.clone()];
    let forward = metered(plain);
    let mut backward = metered(&plain.iter().rev().copied().collect::<Vec<f64>>());
    backward.reverse();
    let lead = 2_400;
    let real = metered(&one.real[sound.start - lead..sound.end]).split_off(lead);
    let within = |n: &usize| real[*n] >= 10f64.powf(-0.3) * forward[*n].max(backward[*n]);
    (0..plain.len()).find(within).map(|n| (n + 1) as f64 / 48.0)
}

/// The first burst of the row that is transmitted from its middle on, and its build-up.
fn first_active(one: &Switched, row: &Range<usize>) -> Option<(usize, Option<f64>)> {
    // 248.62 ms every 700 ms.
    let burst = |n: usize| row.start + n * 33_600..row.start + n * 33_600 + 11_934;
    let power = |samples: &[f64]| samples.iter().map(|x| x * x).sum::<f64>();
    let passes = |n: &usize| {
        let late = burst(*n).start.midpoint(burst(*n).end)..burst(*n).end;
        power(&one.real[late.clone()]) >= 10f64.powf(-0.3) * power(&one.plain[late])
    };
    (0..22).find(passes).map(|n| (n, build_up_ms(one, burst(n))))
}

fn frames(span: Range<u64>) -> Range<usize> {
    span.start as usize..span.end as usize
}

fn row(bandwidth: Bandwidth) -> &'static str {
    if bandwidth == Bandwidth::Nb { "css-bursts-nb" } else { "css-bursts-fb" }
}

/// Activation of cars with different thresholds and build-ups.
fn activations(all: &mut Vec<Comparison>) {
    for (direction, bandwidth, threshold, build_up_s, loss_db) in [
        ("send", Bandwidth::Nb, -40.0, 0.005, 20.0),
        ("send", Bandwidth::Wb, -37.0, 0.015, 15.0),
        ("send", Bandwidth::Wb, -34.0, 0.030, 12.0),
        ("send", Bandwidth::Swb, -31.0, 0.045, 20.0),
        ("send", Bandwidth::Fb, -28.0, 0.080, 25.0),
        ("receive", Bandwidth::Nb, -31.0, 0.005, 20.0),
        ("receive", Bandwidth::Wb, -28.0, 0.015, 15.0),
        ("receive", Bandwidth::Wb, -25.0, 0.030, 12.0),
        ("receive", Bandwidth::Swb, -22.0, 0.045, 20.0),
        ("receive", Bandwidth::Fb, -19.0, 0.080, 25.0),
    ] {
        let detector = Detector { send_dbpa: threshold, receive_dbm0: threshold, hang_over_s: 0.15 };
        let switching = Switching {
            send_idle_loss_db: loss_db,
            receive_idle_loss_db: loss_db,
            send_loss_db: loss_db,
            receive_loss_db: loss_db,
            build_up_s,
            ..SWITCH
        };
        let car = car(bandwidth, switching, detector);
        let trial = trial("activation", &car, &[("direction", direction), ("signal", row(bandwidth))]);
        let one = Switched::of(&trial, direction);
        let (index, build_up) =
            first_active(&one, &frames(trial.takes[0].span("row"))).expect("a burst is transmitted");
        assert!((1..21).contains(&index), "{direction} {threshold}: burst {index} shows no threshold");
        let start = if direction == "send" { -23.0 } else { -38.7 };
        let case = format!(
            "{direction}, {bandwidth}, opens above {threshold} within {} ms, {loss_db} dB",
            build_up_s * 1e3
        );
        let [level, time] = if direction == "send" {
            ["activation_level_send", "activation_build_up_send"]
        } else {
            ["activation_level_receive", "activation_build_up_receive"]
        };
        let mut add = |measurand, unit, truth, tolerance| {
            let (case, source, measured) = (case.clone(), Source::Model, trial.value(measurand));
            let method = "activation";
            all.push(Comparison { method, measurand, case, unit, truth, measured, tolerance, source });
        };
        let unit = if direction == "send" { "dBPa" } else { "dBm0" };
        add(level, unit, start + index as f64, LEVEL_DB);
        let tolerance = if build_up_s < 0.080 { TIME_MS } else { SLOW_MS };
        add(time, "ms", build_up.expect("it opens"), tolerance);
    }
}

/// Attenuation ranges of different depth and speed.
fn ranges(all: &mut Vec<Comparison>) {
    for (direction, bandwidth, loss_db, build_up_s) in [
        ("send", Bandwidth::Nb, 6.0, 0.005),
        ("send", Bandwidth::Wb, 10.0, 0.015),
        ("send", Bandwidth::Wb, 15.0, 0.040),
        ("send", Bandwidth::Swb, 20.0, 0.025),
        ("send", Bandwidth::Fb, 30.0, 0.070),
        ("receive", Bandwidth::Nb, 5.0, 0.005),
        ("receive", Bandwidth::Wb, 9.0, 0.015),
        ("receive", Bandwidth::Wb, 14.0, 0.040),
        ("receive", Bandwidth::Swb, 18.0, 0.025),
        ("receive", Bandwidth::Fb, 25.0, 0.070),
    ] {
        let switching = Switching {
            send_loss_db: loss_db,
            receive_loss_db: loss_db,
            send_idle_loss_db: 0.0,
            receive_idle_loss_db: 0.0,
            build_up_s,
            ..SWITCH
        };
        let car = car(bandwidth, switching, Detector::default());
        let blocks = if bandwidth == Bandwidth::Nb { "css-blocks-nb" } else { "css-blocks-fb" };
        let trial = trial("attenuation_range", &car, &[("direction", direction), ("opposite", blocks)]);
        let (range, time) = range_of(&trial, direction);
        let case = format!("{direction}, {bandwidth}, {loss_db} dB that go within {} ms", build_up_s * 1e3);
        let [depth, speed] = if direction == "send" {
            ["attenuation_range_send", "attenuation_build_up_send"]
        } else {
            ["attenuation_range_receive", "attenuation_build_up_receive"]
        };
        let mut add = |measurand, unit, truth, tolerance| {
            let (case, source, measured) = (case.clone(), Source::Model, trial.value(measurand));
            let method = "attenuation_range";
            all.push(Comparison { method, measurand, case, unit, truth, measured, tolerance, source });
            assert_eq!(trial.finding(measurand).bound, Bound::Exact, "{:?}", trial.finding(measurand));
        };
        add(depth, "dB", range, SHORT_DB);
        add(speed, "ms", time, TIME_MS);
    }
}

/// The larger attenuation and build-up of both onsets, through the meter.
fn range_of(trial: &Trial, direction: &str) -> (f64, f64) {
    let one = Switched::of(trial, direction);
    let read = |name: &str| {
        let sound = frames(trial.takes[0].span(name));
        let plain = metered(&one.plain[sound.clone()]);
        let real = metered(&one.real[sound.clone()]);
        let lost = |n: usize| 10.0 * (plain[n] / real[n]).log10();
        // From 3.5 to 500 ms after the onset.
        let range = (168..24_000).map(lost).fold(f64::NEG_INFINITY, f64::max);
        (range, build_up_ms(&one, sound).unwrap())
    };
    let (a, b) = (read("onset-1"), read("onset-2"));
    (a.0.max(b.0), a.1.max(b.1))
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let mut all = Vec::new();
    activations(&mut all);
    ranges(&mut all);
    all
});

#[test]
fn what_is_switched_is_what_the_car_switches() {
    all_hold(&COMPARISONS);
    for measurand in [
        "activation_level_send",
        "activation_level_receive",
        "activation_build_up_send",
        "activation_build_up_receive",
        "attenuation_range_send",
        "attenuation_range_receive",
        "attenuation_build_up_send",
        "attenuation_build_up_receive",
    ] {
        assert_eq!(count(&COMPARISONS, measurand), 5, "{measurand}");
        // Every one is seen to fail, and no two of them are the same.
        let of = COMPARISONS.iter().filter(|one| one.measurand == measurand);
        let mut truths: Vec<f64> = of.clone().map(|one| one.truth).collect();
        assert!(of.clone().all(|one| !one.against(one.truth + 2.1 * one.tolerance).holds()));
        truths.sort_by(f64::total_cmp);
        assert!(truths.windows(2).all(|pair| pair[1] - pair[0] > LEVEL_DB), "{measurand}: {truths:?}");
    }
}

fn at_most(measurand: &str, unit: Unit, max: f64) -> lombard::limits::Limit {
    limit(measurand, unit, Rule::Range { min: None, max: Some(max) }, LimitClass::A)
}

/// What clause 11.12 asks for.
fn judged(trial: &Trial) -> Vec<Judgement> {
    let rules = [
        ("activation_level_send", Unit::DbPa, -20.0),
        ("activation_level_receive", Unit::Dbm0, -35.7),
        ("activation_build_up_send", Unit::Millisecond, 50.0),
        ("activation_build_up_receive", Unit::Millisecond, 50.0),
        ("attenuation_range_send", Unit::Db, 20.0),
        ("attenuation_range_receive", Unit::Db, 15.0),
        ("attenuation_build_up_send", Unit::Millisecond, 50.0),
        ("attenuation_build_up_receive", Unit::Millisecond, 50.0),
    ];
    let findings = trial.findings().unwrap_or_else(|error| panic!("{}: {error}", trial.entry.id));
    let of = |finding| {
        let found: &lombard::finding::Finding = finding;
        let rule = rules.iter().find(|(measurand, ..)| *measurand == found.measurand);
        rule.map(|(measurand, unit, max)| judge(found, &at_most(measurand, *unit, *max)))
    };
    let judged: Vec<Judgement> = findings.iter().filter_map(of).collect();
    assert_eq!(judged.len(), 2, "a level or range, and a time");
    judged
}

/// The numbers that were found, for a reader of a failed test.
fn told(trial: &Trial) -> Vec<String> {
    let findings = trial.findings().unwrap();
    let scalars = findings.iter().filter(|one| one.as_scalar().is_some());
    scalars.map(|one| format!("{} {:?} {:?}: {}", one.measurand, one.value, one.bound, one.note)).collect()
}

fn verdicts(trial: &Trial) -> [Verdict; 2] {
    let judged = judged(trial);
    [judged[0].verdict, judged[1].verdict]
}

#[test]
fn a_terminal_that_switches_nothing_passes_in_every_band_and_with_the_word() {
    for name in ["ideal-nb", "ideal-wb", "ideal-swb", "ideal-fb"] {
        let car = shipped(name);
        let (bursts, blocks) = if name == "ideal-nb" {
            ("css-bursts-nb", "css-blocks-nb")
        } else {
            ("css-bursts-fb", "css-blocks-fb")
        };
        for direction in ["send", "receive"] {
            for signal in [bursts, "speech-activation"] {
                let trial = trial("activation", &car, &[("direction", direction), ("signal", signal)]);
                assert_eq!(
                    verdicts(&trial),
                    [Verdict::Pass; 2],
                    "{name} {direction} {signal}: {:?}",
                    told(&trial)
                );
                let level = trial.finding(&format!("activation_level_{direction}"));
                let start = if direction == "send" { -23.0 } else { -38.7 };
                assert_eq!((level.bound, level.as_scalar()), (Bound::AtMost, Some(start)));
                let time = trial.value(&format!("activation_build_up_{direction}"));
                assert!((0.0..8.0).contains(&time), "{name} {direction} {signal}: {time} ms");
            }
            let trial = trial("attenuation_range", &car, &[("direction", direction), ("opposite", blocks)]);
            assert_eq!(verdicts(&trial), [Verdict::Pass; 2], "{name} {direction}: {:?}", told(&trial));
            let range = trial.value(&format!("attenuation_range_{direction}"));
            let time = trial.value(&format!("attenuation_build_up_{direction}"));
            assert!(range.abs() < SHORT_DB && (1.0..4.5).contains(&time), "{range} dB {time} ms");
        }
    }
}

#[test]
fn a_car_with_real_algorithms_and_a_cabin_fails_by_nothing_but_what_its_canceller_cuts_off() {
    let trial = |method: &str, given: &[(&str, &str)]| {
        let wanted = entry(method, Bandwidth::Wb, Volume::Step(5), given);
        Trial::record(shipped("real-wb"), wanted, SEED)
    };
    for direction in ["send", "receive"] {
        for signal in ["css-bursts-fb", "speech-activation"] {
            let trial = trial("activation", &[("direction", direction), ("signal", signal)]);
            assert_eq!(verdicts(&trial), [Verdict::Pass; 2], "{signal}: {:?}", told(&trial));
        }
    }
    let receive = trial("attenuation_range", &[("direction", "receive")]);
    assert!(!verdicts(&receive).contains(&Verdict::Fail), "{:?}", told(&receive));
    // The suppressor behind its canceller shuts send while the far end speaks, and opens after it.
    let send = trial("attenuation_range", &[("direction", "send")]);
    assert_eq!(verdicts(&send), [Verdict::Fail; 2], "{:?}", told(&send));
    let poi = send.takes[0].captures[&Port::of(Port::POI_SEND)].samples().unwrap();
    for name in ["onset-1", "onset-2"] {
        // The path takes less than 86 ms.
        let onset = send.takes[0].span(name).start as usize + 86 * 48;
        let level = |from_ms: usize, to_ms: usize| {
            let part = &poi[onset + from_ms * 48..onset + to_ms * 48];
            let power: f64 = part.iter().map(|x| f64::from(*x).powi(2)).sum();
            10.0 * (power / part.len() as f64 + 1e-12).log10()
        };
        assert!(level(5, 25) < level(200, 400) - 20.0, "{} {}", level(5, 25), level(200, 400));
        assert!(level(80, 120) > level(200, 400) - 3.0, "{} {}", level(80, 120), level(200, 400));
    }
}

#[test]
fn a_terminal_that_opens_late_or_slowly_fails_by_just_that() {
    let opens = |threshold, build_up_s| {
        let detector = Detector { send_dbpa: threshold, receive_dbm0: threshold, hang_over_s: 0.15 };
        car(Bandwidth::Wb, Switching { build_up_s, ..SWITCH }, detector)
    };
    // A threshold far below the row: every burst opens the path with its first sound. At a threshold inside the row the first
    // burst that opens it may do so by its noise only, so that its build-up tells that too.
    for (direction, threshold, build_up_s, measurand, expected) in [
        ("send", -52.0, 0.010, 0, Verdict::Pass),
        ("send", -52.0, 0.010, 1, Verdict::Pass),
        ("send", -34.0, 0.010, 0, Verdict::Fail),
        ("send", -52.0, 0.090, 0, Verdict::Pass),
        ("send", -52.0, 0.090, 1, Verdict::Fail),
        ("receive", -44.0, 0.010, 0, Verdict::Pass),
        ("receive", -44.0, 0.010, 1, Verdict::Pass),
        ("receive", -24.0, 0.010, 0, Verdict::Fail),
        ("receive", -44.0, 0.090, 0, Verdict::Pass),
        ("receive", -44.0, 0.090, 1, Verdict::Fail),
    ] {
        let trial = trial("activation", &opens(threshold, build_up_s), &[("direction", direction)]);
        let found = verdicts(&trial)[measurand];
        assert_eq!(found, expected, "{direction} {threshold} {build_up_s}: {:?}", told(&trial));
    }
    // And by the word, of which the first half second of a slot is heard.
    let word = |threshold| {
        let given = [("direction", "send"), ("signal", "speech-activation")];
        verdicts(&trial("activation", &opens(threshold, 0.010), &given))[0]
    };
    assert_eq!((word(-55.0), word(-30.0)), (Verdict::Pass, Verdict::Fail));
}

#[test]
fn a_switch_that_takes_too_much_or_gives_way_too_slowly_fails_by_just_that() {
    let takes = |send_loss_db, receive_loss_db, build_up_s| {
        let switching = Switching {
            send_loss_db,
            receive_loss_db,
            build_up_s,
            send_idle_loss_db: 0.0,
            receive_idle_loss_db: 0.0,
            ..SWITCH
        };
        car(Bandwidth::Wb, switching, Detector::default())
    };
    for (direction, car, expected) in [
        ("send", takes(18.0, 0.0, 0.040), [Verdict::Pass, Verdict::Pass]),
        ("send", takes(26.0, 0.0, 0.040), [Verdict::Fail, Verdict::Pass]),
        ("send", takes(18.0, 0.0, 0.090), [Verdict::Pass, Verdict::Fail]),
        ("receive", takes(0.0, 13.0, 0.040), [Verdict::Pass, Verdict::Pass]),
        ("receive", takes(0.0, 20.0, 0.040), [Verdict::Fail, Verdict::Pass]),
        ("receive", takes(0.0, 13.0, 0.090), [Verdict::Pass, Verdict::Fail]),
    ] {
        let trial = trial("attenuation_range", &car, &[("direction", direction)]);
        assert_eq!(verdicts(&trial), expected, "{direction}: {:?}", told(&trial));
    }
    // Half duplex: the far end keeps the line until its hang-over is over.
    let mut half = takes(30.0, 0.0, 0.005);
    reference(&mut half).dynamics.double_talk = DoubleTalk { send_loss_db: 30.0, ..DoubleTalk::default() };
    let trial = trial("attenuation_range", &half, &[("direction", "send")]);
    assert_eq!(verdicts(&trial), [Verdict::Fail; 2]);
    let time = trial.value("attenuation_build_up_send");
    // The far end ends 8 ms before at the terminal; 200 ms of hang-over, and a detector that falls for 14 ms.
    assert!((200.0..225.0).contains(&time), "{time} ms");
}
