//! What a drawn car does over time where that is the property outside: it switches, or does something to noise. A healthy one
//! does neither.
//!
//! Such a car does it where its own method listens only, as the others bend only where distortion is measured: what a switch
//! makes of a response or an echo is another truth. The truths here are worked out on paper, and are outside by more than what
//! a meter of 5 ms adds to them.

use lombard::bench::car::dynamics::{Comfort, Detector, Dynamics, NoiseControl, Switching};
use lombard::finding::Finding;
use lombard::signals::random::Random;
use lombard::units::Unit;

use super::cars::between;

/// What the terminal does, for which method, and what is true of it.
#[derive(Debug, Clone)]
pub(super) struct OverTime {
    method: &'static str,
    dynamics: Dynamics,
    truths: Vec<(&'static str, Truth)>,
}

/// What is true of a measurand.
#[derive(Debug, Clone)]
enum Truth {
    Number(f64, Unit),
    /// Decibels at frequencies, straight over the logarithm of frequency.
    Line(&'static [(f64, f64)]),
}

/// A reading within 3 dB of the final level is what a build-up lasts to.
const REACHED_DB: f64 = 3.0;
/// What a meter of 5 ms adds to a build-up, and what of one is over when it is first read.
const METER_MS: f64 = 2.0;
/// A bump of comfort noise: 17 dB where 12 are allowed.
const BUMP: &[(f64, f64)] = &[(250.0, 0.0), (400.0, 17.0), (630.0, 17.0), (1_000.0, 0.0)];
/// The highest peak of a word or a burst on a detector of 2 ms, over its active level, that is provided for: the truth of an
/// activation is at most so much higher than what is told.
const PEAK_MAX_DB: f64 = 12.0;

impl OverTime {
    /// What brings a property outside, where it is one of these; `mouth_db` is the gain from the mouth to the microphone.
    pub(super) fn outside(property: &str, mouth_db: f64, random: &mut Random) -> Option<Self> {
        let either =
            |random: &mut Random, least: f64, most: f64| random.sign() * between(random, least, most);
        let plain = NoiseControl::default;
        Some(match property {
            "attenuation_range_send" => Self::range([between(random, 25.0, 30.0), 0.0], 40.0),
            "attenuation_range_receive" => Self::range([0.0, between(random, 19.0, 24.0)], 40.0),
            "attenuation_build_up_send" => Self::range([10.0, 0.0], between(random, 90.0, 110.0)),
            "attenuation_build_up_receive" => Self::range([0.0, 10.0], between(random, 90.0, 110.0)),
            "activation_build_up_send" | "activation_build_up_receive" => {
                Self::slow_to_open(property == "activation_build_up_send", between(random, 75.0, 95.0))
            }
            "activation_level_send" => Self::deaf(true, between(random, -18.5, -15.0), mouth_db),
            "activation_level_receive" => Self::deaf(false, between(random, -34.2, -31.0), mouth_db),
            "noise_setup_variation" => {
                let (reduction_db, settling_s) = (between(random, 14.0, 18.0), 3.0);
                // It is read from some 0.2 s after the call began.
                let truth = reduction_db * (1.0 - 0.2 / settling_s);
                let noise = NoiseControl { reduction_db, settling_s, ..plain() };
                Self::of_noise("noise_after_setup", noise, ("noise_setup_variation", truth))
            }
            "noise_far_variation" => {
                let pumping_far_db = either(random, 12.0, 14.0);
                let noise = NoiseControl { pumping_far_db, ..plain() };
                Self::of_noise("noise_under_speech", noise, ("noise_far_variation", pumping_far_db.abs()))
            }
            "noise_near_variation" => {
                let pumping_near_db = either(random, 12.0, 14.0);
                let noise = NoiseControl { pumping_near_db, ..plain() };
                Self::of_noise("noise_under_speech", noise, ("noise_near_variation", pumping_near_db.abs()))
            }
            "comfort_noise_level" => {
                let too_loud = random.sign() > 0.0;
                let error_db = if too_loud { between(random, 4.0, 6.0) } else { between(random, -9.0, -7.5) };
                let comfort = Some(Comfort { error_db, color: Vec::new() });
                let noise = NoiseControl { comfort, ..plain() };
                Self::of_noise("comfort_noise", noise, ("comfort_noise_level", error_db))
            }
            "comfort_noise_spectrum" => {
                let comfort = Some(Comfort { error_db: 0.0, color: BUMP.to_vec() });
                let noise = NoiseControl { comfort, ..plain() };
                let mut colored = Self::of_noise("comfort_noise", noise, ("comfort_noise_level", 0.0));
                colored.truths = vec![("comfort_noise_spectrum", Truth::Line(BUMP))];
                colored
            }
            _ => return None,
        })
    }

