//! Car against bench: the same disturbances in the device are measured, in the bench they end inconclusive.

use std::sync::Arc;

use lombard::bench::car::faults::{Disturbance, Fault, Place, Reaction};
use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::CarSpec;
use lombard::capture::{Certificate, Grade};
use lombard::entry::Entry;
use lombard::finding::Finding;
use lombard::limits::{Limit, Rule, judge};
use lombard::take::{Frame, Volume};
use lombard::terms::{Bandwidth, LimitClass};
use lombard::verdict::Verdict;

use super::{SEED, Trial, entry, limit, shipped};

/// Cases at each place.
const CASES: u64 = 20;

/// The two entries that the faults strike, one after the other: a level and a delay.
fn wanted(seed: u64) -> (Entry, &'static str) {
    let at = Volume::Step(5);
    if (seed / 3).is_multiple_of(2) {
        let given = &[("direction", "send"), ("signal", "speech-conditioning")];
        (entry("loudness_rating", Bandwidth::Wb, at, given), "slr")
    } else {
        (entry("delay", Bandwidth::Wb, at, &[]), "delay_send")
    }
}

/// While the stimulus of both entries is played.
const WITHIN: std::ops::Range<Frame> = 28_800..134_400;
/// The speech of the loudness rating begins after 3 s.
const WITHIN_SPEECH: std::ops::Range<Frame> = 150_000..430_000;

fn fault(place: Place, seed: u64) -> Fault {
    let within = if wanted(seed).1 == "slr" { WITHIN_SPEECH } else { WITHIN };
    Fault::seeded(place, seed, within)
}

fn car() -> CarSpec {
    shipped("ideal-wb")
}

fn struck(fault: Fault, wanted: Entry) -> Trial {
    Trial::on(CarBenchMaker::new(car()).with_fault(fault), wanted, SEED)
}

/// The verdict of an entry with one limit, as a run gives it: what is not measured is inconclusive.
fn verdict(trial: &Trial, measurand: &str, limit: &dyn Fn(&Finding) -> Limit) -> Verdict {
    let Ok(findings) = trial.findings() else { return Verdict::Inconclusive };
    let finding = findings.iter().find(|one| one.measurand == measurand).unwrap();
    judge(finding, &limit(finding)).verdict
}

/// Without a limit, and with one that the healthy car just meets: within 0.5 dB or 0.5 ms of what it is.
fn verdicts(trial: &Trial, measurand: &str, healthy: f64) -> [Verdict; 2] {
    let range = Rule::Range { min: Some(healthy - 0.5), max: Some(healthy + 0.5) };
    [(Rule::Unknown, LimitClass::N), (range, LimitClass::A)].map(|(rule, class)| {
        verdict(trial, measurand, &|finding| limit(measurand, finding.unit, rule.clone(), class))
    })
}

