//! Interfaces beside the main one, each on a clock of its own.
//!
//! Each has its own streams, its own ring and its own [`Recorder`]. What it records is placed in time by the code that the
//! main interface plays on its loopback output, and which an input of this interface hears too: so its take begins with
//! the same frame, and its lost blocks and the drift of its clock are found as those of the main interface are.
//! What it plays is background noise, which has no place in time.

use super::audio::stream::{self, BedTrack, Desk, Fault, Shape};
use super::audio::{AudioSystem, Streams};
use super::inputs;
use super::patience::Patience;
use super::recorder::{FULL_SCALE, Lane, Recorder, StreamFacts};
use super::spec::{LoopbackSpec, OtherSpec};
use super::sync::Code;
use super::take::{CHUNK, STALL, ratio_of};
use crate::bench::{BenchError, CaptureSink, RenderedTake, SinkError, Tap};
use crate::capture::{Certificate, FurtherClock, Grade};
use crate::finding::add_note;

/// The streams of a further interface in a call.
pub(super) struct Other {
    spec: OtherSpec,
    /// The sync input last.
    lanes: Vec<Lane>,
    desk: Desk,
    /// Frames read from the ring so far.
    read: u64,
    _streams: Streams,
}

/// A take on a further interface.
pub(super) struct OtherTake<'a> {
    /// Nothing where the interface only plays.
    recorder: Option<Recorder<'a>>,
    patience: Patience,
    before: StreamFacts,
}

impl Other {
    /// Opens its streams, with its loudspeakers of a background noise.
    pub(super) fn start(
        system: &AudioSystem,
        spec: &OtherSpec,
        bed: Vec<BedTrack>,
        ring: usize,
    ) -> Result<Self, BenchError> {
        let mut inputs: Vec<usize> =
            spec.inputs.values().map(|input| usize::from(input.channel) - 1).collect();
        inputs.extend(spec.sync.as_ref().map(|sync| usize::from(sync.channel) - 1));
        let outputs = spec.outputs.values().copied().max().unwrap_or(0).into();
        let shape = Shape { inputs, outputs, bed, ring, ratio: ratio_of(spec.rate) };
        let (lines, desk) = stream::lines(shape);
        let streams = system.start(&spec.streams(), lines)?;
        let mut lanes: Vec<Lane> = spec
            .inputs
            .iter()
            .map(|(port, input)| Lane { port: port.clone(), is_analog: input.is_analog })
            .collect();
        lanes.extend(spec.sync.iter().map(|sync| Lane { port: sync.port.clone(), is_analog: false }));
        Ok(Self { spec: spec.clone(), lanes, desk, read: 0, _streams: streams })
    }

    /// What it records.
    pub(super) fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Whether its streams have run.
    pub(super) fn is_running(&self) -> bool {
        self.desk.counters.are_running()
    }

    /// Why it does not go on, if it does not.
    pub(super) fn check_fault(&self) -> Result<(), BenchError> {
        self.desk.counters.fault().map_or(Ok(()), |fault| Err(fault_of(&self.spec.ids(), fault)))
    }

    /// That it delivers nothing.
    pub(super) fn stalled(&self, when: &str) -> BenchError {
        stalled(&self.spec.ids(), when)
    }

