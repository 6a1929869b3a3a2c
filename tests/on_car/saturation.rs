//! A terminal without a canceller: its coupling loss is the cabin's own, and where its line saturates, as at maximum volume, that
//! of the saturated echo, which a model of the test's own makes of the far end's track.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::network::band_limit_taps;
use lombard::bench::car::spec::CarSpec;
use lombard::bench::car::stage::response_taps;
use lombard::bench::car::truth::{Truth, taps_response};
use lombard::limits::{Rule, judge};
use lombard::take::Volume;
use lombard::terms::{Bandwidth, LimitClass, Port};
use lombard::units::Unit;
use lombard::verdict::{Flag, Verdict};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use super::comparison::{Comparison, Source, all_hold};
use super::spectrum::{Density, density_in_call};
use super::{SEED, Trial, entry, limit, reference, replay, shipped};

/// How far a loss without a canceller may be off, in dB: what the clipping of single peaks may be off in the model.
const COUPLING_DB: f64 = 0.3;

const NOMINAL: u32 = 5;
const LOUDEST: u32 = 15;

/// A shipped car without a canceller, and without the panel, which is a second way of the echo.
fn bare(name: &str) -> CarSpec {
    let mut car = shipped(name);
    reference(&mut car).echo_loss_db = None;
    car.cabin.reflector = None;
    car
}

fn trial(car: &CarSpec, step: u32) -> Trial {
    Trial::record(car.clone(), entry("coupling_loss", car.bandwidth, Volume::Step(step), &[]), SEED)
}

/// Points of a response; what it does between two of them is its impulse response, which must be over by then.
const POINTS: usize = 32_768;

/// A track through a response, by its transform.
fn filtered(track: &[f64], response: impl Fn(f64) -> Complex<f64>) -> Vec<f64> {
    let mut planner = FftPlanner::new();
    let mut impulse: Vec<Complex<f64>> = (0..POINTS)
        .map(|k| {
            let hz = k.min(POINTS - k) as f64 * 48_000.0 / POINTS as f64;
            if k <= POINTS / 2 { response(hz) } else { response(hz).conj() }
        })
        .collect();
    planner.plan_fft_inverse(POINTS).process(&mut impulse);
    let size = (track.len() + POINTS).next_power_of_two();
    let mut taps = vec![Complex::default(); size];
    for (n, tap) in impulse.iter().enumerate() {
        // The second half comes before the first: responses without their delay reach back.
        let at = if n < POINTS / 2 { n } else { size - POINTS + n };
        taps[at] = tap / POINTS as f64;
    }
    let mut bins: Vec<Complex<f64>> = track.iter().map(|x| Complex::new(*x, 0.0)).collect();
    bins.resize(size, Complex::default());
    let forward = planner.plan_fft_forward(size);
    forward.process(&mut bins);
    forward.process(&mut taps);
    bins.iter_mut().zip(&taps).for_each(|(bin, tap)| *bin *= tap);
    planner.plan_fft_inverse(size).process(&mut bins);
    bins[..track.len()].iter().map(|bin| bin.re / size as f64).collect()
}

/// The echo of what the first take played, at the POI in send: up to the microphone, whose converter clips, through the
/// terminal, whose output clips, and through the network.
fn saturated(trial: &Trial, step: u32) -> Vec<f64> {
    let model: &Model = trial.maker.model();
    let spec = &model.spec.terminal;
    let truth = Truth::of(model);
    let far: Vec<f64> =
        replay::played(trial, &Port::of(Port::POI_RECEIVE)).iter().map(|x| f64::from(*x)).collect();
    let to_microphone = |hz: f64| {
        let response = truth.microphone_response(step, hz);
        Complex::new(response.re, response.im)
    };
    // From 0 dBPa to so many dBm0, which are 6.15 dB more than digital.
    let gain = 10f64.powf((spec.send_gain_db - 6.15) / 20.0);
    let full = 10f64.powf(spec.send_overload_dbpa.unwrap() / 20.0);
    let heard: Vec<f64> =
        filtered(&far, to_microphone).iter().map(|pascal| gain * pascal.clamp(-full, full)).collect();
    let magnitude = |taps: &[f64], hz: f64| {
        let response = taps_response(taps, hz);
        Complex::new(response.re.hypot(response.im), 0.0)
    };
    let tuned = response_taps(&spec.send_response);
    let sent: Vec<f64> =
        filtered(&heard, |hz| magnitude(&tuned, hz)).iter().map(|x| x.clamp(-1.0, 1.0)).collect();
    let band = band_limit_taps(model.spec.bandwidth);
    filtered(&sent, |hz| magnitude(&band, hz))
}

/// G.122 B.4 by third octaves, whose end values are held to the edges.
fn coupling_db(played: &[f64], echo: &[f64], (from_hz, to_hz): (f64, f64)) -> f64 {
    let (played, echo) = (Density::of(played), Density::of(echo));
    let bands: Vec<(f64, f64)> = (20..=39)
        .map(|n| 10f64.powf(f64::from(n) / 10.0))
        .filter(|hz| (from_hz * 0.97..=to_hz * 1.03).contains(hz))
        .map(|hz| {
            let edges = (hz * 10f64.powf(-0.05), hz * 10f64.powf(0.05));
            (hz.log10(), echo.between(edges.0, edges.1) / played.between(edges.0, edges.1))
        })
        .collect();
    let mut points = vec![(from_hz.log10().min(bands[0].0), bands[0].1)];
    points.extend(&bands);
    let last = bands[bands.len() - 1];
    points.push((to_hz.log10().max(last.0), last.1));
    let area: f64 = points.windows(2).map(|pair| (pair[0].1 + pair[1].1) * (pair[1].0 - pair[0].0)).sum();
    -10.0 * (area / 2.0 / (points[points.len() - 1].0 - points[0].0)).log10()
}

