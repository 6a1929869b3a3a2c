//! House rules that the compiler cannot see. Small on purpose: what clippy can say, clippy says.

use std::collections::BTreeSet;
use std::fs;

use crate::source::{Kind, Source, files_below, relative, root, rust_files};

/// The longest file, in lines, unless it says why it is longer.
const FILE_LINES_MAX: usize = 600;

/// What a longer file says, with the reason behind it.
const LONGER_BECAUSE: &str = "// Over 600 lines because";

/// The longest function, in lines (clippy counts without comments; this counts what a reader scrolls).
const FUNCTION_LINES_MAX: usize = 100;

/// The one file that may hold unsafe code, and how many blocks of it.
const UNSAFE: (&str, usize) = ("src/bench/live/audio/loop_host.rs", 1);

/// Words that no name contains: the Recommendations say *send* and *receive*.
const FOREIGN_WORDS: &[&str] = &["tx", "rx", "uplink", "downlink", "sending", "receiving"];

/// Names that say nothing about what a module holds.
const EMPTY_MODULE_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "stuff"];

/// A name of egui's, which is spelled its own way.
const OF_EGUI: &str = "labelled_by";

/// British spellings that names avoid. `catalogue` and `canceller` are words of the field and stay.
const BRITISH: &[&str] = &[
    "colour",
    "centre",
    "behaviour",
    "neighbour",
    "favour",
    "grey",
    "metre",
    "licence",
    "analyse",
    "analyser",
    "analysed",
    "artefact",
    "programme",
    "labelled",
    "modelled",
    "modelling",
    "normalise",
    "normalised",
    "initialise",
    "initialised",
    "equalise",
    "equalised",
    "equaliser",
    "equalisation",
    "synchronise",
    "synchronised",
    "recognise",
    "recognised",
    "optimise",
    "quantise",
    "quantised",
    "serialise",
    "serialised",
    "linearise",
    "summarise",
    "organise",
    "realise",
    "realised",
    "randomise",
    "minimise",
    "maximise",
];

/// The folders of absolute paths that belong to somebody's machine.
const MACHINE_FOLDERS: &[&str] = &["work", "root", "home", "Users", "tmp", "mnt"];

/// Text files of the project, source aside.
const TEXT_ENDINGS: &[&str] = &[".rs", ".md", ".toml", ".py", ".yml", ".json", ".sh"];

/// Folders with text files.
const TEXT_FOLDERS: &[&str] = &["src", "tests", "benches", "docs", "test-plans", "signals", "calibration"];

fn head_missing(source: &Source) -> Vec<String> {
    let has_head = source.text.starts_with("//!");
    if has_head { Vec::new() } else { vec![format!("{}: does not begin with `//!`", source.path)] }
}

fn too_long(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    let excused = source.text.lines().any(|line| line.starts_with(LONGER_BECAUSE));
    if lines <= FILE_LINES_MAX || excused {
        return Vec::new();
    }
    vec![format!("{}: {lines} lines; split it, or say `{LONGER_BECAUSE} …`", source.path)]
}

fn long_functions(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        let name = source.tokens.get(at + 1).filter(|name| name.kind == Kind::Word);
        let (true, Some(name)) = (token.kind == Kind::Word && token.text == "fn", name) else { continue };
        let lines = body_end_line(source, at).map_or(0, |end| end - token.line + 1);
        if lines > FUNCTION_LINES_MAX {
            found.push(format!("{}:{}: fn {} has {lines} lines", source.path, token.line, name.text));
        }
    }
    found
}

/// The line of the brace that closes the body of the function at `at`; `None` where it has no body.
fn body_end_line(source: &Source, at: usize) -> Option<usize> {
    let (mut braces, mut brackets) = (0, 0);
    for token in source.tokens[at..].iter().filter(|token| token.kind == Kind::Mark) {
        match token.text.as_str() {
            "(" | "[" => brackets += 1,
            ")" | "]" => brackets -= 1,
            "{" => braces += 1,
            "}" => {
                braces -= 1;
                if braces == 0 {
                    return Some(token.line);
                }
            }
            ";" if braces == 0 && brackets == 0 => return None,
            _ => {}
        }
    }
    None
}

fn unwraps(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        if source.is_word(at, "unwrap") && source.is_mark(at.wrapping_sub(1), ".") && !token.in_test {
            found.push(format!("{}:{}: unwrap() outside tests", source.path, token.line));
        }
    }
    found
}