    /// Forgets what was heard so far, and begins a take with the code that the main interface plays.
    pub(super) fn begin<'a>(
        &mut self,
        lanes: &'a [Lane],
        code: Option<&Code>,
        take: &RenderedTake,
    ) -> OtherTake<'a> {
        self.read += self.desk.forget();
        let counters = &self.desk.counters;
        let before = StreamFacts {
            began_played: counters.captured() + counters.overflowed(),
            overflowed: counters.overflowed(),
            unread: counters.overflowed(),
            xruns: counters.xruns(),
        };
        let code = code.filter(|_| self.spec.sync.is_some()).cloned();
        let recorder = code.map(|code| Recorder::new(lanes, Some((lanes.len() - 1, code)), take, self.read));
        OtherTake { recorder, patience: Patience::new(STALL), before }
    }

    /// Hands on what has arrived; `true` while there is more to come.
    pub(super) fn hear(
        &mut self,
        one: &mut OtherTake<'_>,
        chunk: &mut Vec<f32>,
        tap: &mut Tap,
        sink: &mut dyn CaptureSink,
    ) -> Result<bool, BenchError> {
        self.check_fault()?;
        let Some(recorder) = &mut one.recorder else { return Ok(false) };
        if recorder.is_done() {
            return Ok(false);
        }
        let (frames, overloaded) = self.read_told(chunk, tap);
        for lane in overloaded {
            recorder.overload(lane);
        }
        if frames > 0 {
            one.patience.renew();
            recorder.push(chunk, None, sink)?;
        } else if one.patience.is_over() {
            return Err(self.stalled("during a take"));
        }
        Ok(!recorder.is_done())
    }

    /// Reads what has arrived and hands on what somebody wants of it. Gives the frames, and the lanes that reached full scale
    /// before their rate was lowered.
    fn read_told(&mut self, chunk: &mut Vec<f32>, tap: &mut Tap) -> (usize, Vec<usize>) {
        let at = self.read + self.desk.counters.overflowed();
        let frames = self.desk.read(chunk, CHUNK);
        let overloaded = self.desk.overloads(FULL_SCALE);
        inputs::tell(tap, &self.lanes, chunk, at, &overloaded);
        self.read += frames as u64;
        (frames, overloaded)
    }

    /// Hands on what has arrived, outside of a take. Gives the frames.
    pub(super) fn tell(&mut self, chunk: &mut Vec<f32>, tap: &mut Tap) -> usize {
        self.read_told(chunk, tap).0
    }

    /// Adds what is known about this interface's part of the take to the certificate, its clock among it: each track is
    /// resampled by the clock that recorded it.
    pub(super) fn certify(
        &mut self,
        one: OtherTake<'_>,
        pair: Option<LoopbackSpec>,
        mut certificate: Certificate,
        sink: &mut dyn CaptureSink,
    ) -> Result<Certificate, SinkError> {
        let counters = &self.desk.counters;
        let facts = StreamFacts {
            overflowed: counters.overflowed() - one.before.overflowed,
            xruns: counters.xruns() - one.before.xruns,
            ..one.before
        };
        let name = &self.spec.name;
        let Some(mut recorder) = one.recorder else {
            if facts.xruns > 0 {
                certificate.refuse();
                add_note(
                    &mut certificate.note,
                    &format!("{name}: {} lost block(s) of what it plays", facts.xruns),
                );
            }
            return Ok(certificate);
        };
        for lane in self.desk.overloads(FULL_SCALE) {
            recorder.overload(lane);
        }
        let input = self.spec.sync.as_ref().map_or(0, |sync| sync.channel);
        let pair = pair.map(|pair| LoopbackSpec { output: pair.output, input });
        let own = recorder.finish(pair, facts, sink)?;
        certificate.further.push(FurtherClock {
            interface: name.clone(),
            ports: self.lanes.iter().map(|lane| lane.port.clone()).collect(),
            rest_frames: own.rest_frames,
            drift_ppm: own.drift_ppm,
            drift_uncertainty_ppm: own.drift_uncertainty_ppm,
            is_drift_corrected: own.is_drift_corrected,
        });
        // The worse of both.
        certificate.grade = certificate.grade.max(own.grade);
        if certificate.grade == Grade::Bad {
            certificate.refuse();
        }
        certificate.lost_frames += own.lost_frames;
        certificate.repeated_frames += own.repeated_frames;
        certificate.overloaded.extend(own.overloaded);
        certificate.dead.extend(own.dead);
        add_note(&mut certificate.note, &format!("{name}: {}", own.note));
        Ok(certificate)
    }
}

impl OtherTake<'_> {
    /// RMS and peak of its ports since the last call, in dBov.
    pub(super) fn levels(&mut self) -> std::collections::BTreeMap<crate::terms::Port, (f64, f64)> {
        self.recorder.as_mut().map(Recorder::levels).unwrap_or_default()
    }
}

/// An interface that delivers nothing.
pub(super) fn stalled(ids: &str, when: &str) -> BenchError {
    BenchError::AskOperator(format!(
        "the interface {ids} delivered nothing for {} s {when}: check its cable, its clock and what else uses it, \
         then resume the run",
        STALL.as_secs()
    ))
}

/// An interface that says that it is broken.
pub(super) fn fault_of(ids: &str, fault: Fault) -> BenchError {
    match fault {
        Fault::Gone => BenchError::AskOperator(format!(
            "the interface {ids} is gone: connect it, start its server, then resume the run"
        )),
        Fault::Backend => BenchError::TryAgain(format!(
            "the sound system failed on {ids}: see its own messages if this happens again"
        )),
    }
}
