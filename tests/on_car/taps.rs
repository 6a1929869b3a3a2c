//! The access points of clause 8: what they record, what is inserted, and methods that work through them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use lombard::bench::car::Model;
use lombard::bench::car::flaws::Converter;
use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::{CarSpec, IdleNoise, RealSpec, TerminalKind, Weighting};
use lombard::bench::car::truth::Truth;
use lombard::bench::{Bench, BenchMaker, RenderedEpoch, RenderedTake, StopFlag, TelemetrySender};
use lombard::limits::{Rule, judge};
use lombard::take::{EpochKey, TakeId, Terminal, Volume};
use lombard::terms::{Bandwidth, LimitClass, Port};
use lombard::units::Unit;
use lombard::verdict::Verdict;

use super::comparison::{Comparison, DELAY_TOLERANCE_MS, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::{Memory, SEED, Trial, entry, limit, paths, reference, shipped, tap};

/// As for idle noise by sound: 60 s leave a scatter of 0.02 dB.
const IDLE: &[(&str, &str)] = &[("access", "digital"), ("analysis", "60 s"), ("conditioning", "silence")];
const DIGITAL: &[(&str, &str)] = &[("access", "digital")];

/// A car with a terminal that makes noise itself.
fn noisy(name: &str, level_dbm0: f64, weighting: Weighting, spectrum: &[(f64, f64)]) -> CarSpec {
    let mut car = shipped(name);
    reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0, weighting });
    reference(&mut car).idle_noise_spectrum = spectrum.to_vec();
    car
}

/// The same car in a cabin that drowns its terminal: nothing of it may be heard through the access.
fn loud(mut car: CarSpec) -> CarSpec {
    car.cabin.noise_microphone_dbpa_a = Some(-30.0);
    car.cabin.noise_capsule_dbpa_a = Some(-50.0);
    car.cabin.noise_amplifier_dbpa_a = Some(-40.0);
    car
}

fn idle_cases() -> Vec<(&'static str, CarSpec)> {
    use Weighting::{A, Psophometric};
    let falling = &[(100.0, 10.0), (1_000.0, 0.0), (8_000.0, -20.0)];
    let mut line = loud(noisy("ideal-wb", -80.0, A, &[]));
    line.network.noise_send = Some(IdleNoise { level_dbm0: -70.0, weighting: A });
    vec![
        ("at the tap, loud cabin, −64 dBm0(P), NB", loud(noisy("ideal-nb", -64.0, Psophometric, &[]))),
        (
            "at the tap, loud cabin, falling spectrum, NB",
            loud(noisy("reference-nb", -75.0, Psophometric, falling)),
        ),
        ("at the tap, loud cabin, −64 dBm0(A), WB", loud(noisy("ideal-wb", -64.0, A, &[]))),
        ("at the tap, loud cabin, falling spectrum, WB", loud(noisy("reference-wb", -78.0, A, falling))),
        ("at the tap, loud cabin, noise of the network, WB", line),
        ("at the tap, loud cabin, −70 dBm0(A), SWB", loud(noisy("reference-swb", -70.0, A, &[]))),
        ("at the tap, loud cabin, −58 dBm0(A), FB", loud(noisy("reference-fb", -58.0, A, &[]))),
    ]
}

