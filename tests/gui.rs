//! The window, driven through its accessibility tree: no display and no graphics are needed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use lombard::event::Telemetry;
use lombard::finding::Value;
use lombard::gui::desk::Desk;
use lombard::gui::intent::Intent;
use lombard::gui::look;
use lombard::gui::mailbox::Answer;
use lombard::gui::state::{Job, Shown};
use lombard::problem::{Problem, SourceText};
use lombard::report::wording;
use lombard::run::view::{RunState, RunView};
use lombard::run::{Engine, RunError, Update};
use lombard::terms::Port;
use lombard::verdict::Verdict;

use crate::recording::{SHORT_PLAN, empty_folder, findings, plan_in, record, request};
use crate::report_sample;

mod bench;
mod monitor;

const SIZE: [f32; 2] = [1280.0, 1600.0];

fn window<'a>(runs: &std::path::Path) -> Harness<'a, Desk> {
    let desk = Desk::new(Engine::new(vec![crate::source::root().to_path_buf()]), runs.to_path_buf());
    let builder = Harness::builder().with_size(SIZE).with_context_setup(look::dress).with_max_steps(20);
    builder.build_ui_state(|ui, desk: &mut Desk| desk.ui(ui), desk)
}

/// A window that shows a run.
fn showing<'a>(view: RunView) -> Harness<'a, Desk> {
    let mut harness = window(std::path::Path::new("no-such-folder"));
    harness.state().mailbox().answer(Answer::Run(Ok(view)));
    harness.run();
    harness
}

