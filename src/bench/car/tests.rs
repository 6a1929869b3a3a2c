//! The simulation keeps what its file declares.

use super::file::read_car;
use super::spec::{CarSpec, Codec, RealSpec, Suppression, TerminalKind};
use super::*;
use crate::dsp::align::{DelaySearch, find_delay};
use crate::problem::SourceText;
use crate::units::Seconds;

pub(super) fn shipped(name: &str) -> CarSpec {
    let path = format!("{}/test-plans/cars/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the car file exists");
    read_car(&SourceText::new(path, text)).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn a_car_keeps_the_promises_of_a_bench() {
    for (name, bandwidth) in [
        ("reference-wb", Bandwidth::Wb),
        ("ideal-nb", Bandwidth::Nb),
        ("ideal-fb", Bandwidth::Fb),
        ("zones-wb", Bandwidth::Wb),
    ] {
        let mut bench = super::rig::CarBench::new(&shipped(name));
        crate::bench::suite::hold(&mut bench, bandwidth);
    }
}

/// Bursts of noise: a canceller and a suppressor pass them as speech.
fn bursts(amplitude: f32) -> Vec<f32> {
    let mut random = noise::stream(3, 3);
    let gate = |n: usize| if n % 24_000 < 16_000 { amplitude } else { 0.0 };
    (0..4 * 48_000).map(|n| noise::normal(&mut random) * gate(n)).collect()
}

/// The delay in frames.
fn delay(played: &[f32], recorded: &[f32]) -> f64 {
    let wide = |track: &[f32]| -> Vec<f64> { track.iter().map(|x| f64::from(*x)).collect() };
    let search = DelaySearch::between(Seconds(0.0), Seconds(0.3)).whitened(400.0, 3_200.0);
    find_delay(&wide(played), &wide(recorded), 48_000, &search).unwrap().delay.0 * RATE_HZ
}

#[test]
fn real_terminals_and_codecs_keep_the_declared_delays() {
    for (bandwidth, codec) in [
        (Bandwidth::Wb, Codec::Linear),
        (Bandwidth::Wb, Codec::G722),
        (Bandwidth::Nb, Codec::Linear),
        (Bandwidth::Nb, Codec::G711A),
        (Bandwidth::Swb, Codec::Linear),
        (Bandwidth::Fb, Codec::Linear),
    ] {
        for (echo_canceller, noise_suppression) in [
            (false, None),
            (true, None),
            (false, Some(Suppression::Moderate)),
            (true, Some(Suppression::Moderate)),
        ] {
            let own = RealSpec { echo_canceller, noise_suppression };
            let mut spec = shipped("ideal-wb");
            spec.bandwidth = bandwidth;
            spec.network.codec = codec;
            spec.terminal.kind = TerminalKind::Real(own.clone());
            let mut car = Car::new(&spec, 1);
            car.open(bandwidth, 5).unwrap();
            let talk = bursts(0.8);
            let sent = car.run(&talk, &[]).unwrap().poi_send;
            // 1.5 ms of cabin, 63 ms of terminal, 20 ms of network. The high-pass of the processing leads by 0.7 frames.
            let off = delay(&talk, &sent) - 84.5 * 48.0;
            // The filters of the three bands at 48 kHz are no whole frames late below 3.2 kHz.
            let late = if bandwidth >= Bandwidth::Swb { 0.3 } else { 0.1 };
            assert!((-1.0..late).contains(&off), "send, {bandwidth} {codec:?} {own:?}: {off:.2} frames off");

            car.open(bandwidth, 5).unwrap();
            let talk = bursts(0.2);
            let heard = car.run(&[], &talk).unwrap().ear_left;
            // 20 ms of network, 52 ms of terminal, 3 ms of cabin
            let off = delay(&talk, &heard) - 75.0 * 48.0;
            assert!(off.abs() < 0.1, "receive, {bandwidth} {codec:?} {own:?}: {off:.2} frames off");
        }
    }
}
