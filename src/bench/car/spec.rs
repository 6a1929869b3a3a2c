//! A virtual car as data: every number that the car file may state, in the units of the simulation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bench::car::clock::Clock;
use crate::bench::car::dynamics::Dynamics;
use crate::bench::car::flaws::Flaws;
use crate::bench::car::reflector::ReflectorSpec;
use crate::bench::car::response;
use crate::terms::{Bandwidth, Direction, Seat};

/// A whole car: what stands in one file of `test-plans/cars`.
#[derive(Debug, Clone, PartialEq)]
pub struct CarSpec {
    /// The name that runs and reports print.
    pub name: String,
    /// One sentence about what the car is for.
    pub description: String,
    /// The speech band of its calls.
    pub bandwidth: Bandwidth,
    /// Where the sound goes.
    pub cabin: CabinSpec,
    /// The hands-free terminal under test.
    pub terminal: TerminalSpec,
    /// The network simulator between the terminal and the POI.
    pub network: NetworkSpec,
    /// Somebody bumps into the HATS.
    pub moved: Option<Moved>,
    /// What is not right with it: bends, images, lines.
    pub flaws: Flaws,
}

/// A HATS that does not sit any more where it sat.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// It sits still for so many calls.
    pub after_calls: u32,
    /// Where the lips are then, in a shoebox cabin.
    pub lips_m: Option<[f64; 3]>,
    /// What the path from the mouth to the microphone gains, in an ideal cabin, in dB.
    pub mouth_db: f64,
    /// What the paths from the loudspeaker to the ears gain, in an ideal cabin, in dB.
    pub ears_db: f64,
}

impl CarSpec {
    /// The car after its HATS was moved, if it will be.
    pub fn after_move(&self) -> Option<Self> {
        let moved = self.moved.as_ref()?;
        let mut car = self.clone();
        match &mut car.cabin.paths {
            PathsSpec::Shoebox(cabin) => cabin.lips_m = moved.lips_m.unwrap_or(cabin.lips_m),
            PathsSpec::Ideal(paths) => {
                let raise = |tap: &mut Option<TapSpec>, db: f64| {
                    if let Some(tap) = tap {
                        tap.gain_db += db;
                    }
                };
                raise(&mut paths.mouth_to_microphone, moved.mouth_db);
                paths.loudspeaker_to_ears.iter_mut().for_each(|ear| raise(ear, moved.ears_db));
            }
        }
        Some(car)
    }

    /// What the volume that depends on speed adds in the cabin's own noise, in dB.
    pub fn speed_volume_db(&self) -> f64 {
        self.terminal.speed_volume_db(self.cabin.noise_microphone_dbpa_a.unwrap_or(f64::NEG_INFINITY))
    }

    /// The seats with a head, the driver's first.
    pub fn seats(&self) -> impl Iterator<Item = Seat> {
        let others: Vec<Seat> = match &self.cabin.paths {
            PathsSpec::Ideal(paths) => paths.seats.keys().copied().collect(),
            PathsSpec::Shoebox(room) => room.seats.keys().copied().collect(),
        };
        std::iter::once(Seat::Driver).chain(others)
    }
}

/// Points of a frequency response: gain in dB at frequencies in Hz, straight lines over log f, the end values
/// held outside. Empty is flat.
pub type ResponsePoints = Vec<(f64, f64)>;

/// The cabin: its paths and its noise floors.
#[derive(Debug, Clone, PartialEq)]
pub struct CabinSpec {
    /// How the sound paths come about.
    pub paths: PathsSpec,
    /// Sound at the microphone without talker and loudspeaker, as (level, A-weighted dBPa); `None` is silence.
    pub noise_microphone_dbpa_a: Option<f64>,
    /// Sound at each ear without talker and loudspeaker, A-weighted dBPa.
    pub noise_ears_dbpa_a: Option<f64>,
    /// Sound at the bench's microphone at the driver's head without talker and loudspeaker, A-weighted dBPa; `None` is
    /// as at the ears.
    pub noise_reference_dbpa_a: Option<f64>,
    /// Self noise of the microphone capsule as equivalent sound pressure, A-weighted dBPa, white.
    pub noise_capsule_dbpa_a: Option<f64>,
    /// Hiss of the amplifier: what the loudspeaker makes at 1 m in the free field, A-weighted dBPa, white.
    pub noise_amplifier_dbpa_a: Option<f64>,
    /// The spectrum of the two cabin noises.
    pub noise_spectrum: ResponsePoints,
    /// By how much a replayed background noise misses its recording.
    pub noise_field: NoiseFieldSpec,
    /// A panel that turns when it is told to.
    pub reflector: Option<ReflectorSpec>,
}

