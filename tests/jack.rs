//! A bench on a real JACK server, `jackd2` with its dummy driver, and a car between its ports: a client of its own, which
//! runs the blocks of a virtual car of known properties in its process callback.

mod car;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lombard::bench::car::file::read_car;
use lombard::bench::car::{BLOCK, Car};
use lombard::bench::live::audio::AudioSystem;
use lombard::bench::live::file::read_bench;
use lombard::bench::live::sync::{AFTER, LEAD};
use lombard::bench::live::take::LiveBench;
use lombard::bench::noise::NOISE_LEAD;
use lombard::bench::{Bench, BenchError, CaptureSink, RenderedTake, SinkError, StopFlag, TelemetrySender};
use lombard::capture::{Certificate, Grade};
use lombard::event::Event;
use lombard::plan::{BuiltIn, Folder, Recorded, Sources};
use lombard::problem::SourceText;
use lombard::run::view::{EntryView, FindingView, RunState, RunView};
use lombard::run::{BenchChoice, Engine, Update};
use lombard::signals::random::Random;
use lombard::take::{EpochKey, RATE, TakeId};
use lombard::terms::{Bandwidth, Port};
use lombard::verdict::Verdict;
use time::macros::date;

use self::car::{NOISE_FULL_SCALE_DBPA, brake, car_behind_ports, rig_of};
use crate::recording::{call_at, plan_in, request};
use crate::servers::{Daemon, folder_of, fresh_folder, is_inside, is_installed, run_inside, wait_until};

/// Frames of a period of the server: two blocks of the car, so that the car adds no time of its own.
const PERIOD: usize = 2 * BLOCK;

/// Servers so far: each has a name of its own.
static SERVERS: AtomicU32 = AtomicU32::new(0);

/// Runs a test in a process of its own, with a server of its own.
fn with_server(test: &str, channels: u32, patience_s: u64) -> bool {
    if is_inside() {
        return true;
    }
    if !is_installed(test, &["jackd", "jack_lsp", "jack_freewheel"]) {
        return false;
    }
    let folder = fresh_folder(test);
    // Short: it is a part of the path of a socket, which has 108 characters at most.
    let name = format!("lombard-{}-{}", std::process::id(), SERVERS.fetch_add(1, Ordering::SeqCst));
    let environment = [
        ("JACK_DEFAULT_SERVER", name.clone()),
        ("JACK_NO_START_SERVER", "1".to_owned()),
        ("JACK_NO_AUDIO_RESERVATION", "1".to_owned()),
    ];
    let mut server = Command::new("jackd");
    server.args([
        "-n",
        &name,
        "--no-mlock",
        "-r",
        "-S",
        "-d",
        "dummy",
        "-r",
        "48000",
        "-p",
        &PERIOD.to_string(),
    ]);
    server.args(["-C", &channels.to_string(), "-P", &channels.to_string()]).envs(environment.clone());
    let server = Daemon::start(&mut server, &folder.join("jackd.log"));
    wait_until("jackd answers", || {
        let mut lsp = Command::new("jack_lsp");
        lsp.envs(environment.clone()).output().is_ok_and(|said| said.status.success())
    });
    run_inside(test, &environment, Duration::from_secs(patience_s));
    drop(server);
    false
}

/// What a call needs until it sounds.
const CALL_WAIT_MS: u64 = 100;

/// What is said of an input behind which there is no converter: it may be silent.
const SILENT: &str = "converter = \"digital\"\n";

