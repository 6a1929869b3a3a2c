//! `lombard resume`: takes a run up again.

use std::path::PathBuf;

use clap::Args;

use super::settings::Settings;
use super::{live, run};
use crate::bench::StopFlag;
use crate::run::{RunError, Update};

/// Go on with a run that was stopped or killed
///
/// Records what is missing and judges everything. Finished takes are never recorded again; the call that was
/// interrupted is set up anew, and its preamble is replayed.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  lombard resume runs/2026-11-22T14-05-00-quick-wb
  lombard resume 2026-11-22T14-05-00-quick-wb --accept     the set-up moved, and that is known

Exit codes: as for `lombard run`.")]
pub(super) struct Resume {
    /// Folder of the run, or its name in the folder of runs
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// Accept what the run stopped to ask about, and go on with everything as it is; without it, checks that asked are
    /// made again first
    #[arg(long)]
    accept: bool,

    #[command(flatten)]
    told: run::Told,
}

impl Resume {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        self.told.prepare()?;
        let path = settings.run(&self.run)?;
        let (engine, told) = (&settings.engine, &self.told);
        let work = |listener: &(dyn Fn(Update<'_>) + Sync), stop: &StopFlag| {
            if self.accept {
                engine.resume_accepting(&path, listener, stop)
            } else {
                engine.resume(&path, listener, stop)
            }
        };
        let view = live::show(work, |run| told.rescue(engine, run))?;
        told.show(&view)
    }
}
