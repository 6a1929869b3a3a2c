//! What a run is asked for beside its plan: the same words for `lombard run` and for the window that opens with them.

use std::path::PathBuf;

use clap::Args;

use super::settings::Settings;
use crate::plan;
use crate::run::{BenchChoice, RunRequest};

/// What records, what is recorded, and how.
#[derive(Debug, Args)]
pub(super) struct Wish {
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
}

/// The ids of one `--only`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ids(Vec<String>);

fn ids(text: &str) -> Result<Ids, plan::EmptyId> {
    plan::ids_in(text).map(Ids)
}

impl Wish {
    /// The run of a plan that is asked for.
    pub(super) fn request(self, plan: String, settings: &Settings) -> RunRequest {
        RunRequest {
            plan,
            overlays: self.overlay,
            bench: BenchChoice::of(self.bench, self.car),
            device: self.device,
            only: self.only.into_iter().flat_map(|ids| ids.0).collect(),
            seed: self.seed,
            runs: self.out.unwrap_or_else(|| settings.runs.clone()),
            repeats: self.repeats,
        }
    }
}
