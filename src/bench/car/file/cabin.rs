//! The cabin of a car file: `[cabin]`, as paths of one tap each or as a box of a room, and its noises.

use std::collections::BTreeMap;

use super::{AMPLIFIER_LINES, choice, delay_s, gain_db, noise_level, response, within};
use crate::bench::car::reflector::ReflectorSpec;
use crate::bench::car::spec::{
    CabinSpec, Ears, Hats, IdealPaths, IdealSeat, NoiseFieldSpec, PathsSpec, Shoebox, ShoeboxSeat,
    StatedEars, TapSpec,
};
use crate::document::{Placed, Table};
use crate::terms::Seat;
use crate::units::Unit;

/// Reads `[cabin]`.
pub(super) fn cabin(table: &Table<'_>) -> Option<CabinSpec> {
    #[derive(Clone, Copy)]
    enum Kind {
        Ideal,
        Shoebox,
    }
    let kind = choice(table, "kind", &[("shoebox", Kind::Shoebox), ("ideal", Kind::Ideal)], None);
    let noise = table.table("noise");
    let paths = match kind {
        Some(Kind::Ideal) => ideal(table).map(PathsSpec::Ideal),
        Some(Kind::Shoebox) => shoebox(table).map(PathsSpec::Shoebox),
        None => return None, // unknown keys can't be told from known ones
    };
    let level = |key: &str| match &noise {
        Some(noise) => Some(noise_level(noise, key, &[Unit::DbPaA])?.map(|(level, _)| level)),
        None => Some(None),
    };
    let levels = ["microphone", "ears", "capsule", "amplifier"].map(level);
    // What is said of the ears holds for a microphone in the place of the head.
    let at_reference = noise.as_ref().is_some_and(|noise| noise.has("reference"));
    let reference = if at_reference { level("reference") } else { levels[1] };
    let spectrum = noise.as_ref().map_or(Some(Vec::new()), |noise| response(noise, "spectrum_hz_db"));
    if let Some(noise) = &noise {
        noise.kind(AMPLIFIER_LINES); // read with the other flaws
        noise.finish();
    }
    let noise_field = noise_field(table);
    let reflector = reflector(table);
    table.finish();
    let [microphone, ears, capsule, amplifier] = levels;
    Some(CabinSpec {
        paths: paths?,
        noise_microphone_dbpa_a: microphone?,
        noise_ears_dbpa_a: ears?,
        noise_reference_dbpa_a: reference?,
        noise_capsule_dbpa_a: capsule?,
        noise_amplifier_dbpa_a: amplifier?,
        noise_spectrum: spectrum?,
        noise_field: noise_field?,
        reflector: reflector?,
    })
}

#[expect(clippy::option_option, reason = "absent and reported are two things")]
/// `[cabin.reflector]`: a panel that turns when it is told to; absent, there is none.
fn reflector(table: &Table<'_>) -> Option<Option<ReflectorSpec>> {
    if !table.has("reflector") {
        table.table("reflector");
        return Some(None);
    }
    let panel = table.table("reflector")?;
    let gain_db = gain_db(&panel, "gain");
    let delay_s = delay_s(&panel, "delay");
    let bare = |key: &str, unit: Unit| {
        panel.need_quantity(key, &[unit]).map(|one| Placed { value: one.value.value, place: one.place })
    };
    let (extent_ms, turn_s) = (bare("extent", Unit::Millisecond), bare("turn", Unit::Second));
    panel.finish();
    let (gain_db, delay_s) = (gain_db?, delay_s?);
    // The way by the panel is never shorter than none.
    let extent_ms = within(&panel, "extent", extent_ms?, 0.0, 2e3 * delay_s, "ms")?;
    let turn_s = within(&panel, "turn", turn_s?, 0.5, 600.0, "s")?;
    Some(Some(ReflectorSpec { gain_db, delay_s, extent_s: extent_ms / 1e3, turn_s }))
}

