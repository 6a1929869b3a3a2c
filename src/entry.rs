//! An entry of a plan as a method sees it: what to measure, under which conditions. Data only.
//!
//! Limits are kept beside the entry by the plan, never in it: a method never sees a limit.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::marker::PhantomData;

use crate::take::Volume;
use crate::terms::{Access, Bandwidth, ClauseRef, Direction, EarField, Seat, UnknownWord};
use crate::units::{Level, Quantity, Reference, Seconds, Unit};

/// The condition that tells several new calls of an entry apart, from the second on.
pub const CALL: &str = "call";

/// The stable name of an entry, with the conditions it was expanded by: `slr`, `coupling_loss[volume=maximum]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(String);

impl EntryId {
    /// The id `base`, expanded by `conditions` (key and value, in the order of the plan).
    pub fn new(base: &str, conditions: &[(String, String)]) -> Self {
        if conditions.is_empty() {
            return Self(base.to_owned());
        }
        let pairs: Vec<String> = conditions.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Self(format!("{base}[{}]", pairs.join(",")))
    }

    /// The id as text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The id without its conditions.
    pub fn base(&self) -> &str {
        self.0.split('[').next().unwrap_or(&self.0)
    }

    /// The id of the first of several new calls, which says nothing of a call: an entry keeps its id, whether it is measured
    /// in one call or in more.
    pub fn first_call(&self) -> Self {
        let Some((base, rest)) = self.0.split_once('[') else { return self.clone() };
        let is_number = |text: &str| text.parse::<u32>().is_ok();
        let conditions = rest.trim_end_matches(']').split(',').filter_map(|pair| pair.split_once('='));
        let others = conditions.filter(|(key, value)| !(*key == CALL && is_number(value)));
        let others: Vec<_> = others.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self::new(base, &others)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What to measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The stable name.
    pub id: EntryId,
    /// What a reader of the report calls it.
    pub title: String,
    /// The clause that asks for it.
    pub clause: ClauseRef,
    /// The id of the method's card.
    pub method: String,
    /// The speech band of the call.
    pub bandwidth: Bandwidth,
    /// The receive volume of the call.
    pub volume: Volume,
    /// Where the talker sits (clause 6.3).
    pub talker: Seat,
    /// Where the listener sits.
    pub listener: Seat,
    /// The background noise that runs through the call; `None` is the quiet car.
    pub noise: Option<Noise>,
    /// In which of several new calls it is measured, from 1.
    pub call: u32,
    /// In how many new calls the plan asks for it.
    pub calls: u32,
    /// The method's parameters, checked against its card and completed by its defaults.
    pub parameters: Parameters,
}

impl Entry {
    /// The title, with the number of the call where there are several.
    pub fn name(&self) -> String {
        match self.call_of() {
            Some(call) => format!("{}, {call}", self.title),
            None => self.title.clone(),
        }
    }

    /// Which of several new calls it is: `call 2 of 3`.
    fn call_of(&self) -> Option<String> {
        (self.calls > 1).then(|| format!("call {} of {}", self.call, self.calls))
    }

    /// The conditions for a reader: those of the call, and which one it is where there are several.
    pub fn conditions(&self) -> String {
        let mut text = self.conditions_of_call();
        if let Some(call) = self.call_of() {
            let _ = write!(text, ", {call}");
        }
        text
    }

    /// The conditions of the call for a reader: `WB, volume nominal`, and what is not the driver in a quiet car.
    pub fn conditions_of_call(&self) -> String {
        let mut text = format!("{}, volume {}", self.bandwidth, self.volume);
        for (word, seat) in [("talker", self.talker), ("listener", self.listener)] {
            if seat != Seat::Driver {
                let _ = write!(text, ", {word} {seat}");
            }
        }
        if let Some(noise) = &self.noise {
            let _ = write!(text, ", noise {} ({} dB(A))", noise.signal, noise.level_dba);
        }
        text
    }
}

/// The background noise of an entry, with what its recording says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Noise {
    /// The id of the noise in the catalogue.
    pub signal: String,
    /// The long-term A-weighted level at the driver's head, in dB(A) re 20 µPa: metadata of the recording, on which the
    /// Lombard rise hangs. It is never measured in the replayed field.
    pub level_dba: f64,
}

