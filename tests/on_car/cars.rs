//! The shipped cars are what they say: the level geometry of a real car, healthy references, terminals with real
//! algorithms that every method can measure.

use lombard::bench::car::Model;
use lombard::bench::car::cabin::Path;
use lombard::bench::car::spec::{CarSpec, Codec, ReferenceSpec, TerminalKind};
use lombard::bench::car::truth::{Truth, white};
use lombard::finding::Bound;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Ear, Port, Seat};

use super::spectrum::density_of;
use super::{SEED, Trial, entry, reference, shipped};

/// The cars with a cabin.
const CARS: [&str; 8] = [
    "reference-nb",
    "reference-wb",
    "reference-swb",
    "reference-fb",
    "real-wb",
    "real-nb",
    "real-swb",
    "real-fb",
];
/// The nominal step of all of them.
const NOMINAL: u32 = 5;
const LOUDEST: u32 = 15;
/// A fifth of the time of the default.
const SHORT: (&str, &str) = ("signal", "speech-conditioning");

fn is_near(found: f64, expected: f64, room: f64, what: &str) {
    assert!((found - expected).abs() <= room, "{what}: {found:.2}, not {expected} ± {room}");
}

#[test]
fn shipped_cars_have_the_level_geometry_of_a_real_one() {
    let spectrum = density_of("speech-conditioning", false);
    let speech = |hz: f64| spectrum.at(hz);
    let band_hz = (100.0, 8_000.0);
    for name in CARS {
        let mut car = shipped(name);
        if let TerminalKind::Reference(own) = &mut car.terminal.kind {
            own.echo_loss_db = None; // the truth of a real terminal has no canceller anyway
        }
        let model = Model::new(car);
        let truth = Truth::of(&model);
        assert_eq!(truth.nominal_volume_step(&speech), NOMINAL, "{name}");
        is_near(truth.slr_db(&speech), 13.0, 0.1, name);
        is_near(truth.rlr_db(NOMINAL, &speech), 2.0, 0.1, name);
        is_near(truth.rlr_db(LOUDEST, &speech), -13.3, 0.1, name);
        // Speech of −1.7 dBPa at the MRP, and of −16 dBm0 at the POI, both where the microphone is.
        let talker_dbpa = truth.microphone_from_mouth_db(&speech, band_hz) - 1.7;
        let echo_dbpa = |step| truth.microphone_from_poi_dbpa(step, &speech, band_hz) - 16.0;
        is_near(echo_dbpa(NOMINAL) - talker_dbpa, 3.0, 0.3, name);
        is_near(echo_dbpa(LOUDEST) - talker_dbpa, 18.3, 0.3, name);
        // What a canceller must make of it.
        is_near(truth.tclw_db(NOMINAL, &speech), 0.0, 1.0, name);
        is_near(truth.tclw_db(LOUDEST, &speech), -15.3, 1.0, name);
        for (path, at) in [
            (&model.cabin.driver.mouth_to_microphone, "at the microphone"),
            (&model.cabin.loudspeaker_to_microphone, "of the echo"),
            (&model.cabin.driver.loudspeaker_to_ears[0], "at the ear"),
        ] {
            is_near(reverberation_ms(path), 70.0, 10.0, at);
        }
    }
}

/// Reverberation time from the backward integration (Schroeder), −5 to −35 dB.
fn reverberation_ms(path: &Path) -> f64 {
    let Path::Response(taps) = path else { panic!("no reverberation in an ideal cabin") };
    let total: f64 = taps.iter().map(|tap| tap * tap).sum();
    let below = |level_db: f64| {
        let floor = total * 10f64.powf(level_db / 10.0);
        let rest = taps.iter().scan(total, |rest, tap| {
            *rest -= tap * tap;
            Some(*rest)
        });
        rest.take_while(|rest| *rest > floor).count()
    };
    (below(-35.0) - below(-5.0)) as f64 * 2.0 / 48.0
}

