//! How far a session is: seconds of sound recorded, against the seconds planned so far.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::event::Telemetry;
use crate::take::{Frame, RATE, TakeId};

/// The progress of one session. What adaptive entries and repeats add becomes known when they ask for it.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<Counters>);

/// All in seconds of sound.
#[derive(Debug, Default)]
struct Counters {
    /// Takes that are complete, repeats and replays included.
    done: f64,
    /// The takes that this stage has still to record.
    open: BTreeMap<TakeId, f64>,
    /// Estimate for what waits for facts.
    later: f64,
    /// What is recorded of the takes that are running.
    running: BTreeMap<TakeId, f64>,
}

impl Progress {
    /// A stage begins: it has `open` takes to record, and after it about `later_s` seconds more.
    pub(super) fn stage(&self, open: impl IntoIterator<Item = (TakeId, f64)>, later_s: f64) {
        let mut counters = self.counters();
        counters.open = open.into_iter().collect();
        counters.later = later_s;
    }

    /// A take of `seconds` begins, planned or not.
    pub(super) fn begin(&self, take: &TakeId, seconds: f64) {
        let mut counters = self.counters();
        counters.open.insert(take.clone(), seconds);
        counters.running.insert(take.clone(), 0.0);
    }

    /// A take is `done` frames long by now; what arrives after its end changes nothing.
    pub(super) fn heard(&self, take: &TakeId, done: Frame) {
        if let Some(running) = self.counters().running.get_mut(take) {
            *running = done as f64 / f64::from(RATE);
        }
    }

    /// A take ended, recorded or not.
    pub(super) fn end(&self, take: &TakeId, is_recorded: bool) {
        let mut counters = self.counters();
        counters.running.remove(take);
        if is_recorded && let Some(seconds) = counters.open.remove(take) {
            counters.done += seconds;
        }
    }

    /// The state as faces hear it.
    pub(super) fn telemetry(&self) -> Telemetry {
        let counters = self.counters();
        Telemetry::RunProgress {
            done_s: counters.done + counters.running.values().sum::<f64>(),
            total_s: counters.done + counters.open.values().sum::<f64>() + counters.later,
        }
    }

    /// Progress is for show: a thread that panicked elsewhere does not spoil it.
    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(progress: &Progress) -> (f64, f64) {
        match progress.telemetry() {
            Telemetry::RunProgress { done_s, total_s } => (done_s, total_s),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn seconds_move_from_planned_to_done_and_none_is_counted_twice() {
        let progress = Progress::default();
        let (a, b, extra) = (TakeId::stored("a"), TakeId::stored("b"), TakeId::stored("extra"));
        progress.stage([(a.clone(), 4.0), (b.clone(), 6.0)], 10.0);
        assert_eq!(told(&progress), (0.0, 20.0));
        progress.begin(&a, 4.0);
        progress.heard(&a, 48_000);
        assert_eq!(told(&progress), (1.0, 20.0));
        progress.end(&a, true);
        progress.heard(&a, 48_000);
        assert_eq!(told(&progress), (4.0, 20.0), "a late message changes nothing");
        progress.begin(&a, 4.0);
        assert_eq!(told(&progress), (4.0, 24.0), "a repeat is recorded on top");
        progress.end(&a, true);
        progress.begin(&b, 6.0);
        progress.heard(&b, 48_000);
        progress.end(&b, false);
        assert_eq!(told(&progress), (8.0, 24.0), "a take that failed is still to be recorded");
        progress.begin(&extra, 3.0);
        progress.end(&extra, true);
        assert_eq!(told(&progress), (11.0, 27.0), "an adaptive entry asked for more");
        progress.stage([], 0.0);
        assert_eq!(told(&progress), (11.0, 11.0));
    }
}
