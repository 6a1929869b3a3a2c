//! The journal's own words: what the files say, kept apart from the domain so that neither binds the other.
//!
//! Conversion is written out in both directions. Fields may be added; they are never renamed.

mod certificate;
mod ear;

use serde::{Deserialize, Serialize};

pub use certificate::{WireCertificate, WireFurtherClock};
pub use ear::{WireEar, WireFieldResponse};

use crate::calibration::PortCalibration;
use crate::context::{BenchInfo, NetworkInfo, PortDirection, PortInfo};
use crate::entry::EntryId;
use crate::event::{Event, Failure, TrackRecord};
use crate::finding::{Curve, FactValue};
use crate::take::{EpochKey, TakeId};
use crate::terms::{CodecMode, Port};
use crate::units::{Quantity, Seconds, Unit};

/// The version of the files that this program writes.
pub const FORMAT: u32 = 1;

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When, in UTC, ISO 8601 with milliseconds.
    pub at: String,
    /// What.
    #[serde(flatten)]
    pub event: WireEvent,
}

/// See [`Event`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "field for field the documented Event")]
pub enum WireEvent {
    RunStarted {
        format: u32,
        plan: String,
        bench: String,
        seed: u64,
        software: String,
        entries: Vec<String>,
    },
    RunResumed {
        software: String,
    },
    EpochOpened {
        epoch: String,
        attempt: u32,
        seed: u64,
        volume_step: u32,
        network: String,
    },
    TakeRecorded {
        epoch: String,
        take: String,
        attempt: u32,
        replay: bool,
        kept: bool,
        content: String,
        captures: Vec<WireTrack>,
        stimuli: Vec<WireTrack>,
        certificate: WireCertificate,
        method_equivalent: bool,
    },
    TakeFailed {
        epoch: String,
        take: String,
        attempt: u32,
        failure: WireFailure,
        reason: String,
    },
    Decided {
        entry: String,
        step: u32,
        take: Option<String>,
        reason: String,
    },
    /// `value` is a quantity; of a curve it is the unit, and `curve` has the points (hertz, value).
    FactFound {
        key: String,
        value: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        curve: Vec<(f64, f64)>,
        entry: String,
        /// Codec and mode of the call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<(String, String)>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<String>,
    },
    Held {
        entry: String,
        method: String,
        reason: String,
    },
    HoldAccepted {
        entry: String,
    },
    Rechecked {
        entry: String,
        method: String,
        note: String,
        is_good: bool,
    },
    EpochClosed {
        epoch: String,
    },
    RunStopped {
        reason: String,
    },
    RunFinished,
}

/// See [`TrackRecord`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "field for field the documented TrackRecord")]
pub struct WireTrack {
    pub port: String,
    pub file: String,
    pub sha256: String,
    pub frames: u64,
}

/// See [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "word for word the documented Failure")]
pub enum WireFailure {
    TryAgain,
    AskOperator,
    StopRun,
    Stopped,
}

/// A line could be read but not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WireError(pub String);

fn understood<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, WireError> {
    result.map_err(|error| WireError(error.to_string()))
}

impl From<&TrackRecord> for WireTrack {
    fn from(track: &TrackRecord) -> Self {
        Self {
            port: track.port.name().to_owned(),
            file: track.file.clone(),
            sha256: track.sha256.clone(),
            frames: track.frames,
        }
    }
}

impl TryFrom<WireTrack> for TrackRecord {
    type Error = WireError;
    fn try_from(wire: WireTrack) -> Result<Self, WireError> {
        let port = understood(Port::new(&wire.port))?;
        Ok(Self { port, file: wire.file, sha256: wire.sha256, frames: wire.frames })
    }
}

impl From<Failure> for WireFailure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::TryAgain => Self::TryAgain,
            Failure::AskOperator => Self::AskOperator,
            Failure::StopRun => Self::StopRun,
            Failure::Stopped => Self::Stopped,
        }
    }
}

