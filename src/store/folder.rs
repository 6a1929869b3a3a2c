//! The folder of a run: its layout, its names, its lock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::journal::{Journal, JournalError};
use super::storage::{RunLock, Storage, StorageError};
use super::track::{self, TrackError, TrackWriter};
use super::wire::{Line, WireBench};
use crate::bench::{CaptureSink, SinkError};
use crate::capture::Capture;
use crate::event::TrackRecord;
use crate::take::TakeId;
use crate::terms::Port;

/// A run folder could not be made, opened or used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A track failed.
    #[error(transparent)]
    Track(#[from] TrackError),
    /// Another process has the run open.
    #[error("the run {} is open in another process; wait for it or stop it", .0.display())]
    Busy(PathBuf),
    /// The folder holds no run.
    #[error("{} is not a run: it has no {MANIFEST}", .0.display())]
    NoRun(PathBuf),
    /// A file of the run cannot be understood.
    #[error("{}: {cause}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
}

const MANIFEST: &str = "inputs/manifest.json";

/// What a run was made from. Written once, before the first event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the format.
    pub format: u32,
    /// When the run began, local time with its offset.
    pub started_at: String,
    /// The version of the program.
    pub software: String,
    /// The seed.
    pub seed: u64,
    /// The plan among the inputs.
    pub plan: String,
    /// The overlays among the inputs, in their order.
    pub overlays: Vec<String>,
    /// The car among the inputs, of a virtual bench.
    pub car: Option<String>,
    /// The bench file among the inputs, of a live bench.
    pub rig: Option<String>,
    /// The device record among the inputs.
    pub device: Option<String>,
    /// The program under test, of a virtual car whose terminal is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<ProgramRecord>,
    /// The selection; empty: everything.
    pub only: Vec<String>,
    /// How often a take without a good certificate is recorded again; none: as often as the program does by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u32>,
    /// The bench as it was.
    pub bench: WireBench,
    /// The inputs with their hashes.
    pub inputs: Vec<InputRecord>,
}

/// One input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRecord {
    /// The copy below `inputs/`, as the plan's inputs name it.
    pub file: String,
    /// The name that the user knew it by, for messages.
    pub name: String,
    /// SHA-256 of its text.
    pub sha256: String,
}

/// A program under test as it was when the run began. Its files are not copied: a build has its own archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRecord {
    /// The command, in one line.
    pub command: String,
    /// The folder in which it runs, absolute.
    pub folder: String,
    /// The program, and the arguments that are files, each with the SHA-256 of its content.
    pub files: Vec<ProgramFile>,
}

/// A file of a program under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramFile {
    /// As the command names it.
    pub file: String,
    /// SHA-256 of its content.
    pub sha256: String,
}

/// A run on disk.
#[derive(Clone)]
pub struct RunFolder {
    /// The folder.
    pub path: PathBuf,
    /// The disk below it.
    pub storage: Arc<dyn Storage>,
}

impl RunFolder {
    /// Makes a new folder below `runs`, named after time and plan, with a counter on collision.
    pub fn create(storage: Arc<dyn Storage>, runs: &Path, stem: &str) -> Result<Self, FolderError> {
        storage.ensure_folder(runs)?;
        let mut path = runs.join(stem);
        for counter in 2..1_000 {
            if !storage.exists(&path) {
                break;
            }
            path = runs.join(format!("{stem}-{counter}"));
        }
        storage.create_folder(&path)?;
        for below in ["captures", "stimuli", "inputs", "evaluations", "reports"] {
            storage.ensure_folder(&path.join(below))?;
        }
        Ok(Self { path, storage })
    }

    /// Opens the folder of a run.
    pub fn open(storage: Arc<dyn Storage>, path: &Path) -> Result<Self, FolderError> {
        let folder = Self { path: path.to_owned(), storage };
        if folder.storage.exists(&folder.path.join(MANIFEST)) {
            Ok(folder)
        } else {
            Err(FolderError::NoRun(folder.path))
        }
    }

    /// Locks the run against other processes for as long as the lock lives.
    pub fn lock(&self) -> Result<Box<dyn RunLock>, FolderError> {
        let lock = self.storage.lock(&self.path.join(".lock"))?;
        lock.ok_or_else(|| FolderError::Busy(self.path.clone()))
    }

