//! What a run is made from, as its folder keeps it.

use super::benches::{CAR, RIG};
use super::clock;
use super::device::DEVICE;
use super::engine::RunRequest;
use crate::context::BenchInfo;
use crate::plan::{Input, ResolvedPlan};
use crate::store::folder::{InputRecord, Manifest, hash_of_text};
use crate::store::wire::FORMAT;

/// The copy of the plan.
pub(super) const PLAN: &str = "plan.toml";
/// What the copies of overlays begin with.
pub(super) const OVERLAY_PREFIX: &str = "overlay-";

/// An input with its hash.
pub(super) fn record_of(input: &Input) -> InputRecord {
    InputRecord {
        file: input.file.clone(),
        name: input.text.name.to_string(),
        sha256: hash_of_text(input.text.text.as_bytes()),
    }
}

/// What a run is made from, before its program under test is known.
pub(super) fn manifest_of(request: &RunRequest, plan: &ResolvedPlan, bench: &BenchInfo) -> Manifest {
    let has = |file: &str| plan.inputs.iter().any(|input| input.file == file).then(|| file.to_owned());
    Manifest {
        format: FORMAT,
        started_at: clock::now(),
        software: crate::SOFTWARE.to_owned(),
        seed: request.seed,
        plan: PLAN.to_owned(),
        overlays: plan
            .inputs
            .iter()
            .map(|input| input.file.clone())
            .filter(|file| file.starts_with(OVERLAY_PREFIX))
            .collect(),
        car: has(CAR),
        rig: has(RIG),
        device: has(DEVICE),
        program: None,
        only: request.only.clone(),
        repeats: request.repeats,
        bench: bench.into(),
        inputs: plan.inputs.iter().map(record_of).collect(),
    }
}
