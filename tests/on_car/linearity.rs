//! Send linearity: devices that compress or expand by declared shares, mouths that do, and which of them counts.

use std::sync::LazyLock;

use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::CarSpec;
use lombard::bench::{Bench, CaptureSink, SinkError};
use lombard::context::Facts;
use lombard::limits::{Limit, Rule, judge};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, LimitClass, Port};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::around::around;
use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::{SEED, Trial, entry, reference, shipped};

const SHORT: (&str, &str) = ("signal", "speech-conditioning");

/// A sink to which the POI arrives louder or softer.
struct Scaled<'s> {
    sink: &'s mut dyn CaptureSink,
    factor: f32,
}

impl CaptureSink for Scaled<'_> {
    fn write(&mut self, port: &Port, samples: &[f32]) -> Result<(), SinkError> {
        if port.name() != Port::POI_SEND {
            return self.sink.write(port, samples);
        }
        let scaled: Vec<f32> = samples.iter().map(|x| x * self.factor).collect();
        self.sink.write(port, &scaled)
    }
}

/// A bench whose mouth, and a device whose send path, lose a share of every decibel by which a take is louder than the
/// first one.
pub(crate) fn compressing(inner: Box<dyn Bench>, mouth_share: f64, device_share: f64) -> Box<dyn Bench> {
    // The energy of the first take.
    let mut nominal = None;
    around(inner, move |inner, take, sink, stop| {
        let mouth = Port::of(Port::MOUTH);
        let energy: f64 = take.tracks[&mouth].iter().map(|x| f64::from(*x).powi(2)).sum();
        let louder_db = 10.0 * (energy / *nominal.get_or_insert(energy)).log10();
        let mouth_db = -mouth_share * louder_db;
        let device_db = -device_share * (louder_db + mouth_db);
        let factor = |db: f64| 10f32.powf(db as f32 / 20.0);
        let mut played = take.clone();
        let track = played.tracks[&mouth].iter().map(|x| x * factor(mouth_db)).collect();
        played.tracks.insert(mouth, track);
        inner.take(&played, &mut Scaled { sink, factor: factor(device_db) }, stop)
    })
}

fn record(car: &CarSpec, mouth_share: f64, device_share: f64) -> Trial {
    let wanted = entry("send_linearity", car.bandwidth, Volume::Step(5), &[SHORT]);
    Trial::through(CarBenchMaker::new(car.clone()), wanted, SEED, Facts::default(), |inner| {
        compressing(inner, mouth_share, device_share)
    })
}

fn in_band(bandwidth: Bandwidth) -> CarSpec {
    let mut car = shipped(if bandwidth == Bandwidth::Nb { "ideal-nb" } else { "ideal-wb" });
    car.bandwidth = bandwidth;
    car
}

struct Case {
    name: &'static str,
    car: CarSpec,
    mouth_share: f64,
    device_share: f64,
}

fn cases() -> Vec<Case> {
    use Bandwidth::{Fb, Nb, Swb, Wb};
    let case = |name, car, mouth_share, device_share| Case { name, car, mouth_share, device_share };
    let room = shipped("reference-wb");
    vec![
        case("linear, WB", in_band(Wb), 0.0, 0.0),
        case("device loses 0.05 dB for each dB, NB", in_band(Nb), 0.0, 0.05),
        case("device loses 0.1 dB for each dB, WB", in_band(Wb), 0.0, 0.1),
        case("device loses 0.5 dB for each dB, SWB", in_band(Swb), 0.0, 0.5),
        case("device gains 0.2 dB for each dB, FB", in_band(Fb), 0.0, -0.2),
        case("mouth loses 0.1 dB for each dB, WB", in_band(Wb), 0.1, 0.0),
        case("mouth loses 0.25 dB for each dB, NB", in_band(Nb), 0.25, 0.0),
        case("mouth loses 0.1, device 0.1 dB for each dB, WB", in_band(Wb), 0.1, 0.1),
        case("shoebox cabin with noise, WB", room.clone(), 0.0, 0.0),
        case("shoebox cabin with noise, device loses 0.08 dB for each dB, WB", room, 0.05, 0.08),
    ]
}

