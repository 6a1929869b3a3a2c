//! What records, and the options of a run: the window has them as the command line has.

use std::path::Path;

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use lombard::cli::{self, Start, Window};
use lombard::gui::desk::Desk;
use lombard::gui::form::Records;
use lombard::gui::interfaces::Interfaces;
use lombard::gui::state::Shown;
use lombard::plan::{BuiltIn, Folder, Sources};
use lombard::run::{BenchChoice, Engine, RunError};

use super::{is_enabled, wait, window, with_plan};
use crate::recording::{SHORT_PLAN, empty_folder, plan_in};

/// The field of this name, if there is one.
fn has_field(harness: &Harness<'_, Desk>, name: &str) -> bool {
    let fields =
        harness.query_all_by(|node| node.role() == Role::TextInput && node.label().as_deref() == Some(name));
    fields.count() == 1
}

/// Types a text into a field and enters it.
fn enter(harness: &mut Harness<'_, Desk>, name: &str, text: &str) {
    harness.step();
    harness.step();
    let field =
        harness.get_by(|node| node.role() == Role::TextInput && node.label().as_deref() == Some(name));
    field.focus();
    harness.step();
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the path of the method is not general enough over the lifetime of a node"
    )]
    let field = harness.get_by(|node| node.is_focused());
    field.type_text(text);
    harness.step();
    harness.key_press(Key::Enter);
    harness.step();
}

/// Why a button cannot be pressed, as those hear it who do not see it.
pub(super) fn why_not(harness: &Harness<'_, Desk>, button: &str) -> String {
    let node = harness.get_by_label(button);
    assert!(node.accesskit_node().is_disabled(), "{button} can be pressed");
    node.accesskit_node().data().description().unwrap_or_default().to_owned()
}

/// A copy of the shipped bench file below a folder.
pub(super) fn bench_in(folder: &Path, change: impl Fn(String) -> String) -> String {
    let text = BuiltIn.read(Folder::Rigs, "example-loop").unwrap().text.to_string();
    let path = folder.join("lab.toml");
    std::fs::write(&path, change(text)).unwrap();
    path.display().to_string()
}

#[test]
fn car_or_bench_is_one_or_the_other_and_a_bench_that_is_not_named_does_not_start() {
    let (mut harness, _, _) = with_plan("window-one-or-other");
    assert!(has_field(&harness, "Car") && !has_field(&harness, "Bench file"));
    assert!(is_enabled(&harness, "Start"));
    harness.get_by_label("Bench").click();
    harness.step();
    harness.step();
    wait(&mut harness, "the plan is read again", |desk| desk.state.job.is_none());
    assert!(has_field(&harness, "Bench file") && !has_field(&harness, "Car"));
    let why = why_not(&harness, "Start");
    assert!(why.contains("No bench is chosen"), "{why}");
    harness.get_by_label_contains("not checked on what records it");
    harness.get_by_label("Virtual car").click();
    harness.step();
    harness.step();
    wait(&mut harness, "the plan is checked again", |desk| desk.state.job.is_none());
    assert!(is_enabled(&harness, "Start"));
    harness.get_by_label_contains("checked on its virtual car ideal-wb");
}

#[test]
fn a_plan_that_names_no_car_wants_one_or_a_bench() {
    let folder = empty_folder("window-no-car");
    let plan = plan_in(&folder, &SHORT_PLAN.replace("car = \"ideal-wb\"\n", ""));
    let mut harness = window(&folder);
    let ctx = harness.ctx.clone();
    harness.state_mut().open(&plan, &ctx);
    wait(&mut harness, "the plan is open", |desk| desk.state.job.is_none());
    let why = why_not(&harness, "Start");
    assert!(why.contains("names no car"), "{why}");
    enter(&mut harness, "Car", "ideal-wb");
    wait(&mut harness, "the plan is checked again", |desk| desk.state.job.is_none());
    assert_eq!(harness.state().state.notice, None);
    assert!(is_enabled(&harness, "Start"));
}

