//! The virtual car as a bench: ports, calibration of its make-believe converters, takes and telemetry.
//!
//! Every seat with a head has a mouth and two ears as ports; `mic.mrp` stands at the driver's mouth, `mic.reference`
//! where the middle of the driver's head is, without the head.
//!
//! The access points of clause 8 are digital, 0 dBov at their full scale. `tap.microphone` records what the microphones
//! deliver, all of them added, and can be played on: in a take that plays on it, what is inserted takes their place from the
//! first frame to the last, also where it is silent; `tap.microphone` goes on recording what the microphones deliver.
//!
//! `poi.receive` records what goes into the network there: what is played, and what a loop of the far end returns.
//!
//! The rig around the car is perfect unless it is given a fault: one clock, a loopback without delay whose recording is
//! the evidence of every certificate, converters that overload only at full scale. Its calibration is declared: +30 dBPa
//! for the acoustic ports and +6.15 dBm0 for the network at 0 dBov.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::bench::car::bed::Bed;
use crate::bench::car::faults::{Disturbance, Fault, Place};
use crate::bench::car::feedback;
use crate::bench::car::flaws::Bend;
use crate::bench::car::loopback::{self, Watch};
use crate::bench::car::reference_call::ReferenceCall;
use crate::bench::car::spec::CarSpec;
use crate::bench::car::stage::{Block, SILENCE};
use crate::bench::car::{BLOCK, BlockInputs, BlockOutputs, Car, CarError, Model};
use crate::bench::noise::NoiseSound;
use crate::bench::{
    Bench, BenchError, BenchMaker, CaptureSink, LoopCue, RenderedEpoch, RenderedTake, StopFlag, Tap,
    TelemetrySender,
};
use crate::calibration::{PortCalibration, Validity};
use crate::capture::{Certificate, Grade};
use crate::context::{BenchInfo, NetworkInfo, PortDirection, PortInfo};
use crate::event::{Side, Telemetry};
use crate::take::{EpochKey, Frame, RigAction, Terminal};
use crate::terms::{Ear, Port, Seat};
use crate::units::{DBOV_AT_0_DBM0, Quantity, Seconds, Unit};

/// Level of 0 dBov on the acoustic ports of the virtual rig, dBPa.
const ACOUSTIC_ZERO_DBOV_DBPA: f64 = 30.0;
/// Blocks between two telemetry messages: 100 ms of sound.
const TELEMETRY_BLOCKS: Frame = 10;

/// The ports of a head.
#[derive(Debug, Clone)]
struct HeadPorts {
    seat: Seat,
    mouth: Port,
    ears: [Port; 2],
}

/// The acoustic ports of a car, by what stands behind them.
#[derive(Debug, Clone)]
struct Ports {
    heads: Vec<HeadPorts>,
    mrp: Port,
    reference: Port,
    poi_send: Port,
    poi_receive: Port,
    taps: [Port; 3],
    loopback: Port,
}

impl Ports {
    fn of(spec: &CarSpec) -> Self {
        let heads = spec.seats().map(|seat| HeadPorts {
            seat,
            mouth: Port::mouth(seat),
            ears: [Ear::Left, Ear::Right].map(|ear| Port::ear(seat, ear)),
        });
        Self {
            heads: heads.collect(),
            mrp: Port::of(Port::MIC_MRP),
            reference: Port::of(Port::MIC_REFERENCE),
            poi_send: Port::of(Port::POI_SEND),
            poi_receive: Port::of(Port::POI_RECEIVE),
            taps: [Port::TAP_MICROPHONE, Port::TAP_ECHO_REFERENCE, Port::TAP_LOUDSPEAKER].map(Port::of),
            loopback: Port::of(Port::LOOPBACK),
        }
    }

    /// The microphones of the bench: what its own converters may overload on.
    fn microphones(&self) -> impl Iterator<Item = &Port> {
        self.heads.iter().flat_map(|head| &head.ears).chain([&self.mrp, &self.reference])
    }
}

