//! Events of a run as lines for people.

use crate::capture::Grade;
use crate::event::{Event, Failure};

/// What happened, in a word and a sentence.
pub(super) fn of(event: &Event) -> (&'static str, String) {
    match event {
        Event::RunStarted { plan, bench, seed, entries, .. } => {
            ("run", format!("{plan}, on {bench}, seed {seed}, {} entries", entries.len()))
        }
        Event::RunResumed { .. } => ("run", "taken up again".to_owned()),
        Event::EpochOpened { epoch, attempt, volume_step, network, .. } => {
            ("call", format!("{epoch}{}: volume step {volume_step}, {network}", repeated(*attempt)))
        }
        Event::TakeRecorded { take, attempt, replay, kept, certificate, .. } => {
            let what = match (kept, replay) {
                (false, _) => "is not to be trusted",
                (true, true) => "replayed",
                (true, false) => "recorded",
            };
            let why = match (certificate.grade, certificate.note.as_str()) {
                (Grade::Good, _) | (_, "") => String::new(),
                (_, note) => format!(": {note}"),
            };
            ("take", format!("{take}{} {what}{why}", repeated(*attempt)))
        }
        Event::TakeFailed { take, attempt, failure, reason, .. } => {
            let next = match failure {
                Failure::TryAgain => "failed",
                Failure::AskOperator => "needs you",
                Failure::StopRun => "cannot be recorded",
                Failure::Stopped => "stopped",
            };
            ("take", format!("{take}{} {next}: {reason}", repeated(*attempt)))
        }
        Event::Decided { entry, step, take, reason } => match take {
            Some(take) => ("decision", format!("{entry}, {step}: {take} is next: {reason}")),
            None => ("decision", format!("{entry}, {step}: done: {reason}")),
        },
        Event::FactFound { key, value, entry, record, .. } => {
            let by = record.as_deref().unwrap_or(entry.text());
            ("fact", format!("{key} is {value}, found by {by}"))
        }
        Event::Held { entry, reason, .. } => ("ask", format!("{entry}: {reason}")),
        Event::HoldAccepted { entry } => ("accepted", format!("what {entry} objected to")),
        Event::Rechecked { entry, note, .. } => ("check", format!("{entry}: {note}")),
        Event::EpochClosed { epoch } => ("call", format!("{epoch} ended")),
        Event::RunStopped { reason } => ("stop", reason.clone()),
        Event::RunFinished => ("end", "everything is recorded".to_owned()),
    }
}

fn repeated(attempt: u32) -> String {
    if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() }
}

/// Whether a line is worth a place beside a progress bar, which shows calls and takes itself.
pub(super) fn is_worth_a_bar(event: &Event) -> bool {
    match event {
        Event::TakeFailed { .. }
        | Event::Decided { .. }
        | Event::FactFound { .. }
        | Event::Held { .. }
        | Event::HoldAccepted { .. }
        | Event::Rechecked { .. }
        | Event::RunStarted { .. }
        | Event::RunResumed { .. }
        | Event::RunStopped { .. } => true,
        Event::TakeRecorded { kept, .. } => !kept,
        Event::EpochOpened { attempt, .. } => *attempt > 1,
        Event::EpochClosed { .. } | Event::RunFinished => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Certificate;
    use crate::entry::EntryId;
    use crate::take::{EpochKey, TakeId};
    use crate::units::{Quantity, Unit};

    #[test]
    fn lines_say_what_a_reader_of_a_log_looks_for() {
        let note = "full scale reached on ear.left".to_owned();
        let bad = Certificate { grade: Grade::Bad, note, ..Certificate::by_construction() };
        let take = |attempt, certificate: &Certificate| Event::TakeRecorded {
            epoch: EpochKey::stored("e"),
            take: TakeId::stored("e.send"),
            attempt,
            replay: false,
            kept: certificate.grade != Grade::Bad,
            content: String::new(),
            captures: Vec::new(),
            stimuli: Vec::new(),
            certificate: certificate.clone(),
            method_equivalent: false,
        };
        let spoiled = take(1, &bad);
        assert_eq!(of(&spoiled).1, "e.send is not to be trusted: full scale reached on ear.left");
        assert!(is_worth_a_bar(&spoiled));
        let good = take(2, &Certificate::by_construction());
        assert_eq!(of(&good).1, "e.send (attempt 2) recorded");
        assert!(!is_worth_a_bar(&good));
        let fact = Event::FactFound {
            key: "volume.nominal".to_owned(),
            value: Quantity::new(8.0, Unit::Step).into(),
            entry: EntryId::new("volume", &[]),
            call: None,
            record: None,
        };
        assert_eq!(of(&fact), ("fact", "volume.nominal is 8 step, found by volume".to_owned()));
    }
}
