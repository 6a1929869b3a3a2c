//! WAV files as they come from elsewhere: any rate, any number of channels, every sample format that `hound` decodes.
//!
//! The chunks are walked here, so that a damaged header is told with the byte at which it stands, and nothing that a
//! header promises is believed before the file has been seen to hold it: memory is bounded by the file. Samples come
//! out in ±1 of full scale, channel by channel, never mixed, resampled or normalized.

use std::io::{Cursor, Read, Seek, SeekFrom};

use hound::{SampleFormat, WavReader};

/// Rates beyond these are damage, not audio.
const RATES_HZ: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;
/// The largest format chunk that any known format has.
const FORMAT_BYTES_MAX: u32 = 1_024;
/// The tag of plain integer samples in a format chunk.
const PCM: [u8; 2] = [1, 0];
/// The tag of a format chunk that names its format further on.
const EXTENSIBLE: [u8; 2] = [0xfe, 0xff];

/// Why a file is no usable recording.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// It cannot be read at all.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is something else, or its structure is damaged.
    #[error("byte {at}: {found}; expected {expected}. Is it a WAV file, and complete?")]
    Structure {
        /// Offset in the file.
        at: u64,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// The header is older than the data, or the data were cut off.
    #[error(
        "the header promises {promised} bytes of samples and the file holds {held}: it was cut off, or never closed; \
         copy or record it again"
    )]
    Truncated {
        /// What the header says.
        promised: u64,
        /// What the file has.
        held: u64,
    },
    /// A sample format that cannot be decoded.
    #[error(
        "its sample format is not supported ({reason}): write integers of 8, 16, 24 or 32 bits, or 32-bit floats"
    )]
    Format {
        /// What the decoder says.
        reason: String,
    },
    /// A rate that no converter has.
    #[error("its header says {rate} frames per second; usable are {min} to {max}", min = RATES_HZ.start(), max = RATES_HZ.end())]
    Rate {
        /// As the header says.
        rate: u32,
    },
    /// Nothing in it.
    #[error("it holds no samples")]
    Empty,
    /// A channel that it has not.
    #[error("there is no channel {channel}: it has {count}, counted from 1")]
    NoChannel {
        /// As asked for, from 1.
        channel: usize,
        /// How many there are.
        count: usize,
    },
    /// NaN or an infinity.
    #[error(
        "channel {channel}, frame {frame} is {value}, which is no sample: the recording is damaged, make it again"
    )]
    NotFinite {
        /// From 1.
        channel: usize,
        /// From 0.
        frame: usize,
        /// What stands there.
        value: f64,
    },
}

/// A WAV file whose header has been read.
pub struct Wav<R: Read> {
    decoder: WavReader<std::io::Chain<Cursor<Vec<u8>>, std::io::Take<R>>>,
}

impl<R: Read + Seek> Wav<R> {
    /// Walks the chunks of a file up to its samples.
    ///
    /// # Errors
    /// The file is no WAV file, is cut off, holds nothing, or holds what cannot be decoded.
    pub fn open(mut file: R) -> Result<Self, WavError> {
        let total = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        let riff = bytes::<12, R>(&mut file, 0, total, "the 12 bytes of a RIFF header")?;
        if &riff[..4] != b"RIFF" || &riff[8..] != b"WAVE" {
            return Err(structure(0, printable(&riff), "RIFF, a length and WAVE"));
        }
        let mut format = None;
        let (at, promised) = loop {
            let at = file.stream_position()?;
            let head = bytes::<8, R>(&mut file, at, total, "a chunk `data` with the samples")?;
            let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            match &head[..4] {
                b"data" => break (at + 8, u64::from(length)),
                b"fmt " => format = Some(read_format(&mut file, at, length, total)?),
                // Chunks begin at even bytes.
                _ => drop(file.seek(SeekFrom::Start(at + 8 + u64::from(length) + u64::from(length % 2)))?),
            }
        };
        let Some(format) = format else {
            return Err(structure(at - 8, "samples".to_owned(), "a chunk `fmt ` before them"));
        };
        let held = total.saturating_sub(at);
        if promised > held {
            return Err(WavError::Truncated { promised, held });
        }
        let block = u64::from(u16::from_le_bytes([format[12], format[13]]));
        if promised == 0 {
            return Err(WavError::Empty);
        }
        if block == 0 || !promised.is_multiple_of(block) {
            let found = format!("{promised} bytes of samples in frames of {block}");
            return Err(structure(at, found, "a whole number of frames"));
        }
        let mut head = riff.to_vec();
        head.extend(b"fmt ");
        head.extend((format.len() as u32).to_le_bytes());
        head.extend(&format);
        head.extend(b"data");
        head.extend((promised as u32).to_le_bytes());
        file.seek(SeekFrom::Start(at))?;
        let decoder = WavReader::new(Cursor::new(head).chain(file.take(promised)))
            .map_err(|error| WavError::Format { reason: error.to_string() })?;
        let rate = decoder.spec().sample_rate;
        if !RATES_HZ.contains(&rate) {
            return Err(WavError::Rate { rate });
        }
        Ok(Self { decoder })
    }

