//! The reference terminal over time: what its car file says is what comes out of it.

use lombard::bench::car::dynamics::{
    COMFORT_AGE, Comfort, Detector, DoubleTalk, Dynamics, Gate, NoiseControl, Switching,
};
use lombard::bench::car::file::read_car;
use lombard::bench::car::spec::CarSpec;
use lombard::bench::car::{BLOCK, BlockInputs, Car};
use lombard::problem::SourceText;
use lombard::terms::{Bandwidth, Seat};

use super::{reference, shipped};
use crate::source::root;

const STEP: u32 = 9;
/// The level of both sides where they speak: above the thresholds of the detectors.
const SPEAKS: f32 = 0.1;

/// What runs in a call: the gains, and what arrives.
struct Course {
    send: Vec<f32>,
    receive: Vec<f32>,
    echo: Vec<f32>,
    noise: Vec<f32>,
    poi_send: Vec<f32>,
    ear: Vec<f32>,
}

/// A car whose terminal has these dynamics and no noise of its own.
fn car(dynamics: Dynamics) -> CarSpec {
    let mut car = shipped("ideal-wb");
    let own = reference(&mut car);
    *own.dynamics = dynamics;
    own.echo_loss_db = Some(40.0);
    own.idle_noise = None;
    car.cabin.noise_microphone_dbpa_a = None;
    car.cabin.noise_capsule_dbpa_a = None;
    car
}

/// Runs a call of some seconds in which mouth and far end play a square wave of 1 kHz while `speaks` says so.
fn run(car: &CarSpec, seconds: f64, speaks: impl Fn(f64) -> (bool, bool)) -> Course {
    let mut bench = Car::new(car, 1);
    bench.open(Bandwidth::Wb, STEP).unwrap();
    let mut course = Course {
        send: Vec::new(),
        receive: Vec::new(),
        echo: Vec::new(),
        noise: Vec::new(),
        poi_send: Vec::new(),
        ear: Vec::new(),
    };
    let wave = |frame: usize| if frame % 48 < 24 { SPEAKS } else { -SPEAKS };
    for block in 0..(seconds * 100.0) as usize {
        let sample = |at: usize, talks: bool| if talks { wave(block * BLOCK + at) } else { 0.0 };
        let time = |at: usize| (block * BLOCK + at) as f64 / 48_000.0;
        let mouth = std::array::from_fn(|at| sample(at, speaks(time(at)).0));
        let receive = std::array::from_fn(|at| sample(at, speaks(time(at)).1));
        let inputs = BlockInputs { mouths: vec![(Seat::Driver, mouth)], receive, ..BlockInputs::default() };
        let outputs = bench.block(&inputs).unwrap();
        let gains = bench.gains().expect("the terminal changes over time");
        course.send.extend(gains.send);
        course.receive.extend(gains.receive);
        course.echo.extend(gains.echo);
        course.noise.extend(gains.noise);
        course.poi_send.extend(outputs.poi_send);
        course.ear.extend(outputs.ears[0].1[0]);
    }
    course
}

fn db(gain: f32) -> f64 {
    20.0 * f64::from(gain).log10()
}

fn level_db(samples: &[f32]) -> f64 {
    let square: f64 = samples.iter().map(|x| f64::from(*x).powi(2)).sum();
    10.0 * (square / samples.len() as f64).log10()
}

/// The frame of a time.
fn at(seconds: f64) -> usize {
    (seconds * 48_000.0) as usize
}

const SWITCH: Switching = Switching {
    send_loss_db: 18.0,
    receive_loss_db: 12.0,
    send_idle_loss_db: 9.0,
    receive_idle_loss_db: 6.0,
    build_up_s: 0.020,
    release_s: 0.060,
};

#[test]
fn the_switch_gives_way_to_who_speaks_and_takes_its_time() {
    let dynamics = Dynamics {
        switching: Some(SWITCH),
        detector: Detector { hang_over_s: 0.1, ..Detector::default() },
        double_talk: DoubleTalk { send_loss_db: 4.5, receive_loss_db: 3.0, ..DoubleTalk::default() },
        ..Dynamics::default()
    };
    // Far end alone from 0.5 s, both from 1.5 s, talker alone from 2.5 s, nobody from 3.5 s.
    let course = run(&car(dynamics), 4.5, |s| ((1.5..3.5).contains(&s), (0.5..2.5).contains(&s)));
    for (time, send_db, receive_db) in
        [(0.4, -9.0, -6.0), (1.4, -18.0, 0.0), (2.4, -4.5, -3.0), (3.4, 0.0, -12.0), (4.4, -9.0, -6.0)]
    {
        let found = (db(course.send[at(time)]), db(course.receive[at(time)]));
        assert!((found.0 - send_db).abs() < 1e-4 && (found.1 - receive_db).abs() < 1e-4, "{time}: {found:?}");
    }
    // The straight line from −18 to −4.5 dB at 18 dB in 20 ms, from when the talker is heard.
    let begins = course.send[at(1.5)..].iter().position(|gain| db(*gain) > -17.99).unwrap();
    let ends = course.send[at(1.5)..].iter().position(|gain| db(*gain) > -4.51).unwrap();
    let ms = (ends - begins) as f64 / 48.0;
    assert!((ms - 15.0).abs() < 0.1, "{ms} ms");
    // The talker is heard a few milliseconds after the way from the mouth to the microphone.
    assert!(begins < at(0.006), "{begins}");
    // It holds on for the hang-over of 100 ms.
    let falls = course.send[at(3.5)..].iter().position(|gain| db(*gain) < -0.01).unwrap();
    assert!((at(0.1)..at(0.12)).contains(&falls), "{falls}");
}

