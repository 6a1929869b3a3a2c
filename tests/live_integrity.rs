//! Runs on a bench that fails: what is repeated, what is kept, what is corrected, and what is never judged; and a device that
//! fails, which is never excused.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use lombard::bench::car::file::read_car;
use lombard::bench::car::{BLOCK, BlockInputs, Car};
use lombard::bench::live::audio::AudioSystem;
use lombard::bench::live::audio::loop_host::{LoopFault, LoopHost, LoopSpec, Wiring};
use lombard::bench::live::file::read_bench;
use lombard::bench::live::take::LiveBench;
use lombard::bench::{Bench, CaptureSink, RenderedTake, SinkError, StopFlag, TelemetrySender};
use lombard::capture::Grade;
use lombard::event::Event;
use lombard::finding::Value;
use lombard::plan::{BuiltIn, Folder, Sources};
use lombard::problem::SourceText;
use lombard::run::view::{EntryView, RunState, RunView};
use lombard::run::{BenchChoice, Engine, RunRequest, Update};
use lombard::signals::random::Random;
use lombard::take::{EpochKey, TakeId};
use lombard::terms::{Bandwidth, Port, Seat};
use lombard::verdict::{Flag, Verdict};
use time::macros::date;

use crate::live::wire_plan;
use crate::recording::{call_at, empty_folder, plan_in, request};

/// The shipped bench file, its right ear on input 3.
fn rig_text() -> String {
    BuiltIn.read(Folder::Rigs, "example-loop").unwrap().text.replace("channel = 18", "channel = 3")
}

/// An engine whose live benches run on an interface inside the program.
fn engine(faults: Vec<LoopFault>, wiring: Wiring) -> Engine {
    let (host, clock) =
        LoopHost::new(LoopSpec { outputs: 4, inputs: 4, latency: 700, faults, wiring, rate: 48_000 });
    Engine::new(Vec::new()).with_audio(Arc::new(AudioSystem::custom(host.into_cpal(), Arc::new(clock))))
}

/// Mouth to POI, POI to both ears, loopback to loopback; while `is_broken`, every tenth of a second a frame is not what it
/// should be, on all inputs.
fn wires(is_broken: impl Fn() -> bool + Send + 'static) -> Wiring {
    let mut frame = 0_u64;
    Box::new(move |out, input| {
        let broken = is_broken();
        for (from, to) in out.chunks_exact(4).zip(input.chunks_exact_mut(4)) {
            to.copy_from_slice(&[from[0], from[1], from[1], from[3]]);
            if broken && frame.is_multiple_of(4_800) {
                to.fill(0.25);
            }
            frame += 1;
        }
    })
}

/// A wish for the wire plan, or some of it, on the shipped bench.
fn wish(name: &str, only: &[&str]) -> (RunRequest, PathBuf) {
    let folder = empty_folder(name);
    let rig = folder.join("bench.toml");
    std::fs::write(&rig, rig_text()).unwrap();
    let mut wish = request(&plan_in(&folder, &wire_plan()), &folder, 1);
    wish.only = only.iter().map(|one| (*one).to_owned()).collect();
    wish.bench = BenchChoice::Rig(rig.display().to_string());
    (wish, folder)
}

/// Records on wires that are broken in the attempts that `is_bad` names, counted from 0 over the run.
fn record(wish: &RunRequest, is_bad: impl Fn(usize) -> bool + Send + 'static) -> RunView {
    let recorded = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&recorded);
    let engine = engine(Vec::new(), wires(move || is_bad(count.load(Ordering::SeqCst))));
    let listener = |update: Update<'_>| {
        if let Update::Event(Event::TakeRecorded { .. }) = update {
            recorded.fetch_add(1, Ordering::SeqCst);
        }
    };
    engine.record(wish, &listener, &StopFlag::default()).unwrap()
}

/// The events of a kind in a journal.
fn journalled(path: &Path, kind: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter(|line| line["event"] == kind).collect()
}

/// Every file that a journal names is there, and no two attempts share one.
fn assert_all_kept(path: &Path) {
    let mut files = Vec::new();
    for line in journalled(path, "take-recorded") {
        for track in line["captures"].as_array().unwrap() {
            let file = track["file"].as_str().unwrap().to_owned();
            assert!(path.join(&file).is_file(), "{file} is not kept");
            assert!(!files.contains(&file), "{file} is that of two attempts");
            files.push(file);
        }
    }
    assert!(!files.is_empty());
}

