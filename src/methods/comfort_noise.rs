//! # Comfort noise
//!
//! ## What it measures
//!
//! Whether the noise that a terminal plays to the far end while that speaks is like the one that it sends otherwise: its
//! level and its spectrum.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clause 11.14.6 (10/2025); 11.13 in 03/2017: level within +2 and −5 dB; third octaves within
//! 12 dB from 200 to 800 Hz, 10 dB to 2 kHz, 6 dB to 4 kHz (narrowband), 8 kHz (wideband) or 14 kHz (super-wideband).
//!
//! ## Stimulus and capture points
//!
//! Driving noise in a conditioned call. At least 15 s of it alone, a whole number of turns; then a composite source signal
//! from the POI at −16 dBm0, without a pause in which a hang-over could end. The POI in send is recorded.
//!
//! ## Computation
//!
//! 1. The part in which the far end speaks, from 1 s after its beginning on, when delay and switching are over, to its end.
//! 2. The same sound of the noise, a whole number of turns before, while the far end is silent. That is the noise
//!    *transmitted in send*: the noise at the microphone is none that the far end ever hears.
//! 3. `comfort_noise_level`: A-weighted level under the far end minus level alone.
//! 4. `comfort_noise_spectrum`: the same in third octaves from 200 Hz on, averaged in segments of 500 ms.
//! 5. The share of echo is the part of the send signal that follows the far end, of all and by third octaves. Up to a tenth
//!    of the power, 0.5 dB, it does not matter.
//!
//! ## What makes it inconclusive
//!
//! - Echo is more than a tenth of what is sent: the level lies *between* what was read and what is left without it; in a
//!   third octave the comfort noise is *at most* what was read.
//! - A third octave of the noise alone that is less than 6 dB above what a 16-bit codec can code there: it decides nothing.
//! - The noise alone is less than 10 dB above that as a whole; a track in another plane or with values that are no numbers,
//!   a bad certificate.
//!
//! ## How to read the result
//!
//! A level near 0 dB with a flat deviation is a terminal that goes on sending the noise, or whose comfort noise is good: the
//! two are not told apart, and need not be. A level far below is a terminal that mutes send.

use std::ops::Range;

use super::call::{self, CONDITIONING, DELAY_MAX, LEVEL_POI, SETTLING, Timeline, quantity};
use super::echo::{bounded, db};
use super::transmitted_noise::{self, ALONE, CONDITIONED, ECHO_MAX, Echo, SPEECH, Sent, turn, turns_over};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Unmeasurable};
use crate::meters::noise_change::noise_change;
use crate::take::{Frame, RATE, frames};
use crate::terms::{Bandwidth, Port};
use crate::units::{Seconds, Unit};
use crate::verdict::Flag;

const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "What the far end says: at least 5 s without a pause of more than 150 ms.",
    "css-fb",
);

static CARD: Card = Card {
    id: "comfort_noise",
    title: "Comfort noise",
    source: include_str!("comfort_noise.rs"),
    measurands: &[
        Measurand {
            id: "comfort_noise_level",
            doc: "A-weighted level of the noise while the far end speaks over that of the same noise alone.",
            unit: Unit::Db,
        },
        Measurand { id: "comfort_noise_spectrum", doc: "The same in third octaves.", unit: Unit::Db },
    ],
    parameters: &[SIGNAL.spec(), LEVEL_POI.spec(), DELAY_MAX.spec(), CONDITIONING.spec()],
    shown_on: Some(FAST),
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "comfort";
/// The meter of the picture.
const FAST: Seconds = Seconds(0.125);
/// From the beginning of the far end to where its noise is read: the longest delay, and as long again to switch.
const SWITCHING: Seconds = Seconds(1.0);
/// A shorter part says nothing about a noise.
const LENGTH_MIN: Seconds = Seconds(5.0);
/// The lowest third octave that is told.
const FIRST_HZ: f64 = 200.0;
/// The noise alone must be so far above what can be coded.
const ROOM_DB: f64 = 10.0;
/// In a third octave.
const BAND_ROOM_DB: f64 = 6.0;

/// Comfort noise.
pub struct ComfortNoise;

impl Method for ComfortNoise {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = transmitted_noise::checks(entry, cx);
        let far = Port::of(Port::POI_RECEIVE);
        checks.plays(cx, &far);
        let signal = entry.parameters.get(&SIGNAL);
        let length = cx.signal(&signal.0).frames;
        let least = frames(LENGTH_MIN) + frames(SWITCHING);
        if length < least {
            let seconds = |frames: Frame| format!("{:.2} s", frames as f64 / f64::from(RATE));
            let found = format!("{} of {}", signal.0, seconds(length));
            checks.refuse(&SIGNAL, found, format!("at least {}", seconds(least)), "use css-fb or css-nb");
        }
        checks.done()?;
        let mut take = Timeline::new(TAKE);
        take.wait(SETTLING);
        let spoken = Seconds(length as f64 / f64::from(RATE));
        let alone = turns_over(turn(entry, cx), if spoken.0 > CONDITIONED.0 { spoken } else { CONDITIONED });
        take.wait_as(ALONE, Seconds(alone as f64 / f64::from(RATE)));
        let at = take.play(&far, &signal, quantity(entry.parameters.get(&LEVEL_POI)), cx);
        take.name_span(SPEECH, at + frames(SWITCHING)..at + length);
        take.wait(entry.parameters.get(&DELAY_MAX));
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&[Port::of(Port::POI_SEND)])] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let sent = Sent::of(cx, take)?;
        let far = evidence::played(cx, take, &Port::of(Port::POI_RECEIVE), Unit::Dbm0)?;
        let (alone, under) = (take.span(ALONE), take.span(SPEECH));
        let before = sent.same_sound(&under, &alone).ok_or_else(|| {
            Unmeasurable::because("the same sound of the noise was not recorded alone".to_owned())
        })?;
        if db(sent.power(&before)) < db(sent.silence) + ROOM_DB {
            return Err(Unmeasurable::because(format!(
                "the noise alone is {:.1} dBm0(A) at the POI, no more than a 16-bit codec can code: use a louder noise",
                db(sent.power(&before))
            )));
        }
        let delay_max = entry.parameters.get(&DELAY_MAX);
        let echo = Echo::read(&far, &sent.track, &under, std::slice::from_ref(&under), delay_max);
        let findings =
            [level(&sent, &before, &under, &echo), spectrum(&sent, &before, &under, &echo, entry)?];
        let complete = |mut finding| {
            evidence::complete(&mut finding, take, SPEECH, Vec::new());
            finding
        };
        Ok(findings.map(complete).into())
    }
}

