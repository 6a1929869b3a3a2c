//! The live bench: calls set up through the rig, takes played and recorded through audio interfaces.
//!
//! The streams run from the first call on, and are opened anew for a background noise and after one. Every wait has an end:
//! an interface that delivers nothing is an error that says so, and a stop is seen within 100 ms.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::audio::stream::{self, BedTrack, Desk, Program, ProgramTrack, Shape};
use super::audio::{AudioSystem, Streams};
use super::file::BenchFile;
use super::inputs;
use super::orders::{Orders, no_new_call};
use super::others::{self, Other, OtherTake};
use super::patience::Patience;
use super::recorder::{FULL_SCALE, Lane, Recorder, StreamFacts};
use super::rig::Rig;
use super::spec::{LiveSpec, OtherSpec};
use super::sync::{Code, LEAD};
use crate::bench::noise::{NOISE_LEAD, NoiseSound};
use crate::bench::{
    Bench, BenchError, BenchMaker, CaptureSink, LoopCue, RenderedEpoch, RenderedNoise, RenderedTake,
    StopFlag, Tap, TelemetrySender,
};
use crate::capture::Certificate;
use crate::context::BenchInfo;
use crate::event::{Side, Telemetry};
use crate::take::{Frame, RATE, RigAction, Terminal};
use crate::terms::Port;

/// An interface that delivers nothing for that long is dead.
pub(super) const STALL: Duration = Duration::from_secs(2);
/// What a take may last beside its sound, and how many times longer than that sound.
const SLOW: (Duration, u32) = (Duration::from_secs(30), 4);
/// Sound that the ring holds beside what arrives while the rig is waited for.
pub(super) const RING_S: u32 = 4;
/// Frames that are worked on at once.
pub(super) const CHUNK: usize = 4_800;
/// Between two telemetry messages.
const TELL: Frame = RATE as Frame / 10;

/// How many times the bench's rate an interface runs at.
pub(super) fn ratio_of(rate: u32) -> usize {
    (rate / RATE).max(1) as usize
}

/// The streams of a call.
struct Running {
    desk: Desk,
    /// Frames read from the ring so far.
    read: u64,
    programs: u32,
    /// Whether a take was not recorded to its end: what is wrong with the streams need not have been said.
    has_failed: bool,
    /// The background noise that runs, by loudspeaker: it is that of one call.
    noise: Option<BTreeMap<Port, Arc<[f32]>>>,
    /// The further interfaces, in the order of the bench file.
    others: Vec<Other>,
    /// Last, so that the callbacks are gone before their other ends.
    _streams: Streams,
}

impl Running {
    fn are_running(&self) -> bool {
        self.desk.counters.are_running() && self.others.iter().all(Other::is_running)
    }
}

/// What of a background noise each interface plays: the main one first, then the others in the order of the bench file.
type Beds = Vec<Vec<BedTrack>>;

/// Audio interfaces and a rig.
pub struct LiveBench {
    pub(super) info: BenchInfo,
    spec: LiveSpec,
    system: Arc<AudioSystem>,
    lanes: Vec<Lane>,
    pub(super) rig: Option<Rig>,
    running: Option<Running>,
    is_open: bool,
    takes: u64,
    telemetry: TelemetrySender,
    /// The way to the monitor out of this call.
    tap: Tap,
}

impl LiveBench {
    /// The bench of a file, on an audio system.
    pub fn new(file: &BenchFile, system: Arc<AudioSystem>) -> Self {
        let lane = |port: &Port, is_analog| Lane { port: port.clone(), is_analog };
        let mut lanes: Vec<Lane> =
            file.spec.inputs.iter().map(|(port, input)| lane(port, input.is_analog)).collect();
        // The loopback is judged by its code, never by its level.
        lanes.extend(file.spec.loopback.map(|_| lane(&Port::of(Port::LOOPBACK), false)));
        Self {
            info: file.info.clone(),
            spec: file.spec.clone(),
            system,
            lanes,
            rig: None,
            running: None,
            is_open: false,
            takes: 0,
            telemetry: TelemetrySender::none(),
            tap: Tap::default(),
        }
    }

    /// Where a port is played: the number of its interface, 0 for the main one, and its channel from 0.
    fn played_on(&self, port: &Port) -> Option<(usize, usize)> {
        let others = self.spec.others.iter().map(|other| &other.outputs);
        let mut all = std::iter::once(&self.spec.outputs).chain(others).enumerate();
        all.find_map(|(n, outputs)| Some((n, usize::from(*outputs.get(port)?) - 1)))
    }

