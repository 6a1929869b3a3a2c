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
    /// Further interfaces, each on a clock of its own.
    pub others: Vec<OtherSpec>,
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
    /// The rate of the interface, in Hz: the bench's or a whole multiple of it.
    pub rate: u32,
    /// Frames in a buffer of the interface, at its rate.
    pub buffer_frames: u32,
    /// What its channels are connected to inside of the sound server.
    pub cords: Vec<Cord>,
}

impl AudioSpec {
    /// The host of both interfaces.
    pub fn host(&self) -> &str {
        host_of(&self.playback)
    }

    /// The streams of the interface.
    pub fn streams(&self) -> StreamsSpec<'_> {
        StreamsSpec {
            playback: Some(&self.playback),
            capture: Some(&self.capture),
            rate: self.rate,
            buffer_frames: self.buffer_frames,
            cords: &self.cords,
        }
    }
}

fn host_of(id: &str) -> &str {
    id.split_once(':').map_or("", |(host, _)| host)
}

/// An interface beside the main one, on a clock of its own: it records, and it plays background noise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherSpec {
    /// What ports and certificates call it.
    pub name: String,
    /// The id of what plays, if it plays.
    pub playback: Option<String>,
    /// The id of what records, if it records.
    pub capture: Option<String>,
    /// Its rate, in Hz.
    pub rate: u32,
    /// Frames in a buffer, at its rate.
    pub buffer_frames: u32,
    /// What its channels are connected to inside of the sound server.
    pub cords: Vec<Cord>,
    /// The channel of every output port on it, from 1.
    pub outputs: BTreeMap<Port, u16>,
    /// The channel of every input port on it.
    pub inputs: BTreeMap<Port, InputSpec>,
    /// The input that hears the loopback output of the main interface: it gives this interface its place in time.
    pub sync: Option<SyncSpec>,
}

/// The input of a further interface that hears the loopback output of the main one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncSpec {
    /// The channel, from 1.
    pub channel: u16,
    /// The port under which it is recorded.
    pub port: Port,
}

impl OtherSpec {
    /// The hosts of its streams.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        [&self.playback, &self.capture].into_iter().flatten().map(|id| host_of(id))
    }

    /// Its streams.
    pub fn streams(&self) -> StreamsSpec<'_> {
        StreamsSpec {
            playback: self.playback.as_deref(),
            capture: self.capture.as_deref(),
            rate: self.rate,
            buffer_frames: self.buffer_frames,
            cords: &self.cords,
        }
    }

    /// Its ids, for messages.
    pub fn ids(&self) -> String {
        let mut ids: Vec<&str> =
            [&self.capture, &self.playback].into_iter().flatten().map(String::as_str).collect();
        ids.dedup();
        format!("{} ({})", ids.join(" or "), self.name)
    }
}

/// The streams of one interface: what plays, what records, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamsSpec<'a> {
    /// The id of what plays.
    pub playback: Option<&'a str>,
    /// The id of what records.
    pub capture: Option<&'a str>,
    /// The rate, in Hz.
    pub rate: u32,
    /// Frames in a buffer, at that rate.
    pub buffer_frames: u32,
    /// Connections inside of the sound server.
    pub cords: &'a [Cord],
}

/// What a channel of the bench is connected to inside of a sound server that has ports, as JACK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cord {
    /// Whether the channel is one that plays.
    pub is_output: bool,
    /// The channel, from 1.
    pub channel: u16,
    /// The other ends.
    pub to: Vec<Plug>,
}

/// The other end of a cord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plug {
    /// A port of another program, `client:port`.
    Port(String),
    /// An input channel of the bench itself, from 1.
    Input(u16),
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
    /// The lines that hang up and call anew, in their order; none: calls are set up by hand.
    pub call: Vec<String>,
    /// How long a call needs from the last answer until it sounds.
    pub call_wait: Duration,
    /// The lines that close the electrical loop in place of the far end, with [`RigSpec::LOSS`] where its loss goes, and that
    /// open it.
    pub far_loop: Option<[String; 2]>,
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
    /// The loss of the loop goes here, in dB with one decimal.
    pub const LOSS: &'static str = "{loss}";

    /// The line that sets the receive volume to a step, if the rig can.
    pub fn volume_line(&self, step: u32) -> Option<String> {
        Some(self.set_volume.as_ref()?.replace(Self::STEP, &step.to_string()))
    }

    /// The line that closes the loop with a loss in dB, or opens it; `None` where the rig has no loop.
    pub fn loop_line(&self, loss_db: Option<f64>) -> Option<String> {
        let [close, open] = self.far_loop.as_ref()?;
        Some(match loss_db {
            // Adding zero takes the sign off a zero.
            Some(loss_db) => {
                close.replace(Self::LOSS, &format!("{:.1}", (10.0 * loss_db).round() / 10.0 + 0.0))
            }
            None => open.clone(),
        })
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