    /// Frames per second.
    pub fn rate(&self) -> u32 {
        self.decoder.spec().sample_rate
    }

    /// The number of channels, at least 1.
    pub fn channels(&self) -> usize {
        usize::from(self.decoder.spec().channels)
    }

    /// The number of frames, at least 1.
    pub fn frames(&self) -> usize {
        self.decoder.duration() as usize
    }

    /// The samples of the wanted channels, counted from 1, in the order asked for; in ±1 of full scale.
    ///
    /// # Errors
    /// A channel that is not there, a sample that is NaN or infinite, a failure of the disk.
    pub fn read(mut self, wanted: &[usize]) -> Result<Vec<Vec<f64>>, WavError> {
        let (count, frames) = (self.channels(), self.frames());
        if let Some(&channel) = wanted.iter().find(|channel| !(1..=count).contains(*channel)) {
            return Err(WavError::NoChannel { channel, count });
        }
        let spec = self.decoder.spec();
        let mut out: Vec<Vec<f64>> = wanted.iter().map(|_| Vec::with_capacity(frames)).collect();
        let mut place = |index: usize, sample: f64| {
            let channel = index % count + 1;
            for (at, _) in wanted.iter().enumerate().filter(|(_, one)| **one == channel) {
                out[at].push(sample);
            }
        };
        match spec.sample_format {
            SampleFormat::Int => {
                let scale = libm::pow(2.0, 1.0 - f64::from(spec.bits_per_sample));
                for (index, sample) in self.decoder.samples::<i32>().enumerate() {
                    place(index, f64::from(sample.map_err(undecodable)?) * scale);
                }
            }
            SampleFormat::Float => {
                for (index, sample) in self.decoder.samples::<f32>().enumerate() {
                    place(index, f64::from(sample.map_err(undecodable)?));
                }
            }
        }
        for (samples, &channel) in out.iter().zip(wanted) {
            if let Some(frame) = samples.iter().position(|sample| !sample.is_finite()) {
                return Err(WavError::NotFinite { channel, frame, value: samples[frame] });
            }
        }
        Ok(out)
    }
}

fn undecodable(error: hound::Error) -> WavError {
    match error {
        hound::Error::IoError(cause) => WavError::Io(cause),
        other => WavError::Format { reason: other.to_string() },
    }
}

fn structure(at: u64, found: String, expected: &'static str) -> WavError {
    WavError::Structure { at, found, expected }
}

fn printable(bytes: &[u8]) -> String {
    format!("`{}`", bytes.escape_ascii())
}

/// The next `N` bytes, or where the file ends too early.
fn bytes<const N: usize, R: Read>(
    file: &mut R,
    at: u64,
    total: u64,
    expected: &'static str,
) -> Result<[u8; N], WavError> {
    if at.saturating_add(N as u64) > total {
        return Err(structure(total, "the end of the file".to_owned(), expected));
    }
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The format chunk, as the decoder takes it; the file stands at the next chunk afterwards.
fn read_format<R: Read + Seek>(file: &mut R, at: u64, length: u32, total: u64) -> Result<Vec<u8>, WavError> {
    let found = || format!("a chunk `fmt ` of {length} bytes");
    if !(16..=FORMAT_BYTES_MAX).contains(&length) {
        return Err(structure(at, found(), "16 to 1024 bytes"));
    }
    if at + 8 + u64::from(length) > total {
        return Err(structure(at, found(), "a file that holds it"));
    }
    let mut format = vec![0; length as usize];
    file.read_exact(&mut format)?;
    file.seek(SeekFrom::Current(i64::from(length % 2)))?;
    let extensible = format[..2] == EXTENSIBLE && format.len() >= 26;
    if format[..2] == PCM {
        // What follows says nothing about plain integers, and the decoder is strict about its length.
        format.truncate(16);
    }
    if format[..2] == PCM || (extensible && format[24..26] == PCM) {
        // A sample stands at the upper end of its container, whatever part of it is valid; the decoder would look for 24
        // bits of 32 at the lower end.
        let word = |at: usize| u16::from_le_bytes([format[at], format[at + 1]]);
        let container_bits = word(12).checked_div(word(2)).and_then(|bytes| bytes.checked_mul(8));
        let valid_bits = if extensible { word(14).min(word(18)) } else { word(14) };
        if let Some(bits) = container_bits.filter(|bits| valid_bits < *bits && *bits <= 32) {
            format[14..16].copy_from_slice(&bits.to_le_bytes());
            if extensible {
                format[18..20].copy_from_slice(&bits.to_le_bytes());
            }
        }
    }
    Ok(format)
}

#[cfg(test)]
mod tests;
