//! `docs/clauses.md`: every clause with what measures or holds it, or why nothing does yet; written and checked here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use lombard::limits::Limit;
use lombard::plan::clauses::{Clause, Clauses, Recommendation, read_clauses, read_evidence};
use lombard::plan::{BuiltIn, Folder, PlannedEntry, ResolvedPlan, Sources};
use lombard::report::wording;
use lombard::run::Engine;
use lombard::terms::LimitClass;

use crate::fresh::fresh;
use crate::source::root;

const HEAD: &str = "# Clauses

Every clause of ITU-T P.1100, P.1110 and P.1120 as far as their structure is publicly known, edition by edition, in own words: \
which entry of which plan measures it, by which method, against which limit, and which tests are evidence for the method. \
This page is written by a test from `test-plans/clauses`, the plans, the limits and the methods; `make bless` writes it again.

What is unread stays unread here: the normative texts of 10/2025 were not available, the editions of 01/2019 of P.1100 and P.1110 \
are known by their tables of contents only, and what they changed in content has not been read. A number with * is assumed, \
not read, for that Recommendation.

| class | how far a limit has been verified |
|---|---|
| A | read in the 2017 or 2025 text by someone who said so publicly |
| B | read in an older edition, or in a national standard derived from it |
| C | from a sister standard or general knowledge: check before use; a verdict on it is *provisional* |
| N | not known: measured without verdict until the lab enters its own value in an overlay |

| state | meaning |
|---|---|
| judged | a plan measures it and a limit of class A or B judges it |
| provisional | a plan measures it and a limit of class C judges it |
| measured | a plan measures it; the limit is class N, or there is none |
| prepares | a plan measures it for other entries or for the reader (informative); nothing is judged |
| held | the program can do it, or holds it in every run; no entry of these plans measures it |
| not covered yet | with the reason |
| – | nothing to measure, or see the sub-clauses |
";

static FILES: LazyLock<Vec<Clauses>> = LazyLock::new(|| {
    let read = |name: &str| {
        let text = BuiltIn.read(Folder::Clauses, name).unwrap();
        read_clauses(&text).unwrap_or_else(|problems| panic!("{problems:#?}"))
    };
    ["2025", "2017"].map(read).into()
});

static EVIDENCE: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let text = BuiltIn.read(Folder::Clauses, "evidence").unwrap();
    read_evidence(&text).unwrap_or_else(|problems| panic!("{problems:#?}"))
});

/// Every Recommendation in every edition, with its file and its plans.
fn recommendations() -> Vec<(&'static Clauses, &'static Recommendation, Vec<ResolvedPlan>)> {
    let engine = Engine::new(Vec::new());
    let plans = |one: &Recommendation| {
        let plan = |name: &String| {
            engine.resolve(name, &[]).unwrap_or_else(|error| panic!("{name}: {error:#?}")).plan
        };
        one.plans.iter().map(plan).collect()
    };
    FILES
        .iter()
        .flat_map(|file| file.recommendations.iter().map(move |one| (file, one, plans(one))))
        .collect()
}

/// The entries of a base id in the plans of a Recommendation, each with the band of its plan.
fn entries<'p>(plans: &'p [ResolvedPlan], base: &str) -> Vec<&'p PlannedEntry> {
    plans.iter().flat_map(|plan| &plan.entries).filter(|one| one.entry.id.base() == base).collect()
}

/// Texts without repetition, in their order.
fn distinct(texts: impl IntoIterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for text in texts {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.join("; ")
}

/// A limit in a few words; a mask by its file.
fn limit_text(limit: &Limit) -> String {
    let name = format!("`{}`", limit.measurand);
    if limit.class == LimitClass::N {
        return format!("{name}: not known");
    }
    let value = wording::limit(limit);
    let mask = limit.origins.last().filter(|origin| origin.file.contains("/masks/"));
    let stem = mask.map(|origin| std::path::Path::new(&origin.file).file_stem().unwrap().to_string_lossy());
    match stem {
        Some(stem) => format!("{name}: {value} {stem}"),
        None => format!("{name} {value}"),
    }
}

/// The state of an entry: the best known of its limits decides.
fn state(found: &[&PlannedEntry]) -> &'static str {
    let classes: BTreeSet<LimitClass> = found
        .iter()
        .filter(|one| !one.informative)
        .flat_map(|one| &one.limits)
        .map(|one| one.class)
        .collect();
    if classes.contains(&LimitClass::A) || classes.contains(&LimitClass::B) {
        "judged"
    } else if classes.contains(&LimitClass::C) {
        "provisional"
    } else if found.iter().all(|one| one.informative) && found.iter().all(|one| one.limits.is_empty()) {
        "prepares"
    } else {
        "measured"
    }
}

