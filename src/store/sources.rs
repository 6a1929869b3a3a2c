//! Texts on the disk: beside the plan, then in the data folders, then built in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::storage::Storage;
use crate::plan::sources::{Folder, Sources, is_name};
use crate::problem::SourceText;

/// The files of one folder tree.
pub struct Files {
    storage: Arc<dyn Storage>,
    root: PathBuf,
    /// Whether the folders stand directly below `root`, as beside a plan (`limits/`), or with their
    /// paths as in a data folder (`test-plans/limits/`).
    beside_plan: bool,
}

impl Files {
    /// The files beside a plan.
    pub fn beside(storage: Arc<dyn Storage>, plan: &Path) -> Self {
        let root = plan.parent().map_or_else(PathBuf::new, Path::to_owned);
        Self { storage, root, beside_plan: true }
    }

    /// The files of a data folder.
    pub fn data(storage: Arc<dyn Storage>, root: &Path) -> Self {
        Self { storage, root: root.to_owned(), beside_plan: false }
    }

    fn folder(&self, folder: Folder) -> PathBuf {
        match (self.beside_plan, folder) {
            (true, Folder::Plans) => self.root.clone(),
            (true, _) => self.root.join(folder.word()),
            (false, _) => self.root.join(folder.path()),
        }
    }
}

impl Sources for Files {
    fn read(&self, folder: Folder, name: &str) -> Option<SourceText> {
        let path = is_name(name).then(|| self.folder(folder).join(format!("{name}.toml")))?;
        if !self.storage.exists(&path) {
            return None;
        }
        let bytes = self.storage.read(&path).ok()?;
        // Text that is no UTF-8 is read on with its marks, so that the reader reports the place.
        Some(SourceText::new(path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn names(&self, folder: Folder) -> Vec<String> {
        let names = self.storage.names(&self.folder(folder)).unwrap_or_default();
        names.iter().filter_map(|name| name.strip_suffix(".toml").map(str::to_owned)).collect()
    }
}
