//! Against analytic values: sines of known amplitude, a comb that is pink by construction, blocks that are lost.

use std::f64::consts::TAU;

use super::*;
use crate::units::Quantity;

fn calibration(zero_dbov: f64, unit: Unit, validity: Validity) -> PortCalibration {
    PortCalibration { record: "mic-7".to_owned(), zero_dbov: Quantity::new(zero_dbov, unit), validity }
}

fn acoustic() -> PortCalibration {
    calibration(20.0, Unit::DbPa, Validity::Valid)
}

fn meter(calibration: Option<&PortCalibration>) -> PortMeter {
    PortMeter::new(Port::of("ear.left"), Side::Recorded, calibration)
}

fn sine(hz: f64, amplitude: f64, frames: usize) -> Vec<f32> {
    (0..frames).map(|n| (amplitude * (TAU * hz * n as f64 / 48_000.0).sin()) as f32).collect()
}

/// Pushes a signal in blocks of odd lengths.
fn feed(meter: &mut PortMeter, from: u64, signal: &[f32]) {
    let mut at = from;
    for block in signal.chunks(1_237) {
        meter.push(at, block, false);
        at += block.len() as u64;
    }
}

fn read(calibration: &PortCalibration, signal: &[f32]) -> Reading {
    let mut meter = meter(Some(calibration));
    meter.analyze(true);
    feed(&mut meter, 0, signal);
    meter.read().unwrap()
}

#[test]
fn a_sine_has_the_level_that_the_record_gives_it() {
    // Amplitude 0.1 is −23.01 dBov, and full scale 20 dBPa.
    for (zero_dbov, unit) in [(20.0, Unit::DbPa), (6.15, Unit::Dbm0), (-3.5, Unit::DbV), (0.0, Unit::DbOv)] {
        let port = calibration(zero_dbov, unit, Validity::Valid);
        let mut meter = meter(Some(&port));
        feed(&mut meter, 500, &sine(1_000.0, 0.1, 48_000));
        let reading = meter.read().unwrap();
        assert_eq!(
            (reading.unit, reading.standing, reading.record.as_str()),
            (unit, Standing::Calibrated, "mic-7")
        );
        assert!((reading.level - (zero_dbov - 23.0103)).abs() < 0.01, "{unit}: {}", reading.level);
        assert!((reading.peak - (zero_dbov - 20.0)).abs() < 0.01, "{unit}: {}", reading.peak);
        // At 1 kHz the A weighting is 0 dB.
        assert_eq!(reading.level_a.is_some(), unit == Unit::DbPa);
        assert!(
            reading.level_a.is_none_or(|level| (level - (zero_dbov - 23.0103)).abs() < 0.02),
            "{reading:?}"
        );
        assert_eq!((reading.clipped, reading.gaps, reading.unbroken_s), (0, 0, 1.0));
        assert!(reading.spectra.is_none());
    }
}

#[test]
fn without_a_calibration_that_holds_levels_are_digital_and_it_is_said() {
    let expired = calibration(20.0, Unit::DbPa, Validity::Expired);
    let nominal = calibration(20.0, Unit::DbPa, Validity::Missing);
    for (port, standing) in [
        (Some(&expired), Standing::Expired),
        (Some(&nominal), Standing::Uncalibrated),
        (None, Standing::Uncalibrated),
    ] {
        let mut meter = meter(port);
        feed(&mut meter, 0, &sine(1_000.0, 0.1, 48_000));
        let reading = meter.read().unwrap();
        assert_eq!((reading.unit, reading.standing), (Unit::DbOv, standing));
        assert!((reading.level + 23.0103).abs() < 0.01, "{}", reading.level);
        assert_eq!(reading.unit_a(), "dBov(A)");
    }
}

#[test]
fn the_level_is_right_from_the_first_block_on_and_fast_after_it() {
    let port = acoustic();
    let mut meter = meter(Some(&port));
    let tone = sine(1_000.0, 0.1, 48_000);
    meter.push(0, &tone[..960], false);
    let first = meter.read().unwrap();
    assert!((first.level + 3.0103).abs() < 0.05, "{}", first.level);
    meter.push(960, &tone[960..], false);
    // After the end an exponential average of 125 ms falls by 4.343 dB in each 125 ms.
    meter.push(48_000, &vec![0.0; 12_000], false);
    let after = meter.read().unwrap();
    assert!((after.level - (-3.0103 - 2.0 * 4.342_945)).abs() < 0.02, "{}", after.level);
}

