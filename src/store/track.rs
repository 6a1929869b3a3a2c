//! One mono track on disk: 32-bit float WAV at 48 kHz, hashed over its samples while it is written.

use std::fmt::Write as _;
use std::io::{BufWriter, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use sha2::{Digest, Sha256};

use super::storage::{Storage, StorageError, StoredFile};
use crate::capture::{Capture, CaptureError, TrackReader};
use crate::take::{Frame, RATE};

/// The largest number of frames in one file: a WAV header counts bytes in 32 bits, and the
/// library that writes it wraps around in silence beyond them.
pub const FRAMES_MAX: Frame = (u32::MAX as Frame - 1_024) / 4;

const SPEC: WavSpec =
    WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 32, sample_format: SampleFormat::Float };

/// A track could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TrackError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The WAV layer failed, mostly because the storage below it did.
    #[error("cannot write {}: {cause}", path.display())]
    Wav {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: hound::Error,
    },
    /// The recording would not fit into one WAV file.
    #[error("{} would be longer than a WAV file can be ({FRAMES_MAX} frames): use shorter takes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

/// Lets a writer be synced after the WAV layer has given up its hold on it.
struct Shared(Arc<std::sync::Mutex<Box<dyn StoredFile>>>);

impl Shared {
    fn with<T>(
        &self,
        then: impl FnOnce(&mut Box<dyn StoredFile>) -> std::io::Result<T>,
    ) -> std::io::Result<T> {
        let mut file = self.0.lock().map_err(|_| std::io::Error::other("a writer of this file panicked"))?;
        then(&mut file)
    }
}

impl Write for Shared {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.with(|file| file.write(buffer))
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.with(std::io::Write::flush)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.with(|file| file.seek(to))
    }
}

/// Writes one track.
pub struct TrackWriter {
    path: PathBuf,
    file: Arc<std::sync::Mutex<Box<dyn StoredFile>>>,
    wav: WavWriter<BufWriter<Shared>>,
    hash: Sha256,
    frames: Frame,
}

/// A finished track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The number of frames.
    pub frames: Frame,
    /// SHA-256 over the samples as 32-bit little-endian floats, hexadecimal.
    pub sha256: String,
}

impl TrackWriter {
    /// Creates the file.
    pub fn create(storage: &dyn Storage, path: &Path) -> Result<Self, TrackError> {
        let file = Arc::new(std::sync::Mutex::new(storage.create(path)?));
        let writer = BufWriter::with_capacity(1 << 16, Shared(Arc::clone(&file)));
        let wav =
            WavWriter::new(writer, SPEC).map_err(|cause| TrackError::Wav { path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), file, wav, hash: Sha256::new(), frames: 0 })
    }

    /// Appends samples.
    pub fn write(&mut self, samples: &[f32]) -> Result<(), TrackError> {
        if self.frames + samples.len() as Frame > FRAMES_MAX {
            return Err(TrackError::TooLong { path: self.path.clone() });
        }
        for sample in samples {
            self.wav
                .write_sample(*sample)
                .map_err(|cause| TrackError::Wav { path: self.path.clone(), cause })?;
        }
        self.hash.update(bytes_of(samples));
        self.frames += samples.len() as Frame;
        Ok(())
    }

    /// Completes the file and returns when it is on the disk.
    pub fn finish(self) -> Result<Written, TrackError> {
        self.wav.finalize().map_err(|cause| TrackError::Wav { path: self.path.clone(), cause })?;
        Shared(self.file).with(|file| file.sync()).map_err(|cause| StorageError {
            action: "cannot write",
            path: self.path.clone(),
            cause,
        })?;
        Ok(Written { frames: self.frames, sha256: hex(&self.hash.finalize()) })
    }
}

