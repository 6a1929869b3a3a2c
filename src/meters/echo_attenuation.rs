//! Echo attenuation against time (P.1100, P.1110, P.1120 clause 11.11; P.502).
//!
//! Reference and echo go through the same first-order mean-square meter (35 ms), the echo advanced by the delay of the
//! path, both from rest at the same frame. Attenuation = level of the reference − level of the echo.
//!
//! Only frames in which the reference is active are told: in a pause the meters merely fall, and what is read is the
//! reverberation and the noise. A frame is active where both the fast meter (5 ms, both ways) and the meter itself
//! are within 15.9 dB, the margin of P.56, of the active level of the reference.

use super::MeterError;
use super::timeline::{self, ACTIVE_MARGIN, PathDelay};
use crate::dsp::DspError;
use crate::dsp::align::Polarity;
use crate::dsp::level::{dbov, mean_square, mean_square_series};
use crate::units::{Db, DbOv, Seconds};

/// An echo less than this above the idle noise is a bound: noise may be what is read.
pub const NOISE_MARGIN: Db = Db(6.0);

/// How to measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EchoSettings {
    /// Integration time of both meters.
    pub integration: Seconds,
    /// Distance of the frames that are told.
    pub step: Seconds,
    /// The delay of the path, where it is known; otherwise it is measured.
    pub delay: Option<Seconds>,
    /// The largest delay looked for.
    pub delay_max: Seconds,
}

impl Default for EchoSettings {
    /// 35 ms, a reading every 5 ms, the delay measured between 0 and 1 s.
    fn default() -> Self {
        Self { integration: Seconds(0.035), step: Seconds(0.005), delay: None, delay_max: Seconds(1.0) }
    }
}

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EchoFrame {
    /// When, on the time line of the reference.
    pub time: Seconds,
    /// Level of the reference on the meter.
    pub reference_level: DbOv,
    /// Level of the echo on the meter; −∞ where it is digitally silent.
    pub echo_level: DbOv,
    /// Reference less echo; +∞ where the echo is silent.
    pub attenuation: Db,
    /// The echo is less than 6 dB above the idle noise: the attenuation is a lower bound.
    pub noise_limited: bool,
}

/// Echo attenuation against time.
#[derive(Debug, Clone, PartialEq)]
pub struct EchoAttenuation {
    /// By how much the echo was advanced.
    pub delay: PathDelay,
    /// The active level of the reference.
    pub active_level: DbOv,
    /// The readings, of active frames only.
    pub frames: Vec<EchoFrame>,
}

/// Echo attenuation of `echo` against `reference`, both of one rate and from the same instant on; `idle` is a recording
/// of the same path without a reference.
///
/// # Errors
/// The delay cannot be found, the reference is silent, no active frame lies within the echo, or the settings are none.
pub fn echo_attenuation(
    reference: &[f64],
    echo: &[f64],
    idle: Option<&[f64]>,
    rate: u32,
    settings: &EchoSettings,
) -> Result<EchoAttenuation, MeterError> {
    for (what, value) in [("the integration time", settings.integration), ("the step", settings.step)] {
        let usable = value.0 > 0.0 && value.0 <= 10.0;
        if !usable {
            return Err(MeterError::asked(format!("{what} is {} ms", value.as_ms()), "use 0.1 to 10 000 ms"));
        }
    }
    timeline::finite(reference, "reference")?;
    timeline::finite(echo, "echo")?;
    let noise = match idle {
        None => None,
        Some([]) => return Err(DspError::TooShort { needed: 1, found: 0 }.into()),
        Some(idle) => {
            timeline::finite(idle, "idle noise")?;
            Some(mean_square(idle))
        }
    };
    let active = timeline::active_power(reference, rate, "reference")?;
    let delay = match timeline::path_delay(reference, echo, rate, settings.delay, settings.delay_max) {
        // Without an echo that stands out, the noise is what is read, and its level needs no alignment: a bound.
        Err(MeterError::Asked { .. }) if noise.is_some() && settings.delay.is_none() => {
            PathDelay { delay: Seconds(0.0), polarity: Polarity::Upright, correlation: None }
        }
        found => found?,
    };
    let aligned = timeline::advanced(echo, rate, delay.delay);
    let len = reference.len().min(aligned.len());
    let (reference, aligned) = (&reference[..len], &aligned[..len]);
    let step = settings.step.frames(rate).max(1) as usize;
    let references = mean_square_series(reference, rate, settings.integration, step);
    let echoes = mean_square_series(aligned, rate, settings.integration, step);
    let envelope = timeline::envelope(reference, rate);
    let threshold = active * Db(-ACTIVE_MARGIN.0).power();
    let mut frames = Vec::new();
    for (i, (&loud, &quiet)) in references.iter().zip(&echoes).enumerate() {
        let read_after = (i + 1) * step;
        if loud < threshold || envelope[read_after - 1] < threshold {
            continue;
        }
        frames.push(EchoFrame {
            time: Seconds(read_after as f64 / f64::from(rate)),
            reference_level: dbov(loud),
            echo_level: dbov(quiet),
            attenuation: Db::from_power(loud / quiet),
            noise_limited: noise.is_some_and(|noise| quiet < noise * NOISE_MARGIN.power()),
        });
    }
    if frames.is_empty() {
        return Err(MeterError::asked(
            "no frame in which the reference is active lies within the echo",
            "record until the echo has passed, or give the right delay",
        ));
    }
    Ok(EchoAttenuation { delay, active_level: dbov(active), frames })
}
