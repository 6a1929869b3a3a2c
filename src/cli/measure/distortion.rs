//! `lombard measure distortion`: harmonic distortion of a sine.

use std::ops::Range;

use clap::Args;

use super::input::Single;
use super::reading::Reading;
use super::span::span;
use crate::meters::distortion::distortion;
use crate::meters::timeline::frames_of;
use crate::run::RunError;
use crate::units::Hz;

/// Harmonic distortion of a sine: THD, THD + N and each harmonic
///
/// The fundamental is fitted (IEEE 1057), so neither its frequency nor the length of the record needs to fit a raster; at
/// least ten periods. All values are relative to the fundamental.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints thd_percent (harmonics from the second on), thd_n_percent (all that is left from 20 Hz to half the rate without the \
fundamental), fundamental_hz and fundamental_level_dbov as found, and harmonics_percent: second harmonic first, null where \
it lies above half the rate.

Examples:
  lombard measure distortion tone.wav --fundamental-hz 1000 --json
  lombard measure distortion tones.wav --fundamental-hz 315 --harmonics 5 --span 1.2..1.5")]
pub(crate) struct Distortion {
    #[command(flatten)]
    input: Single,

    /// Frequency that was played, within 2 %
    #[arg(long, value_name = "HZ")]
    fundamental_hz: f64,

    /// Highest order of harmonic, 2 to 100
    #[arg(long, value_name = "ORDER", default_value_t = 10)]
    harmonics: usize,

    /// Part of the file in which the sine is steady, in seconds
    #[arg(long, value_name = "FROM..TO", value_parser = span)]
    span: Option<Range<f64>>,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl Distortion {
    pub(super) fn run(self) -> Result<(), RunError> {
        let signal = self.input.read()?;
        let frames = match &self.span {
            None => 0..signal.samples.len(),
            Some(span_s) => frames_of(span_s, signal.rate, signal.samples.len())
                .map_err(|error| self.input.refused(&error))?,
        };
        let measured =
            distortion(&signal.samples[frames], signal.rate, Hz(self.fundamental_hz), self.harmonics)
                .map_err(|error| self.input.refused(&error))?;
        let level = [("fundamental_level_dbov", Some(measured.level.decibels()))];
        let mut reading = Reading::default()
            .number("thd_percent", measured.thd_percent)
            .number("thd_n_percent", measured.thd_n_percent)
            .number("fundamental_hz", measured.fundamental.0)
            .maybe(level[0].0, level[0].1);
        reading = super::level::physical(reading, &level, self.input.zero());
        // NaN is null in JSON: a harmonic that the rate cannot hold.
        let harmonics = measured.harmonics_percent.iter().map(|one| one.unwrap_or(f64::NAN)).collect();
        reading.numbers("harmonics_percent", harmonics).print(self.json)
    }
}
