//! `lombard measure`: the meters on WAV files. One file per method.

use clap::Subcommand;

use crate::run::RunError;

mod activation;
mod active_level;
mod bands;
mod coupling_loss;
mod curve;
mod delay;
mod distortion;
mod double_talk;
mod echo_attenuation;
mod input;
mod level;
mod loudness_rating;
mod mask;
mod noise_change;
mod reading;
mod response;
mod span;
mod speech_quality;

/// Measure WAV files with the meters of the methods
///
/// Levels are in dBov: 0 dBov is a mean square of 1.0, a full-scale sine has −3.01 dBov. WAV files of any rate and
/// sample format; nothing is resampled, mixed or normalized.
#[derive(Debug, Subcommand)]
pub(super) enum Measure {
    ActiveLevel(active_level::ActiveLevel),
    Level(level::Level),
    Bands(bands::BandLevels),
    Delay(delay::Delay),
    Response(response::ResponseOf),
    LoudnessRating(loudness_rating::LoudnessRating),
    CouplingLoss(coupling_loss::CouplingLoss),
    EchoAttenuation(echo_attenuation::EchoAttenuation),
    Distortion(distortion::Distortion),
    Mask(mask::MaskOf),
    Activation(activation::Activation),
    DoubleTalk(double_talk::DoubleTalk),
    NoiseChange(noise_change::NoiseChange),
    SpeechQuality(speech_quality::SpeechQuality),
}

impl Measure {
    pub(super) fn run(self) -> Result<u8, RunError> {
        match self {
            Self::ActiveLevel(one) => one.run()?,
            Self::Level(one) => one.run()?,
            Self::Bands(one) => one.run()?,
            Self::Delay(one) => one.run()?,
            Self::Response(one) => one.run()?,
            Self::LoudnessRating(one) => one.run()?,
            Self::CouplingLoss(one) => one.run()?,
            Self::EchoAttenuation(one) => one.run()?,
            Self::Distortion(one) => one.run()?,
            Self::Mask(one) => return one.run(),
            Self::Activation(one) => one.run()?,
            Self::DoubleTalk(one) => one.run()?,
            Self::NoiseChange(one) => one.run()?,
            Self::SpeechQuality(one) => one.run()?,
        }
        Ok(0)
    }
}