    /// What of a background noise is played on which channel of which interface.
    fn beds(&self, noise: Option<&RenderedNoise>) -> Result<Beds, BenchError> {
        let mut beds: Beds = (0..=self.spec.others.len()).map(|_| Vec::new()).collect();
        let Some(noise) = noise else { return Ok(beds) };
        let name = &self.info.name;
        let NoiseSound::Ports(ports) = &noise.sound else {
            return Err(BenchError::StopRun(format!(
                "the noise '{}' was made for a simulated cabin, and the bench '{name}' has loudspeakers",
                noise.signal
            )));
        };
        for (port, samples) in ports {
            let (interface, channel) = self.played_on(port).ok_or_else(|| {
                BenchError::StopRun(format!(
                    "the bench '{name}' cannot play the noise '{}' on port {port}: bind it in the bench file",
                    noise.signal
                ))
            })?;
            if samples.is_empty() || samples.iter().any(|sample| !sample.is_finite()) {
                return Err(BenchError::StopRun(format!(
                    "the noise '{}' for port {port} is empty or holds a value that is no number",
                    noise.signal
                )));
            }
            beds[interface].push(BedTrack { channel, samples: Arc::clone(samples) });
        }
        Ok(beds)
    }

    /// Opens the streams with a background noise, or none, and waits until all run and the noise has sounded for long
    /// enough.
    fn start(&self, noise: Option<&RenderedNoise>) -> Result<Running, BenchError> {
        let mut beds = self.beds(noise)?.into_iter();
        let bed = beds.next().unwrap_or_default();
        let lead = if noise.is_some() { NOISE_LEAD } else { 0 };
        let mut inputs: Vec<usize> =
            self.spec.inputs.values().map(|input| usize::from(input.channel) - 1).collect();
        inputs.extend(self.spec.loopback.map(|pair| usize::from(pair.input) - 1));
        let loopback = self.spec.loopback.map(|pair| pair.output);
        let outputs = self.spec.outputs.values().copied().chain(loopback).max().unwrap_or(1).into();
        let patience_s = self.spec.rig.as_ref().map_or(0.0, |rig| rig.timeout.as_secs_f64());
        let ring = (f64::from(RATE) * (f64::from(RING_S) + patience_s)) as usize;
        let ratio = ratio_of(self.spec.audio.rate);
        let (lines, desk) = stream::lines(Shape { inputs, outputs, bed, ring, ratio });
        let streams = self.system.start(&self.spec.audio.streams(), lines)?;
        let others = self.spec.others.iter().zip(beds);
        let others = others
            .map(|(spec, bed)| Other::start(&self.system, spec, bed, ring))
            .collect::<Result<_, _>>()?;
        let noise = noise.map(|noise| match &noise.sound {
            NoiseSound::Ports(ports) => ports.clone(),
            NoiseSound::Points(_) => BTreeMap::new(),
        });
        let mut running =
            Running { desk, read: 0, programs: 0, has_failed: false, noise, others, _streams: streams };
        let mut patience = Patience::new(STALL);
        while !running.are_running() {
            self.check_fault(&running)?;
            if patience.is_over() {
                let dead = running.others.iter().find(|other| !other.is_running());
                let dead = dead.filter(|_| running.desk.counters.are_running());
                let when = "after it was started";
                return Err(dead.map_or_else(|| self.stalled(when), |other| other.stalled(when)));
            }
            self.system.pace().wait();
        }
        self.let_sound(&mut running, lead)?;
        Ok(running)
    }

    /// Waits until `lead` frames were heard, and forgets them.
    fn let_sound(&self, running: &mut Running, lead: Frame) -> Result<(), BenchError> {
        let (mut old, mut patience) = (Vec::new(), Patience::new(STALL));
        while running.read < lead {
            self.check_fault(running)?;
            let frames = running.desk.read(&mut old, CHUNK);
            if frames > 0 {
                running.read += frames as u64;
                patience.renew();
            } else if patience.is_over() {
                return Err(self.stalled("while the background noise began"));
            } else {
                self.system.pace().wait();
            }
        }
        Ok(())
    }

    fn stalled(&self, when: &str) -> BenchError {
        others::stalled(&self.spec.audio.capture, when)
    }

