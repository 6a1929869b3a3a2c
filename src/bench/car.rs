//! The virtual car: a cabin, a hands-free terminal and a network in software, with known truth.
//!
//! A peer of the live bench, not a mock: the program's demo and its proof. A [`CarSpec`] comes from a car file
//! ([`file::read_car`]); a [`Car`] runs it in blocks of 10 ms at 48 kHz; [`truth`] computes from the same model, by other
//! code, what a right bench must find.
//!
//! ```text
//! poi.receive ─► network ─► terminal ─► loudspeaker (+ hiss) ─► cabin ─► ears (+ noise) ─► ear.left, ear.right
//!                             │ echo reference          └──► cabin ─┐
//! poi.send ◄── network ◄── terminal ◄───────── microphone (+ noise) ◄┴─ cabin ◄── mouth (at the MRP)
//! ```
//!
//! The far end may be a loop ([`feedback`]): what arrives at `poi.send` is played on `poi.receive` too.
//!
//! There may be a head in more than one seat; each has a mouth and two ears. The terminal has the access points of clause
//! 8: [`Taps`] are recorded, and what is inserted at the microphone takes its place.
//!
//! The terminal may be a program of somebody else ([`program`], [`terminal::process`]): then calls can fail.
//!
//! Units: mouth, MRP and ears in Pa; POI and taps digital, ±1.0 is full scale, 0 dBm0 is −6.15 dBov. The chain has no latency but
//! what the file declares: every block goes all the way through.

pub mod bed;
pub mod block;
pub mod cabin;
pub mod clock;
pub mod dynamics;
pub mod ear;
pub mod faults;
pub mod feedback;
pub mod file;
pub mod flaws;
mod heads;
pub mod loopback;
pub mod network;
pub mod noise;
pub mod program;
pub mod reference_call;
pub mod reflector;
pub mod response;
pub mod rig;
pub mod spec;
pub mod stage;
pub mod terminal;
pub mod truth;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bed::Bed;
use block::Playback;
pub use block::{BlockInputs, BlockOutputs, CarOutputs, Taps};
use cabin::Cabin;
use dynamics::Gains;
use faults::Disturbance;
use feedback::Feedback;
use heads::{Listener, Talker};
use network::Channel;
use noise::gain_for;
use program::ProgramFailure;
use reflector::Reflector;
use spec::{CabinSpec, CarSpec, Weighting};
use stage::{Block, NOISE_HALF, NoiseModel, NoiseSource, SILENCE, Sound};
use terminal::{Sounds, Terminal, overload, receive_gain};

use crate::bench::StopFlag;
use crate::bench::noise::NOISE_LEAD;
use crate::calibration::ear::EarResponse;
pub use crate::take::BLOCK;
use crate::take::{Frame, RATE};
use crate::terms::{Bandwidth, Direction, Seat};

/// Sample rate of the bench.
pub const RATE_HZ: f64 = RATE as f64;

/// Why a car does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarError {
    /// The car makes calls of one bandwidth only.
    #[error("the car '{car}' makes {own} calls, not {asked}: choose a car for {asked}")]
    Bandwidth {
        /// Name of the car.
        car: String,
        /// What it can do.
        own: Bandwidth,
        /// What was asked for.
        asked: Bandwidth,
    },
    /// The network leaves no room for a loop without delay.
    #[error(
        "the car '{car}' cannot loop what it sends without a delay of the loop's own: that takes 10 ms of the network's delay, \
         and codec and jitter buffers leave {ms:.1} ms of it; give delay_send and delay_receive of its file more",
        ms = feedback::ms(*.left)
    )]
    Loop {
        /// Name of the car.
        car: String,
        /// What is left of both delays, in samples.
        left: usize,
    },
    /// There is no such volume step.
    #[error("volume step {asked} does not exist: the car has the steps 0 to {loudest}")]
    VolumeStep {
        /// What was asked for.
        asked: u32,
        /// The last and loudest step.
        loudest: u32,
    },
    /// Nothing can be run before a call was opened.
    #[error("no call is open")]
    NoCall,
    /// The terminal is a program, and it failed; what was heard of it since is silence.
    #[error(transparent)]
    Program(#[from] ProgramFailure),
}

/// A virtual car. Its impulse responses are computed once; every call starts with a cold canceller.
pub struct Car {
    model: Arc<Model>,
    seed: u64,
    call: Option<Call>,
}

