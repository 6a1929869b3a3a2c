//! A curve or series against its limit: made ready once, drawn in every frame.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use egui::{Align2, Color32, RichText, Ui, Vec2b};
use egui_plot::{
    AxisHints, FilledArea, GridInput, GridMark, HLine, HoverPosition, Line, LineStyle, MarkerShape, Plot,
    PlotBounds, PlotPoint, PlotPoints, PlotUi, Points, Text, VLine,
};

use super::look::{Palette, font, text_small};
use crate::report::plot::scale::{Scale, drawable};
use crate::report::plot::{Across, Edge, Side};
use crate::report::summary::Result;
use crate::report::{figure, wording};

/// The height of a plot in points.
const HEIGHT: f32 = 250.0;
/// Pieces of the horizontal axis of which the lowest and the highest value are drawn: more than a screen has dots.
const COLUMNS_MAX: usize = 4096;

/// A plot in the coordinates of its axes: the logarithm of the frequency, or seconds.
#[derive(Debug, Clone)]
pub struct Curve {
    /// What it shows, in words.
    pub title: String,
    /// What the reader must know of the limit, as the shift of a floating mask.
    pub caption: String,
    across: Across,
    unit: String,
    x: RangeInclusive<f64>,
    y: RangeInclusive<f64>,
    traces: Vec<Trace>,
    edges: Vec<EdgeLine>,
    /// Numbers read from the lines as a whole, each with its label.
    levels: Vec<(f64, String)>,
    /// Moments: where on the axis, the label, whether it is a limit.
    moments: Vec<(f64, String, bool)>,
    marks: Vec<(PlotPoint, String)>,
}

#[derive(Debug, Clone)]
struct Trace {
    name: String,
    /// Unbroken lines: a value that is no number leaves a gap.
    pieces: Vec<Vec<PlotPoint>>,
    /// Those of which only a bound is known.
    bounds: Vec<Vec<PlotPoint>>,
    /// What a bound is.
    bound: &'static str,
}

#[derive(Debug, Clone)]
struct EdgeLine {
    name: String,
    label: String,
    forbidden: Side,
    points: Vec<PlotPoint>,
}

