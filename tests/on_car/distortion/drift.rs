//! Distortion in send behind a clock that is off, of a mouth that distorts too: what the mouth made is taken out with the
//! phase that it has behind the path as it is by then.

use std::sync::LazyLock;

use lombard::bench::car::clock::Jump;
use lombard::finding::Bound;
use lombard::terms::Bandwidth;
use lombard::verdict::Verdict;

use super::{Case, NoiseCase, bend, ideal, judged, mouth_gain_db, with_microphone};
use crate::on_car::comparison::{Comparison, all_hold};

/// How far a clock may be off: 100 ppm is what a product without a temperature-compensated crystal has.
const CLOCKS_PPM: [f64; 3] = [-100.0, 0.0, 100.0];

/// A name; harmonics of the device and of the mouth in percent, second and third; the sine.
type Bends = (&'static str, (f64, f64), (f64, f64), &'static str);

/// The first is just inside 3 %, the second just outside.
const BENDS: [Bends; 4] = [
    ("device 2.5 and −0.6 %, mouth 0.5 and 0.7 %", (2.5, -0.6), (0.5, 0.7), "1000 Hz"),
    ("device 3.3 and 0.6 %, mouth 0.5 and 0.7 %", (3.3, 0.6), (0.5, 0.7), "1000 Hz"),
    ("device 1.52 and 0.5 %, mouth −0.8 and 0.3 %", (1.52, 0.5), (-0.8, 0.3), "500 Hz"),
    ("device 0.5 and −2 %, mouth 0.6 and −0.4 %", (0.5, -2.0), (0.6, -0.4), "2000 Hz"),
];

fn case((name, device, mouth, frequency): Bends, bandwidth: Bandwidth, offset_ppm: f64) -> Case {
    let mut car = with_microphone(ideal(bandwidth), bend(device.0, device.1, -25.7));
    car.flaws.mouth = bend(mouth.0, mouth.1, -1.7);
    car.network.clock.offset_ppm = offset_ppm;
    Case {
        name: format!("{name}, {frequency}, clock {offset_ppm:+} ppm, {bandwidth}"),
        car,
        frequency,
        level: "-1.7 dBPa",
        step: None,
    }
}

fn noise_case(offset_ppm: f64) -> NoiseCase {
    let mut car = with_microphone(ideal(Bandwidth::Wb), bend(2.0, 0.0, -25.7));
    car.flaws.mouth = bend(0.3, 0.2, -1.7);
    car.network.clock.offset_ppm = offset_ppm;
    NoiseCase {
        name: format!("noise, the mouth bends too, clock {offset_ppm:+} ppm, WB"),
        car,
        level: "-1.7 dBPa",
        step: None,
    }
}

/// The sines at each clock, in the order of [`BENDS`] and [`CLOCKS_PPM`], and the noise.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let sines = BENDS.iter().flat_map(|bends| CLOCKS_PPM.map(|ppm| case(*bends, Bandwidth::Wb, ppm)));
    let mut all: Vec<Comparison> = sines.map(|case| case.compare()).collect();
    all.extend([-100.0, 100.0].map(|ppm| noise_case(ppm).compare()));
    all
});

#[test]
fn a_clock_that_is_off_does_not_let_the_mouth_pass_for_the_car() {
    all_hold(&COMPARISONS);
    // What the mouth's harmonics make of the bend is the same whatever the clock: none of the room for it may be used up.
    for of_clocks in COMPARISONS[..BENDS.len() * CLOCKS_PPM.len()].chunks(CLOCKS_PPM.len()) {
        let steady = of_clocks[1].measured;
        for one in of_clocks {
            assert!((one.measured - steady).abs() < 0.01 * steady, "{one:?}: {steady} at 0 ppm");
        }
    }
}

#[test]
fn a_clock_that_is_off_turns_no_verdict() {
    for (bends, verdict) in [(BENDS[0], Verdict::Pass), (BENDS[1], Verdict::Fail)] {
        for ppm in CLOCKS_PPM {
            let found = case(bends, Bandwidth::Wb, ppm).trial().finding("distortion_send");
            assert_eq!(
                (judged(&found).verdict, found.bound),
                (verdict, Bound::Exact),
                "{ppm} ppm: {found:?}"
            );
        }
    }
}

#[test]
fn a_delay_that_jumps_before_the_sine_leaves_doubt_and_no_wrong_value() {
    // The last burst of the activation has arrived at 3.58 s, the sine arrives from 3.68 s on.
    for (by_s, bends) in [(0.000_35, BENDS[0]), (-0.000_3, BENDS[1]), (0.012_2, BENDS[1])] {
        let mut jumped = case(bends, Bandwidth::Wb, 0.0);
        jumped.car.network.clock.jumps_send = vec![Jump { at_s: 3.63, by_s }];
        let found = jumped.trial().finding("distortion_send");
        let truth = jumped.truth();
        let percent = found.as_scalar().unwrap();
        // That a delay turned the fundamental is not proven: the value is at most this.
        assert_eq!(found.bound, Bound::AtMost, "{found:?}");
        assert!(percent >= truth, "{percent} of {truth}: {found:?}");
        let (_, told) = found.note.split_once("leaves ").expect(&found.note);
        let doubt: f64 = told.split(' ').next().unwrap().parse().unwrap();
        let steady = case(bends, Bandwidth::Wb, 0.0).compare().measured;
        assert!(
            (percent - doubt - steady).abs() < 0.03 * steady,
            "{percent} less {doubt}, {steady} without a jump"
        );
    }
}

#[test]
fn the_mouth_at_another_clock_is_no_more_than_it_is() {
    // A clean device and a mouth of 1.4 %: what is left of it is small beside it.
    for ppm in CLOCKS_PPM {
        let one = case(("clean device", (0.0, 0.0), (1.0, 1.0), "1000 Hz"), Bandwidth::Wb, ppm);
        assert!(mouth_gain_db(&one.car) > 0.0);
        let found = one.trial().finding("distortion_send");
        assert_eq!(judged(&found).verdict, Verdict::Pass, "{found:?}");
        assert!(found.as_scalar().unwrap() < 0.15, "{ppm} ppm: {found:?}");
    }
}
