//! An evaluation on disk: findings and judgements as JSON lines, curves as CSV files beside them.

mod picture;

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use self::picture::{WireReading, WireScene};
use super::folder::{FolderError, InputRecord, RunFolder, slug};
use super::journal::{self, Journal};
use super::wire::WireError;
use crate::entry::EntryId;
use crate::finding::scene::Scene;
use crate::finding::{Bound, Curve, Finding, Influence, Series, Value};
use crate::limits::{At, Judgement, Reached};
use crate::take::TakeId;
use crate::terms::UnknownWord;
use crate::units::{Quantity, Unit};
use crate::verdict::{Flag, Verdict};

/// A number that JSON can hold: not-a-number and infinities are words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WireNumber {
    /// A finite number.
    Number(f64),
    /// `NaN`, `inf` or `-inf`.
    Word(String),
}

impl From<f64> for WireNumber {
    fn from(value: f64) -> Self {
        if value.is_finite() { Self::Number(value) } else { Self::Word(value.to_string()) }
    }
}

impl TryFrom<WireNumber> for f64 {
    type Error = WireError;
    fn try_from(wire: WireNumber) -> Result<Self, WireError> {
        match wire {
            WireNumber::Number(value) => Ok(value),
            WireNumber::Word(word) => word.parse().map_err(|_| WireError(format!("'{word}' is no number"))),
        }
    }
}

/// A line of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "field for field the documented domain types")]
pub enum EvaluationLine {
    /// What judges: the run's own inputs, or others that are copied beside the evaluation.
    Started {
        at: String,
        software: String,
        /// `None`: the plan of the run.
        plan: Option<String>,
        overlays: Vec<String>,
        inputs: Vec<InputRecord>,
    },
    Found {
        entry: String,
        measurand: String,
        unit: String,
        value: Option<WireNumber>,
        curve: Option<String>,
        kind: String,
        bound: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bound_to: Option<WireNumber>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        limited: Vec<usize>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read_from: Option<Box<WireReading>>,
        span: String,
        uncertainty: Option<f64>,
        flags: Vec<String>,
        influences: Vec<(String, f64)>,
        note: String,
    },
    Judged {
        entry: String,
        verdict: String,
        flags: Vec<String>,
        margin: Option<WireNumber>,
        margin_unit: Option<String>,
        reason: String,
        takes: Vec<String>,
        judgements: Vec<WireJudgement>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scenes: Vec<WireScene>,
    },
    Warned {
        text: String,
    },
    Finished,
}

/// See [`Judgement`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "field for field the documented Judgement")]
pub struct WireJudgement {
    pub measurand: String,
    pub limit: String,
    pub verdict: String,
    pub margin: Option<WireNumber>,
    pub margin_unit: Option<String>,
    pub at_hz: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_s: Option<f64>,
    pub shift: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_best: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_worst: Option<String>,
    pub flags: Vec<String>,
    pub reason: String,
}

/// The outcome of an entry as an evaluation stores it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The entry.
    pub entry: EntryId,
    /// Its verdict.
    pub verdict: Verdict,
    /// What stands beside it.
    pub flags: Vec<Flag>,
    /// The smallest distance to a limit.
    pub margin: Option<Quantity>,
    /// Why.
    pub reason: String,
    /// The takes that it stands on.
    pub takes: Vec<TakeId>,
    /// Findings held against limits.
    pub judgements: Vec<Judgement>,
    /// What was measured, each with the file of its curve below the run's folder.
    pub findings: Vec<(Finding, Option<String>)>,
    /// The takes as they sounded, of methods that show them.
    pub scenes: Vec<Scene>,
}

/// An evaluation as it was read.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// The plan that judged, when it is not the run's.
    pub plan: Option<String>,
    /// The overlays that judged.
    pub overlays: Vec<String>,
    /// Their copies below the evaluation's folder.
    pub inputs: Vec<InputRecord>,
    /// The outcomes.
    pub judged: Vec<Judged>,
    /// What it warned of.
    pub warnings: Vec<String>,
}

