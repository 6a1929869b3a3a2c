//! What the methods of switching share: where a direction is played and recorded, and what its path makes of a sound while
//! it is open.
//!
//! A part of each take is speech at the nominal level from the side under test, nothing else playing: the *reference*. From
//! it come the delay of the path and its response (the estimator H1, weighted by the coherence), and with them the
//! recording that is *expected* of any other sound if nothing is switched. What is switched is the difference between the
//! expected and the real recording; neither the response of the path nor the room is in it. Without that a voiced sound at
//! 329 Hz, with which a composite source signal begins, would build up late in every terminal that is weak there.
//!
//! Expected and real recording go through a high-pass (Butterworth, second order, 100 Hz) before they are read: the low end of
//! the noise of a cabin, tens of decibels above the rest, would hide quiet sounds at an ear. A-weighting would do more, and
//! too much: on a meter of 5 ms a weighted noise is within 3 dB milliseconds before or after the noise itself.
//!
//! In receive both ears are recorded and the one is read at which the reference stands out of the noise most: what is
//! switched is the same at both.

pub use super::call::NOISE;
use super::call::{self, CONDITIONING, Checks, DELAY_MAX, LEVEL_MRP, LEVEL_POI, Timeline, quantity};
use super::echo::{self, db};
use super::evidence;
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx, Track};
use crate::dsp::filter::Cascade;
use crate::dsp::level::mean_square;
use crate::dsp::spectrum::{Bin, WelchSettings, fft_convolve, inverse};
use crate::dsp::transfer::Transfer;
use crate::entry::{Entry, Param};
use crate::finding::Unmeasurable;
use crate::take::{Frame, RATE, frames};
use crate::terms::{Direction, Port};
use crate::units::{Quantity, Seconds, Unit};

/// Which way is tested.
pub const DIRECTION: Param<Direction> =
    Param::required("direction", "Whether what is switched in send or in receive is measured.");
/// The silence of a take.
pub const IDLE: Param<Seconds> =
    Param::with_default("idle", "The silence before, from which the noise is known.", "1 s");

/// The span of the speech that tells the path.
pub const REFERENCE: &str = "reference";
/// A segment of the estimate of the path: several times what a cabin reverberates for.
const SEGMENT: usize = 8_192;
/// How much of the answer of a path is kept, in frames: 85 ms.
const TAPS: usize = 4_096;
/// How much of it may come before the delay that is found, as a codec's filters let it.
const LEAD: usize = 64;
/// What is below this is left out.
const LOW_END_HZ: f64 = 100.0;
/// Where less of the recording follows the speech, as below its lowest tones in the noise of a cabin, the path is not known:
/// what was estimated there would be noise.
const KNOWN_COHERENCE: f64 = 0.5;
/// The path is not known either where the speech is so weak beside its strongest tones, 70 dB: above the band of its recording
/// there is nothing but rounding, and what noise is over that by chance is an immense gain.
const SPOKEN_SHARE: f64 = 1e-7;
/// A reference that is this far above the noise has arrived.
const ARRIVED_DB: f64 = 6.0;
/// A path that lets nothing through is taken for one that is so much quieter than a nominal one, where it has to be told
/// whether noise could hide what it let through.
const QUIETER_DB: f64 = 10.0;
/// A path that is so much quieter than a nominal one is shut: no volume control and no talker explains it.
const SHUT_DB: f64 = 40.0;
/// From dBPa at the MRP to dBm0 with a sending loudness rating of 13 dB (recommendations: −1.7 dBPa gives −18 dBm0).
const NOMINAL_SEND_DB: f64 = -16.3;
/// From dBm0 to dBPa at an ear with a receiving loudness rating of 2 dB (−16 dBm0 gives −24 dBPa).
const NOMINAL_RECEIVE_DB: f64 = -8.0;

/// Where a direction begins and ends.
pub struct Way {
    /// The direction.
    pub direction: Direction,
    /// Where its sounds are played.
    pub source: Port,
    /// In which plane.
    pub played_in: Unit,
    /// Where they are recorded.
    pub sinks: Vec<Port>,
    /// In which plane.
    pub recorded_in: Unit,
}

impl Way {
    /// The way of an entry in a direction.
    pub fn of(direction: Direction, entry: &Entry) -> Self {
        let (played_in, recorded_in) = match direction {
            Direction::Send => (Unit::DbPa, Unit::Dbm0),
            Direction::Receive => (Unit::Dbm0, Unit::DbPa),
        };
        let (source, sinks) = (call::source_port(direction, entry), call::sink_ports(direction, entry));
        Self { direction, source, played_in, sinks, recorded_in }
    }

