//! The meters against truths of other origin: formulas, tables, tools of other makers.
//!
//! Each file makes its residuals once; its own tests hold them and show that each check can fail, and `accuracy` prints
//! them.

mod activation;
mod bands;
mod delay;
mod distortion;
mod double_talk;
mod echo_attenuation;
mod levels;
mod noise_change;
mod quality;
mod ratings;
mod reference;
mod resampling;
pub(crate) mod residual;
mod separation;
mod sound;

use residual::Residual;

/// Every residual, those of one meter together, in the order of `lombard measure --help`.
pub(crate) fn residuals() -> Vec<Residual> {
    let files = [
        &*reference::RESIDUALS,
        &*levels::RESIDUALS,
        &*bands::RESIDUALS,
        &*delay::RESIDUALS,
        &*ratings::RESIDUALS,
        &*echo_attenuation::RESIDUALS,
        &*separation::RESIDUALS,
        &*distortion::RESIDUALS,
        &*activation::RESIDUALS,
        &*double_talk::RESIDUALS,
        &*noise_change::RESIDUALS,
        &*quality::RESIDUALS,
        &*resampling::RESIDUALS,
    ];
    let mut all: Vec<Residual> = files.into_iter().flatten().cloned().collect();
    let meters: Vec<&str> = all.iter().map(|one| one.meter).collect();
    all.sort_by_key(|one| meters.iter().position(|meter| *meter == one.meter));
    all
}
