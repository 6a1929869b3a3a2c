//! All that a method may ask for: the bench as it was at capture time, facts, signals, takes.

use std::collections::BTreeMap;

use crate::calibration::PortCalibration;
use crate::calibration::ear::EarResponse;
use crate::capture::{Grade, Take};
use crate::entry::EntryId;
use crate::finding::{Curve, FactValue, Influence, Unmeasurable};
use crate::take::{Frame, RATE, Span, Volume};
use crate::terms::{Bandwidth, CodecMode, Port};
use crate::units::{Seconds, Unit};

/// Whether the bench plays on a port or records from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortDirection {
    /// The bench plays.
    Out,
    /// The bench records.
    In,
    /// Both, as the loopback pair.
    Both,
}

/// A port of the bench.
#[derive(Debug, Clone, PartialEq)]
pub struct PortInfo {
    /// Whether the bench plays or records.
    pub direction: PortDirection,
    /// What its samples mean.
    pub calibration: PortCalibration,
    /// What the ear in front of it does to sound, where the port delivers the pressure at an ear-drum; `None` for what is no
    /// ear, and for an ear that the bench has equalized already.
    pub ear: Option<EarResponse>,
}

/// What carries the call between the device and the point of interconnect.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkInfo {
    /// The codec that it really was.
    pub codec: String,
    /// Its mode, as its bit rate, as the bench declares it; empty where it declares none.
    pub mode: String,
    /// Whether the codec stops sending in speech pauses (DTX), as the bench declares it; `None` where it declares nothing.
    pub dtx: Option<bool>,
    /// The widest band that the link carries.
    pub bandwidth: Bandwidth,
    /// The declared delay in send, subtracted from measured delays and printed.
    pub delay_send: Seconds,
    /// The declared delay in receive.
    pub delay_receive: Seconds,
}

impl NetworkInfo {
    /// Codec and mode, as the bench declares them.
    pub fn codec_mode(&self) -> CodecMode {
        CodecMode { codec: self.codec.clone(), mode: self.mode.clone() }
    }

    /// Codec, mode and DTX, as the bench declares them.
    pub fn declared(&self) -> String {
        let mut text = self.codec_mode().to_string();
        match self.dtx {
            Some(true) => text.push_str(", DTX on"),
            Some(false) => text.push_str(", DTX off"),
            None => {}
        }
        text
    }
}

/// The bench as planning and evaluation see it; frozen with the run.
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one bench")]
#[derive(Debug, Clone, PartialEq)]
pub struct BenchInfo {
    /// The name of the bench or of the car file.
    pub name: String,
    /// Whether it is a simulation.
    pub is_virtual: bool,
    /// Its ports.
    pub ports: BTreeMap<Port, PortInfo>,
    /// The network.
    pub network: NetworkInfo,
    /// The number of steps of the device's receive volume; the loudest is `volume_step_count - 1`.
    pub volume_step_count: u32,
    /// Whether a reflecting panel can be turned in the cabin.
    pub has_reflector: bool,
    /// Whether what is sent can be looped back to the device at the POI, without a delay of the loop's own.
    pub has_loop: bool,
    /// Whether it hangs up and calls anew by itself, so that a device is cold where a call begins; otherwise a person does.
    pub sets_up_calls: bool,
}

impl BenchInfo {
    /// Whether a port works in a direction; one of both directions works in each.
    pub fn has(&self, port: &Port, wanted: PortDirection) -> bool {
        let info = self.ports.get(port);
        info.is_some_and(|info| info.direction == wanted || info.direction == PortDirection::Both)
    }

    /// The loudspeakers for background noise: `noise.1` … `noise.n` as far as they have no gap, and `noise.sub` where there
    /// is one.
    pub fn noise_loudspeakers(&self) -> (Vec<Port>, Option<Port>) {
        let is_bound = |port: &Port| self.has(port, PortDirection::Out);
        let mains = (1..=NOISE_LOUDSPEAKERS_MAX).map(Port::noise).take_while(is_bound).collect();
        (mains, Some(Port::of(Port::NOISE_SUB)).filter(is_bound))
    }

    /// The step of a volume, as far as it is known.
    pub fn volume_step(&self, volume: Volume, facts: &Facts) -> Option<u32> {
        match volume {
            Volume::Step(step) => Some(step),
            Volume::Maximum => self.volume_step_count.checked_sub(1),
            Volume::Nominal => facts.number(VOLUME_NOMINAL, Unit::Step).map(|step| step as u32),
            Volume::NominalPlus(steps) => {
                let nominal = self.volume_step(Volume::Nominal, facts)?;
                nominal.checked_add_signed(steps).filter(|step| *step < self.volume_step_count)
            }
        }
    }
}

