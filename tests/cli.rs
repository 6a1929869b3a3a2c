//! The command line: what it answers, with which exit code, on which stream; and its page below `docs/`.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use lombard::cli;
use lombard::methods::METHODS;
use lombard::plan::{BuiltIn, Folder, Sources};
use lombard::run::view::RunView;
use lombard::signals::{Library, Options};
use lombard::verdict::Verdict;
use serde_json::Value;

use crate::fresh::fresh;
use crate::report_sample::{full, hostile};
use crate::source::root;

/// The program in a folder of its own, without what the environment of the tests says.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lombard"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for name in ["LOMBARD_RUNS", "LOMBARD_DATA", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

/// What the program answered.
pub(crate) struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("the program ended by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn ask(folder: &Path, arguments: &[&str]) -> Answer {
    program(folder, arguments).output().unwrap().into()
}

/// The one object on standard output.
pub(crate) fn object(answer: &Answer) -> Value {
    let mut values = serde_json::Deserializer::from_str(&answer.out).into_iter::<Value>();
    let object = values.next().expect(&answer.err).unwrap();
    assert!(object.is_object() && values.next().is_none(), "{}", answer.out);
    object
}

/// A folder that goes away with the test.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn usage_errors_exit_2_and_leave_standard_output_empty() {
    let here = folder();
    for arguments in [
        &["fly"][..],
        &["run"],
        &["run", "quick-wb", "--bench", "a", "--car", "b"],
        &["run", "quick-wb", "--seed", "one"],
        &["run", "quick-wb", "--only", "slr,"],
        &["check"],
        &["list"],
        &["list", "wishes"],
        &["report", "r", "--format", "pdf"],
        &["signal", "render", "sine-1000"],
        &["signal", "render", "sine-1000", "--level", "3 dBPa", "--out", "a.wav"],
        &["--data", "nowhere", "list", "plans"],
    ] {
        let answer = ask(here.path(), arguments);
        assert_eq!(answer.code, 2, "{arguments:?}: {}", answer.err);
        assert!(answer.out.is_empty() && answer.err.starts_with("error:"), "{arguments:?}: {}", answer.err);
    }
    assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn the_version_and_help_are_results() {
    let here = folder();
    assert_eq!(ask(here.path(), &["--version"]).out, format!("lombard {}\n", lombard::VERSION));
    for command in ["check", "diff", "run", "resume", "evaluate", "report", "list", "signal", "gui"] {
        let help = ask(here.path(), &["help", command]);
        assert_eq!(help.code, 0);
        assert!(help.out.contains("Usage: lombard"), "{command}: {}", help.out);
    }
}

#[test]
#[cfg(not(feature = "gui"))]
fn a_build_without_window_says_how_to_get_one() {
    let here = folder();
    for arguments in [&[][..], &["gui"], &["gui", "quick-wb"]] {
        let answer = ask(here.path(), arguments);
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{arguments:?}");
        assert!(answer.err.contains("--features gui"), "{}", answer.err);
    }
}

#[test]
fn a_name_that_is_nearly_right_is_helped() {
    let here = folder();
    std::fs::create_dir_all(here.path().join("runs/2026-11-22T14-05-00-quick-wb")).unwrap();
    for (arguments, near) in [
        (&["check", "quik-wb"][..], "'quick-wb'"),
        (&["run", "quick-wb", "--car", "refrence-wb"], "'reference-wb'"),
        (&["run", "quick-wb", "--only", "idle_nois"], "'idle_noise'"),
        (&["signal", "render", "sine-100", "--out", "a.wav"], "'sine-1000'"),
        (&["report", "2026-11-22T14-05-00-quick-nb"], "'2026-11-22T14-05-00-quick-wb'"),
    ] {
        let answer = ask(here.path(), arguments);
        assert_eq!(answer.code, 2, "{arguments:?}");
        assert!(answer.err.contains(&format!("did you mean {near}?")), "{arguments:?}: {}", answer.err);
    }
}

