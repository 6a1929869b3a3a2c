//! A program under test as a child process: started, fed block by block, listened to, and always ended.
//!
//! The contract stands in `docs/program-under-test.md`; [`CONTRACT`] is its version. Its pipes are served by threads of
//! their own, so that a program that does not read, does not write or writes without end is an error after the time that the
//! car file grants, and never a bench that hangs. What comes back depends on what was sent and on nothing else: every answer
//! is waited for.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::bench::StopFlag;
use crate::bench::car::spec::ProcessSpec;

/// The version of the contract between bench and program.
pub const CONTRACT: u32 = 1;
/// Channels that a program gives: send, then loudspeaker.
pub const OUTPUTS: usize = 2;
/// Bytes of a sample.
const SAMPLE_BYTES: usize = 4;
/// What is kept of its standard error: the end, where programs say what killed them.
const SAID_BYTES_MAX: usize = 4_096;
/// What of that an error shows.
const SHOWN_LETTERS_MAX: usize = 400;
/// Exchanges that may wait for a program to read them.
const WAITING_MAX: usize = 2;
/// Pieces of an answer that may wait for the bench.
const PIECES_MAX: usize = 64;
/// How often a stop is looked for while an answer is waited for.
const LOOK: Duration = Duration::from_millis(20);
/// How long bytes are waited for that nobody asked for, at the end of a take.
const SETTLE: Duration = Duration::from_millis(10);
/// How long a program may take to end by itself after its standard input has ended.
const GRACE: Duration = Duration::from_millis(500);
/// How long the status of a program that closed its output, and the end of its messages, are waited for.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What was wrong with a program. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// There is no such file.
    #[error(
        "there is no such program: {0}; correct 'command' in [terminal] of the car file: a path begins in the folder of the car \
         file, a bare name is looked for in PATH"
    )]
    NotFound(String),
    /// The system does not start it.
    #[error(
        "it cannot be started: {0}; build it for this machine and make it executable, or name the interpreter first in 'command'"
    )]
    NotStarted(String),
    /// It ended while it was needed.
    #[error(
        "it ended ({status}) {place}; it must answer every block until its standard input ends: run it by itself with the arguments \
         of docs/program-under-test.md"
    )]
    Ended {
        /// How.
        status: String,
        /// Where in the call.
        place: String,
    },
    /// It goes on, but can answer no more.
    #[error(
        "it closed its standard output {0} and goes on running; keep standard output open until standard input ends"
    )]
    Closed(String),
    /// It did not answer in time.
    #[error(
        "it did not answer within {} s: {place}; answer each block before the next is read and flush standard output, or raise \
         'timeout' in [terminal]",
        .waited.as_secs_f64()
    )]
    Silent {
        /// The time that it had.
        waited: Duration,
        /// Where in the call.
        place: String,
    },
    /// It writes, but does not read.
    #[error("it does not read its standard input {0}; read one block for every block that is written")]
    Deaf(String),
    /// It writes more than it was asked for.
    #[error(
        "it wrote {bytes} bytes too many {place}; write one block for every block that is read and nothing else on standard output: \
         messages belong on standard error"
    )]
    TooMuch {
        /// How many.
        bytes: u64,
        /// Where in the call.
        place: String,
    },
    /// It gave NaN or an infinity.
    #[error(
        "its {channel} is {value} {place}; every sample must be a number: look for a division by zero or an unset buffer"
    )]
    NoNumber {
        /// Send or loudspeaker.
        channel: &'static str,
        /// What it was.
        value: String,
        /// Where in the call.
        place: String,
    },
    /// The run was stopped while an answer was waited for.
    #[error("stopped by the user")]
    Stopped,
}

/// A program that has failed, with what it said last.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the program under test failed, which is the device and not the bench: {command}: {error}{said}")]
pub struct ProgramFailure {
    /// Its command line.
    pub command: String,
    /// What was wrong.
    pub error: ProgramError,
    /// The end of its standard error, ready to be shown; empty where it said nothing.
    pub said: String,
}

