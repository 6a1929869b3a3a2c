//! Listening to a port: an output stream of its own on any interface, fed by a ring.
//!
//! Nothing here can change what is captured. The bench's streams, rings and orders are not touched; an interface on which the
//! bench itself plays is refused, because what is listened to would sound in the car.
//!
//! Two clocks meet in the ring. It is begun to be played when it holds 0.1 s; when it holds more than 0.4 s the surplus is
//! skipped, and when it runs dry there is silence until it holds 0.1 s again. Each of these is faded over 5 ms and counted.
//! Behind the gain stands a hard ceiling of a quarter of full scale, −12 dB: no gain and no sound is louder.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, Device, FromSample, SampleFormat, StreamConfig, SupportedBufferSize};
use rtrb::{Consumer, Producer, RingBuffer};

use super::stream::{Counters, Fault, Fill};
use super::{AudioSystem, FORMATS, JACK, Playing, quietly};
use crate::bench::BenchError;
use crate::bench::live::spec::{LOOP, LiveSpec};
use crate::take::RATE;

/// The largest magnitude that reaches the interface: −12.04 dB of full scale.
pub const CEILING: f32 = 0.25;
/// The gains that may be asked for, in dB.
pub const GAINS_DB: std::ops::RangeInclusive<f64> = -60.0..=60.0;
/// Frames that the ring holds: a second.
const RING: usize = RATE as usize;
/// Frames that must be there before they are played.
const START: usize = RATE as usize / 10;
/// Frames from which on the surplus is skipped.
const FULL: usize = 4 * START;
/// The change of the fade in each frame: 5 ms from silence to sound.
const FADE: f32 = 1.0 / 240.0;
/// How much of the way to a new gain is made in each frame: some 10 ms.
const GLIDE: f32 = 1.0 / 480.0;
/// Frames in a buffer, where the interface lets us choose.
const BUFFER: u32 = 960;

/// What ring and callback share. Counters only grow.
#[derive(Debug, Default)]
struct State {
    /// The factor, as bits.
    gain: AtomicU32,
    skipped: AtomicU64,
    dry: AtomicU64,
    limited: AtomicU64,
}

/// What became of listening so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Frames that were skipped.
    pub skipped: u64,
    /// How often the ring ran dry.
    pub dry: u64,
    /// Samples that the ceiling cut.
    pub limited: u64,
}

/// Something to listen with: the open stream and the way into it. It ends when it is dropped.
pub struct Phones {
    ring: Producer<f32>,
    state: Arc<State>,
    counters: Arc<Counters>,
    interface: String,
    _stream: cpal::Stream,
}

/// The end of the ring in the callback.
struct PhoneSide {
    ring: Consumer<f32>,
    state: Arc<State>,
    phase: Phase,
    /// The sample that was played last, which fades where no other follows.
    last: f32,
    envelope: f32,
    gain: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Until there is enough.
    Waiting,
    Playing,
    /// Fading, to skip the surplus.
    Leaving,
}

impl State {
    fn set_gain(&self, gain_db: f64) {
        let gain_db = gain_db.clamp(*GAINS_DB.start(), *GAINS_DB.end());
        self.gain.store((10f64.powf(gain_db / 20.0) as f32).to_bits(), Ordering::Relaxed);
    }
}

/// Both ends of a ring.
fn ends(gain_db: f64) -> (Producer<f32>, PhoneSide, Arc<State>) {
    let (ring_in, ring) = RingBuffer::new(RING);
    let state = Arc::new(State::default());
    state.set_gain(gain_db);
    let gain = f32::from_bits(state.gain.load(Ordering::Relaxed));
    let side =
        PhoneSide { ring, state: Arc::clone(&state), phase: Phase::Waiting, last: 0.0, envelope: 0.0, gain };
    (ring_in, side, state)
}

/// Puts samples into a ring; what finds no room is skipped and counted.
fn put(ring: &mut Producer<f32>, state: &State, samples: &[f32]) {
    let count = samples.len().min(ring.slots());
    if let Ok(chunk) = ring.write_chunk_uninit(count) {
        chunk.fill_from_iter(samples[..count].iter().copied());
    }
    state.skipped.fetch_add((samples.len() - count) as u64, Ordering::Relaxed);
}

