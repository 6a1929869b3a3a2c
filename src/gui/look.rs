//! How the window looks: colors for light and dark, text sizes, and verdicts as chips with sign and word.

use egui::epaint::{CornerRadius, PathShape, PathStroke, RectShape};
use egui::{Align2, Color32, FontFamily, FontId, Painter, Pos2, Rect, RichText, Sense, Stroke, StrokeKind};
use egui::{TextStyle, Theme, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::report::wording;
use crate::terms::LimitClass;
use crate::verdict::{Flag, Verdict};

/// The size of small text in points.
const SMALL: f32 = 12.0;
/// The size of text in points.
const BODY: f32 = 14.0;

/// The colors of the window. The same as those of the HTML report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Palette {
    /// Text.
    pub ink: Color32,
    /// Text of less weight.
    pub soft: Color32,
    /// The ground of panels.
    pub paper: Color32,
    /// The ground of what stands out.
    pub sheet: Color32,
    /// Lines between things.
    pub line: Color32,
    /// Pass.
    pub pass: Color32,
    /// Fail and error.
    pub fail: Color32,
    /// Inconclusive and aborted.
    pub warn: Color32,
    /// Measured and not run.
    pub calm: Color32,
    /// Text on a ground of verdict color.
    pub on_fill: Color32,
    /// What is selected.
    pub selected: Color32,
    /// What the pointer is on.
    pub hovered: Color32,
    /// Links and what is under way.
    pub accent: Color32,
    /// Lines of curves.
    pub traces: [Color32; 4],
    /// Lines of limits.
    pub edge: Color32,
    /// What a limit forbids.
    pub zone: Color32,
    /// The grid of plots.
    pub grid: Color32,
}

const LIGHT: Palette = Palette {
    ink: Color32::from_rgb(0x17, 0x1c, 0x22),
    soft: Color32::from_rgb(0x4d, 0x58, 0x64),
    paper: Color32::from_rgb(0xff, 0xff, 0xff),
    sheet: Color32::from_rgb(0xf1, 0xf4, 0xf7),
    line: Color32::from_rgb(0xd0, 0xd7, 0xde),
    pass: Color32::from_rgb(0x17, 0x70, 0x3a),
    fail: Color32::from_rgb(0xb3, 0x22, 0x1b),
    warn: Color32::from_rgb(0x8a, 0x5a, 0x00),
    calm: Color32::from_rgb(0x44, 0x50, 0x5c),
    on_fill: Color32::from_rgb(0xff, 0xff, 0xff),
    selected: Color32::from_rgb(0xd9, 0xe8, 0xf7),
    hovered: Color32::from_rgb(0xee, 0xf3, 0xf8),
    accent: Color32::from_rgb(0x0b, 0x55, 0x9e),
    traces: [
        Color32::from_rgb(0x0b, 0x55, 0x9e),
        Color32::from_rgb(0xa8, 0x48, 0x1a),
        Color32::from_rgb(0x5b, 0x46, 0x99),
        Color32::from_rgb(0x1a, 0x7a, 0x72),
    ],
    edge: Color32::from_rgb(0xb3, 0x22, 0x1b),
    zone: Color32::from_rgba_unmultiplied_const(0xb3, 0x22, 0x1b, 18),
    grid: Color32::from_rgb(0x9a, 0xa6, 0xb2),
};

