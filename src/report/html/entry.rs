//! One entry: its row in the table of verdicts, and its section with values, limits and figures.

use super::super::calls::Group;
use super::super::figure;
use super::super::markup::Markup;
use super::super::summary::{self, Result};
use super::super::wording;
use super::pictures;
use crate::limits::{Limit, Rule};
use crate::methods;
use crate::run::view::EntryView;
use crate::verdict::Flag;

/// The row of the table of verdicts: what speaks for the entry, and how much more there is.
pub fn row(out: &mut Markup, at: usize, view: &EntryView) {
    let results = summary::results(view);
    let decisive = summary::decisive(view);
    out.raw("<tr><td class=\"id\"><a href=\"#entry-").text(at + 1).raw("\">");
    out.text(view.entry.name()).raw("</a><span class=\"also\"><code>").text(&view.entry.id);
    out.raw("</code></span></td>");
    out.element("<td class=\"cl\">", &view.entry.clause.clause, "</td><td class=\"num\">");
    if let Some(result) = &decisive {
        value(out, result);
        if results.len() > 1 {
            out.element("<span class=\"also\">", result.measurand(), "");
            out.element(", ", results.len() - 1, " more</span>");
        }
    }
    out.raw("</td><td class=\"lim\">");
    match decisive.and_then(|result| result.limit) {
        Some(limit) => limit_with_class(out, limit),
        None => {
            out.raw("–");
        }
    }
    out.raw("</td><td class=\"num\">");
    if let Some(result) = &decisive {
        margin(out, result);
    }
    out.raw("</td><td>");
    super::verdict(out, view.verdict);
    out.raw("</td><td>");
    super::flags(out, &shown_flags(view));
    out.raw("</td></tr>\n");
}

/// The flags of an entry, with *informative* where the plan says so.
fn shown_flags(view: &EntryView) -> Vec<Flag> {
    let mut flags = view.flags.clone();
    if !view.required && !flags.contains(&Flag::Informative) {
        flags.push(Flag::Informative);
    }
    flags
}

fn value(out: &mut Markup, result: &Result<'_>) {
    match result.measured() {
        Some(finding) => {
            out.text(wording::value(finding, result.judgement.and_then(|judgement| judgement.margin)));
        }
        None => {
            out.raw("–");
        }
    }
}

fn margin(out: &mut Markup, result: &Result<'_>) {
    let Some(judgement) = result.judgement else { return };
    let Some(distance) = judgement.margin else {
        out.raw("–");
        return;
    };
    out.text(wording::margin(distance));
    if let Some(at) = judgement.at {
        out.element("<span class=\"also\">at ", wording::at(at), "</span>");
    }
}

fn limit_with_class(out: &mut Markup, limit: &Limit) {
    out.text(wording::limit(limit)).raw(" <span class=\"class\" title=\"");
    out.raw(wording::class_meaning(limit.class)).raw("\">").raw(limit.class.word()).raw("</span>");
}

/// The section of an entry; where it is the first of several calls, with what they say together.
pub fn section(out: &mut Markup, at: usize, view: &EntryView, calls: Option<&Group<'_>>) {
    let entry = &view.entry;
    out.raw("<section class=\"entry ").raw(view.verdict.word()).raw("\" id=\"entry-").text(at + 1);
    out.element("\">\n<header><h3>", entry.name(), "</h3>");
    super::verdict(out, view.verdict);
    out.element("</header>\n<p class=\"meta\"><code>", &entry.id, "</code> · ").text(&entry.clause);
    out.element(" · ", entry.conditions(), "");
    let flags = shown_flags(view);
    if !flags.is_empty() {
        out.raw(" · ");
        super::flags(out, &flags);
    }
    out.raw("</p>\n");
    if !view.reason.is_empty() {
        out.element("<p class=\"reason\">", &view.reason, "</p>\n");
    }
    for line in calls.map(Group::lines).unwrap_or_default() {
        out.element("<p class=\"calls\">", line, "</p>\n");
    }
    let results = summary::results(view);
    if !results.is_empty() {
        findings(out, view, &results);
    }
    pictures::takes(out, view);
    for figure in &figure::figures(&results) {
        pictures::draw(out, figure);
    }
    trail(out, view);
    out.raw("</section>\n");
}

