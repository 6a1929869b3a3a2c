//! Driving noise against its stated level, spectrum and coherence; recorded noise against its record.

use super::*;
use crate::dsp::bands::{self, Bands};
use crate::dsp::spectrum::forward;
use crate::signals::{BuiltinSpeech, builtin, generate};

const RATE: u32 = 48_000;

/// Levels of bands in dB.
fn band_levels(track: &[f64], rate: u32, bands: &Bands) -> Vec<f64> {
    bands::band_levels(track, rate, bands).into_iter().map(|power| 10.0 * power.log10()).collect()
}

fn spec(id: &str) -> SignalSpec {
    builtin::catalogue().unwrap().get(id).unwrap().clone()
}

fn at(spec: &SignalSpec, points: &[&str], options: Options) -> Result<Field, SignalError> {
    let points: Vec<String> = points.iter().map(|one| (*one).to_owned()).collect();
    field(spec, RATE, &BuiltinSpeech, options, &points)
}

fn driving(spec: &SignalSpec) -> &DrivingNoise {
    match &spec.kind {
        Kind::DrivingNoise(noise) => noise,
        other => panic!("{other:?}"),
    }
}

/// 0 dBov as 0 dBPa: the samples are pascals.
const PASCAL: DbPa = DbPa::new(0.0);

#[test]
fn every_driving_noise_has_its_stated_level_and_spectrum_at_the_drivers_head() {
    let catalogue = builtin::catalogue().unwrap();
    let noises: Vec<&SignalSpec> =
        catalogue.signals().iter().filter(|one| matches!(one.kind, Kind::DrivingNoise(_))).collect();
    assert_eq!(noises.len(), 8);
    // One of each shape; the steps of the fan differ by their level only.
    for spec in noises.iter().filter(|one| !["fan-2", "fan-3"].contains(&one.id.as_str())) {
        let field = at(spec, &[DRIVER_HEAD], Options::default()).unwrap();
        let level = level_dba(&field.channels[0], RATE, PASCAL);
        // Line magnitudes are exact; what is left is the wander, which weighs the beats of the lines unevenly.
        assert!((level - field.level_dba).abs() < 0.1, "{}: {level} for {}", spec.id, field.level_dba);
        let (worst, at_hz) = spectrum_error(driving(spec), &field.channels[0]);
        assert!(worst < 0.5, "{}: {worst} dB at {at_hz} Hz", spec.id);
    }
}

/// The largest difference in dB between third octaves of a track and the shape of its noise, 25 Hz to 16 kHz, with
/// the level difference taken out, and where.
fn spectrum_error(noise: &DrivingNoise, track: &[f64]) -> (f64, f64) {
    let bands = Bands::third_octave(25.0, 16_000.0);
    let found = band_levels(track, RATE, &bands);
    // The shape integrated on its own: power laws between its corners.
    let wanted: Vec<f64> = bands
        .iter()
        .map(|band| 10.0 * integral(&noise.corners, band.lower_hz, band.upper_hz).log10())
        .collect();
    let a = |freq_hz: f64| Weighting::A.gain_db(freq_hz);
    let total = |levels: &[f64]| {
        let sum: f64 =
            bands.iter().zip(levels).map(|(band, db)| 10f64.powf((db + a(band.midband_hz)) / 10.0)).sum();
        10.0 * sum.log10()
    };
    let shift = total(&found) - total(&wanted);
    let errors = bands.iter().zip(found.iter().zip(&wanted));
    errors
        .map(|(band, (found, wanted))| ((found - wanted - shift).abs(), band.nominal_hz))
        .fold((0.0, 0.0), |worst, one| if one.0 > worst.0 { one } else { worst })
}

/// Power of a density that is straight in dB over log f, between two frequencies, in closed form.
fn integral(corners: &[(f64, f64)], low: f64, high: f64) -> f64 {
    corners
        .windows(2)
        .map(|pair| {
            let ((f0, d0), (f1, d1)) = (pair[0], pair[1]);
            let (from, to) = (low.max(f0), high.min(f1));
            if from >= to {
                return 0.0;
            }
            let slope = (d1 - d0) / 10.0 / (f1 / f0).log10();
            let scale = 10f64.powf(d0 / 10.0) * f0.powf(-slope);
            if (slope + 1.0).abs() < 1e-9 {
                scale * (to / from).ln()
            } else {
                scale * (to.powf(slope + 1.0) - from.powf(slope + 1.0)) / (slope + 1.0)
            }
        })
        .sum()
}