impl From<WireFailure> for Failure {
    fn from(wire: WireFailure) -> Self {
        match wire {
            WireFailure::TryAgain => Self::TryAgain,
            WireFailure::AskOperator => Self::AskOperator,
            WireFailure::StopRun => Self::StopRun,
            WireFailure::Stopped => Self::Stopped,
        }
    }
}

impl From<&Event> for WireEvent {
    fn from(event: &Event) -> Self {
        let epoch_text = |epoch: &EpochKey| epoch.text().to_owned();
        let take_text = |take: &TakeId| take.text().to_owned();
        match event {
            Event::RunStarted { plan, bench, seed, software, entries } => Self::RunStarted {
                format: FORMAT,
                plan: plan.clone(),
                bench: bench.clone(),
                seed: *seed,
                software: software.clone(),
                entries: entries.iter().map(|id| id.text().to_owned()).collect(),
            },
            Event::RunResumed { software } => Self::RunResumed { software: software.clone() },
            Event::EpochOpened { epoch, attempt, seed, volume_step, network } => Self::EpochOpened {
                epoch: epoch_text(epoch),
                attempt: *attempt,
                seed: *seed,
                volume_step: *volume_step,
                network: network.clone(),
            },
            Event::TakeRecorded {
                epoch,
                take,
                attempt,
                replay,
                kept,
                content,
                captures,
                stimuli,
                certificate,
                method_equivalent,
            } => Self::TakeRecorded {
                epoch: epoch_text(epoch),
                take: take_text(take),
                attempt: *attempt,
                replay: *replay,
                kept: *kept,
                content: content.clone(),
                captures: captures.iter().map(Into::into).collect(),
                stimuli: stimuli.iter().map(Into::into).collect(),
                certificate: certificate.into(),
                method_equivalent: *method_equivalent,
            },
            Event::TakeFailed { epoch, take, attempt, failure, reason } => Self::TakeFailed {
                epoch: epoch_text(epoch),
                take: take_text(take),
                attempt: *attempt,
                failure: (*failure).into(),
                reason: reason.clone(),
            },
            Event::Decided { entry, step, take, reason } => Self::Decided {
                entry: entry.text().to_owned(),
                step: *step,
                take: take.as_ref().map(take_text),
                reason: reason.clone(),
            },
            Event::FactFound { key, value, entry, call, record } => {
                let (value, curve) = wire_fact(value);
                let call = call.as_ref().map(|one| (one.codec.clone(), one.mode.clone()));
                let (entry, record) = (entry.text().to_owned(), record.clone());
                Self::FactFound { key: key.clone(), value, curve, entry, call, record }
            }
            Event::Held { entry, method, reason } => {
                Self::Held { entry: entry.text().to_owned(), method: method.clone(), reason: reason.clone() }
            }
            Event::HoldAccepted { entry } => Self::HoldAccepted { entry: entry.text().to_owned() },
            Event::Rechecked { entry, method, note, is_good } => Self::Rechecked {
                entry: entry.text().to_owned(),
                method: method.clone(),
                note: note.clone(),
                is_good: *is_good,
            },
            Event::EpochClosed { epoch } => Self::EpochClosed { epoch: epoch_text(epoch) },
            Event::RunStopped { reason } => Self::RunStopped { reason: reason.clone() },
            Event::RunFinished => Self::RunFinished,
        }
    }
}

