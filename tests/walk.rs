//! The walk: from a plan to a judged run on the virtual car.

use std::collections::BTreeSet;

use lombard::plan::{BuiltIn, Folder, Sources};
use lombard::run::view::RunState;
use lombard::run::{BenchChoice, Engine};
use lombard::terms::Seat;
use lombard::verdict::{Flag, Verdict};

use crate::on_car::comparison::LEVEL_TOLERANCE_DB;
use crate::recording::{SHORT_PLAN, empty_folder, findings, plan_in, record, request};
use crate::source::root;

/// The plans in which required entries have limits of class N, and how many.
/// P.1120: the masks of send and receive.
const WITHOUT_LIMIT: &[(&str, usize)] =
    &[("p1120-2017-03-fb", 2), ("p1120-2017-03-swb", 2), ("p1120-2025-10-fb", 2), ("p1120-2025-10-swb", 2)];

#[test]
fn every_entry_of_a_run_has_an_outcome_and_the_run_its_files() {
    let folder = empty_folder("outcomes");
    let view = record(&request(&plan_in(&folder, SHORT_PLAN), &folder, 7));
    assert_eq!(view.state, RunState::Finished);
    assert_eq!(view.entries.len(), 5);
    for entry in &view.entries {
        assert!(!matches!(entry.verdict, Verdict::NotRun | Verdict::Error | Verdict::Aborted), "{entry:#?}");
        assert!(!entry.findings.is_empty() && !entry.takes.is_empty(), "{entry:#?}");
    }
    // Two entries that want the same recording stand on one take.
    let takes = |id: &str| {
        let entry = view.entries.iter().find(|one| one.entry.id.text() == id);
        entry.unwrap().takes.iter().cloned().collect::<BTreeSet<_>>()
    };
    assert_eq!(takes("slr"), takes("send_response"));
    for file in ["journal.jsonl", "inputs/plan.toml", "inputs/car.toml", "evaluations/1/events.jsonl"] {
        assert!(view.path.join(file).is_file(), "{file}");
    }
    assert!(view.audio_s > 30.0 && view.facts.get("volume.nominal").is_some());
}

#[test]
fn one_seed_gives_identical_findings_and_another_seed_does_not() {
    let folder = empty_folder("seeds");
    // Cars with noise, one of them with a real canceller: without noise a seed changes nothing.
    for car in ["reference-wb", "real-wb"] {
        let plan = plan_in(&folder, &SHORT_PLAN.replace("ideal-wb", car));
        let runs: Vec<Vec<String>> =
            [3, 3, 4].iter().map(|seed| findings(&record(&request(&plan, &folder, *seed)))).collect();
        assert_eq!(runs[0], runs[1], "{car}");
        assert_ne!(runs[0], runs[2], "{car}");
    }
}

#[test]
fn judging_again_gives_identical_findings() {
    let folder = empty_folder("again");
    let view = record(&request(&plan_in(&folder, SHORT_PLAN), &folder, 7));
    let engine = Engine::new(Vec::new());
    let again = engine.evaluate(&view.path, None, &[]).unwrap();
    assert_eq!((again.evaluation, view.evaluation), (2, 1));
    assert_eq!(findings(&again), findings(&view));
    assert!(again.warnings.is_empty(), "{:?}", again.warnings);
    assert_eq!(findings(&engine.open(&view.path).unwrap()), findings(&view));
}

#[test]
fn other_limits_judge_the_same_captures() {
    let folder = empty_folder("limits");
    let view = record(&request(&plan_in(&folder, SHORT_PLAN), &folder, 7));
    let overlay = folder.join("strict.toml");
    let text = "title = 'strict'\n[[limit]]\nid = 'slr'\nmin = '14 dB'\nmax = '15 dB'\nclass = 'A'\nsource = 'a test'\n";
    std::fs::write(&overlay, text).unwrap();
    let engine = Engine::new(Vec::new());
    let strict = engine.evaluate(&view.path, None, &[overlay.display().to_string()]).unwrap();
    let verdict = |view: &lombard::run::view::RunView, id: &str| {
        view.entries.iter().find(|one| one.entry.id.text() == id).unwrap().verdict
    };
    assert_eq!((verdict(&view, "slr"), verdict(&strict, "slr")), (Verdict::Pass, Verdict::Fail));
    assert_eq!(verdict(&strict, "delay"), verdict(&view, "delay"));
    // The stored evaluation is opened with the limits that it was made with.
    assert_eq!(verdict(&engine.open(&view.path).unwrap(), "slr"), Verdict::Fail);
}

