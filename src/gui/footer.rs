//! The strip at the bottom: the verdict of the run, its figures, and where it is stored.

use egui::{Align, Label, Layout, RichText, Ui};

use super::look::{ChipSize, Palette, chip, text_small};
use super::state::{Job, State};

/// Shows the strip.
pub fn show(ui: &mut Ui, state: &State) {
    let palette = Palette::of(ui);
    let headline = state.headline();
    ui.horizontal(|ui| {
        ui.set_height(34.0);
        busy(ui, state, &palette);
        match headline.verdict {
            Some(verdict) => chip(ui, verdict, ChipSize::Large),
            None if headline.title.is_empty() && state.job.is_none() => {
                ui.label(RichText::new("Nothing is open").color(palette.soft));
            }
            None => {}
        }
        ui.label(&headline.counts);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add(Label::new(text_small(&headline.path).color(palette.soft)).truncate());
            if !headline.state.is_empty() {
                ui.label(text_small("·").color(palette.soft));
                ui.label(text_small(&headline.state).color(palette.soft));
            }
        });
    });
}

/// What is being done, while it is.
fn busy(ui: &mut Ui, state: &State, palette: &Palette) {
    let text = match state.job {
        None => return,
        Some(Job::Opening) => "reading and checking",
        Some(Job::Recording { stopping: false }) => "recording",
        Some(Job::Monitoring { stopping: false }) => "monitoring",
        Some(Job::Recording { stopping: true } | Job::Monitoring { stopping: true }) => "stopping",
    };
    ui.add(egui::Spinner::new().size(14.0).color(palette.accent));
    ui.label(text_small(text).color(palette.accent));
    ui.add_space(6.0);
}
