//! Standard output and standard error: colors only where they are seen, and no panic when the reader goes away.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use crate::problem::Problem;
use crate::run::RunError;
use crate::store::folder::FolderError;
use crate::store::storage::StorageError;
use crate::verdict::Verdict;

const BOLD: &str = "1";
const RED: &str = "1;31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const MAGENTA: &str = "1;35";
const DIM: &str = "2";

/// Writes a result to standard output. A reader that has seen enough is no error.
///
/// # Errors
/// The output cannot be written for another reason, as a full disk.
pub(super) fn result(text: &str) -> Result<(), RunError> {
    offer(text).map(drop)
}

/// Writes to standard output; `false` when its reader has gone away.
///
/// # Errors
/// The output cannot be written for another reason, as a full disk.
pub(super) fn offer(text: &str) -> Result<bool, RunError> {
    let mut out = AutoStream::auto(io::stdout());
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
            let path = "standard output".into();
            Err(FolderError::Storage(StorageError { action: "cannot write to", path, cause }).into())
        }
        done => Ok(done.is_ok()),
    }
}

/// Writes to standard error. Nobody can be told if that fails.
pub(super) fn tell(text: &str) {
    drop(AutoStream::auto(io::stderr()).write_all(text.as_bytes()));
}

/// Whether standard error is a terminal that moves its cursor, so that a progress bar can be drawn on it.
pub(super) fn is_terminal() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Whether standard output is a terminal that moves its cursor, so that a table can be drawn over the one before.
pub(super) fn is_screen() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Tells an error on standard error: every problem with its line, or what went wrong in a sentence.
pub(super) fn error(error: &RunError) {
    match error {
        RunError::Input(all) => problems(all),
        other => {
            let text = other.to_string();
            for line in text.lines() {
                tell(&format!("{} {line}\n", paint(RED, "error:")));
            }
        }
    }
}

/// Tells problems on standard error, and how many they are.
pub(super) fn problems(all: &[Problem]) {
    let is_colored = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    let mut text = String::new();
    for one in all {
        text.push_str(&one.render(is_colored));
        text.push_str("\n\n");
    }
    let count = if all.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", all.len()) };
    tell(&format!("{text}{}\n", paint(RED, &count)));
}

/// Text of a file or a bench as a terminal may get it: nothing in it moves the cursor or turns the writing around.
pub(super) fn printable(text: &str) -> String {
    let is_bidi = |letter: char| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|letter| match letter {
            '\n' | '\r' | '\t' => ' ',
            _ if letter.is_control() || is_bidi(letter) => '\u{fffd}',
            _ => letter,
        })
        .collect()
}

/// A verdict's word in its color.
pub(super) fn verdict(verdict: Verdict, text: &str) -> String {
    let code = match verdict {
        Verdict::Pass => GREEN,
        Verdict::Fail => RED,
        Verdict::Inconclusive | Verdict::Aborted => YELLOW,
        Verdict::Error => MAGENTA,
        Verdict::Measured => BOLD,
        Verdict::NotRun => DIM,
    };
    paint(code, text)
}

/// Text that stands out.
pub(super) fn bold(text: &str) -> String {
    paint(BOLD, text)
}

/// Text that stands back.
pub(super) fn dim(text: &str) -> String {
    paint(DIM, text)
}

/// The stream takes the codes out again where nobody sees colors.
fn paint(code: &str, text: &str) -> String {
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}
