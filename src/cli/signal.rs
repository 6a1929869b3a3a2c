//! `lombard signal`: test signals as files and pictures, and the lab's own recordings.

use clap::Subcommand;

use super::settings::Settings;
use crate::run::RunError;

mod import;
mod import_noise;
mod render;

/// Render a test signal as a WAV file or a picture, or import recordings
#[derive(Debug, Subcommand)]
pub(super) enum Signal {
    Render(render::Render),
    Import(import::Import),
    ImportNoise(import_noise::ImportNoise),
}

impl Signal {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        match self {
            Self::Render(render) => render.run(settings),
            Self::Import(import) => import.run(settings),
            Self::ImportNoise(import) => import.run(settings),
        }
    }
}
