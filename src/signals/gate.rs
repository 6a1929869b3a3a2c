//! Signals made of other signals: switched on and off, or one after the other.

use std::ops::Range;

use super::catalogue::{Gated, Part, SignalSpec, Timing};
use super::composite::rms;
use super::generate::{Base, generate};
use super::random::Random;
use super::sweep::fade;
use super::{Options, SignalError, SpeechSource};

/// `whole` samples of a signal that is switched on and off. Its level is that of all bursts, or where they rise
/// that of the first.
pub(super) fn gated(
    spec: &SignalSpec,
    one: &Gated,
    rate: u32,
    whole: usize,
    seed: u64,
    source: &dyn SpeechSource,
) -> Result<Base, SignalError> {
    let seconds = whole as f64 / f64::from(rate);
    let inside = generate(&one.of, rate, source, Options { seconds: Some(seconds), seed: None })?;
    let mut samples = vec![0.0; whole];
    let mut active = Vec::new();
    for (burst, (from_s, to_s)) in bursts(&one.timing, seconds, seed).into_iter().enumerate() {
        let at = |seconds: f64| (libm::round(seconds * f64::from(rate)) as usize).min(whole);
        let span = at(from_s)..at(to_s);
        if span.is_empty() {
            continue;
        }
        let gain = libm::pow(10.0, burst as f64 * one.step_db / 20.0);
        for (out, x) in samples[span.clone()].iter_mut().zip(&inside.samples[span.clone()]) {
            *out = gain * x;
        }
        fade(&mut samples[span.clone()], one.fade_s * f64::from(rate));
        active.push(span);
    }
    let level_spans = if one.step_db == 0.0 { 0..usize::MAX } else { 0..1 };
    let level = level_over(&samples, &active[..level_spans.end.min(active.len())]);
    if level == 0.0 {
        return Err(SignalError::Construction { id: spec.id.clone(), reason: "it is never on".to_owned() });
    }
    Ok(Base {
        samples,
        gain: 1.0 / level,
        cycle: None,
        inverts: false,
        active,
        level_spans,
        analysis_from: 0,
        method_equivalent: spec.method_equivalent || inside.method_equivalent,
    })
}

/// When the signal is on, in seconds, up to `seconds`. It begins with a burst.
pub(super) fn bursts(timing: &Timing, seconds: f64, seed: u64) -> Vec<(f64, f64)> {
    let (on_s, off_s) = match *timing {
        Timing::Regular { on_s, off_s } => (on_s, off_s),
        Timing::Spurts { on_s, off_s } => return spurts(on_s, off_s, seconds, seed),
    };
    let mut all = Vec::new();
    let mut at = 0.0;
    while at < seconds {
        all.push((at, (at + on_s).min(seconds)));
        // The n-th start by multiplication: sums of steps would drift.
        at = all.len() as f64 * (on_s + off_s);
    }
    all
}

/// As many spurts and pauses as their means leave room for, drawn exponential and scaled so that both last in sum
/// what their means say: a minute holds some twenty of each, whose mean would else be off by a fifth and more.
fn spurts(on_s: f64, off_s: f64, seconds: f64, seed: u64) -> Vec<(f64, f64)> {
    let count = libm::round(seconds / (on_s + off_s)).max(1.0) as usize;
    let mut random = Random::new(seed);
    // −ln(1 − u), where u < 1: exponential, never infinite.
    let mut draw = || -libm::log(1.0 - random.uniform());
    let drawn: Vec<(f64, f64)> = (0..count).map(|_| (draw(), draw())).collect();
    let sums = drawn.iter().fold((0.0, 0.0), |sums, one| (sums.0 + one.0, sums.1 + one.1));
    let talk_s = seconds * on_s / (on_s + off_s);
    let scale = |sum: f64, total_s: f64| if sum > 0.0 { total_s / sum } else { 0.0 };
    let (on, off) = (scale(sums.0, talk_s), scale(sums.1, seconds - talk_s));
    let mut at = 0.0;
    let mut all = Vec::new();
    for one in drawn {
        let end = at + on * one.0;
        all.push((at, end.min(seconds)));
        at = end + off * one.1;
    }
    all
}

/// Parts one after the other. The last is the one to analyze: the level is its RMS without its fades.
pub(super) fn sequence(
    spec: &SignalSpec,
    parts: &[Part],
    rate: u32,
    source: &dyn SpeechSource,
) -> Result<Base, SignalError> {
    let mut samples = Vec::new();
    let mut active: Vec<Range<usize>> = Vec::new();
    let mut method_equivalent = spec.method_equivalent;
    let mut end_s = 0.0;
    let mut analysis = 0..0;
    for part in parts {
        end_s += part.seconds;
        let options = Options { seconds: Some(part.seconds), seed: None };
        let made = generate(&part.of, rate, source, options)?;
        method_equivalent |= made.method_equivalent;
        let start = samples.len();
        let gain = libm::pow(10.0, part.level_db / 20.0);
        samples.extend(made.samples.iter().map(|x| gain * x));
        // Lengths are rounded once, from the start, so that parts don't add their roundings.
        samples.resize(libm::round(end_s * f64::from(rate)) as usize, 0.0);
        let fade_frames = part.fade_s * f64::from(rate);
        fade(&mut samples[start..], fade_frames);
        let end = samples.len();
        active.extend(
            made.active_spans.iter().map(|span| (start + span.start).min(end)..(start + span.end).min(end)),
        );
        let fade_frames = libm::round(fade_frames) as usize;
        analysis = start + fade_frames..end - fade_frames;
    }
    active.retain(|span| !span.is_empty());
    let level = rms(&samples[analysis.clone()]);
    if level == 0.0 {
        return Err(SignalError::Construction {
            id: spec.id.clone(),
            reason: "its last part holds nothing".to_owned(),
        });
    }
    let before = active.iter().filter(|span| span.start < analysis.start.saturating_sub(1)).count();
    Ok(Base {
        samples,
        gain: 1.0 / level,
        cycle: None,
        inverts: false,
        level_spans: before.min(active.len().saturating_sub(1))..active.len(),
        active,
        analysis_from: analysis.start,
        method_equivalent,
    })
}

/// RMS over spans.
pub(super) fn level_over(samples: &[f64], spans: &[Range<usize>]) -> f64 {
    let mut power = 0.0;
    let mut count = 0;
    for span in spans {
        let inside = &samples[span.start.min(samples.len())..span.end.min(samples.len())];
        power += inside.iter().map(|x| x * x).sum::<f64>();
        count += inside.len();
    }
    if count == 0 { 0.0 } else { libm::sqrt(power / count as f64) }
}
