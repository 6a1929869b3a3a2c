//! A real hands-free device on a real sound server: PulseAudio's WebRTC echo canceller between null sinks, with a delayed
//! echo path from its loudspeaker to its microphone, measured from the call's set-up to the echo's verdicts.
//!
//! And ALSA's interface to the same server, onto a null sink and from its monitor: the host that a bench has by default.
//!
//! PulseAudio loses blocks under load and does not say so, and the canceller's own loops jump: either the certificates
//! are good and verdicts stand, or a take is bad with the place of the loss and its entry is inconclusive. Anything else
//! is a fault of the bench.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lombard::bench::live::audio::AudioSystem;
use lombard::bench::live::file::read_bench;
use lombard::bench::live::take::LiveBench;
use lombard::bench::{Bench, RenderedTake, StopFlag, TelemetrySender};
use lombard::capture::{Certificate, Grade};
use lombard::event::Event;
use lombard::plan::BuiltIn;
use lombard::problem::SourceText;
use lombard::run::view::RunState;
use lombard::run::{BenchChoice, Engine, Update};
use lombard::signals::random::Random;
use lombard::take::{EpochKey, RATE, TakeId};
use lombard::terms::Port;
use lombard::verdict::Verdict;
use time::macros::date;

use crate::recording::{Memory, call_at, plan_in, request};
use crate::servers::{
    Daemon, folder_of, fresh_folder, has_library, is_inside, is_installed, run_inside, scalars, wait_until,
};

/// Servers so far: each has a socket of its own.
static SERVERS: AtomicU32 = AtomicU32::new(0);

/// The modules that make the car: what the bench plays on (mouth, far end, loopback), what it records (send, ear,
/// loopback), the loudspeaker and the microphone of the device, its echo path of 40 ms and more, and the canceller.
const MODULES: &[&str] = &[
    "module-null-sink sink_name=play format=float32le rate=48000 channels=3 channel_map=front-left,front-right,front-center",
    "module-null-sink sink_name=hear format=float32le rate=48000 channels=4 channel_map=front-left,front-right,rear-left,rear-right",
    "module-null-sink sink_name=carspk format=float32le rate=48000 channels=1",
    "module-null-sink sink_name=carmic format=float32le rate=48000 channels=1",
    "module-remap-source source_name=mouth master=play.monitor master_channel_map=front-left channel_map=mono channels=1 remix=no",
    "module-remap-source source_name=far master=play.monitor master_channel_map=front-right channel_map=mono channels=1 remix=no",
    "module-remap-source source_name=loop master=play.monitor master_channel_map=front-center channel_map=rear-left channels=1 remix=no",
    "module-loopback source=carspk.monitor sink=carmic latency_msec=40 adjust_time=0",
    "module-echo-cancel source_name=ec_src sink_name=ec_sink source_master=carmic.monitor sink_master=carspk \
     aec_method=webrtc channels=1 rate=48000 use_volume_sharing=no \
     aec_args=\"analog_gain_control=0\\ digital_gain_control=0\\ noise_suppression=0\"",
    "module-remap-source source_name=sent master=ec_src master_channel_map=mono channel_map=front-left channels=1 remix=no",
    "module-remap-source source_name=heard master=carspk.monitor master_channel_map=mono,mono channel_map=front-right,rear-right channels=2 remix=no",
    "module-loopback source=mouth sink=carmic latency_msec=80 adjust_time=0",
    "module-loopback source=far sink=ec_sink latency_msec=80 adjust_time=0",
    "module-loopback source=sent sink=hear channels=1 channel_map=front-left remix=no latency_msec=80 adjust_time=0",
    "module-loopback source=heard sink=hear channels=2 channel_map=front-right,rear-right remix=no latency_msec=80 adjust_time=0",
    "module-loopback source=loop sink=hear channels=1 channel_map=rear-left remix=no latency_msec=80 adjust_time=0",
];

const BENCH: &str = r#"
name = "pulse"
description = "the canceller of PulseAudio between null sinks"
[audio]
playback = "pulseaudio:play"
capture = "pulseaudio:hear.monitor"
rate_hz = 48000
buffer_frames = 1920
[network]
codec = "none"
bandwidth = "WB"
delay_send = "0 ms"
delay_receive = "0 ms"
[device]
volume_steps = 1
[loopback]
out = 3
in = 3
[[port]]
name = "mouth"
direction = "out"
channel = 1
calibration = "example-mouth"
[[port]]
name = "poi.receive"
direction = "out"
channel = 2
calibration = "example-poi"
[[port]]
name = "poi.send"
direction = "in"
channel = 1
calibration = "example-poi"
[[port]]
name = "ear.left"
direction = "in"
channel = 2
calibration = "example-ear"
converter = "digital"
[[port]]
name = "ear.right"
direction = "in"
channel = 4
calibration = "example-ear"
converter = "digital"
"#;

/// From the call to the echo: how late the device is, and how much of the far end comes back.
const PLAN: &str = r#"
title = "Echo of a real canceller"
recommendation = "P.1110"
edition = "10/2025"
bandwidth = "WB"
car = "ideal-wb"
limits = ["p1110-2025"]

