//! What pictures are drawn from, on disk: where a number was read, and a take as it sounded, with its levels in a CSV file.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::super::wire::WireError;
use super::{WireNumber, unit};
use crate::finding::scene::{Line, Scene, Stretch};
use crate::finding::{Along, Reading};
use crate::take::TakeId;
use crate::terms::Port;

/// See [`Reading`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "field for field the documented Reading")]
pub struct WireReading {
    pub measurand: String,
    pub along: String,
    pub zero: WireNumber,
    pub one: WireNumber,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<f64>,
}

impl From<&Reading> for WireReading {
    fn from(one: &Reading) -> Self {
        let along = match one.along {
            Along::Values => "values",
            Along::Places => "places",
        };
        Self {
            measurand: one.measurand.clone(),
            along: along.to_owned(),
            zero: one.zero.into(),
            one: one.one.into(),
            at: one.at.filter(|at| at.is_finite()),
        }
    }
}

impl TryFrom<WireReading> for Reading {
    type Error = WireError;
    fn try_from(wire: WireReading) -> Result<Self, WireError> {
        let along = match wire.along.as_str() {
            "values" => Along::Values,
            "places" => Along::Places,
            word => return Err(WireError(format!("'{word}' is no axis: values or places"))),
        };
        let (zero, one) = (wire.zero.try_into()?, wire.one.try_into()?);
        Ok(Self { measurand: wire.measurand, along, zero, one, at: wire.at })
    }
}

/// See [`Scene`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "field for field the documented Scene")]
pub struct WireScene {
    pub take: String,
    pub name: String,
    pub meter_s: f64,
    pub step_s: f64,
    pub spans: Vec<(String, f64, f64)>,
    /// Port, `played` or `recorded`, and unit of each column of the file after the time.
    pub lines: Vec<(String, String, String)>,
    /// The file of the levels, below the run's folder.
    pub file: String,
}

const PLAYED: &str = "played";
const RECORDED: &str = "recorded";

impl WireScene {
    /// A scene whose levels stand in a file.
    pub fn new(scene: &Scene, file: String) -> Self {
        let word = |line: &Line| if line.is_played { PLAYED } else { RECORDED };
        let columns = scene
            .lines
            .iter()
            .map(|line| (line.port.name().to_owned(), word(line).to_owned(), line.unit.symbol().to_owned()));
        Self {
            take: scene.take.text().to_owned(),
            name: scene.name.clone(),
            meter_s: scene.meter_s,
            step_s: scene.step_s,
            spans: scene.spans.iter().map(|one| (one.name.clone(), one.from_s, one.to_s)).collect(),
            lines: columns.collect(),
            file,
        }
    }

    /// The scene, with the levels that the text of its file holds.
    pub fn read(self, text: &str) -> Result<Scene, WireError> {
        let mut columns: Vec<Vec<f64>> = vec![Vec::new(); self.lines.len()];
        for row in text.lines().skip(1) {
            let damaged = || WireError(format!("{}: a row is not {} numbers", self.file, columns.len() + 1));
            let values: Option<Vec<f64>> = row.split(',').skip(1).map(|one| one.parse().ok()).collect();
            let values = values.filter(|values| values.len() == columns.len()).ok_or_else(damaged)?;
            columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        }
        let lines = self.lines.into_iter().zip(columns).map(|((port, word, symbol), levels)| {
            let port = Port::new(&port).map_err(|error| WireError(error.to_string()))?;
            let is_played = match word.as_str() {
                PLAYED => true,
                RECORDED => false,
                _ => return Err(WireError(format!("'{word}' is neither {PLAYED} nor {RECORDED}"))),
            };
            Ok(Line { port, is_played, unit: unit(&symbol)?, levels })
        });
        let spans = self.spans.into_iter().map(|(name, from_s, to_s)| Stretch { name, from_s, to_s });
        Ok(Scene {
            take: TakeId::stored(&self.take),
            name: self.name,
            meter_s: self.meter_s,
            step_s: self.step_s,
            spans: spans.collect(),
            lines: lines.collect::<Result<_, WireError>>()?,
        })
    }
}

/// The levels of a scene as CSV: the time in s, then each port.
pub fn table(scene: &Scene) -> String {
    let mut csv = "s".to_owned();
    for line in &scene.lines {
        let _ = write!(csv, ",{} {}", line.port, line.unit);
    }
    csv.push('\n');
    let rows = scene.lines.iter().map(|line| line.levels.len()).min().unwrap_or(0);
    for (n, seconds) in scene.seconds().take(rows).enumerate() {
        let _ = write!(csv, "{seconds:.4}");
        for line in &scene.lines {
            let _ = write!(csv, ",{}", line.levels[n]);
        }
        csv.push('\n');
    }
    csv
}
