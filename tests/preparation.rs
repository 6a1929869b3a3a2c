//! What a run prepares: facts of the reference run that other entries wait for and use.

use std::path::Path;

use lombard::bench::StopFlag;
use lombard::finding::FactValue;
use lombard::run::view::{EntryView, RunState, RunView};
use lombard::run::{BenchChoice, Engine};
use lombard::units::Unit;

use crate::recording::{empty_folder, plan_in, record, request};

/// A plan whose delay is written before the reference run that it wants.
fn plan(reference: &str) -> String {
    format!(
        "title = 'Prepared'\nrecommendation = 'P.1110'\nedition = '10/2025'\nbandwidth = 'WB'\ncar = 'ideal-wb'\n\
         limits = ['p1110-2025']\n[defaults]\nconditioning = 'css-delay'\ndelay_max = '250 ms'\n\
         [[entry]]\nid = 'delay'\nclause = '11.2'\nmethod = 'delay'\nvolume = 'maximum'\n\
         limits = ['delay_round_trip']\n{reference}"
    )
}

const REFERENCE: &str = "[[entry]]\nid = 'reference'\nclause = '7.7'\nmethod = 'reference_run'\ninformative = true\n\
                         [entry.parameters]\nidle = '1 s'\n";

fn run(folder: &Path, plan: &str, only: &[&str]) -> RunView {
    let mut wish = request(&plan_in(folder, plan), folder, 3);
    wish.only = only.iter().map(|id| (*id).to_owned()).collect();
    record(&wish)
}

fn of<'v>(view: &'v RunView, id: &str) -> &'v EntryView {
    view.entries.iter().find(|one| one.entry.id.text() == id).unwrap()
}

#[test]
fn entries_wait_for_the_reference_run_of_their_plan_and_use_it() {
    let folder = empty_folder("reference");
    // Selected alone, the delay brings the reference run along.
    let view = run(&folder, &plan(REFERENCE), &["delay"]);
    let note = |view: &RunView| of(view, "delay").findings[0].finding.note.clone();
    assert!(
        note(&view).contains("20.00 ms of the network, measured by the reference run"),
        "{}",
        note(&view)
    );
    assert_eq!(of(&view, "reference").entry.method, "reference_run");
    assert!(view.facts.number("reference.delay_send", Unit::Millisecond).is_some());
    let curve = view.facts.curve("reference.response_send", Unit::Db).unwrap();
    assert!(curve.hz.len() == 20 && curve.values[10].abs() < 0.1, "{curve:?}");
    // Digital silence is a bound, and no fact.
    assert!(view.facts.get("reference.noise_send").is_none());
    // As it was, from the disk, and judged again.
    let engine = lombard::run::Engine::new(Vec::new());
    let opened = engine.open(&view.path).unwrap();
    assert_eq!(opened.facts, view.facts);
    assert!(matches!(opened.facts.0["reference.response_receive"].value, FactValue::Curve { .. }));
    let again = engine.evaluate(&view.path, None, &[]).unwrap();
    assert_eq!(note(&again), note(&view));
}

#[test]
fn a_plan_without_a_reference_run_or_with_one_that_finds_nothing_takes_what_is_declared() {
    let folder = empty_folder("no-reference");
    // No delay of 20 ms is found within 5 ms.
    let blind = format!("{REFERENCE}delay_max = '5 ms'\n");
    for (plan, count) in [(plan(""), 1), (plan(&blind), 2)] {
        let view = run(&folder, &plan, &[]);
        assert_eq!(view.entries.len(), count);
        let delay = of(&view, "delay");
        assert!(delay.findings[0].finding.note.contains("20.00 ms of the network, declared"), "{delay:?}");
        assert!(view.facts.get("reference.delay_send").is_none());
    }
}

/// A shipped car with a line of its network replaced or added.
fn car_with(folder: &Path, name: &str, network: &str) -> BenchChoice {
    let text =
        std::fs::read_to_string(crate::source::root().join(format!("test-plans/cars/{name}.toml"))).unwrap();
    let text = text.replace("[network]\n", &format!("[network]\n{network}\n"));
    let path = folder.join("car.toml");
    std::fs::write(&path, text).unwrap();
    BenchChoice::Car(path.display().to_string())
}

