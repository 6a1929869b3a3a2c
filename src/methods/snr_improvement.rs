//! # Speech over noise in send
//!
//! ## What it measures
//!
//! By how much more the talker stands out of the driving noise at the far end than in the car: the improvement of the ratio
//! of speech to noise, and the D-value, which compares what send does to the talker with what it does to the noise, band by
//! band.
//!
//! ## Where it is defined
//!
//! P.1100, P.1110 and P.1120 clause 11.14.1 (10/2025) and 11.13.1 (03/2017), whose content is in no public source that this
//! project has read; in P.1100 (10/2008) a D-value stood there. Both figures are therefore told and not judged (class N).
//!
//! The improvement is made in the manner of SNRI of G.160 Appendix II (as the author of this page remembers it, class C):
//! frames of speech in three classes of power, an improvement in each, and their mean weighted by the number of frames. The
//! thresholds of the classes, −1, −10 and −16 dB from the active level, are those of that text as remembered; powers are
//! averaged here and not their logarithms, so that speech and noise may be subtracted.
//!
//! The D-value is the mean over third octaves of the sensitivity of send for speech minus that for noise (the difference ΔSM
//! that G.111 calls DELSM). The weights of G.111 were not found in any public source: **the mean is not weighted**, so that
//! the figure is not that of the Recommendation where the difference depends on frequency; `d_spectrum` has the bands.
//!
//! ## Stimulus and capture points
//!
//! Driving noise through the whole call. After the conditioning noise alone for at least 15 s, whole turns of its recording;
//! then speech from the mouth at the Lombard level. Recorded are the POI in send, and as far as the bench has them the
//! microphone at the driver's head (`mic.reference`) and the signal of the terminal's own microphone (`tap.microphone`).
//!
//! ## Computation
//!
//! The ratio of speech to noise at a point where both are mixed (POI, tap):
//!
//! 1. The recording is A-weighted and cut to the band of the call; so is what the mouth played, and the delay between the two
//!    is found by correlation.
//! 2. The played speech tells what each frame of 20 ms is: loud (no more than 1 dB below its active level by P.56), medium
//!    (10 dB), soft (16 dB), or a pause (more than 40 dB below it for 200 ms and more).
//! 3. The noise in a frame is that of the *same sound* of the recording a whole number of turns before, while nobody spoke,
//!    times what has become of the noise since: its power in the pauses over that of the same sounds before.
//! 4. For each class: power of all its frames over that of the noise in them, less one.
//!
//! The ratio in the car is that of the played speech at the hands-free reference point (24 dB below the mouth reference point)
//! over the noise of the same frames at `mic.reference`; where the bench has none, over the mean of the noise's recording,
//! which is what that microphone should hear.
//!
//! - `snr_send`, `snr_reference`: the ratios in dB, each the mean of the classes weighted by their number of frames.
//! - `snr_improvement`: the first minus the second: all that lies between hands-free reference point and POI, the place of the
//!   microphone included.
//! - `snr_improvement_device`: the same from `tap.microphone` to the POI: what the terminal does.
//! - `d_spectrum`, `d_value`: for each third octave from 200 Hz to 4 kHz that lies in the band of the call, the energy of the
//!   speech at the POI (mixture less noise, as above) over that at the MRP, minus the energy of the noise at the POI over that
//!   at the driver's head; and the mean of all.
//!
//! A class in which the speech is less than a tenth of the noise at one of the points is left out, and so is a band.
//!
//! ## What makes it inconclusive
//!
//! - No class of speech is left: the talker is lost in the noise.
//! - Fewer than ten pauses or frames, or speech that is not found at the POI.
//! - A track in another plane or with values that are no numbers, a bad certificate.
//!
//! ## How to read the result
//!
//! A terminal that does nothing with noise has the improvement of its microphone's place, which is near 0 dB where a mouth is
//! as loud there as at the hands-free reference point. D of the same terminal is that less 24 dB: it counts from the mouth.
//! Noise reduction adds its depth to all of them; one that eats soft speech shows in the classes, which the note has.

use std::ops::Range;