#[test]
fn every_problem_of_every_plan_is_told_once_with_its_place() {
    let here = folder();
    std::fs::create_dir(here.path().join("limits")).unwrap();
    std::fs::write(here.path().join("limits/ours.toml"), "wish = 1\n").unwrap();
    let plan = "title = \"a\"\nrecommendation = \"P.1110\"\nedition = \"10/2025\"\nbandwidth = \"UWB\"\n\
                limits = [\"ours\"]\n";
    for name in ["a.toml", "b.toml"] {
        std::fs::write(here.path().join(name), plan).unwrap();
    }
    let answer = ask(here.path(), &["check", "a.toml", "b.toml", "quick-wb"]);
    assert_eq!(answer.code, 2);
    assert!(answer.out.starts_with("quick-wb: no problem"), "{}", answer.out);
    for place in ["a.toml:4:13", "b.toml:4:13", "expected", "help"] {
        assert!(answer.err.contains(place), "{place}: {}", answer.err);
    }
    let shared = answer.err.matches("limits/ours.toml:1:").count();
    assert_eq!(shared, 4, "an unknown key, three missing ones: once, not for each plan: {}", answer.err);
    let said = answer.err.lines().last().unwrap();
    let told = answer.err.lines().filter(|line| line.starts_with("error")).count();
    assert_eq!(said, format!("{told} problems"));
    assert!(!answer.err.contains('\u{1b}'), "no colors into a pipe");
}

#[test]
fn lists_are_tables_and_one_object() {
    let here = folder();
    for (what, some) in [
        ("methods", "loudness_rating"),
        ("signals", "css-fb"),
        ("plans", "quick-nb"),
        ("cars", "reference-wb"),
    ] {
        let table = ask(here.path(), &["list", what]);
        assert_eq!((table.code, table.err.as_str()), (0, ""), "{what}");
        let row = table.out.lines().find(|line| line.split_whitespace().next() == Some(some));
        assert!(row.is_some(), "{what}: {}", table.out);
        let json = object(&ask(here.path(), &["list", what, "--json"]));
        let rows = json[what].as_array().unwrap();
        let licensed = json["licensed"].as_array().map_or(0, Vec::len);
        assert_eq!(table.out.lines().count(), 1 + rows.len() + licensed, "{what}: a head and the rows");
    }
    let methods = object(&ask(here.path(), &["list", "methods", "--json"]));
    let ids: Vec<&str> =
        methods["methods"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, METHODS.iter().map(|one| one.card().id).collect::<Vec<_>>());
    let plans = object(&ask(here.path(), &["list", "plans", "--json"]));
    let quick = plans["plans"].as_array().unwrap().iter().find(|one| one["name"] == "quick-nb").unwrap();
    assert_eq!((quick["bandwidth"].as_str(), quick["edition"].as_str()), (Some("NB"), Some("10/2025")));
    let runs = ask(here.path(), &["list", "runs"]);
    assert_eq!((runs.code, runs.out.as_str()), (0, ""));
    assert_eq!(object(&ask(here.path(), &["list", "runs", "--json"]))["runs"], Value::Array(Vec::new()));
}

