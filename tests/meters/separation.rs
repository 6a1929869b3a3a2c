//! Speech told apart from what is recorded with it: the gain of the speech is found whatever the echo is.

use std::sync::LazyLock;

use lombard::meters::separation::{Separation, separate};
use lombard::signals::{Library, Options};

use super::residual::{Residual, Truth, all_hold};

const PAPER: Truth = Truth { by: "paper: the gain of the speech", date: "2026-11-29" };
const RATE: u32 = 48_000;

/// Six seconds in which both sides of the dialogue speak, each with a mean square of 1.
static TALKERS: LazyLock<[Vec<f64>; 2]> = LazyLock::new(|| {
    let library = Library::builtin().unwrap();
    ["speech-double-talk-near", "speech-double-talk-far"].map(|id| {
        let one = library.make(id, RATE, Options::default()).unwrap().samples;
        let one = &one[31 * RATE as usize..37 * RATE as usize];
        let level = (one.iter().map(|x| x * x).sum::<f64>() / one.len() as f64).sqrt();
        one.iter().map(|x| x / level).collect()
    })
});

fn noise(count: usize) -> Vec<f64> {
    let mut state = 9u64;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        3f64.sqrt() * ((state >> 11) as f64 / 2f64.powi(52) - 1.0)
    })
    .take(count)
    .collect()
}

/// The first signal with a gain, and another one with another.
fn mixed((one, one_db): (&[f64], f64), (other, other_db): (&[f64], f64)) -> Vec<f64> {
    let gain = |db: f64| 10f64.powf(db / 20.0);
    one.iter().zip(other).map(|(a, b)| gain(one_db) * a + gain(other_db) * b).collect()
}

fn attenuation_db(read: &Separation) -> f64 {
    10.0 * (read.reference / read.coherent).log10()
}

/// Speech so much quieter, with an echo of the other talker so much over what is left of it.
fn with_echo(loss_db: f64, echo_db: f64) -> Separation {
    let [near, far] = &*TALKERS;
    let sent = mixed((near, -loss_db), (far, echo_db - loss_db));
    separate(near, &sent, Some(far), &[], RATE)
}

pub(crate) static RESIDUALS: LazyLock<Vec<Residual>> = LazyLock::new(|| {
    [(0.0, -20.0), (4.5, -10.0), (9.0, -6.0), (3.0, -3.0), (4.5, 0.0), (15.0, 0.0)]
        .into_iter()
        .map(|(loss_db, echo_db)| {
            let case = format!("speech {loss_db} dB down, echo {echo_db} dB over it");
            let measured = attenuation_db(&with_echo(loss_db, echo_db));
            // What chance leaves in six seconds of an echo as loud as the speech.
            Residual::value("separation", case, "dB", (loss_db, measured), 0.3, PAPER)
        })
        .collect()
});

#[test]
fn the_gain_of_the_speech_is_found_beside_an_echo() {
    all_hold(&RESIDUALS);
    // The level alone would not: an echo as loud as the speech hides 3 dB.
    let read = with_echo(4.5, 0.0);
    let level_db = 10.0 * (read.reference / read.mixed).log10();
    let wrong = Residual::value("separation", "by level", "dB", (4.5, level_db), 0.3, PAPER);
    assert!(!wrong.holds() && level_db < 2.5, "{level_db}");
}

#[test]
fn an_echo_is_explained_by_the_far_end_and_noise_by_nothing() {
    let [near, far] = &*TALKERS;
    let read = with_echo(6.0, 0.0);
    let beside = read.mixed - read.coherent;
    assert!(read.explained > 0.8 * beside && read.explained < 1.1 * beside, "{read:?}");
    // The echo of a path of two sounds 20 ms apart.
    let later = [vec![0.0; 960], far[..far.len() - 960].to_vec()].concat();
    let path = mixed((far, -6.0), (&later, -9.0));
    let read = separate(near, &mixed((near, -6.0), (&path, 0.0)), Some(far), &[], RATE);
    assert!(read.explained > 0.7 * (read.mixed - read.coherent), "{read:?}");
    let noise = noise(near.len());
    let read = separate(near, &mixed((near, -6.0), (&noise, -6.0)), Some(far), &noise, RATE);
    assert!(read.explained.abs() < 0.1 * (read.mixed - read.coherent), "{read:?}");
    // Of unit power, in the tiles in which the speech is heard.
    let stands = read.noise * 10f64.powf(-0.6) / (read.mixed - read.coherent);
    assert!((0.9..1.1).contains(&stands), "{stands}");
}

#[test]
fn a_turned_phase_is_the_same_speech_and_another_talker_is_none() {
    let [near, far] = &*TALKERS;
    let turned: Vec<f64> = near.iter().map(|x| -0.5 * x).collect();
    assert!((attenuation_db(&separate(near, &turned, None, &[], RATE)) - 6.02).abs() < 0.01);
    let late = [vec![0.0; 12], turned[..turned.len() - 12].to_vec()].concat();
    assert!((attenuation_db(&separate(near, &late, None, &[], RATE)) - 6.02).abs() < 0.15);
    let other = separate(near, far, None, &[], RATE);
    assert!(other.coherent.abs() < 3.0 * other.variance.sqrt().max(0.01 * other.mixed), "{other:?}");
    let silent = separate(near, &vec![0.0; near.len()], Some(far), &[], RATE);
    assert_eq!((silent.mixed, silent.coherent, silent.explained), (0.0, 0.0, 0.0));
}

#[test]
fn energies_are_those_of_the_signals() {
    let [near, far] = &*TALKERS;
    let read = separate(near, far, None, &[], RATE);
    // The loud tiles hold all but a little of it.
    let energy: f64 = near.iter().map(|x| x * x).sum();
    assert!((0.97..1.001).contains(&(read.reference / energy)), "{}", read.reference / energy);
}
