//! # Terminal coupling loss
//!
//! ## What it measures
//!
//! How much weaker the talker at the far end gets the own voice back through loudspeaker, cabin and microphone, with the
//! echo canceller converged: the loss from the point of interconnect in receive to the one in send.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clause 11.11.1; the weighting is the trapezoidal rule of G.122 clause B.4.
//! Two measurands that are not to be mixed up:
//!
//! - TCLw: 300 to 3 400 Hz, C = 3.24 dB (G.122; P.1100);
//! - TCL: 100 to 8 000 Hz, C = 5.80 dB (P.1110, P.1120), measured in wideband calls and above only.
//!
//! ## Stimulus and capture points
//!
//! Compressed speech, twelve sentences, from the POI at −10 dBm0.
//! The first six sentences (17.0 s) let the canceller converge and are discarded; the last six are the span `analysis`
//! of the signal.
//! The POI in send is recorded, an idle span before the speech included: its noise bounds what can be told. Where there is
//! access to the device's microphone signal (clause 8), that is recorded too.
//!
//! ## Computation
//!
//! 1. The delay from played to recorded track by correlation, where there is one, moves the analysis window in the
//!    recording; where there is none (the residual is no copy of the speech), the window is extended by `delay_max`.
//! 2. The energy in each third octave of the played and of the recorded window, and the energy of the idle noise for a
//!    window of the same length.
//!    What a 16-bit codec cannot code (half a step, −96.3 dBov) and is missing in the recording counts as echo of the
//!    stimulus's spectrum, and as noise: a digitally silent recording gives a bound.
//! 3. Echo loss of a band: 10·log10(energy played / energy recorded). Noise is not subtracted: the loss is never
//!    overstated.
//! 4. G.122 B.4: L = C − 10·log10 Σ (A_i + A_{i−1})·(log10 f_i − log10 f_{i−1}) with A the power ratio of a band at its
//!    midband frequency and C = 10·log10(2·log10(f_N/f_0)).
//!    300, 3 400, 100 and 8 000 Hz are no third-octave midbands or lie at the end of the bands: the end values are held
//!    to the edges.
//!    A loss that is the same in all bands is returned as it is.
//! 5. A band whose recording is less than 6 dB above the idle noise says nothing about echo.
//!    All of it, and the noise of the other bands, may be noise: where noise may account for more than a tenth of the sum
//!    (0.46 dB), the result is a bound, *at least*, flagged *noise-limited*.
//!
//! ## What makes it inconclusive
//!
//! - The stimulus has no energy in a band; a track in another plane or with values that are no numbers; a bad
//!   certificate.
//! - A bound that does not reach the limit is inconclusive, never a fail; a bound that reaches it is a pass.
//!   A mute terminal is such a bound.
//!
//! ## How to read the result
//!
//! Larger is better. The curve `echo_loss` shows where the echo is.
//! The loss holds for the volume of the call.
//! The flag *device-clips* says that the device's line or its microphone's converter reached full scale, as at maximum volume
//! many do: what is measured is what the device does then, and no canceller that is linear takes such an echo away.

use super::call::{self, CONDITIONING, DELAY_MAX};
use super::echo::{self, ANALYSIS, NOISE, Tracks};
use super::evidence;
use super::{Card, Measurand, Method, Refusal, Wish};
use crate::context::{EvalCx, PlanCx, Track};
use crate::dsp::bands::Bands;
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Reading, Unmeasurable};
use crate::meters::coupling::Echo;
use crate::take::{Frame, frames};
use crate::terms::{Bandwidth, Port};
use crate::units::{Dbm0, Seconds, Unit};
use crate::verdict::Flag;
use std::ops::Range;

const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "The compressed speech; its span `analysis` is analyzed, what comes before is discarded.",
    "speech-compressed",
);
const LEVEL: Param<Dbm0> =
    Param::with_default("level", "The level at the point of interconnect in receive.", "-10 dBm0");
const IDLE: Param<Seconds> =
    Param::with_default("idle", "The silence before the speech, from which the noise is known.", "3 s");

