//! The AM-FM pair: echo and sent speech told apart at clocks that differ, after resampling, and not when one is chopped.
//!
//! The signals are made here from the formula and the table of P.501 7.2.4, not by the program.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use lombard::dsp::resample::resample;
use lombard::meters::double_talk::{DoubleTalk, double_talk};
use lombard::signals::am_fm::Comb;
use lombard::signals::{Library, Options};

use super::residual::{Residual, Truth, all_hold};

const ORTHOGONAL: Truth =
    Truth { by: "requirement: lines of one comb are not in the bands of the other", date: "2026-11-25" };
const PAPER: Truth = Truth { by: "paper: the gain of the path", date: "2026-11-25" };
const SECONDS: f64 = 8.0;

/// f_n and Δf_n of a set, as tabled.
fn table(set: u8) -> Vec<(f64, f64)> {
    if set == 1 {
        let low = [
            (125.0, 2.5),
            (250.0, 5.0),
            (500.0, 10.0),
            (750.0, 15.0),
            (1000.0, 20.0),
            (1250.0, 25.0),
            (1500.0, 30.0),
            (1750.0, 35.0),
        ];
        low.into_iter().chain((8..29).map(|k| (250.0 * f64::from(k), 40.0))).collect()
    } else {
        let low = [
            (180.0, 2.5),
            (270.0, 5.0),
            (540.0, 10.0),
            (810.0, 15.0),
            (1080.0, 20.0),
            (1350.0, 25.0),
            (1620.0, 30.0),
            (1890.0, 35.0),
            (2160.0, 35.0),
        ];
        low.into_iter().chain((0..19).map(|k| (2400.0 + 250.0 * f64::from(k), 35.0))).collect()
    }
}

/// s(t) of P.501 7.2.4, by a clock that is `ppm` off, from `start_s` on.
fn am_fm(set: u8, rate: u32, ppm: f64, start_s: f64) -> Vec<f64> {
    let step_s = (1.0 + ppm * 1e-6) / f64::from(rate);
    let count = (SECONDS * f64::from(rate)) as usize;
    let mut out = vec![0.0; count];
    for (freq_hz, deviation_hz) in table(set) {
        if freq_hz + deviation_hz > 0.45 * f64::from(rate) {
            continue;
        }
        let amplitude = 0.03 * 10f64.powf(-5.0 * (freq_hz / 250.0).log2().max(0.0) / 20.0);
        for (n, x) in out.iter_mut().enumerate() {
            let t = start_s + n as f64 * step_s;
            *x += amplitude * (TAU * freq_hz * t + deviation_hz * (TAU * t).sin()).cos();
        }
    }
    for (n, x) in out.iter_mut().enumerate() {
        *x *= 1.0 + 2.0 / 3.0 * (TAU * 3.0 * (start_s + n as f64 * step_s)).cos();
    }
    out
}

static FAR: LazyLock<Vec<f64>> = LazyLock::new(|| am_fm(1, 48_000, 0.0, 0.0));
static NEAR: LazyLock<Vec<f64>> = LazyLock::new(|| am_fm(2, 48_000, 0.0, 0.0));

