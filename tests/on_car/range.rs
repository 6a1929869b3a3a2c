//! The range of the receive volume, on controls of several ranges, and a control that does not reach far enough.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::spec::CarSpec;
use lombard::bench::car::truth::Truth;
use lombard::limits::{Rule, judge};
use lombard::take::{Action, RigAction, Volume};
use lombard::terms::{Bandwidth, LimitClass};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::density_in_call;
use super::{SEED, Trial, entry, shipped};

struct Case {
    name: &'static str,
    car: CarSpec,
    /// The entry's volume.
    step: u32,
    /// What the control adds from there to its end.
    range_db: f64,
}

const SHORT: (&str, &str) = ("signal", "speech-conditioning");

fn control(car: &CarSpec, bandwidth: Bandwidth, steps: u32, step_db: f64) -> CarSpec {
    let mut car = car.clone();
    car.bandwidth = bandwidth;
    car.terminal.volume_steps = steps;
    car.terminal.volume_step_db = step_db;
    car
}

fn cases() -> Vec<Case> {
    use Bandwidth::{Fb, Nb, Swb, Wb};
    let (wide, narrow, room) = (shipped("ideal-wb"), shipped("ideal-nb"), shipped("reference-wb"));
    let case = |name, car, step, range_db| Case { name, car, step, range_db };
    vec![
        case("16 steps of 1.5 dB from step 5, WB", control(&wide, Wb, 16, 1.5), 5, 15.0),
        case("16 steps of 1.5 dB from step 15, WB", control(&wide, Wb, 16, 1.5), 15, 0.0),
        case("31 steps of 0.8 dB from step 3, NB", control(&narrow, Nb, 31, 0.8), 3, 21.6),
        case("8 steps of 3 dB from step 4, NB", control(&narrow, Nb, 8, 3.0), 4, 9.0),
        case("12 steps of 2.2 dB from step 6, SWB", control(&wide, Swb, 12, 2.2), 6, 11.0),
        case("64 steps of 0.25 dB from step 1, FB", control(&wide, Fb, 64, 0.25), 1, 15.5),
        case("shoebox cabin with noise from step 5, WB", control(&room, Wb, 16, 1.5), 5, 15.0),
        case("shoebox cabin with noise from step 7, NB", control(&room, Nb, 16, 1.5), 7, 12.0),
    ]
}

impl Case {
    fn trial(&self) -> Trial {
        let wanted = entry("volume_range", self.car.bandwidth, Volume::Step(self.step), &[SHORT]);
        Trial::record(self.car.clone(), wanted, SEED)
    }

    fn compare(&self) -> [Comparison; 2] {
        let spectrum = density_in_call(SHORT.1, false, self.car.bandwidth);
        let model = Model::new(self.car.clone());
        let loudest = self.car.terminal.volume_steps - 1;
        let rlr_db = Truth::of(&model).rlr_db(loudest, &|freq_hz| spectrum.at(freq_hz));
        let trial = self.trial();
        let of = |measurand, truth, source| Comparison {
            method: "volume_range",
            measurand,
            case: self.name.to_owned(),
            unit: "dB",
            truth,
            measured: trial.value(measurand),
            tolerance: LEVEL_TOLERANCE_DB,
            source,
        };
        [of("volume_range", self.range_db, Source::Paper), of("rlr_maximum", rlr_db, Source::Model)]
    }
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| cases().iter().flat_map(Case::compare).collect());

#[test]
fn the_range_of_the_volume_is_that_of_the_car() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "volume_range") >= 5 && count(&COMPARISONS, "rlr_maximum") >= 5);
}

#[test]
fn a_control_without_enough_range_fails() {
    let least = limit_of(15.0);
    let wide = shipped("ideal-wb");
    for (step_db, verdict) in
        [(1.7, Verdict::Pass), (1.6, Verdict::Pass), (1.4, Verdict::Fail), (0.5, Verdict::Fail)]
    {
        let case = Case { name: "", car: control(&wide, Bandwidth::Wb, 16, step_db), step: 5, range_db: 0.0 };
        let judged = judge(&case.trial().finding("volume_range"), &least);
        assert_eq!(judged.verdict, verdict, "{step_db}: {judged:?}");
    }
}

fn limit_of(least_db: f64) -> lombard::limits::Limit {
    let rule = Rule::Range { min: Some(least_db), max: None };
    super::limit("volume_range", Unit::Db, rule, LimitClass::B)
}

#[test]
fn the_volume_is_turned_back() {
    let trial = cases().remove(0).trial();
    let turned: Vec<u32> = trial.takes[1]
        .spec
        .cues
        .iter()
        .filter_map(|cue| match cue.action {
            Action::Rig(RigAction::SetVolume(step)) => Some(step),
            _ => None,
        })
        .collect();
    assert_eq!(turned, [15, 5]);
    assert!(trial.takes[0].spec.cues.iter().all(|cue| matches!(cue.action, Action::Play { .. })));
}
