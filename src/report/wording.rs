//! How numbers, limits, verdicts and flags are put into words: once, for every face.

use std::fmt::Write as _;

use crate::finding::{Bound, FactValue, Finding, Value};
use crate::limits::{At, Axis, Classes, Limit, Mask, Rule, Step};
use crate::run::view::RunState;
use crate::terms::LimitClass;
use crate::units::{Quantity, Unit};
use crate::verdict::{Flag, Verdict};

/// The number of decimals that a value of this unit is worth.
pub const fn decimals(unit: Unit) -> usize {
    match unit {
        Unit::Hz => 1,
        Unit::Second | Unit::One => 3,
        Unit::Step => 0,
        _ => 2,
    }
}

/// A number with a true minus sign and `decimals` decimals. NaN and infinities are words and signs.
pub fn number(value: f64, decimals: usize) -> String {
    if value.is_nan() {
        return "no number".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    let text = if value != 0.0 && value.abs() >= 1e9 {
        format!("{value:.3e}")
    } else {
        format!("{value:.decimals$}")
    };
    signed(&text)
}

/// A number as a file would write it, with a true minus sign.
pub fn plain(value: f64) -> String {
    if !value.is_finite() || value.abs() >= 1e9 {
        return number(value, 3);
    }
    signed(&format!("{value}"))
}

/// Turns the hyphen into a true minus sign and drops the sign of a zero.
fn signed(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| matches!(b, b'0' | b'.')) => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text.to_owned(),
    }
}

/// A quantity in the decimals of its unit; the unit 1 is not written.
pub fn quantity(value: f64, unit: Unit) -> String {
    with_unit(number(value, decimals(unit)), unit)
}

/// A fact: a quantity, or what there is to say of a curve in one line.
pub fn fact(value: &FactValue) -> String {
    match value {
        FactValue::Scalar(one) => quantity(one.value, one.unit),
        FactValue::Curve { .. } => value.to_string(),
    }
}

/// An uncertainty: never rounded to none.
pub fn uncertainty(value: f64, unit: Unit) -> String {
    let least = 10f64.powi(-(decimals(unit) as i32));
    if value > 0.0 && value < 0.5 * least {
        return format!("less than {}", quantity(least, unit));
    }
    quantity(value, unit)
}

/// A margin with its sign, with as many decimals as it takes to be told from zero.
pub fn margin(margin: Quantity) -> String {
    let sign = if margin.value > 0.0 { "+" } else { "" };
    let number = number(margin.value, decimals_near(margin.value, decimals(margin.unit)));
    with_unit(format!("{sign}{number}"), margin.unit)
}

/// The decimals that tell `distance` from zero, at least `least`.
fn decimals_near(distance: f64, least: usize) -> usize {
    let mut decimals = least;
    while decimals < 9 && distance != 0.0 && distance.abs() < 0.5 * 10f64.powi(-(decimals as i32)) {
        decimals += 1;
    }
    decimals
}

fn with_unit(number: String, unit: Unit) -> String {
    match unit {
        Unit::One => number,
        Unit::Step => format!("{unit} {number}"),
        _ => format!("{number}\u{a0}{unit}"),
    }
}

/// The value of a finding: a number with unit and bound, or what kind of curve it is. `margin` is
/// its distance to a limit, if there is one: a value just outside must not be rounded to the limit.
pub fn value(finding: &Finding, margin: Option<Quantity>) -> String {
    match &finding.value {
        Value::Scalar(value) => {
            let near = margin.map_or(f64::INFINITY, |margin| margin.value);
            let number = |value: f64| number(value, decimals_near(near, decimals(finding.unit)));
            let known = number(*value);
            let told = match finding.bound {
                Bound::Exact => known,
                Bound::AtLeast => format!("≥\u{a0}{known}"),
                Bound::AtMost => format!("≤\u{a0}{known}"),
                Bound::Between(end) if end < *value => format!("{}\u{a0}…\u{a0}{known}", number(end)),
                Bound::Between(end) => format!("{known}\u{a0}…\u{a0}{}", number(end)),
            };
            with_unit(told, finding.unit)
        }
        Value::Curve(curve) => format!("curve of {} points", curve.hz.len()),
        Value::Series(series) => format!("series of {} points", series.seconds.len()),
    }
}

