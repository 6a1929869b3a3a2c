//! What `lombard monitor` prints: a table on a terminal, a line a second elsewhere, or JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::cli::columns::{Cell, Row, aligned};
use crate::cli::output;
use crate::event::{LineReading, Listened, Reading, Side, Standing};
use crate::terms::Port;

/// Seconds between two tables.
const TABLE_S: f64 = 0.2;
/// Seconds between two lines.
const LINE_S: f64 = 1.0;

/// How readings are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A table over the one before.
    Table,
    /// A line a second.
    Lines,
    /// An object for each reading.
    Json,
}

/// What was read last.
pub(super) struct Screen {
    style: Style,
    readings: BTreeMap<(Port, Side), Arc<Reading>>,
    listened: Option<Listened>,
    /// When something was printed.
    told_s: Option<f64>,
    /// Lines of the table that stands there.
    height: usize,
}

impl Screen {
    pub(super) fn new(style: Style) -> Self {
        Self { style, readings: BTreeMap::new(), listened: None, told_s: None, height: 0 }
    }

    /// Takes a reading in; gives what is to be printed now.
    pub(super) fn hear(&mut self, at_s: f64, reading: &Arc<Reading>) -> Option<String> {
        if self.style == Style::Json {
            return Some(format!("{}\n", object(at_s, reading)));
        }
        self.readings.insert((reading.port.clone(), reading.side), Arc::clone(reading));
        let pause_s = if self.style == Style::Table { TABLE_S } else { LINE_S };
        // The first line waits for every port.
        let last_s =
            *self.told_s.get_or_insert(at_s - if self.style == Style::Table { pause_s } else { 0.0 });
        if at_s - last_s < pause_s {
            return None;
        }
        self.told_s = Some(at_s);
        Some(if self.style == Style::Table { self.redrawn() } else { self.line(at_s) })
    }

    /// Takes in what became of listening.
    pub(super) fn hear_listening(&mut self, at_s: f64, listened: &Listened) -> Option<String> {
        let Listened { port, interface, skipped, dry, limited, problem } = listened;
        self.listened = Some(listened.clone());
        let object = json!({
            "at_s": rounded(at_s), "listening": port.name(), "interface": interface, "skipped": skipped, "dry": dry,
            "limited": limited, "problem": problem,
        });
        (self.style == Style::Json).then(|| format!("{object}\n"))
    }

    fn redrawn(&mut self) -> String {
        let table = self.table();
        // Back to the beginning of the table before, and everything from there on away.
        let back = if self.height > 0 { format!("\u{1b}[{}A\r\u{1b}[J", self.height) } else { String::new() };
        self.height = table.lines().count();
        back + &table
    }

    fn table(&self) -> String {
        let head = ["port", "", "level", "", "A-level", "peak", "highest", "clipped", "gaps", ""];
        let mut rows: Vec<Row> =
            vec![Vec::from(head.map(|text| Cell::text(text).painted(output::dim))).into()];
        for reading in self.readings.values() {
            let clipped = Cell::number(reading.clipped.to_string());
            let clipped = if reading.clipped > 0 { clipped.painted(output::bold) } else { clipped };
            rows.push(
                vec![
                    Cell::text(reading.port.name()),
                    Cell::text(reading.side.word()),
                    Cell::number(number(reading.level)),
                    Cell::text(reading.unit.symbol()),
                    Cell::number(reading.level_a.map_or_else(String::new, number)),
                    Cell::number(number(reading.peak)),
                    Cell::number(number(reading.highest_peak)),
                    clipped,
                    Cell::number(reading.gaps.to_string()),
                    Cell::text(standing(reading)),
                ]
                .into(),
            );
        }
        let mut text = aligned(&rows);
        text.push_str(&self.bands());
        if let Some(one) = &self.listened {
            let _ = writeln!(text, "{}", output::dim(&listening(one)));
        }
        text
    }

    /// The bands of every port that has some, side by side, and the highest line of each.
    fn bands(&self) -> String {
        let analyzed: Vec<(&Reading, _)> = self
            .readings
            .values()
            .filter_map(|reading| Some((&**reading, reading.spectra.as_ref()?)))
            .collect();
        let Some((_, first)) = analyzed.first() else { return String::new() };
        let mut head = vec![Cell::text("Hz").painted(output::dim)];
        let name = |reading: &Reading| format!("{} {}", reading.port, reading.unit);
        head.extend(analyzed.iter().map(|(reading, _)| Cell::number(name(reading)).painted(output::dim)));
        let mut rows: Vec<Row> = vec![head.into()];
        for (i, hz) in first.bands.nominal_hz.iter().enumerate() {
            let mut cells = vec![Cell::number(hz.to_string())];
            let level = |levels: &[Option<f64>]| levels.get(i).copied().flatten().map_or("…".into(), number);
            cells.extend(analyzed.iter().map(|(_, spectra)| Cell::number(level(&spectra.bands.levels))));
            rows.push(cells.into());
        }
        let mut text = format!("\n{}", aligned(&rows));
        for (reading, spectra) in analyzed {
            if let Some((hz, level)) = spectra.lines.as_ref().and_then(highest) {
                let _ = writeln!(
                    text,
                    "highest line of {}: {} {} at {hz:.0} Hz",
                    reading.port,
                    number(level),
                    reading.unit
                );
            }
        }
        text
    }

