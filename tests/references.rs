//! Reference runs that are kept by codec and mode, and what later runs make of them.

use std::path::{Path, PathBuf};

use lombard::context::Fact;
use lombard::run::view::RunView;
use lombard::run::{BenchChoice, Engine, RecordWish};
use lombard::units::Unit;

use crate::recording::{empty_folder, plan_in, record, request};

const HEAD: &str = "title = 'Kept'\nrecommendation = 'P.1110'\nedition = '10/2025'\nbandwidth = 'WB'\ncar = 'ideal-wb'\n\
                    limits = ['p1110-2025']\n[defaults]\ndelay_max = '250 ms'\n";
const REFERENCE: &str = "[[entry]]\nid = 'reference'\nclause = '7.7'\nmethod = 'reference_run'\ninformative = true\n\
                         [entry.parameters]\nidle = '1 s'\n";
const DELAY: &str = "[[entry]]\nid = 'delay'\nclause = '11.2'\nmethod = 'delay'\nvolume = 'maximum'\n\
                     limits = ['delay_round_trip']\n";

/// The ideal car on a network with these lines. Its delay is 20 ms in each direction, whatever its records say.
fn car_on(folder: &Path, network: &str) -> BenchChoice {
    let path = crate::source::root().join("test-plans/cars/ideal-wb.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.replace("codec = \"linear\"\n", &format!("{network}\n"));
    let path = folder.join("car.toml");
    std::fs::write(&path, text).unwrap();
    BenchChoice::Car(path.display().to_string())
}

fn run(folder: &Path, network: &str, entries: &str) -> RunView {
    let mut wish = request(&plan_in(folder, &format!("{HEAD}{entries}")), folder, 3);
    wish.bench = car_on(folder, network);
    record(&wish)
}

/// Keeps the reference run of a run in the ledger beside the plans of a folder, with a delay of its own in send.
fn keep(folder: &Path, view: &RunView, id: &str, delay_send_ms: f64) -> PathBuf {
    let by = |text: &str| text.to_owned();
    let wish = RecordWish { id: by(id), instrument: by("simulator 4711"), by: by("A. Person"), days: 30 };
    let text = Engine::new(Vec::new()).reference_record(&view.path, &wish).unwrap().text();
    let line = text.lines().find(|line| line.starts_with("delay_send")).unwrap();
    let text = text.replace(line, &format!("delay_send = \"{delay_send_ms} ms\""));
    std::fs::create_dir_all(folder.join("ledger")).unwrap();
    let path = folder.join(format!("ledger/{id}.toml"));
    std::fs::write(&path, text).unwrap();
    path
}

fn note(view: &RunView) -> String {
    let delay = view.entries.iter().find(|one| one.entry.id.text() == "delay").unwrap();
    delay.findings[0].finding.note.clone()
}

fn delay_fact(view: &RunView) -> Fact {
    view.facts.get("reference.delay_send").unwrap().clone()
}

