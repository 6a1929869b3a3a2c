//! What is true of a drawn car, as findings that a limit can be held to: from its model, by no method.

use std::sync::Arc;

use lombard::bench::car::Model;
use lombard::bench::car::noise::weight_db;
use lombard::bench::car::spec::{IdealPaths, PathsSpec, TapSpec, Weighting};
use lombard::bench::car::truth::{Truth, taps_response};
use lombard::entry::{Entry, ParameterValue};
use lombard::finding::Finding;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Direction, Ear};
use lombard::units::Unit;

use super::cars::Drawn;
use super::over_time::OverTime;
use super::{beyond, echo, field};
use crate::on_car::spectrum::{Density, density_in_call, density_of};

/// Midbands of P.79, bands 1 to 20: the nominal frequencies.
const NOMINAL_HZ: [f64; 20] = [
    100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0, 1000.0, 1250.0, 1600.0, 2000.0,
    2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0,
];

/// Octaves of the noise in the car, nominal, in Hz.
const OCTAVES_HZ: [f64; 8] = [63.0, 125.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0];

/// The bins in which lines are looked for: 8 192 frames at 48 kHz, Hann window. In the middle of one a line is told
/// exactly.
pub(super) const LINE_HZ: f64 = 48_000.0 / 8_192.0;
/// The width of a Hann window that noise and a line share: 1.5 bins.
const LINE_WIDTH_HZ: f64 = 1.5 * LINE_HZ;
/// What belongs to a line on either side.
const LINE_HALF_HZ: f64 = 3.5 * LINE_HZ;

/// The idle noise where a line stands: mean squares per Hz, of 0 dBm0 at the POI in send, of 1 Pa in receive.
pub(super) struct Idle {
    here: f64,
    around: f64,
}

impl Idle {
    /// The hiss of the amplifier at 1 m, which is the same everywhere.
    pub(super) fn of_hiss(model: &Model) -> Self {
        let here = hiss_density(model);
        Self { here, around: here }
    }

    /// The noise of a car in send at `line_hz` and in the octave around it.
    pub(super) fn around(truth: &Truth<'_>, bandwidth: Bandwidth, line_hz: f64) -> Self {
        let density = |hz: f64| {
            let half_hz = LINE_HZ / 2.0;
            let level = truth.idle_noise_send_dbm0(Weighting::A, (hz - half_hz, hz + half_hz));
            10f64.powf((level - weight_db(Weighting::A, hz)) / 10.0) / LINE_HZ
        };
        let (lo_hz, hi_hz) = counted_hz(bandwidth);
        let from_hz = (line_hz * std::f64::consts::FRAC_1_SQRT_2).max(lo_hz);
        let to_hz = (line_hz * std::f64::consts::SQRT_2).min(hi_hz);
        let bins = (from_hz / LINE_HZ).round() as u32..=(to_hz / LINE_HZ).round() as u32;
        let others =
            bins.map(|bin| f64::from(bin) * LINE_HZ).filter(|hz| (hz - line_hz).abs() > LINE_HALF_HZ);
        let densities: Vec<f64> = others.map(density).collect();
        Self { here: density(line_hz), around: densities.iter().sum::<f64>() / densities.len() as f64 }
    }

    /// How far a line of this level stands out, in dB.
    fn peak_db(&self, line_db: f64) -> f64 {
        10.0 * ((10f64.powf(line_db / 10.0) / LINE_WIDTH_HZ + self.here) / self.around).log10()
    }

    /// The level of a line that stands out so far.
    pub(super) fn line_db(&self, peak_db: f64) -> f64 {
        10.0 * ((10f64.powf(peak_db / 10.0) * self.around - self.here).max(0.0) * LINE_WIDTH_HZ).log10()
    }
}

/// The hiss of the amplifier at 1 m, in Pa²/Hz: white.
fn hiss_density(model: &Model) -> f64 {
    let hiss = model.amplifier_noise.as_ref();
    hiss.map_or(0.0, |noise| noise.gain.powi(2) / (48_000.0 / 2.0))
}

