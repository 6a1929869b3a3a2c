//! Pages below `docs/` that are written from the program.

use std::fmt::Write as _;

use lombard::methods::{Card, METHODS};

use crate::fresh::fresh;

const HEAD: &str = "# Methods

What each method measures, how it computes it, and what a plan may tell it. This page is written by a test from the \
methods themselves (`src/methods`); `make bless` writes it again. How close each comes to the truth stands in \
[accuracy.md](accuracy.md).
";

/// The methods with links to their sections.
fn contents() -> String {
    let mut text = String::from("\n| id | method | measurands |\n|---|---|---|\n");
    for card in METHODS.iter().map(|method| method.card()) {
        let measurands: Vec<String> = card.measurands.iter().map(|one| format!("`{}`", one.id)).collect();
        let anchor = card.title.to_lowercase().replace(' ', "-");
        let _ = writeln!(text, "| `{}` | [{}](#{anchor}) | {} |", card.id, card.title, measurands.join(", "));
    }
    text
}

/// The page of a method, its headings one level down, with what the card knows.
fn section(card: &Card) -> String {
    let mut text = String::from("\n");
    for line in card.page().lines() {
        let deeper = if line.starts_with('#') { "#" } else { "" };
        let _ = writeln!(text, "{deeper}{line}");
    }
    let _ = write!(
        text,
        "\n### Measurands\n\nIn a plan the method is `{}`; it takes at most {} {}.\n\n| measurand | unit | what it is |\n\
         |---|---|---|\n",
        card.id,
        card.takes_max,
        if card.takes_max == 1 { "recording" } else { "recordings" }
    );
    for one in card.measurands {
        let _ = writeln!(text, "| `{}` | {} | {} |", one.id, one.unit, one.doc);
    }
    for (fact, measurand) in card.facts_found {
        let _ = write!(text, "\nIts `{measurand}` is the fact `{fact}` for entries that wait for it.\n");
    }
    for fact in card.facts_needed {
        let _ = write!(text, "\nIt waits for the fact `{fact}`.\n");
    }
    text.push_str(
        "\n### Parameters\n\n| parameter | what may be written | default | what it is |\n|---|---|---|---|\n",
    );
    for one in card.parameters {
        let default = one.default.map_or("the plan must give it".to_owned(), |text| format!("`{text}`"));
        let _ = writeln!(text, "| `{}` | {} | {default} | {} |", one.key, one.kind, one.doc);
    }
    text
}

#[test]
fn the_page_of_the_methods_is_fresh() {
    let sections = METHODS.iter().map(|method| section(method.card()));
    fresh("docs/methods.md", &sections.fold(HEAD.to_owned() + &contents(), |page, one| page + &one));
}

#[test]
fn every_method_has_the_headings_of_the_house_and_a_default_that_is_understood() {
    for card in METHODS.iter().map(|method| method.card()) {
        let page = card.page();
        assert!(page.starts_with(&format!("# {}\n", card.title)), "{}", card.id);
        for heading in [
            "## What it measures",
            "## Where it is defined",
            "## Stimulus and capture points",
            "## Computation",
            "## What makes it inconclusive",
            "## How to read the result",
        ] {
            assert!(page.contains(heading), "{} has no '{heading}'", card.id);
        }
        for one in card.parameters {
            if let Some(default) = one.default {
                assert!(
                    lombard::entry::parse_parameter(one.kind, default).is_ok(),
                    "{} {}",
                    card.id,
                    one.key
                );
            }
        }
    }
}
