//! What the methods of double talk with speech share: one timeline on which words and sentences come once alone and once over
//! a competing talker, and how the two are compared.

use std::ops::Range;

pub use super::call::NOISE;
use super::call::{Checks, DELAY_MAX, Timeline};
use super::echo::{db, power};
use crate::capture::Take;
use crate::context::{PlanCx, Track};
use crate::dsp::align::{DelaySearch, find_delay};
use crate::dsp::level::mean_square_series;
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Reading, Unmeasurable};
use crate::meters::separation::{Separation, separate};
use crate::meters::timeline::{ACTIVE_MARGIN, FAST, active_power, envelope};
use crate::take::{Frame, RATE, Span, frames};
use crate::terms::{Direction, Port};
use crate::units::{Quantity, Seconds, Unit};

/// The speech that is looked at.
pub const TESTED: Param<SignalId> = Param::with_default(
    "signal",
    "The side of a dialogue that is looked at: words and sentences, each once alone and once over the other side.",
    "speech-double-talk-near",
);
/// The speech that competes with it.
pub const COMPETING: Param<SignalId> = Param::with_default(
    "competing",
    "The other side of the same dialogue, which speaks over it.",
    "speech-double-talk-far",
);
/// The silence before.
pub const IDLE: Param<Seconds> =
    Param::with_default("idle", "The silence before, from which the noise is known.", "1 s");

/// What must hold for itself: single words and sentences (P.1120 (10/2025) 11.13.1).
pub const GROUPS: [&str; 2] = ["words", "sentences"];
/// How often the meter of 5 ms is read.
const STEP: Seconds = Seconds(0.005);
/// What is read beside a span on either side: a sound fades out, and a path has some reverberation.
const BESIDE: i64 = 480;
/// Speech that comes alone and in double talk is the same recording; filters of the rate leave a little beside.
const SAME_SPEECH: f64 = 0.9;
/// What is less than so many standard deviations above nothing may be nothing.
const SIGNIFICANT: f64 = 3.0;

/// What a side plays.
pub struct Side<'a> {
    /// Where.
    pub port: &'a Port,
    /// What.
    pub signal: &'a SignalId,
    /// How loud.
    pub level: Quantity,
}

/// What an entry asks for and cannot be done; the two signals must be the sides of one dialogue.
pub fn check_dialogue(entry: &Entry, cx: &PlanCx<'_>, checks: &mut Checks) {
    let (tested, competing) = (entry.parameters.get(&TESTED), entry.parameters.get(&COMPETING));
    let spans = cx.signal(&tested.0).spans;
    let count = |prefix: &str| spans.iter().filter(|span| span.name.starts_with(prefix)).count();
    let remedy = "use speech-double-talk-near; of a recording of the lab no spans are known";
    for group in GROUPS {
        let (alone, double) = (count(&format!("near-{group}-")), count(&format!("double-{group}-")));
        if alone == 0 || alone != double {
            checks.refuse(
                &TESTED,
                format!("'{}' with {alone} {group} alone and {double} in double talk", tested.0),
                format!("{group} that come once alone and once in double talk"),
                remedy,
            );
        }
    }
    let talk = |spans: Vec<Span>| -> Vec<Span> {
        spans.into_iter().filter(|span| span.name.starts_with("double-")).collect()
    };
    let other = cx.signal(&competing.0).spans;
    if tested == competing || talk(spans) != talk(other) {
        checks.refuse(
            &COMPETING,
            format!("'{}' beside '{}'", competing.0, tested.0),
            "the other side of the same dialogue".to_owned(),
            "use speech-double-talk-far with speech-double-talk-near",
        );
    }
    checks.at_least(entry, &IDLE, Seconds(0.5), "the noise is known from it");
    checks.delay_max(entry);
    checks.quiet(entry);
}

