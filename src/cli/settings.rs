//! What every command needs to know beside its own arguments: data folders, the folder of runs, the engine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::document::nearest;
use crate::run::{Engine, RunError};

/// The folder of the runs, unless something else is said.
const RUNS: &str = "runs";
/// The data folder that is used where it exists and nothing else is said.
const DATA: &str = "lombard-data";

/// Where things are.
pub(super) struct Settings {
    /// The engine, with the data folders.
    pub(super) engine: Engine,
    /// The folder of the runs.
    pub(super) runs: PathBuf,
    /// Where imported recordings go, and whether somebody named that folder.
    pub(super) imports: (PathBuf, bool),
}

impl Settings {
    /// From `--data` and the environment. `may_create`: a data folder need not be there yet.
    ///
    /// # Errors
    /// A data folder that is not there.
    pub(super) fn of(
        data: Vec<PathBuf>,
        may_create: bool,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, RunError> {
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        let (named, from) = if data.is_empty() {
            let folders = variable("LOMBARD_DATA").unwrap_or_default();
            let folders = std::env::split_paths(&folders).filter(|folder| !folder.as_os_str().is_empty());
            (folders.collect(), "LOMBARD_DATA")
        } else {
            (data, "--data")
        };
        if let Some(absent) = named.iter().find(|folder| !may_create && !folder.is_dir()) {
            return Err(RunError::Usage(format!("{from} names {}, which is no folder", absent.display())));
        }
        let imports = named.first().map_or((PathBuf::from(DATA), false), |first| (first.clone(), true));
        let mut folders = named;
        if folders.is_empty() && Path::new(DATA).is_dir() {
            folders.push(PathBuf::from(DATA));
        }
        let runs = variable("LOMBARD_RUNS").map_or_else(|| PathBuf::from(RUNS), PathBuf::from);
        Ok(Self { engine: Engine::new(folders), runs, imports })
    }

    /// The folder of a run that is given by its path or by its name in the folder of runs.
    ///
    /// # Errors
    /// There is neither.
    pub(super) fn run(&self, given: &Path) -> Result<PathBuf, RunError> {
        let named = self.runs.join(given);
        if given.exists() {
            return Ok(given.to_owned());
        }
        if named.exists() {
            return Ok(named);
        }
        let names: Vec<String> = std::fs::read_dir(&self.runs)
            .map(|entries| {
                entries.flatten().map(|one| one.file_name().to_string_lossy().into_owned()).collect()
            })
            .unwrap_or_default();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let word = given.file_name().unwrap_or_default().to_string_lossy();
        let near = nearest(&word, &known).map_or(String::new(), |near| format!("did you mean '{near}'? "));
        Err(RunError::Usage(format!(
            "there is no run '{}', and none of that name in {}; {near}`lombard list runs` lists them",
            given.display(),
            self.runs.display()
        )))
    }
}
