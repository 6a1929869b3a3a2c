//! The acquisition of a run as its journal tells it: a fold of events, and the place where takes are found.

use std::collections::BTreeMap;

use crate::capture::{Capture, Certificate, Grade, Take, TakeSource};
use crate::context::{Fact, Facts};
use crate::entry::EntryId;
use crate::event::{Event, Failure, TrackRecord};
use crate::run::clock;
use crate::store::folder::RunFolder;
use crate::store::wire::Line;
use crate::take::{EpochKey, RATE, TakeId, TakeSpec};
use crate::terms::Port;

/// A take as the journal names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Recorded tracks.
    pub captures: Vec<TrackRecord>,
    /// Played tracks.
    pub stimuli: Vec<TrackRecord>,
    /// What is known about the recording.
    pub certificate: Certificate,
    /// Whether a played signal stands in for a licensed recording.
    pub method_equivalent: bool,
}

/// An attempt at a take as the journal names it; its recording stays where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// Whether it only brought the call to where a missing take begins.
    pub replay: bool,
    /// The certificate of what was recorded; `None` where the bench failed.
    pub certificate: Option<Certificate>,
    /// Why the bench failed; empty where it did not.
    pub reason: String,
}

/// A decision as the journal names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The take that was asked for; `None`: done.
    pub take: Option<TakeId>,
    /// Why.
    pub reason: String,
}

/// An objection of a method to going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The entry that objects.
    pub entry: EntryId,
    /// Its method.
    pub method: String,
    /// What it has against it.
    pub reason: String,
    /// How it was answered.
    pub answer: Answer,
}

/// How an objection was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Not yet.
    Open,
    /// An operator accepted it, at this time.
    Accepted(String),
    /// A later check had nothing to object to.
    Repaired,
}

/// The fold of an acquisition journal.
#[derive(Debug, Clone, Default)]
pub struct RunLog {
    takes: BTreeMap<TakeId, Recorded>,
    attempts: BTreeMap<TakeId, u32>,
    history: BTreeMap<TakeId, Vec<Attempt>>,
    openings: BTreeMap<EpochKey, u32>,
    failures: BTreeMap<TakeId, (Failure, String)>,
    /// The takes that ended their calls and the run, until the call is opened again.
    broken: BTreeMap<EpochKey, (TakeId, String)>,
    decisions: BTreeMap<EntryId, Vec<Decision>>,
    /// The facts found.
    pub facts: Facts,
    /// Whether the last word is that everything was recorded.
    pub finished: bool,
    /// Why the run stopped, when that is its last word.
    pub stopped: Option<String>,
    /// Seconds of sound, with preambles and repeats.
    pub audio_s: f64,
    sessions: Vec<(String, String)>,
    holds: Vec<Hold>,
    rechecks: BTreeMap<String, u32>,
    /// The number of events.
    pub event_count: usize,
}

impl RunLog {
    /// The fold of the lines of a journal.
    pub fn of(lines: &[Line]) -> Result<Self, crate::store::wire::WireError> {
        let mut log = Self::default();
        for line in lines {
            log.apply(&line.at, &line.event.clone().try_into()?);
        }
        Ok(log)
    }

