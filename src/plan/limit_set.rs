//! The limits of a plan: those of its limit files with the changes of plans and overlays, and which of them an entry
//! is held against.

use std::collections::BTreeMap;

use crate::document::{Placed, Problems, nearest};
use crate::limits::{Better, Classes, Limit, Origin, Rule, Step};
use crate::methods::{Measurand, Method};
use crate::plan::limit_file::{ClassesText, End, LimitText, read_limits, read_mask};
use crate::plan::resolve::Reading;
use crate::plan::{Folder, origins_of};
use crate::problem::Place;
use crate::terms::{Bandwidth, ClauseRef, LimitClass};
use crate::units::Unit;

/// A limit as written, with the file that it belongs to.
struct Named {
    file: String,
    recommendation: String,
    edition: String,
    text: LimitText,
}

/// The limits as written.
#[derive(Default)]
pub(super) struct LimitSet {
    all: Vec<Named>,
}

/// A value that cannot be used; the problem has been told.
struct Reported;

/// A limit with what decides whether it applies to an entry.
pub(super) struct Applicable {
    /// Its name within its file.
    pub id: String,
    pub bandwidth: Option<Bandwidth>,
    pub when: BTreeMap<String, String>,
    pub limit: Limit,
}

impl LimitSet {
    /// Adds the limits of a file.
    pub(super) fn include(&mut self, name: &Placed<String>, reading: &mut Reading<'_>) {
        if self.all.iter().any(|one| one.file == name.value) {
            return;
        }
        let Some(text) = reading.include(name, Folder::Limits, "limits") else { return };
        let Some(file) = read_limits(&name.value, &text, reading.problems) else { return };
        for text in file.limits {
            self.all.push(Named {
                file: file.name.clone(),
                recommendation: file.recommendation.clone(),
                edition: file.edition.clone(),
                text,
            });
        }
    }

    /// Applies a change of a plan or an overlay; a complete one of a new id is a new limit of that file.
    pub(super) fn change(
        &mut self,
        change: &LimitText,
        recommendation: &str,
        edition: &str,
        problems: &Problems,
    ) {
        if change.has_values() && !(change.class.is_some() && change.source.is_some()) {
            problems.report(
                change.id.place.clone(),
                "a limit is changed without saying where the value comes from",
                format!("'{}' without class or source", change.id.value),
                "class and source beside every new value",
                "add class = \"A\" and source = \"…\": the report prints both beside the verdict",
            );
        }
        let mut hit = false;
        for one in &mut self.all {
            let full = format!("{}/{}", one.file, one.text.id.value);
            let named = change.id.value == one.text.id.value || change.id.value == full;
            let meant = change.when.is_empty() || change.conditions() == one.text.conditions();
            if named && meant {
                one.text.change(change);
                hit = true;
            }
        }
        if hit {
            return;
        }
        let complete = change.measurand.is_some() && change.class.is_some() && change.clause.is_some();
        if complete && !change.id.value.contains('/') {
            let file = stem(&change.id.place);
            let (recommendation, edition) = (recommendation.to_owned(), edition.to_owned());
            self.all.push(Named { file, recommendation, edition, text: change.clone() });
            return;
        }
        let known: Vec<&str> = self.all.iter().map(|one| one.text.id.value.as_str()).collect();
        if self.all.iter().any(|one| one.text.id.value == change.id.value) {
            let when: Vec<String> =
                change.when.iter().map(|(key, value)| format!("{key} = \"{}\"", value.value)).collect();
            problems.report(
                change.id.place.clone(),
                "a limit that is changed has no variant for this condition",
                format!("'{}' when {}", change.id.value, when.join(", ")),
                "a condition of a variant that is there, or a new variant in full",
                "state measurand, class, clause and source beside the value: that adds a variant",
            );
            return;
        }
        problems.report(
            change.id.place.clone(),
            "a limit that is changed is not known",
            format!("'{}'", change.id.value),
            format!("one of {}", known.join(", ")),
            nearest(&change.id.value, &known).map_or_else(
                || "correct the id; a new limit states measurand, class, clause and source".to_owned(),
                |near| format!("did you mean '{near}'?"),
            ),
        );
    }

