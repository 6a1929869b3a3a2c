//! `[moved]` of a car file: a HATS that somebody bumps into after some calls.

use super::cabin::{inside_of, triple};
use super::{GAIN_LIMIT_DB, quantity_or, within};
use crate::bench::car::spec::{CabinSpec, Moved, PathsSpec};
use crate::document::{Placed, Table};
use crate::units::Unit;

/// More calls than any run makes.
const CALLS_MAX: f64 = 10_000.0;

/// How the HATS moves: to other lips in a shoebox cabin, by gains of its paths in an ideal one. `Some(None)`: not at all.
#[expect(clippy::option_option, reason = "absent and reported are two things")]
pub(super) fn moved_of(root: &Table<'_>, cabin: &CabinSpec) -> Option<Option<Moved>> {
    if !root.has("moved") {
        root.table("moved");
        return Some(None);
    }
    let table = root.table("moved")?;
    if !table.has("after_calls") {
        table.missing("after_calls", "after how many calls the HATS moves, as in 1");
    }
    let after = table.integer("after_calls").and_then(|calls| {
        let value = Placed { value: calls.value as f64, place: calls.place };
        within(&table, "after_calls", value, 1.0, CALLS_MAX, "")
    });
    let moved = match &cabin.paths {
        PathsSpec::Shoebox(shoebox) => {
            let lips =
                triple(&table, "lips").and_then(|lips| inside_of(&table, "lips", lips, shoebox.size_m));
            lips.map(|lips| (Some(lips), 0.0, 0.0))
        }
        PathsSpec::Ideal(_) => {
            let mouth = gain(&table, "mouth");
            let ears = gain(&table, "ears");
            mouth.zip(ears).map(|(mouth, ears)| (None, mouth, ears))
        }
    };
    table.finish();
    let (lips_m, mouth_db, ears_db) = moved?;
    Some(Some(Moved { after_calls: after? as u32, lips_m, mouth_db, ears_db }))
}

/// A gain that may be absent: 0 dB.
fn gain(table: &Table<'_>, key: &str) -> Option<f64> {
    quantity_or(table, key, Unit::Db, 0.0, (-GAIN_LIMIT_DB, GAIN_LIMIT_DB))
}
