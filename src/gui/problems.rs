//! What went wrong: every problem with place, found, expected and remedy, to be read, selected and copied.

use egui::{Frame, Label, Margin, RichText, ScrollArea, Sides, Stroke, Ui};

use super::intent::Intent;
use super::look::{self, Palette};
use super::notice::{Notice, ProblemText};

/// Shows a notice; fills what there is.
pub fn show(ui: &mut Ui, notice: &Notice, intents: &mut Vec<Intent>) {
    let palette = Palette::of(ui);
    ui.add_space(6.0);
    Sides::new().shrink_left().show(
        ui,
        |ui| ui.add(Label::new(RichText::new(&notice.title).size(18.0)).truncate()),
        |ui| {
            if ui.button("Close").clicked() || escape(ui) {
                intents.push(Intent::Dismiss);
            }
            if ui.button("Copy all").clicked() {
                intents.push(Intent::Copy(notice.text.clone()));
            }
        },
    );
    let count = match notice.problems.len() {
        0 => String::new(),
        1 => "One problem has to be put right:".to_owned(),
        count => format!("{count} problems have to be put right:"),
    };
    if !count.is_empty() {
        ui.label(RichText::new(count).color(palette.soft));
    }
    ui.add_space(4.0);
    ScrollArea::vertical().auto_shrink(false).id_salt("problems").show(ui, |ui| {
        ui.set_width(ui.available_width());
        if !notice.message.is_empty() {
            ui.add(Label::new(&notice.message).wrap());
        }
        for problem in &notice.problems {
            show_problem(ui, problem, &palette);
        }
    });
}

fn escape(ui: &Ui) -> bool {
    ui.input(|input| input.key_pressed(egui::Key::Escape))
}

fn show_problem(ui: &mut Ui, problem: &ProblemText, palette: &Palette) {
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(4)
        .inner_margin(Margin::symmetric(12, 8))
        .outer_margin(Margin { right: 8, bottom: 8, ..Margin::ZERO });
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.add(Label::new(RichText::new(&problem.title).size(15.0)).wrap());
        ui.add(Label::new(RichText::new(&problem.place).monospace().color(palette.soft)).wrap());
        ui.add_space(2.0);
        for (name, text, color) in [
            ("found", &problem.found, palette.fail),
            ("expected", &problem.expected, palette.ink),
            ("remedy", &problem.remedy, palette.ink),
        ] {
            look::named(ui, name, 64.0, RichText::new(text).color(color));
        }
    });
}