#[test]
fn a_plan_is_checked_on_the_bench_that_is_chosen_as_the_command_line_checks_it() {
    let (mut harness, folder, plan) = with_plan("window-check-bench");
    let bench = bench_in(&folder, |text| text.replace("name = \"poi.send\"", "name = \"srw.receive\""));
    let rig = BenchChoice::Rig(bench.clone());
    let Err(RunError::Input(problems)) = Engine::new(Vec::new()).check_on(&plan, &[], &rig) else {
        panic!("a bench without the POI in send cannot record the plan: the check must tell it");
    };
    harness.state_mut().state.form.records = Records::Bench;
    enter(&mut harness, "Bench file", &bench);
    wait(&mut harness, "the plan is refused", |desk| desk.state.job.is_none());
    let notice = harness.state().state.notice.clone().unwrap();
    assert!(notice.title.contains(&format!("the bench {bench}")), "{}", notice.title);
    let shown: Vec<&str> = notice.problems.iter().map(|one| one.found.as_str()).collect();
    assert_eq!(shown, problems.iter().map(|one| one.found.as_str()).collect::<Vec<_>>());
    assert!(notice.problems.iter().all(|one| one.place.contains("short.toml:")), "{notice:#?}");
    assert!(shown.iter().any(|found| found.contains("poi.send")), "{shown:?}");
}

#[test]
fn problems_of_a_bench_file_are_shown_with_their_places() {
    let (mut harness, folder, _) = with_plan("window-bench-problems");
    let wrong = bench_in(&folder, |text| {
        text.replace("rate_hz = 48000", "rate_hz = 44100").replace("bandwidth = \"FB\"", "bandwith = \"FB\"")
    });
    harness.state_mut().state.form.records = Records::Bench;
    enter(&mut harness, "Bench file", &wrong);
    wait(&mut harness, "the bench is refused", |desk| desk.state.job.is_none());
    let notice = harness.state().state.notice.clone().unwrap();
    assert!(notice.title.contains(&format!("the bench {wrong}")), "{}", notice.title);
    assert!(notice.problems.len() >= 2, "{notice:#?}");
    for line in ["lab.toml:10:", "lab.toml:16:"] {
        let one = notice.problems.iter().find(|one| one.place.contains(line));
        let one = one.unwrap_or_else(|| panic!("nothing is told of {line}: {notice:#?}"));
        harness.get_by_label(&one.place);
        assert!(!one.remedy.is_empty());
    }
    assert!(matches!(harness.state().state.shown(), Shown::Nothing));
    assert!(!is_enabled(&harness, "Start"));
}

#[test]
fn a_bench_that_is_not_there_is_told_with_those_that_are() {
    let (mut harness, folder, _) = with_plan("window-no-bench");
    harness.state_mut().state.form.records = Records::Bench;
    enter(&mut harness, "Bench file", "exampel-loop");
    wait(&mut harness, "the bench is refused", |desk| desk.state.job.is_none());
    let notice = harness.state().state.notice.clone().unwrap();
    assert!(notice.message.contains("did you mean 'example-loop'?"), "{}", notice.message);
    assert_eq!(Engine::new(Vec::new()).list(&folder).unwrap(), []);
}

#[test]
fn overlays_are_laid_over_the_plan_and_taken_away_again() {
    let (mut harness, folder, _) = with_plan("window-overlay");
    let ours = folder.join("ours.toml");
    let text =
        "title = \"Ours\"\n[[limit]]\nid = \"slr\"\nmin = \"10 dB\"\nclass = \"C\"\nsource = \"ours\"\n";
    std::fs::write(&ours, text).unwrap();
    let ours = ours.display().to_string();
    let limit = |harness: &Harness<'_, Desk>| {
        let rows = harness.state().state.rows();
        rows.iter().find(|row| row.id.text() == "slr").unwrap().limit.clone()
    };
    let before = limit(&harness);
    assert_eq!(before, "9\u{a0}…\u{a0}17\u{a0}dB");
    harness.get_by_label("Options").click();
    harness.step();
    harness.step();
    ours.clone_into(&mut harness.state_mut().state.form.overlay);
    harness.step();
    let why = why_not(&harness, "Start");
    assert!(why.contains("not added"), "{why}");
    enter(&mut harness, "Overlay", "");
    wait(&mut harness, "the plan is checked with the overlay", |desk| desk.state.job.is_none());
    assert_eq!(harness.state().state.notice, None);
    assert_eq!(harness.state().state.form.overlays, [ours.as_str()]);
    assert_eq!(limit(&harness), "10\u{a0}…\u{a0}17\u{a0}dB");
    harness.get_by_label("Options: 1 set");
    harness.get_by_label(&format!("Remove overlay {ours}")).click();
    harness.step();
    harness.step();
    wait(&mut harness, "the plan is checked without it", |desk| desk.state.job.is_none());
    assert_eq!(limit(&harness), before);
}

