//! Echo loss and sent-speech attenuation in double talk with the AM-FM pair (P.501 7.2.4; P.1100, P.1110, P.1120 clause
//! 11.13.3 and 11.13.4).
//!
//! Far end and near end talk at once, each with one of two combs of tones whose bands never touch, so that the send
//! signal can be taken apart by frequency: what it holds in the bands of the far comb is echo, in those of the near
//! comb speech.
//!
//! - *Resolution*: segments of 131 072 points at 48 kHz (2.73 s at every rate), Blackman-Harris, three quarters
//!   overlapped. With 8 k points the window alone mixes 250 with 270 Hz at 36 dB.
//! - *Bands* end exactly at f_n ± Δf_n, though the amplitude modulation puts lines 3 Hz beyond them and the frequency
//!   modulation a few more: those 12 Hz beside 250 ± 5 Hz are only 55 dB down. A band that took its own lines in would
//!   take in those of the other comb. By the Bessel functions of the signal the combs are at least 86 dB apart with these
//!   edges and 54 dB (270 Hz) with 3 Hz more on either side. Leaving lines out costs nothing: the same part of a
//!   component is left out on both sides of each ratio. Clocks 100 ppm apart move an edge across a line and cost 0.15 dB.
//! - *Delay* does not matter: levels are averaged over seconds.
//! - The first half second is left out: an onset that comes later in the send signal than in the far signal is as broad
//!   as the whole comb.
//!
//! Sent-speech attenuation compares with the send signal while only the near end talks: against the near signal itself
//! it would contain the send response.
//!
//! *Spread*: fast switching of the near signal makes side lines that fall into the far bands and look like echo. They
//! fall between the combs too, where neither signal has anything. What lies there, at the width of a far band, is what
//! energy that is no echo can make of that band. Where that would read as an echo loss below 33 dB (the limit of type
//! 1 and 6 dB more) and is at least a quarter of what was read, the reading is of no use for a class. Noise does the same.

use std::ops::Range;

use super::MeterError;
use super::timeline;
use crate::dsp::DspError;
use crate::dsp::spectrum::{Psd, WelchSettings, Window, fast_len, power_spectrum_density};
use crate::signals::am_fm::{AM_HZ, Comb, Component};
use crate::units::{Db, Hz, Seconds};

/// Length of a segment: 131 072 points at 48 kHz.
pub const SEGMENT: Seconds = Seconds(131_072.0 / 48_000.0);
/// What is left out at the beginning: onset and delay.
pub const ONSET: Seconds = Seconds(0.5);
/// The components whose echo loss is told.
pub const ECHO_BAND: Range<f64> = 200.0..6_950.0;
/// The components whose sent-speech attenuation is told.
pub const SENT_BAND: Range<f64> = 200.0..6_900.0;
/// A spread that mimics more echo loss than this spoils no class.
pub const SPREAD_BELOW: Db = Db(33.0);
/// A spread that is less than this beside what was read does not make the reading.
pub const SPREAD_SHARE: Db = Db(-6.0);

/// A signal is one comb if that holds this much more than the other one.
const ONE_COMB: Db = Db(20.0);
/// A component is not in a signal if it is this far under what the others lead to expect: a band limit.
const MISSING: Db = Db(20.0);
/// Overlap of the segments.
const OVERLAP: f64 = 0.75;

/// One component of the far comb in the send signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EchoBand {
    /// Its frequency f_n.
    pub freq: Hz,
    /// Far signal over send signal; +∞ where the latter is silent.
    pub echo_loss: Db,
    /// What the energy between the combs, at the width of this band, would read as echo loss.
    pub unoccupied_loss: Db,
}

/// One component of the near comb in the send signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SentBand {
    /// Its frequency f_n.
    pub freq: Hz,
    /// Send signal with only the near end talking over send signal in double talk; `None` without the former.
    pub attenuation: Option<Db>,
}

/// Double talk by the AM-FM pair.
#[derive(Debug, Clone, PartialEq)]
pub struct DoubleTalk {
    /// The comb that the far end played.
    pub far: Comb,
    /// The comb that the near end played.
    pub near: Comb,
    /// Each component of the far comb from 200 to 6 950 Hz that the far signal holds.
    pub echo: Vec<EchoBand>,
    /// Each component of the near comb from 200 to 6 900 Hz that the near signal holds.
    pub sent: Vec<SentBand>,
    /// Energy that belongs to neither comb makes the echo reading: no class.
    pub spread: bool,
}