    /// Checks every limit and looks its mask up.
    pub(super) fn build(self, reading: &mut Reading<'_>) -> Vec<Applicable> {
        self.all.into_iter().filter_map(|named| named.build(reading)).collect()
    }
}

/// The name of the file of a place, without folder and ending.
fn stem(place: &Place) -> String {
    let path = std::path::Path::new(&*place.source.name);
    path.file_stem().map_or_else(|| "plan".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

impl Named {
    fn build(self, reading: &mut Reading<'_>) -> Option<Applicable> {
        let measurand = measurand(&self.text, reading.cx.methods, reading.problems)?;
        let class = self.text.class.clone()?;
        let rule = self.rule(measurand.unit, &class, reading)?;
        let mut origins = origins_of(&self.text.places);
        // The lines of a mask stand in a file of their own, the first link of the chain.
        let mask = self.text.mask.as_ref().filter(|_| matches!(rule, Rule::Mask(_)));
        if let Some(text) = mask.and_then(|name| reading.cx.sources.read(Folder::Masks, &name.value)) {
            origins.push(Origin { file: text.name.to_string(), line: 1 });
        }
        Some(Applicable {
            bandwidth: self.text.bandwidth.as_ref().map(|one| one.value),
            when: self.text.conditions(),
            limit: Limit {
                id: format!("{}/{}", self.file, self.text.id.value),
                measurand: measurand.id.to_owned(),
                rule,
                unit: measurand.unit,
                clause: ClauseRef {
                    recommendation: self.recommendation,
                    edition: self.edition,
                    clause: self.text.clause.map_or_else(String::new, |one| one.value),
                },
                class: class.value,
                source: self.text.source.map_or_else(String::new, |one| one.value),
                two_readings: self.text.two_readings,
                origins,
            },
            id: self.text.id.value,
        })
    }

    fn rule(&self, unit: Unit, class: &Placed<LimitClass>, reading: &mut Reading<'_>) -> Option<Rule> {
        let text = &self.text;
        if class.value == LimitClass::N {
            if text.has_values() {
                reading.problems.report(
                    class.place.clone(),
                    "a limit of class N has values",
                    format!("'{}' with class N and a value", text.id.value),
                    "either class N without values, or a value with the class of its source",
                    "correct the class: N means that the value is not known",
                );
                return None;
            }
            return Some(Rule::Unknown);
        }
        if let Some(mask) = &text.mask {
            return self.mask(mask, unit, reading);
        }
        if let Some(classes) = &text.classes {
            return self.classes(classes, unit, reading.problems);
        }
        if let Some(required) = &text.class_required {
            reading.problems.report(
                required.place.clone(),
                "a class is asked for, and there is no table of classes",
                format!("class_required = \"{}\" for '{}'", required.value, text.id.value),
                "class_required beside classes_max or classes_min",
                "remove class_required, or name a limit that has classes",
            );
            return None;
        }
        let end = |end: &Option<Placed<End>>| match end {
            None => Ok(None),
            Some(end) => self.value(end, unit, reading.problems),
        };
        let (min, max) = (end(&text.min).ok()?, end(&text.max).ok()?);
        match (&min, &max) {
            (None, None) => reading.problems.report(
                text.id.place.clone(),
                "a limit has no value",
                format!("'{}' without min, max and mask", text.id.value),
                "min, max or both, the name of a mask, or classes; class N where it is not known",
                "enter the value, or write class = \"N\"",
            ),
            (Some((min, place)), Some((max, _))) if min > max => reading.problems.report(
                place.clone(),
                "a limit excludes every value",
                format!("min {min} above max {max}"),
                "min at or below max",
                "exchange the two",
            ),
            _ => return Some(Rule::Range { min: min.map(|one| one.0), max: max.map(|one| one.0) }),
        }
        None
    }

    /// An end in the unit of the measurand; open is none.
    fn value(
        &self,
        end: &Placed<End>,
        unit: Unit,
        problems: &Problems,
    ) -> Result<Option<(f64, Place)>, Reported> {
        match end.value {
            End::Open => Ok(None),
            End::At(quantity) if quantity.unit == unit => Ok(Some((quantity.value, end.place.clone()))),
            End::At(quantity) => {
                problems.report(
                    end.place.clone(),
                    "a limit is in another unit than its measurand",
                    format!("'{quantity}' for '{}'", self.text.id.value),
                    format!("a value in {unit}"),
                    format!("give the limit in {unit}; planes are not converted in silence"),
                );
                Err(Reported)
            }
        }
    }

    /// The table of classes, sorted from the best to the worst.
    fn classes(&self, classes: &Placed<ClassesText>, unit: Unit, problems: &Problems) -> Option<Rule> {
        let wrong = |place: &Place, found: String, remedy: &str| {
            problems.report(
                place.clone(),
                format!("the classes of '{}' are no table of classes", self.text.id.value),
                found,
                "each class with its worst value, no two alike, and one class with \"none\" for all the rest",
                remedy,
            );
        };
        if self.text.min.is_some() || self.text.max.is_some() || self.text.mask.is_some() {
            wrong(&classes.place, "classes and a range or a mask".to_owned(), "keep one of them");
            return None;
        }
        let mut steps = Vec::new();
        for (name, end) in &classes.value.steps {
            let edge = self.value(end, unit, problems).ok()?;
            steps.push(Step { name: name.value.clone(), edge: edge.map(|one| one.0) });
        }
        let better = classes.value.better;
        let badness = |step: &Step| match (step.edge, better) {
            (None, _) => f64::INFINITY,
            (Some(edge), Better::Smaller) => edge,
            (Some(edge), Better::Larger) => -edge,
        };
        steps.sort_by(|a, b| badness(a).total_cmp(&badness(b)));
        let alike = steps.windows(2).find(|pair| pair[0].edge == pair[1].edge);
        if let Some(pair) = alike {
            let found = format!("'{}' and '{}' end at one value", pair[0].name, pair[1].name);
            wrong(&classes.place, found, "give each class an end of its own");
            return None;
        }
        if steps.len() < 2 || steps.last().is_none_or(|last| last.edge.is_some()) {
            let found = format!("{} classes, none of them for the rest", steps.len());
            wrong(&classes.place, found, "add a class with the value \"none\"");
            return None;
        }
        let required = self.text.class_required.as_ref();
        if let Some(asked) = required.filter(|asked| steps.iter().all(|step| step.name != asked.value)) {
            let known: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
            let remedy = format!("write one of {}", known.join(", "));
            wrong(&asked.place, format!("class_required = \"{}\"", asked.value), &remedy);
            return None;
        }
        Some(Rule::Classes(Classes { better, steps, required: required.map(|one| one.value.clone()) }))
    }

    fn mask(&self, name: &Placed<String>, unit: Unit, reading: &mut Reading<'_>) -> Option<Rule> {
        if self.text.min.is_some() || self.text.max.is_some() || self.text.classes.is_some() {
            reading.problems.report(
                name.place.clone(),
                "a limit has a mask and a range",
                format!("'{}' with both", self.text.id.value),
                "one of the two",
                "remove min and max, or the mask",
            );
            return None;
        }
        let text = reading.include(name, Folder::Masks, "mask")?;
        let file = read_mask(&text, reading.problems)?;
        // A floating mask says nothing about the level, so that any unit of decibels fits it.
        if file.unit.value != unit && !(file.mask.floating && file.unit.value == Unit::Db) {
            reading.problems.report(
                file.unit.place,
                "a mask is in another unit than the curve that it judges",
                format!("{} for '{}', a curve in {unit}", file.unit.value, self.text.id.value),
                format!("{unit}; a floating mask may be in dB"),
                "correct the unit, or name another mask",
            );
            return None;
        }
        Some(Rule::Mask(file.mask))
    }
}

/// The measurand of a limit among those of the methods.
fn measurand(text: &LimitText, methods: &[&dyn Method], problems: &Problems) -> Option<Measurand> {
    let wanted = text.measurand.as_ref()?;
    let all = || methods.iter().flat_map(|method| method.card().measurands);
    let found = all().find(|one| one.id == wanted.value).copied();
    if found.is_none() {
        let known: Vec<&str> = all().map(|one| one.id).collect();
        problems.report(
            wanted.place.clone(),
            "the measurand of a limit is not known",
            format!("'{}'", wanted.value),
            format!("one of {}", known.join(", ")),
            nearest(&wanted.value, &known).map_or_else(
                || "take a measurand of 'lombard list methods'".to_owned(),
                |near| format!("did you mean '{near}'?"),
            ),
        );
    }
    found
}
