//! Records of the kind `network-reference`: what a reference run found of a network simulator without the car, for one
//! codec in one mode and one speech band.
//!
//! A laboratory measures its simulator once for each codec that it uses, keeps the records, and names them in its bench
//! file. A run that makes no reference run of its own begins with the facts of the record that is for its call, as long as
//! that holds.

use std::fmt::Write as _;

use time::Date;

use super::{check_kind, days, validity};
use crate::calibration::Validity;
use crate::document::{Placed, Table, read};
use crate::finding::{Curve, FactValue};
use crate::problem::{Problem, SourceText};
use crate::terms::{Bandwidth, CodecMode};
use crate::units::{DBOV_AT_0_DBM0, Quantity, Unit};

/// The word of this kind of record.
pub(super) const NETWORK_REFERENCE: &str = "network-reference";
/// No simulator delays by more, in ms.
const DELAY_MAX_MS: f64 = 2_000.0;
/// No simulator within its band gains or loses more, in dB.
const RESPONSE_MAX_DB: f64 = 40.0;

/// The keys of what is a number, with the units that it may have and the fact of each.
const NUMBERS: [(&str, &[(Unit, &str)]); 4] = [
    ("delay_send", &[(Unit::Millisecond, "reference.delay_send")]),
    ("delay_receive", &[(Unit::Millisecond, "reference.delay_receive")]),
    ("noise_send", &[(Unit::Dbm0A, "reference.noise_send"), (Unit::Dbm0P, "reference.noise_send_p")]),
    (
        "noise_receive",
        &[(Unit::Dbm0A, "reference.noise_receive"), (Unit::Dbm0P, "reference.noise_receive_p")],
    ),
];
/// The keys of what is a curve in dB over Hz.
const CURVES: [(&str, &str); 2] = [
    ("response_send_hz_db", "reference.response_send"),
    ("response_receive_hz_db", "reference.response_receive"),
];

/// What a network simulator does by itself in calls of one codec, mode and band.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkRecord {
    /// Its id; the file is named after it.
    pub id: String,
    /// What was measured.
    pub what: String,
    /// Codec and mode of the calls that it is for.
    pub call: CodecMode,
    /// Their speech band.
    pub bandwidth: Bandwidth,
    /// What the reference run found, by the names of its facts. A simulator that was silent has no noise here.
    pub facts: Vec<(String, FactValue)>,
    /// The day of the reference run.
    pub date: Date,
    /// The last day on which it holds.
    pub valid_until: Date,
    /// The simulator, with its serial number and software.
    pub instrument: String,
    /// Who did it.
    pub by: String,
    /// How it was done, as the run that it is taken from.
    pub method: String,
}

impl NetworkRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub fn parse(source: &SourceText) -> Result<Self, Vec<Problem>> {
        read(source, |root| {
            let kind = root.need_text("kind").and_then(|kind| check_kind(root, kind, NETWORK_REFERENCE));
            let [id, what, codec] = ["id", "what", "codec"].map(|key| root.need_text(key));
            let mode = root.text("mode").map_or_else(String::new, |mode| mode.value);
            let bandwidth = root.need_word::<Bandwidth>("bandwidth", "the speech band of the calls");
            let mut facts = Vec::new();
            for (key, units) in NUMBERS {
                facts.extend(number(root, key, units));
            }
            for (key, fact) in CURVES {
                facts.extend(response(root, key).map(|value| (fact.to_owned(), value)));
            }
            let days = days(root);
            let [instrument, by, method] = ["instrument", "by", "method"].map(|key| root.need_text(key));
            let (date, valid_until) = days?;
            kind?;
            Some(Self {
                id: id?.value,
                what: what?.value,
                call: CodecMode { codec: codec?.value, mode },
                bandwidth: bandwidth?.value,
                facts,
                date,
                valid_until,
                instrument: instrument?.value,
                by: by?.value,
                method: method?.value,
            })
        })
    }

    /// Whether it holds on a day.
    pub fn validity(&self, on: Date) -> Validity {
        validity(self.date, self.valid_until, on)
    }

    /// How notes and reports name it.
    pub fn named(&self) -> String {
        format!("record '{}' of {}, valid until {}", self.id, self.date, self.valid_until)
    }

    /// The record as its file.
    pub fn text(&self) -> String {
        let mut text = format!("kind = \"{NETWORK_REFERENCE}\"\n");
        let mut line = |key: &str, value: &str| {
            let _ = writeln!(text, "{key} = {}", quoted(value));
        };
        line("id", &self.id);
        line("what", &self.what);
        line("codec", &self.call.codec);
        if !self.call.mode.is_empty() {
            line("mode", &self.call.mode);
        }
        line("bandwidth", self.bandwidth.word());
        for (name, value) in &self.facts {
            let key = NUMBERS.iter().find(|one| one.1.iter().any(|(_, fact)| fact == name));
            if let (Some((key, _)), FactValue::Scalar(quantity)) = (key, value) {
                line(key, &quantity.to_string());
            }
        }
        for (key, value) in [
            ("date", self.date.to_string()),
            ("valid_until", self.valid_until.to_string()),
            ("instrument", self.instrument.clone()),
            ("by", self.by.clone()),
            ("method", self.method.clone()),
        ] {
            line(key, &value);
        }
        for (name, value) in &self.facts {
            let key = CURVES.iter().find(|one| one.1 == name);
            if let (Some((key, _)), FactValue::Curve { curve, .. }) = (key, value) {
                let points = curve.hz.iter().zip(&curve.values).map(|(hz, db)| format!("[{hz}, {db}]"));
                let _ = writeln!(text, "{key} = [{}]", points.collect::<Vec<_>>().join(", "));
            }
        }
        text
    }
}

