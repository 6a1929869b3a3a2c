//! Bench files: what is read, and every problem at its place.

use time::macros::date;

use std::collections::BTreeMap;

use super::*;
use crate::bench::live::spec::{Cord, InputSpec, LoopbackSpec, Plug};
use crate::calibration::{PortCalibration, Validity};
use crate::context::PortDirection;
use crate::plan::Recorded;
use crate::terms::Port;
use crate::units::Quantity;

const RECORD: &str = "kind = 'full-scale'\nid = 'ear'\nwhat = 'w'\nzero_dbov = '24 dBPa'\ndate = '2026-10-01'\n\
                      valid_until = '2027-10-01'\ninstrument = 'i'\nby = 'b'\nmethod = 'm'\n";

const BENCH: &str = r#"name = "lab"
description = "d"
[audio]
playback = "alsa:hw:0"
capture = "alsa:hw:1"
rate_hz = 48000
buffer_frames = 256
[network]
codec = "G.722"
bandwidth = "WB"
delay_send = "20 ms"
delay_receive = "0.03 s"
[device]
volume_steps = 16
[loopback]
out = 8
in = 7
[[port]]
name = "poi.receive"
direction = "out"
channel = 2
nominal = "6.15 dBm0"
[[port]]
name = "ear.left"
direction = "in"
channel = 2
calibration = "ear"
[[port]]
name = "poi.send"
direction = "in"
channel = 1
nominal = "6.15 dBm0"
converter = "analog"
[rig]
port = "COM3"
baud = 115200
timeout = "500 ms"
line_end = "CR"
set_volume = "AT+VGS={step}"
reply = "OK"
safe_state = ["AT+CHUP", "LAMP 0"]
"#;

fn ledger() -> Recorded {
    Recorded(vec![
        Input { file: "ledger/ear.toml".to_owned(), text: SourceText::new("ledger/ear.toml", RECORD) },
        Input {
            file: "ledger/poi.toml".to_owned(),
            text: SourceText::new(
                "ledger/poi.toml",
                RECORD.replace("'ear'", "'poi'").replace("24 dBPa", "6.15 dBm0"),
            ),
        },
        Input {
            file: "ledger/simulator.toml".to_owned(),
            text: SourceText::new("ledger/simulator.toml", REFERENCE),
        },
        Input { file: "ledger/other.toml".to_owned(), text: SourceText::new("ledger/other.toml", RECORD) },
        Input {
            file: "ledger/broken.toml".to_owned(),
            text: SourceText::new("ledger/broken.toml", "kind = 'full-scale'\nid = 3\n"),
        },
    ])
}

/// A record of the network, as a reference run leaves it.
const REFERENCE: &str = "kind = 'network-reference'\nid = 'simulator'\nwhat = 'w'\ncodec = 'G.722'\nbandwidth = 'WB'\n\
                         delay_send = '20.5 ms'\ndelay_receive = '31 ms'\ndate = '2026-10-01'\n\
                         valid_until = '2027-10-01'\ninstrument = 'i'\nby = 'b'\nmethod = 'm'\n\
                         response_send_hz_db = [[100, 0], [8000, -1]]\n\
                         response_receive_hz_db = [[100, 0], [8000, -1]]\n";

fn bench(text: &str) -> Result<BenchFile, Vec<Problem>> {
    read_bench(&SourceText::new("lab.toml", text), &ledger(), date!(2026 - 11 - 22))
}

#[test]
fn a_bench_file_says_what_is_wired_where() {
    let BenchFile { info, spec, ledger, references } = bench(BENCH).unwrap();
    assert_eq!((info.name.as_str(), info.is_virtual, info.volume_step_count), ("lab", false, 16));
    assert_eq!(info.network.delay_receive, Seconds(0.03));
    let calibration = |port| info.ports[&Port::of(port)].calibration.clone();
    assert_eq!(
        calibration("ear.left"),
        PortCalibration {
            record: "ear".to_owned(),
            zero_dbov: Quantity::new(24.0, Unit::DbPa),
            validity: Validity::Valid
        }
    );
    assert_eq!(calibration("poi.send").validity, Validity::Missing);
    assert_eq!(calibration("loopback").validity, Validity::Valid);
    assert_eq!(info.ports[&Port::of("loopback")].direction, PortDirection::Both);
    assert_eq!(spec.audio.host(), "alsa");
    assert_eq!(spec.outputs, BTreeMap::from([(Port::of("poi.receive"), 2)]));
    assert_eq!(spec.inputs[&Port::of("ear.left")], InputSpec { channel: 2, is_analog: true });
    assert_eq!(spec.inputs[&Port::of("poi.send")], InputSpec { channel: 1, is_analog: true });
    assert_eq!(spec.loopback, Some(LoopbackSpec { output: 8, input: 7 }));
    let rig = spec.rig.unwrap();
    assert!(!info.has_loop && !info.sets_up_calls && rig.loop_line(None).is_none());
    assert_eq!(rig.volume_line(7).as_deref(), Some("AT+VGS=7"));
    assert_eq!((rig.timeout, rig.line_end), (Duration::from_millis(500), LineEnd::Cr));
    assert_eq!(rig.safe_state, ["AT+CHUP", "LAMP 0"]);
    assert_eq!((ledger.len(), references.len()), (1, 0));
    assert_eq!(ledger[0].file, "ledger/ear.toml");
}

