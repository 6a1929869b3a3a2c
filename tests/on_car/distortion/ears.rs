//! Distortion in receive at ear-drums: the canal lifts a third harmonic of 1 kHz by 12 dB, and that is not the car.

use lombard::bench::car::spec::{CarSpec, Hats, PathsSpec};
use lombard::finding::Bound;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Port};
use lombard::verdict::Verdict;

use super::{Case, NoiseCase, bend, drive_dbpa, ideal, judged, with_loudspeaker, without_head};
use crate::on_car::{SEED, Trial, entry, paths, shipped, tap};

/// A quiet cabin with a head whose ear ports deliver the pressure at the ear-drum.
fn drums(bandwidth: Bandwidth) -> CarSpec {
    let mut car = shipped("reference-wb");
    car.bandwidth = bandwidth;
    car.cabin.noise_ears_dbpa_a = None;
    match &mut car.cabin.paths {
        PathsSpec::Shoebox(cabin) => cabin.hats = Hats::P58,
        PathsSpec::Ideal(_) => panic!("{} has a cabin", car.name),
    }
    car
}

pub(super) fn cases() -> Vec<Case> {
    use Bandwidth::{Fb, Nb, Swb, Wb};
    let case = |bandwidth, frequency, second, third| Case {
        name: format!("ear-drums, {frequency}, second {second} %, third {third} %, {bandwidth}"),
        car: with_loudspeaker(drums(bandwidth), bend(second, third, -31.0)),
        frequency,
        level: "-16 dBm0",
        step: Some(5),
    };
    vec![
        case(Nb, "300 Hz", 1.0, -2.0),
        case(Nb, "1000 Hz", 0.0, 1.5),
        case(Wb, "500 Hz", 2.0, 1.0),
        case(Wb, "1000 Hz", 0.0, 1.5),
        case(Wb, "1000 Hz", 3.0, 0.0),
        case(Swb, "1000 Hz", 1.0, 1.5),
        case(Swb, "300 Hz", 1.0, 2.0),
        case(Fb, "1000 Hz", 0.0, 1.5),
        case(Fb, "500 Hz", 2.0, 1.0),
    ]
}

pub(super) fn noise_cases() -> Vec<NoiseCase> {
    let case = |bandwidth| NoiseCase {
        name: format!("noise, ear-drums, {bandwidth}"),
        car: with_loudspeaker(drums(bandwidth), bend(2.0, 0.5, -31.0)),
        level: "-16 dBm0",
        step: Some(5),
    };
    [Bandwidth::Nb, Bandwidth::Wb, Bandwidth::Swb, Bandwidth::Fb].map(case).to_vec()
}

fn heard(car: &CarSpec, given: &[(&str, &str)]) -> Trial {
    let mut all = vec![("direction", "receive")];
    all.extend(given);
    Trial::record(car.clone(), entry("distortion", car.bandwidth, Volume::Step(5), &all), SEED)
}

#[test]
fn a_head_reads_what_a_microphone_in_its_place_reads() {
    for bandwidth in [Bandwidth::Nb, Bandwidth::Wb, Bandwidth::Swb, Bandwidth::Fb] {
        let car = with_loudspeaker(drums(bandwidth), bend(1.0, 1.5, -31.0));
        let bare = without_head(&car);
        for stimulus in ["tone", "noise"] {
            let given = [("stimulus", stimulus)];
            let (drums, bare) = (heard(&car, &given), heard(&bare, &given));
            let measurands = ["distortion_receive", "distortion_receive_total"];
            for measurand in &measurands[usize::from(stimulus == "noise")..] {
                let (found, expected) = (drums.value(measurand), bare.value(measurand));
                assert!(
                    (found - expected).abs() < 0.1,
                    "{stimulus}, {measurand}, {bandwidth}: {found} instead of {expected}"
                );
            }
        }
    }
}

