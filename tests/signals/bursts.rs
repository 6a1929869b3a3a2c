//! Rising bursts, pulsed noise and tones after an activation: which part carries the level, and clipping.

use lombard::signals::{LevelBasis, RATES, RenderError, at_level};
use lombard::units::{DbOv, Dbm0};

use super::{CATALOGUE, db, golden, made, rms};

#[test]
fn css_bursts_rise_by_1_db_over_21_db_from_the_level_of_the_first() {
    for id in ["css-bursts-fb", "css-bursts-nb"] {
        for rate in RATES {
            let signal = made(id, rate);
            let row = golden()["framing"]["bursts"][rate.to_string()].clone();
            let (on, cycle) = (row[1].as_u64().unwrap() as usize, row[2].as_u64().unwrap() as usize);
            assert_eq!(signal.active_spans.len(), 22, "{id} {rate}");
            for (n, span) in signal.active_spans.iter().enumerate() {
                assert_eq!((span.start, span.end), (n * cycle, n * cycle + on), "{id} {rate}");
                let level = db(rms(&signal.samples[span.clone()]));
                assert!((level - n as f64).abs() < 1e-5, "{id} {rate} burst {n}: {level}");
                let pause = &signal.samples[span.end..(n + 1) * cycle];
                assert!(pause.iter().all(|x| *x == 0.0), "{id} {rate}");
            }
            // 700 and 248.62 ms: the level over a cycle is 4.5 dB below that of the active part.
            let first = db(rms(&signal.samples[..cycle]));
            assert!((first + 4.496).abs() < 0.005, "{id} {rate}: {first}");
            // Each burst is the one before it, inverted.
            for n in 0..on {
                let (a, b) = (signal.samples[n], signal.samples[cycle + n]);
                assert!((b + a * 10_f64.powf(0.05)).abs() < 1e-12, "{id} {rate} {n}");
            }
        }
    }
}

#[test]
fn a_rising_sequence_starts_at_its_level_and_clips_by_its_last_burst() {
    let signal = made("css-bursts-nb", 48_000);
    let start = at_level(&signal, Dbm0::new(-38.7).to_dbov()).unwrap();
    let first = db(rms(&start[signal.active_spans[0].clone()]));
    assert!((first - (-38.7 - 6.15)).abs() < 1e-5, "{first}");
    // The last is 21 dB above: what the first may have, the last may not.
    let crest = signal.crest().0;
    assert!(crest > 30.0, "{crest}");
    match at_level(&signal, DbOv::new(-20.0)) {
        Err(RenderError::Clips { excess, .. }) => assert!((excess.0 - (crest - 20.0)).abs() < 1e-9),
        other => panic!("{other:?}"),
    }
    assert!(at_level(&signal, DbOv::new(-crest - 1e-9)).is_ok());
}

#[test]
fn pulsed_noise_is_on_and_off_and_has_the_level_of_what_is_on() {
    for (id, rate) in
        [("pulsed-noise-wb", 16_000_u32), ("pulsed-noise-wb", 48_000), ("pulsed-noise-swb", 48_000)]
    {
        let signal = made(id, rate);
        let quarter = rate as usize / 4;
        assert_eq!(signal.active_spans.len(), 10, "{id}");
        for (n, span) in signal.active_spans.iter().enumerate() {
            assert_eq!((span.start, span.end), (2 * n * quarter, (2 * n + 1) * quarter), "{id}");
        }
        let on: Vec<f64> =
            signal.active_spans.iter().flat_map(|span| signal.samples[span.clone()].to_vec()).collect();
        // The gain has the bits of f32.
        assert!(db(rms(&on)).abs() < 1e-5, "{id} {rate}: {}", db(rms(&on)));
        if id == "pulsed-noise-wb" {
            // The noise runs on while it is off: the second burst is what the noise is there, between the fades.
            let (noise, places) =
                (made("noise-p50", rate), 2 * quarter + quarter / 4..2 * quarter + quarter / 2);
            let gain = rms(&signal.samples[places.clone()]) / rms(&noise.samples[places.clone()]);
            for n in places {
                assert!((signal.samples[n] - gain * noise.samples[n]).abs() < 1e-9, "{id} {rate} {n}");
            }
        }
        // Fades of 5 ms: begins and ends near zero, stands in the middle.
        let first = &signal.samples[..quarter];
        assert!(
            rms(&first[..rate as usize / 1_000]) < 0.4 && rms(&first[quarter / 4..3 * quarter / 4]) > 0.8,
            "{id}"
        );
    }
}

#[test]
fn blocks_of_composite_signals_are_whole_periods_at_the_level_over_the_cycle() {
    for rate in RATES {
        let (signal, css) = (made("css-blocks-fb", rate), made("css-fb", rate));
        let cycle = css.cycle.unwrap();
        assert_eq!(signal.active_spans.len(), 5, "{rate}");
        for (n, span) in signal.active_spans.iter().enumerate() {
            assert_eq!((span.start, span.end), (12 * n * cycle, (12 * n + 6) * cycle), "{rate}");
            for (a, b) in signal.samples[span.clone()].iter().zip(&css.samples) {
                // The gains of both have the bits of f32.
                assert!((a - b).abs() < 1e-6, "{rate} {n}");
            }
        }
    }
}

#[test]
fn a_tone_after_activation_has_its_level_in_the_span_to_analyze() {
    for (id, hz) in [("distortion-300", 300.0), ("distortion-500", 500.0), ("distortion-1000", 1_000.0)] {
        for rate in RATES {
            let signal = made(id, rate);
            let ms = rate as usize / 1_000;
            let (from, to) = (signal.analysis.start, signal.analysis.end);
            assert!(from.abs_diff(2_105 * rate as usize / 1_000) <= 1, "{id} {rate}");
            assert!(to.abs_diff(2_595 * rate as usize / 1_000) <= 1, "{id} {rate}");
            let tone = &signal.samples[signal.analysis.clone()];
            assert!(db(rms(tone)).abs() < 1e-5, "{id} {rate}: {}", db(rms(tone)));
            // Nothing but the sine: what one of the same frequency leaves of it.
            let w = std::f64::consts::TAU * hz / f64::from(rate);
            let sum = tone.iter().enumerate().fold((0.0, 0.0), |sum, (n, x)| {
                (sum.0 + x * (w * n as f64).cos(), sum.1 + x * (w * n as f64).sin())
            });
            let share = 2.0 * (sum.0 * sum.0 + sum.1 * sum.1) / (tone.len() as f64).powi(2);
            // 490 ms are 147, 245 and 490 periods.
            assert!((share - 1.0).abs() < 1e-4, "{id} {rate}: {share}");
            // Before it six periods of the composite signal at the same RMS.
            let before = &signal.samples[..2_100 * rate as usize / 1_000];
            assert!(db(rms(before)).abs() < 0.01, "{id} {rate}: {}", db(rms(before)));
            assert_eq!(signal.active_spans.len(), 7, "{id} {rate}");
            assert!(rms(&signal.samples[to + 4 * ms..]) < 0.3, "{id} {rate}: it fades");
        }
    }
}

#[test]
fn bursts_and_parts_have_their_level_where_they_are_active() {
    for spec in CATALOGUE.signals() {
        let needs =
            matches!(spec.kind, lombard::signals::Kind::Gated(_) | lombard::signals::Kind::Sequence(_));
        assert!(!needs || spec.level_basis == LevelBasis::ActiveRms, "{}", spec.id);
    }
}
