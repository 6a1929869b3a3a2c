//! `lombard measure bands` and `delay` through the binary.

use serde_json::Value;

use crate::cli::{ask, folder};
use crate::cli_measure::{measured, noise, refused, write_wav};
use crate::source::root;

fn reference(name: &str) -> String {
    root().join("tests/reference").join(name).display().to_string()
}

fn numbers(object: &Value, key: &str) -> Vec<f64> {
    object[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

#[test]
fn bands_of_car_noise_are_those_of_the_reference_tools() {
    let here = folder();
    let expected: Value = serde_json::from_str(include_str!("reference/expected.json")).unwrap();
    let case =
        &expected["cases"].as_array().unwrap().iter().find(|c| c["id"] == "bnd05_carnoise_48k").unwrap();
    let (hz, by_dft) =
        (numbers(&case["expected"], "bands_nominal_hz"), numbers(&case["expected"], "bands_fft_dbov"));
    let file = reference("bnd05_carnoise_48k.wav");
    let fft = measured(here.path(), &["bands", &file, "--from-hz", "50", "--to-hz", "16000"]);
    assert_eq!((numbers(&fft, "hz"), fft["method"].as_str().unwrap()), (hz.clone(), "fft"));
    let filter = measured(here.path(), &["bands", &file, "--method", "filter"]);
    let filtered_hz = numbers(&filter, "hz");
    assert_eq!((filtered_hz[0], filtered_hz[filtered_hz.len() - 1], filtered_hz.len()), (20.0, 20_000.0, 31));
    for (i, level) in numbers(&fft, "level_dbov").iter().enumerate() {
        // The tool gives a bin wholly to one band: 0.1 dB where there are few of them.
        let tolerance = if hz[i] < 400.0 { 0.2 } else { 0.02 };
        assert!((level - by_dft[i]).abs() < tolerance, "{} Hz: {level} {}", hz[i], by_dft[i]);
        let filtered = numbers(&filter, "level_dbov")[i + 4];
        assert!((level - filtered).abs() < 0.5, "{} Hz: {level} {filtered}", hz[i]);
    }
    let zero = measured(here.path(), &["bands", &file, "--per-octave", "1", "--zero-dbov", "18.3 dBPa"]);
    assert_eq!(zero["unit"], "dBPa");
    for (level, dbov) in numbers(&zero, "level").iter().zip(numbers(&zero, "level_dbov")) {
        assert!((level - dbov - 18.3).abs() < 1e-9);
    }
}

#[test]
fn bands_that_do_not_fit_are_null_or_refused_and_it_is_said() {
    let here = folder();
    write_wav(&here.path().join("short.wav"), 48_000, 1, 16, &noise(4800, 1, 0.5));
    let short = measured(here.path(), &["bands", "short.wav"]);
    assert!(short["note"].as_str().unwrap().contains("no level up to 40 Hz"), "{short}");
    assert!(short["level_dbov"][3].is_null() && short["level_dbov"][4].is_number());
    for (samples, arguments, reason) in [
        (48_000, &["--method", "filter", "--to-hz", "25000"][..], "reaches up to 28184 Hz"),
        (48_000, &["--to-hz", "31500"][..], "bands end at 24000 Hz"),
        (48_000, &["--per-octave", "5"][..], "1, 3, 6, 12 or 24"),
        (48_000, &["--from-hz", "2000", "--to-hz", "1000"][..], "no bands from 2000 to 1000 Hz"),
        (48_000, &["--from-hz", "nan"][..], "no band lies at NaN Hz"),
        (1, &[][..], "the widest of these bands"),
        (0, &[][..], "holds no samples"),
    ] {
        write_wav(&here.path().join("x.wav"), 48_000, 1, 16, &noise(samples, 1, 0.5));
        let told = refused(here.path(), &[&["bands", "x.wav"], arguments].concat());
        let told = told.split_whitespace().collect::<Vec<&str>>().join(" ");
        assert!(told.contains(reason), "{arguments:?}: {told}");
    }
    let table = ask(here.path(), &["measure", "bands", "short.wav"]);
    assert_eq!(table.code, 0);
    assert!(table.out.contains("hz  level_dbov"), "{}", table.out);
}

#[test]
fn a_delay_is_told_with_its_sign_and_a_chance_match_is_refused() {
    let here = folder();
    let (played, recorded) =
        (reference("dly02_css_inverted_8k_ref.wav"), reference("dly02_css_inverted_8k_rec.wav"));
    let expected: Value = serde_json::from_str(include_str!("reference/expected.json")).unwrap();
    let case =
        expected["cases"].as_array().unwrap().iter().find(|c| c["id"] == "dly02_css_inverted_8k").unwrap();
    let delay = measured(here.path(), &["delay", &played, &recorded]);
    let truth = case["expected"]["delay_ms_true"].as_f64().unwrap();
    assert!((delay["delay_ms"].as_f64().unwrap() - truth).abs() < 0.02, "{delay} {truth}");
    assert_eq!(delay["polarity"], -1);
    assert!(delay["correlation"].as_f64().unwrap() > 2.0 * delay["chance"].as_f64().unwrap());

    let path = |name: &str| here.path().join(name);
    write_wav(&path("a.wav"), 8000, 1, 16, &noise(16_000, 1, 0.5));
    write_wav(&path("b.wav"), 8000, 1, 16, &noise(20_000, 2, 0.5));
    write_wav(&path("still.wav"), 8000, 1, 16, &vec![0.0; 8000]);
    write_wav(&path("fast.wav"), 16_000, 1, 16, &noise(16_000, 1, 0.5));
    let told = |arguments: &[&str]| {
        let told = refused(here.path(), &[&["delay"], arguments].concat());
        told.split_whitespace().collect::<Vec<&str>>().join(" ")
    };
    assert!(told(&["a.wav", "b.wav"]).contains("unrelated signals"));
    assert!(told(&["a.wav", "still.wav"]).contains("recording is silent"));
    assert!(told(&["still.wav", "a.wav"]).contains("reference is silent"));
    assert!(told(&["a.wav", "fast.wav"]).contains("nothing is resampled"));
    assert!(told(&["a.wav", "a.wav", "--min-ms", "5", "--max-ms", "1"]).contains("widen it"));
    let same = measured(here.path(), &["delay", "a.wav", "a.wav", "--min-ms", "-20", "--max-ms", "20"]);
    assert!(same["delay_ms"].as_f64().unwrap().abs() < 1e-3 && same["polarity"] == 1, "{same}");
}
