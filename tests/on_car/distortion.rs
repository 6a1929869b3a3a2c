//! Distortion: declared harmonics at the level that a sine has at the bend, limiters at volume steps, noise through
//! polynomials, and a mouth that distorts more than the car.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::flaws::Nonlinearity;
use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::{CarSpec, Hats, PathsSpec};
use lombard::bench::car::truth::Truth;
use lombard::finding::{Bound, Finding, Value};
use lombard::limits::{Judgement, Rule, judge};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Ear, LimitClass};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::comparison::{Comparison, Source, all_hold, count};
use super::spectrum::Density;
use super::{SEED, SIGNALS, Trial, entry, paths, reference, shipped, tap};

mod drift;
mod ears;
mod taken;

/// What a distortion is told to: the fit of a sine is exact, single precision of the tracks is not (−110 dB at the quietest).
const TOLERANCE_POINTS: f64 = 0.01;
/// Or this share of it: a cabin with reverberation is settled to −60 dB when the sine is read.
const TOLERANCE_SHARE: f64 = 0.02;
/// Noise: the gaps are drawn, and the power in each spreads by its own size. Speech-shaped noise leaves its distortion to
/// some 35 gaps in NB, which makes 1/(2·√35) = 8.5 % of standard deviation, and to twice as many above.
fn tolerance_noise_share(bandwidth: Bandwidth) -> f64 {
    if bandwidth == Bandwidth::Nb { 0.3 } else { 0.15 }
}

/// What the harmonics of the mouth make of a bend together with their fundamental: a cube makes 3/2·A²·m of a third
/// harmonic m where it makes 1/4·A³ of the fundamental alone. A limit of the method, which tells it as uncertainty.
const CROSS: f64 = 6.0;

/// The harmonics of the mouth at its declared level, as a share.
fn mouth_share(car: &CarSpec) -> f64 {
    car.flaws.mouth.quadratic_percent.hypot(car.flaws.mouth.cubic_percent) / 100.0
}

/// By how much the mouth's cube raises the fundamental, at its declared level.
fn mouth_gain_db(car: &CarSpec) -> f64 {
    -20.0 * (1.0 - 3.0 * car.flaws.mouth.cubic_percent / 100.0).log10()
}

fn bend(quadratic_percent: f64, cubic_percent: f64, at_dbpa: f64) -> Nonlinearity {
    Nonlinearity { quadratic_percent, cubic_percent, at_dbpa, limit_dbpa: None }
}

fn limiter(limit_dbpa: f64) -> Nonlinearity {
    Nonlinearity { limit_dbpa: Some(limit_dbpa), ..Nonlinearity::default() }
}

/// The ideal car of a bandwidth.
fn ideal(bandwidth: Bandwidth) -> CarSpec {
    let mut car = shipped(if bandwidth == Bandwidth::Nb { "ideal-nb" } else { "ideal-wb" });
    car.bandwidth = bandwidth;
    car
}

/// The level at 1 m of −16 dBm0 at a volume step of the ideal car.
fn drive_dbpa(bandwidth: Bandwidth, step: u32) -> f64 {
    let terminal = ideal(bandwidth).terminal;
    let below = f64::from(terminal.volume_steps - 1 - step);
    -16.0 + terminal.receive_gain_db - below * terminal.volume_step_db
}

/// A car whose microphone bends.
fn with_microphone(mut car: CarSpec, microphone: Nonlinearity) -> CarSpec {
    car.flaws.microphone = microphone;
    car
}

/// A car whose loudspeaker bends.
fn with_loudspeaker(mut car: CarSpec, loudspeaker: Nonlinearity) -> CarSpec {
    car.flaws.loudspeaker = loudspeaker;
    car
}

/// The same car heard without a head: what a right bench finds is as if it were not there.
fn without_head(car: &CarSpec) -> CarSpec {
    let mut car = car.clone();
    if let PathsSpec::Shoebox(cabin) = &mut car.cabin.paths {
        cabin.hats = Hats::Flat;
    }
    car
}

#[derive(Clone)]
struct Case {
    name: String,
    car: CarSpec,
    frequency: &'static str,
    /// The level as a plan writes it: at the MRP in send, at the POI in receive.
    level: &'static str,
    /// The volume step in receive; `None` is send.
    step: Option<u32>,
}