/// The idle noise of a car whose microphone is cut off: that of the same car where it is silent.
fn idle((name, car): &(&'static str, CarSpec)) -> Comparison {
    let mut silent = car.clone();
    silent.cabin.noise_microphone_dbpa_a = None;
    silent.cabin.noise_capsule_dbpa_a = None;
    silent.cabin.noise_amplifier_dbpa_a = None;
    let (measurand, unit, weighting, band_hz) = match car.bandwidth {
        Bandwidth::Nb => ("idle_noise_send_p", "dBm0(P)", Weighting::Psophometric, (200.0, 4_000.0)),
        Bandwidth::Wb => ("idle_noise_send_a", "dBm0(A)", Weighting::A, (100.0, 8_000.0)),
        Bandwidth::Swb => ("idle_noise_send_a", "dBm0(A)", Weighting::A, (100.0, 14_000.0)),
        Bandwidth::Fb => ("idle_noise_send_a", "dBm0(A)", Weighting::A, (100.0, 20_000.0)),
    };
    Comparison {
        method: "idle_noise",
        measurand,
        case: (*name).to_owned(),
        unit,
        truth: Truth::of(&Model::new(silent)).idle_noise_send_dbm0(weighting, band_hz),
        measured: trial("idle_noise", car, IDLE).value(measurand),
        tolerance: LEVEL_TOLERANCE_DB,
        source: Source::Model,
    }
}

fn trial(method: &str, car: &CarSpec, given: &[(&str, &str)]) -> Trial {
    Trial::record(car.clone(), entry(method, car.bandwidth, Volume::Step(5), given), SEED)
}

/// Cars with the delays of their terminals in frames.
fn delay_cases() -> Vec<(&'static str, CarSpec, [u32; 2])> {
    let with = |name: &str, frames: [u32; 2]| {
        let mut car = shipped(name);
        car.terminal.send_delay_s = f64::from(frames[0]) / 48_000.0;
        car.terminal.receive_delay_s = f64::from(frames[1]) / 48_000.0;
        (car, frames)
    };
    [
        ("at the taps, NB", with("ideal-nb", [3_024, 2_496])),
        ("at the taps, WB", with("ideal-wb", [4_001, 1_003])),
        ("at the taps, room and noise, WB", with("reference-wb", [2_000, 6_000])),
        ("at the taps, room and noise, SWB", with("reference-swb", [5_555, 1_111])),
        ("at the taps, room and noise, FB", with("reference-fb", [12_347, 2_468])),
    ]
    .map(|(name, (car, frames))| (name, car, frames))
    .into()
}

fn delays((name, car, [send, receive]): &(&'static str, CarSpec, [u32; 2])) -> Vec<Comparison> {
    let trial = trial("delay", car, DIGITAL);
    let comparison = |(measurand, frames): (&'static str, u32)| Comparison {
        method: "delay",
        measurand,
        case: (*name).to_owned(),
        unit: "ms",
        truth: f64::from(frames) / 48.0,
        measured: trial.value(measurand),
        tolerance: DELAY_TOLERANCE_MS,
        source: Source::Paper,
    };
    [("delay_send", *send), ("delay_receive", *receive), ("delay_round_trip", send + receive)]
        .into_iter()
        .map(comparison)
        .collect()
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let noises = idle_cases().iter().map(idle).collect::<Vec<_>>();
    noises.into_iter().chain(delay_cases().iter().flat_map(delays)).collect()
});

#[test]
fn through_the_taps_methods_find_what_the_terminal_alone_has() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "idle_noise_send_a") >= 5 && count(&COMPARISONS, "idle_noise_send_p") >= 2);
    for measurand in ["delay_send", "delay_receive", "delay_round_trip"] {
        assert_eq!(count(&COMPARISONS, measurand), 5, "{measurand}");
    }
}

#[test]
fn by_sound_the_same_loud_cabin_fails_and_through_the_tap_only_the_terminal_counts() {
    let rule = Rule::Range { min: None, max: Some(-64.0) };
    let limit = limit("idle_noise_send_a", Unit::Dbm0A, rule, LimitClass::A);
    let quiet = loud(noisy("ideal-wb", -70.0, Weighting::A, &[]));
    let failing = noisy("ideal-wb", -62.0, Weighting::A, &[]);
    for (car, given, verdict) in [
        (&quiet, &[][..], Verdict::Fail),
        (&quiet, DIGITAL, Verdict::Pass),
        (&failing, DIGITAL, Verdict::Fail),
    ] {
        let finding = trial("idle_noise", car, given).finding("idle_noise_send_a");
        assert_eq!(judge(&finding, &limit).verdict, verdict, "{finding:?}");
    }
}

#[test]
fn two_frames_more_in_the_terminal_are_seen_and_two_in_the_cabin_are_not() {
    let case = delay_cases().remove(1);
    let mut slow = case.1.clone();
    slow.terminal.send_delay_s += 2.0 / 48_000.0;
    let wrong = delays(&(case.0, slow, case.2));
    assert_eq!(wrong.iter().map(Comparison::holds).collect::<Vec<_>>(), [false, true, false], "{wrong:?}");
    let mut far = case.1.clone();
    paths(&mut far).mouth_to_microphone = tap(-24.0, 9.0);
    paths(&mut far).loudspeaker_to_ears = [tap(-6.0, 12.0), tap(-6.0, 12.0)];
    all_hold(&delays(&(case.0, far, case.2)));
}

