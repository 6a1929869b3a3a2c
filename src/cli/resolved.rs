//! What a plan means, on paper and as JSON: every value with the file and line that said so, every limit with class and
//! source, takes and their sound, the level plan. For `lombard check --resolved`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::columns::{Cell, Row, aligned};
use super::output;
use crate::entry::EntryId;
use crate::limits::{Limit, Origin};
use crate::plan::difference::rule;
use crate::plan::{PlannedEntry, ResolvedPlan};
use crate::problem::Place;
use crate::report::wording;
use crate::run::explain::{EntryRecording, Explained, Play, Recording};
use crate::run::noise::NoisePlay;
use crate::units::Db;

/// A value with the word for who said it, and where: `None` is the default of method or program.
struct Said<'p> {
    key: String,
    value: String,
    place: Option<&'p Place>,
}

impl Said<'_> {
    fn of(key: impl Into<String>, value: impl Into<String>, place: Option<&Place>) -> Said<'_> {
        Said { key: key.into(), value: value.into(), place }
    }

    fn origin(&self, plan: &ResolvedPlan) -> String {
        match self.place {
            None => "default".to_owned(),
            Some(place) => format!("{}, {}:{}", plan.layer(place).word(), place.source.name, place.line()),
        }
    }

    fn row(&self, plan: &ResolvedPlan) -> Row {
        let origin = Cell::text(self.origin(plan)).painted(output::dim);
        Row::from(vec![Cell::text(format!("    {}", self.key)), Cell::text(&*self.value), origin])
    }

    fn object(&self, plan: &ResolvedPlan) -> Value {
        json!({
            "key": self.key,
            "value": self.value,
            "origin": self.place.map_or("default", |place| plan.layer(place).word()),
            "file": self.place.map(|place| place.source.name.to_string()),
            "line": self.place.map(Place::line),
        })
    }
}

/// What the plan says of itself.
fn header(plan: &ResolvedPlan) -> Vec<Said<'_>> {
    let at = |key: &str| plan.places.get(key);
    let mut all = vec![
        Said::of("title", &*plan.title, at("title")),
        Said::of("recommendation", &*plan.recommendation, at("recommendation")),
        Said::of("edition", &*plan.edition, at("edition")),
        Said::of("bandwidth", plan.bandwidth.word(), at("bandwidth")),
    ];
    all.extend(plan.default_car.as_ref().map(|car| Said::of("car", &**car, at("car"))));
    all.extend(plan.limit_files.iter().map(|(name, place)| Said::of("limits", &**name, Some(place))));
    all
}

/// What an entry says of itself: its conditions.
fn conditions(one: &PlannedEntry) -> Vec<Said<'_>> {
    let entry = &one.entry;
    let noise = entry
        .noise
        .as_ref()
        .map_or_else(|| "none".to_owned(), |noise| format!("{} ({} dB(A))", noise.signal, noise.level_dba));
    let informative = if one.informative { "true" } else { "false" };
    let values = [
        ("title", entry.title.clone()),
        ("clause", entry.clause.clause.clone()),
        ("method", entry.method.clone()),
        ("volume", entry.volume.to_string()),
        ("talker", entry.talker.to_string()),
        ("listener", entry.listener.to_string()),
        ("noise", noise),
        ("calls", entry.calls.to_string()),
        ("informative", informative.to_owned()),
    ];
    values.into_iter().map(|(key, value)| Said::of(key, value, one.key_places.get(key))).collect()
}

fn parameters(one: &PlannedEntry) -> Vec<Said<'_>> {
    let all = one.entry.parameters.0.iter();
    all.map(|(key, value)| Said::of(&**key, value.to_string(), one.parameter_places.get(key))).collect()
}

