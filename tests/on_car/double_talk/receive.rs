//! Attenuation in receive while the talker's own voice is louder at the ears than the loudspeaker.

use lombard::bench::car::dynamics::DoubleTalk;
use lombard::bench::car::spec::CarSpec;
use lombard::finding::{Bound, Value};
use lombard::take::Volume;
use lombard::terms::Bandwidth;
use lombard::verdict::Verdict;

use super::super::comparison::{Comparison, Source};
use super::super::{SEED, Trial, entry, paths, tap};
use super::{QUIET_ECHO_DB, RECEIVE_GAIN_DB, both, car, class_of, gains, poi, reached, truth_db};

/// The level at each ear, in dBPa, of the far end at −16 dBm0.
const RECEIVE_DBPA: f64 = -16.0 + RECEIVE_GAIN_DB - 6.0;
/// The far end is heard where the gains are after the network and the terminal's own delay: 20 and 52 ms.
const TO_TERMINAL: usize = 3_456;

pub(super) fn trial(car: CarSpec, given: &[(&str, &str)]) -> Trial {
    let wanted = entry("double_talk_receive", car.bandwidth, Volume::Step(0), given);
    Trial::record(car, wanted, SEED)
}

/// A car that plays so much less in double talk, at whose ears the own voice is so much over the far end alone.
pub(super) fn far_end_lost(bandwidth: Bandwidth, loss_db: f64, leak_db: f64) -> CarSpec {
    let mut car = car(bandwidth, DoubleTalk { receive_loss_db: loss_db, ..DoubleTalk::default() });
    paths(&mut car).mouth_to_ears = tap(RECEIVE_DBPA + leak_db + 1.7, 0.5);
    car
}

pub(super) fn comparisons() -> Vec<Comparison> {
    [
        (Bandwidth::Wb, 0.0, -10.0),
        (Bandwidth::Wb, 2.0, 6.0),
        (Bandwidth::Nb, 4.0, -6.0),
        (Bandwidth::Wb, 6.5, 0.0),
        (Bandwidth::Swb, 9.0, 3.0),
        (Bandwidth::Fb, 12.0, 6.0),
        (Bandwidth::Wb, 20.0, 3.0),
    ]
    .into_iter()
    .map(|(bandwidth, loss_db, leak_db)| {
        let trial = trial(far_end_lost(bandwidth, loss_db, leak_db), &[]);
        let [_, gains] = gains(&trial);
        Comparison {
            method: "double_talk_receive",
            measurand: "attenuation_receive",
            case: format!("{bandwidth}, far end {loss_db} dB down, own voice {leak_db} dB over it"),
            unit: "dB",
            truth: truth_db(&trial, &poi(), &gains, TO_TERMINAL),
            measured: trial.value("attenuation_receive"),
            tolerance: QUIET_ECHO_DB,
            source: Source::Model,
        }
    })
    .collect()
}

#[test]
fn the_own_voice_does_not_hide_a_half_duplex_terminal() {
    // traps.md 2.3 (b): 20 dB down, the leak 3 dB above receive. By levels that is −3 dB, type 1.
    let trial = trial(far_end_lost(Bandwidth::Wb, 20.0, 3.0), &[]);
    let finding = trial.finding("attenuation_receive");
    let value = finding.as_scalar().unwrap();
    assert!((value - 20.0).abs() < 1.0, "{finding:?}");
    assert_eq!(reached(&finding), both("3"));
    assert_eq!(class_of(&finding, Some("2c")).verdict, Verdict::Fail);
    let level = trial.finding("attenuation_receive_level").as_scalar().unwrap();
    assert!((-6.0..0.0).contains(&level), "{level}");
    assert!(finding.note.contains("the talker's own voice is"), "{}", finding.note);
}

#[test]
fn a_leak_that_changes_between_the_takes_leaves_a_span_open_and_no_wrong_class() {
    // A head that sits otherwise in the second take: the leak is 1.5 dB louder there.
    let mut trial = trial(far_end_lost(Bandwidth::Wb, 0.0, 6.0), &[]);
    for capture in trial.takes[1].captures.values_mut() {
        let louder = capture.samples().unwrap().iter().map(|x| x * 1.19).collect();
        *capture = lombard::capture::Capture::in_memory(louder);
    }
    let finding = trial.finding("attenuation_receive");
    let value = finding.as_scalar().unwrap();
    let low = if let Bound::Between(end) = finding.bound { end } else { value };
    let room = 2.0 * finding.uncertainty.unwrap();
    assert!(low - room <= 0.0 && 0.0 <= value + room, "{finding:?}");
}

#[test]
fn every_level_at_the_ears_is_shown() {
    let trial = trial(far_end_lost(Bandwidth::Wb, 4.0, 0.0), &[]);
    assert_eq!(trial.takes.len(), 2);
    for measurand in
        ["attenuation_receive_course", "receive_in_double_talk", "receive_alone", "leak_in_double_talk"]
    {
        let Value::Series(series) = trial.finding(measurand).value else { panic!("{measurand}") };
        assert!(
            series.values.len() > 500 && series.values.iter().all(|value| value.is_finite()),
            "{measurand}"
        );
    }
}

#[test]
fn a_terminal_that_takes_receive_away_fails_and_one_that_does_not_passes() {
    for (loss_db, required, verdict) in
        [(0.0, "1", Verdict::Pass), (4.0, "1", Verdict::Fail), (4.0, "2a", Verdict::Pass)]
    {
        let finding = trial(far_end_lost(Bandwidth::Wb, loss_db, 3.0), &[]).finding("attenuation_receive");
        assert_eq!(class_of(&finding, Some(required)).verdict, verdict, "{loss_db}: {finding:?}");
    }
}
