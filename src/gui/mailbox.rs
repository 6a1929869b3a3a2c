//! What reaches the window from other threads. Bounded, and never in the way of a bench: of what is
//! replaced only the newest is kept, and events that nobody fetched in time are counted, not queued without end.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::events::{Line, line_of};
use super::graph::Graph;
use crate::event::{Event, Listened, Reading, Side, Telemetry};
use crate::plan::ResolvedPlan;
use crate::run::view::RunView;
use crate::run::{BenchChoice, Interface, RunError, RunSummary, Update};
use crate::take::{EpochKey, Frame, TakeId};
use crate::terms::Port;

/// Lines of the event log that may wait for the window; the journal holds all of them.
pub const LINES_MAX: usize = 400;

/// The level of a port: what the last message said, and the highest peak of the recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meter {
    /// RMS of the last block, in dBov.
    pub rms_dbov: f64,
    /// Peak of the last block, in dBov.
    pub peak_dbov: f64,
    /// The highest peak since the recording began, in dBov.
    pub highest_dbov: f64,
}

impl Meter {
    /// What a reading says of the samples.
    pub fn of(reading: &Reading) -> Self {
        Self {
            rms_dbov: reading.level - reading.full_scale,
            peak_dbov: reading.peak - reading.full_scale,
            highest_dbov: reading.highest_peak - reading.full_scale,
        }
    }
}

/// What the monitor read of one side of a port, with its pictures.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The newest reading.
    pub reading: Arc<Reading>,
    /// Bands and spectrum, ready to be drawn.
    pub graph: Option<Arc<Graph>>,
}

/// What a recording, or a monitored bench, is doing now: the fold of what may be lost. Good for meters only.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// The take of each call, with frames done and frames in all: calls may run side by side.
    pub takes: BTreeMap<EpochKey, (TakeId, Frame, Frame)>,
    /// Levels by recorded port.
    pub meters: BTreeMap<Port, Meter>,
    /// What the monitor reads, by port and side.
    pub watched: BTreeMap<(Port, Side), Watched>,
    /// What became of listening.
    pub listened: Option<Listened>,
    /// Seconds of sound recorded, and seconds planned so far.
    pub progress_s: Option<(f64, f64)>,
    /// Whether a bench is monitored, and nothing recorded.
    pub is_monitor: bool,
}

impl Live {
    /// Takes in an event: a take that is over is not being recorded any more.
    pub fn hear_event(&mut self, event: &Event) {
        match event {
            Event::TakeRecorded { epoch, .. }
            | Event::TakeFailed { epoch, .. }
            | Event::EpochClosed { epoch } => {
                self.takes.remove(epoch);
            }
            Event::RunStopped { .. } | Event::RunFinished => self.takes.clear(),
            _ => {}
        }
    }

    /// Takes in a message that may be lost.
    pub fn hear_telemetry(&mut self, telemetry: &Telemetry) {
        match telemetry {
            Telemetry::TakeProgress { epoch, take, done, total } => {
                self.takes.insert(epoch.clone(), (take.clone(), *done, *total));
            }
            Telemetry::Levels { levels } => {
                for (port, (rms_dbov, peak_dbov)) in levels {
                    let before = self.meters.get(port).map_or(f64::NEG_INFINITY, |one| one.highest_dbov);
                    let highest_dbov = if *peak_dbov > before { *peak_dbov } else { before };
                    let meter = Meter { rms_dbov: *rms_dbov, peak_dbov: *peak_dbov, highest_dbov };
                    self.meters.insert(port.clone(), meter);
                }
            }
            Telemetry::RunProgress { done_s, total_s } => self.progress_s = Some((*done_s, *total_s)),
            Telemetry::Reading(reading) => {
                let key = (reading.port.clone(), reading.side);
                let before = self.watched.get(&key).and_then(|one| one.graph.clone());
                // Made here, once for each reading, and not in frames.
                let graph = Graph::of(reading, before.as_deref()).map(Arc::new);
                self.watched.insert(key, Watched { reading: Arc::clone(reading), graph });
            }
            Telemetry::Listening(listened) => self.listened = Some(listened.clone()),
        }
    }
}

/// What a worker brings back.
pub enum Answer {
    /// A plan was read, or read and checked.
    Plan {
        /// How it was asked for.
        given: String,
        /// What it was checked on; `None`: it was only read.
        on: Option<BenchChoice>,
        /// The plan, or what is wrong with it.
        result: Result<ResolvedPlan, RunError>,
        /// Whether the worker goes on with it: checks or records it.
        goes_on: bool,
    },
    /// A stored run was opened.
    Run(Result<RunView, RunError>),
    /// A recording ended, or never began.
    Recorded(Result<RunView, RunError>),
    /// A bench is monitored no more, or never was.
    Monitored(Result<(), RunError>),
    /// What there is to choose from.
    Lists(Lists),
    /// The audio interfaces of this machine.
    Interfaces(Result<Vec<Interface>, RunError>),
}

/// What there is to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    /// Plans by name.
    pub plans: Vec<String>,
    /// Virtual cars by name.
    pub cars: Vec<String>,
    /// Bench files by name.
    pub rigs: Vec<String>,
    /// Records of devices by name.
    pub devices: Vec<String>,
    /// Overlays by name, and limit files, which may be laid over a plan too.
    pub overlays: Vec<String>,
    /// Stored runs, the newest first.
    pub runs: Vec<RunSummary>,
    /// Why the runs could not be listed.
    pub runs_error: Option<String>,
}

