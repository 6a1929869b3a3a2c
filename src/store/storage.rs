//! The door to the disk: few operations, each durable when it returns. Tests tell it to fail.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The storage failed: which file, and why.
#[derive(Debug, thiserror::Error)]
#[error("{action} {path}: {cause}", path = path.display())]
pub struct StorageError {
    /// What was tried, as "cannot write".
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub cause: io::Error,
}

/// An open file of the storage.
pub trait StoredFile: Read + Write + Seek + Send {
    /// Returns when everything written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl StoredFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// A lock that lasts as long as the value.
pub trait RunLock: Send {}

impl RunLock for File {}

/// What a run needs of a disk.
pub trait Storage: Send + Sync {
    /// Creates a folder that must not exist.
    fn create_folder(&self, path: &Path) -> Result<(), StorageError>;
    /// Creates a folder and its parents, if need be.
    fn ensure_folder(&self, path: &Path) -> Result<(), StorageError>;
    /// Creates or truncates a file.
    fn create(&self, path: &Path) -> Result<Box<dyn StoredFile>, StorageError>;
    /// Opens a file for appending, created if need be.
    fn append(&self, path: &Path) -> Result<Box<dyn StoredFile>, StorageError>;
    /// Cuts a file to a length.
    fn truncate(&self, path: &Path, length: u64) -> Result<(), StorageError>;
    /// Replaces a file at once and durably: it has the old or the new content, never a part. A link stays, and what
    /// it points to is replaced; what is no regular file, a device or a pipe, is written into.
    fn replace(&self, path: &Path, content: &[u8]) -> Result<(), StorageError>;
    /// The whole content of a file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, StorageError>;
    /// Whether a file or folder is there.
    fn exists(&self, path: &Path) -> bool;
    /// The names in a folder, sorted. An absent folder is empty.
    fn names(&self, path: &Path) -> Result<Vec<String>, StorageError>;
    /// Locks a run against other processes. `None`: another process holds it.
    fn lock(&self, path: &Path) -> Result<Option<Box<dyn RunLock>>, StorageError>;
}

/// The disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StorageError {
    let path = path.to_owned();
    move |cause| StorageError { action, path, cause }
}

/// Makes the entry of a file in its folder durable. Not every system lets folders be synced.
fn sync_parent(path: &Path) {
    if let Some(Ok(folder)) = path.parent().map(File::open) {
        drop(folder.sync_all());
    }
}

/// Where a link points to, which need not exist yet.
fn linked(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let target = fs::read_link(path)?;
            Ok(path.parent().map_or(target.clone(), |folder| folder.join(target)))
        }
        found => found,
    }
}

impl Storage for Disk {
    fn create_folder(&self, path: &Path) -> Result<(), StorageError> {
        fs::create_dir(path).map_err(failed("cannot create", path))
    }

    fn ensure_folder(&self, path: &Path) -> Result<(), StorageError> {
        fs::create_dir_all(path).map_err(failed("cannot create", path))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn StoredFile>, StorageError> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path);
        Ok(Box::new(file.map_err(failed("cannot create", path))?))
    }

    fn append(&self, path: &Path) -> Result<Box<dyn StoredFile>, StorageError> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        Ok(Box::new(file.map_err(failed("cannot open", path))?))
    }

    fn truncate(&self, path: &Path, length: u64) -> Result<(), StorageError> {
        let file = OpenOptions::new().write(true).open(path);
        let cut = file.and_then(|file| file.set_len(length).and_then(|()| file.sync_all()));
        cut.map_err(failed("cannot mend", path))
    }

    fn replace(&self, path: &Path, content: &[u8]) -> Result<(), StorageError> {
        // Two threads may replace one file at once, as with a stimulus that two takes play: each has a part of its own.
        static PARTS: AtomicU64 = AtomicU64::new(0);
        // A rename would put a file in the place of a link or a device.
        let target = if path.is_symlink() {
            linked(path).map_err(failed("cannot write", path))?
        } else {
            path.to_owned()
        };
        if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
            let file = OpenOptions::new().write(true).open(&target);
            return file.and_then(|mut file| file.write_all(content)).map_err(failed("cannot write", path));
        }
        let mut part = target.as_os_str().to_owned();
        part.push(format!(".{}.part", PARTS.fetch_add(1, Ordering::Relaxed)));
        let part = PathBuf::from(part);
        let written = File::create(&part).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
        if let Err(cause) = written.and_then(|()| fs::rename(&part, &target)) {
            // A full disk has no room for half a file either.
            drop(fs::remove_file(&part));
            return Err(failed("cannot write", path)(cause));
        }
        sync_parent(&target);
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, StorageError> {
        fs::read(path).map_err(failed("cannot read", path))
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn names(&self, path: &Path) -> Result<Vec<String>, StorageError> {
        if !path.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(path).map_err(failed("cannot list", path))?;
        let mut names = Vec::new();
        for entry in entries {
            names
                .push(entry.map_err(failed("cannot list", path))?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn lock(&self, path: &Path) -> Result<Option<Box<dyn RunLock>>, StorageError> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(failed("cannot lock", path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(cause)) => Err(failed("cannot lock", path)(cause)),
        }
    }
}

/// A disk that fails when it is told to: the storage layer of tests.
#[derive(Clone)]
pub struct FailingDisk {
    /// Writing operations left before every further one fails; negative: never fails.
    left: Arc<AtomicI64>,
}

impl FailingDisk {
    /// A disk whose first `count` writing operations succeed and whose further ones fail as a full disk does.
    pub fn after(count: i64) -> Self {
        Self { left: Arc::new(AtomicI64::new(count)) }
    }

    /// Lets everything succeed from now on.
    pub fn heal(&self) {
        self.left.store(i64::MAX, Ordering::SeqCst);
    }

    fn spend(&self) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
            Ok(())
        } else {
            self.left.store(0, Ordering::SeqCst);
            Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device (injected)"))
        }
    }

    fn guarded<T>(
        &self,
        action: &'static str,
        path: &Path,
        then: impl FnOnce() -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.spend().map_err(failed(action, path))?;
        then()
    }
}