const DARK: Palette = Palette {
    ink: Color32::from_rgb(0xe7, 0xeb, 0xef),
    soft: Color32::from_rgb(0x9f, 0xab, 0xb7),
    paper: Color32::from_rgb(0x12, 0x16, 0x1b),
    sheet: Color32::from_rgb(0x1c, 0x22, 0x2a),
    line: Color32::from_rgb(0x38, 0x42, 0x4d),
    pass: Color32::from_rgb(0x5f, 0xca, 0x86),
    fail: Color32::from_rgb(0xff, 0x8a, 0x80),
    warn: Color32::from_rgb(0xe7, 0xb2, 0x4c),
    calm: Color32::from_rgb(0xb3, 0xbe, 0xc9),
    on_fill: Color32::from_rgb(0x12, 0x16, 0x1b),
    selected: Color32::from_rgb(0x20, 0x36, 0x4d),
    hovered: Color32::from_rgb(0x1d, 0x26, 0x30),
    accent: Color32::from_rgb(0x7d, 0xb8, 0xf2),
    traces: [
        Color32::from_rgb(0x7d, 0xb8, 0xf2),
        Color32::from_rgb(0xf0, 0xa0, 0x6c),
        Color32::from_rgb(0xb8, 0xa4, 0xf0),
        Color32::from_rgb(0x69, 0xcf, 0xc3),
    ],
    edge: Color32::from_rgb(0xff, 0x8a, 0x80),
    zone: Color32::from_rgba_unmultiplied_const(0xff, 0x8a, 0x80, 26),
    grid: Color32::from_rgb(0x6a, 0x76, 0x82),
};

impl Palette {
    /// The colors of a theme.
    pub const fn of_theme(theme: Theme) -> Self {
        match theme {
            Theme::Light => LIGHT,
            Theme::Dark => DARK,
        }
    }

    /// The colors of the theme that is on.
    pub fn of(ui: &Ui) -> Self {
        if ui.visuals().dark_mode { DARK } else { LIGHT }
    }

    /// The color of a verdict. Never the only sign of it.
    pub const fn tone(&self, verdict: Verdict) -> Color32 {
        match verdict {
            Verdict::Pass => self.pass,
            Verdict::Fail | Verdict::Error => self.fail,
            Verdict::Inconclusive | Verdict::Aborted => self.warn,
            Verdict::Measured | Verdict::NotRun => self.calm,
        }
    }
}

/// Dresses both themes.
pub fn dress(ctx: &egui::Context) {
    for theme in [Theme::Light, Theme::Dark] {
        ctx.style_mut_of(theme, |style| dress_style(style, &Palette::of_theme(theme)));
    }
}

fn dress_style(style: &mut egui::Style, palette: &Palette) {
    let proportional = |size| FontId::new(size, FontFamily::Proportional);
    style.text_styles = [
        (TextStyle::Small, proportional(SMALL)),
        (TextStyle::Body, proportional(BODY)),
        (TextStyle::Button, proportional(BODY)),
        (TextStyle::Heading, proportional(19.0)),
        (TextStyle::Monospace, FontId::new(12.5, FontFamily::Monospace)),
    ]
    .into();
    style.spacing.item_spacing = vec2(8.0, 5.0);
    style.spacing.button_padding = vec2(10.0, 4.0);
    style.spacing.interact_size.y = 26.0;
    style.spacing.scroll.bar_width = 8.0;
    let visuals = &mut style.visuals;
    visuals.panel_fill = palette.paper;
    visuals.window_fill = palette.paper;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.extreme_bg_color = palette.sheet;
    visuals.faint_bg_color = palette.sheet;
    visuals.text_edit_bg_color = Some(palette.paper);
    visuals.weak_text_color = Some(palette.soft);
    visuals.hyperlink_color = palette.accent;
    visuals.disabled_alpha = 0.38;
    visuals.warn_fg_color = palette.warn;
    visuals.error_fg_color = palette.fail;
    visuals.selection.bg_fill = palette.selected;
    visuals.selection.stroke = Stroke::new(1.0, palette.ink);
    let widgets = &mut visuals.widgets;
    widgets.noninteractive.fg_stroke.color = palette.ink;
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, palette.line);
    for widget in [&mut widgets.inactive, &mut widgets.hovered, &mut widgets.active, &mut widgets.open] {
        widget.fg_stroke.color = palette.ink;
        widget.bg_stroke = Stroke::new(1.0, palette.line);
        widget.weak_bg_fill = palette.sheet;
        widget.bg_fill = palette.sheet;
        widget.expansion = 0.0;
    }
    widgets.hovered.weak_bg_fill = palette.hovered;
    widgets.hovered.bg_stroke.color = palette.soft;
    widgets.active.weak_bg_fill = palette.selected;
    widgets.active.bg_stroke.color = palette.accent;
}

