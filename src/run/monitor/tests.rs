//! The monitor on the audio host inside the program: readings against known tones, and listening that touches nothing.

#![expect(clippy::unwrap_used, reason = "the whole module is tests")]

use std::f64::consts::TAU;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::bench::live::audio::loop_host::{LoopClock, LoopHost, LoopSpec, Wiring};
use crate::bench::live::audio::{AudioSystem, Pace};
use crate::bench::live::file::read_bench;
use crate::bench::live::take::LiveBench;
use crate::bench::suite::{Memory, epoch, take};
use crate::bench::{Bench, RenderedTake};
use crate::event::{Listened, Reading, Side, Standing, Telemetry};
use crate::plan::{BuiltIn, Folder, Sources};
use crate::signals::random::Random;
use crate::terms::Bandwidth;
use crate::units::Unit;

const RIG: &str = "example-loop";

/// The interface of the shipped bench: 16 outputs, 32 inputs.
fn host(wiring: Wiring) -> (LoopHost, LoopClock) {
    LoopHost::new(LoopSpec {
        outputs: 16,
        inputs: 32,
        rate: 48_000,
        latency: 960,
        faults: Vec::new(),
        wiring,
    })
}

fn system(wiring: Wiring) -> Arc<AudioSystem> {
    let (host, clock) = host(wiring);
    Arc::new(AudioSystem::custom(host.into_cpal(), Arc::new(clock)))
}

/// A tone at the left ear (input 2) and twenty dB less at the right one (input 18).
fn tones(amplitude: f64) -> Wiring {
    let mut n = 0u32;
    Box::new(move |_, input| {
        for frame in input.chunks_exact_mut(32) {
            let tone = amplitude * (TAU * 1_000.0 * f64::from(n) / 48_000.0).sin();
            (frame[1], frame[17]) = (tone as f32, (0.1 * tone) as f32);
            n += 1;
        }
    })
}

/// Watches the shipped bench until `is_enough`; what it read.
fn read_until(
    monitor: &Monitor,
    wiring: Wiring,
    is_enough: impl Fn(&[Arc<Reading>]) -> bool + Sync,
) -> Vec<Arc<Reading>> {
    let engine = Engine::new(Vec::new()).with_audio(system(wiring));
    let (stop, readings) = (StopFlag::default(), Mutex::new(Vec::new()));
    let listener = |update: Update<'_>| {
        if let Update::Telemetry(Telemetry::Reading(reading)) = update {
            let mut readings = readings.lock().unwrap();
            readings.push(Arc::clone(reading));
            if is_enough(&readings) {
                stop.stop();
            }
        }
    };
    engine.monitor(RIG, monitor, &listener, &stop).unwrap();
    readings.into_inner().unwrap()
}

fn last<'r>(readings: &'r [Arc<Reading>], port: &str) -> &'r Reading {
    readings.iter().rfind(|one| one.port.name() == port).unwrap()
}

#[test]
fn a_tone_at_an_input_is_read_as_its_record_says() {
    let monitor = Monitor::new();
    monitor.watch_all();
    monitor.analyze([Port::of("ear.left")]);
    let enough = |readings: &[Arc<Reading>]| readings.iter().any(|one| one.unbroken_s > 1.0);
    let readings = read_until(&monitor, tones(0.1), enough);
    // The record of the ear says 20 dBPa: an amplitude of 0.1 is −3.01 dBPa.
    let left = last(&readings, "ear.left");
    assert_eq!(
        (left.unit, left.standing, left.record.as_str()),
        (Unit::DbPa, Standing::Calibrated, "example-ear")
    );
    assert!((left.level + 3.0103).abs() < 0.02, "{left:?}");
    assert!((left.level_a.unwrap() + 3.0103).abs() < 0.03, "{left:?}");
    assert!(left.peak.abs() < 0.01 && left.clipped == 0 && left.side == Side::Recorded, "{left:?}");
    let bands = &left.spectra.as_ref().unwrap().bands;
    let at = bands.nominal_hz.iter().position(|hz| *hz == 1_000.0).unwrap();
    assert!((bands.levels[at].unwrap() + 3.0103).abs() < 0.05, "{:?}", bands.levels[at]);
    assert!((last(&readings, "ear.right").level + 23.0103).abs() < 0.02);
    assert!(last(&readings, "ear.right").spectra.is_none(), "only what is asked for is analyzed");
    // The POI is in dBm0, and silent; the loopback has no plane.
    let poi = last(&readings, "poi.send");
    assert_eq!((poi.unit, poi.level, poi.level_a), (Unit::Dbm0, f64::NEG_INFINITY, None));
    assert_eq!(last(&readings, "loopback").unit, Unit::DbOv);
}

