//! The call check: where the band of the call really ends, and how much of a pause is silent.

use std::sync::LazyLock;

use lombard::bench::BenchMaker;
use lombard::bench::car::Model;
use lombard::bench::car::faults::{Disturbance, Fault, Place};
use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::{CarSpec, IdleNoise, Weighting};
use lombard::bench::car::truth::{Truth, white};
use lombard::context::{Facts, PlanCx};
use lombard::limits::{Rule, judge};
use lombard::methods::method;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, LimitClass};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::comparison::{Comparison, Source, all_hold, count};
use super::{SEED, Trial, entry, limit, reference, shipped};

/// Two bins: the edge is told in bins of 50 Hz, and a bin on the slope may fall on either side.
const EDGE_TOLERANCE_HZ: f64 = 100.0;
/// The pause of 4 s has 200 frames; a muted part may begin and end within one.
const SHARE_TOLERANCE: f64 = 1.0;

/// A car whose terminal has an idle noise, as every real one.
fn car(bandwidth: Bandwidth, carries: Option<Bandwidth>) -> CarSpec {
    let mut car = shipped("ideal-wb");
    car.bandwidth = bandwidth;
    car.network.carries = carries;
    reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0: -64.0, weighting: Weighting::A });
    car
}

fn trial(maker: CarBenchMaker) -> Trial {
    let bandwidth = maker.model().spec.bandwidth;
    Trial::on(maker, entry("call_check", bandwidth, Volume::Nominal, &[]), SEED)
}

/// Where the network is down by 30 dB, by the model: in steps of 5 Hz.
fn edge_of(car: &CarSpec) -> f64 {
    let model = Model::new(car.clone());
    let truth = Truth::of(&model);
    let down = |hz: &f64| truth.network_gain_db(&white, (*hz - 2.5, *hz + 2.5)) < -30.0;
    (200..4_800).map(|step| f64::from(step) * 5.0).find(down).unwrap()
}

fn edges() -> Vec<Comparison> {
    let cases = [
        (Bandwidth::Nb, None),
        (Bandwidth::Wb, None),
        (Bandwidth::Wb, Some(Bandwidth::Nb)),
        (Bandwidth::Swb, None),
        (Bandwidth::Swb, Some(Bandwidth::Wb)),
        (Bandwidth::Fb, None),
    ];
    let mut all = Vec::new();
    for (bandwidth, carries) in cases {
        let car = car(bandwidth, carries);
        let truth = edge_of(&car);
        let trial = trial(CarBenchMaker::new(car));
        let link = carries.map_or(String::new(), |carries| format!(" on a link for {carries}"));
        for measurand in ["call_upper_edge_send", "call_upper_edge_receive"] {
            all.push(Comparison {
                method: "call_check",
                measurand,
                case: format!("{bandwidth}{link}"),
                unit: "Hz",
                truth,
                measured: trial.value(measurand),
                tolerance: EDGE_TOLERANCE_HZ,
                source: Source::Model,
            });
        }
    }
    all
}

/// Terminals that are mute for a part of the pause.
fn silences() -> Vec<Comparison> {
    let pause = trial(CarBenchMaker::new(car(Bandwidth::Wb, None))).takes[0].span("pause");
    let compare = |share: f64| {
        let frames = ((pause.end - pause.start) as f64 * share / 100.0) as u64;
        // The network adds its delay of 20 ms to what the terminal does.
        let muted = Disturbance::Muted { from: pause.start - 960, frames };
        let fault = Fault { place: Place::Device, disturbance: muted };
        let maker = CarBenchMaker::new(car(Bandwidth::Wb, None)).with_fault(fault);
        Comparison {
            method: "call_check",
            measurand: "call_silence_send",
            case: format!("mute for {share} % of the pause"),
            unit: "%",
            truth: share,
            measured: trial(maker).value("call_silence_send"),
            tolerance: SHARE_TOLERANCE,
            source: Source::Paper,
        }
    };
    [0.0, 12.3, 30.2, 62.3, 90.2].map(compare).to_vec()
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| edges().into_iter().chain(silences()).collect());

#[test]
fn the_call_is_what_its_spectrum_and_its_pauses_show() {
    all_hold(&COMPARISONS);
    assert!(
        count(&COMPARISONS, "call_upper_edge_send") >= 5 && count(&COMPARISONS, "call_silence_send") >= 5
    );
}

#[test]
fn real_codecs_carry_their_band() {
    for (name, last_hz) in [("real-nb", 4_000.0), ("real-wb", 8_000.0)] {
        let trial = trial(CarBenchMaker::new(shipped(name)));
        for measurand in ["call_upper_edge_send", "call_upper_edge_receive"] {
            let edge = trial.value(measurand);
            assert!((0.9 * last_hz..=last_hz).contains(&edge), "{name} {measurand}: {edge} Hz");
        }
        let wanted = &trial.entry;
        let objection = method("call_check").unwrap().objection(wanted, &trial.findings().unwrap());
        assert_eq!(objection, None, "{name}");
    }
}

#[test]
fn a_codec_that_stops_in_pauses_is_caught_behind_a_declaration_that_it_does_not() {
    let mut stopping = car(Bandwidth::Wb, None);
    stopping.network.dtx = true;
    stopping.network.dtx_declared = false;
    let rule = Rule::Range { min: None, max: Some(5.0) };
    let limit = limit("call_silence_send", Unit::Percent, rule, LimitClass::C);
    for (car, verdict) in [(stopping, Verdict::Fail), (car(Bandwidth::Wb, None), Verdict::Pass)] {
        let finding = trial(CarBenchMaker::new(car)).finding("call_silence_send");
        assert!(finding.note.contains("declared: no codec, band limit only, DTX off"), "{}", finding.note);
        assert_eq!(judge(&finding, &limit).verdict, verdict, "{finding:?}");
    }
}

#[test]
fn a_mute_call_proves_nothing() {
    let mut mute = car(Bandwidth::Wb, None);
    super::paths(&mut mute).mouth_to_microphone = None;
    let reason = trial(CarBenchMaker::new(mute)).findings().unwrap_err().reason;
    assert!(reason.contains("nothing of the signal arrives in send"), "{reason}");
}

#[test]
fn a_pause_of_fewer_than_fifty_frames_is_refused() {
    let maker = CarBenchMaker::new(car(Bandwidth::Wb, None));
    let facts = Facts::default();
    let cx = PlanCx { bench: maker.info(), facts: &facts, signals: super::SIGNALS.library() };
    let plan = |pause: &str| {
        let wanted = entry("call_check", Bandwidth::Wb, Volume::Nominal, &[("pause", pause)]);
        method("call_check").unwrap().plan(&wanted, &cx)
    };
    assert!(plan("1 s").is_ok());
    let refusals = plan("990 ms").unwrap_err();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!((refusals[0].parameter, refusals[0].expected.as_str()), (Some("pause"), "at least 1 s"));
}