/// What an ideal path makes of a power.
fn path_power(tap: Option<TapSpec>) -> f64 {
    tap.map_or(0.0, |tap| 10f64.powf(tap.gain_db / 10.0))
}

/// Where idle noise and distortion count.
pub(super) fn counted_hz(bandwidth: Bandwidth) -> (f64, f64) {
    match bandwidth {
        Bandwidth::Nb => (200.0, 4_000.0),
        Bandwidth::Wb => (100.0, 8_000.0),
        Bandwidth::Swb => (100.0, 14_000.0),
        Bandwidth::Fb => (100.0, 20_000.0),
    }
}

/// The truth of a car.
pub(super) struct CarTruth {
    model: Model,
    compression: f64,
    moved_db: [f64; 2],
    over_time: Option<OverTime>,
    nominal: u32,
}

impl CarTruth {
    /// The truth of `car`.
    pub(super) fn of(drawn: &Drawn) -> Self {
        let model = Model::new(drawn.car.clone());
        let nominal = nominal_step(&model);
        let over_time = drawn.over_time.clone();
        Self { model, compression: drawn.compression, moved_db: drawn.moved_db, over_time, nominal }
    }

    fn bandwidth(&self) -> Bandwidth {
        self.model.spec.bandwidth
    }

    /// The nominal volume step.
    pub(super) fn nominal_step(&self) -> u32 {
        self.nominal
    }

    fn step(&self, entry: &Entry) -> u32 {
        match entry.volume {
            Volume::Nominal => self.nominal,
            Volume::NominalPlus(steps) => self.nominal.saturating_add_signed(steps),
            Volume::Maximum => self.model.spec.terminal.volume_steps - 1,
            Volume::Step(step) => step,
        }
    }

    /// By how much an echo comes later, as the bench knows it: to the ear and from the mouth, with the network.
    pub(super) fn loop_ms(&self) -> f64 {
        let truth = self.of_model();
        let white = |_hz: f64| 1.0;
        let receive_s = Ear::ALL.iter().map(|ear| truth.receive_delay_s(*ear, &white));
        let car_s = truth.send_delay_s(&white) + receive_s.fold(f64::INFINITY, f64::min);
        let network_s = Direction::ALL.iter().map(|one| truth.network_delay_s(*one)).sum::<f64>();
        (car_s + network_s) * 1e3
    }

