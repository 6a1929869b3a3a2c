//! What the reference terminal does over time: it converges, switches, gives way in double talk, and treats noise.
//!
//! Every property is a number of the car file, and every gain that comes of them can be read sample by sample
//! ([`Gains`]), so that the truth of a metered measurand is the meter's reading of a known course. The detectors hear
//! the talker and the far end each alone, which no real terminal can.
//!
//! A gain goes from one state to another in a straight line of decibels: `build_up_s` from the loss to none,
//! `release_s` from none to the loss.

use crate::bench::car::spec::ResponsePoints;
use crate::bench::car::stage::Block;
use crate::bench::car::{RATE_HZ, response};
use crate::take::BLOCK;
use crate::units::DBOV_AT_0_DBM0;

/// What the terminal does over time. The default is nothing: all is as in the first sample.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dynamics {
    /// What the canceller takes away after so many seconds of an active far end since its cold start, in dB, as straight
    /// lines; after the last point it is converged. Empty: it is from the first sample on.
    pub convergence: Vec<(f64, f64)>,
    /// When a direction counts as active.
    pub detector: Detector,
    /// What is switched while one side speaks, or none.
    pub switching: Option<Switching>,
    /// What changes while both sides speak.
    pub double_talk: DoubleTalk,
    /// What becomes of noise in send.
    pub noise: NoiseControl,
}

/// When a direction counts as active: where the mean square over some milliseconds is above a threshold, and for the
/// hang-over after it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detector {
    /// The talker at the microphone, in dBPa.
    pub send_dbpa: f64,
    /// The far end at the terminal's input, in dBm0.
    pub receive_dbm0: f64,
    /// How long a direction stays active after its last active sample, in seconds.
    pub hang_over_s: f64,
}

impl Default for Detector {
    fn default() -> Self {
        Self { send_dbpa: -55.0, receive_dbm0: -45.0, hang_over_s: 0.2 }
    }
}

/// The time constant of the detectors' mean square: shorter than a build-up that a Recommendation asks for.
const DETECTOR_S: f64 = 0.002;

/// A terminal that lets one direction through at a time, to a degree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Switching {
    /// What send loses while only the far end is active, in dB.
    pub send_loss_db: f64,
    /// What receive loses while only the talker is active, in dB.
    pub receive_loss_db: f64,
    /// What send loses while nobody is, in dB.
    pub send_idle_loss_db: f64,
    /// What receive loses while nobody is, in dB.
    pub receive_idle_loss_db: f64,
    /// How long the loss takes to go.
    pub build_up_s: f64,
    /// How long the loss takes to come.
    pub release_s: f64,
}

/// What changes while both sides are active.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DoubleTalk {
    /// What send loses, in dB.
    pub send_loss_db: f64,
    /// What the talker loses on top at frequencies (positive is more loss).
    pub send_loss_response: ResponsePoints,
    /// What receive loses, in dB.
    pub receive_loss_db: f64,
    /// What the canceller takes away of the echo then; `None` is as ever.
    pub echo_loss_db: Option<f64>,
    /// A switch that chops send, or none.
    pub gate: Option<Gate>,
}

/// A switch that takes send away and gives it back, over and over, as a fast switcher does that cannot decide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// What send loses in every second stretch, in dB.
    pub loss_db: f64,
    /// How long a stretch is, in seconds.
    pub every_s: f64,
}

/// What becomes of noise in send.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NoiseControl {
    /// By how much it is reduced, in dB.
    pub reduction_db: f64,
    /// How long that takes from the call set-up, in a straight line of decibels, in seconds.
    pub settling_s: f64,
    /// What it gains while the far end is active, in dB.
    pub pumping_far_db: f64,
    /// What it gains while the talker is active, in dB.
    pub pumping_near_db: f64,
    /// What stands in for it while only the far end is active.
    pub comfort: Option<Comfort>,
}

/// Comfort noise: what the terminal plays instead of the noise that it hears. It is what it heard a while ago.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comfort {
    /// How much louder it is than the noise that is sent otherwise, in dB.
    pub error_db: f64,
    /// And that much on top at frequencies.
    pub color: ResponsePoints,
}

/// How old the noise is that comfort noise is made of, in samples: long enough to be another stretch of it.
pub const COMFORT_AGE: usize = 62_400;

impl Dynamics {
    /// Whether anything changes over time.
    pub fn is_static(&self) -> bool {
        let noise = &self.noise;
        self.convergence.is_empty()
            && self.switching.is_none()
            && self.double_talk == DoubleTalk::default()
            && *noise == NoiseControl::default()
    }
}

