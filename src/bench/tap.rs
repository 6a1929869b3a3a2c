//! What leaves a bench for the monitor: blocks of the ports that somebody wants, which may be lost.
//!
//! Nothing of this happens in an audio callback, and nothing at all while nobody wants it: a bench asks
//! [`Tap::wants`] before it copies a sample. A full channel loses the block, and the gap in [`Sound::at`] says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, PoisonError, RwLock};

use crate::event::Side;
use crate::terms::Port;

/// Frames that are sent together at least: 20 ms.
const FRAMES_MIN: usize = 960;

/// A block of what a port carried, raw digital full scale at the bench's rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Which call, or which watching without a call: blocks of different ones never follow each other.
    pub call: u64,
    /// The port.
    pub port: Port,
    /// Whether it was played or recorded.
    pub side: Side,
    /// The number of the first frame within the call. The next block goes on where this one ends, or something was lost.
    pub at: u64,
    /// The samples.
    pub samples: Vec<f32>,
    /// Whether the interface reached full scale before its rate was lowered, where the samples do not show it any more.
    pub overloaded: bool,
}

/// Ports that somebody wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Every port that there is.
    All,
    /// These.
    Ports(BTreeSet<Port>),
}

impl Default for Wish {
    fn default() -> Self {
        Self::Ports(BTreeSet::new())
    }
}

impl Wish {
    /// Whether a port is among them.
    pub fn has(&self, port: &Port) -> bool {
        match self {
            Self::All => true,
            Self::Ports(ports) => ports.contains(port),
        }
    }
}

/// What is wanted now, shared between a face, its worker and the benches; it may change at any time.
#[derive(Debug, Clone, Default)]
pub struct Wanted(Arc<RwLock<Wish>>);

