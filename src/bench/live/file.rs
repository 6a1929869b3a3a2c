//! Bench files, `calibration/rigs/*.toml`: what is wired where. Read with the ledger into [`BenchInfo`] and [`LiveSpec`].

mod interfaces;
mod ports;

use std::ops::RangeInclusive;
use std::time::Duration;

use time::Date;

use self::interfaces::{audio_of, finish, other_of};
use self::ports::{MAIN, Wiring};
use super::spec::{AudioSpec, LineEnd, LiveSpec, RigSpec};
use crate::calibration::ledger::network::NetworkRecord;
use crate::context::{BenchInfo, NetworkInfo};
use crate::document::{Placed, Table, read};
use crate::plan::{Input, Sources};
use crate::problem::{Problem, SourceText};
use crate::terms::Bandwidth;
use crate::units::{Seconds, Unit};

/// What a port is called whose full scale is a nominal value without a record.
pub const UNCALIBRATED: &str = "uncalibrated";
/// The channels that an interface may have.
const CHANNELS: RangeInclusive<i64> = 1..=256;
/// The delays that a network may declare.
const DELAYS_S: RangeInclusive<f64> = 0.0..=2.0;
/// How long a take may wait for an answer of the rig.
const TIMEOUTS_S: RangeInclusive<f64> = 0.01..=10.0;
/// How long a call may need until it sounds.
const CALL_WAITS_S: RangeInclusive<f64> = 0.0..=30.0;

/// A bench file with what it refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchFile {
    /// The bench as planning and evaluation see it, with the validity of its calibrations on the day it was read for.
    pub info: BenchInfo,
    /// The hardware.
    pub spec: LiveSpec,
    /// The ledger records that it uses, for the run's `inputs/`.
    pub ledger: Vec<Input>,
    /// What reference runs found of its network, by codec and mode.
    pub references: Vec<NetworkRecord>,
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
        let network_table = need_table(root, "network");
        let network = network_table.as_ref().and_then(network_of);
        let device = need_table(root, "device");
        let steps = device.as_ref().and_then(|table| {
            let steps = need_integer(table, "volume_steps", 1..=64);
            table.finish();
            steps
        });
        let mut wiring = Wiring::new(ledger, on);
        if let Some(audio) = &audio {
            wiring.interface(MAIN, audio.host());
        }
        let mut others = Vec::new();
        for table in root.tables("interface") {
            others.extend(other_of(&table, &mut wiring));
            table.finish();
        }
        let references = network_table.as_ref().and_then(|table| {
            let ids = if table.has("references") {
                table.texts("references")
            } else {
                table.texts("references");
                Some(Vec::new())
            };
            let records = wiring.references(table, &ids?);
            table.finish();
            records
        });
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
        finish(&mut wiring, root, &mut others, loopback);
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
                ports: std::mem::take(&mut wiring.ports),
                network: network?,
                volume_step_count: steps?.value as u32,
                has_reflector: rig.iter().flatten().any(|rig| rig.reflector.is_some()),
                has_loop: rig.iter().flatten().any(|rig| rig.far_loop.is_some()),
                sets_up_calls: rig.iter().flatten().any(|rig| !rig.call.is_empty()),
            },
            spec: LiveSpec {
                audio: AudioSpec { cords: wiring.cords_of(MAIN), ..audio? },
                outputs: wiring.outputs_of(MAIN),
                inputs: wiring.inputs_of(MAIN),
                loopback,
                others,
                rig: rig.map_or(Some(None), |rig| rig.map(Some))?,
            },
            references: references?,
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

