//! A volume that depends on speed: receive is as much louder as the car file says for the noise at the microphone, in the
//! noise of the cabin and in one that is played into it.

use std::f64::consts::TAU;
use std::sync::{Arc, LazyLock};

use lombard::bench::car::bed::{Bed, Points, VOLUME_S};
use lombard::bench::car::spec::CarSpec;
use lombard::bench::car::truth::Truth;
use lombard::bench::car::{BLOCK, BlockInputs, Car, Model};
use lombard::entry::Noise;
use lombard::take::Volume;
use lombard::terms::Seat;

use super::comparison::{Comparison, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::noise_field::points_of;
use super::spectrum::density_of;
use super::{SEED, SIGNALS, Trial, entry, reference, shipped};

/// The volume of these tests, as a car file would have it: straight from −60 to −45 and from −45 to −30 dBPa(A).
const VOLUME: &[(f64, f64)] = &[(-60.0, 0.5), (-45.0, 3.0), (-30.0, 5.5)];
/// What it adds at levels at the microphone, on paper.
const ON_PAPER: &[(f64, f64)] =
    &[(-70.0, 0.5), (-60.0, 0.5), (-52.5, 1.75), (-45.0, 3.0), (-37.5, 4.25), (-34.5, 4.75), (-20.0, 5.5)];
/// A gain that is read from the same samples with and without the volume has only the rounding of streams in it.
const SAME_DB: f64 = 0.002;
/// Frames of a second.
const SECOND: usize = 48_000;

/// A car without a noise of its own whose volume depends on speed, or does not.
fn silent(volume: &[(f64, f64)]) -> CarSpec {
    let mut car = shipped("ideal-wb");
    let noises = &mut car.cabin;
    (noises.noise_microphone_dbpa_a, noises.noise_ears_dbpa_a, noises.noise_reference_dbpa_a) =
        (None, None, None);
    (noises.noise_capsule_dbpa_a, noises.noise_amplifier_dbpa_a) = (None, None);
    reference(&mut car).idle_noise = None;
    car.terminal.speed_volume = volume.to_vec();
    car
}

/// A turn that lasts these pieces of whole seconds, each a tone of 1 kHz of this level at the microphone, where A-weighting
/// takes nothing; at the driver's head it is 30 dB louder.
fn tones(pieces: &[(usize, f64)]) -> Points {
    let mut turn: Vec<f32> = Vec::new();
    for (seconds, level_dbpa) in pieces {
        let peak = 10f64.powf(level_dbpa / 20.0) * 2f64.sqrt();
        let tone = |n: usize| (peak * (TAU * (n % 48) as f64 / 48.0).sin()) as f32;
        turn.extend((0..seconds * SECOND).map(tone));
    }
    let head: Arc<[f32]> = turn.iter().map(|x| 31.6 * x).collect();
    [("driver-head".to_owned(), head), ("microphone".to_owned(), turn.into())].into()
}

/// The amplitude at 400 Hz at the left ear in each quarter of a second, while the POI plays 400 Hz: what a car with this
/// noise adds to a call in frame `from` of it. `mouth` is the peak of a tone of 1 kHz at the MRP.
fn heard(car: &CarSpec, noise: Option<&Points>, from: u64, seconds: usize, mouth: f64) -> Vec<f64> {
    let mut car = Car::new(car, SEED);
    car.open(car.model().spec.bandwidth, 5).unwrap();
    let bed = noise.map(|points| Bed::new(&car.model().spec, points).unwrap());
    car.sound(bed).unwrap();
    car.seek(from).unwrap();
    let mut ear: Vec<f64> = Vec::new();
    for block in 0..seconds * SECOND / BLOCK {
        let tone = |hz: f64, peak: f64, n: usize| (peak * (TAU * hz * n as f64 / 48_000.0).sin()) as f32;
        let at = block * BLOCK;
        let mouths = vec![(Seat::Driver, std::array::from_fn(|n| tone(1_000.0, mouth, at + n)))];
        let receive = std::array::from_fn(|n| tone(400.0, 0.05, at + n));
        let outputs = car.block(&BlockInputs { mouths, receive, ..BlockInputs::default() }).unwrap();
        ear.extend(outputs.ears[0].1[0].iter().map(|x| f64::from(*x)));
    }
    let amplitude = |part: &[f64]| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in part.iter().enumerate() {
            let (sine, cosine) = (TAU * 400.0 * n as f64 / 48_000.0).sin_cos();
            (re, im) = (re + x * cosine, im + x * sine);
        }
        (re * re + im * im).sqrt() * 2.0 / part.len() as f64
    };
    ear.chunks(SECOND / 4).map(amplitude).collect()
}