/// By how much a replayed background noise misses its recording, the same everywhere in the cabin.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NoiseFieldSpec {
    /// It is so much too loud, in dB.
    pub gain_db: f64,
    /// And on top of that so much at frequencies.
    pub response: ResponsePoints,
}

impl NoiseFieldSpec {
    /// Whether the field is as it was recorded.
    pub fn is_right(&self) -> bool {
        self.gain_db == 0.0 && self.response.is_empty()
    }
}

/// How the sound paths of a cabin come about.
#[derive(Debug, Clone, PartialEq)]
pub enum PathsSpec {
    /// One tap for each path: the truth is analytic.
    Ideal(IdealPaths),
    /// A box of a room by the image method.
    Shoebox(Shoebox),
}

/// One tap: a gain and a delay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TapSpec {
    /// Gain in dB. From the mouth: relative to the pressure at the MRP; from the loudspeaker: relative to its free-field
    /// pressure at 1 m.
    pub gain_db: f64,
    /// Delay in seconds.
    pub delay_s: f64,
}

/// The paths of a cabin with one tap each. A path that is not stated is silent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IdealPaths {
    /// Mouth (MRP) to the hands-free microphone.
    pub mouth_to_microphone: Option<TapSpec>,
    /// Mouth (MRP) to each ear of the same head.
    pub mouth_to_ears: Option<TapSpec>,
    /// Loudspeaker to the hands-free microphone.
    pub loudspeaker_to_microphone: Option<TapSpec>,
    /// Loudspeaker to the left and to the right ear.
    pub loudspeaker_to_ears: [Option<TapSpec>; 2],
    /// Loudspeaker to the bench's microphone at the driver's head.
    pub loudspeaker_to_reference: Option<TapSpec>,
    /// The heads in other seats than the driver's.
    pub seats: BTreeMap<Seat, IdealSeat>,
}

/// The paths of a head in another seat, one tap each.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct IdealSeat {
    /// Mouth (MRP) to the hands-free microphone.
    pub mouth_to_microphone: Option<TapSpec>,
    /// Mouth (MRP) to each ear of the same head.
    pub mouth_to_ears: Option<TapSpec>,
    /// Mouth (MRP) to each ear of the driver.
    pub mouth_to_driver_ears: Option<TapSpec>,
    /// Loudspeaker to the left and to the right ear.
    pub loudspeaker_to_ears: [Option<TapSpec>; 2],
}

/// A rectangular cabin. x runs forward, y to the right, z up; meters; the origin is a lower rear left corner.
#[derive(Debug, Clone, PartialEq)]
pub struct Shoebox {
    /// Length, width, height.
    pub size_m: [f64; 3],
    /// The share of the sound energy that a wall takes, the same at all frequencies and walls.
    pub absorption: f64,
    /// The lips of the HATS, which looks forward.
    pub lips_m: [f64; 3],
    /// The hands-free microphone.
    pub microphone_m: [f64; 3],
    /// The loudspeaker.
    pub loudspeaker_m: [f64; 3],
    /// The pattern of every microphone, pointed at the lips of its seat: 0 is omnidirectional, 0.5 a cardioid.
    pub microphone_directivity: f64,
    /// What the ear ports deliver.
    pub hats: Hats,
    /// The serial number that sits there, with the ears of P.58.
    pub ears: Ears,
    /// The heads in other seats than the driver's.
    pub seats: BTreeMap<Seat, ShoeboxSeat>,
}

/// A seat beside or behind the driver in a shoebox cabin, with what serves it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShoeboxSeat {
    /// The lips of the HATS, which looks forward.
    pub lips_m: [f64; 3],
    /// A microphone of its own, whose signal the terminal adds to that of the others.
    pub microphone_m: Option<[f64; 3]>,
    /// A loudspeaker of its own, fed with the same signal as the others.
    pub loudspeaker_m: Option<[f64; 3]>,
}

/// The ears of one serial number: no two heads are alike, and neither are the ears of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Ears {
    /// The serial number.
    pub serial: String,
    /// What the left and the right ear have on top of the response of P.58; empty is that itself.
    pub deviations: [ResponsePoints; 2],
    /// What the laboratory says about them.
    pub stated: StatedEars,
}

impl Default for Ears {
    fn default() -> Self {
        Self { serial: "virtual".to_owned(), deviations: [Vec::new(), Vec::new()], stated: StatedEars::Own }
    }
}

/// What a laboratory takes for the response of the ears of its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatedEars {
    /// The curves of this serial number, as they are.
    Own,
    /// The table of P.58, whatever these ears do.
    Table,
}

/// What the ear ports of a shoebox cabin deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hats {
    /// Pressure equalized to the free field: the ear response is taken out already.
    Flat,
    /// Pressure at the DRP, with the free-field ear response of P.58.
    P58,
}