fn scaled(signal: &[f64], gain_db: f64) -> Vec<f64> {
    signal.iter().map(|x| x * 10f64.powf(gain_db / 20.0)).collect()
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// The gain is 6 dB lower in every second stretch of some frames.
fn chopped(signal: &[f64], frames: usize) -> Vec<f64> {
    signal
        .iter()
        .enumerate()
        .map(|(n, x)| if n / frames % 2 == 1 { x * 10f64.powf(-0.3) } else { *x })
        .collect()
}

fn read(far: &[f64], near: &[f64], send: &[f64]) -> DoubleTalk {
    double_talk(far, near, send, None, 48_000).unwrap()
}

fn echo_loss(read: &DoubleTalk) -> impl Iterator<Item = f64> {
    read.echo.iter().map(|one| one.echo_loss.0)
}

/// The least of all bands, which must be 70 dB or more.
fn separation(case: &str, read: &DoubleTalk) -> Residual {
    assert!(!read.spread, "{case}");
    separation_of(case, read)
}

fn separation_of(case: &str, read: &DoubleTalk) -> Residual {
    let least = echo_loss(read).fold(f64::INFINITY, |least, loss| if loss >= least { least } else { loss });
    let case = format!("near only, {case}: least apparent echo loss, 70 or more");
    let row = Residual::value("double-talk", case, "dB", (70.0, least), 0.0, ORTHOGONAL);
    Residual { difference: if least >= 70.0 { 0.0 } else { row.difference }, ..row }
}

fn thirty(case: &str, read: &DoubleTalk) -> Residual {
    assert!(!read.spread, "{case}");
    let points = echo_loss(read).map(|loss| (30.0, loss));
    Residual::largest("double-talk", format!("echo 30 dB down, {case}"), "dB", points, 0.3, PAPER)
}

fn through_16k(signal: &[f64]) -> Vec<f64> {
    resample(&resample(signal, 48_000, 16_000), 16_000, 48_000)
}

pub(crate) static RESIDUALS: LazyLock<Vec<Residual>> = LazyLock::new(|| {
    let (far, near) = (&*FAR, &*NEAR);
    let mut all = Vec::new();
    for ppm in [0.0, 100.0, -100.0] {
        let (late_near, late_far) = (am_fm(2, 48_000, ppm, 0.2), am_fm(1, 48_000, ppm, 0.2));
        let name = |far_comb| format!("clocks {ppm} ppm apart, far comb {far_comb}");
        all.push(separation(&name(1), &read(far, near, &late_near)));
        all.push(separation(&name(2), &read(near, far, &late_far)));
        let send = sum(&late_near, &scaled(&late_far, -30.0));
        all.push(thirty(&name(1), &read(far, near, &send)));
        let send = sum(&late_far, &scaled(&late_near, -30.0));
        all.push(thirty(&name(2), &read(near, far, &send)));
    }
    // What is played begins only with its delay: the onset is left out.
    let delayed = [vec![0.0; 14_400], near[..near.len() - 14_400].to_vec()].concat();
    all.push(separation("begins 300 ms late, far comb 1", &read(far, near, &delayed)));
    let send = through_16k(near);
    all.push(separation("resampled 48 → 16 → 48 kHz, far comb 1", &read(far, near, &send)));
    all.push(separation("resampled 48 → 16 → 48 kHz, far comb 2", &read(near, far, &through_16k(far))));
    let send = through_16k(&sum(near, &scaled(far, -30.0)));
    all.push(thirty("resampled 48 → 16 → 48 kHz", &read(far, near, &send)));
    let (far_8k, near_8k) = (am_fm(1, 8000, 0.0, 0.0), am_fm(2, 8000, 0.0, 0.0));
    let send = sum(&near_8k, &scaled(&far_8k, -30.0));
    all.push(thirty("8 kHz", &double_talk(&far_8k, &near_8k, &send, None, 8000).unwrap()));
    // Traps 10 and 2.3 (c): a constant gain of the send path is no attenuation of sent speech.
    let alone = scaled(near, -18.0);
    let send = sum(&alone, &scaled(far, -35.0));
    let both = double_talk(far, near, &send, Some(&alone), 48_000).unwrap();
    let points = both.sent.iter().map(|one| (0.0, one.attenuation.unwrap().0));
    let case = "send gain −18 dB throughout, sent-speech attenuation";
    all.push(Residual::largest("double-talk", case, "dB", points, 0.1, PAPER));
    let send = sum(&scaled(near, -22.5), &scaled(far, -35.0));
    let both = double_talk(far, near, &send, Some(&alone), 48_000).unwrap();
    let points = both.sent.iter().map(|one| (4.5, one.attenuation.unwrap().0));
    let case = "4.5 dB less in double talk, sent-speech attenuation";
    all.push(Residual::largest("double-talk", case, "dB", points, 0.1, PAPER));
    all
});

#[test]
fn the_combs_are_told_apart() {
    all_hold(&RESIDUALS);
}

#[test]
fn the_bands_asked_for_are_told() {
    let hz = |read: &DoubleTalk| {
        let of = |all: Vec<f64>| (all[0], all[all.len() - 1], all.len());
        (
            of(read.echo.iter().map(|one| one.freq.0).collect()),
            of(read.sent.iter().map(|one| one.freq.0).collect()),
        )
    };
    let one = read(&FAR, &NEAR, &NEAR);
    assert_eq!(hz(&one), ((250.0, 6750.0, 27), (270.0, 6900.0, 27)));
    assert_eq!((one.far, one.near), (Comb::One, Comb::Two));
    let two = read(&NEAR, &FAR, &FAR);
    assert_eq!(hz(&two), ((270.0, 6900.0, 27), (250.0, 6750.0, 27)));
    assert_eq!((two.far, two.near), (Comb::Two, Comb::One));
    // Without a near-only send signal there is no attenuation.
    assert!(one.sent.iter().all(|band| band.attenuation.is_none()));
    // What a narrowband signal does not hold is not told.
    let narrow = |signal: &[f64]| resample(&resample(signal, 48_000, 8000), 8000, 48_000);
    let (far, near) = (narrow(&FAR), narrow(&NEAR));
    assert_eq!(hz(&read(&far, &near, &near)).0, (250.0, 3750.0, 15));
}

#[test]
fn a_near_signal_that_is_chopped_spreads_and_is_no_echo() {
    assert!(read(&NEAR, &FAR, &chopped(&FAR, 960)).spread);
    for frames in [240, 480, 1200, 2400] {
        assert!(read(&FAR, &NEAR, &chopped(&NEAR, frames)).spread, "every {frames} frames");
    }
    let read = read(&FAR, &NEAR, &chopped(&NEAR, 960));
    assert!(read.spread);
    // And such a reading would not hold as a separation.
    assert!(!separation_of("chopped", &read).holds());
    let least = echo_loss(&read).fold(f64::INFINITY, f64::min);
    // Traps 11: it fakes an echo loss of some 20 dB.
    assert!((10.0..30.0).contains(&least), "{least}");
}

#[test]
fn an_echo_and_a_little_noise_are_no_spread_but_noise_that_hides_all_echo_is() {
    let mut state = 1u64;
    let noise: Vec<f64> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / 2f64.powi(52) - 1.0
    })
    .take(FAR.len())
    .collect();
    let near_and =
        |echo_db: f64, noise_db: f64| sum(&sum(&NEAR, &scaled(&FAR, echo_db)), &scaled(&noise, noise_db));
    assert!(!read(&FAR, &NEAR, &near_and(-12.0, -70.0)).spread);
    assert!(!read(&FAR, &NEAR, &near_and(-40.0, -90.0)).spread);
    // Noise that would read as some 22 dB of loss, beside an echo 12 dB down: that is an echo.
    let noisy = read(&FAR, &NEAR, &near_and(-12.0, -50.0));
    let least = noisy.echo.iter().map(|one| one.unoccupied_loss.0).fold(f64::INFINITY, f64::min);
    assert!(!noisy.spread && (18.0..33.0).contains(&least), "{least}");
    let hidden = read(&FAR, &NEAR, &near_and(-60.0, -40.0));
    assert!(hidden.spread && hidden.echo.iter().any(|one| one.echo_loss.0 < 33.0));
}

