//! Curves and series against their limits as SVG: crisp at every size, readable without color.
//!
//! A [`Plot`] knows nothing of findings: level against time of several signals with spans marked is
//! drawn the same way. Colors come from the classes of the document's style sheet (`report/style.css`).

use std::fmt::Write as _;

pub mod path;
pub mod png;
pub mod scale;
pub mod signal;

use self::path::unit;
pub use self::scale::Across;
use self::scale::{Scale, Tick, drawable, range_of};
use super::markup::Markup;

/// The width of the picture in its own units.
pub const WIDTH: f64 = 760.0;
/// The height of the picture in its own units.
pub const HEIGHT: f64 = 330.0;

const LEFT: f64 = 52.0;
const RIGHT: f64 = 748.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 296.0;
/// The mean advance of a letter in the legend.
const LETTER: f64 = 6.2;
/// The most decibels below the highest value that are shown.
const SPAN_MAX_DB: f64 = 120.0;
/// How many traces have a look of their own.
const LOOKS: usize = 4;

/// What was measured, as a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// What the legend calls it.
    pub name: String,
    /// Hertz or seconds, and values.
    pub points: Vec<(f64, f64)>,
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

/// The point that decided.
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
    pub unit: &'static str,
    /// The lines; the first is the one in question.
    pub traces: Vec<Trace>,
    /// The limits.
    pub edges: Vec<Edge>,
    /// Named parts of the axis.
    pub bands: Vec<Band>,
    /// The point that decided.
    pub mark: Option<Mark>,
}

impl Plot {
    /// The picture. Coordinates are finite whatever the values are.
    pub fn svg(&self) -> Markup {
        let (across, up) = self.scales();
        let mut out = Markup::new();
        out.raw("<svg class=\"plot\" viewBox=\"0 0 ").text(WIDTH).raw(" ").text(HEIGHT);
        out.raw("\" role=\"img\" aria-label=\"").text(&self.title).raw("\">");
        self.grid(&mut out, &across, &up);
        // A nested picture clips what lies outside the axes.
        out.raw("<svg x=\"").text(unit(LEFT)).raw("\" y=\"").text(unit(TOP));
        out.raw("\" width=\"").text(unit(RIGHT - LEFT)).raw("\" height=\"").text(unit(BOTTOM - TOP));
        out.raw("\" viewBox=\"").text(unit(LEFT)).raw(" ").text(unit(TOP)).raw(" ");
        out.text(unit(RIGHT - LEFT)).raw(" ").text(unit(BOTTOM - TOP)).raw("\">");
        self.draw_bands(&mut out, &across);
        for edge in &self.edges {
            draw_edge(&mut out, edge, &across, &up);
        }
        // The first trace is drawn last: it lies on top.
        for (look, trace) in self.traces.iter().enumerate().rev() {
            let pieces = path::pieces(&trace.points, &across, &up);
            out.raw("<path class=\"trace t").text(look % LOOKS).raw("\" d=\"");
            out.text(path::data(&pieces)).raw("\"/>");
        }
        out.raw("</svg>");
        out.raw("<rect class=\"frame\" ");
        rectangle(&mut out, LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP);
        out.raw("/>");
        self.draw_mark(&mut out, &across, &up);
        self.legend(&mut out);
        out.raw("</svg>");
        out
    }

    /// What is shown of both axes, and where: everything that can be drawn, of decibels the upper 120.
    pub fn scales(&self) -> (Scale, Scale) {
        let lines = || {
            let traces = self.traces.iter().map(|trace| &trace.points);
            traces.chain(self.edges.iter().map(|edge| &edge.points))
        };
        let good = |(x, y): &&(f64, f64)| drawable(*x) && drawable(*y);
        let logarithmic = self.across == Across::Frequency;
        let xs = lines().flatten().filter(good).map(|(x, _)| *x).filter(|x| !logarithmic || *x > 0.0);
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
        }
        let across = Scale::new(logarithmic, low, high, LEFT, RIGHT);
        let span_max = if self.unit.starts_with("dB") { SPAN_MAX_DB } else { f64::INFINITY };
        let mark = self.mark.iter().map(|mark| mark.value);
        let ys = lines().flatten().filter(good).map(|(_, y)| *y).chain(mark);
        let (low, high) = range_of(ys, span_max);
        (across, Scale::new(false, low, high, BOTTOM, TOP))
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
        words(out, "axis", LEFT - 8.0, TOP - 14.0, "end", self.unit);
    }

    fn draw_bands(&self, out: &mut Markup, across: &Scale) {
        for band in &self.bands {
            let (Some(from), Some(to)) = (across.place(band.from), across.place(band.to)) else {
                continue;
            };
            let (from, to) = (from.clamp(LEFT, RIGHT), to.clamp(LEFT, RIGHT));
            if to > from {
                out.raw("<rect class=\"band\" ");
                rectangle(out, from, TOP, to - from, BOTTOM - TOP);
                out.raw("/>");
                words(out, "band", f64::midpoint(from, to), TOP + 14.0, "middle", &band.name);
            }
        }
    }

    fn draw_mark(&self, out: &mut Markup, across: &Scale, up: &Scale) {
        let Some(mark) = &self.mark else { return };
        let (Some(x), Some(y)) = (across.place(mark.at), up.place(mark.value)) else { return };
        if !(LEFT - 1.0..=RIGHT + 1.0).contains(&x) || !(TOP - 1.0..=BOTTOM + 1.0).contains(&y) {
            return;
        }
        out.raw("<circle class=\"mark\" cx=\"").text(unit(x)).raw("\" cy=\"").text(unit(y));
        out.raw("\" r=\"5\"/>");
        let (anchor, label_x) =
            if x > f64::midpoint(LEFT, RIGHT) { ("end", x - 10.0) } else { ("start", x + 10.0) };
        // Away from the nearer end of the picture.
        let label_y = if y < f64::midpoint(TOP, BOTTOM) { y + 20.0 } else { y - 12.0 };
        words(out, "mark", label_x, label_y, anchor, &mark.label);
    }

    /// One line above the picture: what each stroke means.
    fn legend(&self, out: &mut Markup) {
        let mut x = LEFT + 8.0;
        let y = TOP - 14.0;
        let traces = self.traces.iter().enumerate().map(|(look, trace)| (look % LOOKS, &trace.name));
        let edge = self.edges.first().map(|edge| (LOOKS, &edge.name));
        for (look, name) in traces.chain(edge) {
            let name: String = name.chars().take(60).collect();
            let width = 34.0 + name.chars().count() as f64 * LETTER + 18.0;
            if x + width > RIGHT + 20.0 {
                break;
            }
            let line = format!("M{} {}h24", unit(x), unit(y - 4.0));
            if look == LOOKS {
                out.element("<path class=\"edge\" d=\"", line, "\"/>");
                let strokes = path::hatch(&[vec![(x, y - 4.0), (x + 24.0, y - 4.0)]], 5.0, -5.0);
                out.element("<path class=\"hatch\" d=\"", strokes, "\"/>");
            } else {
                out.raw("<path class=\"trace t").text(look).raw("\" d=\"").text(line).raw("\"/>");
            }
            words(out, "legend", x + 30.0, y, "start", &name);
            x += width;
        }
    }
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
