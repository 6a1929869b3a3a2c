//! An audio host inside the program: one interface on one virtual clock, with whatever stands between its outputs and
//! its inputs.
//!
//! A bench file that names the interface `loop:wire` gets 16 outputs wired to the inputs 1 to 16 and once more to the
//! inputs 17 to 32, a fixed latency later: a self-test of the file, its ports and its levels without hardware, with two
//! ears for one loudspeaker. Tests put a device under test, or a virtual car, where the wire is, and faults of the
//! interface on top.
//!
//! The clock stands still until somebody advances it, so a take lasts as long as its computation.

mod drift;
mod fault;

use std::collections::VecDeque;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, ChannelCount, Data, DeviceDescription, DeviceDescriptionBuilder, DeviceId, Error, ErrorKind,
    FrameCount, HostId, InputCallbackInfo, InputStreamTimestamp, OutputCallbackInfo, OutputStreamTimestamp,
    SampleFormat, StreamConfig, StreamInstant, SupportedBufferSize, SupportedStreamConfig,
    SupportedStreamConfigRange,
};

use self::drift::Drift;
pub use self::fault::LoopFault;
use self::fault::strange;
use super::Pace;
use crate::take::RATE;

/// The name of the interface.
pub const WIRE: &str = "wire";
/// Outputs of the wire; each goes to two inputs.
const WIRE_OUTPUTS: u16 = 16;
/// Frames from playing to recording through the wire: two blocks, as a small interface has it.
const WIRE_LATENCY: usize = 960;
/// How often in a second of sound a bench waits: it advances the clock by the rest.
const WAITS_PER_S: u32 = 10;
/// Buffers that the interface accepts, in frames.
const BUFFERS: (FrameCount, FrameCount) = (16, 8_192);

/// What stands between outputs and inputs: gets a buffer of interleaved output channels, and fills one of interleaved
/// input channels of as many frames.
pub type Wiring = Box<dyn FnMut(&[f32], &mut [f32]) + Send>;

/// What an interface is.
pub struct LoopSpec {
    /// Output channels.
    pub outputs: u16,
    /// Input channels.
    pub inputs: u16,
    /// Its sample rate, in Hz.
    pub rate: u32,
    /// Frames from playing to recording, at its rate.
    pub latency: usize,
    /// What it does wrong, in the order of time.
    pub faults: Vec<LoopFault>,
    /// What stands between outputs and inputs.
    pub wiring: Wiring,
}

/// The host.
pub struct LoopHost {
    device: LoopDevice,
}

/// Advances the clock of a loop host.
#[derive(Clone)]
pub struct LoopClock {
    board: Arc<Mutex<Board>>,
}

impl LoopHost {
    /// A host with one interface.
    pub fn new(spec: LoopSpec) -> (Self, LoopClock) {
        let width = usize::from(spec.inputs);
        let drift = spec.faults.iter().find_map(|fault| match fault {
            LoopFault::Drift { ppb } => Some(Drift::new(*ppb, width)),
            _ => None,
        });
        let faults = spec.faults.into_iter().filter(|fault| !matches!(fault, LoopFault::Drift { .. }));
        let board = Board {
            latency: VecDeque::from(vec![0.0; spec.latency * usize::from(spec.inputs)]),
            drift,
            faults: faults.collect(),
            wiring: spec.wiring,
            outputs: spec.outputs,
            inputs: spec.inputs,
            rate: spec.rate,
            playback: None,
            capture: None,
            heard: Vec::new(),
            recent: VecDeque::new(),
            captured: 0,
            now: 0,
            due: 0,
            is_stalled: false,
            gone: None,
            next_stream: 0,
        };
        let board = Arc::new(Mutex::new(board));
        let clock = LoopClock { board: Arc::clone(&board) };
        (
            Self {
                device: LoopDevice { board, outputs: spec.outputs, inputs: spec.inputs, rate: spec.rate },
            },
            clock,
        )
    }

