//! `lombard signal import`: takes in the lab's own copies of licensed recordings.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::output;
use crate::cli::settings::Settings;
use crate::problem::SourceText;
use crate::report::wording;
use crate::run::RunError;
use crate::signals::Catalogue;
use crate::signals::import::{self, Matched, RECORD};
use crate::store::folder::FolderError;
use crate::store::storage::{Disk, Storage, StorageError};

/// Folders below the one given that are looked into.
const DEPTH_MAX: usize = 4;
/// Files and folders that are looked at.
const FILES_MAX: usize = 20_000;
/// The largest recording that is read: far above two minutes of 24 bit stereo at 192 kHz.
const BYTES_MAX: u64 = 512 << 20;

/// Import licensed recordings: the lab's own copies of the P.501 attachments
///
/// Recognizes the recordings among the WAV files of DIR and of the folders in it by name, channels, rate and length,
/// and copies them unchanged into signals/licensed/ of the first data folder, with a record of where each came from.
/// From then on they take the place of the method-equivalent signals.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard signal import ~/Downloads/T-REC-P.501-attachment
  lombard signal import P501 --data lab-data

Exit codes: 0 something was imported, 2 nothing usable was found, 4 the disk failed.")]
pub(crate) struct Import {
    /// Folder with the recordings
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Import {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        let library = settings.engine.library(&settings.engine.sources(None))?;
        let catalogue = library.catalogue();
        let files = candidates(catalogue, &self.folder)?;
        let matched = import::match_licensed(catalogue, &files);
        let (data, is_named) = &settings.imports;
        let target = data.join("signals").join("licensed");
        let mut text = String::new();
        if !matched.imported.is_empty() {
            store(&matched, &target)?;
            let _ = writeln!(text, "imported into {}", target.display());
        }
        tell(&matched, &mut text);
        if !is_named && !matched.imported.is_empty() {
            text.push_str(&unnamed(data));
        }
        output::result(&text)?;
        if matched.imported.is_empty() {
            return Err(RunError::Usage(format!(
                "nothing in {} is usable as a licensed recording; the names and lengths that are looked for \
                 stand in signals/catalogue.toml",
                self.folder.display()
            )));
        }
        Ok(0)
    }
}

/// Tells that a data folder was made where nobody named one.
pub(super) fn unnamed(data: &Path) -> String {
    format!(
        "no data folder was named (--data, LOMBARD_DATA): {} was made, and is used wherever lombard runs beside it\n",
        data.display()
    )
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> RunError {
    let path = path.to_owned();
    move |cause| RunError::Storage(FolderError::Storage(StorageError { action, path, cause }))
}

/// The WAV files below `folder` whose names fit, in the order of the alphabet.
fn candidates(catalogue: &Catalogue, folder: &Path) -> Result<Vec<(String, Vec<u8>)>, RunError> {
    if !folder.is_dir() {
        return Err(RunError::Usage(format!("{} is no folder", folder.display())));
    }
    let mut files = Vec::new();
    let mut open = vec![(folder.to_owned(), 0)];
    let mut count = 0;
    while let Some((folder, depth)) = open.pop() {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(&folder)
            .and_then(|all| all.map(|one| one.map(|one| one.path())).collect())
            .map_err(failed("cannot list", &folder))?;
        entries.sort();
        for path in entries {
            count += 1;
            if count > FILES_MAX {
                return Err(RunError::Usage(format!(
                    "there are more than {FILES_MAX} files: name the folder of the recordings itself"
                )));
            }
            if path.is_dir() {
                if depth < DEPTH_MAX {
                    open.push((path, depth + 1));
                }
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_wav = path.extension().is_some_and(|one| one.eq_ignore_ascii_case("wav"));
            if !is_wav || !import::is_candidate(catalogue, &name) {
                continue;
            }
            let size = std::fs::metadata(&path).map_err(failed("cannot read", &path))?.len();
            if size > BYTES_MAX {
                output::tell(&format!("{} is left out: it is larger than any recording\n", path.display()));
                continue;
            }
            files.push((name, std::fs::read(&path).map_err(failed("cannot read", &path))?));
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

/// Copies the recordings, the record last.
fn store(matched: &Matched, target: &Path) -> Result<(), RunError> {
    let path = target.join(RECORD);
    let before = if path.exists() {
        let text = String::from_utf8_lossy(&Disk.read(&path).map_err(FolderError::from)?).into_owned();
        import::read_record(&SourceText::new(path.display().to_string(), text))?
    } else {
        Vec::new()
    };
    Disk.ensure_folder(target).map_err(FolderError::from)?;
    for one in &matched.imported {
        Disk.replace(&target.join(&one.recording.file), &one.bytes).map_err(FolderError::from)?;
    }
    let record = import::record(&import::merged(before, &matched.imported));
    Ok(Disk.replace(&path, record.as_bytes()).map_err(FolderError::from)?)
}

fn tell(matched: &Matched, text: &mut String) {
    for one in &matched.imported {
        let recording = &one.recording;
        let _ = writeln!(
            text,
            "  imported  {}: {} as {}, {} Hz, {}",
            recording.id,
            recording.from,
            recording.file,
            recording.rate,
            wording::duration(recording.seconds)
        );
    }
    for one in &matched.rejected {
        let _ = writeln!(text, "  rejected  {}: {}: {}", one.id, one.from, one.reason);
    }
    let is_rejected = |id: &str| matched.rejected.iter().any(|one| one.id == id);
    for one in matched.missing.iter().filter(|one| !is_rejected(&one.id)) {
        let _ = writeln!(text, "  missing   {}: {} ({})", one.id, one.title, one.clause);
    }
}
