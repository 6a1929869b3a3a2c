//! Sound servers for tests: each test has its own, and a process of its own, because a server is found by the
//! environment of the process.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lombard::run::view::RunView;

use crate::recording::empty_folder;

/// Says that the process was started by a test for one test.
const INSIDE: &str = "LOMBARD_TEST_INSIDE";

/// A program that runs until it is dropped.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Starts a program with its output in a file below `folder`.
    pub(crate) fn start(command: &mut Command, log: &std::path::Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Self(command.spawn().unwrap())
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn kill(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Daemon {
    /// Asks it to end, so that it takes its shared memory with it, and ends it if it does not.
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.0.id().to_string()).output());
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(3) && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill();
    }
}

/// Whether programs are installed. Where they are not, the test says that it is skipped; it fails where they were to be
/// there (`LOMBARD_TEST_SERVERS=needed`).
pub(crate) fn is_installed(test: &str, programs: &[&str]) -> bool {
    let is_missing = |name: &&&str| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        !std::env::split_paths(&paths).any(|path| path.join(name).is_file())
    };
    are_there(test, &programs.iter().filter(is_missing).copied().collect::<Vec<_>>())
}

/// Whether a file is in one of the folders of libraries; like [`is_installed`] otherwise.
#[cfg(feature = "pulseaudio")]
pub(crate) fn has_library(test: &str, file: &str) -> bool {
    let below =
        |folder: &str| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|one| one.path());
    let folders = ["/usr/lib", "/usr/lib64"].into_iter().flat_map(|one| below(one).chain([one.into()]));
    let is_there = folders.into_iter().any(|folder| folder.join(file).is_file());
    are_there(test, if is_there { &[] } else { std::slice::from_ref(&file) })
}

/// Whether nothing is missing.
fn are_there(test: &str, missing: &[&str]) -> bool {
    let is_needed = std::env::var("LOMBARD_TEST_SERVERS").is_ok_and(|word| word == "needed");
    assert!(missing.is_empty() || !is_needed, "{test} needs {missing:?}: .ci/install test installs them");
    if !missing.is_empty() {
        eprintln!("SKIPPED {test}: not installed here: {missing:?} (.ci/install test)");
    }
    missing.is_empty()
}

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what} within 20 s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether this process was started for one test.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs a test of this binary in a process with another environment; it must pass within `patience`.
pub(crate) fn run_inside(test: &str, environment: &[(&str, String)], patience: Duration) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--include-ignored"]).env(INSIDE, "1");
    command.envs(environment.iter().map(|(key, value)| (key, value)));
    let log = folder_of(test).join("test.log");
    let mut inside = Daemon::start(&mut command, &log);
    let began = Instant::now();
    let passed = loop {
        if let Some(status) = inside.0.try_wait().unwrap() {
            break status.success();
        }
        if began.elapsed() > patience {
            break false;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let said = std::fs::read_to_string(&log).unwrap();
    print!("{said}");
    assert!(passed && said.contains("1 passed"), "{test} after {:?}:\n{said}", began.elapsed());
}

/// The folder of a test; outside of its own process it is emptied by [`crate::recording::empty_folder`] first.
pub(crate) fn folder_of(test: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("runs").join(test.replace("::", "-"))
}

/// An empty folder for a test that begins.
pub(crate) fn fresh_folder(test: &str) -> PathBuf {
    empty_folder(&test.replace("::", "-"))
}

/// The scalar findings of a run, by entry and measurand.
pub(crate) fn scalars(view: &RunView) -> Vec<(String, String, f64, String)> {
    let entries =
        view.entries.iter().flat_map(|one| one.findings.iter().map(move |found| (one, &found.finding)));
    entries
        .filter_map(|(one, finding)| {
            let value = finding.as_scalar()?;
            Some((
                one.entry.id.text().to_owned(),
                finding.measurand.clone(),
                value,
                finding.unit.symbol().to_owned(),
            ))
        })
        .collect()
}
