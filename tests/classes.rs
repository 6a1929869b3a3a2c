//! Limits that are tables of classes: as plans write them, as a run judges them, as reports tell them.

use std::path::PathBuf;

use lombard::limits::{Better, Rule};
use lombard::plan::ResolvedPlan;
use lombard::problem::Problem;
use lombard::run::{Engine, RunError};
use serde_json::Value;

use crate::cli::{ask, folder, object};

/// The head of a plan of double talk, with entries at nominal levels and beside them.
const PLAN: &str = r#"
title = "Double talk"
recommendation = "P.1110"
edition = "10/2025"
bandwidth = "WB"
car = "ideal-wb"
limits = ["p1110-2025"]

[[entry]]
id = "double_talk_send"
title = "Attenuation in send during double talk"
clause = "11.13.1"
method = "double_talk_send"
volume = "step-4"
limits = ["double_talk_send"]

[[entry]]
id = "double_talk_echo"
title = "Echo and sent speech during double talk"
clause = "11.13.3"
method = "double_talk_echo"
volume = "step-4"
limits = ["double_talk_echo"]
"#;

const SEND: &str = r#"
[[limit]]
id = "double_talk_send"
measurand = "attenuation_send"
classes_max = { 1 = "3 dB", 3 = "none", 2a = "6 dB", 2c = "12 dB", 2b = "9 dB" }
class_required = "2a"
class = "B"
clause = "11.13.1"
source = "P.340 table 4 by a public reading"
"#;

const ECHO: &str = r#"
[[limit]]
id = "double_talk_echo"
measurand = "double_talk_echo_loss"
classes_min = { 1 = "27 dB", 2a = "23 dB", 2b = "17 dB", 2c = "11 dB", 3 = "none" }
class_required = "1"
class = "B"
clause = "11.13.3"
source = "P.340 table 4 by a public reading"
"#;

fn written(name: &str, text: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("classes");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn resolve(plan: &str, overlays: &[String]) -> Result<ResolvedPlan, Vec<Problem>> {
    match Engine::new(Vec::new()).resolve(plan, overlays) {
        Ok(planned) => Ok(planned.plan),
        Err(RunError::Input(problems)) => Err(problems),
        Err(error) => panic!("{plan}: {error}"),
    }
}

fn rule(plan: &ResolvedPlan, entry: &str) -> Rule {
    plan.entries.iter().find(|one| one.entry.id.text() == entry).unwrap().limits[0].rule.clone()
}

#[test]
fn a_table_of_classes_is_sorted_from_the_best_to_the_worst() {
    let plan = resolve(&written("sorted", &format!("{PLAN}{SEND}{ECHO}")), &[]).unwrap();
    let Rule::Classes(send) = rule(&plan, "double_talk_send") else { panic!("classes") };
    let names: Vec<&str> = send.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!((send.better, names), (Better::Smaller, vec!["1", "2a", "2b", "2c", "3"]));
    assert_eq!((send.steps[1].edge, send.steps[4].edge), (Some(6.0), None));
    let Rule::Classes(echo) = rule(&plan, "double_talk_echo") else { panic!("classes") };
    assert_eq!((echo.better, echo.steps[0].edge), (Better::Larger, Some(27.0)));
    assert_eq!(echo.required.as_deref(), Some("1"));
}

#[test]
fn which_class_is_asked_for_is_a_choice_and_needs_no_source() {
    let plan = written("choice", &format!("{PLAN}{SEND}{ECHO}"));
    let stricter =
        written("stricter", "title = 'o'\n[[limit]]\nid = 'double_talk_send'\nclass_required = '1'\n");
    let found = resolve(&plan, &[stricter]).unwrap();
    let Rule::Classes(send) = rule(&found, "double_talk_send") else { panic!("classes") };
    assert_eq!((send.required.as_deref(), send.steps.len()), (Some("1"), 5));
    // A range in its place is a new value, with its source, and takes the table away.
    let change = "title = 'o'\n[[limit]]\nid = 'double_talk_send'\nmax = '3 dB'\nclass = 'A'\nsource = 's'\n";
    let problems = resolve(&plan, &[written("range", change)]);
    let found = problems.unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(rule(&found, "double_talk_send"), Rule::Range { min: None, max: Some(3.0) });
}

#[test]
fn tables_that_are_none_are_refused() {
    let table =
        |text: &str| SEND.replace(SEND.lines().find(|line| line.starts_with("classes_max")).unwrap(), text);
    for (name, limit, part) in [
        ("rest", table("classes_max = { 1 = '3 dB', 2a = '6 dB' }"), "none of them for the rest"),
        ("alike", table("classes_max = { 1 = '3 dB', 2a = '3 dB', 3 = 'none' }"), "end at one value"),
        ("twice", table("classes_max = { 1 = 'none', 2a = '3 dB', 3 = 'none' }"), "end at one value"),
        ("unit", table("classes_max = { 1 = '3 dBm0', 2a = '6 dB', 3 = 'none' }"), "in another unit"),
        ("both", table("classes_max = { 1 = '3 dB', 3 = 'none' }\nmin = '3 dB'"), "classes and a range"),
        (
            "two",
            table("classes_max = { 1 = '3 dB', 3 = 'none' }\nclasses_min = { 1 = '3 dB', 3 = 'none' }"),
            "two tables",
        ),
        ("alone", table(""), "no table of classes"),
        ("asked", SEND.replace("\"2a\"\n", "\"2d\"\n"), "class_required = \"2d\""),
        ("unknown", SEND.replace("class = \"B\"", "class = \"N\""), "class N"),
    ] {
        let problems = resolve(&written(name, &format!("{PLAN}{limit}{ECHO}")), &[]).unwrap_err();
        let text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let all = format!("{text}\n{problems:?}");
        assert!(all.contains(part), "{name}: {all}");
    }
}

/// The entry of an object by its id.
fn entry<'o>(object: &'o Value, id: &str) -> &'o Value {
    object["entries"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap()
}

