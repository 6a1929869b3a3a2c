//! # Echo and sent speech during double talk
//!
//! ## What it measures
//!
//! By frequency, while both sides talk: how far the echo of the far end is attenuated, and how much of the talker a
//! terminal takes away. A terminal that switches so fast that levels do not show it is caught here.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clauses 11.13.3 (echo) and 11.13.4 (sent speech) (11.12.3 and 11.12.4 in the editions of 03/2017),
//! with the AM-FM pair of P.501 7.2.4. Every band must meet the class.
//!
//! ## Stimulus and capture points
//!
//! Two combs of tones whose bands never touch, one from either side. The mouth says its comb alone, then both sides play
//! theirs at once: the mouth at −1.7 dBPa, which is the −25.7 dBPa at the hands-free reference point of the Recommendations
//! (24 dB lie between the two in the free field, in which the mouth was set), the POI at −16 dBm0. The first 2 s of each are
//! training, the 8 s after that are analyzed. The POI in send is recorded. Tables of ETSI have the multiples of 250 Hz in
//! receive, another public source in send: `far` and `near` say which is which.
//!
//! ## Computation
//!
//! 1. Power by bands: segments of 131 072 points, Blackman-Harris, three quarters overlapped; a band ends at f ± Δf.
//! 2. `double_talk_echo_losses`: for each component of the far end from 200 to 6 950 Hz (in narrowband to 3.9 kHz), the played
//!    signal over the recorded one. `double_talk_echo_loss` is the least of them.
//! 3. `sent_speech_attenuations`: for each component of the mouth from 200 to 6 900 Hz, what is sent of the mouth alone over what
//!    is sent of it in double talk: the response of send is in neither. `sent_speech_attenuation` is the largest of them.
//! 4. What the recording of the mouth alone holds in the bands of the far end is no echo: noise, and what the mouth's own
//!    distortion puts there. Where the echo is less than 6 dB above it, the loss is *at least* what is read.
//! 5. *Spread*: between the bands neither signal has anything. Energy there comes of fast switching or of noise, and lies in
//!    the bands too: where it makes the reading of a band below 33 dB, no class is given.
//!
//! The standard uncertainty is 0.15 dB: clocks 100 ppm apart move the edge of a band across a line.
//!
//! ## What makes it inconclusive
//!
//! - Spread; an edge of the class within twice the uncertainty; a bound that does not meet the class.
//! - A track in another plane or with values that are no numbers, a bad certificate, signals that are not the pair.
//!
//! ## How to read the result
//!
//! A loss that is poor in a few bands is a canceller that gives way there. An attenuation of sent speech in all bands is a
//! switch, in some a suppressor.

use super::call::{self, CONDITIONING, Checks, DELAY_MAX, LEVEL_MRP, LEVEL_POI, Timeline, quantity};
use super::double_talk::IDLE;
use super::echo::bounded;
use super::evidence::{self, worst_of};
use super::{Card, Measurand, Method, Refusal, Wish};
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Reading, Unmeasurable};
use crate::meters::double_talk::{DoubleTalk, double_talk};
use crate::meters::timeline::FAST;
use crate::take::{Frame, RATE, frames};
use crate::terms::{Bandwidth, Port};
use crate::units::{Db, Seconds, Unit};
use crate::verdict::Flag;

const NEAR: Param<SignalId> =
    Param::with_default("near", "What the mouth plays: a comb of the AM-FM pair.", "am-fm-2");
const FAR: Param<SignalId> = Param::with_default("far", "What the far end plays: the other comb.", "am-fm-1");

