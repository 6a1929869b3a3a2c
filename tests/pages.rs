//! Pages below `docs/` that are written from the program.

use std::fmt::Write as _;

use lombard::methods::{Card, METHODS};

use crate::fresh::fresh;
use crate::source::root;

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
    for fact in card.facts_wanted {
        let _ = write!(
            text,
            "\nWhere an entry of the plan finds the fact `{fact}`, it waits for it and uses it.\n"
        );
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

const METERS_HEAD: &str = "# Meters

What `lombard measure` reads from WAV files, and how: the definition of each meter, as it stands at the head of its source. \
The methods use the same code. This page is written by a test; `make bless` writes it again. The options stand in \
[cli.md](cli.md#lombard-measure), the residuals against formulas and tools of other makers in [accuracy.md](accuracy.md#meters).

Conventions of all meters:

- 0 dBov is a mean square of 1.0, so a full-scale sine has −3.01 dBov. `--zero-dbov` tells the physical level of 0 dBov \
and adds levels in its unit.
- Files of any rate and sample format are read as they are. Nothing is resampled, mixed or normalized: files of two rates, \
or several channels without a choice, are refused.
- A pair of files begins at the same instant; what came later is the delay.
- JSON has neither NaN nor infinity: a number that does not exist is `null`.
";

/// The meters in the order of `lombard measure --help`, with the files that define them.
const METERS: &[(&str, &str)] = &[
    ("active-level", "src/cli/measure/active_level.rs"),
    ("level", "src/cli/measure/level.rs"),
    ("bands", "src/meters/bands.rs"),
    ("delay", "src/meters/delay.rs"),
    ("response", "src/meters/response.rs"),
    ("loudness-rating", "src/meters/loudness.rs"),
    ("coupling-loss", "src/meters/coupling.rs"),
    ("echo-attenuation", "src/meters/echo_attenuation.rs"),
    ("distortion", "src/meters/distortion.rs"),
    ("mask", "src/cli/measure/mask.rs"),
    ("activation", "src/meters/activation.rs"),
    ("double-talk", "src/meters/double_talk.rs"),
    ("noise-change", "src/meters/noise_change.rs"),
    ("speech-quality", "src/meters/quality.rs"),
];

/// What the head of a file says, as a section of the page.
fn meter_section((name, path): &(&str, &str)) -> String {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    let head = text.lines().map_while(|line| line.strip_prefix("//!"));
    // A title of the file itself stands in for the section's own.
    let lines: Vec<&str> = head.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    // Links to items belong to the pages of the code.
    let body = lines.join("\n").replace("\\[", "[").replace("\\]", "]");
    format!("\n## {name}\n\n{}\n", body.trim())
}

#[test]
fn the_page_of_the_meters_is_fresh_and_complete() {
    let sections: String = METERS.iter().map(meter_section).collect();
    fresh("docs/meters.md", &(METERS_HEAD.to_owned() + &sections));
    // Every command has its section, in the same order.
    let reference = lombard::cli::reference();
    let commands: Vec<&str> =
        reference.lines().filter_map(|line| line.strip_prefix("## lombard measure ")).collect();
    let told: Vec<&str> = METERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(commands, told);
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
