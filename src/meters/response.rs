//! Response: what a path does to the level of a signal, band by band.
//!
//! 1. The delay is found by correlation (as `measure delay`); where nothing stands out of chance, and the recording is
//!    not the reference by nine tenths (as tones are), there is no response.
//! 2. Reference and recording, aligned to the nearest frame, are cut to what both have in common.
//! 3. The gain of a band is the energy of the recording over that of the reference in it, by the DFT of the whole
//!    records without a window; bins that a band edge cuts count in part (IEC 61260-1 midbands and edges).
//!
//! Noise of the recording counts as signal. A band in which the reference lies more than 80 dB under the whole of it has
//! no gain.

use super::MeterError;
use super::band_energy::{band_energies, empty_bands};
use super::delay::DelayRequest;
use crate::dsp::align::Delay;
use crate::dsp::bands::Bands;

/// A band of the stimulus this far below the whole of it tells nothing: with 16 bits, the rounding of speech at −26 dBov
/// lies 85 dB below it in a third octave at 10 kHz, and a ratio of roundings would look like a response.
pub const EMPTY_BELOW_DB: f64 = 80.0;

/// A response in bands.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The bands.
    pub bands: Bands,
    /// The gain of each in dB; `None` where the reference has nothing.
    pub gain_db: Vec<Option<f64>>,
    /// The delay by which the recording was aligned.
    pub delay: Delay,
}

/// Which frames of a reference and of its recording belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Common<'a> {
    /// The part of the reference whose answer was recorded.
    pub reference: &'a [f64],
    /// That answer, to the nearest frame.
    pub captured: &'a [f64],
    /// The delay between them.
    pub delay: Delay,
}

/// Aligns a recording to its reference, both from one instant on: what both have in common.
///
/// # Errors
/// No delay stands out of chance, or the signals cannot be analyzed.
pub fn common<'a>(
    reference: &'a [f64],
    captured: &'a [f64],
    rate: u32,
    search: &DelayRequest,
) -> Result<Common<'a>, MeterError> {
    let delay = search.align(reference, captured, rate)?;
    let frames = libm::round(delay.delay.0 * f64::from(rate)) as i64;
    let (skip_reference, skip_captured) = ((-frames).max(0) as usize, frames.max(0) as usize);
    let (reference, captured) = (&reference[skip_reference..], &captured[skip_captured..]);
    let length = reference.len().min(captured.len());
    Ok(Common { reference: &reference[..length], captured: &captured[..length], delay })
}

/// The response from `reference` to `captured` in `bands`.
///
/// # Errors
/// As [`common`].
pub fn response(
    reference: &[f64],
    captured: &[f64],
    rate: u32,
    bands: &Bands,
    search: &DelayRequest,
) -> Result<Response, MeterError> {
    let Common { reference, captured, delay } = common(reference, captured, rate, search)?;
    let (input, output) = (band_energies(reference, rate, bands), band_energies(captured, rate, bands));
    let empty = empty_bands(&input, 0..bands.len(), EMPTY_BELOW_DB);
    let gain_db = (0..bands.len())
        .map(|i| (!empty.contains(&i)).then(|| 10.0 * (output[i] / input[i]).log10()))
        .collect();
    Ok(Response { bands: bands.clone(), gain_db, delay })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::filter::Cascade;
    use crate::units::Seconds;

    fn noise(count: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / 2f64.powi(52) - 1.0
        })
        .take(count)
        .collect()
    }

    const SEARCH: DelayRequest = DelayRequest { min: Seconds(-0.2), max: Seconds(0.5) };

    #[test]
    fn a_filter_is_read_band_by_band_whatever_its_delay_and_sign() {
        let x = noise(160_000, 1);
        let filter = Cascade::butterworth_lowpass(2, 16_000, 1000.0);
        let late = |delay: usize, sign: f64| -> Vec<f64> {
            let mut y = vec![0.0; delay];
            y.extend(filter.clone().filtered(&x).iter().map(|v| sign * v));
            y
        };
        let bands = Bands::third_octave(200.0, 6300.0);
        for (delay, sign) in [(0, 1.0), (1600, -1.0)] {
            let read = response(&x, &late(delay, sign), 16_000, &bands, &SEARCH).unwrap();
            for (band, gain_db) in bands.iter().zip(&read.gain_db) {
                // The mean of the squared gain over the band, by 2 000 lines.
                let step = (band.upper_hz - band.lower_hz) / 2000.0;
                let mean: f64 = (0..2000)
                    .map(|k| {
                        10f64.powf(filter.gain_db(16_000, band.lower_hz + (f64::from(k) + 0.5) * step) / 10.0)
                    })
                    .sum::<f64>()
                    / 2000.0;
                // 10 s of noise hold 460 and more lines in the narrowest band, whose powers weigh the slope: 0.1 dB.
                assert!(
                    (gain_db.unwrap() - 10.0 * mean.log10()).abs() < 0.1,
                    "{} {gain_db:?}",
                    band.nominal_hz
                );
            }
            assert_eq!(read.delay.polarity.sign(), sign);
        }
    }

    #[test]
    fn bands_without_stimulus_have_no_gain() {
        let mut x = Cascade::butterworth_lowpass(9, 48_000, 300.0).filtered(&noise(96_000, 3));
        // Faded: the cut of a record at its ends would reach into every band.
        for (n, x) in x.iter_mut().enumerate() {
            *x *= (std::f64::consts::PI * n as f64 / 96_000.0).sin().powi(2);
        }
        let bands = Bands::third_octave(100.0, 10_000.0);
        let read = response(&x, &x, 48_000, &bands, &SEARCH).unwrap();
        assert!(read.gain_db[0].unwrap().abs() < 1e-9 && read.gain_db[20].is_none());
    }

    #[test]
    fn strangers_have_no_response() {
        let error = common(&noise(16_000, 1), &noise(16_000, 2), 16_000, &SEARCH).unwrap_err();
        assert!(error.to_string().contains("no delay from -200 to 500 ms"), "{error}");
    }
}
