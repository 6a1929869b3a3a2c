//! Curves as files: CSV with the header `hz,db`.

use std::path::Path;

use crate::problem::{Problem, SourceText};
use crate::run::RunError;

/// A curve: frequencies in Hz, rising, and levels in dB.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CurveFile {
    /// Frequencies, each above the one before.
    pub(super) hz: Vec<f64>,
    /// Levels.
    pub(super) db: Vec<f64>,
}

impl CurveFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or every line that is no point.
    pub(super) fn read(path: &Path) -> Result<Self, RunError> {
        Self::parse(&text(path)?).map_err(RunError::Input)
    }

    /// Reads a text.
    fn parse(source: &SourceText) -> Result<Self, Vec<Problem>> {
        let mut curve = Self { hz: Vec::new(), db: Vec::new() };
        let mut problems = Vec::new();
        let mut lines = lines(source).filter(|(_, line)| !line.trim().is_empty());
        let header = lines.next();
        let names = header.as_ref().map(|(_, line)| line.replace([' ', '\u{feff}'], "").to_lowercase());
        if names.as_deref().map(str::trim) != Some("hz,db") {
            let (at, line) = header.unwrap_or((0, ""));
            problems.push(problem(source, at, line, "no header", "the header hz,db"));
        }
        for (at, line) in lines {
            match point(line) {
                None => problems.push(problem(
                    source,
                    at,
                    line,
                    "no point of a curve",
                    "a frequency in Hz above 0 and a level in dB, as 1000,-3.5",
                )),
                Some((hz, _)) if curve.hz.last().is_some_and(|last| *last >= hz) => {
                    problems.push(problem(
                        source,
                        at,
                        line,
                        "a frequency that does not rise",
                        "a frequency above the one before",
                    ));
                }
                Some((hz, db)) => {
                    curve.hz.push(hz);
                    curve.db.push(db);
                }
            }
        }
        if curve.hz.is_empty() && problems.is_empty() {
            problems.push(problem(
                source,
                source.text.len(),
                "",
                "no point",
                "at least one line after the header, as 1000,-3.5",
            ));
        }
        if problems.is_empty() { Ok(curve) } else { Err(problems) }
    }

    /// How many points lie between two edges, the lower one included.
    pub(super) fn count_within(&self, lower_hz: f64, upper_hz: f64) -> usize {
        self.hz.iter().filter(|hz| (lower_hz..upper_hz).contains(*hz)).count()
    }

    /// The level of the point at a band, which nominal and exact midband frequencies both name.
    pub(super) fn at(&self, nominal_hz: f64, midband_hz: f64) -> Option<f64> {
        /// Nominal and exact frequencies differ by up to 1.3 %, third octaves by 26 %.
        const SAME: f64 = 1.02;
        let near = |hz: f64, name: f64| (hz / name).max(name / hz) < SAME;
        self.hz
            .iter()
            .zip(&self.db)
            .filter(|(hz, _)| near(**hz, nominal_hz) || near(**hz, midband_hz))
            .min_by(|a, b| (a.0 - nominal_hz).abs().total_cmp(&(b.0 - nominal_hz).abs()))
            .map(|(_, db)| *db)
    }
}

/// A text file as problems name it.
///
/// # Errors
/// It cannot be read, or is no text.
pub(super) fn text(path: &Path) -> Result<SourceText, RunError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| RunError::Usage(format!("{}: cannot be read: {error}", path.display())))?;
    Ok(SourceText::new(path.display().to_string(), text))
}

/// The lines with the byte at which each begins.
fn lines(source: &SourceText) -> impl Iterator<Item = (usize, &str)> {
    source.text.split_inclusive('\n').scan(0, |next, line| {
        let at = *next;
        *next += line.len();
        Some((at, line.trim_end_matches(['\n', '\r'])))
    })
}

fn point(line: &str) -> Option<(f64, f64)> {
    let (hz, db) = line.split_once(',')?;
    let (hz, db): (f64, f64) = (hz.trim().parse().ok()?, db.trim().parse().ok()?);
    (hz > 0.0 && hz.is_finite() && db.is_finite()).then_some((hz, db))
}

fn problem(source: &SourceText, at: usize, line: &str, what: &str, expected: &str) -> Problem {
    Problem {
        title: format!("a curve file has {what}"),
        place: source.place(at..at + line.len()),
        found: if line.is_empty() { "nothing".to_owned() } else { format!("'{line}'") },
        expected: expected.to_owned(),
        remedy: "write a comma between the columns and a point in the numbers".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<CurveFile, Vec<Problem>> {
        CurveFile::parse(&SourceText::new("curve.csv", text))
    }

    #[test]
    fn a_curve_is_read_as_spreadsheets_write_it() {
        let curve = parse("\u{feff}Hz, dB\r\n100, -3\r\n\r\n1e3,2.5\r\n").unwrap();
        assert_eq!(curve, CurveFile { hz: vec![100.0, 1000.0], db: vec![-3.0, 2.5] });
    }

    #[test]
    fn every_wrong_line_is_told_with_its_place() {
        let problems = parse("hz,db\n100,1\n90,1\n200;3\nnan,1\n300,inf\n400,2\n").unwrap_err();
        let lines: Vec<usize> = problems.iter().map(|one| one.place.line()).collect();
        assert_eq!(lines, [3, 4, 5, 6]);
        assert!(problems[0].title.contains("does not rise"));
        assert!(parse("").unwrap_err()[0].title.contains("no header"));
        assert!(parse("hz,db\n").unwrap_err()[0].title.contains("no point"));
        assert!(parse("100,1\n200,2\n").unwrap_err()[0].expected.contains("hz,db"));
    }

    #[test]
    fn nominal_and_exact_frequencies_name_a_band() {
        let curve = CurveFile { hz: vec![160.0, 3162.28], db: vec![1.0, 2.0] };
        assert_eq!(curve.at(160.0, 158.49), Some(1.0));
        assert_eq!(curve.at(3150.0, 3162.28), Some(2.0));
        assert_eq!(curve.at(200.0, 199.53), None);
    }
}
