//! Plans, OEM plans and overlays as people write them: every value with its place, nothing looked up yet.
//!
//! The three are one form. A plan states everything; an OEM plan names another as its `base` and states only its
//! differences; an overlay has no base and is laid over whatever plan is run. `docs/plan-format.md` is the manual.

use std::collections::BTreeMap;

use crate::document::{Kind, Placed, Problems, Table, read_with};
use crate::plan::limit_file::LimitText;
use crate::plan::sources::is_name;
use crate::problem::{Place, SourceText};
use crate::terms::Bandwidth;

/// An entry is measured in at most this many new calls.
const CALLS_MAX: u32 = 20;

/// A plan or an overlay as written.
#[derive(Debug, Clone)]
pub(super) struct PlanText {
    pub title: Option<Placed<String>>,
    pub base: Option<Placed<String>>,
    pub recommendation: Option<Placed<String>>,
    pub edition: Option<Placed<String>>,
    pub bandwidth: Option<Placed<Bandwidth>>,
    pub car: Option<Placed<String>>,
    /// Limit files, the last has the last word.
    pub limits: Vec<Placed<String>>,
    /// Ids of entries of the base that are left out.
    pub remove: Vec<Placed<String>>,
    /// Parameters of every entry whose method knows them.
    pub defaults: BTreeMap<String, Placed<String>>,
    pub entries: Vec<EntryText>,
    /// Changes of limits.
    pub limit_changes: Vec<LimitText>,
    /// The file as a whole.
    pub place: Place,
}

/// An entry as written: in a plan all of it, in an OEM plan or an overlay what differs.
#[derive(Debug, Clone)]
pub(super) struct EntryText {
    pub id: Placed<String>,
    pub title: Option<Placed<String>>,
    pub clause: Option<Placed<String>>,
    pub method: Option<Placed<String>>,
    pub volume: Option<Placed<String>>,
    pub talker: Option<Placed<String>>,
    pub listener: Option<Placed<String>>,
    pub noise: Option<Placed<String>>,
    /// In how many new calls it is measured.
    pub calls: Option<Placed<u32>>,
    pub informative: Option<Placed<bool>>,
    pub limits: Option<Vec<Placed<String>>>,
    /// Conditions with the values that the entry is repeated for, in the order of the alphabet.
    pub expand: Vec<(Placed<String>, Vec<Placed<String>>)>,
    pub parameters: BTreeMap<String, Placed<String>>,
    /// Where it stands, the last word first.
    pub places: Vec<Place>,
}

/// Whether a file must be complete, or is laid over another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A plan; with a `base` it states only differences.
    Plan,
    /// An overlay.
    Overlay,
}

/// Reads a plan or an overlay; problems go to `problems`.
pub(super) fn read_plan(source: &SourceText, form: Form, problems: &Problems) -> Option<PlanText> {
    read_with(source, problems, |root| {
        let base = if form == Form::Plan { name_at(root, "base", "a plan") } else { None };
        let stands_alone = form == Form::Plan && !root.has("base");
        let text = |key: &str| if stands_alone { root.need_text(key) } else { root.text(key) };
        let bandwidth = "the band of its calls: \"NB\", \"WB\", \"SWB\" or \"FB\"";
        Some(PlanText {
            title: text("title"),
            base,
            recommendation: text("recommendation"),
            edition: text("edition"),
            bandwidth: if stands_alone {
                root.need_word("bandwidth", bandwidth)
            } else {
                root.word("bandwidth")
            },
            car: name_at(root, "car", "a virtual car"),
            limits: names_at(root, "limits", "limit files"),
            remove: if stands_alone || form == Form::Overlay {
                Vec::new()
            } else {
                root.has("remove").then(|| root.texts("remove")).flatten().unwrap_or_default()
            },
            defaults: root.table("defaults").map(|table| settings(&table)).unwrap_or_default(),
            entries: entries(root),
            limit_changes: root.tables("limit").iter().filter_map(LimitText::read).collect(),
            place: source.start(),
        })
    })
}

/// The name of a file of one of the folders.
fn name_at(table: &Table<'_>, key: &str, what: &str) -> Option<Placed<String>> {
    let name = table.text(key)?;
    checked_name(table, key, what, name)
}

