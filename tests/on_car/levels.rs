//! The level plan: room to full scale, by the crest factors of signals that are known on paper or by their own samples.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use lombard::bench::BenchMaker;
use lombard::calibration::{PortCalibration, Validity};
use lombard::capture::Capture;
use lombard::context::{EvalCx, PortDirection, PortInfo};
use lombard::entry::Noise;
use lombard::finding::{Finding, Unmeasurable};
use lombard::limits::{Rule, judge};
use lombard::run::noise::{noise_plays, render_noise};
use lombard::signals::Options;
use lombard::take::{NoiseBed, Volume};
use lombard::terms::{Bandwidth, LimitClass, Port};
use lombard::units::{Quantity, Unit};
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

/// Loudspeakers by their ports, each with the level in dBPa of 0 dBov.
type Loudspeakers = &'static [(&'static str, f64)];
/// Tones in the recording of a noise: frequency in Hz, peak in Pa.
type Tones = &'static [(f64, f64)];

/// On paper: n loudspeakers share a peak by 1/√n; one octave around 80 Hz parts them from the subwoofer.
const ROOMS_OF_NOISE: &[(&str, Loudspeakers, Tones, f64)] = &[
    ("one loudspeaker", &[("noise.1", 10.0)], &[(1_000.0, 0.1)], 30.0),
    ("a tone of 40 Hz without subwoofer", &[("noise.1", 10.0)], &[(40.0, 0.1)], 30.0),
    ("two alike", &[("noise.1", 10.0), ("noise.2", 10.0)], &[(1_000.0, 0.1)], 33.0103),
    (
        "four, one of them weaker",
        &[("noise.1", 10.0), ("noise.2", 3.5), ("noise.3", 10.0), ("noise.4", 12.0)],
        &[(1_000.0, 0.1)],
        29.5206,
    ),
    (
        "the subwoofer has less",
        &[("noise.1", 10.0), ("noise.sub", -6.0)],
        &[(40.0, 0.2), (1_000.0, 0.1)],
        7.9794,
    ),
    (
        "the subwoofer has more",
        &[("noise.1", 10.0), ("noise.2", 10.0), ("noise.sub", 26.0)],
        &[(40.0, 0.2), (1_000.0, 0.1)],
        33.0103,
    ),
    ("less than none", &[("noise.1", -26.0)], &[(1_000.0, 0.1)], -6.0),
];

/// A level plan in noise.
fn noisy(signal: &str) -> Trial {
    let mut wanted = entry("level_plan", Bandwidth::Wb, Volume::Nominal, &[("signal_mouth", "sine-1000")]);
    let level_dba = SIGNALS.library().noise_level_dba(signal).unwrap();
    wanted.noise = Some(Noise { signal: signal.to_owned(), level_dba });
    Trial::record(shipped("ideal-wb"), wanted, SEED)
}

/// What the method finds of it on a bench that has loudspeakers for the noise.
fn with_loudspeakers(trial: &Trial, bound: &[(&str, f64)]) -> Result<Vec<Finding>, Unmeasurable> {
    let mut bench = trial.maker.info().clone();
    for (name, zero) in bound {
        let calibration = PortCalibration {
            record: format!("record-{name}"),
            zero_dbov: Quantity::new(*zero, Unit::DbPa),
            validity: Validity::Valid,
        };
        let info = PortInfo { ear: None, direction: PortDirection::Out, calibration };
        bench.ports.insert(Port::new(name).unwrap(), info);
    }
    let cx = EvalCx { bench: &bench, facts: &trial.facts, takes: &trial.takes };
    trial.method().evaluate(&trial.entry, &cx)
}

