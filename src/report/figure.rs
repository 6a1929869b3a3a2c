//! From a finding with its judgement to the plot that shows it.

use super::plot::{Across, Edge, Mark, Plot, Side, Trace};
use super::summary::Result;
use super::wording;
use crate::finding::Value;
use crate::limits::{Axis, Mask, Rule};
use crate::verdict::Verdict;

/// The plot of a curve or series against its limit; `None` for a number or an empty curve.
///
/// A floating mask is drawn where it was judged: the values of the curve stay the measured ones.
pub fn plot(result: &Result<'_>) -> Option<Plot> {
    let finding = result.measured()?;
    let (across, xs, ys) = match &finding.value {
        Value::Scalar(_) => return None,
        Value::Curve(curve) => (Across::Frequency, &curve.hz, &curve.values),
        Value::Series(series) => (Across::Time, &series.seconds, &series.values),
    };
    let points: Vec<(f64, f64)> = xs.iter().copied().zip(ys.iter().copied()).collect();
    if points.is_empty() {
        return None;
    }
    let shift = result.judgement.and_then(|judgement| judgement.shift).unwrap_or(0.0);
    let edges = match result.limit.map(|limit| &limit.rule) {
        Some(Rule::Mask(mask)) if (across == Across::Frequency) == (mask.axis == Axis::Frequency) => {
            mask_edges(mask, shift)
        }
        Some(Rule::Range { min, max }) => range_edges(&points, *min, *max),
        _ => Vec::new(),
    };
    let over = if across == Across::Frequency { "frequency" } else { "time" };
    Some(Plot {
        title: format!("{} in {} over {over}", finding.measurand, finding.unit),
        across,
        unit: finding.unit.symbol(),
        mark: mark(result, &points),
        traces: vec![Trace { name: finding.measurand.clone(), points }],
        edges,
        bands: Vec::new(),
    })
}

fn mask_edges(mask: &Mask, shift: f64) -> Vec<Edge> {
    let name = if mask.floating { "floating mask" } else { "mask" };
    [(Side::Above, &mask.upper), (Side::Below, &mask.lower)]
        .into_iter()
        .filter(|(_, points)| !points.is_empty())
        .map(|(forbidden, points)| Edge {
            name: name.to_owned(),
            forbidden,
            points: points.iter().map(|(hz, value)| (*hz, value - shift)).collect(),
        })
        .collect()
}

fn range_edges(points: &[(f64, f64)], min: Option<f64>, max: Option<f64>) -> Vec<Edge> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    [(Side::Above, max), (Side::Below, min)]
        .into_iter()
        .filter_map(|(forbidden, value)| {
            let value = value?;
            let points = vec![(first.0, value), (last.0, value)];
            Some(Edge { name: "limit".to_owned(), forbidden, points })
        })
        .collect()
}

/// The point of the smallest margin.
fn mark(result: &Result<'_>, points: &[(f64, f64)]) -> Option<Mark> {
    let judgement = result.judgement?;
    let (place, margin) = (judgement.at?, judgement.margin?);
    let at = place.value();
    let distance = |point: &&(f64, f64)| (point.0 - at).abs();
    let point = points
        .iter()
        .filter(|point| point.0.is_finite())
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let side = if judgement.verdict == Verdict::Fail { "outside" } else { "inside" };
    let distance = wording::quantity(margin.value.abs(), margin.unit);
    Some(Mark { at: point.0, value: point.1, label: format!("{distance} {side} at {}", wording::at(place)) })
}
