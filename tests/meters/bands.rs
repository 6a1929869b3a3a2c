//! Band levels against scipy, two filter banks of other makers (`golden/bands.py`), tones, and class 1 of IEC 61260-1.

use std::sync::LazyLock;

use lombard::dsp::bands::Bands;
use lombard::dsp::filter_bank::FilterBank;
use lombard::dsp::spectrum::Fft;
use lombard::meters::bands::{BandLevels, BandMethod, BandRequest};
use serde_json::Value;

use super::residual::{Residual, Truth, all_hold};
use super::sound::{db, noise, tone};
use crate::dsp_reference::wav;

const DATE: &str = "2026-11-25";
const NUMPY: Truth = Truth { by: "cumulated DFT in numpy 2.4.6 (golden/bands.py)", date: DATE };
const SCIPY: Truth = Truth { by: "butter and sosfilt of scipy 1.17.1 (golden/bands.py)", date: DATE };
const PYFAR: Truth = Truth { by: "pyfar 0.8.1, order 4 (golden/bands.py)", date: DATE };
const PYOCTAVEBAND: Truth = Truth { by: "PyOctaveBand 2.0.0, order 6 (golden/bands.py)", date: DATE };
const TONES: Truth = Truth { by: "tones of known power", date: DATE };
const CLASS: Truth = Truth { by: "class 1 limits of IEC 61260-1, Table 1", date: DATE };

const RATES: [u32; 6] = [8000, 16_000, 32_000, 44_100, 48_000, 96_000];

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/bands.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn signal(case: &Value) -> (Vec<f64>, u32) {
    match case["signal"].as_str().unwrap() {
        "car noise" => wav("bnd05_carnoise_48k.wav"),
        _ => (noise(160_001, 21), 16_000),
    }
}

fn read(signal: &[f64], rate: u32, per_octave: u32, method: BandMethod, mids: &[f64]) -> BandLevels {
    let (from_hz, to_hz) = (Some(mids[0]), Some(mids[mids.len() - 1]));
    let read = BandRequest { per_octave, from_hz, to_hz, method }.measure(signal, rate).unwrap();
    assert_eq!(read.bands.len(), mids.len());
    assert!(read.bands.iter().zip(mids).all(|(band, mid)| (band.midband_hz / mid - 1.0).abs() < 1e-12));
    read
}

fn levels(read: &BandLevels) -> Vec<f64> {
    read.powers.iter().map(|power| db(power.unwrap())).collect()
}

/// Truth and reading, side by side.
fn pairs(truth: &Value, read: &[f64]) -> Vec<(f64, f64)> {
    let truth = numbers(truth);
    assert_eq!(truth.len(), read.len());
    truth.into_iter().zip(read.iter().copied()).collect()
}

fn against_tools() -> Vec<Residual> {
    let mut all = Vec::new();
    for case in golden()["cases"].as_array().unwrap() {
        let (signal, rate) = signal(case);
        let name = case["signal"].as_str().unwrap();
        let mids = numbers(&case["midbands_hz"]);
        let by_fft = levels(&read(&signal, rate, 3, BandMethod::Fft, &mids));
        let by_filter = levels(&read(&signal, rate, 3, BandMethod::Filter, &mids));
        let mut fractions = (Vec::new(), Vec::new());
        for other in case["fractions"].as_array().unwrap() {
            let (per_octave, mids) =
                (other["per_octave"].as_u64().unwrap() as u32, numbers(&other["midbands_hz"]));
            let both = [BandMethod::Fft, BandMethod::Filter]
                .map(|method| levels(&read(&signal, rate, per_octave, method, &mids)));
            fractions.0.extend(pairs(&other["dft"], &both[0]));
            fractions.1.extend(pairs(&other["scipy"], &both[1]));
        }
        // A bank of order 6 has steeper skirts: it misses up to 0.24 dB of what order 4 lets in and settles later.
        for (what, points, tolerance, truth) in [
            ("third octaves by FFT", pairs(&case["dft"], &by_fft), 0.02, NUMPY),
            ("1/1, 1/6, 1/12, 1/24 octave by FFT", fractions.0, 0.02, NUMPY),
            ("third octaves by filter", pairs(&case["scipy"], &by_filter), 0.001, SCIPY),
            ("third octaves by filter", pairs(&case["pyfar"], &by_filter), 0.001, PYFAR),
            ("third octaves by filter", pairs(&case["pyoctaveband"], &by_filter), 0.3, PYOCTAVEBAND),
            ("1/1, 1/6, 1/12, 1/24 octave by filter", fractions.1, 0.001, SCIPY),
        ] {
            all.push(Residual::largest("bands", format!("{name}, {what}"), "dB", points, tolerance, truth));
        }
    }
    all
}

