//! `lombard measure loudness-rating`: SLR and RLR of P.79.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::curve::CurveFile;
use super::input::{PairChannels, Zeros, read, same_rate, search, signal};
use super::reading::Reading;
use crate::cli::output;
use crate::dsp::bands::Bands;
use crate::meters::MeterError;
use crate::meters::band_energy::{band_energies, empty_bands};
use crate::meters::loudness::{BANDS, LoudnessTable, ONE_EAR_DB, TWO_EARS_DB, magnitude_sum};
use crate::meters::response::{EMPTY_BELOW_DB, common};
use crate::run::RunError;
use crate::terms::{Bandwidth, Direction};
use crate::units::{DBV_AT_0_DBM0, Quantity, Unit};

/// Sending or receiving loudness rating by P.79
///
/// Larger is quieter. The sensitivity of a third octave is the energy recorded over the energy played, in dBV/Pa (send)
/// or dBPa/V (receive): the zeros say what full scale stands for. A zero in dBm0 becomes volts at 600 Ω
/// (0 dBm0 = −2.218 dBV), one in dBV is used as it is. Without a zero, 0 dBov is taken as 0 dBPa or 0 dBV, and a
/// note says so. The recording is aligned by the measured
/// delay and what both have in common is rated; noise counts as signal.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints loudness_rating_db, hz, sensitivity_db; with them the table and its verification.

Examples:
  lombard measure loudness-rating --direction send --bandwidth NB mouth.wav poi.wav \\
      --reference-zero-dbov \"0 dBPa\" --captured-zero-dbov \"6.15 dBm0\" --json
  lombard measure loudness-rating --direction receive --bandwidth WB --ears two poi.wav ears.wav
  lombard measure loudness-rating --direction send --bandwidth NB --curve sensitivity.csv")]
pub(crate) struct LoudnessRating {
    /// Which path
    #[arg(long, value_enum)]
    direction: Way,

    /// Which table: NB is P.79 Table 1, bands 4 to 17; WB is Annex A, bands 1 to 20
    #[arg(long, value_enum, ignore_case = true)]
    bandwidth: Table,

    /// WAV file with what was played, and WAV file with what was recorded
    #[arg(value_names = ["REF", "CAPTURED"], num_args = 2, required_unless_present = "curve", conflicts_with = "curve")]
    files: Vec<PathBuf>,

    /// CSV file with the sensitivity by third octave instead, header hz,db; twice for two ears
    #[arg(long, value_name = "FILE.csv")]
    curve: Vec<PathBuf>,

    /// Other bands than those of the table, counted from 1 (100 Hz) to 20 (8 kHz)
    #[arg(long, value_name = "A-B", value_parser = band_range)]
    bands: Option<(usize, usize)>,

    /// Hands-free correction in receive: two ears, summed by magnitude, 8 dB; one ear 14 dB. Two ears are channels 1
    /// and 2 of CAPTURED
    #[arg(long, value_enum)]
    ears: Option<Ears>,

    #[command(flatten)]
    channels: PairChannels,

    #[command(flatten)]
    zeros: Zeros,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    Send,
    Receive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Table {
    #[value(name = "NB")]
    Nb,
    #[value(name = "WB")]
    Wb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ears {
    One,
    Two,
}

fn band_range(text: &str) -> Result<(usize, usize), String> {
    text.split_once('-')
        .and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)))
        .filter(|(first, last)| (1..=*last).contains(first) && *last <= BANDS)
        .ok_or_else(|| format!("write two bands from 1 to {BANDS}, the lower one first, as 4-17"))
}

