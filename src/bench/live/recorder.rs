//! From what the ring delivers to the tracks of a take: aligned by the loopback, written block by block, certified.

use std::collections::BTreeSet;

use super::spec::LoopbackSpec;
use super::sync::{self, AFTER, Code, LEAD, SEARCH_MAX};
use crate::bench::{CaptureSink, SinkError};
use crate::capture::{Certificate, Grade};
use crate::take::Frame;
use crate::terms::Port;

/// Samples from here on count as full scale: the largest value that 16 bits hold.
pub(super) const FULL_SCALE: f32 = 1.0 - 1.0 / 32_768.0;
/// Frames of the lead that are heard before the code is first looked for.
const SEARCH_MIN: usize = 16_384;
/// Breaks that a note spells out.
const SPELLED_MAX: usize = 3;

/// One recorded channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lane {
    /// Its port.
    pub port: Port,
    /// Whether an analog converter of the bench stands behind it.
    pub is_analog: bool,
}

/// What the streams tell about the time of a take.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StreamFacts {
    /// Frames that had been played when the program began.
    pub began_played: u64,
    /// Frames that found no room in the ring during the take.
    pub overflowed: u64,
    /// Frames that found no room before it, while nobody read.
    pub unread: u64,
    /// Lost blocks that the sound system reported.
    pub xruns: u64,
}

/// Where the first frame of the take lies in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Not known yet; the number of frames at which to look again.
    Searching(usize),
    /// Found by its code.
    Found(u64),
    /// Assumed: where the stream was when playing began.
    Assumed(u64),
}

/// Records one take.
pub(super) struct Recorder<'a> {
    lanes: &'a [Lane],
    /// The lane of the loopback, with what is played on it.
    loopback: Option<(usize, Code)>,
    /// Which lanes are kept.
    kept: Vec<bool>,
    duration: Frame,
    start: Start,
    /// Interleaved frames that are not placed yet.
    pending: Vec<f32>,
    /// The number of the first pending frame since the streams began.
    first: u64,
    written: Frame,
    /// The loopback from the first frame of the take on.
    heard: Vec<f32>,
    overloaded: BTreeSet<Port>,
    /// Mean square sum, peak and frames of each lane since they were last asked for.
    levels: Vec<(f64, f64)>,
    level_frames: usize,
    track: Vec<f32>,
}

impl<'a> Recorder<'a> {
    /// A recorder for a take; the next frame that it gets is the frame `first` of the stream.
    pub(super) fn new(
        lanes: &'a [Lane],
        loopback: Option<(usize, Code)>,
        record: &[Port],
        duration: Frame,
        first: u64,
    ) -> Self {
        let is_loopback = |lane| loopback.as_ref().is_some_and(|(own, _)| *own == lane);
        let kept = lanes.iter().enumerate().map(|(n, lane)| is_loopback(n) || record.contains(&lane.port));
        let kept = kept.collect();
        Self {
            lanes,
            kept,
            duration,
            start: Start::Searching(SEARCH_MIN),
            pending: Vec::new(),
            first,
            written: 0,
            heard: Vec::with_capacity(loopback.as_ref().map_or(0, |_| duration as usize + AFTER)),
            loopback,
            overloaded: BTreeSet::new(),
            levels: vec![(0.0, 0.0); lanes.len()],
            level_frames: 0,
            track: Vec::new(),
        }
    }

    /// Takes interleaved frames. `began` is the frame of the stream at which playing began, once that is known.
    pub(super) fn push(
        &mut self,
        frames: &[f32],
        began: Option<u64>,
        sink: &mut dyn CaptureSink,
    ) -> Result<(), SinkError> {
        if let Start::Searching(next) = self.start {
            self.pending.extend_from_slice(frames);
            self.search(next, began);
            let (Start::Found(start) | Start::Assumed(start)) = self.start else { return Ok(()) };
            let skip = start.saturating_sub(self.first) as usize * self.lanes.len();
            let pending = std::mem::take(&mut self.pending);
            return self.write(pending.get(skip..).unwrap_or_default(), sink);
        }
        self.write(frames, sink)
    }

    /// Looks for the first frame of the take in what is pending.
    fn search(&mut self, next: usize, began: Option<u64>) {
        let Some((lane, code)) = &self.loopback else {
            // Without loopback there is nothing to look for.
            if let Some(began) = began {
                self.start = Start::Assumed(began);
            }
            return;
        };
        let width = self.lanes.len();
        let count = self.pending.len() / width;
        if count < next {
            return;
        }
        let heard: Vec<f32> = self.pending.iter().skip(*lane).step_by(width).copied().collect();
        if let Some(at) = sync::find(code, &heard) {
            self.start = Start::Found(self.first + at as u64);
        } else if count >= SEARCH_MAX {
            // A dead loopback: recorded all the same, so that the attempt can be looked at.
            let began = began.unwrap_or(self.first);
            self.start = Start::Assumed(began.max(self.first) + LEAD as u64);
        } else {
            self.start = Start::Searching((2 * next).min(SEARCH_MAX));
        }
    }

    /// Writes frames from the take's first one on, up to its last.
    fn write(&mut self, frames: &[f32], sink: &mut dyn CaptureSink) -> Result<(), SinkError> {
        let width = self.lanes.len();
        if let Some((lane, _)) = &self.loopback {
            let room = (self.duration as usize + AFTER).saturating_sub(self.heard.len());
            self.heard.extend(frames.iter().skip(*lane).step_by(width).take(room));
        }
        let count = ((self.duration - self.written) as usize).min(frames.len() / width);
        let frames = &frames[..count * width];
        self.written += count as Frame;
        if count == 0 {
            return Ok(());
        }
        self.level_frames += count;
        for (n, lane) in self.lanes.iter().enumerate().filter(|(n, _)| self.kept[*n]) {
            self.track.clear();
            self.track.extend(frames.iter().skip(n).step_by(width));
            let peak = self.track.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
            if lane.is_analog && peak >= FULL_SCALE && !self.overloaded.contains(&lane.port) {
                self.overloaded.insert(lane.port.clone());
            }
            let square: f64 = self.track.iter().map(|x| f64::from(*x).powi(2)).sum();
            self.levels[n] = (self.levels[n].0 + square, self.levels[n].1.max(f64::from(peak)));
            sink.write(&lane.port, &self.track)?;
        }
        Ok(())
    }