    /// The host whose interface is a wire from every output to the input of the same number, and to the one
    /// 16 further on.
    pub fn wire() -> (Self, LoopClock) {
        let width = usize::from(WIRE_OUTPUTS);
        Self::new(LoopSpec {
            outputs: WIRE_OUTPUTS,
            inputs: 2 * WIRE_OUTPUTS,
            rate: RATE,
            latency: WIRE_LATENCY,
            faults: Vec::new(),
            wiring: Box::new(move |out, input| {
                for (from, to) in out.chunks_exact(width).zip(input.chunks_exact_mut(2 * width)) {
                    to[..width].copy_from_slice(from);
                    to[width..].copy_from_slice(from);
                }
            }),
        })
    }

    /// The host as cpal hands it on.
    pub fn into_cpal(self) -> cpal::Host {
        cpal::Host::from(cpal::platform::CustomHost::from_host(self))
    }
}

impl LoopClock {
    /// How many streams were opened on the interface so far.
    pub fn streams(&self) -> u64 {
        lock(&self.board).next_stream
    }

    /// Lets the interface run for some frames, in whole buffers.
    pub fn advance(&self, frames: u32) {
        let mut board = lock(&self.board);
        // What one advance was too long by, the next one is shorter: buffers of any length keep the same time.
        board.due += u64::from(frames);
        while board.now < board.due {
            if !board.run() {
                board.due = board.now;
            }
        }
    }
}

