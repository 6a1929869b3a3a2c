//! A run: acquisition, evaluation, and the view that every face shows.
//!
//! [`Engine`] is what faces call; they hear of everything through [`Update`].

use std::sync::Arc;

use crate::event::{Event, Telemetry};
use crate::problem::Problem;
use crate::run::view::RunView;
use crate::store::folder::FolderError;

mod acquire;
mod attempts;
mod bandwidth;
mod benches;
mod call;
pub mod clock;
mod cores;
mod device;
pub mod engine;
pub mod explain;
mod hold;
pub mod listing;
pub mod log;
mod manifest;
pub mod monitor;
pub mod noise;
pub mod outcome;
mod preflight;
mod program;
mod progress;
pub mod recordings;
mod references;
pub mod render;
mod session;
pub mod view;

pub use crate::bench::car::program::end_all as end_programs;
pub use crate::bench::live::{Interface, Way};
pub use attempts::{REPEATS, REPEATS_MAX};
pub use engine::{BenchChoice, Engine, Planned, RunRequest, RunSummary};
pub use monitor::{LISTENING_GAINS_DB, Listening, Monitor};
pub use references::RecordWish;

/// What a face hears while a run is recorded. Called from several threads; it must return at once.
#[derive(Debug, Clone)]
pub enum Update<'a> {
    /// An event, after it was journalled.
    Event(&'a Event),
    /// The run after an entry was judged.
    View(Arc<RunView>),
    /// Something that may be lost.
    Telemetry(&'a Telemetry),
}

/// Why a run could not be recorded, judged or opened.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Files that people wrote are wrong: every problem, with its place.
    #[error("{} problem(s) in the input", .0.len())]
    Input(Vec<Problem>),
    /// What was asked for cannot be done.
    #[error("{0}")]
    Usage(String),
    /// The bench failed before or outside a take.
    #[error("the bench failed: {0}")]
    Bench(String),
    /// The disk failed, or a file of the run is damaged. What was journalled is safe; the run can be resumed.
    #[error(transparent)]
    Storage(#[from] FolderError),
    /// The program failed, or a run does not fit it.
    #[error("{0}")]
    Broken(String),
}

impl RunError {
    /// A thread of the recording panicked, so that what it shared may be half made.
    fn panicked() -> Self {
        Self::Broken("a recording thread panicked".to_owned())
    }

    /// The exit code: 2 for bad input, 4 for everything that is nobody's input.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) | Self::Usage(_) | Self::Storage(FolderError::NoRun(_) | FolderError::Busy(_)) => {
                2
            }
            Self::Bench(_) | Self::Storage(_) | Self::Broken(_) => 4,
        }
    }
}

impl From<Vec<Problem>> for RunError {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Input(problems)
    }
}
