//! `lombard measure bands`: levels in fractional-octave bands.

use clap::{Args, ValueEnum};

use super::input::Single;
use super::reading::Reading;
use crate::meters::bands::{BandMethod, BandRequest};
use crate::run::RunError;

/// Levels in octave, third-octave or narrower bands (IEC 61260-1, base ten)
///
/// Over the whole file: by its DFT without window, or by filters of class 1 that start from rest. A band narrower than
/// the reciprocal of the duration has no level.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints method, hz[] (nominal), level_dbov[]; with --zero-dbov also unit and level[]; note where something is to be known.

Examples:
  lombard measure bands noise.wav --json
  lombard measure bands cabin.wav --per-octave 12 --from-hz 100 --to-hz 8000
  lombard measure bands cabin.wav --method filter --zero-dbov \"18.3 dBPa\"")]
pub(crate) struct BandLevels {
    #[command(flatten)]
    input: Single,

    /// Bands in an octave: 1, 3, 6, 12 or 24
    #[arg(long, value_name = "N", default_value = "3", value_parser = fraction)]
    per_octave: u32,

    /// How bands are separated
    #[arg(long, value_enum, default_value_t = Method::Fft)]
    method: Method,

    /// Lowest band [default: the first from 20 Hz on]
    #[arg(long, value_name = "HZ")]
    from_hz: Option<f64>,

    /// Highest band [default: the last one that the rate holds whole]
    #[arg(long, value_name = "HZ")]
    to_hz: Option<f64>,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// How bands are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// DFT of the whole file: what lies between the edges
    Fft,
    /// Filters of class 1, as in an instrument
    Filter,
}

fn fraction(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(count @ (1 | 3 | 6 | 12 | 24)) => Ok(count),
        _ => Err("an octave has 1, 3, 6, 12 or 24 bands here".to_owned()),
    }
}

impl BandLevels {
    pub(super) fn run(self) -> Result<(), RunError> {
        let signal = self.input.read()?;
        let (method, name) = match self.method {
            Method::Fft => (BandMethod::Fft, "fft"),
            Method::Filter => (BandMethod::Filter, "filter"),
        };
        let request =
            BandRequest { per_octave: self.per_octave, from_hz: self.from_hz, to_hz: self.to_hz, method };
        let read =
            request.measure(&signal.samples, signal.rate).map_err(|error| self.input.refused(&error))?;
        // JSON has no NaN: a band without a level is `null` there.
        let levels: Vec<f64> =
            read.powers.iter().map(|power| power.map_or(f64::NAN, |power| 10.0 * power.log10())).collect();
        let mut reading = Reading::default().text("method", name);
        if let Some(note) = read.note {
            reading = reading.text("note", note);
        }
        reading = reading
            .numbers("hz", read.bands.iter().map(|band| band.nominal_hz).collect())
            .numbers("level_dbov", levels.clone());
        if let Some(zero) = self.input.zero() {
            let moved = levels.iter().map(|level| level + zero.value).collect();
            reading = reading.text("unit", zero.unit.symbol()).numbers("level", moved);
        }
        reading.print(self.json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_octave_has_some_numbers_of_bands_only() {
        assert_eq!(fraction("12"), Ok(12));
        assert!(fraction("5").is_err() && fraction("").is_err());
    }
}
