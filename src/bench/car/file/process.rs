//! The keys of a terminal that is a program: what runs, in which blocks and at which rate, and what its full scale means.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{need_table, quantity_or, within};
use crate::bench::car::spec::ProcessSpec;
use crate::document::{Placed, Problems, Table, read_with};
use crate::problem::{Place, SourceText};
use crate::units::{DBOV_AT_0_DBM0, Unit};

/// The longest block and the longest latency, in frames: a second at the highest rate.
const FRAMES_MAX: f64 = 48_000.0;
/// How long a program may take to answer where the file says nothing.
const TIMEOUT_S: f64 = 10.0;
/// The longest time that a file may grant.
const TIMEOUT_MAX_S: f64 = 600.0;

/// The levels of a program that gives out what it is given.
pub(super) struct Levels {
    /// Level at the POI in dBm0 for 0 dBPa at the microphone.
    pub send_gain_db: f64,
    /// Where the microphone's converter clips.
    pub send_overload_dbpa: Option<f64>,
    /// Level at 1 m in dBPa for 0 dBm0 at the POI.
    pub receive_gain_db: f64,
}

/// Reads what only a program has.
pub(super) fn process_of(table: &Table<'_>) -> Option<(ProcessSpec, Levels)> {
    let command = command(table);
    let rate = rate(table);
    let block = whole(table, "block", None, 1.0);
    let microphones = microphones(table);
    let latencies = ["latency_send", "latency_receive"].map(|key| whole(table, key, Some(0), 0.0));
    let timeout = timeout(table);
    let full = need_table(table, "full_scale").and_then(|full| {
        let level = |key: &str| {
            let quantity = full.need_quantity(key, &[Unit::DbPa])?;
            let value = Placed { value: quantity.value.value, place: quantity.place };
            within(&full, key, value, -60.0, 80.0, "dBPa")
        };
        let (microphone, loudspeaker) = (level("microphone"), level("loudspeaker"));
        // That of the network: the program gets and gives the digital signal as it is.
        let digital = |key: &str| quantity_or(&full, key, Unit::Dbm0, -DBOV_AT_0_DBM0, (-40.0, 60.0));
        let (receive, send) = (digital("receive"), digital("send"));
        full.finish();
        Some((microphone?, loudspeaker?, receive?, send?))
    });
    let [latency_send, latency_receive] = latencies;
    let (microphone_dbpa, loudspeaker_dbpa, receive_full_dbm0, send_full_dbm0) = full?;
    let own = ProcessSpec {
        command: command?,
        folder: folder_of(&table.place().source),
        rate: rate?,
        block: block?,
        microphones: microphones?,
        latency_send: latency_send?,
        latency_receive: latency_receive?,
        send_full_dbm0,
        receive_full_dbm0,
        timeout: timeout?,
    };
    let levels = Levels {
        send_gain_db: send_full_dbm0 - microphone_dbpa,
        send_overload_dbpa: Some(microphone_dbpa),
        receive_gain_db: loudspeaker_dbpa - receive_full_dbm0,
    };
    Some((own, levels))
}

/// The folder of a car file; empty where its name has none.
fn folder_of(source: &SourceText) -> PathBuf {
    Path::new(&*source.name).parent().map_or_else(PathBuf::new, Path::to_owned)
}

/// Where a car file names its program.
pub fn command_place(source: &SourceText) -> Place {
    // What is wrong with the file has been told when it was read.
    let problems = Problems::default();
    let place = read_with(source, &problems, |root| {
        let command = root.table("terminal")?.texts("command")?;
        command.into_iter().next().map(|word| word.place)
    });
    place.unwrap_or_else(|| source.start())
}

fn command(table: &Table<'_>) -> Option<Vec<String>> {
    if !table.has("command") {
        table.texts("command");
        table.missing(
            "command",
            "the program and its arguments, as in [\"./canceller\", \"--tail\", \"200\"]",
        );
        return None;
    }
    let words = table.texts("command")?;
    let is_good = words.first().is_some_and(|program| !program.value.trim().is_empty())
        && words.iter().all(|word| !word.value.contains('\0'));
    if is_good {
        return Some(words.into_iter().map(|word| word.value).collect());
    }
    let place = words.first().map_or_else(|| table.place().clone(), |word| word.place.clone());
    table.problems().report(
        place,
        "'command' names no program",
        format!("{:?}", words.iter().map(|word| &word.value).collect::<Vec<_>>()),
        "the program and its arguments, as in [\"./canceller\", \"--tail\", \"200\"]",
        "write the program first; no shell reads the line",
    );
    None
}

fn rate(table: &Table<'_>) -> Option<u32> {
    if !table.has("rate") {
        table.integer("rate");
        table.missing("rate", "frames per second, as in 16000");
        return None;
    }
    let rate = table.integer("rate")?;
    let found = ProcessSpec::RATES.into_iter().find(|one| i64::from(*one) == rate.value);
    if found.is_none() {
        table.problems().report(
            rate.place,
            "'rate' is not one that the bench can make",
            format!("{} Hz", rate.value),
            format!("one of {:?}", ProcessSpec::RATES),
            "write the rate that the program works at, or let the program convert",
        );
    }
    found
}

/// A number of frames; absent is `absent`, or a problem.
fn whole(table: &Table<'_>, key: &str, absent: Option<usize>, least: f64) -> Option<usize> {
    if !table.has(key) {
        table.integer(key);
        if absent.is_none() {
            table.missing(key, "a number of frames, as in 160");
        }
        return absent;
    }
    let found = table.integer(key)?;
    let value = Placed { value: found.value as f64, place: found.place };
    within(table, key, value, least, FRAMES_MAX, "frames").map(|frames| frames as usize)
}

/// The car has one microphone signal, in which all its microphones are added.
fn microphones(table: &Table<'_>) -> Option<usize> {
    if !table.has("microphones") {
        table.integer("microphones");
        return Some(1);
    }
    let found = table.integer("microphones")?;
    if found.value == 1 {
        return Some(1);
    }
    table.problems().report(
        found.place,
        "the car does not have so many microphone channels",
        format!("{} channels", found.value),
        "1: the microphones of all seats are added to one channel",
        "write microphones = 1, or leave it out",
    );
    None
}

fn timeout(table: &Table<'_>) -> Option<Duration> {
    let seconds = if table.has("timeout") {
        let quantity = table.quantity("timeout", &[Unit::Second, Unit::Millisecond])?;
        let seconds = quantity.value.seconds()?.0;
        within(table, "timeout", Placed { value: seconds, place: quantity.place }, 0.01, TIMEOUT_MAX_S, "s")?
    } else {
        table.quantity("timeout", &[Unit::Second]);
        TIMEOUT_S
    };
    Some(Duration::from_secs_f64(seconds))
}
