//! What is true of the echo of a drawn car: against time, by frequency, from a cold start.
//!
//! The responses of drawn cars change little within a third octave, so that the power of an echo is that of the signal,
//! band by band, times what the car makes of the middle of each: the bands of a signal are read by a meter once, and laid
//! over every car.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use lombard::bench::car::noise::weight_db;
use lombard::bench::car::response::gain_at_db;
use lombard::bench::car::spec::{CarSpec, Weighting};
use lombard::bench::car::truth::Truth;
use lombard::bench::car::truth::field::{FieldTruth, Listening};
use lombard::finding::Finding;
use lombard::signals::Options;
use lombard::terms::Bandwidth;
use lombard::units::Unit;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use crate::on_car::noise_field::points_of;
use crate::on_car::{SIGNALS, reference};

/// Third octaves: 10^(n/10) Hz.
const BANDS: std::ops::RangeInclusive<i32> = 19..=42;
/// The time of the meter (clause 11.11) and how often it is read.
const METER_S: f64 = 0.035;
const STEP: usize = 240;
/// What the Recommendations call the time in which a canceller converges.
const WATCHED_S: f64 = 5.0;
/// 0 dBm0 in full scale.
const DBOV_AT_0_DBM0: f64 = -6.15;

fn middle_hz(n: i32) -> f64 {
    10f64.powf(f64::from(n) / 10.0)
}

/// The mean square of each third octave of a signal against time, on the meter, by the reading.
type Bands = Vec<Vec<f64>>;

/// The bands of a signal as it is played into a call, made once.
fn bands_of(signal: &str, bandwidth: Bandwidth) -> Arc<Bands> {
    type Made = BTreeMap<(String, Bandwidth), Arc<Bands>>;
    static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap();
    let make = || {
        let limited =
            SIGNALS.library().make_limited(signal, 48_000, Options::default(), Some(bandwidth)).unwrap();
        Arc::new(BANDS.map(|n| metered(&band(&limited.samples, n))).collect())
    };
    Arc::clone(made.entry((signal.to_owned(), bandwidth)).or_insert_with(make))
}

/// One third octave of a record.
fn band(samples: &[f64], n: i32) -> Vec<f64> {
    let size = (samples.len() + 48_000).next_power_of_two();
    let mut bins: Vec<Complex<f64>> = samples.iter().map(|x| Complex::new(*x, 0.0)).collect();
    bins.resize(size, Complex::default());
    let mut planner = FftPlanner::new();
    planner.plan_fft_forward(size).process(&mut bins);
    let (low_hz, high_hz) = (middle_hz(n) * 10f64.powf(-0.05), middle_hz(n) * 10f64.powf(0.05));
    for (k, bin) in bins.iter_mut().enumerate() {
        let hz = k.min(size - k) as f64 * 48_000.0 / size as f64;
        if !(low_hz..high_hz).contains(&hz) {
            *bin = Complex::default();
        }
    }
    planner.plan_fft_inverse(size).process(&mut bins);
    bins[..samples.len()].iter().map(|bin| bin.re / size as f64).collect()
}

fn metered(track: &[f64]) -> Vec<f64> {
    let keep = (-1.0 / (METER_S * 48_000.0)).exp();
    let mut power = 0.0;
    let mut read = |piece: &[f64]| {
        for x in piece {
            power = keep * power + (1.0 - keep) * x * x;
        }
        power
    };
    track.chunks_exact(STEP).map(&mut read).collect()
}

fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

/// The powers of a signal and of its echo against time, the signal's mean square being 1.
fn powers(
    truth: &Truth<'_>,
    step: u32,
    (signal, bandwidth): (&str, Bandwidth),
    weighting: Option<Weighting>,
) -> Vec<(f64, f64)> {
    let bands = bands_of(signal, bandwidth);
    let gains: Vec<f64> = BANDS
        .map(|n| {
            let weight = weighting.map_or(0.0, |one| weight_db(one, middle_hz(n)));
            truth.echo_response(step, middle_hz(n)).power() * 10f64.powf(weight / 10.0)
        })
        .collect();
    let at = |n: usize| {
        let parts = bands.iter().zip(&gains).map(|(band, gain)| (band[n], band[n] * gain));
        parts.fold((0.0, 0.0), |(played, echo), (one, other)| (played + one, echo + other))
    };
    (0..bands[0].len()).map(at).collect()
}

/// The highest A-weighted level of the echo, in dBm0(A).
pub(super) fn level_max(truth: &Truth<'_>, step: u32, signal: (&str, Bandwidth), level_dbm0: f64) -> Finding {
    let powers = powers(truth, step, signal, Some(Weighting::A));
    let loudest = powers.iter().map(|(_, echo)| *echo).fold(0.0, f64::max);
    Finding::scalar("echo_level_max", level_dbm0 + db(loudest), Unit::Dbm0A)
}

