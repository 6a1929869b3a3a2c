//! The two AM-FM signals of P.501 7.2.4, whose lines interleave, so that both can sound at once and be told apart.
//!
//! s(t) = \[1 + ⅔·cos(2π·3 Hz·t)\] · Σ A_n·cos(2π·f_n·t + (Δf_n/1 Hz)·sin(2π·1 Hz·t)), A_n falling by 5 dB per octave
//! above 250 Hz. Each component stays within f_n ± Δf_n, and its amplitude modulation 3 Hz beside that.

use std::f64::consts::TAU;

/// Rate of the amplitude modulation in Hz.
pub const AM_HZ: f64 = 3.0;
/// Depth of the amplitude modulation.
pub const AM_DEPTH: f64 = 2.0 / 3.0;
/// Rate of the frequency modulation in Hz.
pub const FM_HZ: f64 = 1.0;
/// Frequency above which the components fall.
pub const CORNER_HZ: f64 = 250.0;
/// How much they fall per octave.
pub const SLOPE_DB_PER_OCTAVE: f64 = 5.0;

/// Which of the two combs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comb {
    /// Multiples of 250 Hz, and 125 Hz. Which direction it plays in is the plan's: ETSI tables list it under receive,
    /// another public source under send.
    One,
    /// Multiples of 270 Hz and 180 Hz up to 2 160 Hz, then 2 400, 2 650 … 6 900 Hz.
    Two,
}

/// One component: its center and its deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Component {
    /// f_n in Hz.
    pub freq_hz: f64,
    /// Δf_n in Hz.
    pub deviation_hz: f64,
}

impl Component {
    /// Its level relative to one below the corner, in dB.
    pub fn level_db(&self) -> f64 {
        -SLOPE_DB_PER_OCTAVE * libm::log2(self.freq_hz / CORNER_HZ).max(0.0)
    }
}

impl Comb {
    /// Every comb.
    pub const ALL: [Self; 2] = [Self::One, Self::Two];

    /// The word as files write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }

    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::One => Self::Two,
            Self::Two => Self::One,
        }
    }

    /// The components in rising order.
    pub fn components(self) -> Vec<Component> {
        let (low, deviation_hz): (&[(f64, f64)], f64) = match self {
            Self::One => (&ONE, 40.0),
            Self::Two => (&TWO, 35.0),
        };
        let high: Vec<f64> = match self {
            Self::One => (0..21).map(|k| 2000.0 + 250.0 * f64::from(k)).collect(),
            Self::Two => (0..19).map(|k| 2400.0 + 250.0 * f64::from(k)).collect(),
        };
        let low = low.iter().map(|&(freq_hz, deviation_hz)| Component { freq_hz, deviation_hz });
        low.chain(high.into_iter().map(|freq_hz| Component { freq_hz, deviation_hz })).collect()
    }
}

/// P.501 7.2.4, as transcribed in public: up to where the deviation is constant.
const ONE: [(f64, f64); 8] = [
    (125.0, 2.5),
    (250.0, 5.0),
    (500.0, 10.0),
    (750.0, 15.0),
    (1000.0, 20.0),
    (1250.0, 25.0),
    (1500.0, 30.0),
    (1750.0, 35.0),
];
/// As above to 1 890 Hz; from 2 160 Hz on by the tables of ETSI and 3GPP (class C): another public copy steps by 250 Hz
/// from 2 160 Hz.
const TWO: [(f64, f64); 9] = [
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

/// How far the modulation of a component reaches over half the rate: beyond this it is left out.
const HIGHEST_OVER_RATE: f64 = 0.495;

/// One second of a comb at `rate`, which is its period: every frequency in it is a whole number of hertz.
///
/// Components whose deviation reaches beyond `high_hz` or 0.495 of the rate are left out: at 8 kHz comb one ends
/// with 3 750 Hz and comb two with 3 900 Hz, as the narrowband pair does.
pub fn one_second(comb: Comb, rate: u32, high_hz: Option<f64>) -> Vec<f64> {
    let high = high_hz.unwrap_or(f64::INFINITY).min(HIGHEST_OVER_RATE * f64::from(rate));
    let components = comb.components().into_iter().filter(|one| one.freq_hz + one.deviation_hz <= high);
    let components: Vec<(Component, f64)> =
        components.map(|one| (one, libm::pow(10.0, one.level_db() / 20.0))).collect();
    (0..rate)
        .map(|n| {
            // Whole frequencies: the turns are reduced in exact arithmetic.
            let turns = |freq_hz: f64| (freq_hz * f64::from(n)) % f64::from(rate) / f64::from(rate);
            let swing = libm::sin(TAU * turns(FM_HZ));
            let sum: f64 = components
                .iter()
                .map(|(one, amplitude)| {
                    amplitude * libm::cos(TAU * turns(one.freq_hz) + one.deviation_hz / FM_HZ * swing)
                })
                .sum();
            (1.0 + AM_DEPTH * libm::cos(TAU * turns(AM_HZ))) * sum
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_combs_end_where_the_tables_end_and_never_touch() {
        let (one, two) = (Comb::One.components(), Comb::Two.components());
        assert_eq!((one.len(), one[28].freq_hz), (29, 7000.0));
        assert_eq!((two.len(), two[27].freq_hz), (28, 6900.0));
        let mut both: Vec<Component> = [one, two].concat();
        both.sort_by(|a, b| a.freq_hz.total_cmp(&b.freq_hz));
        for pair in both.windows(2) {
            let gap_hz = pair[1].freq_hz - pair[1].deviation_hz - pair[0].freq_hz - pair[0].deviation_hz;
            // 250 ± 5 and 270 ± 5 Hz are the nearest ones.
            assert!(gap_hz >= 10.0, "{pair:?}");
        }
    }

    #[test]
    fn components_fall_by_5_db_per_octave_above_250_hz() {
        let level = |freq_hz| Component { freq_hz, deviation_hz: 1.0 }.level_db();
        assert_eq!((level(125.0), level(250.0)), (0.0, 0.0));
        assert!((level(500.0) + 5.0).abs() < 1e-12 && (level(4000.0) + 20.0).abs() < 1e-12);
    }
}
