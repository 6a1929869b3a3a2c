//! What a watched port carries against frequency: third-octave bands and a narrowband spectrum, made ready when a reading
//! arrives, drawn in every frame.

use egui::accesskit::Role;
use egui::{Ui, Vec2b, WidgetInfo};
use egui_plot::{AxisHints, Bar, BarChart, HoverPosition, Line, Plot, PlotPoint, PlotPoints, PlotUi};

use super::curve::{grid, pieces, thinned, tick};
use super::look::{Palette, font, text_small};
use crate::event::{Reading, Spectra};
use crate::report::plot::Across;
use crate::report::wording;

/// The height of the levels on show, in decibels.
const SPAN_DB: f64 = 90.0;
/// The ends of the vertical axis are multiples of this, in decibels: it moves rarely, so that a picture stays calm.
const STEP_DB: f64 = 10.0;
/// How far the loudest line stays below the upper end, in decibels.
const ROOM_DB: f64 = 6.0;
/// How far the upper end must be too high before it comes down, in decibels.
const SLACK_DB: f64 = 30.0;
/// How far below full scale the upper end may come, in decibels.
const FAINT_DB: f64 = 70.0;
/// The part of its width that a bar fills.
const BAR_PART: f64 = 0.86;

/// Both pictures of a reading, in the coordinates of their axes: the logarithm of the frequency, and decibels.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The upper end of the vertical axis.
    top: f64,
    /// The ends of the horizontal axis.
    across: (f64, f64),
    unit: String,
    bars: Vec<Band>,
    lines: Vec<Vec<PlotPoint>>,
    /// What the bands show, in words.
    pub bands_told: String,
    /// What the spectrum shows, in words.
    pub lines_told: String,
    /// Over what the bands are averaged, or why there is none yet.
    pub bands_averaged: &'static str,
    /// Over what the spectrum is averaged, or why there is none yet.
    pub averaged: String,
}

/// A band: the middle and the width on the axis, its nominal frequency in Hz, its level.
#[derive(Debug, Clone, PartialEq)]
struct Band {
    at: f64,
    width: f64,
    nominal_hz: f64,
    level: f64,
}

impl Graph {
    /// The pictures of a reading, if it has any; `before`: those of the reading before it, whose axis is kept where it fits.
    pub fn of(reading: &Reading, before: Option<&Self>) -> Option<Self> {
        let spectra = reading.spectra.as_ref()?;
        let unit = reading.unit.symbol().to_owned();
        let (first, last) = (spectra.bands.edges_hz.first()?, spectra.bands.edges_hz.last()?);
        let across = (first.0.log10(), last.1.log10());
        let bars = bars(spectra);
        let lines = lines(spectra, across);
        let levels = bars.iter().map(|bar| bar.level).chain(lines.iter().flatten().map(|one| one.y));
        let loudest = levels.filter(|level| level.is_finite()).fold(f64::NEG_INFINITY, f64::max);
        let kept = before.filter(|before| before.unit == unit).map(|before| before.top);
        let top = top(loudest, kept).max(lowest_top(reading.full_scale));
        let port = format!("{} {}", reading.port, reading.side);
        let bands_told = match bars.iter().max_by(|a, b| a.level.total_cmp(&b.level)) {
            Some(bar) if bar.level.is_finite() => format!(
                "Third-octave bands of {port}: highest {} {unit} at {}",
                wording::number(bar.level, 1),
                wording::frequency(bar.nominal_hz)
            ),
            Some(_) => format!("Third-octave bands of {port}: silence"),
            None => format!("Third-octave bands of {port}: the filters settle"),
        };
        let lines_told = match highest_line(spectra) {
            Some((hz, level)) if level.is_finite() => format!(
                "Narrowband spectrum of {port}: highest {} {unit} at {}",
                wording::number(level, 1),
                wording::frequency(hz)
            ),
            Some(_) => format!("Narrowband spectrum of {port}: silence"),
            None => format!("Narrowband spectrum of {port}: none yet"),
        };
        let bands_averaged =
            if bars.is_empty() { "none yet: the filters settle" } else { "averaged over up to 1 s" };
        let none = || "none yet: too little sound without a gap".to_owned();
        let averaged = spectra.lines.as_ref().map_or_else(none, |lines| {
            format!(
                "lines of {} Hz, averaged over {} s",
                wording::number(lines.spacing_hz, 1),
                wording::number(lines.averaged_s, 1)
            )
        });
        Some(Self { top, across, unit, bars, lines, bands_told, lines_told, bands_averaged, averaged })
    }

    /// The lower end of the vertical axis.
    fn bottom(&self) -> f64 {
        self.top - SPAN_DB
    }

