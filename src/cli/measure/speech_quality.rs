//! `lombard measure speech-quality`: scores of published models, each by its name.

use clap::{Args, ValueEnum};

use super::input::Pair;
use super::reading::Reading;
use crate::meters::quality::{Model, score};
use crate::run::RunError;

/// Speech quality of CAPTURED against REF by a published model
///
/// Scores of different models, modes, mappings and implementations cannot be compared: each is told with its name. Nothing
/// is resampled: pesq-nb takes 8 kHz, pesq-wb and visqol take 16 kHz; stoi is defined at 10 kHz and converts on its own.
/// None of them is P.863.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints score, model, version, mapping.

Examples:
  lombard measure speech-quality clean.wav processed.wav --model pesq-wb --json
  lombard measure speech-quality clean.wav processed.wav --model stoi")]
pub(crate) struct SpeechQuality {
    #[command(flatten)]
    input: Pair,

    /// The model
    #[arg(long, value_enum)]
    model: Choice,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    PesqNb,
    PesqWb,
    Visqol,
    Stoi,
}

impl SpeechQuality {
    pub(super) fn run(self) -> Result<(), RunError> {
        let model = match self.model {
            Choice::PesqNb => Model::PesqNarrowband,
            Choice::PesqWb => Model::PesqWideband,
            Choice::Visqol => Model::Visqol,
            Choice::Stoi => Model::Stoi,
        };
        let (reference, degraded) = self.input.read()?;
        let read = score(model, &reference.samples, &degraded.samples, reference.rate)
            .map_err(|error| self.input.refused(&error))?;
        let mut reading = Reading::default().number("score", read.score);
        if let Some(raw) = read.raw {
            reading = reading.number("raw_score", raw);
        }
        reading
            .text("model", model.word())
            .text("mode", model.title())
            .text("version", model.version())
            .text("mapping", model.mapping())
            .number("delay_ms", read.delay.as_ms())
            .print(self.json)
    }
}
