//! The thread that reads the meters: from blocks of sound to readings, ten times a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::ear::{Ear, Outlet};
use super::{Asked, Monitor};
use crate::bench::tap::Sound;
use crate::context::{BenchInfo, PortDirection};
use crate::event::{Listened, Reading, Side, Telemetry};
use crate::meters::monitor::PortMeter;
use crate::run::Update;
use crate::take::RATE;
use crate::terms::Port;

/// Sound of a port between two of its readings.
const SOUND_MIN: u64 = RATE as u64 / 10;
/// Time between two readings of a port: a virtual car is faster than its sound.
const TIME_MIN: Duration = Duration::from_millis(90);
/// How long the thread waits for sound before it looks whether it is done.
const PATIENCE: Duration = Duration::from_millis(50);
/// A call that was silent for that long is over: another one may be followed. Calls of virtual cars run side by side.
const CALL_OVER: Duration = Duration::from_millis(300);
/// Between two messages about listening.
const TELL: Duration = Duration::from_secs(1);

fn tell(listener: &(dyn Fn(Update<'_>) + Sync), reading: Option<Reading>) {
    if let Some(reading) = reading {
        listener(Update::Telemetry(&Telemetry::Reading(Arc::new(reading))));
    }
}

/// That a bench has no such port.
fn no_port(bench: &BenchInfo, port: &Port) -> String {
    let known: Vec<&str> = bench.ports.keys().map(Port::name).collect();
    format!("the bench '{}' has no port {port} (it has {})", bench.name, known.join(", "))
}

/// Which call a port is followed in.
#[derive(Default)]
struct Follow(Option<(u64, Instant)>);

impl Follow {
    /// Whether a block of this call is taken; whether it is the first of its call.
    fn takes(&mut self, call: u64) -> Option<bool> {
        let now = Instant::now();
        let is_new = match self.0 {
            Some((known, _)) if known == call => false,
            Some((_, last)) if now.duration_since(last) < CALL_OVER => return None,
            _ => true,
        };
        self.0 = Some((call, now));
        Some(is_new)
    }
}

/// The meter of a port with what its readings need.
struct Watched {
    meter: PortMeter,
    follow: Follow,
    told: Option<Instant>,
}

/// Listening, with what was told of it.
struct Heard {
    ear: Ear,
    follow: Follow,
    told: Option<(Listened, Instant)>,
}

/// Reads the meters.
pub(super) struct Analyst<'a> {
    monitor: &'a Monitor,
    bench: &'a BenchInfo,
    outlet: &'a Outlet,
    listener: &'a (dyn Fn(Update<'_>) + Sync),
    asked: Asked,
    /// Which change of what is asked for was seen.
    seen: Option<u64>,
    watched: BTreeMap<(Port, Side), Watched>,
    heard: Option<Heard>,
    /// Time between two readings of a port, at least.
    time_min: Duration,
}

impl<'a> Analyst<'a> {
    pub(super) fn new(
        monitor: &'a Monitor,
        bench: &'a BenchInfo,
        outlet: &'a Outlet,
        listener: &'a (dyn Fn(Update<'_>) + Sync),
    ) -> Self {
        let (asked, watched) = (Asked::default(), BTreeMap::new());
        Self { monitor, bench, outlet, listener, asked, seen: None, watched, heard: None, time_min: TIME_MIN }
    }

    /// The same, with a reading for every 100 ms of sound, however fast that comes.
    #[cfg(all(test, feature = "audio"))]
    pub(super) fn at_the_pace_of_sound(self) -> Self {
        Self { time_min: Duration::ZERO, ..self }
    }

    /// Works until `done`, or until nobody can send any more. What is waiting then is read to its end.
    pub(super) fn work(mut self, heard: &Receiver<Sound>, done: &AtomicBool) {
        loop {
            self.look();
            let is_done = done.load(Ordering::SeqCst);
            match heard.recv_timeout(if is_done { Duration::ZERO } else { PATIENCE }) {
                Ok(sound) => self.take(&sound),
                Err(RecvTimeoutError::Timeout) if !is_done => {}
                Err(_) => break,
            }
            self.tell_listening(false);
        }
        // What came since the last reading of each port is told at the end.
        for one in self.watched.values_mut() {
            tell(self.listener, one.meter.read());
        }
        self.tell_listening(true);
    }

    /// Does what was asked for since this was last looked at.
    fn look(&mut self) {
        let changes = self.monitor.changes();
        if self.seen == Some(changes) {
            return;
        }
        self.seen = Some(changes);
        self.asked = self.monitor.asked().clone();
        let Asked { watched, analyzed, listening } = &self.asked;
        self.watched.retain(|(port, _), _| watched.has(port) || analyzed.contains(port));
        for ((port, _), one) in &mut self.watched {
            one.meter.analyze(analyzed.contains(port));
        }
        let Some(asked) = listening else {
            self.heard = None;
            return;
        };
        if self.heard.as_mut().is_some_and(|heard| heard.ear.follow(asked)) {
            return;
        }
        // The old stream first: it may be the same interface.
        self.heard = None;
        let ear = if self.bench.ports.contains_key(&asked.port) {
            Ear::open(asked.clone(), self.outlet)
        } else {
            Ear::refused(asked.clone(), no_port(self.bench, &asked.port))
        };
        self.heard = Some(Heard { ear, follow: Follow::default(), told: None });
    }

    fn take(&mut self, sound: &Sound) {
        let Sound { call, port, side, .. } = sound;
        let recorded = self.bench.has(port, PortDirection::In);
        if let Some(heard) = self.heard.as_mut().filter(|heard| heard.ear.asked().port == *port)
            && (*side == Side::Recorded) == recorded
            && heard.follow.takes(*call).is_some()
        {
            heard.ear.put(&sound.samples);
        }
        let Asked { watched, analyzed, .. } = &self.asked;
        let is_analyzed = analyzed.contains(port);
        if !is_analyzed && !watched.has(port) {
            return;
        }
        let one = self.watched.entry((port.clone(), *side)).or_insert_with(|| {
            let calibration = self.bench.ports.get(port).map(|info| &info.calibration);
            let mut meter = PortMeter::new(port.clone(), *side, calibration);
            meter.analyze(is_analyzed);
            Watched { meter, follow: Follow::default(), told: None }
        });
        match one.follow.takes(*call) {
            None => return,
            Some(is_new) if is_new => one.meter.restart(),
            Some(_) => {}
        }
        one.meter.push(sound.at, &sound.samples, sound.overloaded);
        let is_time = one.told.is_none_or(|told| told.elapsed() >= self.time_min);
        if one.meter.fresh() >= SOUND_MIN && is_time {
            one.told = Some(Instant::now());
            tell(self.listener, one.meter.read());
        }
    }

    /// Tells what became of listening, once a second, when a problem comes or goes, and at the end.
    fn tell_listening(&mut self, is_end: bool) {
        let Some(heard) = &mut self.heard else { return };
        let is_due = match &heard.told {
            None => true,
            Some(_) if is_end => true,
            Some((told, at)) => at.elapsed() >= TELL || told.problem != heard.ear.told().problem,
        };
        if is_due {
            let now = heard.ear.told();
            (self.listener)(Update::Telemetry(&Telemetry::Listening(now.clone())));
            heard.told = Some((now, Instant::now()));
        }
    }
}