fn words(flags: &[Flag]) -> Vec<String> {
    flags.iter().map(|flag| flag.word().to_owned()).collect()
}

fn flags(words: &[String]) -> Result<Vec<Flag>, WireError> {
    words.iter().map(|word| understood(word.parse())).collect()
}

fn understood<T>(result: Result<T, UnknownWord>) -> Result<T, WireError> {
    result.map_err(|error| WireError(error.to_string()))
}

fn unit(symbol: &str) -> Result<Unit, WireError> {
    let found = Unit::ALL.iter().copied().find(|unit| unit.symbol() == symbol);
    found.ok_or_else(|| WireError(format!("'{symbol}' is no unit")))
}

fn margin(value: Option<WireNumber>, symbol: Option<&str>) -> Result<Option<Quantity>, WireError> {
    match (value, symbol) {
        (Some(value), Some(symbol)) => Ok(Some(Quantity::new(value.try_into()?, unit(symbol)?))),
        _ => Ok(None),
    }
}

/// A bound as it is written: its word, and its other end where it has one.
fn bound_words(bound: Bound) -> (&'static str, Option<WireNumber>) {
    match bound {
        Bound::Exact => ("exact", None),
        Bound::AtLeast => ("at-least", None),
        Bound::AtMost => ("at-most", None),
        Bound::Between(end) => ("between", Some(end.into())),
    }
}

fn read_bound(word: &str, to: Option<WireNumber>) -> Result<Bound, WireError> {
    match (word, to) {
        ("exact", None) => Ok(Bound::Exact),
        ("at-least", None) => Ok(Bound::AtLeast),
        ("at-most", None) => Ok(Bound::AtMost),
        ("between", Some(end)) => Ok(Bound::Between(end.try_into()?)),
        _ => Err(WireError(format!("'{word}' is no bound, or not with this other end"))),
    }
}

impl From<&Judgement> for WireJudgement {
    fn from(one: &Judgement) -> Self {
        Self {
            measurand: one.measurand.clone(),
            limit: one.limit.clone(),
            verdict: one.verdict.word().to_owned(),
            margin: one.margin.map(|margin| margin.value.into()),
            margin_unit: one.margin.map(|margin| margin.unit.symbol().to_owned()),
            at_hz: one.at.and_then(At::hertz),
            at_s: one.at.and_then(At::second),
            shift: one.shift,
            class_best: one.class.as_ref().map(|class| class.best.clone()),
            class_worst: one.class.as_ref().map(|class| class.worst.clone()),
            flags: words(&one.flags),
            reason: one.reason.clone(),
        }
    }
}

impl TryFrom<WireJudgement> for Judgement {
    type Error = WireError;
    fn try_from(wire: WireJudgement) -> Result<Self, WireError> {
        Ok(Self {
            measurand: wire.measurand,
            limit: wire.limit,
            verdict: understood(wire.verdict.parse())?,
            margin: margin(wire.margin, wire.margin_unit.as_deref())?,
            at: wire.at_hz.map(At::Hertz).or(wire.at_s.map(At::Second)),
            shift: wire.shift,
            class: wire.class_best.zip(wire.class_worst).map(|(best, worst)| Reached { best, worst }),
            flags: flags(&wire.flags)?,
            reason: wire.reason,
        })
    }
}

/// Writes one evaluation.
pub struct EvaluationWriter {
    folder: RunFolder,
    number: u32,
    journal: Journal,
}

impl EvaluationWriter {
    /// Begins evaluation `number` of a run.
    pub fn create(folder: &RunFolder, number: u32, started: &EvaluationLine) -> Result<Self, FolderError> {
        let path = folder.evaluation(number);
        folder.storage.ensure_folder(&path.join("curves"))?;
        let (mut journal, _) = Journal::open::<EvaluationLine>(&*folder.storage, &path.join("events.jsonl"))?;
        journal.append_lazily(started)?;
        Ok(Self { folder: folder.clone(), number, journal })
    }

