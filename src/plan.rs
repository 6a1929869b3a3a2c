//! Plans: from the files that people write to entries with limits, and on to epochs with takes.
//!
//! Pure: texts come through [`Sources`], so that a stored run is resolved again from its own copies.
//! [`resolve`](resolve::resolve) reads everything and reports every problem at once;
//! [`schedule`](schedule::schedule) asks the methods what to record and merges equal wishes.

use std::collections::BTreeMap;

use crate::document::Problems;
use crate::entry::{Entry, EntryId};
use crate::limits::{Limit, Mask, Origin};
use crate::methods::{Method, Refusal};
use crate::problem::{Place, Problem, SourceText};
use crate::terms::Bandwidth;
use crate::units::Unit;

pub mod clauses;
pub mod device;
pub mod difference;
mod entries;
mod file;
mod limit_file;
mod limit_set;
pub mod resolve;
pub mod schedule;
pub mod sources;

pub use device::DeviceRecord;
pub use resolve::{ResolveCx, resolve};
pub use schedule::{EmptyId, Ready, Schedule, Selection, ids_in, ready, ready_at_last, schedule, select};
pub use sources::{BuiltIn, Folder, Input, Layered, Recorded, Sources};

/// A plan with everything looked up, merged, checked and completed.
#[derive(Debug, Clone)]
pub struct ResolvedPlan {
    /// The title.
    pub title: String,
    /// The Recommendation: `P.1110`.
    pub recommendation: String,
    /// Its edition: `10/2025`.
    pub edition: String,
    /// The speech band of every call.
    pub bandwidth: Bandwidth,
    /// The virtual car to use when the caller names neither bench nor car: a name in [`Folder::Cars`].
    pub default_car: Option<String>,
    /// The entries in the order of the plan, expanded.
    pub entries: Vec<PlannedEntry>,
    /// Every text that was read, for the run's `inputs/`; [`Recorded`] reads them again.
    pub inputs: Vec<Input>,
    /// Where the values above stand, by the key of the plan: `title`, `recommendation`, `edition`, `bandwidth`, `car`.
    pub places: BTreeMap<&'static str, Place>,
    /// The limit files that are named, with where each name stands; the last has the last word.
    pub limit_files: Vec<(String, Place)>,
}

/// Which kind of file said a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The plan itself.
    Plan,
    /// A plan that it stands on.
    Base,
    /// An overlay of the lab.
    Overlay,
    /// A limit file or a mask.
    Limits,
}

impl Layer {
    /// The word for a reader.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Base => "base",
            Self::Overlay => "overlay",
            Self::Limits => "limits",
        }
    }
}

impl ResolvedPlan {
    /// The entry of this id.
    pub fn entry(&self, id: &EntryId) -> Option<&PlannedEntry> {
        self.entries.iter().find(|one| one.entry.id == *id)
    }

    /// Which kind of file a place is in.
    pub fn layer(&self, place: &Place) -> Layer {
        let input = self.inputs.iter().find(|input| input.text == place.source);
        match input.map_or("", |input| input.file.as_str()) {
            file if file.starts_with("overlay-") => Layer::Overlay,
            file if file.starts_with(Folder::Plans.word()) => Layer::Base,
            file if [Folder::Limits, Folder::Masks].iter().any(|folder| file.starts_with(folder.word())) => {
                Layer::Limits
            }
            _ => Layer::Plan,
        }
    }
}

/// An entry with what only the plan, the judge and the runner know of it.
#[derive(Debug, Clone)]
pub struct PlannedEntry {
    /// What the method sees.
    pub entry: Entry,
    /// What its findings are held against. Without any the entry is *measured*, with the flag `no-limit`.
    pub limits: Vec<Limit>,
    /// Whether it leaves the verdict of the run alone.
    pub informative: bool,
    /// Where it was written, the last word first.
    pub origins: Vec<Origin>,
    /// The facts that must be known before it can be planned, `volume.nominal` included.
    pub facts_needed: Vec<String>,
    /// The facts that it uses and that an entry of the plan finds.
    pub facts_wanted: Vec<String>,
    /// The facts that this entry provides, with the measurand whose value each is. Where several entries
    /// of a plan could find a fact, only the first of them lists it.
    pub facts_found: Vec<(String, String)>,
    /// Where the entry stands, for messages.
    pub place: Place,
    /// Where each key of the entry stands (`title`, `clause`, `method`, `volume`, `talker`, `listener`, `noise`,
    /// `calls`, `informative`, `limits`); one that is absent was not written, and its default holds.
    pub key_places: BTreeMap<&'static str, Place>,
    /// Where each written parameter stands; one that is absent has the default of the method.
    pub parameter_places: BTreeMap<String, Place>,
}

impl PlannedEntry {
    /// The refusal of a method, with its place in the plan.
    pub fn problem(&self, refusal: &Refusal) -> Problem {
        let place = refusal.parameter.and_then(|key| self.parameter_places.get(key)).unwrap_or(&self.place);
        let title = match refusal.parameter {
            Some(key) => format!("entry '{}' cannot be planned: '{key}'", self.entry.id),
            None => format!("entry '{}' cannot be planned", self.entry.id),
        };
        Problem {
            title,
            place: place.clone(),
            found: refusal.found.clone(),
            expected: refusal.expected.clone(),
            remedy: refusal.remedy.clone(),
        }
    }
}

/// Reads a mask file on its own: the mask, and the unit of the curves that it judges.
///
/// # Errors
/// Every problem of the file, with its place.
pub fn mask_file(source: &SourceText) -> Result<(Mask, Unit), Vec<Problem>> {
    let problems = Problems::default();
    match limit_file::read_mask(source, &problems) {
        Some(read) if problems.is_empty() => Ok((read.mask, read.unit.value)),
        _ => Err(problems.into_sorted()),
    }
}

/// The method of this id in a list of methods.
pub fn method_of<'m>(methods: &[&'m dyn Method], id: &str) -> Option<&'m dyn Method> {
    methods.iter().copied().find(|method| method.card().id == id)
}

/// Where a thing was written, for reports: the last word first.
fn origins_of(places: &[Place]) -> Vec<Origin> {
    places.iter().map(|place| Origin { file: place.source.name.to_string(), line: place.line() }).collect()
}
