//! Harmonic distortion of a sine: THD, THD + N, and each harmonic.
//!
//! The fundamental is fitted, not read from a bin: any frequency, any record of at least ten periods, no whole number of
//! them needed. Amplitude, phase, frequency and offset are found by least squares (the four-parameter fit of IEEE 1057),
//! weighted by a Blackman-Harris window so that harmonics and noise hardly pull at it; each harmonic below Nyquist is
//! then projected out of what is left, and all of it repeated on the rest until nothing moves: the leakage of the
//! window, −92 dB, is squared away with every pass.
//!
//! THD is the root of the sum of the squared harmonics from the second on, over the fundamental. THD + N is the RMS of
//! all that is left without fundamental and offset between 20 Hz and Nyquist, over the fundamental too. (Some analyzers
//! divide by the total: the same within 0.01 % up to 5 %.)

use std::f64::consts::{PI, TAU};

use super::MeterError;
use super::timeline;
use crate::dsp::DspError;
use crate::dsp::level::dbov;
use crate::dsp::spectrum::{Bin, Window, fast_len, forward, power_spectrum};
use crate::units::{DbOv, Hz};

/// The lower edge of distortion and noise.
pub const NOISE_FROM: Hz = Hz(20.0);
/// Periods that a record must have: the window tells the fundamental from its neighbors, the offset and the second
/// harmonic, when they are four bins away; ten leave room for noise.
pub const PERIODS_MIN: f64 = 10.0;
/// The fundamental is looked for within this part of the frequency asked for.
pub const SEARCH_SHARE: f64 = 0.02;
/// A line of more than this power, relative to the one asked for, is the true fundamental.
const STRONGER: f64 = 2.0;
/// How far a line stands out of the bins beside it; noise alone reaches 12 dB somewhere.
const OVER_FLOOR: f64 = 40.0;
/// Harmonics that are fitted, whether told or not; those above leave their leakage of −92 dB.
const HARMONICS_FITTED: usize = 60;
/// Passes of the fit.
const PASSES: usize = 6;

/// What a sine was made into.
#[derive(Debug, Clone, PartialEq)]
pub struct Distortion {
    /// The frequency of the fundamental as it was found.
    pub fundamental: Hz,
    /// Its level: that of its RMS.
    pub level: DbOv,
    /// Harmonics over fundamental; NaN where none lies below Nyquist.
    pub thd_percent: f64,
    /// All that is left between 20 Hz and Nyquist over fundamental.
    pub thd_n_percent: f64,
    /// Second harmonic and following over fundamental; `None` above Nyquist, where there is none to see.
    pub harmonics_percent: Vec<Option<f64>>,
}

/// The distortion of a sine of about `fundamental`, with harmonics up to order `harmonics` (2 … 100).
///
/// # Errors
/// Silence, a value that is not finite, a record under ten periods, a frequency that is none, or a record whose
/// strongest line lies elsewhere.
pub fn distortion(
    signal: &[f64],
    rate: u32,
    fundamental: Hz,
    harmonics: usize,
) -> Result<Distortion, MeterError> {
    let nyquist_hz = f64::from(rate) / 2.0;
    if !(2..=100).contains(&harmonics) {
        return Err(MeterError::asked(
            format!("harmonics up to order {harmonics} make no sense"),
            "ask for 2 to 100",
        ));
    }
    let fit = fitted(signal, rate, fundamental)?;
    let share = |harmonic: &(f64, f64)| harmonic.0.hypot(harmonic.1) / fit.amplitude();
    let harmonics_percent: Vec<Option<f64>> =
        (2..=harmonics).map(|order| fit.harmonics.get(order - 2).map(|one| 100.0 * share(one))).collect();
    let told: Vec<f64> = harmonics_percent.iter().copied().flatten().collect();
    let thd_percent =
        if told.is_empty() { f64::NAN } else { told.iter().map(|one| one * one).sum::<f64>().sqrt() };
    let rest = power_spectrum(&fit.without_fundamental(signal), rate).band_power(NOISE_FROM.0, nyquist_hz);
    let power = fit.amplitude().powi(2) / 2.0;
    Ok(Distortion {
        fundamental: Hz(fit.step * f64::from(rate) / TAU),
        level: dbov(power),
        thd_percent,
        thd_n_percent: 100.0 * (rest / power).sqrt(),
        harmonics_percent,
    })
}

/// A sine and its harmonics as they were fitted, with their phases.
#[derive(Debug, Clone, PartialEq)]
pub struct Harmonics {
    /// The frequency of the fundamental as it was found.
    pub fundamental: Hz,
    /// The complex amplitudes (peak) of the orders from the fundamental on: order k is Re(a·e^(j2πk·f·t)), with t from the
    /// middle of the record on.
    pub amplitudes: Vec<Bin>,
    /// What is left of the record without all of them.
    pub rest: Vec<f64>,
}

