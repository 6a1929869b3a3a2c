//! Listening, as far as the program was built with audio.

use super::Listening;
use crate::event::Listened;

#[cfg(feature = "audio")]
pub(in crate::run) use crate::bench::live::audio::listen::Outlet;
#[cfg(feature = "audio")]
use crate::bench::live::audio::listen::Phones;

/// Without audio nothing is heard.
#[cfg(not(feature = "audio"))]
#[derive(Clone, Default)]
pub(in crate::run) struct Outlet {}

/// One listening, from the moment it was asked for.
pub(super) struct Ear {
    asked: Listening,
    #[cfg(feature = "audio")]
    phones: Option<Phones>,
    problem: Option<String>,
}

#[cfg(feature = "audio")]
impl Ear {
    /// Opens what is asked for; that it cannot be opened is told, and breaks nothing.
    pub(super) fn open(asked: Listening, outlet: &Outlet) -> Self {
        match outlet.open(asked.interface.as_deref(), asked.gain_db) {
            Ok(phones) => Self { asked, phones: Some(phones), problem: None },
            // Whatever is wrong with it, the run goes on.
            Err(error) => {
                let problem = error.to_string().replace("resume the run", "listen again");
                Self { asked, phones: None, problem: Some(problem) }
            }
        }
    }

    /// Goes on as it is now asked for, if the interface is the same.
    pub(super) fn follow(&mut self, asked: &Listening) -> bool {
        // What has a problem is tried again.
        let is_same = self.asked.interface == asked.interface && self.told().problem.is_none();
        if is_same {
            self.asked = asked.clone();
            self.phones.iter().for_each(|phones| phones.set_gain(asked.gain_db));
        }
        is_same
    }

    /// Lets a block be heard.
    pub(super) fn put(&mut self, samples: &[f32]) {
        if let Some(phones) = &mut self.phones {
            phones.put(samples);
        }
    }

    /// What became of it so far.
    pub(super) fn told(&self) -> Listened {
        let counts = self.phones.as_ref().map(Phones::counts).unwrap_or_default();
        let interface = self.phones.as_ref().map(|phones| phones.interface().to_owned());
        let fault = self.phones.as_ref().and_then(Phones::fault);
        Listened {
            port: self.asked.port.clone(),
            interface: interface.or_else(|| self.asked.interface.clone()).unwrap_or_default(),
            skipped: counts.skipped,
            dry: counts.dry,
            limited: counts.limited,
            problem: self.problem.clone().or(fault),
        }
    }
}

#[cfg(not(feature = "audio"))]
impl Ear {
    pub(super) fn open(asked: Listening, _: &Outlet) -> Self {
        let problem = "this program was built without audio interfaces: build it with `cargo build --release --features audio`";
        Self { asked, problem: Some(problem.to_owned()) }
    }

    pub(super) fn follow(&mut self, asked: &Listening) -> bool {
        self.asked = asked.clone();
        true
    }

    #[expect(clippy::unused_self, reason = "as with audio, which has something to put it into")]
    pub(super) fn put(&mut self, _: &[f32]) {}

    pub(super) fn told(&self) -> Listened {
        Listened {
            port: self.asked.port.clone(),
            interface: self.asked.interface.clone().unwrap_or_default(),
            skipped: 0,
            dry: 0,
            limited: 0,
            problem: self.problem.clone(),
        }
    }
}

impl Ear {
    /// One that hears nothing, for this reason.
    pub(super) fn refused(asked: Listening, problem: String) -> Self {
        Self {
            asked,
            #[cfg(feature = "audio")]
            phones: None,
            problem: Some(problem),
        }
    }

    /// What it listens to.
    pub(super) fn asked(&self) -> &Listening {
        &self.asked
    }
}
