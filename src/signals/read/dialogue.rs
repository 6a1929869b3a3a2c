//! Reads dialogues of recorded speech, word sequences and extended speech.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Corners, count, hertz, ordered, refer, seconds, unique};
use crate::document::Table;
use crate::signals::activation::WordRamp;
use crate::signals::catalogue::{Kind, LevelBasis, SignalSpec};
use crate::signals::conversation::Conversation;
use crate::signals::dialogue::{Dialogue, DialogueSide, Side, Talk, Turn};
use crate::signals::extension::Extension;
use crate::signals::generate::SECONDS_MAX;
use crate::units::Unit;

/// What words may rise by, from the first to the last: more than any converter holds.
const RISE_MAX_DB: f64 = 120.0;

const TIME: [Unit; 2] = [Unit::Second, Unit::Millisecond];

/// Every `[[dialogue]]` by its id.
pub(super) fn dialogues(root: &Table<'_>) -> BTreeMap<String, Dialogue> {
    let mut dialogues = BTreeMap::new();
    for table in root.tables("dialogue") {
        let id = table.need_text("id");
        let dialogue = dialogue(&table);
        if let (Some(id), Some(dialogue)) = (id, dialogue) {
            unique(&table, &id, dialogues.insert(id.value.clone(), dialogue).is_some());
        }
        table.finish();
    }
    dialogues
}

fn dialogue(table: &Table<'_>) -> Option<Dialogue> {
    let length = seconds(table, "length");
    let floor_db = table.quantity("floor", &[Unit::Db]).map(|one| one.value.value);
    let (far, near) = (turns(table, "far"), turns(table, "near"));
    let timed = if table.has("p59") {
        table.table("p59").and_then(|sub| {
            let timed = timed(&sub);
            sub.finish();
            timed
        })
    } else {
        table.kind("p59");
        None
    };
    let talk = match (timed, far.is_empty() && near.is_empty()) {
        (Some(timed), true) => Some(Talk::Timed(timed)),
        (None, false) => Some(Talk::Placed { far, near }),
        (timed, _) => {
            table.problems().report(
                table.place().clone(),
                "a dialogue is placed or timed",
                if timed.is_some() {
                    "turns and a [dialogue.p59]"
                } else {
                    "neither turns nor a [dialogue.p59]"
                }
                .to_owned(),
                "tables [[dialogue.far]] and [[dialogue.near]], or a table [dialogue.p59]",
                "keep one of them",
            );
            None
        }
    };
    Some(Dialogue { seconds: bounded(table, "length", length?)?, floor_db, talk: talk? })
}

/// A time that a signal can have.
fn bounded(table: &Table<'_>, key: &str, seconds: f64) -> Option<f64> {
    if seconds <= SECONDS_MAX {
        return Some(seconds);
    }
    table.problems().report(
        table.place().clone(),
        format!("'{key}' is longer than any signal"),
        format!("{seconds} s"),
        format!("at most {SECONDS_MAX} s"),
        format!("correct {key}"),
    );
    None
}

/// Whether the level of a signal is stated on the basis that its kind has.
pub(super) fn consistent(table: &Table<'_>, spec: &SignalSpec) {
    let wanted = match spec.kind {
        Kind::WordRamp(_) => LevelBasis::ActiveRms,
        Kind::Dialogue(_) | Kind::Extended(_) => LevelBasis::ActiveSpeech,
        Kind::DrivingNoise(_) | Kind::RecordedNoise(_) => LevelBasis::Rms,
        _ => return,
    };
    if spec.level_basis != wanted {
        table.problems().report(
            table.place().clone(),
            "a signal has its level on the wrong basis",
            spec.level_basis.word(),
            format!("level_basis = \"{}\"", wanted.word()),
            "correct level_basis",
        );
    }
}

fn timed(table: &Table<'_>) -> Option<Conversation> {
    let side = |key: &str| {
        let files: Vec<String> =
            table.texts(key).unwrap_or_default().into_iter().map(|one| one.value).collect();
        if files.is_empty() {
            table.missing(key, "a list with the recordings of this side");
        }
        files
    };
    let (far, near) = (side("far"), side("near"));
    let seed = table.integer("seed").map_or(0, |one| one.value.unsigned_abs());
    (!far.is_empty() && !near.is_empty()).then_some(Conversation { far, near, seed })
}

fn turns(table: &Table<'_>, key: &str) -> Vec<Turn> {
    let mut turns = Vec::new();
    for sub in table.tables(key) {
        let at = sub.need_quantity("at", &TIME).and_then(|one| one.value.seconds());
        let file = sub.need_text("file");
        let group = sub.text("group").map_or(String::new(), |one| one.value);
        let alone = sub.boolean("alone").is_some_and(|one| one.value);
        let cut_s = cut(&sub);
        if let (Some(at), Some(file), Ok(cut_s)) = (at, file, cut_s) {
            turns.push(Turn { group, at_s: at.0, file: file.value, cut_s, alone });
        }
        sub.finish();
    }
    turns
}

