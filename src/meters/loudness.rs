//! P.79 loudness rating: the weights of narrowband (Table 1) and wideband (Annex A), and the formula that uses them.
//!
//! LR = −(10/m)·log10 Σ 10^((m/10)·(S − W)), m = 0.175 (P.79 equation 5-1), over the third octaves 4 to 17 (narrowband) or
//! 1 to 20 (wideband). S is the sensitivity of the band, energy recorded over energy played, in dBV/Pa in send and in
//! dBPa/V in receive; W are the weights of send or receive. A level at the POI becomes a voltage at 600 Ω:
//! 0 dBm0 = −2.218 dBV. Larger is quieter.
//!
//! In receive with two ears the magnitudes are summed band by band, S = 20·log10(10^(S_left/20) + 10^(S_right/20)), and
//! 8 dB are taken off (P.581); with one ear 14 dB (P.340). No leakage term: nothing is sealed.
//!
//! The weights were not read in a copy of P.79; how far each has been verified stands beside it. Ratings with the table
//! of Annex A are provisional.

use crate::terms::{Bandwidth, Direction};

/// The number of third-octave bands of P.79: band 1 is 100 Hz, band 20 is 8 kHz.
pub const BANDS: usize = 20;

/// The slope of the loudness growth in SLR and RLR (P.79 clause 5).
pub const SLOPE: f64 = 0.175;

/// Hands-free correction of a receiving loudness rating of two ears whose magnitudes were summed (P.581).
pub const TWO_EARS_DB: f64 = -8.0;

/// Hands-free correction of a receiving loudness rating of one ear (P.340).
pub const ONE_EAR_DB: f64 = -14.0;

/// The sum of two magnitudes in dB: a delay between them changes nothing.
pub fn magnitude_sum_db(a_db: f64, b_db: f64) -> f64 {
    20.0 * (10f64.powf(a_db / 20.0) + 10f64.powf(b_db / 20.0)).log10()
}

/// The sum of the magnitudes of two paths in dB, band by band.
pub fn magnitude_sum(a_db: &[f64; BANDS], b_db: &[f64; BANDS]) -> [f64; BANDS] {
    std::array::from_fn(|i| magnitude_sum_db(a_db[i], b_db[i]))
}

/// The weights of a bandwidth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoudnessTable {
    /// Recommendation, edition and table.
    pub edition: &'static str,
    /// How far the values have been verified.
    pub verified: &'static str,
    /// Whether ratings made with it are provisional.
    pub is_provisional: bool,
    /// The first band that counts, from 1.
    pub first_band: usize,
    /// The last band that counts.
    pub last_band: usize,
    /// W_S in dB by band.
    pub send: [f64; BANDS],
    /// W_R in dB by band.
    pub receive: [f64; BANDS],
}

/// Narrowband: bands 4 to 17, 200 Hz to 4 kHz.
pub static NARROWBAND: LoudnessTable = LoudnessTable {
    edition: "P.79 (11/2007) Table 1",
    verified: "recalled; W_R − W_S + L_E of bands 1 to 17 equals the difference of the P.48 reference sensitivities, \
               and the reference rates 0.007 dB; bands 18 to 20, which do not count here, are not verified",
    is_provisional: false,
    first_band: 4,
    last_band: 17,
    send: [
        154.5, 115.4, 89.0, 76.9, 62.6, 62.0, 44.7, 53.1, 48.5, 47.6, 50.1, 59.1, 56.7, 72.2, 72.6, 89.2,
        117.0, 157.3, 172.2, 181.7,
    ],
    receive: [
        152.8, 116.2, 91.3, 85.0, 74.7, 79.0, 63.7, 73.5, 69.1, 68.0, 68.7, 75.1, 70.4, 81.4, 76.5, 93.3,
        113.8, 144.6, 165.8, 166.7,
    ],
};

/// Wideband and above: bands 1 to 20, 100 Hz to 8 kHz.
pub static WIDEBAND: LoudnessTable = LoudnessTable {
    edition: "P.79 (11/2007) Annex A, Table A.2, as constructed",
    verified: "constructed, not read: bands 4 to 17 are Table 1 + 0.3 dB, bands 1 to 3 are those of Table 1, bands 18 \
               to 20 are chosen; the P.48 reference rates −0.011 dB",
    is_provisional: true,
    first_band: 1,
    last_band: 20,
    send: [
        154.5, 115.4, 89.0, 77.2, 62.9, 62.3, 45.0, 53.4, 48.8, 47.9, 50.4, 59.4, 57.0, 72.5, 72.9, 89.5,
        117.3, 157.3, 172.2, 181.7,
    ],
    receive: [
        152.8, 116.2, 91.3, 85.3, 75.0, 79.3, 64.0, 73.8, 69.4, 68.3, 69.0, 75.4, 70.7, 81.7, 76.8, 93.6,
        114.1, 144.6, 165.8, 166.7,
    ],
};

