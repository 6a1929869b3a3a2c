//! The only user of serialport: one line to the rig, one answer, within a time, and a safe state at the end whatever
//! happened before.
//!
//! An exchange sends a line and reads until the expected answer stands on a line of its own; echoes of the command and
//! unasked messages on the way are passed over and named when the answer does not come. Modem control lines are left
//! alone: virtual ports have none.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use serialport::{ClearBuffer, SerialPort};

use super::patience::Patience;
use super::spec::RigSpec;
use crate::bench::{BenchError, StopFlag};

/// How long one reading of the line may block, so that a stop is seen soon.
const SLICE: Duration = Duration::from_millis(20);
/// What is kept of an answer that never ends, in bytes.
const HEARD_MAX: usize = 4_096;
/// What a message shows of it, in characters.
const SHOWN_MAX: usize = 120;

/// An open line to the rig. Dropping it brings the rig into its safe state, as [`Rig::close`] does.
pub struct Rig {
    spec: RigSpec,
    port: Option<Box<dyn SerialPort>>,
}

impl Rig {
    /// Opens the serial port of a rig.
    ///
    /// # Errors
    /// The port is not there, not free, or not to be opened by this user.
    pub fn open(spec: &RigSpec) -> Result<Self, BenchError> {
        let port = serialport::new(&spec.port, spec.baud).timeout(SLICE).open();
        let port = port.map_err(|error| {
            BenchError::AskOperator(format!(
                "the serial port {} of the rig cannot be opened: {error}; connect the rig, close what else uses the \
                 port, or correct [rig] port in the bench file",
                spec.port
            ))
        })?;
        Ok(Self { spec: spec.clone(), port: Some(port) })
    }

    /// Sets the receive volume of the device under test to a step.
    ///
    /// # Errors
    /// The rig cannot, does not answer, or a stop was asked for.
    pub fn set_volume(&mut self, step: u32, stop: &StopFlag) -> Result<(), BenchError> {
        let line = self.spec.volume_line(step).ok_or_else(|| {
            BenchError::StopRun(
                "the rig cannot set the volume: add set_volume to [rig] of the bench file".to_owned(),
            )
        })?;
        self.exchange(&line, Some(stop))
    }

    /// Hangs up and calls anew, and waits until the call sounds; without lines for it nothing is done.
    ///
    /// # Errors
    /// As [`Rig::set_volume`].
    pub fn call(&mut self, stop: &StopFlag) -> Result<(), BenchError> {
        let (lines, wait) = (self.spec.call.clone(), self.spec.call_wait);
        if lines.is_empty() {
            return Ok(());
        }
        for line in &lines {
            self.exchange(line, Some(stop))?;
        }
        let began = Instant::now();
        while began.elapsed() < wait {
            go_on(Some(stop))?;
            std::thread::sleep(SLICE.min(wait.saturating_sub(began.elapsed())));
        }
        Ok(())
    }

    /// Closes the electrical loop in place of the far end with a loss in dB, or opens it.
    ///
    /// # Errors
    /// As [`Rig::set_volume`].
    pub fn set_loop(&mut self, loss_db: Option<f64>, stop: &StopFlag) -> Result<(), BenchError> {
        let line = self.spec.loop_line(loss_db).ok_or_else(|| {
            BenchError::StopRun(
                "the rig has no loop: add close_loop and open_loop to [rig] of the bench file".to_owned(),
            )
        })?;
        self.exchange(&line, Some(stop))
    }

    /// Lets the reflecting panel turn, or come to rest.
    ///
    /// # Errors
    /// As [`Rig::set_volume`].
    pub fn turn_reflector(&mut self, turns: bool, stop: &StopFlag) -> Result<(), BenchError> {
        let [start, rest] = self.spec.reflector.clone().ok_or_else(|| {
            BenchError::StopRun(
                "the rig has no reflector: add turn_reflector and rest_reflector to [rig] of the bench file"
                    .to_owned(),
            )
        })?;
        self.exchange(if turns { &start } else { &rest }, Some(stop))
    }

