//! # Out-of-band signals
//!
//! ## What it measures
//!
//! What a path makes of sound beyond its band. Send: how far what tones above the band leave in the band, as aliases of a
//! converter do, lies below a tone in the band. Receive: how far what the car lets be heard above the band, as images of a
//! converter are, lies below what it lets be heard in the band.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 (10/2025) clauses 11.8.1 (send) and 11.8.2 (receive).
//! Known from the edition of 2008 for narrowband: 4.6 to 8 kHz, at least 35 dB in send and 45 dB in receive.
//! The ranges of WB and SWB are of class C; which tones are played, their lengths, the signal in receive and how its energy is
//! summed are this project's (class N). In FB nothing is out of band: an entry there is refused.
//!
//! ## Stimulus and capture points
//!
//! - Send: silence of `idle`; then from the mouth at −1.7 dBPa (MRP) a composite source signal that activates the path, a tone
//!   of 1 kHz, a pause, and seven tones above the band, each of 400 ms and behind an activation of its own, since noise
//!   reduction takes a steady tone away and a switched path closes: 4.6 to 7.5 kHz in NB, 8.6 to 12 kHz in WB, 16.6 to
//!   20 kHz in SWB. Recorded at the POI and at `mic.mrp`: no calibration promises what a mouth makes up there.
//! - Receive: silence of `idle`; then `signal` from the POI at −16 dBm0, limited to the band of the call. Recorded at both
//!   ears; the worse ear counts.
//!
//! ## Computation
//!
//! Send:
//!
//! 1. The delay is found by correlation of the activation. Of each tone 290 ms are analyzed, up to 15 ms before its end: what is
//!    before settles the cabin. One spectrum each, Blackman-Harris window.
//! 2. The power in the band: 200 to 4 000 Hz in NB, 100 to 8 000 Hz in WB, 100 to 14 000 Hz in SWB. Noise is the larger of
//!    what the band holds in the silence and in the pause behind an activation; it is subtracted.
//! 3. The reference is the power of the third octave around 1 kHz during the tone of 1 kHz, less the noise there.
//! 4. The value of a tone is the reference less the power in the band, in dB; what the mouth made more or less of either
//!    tone than asked, by `mic.mrp`, is taken into account. The least of all tones counts; the curve gives each.
//!
//! Receive:
//!
//! 1. The power spectra of the whole signal with `delay_max` behind it, and of the silence, equalized line by line to the field
//!    of `ear_field` where the bench delivers the pressure at the ear-drum.
//! 2. The power in the band (as above) and above it: 4.6 to 8 kHz in NB, 8.6 to 20 kHz in WB, 16 to 20 kHz in SWB, or to
//!    where the ear's own curve ends. That of the silence is subtracted.
//! 3. The value is the ratio of the two in dB, unweighted. Harmonics of the loudspeaker count. The curve gives twelfths of an
//!    octave above the band, over all that is in the band.
//! 4. What is weaker than half a step of the recording's format is at most this: a step of 16 bits where every sample lies on
//!    one, otherwise of 24.
//!
//! ## What makes it inconclusive
//!
//! - What is out of its place stands less than 6 dB above the noise, and above what the mouth itself made in the band or the
//!   played signal holds above it: the value is *at least* this. So no noise fails a car.
//! - One tone or ear is proven, and noise leaves a lower value open for another: the value lies *between* the two. It passes a
//!   car where both are inside the limit, fails it where both are outside, and leaves it open where the limit lies between them.
//! - The mouth made a tone more than 3 dB lower or higher than asked: it is limited in its band or in its level. The tone is
//!   left out, and the least of the others is *at most* this; where none of them is proven, or the tone is that of 1 kHz,
//!   there is no value.
//! - The tone of 1 kHz, or the signal in the band, stands less than 10 dB above the noise; nothing arrives that follows the
//!   activation; the ear gives nothing above the band.
//! - The recording of an ear is digital silence above the band, in the silence (6 dB above the rounding of 24 bits or less) and,
//!   by more than 70 dB, in the signal: its channel does not reach so high, and would find every car clean.
//!
//! ## How to read the result
//!
//! Higher is better. A converter at 8 kHz folds a tone at f to 8 kHz − f: the curve shows where its filter begins to work.
//! In receive the ratio is as much the signal's as the car's: only what it holds near the edge of the band has an image in the
//! range. Of the composite source signal that is next to nothing in SWB: a converter at 32 kHz without any filter reads some 48 dB.
//! Play `sweep-swb` there, of which 3 % of the power lie between 12 and 14.4 kHz.

