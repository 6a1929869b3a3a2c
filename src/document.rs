//! TOML files read with places: every problem of a file at once, unknown keys included.
//!
//! A [`Table`] hands out the values of its keys and remembers which were asked for;
//! [`Table::finish`] reports the rest as unknown, with the nearest known key as remedy.
//! Readers return `Option`: `None` means absent, or already reported.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Place, Problem, SourceText};
use crate::units::{Quantity, Unit};

/// A value with the place where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

/// The problems found so far, shared by all tables of one reading.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Adds one.
    pub fn push(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    /// Adds one, from its parts.
    pub fn report(
        &self,
        place: Place,
        title: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(Problem {
            title: title.into(),
            place,
            found: found.into(),
            expected: expected.into(),
            remedy: remedy.into(),
        });
    }

    /// Whether none was found.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// All of them, in the order of their places within each file.
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut all = self.0.into_inner();
        all.sort_by_key(|one| (one.place.source.name.clone(), one.place.span.start));
        all
    }
}

/// Reads `source` and gives its root table to `read`; syntax errors are reported beside what could be read.
///
/// # Errors
/// All problems, when there is at least one.
pub fn read<T>(source: &SourceText, read: impl FnOnce(&Table<'_>) -> Option<T>) -> Result<T, Vec<Problem>> {
    let problems = Problems::default();
    let value = read_with(source, &problems, read);
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        None if problems.is_empty() => {
            problems.report(
                source.start(),
                "the file could not be read",
                "a table without the keys that are needed",
                "a complete file",
                "compare it with a shipped file of the same kind",
            );
            Err(problems.into_sorted())
        }
        _ => Err(problems.into_sorted()),
    }
}

/// As [`read`], with the problems collected by the caller, who may read more than one file.
pub fn read_with<T>(
    source: &SourceText,
    problems: &Problems,
    read: impl FnOnce(&Table<'_>) -> Option<T>,
) -> Option<T> {
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        let place = source.place(error.span().unwrap_or(0..0));
        problems.report(
            place.clone(),
            "the file is not well-formed TOML",
            quoted(&source.text, place.span),
            error.message().to_owned(),
            "mend the line; texts stand in double quotes, tables begin with [name]",
        );
    }
    if !errors.is_empty() {
        return None;
    }
    let table = Table {
        path: String::new(),
        entries: root.get_ref(),
        place: source.start(),
        source,
        seen: RefCell::default(),
        problems,
    };
    let value = read(&table);
    table.finish();
    value
}

fn quoted(text: &str, span: Range<usize>) -> String {
    let line = text.get(span).unwrap_or_default().lines().next().unwrap_or_default();
    if line.is_empty() { "the end of the line or of the file".to_owned() } else { format!("'{line}'") }
}

/// One table of a document.
#[derive(Debug)]
pub struct Table<'d> {
    path: String,
    entries: &'d DeTable<'d>,
    place: Place,
    source: &'d SourceText,
    seen: RefCell<BTreeSet<String>>,
    problems: &'d Problems,
}