fn level(sent: &Sent, before: &Range<Frame>, under: &Range<Frame>, echo: &Echo) -> Finding {
    let (alone_db, under_db) = (db(sent.power(before)), db(sent.power(under)));
    let share = echo.weighted_share();
    let mut finding = Finding::scalar("comfort_noise_level", under_db - alone_db, Unit::Db);
    finding.note = format!(
        "{under_db:.1} dBm0(A) while the far end speaks, {alone_db:.1} dBm0(A) alone, {:.0} s before; echo {:.1} % of it",
        (under.start - before.start) as f64 / f64::from(RATE),
        100.0 * share
    );
    // NaN is not little.
    let is_little = share <= ECHO_MAX;
    if !is_little {
        finding.bound = Bound::Between(under_db - alone_db + db(echo.certain_noise()));
        finding.flags.push(Flag::Bound);
    }
    finding
}

fn spectrum(
    sent: &Sent,
    before: &Range<Frame>,
    under: &Range<Frame>,
    echo: &Echo,
    entry: &Entry,
) -> Result<Finding, Unmeasurable> {
    let mut both = sent.track.slice(before.clone()).to_vec();
    let seam_s = both.len() as f64 / f64::from(RATE);
    both.extend_from_slice(sent.track.slice(under.clone()));
    let end_s = both.len() as f64 / f64::from(RATE);
    let change = noise_change(&both, RATE, &(0.0..seam_s), &(seam_s..end_s))
        .map_err(|error| Unmeasurable::because(error.to_string()))?;
    let last_hz = match entry.bandwidth {
        Bandwidth::Nb => 4_000.0,
        Bandwidth::Wb => 8_000.0,
        Bandwidth::Swb | Bandwidth::Fb => 14_000.0,
    };
    let alone = crate::dsp::spectrum::power_spectrum(sent.track.slice(before.clone()), RATE);
    let (mut hz, mut values, mut limited, mut by_noise) = (Vec::new(), Vec::new(), Vec::new(), false);
    for (band, deviation) in &change.bands {
        if band.nominal_hz < FIRST_HZ || band.nominal_hz > last_hz {
            continue;
        }
        let coded = sent.silence * (band.upper_hz - band.lower_hz) / (f64::from(RATE) / 2.0);
        let is_hidden =
            alone.band_power(band.lower_hz, band.upper_hz) < coded * 10f64.powf(BAND_ROOM_DB / 10.0);
        // NaN is not little.
        let is_little = echo.share_between(band.lower_hz, band.upper_hz) <= ECHO_MAX;
        if is_hidden || !is_little {
            limited.push(hz.len());
        }
        by_noise |= is_hidden;
        hz.push(band.nominal_hz);
        values.push(deviation.0);
    }
    let mut finding = Finding::curve("comfort_noise_spectrum", hz, values, Unit::Db);
    if !limited.is_empty() {
        let names: Vec<String> = match &finding.value {
            crate::finding::Value::Curve(curve) => {
                limited.iter().map(|n| format!("{}", curve.hz[*n])).collect()
            }
            _ => Vec::new(),
        };
        finding.note = format!("echo or coding hides {} Hz", names.join(", "));
    }
    bounded(&mut finding, Bound::AtMost, limited, if by_noise { Flag::NoiseLimited } else { Flag::Bound });
    Ok(finding)
}
