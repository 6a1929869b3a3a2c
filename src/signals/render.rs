//! Scales a signal to a playback level, and refuses what would clip.

use super::{LevelBasis, Signal};
use crate::units::{Db, DbOv};

/// Why a signal cannot be played at a level.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// A sample would be beyond full scale.
    #[error(
        "the signal would clip: at {level} its peak is {peak}, {:.2} dB over full scale; \
         lower the level by that much or use a variant with a lower crest factor", rounded_up(*excess).0
    )]
    Clips {
        /// The level asked for.
        level: DbOv,
        /// The highest sample, relative to full scale.
        peak: DbOv,
        /// How far that is over full scale.
        excess: Db,
    },
    /// The level is not finite.
    #[error("the level is not a finite number")]
    Level,
}

/// An excess as it is told: up to the next 0.01 dB, so that lowering a level by it is enough.
pub fn rounded_up(excess: Db) -> Db {
    Db(libm::ceil(100.0 * excess.0) / 100.0)
}

/// The samples of `signal` at `level` on its own basis, inside ±1.0. Silence stays silence.
///
/// # Errors
/// [`RenderError::Clips`] with the excess, if any sample would be beyond full scale.
pub fn at_level(signal: &Signal, level: DbOv) -> Result<Vec<f64>, RenderError> {
    if !level.decibels().is_finite() {
        return Err(RenderError::Level);
    }
    if signal.level_basis == LevelBasis::Silent {
        return Ok(signal.samples.clone());
    }
    let gain = libm::pow(10.0, level.decibels() / 20.0);
    let peak = level + signal.crest();
    if peak.decibels() > 0.0 {
        return Err(RenderError::Clips { level, peak, excess: Db(peak.decibels()) });
    }
    Ok(signal.samples.iter().map(|x| gain * x).collect())
}
