//! Out-of-band signals: converters whose aliases and images are declared, loudspeakers that bend, mouths that do not reach up
//! there, and noise that hides all of it.

use std::sync::LazyLock;

use lombard::bench::BenchMaker;
use lombard::bench::car::Model;
use lombard::bench::car::flaws::{Converter, Nonlinearity};
use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::{CarSpec, Hats, IdleNoise, PathsSpec, Weighting};
use lombard::bench::car::truth::Truth;
use lombard::context::{EvalCx, Facts, PlanCx};
use lombard::finding::{Bound, Finding, Value};
use lombard::limits::{Judgement, Rule, judge};
use lombard::methods::{Refusal, method};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Ear, LimitClass, Seat};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::density_in_call;
use super::{SEED, SIGNALS, Trial, entry, paths, reference, shipped, tap};

mod mouth;
mod recorder;

/// A call of each bandwidth above whose band something lies, with the rate of a converter for it.
const CALLS: [(Bandwidth, f64); 3] =
    [(Bandwidth::Nb, 8_000.0), (Bandwidth::Wb, 16_000.0), (Bandwidth::Swb, 32_000.0)];

/// The tones that are played above a band.
fn tones_hz(bandwidth: Bandwidth) -> [f64; 7] {
    match bandwidth {
        Bandwidth::Nb => [4_600.0, 5_000.0, 5_500.0, 6_000.0, 6_500.0, 7_000.0, 7_500.0],
        Bandwidth::Wb => [8_600.0, 9_000.0, 9_500.0, 10_000.0, 10_500.0, 11_000.0, 12_000.0],
        _ => [16_600.0, 17_000.0, 17_600.0, 18_400.0, 19_000.0, 19_500.0, 20_000.0],
    }
}

/// What counts as in the band.
fn band_hz(bandwidth: Bandwidth) -> (f64, f64) {
    match bandwidth {
        Bandwidth::Nb => (200.0, 4_000.0),
        Bandwidth::Wb => (100.0, 8_000.0),
        _ => (100.0, 14_000.0),
    }
}

/// What counts as above it.
fn range_hz(bandwidth: Bandwidth) -> (f64, f64) {
    match bandwidth {
        Bandwidth::Nb => (4_600.0, 8_000.0),
        Bandwidth::Wb => (8_600.0, 20_000.0),
        _ => (16_000.0, 20_000.0),
    }
}

fn ideal(bandwidth: Bandwidth) -> CarSpec {
    let mut car = shipped(if bandwidth == Bandwidth::Nb { "ideal-nb" } else { "ideal-wb" });
    car.bandwidth = bandwidth;
    car
}

/// A car whose microphone's converter folds.
fn folding(mut car: CarSpec, rate_hz: f64, loss_db: f64) -> CarSpec {
    car.flaws.send_converter = Some(Converter { rate_hz, loss_db });
    car
}

/// A car whose loudspeaker's converter has images.
fn imaging(mut car: CarSpec, rate_hz: f64, loss_db: f64) -> CarSpec {
    car.flaws.receive_converter = Some(Converter { rate_hz, loss_db });
    car
}

fn send(car: &CarSpec, given: &[(&str, &str)]) -> Trial {
    let mut all = vec![("direction", "send")];
    all.extend(given);
    Trial::record(car.clone(), entry("out_of_band", car.bandwidth, Volume::Step(5), &all), SEED)
}

fn receive(car: &CarSpec, step: u32, given: &[(&str, &str)]) -> Trial {
    let mut all = vec![("direction", "receive")];
    all.extend(given);
    Trial::record(car.clone(), entry("out_of_band", car.bandwidth, Volume::Step(step), &all), SEED)
}

struct SendCase {
    name: String,
    car: CarSpec,
    level: &'static str,
}