    /// The nominal level of its sounds.
    pub fn nominal(&self, entry: &Entry) -> Quantity {
        match self.direction {
            Direction::Send => quantity(entry.parameters.get(&LEVEL_MRP)),
            Direction::Receive => quantity(entry.parameters.get(&LEVEL_POI)),
        }
    }

    /// What every entry needs that looks this way, in a quiet car.
    pub fn checks(&self, entry: &Entry, cx: &PlanCx<'_>) -> Checks {
        let mut checks = Checks::default();
        checks.plays(cx, &self.source);
        for port in &self.sinks {
            checks.records(cx, port);
        }
        checks.delay_max(entry);
        checks.at_least(entry, &IDLE, Seconds(0.5), "the noise is known from it");
        checks.wait(entry, &IDLE);
        checks.quiet(entry);
        checks
    }

    /// A take after its silence.
    pub fn take(name: &str, entry: &Entry) -> Timeline {
        Timeline::after_silence(name, entry.parameters.get(&IDLE))
    }

    /// The speech from which the path is known, and time for it to arrive.
    pub fn reference(&self, take: &mut Timeline, entry: &Entry, cx: &PlanCx<'_>) {
        let speech = entry.parameters.get(&CONDITIONING);
        let at = take.play(&self.source, &speech, self.nominal(entry), cx);
        take.name_span(REFERENCE, at..at + cx.signal(&speech.0).frames);
        take.wait(entry.parameters.get(&DELAY_MAX));
    }

    /// From the plane that it is played in to that which it is recorded in.
    const fn nominal_gain_db(&self) -> f64 {
        match self.direction {
            Direction::Send => NOMINAL_SEND_DB,
            Direction::Receive => NOMINAL_RECEIVE_DB,
        }
    }

    /// The gain of a path that is quieter than any that can be meant.
    fn quietest(&self) -> f64 {
        10f64.powf((self.nominal_gain_db() - QUIETER_DB) / 20.0)
    }
}

/// What a path makes of a sound while it is open.
#[derive(Debug, Clone)]
pub struct Path {
    /// How much later its sound arrives, in frames.
    pub later: Frame,
    /// Its answer to an impulse, from `LEAD` frames before that on.
    taps: Vec<f64>,
}

impl Path {
    /// The path from a played to a recorded track, from the sound in `span`; `None` where nothing that belongs to it
    /// arrived.
    fn read(
        played: &Track,
        recorded: &Track,
        span: &std::ops::Range<Frame>,
        delay_max: Seconds,
    ) -> Option<Self> {
        let said = played.slice(span.clone());
        let heard = recorded.slice(span.start..span.end + frames(delay_max));
        let delay = echo::delay(said, heard, delay_max)?;
        let later = (delay.0 * f64::from(RATE)).round().max(0.0) as Frame;
        let from = (span.start + later).checked_sub(LEAD as Frame)?;
        let heard = recorded.slice(from..from + said.len() as Frame);
        let relation = Transfer::new(said, heard, RATE, &WelchSettings::hann(SEGMENT)).ok()?;
        let strongest = relation.input.density.iter().copied().fold(0.0, f64::max);
        let weighed = |((gain, coherence), said): ((Bin, f64), &f64)| {
            // NaN, where the speech has nothing, is not known.
            let is_known = coherence >= KNOWN_COHERENCE && *said > SPOKEN_SHARE * strongest;
            if is_known { gain * coherence } else { Bin::new(0.0, 0.0) }
        };
        let relations = relation.response().into_iter().zip(relation.coherence());
        let bins: Vec<Bin> = relations.zip(&relation.input.density).map(weighed).collect();
        let mut taps = inverse(&bins, SEGMENT);
        taps.truncate(TAPS);
        // What is left of the answer at its end goes out without a step.
        for (n, tap) in taps.iter_mut().enumerate().skip(TAPS / 2) {
            *tap *= (2.0 * (1.0 - n as f64 / TAPS as f64)).min(1.0);
        }
        Some(Self { later, taps })
    }

    /// What arrives of a sound: frame n of it belongs to frame n of the sound, and to frame n + `later` of a recording.
    pub fn expected(&self, said: &[f64]) -> Vec<f64> {
        let mut padded = said.to_vec();
        padded.resize(said.len() + LEAD, 0.0);
        fft_convolve(&padded, &self.taps)[LEAD..LEAD + said.len()].to_vec()
    }
}

