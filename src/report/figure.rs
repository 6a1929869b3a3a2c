//! From findings with their judgements to the pictures that show them.
//!
//! A number that was read from a curve or series ([`Reading`]) is drawn into the picture of that, with the limit that it is held
//! against: a line across for a level or loss, a line upward for a time, bands for classes.

use super::plot::{Across, Edge, Level, Mark, Moment, Plot, Side, Trace, Zone};
use super::summary::Result;
use super::wording;
use crate::finding::{Along, Bound, Finding, Reading, Value};
use crate::limits::{Axis, Better, Classes, Limit, Mask, Rule};
use crate::units::Unit;
use crate::verdict::Verdict;

/// A time shorter than this part of a picture is drawn in one of its own.
const VISIBLE_PART: f64 = 0.08;
/// What such a picture shows before and after the longer of the time and its limit, as a multiple of it.
const BEFORE: f64 = 0.6;
const AFTER: f64 = 3.2;
/// A step in time of so many times the usual one is a gap.
const GAP: f64 = 4.5;

/// A picture with what it shows.
#[derive(Debug)]
pub struct Figure<'a> {
    /// The picture.
    pub plot: Plot,
    /// The curves and series in it; the first is the one in question.
    pub shows: Vec<&'a Result<'a>>,
    /// The numbers in it that were read from that one.
    pub numbers: Vec<&'a Result<'a>>,
}

/// Every picture of an entry, in the order of its findings. Levels in one unit share a picture.
pub fn figures<'a>(results: &'a [Result<'a>]) -> Vec<Figure<'a>> {
    let mut figures: Vec<Figure<'a>> = Vec::new();
    for result in results {
        let Some(finding) = result.measured().filter(|one| one.as_scalar().is_none()) else { continue };
        if let Some(same) =
            figures.iter_mut().find(|figure| figure.shows[0].measurand() == result.measurand())
        {
            // Held against another limit.
            same.plot.edges.extend(own_edges(result, &points(finding)));
            continue;
        }
        let numbers = read_from(result, results);
        let joins = figures.iter_mut().find(|figure| {
            let lead = figure.shows[0].measured();
            lead.is_some_and(|lead| may_join(lead, finding)) && result.limit.is_none() && numbers.is_empty()
        });
        if let Some(figure) = joins {
            figure.plot.traces.push(trace(finding));
            figure.shows.push(result);
            continue;
        }
        let Some(plot) = plot(result, results) else { continue };
        let details: Vec<Figure<'a>> = numbers.iter().filter_map(|number| detail(result, number)).collect();
        let is_apart =
            |one: &&Result<'_>| details.iter().any(|figure| figure.numbers[0].measurand() == one.measurand());
        let numbers = numbers.into_iter().filter(|one| !is_apart(one)).collect();
        figures.push(Figure { plot, shows: vec![result], numbers });
        figures.extend(details);
    }
    for figure in figures.iter_mut().filter(|figure| figure.shows.len() > 1) {
        let names: Vec<&str> = figure.shows.iter().map(|one| one.measurand()).collect();
        figure.plot.title = format!("{} in {} over time", names.join(", "), figure.plot.unit);
    }
    figures
}

/// The plot of a curve or series against its limit, and with the numbers that were read from it; `None` for a number or an
/// empty curve.
///
/// A floating mask is drawn where it was judged: the values of the curve stay the measured ones.
pub fn plot(result: &Result<'_>, results: &[Result<'_>]) -> Option<Plot> {
    let finding = result.measured()?;
    let points = points(finding);
    if points.is_empty() {
        return None;
    }
    let across = across(finding)?;
    let over = if across == Across::Frequency { "frequency" } else { "time" };
    let mut plot = Plot {
        title: format!("{} in {} over {over}", finding.measurand, finding.unit),
        across,
        unit: finding.unit.symbol().to_owned(),
        marks: mark(result, &points).into_iter().collect(),
        traces: vec![trace(finding)],
        edges: own_edges(result, &points),
        zones: Vec::new(),
        levels: Vec::new(),
        moments: Vec::new(),
    };
    for number in read_from(result, results) {
        draw_number(&mut plot, number, ends(&points));
    }
    merge(&mut plot.edges);
    Some(plot)
}

