//! Responses in send and in receive, in third and twelfth octaves, and the floating masks that judge them.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::spec::CarSpec;
use lombard::bench::car::truth::Truth;
use lombard::finding::{Curve, Finding, Value};
use lombard::limits::{Judgement, Mask, Rule, judge};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Ear, LimitClass};
use lombard::units::Unit;
use lombard::verdict::{Flag, Verdict};

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::{density_in_call, density_of};
use super::{SEED, Trial, entry, limit, paths, reference, shipped, tap};

type Given = &'static [(&'static str, &'static str)];

/// One response of one car.
#[derive(Clone)]
struct Case {
    name: &'static str,
    car: CarSpec,
    given: Given,
}

const SEND: (&str, &str) = ("direction", "send");
const RECEIVE: (&str, &str) = ("direction", "receive");
const SPEECH: (&str, &str) = ("signal", "speech-conditioning");
/// To 20 kHz: recorded speech ends at 7.5 kHz.
const SWEEP: (&str, &str) = ("signal", "sweep-fb");
const FINE: (&str, &str) = ("bands", "twelfth");
const STEP: u32 = 5;

fn in_band(bandwidth: Bandwidth) -> CarSpec {
    let mut car = shipped(if bandwidth == Bandwidth::Nb { "ideal-nb" } else { "ideal-wb" });
    car.bandwidth = bandwidth;
    car
}

/// A car of a bandwidth with one tap for each path and a response in each direction.
fn sloped(bandwidth: Bandwidth, send: &[(f64, f64)], receive: &[(f64, f64)]) -> CarSpec {
    let mut car = in_band(bandwidth);
    car.terminal.send_response = send.to_vec();
    car.terminal.receive_response = receive.to_vec();
    car
}

fn cases() -> Vec<Case> {
    use Bandwidth::{Fb, Nb, Swb, Wb};
    let case = |name, car: &CarSpec, given| Case { name, car: car.clone(), given };
    let rising = [(100.0, -12.0), (1_000.0, 0.0), (8_000.0, 9.0), (20_000.0, 3.0)];
    let falling = [(100.0, 6.0), (500.0, 0.0), (7_000.0, -10.0), (20_000.0, -16.0)];
    let [wide, narrow, super_wide, full] = [Wb, Nb, Swb, Fb].map(|band| sloped(band, &rising, &falling));
    let bumped = sloped(Wb, &[(500.0, 0.0), (1_000.0, 8.0), (2_000.0, 0.0)], &[(300.0, -9.0), (900.0, 5.0)]);
    let mut noisy = wide.clone();
    reference(&mut noisy).idle_noise = reference(&mut shipped("reference-wb")).idle_noise;
    let mut apart = wide.clone();
    paths(&mut apart).loudspeaker_to_ears = [tap(-6.0, 3.0), tap(-13.0, 3.4)];
    let room = shipped("reference-wb");
    let mut room_narrow = room.clone();
    room_narrow.bandwidth = Nb;
    vec![
        case("flat, WB", &in_band(Wb), &[SEND, SPEECH]),
        case("rising, WB", &wide, &[SEND, SPEECH]),
        case("rising, WB, idle noise", &noisy, &[SEND, SPEECH]),
        case("bump at 1 kHz, WB", &bumped, &[SEND, SPEECH]),
        case("rising, NB", &narrow, &[SEND, SPEECH]),
        case("rising, SWB", &super_wide, &[SEND, SWEEP]),
        case("rising, FB", &full, &[SEND, SWEEP]),
        case("rising, WB, 1/12", &wide, &[SEND, SPEECH, FINE]),
        case("bump at 1 kHz, WB, 1/12", &bumped, &[SEND, SPEECH, FINE]),
        case("rising, NB, 1/12", &narrow, &[SEND, SPEECH, FINE]),
        case("rising, SWB, 1/12", &super_wide, &[SEND, SWEEP, FINE]),
        case("rising, FB, 1/12", &full, &[SEND, SWEEP, FINE]),
        case("shoebox cabin with noise, WB", &room, &[SEND, SPEECH]),
        case("shoebox cabin with noise, NB", &room_narrow, &[SEND, SPEECH]),
        case("shoebox cabin with noise, WB, 1/12", &room, &[SEND, SWEEP, FINE]),
        case("flat, WB", &in_band(Wb), &[RECEIVE, SPEECH]),
        case("falling, WB", &wide, &[RECEIVE, SPEECH]),
        case("falling, WB, power", &wide, &[RECEIVE, SPEECH, ("ears", "power")]),
        case("falling, WB, ears 7 dB apart, magnitude", &apart, &[RECEIVE, SPEECH]),
        case("falling, WB, ears 7 dB apart, power", &apart, &[RECEIVE, SPEECH, ("ears", "power")]),
        case("falling, WB, ears 7 dB apart, left", &apart, &[RECEIVE, SPEECH, ("ears", "left")]),
        case("falling, WB, ears 7 dB apart, right", &apart, &[RECEIVE, SPEECH, ("ears", "right")]),
        case("bump at 900 Hz, WB", &bumped, &[RECEIVE, SPEECH]),
        case("falling, NB", &narrow, &[RECEIVE, SPEECH]),
        case("falling, SWB", &super_wide, &[RECEIVE, SWEEP]),
        case("falling, FB", &full, &[RECEIVE, SWEEP]),
        case("falling, WB, 1/12", &wide, &[RECEIVE, SPEECH, FINE]),
        case("falling, NB, 1/12", &narrow, &[RECEIVE, SPEECH, FINE]),
        case("falling, SWB, 1/12", &super_wide, &[RECEIVE, SWEEP, FINE]),
        case("falling, FB, 1/12", &full, &[RECEIVE, SWEEP, FINE]),
        case("shoebox cabin with noise, WB", &room, &[RECEIVE, SPEECH]),
        case("shoebox cabin with noise, NB, right ear", &room_narrow, &[RECEIVE, SPEECH, ("ears", "right")]),
        case("shoebox cabin with noise, WB, 1/12", &room, &[RECEIVE, SWEEP, FINE]),
    ]
}