/// By tone: how far its alias lies below 1 kHz, where the alias is in the band.
fn aliases_db(car: &CarSpec) -> Vec<(f64, f64)> {
    let model = Model::new(car.clone());
    let truth = Truth::of(&model);
    let reference_db = 10.0 * truth.send_response(1_000.0).power().log10();
    let (from_hz, to_hz) = band_hz(car.bandwidth);
    let loss = |hz: f64| {
        let (amplitude, image_hz) = truth.send_alias(hz);
        let is_inside = (from_hz..=to_hz).contains(&image_hz);
        (hz, if is_inside { reference_db - 20.0 * amplitude.log10() } else { f64::INFINITY })
    };
    tones_hz(car.bandwidth).map(loss).to_vec()
}

fn send_cases() -> Vec<SendCase> {
    let mut cases = Vec::new();
    let mut add = |name: &str, car: CarSpec, level| {
        cases.push(SendCase { name: format!("{name}, {}", car.bandwidth), car, level });
    };
    for (bandwidth, rate_hz) in CALLS {
        for loss_db in [15.0, 25.0, 33.0, 42.0, 55.0] {
            add(
                &format!("alias {loss_db} dB down"),
                folding(ideal(bandwidth), rate_hz, loss_db),
                "-1.7 dBPa",
            );
        }
        let mut sloped = folding(ideal(bandwidth), rate_hz, 30.0);
        sloped.terminal.send_response = vec![(100.0, -10.0), (1_000.0, 0.0), (8_000.0, 9.0)];
        add("alias 30 dB down, sloped response", sloped, "-1.7 dBPa");
    }
    for level in ["-14.7 dBPa", "-10 dBPa", "-4.7 dBPa", "1.3 dBPa", "4.3 dBPa"] {
        add(&format!("{level}, alias 30 dB down"), folding(ideal(Bandwidth::Wb), 16_000.0, 30.0), level);
    }
    for rate_hz in [8_800.0, 9_600.0, 10_000.0, 11_025.0] {
        add(&format!("converter at {rate_hz} Hz"), folding(ideal(Bandwidth::Nb), rate_hz, 30.0), "-1.7 dBPa");
    }
    for (name, rate_hz) in
        [("reference-nb", 8_000.0), ("reference-wb", 16_000.0), ("reference-swb", 32_000.0)]
    {
        add("shoebox cabin with noise", folding(shipped(name), rate_hz, 30.0), "-1.7 dBPa");
    }
    cases
}

impl SendCase {
    fn compare(&self) -> Comparison {
        let found = send(&self.car, &[("level_mrp", self.level)]).finding("out_of_band_send");
        assert_eq!(found.bound, Bound::Exact, "{}: {found:?}", self.name);
        Comparison {
            method: "out_of_band",
            measurand: "out_of_band_send",
            case: self.name.clone(),
            unit: "dB",
            truth: aliases_db(&self.car).iter().map(|one| one.1).fold(f64::INFINITY, f64::min),
            measured: found.as_scalar().unwrap(),
            tolerance: LEVEL_TOLERANCE_DB,
            source: Source::Model,
        }
    }
}

fn points(finding: &Finding) -> (Vec<f64>, Vec<f64>) {
    match &finding.value {
        Value::Curve(curve) => (curve.hz.clone(), curve.values.clone()),
        _ => panic!("{} is no curve", finding.measurand),
    }
}

/// The tone of the curve that is worst told.
fn compare_curve(bandwidth: Bandwidth, rate_hz: f64) -> Comparison {
    let mut car = folding(ideal(bandwidth), rate_hz, 20.0);
    car.terminal.send_response = vec![(100.0, -6.0), (2_000.0, 0.0), (16_000.0, 6.0)];
    let (hz, found) = points(&send(&car, &[]).finding("out_of_band_send_curve"));
    assert_eq!(hz, tones_hz(bandwidth));
    let truth = aliases_db(&car);
    let told: Vec<usize> = (0..7).filter(|i| truth[*i].1.is_finite()).collect();
    let off = |i: usize| (found[i] - truth[i].1).abs();
    let worst = told.into_iter().max_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap();
    Comparison {
        method: "out_of_band",
        measurand: "out_of_band_send_curve",
        case: format!("alias 20 dB down, sloped response, worst tone {} Hz, {bandwidth}", hz[worst]),
        unit: "dB",
        truth: truth[worst].1,
        measured: found[worst],
        tolerance: LEVEL_TOLERANCE_DB,
        source: Source::Model,
    }
}

