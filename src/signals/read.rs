//! Reads `catalogue.toml`: wire form to [`Catalogue`], with every problem placed.

use std::collections::BTreeMap;
use std::ops::Range;

use super::catalogue::{
    Catalogue, Composite, Draw, Kind, Licensed, NoiseRule, ShapedNoise, SignalSpec, SpeechSequence,
};
use crate::document::{Placed, Table};
use crate::problem::Place;
use crate::units::Unit;

type Corners = Vec<(f64, f64)>;

/// The tables `[[shape]]`, `[[licensed]]` and `[[signal]]`.
pub(super) fn catalogue(root: &Table<'_>) -> Catalogue {
    let mut shapes = BTreeMap::new();
    for table in root.tables("shape") {
        if let Some((id, corners)) = shape(&table) {
            unique(&table, &id, shapes.insert(id.value.clone(), corners).is_some());
        }
        table.finish();
    }
    let mut licensed: Vec<Licensed> = Vec::new();
    for table in root.tables("licensed") {
        if let Some((id, one)) = licensed_recording(&table) {
            unique(&table, &id, licensed.iter().any(|other| other.id == one.id));
            licensed.push(one);
        }
        table.finish();
    }
    let mut signals: Vec<SignalSpec> = Vec::new();
    for table in root.tables("signal") {
        if let Some((id, one)) = signal(&table, &shapes, &licensed) {
            unique(&table, &id, signals.iter().any(|other| other.id == one.id));
            signals.push(one);
        }
        table.finish();
    }
    Catalogue::new(signals, licensed)
}

fn unique(table: &Table<'_>, id: &Placed<String>, taken: bool) {
    if taken {
        table.problems().report(
            id.place.clone(),
            "an id is used twice",
            format!("'{}' again", id.value),
            "an id of its own",
            "choose another id",
        );
    }
}

fn shape(table: &Table<'_>) -> Option<(Placed<String>, Corners)> {
    let id = table.need_text("id");
    table.need_text("source");
    table.need_text("verified");
    if !table.has("corners") {
        table.points("corners");
        table.missing("corners", "pairs of a frequency in Hz and a level in dB");
        return None;
    }
    let corners = table.points("corners")?;
    let rising = corners.value.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if corners.value.len() < 2 || !rising || corners.value[0].0 <= 0.0 {
        table.problems().report(
            corners.place,
            "the corners of a shape do not rise",
            format!("{} corners", corners.value.len()),
            "at least two corners with rising frequencies above 0 Hz",
            "sort them by frequency",
        );
        return None;
    }
    Some((id?, corners.value))
}

fn licensed_recording(table: &Table<'_>) -> Option<(Placed<String>, Licensed)> {
    let id = table.need_text("id");
    let title = table.need_text("title");
    let clause = table.need_text("clause");
    let role = table.need_text("role");
    let file = table.need_text("file");
    let verified = table.need_text("verified");
    let seconds_min = seconds(table, "seconds_min");
    let seconds_max = seconds(table, "seconds_max");
    let avoid = table.texts("avoid").unwrap_or_default();
    let channels = match table.integer("channels") {
        Some(_) => count(table, "channels"),
        None => Some(1),
    };
    let names = table.texts("names");
    if names.as_ref().is_none_or(Vec::is_empty) {
        table.missing("names", "a list of texts, each with words that occur in the name of the file");
    }
    let names = names?.into_iter().map(|one| one.value.split_whitespace().map(str::to_lowercase).collect());
    let id = id?;
    let one = Licensed {
        id: id.value.clone(),
        title: title?.value,
        clause: clause?.value,
        role: role?.value,
        file: file?.value,
        names: names.collect(),
        avoid: avoid.into_iter().map(|one| one.value.to_lowercase()).collect(),
        channels: channels?,
        verified: verified?.value,
        seconds: seconds_min?..seconds_max?,
    };
    Some((id, one))
}

fn seconds(table: &Table<'_>, key: &str) -> Option<f64> {
    positive(table, key, &[Unit::Second, Unit::Millisecond]).and_then(|(value, unit)| match unit {
        Unit::Millisecond => Some(value / 1e3),
        Unit::Second => Some(value),
        _ => None,
    })
}

fn positive(table: &Table<'_>, key: &str, units: &[Unit]) -> Option<(f64, Unit)> {
    let quantity = table.need_quantity(key, units)?;
    if quantity.value.value > 0.0 {
        return Some((quantity.value.value, quantity.value.unit));
    }
    table.problems().report(
        quantity.place,
        format!("'{key}' is not above zero"),
        quantity.value.to_string(),
        "more than zero",
        format!("correct {key}"),
    );
    None
}

fn hertz(table: &Table<'_>, key: &str) -> Option<f64> {
    positive(table, key, &[Unit::Hz]).map(|(value, _)| value)
}