impl Curve {
    /// The plot of a result, with the numbers among `results` that were read from it; `None` for a number or an empty curve.
    pub fn of(result: &Result<'_>, results: &[Result<'_>]) -> Option<Self> {
        let plot = figure::plot(result, results)?;
        let across = plot.across;
        let (horizontal, vertical) = plot.scales();
        let (low, high) = horizontal.range();
        let range = at(across, low)?..=at(across, high)?;
        let point =
            |(x, y): &(f64, f64)| at(across, *x).filter(|_| drawable(*y)).map(|x| PlotPoint::new(x, *y));
        let traces = plot.traces.iter().map(|trace| {
            let lines = |limited: bool| {
                let is_limited = |n: usize| trace.limited.get(n).copied().unwrap_or(false);
                let points = trace.points.iter().enumerate();
                let of = points.map(|(n, one)| point(one).filter(|_| is_limited(n) == limited));
                pieces(of).into_iter().map(thinned).collect()
            };
            Trace { name: trace.name.clone(), pieces: lines(false), bounds: lines(true), bound: trace.bound }
        });
        let edges = plot.edges.iter().map(|Edge { name, label, forbidden, points }| EdgeLine {
            name: name.clone(),
            label: label.clone(),
            forbidden: *forbidden,
            points: points.iter().filter_map(point).collect(),
        });
        let marks = plot.marks.iter();
        let marks = marks.filter_map(|mark| Some((point(&(mark.at, mark.value))?, mark.label.clone())));
        let moments = plot.moments.iter();
        let moments = moments.filter_map(|one| Some((at(across, one.at)?, one.label.clone(), one.is_limit)));
        // A number that was read from it is.
        let is_held = !plot.edges.is_empty() || !plot.moments.is_empty();
        let (low, high) = vertical.range();
        Some(Self {
            caption: if result.limit.is_none() && is_held { String::new() } else { caption(result) },
            across,
            unit: plot.unit,
            x: range,
            y: low..=high,
            traces: traces.collect(),
            edges: edges.collect(),
            levels: plot.levels.iter().map(|one| (one.value, one.label.clone())).collect(),
            moments: moments.collect(),
            marks: marks.collect(),
            title: plot.title,
        })
    }

    /// Draws the plot as wide as there is room. Gives what is on show of both axes.
    pub fn show(&self, ui: &mut Ui) -> PlotBounds {
        let palette = Palette::of(ui);
        self.legend(ui, &palette);
        let axis = match self.across {
            Across::Frequency => "f / Hz",
            Across::Time => "t / s",
        };
        let horizontal = AxisHints::new_x()
            .label(text_small(axis).color(palette.soft))
            .tick_label_font(font(12.0))
            .formatter(|mark, range| tick(self.across, mark, range, Some(self.across)));
        let vertical = AxisHints::new_y()
            .label(text_small(&self.unit).color(palette.soft))
            .tick_label_font(font(12.0))
            .formatter(|mark, range| tick(Across::Time, mark, range, None));
        ui.add_space(3.0);
        // A user may zoom; another curve in the same place must not inherit what was on show of this one.
        let ends = [self.x.start(), self.x.end(), self.y.start(), self.y.end()].map(|end| end.to_bits());
        let plot = Plot::new((&self.title, ends))
            .height(HEIGHT)
            .allow_scroll(false)
            .allow_drag(Vec2b::TRUE)
            .show_crosshair(true)
            .default_x_bounds(*self.x.start(), *self.x.end())
            .default_y_bounds(*self.y.start(), *self.y.end())
            .grid_color(palette.grid)
            .x_grid_spacer(|input| grid(self.across, &input, Some(self.across)))
            .y_grid_spacer(|input| grid(Across::Time, &input, None))
            .custom_x_axes(vec![horizontal])
            .custom_y_axes(vec![vertical])
            .label_formatter(|at| self.label(at));
        let response = plot.show(ui, |plot_ui| self.draw(plot_ui, &palette));
        let title = self.title.clone();
        response.response.widget_info(move || {
            egui::WidgetInfo::labeled(egui::accesskit::Role::Figure, true, title.clone())
        });
        *response.transform.bounds()
    }

    fn draw<'a>(&'a self, plot_ui: &mut PlotUi<'a>, palette: &Palette) {
        for edge in &self.edges {
            draw_edge(plot_ui, edge, palette);
        }
        for (look, trace) in self.traces.iter().enumerate().rev() {
            let color = palette.traces[look % palette.traces.len()];
            for piece in &trace.pieces {
                let points = PlotPoints::Borrowed(piece);
                if piece.len() == 1 {
                    plot_ui.points(Points::new(trace.name.as_str(), points).radius(2.5).color(color));
                } else {
                    plot_ui.line(Line::new(trace.name.as_str(), points).width(1.8).color(color));
                }
            }
        }
        self.draw_bounds(plot_ui, palette);
        for (value, label) in &self.levels {
            let style = LineStyle::Dashed { length: 12.0 };
            plot_ui.hline(HLine::new(label.as_str(), *value).style(style).width(1.2).color(palette.ink));
        }
        for (at, label, is_limit) in &self.moments {
            let color = if *is_limit { palette.edge } else { palette.ink };
            plot_ui.vline(VLine::new(label.as_str(), *at).width(1.2).color(color));
        }
        for (point, label) in &self.marks {
            let dot = Points::new("", vec![[point.x, point.y]]).shape(MarkerShape::Circle);
            plot_ui.points(dot.filled(false).radius(5.0).color(palette.ink).allow_hover(false));
            let bounds = plot_ui.plot_bounds();
            let (anchor, offset) = beside(point, &bounds);
            let text = RichText::new(label).size(12.0).color(palette.ink).background_color(palette.sheet);
            let place = PlotPoint::new(point.x + offset.0, point.y + offset.1);
            plot_ui.text(Text::new("", place, text).anchor(anchor).allow_hover(false));
        }
    }

    /// What is no more than a bound: dotted.
    fn draw_bounds<'a>(&'a self, plot_ui: &mut PlotUi<'a>, palette: &Palette) {
        for (look, trace) in self.traces.iter().enumerate() {
            let color = palette.traces[look % palette.traces.len()].gamma_multiply(0.75);
            for piece in &trace.bounds {
                let points = PlotPoints::Borrowed(piece);
                if piece.len() == 1 {
                    let point = Points::new(trace.bound, points).filled(false).radius(3.0);
                    plot_ui.points(point.color(color));
                } else {
                    let style = LineStyle::Dotted { spacing: 5.0 };
                    plot_ui.line(Line::new(trace.bound, points).style(style).width(1.4).color(color));
                }
            }
        }
    }

    /// One line above the plot: what each stroke means.
    fn legend(&self, ui: &mut Ui, palette: &Palette) {
        ui.horizontal_wrapped(|ui| {
            for (look, trace) in self.traces.iter().enumerate() {
                swatch(ui, palette.traces[look % palette.traces.len()], false);
                ui.label(text_small(&trace.name));
                if !trace.bounds.is_empty() {
                    ui.label(text_small(format!("(dotted: {})", trace.bound)).color(palette.soft));
                }
                ui.add_space(8.0);
            }
            if let Some(edge) = self.edges.first() {
                swatch(ui, palette.edge, true);
                ui.label(text_small(&edge.name));
            }
            for edge in self.edges.iter().filter(|edge| !edge.label.is_empty()) {
                ui.label(text_small(&edge.label).color(palette.edge));
            }
            for (_, label, is_limit) in &self.moments {
                let color = if *is_limit { palette.edge } else { palette.ink };
                ui.label(text_small(label).color(color));
            }
            for (_, label) in &self.levels {
                ui.label(text_small(label));
            }
            if !self.caption.is_empty() {
                ui.label(text_small(&self.caption).color(palette.soft));
            }
        });
    }

    fn label(&self, at: &HoverPosition<'_>) -> Option<String> {
        let HoverPosition::NearDataPoint { plot_name, position, .. } = at else { return None };
        let place = match self.across {
            Across::Frequency => wording::frequency(10f64.powf(position.x)),
            Across::Time => format!("{}\u{a0}s", wording::number(position.x, 3)),
        };
        Some(format!("{plot_name}\n{place}: {}\u{a0}{}", wording::number(position.y, 2), self.unit))
    }
}

