//! Background noise that is played into the car: what sounds where, how far it misses its recording, how loud people talk
//! in it, and what a loudness rating finds in the middle of it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use lombard::bench::BenchMaker;
use lombard::bench::car::Model;
use lombard::bench::car::bed::Points;
use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::{CarSpec, Hats, NoiseFieldSpec, PathsSpec};
use lombard::bench::car::truth::Truth;
use lombard::bench::car::truth::field::{FieldTruth, Listening};
use lombard::bench::noise::NoiseSound;
use lombard::context::{Facts, PlanCx};
use lombard::dsp::bands::Bands;
use lombard::dsp::spectrum::power_spectrum;
use lombard::dsp::weighting::{Weighting, weighted_power};
use lombard::entry::{Entry, Noise};
use lombard::finding::{Curve, Value};
use lombard::limits::{Mask, Rule, judge};
use lombard::methods::method;
use lombard::run::noise::render_noise;
use lombard::take::{NoiseBed, Volume};
use lombard::terms::{Bandwidth, Ear, LimitClass, Port, Seat};
use lombard::units::Unit;
use lombard::verdict::{Flag, Verdict};

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::density_of;
use super::{SEED, SIGNALS, Trial, entry, limit, paths, shipped};

/// The noise at its points, as the car hears it.
pub(crate) fn points_of(signal: &str) -> Points {
    let bench = CarBenchMaker::new(shipped("ideal-wb"));
    let bed = NoiseBed { signal: signal.to_owned() };
    match render_noise(&bed, bench.info(), &SIGNALS).unwrap().sound {
        NoiseSound::Points(points) => points,
        NoiseSound::Ports(_) => panic!("a virtual car has no loudspeakers for noise"),
    }
}

fn in_noise(mut entry: Entry, signal: &str) -> Entry {
    let level_dba = SIGNALS.library().noise_level_dba(signal).unwrap();
    entry.noise = Some(Noise { signal: signal.to_owned(), level_dba });
    entry
}

/// A silent car whose noise field misses the recording.
fn car(bandwidth: Bandwidth, gain_db: f64, response: &[(f64, f64)]) -> CarSpec {
    let mut car = shipped("ideal-wb");
    car.bandwidth = bandwidth;
    car.cabin.noise_field = NoiseFieldSpec { gain_db, response: response.to_vec() };
    car
}

fn trial(car: CarSpec, signal: &str) -> Trial {
    let wanted = in_noise(entry("noise_field", car.bandwidth, Volume::Step(0), &[]), signal);
    Trial::record(car, wanted, SEED)
}

fn deviation(trial: &Trial) -> Curve {
    match trial.finding("noise_spectrum_deviation").value {
        Value::Curve(curve) => curve,
        other => panic!("{other:?}"),
    }
}

/// Too much at low frequencies, too little at high ones.
const TILTED: &[(f64, f64)] = &[(100.0, 4.0), (1_000.0, 0.0), (10_000.0, -6.0)];
/// One resonance.
const BUMP: &[(f64, f64)] = &[(400.0, 0.0), (500.0, 5.0), (630.0, 0.0)];

type Case = (&'static str, Bandwidth, f64, &'static [(f64, f64)]);

const CASES: &[Case] = &[
    ("driving-0", Bandwidth::Nb, 0.0, &[]),
    ("driving-50", Bandwidth::Wb, 1.5, &[]),
    ("driving-120", Bandwidth::Swb, -2.25, TILTED),
    ("fan-1", Bandwidth::Fb, 0.4, &[]),
    ("fan-2", Bandwidth::Wb, 0.0, BUMP),
    ("fan-4", Bandwidth::Wb, -6.0, TILTED),
];

/// The third octaves that are compared one by one: n of `10^(n/10)` Hz.
const COMPARED: [i32; 5] = [20, 27, 30, 35, 40];

