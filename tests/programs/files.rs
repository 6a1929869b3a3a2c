//! Car files whose terminal is a program: what is wrong with one is told at its place; lists and checks say what it is.

use lombard::bench::car::Model;
use lombard::bench::car::file::read_car;
use lombard::bench::car::spec::{ProcessSpec, TerminalKind};
use lombard::bench::car::truth::Truth;
use lombard::problem::SourceText;

use super::{car_of, ideal_text, pass_through, pass_through_car};
use crate::cli::{ask, folder, object};
use crate::source::root;

fn text() -> String {
    ideal_text(&["./device".to_owned(), "--tail".to_owned()], 16_000, 160, "")
}

#[test]
fn every_problem_of_a_program_is_told_at_its_place() {
    for (from, to, parts) in [
        ("command = [\"./device\", \"--tail\"]", "", &["'command' is missing"][..]),
        ("command = [\"./device\", \"--tail\"]", "command = []", &["'command' names no program"]),
        ("command = [\"./device\", \"--tail\"]", "command = [\" \"]", &["'command' names no program"]),
        (
            "command = [\"./device\", \"--tail\"]",
            "command = \"./device --tail\"",
            &["'command' is of the wrong kind"],
        ),
        ("rate = 16000", "rate = 44100", &["'rate' is not one that the bench can make", "44100 Hz"]),
        ("rate = 16000", "", &["'rate' is missing"]),
        ("block = 160", "block = 0", &["'block' is out of range", "1 to 48000 frames"]),
        ("block = 160", "block = 160.5", &["'block' is of the wrong kind"]),
        ("block = 160", "", &["'block' is missing"]),
        // 1024 frames at 16 kHz are 64 ms
        (
            "block = 160",
            "block = 1024",
            &["'delay' is too short", "at least 69.75 ms", "the block of the program"],
        ),
        ("block = 160", "block = 160\nlatency_send = 4000", &["'delay' is too short"]),
        ("block = 160", "block = 160\nlatency_send = -1", &["'latency_send' is out of range"]),
        ("block = 160", "block = 160\nmicrophones = 2", &["does not have so many microphone channels"]),
        ("block = 160", "block = 160\ntimeout = 2", &["'timeout' has no unit"]),
        ("block = 160", "block = 160\ntimeout = \"1 ms\"", &["'timeout' is out of range"]),
        ("block = 160", "block = 160\nshell = true", &["shell"]),
        ("microphone = \"-0.98 dBPa\"", "", &["'microphone' is missing"]),
        ("microphone = \"-0.98 dBPa\"", "microphone = \"-0.98 dBm0\"", &["'microphone' has the wrong unit"]),
        ("loudspeaker = \"17.8 dBPa\"", "loudspeaker = \"178 dBPa\"", &["'loudspeaker' is out of range"]),
        ("[terminal.send]", "[terminal.send]\ngain = \"7 dB\"", &["gain"]),
        ("[terminal.full_scale]", "[terminal.other]", &["'full_scale' is missing"]),
        ("kind = \"process\"", "kind = \"program\"", &["one of reference, real, process"]),
    ] {
        let wrong = text().replace(from, to);
        assert_ne!(wrong, text(), "{from}");
        let problems = read_car(&SourceText::new("car.toml", wrong)).expect_err(to);
        let told = problems.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n");
        for part in parts {
            assert!(told.contains(part), "{to}: no '{part}' in {told}");
        }
        assert!(told.contains("car.toml:"), "{told}");
    }
}

#[test]
fn a_program_is_read_as_it_is_written() {
    let read = |text: &str| {
        let car = read_car(&SourceText::new("cars/ours/car.toml", text)).unwrap();
        let TerminalKind::Process(own) = car.terminal.kind.clone() else { panic!("a program") };
        (car, *own)
    };
    let (car, own) = read(&text());
    assert_eq!((own.rate, own.block, own.microphones, own.latency_send), (16_000, 160, 1, 0));
    assert_eq!((own.folder.to_str(), own.timeout.as_secs()), (Some("cars/ours"), 10));
    assert_eq!((own.send_full_dbm0, own.receive_full_dbm0), (6.15, 6.15));
    // The gains of a program that passes through are those of the ideal car.
    let gains = [car.terminal.send_gain_db - 7.13, car.terminal.receive_gain_db - 11.65];
    assert!(gains.iter().all(|off| off.abs() < 1e-9), "{gains:?}");
    let keys = "latency_send = 5\nlatency_receive = 6\ntimeout = \"300 ms\"\nmicrophones = 1";
    let (_, own) = read(&ideal_text(&["a".to_owned()], 48_000, 64, keys));
    assert_eq!((own.latency_send, own.latency_receive, own.timeout.as_millis()), (5, 6, 300));
    assert_eq!(
        ProcessSpec { command: vec!["a b".to_owned(), "c".to_owned(), String::new()], ..own }.command_line(),
        "\"a b\" c \"\""
    );
}

