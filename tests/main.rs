//! Everything that runs as one integration-test binary.

#![expect(clippy::unwrap_used, reason = "the whole crate is tests")]

mod accuracy;
mod calls;
mod classes;
mod clauses;
mod cli;
mod cli_bands_delay;
mod cli_measure;
mod cli_measure_time;
mod cli_run;
mod cli_signal;
mod dsp_golden;
mod dsp_reference;
mod false_alarms;
mod fresh;
#[cfg(feature = "gui")]
mod gui;
mod junit;
mod layers;
mod live;
#[cfg(feature = "audio")]
mod live_integrity;
mod meters;
mod noise;
mod on_car;
mod pages;
mod plan_meaning;
mod plans;
mod preparation;
mod programs;
mod recording;
mod references;
mod report;
mod report_pictures;
mod report_sample;
mod resume;
mod signals;
mod source;
mod tidy;
mod walk;
mod xml;