fn room_of_noise(bound: &[(&str, f64)], tones: &[(f64, f64)]) -> Finding {
    let mut trial = noisy("fan-2");
    let tone = |n: usize| {
        let one = |(hz, peak): &(f64, f64)| peak * (TAU * hz * n as f64 / 48_000.0).cos();
        tones.iter().map(one).sum::<f64>() as f32
    };
    let turn = Capture::in_memory((0..48_000).map(tone).collect());
    trial.takes[0].played.insert(Port::of(Port::NOISE_RECORDING), turn);
    let findings = with_loudspeakers(&trial, bound).unwrap();
    findings.into_iter().find(|finding| finding.measurand == "headroom_noise").unwrap()
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
    for (case, bound, tones, room) in ROOMS_OF_NOISE {
        let measured = room_of_noise(bound, tones).as_scalar().unwrap();
        add("headroom_noise", (*case).to_owned(), *room, measured, Source::Paper);
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
    for measurand in ["headroom_poi", "headroom_mouth", "headroom_noise"] {
        assert!(count(&COMPARISONS, measurand) >= 5, "{measurand}");
    }
}

#[test]
fn every_loudspeaker_of_a_noise_is_listed_and_counts() {
    let finding = room_of_noise(&[("noise.1", 10.0), ("noise.sub", 26.0)], &[(40.0, 0.2), (1_000.0, 0.1)]);
    for part in ["'fan-2' of 46 dB(A)", "noise.1 30.0 dB", "noise.sub 40.0 dB"] {
        assert!(finding.note.contains(part), "{part}: {}", finding.note);
    }
    let records: Vec<&str> = finding.influences.iter().map(|one| one.calibration.as_str()).collect();
    assert_eq!(records, ["record-noise.1", "record-noise.sub"]);
    // Outputs beyond full scale have less than no room, and an entry with a limit says so.
    let rule = Rule::Range { min: Some(0.0), max: None };
    let limit = limit("headroom_noise", Unit::Db, rule, LimitClass::C);
    for (zero, verdict) in [(-21.0, Verdict::Fail), (-19.0, Verdict::Pass)] {
        let finding = room_of_noise(&[("noise.1", zero)], &[(1_000.0, 0.1)]);
        assert_eq!(judge(&finding, &limit).verdict, verdict, "{finding:?}");
    }
}

#[test]
fn what_a_run_would_play_of_a_noise_has_the_room_that_the_level_plan_finds() {
    let bound: &[(&str, f64)] = &[("noise.1", 10.0), ("noise.2", 7.0), ("noise.sub", 12.0)];
    let trial = noisy("driving-120");
    let room = with_loudspeakers(&trial, bound).unwrap().pop().unwrap();
    let mut bench = trial.maker.info().clone();
    bench.is_virtual = false;
    for (name, zero) in bound {
        let calibration = PortCalibration {
            record: "r".to_owned(),
            zero_dbov: Quantity::new(*zero, Unit::DbPa),
            validity: Validity::Valid,
        };
        let info = PortInfo { ear: None, direction: PortDirection::Out, calibration };
        bench.ports.insert(Port::new(name).unwrap(), info);
    }
    let bed = NoiseBed { signal: "driving-120".to_owned() };
    let plays = noise_plays(&render_noise(&bed, &bench, &SIGNALS).unwrap(), &bench);
    assert_eq!(
        plays.iter().map(|play| play.port.name()).collect::<Vec<_>>(),
        ["noise.1", "noise.2", "noise.sub"]
    );
    for (play, (_, zero)) in plays.iter().zip(bound) {
        // Level, crest factor and room fill what is there.
        let sum = play.level.value + play.crest.0 + play.headroom.0;
        assert!((sum - zero).abs() < 1e-6 && play.level.unit == Unit::DbPa, "{play:?}");
    }
    // Together they have the power of the recording.
    let turn = trial.takes[0].played[&Port::of(Port::NOISE_RECORDING)].samples().unwrap();
    let whole = turn.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / turn.len() as f64;
    let sum: f64 = plays.iter().map(|play| 10f64.powf(play.level.value / 10.0)).sum();
    assert!((10.0 * (sum / whole).log10()).abs() < 0.01, "{sum} {whole}");
    let least = plays.iter().map(|play| play.headroom.0).fold(f64::INFINITY, f64::min);
    assert!((least - room.as_scalar().unwrap()).abs() < 1e-4, "{least} {room:?}");
}

#[test]
fn a_level_plan_without_loudspeakers_for_noise_finds_no_room_of_them() {
    let measurands = |trial: &Trial| -> Vec<String> {
        trial.findings().unwrap().into_iter().map(|one| one.measurand).collect()
    };
    assert_eq!(measurands(&noisy("fan-2")), ["headroom_poi", "headroom_mouth"]);
    let quiet = trial(Bandwidth::Wb, "sine-1000", "-16 dBm0", "-1.7 dBPa");
    let bound = with_loudspeakers(&quiet, &[("noise.1", 10.0)]).unwrap();
    assert_eq!(bound.len(), 2, "a call without noise has none of its loudspeakers");
    // The talker of a noise speaks up: 3 dB less room at the mouth in 60 dB(A).
    let lifted = quiet.value("headroom_mouth") - noisy("fan-4").value("headroom_mouth");
    assert!((lifted - 3.0).abs() < 1e-3, "{lifted}");
    // A noise that is silence has no room that could be told.
    let mut silent = noisy("fan-2");
    silent.takes[0].played.insert(Port::of(Port::NOISE_RECORDING), Capture::in_memory(vec![0.0; 48_000]));
    let reason = with_loudspeakers(&silent, &[("noise.1", 10.0)]).unwrap_err().reason;
    assert!(reason.contains("'fan-2' is silence"), "{reason}");
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