impl LoudnessTable {
    /// The table of a speech band. P.79 ends at 8 kHz: above wideband its rating is that of the part below.
    pub fn of(bandwidth: Bandwidth) -> &'static Self {
        match bandwidth {
            Bandwidth::Nb => &NARROWBAND,
            Bandwidth::Wb | Bandwidth::Swb | Bandwidth::Fb => &WIDEBAND,
        }
    }

    /// The positions in the twenty bands that count.
    pub fn positions(&self) -> std::ops::Range<usize> {
        self.first_band - 1..self.last_band
    }

    /// The loudness rating in dB of sensitivities in dBV/Pa (send) or dBPa/V (receive), one for each of the twenty
    /// bands: P.79 equation 5-1, LR = −(10/m)·log10 Σ 10^((m/10)·(S − W)), m = 0.175.
    /// A band of −∞ dB carries nothing; NaN gives NaN.
    pub fn rating(&self, direction: Direction, sensitivities_db: &[f64; BANDS]) -> f64 {
        self.rating_over(direction, sensitivities_db, self.positions())
    }

    /// The same over other bands than those of the table, by their positions.
    ///
    /// # Panics
    /// If a position is beyond the twenty bands.
    pub fn rating_over(
        &self,
        direction: Direction,
        sensitivities_db: &[f64; BANDS],
        positions: std::ops::Range<usize>,
    ) -> f64 {
        let weights = match direction {
            Direction::Send => &self.send,
            Direction::Receive => &self.receive,
        };
        let sum: f64 = positions.map(|i| 10f64.powf(SLOPE / 10.0 * (sensitivities_db[i] - weights[i]))).sum();
        -10.0 / SLOPE * sum.log10()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P.48 send and receive sensitivities and the leakage L_E of P.79 by band.
    const P48_SEND: [f64; BANDS] = [
        -45.8, -36.1, -25.6, -19.2, -14.3, -10.8, -8.4, -6.9, -6.1, -4.9, -3.7, -2.3, -0.6, 0.3, 1.8, 1.8,
        -37.2, -52.2, -73.6, -90.0,
    ];
    const P48_RECEIVE: [f64; BANDS] = [
        -27.5, -18.8, -10.8, -2.7, 2.7, 7.2, 9.9, 11.3, 11.9, 12.3, 12.6, 12.5, 13.0, 13.1, 13.1, 12.6,
        -31.6, -54.9, -67.5, -90.0,
    ];
    const LEAKAGE: [f64; BANDS] = [
        20.0, 16.5, 12.5, 8.4, 4.9, 1.0, -0.7, -2.2, -2.6, -3.2, -2.3, -1.2, -0.1, 3.6, 7.4, 6.7, 8.8, 10.0,
        12.5, 15.0,
    ];

    #[test]
    fn the_weights_agree_with_the_reference_system() {
        for i in 0..17 {
            let weights = NARROWBAND.receive[i] - NARROWBAND.send[i] + LEAKAGE[i];
            assert!((weights - (P48_RECEIVE[i] - P48_SEND[i])).abs() < 1e-9, "band {}", i + 1);
        }
    }

    #[test]
    fn the_reference_system_rates_zero() {
        let receive: [f64; BANDS] = std::array::from_fn(|i| P48_RECEIVE[i] - LEAKAGE[i]);
        for (table, expected) in [(&NARROWBAND, 0.007), (&WIDEBAND, -0.011)] {
            let slr = table.rating(Direction::Send, &P48_SEND);
            assert!((slr - expected).abs() < 1e-3, "{}: SLR {slr}", table.edition);
        }
        let rlr = NARROWBAND.rating(Direction::Receive, &receive);
        assert!((rlr - 0.007).abs() < 1e-3, "RLR {rlr}");
    }

    #[test]
    fn flat_paths_rate_as_calculated_by_hand() {
        let rating = |table: &LoudnessTable, direction, db: f64| table.rating(direction, &[db; BANDS]);
        assert!((rating(&NARROWBAND, Direction::Send, 0.0) + 5.549).abs() < 1e-3);
        assert!((rating(&NARROWBAND, Direction::Receive, 0.0) - 10.126).abs() < 1e-3);
        assert!((rating(&WIDEBAND, Direction::Send, 0.0) + 6.091).abs() < 1e-3);
        assert!((rating(&WIDEBAND, Direction::Receive, 0.0) - 8.886).abs() < 1e-3);
        assert!((rating(&NARROWBAND, Direction::Send, -13.0) - 7.451).abs() < 1e-3);
    }

    #[test]
    fn nan_stays_nan_and_missing_bands_carry_nothing() {
        let mut bands = [0.0; BANDS];
        bands[6] = f64::NAN;
        assert!(NARROWBAND.rating(Direction::Send, &bands).is_nan());
        bands[6] = f64::NEG_INFINITY;
        assert!(NARROWBAND.rating(Direction::Send, &bands) > -5.549);
    }

    #[test]
    fn the_wideband_table_is_table_one_shifted_where_both_exist() {
        for i in NARROWBAND.positions() {
            assert!((WIDEBAND.send[i] - NARROWBAND.send[i] - 0.3).abs() < 1e-9, "band {}", i + 1);
            assert!((WIDEBAND.receive[i] - NARROWBAND.receive[i] - 0.3).abs() < 1e-9, "band {}", i + 1);
        }
    }
}