/// What the bench of a car tells about itself.
fn info_of(model: &Model) -> BenchInfo {
    let spec = &model.spec;
    let port = |direction, zero_dbov| PortInfo {
        ear: None,
        direction,
        calibration: PortCalibration {
            record: "virtual-rig".to_owned(),
            zero_dbov,
            validity: Validity::Valid,
        },
    };
    let acoustic = Quantity::new(ACOUSTIC_ZERO_DBOV_DBPA, Unit::DbPa);
    let network = Quantity::new(-DBOV_AT_0_DBM0, Unit::Dbm0);
    let digital = Quantity::new(0.0, Unit::DbOv);
    let mut ports = BTreeMap::from([
        (Port::of(Port::POI_RECEIVE), port(PortDirection::Both, network)),
        (Port::of(Port::POI_SEND), port(PortDirection::In, network)),
        (Port::of(Port::SRW_RECEIVE), port(PortDirection::In, network)),
        (Port::of(Port::SRW_SEND), port(PortDirection::Out, network)),
        (Port::of(Port::LOOPBACK), port(PortDirection::Both, digital)),
        (Port::of(Port::TAP_MICROPHONE), port(PortDirection::Both, digital)),
        (Port::of(Port::TAP_ECHO_REFERENCE), port(PortDirection::In, digital)),
        (Port::of(Port::TAP_LOUDSPEAKER), port(PortDirection::In, digital)),
    ]);
    let acoustic_ports = Ports::of(spec);
    for head in &acoustic_ports.heads {
        ports.insert(head.mouth.clone(), port(PortDirection::Out, acoustic));
    }
    for microphone in acoustic_ports.microphones() {
        ports.insert(microphone.clone(), port(PortDirection::In, acoustic));
    }
    if let Some(ears) = &model.ears {
        for (port, ear) in acoustic_ports.heads.iter().flat_map(|head| head.ears.iter().zip(ears)) {
            if let Some(info) = ports.get_mut(port) {
                info.ear = Some(ear.clone());
            }
        }
    }
    BenchInfo {
        name: spec.name.clone(),
        is_virtual: true,
        ports,
        network: NetworkInfo {
            codec: spec.network.declared_codec().to_owned(),
            mode: spec.network.declared_mode().to_owned(),
            dtx: Some(spec.network.dtx_declared),
            bandwidth: spec.bandwidth,
            delay_send: Seconds(super::stage::whole_samples_s(spec.network.delay_send_s)),
            delay_receive: Seconds(super::stage::whole_samples_s(spec.network.delay_receive_s)),
        },
        volume_step_count: spec.terminal.volume_steps,
        has_reflector: spec.cabin.reflector.is_some(),
        has_loop: feedback::is_possible(spec),
        sets_up_calls: true,
    }
}

/// A HATS that moves: the calls of all benches of one maker are counted.
#[derive(Clone)]
struct Moves {
    after_calls: u32,
    model: Arc<Model>,
    calls: Arc<AtomicU32>,
}

impl Moves {
    fn of(spec: &CarSpec) -> Option<Self> {
        let (moved, car) = (spec.moved.as_ref()?, spec.after_move()?);
        Some(Self { after_calls: moved.after_calls, model: Arc::new(Model::new(car)), calls: Arc::default() })
    }
}

/// A virtual car on its virtual rig.
pub struct CarBench {
    info: BenchInfo,
    ports: Ports,
    car: Car,
    /// The call, where it is one to the reference terminal; the car has none then.
    reference: Option<ReferenceCall>,
    moves: Option<Moves>,
    fault: Option<Fault>,
    telemetry: TelemetrySender,
    /// The way to the monitor out of this call.
    tap: Tap,
}

impl CarBench {
    /// The bench of a car.
    pub fn new(spec: &CarSpec) -> Self {
        Self::of_model(Arc::new(Model::new(spec.clone())), Moves::of(spec), None)
    }

    fn of_model(model: Arc<Model>, moves: Option<Moves>, fault: Option<Fault>) -> Self {
        let (info, ports) = (info_of(&model), Ports::of(&model.spec));
        let (car, telemetry) = (Car::of_model(model, 0), TelemetrySender::none());
        Self { info, ports, car, reference: None, moves, fault, telemetry, tap: Tap::default() }
    }

    /// What the fault does at a place, in takes that record something.
    fn disturbance(&self, place: Place, take: &RenderedTake) -> Option<Disturbance> {
        self.fault
            .filter(|fault| fault.place == place && !take.record.is_empty())
            .map(|fault| fault.disturbance)
    }

