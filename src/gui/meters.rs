//! The level meters: a row for each port, with its calibrated level beside that of the samples. A row that is pressed is
//! watched: its bands and spectrum are shown.

use egui::accesskit::{Role, Toggled};
use egui::{Align2, Color32, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::intent::Intent;
use super::look::{Palette, paint_line, text_small};
use super::mailbox::{Live, Meter};
use super::state::State;
use crate::event::{Reading, Side, Standing};
use crate::report::wording;
use crate::terms::Port;

/// The least width in points that all columns fit into.
pub(super) const WIDTH_MIN: f32 = 398.0;
/// The lowest level that a meter shows, in dBov.
const MIN_DBOV: f64 = -90.0;
const HEIGHT: f32 = 21.0;
/// What is left for the bar that scrolls, in points.
const SCROLL: f32 = 12.0;
/// The widths of the columns beside the bar, in points: name, level, dBov, peak, clips.
const NAME: f32 = 116.0;
const NUMBERS: [f32; 4] = [80.0, 42.0, 42.0, 36.0];

/// Shows the meters; fills what there is.
pub(super) fn show(ui: &mut Ui, state: &State, live: &Live, intents: &mut Vec<Intent>) {
    let palette = Palette::of(ui);
    head(ui, &palette);
    let mut keys: Vec<(Port, Side)> = live.meters.keys().map(|port| (port.clone(), Side::Recorded)).collect();
    keys.extend(live.watched.keys().cloned());
    keys.sort();
    keys.dedup();
    if keys.is_empty() {
        ui.label(text_small("no levels yet").color(palette.soft));
    }
    ScrollArea::vertical().id_salt("meters").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        for key in keys {
            let reading = live.watched.get(&key).map(|one| &*one.reading);
            // Numbers of one row belong to one moment: those of the reading, where there is one.
            let recorded = || live.meters.get(&key.0).filter(|_| key.1 == Side::Recorded).copied();
            let meter = reading.map(Meter::of).or_else(recorded);
            let is_watched = state.watched.as_ref() == Some(&key);
            let row = Row { port: &key.0, side: key.1, meter, reading, is_watched };
            if row.show(ui, &palette) {
                intents.push(Intent::Watch(key.0.clone(), key.1));
            }
        }
    });
}

/// The names of the columns.
fn head(ui: &mut Ui, palette: &Palette) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width() - SCROLL, 20.0), Sense::hover());
    let name = Rect::from_min_max(rect.min, pos2(rect.left() + NAME, rect.bottom()));
    paint_line(ui, name, Align2::LEFT_CENTER, "Levels", 14.0, palette.ink);
    for (cell, text) in cells(rect).into_iter().zip(["level", "dBov", "peak", "clips"]) {
        paint_line(ui, cell, Align2::RIGHT_CENTER, text, 12.0, palette.soft);
    }
}

/// The cells of the numbers, from the left.
fn cells(rect: Rect) -> [Rect; 4] {
    let mut left = rect.right() - NUMBERS.iter().sum::<f32>();
    NUMBERS.map(|width| {
        let cell = Rect::from_min_max(pos2(left, rect.top()), pos2(left + width, rect.bottom()));
        left += width;
        // Numbers of neighbors never touch.
        Rect::from_min_max(pos2(cell.left() + 4.0, cell.top()), cell.max)
    })
}

/// A port on the meters.
struct Row<'a> {
    port: &'a Port,
    side: Side,
    meter: Option<Meter>,
    reading: Option<&'a Reading>,
    is_watched: bool,
}

