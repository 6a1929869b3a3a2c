//! Composite source signals and pseudo-noise: framing, voiced sound, noise, polarity and crest at every rate.

use lombard::signals::{Kind, RATES, Signal};

use super::{CATALOGUE, crest_db, golden, made, numbers, rms};

/// The pinned rates, and one more that works.
fn rates() -> impl Iterator<Item = u32> {
    RATES.into_iter().chain([96_000])
}

/// The composite signals of the catalogue with single periods, and the framing of the script for each.
const PERIODS: [(&str, &str); 6] = [
    ("css-fb", "single"),
    ("css-nb", "single"),
    ("css-fb-lowcrest", "single"),
    ("css-nb-lowcrest", "single"),
    ("css-dt-fb", "double"),
    ("css-dt-nb", "double"),
];

/// Ends of voiced sound, noise and period at a rate.
fn framing(name: &str, rate: u32) -> (usize, usize, usize) {
    let row = golden()["framing"][name][rate.to_string()].clone();
    let at = |k: usize| row[k].as_u64().unwrap() as usize;
    (at(0), at(1), at(2))
}

#[test]
fn framing_is_exact_to_the_sample_at_every_rate() {
    for (id, name) in PERIODS {
        for rate in rates() {
            let (signal, (voiced, noise, cycle)) = (made(id, rate), framing(name, rate));
            assert_eq!(signal.cycle, Some(cycle), "{id} {rate}");
            for (n, span) in signal.active_spans.iter().enumerate() {
                assert_eq!((span.start, span.end), (n * cycle, n * cycle + noise), "{id} {rate}");
            }
            assert!(signal.samples[noise..cycle].iter().all(|x| *x == 0.0), "{id} {rate}: the pause");
            // Both parts are as loud as each other, whatever the rate leaves of them; gain in f32 bits.
            let (a, b) = (rms(&signal.samples[..voiced]), rms(&signal.samples[voiced..noise]));
            assert!((a / b - 1.0).abs() < 1e-9, "{id} {rate}: {a} {b}");
        }
    }
}

#[test]
fn the_period_is_that_of_the_recommendation() {
    for (rate, single, double) in
        [(8_000, 2_800, 3_200), (16_000, 5_600, 6_400), (44_100, 15_435, 17_640), (48_000, 16_800, 19_200)]
    {
        assert_eq!((framing("single", rate).2, framing("double", rate).2), (single, double));
    }
    // 48.62, 248.62 and 72.69, 272.69 ms, as they are written: rounded to 10 µs.
    let ms = |frames: usize| (frames as f64 / 44.1 * 100.0).round() / 100.0;
    let (voiced, noise, _) = framing("single", 44_100);
    assert_eq!((ms(voiced), ms(noise)), (48.62, 248.62));
    // 3 206 frames are 72.698 ms, which the Recommendation cuts to 72.69.
    let (voiced, noise, _) = framing("double", 44_100);
    assert_eq!((ms(voiced), ms(noise)), (72.7, 272.7));
}

#[test]
fn the_voiced_sound_is_the_table_of_p501() {
    for (id, name, periods) in [("css-fb", "single-talk", 16), ("css-dt-fb", "double-talk", 14)] {
        let signal = made(id, 44_100);
        let Kind::Composite(spec) = &CATALOGUE.get(id).unwrap().kind else { panic!("{id} is composite") };
        let table = &spec.voiced.samples;
        let known = &golden()["voiced_table"][name];
        assert_eq!(table.len(), known["count"].as_u64().unwrap() as usize);
        // As the public copy of the table states them.
        let stated = if periods == 16 { (3211.8, 8.95) } else { (2590.5, 11.67) };
        assert!((rms(table) - stated.0).abs() < 0.05 && (crest_db(table) - stated.1).abs() < 0.005);
        let scale = signal.samples[0] / table[0];
        for n in 0..table.len() * periods {
            let want = scale * table[n % table.len()];
            assert!((signal.samples[n] - want).abs() < 1e-9, "{id} {n}: {} {want}", signal.samples[n]);
        }
        // After whole periods of the table the noise begins.
        assert!((signal.samples[table.len() * periods] - scale * table[0]).abs() > 1e-6);
    }
}

