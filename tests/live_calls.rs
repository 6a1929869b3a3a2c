//! Calls that the rig of a live bench sets up, and the loop that it closes in place of the far end: a device on the wires of
//! the in-process interface, and a rig behind a pair of virtual serial ports that does to it what it is told.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lombard::bench::StopFlag;
use lombard::bench::live::audio::AudioSystem;
use lombard::bench::live::audio::loop_host::{LoopHost, LoopSpec, Wiring};
use lombard::finding::Bound;
use lombard::plan::{BuiltIn, Folder, Sources};
use lombard::run::view::{EntryView, RunView};
use lombard::run::{BenchChoice, Engine};
use lombard::verdict::{Flag, Verdict};
use serialport::{SerialPort, TTYPort};

use crate::recording::{empty_folder, plan_in, request};

/// What the rig was told.
#[derive(Default)]
struct Told {
    lines: Vec<String>,
    /// The factor of the loop; 0: it is open.
    loop_gain: f32,
    /// Calls so far.
    calls: usize,
}

/// A rig that does what it is told, and says so.
fn rig(told: &Arc<Mutex<Told>>) -> String {
    let (mut device, port) = TTYPort::pair().unwrap();
    let path = port.name().unwrap();
    device.set_timeout(Duration::from_millis(20)).unwrap();
    let told = Arc::clone(told);
    std::thread::spawn(move || {
        let _keeps_it_open = port;
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            if device.read(&mut byte).unwrap_or(0) == 0 {
                std::thread::sleep(Duration::from_millis(1));
            } else if byte == *b"\n" {
                let text = String::from_utf8(std::mem::take(&mut line)).unwrap().trim().to_owned();
                let mut told = told.lock().unwrap();
                if let Some(loss) = text.strip_prefix("LOOP ") {
                    told.loop_gain = loss.parse::<f32>().map_or(0.0, |loss_db| 10f32.powf(-loss_db / 20.0));
                }
                told.calls += usize::from(text == "DIAL");
                told.lines.push(text);
                device.write_all(b"OK\r\n").unwrap();
            } else {
                line.push(byte[0]);
            }
        }
    });
    path
}

/// A device that sends what the mouth says, and what it receives 20 ms later times `echo`; the network is a wire, and where
/// the loop is closed what is sent is received as well, without delay. A new call empties it.
fn device(echo: f32, told: &Arc<Mutex<Told>>) -> Wiring {
    let told = Arc::clone(told);
    let (mut room, mut call) = (VecDeque::from(vec![0.0f32; 960]), 0);
    Box::new(move |out, input| {
        let told = told.lock().unwrap();
        if told.calls != call {
            (room, call) = (vec![0.0; 960].into(), told.calls);
        }
        for (from, to) in out.chunks_exact(4).zip(input.chunks_exact_mut(5)) {
            let sent = (from[0] + echo * room.pop_front().unwrap()).clamp(-1.0, 1.0);
            let received = (from[1] + told.loop_gain * sent).clamp(-1.0, 1.0);
            room.push_back(received);
            to.copy_from_slice(&[sent, received, received, from[3], received]);
        }
    })
}

/// The shipped bench file with a rig, its right ear on input 3 and the network's input recorded on input 5.
fn bench_file(path: &str, lines: &str) -> String {
    let text =
        BuiltIn.read(Folder::Rigs, "example-loop").unwrap().text.replace("channel = 18", "channel = 3");
    format!(
        "{text}\n[[port]]\nname = \"poi.receive\"\ndirection = \"in\"\nchannel = 5\ncalibration = \"example-poi\"\n\n\
         [rig]\nport = \"{path}\"\nbaud = 115200\ntimeout = \"10 s\"\nreply = \"OK\"\nsafe_state = [\"HANG UP\"]\n{lines}"
    )
}

const CALLS: &str = "call = [\"HANG UP\", \"DIAL\"]\ncall_wait = \"10 ms\"\n";
const LOOP: &str = "close_loop = \"LOOP {loss}\"\nopen_loop = \"LOOP OFF\"\n";

const HEAD: &str = "title = \"Calls\"\nrecommendation = \"P.1110\"\nedition = \"10/2025\"\nbandwidth = \"WB\"\n\
                    car = \"ideal-wb\"\nlimits = [\"p1110-2025\"]\n";
const STABILITY: &str = "[[entry]]\nid = \"stability\"\nclause = \"Annex E\"\nmethod = \"stability\"\n\
                         volume = \"step-0\"\nlimits = [\"stability\"]\n[entry.parameters]\nidle = \"0.5 s\"\n";
const CONVERGENCE: &str = "[[entry]]\nid = \"echo_convergence\"\nclause = \"11.11.4\"\nmethod = \"echo_convergence\"\n\
                           volume = \"step-0\"\nlimits = []\n";

