//! From the plan as written to entries with limits: bases, overlays, limit files, expansion, checks.
//!
//! Reading comes first, then merging, then entries are built (`plan/entries.rs`) against
//! the limits (`plan/limit_set.rs`). Every step goes on after a problem, so that all of them are reported at once.

use std::collections::BTreeMap;

use crate::context::SignalBook;
use crate::document::{Placed, Problems, nearest};
use crate::methods::Method;
use crate::plan::entries::{self, Building};
use crate::plan::file::{EntryText, Form, PlanText, read_plan};
use crate::plan::limit_file::LimitText;
use crate::plan::limit_set::LimitSet;
use crate::plan::{Folder, Input, ResolvedPlan, Sources};
use crate::problem::{Place, Problem, SourceText};
use crate::terms::Bandwidth;

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

/// A plan may stand on a base that stands on a base, at most this often.
const BASES_MAX: usize = 8;

/// Resolves `plan` with the lab's `overlays`, which have the last word in their order.
///
/// # Errors
/// Every problem of every file, with its place.
pub fn resolve(
    plan: &SourceText,
    overlays: &[SourceText],
    cx: &ResolveCx<'_>,
) -> Result<ResolvedPlan, Vec<Problem>> {
    let problems = Problems::default();
    let mut reading = Reading { cx, problems: &problems, inputs: Vec::new() };
    let resolved = reading.resolve(plan, overlays);
    match resolved {
        Some(resolved) if problems.is_empty() => Ok(resolved),
        _ => Err(problems.into_sorted()),
    }
}

/// The texts that are read, and what is wrong with them.
pub(super) struct Reading<'a> {
    pub cx: &'a ResolveCx<'a>,
    pub problems: &'a Problems,
    pub inputs: Vec<Input>,
}

/// The plan with its bases and overlays laid over each other.
struct Merged {
    title: Placed<String>,
    recommendation: Placed<String>,
    edition: Placed<String>,
    bandwidth: Placed<Bandwidth>,
    car: Option<Placed<String>>,
    limit_files: Vec<Placed<String>>,
    defaults: BTreeMap<String, Placed<String>>,
    entries: Vec<EntryText>,
    limit_changes: Vec<LimitText>,
    places: BTreeMap<&'static str, Place>,
}

