//! What a method measured: named values with unit, span, influences and the method's own uncertainty.

pub mod scene;

use std::fmt;

use crate::units::{Quantity, Unit};
use crate::verdict::Flag;

/// A curve over frequency.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// Frequencies in hertz, rising.
    pub hz: Vec<f64>,
    /// A value for each, in the unit of the finding.
    pub values: Vec<f64>,
}

/// A series over time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Times in seconds, rising.
    pub seconds: Vec<f64>,
    /// A value for each, in the unit of the finding.
    pub values: Vec<f64>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One number.
    Scalar(f64),
    /// A curve over frequency.
    Curve(Curve),
    /// A series over time.
    Series(Series),
}

/// How a scalar value relates to the truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// The value itself.
    Exact,
    /// The truth is at least the value: an echo loss that noise hides.
    AtLeast,
    /// The truth is at most the value.
    AtMost,
    /// The truth lies between the value, which is proven of one of several places, and this, which noise leaves open for
    /// another one.
    Between(f64),
}

/// A calibration that a finding depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Influence {
    /// The id of the calibration record.
    pub calibration: String,
    /// By how much the finding changes, in its unit, when the calibration changes by one of its own.
    pub coefficient: f64,
}

/// An axis of a curve or series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// That of the values.
    Values,
    /// That of frequency or time.
    Places,
}

/// Where a number was read: which curve or series of the same entry shows it, and how it lies on an axis of that. A picture
/// draws the number, and whatever the number is held against, by this rule; nothing is computed with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The measurand of the curve or series.
    pub measurand: String,
    /// The axis that the number lies along.
    pub along: Along,
    /// Where the number 0 lies on that axis, in its unit.
    pub zero: f64,
    /// How far the number 1 lies from there: −1 for what is counted downward, 1e-3 for milliseconds on an axis in seconds.
    pub one: f64,
    /// The frequency or time that decided, in Hz or s, where a single one did.
    pub at: Option<f64>,
}

impl Reading {
    /// The number is a value of the curve or series, or would be.
    pub fn of(measurand: &str) -> Self {
        Self { measurand: measurand.to_owned(), along: Along::Values, zero: 0.0, one: 1.0, at: None }
    }

    /// The number is how far the values lie above `zero`.
    pub fn above(measurand: &str, zero: f64) -> Self {
        Self { zero, ..Self::of(measurand) }
    }

    /// The number is how far the values lie below `zero`.
    pub fn below(measurand: &str, zero: f64) -> Self {
        Self { zero, one: -1.0, ..Self::of(measurand) }
    }

    /// The number is a time after `zero`, in s; one of it lasts `one` seconds.
    pub fn after(measurand: &str, zero: f64, one: f64) -> Self {
        Self { along: Along::Places, zero, one, ..Self::of(measurand) }
    }

    /// The same, decided at this frequency or time.
    #[must_use]
    pub fn at(self, at: f64) -> Self {
        Self { at: Some(at), ..self }
    }

    /// Where a number lies on the axis.
    pub fn place(&self, number: f64) -> f64 {
        self.zero + self.one * number
    }
}

/// What a method measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The measurand as the method's card names it.
    pub measurand: String,
    /// The value.
    pub value: Value,
    /// The unit of the value or values.
    pub unit: Unit,
    /// How the value relates to the truth.
    pub bound: Bound,
    /// The points of a curve or series that `bound` speaks of, by their positions; empty: all of them. The others are known.
    pub limited: Vec<usize>,
    /// Which curve or series of the same entry a number was read from, if one shows it.
    pub read_from: Option<Reading>,
    /// The take and span analysed, for the reader.
    pub span: String,
    /// The calibrations that it depends on.
    pub influences: Vec<Influence>,
    /// The method's own standard uncertainty in the unit of the finding, where it is known.
    pub uncertainty: Option<f64>,
    /// What a reader must know beside it.
    pub flags: Vec<Flag>,
    /// What a reader may want to know: how it was computed, what was excluded.
    pub note: String,
}