/// A tone in every band of `step`, whole periods in the record, 0.7 dB less from one to the next; every band that has
/// one, but the filters only once they have settled.
fn tones(method: BandMethod, step: usize) -> Residual {
    let (rate, seconds) = (48_000, 10);
    let bands = Bands::third_octave(20.0, 20_000.0);
    let mut signal = vec![0.0; rate as usize * seconds];
    let with_tone: Vec<usize> = (0..bands.len()).step_by(step).collect();
    let level = |i: usize| -20.0 - 0.7 * i as f64;
    for &i in &with_tone {
        let midband_hz = bands.as_slice()[i].midband_hz;
        let amplitude = (2.0 * 10f64.powf(level(i) / 10.0)).sqrt();
        let freq_hz = (midband_hz * seconds as f64).round() / seconds as f64;
        let tone = tone(signal.len(), rate, freq_hz, midband_hz);
        signal.iter_mut().zip(tone).for_each(|(sum, x)| *sum += amplitude * x);
    }
    let half = signal.len() / 2;
    let mids: Vec<f64> = bands.iter().map(|band| band.midband_hz).collect();
    let measured = if method == BandMethod::Filter {
        let bank = FilterBank::new(&bands, rate).unwrap();
        let settled = |i| bank.filtered(i, &signal)[half..].iter().map(|y| y * y).sum::<f64>() / half as f64;
        (0..bands.len()).map(|i| db(settled(i))).collect()
    } else {
        levels(&read(&signal, rate, 3, method, &mids))
    };
    let name = if method == BandMethod::Fft { "FFT" } else { "filter" };
    let points = with_tone.into_iter().map(|i| (level(i), measured[i]));
    Residual::largest("bands", format!("tones in third octaves by {name}"), "dB", points, 0.02, TONES)
}

/// Table 1: octaves from midband, least and largest attenuation of class 1.
const LIMITS: [(f64, f64, f64); 10] = [
    (0.0, -0.4, 0.4),
    (1.0 / 8.0, -0.4, 0.5),
    (1.0 / 4.0, -0.4, 0.7),
    (3.0 / 8.0, -0.4, 1.4),
    (1.0 / 2.0, -0.4, 5.3),
    (1.0 / 2.0, 1.2, f64::INFINITY),
    (1.0, 16.6, f64::INFINITY),
    (2.0, 40.5, f64::INFINITY),
    (3.0, 60.0, f64::INFINITY),
    (4.0, 70.0, f64::INFINITY),
];

/// How far an attenuation lies outside the limits at `ratio` times midband.
fn outside(ratio: f64, per_octave: u32, attenuation_db: f64) -> f64 {
    let g = 10f64.powf(0.3);
    let scaled = |octaves: f64| {
        let scale = (g.powf(0.5 / f64::from(per_octave)) - 1.0) / (g.sqrt() - 1.0);
        (1.0 + scale * (g.powf(octaves) - 1.0)).ln()
    };
    let x = ratio.ln().abs();
    let at = LIMITS.iter().rposition(|limit| scaled(limit.0) <= x).unwrap();
    let (mut least, mut most) = (LIMITS[at].1, LIMITS[at].2);
    if let Some(next) = LIMITS.get(at + 1) {
        let part = (x - scaled(LIMITS[at].0)) / (scaled(next.0) - scaled(LIMITS[at].0));
        least += part * (next.1 - least);
        most = if next.2.is_finite() { most + part * (next.2 - most) } else { f64::INFINITY };
    }
    if attenuation_db.is_nan() {
        f64::NAN
    } else {
        (least - attenuation_db).max(attenuation_db - most).max(0.0)
    }
}

