//! Benches of more than one interface, of twice the rate, and of many channels.

use std::sync::Mutex;

use super::*;

/// Frames from the output of the first interface to the input of the second.
const BETWEEN: f64 = 2_000.0;

/// The bench with its ears and a loudspeaker on a second interface. Inputs there: left ear 1, right ear 2, code 3.
fn two_files() -> String {
    let on_second = |text: String, name: &str, channel: u32| {
        let (head, rest) = text.split_once(&format!("name = \"{name}\"")).expect("the port is bound");
        let (old, rest) = rest.split_once("channel = ").expect("it has a channel");
        let rest = rest.split_once('\n').expect("the line ends").1;
        format!("{head}name = \"{name}\"{old}channel = {channel}\ninterface = \"hats\"\n{rest}")
    };
    let second = "[[interface]]\nname = \"hats\"\ncapture = \"second:wire\"\nplayback = \"second:wire\"\nrate_hz = 48000\n\
                  buffer_frames = 256\nsync_in = 3\n[[port]]\nname = \"noise.1\"\ndirection = \"out\"\nchannel = 1\n\
                  nominal = \"20 dBPa\"\ninterface = \"hats\"\n";
    on_second(on_second(BENCH.to_owned(), "ear.left", 1), "ear.right", 2) + second
}

/// What the first interface has played: mouth, far end, code.
type Tape = Arc<Mutex<Vec<[f32; 3]>>>;

/// The tape between its frames, by a windowed sinc of 64 frames: 100 dB below a band of 0.9 of the rate's half.
fn at(tape: &[[f32; 3]], time: f64, track: usize) -> f32 {
    let first = time.floor() as i64 - 31;
    let sample = |index: i64| {
        let frame = usize::try_from(index).ok().and_then(|index| tape.get(index));
        let x = time - index as f64;
        let window = 0.42
            + 0.5 * (std::f64::consts::PI * x / 32.0).cos()
            + 0.08 * (std::f64::consts::TAU * x / 32.0).cos();
        let sinc = if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
        frame.map_or(0.0, |frame| f64::from(frame[track]) * sinc * window)
    };
    (first..first + 64).map(sample).sum::<f64>() as f32
}

/// Two interfaces; the clock of the second is slower by `ppm`, and it does something wrong.
fn two(ppm: f64, faults: Vec<LoopFault>) -> LiveBench {
    two_faulty(ppm, Vec::new(), faults)
}

/// [`two`], with what the first interface does wrong.
fn two_faulty(ppm: f64, of_first: Vec<LoopFault>, of_second: Vec<LoopFault>) -> LiveBench {
    let tape: Tape = Arc::default();
    let played = Arc::clone(&tape);
    let first: Wiring = Box::new(move |out, input| {
        let mut tape = played.lock().expect("nobody panicked");
        for (from, to) in out.chunks_exact(3).zip(input.chunks_exact_mut(4)) {
            tape.push([from[0], from[1], from[2]]);
            to.copy_from_slice(&[from[0], 0.0, 0.0, from[2]]);
        }
    });
    let mut frame = 0u64;
    let second: Wiring = Box::new(move |out, input| {
        let tape = tape.lock().expect("nobody panicked");
        for (from, to) in out.iter().zip(input.chunks_exact_mut(3)) {
            let time = frame as f64 * (1.0 + ppm * 1e-6) - BETWEEN;
            let heard = |track| {
                // Without a drift every frame stands on a frame.
                if ppm == 0.0 {
                    tape.get(time as usize).filter(|_| time >= 0.0).map_or(0.0, |one| one[track])
                } else {
                    at(&tape, time, track)
                }
            };
            to.copy_from_slice(&[heard(1), heard(0) + from, heard(2)]);
            frame += 1;
        }
    });
    let spec = |outputs, inputs, wiring, faults| LoopSpec {
        outputs,
        inputs,
        rate: 48_000,
        latency: 0,
        faults,
        wiring,
    };
    let (host, clock) = LoopHost::new(spec(3, 4, first, of_first));
    let mut system = AudioSystem::custom(host.into_cpal(), Arc::new(clock));
    let (host, clock) = LoopHost::new(spec(1, 3, second, of_second));
    system.put("second", host.into_cpal(), Arc::new(clock));
    LiveBench::new(&desk(&two_files()), Arc::new(system))
}

