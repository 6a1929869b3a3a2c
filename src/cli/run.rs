//! `lombard run`: records a plan and judges it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::monitor::Listen;
use super::settings::Settings;
use super::wish::Wish;
use super::{json, live, output, verdicts};
use crate::report;
use crate::run::view::RunView;
use crate::run::{Engine, Monitor, RunError};
use crate::store::folder::FolderError;
use crate::store::storage::{Disk, Storage};

/// Record a plan and judge it
///
/// Every call is set up, recorded and judged while the next one is recorded. What is recorded is on disk before it is
/// reported: a run that was stopped or killed goes on with `lombard resume`.
///
/// Progress is told on standard error: a bar on a terminal, a line for each event elsewhere. Ctrl-C stops within
/// 100 ms; a second Ctrl-C ends at once.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard run quick-wb                                        on the plan's virtual car
  lombard run quick-wb --only slr,coupling_loss[volume=maximum]
  lombard run my-plan.toml --bench lab2 --device head-unit-7 --overlay our-limits.toml
  lombard run quick-wb --json > result.json
  lombard run p1110-2025-10 --car our-canceller.toml --junit result.xml

Exit codes: 0 pass or measured, 1 fail, 2 bad input, 3 inconclusive, aborted or incomplete,
4 bench error without a fail.")]
pub(super) struct Run {
    /// Plan file, or name of a plan
    #[arg(value_name = "PLAN")]
    plan: String,

    #[command(flatten)]
    wish: Wish,

    #[command(flatten)]
    listen: Listen,

    #[command(flatten)]
    told: Told,
}

/// How the end of a run is told.
#[derive(Debug, Args)]
pub(super) struct Told {
    /// Print one JSON object and nothing else on standard output
    #[arg(long)]
    json: bool,

    /// Write the result as JUnit XML for continuous integration, also when the run is stopped early or fails; an older file
    /// of that name is removed at the beginning
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl Told {
    /// Sees to it, before anything else is done, that the file can be written and that no older one is taken for it.
    pub(super) fn prepare(&self) -> Result<(), RunError> {
        let Some(file) = &self.junit else { return Ok(()) };
        if file.is_dir() {
            let file = file.display();
            return Err(RunError::Usage(format!(
                "--junit names {file}, which is a folder; name a file in it"
            )));
        }
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Disk.ensure_folder(folder).map_err(FolderError::from)?;
        }
        if file.is_file() {
            let refused = |cause| {
                RunError::Usage(format!("--junit: cannot remove the old {}: {cause}", file.display()))
            };
            std::fs::remove_file(file).map_err(refused)?;
        }
        Ok(())
    }

    /// Tells the end of a run and gives its exit code.
    pub(super) fn show(&self, view: &RunView) -> Result<u8, RunError> {
        self.write_junit(view)?;
        output::result(&if self.json { json::text(view)? } else { verdicts::text(view) })?;
        Ok(view.exit_code())
    }

    /// Tells what there is of a run that failed, for those who read the file and not standard error.
    pub(super) fn rescue(&self, engine: &Engine, run: &Path) {
        // The error itself is told; that nothing can be added to it is no second one.
        if self.junit.is_some() {
            drop(engine.open(run).and_then(|view| self.write_junit(&view)));
        }
    }

    fn write_junit(&self, view: &RunView) -> Result<(), RunError> {
        let Some(file) = &self.junit else { return Ok(()) };
        Ok(Disk.replace(file, report::junit(view).as_bytes()).map_err(FolderError::from)?)
    }
}

impl Run {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        let monitor = Monitor::new();
        monitor.listen(self.listen.wish()?);
        self.told.prepare()?;
        let request = self.wish.request(self.plan, settings);
        let (engine, told) = (&settings.engine.clone().with_monitor(monitor), &self.told);
        let view = live::show(
            |listener, stop| engine.record(&request, listener, stop),
            |run| told.rescue(engine, run),
        )?;
        told.show(&view)
    }
}