    /// A terminal that takes so much away of send and receive while the other side speaks, and gives it back in so long.
    fn range([send_loss_db, receive_loss_db]: [f64; 2], build_up_ms: f64) -> Self {
        let switching = Switching {
            send_loss_db,
            receive_loss_db,
            send_idle_loss_db: 0.0,
            receive_idle_loss_db: 0.0,
            build_up_s: build_up_ms / 1e3,
            release_s: 0.06,
        };
        let (range, build_up) = if send_loss_db > 0.0 {
            ("attenuation_range_send", "attenuation_build_up_send")
        } else {
            ("attenuation_range_receive", "attenuation_build_up_receive")
        };
        let loss_db = send_loss_db + receive_loss_db;
        Self {
            method: "attenuation_range",
            dynamics: Dynamics { switching: Some(switching), ..Dynamics::default() },
            truths: vec![
                (range, Truth::Number(loss_db * (1.0 - METER_MS / build_up_ms), Unit::Db)),
                (build_up, Truth::Number(opened_ms(loss_db, build_up_ms), Unit::Millisecond)),
            ],
        }
    }

    /// A terminal that is closed while nobody speaks.
    fn closed(is_send: bool, build_up_ms: f64, detector: Detector) -> Dynamics {
        let [send_idle_loss_db, receive_idle_loss_db] =
            if is_send { [IDLE_LOSS_DB, 0.0] } else { [0.0, IDLE_LOSS_DB] };
        let switching = Switching {
            send_loss_db: 0.0,
            receive_loss_db: 0.0,
            send_idle_loss_db,
            receive_idle_loss_db,
            build_up_s: build_up_ms / 1e3,
            release_s: 0.06,
        };
        Dynamics { switching: Some(switching), detector, ..Dynamics::default() }
    }

    /// One that opens at the quietest sound, and takes its time.
    fn slow_to_open(is_send: bool, build_up_ms: f64) -> Self {
        let measurand = if is_send { "activation_build_up_send" } else { "activation_build_up_receive" };
        let truth = Truth::Number(opened_ms(IDLE_LOSS_DB, build_up_ms), Unit::Millisecond);
        Self {
            method: "activation",
            dynamics: Self::closed(is_send, build_up_ms, Detector::default()),
            truths: vec![(measurand, truth)],
        }
    }

    /// One that opens at once, but for nothing that is quieter than so much.
    fn deaf(is_send: bool, least_db: f64, mouth_db: f64) -> Self {
        let peak_db = least_db + PEAK_MAX_DB;
        let plain = Detector { hang_over_s: 0.15, ..Detector::default() };
        let (detector, measurand, unit) = if is_send {
            (Detector { send_dbpa: peak_db + mouth_db, ..plain }, "activation_level_send", Unit::DbPa)
        } else {
            (Detector { receive_dbm0: peak_db, ..plain }, "activation_level_receive", Unit::Dbm0)
        };
        Self {
            method: "activation",
            dynamics: Self::closed(is_send, 5.0, detector),
            truths: vec![(measurand, Truth::Number(least_db, unit))],
        }
    }

    fn of_noise(method: &'static str, noise: NoiseControl, (measurand, db): (&'static str, f64)) -> Self {
        // What the talker does to the noise lasts into the first tenths after it.
        let detector = Detector { hang_over_s: 0.35, ..Detector::default() };
        Self {
            method,
            dynamics: Dynamics { noise, detector, ..Dynamics::default() },
            truths: vec![(measurand, Truth::Number(db, Unit::Db))],
        }
    }

    /// What the terminal does where `method` listens, on top of what it does anyway.
    pub(super) fn for_method(&self, method: &str, anyway: &Dynamics) -> Option<Dynamics> {
        let convergence = anyway.convergence.clone();
        (self.method == method).then(|| Dynamics { convergence, ..self.dynamics.clone() })
    }

    /// What is true of a measurand, where this makes it.
    pub(super) fn truth(&self, measurand: &str, all_hz: &[f64]) -> Option<Finding> {
        let (name, truth) = self.truths.iter().find(|(name, _)| *name == measurand)?;
        Some(match truth {
            Truth::Number(value, unit) => Finding::scalar(name, *value, *unit),
            Truth::Line(points) => {
                let values = all_hz.iter().map(|hz| on_line(points, *hz)).collect();
                Finding::curve(name, all_hz.to_vec(), values, Unit::Db)
            }
        })
    }
}

/// What a closed terminal takes away.
const IDLE_LOSS_DB: f64 = 15.0;

/// When a loss that goes in a straight line of decibels is within 3 dB of none.
fn opened_ms(loss_db: f64, build_up_ms: f64) -> f64 {
    build_up_ms * (1.0 - REACHED_DB / loss_db) + METER_MS
}

/// Straight between points over the logarithm of frequency, level beyond the ends.
fn on_line(points: &[(f64, f64)], hz: f64) -> f64 {
    let (first, last) = (points[0], points[points.len() - 1]);
    let on = points.windows(2).find(|pair| (pair[0].0..pair[1].0).contains(&hz));
    on.map_or(if hz < first.0 { first.1 } else { last.1 }, |pair| {
        let share = (hz / pair[0].0).ln() / (pair[1].0 / pair[0].0).ln();
        pair[0].1 + share * (pair[1].1 - pair[0].1)
    })
}
