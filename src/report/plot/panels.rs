//! A take on one page: the level of each port against time, one panel under the other, and the named parts of the take as bars
//! below. Nothing lies over anything else, so that it reads in black and white.

use super::super::markup::Markup;
use super::super::wording;
use super::path::{self, unit};
use super::scale::{Across, Scale, Tick, drawable, range_of};
use super::{WIDTH, rectangle, words};
use crate::finding::scene::{Line, Scene, Stretch};

const LEFT: f64 = 176.0;
const RIGHT: f64 = 748.0;
/// Room above the first panel.
const TOP: f64 = 8.0;
/// The height of a panel and the distance to the next one.
const PANEL: f64 = 92.0;
const APART: f64 = 10.0;
/// The height of a row of bars, and of a bar.
const ROW: f64 = 17.0;
const BAR: f64 = 10.0;
/// Room below for the axis.
const FOOT: f64 = 26.0;
/// What is further below the loudest moment is not shown.
const SPAN_MAX_DB: f64 = 80.0;
/// As much is shown at least.
const SPAN_MIN_DB: f64 = 30.0;
/// The letters that a name on the left has room for.
const LETTERS_MAX: usize = 20;
/// More rows of bars than this are not drawn.
const ROWS_MAX: usize = 12;

/// A row of bars: spans whose names differ in their number only.
struct Row<'a> {
    name: &'a str,
    spans: Vec<&'a Stretch>,
    is_analyzed: bool,
}

/// The picture; `is_analyzed` says which spans the findings stand on.
pub fn svg(scene: &Scene, title: &str, is_analyzed: &dyn Fn(&str) -> bool) -> Markup {
    let rows = rows(scene, is_analyzed);
    let panels_end = TOP + scene.lines.len() as f64 * (PANEL + APART) - APART;
    let end = panels_end + if rows.is_empty() { 0.0 } else { 6.0 + rows.len() as f64 * ROW };
    let time = Scale::new(false, 0.0, scene.length_s(), LEFT, RIGHT);
    let mut out = Markup::new();
    out.raw("<svg class=\"plot panels\" viewBox=\"0 0 ").text(WIDTH).raw(" ").text(unit(end + FOOT));
    out.raw("\" role=\"img\" aria-label=\"").text(title).raw("\">");
    out.element("<title>", title, "</title>").element("<desc>", told(scene), "</desc>");
    for row in rows.iter().filter(|row| row.is_analyzed) {
        for (from, to) in row.spans.iter().filter_map(|span| ends(span, &time)) {
            out.raw("<rect class=\"band\" ");
            rectangle(&mut out, from, TOP, to - from, end - TOP);
            out.raw("/>");
        }
    }
    for (n, line) in scene.lines.iter().enumerate() {
        panel(&mut out, scene, line, TOP + n as f64 * (PANEL + APART), &time);
    }
    for (n, row) in rows.iter().enumerate() {
        let y = panels_end + 6.0 + n as f64 * ROW;
        words(
            &mut out,
            if row.is_analyzed { "port" } else { "tick" },
            0.0,
            y + 12.0,
            "start",
            &short(row.name),
        );
        for span in &row.spans {
            let Some((from, to)) = ends(span, &time) else { continue };
            out.raw("<rect class=\"").raw(if row.is_analyzed { "bar" } else { "bar beside" }).raw("\" ");
            rectangle(&mut out, from, y + 3.0, to - from, BAR);
            out.element("><title>", span_told(span), "</title></rect>");
        }
    }
    for Tick { value, label } in time.ticks(Some(Across::Time)) {
        // A label too near to the right end would collide with the unit of the axis.
        let place = time.place(value).filter(|x| *x < RIGHT - 46.0);
        if let (Some(x), Some(label)) = (place, label) {
            words(&mut out, "tick", x, end + 18.0, "middle", &label);
        }
    }
    words(&mut out, "axis", RIGHT, end + 18.0, "end", "t / s");
    out.raw("</svg>");
    out
}

