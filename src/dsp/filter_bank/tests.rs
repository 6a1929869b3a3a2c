//! Every band against class 1 of IEC 61260-1, by formula and by what the filters really do.

use super::*;
use crate::dsp::spectrum::Fft;

const RATES: [u32; 6] = [8000, 16_000, 32_000, 44_100, 48_000, 96_000];
const FRACTIONS: [u32; 5] = [1, 3, 6, 12, 24];

/// IEC 61260-1 Table 1, class 1: octaves from midband, least and largest attenuation in dB. Beyond the band edge there
/// is no largest one.
const CLASS_1: [(f64, f64, f64); 10] = [
    (0.0, -0.4, 0.4),
    (0.125, -0.4, 0.5),
    (0.25, -0.4, 0.7),
    (0.375, -0.4, 1.4),
    (0.5, -0.4, 5.3),
    (0.5, 1.2, f64::INFINITY),
    (1.0, 16.6, f64::INFINITY),
    (2.0, 40.5, f64::INFINITY),
    (3.0, 60.0, f64::INFINITY),
    (4.0, 70.0, f64::INFINITY),
];

/// The normalized frequency of a breakpoint for bands of 1/b octave: equation 9 of the standard.
fn breakpoint(octaves: f64, per_octave: u32) -> f64 {
    let g = 10f64.powf(0.3);
    let scale = (g.powf(0.5 / f64::from(per_octave)) - 1.0) / (g.sqrt() - 1.0);
    1.0 + scale * (g.powf(octaves) - 1.0)
}

/// The limits at a normalized frequency, straight in dB over log f between breakpoints, alike below and above.
fn limits(ratio: f64, per_octave: u32) -> (f64, f64) {
    let x = ratio.max(1.0 / ratio).ln();
    let points = CLASS_1.map(|(octaves, least, most)| (breakpoint(octaves, per_octave).ln(), least, most));
    let last = points[points.len() - 1];
    if x >= last.0 {
        return (last.1, f64::INFINITY);
    }
    let i = points.iter().rposition(|point| point.0 <= x).unwrap();
    let (from, to) = (points[i], points[i + 1]);
    let part = if to.0 > from.0 { (x - from.0) / (to.0 - from.0) } else { 0.0 };
    let most = if to.2.is_finite() { from.2 + part * (to.2 - from.2) } else { f64::INFINITY };
    (from.1 + part * (to.1 - from.1), most)
}

/// How far an attenuation lies outside the limits.
fn excess(ratio: f64, per_octave: u32, attenuation_db: f64) -> f64 {
    let (least, most) = limits(ratio, per_octave);
    if attenuation_db.is_nan() {
        f64::NAN
    } else {
        (least - attenuation_db).max(attenuation_db - most).max(0.0)
    }
}

fn highest(per_octave: u32, rate: u32) -> Bands {
    let all = Bands::per_octave(per_octave, 16.0, f64::from(rate) / 2.0);
    let last = all.iter().rfind(|band| band.upper_hz <= FilterBank::highest_hz(rate)).unwrap();
    Bands::per_octave(per_octave, 16.0, last.midband_hz)
}

/// The largest excess of a bank over a dense grid of frequencies.
fn worst(bank: &FilterBank) -> (f64, f64, f64) {
    let (rate, fraction) = (f64::from(bank.rate), bank.bands.fraction());
    let mut worst = (0.0, 0.0, 0.0);
    for (i, band) in bank.bands.iter().enumerate() {
        let widest = breakpoint(5.0, fraction).ln();
        for step in -800..=800 {
            let ratio = (widest * f64::from(step) / 800.0).exp();
            let freq_hz = band.midband_hz * ratio;
            if freq_hz < 0.499_99 * rate {
                let off = excess(ratio, fraction, -bank.gain_db(i, freq_hz));
                if off > worst.0 || off.is_nan() {
                    worst = (off, band.nominal_hz, freq_hz);
                }
            }
        }
    }
    worst
}