impl TryFrom<WireEvent> for Event {
    type Error = WireError;
    fn try_from(wire: WireEvent) -> Result<Self, WireError> {
        Ok(match wire {
            WireEvent::RunStarted { format, plan, bench, seed, software, entries } => {
                if format > FORMAT {
                    return Err(WireError(format!(
                        "the run was written in format {format} by Lombard {software}; this program reads up to {FORMAT}"
                    )));
                }
                let entries = entries.iter().map(|id| EntryId::new(id, &[])).collect();
                Self::RunStarted { plan, bench, seed, software, entries }
            }
            WireEvent::RunResumed { software } => Self::RunResumed { software },
            WireEvent::EpochOpened { epoch, attempt, seed, volume_step, network } => {
                Self::EpochOpened { epoch: EpochKey::stored(&epoch), attempt, seed, volume_step, network }
            }
            WireEvent::TakeRecorded {
                epoch,
                take,
                attempt,
                replay,
                kept,
                content,
                captures,
                stimuli,
                certificate,
                method_equivalent,
            } => Self::TakeRecorded {
                epoch: EpochKey::stored(&epoch),
                take: TakeId::stored(&take),
                attempt,
                replay,
                kept,
                content,
                captures: captures.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
                stimuli: stimuli.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
                certificate: certificate.try_into()?,
                method_equivalent,
            },
            WireEvent::TakeFailed { epoch, take, attempt, failure, reason } => Self::TakeFailed {
                epoch: EpochKey::stored(&epoch),
                take: TakeId::stored(&take),
                attempt,
                failure: failure.into(),
                reason,
            },
            WireEvent::Decided { entry, step, take, reason } => Self::Decided {
                entry: EntryId::new(&entry, &[]),
                step,
                take: take.as_deref().map(TakeId::stored),
                reason,
            },
            WireEvent::FactFound { key, value, curve, entry, call, record } => {
                let (value, entry) = (fact_value(&value, curve)?, EntryId::new(&entry, &[]));
                let call = call.map(|(codec, mode)| CodecMode { codec, mode });
                Self::FactFound { key, value, entry, call, record }
            }
            WireEvent::Held { entry, method, reason } => {
                Self::Held { entry: EntryId::new(&entry, &[]), method, reason }
            }
            WireEvent::HoldAccepted { entry } => Self::HoldAccepted { entry: EntryId::new(&entry, &[]) },
            WireEvent::Rechecked { entry, method, note, is_good } => {
                Self::Rechecked { entry: EntryId::new(&entry, &[]), method, note, is_good }
            }
            WireEvent::EpochClosed { epoch } => Self::EpochClosed { epoch: EpochKey::stored(&epoch) },
            WireEvent::RunStopped { reason } => Self::RunStopped { reason },
            WireEvent::RunFinished => Self::RunFinished,
        })
    }
}

/// The value of a fact as a text, and the points of one that is a curve.
fn wire_fact(value: &FactValue) -> (String, Vec<(f64, f64)>) {
    match value {
        FactValue::Scalar(quantity) => (quantity.to_string(), Vec::new()),
        FactValue::Curve { curve, unit } => {
            (unit.symbol().to_owned(), curve.hz.iter().copied().zip(curve.values.iter().copied()).collect())
        }
    }
}

fn fact_value(text: &str, points: Vec<(f64, f64)>) -> Result<FactValue, WireError> {
    if points.is_empty() {
        return understood(text.parse::<Quantity>()).map(FactValue::Scalar);
    }
    let unit = Unit::ALL.iter().copied().find(|unit| unit.symbol() == text);
    let unit = unit.ok_or_else(|| WireError(format!("a curve has no unit '{text}'")))?;
    let (hz, values) = points.into_iter().unzip();
    Ok(FactValue::Curve { curve: Curve { hz, values }, unit })
}

/// See [`BenchInfo`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "those of BenchInfo")]
#[expect(missing_docs, reason = "field for field the documented BenchInfo")]
pub struct WireBench {
    pub name: String,
    pub is_virtual: bool,
    pub ports: Vec<WirePort>,
    pub codec: String,
    #[serde(default)]
    pub mode: String,
    #[serde(default)]
    pub dtx: Option<bool>,
    pub bandwidth: String,
    pub delay_send_s: f64,
    pub delay_receive_s: f64,
    pub volume_step_count: u32,
    #[serde(default)]
    pub has_reflector: bool,
    #[serde(default)]
    pub has_loop: bool,
    #[serde(default = "sets_up_calls")]
    pub sets_up_calls: bool,
}

/// Of a journal from before this was told.
fn sets_up_calls() -> bool {
    true
}

/// See [`PortInfo`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "field for field the documented PortInfo")]
pub struct WirePort {
    pub port: String,
    pub direction: String,
    pub record: String,
    pub zero_dbov: String,
    pub validity: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ear: Option<WireEar>,
}