impl LoudnessRating {
    pub(super) fn run(self) -> Result<(), RunError> {
        let direction = match self.direction {
            Way::Send => Direction::Send,
            Way::Receive => Direction::Receive,
        };
        if direction == Direction::Send && self.ears.is_some() {
            return Err(RunError::Usage(
                "--ears belongs to receive: nobody listens at the POI in send".to_owned(),
            ));
        }
        let table = LoudnessTable::of(match self.bandwidth {
            Table::Nb => Bandwidth::Nb,
            Table::Wb => Bandwidth::Wb,
        });
        let positions = self.bands.map_or(table.positions(), |(first, last)| first - 1..last);
        let paths = if self.curve.is_empty() {
            self.of_files(direction, positions.clone())?
        } else {
            self.of_curves(positions.clone())?
        };
        let sensitivity_db = match &paths[..] {
            [left, right] => magnitude_sum(left, right),
            paths => paths[0],
        };
        let correction_db = match self.ears {
            None => 0.0,
            Some(Ears::One) => ONE_EAR_DB,
            Some(Ears::Two) => TWO_EARS_DB,
        };
        let rating = table.rating_over(direction, &sensitivity_db, positions.clone()) + correction_db;
        let bands = Bands::p79();
        let shown = || positions.clone();
        let mut reading = Reading::default();
        if self.ears == Some(Ears::Two) && self.curve.len() == 1 {
            reading = reading.text(
                "note",
                "one curve: taken as the magnitude sum of both ears; give --curve twice to sum them",
            );
        }
        reading
            .number("loudness_rating_db", rating)
            .number("correction_db", correction_db)
            .text("table", table.edition)
            .truth("provisional", table.is_provisional)
            .numbers("hz", shown().map(|i| bands.as_slice()[i].nominal_hz).collect())
            .numbers("sensitivity_db", shown().map(|i| sensitivity_db[i]).collect())
            .print(self.json)
    }

    fn of_curves(&self, positions: std::ops::Range<usize>) -> Result<Vec<[f64; BANDS]>, RunError> {
        if self.curve.len() > 2 || (self.curve.len() == 2 && self.ears != Some(Ears::Two)) {
            return Err(RunError::Usage(
                "one --curve, or two of them with --ears two: left and right".to_owned(),
            ));
        }
        let bands = Bands::p79();
        let one = |path: &Path| -> Result<[f64; BANDS], RunError> {
            let curve = CurveFile::read(path)?;
            let mut sensitivity_db = [f64::NEG_INFINITY; BANDS];
            for i in positions.clone() {
                let band = bands.as_slice()[i];
                if curve.count_within(band.lower_hz, band.upper_hz) > 1 {
                    return Err(RunError::Usage(format!(
                        "{} has several points in the third octave at {} Hz: give one for each third octave, its mean power",
                        path.display(),
                        band.nominal_hz
                    )));
                }
                sensitivity_db[i] = curve.at(band.nominal_hz, band.midband_hz).ok_or_else(|| {
                    RunError::Usage(format!(
                        "{}: there is no point at {} Hz, band {} of P.79: add it, or leave bands out by --bands",
                        path.display(),
                        band.nominal_hz,
                        i + 1
                    ))
                })?;
            }
            Ok(sensitivity_db)
        };
        self.curve.iter().map(|path| one(path)).collect()
    }