/// Where distortion counts.
fn band_hz(bandwidth: Bandwidth) -> (f64, f64) {
    match bandwidth {
        Bandwidth::Nb => (200.0, 4_000.0),
        Bandwidth::Wb => (100.0, 8_000.0),
        Bandwidth::Swb => (100.0, 14_000.0),
        Bandwidth::Fb => (100.0, 20_000.0),
    }
}

impl Case {
    fn given(&self) -> Vec<(&str, &str)> {
        let level = if self.step.is_some() { "level_poi" } else { "level_mrp" };
        let direction = if self.step.is_some() { "receive" } else { "send" };
        vec![("direction", direction), ("frequency", self.frequency), (level, self.level)]
    }

    fn measurand(&self) -> &'static str {
        if self.step.is_some() { "distortion_receive" } else { "distortion_send" }
    }

    fn trial(&self) -> Trial {
        let volume = Volume::Step(self.step.unwrap_or(5));
        Trial::record(self.car.clone(), entry("distortion", self.car.bandwidth, volume, &self.given()), SEED)
    }

    fn truth(&self) -> f64 {
        let number = |text: &str| text.split(' ').next().unwrap().parse::<f64>().unwrap();
        let (hz, level, band_hz) = (number(self.frequency), number(self.level), band_hz(self.car.bandwidth));
        let model = Model::new(without_head(&self.car));
        let truth = Truth::of(&model);
        let harmonics = match self.step {
            None => vec![truth.send_harmonics_percent(hz, level + mouth_gain_db(&self.car), band_hz)],
            Some(step) => Ear::ALL
                .iter()
                .map(|ear| truth.receive_harmonics_percent(*ear, step, hz, level, band_hz))
                .collect(),
        };
        let thd = |one: &Vec<(usize, f64)>| {
            one.iter()
                .filter(|(order, _)| *order <= 10)
                .map(|(_, percent)| percent * percent)
                .sum::<f64>()
                .sqrt()
        };
        harmonics.iter().map(thd).fold(0.0, f64::max)
    }

    fn compare(&self) -> Comparison {
        let truth = self.truth();
        Comparison {
            method: "distortion",
            measurand: self.measurand(),
            case: self.name.clone(),
            unit: "%",
            truth,
            measured: self.trial().value(self.measurand()),
            tolerance: TOLERANCE_POINTS.max((TOLERANCE_SHARE + CROSS * mouth_share(&self.car)) * truth),
            source: Source::Model,
        }
    }
}

