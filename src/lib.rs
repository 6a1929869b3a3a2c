//! Lombard: a test bench controller for in-vehicle hands-free telephony.
//!
//! A plan file is resolved into entries; entries ask for takes inside epochs; a bench (live or
//! virtual) records each take as captures; a method, a pure function, turns captures into
//! findings; a limit, which is data, turns a finding into a verdict with a margin; every event
//! and every judgement is appended to a run; GUI, CLI and reports are views of that run.
//!
//! The modules stand in reading order. Dependencies point down this one total order only:
//! `main`, `gui`, `cli` → `report` → `run` → `bench` → `store` → `plan` → `methods` → `limits`
//! → `context` → `calibration`, `signals` → `capture` → `event` → `finding` → `entry` → `take`
//! → `dsp` → `document`, `problem`,
//! `units`, `terms`, `verdict`. The test `layers` holds it.

pub mod document;
pub mod problem;
pub mod terms;
pub mod units;
pub mod verdict;

pub mod dsp;
pub mod signals;