/// Frames until `done`, because workers answer when they are ready.
fn wait(harness: &mut Harness<'_, Desk>, what: &str, done: impl Fn(&Desk) -> bool) {
    let began = Instant::now();
    while !done(harness.state()) {
        assert!(began.elapsed() < Duration::from_mins(2), "waited too long until {what}");
        harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    harness.step();
}

fn is_enabled(harness: &Harness<'_, Desk>, button: &str) -> bool {
    !harness.get_by_label(button).accesskit_node().is_disabled()
}

fn problem(source: &SourceText, at: usize, found: &str) -> Problem {
    Problem {
        title: format!("problem number {at}"),
        place: source.place(at..at + 1),
        found: found.to_owned(),
        expected: format!("expected number {at}"),
        remedy: format!("remedy number {at}"),
    }
}

#[test]
fn every_entry_of_a_run_is_shown_with_its_verdict_in_words() {
    let view = report_sample::full();
    let harness = showing(view.clone());
    for entry in &view.entries {
        let word = wording::verdict(entry.verdict);
        let id = entry.entry.id.text();
        let row = harness.get_by(|node| {
            node.role() == egui::accesskit::Role::ListBoxOption
                && node.label().is_some_and(|label| label.split(", ").nth(1) == Some(id))
        });
        let spoken = row.accesskit_node().label().unwrap();
        assert!(spoken.contains(&format!(", {word}")), "{spoken}");
        assert!(spoken.starts_with(&entry.entry.clause.clause), "{spoken}");
    }
    let verdict = wording::verdict(view.verdict());
    assert!(harness.query_all_by_label(verdict).count() > 0, "the verdict of the run");
    harness.get_by_label(&view.counts().to_string());
}

#[test]
fn value_limit_and_margin_are_written_as_in_the_report() {
    let view = report_sample::full();
    let harness = showing(view.clone());
    // Curves are too wide for a column; everything else is put as in the report, word for word.
    let html = lombard::report::html(&view);
    let rows = harness.state().state.rows();
    for row in rows {
        let value = Some(&row.value).filter(|text| !["curve", "series"].contains(&text.as_str()));
        for text in value.into_iter().chain([&row.limit, &row.margin, &row.margin_at]) {
            assert!(html.contains(text.as_str()), "{text} of {}", row.id);
        }
    }
    let slr = rows.iter().find(|row| row.id.text() == "slr").unwrap();
    assert_eq!(
        (slr.value.as_str(), slr.limit.as_str(), slr.margin.as_str()),
        ("13.04\u{a0}dB", "9\u{a0}…\u{a0}17\u{a0}dB", "+3.96\u{a0}dB")
    );
    let noise = rows.iter().find(|row| row.id.text() == "idle_noise_send").unwrap();
    assert!(noise.outside && noise.margin_at == "at 996.1\u{a0}Hz", "{noise:?}");
    let informative = rows.iter().find(|row| row.id.text() == "volume").unwrap();
    assert_eq!(informative.flags.last(), Some(&lombard::verdict::Flag::Informative));
}

#[test]
fn each_curve_of_the_selected_entry_has_a_plot_and_numbers_have_none() {
    let view = report_sample::full();
    let mut harness = showing(view.clone());
    let mut seen = 0;
    for entry in &view.entries {
        harness.state_mut().state.select(&entry.entry.id);
        harness.run();
        let curves =
            entry.findings.iter().filter(|one| !matches!(one.finding.value, Value::Scalar(_))).count();
        let figures = harness.query_all_by(|node| node.role() == egui::accesskit::Role::Figure).count();
        assert_eq!(figures, curves, "{}", entry.entry.id);
        seen += figures;
    }
    assert!(seen >= 3, "the sample has curves");
}

#[test]
fn the_selected_entry_tells_reason_limits_and_sources() {
    let mut harness = showing(report_sample::full());
    let row = harness.get_by(|node| {
        node.role() == egui::accesskit::Role::ListBoxOption
            && node.label().is_some_and(|label| label.contains("coupling_loss"))
    });
    row.click();
    harness.run();
    let view = report_sample::full();
    let entry =
        view.entries.iter().find(|one| one.entry.id.text() == "coupling_loss[volume=maximum]").unwrap();
    assert_eq!(harness.state().state.detail().unwrap().id, entry.entry.id);
    let shows = |text: &str| harness.query_all_by_label_contains(text).count() > 0;
    for limit in &entry.limits {
        let class = format!("class {}", limit.class);
        let origins = limit.origins.iter().map(ToString::to_string);
        for text in [limit.id.clone(), limit.source.clone(), class].into_iter().chain(origins) {
            assert!(shows(&text), "{text} of {}", limit.id);
        }
    }
    harness.get_by_label(&entry.reason);
    harness.get_by_label("≥\u{a0}39.40\u{a0}dB");
}

#[test]
fn an_entry_in_several_calls_tells_what_they_say_together() {
    let mut harness = showing(report_sample::in_several_calls());
    let row = harness.get_by(|node| {
        node.role() == egui::accesskit::Role::ListBoxOption
            && node.label().is_some_and(|label| label.contains("echo_loss[call=3]"))
    });
    row.click();
    harness.run();
    assert!(harness.query_all_by_label_contains("worst 42.10\u{a0}dB in call 2").count() > 0);
    assert!(harness.query_all_by_label_contains("Echo loss in new calls, call 3 of 3").count() > 0);
}

#[test]
fn up_and_down_move_the_selection_and_stop_at_the_ends() {
    let mut harness = showing(report_sample::full());
    let last = harness.state().state.rows().len() - 1;
    let selected = |harness: &Harness<'_, Desk>| harness.state().state.selected_row();
    assert_eq!(selected(&harness), Some(0));
    harness.key_press(Key::ArrowUp);
    harness.run();
    assert_eq!(selected(&harness), Some(0));
    harness.key_press(Key::ArrowDown);
    harness.run();
    harness.key_press(Key::ArrowDown);
    harness.run();
    assert_eq!(selected(&harness), Some(2));
    assert_eq!(harness.state().state.detail().unwrap().id, harness.state().state.rows()[2].id);
    harness.key_press(Key::End);
    harness.run();
    assert_eq!(selected(&harness), Some(last));
    harness.key_press(Key::ArrowDown);
    harness.run();
    assert_eq!(selected(&harness), Some(last));
}

#[test]
fn the_selection_stays_with_its_entry_when_a_new_view_arrives() {
    let mut harness = showing(report_sample::full());
    let id = harness.state().state.rows()[2].id.clone();
    harness.state_mut().state.select(&id);
    let mut view = report_sample::full();
    view.entries.remove(0);
    harness.state().mailbox().answer(Answer::Run(Ok(view)));
    harness.run();
    assert_eq!(harness.state().state.selected_row(), Some(1));
    assert_eq!(harness.state().state.detail().unwrap().id, id);
}

#[test]
fn buttons_say_what_is_possible_now() {
    let mut view = report_sample::full();
    view.state = RunState::Incomplete;
    let mut harness = showing(view);
    assert!(is_enabled(&harness, "Resume"), "an incomplete run can be taken up again");
    assert!(!is_enabled(&harness, "Start"), "no plan is open");
    assert!(!is_enabled(&harness, "Stop"), "nothing is being recorded");
    harness.state_mut().state.begin_recording();
    harness.step();
    for button in ["Start", "Resume", "Open plan", "Open run"] {
        assert!(!is_enabled(&harness, button), "{button} while a run is being recorded");
    }
    assert!(is_enabled(&harness, "Stop"));
    harness.state_mut().state.job = Some(Job::Recording { stopping: true });
    harness.step();
    assert!(!is_enabled(&harness, "Stop"), "it is stopping already");
    harness.state_mut().state.job = None;
    harness.state().mailbox().answer(Answer::Run(Ok(report_sample::full())));
    harness.run();
    assert!(!is_enabled(&harness, "Resume"), "the run is complete");
}

#[test]
fn a_typed_plan_is_opened_by_enter() {
    let mut harness = window(std::path::Path::new("no-such-folder"));
    let field = harness.get_by(|node| {
        node.role() == egui::accesskit::Role::TextInput && node.label().as_deref() == Some("Plan")
    });
    field.focus();
    harness.run();
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the path of the method is not general enough over the lifetime of a node"
    )]
    let field = harness.get_by(|node| node.is_focused());
    field.type_text("quick-nb");
    harness.run();
    harness.key_press(Key::Enter);
    harness.step();
    wait(&mut harness, "the plan is open", |desk| desk.state.job.is_none());
    assert_eq!(harness.state().state.notice, None);
    assert_eq!(harness.state().state.plan().unwrap().given, "quick-nb");
    assert!(is_enabled(&harness, "Start"));
}

