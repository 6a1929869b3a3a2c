//! The certificate against faults that are put in on purpose: at random places, of random length, on drifting clocks; inputs
//! that die, rooms that change, mouths that fall..

use super::*;
use crate::bench::live::sync::Break;
use crate::capture::Retiming;
use crate::dsp::align::{DelaySearch, find_delay};
use crate::dsp::resample::retimed;
use crate::take::RATE;
use crate::units::Seconds;

/// Faults of the bench at random: dropped, repeated and inserted blocks of 1 to 4 096 frames, an interface that vanishes, a
/// server that is killed. Every one is found, located to the frame, and none leaves a recording that may be judged.
fn faults_are_found(cases: u64, seed: u64) {
    const FRAMES: usize = 48_000;
    let mut random = Random::new(seed);
    let tracks = [("mouth", noise(1, FRAMES)), ("poi.receive", noise(2, FRAMES))];
    let short = take(FRAMES as u64, &tracks, &["poi.send", "ear.left", "ear.right"]);
    for case in 0..cases {
        let latency = (random.bits() % 2_000) as usize;
        let frames = 1 + (random.bits() % 4_096) as usize;
        let place = random.bits() % FRAMES as u64;
        let at = FIRST + latency as u64 + place;
        let fault = match case % 5 {
            0 => LoopFault::Lose { at, frames },
            1 => LoopFault::Repeat { at, frames },
            2 => LoopFault::Insert { at, frames },
            3 => LoopFault::Unplug { at },
            _ => LoopFault::Kill { at },
        };
        let mut bench = hosted(BENCH, latency, vec![fault], straight());
        bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).expect("the call opens");
        let result = bench.take(&short, &mut Memory::default(), &StopFlag::default());
        let count = frames as u64;
        let (lost, repeated) = if case % 5 == 0 { (count, 0) } else { (0, count) };
        match (case % 5, result) {
            (0..=2, Ok(certificate)) => {
                let found = Break { at: place, lost, repeated };
                let told = format!("frames of the bench: {found}; ");
                assert!(certificate.note.starts_with(&told), "case {case}, {fault:?}: {}", certificate.note);
                let counted = (certificate.lost_frames, certificate.repeated_frames);
                assert_eq!(
                    (certificate.grade, counted),
                    (Grade::Bad, (lost, repeated)),
                    "case {case}: {fault:?}"
                );
            }
            (3, Err(error)) => {
                assert_eq!(error.failure(), Failure::AskOperator, "case {case}: {error}");
                assert!(error.to_string().contains("is gone"), "case {case}: {error}");
            }
            (4, Err(error)) => assert_ne!(error.failure(), Failure::Stopped, "case {case}: {error}"),
            (_, other) => panic!("case {case}, {fault:?}: {other:?}"),
        }
    }
}

#[test]
fn a_thousand_faults_of_the_bench_at_random_places_are_all_found() {
    faults_are_found(1_000, 2);
}

/// How far two signals are apart around a frame, in frames.
fn apart(played: &[f32], recorded: &[f64], at: usize) -> f64 {
    let wide: Vec<f64> = played[at + 512..at + 512 + 8_192].iter().map(|x| f64::from(*x)).collect();
    let search = DelaySearch::between(Seconds(0.0), Seconds(1_024.0 / f64::from(RATE)));
    let delay = find_delay(&wide, &recorded[at..at + 1_024 + 8_192], RATE, &search.whitened(100.0, 20_000.0));
    delay.expect("it is found").delay.0 * f64::from(RATE) - 512.0
}

/// A minute on a capture clock that is off by a random part of ±200 ppm: the drift is found within 0.1 ppm, and what is
/// resampled by it lies within a tenth of a frame of what was played, from beginning to end.
fn drifts_are_found(cases: usize, seed: u64) {
    const MINUTE: usize = 60 * RATE as usize;
    let mut random = Random::new(seed);
    let played = noise(1, MINUTE);
    let long = take(MINUTE as u64, &[("mouth", played.clone())], &["poi.send"]);
    let mut worst: f64 = 0.0;
    for case in 0..cases {
        let ppb = ((random.uniform() - 0.5) * 400_000.0) as i32;
        let ppm = f64::from(ppb) * 1e-3;
        let latency = (random.bits() % 2_000) as usize;
        let mut bench = hosted(BENCH, latency, vec![LoopFault::Drift { ppb }], straight());
        bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).expect("the call opens");
        let mut sink = Memory::default();
        let certificate = bench.take(&long, &mut sink, &StopFlag::default()).expect("it is recorded");
        let error = certificate.drift_ppm - ppm;
        worst = worst.max(error.abs());
        let uncertainty_ppm = certificate.drift_uncertainty_ppm.expect("a minute tells a drift");
        assert!(error.abs() <= 0.1 && uncertainty_ppm <= 0.1, "case {case}, {ppm} ppm: {certificate:?}");
        assert!(error.abs() <= uncertainty_ppm, "case {case}, {ppm} ppm: {certificate:?}");
        assert_eq!(certificate.grade, Grade::Good, "case {case}, {ppm} ppm: {certificate:?}");
        let raw: Vec<f64> = sink.tracks[&Port::of("poi.send")].iter().map(|x| f64::from(*x)).collect();
        let Some(Retiming { first, ratio }) = certificate.retiming(&Port::of("poi.send")) else {
            // Half a frame in a minute is 0.17 ppm.
            assert!(ppm.abs() < 0.2, "case {case}, {ppm} ppm: {certificate:?}");
            continue;
        };
        assert!(certificate.note.contains("drift corrected"), "{}", certificate.note);
        let corrected = retimed(&raw, first, ratio, MINUTE);
        for at in [0, MINUTE / 3, MINUTE - 9_216 - 100] {
            let apart = apart(&played, &corrected, at);
            assert!(apart.abs() <= 0.1, "case {case}, {ppm} ppm: {apart} frames at {at}");
        }
    }
    println!("{cases} drifts over a minute: off by {worst:.4} ppm at most");
}