[defaults]
delay_max = "500 ms"

[[entry]]
id = "delay"
clause = "11.2"
method = "delay"
volume = "maximum"
limits = ["delay_round_trip"]

[[entry]]
id = "coupling_loss"
clause = "11.11.1"
method = "coupling_loss"
volume = "maximum"
limits = ["coupling_loss"]
[entry.parameters]
idle = "2 s"

[[entry]]
id = "echo_level"
clause = "11.11.2"
method = "echo_level"
volume = "maximum"
limits = ["echo_level"]
[entry.parameters]
idle = "1 s"
"#;

/// Runs a test in a process of its own, to which only a server of its own is known. `false`: in this one, or not at all.
fn with_server(test: &str, more: &[(&str, String)]) -> bool {
    if is_inside() {
        return true;
    }
    if !is_installed(test, &["pulseaudio", "pactl", "timeout"]) {
        return false;
    }
    let folder = fresh_folder(test);
    std::fs::write(folder.join("cookie"), [0; 256]).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    // A path of a socket is short, whatever the folder of the target is.
    let number = SERVERS.fetch_add(1, Ordering::SeqCst);
    let socket = std::env::temp_dir().join(format!("lombard-{}-{number}", std::process::id()));
    let own = [
        ("PULSE_SERVER", format!("unix:{}", socket.display())),
        ("PULSE_RUNTIME_PATH", path("rt")),
        ("PULSE_STATE_PATH", path("state")),
        ("HOME", path("home")),
        // The client wants a cookie to send, whatever the server does with it.
        ("PULSE_COOKIE", path("cookie")),
    ];
    run_inside(test, &[&own, more].concat(), Duration::from_secs(400));
    false
}

