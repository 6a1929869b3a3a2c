//! Curves and series against their limits as SVG: crisp at every size, readable without color.
//!
//! A [`Plot`] knows nothing of findings; [`panels`] draws the takes of a method the same way. Colors come from the classes of
//! the document's style sheet (`report/style.css`); every kind of line has a pattern of its own beside its color.

mod labels;
pub mod panels;
pub mod path;
pub mod png;
pub mod scale;
pub mod signal;

use std::fmt::Write as _;

use self::labels::Labels;
use self::path::unit;
pub use self::scale::Across;
use self::scale::{Scale, Tick, drawable, range_of};
use super::markup::Markup;
use super::wording;

/// The width of the picture in its own units.
pub const WIDTH: f64 = 760.0;
/// The height of the picture in its own units, with a legend of one line.
pub const HEIGHT: f64 = 330.0;

const LEFT: f64 = 52.0;
const RIGHT: f64 = 748.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 296.0;
/// The mean advance of a letter in the legend.
const LETTER: f64 = 6.2;
/// The distance of lines of the legend.
const LEGEND_LINE: f64 = 17.0;
/// The most decibels below the highest value that are shown.
const SPAN_MAX_DB: f64 = 120.0;
/// The least decibels that are shown.
const SPAN_MIN_DB: f64 = 2.0;
/// How many traces have a look of their own.
const LOOKS: usize = 4;
/// A line of no more points shows each of them.
const DOTTED_MAX: usize = 64;
/// A band of a class that is lower than this has no name in the picture.
const ZONE_NAMED: f64 = 11.0;

/// What was measured, as a line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// What the legend calls it.
    pub name: String,
    /// Hertz or seconds, and values.
    pub points: Vec<(f64, f64)>,
    /// For each point whether only a bound is known of it; empty: all points are known.
    pub limited: Vec<bool>,
    /// What a bound is, for the legend: `at least`.
    pub bound: &'static str,
}

/// Which side of a limit line is forbidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Values above the line are outside the limit.
    Above,
    /// Values below the line are outside the limit.
    Below,
}

/// A limit as a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// What the legend calls it.
    pub name: String,
    /// What is written beside it: its value and where that comes from; empty for a mask, which has many.
    pub label: String,
    /// Which side is forbidden.
    pub forbidden: Side,
    /// Break-points, rising; straight in between on the axes of the plot.
    pub points: Vec<(f64, f64)>,
}

/// A named part of the horizontal axis, as an analysed span or a burst of speech.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// What is written at its top.
    pub name: String,
    /// From.
    pub from: f64,
    /// To.
    pub to: f64,
}

/// A named part of the vertical axis: a class of a table. Its ends may be infinite.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// The name of the class.
    pub name: String,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A number that was read from the lines as a whole, as a line across.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Where.
    pub value: f64,
    /// What is written beside it.
    pub label: String,
}

/// A time or frequency that matters, as a line upward.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// Where.
    pub at: f64,
    /// What is written beside it.
    pub label: String,
    /// Whether it is a limit: what lies after it is outside.
    pub is_limit: bool,
}

/// A point that decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Hertz or seconds.
    pub at: f64,
    /// The value.
    pub value: f64,
    /// What is written beside it.
    pub label: String,
}

/// A picture of lines over one axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// What it shows, for readers who cannot see it.
    pub title: String,
    /// What runs along the horizontal axis.
    pub across: Across,
    /// The unit of the values.
    pub unit: String,
    /// The lines; the first is the one in question.
    pub traces: Vec<Trace>,
    /// The limits.
    pub edges: Vec<Edge>,
    /// The classes that a number read from the lines may reach.
    pub zones: Vec<Zone>,
    /// Numbers that were read from the lines as a whole.
    pub levels: Vec<Level>,
    /// Moments that matter.
    pub moments: Vec<Moment>,
    /// The points that decided.
    pub marks: Vec<Mark>,
}

/// What the legend explains.
enum Key {
    Trace(usize, String),
    Bound(usize, String),
    Edge(String),
}

