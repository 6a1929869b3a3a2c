//! What the methods of echo share: the far end that speaks alone, both tracks at the point of interconnect, and what of an
//! echo is no more than a bound.

pub use super::call::NOISE;
use super::call::{Checks, DELAY_MAX, Timeline, quantity};
use super::{delay, evidence};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx, PortDirection, Track};
use crate::dsp::align::{Delay, DelaySearch, find_delay};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Unmeasurable};
use crate::meters::echo_attenuation::{EchoAttenuation, EchoSettings, echo_attenuation};
use crate::take::{RATE, TakeSpec};
use crate::terms::Port;
use crate::units::{Dbm0, Seconds, Unit};
use crate::verdict::Flag;

/// The span of the played track that is analyzed, and that of a signal which says so itself.
pub const ANALYSIS: &str = "analysis";
/// The integration time of the meter of echo against time (P.1100 to P.1120 clause 11.11).
pub const METER: Seconds = Seconds(0.035);
/// How often that meter is read.
pub const STEP: Seconds = Seconds(0.005);

/// The silence before a conditioned canceller is heard.
pub const IDLE: Param<Seconds> =
    Param::with_default("idle", "The silence before, from which the noise is known.", "3 s");

/// What every entry needs in which the far end speaks and its echo is recorded.
pub fn checks(entry: &Entry, cx: &PlanCx<'_>) -> Checks {
    let mut checks = Checks::default();
    checks.plays(cx, &Port::of(Port::POI_RECEIVE));
    checks.records(cx, &Port::of(Port::POI_SEND));
    checks.delay_max(entry);
    checks
}

/// A take in which the far end says `signal`, once, after a silence. What the signal calls `analysis`, or all of it, is the
/// span [`ANALYSIS`].
pub fn far_end_alone(
    name: &str,
    (signal, level, idle): (&SignalId, Dbm0, Seconds),
    entry: &Entry,
    cx: &PlanCx<'_>,
) -> TakeSpec {
    let mut take = Timeline::after_silence(name, idle);
    let at = take.play(&Port::of(Port::POI_RECEIVE), signal, quantity(level), cx);
    let analysis = cx.signal(&signal.0).span_or_all(ANALYSIS);
    take.name_span(ANALYSIS, at + analysis.start..at + analysis.end);
    take.wait(entry.parameters.get(&DELAY_MAX));
    take.build(&recorded_ports(cx))
}

/// What is recorded of an echo: the POI in send, and the device's own microphone signal where there is access to it, which
/// tells when it clips.
pub fn recorded_ports(cx: &PlanCx<'_>) -> Vec<Port> {
    let tap = Port::of(Port::TAP_MICROPHONE);
    let has_tap = cx.bench.has(&tap, PortDirection::In);
    [Port::of(Port::POI_SEND)].into_iter().chain(has_tap.then_some(tap)).collect()
}

/// What the far end said and what it heard.
pub struct Tracks {
    /// What was played at the POI in receive, in dBm0.
    pub played: Track,
    /// What was recorded at the POI in send, in dBm0.
    pub recorded: Track,
    /// The power of a recording that a 16-bit codec cannot tell from silence.
    pub silence: f64,
    /// Where the device reached its own full scale.
    pub clipping: Clipping,
}

impl Tracks {
    /// The tracks of a take.
    ///
    /// # Errors
    /// As [`evidence::captured`].
    pub fn of(cx: &EvalCx<'_>, take: &Take) -> Result<Self, Unmeasurable> {
        let send = Port::of(Port::POI_SEND);
        let recorded = evidence::captured(cx, take, &send, Unit::Dbm0)?;
        let clipping = Clipping::of(cx, take, &recorded)?;
        Ok(Self {
            played: evidence::played(cx, take, &Port::of(Port::POI_RECEIVE), Unit::Dbm0)?,
            recorded,
            silence: evidence::coded_silence(cx, &send),
            clipping,
        })
    }
}

/// From here on a sample is at full scale: half a dB below it, as far as the table of A-law ends and as a filter behind the
/// clipping moves it.
const CLIPPED_FROM: f64 = 0.944;
/// As many samples one after the other are no single peak that happens to end there.
const CLIPPED_RUN: usize = 3;

/// Where the device reached full scale, of its line at the POI in send or of its microphone's converter. That is the device's
/// doing, never the bench's, and no reason to doubt a reading: it says why more of an echo is left, or less, than the ways of
/// the sound make.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clipping {
    /// The places, with how many times each was there.
    told: Vec<(&'static str, usize)>,
}

