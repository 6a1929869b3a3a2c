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

/// The shipped recordings, by their file names.
pub const RECORDINGS: &[(&str, &[u8])] = &[];

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
