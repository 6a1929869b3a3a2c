//! Bench files, `calibration/rigs/*.toml`: what is wired where. Read with the ledger into [`BenchInfo`] and [`LiveSpec`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use time::Date;

use super::spec::{AudioSpec, InputSpec, LOOP, LineEnd, LiveSpec, LoopbackSpec, RigSpec};
use crate::calibration::ledger::LedgerRecord;
use crate::calibration::{PortCalibration, Validity};
use crate::context::{BenchInfo, NetworkInfo, PortDirection, PortInfo};
use crate::document::{Placed, Table, nearest, read};
use crate::plan::{Folder, Input, Sources};
use crate::problem::{Problem, SourceText};
use crate::take::RATE;
use crate::terms::{Bandwidth, Port};
use crate::units::{Quantity, Seconds, Unit};

/// What a port is called whose full scale is a nominal value without a record.
pub const UNCALIBRATED: &str = "uncalibrated";
/// What stands for a record on the loopback, which has no unit to be calibrated in.
const BY_NATURE: &str = "digital full scale";
/// The channels that an interface may have.
const CHANNELS: RangeInclusive<i64> = 1..=256;
/// The delays that a network may declare.
const DELAYS_S: RangeInclusive<f64> = 0.0..=2.0;
/// How long a take may wait for an answer of the rig.
const TIMEOUTS_S: RangeInclusive<f64> = 0.01..=10.0;

/// A bench file with what it refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchFile {
    /// The bench as planning and evaluation see it, with the validity of its calibrations on the day it was read for.
    pub info: BenchInfo,
    /// The hardware.
    pub spec: LiveSpec,
    /// The ledger records that it uses, for the run's `inputs/`.
    pub ledger: Vec<Input>,
}

/// Reads a bench file and the ledger records that it names, for takes captured `on` a day.
///
/// # Errors
/// Every problem of the bench file and of its records, each with its place.
pub fn read_bench(source: &SourceText, ledger: &dyn Sources, on: Date) -> Result<BenchFile, Vec<Problem>> {
    read(source, |root| {
        let name = root.need_text("name");
        root.need_text("description");
        let audio = need_table(root, "audio").and_then(|table| audio_of(&table));
        let network = need_table(root, "network").and_then(|table| network_of(&table));
        let device = need_table(root, "device");
        let steps = device.as_ref().and_then(|table| {
            let steps = need_integer(table, "volume_steps", 1..=64);
            table.finish();
            steps
        });
        let mut wiring = Wiring::new(ledger, on);
        for table in root.tables("port") {
            wiring.port(&table);
            table.finish();
        }
        let loopback = if root.has("loopback") {
            root.table("loopback").and_then(|table| wiring.loopback(&table))
        } else {
            root.table("loopback");
            None
        };
        if !root.has("port") {
            root.missing("port", "the ports, each as a table that begins with [[port]]");
        }
        let rig = if root.has("rig") {
            root.table("rig").map(|table| rig_of(&table))
        } else {
            root.table("rig");
            None
        };
        if let Some(steps) = &steps
            && steps.value > 1
            && rig.as_ref().is_none_or(|rig| rig.as_ref().is_some_and(|rig| rig.set_volume.is_none()))
        {
            root.problems().report(
                steps.place.clone(),
                "nothing sets the volume of the device",
                format!("{} steps, and no 'set_volume' in [rig]", steps.value),
                "a rig that sets the volume, or a device with one step",
                "add [rig] with set_volume, or write volume_steps = 1 and set the volume by hand",
            );
        }
        Some(BenchFile {
            info: BenchInfo {
                name: name?.value,
                is_virtual: false,
                ports: wiring.ports,
                network: network?,
                volume_step_count: steps?.value as u32,
            },
            spec: LiveSpec {
                audio: audio?,
                outputs: wiring.outputs,
                inputs: wiring.inputs,
                loopback,
                rig: rig.map_or(Some(None), |rig| rig.map(Some))?,
            },
            ledger: wiring.used.into_values().collect(),
        })
    })
}

fn need_table<'d>(parent: &Table<'d>, key: &str) -> Option<Table<'d>> {
    if !parent.has(key) {
        parent.table(key);
        parent.missing(key, "a table");
        return None;
    }
    parent.table(key)
}