#[test]
fn the_pair_of_the_catalogue_is_the_pair_that_is_read() {
    let library = Library::builtin().unwrap();
    let options = Options { seconds: Some(SECONDS), ..Options::default() };
    let make = |id: &str| library.make(id, 48_000, options).unwrap().samples;
    for (one, two, count) in [("am-fm-1", "am-fm-2", 27), ("am-fm-1-nb", "am-fm-2-nb", 14)] {
        let (far, near) = (scaled(&make(one), -20.0), scaled(&make(two), -20.0));
        let alone = read(&far, &near, &near);
        assert_eq!((alone.far, alone.near), (Comb::One, Comb::Two));
        assert!(alone.echo.len() >= count && alone.sent.len() >= count, "{one}: {}", alone.echo.len());
        assert!(separation(one, &alone).holds());
        assert!(thirty(one, &read(&far, &near, &sum(&near, &scaled(&far, -30.0)))).holds());
    }
}

#[test]
fn an_echo_31_db_down_is_not_taken_for_30() {
    let points: Vec<(f64, f64)> =
        echo_loss(&read(&FAR, &NEAR, &sum(&NEAR, &scaled(&FAR, -31.0)))).map(|loss| (30.0, loss)).collect();
    assert!(!Residual::largest("double-talk", "31 dB", "dB", points, 0.3, PAPER).holds());
}

#[test]
fn what_is_no_pair_of_combs_is_refused() {
    let refused =
        |far: &[f64], near: &[f64]| double_talk(far, near, &NEAR, None, 48_000).unwrap_err().to_string();
    assert!(refused(&FAR, &FAR).contains("both hold comb 1"));
    assert!(refused(&sum(&FAR, &NEAR), &NEAR).contains("far signal is neither"));
    assert!(refused(&FAR, &vec![0.0; FAR.len()]).contains("near signal is silent"));
    assert!(refused(&FAR[..100_000], &NEAR).contains("needs 155"));
    let mut damaged = NEAR.clone();
    damaged[200_000] = f64::NAN;
    assert!(refused(&FAR, &damaged).contains("not finite"));
    // A mute send signal has no echo.
    let mute = double_talk(&FAR, &NEAR, &vec![0.0; FAR.len()], None, 48_000).unwrap();
    assert!(mute.echo.iter().all(|one| one.echo_loss.0 == f64::INFINITY) && !mute.spread);
}
