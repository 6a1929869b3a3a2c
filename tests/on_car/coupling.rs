//! TCLw and TCL of flat and shaped echoes through ideal cabins and rooms; bounds where noise hides the echo.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::spec::{CarSpec, Codec, IdleNoise, Weighting};
use lombard::bench::car::truth::Truth;
use lombard::finding::{Bound, Value};
use lombard::limits::{Rule, judge};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, LimitClass, Port};
use lombard::units::Unit;
use lombard::verdict::{Flag, Verdict};

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::density_in_call;
use super::{SEED, Trial, entry, limit, paths, reference, shipped, tap};

struct Case {
    name: &'static str,
    car: CarSpec,
    step: u32,
    /// The loss of all bands, where it is the same in all of them.
    flat_db: Option<f64>,
}

/// A room without noise: what is recorded is echo.
fn quiet_room() -> CarSpec {
    let mut car = shipped("reference-wb");
    let cabin = &mut car.cabin;
    cabin.noise_microphone_dbpa_a = None;
    cabin.noise_capsule_dbpa_a = None;
    cabin.noise_amplifier_dbpa_a = None;
    reference(&mut car).idle_noise = None;
    car
}

fn cases() -> Vec<Case> {
    let case = |name, car: &CarSpec, step| Case { name, car: car.clone(), step, flat_db: None };
    let (wide, narrow) = (shipped("ideal-wb"), shipped("ideal-nb"));
    // Without a network that limits the band, so that 8 kHz is as flat as the rest. From the POI to the POI:
    // −4 dB to 1 m, −4 dB to the microphone, +4 dB to the terminal's output, the canceller's loss.
    let mut flat = wide.clone();
    flat.bandwidth = Bandwidth::Fb;
    flat.terminal.volume_steps = 1;
    flat.terminal.receive_gain_db = -4.0;
    flat.terminal.send_gain_db = 4.0;
    paths(&mut flat).loudspeaker_to_microphone = tap(-4.0, 2.0);
    let with_loss = |loss_db: f64| {
        let mut car = flat.clone();
        reference(&mut car).echo_loss_db = Some(loss_db);
        car
    };
    let on_paper =
        |name, loss_db: f64| Case { flat_db: Some(loss_db + 4.0), ..case(name, &with_loss(loss_db), 0) };
    let shaped = |car: &CarSpec, points: &[(f64, f64)]| {
        let mut car = car.clone();
        reference(&mut car).echo_loss_db = Some(45.0);
        reference(&mut car).echo_loss_response = points.to_vec();
        car
    };
    let rising = shaped(&wide, &[(100.0, -10.0), (8_000.0, 10.0)]);
    let hollow = shaped(&narrow, &[(300.0, 12.0), (1_000.0, -6.0), (3_400.0, 15.0)]);
    let mut bare = wide.clone();
    reference(&mut bare).echo_loss_db = None;
    bare.terminal.send_gain_db -= 20.0;
    let room = quiet_room();
    let mut room_narrow = room.clone();
    room_narrow.bandwidth = Bandwidth::Nb;
    let room_shaped = shaped(&room, &[(100.0, 0.0), (1_000.0, -8.0), (4_000.0, 6.0), (8_000.0, 0.0)]);
    vec![
        on_paper("flat 40 dB", 36.0),
        on_paper("flat 63 dB", 59.0),
        case("ideal cabin, WB", &wide, 5),
        case("ideal cabin, loss that rises with frequency, WB", &rising, 5),
        case("ideal cabin, no canceller, send 20 dB lower, WB", &bare, 2),
        // a step lower: speech limited to this band has peaks that would clip in the terminal
        case("ideal cabin, most echo at 1 kHz, NB", &hollow, 4),
        case("shoebox cabin, WB", &room, 4),
        case("shoebox cabin, shaped loss, WB", &room_shaped, 8),
        case("shoebox cabin, NB", &room_narrow, 4),
    ]
}

impl Case {
    /// TCLw and, in wideband calls and above, TCL.
    fn truths(&self) -> Vec<f64> {
        let spectrum = density_in_call("speech-compressed", true, self.car.bandwidth);
        let density = |freq_hz: f64| spectrum.at(freq_hz);
        let model = Model::new(self.car.clone());
        let truth = Truth::of(&model);
        let mut both = vec![self.flat_db.unwrap_or_else(|| truth.tclw_db(self.step, &density))];
        if self.car.bandwidth != Bandwidth::Nb {
            both.push(self.flat_db.unwrap_or_else(|| truth.tcl_db(self.step, &density)));
        }
        both
    }

    fn compare(&self) -> Vec<Comparison> {
        let trial = trial(&self.car, self.step);
        let comparison = |(measurand, truth)| Comparison {
            method: "coupling_loss",
            measurand,
            case: self.name.to_owned(),
            unit: "dB",
            truth,
            measured: trial.value(measurand),
            tolerance: LEVEL_TOLERANCE_DB,
            source: if self.flat_db.is_some() { Source::Paper } else { Source::Model },
        };
        ["tclw", "tcl"].into_iter().zip(self.truths()).map(comparison).collect()
    }
}

fn trial(car: &CarSpec, step: u32) -> Trial {
    let wanted = entry("coupling_loss", car.bandwidth, Volume::Step(step), &[]);
    Trial::record(car.clone(), wanted, SEED)
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| cases().iter().flat_map(Case::compare).collect());

#[test]
fn coupling_losses_are_those_of_the_car() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "tclw") >= 5 && count(&COMPARISONS, "tcl") >= 5);
}

