//! The first page: what was tested, with what, and what came out; and the trail of inputs at the end.

use super::super::markup::Markup;
use super::super::wording;
use crate::calibration::Validity;
use crate::context::PortDirection;
use crate::run::view::{RunState, RunView};
use crate::verdict::{Flag, Verdict};

/// The name of the device, or what to say when its record gives none.
pub fn device_name(view: &RunView) -> &str {
    if view.device.name.trim().is_empty() { "Unnamed device" } else { &view.device.name }
}

/// The folder name of the run.
pub fn run_name(view: &RunView) -> String {
    view.path.file_name().unwrap_or(view.path.as_os_str()).to_string_lossy().into_owned()
}

/// The cover.
pub fn cover(out: &mut Markup, view: &RunView) {
    out.raw("<header>\n<p class=\"kicker\"><span>Lombard test report</span><span>");
    out.text(&view.started_at).raw("</span></p>\n");
    out.element("<h1>", device_name(view), "</h1>\n");
    out.raw("<p class=\"lead\">").text(&view.plan_title).raw("</p>\n</header>\n");
    result(out, view);
    facts(out, view);
    notices(out, view);
    calibrations(out, view);
}

fn result(out: &mut Markup, view: &RunView) {
    let verdict = view.verdict();
    let counts = view.counts();
    out.raw("<section class=\"result ").raw(verdict.word()).raw("\">\n<div class=\"big\">");
    super::icon(out, verdict);
    out.raw("<span>").raw(wording::verdict(verdict)).raw("</span></div>\n<div class=\"counts\">");
    out.element("<p class=\"headline\">", counts, "</p>\n<ul class=\"tally\">");
    for one in Verdict::ALL.iter().filter(|one| counts.of(**one) > 0) {
        out.raw("<li class=\"").raw(one.word()).raw("\">");
        super::icon(out, *one);
        out.element("<b>", counts.of(*one), "</b> ").raw(one.word()).raw("</li>");
    }
    out.raw("</ul></div>\n</section>\n");
}

fn facts(out: &mut Markup, view: &RunView) {
    let bench = &view.bench;
    let network = &bench.network;
    out.raw("<dl class=\"facts\">\n");
    fact(out, "Device", device_name(view));
    fact(out, "Software of the device", if_any(&view.device.software));
    fact(out, "Recommendation", format_args!("{} ({})", view.recommendation, view.edition));
    let (low, high) = view.bandwidth.edges_hz();
    let band = format!("{}–{}", wording::frequency(low), wording::frequency(high));
    fact(out, "Speech band", format_args!("{}, {band}", view.bandwidth));
    let kind = if bench.is_virtual { "simulation" } else { "live" };
    fact(out, "Bench", format_args!("{}, {kind}", bench.name));
    fact(out, "Network", format_args!("{}, carries {}", network.declared(), network.bandwidth));
    let delay = |seconds: f64| wording::number(seconds * 1e3, 2);
    fact(
        out,
        "Declared delay of the network, subtracted",
        format_args!(
            "send {} ms, receive {} ms",
            delay(network.delay_send.0),
            delay(network.delay_receive.0)
        ),
    );
    fact(out, "Started", &view.started_at);
    let evaluation = if view.evaluation == 0 { "none".to_owned() } else { view.evaluation.to_string() };
    fact(
        out,
        "Run",
        format_args!("{}, {}, evaluation {evaluation}", run_name(view), wording::state(view.state)),
    );
    fact(
        out,
        "Duration",
        format_args!("{} of sound in {}", wording::duration(view.audio_s), wording::duration(view.wall_s)),
    );
    fact(out, "Recorded by", &view.software);
    fact(out, "Seed", view.seed);
    for (name, text) in &view.device.fields {
        fact(out, name, text);
    }
    out.raw("</dl>\n");
}

fn fact(out: &mut Markup, name: &str, value: impl std::fmt::Display) {
    out.element("<div><dt>", name, "</dt>").element("<dd>", value, "</dd></div>\n");
}

