//! The Recommendations' words, one per concept, spelled once.

use std::fmt;
use std::str::FromStr;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word as files write it.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|one| one.word() == text).ok_or_else(|| UnknownWord {
                    found: text.to_owned(),
                    known: Self::ALL.iter().map(|one| one.word()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

/// A word that is not in its list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{found}' is not one of {known}")]
pub struct UnknownWord {
    /// What was written.
    pub found: String,
    /// What would have been understood.
    pub known: String,
}

words! {
    /// Which way the speech goes: car to network is send, network to car is receive.
    Direction {
        /// From the talker in the car to the network.
        Send = "send",
        /// From the network to the listener in the car.
        Receive = "receive",
    }
}

words! {
    /// The speech band of a call. A bandwidth is not a sample rate.
    Bandwidth {
        /// Narrowband, 300 to 3 400 Hz (P.1100).
        Nb = "NB",
        /// Wideband, 50 to 7 000 Hz (P.1110).
        Wb = "WB",
        /// Super-wideband, 50 to 14 000 Hz (P.1120).
        Swb = "SWB",
        /// Fullband, 20 to 20 000 Hz (P.1120).
        Fb = "FB",
    }
}

impl Bandwidth {
    /// The nominal band edges.
    pub const fn edges_hz(self) -> (f64, f64) {
        match self {
            Self::Nb => (300.0, 3_400.0),
            Self::Wb => (50.0, 7_000.0),
            Self::Swb => (50.0, 14_000.0),
            Self::Fb => (20.0, 20_000.0),
        }
    }

    /// The Recommendation for hands-free terminals in calls of this band.
    pub const fn recommendation(self) -> &'static str {
        match self {
            Self::Nb => "P.1100",
            Self::Wb => "P.1110",
            Self::Swb | Self::Fb => "P.1120",
        }
    }
}

words! {
    /// One of the two ears of a head.
    Ear {
        /// The left ear.
        Left = "left",
        /// The right ear.
        Right = "right",
    }
}

words! {
    /// The sound field to which an ear is equalized: what a head does to the sound of that field is taken out of what
    /// its ear-drum heard.
    EarField {
        /// Free field, sound from ahead.
        Free = "free",
        /// Diffuse field, sound from everywhere.
        Diffuse = "diffuse",
        /// None: the pressure at the ear-drum as it is.
        None = "none",
    }
}

words! {
    /// How a measurement gets at the terminal on the side of the car (P.1100 to P.1120 clause 8).
    Access {
        /// By sound: from the mouth to the microphone, from the loudspeaker to the ears.
        Acoustic = "acoustic",
        /// At its digital interfaces: behind the microphone, before the amplifier.
        Digital = "digital",
    }
}

words! {
    /// A seat of the car as an acoustic zone: where a head-and-torso simulator talks or listens
    /// (P.1100 to P.1120 clause 6.3).
    Seat {
        /// The driver, whom every clause means unless it says otherwise.
        Driver = "driver",
        /// Beside the driver.
        Codriver = "codriver",
        /// In the rear on the left.
        RearLeft = "rear_left",
        /// In the rear in the middle.
        RearMiddle = "rear_middle",
        /// In the rear on the right.
        RearRight = "rear_right",
    }
}

words! {
    /// How far a value of a standard has been verified. The classes are those of the shipped limits.
    LimitClass {
        /// Read in the 2017 or 2025 text by someone who said so publicly.
        A = "A",
        /// Read in an older edition, or in a national standard derived from it.
        B = "B",
        /// From a sister standard or general knowledge: check before use.
        C = "C",
        /// Not known: the entry measures and reports, and gives no verdict.
        N = "N",
    }
}

/// A clause of a Recommendation. Numbers move between editions, so no code is named after one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClauseRef {
    /// `P.1110`.
    pub recommendation: String,
    /// `10/2025`.
    pub edition: String,
    /// `11.3`.
    pub clause: String,
}

impl fmt::Display for ClauseRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) {}", self.recommendation, self.edition, self.clause)
    }
}

/// A port of the bench: what a plan speaks of instead of device channels (`mouth`, `poi.send`, `ear.left`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port(String);

/// A text that is no port name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a port name: lower-case words and digits joined by dots, as in poi.send")]
pub struct PortError(String);

