//! The only user of cpal: hosts, interfaces, and the streams of a bench.
//!
//! ALSA, WASAPI and CoreAudio come with the operating system; the features `jack`, `pulseaudio` and `pipewire` add sound
//! servers. A host is asked anew whenever streams are started, so that a server that was restarted is found again.
//!
//! cpal has no duplex stream: playback and capture are two streams with two callbacks, and what lies between them is
//! measured by [`super::sync`], never assumed. The callbacks do not allocate, lock, log or panic; they meet the bench
//! in rings and counters ([`stream`]). Buffers are of a fixed size, because the default of some hosts is seconds long.

pub mod listen;
pub mod listing;
pub mod loop_host;
mod multiple;
#[cfg(feature = "jack")]
mod patch;
pub mod stream;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, Device, DeviceId, ErrorKind, SampleFormat, StreamConfig, SupportedStreamConfigRange};

pub use self::listing::interfaces;
use self::loop_host::LoopHost;
use self::stream::{CaptureSide, Counters, Fill, Lines, PlaybackSide};
use super::spec::{LOOP, StreamsSpec};
use crate::bench::BenchError;

/// How long an interface may take to open a stream.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the bench sleeps while real interfaces deliver: half a block.
const SLEEP: Duration = Duration::from_millis(5);
/// Sample formats, the best first. Others (unsigned, 8 bits, 1 bit) are not what a bench measures with.
const FORMATS: [SampleFormat; 5] =
    [SampleFormat::F32, SampleFormat::I32, SampleFormat::I24, SampleFormat::F64, SampleFormat::I16];

/// The hosts that a feature adds, with its name.
const BY_FEATURE: [&str; 3] = ["jack", "pulseaudio", "pipewire"];
/// The host whose ports are connected by cords.
pub(super) const JACK: &str = "jack";

/// How a bench waits for sound.
pub trait Pace: Send + Sync {
    /// Waits a little; afterwards there may be more to read. Returns within 50 ms.
    fn wait(&self);
}

/// Interfaces that run on a clock of their own.
struct Sleeping;

impl Pace for Sleeping {
    fn wait(&self) {
        std::thread::sleep(SLEEP);
    }
}

/// A host of the operating system, or one inside the program.
enum Source {
    Named(cpal::HostId),
    Own(cpal::Host),
}

/// The audio hosts of a bench, and how to wait for their interfaces.
pub struct AudioSystem {
    hosts: Vec<(String, Source)>,
    paces: Vec<Arc<dyn Pace>>,
}

impl AudioSystem {
    /// The host of this name: one of the operating system's, a sound server's, or [`LOOP`].
    ///
    /// # Errors
    /// There is no such host, or its server does not run.
    pub fn open(word: &str) -> Result<Self, BenchError> {
        let mut system = Self { hosts: Vec::new(), paces: Vec::new() };
        system.add(word)?;
        Ok(system)
    }

    /// One more host, for the interfaces beside the main one; one that is there already is not added again.
    ///
    /// # Errors
    /// As [`AudioSystem::open`].
    pub fn add(&mut self, word: &str) -> Result<(), BenchError> {
        if self.hosts.iter().any(|(known, _)| known == word) {
            return Ok(());
        }
        if word == LOOP {
            let (host, clock) = LoopHost::wire();
            self.put(word, host.into_cpal(), Arc::new(clock));
            return Ok(());
        }
        let id = cpal::HostId::from_str(word).map_err(|_| BenchError::StopRun(unknown(word)))?;
        // Whether it answers is seen now; it is asked again for each start.
        let found = quietly(|| cpal::host_from_id(id).map(drop));
        found.map_err(|error| silent(word, &error.to_string()))?;
        if !self.hosts.iter().any(|(_, source)| matches!(source, Source::Named(_))) {
            self.paces.push(Arc::new(Sleeping));
        }
        self.hosts.push((word.to_owned(), Source::Named(id)));
        Ok(())
    }