/// What the reader must know of the limit.
fn caption(result: &Result<'_>) -> String {
    let Some(limit) = result.limit else { return "not held against a limit".to_owned() };
    let mut text = format!("{}, class {}", limit.id, limit.class);
    if let Some(shift) = result.judgement.and_then(|judgement| judgement.shift) {
        let unit = result.measured().map_or("", |finding| finding.unit.symbol());
        let _ = write!(text, ", drawn {} {unit} from where it was written", wording::number(-shift, 2));
    }
    text
}

/// Where a frequency or a time stands on the axis.
fn at(across: Across, value: f64) -> Option<f64> {
    match across {
        Across::Frequency => (value > 0.0 && drawable(value)).then(|| value.log10()),
        Across::Time => drawable(value).then_some(value),
    }
}

/// Splits points at what cannot be drawn.
pub(super) fn pieces(points: impl Iterator<Item = Option<PlotPoint>>) -> Vec<Vec<PlotPoint>> {
    let mut pieces: Vec<Vec<PlotPoint>> = Vec::new();
    let mut open = false;
    for point in points {
        match (point, pieces.last_mut()) {
            (Some(point), Some(piece)) if open => piece.push(point),
            (Some(point), _) => pieces.push(vec![point]),
            (None, _) => {}
        }
        open = point.is_some();
    }
    pieces
}

