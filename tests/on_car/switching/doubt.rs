//! What is no switching, and what hides it: a mute path, noise, echo, the response of a path; and what is refused.

use super::*;

/// A terminal that lets nothing through.
fn mute() -> CarSpec {
    let shut = Switching { send_idle_loss_db: 140.0, receive_idle_loss_db: 140.0, ..SWITCH };
    car(Bandwidth::Wb, shut, Detector { send_dbpa: 19.0, receive_dbm0: 5.0, hang_over_s: 0.1 })
}

#[test]
fn a_terminal_that_never_opens_fails_and_is_not_inconclusive() {
    for direction in ["send", "receive"] {
        for method in ["activation", "attenuation_range"] {
            let trial = trial(method, &mute(), &[("direction", direction)]);
            assert_eq!(verdicts(&trial), [Verdict::Fail; 2], "{method} {direction}: {:?}", told(&trial));
        }
    }
    // One that opens for speech, whose peaks are higher, but for no burst: all bursts alike, and all of them shut.
    let high = Detector { send_dbpa: -19.0, receive_dbm0: -9.0, hang_over_s: 0.2 };
    let car = car(Bandwidth::Wb, SWITCH, high);
    for direction in ["send", "receive"] {
        let trial = trial("activation", &car, &[("direction", direction)]);
        assert_eq!(verdicts(&trial), [Verdict::Fail; 2], "{direction}: {:?}", told(&trial));
        let level = trial.finding(&format!("activation_level_{direction}"));
        assert!(level.bound == Bound::AtLeast && level.note.contains("none of 22"), "{level:?}");
    }
}

#[test]
fn noise_makes_a_bound_and_no_fail() {
    // Bursts from −39 dBm0 at the POI, under noise that hides the first ones of them.
    for (noise_dbm0, level) in [(-40.0, Verdict::Inconclusive), (-75.0, Verdict::Pass)] {
        let mut noisy = shipped("ideal-wb");
        reference(&mut noisy).idle_noise =
            Some(IdleNoise { level_dbm0: noise_dbm0, weighting: Weighting::A });
        let trial = trial("activation", &noisy, &[("direction", "send")]);
        let finding = trial.finding("activation_level_send");
        assert_eq!(judged(&trial)[0].verdict, level, "{noise_dbm0}: {finding:?}");
        assert_eq!(finding.flags.contains(&Flag::NoiseLimited), noise_dbm0 > -50.0, "{finding:?}");
        assert_eq!(finding.bound, Bound::AtMost);
    }
    // All of them hidden: nothing can be said, not even of a mute one.
    let mut hidden = mute();
    hidden.network.noise_send = Some(IdleNoise { level_dbm0: -15.0, weighting: Weighting::A });
    let trial = trial("activation", &hidden, &[("direction", "send")]);
    assert!(trial.findings().unwrap_err().to_string().contains("quieter cabin"));
}

#[test]
fn echo_and_the_mouth_at_its_own_ear_leave_a_range_open_and_never_wrong() {
    let switching = Switching { send_idle_loss_db: 0.0, receive_idle_loss_db: 0.0, ..SWITCH };
    // No canceller: the echo of the far end is as loud as what is left of the talker.
    let mut echoing = car(Bandwidth::Wb, switching, Detector::default());
    reference(&mut echoing).echo_loss_db = None;
    let trial_of = |car: &CarSpec, direction| trial("attenuation_range", car, &[("direction", direction)]);
    let echo = trial_of(&echoing, "send");
    let finding = echo.finding("attenuation_range_send");
    assert_ne!(finding.bound, Bound::Exact, "{finding:?}");
    assert!(finding.flags.contains(&Flag::Bound) && finding.as_scalar().unwrap() < 15.0, "{finding:?}");
    assert!(!verdicts(&echo).contains(&Verdict::Fail));
    // The mouth is 4 dB louder at the ear than the far end; what is left of the far end is 16 dB below it.
    let clean = trial_of(&car(Bandwidth::Wb, switching, Detector::default()), "receive");
    let found = clean.finding("attenuation_range_receive");
    assert_eq!(found.bound, Bound::Exact);
    assert!((9.5..12.1).contains(&found.as_scalar().unwrap()), "{found:?}");
    // Noise at the ears that is louder than that.
    let mut loud = car(Bandwidth::Wb, Switching { receive_loss_db: 20.0, ..switching }, Detector::default());
    loud.cabin.noise_ears_dbpa_a = Some(-40.0);
    let hidden = trial_of(&loud, "receive");
    let finding = hidden.finding("attenuation_range_receive");
    assert!(finding.bound != Bound::Exact && finding.flags.contains(&Flag::NoiseLimited), "{finding:?}");
    // A talker who cannot be heard at the ear changes nothing.
    let mut apart = car(Bandwidth::Wb, switching, Detector::default());
    paths(&mut apart).mouth_to_ears = None;
    let apart = trial_of(&apart, "receive").value("attenuation_range_receive");
    assert!((apart - found.as_scalar().unwrap()).abs() < 0.05, "{apart}");
}

