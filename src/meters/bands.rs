//! Levels in fractional-octave bands (IEC 61260-1), by the DFT of the whole record or by class 1 filters.
//!
//! The DFT gives what lies between the band edges, sharply; filters give what an instrument reads, whose skirts let some
//! of the neighbors in and whose settling takes from the beginning. A band narrower than the reciprocal of the duration
//! has no level by either: the record cannot tell it from its neighbors.

use super::MeterError;
use crate::dsp::DspError;
use crate::dsp::bands::{Band, Bands, band_levels};
use crate::dsp::filter_bank::FilterBank;

/// How bands are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandMethod {
    /// By the DFT of the whole record without window; a bin that an edge cuts counts in part.
    Fft,
    /// By filters of class 1, from rest over the whole record.
    Filter,
}

/// Which bands are asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BandRequest {
    /// Bands in an octave: 1, 3, 6, 12 or 24.
    pub per_octave: u32,
    /// The lowest band, by its nominal frequency or one near it; without, the first from 20 Hz on.
    pub from_hz: Option<f64>,
    /// The highest band; without, the last one that the rate holds whole.
    pub to_hz: Option<f64>,
    /// How they are separated.
    pub method: BandMethod,
}

/// Levels in bands.
#[derive(Debug, Clone, PartialEq)]
pub struct BandLevels {
    /// The bands.
    pub bands: Bands,
    /// The power of each, in the square of the signal's unit; none where the record is too short for the band.
    pub powers: Vec<Option<f64>>,
    /// What is to be known about them, if anything.
    pub note: Option<String>,
}

/// Where the bands begin if nothing is said.
const FIRST_HZ: f64 = 20.0;
/// From which loss on settling is told.
const TOLD_DB: f64 = 0.1;

impl BandRequest {
    /// The levels in the bands.
    ///
    /// # Errors
    /// The signal is empty, the rate does not hold the bands, or the record is too short for all of them.
    pub fn measure(&self, signal: &[f64], rate: u32) -> Result<BandLevels, MeterError> {
        if signal.is_empty() {
            return Err(DspError::TooShort { needed: 1, found: 0 }.into());
        }
        let bands = self.bands(rate)?;
        let duration_s = signal.len() as f64 / f64::from(rate);
        let resolved = |band: &Band| (band.upper_hz - band.lower_hz) * duration_s >= 1.0;
        if !bands.iter().any(resolved) {
            let needed_s =
                bands.iter().map(|band| 1.0 / (band.upper_hz - band.lower_hz)).fold(f64::MAX, f64::min);
            return Err(MeterError::asked(
                format!(
                    "the signal lasts {duration_s:.3} s, the widest of these bands needs {needed_s:.3} s"
                ),
                "record longer, or ask for wider or higher bands",
            ));
        }
        let mut notes: Vec<String> = Vec::new();
        let powers = match self.method {
            BandMethod::Fft => band_levels(signal, rate, &bands),
            BandMethod::Filter => {
                let bank = FilterBank::new(&bands, rate)
                    .map_err(|refused| MeterError::asked(refused.to_string(), "or take --method fft"))?;
                notes.extend(settling(&bank, duration_s, resolved));
                bank.powers(signal)
            }
        };
        let powers: Vec<Option<f64>> =
            bands.iter().zip(powers).map(|(band, power)| resolved(band).then_some(power)).collect();
        if let Some(last) = bands.iter().rfind(|band| !resolved(band)) {
            notes.insert(
                0,
                format!(
                    "no level up to {} Hz: the bands are narrower than {:.2} Hz, which is what {duration_s:.3} s resolve",
                    last.nominal_hz,
                    1.0 / duration_s
                ),
            );
        }
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        Ok(BandLevels { bands, powers, note })
    }

    /// The bands themselves. None is left out in silence: one that was asked for and does not fit is refused.
    fn bands(&self, rate: u32) -> Result<Bands, MeterError> {
        let nyquist_hz = f64::from(rate) / 2.0;
        let highest_hz = match self.method {
            BandMethod::Fft => nyquist_hz,
            BandMethod::Filter => FilterBank::highest_hz(rate),
        };
        for hz in [self.from_hz, self.to_hz].into_iter().flatten() {
            if !(hz.is_finite() && hz >= 1e-3) {
                return Err(MeterError::asked(
                    format!("no band lies at {hz} Hz"),
                    "ask for 0.001 Hz and above",
                ));
            }
        }
        let (from_hz, to_hz) = (self.from_hz.unwrap_or(FIRST_HZ), self.to_hz.unwrap_or(nyquist_hz));
        if from_hz > to_hz {
            let remedy = format!(
                "{rate} frames per second hold bands below {nyquist_hz} Hz; raise the upper end or lower the other"
            );
            return Err(MeterError::asked(format!("no bands from {from_hz} to {to_hz} Hz"), remedy));
        }
        let all = Bands::per_octave(self.per_octave, from_hz, to_hz);
        let wanted_from = |band: &&Band| self.from_hz.is_some() || band.nominal_hz >= FIRST_HZ;
        let wanted_to = |band: &&Band| self.to_hz.is_some() || band.upper_hz <= highest_hz;
        let ends = (all.iter().find(wanted_from), all.iter().rfind(wanted_to));
        let (Some(first), Some(last)) = ends else {
            let remedy = "record at a higher rate, or ask for lower or narrower bands";
            return Err(MeterError::asked(
                format!("{rate} frames per second hold none of these bands"),
                remedy,
            ));
        };
        if last.upper_hz > highest_hz {
            let what = format!(
                "the band at {} Hz reaches up to {:.0} Hz, and at {rate} frames per second bands end at {highest_hz:.0} Hz",
                last.nominal_hz, last.upper_hz
            );
            return Err(MeterError::asked(what, "lower --to-hz, or record at a higher rate"));
        }
        if first.midband_hz > last.midband_hz {
            let what = format!("{rate} frames per second hold no band from {from_hz} Hz on");
            return Err(MeterError::asked(what, "ask for lower bands, or record at a higher rate"));
        }
        Ok(Bands::per_octave(self.per_octave, first.midband_hz, last.midband_hz))
    }
}