#[test]
fn a_drift_is_found_within_a_tenth_of_a_ppm_and_corrected() {
    drifts_are_found(3, 3);
}

#[test]
#[ignore = "a hundred minutes of sound; part of `make nightly`"]
fn a_hundred_drifts_are_found_within_a_tenth_of_a_ppm() {
    drifts_are_found(100, 4);
}

#[test]
fn a_clock_that_is_further_off_gives_no_recording_to_judge() {
    for ppb in [230_000, -400_000] {
        let (certificate, _) =
            record(&mut hosted(BENCH, 100, vec![LoopFault::Drift { ppb }], straight())).unwrap();
        assert_eq!(certificate.grade, Grade::Bad, "{certificate:?}");
        assert!(!certificate.is_drift_corrected && certificate.retiming(&Port::of("poi.send")).is_none());
        assert!(certificate.note.contains("more than the 200 ppm"), "{}", certificate.note);
    }
}

#[test]
fn a_loss_on_a_drifting_clock_is_located_on_the_clock_that_played() {
    let at = FIRST + 60_000;
    for (fault, lost, repeated) in [
        (LoopFault::Lose { at, frames: 333 }, 333, 0),
        (LoopFault::Repeat { at, frames: 48 }, 0, 48),
        (LoopFault::Lose { at, frames: 1 }, 1, 0),
    ] {
        let faults = vec![LoopFault::Drift { ppb: 120_000 }, fault];
        let (certificate, _) = record(&mut hosted(BENCH, 0, faults, straight())).unwrap();
        assert_eq!(certificate.grade, Grade::Bad, "{fault:?}: {certificate:?}");
        let counted = (certificate.lost_frames, certificate.repeated_frames);
        assert_eq!(counted, (lost, repeated), "{fault:?}: {}", certificate.note);
        assert!((certificate.drift_ppm - 120.0).abs() < 0.5, "{certificate:?}");
        // The loss is 60 000 frames of capture, 7 of drift before them, after the beginning; interpolation blurs it by a few.
        let place: f64 =
            certificate.note.split("at frame ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!((place - 59_993.0).abs() <= 24.0, "{}", certificate.note);
    }
}

/// [`BENCH`] with a microphone at the mouth's reference point, on input 5.
fn with_microphone(text: &str) -> String {
    text.to_owned() + "[[port]]\nname = \"mic.mrp\"\ndirection = \"in\"\nchannel = 5\nnominal = \"20 dBPa\"\n"
}

/// The wires of [`straight`] with converters that have noise, 100 dB below full scale, and the mouth at input 5; `course`
/// changes an input frame.
fn analog(mut course: impl FnMut(u64, &mut [f32]) + Send + 'static) -> Wiring {
    let mut random = Random::new(77);
    let mut frame = 0;
    Box::new(move |out, input| {
        for (from, to) in out.chunks_exact(3).zip(input.chunks_exact_mut(5)) {
            to.copy_from_slice(&[from[0], 0.3125 * from[1], 0.5 * from[0], from[2], 0.5 * from[0]]);
            for lane in [1, 2, 4] {
                to[lane] += 1e-5 * (random.uniform() - 0.5) as f32;
            }
            course(frame, to);
            frame += 1;
        }
    })
}

fn recorded(text: &str, wiring: Wiring, faults: Vec<LoopFault>, spoken: &RenderedTake) -> Certificate {
    let (host, clock) =
        LoopHost::new(LoopSpec { outputs: 3, inputs: 5, latency: 300, faults, wiring, rate: 48_000 });
    let system = AudioSystem::custom(host.into_cpal(), Arc::new(clock));
    let mut bench = LiveBench::new(&desk(&with_microphone(text)), Arc::new(system));
    bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).expect("the call opens");
    bench.take(spoken, &mut Memory::default(), &StopFlag::default()).expect("it is recorded")
}

/// Six seconds: the mouth speaks from 0.5 to 4.5 s, and everything that hears is recorded.
fn spoken() -> RenderedTake {
    let mut mouth = vec![0.0; 288_000];
    mouth[24_000..216_000].copy_from_slice(&noise(5, 192_000));
    take(288_000, &[("mouth", mouth)], &["poi.send", "ear.left", "ear.right"])
}

