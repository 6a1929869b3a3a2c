//! Takes in a lab's own copies of licensed recordings: which file is which, and whether it is usable.

use std::io::Cursor;

use sha2::{Digest, Sha256};

use super::catalogue::{Catalogue, Licensed};
use super::generate::hex;
use super::speech;
use crate::document::{Table, read};
use crate::problem::{Problem, SourceText};
use crate::units::Unit;

/// What is known of an imported recording: one table of the record beside the files.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Id of the licensed recording.
    pub id: String,
    /// The lab's file name.
    pub from: String,
    /// The name in the data folder.
    pub file: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Frames per second.
    pub rate: u32,
    /// Length.
    pub seconds: f64,
}

/// A file that was recognized and can be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// What is known of it.
    pub recording: Recording,
    /// The file as it was handed in, to be copied unchanged.
    pub bytes: Vec<u8>,
}

/// A file that looked right and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Id of the licensed recording.
    pub id: String,
    /// The lab's file name.
    pub from: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What was found among the files of a folder.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matched {
    /// One file for each recording that was found.
    pub imported: Vec<Imported>,
    /// Files that looked right and are not usable.
    pub rejected: Vec<Rejected>,
    /// Recordings that were not found.
    pub missing: Vec<Licensed>,
}

/// SHA-256 of a file, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lowest rate of a licensed recording that serves every bandwidth.
pub const RATE_MIN_HZ: u32 = 44_100;

/// Recognizes the licensed recordings of `catalogue` among `files` (name, bytes).
pub fn match_licensed(catalogue: &Catalogue, files: &[(String, Vec<u8>)]) -> Matched {
    let mut matched = Matched::default();
    for wanted in catalogue.licensed() {
        let mut found = false;
        for (name, bytes) in candidates(wanted, files) {
            match check(wanted, bytes) {
                Ok((rate, seconds)) => {
                    let recording = Recording {
                        id: wanted.id.clone(),
                        from: name.clone(),
                        file: wanted.file.clone(),
                        sha256: sha256(bytes),
                        rate,
                        seconds,
                    };
                    matched.imported.push(Imported { recording, bytes: bytes.clone() });
                    found = true;
                    break;
                }
                Err(reason) => {
                    let rejected = Rejected { id: wanted.id.clone(), from: name.clone(), reason };
                    matched.rejected.push(rejected);
                }
            }
        }
        if !found {
            matched.missing.push(wanted.clone());
        }
    }
    matched
}

/// Whether a file of this name could be a licensed recording, so that only such files need be read.
pub fn is_candidate(catalogue: &Catalogue, name: &str) -> bool {
    catalogue.licensed().iter().any(|wanted| rank(wanted, name).is_some())
}

/// Files whose names fit, best pattern first, then by name.
fn candidates<'f>(wanted: &Licensed, files: &'f [(String, Vec<u8>)]) -> Vec<&'f (String, Vec<u8>)> {
    let mut ranked: Vec<(usize, &(String, Vec<u8>))> =
        files.iter().filter_map(|file| Some((rank(wanted, &file.0)?, file))).collect();
    ranked.sort_by(|a, b| (a.0, &a.1.0).cmp(&(b.0, &b.1.0)));
    ranked.into_iter().map(|(_, file)| file).collect()
}

/// How well a name fits a recording, 0 best; `None`: not at all.
fn rank(wanted: &Licensed, name: &str) -> Option<usize> {
    let name = plain(name);
    if wanted.avoid.iter().any(|word| name.contains(&plain(word))) {
        return None;
    }
    let fits = |words: &Vec<String>| words.iter().all(|word| name.contains(&plain(word)));
    let is_exact = name == plain(&wanted.file);
    if is_exact { Some(0) } else { wanted.names.iter().position(fits).map(|at| at + 1) }
}

/// Lower case letters and digits only.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn check(wanted: &Licensed, bytes: &[u8]) -> Result<(u32, f64), String> {
    let reader = hound::WavReader::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    let seconds = f64::from(reader.duration()) / f64::from(spec.sample_rate);
    if u32::from(spec.channels) != wanted.channels {
        return Err(format!("it has {} channels; {} expected", spec.channels, wanted.channels));
    }
    if spec.sample_rate < RATE_MIN_HZ {
        return Err(format!("it has {} Hz; at least {RATE_MIN_HZ} Hz are needed", spec.sample_rate));
    }
    if !wanted.seconds.contains(&seconds) {
        return Err(format!(
            "it lasts {seconds:.1} s; {} to {} s are expected",
            wanted.seconds.start, wanted.seconds.end
        ));
    }
    // A mono recording is read to its end, so that a torn file is found now and not in a take.
    if spec.channels == 1 {
        speech::read_wav(bytes)?;
    }
    Ok((spec.sample_rate, seconds))
}

