//! What the live monitor reads from a port: data for faces, lossy as all telemetry, and no verdict.
//!
//! All levels are in [`Reading::unit`] and in decibels: a level of 0 is a mean square of 1 Pa² for dBPa, of 1 V² for dBV, of
//! a milliwatt for dBm0, of a full-scale square wave for dBov. Silence is −∞, and what holds a value that is no number is NaN.

use std::fmt;
use std::sync::Arc;

use crate::terms::Port;
use crate::units::Unit;

/// Which way the sound of a port goes. Some ports have both at once, as `poi.receive` of a virtual car.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// From the bench: a track of the take, at the frame that is heard now.
    Played,
    /// To the bench.
    Recorded,
}

impl Side {
    /// The word that tables and JSON write.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Played => "played",
            Self::Recorded => "recorded",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the unit of a reading stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A calibration that holds today: the unit is that of the port.
    Calibrated,
    /// A calibration that does not hold today: the unit is dBov.
    Expired,
    /// No calibration, or a nominal value without a record: the unit is dBov.
    Uncalibrated,
}

impl Standing {
    /// The word that tables and JSON write.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Calibrated => "calibrated",
            Self::Expired => "expired",
            Self::Uncalibrated => "uncalibrated",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the meter of one port reads at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The port.
    pub port: Port,
    /// Whether it was played or recorded.
    pub side: Side,
    /// What all levels here are in.
    pub unit: Unit,
    /// What the unit stands on.
    pub standing: Standing,
    /// The calibration record of the port; "uncalibrated" where there is none.
    pub record: String,
    /// Seconds of sound since the windows began anew: watching began, a block was lost, or another call.
    pub unbroken_s: f64,
    /// The level of digital full scale, 0 dBov: a level of this reading is in dBov when this is taken from it.
    pub full_scale: f64,
    /// RMS level with the time weighting F (fast) of IEC 61672-1: an exponential average of 125 ms.
    pub level: f64,
    /// The same behind the A weighting of IEC 61672-1, for ports that stand for sound pressure; in `unit`, weighted: dBPa(A)
    /// where that is dBPa. 93.98 dB more is dB(A) re 20 µPa.
    pub level_a: Option<f64>,
    /// The largest magnitude since the reading before, as the level of a constant of that magnitude: a steady sine has its peak
    /// 3.01 dB above its level.
    pub peak: f64,
    /// The largest peak since watching began.
    pub highest_peak: f64,
    /// Samples at full scale since watching began, gaps or not: magnitudes from 1 − 2⁻¹⁵ on.
    pub clipped: u64,
    /// How often the windows began anew because something was lost.
    pub gaps: u64,
    /// Bands and spectrum, for ports that are analyzed.
    pub spectra: Option<Arc<Spectra>>,
}

impl Reading {
    /// The unit of the A-weighted level, as it is written behind the number.
    pub fn unit_a(&self) -> String {
        match self.unit {
            Unit::DbPa => Unit::DbPaA.to_string(),
            other => format!("{other}(A)"),
        }
    }
}

/// What a port carries, against frequency. All levels are in the unit of the reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectra {
    /// Third-octave bands, by the class 1 filters of IEC 61260-1.
    pub bands: BandReading,
    /// The narrowband spectrum; `None` until a segment of it is there.
    pub lines: Option<LineReading>,
}

/// Levels in third-octave bands.
#[derive(Debug, Clone, PartialEq)]
pub struct BandReading {
    /// The nominal frequency of each band in Hz.
    pub nominal_hz: Vec<f64>,
    /// The exact edges of each band in Hz: lower, upper.
    pub edges_hz: Vec<(f64, f64)>,
    /// The level of each band, averaged over up to the last second; `None` while its filter settles.
    pub levels: Vec<Option<f64>>,
}

/// A narrowband spectrum: Welch's, with a Hann window and half overlap.
#[derive(Debug, Clone, PartialEq)]
pub struct LineReading {
    /// The distance of the lines in Hz; line `k` stands at `k` times that.
    pub spacing_hz: f64,
    /// The noise bandwidth of a line in Hz: less 10·lg of it, a level is a density per hertz.
    pub noise_bandwidth_hz: f64,
    /// The level of each line. A tone on a line reads its level; one between two lines up to 1.42 dB less in both.
    pub levels: Vec<f64>,
    /// The seconds that are averaged: 1 when there has been as much.
    pub averaged_s: f64,
}

/// What became of listening.
#[derive(Debug, Clone, PartialEq)]
pub struct Listened {
    /// What is listened to.
    pub port: Port,
    /// Where it is heard; empty while that is not known.
    pub interface: String,
    /// Frames that were skipped because the other clock is slower, or the sound came in bursts.
    pub skipped: u64,
    /// How often there was nothing to play.
    pub dry: u64,
    /// Samples that the ceiling cut.
    pub limited: u64,
    /// Why nothing is heard, if nothing can be.
    pub problem: Option<String>,
}