fn across(finding: &Finding) -> Option<Across> {
    match &finding.value {
        Value::Scalar(_) => None,
        Value::Curve(_) => Some(Across::Frequency),
        Value::Series(_) => Some(Across::Time),
    }
}

fn points(finding: &Finding) -> Vec<(f64, f64)> {
    let (xs, ys) = match &finding.value {
        Value::Scalar(_) => return Vec::new(),
        Value::Curve(curve) => (&curve.hz, &curve.values),
        Value::Series(series) => (&series.seconds, &series.values),
    };
    xs.iter().copied().zip(ys.iter().copied()).collect()
}

/// The first and the last place that is a number.
fn ends(points: &[(f64, f64)]) -> (f64, f64) {
    let mut finite = points.iter().map(|point| point.0).filter(|x| x.is_finite());
    let first = finite.next().unwrap_or(0.0);
    (first, finite.next_back().unwrap_or(first))
}

/// A line that is broken where a series leaves time out.
fn trace(finding: &Finding) -> Trace {
    let points = points(finding);
    let mut steps: Vec<f64> = points.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    steps.sort_by(f64::total_cmp);
    let is_series = matches!(finding.value, Value::Series(_));
    let gap = steps.get(steps.len() / 2).filter(|_| is_series).map_or(f64::INFINITY, |step| GAP * step);
    let bound = match finding.bound {
        Bound::AtLeast => "at least",
        Bound::AtMost => "at most",
        Bound::Exact | Bound::Between(_) => "not known exactly",
    };
    let mut trace = Trace { name: finding.measurand.clone(), bound, ..Trace::default() };
    let mut last = f64::NAN;
    for (n, point) in points.into_iter().enumerate() {
        if point.0 - last > gap {
            trace.points.push((point.0, f64::NAN));
            trace.limited.push(false);
        }
        last = point.0;
        trace.points.push(point);
        trace.limited.push(finding.is_bound_at(n));
    }
    if !trace.limited.contains(&true) {
        trace.limited.clear();
    }
    trace
}

/// The numbers with a limit that were read from a curve or series.
fn read_from<'a>(result: &Result<'_>, results: &'a [Result<'a>]) -> Vec<&'a Result<'a>> {
    let is_of = |one: &&Result<'_>| {
        let reading = one.measured().and_then(|finding| finding.read_from.as_ref());
        reading.is_some_and(|reading| reading.measurand == result.measurand()) && one.limit.is_some()
    };
    results.iter().filter(is_of).collect()
}

/// Whether a series belongs into the picture of another one: both are levels in one unit.
fn may_join(lead: &Finding, other: &Finding) -> bool {
    let series = |one: &Finding| matches!(one.value, Value::Series(_));
    series(lead) && series(other) && lead.unit == other.unit && lead.unit != Unit::Db
}

/// The limits of the curve or series itself.
fn own_edges(result: &Result<'_>, points: &[(f64, f64)]) -> Vec<Edge> {
    let (Some(limit), Some(across)) = (result.limit, result.measured().and_then(across)) else {
        return Vec::new();
    };
    let shift = result.judgement.and_then(|judgement| judgement.shift).unwrap_or(0.0);
    match &limit.rule {
        Rule::Mask(mask) if (across == Across::Frequency) == (mask.axis == Axis::Frequency) => {
            mask_edges(mask, shift)
        }
        Rule::Range { .. } => {
            range_edges(limit, &Reading::of(result.measurand()), &limit.measurand, ends(points))
        }
        _ => Vec::new(),
    }
}

fn mask_edges(mask: &Mask, shift: f64) -> Vec<Edge> {
    let name = if mask.floating { "floating mask" } else { "mask" };
    [(Side::Above, &mask.upper), (Side::Below, &mask.lower)]
        .into_iter()
        .filter(|(_, points)| !points.is_empty())
        .map(|(forbidden, points)| Edge {
            name: name.to_owned(),
            label: String::new(),
            forbidden,
            points: points.iter().map(|(hz, value)| (*hz, value - shift)).collect(),
        })
        .collect()
}

