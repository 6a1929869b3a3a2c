//! The model of a car once more, hearing what a take played: its gains, sample by sample, are the truth of all that changes over
//! time.

use lombard::bench::BenchMaker;
use lombard::bench::car::dynamics::Gains;
use lombard::bench::car::{BLOCK, BlockInputs, Car};
use lombard::terms::{Port, Seat};

use super::Trial;

/// A track that the first take played, in the units of its port: Pa at the mouth, digital at the POI; empty where it played
/// none.
pub(crate) fn played(trial: &Trial, port: &Port) -> Vec<f32> {
    let track = trial.takes[0].played.get(port).map_or_else(Vec::new, |one| one.samples().unwrap());
    if port.name().starts_with("mouth") {
        let factor = trial.maker.info().ports[port].calibration.unit_per_sample() as f32;
        track.iter().map(|x| x * factor).collect()
    } else {
        track
    }
}

/// What `read` takes of the gains of each block, one after the other, while the model hears the first take at a volume step.
pub(crate) fn gains<T>(trial: &Trial, step: u32, read: impl Fn(&Gains) -> T) -> Vec<T> {
    let mut car = Car::new(&trial.maker.model().spec, 1);
    car.open(trial.maker.model().spec.bandwidth, step).unwrap();
    let (mouth, poi) =
        (played(trial, &Port::mouth(Seat::Driver)), played(trial, &Port::of(Port::POI_RECEIVE)));
    let at_block = |from: usize| {
        let block = |track: &[f32]| std::array::from_fn(|at| track.get(from + at).copied().unwrap_or(0.0));
        let mouths = vec![(Seat::Driver, block(&mouth))];
        car.block(&BlockInputs { mouths, receive: block(&poi), ..BlockInputs::default() }).unwrap();
        read(car.gains().expect("the terminal changes over time"))
    };
    (0..trial.takes[0].spec.duration as usize).step_by(BLOCK).map(at_block).collect()
}

/// A gain of every block as one course of samples.
pub(crate) fn course(trial: &Trial, step: u32, which: impl Fn(&Gains) -> [f32; BLOCK]) -> Vec<f64> {
    samples(&gains(trial, step, which))
}

/// Blocks as one course of samples.
pub(crate) fn samples(blocks: &[[f32; BLOCK]]) -> Vec<f64> {
    blocks.iter().flatten().copied().map(f64::from).collect()
}