/// The name of the record that stands beside imported files.
pub const RECORD: &str = "imported.toml";

/// The record that stands beside imported files: which file each came from, and its hash.
pub fn record(recordings: &[Recording]) -> String {
    use std::fmt::Write as _;
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = String::from("# Licensed recordings imported by the lab. Not to be redistributed.\n");
    for one in recordings {
        let _ = write!(
            text,
            "\n[[recording]]\nid = {}\nfile = {}\nfrom = {}\nsha256 = {}\nrate = \"{} Hz\"\nseconds = \"{:.3} s\"\n",
            quoted(&one.id),
            quoted(&one.file),
            quoted(&one.from),
            quoted(&one.sha256),
            one.rate,
            one.seconds
        );
    }
    text
}

/// Reads a record.
///
/// # Errors
/// Every problem, with its place.
pub fn read_record(source: &SourceText) -> Result<Vec<Recording>, Vec<Problem>> {
    read(source, |root| {
        let tables = root.tables("recording");
        let all: Vec<Option<Recording>> = tables.iter().map(recording).collect();
        all.into_iter().collect()
    })
}

fn recording(table: &Table<'_>) -> Option<Recording> {
    let id = table.need_text("id");
    let file = table.need_text("file");
    let from = table.need_text("from");
    let sha256 = table.need_text("sha256");
    let rate = table.need_quantity("rate", &[Unit::Hz]);
    let seconds = table.need_quantity("seconds", &[Unit::Second]);
    Some(Recording {
        id: id?.value,
        file: file?.value,
        from: from?.value,
        sha256: sha256?.value,
        rate: rate?.value.value as u32,
        seconds: seconds?.value.value,
    })
}

/// The record after an import: a new recording takes the place of an older one of the same id.
pub fn merged(before: Vec<Recording>, now: &[Imported]) -> Vec<Recording> {
    let is_new = |id: &str| now.iter().any(|one| one.recording.id == id);
    let kept = before.into_iter().filter(|one| !is_new(&one.id));
    let mut all: Vec<Recording> = kept.chain(now.iter().map(|one| one.recording.clone())).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::builtin;

    fn wav(seconds: f64, rate: u32, channels: u16) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for n in 0..(seconds * f64::from(rate)) as u32 * u32::from(channels) {
            writer.write_sample((n % 200) as i16 * 100 - 10_000).unwrap();
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn files_are_recognized_by_name_and_refused_by_content() {
        let catalogue = builtin::catalogue().unwrap();
        let files = vec![
            ("Single_Talk_Seq_48k.wav".to_owned(), wav(35.0, 48_000, 1)),
            ("Single_Talk_Seq_Compressed.wav".to_owned(), wav(3.0, 48_000, 1)),
            ("Double talk seq.wav".to_owned(), wav(30.0, 48_000, 1)),
            ("holiday.wav".to_owned(), wav(1.0, 8_000, 1)),
        ];
        assert!(!is_candidate(&catalogue, &files[3].0));
        assert!(files[..3].iter().all(|(name, _)| is_candidate(&catalogue, name)));
        let matched = match_licensed(&catalogue, &files);
        let ids: Vec<&str> = matched.imported.iter().map(|one| one.recording.id.as_str()).collect();
        assert_eq!(ids, ["p501-single-talk"]);
        let reasons: Vec<(&str, &str)> =
            matched.rejected.iter().map(|one| (one.id.as_str(), one.reason.as_str())).collect();
        assert!(reasons[0].0 == "p501-compressed" && reasons[0].1.contains("lasts 3.0 s"), "{reasons:?}");
        assert!(reasons[1].0 == "p501-double-talk" && reasons[1].1.contains("1 channels"), "{reasons:?}");
        assert_eq!(matched.missing.len(), catalogue.licensed().len() - 1);
    }

    #[test]
    fn a_record_comes_back_and_grows() {
        let one = |id: &str, from: &str| Recording {
            id: id.to_owned(),
            from: from.to_owned(),
            file: format!("{id}.wav"),
            sha256: "ab".to_owned(),
            rate: 48_000,
            seconds: 35.0,
        };
        let hostile = one("a", "it's \"C:\\new\" \u{1}é.wav");
        let before = vec![hostile.clone(), one("b", "b")];
        let text = record(&before);
        let read = read_record(&SourceText::new(RECORD, text)).unwrap();
        assert_eq!(read, before);
        let now = [Imported { recording: one("b", "newer"), bytes: Vec::new() }];
        assert_eq!(merged(read, &now), [hostile, one("b", "newer")]);
    }
}