/// Unsafe code away from the one place that has a reason for it, or more of it there.
fn unsafe_code(source: &Source) -> Vec<String> {
    let count = (0..source.tokens.len()).filter(|at| source.is_word(*at, "unsafe")).count();
    let allowed = if source.path == UNSAFE.0 { UNSAFE.1 } else { 0 };
    if count > allowed { vec![format!("{}: {count} times unsafe", source.path)] } else { Vec::new() }
}

/// The lower-case words of an identifier: `RxLevel_max` has `rx`, `level` and `max`.
fn words_of(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for letter in identifier.chars() {
        let starts = letter == '_' || (letter.is_uppercase() && before.is_lowercase());
        if starts {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter != '_', words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn foreign_names(source: &Source) -> Vec<String> {
    let mut found = BTreeSet::new();
    for token in source.tokens.iter().filter(|token| token.kind == Kind::Word) {
        for word in words_of(&token.text) {
            if FOREIGN_WORDS.contains(&word.as_str()) {
                found.insert(format!("{}: `{}`: say send and receive", source.path, token.text));
            } else if BRITISH.contains(&word.trim_end_matches('s')) && token.text != OF_EGUI {
                found.insert(format!("{}: `{}`: American spelling in names", source.path, token.text));
            }
        }
    }
    found.into_iter().collect()
}

fn empty_module_names(source: &Source) -> Vec<String> {
    let mut names = source.module();
    for (at, token) in source.tokens.iter().enumerate() {
        if at > 0 && source.is_word(at - 1, "mod") {
            names.push(token.text.clone());
        }
    }
    names
        .iter()
        .filter(|name| EMPTY_MODULE_NAMES.contains(&name.as_str()))
        .map(|name| format!("{}: `{name}` says nothing about what it holds", source.path))
        .collect()
}

/// Files that no `mod` line of their parent names, among the files of one folder.
fn orphans(files: &[Source], roots: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !roots.contains(&file.path.as_str())) {
        let (folder, name) = file.path.trim_end_matches(".rs").rsplit_once('/').unwrap_or(("", ""));
        let named = files
            .iter()
            .filter(|parent| {
                let beside = format!("{folder}.rs") == parent.path;
                beside
                    || (roots.contains(&parent.path.as_str())
                        && parent.path.starts_with(&format!("{folder}/")))
            })
            .any(|parent| {
                (1..parent.tokens.len()).any(|at| parent.is_word(at - 1, "mod") && parent.is_word(at, name))
            });
        if !named {
            found.push(format!("{}: no `mod {name};` names this file", file.path));
        }
    }
    found
}

/// The places of a text that name an absolute path of somebody's machine.
fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for folder in MACHINE_FOLDERS {
            let slashed = format!("/{folder}/");
            let absolute = line.match_indices(&slashed).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let after = line[at + slashed.len()..].chars().next();
                before.is_none_or(|letter| " \"'`(=:".contains(letter))
                    && after.is_some_and(|letter| letter.is_alphanumeric() || letter == '.')
            });
            if absolute {
                found.push(format!("{path}:{}: a path of a machine: {slashed}…", number + 1));
            }
        }
    }
    found
}

/// Holds one rule over every file below `src/`.
fn hold(rule: fn(&Source) -> Vec<String>) {
    complain(&rust_files("src").iter().flat_map(rule).collect::<Vec<_>>());
}

fn complain(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    hold(head_missing);
    complain(&rust_files("tests").iter().flat_map(head_missing).collect::<Vec<_>>());
}

#[test]
fn no_file_is_longer_than_600_lines_without_a_reason() {
    hold(too_long);
}

#[test]
fn no_function_is_longer_than_100_lines() {
    hold(long_functions);
}

#[test]
fn nothing_unwraps_outside_tests() {
    hold(unwraps);
}

#[test]
fn unsafe_code_stays_where_it_is() {
    hold(unsafe_code);
    complain(&rust_files("tests").iter().flat_map(unsafe_code).collect::<Vec<_>>());
}

#[test]
fn names_use_the_words_of_the_recommendations_in_american_spelling() {
    hold(foreign_names);
}

#[test]
fn module_names_say_what_they_hold() {
    hold(empty_module_names);
}

#[test]
fn every_file_is_part_of_the_program() {
    complain(&orphans(&rust_files("src"), &["src/lib.rs", "src/main.rs"]));
    complain(&orphans(&rust_files("tests"), &["tests/main.rs"]));
}

