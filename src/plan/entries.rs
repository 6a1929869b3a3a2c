//! Entries from what is written: expansion over conditions, parameters against the method's card, limits, facts.

use std::collections::BTreeMap;

use crate::context::{SignalBook, VOLUME_NOMINAL};
use crate::document::{Placed, Problems, nearest};
use crate::entry::{CALL, Entry, EntryId, Noise, ParameterKind, ParameterValue, Parameters, parse_parameter};
use crate::limits::Limit;
use crate::methods::{Card, Method};
use crate::plan::file::EntryText;
use crate::plan::limit_set::Applicable;
use crate::plan::{PlannedEntry, method_of, origins_of};
use crate::problem::Place;
use crate::take::Volume;
use crate::terms::{Bandwidth, ClauseRef, Seat, UnknownWord};

/// More entries than any plan needs come from a slip in an expansion.
const EXPANSION_MAX: usize = 500;
/// The conditions of the call: no parameters of a method.
const VOLUME: &str = "volume";
const TALKER: &str = "talker";
const LISTENER: &str = "listener";
const NOISE: &str = "noise";
const CALL_CONDITIONS: [&str; 4] = [VOLUME, TALKER, LISTENER, NOISE];
/// The word for no background noise.
const NO_NOISE: &str = "none";

/// What entries are built from and against.
pub(super) struct Building<'a> {
    pub recommendation: &'a str,
    pub edition: &'a str,
    pub bandwidth: Bandwidth,
    pub defaults: &'a BTreeMap<String, Placed<String>>,
    pub limits: &'a [Applicable],
    pub methods: &'a [&'a dyn Method],
    pub signals: &'a dyn SignalBook,
    pub problems: &'a Problems,
}

/// One combination of the conditions of an entry.
type Conditions = Vec<(String, Placed<String>)>;

/// Builds the entries in the order of the plan.
pub(super) fn build(texts: &[EntryText], building: &Building<'_>) -> Vec<PlannedEntry> {
    building.check_defaults(texts);
    let mut entries = Vec::new();
    for text in texts {
        let Some(method) = building.method(text) else { continue };
        let calls = building.calls(text);
        for conditions in building.combinations(text) {
            for call in 1..=calls {
                entries.extend(building.entry(text, method.card(), &conditions, (call, calls)));
            }
        }
    }
    provide_facts(&mut entries, building);
    facts_are_found_once(&entries, building);
    entries
}