/// Small text.
pub fn text_small(text: impl Into<String>) -> RichText {
    RichText::new(text).size(SMALL)
}

/// Text of a size in the font of the window.
pub fn font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// How large a chip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChipSize {
    /// In a row.
    Small,
    /// Beside a heading.
    Large,
}

impl ChipSize {
    const fn measures(self) -> (f32, f32) {
        match self {
            Self::Small => (13.0, 22.0),
            Self::Large => (17.0, 30.0),
        }
    }
}

/// A verdict as a chip: sign, word and color.
pub fn chip(ui: &mut Ui, verdict: Verdict, size: ChipSize) {
    let width = chip_width(ui.painter(), verdict, size);
    let (rect, response) = ui.allocate_exact_size(vec2(width, size.measures().1), Sense::hover());
    let palette = Palette::of(ui);
    paint_chip(ui.painter(), rect.left_center(), verdict, size, &palette);
    response
        .widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Status, true, wording::verdict(verdict)));
    response.on_hover_text(wording::verdict_meaning(verdict));
}

fn chip_width(painter: &Painter, verdict: Verdict, size: ChipSize) -> f32 {
    let (letters, height) = size.measures();
    let word = wording::verdict(verdict).to_owned();
    let galley = painter.layout_no_wrap(word, font(letters), Color32::PLACEHOLDER);
    galley.size().x + height * 1.25
}

/// Paints a chip with its left end at `left`. A fail is filled: it is what must not be overlooked.
pub fn paint_chip(painter: &Painter, left: Pos2, verdict: Verdict, size: ChipSize, palette: &Palette) {
    let (letters, height) = size.measures();
    let tone = palette.tone(verdict);
    let loud = matches!(verdict, Verdict::Fail | Verdict::Error);
    let (fill, ink) = if loud { (tone, palette.on_fill) } else { (tone.gamma_multiply(0.10), tone) };
    let galley = painter.layout_no_wrap(wording::verdict(verdict).to_owned(), font(letters), ink);
    let width = galley.size().x + height * 1.25;
    let rect = Rect::from_min_size(left - vec2(0.0, height / 2.0), vec2(width, height));
    let stroke = Stroke::new(1.0, if loud { tone } else { tone.gamma_multiply(0.45) });
    let corners = CornerRadius::same(4);
    painter.add(RectShape::new(rect, corners, fill, stroke, StrokeKind::Inside));
    let side = height * 0.55;
    let sign = Rect::from_center_size(pos2(rect.left() + height * 0.55, rect.center().y), Vec2::splat(side));
    paint_sign(painter, sign, verdict, ink);
    let place = pos2(rect.left() + height * 0.97, rect.center().y - galley.size().y / 2.0);
    painter.galley(place, galley, ink);
}

