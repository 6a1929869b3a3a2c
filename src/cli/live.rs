//! A run while it is recorded: a progress bar on a terminal, a line for each event that matters elsewhere.
//!
//! The engine calls from its recording threads and must not wait for a terminal that is held up, so everything goes
//! through a bounded queue to a thread of its own. What does not fit is counted, not waited for: the journal has it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interrupt::{self, Interrupt};
use super::{line, output, verdicts};
use crate::bench::StopFlag;
use crate::entry::EntryId;
use crate::event::{Event, Listened, Telemetry};
use crate::run::view::RunView;
use crate::run::{RunError, Update};
use crate::verdict::Verdict;

/// Messages that may wait for the terminal before further ones are dropped.
const WAITING_MAX: usize = 4_096;
/// Time between two drawings of the bar while nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// What the recording threads tell the thread that writes.
pub(super) enum Message {
    /// A journalled event.
    Event(Box<Event>),
    /// The run after an entry was judged.
    View(Arc<RunView>),
    /// Seconds of sound recorded, and planned so far.
    Progress(f64, f64),
    /// What became of listening.
    Listened(Listened),
    /// A sentence of the command line itself.
    Note(String),
    /// Nothing follows.
    End,
}

/// Records with `work`, showing what happens; the first Ctrl-C stops it, the second one ends the program. `rescue` is given
/// the folder of a run that failed after it had begun, as far as it is known.
///
/// # Errors
/// Those of `work`.
pub(super) fn show(
    work: impl FnOnce(&(dyn Fn(Update<'_>) + Sync), &StopFlag) -> Result<RunView, RunError>,
    rescue: impl FnOnce(&Path),
) -> Result<RunView, RunError> {
    let (to, from) = sync_channel(WAITING_MAX);
    let lost = AtomicUsize::new(0);
    let stop = StopFlag::default();
    let run = Arc::new(Mutex::new(None));
    interrupt::listen(Interrupt { stop: stop.clone(), notes: to.clone(), run: Arc::clone(&run) })?;
    let writer = start(from, Arc::clone(&run))?;
    let listener = |update: Update<'_>| {
        let (message, may_be_lost) = match update {
            Update::Event(event) => (Message::Event(Box::new(event.clone())), false),
            Update::View(view) => (Message::View(view), false),
            Update::Telemetry(Telemetry::RunProgress { done_s, total_s }) => {
                (Message::Progress(*done_s, *total_s), true)
            }
            Update::Telemetry(Telemetry::Listening(listened)) => (Message::Listened(listened.clone()), true),
            Update::Telemetry(_) => return,
        };
        if to.try_send(message).is_err() && !may_be_lost {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    };
    let view = work(&listener, &stop);
    // The writer went away only if it panicked; then there is nothing left to wait for.
    drop(to.send(Message::End));
    drop(writer.join());
    let lost = lost.into_inner();
    if lost > 0 {
        output::tell(&format!(
            "{lost} lines were not shown: the terminal was too slow; the journal has them\n"
        ));
    }
    if let (Err(RunError::Bench(_) | RunError::Storage(_) | RunError::Broken(_)), Ok(run)) =
        (&view, run.lock())
        && let Some(run) = &*run
    {
        rescue(run);
        let run = verdicts::quoted(run);
        output::tell(&format!(
            "what was recorded is safe; to go on when the cause is gone: lombard resume {run}\n"
        ));
    }
    view
}

fn start(from: Receiver<Message>, run: Arc<Mutex<Option<PathBuf>>>) -> Result<JoinHandle<()>, RunError> {
    let writer = Writer {
        began: Instant::now(),
        bar: output::is_terminal().then(bar),
        progress: Progress::default(),
        known: BTreeSet::new(),
        run,
        listened: None,
    };
    std::thread::Builder::new()
        .name("progress".to_owned())
        .spawn(move || writer.work(&from))
        .map_err(|error| RunError::Broken(format!("no thread for the progress: {error}")))
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{percent:>3}% {bar:24}  {prefix}  {wide_msg}") {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar.set_message("checking the plan");
    bar
}

/// Seconds of sound against the clock.
#[derive(Debug, Default)]
struct Progress {
    /// Seconds on the clock when recording began.
    since: Option<f64>,
    /// Seconds of sound recorded.
    done: f64,
    /// Seconds of sound planned so far.
    total: f64,
}

impl Progress {
    fn hear(&mut self, clock_s: f64, done_s: f64, total_s: f64) {
        self.since.get_or_insert(clock_s);
        (self.done, self.total) = (done_s, total_s);
    }

    /// Elapsed and remaining time. What remains is told when there is sound enough to tell it from.
    fn text(&self, clock_s: f64) -> String {
        let elapsed = clock(clock_s);
        let Some(since_s) = self.since else { return format!("elapsed {elapsed}") };
        let (done, total) = (self.done, self.total);
        let is_known = done > 1.0 && done > total / 50.0;
        let remaining = (clock_s - since_s) * (total - done).max(0.0) / done;
        let remaining = if is_known { clock(remaining) } else { "unknown".to_owned() };
        format!("{done:.0} of {total:.0} s of sound  elapsed {elapsed}  remaining {remaining}")
    }
}

/// Seconds as a clock shows them: `0:07`, `12:34`, `1:02:03`.
fn clock(seconds: f64) -> String {
    let all = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// The thread that writes.
struct Writer {
    began: Instant,
    /// On a terminal.
    bar: Option<ProgressBar>,
    progress: Progress,
    /// The entries whose verdict was told.
    known: BTreeSet<EntryId>,
    /// The folder of the run, as soon as it is known.
    run: Arc<Mutex<Option<PathBuf>>>,
    /// What became of listening so far.
    listened: Option<Listened>,
}

impl Writer {
    fn work(mut self, from: &Receiver<Message>) {
        loop {
            match from.recv_timeout(TICK) {
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(message) => self.take(message),
            }
            if let Some(bar) = &self.bar {
                bar.set_prefix(self.progress.text(self.began.elapsed().as_secs_f64()));
                bar.tick();
            }
        }
        if let Some(one) = self.listened.as_ref().filter(|one| one.problem.is_none()) {
            let skipped_s = one.skipped as f64 / f64::from(crate::take::RATE);
            self.say(
                "note",
                &format!(
                    "{} was heard on {}: {skipped_s:.1} s skipped, {} times nothing to play, {} samples limited",
                    one.port, one.interface, one.dry, one.limited
                ),
            );
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Event(event) => {
                let (word, text) = line::of(&event);
                let text = output::printable(&text);
                if self.bar.is_none() || line::is_worth_a_bar(&event) {
                    self.say(word, &text);
                }
                if let (Some(bar), Event::EpochOpened { .. } | Event::TakeRecorded { .. }) =
                    (&self.bar, &*event)
                {
                    bar.set_message(text);
                }
            }
            Message::View(view) => {
                if let Ok(mut run) = self.run.lock() {
                    *run = Some(view.path.clone());
                }
                for entry in &view.entries {
                    if entry.verdict != Verdict::NotRun && self.known.insert(entry.entry.id.clone()) {
                        self.say("verdict", &format!("{}: {}", entry.entry.id, verdicts::in_one_line(entry)));
                    }
                }
            }
            Message::Progress(done_s, total_s) => {
                self.progress.hear(self.began.elapsed().as_secs_f64(), done_s, total_s);
                if let Some(bar) = &self.bar {
                    bar.set_length((total_s * 1e3) as u64);
                    bar.set_position((done_s * 1e3) as u64);
                }
            }
            Message::Listened(listened) => {
                let before = self.listened.as_ref().and_then(|one| one.problem.as_ref());
                if let Some(problem) = listened.problem.as_ref().filter(|problem| before != Some(*problem)) {
                    self.say("note", &format!("{} is not heard: {problem}", listened.port));
                }
                self.listened = Some(listened);
            }
            Message::Note(text) => self.say("note", &text),
            Message::End => {}
        }
    }

    fn say(&self, word: &str, text: &str) {
        let line = format!("{:8.1} s  {word:<8}  {text}\n", self.began.elapsed().as_secs_f64());
        match &self.bar {
            Some(bar) => bar.suspend(|| output::tell(&line)),
            None => output::tell(&line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_remains_follows_from_what_is_recorded() {
        let mut progress = Progress::default();
        assert_eq!(progress.text(1.2), "elapsed 0:01");
        progress.hear(2.0, 0.0, 240.0);
        assert_eq!(progress.text(3.0), "0 of 240 s of sound  elapsed 0:03  remaining unknown");
        progress.hear(6.0, 60.0, 240.0);
        assert_eq!(progress.text(12.0), "60 of 240 s of sound  elapsed 0:12  remaining 0:30");
        assert_eq!(clock(3_723.0), "1:02:03");
    }
}