#[test]
fn a_run_begins_with_the_reference_of_its_own_codec_and_says_where_it_is_from() {
    let folder = empty_folder("kept");
    let (g722, none) = ("codec = \"G.722\"", "codec = \"linear\"");
    for (network, id, delay_ms) in [(g722, "of-g722", 12.5), (none, "of-none", 17.25)] {
        let measured = run(&folder, network, REFERENCE);
        let call = delay_fact(&measured).call.unwrap().to_string();
        assert_eq!(call, if network == g722 { "G.722, 64 kbit/s" } else { "no codec, band limit only" });
        keep(&folder, &measured, id, delay_ms);
    }
    let named = "references = [\"of-g722\", \"of-none\"]";
    for (network, id, delay_ms) in [(g722, "of-g722", 12.5), (none, "of-none", 17.25)] {
        let view = run(&folder, &format!("{network}\n{named}"), DELAY);
        assert_eq!(view.facts.number("reference.delay_send", Unit::Millisecond), Some(delay_ms));
        let told =
            format!("{delay_ms:.2} ms of the network, measured by the reference run of record '{id}' of 20");
        assert!(note(&view).contains(&told), "{}", note(&view));
        assert!(view.warnings.is_empty(), "{:?}", view.warnings);
        // The report names record, codec and mode; so does what is read from the disk.
        let opened = Engine::new(Vec::new()).open(&view.path).unwrap();
        assert_eq!(opened.facts, view.facts);
        let call = delay_fact(&view).call.unwrap();
        let (html, json) = (lombard::report::html(&opened), lombard::report::json(&opened));
        assert!(html.contains(&format!("<td>{call}</td>")) && html.contains(id), "{id}");
        let fact =
            &serde_json::from_str::<serde_json::Value>(&json).unwrap()["facts"]["reference.delay_send"];
        assert_eq!(
            (fact["codec"].as_str(), fact["codec_mode"].as_str()),
            (Some(&*call.codec), Some(&*call.mode))
        );
        assert!(fact["record"].as_str().unwrap().starts_with(&format!("record '{id}' of")), "{fact}");
        // Judged again it is the same.
        assert_eq!(note(&Engine::new(Vec::new()).evaluate(&view.path, None, &[]).unwrap()), note(&view));
    }
    // What the run measures itself counts more.
    let fresh = run(&folder, &format!("{g722}\n{named}"), &format!("{REFERENCE}{DELAY}"));
    assert!(delay_fact(&fresh).record.is_none());
    assert!(
        note(&fresh).contains("20.00 ms of the network, measured by the reference run, "),
        "{}",
        note(&fresh)
    );
}

#[test]
fn a_reference_of_another_codec_or_mode_is_not_used_and_warned_of() {
    let folder = empty_folder("not-kept");
    let g722 = "codec = \"G.722\"";
    let measured = run(&folder, g722, REFERENCE);
    keep(&folder, &measured, "of-g722", 12.5);
    let named = "references = [\"of-g722\"]";
    for (network, why) in [
        (
            "codec = \"linear\"",
            "none of the bench's reference records is for no codec, band limit only in WB",
        ),
        ("codec = \"G.722\"\nmode_declared = \"56 kbit/s\"", "records is for G.722, 56 kbit/s in WB"),
    ] {
        let view = run(&folder, &format!("{network}\n{named}"), DELAY);
        assert!(view.warnings.iter().any(|one| one.contains(why)), "{:?}", view.warnings);
        assert!(view.facts.get("reference.delay_send").is_none());
        assert!(note(&view).contains("20.00 ms of the network, declared"), "{}", note(&view));
    }
    let view = run(&folder, g722, DELAY);
    // One that is not there is refused before anything is recorded, and a run without a reference run has nothing to keep.
    let mut wish = request(&plan_in(&folder, &format!("{HEAD}{DELAY}")), &folder, 3);
    wish.bench = car_on(&folder, &format!("{g722}\nreferences = [\"of-nothing\"]"));
    let error =
        Engine::new(Vec::new()).record(&wish, &|_| {}, &lombard::bench::StopFlag::default()).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("'of-nothing'"), "{error}");
    let wish = RecordWish { id: "x".to_owned(), instrument: String::new(), by: String::new(), days: 30 };
    let error = Engine::new(Vec::new()).reference_record(&view.path, &wish).unwrap_err();
    assert!(error.to_string().contains("no reference run of its own"), "{error}");
}

#[test]
fn a_reference_that_ran_out_is_not_used_and_warned_of() {
    let folder = empty_folder("ran-out");
    let (g722, named) = ("codec = \"G.722\"", "references = [\"of-g722\"]");
    let path = keep(&folder, &run(&folder, g722, REFERENCE), "of-g722", 12.5);
    let text = std::fs::read_to_string(&path).unwrap();
    let until = text.lines().find(|line| line.starts_with("valid_until")).unwrap();
    let date = text.lines().find(|line| line.starts_with("date")).unwrap();
    let old = text.replace(until, "valid_until = \"2026-01-31\"").replace(date, "date = \"2026-01-01\"");
    std::fs::write(&path, old).unwrap();
    let view = run(&folder, &format!("{g722}\n{named}"), DELAY);
    let told = "does not hold today: record 'of-g722' of 2026-01-01, valid until 2026-01-31";
    assert!(view.warnings.iter().any(|one| one.contains(told)), "{:?}", view.warnings);
    assert!(note(&view).contains("20.00 ms of the network, declared"), "{}", note(&view));
}