fn compare(&(signal, bandwidth, gain_db, response): &Case) -> Vec<Comparison> {
    let name = match (gain_db, response.is_empty()) {
        (0.0, true) => format!("{signal}, as it was recorded, {bandwidth}"),
        (_, true) => format!("{signal}, {gain_db:+} dB, {bandwidth}"),
        (_, false) => format!("{signal}, {gain_db:+} dB and another spectrum, {bandwidth}"),
    };
    let wrong = car(bandwidth, gain_db, response);
    let points = points_of(signal);
    let heard = FieldTruth::of(&wrong, &points, Listening::Reference);
    let recorded = FieldTruth::of(&car(bandwidth, 0.0, &[]), &points, Listening::Reference);
    let trial = trial(wrong, signal);
    let row = |measurand, unit, truth, measured, source| Comparison {
        method: "noise_field",
        measurand,
        case: name.clone(),
        unit,
        truth,
        measured,
        tolerance: LEVEL_TOLERANCE_DB,
        source,
    };
    let level = heard.level_dbpa_a();
    let off = level - recorded.level_dbpa_a();
    // P.1130: 0.3 dB for each decibel over 50 dB(A), at most 8 dB; the talker of a quiet car speaks at −1.7 dBPa.
    let (_, rise) = RISES.iter().find(|one| one.0 == signal).unwrap();
    let mut rows = vec![
        row("noise_level_a", "dBPa(A)", level, trial.value("noise_level_a"), Source::Model),
        row("noise_level_deviation", "dB", off, trial.value("noise_level_deviation"), Source::Model),
        row("lombard_rise", "dB", *rise, trial.value("lombard_rise"), Source::Paper),
        row("talker_level", "dBPa", rise - 1.7, trial.value("talker_level"), Source::Paper),
    ];
    let curve = deviation(&trial);
    for n in COMPARED {
        let truth = heard.third_octave_dbpa(n) - recorded.third_octave_dbpa(n);
        // From 100 Hz on, which is n = 20.
        let at = (n - 20) as usize;
        let mut one = row("noise_spectrum_deviation", "dB", truth, curve.values[at], Source::Model);
        one.case = format!("{name}, {} Hz", curve.hz[at]);
        rows.push(one);
    }
    rows
}

/// On paper: the stated levels are 42, 58, 69, 40, 46, 53 and 60 dB(A).
const RISES: &[(&str, f64)] = &[
    ("driving-0", 0.0),
    ("driving-50", 2.4),
    ("driving-120", 5.7),
    ("fan-1", 0.0),
    ("fan-2", 0.0),
    ("fan-3", 0.9),
    ("fan-4", 3.0),
];

/// A rating in noise: the noise, the car, the band.
type Rated = (&'static str, &'static str, f64);

/// The louder the noise, the nearer the microphone, so that the talker stands out of it in every band that counts. The second
/// number is what the path from the mouth to the microphone loses, in dB.
const RATED: &[Rated] = &[
    ("driving-0", "ideal-wb", -24.0),
    ("fan-1", "ideal-nb", -24.0),
    ("fan-2", "ideal-nb", -18.0),
    ("fan-3", "ideal-wb", -12.0),
    ("fan-4", "ideal-nb", -6.0),
    ("driving-50", "ideal-nb", -6.0),
    ("driving-50", "ideal-wb", 0.0),
    ("driving-120", "ideal-nb", 0.0),
];

fn rated_car(name: &str, path_db: f64) -> CarSpec {
    let mut car = shipped(name);
    paths(&mut car).mouth_to_microphone.as_mut().unwrap().gain_db = path_db;
    // The same level at the POI, whatever the path: nothing clips.
    car.terminal.send_gain_db -= path_db + 24.0;
    car
}

/// One turn of the noise before the speech, so that what wanders is in it.
const IN_NOISE: &[(&str, &str)] = &[("direction", "send"), ("idle", "20 s")];

fn rate(&(signal, name, path_db): &Rated) -> Comparison {
    let car = rated_car(name, path_db);
    let spectrum = density_of("speech-single-talk", false);
    let truth = Truth::of(&Model::new(car.clone())).slr_db(&|freq_hz| spectrum.at(freq_hz));
    let wanted = in_noise(entry("loudness_rating", car.bandwidth, Volume::Step(0), IN_NOISE), signal);
    let case = format!("in noise {signal}, microphone at {path_db} dB, {}", car.bandwidth);
    Comparison {
        method: "loudness_rating",
        measurand: "slr",
        case,
        unit: "dB",
        truth,
        measured: Trial::record(car, wanted, SEED).value("slr"),
        tolerance: LEVEL_TOLERANCE_DB,
        source: Source::Model,
    }
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| CASES.iter().flat_map(compare).chain(RATED.iter().map(rate)).collect());

