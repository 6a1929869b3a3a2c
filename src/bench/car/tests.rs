//! The simulation against its truth, and the level geometry of the shipped cars.

use super::file::read_car;
use super::spec::CarSpec;
use super::truth::{Truth, speech, white};
use super::*;
use crate::problem::SourceText;
use crate::terms::Ear;

fn shipped(name: &str) -> CarSpec {
    let path = format!("{}/test-plans/cars/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the car file exists");
    read_car(&SourceText::new(path, text)).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn a_car_keeps_the_promises_of_a_bench() {
    for (name, bandwidth) in [("reference-wb", Bandwidth::Wb), ("ideal-nb", Bandwidth::Nb)] {
        let mut bench = super::rig::CarBench::new(&shipped(name));
        crate::bench::suite::hold(&mut bench, bandwidth);
    }
}

#[test]
#[ignore = "prints what the shipped cars are; run it after a change of their numbers"]
fn print_truth_of_shipped_cars() {
    for name in ["ideal-wb", "ideal-nb", "reference-wb"] {
        let start = std::time::Instant::now();
        let model = Model::new(shipped(name));
        let made = start.elapsed();
        let truth = Truth::of(&model);
        let nominal = truth.nominal_volume_step(&speech);
        let loudest = model.spec.terminal.volume_steps - 1;
        let band = (100.0, 8000.0);
        let talker = truth.microphone_from_mouth_db(&speech, band) - 1.7;
        println!("{name}: model made in {made:?}");
        println!(
            "  SLR {:.2} RLR {:.2} at step {nominal}, {:.2} at {loudest}",
            truth.slr_db(&speech),
            truth.rlr_db(nominal, &speech),
            truth.rlr_db(loudest, &speech)
        );
        println!(
            "  echo to speech at the microphone {:.2} nominal, {:.2} loudest; talker {talker:.2} dBPa",
            truth.microphone_from_poi_dbpa(nominal, &speech, band) - 16.0 - talker,
            truth.microphone_from_poi_dbpa(loudest, &speech, band) - 16.0 - talker
        );
        println!("  TCLw {:.2} TCL {:.2}", truth.tclw_db(nominal, &speech), truth.tcl_db(nominal, &speech));
        println!("  idle {:.2} dBm0(A)", truth.idle_noise_send_dbm0(spec::Weighting::A, band));
        println!(
            "  delays send {:.4} left {:.4} right {:.4} ms",
            truth.send_delay_s(&white) * 1e3,
            truth.receive_delay_s(Ear::Left, &white) * 1e3,
            truth.receive_delay_s(Ear::Right, &white) * 1e3
        );
        println!("  took {:?}", start.elapsed());
        if let cabin::Path::Response(taps) = &model.cabin.mouth_to_microphone {
            println!("  RT60 {:.1} ms (T20)", reverberation_s(taps) * 1e3);
        }
        if let cabin::Path::Response(taps) = &model.cabin.loudspeaker_to_ears[0] {
            println!("  RT60 {:.1} ms (T20)", reverberation_s(taps) * 1e3);
        }
        println!("  send sens {:.1?}", truth.send_sensitivities_dbv(&speech));
        println!("  recv sens {:.1?}", truth.receive_sensitivities_dbpa(nominal, &speech));
    }
}

/// Reverberation time from the backward integration (Schroeder), −5 to −35 dB.
fn reverberation_s(taps: &[f64]) -> f64 {
    let total: f64 = taps.iter().map(|tap| tap * tap).sum();
    let mut rest = total;
    let (mut at_5, mut at_35) = (0, 0);
    for (n, tap) in taps.iter().enumerate() {
        rest -= tap * tap;
        let decay = 10.0 * (rest / total).log10();
        if decay > -5.0 {
            at_5 = n;
        }
        if decay > -35.0 {
            at_35 = n;
        }
    }
    (at_35 - at_5) as f64 * 2.0 / RATE_HZ
}
