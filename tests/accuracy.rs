//! `docs/accuracy.md`: every comparison of a finding with a truth, written and checked here.
//!
//! Numbers are printed so that other processors print the same: their transforms differ in the last bits, so that a
//! finding moves by less than the room of its unit. Whoever blesses the page is told of a number that would not stay.

use std::fmt::Write as _;

use lombard::methods::METHODS;

use crate::fresh::fresh;
use crate::meters::residual::{self, Residual};
use crate::meters::residuals;
use crate::on_car::comparison::{self, Comparison};
use crate::on_car::comparisons;

const HEAD: &str = "# Accuracy

Two parts: the methods on virtual cars, from the plan to the finding, and the meters on signals, as `lombard measure` uses \
them. `make accuracy` writes this page again from the comparisons that its tests make; a difference beyond its tolerance \
is a failed test, so the page cannot say what does not hold.

# Methods on virtual cars

Every method is held against truth before it meets hardware: on virtual cars whose properties are numbers, what a right \
bench must find is worked out by other code than that of the methods (`src/bench/car/truth.rs`: direct sums over taps \
and frequencies, tables of its own) or on paper. Where the spectrum of the stimulus weighs inside a band, the truth is \
weighted by it.

The comparisons stand in `tests/on_car`; the date is the day on which the truth was worked out. \
Steady levels and ratings have a tolerance of 0.1 dB, ratings of flat paths 0.03 dB, delays 0.02 ms. Each third octave \
of the sensitivities and of the echo loss is held to 0.1 dB by the same tests. That a car which is off by a quarter of a \
decibel, by two frames or by one step is seen is asserted beside each of them.

| source | meaning |
|---|---|
| model | computed from the model of the car by `truth.rs` |
| paper | added up from the numbers of the car |
| formula | what P.79 makes of sensitivities that are the same in all bands |
";

/// The day on which the truths of the cars were worked out.
const CAR_DATE: &str = "2026-11-30";

const METERS: &str = "
# Meters

Each meter against a truth of other origin: a formula, a table, or a tool of another maker, by its name and version, with \
the day on which the truth was worked out or the tool was run (the scripts stand in `tests/golden`). Where many points are \
compared the row gives the largest difference. The comparisons, and the proof that each can fail, stand in `tests/meters`.
";

/// How a unit is printed.
struct Print {
    decimals: usize,
    /// The steps in which differences are told.
    steps: &'static [f64],
    /// How far a finding may move from one processor to another.
    room: f64,
}

fn print_of(one: &Comparison) -> Print {
    match (one.measurand, one.unit) {
        // Times are read in whole frames or in whole steps of a meter: they do not move a little.
        (
            "activation_build_up_send"
            | "activation_build_up_receive"
            | "attenuation_build_up_send"
            | "attenuation_build_up_receive",
            _,
        ) => Print { decimals: 2, steps: &[0.02, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0], room: 0.0 },
        ("noise_setup_settling", _) => Print { decimals: 3, steps: &[0.005, 0.01, 0.02, 0.05], room: 0.0 },
        // On a meter of 5 ms, while the gain moves: half a decibel is asked for.
        ("attenuation_range_send" | "attenuation_range_receive", _) => {
            Print { decimals: 2, steps: &[0.02, 0.05, 0.1, 0.2, 0.5], room: 2e-5 }
        }
        (_, unit) => print_of_unit(unit),
    }
}

fn print_of_unit(unit: &str) -> Print {
    match unit {
        "ms" => Print { decimals: 3, steps: &[0.001, 0.002, 0.005, 0.01, 0.02], room: 2e-6 },
        // Edges of a band are read in whole steps of some hertz: they do not move a little.
        "Hz" => Print { decimals: 0, steps: &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0], room: 0.0 },
        "%" => Print { decimals: 2, steps: &[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0], room: 2e-5 },
        "step" => Print { decimals: 0, steps: &[], room: 0.0 },
        _ => Print { decimals: 2, steps: &[0.01, 0.02, 0.05, 0.1], room: 2e-5 },
    }
}

/// Whether a value would be printed otherwise if it moved by `room`.
fn sits_on_an_edge(value: f64, decimals: usize, room: f64) -> bool {
    printed(value - room, decimals) != printed(value + room, decimals)
}

/// A number as the page prints it; zero has no sign.
fn printed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = text.trim_start_matches('-').bytes().all(|byte| byte == b'0' || byte == b'.');
    if is_zero { text.trim_start_matches('-').to_owned() } else { text.replace('-', "−") }
}

/// The first step that is not smaller than the difference.
fn at_most(difference: f64, steps: &[f64]) -> String {
    if steps.is_empty() {
        return format!("{difference}");
    }
    steps.iter().find(|step| difference <= **step).map_or("more".to_owned(), |step| format!("≤ {step}"))
}

/// Whether the row of a comparison would be another one on another processor.
fn may_move(one: &Comparison) -> bool {
    let Print { decimals, steps, room } = print_of(one);
    let told = |difference: f64| at_most(difference.max(0.0), steps);
    told(one.difference() + room) != told(one.difference() - room)
        || [one.truth, one.measured].iter().any(|value| sits_on_an_edge(*value, decimals, room))
}

fn row(one: &Comparison) -> String {
    let Print { decimals, steps, .. } = print_of(one);
    let difference = at_most(one.difference(), steps);
    let (truth, measured) = (printed(one.truth, decimals), printed(one.measured, decimals));
    format!(
        "| {} | {truth} | {measured} | {difference} | {} | {} | {CAR_DATE} |\n",
        one.case,
        one.tolerance,
        one.source.word()
    )
}

