//! What a meter read, as one JSON object or as a short table.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::cli::columns::{Cell, Row, aligned};
use crate::cli::{json, output};
use crate::run::RunError;

/// A value of a reading.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Number(f64),
    Count(usize),
    Whole(i64),
    Numbers(Vec<f64>),
    Text(String),
    Truth(bool),
    Truths(Vec<bool>),
    Nothing,
}

/// The fields of a reading, in the order in which they are told.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Reading {
    fields: Vec<(Cow<'static, str>, Value)>,
}

impl Reading {
    /// A number; NaN and infinities become `null`, JSON has neither.
    pub(super) fn number(self, name: impl Into<Cow<'static, str>>, value: f64) -> Self {
        self.with(name, Value::Number(value))
    }

    /// A number where there is one, else `null`.
    pub(super) fn maybe(self, name: impl Into<Cow<'static, str>>, value: Option<f64>) -> Self {
        self.with(name, value.map_or(Value::Nothing, Value::Number))
    }

    /// A whole number.
    pub(super) fn count(self, name: impl Into<Cow<'static, str>>, value: usize) -> Self {
        self.with(name, Value::Count(value))
    }

    /// A whole number with a sign.
    pub(super) fn whole(self, name: impl Into<Cow<'static, str>>, value: i64) -> Self {
        self.with(name, Value::Whole(value))
    }

    /// A row of numbers.
    pub(super) fn numbers(self, name: impl Into<Cow<'static, str>>, values: Vec<f64>) -> Self {
        self.with(name, Value::Numbers(values))
    }

    /// A text.
    pub(super) fn text(self, name: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        self.with(name, Value::Text(text.into()))
    }

    /// Yes or no.
    pub(super) fn truth(self, name: impl Into<Cow<'static, str>>, value: bool) -> Self {
        self.with(name, Value::Truth(value))
    }

    /// A row of yes and no.
    pub(super) fn truths(self, name: impl Into<Cow<'static, str>>, values: Vec<bool>) -> Self {
        self.with(name, Value::Truths(values))
    }

    /// No value, where another reading has one.
    pub(super) fn nothing(self, name: impl Into<Cow<'static, str>>) -> Self {
        self.with(name, Value::Nothing)
    }

    fn with(mut self, name: impl Into<Cow<'static, str>>, value: Value) -> Self {
        self.fields.push((name.into(), value));
        self
    }

    /// Prints it.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub(super) fn print(&self, as_json: bool) -> Result<(), RunError> {
        if as_json { json::print(self) } else { output::result(&self.table()) }
    }

    /// Single values first, one to a line; then the rows of numbers side by side, those of one length together.
    fn table(&self) -> String {
        let mut single = Vec::new();
        let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
        for (name, value) in &self.fields {
            match value {
                Value::Numbers(values) => {
                    rows.push((name, values.iter().map(|value| written(name, *value)).collect()));
                }
                Value::Truths(values) => {
                    rows.push((name, values.iter().map(|value| yes_or_no(*value).to_owned()).collect()));
                }
                value => single.push(Row::from(vec![Cell::text(name.as_ref()), shown(name, value)])),
            }
        }
        let mut text = aligned(&single);
        while let Some((_, first)) = rows.first() {
            let length = first.len();
            let (block, rest): (Vec<_>, Vec<_>) =
                rows.into_iter().partition(|(_, values)| values.len() == length);
            let head: Vec<Cell> = block.iter().map(|(name, _)| Cell::number(*name)).collect();
            let mut lines = vec![Row::from(head)];
            for at in 0..length {
                let cells = block.iter().map(|(_, values)| Cell::number(values[at].as_str()));
                lines.push(Row::from(cells.collect::<Vec<Cell>>()));
            }
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&aligned(&lines));
            rows = rest;
        }
        text
    }
}

fn shown(name: &str, value: &Value) -> Cell {
    match value {
        Value::Number(number) => Cell::number(written(name, *number)),
        Value::Count(count) => Cell::number(count.to_string()),
        Value::Whole(number) => Cell::number(number.to_string().replace('-', "−")),
        Value::Truth(truth) => Cell::text(yes_or_no(*truth)),
        Value::Text(text) => Cell::text(text.as_str()),
        Value::Nothing | Value::Numbers(_) | Value::Truths(_) => Cell::text("–"),
    }
}

fn yes_or_no(truth: bool) -> &'static str {
    if truth { "yes" } else { "no" }
}

/// A number with as many decimals as it is worth, by its unit.
fn written(name: &str, value: f64) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    let text = if name == "hz" || name.ends_with("_hz") {
        format!("{value}")
    } else if name.ends_with("_ms") || name.ends_with("_percent") || name == "time_s" || name == "score" {
        format!("{value:.3}")
    } else {
        format!("{value:.2}")
    };
    text.replace('-', "−")
}

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // serde_json writes NaN and infinities as null.
            Self::Number(number) => number.serialize(serializer),
            Self::Count(count) => count.serialize(serializer),
            Self::Whole(number) => number.serialize(serializer),
            Self::Numbers(numbers) => numbers.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
            Self::Truth(truth) => truth.serialize(serializer),
            Self::Truths(truths) => truths.serialize(serializer),
            Self::Nothing => serializer.serialize_none(),
        }
    }
}

impl Serialize for Reading {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (name, value) in &self.fields {
            map.serialize_entry(name.as_ref(), value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Reading {
        Reading::default()
            .number("rms_level_dbov", -26.0)
            .number("peak_dbov", f64::NEG_INFINITY)
            .maybe("activity_percent", None)
            .text("unit", "dBPa")
            .truth("spread", false)
            .numbers("hz", vec![31.5, 1000.0])
            .numbers("level_dbov", vec![-40.0, f64::NAN])
            .truths("noise_limited", vec![false, true])
    }

    #[test]
    fn json_keeps_the_order_and_has_null_where_there_is_no_number() {
        assert_eq!(
            serde_json::to_string(&example()).unwrap(),
            r#"{"rms_level_dbov":-26.0,"peak_dbov":null,"activity_percent":null,"unit":"dBPa","spread":false,"hz":[31.5,1000.0],"level_dbov":[-40.0,null],"noise_limited":[false,true]}"#
        );
    }

    #[test]
    fn the_table_has_single_values_first_and_rows_of_numbers_side_by_side() {
        let text = example().table();
        assert!(text.starts_with("rms_level_dbov    −26.00\npeak_dbov             −∞\n"), "{text}");
        let rows = "\n  hz  level_dbov  noise_limited\n31.5      −40.00             no\n1000           –            yes\n";
        assert!(text.ends_with(rows), "{text}");
    }
}
