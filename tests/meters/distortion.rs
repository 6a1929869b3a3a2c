//! Distortion: polynomials and clipping whose harmonics are known on paper, and a least-squares fit of scipy.

use std::f64::consts::{PI, TAU};
use std::sync::LazyLock;

use lombard::meters::distortion::{Distortion, distortion};
use lombard::units::Hz;
use serde_json::Value;

use super::residual::{Residual, Truth, all_hold};

const POLYNOMIAL: Truth = Truth { by: "formula: harmonics of x + a·x² + b·x³", date: "2026-11-25" };
const CLIPPING: Truth = Truth { by: "formula: Fourier series of a clipped sine", date: "2026-11-25" };
const NOISE: Truth = Truth { by: "paper: the RMS of the noise added", date: "2026-11-25" };
const SCIPY: Truth = Truth { by: "scipy 1.17.1 least_squares (golden/distortion.json)", date: "2026-11-25" };
/// What the meter must keep, in points of percent.
const TOLERANCE: f64 = 0.01;

fn sine(rate: u32, freq_hz: f64, seconds: f64, amplitude: f64) -> Vec<f64> {
    let count = (seconds * f64::from(rate)) as usize;
    (0..count).map(|n| amplitude * (TAU * freq_hz * n as f64 / f64::from(rate) + 0.7).sin()).collect()
}

fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / 2f64.powi(52) - 1.0
    })
    .take(count)
    .collect()
}

fn read(signal: &[f64], rate: u32, freq_hz: f64) -> Distortion {
    distortion(signal, rate, Hz(freq_hz), 10).unwrap()
}

/// Second and third harmonic of x + a·x² + b·x³ for a sine of amplitude `c`, in percent of the fundamental:
/// sin² = (1 − cos 2)/2, sin³ = (3 sin − sin 3)/4.
fn polynomial_truth(a: f64, b: f64, c: f64) -> [f64; 2] {
    let fundamental = c + 0.75 * b * c.powi(3);
    [50.0 * a * c * c / fundamental, 25.0 * b * c.powi(3) / fundamental]
}

/// Amplitude of harmonic n of a sine of amplitude 1 clipped at ±sin θ, by the integral of its pieces.
fn clipped_harmonic(theta: f64, n: f64) -> f64 {
    // b_n = 4/π · [∫₀^θ sin t·sin nt dt + sin θ·∫_θ^{π/2} sin nt dt], odd n.
    let product = if n == 1.0 {
        theta / 2.0 - (2.0 * theta).sin() / 4.0
    } else {
        ((n - 1.0) * theta).sin() / (2.0 * (n - 1.0)) - ((n + 1.0) * theta).sin() / (2.0 * (n + 1.0))
    };
    let flat = theta.sin() * ((n * theta).cos() - (n * PI / 2.0).cos()) / n;
    4.0 / PI * (product + flat)
}

fn polynomials(all: &mut Vec<Residual>) {
    for (rate, freq_hz, seconds) in [
        (48_000, 1000.0, 1.0),
        (48_000, 997.3, 0.31),
        (8000, 315.7, 0.5),
        (48_000, 100.03, 0.2),
        (44_100, 1234.56, 2.0),
    ] {
        let (a, b, c) = (0.02, -0.03, 0.5);
        let signal: Vec<f64> =
            sine(rate, freq_hz, seconds, c).iter().map(|x| 0.01 + x + a * x * x + b * x * x * x).collect();
        let found = read(&signal, rate, freq_hz);
        let [second, third] = polynomial_truth(a, b, c);
        let case = format!("polynomial, {freq_hz} Hz at {rate} Hz for {seconds} s");
        let harmonics = [(second, found.harmonics_percent[0]), (third.abs(), found.harmonics_percent[1])];
        let rest = found.harmonics_percent[2..].iter().map(|one| (0.0, one.unwrap_or(0.0)));
        let points = harmonics.into_iter().map(|(truth, one)| (truth, one.unwrap())).chain(rest);
        all.push(Residual::largest(
            "distortion",
            format!("{case}, harmonics"),
            "%",
            points,
            TOLERANCE,
            POLYNOMIAL,
        ));
        let values = (second.hypot(third), found.thd_percent);
        all.push(Residual::value("distortion", format!("{case}, THD"), "%", values, TOLERANCE, POLYNOMIAL));
        let values = (second.hypot(third), found.thd_n_percent);
        all.push(Residual::value(
            "distortion",
            format!("{case}, THD + N"),
            "%",
            values,
            TOLERANCE,
            POLYNOMIAL,
        ));
        assert!((found.fundamental.0 - freq_hz).abs() < 1e-6 * freq_hz, "{found:?}");
    }
}