/// The plan as text.
pub(super) fn text(explained: &Explained) -> String {
    let plan = &explained.plan;
    let mut text = format!("{}\n", output::bold(&output::printable(&plan.title)));
    text.push_str(&aligned(&header(plan).iter().map(|one| one.row(plan)).collect::<Vec<_>>()));
    for one in &plan.entries {
        let id = output::bold(&output::printable(one.entry.id.text()));
        let _ = write!(text, "\n{id}\n");
        let mut rows: Vec<Row> = conditions(one).iter().map(|said| said.row(plan)).collect();
        rows.extend(parameters(one).into_iter().map(|said| {
            let said = Said { key: format!("parameter {}", said.key), ..said };
            said.row(plan)
        }));
        rows.extend(one.limits.iter().map(limit_row));
        if one.limits.is_empty() {
            rows.push(Row::from(vec!["    limit".into(), "none: measured, not judged".into()]));
        }
        if !one.facts_needed.is_empty() {
            rows.push(Row::from(vec!["    waits for".into(), Cell::text(one.facts_needed.join(", "))]));
        }
        if !one.facts_found.is_empty() {
            let found: Vec<&str> = one.facts_found.iter().map(|(key, _)| key.as_str()).collect();
            rows.push(Row::from(vec!["    finds".into(), Cell::text(found.join(", "))]));
        }
        text.push_str(&aligned(&rows));
        let recorded = explained.recording.as_ref().and_then(|all| all.entries.get(&one.entry.id));
        text.push_str(&recorded.map(takes_text).unwrap_or_default());
    }
    text.push_str(&match &explained.recording {
        Some(recording) => recording_text(recording),
        None => "\nThe plan names no car: what is recorded depends on the bench.\n".to_owned(),
    });
    text
}

/// A limit with its values in the first row, its class and source below.
fn limit_row(limit: &Limit) -> Row {
    let chain: Vec<String> = limit.origins.iter().map(ToString::to_string).collect();
    Row {
        cells: vec![
            Cell::text(format!("    limit {}", limit.id)),
            Cell::text(format!("{} {}", limit.measurand, wording::limit(limit))),
            Cell::text(chain.join(" over ")).painted(output::dim),
        ],
        below: vec![format!(
            "        class {}, {}: {}",
            limit.class.word(),
            output::printable(&limit.clause.to_string()),
            output::printable(&limit.source)
        )],
    }
}

fn takes_text(recording: &EntryRecording) -> String {
    let mut text = String::new();
    for take in &recording.takes {
        let shared: Vec<&str> = take.shared_with.iter().map(EntryId::text).collect();
        let shared =
            if shared.is_empty() { String::new() } else { format!(", shared with {}", shared.join(", ")) };
        let records: Vec<String> = take.records.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            text,
            "    take {}: {:.1} s in call {}, records {}{shared}",
            take.name,
            take.duration.0,
            recording.call,
            records.join(", ")
        );
        for play in &take.plays {
            let _ = writeln!(
                text,
                "        plays {} on {} at {}, headroom {}",
                play.signal,
                play.port,
                play.level,
                headroom(play.headroom)
            );
        }
    }
    if recording.more_max > 0 {
        let _ = writeln!(text, "    the method may ask for {} takes more", recording.more_max);
    }
    output_lines(&text)
}

/// Nothing that a file says moves the cursor.
fn output_lines(text: &str) -> String {
    text.lines().map(|line| output::printable(line) + "\n").collect()
}

fn headroom(room: Db) -> String {
    if room.0.is_finite() { format!("{:.1} dB", room.0) } else { "all, it is silence".to_owned() }
}

fn recording_text(recording: &Recording) -> String {
    let mut text = format!("\n{} {}\n", output::bold("calls on"), output::printable(&recording.bench));
    for call in &recording.calls {
        let noise =
            call.spec.noise.as_ref().map_or_else(String::new, |noise| format!(", noise {}", noise.signal));
        let line = format!(
            "    {}: volume {}{noise}, {} takes, {} after {} of conditioning",
            call.key,
            call.spec.call.volume,
            call.takes,
            wording::duration(call.audio.0),
            count(call.spec.preamble.len(), "take")
        );
        let _ = writeln!(text, "{}", output::printable(&line));
        for play in &call.noise_plays {
            let noise = call.spec.noise.as_ref().map_or("", |noise| &noise.signal);
            let line = format!(
                "        plays {noise} on {} at {:.1} {}, crest factor {:.1} dB, headroom {}",
                play.port,
                play.level.value,
                play.level.unit,
                play.crest.0,
                headroom(play.headroom)
            );
            let _ = writeln!(text, "{}", output::printable(&line));
        }
    }
    let adaptive = recording.entries.values().filter(|one| one.more_max > 0).count();
    let _ = writeln!(
        text,
        "{} in {}, {} of sound; {} may ask for more",
        count(recording.takes(), "take"),
        count(recording.calls.len(), "call"),
        wording::duration(recording.audio().0),
        count(adaptive, "entry")
    );
    text
}

