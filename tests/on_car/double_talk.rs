//! Double talk: attenuations, echo and class held against what the terminal of the car does.
//!
//! The truth of the attenuation is the course of the gains of the terminal ([`Car::gains`]), sample by sample, on the speech
//! that was played, read through a meter of this file.

mod am_fm;
mod receive;

use std::sync::LazyLock;

use lombard::bench::BenchMaker;
use lombard::bench::car::dynamics::{DoubleTalk, Dynamics};
use lombard::bench::car::spec::CarSpec;
use lombard::context::{Facts, PlanCx};
use lombard::finding::{Bound, Finding, Value};
use lombard::limits::{Better, Classes, Judgement, Rule, Step, judge};
use lombard::methods::Refusal;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, LimitClass, Port, Seat};
use lombard::units::Unit;
use lombard::verdict::{Flag, Verdict};

use super::comparison::{Comparison, Source, all_hold, count};
use super::replay::{self, played};
use super::{SEED, SIGNALS, Trial, entry, limit, paths, reference, shipped};

/// Double-talk attenuation where the echo is 10 dB below the speech or more.
const QUIET_ECHO_DB: f64 = 0.5;
/// And where it is louder, up to as loud as the speech.
const LOUD_ECHO_DB: f64 = 1.0;

/// The level of the loudspeaker at 1 m over that at the POI: an echo that nothing takes away is as loud as speech at −1.7 dBPa.
const RECEIVE_GAIN_DB: f64 = -6.35;
/// From the mouth to the microphone and from there to the POI.
const SEND_DB: f64 = -24.0 + 7.13;

/// An ideal car of one volume step with these properties in double talk, whose canceller otherwise takes 60 dB.
fn car(bandwidth: Bandwidth, double_talk: DoubleTalk) -> CarSpec {
    let mut car = shipped("ideal-wb");
    car.bandwidth = bandwidth;
    car.terminal.volume_steps = 1;
    car.terminal.receive_gain_db = RECEIVE_GAIN_DB;
    car.terminal.send_overload_dbpa = Some(40.0);
    let own = reference(&mut car);
    own.echo_loss_db = Some(60.0);
    // A terminal that changes, if only by what nobody hears.
    *own.dynamics = Dynamics { double_talk, ..Dynamics::default() };
    own.dynamics.noise.settling_s = 0.001;
    car
}

fn send_trial(car: CarSpec, given: &[(&str, &str)]) -> Trial {
    let wanted = entry("double_talk_send", car.bandwidth, Volume::Step(0), given);
    Trial::record(car, wanted, SEED)
}

fn mouth() -> Port {
    Port::mouth(Seat::Driver)
}

fn poi() -> Port {
    Port::of(Port::POI_RECEIVE)
}

/// The gains of send and receive of the first take of a trial, sample by sample, run on the model.
fn gains(trial: &Trial) -> [Vec<f64>; 2] {
    let blocks = replay::gains(trial, 0, |gains| (gains.send, gains.receive));
    let (send, receive): (Vec<_>, Vec<_>) = blocks.into_iter().unzip();
    [replay::samples(&send), replay::samples(&receive)]
}