#[test]
fn what_is_sent_and_heard_has_the_gains_that_are_told() {
    let dynamics = Dynamics {
        switching: Some(Switching { send_idle_loss_db: 0.0, receive_idle_loss_db: 0.0, ..SWITCH }),
        double_talk: DoubleTalk { send_loss_db: 7.5, receive_loss_db: 5.0, ..DoubleTalk::default() },
        ..Dynamics::default()
    };
    let mut with = car(dynamics);
    reference(&mut with).echo_loss_db = Some(120.0);
    let speaks = |s: f64| ((0.2..).contains(&s), (1.2..).contains(&s));
    let course = run(&with, 2.5, speaks);
    // A terminal whose dynamics do nothing to be heard: the same call without them.
    let mut without = with.clone();
    *reference(&mut without).dynamics = Dynamics {
        noise: NoiseControl { settling_s: 1.0, ..NoiseControl::default() },
        ..Dynamics::default()
    };
    let plain = run(&without, 2.5, speaks);
    let lost = level_db(&course.poi_send[at(2.0)..at(2.4)]) - level_db(&plain.poi_send[at(2.0)..at(2.4)]);
    assert!((lost + 7.5).abs() < 1e-3, "{lost}");
    let before = level_db(&course.poi_send[at(0.8)..at(1.1)]) - level_db(&plain.poi_send[at(0.8)..at(1.1)]);
    assert!(before.abs() < 1e-3, "{before}");
    // At the ear the mouth is heard too: what the loudspeaker adds is the difference.
    let minus = |all: &[f32], part: &[f32]| all.iter().zip(part).map(|(a, b)| a - b).collect::<Vec<f32>>();
    let mouth_only = run(&without, 2.5, |s| (speaks(s).0, false));
    let heard = minus(&course.ear[at(2.0)..at(2.4)], &mouth_only.ear[at(2.0)..at(2.4)]);
    let whole = minus(&plain.ear[at(2.0)..at(2.4)], &mouth_only.ear[at(2.0)..at(2.4)]);
    let lost = level_db(&heard) - level_db(&whole);
    assert!((lost + 5.0).abs() < 1e-3, "{lost}");
}

#[test]
fn a_canceller_converges_while_the_far_end_speaks() {
    let convergence = vec![(0.0, 6.0), (0.2, 6.0), (1.2, 40.0)];
    let course = run(&car(Dynamics { convergence, ..Dynamics::default() }), 3.0, |s| {
        (false, (0.5..1.0).contains(&s) || s >= 1.5)
    });
    // Silence trains nothing; the far end is heard 72 ms after it spoke: network and terminal.
    assert!((db(course.echo[at(0.5)]) - 34.0).abs() < 1e-3);
    // Half a second, then the mean square of 2 ms falls from −13.85 dBm0 to the threshold of −45 dBm0, then the hang-over.
    let falls_s = (45.0 - 13.85) / (10.0 * std::f64::consts::LOG10_E) * 0.002;
    let trained = 6.0 + 34.0 * (0.5 + falls_s + 0.2 - 0.2);
    let found = db(course.echo[at(1.4)]);
    assert!((found - (40.0 - trained)).abs() < 0.1, "{found}");
    assert!(db(course.echo[at(2.9)]).abs() < 1e-6);
}

#[test]
fn double_talk_opens_the_canceller_and_shapes_the_talker() {
    let dynamics = Dynamics {
        double_talk: DoubleTalk {
            echo_loss_db: Some(27.0),
            send_loss_response: vec![(500.0, 0.0), (1_000.0, 10.0), (2_000.0, 0.0)],
            ..DoubleTalk::default()
        },
        ..Dynamics::default()
    };
    let course = run(&car(dynamics), 2.0, |s| ((1.0..).contains(&s), true));
    assert!(db(course.echo[at(0.9)]).abs() < 1e-6);
    assert!((db(course.echo[at(1.9)]) - 13.0).abs() < 1e-3);
}

#[test]
fn a_gate_chops_send_while_both_sides_speak() {
    let gate = Some(Gate { loss_db: 6.0, every_s: 0.020 });
    let double_talk = DoubleTalk { gate, ..DoubleTalk::default() };
    let course =
        run(&car(Dynamics { double_talk, ..Dynamics::default() }), 2.0, |s| ((1.0..).contains(&s), true));
    // The middle of each stretch, counted from the set-up of the call.
    for (time, gain_db) in [(0.91, 0.0), (0.93, 0.0), (1.61, 0.0), (1.63, -6.0), (1.65, 0.0), (1.67, -6.0)] {
        let found = db(course.send[at(time)]);
        assert!((found - gain_db).abs() < 1e-3, "{time}: {found}");
    }
}

