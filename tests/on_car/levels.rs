//! The level plan: room to full scale, by the crest factors of signals that are known on paper or by their own samples.

use std::sync::LazyLock;

use lombard::limits::{Rule, judge};
use lombard::signals::Options;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, LimitClass};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::{SEED, SIGNALS, Trial, entry, limit, shipped};

/// 0 dBov of the virtual rig.
const MOUTH_DBPA: f64 = 30.0;
const POI_DBM0: f64 = 6.15;
/// The peak of a sine over its level.
const SINE_DB: f64 = 3.0103;

fn trial(bandwidth: Bandwidth, signal: &str, level_poi: &str, level_mrp: &str) -> Trial {
    let mut car = shipped("ideal-wb");
    car.bandwidth = bandwidth;
    let given = [
        ("signal_poi", signal),
        ("signal_mouth", signal),
        ("level_poi", level_poi),
        ("level_mrp", level_mrp),
    ];
    Trial::record(car, entry("level_plan", bandwidth, Volume::Nominal, &given), SEED)
}

/// The peak of a signal over its level, from its samples at level 1.
fn crest_db(signal: &str) -> f64 {
    let made = SIGNALS.library().make(signal, 48_000, Options::default()).unwrap();
    20.0 * made.samples.iter().fold(0.0f64, |peak, x| peak.max(x.abs())).log10()
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let mut all = Vec::new();
    let mut add = |measurand, case: String, truth, measured, source| {
        let (method, unit, tolerance) = ("level_plan", "dB", LEVEL_TOLERANCE_DB);
        all.push(Comparison { method, measurand, case, unit, truth, measured, tolerance, source });
    };
    for (bandwidth, poi_dbm0, mrp_dbpa) in [
        (Bandwidth::Nb, -16.0, -1.7),
        (Bandwidth::Wb, -5.0, 4.3),
        (Bandwidth::Wb, 0.0, 6.3),
        (Bandwidth::Swb, -30.0, -4.7),
        (Bandwidth::Fb, 3.0, 15.0),
    ] {
        let trial = trial(bandwidth, "sine-1000", &format!("{poi_dbm0} dBm0"), &format!("{mrp_dbpa} dBPa"));
        let case = |level: f64| format!("sine at {level} {bandwidth}");
        let (poi, mouth) = (POI_DBM0 - poi_dbm0 - SINE_DB, MOUTH_DBPA - mrp_dbpa - SINE_DB);
        add("headroom_poi", case(poi_dbm0), poi, trial.value("headroom_poi"), Source::Paper);
        add("headroom_mouth", case(mrp_dbpa), mouth, trial.value("headroom_mouth"), Source::Paper);
    }
    for signal in ["css-fb", "speech-single-talk", "pn-8192"] {
        let trial = trial(Bandwidth::Wb, signal, "-16 dBm0", "-1.7 dBPa");
        let truth = MOUTH_DBPA + 1.7 - crest_db(signal);
        let measured = trial.value("headroom_mouth");
        add("headroom_mouth", signal.to_owned(), truth, measured, Source::Model);
    }
    all
});

#[test]
fn the_headroom_is_what_level_and_crest_factor_leave() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "headroom_poi") >= 5 && count(&COMPARISONS, "headroom_mouth") >= 5);
}

#[test]
fn a_level_without_room_fails_its_entry() {
    let rule = Rule::Range { min: Some(3.0), max: None };
    let limit = limit("headroom_mouth", Unit::Db, rule, LimitClass::C);
    for (level, verdict) in [("25 dBPa", Verdict::Fail), ("23 dBPa", Verdict::Pass)] {
        let finding = trial(Bandwidth::Wb, "sine-1000", "-16 dBm0", level).finding("headroom_mouth");
        assert_eq!(judge(&finding, &limit).verdict, verdict, "{finding:?}");
        assert!(finding.note.contains("crest factor 3.0 dB"), "{}", finding.note);
    }
}

#[test]
fn silence_has_no_headroom() {
    let reason = trial(Bandwidth::Wb, "silence", "-16 dBm0", "-1.7 dBPa").findings().unwrap_err().reason;
    assert!(reason.contains("is silence"), "{reason}");
}