/// The parts of a car that do not change from call to call: what the simulation runs and the truth reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The car file's numbers.
    pub spec: CarSpec,
    /// The sound paths.
    pub cabin: Cabin,
    /// What the laboratory states about the left and the right ear, where its ports deliver what ear-drums hear.
    pub ears: Option<[EarResponse; 2]>,
    /// Noise at the microphone: cabin and capsule.
    pub microphone_noise: Vec<NoiseModel>,
    /// Noise at each ear.
    pub ear_noise: Option<NoiseModel>,
    /// Noise at the bench's microphone at the driver's head.
    pub reference_noise: Option<NoiseModel>,
    /// Hiss of the amplifier, at the loudspeaker.
    pub amplifier_noise: Option<NoiseModel>,
}

impl Model {
    /// The model of a car. What its volume adds in the noise of its own cabin is in the gain of its spec then, behind the
    /// canceller's reference, and the points of that volume count from there: they say what a background noise adds.
    pub fn new(mut spec: CarSpec) -> Self {
        let own_db = spec.speed_volume_db();
        spec.terminal.receive_gain_db += own_db;
        spec.terminal.speed_volume.iter_mut().for_each(|(_, louder_db)| *louder_db -= own_db);
        let cabin = Cabin::new(&spec.cabin);
        let noises = &spec.cabin;
        let shaped = |level_dbpa_a: f64| NoiseModel {
            gain: gain_for(level_dbpa_a, Weighting::A, &noises.noise_spectrum, RATE_HZ / 2.0),
            taps: noise_taps(noises),
        };
        let white = |level_dbpa_a: f64| NoiseModel {
            gain: gain_for(level_dbpa_a, Weighting::A, &[], RATE_HZ / 2.0),
            taps: Vec::new(),
        };
        let ambient = noises.noise_microphone_dbpa_a.map(shaped);
        let capsule = noises.noise_capsule_dbpa_a.map(white);
        Self {
            ears: ear::stated(&spec.cabin),
            microphone_noise: ambient.into_iter().chain(capsule).collect(),
            ear_noise: noises.noise_ears_dbpa_a.map(shaped),
            // the head is where the microphone is
            reference_noise: noises.noise_reference_dbpa_a.or(noises.noise_ears_dbpa_a).map(shaped),
            amplifier_noise: noises.noise_amplifier_dbpa_a.map(white),
            cabin,
            spec,
        }
    }
}

fn noise_taps(spec: &CabinSpec) -> Vec<f64> {
    if spec.noise_spectrum.is_empty() {
        Vec::new()
    } else {
        response::taps_of_points(&spec.noise_spectrum, NOISE_HALF)
    }
}

/// Everything that runs during a call.
struct Call {
    /// Whether the terminal takes part.
    is_up: bool,
    network_receive: Channel,
    /// Jitter buffers behind the network: at the terminal, at the POI.
    buffer_receive: Option<clock::Buffer>,
    buffer_send: Option<clock::Buffer>,
    terminal: Terminal,
    amplifier_noise: Option<NoiseSource>,
    loudspeaker_to_microphone: Sound,
    reflector: Option<Reflector>,
    loudspeaker_to_reference: Sound,
    heads: Vec<Listener>,
    mouths: Vec<Talker>,
    microphone_noise: Vec<NoiseSource>,
    reference_noise: Option<NoiseSource>,
    network_send: Channel,
    /// The loop of the far end, from when it was closed first.
    feedback: Option<Feedback>,
    /// The volume at the beginning of the call.
    volume_step: u32,
    flaws: flaws::Running,
    /// Pa at the microphone for digital 1 behind its converter.
    microphone_full: f32,
    /// Pa at 1 m for digital 1 before the loudspeaker's converter.
    loudspeaker_full: f32,
    /// The background noise.
    bed: Option<Bed>,
    /// A fault of the terminal's output, and the frames since it was armed.
    disturbance: Option<(Disturbance, Frame)>,
}

impl Car {
    /// A car at rest. `seed` decides its noises.
    pub fn new(spec: &CarSpec, seed: u64) -> Self {
        Self::of_model(Arc::new(Model::new(spec.clone())), seed)
    }

    /// A car of a model that others use too.
    pub fn of_model(model: Arc<Model>, seed: u64) -> Self {
        Self { model, seed, call: None }
    }

    /// What the car is made of.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Begins a call: cold canceller, empty lines, noises from their beginning.
    ///
    /// # Errors
    /// When the car has no such bandwidth or volume step.
    pub fn open(&mut self, bandwidth: Bandwidth, volume_step: u32) -> Result<(), CarError> {
        let spec = &self.model.spec;
        if bandwidth != spec.bandwidth {
            let car = spec.name.clone();
            return Err(CarError::Bandwidth { car, own: spec.bandwidth, asked: bandwidth });
        }
        self.check_step(volume_step)?;
        self.call = Some(Call::new(&self.model, volume_step, self.seed));
        Ok(())
    }