    fn check_fault(&self, running: &Running) -> Result<(), BenchError> {
        let ids = || format!("{} or {}", self.spec.audio.capture, self.spec.audio.playback);
        running.desk.counters.fault().map_or(Ok(()), |fault| Err(others::fault_of(&ids(), fault)))?;
        running.others.iter().try_for_each(Other::check_fault)
    }

    fn check(&self, take: &RenderedTake) -> Result<(), BenchError> {
        let name = &self.info.name;
        if let Some(port) = take.tracks.keys().find(|port| !self.spec.outputs.contains_key(*port)) {
            return Err(BenchError::StopRun(format!("the bench '{name}' cannot play on port {port}")));
        }
        let others = || self.spec.others.iter().flat_map(|other| other.inputs.keys());
        let is_known = |port: &Port| {
            self.lanes.iter().any(|lane| lane.port == *port) || others().any(|known| known == port)
        };
        if let Some(port) = take.record.iter().find(|port| !is_known(port)) {
            return Err(BenchError::StopRun(format!("the bench '{name}' cannot record port {port}")));
        }
        take.check_numbers()?;
        let impossible = take.actions.iter().find_map(|(frame, action)| match action {
            RigAction::SetVolume(step) => (*step >= self.info.volume_step_count).then(|| self.no_step(*step)),
            RigAction::TurnReflector(_) => (!self.info.has_reflector)
                .then(|| BenchError::StopRun(format!("the bench '{name}' has no reflector"))),
            RigAction::NewCall => (!self.info.sets_up_calls || *frame > 0).then(|| no_new_call(name)),
        });
        if let Some(LoopCue { from, to, .. }) = take.loops.first().filter(|_| !self.info.has_loop) {
            return Err(BenchError::StopRun(format!(
                "the bench '{name}' cannot loop {from} to {to}: that needs an electrical loop at the network simulator; add \
                 close_loop and open_loop to [rig] of the bench file, or leave the entry out with an overlay"
            )));
        }
        impossible.map_or(Ok(()), Err)
    }

    /// What is played: the tracks after the lead, the code from the start on.
    fn program(&self, take: &RenderedTake, number: u32, code: Option<&Code>) -> Program {
        let lead = if code.is_some() { LEAD } else { 0 };
        let track = |(port, samples): (&Port, &Arc<[f32]>)| {
            let channel = usize::from(*self.spec.outputs.get(port)?) - 1;
            Some(ProgramTrack { channel, at: lead, samples: Arc::clone(samples) })
        };
        let mut tracks: Vec<ProgramTrack> = take.tracks.iter().filter_map(track).collect();
        let mut frames = lead + take.duration as usize;
        if let (Some(code), Some(pair)) = (code, self.spec.loopback) {
            frames = code.samples().len();
            let channel = usize::from(pair.output) - 1;
            tracks.push(ProgramTrack { channel, at: 0, samples: Arc::clone(code.samples()) });
        }
        Program { number, frames, tracks }
    }