struct ReceiveCase {
    name: String,
    car: CarSpec,
    step: u32,
    level: &'static str,
    signal: &'static str,
}

/// The signal unless a plan names another.
const DEFAULT: &str = "css-fb";

/// A signal that has enough up where the images of a band are made: of speech there is nothing left in SWB.
fn bright(bandwidth: Bandwidth) -> &'static str {
    if bandwidth == Bandwidth::Swb { "sweep-swb" } else { DEFAULT }
}

/// How far images of a signal lie below the band at the worse ear.
fn images_db(car: &CarSpec, step: u32, signal: &str, range_hz: (f64, f64)) -> f64 {
    const STEP_HZ: f64 = 3.0;
    let mut car = car.clone();
    // What a right bench finds is as if the head were not there.
    if let PathsSpec::Shoebox(cabin) = &mut car.cabin.paths {
        cabin.hats = Hats::Flat;
    }
    let spectrum = density_in_call(signal, false, car.bandwidth);
    let band_hz = band_hz(car.bandwidth);
    let rate_hz = car.flaws.receive_converter.expect("a converter has images").rate_hz;
    let model = Model::new(car);
    let truth = Truth::of(&model);
    let at_ear = |ear: Ear| {
        let (mut inside, mut above) = (0.0, 0.0);
        // What the limit of a band lets through beyond its edge has images too.
        for k in 0..(16_000.0 / STEP_HZ) as usize {
            let hz = (k as f64 + 0.5) * STEP_HZ;
            let power = spectrum.between(hz - STEP_HZ / 2.0, hz + STEP_HZ / 2.0);
            if (band_hz.0..=band_hz.1).contains(&hz) {
                inside += power * truth.receive_response(ear, step, hz).power();
            }
            // Only what can be mirrored into the range costs time.
            if ![rate_hz - hz, rate_hz + hz].iter().any(|image| (range_hz.0..=range_hz.1).contains(image)) {
                continue;
            }
            let images = truth.receive_images(ear, step, hz);
            let heard = images.iter().filter(|(_, image)| (range_hz.0..=range_hz.1).contains(image));
            above += power * heard.map(|(gain, _)| gain).sum::<f64>();
        }
        10.0 * (inside / above).log10()
    };
    at_ear(Ear::Left).min(at_ear(Ear::Right))
}

fn receive_cases() -> Vec<ReceiveCase> {
    let mut cases = Vec::new();
    let mut add = |name: &str, car: CarSpec, step, level, signal| {
        let name = if signal == DEFAULT { name.to_owned() } else { format!("{name}, {signal}") };
        cases.push(ReceiveCase { name: format!("{name}, {}", car.bandwidth), car, step, level, signal });
    };
    let nominal = "-16 dBm0";
    for (bandwidth, rate_hz) in CALLS {
        for loss_db in [15.0, 28.0, 37.0, 45.0, 52.0] {
            let car = imaging(ideal(bandwidth), rate_hz, loss_db);
            add(&format!("image {loss_db} dB down"), car, 5, nominal, bright(bandwidth));
        }
        let mut sloped = imaging(ideal(bandwidth), rate_hz, 30.0);
        sloped.terminal.receive_response = vec![(100.0, -10.0), (1_000.0, 0.0), (8_000.0, 9.0)];
        paths(&mut sloped).loudspeaker_to_ears = [tap(-6.0, 3.0), tap(-9.0, 3.4)];
        add("image 30 dB down, sloped response, ears 3 dB apart", sloped, 5, nominal, DEFAULT);
    }
    for level in ["-30 dBm0", "-25 dBm0", "-20 dBm0", "-10 dBm0", "-7 dBm0"] {
        add(
            &format!("{level}, image 30 dB down"),
            imaging(ideal(Bandwidth::Nb), 8_000.0, 30.0),
            5,
            level,
            DEFAULT,
        );
    }
    for step in [0, 3, 8, 12, 15] {
        let car = imaging(ideal(Bandwidth::Wb), 16_000.0, 30.0);
        add(&format!("step {step}, image 30 dB down"), car, step, nominal, DEFAULT);
    }
    for signal in ["speech-conditioning", "sweep-nb", "pn-2048"] {
        add("image 25 dB down", imaging(ideal(Bandwidth::Nb), 8_000.0, 25.0), 5, nominal, signal);
    }
    for (name, rate_hz) in [("reference-nb", 8_000.0), ("reference-wb", 16_000.0)] {
        let mut room = imaging(shipped(name), rate_hz, 20.0);
        add("shoebox cabin with noise", room.clone(), 5, nominal, DEFAULT);
        if let PathsSpec::Shoebox(cabin) = &mut room.cabin.paths {
            cabin.hats = Hats::P58;
        }
        room.cabin.noise_ears_dbpa_a = None;
        add("shoebox cabin, ear-drums equalized to the free field", room, 5, nominal, DEFAULT);
    }
    cases
}

