//! Records of the kind `ear-response`: the free-field and diffuse-field curves of an artificial ear.
//!
//! A head's own curves carry its serial number and one tolerance, as its laboratory states them. A table that stands for
//! all heads of a kind has no serial number; it carries the class of its source and a tolerance that varies with
//! frequency.

use time::Date;

use super::{check_kind, days, validity};
use crate::calibration::ear::{EarResponse, FieldResponse};
use crate::document::{Placed, Table, read};
use crate::problem::{Problem, SourceText};
use crate::terms::LimitClass;
use crate::units::Unit;

/// The word of this kind of record.
pub(super) const EAR_RESPONSE: &str = "ear-response";
/// No ear changes the level of sound by more.
const RESPONSE_MAX_DB: f64 = 60.0;
/// No tolerance is wider.
const TOLERANCE_MAX_DB: f64 = 30.0;
/// What a curve must reach: the bands of P.79. Beyond, its end values are held.
const REACH_HZ: (f64, f64) = (100.0, 8_000.0);

/// What an artificial ear does to sound.
#[derive(Debug, Clone, PartialEq)]
pub struct EarRecord {
    /// Its id; the file is named after it.
    pub id: String,
    /// What was calibrated.
    pub what: String,
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
    response: EarResponse,
}

impl EarRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub fn parse(source: &SourceText) -> Result<Self, Vec<Problem>> {
        read(source, |root| {
            let kind = root.need_text("kind").and_then(|kind| check_kind(root, kind, EAR_RESPONSE));
            let id = root.need_text("id");
            let what = root.need_text("what");
            let is_own = root.has("serial");
            let serial = root.text("serial");
            let class = if is_own {
                Some(LimitClass::A)
            } else {
                root.need_word(
                    "class",
                    "A, B or C: how far the table has been verified; or 'serial' for own curves",
                )
                .map(|class: Placed<LimitClass>| class.value)
            };
            let free_field = field_response(root, "free_field", is_own);
            let diffuse_field = field_response(root, "diffuse_field", is_own);
            let days = days(root);
            let [instrument, by, method] = ["instrument", "by", "method"].map(|key| root.need_text(key));
            let (date, valid_until) = days?;
            kind?;
            let id = id?.value;
            let response = EarResponse {
                record: id.clone(),
                serial: serial.map(|serial| serial.value),
                class: class?,
                free_field: free_field?,
                diffuse_field: diffuse_field?,
                // Said when it is used: see `on`.
                validity: crate::calibration::Validity::Missing,
            };
            Some(Self {
                id,
                what: what?.value,
                date,
                valid_until,
                instrument: instrument?.value,
                by: by?.value,
                method: method?.value,
                response,
            })
        })
    }

    /// The responses as a bench has them on a day.
    pub fn response(&self, on: Date) -> EarResponse {
        let validity = validity(self.date, self.valid_until, on);
        EarResponse { validity, ..self.response.clone() }
    }
}

fn field_response(root: &Table<'_>, field: &str, is_own: bool) -> Option<FieldResponse> {
    let points = curve(root, &format!("{field}_hz_db"), (-RESPONSE_MAX_DB, RESPONSE_MAX_DB), true);
    let (below, above) = if is_own {
        let tolerance = root.need_quantity("tolerance", &[Unit::Db]).and_then(|one| {
            let is_good = (0.0..=TOLERANCE_MAX_DB).contains(&one.value.value);
            if !is_good {
                root.problems().report(
                    one.place,
                    "'tolerance' is out of range",
                    one.value.to_string(),
                    format!("0 to {TOLERANCE_MAX_DB} dB"),
                    "give what the laboratory states for the curves",
                );
            }
            is_good.then_some(one.value.value)
        });
        (tolerance.map(|db| vec![(REACH_HZ.0, -db)]), tolerance.map(|db| vec![(REACH_HZ.0, db)]))
    } else {
        (
            curve(root, &format!("{field}_below_hz_db"), (-TOLERANCE_MAX_DB, 0.0), false),
            curve(root, &format!("{field}_above_hz_db"), (0.0, TOLERANCE_MAX_DB), false),
        )
    };
    Some(FieldResponse { points: points?, below: below?, above: above? })
}