/// What a limit asks for, with its unit and without its class.
pub fn limit(limit: &Limit) -> String {
    match &limit.rule {
        Rule::Range { min: Some(min), max: Some(max) } => {
            with_unit(format!("{}\u{a0}…\u{a0}{}", plain(*min), plain(*max)), limit.unit)
        }
        Rule::Range { min: Some(min), max: None } => with_unit(format!("≥\u{a0}{}", plain(*min)), limit.unit),
        Rule::Range { min: None, max: Some(max) } => with_unit(format!("≤\u{a0}{}", plain(*max)), limit.unit),
        Rule::Mask(mask) if mask.floating => "floating mask".to_owned(),
        Rule::Mask(mask) if mask.axis == Axis::Time => "mask over time".to_owned(),
        Rule::Mask(_) => "mask".to_owned(),
        Rule::Classes(classes) => match &classes.required {
            Some(name) => {
                let edge = classes.rank(name).and_then(|rank| classes.steps[rank].edge);
                let value =
                    |edge| with_unit(format!("{}\u{a0}{}", classes.better.sign(), plain(edge)), limit.unit);
                edge.map_or_else(
                    || format!("class\u{a0}{name}"),
                    |edge| format!("class\u{a0}{name}: {}", value(edge)),
                )
            }
            None => "classes, none required".to_owned(),
        },
        Rule::Range { min: None, max: None } | Rule::Unknown => "not known".to_owned(),
    }
}

/// A table of classes, in words: `1 ≤ 3, 2a ≤ 6, …`.
pub fn class_steps(classes: &Classes) -> String {
    let step = |step: &Step| match step.edge {
        Some(edge) => format!("{}\u{a0}{}\u{a0}{}", step.name, classes.better.sign(), plain(edge)),
        None => format!("{}\u{a0}the rest", step.name),
    };
    classes.steps.iter().map(step).collect::<Vec<_>>().join(", ")
}

/// The break-points of a mask, in words: `upper 200 Hz 0, 8 kHz 4; lower …`.
pub fn mask_points(mask: &Mask) -> String {
    let mut text = String::new();
    for (name, points) in [("upper", &mask.upper), ("lower", &mask.lower)] {
        if points.is_empty() {
            continue;
        }
        let drawn: Vec<String> = points
            .iter()
            .map(|(x, value)| format!("{}\u{a0}{}", at(At::on(mask.axis, *x)), plain(*value)))
            .collect();
        let separator = if text.is_empty() { "" } else { "; " };
        let _ = write!(text, "{separator}{name}: {}", drawn.join(", "));
    }
    text
}

/// A frequency as engineers write it: `315 Hz`, `3.15 kHz`.
pub fn frequency(hz: f64) -> String {
    if hz.is_finite() && hz.abs() >= 1000.0 {
        let khz = format!("{:.2}", hz / 1000.0);
        return format!("{}\u{a0}kHz", khz.trim_end_matches('0').trim_end_matches('.'));
    }
    let text = number(hz, 1);
    format!("{}\u{a0}Hz", text.strip_suffix(".0").unwrap_or(&text))
}

/// A place on the axis of a mask.
pub fn at(at: At) -> String {
    match at {
        At::Hertz(hz) => frequency(hz),
        At::Second(s) if s.is_finite() && s.abs() < 1.0 => format!("{}\u{a0}ms", number(s * 1e3, 0)),
        At::Second(s) => format!("{}\u{a0}s", number(s, 2)),
    }
}

/// A verdict at the beginning of a line.
pub const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotRun => "Not run",
        Verdict::Measured => "Measured",
        Verdict::Pass => "Pass",
        Verdict::Inconclusive => "Inconclusive",
        Verdict::Fail => "Fail",
        Verdict::Aborted => "Aborted",
        Verdict::Error => "Error",
    }
}

/// What a verdict means.
pub const fn verdict_meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotRun => "The entry was not run, or a take that it needs was never recorded.",
        Verdict::Measured => "Measured; there is no limit to judge against.",
        Verdict::Pass => "Inside every limit.",
        Verdict::Inconclusive => "Tried, and nothing may be concluded from it; the reason is given.",
        Verdict::Fail => "Outside a limit.",
        Verdict::Aborted => "Stopped before it was complete.",
        Verdict::Error => "The bench or the program failed.",
    }
}