#[test]
fn two_interfaces_of_one_clock_are_recorded_as_one() {
    let (certificate, sink) = record(&mut two(0.0, Vec::new())).unwrap();
    assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
    assert_eq!(certificate.offset_frames, 0.0, "the offset is that of the main interface");
    // Both begin with the same frame, whatever lies between the interfaces.
    for (port, seed) in [("poi.send", 1), ("ear.left", 2), ("ear.right", 1)] {
        assert!(sink.tracks[&Port::of(port)] == noise(seed, DURATION), "{port} is not what was played");
    }
    let code = |name: &str| &sink.tracks[&Port::new(name).unwrap()];
    assert!(code("loopback") == code("loopback.hats"));
}

#[test]
fn a_promise_of_one_bench_is_one_of_several_interfaces() {
    suite::hold(&mut two(0.0, Vec::new()), Bandwidth::Wb);
}

/// Records ten seconds of [`tones`] at the POI, on the first interface, and at the right ear, on the second.
fn ten_seconds(bench: &mut LiveBench) -> (Certificate, Memory) {
    bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).expect("the call opens");
    let take = take(TEN as u64, &[("mouth", tones(TEN))], &["poi.send", "ear.right"]);
    let mut sink = Memory::default();
    let certificate = bench.take(&take, &mut sink, &StopFlag::default()).expect("it is recorded");
    (certificate, sink)
}

const TEN: usize = 480_000;

/// How far a recording, brought to the clock that played, is from what was played; but for its ends.
fn off(certificate: &Certificate, sink: &Memory, port: &'static str) -> f64 {
    let port = Port::of(port);
    let raw: Vec<f64> = sink.tracks[&port].iter().map(|x| f64::from(*x)).collect();
    let timed = match certificate.retiming(&port) {
        Some(by) => crate::dsp::resample::retimed(&raw, by.first, by.ratio, TEN),
        None => raw,
    };
    let apart = timed.iter().zip(tones(TEN)).map(|(heard, played)| (heard - f64::from(played)).abs());
    apart.skip(400).take(TEN - 800).fold(0.0, f64::max)
}

#[test]
fn each_interface_is_brought_to_the_clock_that_played_by_its_own_drift() {
    for (main, hats) in [(0, 23.4), (0, -150.0), (80_000, -31.0), (-120_000, 0.0)] {
        let of_first = if main == 0 { Vec::new() } else { vec![LoopFault::Drift { ppb: main }] };
        let (certificate, sink) = ten_seconds(&mut two_faulty(hats, of_first, Vec::new()));
        assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
        assert!((certificate.drift_ppm - f64::from(main) * 1e-3).abs() < 0.1, "{main}: {certificate:?}");
        let clock = &certificate.further[0];
        // A slower clock counts fewer frames for the same sound: what it hears comes ever earlier.
        assert!((clock.drift_ppm + hats).abs() < 0.1, "{hats}: {certificate:?}");
        assert_eq!((clock.interface.as_str(), clock.is_drift_corrected), ("hats", hats != 0.0));
        assert_eq!(certificate.is_drift_corrected, main != 0);
        assert_eq!((certificate.lost_frames, certificate.repeated_frames), (0, 0));
        // The tones have 0.25 together, and 18 kHz turns by 14° in a tenth of a frame.
        for port in ["poi.send", "ear.right"] {
            let off = off(&certificate, &sink, port);
            assert!(off < 0.05 * 0.24, "{main} and {hats} ppm, {port}: {off}");
        }
        // What is stored is what was heard.
        let untimed = Certificate { is_drift_corrected: false, further: Vec::new(), ..certificate.clone() };
        for (port, ppm) in [("poi.send", f64::from(main)), ("ear.right", hats)] {
            assert_eq!(off(&untimed, &sink, port) > 0.05, ppm != 0.0, "{port}");
        }
    }
}

#[test]
fn where_one_of_two_interfaces_cannot_be_corrected_nothing_is() {
    for (main, hats) in [(80_000, 260.0), (260_000, -31.0)] {
        let (certificate, _) =
            ten_seconds(&mut two_faulty(hats, vec![LoopFault::Drift { ppb: main }], Vec::new()));
        assert_eq!((certificate.grade, certificate.resampled_ppm()), (Grade::Bad, None), "{certificate:?}");
        assert!(certificate.note.contains("more than the 200 ppm"), "{}", certificate.note);
        for port in ["poi.send", "ear.right"] {
            assert_eq!(certificate.retiming(&Port::of(port)), None);
        }
    }
}