/// By how much the volume makes receive louder in each quarter of a second, the first second left out: it fills the chain.
fn louder_db(car: &CarSpec, noise: Option<&Points>, from: u64, seconds: usize, mouth: f64) -> Vec<f64> {
    let mut plain = car.clone();
    plain.terminal.speed_volume.clear();
    let (with, without) =
        (heard(car, noise, from, seconds, mouth), heard(&plain, noise, from, seconds, mouth));
    with.iter().zip(&without).skip(4).map(|(with, without)| 20.0 * (with / without).log10()).collect()
}

#[test]
fn receive_is_louder_by_what_the_noise_at_the_microphone_asks_for() {
    for (level, louder) in ON_PAPER {
        for found in louder_db(&silent(VOLUME), Some(&tones(&[(2, *level)])), 0, 2, 0.0) {
            assert!((found - louder).abs() < SAME_DB, "{level}: {found} {louder}");
        }
    }
    // The cabin's own noise is heard too: two of −45 dBPa(A) are one of −41.99, a fifth of the way up the second line.
    let mut own = silent(VOLUME);
    own.cabin.noise_microphone_dbpa_a = Some(-45.0);
    let louder = 3.0 + 3.0103 / 15.0 * 2.5;
    for found in louder_db(&own, Some(&tones(&[(2, -45.0)])), 0, 2, 0.0) {
        assert!((found - louder).abs() < SAME_DB, "{found} {louder}");
    }
}

#[test]
fn without_noise_it_is_the_constant_of_the_car_file() {
    let mut own = silent(VOLUME);
    own.cabin.noise_microphone_dbpa_a = Some(-34.5);
    for (car, louder) in [(silent(VOLUME), 0.5), (silent(&[(-60.0, 0.0), (-30.0, 8.0)]), 0.0), (own, 4.75)] {
        for found in louder_db(&car, None, 0, 2, 0.0) {
            assert!((found - louder).abs() < SAME_DB, "{found} {louder}");
        }
    }
}

#[test]
fn a_volume_follows_a_noise_that_rises_and_falls_with_its_time_constant() {
    // 20 s at −55 dBPa(A), 20 s at −35, again and again. The mean of the power goes to each exponentially, and begins each
    // time where the other left it: m₁ = p₁ + (m₂ − p₁)·k, m₂ = p₂ + (m₁ − p₂)·k with k = e^(−20/5).
    let turn = tones(&[(20, -55.0), (20, -35.0)]);
    let power = |level: f64| 10f64.powf(level / 10.0);
    let (low, high) = (power(-55.0), power(-35.0));
    let kept = (-20.0 / VOLUME_S).exp();
    let after_high = (high * (1.0 - kept) + low * (1.0 - kept) * kept) / (1.0 - kept * kept);
    let after_low = low + (after_high - low) * kept;
    let louder_at = |s: f64| {
        let s = s.rem_euclid(40.0);
        let mean = if s < 20.0 {
            low + (after_high - low) * (-s / VOLUME_S).exp()
        } else {
            high + (after_low - high) * (-(s - 20.0) / VOLUME_S).exp()
        };
        let level = 10.0 * mean.log10();
        0.5 + (level + 60.0) / 15.0 * 2.5
    };
    // The noise began 5 s before the call: the call begins at 5 s of the turn.
    let found = louder_db(&silent(VOLUME), Some(&turn), 0, 42, 0.0);
    for (n, found) in found.iter().enumerate() {
        // The mean of the gain over a quarter of a second, 3 ms earlier: so long is the way to the ear.
        let at = |step: i32| 5.0 + 1.0 - 0.003 + 0.25 * (n as f64 + (f64::from(step) + 0.5) / 100.0);
        let mean = (0..100).map(|step| 10f64.powf(louder_at(at(step)) / 20.0)).sum::<f64>() / 100.0;
        let truth = 20.0 * mean.log10();
        // Less than a block of 10 ms is not told apart: 2.4 dB/s where the noise rises.
        assert!((found - truth).abs() < 0.01, "{n}: {found} {truth}");
    }
    let (least, most) =
        (found.iter().copied().fold(f64::NAN, f64::min), found.iter().copied().fold(f64::NAN, f64::max));
    assert!(most - least > 2.0, "it follows: {least} {most}");
}

