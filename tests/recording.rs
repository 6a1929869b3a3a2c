//! What the tests of whole runs share: a short plan, and runs of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lombard::bench::{CaptureSink, SinkError, StopFlag};
use lombard::run::view::RunView;
use lombard::run::{BenchChoice, Engine, RunError, RunRequest, Update};
use lombard::store::storage::Storage;
use lombard::terms::Port;

/// Tracks in memory, by port.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) BTreeMap<Port, Vec<f32>>);

impl CaptureSink for Memory {
    fn write(&mut self, port: &Port, samples: &[f32]) -> Result<(), SinkError> {
        self.0.entry(port.clone()).or_default().extend_from_slice(samples);
        Ok(())
    }
}

/// A wideband call of the device at a step of its volume.
#[cfg(feature = "audio")]
pub(crate) fn call_at(volume_step: u32) -> lombard::bench::RenderedEpoch {
    lombard::bench::RenderedEpoch {
        key: lombard::take::EpochKey::stored("e"),
        seed: 1,
        bandwidth: lombard::terms::Bandwidth::Wb,
        volume_step,
        terminal: lombard::take::Terminal::Device,
        noise: None,
    }
}

/// A plan of every kind of take: an adaptive search, two takes of one entry, one take of two entries, two calls.
pub(crate) const SHORT_PLAN: &str = r#"
title = "Short"
recommendation = "P.1110"
edition = "10/2025"
bandwidth = "WB"
car = "ideal-wb"
limits = ["p1110-2025"]

[defaults]
conditioning = "css-delay"
delay_max = "250 ms"

[[entry]]
id = "volume"
clause = "11.1"
method = "volume_search"
informative = true
[entry.parameters]
signal = "pn-8192"

[[entry]]
id = "delay"
clause = "11.2"
method = "delay"
limits = ["delay_round_trip"]

[[entry]]
id = "slr"
clause = "11.3"
method = "loudness_rating"
limits = ["slr"]
[entry.parameters]
direction = "send"
signal = "pn-8192"
idle = "500 ms"

[[entry]]
id = "send_response"
clause = "11.4.1"
method = "loudness_rating"
limits = ["send_response"]
[entry.parameters]
direction = "send"
signal = "pn-8192"
idle = "500 ms"

[[entry]]
id = "idle_noise"
clause = "11.7"
method = "idle_noise"
volume = "maximum"
limits = ["idle_noise_send"]
[entry.parameters]
activation = "css-delay"
settling = "200 ms"
analysis = "1 s"
"#;

/// An empty folder for the runs of a test.
pub(crate) fn empty_folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("runs").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes a plan into a folder.
pub(crate) fn plan_in(folder: &Path, text: &str) -> String {
    let path = folder.join("short.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A run that is wished for, on the plan's own car.
pub(crate) fn request(plan: &str, runs: &Path, seed: u64) -> RunRequest {
    RunRequest {
        plan: plan.to_owned(),
        bench: BenchChoice::PlanDefault,
        runs: runs.to_owned(),
        seed,
        ..RunRequest::default()
    }
}

/// Records without anybody listening.
pub(crate) fn record(request: &RunRequest) -> RunView {
    Engine::new(Vec::new()).record(request, &|_| {}, &StopFlag::default()).unwrap()
}

/// Records on another storage.
pub(crate) fn record_on(
    storage: Arc<dyn Storage>,
    request: &RunRequest,
    listener: &(dyn Fn(Update<'_>) + Sync),
    stop: &StopFlag,
) -> Result<RunView, RunError> {
    Engine::on(storage, Vec::new()).record(request, listener, stop)
}

/// What was found, to the last bit: entry, measurand and value; curves with all of theirs.
pub(crate) fn findings(view: &RunView) -> Vec<String> {
    let mut all = Vec::new();
    for entry in &view.entries {
        all.push(format!("{} {} {:?} {:?}", entry.entry.id, entry.verdict, entry.flags, entry.margin));
        for one in &entry.findings {
            all.push(format!("{} {:?} {:?}", one.finding.measurand, one.finding.value, one.finding.bound));
        }
    }
    all
}
