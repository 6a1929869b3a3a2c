//! What audio interfaces there are, and what each says that it can.

use std::sync::mpsc::channel;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, DeviceDirection, SupportedBufferSize, SupportedStreamConfigRange};

use super::loop_host::LoopHost;
use super::{FORMATS, silence};
use crate::bench::BenchError;
use crate::bench::live::spec::LOOP;
use crate::bench::live::{Interface, Way};

/// How long all interfaces may take to say what they are.
const LIST_TIMEOUT: Duration = Duration::from_secs(20);
/// The rates that are asked for, in Hz.
const RATES: [u32; 8] = [16_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000];

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
    devices.filter_map(|device| interface(word, &device)).collect()
}

fn interface(word: &str, device: &Device) -> Option<Interface> {
    let id = device.id().ok()?;
    // JACK lists the configurations of either direction for both of its interfaces.
    let direction = device.description().map_or(DeviceDirection::Unknown, |text| text.direction());
    let goes = |other| direction != other;
    let capture = Some(()).filter(|()| goes(DeviceDirection::Output));
    let capture = capture.and_then(|()| way(device.supported_input_configs().map(Iterator::collect)));
    let playback = Some(()).filter(|()| goes(DeviceDirection::Input));
    let playback = playback.and_then(|()| way(device.supported_output_configs().map(Iterator::collect)));
    let config = device.default_output_config().or_else(|_| device.default_input_config());
    (capture.is_some() || playback.is_some()).then(|| Interface {
        id: format!("{word}:{}", id.id()),
        name: device.description().map_or_else(|_| id.id().to_owned(), |text| text.name().to_owned()),
        host: word.to_owned(),
        capture,
        playback,
        default_rate: config.map_or(0, |config| config.sample_rate()),
    })
}

/// What an interface can in one direction; `None` where it cannot.
pub(super) fn way(configs: Result<Vec<SupportedStreamConfigRange>, cpal::Error>) -> Option<Way> {
    let configs = configs.unwrap_or_default();
    let channels = configs.iter().map(SupportedStreamConfigRange::channels).max().filter(|most| *most > 0)?;
    let can = |rate: &u32| configs.iter().any(|one| one.contains_rate(*rate));
    let formats = FORMATS.iter().filter(|format| configs.iter().any(|one| one.sample_format() == **format));
    let buffers = configs.iter().filter_map(|one| match one.buffer_size() {
        SupportedBufferSize::Range { min, max } => Some((*min, *max)),
        SupportedBufferSize::Unknown => None,
    });
    let buffer_frames = buffers.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    Some(Way {
        channels,
        rates_hz: RATES.into_iter().filter(can).collect(),
        formats: formats.map(ToString::to_string).collect(),
        buffer_frames,
    })
}