use super::call::{self, CONDITIONING, DELAY_MAX, LEVEL_MRP, LOMBARD_BASE, SETTLING, Timeline, quantity};
use super::echo::db;
use super::transmitted_noise::{self, ALONE, CONDITIONED, SPEECH, power, same_sound, turn, turns_over};
use super::{Card, Measurand, Method, Refusal, Wish, evidence};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx, PortDirection, Track};
use crate::dsp::bands::Bands;
use crate::dsp::filter::Cascade;
use crate::dsp::level::{active_speech_level, mean_square};
use crate::dsp::weighting::Weighting;
use crate::dsp::weighting_filter::weighted;
use crate::entry::{Entry, Param, SignalId};
use crate::finding::{Finding, Influence, Unmeasurable};
use crate::take::{Frame, RATE, frames};
use crate::terms::{Bandwidth, Port};
use crate::units::{Seconds, Unit};

const SIGNAL: Param<SignalId> = Param::with_default(
    "signal",
    "What the talker says: half a minute of speech with pauses.",
    "speech-single-talk",
);

static CARD: Card = Card {
    id: "snr_improvement",
    title: "Speech over noise in send",
    source: include_str!("snr_improvement.rs"),
    measurands: &[
        Measurand {
            id: "snr_improvement",
            doc: "Ratio of speech to noise at the POI in send over that at the hands-free reference point, A-weighted.",
            unit: Unit::Db,
        },
        Measurand {
            id: "snr_improvement_device",
            doc: "The same over that at the terminal's microphone.",
            unit: Unit::Db,
        },
        Measurand { id: "snr_send", doc: "Ratio of speech to noise at the POI in send.", unit: Unit::Db },
        Measurand {
            id: "snr_reference",
            doc: "Speech at the hands-free reference point over noise at the driver's head.",
            unit: Unit::Db,
        },
        Measurand {
            id: "d_value",
            doc: "Sensitivity in send for speech minus that for noise, unweighted mean of third octaves.",
            unit: Unit::Db,
        },
        Measurand { id: "d_spectrum", doc: "The same by third octave, 200 Hz to 4 kHz.", unit: Unit::Db },
    ],
    parameters: &[
        SIGNAL.spec(),
        LEVEL_MRP.spec(),
        LOMBARD_BASE.spec(),
        DELAY_MAX.spec(),
        CONDITIONING.spec(),
    ],
    ..Card::PLAIN
};

/// The one take.
const TAKE: &str = "speech";
/// A frame of speech.
const FRAME: Seconds = Seconds(0.02);
/// How far below the active level the frames of each class are at most, in dB, the loudest first.
const CLASSES: [(&str, f64); 3] = [("loud", -1.0), ("medium", -10.0), ("soft", -16.0)];
/// Frames of a pause lie further below the active level …
const PAUSE_BELOW_DB: f64 = 40.0;
/// … and have done so for this long: a cabin has fallen silent, and most hang-overs have ended.
const PAUSE_AFTER: Seconds = Seconds(0.2);
/// Fewer frames say nothing.
const FRAMES_MIN: usize = 10;
/// Less speech than this, over the noise, is left out.
const SPEECH_MIN: f64 = 0.1;
/// So much of the speech is searched for its delay: a clock that is off has not run far by then.
const SEARCHED: Seconds = Seconds(10.0);
/// From the mouth reference point to the hands-free reference point: −1.7 dBPa is −25.7 dBPa there.
const HFRP_BELOW_MRP_DB: f64 = 24.0;
/// The third octaves of the D-value.
const D_HZ: (f64, f64) = (200.0, 4_000.0);
/// The orders of the filters that cut a track to the band of the call.
const CUT_ORDERS: (u32, u32) = (4, 8);

/// The ratio of speech to noise in send.
pub struct SnrImprovement;