#[test]
fn the_noise_field_is_that_of_the_car() {
    all_hold(&COMPARISONS);
    for measurand in ["noise_level_a", "noise_level_deviation", "lombard_rise", "talker_level"] {
        assert_eq!(count(&COMPARISONS, measurand), CASES.len(), "{measurand}");
    }
    assert_eq!(count(&COMPARISONS, "noise_spectrum_deviation"), COMPARED.len() * CASES.len());
    assert!(count(&COMPARISONS, "slr") >= 5);
}

#[test]
fn noise_that_hides_the_talker_is_never_taken_for_speech() {
    // At −24 dB the noise of 120 km/h is as loud as a talker who speaks up: a rating that counted it would be better than
    // the car's.
    let car = rated_car("ideal-wb", -24.0);
    let wanted = in_noise(entry("loudness_rating", Bandwidth::Wb, Volume::Step(0), IN_NOISE), "driving-120");
    let reason = Trial::record(car, wanted, SEED).findings().unwrap_err().reason;
    assert!(reason.contains("does not stand out of the noise"), "{reason}");
}

#[test]
fn a_terminal_that_sends_a_quarter_decibel_less_is_seen_in_noise() {
    let one = &COMPARISONS.iter().find(|one| one.measurand == "slr").unwrap();
    assert!(one.holds() && !one.against(one.truth + 0.25).holds(), "{one:?}");
}

#[test]
fn the_whole_spectrum_is_compared_and_a_field_as_recorded_deviates_by_nothing() {
    let curve = deviation(&trial(car(Bandwidth::Wb, 0.0, &[]), "driving-120"));
    let bands = Bands::third_octave(100.0, 10_000.0);
    assert_eq!(curve.hz, bands.iter().map(|band| band.nominal_hz).collect::<Vec<_>>());
    assert!(curve.values.iter().all(|db| db.abs() < 0.01), "{curve:?}");
}

#[test]
fn a_field_that_is_too_loud_or_has_another_spectrum_fails_its_entry() {
    let level = limit(
        "noise_level_deviation",
        Unit::Db,
        Rule::Range { min: Some(-1.0), max: Some(1.0) },
        LimitClass::C,
    );
    let verdict = |car: CarSpec| {
        let judged = judge(&trial(car, "driving-50").finding("noise_level_deviation"), &level);
        judged.verdict
    };
    assert_eq!(verdict(car(Bandwidth::Wb, 0.0, &[])), Verdict::Pass);
    assert_eq!(verdict(car(Bandwidth::Wb, 0.9, &[])), Verdict::Pass);
    assert_eq!(verdict(car(Bandwidth::Wb, 1.1, &[])), Verdict::Fail);
    assert_eq!(verdict(car(Bandwidth::Wb, -1.1, &[])), Verdict::Fail);
    let edge = |db: f64| vec![(100.0, db), (10_000.0, db)];
    let mask = Mask { upper: edge(3.0), lower: edge(-3.0), floating: false, ..Mask::default() };
    let spectrum = limit("noise_spectrum_deviation", Unit::Db, Rule::Mask(mask), LimitClass::C);
    let verdict = |response| {
        judge(
            &trial(car(Bandwidth::Wb, 0.0, response), "driving-50").finding("noise_spectrum_deviation"),
            &spectrum,
        )
        .verdict
    };
    assert_eq!(verdict(&[]), Verdict::Pass);
    // A resonance that the A-weighted level hardly tells is seen in its third octave.
    assert_eq!(verdict(BUMP), Verdict::Fail);
    assert_eq!(verdict(TILTED), Verdict::Fail);
}

/// What is recorded at a port of a whole turn: A-weighted, in dBPa(A), and in a third octave in the unit of the plane.
fn heard(trial: &Trial, port: &Port, band: i32) -> (f64, f64) {
    let zero = trial.maker.info().ports[port].calibration.zero_dbov.value;
    let take = &trial.takes[0];
    let span = take.span("analysis");
    let samples = take.captures[port].samples().unwrap();
    let turn: Vec<f64> =
        samples[span.start as usize..span.end as usize].iter().map(|x| f64::from(*x)).collect();
    let a = weighted_power(&turn, 48_000, Weighting::A, Some((20.0, 20_000.0)));
    let edge = |steps: f64| 10f64.powf((f64::from(band) + steps) / 10.0);
    let third = power_spectrum(&turn, 48_000).band_power(edge(-0.5), edge(0.5));
    (10.0 * a.log10() + zero, 10.0 * third.log10() + zero)
}

