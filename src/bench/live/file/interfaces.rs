//! The audio interfaces of a bench file: the main one in `[audio]`, further ones as `[[interface]]`.

use super::ports::Wiring;
use super::{CHANNELS, integer, need_integer};
use crate::bench::live::spec::{AudioSpec, LOOP, LoopbackSpec, OtherSpec, SyncSpec};
use crate::document::{Placed, Table};
use crate::take::RATE;
use crate::terms::Port;

/// The rates that an interface may run at: the bench's, and the one that is lowered to it two to one.
const RATES: [u32; 2] = [RATE, 2 * RATE];

/// The main interface.
pub(super) fn audio_of(table: &Table<'_>) -> Option<AudioSpec> {
    let playback = table.need_text("playback").and_then(|id| id_of(table, id));
    let capture = table.need_text("capture").and_then(|id| id_of(table, id));
    let rate = rate_of(table);
    let buffer = need_integer(table, "buffer_frames", 16..=8_192);
    table.finish();
    let (playback, capture) = (playback?, capture?);
    same_host(table, &playback, &capture);
    Some(AudioSpec {
        playback: playback.value,
        capture: capture.value,
        rate: rate?,
        buffer_frames: buffer?.value as u32,
        cords: Vec::new(),
    })
}

/// A further interface. Its ports are bound later.
pub(super) fn other_of(table: &Table<'_>, wiring: &mut Wiring<'_>) -> Option<OtherSpec> {
    let name = table.need_text("name").and_then(|name| name_of(table, name));
    let [playback, capture] = ["playback", "capture"].map(|key| {
        let is_there = table.has(key);
        let id = table.text(key).and_then(|id| id_of(table, id));
        (is_there, id)
    });
    let rate = rate_of(table);
    let buffer = need_integer(table, "buffer_frames", 16..=8_192);
    let sync = integer(table, "sync_in", CHANNELS);
    if !playback.0 && !capture.0 {
        table.missing(
            "capture",
            "the id of what records; or 'playback', what plays background noise; or both",
        );
    }
    if let (Some(one), Some(other)) = (&playback.1, &capture.1) {
        same_host(table, one, other);
    }
    let name = name?;
    let host = [&playback.1, &capture.1].into_iter().flatten().next().map(|id| id.value.clone());
    let host = host.as_deref().and_then(|id| id.split_once(':')).map_or("", |(host, _)| host);
    if !wiring.interface(&name.value, host) {
        table.problems().report(
            name.place.clone(),
            "the interface is there twice",
            format!("'{}'", name.value),
            "a name of its own for each [[interface]]",
            "give one of them another name",
        );
        return None;
    }
    let sync = sync.and_then(|channel| {
        // The name is made of characters that a port may have.
        let port = Port::new(&format!("{}.{}", Port::LOOPBACK, name.value)).ok()?;
        wiring.sync(table, &name.value, &channel, &port)?;
        Some(SyncSpec { channel: channel.value as u16, port })
    });
    Some(OtherSpec {
        name: name.value,
        playback: playback.1.map(|id| id.value),
        capture: capture.1.map(|id| id.value),
        rate: rate?,
        buffer_frames: buffer?.value as u32,
        cords: Vec::new(),
        outputs: std::collections::BTreeMap::new(),
        inputs: std::collections::BTreeMap::new(),
        sync,
    })
}

/// Hands every further interface its ports, and says what it lacks.
pub(super) fn finish(
    wiring: &mut Wiring<'_>,
    root: &Table<'_>,
    others: &mut [OtherSpec],
    loopback: Option<LoopbackSpec>,
) {
    for other in others {
        other.outputs = wiring.outputs_of(&other.name);
        other.inputs = wiring.inputs_of(&other.name);
        other.cords = wiring.cords_of(&other.name);
        let lacks = |what: &str, expected: &str, remedy: String| {
            root.problems().report(
                root.place().clone(),
                format!("the interface '{}' {what}", other.name),
                "nothing",
                expected,
                remedy,
            );
        };
        if !other.inputs.is_empty() && (other.sync.is_none() || loopback.is_none()) {
            lacks(
                "records on a clock of its own, and nothing proves its time",
                "[loopback] on the main interface, and 'sync_in': an input that hears its output too",
                format!(
                    "split the loopback cable and lead it to an input of '{}': sync_in = that channel",
                    other.name
                ),
            );
        }
        for (is_used, id, key) in [
            (!other.inputs.is_empty() || other.sync.is_some(), &other.capture, "capture"),
            (!other.outputs.is_empty(), &other.playback, "playback"),
        ] {
            if is_used && id.is_none() {
                let remedy = format!("write {key} = \"host:name\" in its [[interface]]");
                lacks(&format!("has ports but no '{key}'"), "the id of an audio interface", remedy);
            }
            if !is_used && id.is_some() {
                let remedy = format!("remove '{key}', or bind a port with interface = \"{}\"", other.name);
                lacks(&format!("has '{key}' but no port there"), "a port that uses it", remedy);
            }
        }
    }
}

/// What an interface is called: a word as ports have it.
fn name_of(table: &Table<'_>, name: Placed<String>) -> Option<Placed<String>> {
    let is_word =
        !name.value.contains('.') && Port::new(&name.value).is_ok() && name.value != super::ports::MAIN;
    if is_word {
        return Some(name);
    }
    table.problems().report(
        name.place,
        "this is no name of an interface",
        format!("'{}'", name.value),
        "a word of small letters, digits and _, other than 'main', which is the one of [audio]",
        "write name = \"noise\"",
    );
    None
}

fn rate_of(table: &Table<'_>) -> Option<u32> {
    let known = || RATES.map(|rate| rate.to_string()).join(" or ");
    if !table.has("rate_hz") {
        table.integer("rate_hz");
        table.missing("rate_hz", &known());
        return None;
    }
    let rate = table.integer("rate_hz")?;
    let found = RATES.into_iter().find(|one| i64::from(*one) == rate.value);
    if found.is_none() {
        table.problems().report(
            rate.place,
            "the bench does not run at this rate",
            format!("{} Hz", rate.value),
            format!("{} Hz: the bench works at {RATE} Hz, and lowers twice that exactly two to one", known()),
            format!("set the interface to {RATE} Hz and write rate_hz = {RATE}"),
        );
    }
    found
}

/// The id of an interface, which begins with its host.
fn id_of(table: &Table<'_>, id: Placed<String>) -> Option<Placed<String>> {
    if id.value.split_once(':').is_some_and(|(host, name)| !host.is_empty() && !name.is_empty()) {
        return Some(id);
    }
    table.problems().report(
        id.place,
        "this is no id of an audio interface",
        format!("'{}'", id.value),
        format!("host and name, as in \"alsa:hw:CARD=UMC,DEV=0\" or \"{LOOP}:wire\""),
        "take an id from `lombard list interfaces`",
    );
    None
}

fn same_host(table: &Table<'_>, playback: &Placed<String>, capture: &Placed<String>) {
    let [one, other] = [playback, capture].map(|id| id.value.split_once(':').map_or("", |(host, _)| host));
    if one != other {
        table.problems().report(
            capture.place.clone(),
            "playback and capture belong to different hosts",
            format!("{one} and {other}"),
            "two interfaces of one host, which can share a clock",
            format!("choose an interface of {one}, or make it an [[interface]] of its own"),
        );
    }
}