impl Method for SnrImprovement {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>> {
        let mut checks = transmitted_noise::checks(entry, cx);
        let mouth = Port::mouth(entry.talker);
        checks.plays(cx, &mouth);
        checks.done()?;
        let mut take = Timeline::new(TAKE);
        take.wait(SETTLING);
        let alone = turns_over(turn(entry, cx), CONDITIONED);
        take.wait_as(ALONE, Seconds(alone as f64 / f64::from(RATE)));
        let signal = entry.parameters.get(&SIGNAL);
        let at = take.play(&mouth, &signal, quantity(call::talker_level(entry, &LEVEL_MRP)), cx);
        take.name_span(SPEECH, at..at + cx.signal(&signal.0).frames);
        take.wait(entry.parameters.get(&DELAY_MAX));
        let others = [Port::MIC_REFERENCE, Port::TAP_MICROPHONE].map(Port::of);
        let others = others.into_iter().filter(|port| cx.bench.has(port, PortDirection::In));
        let record: Vec<Port> = std::iter::once(Port::of(Port::POI_SEND)).chain(others).collect();
        Ok(Wish { epoch: call::epoch(entry, cx), takes: vec![take.build(&record)] })
    }

    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
        let take = cx.take(TAKE);
        let played = evidence::played(cx, take, &Port::mouth(entry.talker), Unit::DbPa)?;
        let sent = evidence::captured(cx, take, &Port::of(Port::POI_SEND), Unit::Dbm0)?;
        let scene = Scene::of(entry, cx, take, &played)?;
        let at_poi = Mixed::of(&scene, &played, &sent, "the POI in send")?;
        let head = Head::of(cx, take, entry.bandwidth)?;
        let from = [evidence::influence(&played, 1.0)].into_iter().chain(head.influence(-1.0));
        let (sent_ratios, in_car) = (at_poi.ratios(&scene), head.ratios(&scene));
        let compared = scene.compared(&sent_ratios, &in_car)?;
        let talker = call::lombard_note(entry).unwrap_or_default();
        let mut findings = vec![
            (compared.improvement("snr_improvement", &talker), from.clone().collect()),
            (compared.first("snr_send"), Vec::new()),
            (compared.second("snr_reference", head.told()), from.collect()),
        ];
        if let Some(tap) = tap(cx, take)? {
            let at_tap = Mixed::of(&scene, &played, &tap, "the terminal's microphone")?;
            let compared = scene.compared(&sent_ratios, &at_tap.ratios(&scene))?;
            findings.push((compared.improvement("snr_improvement_device", ""), Vec::new()));
        }
        let against = |part: &Range<Frame>, bands: &Bands| head.energies(part, bands);
        findings.extend(d_value(&scene, (&played, &sent), &at_poi, &against).map(|one| (one, Vec::new())));
        let complete = |(mut finding, influences)| {
            evidence::complete(&mut finding, take, SPEECH, influences);
            finding
        };
        Ok(findings.into_iter().map(complete).collect())
    }
}

/// What the terminal's microphone hears, where the bench recorded it. Its plane does not matter: it is compared with itself.
fn tap(cx: &EvalCx<'_>, take: &Take) -> Result<Option<Track>, Unmeasurable> {
    let port = Port::of(Port::TAP_MICROPHONE);
    if !take.spec.record.contains(&port) {
        return Ok(None);
    }
    cx.captured(take, &port).map(Some)
}

/// A track as it is compared: A-weighted, in the band of the call.
fn in_band(samples: &[f64], bandwidth: Bandwidth) -> Vec<f64> {
    let (lo_hz, hi_hz) = bandwidth.edges_hz();
    let high = Cascade::butterworth_highpass(CUT_ORDERS.0, RATE, lo_hz);
    let low = Cascade::butterworth_lowpass(CUT_ORDERS.1, RATE, hi_hz);
    low.filtered(&high.filtered(&weighted(samples, RATE, Weighting::A)))
}

/// A frame of the speech: where it was played, and how long before the same sound of the noise was alone.
#[derive(Debug, Clone, Copy)]
struct Spoken {
    at: Frame,
    back: Frame,
}

/// What was said when, and the noise beside it.
struct Scene {
    bandwidth: Bandwidth,
    /// What the mouth played.
    clean: Vec<f64>,
    /// The frames of each class.
    classes: [Vec<Spoken>; 3],
    pauses: Vec<Spoken>,
    alone: Range<Frame>,
    speech: Range<Frame>,
    turn: Frame,
    delay_max: Seconds,
}