/// The bench of the car, with what each channel is connected to.
fn bench_file(rig: &str) -> String {
    let port = |name: &str, direction: &str, channel: u32, record: &str, to: &str| {
        let converter = if direction == "in" { SILENT } else { "" };
        format!(
            "[[port]]\nname = \"{name}\"\ndirection = \"{direction}\"\nchannel = {channel}\n\
             calibration = \"{record}\"\nconnect = [\"car:{to}\"]\n{converter}"
        )
    };
    let head = format!(
        "name = \"jack\"\ndescription = \"a car between ports\"\n[audio]\nplayback = \"jack:output\"\n\
         capture = \"jack:input\"\nrate_hz = 48000\nbuffer_frames = {PERIOD}\n[network]\ncodec = \"linear\"\n\
         bandwidth = \"WB\"\ndelay_send = \"20 ms\"\ndelay_receive = \"20 ms\"\n[device]\nvolume_steps = 16\n\
         [loopback]\nout = 4\nin = 7\n[rig]\nport = \"{rig}\"\nbaud = 115200\ntimeout = \"10 s\"\n\
         call = [\"CALL\"]\ncall_wait = \"{CALL_WAIT_MS} ms\"\nset_volume = \"VOLUME {{step}}\"\nturn_reflector = \"TURN\"\nrest_reflector = \"REST\"\nreply = \"OK\"\n\
         safe_state = []\n"
    );
    let (acoustic, network, noise) = ("car-acoustic", "car-network", "car-noise");
    [
        head,
        port("noise.1", "out", 5, noise, "noise_1"),
        port("noise.2", "out", 6, noise, "noise_2"),
        port("noise.3", "out", 7, noise, "noise_3"),
        port("noise.4", "out", 8, noise, "noise_4"),
        port("noise.sub", "out", 9, noise, "noise_sub"),
        port("mouth", "out", 1, acoustic, "mouth"),
        port("poi.receive", "out", 2, network, "receive"),
        port("poi.send", "in", 1, network, "send"),
        port("ear.left", "in", 2, acoustic, "left"),
        port("ear.right", "in", 3, acoustic, "right"),
        port("mic.reference", "in", 4, acoustic, "reference"),
        port("mic.mrp", "in", 5, acoustic, "mrp"),
        port("srw.send", "out", 3, network, "access_send"),
        port("srw.receive", "in", 6, network, "access_receive"),
    ]
    .concat()
}

/// Writes the bench file, with its ledger beside it, and gives its path.
fn bench_in(folder: &Path, rig: &str) -> String {
    let ledger = folder.join("ledger");
    std::fs::create_dir_all(&ledger).unwrap();
    let noise = format!("{NOISE_FULL_SCALE_DBPA} dBPa");
    for (id, zero) in
        [("car-acoustic", "30 dBPa"), ("car-network", "6.15 dBm0"), ("car-noise", noise.as_str())]
    {
        let record = format!(
            "kind = \"full-scale\"\nid = \"{id}\"\nwhat = \"Full scale of a port of the car\"\nzero_dbov = \"{zero}\"\n\
             date = \"2026-01-01\"\nvalid_until = \"2099-12-31\"\ninstrument = \"the program of the car\"\n\
             by = \"this test\"\nmethod = \"written down\"\n"
        );
        std::fs::write(ledger.join(format!("{id}.toml")), record).unwrap();
    }
    let path = folder.join("jack.toml");
    std::fs::write(&path, bench_file(rig)).unwrap();
    path.display().to_string()
}

/// The quick plan with these entries only, as a file.
fn part_of_the_quick_plan(folder: &Path, only: &[&str]) -> String {
    let plan = BuiltIn.read(Folder::Plans, "quick-wb").unwrap();
    let mut parts = plan.text.split("[[entry]]\n");
    let head = parts.next().unwrap().to_owned();
    let is_wanted = |part: &&str| only.iter().any(|id| part.starts_with(&format!("id = \"{id}\"\n")));
    let kept: Vec<&str> = parts.filter(is_wanted).collect();
    assert_eq!(kept.len(), only.len());
    plan_in(folder, &kept.into_iter().fold(head, |text, part| format!("{text}[[entry]]\n{part}")))
}

/// What a listener counts while a run goes.
struct Course {
    takes: u32,
    calls: u32,
    last: Instant,
    odd: Vec<Certificate>,
}

impl Course {
    fn hear(&mut self, update: &Update<'_>) {
        match update {
            Update::Event(Event::TakeRecorded { certificate, .. }) => {
                self.takes += 1;
                self.last = Instant::now();
                // The streams begin in the same period, or in two that follow each other.
                let is_whole = certificate.offset_frames % PERIOD as f64 == 0.0;
                if certificate.grade != Grade::Good || !is_whole || certificate.drift_ppm != 0.0 {
                    self.odd.push(certificate.clone());
                }
            }
            Update::Event(Event::EpochOpened { .. }) => self.calls += 1,
            _ => {}
        }
    }