#[test]
fn data_folders_come_before_what_is_built_in() {
    let here = folder();
    let cars = |data: &str| here.path().join(data).join("test-plans/cars");
    let car = std::fs::read_to_string(root().join("test-plans/cars/ideal-wb.toml")).unwrap();
    for data in ["one", "two", "lombard-data"] {
        std::fs::create_dir_all(cars(data)).unwrap();
        std::fs::write(cars(data).join(format!("{data}.toml")), &car).unwrap();
    }
    std::fs::write(cars("two").join("broken.toml"), "name = 1\n").unwrap();
    let shipped = BuiltIn.names(Folder::Cars);
    let names = |command: &mut Command| -> Vec<String> {
        let json = object(&command.output().unwrap().into());
        let names =
            json["cars"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
        names.filter(|name| !shipped.contains(name)).collect()
    };
    let list = ["list", "cars", "--json"];
    let program = |arguments: &[&str]| program(here.path(), arguments);
    assert_eq!(names(&mut program(&list)), ["lombard-data"], "found without being named");
    let both = std::env::join_paths(["one", "two"]).unwrap();
    assert_eq!(names(program(&list).env("LOMBARD_DATA", &both)), ["broken", "one", "two"]);
    let named = [&list[..], &["--data", "one"]].concat();
    assert_eq!(names(program(&named).env("LOMBARD_DATA", &both)), ["one"], "--data takes its place");
    let table = ask(here.path(), &["list", "cars", "--data", "two"]);
    let broken = table.out.lines().find(|line| line.starts_with("broken")).unwrap();
    assert!(broken.contains("problems"), "{broken}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let here = folder();
    for arguments in [&["list", "signals"][..], &["list", "methods", "--json"], &["--help"]] {
        let mut child =
            program(here.path(), arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let answer: Answer = child.wait_with_output().unwrap().into();
        assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{arguments:?}");
    }
}

/// The samples of a mono 32-bit float WAV, with its rate.
fn samples(path: &Path) -> (u32, Vec<f32>) {
    let mut reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.bits_per_sample), (1, 32));
    (spec.sample_rate, reader.samples().map(Result::unwrap).collect())
}

#[test]
fn a_rendered_signal_has_its_rate_length_level_and_hash() {
    let here = folder();
    let arguments =
        ["signal", "render", "sine-1000", "--rate", "16000", "--level", "-16 dBm0", "--seconds", "1.5"];
    let answer = ask(here.path(), &[&arguments[..], &["--out", "out/sine.wav"]].concat());
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    let (rate, found) = samples(&here.path().join("out/sine.wav"));
    assert_eq!((rate, found.len()), (16_000, 24_000));
    let power = found.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / found.len() as f64;
    // −16 dBm0 is −22.15 dBov. Rounding to f32 is some 1e-7 of the amplitude.
    assert!((10.0 * power.log10() + 22.15).abs() < 1e-5, "{}", 10.0 * power.log10());
    let options = Options { seconds: Some(1.5), seed: None };
    let signal = Library::builtin().unwrap().make("sine-1000", 16_000, options).unwrap();
    for part in ["sine-1000", "16000 Hz", "1.5", "-22.15 dBov", "3.01 dB", &signal.hash, "sine.wav"] {
        assert!(answer.out.contains(part), "{part}: {}", answer.out);
    }
    let digital = ["signal", "render", "css-fb-lowcrest", "--level", "-26 dBov", "--out", "css.wav"];
    let answer = ask(here.path(), &digital);
    assert!(answer.code == 0 && answer.out.contains("method-equivalent-signal"), "{}", answer.out);
    // Nothing licensed could take its place.
    assert!(answer.out.contains("deviates from the Recommendation's signal"), "{}", answer.out);
    assert_eq!(samples(&here.path().join("css.wav")).1.len(), 504_000);
}

#[test]
fn a_signal_that_cannot_be_a_file_is_refused_with_the_reason() {
    let here = folder();
    for (level, reason) in [
        ("-4.7 dBPa", "needs the calibration of a bench"),
        ("-10 dBV", "not in dBV"),
        ("0 dBm0", "dB over full scale"),
        ("-16", "not in 1"),
    ] {
        let arguments = ["signal", "render", "css-fb", "--level", level, "--out", "a.wav"];
        let answer = ask(here.path(), &arguments);
        assert_eq!(answer.code, 2, "{level}");
        assert!(answer.err.contains(reason), "{level}: {}", answer.err);
    }
    for (option, value) in
        [("--rate", "100"), ("--seconds", "-1"), ("--seconds", "1e9"), ("--seconds", "NaN")]
    {
        let arguments = ["signal", "render", "css-fb", option, value, "--out", "a.wav"];
        assert_eq!(ask(here.path(), &arguments).code, 2, "{option} {value}");
    }
    assert!(!here.path().join("a.wav").exists());
}

#[test]
fn a_signal_is_limited_to_a_band_at_the_same_level() {
    let here = folder();
    let render = |extra: &[&str]| {
        let arguments =
            ["signal", "render", "pn-8192", "--seconds", "2.048", "--rate", "16000", "--out", "a.wav"];
        ask(here.path(), &[&arguments[..], extra].concat())
    };
    let hash = |text: &str| text.lines().find(|line| line.starts_with("hash")).unwrap().to_owned();
    let power =
        |samples: &[f32]| samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / samples.len() as f64;
    let whole = render(&[]);
    let found = samples(&here.path().join("a.wav")).1;
    let limited = render(&["--band", "NB"]);
    assert_eq!((whole.code, limited.code), (0, 0), "{}", limited.err);
    assert_ne!(hash(&whole.out), hash(&limited.out));
    let narrow = samples(&here.path().join("a.wav")).1;
    assert_eq!(narrow.len(), found.len());
    // The gain has the bits of f32, and the samples are rounded to them.
    assert!(10.0 * (power(&narrow) / power(&found)).log10().abs() < 1e-5);
    // White noise without its upper half moves less from sample to sample.
    let steps =
        |samples: &[f32]| power(&samples.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>());
    assert!(steps(&narrow) < 0.7 * steps(&found), "{} {}", steps(&narrow), steps(&found));
    let wrong = render(&["--band", "MB"]);
    assert!(wrong.code == 2 && wrong.err.contains("NB, WB, SWB, FB"), "{}", wrong.err);
}

fn write_wav(path: &Path, seconds: f64, rate: u32, channels: u16) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let sample_format = hound::SampleFormat::Int;
    let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: 16, sample_format };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..(seconds * f64::from(rate)) as i32 * i32::from(channels) {
        writer.write_sample((n % 250 - 125) as i16 * 100).unwrap();
    }
    writer.finalize().unwrap();
}

