//! How much faster than its sound a whole plan runs: `cargo bench --no-default-features --bench plan [CAR]...`.
//!
//! Everything counts: rendering, the car, storing and hashing of captures, the methods, the verdicts; on all processors,
//! with the scorers of speech quality left out, which no plan asks for. What is asked of the program is 25 times with the
//! reference terminal and 10 times with the real one.

use std::path::Path;
use std::time::Instant;

use lombard::bench::StopFlag;
use lombard::run::{BenchChoice, Engine, RunRequest};

/// The plan with the most noise conditions of wideband.
const PLAN: &str = "p1110-2025-10";
/// The cars, and how many times faster than the sound the plan shall run on them.
const CARS: [(&str, f64); 2] = [("reference-wb", 25.0), ("real-wb", 10.0)];

fn main() {
    // cargo adds `--bench`
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for (car, wanted) in CARS.iter().filter(|(car, _)| asked.is_empty() || asked.iter().any(|one| one == car))
    {
        match times_real_time(car) {
            Ok((sound_s, factor)) => {
                println!(
                    "{PLAN} on {car}: {sound_s:.0} s of sound, {factor:.0} times faster ({wanted:.0} asked)"
                );
            }
            Err(problem) => println!("{PLAN} on {car}: {problem}"),
        }
    }
}

fn times_real_time(car: &str) -> Result<(f64, f64), String> {
    let runs = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-plan-{car}"));
    if runs.exists() {
        std::fs::remove_dir_all(&runs).map_err(|error| error.to_string())?;
    }
    let request = RunRequest {
        plan: PLAN.to_owned(),
        bench: BenchChoice::Car(car.to_owned()),
        seed: 1,
        runs: runs.clone(),
        ..RunRequest::default()
    };
    let began = Instant::now();
    let view = Engine::new(Vec::new())
        .record(&request, &|_| {}, &StopFlag::default())
        .map_err(|error| error.to_string())?;
    let wall_s = began.elapsed().as_secs_f64();
    let sound_s = view.audio_s;
    std::fs::remove_dir_all(&runs).map_err(|error| error.to_string())?;
    Ok((sound_s, sound_s / wall_s))
}