/// Starts a server with these modules in it.
fn server_in(folder: &Path, modules: &[&str]) -> Daemon {
    use std::os::unix::fs::PermissionsExt;
    for name in ["rt", "state", "home"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
    }
    std::fs::set_permissions(folder.join("rt"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let socket = std::env::var("PULSE_SERVER").unwrap();
    let mut server = Command::new("pulseaudio");
    server.args([
        "-n",
        "--daemonize=no",
        "--exit-idle-time=-1",
        "--disallow-exit",
        "--realtime=no",
        "--high-priority=no",
    ]);
    // With shared memory PulseAudio 16.1 dies after some twenty streams (its issue 824).
    server.arg("--disable-shm=yes");
    let protocol =
        format!("module-native-protocol-unix auth-anonymous=1 socket={}", &socket["unix:".len()..]);
    server.args(["-L", &protocol]);
    let server = Daemon::start(&mut server, &folder.join("pulseaudio.log"));
    let pactl = |words: &[&str]| Command::new("timeout").arg("10").arg("pactl").args(words).output().unwrap();
    wait_until("pulseaudio answers", || pactl(&["info"]).status.success());
    for module in modules {
        let (name, arguments) = module.split_once(' ').unwrap();
        let said = pactl(&["load-module", name, arguments]);
        assert!(said.status.success(), "{module}: {said:?}");
    }
    server
}

#[test]
fn a_real_canceller_on_a_real_server_gets_verdicts_or_the_place_of_every_loss() {
    let test = "pulse::a_real_canceller_on_a_real_server_gets_verdicts_or_the_place_of_every_loss";
    if !with_server(test, &[]) {
        return;
    }
    let folder = folder_of(test);
    let _server = server_in(&folder, MODULES);
    let bench = folder.join("pulse.toml");
    std::fs::write(&bench, BENCH).unwrap();
    let mut wish = request(&plan_in(&folder, PLAN), &folder, 1);
    wish.bench = BenchChoice::of(Some(bench.display().to_string()), None);
    // On a busy machine the server loses something in nearly every take: more attempts only take longer.
    wish.repeats = Some(1);
    let takes = Mutex::new(Vec::new());
    let listener = |update: Update<'_>| {
        if let Update::Event(Event::TakeRecorded { take, certificate, .. }) = update {
            println!("{take}: {certificate:?}");
            takes.lock().unwrap().push(certificate.clone());
        }
    };
    let began = Instant::now();
    let view = Engine::new(Vec::new()).record(&wish, &listener, &StopFlag::default()).unwrap();
    println!("{:.1} s of sound in {:.1} s", view.audio_s, began.elapsed().as_secs_f64());
    assert_eq!(view.state, RunState::Finished);
    let takes = takes.into_inner().unwrap();
    for certificate in &takes {
        // Nothing is bad without a place or another reason that a person can act on.
        let is_told =
            ["at frame", "loopback", "ppm", "no room"].iter().any(|word| certificate.note.contains(word));
        assert!(
            certificate.grade == Grade::Good || (certificate.grade == Grade::Bad && is_told),
            "{certificate:?}"
        );
    }
    let all_good = takes.iter().all(|one| one.grade == Grade::Good);
    for one in &view.entries {
        println!("{}: {} {}", one.entry.id.text(), one.verdict, one.reason);
        let stands = matches!(one.verdict, Verdict::Pass | Verdict::Fail | Verdict::Measured);
        assert!(stands || one.verdict == Verdict::Inconclusive, "{one:#?}");
        assert!(stands || !one.reason.is_empty(), "{one:#?}");
    }
    for (entry, measurand, value, unit) in scalars(&view) {
        println!("{entry} {measurand}: {value:.2} {unit}");
        // Server, loops and canceller together take some blocks, never a second.
        if measurand == "delay_send" || measurand == "delay_receive" {
            assert!((1.0..1_000.0).contains(&value), "{measurand}: {value}");
        }
        // The echo path of the device has no loss; the canceller takes out more than 15 dB (23 to 53 dB of speech).
        if measurand == "coupling_loss" && all_good {
            assert!(value > 15.0, "{value}");
        }
    }
}

/// A sink with as many channels as its monitor is recorded with.
const WIRE: &[&str] = &["module-null-sink sink_name=wire format=float32le rate=48000 channels=4 \
     channel_map=front-left,front-right,rear-left,rear-right"];

/// What ALSA is told of the sink and of its monitor. `hint` puts them on the list of interfaces.
const ASOUND: &str = r#"
</usr/share/alsa/alsa.conf>
pcm.wire_out { type pulse device "wire" hint { show on description "what the bench plays" } }
pcm.wire_in { type pulse device "wire.monitor" hint { show on description "what the bench records" } }
"#;

/// The bench of the canceller on that sink: channels of the monitor are those of the sink, and the fourth is the loopback.
fn bench_on_alsa() -> String {
    [
        ("pulseaudio:play", "alsa:wire_out"),
        ("pulseaudio:hear.monitor", "alsa:wire_in"),
        ("out = 3\nin = 3", "out = 4\nin = 4"),
        ("channel = 4\n", "channel = 3\n"),
    ]
    .into_iter()
    .fold(BENCH.to_owned(), |text, (on_pulse, on_alsa)| text.replace(on_pulse, on_alsa))
}

fn noise(seed: u64, frames: usize) -> Arc<[f32]> {
    let mut random = Random::new(seed);
    (0..frames).map(|_| (0.5 * (random.uniform() - 0.5)) as f32).collect()
}

/// Records a take of two seconds. Gives its certificate, and whether every sample is the one that was played.
fn through_alsa(bench: &mut LiveBench, number: u64) -> (Certificate, bool) {
    let frames = 2 * RATE as usize;
    let [mouth, far] = [noise(2 * number, frames), noise(2 * number + 1, frames)];
    let take = RenderedTake {
        id: TakeId::stored("wire"),
        epoch: EpochKey::stored("alsa"),
        from: 0,
        duration: frames as u64,
        tracks: [
            (Port::of(Port::MOUTH), Arc::clone(&mouth)),
            (Port::of(Port::POI_RECEIVE), Arc::clone(&far)),
        ]
        .into(),
        actions: Vec::new(),
        loops: Vec::new(),
        record: [Port::POI_SEND, Port::EAR_LEFT].map(Port::of).into(),
    };
    let mut heard = Memory::default();
    let certificate = bench.take(&take, &mut heard, &StopFlag::default()).unwrap();
    let is_whole = heard.0[&Port::of(Port::POI_SEND)][..] == mouth[..]
        && heard.0[&Port::of(Port::EAR_LEFT)][..] == far[..];
    (certificate, is_whole)
}

#[test]
fn a_bench_on_alsa_records_what_it_plays_or_the_place_of_every_loss() {
    let test = "pulse::a_bench_on_alsa_records_what_it_plays_or_the_place_of_every_loss";
    let config = folder_of(test).join("asound.conf");
    if !has_library(test, "alsa-lib/libasound_module_pcm_pulse.so")
        || !with_server(test, &[("ALSA_CONFIG_PATH", config.display().to_string())])
    {
        return;
    }
    let folder = folder_of(test);
    std::fs::write(&config, ASOUND).unwrap();
    let _server = server_in(&folder, WIRE);
    let listed = Engine::new(Vec::new()).interfaces().unwrap();
    for id in ["alsa:wire_out", "alsa:wire_in"] {
        assert!(listed.iter().any(|one| one.id == id), "{id} is not listed: {listed:#?}");
    }
    let text = SourceText::new("alsa.toml", bench_on_alsa());
    let file = read_bench(&text, &BuiltIn, date!(2026 - 10 - 15)).unwrap();
    let mut bench = LiveBench::new(&file, Arc::new(AudioSystem::open("alsa").unwrap()));
    bench.open(&call_at(0), &TelemetrySender::none()).unwrap();
    let takes: Vec<(Certificate, bool)> = (1..=5).map(|number| through_alsa(&mut bench, number)).collect();
    bench.close().unwrap();
    for (certificate, is_whole) in &takes {
        println!("{is_whole} {certificate:?}");
        if certificate.grade == Grade::Good {
            assert!(is_whole, "a good take is not what was played: {certificate:?}");
        } else {
            let is_placed = ["at frame", "no room"].iter().any(|word| certificate.note.contains(word));
            assert!(certificate.grade == Grade::Bad && is_placed, "{certificate:?}");
        }
    }
}