impl Clipping {
    /// What a take shows.
    ///
    /// # Errors
    /// As [`evidence::captured`].
    fn of(cx: &EvalCx<'_>, take: &Take, line: &Track) -> Result<Self, Unmeasurable> {
        let send = Port::of(Port::POI_SEND);
        let mut told = vec![("the line at poi.send", times_clipped(line, evidence::full_scale(cx, &send)))];
        let tap = Port::of(Port::TAP_MICROPHONE);
        if take.captures.contains_key(&tap) {
            let microphone = cx.captured(take, &tap)?;
            told.push(("its microphone", times_clipped(&microphone, evidence::full_scale(cx, &tap))));
        }
        told.retain(|(_, times)| *times > 0);
        Ok(Self { told })
    }

    /// Says so in every finding.
    pub fn tell(&self, findings: &mut [Finding]) {
        if self.told.is_empty() {
            return;
        }
        let places: Vec<String> =
            self.told.iter().map(|(place, times)| format!("{place} ({times} times)")).collect();
        let told = format!("the device reached full scale at {}", places.join(" and at "));
        for finding in findings {
            finding.flags.push(Flag::DeviceClips);
            finding.tell(&told);
        }
    }
}

/// How many times a track stays at full scale.
fn times_clipped(track: &Track, full_scale: f64) -> usize {
    let from = CLIPPED_FROM * full_scale;
    track
        .samples
        .chunk_by(|a, b| {
            (a.abs() >= from) == (b.abs() >= from) && a.is_sign_positive() == b.is_sign_positive()
        })
        .filter(|run| run.len() >= CLIPPED_RUN && run[0].abs() >= from)
        .count()
}

/// The facts that say how late an echo comes which is too faint, or too little like the far end, to be found.
pub const FACTS_WANTED: &[&str] = &[delay::LOOP];

/// How an echo is laid over what it is of.
#[derive(Debug, Clone, PartialEq)]
pub enum Alignment {
    /// By its own correlation.
    Found(Seconds),
    /// By the delay that another entry measured, from the POI to an ear and from the mouth to the POI: what remains of an
    /// echo may be no copy of anything. Right within the few milliseconds of the ways in the cabin.
    Foretold(Seconds, String),
    /// It may come at any time.
    Unknown,
}

impl Alignment {
    /// By how much the echo is later.
    pub const fn delay(&self) -> Option<Seconds> {
        match self {
            Self::Found(delay) | Self::Foretold(delay, _) => Some(*delay),
            Self::Unknown => None,
        }
    }

    /// Where a foretold delay comes from, for a note.
    pub fn source(&self) -> String {
        match self {
            Self::Foretold(_, source) => {
                format!(" (too little like the signal to be found: as {source} measured)")
            }
            Self::Found(_) | Self::Unknown => String::new(),
        }
    }
}

/// The attenuation of `echo` against `reference` on the meter of echo against time, and how the two were aligned. Without
/// any delay they are read as they are.
///
/// # Errors
/// As [`echo_attenuation`], as a reason.
pub fn attenuation(
    reference: &[f64],
    echo: &[f64],
    idle: &[f64],
    delay_max: Seconds,
    cx: &EvalCx<'_>,
) -> Result<(EchoAttenuation, Alignment), Unmeasurable> {
    let read = |delay: Option<Seconds>| {
        let settings = EchoSettings { integration: METER, step: STEP, delay, delay_max };
        echo_attenuation(reference, echo, Some(idle), RATE, &settings)
            .map_err(|error| Unmeasurable::because(error.to_string()))
    };
    let own = read(None)?;
    if own.delay.correlation.is_some() {
        let delay = own.delay.delay;
        return Ok((own, Alignment::Found(delay)));
    }
    let known = cx.facts.get(delay::LOOP).zip(cx.facts.number(delay::LOOP, Unit::Millisecond));
    let Some((fact, milliseconds)) = known else { return Ok((own, Alignment::Unknown)) };
    let delay = Seconds(milliseconds / 1e3);
    Ok((read(Some(delay))?, Alignment::Foretold(delay, fact.entry.to_string())))
}

/// How much later an echo comes than what it is of, where it is told from chance.
pub fn delay(played: &[f64], recorded: &[f64], delay_max: Seconds) -> Option<Seconds> {
    let search = DelaySearch::between(Seconds(0.0), delay_max);
    let found = find_delay(played, recorded, RATE, &search).ok();
    found.filter(Delay::stands_out).map(|found| found.delay)
}

/// Marks the points of a curve or series that are only bounds, if there are any, and why they are.
pub fn bounded(finding: &mut Finding, bound: Bound, limited: Vec<usize>, why: Flag) {
    if !limited.is_empty() {
        finding.bound = bound;
        finding.limited = limited;
        finding.flags.push(why);
    }
}

/// The level of a power, in dB.
pub fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

/// The power of a level in dB.
pub fn power(db: f64) -> f64 {
    10f64.powf(db / 10.0)
}