impl ReceiveCase {
    fn compare(&self) -> Comparison {
        let given = [("level_poi", self.level), ("signal", self.signal)];
        let found = receive(&self.car, self.step, &given).finding("out_of_band_receive");
        assert_eq!(found.bound, Bound::Exact, "{}: {found:?}", self.name);
        Comparison {
            method: "out_of_band",
            measurand: "out_of_band_receive",
            case: self.name.clone(),
            unit: "dB",
            truth: images_db(&self.car, self.step, self.signal, range_hz(self.car.bandwidth)),
            measured: found.as_scalar().unwrap(),
            tolerance: LEVEL_TOLERANCE_DB,
            source: Source::Model,
        }
    }
}

/// A twelfth of an octave of the curve in receive: that which is worst told of those with images.
fn compare_receive_curve(bandwidth: Bandwidth, rate_hz: f64) -> Comparison {
    let car = imaging(ideal(bandwidth), rate_hz, 20.0);
    let signal = bright(bandwidth);
    let trial = receive(&car, 5, &[("signal", signal)]);
    let (hz, found) = points(&trial.finding("out_of_band_receive_curve"));
    let half = 10f64.powf(0.3 / 24.0);
    let (mut worst, mut off_max) = (None, -1.0);
    for (i, hz) in hz.iter().enumerate() {
        // Nominal frequencies are rounded: the exact one is the nearest of the series.
        let middle = 10f64.powf((((hz / 1_000.0).log10() / 0.025 - 0.5).round() + 0.5) * 0.025) * 1_000.0;
        // The converter mirrors around half its rate, beyond its transition; voiced sound and bursts end below.
        if middle * half < rate_hz * 0.55 || middle * half > rate_hz - 300.0 {
            continue;
        }
        let truth = images_db(&car, 5, signal, (middle / half, middle * half));
        let off = (truth - found[i]).abs();
        if off > off_max {
            (worst, off_max) = (Some((*hz, truth, found[i])), off);
        }
    }
    let (hz, truth, measured) = worst.expect("images lie in the curve");
    Comparison {
        method: "out_of_band",
        measurand: "out_of_band_receive_curve",
        case: format!("image 20 dB down, worst band {hz} Hz, {bandwidth}"),
        unit: "dB",
        truth,
        measured,
        tolerance: LEVEL_TOLERANCE_DB,
        source: Source::Model,
    }
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let mut all: Vec<Comparison> = send_cases().iter().map(SendCase::compare).collect();
    all.extend(CALLS.map(|(bandwidth, rate_hz)| compare_curve(bandwidth, rate_hz)));
    all.extend(receive_cases().iter().map(ReceiveCase::compare));
    all.extend(CALLS.map(|(bandwidth, rate_hz)| compare_receive_curve(bandwidth, rate_hz)));
    all
});

#[test]
fn out_of_band_signals_are_those_of_the_car() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "out_of_band_send") >= 25);
    assert!(count(&COMPARISONS, "out_of_band_receive") >= 25);
}

/// At least 35 dB in send and 45 dB in receive: the public reading of the edition of 2008.
fn judged(finding: &Finding) -> Judgement {
    let min = if finding.measurand == "out_of_band_send" { 35.0 } else { 45.0 };
    let rule = Rule::Range { min: Some(min), max: None };
    judge(finding, &super::limit(&finding.measurand, Unit::Db, rule, LimitClass::B))
}