    fn check(&self, take: &RenderedTake) -> Result<(), BenchError> {
        if let Some(port) = take.tracks.keys().find(|port| !self.info.has(port, PortDirection::Out)) {
            return Err(BenchError::StopRun(format!("the virtual car cannot play on port {port}")));
        }
        if let Some(port) = take.record.iter().find(|port| !self.info.has(port, PortDirection::In)) {
            return Err(BenchError::StopRun(format!("the virtual car cannot record port {port}")));
        }
        if take.tracks.contains_key(&Port::of(Port::LOOPBACK)) {
            return Err(BenchError::StopRun("the loopback carries the bench's own sequence".to_owned()));
        }
        let is_reference = self.reference.is_some();
        if let Some(port) =
            take.tracks.keys().chain(&take.record).find(|port| !ReferenceCall::has(port, is_reference))
        {
            let call = if is_reference { "a reference call" } else { "a call of the car" };
            return Err(BenchError::StopRun(format!("port {port} takes no part in {call}")));
        }
        let ends = |one: &LoopCue| (one.from.name(), one.to.name()) == (Port::POI_SEND, Port::POI_RECEIVE);
        if let Some(LoopCue { from, to, .. }) = take.loops.iter().find(|one| is_reference || !ends(one)) {
            return Err(BenchError::StopRun(format!(
                "the virtual car cannot loop {from} to {to}: poi.send is looped to poi.receive, in calls of the car"
            )));
        }
        take.check_numbers()
    }

    /// Does what is due at a frame of the call.
    fn act(&mut self, action: &RigAction, at: Frame, stop: &StopFlag) -> Result<(), BenchError> {
        match action {
            RigAction::SetVolume(step) => self.car.set_volume(*step)?,
            RigAction::TurnReflector(turns) => self.car.turn_reflector(*turns)?,
            RigAction::NewCall if self.reference.is_some() => {
                return Err(BenchError::StopRun("a reference call is set up once".to_owned()));
            }
            RigAction::NewCall => {
                self.car.call_again(at).map_err(|error| broken(error, stop))?;
                self.car.heed(stop)?;
            }
        }
        Ok(())
    }
}

impl From<CarError> for BenchError {
    /// A program under test that failed is not tried again: that would hide a failure of the device.
    fn from(error: CarError) -> Self {
        Self::StopRun(error.to_string())
    }
}

/// How long a stop may follow the end of a program: Ctrl-C on a terminal ends it too, perhaps before the bench hears of it.
const STOP_FOLLOWS: Duration = Duration::from_millis(100);

