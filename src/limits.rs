//! Limits, which are data, and the one function that makes verdicts: [`judge`].
//!
//! A limit never sees a capture; a method never sees a limit. NaN is never a pass, and neither is
//! a missing limit.

mod classes;
mod mask;

use std::fmt;

pub use classes::{Better, Classes, Reached, Step};
pub use mask::{At, Axis, Mask, line};

use crate::finding::{Bound, Finding, Value};
use crate::terms::{ClauseRef, LimitClass};
use crate::units::{Quantity, Unit};
use crate::verdict::{Flag, Verdict};

/// What a finding is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// A scalar between two values, ends included.
    Range {
        /// The smallest good value.
        min: Option<f64>,
        /// The largest good value.
        max: Option<f64>,
    },
    /// A curve over frequency, or a series over time, between two lines.
    Mask(Mask),
    /// A scalar in a table of ordered classes.
    Classes(Classes),
    /// Not known (class N): the lab enters it.
    Unknown,
}

/// Where a value was written: the chain from the file that last set it to the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A limit with its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Its name in the limit file: `p1110-2025/slr`.
    pub id: String,
    /// The measurand that it judges.
    pub measurand: String,
    /// What the finding is compared with.
    pub rule: Rule,
    /// The unit of its values.
    pub unit: Unit,
    /// The clause.
    pub clause: ClauseRef,
    /// How far the value has been verified.
    pub class: LimitClass,
    /// Where it was read, for the reader of the report.
    pub source: String,
    /// Whether the text has been read in two ways, of which this is the looser one.
    pub two_readings: bool,
    /// Where it was written, the last word first.
    pub origins: Vec<Origin>,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { min: Some(min), max: Some(max) } => write!(f, "{min} … {max}"),
            Self::Range { min: Some(min), max: None } => write!(f, "≥ {min}"),
            Self::Range { min: None, max: Some(max) } => write!(f, "≤ {max}"),
            Self::Range { min: None, max: None } | Self::Unknown => f.write_str("not known"),
            Self::Mask(mask) if mask.floating => f.write_str("floating mask"),
            Self::Mask(_) => f.write_str("mask"),
            Self::Classes(classes) => classes.fmt(f),
        }
    }
}

/// A finding held against a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The measurand.
    pub measurand: String,
    /// The limit.
    pub limit: String,
    /// The verdict: never `NotRun`, `Aborted` or `Error`.
    pub verdict: Verdict,
    /// The smallest distance to the limit, positive inside. `None` where there is nothing to compare.
    pub margin: Option<Quantity>,
    /// Where the smallest distance is, for masks.
    pub at: Option<At>,
    /// The shift that a floating mask chose, in the unit of the finding.
    pub shift: Option<f64>,
    /// The class that it reaches, of a limit that is a table of classes.
    pub class: Option<Reached>,
    /// What stands beside it.
    pub flags: Vec<Flag>,
    /// Why, for verdicts that are not plain.
    pub reason: String,
}

/// Holds a finding against a limit. This is the only place where a pass or a fail is made.
pub fn judge(finding: &Finding, limit: &Limit) -> Judgement {
    let mut judgement = Judgement {
        measurand: finding.measurand.clone(),
        limit: limit.id.clone(),
        verdict: Verdict::Inconclusive,
        margin: None,
        at: None,
        shift: None,
        class: None,
        flags: finding.flags.clone(),
        reason: String::new(),
    };
    if limit.class == LimitClass::N || limit.rule == Rule::Unknown {
        judgement.verdict = Verdict::Measured;
        judgement.flags.push(Flag::NoLimit);
        "the limit is not known (class N): enter it in an overlay".clone_into(&mut judgement.reason);
        return judgement;
    }
    if limit.class == LimitClass::C {
        judgement.flags.push(Flag::Provisional);
    }
    if limit.two_readings {
        judgement.flags.push(Flag::TwoReadings);
    }
    if finding.unit != limit.unit {
        judgement.reason = format!(
            "the finding is in {}, the limit in {}: planes are not converted",
            finding.unit, limit.unit
        );
        return judgement;
    }
    if finding.flags.contains(&Flag::Spread) {
        "energy that belongs to no signal of the test makes the reading: it is of no use for a class"
            .clone_into(&mut judgement.reason);
        return judgement;
    }
    match (&finding.value, &limit.rule) {
        (Value::Scalar(value), Rule::Range { min, max }) => {
            judge_scalar(*value, finding.bound, *min, *max, limit.unit, &mut judgement);
        }
        (Value::Scalar(value), Rule::Classes(table)) => {
            classes::judge_class(*value, finding, table, &mut judgement);
        }
        (Value::Curve(curve), Rule::Mask(mask)) if mask.axis == Axis::Frequency => {
            mask::judge_line(finding, &curve.hz, &curve.values, mask, &mut judgement);
        }
        (Value::Series(series), Rule::Mask(mask)) if mask.axis == Axis::Time => {
            mask::judge_line(finding, &series.seconds, &series.values, mask, &mut judgement);
        }
        _ => "the finding and the limit are of different kinds".clone_into(&mut judgement.reason),
    }
    judgement.flags.sort_unstable();
    judgement.flags.dedup();
    judgement
}