fn count(number: usize, word: &str) -> String {
    match (number, word) {
        (1, word) => format!("1 {word}"),
        (_, "entry") => format!("{number} entries"),
        (_, word) => format!("{number} {word}s"),
    }
}

/// The plan as an object.
pub(super) fn object(given: &str, explained: &Explained) -> Value {
    let plan = &explained.plan;
    let said = |all: Vec<Said<'_>>| all.iter().map(|one| one.object(plan)).collect::<Vec<_>>();
    let entries = plan.entries.iter().map(|one| {
        let recorded = explained.recording.as_ref().and_then(|all| all.entries.get(&one.entry.id));
        json!({
            "id": one.entry.id.text(),
            "conditions": said(conditions(one)),
            "parameters": said(parameters(one)),
            "limits": one.limits.iter().map(limit_object).collect::<Vec<_>>(),
            "waits_for": one.facts_needed,
            "finds": one.facts_found.iter().map(|(key, _)| key).collect::<Vec<_>>(),
            "recording": recorded.map(recording_object),
        })
    });
    json!({
        "plan": given,
        "header": said(header(plan)),
        "entries": entries.collect::<Vec<_>>(),
        "recording": explained.recording.as_ref().map(|recording| json!({
            "bench": recording.bench,
            "takes": recording.takes(),
            "audio_s": recording.audio().0,
            "calls": recording.calls.iter().map(|call| json!({
                "key": call.key.text(),
                "bandwidth": call.spec.call.bandwidth.word(),
                "volume": call.spec.call.volume.to_string(),
                "noise": call.spec.noise.as_ref().map(|noise| &noise.signal),
                "noise_plays": call.noise_plays.iter().map(noise_object).collect::<Vec<_>>(),
                "preamble_takes": call.spec.preamble.len(),
                "takes": call.takes,
                "audio_s": call.audio.0,
            })).collect::<Vec<_>>(),
        })),
    })
}

fn limit_object(limit: &Limit) -> Value {
    json!({
        "id": limit.id,
        "measurand": limit.measurand,
        "rule": rule(limit),
        "unit": limit.unit.symbol(),
        "class": limit.class.word(),
        "clause": limit.clause.to_string(),
        "source": limit.source,
        "origins": limit.origins.iter().map(origin_object).collect::<Vec<_>>(),
    })
}

/// A place of the chain that a value comes from.
pub(super) fn origin_object(origin: &Origin) -> Value {
    json!({ "file": origin.file, "line": origin.line })
}

fn recording_object(recording: &EntryRecording) -> Value {
    json!({
        "call": recording.call.text(),
        "more_takes_max": recording.more_max,
        "takes": recording.takes.iter().map(|take| json!({
            "id": take.id.text(),
            "name": take.name,
            "duration_s": take.duration.0,
            "plays": take.plays.iter().map(play_object).collect::<Vec<_>>(),
            "records": take.records.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "shared_with": take.shared_with.iter().map(EntryId::text).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

fn noise_object(play: &NoisePlay) -> Value {
    json!({
        "port": play.port.to_string(),
        "level_dbpa": play.level.value,
        "crest_db": play.crest.0,
        "headroom_db": play.headroom.0,
    })
}

fn play_object(play: &Play) -> Value {
    json!({
        "at_s": play.at.0,
        "port": play.port.to_string(),
        "signal": play.signal,
        "level": play.level.to_string(),
        "headroom_db": play.headroom.0.is_finite().then_some(play.headroom.0),
    })
}