fn send_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, car: CarSpec, frequency, level, step| {
        let name = format!("{name}, {}", car.bandwidth);
        cases.push(Case { name, car, frequency, level, step });
    };
    let (nb, wb, swb, fb) =
        (ideal(Bandwidth::Nb), ideal(Bandwidth::Wb), ideal(Bandwidth::Swb), ideal(Bandwidth::Fb));
    // The sine is at −25.7 dBPa at the microphone of an ideal car.
    for (name, second, third) in [
        ("second harmonic 0.1 %", 0.1, 0.0),
        ("third harmonic 0.5 %", 0.0, -0.5),
        ("second 1 %, third 0.5 %", 1.0, 0.5),
        ("third harmonic 3 %", 0.0, 3.0),
        ("second harmonic 5 %", 5.0, 0.0),
        ("second 4 %, third −10 %", 4.0, -10.0),
    ] {
        add(name, with_microphone(wb.clone(), bend(second, third, -25.7)), "1000 Hz", "-1.7 dBPa", None);
        add(name, with_microphone(nb.clone(), bend(second, third, -25.7)), "500 Hz", "-1.7 dBPa", None);
    }
    let bent = bend(1.0, -2.0, -25.7);
    for (frequency, car) in [
        ("300 Hz", &nb),
        ("500 Hz", &wb),
        ("1000 Hz", &swb),
        ("2000 Hz", &swb),
        ("4000 Hz", &swb),
        ("2000 Hz", &fb),
        ("4000 Hz", &fb),
    ] {
        add(
            &format!("{frequency}, second 1 %, third −2 %"),
            with_microphone(car.clone(), bent),
            frequency,
            "-1.7 dBPa",
            None,
        );
    }
    for level in ["-10 dBPa", "-4.7 dBPa", "-1.7 dBPa", "1.3 dBPa", "4.3 dBPa"] {
        let mut sloped = with_microphone(wb.clone(), bent);
        sloped.terminal.send_response = vec![(100.0, -12.0), (1_000.0, 0.0), (8_000.0, 9.0)];
        add(&format!("{level}, sloped response"), sloped, "1000 Hz", level, None);
        add(level, with_microphone(fb.clone(), bent), "1000 Hz", level, None);
    }
    let mut mouth = with_microphone(wb.clone(), bent);
    mouth.flaws.mouth = bend(0.5, 0.7, -1.7);
    add("mouth with 0.9 % of its own", mouth.clone(), "500 Hz", "-1.7 dBPa", None);
    mouth.bandwidth = Bandwidth::Swb;
    mouth.flaws.microphone = bend(2.0, 0.0, -25.7);
    mouth.flaws.mouth = bend(-1.0, 0.5, -1.7);
    add("mouth with 1.1 % of its own", mouth, "1000 Hz", "-1.7 dBPa", None);
    let room = shipped("reference-wb");
    let mut room_narrow = room.clone();
    room_narrow.bandwidth = Bandwidth::Nb;
    let in_room = bend(1.0, -2.0, -26.0);
    add("shoebox cabin with noise", with_microphone(room, in_room), "500 Hz", "-1.7 dBPa", None);
    add("shoebox cabin with noise", with_microphone(room_narrow, in_room), "300 Hz", "-1.7 dBPa", None);
    cases
}

fn receive_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let at_step_5 = drive_dbpa(Bandwidth::Wb, 5);
    let mut add = |name: &str, car: CarSpec, frequency, level, step| {
        let name = format!("{name}, {}", car.bandwidth);
        cases.push(Case { name, car, frequency, level, step });
    };
    let (nb, wb, swb, fb) =
        (ideal(Bandwidth::Nb), ideal(Bandwidth::Wb), ideal(Bandwidth::Swb), ideal(Bandwidth::Fb));
    for (name, second, third) in [
        ("second harmonic 0.2 %", 0.2, 0.0),
        ("third harmonic 1 %", 0.0, -1.0),
        ("second 1 %, third 3 %", 1.0, 3.0),
    ] {
        add(
            name,
            with_loudspeaker(wb.clone(), bend(second, third, at_step_5)),
            "1000 Hz",
            "-16 dBm0",
            Some(5),
        );
        add(
            name,
            with_loudspeaker(nb.clone(), bend(second, third, drive_dbpa(Bandwidth::Nb, 5))),
            "500 Hz",
            "-16 dBm0",
            Some(5),
        );
        add(
            name,
            with_loudspeaker(fb.clone(), bend(second, third, at_step_5)),
            "4000 Hz",
            "-16 dBm0",
            Some(5),
        );
    }
    for level in ["-30 dBm0", "-22 dBm0", "-16 dBm0", "-10 dBm0", "-7 dBm0"] {
        add(
            &format!("{level}, limiter"),
            with_loudspeaker(wb.clone(), limiter(6.0)),
            "300 Hz",
            level,
            Some(15),
        );
        add(level, with_loudspeaker(swb.clone(), bend(0.5, -0.5, -4.35)), "2000 Hz", level, Some(15));
    }
    for step in [5, 9, 12, 14, 15] {
        add(
            &format!("step {step}, limiter"),
            with_loudspeaker(wb.clone(), limiter(0.0)),
            "1000 Hz",
            "-16 dBm0",
            Some(step),
        );
    }
    let mut uneven = with_loudspeaker(wb.clone(), bend(1.0, -2.0, at_step_5));
    paths(&mut uneven).loudspeaker_to_ears = [tap(-6.0, 3.0), tap(-9.0, 3.4)];
    add("ears 3 dB apart", uneven, "500 Hz", "-16 dBm0", Some(5));
    let room = shipped("reference-wb");
    let mut room_narrow = room.clone();
    room_narrow.bandwidth = Bandwidth::Nb;
    let loud = bend(2.0, -1.0, -17.0);
    add("shoebox cabin with noise", with_loudspeaker(room, loud), "500 Hz", "-16 dBm0", Some(5));
    add("shoebox cabin with noise", with_loudspeaker(room_narrow, loud), "300 Hz", "-16 dBm0", Some(5));
    cases
}

