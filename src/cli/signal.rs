//! `lombard signal`: test signals as files, and the lab's own licensed recordings.

use clap::Subcommand;

use super::settings::Settings;
use crate::run::RunError;

mod import;
mod render;

/// Render a test signal as a WAV file, or import licensed recordings
#[derive(Debug, Subcommand)]
pub(super) enum Signal {
    Render(render::Render),
    Import(import::Import),
}

impl Signal {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        match self {
            Self::Render(render) => render.run(settings),
            Self::Import(import) => import.run(settings),
        }
    }
}
