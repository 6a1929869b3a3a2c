//! Reads points of the cabin and driving noise.

use super::{Corners, hertz, ordered, refer, seconds, unique};
use crate::document::Table;
use crate::signals::field::{DrivingNoise, Point};
use crate::units::Unit;
use std::collections::BTreeMap;

/// The longest period of a noise: two minutes are 2.4 million lines.
const PERIOD_MAX_S: f64 = 120.0;

/// The widest wander.
const WANDER_MAX_DB: f64 = 20.0;

/// The most points of a cabin.
const POINTS_MAX: usize = 64;

/// Every `[[point]]`, in the order of the file.
pub(super) fn points(root: &Table<'_>) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for table in root.tables("point") {
        let id = table.need_text("id");
        if !table.has("at") {
            table.missing("at", "three lengths: to the front, to the left, up");
        }
        let place = table.place().clone();
        let at = table.quantities("at", &[Unit::Meter]).unwrap_or_default();
        let at: Vec<f64> = at.iter().map(|one| one.value.value).collect();
        match (id, <[f64; 3]>::try_from(at)) {
            (Some(id), Ok(at_m)) => {
                unique(&table, &id, points.iter().any(|other| other.id == id.value));
                points.push(Point { id: id.value, at_m });
            }
            (_, Err(at)) if table.has("at") => table.problems().report(
                place,
                "a point is no place",
                format!("{} lengths", at.len()),
                "three lengths in m: to the front, to the left, up",
                "correct `at`",
            ),
            _ => {}
        }
        table.finish();
    }
    points
}

/// `[signal.driving_noise]`.
pub(super) fn driving_noise(
    table: &Table<'_>,
    shapes: &BTreeMap<String, Corners>,
    points: &[Point],
) -> Option<DrivingNoise> {
    let shape = table.need_text("shape");
    let corners = shape.and_then(|name| {
        let found = shapes.get(&name.value).cloned();
        if found.is_none() {
            refer(table, &name, "shape", &shapes.keys().map(String::as_str).collect::<Vec<_>>());
        }
        found
    });
    let level = table.need_quantity("level_at_driver_head", &[Unit::DbA]);
    let wander = table.need_quantity("wander", &[Unit::Db]);
    let period_s = seconds(table, "period");
    let low_hz = hertz(table, "low");
    let high_hz = hertz(table, "high");
    let band_hz = low_hz?..high_hz?;
    ordered(table, "low and high", Some(&(band_hz.clone(), Some(table.place().clone()))));
    if points.first().is_none_or(|point| point.id != crate::signals::field::DRIVER_HEAD) {
        table.problems().report(
            table.place().clone(),
            "driving noise has no points",
            points.first().map_or("no [[point]]".to_owned(), |first| format!("'{}' as the first", first.id)),
            "tables [[point]], the first with id = \"driver-head\"",
            "add the points of the cabin",
        );
        return None;
    }
    let period_s = period_s?;
    let wander = wander?;
    if period_s > PERIOD_MAX_S || wander.value.value.abs() > WANDER_MAX_DB || points.len() > POINTS_MAX {
        table.problems().report(
            table.place().clone(),
            "driving noise is beyond what can be made",
            format!("a period of {period_s} s, a wander of {}, {} points", wander.value, points.len()),
            format!("at most {PERIOD_MAX_S} s, {WANDER_MAX_DB} dB and {POINTS_MAX} points"),
            "correct period, wander or the points",
        );
        return None;
    }
    Some(DrivingNoise {
        corners: corners?,
        level_dba: level?.value.value,
        wander_db: wander.value.value.abs(),
        period_s,
        band_hz,
        points: points.to_vec(),
    })
}