#[test]
fn a_run_tells_the_class_and_what_decided_it() {
    let here = folder();
    std::fs::write(here.path().join("plan.toml"), format!("{PLAN}{SEND}{ECHO}")).unwrap();
    // A terminal that lets an echo through in double talk, and takes 4.5 dB of the talker.
    let car = lombard::plan::Sources::read(&lombard::plan::BuiltIn, lombard::plan::Folder::Cars, "ideal-wb");
    let car = car.unwrap().text.to_string();
    let car = format!("{car}\n[terminal.double_talk]\nsend_loss = \"4.5 dB\"\necho_loss = \"15 dB\"\n");
    std::fs::write(here.path().join("car.toml"), car).unwrap();
    let ran = ask(here.path(), &["run", "plan.toml", "--car", "car.toml", "--seed", "7", "--json"]);
    let name = object(&ran)["run"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let written = |format: &str| {
        let report = ask(here.path(), &["report", &name, "--format", format]);
        std::fs::read_to_string(here.path().join(report.out.trim())).unwrap()
    };
    let found: Value = serde_json::from_str(&written("json")).unwrap();
    let [send, echo] = ["double_talk_send", "double_talk_echo"].map(|id| entry(&found, id));
    assert_eq!(send["verdict"], "pass", "{send:#}");
    assert_eq!(send["judgements"][0]["class_best"], "2a");
    assert_eq!(echo["verdict"], "fail", "{echo:#}");
    let class = echo["judgements"][0]["class_worst"].as_str().unwrap();
    assert!(echo["reason"].as_str().unwrap().contains(&format!("class {class}, 1 or better")), "{echo:#}");
    let classes = found["classes"].as_array().unwrap();
    assert_eq!(classes.len(), 1, "both entries have the same conditions: {classes:?}");
    assert_eq!((&classes[0]["worst"], &classes[0]["is_nominal"]), (&Value::from(class), &Value::from(false)));
    assert_eq!(classes[0]["decided_by"][0], "double_talk_echo_loss");

    let told = format!("class {class}, decided by double_talk_echo_loss (WB, volume step-4");
    let table = ask(here.path(), &["evaluate", &name]);
    assert!(table.out.contains(&told), "{}", table.out);
    let html = written("html");
    for part in [
        "<h2 id=\"classes\">",
        &format!("class {class}, decided by double_talk_echo_loss"),
        "2a\u{a0}≤\u{a0}6",
    ] {
        assert!(html.contains(part), "{part}");
    }
}