impl Pace for LoopClock {
    fn wait(&self) {
        let (before, rate) = {
            let board = lock(&self.board);
            (board.captured, board.rate)
        };
        // The same time for every clock.
        self.advance(rate / WAITS_PER_S);
        if lock(&self.board).captured == before {
            // A dead interface: don't spin.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// A poisoned board was left by a callback that panicked: what it holds is still good to shut down with.
fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

type ErrorCallback = Box<dyn FnMut(Error) + Send>;
type PlaybackCallback = Box<dyn FnMut(&mut Data, &OutputCallbackInfo) + Send>;
type CaptureCallback = Box<dyn FnMut(&Data, &InputCallbackInfo) + Send>;

/// One stream on the board.
struct Plugged<C> {
    number: u64,
    callback: C,
    failed: ErrorCallback,
    channels: u16,
    buffer: u32,
    is_playing: bool,
    samples: Vec<f32>,
}

/// The interface at work.
struct Board {
    wiring: Wiring,
    outputs: u16,
    inputs: u16,
    rate: u32,
    /// Interleaved inputs on their way.
    latency: VecDeque<f32>,
    drift: Option<Drift>,
    faults: VecDeque<LoopFault>,
    playback: Option<Plugged<PlaybackCallback>>,
    capture: Option<Plugged<CaptureCallback>>,
    /// Interleaved inputs that wait for the capture callback.
    heard: Vec<f32>,
    /// What was recorded last, for repetitions.
    recent: VecDeque<f32>,
    captured: u64,
    now: u64,
    /// Where the clock is to be.
    due: u64,
    is_stalled: bool,
    /// What the error callbacks say once the interface or its server is gone.
    gone: Option<ErrorKind>,
    next_stream: u64,
}

/// What the longest repetition needs, in frames.
const RECENT: usize = 8_192;

impl Board {
    /// One buffer; `false` where nothing runs.
    fn run(&mut self) -> bool {
        if self.is_stalled {
            return false;
        }
        if let Some(kind) = self.gone {
            let gone = || Error::new(kind);
            self.playback.iter_mut().for_each(|stream| as_audio_thread(|| (stream.failed)(gone())));
            self.capture.iter_mut().for_each(|stream| as_audio_thread(|| (stream.failed)(gone())));
            return false;
        }
        let playing = self.playback.as_ref().filter(|stream| stream.is_playing).map(|stream| stream.buffer);
        let hearing = self.capture.as_ref().filter(|stream| stream.is_playing).map(|stream| stream.buffer);
        let Some(frames) = playing.or(hearing) else { return false };
        let mut out = vec![0.0; frames as usize * usize::from(self.outputs)];
        if let Some(stream) = self.playback.as_mut().filter(|stream| stream.is_playing) {
            stream.play(&mut out, self.outputs, self.now);
        }
        let mut input = vec![0.0; frames as usize * usize::from(self.inputs)];
        (self.wiring)(&out, &mut input);
        // A converter overloads at full scale.
        self.latency.extend(input.iter().map(|x| x.clamp(-1.0, 1.0)));
        let arrived: Vec<f32> = self.latency.drain(..input.len()).collect();
        let arrived = self.drift.as_mut().map_or_else(|| arrived.clone(), |drift| drift.recorded(&arrived));
        self.now += u64::from(frames);
        if hearing.is_some() {
            self.record(&arrived);
            self.deliver();
        }
        true
    }

    /// Records frames one by one, with what goes wrong.
    fn record(&mut self, arrived: &[f32]) {
        let width = usize::from(self.inputs);
        for frame in arrived.chunks_exact(width) {
            let is_due = |at: u64| at == self.captured;
            match self.faults.front().copied() {
                Some(LoopFault::Lose { at, frames }) if is_due(at) => {
                    // The clock of the interface goes on, the frames don't arrive.
                    match frames.checked_sub(1).filter(|left| *left > 0) {
                        Some(frames) => self.faults[0] = LoopFault::Lose { at, frames },
                        None => drop(self.faults.pop_front()),
                    }
                    continue;
                }
                Some(LoopFault::Repeat { at, frames }) if is_due(at) => {
                    self.faults.pop_front();
                    let from = self.recent.len().saturating_sub(frames * width);
                    self.heard.extend(self.recent.range(from..));
                }
                Some(LoopFault::Insert { at, frames }) if is_due(at) => {
                    self.faults.pop_front();
                    self.heard.extend((0..frames * width).map(|n| strange(at, n)));
                }
                Some(LoopFault::Xrun { at }) if is_due(at) => {
                    self.faults.pop_front();
                    if let Some(stream) = &mut self.capture {
                        as_audio_thread(|| (stream.failed)(Error::new(ErrorKind::Xrun)));
                    }
                }
                Some(LoopFault::Stall { at }) if is_due(at) => self.is_stalled = true,
                Some(LoopFault::Unplug { at }) if is_due(at) => {
                    self.gone = Some(ErrorKind::DeviceNotAvailable);
                }
                Some(LoopFault::Kill { at }) if is_due(at) => self.gone = Some(ErrorKind::BackendError),
                _ => {}
            }
            self.heard.extend_from_slice(frame);
            self.recent.extend(frame);
            let surplus = self.recent.len().saturating_sub(RECENT * width);
            self.recent.drain(..surplus);
            self.captured += 1;
        }
    }

    /// Hands full buffers to the capture callback.
    fn deliver(&mut self) {
        let Some(stream) = self.capture.as_mut() else { return };
        let width = usize::from(self.inputs);
        let frames = stream.buffer as usize;
        while self.heard.len() >= frames * width {
            let buffer: Vec<f32> = self.heard.drain(..frames * width).collect();
            stream.hear(&buffer, self.inputs, self.now);
        }
    }
}

fn instant(frames: u64) -> StreamInstant {
    StreamInstant::from_nanos(frames * 1_000_000_000 / u64::from(RATE))
}

/// Calls a callback as an audio thread does. In tests it must neither allocate nor give memory back.
fn as_audio_thread<R>(call: impl FnOnce() -> R) -> R {
    #[cfg(test)]
    let before = assert_no_alloc::violation_count();
    #[cfg(test)]
    let call = || assert_no_alloc::assert_no_alloc(call);
    let result = call();
    #[cfg(test)]
    assert_eq!(assert_no_alloc::violation_count(), before, "a callback called the allocator");
    result
}

impl Plugged<PlaybackCallback> {
    fn play(&mut self, out: &mut [f32], width: u16, now: u64) {
        let (own, width) = (usize::from(self.channels), usize::from(width));
        self.samples.fill(0.0);
        let stamp = OutputStreamTimestamp { callback: instant(now), playback: instant(now) };
        let callback = &mut self.callback;
        with_data(&mut self.samples, |data| {
            as_audio_thread(|| callback(data, &OutputCallbackInfo::new(stamp)));
        });
        for (from, to) in self.samples.chunks_exact(own).zip(out.chunks_exact_mut(width)) {
            to[..own].copy_from_slice(from);
        }
    }
}

impl Plugged<CaptureCallback> {
    fn hear(&mut self, heard: &[f32], width: u16, now: u64) {
        let (own, width) = (usize::from(self.channels), usize::from(width));
        for (to, from) in self.samples.chunks_exact_mut(own).zip(heard.chunks_exact(width)) {
            to.copy_from_slice(&from[..own]);
        }
        let stamp = InputStreamTimestamp { callback: instant(now), capture: instant(now) };
        let callback = &mut self.callback;
        with_data(&mut self.samples, |data| {
            as_audio_thread(|| callback(data, &InputCallbackInfo::new(stamp)));
        });
    }
}

/// Lends samples to a callback in cpal's wrapping. The wrapping does not outlive the loan.
#[expect(
    unsafe_code,
    reason = "cpal gives host implementations no other way to make the buffers of a callback"
)]
fn with_data(samples: &mut [f32], use_it: impl FnOnce(&mut Data)) {
    // SAFETY: pointer and length are those of a live, exclusively borrowed slice of f32, and the format says f32.
    let mut data = unsafe { Data::from_parts(samples.as_mut_ptr().cast(), samples.len(), SampleFormat::F32) };
    use_it(&mut data);
}

impl HostTrait for LoopHost {
    type Devices = std::iter::Once<LoopDevice>;
    type Device = LoopDevice;

