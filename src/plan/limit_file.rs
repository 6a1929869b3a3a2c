//! Limit files and masks as people write them.

use std::collections::BTreeMap;

use crate::document::{Kind, Placed, Problems, Table, read_with};
use crate::limits::{Axis, Better, Mask};
use crate::problem::{Place, SourceText};
use crate::terms::{Bandwidth, LimitClass};
use crate::units::{Quantity, Unit};

/// One end of a range as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum End {
    /// The word `none`: the range is open there.
    Open,
    /// A value.
    At(Quantity),
}

/// A limit as written: in a limit file all of it, in a plan or an overlay what differs.
#[derive(Debug, Clone)]
pub(super) struct LimitText {
    /// `slr`, or `p1110-2025/slr` where several files have one.
    pub id: Placed<String>,
    pub measurand: Option<Placed<String>>,
    pub min: Option<Placed<End>>,
    pub max: Option<Placed<End>>,
    pub mask: Option<Placed<String>>,
    pub classes: Option<Placed<ClassesText>>,
    /// The class that is asked for: a choice, not a value of a standard.
    pub class_required: Option<Placed<String>>,
    pub class: Option<Placed<LimitClass>>,
    pub clause: Option<Placed<String>>,
    pub source: Option<Placed<String>>,
    /// Whether the text of the Recommendation has been read in two ways, of which this is the looser one.
    pub two_readings: bool,
    pub bandwidth: Option<Placed<Bandwidth>>,
    /// Conditions that the entry must have.
    pub when: BTreeMap<String, Placed<String>>,
    /// Where it stands, the last word first.
    pub places: Vec<Place>,
}

impl LimitText {
    /// Reads one; finishes its table.
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        let id = table.need_text("id");
        let measurand = table.text("measurand");
        let (min, max) = (end(table, "min"), end(table, "max"));
        let mask = table.text("mask");
        let classes = classes(table);
        let class_required = table.text("class_required");
        let class = table.word("class");
        let (clause, source) = (table.text("clause"), table.text("source"));
        let two_readings = table.boolean("two_readings").is_some_and(|one| one.value);
        let bandwidth = table.word("bandwidth");
        let mut when = BTreeMap::new();
        if let Some(conditions) = table.table("when") {
            for key in conditions.keys() {
                when.extend(conditions.text(&key.value).map(|value| (key.value, value)));
            }
        }
        table.finish();
        let id = id?;
        let places = vec![id.place.clone()];
        Some(Self {
            id,
            measurand,
            min,
            max,
            mask,
            classes,
            class_required,
            class,
            clause,
            source,
            two_readings,
            bandwidth,
            when,
            places,
        })
    }

    /// Whether it states what is compared with.
    pub(super) fn has_values(&self) -> bool {
        self.min.is_some() || self.max.is_some() || self.mask.is_some() || self.classes.is_some()
    }

    /// The conditions that the entry must have, as plain texts.
    pub(super) fn conditions(&self) -> BTreeMap<String, String> {
        self.when.iter().map(|(key, value)| (key.clone(), value.value.clone())).collect()
    }

    /// Takes over what `change` states.
    pub(super) fn change(&mut self, change: &Self) {
        fn over<T: Clone>(value: &mut Option<T>, new: Option<&T>) {
            if let Some(new) = new {
                *value = Some(new.clone());
            }
        }
        // A mask, a range and a table of classes exclude each other: the last word says which it is.
        if change.mask.is_some() {
            (self.min, self.max, self.classes, self.class_required) = (None, None, None, None);
        } else if change.min.is_some() || change.max.is_some() {
            (self.mask, self.classes, self.class_required) = (None, None, None);
        } else if change.classes.is_some() {
            (self.min, self.max, self.mask) = (None, None, None);
        }
        let is_unknown = |class: &Placed<LimitClass>| class.value == LimitClass::N;
        if change.class.as_ref().is_some_and(is_unknown) && !change.has_values() {
            (self.min, self.max, self.mask) = (None, None, None);
            (self.classes, self.class_required) = (None, None);
        }
        // A new value is a reading of its own.
        if change.has_values() || change.two_readings {
            self.two_readings = change.two_readings;
        }
        over(&mut self.measurand, change.measurand.as_ref());
        over(&mut self.min, change.min.as_ref());
        over(&mut self.max, change.max.as_ref());
        over(&mut self.mask, change.mask.as_ref());
        over(&mut self.classes, change.classes.as_ref());
        over(&mut self.class_required, change.class_required.as_ref());
        over(&mut self.class, change.class.as_ref());
        over(&mut self.clause, change.clause.as_ref());
        over(&mut self.source, change.source.as_ref());
        over(&mut self.bandwidth, change.bandwidth.as_ref());
        self.places.splice(0..0, change.places.iter().cloned());
    }
}

/// A table of classes as written: for each the worst value that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClassesText {
    pub better: Better,
    pub steps: Vec<(Placed<String>, Placed<End>)>,
}

/// The classes of a limit: `classes_max` where the smaller values are the better ones, `classes_min` where the larger are.
fn classes(table: &Table<'_>) -> Option<Placed<ClassesText>> {
    let keys = [("classes_max", Better::Smaller), ("classes_min", Better::Larger)];
    if keys.iter().all(|(key, _)| table.has(key)) {
        table.problems().report(
            table.place().clone(),
            "a limit has two tables of classes",
            "classes_max and classes_min",
            "one of the two",
            "keep classes_max where small values are good, and classes_min where large ones are",
        );
    }
    let mut found = None;
    for (key, better) in keys {
        if !table.has(key) {
            table.kind(key);
            continue;
        }
        let steps = table.table(key)?;
        let read = steps.keys().into_iter().filter_map(|name| Some((end(&steps, &name.value)?, name)));
        let read = read.map(|(end, name)| (name, end)).collect();
        steps.finish();
        found = Some(Placed { value: ClassesText { better, steps: read }, place: steps.place().clone() });
    }
    found
}