/// The car with a microphone that never clips and a terminal that only passes its signal on, 40 dB lower: the POI shows
/// the pressure at the microphone.
fn with_probe(mut car: CarSpec) -> CarSpec {
    car.terminal.kind = TerminalKind::Reference(ReferenceSpec {
        moving_loss_db: 0.0,
        echo_loss_db: None,
        echo_loss_response: Vec::new(),
        idle_noise: None,
        idle_noise_spectrum: Vec::new(),
        dynamics: Box::default(),
    });
    car.network.codec = Codec::Linear;
    car.terminal.send_gain_db = -40.0;
    car.terminal.send_overload_dbpa = None;
    car.terminal.send_response = Vec::new();
    car
}

/// The peak at the microphone in dB over 1 Pa.
fn microphone_peak_dbpa(car: &CarSpec, method: &str, step: u32, given: &[(&str, &str)]) -> f64 {
    let wanted = entry(method, car.bandwidth, Volume::Step(step), given);
    let trial = Trial::record(with_probe(car.clone()), wanted, SEED);
    let track = trial.takes[0].captures[&Port::of(Port::POI_SEND)].samples().unwrap();
    let peak = track.iter().fold(0.0f64, |peak, x| peak.max(f64::from(x.abs())));
    20.0 * peak.log10() + 6.15 + 40.0
}

#[test]
fn the_microphone_clips_at_maximum_volume_only() {
    for name in CARS {
        let car = shipped(name);
        let overload_dbpa = car.terminal.send_overload_dbpa.unwrap();
        let echo = |step, level| microphone_peak_dbpa(&car, "coupling_loss", step, &[("level", level)]);
        let (nominal, loudest) = (echo(NOMINAL, "-10 dBm0"), echo(LOUDEST, "-16 dBm0"));
        assert!(nominal < overload_dbpa - 3.0, "{name}: {nominal:.1}");
        assert!(loudest > overload_dbpa + 2.0, "{name}: {loudest:.1}");
        let talker = microphone_peak_dbpa(&car, "loudness_rating", NOMINAL, &[("direction", "send"), SHORT]);
        assert!(talker < overload_dbpa - 6.0, "{name}: {talker:.1}");
    }
}

#[test]
fn what_clipping_made_of_the_echo_stays() {
    let car = shipped("reference-wb");
    let model = Model::new(car.clone());
    let spectrum = density_of("speech-compressed", true);
    let linear_db = Truth::of(&model).tclw_db(LOUDEST, &|hz| spectrum.at(hz));
    let found = Trial::record(car, entry("coupling_loss", Bandwidth::Wb, Volume::Maximum, &[]), SEED);
    // 33 dB by the numbers of the file
    assert!(found.value("tclw") < linear_db - 20.0, "{} {linear_db}", found.value("tclw"));
}

/// What every method finds on a car.
struct Found {
    nominal: f64,
    delay_send_ms: f64,
    delay_receive_ms: f64,
    slr_db: f64,
    rlr_db: f64,
    idle_db: f64,
    idle_peak_db: f64,
    coupling: (f64, Bound),
}

fn find_all(name: &str, seed: u64) -> Found {
    let car = shipped(name);
    let (idle, coupling) = match car.bandwidth {
        Bandwidth::Nb => ("idle_noise_send_p", "tclw"),
        _ => ("idle_noise_send_a", "tcl"),
    };
    let trial = |method, volume, given: &[(&str, &str)]| {
        Trial::record(car.clone(), entry(method, car.bandwidth, volume, given), seed)
    };
    let at = Volume::Step(NOMINAL);
    let delay = trial("delay", at, &[]);
    let noise = trial("idle_noise", at, &[]);
    let echo = trial("coupling_loss", at, &[]).finding(coupling);
    Found {
        nominal: trial("volume_search", at, &[]).value("volume_nominal"),
        delay_send_ms: delay.value("delay_send"),
        delay_receive_ms: delay.value("delay_receive"),
        slr_db: trial("loudness_rating", at, &[("direction", "send"), SHORT]).value("slr"),
        rlr_db: trial("loudness_rating", at, &[("direction", "receive"), SHORT]).value("rlr"),
        idle_db: noise.value(idle),
        idle_peak_db: noise.value("idle_noise_send_peak"),
        coupling: (echo.as_scalar().unwrap(), echo.bound),
    }
}