/// The samples as 32-bit little-endian floats: what is hashed.
pub fn bytes_of(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// Writes a whole track as WAV.
pub fn encode<W: Write + Seek>(samples: &[f32], into: W) -> Result<(), hound::Error> {
    encode_at(samples, RATE, into)
}

/// Writes mono 32-bit float samples as WAV of `rate` frames per second: for use outside of runs.
pub fn encode_at<W: Write + Seek>(samples: &[f32], rate: u32, into: W) -> Result<(), hound::Error> {
    let mut wav = WavWriter::new(into, WavSpec { sample_rate: rate, ..SPEC })?;
    for sample in samples {
        wav.write_sample(*sample)?;
    }
    wav.finalize()
}

/// Writes 32-bit float samples of several channels as WAV: for use outside of runs. Channels end with the shortest.
pub fn encode_channels<W: Write + Seek>(
    channels: &[Vec<f32>],
    rate: u32,
    into: W,
) -> Result<(), hound::Error> {
    let spec = WavSpec { sample_rate: rate, channels: channels.len() as u16, ..SPEC };
    let mut wav = WavWriter::new(into, spec)?;
    for frame in 0..channels.iter().map(Vec::len).min().unwrap_or(0) {
        for channel in channels {
            wav.write_sample(channel[frame])?;
        }
    }
    wav.finalize()
}

/// SHA-256 of a track, as [`Written::sha256`].
pub fn hash_of(samples: &[f32]) -> String {
    hex(&Sha256::digest(bytes_of(samples)))
}

/// Hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads a track when it is asked for.
struct StoredTrack {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    frames: Frame,
}

/// A lazy handle on a stored track.
pub fn capture(storage: Arc<dyn Storage>, path: PathBuf, frames: Frame) -> Capture {
    Capture::new(frames, Arc::new(StoredTrack { storage, path, frames }))
}

impl TrackReader for StoredTrack {
    fn read(&self) -> Result<Vec<f32>, CaptureError> {
        let error = |cause: String| CaptureError { track: self.path.display().to_string(), cause };
        let bytes = self.storage.read(&self.path).map_err(|cause| error(cause.to_string()))?;
        let samples = decode(&bytes).map_err(error)?;
        if samples.len() as Frame == self.frames {
            Ok(samples)
        } else {
            Err(error(format!("it holds {} frames, the journal names {}", samples.len(), self.frames)))
        }
    }
}

/// The samples of a mono 32-bit float WAV at 48 kHz. A header whose length was never written
/// (a process that died) is read by the length of the file.
pub fn decode(bytes: &[u8]) -> Result<Vec<f32>, String> {
    let reader = WavReader::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    if spec != SPEC {
        return Err(format!(
            "it is {} channel(s), {} Hz, {} bit; a track is mono, {RATE} Hz, 32-bit float",
            spec.channels, spec.sample_rate, spec.bits_per_sample
        ));
    }
    let declared = reader.duration() as usize;
    let mut body = reader.into_inner();
    let mut data = Vec::new();
    body.read_to_end(&mut data).map_err(|error| error.to_string())?;
    let (words, _) = data.as_chunks::<4>();
    let frames = if declared == 0 { words.len() } else { declared };
    if frames > words.len() {
        return Err(format!("it ends after {} of {declared} frames", words.len()));
    }
    Ok(words[..frames].iter().map(|word| f32::from_le_bytes(*word)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::storage::{Disk, FailingDisk};

    #[test]
    fn tracks_come_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let samples: Vec<f32> = (0..10_000).map(|i| (i as f32 * 0.37).sin() * 2.0).collect();
        let mut writer = TrackWriter::create(&Disk, &path).unwrap();
        writer.write(&samples[..777]).unwrap();
        writer.write(&samples[777..]).unwrap();
        let written = writer.finish().unwrap();
        assert_eq!(written.sha256, hash_of(&samples));
        let track = capture(Arc::new(Disk), path.clone(), written.frames);
        assert_eq!(track.samples().unwrap(), samples);
        let wrong = capture(Arc::new(Disk), path, written.frames + 1);
        assert!(wrong.samples().unwrap_err().cause.contains("the journal names"));
    }

    #[test]
    fn a_header_without_length_is_recovered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let mut writer = TrackWriter::create(&Disk, &path).unwrap();
        writer.write(&[0.25; 100]).unwrap();
        writer.finish().unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let data = bytes.windows(4).position(|four| four == b"data").unwrap();
        bytes[data + 4..data + 8].fill(0);
        assert_eq!(decode(&bytes).unwrap(), vec![0.25; 100]);
        bytes.truncate(bytes.len() - 200);
        bytes[data + 4..data + 8].copy_from_slice(&400u32.to_le_bytes());
        assert!(decode(&bytes).is_err());
        assert!(decode(b"not a wav").is_err());
    }

    #[test]
    fn a_full_disk_is_an_error_not_a_short_track() {
        let folder = tempfile::tempdir().unwrap();
        for count in 0..4 {
            let disk = FailingDisk::after(count);
            let result = TrackWriter::create(&disk, &folder.path().join("a.wav")).and_then(|mut writer| {
                writer.write(&vec![0.5; 100_000])?;
                writer.finish()
            });
            assert!(result.is_err(), "{count} operations");
        }
    }
}