#[test]
fn a_wrong_spectrum_is_seen() {
    let spec = spec("driving-120");
    let field = at(&spec, &[DRIVER_HEAD], Options::default()).unwrap();
    let mut other = driving(&spec).clone();
    // One corner 1.5 dB higher.
    other.corners[5].1 += 1.5;
    assert!(spectrum_error(&other, &field.channels[0]).0 > 0.5);
}

#[test]
fn every_point_has_the_level_and_neighbors_have_the_coherence_of_a_diffuse_field() {
    let spec = spec("driving-120");
    let noise = driving(&spec);
    let names: Vec<&str> = noise.points.iter().map(|one| one.id.as_str()).collect();
    let field = at(&spec, &names, Options::default()).unwrap();
    for (name, channel) in names.iter().zip(&field.channels) {
        // Away from the first point lines are random in magnitude. The A-weighted sound has a bandwidth of some
        // 400 Hz in 20 s: a standard deviation of 4.34/√8000 = 0.05 dB.
        let level = level_dba(channel, RATE, PASCAL);
        assert!((level - field.level_dba).abs() < 0.2, "{name}: {level}");
    }
    let spectra: Vec<_> = field.channels.iter().map(|one| forward(one)).collect();
    for i in 0..names.len() {
        for j in 0..i {
            let apart = distance_m(&noise.points[i], &noise.points[j]);
            for low in (100..6_000).step_by(300) {
                let low = f64::from(low);
                let (found, wanted) = coherence(&spectra[i], &spectra[j], low, apart);
                // Real part of the coherence over n = 2 000 lines: standard deviation of at most √(1/2n) = 0.016.
                let pair = format!("{} and {} at {low} Hz", names[i], names[j]);
                assert!((found - wanted).abs() < 0.075, "{pair}: {found}, not {wanted}");
            }
        }
    }
    // The check sees the ears a third further apart than they are.
    let (found, wanted) = coherence(&spectra[1], &spectra[2], 700.0, 0.18 * 1.33);
    assert!((found - wanted).abs() > 0.075, "{found} {wanted}");
}

/// Real part of the coherence over 100 Hz from `low` on: measured, and that of a diffuse field over the same lines.
fn coherence(
    a: &[crate::dsp::spectrum::Bin],
    b: &[crate::dsp::spectrum::Bin],
    low: f64,
    apart: f64,
) -> (f64, f64) {
    let (first, last) = ((low * 20.0) as usize, ((low + 100.0) * 20.0) as usize);
    let (mut cross, mut aa, mut bb, mut model, mut weight) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for k in first..last {
        cross += (a[k] * b[k].conj()).re;
        aa += a[k].norm_sqr();
        bb += b[k].norm_sqr();
        model += a[k].norm_sqr() * diffuse_coherence(k as f64 / 20.0, apart);
        weight += a[k].norm_sqr();
    }
    (cross / (aa * bb).sqrt(), model / weight)
}

#[test]
fn a_diffuse_field_is_coherent_where_points_are_near() {
    assert_eq!(diffuse_coherence(1_000.0, 0.0), 1.0);
    assert_eq!(diffuse_coherence(0.0, 1.0), 1.0);
    // The first zero stands at half a wavelength.
    assert!(diffuse_coherence(343.2 / 2.0 / 0.18, 0.18).abs() < 1e-12);
    assert!((diffuse_coherence(343.2 / 4.0, 1.0) - 2.0 / std::f64::consts::PI).abs() < 1e-12);
}

#[test]
fn the_same_seed_gives_the_same_bits_at_a_point_whichever_others_are_rendered() {
    let spec = spec("fan-4");
    let short = Options { seconds: Some(0.5), seed: None };
    let two = at(&spec, &[DRIVER_HEAD, "microphone"], short).unwrap();
    let again = at(&spec, &["microphone", "rear-left-head"], short).unwrap();
    assert_eq!(two.channels[1], again.channels[0]);
    assert_eq!(two, at(&spec, &[DRIVER_HEAD, "microphone"], short).unwrap());
    let other = at(&spec, &[DRIVER_HEAD, "microphone"], Options { seed: Some(99), ..short }).unwrap();
    assert_ne!(two.hash, other.hash);
    let correlation = |a: &[f64], b: &[f64]| {
        let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        dot / (rms(a) * rms(b) * a.len() as f64)
    };
    // 0.5 s of some 400 Hz of bandwidth: a standard deviation of 0.05.
    assert!(correlation(&two.channels[0], &other.channels[0]).abs() < 0.25);
    // A mono track is the first point, scaled.
    let mono = generate(&spec, RATE, &BuiltinSpeech, short).unwrap();
    let scale = mono.samples[1_000] / two.channels[0][1_000];
    assert!(mono.samples.iter().zip(&two.channels[0]).all(|(a, b)| (a - scale * b).abs() < 1e-9));
}

