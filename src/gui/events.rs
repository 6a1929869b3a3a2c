//! Events as one line each, for the log at the bottom of the window.

use crate::capture::Grade;
use crate::event::{Event, Failure};
use crate::report::wording;

/// How a line of the log wants to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// What happens all the time.
    Plain,
    /// A verdict, the beginning or the end.
    Strong,
    /// Something went wrong.
    Warning,
}

/// A line of the event log.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Seconds on the clock since the recording began.
    pub at_s: f64,
    /// How it wants to be read.
    pub tone: Tone,
    /// What happened.
    pub text: String,
}

/// The line of an event.
pub fn line_of(event: &Event, at_s: f64) -> Line {
    let (tone, text) = match event {
        Event::RunStarted { plan, bench, seed, entries, .. } => {
            (Tone::Strong, format!("run started: {plan} on {bench}, {} entries, seed {seed}", entries.len()))
        }
        Event::RunResumed { .. } => (Tone::Strong, "run taken up again".to_owned()),
        Event::EpochOpened { epoch, attempt, volume_step, network, .. } => {
            let again = if *attempt > 1 { format!(" for the {attempt}. time") } else { String::new() };
            (Tone::Plain, format!("call {epoch} set up{again}: volume step {volume_step}, {network}"))
        }
        Event::TakeRecorded { take, attempt, replay, kept, certificate, .. } => {
            let what = match (replay, kept) {
                (true, _) => "replayed",
                (false, true) => "recorded",
                (false, false) => "recorded, but not to be trusted:",
            };
            let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
            let note = match certificate.grade {
                Grade::Bad => format!(": {}", certificate.note),
                Grade::Good | Grade::Weak => String::new(),
            };
            let tone = if *kept || *replay { Tone::Plain } else { Tone::Warning };
            (tone, format!("{what} {take}{again}{note}"))
        }
        Event::TakeFailed { take, attempt, failure, reason, .. } => {
            let next = match failure {
                Failure::TryAgain => "it is tried again",
                Failure::AskOperator => "an operator must act",
                Failure::StopRun => "the run stops",
                Failure::Stopped => "the run can be resumed",
            };
            (Tone::Warning, format!("not recorded: {take}, attempt {attempt}: {reason}; {next}"))
        }
        Event::Decided { entry, reason, .. } => (Tone::Plain, format!("{entry} decided: {reason}")),
        Event::FactFound { key, value, entry, record, .. } => {
            let value = wording::fact(value);
            let by = record.as_deref().unwrap_or(entry.text());
            (Tone::Plain, format!("{key} = {value}, found by {by}"))
        }
        Event::Held { entry, reason, .. } => (Tone::Warning, format!("{entry} asks: {reason}")),
        Event::HoldAccepted { entry } => (Tone::Strong, format!("accepted: what {entry} objected to")),
        Event::Rechecked { entry, note, is_good, .. } => {
            (if *is_good { Tone::Plain } else { Tone::Warning }, format!("{entry}: {note}"))
        }
        Event::EpochClosed { epoch } => (Tone::Plain, format!("call {epoch} ended")),
        Event::RunStopped { reason } => (Tone::Warning, format!("run stopped: {reason}")),
        Event::RunFinished => (Tone::Strong, "everything is recorded".to_owned()),
    };
    Line { at_s, tone, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::take::{EpochKey, TakeId};

    #[test]
    fn a_failed_take_says_why_and_what_comes_next() {
        let event = Event::TakeFailed {
            epoch: EpochKey::stored("wb-nominal-0"),
            take: TakeId::stored("wb-nominal-0.send-1"),
            attempt: 2,
            failure: Failure::AskOperator,
            reason: "the interface was unplugged".to_owned(),
        };
        let line = line_of(&event, 1.0);
        assert_eq!(line.tone, Tone::Warning);
        for part in ["wb-nominal-0.send-1", "attempt 2", "unplugged", "operator"] {
            assert!(line.text.contains(part), "{}", line.text);
        }
    }
}