#[test]
fn a_car_with_a_leaking_converter_fails() {
    for (bandwidth, rate_hz) in CALLS {
        for (loss_db, verdict) in [(34.0, Verdict::Fail), (36.5, Verdict::Pass)] {
            let found = send(&folding(ideal(bandwidth), rate_hz, loss_db), &[]).finding("out_of_band_send");
            assert_eq!(judged(&found).verdict, verdict, "{bandwidth} {loss_db}: {found:?}");
        }
        // How much of the signal has an image within the range is the signal's.
        let (car, signal) = (imaging(ideal(bandwidth), rate_hz, 30.0), bright(bandwidth));
        let more = images_db(&car, 5, signal, range_hz(bandwidth)) - 30.0;
        for (loss_db, verdict) in [(44.8 - more, Verdict::Fail), (45.2 - more, Verdict::Pass)] {
            let car = imaging(ideal(bandwidth), rate_hz, loss_db);
            let found = receive(&car, 5, &[("signal", signal)]).finding("out_of_band_receive");
            assert_eq!(judged(&found).verdict, verdict, "{bandwidth} {loss_db}: {found:?}");
        }
        // A loudspeaker that is driven too hard reaches beyond the band of NB and WB.
        if bandwidth != Bandwidth::Swb {
            let mut car = ideal(bandwidth);
            car.flaws.loudspeaker = Nonlinearity { limit_dbpa: Some(-15.0), ..Nonlinearity::default() };
            let found = receive(&car, 15, &[]).finding("out_of_band_receive");
            assert_eq!((judged(&found).verdict, found.bound), (Verdict::Fail, Bound::Exact), "{found:?}");
        }
    }
}

#[test]
fn a_clean_car_passes_with_a_bound() {
    for (bandwidth, _) in CALLS {
        // A recorder without any noise of its own would not be believed.
        let mut quiet = ideal(bandwidth);
        quiet.cabin.noise_ears_dbpa_a = Some(-95.0);
        for found in [
            send(&ideal(bandwidth), &[]).finding("out_of_band_send"),
            receive(&quiet, 5, &[]).finding("out_of_band_receive"),
        ] {
            assert_eq!((found.bound, judged(&found).verdict), (Bound::AtLeast, Verdict::Pass), "{found:?}");
            assert!(found.as_scalar().unwrap() > 55.0, "{found:?}");
        }
    }
}

#[test]
fn noise_fails_no_car() {
    for (bandwidth, _) in CALLS {
        for (level, verdict) in
            [(-80.0, Verdict::Pass), (-60.0, Verdict::Pass), (-40.0, Verdict::Inconclusive)]
        {
            let mut car = ideal(bandwidth);
            reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0: level, weighting: Weighting::A });
            let found = send(&car, &[]).finding("out_of_band_send");
            assert_eq!((found.bound, judged(&found).verdict), (Bound::AtLeast, verdict), "{level} {found:?}");
        }
        for (level, verdict) in [(-90.0, Verdict::Pass), (-50.0, Verdict::Inconclusive)] {
            let mut car = ideal(bandwidth);
            car.cabin.noise_ears_dbpa_a = Some(level);
            let found = receive(&car, 5, &[]).finding("out_of_band_receive");
            assert_eq!((found.bound, judged(&found).verdict), (Bound::AtLeast, verdict), "{level} {found:?}");
        }
    }
}

#[test]
fn noise_that_comes_with_the_activation_is_known() {
    // What a terminal lets through as long as its path is open is noise too: here the microphone's, which real terminals
    // open for speech.
    for name in ["real-nb", "real-wb"] {
        let found = send(&shipped(name), &[]);
        match found.findings() {
            Ok(findings) => assert_ne!(judged(&findings[0]).verdict, Verdict::Fail, "{name}: {findings:?}"),
            Err(reason) => assert!(!reason.reason.is_empty()),
        }
    }
}