/// A curve whose values lie between `ends`; one that `reaches` spans the bands of P.79.
fn curve(root: &Table<'_>, key: &str, ends: (f64, f64), reaches: bool) -> Option<Vec<(f64, f64)>> {
    if !root.has(key) {
        root.points(key);
        root.missing(key, "a list of pairs of Hz and dB, as in [[100, 0], [1000, 3.5], [8000, 2]]");
        return None;
    }
    let Placed { value: points, place } = root.points(key)?;
    let wrong = |title: String, found: String, expected: String, remedy: &str| {
        root.problems().report(place.clone(), title, found, expected, remedy);
        None
    };
    let bad = points.iter().find(|(hz, db)| !(*hz > 0.0 && hz.is_finite() && (ends.0..=ends.1).contains(db)));
    if let Some((hz, db)) = bad {
        return wrong(
            format!("'{key}' holds a point that cannot be"),
            format!("[{hz}, {db}]"),
            format!("a frequency above 0 Hz, and {} to {} dB", ends.0, ends.1),
            "correct the point",
        );
    }
    if let Some(pair) = points.windows(2).find(|pair| pair[1].0 <= pair[0].0) {
        return wrong(
            format!("'{key}' does not rise in frequency"),
            format!("{} Hz after {} Hz", pair[1].0, pair[0].0),
            "each frequency once, from the lowest to the highest".to_owned(),
            "sort the points",
        );
    }
    let (first, last) =
        (points.first().map_or(f64::NAN, |one| one.0), points.last().map_or(f64::NAN, |one| one.0));
    if reaches && !(first <= REACH_HZ.0 && last >= REACH_HZ.1) {
        return wrong(
            format!("'{key}' does not reach far enough"),
            format!("{first} to {last} Hz"),
            format!("points from {} Hz or below to {} Hz or above", REACH_HZ.0, REACH_HZ.1),
            "beyond its ends a curve would only be guessed: give all that was measured",
        );
    }
    Some(points)
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::calibration::Validity;
    use crate::calibration::ledger::LedgerRecord;
    use crate::terms::EarField;

    const OWN: &str = r#"
kind = "ear-response"
id = "ear-left-4711"
what = "Left ear of HATS 4711"
serial = "4711-L"
tolerance = "0.5 dB"
free_field_hz_db = [[100, 0], [2500, 18], [8000, 2]]
diffuse_field_hz_db = [[100, 0], [2500, 14], [8000, 6]]
date = "2026-10-01"
valid_until = "2027-10-01"
instrument = "free-field microphone 12"
by = "A. Person"
method = "anechoic room, 2 m"
"#;

    fn parse(text: &str) -> Result<EarRecord, Vec<Problem>> {
        EarRecord::parse(&SourceText::new("e.toml", text))
    }

    #[test]
    fn own_curves_carry_their_serial_number_and_hold_from_day_to_day() {
        let record = parse(OWN).unwrap();
        for (day, validity) in [
            (date!(2026 - 09 - 30), Validity::Expired),
            (date!(2026 - 10 - 01), Validity::Valid),
            (date!(2027 - 10 - 02), Validity::Expired),
        ] {
            assert_eq!(record.response(day).validity, validity, "{day}");
        }
        let ear = record.response(date!(2026 - 11 - 01));
        assert_eq!((ear.serial.as_deref(), ear.class), (Some("4711-L"), LimitClass::A));
        assert_eq!(ear.free_field.points[1], (2_500.0, 18.0));
        assert_eq!(ear.diffuse_field.tolerance_db(), (-0.5, 0.5));
        let equalizer = ear.equalizer(EarField::Diffuse).unwrap();
        assert!((equalizer.response_db(2_500.0) - 14.0).abs() < 1e-9);
    }

    #[test]
    fn every_problem_of_a_record_has_its_place() {
        for (from, to, wanted) in [
            ("ear-response", "full-scale", "e.toml:2:8: 'kind' is not understood"),
            ("[2500, 18]", "[2500, 180]", "e.toml:7:20: 'free_field_hz_db' holds a point that cannot be"),
            ("[2500, 14]", "[50, 14]", "e.toml:8:23: 'diffuse_field_hz_db' does not rise"),
            ("[100, 0], [2500, 18]", "[200, 0], [2500, 18]", "'free_field_hz_db' does not reach far enough"),
            ("[8000, 6]", "[6000, 6]", "'diffuse_field_hz_db' does not reach far enough"),
            ("0.5 dB", "-1 dB", "e.toml:6:13: 'tolerance' is out of range"),
            ("serial = \"4711-L\"\n", "", "'class' is missing"),
            ("free_field_hz_db", "freefield_hz_db", "'free_field_hz_db' is missing"),
            ("\"2027-10-01\"", "\"2026-09-01\"", "'valid_until' lies before 'date'"),
        ] {
            let problems = parse(&OWN.replacen(from, to, 1)).err().unwrap_or_default();
            let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(found.iter().any(|one| one.contains(wanted)), "{wanted}: {found:#?}");
        }
        assert!(parse("").unwrap_err().len() >= 9, "all that is missing is reported at once");
    }

    #[test]
    fn a_record_of_one_kind_is_not_taken_for_another() {
        let problems = LedgerRecord::parse(&SourceText::new("e.toml", OWN)).unwrap_err();
        let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(found.iter().any(|one| one.contains("'kind' is not understood")), "{found:#?}");
        assert!(problems.iter().any(|one| one.remedy.contains("name a record of kind full-scale")));
    }
}
