//! The class of a device: the worst of the parameters that limits with tables of classes judge, for each set of conditions.
//!
//! Entries belong together that differ in nothing but what they measure: band, volume, seats, noise, and the levels at
//! mouth and point of interconnect. The class at nominal volume and nominal levels is the device's.

use std::fmt::Write as _;

use crate::entry::{Entry, parse_parameter};
use crate::limits::{Classes, Limit, Reached, Rule};
use crate::methods;
use crate::run::view::{EntryView, RunView};
use crate::take::Volume;

/// One parameter of a variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The entry that measured it.
    pub entry: String,
    /// What was measured.
    pub measurand: String,
    /// The class that it reaches; `None`: none can be told.
    pub reached: Option<Reached>,
    /// The places of that in the order of its table, the best and the worst one that are possible.
    ranks: Option<(usize, usize)>,
}

/// What was measured under one set of conditions, with its class.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// The conditions for a reader: `WB, volume nominal, mouth -1.7 dBPa, POI -16 dBm0`.
    pub conditions: String,
    /// Whether volume and levels are the nominal ones.
    pub is_nominal: bool,
    /// What is classed, in the order of the plan.
    pub parameters: Vec<Parameter>,
    /// The best class that is possible, of what is known.
    pub best: Option<String>,
    /// The worst class that is possible; `None` while a parameter has no class.
    pub worst: Option<String>,
    /// The place of `worst`, or of `best` where there is none.
    decides: Option<usize>,
    /// The names of the classes, by which variants with different tables are told apart.
    names: Vec<String>,
}

/// The parameters that say at which levels an entry measures.
const LEVELS: [(&str, &str); 2] = [("level_mrp", "mouth"), ("level_poi", "POI")];

/// Every set of conditions with a limit that is a table of classes, in the order of the plan.
pub fn variants(view: &RunView) -> Vec<Variant> {
    let mut all: Vec<Variant> = Vec::new();
    for entry in &view.entries {
        for limit in &entry.limits {
            let Rule::Classes(table) = &limit.rule else { continue };
            let names: Vec<String> = table.steps.iter().map(|step| step.name.clone()).collect();
            let conditions = conditions(&entry.entry);
            let parameter = parameter(entry, limit, table);
            let same = |one: &&mut Variant| one.conditions == conditions && one.names == names;
            match all.iter_mut().find(same) {
                Some(variant) => variant.parameters.push(parameter),
                None => all.push(Variant {
                    conditions,
                    is_nominal: is_nominal(&entry.entry),
                    parameters: vec![parameter],
                    best: None,
                    worst: None,
                    decides: None,
                    names,
                }),
            }
        }
    }
    all.iter_mut().for_each(Variant::decide);
    all
}

fn parameter(entry: &EntryView, limit: &Limit, table: &Classes) -> Parameter {
    let judgement =
        entry.judgements.iter().find(|one| one.limit == limit.id && one.measurand == limit.measurand);
    let reached = judgement.and_then(|one| one.class.clone());
    let ranks = reached.as_ref().and_then(|one| Some((table.rank(&one.best)?, table.rank(&one.worst)?)));
    Parameter { entry: entry.entry.id.text().to_owned(), measurand: limit.measurand.clone(), reached, ranks }
}

fn conditions(entry: &Entry) -> String {
    // Several calls are one set of conditions: the worst of them decides.
    let mut text = entry.conditions_of_call();
    for (key, word) in LEVELS {
        if let Some(level) = entry.parameters.0.get(key) {
            let _ = write!(text, ", {word} {level}");
        }
    }
    text
}

/// Whether an entry measures at nominal volume and at the levels that its method takes where a plan says nothing.
fn is_nominal(entry: &Entry) -> bool {
    let Some(method) = methods::method(&entry.method) else { return false };
    let is_default = |(key, _): (&str, &str)| {
        let Some(spec) = method.card().parameters.iter().find(|spec| spec.key == key) else { return true };
        let default = spec.default.and_then(|text| parse_parameter(spec.kind, text).ok());
        default.as_ref() == entry.parameters.0.get(key)
    };
    entry.volume == Volume::Nominal && LEVELS.into_iter().all(is_default)
}