mod receive;
mod send;

use super::call::{
    self, CONDITIONING, Checks, DELAY_MAX, EAR_FIELD, LEVEL_MRP, LEVEL_POI, LOMBARD_BASE, Timeline, quantity,
};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Unmeasurable};
use crate::take::Frame;
use crate::terms::{Bandwidth, Direction, Port, Seat};
use crate::units::{Quantity, Seconds, Unit};
use crate::verdict::Flag;

const DIRECTION: Param<Direction> =
    Param::required("direction", "Whether out-of-band signals are measured in send or in receive.");
const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "What is played in receive: it must fill the band of the call, whose limit is applied to it.",
    "css-fb",
);
const IDLE: Param<Seconds> =
    Param::with_default("idle", "The silence before the signal, from which the noise is known.", "2 s");

static CARD: Card = Card {
    id: "out_of_band",
    title: "Out-of-band signals",
    source: include_str!("out_of_band.rs"),
    measurands: &[
        Measurand {
            id: "out_of_band_send",
            doc: "How far what a tone above the band leaves in it lies below a tone in the band, at the POI.",
            unit: Unit::Db,
        },
        Measurand {
            id: "out_of_band_send_curve",
            doc: "The same by the frequency of the tone.",
            unit: Unit::Db,
        },
        Measurand {
            id: "out_of_band_receive",
            doc: "How far what is heard above the band lies below what is heard in it, at the worse ear.",
            unit: Unit::Db,
        },
        Measurand {
            id: "out_of_band_receive_curve",
            doc: "The same by twelfths of an octave above the band.",
            unit: Unit::Db,
        },
    ],
    parameters: &[
        DIRECTION.spec(),
        LEVEL_MRP.spec(),
        LOMBARD_BASE.spec(),
        SIGNAL.spec(),
        LEVEL_POI.spec(),
        EAR_FIELD.spec(),
        IDLE.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    reads_single_samples: true,
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "out-of-band";
/// The span in which nothing is played.
const SILENT: &str = "idle";
/// The span of the first activation, in send.
const ACTIVATION: &str = "css-fb";
/// The span of the signal, in receive.
const STIMULUS: &str = "stimulus";
/// What the take before may still leave in the cabin.
const LEAD: Seconds = Seconds(0.5);
/// Above what else may have made it by so much a power is told from it: 6 dB, as a ratio.
const TOLD_APART: f64 = 4.0;
/// The power of what was to arrive over the noise around it, at least: 10 dB.
const ARRIVED: f64 = 10.0;
/// No peak of the signals in send is so far above their level: the composite source signal is held below 11.6 dB, and
/// interpolation between frames adds a little.
const CREST_MAX_DB: f64 = 12.0;

/// A call of a band that ends: the tones above it in Hz, their signal, and where what is above the band is summed.
struct Above {
    tones_hz: [u32; 7],
    signal: &'static str,
    range_hz: (f64, f64),
}

/// What is out of the band; nothing in fullband.
fn above(bandwidth: Bandwidth) -> Option<Above> {
    let (tones_hz, signal, range_hz) = match bandwidth {
        Bandwidth::Nb => {
            ([4_600, 5_000, 5_500, 6_000, 6_500, 7_000, 7_500], "out-of-band-nb", (4_600.0, 8_000.0))
        }
        Bandwidth::Wb => {
            ([8_600, 9_000, 9_500, 10_000, 10_500, 11_000, 12_000], "out-of-band-wb", (8_600.0, 20_000.0))
        }
        Bandwidth::Swb => (
            [16_600, 17_000, 17_600, 18_400, 19_000, 19_500, 20_000],
            "out-of-band-swb",
            (16_000.0, 20_000.0),
        ),
        Bandwidth::Fb => return None,
    };
    Some(Above { tones_hz, signal, range_hz })
}

/// As [`above`], where the entry was planned.
fn planned(entry: &Entry) -> Result<Above, Unmeasurable> {
    above(entry.bandwidth)
        .ok_or_else(|| Unmeasurable::because("nothing is out of the band of a fullband call"))
}

/// The span of a tone.
fn tone_span(hz: u32) -> String {
    format!("sine-{hz}")
}

/// Out-of-band signals in send and in receive.
pub struct OutOfBand;

impl Method for OutOfBand {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let Some(above) = above(entry.bandwidth) else {
            return Err(vec![Refusal {
                parameter: None,
                found: "a fullband call".to_owned(),
                expected: "a narrowband, wideband or super-wideband call, above whose band something lies"
                    .to_owned(),
                remedy: "leave the entry out for FB".to_owned(),
            }]);
        };
        let direction = entry.parameters.get(&DIRECTION);
        let source = call::source_port(direction, entry);
        let mut record = call::sink_ports(direction, entry);
        let mut refusals = Vec::new();
        if direction == Direction::Send {
            record.push(Port::of(Port::MIC_MRP));
            refusals.extend(mouth_refusal(entry, cx, &source));
        }
        let mut checks = Checks::default();
        checks.plays(cx, &source);
        for port in &record {
            checks.records(cx, port);
        }
        checks.wait(entry, &IDLE);
        checks.delay_max(entry);
        refusals.extend(checks.done().err().unwrap_or_default());
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let mut take = Timeline::new(TAKE);
        take.wait(LEAD);
        take.wait_as(SILENT, entry.parameters.get(&IDLE));
        match direction {
            Direction::Send => {
                let signal = SignalId(above.signal.to_owned());
                let level = quantity(call::talker_level(entry, &LEVEL_MRP));
                let at = take.play(&source, &signal, level, cx);
                let mut named: Vec<String> = Vec::new();
                for span in cx.signal(&signal.0).spans {
                    // Of the activations the first: by it the delay is found.
                    if !named.contains(&span.name) {
                        take.name_span(&span.name, at + span.frames.start..at + span.frames.end);
                        named.push(span.name);
                    }
                }
            }
            Direction::Receive => {
                let signal = entry.parameters.get(&SIGNAL);
                let at = take.play(&source, &signal, quantity(entry.parameters.get(&LEVEL_POI)), cx);
                take.name_span(STIMULUS, at..at + cx.signal(&signal.0).frames as Frame);
            }
        }
        take.wait(entry.parameters.get(&DELAY_MAX));
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&record)] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        match entry.parameters.get(&DIRECTION) {
            Direction::Send => send::findings(entry, cx),
            Direction::Receive => receive::findings(entry, cx),
        }
    }
}