/// The hands-free terminal.
#[derive(Debug, Clone, PartialEq)]
pub struct TerminalSpec {
    /// Which terminal it is.
    pub kind: TerminalKind,
    /// Level at the POI in dBm0 for 0 dBPa at the microphone, with a flat response.
    pub send_gain_db: f64,
    /// The send response on top of the gain.
    pub send_response: ResponsePoints,
    /// The amplitude at which the microphone's converter clips, in dB over 1 Pa. `None`: where `send_gain_db` reaches
    /// digital full scale, so there is no headroom that the network does not have.
    pub send_overload_dbpa: Option<f64>,
    /// From the microphone membrane to the terminal's output, everything included, in seconds.
    pub send_delay_s: f64,
    /// Free-field level of the loudspeaker at 1 m in dBPa for 0 dBm0 at the POI, at the loudest volume step, with a flat
    /// response.
    pub receive_gain_db: f64,
    /// The receive response on top of the gain.
    pub receive_response: ResponsePoints,
    /// From the terminal's input to the loudspeaker membrane, everything included, in seconds.
    pub receive_delay_s: f64,
    /// How many volume steps there are: 0 … steps − 1, the last is the loudest.
    pub volume_steps: u32,
    /// How much louder a step is than the one below, in dB.
    pub volume_step_db: f64,
    /// How much louder the amplifier is made in a noise at the microphone, as (A-weighted dBPa, dB), rising: straight lines
    /// between, the end values held outside. Empty is not at all.
    pub speed_volume: Vec<(f64, f64)>,
}

impl TerminalSpec {
    /// How much louder the amplifier is made in a noise of this level at the microphone, in dB.
    pub fn speed_volume_db(&self, level_dbpa_a: f64) -> f64 {
        response::straight_at(&self.speed_volume, level_dbpa_a)
    }
}

/// The kinds of terminal, with what only one of them has.
#[derive(Debug, Clone, PartialEq)]
pub enum TerminalKind {
    /// Every property is a number of the file, so the truth of every measurand is known.
    Reference(ReferenceSpec),
    /// A real echo canceller and noise suppressor.
    Real(RealSpec),
    /// Any program.
    Process(Box<ProcessSpec>),
}

impl TerminalKind {
    /// The words that a file may write for `kind`.
    pub const WORDS: [&str; 3] = ["reference", "real", "process"];

    /// The word of this one.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Reference(_) => Self::WORDS[0],
            Self::Real(_) => Self::WORDS[1],
            Self::Process(_) => Self::WORDS[2],
        }
    }
}

/// What only a program under test has. Its levels are in the gains of [`TerminalSpec`]: those of a program that gives out
/// what it is given.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessSpec {
    /// The program and its arguments, as the file has them.
    pub command: Vec<String>,
    /// Where relative paths begin and where the program runs: the folder of the car file. Empty is where the bench runs.
    pub folder: PathBuf,
    /// Frames per second, one of [`ProcessSpec::RATES`].
    pub rate: u32,
    /// Frames of a block.
    pub block: usize,
    /// Microphone channels.
    pub microphones: usize,
    /// By how many frames its send is later than its microphones.
    pub latency_send: usize,
    /// By how many frames its loudspeaker is later than its receive.
    pub latency_receive: usize,
    /// The level of ±1.0 of its send, in dBm0.
    pub send_full_dbm0: f64,
    /// The level of ±1.0 of its receive, in dBm0.
    pub receive_full_dbm0: f64,
    /// How long it may take to answer.
    pub timeout: Duration,
}

impl ProcessSpec {
    /// The rates that the bench can be brought to and from by whole numbers.
    pub const RATES: [u32; 5] = [8_000, 16_000, 24_000, 32_000, 48_000];

    /// The command in one line, for people.
    pub fn command_line(&self) -> String {
        let quoted = |word: &String| {
            let is_plain =
                !word.is_empty() && !word.contains(|letter: char| letter.is_whitespace() || letter == '"');
            if is_plain { word.clone() } else { format!("{word:?}") }
        };
        self.command.iter().map(quoted).collect::<Vec<_>>().join(" ")
    }

    /// The folder in which it runs.
    pub fn home(&self) -> &Path {
        if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder }
    }
}

/// What only the reference terminal has.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceSpec {
    /// What the canceller takes away from the echo, in dB; `None` is no canceller.
    pub echo_loss_db: Option<f64>,
    /// Loss on top of `echo_loss_db` at frequencies (positive is more loss).
    pub echo_loss_response: ResponsePoints,
    /// What it takes away from the part of the echo that moves, in dB.
    pub moving_loss_db: f64,
    /// The terminal's own noise at the POI; `None` is silence.
    pub idle_noise: Option<IdleNoise>,
    /// The spectrum of the idle noise.
    pub idle_noise_spectrum: ResponsePoints,
    /// What it does over time.
    pub dynamics: Box<Dynamics>,
}

