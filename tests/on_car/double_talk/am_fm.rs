//! The AM-FM pair: echo and sent speech by frequency, what clocks, gains and gates make of them.

use lombard::bench::car::dynamics::{DoubleTalk, Gate};
use lombard::bench::car::spec::{CarSpec, IdleNoise, Weighting};
use lombard::finding::{Bound, Curve, Value};
use lombard::take::Volume;
use lombard::terms::Bandwidth;
use lombard::verdict::{Flag, Verdict};

use super::super::comparison::{Comparison, Source};
use super::super::{SEED, Trial, entry, paths, reference};
use super::{RECEIVE_GAIN_DB, both, car, class_of, reached};

/// Each band of the echo.
const ECHO_DB: f64 = 0.3;
/// Sent speech.
const SENT_DB: f64 = 0.1;

/// From the POI to the POI without a canceller: to 1 m, to the microphone, to the output.
const BARE_LOSS_DB: f64 = -(RECEIVE_GAIN_DB - 3.35 + 7.13);

fn trial(car: CarSpec) -> Trial {
    let narrow = [("near", "am-fm-2-nb"), ("far", "am-fm-1-nb")];
    let given: &[(&str, &str)] = if car.bandwidth == Bandwidth::Nb { &narrow } else { &[] };
    let wanted = entry("double_talk_echo", car.bandwidth, Volume::Step(0), given);
    Trial::record(car, wanted, SEED)
}

fn curve(trial: &Trial, measurand: &str) -> Curve {
    let Value::Curve(curve) = trial.finding(measurand).value else { panic!("{measurand} is a curve") };
    curve
}

/// A car with so much loss from the POI to the POI in double talk, which takes so much of the talker.
fn with(bandwidth: Bandwidth, loss_db: f64, sent_db: f64) -> CarSpec {
    // What send loses the echo loses too.
    let echo_loss_db = Some(loss_db - BARE_LOSS_DB - sent_db);
    car(bandwidth, DoubleTalk { send_loss_db: sent_db, echo_loss_db, ..DoubleTalk::default() })
}

fn without_echo() -> CarSpec {
    let mut car = car(Bandwidth::Wb, DoubleTalk::default());
    paths(&mut car).loudspeaker_to_microphone = None;
    car
}

pub(super) fn comparisons() -> Vec<Comparison> {
    let mut all = Vec::new();
    for (bandwidth, loss_db, sent_db) in [
        (Bandwidth::Nb, 25.0, 3.0),
        (Bandwidth::Wb, 12.0, 0.0),
        (Bandwidth::Wb, 20.0, 4.5),
        (Bandwidth::Wb, 30.0, 8.0),
        (Bandwidth::Swb, 36.0, 1.5),
        (Bandwidth::Fb, 45.0, 11.0),
    ] {
        let trial = trial(with(bandwidth, loss_db, sent_db));
        for (measurand, truth, tolerance) in
            [("double_talk_echo_loss", loss_db, ECHO_DB), ("sent_speech_attenuation", sent_db, SENT_DB)]
        {
            all.push(Comparison {
                method: "double_talk_echo",
                measurand,
                case: format!("{bandwidth}, echo loss {loss_db} dB, talker {sent_db} dB down"),
                unit: "dB",
                truth,
                measured: trial.value(measurand),
                tolerance,
                source: Source::Paper,
            });
        }
    }
    all
}

#[test]
fn every_band_of_an_echo_30_db_down_reads_30_db() {
    // traps.md 2.4
    let trial = trial(with(Bandwidth::Wb, 30.0, 0.0));
    let losses = curve(&trial, "double_talk_echo_losses");
    assert!(losses.hz.len() >= 27 && losses.hz[0] == 250.0, "{losses:?}");
    assert!(losses.values.iter().all(|loss| (loss - 30.0).abs() < ECHO_DB), "{losses:?}");
    assert_eq!(reached(&trial.finding("double_talk_echo_loss")), both("1"));
    // The canceller that lets 5 dB more through is another class.
    let worse = self::trial(with(Bandwidth::Wb, 25.0, 0.0)).finding("double_talk_echo_loss");
    assert_eq!(class_of(&worse, Some("1")).verdict, Verdict::Fail);
    assert_eq!(class_of(&worse, Some("2a")).verdict, Verdict::Pass);
}

