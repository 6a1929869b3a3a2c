//! Cars drawn at random: ideal cabins, so that their truth is exact, and terminals whose every property is a number.
//!
//! A [`Draft`] states what the ratings shall be; [`Draft::build`] solves the gains for them, which only shift them, then
//! puts bends and lines where they make what the draft states.

use lombard::bench::car::Model;
use lombard::bench::car::flaws::{Converter, Nonlinearity};
use lombard::bench::car::reflector::ReflectorSpec;
use lombard::bench::car::spec::{CarSpec, IdleNoise, Moved, NoiseFieldSpec, Weighting};
use lombard::bench::car::truth::Truth;
use lombard::signals::random::Random;
use lombard::terms::Bandwidth;

use super::over_time::OverTime;
use super::truth::{Idle, LINE_HZ};
use super::{beyond, field};
use crate::on_car::spectrum::{density_in_call, density_of};
use crate::on_car::{paths, reference, shipped, tap};

/// A drawn car, and what its terminal does that a car file cannot say.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub(super) car: CarSpec,
    /// The share of each decibel that send loses when the talker gets louder.
    pub(super) compression: f64,
    /// By how much the set-up has moved at the end: from the mouth to the microphone, from the loudspeaker to the ears, in dB.
    pub(super) moved_db: [f64; 2],
    /// What it does over time, where that is what is wrong with it.
    pub(super) over_time: Option<OverTime>,
}

impl Drawn {
    /// The car as a method meets it. The microphone bends only where distortion is measured: what it makes of an echo is
    /// no echo that a canceller could take away, and the truth of the coupling is that of a linear car. Neither does the
    /// loudspeaker bend where images are listened for: its harmonics lie above the band too, and their truth is another.
    pub(super) fn for_method(&self, method: &str) -> CarSpec {
        let mut car = self.car.clone();
        if method != "distortion" {
            car.flaws.microphone = Nonlinearity::default();
        }
        // At the loudest step, where echo is measured, it would make a tenth of the echo and more, which the truth has not.
        if method == "out_of_band" || method.starts_with("echo_") {
            car.flaws.loudspeaker = Nonlinearity::default();
        }
        let dynamics = &mut reference(&mut car).dynamics;
        if let Some(over_time) = self.over_time.as_ref().and_then(|one| one.for_method(method, dynamics)) {
            **dynamics = over_time;
        }
        car
    }

    /// The car as the check at the end finds it.
    pub(super) fn at_the_end(&self) -> CarSpec {
        let [mouth_db, ears_db] = self.moved_db;
        let moved = Some(Moved { after_calls: 1, lips_m: None, mouth_db, ears_db });
        let moved = CarSpec { moved, ..self.for_method("setup_check") }.after_move();
        moved.expect("a car that moves is another car afterwards")
    }
}

/// A car to be, with the ratings that it shall have.
pub(super) struct Draft {
    car: CarSpec,
    slr_db: f64,
    /// RLR of the nominal step.
    rlr_db: f64,
    /// Steps that are louder than the nominal one.
    louder: u32,
    /// Loss of the echo path, unweighted in wideband and above, weighted in narrowband.
    coupling_db: f64,
    /// For how long after a cold start the canceller lacks how much of its loss, in s and dB.
    late: Option<(f64, f64)>,
    compression: f64,
    moved_db: [f64; 2],
    /// The second harmonic that the microphone makes of a sine at the nominal level of send, in percent. A bend of third
    /// order would change the gain with the level, and every rating with it.
    send_percent: f64,
    /// As `send_percent`, of the loudspeaker at the nominal step.
    receive_percent: f64,
    /// How far a line stands out of the idle noise, in dB, and at which bin of the method's analysis.
    line: (f64, u32),
    /// As `line`, of the amplifier.
    hum: (f64, u32),
    /// The hiss of the amplifier at the louder ear, in dBPa(A).
    hiss_dbpa_a: f64,
    /// How far what lies above the band in send lies below it as an alias, in dB.
    alias_db: f64,
    /// How far what lies in the band in receive lies above its images, in dB.
    image_db: f64,
    /// How much too loud a replayed noise is, A-weighted, in dB.
    field_db: f64,
    over_time: Option<OverTime>,
}

pub(super) fn between(random: &mut Random, least: f64, most: f64) -> f64 {
    least + (most - least) * random.uniform()
}

/// A response of straight lines through points an octave or so apart, each within `depth_db` of zero.
fn ripple(random: &mut Random, depth_db: f64) -> Vec<(f64, f64)> {
    [100.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0]
        .map(|hz| (hz, between(random, -depth_db, depth_db)))
        .to_vec()
}