fn if_any(text: &str) -> &str {
    if text.trim().is_empty() { "not stated" } else { text }
}

/// What a reader must know before the verdicts.
fn notices(out: &mut Markup, view: &RunView) {
    let mut list = Markup::new();
    if view.bench.is_virtual {
        list.raw(
            "<li>This is a simulation: the device is a virtual car, and no real device was measured.</li>\n",
        );
    }
    match view.state {
        RunState::Finished => {}
        RunState::Running => {
            list.raw("<li>The run was still being recorded when this report was written.</li>\n");
        }
        RunState::Incomplete => {
            list.raw("<li>The run stopped before it was complete; it can be resumed.</li>\n");
        }
    }
    if view.evaluation == 0 {
        list.raw("<li>The captures have not been evaluated.</li>\n");
    }
    left_out(&mut list, view);
    calibration_notices(&mut list, view);
    flag_notices(&mut list, view);
    for warning in &view.warnings {
        list.element("<li>", warning, "</li>\n");
    }
    if !list.is_empty() {
        out.raw("<section class=\"notices\"><h2>To be noted</h2>\n<ul>\n")
            .add(&list)
            .raw("</ul></section>\n");
    }
}

fn left_out(list: &mut Markup, view: &RunView) {
    if view.left_out.is_empty() {
        return;
    }
    list.raw("<li>").text(count(view.left_out.len(), "entry of the plan was", "entries of the plan were"));
    list.raw(" left out by a selection and do not count: ");
    for (at, id) in view.left_out.iter().enumerate() {
        list.raw(if at == 0 { "<code>" } else { ", <code>" }).text(id).raw("</code>");
    }
    list.raw(".</li>\n");
}

fn calibration_notices(list: &mut Markup, view: &RunView) {
    for (port, info) in &view.bench.ports {
        if let Some(ear) = info.ear.as_ref().filter(|ear| ear.validity == Validity::Expired) {
            list.element("<li>The curves of the ear at port <code>", port, "</code> had expired: ");
            list.element("<code>", &ear.record, "</code>.</li>\n");
        }
        match info.calibration.validity {
            Validity::Valid => {}
            Validity::Expired => {
                list.element("<li>The calibration of port <code>", port, "</code> had expired: ");
                list.element("<code>", &info.calibration.record, "</code>.</li>\n");
            }
            Validity::Missing => {
                list.element(
                    "<li>Port <code>",
                    port,
                    "</code> has no calibration: no verdict stands on it.</li>\n",
                );
            }
        }
    }
}

