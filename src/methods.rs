//! The methods: each a pure function from captures to findings, with a card that describes it.
//!
//! A method never sees a limit, a file, a clock or a device. Adding one is one file below
//! `methods/`, a `mod` line and a line of [`METHODS`].

pub mod call;
pub mod double_talk;
pub mod echo;
pub mod evidence;
pub mod scene;
pub mod sensitivity;
pub mod switching;
pub mod transmitted_noise;

pub mod activation;
pub mod ambient_noise;
pub mod attenuation_range;
pub mod call_check;
pub mod comfort_noise;
pub mod conditioning;
pub mod coupling_loss;
pub mod delay;
pub mod distortion;
pub mod double_talk_echo;
pub mod double_talk_receive;
pub mod double_talk_send;
pub mod echo_convergence;
pub mod echo_level;
pub mod echo_reflector;
pub mod echo_spectrum;
pub mod frequency_response;
pub mod idle_noise;
pub mod level_plan;
pub mod loudness_rating;
pub mod noise_after_setup;
pub mod noise_field;
pub mod noise_under_speech;
pub mod out_of_band;
pub mod reference_run;
pub mod send_linearity;
pub mod setup_check;
pub mod snr_improvement;
pub mod stability;
pub mod volume_range;
pub mod volume_search;

use crate::capture::Take;
use crate::context::{EvalCx, PlanCx};
use crate::entry::{Entry, ParameterSpec};
use crate::finding::{Finding, Unmeasurable};
use crate::take::{EpochSpec, TakeSpec};
use crate::units::{Seconds, Unit};

/// Something that a method measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measurand {
    /// The name that limits and reports use: `slr`.
    pub id: &'static str,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// Its unit.
    pub unit: Unit,
}

/// What is known about a method without running it.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties of one method")]
pub struct Card {
    /// The id that plans use: `loudness_rating`.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// The method's source file; its header is the published page, see [`Card::page`].
    pub source: &'static str,
    /// What it measures.
    pub measurands: &'static [Measurand],
    /// Its parameters.
    pub parameters: &'static [ParameterSpec],
    /// The facts that it needs beyond those of the call (`volume.nominal` follows from the volume).
    pub facts_needed: &'static [&'static str],
    /// The facts that it uses where an entry of the plan finds them, and does without where none does.
    pub facts_wanted: &'static [&'static str],
    /// Whether it makes its calls at a volume of its own, so that its entries wait for no nominal step.
    pub picks_volume: bool,
    /// Whether it may object to going on with the run, see [`Method::objection`].
    pub objects: bool,
    /// Whether it looks at single samples as they came, so that a recording that was resampled says nothing to it.
    pub reads_single_samples: bool,
    /// Whether what it measures depends on a device that is cold where the call begins.
    pub starts_cold: bool,
    /// The facts that it finds: the name of the fact and the measurand whose value it is.
    pub facts_found: &'static [(&'static str, &'static str)],
    /// The largest number of takes that it ever asks for, adaptive ones included.
    pub takes_max: u32,
    /// The integration time of the meter on which a report shows its takes against time; `None`: it does not.
    pub shown_on: Option<Seconds>,
}

impl Card {
    /// What most methods have in common, for the rest of a card: one take, in calls at the volume of the entry, that waits
    /// for no finding of another entry and finds nothing for one.
    pub const PLAIN: Self = Self {
        id: "",
        title: "",
        source: "",
        measurands: &[],
        parameters: &[],
        facts_needed: &[],
        facts_wanted: &[],
        picks_volume: false,
        objects: false,
        reads_single_samples: false,
        starts_cold: false,
        facts_found: &[],
        takes_max: 1,
        shown_on: None,
    };

    /// The published page in Markdown: the header of the method's file.
    pub fn page(&self) -> String {
        let header = self.source.lines().map_while(|line| line.strip_prefix("//!"));
        header.fold(String::new(), |page, line| page + line.strip_prefix(' ').unwrap_or(line) + "\n")
    }
}