/// A car that is inside every limit, unless chance has it otherwise.
pub(super) fn draw(bandwidth: Bandwidth, random: &mut Random) -> Draft {
    let mut car = shipped(if bandwidth == Bandwidth::Nb { "ideal-nb" } else { "ideal-wb" });
    car.bandwidth = bandwidth;
    "drawn".clone_into(&mut car.name);
    let cabin = paths(&mut car);
    let late_ms =
        |random: &mut Random, least: f64, most: f64| (between(random, least, most) * 48.0).round() / 48.0;
    cabin.mouth_to_microphone = tap(between(random, -27.0, -21.0), late_ms(random, 1.0, 3.0));
    cabin.mouth_to_ears = tap(between(random, -20.0, -16.0), 0.5);
    cabin.loudspeaker_to_microphone = tap(between(random, -8.0, 0.0), late_ms(random, 1.5, 4.0));
    cabin.loudspeaker_to_ears = [0, 1].map(|_| tap(between(random, -9.0, -4.0), late_ms(random, 2.0, 5.0)));
    cabin.loudspeaker_to_reference = tap(between(random, -22.0, -16.0), 2.0);
    // every other car is so quiet in send that a good canceller can be told from noise
    let is_quiet = random.sign() > 0.0;
    let quieter_db = if is_quiet { 18.0 } else { 0.0 };
    car.cabin.noise_microphone_dbpa_a = Some(between(random, -86.0, -78.0) - quieter_db);
    car.cabin.noise_ears_dbpa_a = Some(between(random, -80.0, -70.0));
    car.cabin.noise_reference_dbpa_a = Some(between(random, -80.0, -65.0));
    car.cabin.noise_capsule_dbpa_a = Some(between(random, -90.0, -84.0) - quieter_db);
    car.cabin.noise_field = NoiseFieldSpec { gain_db: 0.0, response: ripple(random, 1.0) };
    car.cabin.noise_spectrum =
        vec![(50.0, 12.0), (200.0, 6.0), (1_000.0, 0.0), (4_000.0, -10.0), (16_000.0, -25.0)];
    let terminal = &mut car.terminal;
    terminal.send_response = in_mask(bandwidth, ripple(random, 1.5));
    terminal.receive_response = ripple(random, 1.5);
    // clipped echo is no linear one, and its truth would be another
    terminal.send_overload_dbpa = Some(40.0);
    // together at least what a lab says that codec and link take
    terminal.send_delay_s = between(random, 0.03, 0.057);
    terminal.receive_delay_s = between(random, 0.03, 0.057);
    terminal.volume_step_db = between(random, 1.2, 2.0);
    let louder = (16.5 / terminal.volume_step_db).ceil() as u32 + (random.uniform() * 4.0) as u32;
    terminal.volume_steps = louder + 1 + (random.uniform() * 6.0) as u32;
    let half_step_db = terminal.volume_step_db / 2.0;
    let level_dbm0 = between(random, -75.0, -67.0) - quieter_db;
    reference(&mut car).idle_noise = Some(IdleNoise { level_dbm0, weighting: weighting(bandwidth) });
    reference(&mut car).echo_loss_db = Some(70.0);
    let turn_s = between(random, 3.0, 6.0);
    car.cabin.reflector = Some(ReflectorSpec { gain_db: -12.0, delay_s: 0.005, extent_s: 0.0005, turn_s });
    reference(&mut car).moving_loss_db = between(random, 45.0, 60.0);
    // The bench's mouth bends too, which is no fault of the car.
    car.flaws.mouth = second_harmonic(between(random, 0.0, 0.2), LEVEL_MRP_DBPA);
    Draft {
        car,
        slr_db: between(random, 10.1, 15.9),
        // away from where the next step is as close
        rlr_db: 2.0 + 0.8 * between(random, -half_step_db, half_step_db),
        louder,
        // 15 dB and more less at the loudest step, where 40 dB are asked for
        coupling_db: between(random, 66.0, 75.0),
        late: None,
        // at most 0.3 dB over 6 dB
        compression: between(random, -0.05, 0.05),
        moved_db: [between(random, -0.35, 0.35), between(random, -0.35, 0.35)],
        send_percent: between(random, 0.0, 2.0),
        receive_percent: between(random, 0.0, 1.5),
        line: (between(random, 5.0, 8.7), between(random, 80.0, 500.0) as u32),
        hum: (between(random, 5.0, 8.7), between(random, 80.0, 500.0) as u32),
        // every other amplifier is quiet: what hiss hides is not told of the car
        hiss_dbpa_a: if random.sign() > 0.0 {
            between(random, -85.0, QUIET_HISS_DBPA_A)
        } else {
            between(random, -70.0, -54.3)
        },
        alias_db: between(random, 36.3, 50.0),
        image_db: between(random, 46.3, 60.0),
        field_db: between(random, -0.45, 0.45),
        over_time: None,
    }
}

