//! The clauses of the Recommendations as data: what stands for each in this program, or why nothing does yet.
//!
//! `test-plans/clauses/*.toml`, one file for each generation of editions, and `evidence.toml` with the tests that hold
//! each method. `docs/clauses.md` is written from them, the plans and the limits.

use std::collections::BTreeMap;

use crate::document::{Placed, Table, read};
use crate::problem::{Problem, SourceText};

/// A Recommendation in one edition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommendation {
    /// Its name: `P.1110`.
    pub id: String,
    /// Its edition: `10/2025`.
    pub edition: String,
    /// The plans that measure it.
    pub plans: Vec<String>,
    /// How far its numbering is known.
    pub note: String,
}

/// A clause.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// Its number, as entries cite it: `11.3`, `Annex A`.
    pub number: Placed<String>,
    /// What it is about, in own words.
    pub title: String,
    /// The Recommendations that have it; empty: all of the file.
    pub only: Vec<String>,
    /// The Recommendations in which this number was read; in the others it is assumed.
    pub read: Vec<String>,
    /// Entries of the plans that measure what it asks for, by their ids without conditions.
    pub entries: Vec<String>,
    /// What the program itself holds of it, without an entry.
    pub held: Option<String>,
    /// Tests that show it, as `tests/plans.rs#name`, beside those of the methods of its entries.
    pub tests: Vec<String>,
    /// Why it is not covered yet.
    pub later: Option<String>,
    /// Why there is nothing to measure.
    pub none: Option<String>,
}

/// The clauses of a generation of editions.
#[derive(Debug, Clone, PartialEq)]
pub struct Clauses {
    /// The title of the file.
    pub title: String,
    /// The Recommendations.
    pub recommendations: Vec<Recommendation>,
    /// The clauses in the order of the Recommendations.
    pub clauses: Vec<Clause>,
}

impl Clauses {
    /// The clauses of a Recommendation.
    pub fn of<'c>(&'c self, recommendation: &'c str) -> impl Iterator<Item = &'c Clause> {
        self.clauses
            .iter()
            .filter(move |one| one.only.is_empty() || one.only.iter().any(|id| id == recommendation))
    }
}

/// Reads a file of clauses.
///
/// # Errors
/// Every problem, with its place: a number that stands twice for one Recommendation; a clause for which nothing is
/// said, or contradictory things.
pub fn read_clauses(source: &SourceText) -> Result<Clauses, Vec<Problem>> {
    read(source, |root| {
        let title = root.need_text("title");
        let recommendations: Vec<Recommendation> =
            root.tables("recommendation").iter().filter_map(recommendation).collect();
        let clauses: Vec<Clause> = root.tables("clause").iter().filter_map(clause).collect();
        for (at, one) in clauses.iter().enumerate() {
            let shares = |other: &&Clause| {
                one.only.is_empty()
                    || other.only.is_empty()
                    || one.only.iter().any(|id| other.only.contains(id))
            };
            let same = |other: &&Clause| other.number.value == one.number.value;
            if clauses[..at].iter().filter(same).any(|other| shares(&other)) {
                root.problems().report(
                    one.number.place.clone(),
                    "a clause stands twice",
                    format!("'{}' again", one.number.value),
                    "each number once for a Recommendation",
                    "merge the two, or say `only` which Recommendation has it",
                );
            }
        }
        Some(Clauses { title: title?.value, recommendations, clauses })
    })
}

fn recommendation(table: &Table<'_>) -> Option<Recommendation> {
    let (id, edition) = (table.need_text("id"), table.need_text("edition"));
    let plans = texts(table, "plans");
    let note = table.need_text("note");
    table.finish();
    Some(Recommendation { id: id?.value, edition: edition?.value, plans, note: note?.value })
}

fn clause(table: &Table<'_>) -> Option<Clause> {
    let (number, title) = (table.need_text("number"), table.need_text("title"));
    let [only, read, entries, tests] = ["only", "read", "entries", "tests"].map(|key| texts(table, key));
    let [held, later, none] = ["held", "later", "none"].map(|key| table.text(key).map(|one| one.value));
    table.finish();
    let number = number?;
    let is_covered = !entries.is_empty() || held.is_some();
    let said = [is_covered, later.is_some(), none.is_some()].into_iter().filter(|one| *one).count();
    if said != 1 {
        table.problems().report(
            number.place.clone(),
            format!(
                "clause {} says {} of its coverage",
                number.value,
                if said == 0 { "nothing" } else { "two things" }
            ),
            format!("{said} of: entries or held, later, none"),
            "what measures or holds it, or why it is not covered yet, or why there is nothing to measure",
            "keep one of them",
        );
    }
    Some(Clause { number, title: title?.value, only, read, entries, held, tests, later, none })
}

/// Texts that may be absent.
fn texts(table: &Table<'_>, key: &str) -> Vec<String> {
    if !table.has(key) {
        table.text(key);
        return Vec::new();
    }
    table.texts(key).unwrap_or_default().into_iter().map(|one| one.value).collect()
}

/// Reads the evidence: the tests that hold each method, by its id.
///
/// # Errors
/// Every problem, with its place.
pub fn read_evidence(source: &SourceText) -> Result<BTreeMap<String, Vec<String>>, Vec<Problem>> {
    read(source, |root| {
        root.need_text("title");
        let mut evidence = BTreeMap::new();
        for table in root.tables("method") {
            let id = table.need_text("id");
            let tests = texts(&table, "tests");
            table.finish();
            evidence.extend(id.map(|id| (id.value, tests)));
        }
        Some(evidence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(clauses: &str) -> Vec<String> {
        let text = format!("title = 't'\n{clauses}");
        let found = read_clauses(&SourceText::new("c.toml", text)).err().unwrap_or_default();
        found.into_iter().map(|one| one.title).collect()
    }

    #[test]
    fn a_clause_says_one_thing_of_its_coverage() {
        let clause = |rest: &str| format!("[[clause]]\nnumber = '1'\ntitle = 'a'\n{rest}\n");
        for good in
            ["none = 'n'", "later = 'l'", "entries = ['e']", "held = 'h'", "held = 'h'\nentries = ['e']"]
        {
            assert!(problems(&clause(good)).is_empty(), "{good}");
        }
        for bad in ["", "none = 'n'\nlater = 'l'", "entries = ['e']\nlater = 'l'", "held = 'h'\nnone = 'n'"] {
            assert_eq!(problems(&clause(bad)).len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_number_stands_once_for_each_recommendation() {
        let clause = |only: &str| format!("[[clause]]\nnumber = '1'\ntitle = 'a'\nnone = 'n'\n{only}\n");
        let two = |a: &str, b: &str| problems(&(clause(a) + &clause(b)));
        assert_eq!(two("", ""), ["a clause stands twice"]);
        assert_eq!(two("only = ['P.1100']", ""), ["a clause stands twice"]);
        assert!(two("only = ['P.1100']", "only = ['P.1110']").is_empty());
    }
}