#[test]
fn references_of_the_network_are_read_from_the_ledger_and_kept_with_the_run() {
    let with = |ids: &str| bench(&BENCH.replacen("[device]", &format!("references = [{ids}]\n[device]"), 1));
    let file = with("\"simulator\"").unwrap();
    assert_eq!(file.references[0].call, file.info.network.codec_mode());
    assert!(file.ledger.iter().any(|one| one.file == "ledger/simulator.toml"), "{:?}", file.ledger);
    for (ids, wanted) in [
        ("\"simulater\"", "lab.toml:13:15: there is no such calibration record"),
        ("\"simulator\", \"poi\"", "ledger/poi.toml:1:8: 'kind' is not understood"),
    ] {
        let found: Vec<String> = with(ids).unwrap_err().iter().map(ToString::to_string).collect();
        assert!(found.iter().any(|one| one.contains(wanted)), "{wanted}: {found:#?}");
    }
}

#[test]
fn validity_is_that_of_the_day_of_capture() {
    let source = SourceText::new("lab.toml", BENCH);
    let late = read_bench(&source, &ledger(), date!(2027 - 10 - 02)).unwrap();
    assert_eq!(late.info.ports[&Port::of("ear.left")].calibration.validity, Validity::Expired);
}

/// A slip, as from what to what, and what the message must say.
const SLIPS: &[(&str, &str, &[&str])] = &[
    ("name = \"lab\"\n", "", &["'name' is missing"]),
    ("description", "descripion", &["lab.toml:2:1", "'descripion' is not a key", "description"]),
    ("rate_hz = 48000", "rate_hz = 44100", &["lab.toml:6:11", "44100 Hz", "96000", "write rate_hz = 48000"]),
    ("rate_hz = 48000\n", "", &["'rate_hz' is missing"]),
    ("alsa:hw:1", "jack:in", &["lab.toml:5:11", "alsa and jack", "share a clock"]),
    (
        "channel = 1\nnominal",
        "channel = 1\ninterface = \"hats\"\nnominal",
        &["there is no such interface", "'hats'", "[[interface]]"],
    ),
    (
        "channel = 1\nnominal",
        "channel = 1\nconnect = [\"system:capture_1\"]\nnominal",
        &["no ports to connect", "jack"],
    ),
    ("in = 7\n", "in = 7\nin_connect = [\"system:capture_1\"]\n", &["no ports to connect", "jack"]),
    ("alsa:hw:1", "hw", &["lab.toml:5:11", "'hw'", "list interfaces"]),
    ("buffer_frames = 256", "buffer_frames = 9", &["lab.toml:7:17", "16 to 8192"]),
    ("buffer_frames", "buffer_frame", &["lab.toml:7:1", "did you mean 'buffer_frames'?"]),
    ("delay_send = \"20 ms\"", "delay_send = \"20 s\"", &["lab.toml:11:14", "0 to 2 s"]),
    ("bandwidth = \"WB\"", "bandwidth = \"XB\"", &["NB, WB, SWB, FB"]),
    ("volume_steps = 16", "volume_steps = 0", &["lab.toml:14:16", "1 to 64"]),
    (
        "set_volume = \"AT+VGS={step}\"\n",
        "",
        &["lab.toml:14:16", "nothing sets the volume", "volume_steps = 1"],
    ),
    ("{step}", "7", &["does not say which step", "{step}"]),
    ("in = 7", "in = 2", &["in channel 2 is used twice", "loopback", "ear.left"]),
    ("out = 8", "out = 2", &["out channel 2 is used twice"]),
    ("channel = 1", "channel = 2", &["in channel 2 is used twice", "poi.send", "ear.left"]),
    ("channel = 1", "channel = 0", &["1 to 256"]),
    ("name = \"poi.send\"", "name = \"poi.sent\"", &["there is no such port", "'poi.sent'", "poi.send"]),
    ("name = \"poi.send\"", "name = \"loopback\"", &["[loopback] with out"]),
    ("name = \"poi.send\"", "name = \"POI send\"", &["there is no such port", "lower-case"]),
    ("direction = \"in\"", "direction = \"out\"", &["ear.left has another direction", "expected in"]),
    ("direction = \"out\"", "direction = \"output\"", &["'output'", "out or in"]),
    (
        "name = \"poi.send\"\ndirection = \"in\"\nchannel = 1\nnominal = \"6.15 dBm0\"",
        "name = \"ear.left\"\ndirection = \"in\"\nchannel = 1\nnominal = \"6.15 dBPa\"",
        &["bound twice", "'ear.left'"],
    ),
    ("converter = \"analog\"", "converter = \"tube\"", &["'tube'", "analog or digital"]),
    (
        "calibration = \"ear\"",
        "calibration = \"earr\"",
        &["lab.toml:27:15", "no such calibration record", "did you mean 'ear'?"],
    ),
    ("calibration = \"ear\"", "calibration = \"poi\"", &["another plane", "6.15 dBm0", "a record in dBPa"]),
    ("calibration = \"ear\"", "calibration = \"other\"", &["another id", "rename the file"]),
    (
        "calibration = \"ear\"",
        "calibration = \"broken\"",
        &["ledger/broken.toml:2:6", "'zero_dbov' is missing"],
    ),
    ("calibration = \"ear\"", "calibration = \"ear\"\nnominal = \"1 dBPa\"", &["calibrated twice"]),
    ("calibration = \"ear\"\n", "", &["'calibration' is missing", "no verdict stands"]),
    ("nominal = \"6.15 dBm0\"\n[[port]]", "nominal = \"6 dBPa\"\n[[port]]", &["wrong unit", "dBm0"]),
    ("timeout = \"500 ms\"", "timeout = \"0 ms\"", &["0.01 to 10 s"]),
    ("line_end = \"CR\"", "line_end = \"EOT\"", &["'EOT'", "CR LF, CR, LF"]),
    ("reply = \"OK\"", "reply = \"O\\nK\"", &["'reply' is no line", "line_end"]),
    ("safe_state = [\"AT+CHUP\", \"LAMP 0\"]", "", &["'safe_state' is missing", "in their order"]),
    ("safe_state = [\"AT+CHUP\", \"LAMP 0\"]", "safe_state = [\"\"]", &["'safe_state' is no line"]),
    ("baud = 115200", "baud = 115200\nparity = 1", &["'parity' is not a key of [rig]"]),
    ("baud = 115200", "baud = 115200\ncall = [\"DIAL\"]", &["'call_wait' is missing", "2 s"]),
    ("baud = 115200", "baud = 115200\ncall_wait = \"1 s\"", &["'call' is missing", "hang up"]),
    ("baud = 115200", "baud = 115200\ncall = [\"\"]\ncall_wait = \"1 s\"", &["'call' is no line"]),
    ("baud = 115200", "baud = 115200\ncall = [\"D\"]\ncall_wait = \"90 s\"", &["call_wait", "0 to 30 s"]),
    (
        "baud = 115200",
        "baud = 115200\nclose_loop = \"L {loss}\"",
        &["'open_loop' is missing", "lines for both"],
    ),
    (
        "baud = 115200",
        "baud = 115200\nclose_loop = \"L {loss}\"\nopen_loop = \"O\"",
        &["'call' is missing", "new call at each loss"],
    ),
    (
        "baud = 115200",
        "baud = 115200\ncall = [\"D\"]\ncall_wait = \"1 s\"\nclose_loop = \"L\"\nopen_loop = \"O\"",
        &["does not say which loss", "{loss}"],
    ),
];