/// A hiss of the amplifier that hides nothing.
const QUIET_HISS_DBPA_A: f64 = -75.0;
/// The nominal level of the talker.
const LEVEL_MRP_DBPA: f64 = -1.7;
/// The nominal level at the POI.
const LEVEL_POI_DBM0: f64 = -16.0;

/// The background noise of the quick plans.
const NOISE: &str = "fan-3";

/// A bend that makes a second harmonic only.
fn second_harmonic(quadratic_percent: f64, at_dbpa: f64) -> Nonlinearity {
    Nonlinearity { quadratic_percent, cubic_percent: 0.0, at_dbpa, limit_dbpa: None }
}

/// What the send masks ask for on top of a flat response: in narrowband it rises with frequency.
fn in_mask(bandwidth: Bandwidth, ripple: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let shape =
        |hz: f64| if bandwidth == Bandwidth::Nb { 2.0 * (hz / 1_000.0).log2().clamp(-2.0, 1.5) } else { 0.0 };
    ripple.into_iter().map(|(hz, db)| (hz, db + shape(hz))).collect()
}

fn weighting(bandwidth: Bandwidth) -> Weighting {
    if bandwidth == Bandwidth::Nb { Weighting::Psophometric } else { Weighting::A }
}

impl Draft {
    /// Brings the property of a key (entry and measurand) outside; whether that is known how.
    pub(super) fn spoil(&mut self, key: &str, random: &mut Random) -> bool {
        if !key.contains("idle_noise_receive") {
            self.hiss_dbpa_a = self.hiss_dbpa_a.min(QUIET_HISS_DBPA_A);
        }
        match super::property(key) {
            "slr" => self.slr_db = 13.0 + random.sign() * between(random, 5.1, 7.0),
            // The control does not go low enough: its quietest step is too loud.
            "rlr" => {
                self.rlr_db = between(random, -5.0, -3.2);
                self.car.terminal.volume_steps = self.louder + 1;
            }
            "volume_range" => self.louder = (13.9 / self.car.terminal.volume_step_db).floor() as u32,
            "send_linearity" => self.compression = random.sign() * between(random, 0.106, 0.16),
            "setup_change" => {
                let path = usize::from(random.sign() > 0.0);
                self.moved_db[path] = random.sign() * between(random, 0.66, 1.2);
            }
            "distortion_send" => self.send_percent = between(random, 4.0, 6.0),
            "distortion_receive" => self.receive_percent = between(random, 4.0, 6.0),
            "tcl" | "tclw" => {
                self.coupling_db = between(random, 42.5, 44.9);
                // An echo that noise hides in some bands is a bound and proves nothing (traps): this one stands out.
                self.quiet_in_send();
            }
            "echo_level_max" => {
                self.coupling_db = between(random, 42.0, 45.0);
                self.quiet_in_send();
            }
            // By a canceller that does not follow: what the panel sends back is hardly less than what comes directly.
            "reflector_level_max" => {
                reference(&mut self.car).moving_loss_db = between(random, 0.0, 6.0);
                self.quiet_in_send();
            }
            "echo_spectrum" => {
                let at = [500.0, 1_000.0, 2_000.0][(random.uniform() * 3.0) as usize];
                let depth = -between(random, 6.0, 9.0);
                // the mask of narrowband asks for 20 to 38 dB, the others for 37 to 46 dB
                let less_db = if self.car.bandwidth == Bandwidth::Nb { 10.0 } else { 0.0 };
                self.coupling_db = between(random, 40.0, 43.0) - less_db;
                reference(&mut self.car).echo_loss_response =
                    vec![(at / 1.5, 0.0), (at / 1.2, depth), (at * 1.2, depth), (at * 1.5, 0.0)];
                self.quiet_in_send();
            }
            "echo_convergence" => {
                self.late = Some((between(random, 1.5, 3.0), 40.0));
                self.quiet_in_send();
            }
            "echo_over_noise" => self.late = Some((between(random, 2.0, 3.0), 68.0)),
            "send_sensitivity" => bump(&mut self.car.terminal.send_response, random),
            "receive_sensitivity" => bump(&mut self.car.terminal.receive_response, random),
            "delay_round_trip" => self.car.terminal.send_delay_s += between(random, 0.14, 0.2),
            // with up to 8 ms of the cabin in it
            "delay_implementation" => {
                self.car.terminal.send_delay_s =
                    between(random, 0.137, 0.144) - self.car.terminal.receive_delay_s;
            }
            "out_of_band_send" => {
                self.alias_db = between(random, 29.0, 33.9);
                self.quiet_in_send();
            }
            "out_of_band_receive" => {
                self.image_db = between(random, 38.0, 43.9);
                // Weak images are told from the cabin only where it is quiet.
                self.car.cabin.noise_ears_dbpa_a = Some(-98.0);
                self.hiss_dbpa_a = -98.0;
            }
            property => {
                return self.spoil_field(key, property, random)
                    || self.spoil_noise(property, random)
                    || self.spoil_over_time(property, random);
            }
        }
        true
    }

