//! What is true of a drawn car, as findings that a limit can be held to: from its model, by no method.

use std::sync::Arc;

use lombard::bench::car::Model;
use lombard::bench::car::spec::Weighting;
use lombard::bench::car::truth::Truth;
use lombard::entry::{Entry, ParameterValue};
use lombard::finding::Finding;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Ear};
use lombard::units::Unit;

use super::cars::Drawn;
use crate::on_car::spectrum::{Density, density_in_call, density_of};

/// Measurands that healthy cars are inside of by construction, without a figure for their truth.
pub(super) const WITHOUT: [&str; 1] = ["idle_noise_send_peak"];

/// Midbands of P.79, bands 1 to 20: the nominal frequencies.
const NOMINAL_HZ: [f64; 20] = [
    100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0, 1000.0, 1250.0, 1600.0, 2000.0,
    2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0,
];

/// The truth of a car.
pub(super) struct CarTruth {
    model: Model,
    compression: f64,
    nominal: u32,
}

impl CarTruth {
    /// The truth of `car`.
    pub(super) fn of(drawn: &Drawn) -> Self {
        let model = Model::new(drawn.car.clone());
        let nominal = nominal_step(&model);
        Self { model, compression: drawn.compression, nominal }
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

    /// What a right method finds of a measurand; `None` where no figure is known.
    pub(super) fn finding(&self, entry: &Entry, measurand: &str) -> Option<Finding> {
        let truth = Truth::of(&self.model);
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
                let cabin = &self.model.spec.cabin;
                let level = cabin.noise_reference_dbpa_a.or(cabin.noise_ears_dbpa_a)?;
                Some(Finding::scalar(measurand, level, Unit::DbPaA))
            }
            "tclw" => db(truth.tclw_db(self.step(entry), &far)),
            "tcl" => db(truth.tcl_db(self.step(entry), &far)),
            "send_sensitivity" => {
                Some(self.curve(measurand, truth.send_sensitivities_dbv(&near), Unit::DbVPerPa))
            }
            "receive_sensitivity" => {
                let bands = truth.receive_sensitivities_dbpa(self.step(entry), &far);
                Some(self.curve(measurand, bands, Unit::DbPaPerV))
            }
            "delay_round_trip" => {
                // The correlation is white within the band, and the drawn paths are single taps.
                let white = |_hz: f64| 1.0;
                let receive_s = Ear::ALL.iter().map(|ear| truth.receive_delay_s(*ear, &white));
                let round_trip_s = truth.send_delay_s(&white) + receive_s.fold(f64::INFINITY, f64::min);
                Some(Finding::scalar(measurand, round_trip_s * 1e3, Unit::Millisecond))
            }
            "idle_noise_send_p" => {
                let level = truth.idle_noise_send_dbm0(Weighting::Psophometric, (200.0, 4_000.0));
                Some(Finding::scalar(measurand, level, Unit::Dbm0P))
            }
            "idle_noise_send_a" => {
                let upper_hz = match self.bandwidth() {
                    Bandwidth::Nb | Bandwidth::Wb => 8_000.0,
                    Bandwidth::Swb => 14_000.0,
                    Bandwidth::Fb => 20_000.0,
                };
                let level = truth.idle_noise_send_dbm0(Weighting::A, (100.0, upper_hz));
                Some(Finding::scalar(measurand, level, Unit::Dbm0A))
            }
            _ => None,
        }
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

fn signal(entry: &Entry) -> Option<String> {
    match entry.parameters.0.get("signal") {
        Some(ParameterValue::Text(id)) => Some(id.clone()),
        _ => None,
    }
}