/// What a flag means.
pub const fn flag_meaning(flag: Flag) -> &'static str {
    match flag {
        Flag::Conditional => "The verdict holds under a condition that the reason names.",
        Flag::Provisional => {
            "The verdict stands on a limit of class C or on a table that has not been verified: check before use."
        }
        Flag::NoLimit => "No limit is known (class N); a required entry keeps the run from a pass.",
        Flag::NoiseLimited => {
            "What was sought cannot be told from noise: the value is a bound, or leaves points out."
        }
        Flag::Bound => "Only a bound is known; the note of the finding says why.",
        Flag::TwoReadings => {
            "The text has been read in two ways: judged by the looser one; the source of the limit names the other."
        }
        Flag::Spread => {
            "Energy that belongs to no signal of the test makes the reading, as fast switching does: no class."
        }
        Flag::DeviceClips => {
            "The device's own converter or line reached full scale: what is measured is what the device does then."
        }
        Flag::DriftCorrected => {
            "The clocks of the bench ran apart; the recording was resampled by the drift that was measured."
        }
        Flag::WeakEvidence => {
            "The bench has no loopback pair: a loss on the way to or from its interface may not have been seen."
        }
        Flag::CallByHand => {
            "The device has to be cold where the call begins; the bench does not set up calls, so nothing proves that it was."
        }
        Flag::MethodEquivalentSignal => {
            "The test signal has the properties asked for but is not the Recommendation's own recording."
        }
        Flag::Informative => "The entry does not count towards the verdict of the run.",
    }
}

/// What the class of a limit means.
pub const fn class_meaning(class: LimitClass) -> &'static str {
    match class {
        LimitClass::A => "Read in the 2017 or 2025 text by someone who said so publicly.",
        LimitClass::B => "Read in an older edition, or in a national standard derived from it.",
        LimitClass::C => "From a sister standard or general knowledge: check before use.",
        LimitClass::N => "Not known: the entry measures and reports, and gives no verdict.",
    }
}

/// Where a run stands.
pub const fn state(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Incomplete => "incomplete",
        RunState::Finished => "finished",
    }
}

/// A duration for people: `4.2 s`, `3 min 05 s`, `1 h 02 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    if seconds < 59.95 {
        return format!("{seconds:.1}\u{a0}s");
    }
    let whole = seconds.round() as u64;
    let (minutes, rest) = (whole / 60, whole % 60);
    if minutes < 60 {
        return format!("{minutes}\u{a0}min {rest:02}\u{a0}s");
    }
    format!("{}\u{a0}h {:02}\u{a0}min", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_never_silently_wrong() {
        assert_eq!(number(f64::NAN, 2), "no number");
        assert_eq!(number(f64::NEG_INFINITY, 2), "−∞");
        assert_eq!(number(-0.001, 2), "0.00");
        assert_eq!(number(-64.125, 1), "−64.1");
        assert_eq!(number(1e300, 2), "1.000e300");
        assert_eq!(plain(-64.0), "−64");
        assert_eq!(quantity(3.0, Unit::Step), "step 3");
    }

    #[test]
    fn a_value_just_outside_is_not_rounded_onto_its_limit() {
        let finding = Finding::scalar("slr", 17.0004, Unit::Db);
        let distance = Quantity::new(-0.0004, Unit::Db);
        assert_eq!(value(&finding, Some(distance)), "17.0004\u{a0}dB");
        assert_eq!(margin(distance), "−0.0004\u{a0}dB");
        assert_eq!(margin(Quantity::new(0.0, Unit::Db)), "0.00\u{a0}dB");
        assert_eq!(margin(Quantity::new(2.5, Unit::Db)), "+2.50\u{a0}dB");
        assert_eq!(uncertainty(0.003, Unit::Db), "less than 0.01\u{a0}dB");
        assert_eq!(uncertainty(0.04, Unit::Db), "0.04\u{a0}dB");
        assert_eq!(uncertainty(0.0, Unit::Db), "0.00\u{a0}dB");
    }

    #[test]
    fn bounds_are_shown() {
        let finding = Finding { bound: Bound::AtLeast, ..Finding::scalar("tcl", 47.0, Unit::Db) };
        assert_eq!(value(&finding, None), "≥\u{a0}47.00\u{a0}dB");
        // From the lower to the higher end, whichever of them is proven.
        for (proven, open) in [(2.0, 2.5), (2.5, 2.0)] {
            let finding = Finding {
                bound: Bound::Between(open),
                ..Finding::scalar("distortion", proven, Unit::Percent)
            };
            assert_eq!(value(&finding, None), "2.00\u{a0}…\u{a0}2.50\u{a0}%");
        }
    }

    #[test]
    fn frequencies_and_durations_read_well() {
        assert_eq!(frequency(315.0), "315\u{a0}Hz");
        assert_eq!(frequency(3150.0), "3.15\u{a0}kHz");
        assert_eq!(frequency(8000.0), "8\u{a0}kHz");
        assert_eq!(duration(4.23), "4.2\u{a0}s");
        assert_eq!(duration(59.96), "1\u{a0}min 00\u{a0}s");
        assert_eq!(duration(3720.0), "1\u{a0}h 02\u{a0}min");
        assert_eq!(duration(f64::NAN), "unknown");
    }
}
