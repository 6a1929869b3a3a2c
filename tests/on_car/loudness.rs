//! SLR and RLR: the stated figures of flat paths, and cars whose responses, rooms and noises weigh inside the bands.

use std::sync::LazyLock;

use lombard::bench::BenchMaker;
use lombard::bench::car::Model;
use lombard::bench::car::spec::CarSpec;
use lombard::bench::car::truth::Truth;
use lombard::context::{EvalCx, Facts};
use lombard::finding::Value;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Ear, Port};

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::{density_in_call, density_of};
use super::{SEED, Trial, entry, paths, reference, shipped, tap};

/// What the flat figures are stated to.
const STATED_TOLERANCE_DB: f64 = 0.03;

/// A car without a network that limits the band: one tap for each path, send `send_dbv` dBV/Pa, each ear `ears_dbpa`
/// dBPa/V at the only volume step.
fn flat(send_dbv: f64, ears_dbpa: [f64; 2]) -> CarSpec {
    /// Voltage of 0 dBm0 in dBV: 0.775 V at 600 Ω.
    const DBV_AT_0_DBM0: f64 = -2.218_487_496_163_563;
    let mut car = shipped("ideal-wb");
    car.bandwidth = Bandwidth::Fb;
    car.terminal.volume_steps = 1;
    car.terminal.send_gain_db = send_dbv - DBV_AT_0_DBM0 + 24.0;
    car.terminal.receive_gain_db = 0.0;
    let paths = paths(&mut car);
    paths.mouth_to_microphone = tap(-24.0, 1.5);
    paths.loudspeaker_to_ears = ears_dbpa.map(|dbpa| tap(dbpa + DBV_AT_0_DBM0, 3.0));
    car
}

/// One rating on one car.
#[derive(Clone)]
struct Case {
    name: &'static str,
    car: CarSpec,
    /// The band whose table rates it.
    rated: Bandwidth,
    step: u32,
    given: &'static [(&'static str, &'static str)],
    /// What P.79 makes of flat sensitivities; otherwise the model of the car tells.
    stated: Option<f64>,
}

const SEND: (&str, &str) = ("direction", "send");
const RECEIVE: (&str, &str) = ("direction", "receive");
/// Long enough to fill every band, and a fifth of the time of the default.
const SHORT: (&str, &str) = ("signal", "speech-conditioning");

fn stated() -> Vec<Case> {
    let send = |name, dbv, rated, figure| Case {
        name,
        car: flat(dbv, [-5.87; 2]),
        rated,
        step: 0,
        given: &[SEND, SHORT],
        stated: Some(figure),
    };
    let receive = |name, ears, rated, given, figure| Case {
        name,
        car: flat(-18.55, ears),
        rated,
        step: 0,
        given,
        stated: Some(figure),
    };
    let (two, left): (&[_], &[_]) = (&[RECEIVE, SHORT], &[RECEIVE, SHORT, ("ears", "left")]);
    let both = [-5.87; 2];
    let mut apart = receive("flat, ears 0.5 ms apart, narrowband table", both, Bandwidth::Nb, two, 1.98);
    paths(&mut apart.car).loudspeaker_to_ears[1] = tap(-5.87 - 2.218_487, 3.5);
    vec![
        send("flat −18.55 dBV/Pa, narrowband table", -18.55, Bandwidth::Nb, 13.00),
        send("flat −18.55 dBV/Pa, wideband table", -18.55, Bandwidth::Fb, 12.46),
        send("flat −19.09 dBV/Pa, wideband table", -19.09, Bandwidth::Fb, 13.00),
        receive("flat −5.87 dBPa/V, two ears, narrowband table", both, Bandwidth::Nb, two, 1.98),
        receive("flat −5.87 dBPa/V, one ear, narrowband table", both, Bandwidth::Nb, left, 2.00),
        receive("flat −5.87 dBPa/V, two ears, wideband table", both, Bandwidth::Fb, two, 0.74),
        receive("flat −5.87 dBPa/V, one ear, wideband table", both, Bandwidth::Fb, left, 0.76),
        receive("flat, one ear 10 dB lower, narrowband table", [-5.87, -15.87], Bandwidth::Nb, two, 5.61),
        apart,
    ]
}

