//! Hoth and P.50 noise by third octaves, and talk spurts, against scipy and their statistics.

use lombard::dsp::bands::{Bands, band_levels};
use lombard::dsp::weighting::{Weighting, weighted_power};
use lombard::signals::Options;

use super::{golden, made, made_for, numbers};

/// Levels in the third octaves of `mid_hz`, of one whole period: no line is lost between bands.
fn third_octaves(samples: &[f64], rate: u32, mid_hz: &[f64]) -> Vec<f64> {
    let bands = Bands::third_octave(mid_hz[0], mid_hz[mid_hz.len() - 1]);
    assert_eq!(bands.len(), mid_hz.len());
    band_levels(samples, rate, &bands).iter().map(|power| 10.0 * power.log10()).collect()
}

#[test]
fn hoth_noise_has_the_levels_of_the_table_and_50_db_a() {
    let golden = golden()["hoth"].clone();
    let (mid_hz, want) = (numbers(&golden["mid_hz"]), numbers(&golden["band_db"]));
    let signal = made("noise-hoth", 48_000);
    let got = third_octaves(&signal.samples, 48_000, &mid_hz);
    // dBov to dB SPL: the power of all bands is that of the table.
    let total = |levels: &[f64]| 10.0 * levels.iter().map(|l| 10.0_f64.powf(l / 10.0)).sum::<f64>().log10();
    let offset = total(&want) - total(&got);
    for ((mid, got), want) in mid_hz.iter().zip(&got).zip(&want) {
        assert!(
            (got + offset - want).abs() < 0.05,
            "{mid:.0} Hz: {:.3}, the table has {want:.3}",
            got + offset
        );
    }
    let weighted = 10.0 * weighted_power(&signal.samples, 48_000, Weighting::A, None).log10() + offset;
    // 49.985 by the sum over bands in the script; inside a band the weighting is not that of its middle.
    assert!((golden["a_weighted_db"].as_f64().unwrap() - 49.985).abs() < 0.005);
    assert!((weighted - 50.0).abs() < 0.1, "{weighted}");
}

#[test]
fn a_flat_noise_is_no_hoth_noise() {
    let golden = golden()["hoth"].clone();
    let (mid_hz, want) = (numbers(&golden["mid_hz"]), numbers(&golden["band_db"]));
    let got = third_octaves(&made("noise-p50", 48_000).samples, 48_000, &mid_hz);
    let worst = |offset: f64| got.iter().zip(&want).map(|(a, b)| (a + offset - b).abs()).fold(0.0, f64::max);
    assert!((-200..200).all(|offset| worst(f64::from(offset)) > 3.0));
}

#[test]
fn p50_noise_has_the_levels_of_the_equation() {
    let golden = golden()["p50"].clone();
    let (mid_hz, want) = (numbers(&golden["mid_hz"]), numbers(&golden["band_db"]));
    let signal = made("noise-p50", 48_000);
    let got = third_octaves(&signal.samples, 48_000, &mid_hz);
    // The whole noise, 100 Hz to 8 kHz, is 0 dBov.
    let offset = golden["total_db"].as_f64().unwrap();
    for ((mid, got), want) in mid_hz.iter().zip(&got).zip(&want) {
        // Lines 0.1 Hz apart: at 125 Hz one line at an edge is 0.015 dB.
        assert!((got + offset - want).abs() < 0.03, "{mid:.0} Hz: {:.3}, scipy has {want:.3}", got + offset);
    }
}

#[test]
fn talk_spurts_last_as_long_as_p59_says() {
    // A minute has room for 23.16 spurts with their pauses: 23 of them last 38.75 % of it, 1.011 s in the mean.
    let signal = made_for("talk-spurts", 8_000, Some(60.0));
    let talk = signal.active_spans.iter().map(std::ops::Range::len).sum::<usize>() as f64 / 480_000.0;
    assert_eq!(signal.active_spans.len(), 23);
    // Ends are rounded to frames, 46 of them.
    assert!((talk - 1.004 / 2.591).abs() < 46.0 / 480_000.0, "{talk}");
    // An hour: 1 389 spurts and pauses. Their scatter is known to 1/√1389 of it; four of those. The signal is switched
    // at 8 kHz, so lengths are to 0.125 ms.
    let mut spec = super::CATALOGUE.get("talk-spurts").unwrap().clone();
    spec.seconds = 3_600.0;
    let signal =
        lombard::signals::generate(&spec, 8_000, &lombard::signals::BuiltinSpeech, Options::default())
            .unwrap();
    let seconds = |frames: usize| frames as f64 / 8_000.0;
    let spurts: Vec<f64> = signal.active_spans.iter().map(|span| seconds(span.len())).collect();
    let pauses: Vec<f64> =
        signal.active_spans.windows(2).map(|pair| seconds(pair[1].start - pair[0].end)).collect();
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    let scatter = |all: &[f64]| {
        (all.iter().map(|x| (x - mean(all)).powi(2)).sum::<f64>() / all.len() as f64).sqrt() / mean(all)
    };
    for (all, wanted) in [(&spurts, 1.004), (&pauses, 1.587)] {
        let error = 4.0 / (all.len() as f64).sqrt();
        // 1 389 for 1 389.4, and of pauses the last one is not counted.
        assert!((mean(all) / wanted - 1.0).abs() < 0.01, "{} for {wanted}", mean(all));
        // An exponential distribution scatters by its mean; the scatter of that by √2 as much as the mean.
        assert!((scatter(all) - 1.0).abs() < 1.5 * error, "{}", scatter(all));
    }
    // 1.004 of 2.591 s. P.59 itself states 38.53 %.
    let activity = spurts.iter().sum::<f64>() / 3_600.0;
    assert!((activity - 0.3875).abs() < 1e-4, "{activity}");
}