    fn of_files(
        &self,
        direction: Direction,
        positions: std::ops::Range<usize>,
    ) -> Result<Vec<[f64; BANDS]>, RunError> {
        let [reference, captured] = &self.files[..] else {
            return Err(RunError::Usage("name REF and CAPTURED, or --curve FILE.csv".to_owned()));
        };
        let offset_db = self.offset_db(direction)?;
        let own = self.channels.reference_channel.or(self.channels.channel);
        let played = signal(reference, own, "--channel or --reference-channel")?;
        let bands = Bands::p79();
        let highest = bands.as_slice()[positions.end - 1];
        if highest.midband_hz > f64::from(played.rate) / 2.0 {
            return Err(RunError::Usage(format!(
                "{} ends at {} Hz, below band {} at {} Hz: use files of a higher rate, or --bands",
                reference.display(),
                played.rate / 2,
                positions.end,
                highest.nominal_hz
            )));
        }
        let input = band_energies(&played.samples, played.rate, &bands);
        if let Some(empty) = empty_bands(&input, positions, EMPTY_BELOW_DB).first() {
            return Err(RunError::Usage(format!(
                "{} has no energy in the band at {} Hz: use a signal that fills the bands of the rating, or --bands",
                reference.display(),
                bands.as_slice()[*empty].nominal_hz
            )));
        }
        let (rate, channels) = if self.ears == Some(Ears::Two) {
            if self.channels.captured_channel.or(self.channels.channel).is_some() {
                return Err(RunError::Usage(
                    "--ears two reads channels 1 and 2 of CAPTURED: leave --channel and --captured-channel out, and choose \
                     that of REF by --reference-channel"
                        .to_owned(),
                ));
            }
            read(captured, &[1, 2])?
        } else {
            let own = self.channels.captured_channel.or(self.channels.channel);
            let one = signal(captured, own, "--channel or --captured-channel")?;
            (one.rate, vec![one.samples])
        };
        same_rate(&[(reference, played.rate), (captured, rate)])?;
        let refused = |error: MeterError| {
            RunError::Usage(format!("{} and {}: {error}", reference.display(), captured.display()))
        };
        channels
            .iter()
            .map(|samples| {
                let both = common(&played.samples, samples, rate, &search()).map_err(refused)?;
                let input = band_energies(both.reference, rate, &bands);
                let output = band_energies(both.captured, rate, &bands);
                Ok(std::array::from_fn(|i| 10.0 * (output[i] / input[i]).log10() + offset_db))
            })
            .collect()
    }

    /// From full scale of REF to full scale of CAPTURED, in dBV/Pa or dBPa/V.
    fn offset_db(&self, direction: Direction) -> Result<f64, RunError> {
        let assumed = |zero: Option<Quantity>, option: &str, unit: Unit| {
            if zero.is_none() {
                output::tell(&format!("note: without {option} 0 dBov is taken as 0 {unit}\n"));
            }
            zero.unwrap_or(Quantity::new(0.0, unit))
        };
        let (reference, captured) = ("--reference-zero-dbov", "--captured-zero-dbov");
        match direction {
            Direction::Send => {
                let mouth = assumed(self.zeros.reference_zero_dbov, reference, Unit::DbPa);
                let poi = assumed(self.zeros.captured_zero_dbov, captured, Unit::DbV);
                Ok(voltage(poi, captured)? - pressure(mouth, reference)?)
            }
            Direction::Receive => {
                let poi = assumed(self.zeros.reference_zero_dbov, reference, Unit::DbV);
                let ear = assumed(self.zeros.captured_zero_dbov, captured, Unit::DbPa);
                Ok(pressure(ear, captured)? - voltage(poi, reference)?)
            }
        }
    }
}

/// A zero as a voltage level in dBV.
fn voltage(zero: Quantity, option: &str) -> Result<f64, RunError> {
    match zero.unit {
        Unit::DbV => Ok(zero.value),
        Unit::Dbm0 => Ok(zero.value + DBV_AT_0_DBM0),
        other => Err(RunError::Usage(format!("{option} is in {other}; the POI has dBV or dBm0"))),
    }
}

/// A zero as a pressure level in dBPa.
fn pressure(zero: Quantity, option: &str) -> Result<f64, RunError> {
    match zero.unit {
        Unit::DbPa => Ok(zero.value),
        other => Err(RunError::Usage(format!("{option} is in {other}; mouth and ears have dBPa"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volts_are_used_as_they_are_and_dbm0_is_converted() {
        let zero = |value, unit| voltage(Quantity::new(value, unit), "x");
        assert_eq!(zero(1.0, Unit::DbV).unwrap(), 1.0);
        assert!((zero(1.0, Unit::Dbm0).unwrap() + 1.218).abs() < 5e-4);
        assert!(zero(1.0, Unit::DbPa).unwrap_err().to_string().contains("dBV or dBm0"));
        assert!(pressure(Quantity::new(0.0, Unit::DbV), "x").is_err());
    }

    #[test]
    fn bands_are_two_numbers_that_exist() {
        assert_eq!(band_range("4-17"), Ok((4, 17)));
        for wrong in ["0-3", "5-4", "1-21", "7", "a-b"] {
            assert!(band_range(wrong).is_err(), "{wrong}");
        }
    }
}