#[test]
fn a_selection_pulls_in_what_it_needs_and_names_what_is_left_out() {
    let folder = empty_folder("only");
    let mut wish = request(&plan_in(&folder, SHORT_PLAN), &folder, 7);
    wish.only = vec!["slr".to_owned()];
    let view = record(&wish);
    let ids: Vec<&str> = view.entries.iter().map(|one| one.entry.id.text()).collect();
    assert_eq!(ids, ["volume", "slr"]);
    assert_eq!(view.left_out.len(), 3);
    wish.only = vec!["slrr".to_owned()];
    let error = Engine::new(Vec::new()).record(&wish, &|_| {}, &lombard::bench::StopFlag::default());
    assert!(error.unwrap_err().to_string().contains("did you mean 'slr'?"));
}

/// The least margin of an entry of a shipped plan on a shipped car: 1 dB, more than what a canceller differs by between
/// processors, where the limit is wide enough for it.
fn margin_least(plan: &str, id: &str) -> f64 {
    match id {
        // The terminal of the car with two zones is tuned to the driver's; nothing in it adapts.
        "send_response" if plan == "zones-example" => 0.3,
        // The period of 1 kHz is eight samples of G.711: its quantizing noise is all harmonics, 2 % of a limit of 3 %.
        "distortion_send" | "distortion_receive" => 0.5,
        // The limit is 1 dB to either side, and the field of the cars is exact.
        "noise_field" => 0.6,
        // The limit is 0.5 dB, and what a canceller does is not in it.
        "send_linearity" | "setup_end" => 0.3,
        // The cars have a control of 15.3 dB for a range of 15 dB, and no canceller is in it.
        "volume_range" => 0.25,
        // Stable at the last loss of the sweep, which is the limit: there is nothing below.
        "stability" => -0.1,
        // What noise hides is a bound by the highest of hundreds of bins of it, which is chance; and so is by how much the
        // highest bin of idle noise stands over its mean.
        "echo_spectrum" => 0.1,
        "idle_noise_receive" => 0.4,
        _ => 1.0,
    }
}

/// Whether an entry measures what a real canceller does as it likes: WebRTC's, of the cars that are named for it, lets some
/// hundredths of a second of echo through now and then, which is loud enough to fail a Recommendation, and at which moment
/// differs between processors; it shuts send while the far end speaks, and opens it as it likes. Their verdict is theirs;
/// that one is reached is asserted.
fn is_the_cancellers(car: &str, id: &str) -> bool {
    const OF: [&str; 5] = ["echo_", "activation_", "attenuation_range_", "double_talk_", "stability"];
    car.starts_with("real-") && OF.iter().any(|of| id.starts_with(of))
}

/// Records a shipped plan and asserts that the car passes it: every required entry passes, with room; every informative
/// one is measured. Where `without_limit`, required entries may be measured for want of a limit, and the run is
/// inconclusive for it.
fn passes(plan: &str, car: Option<&str>, without_limit: usize) {
    passes_with(plan, car, without_limit, None);
}