/// `from` and `to`, both or neither; `Err` after a problem was reported.
fn cut(table: &Table<'_>) -> Result<Option<Range<f64>>, ()> {
    let from = table.quantity("from", &TIME);
    let to = table.quantity("to", &TIME);
    let (Some(from), Some(to)) = (&from, &to) else {
        if from.is_none() && to.is_none() && !table.has("from") && !table.has("to") {
            return Ok(None);
        }
        if !(table.has("from") && table.has("to")) {
            table.missing(if table.has("from") { "to" } else { "from" }, "the other end of the cut");
        }
        return Err(());
    };
    let range =
        from.value.seconds().map_or(f64::NAN, |one| one.0)..to.value.seconds().map_or(f64::NAN, |one| one.0);
    if range.start >= 0.0 && range.start < range.end {
        return Ok(Some(range));
    }
    ordered(table, "from and to", Some(&(range, Some(from.place.clone()))));
    Err(())
}

/// `[signal.dialogue]`.
pub(super) fn side(table: &Table<'_>, dialogues: &BTreeMap<String, Dialogue>) -> Option<DialogueSide> {
    let of = table.need_text("of");
    let side = table.need_text("side");
    let side = side.and_then(|word| match word.value.as_str() {
        "far" => Some(Side::Far),
        "near" => Some(Side::Near),
        _ => {
            refer(table, &word, "side", &["far", "near"]);
            None
        }
    });
    let of = of?;
    let found = dialogues.get(&of.value).cloned();
    if found.is_none() {
        refer(table, &of, "dialogue", &dialogues.keys().map(String::as_str).collect::<Vec<_>>());
    }
    Some(DialogueSide { dialogue: found?, side: side? })
}

/// `[signal.words]`.
pub(super) fn word_ramp(table: &Table<'_>) -> Option<WordRamp> {
    let file = table.need_text("file");
    let cut_s = cut(table);
    if cut_s == Ok(None) {
        table.missing("from", "where the word begins in the recording, and `to`, where it ends");
    }
    let period_s = seconds(table, "period");
    let words = count(table, "count");
    let step = table.need_quantity("step", &[Unit::Db]);
    let (words, period_s) = (words?, period_s?);
    bounded(table, "count", f64::from(words) * period_s)?;
    let step = step?;
    let rise_db = step.value.value * f64::from(words - 1);
    if rise_db.abs() > RISE_MAX_DB {
        table.problems().report(
            step.place,
            "the words of a sequence rise too far",
            format!("{rise_db} dB from the first to the last"),
            format!("at most {RISE_MAX_DB} dB"),
            "fewer words or a smaller step",
        );
        return None;
    }
    Some(WordRamp {
        file: file?.value,
        cut_s: cut_s.ok()??,
        period_s,
        count: words,
        step_db: step.value.value,
    })
}

/// `[signal.extended]`; `before` are the signals that stand before it in the file.
pub(super) fn extended(
    table: &Table<'_>,
    shapes: &BTreeMap<String, Corners>,
    before: &[SignalSpec],
) -> Option<Extension> {
    let of = table.need_text("of");
    let shape = table.need_text("shape");
    let low_hz = hertz(table, "low");
    let high_hz = hertz(table, "high");
    let corners = shape.and_then(|name| {
        let found = shapes.get(&name.value).cloned();
        if found.is_none() {
            refer(table, &name, "shape", &shapes.keys().map(String::as_str).collect::<Vec<_>>());
        }
        found
    });
    let speech = of.and_then(|name| {
        let speech = before.iter().find_map(|one| match &one.kind {
            Kind::Speech(speech) if one.id == name.value => Some((speech.clone(), one.seed)),
            _ => None,
        });
        if speech.is_none() {
            let is_speech = |one: &&SignalSpec| matches!(one.kind, Kind::Speech(_));
            let known: Vec<&str> = before.iter().filter(is_speech).map(|one| one.id.as_str()).collect();
            refer(table, &name, "recorded speech above this table", &known);
        }
        speech
    });
    let band_hz = low_hz?..high_hz?;
    ordered(table, "low and high", Some(&(band_hz.clone(), Some(table.place().clone()))));
    let crest_max_db = table.quantity("crest_max", &[Unit::Db]).map(|one| one.value.value);
    let (speech, speech_seed) = speech?;
    Some(Extension { speech, speech_seed, band_hz, crest_max_db, corners: corners? })
}