    /// The pauses that bench and plan declare: lead and tail of takes, waiting for calls, noise before calls.
    fn pauses_s(&self, view: &RunView) -> f64 {
        let in_noise = view.entries.iter().filter(|one| one.entry.noise.is_some());
        // The name of a take begins with that of its call.
        let calls: BTreeSet<&str> =
            in_noise.flat_map(|one| &one.takes).filter_map(|take| take.text().split('.').next()).collect();
        let rate = f64::from(RATE);
        f64::from(self.takes) * (LEAD + AFTER) as f64 / rate
            + f64::from(self.calls) * CALL_WAIT_MS as f64 * 1e-3
            + calls.len() as f64 * NOISE_LEAD as f64 / rate
    }
}

/// Records a plan twice, on JACK and on the virtual bench, and compares.
/// Gives how many times the sound, with the pauses that are declared, the run took on the clock.
fn compare_with_the_virtual_bench(folder: &Path, plan: &str, entries_min: usize) -> f64 {
    let spec = read_car(&BuiltIn.read(Folder::Cars, "ideal-wb").unwrap()).unwrap();
    let car = Arc::new(Mutex::new(Car::new(&spec, 1)));
    car.lock().unwrap().open(Bandwidth::Wb, 0).unwrap();
    let client = car_behind_ports(&car);
    let bench = bench_in(folder, &rig_of(&car));

    let engine = Engine::new(Vec::new());
    let mut wish = request(plan, folder, 1);
    wish.bench = BenchChoice::of(None, Some("ideal-wb".to_owned()));
    let there = engine.record(&wish, &|_| {}, &StopFlag::default()).unwrap();
    wish.bench = BenchChoice::of(Some(bench), None);
    // Between the beginning of the run and its last take there is nothing but the clock of the server.
    let began = Instant::now();
    let course = Mutex::new(Course { takes: 0, calls: 0, last: began, odd: Vec::new() });
    let listener = |update: Update<'_>| course.lock().unwrap().hear(&update);
    let here = engine.record(&wish, &listener, &StopFlag::default()).unwrap();
    let course = course.into_inner().unwrap();
    assert_eq!(here.state, RunState::Finished);
    drop(client);

    let (wall_s, pauses_s) = ((course.last - began).as_secs_f64(), course.pauses_s(&here));
    let ratio = wall_s / (here.audio_s + pauses_s);
    println!(
        "{} takes in {} calls, {:.1} s of sound, {pauses_s:.1} s of pauses, {wall_s:.1} s on the clock: {ratio:.4}",
        course.takes, course.calls, here.audio_s
    );
    assert!(here.entries.len() >= entries_min && here.entries.len() == there.entries.len());
    let apart: Vec<String> =
        here.entries.iter().zip(&there.entries).flat_map(|(a, b)| differences(a, b)).collect();
    assert!(apart.is_empty(), "{apart:#?}");
    assert!(course.odd.is_empty(), "{:#?}", course.odd);
    ratio
}

/// In noise, levels differ by what four loudspeakers and a simulated field make of one recording, and by where in it a take
/// begins; with a panel that turns, by when the rig has answered. Elsewhere everything is determined.
const IN_NOISE_DB: f64 = 1.5;

