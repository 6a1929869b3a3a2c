//! # Stability with little far-end echo loss
//!
//! ## What it measures
//!
//! Whether a call begins to howl when the far end returns what it hears: another hands-free terminal there, or a bad line.
//! The lowest far-end echo loss at which it does not.
//!
//! ## Where it is defined
//!
//! P.1110 (03/2017) Annex E and P.1120 (10/2025) Appendix I, known second hand: a loop in place of the far end that only
//! attenuates, with a delay of 0 ms; a far-end echo loss of 50 to 0 dB in steps of 5 dB; speech of the near end; an echo
//! canceller that is reset for each of them; no howling, and the lowest loss that is stable is told. P.1100 and the other
//! editions are taken to be the same.
//! *What howling is* is not in what was read. The criterion below is this project's.
//!
//! ## Stimulus and capture points
//!
//! A call of its own for every loss, so that the canceller is cold each time; nothing conditions it. With the loop still
//! open a silence, from which the noise is known; then the loop is closed, the talker speaks one female and one male
//! sentence at the default level (−1.7 dBPa at the MRP), and the loop is left alone for some seconds before it is opened.
//! The POI is recorded on both sides: in send, and what goes into the network in receive.
//! The losses are tried downwards, and the sweep ends with the first at which it howls: the lower ones would only be
//! louder, and on a bench there may be ears and loudspeakers to spare. The journal has each decision with its reason.
//!
//! ## Computation
//!
//! 1. *The loop is proven closed*: what goes into the network while it is closed is projected on what is sent. The factor
//!    is the loss of the loop, which must be within 0.5 dB of the one asked for, and what the projection leaves must be at
//!    least 10 dB below. Samples at full scale, where a howl is cut off, are left out.
//! 2. The level in send on a first-order mean-square meter of 35 ms. Half a second after the speech (`delay_max`) the loop
//!    is alone: the *tail*. A loop that is stable by m dB and takes t seconds for a turn falls by m/t dB in a second there,
//!    as speech that only reverberates does; one that is not rises until something limits it.
//! 3. **It howls** where, in the tail,
//!    - the highest reading of the last second is at least 10 dB above the highest reading of the silence before, and
//!      above that of the last second of the tail at the first loss, where the loop does next to nothing (a terminal may
//!      leave more noise in send after speech than before), *and*
//!    - it has fallen by less than 1 dB from the highest reading of the second before.
//!
//!    A second of a loop holds every round trip; a highest reading misses no howl that a suppressor or a switch interrupts,
//!    and what falls from full scale to a ringing that stays has not died away.
//! 4. It howls too where the mean level of the second half of the speech is 15 dB or more above that at the first loss: a
//!    loop that rings while somebody speaks and is cut off in the pause, as by a terminal that switches. A stable loop raises
//!    speech by as much only within a seventh of a decibel of its limit, one that howls to full scale by 20 dB.
//! 5. `stable_loss_least` is the last loss before the first howl. Stable at the last of the sweep: *at most* this. A howl at
//!    the first: *at least* this.
//! 6. `howl_frequency`, where it howls: the highest bin of the spectrum of the last second. How much of the power lies
//!    within a third of an octave around it is in the note; it decides nothing, since a loop whose gain is flat rings at each of
//!    its modes at once.
//!
//! Near its limit a loop falls or rises so slowly that 1 dB in a second takes 1 dB times the time of a turn: with a turn of
//! 0.2 s, a margin below 0.2 dB counts as howling. Steady noise in a loop that is stable by less than half a decibel is raised
//! by 10 dB and does not fall: that counts as howling as well.
//!
//! ## What makes it inconclusive
//!
//! - A loop that is not proven closed, or with another loss: nothing was sent, nothing was returned, too much or too little.
//! - Speech that reaches less than 10 dB above the noise in send: nothing excited the loop.
//! - Noise above −30 dBm0 in the silence: a howl that a terminal limits could hide in it.
//! - A track in another plane or with values that are no numbers, a bad certificate, a sweep that was not finished.
//!
//! ## How to read the result
//!
//! The series shows the level at the deciding loss: that of the howl, or the last one. `stability_fall` is by how much the
//! level falls in the tail at the lowest stable loss; much more than the limit of 1 dB in a second is a comfortable margin. The
//! note has it for each loss. A cold canceller that is stable only when it has converged howls in the speech, not in the tail.