#[test]
fn the_level_wanders_slowly_and_the_noise_repeats_without_a_seam() {
    let spec = spec("driving-120");
    let noise = driving(&spec);
    let gain = wander(noise, 22, 1_000, 20_000);
    let db: Vec<f64> = gain.iter().map(|x| 20.0 * x.log10()).collect();
    let (low, high) = db.iter().fold((0.0_f64, 0.0_f64), |(low, high), x| (low.min(*x), high.max(*x)));
    // The mean square is one, so the middle of the wander stands a little under 0 dB.
    assert!(low < -1.0 && low > -2.3 && high > 0.8 && high < 2.1, "{low} {high}");
    let fastest = db.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
    assert!(fastest * 1_000.0 < 2.0, "{} dB/s", fastest * 1_000.0);
    assert!((gain.iter().map(|x| x * x).sum::<f64>() / 20_000.0 - 1.0).abs() < 1e-3);
    assert!((db[0] - db[19_999]).abs() < 0.002, "no seam");
    let twice = at(&spec, &[DRIVER_HEAD], Options { seconds: Some(21.0), seed: None }).unwrap();
    assert_eq!(twice.channels[0].len(), 21 * 48_000);
    assert_eq!(twice.channels[0][..48_000], twice.channels[0][20 * 48_000..]);
}

#[test]
fn one_noise_exists_at_every_rate() {
    let spec = spec("fan-2");
    let bands = Bands::third_octave(50.0, 5_000.0);
    let levels = |rate: u32| {
        let field =
            field(&spec, rate, &BuiltinSpeech, Options::default(), &[DRIVER_HEAD.to_owned()]).unwrap();
        band_levels(&field.channels[0], rate, &bands)
    };
    for (a, b) in levels(48_000).iter().zip(levels(16_000)) {
        // The same lines; the leakage of the meter's window is not.
        assert!((a - b).abs() < 0.01, "{a} {b}");
    }
}

#[test]
fn what_cannot_be_rendered_is_refused_with_the_reason() {
    let noise = spec("driving-120");
    let said = |result: Result<Field, SignalError>| result.unwrap_err().to_string();
    let options = Options { seconds: Some(0.1), seed: None };
    let unknown = said(at(&noise, &["driver-head", "trunk"], options));
    assert!(
        unknown.contains("no point 'trunk'") && unknown.contains("driver-head, driver-left-ear"),
        "{unknown}"
    );
    assert!(said(at(&noise, &["microphone", "microphone"], options)).contains("named twice"));
    assert!(said(at(&noise, &[], options)).contains("no point is named"));
    assert!(said(at(&spec("css-fb"), &["driver-head"], options)).contains("has no points"));
    let never = Options { seconds: Some(f64::NAN), seed: None };
    assert!(said(at(&noise, &["driver-head"], never)).contains("no usable length"));
    let odd = field(&noise, 8_001, &BuiltinSpeech, options, &[DRIVER_HEAD.to_owned()]);
    assert!(odd.is_ok(), "20 s are a whole number of frames at every rate");
}

#[test]
fn a_full_scale_that_is_too_low_is_refused_with_the_excess() {
    let field = at(&spec("driving-120"), &[DRIVER_HEAD, "microphone"], Options::default()).unwrap();
    let peak = field.channels.iter().flatten().fold(0.0_f64, |peak, x| peak.max(x.abs()));
    let peak_dbpa = 20.0 * peak.log10();
    let error = field.digital(DbPa::new(peak_dbpa - 3.0)).unwrap_err();
    match error {
        RenderError::Clips { excess, .. } => assert!((excess.0 - 3.0).abs() < 1e-9, "{excess:?}"),
        other @ RenderError::Level => panic!("{other}"),
    }
    assert!(field.digital(DbPa::new(f64::NAN)).is_err());
    let zero = DbPa::new(peak_dbpa + 0.1);
    let digital = field.digital(zero).unwrap();
    assert!((level_dba(&digital[0], RATE, zero) - 69.0).abs() < 0.1, "the level comes back through the zero");
}
