//! What a plan means and what differs between two: `lombard check --resolved` and `lombard diff`.

use std::fmt::Write as _;
use std::path::PathBuf;

use lombard::plan::difference::{Difference, EntryDifference, Touches, difference};
use lombard::plan::{BuiltIn, Folder, ResolvedPlan, Sources};
use lombard::run::Engine;
use serde_json::Value;

use crate::cli::{ask, folder, object};

fn resolve(plan: &str) -> ResolvedPlan {
    match Engine::new(Vec::new()).resolve(plan, &[]) {
        Ok(planned) => planned.plan,
        Err(error) => panic!("{plan}: {error:#?}"),
    }
}

/// The differences of a plan that stands on quick-wb and says `text` besides.
fn differences(name: &str, text: &str) -> Difference {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("meaning");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, format!("base = 'quick-wb'\n{text}")).unwrap();
    difference(&resolve("quick-wb"), &resolve(&path.display().to_string()))
}

/// The changes of the entry `id`, each as `key: before → after`.
fn changes(found: &Difference, id: &str) -> Vec<String> {
    let of_entry = found.entries.iter().find_map(|one| match one {
        EntryDifference::Changed { id: one, changes } if one.text() == id => Some(changes),
        _ => None,
    });
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let changes = of_entry.into_iter().flatten();
    changes.map(|one| format!("{}: {} → {}", one.key, text(&one.before), text(&one.after))).collect()
}

#[test]
fn a_plan_written_otherwise_means_the_same() {
    // Comments, order, a default written out, a longer way to say the same number.
    let text = BuiltIn.read(Folder::Plans, "quick-wb").unwrap().text.to_string();
    let (head, entries) = text.split_once("[[entry]]").unwrap();
    let mut entries: Vec<&str> = entries.split("[[entry]]").collect();
    entries[1..].reverse();
    let text = format!(
        "# another hand\n{head}[defaults]\nlevel_mrp = '-1.70 dBPa'\n[[entry]]{}",
        entries.join("[[entry]]")
    );
    let folder = folder();
    let path = folder.path().join("other.toml");
    std::fs::write(&path, text).unwrap();
    let found = difference(&resolve("quick-wb"), &resolve(&path.display().to_string()));
    assert_eq!(found, Difference::default());
    assert!(found.same_meaning());
}

#[test]
fn every_kind_of_difference_is_told_with_both_sides() {
    let cases = [
        ("volume", "volume = 'maximum'", "volume: nominal → maximum"),
        ("talker", "talker = 'codriver'", "talker: driver → codriver"),
        ("listener", "listener = 'rear_left'", "listener: driver → rear_left"),
        ("informative", "informative = true", "informative: false → true"),
        ("level", "parameters = { level_mrp = '-4.7 dBPa' }", "parameters.level_mrp: -1.7 dBPa → -4.7 dBPa"),
        ("limit", "limits = []", "limits.slr: slr 9 … 17 dB, class C → nothing"),
    ];
    for (name, text, wanted) in cases {
        let found = differences(name, &format!("[[entry]]\nid = 'slr'\n{text}\n"));
        assert!(!found.same_meaning(), "{name}");
        assert_eq!(changes(&found, "slr"), [wanted], "{name}");
        assert_eq!(found.entries.len(), 1, "{name}: other entries stay as they are");
    }
    let found = differences("noise", "[[entry]]\nid = 'slr'\nnoise = 'driving-120'\n");
    assert!(changes(&found, "slr")[0].starts_with("noise: none → driving-120 ("), "{found:#?}");
    let found = differences("car", "car = 'ideal-wb'\n");
    assert!(!found.same_meaning() && found.plan[0].key == "car" && found.entries.is_empty());
}

#[test]
fn a_limit_differs_by_value_class_and_mask() {
    let change = "[[limit]]\nid = 'slr'\nclass = 'A'\nsource = 'read'\nmin = '9 dB'\n";
    let found = differences("class", change);
    assert_eq!(changes(&found, "slr")[0], "limits.slr: slr 9 … 17 dB, class C → slr 9 … 17 dB, class A");
    let change = "[[limit]]\nid = 'send_response'\nclass = 'C'\nsource = 's'\nmask = 'p1110-receive'\n";
    let found = differences("mask", change);
    let all = changes(&found, "send_response");
    assert!(all[0].contains("6300: 9, 8000: 9") && all[0].contains("315: 7, 400: 6"), "{all:?}");
}