    fn line(&self, at_s: f64) -> String {
        let mut text = format!("{at_s:8.1} s");
        for reading in self.readings.values() {
            let _ = write!(text, "  {}", reading.port);
            if reading.side == Side::Played {
                text.push_str(" (played)");
            }
            let _ = write!(text, " {} {}", number(reading.level), reading.unit);
            if let Some(level) = reading.level_a {
                let _ = write!(text, " {} {}", number(level), reading.unit_a());
            }
            let _ = write!(text, " peak {}", number(reading.peak));
            if reading.clipped > 0 {
                let _ = write!(text, " CLIPPED {}", reading.clipped);
            }
            if reading.standing != Standing::Calibrated {
                let _ = write!(text, " {}", reading.standing);
            }
            for (hz, level) in reading
                .spectra
                .iter()
                .flat_map(|spectra| spectra.bands.nominal_hz.iter().zip(&spectra.bands.levels))
            {
                let _ = write!(text, " {hz}:{}", level.map_or("…".into(), number));
            }
            text.push(';');
        }
        if let Some(one) = &self.listened {
            let _ = write!(text, "  {}", listening(one));
        }
        text.push('\n');
        text
    }
}

/// The frequency in Hz and the level of the highest line above 0 Hz.
fn highest(lines: &LineReading) -> Option<(f64, f64)> {
    let all = lines.levels.iter().enumerate().skip(1).filter(|(_, level)| level.is_finite());
    let (k, level) = all.max_by(|a, b| a.1.total_cmp(b.1))?;
    Some((k as f64 * lines.spacing_hz, *level))
}

fn standing(reading: &Reading) -> String {
    match reading.standing {
        Standing::Calibrated => String::new(),
        Standing::Expired => format!("calibration {} expired", reading.record),
        Standing::Uncalibrated => "uncalibrated".to_owned(),
    }
}

fn listening(one: &Listened) -> String {
    match &one.problem {
        Some(problem) => format!("not listening to {}: {problem}", one.port),
        None => format!(
            "listening to {} on {}: {:.1} s skipped, {} times dry, {} samples limited",
            one.port,
            one.interface,
            one.skipped as f64 / 48_000.0,
            one.dry,
            one.limited
        ),
    }
}

/// A level as tables write it.
fn number(level: f64) -> String {
    if level.is_nan() {
        "no number".to_owned()
    } else if level == f64::NEG_INFINITY {
        "silent".to_owned()
    } else {
        format!("{level:.1}")
    }
}

/// Three decimals are more than a monitor knows.
fn rounded(value: f64) -> Value {
    // Silence and what is no number become null.
    serde_json::Number::from_f64((value * 1e3).round() / 1e3).map_or(Value::Null, Value::Number)
}

fn levels(levels: impl IntoIterator<Item = Option<f64>>) -> Vec<Value> {
    levels.into_iter().map(|level| level.map_or(Value::Null, rounded)).collect()
}