    /// Takes in one more event.
    pub fn apply(&mut self, at: &str, event: &Event) {
        self.event_count += 1;
        self.finished = matches!(event, Event::RunFinished);
        self.stopped = None;
        match event {
            Event::RunStarted { .. } | Event::RunResumed { .. } => {
                self.sessions.push((at.to_owned(), at.to_owned()));
            }
            Event::EpochOpened { epoch, attempt, .. } => {
                self.openings.insert(epoch.clone(), *attempt);
                self.broken.remove(epoch);
            }
            Event::TakeRecorded {
                take,
                attempt,
                replay,
                captures,
                stimuli,
                certificate,
                method_equivalent,
                ..
            } => {
                self.attempts.insert(take.clone(), *attempt);
                let heard = Some(certificate.clone());
                let one =
                    Attempt { number: *attempt, replay: *replay, certificate: heard, reason: String::new() };
                self.history.entry(take.clone()).or_default().push(one);
                // The recording of a background noise goes round; it says nothing about the length of a take.
                let played = stimuli.iter().filter(|track| track.port.name() != Port::NOISE_RECORDING);
                let frames = captures.iter().chain(played).map(|track| track.frames).max().unwrap_or(0);
                self.audio_s += frames as f64 / f64::from(RATE);
                // Finished takes are never replaced; a take without a good certificate is.
                if !(*replay || self.has(take)) {
                    self.failures.remove(take);
                    let recorded = Recorded {
                        captures: captures.clone(),
                        stimuli: stimuli.clone(),
                        certificate: certificate.clone(),
                        method_equivalent: *method_equivalent,
                    };
                    self.takes.insert(take.clone(), recorded);
                }
            }
            Event::TakeFailed { epoch, take, attempt, failure, reason } => {
                self.attempts.insert(take.clone(), *attempt);
                let reason_told = reason.clone();
                let one = Attempt { number: *attempt, replay: false, certificate: None, reason: reason_told };
                self.history.entry(take.clone()).or_default().push(one);
                if *failure == Failure::StopRun {
                    self.broken.insert(epoch.clone(), (take.clone(), reason.clone()));
                }
                self.failures.insert(take.clone(), (*failure, reason.clone()));
            }
            Event::Decided { entry, step, take, reason } => {
                let decisions = self.decisions.entry(entry.clone()).or_default();
                decisions.truncate((*step as usize).saturating_sub(1));
                decisions.push(Decision { take: take.clone(), reason: reason.clone() });
            }
            Event::FactFound { key, value, entry, call, record } => {
                let (value, entry) = (value.clone(), entry.clone());
                let fact = Fact { value, entry, call: call.clone(), record: record.clone() };
                self.facts.0.insert(key.clone(), fact);
            }
            Event::Held { entry, method, reason } => self.holds.push(Hold {
                entry: entry.clone(),
                method: method.clone(),
                reason: reason.clone(),
                answer: Answer::Open,
            }),
            Event::HoldAccepted { entry } => {
                let mine = self.holds.iter_mut().filter(|hold| hold.entry == *entry);
                mine.for_each(|hold| hold.answer = Answer::Accepted(at.to_owned()));
            }
            Event::Rechecked { method, is_good, .. } => {
                *self.rechecks.entry(method.clone()).or_default() += 1;
                let open = self.holds.iter_mut().filter(|hold| hold.answer == Answer::Open);
                open.filter(|hold| *is_good && hold.method == *method)
                    .for_each(|hold| hold.answer = Answer::Repaired);
            }
            Event::RunStopped { reason } => self.stopped = Some(reason.clone()),
            Event::EpochClosed { .. } | Event::RunFinished => {}
        }
        if let Some(session) = self.sessions.last_mut() {
            at.clone_into(&mut session.1);
        }
    }

    /// Whether a take is recorded and a verdict may stand on it.
    pub fn has(&self, take: &TakeId) -> bool {
        self.takes.get(take).is_some_and(|one| one.certificate.grade != Grade::Bad)
    }

    /// What was recorded of a take, good or not.
    pub fn recorded(&self, take: &TakeId) -> Option<&Recorded> {
        self.takes.get(take)
    }

    /// How often a take was tried.
    pub fn attempts(&self, take: &TakeId) -> u32 {
        self.attempts.get(take).copied().unwrap_or(0)
    }

    /// Every take that was tried, with all attempts in their order.
    pub fn history(&self) -> impl Iterator<Item = (&TakeId, &[Attempt])> {
        self.history.iter().map(|(take, attempts)| (take, attempts.as_slice()))
    }

    /// How often an epoch was opened.
    pub fn openings(&self, epoch: &EpochKey) -> u32 {
        self.openings.get(epoch).copied().unwrap_or(0)
    }

    /// Why the last attempt at a take failed.
    pub fn failure(&self, take: &TakeId) -> Option<&(Failure, String)> {
        self.failures.get(take)
    }

    /// The take that ended the call of a take for good, with the reason.
    pub fn broken_call(&self, take: &TakeId) -> Option<&(TakeId, String)> {
        let is_of = |epoch: &EpochKey| {
            take.text().strip_prefix(epoch.text()).is_some_and(|rest| rest.starts_with('.'))
        };
        self.broken.iter().find(|(epoch, _)| is_of(epoch)).map(|(_, broken)| broken)
    }

    /// The decisions of an adaptive entry so far.
    pub fn decisions(&self, entry: &EntryId) -> &[Decision] {
        self.decisions.get(entry).map_or(&[], Vec::as_slice)
    }

    /// The objections so far.
    pub fn holds(&self) -> &[Hold] {
        &self.holds
    }

    /// Those that nobody has answered.
    pub fn open_holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.iter().filter(|hold| hold.answer == Answer::Open)
    }

    /// The objection of an entry.
    pub fn hold(&self, entry: &EntryId) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.entry == *entry)
    }

    /// Whether an objection of an entry stops nothing: it was answered, or one of the same method was accepted.
    pub fn is_answered(&self, entry: &EntryId, method: &str) -> bool {
        self.holds.iter().any(|hold| match hold.answer {
            Answer::Open => false,
            Answer::Accepted(_) => hold.method == method,
            Answer::Repaired => hold.entry == *entry,
        })
    }

    /// How often the check of a method was made again.
    pub fn rechecks(&self, method: &str) -> u32 {
        self.rechecks.get(method).copied().unwrap_or(0)
    }

    /// Seconds on the clock, all sessions together.
    pub fn wall_s(&self) -> f64 {
        self.sessions.iter().filter_map(|(from, to)| clock::seconds_between(from, to)).sum()
    }
}

