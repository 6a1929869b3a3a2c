//! The live bench on the in-process audio host: what is recorded, what is certified, what goes wrong.

mod integrity;
mod monitor;
#[cfg(unix)]
mod rigged;
mod several;

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use time::macros::date;

use super::audio::loop_host::{LoopClock, LoopFault, LoopHost, LoopSpec, Wiring};
use super::audio::{AudioSystem, Pace};
use super::file::{BenchFile, read_bench};
use super::sync::LEAD;
use super::take::{LiveBench, LiveBenchMaker};
use crate::bench::noise::{NOISE_LEAD, NoiseSound};
use crate::bench::suite::{self, Memory, epoch, take};
use crate::bench::{
    Bench, BenchError, BenchMaker, CaptureSink, RenderedEpoch, RenderedNoise, RenderedTake, SinkError,
    StopFlag, TelemetrySender,
};
use crate::capture::{Certificate, Grade};
use crate::event::{Failure, Telemetry};
use crate::plan::Recorded;
use crate::problem::SourceText;
use crate::signals::random::Random;
use crate::terms::{Bandwidth, Port};

/// Outputs: mouth 1, poi.receive 2, loopback 3. Inputs: poi.send 1, ears 2 and 3, loopback 4.
const BENCH: &str = r#"
name = "desk"
description = "for tests"
[audio]
playback = "loop:wire"
capture = "loop:wire"
rate_hz = 48000
buffer_frames = 480
[network]
codec = "none"
bandwidth = "WB"
delay_send = "0 ms"
delay_receive = "0 ms"
[device]
volume_steps = 1
[loopback]
out = 3
in = 4
[[port]]
name = "mouth"
direction = "out"
channel = 1
nominal = "20 dBPa"
[[port]]
name = "poi.receive"
direction = "out"
channel = 2
nominal = "6.15 dBm0"
[[port]]
name = "poi.send"
direction = "in"
channel = 1
nominal = "6.15 dBm0"
[[port]]
name = "ear.left"
direction = "in"
channel = 2
nominal = "20 dBPa"
[[port]]
name = "ear.right"
direction = "in"
channel = 3
nominal = "20 dBPa"
"#;

fn desk(text: &str) -> BenchFile {
    let source = SourceText::new("desk.toml", text);
    let file = read_bench(&source, &Recorded::default(), date!(2026 - 11 - 22));
    file.unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn without_loopback() -> String {
    BENCH.replace("[loopback]\nout = 3\nin = 4\n", "")
}

/// Mouth to POI, POI to the left ear (10 dB down), mouth to the right ear, loopback to loopback.
fn straight() -> Wiring {
    Box::new(|out, input| {
        for (from, to) in out.chunks_exact(3).zip(input.chunks_exact_mut(4)) {
            to.copy_from_slice(&[from[0], 0.3125 * from[1], from[0], from[2]]);
        }
    })
}

fn hosted(text: &str, latency: usize, faults: Vec<LoopFault>, wiring: Wiring) -> LiveBench {
    with_clock(text, latency, faults, wiring).0
}

fn with_clock(text: &str, latency: usize, faults: Vec<LoopFault>, wiring: Wiring) -> (LiveBench, LoopClock) {
    let (host, clock) =
        LoopHost::new(LoopSpec { outputs: 3, inputs: 4, rate: 48_000, latency, faults, wiring });
    let system = AudioSystem::custom(host.into_cpal(), Arc::new(clock.clone()));
    (LiveBench::new(&desk(text), Arc::new(system)), clock)
}

fn noise(seed: u64, frames: usize) -> Vec<f32> {
    let mut random = Random::new(seed);
    (0..frames).map(|_| (0.5 * (random.uniform() - 0.5)) as f32).collect()
}

const DURATION: usize = 96_000;

fn busy_take() -> RenderedTake {
    let tracks = [("mouth", noise(1, DURATION)), ("poi.receive", noise(2, DURATION))];
    take(DURATION as u64, &tracks, &["poi.send", "ear.left", "ear.right"])
}

/// Opens, records one take, closes.
fn record(bench: &mut LiveBench) -> Result<(Certificate, Memory), BenchError> {
    let mut sink = Memory::default();
    bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none())?;
    let certificate = bench.take(&busy_take(), &mut sink, &StopFlag::default());
    bench.close()?;
    Ok((certificate?, sink))
}

