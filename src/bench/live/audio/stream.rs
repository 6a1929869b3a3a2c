//! The two sides of the callbacks: programs to play, a ring of what was heard, and counters.
//!
//! Everything is allocated before a stream starts. A take's tracks are handed to the playback side as a [`Program`]
//! and come back when they are played, so that memory is given back by the bench and never by a callback.
//!
//! An interface may run at a whole multiple of the bench's rate. The callbacks know nothing of it: what is to be played
//! is raised before it is handed over, and what was heard is lowered where the ring is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use cpal::FromSample;
use rtrb::{Consumer, Producer, RingBuffer};

use super::multiple::{Lowering, raised, raised_turn};

/// Programs on their way to the callback.
const PROGRAMS_MAX: usize = 8;
/// Frames of the ring that are thrown away at once.
const FORGOTTEN_AT_ONCE: usize = 131_072;

/// Tracks to play from one moment on.
pub struct Program {
    /// Its number, from 1.
    pub number: u32,
    /// How many frames it lasts.
    pub frames: usize,
    /// The tracks.
    pub tracks: Vec<ProgramTrack>,
}

/// One track of a program.
pub struct ProgramTrack {
    /// The channel, from 0.
    pub channel: usize,
    /// The frame of the program at which it begins.
    pub at: usize,
    /// The samples.
    pub samples: Arc<[f32]>,
}

/// One loudspeaker of a background noise: its turn goes round for as long as the streams run.
#[derive(Debug)]
pub struct BedTrack {
    /// The channel, from 0.
    pub channel: usize,
    /// One turn; never empty.
    pub samples: Arc<[f32]>,
}

/// Why a stream does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The interface or its server is gone.
    Gone,
    /// The sound system reported something that it has no word for.
    Backend,
}

/// What the callbacks tell. Counters only grow while the streams run; all are given in frames of the bench's rate.
#[derive(Debug)]
pub struct Counters {
    /// How many times the bench's rate the interface runs at.
    ratio: u64,
    /// Which of the two streams there are: playback, capture.
    has: [bool; 2],
    played: AtomicU64,
    captured: AtomicU64,
    overflowed: AtomicU64,
    xruns: AtomicU64,
    errors: AtomicU64,
    fault: AtomicU8,
    began: AtomicU32,
    began_played: AtomicU64,
    began_captured: AtomicU64,
}

/// Where both streams were when a program began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning {
    /// Frames played before it.
    pub played: u64,
    /// Frames that had gone into the ring.
    pub captured: u64,
}

impl Counters {
    /// Counters at zero.
    pub fn new(ratio: usize, has: [bool; 2]) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            ratio: ratio.max(1) as u64,
            has,
            played: zero(),
            captured: zero(),
            overflowed: zero(),
            xruns: zero(),
            errors: zero(),
            fault: AtomicU8::new(0),
            began: AtomicU32::new(0),
            began_played: zero(),
            began_captured: zero(),
        }
    }

    fn frames(&self, counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Acquire) / self.ratio
    }

    /// Whether the streams that there are have run.
    pub fn are_running(&self) -> bool {
        [&self.played, &self.captured]
            .into_iter()
            .zip(self.has)
            .all(|(counter, has)| !has || counter.load(Ordering::Acquire) > 0)
    }

    /// Frames that were played.
    pub fn played(&self) -> u64 {
        self.frames(&self.played)
    }

    /// Frames that went into the ring.
    pub fn captured(&self) -> u64 {
        self.frames(&self.captured)
    }

    /// Frames that found no room in the ring.
    pub fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Acquire).div_ceil(self.ratio)
    }

    /// How often the sound system reported a lost block.
    pub fn xruns(&self) -> u64 {
        self.xruns.load(Ordering::Acquire)
    }

    /// The first fault.
    pub fn fault(&self) -> Option<Fault> {
        match self.fault.load(Ordering::Acquire) {
            1 => Some(Fault::Gone),
            2 => Some(Fault::Backend),
            _ => None,
        }
    }

    /// Where the streams were when program `number` began, once it has.
    pub fn beginning(&self, number: u32) -> Option<Beginning> {
        (self.began.load(Ordering::Acquire) == number).then(|| Beginning {
            played: self.frames(&self.began_played),
            captured: self.frames(&self.began_captured),
        })
    }

    /// Counts a lost block.
    pub fn xrun(&self) {
        self.xruns.fetch_add(1, Ordering::AcqRel);
    }

    /// Keeps a fault, the first for good; gives how many errors there were.
    pub fn fail(&self, fault: Fault) -> u64 {
        let code = match fault {
            Fault::Gone => 1,
            Fault::Backend => 2,
        };
        // The first fault is the cause of the others.
        let _ = self.fault.compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire);
        self.errors.fetch_add(1, Ordering::AcqRel) + 1
    }
}