impl Reading<'_> {
    fn resolve(&mut self, plan: &SourceText, overlays: &[SourceText]) -> Option<ResolvedPlan> {
        let chain = self.chain(plan);
        let mut layers = Vec::new();
        for (index, overlay) in overlays.iter().enumerate() {
            let file = format!("overlay-{}.toml", index + 1);
            self.inputs.push(Input { file, text: overlay.clone() });
            layers.extend(read_plan(overlay, Form::Overlay, self.problems));
        }
        let merged = self.merge(&chain?, &layers)?;
        let mut limits = LimitSet::default();
        for name in &merged.limit_files {
            limits.include(name, self);
        }
        for change in &merged.limit_changes {
            limits.change(change, &merged.recommendation.value, &merged.edition.value, self.problems);
        }
        let limits = limits.build(self);
        let building = Building {
            recommendation: &merged.recommendation.value,
            edition: &merged.edition.value,
            bandwidth: merged.bandwidth.value,
            defaults: &merged.defaults,
            limits: &limits,
            methods: self.cx.methods,
            signals: self.cx.signals,
            problems: self.problems,
        };
        let entries = entries::build(&merged.entries, &building);
        let inputs = std::mem::take(&mut self.inputs);
        if let Some(car) = &merged.car
            && self.cx.sources.read(Folder::Cars, &car.value).is_none()
            && !is_recorded(self.cx.sources)
        {
            self.unknown_name(car, Folder::Cars, "car");
        }
        Some(ResolvedPlan {
            title: merged.title.value,
            recommendation: merged.recommendation.value,
            edition: merged.edition.value,
            bandwidth: merged.bandwidth.value,
            default_car: merged.car.map(|car| car.value),
            entries,
            inputs,
            places: merged.places,
            limit_files: merged.limit_files.into_iter().map(|one| (one.value, one.place)).collect(),
        })
    }

    /// The plan with all that it stands on, the innermost base first.
    fn chain(&mut self, plan: &SourceText) -> Option<Vec<PlanText>> {
        self.inputs.push(Input { file: "plan.toml".to_owned(), text: plan.clone() });
        let mut chain = vec![read_plan(plan, Form::Plan, self.problems)?];
        let mut names: Vec<String> = Vec::new();
        while let Some(base) = chain.first().and_then(|plan| plan.base.clone()) {
            if names.contains(&base.value) || names.len() == BASES_MAX {
                self.problems.report(
                    base.place,
                    "the bases of the plan lead round in a circle or too far",
                    format!("'{}' after {}", base.value, names.join(", ")),
                    format!("at most {BASES_MAX} bases, each of its own"),
                    "name a base that does not stand on this plan",
                );
                return None;
            }
            let text = self.include(&base, Folder::Plans, "base")?;
            names.push(base.value);
            chain.insert(0, read_plan(&text, Form::Plan, self.problems)?);
        }
        Some(chain)
    }

    /// The text of a file that another names, kept as an input.
    pub(super) fn include(&mut self, name: &Placed<String>, folder: Folder, key: &str) -> Option<SourceText> {
        let Some(text) = self.cx.sources.read(folder, &name.value) else {
            self.unknown_name(name, folder, key);
            return None;
        };
        let file = Input::file_of(folder, &name.value);
        if !self.inputs.iter().any(|input| input.file == file) {
            self.inputs.push(Input { file, text: text.clone() });
        }
        Some(text)
    }

    fn unknown_name(&self, name: &Placed<String>, folder: Folder, key: &str) {
        let known = self.cx.sources.names(folder);
        let words: Vec<&str> = known.iter().map(String::as_str).collect();
        let remedy = nearest(&name.value, &words).map_or_else(
            || format!("put {}.toml into the folder {} beside the plan", name.value, folder.word()),
            |near| format!("did you mean '{near}'?"),
        );
        self.problems.report(
            name.place.clone(),
            format!("the file that '{key}' names is not found"),
            format!("'{}'", name.value),
            format!("a file of {folder}: {}", words.join(", ")),
            remedy,
        );
    }

    fn merge(&self, chain: &[PlanText], overlays: &[PlanText]) -> Option<Merged> {
        // The innermost base stands alone, so that its reading has reported every key that is missing.
        let plan = chain.last()?;
        let layers = || chain.iter().chain(overlays);
        let mut entries: Vec<EntryText> = Vec::new();
        for (index, layer) in layers().enumerate() {
            self.remove(&mut entries, layer);
            let before = entries.len();
            let is_overlay = index >= chain.len();
            for entry in &layer.entries {
                match entries[..before].iter_mut().find(|one| one.id.value == entry.id.value) {
                    Some(base) => self.lay_over(base, entry),
                    None if is_overlay => self.not_in_plan(entry, &entries),
                    None => entries.push(entry.clone()),
                }
            }
        }
        if entries.is_empty() {
            self.problems.report(
                plan.place.clone(),
                "the plan measures nothing",
                "a plan without [[entry]]",
                "at least one entry",
                "add an entry, or name a base",
            );
        }
        let mut defaults = BTreeMap::new();
        layers().for_each(|layer| defaults.extend(layer.defaults.clone()));
        // What a plan lacks was reported; a stand-in lets the entries be checked in the same breath.
        let text = |values: Vec<&Option<Placed<String>>>| {
            let stand_in = Placed { value: String::new(), place: plan.place.clone() };
            last(values.into_iter()).unwrap_or(stand_in)
        };
        let places = [
            ("title", last(chain.iter().map(|layer| &layer.title)).map(|one| one.place)),
            ("recommendation", last(layers().map(|layer| &layer.recommendation)).map(|one| one.place)),
            ("edition", last(layers().map(|layer| &layer.edition)).map(|one| one.place)),
            ("bandwidth", last(layers().map(|layer| &layer.bandwidth)).map(|one| one.place)),
            ("car", last(layers().map(|layer| &layer.car)).map(|one| one.place)),
        ];
        Some(Merged {
            places: places.into_iter().filter_map(|(key, place)| Some((key, place?))).collect(),
            // An overlay's title is its own: the plan keeps its name in every report.
            title: text(chain.iter().map(|layer| &layer.title).collect()),
            recommendation: text(layers().map(|layer| &layer.recommendation).collect()),
            edition: text(layers().map(|layer| &layer.edition).collect()),
            bandwidth: last(layers().map(|layer| &layer.bandwidth))
                .unwrap_or(Placed { value: Bandwidth::Wb, place: plan.place.clone() }),
            car: last(layers().map(|layer| &layer.car)),
            limit_files: layers().flat_map(|layer| layer.limits.clone()).collect(),
            defaults,
            entries,
            limit_changes: layers().flat_map(|layer| layer.limit_changes.clone()).collect(),
        })
    }

    fn remove(&self, entries: &mut Vec<EntryText>, layer: &PlanText) {
        for name in &layer.remove {
            let count = entries.len();
            entries.retain(|entry| entry.id.value != name.value);
            if entries.len() == count {
                let known: Vec<&str> = entries.iter().map(|one| one.id.value.as_str()).collect();
                self.problems.report(
                    name.place.clone(),
                    "an entry that is removed is not in the base",
                    format!("'{}'", name.value),
                    format!("one of {}", known.join(", ")),
                    nearest(&name.value, &known)
                        .map_or_else(|| "remove it".to_owned(), |near| format!("did you mean '{near}'?")),
                );
            }
        }
    }

    fn not_in_plan(&self, entry: &EntryText, entries: &[EntryText]) {
        let known: Vec<&str> = entries.iter().map(|one| one.id.value.as_str()).collect();
        self.problems.report(
            entry.id.place.clone(),
            "an overlay changes an entry that the plan does not have",
            format!("'{}'", entry.id.value),
            format!("one of {}", known.join(", ")),
            nearest(&entry.id.value, &known).map_or_else(
                || "remove it from the overlay, or make an OEM plan that adds it".to_owned(),
                |near| format!("did you mean '{near}'?"),
            ),
        );
    }

    /// Lays the differences that `change` states over an entry of the base.
    fn lay_over(&self, base: &mut EntryText, change: &EntryText) {
        if let (Some(new), Some(old)) = (&change.method, &base.method)
            && new.value != old.value
        {
            self.problems.report(
                new.place.clone(),
                "the method of an entry is changed",
                format!("'{}' for '{}'", new.value, base.id.value),
                format!("'{}', as in the base: ids mean the same everywhere", old.value),
                "remove the entry of the base and add one with another id",
            );
        }
        let over = |old: &mut Option<Placed<String>>, new: &Option<Placed<String>>| {
            if new.is_some() {
                old.clone_from(new);
            }
        };
        over(&mut base.title, &change.title);
        over(&mut base.clause, &change.clause);
        over(&mut base.volume, &change.volume);
        over(&mut base.talker, &change.talker);
        over(&mut base.listener, &change.listener);
        over(&mut base.noise, &change.noise);
        if change.calls.is_some() {
            base.calls.clone_from(&change.calls);
        }
        if change.informative.is_some() {
            base.informative.clone_from(&change.informative);
        }
        if change.limits.is_some() {
            base.limits.clone_from(&change.limits);
        }
        // List by list: who adds the seats to an entry keeps its frequencies.
        for (key, values) in &change.expand {
            match base.expand.iter_mut().find(|(known, _)| known.value == key.value) {
                Some((_, known)) => known.clone_from(values),
                None => base.expand.push((key.clone(), values.clone())),
            }
        }
        base.parameters.extend(change.parameters.clone());
        base.places.splice(0..0, change.places.iter().cloned());
    }
}

fn last<'v, T: Clone + 'v>(values: impl Iterator<Item = &'v Option<Placed<T>>>) -> Option<Placed<T>> {
    values.filter_map(Clone::clone).last()
}

/// Whether these are the copies of a stored run, which holds its car elsewhere.
fn is_recorded(sources: &dyn Sources) -> bool {
    sources.names(Folder::Cars).is_empty()
}