/// Takes `send` apart by the combs of `far` and `near`, all of one rate and playing at once over their common length.
///
/// # Errors
/// Fewer frames than half a second and one segment, a signal that is silent or not finite, a far or near signal that is
/// not one of the two combs, or both the same one.
pub fn double_talk(
    far: &[f64],
    near: &[f64],
    send: &[f64],
    near_only_send: Option<&[f64]>,
    rate: u32,
) -> Result<DoubleTalk, MeterError> {
    let len = far.len().min(near.len()).min(send.len());
    let density = |signal: &[f64], which| density(signal, rate, which);
    let far = density(&far[..len], "far signal")?;
    let near = density(&near[..len], "near signal")?;
    let send = density(&send[..len], "send signal")?;
    let alone = near_only_send.map(|signal| density(signal, "near-only send signal")).transpose()?;
    let far_comb = comb_of(&far, "far signal")?;
    let near_comb = comb_of(&near, "near signal")?;
    if far_comb == near_comb {
        return Err(MeterError::asked(
            format!("far and near signal both hold comb {}", far_comb.word()),
            "play one comb from either end",
        ));
    }
    let gaps = unoccupied(far.nyquist_hz);
    let echo: Vec<EchoBand> = present(&far, far_comb)
        .into_iter()
        .filter(|one| (ECHO_BAND.start..=ECHO_BAND.end).contains(&one.freq_hz))
        .map(|one| {
            let played = power(&far, one);
            let phantom = spread_density(&send, &gaps, one) * 2.0 * one.deviation_hz;
            EchoBand {
                freq: Hz(one.freq_hz),
                echo_loss: Db::from_power(played / power(&send, one)),
                unoccupied_loss: Db::from_power(played / phantom),
            }
        })
        .collect();
    let sent = present(&near, near_comb)
        .into_iter()
        .filter(|one| (SENT_BAND.start..=SENT_BAND.end).contains(&one.freq_hz))
        .map(|one| SentBand {
            freq: Hz(one.freq_hz),
            attenuation: alone.as_ref().map(|alone| Db::from_power(power(alone, one) / power(&send, one))),
        })
        .collect();
    let spread = echo.iter().any(|one| {
        one.unoccupied_loss < SPREAD_BELOW && one.unoccupied_loss.0 < one.echo_loss.0 - SPREAD_SHARE.0
    });
    Ok(DoubleTalk { far: far_comb, near: near_comb, echo, sent, spread })
}

fn density(signal: &[f64], rate: u32, which: &'static str) -> Result<Psd, MeterError> {
    let (size, skipped) = (fast_len(SEGMENT.frames(rate) as usize), ONSET.frames(rate) as usize);
    if signal.len() < skipped + size {
        return Err(DspError::TooShort { needed: skipped + size, found: signal.len() }.into());
    }
    timeline::finite(signal, which)?;
    let settings = WelchSettings { size, window: Window::BlackmanHarris, overlap: OVERLAP };
    Ok(power_spectrum_density(&signal[skipped..], rate, &settings)?)
}

/// The power of a component.
fn power(psd: &Psd, one: Component) -> f64 {
    psd.band_power(one.freq_hz - one.deviation_hz, one.freq_hz + one.deviation_hz)
}

fn below(one: &Component, nyquist_hz: f64) -> bool {
    one.freq_hz + one.deviation_hz < nyquist_hz
}

/// Which comb a signal is.
fn comb_of(psd: &Psd, which: &'static str) -> Result<Comb, MeterError> {
    let total = |comb: Comb| -> f64 {
        comb.components()
            .into_iter()
            .filter(|one| below(one, psd.nyquist_hz))
            .map(|one| power(psd, one))
            .sum()
    };
    let powers = Comb::ALL.map(|comb| (comb, total(comb)));
    let [(one, of_one), (two, of_two)] = powers;
    if of_one == 0.0 && of_two == 0.0 {
        return Err(DspError::Silent { which }.into());
    }
    if of_one > of_two * ONE_COMB.power() {
        Ok(one)
    } else if of_two > of_one * ONE_COMB.power() {
        Ok(two)
    } else {
        Err(MeterError::asked(
            format!("the {which} is neither of the two AM-FM combs"),
            "give what was played, an AM-FM signal of P.501 7.2.4, from its beginning on",
        ))
    }
}

/// The components of `comb` that a signal holds: those near the level that the others lead to expect.
fn present(psd: &Psd, comb: Comb) -> Vec<Component> {
    let level = |one: &Component| Db::from_power(power(psd, *one)).0 - one.level_db();
    let mut all = comb.components();
    all.retain(|one| below(one, psd.nyquist_hz));
    let top = all.iter().map(level).fold(f64::NEG_INFINITY, f64::max);
    all.retain(|one| level(one) >= top - MISSING.0);
    all
}

/// The spans between the components of both combs, as far as both are 70 dB down there.
fn unoccupied(nyquist_hz: f64) -> Vec<Range<f64>> {
    let mut taken: Vec<Range<f64>> = Comb::ALL
        .iter()
        .flat_map(|comb| comb.components())
        .map(|one| {
            // Bessel functions of order k > β fall by 70 dB within five times (β/2)^⅓; then the amplitude modulation.
            let reach_hz = one.deviation_hz + 5.0 * (one.deviation_hz / 2.0).cbrt() + AM_HZ;
            one.freq_hz - reach_hz..one.freq_hz + reach_hz
        })
        .collect();
    taken.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut gaps = Vec::new();
    let mut from_hz = 60.0;
    for one in taken {
        if one.start - from_hz >= GAP_MIN_HZ && one.start < nyquist_hz {
            gaps.push(from_hz..one.start);
        }
        from_hz = from_hz.max(one.end);
    }
    gaps
}

/// A gap holds at least some ten bins, beside the width of the window.
const GAP_MIN_HZ: f64 = 5.0;

/// The larger density of the gaps next to a component below and above.
fn spread_density(psd: &Psd, gaps: &[Range<f64>], one: Component) -> f64 {
    let density = |gap: &Range<f64>| psd.band_power(gap.start, gap.end) / (gap.end - gap.start);
    let lower = gaps.iter().rev().find(|gap| gap.end <= one.freq_hz).map_or(0.0, density);
    let upper = gaps.iter().find(|gap| gap.start >= one.freq_hz).map_or(0.0, density);
    lower.max(upper)
}
