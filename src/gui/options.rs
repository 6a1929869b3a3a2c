//! The options of a run, folded away until they are wanted: overlays, entries to run, repeats and seed.

use egui::{DragValue, Layout, Ui, vec2};

use super::field::{ARROW, Field, button, named, pick, typed};
use super::intent::Intent;
use super::look::{Palette, text_small};
use super::state::State;
use crate::run::REPEATS_MAX;

/// The width of the first label of a row, in points.
const LABEL: f32 = 60.0;

/// Shows the options: two rows below the bar.
pub(super) fn show(ui: &mut Ui, state: &mut State, intents: &mut Vec<Intent>) {
    let may_open = state.may_open().is_ok();
    ui.add_enabled_ui(may_open, |ui| {
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                numbers(ui, state);
                ui.with_layout(Layout::left_to_right(egui::Align::Center), |ui| only(ui, state));
            });
        });
        ui.horizontal_wrapped(|ui| overlays(ui, state, intents));
    });
}

/// Which entries are run.
fn only(ui: &mut Ui, state: &mut State) {
    let room = (ui.available_width() - LABEL - 130.0).max(120.0);
    first_label(ui, "Entries");
    let hint = "all; or ids with commas between them, as slr, rlr";
    typed(ui, &Field { name: "Entries", hint, width: room, label_width: None }, &mut state.form.only);
    let selected = state.detail().map(|detail| detail.id.text().to_owned());
    let may = if selected.is_some() { Ok(()) } else { Err("No entry is selected") };
    if button(ui, "Add selected", may).clicked()
        && let Some(id) = selected
    {
        state.form.add_only(&id);
    }
}

/// Repeats and seed; laid out from the right.
fn numbers(ui: &mut Ui, state: &mut State) {
    let field = Field { name: "Seed", hint: "0", width: 84.0, label_width: None };
    typed(ui, &field, &mut state.form.seed);
    ui.label("Seed").on_hover_text("Of everything random: one seed gives the same findings on one machine");
    ui.add_space(8.0);
    let repeats = DragValue::new(&mut state.form.repeats).range(0..=REPEATS_MAX).speed(0.1);
    let repeats = ui.add(repeats.min_size(vec2(34.0, 26.0)));
    let label = ui.label("Repeats");
    let label = label.on_hover_text("How often a take is recorded again whose certificate is bad");
    repeats.labelled_by(label.id);
}

/// The lab's own limits over those of the plan.
fn overlays(ui: &mut Ui, state: &mut State, intents: &mut Vec<Intent>) {
    first_label(ui, "Overlays");
    let field = Field { name: "Overlay", hint: "file or name", width: 200.0 - ARROW, label_width: None };
    let mut changed = pick(ui, &field, &mut state.form.overlay, || named(&state.lists.overlays), intents);
    if changed {
        state.form.add_overlay();
    }
    let mut gone = None;
    for (at, overlay) in state.form.overlays.iter().enumerate() {
        let remove = ui.button(format!("{overlay}  ×")).on_hover_text("Take this overlay away");
        ui.ctx()
            .accesskit_node_builder(remove.id, |node| node.set_label(format!("Remove overlay {overlay}")));
        if remove.clicked() {
            gone = Some(at);
        }
    }
    if let Some(gone) = gone {
        state.form.overlays.remove(gone);
        changed = true;
    }
    ui.add_space(4.0);
    let said = match state.form.overlays.len() {
        0 => "the lab's own limits, laid over those of the plan",
        1 => "",
        _ => "the last has the last word",
    };
    let soft = Palette::of(ui).soft;
    ui.label(text_small(said).color(soft));
    if changed {
        intents.push(Intent::CheckAgain);
    }
}

fn first_label(ui: &mut Ui, text: &str) {
    let size = vec2(LABEL, ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(egui::Align::Center), |ui| {
        ui.set_min_width(LABEL);
        ui.label(text);
    });
}