    /// Appends the outcome of an entry and stores its curves. Gives the outcome with the files of the curves.
    pub fn judged(&mut self, mut judged: Judged) -> Result<Judged, FolderError> {
        let entry = judged.entry.text().to_owned();
        for (finding, curve) in &mut judged.findings {
            *curve = self.store_curve(&judged.entry, finding)?;
            let (bound, bound_to) = bound_words(finding.bound);
            self.journal.append_lazily(&EvaluationLine::Found {
                entry: entry.clone(),
                measurand: finding.measurand.clone(),
                unit: finding.unit.symbol().to_owned(),
                value: finding.as_scalar().map(Into::into),
                curve: curve.clone(),
                kind: kind_word(&finding.value).to_owned(),
                bound: bound.to_owned(),
                bound_to,
                limited: finding.limited.clone(),
                read_from: finding.read_from.as_ref().map(|reading| Box::new(reading.into())),
                span: finding.span.clone(),
                uncertainty: finding.uncertainty,
                flags: words(&finding.flags),
                influences: finding
                    .influences
                    .iter()
                    .map(|one| (one.calibration.clone(), one.coefficient))
                    .collect(),
                note: finding.note.clone(),
            })?;
        }
        let scenes = judged.scenes.iter().map(|scene| self.store_scene(&judged.entry, scene));
        let scenes = scenes.collect::<Result<_, _>>()?;
        self.journal.append_lazily(&EvaluationLine::Judged {
            entry,
            verdict: judged.verdict.word().to_owned(),
            flags: words(&judged.flags),
            margin: judged.margin.map(|margin| margin.value.into()),
            margin_unit: judged.margin.map(|margin| margin.unit.symbol().to_owned()),
            reason: judged.reason.clone(),
            takes: judged.takes.iter().map(|take| take.text().to_owned()).collect(),
            judgements: judged.judgements.iter().map(Into::into).collect(),
            scenes,
        })?;
        Ok(judged)
    }

    /// Appends a warning.
    pub fn warned(&mut self, text: &str) -> Result<(), FolderError> {
        Ok(self.journal.append_lazily(&EvaluationLine::Warned { text: text.to_owned() })?)
    }

    /// Completes the evaluation and returns when it is on the disk.
    pub fn finish(mut self) -> Result<(), FolderError> {
        Ok(self.journal.append(&EvaluationLine::Finished)?)
    }

    fn store_scene(&self, entry: &EntryId, scene: &Scene) -> Result<WireScene, FolderError> {
        let name = format!("{}.{}.levels.csv", slug(entry.text()), slug(&scene.name));
        let file = format!("evaluations/{}/curves/{name}", self.number);
        self.folder.storage.replace(&self.folder.path.join(&file), picture::table(scene).as_bytes())?;
        Ok(WireScene::new(scene, file))
    }

    fn store_curve(&self, entry: &EntryId, finding: &Finding) -> Result<Option<String>, FolderError> {
        let (axis, x, y) = match &finding.value {
            Value::Scalar(_) => return Ok(None),
            Value::Curve(curve) => ("hz", &curve.hz, &curve.values),
            Value::Series(series) => ("s", &series.seconds, &series.values),
        };
        let mut csv = format!("{axis},{}\n", finding.unit);
        for (x, y) in x.iter().zip(y) {
            let _ = writeln!(csv, "{x},{y}");
        }
        let name = format!("{}.{}.csv", slug(entry.text()), slug(&finding.measurand));
        let file = format!("evaluations/{}/curves/{name}", self.number);
        self.folder.storage.replace(&self.folder.path.join(&file), csv.as_bytes())?;
        Ok(Some(file))
    }
}

fn kind_word(value: &Value) -> &'static str {
    match value {
        Value::Scalar(_) => "scalar",
        Value::Curve(_) => "curve",
        Value::Series(_) => "series",
    }
}