fn assert_bit_exact(sink: &Memory) {
    let expected = [
        ("poi.send", noise(1, DURATION)),
        ("ear.left", noise(2, DURATION).iter().map(|x| 0.3125 * x).collect()),
        ("ear.right", noise(1, DURATION)),
    ];
    for (port, track) in expected {
        assert!(sink.tracks[&Port::of(port)] == track, "{port} is not what was played");
    }
}

#[test]
fn a_live_bench_keeps_the_promises_of_a_bench() {
    suite::hold(&mut hosted(BENCH, 700, Vec::new(), straight()), Bandwidth::Wb);
    suite::hold(&mut hosted(&without_loopback(), 0, Vec::new(), straight()), Bandwidth::Wb);
}

#[test]
fn a_take_through_the_loopback_is_bit_exact_whatever_the_latency() {
    for latency in [0, 1, 479, 12_345, 100_000] {
        let (certificate, sink) = record(&mut hosted(BENCH, latency, Vec::new(), straight())).unwrap();
        assert_eq!(certificate.grade, Grade::Good, "{latency}: {certificate:?}");
        assert_eq!(certificate.offset_frames, latency as f64, "{certificate:?}");
        assert_eq!((certificate.lost_frames, certificate.repeated_frames), (0, 0));
        assert_eq!(certificate.drift_ppm, 0.0);
        assert_bit_exact(&sink);
        assert_eq!(sink.tracks[&Port::of("loopback")].len(), DURATION);
    }
}

/// Frames of the capture stream before the first frame of the first take: what ran while the streams started (one
/// advance of the clock), the latency, the lead of the code.
const FIRST: u64 = 4_800 + LEAD as u64;

#[test]
fn a_block_that_the_interface_loses_is_located_and_counted() {
    let faults = vec![LoopFault::Lose { at: FIRST + 30_000, frames: 480 }];
    let (certificate, _) = record(&mut hosted(BENCH, 0, faults, straight())).unwrap();
    assert_eq!(certificate.grade, Grade::Bad);
    assert_eq!((certificate.lost_frames, certificate.repeated_frames), (480, 0), "{certificate:?}");
    assert!(certificate.note.contains("480 lost at frame 30000 (0.6250 s)"), "{}", certificate.note);
}

#[test]
fn a_block_that_comes_twice_is_located_and_counted() {
    let faults = vec![LoopFault::Repeat { at: FIRST + 500 + 30_001, frames: 97 }];
    let (certificate, _) = record(&mut hosted(BENCH, 500, faults, straight())).unwrap();
    assert_eq!(certificate.grade, Grade::Bad);
    assert_eq!((certificate.lost_frames, certificate.repeated_frames), (0, 97), "{certificate:?}");
    assert!(certificate.note.contains("97 repeated or inserted at frame 30001"), "{}", certificate.note);
}

#[test]
fn a_loss_outside_of_the_take_does_not_touch_it() {
    // In the lead, before what is looked for: the take itself is whole.
    let faults = vec![LoopFault::Lose { at: 4_800 + 1_000, frames: 480 }];
    let (certificate, sink) = record(&mut hosted(BENCH, 0, faults, straight())).unwrap();
    assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
    assert_eq!(certificate.offset_frames, -480.0);
    assert_bit_exact(&sink);
}

#[test]
fn a_reported_loss_that_the_code_does_not_show_is_a_remark() {
    let faults = vec![LoopFault::Xrun { at: FIRST + 20_000 }];
    let (certificate, sink) = record(&mut hosted(BENCH, 0, faults.clone(), straight())).unwrap();
    assert_eq!(certificate.grade, Grade::Good);
    assert!(certificate.note.contains("reported 1 lost block"), "{}", certificate.note);
    assert_bit_exact(&sink);
    // Without loopback nothing clears it.
    let (certificate, _) = record(&mut hosted(&without_loopback(), 0, faults, straight())).unwrap();
    assert_eq!(certificate.grade, Grade::Bad);
    assert!(certificate.note.contains("reported 1 lost block"), "{}", certificate.note);
}

#[test]
fn a_dead_loopback_is_bad_and_the_take_is_recorded_all_the_same() {
    let dead: Wiring = Box::new(|out, input| {
        for (from, to) in out.chunks_exact(3).zip(input.chunks_exact_mut(4)) {
            to.copy_from_slice(&[from[0], 0.0, 0.0, 0.0]);
        }
    });
    let (certificate, sink) = record(&mut hosted(BENCH, 0, Vec::new(), dead)).unwrap();
    assert_eq!(certificate.grade, Grade::Bad);
    for part in ["output 3", "input 4", "cable"] {
        assert!(certificate.note.contains(part), "{}", certificate.note);
    }
    assert!(sink.tracks[&Port::of("poi.send")] == noise(1, DURATION));
}