fn end(table: &Table<'_>, key: &str) -> Option<Placed<End>> {
    if table.kind(key) == Some(Kind::Text) {
        let text = table.text(key)?;
        if text.value == "none" {
            return Some(Placed { value: End::Open, place: text.place });
        }
    }
    table.quantity(key, Unit::ALL).map(|one| Placed { value: End::At(one.value), place: one.place })
}

/// A limit file as written.
#[derive(Debug, Clone)]
pub(super) struct LimitFile {
    /// Its name, without `.toml`.
    pub name: String,
    pub recommendation: String,
    pub edition: String,
    pub limits: Vec<LimitText>,
}

/// Reads a limit file; problems go to `problems`.
pub(super) fn read_limits(name: &str, source: &SourceText, problems: &Problems) -> Option<LimitFile> {
    read_with(source, problems, |root| {
        root.need_text("title");
        let recommendation = root.need_text("recommendation");
        let edition = root.need_text("edition");
        let mut limits: Vec<LimitText> = Vec::new();
        for table in root.tables("limit") {
            let limit = LimitText::read(&table);
            for key in ["measurand", "class", "clause", "source"] {
                if !table.has(key) {
                    table.missing(
                        key,
                        "every limit of a limit file states measurand, class, clause and source",
                    );
                }
            }
            let Some(limit) = limit else { continue };
            let same = |one: &&LimitText| {
                let band = |limit: &LimitText| limit.bandwidth.as_ref().map(|one| one.value);
                one.id.value == limit.id.value
                    && one.conditions() == limit.conditions()
                    && band(one) == band(&limit)
            };
            if let Some(first) = limits.iter().find(same) {
                problems.report(
                    limit.id.place.clone(),
                    "a limit stands twice in one file",
                    format!("'{}' again, first in line {}", limit.id.value, first.id.place.line()),
                    "one limit for each id, bandwidth and condition",
                    "choose another id, add a condition (when), or remove one",
                );
            } else {
                limits.push(limit);
            }
        }
        Some(LimitFile {
            name: name.to_owned(),
            recommendation: recommendation?.value,
            edition: edition?.value,
            limits,
        })
    })
}

/// What a mask lies over: the keys of its lines say it, and one file has one axis.
fn axis(root: &Table<'_>) -> Option<Axis> {
    let [over_hz, over_s] = [["upper_hz_db", "lower_hz_db"], ["upper_s_db", "lower_s_db"]]
        .map(|keys| keys.map(|key| root.has(key)));
    let (over_hz, over_s) = (over_hz.contains(&true), over_s.contains(&true));
    if over_hz && over_s {
        root.problems().report(
            root.place().clone(),
            "a mask lies over frequency and over time",
            "lines in Hz and lines in s",
            "one of the two",
            "keep upper_hz_db and lower_hz_db, or upper_s_db and lower_s_db",
        );
        return None;
    }
    Some(if over_s { Axis::Time } else { Axis::Frequency })
}

/// A mask file as written.
#[derive(Debug, Clone)]
pub(super) struct MaskFile {
    pub unit: Placed<Unit>,
    pub mask: Mask,
}

/// Reads a mask file; problems go to `problems`.
pub(super) fn read_mask(source: &SourceText, problems: &Problems) -> Option<MaskFile> {
    read_with(source, problems, |root| {
        root.need_text("title");
        let unit = root.need_text("unit");
        let floating = root.boolean("floating").is_some_and(|one| one.value);
        let axis = axis(root)?;
        let keys = match axis {
            Axis::Frequency => ["upper_hz_db", "lower_hz_db"],
            Axis::Time => ["upper_s_db", "lower_s_db"],
        };
        let [upper, lower] = keys.map(|key| line(root, key));
        let unit = unit?;
        let Some(known) = Unit::ALL.iter().find(|one| one.symbol() == unit.value) else {
            problems.report(
                unit.place,
                "the unit of a mask is not known",
                format!("'{}'", unit.value),
                Unit::ALL.iter().map(|one| one.symbol()).collect::<Vec<_>>().join(", "),
                "write the unit of the curve that is judged",
            );
            return None;
        };
        let (upper, lower) = (upper?, lower?);
        if upper.is_empty() && lower.is_empty() {
            root.missing(keys[0], "an upper or a lower line");
            return None;
        }
        Some(MaskFile {
            unit: Placed { value: *known, place: unit.place },
            mask: Mask { axis, upper, lower, floating },
        })
    })
}

/// A broken line; absent is none.
fn line(root: &Table<'_>, key: &str) -> Option<Vec<(f64, f64)>> {
    if !root.has(key) {
        root.points(key);
        return Some(Vec::new());
    }
    let points = root.points(key)?;
    // Two points at one frequency are a step. Time begins at 0.
    let rises = points.value.windows(2).all(|pair| pair[0].0 <= pair[1].0);
    let begins =
        points.value.first().is_some_and(|point| point.0 > 0.0 || key.ends_with("_s_db") && point.0 == 0.0);
    if points.value.len() >= 2 && rises && begins {
        return Some(points.value);
    }
    root.problems().report(
        points.place,
        format!("'{key}' is no line"),
        format!("{} points, or frequencies (times) that fall or begin below 0", points.value.len()),
        "at least two pairs of frequency in Hz (above 0) or time in s and level, in their order",
        "sort the points by frequency or time",
    );
    None
}
