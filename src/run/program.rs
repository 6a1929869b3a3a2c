//! The program under test of a car: found and hashed before anything is recorded, and the same one when a run is taken up.

use std::path::{Path, PathBuf};

use super::RunError;
use super::engine::{BenchChoice, Engine};
use crate::bench::car::file::{command_place, read_car};
use crate::bench::car::program::{CONTRACT, find};
use crate::bench::car::spec::{CarSpec, ProcessSpec, TerminalKind};
use crate::plan::{Folder, ResolvedPlan};
use crate::problem::{Problem, SourceText};
use crate::store::folder::{FolderError, ProgramFile, ProgramRecord, hash_of_text};
use crate::store::storage::Storage;

/// Finds the program of a car and where it runs; `None` where the terminal is none. `before`: as it was when the run began.
///
/// # Errors
/// There is no such program, or it is another one than `before`.
pub(super) fn found(
    spec: &mut CarSpec,
    text: &SourceText,
    storage: &dyn Storage,
    before: Option<&ProgramRecord>,
) -> Result<Option<ProgramRecord>, RunError> {
    let TerminalKind::Process(own) = &mut spec.terminal.kind else { return Ok(None) };
    own.folder = match before {
        // The copy of the car file lies elsewhere.
        Some(before) => PathBuf::from(&before.folder),
        None => std::path::absolute(own.home()).map_err(|error| RunError::Usage(error.to_string()))?,
    };
    let name = own.command.first().map_or("", String::as_str);
    let Some(file) = find(name, &own.folder) else { return Err(RunError::Input(vec![absent(own, text)])) };
    let now = record(own, &file, storage)?;
    if let Some(before) = before {
        same(before, &now)?;
    }
    Ok(Some(now))
}

fn absent(own: &ProcessSpec, text: &SourceText) -> Problem {
    let name = own.command.first().map_or("", String::as_str);
    Problem {
        title: "there is no such program".to_owned(),
        place: command_place(text),
        found: format!("'{name}'"),
        expected: format!(
            "a file below {} where the name is a path, otherwise a program in PATH",
            own.folder.display()
        ),
        remedy: if name.contains(['/', '\\']) {
            "build the program, or correct the path".to_owned()
        } else {
            format!("install the program, or correct the name; a program beside the car file is \"./{name}\"")
        },
    }
}

fn record(own: &ProcessSpec, program: &Path, storage: &dyn Storage) -> Result<ProgramRecord, RunError> {
    let hashed = |file: &str, path: &Path| {
        let content = storage.read(path).map_err(FolderError::from)?;
        Ok::<_, RunError>(ProgramFile { file: file.to_owned(), sha256: hash_of_text(&content) })
    };
    let mut files = Vec::new();
    for (at, word) in own.command.iter().enumerate() {
        let path = if at == 0 { program.to_owned() } else { own.folder.join(word) };
        // Options are no files; a script behind its interpreter is one.
        if at == 0 || (!word.is_empty() && path.is_file()) {
            files.push(hashed(word, &path)?);
        }
    }
    Ok(ProgramRecord { command: own.command_line(), folder: own.folder.display().to_string(), files })
}

/// The files that were there must be as they were. What has come since is no part of the program: it may have written it.
fn same(before: &ProgramRecord, now: &ProgramRecord) -> Result<(), RunError> {
    match before.files.iter().find(|one| !now.files.contains(one)) {
        None => Ok(()),
        Some(one) => Err(RunError::Usage(format!(
            "the program under test is another one than when the run began: {} in {} has changed; bring the old build back to \
             resume, or record the new one in a new run; what this one holds can be judged as it is",
            one.file, before.folder
        ))),
    }
}

impl Engine {
    /// What to say of the car of a choice, beside a plan that was given as `given`, where its terminal is a program.
    ///
    /// # Errors
    /// The car cannot be read.
    pub fn program_under_test(
        &self,
        given: &str,
        choice: &BenchChoice,
        plan: &ResolvedPlan,
    ) -> Result<Option<String>, RunError> {
        let car = match choice {
            BenchChoice::Car(car) => car,
            BenchChoice::PlanDefault => match &plan.default_car {
                Some(car) => car,
                None => return Ok(None),
            },
            BenchChoice::Rig(_) => return Ok(None),
        };
        let path = Path::new(given);
        let sources = self.sources(self.storage.exists(path).then_some(path));
        let spec = read_car(&self.text(&sources, Folder::Cars, car)?)?;
        let TerminalKind::Process(own) = &spec.terminal.kind else { return Ok(None) };
        Ok(Some(format!(
            "{}: {} (contract {CONTRACT}, {} Hz, blocks of {} frames)",
            spec.name,
            own.command_line(),
            own.rate,
            own.block
        )))
    }
}