#[test]
fn every_slip_is_told_with_its_place_and_a_remedy() {
    for (from, to, parts) in SLIPS {
        assert!(BENCH.contains(from), "{from}");
        let problems = bench(&BENCH.replacen(from, to, 1)).expect_err(to);
        let all = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for part in *parts {
            assert!(all.contains(part), "{from} → {to}: '{part}' is not in\n{all}");
        }
        assert!(problems.len() <= 8, "one slip, {} problems:\n{all}", problems.len());
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = BENCH.replace("48000", "44100").replace("\"in\"", "\"im\"").replace("{step}", "");
    let problems = bench(&text).unwrap_err();
    assert_eq!(problems.len(), 4, "{problems:#?}");
    let empty = bench("").unwrap_err();
    assert!(empty.len() >= 6, "{empty:#?}");
}

#[test]
fn a_rig_that_calls_and_loops_says_so() {
    let lines = "baud = 115200\ncall = [\"AT+CHUP\", \"ATD1;\"]\ncall_wait = \"2 s\"\nclose_loop = \"LOOP {loss}\"\n\
                 open_loop = \"LOOP OFF\"";
    let BenchFile { info, spec, .. } = bench(&BENCH.replace("baud = 115200", lines)).unwrap();
    assert!(info.has_loop && info.sets_up_calls);
    let rig = spec.rig.unwrap();
    assert_eq!((rig.call.len(), rig.call_wait), (2, Duration::from_secs(2)));
    assert_eq!(rig.loop_line(Some(7.5)).as_deref(), Some("LOOP 7.5"));
    assert_eq!(rig.loop_line(Some(-1e-9)).as_deref(), Some("LOOP 0.0"));
    assert_eq!(rig.loop_line(None).as_deref(), Some("LOOP OFF"));
}

#[test]
fn a_device_with_one_step_needs_no_rig() {
    let text = BENCH.split("[rig]").next().unwrap().replace("volume_steps = 16", "volume_steps = 1");
    assert_eq!(bench(&text).unwrap().spec.rig, None);
}

#[test]
fn an_access_point_is_played_on_and_recorded() {
    let bind = |direction: &str, nominal: &str, channel: u32| {
        format!(
            "[[port]]\nname = \"tap.microphone\"\ndirection = \"{direction}\"\nchannel = {channel}\nnominal = \"{nominal}\"\n"
        )
    };
    let with = |ports: &[String]| BENCH.replace("[rig]", &(ports.concat() + "[rig]"));
    let tap = Port::of(Port::TAP_MICROPHONE);
    let BenchFile { info, spec, .. } =
        bench(&with(&[bind("in", "0 dBov", 5), bind("out", "0 dBov", 6)])).unwrap();
    assert_eq!(info.ports[&tap].direction, PortDirection::Both);
    assert!(info.has(&tap, PortDirection::In) && info.has(&tap, PortDirection::Out));
    assert_eq!((spec.inputs[&tap], spec.outputs[&tap]), (InputSpec { channel: 5, is_analog: false }, 6));

    for (ports, expected) in [
        ([bind("in", "0 dBov", 5), bind("out", "6.15 dBm0", 6)], "two calibrations"),
        ([bind("in", "0 dBov", 5), bind("in", "0 dBov", 6)], "bound twice"),
        ([bind("in", "0 dBov", 5), bind("out", "0 dBPa", 6)], "dBPa"),
    ] {
        let problems = bench(&with(&ports)).unwrap_err();
        let text = format!("{problems:?}");
        assert!(problems.len() == 1 && text.contains(expected), "{text}");
    }
}

/// The bench with a second interface that records the ear and plays a noise.
fn with_second(head: &str, ports: &str) -> String {
    let second = "[[interface]]\nname = \"hats\"\ncapture = \"jack:input\"\nplayback = \"jack:output\"\n\
                  rate_hz = 96000\nbuffer_frames = 512\nsync_in = 4\n";
    let noise = "[[port]]\nname = \"noise.1\"\ndirection = \"out\"\nchannel = 2\nnominal = \"20 dBPa\"\n\
                 interface = \"hats\"\n";
    let text = BENCH.replace("channel = 2\ncalibration", "channel = 2\ninterface = \"hats\"\ncalibration");
    text.replace("[rig]", &format!("{}{noise}{ports}[rig]", if head.is_empty() { second } else { head }))
}

#[test]
fn ports_are_bound_on_further_interfaces() {
    let BenchFile { info, spec, .. } = bench(&with_second("", "")).unwrap();
    assert_eq!((spec.audio.rate, spec.audio.host()), (48_000, "alsa"));
    assert_eq!(spec.inputs.keys().map(Port::name).collect::<Vec<_>>(), ["poi.send"]);
    let [hats] = &spec.others[..] else { panic!("{:?}", spec.others) };
    assert_eq!((hats.name.as_str(), hats.rate, hats.buffer_frames), ("hats", 96_000, 512));
    assert_eq!(
        hats.inputs,
        BTreeMap::from([(Port::of("ear.left"), InputSpec { channel: 2, is_analog: true })])
    );
    assert_eq!(hats.outputs, BTreeMap::from([(Port::of("noise.1"), 2)]));
    let sync = hats.sync.as_ref().unwrap();
    assert_eq!((sync.channel, sync.port.name()), (4, "loopback.hats"));
    // Channel 2 is there on either interface, and ports know nothing of interfaces.
    assert!(info.ports.contains_key(&Port::of("ear.left")) && info.ports.contains_key(&sync.port));
    let main = BENCH.replace("channel = 1\nnominal", "channel = 1\ninterface = \"main\"\nnominal");
    assert_eq!(bench(&main).unwrap().spec, bench(BENCH).unwrap().spec);
}

#[test]
fn an_interface_on_a_clock_of_its_own_must_be_proven_and_plays_no_stimulus() {
    let told = |text: &str| {
        let problems = bench(text).expect_err(text);
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let text = with_second("", "");
    for (from, to, part) in [
        ("sync_in = 4\n", "", "nothing proves its time"),
        ("[loopback]\nout = 8\nin = 7\n", "", "nothing proves its time"),
        ("sync_in = 4", "sync_in = 2", "in channel 2 is used twice"),
        ("name = \"hats\"", "name = \"main\"", "no name of an interface"),
        ("name = \"hats\"", "name = \"HATS 1\"", "no name of an interface"),
        ("capture = \"jack:input\"\n", "", "has ports but no 'capture'"),
        ("playback = \"jack:output\"\n", "", "has ports but no 'playback'"),
        ("name = \"noise.1\"", "name = \"mouth\"", "a stimulus is played on another clock"),
        ("rate_hz = 96000", "rate_hz = 88200", "48000 or 96000"),
        ("interface = \"hats\"", "interface = \"hat\"", "did you mean 'hats'?"),
    ] {
        assert!(text.contains(from), "{from}");
        let all = told(&text.replacen(from, to, 1));
        assert!(all.contains(part), "{from} → {to}: '{part}' is not in\n{all}");
    }
    let idle = "[[interface]]\nname = \"idle\"\ncapture = \"alsa:x\"\nrate_hz = 48000\nbuffer_frames = 64\n";
    assert!(
        told(&BENCH.replace("[rig]", &format!("{idle}[rig]"))).contains("has 'capture' but no port there")
    );
    assert!(told(&BENCH.replace("[rig]", &format!("{idle}{idle}[rig]"))).contains("there twice"));
}

#[test]
fn a_bench_on_jack_says_what_its_channels_are_connected_to() {
    let jack = BENCH.replace("alsa:hw:0", "jack:output").replace("alsa:hw:1", "jack:input");
    let cords = |text: &str| bench(text).unwrap().spec.audio.cords;
    let port = |name: &str| Plug::Port(name.to_owned());
    // The loopback needs no words: the server is its cable.
    assert_eq!(cords(&jack), [Cord { is_output: true, channel: 8, to: vec![Plug::Input(7)] }]);
    let text = jack
        .replace(
            "in = 7\n",
            "in = 7\nout_connect = [\"system:playback_8\"]\nin_connect = [\"system:capture_7\"]\n",
        )
        .replace("channel = 1\nnominal", "channel = 1\nconnect = [\"sim:send\", \"sim:monitor\"]\nnominal");
    let found = cords(&text);
    for wanted in [
        Cord { is_output: false, channel: 1, to: vec![port("sim:send"), port("sim:monitor")] },
        Cord { is_output: true, channel: 8, to: vec![port("system:playback_8")] },
        Cord { is_output: false, channel: 7, to: vec![port("system:capture_7")] },
    ] {
        assert!(found.contains(&wanted), "{wanted:?}: {found:?}");
    }
    assert_eq!(found.len(), 3);
    let bad = bench(&text.replace("sim:send", "send")).unwrap_err();
    assert!(bad[0].to_string().contains("jack_lsp"), "{bad:?}");
    // A fixed wiring is told by its own ports elsewhere.
    assert!(cords(BENCH).is_empty());
}