#[test]
fn a_block_that_the_second_interface_loses_is_told_with_its_name() {
    let at = 4_800 + LEAD as u64 + BETWEEN as u64 + 30_000;
    let (certificate, _) = record(&mut two(0.0, vec![LoopFault::Lose { at, frames: 480 }])).unwrap();
    assert_eq!(certificate.grade, Grade::Bad);
    assert_eq!((certificate.lost_frames, certificate.repeated_frames), (480, 0), "{certificate:?}");
    let (main, hats) = certificate.note.split_once("; hats: ").expect("it has its own part");
    assert!(!main.contains("lost") && hats.contains("480 lost at frame "), "{}", certificate.note);
}

#[test]
fn a_second_interface_that_dies_is_told_with_its_name() {
    for (fault, says) in [
        (LoopFault::Unplug { at: 40_000 }, "is gone"),
        (LoopFault::Stall { at: 40_000 }, "delivered nothing"),
        (LoopFault::Stall { at: 0 }, "delivered nothing"),
    ] {
        let error = record(&mut two(0.0, vec![fault])).expect_err("it dies");
        assert_eq!(error.failure(), Failure::AskOperator, "{error}");
        let text = error.to_string();
        assert!(text.contains("second:wire (hats)") && text.contains(says), "{text}");
    }
}

#[test]
fn a_noise_is_played_by_the_interface_that_its_loudspeaker_is_bound_on() {
    let mut bench = two(0.0, Vec::new());
    let turn: Arc<[f32]> = noise(9, 600_000).into();
    let sound = NoiseSound::Ports([(Port::of("noise.1"), Arc::clone(&turn))].into());
    let noise = RenderedNoise {
        signal: "n".to_owned(),
        recording: Arc::clone(&turn),
        sound,
        method_equivalent: false,
    };
    let epoch = RenderedEpoch { noise: Some(noise), ..epoch(Bandwidth::Wb, 0) };
    bench.open(&epoch, &TelemetrySender::none()).unwrap();
    let mut sink = Memory::default();
    let quiet =
        take(DURATION as u64, &[("poi.receive", super::noise(2, DURATION))], &["ear.left", "ear.right"]);
    let certificate = bench.take(&quiet, &mut sink, &StopFlag::default()).unwrap();
    assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
    let heard = &sink.tracks[&Port::of("ear.right")];
    let begin = (0..500_000).find(|n| turn[*n..*n + 8] == heard[..8]).expect("it is the noise");
    assert!(turn[begin..begin + DURATION] == heard[..], "the noise has a gap");
    assert!(begin as u64 >= NOISE_LEAD, "{begin}");
}

/// The bench at 96 kHz.
fn fast(latency: usize, faults: Vec<LoopFault>, wiring: Wiring) -> LiveBench {
    let text = BENCH.replace("rate_hz = 48000", "rate_hz = 96000");
    let spec = LoopSpec { outputs: 3, inputs: 4, rate: 96_000, latency, faults, wiring };
    let (host, clock) = LoopHost::new(spec);
    LiveBench::new(&desk(&text), Arc::new(AudioSystem::custom(host.into_cpal(), Arc::new(clock))))
}

/// Noise below 18 kHz, which both filters leave alone: a sum of sines.
fn tones(frames: usize) -> Vec<f32> {
    let tone = |n: usize| {
        let turn = std::f64::consts::TAU * n as f64 / 48_000.0;
        [201.0, 1_003.0, 4_999.0, 12_001.0, 17_989.0].iter().map(|hz| 0.05 * (hz * turn).sin()).sum::<f64>()
    };
    (0..frames).map(|n| tone(n) as f32).collect()
}

#[test]
fn an_interface_at_twice_the_rate_is_recorded_at_the_rate_of_the_bench() {
    for latency in [0, 960, 2_001] {
        let mut bench = fast(latency, Vec::new(), straight());
        bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).unwrap();
        let mut sink = Memory::default();
        let take = take(DURATION as u64, &[("mouth", tones(DURATION))], &["poi.send"]);
        let certificate = bench.take(&take, &mut sink, &StopFlag::default()).unwrap();
        assert_eq!(certificate.grade, Grade::Good, "{latency}: {certificate:?}");
        assert!(
            (certificate.offset_frames - latency as f64 / 2.0).abs() <= 0.5,
            "{latency}: {certificate:?}"
        );
        assert_eq!((certificate.lost_frames, certificate.repeated_frames), (0, 0));
        let heard = &sink.tracks[&Port::of("poi.send")];
        assert_eq!(heard.len(), DURATION);
        if latency % 2 == 0 {
            // 0.02 dB of each tone, but for the beginning and the end.
            let apart = heard.iter().zip(tones(DURATION)).map(|(a, b)| (a - b).abs());
            let worst = apart.skip(200).take(DURATION - 400).fold(0.0f32, f32::max);
            assert!(worst < 5.0 * 0.05 * 0.002, "{latency}: {worst}");
        }
    }
}