static CARD: Card = Card {
    id: "double_talk_echo",
    title: "Echo and sent speech during double talk",
    source: include_str!("double_talk_echo.rs"),
    measurands: &[
        Measurand {
            id: "double_talk_echo_loss",
            doc: "Echo loss in double talk in the worst band.",
            unit: Unit::Db,
        },
        Measurand {
            id: "sent_speech_attenuation",
            doc: "Attenuation of sent speech in double talk in the worst band.",
            unit: Unit::Db,
        },
        Measurand {
            id: "double_talk_echo_losses",
            doc: "Echo loss in double talk by frequency.",
            unit: Unit::Db,
        },
        Measurand {
            id: "sent_speech_attenuations",
            doc: "Attenuation of sent speech in double talk by frequency.",
            unit: Unit::Db,
        },
    ],
    parameters: &[
        NEAR.spec(),
        FAR.spec(),
        LEVEL_MRP.spec(),
        LEVEL_POI.spec(),
        IDLE.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    shown_on: Some(FAST),
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "am-fm";
/// The mouth alone, as far as it is analyzed.
const ALONE: &str = "mouth-alone";
/// Both sides, as far as it is analyzed.
const BOTH: &str = "both";
/// How long the terminal gets used to what it hears.
const TRAINING: Seconds = Seconds(2.0);
/// The shortest analysis (5 to 8 s after training; not read, class C).
const ANALYSIS_MIN: Seconds = Seconds(5.0);
/// What is less than this above what is there without an echo is no more than a bound.
const MARGIN: Db = Db(6.0);
/// The standard uncertainty of a band: half of what its edges cost at 100 ppm, twice.
const UNCERTAINTY_DB: f64 = 0.15;
/// Where narrowband calls are told of.
const NARROW_UP_TO_HZ: f64 = 3_900.0;

/// Echo and sent speech during double talk.
pub struct DoubleTalkEcho;

impl Method for DoubleTalkEcho {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let (mouth, poi) = (Port::mouth(entry.talker), Port::of(Port::POI_RECEIVE));
        let send = Port::of(Port::POI_SEND);
        let (near, far) = (entry.parameters.get(&NEAR), entry.parameters.get(&FAR));
        let mut checks = Checks::default();
        checks.plays(cx, &mouth);
        checks.plays(cx, &poi);
        checks.records(cx, &send);
        checks.wait(entry, &IDLE);
        checks.delay_max(entry);
        checks.quiet(entry);
        let least = frames(Seconds(TRAINING.0 + ANALYSIS_MIN.0));
        for (key, signal) in [(&NEAR, &near), (&FAR, &far)] {
            let length = cx.signal(&signal.0).frames;
            if length < least {
                checks.refuse(
                    key,
                    format!("{} of {:.2} s", signal.0, length as f64 / f64::from(RATE)),
                    format!("at least {} s", TRAINING.0 + ANALYSIS_MIN.0),
                    "use the AM-FM pair of the catalogue, am-fm-1 and am-fm-2",
                );
            }
        }
        if near == far {
            checks.refuse(
                &FAR,
                format!("'{}' on both sides", far.0),
                "one comb from either side".to_owned(),
                "write am-fm-1 for one of them and am-fm-2 for the other",
            );
        }
        checks.done()?;
        let levels = (quantity(entry.parameters.get(&LEVEL_MRP)), quantity(entry.parameters.get(&LEVEL_POI)));
        let length = cx.signal(&near.0).frames.min(cx.signal(&far.0).frames);
        let analyzed = |at: Frame| at + frames(TRAINING)..at + length;
        let mut take = Timeline::after_silence(TAKE, entry.parameters.get(&IDLE));
        let at = take.play(&mouth, &near, levels.0, cx);
        take.name_span(ALONE, analyzed(at));
        take.wait(entry.parameters.get(&DELAY_MAX));
        let at = take.play(&mouth, &near, levels.0, cx);
        take.play_beside(at, &poi, &far, levels.1, cx);
        take.name_span(BOTH, analyzed(at));
        take.wait(entry.parameters.get(&DELAY_MAX));
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&[send])] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let mouth = evidence::played(cx, take, &Port::mouth(entry.talker), Unit::DbPa)?;
        let poi = evidence::played(cx, take, &Port::of(Port::POI_RECEIVE), Unit::Dbm0)?;
        let sent = evidence::captured(cx, take, &Port::of(Port::POI_SEND), Unit::Dbm0)?;
        let (alone, both) = (take.span(ALONE), take.span(BOTH));
        let (far, near) = (poi.slice(both.clone()), mouth.slice(both.clone()));
        let without = sent.slice(alone);
        let read = |send: &[f64], alone: Option<&[f64]>| {
            double_talk(far, near, send, alone, RATE)
                .map_err(|error| Unmeasurable::because(error.to_string()))
        };
        let (read, floor) = (read(sent.slice(both), Some(without))?, read(without, None)?);
        let upper_hz = if entry.bandwidth == Bandwidth::Nb { NARROW_UP_TO_HZ } else { f64::INFINITY };
        let [echo_worst, echo] = echo_findings(&read, &floor, upper_hz)?;
        let [sent_worst, attenuation] = sent_findings(&read, upper_hz)?;
        let combs = format!("far end comb {}, mouth comb {}", read.far.word(), read.near.word());
        let loss = vec![evidence::influence(&poi, 1.0), evidence::influence(&sent, -1.0)];
        let ratio = vec![evidence::influence(&sent, 0.0)];
        let findings =
            [(echo_worst, loss.clone()), (sent_worst, ratio.clone()), (echo, loss), (attenuation, ratio)];
        let complete = |(mut finding, influences): (Finding, _)| {
            if read.spread {
                finding.flags.push(Flag::Spread);
                finding.tell("energy between the bands of both signals makes the reading");
            }
            let told = [combs.as_str(), finding.note.as_str()].into_iter().filter(|text| !text.is_empty());
            finding.note = told.collect::<Vec<_>>().join("; ");
            finding.uncertainty = Some(UNCERTAINTY_DB);
            evidence::complete(&mut finding, take, BOTH, influences);
            finding
        };
        Ok(findings.map(complete).into())
    }
}