#[test]
fn a_narrowband_link_behind_a_wideband_declaration_stops_the_run_until_it_is_accepted() {
    let folder = empty_folder("narrow-link");
    let call = "[[entry]]\nid = 'call'\nclause = '11.1'\nmethod = 'call_check'\ninformative = true\n";
    // The call is checked first; what follows waits for a fact, so that it comes after.
    let volume = "[[entry]]\nid = 'volume'\nclause = '11.1'\nmethod = 'volume_search'\ninformative = true\n\
                  [entry.parameters]\nsignal = 'pn-8192'\n";
    let text = plan("").replace("volume = 'maximum'\n", "") + call + volume;
    let mut wish = request(&plan_in(&folder, &text), &folder, 3);
    wish.bench = car_with(&folder, "ideal-wb", "carries = \"NB\"");
    let stopped = record(&wish);
    assert_eq!((stopped.state, stopped.exit_code()), (RunState::Incomplete, 3));
    assert!(of(&stopped, "delay").findings.is_empty(), "nothing is recorded before an answer");
    let journal = || std::fs::read_to_string(stopped.path.join("journal.jsonl")).unwrap();
    let warning =
        |view: &RunView| view.warnings.iter().find(|one| one.starts_with("call: ")).cloned().unwrap();
    for part in ["the call is NB by its spectrum", "a NB plan by P.1100", "--accept"] {
        assert!(warning(&stopped).contains(part), "{}", warning(&stopped));
    }
    assert_eq!(journal().matches("\"held\"").count(), 1);
    let (engine, nobody) = (Engine::new(Vec::new()), StopFlag::default());
    // Resumed without an answer, it stops where it was, and records nothing.
    let takes = journal().matches("take-recorded").count();
    let again = engine.resume(&stopped.path, &|_| {}, &nobody).unwrap();
    assert_eq!(again.state, RunState::Incomplete);
    assert_eq!(journal().matches("take-recorded").count(), takes);
    assert_eq!(journal().matches("\"held\"").count(), 1, "it asks once");
    let accepted = engine.resume_accepting(&stopped.path, &|_| {}, &nobody).unwrap();
    assert_eq!(accepted.state, RunState::Finished);
    assert!(warning(&accepted).contains("accepted by the operator at 2"), "{}", warning(&accepted));
    assert_eq!(of(&accepted, "delay").findings.len(), 5);
    let error = engine.resume_accepting(&stopped.path, &|_| {}, &nobody).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("nothing to accept"), "{error}");
    // The right link is asked nothing.
    wish.bench = car_with(&folder, "ideal-wb", "");
    let right = record(&wish);
    assert!(right.state == RunState::Finished && right.warnings.is_empty(), "{:?}", right.warnings);
}

/// The journalled checks that were made again: the number of each, and whether it found the set-up as it was.
fn rechecks(view: &RunView) -> Vec<(String, bool)> {
    let journal = std::fs::read_to_string(view.path.join("journal.jsonl")).unwrap();
    let lines = journal.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let checks = lines.filter(|line| line["event"] == "rechecked");
    checks.map(|line| (line["entry"].as_str().unwrap().to_owned(), line["is_good"] == true)).collect()
}

