//! The noise: what falls into the gaps of its line spectrum.

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};

use super::{CROSS, DELAY_MAX, Reading, STEADY, Source, frames};
use crate::calibration::ear::Equalizer;
use crate::capture::Take;
use crate::context::Track;
use crate::dsp::spectrum::{forward, inverse};
use crate::entry::Entry;
use crate::finding::Unmeasurable;
use crate::meters::comb::{CombRecords, PERIODS_MIN, comb_distortion};
use crate::methods::idle_noise;
use crate::take::{Frame, RATE};

/// The period of the noise in frames.
const PERIOD: usize = 8_192;
/// What of the distortion noise may be before it hides the rest, as a share of the value: 6 dB.
const NOISE_SHARE_MAX: f64 = 0.5;

/// The reading of one recording.
pub(super) fn read(
    source: &Source,
    track: &Track,
    ear: &Equalizer,
    entry: &Entry,
    take: &Take,
) -> Result<Vec<Reading>, Unmeasurable> {
    let steady = take.span(STEADY);
    // One period more than the longest delay, so that the path stands; the noise goes on to the end of the window.
    let from = steady.start + (frames(entry.parameters.get(&DELAY_MAX)) + PERIOD) as Frame;
    let window = from..from + (PERIODS_MIN * PERIOD) as Frame;
    if window.end > steady.end {
        return Err(Unmeasurable::because(format!(
            "the noise ends {:.0} ms before its analysis: shorten delay_max",
            (window.end - steady.end) as f64 / f64::from(RATE) * 1e3
        )));
    }
    let recorded = without(ear, track.slice(window.clone()));
    let records = CombRecords {
        played: source.played.slice(window.clone()),
        before: source.before.as_ref().map(|track| track.slice(window.clone())),
        recorded: &recorded,
    };
    let (from_hz, to_hz) = idle_noise::band_hz(entry.bandwidth);
    let band_hz = from_hz..=to_hz;
    let found = comb_distortion(records, RATE, PERIOD, band_hz.clone())
        .map_err(|error| Unmeasurable::because(error.to_string()))?;
    let hidden = (found.noise_percent > NOISE_SHARE_MAX * found.with_noise_percent)
        .then_some(found.with_noise_percent);
    let doubt = found.doubt_percent.hypot(CROSS * mouth_share(source, window, band_hz)? * found.percent);
    let mut reading =
        Reading::judged("_total", found.percent, doubt, hidden, source.is_unknown).and_note(&format!(
            "noise, {} gaps from {from_hz} to {to_hz} Hz, by chance ± {:.3} %",
            found.gaps, found.scatter_percent
        ));
    reading.uncertainty = Some(reading.uncertainty.unwrap_or(0.0).hypot(found.scatter_percent));
    Ok(vec![reading])
}

/// A record of whole periods in the field in front of an ear: every line and gap is divided by the ear's response at its
/// own frequency. The lines repeat within the record, so that nothing of them runs over its ends.
fn without<'r>(ear: &Equalizer, record: &'r [f64]) -> Cow<'r, [f64]> {
    if ear.is_flat() {
        return Cow::Borrowed(record);
    }
    let mut bins = forward(record);
    for (k, bin) in bins.iter_mut().enumerate() {
        let hz = k as f64 * f64::from(RATE) / record.len() as f64;
        *bin *= libm::pow(10.0, -ear.response_db(hz) / 20.0);
    }
    Cow::Owned(inverse(&bins, record.len()))
}

/// What the mouth itself adds, over what it plays.
fn mouth_share(
    source: &Source,
    window: Range<Frame>,
    band_hz: RangeInclusive<f64>,
) -> Result<f64, Unmeasurable> {
    let Some(before) = &source.before else { return Ok(0.0) };
    let (played, recorded) = (source.played.slice(window.clone()), before.slice(window));
    let records = CombRecords { played, before: None, recorded };
    comb_distortion(records, RATE, PERIOD, band_hz)
        .map(|found| found.percent / 100.0)
        .map_err(|error| Unmeasurable::because(format!("at the MRP: {error}")))
}
