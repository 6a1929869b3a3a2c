//! Masks: lines that a curve over frequency, or a series over time, must stay between.

use crate::finding::{Bound, Finding};
use crate::limits::Judgement;
use crate::units::Quantity;
use crate::verdict::{Flag, Verdict};

/// What a mask lies over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Axis {
    /// Frequency, in Hz: it judges curves.
    #[default]
    Frequency,
    /// Time, in s: it judges series.
    Time,
}

/// A mask: straight lines in dB between break-points, over log f or over log t.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mask {
    /// What the break-points lie over.
    pub axis: Axis,
    /// Upper break-points (Hz or s, value), rising.
    pub upper: Vec<(f64, f64)>,
    /// Lower break-points.
    pub lower: Vec<(f64, f64)>,
    /// Whether the curve may be shifted to fit best: only its shape is judged.
    pub floating: bool,
}

/// A place on the axis of a mask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum At {
    /// A frequency, in Hz.
    Hertz(f64),
    /// A time, in s.
    Second(f64),
}

impl At {
    /// A place on an axis.
    pub const fn on(axis: Axis, x: f64) -> Self {
        match axis {
            Axis::Frequency => Self::Hertz(x),
            Axis::Time => Self::Second(x),
        }
    }

    /// The frequency or the time as a bare number.
    pub const fn value(self) -> f64 {
        match self {
            Self::Hertz(x) | Self::Second(x) => x,
        }
    }

    /// The frequency, where it is one.
    pub const fn hertz(self) -> Option<f64> {
        match self {
            Self::Hertz(hz) => Some(hz),
            Self::Second(_) => None,
        }
    }

    /// The time, where it is one.
    pub const fn second(self) -> Option<f64> {
        match self {
            Self::Hertz(_) => None,
            Self::Second(s) => Some(s),
        }
    }
}

/// Holds the points of a finding against a mask.
///
/// Points that are known are judged first: one outside is a fail, whatever noise hides beside it. Where all of them are
/// inside, those that are only bounds may leave it open.
pub(super) fn judge_line(
    finding: &Finding,
    xs: &[f64],
    values: &[f64],
    mask: &Mask,
    judgement: &mut Judgement,
) {
    if xs.iter().chain(values).any(|x| x.is_nan()) {
        "the curve holds a value that is no number".clone_into(&mut judgement.reason);
        return;
    }
    let points = xs.iter().zip(values).enumerate();
    let covered: Vec<Room> =
        points.filter_map(|(n, (x, value))| Room::at(mask, *x, *value, finding.is_bound_at(n))).collect();
    if covered.is_empty() {
        "no point of the curve lies on the mask".clone_into(&mut judgement.reason);
        return;
    }
    let shift = if mask.floating { best_shift(&covered) } else { 0.0 };
    let worst_of = |bounds: bool| {
        let of = covered.iter().filter(|room| room.is_bound == bounds);
        of.map(|room| (room.margin(shift), room.x)).fold(None, |worst: Option<(f64, f64)>, one| match worst {
            Some(worst) if worst.0 <= one.0 => Some(worst),
            _ => Some(one),
        })
    };
    let (known, bounds) = (worst_of(false), worst_of(true));
    let fails = known.is_some_and(|worst| worst.0 < 0.0);
    // What is known decides a fail; otherwise the worst of all counts.
    let worst = match (known, bounds) {
        (Some(known), Some(bound)) if !fails && bound.0 < known.0 => bound,
        (Some(known), _) => known,
        (None, Some(bound)) => bound,
        (None, None) => return,
    };
    judgement.verdict = if worst.0 >= 0.0 { Verdict::Pass } else { Verdict::Fail };
    judgement.margin = Some(Quantity::new(worst.0, finding.unit.difference()));
    judgement.at = Some(At::on(mask.axis, worst.1));
    judgement.shift = mask.floating.then_some(shift);
    if !fails {
        doubt(finding, bounds.is_some(), mask, judgement);
    }
    if judgement.verdict == Verdict::Pass
        && let Some((from, to)) = open_stretch(mask, &covered)
    {
        judgement.verdict = Verdict::Inconclusive;
        let unit = if mask.axis == Axis::Frequency { "Hz" } else { "s" };
        judgement.reason = match mask.axis {
            Axis::Frequency => {
                format!(
                    "the curve has no point from {from:.0} to {to:.0} {unit}, where the mask asks for one"
                )
            }
            Axis::Time => {
                format!(
                    "the series has no point from {from:.3} to {to:.3} {unit}, where the mask asks for one"
                )
            }
        };
    }
}