    /// Brings the rig into its safe state and closes the port. Every line of the safe state is sent, even where one
    /// before it was not answered. Closing what is closed does nothing.
    ///
    /// # Errors
    /// The first line that was not answered.
    pub fn close(&mut self) -> Result<(), BenchError> {
        let mut result = Ok(());
        if self.port.is_some() {
            for line in self.spec.safe_state.clone() {
                let sent = self.exchange(&line, None);
                result = result.and(sent);
            }
        }
        self.port = None;
        result.map_err(|error| {
            BenchError::AskOperator(format!("the rig may not be in its safe state, look at it: {error}"))
        })
    }

    /// Sends a line and waits for the answer.
    fn exchange(&mut self, line: &str, stop: Option<&StopFlag>) -> Result<(), BenchError> {
        let spec = &self.spec;
        let port = self.port.as_mut().ok_or_else(|| BenchError::StopRun("the rig is closed".to_owned()))?;
        let lost = |error: std::io::Error| {
            BenchError::AskOperator(format!(
                "the serial port {} of the rig was lost at '{line}': {error}; connect the rig and resume the run",
                spec.port
            ))
        };
        let mut patience = Patience::new(spec.timeout);
        let mut heard = Vec::new();
        let silent = |heard: &[u8]| {
            BenchError::TryAgain(format!(
                "the rig did not answer '{}' to '{line}' within {} ms, it said {}; check its power, the cable and the \
                 baud rate",
                spec.reply,
                spec.timeout.as_millis(),
                shown(heard)
            ))
        };
        // An answer to an earlier line that came too late is not the answer to this one.
        port.clear(ClearBuffer::Input).map_err(|error| lost(error.into()))?;
        let text = format!("{line}{}", spec.line_end.text());
        // Byte by byte: a line that nobody reads blocks on a longer write for good.
        for byte in text.as_bytes() {
            while let Err(error) = port.write_all(&[*byte]) {
                match error.kind() {
                    ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted => {}
                    _ => return Err(lost(error)),
                }
                go_on(stop)?;
                if patience.is_over() {
                    return Err(silent(&heard));
                }
            }
        }
        let mut bytes = [0; 256];
        loop {
            go_on(stop)?;
            match port.read(&mut bytes) {
                Ok(0) => return Err(lost(ErrorKind::UnexpectedEof.into())),
                Ok(count) => {
                    heard.extend_from_slice(&bytes[..count]);
                    if has_line(&heard, &spec.reply) {
                        return Ok(());
                    }
                    let surplus = heard.len().saturating_sub(HEARD_MAX);
                    heard.drain(..surplus);
                }
                Err(error) => match error.kind() {
                    ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted => {}
                    _ => return Err(lost(error)),
                },
            }
            if patience.is_over() {
                return Err(silent(&heard));
            }
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // There is nobody left to tell; what can be sent is sent.
        drop(self.close());
    }
}

fn go_on(stop: Option<&StopFlag>) -> Result<(), BenchError> {
    if stop.is_some_and(StopFlag::is_set) { Err(BenchError::Stopped) } else { Ok(()) }
}

/// Whether one of the finished lines is the answer.
fn has_line(heard: &[u8], reply: &str) -> bool {
    let ends = |byte: &u8| *byte == b'\r' || *byte == b'\n';
    let Some(end) = heard.iter().rposition(ends) else { return false };
    heard[..end].split(ends).any(|line| line.trim_ascii() == reply.as_bytes())
}

/// What was heard, for a message.
fn shown(heard: &[u8]) -> String {
    let text = String::from_utf8_lossy(heard);
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return "nothing".to_owned();
    }
    format!("'{}'", words.join(" ").chars().take(SHOWN_MAX).collect::<String>())
}

#[cfg(test)]
pub(super) mod tests;