impl Scene {
    fn of(entry: &Entry, cx: &EvalCx<'_>, take: &Take, played: &Track) -> Result<Self, Unmeasurable> {
        let mut scene = Self {
            bandwidth: entry.bandwidth,
            clean: in_band(&played.samples, entry.bandwidth),
            classes: [const { Vec::new() }; 3],
            pauses: Vec::new(),
            alone: take.span(ALONE),
            speech: take.span(SPEECH),
            turn: cx.noise_recording(take)?.len() as Frame,
            delay_max: entry.parameters.get(&DELAY_MAX),
        };
        scene.classify()?;
        Ok(scene)
    }

    /// Tells the frames apart by what was played.
    fn classify(&mut self) -> Result<(), Unmeasurable> {
        let span = self.speech.start as usize..self.speech.end as usize;
        let said = active_speech_level(&self.clean[span], RATE).active();
        let said = said.ok_or_else(|| Unmeasurable::because("the mouth played no speech".to_owned()))?;
        let active_db = said.active_level.decibels();
        let step = frames(FRAME);
        let mut silent_from = None;
        for at in (self.speech.start..self.speech.end - step).step_by(step as usize) {
            let below_db = db(power(&self.clean, &(at..at + step))) - active_db;
            let is_silent = below_db < -PAUSE_BELOW_DB;
            silent_from = if is_silent { silent_from.or(Some(at)) } else { None };
            let Some(back) = self.same_sound(at, step) else { continue };
            let spoken = Spoken { at, back };
            if silent_from.is_some_and(|from| at >= from + frames(PAUSE_AFTER)) {
                self.pauses.push(spoken);
            } else if let Some(class) = CLASSES.iter().position(|(_, least)| below_db >= *least) {
                self.classes[class].push(spoken);
            }
        }
        if self.pauses.len() < FRAMES_MIN {
            return Err(Unmeasurable::because(format!(
                "the speech has {} pauses of 20 ms, and {FRAMES_MIN} are needed: use speech with pauses",
                self.pauses.len()
            )));
        }
        Ok(())
    }

    /// How long before a part of the take, by whatever path it arrives, the same sound of the noise was alone.
    fn same_sound(&self, at: Frame, length: Frame) -> Option<Frame> {
        let part = at..at + length + frames(self.delay_max);
        Some(at - same_sound(&part, &self.alone, self.turn)?.start)
    }

    /// Two sets of ratios side by side, class by class.
    fn compared(&self, first: &Ratios, second: &Ratios) -> Result<Compared, Unmeasurable> {
        let mut compared = Compared { classes: Vec::new() };
        for (n, (name, _)) in CLASSES.iter().enumerate() {
            let count = self.classes[n].len();
            // What is no number is not used.
            let is_used = count >= FRAMES_MIN && first[n] >= SPEECH_MIN && second[n] >= SPEECH_MIN;
            if is_used {
                compared.classes.push((*name, count, db(first[n]), db(second[n])));
            }
        }
        if compared.classes.is_empty() {
            return Err(Unmeasurable::because(
                "the talker is lost in the noise: in no class is the speech a tenth of it".to_owned(),
            ));
        }
        Ok(compared)
    }
}

/// Speech over noise as powers, class by class.
type Ratios = [f64; 3];

/// The ratios at two points, of the classes that are used: name, frames, and both in dB.
struct Compared {
    classes: Vec<(&'static str, usize, f64, f64)>,
}

impl Compared {
    /// The mean over the classes, weighted by their frames.
    fn mean(&self, of: impl Fn(f64, f64) -> f64) -> f64 {
        let frames: usize = self.classes.iter().map(|one| one.1).sum();
        let sum: f64 = self.classes.iter().map(|one| one.1 as f64 * of(one.2, one.3)).sum();
        sum / frames as f64
    }

