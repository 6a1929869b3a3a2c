//! What an artificial ear does to sound on its way to the ear-drum, and how it is taken out of a recording.
//!
//! A head changes the sound of a field before its ear-drum hears it: by up to 18.5 dB at 2.5 kHz, and by 4.5 dB less there
//! in a diffuse field than in a free one. What is taken out is the response of the head that was used, by its serial
//! number; the average of P.58 stands for a head whose own curves are not known, and every finding says so.
//!
//! A curve is a straight line in dB over log f between its points, and its end values are held. It is taken out line by line
//! of a power spectrum, before bands are summed: where the response is steep, the middle of a band is not its mean.

use super::Validity;
use crate::dsp::curve::{Curve, CurveError, Outside};
use crate::dsp::spectrum::{PowerSpectrum, Psd};
use crate::terms::{EarField, LimitClass};

/// The response of an ear to one field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldResponse {
    /// Level at the ear-drum over that of the field without the head: (Hz, dB), rising in frequency.
    pub points: Vec<(f64, f64)>,
    /// How far the ear may be below: (Hz, dB), 0 or less.
    pub below: Vec<(f64, f64)>,
    /// How far the ear may be above: (Hz, dB), 0 or more.
    pub above: Vec<(f64, f64)>,
}

/// The responses of an ear, as the bench had them when it recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct EarResponse {
    /// The id of the calibration record.
    pub record: String,
    /// The serial number of the ear or of its head; `None` where a table stands for all ears of its kind.
    pub serial: Option<String>,
    /// How far the values have been verified; own curves are what their laboratory says, class A.
    pub class: LimitClass,
    /// Relative to the free field, sound from ahead.
    pub free_field: FieldResponse,
    /// Relative to the diffuse field.
    pub diffuse_field: FieldResponse,
    /// Whether the record held at capture time.
    pub validity: Validity,
}

impl EarResponse {
    /// The response to a field; none where the pressure at the ear-drum counts as it is.
    pub fn response(&self, field: EarField) -> Option<&FieldResponse> {
        match field {
            EarField::Free => Some(&self.free_field),
            EarField::Diffuse => Some(&self.diffuse_field),
            EarField::None => None,
        }
    }

    /// What takes the response to a field out of a recording.
    ///
    /// # Errors
    /// The points are no curve: a stored run was changed by hand.
    pub fn equalizer(&self, field: EarField) -> Result<Equalizer, CurveError> {
        let curve = self.response(field).map(|response| Curve::new(&response.points)).transpose()?;
        Ok(Equalizer { curve })
    }

    /// What this is, for the note of a finding: `free field of ear 12345 taken out (−0.5/+0.5 dB)`, with the widest
    /// tolerance of the curve.
    pub fn describe(&self, field: EarField) -> String {
        let Some(response) = self.response(field) else { return "pressure at the ear-drum".to_owned() };
        let (below, above) = response.tolerance_db();
        let whose = match &self.serial {
            Some(serial) => format!("{field} field of ear {serial} taken out"),
            None => {
                format!(
                    "{field} field by '{}' (class {}) taken out, not by the head's own curve",
                    self.record, self.class
                )
            }
        };
        format!("{whose} ({below:+}/{above:+} dB)")
    }
}

impl FieldResponse {
    /// The widest tolerance of the curve: below, above.
    pub fn tolerance_db(&self) -> (f64, f64) {
        let least = |points: &[(f64, f64)]| points.iter().fold(0.0, |least: f64, point| least.min(point.1));
        let most = |points: &[(f64, f64)]| points.iter().fold(0.0, |most: f64, point| most.max(point.1));
        (least(&self.below), most(&self.above))
    }
}

/// Takes an ear out of what its ear-drum heard; or leaves it as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Equalizer {
    curve: Option<Curve>,
}

impl Equalizer {
    /// Whether it changes nothing.
    pub fn is_flat(&self) -> bool {
        self.curve.is_none()
    }

    /// The response that is taken out at a frequency, in dB.
    pub fn response_db(&self, freq_hz: f64) -> f64 {
        self.curve.as_ref().map_or(0.0, |curve| curve.at(freq_hz, Outside::Hold))
    }

    /// The spectrum in the field, from that at the ear-drum.
    #[must_use]
    pub fn equalized(&self, mut spectrum: PowerSpectrum) -> PowerSpectrum {
        self.take_out(&mut spectrum.power, spectrum.bin_hz);
        spectrum
    }

    /// The density in the field, from that at the ear-drum.
    #[must_use]
    pub fn equalized_density(&self, mut psd: Psd) -> Psd {
        self.take_out(&mut psd.density, psd.bin_hz);
        psd
    }

    fn take_out(&self, lines: &mut [f64], bin_hz: f64) {
        let Some(curve) = &self.curve else { return };
        for (k, line) in lines.iter_mut().enumerate() {
            *line *= libm::pow(10.0, -curve.at(k as f64 * bin_hz, Outside::Hold) / 10.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::spectrum::power_spectrum;

    fn ear() -> EarResponse {
        let response = |db: f64| FieldResponse {
            points: vec![(1_000.0, 0.0), (2_000.0, db), (4_000.0, 0.0)],
            below: vec![(100.0, -0.5)],
            above: vec![(100.0, 0.5)],
        };
        EarResponse {
            record: "ear-1".to_owned(),
            serial: Some("1234".to_owned()),
            class: LimitClass::A,
            free_field: response(12.0),
            diffuse_field: response(8.0),
            validity: Validity::Valid,
        }
    }

    #[test]
    fn a_tone_at_the_ear_drum_is_lowered_by_the_response_of_its_field() {
        for (hz, free_db, diffuse_db) in
            [(500.0, 0.0, 0.0), (1_000.0, 0.0, 0.0), (2_000.0, 12.0, 8.0), (8_000.0, 0.0, 0.0)]
        {
            let tone: Vec<f64> =
                (0..48_000).map(|n| (std::f64::consts::TAU * hz * f64::from(n) / 48e3).sin()).collect();
            let spectrum = power_spectrum(&tone, 48_000);
            for (field, db) in
                [(EarField::Free, free_db), (EarField::Diffuse, diffuse_db), (EarField::None, 0.0)]
            {
                let equalizer = ear().equalizer(field).unwrap();
                let power = equalizer.equalized(spectrum.clone()).total_power();
                let lowered_db = -10.0 * (power / spectrum.total_power()).log10();
                assert!((lowered_db - db).abs() < 1e-6, "{field} {hz}: {lowered_db}");
                assert!((equalizer.response_db(hz) - db).abs() < 1e-9);
                assert_eq!(equalizer.is_flat(), field == EarField::None);
            }
        }
        // Half an octave, half the decibels.
        assert!((ear().equalizer(EarField::Free).unwrap().response_db(1_414.213_562) - 6.0).abs() < 1e-6);
    }

    #[test]
    fn an_ear_says_whose_it_is() {
        assert_eq!(ear().describe(EarField::Free), "free field of ear 1234 taken out (-0.5/+0.5 dB)");
        let table = EarResponse { serial: None, ..ear() };
        assert_eq!(
            table.describe(EarField::Diffuse),
            "diffuse field by 'ear-1' (class A) taken out, not by the head's own curve (-0.5/+0.5 dB)"
        );
        assert_eq!(table.describe(EarField::None), "pressure at the ear-drum");
    }

    #[test]
    fn points_that_are_no_curve_are_refused() {
        let mut broken = ear();
        broken.free_field.points.clear();
        assert!(broken.equalizer(EarField::Free).is_err());
        assert!(broken.equalizer(EarField::Diffuse).is_ok());
    }
}
