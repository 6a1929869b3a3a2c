//! The selected entry: reason, findings, curves against their limits, and where everything comes from.

use egui::{CollapsingHeader, Frame, Label, Margin, RichText, ScrollArea, Sides, Stroke, Ui};

use super::detail::{Detail, LimitText, ResultText};
use super::look::{self, ChipSize, Palette, chip, text_small};
use super::state::State;

/// Shows the selected entry; fills what there is.
pub fn show(ui: &mut Ui, state: &State) {
    let palette = Palette::of(ui);
    let Some(detail) = state.detail() else {
        ui.centered_and_justified(|ui| {
            ui.label(RichText::new("No entry is selected").color(palette.soft));
        });
        return;
    };
    // The salt makes each entry keep its own place and its own zoom.
    ScrollArea::vertical().auto_shrink(false).id_salt(("entry", detail.id.text())).show(ui, |ui| {
        ui.set_width(ui.available_width());
        Frame::new().inner_margin(Margin { left: 4, right: 10, top: 4, bottom: 12 }).show(ui, |ui| {
            head(ui, detail, &palette);
            for (at, result) in detail.results.iter().enumerate() {
                ui.push_id(at, |ui| show_result(ui, result, &palette));
            }
            if !detail.limits.is_empty() {
                section(ui, "Limits", &palette);
                for limit in &detail.limits {
                    show_limit(ui, limit, &palette);
                }
            }
            trail(ui, detail);
        });
    });
}

fn head(ui: &mut Ui, detail: &Detail, palette: &Palette) {
    Sides::new().shrink_left().show(
        ui,
        |ui| ui.add(Label::new(RichText::new(&detail.title).size(18.0)).wrap()),
        |ui| chip(ui, detail.verdict, ChipSize::Large),
    );
    ui.add(Label::new(RichText::new(detail.id.text()).monospace().color(palette.soft)).wrap());
    ui.add(Label::new(text_small(&detail.conditions).color(palette.soft)).wrap());
    if !detail.flags.is_empty() {
        ui.horizontal_wrapped(|ui| {
            for flag in &detail.flags {
                look::flag(ui, *flag);
            }
        });
    }
    if !detail.reason.is_empty() {
        ui.add_space(4.0);
        let tone = palette.tone(detail.verdict);
        let frame = Frame::new().fill(palette.sheet).corner_radius(4).inner_margin(Margin::symmetric(12, 8));
        let shown = frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.add(Label::new(&detail.reason).wrap());
        });
        let rect = shown.response.rect;
        let x = rect.left() + 1.5;
        ui.painter().vline(x, rect.y_range(), Stroke::new(3.0, tone));
    }
    for line in &detail.calls {
        ui.add(Label::new(text_small(line)).wrap());
    }
    ui.add_space(4.0);
}

fn show_result(ui: &mut Ui, result: &ResultText, palette: &Palette) {
    ui.add_space(4.0);
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(4)
        .inner_margin(Margin::symmetric(10, 7));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 3.0;
        let measurand = RichText::new(&result.measurand).monospace();
        Sides::new().shrink_left().show(
            ui,
            |ui| match &result.curve {
                Some(_) => ui.add(Label::new(measurand.clone()).truncate()),
                None => ui.add(Label::new(RichText::new(&result.value).size(17.0)).truncate()),
            },
            |ui| {
                if let Some(verdict) = result.verdict {
                    chip(ui, verdict, ChipSize::Small);
                }
            },
        );
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().interact_size.y = 0.0;
            match &result.curve {
                Some(_) => ui.label(text_small(&result.value).color(palette.soft)),
                None => ui.label(measurand.color(palette.soft)),
            };
            ui.label(text_small(result.meaning).color(palette.soft));
        });
        if !(result.limit.is_empty() && result.margin.is_empty()) {
            ui.horizontal_wrapped(|ui| {
                if !result.limit.is_empty() {
                    ui.label(RichText::new("limit").color(palette.soft));
                    ui.label(&result.limit);
                    if let Some(class) = result.class {
                        look::class(ui, class);
                    }
                }
                if !result.margin.is_empty() {
                    ui.add_space(6.0);
                    ui.label(RichText::new("margin").color(palette.soft));
                    let color = if result.outside { palette.fail } else { palette.ink };
                    ui.label(RichText::new(&result.margin).color(color));
                }
            });
        }
        if !result.reason.is_empty() {
            ui.add(Label::new(&result.reason).wrap());
        }
        if let Some(curve) = &result.curve {
            ui.add_space(4.0);
            curve.show(ui);
        }
    });
}

fn section(ui: &mut Ui, name: &str, palette: &Palette) {
    ui.add_space(10.0);
    ui.label(text_small(name).color(palette.soft));
    ui.separator();
}

fn show_limit(ui: &mut Ui, limit: &LimitText, palette: &Palette) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(&limit.id).monospace());
        look::class(ui, limit.class);
    });
    ui.add(Label::new(&limit.rule).wrap());
    ui.add(Label::new(text_small(&limit.source).color(palette.soft)).wrap());
    if !limit.origins.is_empty() {
        let written = format!("written in {}", limit.origins);
        ui.add(Label::new(text_small(written).color(palette.soft)).wrap());
    }
    ui.add_space(4.0);
}

fn trail(ui: &mut Ui, detail: &Detail) {
    ui.add_space(8.0);
    CollapsingHeader::new("Method, takes and calibration").id_salt("trail").default_open(true).show(
        ui,
        |ui| {
            for (name, text) in &detail.trail {
                look::named(ui, name, 82.0, text_small(text));
            }
        },
    );
}
