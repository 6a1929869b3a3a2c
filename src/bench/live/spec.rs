//! What a bench file says about the hardware: interfaces, channels, the serial line of the rig. Data only.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::terms::Port;

/// The prefix of the interfaces that live inside the program.
pub const LOOP: &str = "loop";

/// A live bench as its file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveSpec {
    /// The audio interfaces.
    pub audio: AudioSpec,
    /// The channel of every output port, from 1.
    pub outputs: BTreeMap<Port, u16>,
    /// The channel of every input port.
    pub inputs: BTreeMap<Port, InputSpec>,
    /// The pair that proves timing and integrity.
    pub loopback: Option<LoopbackSpec>,
    /// What is controlled over a serial line.
    pub rig: Option<RigSpec>,
}

/// Which audio interfaces play and record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioSpec {
    /// The id of the interface that plays, `host:name` as `list interfaces` prints it.
    pub playback: String,
    /// The id of the interface that records; of the same host.
    pub capture: String,
    /// Frames in a buffer of the interface.
    pub buffer_frames: u32,
}

impl AudioSpec {
    /// The host of both interfaces.
    pub fn host(&self) -> &str {
        self.playback.split_once(':').map_or("", |(host, _)| host)
    }
}

/// An input of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputSpec {
    /// The channel, from 1.
    pub channel: u16,
    /// Whether an analog converter of the bench stands behind it, whose overload is the bench's own fault.
    pub is_analog: bool,
}

/// The channels of the loopback cable, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopbackSpec {
    /// The output.
    pub output: u16,
    /// The input.
    pub input: u16,
}

/// What is controlled over a serial line, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RigSpec {
    /// The serial port, as the operating system names it.
    pub port: String,
    /// Bits per second.
    pub baud: u32,
    /// How long an answer may take.
    pub timeout: Duration,
    /// What ends a line.
    pub line_end: LineEnd,
    /// The line that sets the receive volume, with [`RigSpec::STEP`] where the number goes.
    pub set_volume: Option<String>,
    /// The lines that let the reflecting panel in the cabin turn, and come to rest.
    pub reflector: Option<[String; 2]>,
    /// The lines that bring the rig into its safe state, in their order.
    pub safe_state: Vec<String>,
    /// The line that answers every command when it was done.
    pub reply: String,
}

impl RigSpec {
    /// Where the number of the volume step goes.
    pub const STEP: &'static str = "{step}";

    /// The line that sets the receive volume to a step, if the rig can.
    pub fn volume_line(&self, step: u32) -> Option<String> {
        Some(self.set_volume.as_ref()?.replace(Self::STEP, &step.to_string()))
    }
}

/// What ends a line that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// Carriage return and line feed.
    CrLf,
    /// Carriage return, as modems want it.
    Cr,
    /// Line feed.
    Lf,
}

impl LineEnd {
    /// Every end, with the word that files write.
    pub const ALL: [(&'static str, Self); 3] = [("CR LF", Self::CrLf), ("CR", Self::Cr), ("LF", Self::Lf)];

    /// The characters.
    pub const fn text(self) -> &'static str {
        match self {
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
            Self::Lf => "\n",
        }
    }
}