/// The same with an overlay.
fn passes_with(plan: &str, car: Option<&str>, without_limit: usize, overlay: Option<&str>) {
    let folder = empty_folder(&format!("shipped-{plan}"));
    let mut wish = request(plan, &folder, 1);
    if let Some(text) = overlay {
        let path = folder.join("overlay.toml");
        std::fs::write(&path, text).unwrap();
        wish.overlays = vec![path.display().to_string()];
    }
    wish.bench = car.map_or(BenchChoice::PlanDefault, |car| BenchChoice::Car(car.to_owned()));
    let view = record(&wish);
    let name = format!("{plan} on {}", view.bench.name);
    assert_eq!(view.state, RunState::Finished, "{name}");
    for one in &view.entries {
        let id = one.entry.id.text();
        let open = !one.required || without_limit > 0 && one.flags.contains(&Flag::NoLimit);
        // Nobody has entered what codec and link take: the round trip is a bound of the implementation's share.
        let is_bound = !one.required && overlay.is_none() && one.entry.id.base() == "delay_implementation";
        let is_free = is_the_cancellers(&view.bench.name, id);
        let good = match one.verdict {
            Verdict::Pass => true,
            Verdict::Fail | Verdict::Inconclusive if is_free => true,
            Verdict::Measured => open,
            Verdict::Inconclusive => is_bound && one.flags.contains(&Flag::Bound),
            _ => false,
        };
        assert!(good, "{name}: {id}: {:?}: {}", one.verdict, one.reason);
        if let Some(margin) = one.margin.filter(|_| one.required && !is_free) {
            assert!(margin.value > margin_least(plan, one.entry.id.base()), "{name}: {id}: {margin:?}");
        }
    }
    assert_eq!(view.counts().without_limit, without_limit, "{name}");
    let free = view.entries.iter().filter(|one| is_the_cancellers(&view.bench.name, one.entry.id.text()));
    if free.map(|one| one.verdict).all(|verdict| verdict == Verdict::Pass) {
        let expected = if without_limit == 0 { Verdict::Pass } else { Verdict::Inconclusive };
        assert_eq!(view.verdict(), expected, "{name}");
    } else {
        assert_ne!(view.verdict(), Verdict::Pass, "{name}");
    }
    // The report of it is complete.
    let json: serde_json::Value = serde_json::from_str(&lombard::report::json::object(&view)).unwrap();
    assert_eq!(json["entries"].as_array().unwrap().len(), view.entries.len(), "{name}");
}

#[test]
fn the_shipped_cars_pass_the_quick_plans() {
    for plan in BuiltIn.names(Folder::Plans).iter().filter(|name| name.starts_with("quick-")) {
        passes(plan, None, 0);
    }
    for band in ["nb", "wb", "swb", "fb"] {
        passes_with(&format!("quick-{band}"), Some(&format!("reference-{band}")), 0, Some(LINK));
    }
}

#[test]
fn every_zone_of_the_car_with_two_passes() {
    passes("zones-example", None, 0);
}

/// An overlay of the manual, laid over a full plan; the entries `only` of it, recorded on a car.
fn laid_over(name: &str, overlay: &str, car: &str, only: &[&str]) -> lombard::run::view::RunView {
    let folder = empty_folder(name);
    let path = folder.join("overlay.toml");
    std::fs::write(&path, overlay).unwrap();
    let mut wish = request("p1110-2025-10", &folder, 1);
    wish.overlays = vec![path.display().to_string()];
    wish.bench = BenchChoice::Car(car.to_owned());
    wish.only = only.iter().map(|id| (*id).to_owned()).collect();
    record(&wish)
}

/// The ports on which the takes of an entry were played and recorded; the entry has passed.
fn ports(view: &lombard::run::view::RunView, id: &str) -> BTreeSet<String> {
    let entry = view.entries.iter().find(|one| one.entry.id.text() == id).unwrap();
    assert_eq!(entry.verdict, Verdict::Pass, "{id}: {}", entry.reason);
    let journal = std::fs::read_to_string(view.path.join("journal.jsonl")).unwrap();
    let takes: Vec<&str> = entry.takes.iter().map(lombard::take::TakeId::text).collect();
    let mut ports = BTreeSet::new();
    for line in journal.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        if event["event"] == "take-recorded" && takes.iter().any(|take| event["take"] == **take) {
            let tracks = ["captures", "stimuli"].map(|key| event[key].as_array().unwrap().clone());
            ports.extend(tracks.concat().iter().map(|one| one["port"].as_str().unwrap().to_owned()));
        }
    }
    ports
}