#[test]
fn somebody_who_speaks_does_not_turn_the_volume_up() {
    let turn = tones(&[(2, -52.5)]);
    // +10 dBPa at the MRP: at the microphone 38 dB over the noise.
    for found in louder_db(&silent(VOLUME), Some(&turn), 0, 3, 4.47) {
        assert!((found - 1.75).abs() < SAME_DB, "{found}");
    }
}

#[test]
fn a_call_that_is_taken_up_has_the_volume_that_it_had() {
    let turn = tones(&[(7, -58.0), (6, -33.0)]);
    let car = silent(VOLUME);
    let whole = heard(&car, Some(&turn), 0, 24, 0.0);
    // The frame of the call at which a later session goes on; the first quarter fills the chain.
    for second in [3, 8, 9, 14, 17] {
        let part = heard(&car, Some(&turn), (second * SECOND) as u64, 4, 0.0);
        let same = &whole[4 * second..];
        for (n, (part, whole)) in part.iter().zip(same).enumerate().skip(1) {
            let off = 20.0 * (part / whole).log10();
            assert!(off.abs() < 1e-4, "{second} s, quarter {n}: {off} dB");
        }
    }
    let (least, most) =
        (whole[8..].iter().copied().fold(f64::NAN, f64::min), whole.iter().copied().fold(0.0, f64::max));
    assert!(20.0 * (most / least).log10() > 0.9, "the volume moves: {least} {most}");
}

/// A noise, by how much its field is turned down, a car, its volume.
type Case = (&'static str, f64, &'static str);

/// The noise is turned down so far that speech in receive stands out of it at the ears; the volume lies where it is then.
const CASES: &[Case] = &[
    ("driving-0", -20.0, "ideal-wb"),
    ("driving-50", -28.0, "ideal-nb"),
    ("driving-50", -24.0, "reference-wb"),
    ("driving-120", -24.0, "ideal-fb"),
    ("driving-120", -30.0, "ideal-swb"),
    ("fan-2", -12.0, "reference-wb"),
    ("fan-4", -20.0, "ideal-nb"),
];
/// From −80 dBPa(A) on 0.2 dB for each decibel.
const GENTLE: &[(f64, f64)] = &[(-80.0, 0.0), (-40.0, 8.0)];

fn car_of(&(_, gain_db, name): &Case) -> CarSpec {
    let mut car = shipped(name);
    car.terminal.speed_volume = GENTLE.to_vec();
    car.cabin.noise_field.gain_db = gain_db;
    car
}

fn rate(case: &Case) -> Comparison {
    let (signal, gain_db, name) = *case;
    let car = car_of(case);
    let spectrum = density_of("speech-conditioning", false);
    let model = Model::new(car.clone());
    let truth = Truth::of(&model).in_noise(&points_of(signal)).rlr_db(5, &|freq_hz| spectrum.at(freq_hz));
    let given = &[("direction", "receive"), ("signal", "speech-conditioning"), ("idle", "20 s")];
    let mut wanted = entry("loudness_rating", car.bandwidth, Volume::Step(5), given);
    let level_dba = SIGNALS.library().noise_level_dba(signal).unwrap();
    wanted.noise = Some(Noise { signal: signal.to_owned(), level_dba });
    Comparison {
        method: "loudness_rating",
        measurand: "rlr",
        case: format!("volume that depends on speed, in {signal} at {gain_db} dB, {name}"),
        unit: "dB",
        truth,
        measured: Trial::record(car, wanted, SEED).value("rlr"),
        tolerance: LEVEL_TOLERANCE_DB,
        source: Source::Model,
    }
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| CASES.iter().map(rate).collect());

#[test]
fn the_rating_in_noise_is_that_of_a_volume_that_follows_it() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "rlr") >= 5);
    // What the noise adds is no trifle, and the truth without it would be missed.
    for (case, one) in CASES.iter().zip(&*COMPARISONS) {
        let spectrum = density_of("speech-conditioning", false);
        let model = Model::new(car_of(case));
        let quiet = Truth::of(&model).rlr_db(5, &|freq_hz| spectrum.at(freq_hz));
        assert!(quiet - one.truth > 0.5 && !one.against(quiet).holds(), "{one:?} {quiet}");
    }
}
