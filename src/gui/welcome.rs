//! What stands there when nothing is open: the shipped plans and the latest runs.

use egui::{RichText, ScrollArea, Ui};

use super::bar::name_of;
use super::intent::Intent;
use super::look::{Palette, text_small};
use super::state::State;

/// The latest runs that are offered.
const RUNS_MAX: usize = 30;

/// Shows what may be opened; fills what there is.
pub fn show(ui: &mut Ui, state: &mut State, intents: &mut Vec<Intent>) {
    let palette = Palette::of(ui);
    let may_open = state.may_open().is_ok();
    ui.add_space(24.0);
    ui.spacing_mut().item_spacing.x = 40.0;
    ui.columns(2, |columns| {
        let [plans, runs] = columns else { return };
        plans.label(RichText::new("Open a plan").size(18.0));
        let about = "It is checked first, on the virtual car or the bench above; Start records it there.";
        plans.label(text_small(about).color(palette.soft));
        plans.add_space(6.0);
        let mut chosen = None;
        for name in &state.lists.plans {
            if plans.add_enabled(may_open, egui::Button::new(name)).clicked() {
                chosen = Some(name.clone());
            }
        }
        if state.lists.plans.is_empty() {
            plans.label("No plan is shipped or found: type the path of one above.");
        }
        if let Some(name) = chosen {
            state.form.plan = name;
            intents.push(Intent::OpenPlan);
        }
        runs.label(RichText::new("Look at a stored run").size(18.0));
        runs.label(text_small("The latest first; nothing is recorded or judged again.").color(palette.soft));
        runs.add_space(6.0);
        stored_runs(runs, state, may_open, intents);
    });
}

fn stored_runs(ui: &mut Ui, state: &State, may_open: bool, intents: &mut Vec<Intent>) {
    if let Some(error) = &state.lists.runs_error {
        ui.label(error);
    } else if state.lists.runs.is_empty() {
        ui.label("There are no runs yet.");
    }
    ScrollArea::vertical().auto_shrink(false).id_salt("runs").show(ui, |ui| {
        for run in state.lists.runs.iter().take(RUNS_MAX) {
            let text = name_of(run);
            if ui.add_enabled(may_open, egui::Button::new(text).truncate()).clicked() {
                intents.push(Intent::OpenRun(run.path.clone()));
            }
        }
    });
}