/// More loudspeakers for noise than a car has room for.
const NOISE_LOUDSPEAKERS_MAX: u32 = 64;

/// The fact that names the nominal volume step.
pub const VOLUME_NOMINAL: &str = "volume.nominal";

/// Who found a fact that is only assumed, for a planning before it is known.
pub const ASSUMED: &str = "preflight";

/// A finding used for planning.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The value.
    pub value: FactValue,
    /// The entry that found it.
    pub entry: EntryId,
    /// Codec and mode of the call that it was found in; `None` where nobody noted them.
    pub call: Option<CodecMode>,
    /// The calibration record that it was stored in before the run, with its days; `None` for what the run found itself.
    pub record: Option<String>,
}

impl Fact {
    /// A fact that an entry found, in a call of which nothing is noted.
    pub fn new(value: FactValue, entry: EntryId) -> Self {
        Self { value, entry, call: None, record: None }
    }

    /// The same fact, found in a call with this codec.
    #[must_use]
    pub fn in_call(self, call: CodecMode) -> Self {
        Self { call: Some(call), ..self }
    }
}

/// The facts known so far, by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts(pub BTreeMap<String, Fact>);

impl Facts {
    /// The fact of this name.
    pub fn get(&self, key: &str) -> Option<&Fact> {
        self.0.get(key)
    }

    /// The value of a fact that is one number in this unit.
    pub fn number(&self, key: &str, unit: Unit) -> Option<f64> {
        let quantity = self.get(key)?.value.scalar()?;
        (quantity.unit == unit).then_some(quantity.value)
    }

    /// A fact that is a curve in this unit.
    pub fn curve(&self, key: &str, unit: Unit) -> Option<&Curve> {
        match &self.get(key)?.value {
            FactValue::Curve { curve, unit: own } if *own == unit => Some(curve),
            _ => None,
        }
    }
}

/// What planning must know about a signal before it is rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalInfo {
    /// The length at 48 kHz.
    pub frames: Frame,
    /// Named parts on its own timeline, as `analysis`.
    pub spans: Vec<Span>,
    /// Whether it stands in for a licensed recording.
    pub method_equivalent: bool,
}

impl SignalInfo {
    /// The frames of the span `name`, or the whole signal.
    pub fn span_or_all(&self, name: &str) -> std::ops::Range<Frame> {
        let span = self.spans.iter().find(|span| span.name == name);
        span.map_or(0..self.frames, |span| span.frames.clone())
    }
}

/// The signals of the catalogue, as planning sees them.
pub trait SignalBook: Sync {
    /// The signal of this id.
    fn signal(&self, id: &str) -> Option<SignalInfo>;

    /// The A-weighted level at the driver's head that the background noise of this id states, in dB(A) re 20 µPa;
    /// `None` where there is no such noise.
    fn noise_level_dba(&self, id: &str) -> Option<f64>;
}

impl SignalBook for crate::signals::Library {
    fn signal(&self, id: &str) -> Option<SignalInfo> {
        let outline = self.outline(id)?;
        Some(SignalInfo {
            frames: outline.frames,
            spans: outline.spans,
            method_equivalent: outline.method_equivalent,
        })
    }

    fn noise_level_dba(&self, id: &str) -> Option<f64> {
        self.noise_level_dba(id)
    }
}

/// What a method may ask for while it plans.
#[derive(Clone, Copy)]
pub struct PlanCx<'a> {
    /// The bench.
    pub bench: &'a BenchInfo,
    /// The facts known so far.
    pub facts: &'a Facts,
    /// The signals.
    pub signals: &'a dyn SignalBook,
}

impl PlanCx<'_> {
    /// The signal of this id; the resolver has checked that it exists.
    ///
    /// # Panics
    /// When the parameter was not checked: broken logic.
    pub fn signal(&self, id: &str) -> SignalInfo {
        self.signals.signal(id).unwrap_or_else(|| panic!("signal '{id}' was not checked by the resolver"))
    }
}