fn page(all: &[Comparison]) -> String {
    if std::env::var_os("LOMBARD_BLESS").is_some() {
        let moving: Vec<&Comparison> = all.iter().filter(|one| may_move(one)).collect();
        assert!(
            moving.is_empty(),
            "change these cases a little, they sit on an edge of the print: {moving:#?}"
        );
    }
    let mut page = HEAD.to_owned();
    for method in METHODS {
        let card = method.card();
        let _ = write!(page, "\n## {}\n", card.title);
        for measurand in card.measurands {
            let rows: Vec<&Comparison> = all.iter().filter(|one| one.measurand == measurand.id).collect();
            let Some(first) = rows.first() else { continue };
            let _ = write!(
                page,
                "\n### `{}` in {}\n\n{}\n\n| case | truth | measured | difference | tolerance | source | date |\n\
                 |---|--:|--:|--:|--:|---|---|\n",
                measurand.id, first.unit, measurand.doc
            );
            page.extend(rows.into_iter().map(row));
        }
    }
    page
}

/// The first preferred number (ISO 3, R10) from a millionth on that is not smaller, and no more than the tolerance, which
/// is held anyway.
fn at_most_preferred(difference: f64, tolerance: f64) -> String {
    const R10: [f64; 10] = [1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0];
    let steps = (-6..6).flat_map(|decade| R10.map(|step| format!("{step}e{decade}")));
    let step = steps.map(|text| text.parse::<f64>().expect("a number")).find(|step| difference <= *step);
    match step {
        Some(step) if step < tolerance || tolerance == 0.0 => format!("≤ {step}"),
        _ => format!("≤ {tolerance}"),
    }
}

/// How a unit of the meters is printed, and by how much a reading may move from one processor to another. Meters are
/// double precision throughout; scores come from models in single precision.
fn meter_print(unit: &str) -> (usize, f64) {
    match unit {
        "score" => (2, 2e-4),
        unit if unit.starts_with("dB") => (3, 1e-7),
        _ => (4, 1e-7),
    }
}

fn meter_row(one: &Residual) -> String {
    let (decimals, room) = meter_print(one.unit);
    let told = |difference: f64| {
        let shown = if one.unit == "score" { one.tolerance } else { difference.max(0.0) };
        at_most_preferred(shown, one.tolerance)
    };
    if std::env::var_os("LOMBARD_BLESS").is_some() {
        // Of large differences the last digits move, of small ones what is left of rounding.
        let moves = 1e-6 * one.difference + 1e-9;
        let on_edge = told(one.difference + moves) != told(one.difference - moves)
            || one.values.is_some_and(|(_, measured)| sits_on_an_edge(measured, decimals, room));
        assert!(!on_edge, "change the case a little, it sits on an edge of the print: {one:?}");
    }
    let number = |value: f64| format!("{value:.decimals$}").replace('-', "−");
    let (truth, measured) = match one.values {
        Some((truth, measured)) => (number(truth), number(measured)),
        None => (String::new(), String::new()),
    };
    format!(
        "| {} | {truth} | {measured} | {} | {} | {} | {} | {} |\n",
        one.case,
        told(one.difference),
        one.tolerance,
        one.unit,
        one.truth.by,
        one.truth.date
    )
}

fn meter_pages(all: &[Residual]) -> String {
    let mut page = METERS.to_owned();
    let mut meters: Vec<&str> = all.iter().map(|one| one.meter).collect();
    meters.dedup();
    for meter in meters {
        // What no command measures has a name in words.
        let head = if meter.contains(' ') { meter.to_owned() } else { format!("`measure {meter}`") };
        let _ = write!(
            page,
            "\n## {head}\n\n| case | truth | measured | difference | tolerance | unit | truth by | date |\n\
             |---|--:|--:|--:|--:|---|---|---|\n"
        );
        page.extend(all.iter().filter(|one| one.meter == meter).map(meter_row));
    }
    page
}

#[test]
fn accuracy_is_what_the_page_says() {
    let (all, meters) = (comparisons(), residuals());
    comparison::all_hold(&all);
    residual::all_hold(&meters);
    for one in &all {
        assert!(METHODS.iter().any(|method| method.card().id == one.method), "{one:?}");
    }
    fresh("docs/accuracy.md", &(page(&all) + &meter_pages(&meters)));
}

#[test]
fn a_number_on_an_edge_is_seen() {
    assert!(
        sits_on_an_edge(1.235, 2, 2e-5) && !sits_on_an_edge(1.236, 2, 2e-5) && !sits_on_an_edge(3.0, 0, 0.0)
    );
    assert_eq!(at_most(0.0, &[0.01, 0.02]), "≤ 0.01");
    assert_eq!(at_most(0.011, &[0.01, 0.02]), "≤ 0.02");
    assert_eq!(at_most(f64::NAN, &[0.01]), "more");
    assert_eq!(at_most_preferred(0.24, 0.3), "≤ 0.25");
    assert_eq!(at_most_preferred(0.26, 0.3), "≤ 0.3");
    assert_eq!(at_most_preferred(0.0, 0.0), "≤ 0.000001");
    assert_eq!(at_most_preferred(3.0e-5, 0.02), "≤ 0.0000315");
}