/// How far each band's filter lies outside class 1, by the transform of its impulse response; midbands off by a factor
/// `detune` to see whether it would be seen.
fn class_1(rate: u32, per_octave: u32, detune: f64) -> Residual {
    let bands = BandRequest { per_octave, from_hz: None, to_hz: None, method: BandMethod::Filter };
    let bands = bands.measure(&vec![0.1; rate as usize], rate).unwrap().bands;
    let bank = FilterBank::new(&bands, rate).unwrap();
    let mut points = Vec::new();
    for (i, band) in bands.iter().enumerate() {
        // Until it has rung down by 80 dB below its deepest limit; a dozen bins and more in the passband.
        let seconds = 0.05 + 16.0 / (band.upper_hz - band.lower_hz);
        let mut impulse = vec![0.0; ((f64::from(rate) * seconds) as usize).next_power_of_two()];
        impulse[0] = 1.0;
        let bins = Fft::new().forward(&bank.filtered(i, &impulse));
        let bin_hz = f64::from(rate) / impulse.len() as f64;
        points.extend(bins.iter().enumerate().skip(1).map(|(k, bin)| {
            let ratio = k as f64 * bin_hz / band.midband_hz * detune;
            (0.0, outside(ratio, per_octave, -db(bin.norm_sqr())))
        }));
    }
    let case = format!("excess over class 1, 1/{per_octave} octave at {rate} Hz, {} filters", bands.len());
    Residual::largest("bands", case, "dB", points, 0.0, CLASS)
}

pub(crate) static RESIDUALS: LazyLock<Vec<Residual>> = LazyLock::new(|| {
    let mut all = against_tools();
    // What lies in the next band comes through the skirt of a filter, at Nyquist with 0.13 dB: not there.
    all.extend([tones(BandMethod::Fft, 1), tones(BandMethod::Filter, 3)]);
    all.extend(RATES.map(|rate| class_1(rate, 3, 1.0)));
    all.extend(RATES.map(|rate| class_1(rate, 1, 1.0)));
    all
});

#[test]
fn band_levels_are_those_of_the_independent_tools() {
    all_hold(&RESIDUALS);
}

#[test]
fn filters_at_the_wrong_frequency_would_be_seen() {
    // Four hundredths of a third octave: 1 %.
    assert!(!class_1(8000, 3, 1.01).holds());
    assert!(!class_1(8000, 1, 1.06).holds());
}

#[test]
fn levels_that_are_off_would_be_seen() {
    let golden = golden();
    let case = &golden["cases"][1];
    let (signal, rate) = signal(case);
    let mids = numbers(&case["midbands_hz"]);
    // 0.04 dB.
    let louder: Vec<f64> = signal.iter().map(|x| x * 1.005).collect();
    let read = levels(&read(&louder, rate, 3, BandMethod::Fft, &mids));
    assert!(!Residual::largest("bands", "off", "dB", pairs(&case["dft"], &read), 0.02, NUMPY).holds());
}

#[test]
fn pink_noise_has_the_same_level_in_every_band_and_white_noise_rises() {
    // One line per bin with random phase: what lies between edges is a sum over lines, here an integral.
    let (rate, len) = (48_000, 480_000);
    let pink: Vec<lombard::dsp::spectrum::Bin> = (0..=len / 2)
        .map(|k| {
            let phase = 1e3 * (k as f64).sqrt();
            lombard::dsp::spectrum::Bin::from_polar(if k == 0 { 0.0 } else { (k as f64).powf(-0.5) }, phase)
        })
        .collect();
    let signal = lombard::dsp::spectrum::inverse(&pink, len);
    let request = BandRequest { per_octave: 3, from_hz: Some(200.0), to_hz: None, method: BandMethod::Fft };
    let levels = levels(&request.measure(&signal, rate).unwrap());
    for level in &levels {
        assert!((level - levels[0]).abs() < 0.001, "{levels:?}");
    }
}