/// The sign of a verdict, the same as in the HTML report: lines in a square of 16.
fn paint_sign(painter: &Painter, square: Rect, verdict: Verdict, color: Color32) {
    let stroke = Stroke::new(square.width() * 0.14, color);
    let place = |(x, y): (f32, f32)| square.min + vec2(x, y) * (square.width() / 16.0);
    let line = |points: &[(f32, f32)]| {
        let points: Vec<Pos2> = points.iter().copied().map(place).collect();
        painter.add(PathShape::line(points, PathStroke::new(stroke.width, color)));
    };
    let dot = |at: (f32, f32)| {
        painter.circle_filled(place(at), stroke.width * 0.65, color);
    };
    match verdict {
        Verdict::Pass => line(&[(2.5, 8.5), (6.3, 12.5), (13.5, 4.0)]),
        Verdict::Fail => {
            line(&[(3.5, 3.5), (12.5, 12.5)]);
            line(&[(12.5, 3.5), (3.5, 12.5)]);
        }
        Verdict::Inconclusive => {
            line(&[(5.0, 5.6), (5.6, 3.4), (8.0, 2.5), (10.4, 3.4), (11.0, 5.4), (10.0, 7.3), (8.3, 8.6)]);
            line(&[(8.3, 8.6), (8.0, 10.2)]);
            dot((8.0, 13.6));
        }
        Verdict::Measured => {
            line(&[(2.0, 12.0), (14.0, 12.0)]);
            for (x, top) in [(4.5, 8.0), (8.0, 4.0), (11.5, 8.0)] {
                line(&[(x, 12.0), (x, top)]);
            }
        }
        Verdict::NotRun => {
            painter.circle_stroke(square.center(), square.width() * 0.34, stroke);
        }
        Verdict::Aborted => {
            let inner = Rect::from_min_max(place((3.5, 3.5)), place((12.5, 12.5)));
            painter.rect_stroke(inner, 1.0, stroke, StrokeKind::Middle);
        }
        Verdict::Error => {
            line(&[(8.0, 2.0), (14.8, 13.8), (1.2, 13.8), (8.0, 2.0)]);
            line(&[(8.0, 6.0), (8.0, 9.5)]);
            dot((8.0, 11.8));
        }
    }
}

/// A flag as a small label with its meaning on hover.
pub fn flag(ui: &mut Ui, flag: Flag) {
    tag(ui, flag.word(), wording::flag_meaning(flag));
}

/// The class of a limit as a small label with its meaning on hover.
pub fn class(ui: &mut Ui, class: LimitClass) {
    tag(ui, &format!("class {class}"), wording::class_meaning(class));
}

fn tag(ui: &mut Ui, text: &str, meaning: &str) {
    let palette = Palette::of(ui);
    let frame = egui::Frame::new()
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(3)
        .inner_margin(egui::Margin::symmetric(5, 1));
    let shown = frame.show(ui, |ui| ui.add(egui::Label::new(text_small(text).color(palette.soft)).extend()));
    shown.response.on_hover_text(meaning);
}

/// A text with its name before it, in a column of `width` points.
pub fn named(ui: &mut Ui, name: &str, width: f32, text: RichText) {
    let palette = Palette::of(ui);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().interact_size.y = 0.0;
        ui.allocate_ui(vec2(width, 0.0), |ui| {
            ui.set_min_width(width);
            ui.add(egui::Label::new(text_small(name).color(palette.soft)).extend());
        });
        ui.add(egui::Label::new(text).wrap());
    });
}

/// One line of text, cut off with an ellipsis where there is no room. Gives whether it was cut off.
pub fn paint_line(ui: &Ui, rect: Rect, align: Align2, text: &str, size: f32, color: Color32) -> bool {
    if text.is_empty() {
        return false;
    }
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font(size), color);
    job.wrap.max_width = rect.width().max(1.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    let galley = ui.painter().layout_job(job);
    let elided = galley.elided;
    let place = align.align_size_within_rect(galley.size(), rect).min;
    ui.painter().galley(place, galley, color);
    elided
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of WCAG 2.
    fn luminance(color: Color32) -> f64 {
        let linear = |byte: u8| {
            let value = f64::from(byte) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_is_readable_in_light_and_dark() {
        for palette in [LIGHT, DARK] {
            for ground in [palette.paper, palette.sheet, palette.selected, palette.hovered] {
                for text in [palette.ink, palette.soft, palette.pass, palette.warn, palette.calm] {
                    // WCAG 2 level AA asks for 4.5 : 1 of small text.
                    assert!(
                        contrast(text, ground) >= 4.5,
                        "{text:?} on {ground:?}: {}",
                        contrast(text, ground)
                    );
                }
            }
            assert!(contrast(palette.on_fill, palette.fail) >= 4.5);
        }
    }
}
