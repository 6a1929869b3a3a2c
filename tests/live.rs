//! Runs on a live bench: the shipped bench file on the interface inside the program, and a car behind another one.

use lombard::run::{BenchChoice, Engine, RunError};

use crate::recording::{SHORT_PLAN, empty_folder, plan_in, request};

/// A plan for a bench that is a wire: no volume to search.
pub(crate) fn wire_plan() -> String {
    let (head, entries) = SHORT_PLAN.split_once("[[entry]]").unwrap();
    let kept = entries
        .split("[[entry]]")
        .filter(|entry| !entry.contains("\"volume\"\n") && !entry.contains("idle_noise"));
    let kept: Vec<String> = kept.map(|entry| format!("[[entry]]\nvolume = \"step-0\"{entry}")).collect();
    head.to_owned() + &kept.concat()
}

fn on_rig(rig: &str) -> BenchChoice {
    BenchChoice::Rig(rig.to_owned())
}

#[cfg(not(feature = "audio"))]
#[test]
fn without_audio_a_live_bench_is_refused_and_says_how_to_build_it() {
    let folder = empty_folder("no-audio");
    let mut wish = request(&plan_in(&folder, &wire_plan()), &folder, 1);
    wish.bench = on_rig("example-loop");
    let engine = Engine::new(Vec::new());
    let error = engine.record(&wish, &|_| {}, &lombard::bench::StopFlag::default()).unwrap_err();
    assert!(matches!(error, RunError::Usage(_)) && error.to_string().contains("--features audio"), "{error}");
    assert!(engine.interfaces().unwrap_err().to_string().contains("--features audio"));
}

#[cfg(feature = "audio")]
mod with_audio {
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use lombard::bench::StopFlag;
    use lombard::bench::car::file::read_car;
    use lombard::bench::car::rig::CarBench;
    use lombard::bench::car::{BLOCK, BlockInputs, Car};
    use lombard::bench::live::audio::AudioSystem;
    use lombard::bench::live::audio::loop_host::{LoopHost, LoopSpec, Wiring};
    use lombard::bench::live::file::read_bench;
    use lombard::bench::live::take::LiveBench;
    use lombard::bench::{Bench, RenderedTake, TelemetrySender};
    use lombard::calibration::Validity;
    use lombard::calibration::ledger::LedgerRecord;
    use lombard::calibration::ledger::ear::EarRecord;
    use lombard::calibration::ledger::network::NetworkRecord;
    use lombard::capture::Grade;
    use lombard::event::Event;
    use lombard::plan::{BuiltIn, DeviceRecord, Folder, Input, Layered, Recorded, Sources};
    use lombard::problem::SourceText;
    use lombard::run::Update;
    use lombard::run::view::{RunState, RunView};
    use lombard::signals::random::Random;
    use lombard::take::{EpochKey, TakeId};
    use lombard::terms::{Bandwidth, Port, Seat};
    use lombard::verdict::Verdict;
    use time::macros::date;

    use super::*;
    use crate::recording::{Memory, call_at};

    fn scalar(view: &RunView, entry: &str, measurand: &str) -> f64 {
        let entry = view.entries.iter().find(|one| one.entry.id.text() == entry).unwrap();
        let one = entry.findings.iter().find(|one| one.finding.measurand == measurand);
        one.unwrap_or_else(|| panic!("{entry:#?}")).finding.as_scalar().unwrap()
    }