fn count(table: &Table<'_>, key: &str) -> Option<u32> {
    if !table.has(key) {
        table.integer(key);
        table.missing(key, "a whole number above zero");
        return None;
    }
    let number = table.integer(key)?;
    let whole = u32::try_from(number.value).ok().filter(|n| *n > 0);
    if whole.is_none() {
        table.problems().report(
            number.place,
            format!("'{key}' is out of range"),
            number.value.to_string(),
            "a whole number from 1 to 4294967295",
            format!("correct {key}"),
        );
    }
    whole
}

fn need_number(table: &Table<'_>, key: &str) -> Option<f64> {
    if !table.has(key) {
        table.number(key);
        table.missing(key, "a number");
        return None;
    }
    table.number(key).map(|one| one.value)
}

fn signal(
    table: &Table<'_>,
    shapes: &BTreeMap<String, Corners>,
    licensed: &[Licensed],
) -> Option<(Placed<String>, SignalSpec)> {
    let id = table.need_text("id");
    let title = table.need_text("title");
    let role = table.need_text("role");
    let level_basis = table.need_word("level_basis", "rms, active-rms, active-speech or silent");
    let source = table.need_text("source");
    let verified = table.need_text("verified");
    let license = table.need_text("license");
    let method_equivalent = table.boolean("method_equivalent");
    if method_equivalent.is_none() && !table.has("method_equivalent") {
        table.missing("method_equivalent", "true or false");
    }
    let seed = table.integer("seed").map_or(0, |one| one.value.unsigned_abs());
    let length = seconds(table, "duration");
    let stands_in_for = table.text("stands_in_for").and_then(|name| {
        let found = licensed.iter().find(|one| one.id == name.value);
        if found.is_none() {
            let known: Vec<&str> = licensed.iter().map(|one| one.id.as_str()).collect();
            refer(table, &name, "licensed recording", &known);
        }
        found.cloned()
    });
    let kind = kind(table, shapes);
    let id = id?;
    let spec = SignalSpec {
        id: id.value.clone(),
        title: title?.value,
        role: role?.value,
        kind: kind?,
        level_basis: level_basis?.value,
        seconds: length?,
        seed,
        method_equivalent: method_equivalent?.value,
        stands_in_for,
        source: source?.value,
        verified: verified?.value,
        license: license?.value,
    };
    Some((id, spec))
}

fn refer(table: &Table<'_>, name: &Placed<String>, what: &str, known: &[&str]) {
    table.problems().report(
        name.place.clone(),
        format!("no {what} has this id"),
        format!("'{}'", name.value),
        format!("one of {}", known.join(", ")),
        "correct the id, or add what it names",
    );
}

/// The one sub-table that says how the signal is made.
fn kind(table: &Table<'_>, shapes: &BTreeMap<String, Corners>) -> Option<Kind> {
    const KINDS: [&str; 6] = ["composite", "pseudo_noise", "shaped_noise", "sine", "speech", "silence"];
    let written: Vec<&str> = KINDS.into_iter().filter(|key| table.has(key)).collect();
    let mut kinds = Vec::new();
    for key in KINDS {
        let Some(sub) = table.has(key).then(|| table.table(key)).flatten() else {
            // Asking for the key makes it known, so that it is not reported as unknown.
            table.kind(key);
            continue;
        };
        kinds.push(match key {
            "composite" => composite(&sub, shapes).map(Kind::Composite),
            "pseudo_noise" => noise_rule(&sub, shapes).map(Kind::PseudoNoise),
            "shaped_noise" => shaped_noise(&sub).map(Kind::ShapedNoise),
            "sine" => hertz(&sub, "frequency").map(|frequency_hz| Kind::Sine { frequency_hz }),
            "speech" => speech(&sub).map(Kind::Speech),
            _ => Some(Kind::Silence),
        });
        sub.finish();
    }
    if written.len() == 1 {
        return kinds.pop().flatten();
    }
    table.problems().report(
        table.place().clone(),
        "a signal is made in one way",
        if written.is_empty() { "none".to_owned() } else { written.join(" and ") },
        format!("one table of {}", KINDS.join(", ")),
        "keep one of them, as in [signal.sine]",
    );
    None
}

fn composite(table: &Table<'_>, shapes: &BTreeMap<String, Corners>) -> Option<Composite> {
    let frame_rate_hz = hertz(table, "frame_rate");
    let voiced_frames = count(table, "voiced_frames");
    let voiced_periods = count(table, "voiced_periods");
    let voiced_slope = need_number(table, "voiced_slope");
    let voiced_phase_deg = need_number(table, "voiced_phase_deg");
    let voiced_max_hz = hertz(table, "voiced_max");
    let noise_frames = count(table, "noise_frames");
    let cycle_frames = count(table, "cycle_frames");
    let noise = if table.has("noise") {
        table.table("noise").and_then(|sub| {
            let noise = noise_rule(&sub, shapes);
            sub.finish();
            noise
        })
    } else {
        table.missing("noise", "a table [signal.composite.noise]");
        None
    };
    let one = Composite {
        frame_rate_hz: frame_rate_hz? as u32,
        voiced_frames: voiced_frames?,
        voiced_periods: voiced_periods?,
        voiced_slope: voiced_slope?,
        voiced_phase_deg: voiced_phase_deg?,
        voiced_max_hz: voiced_max_hz?,
        noise_frames: noise_frames?,
        noise: noise?,
        cycle_frames: cycle_frames?,
    };
    let parts = u64::from(one.voiced_frames) + u64::from(one.noise_frames);
    if parts > u64::from(one.cycle_frames) {
        table.problems().report(
            table.place().clone(),
            "the parts of a composite signal do not fit its cycle",
            format!("{parts} frames in a cycle of {}", one.cycle_frames),
            "voiced_frames + noise_frames of at most cycle_frames",
            "correct the frames",
        );
        return None;
    }
    Some(one)
}