    /// The truth of its model: designed once for all findings.
    pub(super) fn of_model(&self) -> Truth<'_> {
        Truth::of(&self.model)
    }

    /// What a right method finds of a measurand; `None` where no figure is known.
    pub(super) fn finding(&self, truth: &Truth<'_>, entry: &Entry, measurand: &str) -> Option<Finding> {
        let played = signal(entry);
        let near = played.as_ref().map(|id| density_of(id, false));
        let far =
            played.as_ref().map(|id| density_in_call(id, measurand.starts_with("tcl"), self.bandwidth()));
        let at =
            |density: &Option<Arc<Density>>, hz: f64| density.as_ref().map_or(f64::NAN, |one| one.at(hz));
        let near = |hz: f64| at(&near, hz);
        let far = |hz: f64| at(&far, hz);
        let db = |value| Some(Finding::scalar(measurand, value, Unit::Db));
        match measurand {
            "slr" => db(truth.slr_db(&near)),
            "rlr" => db(truth.rlr_db(self.step(entry), &far)),
            "volume_range" => {
                let terminal = &self.model.spec.terminal;
                let louder = terminal.volume_steps - 1 - self.nominal;
                db(f64::from(louder) * terminal.volume_step_db)
            }
            "send_linearity" => db((self.compression * 6.0).abs()),
            "ambient_noise_a" => {
                let density = |hz: f64| self.density_at_head(hz, is_call_up(entry));
                let power = field::power(&density, (20.0, 20_000.0), Some(Weighting::A));
                Some(Finding::scalar(measurand, 10.0 * power.log10(), Unit::DbPaA))
            }
            "ambient_noise_octaves" => Some(self.octaves(measurand, is_call_up(entry))),
            "noise_level_deviation" | "noise_spectrum_deviation" => self.field(entry, measurand),
            "setup_change" => db(self.moved_db.iter().fold(0.0, |most, db| db.abs().max(most))),
            "distortion_send" | "distortion_receive" => self.distortion(truth, entry, measurand),
            "tclw" => db(truth.tclw_db(self.step(entry), &far)),
            "tcl" => db(truth.tcl_db(self.step(entry), &far)),
            "send_sensitivity" => {
                Some(self.curve(measurand, truth.send_sensitivities_dbv(&near), Unit::DbVPerPa))
            }
            "receive_sensitivity" => {
                let bands = truth.receive_sensitivities_dbpa(self.step(entry), &far);
                Some(self.curve(measurand, bands, Unit::DbPaPerV))
            }
            "delay_round_trip" | "delay_implementation" => {
                // The correlation is white within the band, and the drawn paths are single taps.
                let white = |_hz: f64| 1.0;
                let receive_s = Ear::ALL.iter().map(|ear| truth.receive_delay_s(*ear, &white));
                let round_trip_s = truth.send_delay_s(&white) + receive_s.fold(f64::INFINITY, f64::min);
                let taken_s =
                    if measurand == "delay_implementation" { quantity(entry, "inherent")? } else { 0.0 };
                Some(Finding::scalar(measurand, (round_trip_s - taken_s) * 1e3, Unit::Millisecond))
            }
            "out_of_band_send" => db(beyond::aliases_db(truth, self.bandwidth())?),
            "out_of_band_receive" => {
                let far = density_in_call(&played?, false, self.bandwidth());
                db(beyond::images_db(truth, self.step(entry), &far, self.bandwidth())?)
            }
            "idle_noise_send_p" => {
                Some(Finding::scalar(measurand, self.idle_db(truth, Weighting::Psophometric), Unit::Dbm0P))
            }
            "idle_noise_send_a" => {
                Some(Finding::scalar(measurand, self.idle_db(truth, Weighting::A), Unit::Dbm0A))
            }
            "idle_noise_send_peak" => {
                let (line_hz, line_dbm0) = *self.model.spec.flaws.idle_lines.first()?;
                db(Idle::around(truth, self.bandwidth(), line_hz).peak_db(line_dbm0))
            }
            "idle_noise_receive_a" => {
                let lines = self.model.spec.flaws.amplifier_lines.iter();
                let lines = lines.map(|(hz, dbpa)| 10f64.powf((dbpa + weight_db(Weighting::A, *hz)) / 10.0));
                let hiss = |_hz: f64| hiss_density(&self.model);
                let hiss = field::power(&hiss, (20.0, 20_000.0), Some(Weighting::A));
                let ears = self.paths().loudspeaker_to_ears.map(path_power);
                let louder = ears[0].max(ears[1]) * (hiss + lines.sum::<f64>());
                Some(Finding::scalar(measurand, 10.0 * louder.log10(), Unit::DbPaA))
            }
            "idle_noise_receive_peak" => {
                // Hiss and line come by one path to each ear.
                let (_, line_dbpa) = *self.model.spec.flaws.amplifier_lines.first()?;
                db(Idle::of_hiss(&self.model).peak_db(line_dbpa))
            }
            _ => self
                .echo(truth, entry, measurand)
                .or_else(|| self.over_time(measurand))
                .or_else(|| self.of_one_that_switches_nothing(measurand)),
        }
    }

    /// The truth of the echo.
    fn echo(&self, truth: &Truth<'_>, entry: &Entry, measurand: &str) -> Option<Finding> {
        let played = signal(entry);
        match measurand {
            "echo_level_max" => {
                let level = quantity(entry, "level_poi")?;
                Some(echo::level_max(truth, self.step(entry), (&played?, self.bandwidth()), level))
            }
            "reflector_level_max" => {
                let (signal, level) = ((played.as_deref()?, self.bandwidth()), quantity(entry, "level_poi")?);
                echo::turning_max(truth, &self.model.spec, self.step(entry), signal, level)
            }
            "echo_spectrum" => Some(echo::spectrum(truth, self.step(entry), self.bandwidth())),
            "echo_convergence" => {
                let signal = (played.as_deref()?, self.bandwidth());
                Some(echo::convergence(truth, &self.model.spec, self.step(entry), signal))
            }
            "echo_over_noise" => {
                let signal = (played.as_deref()?, self.bandwidth());
                let noise = (entry.noise.as_ref()?.signal.as_str(), quantity(entry, "level_poi")?);
                Some(echo::over_noise(truth, &self.model.spec, self.step(entry), signal, noise))
            }
            _ => None,
        }
    }

    /// What the terminal does over time, if it does anything.
    fn over_time(&self, measurand: &str) -> Option<Finding> {
        let top_hz = counted_hz(self.bandwidth()).1;
        let hz: Vec<f64> = NOMINAL_HZ.iter().copied().filter(|hz| *hz <= top_hz).collect();
        self.over_time.as_ref()?.truth(measurand, &hz)
    }

    /// No healthy car switches: the quietest burst passes at once, on a meter that takes 3.5 ms to rise, and noise stays as it is.
    fn of_one_that_switches_nothing(&self, measurand: &str) -> Option<Finding> {
        let db = |value| Some(Finding::scalar(measurand, value, Unit::Db));
        match measurand {
            "activation_level_send" => Some(Finding::scalar(measurand, -23.0, Unit::DbPa)),
            "activation_level_receive" => Some(Finding::scalar(measurand, -38.7, Unit::Dbm0)),
            "activation_build_up_send"
            | "activation_build_up_receive"
            | "attenuation_build_up_send"
            | "attenuation_build_up_receive" => Some(Finding::scalar(measurand, 3.5, Unit::Millisecond)),
            "attenuation_range_send"
            | "attenuation_range_receive"
            | "noise_setup_variation"
            | "noise_far_variation"
            | "noise_near_variation"
            | "comfort_noise_level" => db(0.0),
            "comfort_noise_spectrum" => {
                let hz = NOMINAL_HZ.iter().copied().filter(|hz| *hz <= counted_hz(self.bandwidth()).1);
                let (hz, off): (Vec<f64>, Vec<f64>) = hz.map(|hz| (hz, 0.0)).unzip();
                Some(Finding::curve(measurand, hz, off, Unit::Db))
            }
            _ => None,
        }
    }

    /// The noise of the terminal with its lines, weighted, in dBm0.
    fn idle_db(&self, truth: &Truth<'_>, weighting: Weighting) -> f64 {
        let noise = truth.idle_noise_send_dbm0(weighting, counted_hz(self.bandwidth()));
        let lines = &self.model.spec.flaws.idle_lines;
        let lines = lines.iter().map(|(hz, level)| level + weight_db(weighting, *hz));
        let power: f64 = lines.chain([noise]).map(|level| 10f64.powf(level / 10.0)).sum();
        10.0 * power.log10()
    }

    fn paths(&self) -> &IdealPaths {
        match &self.model.spec.cabin.paths {
            PathsSpec::Ideal(paths) => paths,
            PathsSpec::Shoebox(_) => panic!("drawn cars have ideal cabins"),
        }
    }

    /// The noise at the driver's head in Pa²/Hz: that of the cabin, and in a call the hiss of the amplifier.
    fn density_at_head(&self, hz: f64, call_up: bool) -> f64 {
        let cabin = self.model.reference_noise.as_ref().map_or(0.0, |noise| {
            let shape = if noise.taps.is_empty() { 1.0 } else { taps_response(&noise.taps, hz).power() };
            noise.gain.powi(2) * shape / (48_000.0 / 2.0)
        });
        let hiss = hiss_density(&self.model) * path_power(self.paths().loudspeaker_to_reference);
        cabin + if call_up { hiss } else { 0.0 }
    }

    /// The noise at the driver's head by octave.
    fn octaves(&self, measurand: &str, call_up: bool) -> Finding {
        let level = |nominal_hz: f64| {
            // Octaves of IEC 61260-1 by the base of ten: 1 kHz times powers of 10^0.3.
            let middle_hz = 1e3 * 10f64.powf(0.3 * (nominal_hz / 1e3).log2().round());
            let band_hz = (middle_hz / 10f64.powf(0.15), middle_hz * 10f64.powf(0.15));
            10.0 * field::power(&|hz| self.density_at_head(hz, call_up), band_hz, None).log10()
        };
        Finding::curve(measurand, OCTAVES_HZ.to_vec(), OCTAVES_HZ.map(level).to_vec(), Unit::DbPa)
    }

    /// By how much the replayed noise of an entry misses its recording.
    fn field(&self, entry: &Entry, measurand: &str) -> Option<Finding> {
        let signal = &entry.noise.as_ref()?.signal;
        let missed = &self.model.spec.cabin.noise_field;
        let own = |hz: f64| self.density_at_head(hz, true);
        if measurand == "noise_level_deviation" {
            return Some(Finding::scalar(measurand, field::level_off_db(signal, missed, &own), Unit::Db));
        }
        let (hz, off_db) = field::spectrum_off_db(signal, missed, &own);
        Some(Finding::curve(measurand, hz, off_db, Unit::Db))
    }

    /// The harmonics of the sine of an entry, at the worse ear in receive.
    fn distortion(&self, truth: &Truth<'_>, entry: &Entry, measurand: &str) -> Option<Finding> {
        let (hz, band_hz) = (quantity(entry, "frequency")?, counted_hz(self.bandwidth()));
        let order = match entry.parameters.0.get("order")? {
            ParameterValue::Count(order) => *order as usize,
            _ => return None,
        };
        let all = if measurand == "distortion_send" {
            vec![truth.send_harmonics_percent(hz, quantity(entry, "level_mrp")?, band_hz)]
        } else {
            let (step, level) = (self.step(entry), quantity(entry, "level_poi")?);
            let harmonics = |ear| truth.receive_harmonics_percent(ear, step, hz, level, band_hz);
            Ear::ALL.iter().map(|ear| harmonics(*ear)).collect()
        };
        let counted = |one: &Vec<(usize, f64)>| {
            let squares = one.iter().filter(|(n, _)| *n <= order).map(|(_, percent)| percent * percent);
            squares.sum::<f64>().sqrt()
        };
        Some(Finding::scalar(measurand, all.iter().map(counted).fold(0.0, f64::max), Unit::Percent))
    }

    /// Sensitivities by third octave, those that count in the band.
    fn curve(&self, measurand: &str, bands: [f64; 20], unit: Unit) -> Finding {
        let counted = if self.bandwidth() == Bandwidth::Nb { 3..17 } else { 0..20 };
        Finding::curve(measurand, NOMINAL_HZ[counted.clone()].to_vec(), bands[counted].to_vec(), unit)
    }
}