use super::call::{self, Checks, DELAY_MAX, LEVEL_MRP, NOISE, Timeline, quantity};
use super::echo::{METER, STEP, db, power};
use super::{Card, Measurand, Method, Next, Refusal, Wish, evidence};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx};
use crate::dsp::level::{mean_square, mean_square_series};
use crate::dsp::spectrum::{Bin, Window, forward};
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Bound, Finding, Unmeasurable};
use crate::take::{Action, Frame, RATE, TakeSpec, frames};
use crate::terms::Port;
use crate::units::{Db, Seconds, Unit};
use crate::verdict::Flag;

const SIGNAL: Param<SignalId> =
    Param::with_default("signal", "What the near end says at each loss.", "speech-conditioning");
const LOSS_FIRST: Param<Db> =
    Param::with_default("loss_first", "The far-end echo loss that is tried first, the highest.", "50 dB");
const LOSS_LAST: Param<Db> = Param::with_default("loss_last", "The lowest far-end echo loss.", "0 dB");
const LOSS_STEP: Param<Db> =
    Param::with_default("loss_step", "By how much the loss falls each time.", "5 dB");
const IDLE: Param<Seconds> = Param::with_default(
    "idle",
    "The silence before the loop is closed, from which the noise is known.",
    "1 s",
);
const TAIL: Param<Seconds> =
    Param::with_default("tail", "How long the loop is left alone after the speech.", "3 s");

static CARD: Card = Card {
    id: "stability",
    title: "Stability with little far-end echo loss",
    source: include_str!("stability.rs"),
    measurands: &[
        Measurand {
            id: "stable_loss_least",
            doc: "The lowest far-end echo loss of the sweep at which, and above which, nothing howls.",
            unit: Unit::Db,
        },
        Measurand {
            id: "stability_fall",
            doc: "By how much the level falls in the tail at the lowest stable loss.",
            unit: Unit::Db,
        },
        Measurand {
            id: "stability_course",
            doc: "Level at the POI in send against time at the loss that decides.",
            unit: Unit::Dbm0,
        },
        Measurand { id: "howl_frequency", doc: "The loudest frequency of the howl.", unit: Unit::Hz },
    ],
    parameters: &[
        SIGNAL.spec(),
        LEVEL_MRP.spec(),
        LOSS_FIRST.spec(),
        LOSS_LAST.spec(),
        LOSS_STEP.spec(),
        IDLE.spec(),
        TAIL.spec(),
        DELAY_MAX.spec(),
    ],
    takes_max: TAKES_MAX,
    shown_on: Some(METER),
    starts_cold: true,
    ..Card::PLAIN
};

/// Steps of 2 dB over the sweep of the Recommendations, or of 1 dB over half of it.
const TAKES_MAX: u32 = 26;
/// Its calls are shared with nobody: they end in other calls. Added to [`crate::take::EpochSpec::repeat`], beyond the calls in
/// which a plan may repeat an entry.
const OWN_CALL: u32 = 1_000;
/// While the loop is closed.
const CLOSED: &str = "closed";
const SPEECH: &str = "speech";
const ALONE: &str = "tail";
/// Before the next call, with the loop open.
const OPENED: Seconds = Seconds(0.1);
/// Both ends of the tail are read over this.
const END: Seconds = Seconds(1.0);

/// A howl stands out of the noise by this.
const RINGS: Db = Db(10.0);
/// What falls by less than this in a second does not fall.
const FALL_LEAST: Db = Db(1.0);
/// Speech that is louder by this than at the first loss is a howl.
const SPEECH_RISE: Db = Db(15.0);
/// In louder noise, in dBm0, a howl may hide.
const NOISE_MAX: f64 = -30.0;
/// How far the loss of the loop may be off.
const LOSS_OFF_MAX: Db = Db(0.5);
/// What the loop adds of its own is at least so much below what it returns.
const FOREIGN: Db = Db(10.0);
/// What is returned at full scale is cut off there, and tells nothing of the loss.
const BELOW_FULL: f64 = 0.99;
/// The width of the band around a howl, as the ratio of its upper end to its middle: a sixth of an octave.
const AROUND: f64 = 1.122_462;

/// Stability with little far-end echo loss.
pub struct Stability;