/// What the mouth cannot do: peaks beyond its full scale, or be heard by a microphone that stands elsewhere.
fn mouth_refusal(entry: &Entry, cx: &PlanCx<'_>, mouth: &Port) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if entry.talker != Seat::Driver {
        refusals.push(Refusal {
            parameter: None,
            found: format!("the talker '{}'", entry.talker),
            expected: "the driver, at whose mouth 'mic.mrp' stands".to_owned(),
            remedy: "measure out-of-band signals in send with the driver as talker".to_owned(),
        });
    }
    let level = quantity(call::talker_level(entry, &LEVEL_MRP)).value;
    let full_scale = cx.bench.ports.get(mouth).map(|info| info.calibration.zero_dbov);
    if let Some(Quantity { value, unit: Unit::DbPa }) = full_scale
        && level + CREST_MAX_DB > value
    {
        refusals.push(Refusal {
            parameter: Some(LEVEL_MRP.spec().key),
            found: format!("{level} dBPa at a mouth whose full scale is {value:.1} dBPa"),
            expected: format!(
                "at most {:.1} dBPa: peaks lie up to {CREST_MAX_DB} dB higher",
                value - CREST_MAX_DB
            ),
            remedy: "give the mouth's amplifier more gain and calibrate it again, or play softer".to_owned(),
        });
    }
    refusals
}