/// How much of the ends of a mask line a curve may leave open and still pass: an octave.
const OPEN_MAX: f64 = 2.0;

/// An end of a mask line, longer than [`OPEN_MAX`], that the curve does not reach.
fn open_stretch(mask: &Mask, covered: &[Room]) -> Option<(f64, f64)> {
    let (low, high) = covered
        .iter()
        .map(|room| room.x)
        .fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
    [&mask.upper, &mask.lower].into_iter().find_map(|points| {
        let (first, last) = (points.first()?.0, points.last()?.0);
        // A nominal frequency may lie a percent beside its octave. Nothing comes before a line that begins at 0.
        let ends = [(first, low), (high, last)];
        ends.into_iter().find(|(from, to)| *from > 0.0 && *to > from * OPEN_MAX * 1.02)
    })
}

/// What noise hides decides nothing: points that are left out leave a pass open, points that are bounds leave open what
/// lies on the side of the truth.
fn doubt(finding: &Finding, has_bounds: bool, mask: &Mask, judgement: &mut Judgement) {
    let passes = judgement.verdict == Verdict::Pass;
    let open = match finding.bound {
        Bound::Exact => passes && judgement.flags.contains(&Flag::NoiseLimited),
        Bound::AtLeast => has_bounds && !(passes && mask.upper.is_empty()),
        Bound::AtMost => has_bounds && !(passes && mask.lower.is_empty()),
        // A curve has no other end.
        Bound::Between(_) => true,
    };
    if open {
        judgement.verdict = Verdict::Inconclusive;
        "noise hides a part of the curve (see the note of the finding), which could decide the verdict"
            .clone_into(&mut judgement.reason);
    }
}

/// The room of one point of a curve to the lines of a mask.
struct Room {
    x: f64,
    above: f64,
    below: f64,
    /// Whether the truth of the point lies somewhere beyond it.
    is_bound: bool,
}

impl Room {
    fn at(mask: &Mask, x: f64, value: f64, is_bound: bool) -> Option<Self> {
        let upper = line(&mask.upper, x);
        let lower = line(&mask.lower, x);
        (upper.is_some() || lower.is_some()).then(|| Self {
            x,
            above: upper.map_or(f64::INFINITY, |upper| upper - value),
            below: lower.map_or(f64::INFINITY, |lower| value - lower),
            is_bound,
        })
    }

    fn margin(&self, shift: f64) -> f64 {
        let (above, below) = (self.above - shift, self.below + shift);
        if above < below { above } else { below }
    }
}

/// The shift of the curve that leaves the largest room on both sides.
fn best_shift(rooms: &[Room]) -> f64 {
    let least = |room: fn(&Room) -> f64| {
        rooms.iter().map(room).fold(f64::INFINITY, |least, one| if one < least { one } else { least })
    };
    let (above, below) = (least(|room| room.above), least(|room| room.below));
    match (above.is_finite(), below.is_finite()) {
        (true, true) => (above - below) / 2.0,
        // A mask with one line only would fit everything; the curve is left where it is.
        _ => 0.0,
    }
}

