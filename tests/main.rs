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
#[cfg(all(feature = "jack", target_os = "linux"))]
mod jack;
mod junit;
mod layers;
mod live;
#[cfg(all(feature = "audio", unix))]
mod live_calls;
#[cfg(feature = "audio")]
mod live_integrity;
mod meters;
mod monitor;
mod noise;
mod on_car;
mod pages;
mod plan_meaning;
mod plans;
mod preparation;
mod programs;
#[cfg(all(feature = "pulseaudio", target_os = "linux"))]
mod pulse;
mod recording;
mod references;
mod report;
mod report_pictures;
mod report_sample;
mod resume;
#[cfg(all(any(feature = "jack", feature = "pulseaudio"), target_os = "linux"))]
mod servers;
mod signals;
mod source;
mod tidy;
mod walk;
mod xml;
