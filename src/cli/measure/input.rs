//! The files of `lombard measure`, and the levels that their full scale stands for.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::meters::MeterError;
use crate::meters::delay::DelayRequest;
use crate::run::RunError;
use crate::units::{Quantity, Seconds, Unit};
use crate::wav::Wav;

/// One recording.
#[derive(Debug, Args)]
pub(super) struct Single {
    /// WAV file, of any rate and sample format
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Channel to measure, counted from 1; needed where the file has more than one
    #[arg(long, value_name = "N")]
    channel: Option<usize>,

    /// Physical level of 0 dBov, as "18.3 dBPa": adds levels in that unit
    #[arg(long, value_name = "LEVEL", allow_hyphen_values = true, value_parser = zero)]
    zero_dbov: Option<Quantity>,
}

/// Two recordings of one rate that begin at one instant: what went in, and what came out.
#[derive(Debug, Args)]
pub(super) struct Pair {
    /// WAV file with what was played
    #[arg(value_name = "REF")]
    reference: PathBuf,

    /// WAV file with what was recorded, from the same instant on
    #[arg(value_name = "CAPTURED")]
    captured: PathBuf,

    #[command(flatten)]
    channels: PairChannels,

    #[command(flatten)]
    zeros: Zeros,
}

/// The channels of a pair.
#[derive(Debug, Args)]
pub(super) struct PairChannels {
    /// Channel of both files, counted from 1; needed where a file has more than one
    #[arg(long, value_name = "N")]
    pub(super) channel: Option<usize>,

    /// Channel of REF, where it differs
    #[arg(long, value_name = "N")]
    pub(super) reference_channel: Option<usize>,

    /// Channel of the other file, where it differs
    #[arg(long, value_name = "N")]
    pub(super) captured_channel: Option<usize>,
}

/// What full scale stands for in a pair.
#[derive(Debug, Args)]
pub(super) struct Zeros {
    /// Physical level of 0 dBov in REF, as "0 dBPa"
    #[arg(long, value_name = "LEVEL", allow_hyphen_values = true, value_parser = zero)]
    pub(super) reference_zero_dbov: Option<Quantity>,

    /// Physical level of 0 dBov in the other file, as "6.15 dBm0"
    #[arg(long, value_name = "LEVEL", allow_hyphen_values = true, value_parser = zero)]
    pub(super) captured_zero_dbov: Option<Quantity>,
}

/// A mono signal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Signal {
    /// Frames per second.
    pub(super) rate: u32,
    /// Samples in ±1.
    pub(super) samples: Vec<f64>,
}

impl Zeros {
    /// What is added to a gain between the files in dB, and the unit that it then has.
    pub(super) fn difference(&self) -> (f64, String) {
        match (self.reference_zero_dbov, self.captured_zero_dbov) {
            (None, None) => (0.0, Unit::Db.symbol().to_owned()),
            (reference, captured) => {
                let level = |zero: Option<Quantity>| zero.map_or(0.0, |zero| zero.value);
                let of = |zero: Option<Quantity>| zero.map_or(Unit::DbOv, |zero| zero.unit).symbol();
                let unit = if of(reference) == of(captured) {
                    Unit::Db.symbol().to_owned()
                } else {
                    format!("{} re {}", of(captured), of(reference))
                };
                (level(captured) - level(reference), unit)
            }
        }
    }

    /// What is added to a gain between two files of one plane.
    ///
    /// # Errors
    /// The planes differ, or only one of them is known.
    pub(super) fn same_plane(&self) -> Result<f64, RunError> {
        match (self.reference_zero_dbov, self.captured_zero_dbov) {
            (None, None) => Ok(0.0),
            (Some(reference), Some(captured)) if reference.unit == captured.unit => {
                Ok(captured.value - reference.value)
            }
            (reference, captured) => {
                let of = |zero: Option<Quantity>| zero.map_or("none".to_owned(), |zero| zero.to_string());
                Err(RunError::Usage(format!(
                    "a loss is between two levels of one unit; --reference-zero-dbov is {}, --captured-zero-dbov is {}: \
                     give both in one unit, or neither",
                    of(reference),
                    of(captured)
                )))
            }
        }
    }
}

/// Where a recording is searched for its reference, unless the caller says otherwise.
pub(super) fn search() -> DelayRequest {
    DelayRequest { min: Seconds(-0.5), max: Seconds(2.0) }
}

/// Reads the physical level of full scale.
pub(super) fn zero(text: &str) -> Result<Quantity, String> {
    let written: Quantity =
        text.parse().map_err(|error| format!("{error}; write the level of 0 dBov as \"18.3 dBPa\""))?;
    match written.unit {
        Unit::DbPa | Unit::DbV | Unit::Dbm0 | Unit::DbOv => Ok(written),
        Unit::One => {
            Err(format!("{text} has no unit: write it in dBPa, dBV, dBm0 or dBov, as \"18.3 dBPa\""))
        }
        other => Err(format!("{other} is no level of a signal: write it in dBPa, dBV, dBm0 or dBov")),
    }
}