#[test]
fn the_echo_loss_of_every_third_octave_is_that_of_the_car() {
    for index in [7, 3] {
        let case = cases().remove(index);
        let spectrum = density_in_call("speech-compressed", true, case.car.bandwidth);
        let density = |freq_hz: f64| spectrum.at(freq_hz);
        let model = Model::new(case.car.clone());
        let truth_db = Truth::of(&model).echo_losses_db(case.step, &density);
        let Value::Curve(found) = trial(&case.car, case.step).finding("echo_loss").value else {
            panic!("echo_loss is a curve")
        };
        assert_eq!(found.values.len(), 20);
        for ((hz, db), truth_db) in found.hz.iter().zip(&found.values).zip(&truth_db) {
            assert!((db - truth_db).abs() < LEVEL_TOLERANCE_DB, "{} at {hz} Hz: {db} {truth_db}", case.name);
        }
    }
}

/// A car without echo that sends `idle_dbm0` of white noise.
fn without_echo(idle_dbm0: Option<f64>) -> CarSpec {
    let mut car = shipped("ideal-wb");
    paths(&mut car).loudspeaker_to_microphone = None;
    reference(&mut car).idle_noise =
        idle_dbm0.map(|level_dbm0| IdleNoise { level_dbm0, weighting: Weighting::A });
    car
}

#[test]
fn noise_without_echo_is_a_bound_and_no_echo() {
    let quiet = trial(&without_echo(Some(-70.0)), 5);
    let loud = trial(&without_echo(Some(-50.0)), 5);
    for measurand in ["tclw", "tcl", "echo_loss"] {
        for trial in [&quiet, &loud] {
            let finding = trial.finding(measurand);
            assert_eq!(finding.bound, Bound::AtLeast, "{measurand}");
            assert!(finding.flags.contains(&Flag::NoiseLimited), "{measurand}");
        }
    }
    // Where the bound meets the limit it passes, otherwise nothing is known; it never fails.
    let at_least_46 = Rule::Range { min: Some(46.0), max: None };
    let limit = limit("tcl", Unit::Db, at_least_46, LimitClass::A);
    assert_eq!(judge(&quiet.finding("tcl"), &limit).verdict, Verdict::Pass);
    assert_eq!(judge(&loud.finding("tcl"), &limit).verdict, Verdict::Inconclusive);
    // Speech at −10 dBm0 against noise of −70 dBm0(A): the bound is what the noise leaves to see, and 20 dB of noise
    // are 20 dB of bound.
    let (quiet_db, loud_db) = (quiet.value("tclw"), loud.value("tclw"));
    assert!((quiet_db - loud_db - 20.0).abs() < 0.1, "{quiet_db} {loud_db}");
    assert!((40.0..80.0).contains(&quiet_db), "{quiet_db}");
}

#[test]
fn a_mute_car_is_a_bound_at_coded_silence() {
    let mute = trial(&without_echo(None), 5);
    let finding = mute.finding("tcl");
    assert_eq!(finding.bound, Bound::AtLeast);
    // Speech of −10 dBm0 while it is active, which is −16.15 dBov, over half a step of 16 bits at −96.33 dBov: 80.2 dB,
    // less by its pauses.
    assert!((79.0..80.2).contains(&finding.as_scalar().unwrap()), "{finding:?}");
}

#[test]
fn a_codec_that_sends_a_constant_is_silent() {
    // A-law has no zero: silence is the constant 8 of 32 768, −72 dBov.
    let mut car = shipped("ideal-nb");
    paths(&mut car).loudspeaker_to_microphone = None;
    car.network.codec = Codec::G711A;
    let trial = trial(&car, 5);
    let track = trial.takes[0].captures[&Port::of(Port::POI_SEND)].samples().unwrap();
    assert!(
        track[48_000..].iter().all(|x| (x - 8.0 / 32_768.0).abs() < 1e-6),
        "{:?}",
        &track[48_000..48_010]
    );
    let finding = trial.finding("tclw");
    assert_eq!(finding.bound, Bound::AtLeast);
    // as for the mute car, less the energy of the band-limited speech that lies below 300 Hz
    let played = density_in_call("speech-compressed", true, Bandwidth::Nb);
    let share_db = 10.0 * (played.between(300.0, 3_400.0) / played.between(0.0, 24_000.0)).log10();
    assert!((-5.0..-0.5).contains(&share_db), "{share_db}");
    assert!((79.0 + share_db..80.2 + share_db).contains(&finding.as_scalar().unwrap()), "{finding:?}");
}

#[test]
fn echo_that_stands_out_of_noise_is_exact() {
    let mut car = shipped("ideal-wb");
    reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0: -80.0, weighting: Weighting::A });
    reference(&mut car).echo_loss_db = Some(30.0);
    let finding = trial(&car, 5).finding("tclw");
    assert_eq!(finding.bound, Bound::Exact);
    assert!(!finding.flags.contains(&Flag::NoiseLimited));
}

#[test]
fn a_quarter_decibel_less_loss_is_seen() {
    let mut case = cases().remove(6);
    let right = case.truths();
    reference(&mut case.car).echo_loss_db = reference(&mut case.car).echo_loss_db.map(|loss| loss - 0.25);
    let wrong = case.compare();
    for (one, truth) in wrong.iter().zip(right) {
        assert!(one.holds() && !one.against(truth).holds(), "{one:?} {truth}");
    }
}

#[test]
fn the_weightings_of_a_shaped_echo_are_told_apart() {
    let measured = cases().remove(3).compare();
    let (tclw, tcl) = (&measured[0], &measured[1]);
    assert!(!tclw.against(tcl.truth).holds() && !tcl.against(tclw.truth).holds());
}