#[test]
fn chosen_entries_repeats_and_seed_reach_the_run() {
    let (mut harness, _, _) = with_plan("window-options");
    harness.state_mut().state.form.shows_options = true;
    harness.step();
    harness.get_by_label("Repeats");
    let id = harness.state().state.rows()[1].id.clone();
    harness.state_mut().state.select(&id);
    harness.step();
    harness.get_by_label("Add selected").click();
    harness.step();
    assert_eq!(harness.state().state.form.only, "delay");
    harness.state_mut().state.form.seed = "eleven".to_owned();
    harness.step();
    let why = why_not(&harness, "Start");
    assert!(why.contains("seed"), "{why}");
    let form = &mut harness.state_mut().state.form;
    (form.seed, form.repeats) = ("11".to_owned(), 0);
    harness.step();
    super::begin(&mut harness, "Start");
    wait(&mut harness, "the run is recorded", |desk| desk.state.job.is_none());
    let state = &harness.state().state;
    assert_eq!(state.notice, None);
    let view = state.run().unwrap();
    assert_eq!((view.seed, view.entries.len() + view.left_out.len()), (11, 5));
    assert!(view.left_out.iter().any(|id| id.text() == "slr"), "{:?}", view.left_out);
    let manifest = std::fs::read_to_string(view.path.join("inputs/manifest.json")).unwrap();
    assert!(manifest.contains("\"repeats\": 0") || manifest.contains("\"repeats\":0"), "{manifest}");
}

#[test]
fn ids_that_name_no_entry_are_told_before_anything_is_recorded() {
    let (mut harness, folder, _) = with_plan("window-unknown-id");
    harness.state_mut().state.form.only = "sir".to_owned();
    harness.step();
    harness.get_by_label("Start").click();
    harness.step();
    wait(&mut harness, "the selection is refused", |desk| desk.state.job.is_none());
    let notice = harness.state().state.notice.clone().unwrap();
    assert!(notice.message.contains("did you mean 'slr'?"), "{}", notice.message);
    assert_eq!(Engine::new(Vec::new()).list(&folder).unwrap(), []);
}

/// The window that arguments open.
fn opened(arguments: &[&str]) -> Window {
    let all = ["lombard", "gui"].iter().chain(arguments).map(Into::into);
    match cli::start(all.collect::<Vec<std::ffi::OsString>>()) {
        Start::Window(window) => *window,
        Start::Done(code) => panic!("no window, but code {code}"),
    }
}

#[test]
fn the_command_opens_the_window_with_the_options_of_a_run() {
    let window = opened(&[
        "quick-wb",
        "--bench",
        "lab2",
        "--device",
        "head-unit-7",
        "--overlay",
        "a",
        "--overlay",
        "b",
        "--only",
        "slr,rlr",
        "--seed",
        "7",
        "--repeats",
        "0",
        "--out",
        "elsewhere",
    ]);
    assert_eq!(window.open.as_deref(), Some("quick-wb"));
    let mut desk = Desk::new(window.engine, window.wish.runs.clone());
    desk.state.form.fill(&window.wish);
    let wish = desk.state.form.request(Path::new("elsewhere")).unwrap();
    assert_eq!(wish, window.wish);
    assert_eq!(wish.bench, BenchChoice::Rig("lab2".to_owned()));
    assert_eq!(
        (wish.only.as_slice(), wish.seed, wish.repeats),
        (["slr".into(), "rlr".into()].as_slice(), 7, Some(0))
    );
    assert!(desk.state.form.shows_options);
    let both = ["lombard", "gui", "--bench", "a", "--car", "b"];
    let both: Vec<std::ffi::OsString> = both.iter().map(Into::into).collect();
    assert!(matches!(cli::start(both), Start::Done(2)), "a bench and a car at once");
}

