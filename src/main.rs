//! Arguments, then a face; nothing else.

use std::process::ExitCode;

use lombard::cli::{self, Start, Window};

fn main() -> ExitCode {
    match cli::start(std::env::args_os()) {
        Start::Done(code) => code.into(),
        Start::Window(window) => open(*window).into(),
    }
}

/// Opens the window and gives the exit code when it is closed.
#[cfg(feature = "gui")]
fn open(window: Window) -> u8 {
    match lombard::gui::run(window.engine, &window.wish, window.open) {
        Ok(()) => 0,
        Err(error) => cli::refuse(&format!(
            "the window cannot be opened: {error}; `lombard --help` lists what the command line can do"
        )),
    }
}

/// There is no window to open.
#[cfg(not(feature = "gui"))]
fn open(_window: Window) -> u8 {
    cli::refuse(
        "this build has no window: build it with `cargo build --release --features gui`; \
         `lombard --help` lists what the command line can do",
    )
}
