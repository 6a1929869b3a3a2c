//! Car files: `test-plans/cars/*.toml` as text, read into a [`CarSpec`] with every problem at its place.

mod cabin;
mod dynamics;
mod moved;
mod process;

pub use process::command_place;

use crate::bench::car::RATE_HZ;
use crate::bench::car::clock::{Clock, Jump, OFFSET_LIMIT_PPM};
use crate::bench::car::dynamics::Dynamics;
use crate::bench::car::flaws::{self, Flaws, Nonlinearity};
use crate::bench::car::network;
use crate::bench::car::spec::{
    CarSpec, Codec, IdleNoise, NetworkSpec, RealSpec, ReferenceSpec, ResponsePoints, Suppression,
    TerminalKind, TerminalSpec, Weighting,
};
use crate::bench::car::terminal;
use crate::document::{Kind, Placed, Table, read};
use crate::problem::{Place, Problem, SourceText};
use crate::terms::{Bandwidth, Direction};
use crate::units::Unit;

/// Reads a car file.
///
/// # Errors
/// Every problem of the file, each with its place.
pub fn read_car(source: &SourceText) -> Result<CarSpec, Vec<Problem>> {
    read(source, |root| {
        let name = root.need_text("name");
        let description = root.need_text("description");
        let bandwidth = root.need_word::<Bandwidth>("bandwidth", "the band of its calls, as in \"WB\"");
        let cabin = need_table(root, "cabin").and_then(|table| cabin::cabin(&table));
        let terminal_table = need_table(root, "terminal");
        let terminal = terminal_table.as_ref().and_then(terminal_of);
        let network_table = need_table(root, "network");
        let network = network_table.as_ref().and_then(network_of);
        let flaws = flaws_of(root);
        let bandwidth = bandwidth?;
        if let (Some(network), Some(table)) = (&network, &network_table) {
            check_network(table, network, &bandwidth);
        }
        let cabin = cabin?;
        let moved = moved::moved_of(root, &cabin);
        let spec = CarSpec {
            name: name?.value,
            description: description?.value,
            bandwidth: bandwidth.value,
            cabin,
            terminal: terminal?,
            network: network?,
            moved: moved?,
            flaws: flaws?,
        };
        if let Some(table) = &terminal_table {
            check_terminal_delays(table, &spec.terminal, spec.bandwidth);
        }
        Some(spec)
    })
}

/// What is not right with the car: each stands beside the part that has it.
fn flaws_of(root: &Table<'_>) -> Option<Flaws> {
    // What is missing or no table has been reported by the readers of the parts.
    fn below<'d>(table: &Table<'d>, key: &str) -> Option<Table<'d>> {
        (table.kind(key) == Some(Kind::Table)).then(|| table.table(key)).flatten()
    }
    let mouth = if root.has("mouth") {
        root.table("mouth").and_then(|mouth| {
            let bend = flaws::nonlinearity(&mouth);
            mouth.finish();
            bend
        })
    } else {
        root.table("mouth");
        Some(Nonlinearity::default())
    };
    let part = |table: &str, key: &str| below(root, table).and_then(|table| below(&table, key));
    let send = part("terminal", "send").map(|send| {
        let lines = flaws::lines(&send, IDLE_LINES);
        Some((flaws::nonlinearity(&send)?, flaws::converter(&send)?, lines?))
    });
    let receive = part("terminal", "receive")
        .map(|receive| Some((flaws::nonlinearity(&receive)?, flaws::converter(&receive)?)));
    let amplifier_lines = match part("cabin", "noise") {
        Some(noise) => flaws::lines(&noise, AMPLIFIER_LINES),
        None => Some(Vec::new()),
    };
    let (microphone, send_converter, idle_lines) = send??;
    let (loudspeaker, receive_converter) = receive??;
    Some(Flaws {
        mouth: mouth?,
        microphone,
        send_converter,
        loudspeaker,
        receive_converter,
        idle_lines,
        amplifier_lines: amplifier_lines?,
    })
}

/// Lines at the terminal's output.
const IDLE_LINES: &str = "idle_lines_hz_dbm0";
/// Lines from the loudspeaker.
const AMPLIFIER_LINES: &str = "amplifier_lines_hz_dbpa";

fn need_table<'d>(parent: &Table<'d>, key: &str) -> Option<Table<'d>> {
    if !parent.has(key) {
        parent.table(key);
        parent.missing(key, "a table");
        return None;
    }
    parent.table(key)
}