impl Plot {
    /// The picture. Coordinates are finite whatever the values are.
    pub fn svg(&self) -> Markup {
        let (across, up) = self.scales();
        let legend = self.legend();
        let more = legend.last().map_or(0, |last| last.2) as f64 * LEGEND_LINE;
        let mut out = Markup::new();
        out.raw("<svg class=\"plot\" viewBox=\"0 ").text(unit(-more)).raw(" ").text(WIDTH).raw(" ");
        out.text(HEIGHT + more).raw("\" role=\"img\" aria-label=\"").text(&self.title).raw("\">");
        out.element("<title>", &self.title, "</title>").element("<desc>", self.told(), "</desc>");
        self.grid(&mut out, &across, &up);
        // A nested picture clips what lies outside the axes.
        out.raw("<svg x=\"").text(unit(LEFT)).raw("\" y=\"").text(unit(TOP));
        out.raw("\" width=\"").text(unit(RIGHT - LEFT)).raw("\" height=\"").text(unit(BOTTOM - TOP));
        out.raw("\" viewBox=\"").text(unit(LEFT)).raw(" ").text(unit(TOP)).raw(" ");
        out.text(unit(RIGHT - LEFT)).raw(" ").text(unit(BOTTOM - TOP)).raw("\">");
        self.draw_zones(&mut out, &up);
        for edge in &self.edges {
            draw_edge(&mut out, edge, &across, &up);
        }
        // The first trace is drawn last: it lies on top.
        for (look, trace) in self.traces.iter().enumerate().rev() {
            draw_trace(&mut out, look % LOOKS, trace, &across, &up);
        }
        self.draw_lines(&mut out, &across, &up);
        out.raw("</svg>");
        out.raw("<rect class=\"frame\" ");
        rectangle(&mut out, LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP);
        out.raw("/>");
        self.draw_labels(&mut out, &across, &up);
        draw_legend(&mut out, &legend);
        out.raw("</svg>");
        out
    }