/// The kind of a parameter, for the one generic check, the documentation and the forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// A quantity in this unit.
    Quantity(Unit),
    /// A duration, in s or ms.
    Duration,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The id of a signal of the catalogue.
    Signal,
    /// A whole number.
    Count,
}

impl fmt::Display for ParameterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(unit) => write!(f, "a quantity in {unit}"),
            Self::Duration => f.write_str("a duration in s or ms"),
            Self::Word(words) => write!(f, "one of {}", words.join(", ")),
            Self::Signal => f.write_str("a signal of the catalogue"),
            Self::Count => f.write_str("a whole number"),
        }
    }
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum ParameterValue {
    /// A quantity; durations are in seconds.
    Quantity(Quantity),
    /// A word or the id of a signal.
    Text(String),
    /// A whole number.
    Count(u32),
}

impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(quantity) => quantity.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Count(count) => count.fmt(f),
        }
    }
}

/// A parameter as a card lists it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParameterSpec {
    /// The key in the plan.
    pub key: &'static str,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// What may be written.
    pub kind: ParameterKind,
    /// The value as a plan would write it, when the plan writes none. `None`: the plan must.
    pub default: Option<&'static str>,
}

/// A type that a parameter can have.
pub trait ParameterType: Sized {
    /// What may be written, unless the parameter narrows it.
    const KIND: ParameterKind;
    /// The value, from a checked one.
    fn from_value(value: &ParameterValue) -> Option<Self>;
}

impl<R: Reference> ParameterType for Level<R> {
    const KIND: ParameterKind = ParameterKind::Quantity(R::UNIT);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Quantity(quantity) => quantity.level(),
            _ => None,
        }
    }
}

impl ParameterType for Seconds {
    const KIND: ParameterKind = ParameterKind::Duration;
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Quantity(quantity) => quantity.seconds(),
            _ => None,
        }
    }
}

impl ParameterType for crate::units::Db {
    const KIND: ParameterKind = ParameterKind::Quantity(Unit::Db);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Quantity(q) if q.unit == Unit::Db => Some(Self(q.value)),
            _ => None,
        }
    }
}

impl ParameterType for crate::units::Hz {
    const KIND: ParameterKind = ParameterKind::Quantity(Unit::Hz);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Quantity(q) if q.unit == Unit::Hz => Some(Self(q.value)),
            _ => None,
        }
    }
}

impl ParameterType for u32 {
    const KIND: ParameterKind = ParameterKind::Count;
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Count(count) => Some(*count),
            _ => None,
        }
    }
}