    /// As [`Car::open`] with another seed for this call's noises.
    ///
    /// # Errors
    /// As [`Car::open`].
    pub fn open_seeded(&mut self, bandwidth: Bandwidth, volume_step: u32, seed: u64) -> Result<(), CarError> {
        self.seed = seed;
        self.open(bandwidth, volume_step)
    }

    fn check_step(&self, asked: u32) -> Result<(), CarError> {
        let loudest = self.model.spec.terminal.volume_steps.saturating_sub(1);
        if asked > loudest { Err(CarError::VolumeStep { asked, loudest }) } else { Ok(()) }
    }

    /// Turns the volume, from the next block on.
    ///
    /// # Errors
    /// When there is no such step or no call.
    pub fn set_volume(&mut self, step: u32) -> Result<(), CarError> {
        self.check_step(step)?;
        let call = self.call.as_mut().ok_or(CarError::NoCall)?;
        call.terminal.set_volume(&self.model.spec.terminal, step);
        Ok(())
    }

    /// Lets the panel in the cabin turn, or come to rest, from the next block on. Nothing happens where there is none.
    ///
    /// # Errors
    /// When no call is open.
    pub fn turn_reflector(&mut self, turns: bool) -> Result<(), CarError> {
        let call = self.call.as_mut().ok_or(CarError::NoCall)?;
        if let Some(panel) = &mut call.reflector {
            panel.turn(turns);
        }
        Ok(())
    }

    /// Lets a background noise sound in the call, from its beginning.
    ///
    /// # Errors
    /// When no call is open.
    pub fn sound(&mut self, bed: Option<Bed>) -> Result<(), CarError> {
        self.call.as_mut().ok_or(CarError::NoCall)?.bed = bed;
        Ok(())
    }

    /// Goes to a frame of the call's background noise. Where the noise is not there yet, as in a call that is recorded in
    /// parts, the call first hears what comes before that frame, with nobody speaking: [`NOISE_LEAD`] of it, longer than
    /// anything in the chain remembers but a canceller.
    ///
    /// # Errors
    /// When no call is open.
    pub fn seek(&mut self, frame: Frame) -> Result<(), CarError> {
        let call = self.call.as_mut().ok_or(CarError::NoCall)?;
        let Some(bed) = call.bed.as_mut().filter(|bed| !bed.is_at(frame)) else { return Ok(()) };
        let blocks = NOISE_LEAD.div_ceil(BLOCK as Frame);
        bed.seek_before(frame, blocks * BLOCK as Frame);
        for _ in 0..blocks {
            call.block(&BlockInputs::default());
            call.check()?;
        }
        Ok(())
    }

    /// Lets a terminal that is a program look for a stop while its answer is waited for.
    ///
    /// # Errors
    /// When no call is open.
    pub fn heed(&mut self, stop: &StopFlag) -> Result<(), CarError> {
        self.call.as_mut().ok_or(CarError::NoCall)?.terminal.heed(stop);
        Ok(())
    }

    /// Between two blocks: whether a terminal that is a program gave what nobody asked for.
    ///
    /// # Errors
    /// When it did, or when no call is open.
    pub fn settle(&mut self) -> Result<(), CarError> {
        let call = self.call.as_mut().ok_or(CarError::NoCall)?;
        call.terminal.settle();
        call.check()
    }

    /// Arms a fault of the terminal's output, or none; its frames count from the next block on.
    ///
    /// # Errors
    /// When no call is open.
    pub fn disturb_send(&mut self, disturbance: Option<Disturbance>) -> Result<(), CarError> {
        self.call.as_mut().ok_or(CarError::NoCall)?.disturbance = disturbance.map(|one| (one, 0));
        Ok(())
    }

    /// Lets only the cabin be heard, as where no call is up: no hiss, no lines, nothing at the POI.
    ///
    /// # Errors
    /// When no call is open.
    pub fn silence(&mut self) -> Result<(), CarError> {
        self.call.as_mut().ok_or(CarError::NoCall)?.is_up = false;
        Ok(())
    }

    /// Ends the call.
    pub fn close(&mut self) {
        self.call = None;
    }

    /// The gains of the last block, where the terminal changes over time ([`dynamics`]).
    pub fn gains(&self) -> Option<&Gains> {
        self.call.as_ref()?.terminal.gains()
    }

