//! `lombard run`: records a plan and judges it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::monitor::Listen;
use super::settings::Settings;
use super::{json, live, output, verdicts};
use crate::report;
use crate::run::view::RunView;
use crate::run::{BenchChoice, Engine, Monitor, RunError, RunRequest};
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

    /// Live bench that records: a bench file, or the name of one
    #[arg(long, value_name = "FILE", conflicts_with = "car")]
    bench: Option<String>,

    /// Virtual car that is recorded: a car file, or the name of one; without it and --bench the plan's own
    #[arg(long, value_name = "FILE")]
    car: Option<String>,

    /// Record of the device under test: name, software build, settings
    #[arg(long, value_name = "FILE")]
    device: Option<String>,

    /// Overlay with the lab's own limits; may be given several times, the last has the last word
    #[arg(long, value_name = "FILE")]
    overlay: Vec<String>,

    /// Run these entries only, with those that find facts for them; an id without its conditions means all of them
    #[arg(long, value_name = "ID,ID", value_parser = ids)]
    only: Vec<Ids>,

    /// Seed of everything random: one seed gives the same findings on one machine
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// How often a take is recorded again whose certificate is bad, 0 to 10; without it twice
    #[arg(long, value_name = "N")]
    repeats: Option<u32>,

    /// Folder in which the folder of the run is made; without it LOMBARD_RUNS or ./runs
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

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

/// The ids of one `--only`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ids(Vec<String>);

/// Ids with commas between them. Conditions have commas of their own: `slr[talker=driver,volume=nominal],rlr`.
fn ids(text: &str) -> Result<Ids, String> {
    let mut all = vec![String::new()];
    let mut depth = 0_usize;
    for letter in text.chars() {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = all.last_mut() {
            last.push(letter);
        }
    }
    let all: Vec<String> = all.iter().map(|id| id.trim().to_owned()).collect();
    if all.iter().any(String::is_empty) {
        return Err("an id is empty; write ids as `lombard check` and reports do, with commas between them"
            .to_owned());
    }
    Ok(Ids(all))
}

impl Run {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        let monitor = Monitor::new();
        monitor.listen(self.listen.wish()?);
        self.told.prepare()?;
        let bench = BenchChoice::of(self.bench, self.car);
        let request = RunRequest {
            plan: self.plan,
            overlays: self.overlay,
            bench,
            device: self.device,
            only: self.only.into_iter().flat_map(|ids| ids.0).collect(),
            seed: self.seed,
            runs: self.out.unwrap_or_else(|| settings.runs.clone()),
            repeats: self.repeats,
        };
        let (engine, told) = (&settings.engine.clone().with_monitor(monitor), &self.told);
        let view = live::show(
            |listener, stop| engine.record(&request, listener, stop),
            |run| told.rescue(engine, run),
        )?;
        told.show(&view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_inside_conditions_do_not_part_ids() {
        let found = ids("slr[talker=driver,volume=nominal], rlr").unwrap();
        assert_eq!(found.0, ["slr[talker=driver,volume=nominal]", "rlr"]);
        assert_eq!(ids("a]b,c").unwrap().0, ["a]b", "c"]);
        for empty in ["", ",", "slr,", " "] {
            assert!(ids(empty).is_err(), "'{empty}' would run everything");
        }
    }
}
