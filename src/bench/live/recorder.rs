//! From what the ring delivers to the tracks of a take: aligned by the loopback, written block by block, certified.

use std::collections::BTreeSet;

use super::certify::{Certified, Heard};
use super::mouth::{MICROPHONES, Mouth, WATCHED_MAX};
use super::spec::LoopbackSpec;
use super::sync::{self, Code, LEAD, SEARCH_MAX};
use super::watch::Watch;
use crate::bench::{CaptureSink, RenderedTake, SinkError};
use crate::capture::Certificate;
pub(super) use crate::dsp::level::FULL_SCALE;
use crate::take::Frame;
use crate::terms::Port;

/// Frames of the lead that are heard before the code is first looked for.
const SEARCH_MIN: usize = 16_384;
/// Frames of the loopback that are waited for at most after a take: the longest block that an interface may insert, and as
/// much again.
const AFTER_MAX: usize = 8_192;
/// Frames after which it is looked again whether the code is back.
const AFTER_STEP: usize = 1_024;
/// Frames that resampling reaches beyond the last one.
const RESAMPLING_REACH: usize = 64;

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

/// The mouth and a microphone that hears it.
pub(super) struct MouthWatch {
    /// What is played.
    pub mouth: Mouth,
    /// The lane of the microphone.
    pub lane: usize,
    /// What it heard in the take.
    pub heard: Vec<f32>,
    /// What it heard in the silence before, if that was recorded.
    pub silence: Vec<f32>,
}

impl MouthWatch {
    fn of(take: &RenderedTake, lanes: &[Lane]) -> Option<Self> {
        let is = |name| lanes.iter().position(|lane| lane.port.name() == name);
        let lane = MICROPHONES.into_iter().find_map(is)?;
        let mouth = (take.duration <= WATCHED_MAX).then(|| Mouth::of(take))??;
        Some(Self { mouth, lane, heard: Vec::new(), silence: Vec::new() })
    }
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
    /// The loopback from the first frame of the take on, and how much of it is waited for.
    heard: Vec<f32>,
    heard_min: usize,
    /// All lanes after the take, interleaved: with a slower playback clock its end is there.
    tail: Vec<f32>,
    watch: Watch,
    /// What the mouth plays, the lane of a microphone that hears it, what that heard in the take and before it.
    mouth: Option<MouthWatch>,
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
        take: &RenderedTake,
        first: u64,
    ) -> Self {
        let is_loopback = |lane| loopback.as_ref().is_some_and(|(own, _)| *own == lane);
        let record = &take.record;
        let kept = lanes.iter().enumerate().map(|(n, lane)| is_loopback(n) || record.contains(&lane.port));
        let kept = kept.collect();
        let heard_min = loopback.as_ref().map_or(0, |_| take.duration as usize + sync::after(take.duration));
        Self {
            lanes,
            kept,
            duration: take.duration,
            start: Start::Searching(SEARCH_MIN),
            pending: Vec::new(),
            first,
            written: 0,
            heard: Vec::with_capacity(heard_min),
            heard_min,
            tail: Vec::new(),
            watch: Watch::new(take, lanes.len(), loopback.is_some()),
            mouth: MouthWatch::of(take, lanes),
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
            let skip = skip.min(pending.len());
            let lead = skip.min(LEAD * self.lanes.len());
            self.before(&pending[skip - lead..skip]);
            return self.write(&pending[skip..], sink);
        }
        self.write(frames, sink)
    }

    /// Hears what comes before the take, where the loopback says what that is.
    fn before(&mut self, frames: &[f32]) {
        if !matches!(self.start, Start::Found(_)) {
            return;
        }
        let width = self.lanes.len();
        self.watch.push(-((frames.len() / width) as i64), frames);
        if let Some(watch) = &mut self.mouth {
            watch.silence = frames.iter().skip(watch.lane).step_by(width).copied().collect();
        }
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
        self.hear(frames);
        let count = ((self.duration - self.written) as usize).min(frames.len() / width);
        let (frames, beyond) = frames.split_at(count * width);
        if self.loopback.is_some() {
            let room = (self.heard_min - self.duration as usize) * width;
            let room = room.saturating_sub(self.tail.len()).min(beyond.len());
            self.tail.extend_from_slice(&beyond[..room]);
        }
        if count == 0 {
            return Ok(());
        }
        self.watch.push(self.written as i64, frames);
        if let Some(watch) = &mut self.mouth {
            watch.heard.extend(frames.iter().skip(watch.lane).step_by(width));
        }
        self.written += count as Frame;
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

    /// Keeps the loopback, and waits for more of it where the code is not back yet after the take.
    fn hear(&mut self, frames: &[f32]) {
        let Some((lane, code)) = &self.loopback else { return };
        let most = (self.duration as usize + AFTER_MAX).max(self.heard_min);
        let room = most - self.heard.len().min(most);
        self.heard.extend(frames.iter().skip(*lane).step_by(self.lanes.len()).take(room));
        let ends = self.heard.len() >= self.heard_min && self.heard_min < most;
        if ends && matches!(self.start, Start::Found(_)) && !sync::is_code_at_the_end(code, &self.heard) {
            self.heard_min = (self.heard.len() + AFTER_STEP).min(most);
        }
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
        let proven = self.loopback.is_none() || self.heard.len() >= self.heard_min;
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

    /// What the bench states about the recording. Where its clock was faster than the one that played, what belongs to the
    /// take of the frames after it is written too.
    pub(super) fn finish(
        self,
        pair: Option<LoopbackSpec>,
        facts: StreamFacts,
        sink: &mut dyn CaptureSink,
    ) -> Result<Certificate, SinkError> {
        let evidence = match (&self.loopback, self.start) {
            (Some((_, code)), Start::Found(_)) => Some(sync::examine(code, &self.heard, self.duration)),
            _ => None,
        };
        let start = match self.start {
            Start::Found(start) => start + facts.unread,
            Start::Searching(_) | Start::Assumed(_) => 0,
        };
        let heard = Heard {
            duration: self.duration,
            has_loopback: self.loopback.is_some(),
            pair,
            facts,
            evidence,
            late_frames: start as f64 - (facts.began_played + LEAD as u64) as f64,
            overloaded: self.overloaded.iter().cloned().collect(),
            dead: self.watch.dead(self.lanes, &self.kept),
            changes: self.watch.changes(self.lanes),
            microphone: self.mouth.as_ref().map(|watch| &self.lanes[watch.lane].port),
            mouth: self.mouth.as_ref(),
        };
        let Certified { certificate, frames_after } = heard.certify();
        let width = self.lanes.len();
        let frames_after = frames_after.map_or(0, |frames| frames + RESAMPLING_REACH);
        let tail = &self.tail[..(frames_after * width).min(self.tail.len())];
        for (n, lane) in self.lanes.iter().enumerate().filter(|(n, _)| self.kept[*n] && !tail.is_empty()) {
            let track: Vec<f32> = tail.iter().skip(n).step_by(width).copied().collect();
            sink.write(&lane.port, &track)?;
        }
        Ok(certificate)
    }
}