    /// Runs one block.
    ///
    /// # Errors
    /// When no call is open, or the terminal is a program and failed.
    pub fn block(&mut self, inputs: &BlockInputs) -> Result<BlockOutputs, CarError> {
        let call = self.call.as_mut().ok_or(CarError::NoCall)?;
        let outputs = call.block(inputs);
        call.check()?;
        Ok(outputs)
    }

    /// Runs two whole tracks with the driver; the shorter one is continued with silence, the last block is filled up with silence. The
    /// next run of the same call goes on after the last whole block.
    ///
    /// # Errors
    /// As [`Car::block`].
    pub fn run(&mut self, mouth: &[f32], receive: &[f32]) -> Result<CarOutputs, CarError> {
        let frames = mouth.len().max(receive.len());
        let mut outputs = CarOutputs::default();
        for at in (0..frames).step_by(BLOCK) {
            let mouth = block_at(mouth, at);
            let mouths = vec![(Seat::Driver, mouth)];
            let inputs = BlockInputs { mouths, receive: block_at(receive, at), ..BlockInputs::default() };
            let block = self.block(&inputs)?;
            let [left, right] = &block.ears[0].1;
            outputs.poi_send.extend_from_slice(&block.poi_send);
            outputs.ear_left.extend_from_slice(left);
            outputs.ear_right.extend_from_slice(right);
            outputs.mic_mrp.extend_from_slice(&mouth);
        }
        for track in
            [&mut outputs.poi_send, &mut outputs.ear_left, &mut outputs.ear_right, &mut outputs.mic_mrp]
        {
            track.truncate(frames);
        }
        Ok(outputs)
    }
}

fn block_at(track: &[f32], at: usize) -> Block {
    let mut block = SILENCE;
    let rest = track.get(at..).unwrap_or_default();
    let count = rest.len().min(BLOCK);
    block[..count].copy_from_slice(&rest[..count]);
    block
}

impl Call {
    fn new(model: &Model, volume_step: u32, seed: u64) -> Self {
        let spec = &model.spec;
        let cabin = &model.cabin;
        let source = |model: &NoiseModel, stream: u64| NoiseSource::new(model, seed, stream);
        let clock = &spec.network.clock;
        let channel =
            |direction| Channel::new(&spec.network, spec.bandwidth, direction, seed, clock.held(direction));
        Self {
            is_up: true,
            buffer_receive: clock::Buffer::new(clock, Direction::Receive),
            buffer_send: clock::Buffer::new(clock, Direction::Send),
            network_receive: channel(Direction::Receive),
            terminal: Terminal::new(&spec.terminal, spec.bandwidth, volume_step, seed),
            amplifier_noise: model.amplifier_noise.as_ref().map(|noise| source(noise, 1)),
            loudspeaker_to_microphone: Sound::new(&cabin.loudspeaker_to_microphone),
            reflector: spec.cabin.reflector.map(Reflector::new),
            loudspeaker_to_reference: Sound::new(&cabin.loudspeaker_to_reference),
            heads: (0..)
                .zip(cabin.heads())
                .map(|(n, (seat, head))| Listener {
                    seat,
                    loudspeaker: [0, 1].map(|ear| Sound::new(&head.loudspeaker_to_ears[ear])),
                    noise: model
                        .ear_noise
                        .as_ref()
                        .map(|noise| [32, 33].map(|stream| source(noise, stream + 2 * n))),
                })
                .collect(),
            mouths: cabin.heads().map(|(seat, head)| Talker::new(seat, head)).collect(),
            microphone_noise: (16..)
                .zip(&model.microphone_noise)
                .map(|(n, noise)| source(noise, n))
                .collect(),
            reference_noise: model.reference_noise.as_ref().map(|noise| source(noise, 31)),
            network_send: channel(Direction::Send),
            feedback: None,
            volume_step,
            flaws: flaws::Running::new(&spec.flaws),
            microphone_full: overload(&spec.terminal) as f32,
            loudspeaker_full: receive_gain(&spec.terminal, u32::MAX) as f32,
            bed: None,
            disturbance: None,
        }
    }

    /// Whether the terminal goes on.
    fn check(&self) -> Result<(), CarError> {
        self.terminal.failure().map_or(Ok(()), |failure| Err(failure.clone().into()))
    }