#[test]
fn every_problem_is_shown_with_place_found_expected_and_remedy() {
    let mut harness = window(std::path::Path::new("no-such-folder"));
    let source = SourceText::new("plans/lab.toml", "a\nb\nc\n".repeat(10));
    let problems: Vec<Problem> =
        (0..12).map(|at| problem(&source, at * 2, &format!("found number {at}"))).collect();
    let error = RunError::Input(problems.clone());
    harness.state().mailbox().answer(Answer::Plan {
        given: "lab".to_owned(),
        on: None,
        result: Err(error),
        goes_on: false,
    });
    harness.run();
    for one in &problems {
        for text in [&one.title, &one.place.to_string(), &one.found, &one.expected, &one.remedy] {
            harness.get_by_label(text);
        }
    }
    harness.get_by_label("Copy all").click();
    harness.step();
    let commands = &harness.output().platform_output.commands;
    let copied = commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let copied = copied.unwrap_or_default();
    for one in &problems {
        assert!(copied.contains(&one.remedy) && copied.contains(&one.place.to_string()), "{copied}");
    }
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.state().state.notice.is_none());
}

#[test]
fn what_is_no_run_is_told_and_the_window_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(folder.path());
    let ctx = harness.ctx.clone();
    harness.state_mut().act(Intent::OpenRun(folder.path().to_path_buf()), &ctx);
    wait(&mut harness, "the run is refused", |desk| desk.state.job.is_none());
    let notice = harness.state().state.notice.clone().unwrap();
    assert!(notice.message.contains("is not a run"), "{notice:?}");
    harness.get_by_label(&notice.message);
    harness.state_mut().state.form.plan = "no-such-plan".to_owned();
    harness.state_mut().act(Intent::OpenPlan, &ctx);
    wait(&mut harness, "the plan is refused", |desk| desk.state.job.is_none());
    let notice = harness.state().state.notice.clone().unwrap();
    assert!(notice.message.contains("no-such-plan"), "{notice:?}");
    assert!(matches!(harness.state().state.shown(), Shown::Nothing));
}

#[test]
fn levels_are_shown_for_each_port_and_over_is_a_word() {
    let mut harness = showing(report_sample::full());
    harness.state_mut().state.begin_recording();
    harness.state().mailbox().begin();
    let levels = [(Port::of(Port::POI_SEND), (-20.0, 0.2)), (Port::of(Port::EAR_LEFT), (-60.0, f64::NAN))];
    let telemetry = Telemetry::Levels { levels: levels.into() };
    harness.state().mailbox().hear(&Update::Telemetry(&telemetry));
    let progress = Telemetry::RunProgress { done_s: 30.0, total_s: 120.0 };
    harness.state().mailbox().hear(&Update::Telemetry(&progress));
    harness.step();
    harness.step();
    let meters = harness.query_all_by(|node| node.role() == egui::accesskit::Role::Meter);
    let meters: Vec<String> = meters.filter_map(|node| node.accesskit_node().label()).collect();
    assert_eq!(meters, ["ear.left: −60.0 dBov, highest peak −∞", "poi.send: −20.0 dBov, highest peak over"]);
    harness.get_by(|node| {
        node.role() == egui::accesskit::Role::Label
            && node.value().is_some_and(|text| text == "30.0\u{a0}s of 2\u{a0}min 00\u{a0}s of sound")
    });
}