/// The step whose rating is closest to 2 dB; each step is the same number of decibels louder than the one before.
fn nominal_step(model: &Model) -> u32 {
    let spectrum = density_in_call("speech-conditioning", false, model.spec.bandwidth);
    let quietest_db = Truth::of(model).rlr_db(0, &|hz| spectrum.at(hz));
    let terminal = &model.spec.terminal;
    let rating_db = |step: &u32| quietest_db - f64::from(*step) * terminal.volume_step_db;
    (0..terminal.volume_steps)
        .min_by(|a, b| (rating_db(a) - 2.0).abs().total_cmp(&(rating_db(b) - 2.0).abs()))
        .unwrap_or(0)
}

/// Whether a call is up while an entry listens to the cabin.
fn is_call_up(entry: &Entry) -> bool {
    entry.parameters.0.get("call") != Some(&ParameterValue::Text("none".to_owned()))
}

fn signal(entry: &Entry) -> Option<String> {
    match entry.parameters.0.get("signal") {
        Some(ParameterValue::Text(id)) => Some(id.clone()),
        _ => None,
    }
}

/// A parameter that is a quantity, in the unit of its card.
fn quantity(entry: &Entry, key: &str) -> Option<f64> {
    match entry.parameters.0.get(key) {
        Some(ParameterValue::Quantity(quantity)) => Some(quantity.value),
        _ => None,
    }
}