fn refusals(
    maker: &CarBenchMaker,
    bandwidth: Bandwidth,
    given: &[(&str, &str)],
    talker: Seat,
) -> Vec<Refusal> {
    let mut wanted = entry("out_of_band", bandwidth, Volume::Step(5), given);
    wanted.talker = talker;
    let cx = PlanCx { bench: maker.info(), facts: &Facts::default(), signals: SIGNALS.library() };
    method("out_of_band").unwrap().plan(&wanted, &cx).err().unwrap_or_default()
}

#[test]
fn what_cannot_be_measured_is_refused_while_planning() {
    let said = |refusals: Vec<Refusal>, found: &str| {
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        assert!(refusals[0].found.contains(found), "{refusals:?}");
        assert!(!refusals[0].remedy.is_empty() && !refusals[0].expected.is_empty());
    };
    for direction in ["send", "receive"] {
        let maker = CarBenchMaker::new(ideal(Bandwidth::Fb));
        said(refusals(&maker, Bandwidth::Fb, &[("direction", direction)], Seat::Driver), "fullband");
    }
    let mut maker = CarBenchMaker::new(ideal(Bandwidth::Wb));
    // The virtual mouth is full at 30 dBPa.
    let loud = [("direction", "send"), ("level_mrp", "18.5 dBPa")];
    said(
        refusals(&maker, Bandwidth::Wb, &loud, Seat::Driver),
        "18.5 dBPa at a mouth whose full scale is 30.0",
    );
    maker.remove_port("mic.mrp");
    said(refusals(&maker, Bandwidth::Wb, &[("direction", "send")], Seat::Driver), "mic.mrp");
}

#[test]
fn a_mute_car_has_nothing_out_of_band_to_tell() {
    let mut mute = ideal(Bandwidth::Wb);
    paths(&mut mute).mouth_to_microphone = None;
    assert!(send(&mute, &[]).findings().is_err());
    let mut mute = ideal(Bandwidth::Wb);
    paths(&mut mute).loudspeaker_to_ears = [None, None];
    assert!(receive(&mute, 5, &[]).findings().is_err());
}

#[test]
fn an_ear_that_ends_early_bounds_the_range() {
    let mut room = imaging(shipped("reference-wb"), 16_000.0, 20.0);
    if let PathsSpec::Shoebox(cabin) = &mut room.cabin.paths {
        cabin.hats = Hats::P58;
    }
    let trial = receive(&room, 5, &[]);
    let found_with = |last_hz: f64| {
        let mut bench = trial.maker.info().clone();
        for port in bench.ports.values_mut() {
            if let Some(ear) = &mut port.ear {
                ear.free_field.points.retain(|point| point.0 <= last_hz);
            }
        }
        let cx = EvalCx { bench: &bench, facts: &Facts::default(), takes: &trial.takes };
        trial.method().evaluate(&trial.entry, &cx)
    };
    let note = found_with(12_000.0).unwrap().remove(0).note;
    assert!(note.contains("8600 to 11"), "{note}");
    let reason = found_with(8_000.0).unwrap_err().reason;
    assert!(reason.contains("the curve of ear."), "{reason}");
}

#[test]
fn half_a_decibel_more_is_seen() {
    let case = SendCase {
        name: "send".to_owned(),
        car: folding(ideal(Bandwidth::Nb), 8_000.0, 30.5),
        level: "-1.7 dBPa",
    };
    let other = aliases_db(&folding(ideal(Bandwidth::Nb), 8_000.0, 30.0));
    let wrong = case.compare();
    let least = other.iter().map(|one| one.1).fold(f64::INFINITY, f64::min);
    assert!(wrong.holds() && !wrong.against(least).holds(), "{wrong:?}");
    let case = ReceiveCase {
        name: "receive".to_owned(),
        car: imaging(ideal(Bandwidth::Wb), 16_000.0, 30.25),
        step: 5,
        level: "-16 dBm0",
        signal: DEFAULT,
    };
    let other =
        images_db(&imaging(ideal(Bandwidth::Wb), 16_000.0, 30.0), 5, DEFAULT, range_hz(Bandwidth::Wb));
    let wrong = case.compare();
    assert!(wrong.holds() && !wrong.against(other).holds(), "{wrong:?}");
}
