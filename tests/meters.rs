//! The meters against truths of other origin: formulas, tables, tools of other makers.
//!
//! Each file makes its residuals once; its own tests hold them and show that each check can fail, and `accuracy` prints
//! them.

mod activation;
mod distortion;
mod double_talk;
mod echo_attenuation;
mod noise_change;
mod quality;
mod ratings;
mod reference;
pub(crate) mod residual;

use residual::Residual;

/// Every residual, in the order of `lombard measure --help`.
pub(crate) fn residuals() -> Vec<Residual> {
    [
        &*reference::RESIDUALS,
        &*ratings::RESIDUALS,
        &*echo_attenuation::RESIDUALS,
        &*distortion::RESIDUALS,
        &*activation::RESIDUALS,
        &*double_talk::RESIDUALS,
        &*noise_change::RESIDUALS,
        &*quality::RESIDUALS,
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect()
}