/// The whole number at `key` within a range; absent is `None` without a report.
fn integer(table: &Table<'_>, key: &str, range: RangeInclusive<i64>) -> Option<Placed<i64>> {
    let number = table.integer(key)?;
    if range.contains(&number.value) {
        return Some(number);
    }
    table.problems().report(
        number.place,
        format!("'{key}' is out of range"),
        number.value.to_string(),
        format!("{} to {}", range.start(), range.end()),
        format!("give {key} within that range"),
    );
    None
}

fn need_integer(table: &Table<'_>, key: &str, range: RangeInclusive<i64>) -> Option<Placed<i64>> {
    if !table.has(key) {
        table.integer(key);
        table.missing(key, &format!("a whole number from {} to {}", range.start(), range.end()));
        return None;
    }
    integer(table, key, range)
}

fn seconds(table: &Table<'_>, key: &str, range_s: RangeInclusive<f64>) -> Option<f64> {
    let quantity = table.need_quantity(key, &[Unit::Millisecond, Unit::Second])?;
    let value = quantity.value.seconds()?.0;
    if range_s.contains(&value) {
        return Some(value);
    }
    table.problems().report(
        quantity.place,
        format!("'{key}' is out of range"),
        quantity.value.to_string(),
        format!("{} to {} s", range_s.start(), range_s.end()),
        format!("give {key} within that range"),
    );
    None
}

fn audio_of(table: &Table<'_>) -> Option<AudioSpec> {
    let playback = table.need_text("playback");
    let capture = table.need_text("capture");
    let rate = if table.has("rate_hz") { table.integer("rate_hz") } else { need_rate(table) };
    let buffer = need_integer(table, "buffer_frames", 16..=8_192);
    table.finish();
    if let Some(rate) = rate.filter(|rate| rate.value != i64::from(RATE)) {
        table.problems().report(
            rate.place,
            "the bench does not run at this rate",
            format!("{} Hz", rate.value),
            format!("{RATE} Hz, the only rate of this edition"),
            format!("set the interface to {RATE} Hz and write rate_hz = {RATE}"),
        );
    }
    let ids = [playback?, capture?];
    let hosts = ids.each_ref().map(|id| match id.value.split_once(':') {
        Some((host, name)) if !host.is_empty() && !name.is_empty() => Some(host.to_owned()),
        _ => {
            table.problems().report(
                id.place.clone(),
                "this is no id of an audio interface",
                format!("'{}'", id.value),
                format!("host and name, as in \"alsa:hw:CARD=UMC,DEV=0\" or \"{LOOP}:wire\""),
                "take an id from `lombard list interfaces`",
            );
            None
        }
    });
    let [Some(one), Some(other)] = hosts else { return None };
    let [playback, capture] = ids;
    if one != other {
        table.problems().report(
            capture.place,
            "playback and capture belong to different hosts",
            format!("{one} and {other}"),
            "two interfaces of one host, which can share a clock",
            format!("choose an interface of {one}"),
        );
    }
    Some(AudioSpec { playback: playback.value, capture: capture.value, buffer_frames: buffer?.value as u32 })
}

fn need_rate(table: &Table<'_>) -> Option<Placed<i64>> {
    table.missing("rate_hz", &format!("{RATE}, the only rate of this edition"));
    None
}

fn network_of(table: &Table<'_>) -> Option<NetworkInfo> {
    let codec = table.need_text("codec");
    let bandwidth = table.need_word::<Bandwidth>("bandwidth", "the widest band that the link carries");
    let [send, receive] = ["delay_send", "delay_receive"].map(|key| seconds(table, key, DELAYS_S));
    table.finish();
    Some(NetworkInfo {
        codec: codec?.value,
        bandwidth: bandwidth?.value,
        delay_send: Seconds(send?),
        delay_receive: Seconds(receive?),
    })
}

/// What the name of a port says: the directions it may have, and the planes of its full scale.
fn nature(port: &Port) -> Option<(&'static [PortDirection], &'static [Unit])> {
    use PortDirection::{In, Out};
    let words: Vec<&str> = port.name().split('.').collect();
    let acoustic: &[Unit] = &[Unit::DbPa];
    let network: &[Unit] = &[Unit::Dbm0];
    match words[..] {
        ["mouth"] | ["mouth", _] => Some((&[Out], acoustic)),
        ["poi", "receive"] => Some((&[Out], network)),
        ["poi", "send"] => Some((&[In], network)),
        ["noise", n] if n == "sub" || n.parse::<u32>().is_ok_and(|n| n > 0) => Some((&[Out], acoustic)),
        ["ear", "left" | "right"] | ["ear", _, "left" | "right"] => Some((&[In], acoustic)),
        ["mic", "reference" | "mrp" | "hfrp"] => Some((&[In], acoustic)),
        ["srw", "send" | "receive"] => Some((&[In, Out], network)),
        ["tap", "microphone" | "echo_reference" | "loudspeaker"] => Some((&[In], &[Unit::DbOv, Unit::Dbm0])),
        _ => None,
    }
}

