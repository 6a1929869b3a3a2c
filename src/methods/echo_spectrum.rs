//! # Spectral echo attenuation
//!
//! ## What it measures
//!
//! How far the echo is attenuated at every frequency, with the canceller converged.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clause 11.11.3 (03/2017 and 10/2025).
//!
//! ## Stimulus and capture points
//!
//! A composite source signal from the POI at −16 dBm0, over and over. What comes before `analysis` trains the canceller:
//! the whole signal once, 10.5 s (the Recommendations: 10 s). The next four periods of 350 ms are analyzed. The signal
//! goes on for `delay_max` after them. The POI in send is recorded, a silence before the signal included.
//!
//! ## Computation
//!
//! 1. Four whole periods of the played and of the recorded track, the latter as much later as the echo is. Where no delay
//!    is found the same frames are taken: the signal is periodic, and its polarity, which changes from period to period,
//!    is not in a power.
//! 2. The power spectral density of both, in segments of 8 192 frames at 48 kHz (bins of 5.86 Hz), Hann window, half
//!    overlap.
//! 3. Attenuation: 10·log10(played / recorded) of each bin from 100 Hz to the upper end of the band of the call: 4 kHz in
//!    NB, 8 kHz in WB, 12.5 kHz in SWB and FB. The Recommendations publish their mask as a gain, −41 dB; here it is the
//!    loss that is asked for, 41 dB. A bin in which the played signal is 50 dB below its strongest one is left out: the
//!    band limit of the call, or the signal itself, may end before the mask does; so are the two bins before that end.
//! 4. The density of the silence, in the same segments: a bin whose recording is less than 20 dB above it, or less than 6 dB above
//!    what a 16-bit codec can code, is attenuated by *at least* what is read: with less, chance alone moves one of so many bins by
//!    more than 0.5 dB.
//! 5. The moment in which the bin with the least attenuation is loudest is told in the note.
//!
//! ## What makes it inconclusive
//!
//! - A signal without energy in half of the bins; a track in another plane or with values that are no numbers; a bad
//!   certificate.
//! - A bin that noise hides and whose bound does not reach the mask. Noise never fails a car: the idle noise that is
//!   allowed in a wideband call reads 7 dB too little at 5.2 kHz, without any echo.
//!
//! ## How to read the result
//!
//! Larger is better. A hump of little attenuation at low frequencies is a canceller that is too short for the cabin; one
//! at high frequencies a loudspeaker whose harmonics no linear canceller takes away.

use std::fmt::Write as _;

use super::call::{self, CONDITIONING, DELAY_MAX, LEVEL_POI, Timeline, quantity};
use super::echo::{self, ANALYSIS, IDLE, NOISE, Tracks};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx};
use crate::dsp::spectrum::{Psd, WelchSettings, power_spectrum_density};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Unmeasurable};
use crate::take::{Frame, RATE, frames};
use crate::terms::{Bandwidth, Port};
use crate::units::{Db, Seconds, Unit};
use crate::verdict::Flag;

const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "The composite source signal: whole periods of 350 ms, an even number of them.",
    "css-fb",
);