#[test]
fn licensed_recordings_are_imported_recorded_and_used() {
    let here = folder();
    let lab = here.path().join("lab");
    write_wav(&lab.join("P501/Single talk seq.WAV"), 12.0, 48_000, 1);
    write_wav(&lab.join("P501/Compressed speech.wav"), 2.0, 48_000, 1);
    write_wav(&lab.join("P501/Double talk seq.wav"), 12.0, 48_000, 2);
    write_wav(&lab.join("holiday.wav"), 1.0, 8_000, 1);
    let answer = ask(here.path(), &["signal", "import", "lab"]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{}", answer.out);
    for part in [
        "imported  p501-single-talk: Single talk seq.WAV as p501-single-talk.wav, 48000 Hz",
        "imported  p501-double-talk",
        "rejected  p501-compressed: Compressed speech.wav: it lasts 2.0 s",
        "missing   p501-activation",
        "no data folder was named",
    ] {
        assert!(answer.out.contains(part), "{part}: {}", answer.out);
    }
    let licensed = here.path().join("lombard-data/signals/licensed");
    let copy = std::fs::read(licensed.join("p501-single-talk.wav")).unwrap();
    assert_eq!(copy, std::fs::read(lab.join("P501/Single talk seq.WAV")).unwrap(), "copied unchanged");
    // The folder is searched without being named, and the record grows with a second import.
    write_wav(&lab.join("more/Compressed speech.wav"), 25.0, 48_000, 1);
    assert_eq!(ask(here.path(), &["signal", "import", "lab/more"]).code, 0);
    let record = std::fs::read_to_string(licensed.join("imported.toml")).unwrap();
    assert_eq!(record.matches("[[recording]]").count(), 3, "{record}");
    let signals = object(&ask(here.path(), &["list", "signals", "--json"]));
    let is = |list: &str, id: &str, key: &str| {
        let all = signals[list].as_array().unwrap().iter();
        all.clone().find(|one| one["id"] == id).unwrap()[key].as_bool().unwrap()
    };
    assert!(is("licensed", "p501-single-talk", "imported") && !is("licensed", "p501-activation", "imported"));
    assert!(!is("signals", "speech-single-talk", "method_equivalent"));
    assert!(is("signals", "speech-conditioning", "method_equivalent"));
    let data = ask(here.path(), &["signal", "import", "lab", "--data", "elsewhere"]);
    assert!(here.path().join("elsewhere/signals/licensed/imported.toml").exists(), "{}", data.err);
}

#[test]
fn an_import_of_nothing_exits_2_and_writes_nothing() {
    let here = folder();
    let lab = here.path().join("lab");
    write_wav(&lab.join("Single talk seq.wav"), 12.0, 16_000, 1);
    std::fs::write(lab.join("Activation seq.wav"), "no WAV at all").unwrap();
    let answer = ask(here.path(), &["signal", "import", "lab"]);
    assert_eq!(answer.code, 2);
    for part in ["rejected  p501-single-talk", "16000 Hz; at least 44100 Hz", "rejected  p501-activation"] {
        assert!(answer.out.contains(part), "{part}: {}", answer.out);
    }
    assert!(answer.err.contains("nothing in lab is usable"), "{}", answer.err);
    assert!(!here.path().join("lombard-data").exists());
    assert_eq!(ask(here.path(), &["signal", "import", "nowhere"]).code, 2);
}

#[test]
fn the_object_of_a_run_survives_what_is_no_number() {
    for view in [full(), hostile()] {
        let text = cli::json::text(&view).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "one line");
        let object: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(object["verdict"], view.verdict().word());
        assert_eq!(object["counts"]["judged"], view.counts().judged);
        let entries = object["entries"].as_array().unwrap();
        assert_eq!(entries.len(), view.entries.len());
        for (json, one) in entries.iter().zip(&view.entries) {
            assert_eq!(json["id"], one.entry.id.text());
            let reason = json["reason"].as_str().unwrap();
            if one.verdict == Verdict::Fail && one.reason.is_empty() {
                // A plain fail says what it misses: every limit that failed.
                let missed: Vec<&str> = one
                    .judgements
                    .iter()
                    .filter(|one| one.verdict == Verdict::Fail)
                    .map(|one| one.measurand.as_str())
                    .collect();
                assert!(!missed.is_empty() && missed.iter().all(|one| reason.contains(one)), "{reason}");
            } else {
                assert_eq!(reason, one.reason);
            }
            for (json, one) in json["findings"].as_array().unwrap().iter().zip(&one.findings) {
                let value = one.finding.as_scalar().filter(|value| value.is_finite());
                assert_eq!(json["value"].as_f64(), value);
                assert_eq!(json["curve"].as_str(), one.curve.as_deref());
            }
        }
    }
}