/// The noise form: the same bends by Gaussian theory.
#[derive(Clone)]
struct NoiseCase {
    name: String,
    car: CarSpec,
    level: &'static str,
    step: Option<u32>,
}

impl NoiseCase {
    fn compare(&self) -> Comparison {
        let band = self.step.map(|_| self.car.bandwidth);
        // Where it is limited, what is played is: the density of the noise itself, from the middle of it.
        let made = SIGNALS
            .library()
            .make_limited("distortion-noise", 48_000, lombard::signals::Options::default(), band)
            .unwrap();
        let spectrum = Density::of(&made.samples[110_000..110_000 + 8 * 8_192]);
        let density = |hz: f64| {
            // Line by line the density is none: the mean over three lines with their gap.
            (-2..=2).map(|k| spectrum.at(hz + 6.0 * f64::from(k))).sum::<f64>()
        };
        let level: f64 = self.level.split(' ').next().unwrap().parse().unwrap();
        let (model, band_hz) = (Model::new(without_head(&self.car)), band_hz(self.car.bandwidth));
        let truth = Truth::of(&model);
        let (measurand, given, truth) = match self.step {
            None => (
                "distortion_send_total",
                [("direction", "send"), ("stimulus", "noise"), ("level_mrp", self.level)],
                truth.send_noise_distortion_percent(&density, level, band_hz),
            ),
            Some(step) => (
                "distortion_receive_total",
                [("direction", "receive"), ("stimulus", "noise"), ("level_poi", self.level)],
                Ear::ALL
                    .iter()
                    .map(|ear| truth.receive_noise_distortion_percent(*ear, step, &density, level, band_hz))
                    .fold(0.0, f64::max),
            ),
        };
        let volume = Volume::Step(self.step.unwrap_or(5));
        let trial =
            Trial::record(self.car.clone(), entry("distortion", self.car.bandwidth, volume, &given), SEED);
        Comparison {
            method: "distortion",
            measurand,
            case: self.name.clone(),
            unit: "%",
            truth,
            measured: trial.value(measurand),
            tolerance: tolerance_noise_share(self.car.bandwidth) * truth,
            source: Source::Model,
        }
    }
}

fn noise_cases() -> Vec<NoiseCase> {
    let mut cases = Vec::new();
    for bandwidth in [Bandwidth::Nb, Bandwidth::Wb, Bandwidth::Swb, Bandwidth::Fb] {
        let levels: &[&str] = match bandwidth {
            Bandwidth::Wb => &["-10 dBPa", "-4.7 dBPa", "-1.7 dBPa", "1.3 dBPa", "4.3 dBPa"],
            _ => &["-1.7 dBPa"],
        };
        for &level in levels {
            let car = with_microphone(ideal(bandwidth), bend(1.0, 1.0, -25.7));
            cases.push(NoiseCase { name: format!("noise, {level}, {bandwidth}"), car, level, step: None });
        }
        let levels: &[&str] = match bandwidth {
            Bandwidth::Nb => &["-28 dBm0", "-22 dBm0", "-19 dBm0", "-16 dBm0", "-13 dBm0"],
            _ => &["-16 dBm0"],
        };
        for &level in levels {
            let car = with_loudspeaker(ideal(bandwidth), bend(2.0, 0.5, drive_dbpa(bandwidth, 5)));
            cases.push(NoiseCase { name: format!("noise, {level}, {bandwidth}"), car, level, step: Some(5) });
        }
    }
    let mut mouth = with_microphone(ideal(Bandwidth::Wb), bend(2.0, 0.0, -25.7));
    mouth.flaws.mouth = bend(0.3, 0.2, -1.7);
    cases.push(NoiseCase {
        name: "noise, the mouth bends too, WB".to_owned(),
        car: mouth,
        level: "-1.7 dBPa",
        step: None,
    });
    cases
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let tones = [send_cases(), receive_cases(), ears::cases()].concat();
    tones
        .iter()
        .map(Case::compare)
        .chain([noise_cases(), ears::noise_cases()].concat().iter().map(NoiseCase::compare))
        .chain(drift::COMPARISONS.iter().cloned())
        .collect()
});