#[test]
fn titles_clauses_and_sources_are_citations_and_no_difference_in_meaning() {
    let text = "title = 'Another name'\nedition = '03/2017'\n[[entry]]\nid = 'slr'\ntitle = 'SLR'\nclause = '11.3.1'\n\
                [[limit]]\nid = 'idle_noise_send'\nsource = 'read again'\n";
    let found = differences("citations", text);
    assert!(found.same_meaning(), "{found:#?}");
    assert!(found.plan.iter().all(|one| one.touches == Touches::Citation) && found.plan.len() == 2);
    assert!(changes(&found, "slr").iter().any(|one| one == "clause: 11.3 → 11.3.1"));
    assert!(changes(&found, "idle_noise").iter().any(|one| one.starts_with("limits.idle_noise_send.source")));
}

#[test]
fn the_command_tells_what_differs_and_its_exit_code_says_whether() {
    let here = folder();
    let answer = ask(here.path(), &["diff", "quick-wb", "quick-wb"]);
    assert_eq!((answer.code, answer.out.as_str()), (0, "the same in meaning\n"), "{}", answer.err);
    let answer = ask(here.path(), &["diff", "quick-wb", "oem-example"]);
    assert_eq!(answer.code, 1);
    for part in [
        "+ rlr_ear[ears=left] Receiving loudness rating, one ear\n",
        "limits.coupling_loss: tcl ≥ 46 dB, class A (test-plans/limits/p1110-2025.toml:",
        "→ tcl ≥ 50 dB, class A (test-plans/oem-example.toml:",
        "entries: 2 added, 0 removed, 1 changed in meaning\n",
    ] {
        assert!(answer.out.contains(part), "no '{part}' in\n{}", answer.out);
    }
    assert!(!answer.out.contains("source") && answer.err.is_empty());
    let answer = ask(here.path(), &["diff", "oem-example", "quick-wb", "--json"]);
    assert_eq!(answer.code, 1);
    let found = object(&answer);
    assert_eq!(found["same_meaning"], false);
    let kinds: Vec<&Value> =
        found["entries"].as_array().unwrap().iter().map(|one| &one["difference"]).collect();
    assert_eq!(kinds, ["changed", "removed", "removed"]);
    let change = &found["entries"][0]["changes"][0];
    assert_eq!(
        (change["key"].as_str(), change["touches"].as_str()),
        (Some("limits.coupling_loss"), Some("meaning"))
    );
    assert!(change["before_at"]["line"].as_u64().is_some_and(|line| line > 1));
    // An overlay over the second plan alone.
    let answer = ask(here.path(), &["diff", "quick-wb", "quick-wb", "--overlay-after", "overlay-example"]);
    assert!(answer.code == 1 && answer.out.contains("tcl not known, class N"), "{}", answer.out);
    let answer = ask(here.path(), &["diff", "quick-wb", "quik-wb"]);
    assert!(answer.code == 2 && answer.out.is_empty() && answer.err.contains("did you mean 'quick-wb'?"));
}

/// The line of a shipped file, from 1, that holds `part` first after the line that holds `after`.
fn line_of(file: &str, after: &str, part: &str) -> u64 {
    let text = std::fs::read_to_string(crate::source::root().join(file)).unwrap();
    let from = text.lines().position(|line| line.contains(after)).unwrap();
    let at = text.lines().skip(from).position(|line| line.contains(part)).unwrap();
    (from + at + 1) as u64
}

/// The value of the key `key` in a list of what was said.
fn said<'v>(list: &'v Value, key: &str) -> &'v Value {
    list.as_array()
        .unwrap()
        .iter()
        .find(|one| one["key"] == key)
        .unwrap_or_else(|| panic!("no {key}: {list}"))
}