pub(crate) static RESIDUALS: LazyLock<Vec<Residual>> = LazyLock::new(|| {
    let mut all = Vec::new();
    polynomials(&mut all);
    // Clipped at 0.8: made of its Fourier series below Nyquist, so that nothing is folded back by the sampling.
    let (theta, rate, freq_hz) = (0.8f64.asin(), 48_000, 441.7);
    let orders: Vec<f64> =
        (0..60).map(|k| f64::from(2 * k + 1)).take_while(|n| n * freq_hz < 23_900.0).collect();
    let signal: Vec<f64> = (0..24_011)
        .map(|n| {
            let phase = TAU * freq_hz * f64::from(n) / f64::from(rate);
            0.5 * orders.iter().map(|k| clipped_harmonic(theta, *k) * (k * phase).sin()).sum::<f64>()
        })
        .collect();
    let found = read(&signal, rate, freq_hz);
    let share = |n: f64| 100.0 * (clipped_harmonic(theta, n) / clipped_harmonic(theta, 1.0)).abs();
    let points = (2..=10).map(|n| {
        let truth = if n % 2 == 0 { 0.0 } else { share(f64::from(n)) };
        (truth, found.harmonics_percent[n as usize - 2].unwrap())
    });
    all.push(Residual::largest(
        "distortion",
        "sine clipped at 0.8, harmonics",
        "%",
        points,
        TOLERANCE,
        CLIPPING,
    ));
    let rest = orders[1..].iter().map(|n| share(*n).powi(2)).sum::<f64>().sqrt();
    let values = (rest, found.thd_n_percent);
    all.push(Residual::value("distortion", "sine clipped at 0.8, THD + N", "%", values, TOLERANCE, CLIPPING));
    // Noise 40 dB under the sine: 1 % of THD + N. What of it lies in ten harmonics' windows is seen as THD.
    let mut signal = sine(48_000, 1000.3, 2.0, 0.5);
    let hiss = noise(signal.len(), 3);
    signal.iter_mut().zip(&hiss).for_each(|(x, n)| *x += 0.5 * 0.01 * 1.5f64.sqrt() * n);
    let power = hiss.iter().map(|n| n * n).sum::<f64>() / hiss.len() as f64 * 3.0;
    let values = (power.sqrt(), read(&signal, 48_000, 1000.0).thd_n_percent);
    all.push(Residual::value("distortion", "noise 40 dB down, THD + N", "%", values, TOLERANCE, NOISE));
    let golden: Value = serde_json::from_str(include_str!("../golden/distortion.json")).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let number = |key: &str| case[key].as_f64().unwrap();
        let (rate, freq_hz) = (number("rate") as u32, number("freq_hz"));
        let count = number("frames") as usize;
        let hiss = noise(count, number("seed") as u64);
        let signal: Vec<f64> = (0..count)
            .map(|n| {
                let x = 0.6 * (TAU * freq_hz * n as f64 / f64::from(rate) + 0.3).sin();
                // A loudspeaker-like curve that no short polynomial is.
                (1.0 + 0.05 * x) * x / (1.0 + 0.1 * x * x).sqrt() + 0.0005 * hiss[n] + 0.002
            })
            .collect();
        let found = read(&signal, rate, number("asked_hz"));
        let truth: Vec<f64> =
            case["harmonics_percent"].as_array().unwrap().iter().map(|one| one.as_f64().unwrap()).collect();
        let points = truth.iter().zip(&found.harmonics_percent).map(|(truth, one)| (*truth, one.unwrap()));
        let name = case["name"].as_str().unwrap();
        all.push(Residual::largest(
            "distortion",
            format!("{name}, harmonics"),
            "%",
            points,
            TOLERANCE,
            SCIPY,
        ));
        let values = (number("thd_percent"), found.thd_percent);
        all.push(Residual::value("distortion", format!("{name}, THD"), "%", values, TOLERANCE, SCIPY));
        let values = (number("thd_n_percent"), found.thd_n_percent);
        all.push(Residual::value("distortion", format!("{name}, THD + N"), "%", values, TOLERANCE, SCIPY));
    }
    all
});