/// The sine of about `fundamental` in a record, and every harmonic of it below Nyquist, sixty at most.
///
/// # Errors
/// As [`distortion`].
pub fn harmonics(signal: &[f64], rate: u32, fundamental: Hz) -> Result<Harmonics, MeterError> {
    let fit = fitted(signal, rate, fundamental)?;
    let amplitudes = std::iter::once(&fit.fundamental).chain(&fit.harmonics);
    Ok(Harmonics {
        fundamental: Hz(fit.step * f64::from(rate) / TAU),
        amplitudes: amplitudes.map(|(cos, sin)| Bin::new(*cos, -*sin)).collect(),
        rest: fit.without(signal, true),
    })
}

/// The fit to a record that holds a sine of about `fundamental`.
fn fitted(signal: &[f64], rate: u32, fundamental: Hz) -> Result<Fit, MeterError> {
    let nyquist_hz = f64::from(rate) / 2.0;
    let possible = fundamental.0 > 0.0 && fundamental.0 < nyquist_hz;
    if !possible {
        return Err(MeterError::asked(
            format!("{} Hz is no fundamental at {rate} frames per second", fundamental.0),
            format!("give one between 0 and {nyquist_hz} Hz"),
        ));
    }
    timeline::finite(signal, "recording")?;
    if signal.iter().all(|x| *x == 0.0) {
        return Err(DspError::Silent { which: "recording" }.into());
    }
    let needed = (PERIODS_MIN * f64::from(rate) / fundamental.0).ceil() as usize;
    if signal.len() < needed {
        return Err(DspError::TooShort { needed, found: signal.len() }.into());
    }
    let start_hz = find_line(signal, rate, fundamental)?;
    Ok(Fit::new(signal, start_hz * TAU / f64::from(rate)))
}

/// The strongest line near `wanted`, to a part of a bin.
fn find_line(signal: &[f64], rate: u32, wanted: Hz) -> Result<f64, MeterError> {
    let size = fast_len(signal.len());
    let mean = signal.iter().sum::<f64>() / signal.len() as f64;
    let window = Window::BlackmanHarris.values(signal.len());
    let mut windowed: Vec<f64> = signal.iter().zip(&window).map(|(x, w)| (x - mean) * w).collect();
    windowed.resize(size, 0.0);
    let power: Vec<f64> = forward(&windowed).iter().map(Bin::norm_sqr).collect();
    let bin_hz = f64::from(rate) / size as f64;
    let reach_hz = (SEARCH_SHARE * wanted.0).max(2.0 * bin_hz);
    let bin = |hz: f64| ((hz / bin_hz).round().max(1.0) as usize).min(power.len() - 1);
    let near = strongest(&power, bin(wanted.0 - reach_hz), bin(wanted.0 + reach_hz));
    let overall = strongest(&power, bin(NOISE_FROM.0.min(wanted.0 / 2.0)), power.len() - 1);
    // The floor from the half octave around, the line and its skirts aside.
    let mut around: Vec<f64> = (bin(wanted.0 / 1.2)..=bin(wanted.0 * 1.2))
        .filter(|k| k.abs_diff(near) > 5)
        .map(|k| power[k])
        .collect();
    around.sort_by(f64::total_cmp);
    let floor = around.get(around.len() / 2).copied().unwrap_or(0.0);
    // A maximum at the edge of the range is the skirt of something outside it.
    let inside = near > bin(wanted.0 - reach_hz) && near < bin(wanted.0 + reach_hz);
    let there = inside && power[near] > 0.0 && power[near] > OVER_FLOOR * floor;
    if !there || power[overall] > STRONGER * power[near] {
        return Err(MeterError::asked(
            format!(
                "there is no fundamental at {} Hz: the strongest line lies at {:.1} Hz",
                wanted.0,
                line_hz(&power, overall, bin_hz)
            ),
            "give the frequency that was played, or measure a steady sine",
        ));
    }
    Ok(line_hz(&power, near, bin_hz))
}

/// Where a line lies whose strongest bin is `k`: the vertex of a parabola through three bins in decibels, right within a
/// hundredth of a bin for this window.
fn line_hz(power: &[f64], k: usize, bin_hz: f64) -> f64 {
    let beside = |k: usize| power.get(k).copied().filter(|one| *one > 0.0).map(f64::ln);
    let vertex = match (k.checked_sub(1).and_then(beside), beside(k), beside(k + 1)) {
        (Some(below), Some(at), Some(above)) if below + above < 2.0 * at => {
            (above - below) / (2.0 * (2.0 * at - above - below))
        }
        _ => 0.0,
    };
    (k as f64 + vertex) * bin_hz
}

fn strongest(power: &[f64], from: usize, to: usize) -> usize {
    (from..=to).fold(from, |best, k| if power[k] > power[best] { k } else { best })
}

/// A sine with its harmonics and an offset, fitted to a signal.
///
/// Amplitudes are (cosine, sine) around the middle of the record, where phase and frequency don't pull at each other.
struct Fit {
    /// Radians per frame.
    step: f64,
    fundamental: (f64, f64),
    /// From the second on.
    harmonics: Vec<(f64, f64)>,
    offset: f64,
    middle: f64,
}

