//! Append-only journals of JSON lines: durable line by line, a torn last line is ignored and cut off.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::storage::{Storage, StorageError, StoredFile};

/// A journal could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A line that is not the last cannot be read: the file was damaged after it was written.
    #[error("{}:{line}: the journal is damaged: {cause}; restore the file from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        cause: String,
    },
}

/// An open journal.
pub struct Journal {
    path: PathBuf,
    file: Box<dyn StoredFile>,
    /// Why an append failed half-way: what stands in the file after it is unknown.
    broken: Option<String>,
}

/// A journal as it was read.
#[derive(Debug)]
pub struct Read<L> {
    /// The whole lines.
    pub lines: Vec<L>,
    /// Bytes of whole lines; what follows is torn.
    pub good_bytes: u64,
    /// Whether a torn line follows.
    pub torn: bool,
}

/// Reads a journal. An absent one is empty.
pub fn read<L: DeserializeOwned>(storage: &dyn Storage, path: &Path) -> Result<Read<L>, JournalError> {
    if !storage.exists(path) {
        return Ok(Read { lines: Vec::new(), good_bytes: 0, torn: false });
    }
    let bytes = storage.read(path)?;
    let mut lines = Vec::new();
    let mut good = 0;
    let mut number = 0;
    while let Some(length) = bytes[good..].iter().position(|byte| *byte == b'\n') {
        number += 1;
        let line = &bytes[good..good + length];
        match serde_json::from_slice(line) {
            Ok(line) => lines.push(line),
            // A power cut may leave a last line of zeros or rubbish that ends in a line feed.
            Err(_) if good + length + 1 == bytes.len() => {
                return Ok(Read { lines, good_bytes: good as u64, torn: true });
            }
            Err(error) => {
                return Err(JournalError::Damaged {
                    path: path.to_owned(),
                    line: number,
                    cause: error.to_string(),
                });
            }
        }
        good += length + 1;
    }
    Ok(Read { lines, good_bytes: good as u64, torn: good < bytes.len() })
}

impl Journal {
    /// Opens a journal for appending and cuts off a torn last line.
    pub fn open<L: DeserializeOwned>(
        storage: &dyn Storage,
        path: &Path,
    ) -> Result<(Self, Vec<L>), JournalError> {
        let read = read(storage, path)?;
        if read.torn {
            storage.truncate(path, read.good_bytes)?;
        }
        let file = storage.append(path)?;
        Ok((Self { path: path.to_owned(), file, broken: None }, read.lines))
    }

    /// Appends a line and returns when it is on the disk.
    pub fn append(&mut self, line: &impl Serialize) -> Result<(), JournalError> {
        self.append_lazily(line)?;
        self.sync()
    }

    /// Appends a line that may be lost in a power cut, for what can be computed again.
    pub fn append_lazily(&mut self, line: &impl Serialize) -> Result<(), JournalError> {
        let failed = |cause| StorageError { action: "cannot write", path: self.path.clone(), cause };
        if let Some(cause) = &self.broken {
            // Appending after a torn line would damage the journal in its middle. Of several threads that write, the one
            // that is heard may not be the one that met the cause.
            let cause = std::io::Error::other(format!("an earlier line could not be written: {cause}"));
            return Err(failed(cause).into());
        }
        let text = serde_json::to_vec(line).map_err(|error| failed(std::io::Error::other(error)))?;
        let written = self.file.write_all(&[text.as_slice(), b"\n"].concat());
        written.map_err(|cause| {
            self.broken = Some(cause.to_string());
            StorageError { action: "cannot write", path: self.path.clone(), cause }.into()
        })
    }

    /// Returns when everything is on the disk.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        let synced = self.file.sync();
        synced.map_err(|cause| {
            self.broken = Some(cause.to_string());
            StorageError { action: "cannot write", path: self.path.clone(), cause }.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::storage::{Disk, FailingDisk};

    fn lines(path: &Path) -> Read<u32> {
        read(&Disk, path).unwrap()
    }

    #[test]
    fn a_torn_last_line_is_ignored_and_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.jsonl");
        for torn in ["4", "4\u{0}\n", "\u{0}\u{0}\u{0}\n"] {
            std::fs::write(&path, format!("1\n2\n3\n{torn}")).unwrap();
            assert_eq!(lines(&path).lines, [1, 2, 3]);
            assert!(lines(&path).torn);
            let (mut journal, found) = Journal::open::<u32>(&Disk, &path).unwrap();
            assert_eq!(found, [1, 2, 3]);
            journal.append(&9).unwrap();
            assert_eq!(lines(&path).lines, [1, 2, 3, 9]);
            assert!(!lines(&path).torn);
        }
    }

    #[test]
    fn damage_in_the_middle_is_never_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.jsonl");
        std::fs::write(&path, "1\nrubbish\n3\n").unwrap();
        let error = read::<u32>(&Disk, &path).unwrap_err().to_string();
        assert!(error.contains("j.jsonl:2:"), "{error}");
    }

    #[test]
    fn nothing_is_appended_after_a_failed_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.jsonl");
        let disk = FailingDisk::after(3);
        let (mut journal, _) = Journal::open::<u32>(&disk, &path).unwrap();
        journal.append(&1).unwrap();
        assert!(journal.append(&2222).is_err());
        disk.heal();
        let later = journal.append(&3).unwrap_err().to_string();
        assert!(later.contains("no space left"), "the cause is told again: {later}");
        assert_eq!(lines(&path).lines, [1]);
        let (mut again, _) = Journal::open::<u32>(&disk, &path).unwrap();
        again.append(&4).unwrap();
        assert_eq!(lines(&path).lines, [1, 4]);
    }
}