/// The frame of the wiring at which a second of the take of [`recorded`] passes.
fn second(at: f64) -> u64 {
    4_800 + LEAD as u64 + (at * 48_000.0) as u64
}

#[test]
fn a_quiet_analog_bench_has_a_good_certificate() {
    for text in [BENCH.to_owned(), BENCH.replace("buffer_frames = 480", "buffer_frames = 64")] {
        let certificate = recorded(&text, analog(|_, _| ()), Vec::new(), &spoken());
        assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
        assert_eq!(certificate.note, "loopback heard, 300 frames late");
    }
}

#[test]
fn an_input_that_dies_is_bad_with_its_time_and_its_remedy() {
    let dies = analog(|frame, input| {
        if frame >= second(2.0) {
            input[1] = 0.0;
        }
    });
    let certificate = recorded(BENCH, dies, Vec::new(), &spoken());
    assert_eq!((certificate.grade, certificate.dead), (Grade::Bad, vec![Port::of("ear.left")]));
    for part in ["ear.left delivers one value", "from 2.0", "check its cable"] {
        assert!(certificate.note.contains(part), "{}", certificate.note);
    }
    // What is digital may be silent: the POI, or an ear of which the file says so.
    let digital = BENCH.replace("name = \"ear.left\"\n", "name = \"ear.left\"\nconverter = \"digital\"\n");
    let silent = analog(|_, input| (input[0], input[1]) = (0.0, 0.0));
    let certificate = recorded(&digital, silent, Vec::new(), &spoken());
    assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
}

#[test]
fn a_room_that_changes_during_a_take_is_told_and_refuses_nothing() {
    let mut random = Random::new(78);
    let louder = analog(move |frame, input| {
        if frame >= second(3.0) {
            input[2] += 1e-4 * (random.uniform() - 0.5) as f32;
        }
    });
    let certificate = recorded(BENCH, louder, Vec::new(), &spoken());
    assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
    for part in ["at ear.right silence has +20", "between 0.50 and 5.00 s", "the room has changed"] {
        assert!(certificate.note.contains(part), "{}", certificate.note);
    }
}

#[test]
fn a_mouth_whose_protection_trips_is_bad_with_its_time() {
    for text in [BENCH.to_owned(), without_loopback()] {
        let trips = analog(|frame, input| {
            if frame >= second(2.5) {
                input[4] *= 0.25;
            }
        });
        let certificate = recorded(&text, trips, Vec::new(), &spoken());
        assert_eq!(certificate.grade, Grade::Bad, "{certificate:?}");
        for part in ["the mouth gets 12.0 dB quieter at mic.mrp", "let it cool"] {
            assert!(certificate.note.contains(part), "{}", certificate.note);
        }
        // In pieces of a quarter of a second; without loopback the latency moves it into the next one.
        let places = ["from 2.50 s", "from 2.75 s"];
        assert!(places.iter().any(|place| certificate.note.contains(place)), "{}", certificate.note);
    }
}

#[test]
fn without_a_loopback_the_mouth_itself_marks_the_time() {
    let certificate = recorded(&without_loopback(), analog(|_, _| ()), Vec::new(), &spoken());
    assert_eq!(certificate.grade, Grade::Weak, "{certificate:?}");
    for part in
        ["no loopback pair", "found at mic.mrp in 16 places", "without a jump of 0.9 frames", "not seen"]
    {
        assert!(certificate.note.contains(part), "{}", certificate.note);
    }
    let at = second(2.0) + 300;
    for (fault, lost, repeated) in
        [(LoopFault::Lose { at, frames: 2 }, 2, 0), (LoopFault::Repeat { at, frames: 480 }, 0, 480)]
    {
        let certificate = recorded(&without_loopback(), analog(|_, _| ()), vec![fault], &spoken());
        let counted = (certificate.lost_frames, certificate.repeated_frames);
        assert_eq!((certificate.grade, counted), (Grade::Bad, (lost, repeated)), "{certificate:?}");
        assert!(certificate.note.contains("at mic.mrp between "), "{}", certificate.note);
    }
    let drift = vec![LoopFault::Drift { ppb: 150_000 }];
    let certificate = recorded(&without_loopback(), analog(|_, _| ()), drift, &spoken());
    assert_eq!(certificate.grade, Grade::Bad, "{certificate:?}");
    assert!(
        (certificate.drift_ppm - 150.0).abs() <= certificate.drift_uncertainty_ppm.unwrap(),
        "{certificate:?}"
    );
    assert!(certificate.note.contains("wire a loopback pair"), "{}", certificate.note);
    // A take in which the mouth is silent has no marker, and says so.
    let silent = take(96_000, &[("poi.receive", noise(6, 96_000))], &["ear.left"]);
    let certificate = recorded(&without_loopback(), analog(|_, _| ()), Vec::new(), &silent);
    assert!(
        certificate.grade == Grade::Weak && certificate.note.contains("no marker either"),
        "{certificate:?}"
    );
}
