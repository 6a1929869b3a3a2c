//! `lombard evaluate`: judges the stored captures of a run again.

use std::path::PathBuf;

use clap::Args;

use super::run;
use super::settings::Settings;
use crate::run::RunError;

/// Judge the stored captures of a run again
///
/// No car and no bench are needed. With another plan (another edition) or with overlays (the lab's own limits) the
/// verdicts may change; what was recorded does not. Each judgement is kept beside the earlier ones.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard evaluate runs/2026-11-22T14-05-00-quick-wb
  lombard evaluate 2026-11-22T14-05-00-quick-wb --overlay our-limits.toml

Exit codes: as for `lombard run`.")]
pub(super) struct Evaluate {
    /// Folder of the run, or its name in the folder of runs
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// Plan to judge by, instead of the run's own
    #[arg(long, value_name = "FILE")]
    plan: Option<String>,

    /// Overlay on top of the run's own ones; may be given several times, the last has the last word
    #[arg(long, value_name = "FILE")]
    overlay: Vec<String>,

    #[command(flatten)]
    told: run::Told,
}

impl Evaluate {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        self.told.prepare()?;
        let path = settings.run(&self.run)?;
        let view = settings.engine.evaluate(&path, self.plan.as_deref(), &self.overlay)?;
        self.told.show(&view)
    }
}
