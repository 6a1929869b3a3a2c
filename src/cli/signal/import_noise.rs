//! `lombard signal import-noise`: takes in background noise that the lab has recorded.

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use clap::Args;

use super::render::{Zero, zero};
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::report::wording;
use crate::run::{RunError, recordings};
use crate::signals::Kind;
use crate::signals::field::DRIVER_HEAD;
use crate::signals::noise_record::{self, Checked, RECORD, Statement};
use crate::store::folder::{FolderError, slug};
use crate::store::storage::{Disk, Storage, StorageError};
use crate::units::{Quantity, Unit};

/// The largest file that is read: ten minutes of eight channels at 48 kHz and 32 bit.
const BYTES_MAX: u64 = 1 << 30;

/// A-weighted levels that a cabin can have: from one in a quiet hall to the threshold of pain.
const LEVELS_DBA: RangeInclusive<f64> = 20.0..=130.0;

/// Import background noise that the lab has recorded, with its calibration
///
/// Copies FILE unchanged into signals/noise/ of the first data folder, with a record of its calibration, of its level
/// at the driver's head, of the point of each channel and of its hash. From then on it is a signal. Where a channel
/// stands at the driver's head, stated level and calibrated file have to agree within 1 dB.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard signal import-noise motorway.wav --zero-dbov \"24 dBPa\" --level-at-driver-head \"69.5 dB(A)\"
  lombard signal import-noise rough-road.wav --id rough-road-80 --points driver-head,microphone --zero-dbov \"20 dBPa\" \
--level-at-driver-head \"71 dB(A)\" --title \"Rough road, dry, 80 km/h\" --data lab-data

Exit codes: 0 imported, 2 bad input, 4 the disk failed.")]
pub(crate) struct ImportNoise {
    /// The recording
    #[arg(value_name = "FILE.wav")]
    file: PathBuf,

    /// Sound pressure level of 0 dBov
    #[arg(long, value_name = "LEVEL", allow_hyphen_values = true, value_parser = zero)]
    zero_dbov: Zero,

    /// Long-term A-weighted level at the driver's head: N of the Lombard rise
    #[arg(long, value_name = "LEVEL", allow_hyphen_values = true, value_parser = level_dba)]
    level_at_driver_head: f64,

    /// The point of each channel, in their order
    #[arg(long, value_name = "POINTS", value_delimiter = ',', default_value = DRIVER_HEAD)]
    points: Vec<String>,

    /// Id by which plans call it; without it made of the file's name
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// One line for lists and reports; without it the file's name
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

/// An A-weighted sound pressure level in dB(A).
fn level_dba(text: &str) -> Result<f64, String> {
    let written: Quantity =
        text.parse().map_err(|error| format!("{error}; write a level as \"69.5 dB(A)\""))?;
    let level = match written.unit {
        Unit::DbA => written.value,
        Unit::DbPaA => written.value + crate::signals::field::DBPA_AS_SPL_DB,
        other => {
            return Err(format!("the level at the driver's head is in dB(A) or dBPa(A), not in {other}"));
        }
    };
    if !LEVELS_DBA.contains(&level) {
        let (low, high) = (LEVELS_DBA.start(), LEVELS_DBA.end());
        return Err(format!("{level:.1} dB(A) is no level of a cabin: {low} to {high} dB(A) are"));
    }
    Ok(level)
}

impl ImportNoise {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        let bytes = read(&self.file)?;
        let from = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let statement = Statement {
            id: self.id.unwrap_or_else(|| slug(&stem.replace(['_', '.'], "-"))),
            title: self.title.unwrap_or(stem),
            from,
            points: self.points,
            zero: self.zero_dbov.0,
            level_dba: self.level_at_driver_head,
        };
        let checked = noise_record::check(&bytes, &statement)
            .map_err(|error| RunError::Usage(format!("{}: {error}", self.file.display())))?;
        let library = settings.engine.library(&settings.engine.sources(None))?;
        // A noise of the lab may be imported again, with another level or other points. A signal of the program may not
        // be hidden, and what plans call by this id may not become another recording.
        match library.catalogue().get(&statement.id).map(|one| &one.kind) {
            None => {}
            Some(Kind::RecordedNoise(noise)) if noise.sha256 == checked.record.sha256 => {}
            Some(Kind::RecordedNoise(_)) => {
                return Err(RunError::Usage(format!(
                    "'{}' is another recording that was imported before: choose another id with --id, or remove the \
                     older one (its file and its table in {RECORD})",
                    statement.id
                )));
            }
            Some(_) => {
                return Err(RunError::Usage(format!(
                    "'{}' is a signal of the catalogue: choose another id with --id",
                    statement.id
                )));
            }
        }
        let (data, is_named) = &settings.imports;
        let folder = recordings::noise_folder(data);
        store(&folder, &checked, &bytes)?;
        output::result(&told(&checked, &folder))?;
        if !is_named {
            output::tell(&super::import::unnamed(data));
        }
        Ok(0)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, RunError> {
    let failed = |cause| {
        RunError::Storage(FolderError::Storage(StorageError {
            action: "cannot read",
            path: path.to_owned(),
            cause,
        }))
    };
    if !path.is_file() {
        return Err(RunError::Usage(format!("{} is no file", path.display())));
    }
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > BYTES_MAX {
        return Err(RunError::Usage(format!(
            "{} is larger than 1 GiB: cut it to some minutes",
            path.display()
        )));
    }
    std::fs::read(path).map_err(failed)
}

/// Copies the recording, the record last.
fn store(folder: &Path, checked: &Checked, bytes: &[u8]) -> Result<(), RunError> {
    let before = recordings::read(&Disk, folder)?;
    Disk.ensure_folder(folder).map_err(FolderError::from)?;
    Disk.replace(&folder.join(&checked.record.file), bytes).map_err(FolderError::from)?;
    let record = noise_record::record(&noise_record::merged(before, checked.record.clone()));
    Ok(Disk.replace(&folder.join(RECORD), record.as_bytes()).map_err(FolderError::from)?)
}

fn told(checked: &Checked, folder: &Path) -> String {
    let record = &checked.record;
    let mut text = String::new();
    let _ = writeln!(text, "imported  {} into {}", record.id, folder.display());
    let _ = writeln!(
        text,
        "file      {}, {} Hz, {}",
        record.file,
        record.rate,
        wording::duration(record.seconds)
    );
    let _ = writeln!(text, "points    {}", record.points.join(", "));
    let _ = writeln!(text, "zero      0 dBov is {}", record.zero);
    let measured = match checked.measured_dba {
        Some(measured) => format!("the file holds {measured:.1} dB(A) there"),
        None => "as stated".to_owned(),
    };
    let _ = writeln!(text, "level     {:.1} dB(A) at the driver's head; {measured}", record.level_dba);
    let _ = writeln!(text, "hash      {}", record.sha256);
    if checked.measured_dba.is_none() {
        let _ = writeln!(
            text,
            "note      no channel stands at {DRIVER_HEAD}: the stated level could not be checked against the file"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_at_the_head_is_a_weighted() {
        assert_eq!(level_dba("69.5 dB(A)"), Ok(69.5));
        assert!((level_dba("-24.4794 dBPa(A)").unwrap() - 69.5).abs() < 1e-3);
        assert!(level_dba("70 dB").unwrap_err().contains("dB(A)"));
        assert!(level_dba("170 dB(A)").unwrap_err().contains("20 to 130 dB(A)"));
        assert!(level_dba("19 dB(A)").is_err() && level_dba("-80 dBPa(A)").is_err());
        assert!(level_dba("70").is_err() && level_dba("NaN dB(A)").is_err());
    }
}