    /// A host of the caller's under the name [`LOOP`], with the way to wait for it.
    pub fn custom(host: cpal::Host, pace: Arc<dyn Pace>) -> Self {
        let mut system = Self { hosts: Vec::new(), paces: Vec::new() };
        system.put(LOOP, host, pace);
        system
    }

    /// One more host of the caller's, under a name of its own.
    pub fn put(&mut self, word: &str, host: cpal::Host, pace: Arc<dyn Pace>) {
        self.hosts.push((word.to_owned(), Source::Own(host)));
        self.paces.push(pace);
    }

    /// How to wait for sound.
    pub fn pace(&self) -> &dyn Pace {
        self
    }

    /// The interface of an id; `plays` tells the two directions of a name apart, where a host gives both the same.
    fn device(&self, id: &str, plays: bool) -> Result<Device, BenchError> {
        let (word, name) = id.split_once(':').unwrap_or((LOOP, id));
        let missing = || {
            BenchError::AskOperator(format!(
                "there is no audio interface '{id}': connect it, or take an id from `lombard list interfaces`"
            ))
        };
        let source = self.hosts.iter().find(|(known, _)| known == word).map(|(_, source)| source);
        match source.ok_or_else(missing)? {
            Source::Own(host) => {
                let mut devices = host.devices().map_err(|_| missing())?;
                devices.find(|device| device.id().is_ok_and(|id| id.id() == name)).ok_or_else(missing)
            }
            Source::Named(host_id) => {
                let host = cpal::host_from_id(*host_id).map_err(|error| silent(word, &error.to_string()))?;
                if word == JACK && host.devices().is_ok_and(|mut devices| devices.next().is_none()) {
                    return Err(silent(word, "no client can be made"));
                }
                let wanted = DeviceId::new(*host_id, name);
                let is_it = |device: &Device| {
                    let configs = |device: &Device| {
                        if plays {
                            device.supported_output_configs().map(|mut all| all.next().is_some())
                        } else {
                            device.supported_input_configs().map(|mut all| all.next().is_some())
                        }
                    };
                    device.id().is_ok_and(|id| id == wanted) && configs(device).unwrap_or(false)
                };
                // An id may be no name of the list: ALSA takes any that its configuration knows.
                let listed = host.devices().ok().and_then(|mut devices| devices.find(is_it));
                listed.or_else(|| host.device_by_id(&wanted)).ok_or_else(missing)
            }
        }
    }

    /// Opens the streams, paused, connects what the bench file connects, and starts them: capture first, so that nothing
    /// that is played goes unheard.
    ///
    /// # Errors
    /// An interface is missing, busy, or cannot do what the bench file asks of it.
    pub fn start(&self, spec: &StreamsSpec<'_>, lines: Lines) -> Result<Streams, BenchError> {
        let Lines { playback, capture, counters } = lines;
        quietly(|| {
            #[cfg(feature = "jack")]
            let patch = patch::Patch::before(spec)?;
            let capture = spec.capture.map(|id| self.hear(id, spec, capture, &counters)).transpose()?;
            let playback = spec.playback.map(|id| self.play(id, spec, playback, &counters)).transpose()?;
            #[cfg(feature = "jack")]
            if let Some(patch) = patch {
                patch.connect(spec.cords)?;
            }
            for (stream, id) in [(&capture, spec.capture), (&playback, spec.playback)] {
                if let (Some(stream), Some(id)) = (stream, id) {
                    stream.play().map_err(|error| explain(id, &error))?;
                }
            }
            Ok(Streams { _capture: capture, _playback: playback })
        })
    }

    fn hear(
        &self,
        id: &str,
        spec: &StreamsSpec<'_>,
        side: CaptureSide,
        counters: &Arc<Counters>,
    ) -> Result<cpal::Stream, BenchError> {
        let device = self.device(id, false)?;
        let configs = device.supported_input_configs().map(Iterator::collect);
        let (format, config) = choose(id, configs, side.channels_min(), "records", spec)?;
        let heard = Hearing { side, channels: config.channels.into() };
        heard.build(&device, config, format, Arc::clone(counters)).map_err(|error| explain(id, &error))
    }