#[test]
fn a_loopback_that_dies_during_the_take_is_bad_from_there_on() {
    let mut frames = 0;
    let dying: Wiring = Box::new(move |out, input| {
        for (from, to) in out.chunks_exact(3).zip(input.chunks_exact_mut(4)) {
            let is_dead = frames >= FIRST + 48_000;
            to.copy_from_slice(&[from[0], 0.0, 0.0, if is_dead { 0.0 } else { from[2] }]);
            frames += 1;
        }
    });
    let (certificate, _) = record(&mut hosted(BENCH, 0, Vec::new(), dying)).unwrap();
    assert_eq!(certificate.grade, Grade::Bad);
    assert!(certificate.note.contains("at frame 48000"), "{}", certificate.note);
}

#[test]
fn an_overloaded_input_of_the_bench_is_bad_and_a_full_network_is_not() {
    let loud = |channel: usize| -> Wiring {
        Box::new(move |out, input| {
            for (from, to) in out.chunks_exact(3).zip(input.chunks_exact_mut(4)) {
                to.copy_from_slice(&[from[0], from[1], from[0], from[2]]);
                to[channel] *= 8.0;
            }
        })
    };
    let (certificate, _) = record(&mut hosted(BENCH, 0, Vec::new(), loud(1))).unwrap();
    assert_eq!(certificate.grade, Grade::Bad);
    assert_eq!(certificate.overloaded, [Port::of("ear.left")]);
    assert!(certificate.note.contains("overloaded on ear.left"), "{}", certificate.note);
    // Clipping at the POI is the car's.
    let (certificate, _) = record(&mut hosted(BENCH, 0, Vec::new(), loud(0))).unwrap();
    assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
    // Unless the file says that an analog converter stands there.
    let analog = BENCH.replace("name = \"poi.send\"\n", "name = \"poi.send\"\nconverter = \"analog\"\n");
    let (certificate, _) = record(&mut hosted(&analog, 0, Vec::new(), loud(0))).unwrap();
    assert_eq!(certificate.overloaded, [Port::of("poi.send")]);
}

#[test]
fn a_disk_that_hangs_makes_the_ring_run_over_and_the_take_bad() {
    /// Lets eight seconds of sound pass at one block.
    struct Hanging(LoopClock, usize);
    impl CaptureSink for Hanging {
        fn write(&mut self, _: &Port, _: &[f32]) -> Result<(), SinkError> {
            self.1 += 1;
            if self.1 == 20 {
                self.0.advance(8 * 48_000);
            }
            Ok(())
        }
    }
    for text in [BENCH.to_owned(), without_loopback()] {
        let (mut bench, clock) = with_clock(&text, 0, Vec::new(), straight());
        bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).unwrap();
        let long = take(480_000, &[("mouth", noise(1, 480_000))], &["poi.send"]);
        let certificate = bench.take(&long, &mut Hanging(clock, 0), &StopFlag::default()).unwrap();
        assert_eq!(certificate.grade, Grade::Bad, "{certificate:?}");
        assert!(certificate.lost_frames > 48_000, "{certificate:?}");
        assert!(certificate.note.contains("found no room"), "{}", certificate.note);
    }
}

#[test]
fn without_a_loopback_the_certificate_is_weak_and_says_why() {
    let (certificate, sink) = record(&mut hosted(&without_loopback(), 240, Vec::new(), straight())).unwrap();
    assert_eq!(certificate.grade, Grade::Weak);
    assert!(certificate.note.contains("no loopback pair"), "{}", certificate.note);
    assert!(!sink.tracks.contains_key(&Port::of("loopback")));
    // The latency stays in the recording.
    let sent = &sink.tracks[&Port::of("poi.send")];
    assert!(sent[..240].iter().all(|x| *x == 0.0));
    assert!(sent[240..] == noise(1, DURATION)[..DURATION - 240]);
}