#[test]
fn every_band_at_every_rate_is_of_class_1() {
    for rate in RATES {
        for fraction in FRACTIONS {
            let bank = FilterBank::new(&highest(fraction, rate), rate).unwrap();
            let (off, nominal_hz, freq_hz) = worst(&bank);
            assert_eq!(off, 0.0, "1/{fraction} octave at {rate}: {nominal_hz} Hz at {freq_hz} Hz");
        }
    }
}

#[test]
fn a_filter_of_order_2_is_not() {
    for fraction in FRACTIONS {
        let bank = FilterBank::of_order(&highest(fraction, 48_000), 48_000, 2).unwrap();
        assert!(worst(&bank).0 > 1.0, "1/{fraction}: {:?}", worst(&bank));
    }
}

#[test]
fn the_edges_of_every_band_have_3_db() {
    let bank = FilterBank::new(&Bands::third_octave(20.0, 20_000.0), 48_000).unwrap();
    for (i, band) in bank.bands.iter().enumerate() {
        assert!((bank.gain_db(i, band.lower_hz) + 3.0103).abs() < 1e-4, "{band:?}");
        assert!((bank.gain_db(i, band.upper_hz) + 3.0103).abs() < 1e-4, "{band:?}");
    }
}

#[test]
fn impulse_responses_are_those_of_the_formula_down_to_the_lowest_bands() {
    for (rate, first_hz, last_hz, fraction) in [
        (96_000, 20.0, 20.0, 3),
        (96_000, 20.0, 20.0, 24),
        (48_000, 20.0, 20_000.0, 3),
        (8000, 31.5, 2000.0, 1),
    ] {
        let bank = FilterBank::new(&Bands::per_octave(fraction, first_hz, last_hz), rate).unwrap();
        for (i, band) in bank.bands.iter().enumerate() {
            // Until it has rung down by 200 dB.
            let seconds = 0.1 + 20.0 / (band.upper_hz - band.lower_hz);
            let mut impulse = vec![0.0; ((f64::from(rate) * seconds) as usize).next_power_of_two()];
            impulse[0] = 1.0;
            let bin_hz = f64::from(rate) / impulse.len() as f64;
            let response = Fft::new().forward(&bank.filtered(i, &impulse));
            for (k, bin) in response.iter().enumerate().skip(1).step_by(3) {
                let freq_hz = k as f64 * bin_hz;
                let (real, formula) = (bin.norm(), 10f64.powf(bank.gain_db(i, freq_hz) / 20.0));
                // −160 dB of the passband: below, the filters round.
                assert!((real - formula).abs() < 1e-8, "{rate} {band:?} at {freq_hz}: {real} {formula}");
            }
        }
    }
}

#[test]
fn a_loud_tone_elsewhere_does_not_disturb_the_lowest_band() {
    // 20 Hz at 96 kHz: poles 1.5e-4 from the unit circle. A full-scale tone at 1 kHz is 70 dB down and more.
    let rate = 96_000;
    let bank = FilterBank::new(&Bands::third_octave(20.0, 20.0), rate).unwrap();
    let tones = |low: f64, high: f64| -> Vec<f64> {
        let at = |hz: f64, n: u32| (TAU * hz * f64::from(n) / f64::from(rate)).sin();
        (0..rate * 3).map(|n| low * at(20.0, n) + high * at(1000.0, n)).collect()
    };
    let settled = |signal: &[f64]| {
        let out = bank.filtered(0, signal);
        out[rate as usize * 2..].iter().map(|y| y * y).sum::<f64>() / f64::from(rate)
    };
    let quiet = 10.0 * (2.0 * settled(&tones(1e-3, 0.0))).log10() + 60.0;
    let masked = 10.0 * (2.0 * settled(&tones(1e-3, 1.0))).log10() + 60.0;
    assert!((quiet - bank.gain_db(0, 20.0)).abs() < 1e-3, "{quiet}");
    assert!((masked - quiet).abs() < 1e-3, "{masked} {quiet}");
    assert!(10.0 * settled(&tones(0.0, 1.0)).log10() < -120.0);
}