impl Fit {
    fn new(signal: &[f64], step: f64) -> Self {
        let count = (1..=HARMONICS_FITTED).take_while(|order| *order as f64 * step < 0.999 * PI).count();
        let mut fit = Self {
            step,
            fundamental: (0.0, 0.0),
            harmonics: vec![(0.0, 0.0); count.saturating_sub(1)],
            offset: 0.0,
            middle: (signal.len() - 1) as f64 / 2.0,
        };
        let window = Window::BlackmanHarris.values(signal.len());
        for _ in 0..PASSES {
            let rest = fit.without(signal, true);
            fit.refine(&rest, &window);
        }
        fit
    }

    fn amplitude(&self) -> f64 {
        self.fundamental.0.hypot(self.fundamental.1)
    }

    /// The cosine and sine of a harmonic at every frame, by rotation, set right every so often.
    fn rotation(&self, order: usize, frames: usize) -> impl Iterator<Item = (f64, f64)> + use<> {
        const FRESH: usize = 256;
        let step = self.step * order as f64;
        let (turn_sin, turn_cos) = step.sin_cos();
        let middle = self.middle;
        let mut now = (1.0, 0.0);
        (0..frames).map(move |n| {
            now = if n % FRESH == 0 {
                let (sin, cos) = (step * (n as f64 - middle)).sin_cos();
                (cos, sin)
            } else {
                (now.0 * turn_cos - now.1 * turn_sin, now.1 * turn_cos + now.0 * turn_sin)
            };
            now
        })
    }

    /// The signal without the fundamental and the offset, and without the harmonics too if `all`.
    fn without(&self, signal: &[f64], all: bool) -> Vec<f64> {
        let mut rest: Vec<f64> = signal.iter().map(|x| x - self.offset).collect();
        let harmonics: &[(f64, f64)] = if all { &self.harmonics } else { &[] };
        for (i, (a, b)) in std::iter::once(&self.fundamental).chain(harmonics).enumerate() {
            if (*a, *b) == (0.0, 0.0) {
                continue;
            }
            for (x, (cos, sin)) in rest.iter_mut().zip(self.rotation(i + 1, signal.len())) {
                *x -= a * cos + b * sin;
            }
        }
        rest
    }

    fn without_fundamental(&self, signal: &[f64]) -> Vec<f64> {
        self.without(signal, false)
    }

    /// One step of weighted least squares on what is left: offset, fundamental and frequency together, harmonics by
    /// projection.
    fn refine(&mut self, rest: &[f64], window: &[f64]) {
        let (a, b) = self.fundamental;
        // Columns: cos, sin, their derivative by the frequency, 1.
        let mut normal = [[0.0; 5]; 4];
        for (n, ((x, w), (cos, sin))) in rest.iter().zip(window).zip(self.rotation(1, rest.len())).enumerate()
        {
            // In half records, so that all columns are of one size.
            let t = (n as f64 - self.middle) / self.middle;
            let columns = [cos, sin, t * (b * cos - a * sin), 1.0, *x];
            for i in 0..4 {
                for j in 0..5 {
                    normal[i][j] += w * columns[i] * columns[j];
                }
            }
        }
        // Without an amplitude there is no frequency yet.
        if (a, b) == (0.0, 0.0) {
            normal[2] = [0.0, 0.0, 1.0, 0.0, 0.0];
            for i in [0, 1, 3] {
                normal[i][2] = 0.0;
            }
        }
        let weight: f64 = window.iter().sum();
        for order in 2..self.harmonics.len() + 2 {
            let (mut re, mut im) = (0.0, 0.0);
            for ((x, w), (cos, sin)) in rest.iter().zip(window).zip(self.rotation(order, rest.len())) {
                re += w * x * cos;
                im += w * x * sin;
            }
            let one = &mut self.harmonics[order - 2];
            *one = (one.0 + 2.0 * re / weight, one.1 + 2.0 * im / weight);
        }
        let [da, db, dw, offset] = solve(normal);
        self.fundamental = (a + da, b + db);
        self.step += dw / self.middle;
        self.offset += offset;
    }
}

/// Gauss's elimination with pivots, four equations; zeros where they have no solution.
fn solve(mut rows: [[f64; 5]; 4]) -> [f64; 4] {
    for k in 0..4 {
        let pivot = (k..4).fold(k, |best, i| if rows[i][k].abs() > rows[best][k].abs() { i } else { best });
        rows.swap(k, pivot);
        if rows[k][k] == 0.0 {
            return [0.0; 4];
        }
        for i in k + 1..4 {
            let (pivot, factor) = (rows[k], rows[i][k] / rows[k][k]);
            for (value, above) in rows[i].iter_mut().zip(pivot) {
                *value -= factor * above;
            }
        }
    }
    let mut found = [0.0; 4];
    for k in (0..4).rev() {
        let known: f64 = (k + 1..4).map(|j| rows[k][j] * found[j]).sum();
        found[k] = (rows[k][4] - known) / rows[k][k];
    }
    found
}
