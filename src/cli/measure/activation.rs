//! `lombard measure activation`: the first burst of a rising row that passes, and how fast it passes.

use clap::Args;

use super::input::Pair;
use super::reading::Reading;
use super::span::milliseconds;
use crate::meters::activation::{ActivationSettings, activation};
use crate::run::RunError;
use crate::units::{Db, Seconds};

/// Activation: the first burst of a rising row that is transmitted, and its build-up time
///
/// A burst is transmitted if from its middle on its gain is within 3 dB of that of the last bursts (or of
/// --settled-gain-db). Build-up runs from its onset until the recording is within 3 dB of its final level on a meter of
/// 5 ms, which itself takes 3.5 ms.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints first_active_burst (from 1; null: none), level_dbov (of the active part of that burst in STIMULUS), build_up_ms, \
delay_ms, settled_gain_db, noise_limited (an earlier burst could have passed unseen in the noise: level_dbov is an upper \
bound), bursts, and for each burst burst_level_dbov and burst_gain_db. With --reference-zero-dbov level and unit are added.

Examples:
  lombard measure activation bursts.wav send.wav --json
  lombard measure activation bursts.wav send.wav --reference-zero-dbov \"0 dBPa\" --settled-gain-db -18")]
pub(crate) struct Activation {
    #[command(flatten)]
    input: Pair,

    /// Delay of the path; measured if not given, up to 0.9 of the period of the bursts
    #[arg(long, value_name = "MS", allow_negative_numbers = true, value_parser = milliseconds)]
    delay_ms: Option<f64>,

    /// Gain from STIMULUS to CAPTURED of the active path; that of the last three bursts if not given
    #[arg(long, value_name = "DB", allow_negative_numbers = true)]
    settled_gain_db: Option<f64>,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl Activation {
    pub(super) fn run(self) -> Result<(), RunError> {
        let (stimulus, recording) = self.input.read()?;
        let settings = ActivationSettings {
            delay: self.delay_ms.map(|delay_ms| Seconds(delay_ms / 1e3)),
            settled_gain: self.settled_gain_db.map(Db),
            ..ActivationSettings::default()
        };
        let measured = activation(&stimulus.samples, &recording.samples, stimulus.rate, &settings)
            .map_err(|error| self.input.refused(&error))?;
        let mut reading = Reading::default();
        reading = match measured.first {
            Some(first) => reading
                .count("first_active_burst", first.index + 1)
                .number("level_dbov", first.level.decibels())
                .maybe("build_up_ms", first.build_up.map(Seconds::as_ms)),
            None => reading.nothing("first_active_burst").nothing("level_dbov").nothing("build_up_ms"),
        };
        reading = reading
            .maybe("delay_ms", measured.delay.map(|one| one.delay.as_ms()))
            .maybe("settled_gain_db", measured.settled_gain.map(|gain| gain.0))
            .truth("noise_limited", measured.noise_limited())
            .count("bursts", measured.bursts.len());
        if let Some(zero) = self.input.zeros().reference_zero_dbov {
            let level = measured.first.map(|first| first.level.decibels() + zero.value);
            reading = reading.maybe("level", level).text("unit", zero.unit.symbol());
        }
        if let Some(note) = &measured.note {
            reading = reading.text("note", note.as_str());
        }
        reading
            .numbers("burst_level_dbov", measured.bursts.iter().map(|burst| burst.level.decibels()).collect())
            .numbers("burst_gain_db", measured.bursts.iter().map(|burst| burst.gain.0).collect())
            .print(self.json)
    }
}
