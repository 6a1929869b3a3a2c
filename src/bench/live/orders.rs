//! What a take tells the rig, and when: calls before it, volume, panel and the loop of the far end within it.

use std::iter::Peekable;
use std::slice::Iter;

use super::take::LiveBench;
use crate::bench::{BenchError, LoopCue, RenderedTake, StopFlag};
use crate::take::{Frame, RigAction};
use crate::terms::Port;

/// A live bench calls between takes only, if at all.
pub(super) fn no_new_call(name: &str) -> BenchError {
    BenchError::StopRun(format!(
        "the bench '{name}' cannot hang up and call again there: it needs the lines 'call' in [rig] of its file, and does so \
         before a take only"
    ))
}

/// What the rig is told within a take, in its order.
pub(super) struct Orders<'a> {
    actions: Peekable<Iter<'a, (Frame, RigAction)>>,
    loops: Peekable<Iter<'a, LoopCue>>,
}

impl<'a> Orders<'a> {
    pub(super) fn of(take: &'a RenderedTake) -> Self {
        Self { actions: take.actions.iter().peekable(), loops: take.loops.iter().peekable() }
    }
}

impl LiveBench {
    /// Sets the volume through the rig; without one there is one step, and it is set.
    pub(super) fn set_volume(&mut self, step: u32, stop: &StopFlag) -> Result<(), BenchError> {
        if step >= self.info.volume_step_count {
            return Err(self.no_step(step));
        }
        match &mut self.rig {
            Some(rig) if self.info.volume_step_count > 1 => rig.set_volume(step, stop),
            _ => Ok(()),
        }
    }

    pub(super) fn no_step(&self, step: u32) -> BenchError {
        BenchError::StopRun(format!(
            "volume step {step} does not exist: the bench '{}' has the steps 0 to {}",
            self.info.name,
            self.info.volume_step_count.saturating_sub(1)
        ))
    }

    /// Does what is due. An action takes effect when its frame was heard and the rig has answered.
    pub(super) fn act(
        &mut self,
        orders: &mut Orders<'_>,
        done: Frame,
        stop: &StopFlag,
    ) -> Result<(), BenchError> {
        while let Some((_, action)) = orders.actions.next_if(|(frame, _)| *frame <= done) {
            match action {
                RigAction::SetVolume(step) => self.set_volume(*step, stop)?,
                RigAction::TurnReflector(turns) => {
                    if let Some(rig) = &mut self.rig {
                        rig.turn_reflector(*turns, stop)?;
                    }
                }
                // It was set up before the take began.
                RigAction::NewCall => {}
            }
        }
        while let Some(cue) = orders.loops.next_if(|cue| cue.at <= done) {
            let loss_db = cue.gain.map(|gain| self.loss_db(cue, gain));
            if let Some(rig) = &mut self.rig {
                rig.set_loop(loss_db, stop)?;
            }
        }
        Ok(())
    }

    /// The loss of a loop in levels, which is what a network simulator counts, by the calibrations of both ports.
    fn loss_db(&self, cue: &LoopCue, gain: f32) -> f64 {
        let unit =
            |port: &Port| self.info.ports.get(port).map_or(1.0, |info| info.calibration.unit_per_sample());
        -20.0 * (f64::from(gain) * unit(&cue.to) / unit(&cue.from)).log10()
    }

    /// Opens a loop that a take which failed may have left closed.
    pub(super) fn open_loop(&mut self, take: &RenderedTake, failed: bool) -> Result<(), BenchError> {
        let Some(rig) = self.rig.as_mut().filter(|_| failed && !take.loops.is_empty()) else { return Ok(()) };
        rig.set_loop(None, &StopFlag::default())
    }

    /// Hangs up and calls anew where a take wants that before it begins, with the loop open.
    pub(super) fn call_anew(&mut self, take: &RenderedTake, stop: &StopFlag) -> Result<(), BenchError> {
        let wanted = take.actions.iter().any(|(_, action)| *action == RigAction::NewCall);
        let Some(rig) = self.rig.as_mut().filter(|_| wanted) else { return Ok(()) };
        rig.call(stop)
    }
}