#[test]
fn full_scale_is_counted_and_only_what_is_watched_is_read() {
    let monitor = Monitor::new();
    monitor.watch([Port::of("ear.left")]);
    // The converter clips what is above full scale.
    let readings = read_until(&monitor, tones(2.0), |readings| readings.len() >= 3);
    assert!(readings.iter().all(|one| one.port.name() == "ear.left"));
    let one = readings.last().unwrap();
    assert!((one.peak - 20.0).abs() < 1e-6, "{one:?}");
    // Two thirds of a clipped sine of twice the amplitude are at full scale, ± the rounding of whole frames: 32 of 48.
    let frames = one.unbroken_s * 48_000.0;
    assert!((one.clipped as f64 / frames - 2.0 / 3.0).abs() < 0.03, "{} of {frames}", one.clipped);
}

#[test]
fn what_cannot_be_watched_is_refused_with_what_can() {
    let engine = Engine::new(Vec::new()).with_audio(system(tones(0.1)));
    let refused = |given: &str, monitor: &Monitor| {
        let error = engine.monitor(given, monitor, &|_| {}, &StopFlag::default()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        error.to_string()
    };
    let monitor = Monitor::new();
    monitor.watch([Port::of("ear.lefd")]);
    let text = refused(RIG, &monitor);
    for part in ["ear.lefd", "ear.left, ear.right, loopback, poi.send", "did you mean 'ear.left'"] {
        assert!(text.contains(part), "{text}");
    }
    // The mouth is played on.
    monitor.watch([]);
    monitor.listen(Some(Listening { port: Port::of("mouth"), interface: None, gain_db: 0.0 }));
    assert!(refused(RIG, &monitor).contains("in a run only"));
    monitor.listen(None);
    let text = refused("ideal-wb", &monitor);
    assert!(text.contains("'ideal-wb' is a virtual car") && text.contains("--listen"), "{text}");
    assert!(refused("nobody", &monitor).contains("nobody"));
}

fn sound(call: u64, at: u64, amplitude: f64, frames: usize) -> Sound {
    let sine = |n: usize| amplitude * (TAU * 1_000.0 * (at as f64 + n as f64) / 48_000.0).sin();
    Sound {
        call,
        port: Port::of("ear.left"),
        side: Side::Recorded,
        at,
        samples: (0..frames).map(|n| sine(n) as f32).collect(),
        overloaded: false,
    }
}

fn example() -> BenchInfo {
    let text = BuiltIn.read(Folder::Rigs, RIG).unwrap();
    read_bench(&text, &BuiltIn, crate::run::clock::today()).unwrap().info
}

/// What the meters make of these blocks, with a reading for each 100 ms of sound.
fn analyzed(blocks: Vec<Sound>) -> Vec<Arc<Reading>> {
    let (channel, heard) = sync_channel(blocks.len());
    for block in blocks {
        channel.send(block).unwrap();
    }
    drop(channel);
    let monitor = Monitor::new();
    monitor.analyze([Port::of("ear.left")]);
    let readings = Mutex::new(Vec::new());
    let listener = |update: Update<'_>| {
        if let Update::Telemetry(Telemetry::Reading(reading)) = update {
            readings.lock().unwrap().push(Arc::clone(reading));
        }
    };
    let (info, outlet) = (example(), Outlet::default());
    let analyst = Analyst::new(&monitor, &info, &outlet, &listener).at_the_pace_of_sound();
    analyst.work(&heard, &AtomicBool::new(false));
    readings.into_inner().unwrap()
}

