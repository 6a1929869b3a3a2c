//! Reads `catalogue.toml`: wire form to [`Catalogue`], with every problem placed.

use std::collections::BTreeMap;
use std::ops::Range;

use super::catalogue::{BandLimit, Catalogue, Edge, Kind, Licensed, SignalSpec, SpeechSequence, Voiced};
use crate::document::{Placed, Table};
use crate::problem::Place;
use crate::terms::Bandwidth;
use crate::units::Unit;

mod dialogue;
mod field;
mod kinds;

type Corners = Vec<(f64, f64)>;

/// Longest period of a voiced sound in samples: 100 ms at 48 kHz, beyond any voice.
const PERIOD_MAX: usize = 4_800;

/// Narrowest transition of a band limit in Hz: a filter takes some two rates over it in taps.
const TRANSITION_MIN_HZ: f64 = 2.0;

/// What stands in the file so far: what a signal may refer to.
#[derive(Default)]
struct Known {
    shapes: BTreeMap<String, Corners>,
    voiced: BTreeMap<String, Voiced>,
    licensed: Vec<Licensed>,
    bands: Vec<BandLimit>,
    points: Vec<super::field::Point>,
    dialogues: BTreeMap<String, super::dialogue::Dialogue>,
    signals: Vec<SignalSpec>,
}