const DIRECTIONS: [(PortDirection, &str); 3] =
    [(PortDirection::Out, "out"), (PortDirection::In, "in"), (PortDirection::Both, "both")];

impl From<&BenchInfo> for WireBench {
    fn from(bench: &BenchInfo) -> Self {
        let port = |(port, info): (&Port, &PortInfo)| WirePort {
            port: port.name().to_owned(),
            direction: DIRECTIONS
                .iter()
                .find(|one| one.0 == info.direction)
                .map_or("", |one| one.1)
                .to_owned(),
            record: info.calibration.record.clone(),
            zero_dbov: info.calibration.zero_dbov.to_string(),
            validity: info.calibration.validity.word().to_owned(),
            ear: info.ear.as_ref().map(Into::into),
        };
        Self {
            name: bench.name.clone(),
            is_virtual: bench.is_virtual,
            ports: bench.ports.iter().map(port).collect(),
            codec: bench.network.codec.clone(),
            mode: bench.network.mode.clone(),
            dtx: bench.network.dtx,
            bandwidth: bench.network.bandwidth.word().to_owned(),
            delay_send_s: bench.network.delay_send.0,
            delay_receive_s: bench.network.delay_receive.0,
            volume_step_count: bench.volume_step_count,
            has_reflector: bench.has_reflector,
            has_loop: bench.has_loop,
            sets_up_calls: bench.sets_up_calls,
        }
    }
}

impl TryFrom<WireBench> for BenchInfo {
    type Error = WireError;
    fn try_from(wire: WireBench) -> Result<Self, WireError> {
        let mut ports = std::collections::BTreeMap::new();
        for port in wire.ports {
            let direction = DIRECTIONS.iter().find(|one| one.1 == port.direction);
            let direction =
                direction.ok_or_else(|| WireError(format!("no direction '{}'", port.direction)))?.0;
            let calibration = PortCalibration {
                record: port.record,
                zero_dbov: understood(port.zero_dbov.parse())?,
                validity: understood(port.validity.parse())?,
            };
            let ear = port.ear.map(TryInto::try_into).transpose()?;
            ports.insert(understood(Port::new(&port.port))?, PortInfo { direction, calibration, ear });
        }
        Ok(Self {
            name: wire.name,
            is_virtual: wire.is_virtual,
            ports,
            network: NetworkInfo {
                codec: wire.codec,
                mode: wire.mode,
                dtx: wire.dtx,
                bandwidth: understood(wire.bandwidth.parse())?,
                delay_send: Seconds(wire.delay_send_s),
                delay_receive: Seconds(wire.delay_receive_s),
            },
            volume_step_count: wire.volume_step_count,
            has_reflector: wire.has_reflector,
            has_loop: wire.has_loop,
            sets_up_calls: wire.sets_up_calls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back_from_their_lines_as_they_were() {
        let curve = Curve { hz: vec![100.0, 125.0], values: vec![-0.25, 1.0 / 3.0] };
        for value in [
            FactValue::Scalar(Quantity::new(7.0, Unit::Step)),
            FactValue::Curve { curve, unit: Unit::DbVPerPa },
        ] {
            let call = Some(CodecMode { codec: "G.722".to_owned(), mode: "64 kbit/s".to_owned() });
            let (key, entry) = ("k".to_owned(), EntryId::new("e", &[]));
            let event = Event::FactFound { key, value, entry, call, record: Some("r".to_owned()) };
            let text = serde_json::to_string(&Line { at: String::new(), event: (&event).into() }).unwrap();
            let line: Line = serde_json::from_str(&text).unwrap();
            assert_eq!(Event::try_from(line.event), Ok(event), "{text}");
        }
        let old =
            r#"{"at":"","event":"fact-found","key":"volume.nominal","value":"7 step","entry":"volume"}"#;
        let line: Line = serde_json::from_str(old).unwrap();
        assert!(Event::try_from(line.event).is_ok());
        assert!(fact_value("loud", vec![(1.0, 2.0)]).is_err());
    }
}