/// What a method asks the bench for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The call.
    pub epoch: EpochSpec,
    /// The takes in the order of recording. An adaptive method adds more with [`Method::next`].
    pub takes: Vec<TakeSpec>,
}

/// Why an entry cannot be planned. The resolver adds the place in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The parameter at fault, if one is.
    pub parameter: Option<&'static str>,
    /// What stands there.
    pub found: String,
    /// What would have been possible.
    pub expected: String,
    /// What to do.
    pub remedy: String,
}

/// What an adaptive method does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// The takes suffice.
    Done {
        /// Why.
        reason: String,
    },
    /// One more take in the same call.
    Take {
        /// What to record.
        spec: Box<TakeSpec>,
        /// Why.
        reason: String,
    },
}

/// A measuring method.
pub trait Method: Sync {
    /// What is known about it.
    fn card(&self) -> &'static Card;

    /// What the bench must record.
    ///
    /// # Errors
    /// Everything in the entry's parameters that cannot be done on this bench.
    fn plan(&self, entry: &Entry, cx: &PlanCx<'_>) -> Result<Wish, Vec<Refusal>>;

    /// What to record next, after the takes so far. `cx.facts` are those known before the entry began.
    ///
    /// # Errors
    /// The takes so far allow no decision.
    fn next(&self, _entry: &Entry, _cx: &PlanCx<'_>, _so_far: &[Take]) -> Result<Next, Unmeasurable> {
        Ok(Next::Done { reason: "every planned take is recorded".to_owned() })
    }

    /// The findings of the recorded takes.
    ///
    /// # Errors
    /// Why nothing can be concluded from them.
    fn evaluate(&self, entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable>;

    /// What stands against going on with the run, from what was found: an operator is asked before more is recorded. Only
    /// methods whose card says so are asked.
    fn objection(&self, _entry: &Entry, _findings: &[Finding]) -> Option<String> {
        None
    }

    /// After how long the entry is recorded again between two calls, as `<entry>[recheck=1]`, for its objection.
    fn recheck_after(&self, _entry: &Entry) -> Option<Seconds> {
        None
    }
}

/// Every method, in the order of the Recommendations and of the documentation.
pub static METHODS: &[&dyn Method] = &[
    &ambient_noise::AmbientNoise,
    &noise_field::NoiseField,
    &level_plan::LevelPlan,
    &call_check::CallCheck,
    &reference_run::ReferenceRun,
    &volume_search::VolumeSearch,
    &conditioning::Conditioning,
    &setup_check::SetupCheck,
    &delay::Delay,
    &loudness_rating::LoudnessRating,
    &volume_range::VolumeRange,
    &send_linearity::SendLinearity,
    &frequency_response::FrequencyResponse,
    &idle_noise::IdleNoise,
    &out_of_band::OutOfBand,
    &distortion::Distortion,
    &coupling_loss::CouplingLoss,
    &echo_level::EchoLevel,
    &echo_reflector::EchoReflector,
    &echo_spectrum::EchoSpectrum,
    &echo_convergence::EchoConvergence,
    &double_talk_send::DoubleTalkSend,
    &double_talk_receive::DoubleTalkReceive,
    &double_talk_echo::DoubleTalkEcho,
    &activation::Activation,
    &attenuation_range::AttenuationRange,
    &snr_improvement::SnrImprovement,
    &noise_after_setup::NoiseAfterSetup,
    &noise_under_speech::NoiseUnderSpeech,
    &comfort_noise::ComfortNoise,
    &stability::Stability,
];

/// The method of this id.
pub fn method(id: &str) -> Option<&'static dyn Method> {
    METHODS.iter().copied().find(|method| method.card().id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_card_says_what_it_is_of() {
        let cards = || METHODS.iter().map(|method| method.card());
        for card in cards() {
            let says = [card.id, card.title, card.source].iter().all(|text| !text.is_empty());
            assert!(says && !card.measurands.is_empty(), "{}: {}", card.id, card.title);
        }
        let ids: BTreeSet<&str> = cards().map(|card| card.id).collect();
        assert_eq!(ids.len(), METHODS.len(), "two methods have one id");
    }
}