impl Building<'_> {
    fn method(&self, text: &EntryText) -> Option<&dyn Method> {
        let known: Vec<&str> = self.methods.iter().map(|one| one.card().id).collect();
        let Some(wanted) = &text.method else {
            self.problems.report(
                text.id.place.clone(),
                format!("entry '{}' names no method", text.id.value),
                "an entry without 'method'",
                format!("one of {}", known.join(", ")),
                "add method = \"…\"; an entry of the base needs none, so check the id too",
            );
            return None;
        };
        let method = method_of(self.methods, &wanted.value);
        if method.is_none() {
            self.problems.report(
                wanted.place.clone(),
                "the method is not known",
                format!("'{}'", wanted.value),
                format!("one of {}", known.join(", ")),
                nearest(&wanted.value, &known).map_or_else(
                    || "see 'lombard list methods'".to_owned(),
                    |near| format!("did you mean '{near}'?"),
                ),
            );
        }
        method
    }

    /// Defaults that no method of the plan knows are slips.
    fn check_defaults(&self, texts: &[EntryText]) {
        let used: Vec<&Card> = texts
            .iter()
            .filter_map(|text| method_of(self.methods, &text.method.as_ref()?.value))
            .map(Method::card)
            .collect();
        let known: Vec<&str> = used.iter().flat_map(|card| card.parameters).map(|one| one.key).collect();
        for (key, value) in self.defaults {
            if !known.contains(&key.as_str()) {
                self.unknown_parameter(key, value, &known, "a method of the plan");
            }
        }
    }

    fn unknown_parameter(&self, key: &str, value: &Placed<String>, known: &[&str], of: &str) {
        let mut words = known.to_vec();
        words.sort_unstable();
        words.dedup();
        self.problems.report(
            value.place.clone(),
            format!("'{key}' is not a parameter of {of}"),
            format!("{key} = '{}'", value.value),
            format!("one of {}", words.join(", ")),
            nearest(key, &words)
                .map_or_else(|| "remove it".to_owned(), |near| format!("did you mean '{near}'?")),
        );
    }

    /// In how many new calls an entry is measured.
    fn calls(&self, text: &EntryText) -> u32 {
        let Some(calls) = text.calls.as_ref().filter(|calls| calls.value > 1) else { return 1 };
        if let Some((key, _)) = text.expand.iter().find(|(key, _)| key.value == CALL) {
            self.problems.report(
                calls.place.clone(),
                format!("entry '{}' is expanded over '{CALL}' in two ways", text.id.value),
                format!("calls = {}, and '{}' in 'expand'", calls.value, key.value),
                "one of the two",
                "remove 'calls': a method that says itself what call it is in is not measured in several",
            );
            return 1;
        }
        calls.value
    }

    /// Every combination of the values that an entry is expanded over.
    fn combinations(&self, text: &EntryText) -> Vec<Conditions> {
        let calls = text.calls.as_ref().map_or(1, |calls| calls.value as usize);
        let count = text.expand.iter().fold(calls, |count, (_, values)| count.saturating_mul(values.len()));
        if count > EXPANSION_MAX {
            self.problems.report(
                text.id.place.clone(),
                format!("entry '{}' is expanded too often", text.id.value),
                format!("{count} combinations"),
                format!("at most {EXPANSION_MAX}"),
                "shorten the lists of 'expand', or lower 'calls'",
            );
            return Vec::new();
        }
        let mut all: Vec<Conditions> = vec![Vec::new()];
        for (key, values) in &text.expand {
            let with = |before: &Conditions, value: &Placed<String>| {
                let mut conditions = before.clone();
                conditions.push((key.value.clone(), value.clone()));
                conditions
            };
            all = all.iter().flat_map(|before| values.iter().map(|value| with(before, value))).collect();
        }
        all
    }

    /// One entry: of one combination, in one of so many new calls.
    fn entry(
        &self,
        text: &EntryText,
        card: &'static Card,
        conditions: &Conditions,
        (call, calls): (u32, u32),
    ) -> Option<PlannedEntry> {
        let id = id_of(text, conditions, call);
        let volume = self.volume(text, conditions);
        let talker = self.seat(TALKER, text.talker.as_ref(), conditions);
        let listener = self.seat(LISTENER, text.listener.as_ref(), conditions);
        let noise = self.noise(text, conditions);
        let (parameters, parameter_places) = self.parameters(text, card, conditions);
        let clause = self.clause(text);
        let condition = |key: &str| -> Option<String> {
            match key {
                VOLUME => return volume.map(|volume| volume.to_string()),
                TALKER => return talker.map(|seat| seat.to_string()),
                LISTENER => return listener.map(|seat| seat.to_string()),
                NOISE => {
                    let signal = noise.as_ref()?.as_ref().map(|noise| noise.signal.clone());
                    return Some(signal.unwrap_or_else(|| NO_NOISE.to_owned()));
                }
                _ => {}
            }
            parameters.as_ref().and_then(|all| all.0.get(key)).map(ToString::to_string)
        };
        let limits = self.limits_of(text, &id, card, &condition);
        let volume = volume?;
        let mut facts_needed: Vec<String> = card.facts_needed.iter().map(|&fact| fact.to_owned()).collect();
        if volume.is_nominal() && !card.picks_volume {
            facts_needed.push(VOLUME_NOMINAL.to_owned());
        }
        Some(PlannedEntry {
            entry: Entry {
                title: text.title.as_ref().map_or_else(|| card.title.to_owned(), |one| one.value.clone()),
                clause: clause?,
                method: card.id.to_owned(),
                bandwidth: self.bandwidth,
                volume,
                talker: talker?,
                listener: listener?,
                noise: noise?,
                call,
                calls,
                parameters: parameters?,
                id,
            },
            limits,
            informative: text.informative.as_ref().is_some_and(|one| one.value),
            origins: origins_of(&text.places),
            facts_needed,
            facts_wanted: card.facts_wanted.iter().map(|&fact| fact.to_owned()).collect(),
            facts_found: card.facts_found.iter().map(|&(key, of)| (key.to_owned(), of.to_owned())).collect(),
            place: text.id.place.clone(),
            key_places: key_places(text, conditions),
            parameter_places,
        })
    }

    fn clause(&self, text: &EntryText) -> Option<ClauseRef> {
        let clause = text.clause.as_ref().filter(|one| !one.value.trim().is_empty());
        if clause.is_none() {
            self.problems.report(
                text.clause.as_ref().map_or_else(|| text.id.place.clone(), |one| one.place.clone()),
                format!("entry '{}' cites no clause", text.id.value),
                "an entry without 'clause'",
                "the clause of the Recommendation that asks for it, as in \"11.3\"",
                "add clause = \"…\"",
            );
        }
        Some(ClauseRef {
            recommendation: self.recommendation.to_owned(),
            edition: self.edition.to_owned(),
            clause: clause?.value.clone(),
        })
    }

    fn volume(&self, text: &EntryText, conditions: &Conditions) -> Option<Volume> {
        let expanded = conditions.iter().find(|(key, _)| key == VOLUME).map(|(_, value)| value);
        let Some(word) = expanded.or(text.volume.as_ref()) else { return Some(Volume::Nominal) };
        let volume = word.value.parse().ok();
        if volume.is_none() {
            self.problems.report(
                word.place.clone(),
                "the volume is not understood",
                format!("'{}'", word.value),
                "\"nominal\", a step from there as in \"nominal+2\", \"maximum\", or a step as in \"step-3\"",
                "correct the volume",
            );
        }
        volume
    }

    /// Where somebody sits.
    fn seat(&self, key: &str, written: Option<&Placed<String>>, conditions: &Conditions) -> Option<Seat> {
        let expanded = conditions.iter().find(|(one, _)| one == key).map(|(_, value)| value);
        let Some(word) = expanded.or(written) else { return Some(Seat::Driver) };
        word.value
            .parse()
            .map_err(|error: UnknownWord| {
                self.problems.report(
                    word.place.clone(),
                    format!("the seat of the {key} is not understood"),
                    format!("'{}'", error.found),
                    format!("one of {}", error.known),
                    "name a seat; the bench file binds its ports",
                );
            })
            .ok()
    }

    #[expect(clippy::option_option, reason = "no noise and a noise that was reported are two things")]
    /// The background noise of the call.
    fn noise(&self, text: &EntryText, conditions: &Conditions) -> Option<Option<Noise>> {
        let expanded = conditions.iter().find(|(key, _)| key == NOISE).map(|(_, value)| value);
        let Some(word) = expanded.or(text.noise.as_ref()).filter(|word| word.value != NO_NOISE) else {
            return Some(None);
        };
        let level_dba = self.signals.noise_level_dba(&word.value);
        if level_dba.is_none() {
            self.problems.report(
                word.place.clone(),
                "the background noise is not known",
                format!("'{}'", word.value),
                format!("\"{NO_NOISE}\", or a noise of the catalogue with its level at the driver's head"),
                "take a noise of 'lombard list signals', or import one with 'lombard signal import-noise'",
            );
        }
        Some(Some(Noise { signal: word.value.clone(), level_dba: level_dba? }))
    }

    /// The parameters of the card: from the expansion, the entry, the plan's defaults, the card.
    fn parameters(
        &self,
        text: &EntryText,
        card: &Card,
        conditions: &Conditions,
    ) -> (Option<Parameters>, BTreeMap<String, Place>) {
        let known: Vec<&str> = card.parameters.iter().map(|one| one.key).collect();
        let of = format!("method '{}'", card.id);
        let expanded = conditions
            .iter()
            .filter(|(key, _)| !CALL_CONDITIONS.contains(&key.as_str()))
            .map(|(key, value)| (key, value));
        for (key, value) in text.parameters.iter().chain(expanded) {
            if !known.contains(&key.as_str()) {
                self.unknown_parameter(key, value, &known, &of);
            }
        }
        let mut places = BTreeMap::new();
        let mut values = BTreeMap::new();
        let mut complete = true;
        for spec in card.parameters {
            let expanded = conditions.iter().find(|(key, _)| key == spec.key).map(|(_, value)| value);
            let written = expanded.or(text.parameters.get(spec.key)).or(self.defaults.get(spec.key));
            let value = match (written, spec.default) {
                (Some(written), _) => {
                    places.insert(spec.key.to_owned(), written.place.clone());
                    self.parameter(spec.key, spec.kind, written)
                }
                (None, Some(default)) => {
                    let placed = Placed { value: default.to_owned(), place: text.id.place.clone() };
                    self.parameter(spec.key, spec.kind, &placed)
                }
                (None, None) => {
                    self.problems.report(
                        text.id.place.clone(),
                        format!("entry '{}' needs '{}'", text.id.value, spec.key),
                        format!("no value for '{}' of {of}", spec.key),
                        format!("{}: {}", spec.kind, spec.doc),
                        format!("add {} = \"…\" below [entry.parameters]", spec.key),
                    );
                    None
                }
            };
            complete &= value.is_some();
            values.extend(value.map(|value| (spec.key.to_owned(), value)));
        }
        (complete.then_some(Parameters(values)), places)
    }

    fn parameter(&self, key: &str, kind: ParameterKind, written: &Placed<String>) -> Option<ParameterValue> {
        let report = |expected: String, remedy: String| {
            let found = format!("'{}'", written.value);
            self.problems.report(
                written.place.clone(),
                format!("'{key}' is not understood"),
                found,
                expected,
                remedy,
            );
        };
        match parse_parameter(kind, &written.value) {
            Err(expected) => {
                report(expected, format!("correct {key}"));
                None
            }
            Ok(ParameterValue::Text(id))
                if kind == ParameterKind::Signal && self.signals.signal(&id).is_none() =>
            {
                report(
                    "a signal of the catalogue whose recordings are there".to_owned(),
                    "take one of 'lombard list signals'".to_owned(),
                );
                None
            }
            Ok(value) => Some(value),
        }
    }

    /// The limits that the entry names, each in the variant for its bandwidth and conditions.
    fn limits_of(
        &self,
        text: &EntryText,
        id: &EntryId,
        card: &Card,
        condition: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<Limit> {
        let mut limits = Vec::new();
        for name in text.limits.iter().flatten() {
            let named: Vec<&Applicable> =
                self.limits.iter().filter(|one| one.id == name.value || one.limit.id == name.value).collect();
            let fits = |one: &&&Applicable| {
                one.bandwidth.is_none_or(|bandwidth| bandwidth == self.bandwidth)
                    && one.when.iter().all(|(key, value)| condition(key).as_ref() == Some(value))
            };
            let fitting: Vec<&&Applicable> = named.iter().filter(fits).collect();
            let rank = |one: &Applicable| one.when.len() + usize::from(one.bandwidth.is_some());
            let most = fitting.iter().map(|one| rank(one)).max().unwrap_or(0);
            let best: Vec<&&&Applicable> = fitting.iter().filter(|one| rank(one) == most).collect();
            match best.as_slice() {
                [one] => {
                    self.check_measurand(name, &one.limit, card);
                    limits.push(one.limit.clone());
                }
                [] => self.no_limit(name, id, !named.is_empty()),
                [one, other, ..] => self.problems.report(
                    name.place.clone(),
                    format!("two limits fit entry '{id}'"),
                    format!("'{}' and '{}'", one.limit.id, other.limit.id),
                    "one limit for each id, bandwidth and condition",
                    "name the limit with its file, as in p1110-2025/slr, or add a condition (when)",
                ),
            }
        }
        limits
    }

    fn check_measurand(&self, name: &Placed<String>, limit: &Limit, card: &Card) {
        let measured: Vec<&str> = card.measurands.iter().map(|one| one.id).collect();
        if !measured.contains(&limit.measurand.as_str()) {
            self.problems.report(
                name.place.clone(),
                "a limit judges what the entry does not measure",
                format!("'{}', a limit for '{}'", name.value, limit.measurand),
                format!("a limit for one of {}", measured.join(", ")),
                "name another limit, or another method",
            );
        }
    }

    fn no_limit(&self, name: &Placed<String>, id: &EntryId, is_known: bool) {
        let known: Vec<&str> = self.limits.iter().map(|one| one.id.as_str()).collect();
        let title = if is_known {
            format!("no variant of the limit fits the conditions of entry '{id}'")
        } else {
            "the limit is not known".to_owned()
        };
        let remedy = match nearest(&name.value, &known) {
            Some(near) if near != name.value => format!("did you mean '{near}'?"),
            _ => "add it to a limit file (class N where the value is not known), or include the file"
                .to_owned(),
        };
        self.problems.report(
            name.place.clone(),
            title,
            format!("'{}'", name.value),
            format!("one of {}", known.join(", ")),
            remedy,
        );
    }
}

