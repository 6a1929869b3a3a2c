//! `lombard measure delay`: how much later the recording is than the reference.

use clap::Args;

use super::input::Pair;
use super::reading::Reading;
use crate::meters::delay::DelayRequest;
use crate::run::RunError;
use crate::units::Seconds;

/// Delay of a recording against its reference, with polarity
///
/// By correlation of the files as they are, between frames. A delay whose correlation unrelated signals would reach too
/// means nothing and is refused.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints delay_ms, polarity (1 or -1), correlation, chance; note where another delay fits nearly as well.

chance is the correlation that unrelated signals with these spectra reach somewhere in the range.

Examples:
  lombard measure delay played.wav recorded.wav --json
  lombard measure delay played.wav recorded.wav --min-ms 0 --max-ms 400")]
pub(crate) struct Delay {
    #[command(flatten)]
    input: Pair,

    /// Smallest delay that is considered, in milliseconds; negative if the recording may be early
    #[arg(long, value_name = "MS", default_value_t = -1000.0, allow_negative_numbers = true)]
    min_ms: f64,

    /// Largest delay that is considered, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 3000.0, allow_negative_numbers = true)]
    max_ms: f64,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl Delay {
    pub(super) fn run(self) -> Result<(), RunError> {
        let (reference, captured) = self.input.read()?;
        let request = DelayRequest { min: Seconds(self.min_ms / 1e3), max: Seconds(self.max_ms / 1e3) };
        let read = request
            .measure(&reference.samples, &captured.samples, reference.rate)
            .map_err(|error| self.input.refused(&error))?;
        let mut reading = Reading::default()
            .number("delay_ms", read.found.delay.as_ms())
            .whole("polarity", if read.found.polarity.sign() < 0.0 { -1 } else { 1 })
            .number("correlation", read.found.correlation)
            .number("chance", read.found.chance);
        if let Some(note) = read.note {
            reading = reading.text("note", note);
        }
        reading.print(self.json)
    }
}
