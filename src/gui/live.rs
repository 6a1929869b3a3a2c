//! What a recording is doing now: progress, takes, level meters and the event log.

use std::fmt::Write as _;

use egui::accesskit::Role;
use egui::{Align2, Color32, Label, ProgressBar, Rect, RichText, ScrollArea, Sense, Stroke, Ui, WidgetInfo};
use egui::{pos2, vec2};

use super::events::Tone;
use super::intent::Intent;
use super::look::{Palette, paint_line, text_small};
use super::mailbox::{Live, Meter};
use super::state::{Job, State};
use crate::report::wording;
use crate::take::RATE;
use crate::terms::Port;

/// The lowest level that a meter shows, in dBov.
const METER_MIN_DBOV: f64 = -90.0;
const METER_HEIGHT: f32 = 20.0;
/// The height of a line of the log.
const LINE_HEIGHT: f32 = 17.0;

/// Shows what the recording is doing; `clock_s`: seconds on the clock since it began.
pub fn show(ui: &mut Ui, state: &State, live: &Live, clock_s: f64, intents: &mut Vec<Intent>) {
    let palette = Palette::of(ui);
    let width = ui.available_width();
    ui.horizontal_top(|ui| {
        column(ui, (width * 0.27).clamp(220.0, 360.0), |ui| progress(ui, state, live, clock_s, intents));
        ui.separator();
        column(ui, (width * 0.28).clamp(230.0, 360.0), |ui| meters(ui, live, &palette));
        ui.separator();
        column(ui, ui.available_width(), |ui| log(ui, state, &palette));
    });
}

fn column(ui: &mut Ui, width: f32, contents: impl FnOnce(&mut Ui)) {
    let size = vec2(width, ui.available_height());
    ui.allocate_ui_with_layout(size, egui::Layout::top_down(egui::Align::Min), |ui| {
        ui.set_width(width);
        contents(ui);
    });
}

fn progress(ui: &mut Ui, state: &State, live: &Live, clock_s: f64, intents: &mut Vec<Intent>) {
    let palette = Palette::of(ui);
    let what = match state.job {
        Some(Job::Recording { stopping: true }) => "Stopping",
        Some(Job::Recording { stopping: false }) => "Recording",
        _ => "The recording is over",
    };
    ui.label(what);
    if let Some((done_s, total_s)) = live.progress_s {
        let part = if total_s > 0.0 { (done_s / total_s).clamp(0.0, 1.0) as f32 } else { 0.0 };
        let bar = ProgressBar::new(part)
            .desired_height(14.0)
            .corner_radius(3)
            .fill(palette.accent.gamma_multiply(0.75));
        let text = format!("{} of {} of sound", wording::duration(done_s), wording::duration(total_s));
        let response = ui.add(bar);
        response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, &text));
        ui.label(text);
        if state.is_recording() {
            ui.label(text_small(left(done_s, total_s, clock_s)).color(palette.soft));
        }
    }
    if !state.is_recording() && ui.button(text_small("Hide")).clicked() {
        intents.push(Intent::HideLive);
    }
    for (take, done, total) in live.takes.values().take(4) {
        let part = 100 * done / (*total).max(1);
        let seconds = wording::duration(*total as f64 / f64::from(RATE));
        let text = format!("{part} % of {seconds}: {take}");
        ui.add(Label::new(text_small(text)).truncate());
    }
}

/// What is left, in seconds of sound and, as far as the pace so far tells, on the clock.
fn left(done_s: f64, total_s: f64, clock_s: f64) -> String {
    let left_s = (total_s - done_s).max(0.0);
    let mut text = format!("{} of sound left", wording::duration(left_s));
    if done_s > 0.0 && clock_s > 0.5 {
        let _ = write!(text, ", about {} on the clock", wording::duration(left_s * clock_s / done_s));
    }
    text
}

fn meters(ui: &mut Ui, live: &Live, palette: &Palette) {
    ui.horizontal(|ui| {
        ui.label("Levels");
        ui.label(text_small("dBov: RMS, highest peak").color(palette.soft));
    });
    if live.meters.is_empty() {
        ui.label(text_small("no levels yet").color(palette.soft));
    }
    ScrollArea::vertical().id_salt("meters").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for (port, meter) in &live.meters {
            show_meter(ui, port, meter, palette);
        }
    });
}

fn show_meter(ui: &mut Ui, port: &Port, meter: &Meter, palette: &Palette) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), METER_HEIGHT), Sense::hover());
    let over = meter.highest_dbov >= 0.0;
    // Never by color alone.
    let highest = if over { "over".to_owned() } else { wording::number(meter.highest_dbov, 1) };
    let text = format!("{port}: {} dBov, highest peak {highest}", wording::number(meter.rms_dbov, 1));
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &text));
    let (names, numbers) = (72.0, 88.0);
    let name = Rect::from_min_max(rect.min, pos2(rect.left() + names, rect.bottom()));
    paint_line(ui, name, Align2::LEFT_CENTER, port.name(), 12.0, palette.ink);
    let track = Rect::from_min_max(
        pos2(rect.left() + names + 6.0, rect.top() + 5.0),
        pos2(rect.right() - numbers - 6.0, rect.bottom() - 5.0),
    );
    let painter = ui.painter();
    painter.rect_filled(track, 2.0, palette.sheet);
    let place = |dbov: f64| {
        let part = ((dbov - METER_MIN_DBOV) / -METER_MIN_DBOV).clamp(0.0, 1.0) as f32;
        // A level that is no number is no level.
        track.left() + track.width() * if part.is_nan() { 0.0 } else { part }
    };
    let color: Color32 = if over { palette.fail } else { palette.pass };
    let filled = Rect::from_min_max(track.min, pos2(place(meter.rms_dbov), track.bottom()));
    painter.rect_filled(filled, 2.0, color.gamma_multiply(0.7));
    painter.vline(place(meter.peak_dbov), track.y_range(), Stroke::new(1.5, palette.soft));
    painter.vline(place(meter.highest_dbov), track.y_range().expand(2.0), Stroke::new(2.0, color));
    painter.rect_stroke(track, 2.0, Stroke::new(1.0, palette.line), egui::StrokeKind::Outside);
    let middle = rect.right() - numbers / 2.0;
    let rms = Rect::from_min_max(pos2(rect.right() - numbers, rect.top()), pos2(middle, rect.bottom()));
    let peak = Rect::from_min_max(pos2(middle, rect.top()), rect.max);
    let right = Align2::RIGHT_CENTER;
    paint_line(ui, rms, right, &wording::number(meter.rms_dbov, 1), 12.0, palette.ink);
    paint_line(ui, peak, right, &highest, 12.0, if over { palette.fail } else { palette.soft });
}

fn log(ui: &mut Ui, state: &State, palette: &Palette) {
    ui.label("Events");
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.spacing_mut().interact_size.y = LINE_HEIGHT;
    let count = state.log.len();
    let area = ScrollArea::vertical().id_salt("log").auto_shrink(false).stick_to_bottom(true);
    area.show_rows(ui, LINE_HEIGHT, count, |ui, range| {
        for line in state.log.range(range) {
            let color = match line.tone {
                Tone::Plain => palette.soft,
                Tone::Strong => palette.ink,
                Tone::Warning => palette.warn,
            };
            ui.horizontal(|ui| {
                ui.set_height(LINE_HEIGHT);
                let time = format!("{:>5.1}", line.at_s);
                ui.label(RichText::new(time).monospace().size(11.0).color(palette.soft));
                ui.add(Label::new(text_small(&line.text).color(color)).truncate());
            });
        }
    });
}