/// The id of an entry. The first of several calls keeps the id that the entry has without the others: who asks for more of them
/// changes no id, and trends, selections and overlays go on with it.
fn id_of(text: &EntryText, conditions: &Conditions, call: u32) -> EntryId {
    let mut words: Vec<(String, String)> =
        conditions.iter().map(|(key, value)| (key.clone(), value.value.clone())).collect();
    if call > 1 {
        // Conditions stand in the order of the alphabet.
        let at = words.iter().position(|(key, _)| key.as_str() > CALL).unwrap_or(words.len());
        words.insert(at, (CALL.to_owned(), call.to_string()));
    }
    EntryId::new(&text.id.value, &words)
}

/// Where what an entry says of itself stands; a condition of an expansion takes the place of the key.
fn key_places(text: &EntryText, conditions: &Conditions) -> BTreeMap<&'static str, Place> {
    fn of<T>(value: Option<&Placed<T>>) -> Option<Place> {
        value.map(|one| one.place.clone())
    }
    let limits = text.limits.as_ref().and_then(|names| names.first());
    let written = [
        ("title", of(text.title.as_ref())),
        ("clause", of(text.clause.as_ref())),
        ("method", of(text.method.as_ref())),
        (VOLUME, of(text.volume.as_ref())),
        (TALKER, of(text.talker.as_ref())),
        (LISTENER, of(text.listener.as_ref())),
        (NOISE, of(text.noise.as_ref())),
        ("calls", of(text.calls.as_ref())),
        ("informative", of(text.informative.as_ref())),
        ("limits", of(limits)),
    ];
    let expanded =
        |key: &str| conditions.iter().find(|(one, _)| one == key).map(|(_, value)| value.place.clone());
    let all = written.into_iter().map(|(key, place)| (key, expanded(key).or(place)));
    all.filter_map(|(key, place)| Some((key, place?))).collect()
}