/// In what two outcomes of an entry differ by more than they may.
fn differences(here: &EntryView, there: &EntryView) -> Vec<String> {
    let id = here.entry.id.text();
    assert_eq!(id, there.entry.id.text());
    let is_chance = here.entry.noise.is_some() || id.starts_with("echo_reflector");
    let mut apart = Vec::new();
    // In noise a rating may stand out of it here and not there.
    let is_open = is_chance && [here.verdict, there.verdict].contains(&Verdict::Inconclusive);
    if is_open {
        println!("{id}: {} ({}), virtual {} ({})", here.verdict, here.reason, there.verdict, there.reason);
        return apart;
    }
    if here.verdict != there.verdict {
        apart.push(format!(
            "{id}: {} ({}), virtual {} ({})",
            here.verdict, here.reason, there.verdict, there.reason
        ));
    }
    // The device's own share of an improvement wants taps, which this bench has not.
    let is_of_taps = |found: &&FindingView| found.finding.measurand == "snr_improvement_device";
    let all: Vec<&FindingView> = there.findings.iter().filter(|found| !is_of_taps(found)).collect();
    // Only what has loudspeakers has a headroom of theirs.
    let of_loudspeakers = |found: &&FindingView| found.finding.measurand == "headroom_noise";
    let mine: Vec<&FindingView> = here.findings.iter().filter(|found| !of_loudspeakers(found)).collect();
    if mine.len() != all.len() {
        apart.push(format!("{id}: {} findings, virtual {}", mine.len(), all.len()));
    }
    for (here, there) in mine.into_iter().zip(all) {
        let (here, there) = (&here.finding, &there.finding);
        assert_eq!(here.measurand, there.measurand);
        let (Some(value), Some(other)) = (here.as_scalar(), there.as_scalar()) else { continue };
        let unit = here.unit.symbol();
        let allowed = match (is_chance, unit.starts_with("dB"), unit) {
            (true, true, _) => IN_NOISE_DB,
            // How long noise takes to settle, and where it is loudest, is chance.
            (true, false, _) => f64::INFINITY,
            (false, true, _) | (false, _, "ms") => 0.02,
            (false, ..) => 0.005 * other.abs().max(1.0),
        };
        let by = (value - other).abs();
        println!("{id} {}: {value:.4} {unit}, virtual {other:.4}, apart {by:.5}", here.measurand);
        if !(by <= allowed || value == other) {
            apart.push(format!("{id} {}: {value} {unit}, virtual {other}", here.measurand));
        }
    }
    apart
}

#[test]
fn a_car_between_the_ports_of_a_jack_server_measures_as_on_its_own_bench() {
    let test = "jack::a_car_between_the_ports_of_a_jack_server_measures_as_on_its_own_bench";
    if with_server(test, 2, 300) {
        let folder = folder_of(test);
        let plan = part_of_the_quick_plan(&folder, &["volume", "delay", "slr", "rlr"]);
        compare_with_the_virtual_bench(&folder, &plan, 4);
    }
}

#[test]
#[ignore = "in real time: some 25 minutes; `make nightly-jack`"]
fn the_quick_plan_on_a_jack_server_measures_as_on_the_virtual_bench() {
    let test = "jack::the_quick_plan_on_a_jack_server_measures_as_on_the_virtual_bench";
    if with_server(test, 2, 3_000) {
        // What call set-up, judging and disk need counts, too. On a busy machine a synchronous server waits for its clients,
        // so that this says something on an idle one only, and is no part of the test above.
        let ratio = compare_with_the_virtual_bench(&folder_of(test), "quick-wb", 50);
        assert!(ratio <= 1.02, "{ratio} times the sound");
    }
}

/// Counts what is written and drops it.
#[derive(Default)]
struct Counted {
    frames: u64,
    file: Option<std::fs::File>,
    in_file: u64,
}

/// Samples after which a file is begun anew.
const FILE_SAMPLES: u64 = 16 * 48_000 * 10;

impl CaptureSink for Counted {
    fn write(&mut self, port: &Port, samples: &[f32]) -> Result<(), SinkError> {
        let fail = |error: std::io::Error| SinkError { port: port.clone(), cause: error.to_string() };
        self.frames += samples.len() as u64;
        if self.in_file > FILE_SAMPLES {
            (self.file, self.in_file) = (None, 0);
        }
        if self.file.is_none() {
            self.file = Some(tempfile::tempfile().map_err(fail)?);
        }
        self.in_file += samples.len() as u64;
        let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.file.iter_mut().try_for_each(|file| file.write_all(&bytes)).map_err(fail)
    }
}

/// The resident memory of this process, in MB.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}

const SIXTEEN: usize = 16;

