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

use super::call::{self, CONDITIONING, Checks, DELAY_MAX, Timeline, quantity};
use super::evidence::{self, Recorded};
use super::{Card, Measurand, Method, Refusal, Wish};
use crate::context::{EvalCx, PlanCx, Track};
use crate::dsp::align::{DelaySearch, find_delay};
use crate::dsp::bands::Bands;
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Unmeasurable};
use crate::take::{Frame, RATE, frames};
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
    facts_needed: &[],
    facts_found: &[],
    takes_max: 1,
};

/// The one take.
const TAKE: &str = "echo";
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
        let mut take = Timeline::new(TAKE);
        take.wait(SETTLING);
        take.wait_as(NOISE, entry.parameters.get(&IDLE));
        let at = take.play(&receive, &signal, quantity(entry.parameters.get(&LEVEL)), cx);
        let analysis = cx.signal(&signal.0).span_or_all(ANALYSIS);
        take.name_span(ANALYSIS, at + analysis.start..at + analysis.end);
        take.wait(entry.parameters.get(&DELAY_MAX));
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&[send])] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let (receive, send) = (Port::of(Port::POI_RECEIVE), Port::of(Port::POI_SEND));
        let played = evidence::played(cx, take, &receive, Unit::Dbm0)?;
        let recorded = evidence::captured(cx, take, &send, Unit::Dbm0)?;
        let analysis = take.span(ANALYSIS);
        let delay_max = entry.parameters.get(&DELAY_MAX);

        let (window, aligned) = echo_window(&played, &recorded, &analysis, delay_max, take.spec.duration);
        let silence = evidence::coded_silence(cx, &send) * (window.end - window.start) as f64;
        let mut echoes = Vec::new();
        for measurand in
            MEASURANDS.iter().filter(|one| !one.wideband_only || entry.bandwidth != Bandwidth::Nb)
        {
            let bands = Bands::third_octave(measurand.band_hz.0, measurand.band_hz.1);
            let input = evidence::band_energies(played.slice(analysis.clone()), &bands);
            evidence::stimulus_fills(&input, &bands, 0..bands.len(), &receive)?;
            let mut output = Recorded::read(&recorded, window.clone(), take.span(NOISE), &bands);
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
        let mut findings: Vec<Finding> = echoes.iter().map(|(one, echo)| echo.weighted(one)).collect();
        // The curve over the widest band that was measured.
        findings.extend(echoes.last().map(|(_, echo)| echo.curve()));
        for finding in &mut findings {
            let influences = vec![evidence::influence(&played, 1.0), evidence::influence(&recorded, -1.0)];
            evidence::complete(finding, take, ANALYSIS, influences);
            finding.note.push_str(&aligned);
        }
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

/// What part of the sum may be noise before the loss is a bound: 0.46 dB.
const NOISE_SHARE_MAX: f64 = 0.1;
/// The last part of the analysis is enough to find the delay.
const DELAY_SECONDS: Seconds = Seconds(6.0);
/// A correlation below this multiple of what chance would reach is no echo.
const ABOVE_CHANCE_MIN: f64 = 2.0;

/// Where in the recording the echo of the analyzed part lies, and how that is known.
fn echo_window(
    played: &Track,
    recorded: &Track,
    analysis: &Range<Frame>,
    delay_max: Seconds,
    end: Frame,
) -> (Range<Frame>, String) {
    let from = analysis.start.max(analysis.end.saturating_sub(frames(DELAY_SECONDS)));
    let search = DelaySearch::between(Seconds(0.0), delay_max);
    let found = find_delay(
        played.slice(from..analysis.end),
        recorded.slice(from..(analysis.end + frames(delay_max)).min(end)),
        RATE,
        &search,
    );
    match found {
        Ok(echo) if echo.correlation >= ABOVE_CHANCE_MIN * echo.chance => {
            let delay = frames(echo.delay);
            let window = analysis.start + delay..(analysis.end + delay).min(end);
            (window, format!("echo after {:.1} ms", echo.delay.as_ms()))
        }
        _ => {
            let window = analysis.start..(analysis.end + frames(delay_max)).min(end);
            (window, format!("no delay found, recording analyzed for {:.0} ms more", delay_max.as_ms()))
        }
    }
}

/// Energies of stimulus and recording by band.
struct Echo {
    bands: Bands,
    input: Vec<f64>,
    output: Recorded,
}

impl Echo {
    fn ratios(&self, energies: &[f64]) -> Vec<f64> {
        energies.iter().zip(&self.input).map(|(out, input)| out / input).collect()
    }

    fn hidden(&self) -> Vec<usize> {
        (0..self.bands.len()).filter(|&i| self.output.is_noise(i)).collect()
    }

    /// The loss by G.122 B.4, or a bound.
    fn weighted(&self, measurand: &Weighted) -> Finding {
        let midbands_hz: Vec<f64> = self.bands.iter().map(|band| band.midband_hz).collect();
        let sum = |energies: &[f64]| trapezoid(&midbands_hz, &self.ratios(energies), measurand.band_hz);
        let whole = sum(&self.output.total);
        let may_be_noise: Vec<f64> = (0..self.bands.len())
            .map(|i| if self.output.is_noise(i) { self.output.total[i] } else { self.output.noise[i] })
            .collect();
        let share = sum(&may_be_noise) / whole;
        let mut finding =
            Finding::scalar(measurand.id, constant_db(measurand.band_hz) - 10.0 * whole.log10(), Unit::Db);
        if share <= NOISE_SHARE_MAX {
            finding.uncertainty = Some(-10.0 * (1.0 - share).log10());
        } else {
            finding.bound = Bound::AtLeast;
            finding.flags.push(Flag::NoiseLimited);
        }
        finding.note = format!("noise may be {:.1} % of the sum; {}", 100.0 * share, self.hidden_note());
        finding
    }

    fn hidden_note(&self) -> String {
        let hidden = self.hidden();
        if hidden.is_empty() {
            return String::new();
        }
        format!("bands hidden by noise: {}; ", evidence::names(&self.bands, &hidden))
    }

    fn curve(&self) -> Finding {
        let hz = self.bands.iter().map(|band| band.nominal_hz).collect();
        let loss_db = self.ratios(&self.output.total).iter().map(|ratio| -10.0 * ratio.log10()).collect();
        let mut finding = Finding::curve("echo_loss", hz, loss_db, Unit::Db);
        if !self.hidden().is_empty() {
            finding.bound = Bound::AtLeast;
            finding.flags.push(Flag::NoiseLimited);
        }
        finding.note = self.hidden_note();
        finding
    }
}

/// The constant that makes a flat loss return itself: 3.24 dB for 300 to 3 400 Hz, 5.80 dB for 100 to 8 000 Hz.
fn constant_db((lo_hz, hi_hz): (f64, f64)) -> f64 {
    10.0 * (2.0 * (hi_hz / lo_hz).log10()).log10()
}

/// A midband frequency that is an edge, as 100 Hz is, lies inside although its last bits say less.
const NEARLY: f64 = 1.0 - 1e-9;

/// Σ (A_i + A_{i−1})·(log10 f_i − log10 f_{i−1}) of G.122 B.4 between two edges, the end values held to the edges.
fn trapezoid(midbands_hz: &[f64], ratios: &[f64], (lo_hz, hi_hz): (f64, f64)) -> f64 {
    let inside = midbands_hz.iter().zip(ratios).filter(|(hz, _)| lo_hz * NEARLY <= **hz && **hz <= hi_hz);
    let mut points: Vec<(f64, f64)> = inside.map(|(hz, ratio)| (*hz, *ratio)).collect();
    let (Some(&first), Some(&last)) = (points.first(), points.last()) else { return f64::NAN };
    points.insert(0, (lo_hz, first.1));
    points.push((hi_hz, last.1));
    points.windows(2).map(|pair| (pair[0].1 + pair[1].1) * (pair[1].0 / pair[0].0).log10()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_those_of_the_standards() {
        assert!((constant_db((300.0, 3400.0)) - 3.24).abs() < 5e-3);
        assert!((constant_db((100.0, 8000.0)) - 5.80).abs() < 5e-3);
    }

    #[test]
    fn a_flat_loss_returns_itself() {
        for measurand in &MEASURANDS {
            let bands = Bands::third_octave(measurand.band_hz.0, measurand.band_hz.1);
            let hz: Vec<f64> = bands.iter().map(|band| band.midband_hz).collect();
            let sum = trapezoid(&hz, &vec![1e-4; hz.len()], measurand.band_hz);
            assert!(
                (constant_db(measurand.band_hz) - 10.0 * sum.log10() - 40.0).abs() < 1e-9,
                "{}",
                measurand.id
            );
        }
    }

    #[test]
    fn an_edge_that_is_a_midband_keeps_its_own_value() {
        let bands = Bands::third_octave(100.0, 8000.0);
        let hz: Vec<f64> = bands.iter().map(|band| band.midband_hz).collect();
        let mut ratios = vec![0.0; hz.len()];
        ratios[0] = 1.0;
        assert!((trapezoid(&hz, &ratios, (100.0, 8000.0)) - 0.1).abs() < 1e-9);
    }

    #[test]
    fn a_loss_proportional_to_frequency_has_its_closed_form() {
        // A = f/1000: the trapezoid over log f between midbands, done by hand with the ratio r = 10^0.1:
        // Σ (f_i + f_{i−1})·0.1/1000, and two held ends.
        let hz: Vec<f64> = (-5..=5).map(|n| 1000.0 * 10f64.powf(f64::from(n) / 10.0)).collect();
        let ratios: Vec<f64> = hz.iter().map(|f| f / 1000.0).collect();
        let inner: f64 =
            (-4..=5).map(|n| 0.1 * 10f64.powf(f64::from(n) / 10.0) * (1.0 + 10f64.powf(-0.1))).sum();
        let low = 2.0 * ratios[0] * (hz[0] / 300.0).log10();
        let high = 2.0 * ratios[10] * (3400.0 / hz[10]).log10();
        let sum = trapezoid(&hz, &ratios, (300.0, 3400.0));
        assert!((sum - (inner + low + high)).abs() < 1e-12, "{sum}");
    }
}