#[test]
fn the_response_of_a_path_is_not_read_as_switching() {
    // 12 dB less around the voiced sound with which a burst begins.
    let mut weak = shipped("ideal-wb");
    let dip = vec![(100.0, -12.0), (500.0, -12.0), (1_500.0, 0.0), (7_000.0, 4.0)];
    weak.terminal.send_response = dip.clone();
    weak.terminal.receive_response = dip;
    for direction in ["send", "receive"] {
        let time = trial("activation", &weak, &[("direction", direction)])
            .value(&format!("activation_build_up_{direction}"));
        assert!(time < 8.0, "{direction}: {time} ms");
        let range = trial("attenuation_range", &weak, &[("direction", direction)]);
        let (db, ms) = (
            range.value(&format!("attenuation_range_{direction}")),
            range.value(&format!("attenuation_build_up_{direction}")),
        );
        assert!(db < 1.0 && ms < 6.0, "{direction}: {db} dB, {ms} ms");
    }
}

#[test]
fn the_picture_shows_what_was_played_and_what_came_of_it() {
    let detector = Detector { send_dbpa: -39.0, hang_over_s: 0.15, ..Detector::default() };
    let car = car(Bandwidth::Wb, SWITCH, detector);
    let trial = trial("activation", &car, &[("direction", "send")]);
    let series = |name: &str| match trial.finding(name).value {
        Value::Series(series) => series,
        other => panic!("{other:?}"),
    };
    let loss = series("activation_loss");
    let level = trial.value("activation_level_send");
    let first = (level + 23.0).round() as usize;
    assert_eq!(loss.values.len(), 22);
    for (n, lost) in loss.values.iter().enumerate() {
        // A burst that opens the path only in its second half lies between.
        let expected = if n < first.saturating_sub(2) { 15.0 } else { 0.0 };
        assert!(n.abs_diff(first) <= 2 || (lost - expected).abs() < 0.2, "burst {n}: {lost}");
    }
    let (spoken, sent) = (series("activation_spoken"), series("activation_sent"));
    // In the noise of the last burst, 84.5 ms later at the POI: 24 dB to the microphone, 7.13 dB to the POI. Means of what is
    // read every 5 ms, at other instants of the same noise.
    let span = 14.7 + 0.0845 + 0.08..14.7 + 0.0845 + 0.24;
    let [there, here] = [&spoken, &sent].map(|of| {
        let inside = of.seconds.iter().zip(&of.values).filter(|(s, _)| span.contains(*s));
        let powers: Vec<f64> = inside.map(|(_, db)| 10f64.powf(db / 10.0)).collect();
        10.0 * (powers.iter().sum::<f64>() / powers.len() as f64).log10()
    });
    assert!((there - here - (24.0 - 7.13)).abs() < 0.3 && (there + 2.0).abs() < 1.0, "{there} {here}");
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let maker = lombard::bench::car::rig::CarBenchMaker::new(shipped("ideal-wb"));
    let facts = Facts::default();
    let cx = PlanCx { bench: maker.info(), facts: &facts, signals: SIGNALS.library() };
    let refused = |wanted: &lombard::entry::Entry| {
        method(&wanted.method).unwrap().plan(wanted, &cx).unwrap_err()[0].clone()
    };
    for (method, key, value, found) in [
        ("activation", "idle", "100 ms", "0.1 s"),
        ("activation", "delay_max", "2 s", "2 s"),
        ("attenuation_range", "opposite", "css-fb", "css-fb of 10.50 s"),
        ("attenuation_range", "signal", "css-fb", "css-fb of 10.50 s"),
        ("attenuation_range", "overlap", "1.5 s", "1.5 s"),
        ("attenuation_range", "receive_delay", "600 ms", "0.6 s"),
    ] {
        let refusal = refused(&wanted(method, Bandwidth::Wb, &[("direction", "send"), (key, value)]));
        assert_eq!((refusal.parameter, refusal.found.as_str()), (Some(key), found));
    }
    let mut noisy = wanted("activation", Bandwidth::Wb, &[("direction", "receive")]);
    noisy.noise = Some(Noise { signal: "driving-50".to_owned(), level_dba: 58.0 });
    assert_eq!(refused(&noisy).expected, "a quiet car");
}
