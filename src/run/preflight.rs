//! Plans and renders everything once before the car is touched, as far as it is known.

use std::collections::BTreeSet;

use super::RunError;
use super::cores::on_all_cores;
use super::noise::render_noise;
use super::render::{self, RenderError, SignalStore, band_at};
use crate::context::{ASSUMED, BenchInfo, Fact, Facts, PlanCx, VOLUME_NOMINAL};
use crate::entry::EntryId;
use crate::methods::METHODS;
use crate::plan::schedule::PlannedEpoch;
use crate::plan::{self, PlannedEntry, ResolvedPlan, Schedule};
use crate::problem::Problem;
use crate::take::{Action, TakeId, TakeSpec};
use crate::terms::Bandwidth;
use crate::units::{Quantity, Unit};

/// What can be made by itself, before anything is rendered of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Ingredient {
    /// One turn of a noise at its points. These take longest, and come first.
    Noise(String),
    /// A signal, with the band that it is limited to.
    Signal(String, Option<Bandwidth>),
}

/// What can be refused: the noise of a call, or a take of it.
enum Part<'s> {
    Noise(&'s PlannedEpoch),
    Take(&'s PlannedEpoch, &'s TakeSpec, TakeId, &'s [EntryId]),
}

/// Plans and renders everything of a plan on a bench.
///
/// # Errors
/// Every entry that cannot be planned or played, with its place in the plan.
pub(super) fn preflight(
    plan: &ResolvedPlan,
    bench: &BenchInfo,
    signals: &SignalStore,
) -> Result<(), RunError> {
    let entries: Vec<&PlannedEntry> = plan.entries.iter().collect();
    let facts = assumed_facts(&entries, bench);
    let cx = PlanCx { bench, facts: &facts, signals: signals.library() };
    let schedule = plan::schedule(&entries, METHODS, &cx);
    let ingredients: Vec<Ingredient> = ingredients(&schedule).into_iter().collect();
    // What cannot be made is told where it is to be played.
    on_all_cores(&ingredients, |one| match one {
        Ingredient::Noise(signal) => drop(signals.turns(signal)),
        Ingredient::Signal(signal, band) => drop(signals.get(signal, *band)),
    });
    let parts: Vec<Part<'_>> = schedule.epochs.iter().flat_map(parts).collect();
    let errors = on_all_cores(&parts, |part| render_part(part, bench, signals));
    let mut problems: Vec<Problem> = schedule.refused.into_iter().flat_map(|one| one.problems).collect();
    let mut refused: BTreeSet<String> = BTreeSet::new();
    for (part, error) in parts.iter().zip(errors) {
        let Some(error) = error else { continue };
        let (entries, what, remedy) = match part {
            Part::Noise(epoch) => (&epoch.entries[..], "a background noise", remedy_of(&error)),
            Part::Take(_, _, _, entries) => (*entries, "a take", "change level, signal or bench"),
        };
        let entry = entries.first().and_then(|id| plan.entry(id));
        if let Some(entry) = entry.filter(|_| refused.insert(error.to_string())) {
            problems.push(Problem {
                title: format!("entry '{}' cannot be played", entry.entry.id),
                place: entry.place.clone(),
                found: error.to_string(),
                expected: format!("{what} that the bench '{}' can play and record", bench.name),
                remedy: remedy.to_owned(),
            });
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(RunError::Input(problems)) }
}

fn ingredients(schedule: &Schedule) -> BTreeSet<Ingredient> {
    let mut all = BTreeSet::new();
    for epoch in &schedule.epochs {
        all.extend(epoch.spec.noise.iter().map(|bed| Ingredient::Noise(bed.signal.clone())));
        let takes = epoch.spec.preamble.iter().chain(epoch.takes.iter().map(|take| &take.spec));
        for cue in takes.flat_map(|take| &take.cues) {
            if let Action::Play { port, signal, .. } = &cue.action {
                all.insert(Ingredient::Signal(signal.clone(), band_at(port, epoch.spec.call.bandwidth)));
            }
        }
    }
    all
}

fn parts(epoch: &PlannedEpoch) -> Vec<Part<'_>> {
    let noise = epoch.spec.noise.iter().map(|_| Part::Noise(epoch));
    let preamble = epoch.spec.preamble.iter();
    let preamble = preamble.map(|take| Part::Take(epoch, take, take.id(&epoch.key), &epoch.entries));
    let takes = epoch.takes.iter();
    let takes = takes.map(|take| Part::Take(epoch, &take.spec, take.id.clone(), &take.entries));
    noise.chain(preamble).chain(takes).collect()
}

fn render_part(part: &Part<'_>, bench: &BenchInfo, signals: &SignalStore) -> Option<RenderError> {
    match part {
        Part::Noise(epoch) => render_noise(epoch.spec.noise.as_ref()?, bench, signals).err(),
        Part::Take(epoch, spec, id, _) => {
            let call = render::Call { epoch: &epoch.key, bandwidth: epoch.spec.call.bandwidth, from: 0 };
            render::render(spec, id, &call, bench, signals).err()
        }
    }
}

fn remedy_of(error: &RenderError) -> &'static str {
    if matches!(error, RenderError::Clips { .. }) {
        "turn the amplifier of the loudspeaker up and calibrate its port again, share the noise among more loudspeakers, or take \
         the entry out in a plan of your own with 'base' and 'remove'"
    } else {
        "bind the loudspeakers of the noise in the bench file, or take the entry out in a plan of your own with 'base' and \
         'remove'"
    }
}

/// Facts for a planning before they are known. The numbers that count are found in the run.
pub(super) fn assumed_facts(entries: &[&PlannedEntry], bench: &BenchInfo) -> Facts {
    let mut facts = Facts::default();
    for key in entries.iter().flat_map(|one| &one.facts_needed) {
        let value = if key == VOLUME_NOMINAL { bench.volume_step_count / 2 } else { 0 };
        let value = Quantity::new(f64::from(value), Unit::Step);
        facts.0.insert(key.clone(), Fact::new(value.into(), EntryId::new(ASSUMED, &[])));
    }
    facts
}
