//! Ctrl-C: the first one stops the run so that it can be resumed, the second one ends the program.

use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};

use super::live::Message;
use super::{output, verdicts};
use crate::bench::StopFlag;
use crate::run::RunError;

/// The exit code of a program that was told to end at once: the run is incomplete.
const EXIT_CODE: i32 = 3;

/// What an interrupt needs.
pub(super) struct Interrupt {
    /// Stops the bench.
    pub(super) stop: StopFlag,
    /// Where to say so.
    pub(super) notes: SyncSender<Message>,
    /// The folder of the run, as soon as it is known.
    pub(super) run: Arc<Mutex<Option<PathBuf>>>,
}

/// Lets the first Ctrl-C, or a signal that ends a program politely, set a flag; the second one ends the program.
///
/// # Errors
/// The system gives no handler.
pub(super) fn stops(stop: StopFlag) -> Result<(), RunError> {
    let heard = move || {
        if stop.is_set() {
            std::process::exit(EXIT_CODE);
        }
        stop.stop();
    };
    ctrlc::set_handler(heard).map_err(|error| RunError::Broken(format!("no handler for Ctrl-C: {error}")))
}

/// Listens for Ctrl-C, and for the signals that end a program politely.
///
/// # Errors
/// The system gives no handler.
pub(super) fn listen(interrupt: Interrupt) -> Result<(), RunError> {
    let heard = move || {
        if interrupt.stop.is_set() {
            output::tell("\nended at once; the take in progress is lost, everything before it is safe\n");
            crate::run::end_programs();
            std::process::exit(EXIT_CODE);
        }
        interrupt.stop.stop();
        let run = interrupt.run.lock().ok().and_then(|run| run.clone());
        let run =
            run.map_or_else(|| "RUN (see `lombard list runs`)".to_owned(), |run| verdicts::quoted(&run));
        let note = format!("stopping; Ctrl-C again ends at once. To go on later: lombard resume {run}");
        // A full queue means that the terminal is held up: then nobody could read it now.
        drop(interrupt.notes.try_send(Message::Note(note)));
    };
    ctrlc::set_handler(heard).map_err(|error| RunError::Broken(format!("no handler for Ctrl-C: {error}")))
}