#[test]
fn reference_cars_are_healthy() {
    for name in ["reference-nb", "reference-wb", "reference-swb", "reference-fb"] {
        let found = find_all(name, SEED);
        assert_eq!(found.nominal, f64::from(NOMINAL), "{name}");
        assert!(found.delay_send_ms + found.delay_receive_ms < 0.9 * 170.0, "{name}");
        is_near(found.slr_db, 13.0, 3.0, name);
        is_near(found.rlr_db, 2.0, 3.0, name);
        assert!(found.idle_db < -65.0 && found.idle_peak_db < 9.0, "{name}");
        // A canceller that leaves 40 dB at the loudest step leaves so little here that noise hides some of it.
        let (coupling_db, bound) = found.coupling;
        assert!(coupling_db > 57.0 && bound != Bound::AtMost, "{name}: {:?}", found.coupling);
    }
}

#[test]
fn every_method_measures_a_real_terminal() {
    for name in ["real-wb", "real-nb", "real-swb", "real-fb"] {
        let found = find_all(name, SEED);
        let model = Model::new(shipped(name));
        let truth = Truth::of(&model);
        assert_eq!(found.nominal, f64::from(NOMINAL), "{name}");
        // The high-pass of the processing leads by 0.015 ms.
        is_near(found.delay_send_ms, truth.send_delay_s(&white) * 1e3, 0.04, name);
        let ears = Ear::ALL.iter().map(|ear| truth.receive_delay_s(*ear, &white) * 1e3);
        is_near(found.delay_receive_ms, ears.fold(f64::INFINITY, f64::min), 0.02, name);
        // Suppressor, canceller and codec take some tenths of a decibel, not the same on every processor.
        is_near(found.slr_db, 13.0, 0.6, name);
        is_near(found.rlr_db, 2.0, 0.6, name);
        assert!(
            found.idle_db < -66.0 && found.idle_peak_db < 9.0,
            "{name}: {} {}",
            found.idle_db,
            found.idle_peak_db
        );
        assert!(found.coupling.0 > 50.0, "{name}: {:?}", found.coupling);
    }
}

#[test]
fn without_its_canceller_a_real_terminal_has_the_echo_of_its_level_geometry() {
    let mut car = shipped("real-wb");
    if let TerminalKind::Real(own) = &mut car.terminal.kind {
        own.echo_canceller = false;
        own.noise_suppression = None;
    }
    let trial = Trial::record(car, entry("coupling_loss", Bandwidth::Wb, Volume::Step(NOMINAL), &[]), SEED);
    is_near(trial.value("tclw"), 0.0, 1.5, "coupling loss without canceller");
    let mut bare = shipped("reference-wb");
    reference(&mut bare).echo_loss_db = None;
    let bare = Trial::record(bare, entry("coupling_loss", Bandwidth::Wb, Volume::Step(NOMINAL), &[]), SEED);
    // The same cabin, and a codec that is transparent to 0.3 dB.
    is_near(
        trial.value("tclw"),
        bare.value("tclw"),
        0.3,
        "real against reference terminal without canceller",
    );
}

#[test]
fn a_car_with_two_zones_has_a_level_geometry_of_its_own() {
    let spectrum = density_of("speech-conditioning", false);
    let speech = |hz: f64| spectrum.at(hz);
    let mut car = shipped("zones-wb");
    reference(&mut car).echo_loss_db = None;
    let model = Model::new(car);
    for seat in [Seat::Driver, Seat::Codriver] {
        let truth = Truth::of(&model).at(seat).unwrap();
        assert_eq!(truth.nominal_volume_step(&speech), NOMINAL, "{seat}");
        is_near(truth.slr_db(&speech), 13.0, 0.2, seat.word());
        is_near(truth.rlr_db(NOMINAL, &speech), 2.0, 0.4, seat.word());
        // Two loudspeakers reach two microphones: some 2 dB more of echo than with one of each.
        let band_hz = (100.0, 8_000.0);
        let talker_dbpa = truth.microphone_from_mouth_db(&speech, band_hz) - 1.7;
        let echo_dbpa = |step| truth.microphone_from_poi_dbpa(step, &speech, band_hz) - 16.0;
        is_near(echo_dbpa(NOMINAL) - talker_dbpa, 5.4, 0.4, seat.word());
        is_near(echo_dbpa(LOUDEST) - talker_dbpa, 20.7, 0.4, seat.word());
        is_near(truth.tclw_db(NOMINAL, &speech), -2.7, 0.5, seat.word());
    }
}
