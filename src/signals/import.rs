//! Takes in a lab's own copies of licensed recordings: which file is which, and whether it is usable.

use std::io::Cursor;

use sha2::{Digest, Sha256};

use super::catalogue::{Catalogue, Licensed};
use super::generate::hex;
use super::speech;

/// A file that was recognized and can be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
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
                    matched.imported.push(Imported {
                        id: wanted.id.clone(),
                        from: name.clone(),
                        file: wanted.file.clone(),
                        sha256: hex(&Sha256::digest(bytes)),
                        rate,
                        seconds,
                        bytes: bytes.clone(),
                    });
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

/// Files whose names fit, best pattern first, then by name.
fn candidates<'f>(wanted: &Licensed, files: &'f [(String, Vec<u8>)]) -> Vec<&'f (String, Vec<u8>)> {
    let mut ranked: Vec<(usize, &(String, Vec<u8>))> = files
        .iter()
        .filter_map(|file| {
            let name = plain(&file.0);
            let exact = name == plain(&wanted.file);
            let fits = |words: &Vec<String>| words.iter().all(|word| name.contains(&plain(word)));
            if wanted.avoid.iter().any(|word| name.contains(&plain(word))) {
                return None;
            }
            let rank = if exact { Some(0) } else { wanted.names.iter().position(fits).map(|at| at + 1) };
            rank.map(|rank| (rank, file))
        })
        .collect();
    ranked.sort_by(|a, b| (a.0, &a.1.0).cmp(&(b.0, &b.1.0)));
    ranked.into_iter().map(|(_, file)| file).collect()
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

/// The record that stands beside imported files: which file each came from, and its hash.
pub fn record(imported: &[Imported]) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("# Licensed recordings imported by the lab. Not to be redistributed.\n");
    for one in imported {
        let _ = write!(
            text,
            "\n[[recording]]\nid = {:?}\nfile = {:?}\nfrom = {:?}\nsha256 = {:?}\nrate = \"{} Hz\"\nseconds = \"{:.3} s\"\n",
            one.id, one.file, one.from, one.sha256, one.rate, one.seconds
        );
    }
    text
}