fn network_of(table: &Table<'_>) -> Option<NetworkInfo> {
    let codec = table.need_text("codec");
    let mode = table.text("mode");
    let dtx = table.boolean("dtx");
    let bandwidth = table.need_word::<Bandwidth>("bandwidth", "the widest band that the link carries");
    let [send, receive] = ["delay_send", "delay_receive"].map(|key| seconds(table, key, DELAYS_S));
    Some(NetworkInfo {
        codec: codec?.value,
        mode: mode.map_or_else(String::new, |mode| mode.value),
        dtx: dtx.map(|dtx| dtx.value),
        bandwidth: bandwidth?.value,
        delay_send: Seconds(send?),
        delay_receive: Seconds(receive?),
    })
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
    let reflector = pair_of(
        table,
        ["turn_reflector", "rest_reflector"],
        "a panel that is turned comes to rest again: the lines for both",
    );
    let far_loop = pair_of(
        table,
        ["close_loop", "open_loop"],
        "a loop that is closed is opened again: the lines for both",
    );
    let call = call_of(table);
    let calls = call.as_ref().is_none_or(|(lines, _)| !lines.is_empty());
    let far_loop = far_loop.and_then(|lines| loop_with_calls(table, lines, calls));
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
    let (call, call_wait) = call?;
    Some(RigSpec {
        port: port?.value,
        baud: baud?.value as u32,
        timeout: Duration::from_secs_f64(timeout?),
        line_end: line_end?,
        set_volume: set_volume?,
        call,
        call_wait,
        far_loop: far_loop?,
        reflector: reflector?,
        safe_state: safe_state?,
        reply: reply?.value,
    })
}

/// The lines that do something and undo it: both, or none where the rig cannot.
#[expect(clippy::option_option, reason = "absent and reported are two things")]
fn pair_of(table: &Table<'_>, keys: [&str; 2], why: &str) -> Option<Option<[String; 2]>> {
    let [does, undoes] = keys.map(|key| table.text(key));
    match (does, undoes) {
        (None, None) if !keys.iter().any(|key| table.has(key)) => Some(None),
        (Some(does), Some(undoes)) => {
            let lines = [a_line(table, keys[0], does)?, a_line(table, keys[1], undoes)?];
            Some(Some(lines.map(|line| line.value)))
        }
        _ => {
            let missing = if table.has(keys[0]) { keys[1] } else { keys[0] };
            table.missing(missing, why);
            None
        }
    }
}

/// The lines that call anew, and how long a call needs then.
fn call_of(table: &Table<'_>) -> Option<(Vec<String>, Duration)> {
    let (has_lines, has_wait) = (table.has("call"), table.has("call_wait"));
    let lines = table.texts("call");
    if !has_lines {
        table.text("call_wait");
        if has_wait {
            table.missing("call", "the lines that hang up and call anew, which 'call_wait' waits for");
            return None;
        }
        return Some((Vec::new(), Duration::ZERO));
    }
    let wait = if has_wait {
        seconds(table, "call_wait", CALL_WAITS_S)
    } else {
        table.text("call_wait");
        table.missing("call_wait", "how long a call needs from the last answer until it sounds, as \"2 s\"");
        None
    };
    let lines: Option<Vec<String>> =
        lines?.into_iter().map(|line| a_line(table, "call", line).map(|line| line.value)).collect();
    Some((lines?, Duration::from_secs_f64(wait?)))
}

/// A loop says where its loss goes, and needs new calls: the canceller is cold at each loss.
#[expect(clippy::option_option, reason = "absent and reported are two things")]
fn loop_with_calls(
    table: &Table<'_>,
    lines: Option<[String; 2]>,
    calls: bool,
) -> Option<Option<[String; 2]>> {
    let Some([close, _]) = &lines else { return Some(None) };
    if !calls {
        table.missing(
            "call",
            "the lines that hang up and call anew: a loop is tried in a new call at each loss",
        );
        return None;
    }
    if !close.contains(RigSpec::LOSS) {
        table.problems().report(
            table.text("close_loop")?.place,
            "'close_loop' does not say which loss",
            format!("'{close}'"),
            format!("a line with {} where the loss in dB goes", RigSpec::LOSS),
            format!("write close_loop = \"LOOP {}\"", RigSpec::LOSS),
        );
        return None;
    }
    Some(lines)
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
