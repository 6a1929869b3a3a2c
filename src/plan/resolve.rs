//! From the plan as written to entries with limits: includes, differences, expansion, checks.

use crate::context::SignalBook;
use crate::methods::Method;
use crate::plan::{ResolvedPlan, Sources};
use crate::problem::{Problem, SourceText};

/// What a plan is resolved against.
#[derive(Clone, Copy)]
pub struct ResolveCx<'a> {
    /// Where included files, limits and masks come from.
    pub sources: &'a dyn Sources,
    /// The methods, as [`crate::methods::METHODS`].
    pub methods: &'a [&'a dyn Method],
    /// The signals of the catalogue.
    pub signals: &'a dyn SignalBook,
}

/// Resolves `plan` with the lab's `overlays`, which have the last word in their order.
///
/// # Errors
/// Every problem of every file, with its place.
pub fn resolve(
    plan: &SourceText,
    overlays: &[SourceText],
    cx: &ResolveCx<'_>,
) -> Result<ResolvedPlan, Vec<Problem>> {
    let _ = (overlays, cx);
    Err(vec![Problem {
        title: "plans cannot be resolved yet".to_owned(),
        place: plan.start(),
        found: String::new(),
        expected: String::new(),
        remedy: String::new(),
    }])
}