/// A word at `key` out of `words`; what is unknown names them all.
fn choice<T: Copy>(table: &Table<'_>, key: &str, words: &[(&str, T)], default: Option<T>) -> Option<T> {
    let expected = format!("one of {}", words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", "));
    if !table.has(key) {
        table.text(key);
        if default.is_none() {
            table.missing(key, &expected);
        }
        return default;
    }
    let text = table.text(key)?;
    let found = words.iter().find(|(word, _)| *word == text.value).map(|(_, value)| *value);
    if found.is_none() {
        table.problems().report(
            text.place,
            format!("'{key}' is not understood"),
            format!("'{}'", text.value),
            expected,
            format!("write {key} = \"{}\"", words[0].0),
        );
    }
    found
}

/// Reports a value outside of its range; inside it is handed on.
pub(super) fn within(
    table: &Table<'_>,
    key: &str,
    value: Placed<f64>,
    least: f64,
    most: f64,
    unit: &str,
) -> Option<f64> {
    if (least..=most).contains(&value.value) {
        return Some(value.value);
    }
    table.problems().report(
        value.place,
        format!("'{key}' is out of range"),
        format!("{} {unit}", value.value),
        format!("{least} to {most} {unit}"),
        format!("give {key} within that range"),
    );
    None
}

const GAIN_LIMIT_DB: f64 = 120.0;
const DELAY_LIMIT_S: f64 = 2.0;

fn gain_db(table: &Table<'_>, key: &str) -> Option<f64> {
    let quantity = table.need_quantity(key, &[Unit::Db])?;
    let value = Placed { value: quantity.value.value, place: quantity.place };
    within(table, key, value, -GAIN_LIMIT_DB, GAIN_LIMIT_DB, "dB")
}

fn delay_s(table: &Table<'_>, key: &str) -> Option<f64> {
    let quantity = table.need_quantity(key, &[Unit::Millisecond, Unit::Second])?;
    let seconds = quantity.value.seconds()?.0;
    within(table, key, Placed { value: seconds, place: quantity.place }, 0.0, DELAY_LIMIT_S, "s")
}

#[expect(clippy::option_option, reason = "absent and reported are two things")]
/// A level that may be absent: no noise. `Some(None)` is absent, `None` is reported.
fn noise_level(table: &Table<'_>, key: &str, units: &[Unit]) -> Option<Option<(f64, Unit)>> {
    if !table.has(key) {
        table.quantity(key, units);
        return Some(None);
    }
    let quantity = table.quantity(key, units)?;
    let value = Placed { value: quantity.value.value, place: quantity.place };
    let level = within(table, key, value, -200.0, 0.0, quantity.value.unit.symbol())?;
    Some(Some((level, quantity.value.unit)))
}

/// Pairs of numbers, the first of each rising, that are as good as `is_good` asks; absent is none. What is wrong is told as
/// (title, found, expected, remedy).
fn rising_pairs(
    table: &Table<'_>,
    key: &str,
    is_good: impl FnOnce(&[(f64, f64)]) -> bool,
    told: impl FnOnce(&[(f64, f64)]) -> [String; 4],
) -> Option<Vec<(f64, f64)>> {
    if !table.has(key) {
        table.points(key);
        return Some(Vec::new());
    }
    let Placed { value: points, place } = table.points(key)?;
    if points.windows(2).all(|pair| pair[0].0 < pair[1].0) && is_good(&points) {
        return Some(points);
    }
    let [title, found, expected, remedy] = told(&points);
    table.problems().report(place, title, found, expected, remedy);
    None
}

/// A quantity that may be absent.
fn quantity_or(
    table: &Table<'_>,
    key: &str,
    unit: Unit,
    absent: f64,
    (least, most): (f64, f64),
) -> Option<f64> {
    if !table.has(key) {
        table.quantity(key, &[unit]);
        return Some(absent);
    }
    let quantity = table.quantity(key, &[unit])?;
    let value = Placed { value: quantity.value.value, place: quantity.place };
    within(table, key, value, least, most, unit.symbol())
}

/// Points of a response; absent is flat.
fn response(table: &Table<'_>, key: &str) -> Option<ResponsePoints> {
    let is_good = |points: &[(f64, f64)]| {
        let bounded = points.iter().all(|(freq, gain)| {
            (1.0..=24_000.0).contains(freq) && (-GAIN_LIMIT_DB..=GAIN_LIMIT_DB).contains(gain)
        });
        bounded && points.len() <= 200
    };
    rising_pairs(table, key, is_good, |points| {
        [
            format!("'{key}' is no response"),
            format!("{} points that do not rise in frequency or leave the range", points.len()),
            "at most 200 pairs of frequency (1 to 24 000 Hz, rising) and gain (within 120 dB)".to_owned(),
            "sort the points by frequency and correct what is out of range".to_owned(),
        ]
    })
}

