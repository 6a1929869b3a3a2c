//! `lombard store-reference`: keeps what a reference run found as a calibration record.

use std::path::PathBuf;

use clap::Args;

use super::output;
use super::settings::Settings;
use crate::run::{RecordWish, RunError};

/// Write what the reference run of a run found as a calibration record
///
/// Delay, response and noise of the network simulator belong to its codec and mode. Measure each once, keep the records in
/// calibration/ledger/ and name them in the bench file (`references` of [network]): runs without a reference run of their
/// own begin with the one that is for their codec, mode and band, until its last day.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard store-reference runs/2026-11-22T14-05-00-quick-wb --id simulator-g722 \\
    --instrument 'simulator 4711, software 3.2' --by 'A. Person' > calibration/ledger/simulator-g722.toml

Exit codes: 0 written, 2 the run has nothing to keep.")]
pub(super) struct StoreReference {
    /// Folder of the run, or its name in the folder of runs
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// Id of the record; its file is named after it
    #[arg(long)]
    id: String,

    /// The simulator, with its serial number and software
    #[arg(long, value_name = "TEXT")]
    instrument: String,

    /// Who made the run
    #[arg(long, value_name = "TEXT")]
    by: String,

    /// For how many days it holds, from the day of the run on
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    days: u32,
}

impl StoreReference {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        let path = settings.run(&self.run)?;
        let wish = RecordWish { id: self.id, instrument: self.instrument, by: self.by, days: self.days };
        output::result(&settings.engine.reference_record(&path, &wish)?.text())?;
        Ok(0)
    }
}