#[test]
fn the_voiced_sound_between_the_samples_of_the_table_is_that_of_numpy() {
    let cases = golden()["voiced"].clone();
    for case in cases.as_array().unwrap() {
        let (id, rate) = (case["id"].as_str().unwrap(), case["rate"].as_u64().unwrap() as u32);
        let signal = made(id, rate);
        let name = if id.contains("dt") { "double" } else { "single" };
        let level = rms(&signal.samples[..framing(name, rate).0]);
        for (place, want) in numbers(&case["places"]).into_iter().zip(numbers(&case["samples"])) {
            let got = signal.samples[place as usize] / level;
            assert!((got - want).abs() < 1e-9, "{id} {rate} {place}: {got}, numpy has {want}");
        }
    }
}

#[test]
fn every_second_period_is_inverted() {
    for (id, _) in PERIODS {
        let signal = made(id, 48_000);
        let cycle = signal.cycle.unwrap();
        for (first, second) in signal.samples.chunks(cycle).zip(signal.samples.chunks(cycle).skip(1)) {
            assert!(first.iter().zip(second).all(|(a, b)| *a == -b), "{id}");
        }
    }
}

/// The noise part of the first period.
fn noise_crest(signal: &Signal, name: &str) -> f64 {
    let (voiced, noise, _) = framing(name, signal.rate);
    crest_db(&signal.samples[voiced..noise])
}

#[test]
fn crest_of_the_noise_and_level_over_the_cycle_hold_at_every_rate() {
    for (id, name) in PERIODS {
        for rate in rates() {
            let signal = made(id, rate);
            let crest = noise_crest(&signal, name);
            let (low, high) = match id {
                _ if id.contains("lowcrest") => (0.0, 9.6),
                _ if id.contains("dt") => (11.0, 13.0),
                _ => (10.0, 12.0),
            };
            assert!((low..=high).contains(&crest), "{id} {rate}: {crest}");
            // Whole periods; the gain is rounded to the bits of f32.
            assert!((rms(&signal.samples) - 1.0).abs() < 1e-6, "{id} {rate}");
            // −5 dBm0 is −11.15 dBov: what is for this level stays below full scale there.
            assert!(
                !id.contains("lowcrest") || signal.crest().0 < 11.15,
                "{id} {rate}: {}",
                signal.crest().0
            );
        }
    }
    // The usual ones would clip at −5 dBm0, which is why there are others.
    assert!(made("css-fb", 48_000).crest().0 > 11.15);
}

#[test]
fn pseudo_noise_has_its_points_flat_lines_and_crest_at_every_rate() {
    for points in [2_048_usize, 4_096, 8_192, 16_384] {
        for shape in ["", "-fb", "-nb"] {
            let id = format!("pn-{points}{shape}");
            for rate in rates() {
                let signal = made(&id, rate);
                assert_eq!(signal.cycle, Some(points), "{id} {rate}");
                let period = &signal.samples[..points];
                assert!((10.0..=12.0).contains(&crest_db(period)), "{id} {rate}: {}", crest_db(period));
                assert!((rms(period) - 1.0).abs() < 1e-6, "{id} {rate}");
                assert!(period[..100] == signal.samples[points..points + 100], "{id} {rate}: periodic");
                if shape.is_empty() && rate == 48_000 {
                    let bins = lombard::dsp::spectrum::forward(period);
                    let level = bins[1].norm();
                    for bin in &bins[1..points / 2] {
                        // Constant magnitude, phase 0 or π.
                        assert!(
                            (bin.norm() / level - 1.0).abs() < 1e-9 && bin.im.abs() < 1e-9 * level,
                            "{id}"
                        );
                    }
                    assert!(bins[0].norm() < 1e-9 * level && bins[points / 2].norm() < 1e-9 * level, "{id}");
                }
            }
        }
    }
}