impl Case {
    fn is_send(&self) -> bool {
        self.given.contains(&SEND)
    }

    fn word(&self, key: &str) -> &'static str {
        self.given.iter().find(|(one, _)| *one == key).map_or("", |(_, word)| *word)
    }

    /// The edges of the bands by IEC 61260-1: G = 10^0.3, thirds around 1 kHz, twelfths beside it.
    fn bands_hz(&self) -> Vec<(f64, f64)> {
        let (first, last) = match self.car.bandwidth {
            Bandwidth::Nb => (-7, 6),
            Bandwidth::Wb => (-10, 9),
            Bandwidth::Swb => (-10, 11),
            Bandwidth::Fb => (-10, 13),
        };
        let share = if self.given.contains(&FINE) { 4 } else { 1 };
        // Twelfths end in the middle of the last third, where the call ends; in SWB at its upper edge.
        let left_out = if share == 1 || self.car.bandwidth == Bandwidth::Swb { 0 } else { 2 };
        let edge = |x: f64| 1_000.0 * 10f64.powf(x / 10.0);
        let mut bands: Vec<(f64, f64)> = (first..=last)
            .flat_map(|third| {
                (0..share).map(move |part| {
                    let lower = f64::from(third) - 0.5 + f64::from(part) / f64::from(share);
                    (edge(lower), edge(lower + 1.0 / f64::from(share)))
                })
            })
            .collect();
        bands.truncate(bands.len() - left_out);
        bands
    }

    /// What the model of the car says, for the spectrum of the signal.
    fn truth_db(&self) -> Vec<f64> {
        let signal = self.word("signal");
        let spectrum = if self.is_send() {
            density_of(signal, false)
        } else {
            density_in_call(signal, false, self.car.bandwidth)
        };
        let density = |freq_hz: f64| spectrum.at(freq_hz);
        let model = Model::new(self.car.clone());
        let truth = Truth::of(&model);
        let at = |ear, band_hz| truth.receive_sensitivity_dbpa(ear, STEP, band_hz, &density);
        let amplitude = |db: f64| 10f64.powf(db / 20.0);
        let band = |band_hz| {
            if self.is_send() {
                return truth.send_sensitivity_dbv(band_hz, &density);
            }
            let both = || (amplitude(at(Ear::Left, band_hz)), amplitude(at(Ear::Right, band_hz)));
            match self.word("ears") {
                "left" => at(Ear::Left, band_hz),
                "right" => at(Ear::Right, band_hz),
                "power" => {
                    let (left, right) = both();
                    10.0 * f64::midpoint(left * left, right * right).log10()
                }
                _ => {
                    let (left, right) = both();
                    20.0 * (left + right).log10()
                }
            }
        };
        self.bands_hz().into_iter().map(band).collect()
    }

    fn measurand(&self) -> &'static str {
        if self.is_send() { "send_sensitivity" } else { "receive_sensitivity" }
    }

    fn finding(&self) -> Finding {
        let wanted = entry("frequency_response", self.car.bandwidth, Volume::Step(STEP), self.given);
        Trial::record(self.car.clone(), wanted, SEED).finding(self.measurand())
    }

    /// The band that is furthest from the truth.
    fn compare(&self) -> Comparison {
        let (found, truth_db) = (curve(&self.finding()), self.truth_db());
        assert_eq!(found.values.len(), truth_db.len(), "{} has every band", self.name);
        let off = |i: &usize| (found.values[*i] - truth_db[*i]).abs();
        let worst = (0..truth_db.len()).max_by(|a, b| off(a).total_cmp(&off(b))).unwrap();
        Comparison {
            method: "frequency_response",
            measurand: self.measurand(),
            case: format!("{}, worst band {} Hz", self.name, found.hz[worst]),
            unit: "dB",
            truth: truth_db[worst],
            measured: found.values[worst],
            tolerance: LEVEL_TOLERANCE_DB,
            source: Source::Model,
        }
    }
}