/// TCLw and TCL of the saturated echo.
fn saturated_db(trial: &Trial, step: u32) -> [f64; 2] {
    let far: Vec<f64> =
        replay::played(trial, &Port::of(Port::POI_RECEIVE)).iter().map(|x| f64::from(*x)).collect();
    let echo = saturated(trial, step);
    let span = trial.takes[0].span("analysis");
    let (from, to) = (span.start as usize, span.end as usize);
    [(300.0, 3_400.0), (100.0, 8_000.0)].map(|band_hz| coupling_db(&far[from..to], &echo[from..to], band_hz))
}

const CARS: [&str; 4] = ["reference-nb", "reference-wb", "reference-swb", "reference-fb"];

/// What the two measurands of each trial are held against.
fn compared(found: &Trial, case: &str, truths: [f64; 2], source: Source) -> Vec<Comparison> {
    let is_narrow = found.maker.model().spec.bandwidth == Bandwidth::Nb;
    ["tclw", "tcl"]
        .into_iter()
        .zip(truths)
        .take(if is_narrow { 1 } else { 2 })
        .map(|(measurand, truth)| Comparison {
            method: "coupling_loss",
            measurand,
            case: case.to_owned(),
            unit: "dB",
            truth,
            measured: found.value(measurand),
            tolerance: COUPLING_DB,
            source,
        })
        .collect()
}

/// Of each car the trial at the nominal and at the loudest step.
static TRIALS: LazyLock<Vec<[Trial; 2]>> = LazyLock::new(|| {
    CARS.iter().map(|name| [NOMINAL, LOUDEST].map(|step| trial(&bare(name), step))).collect()
});

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (name, [nominal, loudest]) in CARS.iter().zip(&*TRIALS) {
        let model = nominal.maker.model();
        let truth = Truth::of(model);
        let spectrum = density_in_call("speech-compressed", true, model.spec.bandwidth);
        let density = |hz: f64| spectrum.at(hz);
        let linear = [truth.tclw_db(NOMINAL, &density), truth.tcl_db(NOMINAL, &density)];
        all.extend(compared(nominal, &format!("{name}, no canceller"), linear, Source::Model));
        let saturated = saturated_db(loudest, LOUDEST);
        let case = format!("{name}, no canceller, loudest step, saturated");
        all.extend(compared(loudest, &case, saturated, Source::Model));
    }
    all
});

#[test]
fn without_a_canceller_the_loss_is_the_cabins_own_or_that_of_the_saturated_echo() {
    all_hold(&COMPARISONS);
    assert_eq!(COMPARISONS.len(), 14);
}

#[test]
fn such_a_loss_fails_and_a_device_that_clips_is_told() {
    for (name, [nominal, loudest]) in CARS.iter().zip(&*TRIALS) {
        let measurand = if *name == "reference-nb" { "tclw" } else { "tcl" };
        let at_least_db =
            limit(measurand, Unit::Db, Rule::Range { min: Some(46.0), max: None }, LimitClass::A);
        for trial in [nominal, loudest] {
            let judgement = judge(&trial.finding(measurand), &at_least_db);
            assert_eq!(judgement.verdict, Verdict::Fail, "{name}: {}", judgement.reason);
        }
        let finding = loudest.finding(measurand);
        assert!(finding.flags.contains(&Flag::DeviceClips), "{name}: {}", finding.note);
        for place in ["the line at poi.send", "its microphone"] {
            assert!(finding.note.contains(place), "{name}: {}", finding.note);
        }
        // At the nominal step single peaks of speech at −10 dBm0 reach the end of the line at most, and never the microphone's.
        let note = nominal.finding(measurand).note;
        assert!(!note.contains("its microphone"), "{name}: {note}");
    }
}

#[test]
fn what_stays_below_full_scale_is_not_told_to_clip() {
    let mut car = bare("reference-wb");
    car.terminal.send_gain_db -= 6.0;
    let quieter = trial(&car, NOMINAL).finding("tcl");
    assert!(!quieter.flags.contains(&Flag::DeviceClips), "{}", quieter.note);
}

#[test]
fn a_truth_that_does_not_saturate_would_be_seen() {
    for (name, [_, loudest]) in CARS.iter().zip(&*TRIALS) {
        let truth = Truth::of(loudest.maker.model());
        let spectrum = density_in_call("speech-compressed", true, loudest.maker.model().spec.bandwidth);
        let linear_db = truth.tclw_db(LOUDEST, &|hz| spectrum.at(hz));
        let [saturated_db, _] = saturated_db(loudest, LOUDEST);
        assert!(saturated_db > linear_db + 3.0 * COUPLING_DB, "{name}: {saturated_db:.2} {linear_db:.2}");
        let found = loudest.value("tclw");
        assert!((found - linear_db).abs() > COUPLING_DB, "{name}: {found:.2} {linear_db:.2}");
    }
}