/// The names of ports, for messages.
const PORT_NAMES: &str = "mouth, mouth.<seat>, poi.receive, poi.send, noise.1 …, noise.sub, ear.left, ear.right, \
     ear.<seat>.left …, mic.reference, mic.mrp, mic.hfrp, srw.send, srw.receive, tap.microphone, \
     tap.echo_reference, tap.loudspeaker";

const DIRECTIONS: [(PortDirection, &str); 2] = [(PortDirection::Out, "out"), (PortDirection::In, "in")];

fn word_of(direction: PortDirection) -> &'static str {
    DIRECTIONS.iter().find(|one| one.0 == direction).map_or("out and in", |one| one.1)
}

/// The ports of a bench file while it is read.
struct Wiring<'a> {
    ledger: &'a dyn Sources,
    on: Date,
    ports: BTreeMap<Port, PortInfo>,
    outputs: BTreeMap<Port, u16>,
    inputs: BTreeMap<Port, InputSpec>,
    /// Who has a channel: direction, channel.
    taken: BTreeMap<(bool, i64), String>,
    /// The records that were read.
    used: BTreeMap<String, Input>,
    /// The records that could not be read, so that each is reported once.
    failed: BTreeSet<String>,
}

impl<'a> Wiring<'a> {
    fn new(ledger: &'a dyn Sources, on: Date) -> Self {
        Self {
            ledger,
            on,
            ports: BTreeMap::new(),
            outputs: BTreeMap::new(),
            inputs: BTreeMap::new(),
            taken: BTreeMap::new(),
            used: BTreeMap::new(),
            failed: BTreeSet::new(),
        }
    }

    fn port(&mut self, table: &Table<'_>) -> Option<()> {
        let name = table.need_text("name").and_then(|name| port_name(table, name));
        let direction = table.need_text("direction").and_then(|word| direction_of(table, &word));
        let channel = need_integer(table, "channel", CHANNELS);
        let converter = converter_of(table);
        let named = name.as_ref().and_then(|name| nature(&name.value));
        let planes = named.map_or(&[Unit::DbPa, Unit::Dbm0, Unit::DbOv][..], |(_, planes)| planes);
        let calibration = self.calibration(table, planes);
        let (name, direction) = (name?, direction?);
        let (directions, _) = named?;
        if !directions.contains(&direction.value) {
            table.problems().report(
                direction.place,
                format!("port {} has another direction", name.value),
                word_of(direction.value),
                directions.iter().map(|one| word_of(*one)).collect::<Vec<_>>().join(" or "),
                "\"out\" is what the bench plays, \"in\" what it records",
            );
            return None;
        }
        let channel = channel?;
        self.take_channel(table, direction.value, &channel, name.value.name())?;
        let calibration = calibration?;
        let is_analog = converter?.unwrap_or(calibration.unit() == Unit::DbPa);
        if self.ports.contains_key(&name.value) {
            table.problems().report(
                name.place,
                "the port is bound twice",
                format!("'{}'", name.value),
                "one [[port]] for each name",
                "remove one of the two",
            );
            return None;
        }
        let channel = channel.value as u16;
        match direction.value {
            PortDirection::In => {
                self.inputs.insert(name.value.clone(), InputSpec { channel, is_analog });
            }
            PortDirection::Out | PortDirection::Both => {
                self.outputs.insert(name.value.clone(), channel);
            }
        }
        self.ports.insert(name.value, PortInfo { direction: direction.value, calibration });
        Some(())
    }

    /// The loopback pair: a port without a plane, whose two channels nobody else may have.
    fn loopback(&mut self, table: &Table<'_>) -> Option<LoopbackSpec> {
        let out = need_integer(table, "out", CHANNELS);
        let input = need_integer(table, "in", CHANNELS);
        table.finish();
        let (out, input) = (out?, input?);
        let is_free = self.take_channel(table, PortDirection::Out, &out, Port::LOOPBACK);
        self.take_channel(table, PortDirection::In, &input, Port::LOOPBACK).and(is_free)?;
        let calibration = PortCalibration {
            record: BY_NATURE.to_owned(),
            zero_dbov: Quantity::new(0.0, Unit::DbOv),
            validity: Validity::Valid,
        };
        let info = PortInfo { direction: PortDirection::Both, calibration };
        self.ports.insert(Port::of(Port::LOOPBACK), info);
        Some(LoopbackSpec { output: out.value as u16, input: input.value as u16 })
    }