/// The text without the codes of colors.
fn plain(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |all, part| all + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[test]
fn the_table_has_a_row_for_every_entry_and_its_columns_stand_under_each_other() {
    let view = full();
    let text = plain(&cli::verdicts::text(&view));
    let lines: Vec<&str> = text.lines().collect();
    let head = lines.iter().find(|line| line.starts_with("entry ")).unwrap();
    let column = head.find("verdict").unwrap();
    for entry in &view.entries {
        let id = entry.entry.id.text();
        let row = lines.iter().find(|line| line.split_whitespace().next() == Some(id)).unwrap();
        let verdict: String = row.chars().skip(column).collect();
        assert!(verdict.starts_with(entry.verdict.word()), "{row}");
    }
    for part in [&view.counts().to_string(), &view.path.display().to_string()] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn no_text_of_a_file_moves_the_cursor() {
    let text = cli::verdicts::text(&hostile());
    let drawn = plain(&text);
    let is_writing = |letter: char| letter == '\n' || !(letter.is_control() || letter == '\u{202e}');
    assert!(drawn.contains("<script>") && drawn.chars().all(is_writing), "{text:?}");
}

#[test]
fn a_reason_stands_below_whatever_is_no_pass() {
    let view: RunView = full();
    let text = plain(&cli::verdicts::text(&view));
    let reasons = view.entries.iter().filter(|one| one.verdict != Verdict::Pass);
    for reason in reasons.map(|one| one.reason.as_str()).filter(|reason| !reason.is_empty()) {
        assert!(text.contains(&format!("    {reason}")), "{reason}: {text}");
    }
    assert!(text.contains("idle_noise_send misses ≤\u{a0}−64\u{a0}dBm0(A) by 0.0004\u{a0}dB"), "{text}");
}

#[test]
fn the_page_of_the_command_line_is_fresh() {
    let page = cli::reference();
    fresh("docs/cli.md", &page);
    for command in [
        "check",
        "diff",
        "run",
        "resume",
        "evaluate",
        "report",
        "list",
        "signal render",
        "signal import",
        "signal import-noise",
        "gui",
    ] {
        assert!(page.contains(&format!("\n## lombard {command}\n")), "{command}");
    }
}
