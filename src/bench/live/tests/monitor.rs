//! What leaves a live bench for the monitor: the sound of its ports, in a take and without one, and nothing else changes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use super::*;
use crate::bench::live::inputs;
use crate::bench::noise::NoiseSound;
use crate::bench::tap::{Sound, SoundSender, Wanted, Wish};
use crate::event::Side;

fn sounds(wish: Wish) -> (TelemetrySender, Receiver<Sound>) {
    let wanted = Wanted::default();
    wanted.set(wish);
    let (channel, heard) = sync_channel(10_000);
    (TelemetrySender::none().with_sounds(SoundSender::new(channel, wanted)), heard)
}

fn ports(names: &[&'static str]) -> Wish {
    Wish::Ports(names.iter().map(|name| Port::of(name)).collect())
}

/// The sound of a port, put together; every block goes on where the one before ended.
fn joined(all: &[Sound], port: &'static str, side: Side) -> Vec<f32> {
    let (mut track, mut next) = (Vec::new(), None);
    for sound in all.iter().filter(|one| one.port == Port::of(port) && one.side == side) {
        assert!(next.is_none_or(|next| next == sound.at), "{port} has a gap at {}", sound.at);
        next = Some(sound.at + sound.samples.len() as u64);
        track.extend_from_slice(&sound.samples);
    }
    track
}

/// Where a piece lies in a track.
fn place(piece: &[f32], track: &[f32]) -> Option<usize> {
    track.windows(piece.len()).position(|window| window == piece)
}

#[test]
fn the_sound_of_a_take_is_what_was_recorded_and_what_was_played() {
    let mut bench = hosted(BENCH, 960, Vec::new(), straight());
    let (telemetry, heard) = sounds(Wish::All);
    bench.open(&epoch(Bandwidth::Wb, 0), &telemetry).unwrap();
    let mut sink = Memory::default();
    bench.take(&busy_take(), &mut sink, &StopFlag::default()).unwrap();
    bench.close().unwrap();
    assert_bit_exact(&sink);
    let all: Vec<Sound> = heard.try_iter().collect();
    for port in ["poi.send", "ear.left", "ear.right"] {
        let told = joined(&all, port, Side::Recorded);
        let track = &sink.tracks[&Port::of(port)];
        let at = place(&track[..2_000], &told).unwrap_or_else(|| panic!("{port} is not told"));
        // All of it but what did not fill a block at the end.
        let count = (told.len() - at).min(track.len());
        assert!(count > DURATION - 960 && told[at..at + count] == track[..count], "{port}");
    }
    assert!(!joined(&all, "loopback", Side::Recorded).is_empty());
    let take = busy_take();
    for port in ["mouth", "poi.receive"] {
        let played: Vec<&Sound> = all.iter().filter(|one| one.port == Port::of(port)).collect();
        assert!(played.iter().all(|one| one.side == Side::Played));
        let told = joined(&all, port, Side::Played);
        assert!(told.len() > DURATION - 960 && told[..] == take.tracks[&Port::of(port)][..told.len()]);
        // It is told at the frame at which it is heard: through the straight wire the ear has the same there.
        let (hears, factor) = if port == "mouth" { ("ear.right", 1.0) } else { ("ear.left", 0.3125) };
        let ear = joined(&all, hears, Side::Recorded);
        let first = all.iter().find(|one| one.port == Port::of(hears)).unwrap().at;
        let from = (played[0].at - first) as usize;
        let same = told.iter().zip(&ear[from..]).take(50_000).all(|(mouth, ear)| mouth * factor == *ear);
        assert!(same, "{port} is told at another frame than it is heard at");
    }
}

#[test]
fn only_what_is_wanted_is_told_and_captures_are_the_same() {
    let mut bench = hosted(BENCH, 960, Vec::new(), straight());
    let (telemetry, heard) = sounds(ports(&["ear.left"]));
    bench.open(&epoch(Bandwidth::Wb, 0), &telemetry).unwrap();
    let mut sink = Memory::default();
    let certificate = bench.take(&busy_take(), &mut sink, &StopFlag::default()).unwrap();
    let all: Vec<Sound> = heard.try_iter().collect();
    assert!(!all.is_empty() && all.iter().all(|one| one.port == Port::of("ear.left")));
    let (without, bare) = record(&mut hosted(BENCH, 960, Vec::new(), straight())).unwrap();
    assert_eq!(certificate, without);
    assert!(sink.tracks == bare.tracks, "being watched has changed a capture");
    let (telemetry, heard) = sounds(Wish::default());
    bench.open(&epoch(Bandwidth::Wb, 0), &telemetry).unwrap();
    bench.take(&busy_take(), &mut Memory::default(), &StopFlag::default()).unwrap();
    assert_eq!(heard.try_iter().count(), 0);
}

#[test]
fn a_loudspeaker_of_the_noise_is_told_with_its_turn() {
    let text = format!(
        "{BENCH}[[port]]\nname = \"noise.1\"\ndirection = \"out\"\nchannel = 4\nnominal = \"20 dBPa\"\n"
    );
    let wiring: Wiring = Box::new(|_, input| input.fill(0.0));
    let (host, clock) = LoopHost::new(LoopSpec {
        outputs: 4,
        inputs: 4,
        rate: 48_000,
        latency: 0,
        faults: Vec::new(),
        wiring,
    });
    let system = AudioSystem::custom(host.into_cpal(), Arc::new(clock));
    let mut bench = LiveBench::new(&desk(&text), Arc::new(system));
    let turn: Arc<[f32]> = noise(3, 7_000).into();
    let noise = RenderedNoise {
        signal: "wind".to_owned(),
        recording: Arc::clone(&turn),
        sound: NoiseSound::Ports([(Port::of("noise.1"), Arc::clone(&turn))].into()),
        method_equivalent: false,
    };
    let (telemetry, heard) = sounds(ports(&["noise.1"]));
    bench.open(&RenderedEpoch { noise: Some(noise), ..epoch(Bandwidth::Wb, 0) }, &telemetry).unwrap();
    bench.take(&busy_take(), &mut Memory::default(), &StopFlag::default()).unwrap();
    bench.close().unwrap();
    let all: Vec<Sound> = heard.try_iter().collect();
    let told = joined(&all, "noise.1", Side::Played);
    let at = all[0].at as usize;
    assert!(told.len() > DURATION);
    assert!(told.iter().enumerate().all(|(n, x)| *x == turn[(at + n) % turn.len()]));
}

/// Watches the inputs of a bench until so many blocks were heard.
fn watched(
    text: &str,
    faults: Vec<LoopFault>,
    wiring: Wiring,
    blocks: usize,
) -> (Result<(), BenchError>, Vec<Sound>) {
    let (host, clock) =
        LoopHost::new(LoopSpec { outputs: 3, inputs: 4, rate: 48_000, latency: 0, faults, wiring });
    let system = AudioSystem::custom(host.into_cpal(), Arc::new(clock));
    let (telemetry, heard) = sounds(Wish::All);
    let stop = StopFlag::default();
    std::thread::scope(|scope| {
        let (stop_it, mut all) = (stop.clone(), Vec::new());
        let listener = scope.spawn(move || {
            while let Ok(sound) = heard.recv() {
                all.push(sound);
                if all.len() >= blocks {
                    stop_it.stop();
                }
            }
            all
        });
        let result = inputs::watch(&desk(text).spec, &system, &telemetry, &stop);
        drop(telemetry);
        (result, listener.join().expect("the listener ends"))
    })
}

#[test]
fn inputs_are_heard_without_a_run_and_nothing_is_played() {
    let loud = Arc::new(AtomicUsize::new(0));
    let (seen, mut frame) = (Arc::clone(&loud), 0u32);
    let wiring: Wiring = Box::new(move |out, input| {
        seen.fetch_add(out.iter().filter(|x| **x != 0.0).count(), Ordering::SeqCst);
        for frames in input.chunks_exact_mut(4) {
            frames[1] = (frame as f32 * 0.01).sin();
            frame += 1;
        }
    });
    let (result, all) = watched(BENCH, Vec::new(), wiring, 60);
    assert_eq!(result, Ok(()));
    let ear = joined(&all, "ear.left", Side::Recorded);
    assert!(ear.len() > 4_800);
    assert!(ear.iter().enumerate().all(|(n, x)| *x == (n as f32 * 0.01).sin()));
    for port in ["poi.send", "ear.right", "loopback"] {
        assert!(joined(&all, port, Side::Recorded).len() > 4_800, "{port}");
    }
    assert!(all.iter().all(|one| one.side == Side::Recorded));
    assert_eq!(loud.load(Ordering::SeqCst), 0, "something was played");
    assert_eq!(
        inputs::ports(&desk(BENCH).spec).iter().map(Port::name).collect::<Vec<_>>(),
        ["ear.left", "ear.right", "loopback", "poi.send"]
    );
}

#[test]
fn an_interface_that_goes_away_ends_the_watching_with_a_remedy() {
    let gone = vec![LoopFault::Unplug { at: 9_600 }];
    let (result, _) = watched(BENCH, gone, straight(), usize::MAX);
    let error = result.unwrap_err();
    assert!(matches!(error, BenchError::AskOperator(_)) && error.to_string().contains("is gone"), "{error}");
    let (result, _) = watched(BENCH, vec![LoopFault::Stall { at: 9_600 }], straight(), usize::MAX);
    let error = result.unwrap_err().to_string();
    assert!(error.contains("delivered nothing for 2 s while its inputs were watched"), "{error}");
}