#[test]
fn lanes_and_blocks_change_nothing() {
    let bank = FilterBank::new(&Bands::third_octave(50.0, 3150.0), 8000).unwrap();
    let signal: Vec<f64> = (0..5001).map(|n| f64::from(n * n % 101) / 50.0 - 1.0).collect();
    for (i, power) in bank.powers(&signal).iter().enumerate() {
        let filtered = bank.filtered(i, &signal);
        assert_eq!(filtered.len(), signal.len());
        let alone = filtered.iter().map(|y| y * y).sum::<f64>() / 5001.0;
        assert!((power / alone - 1.0).abs() < 1e-12, "{i}");
    }
    assert!(bank.powers(&[]).iter().all(|power| *power == 0.0));
    assert!(bank.powers(&[0.0, f64::NAN, 0.0]).iter().all(|power| power.is_nan()));
}

#[test]
fn silence_after_sound_is_not_slow_and_not_forgotten() {
    let bank = FilterBank::new(&Bands::per_octave(1, 4000.0, 4000.0), 48_000).unwrap();
    let mut signal = vec![0.0; 48_000];
    signal[0] = 1.0;
    let out = bank.filtered(0, &signal);
    assert!(out[47_000..].iter().all(|y| *y == 0.0));
    assert!(out.iter().all(|y| *y == 0.0 || y.abs() > f64::MIN_POSITIVE));
}

#[test]
fn the_settling_time_says_how_low_a_short_record_reads() {
    let bank = FilterBank::new(&Bands::third_octave(100.0, 100.0), 8000).unwrap();
    let settling = bank.settling(0).0;
    assert!((settling - 0.0361).abs() < 1e-3, "{settling}");
    // Tones across the band, half a second: what the formula says, to a tenth.
    let frames = 4000;
    let tone = |n: i32| (TAU * 100.0 * f64::from(n) / 8000.0).sin();
    let power = bank.powers(&(0..frames).map(tone).collect::<Vec<f64>>())[0];
    let low = 10.0 * (2.0 * power).log10();
    assert!((low - 10.0 * (1.0 - settling / 0.5).log10()).abs() < 0.1, "{low}");
}

#[test]
fn a_band_at_nyquist_is_refused_with_its_reason() {
    let error = FilterBank::new(&Bands::third_octave(1000.0, 20_000.0), 44_100).unwrap_err();
    assert_eq!(error.nominal_hz, 20_000.0);
    assert!(error.to_string().contains("20000 Hz reaches up to 22387 Hz"), "{error}");
    assert!(FilterBank::new(&Bands::third_octave(1000.0, 20_000.0), 48_000).is_ok());
}

#[test]
fn a_stream_of_blocks_has_the_energies_of_the_whole_record() {
    let bands = Bands::third_octave(20.0, 20_000.0);
    let bank = FilterBank::new(&bands, 48_000).unwrap();
    let signal: Vec<f64> =
        (0..9_600).map(|n| (f64::from(n) * 0.11).sin() + (f64::from(n) * 1.7).cos()).collect();
    let whole = bank.powers(&signal);
    let (mut stream, mut sums) = (bank.stream(), vec![0.0; bands.len()]);
    let mut rest = signal.as_slice();
    for len in [1, 127, 128, 480, 3_000, usize::MAX] {
        let (block, after) = rest.split_at(len.min(rest.len()));
        stream.add_energies(block, &mut sums);
        rest = after;
    }
    for (sum, power) in sums.iter().zip(whole) {
        assert!((sum / signal.len() as f64 / power - 1.0).abs() < 1e-9, "{sum} {power}");
    }
}