    /// Draws the bands.
    pub fn show_bands(&self, ui: &mut Ui, height: f32) {
        let palette = Palette::of(ui);
        self.plot(ui, "bands", height, &self.bands_told, |plot_ui| {
            let bottom = self.bottom();
            // What is below the axis has no bar; it is told when one points there.
            let bars = self.bars.iter().map(|band| {
                let height = if band.level > bottom { band.level - bottom } else { 0.0 };
                let bar = Bar::new(band.at, height).base_offset(bottom).width(band.width * BAR_PART);
                bar.fill(palette.traces[0].gamma_multiply(0.75)).stroke(egui::Stroke::NONE)
            });
            plot_ui.bar_chart(BarChart::new("bands", bars.collect()).allow_hover(false));
        });
    }

    /// Draws the spectrum.
    pub fn show_lines(&self, ui: &mut Ui, height: f32) {
        let palette = Palette::of(ui);
        self.plot(ui, "lines", height, &self.lines_told, |plot_ui| {
            for piece in &self.lines {
                let line = Line::new("spectrum", PlotPoints::Borrowed(piece)).width(1.2);
                plot_ui.line(line.color(palette.traces[0]).allow_hover(false));
            }
        });
    }

    fn plot<'a>(
        &'a self,
        ui: &mut Ui,
        id: &str,
        height: f32,
        told: &str,
        draw: impl FnOnce(&mut PlotUi<'a>) + 'a,
    ) {
        let palette = Palette::of(ui);
        let horizontal = AxisHints::new_x()
            .label(text_small("f / Hz").color(palette.soft))
            .tick_label_font(font(12.0))
            .formatter(|mark, range| tick(Across::Frequency, mark, range, Some(Across::Frequency)));
        let vertical = AxisHints::new_y()
            .label(text_small(&self.unit).color(palette.soft))
            .tick_label_font(font(12.0))
            .formatter(|mark, range| tick(Across::Time, mark, range, None));
        // The axis follows the sound, so it is the reading's alone: no zoom, no drag.
        let plot = Plot::new((id, self.unit.as_str()))
            .height(height)
            .allow_scroll(false)
            .allow_zoom(false)
            .allow_drag(Vec2b::FALSE)
            .allow_boxed_zoom(false)
            .allow_double_click_reset(false)
            .show_crosshair(true)
            .default_x_bounds(self.across.0, self.across.1)
            .default_y_bounds(self.bottom(), self.top)
            .grid_color(palette.grid)
            .x_grid_spacer(|input| grid(Across::Frequency, &input, Some(Across::Frequency)))
            .y_grid_spacer(|input| grid(Across::Time, &input, None))
            .custom_x_axes(vec![horizontal])
            .custom_y_axes(vec![vertical])
            .label_formatter(|at| Some(self.label(at)));
        let shown = plot.show(ui, |plot_ui| {
            plot_ui.set_plot_bounds_x(self.across.0..=self.across.1);
            plot_ui.set_plot_bounds_y(self.bottom()..=self.top);
            draw(plot_ui);
        });
        shown.response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, told));
    }

    /// Where the pointer is, with the band there.
    fn label(&self, at: &HoverPosition<'_>) -> String {
        let (HoverPosition::NearDataPoint { position, .. } | HoverPosition::Elsewhere { position }) = at;
        let place = wording::frequency(10f64.powf(position.x));
        let mut text = format!("{place}, {}\u{a0}{}", wording::number(position.y, 1), self.unit);
        let band = self.bars.iter().find(|band| (position.x - band.at).abs() <= band.width / 2.0);
        if let Some(band) = band {
            let (level, unit) = (wording::number(band.level, 1), &self.unit);
            text = format!("{text}\nband {}: {level}\u{a0}{unit}", wording::frequency(band.nominal_hz));
        }
        text
    }
}

fn bars(spectra: &Spectra) -> Vec<Band> {
    let bands = &spectra.bands;
    let all = bands.nominal_hz.iter().zip(&bands.edges_hz).zip(&bands.levels);
    let bars = all.filter_map(|((nominal_hz, (lower, upper)), level)| {
        let (from, to) = (lower.log10(), upper.log10());
        let level = level.filter(|level| !level.is_nan())?;
        Some(Band { at: f64::midpoint(from, to), width: to - from, nominal_hz: *nominal_hz, level })
    });
    bars.collect()
}

fn lines(spectra: &Spectra, across: (f64, f64)) -> Vec<Vec<PlotPoint>> {
    let Some(lines) = &spectra.lines else { return Vec::new() };
    let points = lines.levels.iter().enumerate().map(|(k, level)| {
        let at = (k as f64 * lines.spacing_hz).log10();
        let is_shown = at >= across.0 && at <= across.1 && !level.is_nan();
        is_shown.then(|| PlotPoint::new(at, *level))
    });
    pieces(points).into_iter().map(thinned).collect()
}