/// The attempts at the take of the entry, or at the conditioning before it, which is the first of the call.
fn grades(view: &RunView, conditioning: bool) -> Vec<(u32, Option<Grade>)> {
    let mine =
        view.recordings.iter().filter(|one| one.take.text().contains(".conditioning-") == conditioning);
    mine.map(|one| (one.attempt, one.grade)).collect()
}

const GOOD: Option<Grade> = Some(Grade::Good);
const BAD: Option<Grade> = Some(Grade::Bad);

#[test]
fn a_failed_certificate_repeats_the_take_and_every_attempt_is_kept_and_listed() {
    // The first take of the call, then the one after it: the second is repeated in the call that it is in.
    for (name, bad, first, calls) in [("repeated-first", 0..2, true, 3), ("repeated", 1..3, false, 1)] {
        let (wish, _) = wish(name, &["slr"]);
        let view = record(&wish, move |attempt| bad.contains(&attempt));
        assert_eq!(view.state, RunState::Finished);
        assert_eq!(grades(&view, first), [(1, BAD), (2, BAD), (3, GOOD)], "{:#?}", view.recordings);
        assert_eq!(grades(&view, !first), [(1, GOOD)], "{:#?}", view.recordings);
        // What a healthy wire gives, judged like that.
        let is_judged = matches!(view.entries[0].verdict, Verdict::Pass | Verdict::Fail | Verdict::Measured);
        assert!(is_judged, "{:#?}", view.entries[0]);
        let takes = journalled(&view.path, "take-recorded");
        let kept: Vec<bool> = takes.iter().map(|line| line["kept"].as_bool().unwrap()).collect();
        assert_eq!(kept.iter().filter(|kept| !**kept).count(), 2);
        assert_all_kept(&view.path);
        assert_eq!(journalled(&view.path, "epoch-opened").len(), calls, "{name}");
        let html = lombard::report::html(&view);
        assert!(html.contains("4 attempts at 2 takes") && html.contains("frames of the bench"), "{name}");
        let json = lombard::report::json(&view);
        assert_eq!(json.matches("\"grade\": \"bad\"").count(), 2, "{json}");
    }
}

#[test]
fn no_verdict_stands_on_a_take_that_fails_for_good_until_a_resumed_run_has_it() {
    let (wish, _) = wish("failed-for-good", &["slr"]);
    let view = record(&wish, |_| true);
    for conditioning in [true, false] {
        assert_eq!(grades(&view, conditioning), [(1, BAD), (2, BAD), (3, BAD)]);
    }
    let slr = &view.entries[0];
    assert_eq!(slr.verdict, Verdict::Inconclusive, "{slr:#?}");
    assert!(slr.reason.contains("frames of the bench") && slr.findings.is_empty(), "{slr:#?}");
    // Judged again it is what it was.
    let again = Engine::new(Vec::new()).evaluate(&view.path, None, &[]).unwrap();
    assert_eq!(again.entries[0].verdict, Verdict::Inconclusive);

    let healthy = engine(Vec::new(), wires(|| false));
    let resumed = healthy.resume(&view.path, &|_| {}, &StopFlag::default()).unwrap();
    assert_eq!(grades(&resumed, false)[3..], [(4, GOOD)]);
    assert_ne!(resumed.entries[0].verdict, Verdict::Inconclusive, "{:#?}", resumed.entries[0]);
    assert_all_kept(&view.path);
}

#[test]
fn how_often_a_take_is_repeated_is_the_runs_own() {
    for (repeats, attempts) in [(0, 1), (1, 2), (4, 5)] {
        let (mut wish, _) = wish(&format!("repeats-{repeats}"), &["slr"]);
        wish.repeats = Some(repeats);
        let view = record(&wish, |_| true);
        assert_eq!(grades(&view, false).len(), attempts);
        // A resumed run does the same.
        let broken = engine(Vec::new(), wires(|| true));
        let view = broken.resume(&view.path, &|_| {}, &StopFlag::default()).unwrap();
        assert_eq!(grades(&view, false).len(), 2 * attempts);
        assert_eq!(view.entries[0].verdict, Verdict::Inconclusive);
    }
    let (mut wish, _) = wish("repeats-11", &["slr"]);
    wish.repeats = Some(11);
    let error = Engine::new(Vec::new()).record(&wish, &|_| {}, &StopFlag::default()).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("at most 10"), "{error}");
}