/// What the callbacks need, before the streams are built.
pub struct Lines {
    /// For the playback callback.
    pub playback: PlaybackSide,
    /// For the capture callback.
    pub capture: CaptureSide,
    /// For both, and for the bench.
    pub counters: Arc<Counters>,
}

/// What the bench holds while the streams run.
pub struct Desk {
    orders: Producer<Option<Program>>,
    used: Consumer<Program>,
    ring: Consumer<f32>,
    lanes: usize,
    ratio: usize,
    /// Where the interface runs faster than the bench.
    lowering: Option<Lowering>,
    /// The counters.
    pub counters: Arc<Counters>,
}

/// What the streams of an interface are for.
#[derive(Debug, Default)]
pub struct Shape {
    /// The channels that are heard, from 0, in the order of the lanes; none: nothing is recorded.
    pub inputs: Vec<usize>,
    /// The highest channel that is played on, from 1; 0: nothing is played.
    pub outputs: usize,
    /// A background noise on channels that no program has.
    pub bed: Vec<BedTrack>,
    /// Frames that the ring holds, at the bench's rate.
    pub ring: usize,
    /// How many times the bench's rate the interface runs at.
    pub ratio: usize,
}

/// Both ends of everything.
pub fn lines(shape: Shape) -> (Lines, Desk) {
    let Shape { inputs, outputs, bed, ring, ratio } = shape;
    let ratio = ratio.max(1);
    let (orders, orders_in) = RingBuffer::new(PROGRAMS_MAX);
    let (used_out, used) = RingBuffer::new(2 * PROGRAMS_MAX);
    let lanes = inputs.len();
    let (ring_in, ring) = RingBuffer::new(ring * ratio * lanes.max(1));
    let counters = Arc::new(Counters::new(ratio, [outputs > 0, lanes > 0]));
    let bed = bed
        .into_iter()
        .map(|track| BedTrack { samples: raised_turn(&track.samples, ratio), ..track })
        .collect();
    let playback = PlaybackSide {
        orders: orders_in,
        used: used_out,
        program: None,
        position: 0,
        bed,
        bed_at: 0,
        channels: outputs,
        counters: Arc::clone(&counters),
    };
    let capture = CaptureSide { ring: ring_in, inputs, counters: Arc::clone(&counters) };
    let lines = Lines { playback, capture, counters: Arc::clone(&counters) };
    let lowering = (ratio > 1).then(|| Lowering::new(ratio, lanes));
    (lines, Desk { orders, used, ring, lanes, ratio, lowering, counters })
}

impl Desk {
    /// Hands a program over; `None` is silence. What was played is given back to memory here. `false`: nobody takes
    /// orders.
    pub fn order(&mut self, program: Option<Program>) -> bool {
        while self.used.pop().is_ok() {}
        self.orders.push(program.map(|program| self.at_rate(program))).is_ok()
    }

    /// A program at the rate of the interface.
    fn at_rate(&self, program: Program) -> Program {
        if self.ratio == 1 {
            return program;
        }
        let track = |track: ProgramTrack| ProgramTrack {
            channel: track.channel,
            at: track.at * self.ratio,
            samples: raised(&track.samples, self.ratio),
        };
        Program {
            number: program.number,
            frames: program.frames * self.ratio,
            tracks: program.tracks.into_iter().map(track).collect(),
        }
    }

