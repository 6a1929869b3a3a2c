//! The two clocks: how far the one that records runs beside the one that plays, and how sure that is.
//!
//! 1. At check points all over the take the offset of the code is measured between the frames. Each point is looked for
//!    where the points before it lead to, so that a drift may add up to any number of frames.
//! 2. Where an offset leaves the slope of the others by more than [`JUMP`], frames were lost or added: the line is cut
//!    there. The median of the slopes from point to point knows nothing of a few jumps.
//! 3. All parts of the line have one slope, by least squares: the drift. Its uncertainty is twice its standard error, from
//!    what the points scatter around the line, and what the interpolation of a correlation may be off at its two ends.

use super::{CORRELATION_MIN, LEAD, Track, frames, seconds, widened};
use crate::dsp::align::{DelaySearch, find_delay};
use crate::take::{Frame, RATE};

/// Check points: at most and at least this many.
const POINTS: std::ops::RangeInclusive<usize> = 4..=64;
/// Frames at a check point.
const POINT: usize = 2_048;
/// How far from where it is expected the code is looked for at a check point.
const POINT_REACH: usize = 1_024;
/// An offset that is so many frames beside the slope of the others is a jump. A single frame that was lost is 1, and a point
/// with that in it lies somewhere between.
const JUMP: f64 = 0.15;
/// How far the offsets may lie beside their line, in frames. Clocks that warm up bend it.
const DEVIATION_MAX: f64 = 0.25;
/// What the interpolated maximum of a correlation may be off, in frames: a drift of 200 ppm blurs a point by 0.4.
const POINT_BIAS: f64 = 0.02;

/// The offsets of a recording as one straight line, which jumps may have cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    /// The offset at the first frame of the take.
    pub start_frames: f64,
    /// The drift in parts per million.
    pub ppm: f64,
    /// Its expanded uncertainty (k = 2).
    pub uncertainty_ppm: f64,
    /// The largest distance of a point from the line, in frames.
    pub deviation_frames: f64,
    /// Whether jumps cut it. Behind one the offset between the frames is known as well as the slope only.
    pub is_cut: bool,
}

impl Line {
    /// How far the clocks ran apart over a take, in frames.
    pub fn apart(&self, duration: Frame) -> f64 {
        (self.ppm * 1e-6 * duration as f64).abs()
    }
}

/// A check point: the frame of the take at its middle, and the offset there.
type Point = (f64, f64);

impl Track<'_> {
    /// The line of the offsets; `None` where there are too few points, or where they lie on no line.
    pub(super) fn line(&self) -> Option<Line> {
        let points = self.points();
        if points.len() < *POINTS.start() {
            return None;
        }
        let usual = median_slope(&points);
        let is_jump = |one: &Point, next: &Point| (next.1 - one.1 - usual * (next.0 - one.0)).abs() > JUMP;
        let parts: Vec<&[Point]> = points.chunk_by(|one, next| !is_jump(one, next)).collect();
        let is_cut = parts.len() > 1;
        // A part of one point says nothing about a slope, and one that stands alone is an outlier.
        let parts: Vec<&[Point]> = parts.into_iter().filter(|part| part.len() > 1).collect();
        let count: usize = parts.iter().map(|part| part.len()).sum();
        if count < POINTS.start() + parts.len() - 1 {
            return None;
        }
        let means: Vec<Point> = parts.iter().map(|part| mean(part)).collect();
        let around = || {
            let each = |(part, mean): (&&[Point], &Point)| {
                let mean = *mean;
                part.iter().map(move |point| (point.0 - mean.0, point.1 - mean.1)).collect::<Vec<_>>()
            };
            parts.iter().zip(&means).flat_map(each)
        };
        let spread: f64 = around().map(|(at, _)| at * at).sum();
        let slope = around().map(|(at, offset)| at * offset).sum::<f64>() / spread;
        let rests: Vec<f64> = around().map(|(at, offset)| offset - slope * at).collect();
        let deviation_frames = rests.iter().fold(0.0, |most: f64, rest| most.max(rest.abs()));
        let freedom = (count - parts.len()).saturating_sub(1).max(1) as f64;
        let variance = rests.iter().map(|rest| rest * rest).sum::<f64>() / freedom;
        let (first, last) = (parts.first()?.first()?, parts.last()?.last()?);
        let (at, offset) = means.first()?;
        (deviation_frames <= DEVIATION_MAX).then(|| Line {
            start_frames: offset - slope * at,
            ppm: slope * 1e6,
            uncertainty_ppm: (2.0 * (variance / spread).sqrt() + POINT_BIAS / (last.0 - first.0)) * 1e6,
            deviation_frames,
            is_cut,
        })
    }

    /// The points at which the code was found.
    fn points(&self) -> Vec<Point> {
        let Some(room) = self.recording.len().checked_sub(POINT + 2 * POINT_REACH) else { return Vec::new() };
        let count = (room / POINT).clamp(*POINTS.start(), *POINTS.end());
        let mut points: Vec<Point> = Vec::with_capacity(count);
        for k in 0..count {
            let at = POINT_REACH + room * k / (count - 1);
            let middle = (at + POINT / 2) as f64;
            let near = self.offset_between_frames(at, expected(&points, middle));
            let found = near.or_else(|| {
                // After a jump it is further away.
                let last = points.last().map_or(0, |point| point.1.round() as i64);
                let part = at..(at + POINT).min(self.recording.len());
                self.offset_between_frames(at, self.offset_of(part, last)?)
            });
            points.extend(found.map(|offset| (middle, offset)));
        }
        points
    }

    /// The offset of the code from frame `at` of the take on, near `expected`.
    fn offset_between_frames(&self, at: usize, expected: i64) -> Option<f64> {
        let reference = widened(self.code.get(LEAD + at..LEAD + at + POINT)?);
        let first = at as i64 + expected - POINT_REACH as i64;
        let from = usize::try_from(first).unwrap_or(0);
        let to = (first + (POINT + 2 * POINT_REACH) as i64).clamp(0, self.recording.len() as i64) as usize;
        let longest = to.checked_sub(from)?.checked_sub(POINT)?;
        let search = DelaySearch::between(seconds(0.0), seconds(longest as f64)).whitened(100.0, 20_000.0);
        let delay = find_delay(&reference, &widened(&self.recording[from..to]), RATE, &search).ok()?;
        (delay.correlation >= CORRELATION_MIN).then(|| frames(delay.delay) + from as f64 - at as f64)
    }
}

/// The offset that is to be expected at a frame, from the points so far.
fn expected(points: &[Point], at: f64) -> i64 {
    match points {
        [] => 0,
        [one] => one.1.round() as i64,
        [.., before, last] => {
            let slope = (last.1 - before.1) / (last.0 - before.0);
            // A jump between the two is no drift.
            let slope = if slope.abs() < 1e-3 { slope } else { 0.0 };
            (last.1 + slope * (at - last.0)).round() as i64
        }
    }
}

/// The median of the slopes from point to point.
fn median_slope(points: &[Point]) -> f64 {
    let slope = |pair: &[Point]| (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0);
    let mut slopes: Vec<f64> = points.windows(2).map(slope).collect();
    slopes.sort_by(f64::total_cmp);
    slopes[slopes.len() / 2]
}

fn mean(points: &[Point]) -> Point {
    let count = points.len() as f64;
    (points.iter().map(|one| one.0).sum::<f64>() / count, points.iter().map(|one| one.1).sum::<f64>() / count)
}