fn curve(finding: &Finding) -> Curve {
    match &finding.value {
        Value::Curve(curve) => curve.clone(),
        _ => panic!("a response is a curve"),
    }
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| cases().iter().map(Case::compare).collect());

#[test]
fn responses_are_those_of_the_car() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "send_sensitivity") >= 5 && count(&COMPARISONS, "receive_sensitivity") >= 5);
}

#[test]
fn a_response_that_is_a_quarter_decibel_off_in_one_octave_is_seen() {
    let case = cases().remove(0);
    let truth_db = case.truth_db();
    let mut bent = case.clone();
    bent.car.terminal.send_response = vec![(700.0, 0.0), (900.0, 0.25), (1_100.0, 0.25), (1_400.0, 0.0)];
    let wrong = bent.compare();
    assert!(wrong.holds(), "{wrong:?}");
    let found = curve(&bent.finding());
    let at_1k = found.hz.iter().position(|hz| *hz == 1_000.0).unwrap();
    assert!((found.values[at_1k] - truth_db[at_1k]).abs() > LEVEL_TOLERANCE_DB);
}

/// The candidate for wideband in send, as `test-plans/masks/p1110-send.toml` has it.
fn held(finding: &Finding) -> Judgement {
    let mask = Mask {
        upper: vec![(100.0, 4.0), (1_000.0, 4.0), (6_300.0, 9.0), (8_000.0, 9.0)],
        lower: vec![(125.0, -10.0), (200.0, -4.0), (5_000.0, -4.0), (6_300.0, -7.0)],
        floating: true,
        ..Mask::default()
    };
    let class = LimitClass::B;
    judge(finding, &limit("send_sensitivity", Unit::DbVPerPa, Rule::Mask(mask), class))
}

#[test]
fn a_floating_mask_judges_the_shape_and_not_the_level() {
    let flat = cases().remove(0);
    for level_db in [-20.0, -6.0, 0.0, 3.0, 6.0] {
        let mut car = flat.car.clone();
        car.terminal.send_gain_db += level_db;
        let judged = held(&Case { car, ..flat.clone() }.finding());
        assert_eq!(judged.verdict, Verdict::Pass, "{level_db}: {judged:?}");
        // A flat curve lies in the middle of 4 and −4 dB.
        assert!((judged.margin.unwrap().value - 4.0).abs() < 0.05, "{judged:?}");
    }
    // The same slope inside and outside by a decibel: 8 dB are free between 200 Hz and 1 kHz.
    for (tilt_db, verdict) in
        [(7.0, Verdict::Pass), (9.0, Verdict::Fail), (-7.0, Verdict::Pass), (-9.0, Verdict::Fail)]
    {
        let mut car = flat.car.clone();
        car.terminal.send_response = vec![(220.0, 0.0), (900.0, tilt_db)];
        let judged = held(&Case { car, ..flat.clone() }.finding());
        assert_eq!(judged.verdict, verdict, "{tilt_db}: {judged:?}");
    }
}

#[test]
fn noise_hides_bands_and_then_nothing_passes() {
    let mut case = cases().remove(0);
    case.car.terminal.send_gain_db -= 52.0;
    reference(&mut case.car).idle_noise = reference(&mut shipped("reference-wb")).idle_noise;
    let finding = case.finding();
    assert!(finding.flags.contains(&Flag::NoiseLimited), "{}", finding.note);
    assert!(finding.note.contains("hidden by noise: "), "{}", finding.note);
    let shown = curve(&finding).hz.len();
    assert!((4..20).contains(&shown), "{shown} of 20 bands stand out: {}", finding.note);
    let judged = held(&finding);
    assert_eq!(judged.verdict, Verdict::Inconclusive, "{judged:?}");
    // What is left of the curve can still fail.
    case.car.terminal.send_response = vec![(400.0, 0.0), (500.0, 14.0), (600.0, 0.0)];
    assert_eq!(held(&case.finding()).verdict, Verdict::Fail);
}

#[test]
fn a_signal_that_ends_below_the_band_is_refused() {
    let case = Case { car: in_band(Bandwidth::Fb), ..cases().remove(0) };
    let wanted = entry("frequency_response", Bandwidth::Fb, Volume::Step(STEP), case.given);
    let reason = Trial::record(case.car, wanted, SEED).findings().unwrap_err().reason;
    assert!(reason.contains("no energy at") && reason.contains("20000 Hz"), "{reason}");
}
