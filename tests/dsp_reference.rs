//! The signal processing layer against the five reference cases of `reference/`.

use std::path::Path;

use lombard::dsp::align::{DelaySearch, Polarity, find_delay};
use lombard::dsp::bands::{Bands, band_levels};
use lombard::dsp::level::{active_speech_level, mean_square, peak};
use lombard::dsp::spectrum::power_spectrum;
use lombard::dsp::weighting::{Weighting, weighted_power};
use lombard::units::Seconds;
use serde_json::Value;

pub(crate) fn expected(id: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("reference/expected.json")).unwrap();
    let case = all["cases"].as_array().unwrap().iter().find(|case| case["id"] == id).unwrap();
    case["expected"].clone()
}

pub(crate) fn number(case: &Value, key: &str) -> f64 {
    case[key].as_f64().unwrap_or_else(|| panic!("no {key}"))
}

pub(crate) fn wav(name: &str) -> (Vec<f64>, u32) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name);
    let mut reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    assert_eq!(spec.channels, 1);
    let signal = match spec.sample_format {
        hound::SampleFormat::Int => {
            let full_scale = f64::from(1u32 << (spec.bits_per_sample - 1));
            reader.samples::<i32>().map(|x| f64::from(x.unwrap()) / full_scale).collect()
        }
        hound::SampleFormat::Float => reader.samples::<f32>().map(|x| f64::from(x.unwrap())).collect(),
    };
    (signal, spec.sample_rate)
}

pub(crate) fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

fn assert_within(ours: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((ours - expected).abs() <= tolerance, "{what}: {ours} against {expected} ± {tolerance}");
}

#[test]
fn active_speech_levels_are_those_of_the_independent_meters() {
    for id in ["asl02_speech_en_16k", "asl08_bursts500_8k", "asl11_dc_offset_16k"] {
        let case = expected(id);
        let (signal, rate) = wav(&format!("{id}.wav"));
        let level = active_speech_level(&signal, rate).active().unwrap();
        let active_db = level.active_level.decibels();
        // The interpolating meter is printed with four digits; actlev stops within 0.5 dB.
        assert_within(active_db, number(&case, "asl_interp_dbov"), 0.002, id);
        assert_within(active_db, number(&case, "asl_dbov"), 0.05, id);
        assert_within(level.rms_level.decibels(), number(&case, "rms_exact_dbov"), 0.0002, id);
        assert_within(level.activity_percent, number(&case, "activity_pct"), 0.5, id);
        assert_within(2.0 * db(peak(&signal)), number(&case, "peak_dbov"), 0.0002, id);
    }
}

#[test]
fn weighted_levels_of_car_noise_are_those_of_exact_weighting() {
    let case = expected("bnd05_carnoise_48k");
    let (signal, rate) = wav("bnd05_carnoise_48k.wav");
    let level = |weighting, band| db(weighted_power(&signal, rate, weighting, band));
    assert_within(db(mean_square(&signal)), number(&case, "rms_dbov"), 0.001, "rms");
    assert_within(level(Weighting::A, None), number(&case, "a_dbov"), 0.02, "A");
    assert_within(level(Weighting::C, None), number(&case, "c_dbov"), 0.02, "C");
    // The oracle is a 156-tap filter at 8 kHz, up to 0.6 dB off the table below 500 Hz.
    assert_within(level(Weighting::Psophometric, None), number(&case, "pso_dbov"), 0.15, "psophometric");
}

#[test]
fn third_octave_levels_of_car_noise_are_those_of_exact_bands() {
    let case = expected("bnd05_carnoise_48k");
    let (signal, rate) = wav("bnd05_carnoise_48k.wav");
    let bands = Bands::third_octave(50.0, 16_000.0);
    let powers = band_levels(&signal, rate, &bands);
    let rows =
        |key: &str| case[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect::<Vec<_>>();
    let (nominal_hz, by_dft, by_filters) =
        (rows("bands_nominal_hz"), rows("bands_fft_dbov"), rows("bands_pyfar_dbov"));
    assert_eq!(powers.len(), nominal_hz.len());
    let spectrum = power_spectrum(&signal, rate);
    for (i, band) in bands.iter().enumerate() {
        assert_eq!(band.nominal_hz, nominal_hz[i]);
        let what = format!("{} Hz", band.nominal_hz);
        // The oracle gives a bin wholly to the band that holds its center; four digits are printed.
        let whole_bins: f64 = spectrum
            .freqs_hz()
            .zip(&spectrum.power)
            .filter(|(f, _)| (band.lower_hz..band.upper_hz).contains(f))
            .map(|(_, power)| power)
            .sum();
        assert_within(db(whole_bins), by_dft[i], 0.0001, &what);
        // Ours divides a bin at its edge. Where a band has few bins that matters: the bound is what
        // one strong bin (4 times the mean) can move.
        let bins = (band.upper_hz - band.lower_hz) / spectrum.bin_hz;
        assert_within(db(powers[i]), by_dft[i], (4.34 * 4.0 * 0.5 / bins).max(0.002), &what);
        let tolerance = if band.nominal_hz < 200.0 { 1.0 } else { 0.4 };
        assert_within(db(powers[i]), by_filters[i], tolerance, &what);
    }
    // Neighboring bands lose and count nothing twice: their sum is the power between the outer edges.
    let (lower_hz, upper_hz) = (bands.as_slice()[0].lower_hz, bands.as_slice()[bands.len() - 1].upper_hz);
    let sum: f64 = powers.iter().sum();
    assert_within(sum / spectrum.band_power(lower_hz, upper_hz), 1.0, 1e-12, "sum of the bands");
}

#[test]
fn an_inverted_noisy_delay_is_found() {
    let case = expected("dly02_css_inverted_8k");
    let (reference, rate) = wav("dly02_css_inverted_8k_ref.wav");
    let (recording, _) = wav("dly02_css_inverted_8k_rec.wav");
    let plain = DelaySearch::between(Seconds(-0.1), Seconds(0.5));
    for search in [plain, plain.whitened(200.0, 3600.0)] {
        let found = find_delay(&reference, &recording, rate, &search).unwrap();
        assert_eq!(found.polarity, Polarity::Inverted);
        assert_within(found.delay.as_ms(), number(&case, "delay_ms_true"), 0.02, "delay");
        assert!(found.correlation > 2.0 * found.chance, "{found:?}");
    }
}