#[test]
fn a_view_while_recording_fills_the_rows_and_logs_new_verdicts_once() {
    let mut harness = window(std::path::Path::new("no-such-folder"));
    harness.state_mut().state.begin_recording();
    harness.state().mailbox().begin();
    let mut early = report_sample::full();
    early.state = RunState::Running;
    for entry in &mut early.entries[1..] {
        entry.verdict = Verdict::NotRun;
        "not evaluated yet".clone_into(&mut entry.reason);
    }
    harness.state().mailbox().hear(&Update::View(Arc::new(early.clone())));
    harness.step();
    let lines = |harness: &Harness<'_, Desk>| -> Vec<String> {
        harness.state().state.log.iter().map(|line| line.text.clone()).collect()
    };
    assert_eq!(lines(&harness), ["slr: Pass, margin +3.96\u{a0}dB"]);
    harness.state().mailbox().hear(&Update::View(Arc::new(early)));
    harness.step();
    assert_eq!(lines(&harness).len(), 1, "what is known is not told again");
    assert_eq!(harness.state().state.rows().len(), report_sample::full().entries.len());
}

#[test]
fn the_selection_follows_the_verdicts_until_a_user_selects() {
    let mut harness = window(std::path::Path::new("no-such-folder"));
    harness.state_mut().state.begin_recording();
    harness.state().mailbox().begin();
    let judged = |count: usize| {
        let mut view = report_sample::full();
        view.state = RunState::Running;
        for entry in &mut view.entries[count..] {
            entry.verdict = Verdict::NotRun;
            "not evaluated yet".clone_into(&mut entry.reason);
        }
        Arc::new(view)
    };
    let mut selected = |count: usize, user: Option<isize>| {
        harness.state().mailbox().hear(&Update::View(judged(count)));
        harness.step();
        if let Some(rows) = user {
            let ctx = harness.ctx.clone();
            harness.state_mut().act(Intent::Step(rows), &ctx);
        }
        harness.state().state.selected_row()
    };
    assert_eq!(selected(1, None), Some(0));
    assert_eq!(selected(3, None), Some(2));
    assert_eq!(selected(4, Some(-1)), Some(2), "the user went up from the fourth");
    assert_eq!(selected(6, None), Some(2), "and stays there");
}

#[test]
fn hostile_texts_and_numbers_that_are_none_are_shown_all_the_same() {
    let view = report_sample::hostile();
    let builder = Harness::builder().with_size(SIZE).with_context_setup(look::dress).with_max_steps(20);
    let desk = Desk::new(Engine::new(Vec::new()), "no-such-folder".into());
    // The sample has letters on purpose that no font has.
    let mut harness = builder.allow_missing_glyphs().build_ui_state(|ui, desk: &mut Desk| desk.ui(ui), desk);
    harness.state().mailbox().answer(Answer::Run(Ok(view)));
    harness.run();
    for _ in 0..12 {
        harness.key_press(Key::ArrowDown);
        harness.run();
    }
    assert!(harness.state().state.detail().is_some());
}

/// A window with the short plan open.
fn with_plan<'a>(name: &str) -> (Harness<'a, Desk>, std::path::PathBuf, String) {
    let folder = empty_folder(name);
    let plan = plan_in(&folder, SHORT_PLAN);
    let mut harness = window(&folder);
    let ctx = harness.ctx.clone();
    harness.state_mut().open(&plan, &ctx);
    wait(&mut harness, "the plan is open", |desk| desk.state.job.is_none());
    assert_eq!(harness.state().state.notice, None);
    (harness, folder, plan)
}

/// Presses the button and waits until the recording is under way.
fn begin(harness: &mut Harness<'_, Desk>, button: &str) {
    assert!(is_enabled(harness, button), "{button}");
    harness.get_by_label(button).click();
    harness.step();
    assert!(harness.state().state.is_recording());
    wait(harness, "the first event comes", |desk| !desk.state.log.is_empty());
}

