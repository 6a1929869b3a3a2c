//! `lombard measure active-level`: the active speech level of P.56.

use clap::Args;

use super::input::Single;
use super::level::{physical, with_levels};
use super::reading::Reading;
use crate::dsp::level::{SpeechLevel, active_speech_level, dbov, peak};
use crate::run::RunError;

/// Active speech level by method B of P.56
///
/// At the file's own rate, interpolated exactly between thresholds, without a band filter; an offset counts as signal.
/// Silence has no active level.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints active_level_dbov, rms_level_dbov, activity_percent, peak_dbov.

Examples:
  lombard measure active-level speech.wav --json
  lombard measure active-level ear.wav --channel 2 --zero-dbov \"18.3 dBPa\"")]
pub(crate) struct ActiveLevel {
    #[command(flatten)]
    input: Single,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl ActiveLevel {
    pub(super) fn run(self) -> Result<(), RunError> {
        let signal = self.input.read()?;
        let (active, rms, activity) = match active_speech_level(&signal.samples, signal.rate) {
            SpeechLevel::Active(one) => (Some(one.active_level), one.rms_level, one.activity_percent),
            SpeechLevel::Silence { rms_level } => (None, rms_level, 0.0),
            // The reader lets only finite samples in; what is left is a sum beyond all numbers.
            SpeechLevel::NotFinite => (None, dbov(f64::NAN), f64::NAN),
        };
        let peak = dbov(peak(&signal.samples).powi(2)).decibels();
        let levels = [
            ("active_level_dbov", active.map(crate::units::Level::decibels)),
            ("rms_level_dbov", Some(rms.decibels())),
        ];
        let mut reading = with_levels(Reading::default(), &levels);
        reading = reading.number("activity_percent", activity);
        reading = with_levels(reading, &[("peak_dbov", Some(peak))]);
        let all = [levels[0], levels[1], ("peak_dbov", Some(peak))];
        reading = physical(reading, &all, self.input.zero());
        if active.is_none() {
            reading = reading.text("note", "no speech found: nothing stands out of the lowest threshold");
        }
        reading.print(self.json)
    }
}