/// The worst band of `values`, the larger the worse, as a scalar, and where it is in the curve `by_frequency`.
fn worst_band(
    measurand: &str,
    by_frequency: &str,
    hz: &[f64],
    badness: &[(f64, bool)],
    sign: f64,
) -> Result<Finding, Unmeasurable> {
    let worst = worst_of(badness)
        .ok_or_else(|| Unmeasurable::because("no component of the signals lies in the band of the call"))?;
    let mut finding = Finding::scalar(measurand, sign * badness[worst.at].0, Unit::Db);
    finding.read_from = Some(Reading::of(by_frequency).at(hz[worst.at]));
    finding.note = format!("worst of {} bands, at {} Hz", hz.len(), hz[worst.at]);
    let is_proven = badness[worst.at].1;
    if let Some(other) = worst.beside {
        finding.bound = Bound::Between(sign * badness[other].0);
    } else if !is_proven {
        finding.bound = if sign < 0.0 { Bound::AtLeast } else { Bound::AtMost };
    }
    if finding.bound != Bound::Exact {
        finding.flags.push(Flag::NoiseLimited);
    }
    Ok(finding)
}

/// The echo loss of the worst band and of all. `floor` is the same of the mouth alone.
fn echo_findings(read: &DoubleTalk, floor: &DoubleTalk, upper_hz: f64) -> Result<[Finding; 2], Unmeasurable> {
    let (mut hz, mut losses, mut limited, mut badness) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (band, without) in read.echo.iter().zip(&floor.echo).filter(|(band, _)| band.freq.0 <= upper_hz) {
        // NaN does not stand out.
        let stands_out = band.echo_loss.0 + MARGIN.0 <= without.echo_loss.0 && band.echo_loss.0.is_finite();
        if !stands_out {
            limited.push(hz.len());
        }
        hz.push(band.freq.0);
        losses.push(band.echo_loss.0);
        badness.push((-band.echo_loss.0, stands_out));
    }
    let worst = worst_band("double_talk_echo_loss", "double_talk_echo_losses", &hz, &badness, -1.0)?;
    let mut curve = Finding::curve("double_talk_echo_losses", hz, losses, Unit::Db);
    bounded(&mut curve, Bound::AtLeast, limited, Flag::NoiseLimited);
    Ok([worst, curve])
}

/// The attenuation of sent speech in the worst band and in all.
fn sent_findings(read: &DoubleTalk, upper_hz: f64) -> Result<[Finding; 2], Unmeasurable> {
    let bands = read.sent.iter().filter(|band| band.freq.0 <= upper_hz);
    let (hz, values): (Vec<f64>, Vec<f64>) =
        bands.filter_map(|band| Some((band.freq.0, band.attenuation?.0))).unzip();
    let badness: Vec<(f64, bool)> = values.iter().map(|one| (*one, true)).collect();
    let worst = worst_band("sent_speech_attenuation", "sent_speech_attenuations", &hz, &badness, 1.0)?;
    Ok([worst, Finding::curve("sent_speech_attenuations", hz, values, Unit::Db)])
}
