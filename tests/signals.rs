//! The signals of the catalogue: framing, levels, spectra, timing, and the bits that every machine has to make.

mod bands;
mod bursts;
mod combs;
mod composite;
mod hashes;
mod noise;
mod portable;
mod reading;

use std::sync::{LazyLock, Mutex};

use lombard::signals::{
    BuiltinSpeech, Catalogue, Kind, Options, RATES, Signal, SignalError, builtin, generate,
};
use serde_json::Value;

/// What is known of one signal at one rate.
pub(crate) struct Made {
    /// Its place in the catalogue.
    pub index: usize,
    /// Frames per second.
    pub rate: u32,
    /// SHA-256 of the samples.
    pub hash: String,
    /// Peak over the level.
    pub crest_db: f64,
    /// Its length.
    pub seconds: f64,
}

/// The shipped catalogue.
pub(crate) static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| builtin::catalogue().unwrap());

/// Every signal at every rate that it can be made at, in the order of the catalogue.
pub(crate) static ALL: LazyLock<Vec<Made>> = LazyLock::new(|| {
    // Recordings are the same at every rate but for the resampling, and long to arrange; noise of a cabin has the same
    // lines at every rate: two rates show it.
    let wanted = |index: usize, rate: u32| {
        let is_long = matches!(
            CATALOGUE.signals()[index].kind,
            Kind::Speech(_)
                | Kind::Dialogue(_)
                | Kind::WordRamp(_)
                | Kind::Extended(_)
                | Kind::DrivingNoise(_)
        );
        !is_long || [16_000, 48_000].contains(&rate)
    };
    let mut jobs: Vec<(usize, u32)> = (0..CATALOGUE.signals().len())
        .flat_map(|index| RATES.map(|rate| (index, rate)))
        .filter(|&(index, rate)| wanted(index, rate))
        .collect();
    jobs.reverse();
    let (jobs, made) = (Mutex::new(jobs), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                while let Some((index, rate)) = { jobs.lock().unwrap().pop() } {
                    let spec = &CATALOGUE.signals()[index];
                    match generate(spec, rate, &BuiltinSpeech, Options::default()) {
                        Ok(signal) => made.lock().unwrap().push(Made {
                            index,
                            rate,
                            crest_db: signal.crest().0,
                            seconds: signal.seconds(),
                            hash: signal.hash,
                        }),
                        // Refused with a remedy: the rate cannot hold it.
                        Err(SignalError::Rate { .. }) => {}
                        Err(error) => panic!("{} at {rate} Hz: {error}", spec.id),
                    }
                }
            });
        }
    });
    let mut made = made.into_inner().unwrap();
    made.sort_by_key(|one| (one.index, one.rate));
    made
});

/// The signal `id` of the catalogue as shipped.
pub(crate) fn made(id: &str, rate: u32) -> Signal {
    made_for(id, rate, None)
}

/// As [`made`], of a length.
pub(crate) fn made_for(id: &str, rate: u32, seconds: Option<f64>) -> Signal {
    let spec = CATALOGUE.get(id).unwrap_or_else(|| panic!("no signal {id}"));
    generate(spec, rate, &BuiltinSpeech, Options { seconds, seed: None })
        .unwrap_or_else(|error| panic!("{error}"))
}

/// What `golden/signals.py` computed with numpy and scipy.
pub(crate) fn golden() -> Value {
    serde_json::from_str(include_str!("golden/signals.json")).unwrap()
}

/// The numbers of a list.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|one| one.as_f64().unwrap()).collect()
}

/// Root mean square.
pub(crate) fn rms(samples: &[f64]) -> f64 {
    (samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64).sqrt()
}

/// Decibels of an amplitude.
pub(crate) fn db(amplitude: f64) -> f64 {
    20.0 * amplitude.log10()
}

/// Peak over RMS in dB.
pub(crate) fn crest_db(samples: &[f64]) -> f64 {
    db(samples.iter().fold(0.0_f64, |peak, x| peak.max(x.abs())) / rms(samples))
}