#[test]
fn ten_readings_come_in_a_second_of_sound_and_a_lost_block_begins_them_anew() {
    let mut blocks: Vec<Sound> = (0..100).map(|n| sound(1, 960 * n, 0.5, 960)).collect();
    // One block is lost, and what follows it is 40 dB less.
    blocks.extend((101..106).map(|n| sound(1, 960 * n, 0.005, 960)));
    let readings = analyzed(blocks);
    assert_eq!(readings.len(), 21);
    let (before, after) = (&readings[19], &readings[20]);
    assert_eq!((before.gaps, before.unbroken_s), (0, 2.0));
    assert!(
        (before.level - (20.0 - 9.0309)).abs() < 0.02 && before.spectra.as_ref().unwrap().lines.is_some()
    );
    assert_eq!((after.gaps, after.unbroken_s), (1, 0.1));
    // Nothing of the loud sound is in it.
    assert!((after.level - (20.0 - 49.0309)).abs() < 0.05, "{}", after.level);
    assert!(after.spectra.as_ref().unwrap().lines.is_none());
}

#[test]
fn calls_side_by_side_are_not_mixed() {
    let blocks = (0..50).flat_map(|n| [sound(1, 960 * n, 0.5, 960), sound(2, 960 * n, 0.005, 960)]);
    let readings = analyzed(blocks.collect());
    assert_eq!(readings.len(), 10, "one of the two is followed");
    assert!(readings.iter().all(|one| one.gaps == 0 && (one.level - (20.0 - 9.0309)).abs() < 0.05));
}

/// Gives the other threads of the program time, so that ten times the speed of sound is the most.
struct Unhurried(LoopClock);

impl Pace for Unhurried {
    fn wait(&self) {
        std::thread::sleep(Duration::from_millis(10));
        self.0.wait();
    }
}

/// Outputs 1, 2 and 4 to the inputs of the shipped bench: mouth to POI, POI to both ears, loopback.
fn straight() -> Wiring {
    Box::new(|out, input| {
        for (from, to) in out.chunks_exact(16).zip(input.chunks_exact_mut(32)) {
            (to[0], to[1], to[17], to[3]) = (from[0], from[1], 0.5 * from[1], from[3]);
        }
    })
}

fn noisy_take() -> RenderedTake {
    let noise = |seed| {
        let mut random = Random::new(seed);
        (0..96_000).map(|_| (0.4 * (random.uniform() - 0.5)) as f32).collect::<Vec<f32>>()
    };
    take(96_000, &[("mouth", noise(1)), ("poi.receive", noise(2))], &["poi.send", "ear.left", "ear.right"])
}

/// Records a take while a port is listened to, or none: what was captured, what arrived at the phones, what was told.
fn recorded(listening: Option<Listening>) -> (Memory, Vec<f32>, Vec<Listened>) {
    let arrived = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&arrived);
    // Another interface, with two outputs: what is played there is kept.
    let (phones, phones_clock) = LoopHost::new(LoopSpec {
        outputs: 2,
        inputs: 1,
        rate: 48_000,
        latency: 0,
        faults: Vec::new(),
        wiring: Box::new(move |out, _| {
            let mut ears = ears.lock().unwrap();
            ears.extend(out.chunks_exact(2).map(|frame| {
                assert_eq!(frame[0], frame[1]);
                frame[0]
            }));
        }),
    });
    let (bench_host, clock) = host(straight());
    let mut system = AudioSystem::custom(bench_host.into_cpal(), Arc::new(Unhurried(clock)));
    system.put("phones", phones.into_cpal(), Arc::new(phones_clock));
    let system = Arc::new(system);
    let text = BuiltIn.read(Folder::Rigs, RIG).unwrap();
    let file = read_bench(&text, &BuiltIn, crate::run::clock::today()).unwrap();
    let outlet = Outlet::beside(&file.spec, Some(Arc::clone(&system)));
    let mut bench = LiveBench::new(&file, system);
    let monitor = Monitor::new();
    monitor.listen(listening);
    let (sounds, heard) = monitor.sounds();
    let told = Mutex::new(Vec::new());
    let listener = |update: Update<'_>| {
        if let Update::Telemetry(Telemetry::Listening(one)) = update {
            told.lock().unwrap().push(one.clone());
        }
    };
    let (mut sink, done) = (Memory::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (monitor, info, outlet, done, listener) = (&monitor, &file.info, &outlet, &done, &listener);
        scope.spawn(move || monitor.work(&heard, info, outlet, done, listener));
        let telemetry = TelemetrySender::none().with_sounds(sounds);
        bench.open(&epoch(Bandwidth::Wb, 0), &telemetry).unwrap();
        bench.take(&noisy_take(), &mut sink, &StopFlag::default()).unwrap();
        bench.close().unwrap();
        done.store(true, Ordering::SeqCst);
    });
    let arrived = arrived.lock().unwrap().clone();
    (sink, arrived, told.into_inner().unwrap())
}