/// Which bands read low because their filters take part of the record to settle.
fn settling(bank: &FilterBank, duration_s: f64, resolved: impl Fn(&Band) -> bool) -> Option<String> {
    let low_db = |i: usize| -10.0 * (1.0 - (bank.settling(i).0 / duration_s).min(1.0)).log10();
    let slow: Vec<usize> = (0..bank.bands().len())
        .filter(|&i| resolved(&bank.bands().as_slice()[i]) && low_db(i) > TOLD_DB)
        .collect();
    let (first, last) = (*slow.first()?, *slow.last()?);
    Some(format!(
        "filters start from rest: steady sound reads low up to {} Hz, by {:.1} dB in the lowest band; --method fft does not",
        bank.bands().as_slice()[last].nominal_hz,
        low_db(first)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const THIRDS: BandRequest =
        BandRequest { per_octave: 3, from_hz: None, to_hz: None, method: BandMethod::Fft };
    const FILTERS: BandRequest = BandRequest { method: BandMethod::Filter, ..THIRDS };

    fn ends(request: BandRequest, rate: u32) -> (f64, f64) {
        let bands = request.bands(rate).unwrap();
        (bands.as_slice()[0].nominal_hz, bands.as_slice()[bands.len() - 1].nominal_hz)
    }

    fn refused(request: BandRequest, frames: usize, rate: u32) -> String {
        request.measure(&vec![0.1; frames], rate).unwrap_err().to_string()
    }

    #[test]
    fn bands_reach_from_20_hz_to_what_the_rate_holds_whole() {
        for request in [THIRDS, FILTERS] {
            let tops = [8000, 16_000, 32_000, 44_100, 48_000, 96_000].map(|rate| ends(request, rate));
            assert_eq!(
                tops,
                [
                    (20.0, 3150.0),
                    (20.0, 6300.0),
                    (20.0, 12_500.0),
                    (20.0, 16_000.0),
                    (20.0, 20_000.0),
                    (20.0, 40_000.0)
                ]
            );
        }
        assert_eq!(ends(BandRequest { per_octave: 1, ..THIRDS }, 48_000), (31.5, 16_000.0));
        assert_eq!(
            ends(BandRequest { from_hz: Some(12.5), to_hz: Some(100.0), ..THIRDS }, 48_000),
            (12.5, 100.0)
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_reason() {
        let to = |hz| BandRequest { to_hz: Some(hz), ..THIRDS };
        assert!(refused(to(4000.0), 8000, 8000).contains("reaches up to 4467 Hz"));
        assert!(
            refused(BandRequest { to_hz: Some(20_000.0), ..FILTERS }, 44_100, 44_100)
                .contains("end at 20727 Hz")
        );
        assert!(refused(to(10.0), 8000, 8000).contains("no bands from 20 to 10 Hz"));
        assert!(refused(to(f64::NAN), 8000, 8000).contains("no band lies at NaN Hz"));
        assert!(refused(THIRDS, 100, 10).contains("no bands from 20 to 5 Hz"));
        assert!(
            refused(BandRequest { per_octave: 1, ..THIRDS }, 100, 60).contains("hold no band from 20 Hz on")
        );
        assert!(refused(THIRDS, 0, 8000).contains("0 frames"));
        assert!(refused(THIRDS, 1, 8000).contains("the widest of these bands needs 0.001 s"));
    }

    #[test]
    fn bands_that_the_record_cannot_resolve_have_no_level_and_it_is_said() {
        // A tenth of a second resolves 10 Hz: the band at 50 Hz is 11.5 Hz wide, that at 40 Hz 9.2 Hz.
        let read = THIRDS.measure(&vec![0.5; 4800], 48_000).unwrap();
        let known = read.bands.iter().zip(&read.powers).find(|(_, power)| power.is_some()).unwrap().0;
        assert_eq!(known.nominal_hz, 50.0);
        assert_eq!(read.powers.iter().filter(|power| power.is_none()).count(), 4);
        assert!(read.note.unwrap().contains("no level up to 40 Hz: the bands are narrower than 10.00 Hz"));
        assert_eq!(THIRDS.measure(&vec![0.5; 48_000], 48_000).unwrap().note, None);
    }

    #[test]
    fn settling_is_told_where_it_matters() {
        let note = FILTERS.measure(&vec![0.5; 48_000], 48_000).unwrap().note.unwrap();
        assert!(note.contains("reads low up to 125 Hz, by 0.9 dB in the lowest band"), "{note}");
        assert_eq!(FILTERS.measure(&vec![0.5; 480_000], 48_000).unwrap().note, None);
    }
}
