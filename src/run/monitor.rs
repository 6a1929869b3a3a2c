//! The live monitor: what faces may watch and listen to, beside a run or before one.
//!
//! A [`Monitor`] is shared between a face and its worker; what it wants may change at any time. The sound of the ports that it
//! wants comes from the benches through a bounded channel that may lose it, to a thread of its own: neither recording nor the
//! thread that forwards telemetry waits for a meter. Nothing here writes, judges or touches the rig.

mod analysis;
mod ear;
#[cfg(all(test, feature = "audio"))]
mod tests;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::analysis::Analyst;
pub(super) use self::ear::Outlet;
use super::engine::Engine;
use super::{RunError, Update};
use crate::bench::StopFlag;
#[cfg(feature = "audio")]
use crate::bench::TelemetrySender;
use crate::bench::tap::{Sound, SoundSender, Wanted, Wish};
use crate::context::BenchInfo;
use crate::terms::Port;

/// Blocks of sound that may wait for the meters before further ones are lost.
const SOUNDS_MAX: usize = 512;

/// The gains with which a port may be listened to, in dB.
pub const LISTENING_GAINS_DB: std::ops::RangeInclusive<f64> = -60.0..=60.0;

/// What is listened to, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Listening {
    /// The port.
    pub port: Port,
    /// The id of the audio interface, as `list interfaces` prints it; `None`: the default output. Never one on which the bench
    /// plays.
    pub interface: Option<String>,
    /// The gain in dB, −60 to 60, from the port's digital samples to the interface's. Behind it nothing is louder than −12 dB of
    /// full scale.
    pub gain_db: f64,
}

/// What a monitor is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
struct Asked {
    watched: Wish,
    analyzed: BTreeSet<Port>,
    listening: Option<Listening>,
}

#[derive(Debug, Default)]
struct Shared {
    wanted: Wanted,
    asked: Mutex<Asked>,
    /// How often what is asked for has changed.
    changes: AtomicU64,
}

/// Says what is watched and listened to. Cheap to clone: all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Monitor(Arc<Shared>);

impl Monitor {
    /// A monitor that wants nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches these ports, and no others: level, A-weighted level, peak and clips of each.
    pub fn watch(&self, ports: impl IntoIterator<Item = Port>) {
        let ports = ports.into_iter().collect();
        self.ask(|asked| asked.watched = Wish::Ports(ports));
    }

    /// Watches every port that the bench hears or plays on.
    pub fn watch_all(&self) {
        self.ask(|asked| asked.watched = Wish::All);
    }

    /// Reads third-octave bands and a narrowband spectrum of these ports, and of no others, beside what [`Monitor::watch`] reads.
    pub fn analyze(&self, ports: impl IntoIterator<Item = Port>) {
        let ports = ports.into_iter().collect();
        self.ask(|asked| asked.analyzed = ports);
    }

    /// Lets a port be heard, or none.
    pub fn listen(&self, listening: Option<Listening>) {
        self.ask(|asked| asked.listening = listening);
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        // What is asked for is whole after every change.
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, change: impl FnOnce(&mut Asked)) {
        let mut asked = self.asked();
        change(&mut asked);
        let wish = match &asked.watched {
            Wish::All => Wish::All,
            Wish::Ports(watched) => {
                let listened = asked.listening.iter().map(|one| &one.port);
                Wish::Ports(watched.iter().chain(&asked.analyzed).chain(listened).cloned().collect())
            }
        };
        self.0.wanted.set(wish);
        self.0.changes.fetch_add(1, Ordering::AcqRel);
    }

    fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Acquire)
    }

    /// A way for sound from benches to this monitor.
    pub(super) fn sounds(&self) -> (SoundSender, Receiver<Sound>) {
        let (channel, heard) = sync_channel(SOUNDS_MAX);
        (SoundSender::new(channel, self.0.wanted.clone()), heard)
    }

    /// Reads what benches send until `done`, or until nobody can send any more.
    pub(super) fn work(
        &self,
        heard: &Receiver<Sound>,
        bench: &BenchInfo,
        outlet: &Outlet,
        done: &AtomicBool,
        listener: &(dyn Fn(Update<'_>) + Sync),
    ) {
        Analyst::new(self, bench, outlet, listener).work(heard, done);
    }
}

impl Engine {
    /// The same engine, whose runs are watched by a monitor.
    #[must_use]
    pub fn with_monitor(self, monitor: Monitor) -> Self {
        Self { monitor, ..self }
    }

    /// Opens the inputs of a live bench without a run, until `stop`: what a person needs who places microphones and sets gains.
    /// Nothing is played, the rig is not touched, no call is made, nothing is written. `given` is a bench file or a name;
    /// `listener` hears telemetry only.
    ///
    /// # Errors
    /// Problems of the bench file; a virtual car, which sounds in a run only; a port that the bench does not record; an interface
    /// that is missing or breaks.
    #[cfg(feature = "audio")]
    pub fn monitor(
        &self,
        given: &str,
        monitor: &Monitor,
        listener: &(dyn Fn(Update<'_>) + Sync),
        stop: &StopFlag,
    ) -> Result<(), RunError> {
        use crate::bench::live::inputs;
        let (file, system) = self.live_inputs(given)?;
        let ports = inputs::ports(&file.spec);
        monitor.check(&ports)?;
        let outlet = Outlet::beside(&file.spec, self.audio.clone());
        let (sounds, heard) = monitor.sounds();
        let telemetry = TelemetrySender::none().with_sounds(sounds);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Gone with this closure, whatever happens in it: then the meters end too.
            let telemetry = telemetry;
            let (done, outlet, info) = (&done, &outlet, &file.info);
            scope.spawn(move || monitor.work(&heard, info, outlet, done, listener));
            let result = inputs::watch(&file.spec, &system, &telemetry, stop);
            done.store(true, Ordering::SeqCst);
            // There is no run to resume here.
            let again = |text: &str| text.replace("resume the run", "watch again");
            result.map_err(|error| RunError::Bench(again(&error.to_string())))
        })
    }

    /// Opens the inputs of a live bench without a run.
    ///
    /// # Errors
    /// Always: the program was built without audio.
    #[cfg(not(feature = "audio"))]
    pub fn monitor(
        &self,
        _: &str,
        _: &Monitor,
        _: &(dyn Fn(Update<'_>) + Sync),
        _: &StopFlag,
    ) -> Result<(), RunError> {
        Err(RunError::Usage(
            "this program was built without audio interfaces: build it with `cargo build --release --features audio`"
                .to_owned(),
        ))
    }
}

#[cfg(feature = "audio")]
impl Monitor {
    /// Every port that is asked for by its name must be one that is heard.
    fn check(&self, ports: &[Port]) -> Result<(), RunError> {
        let asked = self.asked();
        let watched = match &asked.watched {
            Wish::All => BTreeSet::new(),
            Wish::Ports(ports) => ports.clone(),
        };
        let listened = asked.listening.iter().map(|one| &one.port);
        let unknown =
            watched.iter().chain(&asked.analyzed).chain(listened).find(|port| !ports.contains(port));
        unknown.map_or(Ok(()), |port| {
            let known: Vec<&str> = ports.iter().map(Port::name).collect();
            let near = crate::document::nearest(port.name(), &known);
            let near = near.map_or(String::new(), |near| format!("; did you mean '{near}'?"));
            Err(RunError::Usage(format!(
                "the bench does not record port {port} (it records {}); what it plays can be watched in a run only{near}",
                known.join(", ")
            )))
        })
    }
}