impl Row<'_> {
    fn name(&self) -> String {
        match self.side {
            Side::Recorded => self.port.name().to_owned(),
            Side::Played => format!("{}, played", self.port),
        }
    }

    /// Level, dBov, highest peak and clips, in words.
    fn numbers(&self) -> [String; 4] {
        let level = self.reading.map_or(String::new(), level);
        let dbov = self.meter.map_or(String::new(), |meter| wording::number(meter.rms_dbov, 1));
        // Never by color alone.
        let peak = match self.meter {
            Some(meter) if meter.highest_dbov >= 0.0 => "over".to_owned(),
            Some(meter) => wording::number(meter.highest_dbov, 1),
            None => String::new(),
        };
        let clips = self.reading.map_or(String::new(), |reading| reading.clipped.to_string());
        [level, dbov, peak, clips]
    }

    /// The row as those hear it who do not see it.
    fn spoken(&self) -> String {
        let [level, dbov, peak, clips] = self.numbers();
        let mut parts = Vec::new();
        if let Some(reading) = self.reading {
            let standing = match reading.standing {
                Standing::Calibrated => String::new(),
                other => format!(" {other}"),
            };
            parts.push(format!("{level}{standing}"));
        }
        if self.meter.is_some() {
            parts.push(format!("{dbov} dBov"));
            parts.push(format!("highest peak {peak}"));
        }
        if self.reading.is_some() {
            parts.push(format!("{clips} samples clipped"));
        }
        format!("{}: {}", self.name(), parts.join(", "))
    }

    /// Shows the row and gives whether it was pressed.
    fn show(&self, ui: &mut Ui, palette: &Palette) -> bool {
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width() - SCROLL, HEIGHT), Sense::click());
        let spoken = self.spoken();
        response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &spoken));
        let watched = if self.is_watched { Toggled::True } else { Toggled::False };
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_toggled(watched));
        if self.is_watched {
            ui.painter().rect_filled(rect, 2.0, palette.selected);
            ui.painter().vline(rect.left() + 1.0, rect.y_range(), Stroke::new(2.0, palette.accent));
        } else if response.hovered() {
            ui.painter().rect_filled(rect, 2.0, palette.hovered);
        }
        if response.has_focus() {
            ui.painter().rect_stroke(rect, 2.0, Stroke::new(1.0, palette.accent), StrokeKind::Inside);
        }
        let name =
            Rect::from_min_max(pos2(rect.left() + 5.0, rect.top()), pos2(rect.left() + NAME, rect.bottom()));
        paint_line(ui, name, Align2::LEFT_CENTER, &self.name(), 12.0, palette.ink);
        let cells = cells(rect);
        if let Some(meter) = &self.meter {
            let track = Rect::from_min_max(
                pos2(rect.left() + NAME + 6.0, rect.top() + 5.0),
                pos2(cells[0].left() - 4.0, rect.bottom() - 5.0),
            );
            paint_bar(ui, track, meter, palette);
        }
        let over = self.meter.is_some_and(|meter| meter.highest_dbov >= 0.0);
        let clips = self.reading.is_some_and(|reading| reading.clipped > 0);
        let uncalibrated = self.reading.is_some_and(|reading| reading.standing != Standing::Calibrated);
        let tones = [
            if uncalibrated { palette.soft } else { palette.ink },
            palette.soft,
            if over { palette.fail } else { palette.soft },
            if clips { palette.fail } else { palette.soft },
        ];
        for ((cell, text), tone) in cells.into_iter().zip(self.numbers()).zip(tones) {
            paint_line(ui, cell, Align2::RIGHT_CENTER, &text, 12.0, tone);
        }
        let clicked = response.clicked();
        response.on_hover_text(format!("{spoken}. Press to see bands and spectrum."));
        clicked
    }
}

/// The level of a reading with its unit.
fn level(reading: &Reading) -> String {
    format!("{} {}", wording::number(reading.level, 1), reading.unit)
}

/// The bar of a meter: RMS filled, the peak of the last block and the highest as lines.
fn paint_bar(ui: &Ui, track: Rect, meter: &Meter, palette: &Palette) {
    let over = meter.highest_dbov >= 0.0;
    let painter = ui.painter();
    painter.rect_filled(track, 2.0, palette.sheet);
    let place = |dbov: f64| {
        let part = ((dbov - MIN_DBOV) / -MIN_DBOV).clamp(0.0, 1.0) as f32;
        // A level that is no number is no level.
        track.left() + track.width() * if part.is_nan() { 0.0 } else { part }
    };
    let color: Color32 = if over { palette.fail } else { palette.pass };
    let filled = Rect::from_min_max(track.min, pos2(place(meter.rms_dbov), track.bottom()));
    painter.rect_filled(filled, 2.0, color.gamma_multiply(0.7));
    painter.vline(place(meter.peak_dbov), track.y_range(), Stroke::new(1.5, palette.soft));
    painter.vline(place(meter.highest_dbov), track.y_range().expand(2.0), Stroke::new(2.0, color));
    painter.rect_stroke(track, 2.0, Stroke::new(1.0, palette.line), StrokeKind::Outside);
}