    /// Whether another process has the run open.
    pub fn is_busy(&self) -> bool {
        matches!(self.lock(), Err(FolderError::Busy(_)))
    }

    /// Writes the inputs (by file below `inputs/`), and the manifest last.
    pub fn write_inputs(
        &self,
        manifest: &Manifest,
        texts: &BTreeMap<String, String>,
    ) -> Result<(), FolderError> {
        for (file, text) in texts {
            let path = self.path.join("inputs").join(file);
            if let Some(parent) = path.parent() {
                self.storage.ensure_folder(parent)?;
            }
            self.storage.replace(&path, text.as_bytes())?;
        }
        let path = self.path.join(MANIFEST);
        let json = serde_json::to_vec_pretty(manifest)
            .map_err(|error| FolderError::Damaged { path: path.clone(), cause: error.to_string() })?;
        Ok(self.storage.replace(&path, &json)?)
    }

    /// Reads the manifest.
    pub fn manifest(&self) -> Result<Manifest, FolderError> {
        let path = self.path.join(MANIFEST);
        let bytes = self.storage.read(&path)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| FolderError::Damaged { path, cause: error.to_string() })
    }

    /// The text of an input, checked against its hash: a verdict never stands on a file that was changed later.
    pub fn input(&self, input: &InputRecord) -> Result<String, FolderError> {
        let path = self.path.join("inputs").join(&input.file);
        let bytes = self.storage.read(&path)?;
        let damaged = |cause: &str| FolderError::Damaged { path: path.clone(), cause: cause.to_owned() };
        if hash_of_text(&bytes) != input.sha256 {
            return Err(damaged(
                "it was changed after the run: restore it, or judge with --plan or --overlay",
            ));
        }
        String::from_utf8(bytes).map_err(|_| damaged("it is not UTF-8"))
    }

    /// Opens the journal for appending, with the lines that it holds.
    pub fn journal(&self) -> Result<(Journal, Vec<Line>), FolderError> {
        Ok(Journal::open(&*self.storage, &self.path.join("journal.jsonl"))?)
    }

    /// Reads the journal without opening it for writing.
    pub fn read_journal(&self) -> Result<Vec<Line>, FolderError> {
        Ok(super::journal::read(&*self.storage, &self.path.join("journal.jsonl"))?.lines)
    }

    /// A sink for the tracks of one attempt at a take.
    pub fn sink(&self, take: &TakeId, attempt: u32) -> StoreSink {
        StoreSink { folder: self.clone(), take: take.clone(), attempt, tracks: BTreeMap::new() }
    }

    /// Stores a played track under its content hash, once.
    pub fn stimulus(&self, port: &Port, samples: &[f32]) -> Result<TrackRecord, FolderError> {
        let sha256 = track::hash_of(samples);
        let file = format!("stimuli/{}.wav", &sha256[..16]);
        let path = self.path.join(&file);
        let frames = samples.len() as u64;
        if !self.storage.exists(&path) {
            // Written aside first, so that a torn file never carries the name of a whole one.
            let mut bytes = std::io::Cursor::new(Vec::new());
            track::encode(samples, &mut bytes)
                .map_err(|cause| TrackError::Wav { path: path.clone(), cause })?;
            self.storage.replace(&path, bytes.get_ref())?;
        }
        Ok(TrackRecord { port: port.clone(), file, sha256, frames })
    }

    /// A lazy handle on a track of this run.
    pub fn track(&self, record: &TrackRecord) -> Capture {
        track::capture(Arc::clone(&self.storage), self.path.join(&record.file), record.frames)
    }

    /// The numbers of the evaluations, rising.
    pub fn evaluations(&self) -> Result<Vec<u32>, FolderError> {
        let names = self.storage.names(&self.path.join("evaluations"))?;
        let mut numbers: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The folder of an evaluation.
    pub fn evaluation(&self, number: u32) -> PathBuf {
        self.path.join("evaluations").join(number.to_string())
    }
}