    fn is_available() -> bool {
        true
    }

    fn devices(&self) -> Result<Self::Devices, Error> {
        Ok(std::iter::once(self.device.clone()))
    }

    fn default_input_device(&self) -> Option<LoopDevice> {
        Some(self.device.clone())
    }

    fn default_output_device(&self) -> Option<LoopDevice> {
        Some(self.device.clone())
    }
}

/// The interface.
#[derive(Clone)]
pub struct LoopDevice {
    board: Arc<Mutex<Board>>,
    outputs: u16,
    inputs: u16,
    rate: u32,
}

impl PartialEq for LoopDevice {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.board, &other.board)
    }
}

impl Eq for LoopDevice {}

impl Hash for LoopDevice {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.board).hash(state);
    }
}

impl fmt::Debug for LoopDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoopDevice({} out, {} in)", self.outputs, self.inputs)
    }
}

impl fmt::Display for LoopDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WIRE)
    }
}

/// The one configuration of a side.
fn range(channels: ChannelCount, rate: u32) -> SupportedStreamConfigRange {
    let buffer = SupportedBufferSize::Range { min: BUFFERS.0, max: BUFFERS.1 };
    SupportedStreamConfigRange::new(channels, rate, rate, buffer, SampleFormat::F32)
}

/// Checks what a stream is asked to be; gives its buffer.
fn checked(config: StreamConfig, format: SampleFormat, channels: u16, rate: u32) -> Result<u32, Error> {
    let frames = match config.buffer_size {
        BufferSize::Fixed(frames) => frames,
        BufferSize::Default => 480,
    };
    let is_good = format == SampleFormat::F32
        && config.sample_rate == rate
        && (1..=channels).contains(&config.channels)
        && (BUFFERS.0..=BUFFERS.1).contains(&frames);
    if is_good { Ok(frames) } else { Err(Error::new(ErrorKind::UnsupportedConfig)) }
}

impl LoopDevice {
    fn plug<C>(
        &self,
        config: StreamConfig,
        buffer: u32,
        callback: C,
        failed: ErrorCallback,
    ) -> (LoopStream, Plugged<C>) {
        let number = {
            let mut board = lock(&self.board);
            board.next_stream += 1;
            board.next_stream
        };
        let samples = vec![0.0; buffer as usize * usize::from(config.channels)];
        let channels = config.channels;
        let plugged = Plugged { number, callback, failed, channels, buffer, is_playing: false, samples };
        (LoopStream { board: Arc::clone(&self.board), number, buffer }, plugged)
    }
}

impl DeviceTrait for LoopDevice {
    type SupportedInputConfigs = std::iter::Once<SupportedStreamConfigRange>;
    type SupportedOutputConfigs = std::iter::Once<SupportedStreamConfigRange>;
    type Stream = LoopStream;

