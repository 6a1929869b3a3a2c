//! A run on disk: journal, captures, stimuli, inputs, evaluations.
//!
//! ```text
//! runs/2026-11-22T14-05-00-p1110-quick/
//!   journal.jsonl     acquisition events, append-only
//!   captures/         one mono 32-bit float WAV per track and attempt
//!   stimuli/          played tracks, one file per content hash
//!   inputs/           copies of plan, limits, overlays, car or bench, device; manifest with hashes
//!   evaluations/1/    events.jsonl and curves; 2/, 3/ … for later judgements
//!   reports/
//! ```
//!
//! Captures are synced before the journal line that names them; a torn last line is ignored; one
//! process per run. Every access to the disk goes through [`storage::Storage`], which tests tell
//! to fail.

pub mod evaluation;
pub mod folder;
pub mod journal;
pub mod sources;
pub mod storage;
pub mod track;
pub mod wire;