    fn block(&mut self, inputs: &BlockInputs) -> BlockOutputs {
        let said = |seat: Seat| {
            inputs.mouths.iter().find(|(other, _)| *other == seat).map_or(&SILENCE, |(_, block)| block)
        };
        let mut near = SILENCE;
        for talker in &mut self.mouths {
            add(&mut near, &talker.to_microphone.arrival(said(talker.seat)));
        }
        if self.is_up {
            self.terminal.listen(&near);
        }
        let early = self.looped();
        let incoming = match (&mut self.feedback, &early) {
            (Some(feedback), Some(early)) => feedback.incoming(&inputs.receive, early),
            _ => inputs.receive,
        };
        let Playback { sound: loudspeaker, echo_reference, amplifier } =
            if self.is_up { self.playback(incoming) } else { Playback::none() };
        let mut ears: Vec<(Seat, [Block; 2])> =
            self.heads.iter_mut().map(|head| (head.seat, head.hear(&loudspeaker))).collect();
        for talker in &mut self.mouths {
            for (seat, paths) in &mut talker.to_ears {
                let Some((_, ears)) = ears.iter_mut().find(|(other, _)| other == seat) else { continue };
                for (ear, path) in ears.iter_mut().zip(paths) {
                    add(ear, &path.arrival(said(talker.seat)));
                }
            }
        }
        let mut noise = inputs.ambient;
        for ear in ears.iter_mut().flat_map(|(_, ears)| ears) {
            add(ear, &inputs.ambient);
        }
        for source in &mut self.microphone_noise {
            source.add_to(&mut noise);
        }
        let mut reference = self.loudspeaker_to_reference.arrival(&loudspeaker);
        add(&mut reference, &inputs.ambient);
        if let Some(noise) = &mut self.reference_noise {
            noise.add_to(&mut reference);
        }
        if let Some(bed) = &mut self.bed {
            bed.add_to(&mut noise, &mut reference, ears.iter_mut().map(|(_, ears)| ears));
        }
        if !self.is_up {
            let (poi_send, receive, taps) = (SILENCE, inputs.receive, Taps::none());
            return BlockOutputs { poi_send, receive, ears, reference, taps };
        }
        add(&mut near, &noise);
        let moving = self.reflector.as_mut().map_or(SILENCE, |panel| panel.image(&loudspeaker));
        let echo = self.loudspeaker_to_microphone.arrival(&loudspeaker);
        let mut sounds = Sounds { near, noise, echo, moving };
        let whole = sounds.whole_echo();
        self.flaws.capture(&mut sounds.near, &whole);
        let full = self.microphone_full;
        let microphone: Block =
            std::array::from_fn(|at| ((sounds.near[at] + whole[at]) / full).clamp(-1.0, 1.0));
        if let Some(inserted) = &inputs.microphone {
            let near = inserted.map(|x| x * full);
            sounds = Sounds { near, noise: SILENCE, echo: SILENCE, moving: SILENCE };
        }
        let mut poi_send = self.terminal.send(&sounds);
        self.flaws.hum(&mut poi_send);
        if let Some((disturbance, at)) = &mut self.disturbance {
            disturbance.disturb(*at, &mut poi_send);
            self.terminal.slip(disturbance.slip(*at));
            *at += BLOCK as Frame;
        }
        self.network_send.process(&mut poi_send);
        match (&mut self.buffer_send, early) {
            (Some(_), Some(early)) => poi_send = early,
            (Some(buffer), None) => buffer.process(&mut poi_send),
            (None, _) => {}
        }
        let receive =
            self.feedback.as_mut().map_or(inputs.receive, |one| one.at_poi(&inputs.receive, &poi_send));
        let taps = Taps { microphone, echo_reference, loudspeaker: amplifier };
        BlockOutputs { poi_send, receive, ears, reference, taps }
    }

    /// What a block from the network becomes.
    fn playback(&mut self, mut block: Block) -> Playback {
        self.network_receive.process(&mut block);
        if let Some(buffer) = &mut self.buffer_receive {
            buffer.process(&mut block);
        }
        self.terminal.receive(&mut block);
        let echo_reference = block.map(|x| x / self.loudspeaker_full);
        self.flaws.convert(&mut block);
        let amplifier = block.map(|x| x / self.loudspeaker_full);
        if let Some(bed) = &self.bed {
            bed.turn_up(&mut block);
        }
        self.flaws.drive(&mut block);
        if let Some(noise) = &mut self.amplifier_noise {
            noise.add_to(&mut block);
        }
        Playback { sound: block, echo_reference, amplifier }
    }
}

fn add(sum: &mut Block, one: &Block) {
    sum.iter_mut().zip(one).for_each(|(sum, sample)| *sum += sample);
}
