//! `lombard measure echo-attenuation`: echo attenuation against time.

use std::path::PathBuf;

use clap::Args;

use super::input::{Pair, same_rate, signal};
use super::reading::Reading;
use super::span::milliseconds;
use crate::meters::echo_attenuation::{self, EchoFrame, EchoSettings};
use crate::run::RunError;
use crate::units::Seconds;

/// Echo attenuation against time
///
/// Level of the reference less that of the echo, both on one meter, the echo advanced by its delay. Only frames in which
/// the reference is active are told: within 15.9 dB of its active level.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints delay_ms (by how much the echo was advanced), correlation (where the delay was measured), and for each active frame \
time_s (of the reference), attenuation_db, reference_level_dbov, echo_level_dbov; with --idle noise_limited (the echo is \
less than 6 dB above the idle noise: attenuation_db is a lower bound). attenuation_db is null where the echo is digitally \
silent. With --reference-zero-dbov and --captured-zero-dbov, both in one unit, attenuation_db is between physical levels, \
and unit, reference_level and echo_level are added.

Examples:
  lombard measure echo-attenuation receive.wav send.wav --json
  lombard measure echo-attenuation receive.wav send.wav --delay-ms 180 --idle idle.wav")]
pub(crate) struct EchoAttenuation {
    #[command(flatten)]
    input: Pair,

    /// Delay of the echo path; measured if not given
    #[arg(long, value_name = "MS", allow_negative_numbers = true, value_parser = milliseconds)]
    delay_ms: Option<f64>,

    /// Largest delay looked for
    #[arg(long, value_name = "MS", default_value = "1000", value_parser = milliseconds)]
    delay_max_ms: f64,

    /// Integration time of the meters
    #[arg(long, value_name = "MS", default_value = "35", value_parser = milliseconds)]
    integration_ms: f64,

    /// Distance of the readings
    #[arg(long, value_name = "MS", default_value = "5", value_parser = milliseconds)]
    step_ms: f64,

    /// WAV file with the idle noise of the same path, on the channel of the second file
    #[arg(long, value_name = "FILE")]
    idle: Option<PathBuf>,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl EchoAttenuation {
    pub(super) fn run(self) -> Result<(), RunError> {
        let offset_db = self.input.zeros().same_plane()?;
        let (reference, echo) = self.input.read()?;
        let idle = match &self.idle {
            None => None,
            Some(path) => {
                let idle = signal(path, self.input.captured_channel(), "--channel or --captured-channel")?;
                same_rate(&[(self.input.captured(), echo.rate), (path, idle.rate)])?;
                Some(idle.samples)
            }
        };
        let settings = EchoSettings {
            integration: Seconds(self.integration_ms / 1e3),
            step: Seconds(self.step_ms / 1e3),
            delay: self.delay_ms.map(|delay_ms| Seconds(delay_ms / 1e3)),
            delay_max: Seconds(self.delay_max_ms / 1e3),
        };
        let measured = echo_attenuation::echo_attenuation(
            &reference.samples,
            &echo.samples,
            idle.as_deref(),
            reference.rate,
            &settings,
        )
        .map_err(|error| self.input.refused(&error))?;
        self.reading(&measured, offset_db).print(self.json)
    }

    fn reading(&self, measured: &echo_attenuation::EchoAttenuation, offset_db: f64) -> Reading {
        let column =
            |value: &dyn Fn(&EchoFrame) -> f64| measured.frames.iter().map(value).collect::<Vec<f64>>();
        let mut reading = Reading::default().number("delay_ms", measured.delay.delay.as_ms());
        if let Some(correlation) = measured.delay.correlation {
            reading = reading.number("correlation", correlation);
        }
        let zeros = self.input.zeros();
        if let Some(zero) = zeros.reference_zero_dbov {
            reading = reading.text("unit", zero.unit.symbol());
        }
        if measured.frames.iter().any(|frame| frame.attenuation.0.is_infinite()) {
            reading = reading.text("note", "the echo is digitally silent where attenuation_db has no value");
        }
        reading = reading
            .numbers("time_s", column(&|frame| frame.time.0))
            .numbers("attenuation_db", column(&|frame| frame.attenuation.0 - offset_db))
            .numbers("reference_level_dbov", column(&|frame| frame.reference_level.decibels()))
            .numbers("echo_level_dbov", column(&|frame| frame.echo_level.decibels()));
        if let (Some(of_reference), Some(of_echo)) = (zeros.reference_zero_dbov, zeros.captured_zero_dbov) {
            let levels = [
                ("reference_level", column(&|frame| frame.reference_level.decibels() + of_reference.value)),
                ("echo_level", column(&|frame| frame.echo_level.decibels() + of_echo.value)),
            ];
            reading = levels.into_iter().fold(reading, |reading, (name, level)| reading.numbers(name, level));
        }
        if self.idle.is_some() {
            let limited = measured.frames.iter().map(|frame| frame.noise_limited).collect();
            reading = reading.truths("noise_limited", limited);
        }
        reading
    }
}