/// A test as the page links it.
fn test_link(test: &str) -> String {
    let (file, name) = test.split_once('#').unwrap_or((test, ""));
    format!("[{name}](../{file})")
}

fn tests_text(tests: &[String]) -> String {
    if tests.is_empty() {
        "–".to_owned()
    } else {
        tests.iter().map(|one| test_link(one)).collect::<Vec<_>>().join(", ")
    }
}

/// The rows of a clause.
fn rows(clause: &Clause, recommendation: &str, plans: &[ResolvedPlan]) -> Vec<String> {
    let star = if clause.read.iter().any(|one| one == recommendation) { "" } else { "\\*" };
    let head = format!("| {}{star} | {} |", clause.number.value, clause.title);
    let mut rows = Vec::new();
    for base in &clause.entries {
        let found = entries(plans, base);
        let Some(first) = found.first() else { continue };
        let limits = || found.iter().flat_map(|one| &one.limits);
        let dash = |text: String| if text.is_empty() { "–".to_owned() } else { text };
        let method = &first.entry.method;
        rows.push(format!(
            "{head} `{base}` | {method} | {} | {} | {} | {} |",
            dash(distinct(limits().map(limit_text))),
            dash(distinct(limits().map(|one| one.class.word().to_owned()))),
            tests_text(EVIDENCE.get(method).map_or(&[], Vec::as_slice)),
            state(&found)
        ));
    }
    if let Some(held) = &clause.held {
        rows.push(format!("{head} – | – | {held} | – | {} | held |", tests_text(&clause.tests)));
    }
    if let Some(later) = &clause.later {
        rows.push(format!("{head} – | – | – | – | – | not covered yet: {later} |"));
    }
    if let Some(none) = &clause.none {
        let none = if none == "see its sub-clauses" { "" } else { none };
        rows.push(format!("{head} – | – | {none} | – | – | – |"));
    }
    rows
}

fn section(file: &Clauses, recommendation: &Recommendation, plans: &[ResolvedPlan]) -> String {
    let names: Vec<String> = recommendation.plans.iter().map(|one| format!("`{one}`")).collect();
    let mut text = format!(
        "\n## {} ({})\n\n{}\n\nPlans: {}.\n\n| clause | what it is about | entry | method | limit | class | evidence | state |\n\
         |---|---|---|---|---|---|---|---|\n",
        recommendation.id,
        recommendation.edition,
        recommendation.note,
        names.join(", ")
    );
    for clause in file.of(&recommendation.id) {
        for row in rows(clause, &recommendation.id, plans) {
            let _ = writeln!(text, "{row}");
        }
    }
    text
}

#[test]
fn the_page_of_the_clauses_is_fresh() {
    let sections = recommendations();
    let sections = sections.iter().map(|(file, one, plans)| section(file, one, plans));
    fresh("docs/clauses.md", &sections.fold(HEAD.to_owned(), |page, one| page + &one));
}

#[test]
fn no_clause_is_silent() {
    for (file, one, plans) in recommendations() {
        for clause in file.of(&one.id) {
            let number = &clause.number.value;
            assert!(
                !rows(clause, &one.id, &plans).is_empty(),
                "{} ({}) {number}: none of its entries {:?} is in a plan, and no reason is given",
                one.id,
                one.edition,
                clause.entries
            );
        }
    }
}

#[test]
fn every_entry_of_a_full_plan_stands_in_the_row_of_its_clause() {
    for (file, one, plans) in recommendations() {
        for entry in plans.iter().flat_map(|plan| &plan.entries) {
            let number = &entry.entry.clause.clause;
            let clause = file.of(&one.id).find(|clause| clause.number.value == *number);
            let clause =
                clause.unwrap_or_else(|| panic!("{}: no clause {number} for {}", one.id, entry.entry.id));
            let base = entry.entry.id.base();
            assert!(
                clause.entries.iter().any(|id| id == base),
                "{} ({}): entry '{base}' cites {number}, whose row does not list it",
                one.id,
                one.edition
            );
            assert_eq!(
                (&entry.entry.clause.recommendation, &entry.entry.clause.edition),
                (&one.id, &one.edition)
            );
        }
    }
}

#[test]
fn every_piece_of_evidence_is_a_test_that_exists() {
    let of_methods =
        EVIDENCE.iter().flat_map(|(method, tests)| tests.iter().map(move |test| (method.as_str(), test)));
    let of_clauses = FILES.iter().flat_map(|file| &file.clauses);
    let of_clauses =
        of_clauses.flat_map(|one| one.tests.iter().map(|test| (one.number.value.as_str(), test)));
    for (of, test) in of_methods.chain(of_clauses) {
        let (file, name) = test.split_once('#').unwrap_or_else(|| panic!("{of}: '{test}' is not file#name"));
        let text = std::fs::read_to_string(root().join(file))
            .unwrap_or_else(|error| panic!("{of}: {test}: {error}"));
        let at = text.find(&format!("fn {name}()")).unwrap_or_else(|| panic!("{of}: no test {test}"));
        let before: Vec<&str> = text[..at].lines().rev().take(3).collect();
        assert!(before.iter().any(|line| line.contains("#[test]")), "{of}: {test} is no test");
    }
}