fn of_models() -> Vec<Case> {
    let case = |name, car: &CarSpec, step, given| Case {
        name,
        rated: car.bandwidth,
        car: car.clone(),
        step,
        given,
        stated: None,
    };
    let (wide, narrow) = (shipped("ideal-wb"), shipped("ideal-nb"));
    let mut sloped_wide = wide.clone();
    sloped_wide.terminal.send_response = vec![(100.0, -12.0), (1_000.0, 0.0), (8_000.0, 9.0)];
    sloped_wide.terminal.receive_response = vec![(100.0, 6.0), (500.0, 0.0), (7_000.0, -10.0)];
    sloped_wide.terminal.send_gain_db += 4.3;
    let mut sloped_narrow = narrow.clone();
    sloped_narrow.terminal.send_response = vec![(300.0, -9.0), (3_400.0, 6.0)];
    sloped_narrow.terminal.receive_response = vec![(200.0, -15.0), (400.0, 3.0), (3_000.0, -6.0)];
    sloped_narrow.terminal.receive_gain_db -= 7.7;
    let mut noisy = wide.clone();
    noisy.terminal.send_gain_db -= 6.0;
    reference(&mut noisy).idle_noise = shipped_noise();
    let room = shipped("reference-wb");
    let mut room_narrow = room.clone();
    room_narrow.bandwidth = Bandwidth::Nb;
    let (send, two): (&[_], &[_]) = (&[SEND, SHORT], &[RECEIVE, SHORT]);
    let right: &[_] = &[RECEIVE, SHORT, ("ears", "right")];
    vec![
        case("ideal cabin, sloped send response, WB", &sloped_wide, 5, send),
        case("ideal cabin, sloped send response, NB", &sloped_narrow, 5, send),
        case("ideal cabin, idle noise, send 6 dB lower, WB", &noisy, 5, send),
        case("shoebox cabin with noise, 32 s of speech, WB", &room, 4, &[SEND]),
        case("shoebox cabin with noise, NB", &room_narrow, 4, send),
        case("ideal cabin, falling receive response, WB", &sloped_wide, 5, two),
        case("ideal cabin, band-shaped receive response, NB", &sloped_narrow, 9, two),
        case("shoebox cabin with noise, 32 s of speech, WB", &room, 4, &[RECEIVE]),
        case("shoebox cabin with noise, loudest step, WB", &room, 15, two),
        case("shoebox cabin with noise, NB", &room_narrow, 4, two),
        case("shoebox cabin with noise, right ear, WB", &room, 4, right),
    ]
}

/// The idle noise of the shipped reference car.
fn shipped_noise() -> Option<lombard::bench::car::spec::IdleNoise> {
    reference(&mut shipped("reference-wb")).idle_noise
}

impl Case {
    fn is_send(&self) -> bool {
        self.given.contains(&SEND)
    }

    fn ear(&self) -> Option<Ear> {
        let word = self.given.iter().find(|(key, _)| *key == "ears").map(|(_, word)| *word);
        word.and_then(|word| word.parse().ok())
    }

    /// What the model of the car says, for the spectrum of the signal.
    fn truth(&self) -> f64 {
        let signal = if self.given.contains(&SHORT) { SHORT.1 } else { "speech-single-talk" };
        let spectrum = if self.is_send() {
            density_of(signal, false)
        } else {
            density_in_call(signal, false, self.car.bandwidth)
        };
        let density = |freq_hz: f64| spectrum.at(freq_hz);
        let model = Model::new(self.car.clone());
        let truth = Truth::of(&model);
        match (self.is_send(), self.ear()) {
            (true, _) => truth.slr_db(&density),
            (false, None) => truth.rlr_db(self.step, &density),
            (false, Some(ear)) => truth.rlr_of_one_ear_db(ear, self.step, &density),
        }
    }

    fn compare(&self) -> Comparison {
        let measurand = if self.is_send() { "slr" } else { "rlr" };
        let wanted = entry("loudness_rating", self.rated, Volume::Step(self.step), self.given);
        let trial = Trial::record(self.car.clone(), wanted, SEED);
        Comparison {
            method: "loudness_rating",
            measurand,
            case: self.name.to_owned(),
            unit: "dB",
            truth: self.stated.unwrap_or_else(|| self.truth()),
            measured: trial.value(measurand),
            tolerance: if self.stated.is_some() { STATED_TOLERANCE_DB } else { LEVEL_TOLERANCE_DB },
            source: if self.stated.is_some() { Source::Formula } else { Source::Model },
        }
    }
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| stated().iter().chain(&of_models()).map(Case::compare).collect());

#[test]
fn loudness_ratings_are_those_of_the_car() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "slr") >= 5 && count(&COMPARISONS, "rlr") >= 5);
}

