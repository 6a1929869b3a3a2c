//! The reference run: delay, response and noise of the network simulator without the car, and what is subtracted for it.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::{CarSpec, IdleNoise, Weighting};
use lombard::bench::car::truth::Truth;
use lombard::context::{Fact, Facts};
use lombard::dsp::bands::Bands;
use lombard::entry::EntryId;
use lombard::finding::{Bound, Value};
use lombard::limits::{Rule, judge};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, CodecMode, Direction, LimitClass};
use lombard::units::{Quantity, Unit};
use lombard::verdict::Verdict;

use super::comparison::{Comparison, DELAY_TOLERANCE_MS, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::density_of;
use super::{SEED, Trial, entry, limit, shipped};

/// Noise of 1 kHz bandwidth scatters by 0.04 dB in 12 s, in wideband by half of it.
const GIVEN: &[(&str, &str)] = &[("idle", "12 s")];

struct Case {
    name: &'static str,
    car: CarSpec,
}

fn car(bandwidth: Bandwidth, delays_ms: [f64; 2], noises_dbm0: [f64; 2]) -> CarSpec {
    let mut car = shipped("ideal-wb");
    car.bandwidth = bandwidth;
    let network = &mut car.network;
    (network.delay_send_s, network.delay_receive_s) = (delays_ms[0] / 1e3, delays_ms[1] / 1e3);
    let weighting = if bandwidth == Bandwidth::Nb { Weighting::Psophometric } else { Weighting::A };
    [network.noise_send, network.noise_receive] =
        noises_dbm0.map(|level_dbm0| Some(IdleNoise { level_dbm0, weighting }));
    car
}

fn cases() -> Vec<Case> {
    let case = |name, car| Case { name, car };
    vec![
        case("NB, 20 and 31.25 ms", car(Bandwidth::Nb, [20.0, 31.25], [-64.0, -70.0])),
        case("NB, 87.5 and 12.5 ms", car(Bandwidth::Nb, [87.5, 12.5], [-75.0, -55.0])),
        case("WB, 20 and 45.125 ms", car(Bandwidth::Wb, [20.0, 45.125], [-70.002, -78.0])),
        case("WB, 160 and 90 ms", car(Bandwidth::Wb, [160.0, 90.0], [-60.0, -66.0])),
        case("SWB, 35 and 250 ms", car(Bandwidth::Swb, [35.0, 250.0], [-72.0, -60.0])),
        case("FB, 48 and 64 ms", car(Bandwidth::Fb, [48.0, 64.0], [-68.0, -76.0])),
    ]
}

fn trial(car: &CarSpec, given: &[(&str, &str)]) -> Trial {
    Trial::record(car.clone(), entry("reference_run", car.bandwidth, Volume::Step(0), given), SEED)
}

fn bands_of(bandwidth: Bandwidth) -> (f64, f64) {
    match bandwidth {
        Bandwidth::Nb => (200.0, 4_000.0),
        Bandwidth::Wb => (100.0, 8_000.0),
        Bandwidth::Swb => (100.0, 14_000.0),
        Bandwidth::Fb => (100.0, 20_000.0),
    }
}

impl Case {
    fn compare(&self) -> Vec<Comparison> {
        let model = Model::new(self.car.clone());
        let truth = Truth::of(&model);
        let trial = trial(&self.car, GIVEN);
        let mut all = Vec::new();
        let mut add = |measurand, unit, truth, measured, tolerance| {
            let case = self.name.to_owned();
            let (method, source) = ("reference_run", Source::Model);
            all.push(Comparison { method, measurand, case, unit, truth, measured, tolerance, source });
        };
        let spectrum = density_of("css-fb", false);
        let density = |hz: f64| spectrum.at(hz);
        let narrow = self.car.bandwidth == Bandwidth::Nb;
        let weighting = if narrow { Weighting::Psophometric } else { Weighting::A };
        for direction in [Direction::Send, Direction::Receive] {
            let (delay, response, noise) = match (direction, narrow) {
                (Direction::Send, true) => {
                    ("reference_delay_send", "reference_response_send", "reference_noise_send_p")
                }
                (Direction::Send, false) => {
                    ("reference_delay_send", "reference_response_send", "reference_noise_send")
                }
                (Direction::Receive, true) => {
                    ("reference_delay_receive", "reference_response_receive", "reference_noise_receive_p")
                }
                (Direction::Receive, false) => {
                    ("reference_delay_receive", "reference_response_receive", "reference_noise_receive")
                }
            };
            let delay_ms = truth.network_delay_s(direction) * 1e3;
            add(delay, "ms", delay_ms, trial.value(delay), DELAY_TOLERANCE_MS);
            let band_hz = bands_of(self.car.bandwidth);
            let (level, unit) = (
                truth.network_noise_dbm0(direction, weighting, band_hz),
                if narrow { "dBm0(P)" } else { "dBm0(A)" },
            );
            add(noise, unit, level, trial.value(noise), LEVEL_TOLERANCE_DB);
            let Value::Curve(curve) = trial.finding(response).value else { panic!("{response} is a curve") };
            // The band that the call cuts is compared in send, where the signal is not cut before.
            let last = if direction == Direction::Send { 1.0 } else { 1.25 };
            let worst = curve
                .hz
                .iter()
                .zip(&curve.values)
                .filter(|(hz, _)| **hz * last <= self.car.bandwidth.edges_hz().1 * 1.2)
                .map(|(hz, db)| {
                    let band = Bands::third_octave(*hz, *hz).as_slice()[0];
                    (*db, truth.network_gain_db(&density, (band.lower_hz, band.upper_hz)))
                })
                .max_by(|a, b| (a.0 - a.1).abs().total_cmp(&(b.0 - b.1).abs()))
                .expect("the response has bands");
            add(response, "dB", worst.1, worst.0, LEVEL_TOLERANCE_DB);
        }
        all
    }
}

/// Every comparison, made once. Of a response the band that is farthest off stands here.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| cases().iter().flat_map(Case::compare).collect());

#[test]
fn the_network_without_the_car_is_that_of_the_model() {
    all_hold(&COMPARISONS);
    for measurand in ["reference_delay_send", "reference_delay_receive", "reference_response_send"] {
        assert!(count(&COMPARISONS, measurand) >= 5, "{measurand}");
    }
}

#[test]
fn codecs_have_their_declared_delay_are_flat_and_make_no_noise_of_silence() {
    for name in ["real-nb", "real-wb"] {
        let car = shipped(name);
        let (send_ms, receive_ms) = (car.network.delay_send_s * 1e3, car.network.delay_receive_s * 1e3);
        let run = trial(&car, &[]);
        assert!((run.value("reference_delay_send") - send_ms).abs() < DELAY_TOLERANCE_MS, "{name}");
        assert!((run.value("reference_delay_receive") - receive_ms).abs() < DELAY_TOLERANCE_MS, "{name}");
        let Value::Curve(curve) = run.finding("reference_response_send").value else { panic!("a curve") };
        let top_hz = if name == "real-nb" { 3_150.0 } else { 6_300.0 };
        for (hz, db) in curve.hz.iter().zip(&curve.values).filter(|(hz, _)| **hz <= top_hz) {
            // The upper sub-band of G.722, from 4 kHz, has two bits: levels that are the means of their cells leave
            // out the power of the quantizing error, a share of 0.1175 for normal samples (Max, 1960): 0.54 dB.
            let low_db = if *hz < 4_000.0 { -0.1 } else { -0.6 };
            assert!((low_db..0.1).contains(db), "{name} at {hz} Hz: {db} dB");
        }
        let ending = if name == "real-nb" { "_p" } else { "" };
        let noise = run.finding(&format!("reference_noise_send{ending}"));
        // A-law codes silence as half a step, which is no noise; G.722 idles within a few steps of 16 bits.
        assert!(noise.as_scalar().unwrap() < -75.0, "{name}: {noise:?}");
        assert!(noise.note.contains("64 kbit/s"), "{}", noise.note);
    }
}

#[test]
fn a_silent_simulator_is_a_bound_and_no_fact() {
    let run = trial(&shipped("ideal-wb"), &[]);
    let noise = run.finding("reference_noise_send");
    assert_eq!(noise.bound, Bound::AtMost);
    assert_eq!(lombard::finding::FactValue::of(&noise), None);
    let curve = run.finding("reference_response_send");
    assert!(matches!(
        lombard::finding::FactValue::of(&curve),
        Some(lombard::finding::FactValue::Curve { .. })
    ));
}

#[test]
fn a_noisy_simulator_fails_its_entry() {
    let noisy = car(Bandwidth::Wb, [20.0, 20.0], [-50.0, -80.0]);
    let run = trial(&noisy, &[]);
    let rule = Rule::Range { min: None, max: Some(-64.0) };
    let verdict = |measurand: &str| {
        let limit = limit(measurand, Unit::Dbm0A, rule.clone(), LimitClass::B);
        judge(&run.finding(measurand), &limit).verdict
    };
    assert_eq!(verdict("reference_noise_send"), Verdict::Fail);
    assert_eq!(verdict("reference_noise_receive"), Verdict::Pass);
}

#[test]
fn a_network_that_cuts_the_band_is_seen_in_its_response() {
    let mut narrowed = car(Bandwidth::Wb, [20.0, 20.0], [-70.0, -70.0]);
    narrowed.network.carries = Some(Bandwidth::Nb);
    let Value::Curve(curve) = trial(&narrowed, &[]).finding("reference_response_send").value else {
        panic!("a curve")
    };
    assert_eq!(curve.hz.last(), Some(&4_000.0), "bands above the cut hold noise only: {curve:?}");
}

#[test]
fn the_delay_that_the_reference_run_found_is_subtracted_in_place_of_the_declared_one() {
    let car = shipped("ideal-wb");
    let wanted = entry("delay", Bandwidth::Wb, Volume::Step(5), &[]);
    let fact =
        |ms: f64| Fact::new(Quantity::new(ms, Unit::Millisecond).into(), EntryId::new("reference", &[]));
    for (send_ms, receive_ms) in [(20.0, 20.0), (22.5, 17.25), (0.5, 41.0)] {
        let facts = Facts(
            [
                ("reference.delay_send".to_owned(), fact(send_ms)),
                ("reference.delay_receive".to_owned(), fact(receive_ms)),
            ]
            .into(),
        );
        let trial = Trial::knowing(CarBenchMaker::new(car.clone()), wanted.clone(), SEED, facts);
        // 64.5 and 55 ms of the car, 20 ms of the network each way
        let (send, receive) = (trial.value("delay_send"), trial.value("delay_receive"));
        assert!((send - (84.5 - send_ms)).abs() < DELAY_TOLERANCE_MS, "{send}");
        assert!((receive - (75.0 - receive_ms)).abs() < DELAY_TOLERANCE_MS, "{receive}");
        assert!(trial.finding("delay_send").note.contains("measured by the reference run"));
    }
    // More than the whole path takes: the reference run was made on another link.
    let facts = Facts([("reference.delay_send".to_owned(), fact(90.0))].into());
    let trial = Trial::knowing(CarBenchMaker::new(car.clone()), wanted.clone(), SEED, facts);
    let reason = trial.findings().unwrap_err().reason;
    assert!(reason.contains("measured by the reference run"), "{reason}");
    let plain = Trial::record(car, wanted, SEED).finding("delay_send").note;
    assert!(plain.contains("declared, subtracted"), "{plain}");
}

/// The reference run of a car, as facts.
fn facts_of(car: &CarSpec) -> Facts {
    let run = trial(car, &[("idle", "10 s")]);
    let found = run.method().card().facts_found.iter().filter_map(|(fact, measurand)| {
        let findings = run.findings().unwrap();
        let finding = findings.into_iter().find(|one| one.measurand == *measurand)?;
        let value = lombard::finding::FactValue::of(&finding)?;
        Some(((*fact).to_owned(), Fact::new(value, run.entry.id.clone())))
    });
    Facts(found.collect())
}

/// A slope of a network that no terminal is to blame for: its response as facts, and what it is worth.
fn sloped(direction: &str, by_db: f64) -> Facts {
    let hz: Vec<f64> = Bands::third_octave(100.0, 8_000.0).iter().map(|band| band.nominal_hz).collect();
    let values = hz.iter().map(|_| by_db).collect();
    let curve = lombard::finding::Curve { hz, values };
    let value = lombard::finding::FactValue::Curve { curve, unit: Unit::Db };
    let entry = EntryId::new("reference", &[]);
    Facts([(format!("reference.response_{direction}"), Fact::new(value, entry))].into())
}

#[test]
fn ratings_and_responses_are_those_of_the_car_without_its_network() {
    let given: &[(&str, &str)] = &[("signal", "speech-conditioning"), ("direction", "send")];
    let receive: &[(&str, &str)] = &[("signal", "speech-conditioning"), ("direction", "receive")];
    let car = shipped("ideal-wb");
    let record = |method: &str, given: &[(&str, &str)], facts: Facts| {
        let wanted = entry(method, Bandwidth::Wb, Volume::Step(9), given);
        Trial::knowing(CarBenchMaker::new(car.clone()), wanted, SEED, facts)
    };
    let plain = record("loudness_rating", given, Facts::default());
    for by_db in [-6.0, -1.5, 0.5, 2.0, 4.0] {
        // A network that is louder by so much leaves a car that is quieter, whose rating is larger.
        let found = record("loudness_rating", given, sloped("send", by_db));
        assert!((found.value("slr") - plain.value("slr") - by_db).abs() < 1e-6, "{by_db}");
        let untouched = record("loudness_rating", given, sloped("receive", by_db));
        assert_eq!(untouched.value("slr"), plain.value("slr"), "the other direction is not ours");
    }
    let heard = record("loudness_rating", receive, Facts::default()).value("rlr");
    let found = record("loudness_rating", receive, sloped("receive", -3.0));
    assert!((found.value("rlr") - heard + 3.0).abs() < 1e-6);
    assert!(found.finding("rlr").note.contains("without the response of the network"));
    let Value::Curve(before) =
        record("frequency_response", given, Facts::default()).finding("send_sensitivity").value
    else {
        panic!("a curve")
    };
    let Value::Curve(after) =
        record("frequency_response", given, sloped("send", 2.5)).finding("send_sensitivity").value
    else {
        panic!("a curve")
    };
    for ((hz, one), other) in before.hz.iter().zip(&before.values).zip(&after.values) {
        assert!((one - other - 2.5).abs() < 1e-6, "{hz} Hz");
    }
}

#[test]
fn a_reference_run_takes_the_edge_of_the_network_out_of_a_flat_car() {
    // Flat in itself, the car is cut by the network from 7.2 kHz on; without it all twenty bands are alike.
    let car = shipped("ideal-wb");
    let wanted = entry(
        "loudness_rating",
        Bandwidth::Wb,
        Volume::Step(9),
        &[("direction", "send"), ("signal", "pn-8192")],
    );
    let curve = |facts: Facts| {
        let trial = Trial::knowing(CarBenchMaker::new(car.clone()), wanted.clone(), SEED, facts);
        let Value::Curve(curve) = trial.finding("send_sensitivity").value else { panic!("a curve") };
        curve
    };
    let with = curve(Facts::default());
    assert!(with.values[18] - with.values[19] > 1.0, "the network cuts at 8 kHz: {with:?}");
    let mut facts = Facts::default();
    let run = trial(&car, &[("signal", "pn-8192")]);
    let value = lombard::finding::FactValue::of(&run.finding("reference_response_send")).unwrap();
    facts.0.insert("reference.response_send".to_owned(), Fact::new(value, run.entry.id.clone()));
    let without = curve(facts);
    for (hz, db) in without.hz.iter().zip(&without.values) {
        assert!((db - without.values[10]).abs() < LEVEL_TOLERANCE_DB, "{hz} Hz: {without:?}");
    }
}

#[test]
fn the_idle_noise_is_that_of_the_terminal_without_its_network() {
    let idle = |own_dbm0: f64, network_dbm0: f64| {
        let mut car = car(Bandwidth::Wb, [20.0, 20.0], [network_dbm0, -80.0]);
        super::reference(&mut car).idle_noise =
            Some(IdleNoise { level_dbm0: own_dbm0, weighting: Weighting::A });
        let facts = facts_of(&car);
        let given = &[("analysis", "30 s"), ("conditioning", "silence")];
        let wanted = entry("idle_noise", Bandwidth::Wb, Volume::Step(5), given);
        Trial::knowing(CarBenchMaker::new(car), wanted, SEED, facts).finding("idle_noise_send_a")
    };
    for (own, network) in [(-60.0, -75.0), (-64.0, -72.0), (-64.0, -70.0), (-70.0, -76.0), (-72.0, -84.0)] {
        let found = idle(own, network);
        // Declared for the band of the network, measured from 100 Hz: 0.1 dB. What is subtracted scatters by itself.
        assert!((found.as_scalar().unwrap() - own).abs() < 0.15, "{own} {network}: {found:?}");
        assert_eq!(found.bound, Bound::Exact);
        assert!(found.note.contains("measured by the reference run, subtracted"), "{}", found.note);
    }
    // A network at the limit must not fail the car, nor pass it.
    let hidden = idle(-80.0, -63.0);
    assert_eq!(hidden.bound, Bound::AtMost);
    let rule = Rule::Range { min: None, max: Some(-64.0) };
    let limit = limit("idle_noise_send_a", Unit::Dbm0A, rule, LimitClass::B);
    assert_eq!(judge(&hidden, &limit).verdict, Verdict::Inconclusive);
    assert_eq!(judge(&idle(-60.0, -75.0), &limit).verdict, Verdict::Fail);
}

#[test]
fn what_was_found_with_another_codec_or_mode_is_refused_and_not_subtracted() {
    let mut car = car(Bandwidth::Wb, [20.0, 20.0], [-70.0, -70.0]);
    super::reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0: -60.0, weighting: Weighting::A });
    let found = facts_of(&car);
    let in_call = |codec: &str, mode: &str| {
        let call = CodecMode { codec: codec.to_owned(), mode: mode.to_owned() };
        Facts(found.0.iter().map(|(key, fact)| (key.clone(), fact.clone().in_call(call.clone()))).collect())
    };
    for (method, given) in [
        ("delay", &[][..]),
        ("loudness_rating", &[("direction", "send"), ("signal", "pn-8192")]),
        ("frequency_response", &[("direction", "receive"), ("signal", "pn-8192")]),
        ("idle_noise", &[("conditioning", "silence")]),
    ] {
        let findings = |declared: [&str; 2], facts: Facts| {
            let mut car = car.clone();
            [car.network.codec_declared, car.network.mode_declared] =
                declared.map(|one| Some(one.to_owned()));
            let wanted = entry(method, Bandwidth::Wb, Volume::Step(9), given);
            Trial::knowing(CarBenchMaker::new(car), wanted, SEED, facts).findings()
        };
        let (first, second) = (["AMR-WB", "12.65 kbit/s"], ["AMR-WB", "23.85 kbit/s"]);
        for (call, facts) in [(first, second), (second, first), (first, ["G.722", "12.65 kbit/s"])] {
            let reason = findings(call, in_call(facts[0], facts[1])).unwrap_err().reason;
            let [found, here] = [facts, call].map(|one| one.join(", "));
            let told = [format!("in a call with {found}"), format!("this call is one with {here}")];
            assert!(told.iter().all(|part| reason.contains(part)), "{method}: {reason}");
            assert!(
                reason.contains("'reference_run'") && reason.contains("make a reference run"),
                "{reason}"
            );
        }
        let own = findings(first, in_call(first[0], first[1])).unwrap();
        assert!(
            own.iter().any(|one| one.note.contains("measured by the reference run")),
            "{method}: {own:?}"
        );
    }
}
