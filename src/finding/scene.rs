//! A take as it sounded: the level of everything that was played and recorded against time, with the spans that were looked
//! at. What a picture of a method shows; no verdict stands on it.

use crate::take::TakeId;
use crate::terms::Port;
use crate::units::Unit;

/// One take.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The take.
    pub take: TakeId,
    /// What the method calls it.
    pub name: String,
    /// The integration time of the meter, in s.
    pub meter_s: f64,
    /// How often it was read, in s: level `n` is that at `(n + 1) · step_s`.
    pub step_s: f64,
    /// The named parts of the take.
    pub spans: Vec<Stretch>,
    /// What was played, then what was recorded.
    pub lines: Vec<Line>,
}

/// A named part of a take.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Its name: `analysis`, `double-words-2`.
    pub name: String,
    /// From, in s from the beginning of the take.
    pub from_s: f64,
    /// To, in s.
    pub to_s: f64,
}

/// The level of one port.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The port.
    pub port: Port,
    /// Whether it was played; otherwise it was recorded.
    pub is_played: bool,
    /// The unit of the levels.
    pub unit: Unit,
    /// The levels, unweighted.
    pub levels: Vec<f64>,
}

impl Scene {
    /// The time of each level, in s.
    pub fn seconds(&self) -> impl Iterator<Item = f64> + '_ {
        (1..).map(|n| f64::from(n) * self.step_s)
    }

    /// How long it lasts, in s.
    pub fn length_s(&self) -> f64 {
        let count = self.lines.iter().map(|line| line.levels.len()).max().unwrap_or(0);
        let end = count as f64 * self.step_s;
        self.spans.iter().map(|span| span.to_s).fold(end, f64::max)
    }
}
