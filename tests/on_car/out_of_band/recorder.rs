//! Recorders at the ears that hear nothing above the band, or no more than their format carries; and one ear that noise
//! hides beside one that it does not.

use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::CarSpec;
use lombard::context::Facts;
use lombard::dsp::spectrum::{Bin, forward, inverse};
use lombard::finding::Bound;
use lombard::take::Volume;
use lombard::terms::Bandwidth;
use lombard::verdict::Verdict;

use super::{CALLS, bright, ideal, images_db, imaging, judged, range_hz, receive};
use crate::on_car::around::around;
use crate::on_car::{SEED, Trial, entry, paths, tap};
use crate::recording::Memory;

/// What an interface makes of an ear: it keeps what lies below `upper_hz`, and rounds to so many bits.
#[derive(Clone, Copy)]
struct Interface {
    upper_hz: f64,
    bits: Option<i32>,
}

impl Interface {
    fn records(self, track: &[f32]) -> Vec<f32> {
        let wide: Vec<f64> = track.iter().map(|x| f64::from(*x)).collect();
        let mut bins = forward(&wide);
        for (k, bin) in bins.iter_mut().enumerate() {
            if k as f64 * 48_000.0 / wide.len() as f64 > self.upper_hz {
                *bin = Bin::new(0.0, 0.0);
            }
        }
        let steps = self.bits.map(|bits| 2f64.powi(bits - 1));
        let rounded = |x: f64| steps.map_or(x, |steps| (x * steps).round() / steps);
        inverse(&bins, wide.len()).into_iter().map(|x| rounded(x) as f32).collect()
    }
}

/// Out-of-band in receive through such an interface.
fn through(car: CarSpec, interface: Interface) -> Trial {
    let given = [("direction", "receive"), ("signal", bright(car.bandwidth))];
    let wanted = entry("out_of_band", car.bandwidth, Volume::Step(5), &given);
    Trial::through(CarBenchMaker::new(car), wanted, SEED, Facts::default(), |inner| {
        around(inner, move |inner, take, sink, stop| {
            // To be written when they are whole.
            let mut held = Memory::default();
            let certificate = inner.take(take, &mut held, stop)?;
            for (port, track) in held.0 {
                let is_ear = port.name().starts_with("ear.");
                let track = if is_ear { interface.records(&track) } else { track };
                sink.write(&port, &track).expect("a track in memory");
            }
            Ok(certificate)
        })
    })
}

/// A car that fails by 20 dB or so, in a cabin that is as quiet as a good microphone.
fn leaking(bandwidth: Bandwidth, rate_hz: f64) -> CarSpec {
    let mut car = imaging(ideal(bandwidth), rate_hz, 15.0);
    car.cabin.noise_ears_dbpa_a = Some(-84.0);
    car
}

#[test]
fn a_recorder_that_hears_nothing_above_the_band_passes_no_car() {
    for (bandwidth, rate_hz) in CALLS {
        let car = leaking(bandwidth, rate_hz);
        let upper_hz = range_hz(bandwidth).0 - 200.0;
        for bits in [None, Some(24)] {
            let reason = through(car.clone(), Interface { upper_hz, bits }).findings().unwrap_err().reason;
            for said in ["digital silence", "ear.left", "record at 48 kHz"] {
                assert!(reason.contains(said), "{bandwidth} {bits:?}: {reason}");
            }
        }
        // A step of 16 bits is known to be there, and no more than that.
        let coarse = through(car.clone(), Interface { upper_hz, bits: Some(16) });
        if let Ok(findings) = coarse.findings() {
            assert_ne!(judged(&findings[0]).verdict, Verdict::Pass, "{bandwidth}: {findings:?}");
        }
        // The same through an interface that hears it.
        for bits in [None, Some(24)] {
            let found = through(car.clone(), Interface { upper_hz: 24_000.0, bits });
            let found = found.finding("out_of_band_receive");
            assert_eq!((judged(&found).verdict, found.bound), (Verdict::Fail, Bound::Exact), "{found:?}");
        }
    }
}

#[test]
fn no_recorder_is_believed_below_what_its_format_carries() {
    // Nothing is heard but the signal: a silent ear is no ear, and a loss of 60 dB is told where the format carries it.
    for (bandwidth, rate_hz) in CALLS {
        let reason = receive(&ideal(bandwidth), 5, &[]).findings().unwrap_err().reason;
        assert!(reason.contains("digital silence"), "{reason}");
        let mut quiet = ideal(bandwidth);
        quiet.cabin.noise_ears_dbpa_a = Some(-110.0);
        // Full scale is 30 dBPa: half a step of 16 bits is −66.3 dBPa, of 24 bits −114.5 dBPa.
        for (bits, silence_dbpa) in [(16, -66.3), (24, -114.5)] {
            let trial = through(quiet.clone(), Interface { upper_hz: 24_000.0, bits: Some(bits) });
            let Ok(findings) = trial.findings() else { continue };
            let note = &findings[0].note;
            let (told, _) = note.split_once(" dBPa are heard").expect(note);
            let in_band_dbpa: f64 = told.rsplit(' ').next().unwrap().parse().unwrap();
            let least_db = in_band_dbpa - silence_dbpa;
            assert_eq!(findings[0].bound, Bound::AtLeast, "{bits}: {findings:?}");
            assert!(findings[0].as_scalar().unwrap() < least_db + 0.1, "{bits}, {least_db}: {findings:?}");
        }
        let car = imaging(quiet, rate_hz, 15.0);
        assert_eq!(receive(&car, 5, &[]).finding("out_of_band_receive").bound, Bound::Exact);
    }
}

#[test]
fn a_bound_at_one_ear_leaves_open_only_what_it_crosses() {
    let (bandwidth, rate_hz) = (Bandwidth::Nb, 8_000.0);
    let car_of = |loss_db: f64, noise_dbpa: f64| {
        let mut car = imaging(ideal(bandwidth), rate_hz, loss_db);
        paths(&mut car).loudspeaker_to_ears = [tap(-6.0, 3.0), tap(-18.0, 3.4)];
        car.cabin.noise_ears_dbpa_a = Some(noise_dbpa);
        car
    };
    // How much of the signal has an image is the signal's.
    let more = images_db(&car_of(30.0, -84.0), 5, "css-fb", range_hz(bandwidth)) - 30.0;
    let mut seen = Vec::new();
    for loss_db in [40.0, 50.0] {
        for step in 0..12 {
            let car = car_of(loss_db - more, -90.0 + 1.5 * f64::from(step));
            let found = receive(&car, 5, &[]).finding("out_of_band_receive");
            let Bound::Between(open) = found.bound else { continue };
            let proven = found.as_scalar().unwrap();
            assert!((proven - loss_db).abs() < 1.0 && open < loss_db, "{found:?}");
            let verdict = match (proven >= 45.0, open >= 45.0) {
                (true, true) => Verdict::Pass,
                (false, false) => Verdict::Fail,
                _ => Verdict::Inconclusive,
            };
            assert_eq!(judged(&found).verdict, verdict, "{found:?}");
            seen.push(verdict);
        }
    }
    for verdict in [Verdict::Pass, Verdict::Inconclusive, Verdict::Fail] {
        assert!(seen.contains(&verdict), "{verdict} was never reached: {seen:?}");
    }
}