/// RMS of a part of a capture, in dBov.
fn level_dbov(trial: &Trial, take: usize, port: &'static str, span: &str) -> f64 {
    let take = &trial.takes[take];
    let samples = take.captures[&Port::of(port)].samples().unwrap();
    let span = take.span(span);
    let part = &samples[span.start as usize..span.end as usize];
    10.0 * (part.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / part.len() as f64).log10()
}

#[test]
fn taps_record_what_passes_them_on_their_own_scale() {
    let ports = [Port::TAP_MICROPHONE, Port::TAP_ECHO_REFERENCE, Port::TAP_LOUDSPEAKER].map(Port::of);
    for (name, step) in
        [("ideal-nb", 15), ("ideal-wb", 5), ("ideal-wb", 0), ("ideal-swb", 9), ("ideal-fb", 3)]
    {
        let mut car = shipped(name);
        paths(&mut car).loudspeaker_to_microphone = None;
        car.terminal.send_overload_dbpa = Some(2.0);
        let wanted = entry("delay", car.bandwidth, Volume::Step(step), &[]);
        let trial = Trial::record_also(car.clone(), wanted, SEED, &ports);
        // −1.7 dBPa at the MRP, 24 dB less at the microphone, whose converter is full at a peak of 2 dB over 1 Pa. Delays are
        // a small part of the 2.5 s of the signal, whose cycle is that of its level.
        let microphone = level_dbov(&trial, 0, Port::TAP_MICROPHONE, "stimulus");
        assert!((microphone - (-1.7 - 24.0 - 2.0)).abs() < 0.1, "{name}: {microphone}");
        // −16 dBm0 are −22.15 dBov, as many steps of 1.5 dB below the loudest.
        let expected = -22.15 - 1.5 * f64::from(15 - step);
        for port in [Port::TAP_ECHO_REFERENCE, Port::TAP_LOUDSPEAKER] {
            let driven = level_dbov(&trial, 1, port, "stimulus");
            assert!((driven - expected).abs() < 0.1, "{name} {step} {port}: {driven}, not {expected}");
        }
    }
}

