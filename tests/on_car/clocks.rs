//! Devices whose clock is not the bench's, and links whose delay jumps: what it does to delays, and what it must not do to
//! levels.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::clock::Jump;
use lombard::bench::car::spec::CarSpec;
use lombard::bench::car::truth::Truth;
use lombard::finding::{Finding, Value};
use lombard::limits::{Rule, judge};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Direction, LimitClass};
use lombard::units::Unit;
use lombard::verdict::{Flag, Verdict};

use super::comparison::{Comparison, DELAY_TOLERANCE_MS, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::{density_in_call, density_of};
use super::{SEED, Trial, entry, limit, reference, shipped};

/// The nominal step of the shipped cars, and one at which the echo does not clip.
const STEP: u32 = 4;

fn with_clock(name: &str, offset_ppm: f64) -> CarSpec {
    let mut car = shipped(name);
    car.network.clock.offset_ppm = offset_ppm;
    car
}

/// The middle of the sound of css-delay: five cycles of 500 ms, 48.6 ms voiced and 341.3 ms noise.
const MIDDLE_S: f64 = 1.0 + 0.195;
/// When the stimuli of the delay begin in a call: 0.5 s into takes of 3.5 s.
const BEGIN_S: [(Direction, f64); 2] = [(Direction::Send, 0.5), (Direction::Receive, 4.0)];

fn delay_cars() -> Vec<(String, CarSpec)> {
    let mut cars: Vec<(String, CarSpec)> = [
        ("ideal-nb", 100.0),
        ("ideal-nb", -200.0),
        ("ideal-wb", 200.0),
        ("ideal-wb", 100.0),
        ("ideal-wb", 20.0),
        ("ideal-wb", -100.0),
        ("ideal-wb", -200.0),
        ("reference-wb", 100.0),
        ("ideal-swb", -100.0),
        ("ideal-fb", 100.0),
        ("reference-fb", -100.0),
    ]
    .iter()
    .map(|(name, ppm)| {
        let mut car = with_clock(name, *ppm);
        // One frame more: halves of a microsecond would be printed as machines round them.
        car.terminal.receive_delay_s += 1.0 / 48_000.0;
        (format!("{name}, clock {ppm:+} ppm"), car)
    })
    .collect();
    // Before the stimuli: the delay is another one, and holds.
    let mut jumped = shipped("ideal-wb");
    jumped.network.clock.jumps_send = vec![Jump { at_s: 0.3, by_s: 0.012 }];
    jumped.network.clock.jumps_receive = vec![Jump { at_s: 2.0, by_s: -0.0125 }];
    cars.push(("ideal-wb, jumps between the stimuli".to_owned(), jumped));
    cars
}

fn delays((name, car): &(String, CarSpec)) -> Vec<Comparison> {
    let trial = Trial::record(car.clone(), entry("delay", car.bandwidth, Volume::Step(5), &[]), SEED);
    let mut same_clock = car.clone();
    same_clock.network.clock = lombard::bench::car::clock::Clock::default();
    let model = Model::new(car.clone());
    let truth = Truth::of(&model);
    let steady = Trial::record(same_clock, entry("delay", car.bandwidth, Volume::Step(5), &[]), SEED);
    BEGIN_S
        .into_iter()
        .map(|(direction, begin_s)| {
            let measurand = match direction {
                Direction::Send => "delay_send",
                Direction::Receive => "delay_receive",
            };
            // Of the same car without drift the delays are held against the truth elsewhere; here counts what the clock adds.
            let healthy_ms = steady.value(measurand);
            // Where the middle passes the end of the link: behind cabin, terminal and network in send, behind the network in
            // receive.
            let network_s = truth.network_delay_s(direction);
            let way_s = match direction {
                Direction::Send => healthy_ms / 1e3 + network_s,
                Direction::Receive => network_s,
            };
            let added_s = truth.link_delay_s(direction, begin_s + MIDDLE_S + way_s);
            Comparison {
                method: "delay",
                measurand,
                case: name.clone(),
                unit: "ms",
                truth: healthy_ms + added_s * 1e3,
                measured: trial.value(measurand),
                tolerance: DELAY_TOLERANCE_MS,
                source: Source::Model,
            }
        })
        .collect()
}

/// Ratings, responses and coupling losses of cars whose clocks are off.
fn levels() -> Vec<Comparison> {
    let mut all = Vec::new();
    for (name, ppm) in [
        ("reference-nb", 100.0),
        ("reference-nb", -100.0),
        ("reference-wb", 100.0),
        ("reference-wb", -100.0),
        ("reference-wb", 200.0),
        ("reference-swb", 100.0),
        ("reference-swb", -100.0),
        ("reference-fb", 100.0),
        ("reference-fb", -100.0),
    ] {
        all.extend(levels_of(name, ppm));
    }
    all
}

fn levels_of(name: &str, ppm: f64) -> Vec<Comparison> {
    let car = with_clock(name, ppm);
    let band = car.bandwidth;
    let model = Model::new(car.clone());
    let truth = Truth::of(&model);
    let trial = |method: &str, given: &[(&str, &str)]| {
        Trial::record(car.clone(), entry(method, band, Volume::Step(STEP), given), SEED)
    };
    let signal =
        if matches!(band, Bandwidth::Nb | Bandwidth::Wb) { "speech-conditioning" } else { "sweep-fb" };
    let (send, receive) = (density_of(signal, false), density_in_call(signal, false, band));
    let comparison = |method, measurand, truth, measured| Comparison {
        method,
        measurand,
        case: format!("{name}, clock {ppm:+} ppm"),
        unit: "dB",
        truth,
        measured,
        tolerance: LEVEL_TOLERANCE_DB,
        source: Source::Model,
    };
    let given = |direction| [("direction", direction), ("signal", signal)];
    let slr = trial("loudness_rating", &given("send")).value("slr");
    let rlr = trial("loudness_rating", &given("receive")).value("rlr");
    let mut all = vec![
        comparison("loudness_rating", "slr", truth.slr_db(&|hz| send.at(hz)), slr),
        comparison("loudness_rating", "rlr", truth.rlr_db(STEP, &|hz| receive.at(hz)), rlr),
    ];
    let response = trial("frequency_response", &given("send")).finding("send_sensitivity");
    let (hz, found) = points(&response);
    let edge = |x: f64| 1_000.0 * 10f64.powf(x / 10.0);
    let first = if band == Bandwidth::Nb { -7.0 } else { -10.0 };
    let true_db = |i: usize| {
        let third = first + i as f64;
        truth.send_sensitivity_dbv((edge(third - 0.5), edge(third + 0.5)), &|hz| send.at(hz))
    };
    let off = |i: &usize| (found[*i] - true_db(*i)).abs();
    let worst = (0..found.len()).max_by(|a, b| off(a).total_cmp(&off(b))).unwrap();
    let mut curve = comparison("frequency_response", "send_sensitivity", true_db(worst), found[worst]);
    curve.case = format!("{}, worst band {} Hz", curve.case, hz[worst]);
    all.push(curve);
    if band == Bandwidth::Wb {
        // An echo that is far above the noise: the path there and back keeps its delay.
        let mut quiet = car.clone();
        quiet.cabin.noise_microphone_dbpa_a = None;
        quiet.cabin.noise_capsule_dbpa_a = None;
        quiet.cabin.noise_amplifier_dbpa_a = None;
        reference(&mut quiet).idle_noise = None;
        let model = Model::new(quiet.clone());
        let speech = density_in_call("speech-compressed", true, band);
        let tclw = Truth::of(&model).tclw_db(STEP, &|hz| speech.at(hz));
        let found = Trial::record(quiet, entry("coupling_loss", band, Volume::Step(STEP), &[]), SEED);
        all.push(comparison("coupling_loss", "tclw", tclw, found.value("tclw")));
    }
    all
}

fn points(finding: &Finding) -> (Vec<f64>, Vec<f64>) {
    match &finding.value {
        Value::Curve(curve) => (curve.hz.clone(), curve.values.clone()),
        _ => panic!("a response is a curve"),
    }
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| delay_cars().iter().flat_map(delays).chain(levels()).collect());

#[test]
fn clocks_shift_delays_by_as_much_as_they_differ_and_leave_levels_alone() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "delay_send") >= 10 && count(&COMPARISONS, "delay_receive") >= 10);
    for measurand in ["slr", "rlr", "send_sensitivity"] {
        assert_eq!(count(&COMPARISONS, measurand), 9, "{measurand}");
    }
    assert_eq!(count(&COMPARISONS, "tclw"), 3);
}

