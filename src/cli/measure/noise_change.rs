//! `lombard measure noise-change`: the noise of one span against that of another.

use std::ops::Range;

use clap::Args;

use super::input::Single;
use super::reading::Reading;
use super::span::span;
use crate::meters::noise_change::noise_change;
use crate::run::RunError;

/// How the noise of one span differs from that of another
///
/// Span b relative to span a: A-weighted and in third octaves, averaged over half-second segments (Hann window).
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints delta_a_weighted_db, and for each third octave from 50 Hz on hz (nominal) and delta_db. A positive value means that \
b is louder.

Examples:
  lombard measure noise-change send.wav --a 0..6 --b 6..12 --json")]
pub(crate) struct NoiseChange {
    #[command(flatten)]
    input: Single,

    /// Span that is compared with, in seconds
    #[arg(long, value_name = "FROM..TO", value_parser = span)]
    a: Range<f64>,

    /// Span that is compared, in seconds
    #[arg(long, value_name = "FROM..TO", value_parser = span)]
    b: Range<f64>,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl NoiseChange {
    pub(super) fn run(self) -> Result<(), RunError> {
        let signal = self.input.read()?;
        let measured = noise_change(&signal.samples, signal.rate, &self.a, &self.b)
            .map_err(|error| self.input.refused(&error))?;
        Reading::default()
            .number("delta_a_weighted_db", measured.a_weighted.0)
            .numbers("hz", measured.bands.iter().map(|(band, _)| band.nominal_hz).collect())
            .numbers("delta_db", measured.bands.iter().map(|(_, delta)| delta.0).collect())
            .print(self.json)
    }
}
