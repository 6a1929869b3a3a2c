//! The sensitivities of a car in bands of any width, up to the end of the spectrum.

use super::{BandHz, DBOV_AT_0_DBM0, DBV_AT_0_DBM0, Density, Ear, Truth, db, mean_gain};

impl Truth<'_> {
    /// Send sensitivity in a band, dB V/Pa.
    pub fn send_sensitivity_dbv(&self, band_hz: BandHz, density: Density<'_>) -> f64 {
        let gain = mean_gain(density, band_hz, |freq_hz| self.send_response(freq_hz).power());
        db(gain) + DBV_AT_0_DBM0 - DBOV_AT_0_DBM0
    }

    /// Receive sensitivity at one ear in a band, dB Pa/V.
    pub fn receive_sensitivity_dbpa(
        &self,
        ear: Ear,
        volume_step: u32,
        band_hz: BandHz,
        density: Density<'_>,
    ) -> f64 {
        let gain =
            mean_gain(density, band_hz, |freq_hz| self.receive_response(ear, volume_step, freq_hz).power());
        db(gain) - DBV_AT_0_DBM0 + DBOV_AT_0_DBM0
    }
}