#[test]
fn nobody_claims_to_know_what_a_program_does() {
    let model = Model::new(car_of(&text()));
    assert!(!Truth::of(&model).is_exact());
}

#[test]
fn check_and_list_say_that_the_car_is_a_program() {
    let here = folder();
    let car = pass_through_car().display().to_string();
    let answer = ask(here.path(), &["check", "quick-wb", "--car", &car]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let said = "the car is a program under test, passthrough-c: ./passthrough (contract 1, 16000 Hz, blocks of 160 frames)";
    assert!(answer.out.contains(said), "{}", answer.out);
    assert!(!ask(here.path(), &["check", "quick-wb"]).out.contains("program"), "real-wb is none");

    let cars = here.path().join("lombard-data/test-plans/cars");
    std::fs::create_dir_all(&cars).unwrap();
    let absent = root().join("docs/examples/program-under-test/speexdsp.toml");
    std::fs::copy(absent, cars.join("ours.toml")).unwrap();
    let listed = object(&ask(here.path(), &["list", "cars", "--json"]));
    let ours = listed["cars"].as_array().unwrap().iter().find(|one| one["name"] == "ours").unwrap();
    assert_eq!((&ours["kind"], &ours["program"]), (&"process".into(), &"./speexdsp_aec".into()));
    let table = ask(here.path(), &["list", "cars"]).out;
    let row = table.lines().find(|line| line.starts_with("ours")).unwrap();
    assert!(row.contains("process") && row.contains("(runs ./speexdsp_aec)"), "{row}");

    // Nothing was built beside this car file: told before anything is recorded, at its place.
    for command in ["check", "run"] {
        let answer = ask(here.path(), &[command, "quick-wb", "--car", "ours"]);
        assert_eq!(answer.code, 2, "{}", answer.out);
        for part in ["there is no such program", "ours.toml:", "'./speexdsp_aec'", "build the program"] {
            assert!(answer.err.contains(part), "{part}: {}", answer.err);
        }
    }
    assert!(!here.path().join("runs").exists());
}

#[test]
fn a_program_is_told_what_the_manual_says() {
    let page = std::fs::read_to_string(root().join("docs/program-under-test.md")).unwrap();
    let here = folder();
    let said = here.path().join("said.txt");
    // A script that writes down what it is told, and ends.
    let script = "import os, sys\nopen(sys.argv[1], 'w').write('\\n'.join(sys.argv[2:] + sorted(k + '=' + v for k, v in \
                  os.environ.items() if k.startswith('LOMBARD_'))))\n";
    let command = [super::PYTHON.clone(), "-c".to_owned(), script.to_owned(), said.display().to_string()];
    let car = super::ideal(&command, 16_000, 160, "");
    let mut running = lombard::bench::car::Car::new(&car, 5);
    running.open(car.bandwidth, 9).unwrap();
    running.run(&[0.0; 480], &[]).unwrap_err();
    let said = std::fs::read_to_string(said).unwrap();
    // 160 and 160 frames wait, two converters take 92.
    for (name, value) in [
        ("contract", "1"),
        ("rate", "16000"),
        ("block", "160"),
        ("microphones", "1"),
        ("inputs", "2"),
        ("outputs", "2"),
        ("bandwidth", "WB"),
        ("volume-step", "9"),
        ("volume-steps", "16"),
        ("audio-delay", "412"),
        ("seed", "5"),
    ] {
        assert!(said.contains(&format!("--{name}\n{value}\n")), "--{name} {value}: {said}");
        let variable = format!("LOMBARD_{}", name.to_uppercase().replace('-', "_"));
        assert!(said.contains(&format!("{variable}={value}")), "{variable}: {said}");
        assert!(page.contains(&format!("`--{name}`")) && page.contains(&format!("`{variable}`")), "{name}");
    }
    assert_eq!(said.matches("\n--").count() + 1, 11, "and nothing else: {said}");
    assert!(page.contains("contract 1"), "the manual names the version");
    assert!(!pass_through().is_empty());
}
