//! The only user of cpal: hosts, interfaces, and the two streams of a bench.
//!
//! cpal has no duplex stream: playback and capture are two streams with two callbacks, and what lies between them is
//! measured by [`super::sync`], never assumed. The callbacks do not allocate, lock, log or panic; they meet the bench
//! in rings and counters ([`stream`]). Buffers are of a fixed size, because the default of some hosts is seconds long.

pub mod loop_host;
pub mod stream;

use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, Device, DeviceId, ErrorKind, SampleFormat, StreamConfig, SupportedStreamConfigRange};

use self::loop_host::LoopHost;
use self::stream::{CaptureSide, Counters, Lines, PlaybackSide};
use super::Interface;
use super::spec::{AudioSpec, LOOP};
use crate::bench::BenchError;
use crate::take::RATE;

/// How long an interface may take to open a stream.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long all interfaces may take to say what they are.
const LIST_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the bench sleeps while real interfaces deliver: half a block.
const SLEEP: Duration = Duration::from_millis(5);
/// Sample formats, the best first. Others (unsigned, 8 bits, 1 bit) are not what a bench measures with.
const FORMATS: [SampleFormat; 5] =
    [SampleFormat::F32, SampleFormat::I32, SampleFormat::I24, SampleFormat::F64, SampleFormat::I16];

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

/// An audio host, and how to wait for its interfaces.
pub struct AudioSystem {
    host: cpal::Host,
    pace: Arc<dyn Pace>,
}

impl AudioSystem {
    /// The host of this name: one of the operating system's, or [`LOOP`].
    ///
    /// # Errors
    /// There is no such host, or its server does not run.
    pub fn open(word: &str) -> Result<Self, BenchError> {
        if word == LOOP {
            let (host, clock) = LoopHost::wire();
            return Ok(Self::custom(host.into_cpal(), Arc::new(clock)));
        }
        let known = || {
            let words = cpal::available_hosts().into_iter().map(|host| host.to_string());
            words.chain([LOOP.to_owned()]).collect::<Vec<_>>().join(", ")
        };
        let id = cpal::HostId::from_str(word).map_err(|_| {
            BenchError::StopRun(format!(
                "this program has no audio host '{word}' (known: {}); correct the id in the bench file",
                known()
            ))
        })?;
        let host = quietly(|| cpal::host_from_id(id)).map_err(|error| {
            BenchError::AskOperator(format!(
                "the audio host {word} does not answer: {error}; start it, or choose one of {}",
                known()
            ))
        })?;
        Ok(Self { host, pace: Arc::new(Sleeping) })
    }

    /// A host of the caller's, with the way to wait for it.
    pub fn custom(host: cpal::Host, pace: Arc<dyn Pace>) -> Self {
        Self { host, pace }
    }

    /// How to wait for sound.
    pub fn pace(&self) -> &dyn Pace {
        &*self.pace
    }

    /// The interface of an id.
    fn device(&self, id: &str) -> Result<Device, BenchError> {
        let name = id.split_once(':').map_or(id, |(_, name)| name);
        let found = quietly(|| {
            if self.host.id() == cpal::HostId::Custom {
                let mut devices = self.host.devices().ok()?;
                return devices.find(|device| device.id().is_ok_and(|id| id.id() == name));
            }
            self.host.device_by_id(&DeviceId::new(self.host.id(), name))
        });
        found.ok_or_else(|| {
            BenchError::AskOperator(format!(
                "there is no audio interface '{id}': connect it, or take an id from `lombard list interfaces`"
            ))
        })
    }

    /// Opens both streams, paused, and starts them: capture first, so that nothing that is played goes unheard.
    ///
    /// # Errors
    /// An interface is missing, busy, or cannot do what the bench file asks of it.
    pub fn start(&self, spec: &AudioSpec, lines: Lines) -> Result<Streams, BenchError> {
        let (capture, playback) = (self.device(&spec.capture)?, self.device(&spec.playback)?);
        let counters = Arc::clone(&lines.counters);
        quietly(|| {
            let (format, config) = choose(
                &spec.capture,
                capture.supported_input_configs().map(Iterator::collect),
                lines.capture.channels_min(),
                "records",
                spec.buffer_frames,
            )?;
            let heard = Hearing { side: lines.capture, channels: config.channels.into() };
            let error = |error| explain(&spec.capture, &error);
            let capture = heard.build(&capture, config, format, Arc::clone(&counters)).map_err(error)?;
            let (format, config) = choose(
                &spec.playback,
                playback.supported_output_configs().map(Iterator::collect),
                lines.playback.channels_min(),
                "plays",
                spec.buffer_frames,
            )?;
            let played = Playing { side: lines.playback, channels: config.channels.into() };
            let error = |error| explain(&spec.playback, &error);
            let playback = played.build(&playback, config, format, Arc::clone(&counters)).map_err(error)?;
            capture.play().map_err(|error| explain(&spec.capture, &error))?;
            playback.play().map_err(error)?;
            Ok(Streams { _capture: capture, _playback: playback })
        })
    }
}

