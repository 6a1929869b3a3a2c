//! Where a number says that it was read, it stands: every finding of every trial is looked up in the curve or series that it
//! names.

use lombard::finding::{Along, Bound, Finding, Reading, Value};
use lombard::methods::Method;

/// How far a number may lie beside the point that it names, by its measurand. Ranges of attenuation are read at every frame
/// and told every millisecond, in which a switch of 5 ms moves by a decibel and a half. The level of a burst is that of its
/// active part, whose peaks on a meter of 5 ms stand above it; its point is its onset, where the meter has not climbed yet.
/// A rise that counts as none is no difference of levels.
fn tolerance(measurand: &str) -> f64 {
    match measurand {
        "attenuation_range_send" | "attenuation_range_receive" => 1.5,
        "activation_level_send" | "activation_level_receive" | "reflector_rise" => f64::INFINITY,
        _ => 0.01,
    }
}

/// Panics where a number names a place that is none.
pub(crate) fn holds(method: &dyn Method, findings: &[Finding]) {
    for finding in findings {
        let Some(reading) = &finding.read_from else { continue };
        let (name, value) = (&finding.measurand, finding.as_scalar().expect("a number was read"));
        assert!(method.card().shown_on.is_some(), "{name} is shown, its take is not");
        let shown = findings.iter().find(|one| one.measurand == reading.measurand);
        let shown =
            shown.unwrap_or_else(|| panic!("{name} was read from {}, which is none", reading.measurand));
        let (xs, ys) = match &shown.value {
            Value::Scalar(_) => panic!("{name} was read from the number {}", reading.measurand),
            Value::Curve(curve) => (&curve.hz, &curve.values),
            Value::Series(series) => (&series.seconds, &series.values),
        };
        assert!(reading.zero.is_finite() && reading.one != 0.0, "{name}: {reading:?}");
        match reading.along {
            Along::Places => begins_within(name, reading, xs),
            Along::Values => stands_at(finding, value, reading, xs, ys),
        }
    }
}

fn begins_within(name: &str, reading: &Reading, xs: &[f64]) {
    let (first, last) = (xs[0], xs[xs.len() - 1]);
    assert!(
        reading.zero >= first - 1.0 && reading.zero < last,
        "{name}: {} of {first} … {last}",
        reading.zero
    );
}

fn stands_at(finding: &Finding, value: f64, reading: &Reading, xs: &[f64], ys: &[f64]) {
    let Some(at) = reading.at else { return };
    let name = &finding.measurand;
    if matches!(finding.bound, Bound::Between(_)) || !value.is_finite() {
        return;
    }
    let near = |n: &usize| (xs[*n] - at).abs();
    let nearest = (0..xs.len()).min_by(|a, b| near(a).total_cmp(&near(b))).expect("it has points");
    assert!(
        near(&nearest) <= 0.01 * at.max(1.0),
        "{name} was read at {at}, the nearest point is at {}",
        xs[nearest]
    );
    let beside = (reading.place(value) - ys[nearest]).abs();
    assert!(beside <= tolerance(name), "{name} lies {beside} beside {} at {at}", reading.measurand);
}
