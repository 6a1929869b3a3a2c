//! Reads the tables that say how a signal is made, `[signal.composite]` and its like.

use super::{Known, count, hertz, ordered, refer, seconds};
use crate::document::{Placed, Table};
use crate::signals::am_fm::Comb;
use crate::signals::catalogue::{
    Composite, Draw, Gated, Kind, LevelBasis, NoiseRule, Part, ShapedNoise, SignalSpec, Sweep, Timing, Voiced,
};
use crate::signals::generate::SECONDS_MAX;
use crate::units::Unit;

/// Shortest mean time from burst to burst: an hour of them can be listed.
const CYCLE_MIN_S: f64 = 0.001;

/// A key is there and wrong; the problem has been reported.
#[derive(Clone, Copy)]
struct Wrong;

/// The value of a key that may be absent.
fn or_absent<T>(
    table: &Table<'_>,
    key: &str,
    read: fn(&Table<'_>, &str) -> Option<T>,
) -> Result<Option<T>, Wrong> {
    if table.has(key) {
        return read(table, key).map(Some).ok_or(Wrong);
    }
    // Asking for the key makes it known, so that it is not reported as unknown.
    table.kind(key);
    Ok(None)
}

/// The sound that `key` names, with `voiced_max` or `max` as its highest harmonic.
pub(super) fn voiced(table: &Table<'_>, key: &str, known: &Known) -> Option<Voiced> {
    let max_hz = or_absent(table, if key == "sound" { "max" } else { "voiced_max" }, hertz);
    let name = table.need_text(key)?;
    let Some(sound) = known.voiced.get(&name.value) else {
        refer(table, &name, "voiced sound", &known.voiced.keys().map(String::as_str).collect::<Vec<_>>());
        return None;
    };
    Some(Voiced { max_hz: max_hz.ok()?, ..sound.clone() })
}

pub(super) fn composite(table: &Table<'_>, known: &Known) -> Option<Composite> {
    let frame_rate_hz = hertz(table, "frame_rate");
    let sound = voiced(table, "voiced", known);
    let voiced_frames = count(table, "voiced_frames");
    let bursts = or_absent(table, "bursts", count);
    let step = table.quantity("step", &[Unit::Db]).map_or(0.0, |one| one.value.value);
    let noise_frames = count(table, "noise_frames");
    let cycle_frames = count(table, "cycle_frames");
    let noise = if table.has("noise") {
        table.table("noise").and_then(|sub| {
            let noise = noise_rule(&sub, known);
            sub.finish();
            noise
        })
    } else {
        table.missing("noise", "a table [signal.composite.noise]");
        None
    };
    let one = Composite {
        frame_rate_hz: frame_rate_hz? as u32,
        voiced: sound?,
        voiced_frames: voiced_frames?,
        noise_frames: noise_frames?,
        noise: noise?,
        cycle_frames: cycle_frames?,
        bursts: bursts.ok()?.unwrap_or(1),
        step_db: step,
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

pub(super) fn noise_rule(table: &Table<'_>, known: &Known) -> Option<NoiseRule> {
    let points = count(table, "points");
    let rate_hz = or_absent(table, "rate", hertz);
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
            let found = known.shapes.get(&name.value).cloned();
            if found.is_none() {
                refer(table, &name, "shape", &known.shapes.keys().map(String::as_str).collect::<Vec<_>>());
            }
            found
        }
        None => Some(Vec::new()),
    };
    let low_hz = hertz(table, "low");
    let high_hz = or_absent(table, "high", hertz);
    let gaps = or_absent(table, "gaps", gap_spacing);
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
    let band = low_hz?..high_hz.ok()?.unwrap_or(f64::INFINITY);
    ordered(table, "low and high", Some(&(band.clone(), Some(table.place().clone()))));
    Some(NoiseRule {
        points: points?,
        rate_hz: rate_hz.ok()?.map(|rate_hz| rate_hz as u32),
        draw: draw?,
        corners: corners?,
        band_hz: band,
        gaps: gaps.ok()?,
        crest_db: crest_db.map(|(range, _)| range),
    })
}

/// How many neighboring lines share one gap: at least two, or nothing would be left.
fn gap_spacing(table: &Table<'_>, key: &str) -> Option<u32> {
    let spacing = count(table, key)?;
    if spacing >= 2 {
        return Some(spacing);
    }
    table.problems().report(
        table.place().clone(),
        format!("'{key}' leaves no line"),
        format!("{spacing}"),
        "a whole number of at least 2",
        format!("write {key} = 4, or leave it out"),
    );
    None
}

pub(super) fn shaped_noise(table: &Table<'_>, known: &Known) -> Option<ShapedNoise> {
    let period_s = seconds(table, "period");
    let low_hz = hertz(table, "low");
    let high_hz = hertz(table, "high");
    let third_octaves = match table.text("third_octaves") {
        Some(name) => {
            let found = known.shapes.get(&name.value).cloned();
            if found.is_none() {
                refer(table, &name, "shape", &known.shapes.keys().map(String::as_str).collect::<Vec<_>>());
            }
            found
        }
        None => Some(Vec::new()),
    };
    let band_hz = low_hz?..high_hz?;
    ordered(table, "low and high", Some(&(band_hz.clone(), Some(table.place().clone()))));
    Some(ShapedNoise { period_s: period_s?, band_hz, third_octaves: third_octaves? })
}

pub(super) fn am_fm(table: &Table<'_>) -> Option<Kind> {
    let high_hz = or_absent(table, "high", hertz);
    let number = table.integer("comb");
    if number.is_none() && !table.has("comb") {
        table.missing("comb", "1 or 2");
    }
    let number = number?;
    let Some(comb) = Comb::ALL.into_iter().find(|comb| comb.word() == number.value.to_string()) else {
        let name = Placed { value: number.value.to_string(), place: number.place };
        refer(table, &name, "comb", &Comb::ALL.map(Comb::word));
        return None;
    };
    Some(Kind::AmFm { comb, high_hz: high_hz.ok()? })
}

pub(super) fn sweep(table: &Table<'_>) -> Option<Sweep> {
    let from_hz = hertz(table, "from");
    let to_hz = hertz(table, "to");
    let fade_s = or_absent(table, "fade", seconds);
    let span_hz = from_hz?..to_hz?;
    ordered(table, "from and to", Some(&(span_hz.clone(), Some(table.place().clone()))));
    Some(Sweep { span_hz, fade_s: fade_s.ok()?.unwrap_or(0.0) })
}

/// The signal above this one that `key` names.
fn earlier(table: &Table<'_>, known: &Known) -> Option<Box<SignalSpec>> {
    let name = table.need_text("signal")?;
    let found = known.signals.iter().find(|one| one.id == name.value);
    if found.is_none() {
        let ids: Vec<&str> = known.signals.iter().map(|one| one.id.as_str()).collect();
        refer(table, &name, "signal above this one", &ids);
    }
    found.cloned().map(Box::new)
}

pub(super) fn gated(table: &Table<'_>, known: &Known) -> Option<Gated> {
    let of = earlier(table, known);
    let fade_s = or_absent(table, "fade", seconds);
    let step_db = table.quantity("step", &[Unit::Db]).map_or(0.0, |one| one.value.value);
    let means = table.has("spurt_mean") || table.has("pause_mean");
    let (on, off) = if means { ("spurt_mean", "pause_mean") } else { ("on", "off") };
    let (on_s, off_s) = (seconds(table, on), seconds(table, off));
    let (on_s, off_s) = (on_s?, off_s?);
    if on_s + off_s < CYCLE_MIN_S {
        table.problems().report(
            table.place().clone(),
            "a signal is switched too often",
            format!("every {} s", on_s + off_s),
            format!("{on} and {off} of at least {CYCLE_MIN_S} s together"),
            "write longer times",
        );
        return None;
    }
    let timing = if means { Timing::Spurts { on_s, off_s } } else { Timing::Regular { on_s, off_s } };
    let fade_s = fade_s.ok()?.unwrap_or(0.0);
    if !means && 2.0 * fade_s > on_s {
        no_room(table, fade_s, on_s);
        return None;
    }
    Some(Gated { of: of?, timing, fade_s, step_db })
}

fn no_room(table: &Table<'_>, fade_s: f64, seconds: f64) {
    table.problems().report(
        table.place().clone(),
        "two fades do not fit",
        format!("two of {fade_s} s in {seconds} s"),
        "fades of at most half the time that the signal is on",
        "shorten the fade",
    );
}

pub(super) fn sequence(table: &Table<'_>, known: &Known) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let tables = table.tables("part");
    let written = tables.len();
    for sub in tables {
        let of = earlier(&sub, known);
        let length = seconds(&sub, "seconds");
        let level_db = sub.quantity("level", &[Unit::Db]).map_or(0.0, |one| one.value.value);
        let fade_s = or_absent(&sub, "fade", seconds);
        if let (Some(of), Some(seconds), Ok(fade_s)) = (of, length, fade_s) {
            let fade_s = fade_s.unwrap_or(0.0);
            if 2.0 * fade_s > seconds {
                no_room(&sub, fade_s, seconds);
            }
            parts.push(Part { of, seconds, level_db, fade_s });
        }
        sub.finish();
    }
    if written == 0 {
        table.missing("part", "at least one table [[signal.sequence.part]]");
    }
    (written > 0 && parts.len() == written).then_some(parts)
}

/// What the keys of a signal must have in common with how it is made.
pub(super) fn consistent(table: &Table<'_>, spec: &SignalSpec) {
    if let Kind::Composite(one) = &spec.kind {
        let seconds =
            f64::from(one.bursts) * f64::from(one.cycle_frames) / f64::from(one.frame_rate_hz.max(1));
        if seconds > SECONDS_MAX {
            table.problems().report(
                table.place().clone(),
                "the bursts of a signal take too long",
                format!("{seconds:.0} s"),
                format!("at most {SECONDS_MAX} s"),
                "fewer bursts",
            );
        }
    }
    let rises = matches!(&spec.kind, Kind::Composite(one) if one.step_db != 0.0);
    let needs_active = rises || matches!(spec.kind, Kind::Gated(_) | Kind::Sequence(_));
    if needs_active && spec.level_basis != LevelBasis::ActiveRms {
        table.problems().report(
            table.place().clone(),
            "a signal of bursts or parts has its level on the wrong basis",
            spec.level_basis.word(),
            "level_basis = \"active-rms\": of its bursts, of the first one that rises, of the last part",
            "correct level_basis",
        );
    }
    let Kind::Sequence(parts) = &spec.kind else { return };
    let sum: f64 = parts.iter().map(|part| part.seconds).sum();
    if libm::fabs(sum - spec.seconds) > 1e-6 {
        table.problems().report(
            table.place().clone(),
            "the parts of a sequence are not as long as it",
            format!("{sum} s in {} s", spec.seconds),
            "a duration that is the sum of the parts",
            "correct the duration",
        );
    }
    if parts.last().is_some_and(|last| last.of.level_basis == LevelBasis::Silent) {
        table.problems().report(
            table.place().clone(),
            "a sequence ends in silence, which has no level",
            "silence as the last part",
            "the part to analyze last",
            "put another part last",
        );
    }
}