/// `double-words-3`: `double-words`.
fn group(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((group, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => group,
        _ => name,
    }
}

fn rows<'a>(scene: &'a Scene, is_analyzed: &dyn Fn(&str) -> bool) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for span in &scene.spans {
        let (name, is_analyzed) = (group(&span.name), is_analyzed(&span.name));
        if let Some(row) = rows.iter_mut().find(|row| row.name == name) {
            row.spans.push(span);
            row.is_analyzed |= is_analyzed;
        } else if rows.len() < ROWS_MAX {
            rows.push(Row { name, spans: vec![span], is_analyzed });
        }
    }
    rows
}

fn ends(span: &Stretch, time: &Scale) -> Option<(f64, f64)> {
    let (from, to) = (time.place(span.from_s)?, time.place(span.to_s)?);
    let (from, to) = (from.clamp(LEFT, RIGHT), to.clamp(LEFT, RIGHT));
    (to > from).then_some((from, to))
}

fn panel(out: &mut Markup, scene: &Scene, line: &Line, top: f64, time: &Scale) {
    let bottom = top + PANEL;
    let (low, high) = range_of(line.levels.iter().copied(), SPAN_MAX_DB);
    // Noise that is all there is must not look like a signal.
    let low = low.min(high - SPAN_MIN_DB);
    let up = Scale::new(false, low, high, bottom, top);
    for Tick { value, label } in time.ticks(Some(Across::Time)) {
        if let (Some(x), Some(_)) = (time.place(value), label) {
            out.raw("<path class=\"grid\" d=\"M").text(unit(x)).raw(" ").text(unit(top));
            out.raw("V").text(unit(bottom)).raw("\"/>");
        }
    }
    for (value, label) in up.few_ticks() {
        let Some(y) = up.place(value) else { continue };
        out.raw("<path class=\"grid\" d=\"M").text(unit(LEFT)).raw(" ").text(unit(y));
        out.raw("H").text(unit(RIGHT)).raw("\"/>");
        // Inside the panel: the next one begins below it.
        words(out, "tick", LEFT - 8.0, (y + 4.0).clamp(top + 10.0, bottom - 1.0), "end", &label);
    }
    // A nested picture clips what lies below the panel.
    out.raw("<svg ");
    rectangle(out, LEFT, top, RIGHT - LEFT, PANEL);
    out.raw(" viewBox=\"").text(unit(LEFT)).raw(" ").text(unit(top)).raw(" ").text(unit(RIGHT - LEFT));
    out.raw(" ").text(unit(PANEL)).raw("\">");
    let points: Vec<(f64, f64)> = scene.seconds().zip(line.levels.iter().copied()).collect();
    let pieces = path::pieces(&points, time, &up);
    let class = if line.is_played { "t1" } else { "t0" };
    out.raw("<path class=\"fill ").raw(class).raw("\" d=\"").text(path::area(&pieces, bottom)).raw("\"/>");
    out.raw("</svg><rect class=\"frame\" ");
    rectangle(out, LEFT, top, RIGHT - LEFT, PANEL);
    out.raw("/>");
    words(out, "port", 0.0, top + 13.0, "start", &short(line.port.name()));
    let what = if line.is_played { "played" } else { "recorded" };
    words(out, "tick", 0.0, top + 29.0, "start", &format!("{what}, {}", line.unit));
}

fn short(name: &str) -> String {
    if name.chars().count() <= LETTERS_MAX {
        return name.to_owned();
    }
    name.chars().take(LETTERS_MAX - 1).chain(std::iter::once('…')).collect()
}

fn span_told(span: &Stretch) -> String {
    format!("{}: {} to {} s", span.name, wording::number(span.from_s, 2), wording::number(span.to_s, 2))
}

/// What the picture shows, in words.
fn told(scene: &Scene) -> String {
    let line = |line: &Line| {
        let good = || line.levels.iter().copied().filter(|level| drawable(*level));
        let (low, high) = (good().fold(f64::INFINITY, f64::min), good().fold(f64::NEG_INFINITY, f64::max));
        let what = if line.is_played { "played" } else { "recorded" };
        let number = |level: f64| wording::number(level, 1);
        format!("{} ({what}): from {} to {} {}.", line.port, number(low), number(high), line.unit)
    };
    let lines = scene.lines.iter().map(line);
    let spans = scene.spans.iter().map(|span| format!("{}.", span_told(span)));
    lines.chain(spans).collect::<Vec<_>>().join(" ")
}