#[test]
fn forty_of_forty_faults_are_told_apart() {
    let healthy: Vec<(Arc<Trial>, f64)> = [0, 3]
        .map(|seed| {
            let (wanted, measurand) = wanted(seed);
            let trial = Trial::record(car(), wanted, SEED);
            let value = trial.value(measurand);
            assert_eq!(verdicts(&trial, measurand, value), [Verdict::Measured, Verdict::Pass]);
            (Arc::new(trial), value)
        })
        .into();
    let (mut right, mut failed) = (0, 0);
    for seed in 0..CASES {
        let (wanted, measurand) = wanted(seed);
        let value = healthy[usize::from(measurand == "delay_send")].1;

        let in_device = fault(Place::Device, seed);
        let trial = struck(in_device, wanted.clone());
        assert!(trial.takes.iter().all(|take| take.certificate.grade == Grade::Good), "{in_device:?}");
        let [unlimited, limited] = verdicts(&trial, measurand, value);
        assert_eq!(unlimited, Verdict::Measured, "{in_device:?}");
        assert_ne!(limited, Verdict::Inconclusive, "{in_device:?} is excused");
        failed += u32::from(limited == Verdict::Fail);
        if in_device.reaction(measurand) == Reaction::Must {
            assert_eq!(limited, Verdict::Fail, "{in_device:?} must react");
        }
        if let Disturbance::Slipped { lost, .. } = in_device.disturbance
            && measurand == "delay_send"
        {
            let frames = (trial.value(measurand) - value) * 48.0;
            // The delay before or after the slip; the side lobes of the other part pull by some hundredths.
            assert!(frames.abs() < 0.05 || (frames + f64::from(lost)).abs() < 0.05, "{frames} {in_device:?}");
        }
        right += 1;

        let in_bench = Fault { place: Place::Bench, ..in_device };
        let trial = struck(in_bench, wanted);
        let bad = trial.takes.iter().filter(|take| take.certificate.grade == Grade::Bad);
        assert!(bad.clone().count() > 0, "{in_bench:?}");
        for take in bad {
            assert!(take.certificate.note.contains("loopback is damaged"), "{}", take.certificate.note);
            assert!(take.captures.values().all(|track| track.frames == take.spec.duration), "{in_bench:?}");
        }
        assert_eq!(in_bench.reaction(measurand), Reaction::Must);
        assert_eq!(verdicts(&trial, measurand, value), [Verdict::Inconclusive; 2], "{in_bench:?}");
        let reason = trial.findings().unwrap_err().reason;
        assert!(reason.contains("loopback is damaged"), "{reason}");
        right += 1;
    }
    assert_eq!(right, 40);
    // Clipping makes the send path 3 dB quieter and more: a fault of the device is judged, not only measured.
    assert!(failed >= 3, "{failed}");
}

#[test]
fn a_certificate_counts_what_the_loopback_shows() {
    let (wanted, _) = wanted(0);
    let strike = |disturbance| struck(Fault { place: Place::Bench, disturbance }, wanted.clone());
    let of = |trial: &Trial| trial.takes[0].certificate.clone();
    let muted = of(&strike(Disturbance::Muted { from: 200_000, frames: 9_600 }));
    assert_eq!((muted.lost_frames, muted.repeated_frames), (9_600, 0));
    let lost = of(&strike(Disturbance::Slipped { at: 200_000, lost: 40 }));
    assert_eq!((lost.lost_frames, lost.repeated_frames), (40, 0));
    let repeated = of(&strike(Disturbance::Slipped { at: 200_000, lost: -40 }));
    assert_eq!((repeated.lost_frames, repeated.repeated_frames), (0, 40));
    let clipped = of(&strike(Disturbance::Clipped { amplitude: 0.5 }));
    assert!(clipped.grade == Grade::Bad && clipped.note.contains("altered"), "{}", clipped.note);
}

#[test]
fn it_is_the_certificate_that_stops_a_verdict() {
    // The same recording with a certificate that saw nothing: measured as if the car had been muted.
    let (wanted, measurand) = wanted(0);
    let mut trial = struck(fault(Place::Bench, 0), wanted);
    let verdicts = |trial: &Trial| verdicts(trial, measurand, 13.0)[0];
    assert_eq!(verdicts(&trial), Verdict::Inconclusive);
    for take in &mut trial.takes {
        take.certificate = Certificate::by_construction();
    }
    assert_eq!(verdicts(&trial), Verdict::Measured);
}

#[test]
fn a_fault_of_the_send_path_leaves_receive_alone() {
    let given = &[("direction", "receive"), ("signal", "speech-conditioning")];
    let receive = entry("loudness_rating", Bandwidth::Wb, Volume::Step(5), given);
    let healthy = Trial::record(car(), receive.clone(), SEED).value("rlr");
    for seed in 0..3 {
        let fault = Fault::seeded(Place::Device, seed, WITHIN_SPEECH);
        assert_eq!(fault.reaction("rlr"), Reaction::MustNot);
        // the very same samples
        assert_eq!(struck(fault, receive.clone()).value("rlr"), healthy, "{fault:?}");
    }
}