#[test]
fn distortion_is_that_of_the_car() {
    all_hold(&COMPARISONS);
    for measurand in
        ["distortion_send", "distortion_receive", "distortion_send_total", "distortion_receive_total"]
    {
        assert!(count(&COMPARISONS, measurand) >= 5, "{measurand}");
    }
}

#[test]
fn a_tenth_more_of_distortion_is_seen() {
    let case = Case {
        name: "more".to_owned(),
        car: with_microphone(ideal(Bandwidth::Wb), bend(1.1, 0.0, -25.7)),
        frequency: "1000 Hz",
        level: "-1.7 dBPa",
        step: None,
    };
    let more = case.compare();
    assert!(more.holds() && !more.against(more.truth / 1.1).holds(), "{more:?}");
}

#[test]
fn every_harmonic_stands_at_its_frequency() {
    let case = Case {
        name: "curve".to_owned(),
        car: with_microphone(ideal(Bandwidth::Wb), bend(1.0, -2.0, -25.7)),
        frequency: "1000 Hz",
        level: "-1.7 dBPa",
        step: None,
    };
    let Value::Curve(curve) = case.trial().finding("distortion_send_harmonics").value else {
        panic!("a curve")
    };
    assert_eq!(curve.hz.len(), 7, "2 to 8 kHz");
    for (i, expected) in [1.0, 2.0, 0.0, 0.0].into_iter().enumerate() {
        assert!((curve.hz[i] / 1_000.0 - (i + 2) as f64).abs() < 1e-4, "{:?}", curve.hz);
        assert!((curve.values[i] - expected).abs() < 0.01, "{:?}", curve.values);
    }
}

/// A finding against the 3 % of 2008.
fn judged(finding: &Finding) -> Judgement {
    let rule = Rule::Range { min: None, max: Some(3.0) };
    judge(finding, &super::limit(&finding.measurand, Unit::Percent, rule, LimitClass::B))
}

fn send_trial(car: CarSpec, given: &[(&str, &str)]) -> Trial {
    let bandwidth = car.bandwidth;
    let given: Vec<_> = [("direction", "send")].iter().chain(given).copied().collect();
    Trial::record(car, entry("distortion", bandwidth, Volume::Step(5), &given), SEED)
}

#[test]
fn a_car_that_distorts_fails_and_a_clean_one_passes() {
    for bandwidth in [Bandwidth::Nb, Bandwidth::Wb, Bandwidth::Swb, Bandwidth::Fb] {
        for (cubic, verdict) in [(2.4, Verdict::Pass), (3.6, Verdict::Fail)] {
            let send = with_microphone(ideal(bandwidth), bend(0.0, cubic, -25.7));
            // The third harmonic at 1.5 kHz: neither weighting moves it by more than 1.3 dB.
            let found = send_trial(send, &[("frequency", "500 Hz")]);
            assert_eq!(judged(&found.finding("distortion_send")).verdict, verdict, "{bandwidth} {cubic}");
            assert_eq!(
                judged(&found.finding("distortion_send_total")).verdict,
                verdict,
                "{bandwidth} {cubic}"
            );
            let receive = with_loudspeaker(ideal(bandwidth), bend(0.0, cubic, drive_dbpa(bandwidth, 5)));
            let wanted = entry(
                "distortion",
                bandwidth,
                Volume::Step(5),
                &[("direction", "receive"), ("frequency", "500 Hz")],
            );
            let found = Trial::record(receive, wanted, SEED);
            assert_eq!(judged(&found.finding("distortion_receive")).verdict, verdict, "{bandwidth} {cubic}");
            assert_eq!(
                judged(&found.finding("distortion_receive_total")).verdict,
                verdict,
                "{bandwidth} {cubic}"
            );
        }
        // Noise of the same level peaks higher: 1 % of a sine are 3.4 % of it.
        for (cubic, verdict) in [(0.5, Verdict::Pass), (2.0, Verdict::Fail)] {
            let send = with_microphone(ideal(bandwidth), bend(0.0, cubic, -25.7));
            let found = send_trial(send, &[("stimulus", "noise")]);
            assert_eq!(
                judged(&found.finding("distortion_send_total")).verdict,
                verdict,
                "{bandwidth} {cubic}"
            );
        }
    }
}

