//! Background noise that a lab has recorded: what an import checks, and the record that stands beside the files.
//!
//! A recording is worth nothing without two numbers: the sound pressure of its full scale, and its A-weighted level
//! at the driver's head. The second is stated by whoever recorded it. Where the file has a channel from there, both
//! are held against each other.

use std::io::Cursor;

use super::catalogue::{Kind, LevelBasis, SignalSpec};
use super::field::{DRIVER_HEAD, LEVEL_TOLERANCE_DB, RecordedNoise, level_dba};
use super::import::sha256;
use super::render::rounded_up;
use crate::document::{Table, read};
use crate::problem::{Problem, SourceText};
use crate::units::{Db, DbPa, Unit};
use crate::wav::Wav;

/// The folder of recorded noises in a data folder, below `signals`.
pub const FOLDER: &str = "noise";

/// The name of the record in that folder.
pub const RECORD: &str = "imported.toml";

/// Channels that a recording may have: more points than a test field has.
const CHANNELS_MAX: usize = 64;

/// The shortest recording that is taken.
const SECONDS_MIN: f64 = 1.0;

/// One recorded noise: one table of the record.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseRecord {
    /// The id by which plans call it.
    pub id: String,
    /// One line.
    pub title: String,
    /// The lab's file name.
    pub from: String,
    /// The name beside the record.
    pub file: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Frames per second.
    pub rate: u32,
    /// Length.
    pub seconds: f64,
    /// The point of each channel.
    pub points: Vec<String>,
    /// The physical level of 0 dBov.
    pub zero: DbPa,
    /// A-weighted level at the driver's head, in dB(A) re 20 µPa, as stated.
    pub level_dba: f64,
}

/// What is said about a recording that is to be imported.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The id that it is to have.
    pub id: String,
    /// One line.
    pub title: String,
    /// The lab's file name.
    pub from: String,
    /// The point of each channel.
    pub points: Vec<String>,
    /// The physical level of 0 dBov.
    pub zero: DbPa,
    /// A-weighted level at the driver's head, in dB(A) re 20 µPa.
    pub level_dba: f64,
}

/// Why a recording is not imported.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NoiseError {
    /// The file is no usable recording.
    #[error("{0}")]
    Wav(String),
    /// An id that plans could not write.
    #[error("'{0}' is no id: write lower-case letters, digits and single hyphens, beginning with a letter")]
    Id(String),
    /// Points and channels do not belong to each other.
    #[error(
        "it has {channels} channels and {points} points are named; name the point of each channel, in their order, \
         as in --points {DRIVER_HEAD},microphone"
    )]
    Points {
        /// Of the file.
        channels: usize,
        /// As stated.
        points: usize,
    },
    /// A point is no name or stands twice.
    #[error("the point '{0}' is named twice, or is no name (lower-case letters, digits and single hyphens)")]
    Point(String),
    /// A channel holds nothing.
    #[error("its channel {channel} ('{point}') is silent")]
    Silent {
        /// From 1.
        channel: usize,
        /// The point.
        point: String,
    },
    /// A float file beyond full scale.
    #[error(
        "its channel {channel} is {:.2} dB over full scale: lower the file by that much and raise its --zero-dbov \
         by as much", rounded_up(*excess).0
    )]
    OverFullScale {
        /// From 1.
        channel: usize,
        /// How far the peak is over full scale.
        excess: Db,
    },
    /// Too short for a level that means something.
    #[error("it lasts {0:.3} s; a noise lasts {SECONDS_MIN} s at least, better some tens of seconds")]
    Short(f64),
    /// The two numbers contradict each other.
    #[error(
        "the level at the driver's head is stated as {stated:.1} dB(A), and the file with {zero} at 0 dBov holds \
         {measured:.1} dB(A) there: {:.1} dB apart, more than {LEVEL_TOLERANCE_DB} dB. One of the two numbers is wrong", (measured - stated).abs()
    )]
    Contradiction {
        /// dB(A), as stated.
        stated: f64,
        /// dB(A), from file and calibration.
        measured: f64,
        /// The calibration.
        zero: DbPa,
    },
}

/// What was found out about a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// What goes into the record.
    pub record: NoiseRecord,
    /// The level at the driver's head by file and calibration, in dB(A); `None`: the file has no channel from there.
    pub measured_dba: Option<f64>,
}

