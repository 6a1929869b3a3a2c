//! Programs under test: the examples of the manual are built and run, hostile ones are survived, and a car whose terminal is
//! a program is what its file says.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use lombard::bench::car::Car;
use lombard::bench::car::file::read_car;
use lombard::bench::car::noise::{normal, stream};
use lombard::bench::car::spec::CarSpec;
use lombard::problem::SourceText;

use crate::source::root;

mod files;
mod hostile;
mod runs;

/// Where the examples are built, with their car files beside them.
static EXAMPLES: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("programs");
    std::fs::create_dir_all(&folder).unwrap();
    let manual = root().join("docs/examples/program-under-test");
    for one in std::fs::read_dir(&manual).unwrap() {
        let one = one.unwrap();
        std::fs::copy(one.path(), folder.join(one.file_name())).unwrap();
    }
    folder
});

/// What a system lacks is no reason to skip a test in silence.
fn needed(command: &str, done: std::io::Result<std::process::Output>) -> String {
    let remedy = "run `sh .ci/install test`, which installs what the tests need";
    let output = done.unwrap_or_else(|error| panic!("`{command}` cannot be run: {error}; {remedy}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "`{command}` failed; {remedy}:\n{said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn compiled(name: &str, extra: &[&str]) -> PathBuf {
    let (source, file) =
        (format!("{name}.c"), EXAMPLES.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)));
    let mut command = Command::new("cc");
    command
        .current_dir(&*EXAMPLES)
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&file)
        .arg(&source);
    needed(&format!("cc {source}"), command.args(extra).output());
    file
}

static PASS_THROUGH: LazyLock<PathBuf> = LazyLock::new(|| compiled("passthrough", &[]));

static SPEEX: LazyLock<PathBuf> = LazyLock::new(|| {
    let flags = Command::new("pkg-config").args(["--cflags", "--libs", "speexdsp"]).output();
    let flags = needed("pkg-config --cflags --libs speexdsp", flags);
    compiled("speexdsp_aec", &flags.split_whitespace().collect::<Vec<_>>())
});

/// The interpreter itself: what stands in PATH may be a script that looks for it.
pub(crate) static PYTHON: LazyLock<String> = LazyLock::new(|| {
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    needed("python3", asked)
});

/// The car file of the pass-through program in C, with the program beside it.
pub(crate) fn pass_through_car() -> PathBuf {
    LazyLock::force(&PASS_THROUGH);
    EXAMPLES.join("passthrough-c.toml")
}

/// The car file of the pass-through program in Python.
fn python_car() -> PathBuf {
    LazyLock::force(&PYTHON);
    EXAMPLES.join("passthrough-python.toml")
}

/// The car file of SpeexDSP's canceller, with the program beside it.
fn speex_car() -> PathBuf {
    LazyLock::force(&SPEEX);
    EXAMPLES.join("speexdsp.toml")
}

/// The hostile program in one of its modes; `file` is told to it, as no argument that is a file: those are a part of the
/// program.
fn hostile(mode: &str, file: &Path) -> Vec<String> {
    let script = root().join("tests/programs/hostile.py");
    vec![PYTHON.clone(), script.display().to_string(), mode.to_owned(), format!("file={}", file.display())]
}

/// The pass-through program as a command.
pub(crate) fn pass_through() -> Vec<String> {
    vec![PASS_THROUGH.display().to_string()]
}

/// The shipped ideal car with a program as its terminal, of the same gains as its own, as a car file. `keys` stand in
/// `[terminal]`.
pub(crate) fn ideal_text(command: &[String], rate: u32, block: usize, keys: &str) -> String {
    let text = std::fs::read_to_string(root().join("test-plans/cars/ideal-wb.toml")).unwrap();
    let (cabin, rest) = text.split_once("[terminal]").unwrap();
    let network = rest.split_once("[network]").unwrap().1;
    let command = toml::Value::try_from(command).unwrap();
    format!(
        "{cabin}[terminal]\nkind = \"process\"\ncommand = {command}\nrate = {rate}\nblock = {block}\n{keys}\n\
         [terminal.full_scale]\nmicrophone = \"-0.98 dBPa\"\nloudspeaker = \"17.8 dBPa\"\n\
         [terminal.send]\ndelay = \"63 ms\"\n[terminal.receive]\ndelay = \"52 ms\"\n\
         [terminal.volume]\nsteps = 16\nstep = \"1.5 dB\"\n[network]{network}"
    )
}

/// A car of a text.
pub(crate) fn car_of(text: &str) -> CarSpec {
    read_car(&SourceText::new("car.toml", text)).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// See [`ideal_text`].
pub(crate) fn ideal(command: &[String], rate: u32, block: usize, keys: &str) -> CarSpec {
    car_of(&ideal_text(command, rate, block, keys))
}

/// Noise for mouth and receive that clips nowhere.
fn tracks(seconds: f64) -> [Vec<f32>; 2] {
    let mut random = stream(11, 4);
    let mut track = |amplitude: f32| {
        (0..(seconds * 48_000.0) as usize).map(|_| amplitude * normal(&mut random)).collect::<Vec<f32>>()
    };
    [track(0.3), track(0.02)]
}

/// What a car makes of [`tracks`]: the POI in send and the left ear.
fn heard(car: &CarSpec, seconds: f64) -> [Vec<f32>; 2] {
    let [mouth, receive] = tracks(seconds);
    heard_of(car, &mouth, &receive)
}

fn heard_of(car: &CarSpec, mouth: &[f32], receive: &[f32]) -> [Vec<f32>; 2] {
    let mut running = Car::new(car, 5);
    running.open(car.bandwidth, 9).unwrap();
    let found = running.run(mouth, receive).unwrap_or_else(|error| panic!("{error}"));
    [found.poi_send, found.ear_left]
}

fn largest(track: &[f32]) -> f32 {
    track.iter().fold(0.0, |top, sample| top.max(sample.abs()))
}

/// The largest difference of two tracks.
fn apart(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).fold(0.0, |top, (a, b)| top.max((a - b).abs()))
}

/// Rounding of a handful of products in single precision, relative to the largest sample.
const ROUNDING: f32 = 2e-6;

#[test]
fn a_program_that_passes_through_is_a_terminal_without_canceller() {
    let mut reference = crate::on_car::shipped("ideal-wb");
    crate::on_car::reference(&mut reference).echo_loss_db = None;
    let expected = heard(&reference, 2.0);
    for block in [1, 64, 480, 500, 960, 1_024] {
        let found = heard(&ideal(&pass_through(), 48_000, block, ""), 2.0);
        for (found, expected) in found.iter().zip(&expected) {
            let largest = largest(expected);
            assert!(largest > 0.01, "something is heard");
            assert!(
                apart(found, expected) < ROUNDING * largest,
                "blocks of {block}: {}",
                apart(found, expected)
            );
            // a sample late is seen
            assert!(apart(&found[1..], &expected[..expected.len() - 1]) > 0.1 * largest);
        }
    }
}

#[test]
fn what_comes_back_depends_on_what_was_sent_and_not_on_time() {
    let folder = tempfile::tempdir().unwrap();
    let odd = |mode: &str| ideal(&hostile(mode, &folder.path().join(mode)), 48_000, 1_024, "");
    let expected = heard(&ideal(&pass_through(), 48_000, 1_024, ""), 0.5);
    for mode in ["pass", "drip", "chatty", "slow-start", "stubborn"] {
        assert_eq!(heard(&odd(mode), 0.5), expected, "{mode}");
    }
}

#[test]
fn the_examples_in_c_and_in_python_are_one() {
    let car = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap();
        read_car(&SourceText::new(file.display().to_string(), text)).unwrap()
    };
    let [c, python] = [car(pass_through_car()), car(python_car())].map(|car| heard(&car, 1.0));
    assert_eq!(c, python);
    assert!(largest(&c[0]) > 0.01 && largest(&c[1]) > 0.01);
}