#[test]
fn an_interface_that_delivers_nothing_is_an_error_in_bounded_time() {
    for at in [0, FIRST + 10_000] {
        let began = Instant::now();
        let mut bench = hosted(BENCH, 0, vec![LoopFault::Stall { at }], straight());
        let error = record(&mut bench).expect_err("it stalls");
        assert_eq!(error.failure(), Failure::AskOperator, "{error}");
        assert!(error.to_string().contains("loop:wire") && error.to_string().contains("2 s"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}

#[test]
fn an_interface_that_is_unplugged_is_for_the_operator() {
    let mut bench = hosted(BENCH, 0, vec![LoopFault::Unplug { at: FIRST + 10_000 }], straight());
    let error = record(&mut bench).expect_err("it is gone");
    assert_eq!(error.failure(), Failure::AskOperator, "{error}");
    assert!(error.to_string().contains("is gone"), "{error}");
    assert_eq!(bench.close(), Ok(()));
}

#[test]
fn a_stop_is_seen_while_an_interface_is_silent() {
    let mut bench = hosted(BENCH, 0, vec![LoopFault::Stall { at: FIRST + 10_000 }], straight());
    bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).unwrap();
    let stop = StopFlag::default();
    let asked = std::thread::spawn({
        let stop = stop.clone();
        move || {
            std::thread::sleep(Duration::from_millis(300));
            stop.stop();
            Instant::now()
        }
    });
    assert_eq!(bench.take(&busy_take(), &mut Memory::default(), &stop), Err(BenchError::Stopped));
    let seen = Instant::now();
    assert!(seen - asked.join().unwrap() < Duration::from_millis(100));
}

#[test]
fn takes_of_one_call_share_the_streams() {
    let (mut bench, clock) = with_clock(BENCH, 960, Vec::new(), straight());
    bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).unwrap();
    for pause in [0, 48_000, 480_000] {
        // While nobody reads the ring runs over; what is lost then belongs to no take.
        clock.advance(pause);
        let mut sink = Memory::default();
        let certificate = bench.take(&busy_take(), &mut sink, &StopFlag::default()).unwrap();
        assert_eq!((certificate.grade, certificate.offset_frames), (Grade::Good, 960.0), "{certificate:?}");
        assert_bit_exact(&sink);
    }
}

#[test]
fn telemetry_tells_progress_and_levels() {
    let mut bench = hosted(BENCH, 0, Vec::new(), straight());
    let (sender, heard) = sync_channel(1_000);
    bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::new(sender)).unwrap();
    bench.take(&busy_take(), &mut Memory::default(), &StopFlag::default()).unwrap();
    let all: Vec<Telemetry> = heard.try_iter().collect();
    let done = all.iter().filter_map(|one| match one {
        Telemetry::TakeProgress { done, total, .. } => Some((*done, *total)),
        _ => None,
    });
    let done: Vec<_> = done.collect();
    // Two seconds, ten times a second.
    assert!((15..=25).contains(&done.len()) && done.is_sorted(), "{done:?}");
    assert!(done.iter().all(|one| one.1 == DURATION as u64));
    let level = all.iter().rev().find_map(|one| match one {
        Telemetry::Levels { levels } => levels.get(&Port::of("ear.right")).copied(),
        _ => None,
    });
    // White noise between ±0.25: −16.8 dBov, peaks at −12.0.
    let (rms, peak) = level.expect("levels are told");
    assert!((rms + 16.8).abs() < 0.3 && (peak + 12.04).abs() < 0.05, "{rms} {peak}");
}