#[test]
fn an_interface_that_vanishes_or_a_server_that_is_killed_ends_in_no_verdict() {
    for (name, fault) in
        [("gone", LoopFault::Unplug { at: 60_000 }), ("killed", LoopFault::Kill { at: 60_000 })]
    {
        let (wish, _) = wish(name, &[]);
        let stopped = engine(vec![fault], wires(|| false));
        let view = stopped.record(&wish, &|_| {}, &StopFlag::default()).unwrap();
        for entry in &view.entries {
            let is_judged = matches!(entry.verdict, Verdict::Pass | Verdict::Fail | Verdict::Measured);
            assert!(!is_judged && !entry.reason.is_empty(), "{name}: {entry:#?}");
        }
        assert!(view.recordings.iter().any(|one| one.grade.is_none() && !one.note.is_empty()), "{name}");
        // Put back, the run goes on.
        let healthy = engine(Vec::new(), wires(|| false));
        let view = healthy.resume(&view.path, &|_| {}, &StopFlag::default()).unwrap();
        assert_eq!(view.state, RunState::Finished, "{name}");
        assert!(view.entries.iter().all(|one| one.verdict != Verdict::NotRun), "{name}");
    }
}

/// How far two outcomes of an entry are apart: the largest difference of any number below 20 kHz, with its measurand.
fn furthest(one: &EntryView, other: &EntryView) -> Vec<(String, f64)> {
    let numbers = |value: &Value| match value {
        Value::Scalar(value) => vec![*value],
        Value::Curve(curve) => {
            let low = curve.hz.iter().zip(&curve.values).filter(|(hz, _)| **hz < 20_000.0);
            low.map(|(_, value)| *value).collect()
        }
        Value::Series(series) => series.values.clone(),
    };
    assert_eq!(one.findings.len(), other.findings.len());
    let pairs = one.findings.iter().zip(&other.findings);
    let apart = pairs.map(|(one, other)| {
        let (a, b) = (numbers(&one.finding.value), numbers(&other.finding.value));
        assert_eq!(a.len(), b.len());
        let most = a.iter().zip(&b).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
        (one.finding.measurand.clone(), most)
    });
    apart.collect()
}

#[test]
fn findings_on_a_drifting_interface_are_those_without_drift() {
    let (mut still, folder) = wish("drifting", &[]);
    let call = "\n[[entry]]\nid = \"call\"\nclause = \"7.8\"\nmethod = \"call_check\"\nvolume = \"step-0\"\ninformative = true\n";
    still.plan = plan_in(&folder, &(wire_plan() + call));
    let without = engine(Vec::new(), wires(|| false)).record(&still, &|_| {}, &StopFlag::default()).unwrap();
    for ppb in [180_000, -95_000, 20_000] {
        let drifting = engine(vec![LoopFault::Drift { ppb }], wires(|| false));
        let view = drifting.record(&still, &|_| {}, &StopFlag::default()).unwrap();
        let mut compared = 0;
        for (one, other) in view.entries.iter().zip(&without.entries) {
            if one.entry.method == "call_check" {
                // It looks for steps and zeros of single samples, which are gone.
                assert_eq!(one.verdict, Verdict::Inconclusive, "{one:#?}");
                assert!(one.reason.contains("single samples"), "{}", one.reason);
                continue;
            }
            assert_eq!(one.verdict, other.verdict, "{ppb}: {one:#?}");
            assert!(one.flags.contains(&Flag::DriftCorrected), "{ppb}: {one:#?}");
            assert!(!other.flags.contains(&Flag::DriftCorrected));
            for (measurand, apart) in furthest(one, other) {
                // 0.02 dB and 0.02 ms are what the live bench promises against the virtual one.
                assert!(apart <= 0.02, "{ppb}: {} {measurand} is {apart} off", one.entry.id);
                compared += 1;
            }
        }
        assert!(compared >= 5, "{compared}");
        assert!(view.recordings.iter().all(|one| one.is_drift_corrected || one.grade == Some(Grade::Good)));
    }
}

/// Keeps nothing.
struct Nowhere;

impl CaptureSink for Nowhere {
    fn write(&mut self, _: &Port, _: &[f32]) -> Result<(), SinkError> {
        Ok(())
    }
}

/// What a device does wrong at its output: frames that it loses, repeats, or makes up, at a frame of its stream.
#[derive(Debug, Clone, Copy)]
enum Slip {
    Lost(usize),
    Repeated(usize),
    MadeUp(usize),
    Muted(usize),
}

/// The output of a device: as late as the longest loss, so that it never has to wait for what it lost.
struct Output {
    past: Vec<f32>,
    next: usize,
    made_up: usize,
    at: usize,
    slip: Slip,
    muted: std::ops::Range<usize>,
}

impl Output {
    fn new(at: usize, slip: Slip) -> Self {
        Self { past: vec![0.0; 4_096], next: 0, made_up: 0, at, slip, muted: 0..0 }
    }