    /// Reads what was heard, at most `frames_max` frames, all lanes of a frame together. Gives the number of frames.
    pub fn read(&mut self, into: &mut Vec<f32>, frames_max: usize) -> usize {
        into.clear();
        if let Some(lowering) = &mut self.lowering {
            let ring = &mut self.ring;
            return lowering.read(into, frames_max, |raw, frames| from_ring(ring, raw, frames, self.lanes));
        }
        let frames = (self.ring.slots() / self.lanes.max(1)).min(frames_max);
        from_ring(&mut self.ring, into, frames, self.lanes);
        frames
    }

    /// Throws away what was heard so far, with its overloads. Gives the number of frames.
    pub fn forget(&mut self) -> u64 {
        // What was played is given back now, before memory is taken for what comes.
        while self.used.pop().is_ok() {}
        let (mut old, mut all) = (Vec::new(), 0);
        while let frames @ 1.. = self.read(&mut old, FORGOTTEN_AT_ONCE) {
            all += frames as u64;
        }
        self.overloads(f32::INFINITY);
        all
    }

    /// Which lanes reached a magnitude of `full` since this was last asked, before the rate was lowered: what is lowered
    /// does not show it. Nothing where the rate is the bench's.
    pub fn overloads(&mut self, full: f32) -> Vec<usize> {
        self.lowering.as_mut().map_or_else(Vec::new, |lowering| lowering.overloads(full))
    }

    /// How many samples a frame has.
    pub fn lanes(&self) -> usize {
        self.lanes
    }
}

/// Appends some frames of the ring, all or none.
fn from_ring(ring: &mut Consumer<f32>, into: &mut Vec<f32>, frames: usize, lanes: usize) -> bool {
    let Ok(chunk) = ring.read_chunk(frames * lanes) else { return false };
    let (one, other) = chunk.as_slices();
    into.extend_from_slice(one);
    into.extend_from_slice(other);
    chunk.commit_all();
    true
}

/// What fills the buffers of a stream that plays. It must not allocate, lock, log or panic.
pub trait Fill: Send + 'static {
    /// Fills a buffer of `channels` interleaved channels.
    fn fill<T: cpal::Sample + FromSample<f32>>(&mut self, out: &mut [T], channels: usize);
}

/// Plays programs.
pub struct PlaybackSide {
    orders: Consumer<Option<Program>>,
    used: Producer<Program>,
    program: Option<Program>,
    position: usize,
    bed: Vec<BedTrack>,
    /// Frames of the bed that were played.
    bed_at: usize,
    channels: usize,
    counters: Arc<Counters>,
}

impl PlaybackSide {
    /// The channels that the interface must have.
    pub fn channels_min(&self) -> u16 {
        self.channels.max(1) as u16
    }
}

impl Fill for PlaybackSide {
    fn fill<T: cpal::Sample + FromSample<f32>>(&mut self, out: &mut [T], channels: usize) {
        out.fill(T::EQUILIBRIUM);
        let frames = out.len() / channels.max(1);
        while let Ok(order) = self.orders.pop() {
            self.retire();
            if let Some(program) = &order {
                let counters = &self.counters;
                counters.began_played.store(counters.played.load(Ordering::Acquire), Ordering::Release);
                counters.began_captured.store(counters.captured.load(Ordering::Acquire), Ordering::Release);
                counters.began.store(program.number, Ordering::Release);
            }
            self.program = order;
            self.position = 0;
        }
        for track in &self.bed {
            let turn = track.samples.iter().cycle().skip(self.bed_at % track.samples.len().max(1));
            for (frame, sample) in out.chunks_exact_mut(channels).zip(turn) {
                if let Some(slot) = frame.get_mut(track.channel) {
                    *slot = T::from_sample(*sample);
                }
            }
        }
        self.bed_at = self.bed_at.wrapping_add(frames);
        if let Some(program) = &self.program {
            for track in &program.tracks {
                // The track covers at … at + len of the program, the buffer position … position + frames.
                let skip = self.position.saturating_sub(track.at);
                let first = track.at.saturating_sub(self.position);
                let samples = track.samples.get(skip..).unwrap_or_default();
                let slots = out.chunks_exact_mut(channels).skip(first);
                for (frame, sample) in slots.zip(samples) {
                    if let Some(slot) = frame.get_mut(track.channel) {
                        *slot = T::from_sample(*sample);
                    }
                }
            }
            self.position += frames;
            if self.position >= program.frames {
                self.retire();
            }
        }
        self.counters.played.fetch_add(frames as u64, Ordering::AcqRel);
    }
}

