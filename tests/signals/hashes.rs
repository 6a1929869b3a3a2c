//! The bits of every signal, pinned: `tests/golden/signal_hashes.toml` and the page about the signals.

use std::fmt::Write as _;

use lombard::signals::{Kind, RATES, SignalSpec};

use super::{ALL, CATALOGUE, Made};
use crate::fresh::fresh;

const HASHES_HEAD: &str = "\
# SHA-256 of the samples of every signal as the catalogue states it, at unit level, as little-endian 32-bit floats:
# any machine makes these bits. `lombard signal render` prints the hash of what it makes. A rate that is not listed
# cannot hold the signal, or is left out with recordings. Written by a test; `make bless` writes it again.
";

const PAGE_HEAD: &str = include_str!("head.md");

fn of(index: usize) -> impl Iterator<Item = &'static Made> {
    ALL.iter().filter(move |one| one.index == index)
}

/// The section of one signal.
fn section(index: usize, spec: &SignalSpec) -> String {
    let mut text = format!("\n### `{}`\n\n{}. {}.\n\n", spec.id, spec.title, spec.role);
    let rates: Vec<String> = of(index).map(|one| format!("{}", f64::from(one.rate) / 1e3)).collect();
    let rates = match spec.kind {
        Kind::Speech(_) | Kind::Dialogue(_) | Kind::WordRamp(_) | Kind::DrivingNoise(_) => {
            "any; pinned at 16 and 48 kHz".to_owned()
        }
        Kind::Extended(_) => "those above twice its band; pinned at 48 kHz".to_owned(),
        _ if rates.len() == RATES.len() => "the five pinned ones".to_owned(),
        _ => format!("{} kHz", rates.join(", ")),
    };
    let _ = writeln!(text, "- source: {}; class {}", spec.source, spec.verified);
    let _ = writeln!(text, "- licence: {}", spec.license);
    let _ = writeln!(text, "- rates: {rates}");
    if let Some(band) = &spec.band_limit {
        let _ = writeln!(text, "- limited to the band {}", band.bandwidth);
    }
    if let Some(licensed) = &spec.stands_in_for {
        let _ = writeln!(
            text,
            "- a lab's own `{}` ({}) takes its place once imported",
            licensed.id, licensed.clause
        );
    }
    if let Some(one) = of(index).find(|one| one.rate == 48_000) {
        let _ = writeln!(text, "- SHA-256 at 48 kHz: `{}`", one.hash);
    }
    text
}

/// One line of the list.
fn line(index: usize, spec: &SignalSpec) -> String {
    let crest = of(index).find(|one| one.rate == 48_000).map_or("none".to_owned(), |one| {
        if one.crest_db.is_finite() { format!("{:.1} dB", one.crest_db) } else { "none".to_owned() }
    });
    let stand_in = if spec.method_equivalent { "stand-in" } else { "" };
    format!(
        "| [`{0}`](#{0}) | {1} | {2} | {3} | {4} s | {crest} | {stand_in} |\n",
        spec.id,
        spec.title,
        spec.verified,
        spec.level_basis.word(),
        spec.seconds,
    )
}

fn page() -> String {
    let mut text = PAGE_HEAD.to_owned();
    text.push_str("\n## Bands\n\n| band | −3 dB | −60 dB | source | class |\n|---|---|---|---|---|\n");
    for band in CATALOGUE.bands() {
        let (low, high) = (band.low, band.high);
        let (half_power, stop) = match high {
            Some(high) => (
                format!("{} and {} Hz", low.half_power_hz, high.half_power_hz),
                format!("{} and {} Hz", low.stop_hz, high.stop_hz),
            ),
            None => (format!("{} Hz", low.half_power_hz), format!("{} Hz", low.stop_hz)),
        };
        let _ = writeln!(
            text,
            "| {} | {half_power} | {stop} | {} | {} |",
            band.bandwidth, band.source, band.verified
        );
    }
    text.push_str(
        "\n## Every signal\n\n| id | signal | class | level | length | crest at 48 kHz | |\n|---|---|---|---|---|---|---|\n",
    );
    for (index, spec) in CATALOGUE.signals().iter().enumerate() {
        text.push_str(&line(index, spec));
    }
    for (index, spec) in CATALOGUE.signals().iter().enumerate() {
        text.push_str(&section(index, spec));
    }
    text
}

#[test]
fn every_signal_has_the_bits_that_are_pinned() {
    let mut text = HASHES_HEAD.to_owned();
    for (index, spec) in CATALOGUE.signals().iter().enumerate() {
        let _ = writeln!(text, "\n[{}]", spec.id);
        for one in of(index) {
            let _ = writeln!(text, "{} = \"{}\"", one.rate, one.hash);
        }
    }
    fresh("tests/golden/signal_hashes.toml", &text);
}

#[test]
fn the_page_of_the_signals_is_fresh() {
    fresh("docs/signals.md", &page());
}

#[test]
fn every_signal_is_made_at_48_khz_and_lasts_as_long_as_it_says() {
    for (index, spec) in CATALOGUE.signals().iter().enumerate() {
        let one = of(index).find(|one| one.rate == 48_000);
        let one = one.unwrap_or_else(|| panic!("{} is not made at 48 kHz", spec.id));
        assert!((one.seconds - spec.seconds).abs() < 1.0 / 48_000.0, "{}: {} s", spec.id, one.seconds);
    }
}