impl Method for Stability {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = Checks::default();
        checks.plays(cx, &Port::mouth(entry.talker));
        checks.records(cx, &Port::of(Port::POI_SEND));
        if cx.bench.has_loop {
            checks.records(cx, &Port::of(Port::POI_RECEIVE));
        } else {
            checks.refuse_bench(
                format!("bench '{}' without an electrical loop at the POI", cx.bench.name),
                "a loop from poi.send to poi.receive that only attenuates, without delay",
                "give the rig of a live bench the lines close_loop, open_loop and call, or remove the entry in an overlay; the network \
                 of a virtual car needs 10 ms of delay for it beyond what its codec takes",
            );
        }
        checks.at_least(entry, &IDLE, Seconds(0.5), "the noise is known from it");
        checks.at_least(entry, &TAIL, Seconds(2.0 * END.0), "both ends of it are read over a second");
        checks.wait(entry, &IDLE);
        checks.wait(entry, &TAIL);
        checks.delay_max(entry);
        checks.quiet(entry);
        check_losses(&mut checks, entry);
        checks.done()?;
        let mut epoch = call::bare_epoch(entry, entry.volume);
        epoch.repeat += OWN_CALL;
        let first = entry.parameters.get(&LOSS_FIRST);
        Ok(Wish { epoch, takes: vec![take(first, entry, cx)] })
    }

    fn next(&self, entry: &Entry, cx: &PlanCx<'_>, so_far: &[Take]) -> Result<Next, Unmeasurable> {
        let eval = EvalCx { bench: cx.bench, facts: cx.facts, takes: so_far };
        // All before the last one were stable, or it would not have been asked for.
        let (Some(first), Some(last)) = (so_far.first(), so_far.last()) else {
            return Err(Unmeasurable::because("no loss was recorded"));
        };
        let first = Step::read(first, None, &eval)?;
        let step = if so_far.len() == 1 { first } else { Step::read(last, Some(&first), &eval)? };
        if step.howls {
            return Ok(Next::Done { reason: format!("it howls at {}", step.told()) });
        }
        Ok(match losses(entry).get(so_far.len()) {
            Some(loss) => Next::Take {
                spec: Box::new(take(*loss, entry, cx)),
                reason: format!("stable at {}; next {} dB", step.told(), loss.0),
            },
            None => Next::Done { reason: format!("stable at {}, the last of the sweep", step.told()) },
        })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let mut steps: Vec<(&Take, Step)> = Vec::new();
        for take in cx.takes {
            let step = Step::read(take, steps.first().map(|one| &one.1), cx)?;
            let howls = step.howls;
            steps.push((take, step));
            if howls {
                break;
            }
        }
        let Some((deciding, last)) = steps.last() else {
            return Err(Unmeasurable::because("no loss was recorded"));
        };
        let sweep = losses(entry);
        if !last.howls && steps.len() < sweep.len() {
            return Err(Unmeasurable::because(format!(
                "the sweep was not finished: {} of {} losses were recorded, the last stable at {} dB; resume the run",
                steps.len(),
                sweep.len(),
                last.loss_db
            )));
        }
        let stable = if last.howls { steps.iter().rev().nth(1) } else { steps.last() };
        let (value, bound) = match stable {
            Some((_, step)) if last.howls => (step.loss_db, Bound::Exact),
            Some((_, step)) => (step.loss_db, Bound::AtMost),
            None => (last.loss_db, Bound::AtLeast),
        };
        let told: Vec<String> = steps.iter().map(|(_, step)| step.told()).collect();
        let mut least = Finding::scalar("stable_loss_least", value, Unit::Db);
        least.bound = bound;
        if bound != Bound::Exact {
            least.flags.push(Flag::Bound);
        }
        least.note = told.join("; ");
        let (take, shown) = stable.unwrap_or(&steps[0]);
        let mut fall = Finding::scalar("stability_fall", shown.known_fall_db(), Unit::Db);
        fall.note = shown.told();
        if shown.is_noise {
            // What is below the noise is not known.
            fall.bound = Bound::AtLeast;
            fall.flags.push(Flag::NoiseLimited);
        }
        evidence::complete(&mut least, deciding, CLOSED, Vec::new());
        evidence::complete(&mut fall, take, ALONE, Vec::new());
        let mut findings = vec![least, fall];
        for mut finding in last.pictures() {
            let influences = if finding.unit == Unit::Dbm0 {
                vec![evidence::influence(&last.send, 1.0)]
            } else {
                Vec::new()
            };
            evidence::complete(&mut finding, deciding, CLOSED, influences);
            findings.push(finding);
        }
        Ok(findings)
    }
}