/// The gains of one block, sample by sample, as factors of the amplitude.
#[derive(Debug, Clone, PartialEq)]
pub struct Gains {
    /// Of all that is sent.
    pub send: Block,
    /// Of the shaping that the talker has in double talk: 0 is none, 1 is all of it.
    pub shaped: Block,
    /// Of noise in send, on top of `send`.
    pub noise: Block,
    /// Of comfort noise.
    pub comfort: Block,
    /// Of what the canceller leaves of the echo, over what it leaves when it is converged.
    pub echo: Block,
    /// Of all that is received.
    pub receive: Block,
}

impl Default for Gains {
    fn default() -> Self {
        let (none, whole) = ([0.0; BLOCK], [1.0; BLOCK]);
        Self { send: whole, shaped: none, noise: whole, comfort: none, echo: whole, receive: whole }
    }
}

/// Whether a direction is active, sample by sample.
#[derive(Debug, Clone)]
struct Activity {
    power: f64,
    share: f64,
    threshold: f64,
    hang_over: usize,
    left: usize,
}

impl Activity {
    /// Above a mean square of `threshold`.
    fn new(threshold: f64, hang_over_s: f64) -> Self {
        Self {
            power: 0.0,
            share: 1.0 - (-1.0 / (DETECTOR_S * RATE_HZ)).exp(),
            threshold,
            hang_over: (hang_over_s * RATE_HZ).round() as usize,
            left: 0,
        }
    }

    fn hears(&mut self, sample: f32) -> bool {
        let sample = f64::from(sample);
        self.power += self.share * (sample * sample - self.power);
        if self.power > self.threshold {
            self.left = self.hang_over + 1;
        }
        let active = self.left > 0;
        self.left = self.left.saturating_sub(1);
        active
    }
}

/// A gain that goes to where it is sent in straight lines of decibels.
#[derive(Debug, Clone)]
struct Glide {
    db: f64,
    gain: f32,
    up: f64,
    down: f64,
}

impl Glide {
    /// At `db`, with at most so many decibels per second up and down.
    fn new(db: f64, up_per_s: f64, down_per_s: f64) -> Self {
        Self { db, gain: factor(db), up: up_per_s / RATE_HZ, down: down_per_s / RATE_HZ }
    }

    fn towards(&mut self, db: f64) -> f32 {
        if self.db != db {
            self.db = if db > self.db { (self.db + self.up).min(db) } else { (self.db - self.down).max(db) };
            self.gain = factor(self.db);
        }
        self.gain
    }
}

fn factor(db: f64) -> f32 {
    10f64.powf(db / 20.0) as f32
}

/// What a gain may change by per second where no time is stated: a whole switch in 5 ms.
const BRISK_DB_PER_S: f64 = 4_000.0;

/// The dynamics of a call.
pub struct Running {
    spec: Dynamics,
    converged_db: f64,
    talker: Activity,
    far: Activity,
    send: Glide,
    receive: Glide,
    gate: Glide,
    shaped: f32,
    noise: Glide,
    pumping: Glide,
    comfort: Glide,
    echo: Glide,
    /// Samples of an active far end since the cold start.
    trained: u64,
    /// Samples since the call was set up.
    elapsed: u64,
    /// Whether the talker is active, for the block that is being computed.
    talks: [bool; BLOCK],
    gains: Gains,
}

impl Running {
    /// At the beginning of a call, or `None` where nothing changes over time. `converged_db` is what the canceller takes
    /// away once it has converged.
    pub fn new(spec: &Dynamics, converged_db: f64) -> Option<Self> {
        if spec.is_static() {
            return None;
        }
        let power = |db: f64| 10f64.powf(db / 10.0);
        let switched = spec.switching.unwrap_or(Switching::NONE);
        // A whole loss, the larger one of both that a direction has, takes the time that is stated; where there is none, or
        // nothing is switched, a gain is brisk.
        let glide = |losses_db: [f64; 2], at_db: f64| {
            let loss_db = losses_db[0].abs().max(losses_db[1].abs());
            let rate = |time_s: f64| {
                if loss_db > 0.0 { loss_db / time_s.max(1.0 / RATE_HZ) } else { BRISK_DB_PER_S }
            };
            Glide::new(at_db, rate(switched.build_up_s), rate(switched.release_s))
        };
        let brisk = |db: f64| Glide::new(db, BRISK_DB_PER_S, BRISK_DB_PER_S);
        Some(Self {
            converged_db,
            talker: Activity::new(power(spec.detector.send_dbpa), spec.detector.hang_over_s),
            far: Activity::new(power(spec.detector.receive_dbm0 + DBOV_AT_0_DBM0), spec.detector.hang_over_s),
            send: glide([switched.send_loss_db, switched.send_idle_loss_db], -switched.send_idle_loss_db),
            receive: glide(
                [switched.receive_loss_db, switched.receive_idle_loss_db],
                -switched.receive_idle_loss_db,
            ),
            gate: brisk(0.0),
            shaped: 0.0,
            noise: Glide::new(0.0, f64::INFINITY, f64::INFINITY),
            pumping: brisk(0.0),
            comfort: brisk(SILENT_DB),
            echo: Glide::new(spec.lack_db(0, converged_db), f64::INFINITY, f64::INFINITY),
            trained: 0,
            elapsed: 0,
            talks: [false; BLOCK],
            gains: Gains::default(),
            spec: spec.clone(),
        })
    }