#[test]
fn a_hats_that_moves_stops_the_run_which_goes_on_when_it_is_put_back_or_accepted() {
    let folder = empty_folder("moved");
    let check = |id: &str| {
        format!(
            "[[entry]]\nid = '{id}'\nclause = '7'\nmethod = 'setup_check'\ninformative = true\n\
             [entry.parameters]\nsignal = 'pn-8192'\nevery = '1 ms'\n"
        )
    };
    let delay = |volume: &str| {
        format!(
            "[[entry]]\nid = 'delay_{volume}'\nclause = '11.2'\nmethod = 'delay'\nvolume = 'step-{volume}'\n"
        )
    };
    let head = plan("");
    let head = &head[..head.find("[[entry]]").unwrap()];
    let text = format!("{head}{}{}{}{}", check("setup"), delay("3"), delay("4"), check("setup_end"));
    let mut wish = request(&plan_in(&folder, &text), &folder, 3);
    // The first call finds the HATS where it belongs, all others 0.8 dB away.
    wish.bench = car_with(&folder, "ideal-wb", "");
    let BenchChoice::Car(path) = &wish.bench else { panic!("a car") };
    let car = std::fs::read_to_string(path).unwrap() + "\n[moved]\nafter_calls = 1\nmouth = \"-0.8 dB\"\n";
    std::fs::write(path, car).unwrap();
    let stopped = record(&wish);
    assert_eq!(stopped.state, RunState::Incomplete);
    assert_eq!(rechecks(&stopped), [("setup[recheck=1]".to_owned(), false)]);
    let warnings = stopped.warnings.join("\n");
    assert!(warnings.contains("changed by 0.80 dB (setup_send at"), "{warnings}");
    assert!(of(&stopped, "delay_4").findings.is_empty(), "nothing is recorded before an answer");
    // Resumed, the first call finds it put back; then it moves again.
    let (engine, nobody) = (Engine::new(Vec::new()), StopFlag::default());
    let again = engine.resume(&stopped.path, &|_| {}, &nobody).unwrap();
    assert_eq!(again.state, RunState::Incomplete);
    assert_eq!(rechecks(&again).iter().map(|one| one.1).collect::<Vec<_>>(), [false, true, false]);
    assert!(again.warnings[0].contains("put right"), "{:?}", again.warnings);
    let accepted = engine.resume_accepting(&stopped.path, &|_| {}, &nobody).unwrap();
    assert_eq!(accepted.state, RunState::Finished);
    assert!(rechecks(&accepted).len() > 3, "it goes on checking");
    assert_eq!(of(&accepted, "delay_4").findings.len(), 5);
    let end = of(&accepted, "setup_end").findings.iter().find(|one| one.finding.measurand == "setup_change");
    let change = end.unwrap().finding.as_scalar().unwrap();
    assert!((change - 0.8).abs() < 0.05, "{change}");
    // Judged again from the disk, the first check is still the first.
    let judged = engine.evaluate(&accepted.path, None, &[]).unwrap();
    assert!(of(&judged, "setup").findings.iter().all(|one| one.finding.measurand != "setup_change"));
}

#[test]
fn a_path_that_goes_silent_holds_the_run_by_the_bands_that_vanish() {
    let folder = empty_folder("vanished");
    let check = "[[entry]]\nid = 'setup'\nclause = '7'\nmethod = 'setup_check'\ninformative = true\n\
                 [entry.parameters]\nsignal = 'pn-8192'\nevery = '1 ms'\n";
    let delay = |step: u32| {
        format!("[[entry]]\nid = 'delay_{step}'\nclause = '11.2'\nmethod = 'delay'\nvolume = 'step-{step}'\n")
    };
    let head = plan("");
    let head = &head[..head.find("[[entry]]").unwrap()];
    let mut wish = request(&plan_in(&folder, &format!("{head}{check}{}{}", delay(3), delay(4))), &folder, 3);
    wish.bench = car_with(&folder, "ideal-wb", "");
    let BenchChoice::Car(path) = &wish.bench else { panic!("a car") };
    // Noise that rises with frequency hides the upper half of what a mouth 35 dB away leaves.
    let car = std::fs::read_to_string(path).unwrap()
        + "\n[terminal.idle_noise]\nlevel = \"-64 dBm0(A)\"\nspectrum_hz_db = [[900, -40], [1100, 0]]\n\
           [moved]\nafter_calls = 1\nmouth = \"-35 dB\"\n";
    std::fs::write(path, car).unwrap();
    let stopped = record(&wish);
    assert_eq!(stopped.state, RunState::Incomplete);
    assert_eq!(rechecks(&stopped), [("setup[recheck=1]".to_owned(), false)]);
    let warnings = stopped.warnings.join("\n");
    assert!(warnings.contains("bands of setup_send that setup found no longer stand out"), "{warnings}");
    assert!(of(&stopped, "delay_4").findings.is_empty(), "nothing is recorded before an answer");
}