/// Reads evaluation `number` of a run.
pub fn read(folder: &RunFolder, number: u32) -> Result<Stored, FolderError> {
    let path = folder.evaluation(number).join("events.jsonl");
    let lines = journal::read::<EvaluationLine>(&*folder.storage, &path)?.lines;
    let damaged = |cause: WireError| FolderError::Damaged { path: path.clone(), cause: cause.to_string() };
    let mut stored = Stored::default();
    let mut found: Vec<(String, Finding, Option<String>)> = Vec::new();
    for line in lines {
        match line {
            EvaluationLine::Started { plan, overlays, inputs, .. } => {
                stored.plan = plan;
                stored.overlays = overlays;
                stored.inputs = inputs;
            }
            EvaluationLine::Warned { text } => stored.warnings.push(text),
            EvaluationLine::Finished => {}
            EvaluationLine::Found { .. } => found.push(read_finding(folder, line, &path)?),
            EvaluationLine::Judged {
                entry,
                verdict,
                flags: flag_words,
                margin: value,
                margin_unit,
                reason,
                takes,
                judgements,
                scenes,
            } => {
                let (mine, others) = found.into_iter().partition(|one| one.0 == entry);
                found = others;
                let mine: Vec<(String, Finding, Option<String>)> = mine;
                stored.judged.push(Judged {
                    entry: EntryId::new(&entry, &[]),
                    verdict: understood(verdict.parse()).map_err(damaged)?,
                    flags: flags(&flag_words).map_err(damaged)?,
                    margin: margin(value, margin_unit.as_deref()).map_err(damaged)?,
                    reason,
                    takes: takes.iter().map(|take| TakeId::stored(take)).collect(),
                    judgements: judgements
                        .into_iter()
                        .map(TryInto::try_into)
                        .collect::<Result<_, _>>()
                        .map_err(damaged)?,
                    findings: mine.into_iter().map(|(_, finding, curve)| (finding, curve)).collect(),
                    scenes: scenes
                        .into_iter()
                        .map(|scene| read_scene(folder, scene, &path))
                        .collect::<Result<_, _>>()?,
                });
            }
        }
    }
    Ok(stored)
}

fn read_finding(
    folder: &RunFolder,
    line: EvaluationLine,
    path: &Path,
) -> Result<(String, Finding, Option<String>), FolderError> {
    let damaged = |cause: WireError| FolderError::Damaged { path: path.to_owned(), cause: cause.to_string() };
    let EvaluationLine::Found {
        entry,
        measurand,
        unit: symbol,
        value,
        curve,
        kind,
        bound,
        bound_to,
        limited,
        read_from,
        span,
        uncertainty,
        flags: flag_words,
        influences,
        note,
    } = line
    else {
        return Err(damaged(WireError("not a finding".to_owned())));
    };
    let value = match (kind.as_str(), value, &curve) {
        ("scalar", Some(number), _) => Value::Scalar(number.try_into().map_err(damaged)?),
        ("curve" | "series", _, Some(file)) => {
            let (x, values) = read_curve(folder, file)?;
            if kind == "curve" {
                Value::Curve(Curve { hz: x, values })
            } else {
                Value::Series(Series { seconds: x, values })
            }
        }
        _ => return Err(damaged(WireError(format!("the finding '{measurand}' has no value")))),
    };
    let finding = Finding {
        measurand,
        value,
        unit: unit(&symbol).map_err(damaged)?,
        bound: read_bound(&bound, bound_to).map_err(damaged)?,
        limited,
        read_from: read_from.map(|wire| (*wire).try_into()).transpose().map_err(damaged)?,
        span,
        influences: influences
            .into_iter()
            .map(|(calibration, coefficient)| Influence { calibration, coefficient })
            .collect(),
        uncertainty,
        flags: flags(&flag_words).map_err(damaged)?,
        note,
    };
    Ok((entry, finding, curve))
}

fn read_scene(folder: &RunFolder, wire: WireScene, path: &Path) -> Result<Scene, FolderError> {
    let table = folder.path.join(&wire.file);
    let bytes = folder.storage.read(&table)?;
    let scene = wire.read(&String::from_utf8_lossy(&bytes));
    scene.map_err(|cause| FolderError::Damaged { path: path.to_owned(), cause: cause.to_string() })
}

