//! The fields and buttons of the bar: a text with a list of what there is, and buttons that say why they cannot be pressed.

use egui::{
    Align, Align2, Button, Color32, Layout, Popup, Response, RichText, ScrollArea, Sense, Shape, TextEdit,
    Ui, WidgetInfo, vec2,
};

use super::intent::Intent;
use super::look::Palette;

/// The widest list of choices, in points.
const CHOICES_HEIGHT_MAX: f32 = 360.0;
/// The height of a field, in points.
const HEIGHT: f32 = 26.0;
/// The width of the button that opens the list, in points.
pub(super) const ARROW: f32 = 22.0;

/// A field of the bar.
pub(super) struct Field<'a> {
    /// Its name, for those who hear it, and for the label before it.
    pub(super) name: &'static str,
    /// What an empty field means.
    pub(super) hint: &'a str,
    /// The width of the text, in points.
    pub(super) width: f32,
    /// The width of the label; `None`: no label is shown.
    pub(super) label_width: Option<f32>,
}

/// Names as choices.
pub(super) fn named(names: &[String]) -> Vec<(String, String)> {
    names.iter().map(|name| (name.clone(), name.clone())).collect()
}

/// A text field with a list of what there is, made when the list is opened. Gives whether something was chosen, or typed and entered.
pub(super) fn pick(
    ui: &mut Ui,
    field: &Field<'_>,
    text: &mut String,
    choices: impl FnOnce() -> Vec<(String, String)>,
    intents: &mut Vec<Intent>,
) -> bool {
    if let Some(width) = field.label_width {
        let size = vec2(width, ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(width);
            ui.label(field.name);
        });
    }
    ui.spacing_mut().item_spacing.x = 2.0;
    let mut chosen = typed(ui, field, text);
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

/// A text field. Gives whether its text was entered.
pub(super) fn typed(ui: &mut Ui, field: &Field<'_>, text: &mut String) -> bool {
    let edit = TextEdit::singleline(text).hint_text(field.hint.to_owned()).desired_width(field.width);
    let edit = ui.add(edit.min_size(vec2(0.0, HEIGHT)).align(Align2::LEFT_CENTER));
    ui.ctx().accesskit_node_builder(edit.id, |node| node.set_label(field.name));
    edit.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter))
}

fn arrow_button(ui: &mut Ui, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ARROW, HEIGHT), Sense::click());
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

/// A button that is filled while it may be pressed.
pub(super) fn emphasized(
    ui: &mut Ui,
    text: &str,
    may: Result<(), &'static str>,
    fill: Color32,
    palette: &Palette,
) -> Response {
    let button = if may.is_ok() {
        Button::new(RichText::new(text).color(palette.on_fill)).fill(fill)
    } else {
        Button::new(text)
    };
    explained(ui.add_enabled(may.is_ok(), button.min_size(vec2(64.0, 28.0))), may)
}

/// A plain button.
pub(super) fn button(ui: &mut Ui, text: &str, may: Result<(), &'static str>) -> Response {
    // What stands in a disabled group is pale already.
    let enabled = may.is_ok() || !ui.is_enabled();
    explained(ui.add_enabled(enabled, Button::new(text)), may)
}

/// A button that cannot be pressed says why: on hover, and to those who hear it.
pub(super) fn explained(response: Response, may: Result<(), &'static str>) -> Response {
    let Err(why) = may else { return response };
    response.ctx.accesskit_node_builder(response.id, |node| node.set_description(why));
    response.on_disabled_hover_text(why)
}
