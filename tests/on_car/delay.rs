//! Delays between fractions of a frame, through responses, rooms and noise.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::spec::CarSpec;
use lombard::bench::car::truth::{Truth, white};
use lombard::finding::Bound;
use lombard::limits::{Rule, judge};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Ear, LimitClass};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::comparison::{Comparison, DELAY_TOLERANCE_MS, Source, all_hold, count};
use super::{SEED, Trial, entry, limit, paths, shipped, tap};

/// A car, and its delays in send and in receive in ms where they can be added up on paper.
struct Case {
    name: &'static str,
    car: CarSpec,
    on_paper: Option<(f64, f64)>,
}

fn cases() -> Vec<Case> {
    let wide = shipped("ideal-wb");
    let mut between = wide.clone();
    let own = paths(&mut between);
    own.mouth_to_microphone = tap(-24.0, 1.507);
    own.loudspeaker_to_ears = [tap(-6.0, 3.4), tap(-6.0, 3.0137)];
    let mut narrow = shipped("ideal-nb");
    paths(&mut narrow).mouth_to_microphone = tap(-24.0, 2.2519);
    paths(&mut narrow).loudspeaker_to_ears = [tap(-6.0, 2.7304), tap(-9.0, 2.9)];
    narrow.network.delay_send_s = 0.0375;
    narrow.network.delay_receive_s = 0.0251;
    let mut sloped = wide.clone();
    sloped.terminal.send_response = vec![(100.0, -15.0), (1_000.0, 0.0), (8_000.0, 10.0)];
    sloped.terminal.receive_response = vec![(200.0, -12.0), (800.0, 3.0), (7_000.0, -12.0)];
    paths(&mut sloped).mouth_to_microphone = tap(-24.0, 1.755);
    let mut long = wide.clone();
    long.terminal.send_delay_s = 0.3811;
    long.terminal.receive_delay_s = 0.24023;
    let room = shipped("reference-wb");
    let mut room_narrow = room.clone();
    room_narrow.bandwidth = Bandwidth::Nb;
    vec![
        Case { name: "ideal cabin, whole frames, WB", car: wide, on_paper: Some((64.5, 55.0)) },
        Case { name: "ideal cabin, between frames, WB", car: between, on_paper: Some((64.507, 55.0137)) },
        Case { name: "ideal cabin, between frames, NB", car: narrow, on_paper: Some((65.2519, 54.7304)) },
        Case { name: "ideal cabin, sloped responses, WB", car: sloped, on_paper: Some((64.755, 55.0)) },
        // the terminal's delays are whole frames: 381.104 and 240.229 ms
        Case {
            name: "ideal cabin, longer than the signal's period, WB",
            car: long,
            on_paper: Some((18_293.0 / 48.0 + 1.5, 11_531.0 / 48.0 + 3.0)),
        },
        Case { name: "shoebox cabin with noise, WB", car: room, on_paper: None },
        Case { name: "shoebox cabin with noise, NB", car: room_narrow, on_paper: None },
    ]
}

impl Case {
    fn truth_ms(&self) -> (f64, f64) {
        self.on_paper.unwrap_or_else(|| {
            let model = Model::new(self.car.clone());
            let truth = Truth::of(&model);
            let ears = Ear::ALL.iter().map(|ear| truth.receive_delay_s(*ear, &white));
            (truth.send_delay_s(&white) * 1e3, ears.fold(f64::INFINITY, f64::min) * 1e3)
        })
    }

    fn compare(&self) -> Vec<Comparison> {
        let inherent = ("inherent", "41.25 ms");
        let wanted = entry("delay", self.car.bandwidth, Volume::Step(5), &[inherent]);
        let trial = Trial::record(self.car.clone(), wanted, SEED);
        let (send, receive) = self.truth_ms();
        let values = [
            ("delay_send", send),
            ("delay_receive", receive),
            ("delay_round_trip", send + receive),
            ("delay_implementation", send + receive - 41.25),
        ];
        let comparison = |(measurand, truth)| Comparison {
            method: "delay",
            measurand,
            case: self.name.to_owned(),
            unit: "ms",
            truth,
            measured: trial.value(measurand),
            tolerance: DELAY_TOLERANCE_MS,
            source: if self.on_paper.is_some() { Source::Paper } else { Source::Model },
        };
        values.into_iter().map(comparison).collect()
    }
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| cases().iter().flat_map(Case::compare).collect());

#[test]
fn delays_are_those_of_the_car() {
    all_hold(&COMPARISONS);
    for measurand in ["delay_send", "delay_receive", "delay_round_trip", "delay_implementation"] {
        assert!(count(&COMPARISONS, measurand) >= 5, "{measurand}");
    }
}

#[test]
fn two_frames_more_are_seen() {
    let case = cases().remove(1);
    let mut car = case.car.clone();
    paths(&mut car).mouth_to_microphone = tap(-24.0, 1.507 + 2.0 / 48.0);
    let wrong = Case { car, ..case }.compare();
    let holds: Vec<bool> = wrong.iter().map(Comparison::holds).collect();
    assert_eq!(holds, [false, true, false, false], "{wrong:?}");
}

#[test]
fn without_the_share_of_the_link_the_implementation_is_a_bound() {
    let of = |given: &[(&str, &str)]| {
        let trial =
            Trial::record(shipped("ideal-wb"), entry("delay", Bandwidth::Wb, Volume::Step(5), given), SEED);
        let limit = limit(
            "delay_implementation",
            Unit::Millisecond,
            Rule::Range { min: None, max: Some(70.0) },
            LimitClass::A,
        );
        trial.findings().map(|all| {
            let one = all.iter().find(|finding| finding.measurand == "delay_implementation").unwrap().clone();
            (one.bound, judge(&one, &limit).verdict)
        })
    };
    assert_eq!(of(&[]).unwrap(), (Bound::AtMost, Verdict::Inconclusive));
    assert_eq!(of(&[("inherent", "60 ms")]).unwrap(), (Bound::Exact, Verdict::Pass));
    assert_eq!(of(&[("inherent", "45 ms")]).unwrap(), (Bound::Exact, Verdict::Fail));
    let reason = of(&[("inherent", "125 ms")]).unwrap_err().reason;
    assert!(reason.contains("less than the 125.00 ms"), "{reason}");
}

#[test]
fn a_mute_path_has_no_delay() {
    let mut car = shipped("ideal-wb");
    paths(&mut car).mouth_to_microphone = None;
    let trial = Trial::record(car, entry("delay", Bandwidth::Wb, Volume::Step(5), &[]), SEED);
    let reason = trial.findings().unwrap_err().reason;
    assert!(reason.contains("no delay in send"), "{reason}");
}

#[test]
fn noise_that_hides_the_signal_is_no_delay() {
    let mut car = shipped("ideal-wb");
    car.terminal.send_gain_db -= 80.0;
    super::reference(&mut car).idle_noise = Some(lombard::bench::car::spec::IdleNoise {
        level_dbm0: -40.0,
        weighting: lombard::bench::car::spec::Weighting::A,
    });
    let trial = Trial::record(car, entry("delay", Bandwidth::Wb, Volume::Step(5), &[]), SEED);
    let reason = trial.findings().unwrap_err().reason;
    assert!(reason.contains("does not follow the stimulus in send"), "{reason}");
}