/// The losses of the sweep must fall in no more steps than there may be recordings.
fn check_losses(checks: &mut Checks, entry: &Entry) {
    let [first, last, step] = [&LOSS_FIRST, &LOSS_LAST, &LOSS_STEP].map(|one| entry.parameters.get(one).0);
    let (lossless, falls) = (last >= 0.0, first >= last);
    if !lossless || !falls {
        checks.refuse(
            &LOSS_LAST,
            format!("{last} dB after {first} dB"),
            "0 dB or more, and no more than loss_first".to_owned(),
            "write a sweep that falls to 0 dB or less far",
        );
    }
    let is_step = step > 0.0 && (first - last) / step < f64::from(TAKES_MAX);
    if !is_step {
        checks.refuse(
            &LOSS_STEP,
            format!("{step} dB from {first} to {last} dB"),
            format!("a step of more than 0 dB, and at most {TAKES_MAX} losses"),
            "write a larger step or a shorter sweep",
        );
    }
}

/// The losses in the order in which they are tried. The last is tried whether a step meets it or not.
fn losses(entry: &Entry) -> Vec<Db> {
    let [first, last, step] = [&LOSS_FIRST, &LOSS_LAST, &LOSS_STEP].map(|one| entry.parameters.get(one).0);
    let count = ((first - last) / step).ceil().max(0.0) as u32;
    (0..=count).map(|n| Db((first - f64::from(n) * step).max(last))).collect()
}

/// A call with a loop of a loss.
fn take(loss: Db, entry: &Entry, cx: &PlanCx<'_>) -> TakeSpec {
    let get = &entry.parameters;
    let mut take = Timeline::new(&format!("loss-{}", loss.0).replace('.', "-"));
    take.new_call();
    take.silence(get.get(&IDLE));
    let closed = take.now();
    take.set_loop(Some(loss));
    let (mouth, signal) = (Port::mouth(entry.talker), get.get(&SIGNAL));
    let at = take.play(&mouth, &signal, quantity(get.get(&LEVEL_MRP)), cx);
    take.name_span(SPEECH, at..at + cx.signal(&signal.0).frames);
    take.wait(get.get(&DELAY_MAX));
    take.wait_as(ALONE, get.get(&TAIL));
    take.name_span(CLOSED, closed..take.now());
    take.set_loop(None);
    take.wait(OPENED);
    take.build(&[Port::of(Port::POI_SEND), Port::of(Port::POI_RECEIVE)])
}

/// What a call at one loss shows.
struct Step {
    loss_db: f64,
    howls: bool,
    /// Why, for a reader.
    why: String,
    /// By how much the level falls in the tail.
    fall_db: f64,
    /// Whether the tail ends in the noise.
    is_noise: bool,
    /// The highest reading of the last second of the tail, in dBm0.
    end_db: f64,
    /// The mean level of the second half of the speech, in dBm0.
    speech_db: f64,
    /// The readings of the meter, in dBm0.
    level_db: Vec<f64>,
    /// The last second of the tail.
    last: std::ops::Range<Frame>,
    send: crate::context::Track,
}