fn noise_rule(table: &Table<'_>, shapes: &BTreeMap<String, Corners>) -> Option<NoiseRule> {
    let points = count(table, "points");
    let rate_hz = hertz(table, "rate");
    let draw = match table.need_text("draw") {
        Some(word) if word.value == "signs" => Some(Draw::Signs),
        Some(word) if word.value == "gaussian" => Some(Draw::Gaussian),
        Some(word) => {
            refer(table, &word, "way to draw lines", &["signs", "gaussian"]);
            None
        }
        None => None,
    };
    let corners = match table.text("shape") {
        Some(name) => {
            let found = shapes.get(&name.value).cloned();
            if found.is_none() {
                refer(table, &name, "shape", &shapes.keys().map(String::as_str).collect::<Vec<_>>());
            }
            found
        }
        None => Some(Vec::new()),
    };
    let low_hz = hertz(table, "low");
    let high_hz = hertz(table, "high");
    let crest_min = table.quantity("crest_min", &[Unit::Db]);
    let crest_max = table.quantity("crest_max", &[Unit::Db]);
    let crest_db = match (crest_min, crest_max) {
        (None, None) => None,
        (low, high) => {
            let place = low.as_ref().or(high.as_ref()).map(|one| one.place.clone());
            let low = low.map_or(0.0, |one| one.value.value);
            let high = high.map_or(f64::INFINITY, |one| one.value.value);
            Some((low..high, place))
        }
    };
    ordered(table, "crest_min and crest_max", crest_db.as_ref());
    let band = low_hz?..high_hz?;
    ordered(table, "low and high", Some(&(band.clone(), Some(table.place().clone()))));
    Some(NoiseRule {
        points: points?,
        rate_hz: rate_hz? as u32,
        draw: draw?,
        corners: corners?,
        band_hz: band,
        crest_db: crest_db.map(|(range, _)| range),
    })
}

fn ordered(table: &Table<'_>, keys: &str, range: Option<&(Range<f64>, Option<Place>)>) {
    let Some((range, Some(place))) = range else { return };
    if range.is_empty() {
        table.problems().report(
            place.clone(),
            format!("{keys} leave nothing between them"),
            format!("{} to {}", range.start, range.end),
            "the lower one first",
            format!("correct {keys}"),
        );
    }
}

fn shaped_noise(table: &Table<'_>) -> Option<ShapedNoise> {
    let period_s = seconds(table, "period");
    let low_hz = hertz(table, "low");
    let high_hz = hertz(table, "high");
    let band_hz = low_hz?..high_hz?;
    ordered(table, "low and high", Some(&(band_hz.clone(), Some(table.place().clone()))));
    Some(ShapedNoise { period_s: period_s?, band_hz })
}

fn speech(table: &Table<'_>) -> Option<SpeechSequence> {
    const TIME: [Unit; 2] = [Unit::Second, Unit::Millisecond];
    let lead_s = seconds(table, "lead");
    let gap_s = table.has("gap").then(|| seconds(table, "gap")).flatten();
    let floor_db = table.quantity("floor", &[Unit::Db]).map(|one| one.value.value);
    let crest_max_db = table.quantity("crest_max", &[Unit::Db]).map(|one| one.value.value);
    let analysis_from = table.quantity("analysis_from", &TIME);
    let analysis_from_s = analysis_from.and_then(|one| one.value.seconds()).map_or(0.0, |one| one.0);
    let lengths = table.quantities("groups", &TIME);
    let lengths: Vec<f64> =
        lengths.unwrap_or_default().iter().filter_map(|one| one.value.seconds()).map(|one| one.0).collect();
    let files = table.texts("sentences").unwrap_or_default();
    let files: Vec<String> = files.into_iter().map(|one| one.value).collect();
    if lengths.is_empty() || files.is_empty() || !files.len().is_multiple_of(lengths.len()) {
        table.problems().report(
            table.place().clone(),
            "the sentences do not fill their groups",
            format!("{} sentences for {} groups", files.len(), lengths.len()),
            "groups = [\"17 s\", …] with the length of each group, and as many sentences for each",
            "add or remove sentences or groups",
        );
        return None;
    }
    let per_group = files.len() / lengths.len();
    let groups = lengths.into_iter().zip(files.chunks(per_group).map(<[String]>::to_vec)).collect();
    Some(SpeechSequence { groups, lead_s: lead_s?, gap_s, floor_db, crest_max_db, analysis_from_s })
}
