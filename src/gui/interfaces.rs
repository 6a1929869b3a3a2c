//! The audio interfaces of this machine: a small panel below its button, with ids to be copied into bench files.

use egui::{Align, Label, Layout, Popup, PopupCloseBehavior, RichText, ScrollArea, Ui, WidgetInfo};

use super::intent::Intent;
use super::look::{Palette, text_small};
use super::state::State;
use crate::report::wording;
use crate::run::Interface;

/// The size of the panel in points: its width, and the height beyond which it scrolls.
const SIZE: [f32; 2] = [460.0, 420.0];

/// What is known of the interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Interfaces {
    /// Nobody asked yet.
    #[default]
    Unknown,
    /// They are being asked: a sound server may need seconds.
    Asked,
    /// What `lombard list interfaces` shows.
    Known(Vec<Interface>),
    /// Why they could not be listed.
    Failed(String),
}

/// The button with its panel.
pub(super) fn button(ui: &mut Ui, state: &State, intents: &mut Vec<Intent>) {
    let button = ui.button(text_small("Interfaces")).on_hover_text("Audio interfaces of this machine");
    if button.clicked() && state.interfaces != Interfaces::Asked {
        intents.push(Intent::ListInterfaces);
    }
    Popup::from_toggle_button_response(&button)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .accessible_name("Interfaces")
        .width(SIZE[0])
        .show(|ui| panel(ui, state, intents));
}

fn panel(ui: &mut Ui, state: &State, intents: &mut Vec<Intent>) {
    let palette = Palette::of(ui);
    ui.set_width(SIZE[0]);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Audio interfaces of this machine").size(15.0));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let may = state.interfaces != Interfaces::Asked;
            if ui.add_enabled(may, egui::Button::new(text_small("Look again"))).clicked() {
                intents.push(Intent::ListInterfaces);
            }
        });
    });
    let about = "A bench file names them as playback and capture, by their id.";
    ui.label(text_small(about).color(palette.soft));
    ui.add_space(4.0);
    match &state.interfaces {
        Interfaces::Unknown | Interfaces::Asked => {
            ui.label("looking for interfaces");
        }
        Interfaces::Failed(why) => {
            ui.add(Label::new(RichText::new(why).color(palette.warn)).wrap());
        }
        Interfaces::Known(all) if all.is_empty() => {
            ui.label("There are none.");
        }
        Interfaces::Known(all) => {
            // The panel was as small as "looking" before: what is there now may be as high as it wants.
            let area = ScrollArea::vertical().max_height(SIZE[1]).min_scrolled_height(SIZE[1]);
            area.id_salt("interfaces").show(ui, |ui| {
                for one in all {
                    ui.separator();
                    row(ui, state, one, &palette, intents);
                }
            });
        }
    }
}

fn row(ui: &mut Ui, state: &State, one: &Interface, palette: &Palette, intents: &mut Vec<Intent>) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            // What was done is said where it was done.
            let is_copied = state.copied.as_deref() == Some(one.id.as_str());
            let copy = ui.button(text_small(if is_copied { "Copied" } else { "Copy id" }));
            let spoken = format!("{} {}", if is_copied { "Copied" } else { "Copy" }, one.id);
            copy.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, true, &spoken));
            if copy.clicked() {
                intents.push(Intent::Copy(one.id.clone()));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(RichText::new(&one.id).monospace()).truncate());
            });
        });
    });
    if one.name != one.id {
        ui.add(Label::new(text_small(&one.name).color(palette.soft)).truncate());
    }
    ui.add(Label::new(text_small(facts(one)).color(palette.soft)).truncate());
}

/// Channels and rate, as `list interfaces` prints them.
fn facts(one: &Interface) -> String {
    let rate = match one.default_rate {
        0 => "rate not told".to_owned(),
        rate => format!("{} Hz", wording::plain(f64::from(rate))),
    };
    format!("{} in, {} out, {rate}", one.inputs(), one.outputs())
}