#[test]
fn the_a_weighting_is_that_of_the_standard() {
    // IEC 61672-1 Table 3: −19.1 dB at the band of 100 Hz, +1.2 at 2 kHz (exact midbands); the table is rounded to 0.1.
    for (hz, a_db) in [(100.0, -19.1), (1_995.26, 1.2), (7_943.28, -1.1)] {
        let reading = read(&acoustic(), &sine(hz, 0.1, 96_000));
        let weighted = reading.level_a.unwrap() - reading.level;
        assert!((weighted - a_db).abs() < 0.1, "{hz}: {weighted}");
    }
}

#[test]
fn every_band_reads_a_sine_at_its_midband_within_0_05_db() {
    for (i, band) in Bands::third_octave(20.0, 20_000.0).iter().enumerate() {
        // The narrow filters need a second before they are averaged.
        let seconds = if band.midband_hz < 100.0 { 3 } else { 1 };
        let reading = read(&acoustic(), &sine(band.midband_hz, 0.1, seconds * 48_000));
        let bands = &reading.spectra.as_ref().unwrap().bands;
        assert_eq!(bands.nominal_hz[i], band.nominal_hz);
        let level = bands.levels[i].unwrap();
        assert!((level + 3.0103).abs() < 0.05, "{}: {level}", band.nominal_hz);
        // Two bands further a filter of class 1 has let at least 40 dB less through.
        let far = bands.levels.iter().enumerate().filter(|(k, _)| k.abs_diff(i) > 4);
        assert!(far.clone().all(|(_, level)| level.is_none_or(|level| level < -43.0)), "{}", band.nominal_hz);
    }
}

#[test]
fn a_band_has_no_level_before_its_filter_is_there() {
    let reading = read(&acoustic(), &sine(20.0, 0.1, 24_000));
    let bands = &reading.spectra.as_ref().unwrap().bands;
    assert_eq!(bands.levels[0], None);
    // The filter at 1 kHz is there after 22 ms.
    assert!(bands.levels[17].is_some());
    let early = read(&acoustic(), &sine(20.0, 0.1, 4_000));
    let spectra = early.spectra.unwrap();
    assert!(spectra.bands.levels.iter().all(Option::is_none) && spectra.lines.is_none());
}

#[test]
fn a_line_reads_a_sine_on_it_and_the_lobe_one_between_lines() {
    // Line 171 of 8 192 at 48 kHz.
    let reading = read(&acoustic(), &sine(171.0 * 48_000.0 / 8_192.0, 0.1, 2 * 48_000));
    let lines = reading.spectra.as_ref().unwrap().lines.clone().unwrap();
    assert!(
        (lines.spacing_hz - 5.859_375).abs() < 1e-12 && (lines.noise_bandwidth_hz - 8.789_062_5).abs() < 1e-9
    );
    assert_eq!((lines.levels.len(), lines.averaged_s), (4_097, 1.0));
    assert!((lines.levels[171] + 3.0103).abs() < 0.05, "{}", lines.levels[171]);
    assert!(lines.levels[161] < -60.0 && lines.levels[181] < -60.0);
    // Half between two lines: each reads 1.42 dB less, and the powers over the noise bandwidth of a line add up to it.
    let reading = read(&acoustic(), &sine(171.5 * 48_000.0 / 8_192.0, 0.1, 2 * 48_000));
    let lines = reading.spectra.as_ref().unwrap().lines.clone().unwrap();
    assert!((lines.levels[171] - (-3.0103 - 1.42)).abs() < 0.01, "{}", lines.levels[171]);
    let sum: f64 = lines.levels[160..184].iter().map(|level| 10f64.powf(level / 10.0)).sum::<f64>() / 1.5;
    assert!((10.0 * sum.log10() + 3.0103).abs() < 0.05, "{sum}");
}