/// A ratio in dB on its way to a finding.
#[derive(Debug, Clone, Copy)]
struct Loss {
    db: f64,
    /// Whether noise, or what was played, may have made it: the truth is at least this.
    is_bound: bool,
}

impl Loss {
    /// What lies `stray` below `wanted`, beside what else may have made it.
    fn of(wanted: f64, stray: f64, noise: f64, doubt: f64, least: f64) -> Self {
        let is_known = stray > least && stray >= TOLD_APART * (noise + doubt);
        let own = if is_known { stray - noise } else { stray.max(least) };
        Self { db: 10.0 * (wanted / own).log10(), is_bound: !is_known }
    }
}

/// The least of several losses, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Least {
    /// Whose loss it is.
    at: usize,
    db: f64,
    bound: Bound,
    /// Whose bound lies below it.
    beside: Option<usize>,
}

impl Least {
    /// The least loss is the worst.
    fn of(losses: &[Loss]) -> Option<Self> {
        let places: Vec<(f64, bool)> = losses.iter().map(|one| (-one.db, !one.is_bound)).collect();
        let worst = evidence::worst_of(&places)?;
        let bound = match worst.beside {
            // The least of all is at most what is proven, and at least what the bound of the other one is.
            Some(other) => Bound::Between(losses[other].db),
            None if losses[worst.at].is_bound => Bound::AtLeast,
            None => Bound::Exact,
        };
        Some(Self { at: worst.at, db: losses[worst.at].db, bound, beside: worst.beside })
    }

    /// The same where others were not measured: the least of all can only be less. Nothing is known where this one is a
    /// bound of the other side.
    fn of_some(self) -> Option<Self> {
        (self.bound != Bound::AtLeast).then_some(Self { bound: Bound::AtMost, ..self })
    }

    fn finding(self, measurand: &str) -> Finding {
        let mut finding = Finding::scalar(measurand, self.db, Unit::Db);
        finding.bound = self.bound;
        if self.bound == Bound::AtLeast || self.beside.is_some() {
            finding.flags.push(Flag::NoiseLimited);
        }
        finding
    }
}

/// The curve of several losses.
fn curve(measurand: &str, hz: Vec<f64>, losses: &[Loss]) -> Finding {
    let mut curve = Finding::curve(measurand, hz, losses.iter().map(|one| one.db).collect(), Unit::Db);
    if losses.iter().any(|one| one.is_bound) {
        curve.bound = Bound::AtLeast;
        curve.flags.push(Flag::NoiseLimited);
    }
    curve
}

#[cfg(test)]
mod tests {
    use super::*;

    fn least(losses: &[(f64, bool)]) -> (usize, Bound, Option<usize>) {
        let losses: Vec<Loss> =
            losses.iter().map(|(db, is_bound)| Loss { db: *db, is_bound: *is_bound }).collect();
        let found = Least::of(&losses).unwrap();
        assert_eq!(found.db, losses[found.at].db);
        (found.at, found.bound, found.beside)
    }

    #[test]
    fn a_proven_loss_with_a_bound_below_it_lies_between_the_two() {
        assert_eq!(least(&[(30.0, false), (25.0, true), (40.0, false)]), (0, Bound::Between(25.0), Some(1)));
        assert_eq!(least(&[(25.0, true), (20.0, true), (30.0, false)]), (2, Bound::Between(20.0), Some(1)));
        assert_eq!(least(&[(40.0, true), (30.0, false)]), (1, Bound::Exact, None));
        assert_eq!(least(&[(50.0, true), (40.0, true)]), (1, Bound::AtLeast, None));
        assert_eq!(Least::of(&[]), None);
    }

    #[test]
    fn of_some_tones_the_least_is_known_from_above_only() {
        let of = |db, is_bound| Least::of(&[Loss { db, is_bound }]).unwrap().of_some();
        assert_eq!(of(30.0, false).map(|least| least.bound), Some(Bound::AtMost));
        assert_eq!(of(30.0, true), None);
        let both =
            Least::of(&[Loss { db: 30.0, is_bound: false }, Loss { db: 20.0, is_bound: true }]).unwrap();
        assert_eq!(both.of_some().map(|least| least.bound), Some(Bound::AtMost));
    }
}
