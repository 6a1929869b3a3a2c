//! `lombard gui`, and no command at all: what the window starts with. `main` opens it; faces do not know each other.

use std::path::{Path, PathBuf};

use clap::Args;

use super::settings::Settings;
use crate::run::Engine;

/// Open the window
///
/// With a plan it is ready to be started, with a run its verdicts and curves are shown. The window opens also when
/// there is no command at all.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard gui
  lombard gui quick-wb
  lombard gui runs/2026-11-22T14-05-00-quick-wb")]
pub(super) struct Gui {
    /// Plan or run to open
    #[arg(value_name = "PLAN|RUN")]
    pub(super) open: Option<String>,
}

/// What the window starts with.
pub struct Window {
    /// The engine, with the data folders.
    pub engine: Engine,
    /// The folder of the runs.
    pub runs: PathBuf,
    /// A plan or a run to open.
    pub open: Option<String>,
}

impl Window {
    pub(super) fn new(settings: Settings, open: Option<String>) -> Self {
        // As everywhere, a run may be named by its folder in the folder of runs.
        let named = |open: String| {
            let run = settings.runs.join(&open);
            let is_run = !Path::new(&open).exists() && run.is_dir();
            if is_run { run.display().to_string() } else { open }
        };
        Self { open: open.map(named), engine: settings.engine, runs: settings.runs }
    }
}