/// Frequency in Hz and level of the highest line; what stands for no alternating sound is left out.
fn highest_line(spectra: &Spectra) -> Option<(f64, f64)> {
    let lines = spectra.lines.as_ref()?;
    let all = lines.levels.iter().enumerate().skip(1).filter(|(_, level)| !level.is_nan());
    let (k, level) = all.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    Some((k as f64 * lines.spacing_hz, *level))
}

/// The lowest upper end: what is fainter than every converter is no reason to move the axis.
fn lowest_top(full_scale: f64) -> f64 {
    ((full_scale - FAINT_DB) / STEP_DB).ceil() * STEP_DB
}

/// The upper end of the axis for what is loudest; the one before stays while it fits.
fn top(loudest: f64, before: Option<f64>) -> f64 {
    if !loudest.is_finite() {
        return before.unwrap_or(0.0);
    }
    let wanted = ((loudest + ROOM_DB) / STEP_DB).ceil() * STEP_DB;
    match before {
        Some(before) if wanted <= before && wanted > before - SLACK_DB => before,
        _ => wanted,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{BandReading, LineReading, Side, Standing};
    use crate::terms::Port;
    use crate::units::Unit;

    fn reading(levels: Vec<Option<f64>>, lines: Vec<f64>) -> Reading {
        let bands = BandReading {
            nominal_hz: vec![800.0, 1000.0, 1250.0],
            edges_hz: vec![(707.9, 891.3), (891.3, 1122.0), (1122.0, 1412.5)],
            levels,
        };
        let lines =
            LineReading { spacing_hz: 100.0, noise_bandwidth_hz: 150.0, levels: lines, averaged_s: 1.0 };
        Reading {
            port: Port::of(Port::EAR_LEFT),
            side: Side::Recorded,
            unit: Unit::DbPa,
            standing: Standing::Calibrated,
            record: "ear".to_owned(),
            unbroken_s: 2.0,
            full_scale: 20.0,
            level: -26.0,
            level_a: Some(-26.0),
            peak: -23.0,
            highest_peak: -23.0,
            clipped: 0,
            gaps: 0,
            spectra: Some(Arc::new(Spectra { bands, lines: Some(lines) })),
        }
    }

    #[test]
    fn a_graph_tells_its_highest_band_and_line() {
        let mut levels = vec![-80.0; 20];
        levels[10] = -26.3;
        let graph = Graph::of(&reading(vec![Some(-60.0), Some(-26.0), None], levels), None).unwrap();
        assert_eq!(
            graph.bands_told,
            "Third-octave bands of ear.left recorded: highest −26.0 dBPa at 1\u{a0}kHz"
        );
        assert!(graph.lines_told.ends_with("highest −26.3 dBPa at 1\u{a0}kHz"), "{}", graph.lines_told);
        // 800 to 1 400 Hz lie on the axis, the line at 0 Hz and what is above does not.
        assert_eq!(graph.lines.iter().map(Vec::len).sum::<usize>(), 7);
        assert_eq!(graph.bars.len(), 2, "a filter that settles has no bar");
        assert_eq!(graph.averaged, "lines of 100.0 Hz, averaged over 1.0 s");
    }

    #[test]
    fn silence_and_what_is_no_number_are_told_and_do_not_move_the_axis() {
        let silent = vec![f64::NEG_INFINITY; 20];
        let graph = Graph::of(&reading(vec![Some(f64::NEG_INFINITY); 3], silent), None).unwrap();
        assert!(graph.bands_told.ends_with("silence"), "{}", graph.bands_told);
        assert_eq!(graph.top, 0.0);
        let broken = Graph::of(&reading(vec![Some(f64::NAN); 3], vec![f64::NAN; 20]), Some(&graph)).unwrap();
        assert_eq!((broken.top, broken.bars.len(), broken.lines.len()), (0.0, 0, 0));
        // Full scale is 20 dBPa.
        let faint = Graph::of(&reading(vec![Some(-290.0); 3], vec![-300.0; 20]), None).unwrap();
        assert_eq!(faint.top, -50.0);
        let without = Reading { spectra: None, ..reading(vec![None; 3], Vec::new()) };
        assert!(Graph::of(&without, None).is_none());
    }

    #[test]
    fn the_axis_moves_at_once_for_what_is_louder_and_late_for_what_is_quieter() {
        assert_eq!(top(-26.0, None), -20.0);
        assert_eq!(top(-12.0, Some(-20.0)), 0.0, "6 dB of room");
        assert_eq!(top(-35.0, Some(-10.0)), -10.0);
        assert_eq!(top(-80.0, Some(-10.0)), -70.0);
    }
}
