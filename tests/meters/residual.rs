//! One meter's reading beside a truth of other origin: a row of the second half of `docs/accuracy.md`.

/// Where a truth comes from, and since when it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Truth {
    /// A formula by its name, or a tool with its version.
    pub(crate) by: &'static str,
    /// The day on which it was worked out, or on which the tool was run.
    pub(crate) date: &'static str,
}

/// One reading against one truth, or the largest difference over many points.
#[derive(Debug, Clone)]
pub(crate) struct Residual {
    /// The meter, as `lombard measure` calls it.
    pub(crate) meter: &'static str,
    /// What was measured, and on what.
    pub(crate) case: String,
    /// Unit of truth, reading and tolerance.
    pub(crate) unit: &'static str,
    /// Truth and reading; `None`: many points.
    pub(crate) values: Option<(f64, f64)>,
    /// The largest absolute difference.
    pub(crate) difference: f64,
    /// What the largest difference may be.
    pub(crate) tolerance: f64,
    pub(crate) truth: Truth,
}

impl Residual {
    /// One reading.
    pub(crate) fn value(
        meter: &'static str,
        case: impl Into<String>,
        unit: &'static str,
        (truth, measured): (f64, f64),
        tolerance: f64,
        source: Truth,
    ) -> Self {
        let difference = (measured - truth).abs();
        Self {
            meter,
            case: case.into(),
            unit,
            values: Some((truth, measured)),
            difference,
            tolerance,
            truth: source,
        }
    }

    /// The largest difference of (truth, reading) over `points`. A NaN in one of them is one in the row.
    pub(crate) fn largest(
        meter: &'static str,
        case: impl Into<String>,
        unit: &'static str,
        points: impl IntoIterator<Item = (f64, f64)>,
        tolerance: f64,
        source: Truth,
    ) -> Self {
        let (count, difference) =
            points.into_iter().fold((0, 0.0_f64), |(count, most), (truth, measured)| {
                let difference = (measured - truth).abs();
                (count + 1, if difference > most || difference.is_nan() { difference } else { most })
            });
        assert!(count > 0, "a residual over no points says nothing");
        let case = format!("{}; {count} points", case.into());
        Self { meter, case, unit, values: None, difference, tolerance, truth: source }
    }

    /// Whether the reading is the truth, within the tolerance. NaN is not.
    pub(crate) fn holds(&self) -> bool {
        self.difference <= self.tolerance
    }
}

/// Every residual must hold; all that don't are named.
pub(crate) fn all_hold(residuals: &[Residual]) {
    let wrong: Vec<String> =
        residuals.iter().filter(|one| !one.holds()).map(|one| format!("{one:?}")).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_residual_beyond_its_tolerance_and_a_nan_are_seen() {
    let truth = Truth { by: "paper", date: "2026-11-25" };
    assert!(Residual::value("level", "x", "dB", (1.0, 1.01), 0.02, truth).holds());
    assert!(!Residual::value("level", "x", "dB", (1.0, 1.03), 0.02, truth).holds());
    let worst = Residual::largest("level", "x", "dB", [(1.0, 1.01), (2.0, 2.5), (0.0, 0.0)], 0.1, truth);
    assert!(!worst.holds() && worst.difference == 0.5 && worst.case == "x; 3 points");
    for points in [[(1.0, f64::NAN), (1.0, 1.0)], [(1.0, 1.0), (f64::NAN, 1.0)]] {
        assert!(!Residual::largest("level", "x", "dB", points, 0.1, truth).holds());
    }
}