/// Records a plan of these entries on a device behind a rig with these lines.
fn record(name: &str, entries: &str, echo: f32, lines: &str) -> (RunView, Vec<String>) {
    let folder = empty_folder(name);
    let told = Arc::default();
    let file = folder.join("bench.toml");
    std::fs::write(&file, bench_file(&rig(&told), lines)).unwrap();
    let spec = LoopSpec {
        outputs: 4,
        inputs: 5,
        latency: 700,
        faults: Vec::new(),
        wiring: device(echo, &told),
        rate: 48_000,
    };
    let (host, clock) = LoopHost::new(spec);
    let audio = AudioSystem::custom(host.into_cpal(), Arc::new(clock));
    let engine = Engine::new(Vec::new()).with_audio(Arc::new(audio));
    let mut wish = request(&plan_in(&folder, &(HEAD.to_owned() + entries)), &folder, 1);
    wish.bench = BenchChoice::Rig(file.display().to_string());
    let view = engine.record(&wish, &|_| {}, &StopFlag::default()).unwrap();
    let lines = std::mem::take(&mut told.lock().unwrap().lines);
    (view, lines)
}

fn stable_loss(entry: &EntryView) -> (f64, Bound) {
    let found = entry.findings.iter().find(|one| one.finding.measurand == "stable_loss_least").unwrap();
    (found.finding.as_scalar().unwrap(), found.finding.bound)
}

#[test]
fn the_sweep_of_the_far_end_runs_on_a_live_bench_and_ends_where_the_loop_gains() {
    // The loop gains by as much as its loss is below the 12.5 dB of the device; one that loses 2 dB never does.
    for (echo_db, expected, last) in
        [(12.5, (15.0, Bound::Exact), "LOOP 10.0"), (-2.0, (0.0, Bound::AtMost), "LOOP 0.0")]
    {
        let echo = 10f32.powf(echo_db / 20.0);
        let (view, lines) =
            record(&format!("live-stability-{last}"), STABILITY, echo, &(CALLS.to_owned() + LOOP));
        let entry = &view.entries[0];
        assert_eq!(stable_loss(entry), expected, "{entry:#?}");
        assert!(!entry.flags.contains(&Flag::CallByHand), "{entry:#?}");
        // Each loss is a call of its own, and the loop is opened before the next one.
        let sweep: Vec<&str> =
            lines.iter().map(String::as_str).filter(|line| line.starts_with("LOOP")).collect();
        assert_eq!(sweep.iter().filter(|line| **line == "LOOP OFF").count(), sweep.len() / 2, "{sweep:?}");
        assert_eq!(sweep[0], "LOOP 50.0");
        assert_eq!(sweep[sweep.len() - 2..], [last, "LOOP OFF"], "{sweep:?}");
        let dials = lines.iter().filter(|line| *line == "DIAL").count();
        // The call of the epoch, and one for each loss.
        assert_eq!(dials, 1 + sweep.len() / 2, "{lines:?}");
        let places: Vec<usize> =
            (0..lines.len()).filter(|n| lines[*n].starts_with("LOOP ") && lines[*n] != "LOOP OFF").collect();
        assert!(
            places.iter().all(|place| lines[place - 1] == "DIAL" && lines[place - 2] == "HANG UP"),
            "{lines:?}"
        );
    }
}

#[test]
fn without_lines_for_a_call_the_sweep_is_refused_and_a_cold_device_is_not_taken_for_granted() {
    let folder = empty_folder("live-no-calls");
    let told = Arc::default();
    let file = folder.join("bench.toml");
    std::fs::write(&file, bench_file(&rig(&told), "")).unwrap();
    let mut wish = request(&plan_in(&folder, &(HEAD.to_owned() + STABILITY)), &folder, 1);
    wish.bench = BenchChoice::Rig(file.display().to_string());
    let error = Engine::new(Vec::new()).record(&wish, &|_| {}, &StopFlag::default()).unwrap_err();
    let text = format!("{error:?}");
    assert!(error.exit_code() == 2 && text.contains("close_loop, open_loop and call"), "{text}");

    let (by_hand, lines) = record("live-by-hand", CONVERGENCE, 0.01, "");
    assert!(by_hand.entries[0].flags.contains(&Flag::CallByHand), "{:#?}", by_hand.entries[0]);
    assert!(lines.iter().all(|line| line == "HANG UP"), "{lines:?}");
    let (by_rig, lines) = record("live-by-rig", CONVERGENCE, 0.01, CALLS);
    assert!(!by_rig.entries[0].flags.contains(&Flag::CallByHand), "{:#?}", by_rig.entries[0]);
    assert_eq!(lines, ["HANG UP", "DIAL", "HANG UP"]);
    assert_ne!(by_rig.entries[0].verdict, Verdict::NotRun);
}