#[test]
fn the_set_up_is_checked_again_when_all_else_is_recorded() {
    let folder = empty_folder("last");
    let head = plan("");
    let head = &head[..head.find("[[entry]]").unwrap()];
    let entries = "[[entry]]\nid = 'setup'\nclause = '11.1'\nmethod = 'setup_check'\ninformative = true\n\
                   [entry.parameters]\nsignal = 'pn-8192'\n\
                   [[entry]]\nid = 'setup_end'\nclause = '11.1'\nmethod = 'setup_check'\ninformative = true\n\
                   [entry.parameters]\nsignal = 'pn-8192'\n\
                   [[entry]]\nid = 'volume'\nclause = '11.1'\nmethod = 'volume_search'\ninformative = true\n\
                   [entry.parameters]\nsignal = 'pn-8192'\n\
                   [[entry]]\nid = 'rlr'\nclause = '11.3'\nmethod = 'loudness_rating'\n\
                   [entry.parameters]\ndirection = 'receive'\nsignal = 'pn-8192'\nidle = '500 ms'\n";
    let view = run(&folder, &format!("{head}{entries}"), &[]);
    let journal = std::fs::read_to_string(view.path.join("journal.jsonl")).unwrap();
    let taken: Vec<&str> = journal.lines().filter(|line| line.contains("\"take-recorded\"")).collect();
    let at = |id: &str| taken.iter().position(|line| line.contains(of(&view, id).takes[0].text())).unwrap();
    // It waits for the entry at nominal volume, which waits for the search.
    assert_eq!(at("setup_end"), taken.len() - 1, "{taken:#?}");
    assert!(at("setup") < at("rlr"));
}

#[test]
fn volumes_are_counted_from_the_nominal_step() {
    let folder = empty_folder("relative");
    let head = plan("");
    let head = &head[..head.find("[[entry]]").unwrap()];
    let entries = "[[entry]]\nid = 'volume'\nclause = '11.1'\nmethod = 'volume_search'\ninformative = true\n\
                   [entry.parameters]\nsignal = 'pn-8192'\n\
                   [[entry]]\nid = 'rlr'\nclause = '11.3'\nmethod = 'loudness_rating'\n\
                   [entry.expand]\nvolume = ['nominal', 'nominal+2', 'nominal-3', 'nominal+12']\n\
                   [entry.parameters]\ndirection = 'receive'\nsignal = 'pn-8192'\nidle = '500 ms'\n";
    let view = run(&folder, &format!("{head}{entries}"), &[]);
    let rlr = |volume: &str| {
        let entry = of(&view, &format!("rlr[volume={volume}]"));
        entry.findings.first().and_then(|one| one.finding.as_scalar())
    };
    let nominal = rlr("nominal").unwrap();
    // The steps of the car are 1.5 dB, and louder is a smaller rating.
    assert!((rlr("nominal+2").unwrap() - (nominal - 3.0)).abs() < 0.05);
    assert!((rlr("nominal-3").unwrap() - (nominal + 4.5)).abs() < 0.05);
    let beyond = of(&view, "rlr[volume=nominal+12]");
    assert_eq!(beyond.verdict, lombard::verdict::Verdict::NotRun);
    assert!(beyond.reason.contains("nominal+12 with nominal step"), "{}", beyond.reason);
    // Farther than any nominal step of this control, it is refused before anything is recorded.
    let far = format!("{head}{}", entries.replace("nominal+12", "nominal+40"));
    let wish = request(&plan_in(&folder, &far), &folder, 3);
    let error = Engine::new(Vec::new()).record(&wish, &|_| {}, &StopFlag::default()).unwrap_err();
    let lombard::run::RunError::Input(problems) = &error else { panic!("{error}") };
    assert!(problems[0].found.contains("volume nominal+40"), "{}", problems[0]);
}