fn flag_notices(list: &mut Markup, view: &RunView) {
    let with = |flag: Flag| view.entries.iter().filter(|entry| entry.flags.contains(&flag)).count();
    let provisional = view.counts().provisional;
    if provisional > 0 {
        list.raw("<li>").text(count(provisional, "verdict is", "verdicts are"));
        list.raw(" provisional: the limit is of class C, to be checked before use.</li>\n");
    }
    let without = view.counts().without_limit;
    if without > 0 {
        list.raw("<li>").text(count(without, "required entry has", "required entries have"));
        list.raw(" no known limit (class N): the lab enters it from its own copy in an overlay.</li>\n");
    }
    let equivalent = with(Flag::MethodEquivalentSignal);
    if equivalent > 0 {
        list.raw("<li>").text(count(equivalent, "entry was", "entries were"));
        list.raw(
            " measured with a method-equivalent signal instead of the Recommendation's own recording.</li>\n",
        );
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn calibrations(out: &mut Markup, view: &RunView) {
    if view.bench.ports.is_empty() {
        return;
    }
    out.raw("<h4>Calibration at the time of capture</h4>\n<div class=\"scroll\"><table>\n<thead><tr>");
    out.raw("<th>Port</th><th>Direction</th><th>Record</th><th class=\"num\">Level at 0 dBov</th><th>Validity</th>");
    out.raw("</tr></thead>\n<tbody>\n");
    for (port, info) in &view.bench.ports {
        let calibration = &info.calibration;
        out.element("<tr><td><code>", port, "</code></td><td>");
        out.raw(match info.direction {
            PortDirection::Out => "out",
            PortDirection::In => "in",
            PortDirection::Both => "in and out",
        });
        out.element("</td><td>", &calibration.record, "");
        if let Some(ear) = &info.ear {
            out.element("<br>ear: ", &ear.record, "");
            out.text(if ear.serial.is_some() { "" } else { " (not the head's own)" });
        }
        out.raw("</td>");
        let level = wording::quantity(calibration.zero_dbov.value, calibration.zero_dbov.unit);
        out.element("<td class=\"num\">", level, "</td>");
        out.element("<td>", calibration.validity, "");
        if let Some(ear) = &info.ear {
            out.element("<br>", ear.validity, "");
        }
        out.raw("</td></tr>\n");
    }
    out.raw("</tbody></table></div>\n");
}

/// The trail of the run: facts and hashes of the input files.
pub fn traces(out: &mut Markup, view: &RunView) {
    out.raw("<h2 id=\"trail\">Trail</h2>\n");
    if !view.facts.0.is_empty() {
        out.raw("<h4>Facts that planning used</h4>\n<div class=\"scroll\"><table>\n");
        out.raw(
            "<thead><tr><th>Fact</th><th class=\"num\">Value</th><th>Found by</th><th>In a call with</th></tr></thead>\n<tbody>\n",
        );
        for (name, fact) in &view.facts.0 {
            out.element("<tr><td><code>", name, "</code></td>");
            let value = wording::fact(&fact.value);
            out.element("<td class=\"num\">", value, "</td>");
            match &fact.record {
                Some(record) => out.element("<td>", record, "</td>"),
                None => out.element("<td><code>", &fact.entry, "</code></td>"),
            };
            let call = fact.call.as_ref().map_or("not noted".to_owned(), ToString::to_string);
            out.element("<td>", call, "</td></tr>\n");
        }
        out.raw("</tbody></table></div>\n");
    }
    if !view.inputs.is_empty() {
        out.raw("<h4>Input files and their SHA-256</h4>\n<div class=\"scroll\"><table>\n");
        out.raw("<thead><tr><th>File</th><th>SHA-256</th></tr></thead>\n<tbody>\n");
        for (name, hash) in &view.inputs {
            out.element("<tr><td>", name, "</td>").element("<td class=\"hash\">", hash, "</td></tr>\n");
        }
        out.raw("</tbody></table></div>\n");
    }
    recordings(out, view);
    out.element("<p class=\"trail\">Run folder: <code>", view.path.display(), "</code></p>\n");
}

/// The attempts at takes: how many, and those of which there is something to say.
fn recordings(out: &mut Markup, view: &RunView) {
    if view.recordings.is_empty() {
        return;
    }
    let takes: std::collections::BTreeSet<_> = view.recordings.iter().map(|one| &one.take).collect();
    out.raw("<h4>Recordings</h4>\n<p>");
    out.text(format_args!("{} attempts at {} takes. ", view.recordings.len(), takes.len()));
    let told: Vec<_> = view.recordings.iter().filter(|one| !one.is_plain()).collect();
    if told.is_empty() {
        out.raw("Each has a good certificate of the bench.</p>\n");
        return;
    }
    out.raw("These have no good certificate of the bench, or were resampled; all are kept, and no verdict stands on a bad one.</p>\n");
    out.raw("<div class=\"scroll\"><table>\n<thead><tr><th>Take</th><th class=\"num\">Attempt</th><th>Certificate</th><th>Why</th></tr></thead>\n<tbody>\n");
    for one in told {
        let grade = one.grade.map_or("none: the bench failed", crate::capture::Grade::word);
        out.element("<tr><td><code>", &one.take, "</code></td>");
        out.element("<td class=\"num\">", one.attempt, "</td>");
        out.element("<td>", grade, "</td>").element("<td>", &one.note, "</td></tr>\n");
    }
    out.raw("</tbody></table></div>\n");
}
