//! From digital full scale to pascals and dBm0: what a port's samples mean, and since when that is known.

pub mod ear;
pub mod ledger;
pub mod loudspeakers;

use std::fmt;

use crate::terms::UnknownWord;
use crate::units::{Quantity, Unit};

/// Whether a calibration held when the take was captured. Judged then, stored, never judged again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Validity {
    /// Within its interval.
    Valid,
    /// Outside of its interval.
    Expired,
    /// There is none: no verdict may stand on the port.
    Missing,
}

impl Validity {
    /// The word that files write.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Missing => "missing",
        }
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl std::str::FromStr for Validity {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Valid, Self::Expired, Self::Missing].into_iter().find(|one| one.word() == text).ok_or_else(
            || UnknownWord { found: text.to_owned(), known: "valid, expired, missing".to_owned() },
        )
    }
}

/// What the samples of a port mean.
#[derive(Debug, Clone, PartialEq)]
pub struct PortCalibration {
    /// The id of the calibration record.
    pub record: String,
    /// The level of a signal at 0 dBov (mean square 1.0): `dBPa` for acoustic ports, `dBm0` for the network.
    pub zero_dbov: Quantity,
    /// Whether the record held at capture time.
    pub validity: Validity,
}

impl PortCalibration {
    /// The factor from samples to units in which mean square 1.0 is 0 dB of the plane
    /// (pascals for dBPa; for dBm0, the root of a milliwatt).
    pub fn unit_per_sample(&self) -> f64 {
        10f64.powf(self.zero_dbov.value / 20.0)
    }

    /// The plane of the port.
    pub fn unit(&self) -> Unit {
        self.zero_dbov.unit
    }
}