/// The cells of a row of the page.
fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split(" | ").map(str::trim).collect()
}

#[test]
fn every_row_that_is_covered_shows_a_test() {
    let mut covered = 0;
    for (file, one, plans) in recommendations() {
        for clause in file.of(&one.id) {
            for row in rows(clause, &one.id, &plans) {
                let cells = cells(&row);
                let &[number, _, entry, _, _, _, evidence, state] = cells.as_slice() else {
                    panic!("{} cells: {row}", cells.len())
                };
                let is_open = state == "–" || state.starts_with("not covered yet");
                let shown = evidence.contains("](../") && evidence.contains(".rs)");
                assert!(is_open != shown, "{} {number} {entry}: {state}, evidence {evidence}", one.id);
                covered += usize::from(shown);
            }
        }
    }
    assert!(covered > 100, "{covered}");
}

#[test]
fn every_method_of_a_full_plan_has_evidence() {
    for (_, one, plans) in recommendations() {
        for entry in plans.iter().flat_map(|plan| &plan.entries) {
            let tests = EVIDENCE.get(&entry.entry.method);
            assert!(tests.is_some_and(|tests| !tests.is_empty()), "{}: {}", one.id, entry.entry.method);
        }
    }
}

/// The two levels of the table of contents of P.1100 (10/2025), as the ITU shows them.
const CONTENTS_2025: &str = "1 2 3 3.1 3.2 4 5 6 6.1 6.2 6.3 7 7.1 7.2 7.3 7.4 7.5 7.6 7.7 7.8 7.9 7.10 8 9 9.1 9.2 9.3 \
     10 10.1 10.2 10.3 11 11.1 11.2 11.3 11.4 11.5 11.6 11.7 11.8 11.9 11.10 11.11 11.12 11.13 11.14 12 12.1 12.2 12.3 12.4 \
     12.5 12.6";
/// The sub-clauses of P.1120 (10/2025) of which public readings speak.
const THIRD_LEVEL_2025: &str = "11.11.1 11.11.2 11.11.3 11.11.4 11.11.5 11.11.6 11.12.1 11.12.2 11.12.3 11.12.4 11.13.1 11.13.2 \
     11.13.3 11.13.4 11.14.1 11.14.2 11.14.3 11.14.4 11.14.5 11.14.6";
/// Those of 2017 of which the tables of contents of 2019 and public readings speak.
const CONTENTS_2017: &str = "1 2 3 4 5 6 6.1 6.2 7 7.1 7.1.1 7.1.2 7.1.3 7.1.4 7.1.5 7.1.6 7.1.6.1 7.1.6.2 7.1.7 7.1.8 7.1.8.1 8 \
     8.1 8.2 8.2.1 8.2.2 8.2.3 8.2.4 9.1 9.2 9.2.1 9.2.2 10.1 10.1.1 10.1.2 10.1.3 10.1.4 10.1.5 10.1.6 10.2 10.2.1 10.2.2 \
     10.2.3 10.2.4 10.2.5 11.1 11.2 11.3 11.3.1 11.3.4 11.4 11.5 11.6 11.7 11.8 11.9 11.10 11.11.1 11.11.2 11.11.3 11.11.4 \
     11.11.5 11.11.6 11.11.7 11.11.8.1 11.11.8.2 11.11.8.3 11.11.8.4 11.12.1 11.12.2 11.12.3 11.12.4 11.13.2 11.13.3 11.13.4 \
     11.13.5 11.13.6 12";

#[test]
fn no_clause_of_the_tables_of_contents_is_forgotten() {
    for (file, wanted) in FILES.iter().zip([[CONTENTS_2025, THIRD_LEVEL_2025], [CONTENTS_2017, ""]]) {
        assert_eq!(file.recommendations.len(), 3);
        for one in &file.recommendations {
            let has: BTreeSet<&str> = file.of(&one.id).map(|clause| clause.number.value.as_str()).collect();
            for number in wanted.iter().flat_map(|list| list.split_whitespace()) {
                assert!(has.contains(number), "{} ({}) has no {number}", one.id, one.edition);
            }
        }
    }
    assert!(FILES[0].of("P.1120").any(|one| one.number.value == "Appendix I"));
    assert!(FILES[1].of("P.1110").any(|one| one.number.value == "Annex E"));
}