#[test]
fn the_bands_of_pink_noise_add_up_to_its_level() {
    // As pink as lines can be: one every 1/60 octave from the lower edge of 25 Hz to the upper one of 16 kHz, all of one power.
    let (from, to) = (22.387f64, 17_782.8f64);
    let count = 580;
    let step = (to / from).ln() / f64::from(count);
    let mut signal = vec![0.0f64; 4 * 48_000];
    for k in 0..count {
        let hz = from * ((f64::from(k) + 0.5) * step).exp();
        // Golden-ratio phases: no two lines line up.
        let phase = TAU * (f64::from(k * k) * 0.618_034).fract();
        for (n, x) in signal.iter_mut().enumerate() {
            *x += 0.01 * (TAU * hz * n as f64 / 48_000.0 + phase).sin();
        }
    }
    let signal: Vec<f32> = signal.iter().map(|x| *x as f32).collect();
    let reading = read(&acoustic(), &signal);
    // 580 lines of 0.01²/2 each, 20 dB up.
    let level = 20.0 + 10.0 * (f64::from(count) * 0.5e-4).log10();
    let spectra = reading.spectra.unwrap();
    let sum: f64 = spectra.bands.levels.iter().flatten().map(|level| 10f64.powf(level / 10.0)).sum();
    // Skirts of eighth order let 0.11 dB of the neighbors in; what lines beat within a second is left.
    assert!((10.0 * sum.log10() - level - 0.11).abs() < 0.15, "{} {level}", 10.0 * sum.log10());
    let lines = spectra.lines.as_ref().unwrap();
    let sum: f64 = lines.levels.iter().map(|level| 10f64.powf(level / 10.0)).sum::<f64>() / 1.5;
    assert!((10.0 * sum.log10() - level).abs() < 0.15, "{} {level}", 10.0 * sum.log10());
}

#[test]
fn peaks_are_those_since_the_reading_before_and_clips_are_counted() {
    let port = acoustic();
    let mut meter = meter(Some(&port));
    let mut block = vec![0.01f32; 960];
    // 1 − 2⁻¹⁵ is full scale, a step of 16 bits less is not.
    (block[5], block[6], block[7], block[8]) = (1.0, -1.0, 1.0 - 1.0 / 32_768.0, 1.0 - 2.0 / 32_768.0);
    meter.push(0, &block, false);
    let reading = meter.read().unwrap();
    assert_eq!((reading.peak, reading.highest_peak, reading.clipped), (20.0, 20.0, 3));
    meter.push(960, &[0.1; 960], false);
    let reading = meter.read().unwrap();
    assert!((reading.peak - 0.0).abs() < 1e-6 && reading.highest_peak == 20.0, "{reading:?}");
    assert_eq!(reading.clipped, 3);
    // What only the interface has seen counts too.
    meter.push(1_920, &[0.1; 960], true);
    assert_eq!(meter.read().unwrap().clipped, 4);
    assert_eq!(meter.read(), None, "nothing came since");
}

#[test]
fn a_gap_begins_every_window_anew_and_is_counted() {
    let port = acoustic();
    let mut meter = meter(Some(&port));
    meter.analyze(true);
    feed(&mut meter, 0, &sine(1_000.0, 0.5, 96_000));
    let before = meter.read().unwrap();
    assert!(before.spectra.unwrap().lines.is_some());
    // One frame is missing: nothing of the loud tone is left in what follows.
    meter.push(96_001, &sine(1_000.0, 0.001, 4_800), false);
    let after = meter.read().unwrap();
    assert_eq!((after.gaps, after.unbroken_s), (1, 0.1));
    assert!((after.level - (20.0 - 63.0103)).abs() < 0.05, "{}", after.level);
    assert!((after.level_a.unwrap() - (20.0 - 63.0103)).abs() < 0.1, "{:?}", after.level_a);
    let spectra = after.spectra.unwrap();
    assert!(spectra.lines.is_none());
    let level = spectra.bands.levels[17];
    assert!(level.is_none_or(|level| (level - (20.0 - 63.0103)).abs() < 0.3), "{level:?}");
    // The highest peak is that since watching began.
    assert!((after.highest_peak - (20.0 - 6.0206)).abs() < 0.01);
    // What goes on where it ended is no gap.
    meter.push(100_801, &[0.0; 480], false);
    assert_eq!(meter.read().unwrap().gaps, 1);
}

#[test]
fn silence_and_damage_are_told_as_what_they_are() {
    let port = acoustic();
    let mut meter = meter(Some(&port));
    assert_eq!(meter.read(), None);
    meter.push(0, &vec![0.0; 4_800], false);
    let silent = meter.read().unwrap();
    assert_eq!((silent.level, silent.peak), (f64::NEG_INFINITY, f64::NEG_INFINITY));
    meter.push(4_800, &[0.1, f32::NAN, 0.1], false);
    let broken = meter.read().unwrap();
    assert!(broken.level.is_nan() && broken.peak.is_nan() && broken.level_a.unwrap().is_nan());
    // It does not stay in any filter.
    feed(&mut meter, 4_803, &sine(1_000.0, 0.1, 48_000));
    let after = meter.read().unwrap();
    assert!((after.level + 3.0103).abs() < 0.01 && after.gaps == 0, "{after:?}");
}