/// SHA-256 of a text, hexadecimal.
pub fn hash_of_text(text: &[u8]) -> String {
    use sha2::Digest;
    track::hex(&sha2::Sha256::digest(text))
}

/// A name that every file system takes, from any text.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '_' || c == '.' {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_matches(['-', '.']).to_owned()
}

/// Writes the tracks of one attempt at a take.
pub struct StoreSink {
    folder: RunFolder,
    take: TakeId,
    attempt: u32,
    tracks: BTreeMap<Port, (String, TrackWriter)>,
}

impl CaptureSink for StoreSink {
    fn write(&mut self, port: &Port, samples: &[f32]) -> Result<(), SinkError> {
        let failed = |cause: TrackError| SinkError { port: port.clone(), cause: cause.to_string() };
        if !self.tracks.contains_key(port) {
            let file = format!("captures/{}.{}.{port}.wav", self.take, self.attempt);
            let path = self.folder.path.join(&file);
            let writer = TrackWriter::create(&*self.folder.storage, &path).map_err(failed)?;
            self.tracks.insert(port.clone(), (file, writer));
        }
        match self.tracks.get_mut(port) {
            Some((_, writer)) => writer.write(samples).map_err(failed),
            None => Ok(()),
        }
    }
}

impl StoreSink {
    /// Completes all tracks and returns when they are on the disk.
    pub fn finish(self) -> Result<Vec<TrackRecord>, FolderError> {
        let mut records = Vec::new();
        for (port, (file, writer)) in self.tracks {
            let written = writer.finish()?;
            records.push(TrackRecord { port, file, sha256: written.sha256, frames: written.frames });
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::storage::Disk;

    fn runs() -> (tempfile::TempDir, Arc<dyn Storage>) {
        (tempfile::tempdir().unwrap(), Arc::new(Disk))
    }

    #[test]
    fn equal_names_get_a_counter() {
        let (runs, disk) = runs();
        let names: Vec<PathBuf> = (0..3)
            .map(|_| RunFolder::create(Arc::clone(&disk), runs.path(), "2026-11-22T14-05-00-p").unwrap().path)
            .collect();
        assert!(names[1].ends_with("2026-11-22T14-05-00-p-2"), "{names:?}");
        assert!(names[2].ends_with("2026-11-22T14-05-00-p-3"));
    }

    #[test]
    fn one_process_has_a_run_open() {
        let (runs, disk) = runs();
        let folder = RunFolder::create(disk, runs.path(), "p").unwrap();
        let lock = folder.lock().unwrap();
        assert!(matches!(folder.lock(), Err(FolderError::Busy(_))));
        drop(lock);
        assert!(folder.lock().is_ok());
    }

    #[test]
    fn slugs_are_file_names_everywhere() {
        assert_eq!(slug("coupling_loss[volume=maximum]"), "coupling_loss-volume-maximum");
        assert_eq!(slug("../P.1110: quick*"), "p.1110-quick");
    }

    #[test]
    fn a_changed_input_is_refused() {
        let (runs, disk) = runs();
        let folder = RunFolder::create(disk, runs.path(), "p").unwrap();
        let input = InputRecord {
            name: "p".to_owned(),
            file: "plans/p.toml".to_owned(),
            sha256: hash_of_text(b"title"),
        };
        let path = folder.path.join("inputs/plans/p.toml");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "title").unwrap();
        assert_eq!(folder.input(&input).unwrap(), "title");
        std::fs::write(&path, "titel").unwrap();
        assert!(folder.input(&input).unwrap_err().to_string().contains("changed after the run"));
    }

    #[test]
    fn stimuli_are_stored_once() {
        let (runs, disk) = runs();
        let folder = RunFolder::create(disk, runs.path(), "p").unwrap();
        let port = Port::of(Port::MOUTH);
        let one = folder.stimulus(&port, &[0.5; 100]).unwrap();
        assert_eq!(folder.stimulus(&port, &[0.5; 100]).unwrap(), one);
        assert_ne!(folder.stimulus(&port, &[0.4; 100]).unwrap().file, one.file);
        assert_eq!(folder.track(&one).samples().unwrap(), [0.5; 100]);
    }
}
