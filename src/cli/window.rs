//! `lombard gui`, and no command at all: what the window starts with. `main` opens it; faces do not know each other.

use std::path::Path;

use clap::Args;

use super::settings::Settings;
use super::wish::Wish;
use crate::run::{Engine, RunRequest};

/// Open the window
///
/// With a plan it is ready to be started, with a run its verdicts and curves are shown. The window opens also when
/// there is no command at all. The options are those of `lombard run`: the window begins with them, and all of them can be
/// changed in it.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard gui
  lombard gui quick-wb
  lombard gui p1110-2025-10 --bench lab2 --device head-unit-7 --overlay our-limits.toml
  lombard gui runs/2026-11-22T14-05-00-quick-wb")]
pub(super) struct Gui {
    /// Plan or run to open
    #[arg(value_name = "PLAN|RUN")]
    open: Option<String>,

    #[command(flatten)]
    wish: Wish,
}

/// What the window starts with.
pub struct Window {
    /// The engine, with the data folders.
    pub engine: Engine,
    /// What the form begins with: bench or car, options, the folder of the runs. Its plan is empty.
    pub wish: RunRequest,
    /// A plan or a run to open.
    pub open: Option<String>,
}

impl Gui {
    pub(super) fn window(self, settings: Settings) -> Window {
        let wish = self.wish.request(String::new(), &settings);
        // As everywhere, a run may be named by its folder in the folder of runs.
        let named = |open: String| {
            let run = wish.runs.join(&open);
            let is_run = !Path::new(&open).exists() && run.is_dir();
            if is_run { run.display().to_string() } else { open }
        };
        Window { open: self.open.map(named), engine: settings.engine, wish }
    }
}

impl Window {
    /// A window without anything in it.
    pub(super) fn empty(settings: Settings) -> Self {
        let wish = RunRequest { runs: settings.runs, ..RunRequest::default() };
        Self { engine: settings.engine, wish, open: None }
    }
}