fn terminal_of(table: &Table<'_>) -> Option<TerminalSpec> {
    #[derive(Clone, Copy)]
    enum Kind {
        Reference,
        Real,
        Process,
    }
    let [reference, real, process] = TerminalKind::WORDS;
    let kinds = [(reference, Kind::Reference), (real, Kind::Real), (process, Kind::Process)];
    let kind = choice(table, "kind", &kinds, None)?;
    // The levels of a program are those of its full scale.
    let has_gain = !matches!(kind, Kind::Process);
    let send = need_table(table, "send").map(|send| {
        let overload = if has_gain { overload_dbpa(&send) } else { Some(None) };
        send.kind(IDLE_LINES); // read with the other flaws
        Some((direction(&send, has_gain)?, overload?))
    });
    let receive = need_table(table, "receive").map(|receive| direction(&receive, has_gain));
    let volume = need_table(table, "volume").and_then(|volume| {
        let steps = volume.integer("steps");
        let step = gain_db(&volume, "step");
        volume.finish();
        let steps = steps?;
        let value = Placed { value: steps.value as f64, place: steps.place };
        let steps = within(&volume, "steps", value, 1.0, 64.0, "")? as u32;
        Some((steps, step?))
    });
    let speed_volume = speed_volume(table);
    let mut levels = None;
    let kind = match kind {
        Kind::Reference => reference_of(table).map(TerminalKind::Reference),
        Kind::Real => real_of(table).map(TerminalKind::Real),
        Kind::Process => process::process_of(table).map(|(own, its)| {
            levels = Some(its);
            TerminalKind::Process(Box::new(own))
        }),
    };
    table.finish();
    let ((send_gain_db, send_response, send_delay_s), send_overload_dbpa) = send??;
    let (receive_gain_db, receive_response, receive_delay_s) = receive??;
    let (volume_steps, volume_step_db) = volume?;
    let kind = kind?;
    let of_file = process::Levels { send_gain_db, send_overload_dbpa, receive_gain_db };
    let process::Levels { send_gain_db, send_overload_dbpa, receive_gain_db } = levels.unwrap_or(of_file);
    Some(TerminalSpec {
        kind,
        send_gain_db,
        send_response,
        send_overload_dbpa,
        send_delay_s,
        receive_gain_db,
        receive_response,
        receive_delay_s,
        volume_steps,
        volume_step_db,
        speed_volume: speed_volume?,
    })
}

/// How much louder the terminal plays in noise; absent is not at all.
fn speed_volume(table: &Table<'_>) -> Option<Vec<(f64, f64)>> {
    let key = "speed_volume_dbpa_db";
    let is_good = |points: &[(f64, f64)]| {
        let bounded =
            points.iter().all(|(level, gain)| (-120.0..=20.0).contains(level) && gain.abs() <= 40.0);
        bounded && (1..=50).contains(&points.len())
    };
    rising_pairs(table, key, is_good, |points| {
        [
            format!("'{key}' is no volume"),
            format!("{points:?}"),
            "1 to 50 pairs of an A-weighted level at the microphone (-120 to 20 dBPa, rising) and a gain (within 40 dB)"
                .to_owned(),
            "sort the points by level and correct what is out of range".to_owned(),
        ]
    })
}

fn direction(table: &Table<'_>, has_gain: bool) -> Option<(f64, ResponsePoints, f64)> {
    let gain = if has_gain { gain_db(table, "gain") } else { Some(0.0) };
    let response = response(table, "response_hz_db");
    let delay = delay_s(table, "delay");
    // read with the other flaws
    table.kind("nonlinearity");
    table.kind("converter");
    table.finish();
    Some((gain?, response?, delay?))
}

#[expect(clippy::option_option, reason = "absent and reported are two things")]
/// Where the converter of the microphone clips; absent is where the output does.
fn overload_dbpa(table: &Table<'_>) -> Option<Option<f64>> {
    if !table.has("overload") {
        table.quantity("overload", &[Unit::DbPa]);
        return Some(None);
    }
    let quantity = table.quantity("overload", &[Unit::DbPa])?;
    let value = Placed { value: quantity.value.value, place: quantity.place };
    within(table, "overload", value, -40.0, 60.0, "dBPa").map(Some)
}