/// A take in which both sides of a dialogue speak, or the competing one alone.
pub fn take_of(
    name: &str,
    tested: Option<&Side<'_>>,
    competing: &Side<'_>,
    entry: &Entry,
    cx: &PlanCx<'_>,
) -> Timeline {
    let mut take = Timeline::after_silence(name, entry.parameters.get(&IDLE));
    let at = take.play(competing.port, competing.signal, competing.level, cx);
    if let Some(side) = tested {
        take.play_beside(at, side.port, side.signal, side.level, cx);
        for span in cx.signal(&side.signal.0).spans {
            if span.name.starts_with("near-") || span.name.starts_with("double-") {
                take.name_span(&span.name, at + span.frames.start..at + span.frames.end);
            }
        }
    }
    take.wait(entry.parameters.get(&DELAY_MAX));
    take
}
/// The same speech in double talk and alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Which of [`GROUPS`] it is of.
    pub group: usize,
    /// When it was played in double talk.
    pub double: Range<Frame>,
    /// How much earlier the same sound was played alone.
    pub earlier: i64,
}

/// The pairs of a take, from what the tested side played.
///
/// # Errors
/// What was played in double talk is not what was played alone.
pub fn pairs(take: &Take, played: &Track) -> Result<Vec<Pair>, Unmeasurable> {
    let mut all = Vec::new();
    for (group, name) in GROUPS.iter().enumerate() {
        let numbered = |kind: &str, n: usize| take.spec.span(&format!("{kind}-{name}-{n}"));
        for n in 1.. {
            let (Some(alone), Some(double)) = (numbered("near", n), numbered("double", n)) else { break };
            let (one, other) = (played.slice(alone.clone()), played.slice(double.clone()));
            let reach = |part: &[f64]| Seconds(part.len() as f64 / f64::from(RATE) / 2.0);
            let search = DelaySearch::between(Seconds(-reach(one).0), reach(other));
            let found = find_delay(one, other, RATE, &search);
            let found = found.map_err(|error| Unmeasurable::because(error.to_string()))?;
            // NaN is not the same.
            let is_same = found.correlation > SAME_SPEECH;
            if !is_same {
                return Err(Unmeasurable::because(format!(
                    "number {n} of the {name} in double talk is not what was played alone: their correlation is {:.2}",
                    found.correlation
                )));
            }
            let within = (found.delay.0 * f64::from(RATE)).round() as i64;
            let earlier = double.start as i64 - alone.start as i64 + within;
            all.push(Pair { group, double, earlier });
        }
    }
    Ok(all)
}

/// What was recorded at one port.
pub struct Way<'a> {
    /// As it was recorded.
    pub recorded: &'a [f64],
    /// The same without what is known to be something else.
    pub cleaned: &'a [f64],
    /// How much later than it was played the tested side arrives.
    pub delay: Frame,
    /// What competes with it there, and how much later than its own track it arrives.
    pub interferer: Option<(&'a [f64], i64)>,
    /// The cleaned track while nothing is played.
    pub noise: &'a [f64],
    /// The power that cannot be told from silence.
    pub silence: f64,
}

/// A part of a track that may begin before it or end behind it: silence there.
fn part(track: &[f64], range: Range<i64>) -> Vec<f64> {
    range.map(|at| usize::try_from(at).ok().and_then(|at| track.get(at)).copied().unwrap_or(0.0)).collect()
}

/// What is known of one group.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Energies, by what follows what.
    separation: Separation,
    /// Sums of the readings of the meter while the tested side is active: alone, in double talk.
    alone: f64,
    double: f64,
    /// What cannot be told from silence, as an energy.
    silence: f64,
}

/// The readings of both groups, and the courses of the levels.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    groups: [Group; 2],
    /// Time in the take, level alone and in double talk as powers, where the tested side is active.
    course: Vec<(f64, f64, f64)>,
}