/// `[cabin.noise_field]`: what a replayed background noise has too much of; absent, nothing.
fn noise_field(table: &Table<'_>) -> Option<NoiseFieldSpec> {
    if !table.has("noise_field") {
        table.table("noise_field");
        return Some(NoiseFieldSpec::default());
    }
    let field = table.table("noise_field")?;
    let gain_db = if field.has("gain") {
        gain_db(&field, "gain")
    } else {
        field.quantity("gain", &[Unit::Db]);
        Some(0.0)
    };
    let response = response(&field, "response_hz_db");
    field.finish();
    Some(NoiseFieldSpec { gain_db: gain_db?, response: response? })
}

fn ideal(table: &Table<'_>) -> Option<IdealPaths> {
    let [to_microphone, to_ears, echo, left, right, reference] = [
        "mouth_to_microphone",
        "mouth_to_ears",
        "loudspeaker_to_microphone",
        "loudspeaker_to_ear_left",
        "loudspeaker_to_ear_right",
        "loudspeaker_to_reference",
    ]
    .map(|key| tap(table, key));
    let seats = seats(table, |own, _| {
        let [to_microphone, to_ears, to_driver, left, right] = [
            "mouth_to_microphone",
            "mouth_to_ears",
            "mouth_to_driver_ears",
            "loudspeaker_to_ear_left",
            "loudspeaker_to_ear_right",
        ]
        .map(|key| tap(own, key));
        Some(IdealSeat {
            mouth_to_microphone: to_microphone?,
            mouth_to_ears: to_ears?,
            mouth_to_driver_ears: to_driver?,
            loudspeaker_to_ears: [left?, right?],
        })
    });
    Some(IdealPaths {
        mouth_to_microphone: to_microphone?,
        mouth_to_ears: to_ears?,
        loudspeaker_to_microphone: echo?,
        loudspeaker_to_ears: [left?, right?],
        loudspeaker_to_reference: reference?,
        seats: seats?,
    })
}

#[expect(clippy::option_option, reason = "absent and reported are two things")]
/// A path of one tap; absent is silent.
fn tap(table: &Table<'_>, key: &str) -> Option<Option<TapSpec>> {
    if !table.has(key) {
        table.table(key);
        return Some(None);
    }
    let path = table.table(key)?;
    let (gain_db, delay_s) = (gain_db(&path, "gain"), delay_s(&path, "delay"));
    path.finish();
    Some(Some(TapSpec { gain_db: gain_db?, delay_s: delay_s? }))
}

/// The heads in other seats than the driver's: `[cabin.seats.codriver]`; `None` when any is reported.
fn seats<T>(table: &Table<'_>, read: impl Fn(&Table<'_>, Seat) -> Option<T>) -> Option<BTreeMap<Seat, T>> {
    if !table.has("seats") {
        table.table("seats");
        return Some(BTreeMap::new());
    }
    let all = table.table("seats")?;
    let others = Seat::ALL.iter().copied().filter(|seat| *seat != Seat::Driver);
    let mut found = Some(BTreeMap::new());
    for seat in others {
        let Some(own) = all.has(seat.word()).then(|| all.table(seat.word())).flatten() else { continue };
        let one = read(&own, seat);
        own.finish();
        match (one, &mut found) {
            (Some(one), Some(found)) => drop(found.insert(seat, one)),
            _ => found = None,
        }
    }
    all.finish();
    found
}

pub(super) fn triple(table: &Table<'_>, key: &str) -> Option<Placed<[f64; 3]>> {
    if !table.has(key) {
        table.quantities(key, &[Unit::Meter]);
        table.missing(key, "three lengths, as in [\"1.9 m\", \"1.4 m\", \"0.9 m\"]");
        return None;
    }
    let place = table.quantities(key, &[Unit::Meter])?;
    let values: Vec<f64> = place.iter().map(|one| one.value.value).collect();
    let at = place.first().map_or_else(|| table.place().clone(), |one| one.place.clone());
    if let Ok(value) = <[f64; 3]>::try_from(values) {
        return Some(Placed { value, place: at });
    }
    table.problems().report(
        at,
        format!("'{key}' needs three lengths"),
        format!("{} of them", place.len()),
        "length, width and height: x forward, y to the right, z up",
        format!("write {key} = [\"… m\", \"… m\", \"… m\"]"),
    );
    None
}

