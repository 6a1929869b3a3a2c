//! What an import of noise takes and what it refuses, and the record it leaves.

use super::*;
use crate::signals::builtin::{self, WithImported};
use crate::signals::field::{DBPA_AS_SPL_DB, field};
use crate::signals::{Library, Options, RenderError};

const RATE: u32 = 16_000;

fn wav(amplitudes: &[f64]) -> Vec<u8> {
    wav_of(amplitudes, 2 * RATE)
}

fn wav_of(amplitudes: &[f64], frames: u32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: amplitudes.len() as u16,
        sample_rate: RATE,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for n in 0..frames {
        // 1 kHz, where the A-weighting is 0 dB; whole periods.
        let x = (std::f64::consts::TAU * f64::from(n) / 16.0).sin();
        for amplitude in amplitudes {
            writer.write_sample((amplitude * x) as f32).unwrap();
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

/// A sine of amplitude 0.1 is −23.01 dBov; with 0 dBov at 14 dBPa that is −9.01 dBPa, 84.97 dB.
const SINE_DBA: f64 = -23.0103 + 14.0 + DBPA_AS_SPL_DB;

fn statement(points: &[&str], level_dba: f64) -> Statement {
    Statement {
        id: "motorway-130".to_owned(),
        title: "Motorway, 130 km/h".to_owned(),
        from: "Motorway 130.wav".to_owned(),
        points: points.iter().map(|one| (*one).to_owned()).collect(),
        zero: DbPa::new(14.0),
        level_dba,
    }
}

#[test]
fn a_calibrated_recording_is_taken_and_comes_back_as_a_signal() {
    let bytes = wav(&[0.1, 0.05]);
    let said = statement(&["driver-head", "microphone"], 85.5);
    let checked = check(&bytes, &said).unwrap();
    assert!((checked.measured_dba.unwrap() - SINE_DBA).abs() < 0.01, "{:?}", checked.measured_dba);
    assert_eq!((checked.record.rate, checked.record.seconds), (RATE, 2.0));

    let mut catalogue = builtin::catalogue().unwrap();
    let count = catalogue.signals().len();
    // A second one with the id of a shipped signal stays out.
    let taken = NoiseRecord { id: "css-fb".to_owned(), ..checked.record.clone() };
    catalogue.add_noises(vec![checked.record.signal(), taken.signal()]);
    assert_eq!(catalogue.signals().len(), count + 1);
    let spec = catalogue.get("motorway-130").unwrap().clone();
    assert!(!spec.method_equivalent && spec.seconds == 2.0);
    let files = [("noise/motorway-130.wav".to_owned(), bytes.clone())].into();
    let source = WithImported { files };
    let points = ["microphone".to_owned(), "driver-head".to_owned()];
    let field = field(&spec, 48_000, &source, Options::default(), &points).unwrap();
    let driver = level_dba(&field.channels[1], 48_000, DbPa::new(0.0));
    assert!((driver - SINE_DBA).abs() < 0.01, "{driver}");
    let microphone = level_dba(&field.channels[0], 48_000, DbPa::new(0.0));
    assert!((driver - microphone - 6.0206).abs() < 0.01, "{microphone}");
    // N is what was stated, not what was measured.
    assert_eq!(field.level_dba, 85.5);
    assert!(matches!(field.digital(DbPa::new(-20.0)), Err(RenderError::Clips { .. })));
    let library = Library::new(catalogue.clone(), std::sync::Arc::new(source));
    let mono = library.make("motorway-130", 48_000, Options::default()).unwrap();
    assert!((mono.crest().0 - 3.01).abs() < 0.05, "{:?}", mono.crest());

    // The file must still be the one that was imported.
    let files = [("noise/motorway-130.wav".to_owned(), wav(&[0.1, 0.06]))].into();
    let library = Library::new(catalogue.clone(), std::sync::Arc::new(WithImported { files }));
    let error = library.make("motorway-130", 48_000, Options::default()).unwrap_err();
    assert!(error.to_string().contains("changed since it was imported"), "{error}");
    let library = Library::new(catalogue, std::sync::Arc::new(WithImported::default()));
    let error = library.make("motorway-130", 48_000, Options::default()).unwrap_err();
    assert!(error.to_string().contains("was not found"), "{error}");
}

#[test]
fn a_level_that_contradicts_the_calibration_is_refused_with_both_numbers() {
    let bytes = wav(&[0.1]);
    for (stated, is_taken) in [
        (SINE_DBA + 0.9, true),
        (SINE_DBA - 0.9, true),
        (SINE_DBA + 1.1, false),
        (68.0, false),
        (f64::NAN, false),
    ] {
        let result = check(&bytes, &statement(&["driver-head"], stated));
        assert_eq!(result.is_ok(), is_taken, "{stated}");
    }
    let error = check(&bytes, &statement(&["driver-head"], 68.0)).unwrap_err().to_string();
    for part in ["68.0 dB(A)", "85.0 dB(A)", "14.00 dBPa at 0 dBov", "17.0 dB apart"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // Without a channel at the driver's head there is nothing to hold it against.
    let elsewhere = check(&bytes, &statement(&["microphone"], 68.0)).unwrap();
    assert_eq!(elsewhere.measured_dba, None);
}

#[test]
fn what_is_no_usable_noise_is_refused_with_the_reason() {
    let good = wav(&[0.1, 0.1]);
    let two = ["driver-head", "microphone"];
    let said = |bytes: &[u8], statement: Statement| check(bytes, &statement).unwrap_err().to_string();
    assert!(said(&good, statement(&["driver-head"], 85.0)).contains("2 channels and 1 points"));
    assert!(said(&good, statement(&["a", "a"], 85.0)).contains("named twice"));
    assert!(said(&good, statement(&["a", "../b"], 85.0)).contains("'../b'"));
    assert!(said(&wav(&[0.1, 0.0]), statement(&two, 85.0)).contains("channel 2 ('microphone') is silent"));
    assert!(said(&wav(&[0.1, 2.0]), statement(&two, 85.0)).contains("channel 2 is 6.03 dB over full scale"));
    assert!(said(&wav_of(&[0.1, 0.1], RATE - 1), statement(&two, 85.0)).contains("1 s at least"));
    assert!(check(&wav_of(&[0.1, 0.1], RATE), &statement(&two, 85.0)).is_ok());
    assert!(said(&good[..1_000], statement(&two, 85.0)).contains("cut off"));
    assert!(said(b"no WAV", statement(&two, 85.0)).contains("WAV file"));
    let error = said(&wav(&[0.1, f64::NAN]), statement(&two, 85.0));
    assert!(error.starts_with("channel 2, frame"), "{error}");
    for id in ["", "Motorway", "a b", "../a", "-a", "a--b", "1a", "ä"] {
        let statement = Statement { id: id.to_owned(), ..statement(&two, 85.0) };
        assert!(said(&good, statement).contains("is no id"), "{id}");
    }
}

#[test]
fn a_record_comes_back_and_grows() {
    let checked = check(&wav(&[0.1]), &statement(&["driver-head"], 85.0)).unwrap();
    let hostile = NoiseRecord {
        id: "a".to_owned(),
        title: "it's \"C:\\new\" \u{1}é".to_owned(),
        file: "a.wav".to_owned(),
        ..checked.record.clone()
    };
    let before = vec![hostile.clone(), checked.record.clone()];
    let read = read_record(&SourceText::new(RECORD, record(&before))).unwrap();
    assert_eq!(read, before);
    let newer = NoiseRecord { level_dba: 84.5, ..checked.record };
    assert_eq!(merged(read, newer.clone()), [hostile.clone(), newer]);
    // A record that names a file elsewhere is not followed.
    let text = record(&[hostile]).replace("file = \"a.wav\"", "file = \"../a.wav\"");
    let problems = read_record(&SourceText::new(RECORD, text)).unwrap_err();
    assert!(problems[0].to_string().contains("beside its record"), "{}", problems[0]);
}