    fn play(
        &self,
        id: &str,
        spec: &StreamsSpec<'_>,
        side: PlaybackSide,
        counters: &Arc<Counters>,
    ) -> Result<cpal::Stream, BenchError> {
        let device = self.device(id, true)?;
        let configs = device.supported_output_configs().map(Iterator::collect);
        let (format, config) = choose(id, configs, side.channels_min(), "plays", spec)?;
        let played = Playing { side, channels: config.channels.into() };
        played.build(&device, config, format, Arc::clone(counters)).map_err(|error| explain(id, &error))
    }
}

/// Waits for all of them: every clock inside the program goes on by the same time.
impl Pace for AudioSystem {
    fn wait(&self) {
        for pace in &self.paces {
            pace.wait();
        }
    }
}

fn known() -> String {
    let words = cpal::available_hosts().into_iter().map(|host| host.to_string());
    words.chain([LOOP.to_owned()]).collect::<Vec<_>>().join(", ")
}

fn unknown(word: &str) -> String {
    let remedy = if BY_FEATURE.contains(&word) {
        format!("build it with `cargo build --release --features {word}`")
    } else {
        "correct the id in the bench file".to_owned()
    };
    format!("this program has no audio host '{word}' (known: {}); {remedy}", known())
}

fn silent(word: &str, why: &str) -> BenchError {
    BenchError::AskOperator(format!(
        "the audio host {word} does not answer: {why}; start it, or choose one of {}",
        known()
    ))
}

/// Running streams; they stop when they are dropped.
pub struct Streams {
    _capture: Option<cpal::Stream>,
    _playback: Option<cpal::Stream>,
}

/// The format and the configuration in which an interface can serve the bench.
fn choose(
    id: &str,
    configs: Result<Vec<SupportedStreamConfigRange>, cpal::Error>,
    channels_min: u16,
    does: &str,
    spec: &StreamsSpec<'_>,
) -> Result<(SampleFormat, StreamConfig), BenchError> {
    let rate = spec.rate;
    let configs = configs.map_err(|error| explain(id, &error))?;
    let most = configs.iter().map(SupportedStreamConfigRange::channels).max().unwrap_or(0);
    if most < channels_min {
        return Err(BenchError::StopRun(format!(
            "the interface {id} {does} {most} channels, the bench file uses channel {channels_min}; correct the channels"
        )));
    }
    let at_rate = configs.iter().filter(|one| one.channels() >= channels_min && one.contains_rate(rate));
    let place =
        |one: &&SupportedStreamConfigRange| FORMATS.iter().position(|format| *format == one.sample_format());
    let best = at_rate.filter(|one| place(one).is_some()).min_by_key(|one| (one.channels(), place(one)));
    let best = best.ok_or_else(|| {
        BenchError::StopRun(format!(
            "the interface {id} does not run at {rate} Hz with 16 bits or more; set its clock to {rate} Hz, or rate_hz of the bench \
             file to what it runs at"
        ))
    })?;
    let config = StreamConfig {
        channels: best.channels(),
        sample_rate: rate,
        buffer_size: BufferSize::Fixed(spec.buffer_frames),
    };
    Ok((best.sample_format(), config))
}

/// An error of a host, grouped by what the caller does next.
fn explain(id: &str, error: &cpal::Error) -> BenchError {
    let say = |what: &str, remedy: &str| format!("the audio interface {id} {what}: {error}; {remedy}");
    match error.kind() {
        ErrorKind::DeviceBusy => BenchError::TryAgain(say("is busy", "close what else uses it")),
        ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated | ErrorKind::DeviceChanged => {
            BenchError::AskOperator(say("is gone", "connect it and resume the run"))
        }
        ErrorKind::HostUnavailable => {
            BenchError::AskOperator(say("has no server", "start the sound server and resume the run"))
        }
        ErrorKind::PermissionDenied => {
            BenchError::AskOperator(say("may not be used", "give this user access to audio hardware"))
        }
        ErrorKind::UnsupportedConfig | ErrorKind::UnsupportedOperation | ErrorKind::InvalidInput => {
            BenchError::StopRun(say(
                "cannot do this",
                "correct channels or buffer_frames in the bench file, or its clock",
            ))
        }
        _ => BenchError::StopRun(say("failed", "see the messages of the sound system")),
    }
}

