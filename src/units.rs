//! Quantities with their references: what may be added to what is decided by the compiler.
//!
//! Levels are logarithmic with odd references and weightings, which no general
//! units crate models. A [`Level<R>`] is a number of decibels relative to `R`:
//! level − level = [`Db`], level + [`Db`] = level, level + level does not exist.
//! Bare numbers with a unit as text ([`Quantity`]) live at file edges only.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Add, Neg, Sub};

/// A difference of levels, a gain or a loudness rating, in decibels.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Db(pub f64);

/// A frequency in hertz.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Hz(pub f64);

/// A duration or a point in time, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Seconds(pub f64);

impl Seconds {
    /// The duration in milliseconds.
    pub fn as_ms(self) -> f64 {
        self.0 * 1e3
    }

    /// The nearest whole number of frames at `rate` frames per second.
    pub fn frames(self, rate: u32) -> u64 {
        (self.0 * f64::from(rate)).round().max(0.0) as u64
    }
}

/// What 0 dB of a [`Level`] means.
pub trait Reference: Copy + fmt::Debug + PartialEq + 'static {
    /// The unit as a file and a report write it.
    const UNIT: Unit;
}

/// A level in decibels relative to `R`.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub struct Level<R: Reference>(f64, PhantomData<R>);

impl<R: Reference> Level<R> {
    /// A level of `decibels` relative to `R`.
    pub const fn new(decibels: f64) -> Self {
        Self(decibels, PhantomData)
    }

    /// The number of decibels, for file edges and formulas.
    pub const fn decibels(self) -> f64 {
        self.0
    }
}

impl<R: Reference> fmt::Debug for Level<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, R::UNIT.symbol())
    }
}

impl<R: Reference> fmt::Display for Level<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} {}", self.0, R::UNIT.symbol())
    }
}

impl<R: Reference> Add<Db> for Level<R> {
    type Output = Self;
    fn add(self, gain: Db) -> Self {
        Self::new(self.0 + gain.0)
    }
}

impl<R: Reference> Sub<Db> for Level<R> {
    type Output = Self;
    fn sub(self, loss: Db) -> Self {
        Self::new(self.0 - loss.0)
    }
}

impl<R: Reference> Sub for Level<R> {
    type Output = Db;
    fn sub(self, other: Self) -> Db {
        Db(self.0 - other.0)
    }
}

impl Add for Db {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Db {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Db {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Db {
    /// The gain as an amplitude factor.
    pub fn amplitude(self) -> f64 {
        10f64.powf(self.0 / 20.0)
    }

    /// The gain as a power factor.
    pub fn power(self) -> f64 {
        10f64.powf(self.0 / 10.0)
    }

    /// Decibels of a power ratio. Zero gives −∞, which no limit passes by accident.
    pub fn from_power(ratio: f64) -> Self {
        Self(10.0 * ratio.log10())
    }