    /// Plays and records, until the recorder is satisfied.
    fn run(
        &mut self,
        running: &mut Running,
        take: &RenderedTake,
        (recorder, others): (&mut Recorder<'_>, &mut [OtherTake<'_>]),
        sink: &mut dyn CaptureSink,
        stop: &StopFlag,
    ) -> Result<(), BenchError> {
        let number = running.programs;
        let mut orders = Orders::of(take);
        let mut chunk = Vec::new();
        let mut told = 0;
        let sound = Duration::from_secs_f64(take.duration as f64 / f64::from(RATE));
        let (began, mut patience) = (Instant::now(), Patience::new(STALL));
        let mut others_wait = true;
        while others_wait || !recorder.is_done() {
            if stop.is_set() {
                return Err(BenchError::Stopped);
            }
            self.check_fault(running)?;
            others_wait = false;
            for (other, one) in running.others.iter_mut().zip(&mut *others) {
                others_wait |= other.hear(one, &mut chunk, &mut self.tap, sink)?;
            }
            let at = running.read + running.desk.counters.overflowed();
            let frames = running.desk.read(&mut chunk, CHUNK);
            if frames == 0 {
                if patience.is_over() {
                    return Err(self.stalled(&format!("during take {}", take.id)));
                }
                self.system.pace().wait();
                continue;
            }
            running.read += frames as u64;
            let beginning = running.desk.counters.beginning(number);
            let before = recorder.written();
            recorder.push(&chunk, beginning.map(|one| one.captured), sink)?;
            let overloaded = running.desk.overloads(FULL_SCALE);
            inputs::tell(&mut self.tap, &self.lanes, &chunk, at, &overloaded);
            self.tell_played(running, take, (at, frames), before..recorder.written());
            for lane in overloaded {
                recorder.overload(lane);
            }
            if recorder.waits_in_vain() || began.elapsed() > SLOW.0 + sound * SLOW.1 {
                return Err(BenchError::AskOperator(format!(
                    "the interface {} or {} is far too slow: check its clock, then resume the run",
                    self.spec.audio.playback, self.spec.audio.capture
                )));
            }
            if let Some(done) = recorder.written() {
                self.act(&mut orders, done, stop)?;
                if done >= told {
                    told = done + TELL;
                    self.tell(take, done, recorder, others);
                }
            }
            // What this program needed for its own work is no silence of the interface.
            patience.renew();
        }
        Ok(())
    }

    /// Hands on what is played: of the tracks what is heard now, which the recorder has placed, and of the noise the turn of the
    /// frame of the stream, which is as late as the interface.
    fn tell_played(
        &mut self,
        running: &Running,
        take: &RenderedTake,
        (at, frames): (u64, usize),
        written: std::ops::Range<Option<Frame>>,
    ) {
        let from = written.start.unwrap_or(0) as usize;
        let to = written.end.unwrap_or(0) as usize;
        // What waited for its place ends where this chunk ends; later on each chunk is written from its first frame on.
        let first = if written.start.is_none() { (at + frames as u64).saturating_sub(to as u64) } else { at };
        for (port, track) in take.tracks.iter().filter(|_| to > from) {
            let heard = track.get(from..to).unwrap_or_default();
            self.tap.put(port, Side::Played, first, false, heard.iter().copied());
        }
        for (port, turn) in running.noise.iter().flatten() {
            let heard = turn.iter().cycle().skip(at as usize % turn.len().max(1)).take(frames);
            self.tap.put(port, Side::Played, at, false, heard.copied());
        }
    }

    fn tell(
        &self,
        take: &RenderedTake,
        done: Frame,
        recorder: &mut Recorder<'_>,
        others: &mut [OtherTake<'_>],
    ) {
        if !self.telemetry.is_listened_to() {
            return;
        }
        let (epoch, id, total) = (take.epoch.clone(), take.id.clone(), take.duration);
        self.telemetry.send(Telemetry::TakeProgress { epoch, take: id, done, total });
        let mut levels = recorder.levels();
        levels.extend(others.iter_mut().flat_map(OtherTake::levels));
        self.telemetry.send(Telemetry::Levels { levels });
    }
}

impl Bench for LiveBench {
    fn info(&self) -> &BenchInfo {
        &self.info
    }

    fn open(&mut self, epoch: &RenderedEpoch, telemetry: &TelemetrySender) -> Result<(), BenchError> {
        if epoch.bandwidth > self.info.network.bandwidth {
            return Err(BenchError::StopRun(format!(
                "the link of the bench '{}' carries {} calls, not {}: choose another network or another plan",
                self.info.name, self.info.network.bandwidth, epoch.bandwidth
            )));
        }
        self.is_open = false;
        self.telemetry = telemetry.clone();
        self.tap = telemetry.tap();
        // What was opened for a call before serves this one too, unless it has a fault, or either has a noise.
        let noise = epoch.noise.as_ref().filter(|_| epoch.terminal == Terminal::Device);
        let is_old = |running: &Running| {
            let is_broken = running.has_failed || self.check_fault(running).is_err();
            is_broken || running.noise.is_some() || noise.is_some()
        };
        if self.running.as_ref().is_some_and(is_old) {
            self.running = None;
        }
        if self.rig.is_none() {
            self.rig = self.spec.rig.as_ref().map(Rig::open).transpose()?;
        }
        // The device is touched when the noise is there.
        if noise.is_some() {
            self.running = Some(self.start(noise)?);
        }
        if let Some(rig) = self.rig.as_mut().filter(|_| epoch.terminal == Terminal::Device) {
            rig.call(&StopFlag::default())?;
        }
        // A reference terminal has no volume, and the device is not touched for it.
        if epoch.terminal == Terminal::Device {
            self.set_volume(epoch.volume_step, &StopFlag::default())?;
        }
        if self.running.is_none() {
            self.running = Some(self.start(None)?);
        }
        self.is_open = true;
        Ok(())
    }

