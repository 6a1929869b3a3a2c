//! The watched port: its level in the unit of its calibration, its bands and its spectrum, and a way to listen to it.

use egui::accesskit::{Role, Toggled};
use egui::{
    Align, Button, DragValue, Label, Layout, Painter, Rect, RichText, ScrollArea, Sides, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};

use super::field::{Field, explained, pick};
use super::intent::Intent;
use super::interfaces::Interfaces;
use super::look::{self, Palette, text_small};
use super::mailbox::Live;
use super::state::{Pane, State};
use crate::event::{Listened, Reading, Side, Standing};
use crate::report::wording;
use crate::run::LISTENING_GAINS_DB;
use crate::terms::Port;
use crate::units::Unit;

/// The heights of the pictures in points: the least, and what is kept for everything else.
const PICTURE_MIN: f32 = 150.0;
const AROUND: f32 = 300.0;
/// 0 dBPa above 20 micropascals, in decibels.
const PASCAL_DB: f64 = 93.98;

/// The heads of what the panel can show: the selected entry, or the watched port.
pub(super) fn heads(ui: &mut Ui, state: &State, intents: &mut Vec<Intent>) {
    let Some((port, _)) = &state.watched else { return };
    ui.horizontal(|ui| {
        if state.detail().is_some() {
            let is_entry = state.pane() == Pane::Entry;
            if ui.selectable_label(is_entry, "Entry").clicked() {
                intents.push(Intent::ShowPane(Pane::Entry));
            }
            if ui.selectable_label(!is_entry, format!("Port {port}")).clicked() {
                intents.push(Intent::ShowPane(Pane::Port));
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let close = ui.button(text_small("Close port"));
            if close.on_hover_text("Watch no port any more").clicked() {
                intents.push(Intent::WatchNone);
            }
        });
    });
}

/// Shows the watched port; fills what there is.
pub(super) fn show(ui: &mut Ui, state: &mut State, intents: &mut Vec<Intent>) {
    let palette = Palette::of(ui);
    let Some((port, side)) = state.watched.clone() else { return };
    // Asked once, for the outputs that can be listened on.
    if state.interfaces == Interfaces::Unknown {
        intents.push(Intent::ListInterfaces);
    }
    let key = (port.clone(), side);
    let watched = state.live.as_ref().and_then(|live| live.watched.get(&key)).cloned();
    let height = ((ui.available_height() - AROUND) / 2.0).max(PICTURE_MIN);
    ScrollArea::vertical().auto_shrink(false).id_salt("port").show(ui, |ui| {
        ui.set_width(ui.available_width() - 6.0);
        head(ui, &port, side, &palette);
        match &watched {
            None => {
                ui.add_space(8.0);
                let text = if state.may_listen().is_ok() {
                    "No reading of this port has come yet."
                } else {
                    "Readings come while a run is recorded or a bench is monitored."
                };
                ui.add(Label::new(RichText::new(text).color(palette.soft)).wrap());
            }
            Some(one) => {
                numbers(ui, &one.reading, &palette);
                if let Some(graph) = &one.graph {
                    caption(ui, "Third-octave bands", graph.bands_averaged, &palette);
                    graph.show_bands(ui, height);
                    caption(ui, "Narrowband spectrum", &graph.averaged, &palette);
                    graph.show_lines(ui, height);
                }
            }
        }
        ui.separator();
        listen(ui, state, &port, intents);
    });
}

fn head(ui: &mut Ui, port: &Port, side: Side, palette: &Palette) {
    ui.horizontal(|ui| {
        ui.add(Label::new(RichText::new(port.name()).size(18.0)).truncate());
        ui.label(RichText::new(side.word()).color(palette.soft));
    });
}

fn caption(ui: &mut Ui, name: &str, told: &str, palette: &Palette) {
    ui.add_space(6.0);
    ui.horizontal(|ui| {
        ui.label(name);
        ui.add(Label::new(text_small(told).color(palette.soft)).truncate());
    });
}

fn numbers(ui: &mut Ui, reading: &Reading, palette: &Palette) {
    let unit = reading.unit;
    let standing = match reading.standing {
        Standing::Calibrated => format!("calibrated by {}", reading.record),
        Standing::Expired => format!("the calibration {} has expired", reading.record),
        Standing::Uncalibrated => "uncalibrated: level of the samples".to_owned(),
    };
    let tone = if reading.standing == Standing::Calibrated { palette.soft } else { palette.warn };
    Sides::new().shrink_left().show(
        ui,
        |ui| ui.add(Label::new(RichText::new(with_unit(reading.level, unit)).size(22.0)).truncate()),
        |ui| ui.add(Label::new(text_small(standing).color(tone)).truncate()),
    );
    if let Some(level_a) = reading.level_a {
        let mut text = format!("{} {}", wording::number(level_a, 1), reading.unit_a());
        if unit == Unit::DbPa {
            let pressure = wording::number(level_a + PASCAL_DB, 1);
            text = format!("{text}, {pressure} dB(A) re 20 µPa");
        }
        look::named(ui, "A-weighted", 82.0, text_small(text));
    }
    let peaks = format!(
        "{} now, {} at most",
        wording::number(reading.peak, 1),
        with_unit(reading.highest_peak, unit)
    );
    look::named(ui, "Peak", 82.0, text_small(peaks));
    let clips = match reading.clipped {
        0 => "none".to_owned(),
        1 => "1 sample at full scale".to_owned(),
        count => format!("{count} samples at full scale"),
    };
    let tone = if reading.clipped > 0 { palette.fail } else { palette.ink };
    look::named(ui, "Clipped", 82.0, text_small(clips).color(tone));
    if reading.gaps > 0 {
        let times = if reading.gaps == 1 { "once".to_owned() } else { format!("{} times", reading.gaps) };
        let gaps = format!("the averages began anew {times}: a pause between takes, or sound was lost");
        look::named(ui, "Gaps", 82.0, text_small(gaps).color(palette.soft));
    }
}