    /// The same for what it does over time.
    fn spoil_over_time(&mut self, property: &str, random: &mut Random) -> bool {
        let mouth_db = paths(&mut self.car).mouth_to_microphone.map_or(0.0, |tap| tap.gain_db);
        self.over_time = OverTime::outside(property, mouth_db, random);
        // What a terminal makes of the noise that is replayed is not hidden by its own.
        if self.over_time.is_some() {
            self.quiet_in_send();
        }
        self.over_time.is_some()
    }

    /// Nothing hides what arrives weakly at the POI.
    fn quiet_in_send(&mut self) {
        self.car.cabin.noise_microphone_dbpa_a = Some(-98.0);
        self.car.cabin.noise_capsule_dbpa_a = Some(-98.0);
        let noise = reference(&mut self.car).idle_noise.as_mut();
        noise.expect("drawn cars have one").level_dbm0 = -90.0;
    }

    /// The same for what is wrong with the laboratory: its own noise, and the noise that it replays.
    fn spoil_field(&mut self, key: &str, property: &str, random: &mut Random) -> bool {
        let cabin = &mut self.car.cabin;
        let is_for_idle_noise = key.starts_with("ambient_noise_quiet");
        match property {
            "ambient_noise_a" => {
                let level = if is_for_idle_noise {
                    between(random, -62.9, -58.0)
                } else {
                    between(random, -52.8, -51.0)
                };
                cabin.noise_reference_dbpa_a = Some(level);
                if is_for_idle_noise {
                    // where the curve leaves most room to the A-weighted level
                    cabin.noise_spectrum = vec![(50.0, -20.0), (200.0, 0.0), (500.0, 0.0), (1_500.0, -30.0)];
                }
            }
            "ambient_noise_octaves" => {
                // A hiss in the highest octave: quiet enough in sum, too loud there.
                let level = if is_for_idle_noise {
                    between(random, -66.4, -65.2)
                } else {
                    between(random, -56.4, -55.2)
                };
                cabin.noise_reference_dbpa_a = Some(level);
                cabin.noise_spectrum =
                    vec![(50.0, -20.0), (4_000.0, -20.0), (6_500.0, 0.0), (9_500.0, 0.0), (14_000.0, -20.0)];
            }
            "noise_level_deviation" => {
                cabin.noise_field.response.clear();
                self.field_db = random.sign() * between(random, 1.52, 1.7);
            }
            "noise_spectrum_deviation" => {
                let hz = 100.0 * 10f64.powf((random.uniform() * 21.0).floor() / 10.0);
                let height_db = random.sign() * between(random, 5.0, 7.0);
                let beside = 10f64.powf(0.15);
                cabin.noise_field.response = vec![
                    (hz / beside, 0.0),
                    (hz / 1.12, height_db),
                    (hz * 1.12, height_db),
                    (hz * beside, 0.0),
                ];
                self.field_db = between(random, -0.3, 0.3);
            }
            _ => return false,
        }
        true
    }

    /// The same for what is heard of the car while nobody speaks.
    fn spoil_noise(&mut self, property: &str, random: &mut Random) -> bool {
        match property {
            "idle_noise_send_p" | "idle_noise_send_a" => {
                // A louder cabin may be what is heard at the POI.
                self.car.cabin.noise_ears_dbpa_a = Some(between(random, -85.0, -75.0));
                let noise = reference(&mut self.car).idle_noise.as_mut();
                noise.expect("drawn cars have one").level_dbm0 = between(random, -62.9, -60.5);
            }
            "idle_noise_send_peak" => {
                self.car.cabin.noise_ears_dbpa_a = Some(between(random, -85.0, -75.0));
                self.line.0 = between(random, 11.5, 16.0);
            }
            "idle_noise_receive_a" => self.hiss_dbpa_a = between(random, -51.9, -49.0),
            "idle_noise_receive_peak" => {
                // A line that is weaker than the noise of the cabin may be the cabin's.
                self.car.cabin.noise_ears_dbpa_a = Some(-90.0);
                self.hiss_dbpa_a = between(random, -57.0, -55.0);
                self.hum.0 = between(random, 11.5, 16.0);
            }
            _ => return false,
        }
        true
    }