    /// Hears the talker at the microphone, in Pa, before the block is computed: receive gives way in the same sample.
    pub fn listen(&mut self, talker: &Block) {
        self.talks = std::array::from_fn(|at| self.talker.hears(talker[at]));
    }

    /// Computes the gains of a block from the far end, digital, as it stands at the loudspeaker's end of the terminal.
    pub fn follow(&mut self, far: &Block) -> &Gains {
        let switched = self.spec.switching.unwrap_or(Switching::NONE);
        for (at, sample) in far.iter().enumerate() {
            let (talks, hears) = (self.talks[at], self.far.hears(*sample));
            let both = talks && hears;
            let (send_db, receive_db) = match (talks, hears) {
                (true, true) => (self.spec.double_talk.send_loss_db, self.spec.double_talk.receive_loss_db),
                (true, false) => (0.0, switched.receive_loss_db),
                (false, true) => (switched.send_loss_db, 0.0),
                (false, false) => (switched.send_idle_loss_db, switched.receive_idle_loss_db),
            };
            let chopped_db = match self.spec.double_talk.gate {
                Some(gate) if both => gate.loss_at_db(self.elapsed),
                _ => 0.0,
            };
            self.gains.send[at] = self.send.towards(-send_db) * self.gate.towards(-chopped_db);
            self.gains.receive[at] = self.receive.towards(-receive_db);
            let step = (1.0 / (SHAPING_S * RATE_HZ)) as f32;
            self.shaped = if both { (self.shaped + step).min(1.0) } else { (self.shaped - step).max(0.0) };
            self.gains.shaped[at] = self.shaped;
            self.treat_noise(at, talks, hears);
            self.trained += u64::from(hears);
            self.elapsed += 1;
            let lack = match self.spec.double_talk.echo_loss_db {
                Some(loss_db) if both => self.converged_db - loss_db,
                _ => self.spec.lack_db(self.trained, self.converged_db),
            };
            self.gains.echo[at] = self.echo.towards(lack);
        }
        &self.gains
    }

    fn treat_noise(&mut self, at: usize, talks: bool, hears: bool) {
        let noise = &self.spec.noise;
        let settled = if noise.settling_s > 0.0 {
            (self.elapsed as f64 / (noise.settling_s * RATE_HZ)).min(1.0)
        } else {
            1.0
        };
        let reduced = self.noise.towards(-noise.reduction_db * settled);
        let pumped = f64::from(u8::from(hears)) * noise.pumping_far_db
            + f64::from(u8::from(talks)) * noise.pumping_near_db;
        let level = reduced * self.pumping.towards(pumped);
        let stands_in = noise.comfort.is_some() && hears && !talks;
        let comfort = self.comfort.towards(if stands_in { 0.0 } else { SILENT_DB });
        // Equal powers while one goes over into the other.
        let own = (1.0 - comfort * comfort).max(0.0).sqrt();
        self.gains.comfort[at] = if noise.comfort.is_some() { comfort * level } else { 0.0 };
        self.gains.noise[at] = if noise.comfort.is_some() { own * level } else { level };
    }

    /// The gains of the last block.
    pub const fn gains(&self) -> &Gains {
        &self.gains
    }
}

impl Gate {
    /// What send loses in the sample of a call.
    fn loss_at_db(self, sample: u64) -> f64 {
        let stretch = ((self.every_s * RATE_HZ).round() as u64).max(1);
        if sample / stretch % 2 == 1 { self.loss_db } else { 0.0 }
    }
}

/// A gain that is nothing.
const SILENT_DB: f64 = -160.0;
/// How long the shaping of double talk takes to come and to go.
const SHAPING_S: f64 = 0.005;

impl Switching {
    /// Nothing is switched.
    const NONE: Self = Self {
        send_loss_db: 0.0,
        receive_loss_db: 0.0,
        send_idle_loss_db: 0.0,
        receive_idle_loss_db: 0.0,
        build_up_s: 0.0,
        release_s: 0.0,
    };
}

impl Dynamics {
    /// What the canceller takes away less than when it is converged, after so many samples of an active far end, in dB.
    fn lack_db(&self, trained: u64, converged_db: f64) -> f64 {
        let points = &self.convergence;
        let time_s = trained as f64 / RATE_HZ;
        let converges = points.last().is_some_and(|last| time_s < last.0);
        if converges { converged_db - response::straight_at(points, time_s) } else { 0.0 }
    }
}