fn shoebox(table: &Table<'_>) -> Option<Shoebox> {
    let size = triple(table, "size");
    let absorption = table.number("absorption");
    if !table.has("absorption") {
        table.missing("absorption", "the share of sound energy that a wall takes, as in 0.5");
    }
    let positions = ["lips", "microphone", "loudspeaker"].map(|key| (key, triple(table, key)));
    let directivity = if table.has("microphone_directivity") {
        let value = table.number("microphone_directivity")?;
        within(table, "microphone_directivity", value, 0.0, 1.0, "")
    } else {
        table.number("microphone_directivity");
        Some(0.0)
    };
    let hats = choice(table, "hats", &[("flat", Hats::Flat), ("p58", Hats::P58)], Some(Hats::Flat));
    let ears = ears(table, hats);
    let size = size?;
    let seats = seats(table, |own, _| {
        let optional = |key: &str| -> Option<Option<[f64; 3]>> {
            if !own.has(key) {
                own.quantities(key, &[Unit::Meter]);
                return Some(None);
            }
            inside_of(own, key, triple(own, key)?, size.value).map(Some)
        };
        let (microphone_m, loudspeaker_m) = (optional("microphone"), optional("loudspeaker"));
        let lips_m = inside_of(own, "lips", triple(own, "lips")?, size.value);
        Some(ShoeboxSeat { lips_m: lips_m?, microphone_m: microphone_m?, loudspeaker_m: loudspeaker_m? })
    });
    for length in size.value {
        within(table, "size", Placed { value: length, place: size.place.clone() }, 0.5, 5.0, "m")?;
    }
    let absorption = within(table, "absorption", absorption?, 0.2, 1.0, "")?;
    let mut inside = Vec::new();
    for (key, at) in positions {
        inside.push(inside_of(table, key, at?, size.value));
    }
    Some(Shoebox {
        size_m: size.value,
        absorption,
        lips_m: inside[0]?,
        microphone_m: inside[1]?,
        loudspeaker_m: inside[2]?,
        microphone_directivity: directivity?,
        hats: hats?,
        ears: ears?,
        seats: seats?,
    })
}

/// The ears of a serial number: `[cabin.ears]`; absent is the head of P.58 itself.
fn ears(table: &Table<'_>, hats: Option<Hats>) -> Option<Ears> {
    if !table.has("ears") {
        table.table("ears");
        return Some(Ears::default());
    }
    let own = table.table("ears")?;
    let serial = own.need_text("serial");
    let [left, right] = ["left_hz_db", "right_hz_db"].map(|key| response(&own, key));
    let words = [("own", StatedEars::Own), ("p58", StatedEars::Table)];
    let stated = choice(&own, "stated", &words, Some(StatedEars::Own));
    own.finish();
    if hats == Some(Hats::Flat) {
        table.problems().report(
            own.place().clone(),
            "these ears are not heard",
            "[cabin.ears] with hats = \"flat\"",
            "hats = \"p58\": the ports deliver what the ear-drums hear",
            "write hats = \"p58\" in [cabin], or remove [cabin.ears]",
        );
        return None;
    }
    Some(Ears { serial: serial?.value, deviations: [left?, right?], stated: stated? })
}

/// A position must lie in the cabin, the lips with their head (0.1 m behind and beside).
pub(super) fn inside_of(
    table: &Table<'_>,
    key: &str,
    at: Placed<[f64; 3]>,
    size: [f64; 3],
) -> Option<[f64; 3]> {
    let margin = if key == "lips" { 0.11 } else { 0.01 };
    if (0..3).all(|i| (margin..=size[i] - margin).contains(&at.value[i])) {
        return Some(at.value);
    }
    table.problems().report(
        at.place,
        format!("'{key}' lies outside of the cabin"),
        format!("{:?} m", at.value),
        format!("a place at least {margin} m from every wall of {size:?} m"),
        "move it inside",
    );
    None
}