#[test]
fn the_noise_sounds_at_every_place_with_its_own_level_and_spectrum() {
    let mut drum = shipped("zones-wb");
    if let PathsSpec::Shoebox(room) = &mut drum.cabin.paths {
        room.hats = Hats::P58;
    }
    for (mut car, signal) in [
        (shipped("ideal-wb"), "driving-120"),
        (shipped("zones-wb"), "fan-4"),
        (drum, "driving-50"),
        (shipped("reference-fb"), "driving-120"),
        (shipped("reference-swb"), "fan-3"),
    ] {
        // Nothing but the noise, and none of the cabin's own.
        car.cabin.noise_microphone_dbpa_a = None;
        car.cabin.noise_capsule_dbpa_a = None;
        car.cabin.noise_ears_dbpa_a = None;
        car.cabin.noise_reference_dbpa_a = None;
        car.cabin.noise_amplifier_dbpa_a = None;
        super::reference(&mut car).idle_noise = None;
        car.network.noise_send = None;
        let points = points_of(signal);
        let places: Vec<(Port, Listening)> = car
            .seats()
            .flat_map(|seat| {
                Ear::ALL.iter().map(move |ear| (Port::ear(seat, *ear), Listening::Ear(seat, *ear)))
            })
            .chain([(Port::of(Port::MIC_REFERENCE), Listening::Reference)])
            .collect();
        let mut ports: Vec<Port> = places.iter().map(|(port, _)| port.clone()).collect();
        ports.push(Port::of(Port::POI_SEND));
        let wanted = in_noise(entry("noise_field", car.bandwidth, Volume::Step(0), &[]), signal);
        let trial = Trial::record_also(car.clone(), wanted, SEED, &ports);
        for (port, place) in places {
            let truth = FieldTruth::of(&car, &points, place);
            for band in [22, 30, 34, 39] {
                let (a, third) = heard(&trial, &port, band);
                let (true_a, true_third) = (truth.level_dbpa_a(), truth.third_octave_dbpa(band));
                assert!((a - true_a).abs() < LEVEL_TOLERANCE_DB, "{} {port}: {a} {true_a}", car.name);
                assert!(
                    (third - true_third).abs() < LEVEL_TOLERANCE_DB,
                    "{port} {band}: {third} {true_third}"
                );
            }
        }
        // At the POI the microphone's noise has passed the terminal and the network.
        let model = Model::new(car.clone());
        let electrical = Truth::of(&model);
        let at_microphone = FieldTruth::of(&car, &points, Listening::Microphone);
        for band in [27, 30, 33] {
            let edge = |steps: f64| 10f64.powf((f64::from(band) + steps) / 10.0);
            let power =
                at_microphone.power((edge(-0.5), edge(0.5)), |freq_hz| electrical.send_gain_db(freq_hz));
            let zero = trial.maker.info().ports[&Port::of(Port::POI_SEND)].calibration.zero_dbov.value;
            let truth = 10.0 * power.log10() + zero;
            let (_, found) = heard(&trial, &Port::of(Port::POI_SEND), band);
            assert!((found - truth).abs() < LEVEL_TOLERANCE_DB, "{} {band}: {found} {truth}", car.name);
        }
    }
}

#[test]
fn the_talker_is_raised_at_the_mouth_by_the_rise_and_by_nothing_else() {
    let played = |signal: Option<&str>| {
        let mut wanted = entry(
            "loudness_rating",
            Bandwidth::Wb,
            Volume::Step(0),
            &[("direction", "send"), ("signal", "speech-conditioning")],
        );
        if let Some(signal) = signal {
            wanted = in_noise(wanted, signal);
        }
        let trial = Trial::record(shipped("ideal-wb"), wanted, SEED);
        trial.takes[0].played[&Port::of(Port::MOUTH)].samples().unwrap()
    };
    let quiet = played(None);
    for (signal, rise_db) in RISES {
        let raised = played(Some(signal));
        let gain = 10f64.powf(rise_db / 20.0);
        assert_eq!(raised.len(), quiet.len());
        for (raised, quiet) in raised.iter().zip(&quiet) {
            assert!((f64::from(*raised) - gain * f64::from(*quiet)).abs() < 1e-7, "{signal}");
        }
    }
}