    fn description(&self) -> Result<DeviceDescription, Error> {
        let name = "in the program: outputs 1 to 16 wired to inputs 1 to 16 and 17 to 32";
        Ok(DeviceDescriptionBuilder::new(name).build())
    }

    fn id(&self) -> Result<DeviceId, Error> {
        Ok(DeviceId::new(HostId::Custom, WIRE))
    }

    fn supported_input_configs(&self) -> Result<Self::SupportedInputConfigs, Error> {
        Ok(std::iter::once(range(self.inputs, self.rate)))
    }

    fn supported_output_configs(&self) -> Result<Self::SupportedOutputConfigs, Error> {
        Ok(std::iter::once(range(self.outputs, self.rate)))
    }

    fn default_input_config(&self) -> Result<SupportedStreamConfig, Error> {
        Ok(range(self.inputs, self.rate).with_sample_rate(self.rate))
    }

    fn default_output_config(&self) -> Result<SupportedStreamConfig, Error> {
        Ok(range(self.outputs, self.rate).with_sample_rate(self.rate))
    }

    fn build_input_stream_raw<D, E>(
        &self,
        config: StreamConfig,
        format: SampleFormat,
        data_callback: D,
        error_callback: E,
        _timeout: Option<Duration>,
    ) -> Result<LoopStream, Error>
    where
        D: FnMut(&Data, &InputCallbackInfo) + Send + 'static,
        E: FnMut(Error) + Send + 'static,
    {
        let buffer = checked(config, format, self.inputs, self.rate)?;
        let callback: CaptureCallback = Box::new(data_callback);
        let (stream, plugged) = self.plug(config, buffer, callback, Box::new(error_callback));
        lock(&self.board).capture = Some(plugged);
        Ok(stream)
    }

    fn build_output_stream_raw<D, E>(
        &self,
        config: StreamConfig,
        format: SampleFormat,
        data_callback: D,
        error_callback: E,
        _timeout: Option<Duration>,
    ) -> Result<LoopStream, Error>
    where
        D: FnMut(&mut Data, &OutputCallbackInfo) + Send + 'static,
        E: FnMut(Error) + Send + 'static,
    {
        let buffer = checked(config, format, self.outputs, self.rate)?;
        let callback: PlaybackCallback = Box::new(data_callback);
        let (stream, plugged) = self.plug(config, buffer, callback, Box::new(error_callback));
        lock(&self.board).playback = Some(plugged);
        Ok(stream)
    }
}

/// A stream of the interface; unplugged when it is dropped.
pub struct LoopStream {
    board: Arc<Mutex<Board>>,
    number: u64,
    buffer: u32,
}

cpal::assert_stream_send!(LoopStream);
cpal::assert_stream_sync!(LoopStream);

impl LoopStream {
    fn set_playing(&self, is_playing: bool) {
        let mut board = lock(&self.board);
        if let Some(stream) = board.playback.as_mut().filter(|stream| stream.number == self.number) {
            stream.is_playing = is_playing;
        }
        if let Some(stream) = board.capture.as_mut().filter(|stream| stream.number == self.number) {
            stream.is_playing = is_playing;
        }
    }
}

impl StreamTrait for LoopStream {
    fn play(&self) -> Result<(), Error> {
        self.set_playing(true);
        Ok(())
    }

    fn pause(&self) -> Result<(), Error> {
        self.set_playing(false);
        Ok(())
    }

    fn now(&self) -> StreamInstant {
        instant(lock(&self.board).now)
    }

    fn buffer_size(&self) -> Result<FrameCount, Error> {
        Ok(self.buffer)
    }
}

impl Drop for LoopStream {
    fn drop(&mut self) {
        let mut board = lock(&self.board);
        let playback = board.playback.take_if(|stream| stream.number == self.number);
        let capture = board.capture.take_if(|stream| stream.number == self.number);
        drop(board);
        // The callbacks go outside of the lock.
        drop((playback, capture));
    }
}

#[cfg(test)]
mod tests;
