//! The live bench: audio interfaces, a serial line to the rig, and the proof that what was recorded is what was played.
//!
//! A peer of the virtual car behind the same trait. [`file::read_bench`] turns a bench file and the calibration ledger
//! into a [`BenchFile`](file::BenchFile); the feature `audio` makes benches of it.
//!
//! ```text
//! bench file ─► spec, BenchInfo        takes ─► recorder ─► orders ─► playback callback ─► interface ─┐
//! ledger ────────────▲                             ▲                                         loopback cable, car
//!                                   sync: alignment, certificate ◄─ ring ◄─ capture callback ◄────────┘
//! ```
//!
//! A bench may have further interfaces on clocks of their own ([`spec::OtherSpec`]): each has its own ring and recorder, and
//! hears the same code.
//!
//! [`rig`] is the only user of serialport, `audio` the only user of cpal.

#[cfg(feature = "audio")]
pub mod audio;
#[cfg(feature = "audio")]
mod certify;
pub mod file;
#[cfg(feature = "audio")]
pub mod inputs;
#[cfg(feature = "audio")]
mod mouth;
#[cfg(feature = "audio")]
mod orders;
#[cfg(feature = "audio")]
mod others;
mod patience;
#[cfg(feature = "audio")]
mod recorder;
pub mod rig;
pub mod spec;
pub mod sync;
#[cfg(feature = "audio")]
pub mod take;
#[cfg(feature = "audio")]
mod watch;

#[cfg(all(test, feature = "audio"))]
mod tests;

/// An audio interface as `list interfaces` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// What a bench file calls it: `host:name`.
    pub id: String,
    /// What the operating system calls it.
    pub name: String,
    /// The audio system that it belongs to.
    pub host: String,
    /// What it records; `None`: nothing.
    pub capture: Option<Way>,
    /// What it plays; `None`: nothing.
    pub playback: Option<Way>,
    /// The sample rate that it comes with, in Hz; 0 where it does not say.
    pub default_rate: u32,
}

/// What an interface can in one direction, as far as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// How many channels, at most.
    pub channels: u16,
    /// The usual sample rates that it runs at, in Hz.
    pub rates_hz: Vec<u32>,
    /// The sample formats that a bench can use, the best first: `f32`, `i32`, `i24`, `f64`, `i16`.
    pub formats: Vec<String>,
    /// The smallest and the largest buffer, in frames, where it says.
    pub buffer_frames: Option<(u32, u32)>,
}

impl Interface {
    /// How many channels it records.
    pub fn inputs(&self) -> u16 {
        self.capture.as_ref().map_or(0, |way| way.channels)
    }

    /// How many channels it plays.
    pub fn outputs(&self) -> u16 {
        self.playback.as_ref().map_or(0, |way| way.channels)
    }
}