impl ParameterType for Direction {
    const KIND: ParameterKind = ParameterKind::Word(&["send", "receive"]);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl ParameterType for Access {
    const KIND: ParameterKind = ParameterKind::Word(&["acoustic", "digital"]);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl ParameterType for EarField {
    const KIND: ParameterKind = ParameterKind::Word(&["free", "diffuse", "none"]);
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

/// The id of a signal of the catalogue, as a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalId(pub String);

impl ParameterType for SignalId {
    const KIND: ParameterKind = ParameterKind::Signal;
    fn from_value(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Text(text) => Some(Self(text.clone())),
            _ => None,
        }
    }
}

/// A typed key of a method's parameter.
#[derive(Debug)]
pub struct Param<T> {
    spec: ParameterSpec,
    of: PhantomData<fn() -> T>,
}

impl<T: ParameterType> Param<T> {
    /// A parameter that a plan must give.
    pub const fn required(key: &'static str, doc: &'static str) -> Self {
        Self { spec: ParameterSpec { key, doc, kind: T::KIND, default: None }, of: PhantomData }
    }

    /// A parameter with a default, written as a plan would.
    pub const fn with_default(key: &'static str, doc: &'static str, default: &'static str) -> Self {
        Self { spec: ParameterSpec { key, doc, kind: T::KIND, default: Some(default) }, of: PhantomData }
    }

    /// The same, for the card.
    pub const fn spec(&self) -> ParameterSpec {
        self.spec
    }
}

/// The checked parameters of an entry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters(pub BTreeMap<String, ParameterValue>);

impl Parameters {
    /// The value of a parameter.
    ///
    /// # Panics
    /// When the parameters were not checked against the card that lists `param`: broken logic, not bad data.
    pub fn get<T: ParameterType>(&self, param: &Param<T>) -> T {
        self.0
            .get(param.spec.key)
            .and_then(T::from_value)
            .unwrap_or_else(|| panic!("parameter '{}' was not checked against its card", param.spec.key))
    }
}

/// Reads the text of a parameter as a plan would write it.
///
/// # Errors
/// What would have been understood.
pub fn parse_parameter(kind: ParameterKind, text: &str) -> Result<ParameterValue, String> {
    let wrong = || format!("{kind}");
    match kind {
        ParameterKind::Quantity(unit) => {
            let quantity: Quantity = text.parse().map_err(|error| format!("{kind}: {error}"))?;
            if quantity.unit == unit { Ok(ParameterValue::Quantity(quantity)) } else { Err(wrong()) }
        }
        ParameterKind::Duration => {
            let quantity: Quantity = text.parse().map_err(|error| format!("{kind}: {error}"))?;
            let seconds = quantity.seconds().filter(|s| s.0 >= 0.0).ok_or_else(wrong)?;
            Ok(ParameterValue::Quantity(Quantity::new(seconds.0, Unit::Second)))
        }
        ParameterKind::Word(words) => {
            if words.contains(&text) {
                Ok(ParameterValue::Text(text.to_owned()))
            } else {
                Err(UnknownWord { found: text.to_owned(), known: words.join(", ") }.to_string())
            }
        }
        ParameterKind::Signal => Ok(ParameterValue::Text(text.to_owned())),
        ParameterKind::Count => text.parse().map(ParameterValue::Count).map_err(|_| wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Dbm0;

    const LEVEL: Param<Dbm0> = Param::with_default("level", "The level at the POI.", "-16 dBm0");

    #[test]
    fn parameters_keep_their_type() {
        let spec = LEVEL.spec();
        let value = parse_parameter(spec.kind, spec.default.unwrap()).unwrap();
        let parameters = Parameters([(spec.key.to_owned(), value)].into());
        assert_eq!(parameters.get(&LEVEL), Dbm0::new(-16.0));
        assert!(parse_parameter(spec.kind, "-16 dBPa").is_err());
        assert!(parse_parameter(ParameterKind::Duration, "-1 s").is_err());
        assert!(parse_parameter(ParameterKind::Word(&["a", "b"]), "c").is_err());
    }

    #[test]
    fn ids_carry_their_conditions() {
        let id = EntryId::new("slr", &[("volume".to_owned(), "nominal".to_owned())]);
        assert_eq!((id.text(), id.base()), ("slr[volume=nominal]", "slr"));
    }

    #[test]
    fn the_first_call_of_an_entry_has_its_plain_id() {
        for (text, first) in [
            ("echo", "echo"),
            ("echo[call=2]", "echo"),
            ("echo[call=12,volume=maximum]", "echo[volume=maximum]"),
            ("echo[volume=maximum]", "echo[volume=maximum]"),
            // A parameter of a method that has the same name.
            ("ambient[call=none]", "ambient[call=none]"),
        ] {
            assert_eq!(EntryId(text.to_owned()).first_call().text(), first);
        }
    }
}
