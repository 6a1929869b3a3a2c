//! The ledger of equipment, `calibration/ledger/*.toml`: one record a file, what full scale means on a port and since
//! when that is known.
//!
//! Every record says its `kind`: `full-scale` is this one, `ear-response` what an artificial ear does to sound ([`ear`]),
//! `network-reference` what a network simulator does by itself ([`network`]).
//! Later kinds (an uncertainty, a chain of instruments) can stand beside them without changing them.

pub mod ear;
pub mod network;

use time::Date;
use time::macros::format_description;

use super::{PortCalibration, Validity};
use crate::document::{Placed, Table, read};
use crate::problem::{Problem, SourceText};
use crate::units::{Quantity, Unit};

/// The word of this kind of record.
const FULL_SCALE: &str = "full-scale";
/// The planes in which full scale may be stated.
const PLANES: &[Unit] = &[Unit::DbPa, Unit::Dbm0, Unit::DbOv];
/// No converter has its full scale further away from the zero of its plane than that.
const ZERO_DBOV_MAX_DB: f64 = 120.0;

/// What full scale means on a port.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRecord {
    /// Its id; the file is named after it.
    pub id: String,
    /// What was calibrated.
    pub what: String,
    /// The level of a signal at 0 dBov (mean square 1.0) on the port.
    pub zero_dbov: Quantity,
    /// The day of the calibration.
    pub date: Date,
    /// The last day on which it holds.
    pub valid_until: Date,
    /// The reference instrument, with its serial number.
    pub instrument: String,
    /// Who did it.
    pub by: String,
    /// How it was done.
    pub method: String,
}

impl LedgerRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub fn parse(source: &SourceText) -> Result<Self, Vec<Problem>> {
        read(source, |root| {
            let kind = root.need_text("kind").and_then(|kind| check_kind(root, kind, FULL_SCALE));
            let id = root.need_text("id");
            let what = root.need_text("what");
            let zero_dbov = root.need_quantity("zero_dbov", PLANES).and_then(|zero| check_zero(root, zero));
            let days = days(root);
            let [instrument, by, method] = ["instrument", "by", "method"].map(|key| root.need_text(key));
            let (date, valid_until) = days?;
            kind?;
            Some(Self {
                id: id?.value,
                what: what?.value,
                zero_dbov: zero_dbov?,
                date,
                valid_until,
                instrument: instrument?.value,
                by: by?.value,
                method: method?.value,
            })
        })
    }

    /// Whether the calibration holds on a day: from the day on which it was made to its last one.
    pub fn validity(&self, on: Date) -> Validity {
        validity(self.date, self.valid_until, on)
    }

    /// What the samples of a port with this record mean when they are captured on a day.
    pub fn calibration(&self, on: Date) -> PortCalibration {
        PortCalibration { record: self.id.clone(), zero_dbov: self.zero_dbov, validity: self.validity(on) }
    }
}

/// The kinds of record that this edition knows.
const KINDS: [&str; 3] = [FULL_SCALE, ear::EAR_RESPONSE, network::NETWORK_REFERENCE];

fn check_kind(root: &Table<'_>, kind: Placed<String>, wanted: &str) -> Option<()> {
    if kind.value == wanted {
        return Some(());
    }
    let remedy = if KINDS.contains(&kind.value.as_str()) {
        format!("name a record of kind {wanted} here")
    } else {
        format!("write kind = \"{wanted}\", or use a newer edition of the program")
    };
    root.problems().report(
        kind.place,
        "'kind' is not understood",
        format!("'{}'", kind.value),
        format!("{wanted}, the kind of record that is asked for here"),
        remedy,
    );
    None
}

/// The day of the calibration and the last day on which it holds.
fn days(root: &Table<'_>) -> Option<(Date, Date)> {
    let (date, valid_until) = (day(root, "date"), day(root, "valid_until"));
    let (date, valid_until) = (date?, valid_until?);
    if valid_until.value < date.value {
        root.problems().report(
            valid_until.place,
            "'valid_until' lies before 'date'",
            valid_until.value.to_string(),
            format!("a day from {} on", date.value),
            "correct one of the two days",
        );
    }
    Some((date.value, valid_until.value))
}