impl Case {
    fn compare(&self) -> Vec<Comparison> {
        let trial = record(&self.car, self.mouth_share, self.device_share);
        // A rating falls where the level rises.
        let change_db = |offset_db: f64| self.device_share * (1.0 - self.mouth_share) * offset_db;
        let of = |measurand, truth| Comparison {
            method: "send_linearity",
            measurand,
            case: self.name.to_owned(),
            unit: "dB",
            truth,
            measured: trial.value(measurand),
            tolerance: LEVEL_TOLERANCE_DB,
            source: Source::Paper,
        };
        vec![
            of("send_linearity", change_db(6.0).abs()),
            of("slr_change_minus_3", change_db(-3.0)),
            of("slr_change_plus_3", change_db(3.0)),
            of("slr_change_plus_6", change_db(6.0)),
        ]
    }
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| cases().iter().flat_map(Case::compare).collect());

#[test]
fn linearity_is_that_of_the_device() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "send_linearity") >= 5);
}

fn half_a_decibel() -> Limit {
    super::limit("send_linearity", Unit::Db, Rule::Range { min: None, max: Some(0.5) }, LimitClass::A)
}

#[test]
fn a_mouth_that_compresses_does_not_make_the_car_fail() {
    // 1.2 dB are lost at +6 dB.
    let mut trial = record(&in_band(Bandwidth::Wb), 0.2, 0.0);
    let judged = judge(&trial.finding("send_linearity"), &half_a_decibel());
    assert_eq!(judged.verdict, Verdict::Pass, "{judged:?}");
    let note = trial.finding("send_linearity").note;
    assert!(
        note.contains("the mouth -1.20 dB off there") && note.contains("referred to the level at mic.mrp")
    );
    // Without the microphone at the MRP the mouth is taken for the device.
    for take in &mut trial.takes {
        assert!(take.spec.record.remove(&Port::of(Port::MIC_MRP)));
    }
    let judged = judge(&trial.finding("send_linearity"), &half_a_decibel());
    assert_eq!(judged.verdict, Verdict::Fail, "{judged:?}");
    assert!(trial.finding("send_linearity").note.contains("counts as the device"));
}

#[test]
fn a_device_that_compresses_or_overloads_fails() {
    for (share, verdict) in [(0.07, Verdict::Pass), (0.1, Verdict::Fail), (-0.1, Verdict::Fail)] {
        let judged =
            judge(&record(&in_band(Bandwidth::Wb), 0.1, share).finding("send_linearity"), &half_a_decibel());
        assert_eq!(judged.verdict, verdict, "{share}: {judged:?}");
    }
    // A microphone that clips in the middle of the speech.
    let mut clipping = in_band(Bandwidth::Wb);
    clipping.terminal.send_overload_dbpa = Some(-22.0);
    let found = record(&clipping, 0.0, 0.0).finding("send_linearity");
    assert_eq!(judge(&found, &half_a_decibel()).verdict, Verdict::Fail, "{found:?}");
}

#[test]
fn noise_and_a_lost_microphone_are_no_verdict() {
    let mut noisy = in_band(Bandwidth::Wb);
    noisy.terminal.send_gain_db -= 58.0;
    reference(&mut noisy).idle_noise = reference(&mut shipped("reference-wb")).idle_noise;
    let reason = record(&noisy, 0.0, 0.0).findings().unwrap_err().reason;
    assert!(reason.contains("take send") && reason.contains("0.1 dB"), "{reason}");
    // A mouth that plays at two fifths of its level has fallen over.
    let reason = record(&in_band(Bandwidth::Wb), 2.5, 0.0).findings().unwrap_err().reason;
    assert!(reason.contains("mouth reference point"), "{reason}");
}