fn object(at_s: f64, reading: &Reading) -> Value {
    let mut all = json!({
        "at_s": rounded(at_s),
        "port": reading.port.name(),
        "side": reading.side.word(),
        "unit": reading.unit.symbol(),
        "standing": reading.standing.word(),
        "record": reading.record,
        "unbroken_s": rounded(reading.unbroken_s),
        "level": rounded(reading.level),
        "level_a": reading.level_a.map(rounded),
        "peak": rounded(reading.peak),
        "highest_peak": rounded(reading.highest_peak),
        "clipped": reading.clipped,
        "gaps": reading.gaps,
        "broken": reading.level.is_nan(),
    });
    if let (Some(spectra), Some(fields)) = (&reading.spectra, all.as_object_mut()) {
        let bands = &spectra.bands;
        let bands = json!({
            "nominal_hz": bands.nominal_hz, "levels": levels(bands.levels.iter().copied()),
        });
        let lines = spectra.lines.as_ref().map(|lines| {
            json!({
                "spacing_hz": lines.spacing_hz,
                "noise_bandwidth_hz": lines.noise_bandwidth_hz,
                "averaged_s": rounded(lines.averaged_s),
                "levels": levels(lines.levels.iter().copied().map(Some)),
            })
        });
        fields.insert("bands".to_owned(), bands);
        fields.insert("lines".to_owned(), lines.unwrap_or(Value::Null));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{BandReading, Spectra};
    use crate::units::Unit;

    fn reading(port: &'static str) -> Reading {
        Reading {
            port: Port::of(port),
            side: Side::Recorded,
            unit: Unit::DbPa,
            standing: Standing::Calibrated,
            record: "mic-7".to_owned(),
            unbroken_s: 1.5,
            full_scale: 0.0,
            level: -31.234_56,
            level_a: Some(-35.0),
            peak: -20.0,
            highest_peak: f64::NEG_INFINITY,
            clipped: 0,
            gaps: 0,
            spectra: None,
        }
    }

    fn with_spectra(port: &'static str) -> Reading {
        let bands = BandReading {
            nominal_hz: vec![20.0, 25.0],
            edges_hz: vec![(17.8, 22.4), (22.4, 28.2)],
            levels: vec![None, Some(-40.06)],
        };
        let lines = LineReading {
            spacing_hz: 5.0,
            noise_bandwidth_hz: 7.5,
            levels: vec![0.0, -50.0, -12.0, f64::NEG_INFINITY],
            averaged_s: 1.0,
        };
        let spectra = Some(Arc::new(Spectra { bands, lines: Some(lines) }));
        Reading { spectra, ..reading(port) }
    }

    #[test]
    fn json_has_a_line_for_each_reading_and_null_for_silence() {
        let mut screen = Screen::new(Style::Json);
        let text = screen.hear(0.123_456, &Arc::new(with_spectra("ear.left"))).unwrap();
        assert!(text.ends_with('\n') && text.lines().count() == 1);
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["at_s"], 0.123);
        assert_eq!((&read["port"], &read["unit"]), (&json!("ear.left"), &json!("dBPa")));
        assert_eq!((&read["level"], &read["level_a"]), (&json!(-31.235), &json!(-35.0)));
        assert_eq!(read["highest_peak"], Value::Null);
        assert_eq!(read["broken"], false);
        assert_eq!(read["bands"], json!({"nominal_hz": [20.0, 25.0], "levels": [null, -40.06]}));
        assert_eq!(read["lines"]["levels"], json!([0.0, -50.0, -12.0, null]));
        let broken = Reading { level: f64::NAN, level_a: None, ..reading("ear.left") };
        let read: Value = serde_json::from_str(&screen.hear(0.2, &Arc::new(broken)).unwrap()).unwrap();
        assert_eq!(
            (&read["level"], &read["level_a"], &read["broken"]),
            (&Value::Null, &Value::Null, &json!(true))
        );
        assert!(read.get("bands").is_none());
    }

    #[test]
    fn lines_come_once_a_second_with_every_port() {
        let mut screen = Screen::new(Style::Lines);
        let left = Arc::new(Reading { clipped: 7, ..reading("ear.left") });
        let right = Reading { unit: Unit::DbOv, standing: Standing::Expired, ..reading("ear.right") };
        assert_eq!(screen.hear(0.1, &left), None);
        assert_eq!(screen.hear(0.9, &Arc::new(right)), None);
        let line = screen.hear(1.2, &left).unwrap();
        assert_eq!(
            line,
            "     1.2 s  ear.left -31.2 dBPa -35.0 dBPa(A) peak -20.0 CLIPPED 7;  \
             ear.right -31.2 dBov -35.0 dBov(A) peak -20.0 expired;\n"
        );
        assert_eq!(screen.hear(1.3, &left), None);
        assert!(screen.hear(2.3, &left).is_some());
    }

    #[test]
    fn a_table_takes_the_place_of_the_one_before() {
        let mut screen = Screen::new(Style::Table);
        let first = screen.hear(0.1, &Arc::new(reading("ear.left"))).unwrap();
        assert!(!first.contains("\u{1b}[J") && first.contains("ear.left") && first.lines().count() == 2);
        assert_eq!(screen.hear(0.15, &Arc::new(reading("ear.left"))), None);
        let second = screen.hear(0.4, &Arc::new(with_spectra("ear.right"))).unwrap();
        assert!(second.starts_with("\u{1b}[2A\r\u{1b}[J"), "{second:?}");
        for part in ["ear.right dBPa", "-40.1", "…", "highest line of ear.right: -12.0 dBPa at 10 Hz"] {
            assert!(second.contains(part), "{part} is not in {second}");
        }
        let listened = Listened {
            port: Port::of("ear.left"),
            interface: "alsa:phones".to_owned(),
            skipped: 24_000,
            dry: 2,
            limited: 1,
            problem: None,
        };
        assert_eq!(screen.hear_listening(0.5, &listened), None);
        let third = screen.hear(0.7, &Arc::new(reading("ear.left"))).unwrap();
        assert!(
            third.contains("listening to ear.left on alsa:phones: 0.5 s skipped, 2 times dry"),
            "{third}"
        );
    }
}