#[test]
fn no_text_names_a_path_of_a_machine() {
    let mut files: Vec<_> =
        TEXT_FOLDERS.iter().flat_map(|folder| files_below(&root().join(folder), TEXT_ENDINGS)).collect();
    files.extend(["README.md", "CHANGELOG.md", "Makefile", "Cargo.toml"].map(|name| root().join(name)));
    let mut broken = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("tests/tidy.rs")) {
        // A file that is not text, or not there yet, names no path.
        let text = fs::read_to_string(file).unwrap_or_default();
        broken.extend(machine_paths(&relative(file), &text));
    }
    complain(&broken);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("src/x.rs", text)
    }

    #[test]
    fn a_missing_head_is_seen() {
        assert_eq!(head_missing(&source("use a;\n")).len(), 1);
        assert!(head_missing(&source("//! What it is.\n")).is_empty());
    }

    #[test]
    fn a_long_file_is_seen_unless_it_says_why() {
        let long = "//! x\n".repeat(601);
        assert_eq!(too_long(&source(&long)).len(), 1);
        assert!(
            too_long(&source(&format!("{long}// Over 600 lines because a table is one thing.\n"))).is_empty()
        );
        assert!(too_long(&source(&"//! x\n".repeat(600))).is_empty());
    }

    #[test]
    fn a_long_function_is_seen() {
        let body = "    g();\n".repeat(99);
        assert_eq!(long_functions(&source(&format!("fn f(a: [u8; 3]) {{\n{body}}}\n"))).len(), 1);
        assert!(long_functions(&source("trait T { fn f(); }\nfn g() {}\n")).is_empty());
        assert!(long_functions(&source(&format!("type F = fn(u8);\nconst A: F = g;\n{body}"))).is_empty());
    }

    #[test]
    fn an_unwrap_is_seen_outside_tests_only() {
        assert_eq!(unwraps(&source("fn f() { g().unwrap() }")).len(), 1);
        assert!(unwraps(&source("fn f() { g().unwrap_or(0) } // .unwrap()")).is_empty());
        assert!(unwraps(&source("#[cfg(test)]\nmod tests { fn f() { g().unwrap() } }")).is_empty());
    }

    #[test]
    fn unsafe_code_is_seen() {
        let one = "fn f() { unsafe { g() } }";
        assert_eq!(unsafe_code(&source(one)).len(), 1);
        assert!(unsafe_code(&Source::new(UNSAFE.0, one)).is_empty());
        assert_eq!(unsafe_code(&Source::new(UNSAFE.0, &one.repeat(2))).len(), 1);
        assert!(unsafe_code(&source("fn f() {} // unsafe")).is_empty());
    }

    #[test]
    fn a_foreign_name_is_seen() {
        for name in
            ["rx_level", "RxLevel", "levelUplink", "TX", "is_sending", "center_colour", "normalise", "grey"]
        {
            assert_eq!(foreign_names(&source(&format!("let {name} = 1;"))).len(), 1, "{name}");
        }
        assert!(foreign_names(&source("let receive_context = \"rx\"; // uplink")).is_empty());
    }

    #[test]
    fn an_empty_module_name_is_seen() {
        assert_eq!(empty_module_names(&source("mod utils;")).len(), 1);
        assert_eq!(empty_module_names(&Source::new("src/dsp/helpers.rs", "")).len(), 1);
        assert!(empty_module_names(&source("mod spectrum;")).is_empty());
    }

    #[test]
    fn a_file_that_nobody_names_is_seen() {
        let lib = Source::new("src/lib.rs", "pub mod a;");
        let a = Source::new("src/a.rs", "mod b;");
        let b = Source::new("src/a/b.rs", "");
        let orphan = Source::new("src/a/c.rs", "");
        assert!(orphans(&[lib.clone(), a.clone(), b.clone()], &["src/lib.rs"]).is_empty());
        assert_eq!(orphans(&[lib, a, b, orphan], &["src/lib.rs"]).len(), 1);
    }

    #[test]
    fn a_path_of_a_machine_is_seen() {
        assert_eq!(machine_paths("x", "see /home/ann/lombard").len(), 1);
        assert_eq!(machine_paths("x", "\"/tmp/out.wav\"").len(), 1);
        assert!(machine_paths("x", "docs/work/plan.md and src/root/x.rs and /tmp").is_empty());
    }
}