fn on_phones(port: &'static str, gain_db: f64) -> Listening {
    Listening { port: Port::of(port), interface: Some("phones:wire".to_owned()), gain_db }
}

/// Whether a piece of what arrived, of 50 ms, is a piece of a track.
fn is_heard(arrived: &[f32], track: &[f32]) -> bool {
    let pieces = arrived.chunks_exact(2_400).filter(|piece| piece.iter().all(|x| *x != 0.0));
    pieces.into_iter().any(|piece| track.windows(piece.len()).any(|window| window == piece))
}

#[test]
fn listening_is_what_the_port_carries_and_captures_are_bit_identical() {
    let (bare, silence, told) = recorded(None);
    assert!(silence.is_empty() && told.is_empty(), "nothing is opened that nobody asked for");
    assert_eq!(bare.tracks[&Port::of("ear.left")].len(), 96_000);
    let (heard, arrived, told) = recorded(Some(on_phones("ear.left", 0.0)));
    assert!(heard.tracks == bare.tracks, "listening has changed a capture");
    assert!(is_heard(&arrived, &bare.tracks[&Port::of("ear.left")]), "the ear is not heard");
    assert!(!is_heard(&arrived, &bare.tracks[&Port::of("poi.send")]));
    let last = told.last().unwrap();
    assert_eq!(
        (last.port.name(), last.interface.as_str(), &last.problem),
        ("ear.left", "phones:wire", &None)
    );
    // What is played can be heard too: the mouth.
    let (heard, arrived, _) = recorded(Some(on_phones("mouth", 0.0)));
    assert!(heard.tracks == bare.tracks);
    assert!(is_heard(&arrived, &noisy_take().tracks[&Port::of("mouth")]), "the mouth is not heard");
}

#[test]
fn no_gain_lets_more_through_than_the_ceiling() {
    let (_, arrived, told) = recorded(Some(on_phones("ear.left", 60.0)));
    assert!(arrived.iter().all(|x| x.abs() <= 0.25) && arrived.contains(&0.25));
    assert!(told.last().unwrap().limited > 1_000, "{told:?}");
}

#[test]
fn where_the_bench_plays_nobody_listens_and_the_take_goes_on() {
    let wish = |interface: &str| {
        let (port, interface) = (Port::of("ear.left"), Some(interface.to_owned()));
        Some(Listening { port, interface, gain_db: 0.0 })
    };
    let (bare, ..) = recorded(None);
    for (interface, part) in [
        ("loop:wire", "would sound in the measurement"),
        ("phones:nothing", "no audio interface 'phones:nothing'"),
    ] {
        let (sink, arrived, told) = recorded(wish(interface));
        assert!(sink.tracks == bare.tracks && arrived.is_empty());
        assert!(told[0].problem.as_ref().unwrap().contains(part), "{told:?}");
    }
    let (_, _, told) = recorded(Some(on_phones("ear.nobody", 0.0)));
    assert!(told[0].problem.as_ref().unwrap().contains("has no port ear.nobody"), "{told:?}");
}

#[test]
fn what_is_asked_for_may_change_at_any_time() {
    let monitor = Monitor::new();
    let wanted = |name: &'static str| monitor.0.wanted.has(&Port::of(name));
    assert!(!wanted("ear.left"));
    monitor.watch([Port::of("ear.left")]);
    monitor.analyze([Port::of("ear.right")]);
    monitor.listen(Some(on_phones("mouth", 0.0)));
    assert!(wanted("ear.left") && wanted("ear.right") && wanted("mouth") && !wanted("poi.send"));
    monitor.watch([]);
    monitor.listen(None);
    assert!(!wanted("ear.left") && wanted("ear.right") && !wanted("mouth"));
    monitor.clone().watch_all();
    assert!(wanted("anything"), "all clones are one");
}