static CARD: Card = Card {
    id: "echo_spectrum",
    title: "Spectral echo attenuation",
    source: include_str!("echo_spectrum.rs"),
    measurands: &[Measurand {
        id: "echo_spectrum",
        doc: "Loss from the POI in receive to the POI in send, in bins of 5.86 Hz.",
        unit: Unit::Db,
    }],
    parameters: &[SIGNAL.spec(), LEVEL_POI.spec(), IDLE.spec(), DELAY_MAX.spec(), CONDITIONING.spec()],
    shown_on: Some(echo::METER),
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "spectrum";
/// A period of the composite source signal (P.501 7.2.1).
const PERIOD: Frame = 16_800;
/// So many periods are analyzed (P.1110 11.11.3).
const PERIODS: Frame = 4;
/// The least training: P.1110 11.11.3.
const TRAINING: Seconds = Seconds(10.0);
/// Frames of a segment (P.1110 11.11.3: 8 k at 48 kHz).
const SEGMENT: usize = 8_192;
/// Where the mask begins.
const FIRST_HZ: f64 = 100.0;
/// A bin of the played signal that is 50 dB below the strongest is empty: what the band limit of the call takes away. Within
/// the band the composite source signal falls by less.
const EMPTY_BELOW: f64 = 1e-5;

/// A bin less than this above the noise is a bound. The mean of fourteen independent segments with noise 20 dB below an echo
/// scatters by 0.16 dB, and the furthest of 1 400 bins by 0.5 dB; with noise 6 dB below it would be 3 dB, and a car that is
/// inside would fail in one of them.
const NOISE_MARGIN: Db = Db(20.0);
/// What a codec makes of silence is the same every time.
const CODED_MARGIN: Db = Db(6.0);
/// Bins to either side of a line in which a Hann window shows it too.
const LEAKS_INTO: usize = 2;

/// Spectral echo attenuation.
pub struct EchoSpectrum;

impl Method for EchoSpectrum {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let signal = entry.parameters.get(&SIGNAL);
        let length = cx.signal(&signal.0).frames;
        let mut checks = echo::checks(entry, cx);
        checks.at_least(entry, &IDLE, Seconds(1.0), "the noise is known from it");
        checks.quiet(entry);
        if length < frames(TRAINING) || !length.is_multiple_of(2 * PERIOD) {
            checks.refuse(
                &SIGNAL,
                format!("{} of {:.2} s", signal.0, length as f64 / f64::from(RATE)),
                "at least 10 s of whole pairs of periods of 350 ms".to_owned(),
                "use a composite source signal of the catalogue, as css-fb",
            );
        }
        checks.done()?;
        let level = quantity(entry.parameters.get(&LEVEL_POI));
        let receive = Port::of(Port::POI_RECEIVE);
        let mut take = Timeline::after_silence(TAKE, entry.parameters.get(&IDLE));
        take.play(&receive, &signal, level, cx);
        let at = take.play(&receive, &signal, level, cx);
        take.name_span(ANALYSIS, at..at + PERIODS * PERIOD);
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&echo::recorded_ports(cx))] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let Tracks { played, recorded, silence, clipping } = Tracks::of(cx, take)?;
        let delay_max = entry.parameters.get(&DELAY_MAX);
        let analysis = take.span(ANALYSIS);
        let searched = recorded.slice(analysis.start..analysis.end + frames(delay_max));
        let delay = echo::delay(played.slice(analysis.clone()), searched, delay_max);
        let late = delay.map_or(0, |delay| (delay.0 * f64::from(RATE)).round() as Frame);
        let window = analysis.start + late..analysis.end + late;

        let spectrum = |part: &[f64]| {
            power_spectrum_density(part, RATE, &WelchSettings::hann(SEGMENT))
                .map_err(|error| Unmeasurable::because(error.to_string()))
        };
        let input = spectrum(played.slice(analysis.clone()))?;
        let output = spectrum(recorded.slice(window.clone()))?;
        let noise = spectrum(recorded.slice(take.span(NOISE)))?;
        // Half a step everywhere, white.
        let silence = silence / input.nyquist_hz;
        let mut finding = attenuation(&input, &output, &noise, silence, last_hz(entry.bandwidth))?;
        let least = worst(&finding);
        finding.note = match delay {
            Some(delay) => format!("echo after {:.1} ms", delay.as_ms()),
            None => "no delay found".to_owned(),
        };
        if let Some(hz) = least {
            let at = loudest_segment(recorded.slice(window), (hz / input.bin_hz).round() as usize);
            let at_s = at as f64 / f64::from(RATE);
            let _ = write!(
                finding.note,
                "; least at {hz:.0} Hz, where the echo is loudest {at_s:.2} s into the four periods"
            );
        }
        if !finding.limited.is_empty() {
            let hidden = finding.limited.len();
            let all = bins(&finding);
            let _ = write!(finding.note, "; noise hides {hidden} of {all} bins");
        }
        let influences = vec![evidence::influence(&played, 1.0), evidence::influence(&recorded, -1.0)];
        evidence::complete(&mut finding, take, ANALYSIS, influences);
        clipping.tell(std::slice::from_mut(&mut finding));
        Ok(vec![finding])
    }
}

