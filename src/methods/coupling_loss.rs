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
//! The POI in send is recorded, an idle span before the speech included: its noise bounds what can be told.
//!
//! ## Computation
//!
//! 1. The delay from played to recorded track by correlation, where there is one, moves the analysis window in the
//!    recording; where there is none (the residual is no copy of the speech), the window is extended by `delay_max`.
//! 2. The energy in each third octave of the played and of the recorded window, and the energy of the idle noise for a
//!    window of the same length.
//!    A digitally silent recording counts as −96.3 dBov, half a step of a 16-bit codec.
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

use super::call::{self, CONDITIONING, Checks, DELAY_MAX, Timeline, quantity};
use super::{Card, Measurand, Method, Refusal, Wish};
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Finding, Unmeasurable};
use crate::terms::Port;
use crate::units::{Dbm0, Seconds, Unit};

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
    facts_needed: &[],
    facts_found: &[],
    takes_max: 1,
};

/// The span in which nothing is played.
const NOISE: &str = "idle";
/// The span of the played track that is analyzed.
const ANALYSIS: &str = "analysis";
/// What the take before may still leave in the cabin.
const SETTLING: Seconds = Seconds(1.0);

/// TCLw and TCL.
pub struct CouplingLoss;

impl Method for CouplingLoss {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let (receive, send) = (Port::of(Port::POI_RECEIVE), Port::of(Port::POI_SEND));
        let mut checks = Checks::default();
        checks.plays(cx, &receive);
        checks.records(cx, &send);
        checks.wait(entry, &IDLE);
        checks.delay_max(entry);
        checks.done()?;
        let signal = entry.parameters.get(&SIGNAL);
        let mut take = Timeline::new("echo");
        take.wait(SETTLING);
        take.wait_as(NOISE, entry.parameters.get(&IDLE));
        let at = take.play(&receive, &signal, quantity(entry.parameters.get(&LEVEL)), cx);
        let analysis = cx.signal(&signal.0).span_or_all(ANALYSIS);
        take.name_span(ANALYSIS, at + analysis.start..at + analysis.end);
        take.wait(entry.parameters.get(&DELAY_MAX));
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&[send])] })
    }

    fn evaluate(&self, _entry: &Entry, _cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        Err(Unmeasurable::because("not yet"))
    }
}