    /// What the picture shows, in words.
    fn told(&self) -> String {
        let mut text = String::new();
        for trace in &self.traces {
            let values = || trace.points.iter().map(|point| point.1).filter(|value| drawable(*value));
            let (low, high) =
                (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
            let number = |value: f64| wording::number(value, 1);
            let _ = write!(text, "{}: from {} to {} {}. ", trace.name, number(low), number(high), self.unit);
            let count = trace.limited.iter().filter(|one| **one).count();
            if count > 0 {
                let _ = write!(text, "{} at {count} of {} points. ", trace.bound, trace.points.len());
            }
        }
        if !self.zones.is_empty() {
            let names: Vec<&str> = self.zones.iter().map(|zone| zone.name.as_str()).collect();
            let _ = write!(text, "Classes {}. ", names.join(", "));
        }
        let edges =
            self.edges.iter().map(|edge| if edge.label.is_empty() { &edge.name } else { &edge.label });
        let labels = edges.chain(self.levels.iter().map(|one| &one.label));
        let labels = labels.chain(self.moments.iter().map(|one| &one.label));
        for label in labels.chain(self.marks.iter().map(|one| &one.label)) {
            let _ = write!(text, "{label}. ");
        }
        text.trim_end().to_owned()
    }

    /// What is shown of both axes, and where: everything that can be drawn, of decibels the upper 120.
    pub fn scales(&self) -> (Scale, Scale) {
        let lines = || {
            let traces = self.traces.iter().map(|trace| &trace.points);
            traces.chain(self.edges.iter().map(|edge| &edge.points))
        };
        let good = |(x, y): &&(f64, f64)| drawable(*x) && drawable(*y);
        let logarithmic = self.across == Across::Frequency;
        let moments = self.moments.iter().map(|moment| moment.at).filter(|at| drawable(*at));
        let xs = lines().flatten().filter(good).map(|(x, _)| *x).chain(moments);
        let xs = xs.filter(|x| !logarithmic || *x > 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for x in xs {
            low = if x < low { x } else { low };
            high = if x > high { x } else { high };
        }
        if low > high {
            (low, high) = if logarithmic { (100.0, 8_000.0) } else { (0.0, 1.0) };
        }
        if logarithmic {
            (low, high) = (low / 1.06, high * 1.06);
        } else if low > 0.0 && low < 0.05 * high {
            low = 0.0;
        }
        let across = Scale::new(logarithmic, low, high, LEFT, RIGHT);
        let span_max = if self.unit.starts_with("dB") { SPAN_MAX_DB } else { f64::INFINITY };
        let beside = self.marks.iter().map(|mark| mark.value).chain(self.levels.iter().map(|one| one.value));
        let classes = self.zones.iter().flat_map(|zone| [zone.low, zone.high]);
        let ys = lines().flatten().filter(good).map(|(_, y)| *y).chain(beside).chain(classes);
        let (low, high) = self.range_of_classes().unwrap_or_else(|| range_of(ys, span_max));
        // Hundredths of a decibel must not look like a course.
        let is_flat = span_max.is_finite() && high - low < SPAN_MIN_DB;
        let (low, high) = if is_flat {
            let middle = f64::midpoint(low, high).round();
            (middle - SPAN_MIN_DB / 2.0, middle + SPAN_MIN_DB / 2.0)
        } else {
            (low, high)
        };
        (across, Scale::new(false, low, high, BOTTOM, TOP))
    }

    /// Against time, where moments scatter by tens of decibels, what the classes of a number tell apart is shown.
    fn range_of_classes(&self) -> Option<(f64, f64)> {
        let edges =
            || self.zones.iter().flat_map(|zone| [zone.low, zone.high]).filter(|edge| drawable(*edge));
        let (low, high) = (edges().fold(f64::INFINITY, f64::min), edges().fold(f64::NEG_INFINITY, f64::max));
        let room = high - low;
        let is_shown = self.across == Across::Time && room > 0.0;
        let beside = self.marks.iter().map(|mark| mark.value).chain(self.levels.iter().map(|one| one.value));
        is_shown.then(|| range_of([low - room, high + room].into_iter().chain(beside), SPAN_MAX_DB))
    }

    fn grid(&self, out: &mut Markup, across: &Scale, up: &Scale) {
        let vertical = across.ticks(Some(self.across));
        let horizontal = up.ticks(None);
        let mut minor = String::new();
        let mut major = String::new();
        for Tick { value, label } in &vertical {
            let lines = if label.is_some() { &mut major } else { &mut minor };
            if let Some(x) = across.place(*value) {
                let _ = write!(lines, "M{} {}V{}", unit(x), unit(TOP), unit(BOTTOM));
            }
        }
        for Tick { value, .. } in &horizontal {
            if let Some(y) = up.place(*value) {
                let _ = write!(major, "M{} {}H{}", unit(LEFT), unit(y), unit(RIGHT));
            }
        }
        out.element("<path class=\"grid minor\" d=\"", minor, "\"/>");
        out.element("<path class=\"grid\" d=\"", major, "\"/>");
        for Tick { value, label } in &vertical {
            // A label too near to the right end would collide with the unit of the axis.
            let place = across.place(*value).filter(|x| *x < RIGHT - 34.0);
            if let (Some(x), Some(label)) = (place, label) {
                words(out, "tick", x, BOTTOM + 18.0, "middle", label);
            }
        }
        for Tick { value, label } in &horizontal {
            if let (Some(y), Some(label)) = (up.place(*value), label) {
                words(out, "tick", LEFT - 8.0, y + 4.0, "end", label);
            }
        }
        let name = if self.across == Across::Frequency { "f / Hz" } else { "t / s" };
        words(out, "axis", RIGHT, BOTTOM + 18.0, "end", name);
        words(out, "axis", 0.0, TOP - 14.0, "start", &self.unit);
    }

    /// The classes, every second one shaded, with their edges.
    fn draw_zones(&self, out: &mut Markup, up: &Scale) {
        for (n, zone) in self.zones.iter().enumerate() {
            let Some((top, bottom)) = zone_ends(zone, up) else { continue };
            out.raw("<rect class=\"zone").text(n % 2).raw("\" ");
            rectangle(out, LEFT, top, RIGHT - LEFT, bottom - top);
            out.raw("/>");
            for (end, y) in [(zone.low, bottom), (zone.high, top)] {
                if end.is_finite() {
                    out.element("<path class=\"step\" d=\"", across_at(y), "\"/>");
                }
            }
        }
    }

    /// Numbers across, moments upward.
    fn draw_lines(&self, out: &mut Markup, across: &Scale, up: &Scale) {
        for y in self.levels.iter().filter_map(|level| up.place(level.value)) {
            out.element("<path class=\"level\" d=\"", across_at(y), "\"/>");
        }
        for moment in &self.moments {
            let Some(x) = across.place(moment.at) else { continue };
            let line = vec![vec![(x, BOTTOM), (x, TOP)]];
            if moment.is_limit {
                out.element("<path class=\"hatch\" d=\"", path::hatch_right(x, TOP, BOTTOM), "\"/>");
                out.element("<path class=\"edge\" d=\"", path::data(&line), "\"/>");
            } else {
                out.element("<path class=\"moment\" d=\"", path::data(&line), "\"/>");
            }
        }
    }

    /// Everything that is written into the picture, none of it over another.
    fn draw_labels(&self, out: &mut Markup, across: &Scale, up: &Scale) {
        let mut labels = Labels::new(LEFT + 4.0, RIGHT - 4.0, TOP + 2.0, BOTTOM - 2.0);
        for zone in &self.zones {
            let Some((top, bottom)) = zone_ends(zone, up) else { continue };
            // Beside the picture, where no line crosses them.
            if bottom - top >= ZONE_NAMED {
                words(out, "named", RIGHT + 4.0, f64::midpoint(top, bottom) + 4.0, "start", &zone.name);
            }
        }
        if !self.zones.is_empty() {
            words(out, "named", RIGHT + 12.0, TOP - 5.0, "end", "class");
        }
        for mark in &self.marks {
            let (Some(x), Some(y)) = (across.place(mark.at), up.place(mark.value)) else { continue };
            if !(LEFT - 1.0..=RIGHT + 1.0).contains(&x) || !(TOP - 1.0..=BOTTOM + 1.0).contains(&y) {
                continue;
            }
            out.raw("<circle class=\"mark\" cx=\"").text(unit(x)).raw("\" cy=\"").text(unit(y));
            out.raw("\" r=\"5\"/>");
            labels.keep_free(x - 6.0, y - 6.0, x + 6.0, y + 6.0);
            let is_right = x > f64::midpoint(LEFT, RIGHT);
            let (anchor, label_x) = if is_right { ("end", x - 10.0) } else { ("start", x + 10.0) };
            // Away from the nearer end of the picture.
            let label_y = if y < f64::midpoint(TOP, BOTTOM) { y + 20.0 } else { y - 12.0 };
            labels.write(out, "mark", label_x, label_y, anchor, &mark.label);
        }
        for (moment, y) in self.moments.iter().zip((0..).map(|n| TOP + 16.0 + 16.0 * f64::from(n))) {
            let Some(x) = across.place(moment.at) else { continue };
            let fits = x + 12.0 + Labels::width(&moment.label) < RIGHT;
            let (anchor, label_x) = if fits { ("start", x + 8.0) } else { ("end", x - 8.0) };
            let class = if moment.is_limit { "limit" } else { "mark" };
            labels.write(out, class, label_x, y, anchor, &moment.label);
        }
        for edge in self.edges.iter().filter(|edge| !edge.label.is_empty()) {
            let Some(y) = edge.points.first().and_then(|point| up.place(point.1)) else { continue };
            // On the side that is allowed; the strokes are on the other one.
            let y = if edge.forbidden == Side::Above { y + 15.0 } else { y - 6.0 };
            labels.write(out, "limit", LEFT + 8.0, y, "start", &edge.label);
        }
        for level in &self.levels {
            let Some(y) = up.place(level.value) else { continue };
            labels.write(out, "mark", RIGHT - 8.0, y - 5.0, "end", &level.label);
        }
    }

    /// What each stroke means, with its place: along the line, and which line above the picture, 0 the lowest.
    fn legend(&self) -> Vec<(Key, f64, usize)> {
        let begin = (self.unit.chars().count() as f64 * 7.0 + 12.0).max(LEFT + 8.0);
        let mut keys = Vec::new();
        for (look, trace) in self.traces.iter().enumerate() {
            let is_whole = !trace.limited.contains(&false) && !trace.limited.is_empty();
            if is_whole {
                keys.push(Key::Bound(look % LOOKS, format!("{}, {}", trace.name, trace.bound)));
                continue;
            }
            keys.push(Key::Trace(look % LOOKS, trace.name.clone()));
            if trace.limited.contains(&true) {
                keys.push(Key::Bound(look % LOOKS, trace.bound.to_owned()));
            }
        }
        keys.extend(self.edges.first().map(|edge| Key::Edge(edge.name.clone())));
        let (mut x, mut line) = (begin, 0);
        let mut placed = Vec::new();
        for key in keys {
            let width = 34.0 + key.name().chars().count() as f64 * LETTER + 18.0;
            if x + width > RIGHT + 20.0 && x > begin {
                (x, line) = (begin, line + 1);
            }
            placed.push((key, x, line));
            x += width;
        }
        // The first line stands on top.
        for one in &mut placed {
            one.2 = line - one.2;
        }
        placed.sort_by_key(|one| one.2);
        placed
    }
}

impl Key {
    fn name(&self) -> String {
        let (Self::Trace(_, name) | Self::Bound(_, name) | Self::Edge(name)) = self;
        name.chars().take(60).collect()
    }
}

/// Where a class is drawn: top and bottom, inside the picture; `None` outside.
fn zone_ends(zone: &Zone, up: &Scale) -> Option<(f64, f64)> {
    let place = |value: f64, open: f64| up.place(value).unwrap_or(open).clamp(TOP, BOTTOM);
    let (top, bottom) = (place(zone.high, TOP), place(zone.low, BOTTOM));
    (bottom > top).then_some((top, bottom))
}

fn across_at(y: f64) -> String {
    format!("M{} {}H{}", unit(LEFT), unit(y), unit(RIGHT))
}

fn draw_legend(out: &mut Markup, legend: &[(Key, f64, usize)]) {
    for (key, x, line) in legend {
        let y = TOP - 14.0 - *line as f64 * LEGEND_LINE;
        let stroke = format!("M{} {}h24", unit(*x), unit(y - 4.0));
        match key {
            Key::Trace(look, _) => {
                out.raw("<path class=\"trace t").text(look).raw("\" d=\"").text(stroke).raw("\"/>");
            }
            Key::Bound(look, _) => {
                out.raw("<path class=\"bound t").text(look).raw("\" d=\"").text(stroke).raw("\"/>");
                dot(out, "hollow", *look, (*x + 12.0, y - 4.0));
            }
            Key::Edge(_) => {
                out.element("<path class=\"edge\" d=\"", stroke, "\"/>");
                let strokes = path::hatch(&[vec![(*x, y - 4.0), (*x + 24.0, y - 4.0)]], 5.0, -5.0);
                out.element("<path class=\"hatch\" d=\"", strokes, "\"/>");
            }
        }
        words(out, "legend", *x + 30.0, y, "start", &key.name());
    }
}

/// A line with what is known of it: solid, and dotted with hollow points where only a bound is.
fn draw_trace(out: &mut Markup, look: usize, trace: &Trace, across: &Scale, up: &Scale) {
    let is_limited = |n: usize| trace.limited.get(n).copied().unwrap_or(false);
    let count = trace.points.len();
    // A piece between a known point and a bound is no more than a bound.
    let gap = (f64::NAN, f64::NAN);
    let known: Vec<(f64, f64)> =
        (0..count).map(|n| if is_limited(n) { gap } else { trace.points[n] }).collect();
    let beside = |n: usize| (n > 0 && is_limited(n - 1)) || is_limited(n + 1);
    let bound: Vec<(f64, f64)> =
        (0..count).map(|n| if is_limited(n) || beside(n) { trace.points[n] } else { gap }).collect();
    if trace.limited.contains(&true) {
        let pieces = path::pieces(&bound, across, up);
        out.raw("<path class=\"bound t").text(look).raw("\" d=\"").text(path::data(&pieces)).raw("\"/>");
    }
    let pieces = path::pieces(&known, across, up);
    if !pieces.is_empty() {
        out.raw("<path class=\"trace t").text(look).raw("\" d=\"").text(path::data(&pieces)).raw("\"/>");
    }
    if count <= DOTTED_MAX && trace.limited.contains(&true) {
        for (n, (x, y)) in trace.points.iter().enumerate() {
            if let (Some(x), Some(y)) = (across.place(*x), up.place(*y)) {
                dot(out, if is_limited(n) { "hollow" } else { "full" }, look, (x, y));
            }
        }
    }
}

fn dot(out: &mut Markup, class: &'static str, look: usize, (x, y): path::Place) {
    out.raw("<circle class=\"").raw(class).raw(" t").text(look).raw("\" cx=\"").text(unit(x));
    out.raw("\" cy=\"").text(unit(y)).raw("\" r=\"3\"/>");
}

fn draw_edge(out: &mut Markup, edge: &Edge, across: &Scale, up: &Scale) {
    let pieces = path::pieces(&edge.points, across, up);
    let (base, stroke) = match edge.forbidden {
        Side::Above => (TOP, -5.0),
        Side::Below => (BOTTOM, 5.0),
    };
    out.element("<path class=\"zone\" d=\"", path::area(&pieces, base), "\"/>");
    out.element("<path class=\"hatch\" d=\"", path::hatch(&pieces, -stroke, stroke), "\"/>");
    out.element("<path class=\"edge\" d=\"", path::data(&pieces), "\"/>");
}

fn rectangle(out: &mut Markup, x: f64, y: f64, width: f64, height: f64) {
    out.raw("x=\"").text(unit(x)).raw("\" y=\"").text(unit(y));
    out.raw("\" width=\"").text(unit(width)).raw("\" height=\"").text(unit(height)).raw("\"");
}

fn words(out: &mut Markup, class: &'static str, x: f64, y: f64, anchor: &'static str, text: &str) {
    out.raw("<text class=\"").raw(class).raw("\" x=\"").text(unit(x)).raw("\" y=\"").text(unit(y));
    out.raw("\" text-anchor=\"").raw(anchor).raw("\">").text(text).raw("</text>");
}
