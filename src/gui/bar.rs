//! The bar at the top: what to open, what records it, the options, and the buttons that start and stop.

use std::path::Path;

use egui::{Align, Layout, Theme, Ui};

use super::field::{ARROW, Field, button, emphasized, named, pick};
use super::form::Records;
use super::intent::Intent;
use super::look::{Palette, text_small};
use super::mailbox::Lists;
use super::state::State;
use super::{interfaces, options};
use crate::run::RunSummary;

/// Bench files of earlier runs that are offered.
const RECENT_MAX: usize = 12;
/// The width of the first label of a row, in points.
pub(super) const LABEL: f32 = 30.0;

/// Shows the bar. Texts are typed into the form of the state; everything else is an intent.
pub fn show(ui: &mut Ui, state: &mut State, intents: &mut Vec<Intent>) {
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        // From the right end first, so that the fields take what is left.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            theme_button(ui);
            interfaces::button(ui, state, intents);
            ui.add_space(8.0);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| open_row(ui, state, intents));
        });
    });
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            controls(ui, state, intents);
            ui.add_space(8.0);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| record_row(ui, state, intents));
        });
    });
    if state.form.shows_options {
        options::show(ui, state, intents);
    }
    ui.add_space(2.0);
}

/// What to open: a plan, or a stored run.
fn open_row(ui: &mut Ui, state: &mut State, intents: &mut Vec<Intent>) {
    let may_open = state.may_open();
    // What the labels and buttons take, at the text size of the window.
    let room = (ui.available_width() - LABEL - 2.0 * ARROW - 372.0).max(120.0);
    let mut open = false;
    ui.add_enabled_ui(may_open.is_ok(), |ui| {
        let field = Field { name: "Plan", hint: "file or name", width: room * 0.4, label_width: Some(LABEL) };
        if pick(ui, &field, &mut state.form.plan, || named(&state.lists.plans), intents) {
            intents.push(Intent::OpenPlan);
        }
        if button(ui, "Open plan", may_open).clicked() {
            intents.push(Intent::OpenPlan);
        }
        ui.add_space(8.0);
        let field =
            Field { name: "Run", hint: "folder of a stored run", width: room * 0.6, label_width: Some(0.0) };
        open |= pick(ui, &field, &mut state.form.run, || stored(&state.lists.runs), intents);
        open |= button(ui, "Open run", may_open).clicked();
    });
    if open {
        intents.push(Intent::OpenRun(state.form.run.trim().into()));
    }
    if button(ui, "Resume", state.may_resume()).clicked() {
        intents.push(Intent::Resume);
    }
}

/// What records: a virtual car or a bench, and the device under test.
fn record_row(ui: &mut Ui, state: &mut State, intents: &mut Vec<Intent>) {
    let may_open = state.may_open();
    let room = (ui.available_width() - LABEL - 2.0 * ARROW - 398.0).max(120.0);
    let car_hint = match state.plan().and_then(|plan| plan.default_car.as_ref()) {
        Some(car) => format!("{car} (the plan's)"),
        None => "the plan's car".to_owned(),
    };
    ui.add_enabled_ui(may_open.is_ok(), |ui| {
        ui.allocate_ui_with_layout(
            egui::vec2(LABEL, ui.spacing().interact_size.y),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.set_min_width(LABEL);
                ui.label("On");
            },
        );
        let before = state.form.records;
        car_or_bench(ui, &mut state.form.records);
        if state.form.records != before {
            intents.push(Intent::CheckAgain);
        }
        let width = room * 0.56;
        let chosen = match state.form.records {
            Records::Car => {
                let field = Field { name: "Car", hint: &car_hint, width, label_width: None };
                pick(ui, &field, &mut state.form.car, || named(&state.lists.cars), intents)
            }
            Records::Bench => {
                let hint = "bench file or name";
                let field = Field { name: "Bench file", hint, width, label_width: None };
                pick(ui, &field, &mut state.form.bench, || benches(&state.lists), intents)
            }
        };
        if chosen {
            intents.push(Intent::CheckAgain);
        }
        ui.add_space(8.0);
        let field = Field { name: "Device", hint: "no record", width: room * 0.44, label_width: Some(0.0) };
        pick(ui, &field, &mut state.form.device, || named(&state.lists.devices), intents);
    });
    // What is set is told also while it is folded.
    let text = match state.form.options_set() {
        0 => "Options".to_owned(),
        set => format!("Options: {set} set"),
    };
    let shown = state.form.shows_options;
    let fold = ui.add(egui::Button::selectable(shown, text).frame_when_inactive(true));
    let fold = fold.on_hover_text("Overlays, entries to run, repeats and seed");
    ui.ctx().accesskit_node_builder(fold.id, |node| node.set_expanded(shown));
    if fold.clicked() {
        state.form.shows_options = !shown;
    }
}

/// One or the other.
fn car_or_bench(ui: &mut Ui, records: &mut Records) {
    ui.scope(|ui| {
        // An empty ring must be seen too.
        let ring = Palette::of(ui).soft;
        let widgets = &mut ui.visuals_mut().widgets;
        for widget in [&mut widgets.inactive, &mut widgets.hovered, &mut widgets.active] {
            widget.bg_stroke.color = ring;
        }
        ui.radio_value(records, Records::Car, "Virtual car");
        ui.radio_value(records, Records::Bench, "Bench");
    });
}

/// Start and stop; laid out from the right.
fn controls(ui: &mut Ui, state: &State, intents: &mut Vec<Intent>) {
    let palette = Palette::of(ui);
    let stops = if state.is_monitoring() { "Stop the monitor" } else { "Stop; the run can be resumed" };
    if emphasized(ui, "Stop", state.may_stop(), palette.fail, &palette).on_hover_text(stops).clicked() {
        intents.push(Intent::Stop);
    }
    if emphasized(ui, "Start", state.may_start(), palette.accent, &palette).clicked() {
        intents.push(Intent::Start);
    }
    let monitor = button(ui, "Monitor", state.may_monitor());
    if monitor.on_hover_text("Watch the inputs of the bench; nothing is played or recorded").clicked() {
        intents.push(Intent::Monitor);
    }
}

/// Light or dark; a new window follows the system.
fn theme_button(ui: &mut Ui) {
    let (other, name) = match ui.ctx().theme() {
        Theme::Dark => (Theme::Light, "Light"),
        Theme::Light => (Theme::Dark, "Dark"),
    };
    if ui.button(text_small(name)).on_hover_text("Change the colors of the window").clicked() {
        ui.ctx().set_theme(other);
    }
}

/// Bench files as choices: those beside the plan, of the data folders and of the program, then files of earlier runs, the latest
/// first.
fn benches(lists: &Lists) -> Vec<(String, String)> {
    let mut choices = named(&lists.rigs);
    let earlier = lists.runs.iter().filter_map(|run| run.rig.as_ref());
    for rig in earlier.filter(|rig| Path::new(rig).is_file()) {
        let is_known = choices.iter().any(|(known, _)| known == rig);
        if !is_known && choices.len() < lists.rigs.len() + RECENT_MAX {
            choices.push((rig.clone(), format!("{rig}   (an earlier run)")));
        }
    }
    choices
}

/// Stored runs as choices: their folder, and what is shown.
fn stored(runs: &[RunSummary]) -> Vec<(String, String)> {
    runs.iter().map(|run| (run.path.display().to_string(), name_of(run))).collect()
}

/// A stored run in a list: the name of its folder and the title of its plan.
pub fn name_of(run: &RunSummary) -> String {
    let name = run.path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    format!("{name}   {}", run.title)
}