static CARD: Card = Card {
    id: "coupling_loss",
    title: "Terminal coupling loss",
    source: include_str!("coupling_loss.rs"),
    measurands: &[
        Measurand { id: "tclw", doc: "Weighted terminal coupling loss, 300 to 3 400 Hz.", unit: Unit::Db },
        Measurand {
            id: "tcl",
            doc: "Terminal coupling loss, 100 to 8 000 Hz (wideband and above).",
            unit: Unit::Db,
        },
        Measurand {
            id: "echo_loss",
            doc: "Loss from the POI in receive to the POI in send, by third octave.",
            unit: Unit::Db,
        },
    ],
    parameters: &[SIGNAL.spec(), LEVEL.spec(), IDLE.spec(), DELAY_MAX.spec(), CONDITIONING.spec()],
    shown_on: Some(echo::METER),
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "echo";

/// TCLw and TCL.
pub struct CouplingLoss;

impl Method for CouplingLoss {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = echo::checks(entry, cx);
        checks.wait(entry, &IDLE);
        checks.done()?;
        let get = &entry.parameters;
        let what = (&get.get(&SIGNAL), get.get(&LEVEL), get.get(&IDLE));
        let take = echo::far_end_alone(TAKE, what, entry, cx);
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let Tracks { played, recorded, silence, clipping } = Tracks::of(cx, take)?;
        let analysis = take.span(ANALYSIS);
        let delay_max = entry.parameters.get(&DELAY_MAX);

        let (window, aligned) = echo_window(&played, &recorded, &analysis, delay_max, take.spec.duration);
        let silence = silence * (window.end - window.start) as f64;
        let mut echoes = Vec::new();
        for measurand in
            MEASURANDS.iter().filter(|one| !one.wideband_only || entry.bandwidth != Bandwidth::Nb)
        {
            let bands = Bands::third_octave(measurand.band_hz.0, measurand.band_hz.1);
            let input = evidence::energies(played.slice(analysis.clone()), &bands);
            evidence::stimulus_fills(&input, &bands, 0..bands.len(), &Port::of(Port::POI_RECEIVE))?;
            let mut output = evidence::recorded(&recorded, window.clone(), take.span(NOISE), &bands);
            // Coded silence is an echo that nobody sees: as strong as half a step, of the stimulus's spectrum. In the
            // bands, since a codec may code silence as a constant.
            let sum = |energies: &[f64]| energies.iter().sum::<f64>();
            let unseen = (silence - sum(&output.total)).max(0.0) / sum(&input);
            for (band, input) in input.iter().enumerate() {
                output.total[band] += unseen * input;
                output.noise[band] += unseen * input;
            }
            echoes.push((measurand, Echo { bands, input, output }));
        }
        let mut findings: Vec<Finding> = echoes.iter().map(|(one, echo)| weighted(one, echo)).collect();
        // The curve over the widest band that was measured.
        findings.extend(echoes.last().map(|(_, echo)| curve(echo)));
        for finding in &mut findings {
            let influences = vec![evidence::influence(&played, 1.0), evidence::influence(&recorded, -1.0)];
            evidence::complete(finding, take, ANALYSIS, influences);
            finding.note.push_str(&aligned);
        }
        clipping.tell(&mut findings);
        if findings.iter().any(|one| one.as_scalar().is_some_and(|value| !value.is_finite())) {
            return Err(Unmeasurable::because("the echo loss is no number: record the take again"));
        }
        Ok(findings)
    }
}

/// A weighted echo loss as a standard defines it.
struct Weighted {
    id: &'static str,
    band_hz: (f64, f64),
    wideband_only: bool,
}

/// The narrower one first.
const MEASURANDS: [Weighted; 2] = [
    Weighted { id: "tclw", band_hz: (300.0, 3_400.0), wideband_only: false },
    Weighted { id: "tcl", band_hz: (100.0, 8_000.0), wideband_only: true },
];

/// The last part of the analysis is enough to find the delay.
const DELAY_SECONDS: Seconds = Seconds(6.0);

/// Where in the recording the echo of the analyzed part lies, and how that is known.
fn echo_window(
    played: &Track,
    recorded: &Track,
    analysis: &Range<Frame>,
    delay_max: Seconds,
    end: Frame,
) -> (Range<Frame>, String) {
    let from = analysis.start.max(analysis.end.saturating_sub(frames(DELAY_SECONDS)));
    let searched = recorded.slice(from..(analysis.end + frames(delay_max)).min(end));
    if let Some(delay) = echo::delay(played.slice(from..analysis.end), searched, delay_max) {
        let late = frames(delay);
        let window = analysis.start + late..(analysis.end + late).min(end);
        return (window, format!("echo after {:.1} ms", delay.as_ms()));
    }
    let window = analysis.start..(analysis.end + frames(delay_max)).min(end);
    (window, format!("no delay found, recording analyzed for {:.0} ms more", delay_max.as_ms()))
}

/// The loss by G.122 B.4, or a bound.
fn weighted(measurand: &Weighted, echo: &Echo) -> Finding {
    let read = echo.weighted(measurand.band_hz);
    let mut finding = Finding::scalar(measurand.id, read.loss_db, Unit::Db);
    finding.read_from = Some(Reading::of("echo_loss"));
    if read.is_noise_limited() {
        finding.bound = Bound::AtLeast;
        finding.flags.push(Flag::NoiseLimited);
    } else {
        finding.uncertainty = Some(-10.0 * (1.0 - read.noise_share).log10());
    }
    finding.note =
        format!("noise may be {:.1} % of the sum; {}", 100.0 * read.noise_share, hidden_note(echo));
    finding
}

fn hidden_note(echo: &Echo) -> String {
    let hidden = echo.hidden();
    if hidden.is_empty() {
        return String::new();
    }
    format!("bands hidden by noise: {}; ", evidence::names(&echo.bands, &hidden))
}

fn curve(echo: &Echo) -> Finding {
    let hz = echo.bands.iter().map(|band| band.nominal_hz).collect();
    let mut finding = Finding::curve("echo_loss", hz, echo.band_loss_db(), Unit::Db);
    if !echo.hidden().is_empty() {
        finding.bound = Bound::AtLeast;
        finding.flags.push(Flag::NoiseLimited);
    }
    finding.note = hidden_note(echo);
    finding
}