/// A text as a basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for one in text.chars() {
        match one {
            '"' | '\\' => quoted.extend(['\\', one]),
            one if one.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(one));
            }
            one => quoted.push(one),
        }
    }
    quoted.push('"');
    quoted
}

fn number(root: &Table<'_>, key: &str, units: &[(Unit, &str)]) -> Option<(String, FactValue)> {
    let known: Vec<Unit> = units.iter().map(|one| one.0).collect();
    if !root.has(key) && key.starts_with("noise") {
        root.quantity(key, &known);
        return None;
    }
    let Placed { value, place } = root.need_quantity(key, &known)?;
    let is_delay = value.unit == Unit::Millisecond;
    let (least, most) = if is_delay { (0.0, DELAY_MAX_MS) } else { (-150.0, -DBOV_AT_0_DBM0) };
    if !(least..=most).contains(&value.value) {
        root.problems().report(
            place,
            format!("'{key}' is out of range"),
            value.to_string(),
            format!("{} to {}", Quantity::new(least, value.unit), Quantity::new(most, value.unit)),
            "give what the reference run found",
        );
        return None;
    }
    let fact = units.iter().find(|one| one.0 == value.unit)?.1;
    Some((fact.to_owned(), FactValue::Scalar(value)))
}

fn response(root: &Table<'_>, key: &str) -> Option<FactValue> {
    if !root.has(key) {
        root.points(key);
        root.missing(key, "a list of pairs of Hz and dB, as in [[100, 0], [1000, -0.1], [8000, -3]]");
        return None;
    }
    let Placed { value: points, place } = root.points(key)?;
    let rises = points.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let bounded = points.iter().all(|(hz, db)| (1.0..=24_000.0).contains(hz) && db.abs() <= RESPONSE_MAX_DB);
    if !(rises && bounded && (2..=100).contains(&points.len())) {
        root.problems().report(
            place,
            format!("'{key}' is no response"),
            format!("{} points that do not rise in frequency, or leave the range", points.len()),
            format!(
                "2 to 100 pairs of a frequency (1 to 24000 Hz, rising) and a gain within {RESPONSE_MAX_DB} dB"
            ),
            "give what the reference run found",
        );
        return None;
    }
    let (hz, values) = points.into_iter().unzip();
    Some(FactValue::Curve { curve: Curve { hz, values }, unit: Unit::Db })
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const GOOD: &str = r#"
kind = "network-reference"
id = "simulator-g722"
what = "Network simulator"
codec = "G.722"
mode = "64 kbit/s"
bandwidth = "WB"
delay_send = "20.5 ms"
delay_receive = "31 ms"
noise_send = "-71.25 dBm0(A)"
response_send_hz_db = [[100, -0.25], [1000, 0], [8000, -3.5]]
response_receive_hz_db = [[100, 0], [8000, -1]]
date = "2026-10-01"
valid_until = "2027-10-01"
instrument = "simulator 4711"
by = "A. \"Person\""
method = "reference run"
"#;

    fn parse(text: &str) -> Result<NetworkRecord, Vec<Problem>> {
        NetworkRecord::parse(&SourceText::new("n.toml", text))
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_holds_from_day_to_day() {
        let record = parse(GOOD).unwrap();
        assert_eq!(record.call.to_string(), "G.722, 64 kbit/s");
        let names: Vec<&str> = record.facts.iter().map(|one| one.0.as_str()).collect();
        let wanted = ["delay_send", "delay_receive", "noise_send", "response_send", "response_receive"];
        assert_eq!(names, wanted.map(|name| format!("reference.{name}")));
        assert_eq!(record.facts[0].1, FactValue::Scalar(Quantity::new(20.5, Unit::Millisecond)));
        assert_eq!(parse(&record.text()).unwrap(), record, "{}", record.text());
        for (day, validity) in [
            (date!(2026 - 09 - 30), Validity::Expired),
            (date!(2026 - 10 - 01), Validity::Valid),
            (date!(2027 - 10 - 02), Validity::Expired),
        ] {
            assert_eq!(record.validity(day), validity, "{day}");
        }
    }

    #[test]
    fn every_problem_of_a_record_has_its_place() {
        for (from, to, wanted) in [
            ("network-reference", "full-scale", "n.toml:2:8: 'kind' is not understood"),
            ("codec = \"G.722\"\n", "", "'codec' is missing"),
            ("\"20.5 ms\"", "\"20.5 dB\"", "n.toml:8:14: 'delay_send' has the wrong unit"),
            ("\"20.5 ms\"", "\"-1 ms\"", "n.toml:8:14: 'delay_send' is out of range"),
            (
                "[1000, 0], [8000, -3.5]",
                "[1000, 0], [900, -3.5]",
                "n.toml:11:23: 'response_send_hz_db' is no response",
            ),
            ("response_receive_hz_db", "response_hz_db", "'response_receive_hz_db' is missing"),
            ("\"2027-10-01\"", "\"2026-09-01\"", "'valid_until' lies before 'date'"),
        ] {
            let problems = parse(&GOOD.replacen(from, to, 1)).err().unwrap_or_default();
            let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(found.iter().any(|one| one.contains(wanted)), "{wanted}: {found:#?}");
        }
        assert!(parse("").unwrap_err().len() >= 8, "all that is missing is reported at once");
    }
}