/// The capture callback before it has a sample type.
struct Hearing {
    side: CaptureSide,
    channels: usize,
}

impl Hearing {
    fn build(
        self,
        device: &Device,
        config: StreamConfig,
        format: SampleFormat,
        counters: Arc<Counters>,
    ) -> Result<cpal::Stream, cpal::Error> {
        match format {
            SampleFormat::F32 => self.typed::<f32>(device, config, counters),
            SampleFormat::F64 => self.typed::<f64>(device, config, counters),
            SampleFormat::I32 => self.typed::<i32>(device, config, counters),
            SampleFormat::I24 => self.typed::<cpal::I24>(device, config, counters),
            _ => self.typed::<i16>(device, config, counters),
        }
    }

    fn typed<T>(
        self,
        device: &Device,
        config: StreamConfig,
        counters: Arc<Counters>,
    ) -> Result<cpal::Stream, cpal::Error>
    where
        T: cpal::SizedSample,
        f32: cpal::FromSample<T>,
    {
        let Self { mut side, channels } = self;
        let data = move |data: &cpal::Data, _: &cpal::InputCallbackInfo| {
            if let Some(samples) = data.as_slice::<T>() {
                side.take_in(samples, channels);
            }
        };
        let failed = move |error: cpal::Error| count(&counters, &error);
        device.build_input_stream_raw(config, T::FORMAT, data, failed, Some(OPEN_TIMEOUT))
    }
}

/// The playback callback before it has a sample type.
struct Playing<S> {
    side: S,
    channels: usize,
}

impl<S: Fill> Playing<S> {
    fn build(
        self,
        device: &Device,
        config: StreamConfig,
        format: SampleFormat,
        counters: Arc<Counters>,
    ) -> Result<cpal::Stream, cpal::Error> {
        match format {
            SampleFormat::F32 => self.typed::<f32>(device, config, counters),
            SampleFormat::F64 => self.typed::<f64>(device, config, counters),
            SampleFormat::I32 => self.typed::<i32>(device, config, counters),
            SampleFormat::I24 => self.typed::<cpal::I24>(device, config, counters),
            _ => self.typed::<i16>(device, config, counters),
        }
    }

    fn typed<T>(
        self,
        device: &Device,
        config: StreamConfig,
        counters: Arc<Counters>,
    ) -> Result<cpal::Stream, cpal::Error>
    where
        T: cpal::SizedSample + cpal::FromSample<f32>,
    {
        let Self { mut side, channels } = self;
        let data = move |data: &mut cpal::Data, _: &cpal::OutputCallbackInfo| {
            if let Some(samples) = data.as_slice_mut::<T>() {
                side.fill(samples, channels);
            }
        };
        let failed = move |error: cpal::Error| count(&counters, &error);
        device.build_output_stream_raw(config, T::FORMAT, data, failed, Some(OPEN_TIMEOUT))
    }
}

/// Counts an error of a running stream. A dead sound server calls this thousands of times a second, so it does nothing
/// else; from the hundredth error on it slows that thread down, which has nothing to deliver any more.
fn count(counters: &Counters, error: &cpal::Error) {
    let errors = match error.kind() {
        ErrorKind::Xrun => return counters.xrun(),
        ErrorKind::RealtimeDenied => return,
        ErrorKind::BackendError | ErrorKind::Other => counters.fail(stream::Fault::Backend),
        _ => counters.fail(stream::Fault::Gone),
    };
    if errors > 100 {
        std::thread::sleep(SLEEP);
    }
}

/// Does some work with a sound system that complains to nobody.
fn quietly<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            silence();
            work()
        });
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Keeps libasound from writing on standard error, for this thread.
fn silence() {
    #[cfg(target_os = "linux")]
    // Where that is refused the complaints are seen, and nothing else is lost.
    drop(alsa::Output::local_error_handler());
}

#[cfg(test)]
mod tests;