#[test]
fn the_resolved_plan_says_of_every_value_who_said_it_and_where() {
    let here = folder();
    let over = "title = 'o'\n[[entry]]\nid = 'slr'\nparameters = { level_mrp = '-4.7 dBPa' }\n\
                [[limit]]\nid = 'slr'\nmax = '16 dB'\nclass = 'A'\nsource = 'our copy'\n";
    std::fs::write(here.path().join("o.toml"), over).unwrap();
    let answer = ask(here.path(), &["check", "oem-example", "--overlay", "o.toml", "--resolved", "--json"]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let plan = object(&answer);
    let title = said(&plan["header"], "title");
    assert_eq!(
        (title["origin"].as_str(), title["line"].as_u64()),
        (Some("plan"), Some(3)),
        "an overlay renames no plan"
    );
    assert_eq!(said(&plan["header"], "bandwidth")["origin"], "base");
    let slr = plan["entries"].as_array().unwrap().iter().find(|one| one["id"] == "slr").unwrap();
    let method = said(&slr["conditions"], "method");
    assert_eq!(method["origin"], "base");
    assert_eq!(
        method["line"].as_u64().unwrap(),
        line_of("test-plans/quick-wb.toml", "id = \"slr\"", "method")
    );
    let level = said(&slr["parameters"], "level_mrp");
    let wanted = (Some("-4.7 dBPa"), Some("overlay"), Some("o.toml"), Some(4));
    assert_eq!(
        (level["value"].as_str(), level["origin"].as_str(), level["file"].as_str(), level["line"].as_u64()),
        wanted
    );
    let signal = said(&slr["parameters"], "ears");
    assert_eq!((signal["origin"].as_str(), signal["line"].as_u64()), (Some("default"), None));
    let limit = &slr["limits"][0];
    assert_eq!((limit["rule"].as_str(), limit["class"].as_str()), (Some("9 … 16 dB"), Some("A")));
    assert_eq!(limit["source"], "our copy");
    let chain: Vec<&str> =
        limit["origins"].as_array().unwrap().iter().map(|one| one["file"].as_str().unwrap()).collect();
    assert_eq!(chain, ["o.toml", "test-plans/limits/p1110-2025.toml"]);
    let response =
        plan["entries"].as_array().unwrap().iter().find(|one| one["id"] == "send_response").unwrap();
    let chain = response["limits"][0]["origins"].as_array().unwrap();
    assert_eq!(
        chain.last().unwrap()["file"],
        "test-plans/masks/p1110-send.toml",
        "a mask is a link of the chain"
    );
}

#[test]
fn the_resolved_plan_says_what_is_recorded_how_long_and_how_loud() {
    let here = folder();
    let plan = object(&ask(here.path(), &["check", "quick-wb", "--resolved", "--json"]));
    let entries = plan["entries"].as_array().unwrap();
    let of = |id: &str| &entries.iter().find(|one| one["id"] == id).unwrap()["recording"];
    let take = &of("slr")["takes"][0];
    let play = &take["plays"][0];
    assert_eq!((play["port"].as_str(), play["level"].as_str()), (Some("mouth"), Some("-1.7 dBPa")));
    // Louder by 3 dB is closer to full scale by 3 dB.
    let over = "title = 'o'\n[[entry]]\nid = 'slr'\nparameters = { level_mrp = '1.3 dBPa' }\n";
    std::fs::write(here.path().join("o.toml"), over).unwrap();
    let louder =
        object(&ask(here.path(), &["check", "quick-wb", "--overlay", "o.toml", "--resolved", "--json"]));
    let louder = louder["entries"].as_array().unwrap().iter().find(|one| one["id"] == "slr").unwrap();
    let room = |play: &Value| play["headroom_db"].as_f64().unwrap();
    let less = room(play) - room(&louder["recording"]["takes"][0]["plays"][0]);
    assert!((less - 3.0).abs() < 1e-3, "{less}");
    // One recording for three entries counts once in the sum.
    assert_eq!(take["shared_with"], serde_json::json!(["send_response", "send_response_twelfth"]));
    let total = plan["recording"]["audio_s"].as_f64().unwrap();
    let calls = plan["recording"]["calls"].as_array().unwrap();
    let sum: f64 = calls.iter().map(|call| call["audio_s"].as_f64().unwrap()).sum();
    assert!((total - sum).abs() < 1e-9 && total > 60.0);
    assert!(of("volume")["more_takes_max"].as_u64().unwrap() > 0, "a search asks for more");
}

/// A bench file with these loudspeakers, each with the level in dBPa of its full scale, beside the wire of the shipped one.
fn bench_with(folder: &std::path::Path, loudspeakers: &[(&str, f64)]) -> String {
    let mut text = BuiltIn.read(Folder::Rigs, "example-loop").unwrap().text.to_string();
    for (n, (name, zero)) in loudspeakers.iter().enumerate() {
        let channel = n + 5;
        let _ = write!(
            text,
            "\n[[port]]\nname = \"{name}\"\ndirection = \"out\"\nchannel = {channel}\nnominal = \"{zero} dBPa\"\n"
        );
    }
    std::fs::write(folder.join("rig.toml"), text).unwrap();
    "rig.toml".to_owned()
}

/// One entry in noise.
const IN_NOISE: &str = "title = 'n'\nrecommendation = 'P.1110'\nedition = '10/2025'\nbandwidth = 'WB'\n\
                        [[entry]]\nid = 'levels'\nclause = '11.1'\nmethod = 'level_plan'\nnoise = 'driving-120'\n\
                        parameters = { signal_mouth = 'sine-1000' }\n";

#[test]
fn a_bench_is_told_before_the_run_what_its_loudspeakers_play_of_a_noise_and_whether_they_would_clip() {
    let here = folder();
    std::fs::write(here.path().join("n.toml"), IN_NOISE).unwrap();
    let rig = bench_with(here.path(), &[("noise.1", 10.0), ("noise.2", 7.0), ("noise.sub", 20.0)]);
    let arguments = ["check", "n.toml", "--bench", &rig];
    let found = object(&ask(here.path(), &[&arguments[..], &["--resolved", "--json"]].concat()));
    let call = &found["recording"]["calls"][0];
    assert_eq!(
        (call["noise"].as_str(), &found["recording"]["bench"]),
        (Some("driving-120"), &"example-loop".into())
    );
    let plays: Vec<(String, f64)> = call["noise_plays"]
        .as_array()
        .unwrap()
        .iter()
        .map(|play| (play["port"].as_str().unwrap().to_owned(), play["headroom_db"].as_f64().unwrap()))
        .collect();
    let ports: Vec<&str> = plays.iter().map(|play| play.0.as_str()).collect();
    assert_eq!(ports, ["noise.1", "noise.2", "noise.sub"]);
    // The two have the same share, and the second one 3 dB less of full scale.
    assert!((plays[0].1 - plays[1].1 - 3.0).abs() < 1e-3 && plays[1].1 > 0.0, "{plays:?}");
    let text = ask(here.path(), &[&arguments[..], &["--resolved"]].concat()).out;
    let line = format!("headroom {:.1} dB", plays[1].1);
    let line = text.lines().find(|one| one.contains("plays driving-120 on noise.2") && one.contains(&line));
    assert!(line.is_some_and(|line| line.contains(" dBPa, crest factor ")), "{text}");

    // Full scale 2 dB below what the peak needs: it is said, with the port and by how much, and nothing is played.
    let zero = 7.0 - plays[1].1 - 2.0;
    bench_with(here.path(), &[("noise.1", 10.0), ("noise.2", zero), ("noise.sub", 20.0)]);
    let answer = ask(here.path(), &arguments);
    assert_eq!(answer.code, 2, "{}", answer.out);
    for part in [
        "'driving-120'",
        "full scale of port noise.2 by 2.0 dB",
        "n.toml:6",
        "amplifier",
        "'base' and 'remove'",
    ] {
        assert!(answer.err.contains(part), "'{part}' in\n{}", answer.err);
    }
}

#[test]
fn the_resolved_text_holds_what_the_object_holds() {
    let here = folder();
    let answer = ask(here.path(), &["check", "quick-wb", "--resolved"]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    for part in [
        "parameter level_mrp",
        "limit p1110-2025/slr",
        "class C, P.1110 (10/2025)",
        "plays speech-",
        "headroom ",
        "waits for",
        " of sound; ",
    ] {
        assert!(answer.out.contains(part), "'{part}' in\n{}", answer.out);
    }
    assert!(!answer.out.contains("base, "), "quick-wb stands alone");
    let answer = ask(here.path(), &["check", "quick-wb", "--json"]);
    assert!(answer.code == 2 && answer.err.contains("--resolved"), "{}", answer.err);
}