impl Wanted {
    /// Wants this from now on.
    pub fn set(&self, wish: Wish) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = wish;
    }

    /// Whether a port is wanted.
    pub fn has(&self, port: &Port) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).has(port)
    }

    /// What is wanted.
    pub fn wish(&self) -> Wish {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where the sound of benches goes: all benches of a run share one.
#[derive(Debug, Clone)]
pub struct SoundSender {
    channel: SyncSender<Sound>,
    wanted: Wanted,
    calls: Arc<AtomicU64>,
}

impl SoundSender {
    /// Sends what is wanted into `channel`.
    pub fn new(channel: SyncSender<Sound>, wanted: Wanted) -> Self {
        Self { channel, wanted, calls: Arc::default() }
    }
}

/// The tap of one call.
#[derive(Debug, Default)]
pub struct Tap {
    sender: Option<SoundSender>,
    call: u64,
    /// What is not sent yet, of each port and side.
    pending: BTreeMap<(Port, Side), Sound>,
}

impl Tap {
    /// The tap of a new call; without a sender nothing is wanted.
    pub fn new(sender: Option<SoundSender>) -> Self {
        let call = sender.as_ref().map_or(0, |sender| sender.calls.fetch_add(1, Ordering::Relaxed));
        Self { sender, call, pending: BTreeMap::new() }
    }

    /// Whether somebody wants a port.
    pub fn wants(&self, port: &Port) -> bool {
        self.sender.as_ref().is_some_and(|sender| sender.wanted.has(port))
    }

    /// Hands on what a port carried from frame `at` of the call on, if somebody wants it. The samples are not looked at
    /// otherwise.
    pub fn put(
        &mut self,
        port: &Port,
        side: Side,
        at: u64,
        overloaded: bool,
        samples: impl IntoIterator<Item = f32>,
    ) {
        let Some(sender) = self.sender.as_ref().filter(|sender| sender.wanted.has(port)) else { return };
        let key = (port.clone(), side);
        let follows = |sound: &Sound| sound.at + sound.samples.len() as u64 == at;
        if let Some(old) = self.pending.remove(&key) {
            if follows(&old) {
                self.pending.insert(key.clone(), old);
            } else {
                drop(sender.channel.try_send(old));
            }
        }
        let sound = self.pending.entry(key).or_insert_with(|| Sound {
            call: self.call,
            port: port.clone(),
            side,
            at,
            samples: Vec::new(),
            overloaded: false,
        });
        sound.samples.extend(samples);
        sound.overloaded |= overloaded;
        if sound.samples.len() >= FRAMES_MIN {
            let key = (port.clone(), side);
            // A full channel loses it: the monitor sees the gap, and the bench does not wait.
            let whole = self.pending.remove(&key);
            drop(whole.map(|sound| sender.channel.try_send(sound)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    fn port(name: &'static str) -> Port {
        Port::of(name)
    }

    #[test]
    fn what_nobody_wants_is_not_even_read() {
        let wanted = Wanted::default();
        let (channel, heard) = sync_channel(8);
        let mut tap = Tap::new(Some(SoundSender::new(channel, wanted.clone())));
        let mut read = 0;
        let mut counted = |tap: &mut Tap, name| {
            tap.put(
                &port(name),
                Side::Recorded,
                0,
                false,
                (0..2_000).map(|_| {
                    f32::from(
                        u8::try_from({
                            read += 1;
                            1
                        })
                        .unwrap(),
                    )
                }),
            );
            read
        };
        assert_eq!(counted(&mut tap, "ear.left"), 0);
        wanted.set(Wish::Ports([port("ear.left")].into()));
        assert_eq!(counted(&mut tap, "ear.right"), 0);
        assert_eq!(counted(&mut tap, "ear.left"), 2_000);
        wanted.set(Wish::All);
        assert_eq!(counted(&mut tap, "ear.right"), 4_000);
        let ports: Vec<String> = heard.try_iter().map(|sound| sound.port.to_string()).collect();
        assert_eq!(ports, ["ear.left", "ear.right"]);
        Tap::new(None).put(&port("ear.left"), Side::Recorded, 0, false, [0.0; 2_000]);
    }

    #[test]
    fn small_blocks_are_joined_and_never_over_a_gap() {
        let wanted = Wanted::default();
        wanted.set(Wish::All);
        let (channel, heard) = sync_channel(8);
        let sender = SoundSender::new(channel, wanted);
        let mut tap = Tap::new(Some(sender.clone()));
        let ear = port("ear.left");
        tap.put(&ear, Side::Recorded, 100, false, [0.1; 480]);
        tap.put(&ear, Side::Played, 580, false, [0.3; 480]);
        assert_eq!(heard.try_iter().count(), 0);
        tap.put(&ear, Side::Recorded, 580, true, [0.2; 480]);
        let whole = heard.try_recv().unwrap();
        assert_eq!((whole.at, whole.samples.len(), whole.overloaded), (100, 960, true));
        assert_eq!((whole.samples[0], whole.samples[959]), (0.1, 0.2));
        // Forty frames are missing: what is there goes first, and the rest begins a block of its own.
        tap.put(&ear, Side::Recorded, 1_060, false, [0.1; 480]);
        tap.put(&ear, Side::Recorded, 1_580, false, [0.4; 960]);
        let parts: Vec<(u64, usize)> = heard.try_iter().map(|one| (one.at, one.samples.len())).collect();
        assert_eq!(parts, [(1_060, 480), (1_580, 960)]);
        let mut next = Tap::new(Some(sender));
        next.put(&ear, Side::Recorded, 0, false, [0.0; 960]);
        assert_eq!(heard.try_recv().unwrap().call, whole.call + 1);
    }

    #[test]
    fn a_full_channel_loses_sound_and_nobody_waits() {
        let wanted = Wanted::default();
        wanted.set(Wish::All);
        let (channel, heard) = sync_channel(1);
        let mut tap = Tap::new(Some(SoundSender::new(channel, wanted)));
        for n in 0..5 {
            tap.put(&port("ear.left"), Side::Recorded, 960 * n, false, [0.0; 960]);
        }
        assert_eq!(heard.try_iter().map(|one| one.at).collect::<Vec<_>>(), [0]);
        tap.put(&port("ear.left"), Side::Recorded, 9_600, false, [0.0; 960]);
        assert_eq!(heard.try_recv().unwrap().at, 9_600);
    }
}