/// A line with at most twice [`COLUMNS_MAX`] points: of each column the lowest and the highest, in their order.
/// A single outlier, which may have decided, is never lost.
pub(super) fn thinned(piece: Vec<PlotPoint>) -> Vec<PlotPoint> {
    let (Some(first), Some(last)) = (piece.first(), piece.last()) else { return piece };
    if piece.len() <= 2 * COLUMNS_MAX || last.x <= first.x {
        return piece;
    }
    let (from, width) = (first.x, (last.x - first.x) / COLUMNS_MAX as f64);
    let column = |point: &PlotPoint| (((point.x - from) / width) as usize).min(COLUMNS_MAX - 1);
    let mut thin: Vec<PlotPoint> = Vec::with_capacity(2 * COLUMNS_MAX);
    for group in piece.chunk_by(|a, b| column(a) == column(b)) {
        let extreme = |better: fn(f64, f64) -> bool| {
            (1..group.len()).fold(0, |best, at| if better(group[at].y, group[best].y) { at } else { best })
        };
        let (low, high) = (extreme(|a, b| a < b), extreme(|a, b| a > b));
        thin.push(group[low.min(high)]);
        if low != high {
            thin.push(group[low.max(high)]);
        }
    }
    thin
}

/// The scale of what is on show, in the values of the profession.
fn scale(across: Across, low: f64, high: f64) -> Scale {
    match across {
        Across::Frequency => Scale::new(true, 10f64.powf(low), 10f64.powf(high), 0.0, 1.0),
        Across::Time => Scale::new(false, low, high, 0.0, 1.0),
    }
}

/// Grid lines where the report has them: lines with a label are strong.
pub(super) fn grid(across: Across, input: &GridInput, along: Option<Across>) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let span = high - low;
    scale(across, low, high)
        .ticks(along)
        .into_iter()
        .filter_map(|tick| {
            let step_size = if tick.label.is_some() { span / 4.0 } else { span / 40.0 };
            Some(GridMark { value: at(across, tick.value)?, step_size })
        })
        .collect()
}

/// The label of a grid line, as the report writes it.
pub(super) fn tick(
    across: Across,
    mark: GridMark,
    range: &RangeInclusive<f64>,
    along: Option<Across>,
) -> String {
    let ticks = scale(across, *range.start(), *range.end()).ticks(along);
    let near = ticks.into_iter().find(|tick| {
        at(across, tick.value)
            .is_some_and(|value| (value - mark.value).abs() < 1e-9 * (1.0 + mark.value.abs()))
    });
    near.and_then(|tick| tick.label).unwrap_or_default()
}

/// On which side of the deciding point its label stands: away from the nearer ends of the plot.
fn beside(point: &PlotPoint, bounds: &PlotBounds) -> (Align2, (f64, f64)) {
    let right = point.x > f64::midpoint(bounds.min()[0], bounds.max()[0]);
    let upper = point.y > f64::midpoint(bounds.min()[1], bounds.max()[1]);
    let across = 0.02 * bounds.width() * if right { -1.0 } else { 1.0 };
    let up = 0.04 * bounds.height() * if upper { -1.0 } else { 1.0 };
    let anchor = match (right, upper) {
        (true, true) => Align2::RIGHT_TOP,
        (true, false) => Align2::RIGHT_BOTTOM,
        (false, true) => Align2::LEFT_TOP,
        (false, false) => Align2::LEFT_BOTTOM,
    };
    (anchor, (across, up))
}