#[test]
fn noise_is_reduced_pumped_and_stood_in_for() {
    let noise = NoiseControl {
        reduction_db: 12.0,
        settling_s: 1.0,
        pumping_far_db: -7.0,
        pumping_near_db: 4.0,
        comfort: None,
    };
    let speaks = |s: f64| ((3.0..4.0).contains(&s), (1.5..2.5).contains(&s));
    let mut noisy = car(Dynamics { noise: noise.clone(), ..Dynamics::default() });
    noisy.cabin.noise_microphone_dbpa_a = Some(-50.0);
    reference(&mut noisy).echo_loss_db = Some(120.0);
    let course = run(&noisy, 5.0, speaks);
    for (time, gain_db) in [(0.5, -6.0), (1.2, -12.0), (2.0, -19.0), (3.6, -8.0), (4.8, -12.0)] {
        let found = db(course.noise[at(time)]);
        assert!((found - gain_db).abs() < 0.01, "{time}: {found}");
    }
    // Comfort noise is what was heard 1.3 s before, so much louder.
    let comfort = Some(Comfort { error_db: 3.0, color: Vec::new() });
    let mut stands_in = noisy.clone();
    reference(&mut stands_in).dynamics.noise =
        NoiseControl { comfort, pumping_far_db: 0.0, reduction_db: 0.0, ..noise };
    let with = run(&stands_in, 5.0, |s| (false, (2.0..).contains(&s)));
    let mut bare = stands_in.clone();
    reference(&mut bare).dynamics.noise.comfort = None;
    let without = run(&bare, 5.0, |s| (false, (2.0..).contains(&s)));
    let later = level_db(&with.poi_send[at(3.0)..at(4.9)])
        - level_db(&without.poi_send[at(3.0) - COMFORT_AGE..at(4.9) - COMFORT_AGE]);
    assert!((later - 3.0).abs() < 1e-3, "{later}");
}

#[test]
fn a_car_file_says_all_of_it_and_is_refused_where_it_is_wrong() {
    let text = std::fs::read_to_string(root().join("test-plans/cars/ideal-wb.toml")).unwrap();
    let more = "[terminal.detector]\nsend = \"-50 dBPa\"\nreceive = \"-40 dBm0\"\nhang_over = \"150 ms\"\n\
                [terminal.switching]\nsend_loss = \"18 dB\"\nreceive_loss = \"12 dB\"\nsend_idle_loss = \"9 dB\"\n\
                receive_idle_loss = \"6 dB\"\nbuild_up = \"20 ms\"\nrelease = \"60 ms\"\n\
                [terminal.double_talk]\nsend_loss = \"4.5 dB\"\nreceive_loss = \"3 dB\"\necho_loss = \"27 dB\"\n\
                gate_loss = \"6 dB\"\ngate_every = \"10 ms\"\nsend_loss_hz_db = [[500, 0], [1000, 10]]\n\
                [terminal.noise_control]\nreduction = \"12 dB\"\nsettling = \"1 s\"\npumping_far = \"-7 dB\"\n\
                pumping_near = \"4 dB\"\n[terminal.noise_control.comfort]\nerror = \"3 dB\"\ncolor_hz_db = [[500, 0], [2000, 4]]\n";
    let read = |text: String| read_car(&SourceText::new("test", text));
    let car = read(text.clone() + "\n" + more).unwrap();
    let own = *reference(&mut car.clone()).dynamics.clone();
    assert_eq!(own.switching, Some(SWITCH));
    assert_eq!(own.detector, Detector { send_dbpa: -50.0, receive_dbm0: -40.0, hang_over_s: 0.15 });
    assert_eq!(own.double_talk.echo_loss_db, Some(27.0));
    assert_eq!(own.double_talk.gate, Some(Gate { loss_db: 6.0, every_s: 0.010 }));
    assert_eq!(own.double_talk.send_loss_response, vec![(500.0, 0.0), (1_000.0, 10.0)]);
    assert_eq!((own.noise.pumping_far_db, own.noise.settling_s), (-7.0, 1.0));
    assert_eq!(own.noise.comfort.as_ref().map(|one| one.error_db), Some(3.0));
    for (wrong, what) in [
        ("[terminal.switching]\nbuild_up = \"-1 ms\"\n", "build_up"),
        ("[terminal.switching]\nsend_los = \"3 dB\"\n", "send_los"),
        ("[terminal.detector]\nsend = \"-50 dBm0\"\n", "send"),
        ("[terminal.noise_control.comfort]\ncolor_hz_db = [[2000, 4], [500, 0]]\n", "color_hz_db"),
        ("[terminal.double_talk]\necho_loss = \"1000 dB\"\n", "echo_loss"),
    ] {
        let problems = read(text.clone() + "\n" + wrong).unwrap_err();
        assert!(problems.iter().any(|one| format!("{one:?}").contains(what)), "{wrong}: {problems:?}");
    }
}
