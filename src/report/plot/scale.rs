//! Axes: which part of the numbers is shown, where the ticks stand, and where a value is drawn.

use super::super::wording;

/// What runs along the horizontal axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Across {
    /// Hertz, logarithmic.
    Frequency,
    /// Seconds, linear.
    Time,
}

/// A tick of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where.
    pub value: f64,
    /// What is written. `None`: a line only.
    pub label: Option<String>,
}

/// Values beyond this are not drawn: differences of them could overflow.
const DRAWABLE_MAX: f64 = 1e12;

/// Whether a value can be drawn at all.
pub fn drawable(value: f64) -> bool {
    value.abs() <= DRAWABLE_MAX
}

/// A mapping of a range of values to a range of picture units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    logarithmic: bool,
    low: f64,
    high: f64,
    at_low: f64,
    at_high: f64,
}

impl Scale {
    /// A scale from `low` … `high` to `at_low` … `at_high`. A range without width is widened.
    pub fn new(logarithmic: bool, low: f64, high: f64, at_low: f64, at_high: f64) -> Self {
        let (low, high) = if logarithmic {
            let low = if low > 0.0 { low } else { 1.0 };
            if high > low * 1.01 { (low, high) } else { (low / 1.5, low * 1.5) }
        } else if high > low {
            (low, high)
        } else {
            (low - 1.0, low + 1.0)
        };
        Self { logarithmic, low, high, at_low, at_high }
    }

    /// The range of values shown.
    pub fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Where a value is drawn, also outside the range; `None` if it cannot be drawn.
    pub fn place(&self, value: f64) -> Option<f64> {
        if !drawable(value) || (self.logarithmic && value <= 0.0) {
            return None;
        }
        let part = if self.logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        Some(self.at_low + part * (self.at_high - self.at_low))
    }

    /// The ticks inside the range.
    pub fn ticks(&self, across: Option<Across>) -> Vec<Tick> {
        if self.logarithmic {
            self.decades()
        } else {
            let most = if across.is_some() { 10.0 } else { 7.0 };
            let step = nice_step((self.high - self.low) / most);
            steps(self.low, self.high, step)
        }
    }

    /// Three or four values with their labels, for an axis of an inch.
    pub fn few_ticks(&self) -> Vec<(f64, String)> {
        let step = nice_step((self.high - self.low) / 4.0);
        let ticks = steps(self.low, self.high, step).into_iter();
        ticks.filter_map(|tick| Some((tick.value, tick.label?))).collect()
    }

    /// Lines at 1 … 9 of each decade, labels at 1, 2 and 5; with less than a decade on show, more labels.
    fn decades(&self) -> Vec<Tick> {
        let labeled: &[u32] = if self.high / self.low < 9.0 { &[1, 2, 3, 4, 5, 6, 8] } else { &[1, 2, 5] };
        let mut ticks = Vec::new();
        let first = self.low.log10().floor() as i32;
        let last = self.high.log10().ceil() as i32;
        for decade in first..=last {
            for digit in 1..10 {
                let value = f64::from(digit) * 10f64.powi(decade);
                if value >= self.low * 0.999_999 && value <= self.high * 1.000_001 {
                    let label = labeled.contains(&digit).then(|| short(value));
                    ticks.push(Tick { value, label });
                }
            }
        }
        ticks
    }
}

/// `200`, `1k`, `20k`.
fn short(hz: f64) -> String {
    if hz >= 999.5 { format!("{}k", trimmed(hz / 1000.0, 1)) } else { trimmed(hz, 1) }
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = wording::number(value, decimals);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `least`.
pub fn nice_step(least: f64) -> f64 {
    if !(least > 0.0 && least.is_finite()) {
        return 1.0;
    }
    let power = 10f64.powi(least.log10().floor() as i32);
    let steps = [1.0, 2.0, 5.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|step| *step >= least * 0.999_999).unwrap_or(power)
}

fn steps(low: f64, high: f64, step: f64) -> Vec<Tick> {
    let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    let first = (low / step - 1e-9).ceil();
    let count = ((high / step + 1e-9).floor() - first).clamp(0.0, 50.0) as u32;
    (0..=count)
        .map(|at| (first + f64::from(at)) * step)
        .map(|value| Tick { value, label: Some(wording::number(value, decimals)) })
        .collect()
}

/// A range that holds all `values`, ends on whole steps and leaves some room. Of values in decibels
/// at most `span_max` below the highest are shown: a notch of −300 dB must not flatten the rest.
pub fn range_of(values: impl Iterator<Item = f64>, span_max: f64) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| drawable(*value)) {
        low = if value < low { value } else { low };
        high = if value > high { value } else { high };
    }
    if low > high {
        return (0.0, 1.0);
    }
    if high - low > span_max {
        low = high - span_max;
    }
    if high - low < 1e-9 * high.abs().max(1.0) {
        let room = high.abs().max(1.0) * 0.1;
        return (low - room, high + room);
    }
    let room = (high - low) * 0.06;
    let step = nice_step((high - low) / 14.0);
    (((low - room) / step).floor() * step, ((high + room) / step).ceil() * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale, across: Option<Across>) -> Vec<String> {
        scale.ticks(across).into_iter().filter_map(|tick| tick.label).collect()
    }

    #[test]
    fn frequency_ticks_are_those_of_the_profession() {
        let scale = Scale::new(true, 90.0, 8_000.0, 0.0, 100.0);
        assert_eq!(labels(&scale, Some(Across::Frequency)), ["100", "200", "500", "1k", "2k", "5k"]);
        assert_eq!(scale.ticks(Some(Across::Frequency)).len(), 18, "90 to 900 and 1k to 8k");
        let octaves = Scale::new(true, 300.0, 1_500.0, 0.0, 100.0);
        assert_eq!(labels(&octaves, Some(Across::Frequency)), ["300", "400", "500", "600", "800", "1k"]);
    }

    #[test]
    fn linear_ticks_are_round() {
        let scale = Scale::new(false, -72.0, -20.0, 0.0, 100.0);
        assert_eq!(labels(&scale, None), ["−70", "−60", "−50", "−40", "−30", "−20"]);
        let seconds = Scale::new(false, 0.0, 0.5, 0.0, 100.0);
        assert_eq!(labels(&seconds, Some(Across::Time)).len(), 11);
        assert_eq!(labels(&seconds, Some(Across::Time))[1], "0.05");
    }

    #[test]
    fn places_are_linear_in_the_logarithm() {
        let scale = Scale::new(true, 100.0, 10_000.0, 0.0, 200.0);
        assert!((scale.place(1_000.0).unwrap() - 100.0).abs() < 1e-9);
        assert_eq!(scale.place(0.0), None);
        assert_eq!(scale.place(f64::NAN), None);
        assert_eq!(scale.place(f64::INFINITY), None);
    }

    #[test]
    fn ranges_survive_anything() {
        assert_eq!(range_of([].into_iter(), 120.0), (0.0, 1.0));
        assert_eq!(range_of([f64::NAN, f64::INFINITY, 1e300].into_iter(), 120.0), (0.0, 1.0));
        let (low, high) = range_of([-300.0, -20.0].into_iter(), 120.0);
        assert!(low >= -150.0 && high >= -20.0, "{low} {high}");
        let (low, high) = range_of([7.0, 7.0].into_iter(), 120.0);
        assert!(low < 7.0 && high > 7.0);
        for bad in [f64::NAN, f64::NEG_INFINITY, 0.0] {
            let scale = Scale::new(true, bad, bad, 0.0, 1.0);
            assert!(scale.place(100.0).is_some_and(f64::is_finite));
        }
    }
}
