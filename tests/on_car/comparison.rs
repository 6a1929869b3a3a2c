//! One value of truth beside one finding: the row of `docs/accuracy.md`.

/// Where a truth comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// `bench::car::truth`, from the car's model.
    Model,
    /// Worked out on paper from the car's numbers.
    Paper,
    /// The formula of P.79 on sensitivities that are the same in all bands.
    Formula,
}

impl Source {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Paper => "paper",
            Self::Formula => "formula",
        }
    }
}

/// One value of truth beside one finding.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    pub(crate) method: &'static str,
    pub(crate) measurand: &'static str,
    pub(crate) case: String,
    pub(crate) unit: &'static str,
    pub(crate) truth: f64,
    pub(crate) measured: f64,
    pub(crate) tolerance: f64,
    pub(crate) source: Source,
}

/// Steady levels and ratings, in dB.
pub(crate) const LEVEL_TOLERANCE_DB: f64 = 0.1;
/// Delays, in ms.
pub(crate) const DELAY_TOLERANCE_MS: f64 = 0.02;

impl Comparison {
    pub(crate) fn difference(&self) -> f64 {
        (self.measured - self.truth).abs()
    }

    /// Whether the finding is the truth, within the tolerance. NaN is not.
    pub(crate) fn holds(&self) -> bool {
        self.difference() <= self.tolerance
    }

    /// The same comparison with another truth, for seeing it fail.
    pub(crate) fn against(&self, truth: f64) -> Self {
        Self { truth, ..self.clone() }
    }
}

/// Every comparison must hold; all that don't are named.
pub(crate) fn all_hold(comparisons: &[Comparison]) {
    let wrong: Vec<String> = comparisons
        .iter()
        .filter(|one| !one.holds())
        .map(|one| {
            format!(
                "{} of '{}': measured {:.4}, true {:.4} {} (tolerance {})",
                one.measurand, one.case, one.measured, one.truth, one.unit, one.tolerance
            )
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// How many comparisons of a measurand there are.
pub(crate) fn count(comparisons: &[Comparison], measurand: &str) -> usize {
    comparisons.iter().filter(|one| one.measurand == measurand).count()
}