impl PhoneSide {
    /// The next sample for the ears.
    fn next(&mut self, target: f32) -> f32 {
        if self.phase != Phase::Waiting {
            if let Ok(sample) = self.ring.pop() {
                self.last = if sample.is_finite() { sample } else { 0.0 };
            } else {
                self.phase = Phase::Waiting;
                self.state.dry.fetch_add(1, Ordering::Relaxed);
            }
        }
        let step = if self.phase == Phase::Playing { FADE } else { -FADE };
        self.envelope = (self.envelope + step).clamp(0.0, 1.0);
        self.gain += (target - self.gain) * GLIDE;
        let sample = self.last * self.envelope * self.gain;
        if sample.abs() > CEILING {
            self.state.limited.fetch_add(1, Ordering::Relaxed);
        }
        sample.clamp(-CEILING, CEILING)
    }

    /// Looks at how full the ring is, once in a buffer.
    fn regulate(&mut self) {
        let there = self.ring.slots();
        match self.phase {
            Phase::Waiting if there >= START && self.envelope <= 0.0 => self.phase = Phase::Playing,
            Phase::Playing if there > FULL => self.phase = Phase::Leaving,
            Phase::Leaving if self.envelope <= 0.0 => {
                let surplus = there.saturating_sub(START);
                if let Ok(chunk) = self.ring.read_chunk(surplus) {
                    chunk.commit_all();
                    self.state.skipped.fetch_add(surplus as u64, Ordering::Relaxed);
                }
                self.phase = Phase::Playing;
            }
            _ => {}
        }
    }
}

impl Fill for PhoneSide {
    /// The same on every channel.
    fn fill<T: cpal::Sample + FromSample<f32>>(&mut self, out: &mut [T], channels: usize) {
        let target = f32::from_bits(self.state.gain.load(Ordering::Relaxed));
        self.regulate();
        for frame in out.chunks_mut(channels.max(1)) {
            frame.fill(T::from_sample(self.next(target)));
        }
    }
}

/// Where what is listened to may be heard, of one bench.
#[derive(Clone, Default)]
pub struct Outlet {
    /// A system of the caller's, in place of the hosts of this machine.
    system: Option<Arc<AudioSystem>>,
    /// The host whose default output is taken.
    host: Option<String>,
    /// What the bench plays on.
    own: Vec<String>,
}

impl Outlet {
    /// Beside a live bench: its host's default output unless told otherwise, and nothing that it plays on itself.
    pub fn beside(spec: &LiveSpec, system: Option<Arc<AudioSystem>>) -> Self {
        let others = spec.others.iter().filter_map(|other| other.playback.clone());
        let own = std::iter::once(spec.audio.playback.clone()).chain(others).collect();
        // Neither is one that somebody hears: the one is inside the program, the default output of the other is the bench's.
        let host = Some(spec.audio.host().to_owned()).filter(|host| host != LOOP && host != JACK);
        Self { system, host, own }
    }

    /// Opens an interface of this id, or the default one, and begins to play what [`Phones::put`] is given.
    ///
    /// # Errors
    /// There is no such interface, it is one that the bench plays on, or it cannot play.
    pub fn open(&self, id: Option<&str>, gain_db: f64) -> Result<Phones, BenchError> {
        let refused = |id: &str| {
            BenchError::AskOperator(format!(
                "the bench plays on {id}: what is listened to would sound in the measurement; listen on another interface \
                 (`lombard list interfaces`)"
            ))
        };
        if let Some(id) = id.filter(|id| self.own.iter().any(|own| own == id)) {
            return Err(refused(id));
        }
        quietly(|| {
            let (id, device) = match id {
                Some(id) => (id.to_owned(), self.named(id)?),
                None => self.default()?,
            };
            if self.own.contains(&id) {
                return Err(refused(&id));
            }
            start(id, &device, gain_db)
        })
    }