#[test]
fn a_run_started_by_its_button_is_the_run_that_the_engine_records() {
    let (mut harness, folder, plan) = with_plan("window-run");
    let rows = harness.state().state.rows();
    assert_eq!(rows.len(), 5, "the entries stand there before anything is recorded");
    assert!(rows.iter().all(|row| row.verdict == Verdict::NotRun && !row.spoken.is_empty()));
    begin(&mut harness, "Start");
    wait(&mut harness, "the run is recorded", |desk| desk.state.job.is_none());
    let state = &harness.state().state;
    assert_eq!(state.notice, None);
    let view = state.run().unwrap();
    assert_eq!(view.state, RunState::Finished);
    assert_eq!(findings(view), findings(&record(&request(&plan, &folder, view.seed))));
    assert!(state.log.iter().any(|line| line.text == "everything is recorded"), "{:?}", state.log);
    for row in state.rows() {
        let told = state.log.iter().filter(|line| line.text.starts_with(&format!("{}: ", row.id))).count();
        assert_eq!(told, 1, "one line for the verdict of {}", row.id);
    }
    assert!(!state.live.as_ref().unwrap().meters.is_empty(), "levels came");
    let mut other = window(&folder);
    let ctx = other.ctx.clone();
    other.state_mut().open(&view.path.file_name().unwrap().to_string_lossy(), &ctx);
    wait(&mut other, "the stored run is open", |desk| desk.state.job.is_none());
    assert_eq!(other.state().state.rows(), harness.state().state.rows());
}

#[test]
fn a_run_can_be_stopped_and_taken_up_again() {
    let (mut harness, _, _) = with_plan("window-stop");
    begin(&mut harness, "Start");
    harness.get_by_label("Stop").click();
    harness.step();
    assert!(harness.state().stop_flag().unwrap().is_set());
    assert_eq!(harness.state().state.job, Some(Job::Recording { stopping: true }));
    wait(&mut harness, "the run has stopped", |desk| desk.state.job.is_none());
    assert_eq!(harness.state().state.run().unwrap().state, RunState::Incomplete);
    begin(&mut harness, "Resume");
    wait(&mut harness, "the run is complete", |desk| desk.state.job.is_none());
    assert_eq!(harness.state().state.run().unwrap().state, RunState::Finished);
    assert!(!is_enabled(&harness, "Resume"));
}

#[test]
fn closing_the_window_leaves_a_run_that_can_be_taken_up_again() {
    let (mut harness, folder, _) = with_plan("window-close");
    begin(&mut harness, "Start");
    harness.state_mut().close();
    let runs = Engine::new(Vec::new()).list(&folder).unwrap();
    let stored = Engine::new(Vec::new()).open(&runs[0].path).unwrap();
    assert_eq!(stored.state, RunState::Incomplete, "nobody holds the run any more");
}

#[test]
fn a_plan_that_was_renamed_in_the_field_is_not_started() {
    let (mut harness, _, plan) = with_plan("window-rename");
    assert!(is_enabled(&harness, "Start"));
    harness.state_mut().state.form.plan = "another".to_owned();
    harness.step();
    assert!(!is_enabled(&harness, "Start"));
    harness.state_mut().state.form.plan = plan;
    harness.step();
    assert!(is_enabled(&harness, "Start"));
}

#[test]
fn a_broken_plan_and_a_car_that_is_not_there_are_told_and_nothing_is_recorded() {
    let folder = empty_folder("window-broken");
    let text = SHORT_PLAN.replace("\"WB\"", "\"MB\"").replace("\"pn-8192\"", "\"pm-8192\"");
    let plan = plan_in(&folder, &text);
    let mut harness = window(&folder);
    let ctx = harness.ctx.clone();
    harness.state_mut().open(&plan, &ctx);
    wait(&mut harness, "the plan is refused", |desk| desk.state.job.is_none());
    let notice = harness.state().state.notice.clone().unwrap();
    assert!(notice.problems.len() >= 2, "{notice:#?}");
    for one in &notice.problems {
        assert!(one.place.contains("short.toml:") && !one.remedy.is_empty(), "{one:?}");
    }
    let (mut harness, folder, _) = with_plan("window-car");
    harness.state_mut().state.form.car = "no-such-car".to_owned();
    harness.get_by_label("Start").click();
    harness.step();
    wait(&mut harness, "the car is refused", |desk| desk.state.job.is_none());
    let notice = harness.state().state.notice.clone().unwrap();
    assert!(notice.message.contains("no-such-car"), "{notice:?}");
    assert_eq!(Engine::new(Vec::new()).list(&folder).unwrap(), []);
}
