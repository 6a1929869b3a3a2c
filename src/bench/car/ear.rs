//! The ears of the HATS: the free-field response of P.58 (06/2021) as a minimum-phase filter, with what a serial number has
//! on top of it.

use std::f64::consts::PI;

use crate::bench::car::spec::{CabinSpec, Ears, Hats, PathsSpec, StatedEars};
use crate::bench::car::truth::taps_response;
use crate::bench::car::{RATE_HZ, response};
use crate::calibration::Validity;
use crate::calibration::ear::{EarResponse, FieldResponse};
use crate::terms::LimitClass;

/// Ear response relative to the free field from ahead, dB.
pub const P58_FREE_FIELD: [(f64, f64); 24] = [
    (100.0, 0.0),
    (125.0, 0.0),
    (160.0, 0.0),
    (200.0, 0.0),
    (250.0, 0.5),
    (315.0, 1.0),
    (400.0, 1.5),
    (500.0, 2.0),
    (630.0, 2.5),
    (800.0, 3.5),
    (1000.0, 3.5),
    (1250.0, 3.5),
    (1600.0, 5.0),
    (2000.0, 12.5),
    (2500.0, 18.5),
    (3150.0, 15.5),
    (4000.0, 13.0),
    (5000.0, 11.0),
    (6300.0, 5.0),
    (8000.0, 2.0),
    (10000.0, 7.0),
    (12500.0, 9.0),
    (16000.0, 5.5),
    (20000.0, -3.0),
];

/// Ear response relative to the diffuse field, dB.
pub const P58_DIFFUSE_FIELD: [(f64, f64); 24] = [
    (100.0, 0.0),
    (125.0, 0.0),
    (160.0, 0.0),
    (200.0, 0.0),
    (250.0, 0.5),
    (315.0, 0.5),
    (400.0, 1.0),
    (500.0, 1.5),
    (630.0, 2.0),
    (800.0, 4.0),
    (1000.0, 5.0),
    (1250.0, 6.5),
    (1600.0, 8.0),
    (2000.0, 10.5),
    (2500.0, 14.0),
    (3150.0, 12.0),
    (4000.0, 11.5),
    (5000.0, 11.0),
    (6300.0, 8.0),
    (8000.0, 6.5),
    (10000.0, 10.5),
    (12500.0, 4.0),
    (16000.0, 1.0),
    (20000.0, -3.0),
];

/// What the laboratory states about the left and the right ear of the heads of a cabin; `None` where the ports deliver
/// sound that is equalized already.
pub fn stated(cabin: &CabinSpec) -> Option<[EarResponse; 2]> {
    let PathsSpec::Shoebox(room) = &cabin.paths else { return None };
    if room.hats != Hats::P58 {
        return None;
    }
    Some(match room.ears.stated {
        StatedEars::Own => own_responses(&room.ears),
        StatedEars::Table => [table_response(), table_response()],
    })
}

/// The left and the right ear as they are.
pub fn own_responses(ears: &Ears) -> [EarResponse; 2] {
    ears.deviations.each_ref().map(|deviation| own_response(ears, deviation))
}

/// The table of P.58, which no serial number stands behind.
fn table_response() -> EarResponse {
    let curve = |points: &[(f64, f64)]| FieldResponse {
        points: points.to_vec(),
        below: vec![(points[0].0, 0.0)],
        above: vec![(points[0].0, 0.0)],
    };
    EarResponse {
        record: "p58-2021".to_owned(),
        serial: None,
        class: LimitClass::B,
        free_field: curve(&P58_FREE_FIELD),
        diffuse_field: curve(&P58_DIFFUSE_FIELD),
        validity: Validity::Valid,
    }
}