/// Adds something to a note, behind what stands there.
pub fn add_note(note: &mut String, more: &str) {
    if !note.is_empty() {
        note.push_str("; ");
    }
    note.push_str(more);
}

impl Finding {
    /// A finding of a measurand with a value; the rest is empty.
    pub fn new(measurand: &str, value: Value, unit: Unit) -> Self {
        Self {
            measurand: measurand.to_owned(),
            value,
            unit,
            bound: Bound::Exact,
            limited: Vec::new(),
            read_from: None,
            span: String::new(),
            influences: Vec::new(),
            uncertainty: None,
            flags: Vec::new(),
            note: String::new(),
        }
    }

    /// A finding of one number.
    pub fn scalar(measurand: &str, value: f64, unit: Unit) -> Self {
        Self::new(measurand, Value::Scalar(value), unit)
    }

    /// A finding of a curve over frequency.
    pub fn curve(measurand: &str, hz: Vec<f64>, values: Vec<f64>, unit: Unit) -> Self {
        assert_eq!(hz.len(), values.len(), "a curve has one value for each frequency");
        Self::new(measurand, Value::Curve(Curve { hz, values }), unit)
    }

    /// A finding of a series over time.
    pub fn series(measurand: &str, seconds: Vec<f64>, values: Vec<f64>, unit: Unit) -> Self {
        assert_eq!(seconds.len(), values.len(), "a series has one value for each time");
        Self::new(measurand, Value::Series(Series { seconds, values }), unit)
    }

    /// Adds something to the note, behind what stands there.
    pub fn tell(&mut self, more: &str) {
        add_note(&mut self.note, more);
    }

    /// Whether only a bound is known of the point at a position of a curve or series.
    pub fn is_bound_at(&self, position: usize) -> bool {
        self.bound != Bound::Exact && (self.limited.is_empty() || self.limited.contains(&position))
    }

    /// The one number, of a scalar finding.
    pub fn as_scalar(&self) -> Option<f64> {
        match self.value {
            Value::Scalar(value) => Some(value),
            _ => None,
        }
    }
}

/// A finding as planning and other methods use it: a number, or a curve over frequency.
#[derive(Debug, Clone, PartialEq)]
pub enum FactValue {
    /// One number.
    Scalar(Quantity),
    /// A curve over frequency.
    Curve {
        /// Its points.
        curve: Curve,
        /// The unit of its values.
        unit: Unit,
    },
}

impl FactValue {
    /// What a finding says as a fact; nothing where it is a bound, a series, or holds a value that is no number: what
    /// others compute with must be known.
    pub fn of(finding: &Finding) -> Option<Self> {
        if finding.bound != Bound::Exact {
            return None;
        }
        let unit = finding.unit;
        match &finding.value {
            Value::Scalar(value) if value.is_finite() => Some(Self::Scalar(Quantity::new(*value, unit))),
            Value::Curve(curve) if !curve.hz.is_empty() && curve.values.iter().all(|one| one.is_finite()) => {
                Some(Self::Curve { curve: curve.clone(), unit })
            }
            _ => None,
        }
    }

    /// The number, of a scalar fact.
    pub fn scalar(&self) -> Option<Quantity> {
        match self {
            Self::Scalar(quantity) => Some(*quantity),
            Self::Curve { .. } => None,
        }
    }
}

impl From<Quantity> for FactValue {
    fn from(quantity: Quantity) -> Self {
        Self::Scalar(quantity)
    }
}

impl fmt::Display for FactValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(quantity) => quantity.fmt(f),
            Self::Curve { curve, unit } => {
                let (first, last) = (curve.hz.first(), curve.hz.last());
                let (first, last) = (first.copied().unwrap_or(0.0), last.copied().unwrap_or(0.0));
                write!(f, "a curve in {unit} of {} points from {first} to {last} Hz", curve.hz.len())
            }
        }
    }
}

/// Why a method measured nothing. The entry becomes inconclusive with this reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unmeasurable {
    /// What was wrong with the captures, and what an engineer can do, in one or two sentences.
    pub reason: String,
}

impl Unmeasurable {
    /// For the given reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}