/// A program under test in one call. It is started with the first block and ended with the value.
pub struct Program {
    own: ProcessSpec,
    told: Vec<(&'static str, String)>,
    running: Option<Running>,
    /// Blocks that were answered.
    answered: u64,
    /// The bytes of an answer.
    answer: Vec<u8>,
}

impl Program {
    /// A program that is told these names with their values, as arguments and as environment.
    pub fn new(own: &ProcessSpec, told: Vec<(&'static str, String)>) -> Self {
        Self { own: own.clone(), told, running: None, answered: 0, answer: Vec::new() }
    }

    /// Hands whole blocks of interleaved frames over and appends the answer to `output`.
    ///
    /// # Errors
    /// The program failed; it has been ended.
    pub fn exchange(
        &mut self,
        input: &[f32],
        output: &mut Vec<f32>,
        stop: &StopFlag,
    ) -> Result<(), ProgramFailure> {
        self.try_exchange(input, output, stop).map_err(|error| self.fail(error))
    }

    /// Looks for what nobody asked for, when everything was answered.
    ///
    /// # Errors
    /// The program wrote more than it was asked for, or has ended; it has been ended.
    pub fn settle(&mut self) -> Result<(), ProgramFailure> {
        let place = self.place("after its answer to the last block");
        let Some(running) = &mut self.running else { return Ok(()) };
        let error = match running.output.recv_timeout(SETTLE) {
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Ok(Heard::TooMuch(bytes)) => ProgramError::TooMuch { bytes, place },
            Ok(Heard::Bytes(bytes)) => ProgramError::TooMuch { bytes: bytes.len() as u64, place },
            Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => running.ended(place),
        };
        Err(self.fail(error))
    }

    fn try_exchange(
        &mut self,
        input: &[f32],
        output: &mut Vec<f32>,
        stop: &StopFlag,
    ) -> Result<(), ProgramError> {
        let channels = self.own.microphones + 1;
        let frames = input.len() / channels;
        let size = frames * OUTPUTS * SAMPLE_BYTES;
        let at = self.answered;
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(Running::start(&self.own, &self.told)?),
        };
        let bytes: Vec<u8> = input.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        // Before the program can see the block: what is written earlier was not asked for.
        running.allowed.fetch_add(size as u64, Ordering::SeqCst);
        let is_deaf = match running.input.as_ref().map(|input| input.try_send(bytes)) {
            Some(Ok(())) => false,
            Some(Err(TrySendError::Full(_))) => {
                return Err(ProgramError::Deaf(place_of(&self.own, at, "though it was given blocks")));
            }
            // Its input is closed: most likely it has ended, which its output will tell.
            Some(Err(TrySendError::Disconnected(_))) | None => true,
        };
        self.answer.clear();
        let deadline = Instant::now() + self.own.timeout;
        while self.answer.len() < size {
            let so_far = format!("after {} of the {size} bytes of its answer", self.answer.len());
            let place = || place_of(&self.own, at, &so_far);
            if stop.is_set() {
                return Err(ProgramError::Stopped);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match running.output.recv_timeout(left.min(LOOK)) {
                Ok(Heard::Bytes(bytes)) => self.answer.extend_from_slice(&bytes),
                Ok(Heard::TooMuch(bytes)) => return Err(ProgramError::TooMuch { bytes, place: place() }),
                Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => return Err(running.ended(place())),
                Err(RecvTimeoutError::Timeout) if left.is_zero() && is_deaf => {
                    return Err(ProgramError::Deaf(place()));
                }
                Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                    return Err(ProgramError::Silent { waited: self.own.timeout, place: place() });
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        if is_deaf {
            return Err(ProgramError::Deaf(place_of(&self.own, at, "but answers")));
        }
        self.decode(output)?;
        self.answered += (frames / self.own.block) as u64;
        Ok(())
    }

    /// The samples of an answer, every one a number.
    fn decode(&self, output: &mut Vec<f32>) -> Result<(), ProgramError> {
        for (at, bytes) in self.answer.chunks_exact(SAMPLE_BYTES).enumerate() {
            let sample = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            if !sample.is_finite() {
                let channel = if at % OUTPUTS == 0 { "send" } else { "loudspeaker" };
                let place = self.place(&format!("in frame {} of its answer", at / OUTPUTS));
                return Err(ProgramError::NoNumber { channel, value: sample.to_string(), place });
            }
            output.push(sample);
        }
        Ok(())
    }

    fn place(&self, detail: &str) -> String {
        place_of(&self.own, self.answered, detail)
    }

    /// Ends the program at once, and tells what was wrong with what it said.
    fn fail(&mut self, error: ProgramError) -> ProgramFailure {
        let said = self.running.take().map_or(String::new(), Running::kill);
        let said = if said.is_empty() { said } else { format!("; it said: {said}") };
        ProgramFailure { command: self.own.command_line(), error, said }
    }
}

/// Where in a call a program is: block and time, and `detail`.
fn place_of(own: &ProcessSpec, answered: u64, detail: &str) -> String {
    let seconds = answered as f64 * own.block as f64 / f64::from(own.rate);
    format!("at block {} ({seconds:.2} s of the call), {detail}", answered + 1)
}

/// What came from the standard output of a program.
enum Heard {
    /// A piece of an answer.
    Bytes(Vec<u8>),
    /// So many bytes more than were asked for.
    TooMuch(u64),
    /// Nothing follows.
    End,
}

/// A program that runs.
struct Running {
    child: Living,
    input: Option<SyncSender<Vec<u8>>>,
    output: Receiver<Heard>,
    /// Bytes that it may have written so far.
    allowed: Arc<AtomicU64>,
    said: Arc<Mutex<Vec<u8>>>,
    messages: JoinHandle<()>,
}

impl Running {
    fn start(own: &ProcessSpec, told: &[(&'static str, String)]) -> Result<Self, ProgramError> {
        let not_started = |cause: std::io::Error| ProgramError::NotStarted(cause.to_string());
        let name = own.command.first().map_or("", String::as_str);
        let folder = std::path::absolute(own.home()).map_err(not_started)?;
        let file = find(name, &folder).ok_or_else(|| ProgramError::NotFound(name.to_owned()))?;
        let mut command = Command::new(file);
        command.args(&own.command[1..]).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, value) in told {
            command.arg(format!("--{name}")).arg(value);
            command.env(format!("LOMBARD_{}", name.to_uppercase().replace('-', "_")), value);
        }
        let mut child = command.spawn().map_err(not_started)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // From here on it is ended whatever happens.
        let child = Living::new(child);
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(ProgramError::NotStarted("the system gave it no pipes".to_owned()));
        };
        let allowed = Arc::new(AtomicU64::new(0));
        let said = Arc::new(Mutex::new(Vec::new()));
        let (input, blocks) = sync_channel(WAITING_MAX);
        let (heard, output) = sync_channel(PIECES_MAX);
        let thread = |name: &str| std::thread::Builder::new().name(format!("program-{name}"));
        thread("input").spawn(move || feed(stdin, &blocks)).map_err(not_started)?;
        let limit = Arc::clone(&allowed);
        thread("output").spawn(move || listen(stdout, &limit, &heard)).map_err(not_started)?;
        let memory = Arc::clone(&said);
        let messages = thread("messages").spawn(move || remember(stderr, &memory)).map_err(not_started)?;
        Ok(Self { child, input: Some(input), output, allowed, said, messages })
    }

    /// Why nothing more comes from a program: its status, or that it has none.
    fn ended(&mut self, place: String) -> ProgramError {
        match self.child.wait(LAST_WORDS) {
            Some(status) => ProgramError::Ended { status, place },
            None => ProgramError::Closed(place),
        }
    }

    /// Ends it at once and gives the end of what it said.
    fn kill(self) -> String {
        end(&self.child.0);
        // What it said before its end may still be on its way. Something that it started may hold the pipe open.
        let until = Instant::now() + LAST_WORDS;
        while !self.messages.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        shown(&locked(&self.said))
    }
}

impl Drop for Running {
    /// Lets it end by itself, as at the end of a call; its child is ended in any case.
    fn drop(&mut self) {
        self.input = None;
        self.child.wait(GRACE);
    }
}

/// A child that is ended with the value. [`end_all`] knows it.
struct Living(Arc<Mutex<Child>>);

impl Living {
    fn new(child: Child) -> Self {
        let child = Arc::new(Mutex::new(child));
        let mut all = locked(&LIVING);
        all.retain(|one| one.strong_count() > 0);
        all.push(Arc::downgrade(&child));
        Self(child)
    }

    /// How it ended, if it does within a time.
    fn wait(&self, at_most: Duration) -> Option<String> {
        let until = Instant::now() + at_most;
        loop {
            match locked(&self.0).try_wait() {
                Ok(Some(status)) => return Some(status.to_string()),
                Ok(None) if Instant::now() < until => {}
                Ok(None) | Err(_) => return None,
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        end(&self.0);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The children that have not been ended yet.
static LIVING: Mutex<Vec<Weak<Mutex<Child>>>> = Mutex::new(Vec::new());

/// Ends every program under test, for a bench that ends at once itself.
pub fn end_all() {
    let all: Vec<Arc<Mutex<Child>>> = locked(&LIVING).iter().filter_map(Weak::upgrade).collect();
    for child in &all {
        end(child);
    }
}

/// Ends a child and lets the system forget it.
fn end(child: &Mutex<Child>) {
    let mut child = locked(child);
    // It may have ended by itself; both fail then, and nothing is left to do.
    drop(child.kill());
    drop(child.wait());
}

/// Writes blocks to a program until there are no more, or it does not want them.
fn feed(mut stdin: ChildStdin, blocks: &Receiver<Vec<u8>>) {
    for block in blocks {
        if stdin.write_all(&block).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

/// Reads what a program writes, as long as it was asked for.
fn listen(mut stdout: ChildStdout, allowed: &AtomicU64, heard: &SyncSender<Heard>) {
    // More than an answer, so that bytes behind it are seen with it.
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0u64;
    loop {
        let message = match stdout.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => Heard::End,
            Ok(count) => {
                total += count as u64;
                match total.saturating_sub(allowed.load(Ordering::SeqCst)) {
                    0 => Heard::Bytes(buffer[..count].to_vec()),
                    surplus => Heard::TooMuch(surplus),
                }
            }
        };
        let is_last = !matches!(message, Heard::Bytes(_));
        if heard.send(message).is_err() || is_last {
            return;
        }
    }
}

/// Keeps the end of what a program says on standard error.
fn remember(mut stderr: ChildStderr, said: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4_096];
    loop {
        match stderr.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
            Ok(count) => {
                let mut said = locked(said);
                said.extend_from_slice(&buffer[..count]);
                let surplus = said.len().saturating_sub(SAID_BYTES_MAX);
                said.drain(..surplus);
            }
        }
    }
}

/// The last lines of what a program said, in one.
fn shown(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let text = lines.join(" | ");
    let surplus = text.chars().count().saturating_sub(SHOWN_LETTERS_MAX);
    let rest: String = text.chars().skip(surplus).collect();
    if surplus > 0 { format!("…{rest}") } else { rest }
}

/// The file of a program: a path begins in `folder`, a bare name is looked for in PATH. Where the system's programs end in
/// `.exe`, that may be left out.
pub fn find(name: &str, folder: &Path) -> Option<PathBuf> {
    let is_path =
        name.contains('/') || name.contains(std::path::MAIN_SEPARATOR) || Path::new(name).is_absolute();
    let places: Vec<PathBuf> = if is_path {
        vec![folder.join(name)]
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).map(|place| place.join(name)).collect()
    };
    let ending = std::env::consts::EXE_SUFFIX;
    let spellings = |file: PathBuf| {
        let mut longer = file.clone().into_os_string();
        longer.push(ending);
        [file, PathBuf::from(longer)]
    };
    places.into_iter().filter(|_| !name.is_empty()).flat_map(spellings).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_what_was_said_is_shown_in_one_line() {
        assert_eq!(shown(b""), "");
        assert_eq!(shown(b"\n one\r\n\ntwo \n"), "one | two");
        let long = shown("ä".repeat(1_000).as_bytes());
        assert!(long.starts_with('…') && long.chars().count() == SHOWN_LETTERS_MAX + 1, "{long}");
        assert_eq!(shown(&[0xff, b'a']), "\u{fffd}a");
    }

    #[test]
    fn a_path_begins_in_the_folder_and_a_bare_name_in_path() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(find("./Cargo.toml", folder), Some(folder.join("./Cargo.toml")));
        assert_eq!(find("Cargo.toml", folder), None, "a bare name is not looked for beside the car file");
        assert!(find("cargo", folder).is_some(), "tests are started by cargo");
        assert_eq!(find("", folder), None);
        assert_eq!(find("./src", folder), None, "a folder is no program");
    }
}