/// The largest and the smallest good number of a limit.
fn good_ends(limit: &Limit) -> [(bool, Option<f64>); 2] {
    match &limit.rule {
        Rule::Range { min, max } => [(true, *max), (false, *min)],
        Rule::Classes(table) => {
            let step = table.required.as_ref().and_then(|name| table.steps.get(table.rank(name)?));
            let edge = step.and_then(|step| step.edge);
            if table.better == Better::Smaller {
                [(true, edge), (false, None)]
            } else {
                [(true, None), (false, edge)]
            }
        }
        Rule::Mask(_) | Rule::Unknown => [(true, None), (false, None)],
    }
}

/// What a limit asks for at one of its ends, with its source.
fn told(limit: &Limit, measurand: &str, is_max: bool, value: f64) -> String {
    let sign = if is_max { "≤" } else { "≥" };
    let class = match &limit.rule {
        Rule::Classes(table) => {
            table.required.as_ref().map_or(String::new(), |name| format!(" (class {name})"))
        }
        _ => String::new(),
    };
    format!(
        "{measurand} {sign} {}\u{a0}{}{class}, {} {}, class {}",
        wording::plain(value),
        limit.unit,
        limit.clause.recommendation,
        limit.clause.clause,
        limit.class.word()
    )
}

/// The ends of a range as lines across; a number that is counted downward has its largest value below.
fn range_edges(limit: &Limit, reading: &Reading, measurand: &str, (first, last): (f64, f64)) -> Vec<Edge> {
    let ends = good_ends(limit).into_iter().filter_map(|(is_max, value)| Some((is_max, value?)));
    ends.map(|(is_max, value)| {
        let is_upper = is_max == (reading.one >= 0.0);
        let place = reading.place(value);
        Edge {
            name: "limit".to_owned(),
            label: told(limit, measurand, is_max, value),
            forbidden: if is_upper { Side::Above } else { Side::Below },
            points: vec![(first, place), (last, place)],
        }
    })
    .collect()
}

/// Draws a number that was read from the plot, and what it is held against.
fn draw_number(plot: &mut Plot, number: &Result<'_>, ends: (f64, f64)) {
    let (Some(finding), Some(limit)) = (number.measured(), number.limit) else { return };
    let (Some(value), Some(reading)) = (finding.as_scalar(), &finding.read_from) else { return };
    if reading.along == Along::Places {
        if is_visible(finding, limit, reading, ends) {
            // A series that begins with it needs no onset.
            plot.moments.extend(moments(number, reading.zero <= ends.0));
        }
        return;
    }
    if let Rule::Classes(table) = &limit.rule
        && plot.zones.is_empty()
    {
        plot.zones = zones(table, reading);
    }
    plot.edges.extend(range_edges(limit, reading, number.measurand(), ends));
    let label = format!("{} {}", number.measurand(), shown(number));
    match reading.at {
        Some(at) => plot.marks.push(Mark { at, value: reading.place(value), label }),
        None => plot.levels.push(Level { value: reading.place(value), label }),
    }
}

/// The value of a number, as the table of the entry has it.
fn shown(number: &Result<'_>) -> String {
    let margin = number.judgement.and_then(|judgement| judgement.margin);
    number.measured().map_or(String::new(), |finding| wording::value(finding, margin))
}

/// The classes of a table as parts of the axis, the best one first.
fn zones(table: &Classes, reading: &Reading) -> Vec<Zone> {
    let worst = if table.better == Better::Smaller { f64::INFINITY } else { f64::NEG_INFINITY };
    let mut begin = -worst;
    let zone = |step: &crate::limits::Step| {
        let end = step.edge.unwrap_or(worst);
        let (from, to) = (reading.place(begin), reading.place(end));
        begin = end;
        Zone { name: step.name.clone(), low: from.min(to), high: from.max(to) }
    };
    table.steps.iter().map(zone).collect()
}

/// One line for limits that are equal.
fn merge(edges: &mut Vec<Edge>) {
    let mut merged: Vec<Edge> = Vec::new();
    for edge in edges.drain(..) {
        let same = merged.iter_mut().find(|one| {
            one.points == edge.points && one.forbidden == edge.forbidden && !one.label.is_empty()
        });
        match same {
            Some(one) => one.label = joined(&one.label, &edge.label),
            None => merged.push(edge),
        }
    }
    *edges = merged;
}