#[test]
fn a_drift_is_told_in_the_note_with_its_sign() {
    for (ppm, send, receive) in [(100.0, "+100 ppm", "-100 ppm"), (-200.0, "-200 ppm", "+200 ppm")] {
        let car = with_clock("ideal-wb", ppm);
        let trial = Trial::record(car, entry("delay", Bandwidth::Wb, Volume::Step(5), &[]), SEED);
        for (measurand, told) in [("delay_send", send), ("delay_receive", receive)] {
            let finding = trial.finding(measurand);
            // A part in fifty of what is drifted is the accuracy of the pieces.
            let near = |ppm: i32| finding.note.contains(&format!("drifts by {ppm:+} ppm"));
            let wanted: i32 = told.trim_end_matches(" ppm").parse().unwrap();
            assert!((-3..=3).any(|off| near(wanted + off)), "{told}: {}", finding.note);
            assert!(!finding.flags.contains(&Flag::Conditional), "{finding:?}");
        }
    }
    let steady =
        Trial::record(shipped("ideal-wb"), entry("delay", Bandwidth::Wb, Volume::Step(5), &[]), SEED);
    assert!(!steady.finding("delay_send").note.contains("drifts"));
}

/// A jump in the middle of the stimulus in send.
fn jumping(name: &str, by_ms: f64) -> Trial {
    let mut car = shipped(name);
    car.network.clock.jumps_send = vec![Jump { at_s: 1.7, by_s: by_ms / 1e3 }];
    let band = car.bandwidth;
    Trial::record(car, entry("delay", band, Volume::Step(5), &[]), SEED)
}

