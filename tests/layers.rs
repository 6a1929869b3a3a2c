//! Dependencies point down one total order; each heavy dependency has one door; the inner layers are pure.

use crate::source::{Kind, Reference, Source, root, rust_files};

/// The order from the outermost layer to the innermost. What stands on one line is independent of each other.
/// The documentation of `src/lib.rs` says the same, and a test below compares the two.
const ORDER: &[&[&str]] = &[
    &["main"],
    &["gui", "cli"],
    &["report"],
    &["run"],
    &["bench::live", "bench::car"],
    &["store"],
    &["bench"],
    &["plan"],
    &["methods"],
    &["limits"],
    &["context"],
    &["meters"],
    &["calibration", "signals"],
    &["event"],
    &["capture"],
    &["finding"],
    &["entry"],
    &["take"],
    &["dsp"],
    &["wav"],
    &["document"],
    &["problem"],
    &["verdict"],
    &["units"],
    &["terms"],
];

/// Crates that only these files or folders may name.
const DOORS: &[(&[&str], &str)] = &[
    (&["cpal", "alsa", "rtrb", "jack"], "src/bench/live/audio"),
    (&["serialport"], "src/bench/live/rig"),
    (&["rustfft", "realfft"], "src/dsp/spectrum"),
    (&["egui", "eframe", "egui_plot"], "src/gui"),
    (&["sonora", "audio_codec"], "src/bench/car"),
    (&["pesq", "visqol_rs"], "src/meters/quality"),
    (&["clap", "indicatif", "ctrlc", "anstream"], "src/cli"),
];

/// The layers that read no clock, file, device, environment or global.
const PURE: &[&str] = &["dsp", "wav", "meters", "methods", "limits", "plan", "report"];

/// What these layers must not name.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "time::OffsetDateTime::now_utc",
    "time::OffsetDateTime::now_local",
];

/// Names that make a static change after it was made.
const CHANGING: &[&str] =
    &["Mutex", "RwLock", "OnceLock", "LazyLock", "Cell", "RefCell", "OnceCell", "LazyCell", "UnsafeCell"];

/// What a face may name of the bench layer; everything else goes through `run`.
const BENCH_FOR_FACES: &[&str] = &["StopFlag", "TelemetrySender"];

/// The line of [`ORDER`] and the name there, of a module path.
fn layer(module: &[String]) -> Option<(usize, String)> {
    (1..=module.len()).rev().find_map(|length| {
        let name = module[..length].join("::");
        ORDER.iter().position(|line| line.contains(&name.as_str())).map(|at| (at, name))
    })
}

/// Where a path leads inside the crate, or `None` when it leads to another crate or stays where it is.
fn target(source: &Source, reference: &Reference) -> Option<Vec<String>> {
    let segments = &reference.segments;
    let mut here = source.module();
    if here == ["lib"] {
        here.clear();
    }
    here.extend(vec!["(inline)".to_owned(); reference.inline_depth]);
    match segments[0].as_str() {
        "crate" | "lombard" => Some(segments[1..].to_vec()),
        "super" => {
            let ups = segments.iter().take_while(|segment| *segment == "super").count();
            here.truncate(here.len().saturating_sub(ups));
            here.extend_from_slice(&segments[ups..]);
            Some(here)
        }
        "self" => Some([&here, &segments[1..]].concat()),
        // A child module that has a layer of its own, named without `self`.
        _ => {
            let path = [&here, segments.as_slice()].concat();
            ORDER.concat().contains(&path[..=here.len()].join("::").as_str()).then_some(path)
        }
    }
}

/// Every path of a file that points upward or sideways.
fn upward(source: &Source) -> Vec<String> {
    let module = source.module();
    if module == ["lib"] {
        return Vec::new();
    }
    let Some((from, from_name)) = layer(&module) else {
        return vec![format!("{}: this module has no place in ORDER of tests/layers.rs", source.path)];
    };
    let mut found = Vec::new();
    for reference in source.references() {
        let Some(target) = target(source, &reference) else { continue };
        // `crate::VERSION` and its like are constants of lib.rs, below every layer.
        if target.len() == 1 && target[0].chars().all(|letter| letter.is_uppercase() || letter == '_') {
            continue;
        }
        let place = format!("{}:{}", source.path, reference.line);
        let Some((to, to_name)) = layer(&target) else {
            if target.first().is_some_and(|name| name != "(inline)" && *name != module[0]) {
                found
                    .push(format!("{place}: `{}` leads to no layer of ORDER", reference.segments.join("::")));
            }
            continue;
        };
        if to_name != from_name && to <= from {
            found.push(format!("{place}: {from_name} names {to_name}, which does not stand below it"));
        }
    }
    found
}

