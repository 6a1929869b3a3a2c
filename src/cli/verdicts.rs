//! The end of a run on a terminal: the table of verdicts, the headline, the verdict, what to do next.

use std::fmt::Write as _;
use std::path::Path;

use super::columns::{Cell, Row, aligned};
use super::output;
use crate::report::{calls, classes, summary, wording};
use crate::run::view::{EntryView, RunState, RunView};
use crate::verdict::{Flag, Verdict};

/// The whole text, with the codes of colors.
pub fn text(view: &RunView) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} on {}",
        output::bold(&output::printable(&view.plan_title)),
        output::printable(&view.bench.name)
    );
    let heads = ["entry", "verdict", "value", "limit", "margin", "flags"];
    let head = |(at, word): (usize, &str)| {
        let cell = if matches!(at, 2 | 4) { Cell::number(word) } else { Cell::text(word) };
        cell.painted(output::dim)
    };
    let mut rows = vec![Row::from(heads.into_iter().enumerate().map(head).collect::<Vec<_>>())];
    rows.extend(view.entries.iter().map(row));
    let _ = writeln!(text, "\n{}", aligned(&rows));
    for group in calls::groups(&view.entries) {
        for line in group.lines() {
            let line = format!("{}: {line}", group.first);
            let _ = writeln!(text, "{}", output::printable(&line));
        }
    }
    for variant in classes::variants(view) {
        let nominal = if variant.is_nominal { "nominal: " } else { "" };
        let line = format!("{nominal}{} ({})", variant.told(), variant.conditions);
        let _ = writeln!(text, "{}", output::printable(&line));
    }
    for warning in &view.warnings {
        let _ = writeln!(text, "warning: {}", output::printable(warning));
    }
    if !view.left_out.is_empty() {
        let _ = writeln!(text, "{} entries were left out by --only", view.left_out.len());
    }
    let verdict = view.verdict();
    let state = match view.state {
        RunState::Finished => String::new(),
        other => format!(" ({})", wording::state(other)),
    };
    let _ = writeln!(text, "{}", view.counts());
    let _ = writeln!(text, "{}{state}", output::verdict(verdict, &verdict.word().to_uppercase()));
    let _ = writeln!(
        text,
        "{} of sound in {}; evaluation {}",
        wording::duration(view.audio_s),
        wording::duration(view.wall_s),
        view.evaluation
    );
    let run = quoted(&view.path);
    let _ = writeln!(text, "run: {}", output::printable(&view.path.display().to_string()));
    if view.state != RunState::Finished {
        let _ = writeln!(text, "to go on: lombard resume {run}");
    }
    let _ = writeln!(text, "to see more: lombard report {run}");
    text
}

/// One entry: what speaks for it, and why, where it is no pass.
fn row(view: &EntryView) -> Row {
    let decisive = summary::decisive(view);
    let judgement = decisive.and_then(|result| result.judgement);
    let margin = judgement.and_then(|one| one.margin);
    let value = decisive.as_ref().and_then(|result| result.measured()).map(|one| wording::value(one, margin));
    let limit = decisive.and_then(|result| result.limit);
    let limit = limit.map(|one| format!("{} ({})", wording::limit(one), one.class.word()));
    let mut flags: Vec<&str> = view.flags.iter().map(|flag| flag.word()).collect();
    if !view.required && !view.flags.contains(&Flag::Informative) {
        flags.push(Flag::Informative.word());
    }
    let absent = || "–".to_owned();
    let verdict = view.verdict;
    let mut below = Vec::new();
    // A conditional pass has its condition in the reason.
    let is_plain = verdict == Verdict::Pass && !view.flags.contains(&Flag::Conditional);
    if verdict == Verdict::Fail {
        below.extend(misses(view).into_iter().map(|line| format!("    {line}")));
    }
    if !is_plain && !view.reason.is_empty() {
        below.extend(view.reason.lines().map(|line| format!("    {}", output::printable(line))));
    }
    Row {
        cells: vec![
            view.entry.id.text().into(),
            Cell::text(verdict.word()).painted(|text| output::verdict(verdict, text)),
            Cell::number(value.unwrap_or_else(absent)),
            limit.unwrap_or_else(absent).into(),
            Cell::number(margin.map_or_else(absent, wording::margin)),
            flags.join(", ").into(),
        ],
        below,
    }
}

/// What every failed result of an entry misses.
fn misses(view: &EntryView) -> Vec<String> {
    summary::misses(view).iter().map(|text| output::printable(text)).collect()
}

/// Why the verdict of an entry is what it is: a plain fail says what was missed.
pub(super) fn reason(view: &EntryView) -> String {
    if view.verdict == Verdict::Fail && view.reason.is_empty() {
        return misses(view).join("; ");
    }
    view.reason.clone()
}

/// What decided an entry, in one line: `pass, 13.04 dB, margin +2.96 dB`.
pub(super) fn in_one_line(view: &EntryView) -> String {
    let decisive = summary::decisive(view);
    let margin = decisive.and_then(|result| result.judgement).and_then(|one| one.margin);
    let mut text = output::verdict(view.verdict, view.verdict.word());
    if let Some(finding) = decisive.as_ref().and_then(|result| result.measured()) {
        let _ = write!(text, ", {}", wording::value(finding, margin));
    }
    if let Some(margin) = margin {
        let _ = write!(text, ", margin {}", wording::margin(margin));
    }
    if view.verdict != Verdict::Pass && !view.reason.is_empty() {
        let _ = write!(text, ": {}", output::printable(&view.reason));
    }
    text
}

/// A path as it may be typed.
pub(super) fn quoted(path: &Path) -> String {
    let text = output::printable(&path.display().to_string());
    if text.contains(|letter: char| letter.is_whitespace() || "'\"()&;".contains(letter)) {
        format!("\"{text}\"")
    } else {
        text
    }
}
