//! The pictures of an entry: its takes as they sounded, then its curves and series with what was read from them.

use super::super::figure::Figure;
use super::super::markup::Markup;
use super::super::plot::panels;
use super::super::wording;
use crate::finding::scene::{Scene, Stretch};
use crate::methods::{call, switching};
use crate::run::view::EntryView;

/// What findings stand on, as `take / span`, each with the measurands of those findings.
pub fn stands_on(view: &EntryView) -> Vec<(&str, Vec<&str>)> {
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for finding in view.findings.iter().map(|one| &one.finding).filter(|one| !one.span.is_empty()) {
        match all.iter_mut().find(|(span, _)| *span == finding.span) {
            Some((_, measurands)) => measurands.push(&finding.measurand),
            None => all.push((&finding.span, vec![&finding.measurand])),
        }
    }
    all
}

/// Whether a picture of a take shows what findings stand on.
pub fn is_shown(view: &EntryView, span: &str) -> bool {
    view.scenes.iter().any(|scene| within(scene, span).is_some())
}

/// The part of a scene that `take / part` names.
fn within<'a>(scene: &Scene, span: &'a str) -> Option<&'a str> {
    span.strip_prefix(scene.name.as_str())?.strip_prefix(" / ")
}

/// The takes as they sounded.
pub fn takes(out: &mut Markup, view: &EntryView) {
    for scene in &view.scenes {
        let parts: Vec<(&str, Vec<&str>)> = stands_on(view)
            .into_iter()
            .filter_map(|(span, measurands)| Some((within(scene, span)?, measurands)))
            .collect();
        let is_analyzed = |name: &str| parts.iter().any(|(part, _)| is_part(scene, name, part));
        let title = format!("Take {}: levels against time", scene.name);
        let picture = panels::svg(scene, &title, &is_analyzed);
        out.raw("<figure><div class=\"scroll\">").add(&picture).raw("</div>\n<figcaption>");
        out.element("Take <code>", &scene.name, "</code>: unweighted levels on a meter of ");
        out.element("", wording::number(scene.meter_s * 1e3, 0), "\u{a0}ms");
        for (at, (part, measurands)) in parts.iter().enumerate() {
            out.raw(if at == 0 { "; analysed, shaded: " } else { ", " }).text(part);
            if let Some(span) = scene.spans.iter().find(|span| span.name == *part) {
                out.text(between(span));
            }
            if parts.len() > 1 {
                out.element(" (", measurands.join(", "), ")");
            }
        }
        out.raw("</figcaption></figure>\n");
    }
}

/// Whether findings that stand on `part` stand on the span `name`. What is no name of a span speaks of all that sounds.
fn is_part(scene: &Scene, name: &str, part: &str) -> bool {
    if scene.spans.iter().any(|span| span.name == part) {
        return name == part;
    }
    ![call::NOISE, switching::REFERENCE].contains(&name)
}

fn between(span: &Stretch) -> String {
    format!(" ({} to {}\u{a0}s)", wording::number(span.from_s, 2), wording::number(span.to_s, 2))
}

/// A curve or series with what was read from it.
pub fn draw(out: &mut Markup, figure: &Figure<'_>) {
    out.raw("<figure><div class=\"scroll\">").add(&figure.plot.svg()).raw("</div>\n<figcaption>");
    out.text(&figure.plot.title);
    let lead = figure.shows[0];
    if let Some(limit) = lead.limit {
        out.raw(", against ").element("<code>", &limit.id, "</code>");
        out.raw(" (class ").raw(limit.class.word()).raw(")");
    }
    for (at, number) in figure.numbers.iter().enumerate() {
        let Some(limit) = number.limit else { continue };
        out.raw(if at == 0 { "; read from it: " } else { ", " });
        out.element("<code>", number.measurand(), "</code>, against <code>")
            .element("", &limit.id, "</code>");
    }
    if let Some(shift) = lead.judgement.and_then(|judgement| judgement.shift) {
        let unit = lead.measured().map_or("", |finding| finding.unit.symbol());
        out.raw("; the mask floats and is drawn ").text(wording::number(-shift, 2)).raw(" ").raw(unit);
        out.raw(" from where it was written");
    }
    let files = figure.shows.iter().filter_map(|one| one.finding.and_then(|view| view.curve.as_ref()));
    for (at, file) in files.enumerate() {
        out.raw(if at == 0 { "; values in <code>" } else { ", <code>" }).text(file).raw("</code>");
    }
    out.raw("</figcaption></figure>\n");
}