#[test]
fn a_jump_within_the_take_is_told_and_the_larger_delay_counts() {
    for name in ["ideal-nb", "reference-nb", "ideal-wb", "reference-wb", "reference-swb", "reference-fb"] {
        let steady = Trial::record(
            shipped(name),
            {
                let band = shipped(name).bandwidth;
                entry("delay", band, Volume::Step(5), &[])
            },
            SEED,
        );
        let before = steady.value("delay_send");
        assert!(!steady.finding("delay_send").flags.contains(&Flag::Conditional), "{name}");
        for by_ms in [-12.5, -2.0, 1.0, 20.0, 60.0] {
            let trial = jumping(name, by_ms);
            let finding = trial.finding("delay_send");
            let largest = before + f64::max(by_ms, 0.0);
            assert!((trial.value("delay_send") - largest).abs() < 0.05, "{name} {by_ms}: {}", finding.note);
            assert!(finding.flags.contains(&Flag::Conditional), "{name} {by_ms}: {}", finding.note);
            assert!(finding.note.contains("it jumps"), "{}", finding.note);
            assert!(trial.finding("delay_round_trip").flags.contains(&Flag::Conditional));
            assert!(!trial.finding("delay_receive").flags.contains(&Flag::Conditional));
        }
    }
}

#[test]
fn a_device_that_jumps_out_of_its_limit_fails_and_is_not_excused() {
    let range = Rule::Range { min: None, max: Some(80.0) };
    let limit = limit("delay_send", Unit::Millisecond, range, LimitClass::A);
    for (by_ms, verdict) in [(20.0, Verdict::Fail), (10.0, Verdict::Pass), (-12.0, Verdict::Pass)] {
        let finding = jumping("ideal-wb", by_ms).finding("delay_send");
        let judged = judge(&finding, &limit);
        assert_eq!(judged.verdict, verdict, "{by_ms}: {finding:?}");
    }
}
