//! What a recording is doing now: progress, takes, level meters and the event log.

use std::fmt::Write as _;

use egui::accesskit::Role;
use egui::{Label, ProgressBar, RichText, ScrollArea, Ui, WidgetInfo, vec2};

use super::events::Tone;
use super::intent::Intent;
use super::look::{Palette, text_small};
use super::mailbox::Live;
use super::meters;
use super::state::{Job, State};
use crate::report::wording;
use crate::take::RATE;

/// The least width in points that the log is shown in: a narrower one says nothing.
const LOG_WIDTH_MIN: f32 = 130.0;
/// The height of a line of the log.
const LINE_HEIGHT: f32 = 17.0;

/// Shows what the recording is doing; `clock_s`: seconds on the clock since it began.
pub fn show(ui: &mut Ui, state: &State, live: &Live, clock_s: f64, intents: &mut Vec<Intent>) {
    let palette = Palette::of(ui);
    let width = ui.available_width();
    ui.horizontal_top(|ui| {
        column(ui, (width * 0.22).clamp(176.0, 320.0), |ui| progress(ui, state, live, clock_s, intents));
        ui.separator();
        // While a bench is monitored there are no events.
        let log_width = width * 0.78 - meters::WIDTH_MIN;
        let has_log = log_width >= LOG_WIDTH_MIN && !live.is_monitor;
        let wanted = (width * 0.47).clamp(meters::WIDTH_MIN, 560.0);
        let meters_width = if has_log { wanted } else { ui.available_width() };
        column(ui, meters_width, |ui| meters::show(ui, state, live, intents));
        if has_log {
            ui.separator();
            column(ui, ui.available_width(), |ui| log(ui, state, &palette));
        }
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
        Some(Job::Monitoring { stopping: true }) => "Ending the monitor",
        Some(Job::Monitoring { stopping: false }) => "Monitoring the bench",
        _ if live.is_monitor => "The monitor has ended",
        _ => "The recording is over",
    };
    ui.label(what);
    if state.is_monitoring() {
        let said = "Nothing is played, and nothing is recorded.";
        ui.add(Label::new(text_small(said).color(palette.soft)).wrap());
        let clock = format!("{} on the clock", wording::duration(clock_s));
        ui.label(text_small(clock).color(palette.soft));
    }
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
    if state.may_hide_live() && ui.button(text_small("Hide")).clicked() {
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