#[test]
fn an_interface_on_its_own_thread_and_clock_is_recorded_bit_exact() {
    /// A clock that nobody advances by waiting.
    struct Elsewhere;
    impl Pace for Elsewhere {
        fn wait(&self) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let spec = LoopSpec {
        outputs: 3,
        inputs: 4,
        rate: 48_000,
        latency: 333,
        faults: Vec::new(),
        wiring: straight(),
    };
    let (host, clock): (LoopHost, LoopClock) = LoopHost::new(spec);
    let system = AudioSystem::custom(host.into_cpal(), Arc::new(Elsewhere));
    let mut bench = LiveBench::new(&desk(BENCH), Arc::new(system));
    let stop = StopFlag::default();
    let driver = std::thread::spawn({
        let stop = stop.clone();
        move || {
            while !stop.is_set() {
                clock.advance(480);
                // Five times faster than sound.
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    });
    let result = record(&mut bench);
    stop.stop();
    driver.join().unwrap();
    let (certificate, sink) = result.unwrap();
    assert_eq!((certificate.grade, certificate.offset_frames), (Grade::Good, 333.0), "{certificate:?}");
    assert_bit_exact(&sink);
}

#[test]
fn what_an_interface_cannot_do_is_said_before_a_call_opens() {
    let refused = |from: &str, to: &str| {
        let mut bench = hosted(&BENCH.replacen(from, to, 1), 0, Vec::new(), straight());
        let error =
            bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).expect_err("it is refused");
        (error.failure(), error.to_string())
    };
    let (failure, text) = refused("channel = 2", "channel = 7");
    assert!(failure == Failure::StopRun && text.contains("plays 3 channels") && text.contains('7'), "{text}");
    let (failure, text) = refused("capture = \"loop:wire\"", "capture = \"loop:cable\"");
    assert!(failure == Failure::AskOperator && text.contains("loop:cable"), "{text}");
    let mut bench = hosted(BENCH, 0, Vec::new(), straight());
    let error = bench.open(&epoch(Bandwidth::Fb, 0), &TelemetrySender::none()).expect_err("it is WB");
    assert!(error.to_string().contains("carries WB calls, not FB"), "{error}");
}

#[test]
fn the_wire_of_the_program_is_a_bench_too() {
    let maker = LiveBenchMaker::new(desk(BENCH)).unwrap();
    assert_eq!(maker.parallel_max(), 1);
    let mut bench = maker.make().unwrap();
    bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).unwrap();
    let mut sink = Memory::default();
    // Output 3 goes to input 3, where no loopback is expected: the wire shows a wrong loopback.
    let certificate = bench.take(&busy_take(), &mut sink, &StopFlag::default()).unwrap();
    assert_eq!(certificate.grade, Grade::Bad, "{certificate:?}");
    // Nothing is wired to the right ear, as a digital one may have it.
    let silent = "name = \"ear.right\"\nconverter = \"digital\"\n";
    let right = BENCH.replace("out = 3", "out = 4").replace("name = \"ear.right\"\n", silent);
    let maker = LiveBenchMaker::new(desk(&right)).unwrap();
    let mut bench = maker.make().unwrap();
    bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).unwrap();
    let certificate = bench.take(&busy_take(), &mut sink, &StopFlag::default()).unwrap();
    assert_eq!((certificate.grade, certificate.offset_frames), (Grade::Good, 960.0), "{certificate:?}");
    let unknown = BENCH.replace("loop:wire", "soundblaster:1");
    let error = LiveBenchMaker::new(desk(&unknown)).err().unwrap();
    assert!(error.to_string().contains("soundblaster") && error.to_string().contains("loop"), "{error}");
}

/// Outputs 4 to 6 are loudspeakers for noise; input 5 is a microphone that hears all three.
fn noisy_bench() -> String {
    let port = |name: &str, direction: &str, channel: u32| {
        format!(
            "[[port]]\nname = \"{name}\"\ndirection = \"{direction}\"\nchannel = {channel}\nnominal = \"20 dBPa\"\n"
        )
    };
    let ports = [
        port("noise.1", "out", 4),
        port("noise.2", "out", 5),
        port("noise.sub", "out", 6),
        port("mic.reference", "in", 5),
    ];
    BENCH.to_owned() + &ports.concat()
}

fn with_noise(frames: usize) -> RenderedEpoch {
    let turn = |seed| -> Arc<[f32]> { noise(seed, frames).iter().map(|x| 0.25 * x).collect() };
    let ports = [("noise.1", 11), ("noise.2", 12), ("noise.sub", 13)];
    let sound =
        NoiseSound::Ports(ports.into_iter().map(|(port, seed)| (Port::of(port), turn(seed))).collect());
    let noise =
        RenderedNoise { signal: "n".to_owned(), recording: turn(11), sound, method_equivalent: false };
    RenderedEpoch { noise: Some(noise), ..epoch(Bandwidth::Wb, 0) }
}

fn noisy(latency: usize) -> (LiveBench, LoopClock) {
    let wiring: Wiring = Box::new(|out, input| {
        for (from, to) in out.chunks_exact(6).zip(input.chunks_exact_mut(5)) {
            to.copy_from_slice(&[from[0], from[1], from[0], from[2], from[3] + from[4] + from[5]]);
        }
    });
    let (host, clock) =
        LoopHost::new(LoopSpec { outputs: 6, inputs: 5, rate: 48_000, latency, faults: Vec::new(), wiring });
    let system = AudioSystem::custom(host.into_cpal(), Arc::new(clock.clone()));
    (LiveBench::new(&desk(&noisy_bench()), Arc::new(system)), clock)
}