#[test]
fn a_full_plan_is_recorded_in_another_seat_by_an_overlay_alone() {
    let [zones, _] = crate::plans::overlays_of_the_manual();
    let only = ["slr[talker=driver]", "slr[talker=codriver]"];
    let view = laid_over("seat-overlay", &zones, "zones-wb", &only);
    let rating = |id: &str| {
        let entry = view.entries.iter().find(|one| one.entry.id.text() == id).unwrap();
        assert_eq!(entry.verdict, Verdict::Pass, "{id}: {}", entry.reason);
        entry.findings.iter().find_map(|one| one.finding.as_scalar()).unwrap()
    };
    // Each talker is rated at the own place, by the truth of the model.
    let model = lombard::bench::car::Model::new(crate::on_car::shipped("zones-wb"));
    let spectrum = crate::on_car::spectrum::density_of("speech-single-talk", false);
    let truth = |seat| {
        let truth = lombard::bench::car::truth::Truth::of(&model).at(seat).unwrap();
        truth.slr_db(&|freq_hz| spectrum.at(freq_hz))
    };
    for (id, seat) in only.iter().zip([Seat::Driver, Seat::Codriver]) {
        let (found, truth) = (rating(id), truth(seat));
        assert!((found - truth).abs() < LEVEL_TOLERANCE_DB, "{id}: {found} {truth}");
    }
    // The two are tuned alike; who spoke is told by the mouths.
    for (id, own, other) in [(only[0], "mouth", "mouth.codriver"), (only[1], "mouth.codriver", "mouth")] {
        let ports = ports(&view, id);
        assert!(ports.contains(own) && !ports.contains(other), "{id}: {ports:?}");
    }
}

#[test]
fn a_full_plan_is_recorded_at_the_digital_access_by_an_overlay_alone() {
    let [_, digital] = crate::plans::overlays_of_the_manual();
    let ids = ["delay", "idle_noise[access=acoustic]", "idle_noise[access=digital]"];
    let view = laid_over("tap-overlay", &digital, "reference-wb", &ids);
    for id in ["delay", "idle_noise[access=digital]"] {
        let ports = ports(&view, id);
        assert!(ports.contains("tap.microphone") && !ports.contains("mouth"), "{id}: {ports:?}");
    }
    let by_sound = ports(&view, "idle_noise[access=acoustic]");
    assert!(by_sound.contains("mouth") && !by_sound.contains("tap.microphone"), "{by_sound:?}");
}

/// What a lab enters of the terminal of a reference car: without it the delay of the implementation is only a bound.
const LINK: &str = "title = 'the link in the terminal'\n\
                    [[entry]]\nid = 'delay_implementation'\ninformative = false\nparameters = { inherent = '60 ms' }\n";

/// The full plans: a quarter of an hour of computing, so not in every run of the tests. CI resolves, schedules and renders
/// all of them (`plans`); `cargo test -- --ignored full_plans` records them.
#[test]
#[ignore = "takes minutes; the nightly form runs it"]
fn the_reference_cars_pass_the_full_plans_as_far_as_limits_are_known() {
    let full = BuiltIn.names(Folder::Plans).into_iter().filter(|name| name.starts_with("p11"));
    for plan in full {
        let without_limit = WITHOUT_LIMIT.iter().find(|one| one.0 == plan).map_or(0, |one| one.1);
        passes_with(&plan, None, without_limit, Some(LINK));
    }
}

#[test]
fn a_car_without_canceller_fails_for_its_echo() {
    let folder = empty_folder("echo");
    let text = std::fs::read_to_string(root().join("test-plans/cars/reference-wb.toml")).unwrap();
    let car = folder.join("no-canceller.toml");
    let line = text.lines().find(|line| line.starts_with("loss = ")).unwrap().to_owned();
    std::fs::write(&car, text.replace(&line, "loss = \"none\"")).unwrap();
    let mut wish = request("quick-wb", &folder, 1);
    wish.bench = BenchChoice::Car(car.display().to_string());
    wish.only = vec!["coupling_loss".to_owned(), "slr".to_owned()];
    let view = record(&wish);
    let verdict = |id: &str| view.entries.iter().find(|one| one.entry.id.text() == id).unwrap().verdict;
    assert_eq!((verdict("coupling_loss"), verdict("slr")), (Verdict::Fail, Verdict::Pass));
    assert_eq!((view.verdict(), view.exit_code()), (Verdict::Fail, 1));
}