    fn named(&self, id: &str) -> Result<Device, BenchError> {
        if let Some(system) = &self.system {
            return system.device(id, true);
        }
        let word = id.split_once(':').map_or(id, |(host, _)| host);
        if word == LOOP {
            return Err(BenchError::AskOperator(format!(
                "{id} is inside the program, where nobody hears it: listen on an interface of this machine (`lombard list \
                 interfaces`)"
            )));
        }
        AudioSystem::open(word)?.device(id, true)
    }

    fn default(&self) -> Result<(String, Device), BenchError> {
        let none = || {
            BenchError::AskOperator(
                "there is no default output to listen on: name an interface (`lombard list interfaces`)"
                    .to_owned(),
            )
        };
        let host = match &self.host {
            Some(word) => {
                let id = word.parse().map_err(|_| none())?;
                cpal::host_from_id(id).map_err(|_| none())?
            }
            None => cpal::default_host(),
        };
        let device = host.default_output_device().ok_or_else(none)?;
        let id = device.id().map_err(|error| broken("by default", &error))?;
        Ok((id.to_string(), device))
    }
}

/// That an interface cannot be listened on. A run goes on without it.
fn broken(id: &str, error: &cpal::Error) -> BenchError {
    BenchError::AskOperator(format!(
        "the interface {id} cannot be listened on: {error}; close what else uses it, or listen on another one (`lombard list \
         interfaces`)"
    ))
}

fn start(interface: String, device: &Device, gain_db: f64) -> Result<Phones, BenchError> {
    let (format, config) = config_of(&interface, device)?;
    let counters = Arc::new(Counters::new(1, [true, false]));
    let (ring, side, state) = ends(gain_db);
    let playing = Playing { side, channels: config.channels.into() };
    let stream = playing
        .build(device, config, format, Arc::clone(&counters))
        .and_then(|stream| stream.play().map(|()| stream))
        .map_err(|error| broken(&interface, &error))?;
    Ok(Phones { ring, state, counters, interface, _stream: stream })
}

/// Two channels at 48 kHz where there are, or what comes next to that.
fn config_of(interface: &str, device: &Device) -> Result<(SampleFormat, StreamConfig), BenchError> {
    let configs = device.supported_output_configs().map_err(|error| broken(interface, &error))?;
    let place = |format: SampleFormat| FORMATS.iter().position(|one| *one == format);
    let best = configs
        .filter(|one| one.contains_rate(RATE) && one.channels() > 0 && place(one.sample_format()).is_some())
        .min_by_key(|one| (one.channels().abs_diff(2), place(one.sample_format())));
    let best = best.ok_or_else(|| {
        BenchError::AskOperator(format!(
            "the interface {interface} does not play at {RATE} Hz with 16 bits or more: listen on another one"
        ))
    })?;
    let frames = match best.buffer_size() {
        SupportedBufferSize::Range { min, max } => BUFFER.clamp(*min, (*max).max(*min)),
        SupportedBufferSize::Unknown => BUFFER,
    };
    let (channels, buffer_size) = (best.channels(), BufferSize::Fixed(frames));
    Ok((best.sample_format(), StreamConfig { channels, sample_rate: RATE, buffer_size }))
}

impl Phones {
    /// Lets samples be heard after those before. Never waits.
    pub fn put(&mut self, samples: &[f32]) {
        put(&mut self.ring, &self.state, samples);
    }

    /// Another gain, in dB; it is reached in some 10 ms.
    pub fn set_gain(&self, gain_db: f64) {
        self.state.set_gain(gain_db);
    }

