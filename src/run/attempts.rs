//! The attempts at a take: each is kept with its certificate, and one that no verdict may stand on is made again.

use super::RunError;
use super::acquire::{Acquisition, Ended};
use super::call::{Coming, OpenCall};
use super::render::{self, Rendered};
use crate::bench::{Bench, BenchError, RenderedTake};
use crate::capture::Grade;
use crate::event::Event;
use crate::event::TrackRecord;
use crate::take::TakeId;

/// How often a take without a good certificate is recorded again, unless the run says otherwise.
pub const REPEATS: u32 = 2;
/// What a run may ask for.
pub const REPEATS_MAX: u32 = 10;

/// Checks what a run asks for.
///
/// # Errors
/// More than [`REPEATS_MAX`].
pub(super) fn check(repeats: Option<u32>) -> Result<(), RunError> {
    match repeats {
        Some(repeats) if repeats > REPEATS_MAX => Err(RunError::Usage(format!(
            "{repeats} repeats of a take are too many: at most {REPEATS_MAX}; what fails so often wants a person"
        ))),
        _ => Ok(()),
    }
}

impl Acquisition<'_> {
    /// Renders a take for the bench.
    ///
    /// # Errors
    /// The bench cannot play it.
    pub(super) fn prepare(&self, call: &OpenCall<'_>, one: &Coming<'_>) -> Result<Rendered, Ended> {
        let rendered = render::render(one.spec, &one.id, &call.at(one.at), self.bench, self.signals);
        rendered.map_err(|error| Ended::Bench(Some(one.id.clone()), BenchError::StopRun(error.to_string())))
    }

    /// Does what takes time, and renders the take that comes next beside it.
    pub(super) fn beside<T>(
        &self,
        call: &OpenCall<'_>,
        next: Option<&Coming<'_>>,
        work: impl FnOnce() -> T,
    ) -> (T, Option<Result<Rendered, Ended>>) {
        std::thread::scope(|scope| {
            let ahead = next.map(|next| scope.spawn(|| self.prepare(call, next)));
            let done = work();
            (done, ahead.map(|ahead| ahead.join().unwrap_or_else(|_| Err(RunError::panicked().into()))))
        })
    }

    /// Records a take until its certificate is good, or it was repeated as often as it may be. What is played is stored while
    /// it sounds, and the next take is rendered: gives that.
    ///
    /// # Errors
    /// [`Ended::Again`] where it must be repeated in a new call: a device that has heard a take once is not the one that the
    /// take was planned for when it is the first of a call, or goes on where another one ended.
    pub(super) fn record_take(
        &self,
        bench: &mut dyn Bench,
        call: &OpenCall<'_>,
        one: &Coming<'_>,
        rendered: &Rendered,
        next: Option<&Coming<'_>>,
    ) -> Result<Option<Result<Rendered, Ended>>, Ended> {
        let (id, epoch) = (&one.id, call.epoch);
        let in_noise = call.bed.as_ref().is_some_and(|bed| bed.noise.method_equivalent);
        let method_equivalent = rendered.method_equivalent || in_noise;
        let mut prepared = None;
        loop {
            let attempt = self.state()?.log.attempts(id) + 1;
            let mut sink = self.folder.sink(id, attempt);
            self.progress.begin(id, one.spec.seconds().0);
            let (certificate, stimuli, ahead) = std::thread::scope(|scope| {
                let stored = scope.spawn(|| self.store_played(call, &rendered.take));
                // One attempt is enough for what comes next.
                let next = next.filter(|_| prepared.is_none());
                let (certificate, ahead) =
                    self.beside(call, next, || bench.take(&rendered.take, &mut sink, self.stop));
                (certificate, stored.join().unwrap_or_else(|_| Err(RunError::panicked())), ahead)
            });
            prepared = prepared.or(ahead);
            self.progress.end(id, certificate.is_ok());
            self.telemetry.send(self.progress.telemetry());
            let certificate = certificate.map_err(|error| Ended::Bench(Some(id.clone()), error))?;
            let (captures, stimuli) = (sink.finish()?, stimuli?);
            let kept = certificate.grade != Grade::Bad;
            self.journal(&Event::TakeRecorded {
                epoch: epoch.key.clone(),
                take: id.clone(),
                attempt,
                replay: one.replay,
                kept,
                content: one.spec.content(),
                captures,
                stimuli,
                certificate,
                method_equivalent,
            })?;
            if kept || !self.may_repeat(id)? {
                return Ok(prepared);
            }
            if one.spec.continues || one.at == 0 {
                return Err(Ended::Again);
            }
        }
    }

    /// Stores what is played in a take: its tracks, and the background noise that goes on through it.
    fn store_played(&self, call: &OpenCall<'_>, take: &RenderedTake) -> Result<Vec<TrackRecord>, RunError> {
        let mut stimuli = Vec::new();
        for (port, track) in &take.tracks {
            stimuli.push(self.folder.stimulus(port, track)?);
        }
        stimuli.extend(call.bed.iter().map(|bed| bed.stored.clone()));
        Ok(stimuli)
    }

    /// Whether a take may be recorded once more in this session; counts it if so.
    fn may_repeat(&self, id: &TakeId) -> Result<bool, RunError> {
        let repeated = self.repeated.lock();
        let mut repeated = repeated.map_err(|_| RunError::panicked())?;
        let count = repeated.entry(id.clone()).or_default();
        let may = *count < self.repeats;
        *count += u32::from(may);
        Ok(may)
    }
}
