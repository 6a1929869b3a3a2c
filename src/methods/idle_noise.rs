//! # Idle noise in send
//!
//! ## What it measures
//!
//! The noise that the far end hears while nobody in the quiet car speaks: its weighted level at the point of
//! interconnect, and the highest line that stands out of its spectrum.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clause 11.7 (send).
//! Narrowband: psophometric weighting (O.41). Wideband and above: A-weighting (IEC 61672-1).
//!
//! ## Stimulus and capture points
//!
//! Speech from the mouth at −1.7 dBPa (MRP) activates the send path; then silence.
//! The POI is recorded; the analysis begins `settling` after the end of the speech and lasts `analysis`.
//!
//! ## Computation
//!
//! 1. The power spectrum of the whole analysis span, without window, is weighted and summed over the band:
//!    200 to 4 000 Hz in NB, 100 to 8 000 Hz in WB, 100 to 14 000 Hz in SWB, 100 to 20 000 Hz in FB.
//!    Its level is in dBm0(P) or dBm0(A).
//! 2. Peaks: the unweighted density from segments of 8 192 frames at 48 kHz (bins of 5.86 Hz), Hann window, half
//!    overlap.
//!    Each bin in the band is compared with the mean density of one octave around it, without the three bins on either
//!    side of it, which belong to the same line; the octave is cut at the edges of the band.
//!    These settings are fixed, since a line stands 3 dB higher with every doubling of the segment.
//! 3. The unweighted level in third octaves is given as a curve for the reader.
//!
//! ## What makes it inconclusive
//!
//! - A recording shorter than the analysis, in another plane, with values that are no numbers; a bad certificate.
//!
//! A terminal that sends digital silence is not inconclusive: what a 16-bit codec cannot code lies below −96.3 dBov,
//! and the level is given as *at most* that.
//!
//! ## How to read the result
//!
//! Lower is better. The noise is that of microphone, cabin, converters and codec after the terminal's noise reduction;
//! a quiet car is needed (below −64 dBPa(A), better −74 dBPa(A)).
//! With 4 s of white noise the peak reads about 3 dB by chance alone.

use super::call::{self, CONDITIONING, Checks, LEVEL_MRP, Timeline, quantity};
use super::{Card, Measurand, Method, Refusal, Wish};
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Finding, Unmeasurable};
use crate::terms::Port;
use crate::units::{Seconds, Unit};

const ACTIVATION: Param<SignalId> = Param::with_default(
    "activation",
    "The speech from the mouth that activates the send path before the silence.",
    "speech-conditioning",
);
const SETTLING: Param<Seconds> = Param::with_default(
    "settling",
    "The time between the end of the activation and the analysis: longer than any hang-over.",
    "1 s",
);
const ANALYSIS: Param<Seconds> = Param::with_default("analysis", "The length of the analysis.", "4 s");

static CARD: Card = Card {
    id: "idle_noise",
    title: "Idle noise in send",
    source: include_str!("idle_noise.rs"),
    measurands: &[
        Measurand {
            id: "idle_noise_send_p",
            doc: "Psophometric level at the POI (narrowband).",
            unit: Unit::Dbm0P,
        },
        Measurand {
            id: "idle_noise_send_a",
            doc: "A-weighted level at the POI (wideband and above).",
            unit: Unit::Dbm0A,
        },
        Measurand {
            id: "idle_noise_send_peak",
            doc: "Highest line above the smoothed spectrum.",
            unit: Unit::Db,
        },
        Measurand {
            id: "idle_noise_send_spectrum",
            doc: "Unweighted level at the POI by third octave.",
            unit: Unit::Dbm0,
        },
    ],
    parameters: &[ACTIVATION.spec(), LEVEL_MRP.spec(), SETTLING.spec(), ANALYSIS.spec(), CONDITIONING.spec()],
    facts_needed: &[],
    facts_found: &[],
    takes_max: 1,
};

/// The span that is analyzed.
const SPAN: &str = "analysis";
/// What the take before may still leave in the cabin.
const LEAD: Seconds = Seconds(0.5);

/// Idle noise in send.
pub struct IdleNoise;

impl Method for IdleNoise {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let (mouth, poi) = (Port::of(Port::MOUTH), Port::of(Port::POI_SEND));
        let mut checks = Checks::default();
        checks.plays(cx, &mouth);
        checks.records(cx, &poi);
        checks.wait(entry, &SETTLING);
        checks.wait(entry, &ANALYSIS);
        checks.done()?;
        let mut take = Timeline::new("idle");
        take.wait(LEAD);
        take.play(&mouth, &entry.parameters.get(&ACTIVATION), quantity(entry.parameters.get(&LEVEL_MRP)), cx);
        take.wait(entry.parameters.get(&SETTLING));
        take.wait_as(SPAN, entry.parameters.get(&ANALYSIS));
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&[poi])] })
    }

    fn evaluate(&self, _entry: &Entry, _cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        Err(Unmeasurable::because("not yet"))
    }
}