/// Compares each pair at all ports together.
///
/// # Errors
/// The tested side played nothing that is active.
pub fn compare(played: &Track, pairs: &[Pair], ways: &[Way<'_>]) -> Result<Compared, Unmeasurable> {
    let active = active_power(&played.samples, RATE, "speech")
        .map_err(|error| Unmeasurable::because(error.to_string()))?
        * power(-ACTIVE_MARGIN.0);
    let step = frames(STEP) as usize;
    let mut compared = Compared::default();
    for pair in pairs {
        let span = pair.double.start as i64 - BESIDE..pair.double.end as i64 + BESIDE;
        let heard = envelope(&part(&played.samples, span.clone()), RATE);
        let group = &mut compared.groups[pair.group];
        let (mut alone, mut double) = (Vec::new(), Vec::new());
        for way in ways {
            let late = |by: i64| span.start + way.delay as i64 - by..span.end + way.delay as i64 - by;
            let metered =
                |track: &[f64], by: i64| mean_square_series(&part(track, late(by)), RATE, FAST, step);
            add(&mut alone, &metered(way.recorded, pair.earlier));
            add(&mut double, &metered(way.recorded, 0));
            let interferer = way.interferer.map(|(track, delay)| part(track, late(delay)));
            group.separation += separate(
                &part(way.cleaned, late(pair.earlier)),
                &part(way.cleaned, late(0)),
                interferer.as_deref(),
                way.noise,
                RATE,
            );
            group.silence += way.silence * (span.end - span.start) as f64;
        }
        let delay = ways.first().map_or(0, |way| way.delay) as i64;
        for (n, (alone, double)) in alone.iter().zip(&double).enumerate() {
            let at = (n + 1) * step;
            if heard[at - 1] >= active {
                group.alone += alone;
                group.double += double;
                let seconds = (span.start + delay + at as i64) as f64 / f64::from(RATE);
                compared.course.push((seconds, *alone, *double));
            }
        }
    }
    compared.course.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(compared)
}

fn add(sum: &mut Vec<f64>, one: &[f64]) {
    sum.resize(one.len(), 0.0);
    sum.iter_mut().zip(one).for_each(|(sum, one)| *sum += one);
}

/// What a group says, all in dB.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Said {
    /// The level form.
    level: f64,
    /// The separated estimate, and the smallest and largest value that the truth may have; the largest may be infinite.
    value: f64,
    low: f64,
    high: f64,
    uncertainty: f64,
    /// What is beside the speech over the speech.
    beside: f64,
}

/// The standard uncertainty by how loud what competes is beside the speech, as comparisons with cars of known truth hold it:
/// 0.25 dB where it is 10 dB or more below it, 0.5 dB where both are equal, and more in proportion to its amplitude beyond.
fn uncertainty_db(beside_db: f64) -> f64 {
    if beside_db <= -10.0 {
        0.25
    } else if beside_db <= 0.0 {
        0.5 + 0.025 * beside_db
    } else {
        0.5 * 10f64.powf(beside_db / 20.0)
    }
}

impl Group {
    fn said(&self) -> Said {
        let one = &self.separation;
        let level_db = db(self.alone / self.double);
        let scatter = one.variance.sqrt();
        let unheard = one.noise + self.silence;
        let beside_db = db((one.mixed - one.coherent).max(0.0) / one.coherent.max(f64::MIN_POSITIVE));
        let is_found = one.coherent > SIGNIFICANT * scatter && one.coherent > unheard;
        if !is_found {
            // Whatever follows the speech is lost among what does not.
            let most = one.coherent.max(0.0) + SIGNIFICANT * scatter + unheard;
            let low_db = db(one.reference / most);
            return Said {
                level: level_db,
                value: low_db,
                low: low_db,
                high: f64::INFINITY,
                uncertainty: 0.0,
                beside: beside_db,
            };
        }
        let value_db = db(one.reference / one.coherent);
        // All that neither follows what competes nor is noise may be the speech, changed.
        let speech_most = (one.mixed - one.explained.max(0.0) - one.noise).max(one.coherent);
        let low_db = db(one.reference / speech_most);
        // Noise in the reference makes every projection on it smaller.
        let thinned_db = db(1.0 + one.noise / one.reference);
        let by_chance_db = 10.0 / std::f64::consts::LN_10 * scatter / one.coherent;
        let uncertainty_db = uncertainty_db(beside_db).max(by_chance_db).max(thinned_db);
        let is_sure = value_db - low_db <= 2.0 * uncertainty_db;
        let low_db = if is_sure { value_db } else { low_db };
        Said {
            level: level_db,
            value: value_db,
            low: low_db,
            high: value_db,
            uncertainty: uncertainty_db,
            beside: beside_db,
        }
    }
}