    fn put_out(&mut self, frame: usize, sample: f32) -> f32 {
        self.past.push(sample);
        if frame == self.at {
            match self.slip {
                Slip::Lost(frames) => self.next += frames,
                Slip::Repeated(frames) => self.next -= frames,
                Slip::MadeUp(frames) => self.made_up = frames,
                Slip::Muted(frames) => self.muted = frame..frame + frames,
            }
        }
        if self.made_up > 0 {
            self.made_up -= 1;
            return if self.made_up.is_multiple_of(2) { 0.1 } else { -0.1 };
        }
        let out = self.past[self.next];
        self.next += 1;
        if self.muted.contains(&frame) { 0.0 } else { out }
    }
}

/// A car behind an interface whose terminal slips at the POI, or whose loudspeaker does: nothing that the bench may excuse.
fn device_faults_are_no_excuse(cases: usize, seed: u64) {
    const FRAMES: usize = 48_000;
    let spec = read_car(&BuiltIn.read(Folder::Cars, "ideal-wb").unwrap()).unwrap();
    let full_pa = 10f32.powf(1.5);
    let mut random = Random::new(seed);
    let mut noise =
        || -> Arc<[f32]> { (0..FRAMES).map(|_| (0.2 * (random.uniform() - 0.5)) as f32).collect() };
    let take = RenderedTake {
        id: TakeId::stored("t"),
        epoch: EpochKey::stored("e"),
        from: 0,
        duration: FRAMES as u64,
        tracks: [(Port::of("mouth"), noise()), (Port::of("poi.receive"), noise())].into(),
        actions: Vec::new(),
        loops: Vec::new(),
        record: ["poi.send", "ear.left", "ear.right"].map(Port::of).to_vec(),
    };
    let mut random = Random::new(seed + 1);
    // The device's streams begin with the interface; the take begins some 14 000 frames later.
    for case in 0..cases {
        let frames = 1 + (random.bits() % 4_096) as usize;
        let at = 20_000 + (random.bits() % 40_000) as usize;
        let slip = match case % 4 {
            0 => Slip::Lost(frames),
            1 => Slip::Repeated(frames),
            2 => Slip::MadeUp(frames),
            _ => Slip::Muted(frames),
        };
        let in_send = (case / 4).is_multiple_of(2);
        let car = Arc::new(Mutex::new(Car::new(&spec, 1)));
        car.lock().unwrap().open(Bandwidth::Wb, 3).unwrap();
        let mut outputs = [Output::new(at, slip), Output::new(at, slip), Output::new(at, slip)];
        let mut frame = 0;
        let wiring: Wiring = Box::new(move |out, input| {
            let lane = |n: usize| -> [f32; BLOCK] { std::array::from_fn(|k| out[4 * k + n]) };
            let inputs = BlockInputs {
                mouths: vec![(Seat::Driver, lane(0).map(|x| full_pa * x))],
                receive: lane(1),
                ..BlockInputs::default()
            };
            let heard = car.lock().unwrap().block(&inputs).unwrap();
            for (k, to) in input.chunks_exact_mut(4).enumerate() {
                let ear = |side: usize| heard.ears[0].1[side][k] / full_pa;
                let mut all = [heard.poi_send[k], ear(0), ear(1)];
                for (n, (sample, output)) in all.iter_mut().zip(&mut outputs).enumerate() {
                    if (n == 0) == in_send {
                        *sample = output.put_out(frame, *sample);
                    }
                }
                to.copy_from_slice(&[all[0], all[1], all[2], out[4 * k + 3]]);
                frame += 1;
            }
        });
        let (host, clock) = LoopHost::new(LoopSpec {
            outputs: 4,
            inputs: 4,
            latency: 321,
            faults: Vec::new(),
            wiring,
            rate: 48_000,
        });
        let system = AudioSystem::custom(host.into_cpal(), Arc::new(clock));
        let file =
            read_bench(&SourceText::new("bench", rig_text()), &BuiltIn, date!(2026 - 11 - 22)).unwrap();
        let mut bench = LiveBench::new(&file, Arc::new(system));
        bench.open(&call_at(0), &TelemetrySender::none()).unwrap();
        let certificate = bench.take(&take, &mut Nowhere, &StopFlag::default()).unwrap();
        assert_eq!(certificate.grade, Grade::Good, "case {case}, {slip:?} at {at}: {certificate:?}");
        let counted = (certificate.lost_frames, certificate.repeated_frames);
        assert_eq!((counted, certificate.offset_frames), ((0, 0), 321.0), "case {case}: {certificate:?}");
    }
}

#[test]
fn two_hundred_faults_of_the_device_behind_an_interface_are_never_excused() {
    device_faults_are_no_excuse(200, 20);
}