    fn improvement(&self, measurand: &str, besides: &str) -> Finding {
        let mut finding = Finding::scalar(measurand, self.mean(|first, second| first - second), Unit::Db);
        let of =
            |one: &(&str, usize, f64, f64)| format!("{} {:+.1} dB ({} frames)", one.0, one.2 - one.3, one.1);
        let told: Vec<String> = self.classes.iter().map(of).collect();
        finding.note = told.join(", ");
        for (name, _) in CLASSES.iter().filter(|(name, _)| self.classes.iter().all(|one| one.0 != *name)) {
            finding.tell(&format!("{name} speech is lost in the noise"));
        }
        if !besides.is_empty() {
            finding.tell(besides);
        }
        finding
    }

    fn first(&self, measurand: &str) -> Finding {
        Finding::scalar(measurand, self.mean(|first, _| first), Unit::Db)
    }

    fn second(&self, measurand: &str, note: &str) -> Finding {
        let mut finding = Finding::scalar(measurand, self.mean(|_, second| second), Unit::Db);
        note.clone_into(&mut finding.note);
        finding
    }
}

/// A track in which speech and noise are mixed.
struct Mixed {
    samples: Vec<f64>,
    /// By how many frames it is later than what was played.
    later: Frame,
    /// What has become of the noise since it was alone, as a power.
    noise_since: f64,
}

impl Mixed {
    fn of(scene: &Scene, played: &Track, track: &Track, place: &str) -> Result<Self, Unmeasurable> {
        let start = scene.speech.start;
        let searched = start..(start + frames(SEARCHED)).min(scene.speech.end);
        // Over all of the speech chance reaches less far, and a clock that is off has run further.
        let search = |part: Range<Frame>| evidence::later_frames(played, track, part, scene.delay_max);
        let later = search(searched).or_else(|_| search(scene.speech.clone())).map_err(|why| {
            Unmeasurable::because(format!("the talker is not found at {place}: {}", why.reason))
        })?;
        let mut mixed = Self { samples: in_band(&track.samples, scene.bandwidth), later, noise_since: 1.0 };
        let (now, then) = mixed.sums(&scene.pauses);
        mixed.noise_since = now / then;
        // NaN is no number either.
        if !(then > 0.0 && mixed.noise_since > 0.0 && mixed.noise_since.is_finite()) {
            return Err(Unmeasurable::because(format!(
                "{place} carries no noise in the pauses or before the speech: there is no ratio to it"
            )));
        }
        Ok(mixed)
    }

    /// The power of frames, and that of the same sounds alone.
    fn sums(&self, spoken: &[Spoken]) -> (f64, f64) {
        let step = frames(FRAME);
        let sum = |back: &dyn Fn(&Spoken) -> Frame| -> f64 {
            let of = |one: &Spoken| one.at + self.later - back(one);
            spoken.iter().map(|one| power(&self.samples, &(of(one)..of(one) + step))).sum()
        };
        (sum(&|_| 0), sum(&|one| one.back))
    }

    fn ratios(&self, scene: &Scene) -> Ratios {
        scene.classes.each_ref().map(|spoken| {
            let (mixed, alone) = self.sums(spoken);
            mixed / (self.noise_since * alone) - 1.0
        })
    }
}

/// The noise at the driver's head.
enum Head {
    /// As the microphone there heard it.
    Heard { track: Track, weighted: Vec<f64> },
    /// As its recording says.
    Recorded { recording: Vec<f64>, power: f64 },
}

impl Head {
    fn of(cx: &EvalCx<'_>, take: &Take, bandwidth: Bandwidth) -> Result<Self, Unmeasurable> {
        let port = Port::of(Port::MIC_REFERENCE);
        if take.spec.record.contains(&port) {
            let track = evidence::captured(cx, take, &port, Unit::DbPa)?;
            let weighted = in_band(&track.samples, bandwidth);
            return Ok(Self::Heard { track, weighted });
        }
        let recording = cx.noise_recording(take)?;
        let power = mean_square(&in_band(&recording, bandwidth));
        Ok(Self::Recorded { recording, power })
    }

    const fn told(&self) -> &'static str {
        match self {
            Self::Heard { .. } => "noise at mic.reference",
            Self::Recorded { .. } => "noise as its recording states it: the bench has no mic.reference",
        }
    }