/// Holds a recording against what is said about it.
///
/// # Errors
/// What is wrong, with both sides where two numbers disagree.
pub fn check(bytes: &[u8], statement: &Statement) -> Result<Checked, NoiseError> {
    if !is_name(&statement.id) {
        return Err(NoiseError::Id(statement.id.clone()));
    }
    for (n, point) in statement.points.iter().enumerate() {
        if !is_name(point) || statement.points[..n].contains(point) {
            return Err(NoiseError::Point(point.clone()));
        }
    }
    let wav = Wav::open(Cursor::new(bytes)).map_err(|error| NoiseError::Wav(error.to_string()))?;
    let (rate, channels, frames) = (wav.rate(), wav.channels(), wav.frames());
    if channels != statement.points.len() || channels > CHANNELS_MAX {
        return Err(NoiseError::Points { channels, points: statement.points.len() });
    }
    let seconds = frames as f64 / f64::from(rate);
    if seconds < SECONDS_MIN {
        return Err(NoiseError::Short(seconds));
    }
    let wanted: Vec<usize> = (1..=channels).collect();
    let samples = wav.read(&wanted).map_err(|error| NoiseError::Wav(error.to_string()))?;
    for (one, (channel, point)) in samples.iter().zip(wanted.iter().zip(&statement.points)) {
        let peak = one.iter().fold(0.0_f64, |peak, x| peak.max(x.abs()));
        if peak == 0.0 {
            return Err(NoiseError::Silent { channel: *channel, point: point.clone() });
        }
        if peak > 1.0 {
            return Err(NoiseError::OverFullScale { channel: *channel, excess: Db::from_amplitude(peak) });
        }
    }
    let driver = statement.points.iter().position(|point| point == DRIVER_HEAD);
    let measured_dba = driver.map(|channel| level_dba(&samples[channel], rate, statement.zero));
    if let Some(measured) = measured_dba {
        // A level that is no number contradicts everything.
        let agrees = (measured - statement.level_dba).abs() <= LEVEL_TOLERANCE_DB;
        if !agrees {
            let (stated, zero) = (statement.level_dba, statement.zero);
            return Err(NoiseError::Contradiction { stated, measured, zero });
        }
    }
    let record = NoiseRecord {
        id: statement.id.clone(),
        title: statement.title.clone(),
        from: statement.from.clone(),
        file: format!("{}.wav", statement.id),
        sha256: sha256(bytes),
        rate,
        seconds,
        points: statement.points.clone(),
        zero: statement.zero,
        level_dba: statement.level_dba,
    };
    Ok(Checked { record, measured_dba })
}

/// Whether plans could write `text` as an id, and every system as a file name.
pub fn is_name(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= 60 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.split('-').all(is_word)
}

/// The name under which a [`super::SpeechSource`] has the file of a record.
pub fn source_name(file: &str) -> String {
    format!("{FOLDER}/{file}")
}

impl NoiseRecord {
    /// The recording as a signal of the catalogue.
    pub fn signal(&self) -> SignalSpec {
        SignalSpec {
            id: self.id.clone(),
            title: self.title.clone(),
            role: "Background noise recorded by the lab".to_owned(),
            kind: Kind::RecordedNoise(RecordedNoise {
                file: source_name(&self.file),
                sha256: self.sha256.clone(),
                points: self.points.clone(),
                zero: self.zero,
                level_dba: self.level_dba,
            }),
            level_basis: LevelBasis::Rms,
            seconds: self.seconds,
            seed: 0,
            band_limit: None,
            method_equivalent: false,
            stands_in_for: None,
            source: format!("recorded by the lab: {}", self.from),
            verified: "own".to_owned(),
            license: "the lab's own; not to be redistributed".to_owned(),
        }
    }
}

/// The record that stands beside recorded noises.
pub fn record(noises: &[NoiseRecord]) -> String {
    use std::fmt::Write as _;
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = String::from("# Background noise imported by the lab.\n");
    for one in noises {
        let points: Vec<String> = one.points.iter().map(|point| quoted(point)).collect();
        let _ = write!(
            text,
            "\n[[noise]]\nid = {}\ntitle = {}\nfile = {}\nfrom = {}\nsha256 = {}\nrate = \"{} Hz\"\n\
             seconds = \"{:.6} s\"\npoints = [{}]\nzero_dbov = \"{} dBPa\"\nlevel_at_driver_head = \"{} dB(A)\"\n",
            quoted(&one.id),
            quoted(&one.title),
            quoted(&one.file),
            quoted(&one.from),
            quoted(&one.sha256),
            one.rate,
            one.seconds,
            points.join(", "),
            one.zero.decibels(),
            one.level_dba
        );
    }
    text
}

/// Reads a record.
///
/// # Errors
/// Every problem, with its place.
pub fn read_record(source: &SourceText) -> Result<Vec<NoiseRecord>, Vec<Problem>> {
    read(source, |root| {
        let tables = root.tables("noise");
        let all: Vec<Option<NoiseRecord>> = tables.iter().map(noise).collect();
        all.into_iter().collect()
    })
}

fn noise(table: &Table<'_>) -> Option<NoiseRecord> {
    let id = table.need_text("id");
    let title = table.need_text("title");
    let file = table.need_text("file");
    let from = table.need_text("from");
    let sha256 = table.need_text("sha256");
    let rate = table.need_quantity("rate", &[Unit::Hz]);
    let seconds = table.need_quantity("seconds", &[Unit::Second]);
    let points = table.texts("points");
    if points.is_none() && !table.has("points") {
        table.missing("points", "the point of each channel, as in [\"driver-head\"]");
    }
    let zero = table.need_quantity("zero_dbov", &[Unit::DbPa]);
    let level = table.need_quantity("level_at_driver_head", &[Unit::DbA]);
    let file = file?;
    // The record names files beside itself and nothing else.
    if !file.value.strip_suffix(".wav").is_some_and(is_name) {
        table.problems().report(
            file.place,
            "a recorded noise stands beside its record",
            format!("'{}'", file.value),
            "a file name as in \"motorway.wav\"",
            "import the noise again",
        );
        return None;
    }
    Some(NoiseRecord {
        id: id?.value,
        title: title?.value,
        from: from?.value,
        file: file.value,
        sha256: sha256?.value,
        rate: rate?.value.value as u32,
        seconds: seconds?.value.value,
        points: points?.into_iter().map(|one| one.value).collect(),
        zero: DbPa::new(zero?.value.value),
        level_dba: level?.value.value,
    })
}

/// The record after an import: a new noise takes the place of an older one of the same id.
pub fn merged(before: Vec<NoiseRecord>, now: NoiseRecord) -> Vec<NoiseRecord> {
    let mut all: Vec<NoiseRecord> = before.into_iter().filter(|one| one.id != now.id).collect();
    all.push(now);
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

#[cfg(test)]
mod tests;