#[test]
fn every_third_octave_is_that_of_the_car() {
    let mut cases = of_models();
    for (index, curve) in [
        (9, "receive_sensitivity"),
        (7, "receive_sensitivity"),
        (4, "send_sensitivity"),
        (3, "send_sensitivity"),
    ] {
        let case = cases.remove(index);
        let signal = if case.given.contains(&SHORT) { SHORT.1 } else { "speech-single-talk" };
        let spectrum = if case.is_send() {
            density_of(signal, false)
        } else {
            density_in_call(signal, false, case.car.bandwidth)
        };
        let density = |freq_hz: f64| spectrum.at(freq_hz);
        let model = Model::new(case.car.clone());
        let truth = Truth::of(&model);
        let bands_db = if case.is_send() {
            truth.send_sensitivities_dbv(&density)
        } else {
            truth.receive_sensitivities_dbpa(case.step, &density)
        };
        let wanted = entry("loudness_rating", case.rated, Volume::Step(case.step), case.given);
        let Value::Curve(found) = Trial::record(case.car, wanted, SEED).finding(curve).value else {
            panic!("{curve} is a curve")
        };
        // Narrowband has bands 4 to 17, wideband 1 to 20.
        let first = if case.rated == Bandwidth::Nb { 3 } else { 0 };
        assert_eq!(found.values.len(), if case.rated == Bandwidth::Nb { 14 } else { 20 }, "{}", case.name);
        for ((hz, db), truth_db) in found.hz.iter().zip(&found.values).zip(&bands_db[first..]) {
            assert!((db - truth_db).abs() < LEVEL_TOLERANCE_DB, "{} at {hz} Hz: {db} {truth_db}", case.name);
        }
    }
}

#[test]
fn a_path_that_is_a_quarter_decibel_louder_is_seen() {
    for (case, louder) in [(&of_models()[0], 0.25), (&of_models()[7], -0.25)] {
        let mut car = case.car.clone();
        if case.is_send() {
            car.terminal.send_gain_db += louder;
        } else {
            car.terminal.receive_gain_db += louder;
        }
        let wrong = Case { car, ..case.clone() }.compare();
        assert!(wrong.holds(), "{wrong:?}");
        assert!(!wrong.against(case.truth()).holds(), "{wrong:?}");
    }
}

#[test]
fn an_ear_that_is_mute_is_seen() {
    let mut deaf = flat(-18.55, [-5.87; 2]);
    paths(&mut deaf).loudspeaker_to_ears[1] = None;
    let wanted = entry("loudness_rating", Bandwidth::Nb, Volume::Step(0), &[RECEIVE, SHORT]);
    let reason = Trial::record(deaf, wanted, SEED).findings().unwrap_err().reason;
    assert!(reason.contains("nothing arrived at ear.right"), "{reason}");
}

/// A free-field microphone that stands where an ear of an ideal cabin is: one path, no head.
fn by_microphone(car: CarSpec, rated: Bandwidth) -> f64 {
    let mut trial = Trial::record(
        car,
        entry("loudness_rating", rated, Volume::Step(0), &[RECEIVE, SHORT, ("ears", "left")]),
        SEED,
    );
    let (ear, microphone) = (Port::of(Port::EAR_LEFT), Port::of(Port::MIC_REFERENCE));
    let mut bench = trial.maker.info().clone();
    let info = bench.ports.remove(&ear).unwrap();
    bench.ports.insert(microphone.clone(), info);
    let take = &mut trial.takes[0];
    let heard = take.captures.remove(&ear).unwrap();
    take.captures.insert(microphone.clone(), heard);
    take.spec.record = [microphone].into();
    let wanted = entry("loudness_rating", rated, Volume::Step(0), &[RECEIVE, SHORT, ("ears", "microphone")]);
    let cx = EvalCx { bench: &bench, facts: &Facts::default(), takes: &trial.takes };
    trial.method().evaluate(&wanted, &cx).unwrap()[0].as_scalar().unwrap()
}

#[test]
fn a_microphone_in_place_of_the_head_rates_with_fourteen_decibels() {
    // P.79 on sensitivities that are the same in all bands: 10.126 dB (narrowband) or 8.886 dB less the path, less 14 dB.
    for (rated, path_dbpa, rlr_db) in [
        (Bandwidth::Nb, -5.87, 2.00),
        (Bandwidth::Fb, -5.87, 0.76),
        (Bandwidth::Nb, -9.87, 6.00),
        (Bandwidth::Nb, 4.13, -8.00),
        (Bandwidth::Fb, 0.13, -5.24),
        (Bandwidth::Wb, -12.87, 7.76),
    ] {
        let mut car = flat(-18.55, [path_dbpa, -30.0]);
        car.bandwidth = Bandwidth::Fb;
        let found = by_microphone(car, rated);
        assert!((found - rlr_db).abs() < STATED_TOLERANCE_DB, "{rated} {path_dbpa}: {found}, not {rlr_db}");
    }
}