/// Sixteen outputs wired to sixteen inputs inside of the server; the last pair is the loopback.
fn wide_bench() -> String {
    let names_out: Vec<String> = ["mouth", "poi.receive", "srw.send", "tap.microphone"]
        .map(str::to_owned)
        .into_iter()
        .chain((1..=10).map(|n| format!("noise.{n}")))
        .chain(["noise.sub".to_owned()])
        .collect();
    let names_in = [
        "poi.send",
        "ear.left",
        "ear.right",
        "ear.codriver.left",
        "ear.codriver.right",
        "mic.reference",
        "mic.mrp",
        "mic.hfrp",
        "srw.receive",
        "tap.echo_reference",
        "tap.loudspeaker",
        "ear.rear_left.left",
        "ear.rear_left.right",
        "ear.rear_right.left",
        "ear.rear_right.right",
    ];
    let unit = |name: &str| match name.split('.').next().unwrap() {
        "poi" | "srw" => "6.15 dBm0",
        "tap" => "0 dBov",
        _ => "20 dBPa",
    };
    let port = |name: &str, direction: &str, n: usize| {
        let nominal = unit(name);
        let converter = if direction == "in" { SILENT } else { "" };
        format!(
            "[[port]]\nname = \"{name}\"\ndirection = \"{direction}\"\nchannel = {}\nnominal = \"{nominal}\"\n{converter}",
            n + 1
        )
    };
    let mut text = format!(
        "name = \"wide\"\ndescription = \"16 by 16\"\n[audio]\nplayback = \"jack:output\"\n\
         capture = \"jack:input\"\nrate_hz = 48000\nbuffer_frames = {PERIOD}\n[network]\ncodec = \"none\"\n\
         bandwidth = \"FB\"\ndelay_send = \"0 ms\"\ndelay_receive = \"0 ms\"\n[device]\nvolume_steps = 1\n\
         [loopback]\nout = {SIXTEEN}\nin = {SIXTEEN}\n"
    );
    for (n, name) in names_out.iter().enumerate() {
        text += &port(name, "out", n);
    }
    for (n, name) in names_in.iter().enumerate() {
        text += &port(name, "in", n);
    }
    text
}

/// A take that plays on four ports and records all fifteen.
fn wide_take(bench: &LiveBench, seconds: usize) -> RenderedTake {
    let mut random = Random::new(5);
    let mut noise =
        || -> Arc<[f32]> { (0..seconds * 48_000).map(|_| (0.2 * (random.uniform() - 0.5)) as f32).collect() };
    let ports = ["mouth", "poi.receive", "srw.send", "tap.microphone"].map(Port::of);
    let inputs = bench.info().ports.iter().filter(|(port, _)| port.name() != Port::LOOPBACK);
    let inputs = inputs.filter(|(_, info)| info.direction == lombard::context::PortDirection::In);
    RenderedTake {
        id: TakeId::stored("t"),
        epoch: EpochKey::stored("e"),
        from: 0,
        duration: seconds as u64 * 48_000,
        tracks: ports.into_iter().map(|port| (port, noise())).collect(),
        actions: Vec::new(),
        loops: Vec::new(),
        record: inputs.map(|(port, _)| port.clone()).collect(),
    }
}

/// Switches the server's freewheel: as fast as the machine can, with streams that are there before and after.
fn freewheel(is_on: bool) {
    let said = Command::new("jack_freewheel").arg(if is_on { "y" } else { "n" }).output().unwrap();
    assert!(said.status.success(), "{said:?}");
}