#[test]
fn calls_share_the_streams_unless_a_noise_begins_or_ends() {
    let (mut bench, clock) = noisy(700);
    let quiet = epoch(Bandwidth::Wb, 0);
    let loud = with_noise(96_000);
    for (call, streams) in [(&quiet, 2), (&quiet, 2), (&loud, 4), (&loud, 6), (&quiet, 8), (&quiet, 8)] {
        bench.open(call, &TelemetrySender::none()).unwrap();
        let mut sink = Memory::default();
        let certificate = bench.take(&busy_take(), &mut sink, &StopFlag::default()).unwrap();
        assert_eq!((certificate.grade, certificate.offset_frames), (Grade::Good, 700.0), "{certificate:?}");
        assert!(sink.tracks[&Port::of("poi.send")] == noise(1, DURATION));
        bench.close().unwrap();
        // The ring runs over while there is no call; what is lost then belongs to no take.
        clock.advance(480_000);
        assert_eq!(clock.streams(), streams);
    }
    // What is wrong with streams on which a take failed need not have been said.
    bench.open(&quiet, &TelemetrySender::none()).unwrap();
    let stop = StopFlag::default();
    stop.stop();
    assert!(bench.take(&busy_take(), &mut Memory::default(), &stop).is_err());
    bench.close().unwrap();
    bench.open(&quiet, &TelemetrySender::none()).unwrap();
    assert_eq!(clock.streams(), 10);
}

#[test]
fn a_background_noise_runs_from_before_the_call_through_every_take_without_a_gap() {
    // Longer than all that is played, so that a place in it is a time.
    let frames = 1_200_000;
    let epoch = with_noise(frames);
    let turn: Vec<f32> = {
        let Some(RenderedNoise { sound: NoiseSound::Ports(ports), .. }) = &epoch.noise else { panic!() };
        let at = |n: usize| ports.values().map(|track| track[n]).fold(0.0f32, |sum, x| sum + x);
        (0..frames).map(at).collect()
    };
    let (mut bench, _) = noisy(700);
    bench.open(&epoch, &TelemetrySender::none()).unwrap();
    let spoken = take(DURATION as u64, &[("mouth", noise(1, DURATION))], &["poi.send", "mic.reference"]);
    let mut begins = Vec::new();
    for _ in 0..3 {
        let mut sink = Memory::default();
        let certificate = bench.take(&spoken, &mut sink, &StopFlag::default()).unwrap();
        assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
        assert!(sink.tracks[&Port::of("poi.send")] == noise(1, DURATION), "the noise is in the mouth");
        let heard = &sink.tracks[&Port::of("mic.reference")];
        let begin = (0..frames - DURATION).find(|n| turn[*n..*n + 8] == heard[..8]).expect("it is the noise");
        assert!(turn[begin..begin + DURATION] == heard[..], "the noise has a gap");
        begins.push(begin as u64);
    }
    // It sounded for a while before the call, and went on between the takes.
    assert!(begins[0] >= NOISE_LEAD, "{begins:?}");
    assert!(begins.windows(2).all(|pair| pair[1] >= pair[0] + DURATION as u64), "{begins:?}");
    bench.close().unwrap();
    // A call without noise is silent.
    bench.open(&suite::epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).unwrap();
    let mut sink = Memory::default();
    bench.take(&spoken, &mut sink, &StopFlag::default()).unwrap();
    assert!(sink.tracks[&Port::of("mic.reference")].iter().all(|x| *x == 0.0));
    // And one with noise after one that was not closed has it.
    bench.open(&epoch, &TelemetrySender::none()).unwrap();
    let mut sink = Memory::default();
    bench.take(&spoken, &mut sink, &StopFlag::default()).unwrap();
    assert!(sink.tracks[&Port::of("mic.reference")].iter().any(|x| *x != 0.0));
}

#[test]
fn a_noise_that_the_bench_cannot_play_is_refused() {
    let refused = |bench: &mut LiveBench, epoch: &RenderedEpoch| {
        let error = bench.open(epoch, &TelemetrySender::none()).unwrap_err();
        assert_eq!(error.failure(), Failure::StopRun);
        error.to_string()
    };
    let error = refused(&mut hosted(BENCH, 0, Vec::new(), straight()), &with_noise(48_000));
    assert!(error.contains("on port noise.1"), "{error}");
    let mut empty = with_noise(0);
    let error = refused(&mut noisy(0).0, &empty);
    assert!(error.contains("is empty"), "{error}");
    if let Some(noise) = &mut empty.noise {
        noise.sound = NoiseSound::Points(std::collections::BTreeMap::new());
    }
    let error = refused(&mut noisy(0).0, &empty);
    assert!(error.contains("simulated cabin"), "{error}");
}