/// Where the mask of a bandwidth ends (clause 11.11.3).
const fn last_hz(bandwidth: Bandwidth) -> f64 {
    match bandwidth {
        Bandwidth::Nb => 4_000.0,
        Bandwidth::Wb => 8_000.0,
        Bandwidth::Swb | Bandwidth::Fb => 12_500.0,
    }
}

fn bins(finding: &Finding) -> usize {
    match &finding.value {
        crate::finding::Value::Curve(curve) => curve.hz.len(),
        _ => 0,
    }
}

/// The frequency of the least value.
fn worst(finding: &Finding) -> Option<f64> {
    let crate::finding::Value::Curve(curve) = &finding.value else { return None };
    let points = curve.hz.iter().zip(&curve.values);
    points.min_by(|a, b| a.1.total_cmp(b.1)).map(|(hz, _)| *hz)
}

/// The attenuation of each bin, and which of them noise hides.
fn attenuation(
    input: &Psd,
    output: &Psd,
    noise: &Psd,
    silence: f64,
    last_hz: f64,
) -> Result<Finding, Unmeasurable> {
    let first = (FIRST_HZ / input.bin_hz).ceil() as usize;
    let last = (last_hz / input.bin_hz).floor() as usize;
    let top = input.density[first..=last].iter().copied().fold(0.0, f64::max);
    let (mut hz, mut values, mut limited) = (Vec::new(), Vec::new(), Vec::new());
    let is_filled = |bin: &usize| input.density[*bin] > EMPTY_BELOW * top;
    let highest = (first..=last).rev().find(is_filled).unwrap_or(first);
    // Where the signal ends within the band, its last bins hold what the window leaks from those below.
    let end = if highest < last { highest.saturating_sub(LEAKS_INTO) } else { highest };
    for bin in (first..=end).filter(is_filled) {
        let played = input.density[bin];
        let heard = output.density[bin].max(silence);
        if heard < NOISE_MARGIN.power() * noise.density[bin] || heard < CODED_MARGIN.power() * silence {
            limited.push(hz.len());
        }
        hz.push(bin as f64 * input.bin_hz);
        values.push(10.0 * (played / heard).log10());
    }
    if 2 * hz.len() < last - first {
        return Err(Unmeasurable::because(format!(
            "the signal has no energy in {} of {} bins: use a composite source signal that fills the band of the call",
            last + 1 - first - hz.len(),
            last + 1 - first
        )));
    }
    let mut finding = Finding::curve("echo_spectrum", hz, values, Unit::Db);
    echo::bounded(&mut finding, Bound::AtLeast, limited, Flag::NoiseLimited);
    Ok(finding)
}

/// The middle of the segment in which a bin is strongest, in frames.
fn loudest_segment(part: &[f64], bin: usize) -> usize {
    let step = SEGMENT / 2;
    let power = |from: usize| {
        power_spectrum_density(&part[from..from + SEGMENT], RATE, &WelchSettings::hann(SEGMENT))
            .map_or(0.0, |psd| psd.density.get(bin).copied().unwrap_or(0.0))
    };
    let starts = (0..).map(|n| n * step).take_while(|from| from + SEGMENT <= part.len());
    starts.max_by(|a, b| power(*a).total_cmp(&power(*b))).unwrap_or(0) + SEGMENT / 2
}
