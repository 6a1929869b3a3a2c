//! The shipped catalogue and recordings, inside the program, so that it works anywhere.

use std::borrow::Cow;

use super::{Catalogue, SpeechSource};
use crate::problem::{Problem, SourceText};

/// Text of the shipped catalogue.
pub const CATALOGUE: &str = include_str!("../../signals/catalogue.toml");

/// The shipped catalogue.
///
/// # Errors
/// None for the file as shipped, which a test holds; the type is that of every catalogue.
pub fn catalogue() -> Result<Catalogue, Vec<Problem>> {
    Catalogue::parse(&SourceText::new("signals/catalogue.toml", CATALOGUE))
}

macro_rules! recordings {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../signals/speech/", $name)) as &[u8])),*]
    };
}

/// The shipped recordings, by their file names. Talkers and licences: `signals/speech/ATTRIBUTION.md`.
pub const RECORDINGS: &[(&str, &[u8])] = recordings![
    "en-f-1.wav",
    "en-f-2.wav",
    "en-f-3.wav",
    "en-f-4.wav",
    "en-f-5.wav",
    "fr-f-1.wav",
    "fr-f-2.wav",
    "fr-f-3.wav",
    "fr-f-4.wav",
    "fr-f-5.wav",
    "it-m-1.wav",
    "it-m-2.wav",
    "it-m-3.wav",
    "it-m-4.wav",
    "it-m-5.wav",
    "en-m-1.wav",
    "en-m-2.wav",
    "en-m-3.wav",
    "en-m-4.wav",
];

/// The shipped recordings as a source.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltinSpeech;

impl SpeechSource for BuiltinSpeech {
    fn wav(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        RECORDINGS.iter().find(|(file, _)| *file == name).map(|(_, bytes)| Cow::Borrowed(*bytes))
    }
}

/// A lab's own files first, the shipped ones after.
#[derive(Debug, Clone, Default)]
pub struct WithImported {
    /// File names as [`super::Licensed::file`], with their bytes.
    pub files: std::collections::BTreeMap<String, Vec<u8>>,
}

impl SpeechSource for WithImported {
    fn wav(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        match self.files.get(name) {
            Some(bytes) => Some(Cow::Borrowed(bytes)),
            None => BuiltinSpeech.wav(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::{Options, generate};

    #[test]
    fn the_shipped_catalogue_has_no_problem_and_every_signal_is_made() {
        let catalogue = catalogue().map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
        let catalogue = catalogue.unwrap();
        for spec in catalogue.signals() {
            let signal = generate(spec, 48_000, &BuiltinSpeech, Options::default()).unwrap();
            println!("{} {:.2} dB {}", spec.id, signal.crest().0, signal.hash);
        }
    }
}