/// What came since the window last looked, with the fold of what may be lost.
#[derive(Default)]
pub struct Mail {
    /// What the recording is doing now.
    pub live: Live,
    /// New lines of the event log.
    pub lines: VecDeque<Line>,
    /// Lines that were dropped because the window did not look for too long.
    pub lines_dropped: usize,
    /// The newest view.
    pub view: Option<Arc<RunView>>,
    /// What workers brought back, in order. One job runs at a time, so there are never many.
    pub answers: Vec<Answer>,
}

impl Mail {
    /// Takes in an update of the engine, `at_s` seconds after the recording began.
    pub fn hear(&mut self, update: &Update<'_>, at_s: f64) {
        match update {
            Update::Event(event) => {
                self.live.hear_event(event);
                self.lines.push_back(line_of(event, at_s));
                if self.lines.len() > LINES_MAX {
                    self.lines.pop_front();
                    self.lines_dropped += 1;
                }
            }
            Update::View(view) => self.view = Some(Arc::clone(view)),
            Update::Telemetry(telemetry) => self.live.hear_telemetry(telemetry),
        }
    }
}

/// Shared between the window and its workers.
#[derive(Default)]
pub struct Mailbox {
    mail: Mutex<(Option<Instant>, Mail)>,
}

impl Mailbox {
    fn mail(&self) -> MutexGuard<'_, (Option<Instant>, Mail)> {
        // Mail is whole after every change: a worker that panicked elsewhere leaves nothing half done.
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what became of listening: nobody listens any more.
    pub fn forget_listening(&self) {
        self.mail().1.live.listened = None;
    }

    /// Forgets what was before: a bench is monitored from now on.
    pub fn begin_monitor(&self) {
        self.begin();
        self.mail().1.live.is_monitor = true;
    }

    /// Forgets the recording before: a new one begins now.
    pub fn begin(&self) {
        let mut mail = self.mail();
        mail.0 = Some(Instant::now());
        mail.1.live = Live::default();
        mail.1.view = None;
        mail.1.lines.clear();
        mail.1.lines_dropped = 0;
    }

    /// Seconds on the clock since the recording began.
    pub fn clock_s(&self) -> f64 {
        self.mail().0.map_or(0.0, |began| began.elapsed().as_secs_f64())
    }

    /// Takes in an update of the engine.
    pub fn hear(&self, update: &Update<'_>) {
        let mut mail = self.mail();
        let at_s = mail.0.map_or(0.0, |began| began.elapsed().as_secs_f64());
        mail.1.hear(update, at_s);
    }

    /// Takes in what a worker brings back.
    pub fn answer(&self, answer: Answer) {
        self.mail().1.answers.push(answer);
    }

    /// Everything since the last time; what the recording is doing stays for the next time.
    pub fn fetch(&self) -> Mail {
        let mut mail = self.mail();
        let live = mail.1.live.clone();
        let fetched = std::mem::take(&mut mail.1);
        mail.1.live = live;
        fetched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(peak: f64) -> Telemetry {
        Telemetry::Levels { levels: [(Port::of(Port::POI_SEND), (peak - 12.0, peak))].into() }
    }

    #[test]
    fn nothing_grows_while_nobody_looks() {
        let mut mail = Mail::default();
        for _ in 0..3 * LINES_MAX {
            mail.hear(&Update::Event(&Event::RunFinished), 1.0);
            mail.hear(&Update::Telemetry(&levels(-20.0)), 1.0);
        }
        assert_eq!((mail.lines.len(), mail.lines_dropped), (LINES_MAX, 2 * LINES_MAX));
        assert_eq!(mail.live.meters.len(), 1);
    }

    #[test]
    fn a_meter_keeps_the_highest_peak_and_a_number_that_is_none_changes_nothing() {
        let mut live = Live::default();
        for peak in [-20.0, -3.0, f64::NAN, -40.0] {
            live.hear_telemetry(&levels(peak));
        }
        let meter = live.meters[&Port::of(Port::POI_SEND)];
        assert_eq!((meter.peak_dbov, meter.highest_dbov), (-40.0, -3.0));
    }

    #[test]
    fn each_call_shows_the_take_that_it_records() {
        let progress = |epoch: &str, take: &str| Telemetry::TakeProgress {
            epoch: EpochKey::stored(epoch),
            take: TakeId::stored(take),
            done: 48,
            total: 480,
        };
        let mut live = Live::default();
        for (epoch, take) in [("quiet", "a"), ("loud", "b"), ("quiet", "c")] {
            live.hear_telemetry(&progress(epoch, take));
        }
        let takes = |live: &Live| live.takes.values().map(|one| one.0.text().to_owned()).collect::<Vec<_>>();
        assert_eq!(takes(&live), ["b", "c"]);
        live.hear_event(&Event::EpochClosed { epoch: EpochKey::stored("loud") });
        assert_eq!(takes(&live), ["c"]);
        live.hear_event(&Event::RunFinished);
        assert!(live.takes.is_empty());
    }

    #[test]
    fn what_was_fetched_is_gone_and_what_goes_on_stays() {
        let mailbox = Mailbox::default();
        mailbox.begin();
        mailbox.hear(&Update::Event(&Event::RunResumed { software: "1".to_owned() }));
        mailbox.hear(&Update::Telemetry(&levels(-3.0)));
        assert_eq!(mailbox.fetch().lines.len(), 1);
        let again = mailbox.fetch();
        assert_eq!((again.lines.len(), again.live.meters.len()), (0, 1));
        mailbox.begin();
        assert!(mailbox.fetch().live.meters.is_empty());
    }
}
