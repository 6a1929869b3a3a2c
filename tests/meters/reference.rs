//! Active speech level and weighted levels against what independent tools read from the files of `reference/`.

use std::sync::LazyLock;

use lombard::dsp::level::active_speech_level;
use lombard::dsp::weighting::{Weighting, weighted_power};

use super::residual::{Residual, Truth, all_hold};
use crate::dsp_reference::{db, expected, number, wav};

/// The day on which the files were taken in, with what other tools had read from them.
const DATE: &str = "2026-11-24";
/// P.56 with exact interpolation, in Python.
const INTERPOLATION: Truth =
    Truth { by: "exact interpolation in Python (reference/expected.json)", date: DATE };
/// The ITU's own tool, which stops within half a decibel.
const ACTLEV: Truth = Truth { by: "ITU-T G.191 actlev (reference/expected.json)", date: DATE };
const DFT: Truth = Truth { by: "exact DFT weighting in scipy (reference/expected.json)", date: DATE };
const PSO: Truth = Truth { by: "ITU-T G.191 PSO filter at 8 kHz (reference/expected.json)", date: DATE };

pub(crate) static RESIDUALS: LazyLock<Vec<Residual>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (id, case) in [
        ("asl02_speech_en_16k", "speech, 16 kHz"),
        ("asl08_bursts500_8k", "bursts of 500 ms, 8 kHz"),
        ("asl11_dc_offset_16k", "speech with an offset, 16 kHz"),
    ] {
        let truth = expected(id);
        let (signal, rate) = wav(&format!("{id}.wav"));
        let read = active_speech_level(&signal, rate).active().unwrap().active_level.decibels();
        for (key, tolerance, source) in [("asl_interp_dbov", 0.05, INTERPOLATION), ("asl_dbov", 0.5, ACTLEV)]
        {
            let values = (number(&truth, key), read);
            all.push(Residual::value("active-level", case, "dBov", values, tolerance, source));
        }
    }
    let truth = expected("bnd05_carnoise_48k");
    let (signal, rate) = wav("bnd05_carnoise_48k.wav");
    for (weighting, key, case, tolerance, source) in [
        (Weighting::A, "a_dbov", "car noise, A", 0.02, DFT),
        (Weighting::C, "c_dbov", "car noise, C", 0.02, DFT),
        // The filter of that tool lies up to 0.6 dB beside the table of O.41 below 500 Hz.
        (Weighting::Psophometric, "pso_dbov", "car noise, psophometric", 0.15, PSO),
    ] {
        let read = db(weighted_power(&signal, rate, weighting, None));
        all.push(Residual::value("level", case, "dBov", (number(&truth, key), read), tolerance, source));
    }
    all
});

#[test]
fn the_readings_are_those_of_the_independent_tools() {
    all_hold(&RESIDUALS);
}