#[test]
fn a_constant_gain_of_send_is_no_attenuation_of_sent_speech() {
    // traps.md 2.3 (c)
    let mut quiet = with(Bandwidth::Wb, 30.0, 0.0);
    quiet.terminal.send_gain_db -= 18.0;
    let sent = curve(&trial(quiet), "sent_speech_attenuations");
    assert!(sent.values.len() >= 27);
    assert!(sent.values.iter().all(|value| value.abs() < SENT_DB), "{sent:?}");
    // What is taken only in double talk is one.
    let sent = trial(with(Bandwidth::Wb, 30.0, 4.5)).finding("sent_speech_attenuation");
    assert_eq!(class_of(&sent, Some("1")).verdict, Verdict::Fail, "{sent:?}");
}

#[test]
fn bands_that_are_taken_away_are_seen_where_they_are() {
    let mut car = with(Bandwidth::Wb, 40.0, 0.0);
    let points = vec![(500.0, 0.0), (1_000.0, 10.0), (2_000.0, 10.0), (4_000.0, 0.0)];
    reference(&mut car).dynamics.double_talk.send_loss_response = points.clone();
    let trial = trial(car);
    let sent = curve(&trial, "sent_speech_attenuations");
    let (mut low, mut high) = (0, 0);
    for (hz, value) in sent.hz.iter().zip(&sent.values) {
        // The filter of the car resolves 200 Hz and rounds the corners of its file.
        if (1_200.0..1_900.0).contains(hz) {
            assert!((value - 10.0).abs() < 0.3, "{hz} Hz: {value}");
            high += 1;
        } else if *hz > 4_600.0 {
            assert!(value.abs() < 0.3, "{hz} Hz: {value}");
            low += 1;
        }
    }
    assert!(low > 5 && high > 1);
    let worst = trial.finding("sent_speech_attenuation");
    assert!((worst.as_scalar().unwrap() - 10.0).abs() < 0.5, "{worst:?}");
    assert_eq!(class_of(&worst, Some("2b")).verdict, Verdict::Fail);
}

#[test]
fn the_mouth_alone_is_no_echo_whatever_the_clocks_do() {
    // traps.md 2.4: clocks 100 ppm apart.
    for offset_ppm in [0.0, 100.0, -100.0] {
        let mut car = without_echo();
        car.network.clock.offset_ppm = offset_ppm;
        let trial = trial(car);
        let losses = curve(&trial, "double_talk_echo_losses");
        assert!(losses.values.iter().all(|loss| *loss >= 70.0), "{offset_ppm} ppm: {losses:?}");
        // Nothing is there: the loss is at least that.
        let worst = trial.finding("double_talk_echo_loss");
        assert_eq!(worst.bound, Bound::AtLeast, "{worst:?}");
        assert_eq!(class_of(&worst, Some("1")).verdict, Verdict::Pass);
        assert!(!worst.flags.contains(&Flag::Spread));
    }
    // And an echo is read as well there.
    let mut car = with(Bandwidth::Wb, 30.0, 0.0);
    car.network.clock.offset_ppm = 100.0;
    let losses = curve(&trial(car), "double_talk_echo_losses");
    assert!(losses.values.iter().all(|loss| (loss - 30.0).abs() < ECHO_DB), "{losses:?}");
}

#[test]
fn a_switch_that_chops_the_talker_is_spread_and_has_no_class() {
    // traps.md 2.4: gated by 6 dB every 20 ms, no echo. It would read as an echo loss of some 20 dB.
    let mut car = without_echo();
    reference(&mut car).dynamics.double_talk.gate = Some(Gate { loss_db: 6.0, every_s: 0.020 });
    let trial = trial(car);
    for measurand in ["double_talk_echo_loss", "sent_speech_attenuation"] {
        let finding = trial.finding(measurand);
        assert!(finding.flags.contains(&Flag::Spread), "{finding:?}");
        let judged = class_of(&finding, Some("3"));
        assert_eq!((judged.verdict, judged.class), (Verdict::Inconclusive, None));
    }
    let loss = trial.value("double_talk_echo_loss");
    assert!((10.0..33.0).contains(&loss), "{loss}");
}

#[test]
fn noise_hides_an_echo_and_fails_nothing() {
    let mut car = without_echo();
    reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0: -64.0, weighting: Weighting::A });
    let noisy = trial(car);
    let worst = noisy.finding("double_talk_echo_loss");
    assert_eq!(worst.bound, Bound::AtLeast, "{worst:?}");
    assert!(worst.flags.contains(&Flag::NoiseLimited));
    for required in ["1", "2c"] {
        assert_ne!(class_of(&worst, Some(required)).verdict, Verdict::Fail, "{worst:?}");
    }
}
