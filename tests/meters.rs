//! The meters against truths of other origin: formulas, tables, tools of other makers.
//!
//! Each file makes its residuals once; its own tests hold them and show that each check can fail, and `accuracy` prints
//! them.

mod quality;
mod ratings;
mod reference;
pub(crate) mod residual;

use residual::Residual;

/// Every residual, in the order of `lombard measure --help`.
pub(crate) fn residuals() -> Vec<Residual> {
    [&*reference::RESIDUALS, &*ratings::RESIDUALS, &*quality::RESIDUALS]
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}