#[test]
#[ignore = "an hour of sixteen channels in freewheel and three minutes in real time; `make nightly-jack`"]
fn an_hour_of_sixteen_by_sixteen_channels_has_no_glitch_and_keeps_its_memory() {
    let test = "jack::an_hour_of_sixteen_by_sixteen_channels_has_no_glitch_and_keeps_its_memory";
    if !with_server(test, 2, 3_000) {
        return;
    }
    let file =
        read_bench(&SourceText::new("wide", wide_bench()), &Recorded::default(), date!(2026 - 11 - 22))
            .unwrap();
    let mut bench = LiveBench::new(&file, Arc::new(AudioSystem::open("jack").unwrap()));
    // Ten times as fast as sound, at most.
    let _brake = brake(Duration::from_secs_f64(PERIOD as f64 / f64::from(RATE) / 10.0));
    let take = wide_take(&bench, 60);
    assert_eq!(take.record.len(), SIXTEEN - 1);
    let mut sink = Counted::default();
    let mut memory = Vec::new();
    let mut attempts = 0;
    for (minutes, is_free) in [(60, true), (3, false)] {
        bench.open(&call_at(0), &TelemetrySender::none()).unwrap();
        if is_free {
            freewheel(true);
        }
        let began = Instant::now();
        let mut good = 0;
        while good < minutes {
            attempts += 1;
            let certificate = bench.take(&take, &mut sink, &StopFlag::default()).unwrap();
            // A glitch that the certificate tells is one that the machine had; none may stay untold.
            if certificate.grade == Grade::Good {
                assert_eq!((certificate.lost_frames, certificate.repeated_frames), (0, 0));
                good += 1;
            } else {
                println!("attempt {attempts}: {certificate:?}");
            }
            assert!(attempts < 80, "too many glitches: {certificate:?}");
            memory.push(resident_mb());
        }
        if is_free {
            freewheel(false);
        }
        println!("{minutes} min in {:.1} s", began.elapsed().as_secs_f64());
        bench.close().unwrap();
    }
    // The first takes fill what is allocated once.
    let settled = &memory[3..];
    let most = settled.iter().copied().fold(f64::MIN, f64::max);
    let least = settled.iter().copied().fold(f64::MAX, f64::min);
    println!("{attempts} takes of 60 s, {} samples, resident memory {least:.1} to {most:.1} MB", sink.frames);
    assert!(most - least < 20.0, "{memory:?}");
}

#[test]
fn a_jack_server_that_dies_is_an_error_with_a_remedy_and_the_next_call_finds_the_new_one() {
    let test = "jack::a_jack_server_that_dies_is_an_error_with_a_remedy_and_the_next_call_finds_the_new_one";
    // The server belongs to the process inside, which kills it.
    if !is_inside() {
        if is_installed(test, &["jackd", "jack_lsp"]) {
            fresh_folder(test);
            let name = format!("lombard-{}-dies", std::process::id());
            run_inside(
                test,
                &[
                    ("JACK_DEFAULT_SERVER", name),
                    ("JACK_NO_START_SERVER", "1".to_owned()),
                    ("JACK_NO_AUDIO_RESERVATION", "1".to_owned()),
                ],
                Duration::from_mins(2),
            );
        }
        return;
    }
    let file =
        read_bench(&SourceText::new("wide", wide_bench()), &Recorded::default(), date!(2026 - 11 - 22))
            .unwrap();
    let mut bench = LiveBench::new(&file, Arc::new(AudioSystem::open("jack").unwrap()));
    let error = bench.open(&call_at(0), &TelemetrySender::none()).unwrap_err();
    assert!(matches!(&error, BenchError::AskOperator(text) if text.contains("JACK")), "{error:?}");
    let mut server = server_inside(&folder_of(test));
    let take = wide_take(&bench, 2);
    bench.open(&call_at(0), &TelemetrySender::none()).unwrap();
    let certificate = bench.take(&take, &mut Counted::default(), &StopFlag::default()).unwrap();
    assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
    // It dies half a second into a take.
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(900));
        server.kill();
    });
    let began = Instant::now();
    let error = bench.take(&take, &mut Counted::default(), &StopFlag::default()).unwrap_err();
    killer.join().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let text = error.to_string();
    assert!(matches!(error, BenchError::AskOperator(_)) && text.contains("resume the run"), "{text}");
    let _server = server_inside(&folder_of(test));
    bench.open(&call_at(0), &TelemetrySender::none()).unwrap();
    let certificate = bench.take(&take, &mut Counted::default(), &StopFlag::default()).unwrap();
    assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
    bench.close().unwrap();
}

/// Starts a server under the name that this process looks for.
fn server_inside(folder: &Path) -> Daemon {
    let name = std::env::var("JACK_DEFAULT_SERVER").unwrap();
    let mut server = Command::new("jackd");
    server.args([
        "-n",
        &name,
        "--no-mlock",
        "-r",
        "-S",
        "-d",
        "dummy",
        "-r",
        "48000",
        "-p",
        &PERIOD.to_string(),
    ]);
    let server = Daemon::start(&mut server, &folder.join("jackd.log"));
    wait_until("jackd answers", || Command::new("jack_lsp").output().is_ok_and(|said| said.status.success()));
    server
}