fn names_at(table: &Table<'_>, key: &str, what: &str) -> Vec<Placed<String>> {
    if !table.has(key) {
        table.text(key);
        return Vec::new();
    }
    let names = table.texts(key).unwrap_or_default();
    names.into_iter().filter_map(|name| checked_name(table, key, what, name)).collect()
}

fn checked_name(table: &Table<'_>, key: &str, what: &str, name: Placed<String>) -> Option<Placed<String>> {
    if is_name(&name.value) && !has_ending(&name.value) {
        return Some(name);
    }
    table.problems().report(
        name.place,
        format!("'{key}' is no name of {what}"),
        format!("'{}'", name.value),
        "a name of letters, digits, '-', '_' and '.', without folder and without .toml",
        format!("write only the name of the file; {key} are looked up beside the plan, in the data folders and among the shipped files"),
    );
    None
}

fn has_ending(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
}

fn entries(root: &Table<'_>) -> Vec<EntryText> {
    let mut entries: Vec<EntryText> = Vec::new();
    for table in root.tables("entry") {
        let entry = entry(&table);
        table.finish();
        let Some(entry) = entry else { continue };
        if let Some(first) = entries.iter().find(|one| one.id.value == entry.id.value) {
            root.problems().report(
                entry.id.place.clone(),
                "an entry stands twice in one file",
                format!("'{}' again, first in line {}", entry.id.value, first.id.place.line()),
                "an id of its own for each entry",
                "choose another id, or merge the two",
            );
        } else {
            entries.push(entry);
        }
    }
    entries
}

fn entry(table: &Table<'_>) -> Option<EntryText> {
    let id = table.need_text("id");
    let title = table.text("title");
    let clause = table.text("clause");
    let method = table.text("method");
    let volume = table.text("volume");
    let [talker, listener, noise] = ["talker", "listener", "noise"].map(|key| table.text(key));
    let calls = calls(table);
    let informative = table.boolean("informative");
    let limits = if table.has("limits") {
        table.texts("limits")
    } else {
        table.text("limits");
        None
    };
    let expand = table.table("expand").map(|table| expansions(&table)).unwrap_or_default();
    let parameters = table.table("parameters").map(|table| settings(&table)).unwrap_or_default();
    let id = id?;
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if id.value.is_empty() || !id.value.bytes().all(good) {
        table.problems().report(
            id.place,
            "an id of an entry is not well formed",
            format!("'{}'", id.value),
            "lower-case letters, digits and '_', as in slr or coupling_loss; conditions are added by the program",
            "correct the id",
        );
        return None;
    }
    let places = vec![id.place.clone()];
    Some(EntryText {
        id,
        title,
        clause,
        method,
        volume,
        talker,
        listener,
        noise,
        calls,
        informative,
        limits,
        expand,
        parameters,
        places,
    })
}

/// In how many new calls an entry is measured.
fn calls(table: &Table<'_>) -> Option<Placed<u32>> {
    let Placed { value, place } = table.integer("calls")?;
    let calls = u32::try_from(value).ok().filter(|calls| (1..=CALLS_MAX).contains(calls));
    if calls.is_none() {
        table.problems().report(
            place.clone(),
            "the number of new calls is out of range",
            format!("calls = {value}"),
            format!("a whole number from 1 to {CALLS_MAX}"),
            "write a number in this range, or remove the line: without it the entry is measured in one call",
        );
    }
    calls.map(|value| Placed { value, place })
}

fn expansions(table: &Table<'_>) -> Vec<(Placed<String>, Vec<Placed<String>>)> {
    let mut all = Vec::new();
    for key in table.keys() {
        let Some(values) = table.texts(&key.value) else { continue };
        if values.is_empty() {
            table.problems().report(
                key.place.clone(),
                "an entry is expanded over nothing",
                format!("{} = []", key.value),
                "at least one value",
                "list the values, or remove the line",
            );
        } else {
            all.push((key, values));
        }
    }
    all
}

/// The settings of a table: texts, and whole numbers as texts. What they mean is checked against the method's card.
fn settings(table: &Table<'_>) -> BTreeMap<String, Placed<String>> {
    let mut all = BTreeMap::new();
    for key in table.keys() {
        let value = if table.kind(&key.value) == Some(Kind::Integer) {
            table.integer(&key.value).map(|one| Placed { value: one.value.to_string(), place: one.place })
        } else {
            table.text(&key.value)
        };
        all.extend(value.map(|value| (key.value, value)));
    }
    all
}