#[test]
fn without_a_reference_microphone_an_ear_hears_the_field_and_says_so() {
    let mut car = car(Bandwidth::Wb, 2.0, &[]);
    car.cabin.noise_ears_dbpa_a = None;
    let mut maker = CarBenchMaker::new(car.clone());
    maker.remove_port(Port::MIC_REFERENCE);
    let wanted = in_noise(entry("noise_field", Bandwidth::Wb, Volume::Step(0), &[]), "driving-50");
    let finding = Trial::on(maker, wanted, SEED).finding("noise_level_deviation");
    // The level at an ear is that of the recording at the driver's head, by the construction of the field.
    let points = points_of("driving-50");
    let truth = FieldTruth::of(&car, &points, Listening::Ear(Seat::Driver, Ear::Left)).level_dbpa_a()
        - FieldTruth::of(&shipped("ideal-wb"), &points, Listening::Reference).level_dbpa_a();
    assert!((finding.as_scalar().unwrap() - truth).abs() < LEVEL_TOLERANCE_DB, "{finding:?} {truth}");
    assert!(finding.note.contains("ear.left"), "{}", finding.note);
    assert!(finding.flags.contains(&Flag::MethodEquivalentSignal) || finding.flags.is_empty());
}

#[test]
fn an_entry_without_noise_is_refused_with_its_remedy() {
    let maker = CarBenchMaker::new(shipped("ideal-wb"));
    let cx = PlanCx { bench: maker.info(), facts: &Facts::default(), signals: SIGNALS.library() };
    let quiet = entry("noise_field", Bandwidth::Wb, Volume::Step(0), &[]);
    let refused = method("noise_field").unwrap().plan(&quiet, &cx).unwrap_err();
    assert!(refused.len() == 1 && refused[0].remedy.contains("noise ="), "{refused:?}");
}

#[test]
fn less_than_a_turn_of_the_noise_is_refused() {
    let maker = CarBenchMaker::new(shipped("ideal-wb"));
    let cx = PlanCx { bench: maker.info(), facts: &Facts::default(), signals: SIGNALS.library() };
    let wanted = entry("noise_field", Bandwidth::Wb, Volume::Step(0), &[("analysis_max", "5 s")]);
    let refused = method("noise_field").unwrap().plan(&in_noise(wanted, "driving-50"), &cx).unwrap_err();
    assert!(refused.len() == 1 && refused[0].expected == "at least 20 s", "{refused:?}");
}

#[test]
fn a_microphone_that_is_off_and_a_recording_that_is_gone_measure_nothing() {
    let mut trial = trial(car(Bandwidth::Wb, 0.0, &[]), "fan-2");
    let take = &mut trial.takes[0];
    let turn = take.played.remove(&Port::of(Port::NOISE_RECORDING)).unwrap();
    let reason = trial.findings().unwrap_err().reason;
    assert!(reason.contains("no recording of a background noise was kept"), "{reason}");
    let take = &mut trial.takes[0];
    take.played.insert(Port::of(Port::NOISE_RECORDING), turn);
    let port = Port::of(Port::MIC_REFERENCE);
    let frames = take.captures[&port].samples().unwrap().len();
    take.captures = BTreeMap::from([(port, lombard::capture::Capture::in_memory(vec![0.0; frames]))]);
    let reason = trial.findings().unwrap_err().reason;
    assert!(reason.contains("recorded zeros only"), "{reason}");
}

#[test]
fn a_point_that_a_recording_lacks_is_that_of_the_head() {
    let head: Arc<[f32]> = (0..48_000).map(|n| 0.1 * (n as f32 * 0.05).sin()).collect();
    let points: Points = [("driver-head".to_owned(), head)].into();
    let car = shipped("ideal-wb");
    let at = |place| FieldTruth::of(&car, &points, place).level_dbpa_a();
    assert_eq!(at(Listening::Microphone), at(Listening::Reference));
    assert!(at(Listening::Ear(Seat::Driver, Ear::Right)).is_finite());
}