impl<'d> Table<'d> {
    /// Where the table stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The dotted path of the table from the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where its problems go.
    pub fn problems(&self) -> &'d Problems {
        self.problems
    }

    /// The keys as written, with their places, in the order of the alphabet. Does not mark them as known.
    pub fn keys(&self) -> Vec<Placed<String>> {
        let keys = self.entries.iter().map(|(key, _)| Placed {
            value: key.get_ref().to_string(),
            place: self.source.place(key.span()),
        });
        keys.collect()
    }

    /// Whether the key is written.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    fn get(&self, key: &str) -> Option<(&'d DeValue<'d>, Place)> {
        self.seen.borrow_mut().insert(key.to_owned());
        let value: &'d Spanned<DeValue<'d>> = self.entries.get(key)?;
        Some((value.get_ref(), self.source.place(value.span())))
    }

    /// Reports that `key` must be there.
    pub fn missing(&self, key: &str, expected: &str) {
        let whole = if self.path.is_empty() { "the file".to_owned() } else { format!("[{}]", self.path) };
        self.problems.report(
            self.place.clone(),
            format!("'{key}' is missing"),
            format!("{whole} without '{key}'"),
            expected,
            format!("add {key} = …"),
        );
    }

    fn wrong(&self, key: &str, place: &Place, value: &DeValue<'_>, expected: &str) {
        self.problems.report(
            place.clone(),
            format!("'{key}' is of the wrong kind"),
            describe(value),
            expected,
            format!("write {key} as {expected}"),
        );
    }

    /// The text at `key`.
    pub fn text(&self, key: &str) -> Option<Placed<String>> {
        let (value, place) = self.get(key)?;
        if let DeValue::String(text) = value {
            Some(Placed { value: text.to_string(), place })
        } else {
            self.wrong(key, &place, value, "a text in double quotes");
            None
        }
    }

    /// The text at `key`, which must be there.
    pub fn need_text(&self, key: &str) -> Option<Placed<String>> {
        if !self.has(key) {
            self.get(key);
            self.missing(key, "a text in double quotes");
            return None;
        }
        self.text(key)
    }

    /// A word at `key` read by its type, as `bandwidth = "WB"`.
    pub fn word<T>(&self, key: &str) -> Option<Placed<T>>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let text = self.text(key)?;
        match text.value.parse() {
            Ok(value) => Some(Placed { value, place: text.place }),
            Err(error) => {
                self.problems.report(
                    text.place,
                    format!("'{key}' is not understood"),
                    format!("'{}'", text.value),
                    error.to_string(),
                    format!("correct {key}"),
                );
                None
            }
        }
    }

    /// As [`Table::word`], and it must be there.
    pub fn need_word<T>(&self, key: &str, expected: &str) -> Option<Placed<T>>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        if !self.has(key) {
            self.get(key);
            self.missing(key, expected);
            return None;
        }
        self.word(key)
    }

    /// A quantity at `key` whose unit is one of `units`.
    pub fn quantity(&self, key: &str, units: &[Unit]) -> Option<Placed<Quantity>> {
        let (value, place) = self.get(key)?;
        self.quantity_of(key, value, place, units)
    }

    fn quantity_of(
        &self,
        key: &str,
        value: &DeValue<'_>,
        place: Place,
        units: &[Unit],
    ) -> Option<Placed<Quantity>> {
        let wanted = units.iter().map(|unit| unit.symbol()).collect::<Vec<_>>().join(" or ");
        let example = format!("a number with its unit ({wanted}), as in \"3.5 {}\"", units[0].symbol());
        let DeValue::String(text) = value else {
            let found = describe(value);
            self.problems.report(
                place,
                format!("'{key}' has no unit"),
                found,
                example,
                "write number and unit in double quotes",
            );
            return None;
        };
        match text.parse::<Quantity>() {
            Ok(quantity) if units.contains(&quantity.unit) => Some(Placed { value: quantity, place }),
            Ok(quantity) => {
                self.problems.report(
                    place,
                    format!("'{key}' has the wrong unit"),
                    format!("'{text}', in {}", quantity.unit),
                    example,
                    format!("give {key} in {wanted}; planes are not converted in silence"),
                );
                None
            }
            Err(error) => {
                self.problems.report(
                    place,
                    format!("'{key}' is no quantity"),
                    format!("'{text}'"),
                    example,
                    error.to_string(),
                );
                None
            }
        }
    }

    /// As [`Table::quantity`], and it must be there.
    pub fn need_quantity(&self, key: &str, units: &[Unit]) -> Option<Placed<Quantity>> {
        if !self.has(key) {
            self.get(key);
            self.missing(key, &format!("a quantity, as in \"1 {}\"", units[0].symbol()));
            return None;
        }
        self.quantity(key, units)
    }

    /// The quantities of the list at `key`.
    pub fn quantities(&self, key: &str, units: &[Unit]) -> Option<Vec<Placed<Quantity>>> {
        let items = self.items(key)?;
        Some(
            items
                .into_iter()
                .filter_map(|(value, place)| self.quantity_of(key, value, place, units))
                .collect(),
        )
    }

    /// The texts of the list at `key`.
    pub fn texts(&self, key: &str) -> Option<Vec<Placed<String>>> {
        let items = self.items(key)?;
        let mut texts = Vec::new();
        for (value, place) in items {
            if let DeValue::String(text) = value {
                texts.push(Placed { value: text.to_string(), place });
            } else {
                self.wrong(key, &place, value, "a list of texts in double quotes");
            }
        }
        Some(texts)
    }

    /// The list of pairs of numbers at `key`, as `[[100, -41], [1300, -41]]`.
    pub fn points(&self, key: &str) -> Option<Placed<Vec<(f64, f64)>>> {
        let place = self.get(key)?.1;
        let expected = "a list of pairs of numbers, as in [[100, -41], [1300, -41]]";
        let mut points = Vec::new();
        for (value, place) in self.items(key)? {
            let pair = match value {
                DeValue::Array(pair) if pair.len() == 2 => {
                    Option::zip(number(pair[0].get_ref()), number(pair[1].get_ref()))
                }
                _ => None,
            };
            if let Some(pair) = pair {
                points.push(pair);
            } else {
                self.wrong(key, &place, value, expected);
                return None;
            }
        }
        Some(Placed { value: points, place })
    }

    /// The plain numbers of the list at `key`, for tables of samples.
    pub fn numbers(&self, key: &str) -> Option<Placed<Vec<f64>>> {
        let place = self.get(key)?.1;
        let mut numbers = Vec::new();
        for (value, place) in self.items(key)? {
            if let Some(one) = number(value) {
                numbers.push(one);
            } else {
                self.wrong(key, &place, value, "a list of finite numbers");
                return None;
            }
        }
        Some(Placed { value: numbers, place })
    }

    fn items(&self, key: &str) -> Option<Vec<(&'d DeValue<'d>, Place)>> {
        let (value, place) = self.get(key)?;
        if let DeValue::Array(items) = value {
            Some(items.iter().map(|one| (one.get_ref(), self.source.place(one.span()))).collect())
        } else {
            self.wrong(key, &place, value, "a list in square brackets");
            None
        }
    }

    /// The whole number at `key`.
    pub fn integer(&self, key: &str) -> Option<Placed<i64>> {
        let (value, place) = self.get(key)?;
        let whole = match value {
            DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        };
        if whole.is_none() {
            self.wrong(key, &place, value, "a whole number");
        }
        whole.map(|value| Placed { value, place })
    }

    /// The plain number at `key`, for what has no unit.
    pub fn number(&self, key: &str) -> Option<Placed<f64>> {
        let (value, place) = self.get(key)?;
        let plain = number(value);
        if plain.is_none() {
            self.wrong(key, &place, value, "a finite number");
        }
        plain.map(|value| Placed { value, place })
    }

    /// `true` or `false` at `key`.
    pub fn boolean(&self, key: &str) -> Option<Placed<bool>> {
        let (value, place) = self.get(key)?;
        if let DeValue::Boolean(truth) = value {
            Some(Placed { value: *truth, place })
        } else {
            self.wrong(key, &place, value, "true or false");
            None
        }
    }

    /// The table at `key`. The caller finishes it.
    pub fn table(&self, key: &str) -> Option<Table<'d>> {
        let (value, place) = self.get(key)?;
        if let DeValue::Table(table) = value {
            Some(self.child(key, table, place))
        } else {
            self.wrong(key, &place, value, &format!("a table that begins with [{}]", self.join(key)));
            None
        }
    }

    /// The tables of the list at `key`, written as `[[key]]`. The caller finishes each. Absent is empty.
    pub fn tables(&self, key: &str) -> Vec<Table<'d>> {
        let Some(items) = self.has(key).then(|| self.items(key)).flatten() else {
            self.get(key);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (index, (value, place)) in items.into_iter().enumerate() {
            if let DeValue::Table(table) = value {
                tables.push(self.child(&format!("{key}.{index}"), table, place));
            } else {
                self.wrong(key, &place, value, &format!("a table that begins with [[{}]]", self.join(key)));
            }
        }
        tables
    }

    fn child(&self, key: &str, entries: &'d DeTable<'d>, place: Place) -> Table<'d> {
        Table {
            path: self.join(key),
            entries,
            place,
            source: self.source,
            seen: RefCell::default(),
            problems: self.problems,
        }
    }

    fn join(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// What the value at `key` is, for readers that accept several kinds. Marks the key as known.
    pub fn kind(&self, key: &str) -> Option<Kind> {
        let (value, _) = self.get(key)?;
        Some(match value {
            DeValue::String(_) => Kind::Text,
            DeValue::Integer(_) => Kind::Integer,
            DeValue::Float(_) => Kind::Number,
            DeValue::Boolean(_) => Kind::Boolean,
            DeValue::Array(_) => Kind::List,
            DeValue::Table(_) => Kind::Table,
            DeValue::Datetime(_) => Kind::Date,
        })
    }

    /// Reports the keys that nobody asked for.
    pub fn finish(&self) {
        let seen = self.seen.borrow();
        for key in self.keys() {
            if seen.contains(&key.value) {
                continue;
            }
            let known: Vec<&str> = seen.iter().map(String::as_str).collect();
            let remedy = nearest(&key.value, &known)
                .map_or_else(|| "remove it".to_owned(), |near| format!("did you mean '{near}'?"));
            self.problems.report(
                key.place,
                format!("'{}' is not a key of {}", key.value, self.name()),
                format!("'{}'", key.value),
                format!("one of {}", known.join(", ")),
                remedy,
            );
        }
    }

    fn name(&self) -> String {
        if self.path.is_empty() { "this file".to_owned() } else { format!("[{}]", self.path) }
    }
}

/// The kind of a TOML value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number with a fraction.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    List,
    /// A table.
    Table,
    /// A date or time.
    Date,
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    let text = match value {
        DeValue::Integer(digits) if digits.radix() == 10 => digits.as_str(),
        DeValue::Float(digits) => digits.as_str(),
        _ => return None,
    };
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text '{text}'"),
        DeValue::Integer(digits) => format!("the number {}", digits.as_str()),
        DeValue::Float(digits) => format!("the number {}", digits.as_str()),
        DeValue::Boolean(truth) => format!("{truth}"),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(items) => format!("a list of {}", items.len()),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// The known word that is at most two typing slips away from `word`.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let slips = known.iter().map(|one| (distance(word, one), *one));
    slips.filter(|(count, one)| *count <= 2 && *count < one.len()).min().map(|(_, one)| one)
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