impl Port {
    /// The artificial mouth of the driver seat.
    pub const MOUTH: &'static str = "mouth";
    /// The network side towards the car.
    pub const POI_RECEIVE: &'static str = "poi.receive";
    /// The network side from the car.
    pub const POI_SEND: &'static str = "poi.send";
    /// A microphone of the bench at the driver's head, or where the bench file says: ambient noise, replayed noise.
    pub const MIC_REFERENCE: &'static str = "mic.reference";
    /// A microphone of the bench at the mouth reference point of the driver seat.
    pub const MIC_MRP: &'static str = "mic.mrp";
    /// Electrical access on the terminal's side of the network, from the network: what a reference terminal receives.
    pub const SRW_RECEIVE: &'static str = "srw.receive";
    /// Electrical access on the terminal's side of the network, towards the network.
    pub const SRW_SEND: &'static str = "srw.send";
    /// Clause 8: the microphone signal of the device before any processing.
    pub const TAP_MICROPHONE: &'static str = "tap.microphone";
    /// Clause 8: what the device's echo canceller takes for the far end.
    pub const TAP_ECHO_REFERENCE: &'static str = "tap.echo_reference";
    /// Clause 8: what the device sends to its loudspeaker.
    pub const TAP_LOUDSPEAKER: &'static str = "tap.loudspeaker";
    /// The left ear of the driver seat.
    pub const EAR_LEFT: &'static str = "ear.left";
    /// The right ear of the driver seat.
    pub const EAR_RIGHT: &'static str = "ear.right";
    /// A loudspeaker for low frequencies, beside `noise.1` … `noise.n`, which play the background noise.
    pub const NOISE_SUB: &'static str = "noise.sub";
    /// No port of any bench: under this name a run keeps what the background noise of a call is, in Pa.
    pub const NOISE_RECORDING: &'static str = "noise.recording";
    /// The pair that proves timing and integrity.
    pub const LOOPBACK: &'static str = "loopback";

    /// A port of the given name.
    pub fn new(name: &str) -> Result<Self, PortError> {
        let words_good = name.split('.').all(|word| {
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        });
        if words_good { Ok(Self(name.to_owned())) } else { Err(PortError(name.to_owned())) }
    }

    /// A port whose name is one of the constants above.
    ///
    /// # Panics
    /// When `name` is no port name, which is broken logic.
    pub fn of(name: &'static str) -> Self {
        Self::new(name).expect("constant port names are well formed")
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The artificial mouth in a seat: `mouth`, `mouth.codriver`.
    pub fn mouth(seat: Seat) -> Self {
        match seat {
            Seat::Driver => Self::of(Self::MOUTH),
            seat => Self(format!("{}.{seat}", Self::MOUTH)),
        }
    }

    /// A loudspeaker for background noise, from 1: `noise.1`.
    pub fn noise(number: u32) -> Self {
        Self(format!("noise.{number}"))
    }

    /// An ear of the head in a seat: `ear.left`, `ear.codriver.left`.
    pub fn ear(seat: Seat, ear: Ear) -> Self {
        match seat {
            Seat::Driver => Self(format!("ear.{ear}")),
            seat => Self(format!("ear.{seat}.{ear}")),
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The codec of a call with its mode: what the findings of a network belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecMode {
    /// The codec.
    pub codec: String,
    /// Its mode, as its bit rate; empty where none is known.
    pub mode: String,
}

impl fmt::Display for CodecMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.codec)?;
        if self.mode.is_empty() { Ok(()) } else { write!(f, ", {}", self.mode) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_spelled_once() {
        for word in Bandwidth::ALL {
            assert_eq!(word.word().parse(), Ok(*word));
        }
        let error = "MB".parse::<Bandwidth>().unwrap_err();
        assert_eq!(error.to_string(), "'MB' is not one of NB, WB, SWB, FB");
    }

    #[test]
    fn port_names_are_checked() {
        assert!(Port::new("mouth.codriver").is_ok());
        assert_eq!(Port::mouth(Seat::Driver).name(), Port::MOUTH);
        assert_eq!(Port::ear(Seat::Driver, Ear::Left).name(), Port::EAR_LEFT);
        assert_eq!(Port::ear(Seat::RearLeft, Ear::Right), Port::new("ear.rear_left.right").unwrap());
        for bad in ["", "Mouth", "mouth.", "a b"] {
            assert!(Port::new(bad).is_err(), "{bad}");
        }
    }
}
