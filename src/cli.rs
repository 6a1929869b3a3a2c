//! The command line: one file per subcommand below `src/cli/`.
//!
//! Results go to standard output, progress and errors to standard error, so that either can be piped away alone.
//! [`start`] is the whole face; [`reference()`] is the text of `docs/cli.md`.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

use crate::run::RunError;

mod check;
mod columns;
mod diff;
mod evaluate;
mod interrupt;
pub mod json;
mod line;
mod list;
mod live;
mod measure;
mod monitor;
mod output;
mod report;
mod resolved;
mod resume;
mod run;
mod settings;
mod signal;
mod store_reference;
pub mod verdicts;
mod window;
mod wish;

use settings::Settings;
pub use window::Window;

/// The width of the pages of `docs/cli.md`.
const REFERENCE_WIDTH: usize = 100;

const ABOUT: &str = "Test bench controller for in-vehicle hands-free telephony: ITU-T P.1100, P.1110, P.1120";

const LONG_ABOUT: &str = "\
Test bench controller for in-vehicle hands-free telephony: ITU-T P.1100, P.1110, P.1120.

A plan says what to measure. A run records it, on audio interfaces and a car or on a virtual car, and judges it. \
The captures of a run are kept: it can be judged again with other limits, and reported, without the car.

Without a command the window opens.";

const AFTER: &str = "\
Examples:
  lombard list plans                       what can be measured
  lombard check my-plan.toml               every problem of a plan, before the car is there
  lombard run quick-wb                     a shipped plan on its virtual car
  lombard report runs/2026-11-22T14-05-00-quick-wb

Files are named by their path, or by their name in a data folder. They are looked for beside the plan, then in \
the data folders of --data or LOMBARD_DATA (or in ./lombard-data where it exists), then in the program.

Environment:
  LOMBARD_RUNS   folder of the runs; without it ./runs
  LOMBARD_DATA   data folders, separated as in PATH; --data takes their place
  NO_COLOR       no colors, also on a terminal

Exit codes of run, resume and evaluate:
  0  pass or measured    1  fail    2  bad input    3  inconclusive, aborted or incomplete
  4  bench error without a fail
diff: 0 the same in meaning, 1 not. Other commands: 0, 2 for bad input, 4 for a failure of disk or program.";

/// The arguments of the program.
#[derive(Debug, Parser)]
#[command(name = "lombard", bin_name = "lombard", version, about = ABOUT, long_about = LONG_ABOUT)]
#[command(after_long_help = AFTER, after_help = "`lombard --help` says more, `lombard help COMMAND` everything.")]
struct Arguments {
    /// Data folder with test-plans/, calibration/ and signals/; may be given several times, the first has the
    /// first word
    #[arg(long, value_name = "DIR", global = true)]
    data: Vec<std::path::PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    Diff(diff::Diff),
    Run(run::Run),
    Resume(resume::Resume),
    Evaluate(evaluate::Evaluate),
    Report(report::Report),
    List(list::List),
    StoreReference(store_reference::StoreReference),
    Monitor(monitor::Monitor),
    #[command(subcommand)]
    Measure(measure::Measure),
    #[command(subcommand)]
    Signal(signal::Signal),
    Gui(window::Gui),
}

/// What the arguments came to.
pub enum Start {
    /// The command is done; the exit code.
    Done(u8),
    /// The window is to be opened.
    Window(Box<Window>),
}

/// Reads the arguments, the name of the program first, and does what they say.
pub fn start(arguments: impl IntoIterator<Item = OsString>) -> Start {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help asked for is no error; a reader that went away is none either.
            drop(error.print());
            return Start::Done(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match dispatch(arguments) {
        Ok(start) => return start,
        Err(error) => error,
    };
    output::error(&done);
    Start::Done(done.exit_code())
}

fn dispatch(arguments: Arguments) -> Result<Start, RunError> {
    let may_create = matches!(
        arguments.command,
        Some(Command::Signal(signal::Signal::Import(_) | signal::Signal::ImportNoise(_)))
    );
    let settings = Settings::of(arguments.data, may_create, &|name| std::env::var_os(name))?;
    let code = match arguments.command {
        None => return Ok(Start::Window(Box::new(Window::empty(settings)))),
        Some(Command::Gui(gui)) => return Ok(Start::Window(Box::new(gui.window(settings)))),
        Some(Command::Check(check)) => check.run(&settings)?,
        Some(Command::Diff(diff)) => diff.run(&settings)?,
        Some(Command::Run(run)) => run.run(&settings)?,
        Some(Command::Resume(resume)) => resume.run(&settings)?,
        Some(Command::Evaluate(evaluate)) => evaluate.run(&settings)?,
        Some(Command::Report(report)) => report.run(&settings)?,
        Some(Command::List(list)) => list.run(&settings)?,
        Some(Command::StoreReference(store)) => store.run(&settings)?,
        Some(Command::Monitor(monitor)) => monitor.run(&settings)?,
        Some(Command::Measure(measure)) => measure.run()?,
        Some(Command::Signal(signal)) => signal.run(&settings)?,
    };
    Ok(Start::Done(code))
}

/// Says on standard error why something asked for cannot be done, and gives the exit code for bad input.
pub fn refuse(reason: &str) -> u8 {
    let error = RunError::Usage(reason.to_owned());
    output::error(&error);
    error.exit_code()
}

/// The page `docs/cli.md`: what `--help` says of every command.
pub fn reference() -> String {
    let mut page = String::from(
        "# The command line\n\n\
         Written from the program's own help: `make bless` writes it again. \
         The calls and their exit codes are stable.\n",
    );
    let mut root = Arguments::command();
    root.build();
    pages(&mut root, "##", &mut page);
    page
}

fn pages(command: &mut clap::Command, heading: &str, page: &mut String) {
    use std::fmt::Write as _;
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    // Each command has a width of its own; without one it is that of the terminal.
    *command = std::mem::take(command).term_width(REFERENCE_WIDTH);
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(page, "\n{heading} {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    for below in command.get_subcommands_mut().filter(|one| one.get_name() != "help") {
        pages(below, heading, page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}