impl Compared {
    /// The scalars of a direction: the separated estimate, then the level form.
    pub fn attenuations(&self, direction: Direction) -> [Finding; 2] {
        let said = self.groups.each_ref().map(Group::said);
        let most = |of: &dyn Fn(&Said) -> f64| said.iter().map(of).fold(f64::NEG_INFINITY, larger);
        let (low, high) = (most(&|one| one.low), most(&|one| one.high));
        let worse = usize::from(larger(said[0].value, said[1].value) != said[0].value);
        let word = direction.word();
        let mut separated = Finding::scalar(&format!("attenuation_{word}"), high, Unit::Db);
        separated.uncertainty = Some(said[worse].uncertainty);
        if high == f64::INFINITY {
            separated = Finding {
                bound: Bound::AtLeast,
                ..Finding::scalar(&format!("attenuation_{word}"), low, Unit::Db)
            };
        } else if low < high {
            separated.bound = Bound::Between(low);
        }
        let told = |of: &dyn Fn(&Said) -> f64| -> Vec<String> {
            GROUPS.iter().zip(&said).map(|(name, one)| format!("{name} {:.2} dB", of(one))).collect()
        };
        separated.note = format!(
            "{}; the worse counts; what is beside the speech over it: {}",
            told(&|one| one.value).join(", "),
            told(&|one| one.beside).join(", ")
        );
        if separated.bound == Bound::AtLeast {
            separated.note.push_str("; the speech is lost among what competes with it, or in silence");
        } else if separated.bound != Bound::Exact {
            separated.note.push_str(
                "; a part of what arrives follows neither the speech alone nor what competes with it: it may be either, and the \
                 attenuation lies between what that makes of it",
            );
        }
        let mut level =
            Finding::scalar(&format!("attenuation_{word}_level"), most(&|one| one.level), Unit::Db);
        level.note =
            format!("{}; the worse counts; what competes fills the level", told(&|one| one.level).join(", "));
        for finding in [&mut separated, &mut level] {
            finding.read_from = Some(Reading::of(&format!("attenuation_{word}_course")));
        }
        [separated, level]
    }

    /// The level form against time.
    pub fn course(&self, direction: Direction) -> Finding {
        let (times, values) = self.course.iter().map(|(s, alone, double)| (*s, db(alone / double))).unzip();
        let mut finding =
            Finding::series(&format!("attenuation_{}_course", direction.word()), times, values, Unit::Db);
        "level alone minus level in double talk, on a meter of 5 ms, where the speech is active"
            .clone_into(&mut finding.note);
        finding
    }

    /// The level of the same speech alone, at the times of double talk.
    pub fn alone(&self, measurand: &str, unit: Unit, silence: f64) -> Finding {
        let (times, values) = self.course.iter().map(|(s, alone, _)| (*s, db(alone.max(silence)))).unzip();
        Finding::series(measurand, times, values, unit)
    }
}

/// The larger of two; what is no number is larger than every number.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// The level of tracks together against the time of the take, on the meter of 5 ms.
pub fn level_series(measurand: &str, tracks: &[&[f64]], unit: Unit, silence: f64) -> Finding {
    let step = frames(STEP) as usize;
    let mut sum = Vec::new();
    for track in tracks {
        add(&mut sum, &mean_square_series(track, RATE, FAST, step));
    }
    let times = (1..=sum.len()).map(|n| n as f64 * STEP.0).collect();
    let values = sum.iter().map(|power| db(power.max(silence))).collect();
    Finding::series(measurand, times, values, unit)
}

