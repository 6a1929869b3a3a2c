//! `lombard measure active-level`: the active speech level of P.56.
//!
//! Method B of P.56 (12/2011), clause 7, as the ITU's own tool computes it:
//!
//! 1. Two exponential averages of the magnitude, one after the other, each with a time constant of 30 ms, make the
//!    envelope.
//! 2. For thresholds a factor of two apart (2⁻¹⁵ of full scale and up), the time during which the envelope is above the
//!    threshold, or was within the last 200 ms, is its activity time.
//! 3. The active level is the energy over the activity time of that threshold which lies 15.9 dB below the level. Between
//!    two thresholds both are interpolated exactly; the ITU's tool stops within half a decibel.
//!
//! At the rate of the file, without a band filter (P.56 annexes B and C leave it to the user), an offset counts as signal.
//! Where nothing stands out of the lowest threshold there is no active level: `null`. Processed speech in noise has too
//! much activity: read the level on the clean signal.

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