/// An ear as a laboratory would state it that measured this very one: its own curves, by serial number. To the diffuse field
/// it is as far from the free one as the ear of P.58 is.
pub fn own_response(ears: &Ears, deviation: &[(f64, f64)]) -> EarResponse {
    let ear = minimum_phase(deviation);
    // 24 in an octave: finer than what 256 taps resolve; and where the tables have their corners.
    let mut freqs_hz: Vec<f64> = (0..=243).map(|n| 20.0 * 2f64.powf(f64::from(n) / 24.0)).collect();
    freqs_hz.extend(P58_FREE_FIELD.iter().chain(deviation).map(|point| point.0));
    freqs_hz.sort_by(f64::total_cmp);
    freqs_hz.dedup();
    let curve = |diffuse: bool| {
        let shift_db = |freq_hz| {
            let table = |points: &[(f64, f64)]| response::gain_at_db(points, freq_hz);
            if diffuse { table(&P58_DIFFUSE_FIELD) - table(&P58_FREE_FIELD) } else { 0.0 }
        };
        let level_db = |freq_hz| 10.0 * taps_response(&ear, freq_hz).power().log10() + shift_db(freq_hz);
        FieldResponse {
            points: freqs_hz.iter().map(|freq_hz| (*freq_hz, level_db(*freq_hz))).collect(),
            below: vec![(freqs_hz[0], 0.0)],
            above: vec![(freqs_hz[0], 0.0)],
        }
    };
    EarResponse {
        record: "virtual-ear".to_owned(),
        serial: Some(ears.serial.clone()),
        class: LimitClass::A,
        free_field: curve(false),
        diffuse_field: curve(true),
        validity: Validity::Valid,
    }
}

/// The transform's length of the design: long enough that the cepstrum does not fold.
const GRID: usize = 2048;
/// Taps that are kept: the rest is 100 dB down.
const TAPS: usize = 256;

/// The impulse response as it arrives at the ear-drum: `taps` through an ear with a deviation, the length kept.
pub fn at_drum(taps: &[f64], deviation: &[(f64, f64)]) -> Vec<f64> {
    let ear = minimum_phase(deviation);
    (0..taps.len()).map(|n| (0..=n.min(ear.len() - 1)).map(|k| ear[k] * taps[n - k]).sum()).collect()
}

/// Minimum-phase taps of the ear with a deviation, by folding the real cepstrum (Oppenheim and Schafer).
fn minimum_phase(deviation: &[(f64, f64)]) -> Vec<f64> {
    let cosine: Vec<f64> = (0..GRID).map(|i| (2.0 * PI * i as f64 / GRID as f64).cos()).collect();
    let sine: Vec<f64> = (0..GRID).map(|i| (2.0 * PI * i as f64 / GRID as f64).sin()).collect();
    let log: Vec<f64> = (0..=GRID / 2)
        .map(|k| {
            let freq_hz = k as f64 * RATE_HZ / GRID as f64;
            let gain_db =
                response::gain_at_db(&P58_FREE_FIELD, freq_hz) + response::gain_at_db(deviation, freq_hz);
            gain_db / 20.0 * std::f64::consts::LN_10
        })
        .collect();
    // real cepstrum, causal part doubled
    let cepstrum: Vec<f64> = (0..GRID / 2)
        .map(|n| {
            let ends = log[0] + log[GRID / 2] * cosine[n * (GRID / 2) % GRID];
            let inner: f64 = (1..GRID / 2).map(|k| log[k] * cosine[n * k % GRID]).sum();
            let folded = if n == 0 { 1.0 } else { 2.0 };
            folded * (ends + 2.0 * inner) / GRID as f64
        })
        .collect();
    let phase: Vec<f64> = (0..=GRID / 2)
        .map(|k| -(1..GRID / 2).map(|n| cepstrum[n] * sine[n * k % GRID]).sum::<f64>())
        .collect();
    (0..TAPS)
        .map(|n| {
            let bin = |k: usize| {
                log[k].exp() * (phase[k].cos() * cosine[n * k % GRID] - phase[k].sin() * sine[n * k % GRID])
            };
            let inner: f64 = (1..GRID / 2).map(bin).sum();
            (bin(0) + bin(GRID / 2) + 2.0 * inner) / GRID as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ear_has_its_table_and_starts_at_once() {
        let mut impulse = vec![0.0; 1024];
        impulse[0] = 1.0;
        let taps = at_drum(&impulse, &[]);
        for (freq_hz, gain_db) in [(100.0, 0.0), (1000.0, 3.5), (2500.0, 18.5), (4000.0, 13.0), (8000.0, 2.0)]
        {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, tap) in taps.iter().enumerate() {
                let phase = 2.0 * PI * freq_hz * n as f64 / RATE_HZ;
                re += tap * phase.cos();
                im -= tap * phase.sin();
            }
            let found = 10.0 * (re * re + im * im).log10();
            // the peak at 2 500 Hz is a corner of straight lines, which 256 taps round off by some tenths
            assert!((found - gain_db).abs() < 0.3, "{freq_hz}: {found}");
        }
        let peak = taps.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).unwrap().0;
        assert!(peak < 24, "minimum phase: the energy comes at once, not at {peak}");
    }
}