    fn take_channel(
        &mut self,
        table: &Table<'_>,
        direction: PortDirection,
        channel: &Placed<i64>,
        owner: &str,
    ) -> Option<()> {
        let key = (direction == PortDirection::In, channel.value);
        let Some(other) = self.taken.insert(key, owner.to_owned()) else { return Some(()) };
        table.problems().report(
            channel.place.clone(),
            format!("{} channel {} is used twice", word_of(direction), channel.value),
            format!("{owner} and {other}"),
            "a channel of its own for each port",
            format!("give {owner} another channel"),
        );
        None
    }

    /// What the samples of a port mean: a record of the ledger, or a nominal value that no verdict may stand on.
    fn calibration(&mut self, table: &Table<'_>, planes: &[Unit]) -> Option<PortCalibration> {
        let record = table.text("calibration");
        let nominal = if table.has("nominal") {
            table.quantity("nominal", planes)
        } else {
            table.quantity("nominal", planes);
            None
        };
        match (table.has("calibration"), table.has("nominal")) {
            (true, false) => self.record(table, &record?, planes),
            (false, true) => Some(PortCalibration {
                record: UNCALIBRATED.to_owned(),
                zero_dbov: nominal?.value,
                validity: Validity::Missing,
            }),
            (false, false) => {
                table.missing(
                    "calibration",
                    &format!(
                        "the id of a record in {}; or nominal = \"… {}\", on which no verdict stands",
                        Folder::Ledger,
                        planes[0]
                    ),
                );
                None
            }
            (true, true) => {
                table.problems().report(
                    nominal.map_or_else(|| table.place().clone(), |nominal| nominal.place),
                    "the port is calibrated twice",
                    "'calibration' and 'nominal'",
                    "one of the two",
                    "remove 'nominal': the record knows better",
                );
                None
            }
        }
    }

    fn record(&mut self, table: &Table<'_>, id: &Placed<String>, planes: &[Unit]) -> Option<PortCalibration> {
        if self.failed.contains(&id.value) {
            return None;
        }
        let Some(text) = self.ledger.read(Folder::Ledger, &id.value) else {
            let known = self.ledger.names(Folder::Ledger);
            let words: Vec<&str> = known.iter().map(String::as_str).collect();
            let near = nearest(&id.value, &words).map(|near| format!("did you mean '{near}'?"));
            table.problems().report(
                id.place.clone(),
                "there is no such calibration record",
                format!("'{}'", id.value),
                format!("a record in {}: {}", Folder::Ledger, known.join(", ")),
                near.unwrap_or_else(|| format!("write {}/{}.toml", Folder::Ledger, id.value)),
            );
            return None;
        };
        let record = match LedgerRecord::parse(&text) {
            Ok(record) => record,
            Err(problems) => {
                problems.into_iter().for_each(|problem| table.problems().push(problem));
                self.failed.insert(id.value.clone());
                return None;
            }
        };
        let wrong = |title: &str, found: String, expected: String, remedy: &str| {
            table.problems().report(id.place.clone(), title, found, expected, remedy);
            None
        };
        if record.id != id.value {
            let found = format!("id = \"{}\" in {}", record.id, text.name);
            let expected = format!("the id that the file is named after, '{}'", id.value);
            return wrong("the record has another id", found, expected, "rename the file or correct its id");
        }
        if !planes.contains(&record.zero_dbov.unit) {
            let wanted = planes.iter().map(|unit| unit.symbol()).collect::<Vec<_>>().join(" or ");
            let found = format!("{} in record '{}'", record.zero_dbov, record.id);
            return wrong(
                "the record is for another plane",
                found,
                format!("a record in {wanted}"),
                "choose a record that was made for this port",
            );
        }
        let file = Input::file_of(Folder::Ledger, &id.value);
        self.used.insert(id.value.clone(), Input { file, text });
        Some(record.calibration(self.on))
    }
}