fn reference_of(table: &Table<'_>) -> Option<ReferenceSpec> {
    let echo = need_table(table, "echo").and_then(|echo| {
        let none = echo.kind("loss").is_some() && echo.text("loss")?.value == "none";
        let loss = if none { Some(None) } else { gain_db(&echo, "loss").map(Some) };
        let points = response(&echo, "response_hz_db");
        let convergence = dynamics::convergence(&echo);
        let moving_loss_db = quantity_or(&echo, "moving_loss", Unit::Db, 0.0, (0.0, GAIN_LIMIT_DB));
        echo.finish();
        Some((loss?, points?, convergence?, moving_loss_db?))
    });
    let idle = if table.has("idle_noise") {
        table.table("idle_noise").and_then(|idle| {
            let level = idle_level(&idle, "level");
            let points = response(&idle, "spectrum_hz_db");
            idle.finish();
            Some((level?, points?))
        })
    } else {
        table.table("idle_noise");
        Some((None, Vec::new()))
    };
    let dynamics = dynamics::dynamics_of(table);
    let (echo_loss_db, echo_loss_response, convergence, moving_loss_db) = echo?;
    let (idle_noise, idle_noise_spectrum) = idle?;
    let dynamics = Dynamics { convergence, ..dynamics? };
    let dynamics = Box::new(dynamics);
    Some(ReferenceSpec {
        echo_loss_db,
        echo_loss_response,
        moving_loss_db,
        idle_noise,
        idle_noise_spectrum,
        dynamics,
    })
}

fn real_of(table: &Table<'_>) -> Option<RealSpec> {
    let cancels = choice(table, "echo_canceller", &[("WebRTC AEC3", true), ("none", false)], None);
    let suppression = choice(
        table,
        "noise_suppression",
        &[
            ("none", None),
            ("low", Some(Suppression::Low)),
            ("moderate", Some(Suppression::Moderate)),
            ("high", Some(Suppression::High)),
            ("very high", Some(Suppression::VeryHigh)),
        ],
        None,
    );
    Some(RealSpec { echo_canceller: cancels?, noise_suppression: suppression? })
}

fn network_of(table: &Table<'_>) -> Option<NetworkSpec> {
    let codec = choice(table, "codec", &Codec::ALL.map(|codec| (codec.word(), codec)), None);
    let [codec_declared, mode_declared] =
        ["codec_declared", "mode_declared"].map(|key| table.text(key).map(|text| text.value));
    let references = if table.has("references") {
        table.texts("references")
    } else {
        table.texts("references");
        Some(Vec::new())
    };
    let (send, receive) = (delay_s(table, "delay_send"), delay_s(table, "delay_receive"));
    let carries = table.word::<Bandwidth>("carries");
    let dtx = table.boolean("dtx").is_some_and(|dtx| dtx.value);
    let dtx_declared = table.boolean("dtx_declared").map_or(dtx, |declared| declared.value);
    let [noise_send, noise_receive] = ["noise_send", "noise_receive"].map(|key| idle_level(table, key));
    let clock = clock_of(table);
    table.finish();
    Some(NetworkSpec {
        codec: codec?,
        codec_declared,
        mode_declared,
        references: references?.into_iter().map(|id| id.value).collect(),
        delay_send_s: send?,
        delay_receive_s: receive?,
        carries: carries.map(|carries| carries.value),
        dtx,
        dtx_declared,
        noise_send: noise_send?,
        noise_receive: noise_receive?,
        clock: clock?,
    })
}

/// The device's clock and the jumps of its link; absent is one clock for all and no jump.
fn clock_of(table: &Table<'_>) -> Option<Clock> {
    let offset = if table.has("clock_ppm") {
        table
            .number("clock_ppm")
            .and_then(|ppm| within(table, "clock_ppm", ppm, -OFFSET_LIMIT_PPM, OFFSET_LIMIT_PPM, "ppm"))
    } else {
        table.number("clock_ppm");
        Some(0.0)
    };
    let [send, receive] = ["jumps_send_s_ms", "jumps_receive_s_ms"].map(|key| jumps(table, key));
    Some(Clock { offset_ppm: offset?, jumps_send: send?, jumps_receive: receive? })
}

