//! The attempts at a take: each is kept with its certificate, and one that no verdict may stand on is made again.

use super::acquire::{Acquisition, Ended};
use super::call::OpenCall;
use super::{RunError, render};
use crate::bench::{Bench, BenchError};
use crate::capture::Grade;
use crate::event::Event;
use crate::take::{TakeId, TakeSpec};
use crate::terms::Port;

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
    /// Records a take until its certificate is good, or it was repeated as often as it may be.
    ///
    /// # Errors
    /// [`Ended::Again`] where it must be repeated in a new call: a device that has heard a take once is not the one that the
    /// take was planned for when it is the first of a call, or goes on where another one ended.
    pub(super) fn record_take(
        &self,
        bench: &mut dyn Bench,
        call: &OpenCall<'_>,
        spec: &TakeSpec,
        id: &TakeId,
        replay: bool,
    ) -> Result<(), Ended> {
        let epoch = call.epoch;
        let rendered = render::render(spec, id, &call.rendered(), self.bench, self.signals);
        let rendered = rendered
            .map_err(|error| Ended::Bench(Some(id.clone()), BenchError::StopRun(error.to_string())))?;
        let method_equivalent =
            rendered.method_equivalent || call.noise.is_some_and(|noise| noise.method_equivalent);
        loop {
            let attempt = self.state()?.log.attempts(id) + 1;
            let mut stimuli = Vec::new();
            for (port, track) in &rendered.take.tracks {
                stimuli.push(self.folder.stimulus(port, track)?);
            }
            if let Some(noise) = call.noise {
                let port = Port::of(Port::NOISE_RECORDING);
                stimuli.push(self.folder.stimulus(&port, &noise.recording)?);
            }
            let mut sink = self.folder.sink(id, attempt);
            self.progress.begin(id, spec.seconds().0);
            let certificate = bench.take(&rendered.take, &mut sink, self.stop);
            self.progress.end(id, certificate.is_ok());
            self.telemetry.send(self.progress.telemetry());
            let certificate = certificate.map_err(|error| Ended::Bench(Some(id.clone()), error))?;
            let captures = sink.finish()?;
            let kept = certificate.grade != Grade::Bad;
            self.journal(&Event::TakeRecorded {
                epoch: epoch.key.clone(),
                take: id.clone(),
                attempt,
                replay,
                kept,
                content: spec.content(),
                captures,
                stimuli,
                certificate,
                method_equivalent,
            })?;
            if kept || !self.may_repeat(id)? {
                return Ok(());
            }
            if spec.continues || call.at == 0 {
                return Err(Ended::Again);
            }
        }
    }

    /// Whether a take may be recorded once more in this session; counts it if so.
    fn may_repeat(&self, id: &TakeId) -> Result<bool, RunError> {
        let repeated = self.repeated.lock();
        let mut repeated =
            repeated.map_err(|_| RunError::Broken("a recording thread panicked".to_owned()))?;
        let count = repeated.entry(id.clone()).or_default();
        let may = *count < self.repeats;
        *count += u32::from(may);
        Ok(may)
    }
}
