//! The ports of a bench file: names, directions, channels, and what their samples mean.

use std::collections::{BTreeMap, BTreeSet};

use time::Date;

use super::{CHANNELS, UNCALIBRATED, need_integer};
use crate::bench::live::spec::{Cord, InputSpec, LoopbackSpec, Plug};
use crate::calibration::ear::EarResponse;
use crate::calibration::ledger::LedgerRecord;
use crate::calibration::ledger::ear::EarRecord;
use crate::calibration::ledger::network::NetworkRecord;
use crate::calibration::{PortCalibration, Validity};
use crate::context::{PortDirection, PortInfo};
use crate::document::{Placed, Table, nearest};
use crate::plan::{Folder, Input, Sources};
use crate::problem::{Problem, SourceText};
use crate::terms::Port;
use crate::units::{Quantity, Unit};

/// What the interface of `[audio]` is called.
pub(super) const MAIN: &str = "main";
/// The host whose ports are connected by a bench file.
const JACK: &str = "jack";

/// What stands for a record on the loopback, which has no unit to be calibrated in.
const BY_NATURE: &str = "digital full scale";

/// What the name of a port says: the directions it may have, and the planes of its full scale.
fn nature(port: &Port) -> Option<(&'static [PortDirection], &'static [Unit])> {
    use PortDirection::{In, Out};
    let words: Vec<&str> = port.name().split('.').collect();
    let acoustic: &[Unit] = &[Unit::DbPa];
    let network: &[Unit] = &[Unit::Dbm0];
    match words[..] {
        ["mouth"] | ["mouth", _] => Some((&[Out], acoustic)),
        ["poi", "receive"] => Some((&[Out, In], network)),
        ["poi", "send"] => Some((&[In], network)),
        ["noise", n] if n == "sub" || n.parse::<u32>().is_ok_and(|n| n > 0) => Some((&[Out], acoustic)),
        ["ear", "left" | "right"] | ["ear", _, "left" | "right"] | ["mic", "reference" | "mrp" | "hfrp"] => {
            Some((&[In], acoustic))
        }
        ["srw", "send" | "receive"] => Some((&[In, Out], network)),
        ["tap", "microphone"] => Some((&[In, Out], &[Unit::DbOv, Unit::Dbm0])),
        ["tap", "echo_reference" | "loudspeaker"] => Some((&[In], &[Unit::DbOv, Unit::Dbm0])),
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

/// What is bound on one interface.
#[derive(Debug, Default)]
struct Bound {
    host: String,
    /// The channels that are played on.
    outputs: BTreeMap<Port, u16>,
    /// The channels that are recorded.
    inputs: BTreeMap<Port, InputSpec>,
    cords: Vec<Cord>,
}

/// The ports of a bench file while it is read.
pub(super) struct Wiring<'a> {
    ledger: &'a dyn Sources,
    on: Date,
    /// What planning and evaluation see.
    pub ports: BTreeMap<Port, PortInfo>,
    /// What is bound on each interface, by its name.
    interfaces: BTreeMap<String, Bound>,
    /// Who has a channel: interface, direction, channel.
    taken: BTreeMap<(String, bool, i64), String>,
    /// The records that were read.
    pub used: BTreeMap<String, Input>,
    /// The records that could not be read, so that each is reported once.
    failed: BTreeSet<String>,
}

impl<'a> Wiring<'a> {
    pub(super) fn new(ledger: &'a dyn Sources, on: Date) -> Self {
        Self {
            ledger,
            on,
            ports: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            taken: BTreeMap::new(),
            used: BTreeMap::new(),
            failed: BTreeSet::new(),
        }
    }

    /// An interface that ports may be bound on; `false` where the name is taken.
    pub(super) fn interface(&mut self, name: &str, host: &str) -> bool {
        let bound = Bound { host: host.to_owned(), ..Bound::default() };
        self.interfaces.insert(name.to_owned(), bound).is_none()
    }

    fn bound_on(&mut self, interface: &str) -> &mut Bound {
        self.interfaces.entry(interface.to_owned()).or_default()
    }

    /// The channels that are played on an interface.
    pub(super) fn outputs_of(&mut self, interface: &str) -> BTreeMap<Port, u16> {
        std::mem::take(&mut self.bound_on(interface).outputs)
    }

    /// The channels that are recorded by an interface.
    pub(super) fn inputs_of(&mut self, interface: &str) -> BTreeMap<Port, InputSpec> {
        std::mem::take(&mut self.bound_on(interface).inputs)
    }

    /// The connections of an interface inside of its sound server.
    pub(super) fn cords_of(&mut self, interface: &str) -> Vec<Cord> {
        std::mem::take(&mut self.bound_on(interface).cords)
    }

    /// The input of a further interface that hears the loopback output of the main one.
    pub(super) fn sync(
        &mut self,
        table: &Table<'_>,
        interface: &str,
        channel: &Placed<i64>,
        port: &Port,
    ) -> Option<()> {
        self.take_channel(table, interface, PortDirection::In, channel, port.name())?;
        let cord = |to| Cord { is_output: false, channel: channel.value as u16, to };
        let cords = self.connections(table, interface, "sync_connect").map(cord);
        self.bound_on(interface).cords.extend(cords);
        self.ports.insert(port.clone(), Self::by_nature(PortDirection::In));
        Some(())
    }

    /// The interface of a port: that of `[audio]` unless it says otherwise.
    fn interface_of(&self, table: &Table<'_>) -> Option<Placed<String>> {
        if !table.has("interface") {
            table.text("interface");
            return Some(Placed { value: MAIN.to_owned(), place: table.place().clone() });
        }
        let name = table.text("interface")?;
        if self.interfaces.contains_key(&name.value) || name.value == MAIN {
            return Some(name);
        }
        let words: Vec<&str> = self.interfaces.keys().map(String::as_str).collect();
        let near = nearest(&name.value, &words).map(|near| format!("did you mean '{near}'?"));
        table.problems().report(
            name.place,
            "there is no such interface",
            format!("'{}'", name.value),
            words.join(", "),
            near.unwrap_or_else(|| "add an [[interface]] with this name".to_owned()),
        );
        None
    }

    /// The ports of other programs that a channel is connected to, at a key.
    fn connections(&self, table: &Table<'_>, interface: &str, key: &str) -> Option<Vec<Plug>> {
        let ports = table.texts(key)?;
        let has_ports = self.interfaces.get(interface).is_none_or(|one| one.host == JACK);
        for port in &ports {
            if has_ports
                && port
                    .value
                    .split_once(':')
                    .is_some_and(|(client, name)| !client.is_empty() && !name.is_empty())
            {
                continue;
            }
            table.problems().report(
                port.place.clone(),
                if has_ports { "this is no port of JACK" } else { "the interface has no ports to connect" },
                format!("'{}'", port.value),
                if has_ports {
                    "client and port, as in \"system:capture_1\""
                } else {
                    "an interface of the host jack"
                },
                if has_ports {
                    "`jack_lsp` lists the ports"
                } else {
                    "remove 'connect': wire it, or use the server's own means"
                },
            );
            return None;
        }
        Some(ports.into_iter().map(|port| Plug::Port(port.value)).collect())
    }

    /// What is true of a port that has no unit.
    fn by_nature(direction: PortDirection) -> PortInfo {
        let calibration = PortCalibration {
            record: BY_NATURE.to_owned(),
            zero_dbov: Quantity::new(0.0, Unit::DbOv),
            validity: Validity::Valid,
        };
        PortInfo { direction, calibration, ear: None }
    }

    /// One port.
    pub(super) fn port(&mut self, table: &Table<'_>) -> Option<()> {
        let name = table.need_text("name").and_then(|name| port_name(table, name));
        let direction = table.need_text("direction").and_then(|word| direction_of(table, &word));
        let interface = self.interface_of(table);
        let channel = need_integer(table, "channel", CHANNELS);
        let on = interface.as_ref().map_or(MAIN, |one| one.value.as_str());
        let cords = self.connections(table, on, "connect");
        let converter = converter_of(table);
        let named = name.as_ref().and_then(|name| nature(&name.value));
        let planes = named.map_or(&[Unit::DbPa, Unit::Dbm0, Unit::DbOv][..], |(_, planes)| planes);
        let calibration = self.calibration(table, planes);
        let ear = self.ear(table, name.as_ref().map(|name| &name.value));
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
        let (channel, interface) = (channel?, interface?);
        if direction.value != PortDirection::In
            && interface.value != MAIN
            && !name.value.name().starts_with("noise.")
        {
            table.problems().report(
                interface.place,
                "a stimulus is played on another clock",
                format!("port {} on the interface '{}'", name.value, interface.value),
                "the interface of [audio] for what is played in a take; others record, and play background noise",
                "bind it on the main interface, or make this interface the main one",
            );
            return None;
        }
        self.take_channel(table, &interface.value, direction.value, &channel, name.value.name())?;
        let (calibration, ear) = (calibration?, ear?);
        let is_analog = converter?.unwrap_or(calibration.unit() == Unit::DbPa);
        let bound = self.bound(table, &name, direction.value, directions, &calibration)?;
        let channel = channel.value as u16;
        let is_output = direction.value != PortDirection::In;
        let on = self.bound_on(&interface.value);
        on.cords.extend(cords.map(|to| Cord { is_output, channel, to }));
        if is_output {
            on.outputs.insert(name.value.clone(), channel);
        } else {
            on.inputs.insert(name.value.clone(), InputSpec { channel, is_analog });
        }
        self.ports.insert(name.value, PortInfo { direction: bound, calibration, ear });
        Some(())
    }

    /// The direction of a port with what was bound to it before: an access that is played on and recorded takes one
    /// `[[port]]` for each, and one record, since both mean one full scale.
    fn bound(
        &self,
        table: &Table<'_>,
        name: &Placed<Port>,
        direction: PortDirection,
        possible: &[PortDirection],
        calibration: &PortCalibration,
    ) -> Option<PortDirection> {
        let Some(before) = self.ports.get(&name.value) else { return Some(direction) };
        if possible.len() < 2 || before.direction == PortDirection::Both || before.direction == direction {
            table.problems().report(
                name.place.clone(),
                "the port is bound twice",
                format!("'{}'", name.value),
                if possible.len() < 2 {
                    "one [[port]] for each name"
                } else {
                    "one [[port]] for each name and direction"
                },
                "remove one of the two",
            );
            return None;
        }
        if before.calibration != *calibration {
            table.problems().report(
                name.place.clone(),
                "the port has two calibrations",
                format!("{} and {}", before.calibration.zero_dbov, calibration.zero_dbov),
                "one record for both directions of an access: they share one digital full scale",
                format!("write the same 'calibration' in both [[port]] of {}", name.value),
            );
            return None;
        }
        Some(PortDirection::Both)
    }

    /// The loopback pair: a port without a plane, whose two channels nobody else may have.
    pub(super) fn loopback(&mut self, table: &Table<'_>) -> Option<LoopbackSpec> {
        let out = need_integer(table, "out", CHANNELS);
        let input = need_integer(table, "in", CHANNELS);
        let cords = self.loopback_cords(table);
        table.finish();
        let (out, input) = (out?, input?);
        let is_free = self.take_channel(table, MAIN, PortDirection::Out, &out, Port::LOOPBACK);
        self.take_channel(table, MAIN, PortDirection::In, &input, Port::LOOPBACK).and(is_free)?;
        let pair = LoopbackSpec { output: out.value as u16, input: input.value as u16 };
        let [from, to] = cords?;
        let is_direct = from.is_none() && to.is_none();
        let cord = |is_output, channel, to| Cord { is_output, channel, to };
        let main = self.bound_on(MAIN);
        // Where a sound server is the cable, nothing else would connect the two.
        if is_direct && main.host == JACK {
            main.cords.push(cord(true, pair.output, vec![Plug::Input(pair.input)]));
        }
        main.cords.extend(from.map(|from| cord(true, pair.output, from)));
        main.cords.extend(to.map(|to| cord(false, pair.input, to)));
        self.ports.insert(Port::of(Port::LOOPBACK), Self::by_nature(PortDirection::Both));
        Some(pair)
    }

    /// What the ends of the loopback are connected to, output first.
    fn loopback_cords(&self, table: &Table<'_>) -> Option<[Option<Vec<Plug>>; 2]> {
        let ends = ["out_connect", "in_connect"].map(|key| {
            let is_there = table.has(key);
            let found = self.connections(table, MAIN, key);
            (found.is_some() || !is_there).then_some(found)
        });
        let [from, to] = ends;
        Some([from?, to?])
    }

    fn take_channel(
        &mut self,
        table: &Table<'_>,
        interface: &str,
        direction: PortDirection,
        channel: &Placed<i64>,
        owner: &str,
    ) -> Option<()> {
        let key = (interface.to_owned(), direction == PortDirection::In, channel.value);
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
        let record = self.ledger_record(table, id, LedgerRecord::parse, |record| &record.id)?;
        if !planes.contains(&record.zero_dbov.unit) {
            table.problems().report(
                id.place.clone(),
                "the record is for another plane",
                format!("{} in record '{}'", record.zero_dbov, record.id),
                format!(
                    "a record in {}",
                    planes.iter().map(|unit| unit.symbol()).collect::<Vec<_>>().join(" or ")
                ),
                "choose a record that was made for this port",
            );
            return None;
        }
        Some(record.calibration(self.on))
    }

    /// What reference runs found of the network, by codec and mode.
    pub(super) fn references(
        &mut self,
        table: &Table<'_>,
        ids: &[Placed<String>],
    ) -> Option<Vec<NetworkRecord>> {
        let mut all = Some(Vec::new());
        for id in ids {
            let record = self.ledger_record(table, id, NetworkRecord::parse, |record| &record.id);
            all = all.zip(record).map(|(mut all, record)| {
                all.push(record);
                all
            });
        }
        all
    }

    /// What the ear in front of a port does to sound, where the file names its record; only ears have one.
    #[expect(clippy::option_option, reason = "absent and reported are two things")]
    fn ear(&mut self, table: &Table<'_>, port: Option<&Port>) -> Option<Option<EarResponse>> {
        if !table.has("ear_response") {
            table.text("ear_response");
            return Some(None);
        }
        let id = table.text("ear_response")?;
        if let Some(port) = port.filter(|port| !port.name().starts_with("ear.")) {
            table.problems().report(
                id.place,
                "the port is no ear",
                format!("'ear_response' of port {port}"),
                "'ear_response' at ear.left, ear.right, ear.<seat>.left …",
                "remove it",
            );
            return None;
        }
        let record = self.ledger_record(table, &id, EarRecord::parse, |record| &record.id)?;
        Some(Some(record.response(self.on)))
    }

    /// A record of the ledger, read once more for each port that names it; what cannot be read is reported once.
    fn ledger_record<R>(
        &mut self,
        table: &Table<'_>,
        id: &Placed<String>,
        parse: fn(&SourceText) -> Result<R, Vec<Problem>>,
        id_of: fn(&R) -> &String,
    ) -> Option<R> {
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
        let record = match parse(&text) {
            Ok(record) => record,
            Err(problems) => {
                for problem in problems {
                    table.problems().push(problem);
                }
                self.failed.insert(id.value.clone());
                return None;
            }
        };
        if *id_of(&record) != id.value {
            table.problems().report(
                id.place.clone(),
                "the record has another id",
                format!("id = \"{}\" in {}", id_of(&record), text.name),
                format!("the id that the file is named after, '{}'", id.value),
                "rename the file or correct its id",
            );
            return None;
        }
        let file = Input::file_of(Folder::Ledger, &id.value);
        self.used.insert(id.value.clone(), Input { file, text });
        Some(record)
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