/// What is left of a sound above the low end of the noise of a cabin.
fn without_low_end(samples: &[f64]) -> Vec<f64> {
    Cascade::butterworth_highpass(2, RATE, LOW_END_HZ).filtered(samples)
}

/// The recording of a direction, at the place where it is heard best.
pub struct Heard {
    /// What was played.
    pub played: Track,
    /// Where it was recorded.
    pub port: Port,
    /// The recording.
    pub recorded: Track,
    /// The recording without its low end, filtered as a whole: the filter has forgotten its beginning where anything is read.
    pub filtered: Vec<f64>,
    /// The power of a recording that cannot be told from silence.
    pub silence: f64,
    /// What the path does while it is open.
    pub path: Path,
    /// Whether that is known. Otherwise nothing of the reference arrived, and the path is one that is quieter than any that
    /// can be meant.
    pub is_heard: bool,
}

impl Heard {
    /// The recording of a way in a take.
    ///
    /// # Errors
    /// As [`evidence::captured`]; what arrived while the reference was played does not belong to it.
    pub fn of(way: &Way, entry: &Entry, take: &Take, cx: &EvalCx<'_>) -> Result<Self, Unmeasurable> {
        let played = evidence::played(cx, take, &way.source, way.played_in)?;
        let delay_max = entry.parameters.get(&DELAY_MAX);
        let (span, idle) = (take.span(REFERENCE), take.span(NOISE));
        let said = without_low_end(&played.samples);
        let mut best: Option<(f64, Self)> = None;
        for port in &way.sinks {
            let recorded = evidence::captured(cx, take, port, way.recorded_in)?;
            let silence = evidence::coded_silence(cx, port);
            let heard = without_low_end(&recorded.samples);
            let power = |span: &std::ops::Range<Frame>| {
                mean_square(&heard[span.start as usize..span.end as usize]).max(silence)
            };
            let over_noise_db = db(power(&span)) - db(power(&idle));
            if best.as_ref().is_some_and(|(most_db, _)| *most_db >= over_noise_db) {
                continue;
            }
            // What is left of a sound behind a shut path is no path.
            let gain_db = db(power(&span)) - db(mean_square(&said[span.start as usize..span.end as usize]));
            let is_shut = gain_db < way.nominal_gain_db() - SHUT_DB;
            let path = if is_shut { None } else { Path::read(&played, &recorded, &span, delay_max) };
            if path.is_none() && !is_shut && over_noise_db >= ARRIVED_DB {
                return Err(Unmeasurable::because(format!(
                    "what arrived at {port} while speech was played on {} does not belong to it: look for another sound, and \
                     for a delay beyond 'delay_max'",
                    way.source
                )));
            }
            let is_heard = path.is_some();
            let path = path.unwrap_or_else(|| {
                let mut taps = vec![0.0; LEAD + 1];
                taps[LEAD] = way.quietest();
                Path { later: 0, taps }
            });
            let (played, port) = (played.clone(), port.clone());
            best = Some((
                over_noise_db,
                Self { played, port, recorded, filtered: heard, silence, path, is_heard },
            ));
        }
        let found = best.ok_or_else(|| Unmeasurable::because("nothing was recorded".to_owned()))?;
        Ok(found.1)
    }

    /// What is expected of the sound in a span of the played track, without its low end.
    pub fn expected(&self, span: std::ops::Range<Frame>) -> Vec<f64> {
        without_low_end(&self.path.expected(self.played.slice(span)))
    }

    /// The recording of what was played in a span, without its low end.
    pub fn arrived(&self, span: std::ops::Range<Frame>) -> &[f64] {
        let end = ((span.end + self.path.later) as usize).min(self.filtered.len());
        &self.filtered[((span.start + self.path.later) as usize).min(end)..end]
    }

    /// How the path is told to a reader.
    pub fn told(&self) -> String {
        if self.is_heard {
            format!("{}, {:.1} ms later", self.port, self.path.later as f64 * 1e3 / f64::from(RATE))
        } else {
            format!(
                "{}: nothing of the speech at nominal level arrived, or {SHUT_DB} dB less than nominal; held against a path {QUIETER_DB} dB quieter than a \
                 nominal one",
                self.port
            )
        }
    }
}
