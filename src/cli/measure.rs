//! `lombard measure`: the meters on WAV files. One file per method.

use clap::Subcommand;

use crate::run::RunError;

mod active_level;
mod input;
mod level;
mod reading;

/// Measure WAV files with the meters of the methods
///
/// Levels are in dBov: 0 dBov is a mean square of 1.0, a full-scale sine has −3.01 dBov. WAV files of any rate and
/// sample format; nothing is resampled, mixed or normalized.
#[derive(Debug, Subcommand)]
pub(super) enum Measure {
    ActiveLevel(active_level::ActiveLevel),
    Level(level::Level),
}

impl Measure {
    pub(super) fn run(self) -> Result<u8, RunError> {
        match self {
            Self::ActiveLevel(one) => one.run()?,
            Self::Level(one) => one.run()?,
        }
        Ok(0)
    }
}