impl Variant {
    /// Takes the worst of all parameters.
    fn decide(&mut self) {
        let known = || self.parameters.iter().filter_map(|one| one.ranks);
        let best = known().map(|ranks| ranks.0).max();
        let worst = known().map(|ranks| ranks.1).max();
        let is_whole = self.parameters.iter().all(|one| one.ranks.is_some());
        let name = |rank: Option<usize>| rank.and_then(|rank| self.names.get(rank).cloned());
        let (best_name, worst_name) = (name(best), name(worst.filter(|_| is_whole)));
        (self.best, self.worst) = (best_name, worst_name);
        self.decides = worst;
    }

    /// The parameters that no class can be told of.
    pub fn without_class(&self) -> Vec<String> {
        once(self.parameters.iter().filter(|one| one.ranks.is_none()))
    }

    /// The parameters that are as bad as the class says: none of the others would make it worse.
    pub fn decided_by(&self) -> Vec<String> {
        let worst = self
            .parameters
            .iter()
            .filter(|one| one.ranks.is_some_and(|(_, worst)| Some(worst) == self.decides));
        once(worst)
    }

    /// The class in a few words, with what decided it.
    pub fn told(&self) -> String {
        let by = self.decided_by().join(", ");
        match (&self.best, &self.worst) {
            (Some(best), Some(worst)) if best == worst => format!("class {best}, decided by {by}"),
            (Some(best), Some(worst)) => format!("class {best} to {worst}, open by {by}"),
            (Some(best), None) => {
                format!("not known, at best class {best}: {} has no class", self.without_class().join(", "))
            }
            (None, _) => format!("not known: {} has no class", self.without_class().join(", ")),
        }
    }
}

/// The measurands, each once: several calls have the same.
fn once<'p>(parameters: impl Iterator<Item = &'p Parameter>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for one in parameters {
        if !all.contains(&one.measurand) {
            all.push(one.measurand.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["1", "2a", "2b", "2c", "3"];

    fn variant(ranks: &[Option<(usize, usize)>]) -> Variant {
        let parameter = |(n, ranks): (usize, &Option<(usize, usize)>)| Parameter {
            entry: format!("entry-{n}"),
            measurand: format!("m{n}"),
            reached: None,
            ranks: *ranks,
        };
        let mut variant = Variant {
            conditions: String::new(),
            is_nominal: true,
            parameters: ranks.iter().enumerate().map(parameter).collect(),
            best: None,
            worst: None,
            decides: None,
            names: NAMES.map(str::to_owned).into(),
        };
        variant.decide();
        variant
    }

    #[test]
    fn the_worst_parameter_decides() {
        for (ranks, told) in [
            (vec![Some((0, 0)), Some((1, 1)), Some((0, 0))], "class 2a, decided by m1"),
            (vec![Some((2, 2)), Some((1, 1)), Some((2, 2))], "class 2b, decided by m0, m2"),
            // One that may be anything up to what another one is for certain leaves nothing open.
            (vec![Some((0, 2)), Some((2, 2))], "class 2b, decided by m0, m1"),
            (vec![Some((0, 3)), Some((1, 1))], "class 2a to 2c, open by m0"),
        ] {
            assert_eq!(variant(&ranks).told(), told);
        }
    }

    #[test]
    fn a_parameter_without_a_class_leaves_the_class_open() {
        let open = variant(&[Some((1, 1)), None]);
        assert_eq!((open.best.as_deref(), open.worst.as_deref()), (Some("2a"), None));
        assert_eq!(open.told(), "not known, at best class 2a: m1 has no class");
        assert_eq!(variant(&[None]).told(), "not known: m0 has no class");
    }
}
