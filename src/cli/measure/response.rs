//! `lombard measure response`: what a path does to the level, band by band.

use clap::Args;

use super::input::{Pair, search};
use super::reading::Reading;
use crate::dsp::bands::Bands;
use crate::meters::response::response;
use crate::run::RunError;

/// Response from REF to CAPTURED in bands
///
/// Aligned by the measured delay; the gain of a band is the ratio of the energies of what both have in common. Bands in
/// which the reference has nothing have no gain. With the zeros of both files the gain is between their units.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints hz, gain_db, delay_ms. Both files begin at the same instant.

Examples:
  lombard measure response played.wav recorded.wav --json
  lombard measure response mouth.wav poi.wav --per-octave 12 --reference-zero-dbov \"0 dBPa\" --captured-zero-dbov \"4 dBV\"")]
pub(crate) struct ResponseOf {
    #[command(flatten)]
    input: Pair,

    /// Bands to the octave
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = fraction)]
    per_octave: u32,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

fn fraction(text: &str) -> Result<u32, String> {
    match text {
        "3" => Ok(3),
        "12" => Ok(12),
        _ => Err("3 or 12".to_owned()),
    }
}

/// The lowest band.
const FROM_HZ: f64 = 20.0;

impl ResponseOf {
    pub(super) fn run(self) -> Result<(), RunError> {
        let (reference, captured) = self.input.read()?;
        let bands = below_nyquist(self.per_octave, reference.rate);
        let read = response(&reference.samples, &captured.samples, reference.rate, &bands, &search())
            .map_err(|error| self.input.refused(&error))?;
        let (offset_db, unit) = self.input.zeros().difference();
        let gain_db =
            read.gain_db.iter().map(|gain| gain.map_or(f64::NAN, |gain| gain + offset_db)).collect();
        Reading::default()
            .number("delay_ms", read.delay.delay.as_ms())
            .text("unit", unit)
            .numbers("hz", read.bands.iter().map(|band| band.nominal_hz).collect())
            .numbers("gain_db", gain_db)
            .print(self.json)
    }
}

/// The bands from 20 Hz on that lie wholly below half the rate.
fn below_nyquist(per_octave: u32, rate: u32) -> Bands {
    let nyquist_hz = f64::from(rate) / 2.0;
    // Half a band below the edge: the band found there may still reach beyond it.
    let last_hz = nyquist_hz * libm::pow(10.0, -0.15 / f64::from(per_octave));
    let bands = Bands::per_octave(per_octave, FROM_HZ, last_hz);
    let whole = bands.iter().rfind(|band| band.upper_hz <= nyquist_hz);
    let last_hz = whole.map_or(FROM_HZ, |band| band.midband_hz);
    Bands::per_octave(per_octave, FROM_HZ, last_hz)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_end_below_half_the_rate() {
        for rate in [8000, 16_000, 32_000, 44_100, 48_000, 96_000] {
            for per_octave in [3, 12] {
                let bands = below_nyquist(per_octave, rate);
                let last = bands.as_slice()[bands.len() - 1];
                let step = last.upper_hz / last.lower_hz;
                assert!(
                    last.upper_hz <= f64::from(rate) / 2.0 && last.upper_hz * step > f64::from(rate) / 2.0
                );
            }
        }
    }
}