/// Two labels that differ in their measurand alone say it once.
fn joined(one: &str, other: &str) -> String {
    let split = |text: &str| text.split_once(' ').map(|(name, rest)| (name.to_owned(), rest.to_owned()));
    match (split(one), split(other)) {
        (Some((first, rest)), Some((second, same))) if rest == same => format!("{first}, {second} {rest}"),
        _ => format!("{one}; {other}"),
    }
}

/// The longest of a time and its limits, in units of the axis.
fn longest(finding: &Finding, limit: &Limit, reading: &Reading) -> f64 {
    let ends = good_ends(limit).into_iter().filter_map(|(_, value)| value);
    let all = ends.chain(finding.as_scalar()).map(|number| (number * reading.one).abs());
    all.filter(|length| length.is_finite()).fold(0.0, f64::max)
}

/// Whether a time can be seen in the picture of the whole series.
fn is_visible(finding: &Finding, limit: &Limit, reading: &Reading, ends: (f64, f64)) -> bool {
    longest(finding, limit, reading) > VISIBLE_PART * (ends.1 - ends.0)
}

/// The moments of a time: when it began, when it was over, when it must be.
fn moments(number: &Result<'_>, begins_at_zero: bool) -> Vec<Moment> {
    let (Some(finding), Some(limit)) = (number.measured(), number.limit) else { return Vec::new() };
    let (Some(value), Some(reading)) = (finding.as_scalar(), &finding.read_from) else { return Vec::new() };
    let moment = |at: f64, label: String, is_limit: bool| Moment { at, label, is_limit };
    let mut moments = Vec::new();
    if !begins_at_zero {
        moments.push(moment(reading.zero, "onset".to_owned(), false));
    }
    moments.push(moment(reading.place(value), format!("{} {}", number.measurand(), shown(number)), false));
    for (is_max, end) in good_ends(limit) {
        moments.extend(
            end.map(|end| moment(reading.place(end), told(limit, number.measurand(), is_max, end), is_max)),
        );
    }
    moments
}

/// The picture of a time too short for that of the whole series.
fn detail<'a>(result: &'a Result<'a>, number: &'a Result<'a>) -> Option<Figure<'a>> {
    let (finding, limit) = (number.measured()?, number.limit?);
    let reading = finding.read_from.as_ref().filter(|reading| reading.along == Along::Places)?;
    let shown = result.measured()?;
    let ends = ends(&points(shown));
    if is_visible(finding, limit, reading, ends) {
        return None;
    }
    let length = longest(finding, limit, reading);
    let window = reading.zero - BEFORE * length..reading.zero + (1.0 + AFTER) * length;
    let mut line = trace(shown);
    let is_within: Vec<bool> = line.points.iter().map(|point| window.contains(&point.0)).collect();
    let mut within = is_within.iter().copied();
    line.points.retain(|_| within.next().unwrap_or(false));
    let mut within = is_within.iter().copied();
    line.limited.retain(|_| within.next().unwrap_or(false));
    if line.points.is_empty() {
        return None;
    }
    let plot = Plot {
        title: format!("{} in {} over time, around its onset", shown.measurand, shown.unit),
        across: Across::Time,
        unit: shown.unit.symbol().to_owned(),
        traces: vec![line],
        edges: Vec::new(),
        zones: Vec::new(),
        levels: Vec::new(),
        moments: moments(number, false),
        marks: Vec::new(),
    };
    Some(Figure { plot, shows: vec![result], numbers: vec![number] })
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
    // A bound may lie outside where nobody knows whether the truth does.
    let side = match judgement.verdict {
        Verdict::Fail => "outside",
        _ if margin.value < 0.0 => "outside, as a bound,",
        _ => "inside",
    };
    let distance = wording::quantity(margin.value.abs(), margin.unit);
    Some(Mark { at: point.0, value: point.1, label: format!("{distance} {side} at {}", wording::at(place)) })
}