    /// The car, its gains solved for the ratings of the draft.
    pub(super) fn build(self) -> Drawn {
        let mut car = self.car;
        let near = density_of("speech-conditioning", false);
        let far = density_in_call("speech-conditioning", false, car.bandwidth);
        let echo = density_in_call("speech-compressed", true, car.bandwidth);
        let nominal = car.terminal.volume_steps - 1 - self.louder;
        let model = Model::new(car.clone());
        let truth = Truth::of(&model);
        let louder_in_send_db = truth.slr_db(&|hz| near.at(hz)) - self.slr_db;
        let louder_in_receive_db = truth.rlr_db(nominal, &|hz| far.at(hz)) - self.rlr_db;
        let coupling_db = if car.bandwidth == Bandwidth::Nb {
            truth.tclw_db(nominal, &|hz| echo.at(hz))
        } else {
            truth.tcl_db(nominal, &|hz| echo.at(hz))
        };
        car.terminal.send_gain_db += louder_in_send_db;
        car.terminal.receive_gain_db += louder_in_receive_db;
        let more_db = self.coupling_db - coupling_db + louder_in_send_db + louder_in_receive_db;
        let own = reference(&mut car);
        own.echo_loss_db = own.echo_loss_db.map(|loss_db| loss_db + more_db);
        if let (Some((until_s, lack_db)), Some(loss_db)) = (self.late, own.echo_loss_db) {
            let cold = (loss_db - lack_db).max(0.0);
            own.dynamics.convergence = vec![(0.0, cold), (until_s, cold), (until_s + 0.2, loss_db)];
        }
        let at_microphone_db = paths(&mut car).mouth_to_microphone.map_or(0.0, |tap| tap.gain_db);
        car.flaws.microphone = second_harmonic(self.send_percent, LEVEL_MRP_DBPA + at_microphone_db);
        let below_loudest_db = f64::from(self.louder) * car.terminal.volume_step_db;
        let drive_dbpa = LEVEL_POI_DBM0 + car.terminal.receive_gain_db - below_loudest_db;
        car.flaws.loudspeaker = second_harmonic(self.receive_percent, drive_dbpa);
        let field = &mut car.cabin.noise_field;
        field.gain_db = self.field_db - field::level_off_db(NOISE, field, &|_hz| 0.0);
        let ears =
            paths(&mut car).loudspeaker_to_ears.map(|tap| tap.map_or(f64::NEG_INFINITY, |tap| tap.gain_db));
        car.cabin.noise_amplifier_dbpa_a = Some(self.hiss_dbpa_a - ears[0].max(ears[1]));
        let converter = beyond::rate_hz(car.bandwidth).map(|rate_hz| Converter { rate_hz, loss_db: 0.0 });
        (car.flaws.send_converter, car.flaws.receive_converter) = (converter, converter);
        let model = Model::new(car.clone());
        let truth = Truth::of(&model);
        let [line_hz, hum_hz] = [self.line, self.hum].map(|(_, bin)| f64::from(bin) * LINE_HZ);
        let line_dbm0 = Idle::around(&truth, car.bandwidth, line_hz).line_db(self.line.0);
        car.flaws.idle_lines = vec![(line_hz, line_dbm0)];
        car.flaws.amplifier_lines = vec![(hum_hz, Idle::of_hiss(&model).line_db(self.hum.0))];
        let lose = |converter: &mut Option<Converter>, wanted_db: f64, now_db: Option<f64>| {
            if let (Some(converter), Some(now_db)) = (converter, now_db) {
                converter.loss_db = wanted_db - now_db;
            }
        };
        let played = density_in_call("css-fb", false, car.bandwidth);
        let images_db = beyond::images_db(&truth, nominal, &played, car.bandwidth);
        lose(&mut car.flaws.send_converter, self.alias_db, beyond::aliases_db(&truth, car.bandwidth));
        lose(&mut car.flaws.receive_converter, self.image_db, images_db);
        Drawn { car, compression: self.compression, moved_db: self.moved_db, over_time: self.over_time }
    }
}

/// A peak and a dip, an octave or so wide, somewhere in the band: together more than any mask is wide.
fn bump(response: &mut [(f64, f64)], random: &mut Random) {
    let at = 2 + (random.uniform() * 2.0) as usize;
    let height_db = random.sign() * between(random, 9.5, 13.0);
    response[at].1 += height_db;
    response[at + 1].1 -= height_db;
}
