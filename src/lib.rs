//! Lombard: a test bench controller for in-vehicle hands-free telephony.
//!
//! A plan file is resolved into entries; entries ask for takes inside epochs; a bench (live or
//! virtual) records each take as captures; a method, a pure function, turns captures into
//! findings; a limit, which is data, turns a finding into a verdict with a margin; every event
//! and every judgement is appended to a run; GUI, CLI and reports are views of that run.
//!
//! The modules stand in reading order. Dependencies point down this one total order only:
//! `main`, `gui`, `cli` → `report` → `run` → `bench::live`, `bench::car` → `store` → `bench` → `plan`
//! → `methods` → `limits` → `context` → `meters` → `calibration`, `signals` → `event` → `capture` → `finding`
//! → `entry` → `take` → `dsp` → `wav` → `document` → `problem` → `verdict` → `units` → `terms`.
//! The test `layers` holds it.

pub mod document;
pub mod problem;
pub mod terms;
pub mod units;
pub mod verdict;

pub mod bench;
pub mod calibration;
pub mod capture;
pub mod cli;
pub mod context;
pub mod dsp;
pub mod entry;
pub mod event;
pub mod finding;
#[cfg(feature = "gui")]
pub mod gui;
pub mod limits;
pub mod meters;
pub mod methods;
pub mod plan;
pub mod report;
pub mod run;
pub mod signals;
pub mod store;
pub mod take;
pub mod wav;

/// The version of the program, as runs and reports name it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The program with its version, as journals and reports name what recorded or judged.
pub const SOFTWARE: &str = concat!("lombard ", env!("CARGO_PKG_VERSION"));
