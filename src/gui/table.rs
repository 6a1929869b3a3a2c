//! The entries in the order of the plan: a row each, with its verdict, value, limit, margin and flags.

use egui::accesskit::Role;
use egui::{Align2, Key, Modifiers, Rect, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::intent::Intent;
use super::look::{ChipSize, Palette, paint_chip, paint_line};
use super::rows::Row;
use super::state::State;
use crate::report::wording;
use crate::verdict::Verdict;

/// The height of a row: two lines.
const ROW_HEIGHT: f32 = 42.0;
const HEAD_HEIGHT: f32 = 24.0;
/// Rows that Page Up and Page Down move by.
const PAGE_ROWS: isize = 10;
const PADDING: f32 = 10.0;

/// Where the columns stand, as horizontal ranges.
struct Columns {
    clause: (f32, f32),
    entry: (f32, f32),
    verdict: (f32, f32),
    value: (f32, f32),
    limit: (f32, f32),
    margin: (f32, f32),
    flags: (f32, f32),
}

impl Columns {
    /// Fixed columns have the width of what stands in them; the entry and the flags share the rest.
    fn of(left: f32, right: f32) -> Self {
        const GAP: f32 = 12.0;
        let fixed = [48.0, 101.0, 114.0, 102.0, 98.0];
        let rest = (right - left - 2.0 * PADDING - 6.0 * GAP - fixed.iter().sum::<f32>()).max(160.0);
        let widths = [fixed[0], rest * 0.55, fixed[1], fixed[2], fixed[3], fixed[4], rest * 0.45];
        let mut x = left + PADDING;
        let mut next = widths.into_iter().map(|width| {
            let column = (x, x + width);
            x += width + GAP;
            column
        });
        let mut column = || next.next().unwrap_or((right, right));
        Self {
            clause: column(),
            entry: column(),
            verdict: column(),
            value: column(),
            limit: column(),
            margin: column(),
            flags: column(),
        }
    }
}

/// Shows the table; fills what there is.
pub fn show(ui: &mut Ui, state: &State, intents: &mut Vec<Intent>) {
    keys(ui, intents);
    let palette = Palette::of(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    let (head, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEAD_HEIGHT), Sense::hover());
    let bar_width = ui.spacing().scroll.allocated_width();
    let columns = Columns::of(head.left(), head.right() - bar_width);
    show_head(ui, head, &columns, &palette);
    ScrollArea::vertical().auto_shrink(false).id_salt("entries").show_viewport(ui, |ui, viewport| {
        let rows = state.rows();
        ui.set_height(rows.len() as f32 * ROW_HEIGHT);
        let top = ui.max_rect().top();
        let (left, right) = (head.left(), head.right());
        let row_rect = |at: usize| {
            let y = top + at as f32 * ROW_HEIGHT;
            Rect::from_min_max(pos2(left, y), pos2(right, y + ROW_HEIGHT))
        };
        let selected = state.selected_row();
        if let Some(at) = selected.filter(|_| state.reveal) {
            ui.scroll_to_rect(row_rect(at), None);
        }
        let first = (viewport.min.y / ROW_HEIGHT).floor().max(0.0) as usize;
        let last = ((viewport.max.y / ROW_HEIGHT).ceil().max(0.0) as usize).min(rows.len());
        for (at, row) in rows.iter().enumerate().take(last).skip(first) {
            let look = RowLook {
                selected: selected == Some(at),
                waiting: row.verdict == Verdict::NotRun && state.is_recording(),
            };
            if show_row(ui, row_rect(at), row, look, &columns, &palette) {
                intents.push(Intent::Select(row.id.clone()));
            }
        }
    });
}

/// Up and down move the selection, unless a text is being typed or a list is open.
fn keys(ui: &Ui, intents: &mut Vec<Intent>) {
    if ui.egui_wants_keyboard_input() || egui::Popup::is_any_open(ui.ctx()) {
        return;
    }
    for (key, rows) in [
        (Key::ArrowDown, 1),
        (Key::ArrowUp, -1),
        (Key::PageDown, PAGE_ROWS),
        (Key::PageUp, -PAGE_ROWS),
        (Key::Home, -isize::MAX),
        (Key::End, isize::MAX),
    ] {
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, key)) {
            intents.push(Intent::Step(rows));
        }
    }
}

fn show_head(ui: &Ui, rect: Rect, columns: &Columns, palette: &Palette) {
    for (column, name, align) in [
        (columns.clause, "Clause", Align2::LEFT_CENTER),
        (columns.entry, "Entry", Align2::LEFT_CENTER),
        (columns.verdict, "Verdict", Align2::LEFT_CENTER),
        (columns.value, "Value", Align2::RIGHT_CENTER),
        (columns.limit, "Limit", Align2::LEFT_CENTER),
        (columns.margin, "Margin", Align2::RIGHT_CENTER),
        (columns.flags, "Flags", Align2::LEFT_CENTER),
    ] {
        let cell = Rect::from_x_y_ranges(column.0..=column.1, rect.y_range());
        paint_line(ui, cell, align, name, 12.0, palette.soft);
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.line));
}

