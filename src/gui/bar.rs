//! The bar at the top: what to open, on what to record, and the buttons that start and stop.

use egui::{
    Align, Align2, Button, Layout, Popup, RichText, ScrollArea, Sense, Shape, TextEdit, Theme, Ui,
    WidgetInfo, vec2,
};

use super::intent::Intent;
use super::look::{Palette, text_small};
use super::state::{Job, State};
use crate::run::RunSummary;

/// The widest list of choices, in points.
const CHOICES_HEIGHT_MAX: f32 = 360.0;

/// Shows the bar. Texts are typed into the form of the state; everything else is an intent.
pub fn show(ui: &mut Ui, state: &mut State, intents: &mut Vec<Intent>) {
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        // From the right end first, so that the fields take what is left.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            controls(ui, state, intents);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| record_row(ui, state, intents));
        });
    });
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            theme_button(ui);
            ui.add_space(6.0);
            busy(ui, state);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| stored_row(ui, state, intents));
        });
    });
    ui.add_space(2.0);
}

fn record_row(ui: &mut Ui, state: &mut State, intents: &mut Vec<Intent>) {
    let may_open = state.may_open();
    let room = ui.available_width();
    let car_hint = match state.plan().and_then(|plan| plan.default_car.as_ref()) {
        Some(car) => format!("{car} (the plan's)"),
        None => "the plan's car".to_owned(),
    };
    ui.add_enabled_ui(may_open.is_ok(), |ui| {
        let field = Field { name: "Plan", hint: "file or name", width: room * 0.29, label_width: 32.0 };
        if pick(ui, &field, &mut state.form.plan, || named(&state.lists.plans), intents) {
            intents.push(Intent::OpenPlan);
        }
        if button(ui, "Open plan", may_open).clicked() {
            intents.push(Intent::OpenPlan);
        }
        ui.add_space(8.0);
        let field = Field { name: "Car", hint: &car_hint, width: room * 0.21, label_width: 0.0 };
        pick(ui, &field, &mut state.form.car, || named(&state.lists.cars), intents);
        ui.add_space(8.0);
        let field = Field { name: "Device", hint: "no record", width: room * 0.18, label_width: 0.0 };
        pick(ui, &field, &mut state.form.device, || named(&state.lists.devices), intents);
    });
}

fn stored_row(ui: &mut Ui, state: &mut State, intents: &mut Vec<Intent>) {
    let may_open = state.may_open();
    let room = ui.available_width();
    let mut open = false;
    ui.add_enabled_ui(may_open.is_ok(), |ui| {
        let field =
            Field { name: "Run", hint: "folder of a stored run", width: room * 0.55, label_width: 32.0 };
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

/// Start and stop; laid out from the right.
fn controls(ui: &mut Ui, state: &State, intents: &mut Vec<Intent>) {
    let palette = Palette::of(ui);
    let may_stop = state.may_stop();
    if emphasized(ui, "Stop", may_stop, palette.fail, &palette).clicked() {
        intents.push(Intent::Stop);
    }
    if emphasized(ui, "Start", state.may_start(), palette.accent, &palette).clicked() {
        intents.push(Intent::Start);
    }
}

fn emphasized(
    ui: &mut Ui,
    text: &str,
    may: Result<(), &'static str>,
    fill: egui::Color32,
    palette: &Palette,
) -> egui::Response {
    let button = if may.is_ok() {
        Button::new(RichText::new(text).color(palette.on_fill)).fill(fill)
    } else {
        Button::new(text)
    };
    explained(ui.add_enabled(may.is_ok(), button.min_size(vec2(64.0, 28.0))), may)
}

fn button(ui: &mut Ui, text: &str, may: Result<(), &'static str>) -> egui::Response {
    // What stands in a disabled group is pale already.
    let enabled = may.is_ok() || !ui.is_enabled();
    explained(ui.add_enabled(enabled, Button::new(text)), may)
}

/// A button that cannot be pressed says why.
fn explained(response: egui::Response, may: Result<(), &'static str>) -> egui::Response {
    match may {
        Ok(()) => response,
        Err(why) => response.on_disabled_hover_text(why),
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

fn busy(ui: &mut Ui, state: &State) {
    let palette = Palette::of(ui);
    let text = match state.job {
        None => return,
        Some(Job::Opening) => "reading and checking",
        Some(Job::Recording { stopping: false }) => "recording",
        Some(Job::Recording { stopping: true }) => "stopping",
    };
    ui.label(text_small(text).color(palette.accent));
    ui.add(egui::Spinner::new().size(14.0).color(palette.accent));
}

/// A field of the bar.
struct Field<'a> {
    name: &'static str,
    hint: &'a str,
    width: f32,
    label_width: f32,
}

/// Names as choices.
fn named(names: &[String]) -> Vec<(String, String)> {
    names.iter().map(|name| (name.clone(), name.clone())).collect()
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

/// A text field with a list of what there is, made when the list is opened. Gives whether something was chosen, or typed and entered.
fn pick(
    ui: &mut Ui,
    field: &Field<'_>,
    text: &mut String,
    choices: impl FnOnce() -> Vec<(String, String)>,
    intents: &mut Vec<Intent>,
) -> bool {
    let size = vec2(field.label_width, ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(field.label_width);
        ui.label(field.name);
    });
    ui.spacing_mut().item_spacing.x = 2.0;
    let edit = TextEdit::singleline(text).hint_text(field.hint.to_owned()).desired_width(field.width);
    let edit = ui.add(edit.min_size(vec2(0.0, 26.0)).align(Align2::LEFT_CENTER));
    ui.ctx().accesskit_node_builder(edit.id, |node| node.set_label(field.name));
    let mut chosen = edit.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    let arrow = arrow_button(ui, field.name);
    if arrow.clicked() {
        intents.push(Intent::Refresh);
    }
    Popup::menu(&arrow).show(|ui| {
        ScrollArea::vertical().max_height(CHOICES_HEIGHT_MAX).show(ui, |ui| {
            let choices = choices();
            if choices.is_empty() {
                ui.label("nothing found; type a path");
            }
            for (value, shown) in choices {
                if ui.selectable_label(value == *text, shown).clicked() {
                    *text = value;
                    chosen = true;
                    ui.close();
                }
            }
        });
    });
    ui.spacing_mut().item_spacing.x = 8.0;
    chosen && !text.trim().is_empty()
}

fn arrow_button(ui: &mut Ui, name: &str) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(22.0, 26.0), Sense::click());
    let visuals = ui.style().interact(&response);
    ui.painter().rect(
        rect.shrink(0.5),
        visuals.corner_radius,
        visuals.weak_bg_fill,
        visuals.bg_stroke,
        egui::StrokeKind::Inside,
    );
    let center = rect.center();
    let points = vec![center + vec2(-4.0, -2.0), center + vec2(4.0, -2.0), center + vec2(0.0, 3.0)];
    ui.painter().add(Shape::convex_polygon(points, visuals.fg_stroke.color, egui::Stroke::NONE));
    response.widget_info(|| {
        WidgetInfo::labeled(
            egui::accesskit::Role::Button,
            ui.is_enabled(),
            format!("Choose {}", name.to_lowercase()),
        )
    });
    response
}