fn findings(out: &mut Markup, view: &EntryView, results: &[Result<'_>]) {
    out.raw("<div class=\"scroll\"><table>\n<thead><tr><th>Measurand</th><th class=\"num\">Value</th>");
    out.raw("<th class=\"num\">Uncertainty</th><th>Limit</th><th class=\"num\">Margin</th><th>Verdict</th></tr></thead>\n<tbody>\n");
    for result in results {
        out.element("<tr><td><code>", result.measurand(), "</code>");
        if let Some(doc) = meaning(&view.entry.method, result.measurand()) {
            out.element("<span class=\"also\">", doc, "</span>");
        }
        out.raw("</td><td class=\"num\">");
        value(out, result);
        out.raw("</td><td class=\"num\">");
        match result.measured().and_then(|finding| finding.uncertainty.map(|u| (u, finding.unit))) {
            Some((uncertainty, unit)) => out.text(wording::uncertainty(uncertainty, unit)),
            None => out.raw("–"),
        };
        out.raw("</td><td class=\"lim\">");
        match result.limit {
            Some(limit) => limit_with_class(out, limit),
            None => {
                out.raw("–");
            }
        }
        out.raw("</td><td class=\"num\">");
        margin(out, result);
        out.raw("</td><td>");
        if let Some(judgement) = result.judgement {
            super::verdict(out, judgement.verdict);
            if let Some(class) = &judgement.class {
                out.element("<span class=\"also\">", class, "</span>");
            }
            if !judgement.reason.is_empty() && judgement.reason != view.reason {
                out.element("<span class=\"also\">", &judgement.reason, "</span>");
            }
        }
        out.raw("</td></tr>\n");
    }
    out.raw("</tbody></table></div>\n");
}

/// What the method's card says of a measurand.
fn meaning(method: &str, measurand: &str) -> Option<&'static str> {
    let card = methods::method(method)?.card();
    card.measurands.iter().find(|one| one.id == measurand).map(|one| one.doc)
}

/// Where everything comes from: limits, method, parameters, notes, takes, calibrations.
fn trail(out: &mut Markup, view: &EntryView) {
    out.raw("<dl class=\"trail\">\n");
    for limit in &view.limits {
        limit_source(out, limit);
    }
    out.element("<dt>Method</dt><dd><code>", &view.entry.method, "</code>");
    for (key, value) in &view.entry.parameters.0 {
        out.element(", ", key, "").element(" ", value, "");
    }
    out.raw("</dd>\n");
    for finding in view.findings.iter().map(|one| &one.finding) {
        if !finding.note.is_empty() {
            out.element("<dt>Note</dt><dd><code>", &finding.measurand, "</code>: ");
            out.text(&finding.note).raw("</dd>\n");
        }
    }
    analyzed(out, view);
    calibrations(out, view);
    if !view.takes.is_empty() {
        out.raw("<dt>Takes</dt><dd>");
        for (at, take) in view.takes.iter().enumerate() {
            out.raw(if at == 0 { "<code>" } else { ", <code>" }).text(take).raw("</code>");
        }
        out.raw("</dd>\n");
    }
    out.raw("</dl>\n");
}

/// What the findings stand on, once for each span of a take that no picture shows.
fn analyzed(out: &mut Markup, view: &EntryView) {
    let stands_on = pictures::stands_on(view);
    let is_one = stands_on.len() == 1;
    for (span, measurands) in &stands_on {
        if pictures::is_shown(view, span) {
            continue;
        }
        out.element("<dt>Analysed</dt><dd>", span, "");
        if !is_one {
            out.element(": ", measurands.join(", "), "");
        }
        out.raw("</dd>\n");
    }
}

fn limit_source(out: &mut Markup, limit: &Limit) {
    out.element("<dt>Limit</dt><dd><code>", &limit.id, "</code>: ");
    out.element("", &limit.measurand, " ").text(wording::limit(limit));
    match &limit.rule {
        Rule::Mask(mask) => {
            out.element(" (", wording::mask_points(mask), " ").text(limit.unit).raw(")");
        }
        Rule::Classes(table) => {
            out.element(" (", wording::class_steps(table), " ").text(limit.unit).raw(")");
        }
        Rule::Range { .. } | Rule::Unknown => {}
    }
    out.raw(", class ").raw(limit.class.word()).element(", ", &limit.clause, "");
    if !limit.source.is_empty() {
        out.element("; ", &limit.source, "");
    }
    for (at, origin) in limit.origins.iter().enumerate() {
        out.raw(if at == 0 { "; written in <code>" } else { ", over <code>" }).text(origin).raw("</code>");
    }
    out.raw("</dd>\n");
}

fn calibrations(out: &mut Markup, view: &EntryView) {
    let mut records: Vec<(&str, f64)> = Vec::new();
    for influence in view.findings.iter().flat_map(|one| &one.finding.influences) {
        // Three decimals say what a calibration is worth; more would tell rounding errors apart.
        let one = (influence.calibration.as_str(), (influence.coefficient * 1e3).round() / 1e3);
        if !records.contains(&one) {
            records.push(one);
        }
    }
    if records.is_empty() {
        return;
    }
    out.raw("<dt>Calibration</dt><dd>");
    for (at, (record, coefficient)) in records.iter().enumerate() {
        out.raw(if at == 0 { "<code>" } else { ", <code>" }).text(record);
        out.element("</code> × ", wording::plain(*coefficient), "");
    }
    out.raw("</dd>\n");
}
