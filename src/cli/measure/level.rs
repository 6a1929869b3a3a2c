//! `lombard measure level`: levels of the whole file, plain and weighted.
//!
//! The mean square of the record by its DFT without a window, whose bins sum to the mean square exactly; each bin is
//! weighted by the analytic curve at its frequency: A and C by the pole frequencies of IEC 61672-1 annex E (0 dB at
//! 1 kHz), psophometric by Table 1 of O.41 (0 dB at 800 Hz), interpolated in dB over log f. Above 6 kHz, where the table
//! ends, its 43 dB are held; below its first point its slope goes on, so that an offset has no weight.
//!
//! A record is taken as it is: a tone that does not fill it with whole periods spreads over bins, with the same sum.

use clap::Args;

use super::input::Single;
use super::reading::Reading;
use crate::dsp::spectrum::power_spectrum;
use crate::dsp::weighting::Weighting;
use crate::run::RunError;
use crate::units::Quantity;

/// Level of the whole file: RMS, A- and C-weighted, psophometric
///
/// Weighted in the frequency domain over the whole record: exact at every rate (IEC 61672-1, O.41).
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints rms_level_dbov, a_weighted_dbov, c_weighted_dbov, psophometric_dbov.

Examples:
  lombard measure level noise.wav --json
  lombard measure level cabin.wav --zero-dbov \"18.3 dBPa\"")]
pub(crate) struct Level {
    #[command(flatten)]
    input: Single,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl Level {
    pub(super) fn run(self) -> Result<(), RunError> {
        let signal = self.input.read()?;
        let spectrum = power_spectrum(&signal.samples, signal.rate);
        let level = |weighting: Weighting| Some(10.0 * weighting.apply(&spectrum).total_power().log10());
        let levels = [
            ("rms_level_dbov", level(Weighting::Flat)),
            ("a_weighted_dbov", level(Weighting::A)),
            ("c_weighted_dbov", level(Weighting::C)),
            ("psophometric_dbov", level(Weighting::Psophometric)),
        ];
        let reading = with_levels(Reading::default(), &levels);
        physical(reading, &levels, self.input.zero()).print(self.json)
    }
}

/// Adds levels as they are named.
pub(super) fn with_levels(reading: Reading, levels: &[(&'static str, Option<f64>)]) -> Reading {
    levels.iter().fold(reading, |reading, (name, value)| reading.maybe(*name, *value))
}

/// Adds the levels in the unit of `zero`, the physical level of 0 dBov: `level` for the first one, and each under its
/// own name with `_level`.
pub(super) fn physical(
    reading: Reading,
    levels: &[(&'static str, Option<f64>)],
    zero: Option<Quantity>,
) -> Reading {
    let (Some(zero), Some((_, first))) = (zero, levels.first()) else { return reading };
    let moved = |value: &Option<f64>| value.map(|value| value + zero.value);
    let reading = reading.maybe("level", moved(first)).text("unit", zero.unit.symbol());
    levels.iter().fold(reading, |reading, (name, value)| {
        let stem = name.trim_end_matches("_dbov").trim_end_matches("_level");
        reading.maybe(format!("{stem}_level"), moved(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Unit;

    #[test]
    fn a_zero_moves_every_level_and_names_the_first() {
        let levels = [("rms_level_dbov", Some(-20.0)), ("peak_dbov", None)];
        let zero = Some(Quantity::new(18.3, Unit::DbPa));
        let text = serde_json::to_string(&physical(Reading::default(), &levels, zero)).unwrap();
        assert_eq!(
            text,
            r#"{"level":-1.6999999999999993,"unit":"dBPa","rms_level":-1.6999999999999993,"peak_level":null}"#
        );
        assert_eq!(physical(Reading::default(), &levels, None), Reading::default());
    }
}
