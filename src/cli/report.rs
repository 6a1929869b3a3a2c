//! `lombard report`: writes the reports of a run.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::output;
use super::settings::Settings;
use crate::report;
use crate::run::RunError;
use crate::run::view::RunView;
use crate::store::folder::FolderError;
use crate::store::storage::{Disk, Storage};

/// Write the report of a run
///
/// The report shows the last judgement of the run. The HTML file is complete in itself, on screen and on paper; CSV has
/// one row for each finding and judgement; JSON has everything; JUnit XML has one test case for each entry.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard report runs/2026-11-22T14-05-00-quick-wb
  lombard report 2026-11-22T14-05-00-quick-wb --format html,csv,json --out for-the-customer

Exit codes: 0 written, 2 bad input, 4 the disk failed.")]
pub(super) struct Report {
    /// Folder of the run, or its name in the folder of runs
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// What to write, with commas between
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', default_value = "html")]
    format: Vec<Format>,

    /// Folder for the files; without it reports/ in the folder of the run
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One self-contained page for people
    Html,
    /// A table for spreadsheets
    Csv,
    /// One object for programs
    Json,
    /// Test cases for continuous integration
    Junit,
}

impl Format {
    const fn file(self) -> &'static str {
        match self {
            Self::Html => "report.html",
            Self::Csv => "report.csv",
            Self::Json => "report.json",
            Self::Junit => "report.xml",
        }
    }

    fn text(self, view: &RunView) -> String {
        match self {
            Self::Html => report::html(view),
            Self::Csv => report::csv(view),
            Self::Json => report::json(view),
            Self::Junit => report::junit(view),
        }
    }
}

impl Report {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        let path = settings.run(&self.run)?;
        let view = settings.engine.open(&path)?;
        let folder = self.out.unwrap_or_else(|| view.path.join("reports"));
        Disk.ensure_folder(&folder).map_err(FolderError::from)?;
        for (at, format) in self.format.iter().enumerate() {
            if self.format[..at].contains(format) {
                continue;
            }
            let file = folder.join(format.file());
            Disk.replace(&file, format.text(&view).as_bytes()).map_err(FolderError::from)?;
            output::result(&format!("{}\n", file.display()))?;
        }
        Ok(0)
    }
}