impl Single {
    /// The samples.
    ///
    /// # Errors
    /// The file is not usable.
    pub(super) fn read(&self) -> Result<Signal, RunError> {
        signal(&self.file, self.channel, "--channel")
    }

    /// What 0 dBov stands for.
    pub(super) fn zero(&self) -> Option<Quantity> {
        self.zero_dbov
    }

    /// What a meter says, with the file.
    pub(super) fn refused(&self, error: &MeterError) -> RunError {
        RunError::Usage(format!("{}: {error}", self.file.display()))
    }
}

impl Pair {
    /// Reference and recording.
    ///
    /// # Errors
    /// A file is not usable, or the rates differ.
    pub(super) fn read(&self) -> Result<(Signal, Signal), RunError> {
        pair(&self.reference, &self.captured, &self.channels)
    }

    /// What full scale stands for.
    pub(super) fn zeros(&self) -> &Zeros {
        &self.zeros
    }

    /// What a meter says, with the files.
    pub(super) fn refused(&self, error: &MeterError) -> RunError {
        RunError::Usage(format!("{} and {}: {error}", self.reference.display(), self.captured.display()))
    }

    /// The file that was recorded.
    pub(super) fn captured(&self) -> &Path {
        &self.captured
    }

    /// The channel of the file that was recorded, where one was chosen.
    pub(super) fn captured_channel(&self) -> Option<usize> {
        self.channels.captured_channel.or(self.channels.channel)
    }
}

/// The wanted channels of a file, counted from 1, and its rate.
///
/// # Errors
/// The file is not usable.
pub(super) fn read(path: &Path, channels: &[usize]) -> Result<(u32, Vec<Vec<f64>>), RunError> {
    let refused = |error: crate::wav::WavError| RunError::Usage(format!("{}: {error}", path.display()));
    let wav = open(path)?;
    let rate = wav.rate();
    Ok((rate, wav.read(channels).map_err(refused)?))
}

fn open(path: &Path) -> Result<Wav<BufReader<File>>, RunError> {
    let refused = |error: crate::wav::WavError| RunError::Usage(format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(|cause| refused(cause.into()))?;
    Wav::open(BufReader::with_capacity(1 << 16, file)).map_err(refused)
}

/// One channel of a file: the one asked for by `option`, or the only one.
///
/// # Errors
/// The file is not usable, or has several channels and none was chosen.
pub(super) fn signal(path: &Path, channel: Option<usize>, option: &str) -> Result<Signal, RunError> {
    let channel = match channel {
        Some(channel) => channel,
        None => match open(path)?.channels() {
            1 => 1,
            count => {
                return Err(RunError::Usage(format!(
                    "{} has {count} channels, which are never mixed: choose one by {option} N, from 1 to {count}",
                    path.display()
                )));
            }
        },
    };
    let (rate, mut channels) = read(path, &[channel])?;
    Ok(Signal { rate, samples: channels.remove(0) })
}

/// Reference and recording of one rate.
///
/// # Errors
/// A file is not usable, or the rates differ.
pub(super) fn pair(
    reference: &Path,
    captured: &Path,
    channels: &PairChannels,
) -> Result<(Signal, Signal), RunError> {
    let of = |own: Option<usize>| own.or(channels.channel);
    let first = signal(reference, of(channels.reference_channel), "--channel or --reference-channel")?;
    let second = signal(captured, of(channels.captured_channel), "--channel or --captured-channel")?;
    same_rate(&[(reference, first.rate), (captured, second.rate)])?;
    Ok((first, second))
}

/// Refuses files of different rates: nothing is resampled in silence.
///
/// # Errors
/// The rates differ.
pub(super) fn same_rate(files: &[(&Path, u32)]) -> Result<(), RunError> {
    let Some((first, rate)) = files.first() else { return Ok(()) };
    match files.iter().find(|(_, other)| other != rate) {
        None => Ok(()),
        Some((path, other)) => Err(RunError::Usage(format!(
            "{} has {rate} frames per second and {} has {other}: nothing is resampled here, convert one of them",
            first.display(),
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_scale_stands_for_a_level_of_a_signal() {
        assert_eq!(zero("18.3 dBPa").unwrap(), Quantity::new(18.3, Unit::DbPa));
        assert!(zero("3 dB").unwrap_err().contains("no level of a signal"));
        assert!(zero("loud").unwrap_err().contains("\"18.3 dBPa\""));
    }
}
