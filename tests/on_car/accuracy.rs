//! `docs/accuracy.md`: every comparison of a finding with a truth, written and checked here.
//!
//! Numbers are printed so that other processors print the same: their transforms differ in the last bits, so that a
//! finding moves by less than the room of its unit. Whoever blesses the page is told of a number that would not stay.

use std::fmt::Write as _;

use lombard::methods::METHODS;

use super::comparison::{Comparison, all_hold};
use super::{coupling, delay, idle, loudness, volume};
use crate::fresh::fresh;

const HEAD: &str = "# Accuracy

Every method is held against truth before it meets hardware: on virtual cars whose properties are numbers, what a right \
bench must find is worked out by other code than that of the methods (`src/bench/car/truth.rs`: direct sums over taps \
and frequencies, tables of its own) or on paper. Where the spectrum of the stimulus weighs inside a band, the truth is \
weighted by it.

This page is written by a test from the comparisons that it makes (`tests/on_car`); `make bless` writes it again. \
Steady levels and ratings have a tolerance of 0.1 dB, ratings of flat paths 0.03 dB, delays 0.02 ms. Each third octave \
of the sensitivities and of the echo loss is held to 0.1 dB by the same tests. That a car which is off by a quarter of a \
decibel, by two frames or by one step is seen is asserted beside each of them.

| source | meaning |
|---|---|
| model | computed from the model of the car by `truth.rs` |
| paper | added up from the numbers of the car |
| formula | what P.79 makes of sensitivities that are the same in all bands |
";

fn all() -> Vec<Comparison> {
    [
        &*volume::COMPARISONS,
        &*delay::COMPARISONS,
        &*loudness::COMPARISONS,
        &*idle::COMPARISONS,
        &*coupling::COMPARISONS,
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect()
}

/// How a unit is printed.
struct Print {
    decimals: usize,
    /// The steps in which differences are told.
    steps: &'static [f64],
    /// How far a finding may move from one processor to another.
    room: f64,
}

fn print_of(unit: &str) -> Print {
    match unit {
        "ms" => Print { decimals: 3, steps: &[0.001, 0.002, 0.005, 0.01, 0.02], room: 2e-6 },
        "step" => Print { decimals: 0, steps: &[], room: 0.0 },
        _ => Print { decimals: 2, steps: &[0.01, 0.02, 0.05, 0.1], room: 2e-5 },
    }
}

/// Whether a value would be printed otherwise if it moved by `room`.
fn sits_on_an_edge(value: f64, decimals: usize, room: f64) -> bool {
    format!("{:.decimals$}", value - room) != format!("{:.decimals$}", value + room)
}

/// The first step that is not smaller than the difference.
fn at_most(difference: f64, steps: &[f64]) -> String {
    if steps.is_empty() {
        return format!("{difference}");
    }
    steps.iter().find(|step| difference <= **step).map_or("more".to_owned(), |step| format!("≤ {step}"))
}

fn row(one: &Comparison) -> String {
    let Print { decimals, steps, room } = print_of(one.unit);
    let difference = at_most(one.difference(), steps);
    if std::env::var_os("LOMBARD_BLESS").is_some() {
        let told = |difference: f64| at_most(difference.max(0.0), steps);
        let moves = told(one.difference() + room) != told(one.difference() - room)
            || [one.truth, one.measured].iter().any(|value| sits_on_an_edge(*value, decimals, room));
        assert!(!moves, "change the case a little, it sits on an edge of the print: {one:?}");
    }
    let number = |value: f64| format!("{value:.decimals$}").replace('-', "−");
    let (truth, measured) = (number(one.truth), number(one.measured));
    format!(
        "| {} | {truth} | {measured} | {difference} | {} | {} |\n",
        one.case,
        one.tolerance,
        one.source.word()
    )
}

fn page(all: &[Comparison]) -> String {
    let mut page = HEAD.to_owned();
    for method in METHODS {
        let card = method.card();
        let _ = write!(page, "\n## {}\n", card.title);
        for measurand in card.measurands {
            let rows: Vec<&Comparison> = all.iter().filter(|one| one.measurand == measurand.id).collect();
            let Some(first) = rows.first() else { continue };
            let _ = write!(
                page,
                "\n### `{}` in {}\n\n{}\n\n| case | truth | measured | difference | tolerance | source |\n\
                 |---|--:|--:|--:|--:|---|\n",
                measurand.id, first.unit, measurand.doc
            );
            page.extend(rows.into_iter().map(row));
        }
    }
    page
}

#[test]
fn accuracy_is_what_the_page_says() {
    let all = all();
    all_hold(&all);
    for one in &all {
        assert!(METHODS.iter().any(|method| method.card().id == one.method), "{one:?}");
    }
    fresh("docs/accuracy.md", &page(&all));
}

#[test]
fn a_number_on_an_edge_is_seen() {
    assert!(
        sits_on_an_edge(1.235, 2, 2e-5) && !sits_on_an_edge(1.236, 2, 2e-5) && !sits_on_an_edge(3.0, 0, 0.0)
    );
    assert_eq!(at_most(0.0, &[0.01, 0.02]), "≤ 0.01");
    assert_eq!(at_most(0.011, &[0.01, 0.02]), "≤ 0.02");
    assert_eq!(at_most(f64::NAN, &[0.01]), "more");
}