impl Step {
    /// Reads a take; `first` is the one at the first loss.
    fn read(take: &Take, first: Option<&Self>, cx: &EvalCx<'_>) -> Result<Self, Unmeasurable> {
        let asked = take.spec.cues.iter().find_map(|cue| match &cue.action {
            Action::Loop { loss: Some(loss), .. } => Some(*loss),
            _ => None,
        });
        let Db(loss_db) = asked.expect("every take of the sweep closes the loop");
        let port = Port::of(Port::POI_SEND);
        let send = evidence::captured(cx, take, &port, Unit::Dbm0)?;
        let back = evidence::captured(cx, take, &Port::of(Port::POI_RECEIVE), Unit::Dbm0)?;
        let closed = take.span(CLOSED);
        let full = evidence::full_scale(cx, &Port::of(Port::POI_RECEIVE));
        prove(send.slice(closed.clone()), back.slice(closed), full, loss_db)?;
        let silence = evidence::coded_silence(cx, &port);
        let readings = mean_square_series(&send.samples, RATE, METER, frames(STEP) as usize);
        let level_db: Vec<f64> = readings.iter().map(|power| db(power.max(silence))).collect();
        let highest = |span: &std::ops::Range<Frame>| {
            let [from, to] = [span.start, span.end].map(|at| (at / frames(STEP)) as usize);
            level_db[from.min(level_db.len())..to.min(level_db.len())]
                .iter()
                .copied()
                .fold(f64::NEG_INFINITY, f64::max)
        };
        let noise_db = highest(&take.span(NOISE));
        if noise_db > NOISE_MAX {
            return Err(Unmeasurable::because(format!(
                "with the loop open the noise in send reaches {noise_db:.1} dBm0 at {loss_db} dB: a howl could hide in it; \
                 look for its source, or put the car into a quieter place"
            )));
        }
        let spoken_db = highest(&take.span(SPEECH));
        if spoken_db < noise_db + RINGS.0 {
            return Err(Unmeasurable::because(format!(
                "the speech does not stand out in send: it reaches {spoken_db:.1} dBm0, the silence before {noise_db:.1} dBm0; \
                 check the mouth and whether the device mutes"
            )));
        }
        let tail = take.span(ALONE);
        let begin = tail.start..tail.start + frames(END);
        let last = tail.end - frames(END)..tail.end;
        let (begin_db, end_db) = (highest(&begin), highest(&last));
        let floor_db = first.map_or(noise_db, |first| noise_db.max(first.end_db));
        let fall_db = begin_db - end_db;
        let before_db = highest(&(last.start - frames(END)..last.start));
        let rings = end_db >= floor_db + RINGS.0;
        let speech = take.span(SPEECH);
        let half = u64::midpoint(speech.start, speech.end)..speech.end;
        let speech_db = db(mean_square(send.slice(half)).max(silence));
        let rise_db = first.map_or(0.0, |first| speech_db - first.speech_db);
        let shouts = rise_db >= SPEECH_RISE.0;
        let stays = rings && before_db - end_db < FALL_LEAST.0;
        let why = if stays {
            format!(
                "{end_db:.1} dBm0 at the end, {:.1} dB above the noise, {:.1} dB below the second before",
                end_db - floor_db,
                before_db - end_db
            )
        } else if shouts {
            format!("speech {rise_db:.1} dB louder than at the first loss")
        } else if rings {
            format!("falls by {fall_db:.1} dB in the tail")
        } else if begin_db >= floor_db + RINGS.0 {
            format!("falls by {fall_db:.1} dB in the tail, into the noise")
        } else {
            "died away before the tail".to_owned()
        };
        Ok(Self {
            loss_db,
            howls: stays || shouts,
            why,
            fall_db,
            is_noise: !rings,
            end_db,
            speech_db,
            level_db,
            last,
            send,
        })
    }

    /// By how much the level falls as far as noise lets it be seen: noise that rises by chance is no rise.
    const fn known_fall_db(&self) -> f64 {
        if self.is_noise { self.fall_db.max(0.0) } else { self.fall_db }
    }

    /// The loss and what was seen at it.
    fn told(&self) -> String {
        format!(
            "{} dB: {}",
            self.loss_db,
            if self.howls { format!("howls, {}", self.why) } else { self.why.clone() }
        )
    }

    /// The level against time, and the frequency of a howl.
    fn pictures(&self) -> Vec<Finding> {
        let times = (1..=self.level_db.len()).map(|n| n as f64 * STEP.0).collect();
        let mut course = Finding::series("stability_course", times, self.level_db.clone(), Unit::Dbm0);
        course.note = self.told();
        let mut findings = vec![course];
        if self.howls
            && let Some((hz, share)) = loudest(self.send.slice(self.last.clone()))
        {
            let mut frequency = Finding::scalar("howl_frequency", hz, Unit::Hz);
            frequency.note = format!("{:.0} % of the power within a third of an octave", 100.0 * share);
            findings.push(frequency);
        }
        findings
    }
}

