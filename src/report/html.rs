//! The report for people: one HTML file that needs nothing else, on screen and on paper.

mod cover;
mod entry;
mod legend;
mod pictures;

use super::markup::Markup;
use super::{calls, classes, wording};
use crate::run::view::RunView;
use crate::verdict::{Flag, Verdict};

/// The style sheet, written into the document.
const STYLE: &str = include_str!("style.css");

/// The whole document.
pub fn document(view: &RunView) -> String {
    let mut out = Markup::new();
    out.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    out.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.raw("<title>").text(wording::verdict(view.verdict())).raw(": ").text(cover::device_name(view));
    out.raw(", ")
        .text(&view.plan_title)
        .raw("</title>\n<style>\n")
        .raw(STYLE)
        .raw("</style>\n</head>\n<body>\n");
    cover::cover(&mut out, view);
    let groups = calls::groups(&view.entries);
    verdicts(&mut out, view);
    several_calls(&mut out, &groups);
    classes_reached(&mut out, view);
    if !view.entries.is_empty() {
        out.raw("<h2 id=\"entries\">Entries</h2>\n");
    }
    for (at, entry) in view.entries.iter().enumerate() {
        entry::section(&mut out, at, entry, calls::begun_by(&groups, entry));
    }
    legend::legend(&mut out);
    cover::traces(&mut out, view);
    out.raw("<footer>Written by ").text(&view.software).raw(" from the run ");
    out.element("<code>", cover::run_name(view), "</code>. ");
    out.raw("Limits carry the class of their source; no text of a Recommendation is reproduced.</footer>\n");
    out.raw("</body>\n</html>\n");
    out.into_string()
}

/// The table of all verdicts, one row for each entry.
fn verdicts(out: &mut Markup, view: &RunView) {
    out.raw("<h2 id=\"verdicts\" class=\"verdicts\">Verdicts</h2>\n");
    if view.entries.is_empty() {
        out.raw("<p>The run has no entries: nothing was selected, or nothing was planned.</p>\n");
        return;
    }
    out.raw("<div class=\"scroll\"><table>\n<thead><tr><th>Entry</th><th>Clause</th>");
    out.raw("<th class=\"num\">Value</th><th>Limit</th><th class=\"num\">Margin</th>");
    out.raw("<th>Verdict</th><th>Flags</th></tr></thead>\n<tbody>\n");
    for (at, entry) in view.entries.iter().enumerate() {
        entry::row(out, at, entry);
    }
    out.raw("</tbody></table></div>\n");
}

/// What several new calls say together: a row for each figure that is held against a limit.
fn several_calls(out: &mut Markup, groups: &[calls::Group<'_>]) {
    if groups.is_empty() {
        return;
    }
    out.raw("<h2 id=\"calls\">Several calls</h2>\n<p>Each call is a new one and is judged by itself: the worst decides. ");
    out.raw("Spread is the largest less the smallest.</p>\n<div class=\"scroll\"><table>\n");
    out.raw("<thead><tr><th>Entry</th><th>Calls</th><th>Measurand</th><th>Worst, median, spread</th></tr></thead>\n<tbody>\n");
    for group in groups {
        let title = group.entries.first().map_or("", |one| one.entry.title.as_str());
        let entry = |out: &mut Markup| {
            out.element("<tr><td class=\"id\">", title, "");
            out.element("<span class=\"also\"><code>", &group.first, "</code></span></td>");
            out.element("<td>", group.verdicts(), "</td>");
        };
        if group.figures.is_empty() {
            entry(out);
            out.raw("<td>–</td><td>no limit: what was measured stands with each call</td></tr>\n");
        }
        for figure in &group.figures {
            entry(out);
            out.element("<td><code>", &figure.measurand, "</code></td>");
            out.element("<td>", figure.told(), "</td></tr>\n");
        }
    }
    out.raw("</tbody></table></div>\n");
}

/// The class of each set of conditions, where limits are tables of classes.
fn classes_reached(out: &mut Markup, view: &RunView) {
    let variants = classes::variants(view);
    if variants.is_empty() {
        return;
    }
    out.raw("<h2 id=\"classes\">Classes</h2>\n<p>The worst parameter decides. ");
    match variants.iter().find(|one| one.is_nominal) {
        Some(nominal) => out.element("At nominal volume and levels: <strong>", nominal.told(), "</strong>."),
        None => out.raw("Nothing was classed at nominal volume and levels."),
    };
    out.raw("</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>Conditions</th><th>Parameters</th><th>Class</th></tr></thead>\n<tbody>\n");
    for variant in &variants {
        out.element("<tr><td>", &variant.conditions, "</td><td>");
        for parameter in &variant.parameters {
            out.element("<code>", &parameter.measurand, "</code>: ");
            match &parameter.reached {
                Some(reached) => out.text(reached),
                None => out.raw("no class"),
            };
            out.element("<span class=\"also\"><code>", &parameter.entry, "</code></span>");
        }
        out.element("</td><td>", variant.told(), "</td></tr>\n");
    }
    out.raw("</tbody></table></div>\n");
}

/// A verdict with its sign: never by color alone.
fn verdict(out: &mut Markup, verdict: Verdict) {
    out.raw("<span class=\"v ").raw(verdict.word()).raw("\">");
    icon(out, verdict);
    out.raw(wording::verdict(verdict)).raw("</span>");
}

/// The sign of a verdict, in the current color.
fn icon(out: &mut Markup, verdict: Verdict) {
    out.raw("<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\">");
    out.raw(match verdict {
        Verdict::Pass => "<path d=\"M2.5 8.5l3.8 4L13.5 4\"/>",
        Verdict::Fail => "<path d=\"M3.5 3.5l9 9M12.5 3.5l-9 9\"/>",
        Verdict::Inconclusive => {
            "<path d=\"M5 5.6c0-4 6-4 6-.2 0 2.2-3 2.4-3 4.6\"/><path d=\"M8 13.5v.01\"/>"
        }
        Verdict::Measured => "<path d=\"M2 11.5h12M4.5 11.5v-3M8 11.5v-6M11.5 11.5v-3\"/>",
        Verdict::NotRun => "<circle cx=\"8\" cy=\"8\" r=\"5\"/>",
        Verdict::Aborted => "<rect x=\"3.5\" y=\"3.5\" width=\"9\" height=\"9\" rx=\"1\"/>",
        Verdict::Error => "<path d=\"M8 2.5L14.5 13.5H1.5z\"/><path d=\"M8 7v2.5M8 11.6v.01\"/>",
    });
    out.raw("</svg>");
}

/// Flags as small labels with their meaning on hover; the legend has them for paper.
fn flags(out: &mut Markup, flags: &[Flag]) {
    for flag in flags {
        out.raw("<span class=\"flag\" title=\"").raw(wording::flag_meaning(*flag)).raw("\">");
        out.raw(flag.word()).raw("</span> ");
    }
}