/// The limit line, dashed, with its forbidden side shaded.
fn draw_edge<'a>(plot_ui: &mut PlotUi<'a>, edge: &'a EdgeLine, palette: &Palette) {
    let bounds = plot_ui.plot_bounds();
    let xs: Vec<f64> = edge.points.iter().map(|point| point.x).collect();
    let line: Vec<f64> = edge.points.iter().map(|point| point.y).collect();
    // The zone ends where the view ends, so that it never changes what is on show.
    let far: Vec<f64> = match edge.forbidden {
        Side::Above => line.iter().map(|y| y.max(bounds.max()[1])).collect(),
        Side::Below => line.iter().map(|y| y.min(bounds.min()[1])).collect(),
    };
    plot_ui.add(FilledArea::new("", &xs, &line, &far).fill_color(palette.zone).allow_hover(false));
    let points = PlotPoints::Borrowed(&edge.points);
    let style = LineStyle::Dashed { length: 7.0 };
    plot_ui.line(Line::new(edge.name.as_str(), points).style(style).width(1.8).color(palette.edge));
}

fn swatch(ui: &mut Ui, color: Color32, dashed: bool) {
    let (rect, _) = ui.allocate_exact_size(egui::vec2(22.0, 14.0), egui::Sense::hover());
    let ends = [rect.left_center(), rect.right_center()];
    let stroke = egui::Stroke::new(1.8, color);
    if dashed {
        ui.painter().extend(egui::Shape::dashed_line(&ends, stroke, 5.0, 3.5));
    } else {
        ui.painter().line_segment(ends, stroke);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;
    use crate::run::view::FindingView;
    use crate::units::Unit;

    #[test]
    fn a_gap_breaks_the_line_and_an_outlier_survives_thinning() {
        let some = |x: f64| Some(PlotPoint::new(x, 0.0));
        let split = pieces([None, some(1.0), some(2.0), None, None, some(3.0)].into_iter());
        assert_eq!(split.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        let mut long: Vec<PlotPoint> = (0..200_000).map(|at| PlotPoint::new(f64::from(at), 0.0)).collect();
        long[123_456].y = -80.0;
        long[123_457].y = 9.0;
        let thin = thinned(long);
        assert!(thin.len() <= 2 * COLUMNS_MAX, "{}", thin.len());
        let kept: Vec<f64> = thin.iter().map(|point| point.y).filter(|y| *y != 0.0).collect();
        assert_eq!(kept, [-80.0, 9.0]);
        assert!(thin.is_sorted_by(|a, b| a.x <= b.x));
    }

    #[test]
    fn a_curve_does_not_inherit_what_was_on_show_of_another() {
        let curve = |low: f64| {
            let finding = Finding::curve("g", vec![100.0, 1000.0], vec![low, low + 9.0], Unit::Db);
            let view = FindingView { finding, curve: None };
            Curve::of(&Result { finding: Some(&view), judgement: None, limit: None }, &[]).unwrap()
        };
        let shown = |ui: &mut Ui, state: &mut (Curve, f64)| state.1 = state.0.show(ui).min()[1];
        let mut harness = egui_kittest::Harness::new_ui_state(shown, (curve(0.0), f64::NAN));
        harness.run_steps(3);
        assert!((-3.0..=0.0).contains(&harness.state().1), "{}", harness.state().1);
        harness.state_mut().0 = curve(-80.0);
        harness.run_steps(3);
        assert!((-83.0..=-80.0).contains(&harness.state().1), "{}", harness.state().1);
    }

    #[test]
    fn the_frequency_axis_is_labeled_as_the_profession_does() {
        let input = GridInput { bounds: (90f64.log10(), 8000f64.log10()), base_step_size: 0.01 };
        let range = input.bounds.0..=input.bounds.1;
        let labels: Vec<String> = grid(Across::Frequency, &input, Some(Across::Frequency))
            .into_iter()
            .map(|mark| tick(Across::Frequency, mark, &range, Some(Across::Frequency)))
            .filter(|label| !label.is_empty())
            .collect();
        assert_eq!(labels, ["100", "200", "500", "1k", "2k", "5k"]);
    }
}