    /// What became of listening so far.
    pub fn counts(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            skipped: count(&self.state.skipped),
            dry: count(&self.state.dry),
            limited: count(&self.state.limited),
        }
    }

    /// The id of the interface.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Why nothing is heard any more.
    pub fn fault(&self) -> Option<String> {
        let gone = |what| format!("the interface {} that is listened on {what}", self.interface);
        self.counters.fault().map(|fault| match fault {
            Fault::Gone => gone("is gone: connect it and listen again"),
            Fault::Backend => gone("failed: see the messages of the sound system, and listen again"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the ears get of the next frames, in buffers of 480; both channels are the same.
    fn heard(side: &mut PhoneSide, frames: usize) -> Vec<f32> {
        let mut all = Vec::new();
        for _ in 0..frames / 480 {
            let mut out = vec![9.0f32; 960];
            assert_no_alloc::assert_no_alloc(|| side.fill(&mut out, 2));
            assert!(out.chunks_exact(2).all(|frame| frame[0] == frame[1]));
            all.extend(out.iter().step_by(2));
        }
        all
    }

    fn jump(samples: &[f32]) -> f32 {
        samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn what_goes_in_comes_out_when_there_is_enough_of_it() {
        let (mut ring, mut side, state) = ends(0.0);
        let ramp: Vec<f32> = (0..9_600).map(|n| n as f32 * 1e-5).collect();
        put(&mut ring, &state, &ramp[..4_799]);
        assert_eq!(heard(&mut side, 480), [0.0; 480]);
        put(&mut ring, &state, &ramp[4_799..]);
        let out = heard(&mut side, 9_600);
        assert!(out[..240].is_sorted() && out[0] < 1e-4, "it fades in");
        assert!(out[300..] == ramp[300..], "and then it is what went in");
        assert_eq!((state.skipped.load(Ordering::Relaxed), state.dry.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn a_ring_that_runs_dry_fades_and_waits() {
        let (mut ring, mut side, state) = ends(0.0);
        put(&mut ring, &state, &vec![0.2; 4_800]);
        let out = heard(&mut side, 9_600);
        assert_eq!(out[4_700], 0.2);
        assert!(out[5_100..].iter().all(|x| *x == 0.0), "silence");
        assert!(jump(&out) < 0.001, "{}", jump(&out));
        assert_eq!(state.dry.load(Ordering::Relaxed), 1);
        // Little is no reason to begin again.
        put(&mut ring, &state, &[0.2; 960]);
        assert!(heard(&mut side, 960).iter().all(|x| *x == 0.0));
        put(&mut ring, &state, &[0.2; 3_840]);
        assert_eq!(heard(&mut side, 960)[900], 0.2);
    }

    #[test]
    fn a_ring_that_fills_up_skips_between_two_fades() {
        let (mut ring, mut side, state) = ends(0.0);
        put(&mut ring, &state, &vec![0.2; 40_000]);
        let out = heard(&mut side, 2_400);
        assert!(jump(&out) < 0.001, "{}", jump(&out));
        // A buffer in which it fades, and the rest but 0.1 s is gone.
        let skipped = state.skipped.load(Ordering::Relaxed);
        assert!((33_000..35_200).contains(&skipped), "{skipped}");
        assert!(side.ring.slots() <= START);
        // What finds no room at all is skipped too.
        put(&mut ring, &state, &vec![0.2; 100_000]);
        assert!(state.skipped.load(Ordering::Relaxed) > skipped + 50_000);
    }

    #[test]
    fn no_gain_and_no_sound_is_louder_than_the_ceiling() {
        let (mut ring, mut side, state) = ends(200.0);
        let loud: Vec<f32> = (0..9_600).map(|n| if n % 2 == 0 { 1.0 } else { -1.0 }).collect();
        put(&mut ring, &state, &loud);
        let out = heard(&mut side, 4_800);
        assert!(out.iter().all(|x| x.abs() <= 0.25) && out.contains(&0.25) && out.contains(&-0.25));
        assert!(state.limited.load(Ordering::Relaxed) > 4_000);
        let (mut ring, mut side, state) = ends(0.0);
        put(&mut ring, &state, &[f32::NAN, f32::INFINITY].repeat(2_400));
        assert!(heard(&mut side, 4_800).iter().all(|x| *x == 0.0));
        assert_eq!(state.limited.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_gain_glides_to_what_is_asked_for() {
        let (mut ring, mut side, state) = ends(20.0);
        put(&mut ring, &state, &vec![0.001; 19_000]);
        let out = heard(&mut side, 4_800);
        assert!((out[4_799] - 0.01).abs() < 1e-5, "{}", out[4_799]);
        state.set_gain(40.0);
        let out = heard(&mut side, 9_600);
        assert!((out[9_599] - 0.1).abs() < 1e-4 && jump(&out) < 0.001, "{} {}", out[9_599], jump(&out));
    }
}