/// Asks for the interfaces through the button.
fn ask_for_interfaces(harness: &mut Harness<'_, Desk>) {
    harness.get_by_label("Interfaces").click();
    harness.step();
    wait(harness, "the interfaces are told", |desk| {
        !matches!(desk.state.interfaces, Interfaces::Unknown | Interfaces::Asked)
    });
    harness.step();
}

#[cfg(not(feature = "audio"))]
#[test]
fn without_audio_the_panel_says_why_there_are_no_interfaces() {
    let mut harness = window(Path::new("no-such-folder"));
    ask_for_interfaces(&mut harness);
    harness.get_by_label_contains("--features audio");
}

#[cfg(feature = "audio")]
mod with_audio {
    use lombard::bench::StopFlag;
    use lombard::run::view::RunState;

    use super::*;
    use crate::live::wire_plan;
    use crate::recording::{findings, request};

    #[test]
    fn each_interface_of_this_machine_can_be_copied() {
        let mut harness = window(Path::new("no-such-folder"));
        ask_for_interfaces(&mut harness);
        let all = Engine::new(Vec::new()).interfaces().unwrap();
        for one in &all {
            harness.get_by_label(&one.id);
        }
        harness.get_by_label("Copy loop:wire").click();
        harness.step();
        let commands = harness.output().platform_output.commands.clone();
        let copied = commands
            .iter()
            .any(|command| matches!(command, egui::OutputCommand::CopyText(text) if text == "loop:wire"));
        assert!(copied, "{commands:?}");
        harness.step();
        harness.get_by_label("Copied loop:wire");
    }

    #[test]
    fn a_run_on_a_bench_is_the_run_that_the_engine_records_and_its_bench_is_offered_again() {
        let folder = empty_folder("window-bench-run");
        let plan = plan_in(&folder, &wire_plan());
        let bench = bench_in(&folder, |text| text.replace("name = \"example-loop\"", "name = \"lab\""));
        let mut harness = window(&folder);
        let ctx = harness.ctx.clone();
        let form = &mut harness.state_mut().state.form;
        (form.records, form.bench) = (Records::Bench, bench.clone());
        harness.state_mut().open(&plan, &ctx);
        wait(&mut harness, "the plan is open", |desk| desk.state.job.is_none());
        assert_eq!(harness.state().state.notice, None);
        harness.get_by_label_contains(&format!("checked on the bench {bench}"));
        super::super::begin(&mut harness, "Start");
        wait(&mut harness, "the run is recorded", |desk| desk.state.job.is_none());
        let state = &harness.state().state;
        assert_eq!(state.notice, None);
        let view = state.run().unwrap();
        assert_eq!((view.state, view.bench.name.as_str()), (RunState::Finished, "lab"));
        let mut wish = request(&plan, &folder, view.seed);
        wish.bench = BenchChoice::Rig(bench.clone());
        let engine = Engine::new(Vec::new());
        let other = engine.record(&wish, &|_| {}, &StopFlag::default()).unwrap();
        assert_eq!(findings(view), findings(&other));
        let runs = engine.list(&folder).unwrap();
        assert!(runs.iter().all(|run| run.rig.as_deref() == Some(bench.as_str())), "{runs:?}");
        wait(&mut harness, "the runs are listed", |desk| !desk.state.lists.runs.is_empty());
        harness.get_by_label("Choose bench file").click();
        harness.run();
        harness.get_by_label_contains(&format!("{bench}   (an earlier run)"));
    }
}