fn judge_scalar(
    value: f64,
    bound: Bound,
    min: Option<f64>,
    max: Option<f64>,
    unit: Unit,
    judgement: &mut Judgement,
) {
    if value.is_nan() {
        "the value is no number".clone_into(&mut judgement.reason);
        return;
    }
    if let Bound::Between(end) = bound {
        judge_between((value, end), min, max, unit, judgement);
        return;
    }
    let above = min.map(|min| value - min);
    let below = max.map(|max| max - value);
    let Some(margin) = smaller(above, below) else {
        "the limit has neither end".clone_into(&mut judgement.reason);
        return;
    };
    let inside = margin >= 0.0;
    judgement.margin = Some(Quantity::new(margin, unit.difference()));
    // A bound decides only where the truth, wherever it lies beyond the bound, is on one side of the limit.
    let decides = match bound {
        // One with two ends has been judged.
        Bound::Exact | Bound::Between(_) => true,
        Bound::AtLeast => (inside && max.is_none()) || below.is_some_and(|below| below < 0.0),
        Bound::AtMost => (inside && min.is_none()) || above.is_some_and(|above| above < 0.0),
    };
    if bound != Bound::Exact && !judgement.flags.contains(&Flag::NoiseLimited) {
        judgement.flags.push(Flag::Bound);
    }
    judgement.verdict = match (decides, inside) {
        (true, true) => Verdict::Pass,
        (true, false) => Verdict::Fail,
        (false, _) => Verdict::Inconclusive,
    };
    if !decides {
        let side = if bound == Bound::AtLeast { "≥" } else { "≤" };
        judgement.reason =
            format!("only the bound {side} {value:.1} {unit} is known, and it does not meet the limit");
    }
}

/// A value of which both ends are known passes where both lie inside, and fails where both lie beyond the same end of the
/// limit: the truth, wherever it is between them, does so too. Otherwise the limit lies between them.
fn judge_between(
    (proven, open): (f64, f64),
    min: Option<f64>,
    max: Option<f64>,
    unit: Unit,
    judgement: &mut Judgement,
) {
    if open.is_nan() {
        "an end of what is known is no number".clone_into(&mut judgement.reason);
        return;
    }
    let (low, high) = if open < proven { (open, proven) } else { (proven, open) };
    let Some(inside) = smaller(min.map(|min| low - min), max.map(|max| max - high)) else {
        "the limit has neither end".clone_into(&mut judgement.reason);
        return;
    };
    // How far the end that is nearer to the limit lies beyond it: at least so far does the truth.
    let beyond = [min.map(|min| high - min), max.map(|max| max - low)];
    let beyond = beyond.into_iter().flatten().find(|margin| *margin < 0.0);
    let (verdict, margin) = match beyond {
        Some(margin) => (Verdict::Fail, margin),
        None if inside >= 0.0 => (Verdict::Pass, inside),
        None => (Verdict::Inconclusive, inside),
    };
    judgement.verdict = verdict;
    judgement.margin = Some(Quantity::new(margin, unit.difference()));
    if !judgement.flags.contains(&Flag::NoiseLimited) {
        judgement.flags.push(Flag::Bound);
    }
    if verdict == Verdict::Inconclusive {
        judgement.reason =
            format!("only {low:.1} to {high:.1} {unit} is known, and an end of the limit lies between them");
    }
}

