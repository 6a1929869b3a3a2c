//! Band limits: the frequency response of the filters, and what they leave of signals.

use lombard::dsp::filter::fir_gain_db;
use lombard::dsp::spectrum::power_spectrum;
use lombard::signals::{BuiltinSpeech, LevelBasis, Options, SignalError, band, generate_limited};
use lombard::terms::Bandwidth;

use super::{CATALOGUE, db, made, rms};

/// Every band at the rates whose half is at or beyond its upper stop, and one rate that ends before it.
fn cases() -> impl Iterator<Item = (Bandwidth, u32)> {
    [
        (Bandwidth::Nb, &[8_000, 16_000, 44_100, 48_000][..]),
        (Bandwidth::Wb, &[8_000, 16_000, 44_100, 48_000]),
        (Bandwidth::Swb, &[16_000, 32_000, 44_100, 48_000]),
        (Bandwidth::Fb, &[44_100, 48_000]),
    ]
    .into_iter()
    .flat_map(|(bandwidth, rates)| rates.iter().map(move |rate| (bandwidth, *rate)))
}

#[test]
fn filters_are_3_db_down_at_the_edges_flat_between_them_and_60_db_down_outside() {
    for (bandwidth, rate) in cases() {
        let limit = CATALOGUE.band(bandwidth).unwrap();
        let taps = band::filter(limit, rate);
        let gain = |hz: f64| fir_gain_db(&taps, rate, hz);
        let name = format!("{bandwidth} at {rate}");
        assert!(taps.len() % 2 == 1 && taps.iter().eq(taps.iter().rev()), "{name}: linear phase");
        let half_power = -10.0 * 2.0_f64.log10();
        assert!(
            (gain(limit.low.half_power_hz) - half_power).abs() < 0.02,
            "{name}: {}",
            gain(limit.low.half_power_hz)
        );
        for k in 0..=20 {
            let hz = limit.low.stop_hz * f64::from(k) / 20.0;
            assert!(gain(hz) < -band::STOP_DB, "{name}: {hz} Hz {}", gain(hz));
        }
        // The upper edge is there where the rate reaches its stop.
        let half = f64::from(rate) / 2.0;
        let high = limit.high.filter(|edge| edge.stop_hz <= half);
        if let Some(edge) = high {
            assert!(
                (gain(edge.half_power_hz) - half_power).abs() < 0.02,
                "{name}: {}",
                gain(edge.half_power_hz)
            );
            for k in 0..=40 {
                let hz = edge.stop_hz + (half - edge.stop_hz) * f64::from(k) / 40.0;
                assert!(gain(hz) < -band::STOP_DB, "{name}: {hz} Hz {}", gain(hz));
            }
        }
        // Ripple: between the transitions, which end as far inside the −3 dB edges as the stops are outside.
        let low = 2.0 * limit.low.half_power_hz;
        let high = high.map_or(0.999 * half, |edge| 2.0 * edge.half_power_hz - edge.stop_hz);
        for k in 0..=200 {
            let hz = low * (high / low).powf(f64::from(k) / 200.0);
            assert!(gain(hz).abs() < 0.1, "{name}: {hz} Hz {}", gain(hz));
        }
    }
}

/// The share of the power below `hz`, in dB.
fn share_db(samples: &[f64], rate: u32, low_hz: f64, high_hz: f64) -> f64 {
    let spectrum = power_spectrum(samples, rate);
    10.0 * (spectrum.band_power(low_hz, high_hz) / spectrum.total_power()).log10()
}

#[test]
fn a_limited_signal_has_nothing_outside_its_band_and_keeps_its_level() {
    for (id, bandwidth, rate) in [
        ("css-fb", Bandwidth::Nb, 48_000),
        ("pn-8192", Bandwidth::Nb, 48_000),
        ("pn-8192", Bandwidth::Wb, 48_000),
        ("pn-8192", Bandwidth::Swb, 44_100),
        ("css-bursts-fb", Bandwidth::Wb, 48_000),
        ("speech-conditioning", Bandwidth::Nb, 16_000),
    ] {
        let spec = CATALOGUE.get(id).unwrap();
        let limit = CATALOGUE.band(bandwidth).unwrap();
        let whole = made(id, rate);
        let signal = generate_limited(spec, rate, &BuiltinSpeech, Options::default(), Some(limit)).unwrap();
        assert_eq!((signal.samples.len(), &signal.active_spans), (whole.samples.len(), &whole.active_spans));
        assert_ne!(signal.hash, whole.hash);
        let stop = limit.high.unwrap().stop_hz;
        let outside = share_db(&signal.samples, rate, stop, f64::from(rate) / 2.0);
        let before = share_db(&whole.samples, rate, stop, f64::from(rate) / 2.0);
        // Beyond the stop nothing is left but 60 dB less than there was.
        assert!(outside < before - 55.0 || outside < -100.0, "{id} {bandwidth}: {outside} of {before}");
        let level = |signal: &lombard::signals::Signal| match signal.level_basis {
            LevelBasis::ActiveRms => db(rms(&signal.samples[signal.active_spans[0].clone()])),
            LevelBasis::ActiveSpeech => lombard::dsp::level::active_speech_level(&signal.samples, rate)
                .active()
                .unwrap()
                .active_level
                .decibels(),
            _ => db(rms(&signal.samples)),
        };
        assert!((level(&signal) - level(&whole)).abs() < 1e-4, "{id} {bandwidth}: {}", level(&signal));
    }
}

#[test]
fn the_band_of_the_catalogue_holds_in_what_is_made() {
    let signal = made("pulsed-noise-swb", 48_000);
    let outside = share_db(&signal.samples, 48_000, 16_000.0, 24_000.0);
    // A third of the white noise was there.
    assert!(outside < -55.0, "{outside}");
    assert!(share_db(&signal.samples, 48_000, 8_000.0, 14_000.0) > -5.0);
}

#[test]
fn a_band_that_leaves_nothing_is_refused() {
    let limit = CATALOGUE.band(Bandwidth::Nb).unwrap();
    let mut spec = CATALOGUE.get("sine-2000").unwrap().clone();
    spec.kind = lombard::signals::Kind::Sine { frequency_hz: 9_000.0 };
    match generate_limited(&spec, 48_000, &BuiltinSpeech, Options::default(), Some(limit)) {
        Err(SignalError::Construction { reason, .. }) => assert!(reason.contains("NB"), "{reason}"),
        other => panic!("{:?}", other.map(|signal| signal.crest())),
    }
}