#[test]
fn the_mouth_is_not_taken_for_the_car() {
    for stimulus in ["tone", "noise"] {
        let mut car = ideal(Bandwidth::Wb);
        car.flaws.mouth = bend(3.0, 4.0, -1.7);
        let measurand = if stimulus == "tone" { "distortion_send" } else { "distortion_send_total" };
        let clean = send_trial(car.clone(), &[("stimulus", stimulus)]).finding(measurand);
        assert_eq!(judged(&clean).verdict, Verdict::Pass, "{clean:?}");
        // A mouth within its tolerance and a car that fails by itself.
        car.flaws.mouth = bend(0.4, 0.2, -1.7);
        let guilty = with_microphone(car.clone(), bend(6.0, 0.0, -25.7));
        let guilty = send_trial(guilty, &[("stimulus", stimulus)]).finding(measurand);
        assert_eq!((judged(&guilty).verdict, guilty.bound), (Verdict::Fail, Bound::Exact), "{guilty:?}");
        // Without a microphone at the mouth nothing is proven; what is small enough passes.
        for (mouth, verdict) in
            [(bend(3.0, 4.0, -1.7), Verdict::Inconclusive), (bend(0.4, 0.2, -1.7), Verdict::Pass)]
        {
            car.flaws.mouth = mouth;
            let mut maker = CarBenchMaker::new(car.clone());
            maker.remove_port("mic.mrp");
            let given = [("direction", "send"), ("stimulus", stimulus)];
            let wanted = entry("distortion", Bandwidth::Wb, Volume::Step(5), &given);
            let found = Trial::on(maker, wanted, SEED).finding(measurand);
            assert_eq!((judged(&found).verdict, found.bound), (verdict, Bound::AtMost), "{found:?}");
            assert!(found.note.contains("mic.mrp"), "{}", found.note);
        }
    }
}

#[test]
fn what_noise_hides_is_a_bound() {
    // Noise of −30 dBm0(A) under a sine of −18 dBm0: the distortion of 0.1 % is not seen, and the total is the noise.
    let mut car = with_microphone(ideal(Bandwidth::Wb), bend(0.1, 0.0, -25.7));
    reference(&mut car).idle_noise = Some(lombard::bench::car::spec::IdleNoise {
        level_dbm0: -30.0,
        weighting: lombard::bench::car::spec::Weighting::A,
    });
    let trial = send_trial(car.clone(), &[]);
    for measurand in ["distortion_send", "distortion_send_total"] {
        let found = trial.finding(measurand);
        assert_eq!(found.bound, Bound::AtMost, "{found:?}");
        assert_ne!(judged(&found).verdict, Verdict::Fail, "{found:?}");
    }
    let found = send_trial(car, &[("stimulus", "noise")]).finding("distortion_send_total");
    assert_eq!(found.bound, Bound::AtMost, "{found:?}");
}

#[test]
fn a_mute_car_has_no_distortion_to_tell() {
    let mut mute = ideal(Bandwidth::Wb);
    paths(&mut mute).mouth_to_microphone = None;
    for stimulus in ["tone", "noise"] {
        assert!(send_trial(mute.clone(), &[("stimulus", stimulus)]).findings().is_err(), "{stimulus}");
    }
}

#[test]
fn real_terminals_let_the_sine_through() {
    for name in ["real-wb", "real-nb"] {
        let car = shipped(name);
        let found = send_trial(car.clone(), &[]);
        for finding in found.findings().unwrap() {
            if let Some(percent) = finding.as_scalar() {
                assert!(percent.is_finite() && percent < 20.0, "{name}: {finding:?}");
            }
        }
        let wanted = entry("distortion", car.bandwidth, Volume::Step(5), &[("direction", "receive")]);
        let found = Trial::record(car, wanted, SEED).finding("distortion_receive");
        assert_eq!(judged(&found).verdict, Verdict::Pass, "{found:?}");
    }
}
