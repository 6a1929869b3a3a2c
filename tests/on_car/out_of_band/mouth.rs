//! Mouths that do not reach up to the tones above the band, or make something of their own in it.

use std::f64::consts::PI;

use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::car::spec::CarSpec;
use lombard::context::Facts;
use lombard::finding::Bound;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Port};
use lombard::verdict::Verdict;

use super::{aliases_db, folding, ideal, judged, points};
use crate::on_car::around::around;
use crate::on_car::{SEED, Trial, entry};

/// Out-of-band in send where the mouth makes something else of what it is told.
fn with_mouth(car: CarSpec, makes: fn(&[f32]) -> Vec<f32>) -> Trial {
    let wanted = entry("out_of_band", car.bandwidth, Volume::Step(5), &[("direction", "send")]);
    Trial::through(CarBenchMaker::new(car), wanted, SEED, Facts::default(), |inner| {
        around(inner, move |inner, take, sink, stop| {
            let mouth = Port::of(Port::MOUTH);
            let mut played = take.clone();
            let track = makes(&played.tracks[&mouth]);
            played.tracks.insert(mouth, track.into());
            inner.take(&played, sink, stop)
        })
    })
}

/// The mean of four neighbors: −1.7 dB at 5 kHz, −9 dB at 9 kHz, −0.1 dB at 1 kHz.
fn dull(track: &[f32]) -> Vec<f32> {
    (0..track.len()).map(|n| (0..4).map(|k| track[n.saturating_sub(k)]).sum::<f32>() / 4.0).collect()
}

/// The mean of three neighbors of different weight: −0.6 dB at 5 kHz, −1.4 dB at 7.5 kHz.
fn a_little_dull(track: &[f32]) -> Vec<f32> {
    (0..track.len()).map(|n| 0.85 * track[n] + 0.15 * track[n.saturating_sub(1)]).collect()
}

/// Clips far below what the tones ask for.
fn clipped(track: &[f32]) -> Vec<f32> {
    let most = 0.4 * track.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    track.iter().map(|x| x.clamp(-most / 3.0, most / 3.0)).collect()
}

/// Adds difference tones with 4 kHz, 30 dB down.
fn ringing(track: &[f32]) -> Vec<f32> {
    let turn = |n: usize| (2.0 * PI * (4_000 * n % 48_000) as f64 / 48_000.0).cos() as f32;
    track.iter().enumerate().map(|(n, x)| x * (1.0 + 0.063 * turn(n))).collect()
}

#[test]
fn a_mouth_that_does_not_reach_up_there_is_refused() {
    for (bandwidth, rate_hz) in [(Bandwidth::Wb, 16_000.0), (Bandwidth::Swb, 32_000.0)] {
        let reason =
            with_mouth(folding(ideal(bandwidth), rate_hz, 20.0), dull).findings().unwrap_err().reason;
        assert!(reason.contains("by mic.mrp: its band or its level is limited"), "{reason}");
    }
    let reason = with_mouth(ideal(Bandwidth::Nb), clipped).findings().unwrap_err().reason;
    assert!(reason.contains("its band or its level is limited"), "{reason}");
    // What a mouth lacks by less is taken into account.
    let car = folding(ideal(Bandwidth::Nb), 8_000.0, 30.0);
    let found = with_mouth(car.clone(), a_little_dull).finding("out_of_band_send");
    let truth = aliases_db(&car).iter().map(|one| one.1).fold(f64::INFINITY, f64::min);
    assert!((found.as_scalar().unwrap() - truth).abs() < 0.1, "{found:?} {truth}");
}

#[test]
fn a_tone_that_the_mouth_misses_is_left_out() {
    // What is left of NB is 4.6 and 5 kHz.
    for (loss_db, verdict) in [(25.0, Verdict::Fail), (45.0, Verdict::Inconclusive)] {
        let car = folding(ideal(Bandwidth::Nb), 8_000.0, loss_db);
        let trial = with_mouth(car.clone(), dull);
        let found = trial.finding("out_of_band_send");
        assert_eq!((found.bound, judged(&found).verdict), (Bound::AtMost, verdict), "{found:?}");
        let truth = aliases_db(&car)[..2].iter().map(|one| one.1).fold(f64::INFINITY, f64::min);
        assert!((found.as_scalar().unwrap() - truth).abs() < 0.1, "{found:?} {truth}");
        assert!(found.note.contains("at 7500 Hz"), "{}", found.note);
        assert_eq!(points(&trial.finding("out_of_band_send_curve")).0, [4_600.0, 5_000.0]);
    }
    // Of a clean car nothing is proven by what is left.
    let reason = with_mouth(ideal(Bandwidth::Nb), dull).findings().unwrap_err().reason;
    assert!(reason.contains("at 7500 Hz") && reason.contains("is hidden"), "{reason}");
}

#[test]
fn what_the_mouth_makes_in_the_band_is_not_taken_for_the_car() {
    let found = with_mouth(ideal(Bandwidth::Nb), ringing).finding("out_of_band_send");
    assert_eq!((found.bound, judged(&found).verdict), (Bound::AtLeast, Verdict::Inconclusive), "{found:?}");
}