    fn influence(&self, coefficient: f64) -> Option<Influence> {
        match self {
            Self::Heard { track, .. } => Some(evidence::influence(track, coefficient)),
            Self::Recorded { .. } => None,
        }
    }

    /// Speech at the hands-free reference point over this noise.
    fn ratios(&self, scene: &Scene) -> Ratios {
        let step = frames(FRAME);
        let at_hfrp = 10f64.powf(-HFRP_BELOW_MRP_DB / 10.0);
        scene.classes.each_ref().map(|spoken| {
            let said: f64 = spoken.iter().map(|one| power(&scene.clean, &(one.at..one.at + step))).sum();
            let noise: f64 = match self {
                Self::Heard { weighted, .. } => {
                    let of = |one: &Spoken| one.at - one.back;
                    spoken.iter().map(|one| power(weighted, &(of(one)..of(one) + step))).sum()
                }
                Self::Recorded { power, .. } => power * spoken.len() as f64,
            };
            at_hfrp * said / noise
        })
    }

    /// The energy of the noise in a part of the time in which it was alone, by band.
    fn energies(&self, part: &Range<Frame>, bands: &Bands) -> Vec<f64> {
        match self {
            Self::Heard { track, .. } => evidence::energies(track.slice(part.clone()), bands),
            Self::Recorded { recording, .. } => {
                let longer = (part.end - part.start) as f64 / recording.len() as f64;
                evidence::energies(recording, bands).into_iter().map(|energy| energy * longer).collect()
            }
        }
    }
}

/// The sensitivity for speech minus that for noise by band, and the mean of it; nothing where no band has enough speech.
fn d_value(
    scene: &Scene,
    (played, sent): (&Track, &Track),
    at_poi: &Mixed,
    noise_at_head: &dyn Fn(&Range<Frame>, &Bands) -> Vec<f64>,
) -> impl Iterator<Item = Finding> {
    let (lo_hz, hi_hz) = scene.bandwidth.edges_hz();
    let all = Bands::third_octave(D_HZ.0, D_HZ.1);
    // The longest part whose noise was alone before, in one piece.
    let length = (scene.alone.end - scene.alone.start).saturating_sub(frames(scene.delay_max));
    let length = length.min(scene.speech.end - scene.speech.start);
    let start = scene.speech.start;
    let mut shown = (Vec::new(), Vec::new());
    let mut left_out = Vec::new();
    if let Some(back) = scene.same_sound(start, length) {
        let part = |from: Frame| from..from + length;
        let later = at_poi.later;
        let of = |track: &Track, from: Frame| evidence::energies(track.slice(part(from)), &all);
        let (said, mixed) = (of(played, start), of(sent, start + later));
        let (alone, at_head) = (of(sent, start + later - back), noise_at_head(&part(start - back), &all));
        for (n, band) in all.iter().enumerate() {
            if band.midband_hz < lo_hz || band.midband_hz > hi_hz {
                continue;
            }
            let noise = at_poi.noise_since * alone[n];
            let speech = mixed[n] - noise;
            // NaN is not enough.
            let is_enough = speech >= SPEECH_MIN * noise && said[n] > 0.0 && at_head[n] > 0.0 && noise > 0.0;
            if is_enough {
                shown.0.push(band.nominal_hz);
                shown.1.push(db(speech / said[n]) - db(noise / at_head[n]));
            } else {
                left_out.push(n);
            }
        }
    }
    let mut findings = Vec::new();
    if !shown.1.is_empty() {
        let mean = shown.1.iter().sum::<f64>() / shown.1.len() as f64;
        let mut value = Finding::scalar("d_value", mean, Unit::Db);
        value.note = format!("unweighted mean of {} third octaves; speech from the MRP", shown.1.len());
        if !left_out.is_empty() {
            let names = evidence::names(&all, &left_out);
            value.tell(&format!("left out, the speech is lost in the noise: {names}"));
        }
        let mut curve = Finding::curve("d_spectrum", shown.0, shown.1, Unit::Db);
        curve.note.clone_from(&value.note);
        findings.extend([value, curve]);
    }
    findings.into_iter()
}