/// How much later than it was played the tested side arrives, by what it says alone.
///
/// # Errors
/// Nothing of it arrives.
pub fn arrival(
    take: &Take,
    played: &Track,
    recorded: &Track,
    pairs: &[Pair],
    delay_max: Seconds,
    port: &Port,
) -> Result<Frame, Unmeasurable> {
    // The longest one tells a delay best.
    let longest = pairs.iter().max_by_key(|pair| pair.double.end - pair.double.start);
    let longest = longest.ok_or_else(|| Unmeasurable::because(format!("take {} has no speech", take.id)))?;
    let alone = |frame: Frame| (frame as i64 - longest.earlier).max(0) as Frame;
    let span = alone(longest.double.start)..alone(longest.double.end);
    let heard = recorded.slice(span.start..span.end + frames(delay_max));
    let delay = super::echo::delay(played.slice(span), heard, delay_max).ok_or_else(|| {
        Unmeasurable::because(format!(
            "nothing of the speech alone arrives at {port}: there is nothing to compare double talk with"
        ))
    })?;
    Ok((delay.0 * f64::from(RATE)).round().max(0.0) as Frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(reference: f64, mixed: f64, coherent: f64, explained: f64) -> Group {
        let separation = Separation { reference, mixed, coherent, explained, ..Separation::default() };
        Group { separation, alone: reference, double: mixed, silence: 1e-12 }
    }

    fn both(one: &Group, other: &Group) -> Finding {
        let compared = Compared { groups: [one.clone(), other.clone()], course: Vec::new() };
        let [separated, _] = compared.attenuations(Direction::Send);
        separated
    }

    #[test]
    fn the_worse_of_words_and_sentences_counts() {
        let (little, much) = (group(1.0, 0.8, 0.8, 0.0), group(1.0, 0.25, 0.25, 0.0));
        for (one, other) in [(&little, &much), (&much, &little)] {
            let finding = both(one, other);
            assert!((finding.as_scalar().unwrap() - 6.02).abs() < 0.01, "{finding:?}");
            assert_eq!((finding.bound, finding.uncertainty), (Bound::Exact, Some(0.25)));
        }
    }

    #[test]
    fn what_nobody_can_explain_leaves_a_span_open() {
        // As loud as the speech: explained it is an echo, otherwise it may be speech.
        let echo = group(1.0, 0.5, 0.25, 0.24);
        assert_eq!(both(&echo, &echo).bound, Bound::Exact);
        let open = group(1.0, 0.5, 0.25, 0.0);
        let finding = both(&open, &open);
        let Bound::Between(end) = finding.bound else { panic!("{finding:?}") };
        assert!(
            (finding.as_scalar().unwrap() - 6.02).abs() < 0.01 && (end - 3.01).abs() < 0.01,
            "{finding:?}"
        );
        // The worse of both is at least what one of them is for certain.
        assert_eq!(both(&echo, &open).bound, Bound::Exact);
        // Noise is neither.
        let noisy = Group { separation: Separation { noise: 0.2, ..open.separation }, ..open };
        assert_eq!(both(&noisy, &noisy).bound, Bound::Exact);
    }

    #[test]
    fn speech_that_is_lost_is_a_bound_and_what_is_no_number_is_none() {
        let silent = group(1.0, 0.0, 0.0, 0.0);
        let finding = both(&silent, &group(1.0, 0.8, 0.8, 0.0));
        assert_eq!(finding.bound, Bound::AtLeast);
        assert!((finding.as_scalar().unwrap() - 120.0).abs() < 1e-6, "{finding:?}");
        let broken = group(f64::NAN, 1.0, 0.5, 0.0);
        for (one, other) in [(&silent, &broken), (&broken, &silent)] {
            assert!(both(one, other).as_scalar().unwrap().is_nan());
        }
    }

    #[test]
    fn the_uncertainty_rises_with_what_competes() {
        assert_eq!([-30.0, -10.0, 0.0].map(uncertainty_db), [0.25, 0.25, 0.5]);
        assert!((uncertainty_db(6.0) - 1.0).abs() < 0.01);
    }
}
