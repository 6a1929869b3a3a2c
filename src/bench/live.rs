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
//! [`rig`] is the only user of serialport, `audio` the only user of cpal.

#[cfg(feature = "audio")]
pub mod audio;
#[cfg(feature = "audio")]
mod certify;
pub mod file;
#[cfg(feature = "audio")]
mod mouth;
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
    /// How many channels it can record; 0: none.
    pub inputs: u16,
    /// How many channels it can play; 0: none.
    pub outputs: u16,
    /// The sample rate that it comes with, in Hz; 0 where it does not say.
    pub default_rate: u32,
}
