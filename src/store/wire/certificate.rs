//! Certificates in the journal.

use serde::{Deserialize, Serialize};

use super::{WireError, understood};
use crate::capture::{Certificate, FurtherClock};
use crate::terms::Port;

/// See [`Certificate`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "field for field the documented Certificate")]
pub struct WireCertificate {
    pub grade: String,
    pub lost_frames: u64,
    pub repeated_frames: u64,
    pub offset_frames: f64,
    #[serde(default)]
    pub rest_frames: f64,
    pub drift_ppm: f64,
    #[serde(default)]
    pub drift_uncertainty_ppm: Option<f64>,
    #[serde(default)]
    pub is_drift_corrected: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<WireFurtherClock>,
    pub overloaded: Vec<String>,
    #[serde(default)]
    pub dead: Vec<String>,
    pub note: String,
}

/// See [`FurtherClock`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "field for field the documented FurtherClock")]
pub struct WireFurtherClock {
    pub interface: String,
    pub ports: Vec<String>,
    pub rest_frames: f64,
    pub drift_ppm: f64,
    pub drift_uncertainty_ppm: Option<f64>,
    pub is_drift_corrected: bool,
}

fn names_of(ports: &[Port]) -> Vec<String> {
    ports.iter().map(|port| port.name().to_owned()).collect()
}

fn ports_of(names: &[String]) -> Result<Vec<Port>, WireError> {
    names.iter().map(|port| understood(Port::new(port))).collect()
}

impl From<&FurtherClock> for WireFurtherClock {
    fn from(one: &FurtherClock) -> Self {
        Self {
            interface: one.interface.clone(),
            ports: names_of(&one.ports),
            rest_frames: one.rest_frames,
            drift_ppm: one.drift_ppm,
            drift_uncertainty_ppm: one.drift_uncertainty_ppm,
            is_drift_corrected: one.is_drift_corrected,
        }
    }
}

impl TryFrom<WireFurtherClock> for FurtherClock {
    type Error = WireError;
    fn try_from(wire: WireFurtherClock) -> Result<Self, WireError> {
        Ok(Self {
            ports: ports_of(&wire.ports)?,
            interface: wire.interface,
            rest_frames: wire.rest_frames,
            drift_ppm: wire.drift_ppm,
            drift_uncertainty_ppm: wire.drift_uncertainty_ppm,
            is_drift_corrected: wire.is_drift_corrected,
        })
    }
}

impl From<&Certificate> for WireCertificate {
    fn from(one: &Certificate) -> Self {
        Self {
            grade: one.grade.word().to_owned(),
            lost_frames: one.lost_frames,
            repeated_frames: one.repeated_frames,
            offset_frames: one.offset_frames,
            rest_frames: one.rest_frames,
            drift_ppm: one.drift_ppm,
            drift_uncertainty_ppm: one.drift_uncertainty_ppm,
            is_drift_corrected: one.is_drift_corrected,
            further: one.further.iter().map(WireFurtherClock::from).collect(),
            overloaded: names_of(&one.overloaded),
            dead: names_of(&one.dead),
            note: one.note.clone(),
        }
    }
}

impl TryFrom<WireCertificate> for Certificate {
    type Error = WireError;
    fn try_from(wire: WireCertificate) -> Result<Self, WireError> {
        let (overloaded, dead) = (ports_of(&wire.overloaded)?, ports_of(&wire.dead)?);
        let further = wire.further.into_iter().map(FurtherClock::try_from).collect::<Result<_, _>>()?;
        Ok(Self {
            grade: understood(wire.grade.parse())?,
            lost_frames: wire.lost_frames,
            repeated_frames: wire.repeated_frames,
            offset_frames: wire.offset_frames,
            rest_frames: wire.rest_frames,
            drift_ppm: wire.drift_ppm,
            drift_uncertainty_ppm: wire.drift_uncertainty_ppm,
            is_drift_corrected: wire.is_drift_corrected,
            further,
            overloaded,
            dead,
            note: wire.note,
        })
    }
}
