//! What a run prepares: facts of the reference run that other entries wait for and use.

use std::path::Path;

use lombard::finding::FactValue;
use lombard::run::view::{EntryView, RunView};
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