/// Every fact is found by the first entry that can; one that nobody finds is a problem of those who need it, and none
/// of those who want it.
fn provide_facts(entries: &mut [PlannedEntry], building: &Building<'_>) {
    let mut found: Vec<String> = Vec::new();
    for entry in &mut *entries {
        entry.facts_found.retain(|(key, _)| !found.contains(key));
        found.extend(entry.facts_found.iter().map(|(key, _)| key.clone()));
    }
    for entry in &mut *entries {
        entry.facts_wanted.retain(|fact| found.contains(fact));
    }
    for entry in &*entries {
        for fact in entry.facts_needed.iter().filter(|fact| !found.contains(fact)) {
            let finders: Vec<&str> = building
                .methods
                .iter()
                .map(|method| method.card())
                .filter(|card| card.facts_found.iter().any(|(key, _)| key == fact))
                .map(|card| card.id)
                .collect();
            building.problems.report(
                entry.place.clone(),
                format!("entry '{}' needs the fact '{fact}', which no entry finds", entry.entry.id),
                format!("no entry with {}", finders.join(" or ")),
                format!("an entry whose method finds '{fact}'"),
                format!("add an entry with method = \"{}\"", finders.first().unwrap_or(&"…")),
            );
        }
    }
}

/// What an entry finds holds for all that wait for it: several calls would find several values.
fn facts_are_found_once(entries: &[PlannedEntry], building: &Building<'_>) {
    for one in entries.iter().filter(|one| one.entry.calls > 1 && !one.facts_found.is_empty()) {
        let found: Vec<&str> = one.facts_found.iter().map(|(key, _)| key.as_str()).collect();
        building.problems.report(
            one.key_places.get("calls").unwrap_or(&one.place).clone(),
            format!("entry '{}' finds facts and is measured in several calls", one.entry.id),
            format!("calls = {}, with {}", one.entry.calls, found.join(", ")),
            "one call for an entry that other entries wait for",
            "remove 'calls', or add a second entry with the same method: only the first one finds the facts",
        );
    }
}