#[test]
fn a_healthy_car_does_not_fail_for_the_canal_of_an_ear() {
    for bandwidth in [Bandwidth::Nb, Bandwidth::Wb, Bandwidth::Swb, Bandwidth::Fb] {
        let car = with_loudspeaker(drums(bandwidth), bend(0.0, 1.5, -31.0));
        let found = heard(&car, &[]).finding("distortion_receive");
        assert_eq!(judged(&found).verdict, Verdict::Pass, "{found:?}");
        assert!(found.note.contains("free field"), "{}", found.note);
        assert_eq!(found.influences.len(), 2, "port and ear: {:?}", found.influences);
        // What the ear-drum itself hears is another thing, and can be asked for.
        let at_drum = heard(&car, &[("ear_field", "none")]).finding("distortion_receive");
        assert!(at_drum.as_scalar().unwrap() > 3.0 * found.as_scalar().unwrap(), "{at_drum:?} {found:?}");
        // A car that fails does so with a head too.
        let car = with_loudspeaker(drums(bandwidth), bend(12.0, 0.0, -31.0));
        let found = heard(&car, &[]).finding("distortion_receive");
        assert_eq!(judged(&found).verdict, Verdict::Fail, "{found:?}");
    }
}

#[test]
fn each_measurand_has_the_worse_ear_of_its_own() {
    let measurands = ["distortion_receive", "distortion_receive_total"];
    let mut others = 0;
    for frequency in ["300 Hz", "500 Hz", "1000 Hz"] {
        for (bandwidth, noise_dbpa) in
            [(Bandwidth::Nb, -88.0), (Bandwidth::Wb, -88.0), (Bandwidth::Fb, -92.0)]
        {
            // In percent the harmonics are alike at both ears; the softer one has more noise in its total.
            let mut car = with_loudspeaker(ideal(bandwidth), bend(2.0, 1.5, drive_dbpa(bandwidth, 5)));
            paths(&mut car).loudspeaker_to_ears = [tap(-6.0, 3.0), tap(-18.0, 3.4)];
            car.cabin.noise_ears_dbpa_a = Some(noise_dbpa);
            let mut trial = heard(&car, &[("frequency", frequency)]);
            let both = measurands.map(|measurand| trial.value(measurand));
            let (left, right) = (Port::of(Port::EAR_LEFT), Port::of(Port::EAR_RIGHT));
            let recorded = trial.takes[0].captures.clone();
            let mut of_ear = |at: &Port| {
                for port in [&left, &right] {
                    trial.takes[0].captures.insert(port.clone(), recorded[at].clone());
                }
                measurands.map(|measurand| trial.value(measurand))
            };
            let (on_left, on_right) = (of_ear(&left), of_ear(&right));
            for i in 0..measurands.len() {
                let worse = on_left[i].max(on_right[i]);
                assert!(
                    (both[i] - worse).abs() < 1e-9,
                    "{frequency} {bandwidth}: {both:?} {on_left:?} {on_right:?}"
                );
            }
            others += usize::from((on_left[0] > on_right[0]) != (on_left[1] > on_right[1]));
        }
    }
    assert!(others > 0, "the worse ear is the same in every case");
}

#[test]
fn a_bound_at_one_ear_leaves_open_only_what_it_crosses() {
    // In percent the harmonics are alike at both ears; 12 dB softer, one of them hides in the noise first. Twice as much
    // noise power every step, so that its bound is by turns inside and outside the limit.
    let mut seen = Vec::new();
    for percent in [1.5, 4.0] {
        for step in 0..13 {
            let mut car =
                with_loudspeaker(ideal(Bandwidth::Wb), bend(percent, 0.0, drive_dbpa(Bandwidth::Wb, 5)));
            paths(&mut car).loudspeaker_to_ears = [tap(-6.0, 3.0), tap(-18.0, 3.4)];
            car.cabin.noise_ears_dbpa_a = Some(-56.0 + 1.5 * f64::from(step));
            let found = heard(&car, &[]).finding("distortion_receive");
            let Bound::Between(open) = found.bound else { continue };
            let proven = found.as_scalar().unwrap();
            // The truth of either ear lies between the two, but for what noise adds by chance to what it does not hide.
            assert!(proven < 1.15 * percent && open > 0.95 * percent, "{percent}: {found:?}");
            let verdict = match (proven <= 3.0, open <= 3.0) {
                (true, true) => Verdict::Pass,
                (false, false) => Verdict::Fail,
                _ => Verdict::Inconclusive,
            };
            assert_eq!(judged(&found).verdict, verdict, "{found:?}");
            // No noise turns a verdict over.
            let wrong = if percent < 3.0 { Verdict::Fail } else { Verdict::Pass };
            assert_ne!(verdict, wrong, "{percent}: {found:?}");
            seen.push(verdict);
        }
    }
    for verdict in [Verdict::Pass, Verdict::Inconclusive, Verdict::Fail] {
        assert!(seen.contains(&verdict), "{verdict} was never reached: {seen:?}");
    }
}
