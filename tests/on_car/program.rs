//! A program under test that passes everything through is a car of known truth: the delay that its file declares, whatever
//! its rate and block, and the loudness and the echo of a terminal without canceller.

use std::sync::LazyLock;

use lombard::bench::car::Model;
use lombard::bench::car::spec::CarSpec;
use lombard::bench::car::truth::Truth;
use lombard::take::Volume;
use lombard::terms::Bandwidth;

use super::comparison::{Comparison, DELAY_TOLERANCE_MS, LEVEL_TOLERANCE_DB, Source, all_hold, count};
use super::spectrum::density_in_call;
use super::{SEED, Trial, entry, reference, shipped};
use crate::programs::{ideal, pass_through};

/// The pass-through program of the manual in the ideal car, with room in its delay for any block.
fn car(rate: u32, block: usize) -> CarSpec {
    let mut car = ideal(&pass_through(), rate, block.min(480), "");
    let lombard::bench::car::spec::TerminalKind::Process(own) = &mut car.terminal.kind else {
        panic!("a program")
    };
    own.block = block;
    car.terminal.send_delay_s = 0.1;
    car.terminal.receive_delay_s = 0.12;
    car
}

/// Every comparison, made once.
pub(super) static COMPARISONS: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let mut all = Vec::new();
    // 100 and 120 ms of terminal, 1.5 and 3 ms of cabin; the network's own delay is taken off.
    for (rate, block) in
        [(48_000, 480), (48_000, 1_024), (32_000, 321), (24_000, 240), (16_000, 64), (16_000, 1_024)]
    {
        let wanted = entry("delay", Bandwidth::Wb, Volume::Step(5), &[("inherent", "41.25 ms")]);
        let trial = Trial::record(car(rate, block), wanted, SEED);
        for (measurand, truth) in [("delay_send", 101.5), ("delay_receive", 123.0)] {
            all.push(Comparison {
                method: "delay",
                measurand,
                case: format!("a program that passes through, {rate} Hz, blocks of {block}"),
                unit: "ms",
                truth,
                measured: trial.value(measurand),
                tolerance: DELAY_TOLERANCE_MS,
                source: Source::Paper,
            });
        }
    }
    // The truth is that of a terminal of the same gains without canceller; a step lower, where nothing clips.
    let mut bare = shipped("ideal-wb");
    reference(&mut bare).echo_loss_db = None;
    let model = Model::new(bare);
    let spectrum = density_in_call("speech-compressed", true, Bandwidth::Wb);
    let density = |freq_hz: f64| spectrum.at(freq_hz);
    let step = 2;
    for (rate, block) in [(48_000, 960), (48_000, 64), (32_000, 320)] {
        let mut quiet = car(rate, block);
        let wanted = entry("coupling_loss", Bandwidth::Wb, Volume::Step(step), &[]);
        // 20 dB less behind the program, so that speech at full level does not clip at the POI.
        quiet.terminal.send_gain_db -= 20.0;
        let trial = Trial::record(quiet, wanted, SEED);
        let truth = Truth::of(&model);
        for (measurand, truth) in
            [("tclw", truth.tclw_db(step, &density)), ("tcl", truth.tcl_db(step, &density))]
        {
            all.push(Comparison {
                method: "coupling_loss",
                measurand,
                case: format!("a program that passes through, {rate} Hz, blocks of {block}"),
                unit: "dB",
                truth: truth + 20.0,
                measured: trial.value(measurand),
                tolerance: LEVEL_TOLERANCE_DB,
                source: Source::Model,
            });
        }
    }
    all
});

#[test]
fn a_program_that_passes_through_is_as_late_and_as_loud_as_its_file_says() {
    all_hold(&COMPARISONS);
    assert!(count(&COMPARISONS, "delay_send") >= 5 && count(&COMPARISONS, "tclw") >= 3);
    // A block that nobody accounts for would be seen.
    assert!(COMPARISONS.iter().all(|one| !one.against(one.truth + 0.5).holds()));
}