/// Takes found in a run folder through its log.
pub struct StoredTakes<'a> {
    /// The folder.
    pub folder: &'a RunFolder,
    /// The log.
    pub log: &'a RunLog,
}

impl TakeSource for StoredTakes<'_> {
    fn take(&self, id: &TakeId, spec: &TakeSpec) -> Option<Take> {
        let recorded = self.log.recorded(id)?;
        let tracks = |records: &[TrackRecord]| {
            records.iter().map(|record| (record.port.clone(), self.folder.track(record))).collect()
        };
        let mut captures: BTreeMap<Port, Capture> = tracks(&recorded.captures);
        for (port, capture) in &mut captures {
            if let Some(retiming) = recorded.certificate.retiming(port) {
                *capture = capture.clone().retimed(retiming, spec.duration);
            }
        }
        Some(Take {
            id: id.clone(),
            spec: spec.clone(),
            captures,
            played: tracks(&recorded.stimuli),
            certificate: recorded.certificate.clone(),
            method_equivalent: recorded.method_equivalent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(take: &str, attempt: u32, replay: bool, grade: Grade, file: &str) -> Event {
        Event::TakeRecorded {
            epoch: EpochKey::stored("e"),
            take: TakeId::stored(take),
            attempt,
            replay,
            kept: grade != Grade::Bad,
            content: String::new(),
            captures: vec![TrackRecord {
                port: crate::terms::Port::of("poi.send"),
                file: file.to_owned(),
                sha256: String::new(),
                frames: 48_000,
            }],
            stimuli: Vec::new(),
            certificate: Certificate { grade, ..Certificate::by_construction() },
            method_equivalent: false,
        }
    }

    fn file(log: &RunLog, take: &str) -> String {
        log.recorded(&TakeId::stored(take)).unwrap().captures[0].file.clone()
    }

    #[test]
    fn finished_takes_are_never_replaced_and_bad_ones_are() {
        let mut log = RunLog::default();
        log.apply("", &recorded("a", 1, false, Grade::Bad, "1"));
        assert!(!log.has(&TakeId::stored("a")));
        log.apply("", &recorded("a", 2, false, Grade::Good, "2"));
        assert_eq!(file(&log, "a"), "2");
        log.apply("", &recorded("a", 3, false, Grade::Good, "3"));
        log.apply("", &recorded("a", 4, true, Grade::Good, "4"));
        assert_eq!(file(&log, "a"), "2");
        assert_eq!(log.attempts(&TakeId::stored("a")), 4);
        assert_eq!(log.audio_s, 4.0);
    }

    #[test]
    fn decisions_are_replayed_by_their_step() {
        let mut log = RunLog::default();
        let entry = EntryId::new("volume", &[]);
        for (step, take) in [(1, Some("a")), (2, Some("b")), (2, Some("c")), (3, None)] {
            let take = take.map(TakeId::stored);
            log.apply("", &Event::Decided { entry: entry.clone(), step, take, reason: String::new() });
        }
        let takes: Vec<Option<&str>> =
            log.decisions(&entry).iter().map(|one| one.take.as_ref().map(TakeId::text)).collect();
        assert_eq!(takes, [Some("a"), Some("c"), None]);
    }

    #[test]
    fn a_call_is_broken_until_it_is_opened_again() {
        let mut log = RunLog::default();
        let epoch = EpochKey::stored("wb-1");
        let failed = |failure| Event::TakeFailed {
            epoch: epoch.clone(),
            take: TakeId::stored("wb-1.conditioning-2"),
            attempt: 1,
            failure,
            reason: "x".to_owned(),
        };
        let (mine, other) = (TakeId::stored("wb-1.send-3"), TakeId::stored("wb-12.send-3"));
        log.apply("", &failed(Failure::Stopped));
        assert_eq!(log.broken_call(&mine), None);
        log.apply("", &failed(Failure::StopRun));
        assert_eq!(log.broken_call(&mine), Some(&(TakeId::stored("wb-1.conditioning-2"), "x".to_owned())));
        assert_eq!(log.broken_call(&other), None);
        let (seed, volume_step, network) = (0, 0, String::new());
        log.apply("", &Event::EpochOpened { epoch: epoch.clone(), attempt: 2, seed, volume_step, network });
        assert_eq!(log.broken_call(&mine), None);
    }

    #[test]
    fn wall_time_is_that_of_the_sessions() {
        let mut log = RunLog::default();
        let resumed = Event::RunResumed { software: String::new() };
        log.apply("2026-01-01T00:00:00.000Z", &resumed);
        log.apply("2026-01-01T00:00:10.000Z", &Event::RunStopped { reason: "x".to_owned() });
        assert!(log.stopped.is_some());
        log.apply("2026-01-01T01:00:00.000Z", &resumed);
        log.apply("2026-01-01T01:00:05.000Z", &Event::RunFinished);
        assert_eq!((log.wall_s(), log.finished, log.stopped.is_none()), (15.0, true, true));
    }
}