/// The loop was closed with the loss asked for: what was returned is what was sent, where it is below full scale.
fn prove(sent: &[f64], returned: &[f64], full: f64, asked_db: f64) -> Result<(), Unmeasurable> {
    let (mut own, mut across, mut back) = (0.0, 0.0, 0.0);
    for (sent, returned) in sent.iter().zip(returned).filter(|one| one.1.abs() < BELOW_FULL * full) {
        own += sent * sent;
        across += sent * returned;
        back += returned * returned;
    }
    if own <= 0.0 {
        return Err(Unmeasurable::because(format!(
            "nothing was sent at a loss of {asked_db} dB, so that nothing was looped: check the mouth and whether the device mutes"
        )));
    }
    let gain = across / own;
    let foreign = (back - gain * across).max(0.0);
    let is_copy = gain > 0.0 && foreign <= back * power(-FOREIGN.0);
    if !is_copy {
        return Err(Unmeasurable::because(format!(
            "the loop of {asked_db} dB was not closed: what went into the network at the POI is no copy of what was sent; \
             check the loop and the recording of poi.receive"
        )));
    }
    let loss_db = -20.0 * gain.log10();
    // NaN is not near.
    let is_near = (loss_db - asked_db).abs() <= LOSS_OFF_MAX.0;
    if is_near {
        return Ok(());
    }
    Err(Unmeasurable::because(format!(
        "the loop has a loss of {loss_db:.1} dB instead of {asked_db} dB: check its attenuator and the calibration of the POI"
    )))
}

/// The frequency of the highest bin in hertz, and the share of the power that lies within a third of an octave around it.
fn loudest(part: &[f64]) -> Option<(f64, f64)> {
    let window = Window::Hann.values(part.len());
    let windowed: Vec<f64> = part.iter().zip(&window).map(|(x, w)| x * w).collect();
    let powers: Vec<f64> = forward(&windowed).iter().map(Bin::norm_sqr).collect();
    let hz = |bin: usize| bin as f64 * f64::from(RATE) / part.len() as f64;
    let (highest, _) = powers.iter().enumerate().skip(1).max_by(|a, b| a.1.total_cmp(b.1))?;
    let around = hz(highest) / AROUND..hz(highest) * AROUND;
    let near: f64 =
        powers.iter().enumerate().filter(|one| around.contains(&hz(one.0))).map(|one| one.1).sum();
    Some((hz(highest), near / powers.iter().sum::<f64>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64) -> Vec<f64> {
        let mut random = crate::signals::random::Random::new(seed);
        (0..48_000).map(|_| random.uniform() - 0.5).collect()
    }

    #[test]
    fn a_loop_is_proven_by_what_it_returns() {
        let sent = noise(1);
        let scaled = |gain: f64| sent.iter().map(|x| gain * x).collect::<Vec<f64>>();
        let reason = |returned: &[f64]| prove(&sent, returned, 10.0, 20.0).map_err(|why| why.reason);
        assert_eq!(reason(&scaled(0.1)), Ok(()));
        assert!(reason(&scaled(0.1 * 10f64.powf(-0.25))).unwrap_err().contains("25.0 dB instead of 20 dB"));
        assert!(reason(&scaled(0.0)).unwrap_err().contains("not closed"));
        assert!(reason(&scaled(-0.1)).unwrap_err().contains("not closed"));
        assert!(reason(&noise(2)).unwrap_err().contains("not closed"));
        assert!(prove(&[0.0; 480], &[0.0; 480], 10.0, 20.0).unwrap_err().reason.contains("nothing was sent"));
        assert!(reason(&vec![f64::NAN; 48_000]).is_err());
        // A howl that is cut off at full scale is as loud as the rest says.
        let cut: Vec<f64> = sent.iter().map(|x| (0.1 * x).clamp(-0.03, 0.03)).collect();
        assert!(prove(&sent, &cut, 0.03, 20.0).is_ok() && reason(&cut).is_err());
        // As much of something else as is let pass, and more.
        let beside = |level: f64| -> Vec<f64> {
            sent.iter().zip(noise(2)).map(|(x, other)| 0.1 * x + 0.1 * level * other).collect()
        };
        assert_eq!(reason(&beside(0.3)), Ok(()));
        assert!(reason(&beside(0.4)).is_err());
    }

    #[test]
    fn a_howl_has_a_frequency() {
        let tone: Vec<f64> =
            (0..48_000).map(|n| (std::f64::consts::TAU * 1_234.0 * n as f64 / 48_000.0).sin()).collect();
        let (hz, share) = loudest(&tone).unwrap();
        assert!((hz - 1_234.0).abs() < 1.0 && share > 0.99, "{hz} {share}");
        assert!(loudest(&noise(3)).unwrap().1 < 0.5);
    }
}