/// The tables `[[shape]]`, `[[voiced]]`, `[[band]]`, `[[licensed]]`, `[[point]]`, `[[dialogue]]` and `[[signal]]`.
pub(super) fn catalogue(root: &Table<'_>) -> Catalogue {
    let mut known = Known::default();
    for table in root.tables("shape") {
        if let Some((id, corners)) = shape(&table) {
            unique(&table, &id, known.shapes.insert(id.value.clone(), corners).is_some());
        }
        table.finish();
    }
    for table in root.tables("voiced") {
        if let Some((id, sound)) = voiced(&table) {
            unique(&table, &id, known.voiced.insert(id.value.clone(), sound).is_some());
        }
        table.finish();
    }
    for table in root.tables("band") {
        if let Some((id, one)) = band(&table) {
            unique(&table, &id, known.bands.iter().any(|other| other.bandwidth == one.bandwidth));
            known.bands.push(one);
        }
        table.finish();
    }
    for table in root.tables("licensed") {
        if let Some((id, one)) = licensed_recording(&table) {
            unique(&table, &id, known.licensed.iter().any(|other| other.id == one.id));
            known.licensed.push(one);
        }
        table.finish();
    }
    known.points = field::points(root);
    known.dialogues = dialogue::dialogues(root);
    for table in root.tables("signal") {
        if let Some((id, one)) = signal(&table, &known) {
            unique(&table, &id, known.signals.iter().any(|other| other.id == one.id));
            known.signals.push(one);
        }
        table.finish();
    }
    Catalogue::new(known.signals, known.licensed, known.bands)
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

/// One period of a voiced sound, as samples.
fn voiced(table: &Table<'_>) -> Option<(Placed<String>, Voiced)> {
    let id = table.need_text("id");
    table.need_text("source");
    table.need_text("verified");
    let rate_hz = hertz(table, "rate");
    if !table.has("samples") {
        table.missing("samples", "the samples of one period");
    }
    let samples = table.numbers("samples")?;
    if !(3..=PERIOD_MAX).contains(&samples.value.len()) || samples.value.iter().all(|x| *x == 0.0) {
        table.problems().report(
            samples.place,
            "a voiced sound has no sound",
            format!("{} samples", samples.value.len()),
            format!("the samples of one period, 3 to {PERIOD_MAX}, not all zero"),
            "write the samples of one period",
        );
        return None;
    }
    Some((id?, Voiced { samples: samples.value, rate_hz: rate_hz?, max_hz: None }))
}

/// The limits of test signals for one bandwidth.
fn band(table: &Table<'_>) -> Option<(Placed<String>, BandLimit)> {
    let id = table.need_text("id");
    let bandwidth = table.need_word::<Bandwidth>("id", "NB, WB, SWB or FB");
    let source = table.need_text("source");
    let verified = table.need_text("verified");
    let low = (hertz(table, "low_stop"), hertz(table, "low"));
    let has_high = table.has("high") || table.has("high_stop");
    let high = has_high.then(|| (hertz(table, "high"), hertz(table, "high_stop")));
    if !has_high {
        // Asking for the keys makes them known.
        table.kind("high");
        table.kind("high_stop");
    }
    let low = Edge { stop_hz: low.0?, half_power_hz: low.1? };
    let high = match high {
        Some((half_power_hz, stop_hz)) => Some(Edge { half_power_hz: half_power_hz?, stop_hz: stop_hz? }),
        None => None,
    };
    let edges =
        [Some(low.stop_hz), Some(low.half_power_hz), high.map(|e| e.half_power_hz), high.map(|e| e.stop_hz)];
    let edges: Vec<f64> = edges.into_iter().flatten().collect();
    if edges.windows(2).any(|pair| pair[1] - pair[0] < TRANSITION_MIN_HZ) {
        table.problems().report(
            table.place().clone(),
            "the edges of a band do not rise",
            format!("{edges:?} Hz"),
            format!("low_stop below low below high below high_stop, by at least {TRANSITION_MIN_HZ} Hz"),
            "correct the edges",
        );
        return None;
    }
    let one = BandLimit {
        bandwidth: bandwidth?.value,
        low,
        high,
        source: source?.value,
        verified: verified?.value,
    };
    Some((id?, one))
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

fn signal(table: &Table<'_>, known: &Known) -> Option<(Placed<String>, SignalSpec)> {
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
        let found = known.licensed.iter().find(|one| one.id == name.value);
        if found.is_none() {
            let ids: Vec<&str> = known.licensed.iter().map(|one| one.id.as_str()).collect();
            refer(table, &name, "licensed recording", &ids);
        }
        found.cloned()
    });
    let band_limit = table.word::<Bandwidth>("band_limit").and_then(|word| {
        let found = known.bands.iter().find(|one| one.bandwidth == word.value);
        if found.is_none() {
            let words: Vec<&str> = known.bands.iter().map(|one| one.bandwidth.word()).collect();
            let name = Placed { value: word.value.word().to_owned(), place: word.place.clone() };
            refer(table, &name, "band", &words);
        }
        found.cloned()
    });
    let kind = kind(table, known);
    let id = id?;
    let spec = SignalSpec {
        id: id.value.clone(),
        title: title?.value,
        role: role?.value,
        kind: kind?,
        level_basis: level_basis?.value,
        seconds: length?,
        seed,
        band_limit,
        method_equivalent: method_equivalent?.value,
        stands_in_for,
        source: source?.value,
        verified: verified?.value,
        license: license?.value,
    };
    kinds::consistent(table, &spec);
    dialogue::consistent(table, &spec);
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
fn kind(table: &Table<'_>, known: &Known) -> Option<Kind> {
    const KINDS: [&str; 15] = [
        "composite",
        "pseudo_noise",
        "shaped_noise",
        "sine",
        "voiced",
        "am_fm",
        "sweep",
        "gated",
        "sequence",
        "speech",
        "silence",
        "dialogue",
        "words",
        "extended",
        "driving_noise",
    ];
    let written: Vec<&str> = KINDS.into_iter().filter(|key| table.has(key)).collect();
    let mut kinds = Vec::new();
    for key in KINDS {
        let Some(sub) = table.has(key).then(|| table.table(key)).flatten() else {
            // Asking for the key makes it known, so that it is not reported as unknown.
            table.kind(key);
            continue;
        };
        kinds.push(match key {
            "composite" => kinds::composite(&sub, known).map(Kind::Composite),
            "pseudo_noise" => kinds::noise_rule(&sub, known).map(Kind::PseudoNoise),
            "shaped_noise" => kinds::shaped_noise(&sub, known).map(Kind::ShapedNoise),
            "sine" => hertz(&sub, "frequency").map(|frequency_hz| Kind::Sine { frequency_hz }),
            "voiced" => kinds::voiced(&sub, "sound", known).map(Kind::Voiced),
            "am_fm" => kinds::am_fm(&sub),
            "sweep" => kinds::sweep(&sub).map(Kind::Sweep),
            "gated" => kinds::gated(&sub, known).map(Kind::Gated),
            "sequence" => kinds::sequence(&sub, known).map(Kind::Sequence),
            "speech" => speech(&sub).map(Kind::Speech),
            "dialogue" => dialogue::side(&sub, &known.dialogues).map(Kind::Dialogue),
            "words" => dialogue::word_ramp(&sub).map(Kind::WordRamp),
            "extended" => dialogue::extended(&sub, &known.shapes, &known.signals).map(Kind::Extended),
            "driving_noise" => {
                field::driving_noise(&sub, &known.shapes, &known.points).map(Kind::DrivingNoise)
            }
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
