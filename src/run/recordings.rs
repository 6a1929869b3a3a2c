//! Recordings of the data folders: licensed speech, and background noise that is read when it is asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::problem::SourceText;
use crate::run::RunError;
use crate::signals::noise_record::{self, NoiseRecord};
use crate::signals::{SpeechSource, WithImported};
use crate::store::folder::FolderError;
use crate::store::storage::Storage;

/// The recordings of a lab before the shipped ones. A noise of minutes at many points is hundreds of megabytes: it
/// stays on the disk until a signal needs it.
pub(super) struct Recordings {
    /// Licensed recordings, and those that are shipped.
    pub(super) imported: WithImported,
    /// Where noises are read from.
    pub(super) storage: Arc<dyn Storage>,
    /// Names of noises with their files.
    pub(super) noises: BTreeMap<String, PathBuf>,
}

impl SpeechSource for Recordings {
    fn wav(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        match self.noises.get(name) {
            Some(path) => self.storage.read(path).ok().map(Cow::Owned),
            None => self.imported.wav(name),
        }
    }
}

/// A recorded noise, and its file.
pub(super) struct Found {
    pub(super) record: NoiseRecord,
    pub(super) path: PathBuf,
}

/// The noises that the records of the data folders name; of one id the first folder has the say.
///
/// # Errors
/// A record that cannot be read, with its problems.
pub(super) fn recorded_noises(storage: &dyn Storage, data: &[PathBuf]) -> Result<Vec<Found>, RunError> {
    let mut found: Vec<Found> = Vec::new();
    for data in data {
        let folder = noise_folder(data);
        for record in read(storage, &folder)? {
            if !found.iter().any(|one| one.record.id == record.id) {
                let path = folder.join(&record.file);
                found.push(Found { record, path });
            }
        }
    }
    Ok(found)
}

/// The folder of recorded noises in a data folder.
pub fn noise_folder(data: &Path) -> PathBuf {
    data.join("signals").join(noise_record::FOLDER)
}

/// The record of a folder of noises; nothing where there is none.
///
/// # Errors
/// A record of the noises, or a recording, that cannot be read.
pub fn read(storage: &dyn Storage, folder: &Path) -> Result<Vec<NoiseRecord>, RunError> {
    let path = folder.join(noise_record::RECORD);
    if !storage.exists(&path) {
        return Ok(Vec::new());
    }
    let text = String::from_utf8_lossy(&storage.read(&path).map_err(FolderError::from)?).into_owned();
    Ok(noise_record::read_record(&SourceText::new(path.display().to_string(), text))?)
}