fn port_name(table: &Table<'_>, name: Placed<String>) -> Option<Placed<Port>> {
    let report = |expected: String, remedy: &str| {
        let title = "there is no such port";
        table.problems().report(name.place.clone(), title, format!("'{}'", name.value), expected, remedy);
    };
    if name.value == Port::LOOPBACK {
        report("the loopback in its own table".to_owned(), "write [loopback] with out = … and in = …");
        return None;
    }
    match Port::new(&name.value) {
        Ok(port) if nature(&port).is_some() => Some(Placed { value: port, place: name.place }),
        Ok(_) => {
            report(format!("one of {PORT_NAMES}"), "correct the name: plans speak of these ports only");
            None
        }
        Err(error) => {
            report(error.to_string(), "correct the name");
            None
        }
    }
}

fn direction_of(table: &Table<'_>, word: &Placed<String>) -> Option<Placed<PortDirection>> {
    let direction = DIRECTIONS.iter().find(|one| one.1 == word.value);
    if direction.is_none() {
        table.problems().report(
            word.place.clone(),
            "'direction' is not understood",
            format!("'{}'", word.value),
            "out or in",
            "\"out\" is what the bench plays, \"in\" what it records",
        );
    }
    direction.map(|one| Placed { value: one.0, place: word.place.clone() })
}

/// Whether a converter of the bench stands behind a port; `Some(None)` where the file leaves it to the plane.
#[expect(clippy::option_option, reason = "absent and reported are two things")]
fn converter_of(table: &Table<'_>) -> Option<Option<bool>> {
    if !table.has("converter") {
        table.text("converter");
        return Some(None);
    }
    let word = table.text("converter")?;
    match word.value.as_str() {
        "analog" => Some(Some(true)),
        "digital" => Some(Some(false)),
        _ => {
            table.problems().report(
                word.place,
                "'converter' is not understood",
                format!("'{}'", word.value),
                "analog or digital",
                "write analog where the overload of this input is the bench's own fault",
            );
            None
        }
    }
}

fn rig_of(table: &Table<'_>) -> Option<RigSpec> {
    let port = table.need_text("port");
    let baud = need_integer(table, "baud", 300..=4_000_000);
    let timeout = seconds(table, "timeout", TIMEOUTS_S);
    let line_end = if table.has("line_end") {
        line_end_of(table)
    } else {
        table.text("line_end");
        Some(LineEnd::CrLf)
    };
    let reply = table.need_text("reply").and_then(|line| a_line(table, "reply", line));
    let set_volume = if table.has("set_volume") {
        table.text("set_volume").and_then(|line| a_line(table, "set_volume", line)).and_then(|line| {
            if line.value.contains(RigSpec::STEP) {
                return Some(Some(line.value));
            }
            table.problems().report(
                line.place,
                "'set_volume' does not say which step",
                format!("'{}'", line.value),
                format!("a line with {} where the number goes", RigSpec::STEP),
                format!("write set_volume = \"VOLUME {}\"", RigSpec::STEP),
            );
            None
        })
    } else {
        table.text("set_volume");
        Some(None)
    };
    let safe_state = if table.has("safe_state") {
        table.texts("safe_state")
    } else {
        table.texts("safe_state");
        table.missing(
            "safe_state",
            "the lines that make the rig safe, in their order; [] where none is needed",
        );
        None
    };
    table.finish();
    let safe_state: Option<Vec<String>> = safe_state?
        .into_iter()
        .map(|line| a_line(table, "safe_state", line).map(|line| line.value))
        .collect();
    Some(RigSpec {
        port: port?.value,
        baud: baud?.value as u32,
        timeout: Duration::from_secs_f64(timeout?),
        line_end: line_end?,
        set_volume: set_volume?,
        safe_state: safe_state?,
        reply: reply?.value,
    })
}

fn line_end_of(table: &Table<'_>) -> Option<LineEnd> {
    let word = table.text("line_end")?;
    let end = LineEnd::ALL.iter().find(|one| one.0 == word.value);
    if end.is_none() {
        table.problems().report(
            word.place,
            "'line_end' is not understood",
            format!("'{}'", word.value),
            LineEnd::ALL.map(|one| one.0).join(", "),
            "write line_end = \"CR LF\"",
        );
    }
    end.map(|one| one.1)
}

/// A line that can be sent or heard: printable ASCII, not empty.
fn a_line(table: &Table<'_>, key: &str, line: Placed<String>) -> Option<Placed<String>> {
    let is_plain = line.value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_plain && !line.value.trim().is_empty() {
        return Some(line);
    }
    table.problems().report(
        line.place,
        format!("'{key}' is no line"),
        format!("{:?}", line.value),
        "printable ASCII without the line end",
        "leave out the line end: line_end says what it is",
    );
    None
}

#[cfg(test)]
mod tests;