fn with_unit(level: f64, unit: Unit) -> String {
    format!("{} {unit}", wording::number(level, 1))
}

/// Where and how loud to listen, and what became of it.
fn listen(ui: &mut Ui, state: &mut State, port: &Port, intents: &mut Vec<Intent>) {
    let palette = Palette::of(ui);
    let is_asked = state.listening.as_ref() == Some(port);
    let listened = state.live.as_ref().and_then(|live: &Live| live.listened.clone());
    let listened = listened.filter(|one| is_asked && one.port == *port);
    // What cannot be heard is not being listened to: pressed once more, it is tried again.
    let is_on = is_asked && listened.as_ref().is_none_or(|one| one.problem.is_none());
    let may = if is_on { Ok(()) } else { state.may_listen() };
    ui.horizontal(|ui| {
        if listen_button(ui, is_on, may, &palette) {
            intents.push(Intent::Listen(if is_on { None } else { Some(port.clone()) }));
        }
        let gain =
            DragValue::new(&mut state.listen_gain_db).range(LISTENING_GAINS_DB).speed(0.5).suffix(" dB");
        let gain = ui.add(gain.max_decimals(1));
        ui.ctx().accesskit_node_builder(gain.id, |node| node.set_label("Gain of listening"));
        let mut retuned =
            gain.on_hover_text("Gain of listening; nothing is louder than the ceiling").changed();
        let width = (ui.available_width() - 30.0).max(60.0);
        let field = Field { name: "Listen on", hint: "the system's own output", width, label_width: None };
        let choices = outputs(&state.interfaces);
        retuned |= pick(ui, &field, &mut state.listen_on, || choices, intents);
        if retuned && is_asked {
            intents.push(Intent::Listen(Some(port.clone())));
        }
    });
    if let Some(listened) = &listened {
        let (text, tone) = match &listened.problem {
            Some(problem) => (problem.clone(), palette.warn),
            None => (told(listened), palette.soft),
        };
        ui.add(Label::new(text_small(text).color(tone)).wrap());
    }
}

/// What became of listening, in words.
fn told(listened: &Listened) -> String {
    let on = if listened.interface.is_empty() { "not heard yet" } else { &listened.interface };
    format!(
        "on {on}: {} frames skipped, {} times nothing to play, {} samples cut by the ceiling",
        listened.skipped, listened.dry, listened.limited
    )
}

/// Interfaces that play, as choices.
fn outputs(interfaces: &Interfaces) -> Vec<(String, String)> {
    let Interfaces::Known(all) = interfaces else { return Vec::new() };
    let playing = all.iter().filter(|one| one.outputs() > 0);
    playing.map(|one| (one.id.clone(), format!("{}   {}", one.id, one.name))).collect()
}

/// The button with a headphone before its word.
fn listen_button(ui: &mut Ui, is_on: bool, may: Result<(), &'static str>, palette: &Palette) -> bool {
    let text = if is_on { "      Listening" } else { "      Listen" };
    let button = Button::selectable(is_on, text).frame_when_inactive(true).min_size(vec2(104.0, 28.0));
    let response = explained(ui.add_enabled(may.is_ok(), button), may);
    let spoken = if is_on { "Stop listening" } else { "Listen" };
    response.widget_info(|| WidgetInfo::labeled(Role::Button, may.is_ok(), spoken));
    let toggled = if is_on { Toggled::True } else { Toggled::False };
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_toggled(toggled));
    let rect = response.rect;
    let sign = Rect::from_center_size(pos2(rect.left() + 18.0, rect.center().y), vec2(14.0, 14.0));
    let color = if may.is_ok() { palette.ink } else { palette.soft.gamma_multiply(0.5) };
    paint_headphones(ui.painter(), sign, color);
    response.clicked()
}

/// Headphones in a square: a bow and two cups.
fn paint_headphones(painter: &Painter, square: Rect, color: egui::Color32) {
    let place = |x: f32, y: f32| square.min + vec2(x, y) * (square.width() / 16.0);
    let width = square.width() * 0.11;
    let bow: Vec<egui::Pos2> = (0..=12_u8)
        .map(|step| {
            let angle = std::f32::consts::PI * (1.0 + f32::from(step) / 12.0);
            place(8.0 + 6.0 * angle.cos(), 9.0 + 6.5 * angle.sin())
        })
        .collect();
    painter.add(egui::Shape::line(bow, Stroke::new(width, color)));
    for x in [2.0, 14.0] {
        let cup = Rect::from_center_size(place(x, 11.5), vec2(3.6, 6.0) * (square.width() / 16.0));
        painter.rect_filled(cup, 1.5, color);
    }
}