/// One take on a bench that is open: what was recorded.
fn play(
    bench: &mut dyn Bench,
    tracks: &[(&'static str, &[f32])],
    record: &[&'static str],
) -> BTreeMap<Port, Vec<f32>> {
    let take = RenderedTake {
        id: TakeId::stored("taps.take"),
        epoch: EpochKey::stored("taps"),
        from: 0,
        duration: tracks.iter().map(|(_, track)| track.len()).max().unwrap_or(0) as u64,
        tracks: tracks.iter().map(|(port, track)| (Port::of(port), Arc::from(*track))).collect(),
        actions: Vec::new(),
        loops: Vec::new(),
        record: record.iter().map(|port| Port::of(port)).collect(),
    };
    let mut memory = Memory::default();
    bench.take(&take, &mut memory, &StopFlag::default()).unwrap();
    memory.0
}

fn call(car: &CarSpec) -> Box<dyn Bench> {
    let mut bench = CarBenchMaker::new(car.clone()).make().unwrap();
    let epoch = RenderedEpoch {
        key: EpochKey::stored("taps"),
        seed: SEED,
        bandwidth: car.bandwidth,
        volume_step: 5,
        terminal: Terminal::Device,
        noise: None,
    };
    bench.open(&epoch, &TelemetrySender::none()).unwrap();
    bench
}

fn tone(amplitude: f32, hz: f32) -> Vec<f32> {
    (0..48_000).map(|n| amplitude * (n as f32 * hz * std::f32::consts::TAU / 48_000.0).sin()).collect()
}

#[test]
fn what_the_tap_recorded_sounds_the_same_when_it_is_inserted_again() {
    // Noise of the cabin and speech, recorded behind the microphone in one call, inserted there in the next one.
    for name in ["reference-nb", "reference-wb", "reference-swb", "reference-fb", "real-wb"] {
        let mut car = shipped(name);
        if let TerminalKind::Reference(own) = &mut car.terminal.kind {
            own.idle_noise = None; // a noise of the terminal itself would be drawn anew for the second take
        }
        car.cabin.noise_amplifier_dbpa_a = None;
        let talk = tone(0.02, 700.0);
        let heard = play(&mut *call(&car), &[(Port::MOUTH, &talk)], &[Port::TAP_MICROPHONE, Port::POI_SEND]);
        let recorded = &heard[&Port::of(Port::TAP_MICROPHONE)];
        let again = play(&mut *call(&car), &[(Port::TAP_MICROPHONE, recorded)], &[Port::POI_SEND]);
        let (first, second) = (&heard[&Port::of(Port::POI_SEND)], &again[&Port::of(Port::POI_SEND)]);
        let power = |track: &[f32]| track.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        let apart: Vec<f32> = first.iter().zip(second).map(|(a, b)| a - b).collect();
        let apart_db = 10.0 * (power(&apart) / power(first)).log10();
        // Single precision; G.722 and the suppressor make other steps of it now and then.
        let room_db = if name == "real-wb" { -30.0 } else { -100.0 };
        assert!(power(first) > 1.0 && apart_db < room_db, "{name}: {apart_db:.1} dB apart");
    }
}

#[test]
fn an_insertion_takes_the_place_of_the_microphone_and_the_tap_goes_on_recording_it() {
    let car = shipped("ideal-wb");
    let (talk, silence) = (tone(0.02, 700.0), vec![0.0; 48_000]);
    let both: &[(&'static str, &[f32])] = &[(Port::MOUTH, &talk), (Port::TAP_MICROPHONE, &silence)];
    let found = play(&mut *call(&car), both, &[Port::TAP_MICROPHONE, Port::POI_SEND]);
    assert!(found[&Port::of(Port::POI_SEND)].iter().all(|x| *x == 0.0));
    assert!(found[&Port::of(Port::TAP_MICROPHONE)].iter().any(|x| x.abs() > 0.01));
}

#[test]
fn images_of_the_converter_go_to_the_amplifier_and_not_to_the_canceller() {
    let mut car = shipped("ideal-wb");
    car.flaws.receive_converter = Some(Converter { rate_hz: 16_000.0, loss_db: 30.0 });
    for kind in [
        car.terminal.kind.clone(),
        TerminalKind::Real(RealSpec { echo_canceller: true, noise_suppression: None }),
    ] {
        car.terminal.kind = kind;
        let ports = [Port::TAP_ECHO_REFERENCE, Port::TAP_LOUDSPEAKER];
        let found = play(&mut *call(&car), &[(Port::POI_RECEIVE, &tone(0.1, 5_000.0))], &ports);
        let amplitude = |port: &'static str, hz: f64| {
            let track = &found[&Port::of(port)][24_000..];
            let (mut re, mut im) = (0.0, 0.0);
            for (n, x) in track.iter().enumerate() {
                let angle = std::f64::consts::TAU * hz * n as f64 / 48_000.0;
                re += f64::from(*x) * angle.cos();
                im += f64::from(*x) * angle.sin();
            }
            20.0 * (re.hypot(im) * 2.0 / track.len() as f64).log10()
        };
        let (reference, driven) = (amplitude(ports[0], 5_000.0), amplitude(ports[1], 5_000.0));
        // The tone of −20 dB, ten steps of 1.5 dB down; its image at 11 kHz.
        assert!((reference + 35.0).abs() < 0.1 && (driven - reference).abs() < 1e-3, "{reference} {driven}");
        assert!((amplitude(ports[1], 11_000.0) - driven + 30.0).abs() < 0.1);
        assert!(amplitude(ports[0], 11_000.0) - reference < -70.0);
    }
}

#[test]
fn a_bench_without_the_access_refuses_it() {
    let mut maker = CarBenchMaker::new(shipped("ideal-wb"));
    maker.remove_port(Port::TAP_MICROPHONE);
    maker.remove_port(Port::TAP_LOUDSPEAKER);
    let facts = lombard::context::Facts::default();
    let cx =
        lombard::context::PlanCx { bench: maker.info(), facts: &facts, signals: super::SIGNALS.library() };
    for (method, missing) in [("delay", 2), ("idle_noise", 1)] {
        let wanted = entry(method, Bandwidth::Wb, Volume::Step(5), DIGITAL);
        let refusals = lombard::methods::method(method).unwrap().plan(&wanted, &cx).unwrap_err();
        assert_eq!(refusals.len(), missing, "{refusals:?}");
        assert!(refusals[0].remedy.contains("tap.microphone"), "{refusals:?}");
    }
}
