//! A take as a report shows it: the level of all that was played and recorded, on the meter that the method reads with.

use super::echo::db;
use super::evidence;
use crate::capture::Take;
use crate::context::{EvalCx, Track};
use crate::dsp::level::mean_square_series;
use crate::finding::Unmeasurable;
use crate::finding::scene::{Line, Scene, Stretch};
use crate::take::{Frame, RATE, frames};
use crate::terms::Port;
use crate::units::Seconds;

/// More readings than this show nothing more on a page.
const READINGS_MAX: f64 = 1_600.0;
/// How often a meter is read at most.
const STEP_MIN: Seconds = Seconds(0.005);

/// The levels of a take on a meter of `meter`. A take so long that readings lie further apart than that is metered as slowly as
/// it is read, so that none of its sounds falls between two readings. A track that cannot be read is left out; `None` where
/// none is left.
pub fn of(cx: &EvalCx<'_>, take: &Take, meter: Seconds) -> Option<Scene> {
    let least = Seconds((take.spec.seconds().0 / READINGS_MAX).max(STEP_MIN.0));
    // Whole milliseconds.
    let step = Seconds((least.0 * 1e3).ceil() / 1e3);
    let meter = if meter.0 < step.0 { step } else { meter };
    // The bed of noise is the same all along.
    let is_heard = |port: &&Port| port.name() != Port::LOOPBACK && !port.name().starts_with("noise.");
    let read = |port: &Port, is_played: bool, track: Result<Track, Unmeasurable>| {
        let track = track.ok()?;
        let silence = evidence::coded_silence(cx, port);
        let end = (take.spec.duration as usize).min(track.samples.len());
        let powers = mean_square_series(&track.samples[..end], RATE, meter, frames(step) as usize);
        // A hundredth of a decibel is less than a line is wide.
        let level = |power: f64| (db(power.max(silence)) * 100.0).round() / 100.0;
        let levels: Vec<f64> = powers.into_iter().map(level).collect();
        Some(Line { port: port.clone(), is_played, unit: track.unit, levels })
    };
    let played = take.played.keys().filter(is_heard).map(|port| read(port, true, cx.played(take, port)));
    let recorded = take.captures.keys().filter(is_heard);
    let recorded = recorded.map(|port| read(port, false, cx.captured(take, port)));
    let lines: Vec<Line> = played.chain(recorded).flatten().collect();
    if lines.is_empty() {
        return None;
    }
    let seconds = |frame: Frame| frame as f64 / f64::from(RATE);
    let spans = take.spec.spans.iter().map(|span| Stretch {
        name: span.name.clone(),
        from_s: seconds(span.frames.start),
        to_s: seconds(span.frames.end),
    });
    Some(Scene {
        take: take.id.clone(),
        name: take.spec.name.clone(),
        meter_s: meter.0,
        step_s: step.0,
        spans: spans.collect(),
        lines,
    })
}