/// Every use of a crate away from its door. Tests may use a crate that they need.
fn wrong_doors(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (crates, door) in DOORS {
        let inside = source.path == format!("{door}.rs") || source.path.starts_with(&format!("{door}/"));
        for reference in source.references() {
            if !inside && !reference.in_test && crates.contains(&reference.segments[0].as_str()) {
                found.push(format!(
                    "{}:{}: only {door} names {}",
                    source.path, reference.line, reference.segments[0]
                ));
            }
        }
    }
    found
}

/// Everything in a pure layer that depends on more than its arguments. Tests may read golden data.
fn impurities(source: &Source) -> Vec<String> {
    if !PURE.contains(&source.module()[0].as_str()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for reference in source.references().iter().filter(|reference| !reference.in_test) {
        let path = reference.segments.join("::");
        for impure in IMPURE {
            let ends = impure.rsplit("::").next().unwrap_or(impure);
            let call = ends.starts_with("now_") && path.ends_with(&format!("::{ends}"));
            if call || path == *impure || path.starts_with(&format!("{impure}::")) {
                found.push(format!("{}:{}: `{path}` in a pure layer", source.path, reference.line));
            }
        }
    }
    let code: Vec<_> =
        source.tokens.iter().filter(|token| !token.in_test && token.kind == Kind::Word).collect();
    for (at, token) in code.iter().enumerate() {
        let changes = code[at + 1..]
            .iter()
            .take_while(|word| word.line == token.line)
            .any(|word| CHANGING.contains(&word.text.as_str()) || word.text.starts_with("Atomic"));
        if (token.text == "static" && changes) || token.text == "thread_local" {
            found.push(format!("{}:{}: a static that changes, in a pure layer", source.path, token.line));
        }
    }
    found
}

/// Everything of the bench that a face names although it should go through `run`.
fn benches_in_faces(source: &Source) -> Vec<String> {
    if !["gui", "cli", "main"].contains(&source.module()[0].as_str()) {
        return Vec::new();
    }
    source
        .references()
        .iter()
        .filter_map(|reference| Some((reference, target(source, reference)?)))
        .filter(|(_, target)| target.first().is_some_and(|name| name == "bench"))
        .filter(|(_, target)| !target.get(1).is_some_and(|name| BENCH_FOR_FACES.contains(&name.as_str())))
        .map(|(reference, target)| {
            format!("{}:{}: a face names {}", source.path, reference.line, target.join("::"))
        })
        .collect()
}

/// Holds one rule over every file below `src/`.
fn hold(rule: fn(&Source) -> Vec<String>) {
    let files = rust_files("src");
    assert!(files.len() > 20, "only {} files found: is the test looking in the right place?", files.len());
    let broken: Vec<String> = files.iter().flat_map(rule).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn dependencies_point_down_the_order() {
    hold(upward);
}

#[test]
fn each_heavy_dependency_has_one_door() {
    hold(wrong_doors);
}

#[test]
fn inner_layers_are_pure() {
    hold(impurities);
}

#[test]
fn faces_do_not_touch_benches() {
    hold(benches_in_faces);
}

#[test]
fn the_order_is_the_one_that_lib_rs_tells() {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    assert_eq!(told_order(&text), ORDER.concat(), "src/lib.rs and ORDER of tests/layers.rs differ");
}

/// The names in backquotes between "total order" and the next full stop at a line's end.
fn told_order(text: &str) -> Vec<&str> {
    let Some((_, rest)) = text.split_once("total order") else { return Vec::new() };
    let paragraph = rest.split(".\n").next().unwrap_or(rest);
    paragraph.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::new(path, text)
    }

    #[test]
    fn a_path_upward_is_seen() {
        for (path, text) in [
            ("src/take.rs", "use crate::methods::Card;"),
            ("src/dsp/level.rs", "fn f() { crate::run::view::x() }"),
            ("src/signals.rs", "use crate::calibration::Record;"),
            ("src/gui/panel.rs", "use crate::cli;"),
            ("src/bench.rs", "use self::car::Car;"),
            ("src/bench.rs", "fn f() { car::open() }"),
            ("src/bench/car.rs", "use super::live::Rig;"),
            ("src/bench/car/cabin.rs", "use super::super::live;"),
            ("src/take.rs", "mod tests { use super::super::run; }"),
            ("src/take.rs", "use crate::{units::Db, plan::{file, resolve}};"),
        ] {
            assert_eq!(upward(&source(path, text)).len().min(1), 1, "{path}: {text}");
        }
    }

    #[test]
    fn a_path_downward_is_welcome() {
        for (path, text) in [
            ("src/take.rs", "use crate::units::Db;"),
            ("src/bench/car/cabin.rs", "use super::file::Cabin; use crate::bench::Bench;"),
            ("src/bench/car.rs", "mod tests { use super::*; }"),
            ("src/main.rs", "use lombard::cli;"),
            ("src/run/engine.rs", "fn f() { g(crate::VERSION) }"),
            ("src/take.rs", "// crate::run\nuse std::fmt;"),
        ] {
            assert_eq!(upward(&source(path, text)), Vec::<String>::new(), "{path}: {text}");
        }
    }

    #[test]
    fn a_module_without_a_place_is_seen() {
        assert_eq!(upward(&source("src/extra.rs", "")).len(), 1);
        assert_eq!(upward(&source("src/take.rs", "use crate::extra::Thing;")).len(), 1);
    }

    #[test]
    fn a_second_door_is_seen() {
        assert_eq!(wrong_doors(&source("src/run.rs", "use cpal::traits::HostTrait;")).len(), 1);
        assert_eq!(wrong_doors(&source("src/dsp/level.rs", "fn f() { rustfft::x() }")).len(), 1);
        assert_eq!(wrong_doors(&source("src/cli/gui.rs", "use eframe;")).len(), 1);
        assert!(wrong_doors(&source("src/bench/live/audio.rs", "use cpal::Host;")).is_empty());
        assert!(wrong_doors(&source("src/gui/plots.rs", "use egui::Ui;")).is_empty());
    }

    #[test]
    fn an_impurity_is_seen() {
        for text in [
            "use std::fs;",
            "use std::{fmt, env};",
            "fn f() { std::fs::read(path) }",
            "use std::time::{Duration, Instant};",
            "static CACHE: Mutex<u8> = Mutex::new(0);",
            "thread_local! {}",
            "fn f() { OffsetDateTime::now_utc() }",
        ] {
            assert_eq!(impurities(&source("src/methods/delay.rs", text)).len(), 1, "{text}");
            assert!(impurities(&source("src/store.rs", text)).is_empty(), "{text}");
        }
        let text = "static METHODS: &[u8] = &[]; use std::time::Duration; fn f(x: &'static str) {}";
        assert!(impurities(&source("src/methods.rs", text)).is_empty());
        assert!(impurities(&source("src/plan.rs", "#[cfg(test)]\nmod tests { use std::fs; }")).is_empty());
    }

    #[test]
    fn a_bench_in_a_face_is_seen() {
        for text in ["use crate::bench::Bench;", "use crate::bench::car;", "use crate::bench;"] {
            assert_eq!(benches_in_faces(&source("src/cli/run.rs", text)).len(), 1, "{text}");
        }
        assert!(benches_in_faces(&source("src/gui.rs", "use crate::bench::{StopFlag};")).is_empty());
    }

    #[test]
    fn the_order_is_read_from_prose() {
        let text =
            "//! this total order only:\n//! `main` → `gui`,\n//! `cli`.\n//! The test `layers` holds it.";
        assert_eq!(told_order(text), ["main", "gui", "cli"]);
    }
}
