//! The walk: from a plan to a judged run on the virtual car.

use std::path::PathBuf;

use lombard::bench::StopFlag;
use lombard::run::view::RunView;
use lombard::run::{Engine, RunRequest, Update};

fn runs(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("runs").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn record(plan: &str, name: &str) -> RunView {
    let request = RunRequest { plan: plan.to_owned(), runs: runs(name), seed: 1, ..RunRequest::default() };
    let listener = |update: Update<'_>| {
        if let Update::Event(event) = update {
            println!("{event:?}");
        }
    };
    Engine::new(Vec::new()).record(&request, &listener, &StopFlag::default()).unwrap()
}

#[test]
fn quick_wideband() {
    for plan in ["quick-wb", "quick-nb"] {
    let view = record(plan, plan);
    for entry in &view.entries {
        println!("{} {} {:?} {:?} {}", entry.entry.id, entry.verdict, entry.margin, entry.flags, entry.reason);
        for one in &entry.findings { println!("    {} {:?} {:?} {}", one.finding.measurand, one.finding.as_scalar(), one.finding.bound, one.finding.note); }
    }
    println!("{} {} {} s {} s", view.verdict(), view.counts(), view.audio_s, view.wall_s);
    }
}