    /// Decibels of an amplitude ratio.
    pub fn from_amplitude(ratio: f64) -> Self {
        Self(20.0 * ratio.log10())
    }
}

macro_rules! references {
    ($($(#[$doc:meta])* $marker:ident, $level:ident, $unit:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
        pub struct $marker;
        impl Reference for $marker { const UNIT: Unit = Unit::$unit; }
        $(#[$doc])*
        pub type $level = Level<$marker>;
    )*};
}

references! {
    /// Level at the 0 dBr point of the network, RMS (G.100.1).
    RefDbm0, Dbm0, Dbm0;
    /// dBm0 with A-weighting.
    RefDbm0A, Dbm0A, Dbm0A;
    /// dBm0 with psophometric weighting (O.41).
    RefDbm0P, Dbm0P, Dbm0P;
    /// Sound pressure level relative to 1 Pa.
    RefDbPa, DbPa, DbPa;
    /// dBPa with A-weighting.
    RefDbPaA, DbPaA, DbPaA;
    /// Voltage level relative to 1 V.
    RefDbV, DbV, DbV;
    /// Level relative to digital overload: a full-scale sine reads −3.01 dBov (G.100.1).
    RefDbOv, DbOv, DbOv;
}

/// 0 dBm0 in dBV: 1 mW in 600 Ω is 0.7746 V. Loudness ratings want volts (P.79).
pub const DBV_AT_0_DBM0: f64 = -2.218_487_496_163_564; // 10·log10(0.6)

/// 0 dBm0 in dBov: the A-law line-up of G.100.1 (full-scale sine +3.14 dBm0), used for every codec.
pub const DBOV_AT_0_DBM0: f64 = -6.15;

impl Dbm0 {
    /// The voltage level of this level at the 600 Ω reference.
    pub fn to_dbv(self) -> DbV {
        DbV::new(self.decibels() + DBV_AT_0_DBM0)
    }

    /// The digital level of this level in every codec of the bench.
    pub fn to_dbov(self) -> DbOv {
        DbOv::new(self.decibels() + DBOV_AT_0_DBM0)
    }
}

impl DbOv {
    /// The network level of a digital level.
    pub fn to_dbm0(self) -> Dbm0 {
        Dbm0::new(self.decibels() - DBOV_AT_0_DBM0)
    }
}

macro_rules! units {
    ($($(#[$doc:meta])* $name:ident = $symbol:literal,)*) => {
        /// The units that files and reports write. The symbol is the spelling of the field.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Unit { $($(#[$doc])* $name,)* }

        impl Unit {
            /// Every unit, for error messages and documentation.
            pub const ALL: &'static [Unit] = &[$(Unit::$name,)*];

            /// The unit as it is written after a number.
            pub const fn symbol(self) -> &'static str {
                match self { $(Unit::$name => $symbol,)* }
            }
        }
    };
}

units! {
    /// A ratio in decibels.
    Db = "dB",
    /// See [`Dbm0`].
    Dbm0 = "dBm0",
    /// See [`Dbm0A`].
    Dbm0A = "dBm0(A)",
    /// See [`Dbm0P`].
    Dbm0P = "dBm0(P)",
    /// See [`DbPa`].
    DbPa = "dBPa",
    /// See [`DbPaA`].
    DbPaA = "dBPa(A)",
    /// A-weighted sound pressure level relative to 20 µPa: 0 dBPa(A) is 93.98 dB(A).
    DbA = "dB(A)",
    /// See [`DbV`].
    DbV = "dBV",
    /// See [`DbOv`].
    DbOv = "dBov",
    /// Decibels volt per pascal: a send sensitivity.
    DbVPerPa = "dBV/Pa",
    /// Decibels pascal per volt: a receive sensitivity.
    DbPaPerV = "dBPa/V",
    /// Frequency.
    Hz = "Hz",
    /// Time.
    Second = "s",
    /// Time.
    Millisecond = "ms",
    /// Length.
    Meter = "m",
    /// A percentage.
    Percent = "%",
    /// A dimensionless number or a count.
    One = "1",
    /// A step of a volume control.
    Step = "step",
}

impl Unit {
    /// The unit of the difference of two quantities in this unit: two levels or sensitivities differ by decibels.
    pub const fn difference(self) -> Self {
        match self {
            Self::Db
            | Self::Dbm0
            | Self::Dbm0A
            | Self::Dbm0P
            | Self::DbPa
            | Self::DbPaA
            | Self::DbA
            | Self::DbV
            | Self::DbOv
            | Self::DbVPerPa
            | Self::DbPaPerV => Self::Db,
            Self::Hz
            | Self::Second
            | Self::Millisecond
            | Self::Meter
            | Self::Percent
            | Self::One
            | Self::Step => self,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

/// A number with its unit, as files write it: `"-16 dBm0"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    /// The number.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
}

impl Quantity {
    /// A quantity of `value` `unit`.
    pub const fn new(value: f64, unit: Unit) -> Self {
        Self { value, unit }
    }

    /// The duration, if the unit is one of time.
    pub fn seconds(self) -> Option<Seconds> {
        match self.unit {
            Unit::Second => Some(Seconds(self.value)),
            Unit::Millisecond => Some(Seconds(self.value / 1e3)),
            _ => None,
        }
    }

    /// The level relative to `R`, if the unit is that of `R`.
    pub fn level<R: Reference>(self) -> Option<Level<R>> {
        (self.unit == R::UNIT).then(|| Level::new(self.value))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit)
    }
}

/// Why a text is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The number could not be read.
    #[error("'{0}' does not start with a number")]
    Number(String),
    /// The unit is not one of [`Unit::ALL`].
    #[error("'{0}' is not a unit; known units are {known}", known = known_units())]
    Unit(String),
    /// NaN and infinities are not quantities.
    #[error("'{0}' is not a finite number")]
    NotFinite(String),
}

fn known_units() -> String {
    let symbols: Vec<&str> = Unit::ALL.iter().map(|unit| unit.symbol()).collect();
    symbols.join(", ")
}

impl std::str::FromStr for Quantity {
    type Err = QuantityError;

    /// Reads `"-16 dBm0"`: a number, white space, a unit. The true minus sign is accepted.
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let plain = text.trim().replace('\u{2212}', "-");
        let (number, symbol) = plain.split_once(char::is_whitespace).unwrap_or((&plain, "1"));
        let value: f64 = number.parse().map_err(|_| QuantityError::Number(text.to_owned()))?;
        if !value.is_finite() {
            return Err(QuantityError::NotFinite(text.to_owned()));
        }
        let symbol = symbol.trim();
        let unit = Unit::ALL
            .iter()
            .copied()
            .find(|unit| unit.symbol() == symbol)
            .ok_or_else(|| QuantityError::Unit(symbol.to_owned()))?;
        Ok(Self { value, unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_keep_their_offsets() {
        assert!((Dbm0::new(-16.0).to_dbov().decibels() + 22.15).abs() < 1e-12);
        assert!((Dbm0::new(0.0).to_dbv().decibels() + 2.218).abs() < 1e-3);
        assert!((DbOv::new(-26.0).to_dbm0().decibels() + 19.85).abs() < 1e-12);
    }

    #[test]
    fn quantities_are_read_with_their_unit() {
        assert_eq!("-16 dBm0".parse(), Ok(Quantity::new(-16.0, Unit::Dbm0)));
        assert_eq!("\u{2212}64 dBm0(A)".parse(), Ok(Quantity::new(-64.0, Unit::Dbm0A)));
        assert_eq!("35 ms".parse::<Quantity>().unwrap().seconds(), Some(Seconds(0.035)));
        assert!(matches!("-16 dBmO".parse::<Quantity>(), Err(QuantityError::Unit(_))));
        assert!(matches!("loud".parse::<Quantity>(), Err(QuantityError::Number(_))));
        assert!(matches!("NaN dB".parse::<Quantity>(), Err(QuantityError::NotFinite(_))));
    }

    #[test]
    fn a_difference_of_levels_is_in_decibels() {
        let in_decibels = |unit: &&Unit| unit.symbol().starts_with("dB");
        assert!(Unit::ALL.iter().filter(in_decibels).all(|unit| unit.difference() == Unit::Db));
        assert!(Unit::ALL.iter().filter(|unit| !in_decibels(unit)).all(|unit| unit.difference() == *unit));
    }

    #[test]
    fn a_level_has_only_its_own_reference() {
        assert_eq!(Quantity::new(-16.0, Unit::Dbm0).level::<RefDbPa>(), None);
        assert_eq!(Quantity::new(-16.0, Unit::Dbm0).level::<RefDbm0>(), Some(Dbm0::new(-16.0)));
    }
}