    /// Notes that a lane was overloaded before its rate was lowered, where its samples do not show it any more.
    pub(super) fn overload(&mut self, lane: usize) {
        if let Some(lane) = self.lanes.get(lane).filter(|lane| lane.is_analog) {
            self.overloaded.insert(lane.port.clone());
        }
    }

    /// How many frames of the take are written; `None` before its start is known.
    pub(super) fn written(&self) -> Option<Frame> {
        (!matches!(self.start, Start::Searching(_))).then_some(self.written)
    }

    /// Whether the take is complete, with what its certificate needs.
    pub(super) fn is_done(&self) -> bool {
        let proven = self.loopback.is_none() || self.heard.len() >= self.duration as usize + AFTER;
        self.written().is_some_and(|written| written >= self.duration) && proven
    }

    /// Whether frames pile up although nobody began to play.
    pub(super) fn waits_in_vain(&self) -> bool {
        matches!(self.start, Start::Searching(_))
            && self.pending.len() / self.lanes.len().max(1) > 2 * SEARCH_MAX
    }

    /// RMS and peak of every kept lane since the last call, in dBov.
    pub(super) fn levels(&mut self) -> std::collections::BTreeMap<Port, (f64, f64)> {
        let frames = self.level_frames.max(1) as f64;
        let kept = self.lanes.iter().zip(&self.kept).zip(&self.levels).filter(|((_, kept), _)| **kept);
        let level = |((lane, _), (square, peak)): ((&Lane, &bool), &(f64, f64))| {
            (lane.port.clone(), (10.0 * (square / frames).log10(), 20.0 * peak.log10()))
        };
        let levels = kept.map(level).collect();
        self.levels.fill((0.0, 0.0));
        self.level_frames = 0;
        levels
    }

    /// What the bench states about the recording.
    pub(super) fn certificate(self, pair: Option<LoopbackSpec>, facts: StreamFacts) -> Certificate {
        let mut certificate = Certificate {
            grade: Grade::Good,
            lost_frames: 0,
            repeated_frames: 0,
            offset_frames: 0.0,
            drift_ppm: 0.0,
            overloaded: self.overloaded.into_iter().collect(),
            note: String::new(),
        };
        let mut bad = Vec::new();
        let mut remarks = Vec::new();
        match (&self.loopback, pair, self.start) {
            (Some((_, code)), _, Start::Found(start)) => {
                let began = facts.began_played + LEAD as u64;
                certificate.offset_frames = (start + facts.unread) as f64 - began as f64;
                let evidence = sync::examine(code, &self.heard, self.duration);
                certificate.drift_ppm = evidence.drift_ppm;
                certificate.lost_frames = evidence.breaks.iter().map(|one| one.lost).sum();
                certificate.repeated_frames = evidence.breaks.iter().map(|one| one.repeated).sum();
                bad.extend(spelled(&evidence.breaks));
                if evidence.drifted(self.duration) {
                    bad.push(format!(
                        "the capture clock runs {:.2} ppm beside the playback clock: use one interface, or lock the two",
                        evidence.drift_ppm
                    ));
                }
                remarks.push(format!("loopback heard, {} frames late", certificate.offset_frames));
                if evidence.rest_frames.abs() >= 0.05 {
                    remarks.push(format!("{:.2} frames of that remain", evidence.rest_frames));
                }
            }
            (Some(_), pair, _) => bad.push(match pair {
                Some(pair) => format!(
                    "the loopback from output {} was not heard on input {}: check the cable and the gains",
                    pair.output, pair.input
                ),
                None => "the loopback was not heard".to_owned(),
            }),
            (None, ..) => {
                certificate.grade = Grade::Weak;
                certificate.lost_frames = facts.overflowed;
                remarks.push(
                    "no loopback pair: nothing proves that no frame was lost, and the delay of the interface is \
                     part of every measured delay"
                        .to_owned(),
                );
            }
        }
        if facts.overflowed > 0 {
            bad.push(format!(
                "{} frames found no room: the disk or the machine is too slow",
                facts.overflowed
            ));
        }
        if facts.xruns > 0 {
            let said = format!("the sound system reported {} lost block(s)", facts.xruns);
            // With a loopback it is the code that says what was lost.
            if self.loopback.is_some() { remarks.push(said) } else { bad.push(said) }
        }
        if !certificate.overloaded.is_empty() {
            let names: Vec<&str> = certificate.overloaded.iter().map(Port::name).collect();
            bad.push(format!(
                "the bench's own input was overloaded on {}: turn its gain down",
                names.join(", ")
            ));
        }
        if !bad.is_empty() {
            certificate.grade = Grade::Bad;
        }
        bad.append(&mut remarks);
        certificate.note = bad.join("; ");
        certificate
    }
}

/// The first few breaks in words.
fn spelled(breaks: &[sync::Break]) -> Option<String> {
    let words: Vec<String> = breaks.iter().take(SPELLED_MAX).map(ToString::to_string).collect();
    let more = breaks.len().saturating_sub(SPELLED_MAX);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    (!breaks.is_empty()).then(|| format!("frames of the bench: {}{more}", words.join(", ")))
}