#[test]
fn a_declared_latency_is_part_of_the_declared_delay() {
    let folder = tempfile::tempdir().unwrap();
    let expected = heard(&ideal(&pass_through(), 48_000, 480, ""), 1.0);
    let late = hostile("late:333", &folder.path().join("late"));
    let declared = heard(&ideal(&late, 48_000, 480, "latency_send = 333\nlatency_receive = 333"), 1.0);
    assert_eq!(declared, expected);
    let concealed = ideal(&late, 48_000, 480, "");
    assert!(
        apart(&heard(&concealed, 1.0)[0], &expected[0]) > 0.1 * largest(&expected[0]),
        "nobody declared it"
    );
    // Each direction alone is late by as much.
    let declared = ideal(&pass_through(), 48_000, 480, "");
    let [mouth, receive] = tracks(0.5);
    for (index, mouth, receive) in [(0, &mouth[..], &[][..]), (1, &[], &receive)] {
        let [found, expected] =
            [&concealed, &declared].map(|car| heard_of(car, mouth, receive)[index].clone());
        assert!(largest(&expected) > 0.001);
        // The blocks of the network's filter lie elsewhere: the same products are summed in another order.
        let apart = apart(&found[333..], &expected[..expected.len() - 333]);
        assert!(apart < ROUNDING * largest(&expected), "{index}: {apart}");
    }
}

#[test]
fn full_scale_is_where_the_file_says() {
    let folder = tempfile::tempdir().unwrap();
    let loud = ideal(&hostile("loud", &folder.path().join("loud")), 48_000, 480, "");
    let tone = |amplitude: f32| {
        (0..24_000)
            .map(|n| amplitude * (n as f32 * std::f32::consts::TAU / 240.0).sin())
            .collect::<Vec<f32>>()
    };
    // A tone of 200 Hz that is 100 times too loud is clipped to ±1: full scale of the network, whose low-pass overshoots at
    // the edges, by 9 % with a long filter and never by 25 %.
    let [send, _] = heard_of(&loud, &tone(1.0), &[]);
    assert!((1.0..1.25).contains(&largest(&send)), "{}", largest(&send));
    // 17.8 dBPa at 1 m, −6 dB to the ear.
    let [_, ear] = heard_of(&loud, &[], &tone(0.1));
    let expected = 10f32.powf((17.8 - 6.0) / 20.0);
    assert!((largest(&ear) / expected - 1.0).abs() < 1e-4, "{} {expected}", largest(&ear));
    // The same level on other planes: what the program gets is 12 dB less, and what it gives counts 12 dB more.
    let plain = ideal_text(&pass_through(), 48_000, 480, "");
    let other = plain.replace(
        "microphone = \"-0.98 dBPa\"",
        "microphone = \"11.02 dBPa\"\nsend = \"18.15 dBm0\"\nreceive = \"18.15 dBm0\"",
    );
    let other = other.replace("loudspeaker = \"17.8 dBPa\"", "loudspeaker = \"29.8 dBPa\"");
    let (expected, found) = (heard(&car_of(&plain), 1.0), heard(&car_of(&other), 1.0));
    for (found, expected) in found.iter().zip(&expected) {
        assert!(apart(found, expected) < ROUNDING * largest(expected), "{}", apart(found, expected));
    }
}