/// The highest A-weighted level of the echo while the panel of a car turns, in dBm0(A): that at rest, and all of what the
/// panel adds.
pub(super) fn turning_max(
    truth: &Truth<'_>,
    car: &CarSpec,
    step: u32,
    (signal, bandwidth): (&str, Bandwidth),
    level_dbm0: f64,
) -> Option<Finding> {
    let panel = car.cabin.reflector?;
    let mut car = car.clone();
    let loss_db = reference(&mut car).moving_loss_db;
    let powers = powers(truth, step, (signal, bandwidth), Some(Weighting::A));
    let bands = bands_of(signal, bandwidth);
    let terminal = &car.terminal;
    let below_db = f64::from(terminal.volume_steps - 1 - step) * terminal.volume_step_db;
    let gains: Vec<f64> = BANDS
        .map(|n| {
            let receive_db =
                terminal.receive_gain_db - below_db + gain_at_db(&terminal.receive_response, middle_hz(n));
            let send_db = truth.send_gain_db(middle_hz(n)) - DBOV_AT_0_DBM0;
            10f64.powf(
                (receive_db + panel.gain_db - loss_db + send_db + weight_db(Weighting::A, middle_hz(n)))
                    / 10.0,
            )
        })
        .collect();
    let moving = |n: usize| bands.iter().zip(&gains).map(|(band, gain)| band[n] * gain).sum::<f64>();
    let loudest = powers.iter().enumerate().map(|(n, (_, echo))| echo + moving(n)).fold(0.0, f64::max);
    Some(Finding::scalar("reflector_level_max", level_dbm0 + db(loudest), Unit::Dbm0A))
}

/// The loss by frequency, up to where signal or mask end.
pub(super) fn spectrum(truth: &Truth<'_>, step: u32, bandwidth: Bandwidth) -> Finding {
    let last_hz = match bandwidth {
        Bandwidth::Nb => 3_900.0,
        Bandwidth::Wb => 7_500.0,
        // The composite source signal ends there.
        Bandwidth::Swb | Bandwidth::Fb => 8_650.0,
    };
    let hz: Vec<f64> =
        (0..200).map(|n| 100.0 * 2f64.powf(f64::from(n) / 24.0)).take_while(|hz| *hz <= last_hz).collect();
    let loss = hz.iter().map(|hz| -db(truth.echo_response(step, *hz).power())).collect();
    Finding::curve("echo_spectrum", hz, loss, Unit::Db)
}

/// What the canceller lacks after some seconds of a call, in dB.
fn lack_db(car: &CarSpec, after_s: f64) -> f64 {
    let mut car = car.clone();
    let own = reference(&mut car);
    let converged = own.echo_loss_db.unwrap_or(0.0);
    let points = &own.dynamics.convergence;
    let Some(last) = points.last().filter(|last| after_s < last.0) else { return 0.0 };
    let next = points.iter().position(|point| point.0 > after_s).unwrap_or(points.len() - 1);
    let before = points[next.saturating_sub(1)];
    let to = points[next].0.max(before.0 + 1e-9);
    let share = ((after_s - before.0) / (to - before.0)).clamp(0.0, 1.0);
    let now = if last.0 > before.0 { before.1 + share * (points[next].1 - before.1) } else { before.1 };
    converged - now
}

/// What the echo loses against time after a cold start.
pub(super) fn convergence(truth: &Truth<'_>, car: &CarSpec, step: u32, signal: (&str, Bandwidth)) -> Finding {
    let powers = powers(truth, step, signal, None);
    let mean = powers.iter().map(|(played, _)| played).sum::<f64>() / powers.len() as f64;
    let mut times = Vec::new();
    let mut losses = Vec::new();
    for (n, (played, echo)) in powers.into_iter().enumerate() {
        let at_s = (n + 1) as f64 * STEP as f64 / 48_000.0;
        if at_s <= WATCHED_S && played > mean / 40.0 {
            times.push(at_s);
            losses.push(db(played / echo) - lack_db(car, at_s));
        }
    }
    Finding::series("echo_convergence", times, losses, Unit::Db)
}

/// How far the echo is over the noise that is replayed, against time after a cold start.
pub(super) fn over_noise(
    truth: &Truth<'_>,
    car: &CarSpec,
    step: u32,
    signal: (&str, Bandwidth),
    (noise, level_dbm0): (&str, f64),
) -> Finding {
    /// By how much a meter of 35 ms climbs over the mean of a car's noise in 5 s, once in a thousand times, at most.
    const CLIMBS_DB: f64 = 5.0;
    let heard = FieldTruth::of(car, &points_of(noise), Listening::Microphone);
    let noise = heard.power((50.0, 20_000.0), |hz| truth.send_gain_db(hz) - DBOV_AT_0_DBM0);
    let ceiling = db(noise) + CLIMBS_DB;
    let (mut times, mut over) = (Vec::new(), Vec::new());
    for (n, (_, echo)) in powers(truth, step, signal, None).into_iter().enumerate() {
        let at_s = (n + 1) as f64 * STEP as f64 / 48_000.0;
        if at_s <= WATCHED_S {
            times.push(at_s);
            over.push(level_dbm0 + db(echo) + lack_db(car, at_s) - ceiling);
        }
    }
    Finding::series("echo_over_noise", times, over, Unit::Db)
}