    #[test]
    fn the_shipped_bench_measures_its_own_wire() {
        let folder = empty_folder("wire");
        let mut wish = request(&plan_in(&folder, &wire_plan()), &folder, 1);
        wish.bench = on_rig("example-loop");
        let certificates = Mutex::new(Vec::new());
        let listener = |update: Update<'_>| {
            if let Update::Event(Event::TakeRecorded { certificate, .. }) = update {
                certificates.lock().unwrap().push(certificate.clone());
            }
        };
        let engine = Engine::new(Vec::new());
        let view = engine.record(&wish, &listener, &StopFlag::default()).unwrap();
        assert_eq!(view.state, RunState::Finished);
        let certificates = certificates.into_inner().unwrap();
        assert!(!certificates.is_empty());
        for one in &certificates {
            assert_eq!((one.grade, one.offset_frames), (Grade::Good, 960.0), "{one:?}");
        }
        // −1.7 dBPa is −21.7 dBov at 20 dBPa full scale, −15.55 dBm0 at the POI, −17.77 dBV: −16.07 dBV/Pa, flat.
        // The wideband table gives 12.46 dB for −18.55 dBV/Pa, so 9.98 dB here.
        let slr = scalar(&view, "slr", "slr");
        assert!((slr - 9.98).abs() < 0.03, "{slr}");
        // What the interface delays is not the device's delay: the loopback has it too.
        for measurand in ["delay_send", "delay_receive"] {
            let delay = scalar(&view, "delay", measurand);
            assert!(delay.abs() < 0.02, "{measurand}: {delay} ms");
        }
        // The files that the run stands on are its own.
        for file in
            ["rig.toml", "ledger/example-mouth.toml", "ledger/example-ear.toml", "ledger/example-poi.toml"]
        {
            assert!(view.path.join("inputs").join(file).is_file(), "{file}");
            assert!(view.inputs.iter().any(|one| one.0 == file), "{file} has no hash");
        }
        assert!(!view.bench.is_virtual);
        assert_eq!(view.bench.ports[&Port::of("mouth")].calibration.validity, Validity::Valid);
        let again = engine.evaluate(&view.path, None, &[]).unwrap();
        assert_eq!(scalar(&again, "slr", "slr"), slr);
    }

    #[test]
    fn a_run_on_a_live_bench_is_stopped_and_resumed_from_its_own_copies() {
        let folder = empty_folder("wire-resume");
        let mut wish = request(&plan_in(&folder, &wire_plan()), &folder, 1);
        wish.bench = on_rig("example-loop");
        let stop = StopFlag::default();
        let listener = |update: Update<'_>| {
            if let Update::Event(Event::TakeRecorded { .. }) = update {
                stop.stop();
            }
        };
        let engine = Engine::new(Vec::new());
        let view = engine.record(&wish, &listener, &stop).unwrap();
        assert_eq!(view.state, RunState::Incomplete);
        let view = engine.resume(&view.path, &|_| {}, &StopFlag::default()).unwrap();
        assert_eq!(view.state, RunState::Finished);
        assert!((scalar(&view, "slr", "slr") - 9.98).abs() < 0.03);
    }

    /// A bench file with a ledger of its own beside its folder; the mouth's record holds until `valid_until`.
    fn lab(folder: &Path, valid_until: &str) -> String {
        let read = |kind, name| BuiltIn.read(kind, name).unwrap().text.to_string();
        for name in ["example-mouth", "example-ear", "example-poi"] {
            let text = read(Folder::Ledger, name);
            let text = if name == "example-mouth" { text.replace("2099-12-31", valid_until) } else { text };
            std::fs::create_dir_all(folder.join("ledger")).unwrap();
            std::fs::write(folder.join("ledger").join(format!("{name}.toml")), text).unwrap();
        }
        std::fs::create_dir_all(folder.join("rigs")).unwrap();
        let path = folder.join("rigs").join("lab.toml");
        std::fs::write(&path, read(Folder::Rigs, "example-loop")).unwrap();
        path.display().to_string()
    }

    #[test]
    fn no_verdict_stands_on_an_expired_calibration() {
        let folder = empty_folder("wire-expired");
        let mut wish = request(&plan_in(&folder, &wire_plan()), &folder, 1);
        wish.only = vec!["slr".to_owned()];
        wish.bench = on_rig(&lab(&folder, "2026-01-02"));
        let engine = Engine::new(Vec::new());
        let view = engine.record(&wish, &|_| {}, &StopFlag::default()).unwrap();
        let slr = &view.entries[0];
        assert_eq!(slr.verdict, Verdict::Inconclusive, "{slr:#?}");
        assert!(slr.reason.contains("'example-mouth' was expired"), "{}", slr.reason);
        // What was measured is there all the same.
        assert!((scalar(&view, "slr", "slr") - 9.98).abs() < 0.03);
    }

    #[test]
    fn a_run_is_not_resumed_under_a_calibration_that_changed_its_validity() {
        let folder = empty_folder("wire-lapsed");
        let mut wish = request(&plan_in(&folder, &wire_plan()), &folder, 1);
        wish.only = vec!["slr".to_owned()];
        wish.bench = on_rig(&lab(&folder, "2099-12-31"));
        let engine = Engine::new(Vec::new());
        let view = engine.record(&wish, &|_| {}, &StopFlag::default()).unwrap();
        // As if the run had begun on a day on which the record did not hold.
        let manifest = view.path.join("inputs").join("manifest.json");
        let text = std::fs::read_to_string(&manifest).unwrap();
        std::fs::write(&manifest, text.replacen("\"valid\"", "\"expired\"", 1)).unwrap();
        let error = engine.resume(&view.path, &|_| {}, &StopFlag::default()).unwrap_err();
        assert!(matches!(error, RunError::Usage(_)), "{error}");
        assert!(error.to_string().contains("was expired when the run began and is valid today"), "{error}");
    }

    #[test]
    fn a_broken_bench_file_is_bad_input_with_every_problem() {
        let folder = empty_folder("wire-broken");
        let mut wish = request(&plan_in(&folder, &wire_plan()), &folder, 1);
        let rig = lab(&folder, "yesterday");
        let text = std::fs::read_to_string(&rig).unwrap();
        std::fs::write(&rig, text.replace("48000", "44100").replace("\"poi.send\"", "\"poi.sent\"")).unwrap();
        wish.bench = on_rig(&rig);
        let error = Engine::new(Vec::new()).record(&wish, &|_| {}, &StopFlag::default()).unwrap_err();
        let RunError::Input(problems) = &error else { panic!("{error}") };
        assert_eq!((problems.len(), error.exit_code()), (3, 2), "{problems:#?}");
        wish.bench = on_rig("exampel-loop");
        let error = Engine::new(Vec::new()).record(&wish, &|_| {}, &StopFlag::default()).unwrap_err();
        assert!(error.to_string().contains("did you mean 'example-loop'?"), "{error}");
    }

    #[test]
    fn a_noise_is_played_at_the_level_that_the_calibration_of_its_loudspeaker_says() {
        let folder = empty_folder("wire-noise");
        let plan = r#"
title = "Field"
recommendation = "P.1110"
edition = "10/2025"
bandwidth = "WB"
car = "ideal-wb"

[[entry]]
id = "field"
clause = "9.2"
method = "noise_field"
noise = "driving-120"
"#;
        // A loudspeaker that is 6 dB louder than its calibration knows makes a field that is 6 dB too loud.
        for (loudspeaker_dbpa, off_db) in [(30.0, 0.0), (24.0, 6.0), (33.5, -3.5)] {
            let rig = lab(&folder, "2099-12-31");
            let mut text = std::fs::read_to_string(&rig).unwrap();
            for (name, direction, zero) in
                [("noise.1", "out", loudspeaker_dbpa), ("mic.reference", "in", 30.0)]
            {
                let port = format!(
                    "[[port]]\nname = \"{name}\"\ndirection = \"{direction}\"\nchannel = 5\nnominal = \"{zero} dBPa\"\n"
                );
                text.push_str(&port);
            }
            std::fs::write(&rig, text).unwrap();
            let mut wish = request(&plan_in(&folder, plan), &folder, 1);
            wish.bench = on_rig(&rig);
            let view = Engine::new(Vec::new()).record(&wish, &|_| {}, &StopFlag::default()).unwrap();
            let off = scalar(&view, "field", "noise_level_deviation");
            assert!((off - off_db).abs() < 0.01, "{loudspeaker_dbpa}: {off}");
            // 69 dB(A) re 20 µPa at the driver's head; one period of it has that level within the wander's rounding.
            let level = scalar(&view, "field", "noise_level_a") + 93.979_4;
            assert!((level - off_db - 69.0).abs() < 0.05, "{level}");
            assert!((scalar(&view, "field", "lombard_rise") - 5.7).abs() < 1e-9);
            assert!((scalar(&view, "field", "talker_level") - 4.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_virtual_car_behind_an_audio_interface_sounds_as_on_its_own_bench() {
        let spec = read_car(&BuiltIn.read(Folder::Cars, "ideal-wb").unwrap()).unwrap();
        // The rig of the virtual car: ±1 is 30 dBPa at the mouth and at the ears, and the network as it is.
        let full_pa = 10f32.powf(1.5);
        let car = Arc::new(Mutex::new(Car::new(&spec, 1)));
        car.lock().unwrap().open(Bandwidth::Wb, 3).unwrap();
        let wiring: Wiring = Box::new(move |out, input| {
            let lane = |n: usize| -> [f32; BLOCK] { std::array::from_fn(|k| out[4 * k + n]) };
            let mouth = lane(0).map(|x| full_pa * x);
            let inputs = BlockInputs {
                mouths: vec![(Seat::Driver, mouth)],
                receive: lane(1),
                ..BlockInputs::default()
            };
            let heard = car.lock().unwrap().block(&inputs).unwrap();
            for (k, frame) in input.chunks_exact_mut(4).enumerate() {
                let ear = |side: usize| heard.ears[0].1[side][k] / full_pa;
                frame.copy_from_slice(&[heard.poi_send[k], ear(0), ear(1), out[4 * k + 3]]);
            }
        });
        let spec_of_loop =
            LoopSpec { outputs: 4, inputs: 4, rate: 48_000, latency: 1_234, faults: Vec::new(), wiring };
        let (host, clock) = LoopHost::new(spec_of_loop);
        let system = AudioSystem::custom(host.into_cpal(), Arc::new(clock));
        let text = BuiltIn.read(Folder::Rigs, "example-loop").unwrap();
        let text = SourceText::new("x", text.text.replace("channel = 18", "channel = 3"));
        let file = read_bench(&text, &BuiltIn, date!(2026 - 11 - 22)).unwrap();
        let mut live = LiveBench::new(&file, Arc::new(system));
        let mut own = CarBench::new(&spec);

        let mut random = Random::new(5);
        let mut noise =
            || -> Arc<[f32]> { (0..48_000).map(|_| (0.2 * (random.uniform() - 0.5)) as f32).collect() };
        let take = RenderedTake {
            id: TakeId::stored("t"),
            epoch: EpochKey::stored("e"),
            from: 0,
            duration: 48_000,
            tracks: [(Port::of("mouth"), noise()), (Port::of("poi.receive"), noise())].into(),
            actions: Vec::new(),
            loops: Vec::new(),
            record: ["poi.send", "ear.left", "ear.right"].map(Port::of).to_vec(),
        };
        let record = |bench: &mut dyn Bench, volume_step| {
            let mut sink = Memory::default();
            bench.open(&call_at(volume_step), &TelemetrySender::none()).unwrap();
            let certificate = bench.take(&take, &mut sink, &StopFlag::default()).unwrap();
            bench.close().unwrap();
            assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
            sink.0
        };
        let here = record(&mut live, 0);
        let there = record(&mut own, 3);
        for port in &take.record {
            let (one, other) = (&here[port], &there[port]);
            assert_eq!(one.len(), other.len());
            let peak = other.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
            let apart = one.iter().zip(other).fold(0.0f32, |apart, (a, b)| apart.max((a - b).abs()));
            // The car computes in blocks; where a block begins moves the rounding of 32-bit numbers, nothing else.
            assert!(peak > 1e-3 && apart <= 2e-6 * peak, "{port}: {apart} of {peak}");
        }
    }

    #[test]
    fn the_examples_of_the_manual_are_understood() {
        let page = include_str!("../docs/bench-files.md");
        let blocks: Vec<&str> =
            page.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
        let [bench, record, ear_port, ear, network, device] = blocks[..] else {
            panic!("{} examples", blocks.len())
        };
        let day = date!(2026 - 11 - 22);
        // The bench of the manual stands on the network's record of the manual.
        let own = Input {
            file: Input::file_of(Folder::Ledger, "simulator-g722"),
            text: SourceText::new("network", network),
        };
        let sources = Layered(vec![Box::new(Recorded(vec![own])), Box::new(BuiltIn)]);
        let file = read_bench(&SourceText::new("bench", bench), &sources, day).unwrap();
        assert_eq!((file.info.volume_step_count, file.references.len()), (16, 1));
        assert_eq!(file.references[0].call, file.info.network.codec_mode());
        assert_eq!(file.spec.rig.unwrap().volume_line(3).as_deref(), Some("AT+VGS=3"));
        let record = LedgerRecord::parse(&SourceText::new("record", record)).unwrap();
        assert_eq!(record.validity(day), Validity::Valid);
        let ear = EarRecord::parse(&SourceText::new("ear", ear)).unwrap();
        assert!(ear_port.contains(&format!("ear_response = \"{}\"", ear.id)), "{ear_port}");
        assert_eq!(ear.response(day).serial.as_deref(), Some("12345"));
        let network = NetworkRecord::parse(&SourceText::new("network", network)).unwrap();
        assert_eq!((network.bandwidth, network.facts.len()), (Bandwidth::Wb, 5));
        let device = DeviceRecord::parse(&SourceText::new("device", device)).unwrap();
        assert_eq!(device.fields.len(), 2);
    }

    #[test]
    fn every_shipped_bench_file_and_record_is_good() {
        let day = date!(2026 - 11 - 22);
        for name in BuiltIn.names(Folder::Rigs) {
            let file = read_bench(&BuiltIn.read(Folder::Rigs, &name).unwrap(), &BuiltIn, day).unwrap();
            assert_eq!(file.info.name, name);
        }
        for name in BuiltIn.names(Folder::Ledger) {
            let text = BuiltIn.read(Folder::Ledger, &name).unwrap();
            let id = if text.text.contains("kind = \"ear-response\"") {
                EarRecord::parse(&text).unwrap().id
            } else {
                LedgerRecord::parse(&text).unwrap().id
            };
            assert_eq!(id, name);
        }
    }

    #[test]
    fn interfaces_are_listed_on_any_machine() {
        let all = Engine::new(Vec::new()).interfaces().unwrap();
        assert!(all.iter().any(|one| one.id == "loop:wire" && one.host == "loop"), "{all:?}");
    }
}