struct FailingFile {
    file: Box<dyn StoredFile>,
    disk: FailingDisk,
}

impl Read for FailingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Write for FailingFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.disk.spend() {
            // A full disk takes what still fits: half of it, so that torn lines are met in tests.
            drop(self.file.write(&buffer[..buffer.len() / 2]));
            return Err(error);
        }
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for FailingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl StoredFile for FailingFile {
    fn sync(&mut self) -> io::Result<()> {
        self.disk.spend()?;
        self.file.sync()
    }
}

impl Storage for FailingDisk {
    fn create_folder(&self, path: &Path) -> Result<(), StorageError> {
        self.guarded("cannot create", path, || Disk.create_folder(path))
    }

    fn ensure_folder(&self, path: &Path) -> Result<(), StorageError> {
        self.guarded("cannot create", path, || Disk.ensure_folder(path))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn StoredFile>, StorageError> {
        let file = self.guarded("cannot create", path, || Disk.create(path))?;
        Ok(Box::new(FailingFile { file, disk: self.clone() }))
    }

    fn append(&self, path: &Path) -> Result<Box<dyn StoredFile>, StorageError> {
        let file = self.guarded("cannot open", path, || Disk.append(path))?;
        Ok(Box::new(FailingFile { file, disk: self.clone() }))
    }

    fn truncate(&self, path: &Path, length: u64) -> Result<(), StorageError> {
        self.guarded("cannot mend", path, || Disk.truncate(path, length))
    }

    fn replace(&self, path: &Path, content: &[u8]) -> Result<(), StorageError> {
        self.guarded("cannot write", path, || Disk.replace(path, content))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, StorageError> {
        Disk.read(path)
    }

    fn exists(&self, path: &Path) -> bool {
        Disk.exists(path)
    }

    fn names(&self, path: &Path) -> Result<Vec<String>, StorageError> {
        Disk.names(path)
    }

    fn lock(&self, path: &Path) -> Result<Option<Box<dyn RunLock>>, StorageError> {
        Disk.lock(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_replace_one_file_at_once_leave_it_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stimulus.wav");
        let content = vec![7u8; 100_000];
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..10).for_each(|_| Disk.replace(&path, &content).unwrap()));
            }
        });
        assert_eq!(Disk.read(&path).unwrap(), content);
        assert_eq!(Disk.names(folder.path()).unwrap(), ["stimulus.wav"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_points_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let [target, link, open] =
            ["target.wav", "link.wav", "open.wav"].map(|name| folder.path().join(name));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink("target.wav", &link).unwrap();
        std::os::unix::fs::symlink("later.wav", &open).unwrap();
        Disk.replace(&link, b"new").unwrap();
        Disk.replace(&open, b"late").unwrap();
        assert!(link.is_symlink() && open.is_symlink());
        assert_eq!(Disk.read(&target).unwrap(), b"new");
        assert_eq!(Disk.read(&folder.path().join("later.wav")).unwrap(), b"late");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_written_into() {
        use std::os::unix::net::UnixListener;
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("socket");
        let _held = UnixListener::bind(&device).unwrap();
        // A socket cannot be opened for writing: it has to stay what it is.
        assert!(Disk.replace(&device, b"content").is_err());
        assert!(!fs::metadata(&device).unwrap().is_file());
        assert_eq!(Disk.names(folder.path()).unwrap(), ["socket"]);
    }
}