fn smaller(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if a < b { a } else { b }),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn limit(rule: Rule, class: LimitClass) -> Limit {
        Limit {
            id: "test/slr".to_owned(),
            measurand: "slr".to_owned(),
            rule,
            unit: Unit::Db,
            clause: ClauseRef {
                recommendation: "P.1110".to_owned(),
                edition: "10/2025".to_owned(),
                clause: "11.3".to_owned(),
            },
            class,
            source: String::new(),
            two_readings: false,
            origins: Vec::new(),
        }
    }

    #[test]
    fn a_curve_that_leaves_an_end_of_the_mask_open_can_fail_and_cannot_pass() {
        let mask = Mask { upper: vec![(200.0, 3.0), (4000.0, 3.0)], ..Mask::default() };
        let judged = |hz: &[f64], value: f64| {
            let finding = Finding::curve("slr", hz.to_vec(), vec![value; hz.len()], Unit::Db);
            judge(&finding, &limit(Rule::Mask(mask.clone()), LimitClass::A))
        };
        assert_eq!(judged(&[250.0, 500.0, 1000.0, 2000.0, 4000.0], 0.0).verdict, Verdict::Pass);
        let open = judged(&[1000.0, 2000.0, 4000.0], 0.0);
        assert_eq!(open.verdict, Verdict::Inconclusive);
        assert!(open.reason.contains("from 200 to 1000 Hz"), "{}", open.reason);
        assert_eq!(judged(&[250.0, 500.0, 1250.0], 0.0).verdict, Verdict::Inconclusive);
        assert_eq!(judged(&[400.0, 2000.0], 0.0).verdict, Verdict::Pass);
        assert_eq!(judged(&[1000.0], 4.0).verdict, Verdict::Fail);
    }

    fn scalar(value: f64, bound: Bound) -> Finding {
        Finding { bound, ..Finding::scalar("slr", value, Unit::Db) }
    }

    fn verdict(value: f64, bound: Bound, min: Option<f64>, max: Option<f64>) -> Verdict {
        judge(&scalar(value, bound), &limit(Rule::Range { min, max }, LimitClass::A)).verdict
    }

    #[test]
    fn nan_is_never_a_pass() {
        assert_eq!(verdict(f64::NAN, Bound::Exact, Some(9.0), Some(17.0)), Verdict::Inconclusive);
        let curve = Finding::curve("slr", vec![100.0, 200.0], vec![0.0, f64::NAN], Unit::Db);
        let mask = Rule::Mask(Mask { upper: vec![(50.0, 1.0), (500.0, 1.0)], ..Mask::default() });
        assert_eq!(judge(&curve, &limit(mask, LimitClass::A)).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn a_range_includes_its_ends() {
        for (value, expected) in
            [(8.999, Verdict::Fail), (9.0, Verdict::Pass), (17.0, Verdict::Pass), (17.001, Verdict::Fail)]
        {
            assert_eq!(verdict(value, Bound::Exact, Some(9.0), Some(17.0)), expected, "{value}");
        }
        assert_eq!(verdict(f64::INFINITY, Bound::Exact, Some(46.0), None), Verdict::Pass);
        assert_eq!(verdict(f64::NEG_INFINITY, Bound::Exact, Some(46.0), None), Verdict::Fail);
    }

    #[test]
    fn a_bound_passes_or_is_inconclusive() {
        assert_eq!(verdict(47.0, Bound::AtLeast, Some(46.0), None), Verdict::Pass);
        assert_eq!(verdict(45.0, Bound::AtLeast, Some(46.0), None), Verdict::Inconclusive);
        assert_eq!(verdict(45.0, Bound::AtLeast, None, Some(40.0)), Verdict::Fail);
        assert_eq!(verdict(-66.0, Bound::AtMost, None, Some(-64.0)), Verdict::Pass);
        assert_eq!(verdict(-60.0, Bound::AtMost, None, Some(-64.0)), Verdict::Inconclusive);
    }

    #[test]
    fn a_value_between_two_ends_is_judged_by_both() {
        let (less, more) = ((None, Some(3.0)), (Some(45.0), None));
        for (proven, open, (min, max), expected, margin) in [
            (2.0, 2.5, less, Verdict::Pass, 0.5),
            (2.0, 3.0, less, Verdict::Pass, 0.0),
            (2.0, 3.001, less, Verdict::Inconclusive, -0.001),
            (3.5, 4.0, less, Verdict::Fail, -0.5),
            (50.0, 45.5, more, Verdict::Pass, 0.5),
            (50.0, 44.0, more, Verdict::Inconclusive, -1.0),
            (44.0, 30.0, more, Verdict::Fail, -1.0),
            (12.0, 16.0, (Some(9.0), Some(17.0)), Verdict::Pass, 1.0),
            // Beyond either end is no proof of being beyond one.
            (8.0, 18.0, (Some(9.0), Some(17.0)), Verdict::Inconclusive, -1.0),
            (18.0, 19.0, (Some(9.0), Some(17.0)), Verdict::Fail, -1.0),
        ] {
            let judged =
                judge(&scalar(proven, Bound::Between(open)), &limit(Rule::Range { min, max }, LimitClass::A));
            assert_eq!(judged.verdict, expected, "{proven} {open}");
            assert!((judged.margin.unwrap().value - margin).abs() < 1e-9, "{proven} {open}: {judged:?}");
            assert_eq!(judged.flags, [Flag::Bound]);
            assert_eq!(judged.reason.is_empty(), expected != Verdict::Inconclusive);
        }
        assert_eq!(verdict(2.0, Bound::Between(f64::NAN), None, Some(3.0)), Verdict::Inconclusive);
        assert_eq!(verdict(f64::NAN, Bound::Between(2.0), None, Some(3.0)), Verdict::Inconclusive);
        assert_eq!(verdict(2.0, Bound::Between(2.5), None, None), Verdict::Inconclusive);
    }

    #[test]
    fn a_missing_limit_is_no_pass() {
        let judged = judge(&scalar(13.0, Bound::Exact), &limit(Rule::Unknown, LimitClass::N));
        assert_eq!(judged.verdict, Verdict::Measured);
        assert!(judged.flags.contains(&Flag::NoLimit));
        let empty = limit(Rule::Range { min: None, max: None }, LimitClass::A);
        assert_eq!(judge(&scalar(13.0, Bound::Exact), &empty).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn a_class_c_limit_is_provisional() {
        let rule = Rule::Range { min: Some(9.0), max: None };
        assert_eq!(
            judge(&scalar(13.0, Bound::Exact), &limit(rule, LimitClass::C)).flags,
            [Flag::Provisional]
        );
    }

    #[test]
    fn planes_are_never_mixed() {
        let finding = Finding::scalar("slr", 13.0, Unit::Dbm0);
        let rule = Rule::Range { min: Some(9.0), max: Some(17.0) };
        assert_eq!(judge(&finding, &limit(rule, LimitClass::A)).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn masks_are_straight_over_log_f() {
        let points = [(100.0, -20.0), (1000.0, -40.0)];
        assert_eq!(line(&points, 100.0), Some(-20.0));
        assert!((line(&points, 316.227_766_016_837_95).unwrap() + 30.0).abs() < 1e-12);
        assert_eq!(line(&points, 99.0), None);
    }

    #[test]
    fn a_bound_says_whether_noise_makes_it() {
        let flags = |bound, flags: &[Flag]| {
            let mut finding = scalar(50.0, bound);
            finding.flags = flags.to_vec();
            judge(&finding, &limit(Rule::Range { min: Some(46.0), max: None }, LimitClass::A)).flags
        };
        assert_eq!(flags(Bound::AtLeast, &[]), [Flag::Bound]);
        assert_eq!(flags(Bound::AtLeast, &[Flag::NoiseLimited]), [Flag::NoiseLimited]);
        assert_eq!(flags(Bound::Exact, &[]), []);
    }

    #[test]
    fn what_noise_hides_of_a_curve_decides_nothing() {
        let verdict = |values: Vec<f64>, bound, flags: &[Flag], upper, lower| {
            let mask = Mask { upper, lower, ..Mask::default() };
            let mut curve = Finding::curve("slr", vec![100.0, 1000.0], values, Unit::Db);
            (curve.bound, curve.flags) = (bound, flags.to_vec());
            judge(&curve, &limit(Rule::Mask(mask), LimitClass::A)).verdict
        };
        let line = |db: f64| vec![(100.0, db), (1000.0, db)];
        let hidden = [Flag::NoiseLimited];
        assert_eq!(verdict(vec![0.0; 2], Bound::Exact, &[], line(1.0), line(-1.0)), Verdict::Pass);
        // Points that are left out: a pass is open, a fail of the others is proven.
        assert_eq!(
            verdict(vec![0.0; 2], Bound::Exact, &hidden, line(1.0), line(-1.0)),
            Verdict::Inconclusive
        );
        assert_eq!(verdict(vec![0.0, 9.0], Bound::Exact, &hidden, line(1.0), line(-1.0)), Verdict::Fail);
        // An echo loss of at least so much: enough is a pass, too little decides nothing.
        assert_eq!(verdict(vec![50.0; 2], Bound::AtLeast, &hidden, vec![], line(46.0)), Verdict::Pass);
        assert_eq!(
            verdict(vec![40.0; 2], Bound::AtLeast, &hidden, vec![], line(46.0)),
            Verdict::Inconclusive
        );
        assert_eq!(
            verdict(vec![50.0; 2], Bound::AtLeast, &hidden, line(60.0), vec![]),
            Verdict::Inconclusive
        );
    }

    #[test]
    fn a_floating_mask_judges_the_shape() {
        let mask = Mask {
            upper: vec![(100.0, 4.0), (8000.0, 4.0)],
            lower: vec![(100.0, -4.0), (8000.0, -4.0)],
            floating: true,
            ..Mask::default()
        };
        let curve = Finding::curve("slr", vec![100.0, 1000.0, 8000.0], vec![20.0, 22.0, 26.0], Unit::Db);
        let judged = judge(&curve, &limit(Rule::Mask(mask.clone()), LimitClass::A));
        assert_eq!(judged.verdict, Verdict::Pass);
        assert!((judged.margin.unwrap().value - 1.0).abs() < 1e-12);
        assert!((judged.shift.unwrap() + 23.0).abs() < 1e-12);
        let bent = Finding::curve("slr", vec![100.0, 1000.0, 8000.0], vec![20.0, 22.0, 28.1], Unit::Db);
        assert_eq!(judge(&bent, &limit(Rule::Mask(mask), LimitClass::A)).verdict, Verdict::Fail);
    }
}