/// When a delay jumps, in s of the call, and by how many ms; absent is never.
fn jumps(table: &Table<'_>, key: &str) -> Option<Vec<Jump>> {
    let is_good = |points: &[(f64, f64)]| {
        let total = points.iter().map(|(_, ms)| ms.abs()).sum::<f64>();
        let timely = points.iter().all(|(s, ms)| (0.0..=36_000.0).contains(s) && ms.abs() <= 500.0);
        timely && total <= 2_000.0 && points.len() <= 1_000
    };
    let points = rising_pairs(table, key, is_good, |points| {
        [
            format!("'{key}' are no jumps"),
            format!("{points:?}"),
            "at most 1000 pairs of a time in the call (0 to 36 000 s, rising) and a change of the delay (within 500 ms, all \
             together 2 000 ms)"
                .to_owned(),
            "sort them by time and correct what is out of range".to_owned(),
        ]
    })?;
    Some(points.iter().map(|(s, ms)| Jump { at_s: *s, by_s: ms / 1e3 }).collect())
}

#[expect(clippy::option_option, reason = "absent and reported are two things")]
/// The weighted level of a noise on a line.
fn idle_level(table: &Table<'_>, key: &str) -> Option<Option<IdleNoise>> {
    let level = noise_level(table, key, &[Unit::Dbm0A, Unit::Dbm0P])?;
    Some(level.map(|(level_dbm0, unit)| IdleNoise {
        level_dbm0,
        weighting: if unit == Unit::Dbm0P { Weighting::Psophometric } else { Weighting::A },
    }))
}

fn check_network(table: &Table<'_>, network: &NetworkSpec, bandwidth: &Placed<Bandwidth>) {
    if !network.codec.carries(bandwidth.value) {
        table.problems().report(
            table.text("codec").map_or_else(|| table.place().clone(), |codec| codec.place),
            "the codec does not carry the call",
            format!("{} for {}", network.codec.word(), bandwidth.value),
            "G.711 A-law for NB, G.722 for WB, linear for any",
            "choose another codec or another bandwidth",
        );
        return;
    }
    if let Some(carries) = network.carries
        && (network.codec != Codec::Linear || carries > bandwidth.value)
    {
        table.problems().report(
            table.text("carries").map_or_else(|| table.place().clone(), |carries| carries.place),
            "'carries' does not fit the call",
            format!("{carries} in a {} call with codec {}", bandwidth.value, network.codec.word()),
            "a band that is not wider than the call, with codec = \"linear\"",
            "remove 'carries', or write codec = \"linear\"",
        );
    }
    let bandwidth = Placed { value: network.real_bandwidth(bandwidth.value), place: bandwidth.place.clone() };
    let least_s = network::least_delay_s(network.codec, bandwidth.value);
    for (key, direction) in [("delay_send", Direction::Send), ("delay_receive", Direction::Receive)] {
        let held_s = network.clock.held(direction) as f64 / RATE_HZ;
        let why = if held_s > 0.0 {
            "codec, band limit and the jitter buffer of its clock and jumps need it"
        } else {
            "codec and band limit need it"
        };
        check_delay(table, key, network.delay_s(direction), least_s + held_s, why);
    }
}

fn check_terminal_delays(table: &Table<'_>, spec: &TerminalSpec, bandwidth: Bandwidth) {
    let (send_s, receive_s) = terminal::least_delays_s(spec, bandwidth);
    let why = match spec.kind {
        TerminalKind::Process(_) => {
            "its filters and converters, the block of the program and its latency need it"
        }
        TerminalKind::Reference(_) | TerminalKind::Real(_) => "its filters need it",
    };
    for (key, delay, least_s) in
        [("send", spec.send_delay_s, send_s), ("receive", spec.receive_delay_s, receive_s)]
    {
        if let Some(table) = table.table(key) {
            check_delay(&table, "delay", delay, least_s, why);
        }
    }
}

fn check_delay(table: &Table<'_>, key: &str, delay_s: f64, least_s: f64, why: &str) {
    // half a sample of slack: delays are whole samples
    if delay_s >= least_s - 1e-5 {
        return;
    }
    let place: Place = table
        .quantity(key, &[Unit::Millisecond, Unit::Second])
        .map_or_else(|| table.place().clone(), |quantity| quantity.place);
    table.problems().report(
        place,
        format!("'{key}' is too short"),
        format!("{} ms", delay_s * 1e3),
        format!("at least {:.2} ms: {why}", least_s * 1e3),
        format!("give {key} a longer delay"),
    );
}