/// Whether a calibration holds on a day. A record from the future does not hold either: the clock or the record is wrong.
fn validity(date: Date, valid_until: Date, on: Date) -> Validity {
    if (date..=valid_until).contains(&on) { Validity::Valid } else { Validity::Expired }
}

fn check_zero(root: &Table<'_>, zero: Placed<Quantity>) -> Option<Quantity> {
    if zero.value.value.abs() <= ZERO_DBOV_MAX_DB {
        return Some(zero.value);
    }
    root.problems().report(
        zero.place,
        "'zero_dbov' is out of range",
        zero.value.to_string(),
        format!("a level within {ZERO_DBOV_MAX_DB} dB of the zero of its plane"),
        "give the level of a signal whose mean square is 1.0 of digital full scale",
    );
    None
}

/// A day as files write it.
fn day(root: &Table<'_>, key: &str) -> Option<Placed<Date>> {
    let text = root.need_text(key)?;
    match Date::parse(&text.value, format_description!("[year]-[month]-[day]")) {
        Ok(value) => Some(Placed { value, place: text.place }),
        Err(error) => {
            root.problems().report(
                text.place,
                format!("'{key}' is no day"),
                format!("'{}' ({error})", text.value),
                "year, month and day, as in \"2026-11-22\"",
                format!("write {key} = \"YYYY-MM-DD\""),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const GOOD: &str = r#"
kind = "full-scale"
id = "ear-left"
what = "Left ear"
zero_dbov = "20 dBPa"
date = "2026-10-01"
valid_until = "2027-10-01"
instrument = "pistonphone 4711"
by = "A. Person"
method = "124 dB at 250 Hz"
"#;

    fn problems(text: &str) -> Vec<String> {
        let result = LedgerRecord::parse(&SourceText::new("l.toml", text));
        result.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_record_holds_from_its_day_to_its_last_one() {
        let record = LedgerRecord::parse(&SourceText::new("l.toml", GOOD)).unwrap();
        assert_eq!(record.zero_dbov, Quantity::new(20.0, Unit::DbPa));
        for (day, validity) in [
            (date!(2026 - 09 - 30), Validity::Expired),
            (date!(2026 - 10 - 01), Validity::Valid),
            (date!(2027 - 10 - 01), Validity::Valid),
            (date!(2027 - 10 - 02), Validity::Expired),
        ] {
            assert_eq!(record.validity(day), validity, "{day}");
            assert_eq!(record.calibration(day).validity, validity);
        }
    }

    #[test]
    fn every_problem_of_a_record_has_its_place() {
        for (from, to, wanted) in [
            ("full-scale", "response", "l.toml:2:8: 'kind' is not understood"),
            ("20 dBPa", "20 dBV", "l.toml:5:13: 'zero_dbov' has the wrong unit"),
            ("20 dBPa", "200 dBPa", "l.toml:5:13: 'zero_dbov' is out of range"),
            ("\"2026-10-01\"", "\"2026-13-01\"", "l.toml:6:8: 'date' is no day"),
            ("\"2026-10-01\"", "\"01.10.2026\"", "l.toml:6:8: 'date' is no day"),
            ("\"2027-10-01\"", "\"2026-09-01\"", "l.toml:7:15: 'valid_until' lies before 'date'"),
            ("instrument", "instrumnet", "l.toml:8:1: 'instrumnet' is not a key of this file"),
            ("by = \"A. Person\"\n", "", "'by' is missing"),
        ] {
            let found = problems(&GOOD.replacen(from, to, 1));
            assert!(found.iter().any(|one| one.contains(wanted)), "{wanted}: {found:#?}");
        }
        assert!(problems("").len() >= 8, "all that is missing is reported at once");
    }
}