#[test]
fn at_twice_the_rate_losses_are_found_and_overloads_seen() {
    let at = 2 * (4_800 + LEAD as u64 + 30_000);
    let mut bench = fast(0, vec![LoopFault::Lose { at, frames: 960 }], straight());
    let (certificate, _) = record(&mut bench).unwrap();
    assert_eq!(
        (certificate.grade, certificate.lost_frames, certificate.repeated_frames),
        (Grade::Bad, 480, 0),
        "{certificate:?}"
    );
    // One frame at full scale: lowered, it is 3 dB and more below.
    let mut frames = 0;
    let spiky: Wiring = Box::new(move |out, input| {
        for (from, to) in out.chunks_exact(3).zip(input.chunks_exact_mut(4)) {
            let spike = if frames == 2 * (4_800 + LEAD + 20_000) { 1.0 } else { 0.0 };
            to.copy_from_slice(&[from[0], spike, 0.0, from[2]]);
            frames += 1;
        }
    });
    let (certificate, sink) = record(&mut fast(0, Vec::new(), spiky)).unwrap();
    assert_eq!(certificate.overloaded, [Port::of("ear.left")], "{certificate:?}");
    assert!(sink.tracks[&Port::of("ear.left")].iter().all(|x| x.abs() < 0.95));
}

#[test]
fn sixteen_by_sixteen_channels_keep_the_callbacks_away_from_the_heap() {
    let outs = (1..=13).map(|n| format!("noise.{n}"));
    let outs: Vec<String> = ["mouth", "poi.receive"].map(str::to_owned).into_iter().chain(outs).collect();
    let seats = ["", "codriver.", "rear_left.", "rear_middle.", "rear_right."];
    let ears = seats.iter().flat_map(|seat| ["left", "right"].map(|side| format!("ear.{seat}{side}")));
    let others = ["mic.reference", "mic.mrp", "mic.hfrp", "tap.loudspeaker", "poi.send"].map(str::to_owned);
    let ins: Vec<String> = ears.chain(others).collect();
    let bind = |(n, name): (usize, &String), direction: &str| {
        let nominal = if name.starts_with("poi") {
            "6.15 dBm0"
        } else if name.starts_with("tap") {
            "0 dBov"
        } else {
            "20 dBPa"
        };
        // Nothing plays on most of them: an analog input without any noise would be dead.
        let converter = if direction == "in" { "converter = \"digital\"\n" } else { "" };
        format!(
            "[[port]]\nname = \"{name}\"\ndirection = \"{direction}\"\nchannel = {}\nnominal = \"{nominal}\"\n{converter}",
            n + 1
        )
    };
    let head = BENCH.split("[[port]]").next().unwrap().replace("out = 3\nin = 4", "out = 16\nin = 16");
    let ports = outs
        .iter()
        .enumerate()
        .map(|one| bind(one, "out"))
        .chain(ins.iter().enumerate().map(|one| bind(one, "in")));
    for rate in [48_000u32, 96_000] {
        let text = head.replace("48000", &rate.to_string()) + &ports.clone().collect::<String>();
        let wiring: Wiring = Box::new(|out, input| input.copy_from_slice(out));
        let spec = LoopSpec { outputs: 16, inputs: 16, rate, latency: 480, faults: Vec::new(), wiring };
        let (host, clock) = LoopHost::new(spec);
        let mut bench =
            LiveBench::new(&desk(&text), Arc::new(AudioSystem::custom(host.into_cpal(), Arc::new(clock))));
        bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).unwrap();
        let tracks = [("mouth", noise(1, DURATION)), ("poi.receive", noise(2, DURATION))];
        let names: Vec<&'static str> = ins.iter().map(|name| &*name.clone().leak()).collect();
        let mut sink = Memory::default();
        // The host in the program fails where a callback calls the allocator.
        let certificate =
            bench.take(&take(DURATION as u64, &tracks, &names), &mut sink, &StopFlag::default()).unwrap();
        assert_eq!(certificate.grade, Grade::Good, "{rate}: {certificate:?}");
        assert_eq!(sink.tracks.len(), 16);
        bench.close().unwrap();
    }
}
