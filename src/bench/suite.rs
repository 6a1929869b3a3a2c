//! What every bench promises, held against each of them: order of calls, stop, refusals, safe closing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{
    Bench, BenchError, CaptureSink, RenderedEpoch, RenderedTake, SinkError, StopFlag, TelemetrySender,
};
use crate::capture::Grade;
use crate::event::Failure;
use crate::take::{EpochKey, Frame, TakeId, Terminal};
use crate::terms::{Bandwidth, Port};

/// Keeps what is recorded.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The samples by port.
    pub tracks: BTreeMap<Port, Vec<f32>>,
    /// Set when this many frames of a port were written: a user who stops in the middle.
    pub stop_at: Option<(usize, StopFlag, Option<Instant>)>,
    /// Fails when this many frames of a port were written.
    pub fail_at: Option<usize>,
}

impl CaptureSink for Memory {
    fn write(&mut self, port: &Port, samples: &[f32]) -> Result<(), SinkError> {
        let track = self.tracks.entry(port.clone()).or_default();
        track.extend_from_slice(samples);
        if self.fail_at.is_some_and(|at| track.len() >= at) {
            return Err(SinkError { port: port.clone(), cause: "the disk is full".to_owned() });
        }
        if let Some((at, stop, set)) = &mut self.stop_at
            && track.len() >= *at
            && set.is_none()
        {
            stop.stop();
            *set = Some(Instant::now());
        }
        Ok(())
    }
}

/// An epoch of a bandwidth at a volume step.
pub(crate) fn epoch(bandwidth: Bandwidth, volume_step: u32) -> RenderedEpoch {
    RenderedEpoch {
        key: EpochKey::stored("suite"),
        seed: 1,
        bandwidth,
        volume_step,
        terminal: Terminal::Device,
        noise: None,
    }
}

/// A take that plays `tracks` and records `record`.
pub(crate) fn take(
    duration: Frame,
    tracks: &[(&'static str, Vec<f32>)],
    record: &[&'static str],
) -> RenderedTake {
    RenderedTake {
        id: TakeId::stored("suite.take"),
        epoch: EpochKey::stored("suite"),
        from: 0,
        duration,
        tracks: tracks.iter().map(|(port, track)| (Port::of(port), track.as_slice().into())).collect(),
        actions: Vec::new(),
        loops: Vec::new(),
        record: record.iter().map(|port| Port::of(port)).collect(),
    }
}

/// Holds the promises against a bench that is not open yet, has the ports of a car, makes calls of `bandwidth`, and has
/// volume step 0.
pub(crate) fn hold(bench: &mut dyn Bench, bandwidth: Bandwidth) {
    let tone: Vec<f32> = (0..24_000).map(|n| 0.01 * (n as f32 * 0.1).sin()).collect();
    let good = take(24_000, &[("poi.receive", tone.clone())], &["poi.send", "ear.left"]);
    let nobody = TelemetrySender::none();
    let go = StopFlag::default();
    let refused = |result: Result<_, BenchError>| {
        let error: BenchError = result.map(|_: crate::capture::Certificate| ()).expect_err("it is refused");
        assert_eq!(error.failure(), Failure::StopRun, "{error}");
        error.to_string()
    };

    // Nothing is recorded before a call is open, and closing what is closed is no error.
    assert_eq!(bench.close(), Ok(()));
    refused(bench.take(&good, &mut Memory::default(), &go));

    // A call that the bench cannot make is refused.
    let error = bench.open(&epoch(bandwidth, 10_000), &nobody).expect_err("there is no such step");
    assert!(error.to_string().contains("10000"), "{error}");

    // Every port that is asked for is recorded in full, and nothing that the take did not ask for but the loopback of each interface.
    bench.open(&epoch(bandwidth, 0), &nobody).expect("the call opens");
    for _ in 0..2 {
        let mut sink = Memory::default();
        let certificate = bench.take(&good, &mut sink, &go).expect("the take is recorded");
        assert_ne!(certificate.grade, Grade::Bad, "{certificate:?}");
        assert!(!certificate.note.is_empty());
        sink.tracks.retain(|port, _| !port.name().starts_with(Port::LOOPBACK));
        let lengths: Vec<(&str, usize)> =
            sink.tracks.iter().map(|(port, t)| (port.name(), t.len())).collect();
        assert_eq!(lengths, [("ear.left", 24_000), ("poi.send", 24_000)]);
        assert!(sink.tracks.values().flatten().all(|x| x.is_finite()));
    }

    // What it does not have, it does not invent.
    let error = refused(bench.take(
        &take(480, &[("mouth.nobody", tone.clone())], &["poi.send"]),
        &mut Memory::default(),
        &go,
    ));
    assert!(error.contains("mouth.nobody"), "{error}");
    let error = refused(bench.take(&take(480, &[], &["ear.nobody.left"]), &mut Memory::default(), &go));
    assert!(error.contains("ear.nobody.left"), "{error}");
    let error = refused(bench.take(
        &take(480, &[("poi.receive", vec![f32::NAN; 480])], &["poi.send"]),
        &mut Memory::default(),
        &go,
    ));
    assert!(error.contains("poi.receive"), "{error}");

    // A stop is seen within 100 ms, also one that came before the take.
    let stop = StopFlag::default();
    let mut sink = Memory { stop_at: Some((4_800, stop.clone(), None)), ..Memory::default() };
    let long = take(480_000, &[("poi.receive", tone.clone())], &["poi.send"]);
    assert_eq!(bench.take(&long, &mut sink, &stop), Err(BenchError::Stopped));
    let asked = sink.stop_at.and_then(|one| one.2).expect("the stop was asked for");
    assert!(asked.elapsed() < Duration::from_millis(100), "{:?}", asked.elapsed());
    assert_eq!(bench.take(&long, &mut Memory::default(), &stop), Err(BenchError::Stopped));

    // A full disk ends the run, not the program; the bench is good for another take.
    let mut sink = Memory { fail_at: Some(9_600), ..Memory::default() };
    let error = bench.take(&good, &mut sink, &go).expect_err("the disk is full");
    assert!(error.failure() == Failure::StopRun && error.to_string().contains("disk is full"), "{error}");
    let certificate = bench.take(&good, &mut Memory::default(), &go).expect("the bench goes on");
    assert_ne!(certificate.grade, Grade::Bad, "{certificate:?}");

    // Closed is closed, twice too, and can be opened again.
    assert_eq!(bench.close(), Ok(()));
    assert_eq!(bench.close(), Ok(()));
    refused(bench.take(&good, &mut Memory::default(), &go));
    bench.open(&epoch(bandwidth, 0), &nobody).expect("the call opens again");
    bench.take(&good, &mut Memory::default(), &go).expect("the take is recorded");
    assert_eq!(bench.close(), Ok(()));
}
