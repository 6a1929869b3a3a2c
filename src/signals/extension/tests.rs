//! The extension against its documented spectrum, and the speech below it against the speech without it.

use super::*;
use crate::dsp::bands::{self, Bands};
use crate::dsp::level::{block_mean_squares, mean_square};
use crate::signals::{BuiltinSpeech, Options, Signal, builtin, generate};

const RATE: u32 = 48_000;

/// Levels of bands in dB.
fn band_levels(track: &[f64], rate: u32, bands: &Bands) -> Vec<f64> {
    bands::band_levels(track, rate, bands).into_iter().map(|power| 10.0 * power.log10()).collect()
}

fn make(id: &str, rate: u32) -> Result<Signal, SignalError> {
    let catalogue = builtin::catalogue().unwrap();
    generate(catalogue.get(id).unwrap(), rate, &BuiltinSpeech, Options::default())
}

/// Levels of third octaves of the extension relative to the whole speech. The first is what is left of the 8 kHz band
/// above 7.6 kHz: by the table of P.50 a density of 30.8 in 89.34 dB over 1 313 Hz. From there the density falls by
/// 6.02 dB an octave, over bands of 2 316, 2 905 and 3 662 Hz.
const WANTED: [(f64, f64); 4] = [(8_000.0, -27.4), (10_000.0, -26.8), (12_500.0, -27.8), (16_000.0, -28.8)];

#[test]
fn the_extension_has_its_spectrum_and_leaves_the_speech_alone() {
    let plain = make("speech-single-talk", RATE).unwrap();
    let speech_db = 10.0 * mean_square(&plain.samples).log10();
    for (id, highest) in [("speech-single-talk-swb", 12_500.0), ("speech-single-talk-fb", 16_000.0)] {
        let wide = make(id, RATE).unwrap();
        assert!(wide.method_equivalent);
        let below = Bands::third_octave(100.0, 6_300.0);
        let levels = band_levels(&wide.samples, RATE, &below);
        let before = band_levels(&plain.samples, RATE, &below);
        for (band, (level, before)) in below.iter().zip(levels.iter().zip(&before)) {
            assert!((level - before).abs() < 0.05, "{id} at {} Hz: {level}, {before}", band.nominal_hz);
        }
        let above: Vec<f64> =
            wide.samples.iter().zip(&plain.samples).map(|(wide, plain)| wide - plain).collect();
        let bands = Bands::third_octave(8_000.0, highest);
        let levels = band_levels(&above, RATE, &bands);
        for ((nominal, wanted), level) in WANTED.iter().zip(&levels) {
            let found = level - speech_db;
            // The envelope lets only some seconds of noise count: 2 s of 1 300 Hz have a standard deviation of
            // 0.09 dB, and lines that beat with the envelope add as much. At 14 kHz 0.2 dB of a band are cut off.
            assert!((found - wanted).abs() < 0.5, "{id} at {nominal} Hz: {found} dB");
        }
        // In the sum the speech does not hide it, and without it there is nothing.
        let (with, without) = (
            band_levels(&wide.samples, RATE, &bands)[1] - speech_db,
            band_levels(&plain.samples, RATE, &bands)[1] - speech_db,
        );
        assert!((with - WANTED[1].1).abs() < 0.5 && without < -80.0, "{with} {without}");
    }
}

#[test]
fn the_superwideband_extension_ends_at_14_khz() {
    let wide = make("speech-single-talk-swb", RATE).unwrap();
    let bands = Bands::third_octave(12_500.0, 16_000.0);
    let levels = band_levels(&wide.samples, RATE, &bands);
    // The 16 kHz band begins at 14.1 kHz.
    assert!(levels[1] < levels[0] - 30.0, "{levels:?}");
}

#[test]
fn the_extension_is_loud_when_the_speech_is() {
    let plain = make("speech-single-talk", RATE).unwrap();
    let wide = make("speech-single-talk-fb", RATE).unwrap();
    let above: Vec<f64> = wide.samples.iter().zip(&plain.samples).map(|(wide, plain)| wide - plain).collect();
    let upper = Cascade::butterworth_highpass(4, RATE, 2_500.0).filtered(&plain.samples);
    let envelope =
        |x: &[f64]| -> Vec<f64> { block_mean_squares(x, 960).iter().map(|power| power.sqrt()).collect() };
    let found = correlation(&envelope(&above), &envelope(&upper));
    assert!(found > 0.95, "{found}");
    // With the speech of another second it has little to do.
    let shifted: Vec<f64> = envelope(&upper).into_iter().skip(50).collect();
    let other = correlation(&envelope(&above)[..shifted.len()], &shifted);
    assert!(other < 0.3, "{other}");
    // In the pauses it is as quiet, relative to what it is in speech, as the speech.
    let pause = 0..RATE as usize / 4;
    let quiet = 10.0 * (mean_square(&above[pause]) / mean_square(&above)).log10();
    assert!(quiet < -35.0, "{quiet}");
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        ab += (a - ma) * (b - mb);
        aa += (a - ma) * (a - ma);
        bb += (b - mb) * (b - mb);
    }
    ab / (aa * bb).sqrt()
}

#[test]
fn limited_speech_stays_limited() {
    for id in ["speech-compressed-swb", "speech-compressed-fb"] {
        let wide = make(id, RATE).unwrap();
        // P.1110 11.11.1 plays it at −10 dBm0, where more than 16 dB clip; 14 dB are what compressed speech may have.
        assert!(wide.crest().0 <= 14.0 + 1e-6, "{id}: {}", wide.crest().0);
        assert_eq!(wide.analysis.start, 17 * RATE as usize, "{id}");
    }
    let plain = make("speech-compressed", RATE).unwrap();
    let wide = make("speech-compressed-fb", RATE).unwrap();
    let bands = Bands::third_octave(10_000.0, 16_000.0);
    let speech_db = 10.0 * mean_square(&plain.samples).log10();
    let levels = band_levels(&wide.samples, RATE, &bands);
    for ((_, wanted), level) in WANTED[1..].iter().zip(&levels) {
        // The extension gives way where speech and extension peak together, by less than a decibel altogether.
        let loss = wanted - (level - speech_db);
        assert!((-0.5..1.0).contains(&loss), "{loss}");
    }
}

#[test]
fn a_rate_without_room_for_the_extension_is_refused() {
    for (id, rate) in [("speech-single-talk-swb", 16_000), ("speech-single-talk-fb", 32_000)] {
        let error = make(id, rate).unwrap_err();
        assert!(matches!(error, SignalError::Rate { .. }), "{error}");
        assert!(error.to_string().contains("use a rate above"), "{error}");
    }
    assert!(make("speech-single-talk-swb", 32_000).is_ok());
}
