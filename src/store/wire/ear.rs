//! The ears of a bench as a run keeps them: whole curves, so that what was taken out can be taken out again.

use serde::{Deserialize, Serialize};

use super::{WireError, understood};
use crate::calibration::ear::{EarResponse, FieldResponse};

/// See [`EarResponse`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "field for field the documented EarResponse")]
pub struct WireEar {
    pub record: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    pub class: String,
    pub validity: String,
    pub free_field: WireFieldResponse,
    pub diffuse_field: WireFieldResponse,
}

/// See [`FieldResponse`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "field for field the documented FieldResponse")]
pub struct WireFieldResponse {
    pub hz_db: Vec<(f64, f64)>,
    pub below_hz_db: Vec<(f64, f64)>,
    pub above_hz_db: Vec<(f64, f64)>,
}

impl From<&FieldResponse> for WireFieldResponse {
    fn from(one: &FieldResponse) -> Self {
        Self { hz_db: one.points.clone(), below_hz_db: one.below.clone(), above_hz_db: one.above.clone() }
    }
}

impl From<WireFieldResponse> for FieldResponse {
    fn from(wire: WireFieldResponse) -> Self {
        Self { points: wire.hz_db, below: wire.below_hz_db, above: wire.above_hz_db }
    }
}

impl From<&EarResponse> for WireEar {
    fn from(ear: &EarResponse) -> Self {
        Self {
            record: ear.record.clone(),
            serial: ear.serial.clone(),
            class: ear.class.word().to_owned(),
            validity: ear.validity.word().to_owned(),
            free_field: (&ear.free_field).into(),
            diffuse_field: (&ear.diffuse_field).into(),
        }
    }
}

impl TryFrom<WireEar> for EarResponse {
    type Error = WireError;
    fn try_from(wire: WireEar) -> Result<Self, WireError> {
        Ok(Self {
            record: wire.record,
            serial: wire.serial,
            class: understood(wire.class.parse())?,
            free_field: wire.free_field.into(),
            diffuse_field: wire.diffuse_field.into(),
            validity: understood(wire.validity.parse())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::Validity;
    use crate::terms::LimitClass;

    #[test]
    fn an_ear_is_read_as_it_was_written() {
        let response = |db: f64| FieldResponse {
            points: vec![(100.0, 0.1), (2_500.0, db)],
            below: vec![(100.0, -1.5)],
            above: vec![(100.0, 1.5), (2_500.0, 5.5)],
        };
        for (serial, class, validity) in [
            (None, LimitClass::B, Validity::Valid),
            (Some("4711".to_owned()), LimitClass::A, Validity::Expired),
        ] {
            let record = "ear".to_owned();
            let (free_field, diffuse_field) = (response(18.5), response(14.0));
            let ear = EarResponse { record, serial, class, free_field, diffuse_field, validity };
            let text = serde_json::to_string(&WireEar::from(&ear)).unwrap();
            let wire: WireEar = serde_json::from_str(&text).unwrap();
            assert_eq!(EarResponse::try_from(wire).unwrap(), ear, "{text}");
        }
    }

    #[test]
    fn a_class_that_nobody_knows_is_refused() {
        let text = r#"{"record":"e","class":"Z","validity":"valid","free_field":{"hz_db":[],"below_hz_db":[],"above_hz_db":[]},
            "diffuse_field":{"hz_db":[],"below_hz_db":[],"above_hz_db":[]}}"#;
        let wire: WireEar = serde_json::from_str(text).unwrap();
        assert!(EarResponse::try_from(wire).is_err());
    }
}