impl PlaybackSide {
    /// Sends the program back to the bench.
    fn retire(&mut self) {
        if let Some(program) = self.program.take() {
            // There is room: the bench empties the way back before every order, and it is longer than the way here.
            drop(self.used.push(program));
        }
    }
}

/// Hears the inputs.
pub struct CaptureSide {
    ring: Producer<f32>,
    inputs: Vec<usize>,
    counters: Arc<Counters>,
}

impl CaptureSide {
    /// The channels that the interface must have.
    pub fn channels_min(&self) -> u16 {
        self.inputs.iter().map(|channel| channel + 1).max().unwrap_or(1) as u16
    }

    /// Takes a buffer of `channels` interleaved channels; whole, or not at all where the ring is full.
    pub fn take_in<T>(&mut self, samples: &[T], channels: usize)
    where
        T: cpal::Sample,
        f32: FromSample<T>,
    {
        let frames = samples.len() / channels.max(1);
        let Ok(chunk) = self.ring.write_chunk_uninit(frames * self.inputs.len()) else {
            self.counters.overflowed.fetch_add(frames as u64, Ordering::AcqRel);
            return;
        };
        let frames_of = samples.chunks_exact(channels.max(1));
        let lanes = frames_of.flat_map(|frame| {
            self.inputs
                .iter()
                .map(|channel| frame.get(*channel).map_or(0.0, |sample| sample.to_sample::<f32>()))
        });
        chunk.fill_from_iter(lanes);
        self.counters.captured.fetch_add(frames as u64, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(number: u32, samples: &[f32], at: usize) -> Program {
        let track = ProgramTrack { channel: 1, at, samples: samples.into() };
        Program { number, frames: at + samples.len(), tracks: vec![track] }
    }

    fn play(side: &mut PlaybackSide, frames: usize) -> Vec<f32> {
        let mut out = vec![9.0f32; 2 * frames];
        side.fill(&mut out, 2);
        assert!(out.iter().step_by(2).all(|x| *x == 0.0), "channel 0 is silent");
        out.into_iter().skip(1).step_by(2).collect()
    }

    #[test]
    fn a_program_is_played_once_from_where_it_was_ordered() {
        let (mut lines, mut desk) =
            lines(Shape { inputs: vec![0], outputs: 2, ring: 100, ratio: 1, ..Shape::default() });
        assert_eq!(play(&mut lines.playback, 3), [0.0; 3]);
        assert!(desk.order(Some(program(1, &[0.1, 0.2, 0.3, 0.4], 2))));
        assert_eq!(play(&mut lines.playback, 3), [0.0, 0.0, 0.1]);
        assert_eq!(desk.counters.beginning(1), Some(Beginning { played: 3, captured: 0 }));
        assert_eq!(play(&mut lines.playback, 2), [0.2, 0.3]);
        assert_eq!(play(&mut lines.playback, 3), [0.4, 0.0, 0.0]);
        assert_eq!(play(&mut lines.playback, 2), [0.0, 0.0]);
    }

    #[test]
    fn silence_ends_a_program_and_another_one_replaces_it() {
        let (mut lines, mut desk) =
            lines(Shape { inputs: vec![0], outputs: 2, ring: 100, ratio: 1, ..Shape::default() });
        let samples = [0.5; 50];
        desk.order(Some(program(1, &samples, 0)));
        assert_eq!(play(&mut lines.playback, 2), [0.5; 2]);
        desk.order(None);
        assert_eq!(play(&mut lines.playback, 2), [0.0; 2]);
        for number in 2..40 {
            assert!(desk.order(Some(program(number, &samples, 0))));
            assert_eq!(play(&mut lines.playback, 1), [0.5]);
            assert!(desk.counters.beginning(number).is_some());
        }
        // A callback that never comes takes no more orders than there is room for.
        let taken = (0..20).filter(|_| desk.order(None)).count();
        assert_eq!(taken, PROGRAMS_MAX);
    }

    #[test]
    fn what_is_heard_arrives_lane_by_lane_or_is_counted_as_lost() {
        let (mut lines, mut desk) =
            lines(Shape { inputs: vec![2, 0], outputs: 1, ring: 4, ratio: 1, ..Shape::default() });
        assert_eq!(lines.capture.channels_min(), 3);
        lines.capture.take_in(&[1i16, 2, 16_384, 4, 5, -16_384], 3);
        let mut heard = Vec::new();
        assert_eq!(desk.read(&mut heard, 100), 2);
        assert_eq!(heard, [0.5, 1.0 / 32_768.0, -0.5, 4.0 / 32_768.0]);
        lines.capture.take_in(&[0.25f32; 15], 3);
        assert_eq!((desk.counters.captured(), desk.counters.overflowed()), (2, 5));
        lines.capture.take_in(&[0.25f32; 12], 3);
        assert_eq!(desk.read(&mut heard, 3), 3);
        assert_eq!((desk.counters.captured(), desk.counters.overflowed()), (6, 5));
    }

    #[test]
    fn at_twice_the_rate_the_counters_and_the_programs_are_those_of_the_bench() {
        let shape = Shape { inputs: vec![0], outputs: 2, ring: 4_800, ratio: 2, ..Shape::default() };
        let (mut lines, mut desk) = lines(shape);
        lines.capture.take_in(&[0.25f32; 960], 1);
        assert_eq!(desk.counters.captured(), 480);
        assert_eq!(play(&mut lines.playback, 10), [0.0; 10]);
        let samples: Vec<f32> = (0..500).map(|n| 0.5 * (n as f32 * 0.1).sin()).collect();
        assert!(desk.order(Some(program(1, &samples, 3))));
        let played = play(&mut lines.playback, 1_006);
        assert_eq!(desk.counters.beginning(1), Some(Beginning { played: 5, captured: 480 }));
        // Every second frame is the sample itself, 3 frames late.
        for (n, sample) in samples.iter().enumerate().take(400).skip(100) {
            assert!((played[6 + 2 * n] - sample).abs() < 1e-3, "{n}: {} {sample}", played[6 + 2 * n]);
        }
        assert_eq!(play(&mut lines.playback, 4), [0.0; 4]);
    }

    #[test]
    fn streams_that_there_are_not_are_not_waited_for() {
        let (mut only_in, desk) = lines(Shape { inputs: vec![0], ring: 100, ratio: 1, ..Shape::default() });
        assert!(!desk.counters.are_running());
        only_in.capture.take_in(&[0.0f32; 4], 1);
        assert!(desk.counters.are_running());
        let (mut only_out, desk) = lines(Shape { outputs: 2, ring: 1, ratio: 1, ..Shape::default() });
        play(&mut only_out.playback, 4);
        assert!(desk.counters.are_running());
    }

    #[test]
    fn a_bed_goes_round_under_programs_and_silence() {
        let bed = vec![BedTrack { channel: 0, samples: [0.1, 0.2, 0.3].into() }];
        let (mut lines, mut desk) = lines(Shape { inputs: vec![0], outputs: 2, bed, ring: 100, ratio: 1 });
        let mut play = |frames: usize| {
            let mut out = vec![9.0f32; 2 * frames];
            lines.playback.fill(&mut out, 2);
            out
        };
        assert_eq!(play(4), [0.1, 0.0, 0.2, 0.0, 0.3, 0.0, 0.1, 0.0]);
        desk.order(Some(program(1, &[0.5, 0.6], 0)));
        assert_eq!(play(3), [0.2, 0.5, 0.3, 0.6, 0.1, 0.0]);
        assert_eq!(play(1), [0.2, 0.0]);
    }
}