/// What a row cannot say of itself.
#[derive(Clone, Copy)]
struct RowLook {
    selected: bool,
    /// Not judged yet, in a recording that goes on.
    waiting: bool,
}

/// Shows a row. Gives whether it was clicked.
fn show_row(
    ui: &Ui,
    rect: Rect,
    row: &Row,
    RowLook { selected, waiting }: RowLook,
    columns: &Columns,
    palette: &Palette,
) -> bool {
    // Not in the order of Tab: the arrow keys move among rows, and a plan may have hundreds.
    let response = ui.interact(rect, ui.scope_id().with(row.id.text()), Sense::CLICK);
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, selected, &row.spoken));
    let painter = ui.painter();
    if selected || response.hovered() {
        let fill = if selected { palette.selected } else { palette.hovered };
        painter.rect_filled(rect, 0.0, fill);
    }
    if selected {
        let bar = Rect::from_min_max(rect.min, pos2(rect.left() + 3.0, rect.bottom()));
        painter.rect_filled(bar, 0.0, palette.accent);
    }
    painter.hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.line.gamma_multiply(0.6)));
    let (upper, lower) = (rect.top() + 4.0..=rect.top() + 22.0, rect.top() + 21.0..=rect.bottom() - 3.0);
    let cell = |column: (f32, f32), lines: &std::ops::RangeInclusive<f32>| {
        Rect::from_x_y_ranges(column.0..=column.1, lines.clone())
    };
    let pointer = ui.input(|input| input.pointer.hover_pos());
    let mut told = false;
    let mut line = |column, lines, align, text: &str, size, color| {
        let cell = cell(column, lines);
        let cut = paint_line(ui, cell, align, text, size, color);
        told |= cut && pointer.is_some_and(|at| cell.contains(at));
    };
    let (left, right) = (Align2::LEFT_CENTER, Align2::RIGHT_CENTER);
    let (ink, soft) = (palette.ink, palette.soft);
    line(columns.clause, &upper, left, &row.clause, 14.0, soft);
    line(columns.entry, &upper, left, row.id.text(), 14.0, ink);
    line(columns.entry, &lower, left, &row.title, 12.0, soft);
    line(columns.value, &upper, right, &row.value, 14.0, ink);
    line(columns.value, &lower, right, &row.value_of, 12.0, soft);
    line(columns.limit, &upper, left, &row.limit, 14.0, ink);
    let class = row.class.map_or(String::new(), |class| format!("class {class}"));
    line(columns.limit, &lower, left, &class, 12.0, soft);
    line(columns.margin, &upper, right, &row.margin, 14.0, if row.outside { palette.fail } else { ink });
    line(columns.margin, &lower, right, &row.margin_at, 12.0, soft);
    let (first, second) = flag_lines(row);
    line(columns.flags, &upper, left, &first, 11.5, soft);
    line(columns.flags, &lower, left, &second, 11.5, soft);
    if waiting {
        let whole = cell(columns.verdict, &(rect.top()..=rect.bottom()));
        paint_line(ui, whole, left, "waiting", 13.0, soft);
    } else {
        let place = pos2(columns.verdict.0, rect.center().y);
        paint_chip(painter, place, row.verdict, ChipSize::Small, palette);
    }
    let on_flags = pointer.is_some_and(|at| at.x >= columns.flags.0);
    let clicked = response.clicked();
    if told || (on_flags && !row.flags.is_empty()) {
        response.on_hover_ui_at_pointer(|ui| hint(ui, row));
    }
    clicked
}

/// Two lines of flags; what does not fit is counted and told on hover.
fn flag_lines(row: &Row) -> (String, String) {
    let word = |at: usize| row.flags.get(at).map_or(String::new(), |flag| flag.word().to_owned());
    let second = match row.flags.len() {
        0..=2 => word(1),
        more => format!("{}, +{}", word(1), more - 2),
    };
    (word(0), second)
}

/// The whole row, for what was cut off.
fn hint(ui: &mut Ui, row: &Row) {
    ui.set_max_width(420.0);
    ui.label(row.id.text());
    ui.label(&row.title);
    for (name, text) in [("Value", &row.value), ("Measurand", &row.value_of), ("Limit", &row.limit)] {
        if !text.is_empty() {
            ui.label(format!("{name}: {text}"));
        }
    }
    for flag in &row.flags {
        ui.label(format!("{flag}: {}", wording::flag_meaning(*flag)));
    }
}