/// A weighted noise level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IdleNoise {
    /// The level in dBm0 with the weighting.
    pub level_dbm0: f64,
    /// The weighting of the level.
    pub weighting: Weighting,
}

/// The weightings in which noise is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighting {
    /// A-weighting (IEC 61672-1).
    A,
    /// Psophometric weighting (O.41).
    Psophometric,
}

/// What only the real terminal has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealSpec {
    /// Whether the echo canceller runs.
    pub echo_canceller: bool,
    /// How strong the noise suppression is; `None` is off.
    pub noise_suppression: Option<Suppression>,
}

/// Strength of the noise suppression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppression {
    /// About 6 dB.
    Low,
    /// About 12 dB.
    Moderate,
    /// About 18 dB.
    High,
    /// About 21 dB.
    VeryHigh,
}

/// The network simulator.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkSpec {
    /// The codec that the call really uses.
    pub codec: Codec,
    /// Terminal to POI, codec included, in seconds. Declared: measured delays have it subtracted.
    pub delay_send_s: f64,
    /// POI to terminal, codec included, in seconds.
    pub delay_receive_s: f64,
    /// The calibration records that hold what reference runs found of this network, by codec and mode.
    pub references: Vec<String>,
    /// What the bench declares in place of the codec, if that is another one.
    pub codec_declared: Option<String>,
    /// What it declares in place of the mode.
    pub mode_declared: Option<String>,
    /// What a link without codec really carries, where that is less than the call is declared to be; nobody tells the
    /// bench.
    pub carries: Option<Bandwidth>,
    /// Whether the codec sends nothing in speech pauses (DTX without comfort noise: digital silence).
    pub dtx: bool,
    /// What the bench declares of it.
    pub dtx_declared: bool,
    /// The simulator's own noise at the POI in send; `None` is silence.
    pub noise_send: Option<IdleNoise>,
    /// The simulator's own noise at the terminal in receive; `None` is silence.
    pub noise_receive: Option<IdleNoise>,
    /// The device's clock and its jitter buffers, which calls to a reference terminal don't have.
    pub clock: Clock,
}

impl NetworkSpec {
    /// The codec that the bench declares.
    pub fn declared_codec(&self) -> &str {
        self.codec_declared.as_deref().unwrap_or(self.codec.description())
    }

    /// The mode that the bench declares; of another codec than the real one none, unless it is stated.
    pub fn declared_mode(&self) -> &str {
        let own = if self.codec_declared.is_some() { "" } else { self.codec.mode() };
        self.mode_declared.as_deref().unwrap_or(own)
    }

    /// The band that a call of `bandwidth` really has.
    pub fn real_bandwidth(&self, bandwidth: Bandwidth) -> Bandwidth {
        self.carries.unwrap_or(bandwidth)
    }

    /// The noise of a direction.
    pub const fn noise(&self, direction: Direction) -> Option<IdleNoise> {
        match direction {
            Direction::Send => self.noise_send,
            Direction::Receive => self.noise_receive,
        }
    }

    /// The delay of a direction, in seconds.
    pub const fn delay_s(&self, direction: Direction) -> f64 {
        match direction {
            Direction::Send => self.delay_send_s,
            Direction::Receive => self.delay_receive_s,
        }
    }
}

/// The codecs of the virtual network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// None: full scale and the band limit of the call only.
    Linear,
    /// G.711 A-law, 64 kbit/s, narrowband.
    G711A,
    /// G.722 at 64 kbit/s, wideband.
    G722,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Codec; 3] = [Codec::Linear, Codec::G711A, Codec::G722];

    /// The word of the car file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::G711A => "G.711 A-law",
            Self::G722 => "G.722",
        }
    }

    /// What every result says about the codec.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Linear => "no codec, band limit only",
            Self::G711A => "G.711 A-law",
            Self::G722 => "G.722",
        }
    }

    /// The mode that the bench declares: the bit rate.
    pub const fn mode(self) -> &'static str {
        match self {
            Self::Linear => "",
            Self::G711A | Self::G722 => "64 kbit/s",
        }
    }

    /// Whether a call of `bandwidth` can use the codec.
    pub const fn carries(self, bandwidth: Bandwidth) -> bool {
        match self {
            Self::Linear => true,
            Self::G711A => matches!(bandwidth, Bandwidth::Nb),
            Self::G722 => matches!(bandwidth, Bandwidth::Wb),
        }
    }
}