/// The energy of a track on a first-order meter of 5 ms, read every 240 samples, where it is no more than 25 dB below its
/// loudest reading; and the same of the track with gains.
fn metered(track: &[f64], gains: &[f64]) -> (f64, f64) {
    let keep = (-1.0f64 / (0.005 * 48_000.0)).exp();
    let (mut whole, mut less) = (0.0, 0.0);
    let mut readings = Vec::new();
    for (n, (x, gain)) in track.iter().zip(gains).enumerate() {
        whole = keep * whole + (1.0 - keep) * x * x;
        less = keep * less + (1.0 - keep) * (gain * x).powi(2);
        if (n + 1) % 240 == 0 {
            readings.push((whole, less));
        }
    }
    let loudest = readings.iter().map(|one| one.0).fold(0.0, f64::max);
    let loud = readings.iter().filter(|one| one.0 > loudest * 10f64.powf(-2.5));
    loud.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

/// The spans of double talk of a group, in the take.
fn spans(trial: &Trial, group: &str) -> Vec<std::ops::Range<usize>> {
    let prefix = format!("double-{group}-");
    let all = trial.takes[0].spec.spans.iter().filter(|span| span.name.starts_with(&prefix));
    all.map(|span| span.frames.start as usize..span.frames.end as usize).collect()
}

/// What the gains take from speech in double talk, in dB, of the worse group: `late` is how many samples the speech arrives
/// later where they are applied than it was played.
fn truth_db(trial: &Trial, port: &Port, gains: &[f64], late: usize) -> f64 {
    let track: Vec<f64> = played(trial, port).iter().map(|x| f64::from(*x)).collect();
    let of = |group: &str| {
        let sums = spans(trial, group).into_iter().fold((0.0, 0.0), |sum, span| {
            let one = metered(&track[span.clone()], &gains[span.start + late..span.end + late]);
            (sum.0 + one.0, sum.1 + one.1)
        });
        10.0 * (sums.0 / sums.1).log10()
    };
    of("words").max(of("sentences"))
}

fn energy(track: &[f32], spans: &[std::ops::Range<usize>]) -> f64 {
    spans.iter().flat_map(|span| &track[span.clone()]).map(|x| f64::from(*x).powi(2)).sum()
}

/// The echo that nothing takes away over the speech, at the POI, for words and sentences.
fn echo_over_speech_db(trial: &Trial) -> [f64; 2] {
    let (mouth, poi) = (played(trial, &mouth()), played(trial, &poi()));
    // Digital at the POI for 1 Pa at the MRP, and for digital 1 at the POI in receive.
    let near_db = SEND_DB - 6.15;
    let far_db = RECEIVE_GAIN_DB - 3.35 + 7.13;
    ["words", "sentences"].map(|group| {
        let spans = spans(trial, group);
        far_db - near_db + 10.0 * (energy(&poi, &spans) / energy(&mouth, &spans)).log10()
    })
}

/// By how much the echo of the worse group is over the speech where both are set to be equal.
static OFFSET_DB: LazyLock<f64> = LazyLock::new(|| {
    let trial = send_trial(car(Bandwidth::Wb, DoubleTalk::default()), &[]);
    let [words, sentences] = echo_over_speech_db(&trial);
    assert!(words.abs() < 4.0 && sentences.abs() < 4.0, "{words} {sentences}");
    words.max(sentences)
});

/// A car that sends so much less in double talk, with an echo so much over what is left of the speech.
fn talker_lost(bandwidth: Bandwidth, loss_db: f64, echo_db: f64) -> CarSpec {
    let echo_loss_db = Some(*OFFSET_DB - echo_db);
    car(bandwidth, DoubleTalk { send_loss_db: loss_db, echo_loss_db, ..DoubleTalk::default() })
}

/// The microphone hears the mouth after 1.5 ms.
const TO_MICROPHONE: usize = 72;

fn send_comparisons() -> Vec<Comparison> {
    let mut all = Vec::new();
    for (bandwidth, loss_db, echo_db) in [
        (Bandwidth::Wb, 0.0, -20.0),
        (Bandwidth::Wb, 2.0, -20.0),
        (Bandwidth::Wb, 16.0, -20.0),
        (Bandwidth::Nb, 4.5, -10.0),
        (Bandwidth::Wb, 8.0, -10.0),
        (Bandwidth::Swb, 11.0, -10.0),
        (Bandwidth::Fb, 4.5, -10.0),
        (Bandwidth::Wb, 4.5, -6.0),
        (Bandwidth::Wb, 8.0, -3.0),
        (Bandwidth::Wb, 1.5, 0.0),
        (Bandwidth::Wb, 4.5, 0.0),
        (Bandwidth::Wb, 14.0, 0.0),
    ] {
        let trial = send_trial(talker_lost(bandwidth, loss_db, echo_db), &[]);
        let [gains, _] = gains(&trial);
        let truth = truth_db(&trial, &mouth(), &gains, TO_MICROPHONE);
        let mut add = |measurand, truth, measured, tolerance| {
            all.push(Comparison {
                method: "double_talk_send",
                measurand,
                case: format!("{bandwidth}, speech {loss_db} dB down, echo {echo_db} dB over it"),
                unit: "dB",
                truth,
                measured,
                tolerance,
                source: Source::Model,
            });
        };
        let tolerance = if echo_db <= -10.0 { QUIET_ECHO_DB } else { LOUD_ECHO_DB };
        add("attenuation_send", truth, trial.value("attenuation_send"), tolerance);
        // The echo adds its energy to the level of each group.
        let filled = echo_over_speech_db(&trial).map(|one| {
            let echo_db = one - *OFFSET_DB + echo_db;
            truth - 10.0 * (1.0 + 10f64.powf(echo_db / 10.0)).log10()
        });
        let level = trial.value("attenuation_send_level");
        // While the speech is active the echo may be a little louder or quieter than over the whole span.
        let tolerance = if echo_db <= -10.0 { QUIET_ECHO_DB } else { LOUD_ECHO_DB };
        add("attenuation_send_level", filled[0].max(filled[1]), level, tolerance);
    }
    all
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| [send_comparisons(), receive::comparisons(), am_fm::comparisons()].concat());

#[test]
fn double_talk_is_that_of_the_terminal() {
    all_hold(&COMPARISONS);
    for measurand in
        ["attenuation_send", "attenuation_receive", "double_talk_echo_loss", "sent_speech_attenuation"]
    {
        assert!(count(&COMPARISONS, measurand) >= 5, "{measurand}");
    }
    // A decibel beside the truth is seen, and so is the echo in the level form.
    let quiet = COMPARISONS.iter().find(|one| one.measurand == "attenuation_send").unwrap();
    assert!(!quiet.against(quiet.truth + 1.0).holds());
}

/// The types of P.340 as P.1100 to P.1120 have them.
fn classes(better: Better, edges: [f64; 4], required: Option<&str>) -> Rule {
    let step = |(name, edge): (&str, f64)| Step { name: name.to_owned(), edge: Some(edge) };
    let mut steps: Vec<Step> = ["1", "2a", "2b", "2c"].into_iter().zip(edges).map(step).collect();
    steps.push(Step { name: "3".to_owned(), edge: None });
    Rule::Classes(Classes { better, steps, required: required.map(str::to_owned) })
}

fn class_of(finding: &Finding, required: Option<&str>) -> Judgement {
    let rule = match finding.measurand.as_str() {
        "attenuation_receive" | "attenuation_receive_level" => {
            classes(Better::Smaller, [3.0, 5.0, 8.0, 10.0], required)
        }
        "double_talk_echo_loss" => classes(Better::Larger, [27.0, 23.0, 17.0, 11.0], required),
        _ => classes(Better::Smaller, [3.0, 6.0, 9.0, 12.0], required),
    };
    judge(finding, &limit(&finding.measurand, Unit::Db, rule, LimitClass::B))
}

/// The best and the worst class that are possible.
fn reached(finding: &Finding) -> (String, String) {
    let class = class_of(finding, None).class.unwrap_or_else(|| panic!("{finding:?}"));
    (class.best, class.worst)
}

fn both(class: &str) -> (String, String) {
    (class.to_owned(), class.to_owned())
}

#[test]
fn an_echo_as_loud_as_the_speech_does_not_hide_its_attenuation() {
    // traps.md 2.3 (a): 4.5 dB down with an echo equal to it is type 2a; its level says type 1.
    let trial = send_trial(talker_lost(Bandwidth::Wb, 4.5, 0.0), &[]);
    let finding = trial.finding("attenuation_send");
    let value = finding.as_scalar().unwrap();
    assert!((value - 4.5).abs() < 1.0, "{finding:?}");
    assert_eq!(reached(&finding), both("2a"), "{finding:?}");
    let level = trial.finding("attenuation_send_level");
    assert!(level.as_scalar().unwrap() < 3.0, "{level:?}");
}

#[test]
fn the_class_is_right_or_left_open_by_what_is_known() {
    let names = ["1", "2a", "2b", "2c", "3"];
    let of = |value: f64| names[[3.0, 6.0, 9.0, 12.0].iter().filter(|edge| value > **edge).count()];
    let mut sure = 0;
    for one in COMPARISONS.iter().filter(|one| one.measurand == "attenuation_send") {
        // As the method states its uncertainty at this echo.
        let uncertainty = Some(one.tolerance / 2.0);
        let finding = Finding { uncertainty, ..Finding::scalar(one.measurand, one.measured, Unit::Db) };
        let (best, worst) = reached(&finding);
        let rank = |name: &str| names.iter().position(|one| *one == name).unwrap();
        let truth = rank(of(one.truth));
        assert!((rank(&best)..=rank(&worst)).contains(&truth), "{}: {best} to {worst}", one.case);
        sure += usize::from(best == worst);
    }
    assert!(sure >= 8, "{sure} of 12 are sure");
    // Half a decibel beside an edge nobody knows.
    let trial = send_trial(talker_lost(Bandwidth::Wb, 5.9, -10.0), &[]);
    let finding = trial.finding("attenuation_send");
    let judged = class_of(&finding, Some("2a"));
    assert_eq!(judged.verdict, Verdict::Inconclusive, "{judged:?}");
    assert_eq!(class_of(&finding, Some("2b")).verdict, Verdict::Pass);
}

#[test]
fn a_half_duplex_terminal_fails_its_entry_and_a_full_duplex_one_passes() {
    for (loss_db, required, verdict) in [
        (0.0, "1", Verdict::Pass),
        (4.5, "1", Verdict::Fail),
        (4.5, "2a", Verdict::Pass),
        (20.0, "2c", Verdict::Fail),
    ] {
        let finding = send_trial(talker_lost(Bandwidth::Wb, loss_db, -20.0), &[]).finding("attenuation_send");
        assert_eq!(class_of(&finding, Some(required)).verdict, verdict, "{loss_db}: {finding:?}");
    }
    // Nothing is sent at all: at least what is known, and that is the last class.
    let finding = send_trial(talker_lost(Bandwidth::Wb, 120.0, -20.0), &[]).finding("attenuation_send");
    assert_eq!(finding.bound, Bound::AtLeast, "{finding:?}");
    assert_eq!(class_of(&finding, Some("2c")).verdict, Verdict::Fail, "{finding:?}");
}

#[test]
fn what_follows_neither_side_leaves_the_class_open() {
    // Noise that the terminal lets out in double talk only: the silence does not know it, nobody said it. As loud as the
    // speech that is left it makes the level read type 1 and the separated estimate type 2a.
    let mut pumping = talker_lost(Bandwidth::Wb, 4.5, -20.0);
    pumping.cabin.noise_microphone_dbpa_a = Some(-50.0);
    reference(&mut pumping).dynamics.noise.pumping_far_db = 28.0;
    let trial = send_trial(pumping, &[]);
    let (finding, level) = (trial.finding("attenuation_send"), trial.finding("attenuation_send_level"));
    assert_eq!(
        (reached(&level), class_of(&level, Some("1")).verdict),
        (both("1"), Verdict::Pass),
        "{level:?}"
    );
    assert!((finding.as_scalar().unwrap() - 4.5).abs() < LOUD_ECHO_DB, "{finding:?}");
    let Bound::Between(low) = finding.bound else { panic!("{finding:?}") };
    assert!(low < 3.0 && finding.note.contains("follows neither"), "{finding:?}");
    let judged = class_of(&finding, Some("1"));
    assert_eq!(judged.verdict, Verdict::Inconclusive, "{judged:?}");
    assert!(judged.reason.contains("class 1 to 2a"), "{}", judged.reason);
    assert_eq!(class_of(&finding, Some("2a")).verdict, Verdict::Pass);
}

#[test]
fn levels_beside_the_nominal_ones_give_the_same_attenuation() {
    for (mouth, far) in [("4.3 dBPa", "-22 dBm0"), ("-7.7 dBPa", "-10 dBm0")] {
        let trial =
            send_trial(talker_lost(Bandwidth::Wb, 4.5, -20.0), &[("level_mrp", mouth), ("level_poi", far)]);
        let value = trial.value("attenuation_send");
        assert!((value - 4.5).abs() < QUIET_ECHO_DB, "{mouth} {far}: {value}");
        // The words have peaks that would exceed full scale 6 dB above the nominal level.
        let far = far.replace("-10", "-12");
        let car = receive::far_end_lost(Bandwidth::Wb, 4.0, 3.0);
        let value =
            receive::trial(car, &[("level_mrp", mouth), ("level_poi", &far)]).value("attenuation_receive");
        assert!((value - 4.0).abs() < QUIET_ECHO_DB, "{mouth} {far}: {value}");
    }
}

#[test]
fn the_picture_shows_both_levels_and_the_far_end() {
    let trial = send_trial(talker_lost(Bandwidth::Wb, 4.5, -20.0), &[]);
    for measurand in ["attenuation_send_course", "send_in_double_talk", "send_alone", "far_in_double_talk"] {
        let Value::Series(series) = trial.finding(measurand).value else { panic!("{measurand}") };
        assert!(series.values.len() > 500, "{measurand}");
        assert!(series.values.iter().all(|value| value.is_finite()), "{measurand}");
    }
}

#[test]
fn a_talker_who_is_never_sent_cannot_be_compared() {
    let mut mute = car(Bandwidth::Wb, DoubleTalk::default());
    paths(&mut mute).mouth_to_microphone = None;
    let error = send_trial(mute, &[]).findings().unwrap_err();
    assert!(error.reason.contains("nothing of the speech alone arrives at poi.send"), "{error}");
    let mut deaf = car(Bandwidth::Wb, DoubleTalk::default());
    paths(&mut deaf).loudspeaker_to_ears = [None, None];
    let error = receive::trial(deaf, &[]).findings().unwrap_err();
    assert!(error.reason.contains("nothing of the speech alone arrives at ear"), "{error}");
}

/// What an entry is refused for.
fn refused(method: &str, given: &[(&str, &str)]) -> Vec<Refusal> {
    let trial = send_trial(car(Bandwidth::Wb, DoubleTalk::default()), &[]);
    let wanted = entry(method, Bandwidth::Wb, Volume::Step(0), given);
    let cx = PlanCx { bench: trial.maker.info(), facts: &Facts::default(), signals: SIGNALS.library() };
    lombard::methods::method(method).unwrap().plan(&wanted, &cx).unwrap_err()
}

#[test]
fn signals_that_are_no_dialogue_or_no_pair_are_refused() {
    for method in ["double_talk_send", "double_talk_receive"] {
        for (given, parameter) in [
            (("signal", "speech-single-talk"), "signal"),
            (("competing", "speech-double-talk-near"), "competing"),
            (("competing", "css-fb"), "competing"),
            (("idle", "100 ms"), "idle"),
            (("delay_max", "2 s"), "delay_max"),
        ] {
            let refusals = refused(method, &[given]);
            assert!(refusals.iter().any(|one| one.parameter == Some(parameter)), "{given:?}: {refusals:?}");
        }
    }
    for given in [("near", "am-fm-1"), ("far", "css-delay"), ("delay_max", "2 s")] {
        assert!(!refused("double_talk_echo", &[given]).is_empty(), "{given:?}");
    }
}

#[test]
fn healthy_cars_are_measured_without_a_wrong_verdict() {
    // No dynamics: full duplex by construction.
    for method in ["double_talk_send", "double_talk_receive", "double_talk_echo"] {
        let trial =
            Trial::record(shipped("ideal-wb"), entry(method, Bandwidth::Wb, Volume::Step(5), &[]), SEED);
        for finding in trial.findings().unwrap() {
            if matches!(finding.value, Value::Scalar(_)) && !finding.measurand.ends_with("_level") {
                let judged = class_of(&finding, Some("1"));
                assert_eq!(judged.verdict, Verdict::Pass, "{finding:?} {judged:?}");
            }
        }
    }
}

#[test]
fn a_real_terminal_is_bounded_by_both_forms() {
    let trial = Trial::record(
        shipped("real-wb"),
        entry("double_talk_send", Bandwidth::Wb, Volume::Step(5), &[]),
        SEED,
    );
    let (separated, level) = (trial.finding("attenuation_send"), trial.finding("attenuation_send_level"));
    let (value, level) = (separated.as_scalar().unwrap(), level.as_scalar().unwrap());
    // What the canceller leaves of the echo fills the level, and what it makes of speech follows nothing.
    assert!(value >= level - 0.5, "{value} {level}");
    let low = if let Bound::Between(end) = separated.bound { end } else { value };
    assert!(low <= value && low > -1.5, "{separated:?}");
    let receive = Trial::record(
        shipped("real-wb"),
        entry("double_talk_receive", Bandwidth::Wb, Volume::Step(5), &[]),
        SEED,
    );
    let finding = receive.finding("attenuation_receive");
    // The terminal does nothing to receive: the codec's noise is all that differs.
    assert_eq!(class_of(&finding, Some("1")).verdict, Verdict::Pass, "{finding:?}");
    let echo = Trial::record(
        shipped("real-wb"),
        entry("double_talk_echo", Bandwidth::Wb, Volume::Step(5), &[]),
        SEED,
    );
    for finding in echo.findings().unwrap() {
        if matches!(finding.value, Value::Scalar(_)) {
            // A canceller that gives way from moment to moment spreads what it sends: no class, and no fail.
            let judged = class_of(&finding, Some("1"));
            let is_spread = finding.flags.contains(&Flag::Spread);
            assert_eq!(is_spread, judged.class.is_none(), "{finding:?}");
            assert!(!is_spread || judged.verdict == Verdict::Inconclusive, "{judged:?}");
        }
    }
}