fn read_curve(folder: &RunFolder, file: &str) -> Result<(Vec<f64>, Vec<f64>), FolderError> {
    let path = folder.path.join(file);
    let bytes = folder.storage.read(&path)?;
    let text = String::from_utf8_lossy(&bytes);
    let rows = text.lines().skip(1).map(|row| {
        let (x, y) = row.split_once(',')?;
        Some((x.parse().ok()?, y.parse().ok()?))
    });
    rows.collect::<Option<Vec<(f64, f64)>>>()
        .map(|rows| rows.into_iter().unzip())
        .ok_or_else(|| FolderError::Damaged { path, cause: "a row is not two numbers".to_owned() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::Reading;
    use crate::finding::scene::{Line, Stretch};
    use crate::store::storage::Disk;
    use crate::terms::Port;

    #[test]
    fn an_evaluation_comes_back_as_it_was_written() {
        let runs = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(Arc::new(Disk), runs.path(), "p").unwrap();
        let started = EvaluationLine::Started {
            at: String::new(),
            software: String::new(),
            plan: None,
            overlays: Vec::new(),
            inputs: Vec::new(),
        };
        let mut writer = EvaluationWriter::create(&folder, 1, &started).unwrap();
        let scalar = Finding {
            bound: Bound::AtLeast,
            flags: vec![Flag::NoiseLimited],
            influences: vec![Influence { calibration: "mouth".to_owned(), coefficient: -1.0 }],
            uncertainty: Some(0.1),
            read_from: Some(Reading::after("loss", f64::NEG_INFINITY, 1e-3).at(0.25)),
            ..Finding::scalar("tcl", f64::INFINITY, Unit::Db)
        };
        let between =
            Finding { bound: Bound::Between(2.5), ..Finding::scalar("distortion", 2.0, Unit::Percent) };
        let curve = Finding::curve("loss", vec![100.0, 125.89], vec![0.1 + 0.2, f64::NAN], Unit::Db);
        let line = |port: &str, is_played: bool, levels: Vec<f64>| Line {
            port: Port::new(port).unwrap(),
            is_played,
            unit: Unit::Dbm0,
            levels,
        };
        let scene = Scene {
            take: TakeId::stored("a.b-c"),
            name: "echo".to_owned(),
            meter_s: 0.035,
            step_s: 0.02,
            spans: vec![Stretch { name: "analysis".to_owned(), from_s: 1.0, to_s: 2.5 }],
            lines: vec![
                line("poi.receive", true, vec![-16.0, f64::NEG_INFINITY, -15.25]),
                line("poi.send", false, vec![-60.0, -61.0, f64::NAN]),
            ],
        };
        let judged = Judged {
            entry: EntryId::new("tcl", &[("volume".to_owned(), "maximum".to_owned())]),
            verdict: Verdict::Pass,
            flags: vec![Flag::NoiseLimited],
            margin: Some(Quantity::new(f64::INFINITY, Unit::Db)),
            reason: "because".to_owned(),
            takes: vec![TakeId::stored("a.b-c")],
            judgements: vec![Judgement {
                measurand: "tcl".to_owned(),
                limit: "p1110-2025/tcl".to_owned(),
                verdict: Verdict::Pass,
                margin: Some(Quantity::new(1.5, Unit::Db)),
                at: Some(At::Hertz(1e3)),
                shift: None,
                class: Some(Reached { best: "2a".to_owned(), worst: "2b".to_owned() }),
                flags: Vec::new(),
                reason: String::new(),
            }],
            findings: vec![(scalar, None), (between, None), (curve, None)],
            scenes: vec![scene],
        };
        let written = writer.judged(judged).unwrap();
        writer.warned("careful").unwrap();
        writer.finish().unwrap();
        let stored = read(&folder, 1).unwrap();
        assert_eq!(stored.warnings, ["careful"]);
        // NaN differs from itself: compared as text.
        assert_eq!(format!("{:?}", stored.judged), format!("{:?}", [written]));
        assert_eq!(folder.evaluations().unwrap(), [1]);
    }
}