/// The value of a broken line at `x`: straight in dB over log x. `None` outside its ends. A line that begins at 0, where
/// there is no logarithm, holds the value of its second point down to it.
pub fn line(points: &[(f64, f64)], x: f64) -> Option<f64> {
    let first = points.first()?;
    if points.len() == 1 {
        return (first.0 == x).then_some(first.1);
    }
    let pair = points.windows(2).find(|pair| pair[0].0 <= x && x <= pair[1].0)?;
    let ((x0, v0), (x1, v1)) = (pair[0], pair[1]);
    if x1 == x0 || x0 <= 0.0 {
        return Some(v1);
    }
    Some(v0 + (v1 - v0) * (x / x0).ln() / (x1 / x0).ln())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Limit, Rule, judge};
    use crate::terms::{ClauseRef, LimitClass};
    use crate::units::Unit;

    fn limit(mask: Mask) -> Limit {
        Limit {
            id: "test/loss".to_owned(),
            measurand: "loss".to_owned(),
            rule: Rule::Mask(mask),
            unit: Unit::Db,
            clause: ClauseRef {
                recommendation: "P.1110".to_owned(),
                edition: "10/2025".to_owned(),
                clause: "11.11.4".to_owned(),
            },
            class: LimitClass::A,
            source: String::new(),
            two_readings: false,
            origins: Vec::new(),
        }
    }

    /// 6 dB until 200 ms, then a straight line over log t to 40 dB at 1.2 s, held to 5 s.
    fn convergence() -> Mask {
        let lower = vec![(0.0, 6.0), (0.2, 6.0), (1.2, 40.0), (5.0, 40.0)];
        Mask { axis: Axis::Time, lower, ..Mask::default() }
    }

    #[test]
    fn a_mask_over_time_asks_a_series_and_no_curve() {
        let times = vec![0.1, 0.4, 1.0, 2.0, 4.9];
        // traps.md 7: a straight line in log time asks for 36.5 dB at 1 s.
        assert!((line(&convergence().lower, 1.0).unwrap() - 36.54).abs() < 0.01);
        assert_eq!(line(&convergence().lower, 0.0), Some(6.0));
        assert_eq!(line(&convergence().lower, 0.05), Some(6.0));
        let judged = |values: Vec<f64>| {
            judge(&Finding::series("loss", times.clone(), values, Unit::Db), &limit(convergence()))
        };
        let good = judged(vec![7.0, 20.0, 37.0, 41.0, 41.0]);
        assert_eq!((good.verdict, good.at), (Verdict::Pass, Some(At::Second(1.0))));
        let slow = judged(vec![7.0, 20.0, 36.0, 41.0, 41.0]);
        assert_eq!((slow.verdict, slow.at), (Verdict::Fail, Some(At::Second(1.0))));
        let curve = Finding::curve("loss", times.clone(), vec![50.0; 5], Unit::Db);
        assert_eq!(judge(&curve, &limit(convergence())).verdict, Verdict::Inconclusive);
        let series = Finding::series("loss", vec![100.0], vec![50.0], Unit::Db);
        let over_hz = Mask { lower: vec![(50.0, 6.0), (500.0, 6.0)], ..Mask::default() };
        assert_eq!(judge(&series, &limit(over_hz)).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn a_series_that_ends_early_cannot_pass() {
        let judged = |times: Vec<f64>| {
            let values = vec![50.0; times.len()];
            judge(&Finding::series("loss", times, values, Unit::Db), &limit(convergence()))
        };
        // It may begin late: the line begins at 0.
        assert_eq!(judged(vec![0.3, 1.0, 4.0]).verdict, Verdict::Pass);
        let short = judged(vec![0.3, 1.0, 2.0]);
        assert_eq!(short.verdict, Verdict::Inconclusive);
        assert!(short.reason.contains("from 2.000 to 5.000 s"), "{}", short.reason);
    }

    #[test]
    fn a_point_that_is_known_fails_whatever_noise_hides_beside_it() {
        let judged = |values: [f64; 3], limited: &[usize]| {
            let mut one = Finding::series("loss", vec![0.3, 1.0, 4.0], values.to_vec(), Unit::Db);
            one.bound = Bound::AtLeast;
            one.limited = limited.to_vec();
            one.flags.push(Flag::NoiseLimited);
            judge(&one, &limit(convergence()))
        };
        assert_eq!(judged([20.0, 50.0, 50.0], &[1]).verdict, Verdict::Pass);
        // The bound does not reach the line: open. The known point does not: fail, and the margin is its own.
        assert_eq!(judged([20.0, 30.0, 50.0], &[1]).verdict, Verdict::Inconclusive);
        let fails = judged([20.0, 10.0, 39.0], &[1]);
        assert_eq!((fails.verdict, fails.at), (Verdict::Fail, Some(At::Second(4.0))));
        assert!((fails.margin.unwrap().value + 1.0).abs() < 1e-12);
        // Without a list all points are bounds.
        assert_eq!(judged([20.0, 10.0, 39.0], &[]).verdict, Verdict::Inconclusive);
    }
}