#[test]
fn distortion_is_what_is_on_paper_and_what_scipy_fits() {
    all_hold(&RESIDUALS);
}

#[test]
fn a_pure_sine_has_none_and_a_hundredth_of_a_percent_is_seen() {
    for (rate, freq_hz, seconds) in
        [(48_000, 1000.0, 1.0), (48_000, 333.3, 0.031), (8000, 20.0, 1.0), (48_000, 9999.9, 0.01)]
    {
        let found = read(&sine(rate, freq_hz, seconds, 0.25), rate, freq_hz);
        assert!(found.thd_percent < 1e-6 && found.thd_n_percent < 1e-6, "{freq_hz}: {found:?}");
        assert!((found.level.decibels() - 20.0 * (0.25 / 2f64.sqrt()).log10()).abs() < 1e-6, "{found:?}");
    }
    let dirty: Vec<f64> = sine(48_000, 997.3, 1.0, 0.5).iter().map(|x| x + 0.0008 * x * x).collect();
    let found = read(&dirty, 48_000, 997.3);
    let wrong = Residual::value("distortion", "0.02 %", "%", (0.0, found.thd_percent), TOLERANCE, POLYNOMIAL);
    assert!(!wrong.holds() && (found.thd_percent - 0.02).abs() < 1e-4, "{found:?}");
}

#[test]
fn a_fundamental_that_is_off_the_number_asked_for_is_found() {
    for freq_hz in [990.0, 999.9, 1000.2, 1019.0] {
        let found = read(&sine(48_000, freq_hz, 0.5, 0.1), 48_000, 1000.0);
        assert!((found.fundamental.0 - freq_hz).abs() < 1e-6, "{found:?}");
        assert!(found.thd_n_percent < 1e-6);
    }
}

#[test]
fn what_lies_above_half_the_rate_is_missing_and_not_zero() {
    let found = read(&sine(8000, 1500.0, 1.0, 0.1), 8000, 1500.0);
    let seen: Vec<bool> = found.harmonics_percent.iter().map(Option::is_some).collect();
    assert_eq!(seen, [true, false, false, false, false, false, false, false, false]);
    assert_eq!(
        distortion(&sine(8000, 1500.0, 1.0, 0.1), 8000, Hz(1500.0), 3).unwrap().harmonics_percent.len(),
        2
    );
}

#[test]
fn another_frequency_is_told() {
    let signal: Vec<f64> = sine(48_000, 1000.0, 1.0, 0.5).iter().map(|x| x + 0.2 * x * x * x).collect();
    // 3 kHz is there, as a harmonic; 500 Hz and 1100 Hz are not.
    for asked in [3000.0, 500.0, 1100.0, 30.0, 23_000.0] {
        let error = distortion(&signal, 48_000, Hz(asked), 10).unwrap_err().to_string();
        assert!(error.contains("strongest line lies at 1000.0 Hz"), "{asked}: {error}");
    }
    let error = distortion(&noise(48_000, 1), 48_000, Hz(1000.0), 10).unwrap_err().to_string();
    assert!(error.contains("no fundamental at 1000 Hz"), "{error}");
}

#[test]
fn what_is_no_tone_is_refused() {
    let tone = sine(8000, 100.0, 0.09, 0.5);
    assert!(distortion(&tone, 8000, Hz(100.0), 10).unwrap_err().to_string().contains("needs 800"));
    assert!(distortion(&vec![0.0; 8000], 8000, Hz(100.0), 10).unwrap_err().to_string().contains("silent"));
    assert!(distortion(&vec![0.5; 8000], 8000, Hz(100.0), 10).is_err());
    assert!(
        distortion(&vec![f64::INFINITY; 8000], 8000, Hz(100.0), 10)
            .unwrap_err()
            .to_string()
            .contains("not finite")
    );
    for freq_hz in [0.0, -1.0, 4000.0, f64::NAN] {
        assert!(
            distortion(&noise(8000, 1), 8000, Hz(freq_hz), 10)
                .unwrap_err()
                .to_string()
                .contains("no fundamental")
        );
    }
    assert!(distortion(&sine(8000, 100.0, 1.0, 0.5), 8000, Hz(100.0), 1).is_err());
}