/// A track in the units of its plane.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Samples in which mean square 1.0 is 0 dB of the plane: pascals for dBPa; for dBm0, the root of a milliwatt.
    pub samples: Vec<f64>,
    /// The plane: [`Unit::DbPa`] or [`Unit::Dbm0`].
    pub unit: Unit,
    /// The calibration that it depends on, with coefficient 1.
    pub influence: Influence,
}

/// What a method may ask for while it evaluates.
#[derive(Clone, Copy)]
pub struct EvalCx<'a> {
    /// The bench as it was at capture time.
    pub bench: &'a BenchInfo,
    /// The facts.
    pub facts: &'a Facts,
    /// The takes of the entry in the order of planning, adaptive ones last.
    pub takes: &'a [Take],
}

impl EvalCx<'_> {
    /// The take that the method called `name`.
    ///
    /// # Panics
    /// When the method did not plan it: broken logic.
    pub fn take(&self, name: &str) -> &Take {
        self.takes.iter().find(|take| take.spec.name == name).unwrap_or_else(|| panic!("no take '{name}'"))
    }

    /// The recorded track of a port in the units of its plane.
    ///
    /// # Errors
    /// The port was not recorded, the file cannot be read, the track holds NaN, or the certificate is bad.
    pub fn captured(&self, take: &Take, port: &Port) -> Result<Track, Unmeasurable> {
        if take.certificate.grade == Grade::Bad {
            return Err(Unmeasurable::because(format!(
                "the recording of take {} is not to be trusted: {}",
                take.id, take.certificate.note
            )));
        }
        let capture = take.captures.get(port).ok_or_else(|| {
            Unmeasurable::because(format!("take {} has no recording of port {port}", take.id))
        })?;
        let samples = capture.samples().map_err(|error| Unmeasurable::because(error.to_string()))?;
        self.calibrated(take, port, &samples)
    }

    /// The played track of a port in the units of its plane.
    ///
    /// # Errors
    /// As [`EvalCx::captured`].
    pub fn played(&self, take: &Take, port: &Port) -> Result<Track, Unmeasurable> {
        let capture = take.played.get(port).ok_or_else(|| {
            Unmeasurable::because(format!("take {} played nothing on port {port}", take.id))
        })?;
        let samples = capture.samples().map_err(|error| Unmeasurable::because(error.to_string()))?;
        self.calibrated(take, port, &samples)
    }

    /// The recording of the background noise that sounded during a take: one turn of it, in Pa, as it was kept when it was
    /// played. What the field is held against; nothing of it went through a loudspeaker or a microphone.
    ///
    /// # Errors
    /// No noise was kept with the take, the file cannot be read, it holds NaN.
    pub fn noise_recording(&self, take: &Take) -> Result<Vec<f64>, Unmeasurable> {
        let port = Port::of(Port::NOISE_RECORDING);
        let turn = take.played.get(&port).ok_or_else(|| {
            Unmeasurable::because(format!(
                "no recording of a background noise was kept with take {}",
                take.id
            ))
        })?;
        let samples = turn.samples().map_err(|error| Unmeasurable::because(error.to_string()))?;
        if samples.iter().any(|sample| !sample.is_finite()) {
            return Err(Unmeasurable::because(format!(
                "the recording of the background noise of take {} holds a value that is no number",
                take.id
            )));
        }
        Ok(samples.iter().map(|sample| f64::from(*sample)).collect())
    }

    fn calibrated(&self, take: &Take, port: &Port, samples: &[f32]) -> Result<Track, Unmeasurable> {
        let calibration = &self
            .bench
            .ports
            .get(port)
            .ok_or_else(|| Unmeasurable::because(format!("the bench has no port {port}")))?
            .calibration;
        if let Some(at) = samples.iter().position(|sample| !sample.is_finite()) {
            return Err(Unmeasurable::because(format!(
                "track {port} of take {} holds a value that is no number at {:.3} s",
                take.id,
                at as f64 / f64::from(RATE)
            )));
        }
        let factor = calibration.unit_per_sample();
        Ok(Track {
            samples: samples.iter().map(|sample| f64::from(*sample) * factor).collect(),
            unit: calibration.unit(),
            influence: Influence { calibration: calibration.record.clone(), coefficient: 1.0 },
        })
    }
}

impl Track {
    /// The samples of a range of frames, clamped to the track.
    pub fn slice(&self, frames: std::ops::Range<Frame>) -> &[f64] {
        let end = (frames.end as usize).min(self.samples.len());
        let start = (frames.start as usize).min(end);
        &self.samples[start..end]
    }
}
