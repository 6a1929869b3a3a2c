//! How much faster than its sound a virtual car runs: `cargo bench --no-default-features --bench car [NAME]...`.
//!
//! One car on one core, speech-like noise in both directions, block by block as the bench runs it. The whole program is
//! slower by what storing, hashing and evaluating take, and faster by the number of cores.

use std::time::Instant;

use lombard::bench::car::file::read_car;
use lombard::bench::car::noise::{normal, stream};
use lombard::bench::car::{BLOCK, Car, RATE_HZ};
use lombard::problem::SourceText;

const CARS: [&str; 12] = [
    "ideal-nb",
    "ideal-wb",
    "ideal-swb",
    "ideal-fb",
    "reference-nb",
    "reference-wb",
    "reference-swb",
    "reference-fb",
    "zones-wb",
    "real-nb",
    "real-wb",
    PROGRAM,
];
/// A program under test: the pass-through of the manual, which needs a C compiler.
const PROGRAM: &str = "passthrough-c";
/// Seconds of sound in one measurement.
const SOUND_S: usize = 20;
/// Measurements; the fastest counts, since other programs only ever slow one down.
const ROUNDS: usize = 3;

fn main() {
    // cargo adds `--bench`
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for name in CARS.iter().filter(|name| asked.is_empty() || asked.iter().any(|one| one == *name)) {
        match times_real_time(name) {
            Ok(factor) => println!("{name:<14}{factor:7.0} times faster than its sound"),
            Err(problem) => println!("{name:<14}{problem}"),
        }
    }
}

/// The car file of the program, with the program built beside it.
fn program() -> Result<String, String> {
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/program-under-test");
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/bench-program");
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let car = format!("{folder}/{PROGRAM}.toml");
    std::fs::copy(format!("{manual}/{PROGRAM}.toml"), &car).map_err(|error| error.to_string())?;
    let source = format!("{manual}/passthrough.c");
    let built = std::process::Command::new("cc")
        .args(["-O2", "-o"])
        .arg(format!("{folder}/passthrough"))
        .arg(source)
        .status();
    match built {
        Ok(status) if status.success() => Ok(car),
        other => Err(format!("no program to time: cc: {other:?}")),
    }
}

fn times_real_time(name: &str) -> Result<f64, String> {
    let shipped = || format!("{}/test-plans/cars/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let path = if name == PROGRAM { program()? } else { shipped() };
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let spec = read_car(&SourceText::new(path, text)).map_err(|problems| format!("{problems:?}"))?;
    let mut car = Car::new(&spec, 1);
    let mut random = stream(1, 1);
    // Bursts of noise at the levels of speech, never both directions at once.
    let mut track = |amplitude: f32, phase: usize| -> Vec<f32> {
        (0..BLOCK * 100 * SOUND_S)
            .map(|n| if (n / 48_000) % 2 == phase { amplitude * normal(&mut random) } else { 0.0 })
            .collect()
    };
    let (mouth, receive) = (track(0.8, 0), track(0.08, 1));
    let mut fastest_s = f64::INFINITY;
    for _ in 0..ROUNDS {
        car.open(spec.bandwidth, 5.min(spec.terminal.volume_steps - 1)).map_err(|error| error.to_string())?;
        let begin = Instant::now();
        let out = car.run(&mouth, &receive).map_err(|error| error.to_string())?;
        assert!(out.poi_send.iter().all(|sample| sample.is_finite()), "a car that gives NaN is no fast car");
        fastest_s = fastest_s.min(begin.elapsed().as_secs_f64());
    }
    Ok(mouth.len() as f64 / RATE_HZ / fastest_s)
}
