//! Benches with a rig behind a pair of virtual ports: volume, calls, the loop of the far end, and the safe state after all.

use super::*;
use crate::bench::LoopCue;
use crate::bench::live::rig::tests::over_a_pair::Fake;
use crate::take::RigAction;

fn rigged(fake: &Fake) -> LiveBench {
    let rig = format!(
        "[rig]\nport = \"{}\"\nbaud = 115200\ntimeout = \"300 ms\"\nset_volume = \"VOLUME {{step}}\"\n\
         reply = \"OK\"\nsafe_state = [\"HANG UP\", \"VOLUME 0\"]\n",
        fake.spec.port
    );
    let text = BENCH.replace("volume_steps = 1", "volume_steps = 9") + &rig;
    hosted(&text, 0, Vec::new(), straight())
}

#[test]
fn the_rig_sets_the_volume_of_calls_and_cues_and_is_safe_after_each_call() {
    let fake = Fake::new(|_| Some("OK\r\n"));
    let mut bench = rigged(&fake);
    bench.open(&epoch(Bandwidth::Wb, 5), &TelemetrySender::none()).unwrap();
    assert_eq!(fake.lines(1), ["VOLUME 5"]);
    let mut take = busy_take();
    take.actions = vec![(10_000, RigAction::SetVolume(7)), (60_000, RigAction::SetVolume(8))];
    let certificate = bench.take(&take, &mut Memory::default(), &StopFlag::default()).unwrap();
    assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
    assert_eq!(fake.lines(2), ["VOLUME 7", "VOLUME 8"]);
    take.actions = vec![(10_000, RigAction::SetVolume(9))];
    let error = bench.take(&take, &mut Memory::default(), &StopFlag::default()).unwrap_err();
    assert!(error.failure() == Failure::StopRun && error.to_string().contains("step 9"), "{error}");
    bench.close().unwrap();
    assert_eq!(fake.lines(2), ["HANG UP", "VOLUME 0"]);
    bench.open(&epoch(Bandwidth::Wb, 2), &TelemetrySender::none()).unwrap();
    drop(bench);
    assert_eq!(fake.lines(3), ["VOLUME 2", "HANG UP", "VOLUME 0"]);
    assert!(fake.is_quiet());
}

#[test]
fn a_rig_that_fails_during_a_take_ends_it_and_is_made_safe() {
    let fake = Fake::new(|line| (line != "VOLUME 7").then_some("OK\r\n"));
    let mut bench = rigged(&fake);
    bench.open(&epoch(Bandwidth::Wb, 5), &TelemetrySender::none()).unwrap();
    let mut take = busy_take();
    take.actions = vec![(10_000, RigAction::SetVolume(7))];
    let error = bench.take(&take, &mut Memory::default(), &StopFlag::default()).unwrap_err();
    assert_eq!(error.failure(), Failure::TryAgain, "{error}");
    bench.close().unwrap();
    assert_eq!(fake.lines(4), ["VOLUME 5", "VOLUME 7", "HANG UP", "VOLUME 0"]);
    // The bench is good for another call.
    bench.open(&epoch(Bandwidth::Wb, 1), &TelemetrySender::none()).unwrap();
    bench.take(&busy_take(), &mut Memory::default(), &StopFlag::default()).unwrap();
    bench.close().unwrap();
}

/// [`rigged`] with lines for calls and for the loop, on wires of the test's own.
fn calling(fake: &Fake, wiring: Wiring) -> LiveBench {
    let rig = format!(
        "[rig]\nport = \"{}\"\nbaud = 115200\ntimeout = \"300 ms\"\ncall = [\"HANG UP\", \"DIAL\"]\ncall_wait = \"10 ms\"\n\
         close_loop = \"LOOP {{loss}}\"\nopen_loop = \"LOOP OFF\"\nreply = \"OK\"\nsafe_state = [\"HANG UP\"]\n",
        fake.spec.port
    );
    hosted(&(BENCH.to_owned() + &rig), 0, Vec::new(), wiring)
}

fn looped_take() -> RenderedTake {
    let cue = |at, gain| LoopCue { at, from: Port::of("poi.send"), to: Port::of("poi.receive"), gain };
    let mut take = busy_take();
    take.actions = vec![(0, RigAction::NewCall)];
    take.loops = vec![cue(10_000, Some(0.1)), cue(60_000, None)];
    take
}

#[test]
fn a_take_calls_anew_before_it_begins_and_closes_its_loop_in_time() {
    let fake = Fake::new(|_| Some("OK\r\n"));
    let mut bench = calling(&fake, straight());
    bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).unwrap();
    assert_eq!(fake.lines(2), ["HANG UP", "DIAL"]);
    let certificate = bench.take(&looped_take(), &mut Memory::default(), &StopFlag::default()).unwrap();
    assert_eq!(certificate.grade, Grade::Good, "{certificate:?}");
    assert_eq!(fake.lines(4), ["HANG UP", "DIAL", "LOOP 20.0", "LOOP OFF"]);
    // Within a take there is no time for a call.
    let mut late = looped_take();
    late.actions = vec![(10, RigAction::NewCall)];
    let error = bench.take(&late, &mut Memory::default(), &StopFlag::default()).unwrap_err();
    assert!(error.to_string().contains("before a take only"), "{error}");
    bench.close().unwrap();
    assert_eq!(fake.lines(1), ["HANG UP"]);
    assert!(fake.is_quiet());
}

#[test]
fn a_loop_that_is_closed_is_opened_when_its_take_ends_early() {
    let fake = Fake::new(|_| Some("OK\r\n"));
    let stop = StopFlag::default();
    let (mut wires, mut frames, stopper) = (straight(), 0, stop.clone());
    // The loop is closed some 30 000 frames after the streams began, and would be opened 50 000 later.
    let wiring: Wiring = Box::new(move |out, input| {
        wires(out, input);
        frames += out.len() / 3;
        if frames > 55_000 {
            stopper.stop();
        }
    });
    let mut bench = calling(&fake, wiring);
    bench.open(&epoch(Bandwidth::Wb, 0), &TelemetrySender::none()).unwrap();
    let result = bench.take(&looped_take(), &mut Memory::default(), &stop);
    assert_eq!(result, Err(BenchError::Stopped));
    assert_eq!(fake.lines(6)[4..], ["LOOP 20.0", "LOOP OFF"]);
    assert!(fake.is_quiet());
}

#[test]
fn without_lines_for_it_there_is_no_call_and_no_loop() {
    let fake = Fake::new(|_| Some("OK\r\n"));
    let mut bench = rigged(&fake);
    bench.open(&epoch(Bandwidth::Wb, 5), &TelemetrySender::none()).unwrap();
    let mut take = looped_take();
    let error = bench.take(&take, &mut Memory::default(), &StopFlag::default()).unwrap_err();
    assert!(error.to_string().contains("close_loop and open_loop"), "{error}");
    take.loops.clear();
    let error = bench.take(&take, &mut Memory::default(), &StopFlag::default()).unwrap_err();
    assert!(error.to_string().contains("'call' in [rig]"), "{error}");
}