/// Two running streams; they stop when they are dropped.
pub struct Streams {
    _capture: cpal::Stream,
    _playback: cpal::Stream,
}

/// The format and the configuration in which an interface can serve the bench.
fn choose(
    id: &str,
    configs: Result<Vec<SupportedStreamConfigRange>, cpal::Error>,
    channels_min: u16,
    does: &str,
    buffer_frames: u32,
) -> Result<(SampleFormat, StreamConfig), BenchError> {
    let configs = configs.map_err(|error| explain(id, &error))?;
    let most = configs.iter().map(SupportedStreamConfigRange::channels).max().unwrap_or(0);
    if most < channels_min {
        return Err(BenchError::StopRun(format!(
            "the interface {id} {does} {most} channels, the bench file uses channel {channels_min}; correct the channels"
        )));
    }
    let at_rate = configs.iter().filter(|one| one.channels() >= channels_min && one.contains_rate(RATE));
    let place =
        |one: &&SupportedStreamConfigRange| FORMATS.iter().position(|format| *format == one.sample_format());
    let best = at_rate.filter(|one| place(one).is_some()).min_by_key(|one| (one.channels(), place(one)));
    let best = best.ok_or_else(|| {
        BenchError::StopRun(format!(
            "the interface {id} does not run at {RATE} Hz with 16 bits or more; set its clock to {RATE} Hz"
        ))
    })?;
    let config = StreamConfig {
        channels: best.channels(),
        sample_rate: RATE,
        buffer_size: BufferSize::Fixed(buffer_frames),
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
struct Playing {
    side: PlaybackSide,
    channels: usize,
}

impl Playing {
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
                side.put_out(samples, channels);
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

/// Every audio interface of this machine, and the one inside the program. A host or an interface that does not answer
/// is left out.
///
/// # Errors
/// The sound system hangs.
pub fn interfaces() -> Result<Vec<Interface>, BenchError> {
    let (found, listed) = channel();
    // A thread of its own: libasound may hang, and its complaints are silenced by thread.
    let thread = std::thread::Builder::new().name("interfaces".to_owned()).spawn(move || {
        silence();
        let mut all = Vec::new();
        for id in cpal::available_hosts() {
            if let Ok(host) = cpal::host_from_id(id) {
                all.extend(interfaces_of(&id.to_string(), &host));
            }
        }
        all.extend(interfaces_of(LOOP, &LoopHost::wire().0.into_cpal()));
        // The caller may have given up.
        drop(found.send(all));
    });
    let hangs =
        |why: String| BenchError::AskOperator(format!("the audio interfaces cannot be listed: {why}"));
    thread.map_err(|error| hangs(error.to_string()))?;
    listed.recv_timeout(LIST_TIMEOUT).map_err(|_| {
        hangs(format!("no answer within {} s; restart the sound server", LIST_TIMEOUT.as_secs()))
    })
}

fn interfaces_of(word: &str, host: &cpal::Host) -> Vec<Interface> {
    let Ok(devices) = host.devices() else { return Vec::new() };
    let interface = |device: Device| {
        let id = device.id().ok()?;
        let most = |configs: Result<Vec<SupportedStreamConfigRange>, cpal::Error>| {
            configs.unwrap_or_default().iter().map(SupportedStreamConfigRange::channels).max().unwrap_or(0)
        };
        let inputs = most(device.supported_input_configs().map(Iterator::collect));
        let outputs = most(device.supported_output_configs().map(Iterator::collect));
        let config = device.default_output_config().or_else(|_| device.default_input_config());
        (inputs > 0 || outputs > 0).then(|| Interface {
            id: format!("{word}:{}", id.id()),
            name: device.description().map_or_else(|_| id.id().to_owned(), |text| text.name().to_owned()),
            host: word.to_owned(),
            inputs,
            outputs,
            default_rate: config.map_or(0, |config| config.sample_rate()),
        })
    };
    devices.filter_map(interface).collect()
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