    fn take(
        &mut self,
        take: &RenderedTake,
        sink: &mut dyn CaptureSink,
        stop: &StopFlag,
    ) -> Result<Certificate, BenchError> {
        self.check(take)?;
        let Some(mut running) = self.running.take_if(|_| self.is_open) else {
            return Err(BenchError::StopRun("no call is open".to_owned()));
        };
        if let Err(error) = self.call_anew(take, stop) {
            self.running = Some(running);
            return Err(error);
        }
        self.takes += 1;
        // What was heard between takes is of no interest.
        running.read += running.desk.forget();
        let code = self.spec.loopback.map(|_| Code::new(self.takes, take.duration));
        let counters = Arc::clone(&running.desk.counters);
        let other_lanes: Vec<Vec<Lane>> = running.others.iter().map(|other| other.lanes().to_vec()).collect();
        let others = running.others.iter_mut().zip(&other_lanes);
        let mut others: Vec<OtherTake<'_>> =
            others.map(|(other, lanes)| other.begin(lanes, code.as_ref(), take)).collect();
        let (overflowed, xruns) = (counters.overflowed(), counters.xruns());
        running.programs += 1;
        let program = self.program(take, running.programs, code.as_ref());
        let lanes = self.lanes.clone();
        let loopback = code.map(|code| (lanes.len() - 1, code));
        let mut recorder = Recorder::new(&lanes, loopback, take, running.read);
        let result = if running.desk.order(Some(program)) {
            self.run(&mut running, take, (&mut recorder, &mut others), sink, stop)
        } else {
            Err(self.stalled("and takes no orders"))
        };
        // Silence after the take, whatever became of it. A callback that takes no orders plays nothing either.
        running.desk.order(None);
        // A loop that howls must not go on howling because a take ended early.
        let opened = self.open_loop(take, result.is_err());
        running.has_failed = result.is_err();
        let beginning = counters.beginning(running.programs);
        for lane in running.desk.overloads(FULL_SCALE) {
            recorder.overload(lane);
        }
        let running = self.running.insert(running);
        result.and(opened)?;
        let facts = StreamFacts {
            began_played: beginning.map_or(0, |one| one.played),
            overflowed: counters.overflowed() - overflowed,
            unread: overflowed,
            xruns: counters.xruns() - xruns,
        };
        let mut certificate = recorder.finish(self.spec.loopback, facts, sink)?;
        for (other, one) in running.others.iter_mut().zip(others) {
            certificate = other.certify(one, self.spec.loopback, certificate, sink)?;
        }
        Ok(certificate)
    }

    /// The rig first: its safe state does not depend on sound. A noise ends with its call, and so do streams on which a take failed.
    /// Silent ones go on: opening them takes a second on some servers, and a take begins with what it hears from then on.
    fn close(&mut self) -> Result<(), BenchError> {
        self.is_open = false;
        self.telemetry = TelemetrySender::none();
        self.tap = Tap::default();
        let safe = self.rig.take().map_or(Ok(()), |mut rig| rig.close());
        self.running.take_if(|running| running.noise.is_some() || running.has_failed);
        safe
    }
}

/// The audio hosts that a bench file names.
///
/// # Errors
/// There is no such host, or one does not answer.
pub fn system_of(spec: &LiveSpec) -> Result<AudioSystem, BenchError> {
    let mut system = AudioSystem::open(spec.audio.host())?;
    for host in spec.others.iter().flat_map(OtherSpec::hosts) {
        system.add(host)?;
    }
    Ok(system)
}

/// Makes the bench of a file: one, because there is one of the hardware.
pub struct LiveBenchMaker {
    file: BenchFile,
    system: Arc<AudioSystem>,
}

impl LiveBenchMaker {
    /// The bench of a file, on the audio hosts that the file names.
    ///
    /// # Errors
    /// There is no such host, or one does not answer.
    pub fn new(file: BenchFile) -> Result<Self, BenchError> {
        let system = Arc::new(system_of(&file.spec)?);
        Ok(Self { file, system })
    }

    /// The bench of a file, on an audio system of the caller's.
    pub fn on(file: BenchFile, system: Arc<AudioSystem>) -> Self {
        Self { file, system }
    }
}

impl BenchMaker for LiveBenchMaker {
    fn info(&self) -> &BenchInfo {
        &self.file.info
    }

    fn make(&self) -> Result<Box<dyn Bench>, BenchError> {
        Ok(Box::new(LiveBench::new(&self.file, Arc::clone(&self.system))))
    }

    fn parallel_max(&self) -> usize {
        1
    }
}