/// Why a car does not go on, when it may be for a stop.
fn broken(error: CarError, stop: &StopFlag) -> BenchError {
    let began = Instant::now();
    while matches!(error, CarError::Program(_)) && began.elapsed() < STOP_FOLLOWS {
        if stop.is_set() {
            return BenchError::Stopped;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    error.into()
}

/// The samples of one block of every input, raw digital full scale.
type Recorded = BTreeMap<Port, Block>;

impl Bench for CarBench {
    fn info(&self) -> &BenchInfo {
        &self.info
    }

    fn open(&mut self, epoch: &RenderedEpoch, telemetry: &TelemetrySender) -> Result<(), BenchError> {
        self.telemetry = telemetry.clone();
        self.tap = telemetry.tap();
        if let Some(moves) = &self.moves
            && moves.calls.fetch_add(1, Ordering::SeqCst) >= moves.after_calls
        {
            self.car = Car::of_model(Arc::clone(&moves.model), 0);
        }
        // The reference call is checked as any other: same band, a volume step that exists.
        self.car.open_seeded(epoch.bandwidth, epoch.volume_step, epoch.seed)?;
        self.reference = None;
        if epoch.terminal == Terminal::Reference {
            self.car.close();
            self.reference = Some(ReferenceCall::new(&self.car.model().spec, epoch.seed));
        } else {
            let bed = match epoch.noise.as_ref().map(|noise| (&noise.signal, &noise.sound)) {
                None => None,
                Some((_, NoiseSound::Points(points))) => Bed::new(&self.car.model().spec, points),
                Some((signal, NoiseSound::Ports(_))) => {
                    return Err(BenchError::StopRun(format!(
                        "the noise '{signal}' was made for loudspeakers, and the virtual car has a field"
                    )));
                }
            };
            self.car.sound(bed)?;
        }
        if epoch.terminal == Terminal::None {
            self.car.silence()?;
        }
        Ok(())
    }

    /// A volume action takes effect with the first whole block after its frame.
    fn take(
        &mut self,
        take: &RenderedTake,
        sink: &mut dyn CaptureSink,
        stop: &StopFlag,
    ) -> Result<Certificate, BenchError> {
        self.check(take)?;
        let played = Played::of(take, &self.ports);
        // The mouth is a part of the bench, and so is what it distorts.
        let bent = self.car.model().spec.flaws.mouth;
        let bend = (!bent.is_straight()).then(|| bent.bend());
        let mut due = (take.actions.iter().peekable(), take.loops.iter().peekable());
        let mut overloaded: Vec<Port> = Vec::new();
        let mut watch = Watch::default();
        if self.reference.is_none() {
            self.car.heed(stop)?;
            self.car.seek(take.from).map_err(|error| broken(error, stop))?;
            self.car.disturb_send(self.disturbance(Place::Device, take))?;
        }
        let disturbance = self.disturbance(Place::Bench, take);
        let (mut at, mut done): (Frame, Frame) = (0, 0);
        while done < take.duration {
            if stop.is_set() {
                return Err(BenchError::Stopped);
            }
            while let Some((_, action)) = due.0.next_if(|(frame, _)| *frame <= at) {
                self.act(action, take.from + at, stop)?;
            }
            while let Some(one) = due.1.next_if(|one| one.at <= at) {
                self.car.set_loop(one.gain)?;
            }
            let inputs = played.block(at, bend.as_ref());
            let recorded = if let Some(call) = &mut self.reference {
                let carried = call.block(&block_of(played.srw_send, at), &inputs.receive);
                Recorded::from([
                    (self.ports.loopback.clone(), loopback::block(at)),
                    (self.ports.poi_send.clone(), carried.poi_send),
                    (self.ports.poi_receive.clone(), inputs.receive),
                    (Port::of(Port::SRW_RECEIVE), carried.srw_receive),
                ])
            } else {
                let outputs = self.car.block(&inputs).map_err(|error| broken(error, stop))?;
                self.ports.recorded(&inputs, &outputs, at)
            };
            // Everything arrives through the same disturbance.
            let arrived = |port: &Port| -> Option<Vec<f32>> {
                let block = recorded.get(port)?;
                let mut samples = match &disturbance {
                    Some(disturbance) => disturbance.recorded(at, block),
                    None => block.to_vec(),
                };
                samples.truncate((take.duration - done) as usize);
                Some(samples)
            };
            for port in &take.record {
                let Some(samples) = arrived(port) else { continue };
                let is_full = samples.iter().any(|sample| sample.abs() >= 1.0);
                if is_full && self.ports.microphones().any(|one| one == port) && !overloaded.contains(port) {
                    overloaded.push(port.clone());
                }
                sink.write(port, &samples)?;
            }
            for port in recorded.keys().filter(|port| self.tap.wants(port)).collect::<Vec<_>>() {
                let samples = arrived(port).unwrap_or_default();
                self.tap.put(port, Side::Recorded, take.from + done, false, samples);
            }
            for (port, track) in &take.tracks {
                let heard = track.iter().skip(at as usize).take(BLOCK).copied();
                self.tap.put(port, Side::Played, take.from + at, false, heard);
            }
            let proof = arrived(&self.ports.loopback).unwrap_or_default();
            watch.read(&proof);
            if (at / BLOCK as Frame).is_multiple_of(TELEMETRY_BLOCKS) {
                self.tell(&take.epoch, take, done, &recorded);
            }
            at += BLOCK as Frame;
            done += proof.len() as Frame;
        }
        if self.reference.is_none() {
            self.car.settle().map_err(|error| broken(error, stop))?;
        }
        Ok(certificate(watch, overloaded))
    }

    fn close(&mut self) -> Result<(), BenchError> {
        self.car.close();
        self.reference = None;
        self.telemetry = TelemetrySender::none();
        self.tap = Tap::default();
        Ok(())
    }
}

/// The tracks of a take, by what they go into.
struct Played<'t> {
    mouths: Vec<(Seat, &'t [f32])>,
    receive: &'t [f32],
    srw_send: &'t [f32],
    microphone: Option<&'t [f32]>,
}

impl<'t> Played<'t> {
    fn of(take: &'t RenderedTake, ports: &Ports) -> Self {
        let track = |port: &Port| take.tracks.get(port).map(Arc::as_ref);
        let mouths = ports.heads.iter().filter_map(|head| Some((head.seat, track(&head.mouth)?)));
        let electrical = |name| track(&Port::of(name)).unwrap_or_default();
        Self {
            mouths: mouths.collect(),
            receive: electrical(Port::POI_RECEIVE),
            srw_send: electrical(Port::SRW_SEND),
            microphone: track(&ports.taps[0]),
        }
    }

    /// The next block; `bend` is what the mouths do to it.
    fn block(&self, at: Frame, bend: Option<&Bend>) -> BlockInputs {
        let mouths = self.mouths.iter().map(|(seat, track)| {
            let mut pressure = block_of(track, at).map(|x| x * pascals());
            if let Some(bend) = bend {
                bend.process(&mut pressure);
            }
            (*seat, pressure)
        });
        BlockInputs {
            mouths: mouths.collect(),
            receive: block_of(self.receive, at),
            microphone: self.microphone.map(|track| block_of(track, at)),
            // The background noise of a virtual bench is a bed of the call.
            ambient: SILENCE,
        }
    }
}

impl Ports {
    fn recorded(&self, inputs: &BlockInputs, outputs: &BlockOutputs, at: Frame) -> Recorded {
        let digital = |block: &Block| block.map(|x| x / pascals());
        let driver = inputs.mouths.iter().find(|(seat, _)| *seat == Seat::Driver);
        let mut recorded = Recorded::from([
            (self.poi_send.clone(), outputs.poi_send),
            (self.poi_receive.clone(), outputs.receive),
            (self.mrp.clone(), driver.map_or(SILENCE, |(_, mouth)| digital(mouth))),
            (self.reference.clone(), digital(&outputs.reference)),
            (self.loopback.clone(), loopback::block(at)),
        ]);
        let taps = &outputs.taps;
        for (port, tap) in self.taps.iter().zip([&taps.microphone, &taps.echo_reference, &taps.loudspeaker]) {
            recorded.insert(port.clone(), *tap);
        }
        for (head, (_, ears)) in self.heads.iter().zip(&outputs.ears) {
            for (port, ear) in head.ears.iter().zip(ears) {
                recorded.insert(port.clone(), digital(ear));
            }
        }
        recorded
    }
}

/// The sound pressure of full scale on the acoustic ports.
fn pascals() -> f32 {
    10f32.powf(ACOUSTIC_ZERO_DBOV_DBPA as f32 / 20.0)
}

impl CarBench {
    fn tell(&self, epoch: &EpochKey, take: &RenderedTake, done: Frame, recorded: &Recorded) {
        if !self.telemetry.is_listened_to() {
            return;
        }
        let (epoch, id) = (epoch.clone(), take.id.clone());
        self.telemetry.send(Telemetry::TakeProgress { epoch, take: id, done, total: take.duration });
        let levels = take.record.iter().filter_map(|port| {
            let block = recorded.get(port)?;
            let square: f64 = block.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / BLOCK as f64;
            let peak = block.iter().fold(0.0f64, |peak, x| peak.max(f64::from(x.abs())));
            Some((port.clone(), (10.0 * square.log10(), 20.0 * peak.log10())))
        });
        self.telemetry.send(Telemetry::Levels { levels: levels.collect() });
    }
}

/// What the loopback proves, and what the converters say.
fn certificate(watch: Watch, overloaded: Vec<Port>) -> Certificate {
    let mut certificate = watch.certificate();
    if !overloaded.is_empty() {
        let names: Vec<&str> = overloaded.iter().map(Port::name).collect();
        certificate.grade = Grade::Bad;
        certificate.note =
            format!("full scale of the virtual rig reached on {}; {}", names.join(", "), certificate.note);
        certificate.overloaded = overloaded;
    }
    certificate
}

fn block_of(track: &[f32], at: Frame) -> Block {
    let mut block = SILENCE;
    let rest = track.get(at as usize..).unwrap_or_default();
    let count = rest.len().min(BLOCK);
    block[..count].copy_from_slice(&rest[..count]);
    block
}

/// Makes benches of one car, as many as the machine has cores; the impulse responses are computed once.
pub struct CarBenchMaker {
    model: Arc<Model>,
    info: BenchInfo,
    moves: Option<Moves>,
    fault: Option<Fault>,
}

impl CarBenchMaker {
    /// Benches of the car of `spec`.
    pub fn new(spec: CarSpec) -> Self {
        let moves = Moves::of(&spec);
        let model = Model::new(spec);
        Self { info: info_of(&model), model: Arc::new(model), moves, fault: None }
    }

    /// The same with a fault in every bench or car that is made.
    #[must_use]
    pub fn with_fault(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }

    /// Takes a port out of the rig: nothing is bound to it.
    pub fn remove_port(&mut self, name: &'static str) {
        self.info.ports.remove(&Port::of(name));
    }

    /// What the cars are made of, for [`super::truth::Truth::of`].
    pub fn model(&self) -> &Model {
        &self.model
    }
}

impl BenchMaker for CarBenchMaker {
    fn info(&self) -> &BenchInfo {
        &self.info
    }

    fn make(&self) -> Result<Box<dyn Bench>, BenchError> {
        Ok(Box::new(CarBench::of_model(Arc::clone(&self.model), self.moves.clone(), self.fault)))
    }

    /// The calls of a HATS that moves come one after the other.
    fn parallel_max(&self) -> usize {
        if self.moves.is_some() {
            return 1;
        }
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}
