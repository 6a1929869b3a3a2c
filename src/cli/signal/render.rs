//! `lombard signal render`: a signal of the catalogue as a WAV file.

use std::io::Cursor;
use std::path::PathBuf;

use clap::Args;

use crate::cli::output;
use crate::cli::settings::Settings;
use crate::document::nearest;
use crate::run::RunError;
use crate::signals::{LevelBasis, Options, SignalError, at_level};
use crate::store::folder::FolderError;
use crate::store::storage::{Disk, Storage};
use crate::store::track;
use crate::terms::Bandwidth;
use crate::units::{DbOv, Dbm0, Quantity, Unit};

/// Render a test signal as a WAV file
///
/// Writes 32-bit float, mono. The level is that of the network: dBm0, of which 0 is −6.15 dBov, or dBov. A level at
/// which a sample would be beyond full scale is refused.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard list signals
  lombard signal render css-fb --out css.wav
  lombard signal render css-fb --band WB --rate 16000 --out css.wav
  lombard signal render speech-single-talk --rate 16000 --level \"-20 dBm0\" --seconds 10 --out speech.wav

Exit codes: 0 written, 2 bad input, 4 the disk failed.")]
pub(crate) struct Render {
    /// Id of the signal, as `lombard list signals` shows it
    #[arg(value_name = "ID")]
    id: String,

    /// Frames per second
    #[arg(long, value_name = "HZ", default_value_t = 48_000)]
    rate: u32,

    /// Level on the signal's own basis (RMS or active speech), in dBm0 or dBov
    #[arg(long, value_name = "LEVEL", default_value = "-16 dBm0", allow_hyphen_values = true, value_parser = level)]
    level: Level,

    /// Length: the signal is repeated or cut to it; without it the catalogue's own
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    seconds: Option<f64>,

    /// Limit the signal to the band of NB, WB, SWB or FB; its level stays
    #[arg(long, value_name = "BAND")]
    band: Option<Bandwidth>,

    /// File to write
    #[arg(long, value_name = "FILE.wav")]
    out: PathBuf,
}

/// A level as it was written, and on the digital scale.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Level {
    written: Quantity,
    digital: DbOv,
}

/// Reads a level that a file can have.
fn level(text: &str) -> Result<Level, String> {
    let written: Quantity =
        text.parse().map_err(|error| format!("{error}; write a level as \"-16 dBm0\""))?;
    let digital = match written.unit {
        Unit::Dbm0 => Dbm0::new(written.value).to_dbov(),
        Unit::DbOv => DbOv::new(written.value),
        Unit::DbPa | Unit::DbPaA => {
            return Err("an acoustic level needs the calibration of a bench, which a file has not; \
                        write it in dBm0 or dBov"
                .to_owned());
        }
        other => return Err(format!("a file has a level in dBm0 or dBov, not in {other}")),
    };
    Ok(Level { written, digital })
}

impl Render {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        let library = settings.engine.library(&settings.engine.sources(None))?;
        let options = Options { seconds: self.seconds, seed: None };
        let signal =
            library.make_limited(&self.id, self.rate, options, self.band).map_err(|error| match error {
                SignalError::Unknown { id, known } => {
                    let near = nearest(&id, &library.catalogue().ids());
                    let near = near.map_or(String::new(), |near| format!("did you mean '{near}'? "));
                    RunError::Usage(format!("there is no signal '{id}'; {near}known are {known}"))
                }
                other => RunError::Usage(other.to_string()),
            })?;
        let samples = at_level(&signal, self.level.digital)
            .map_err(|error| RunError::Usage(format!("signal '{}': {error}", signal.id)))?;
        let samples: Vec<f32> = samples.iter().map(|sample| *sample as f32).collect();
        let mut bytes = Cursor::new(Vec::new());
        track::encode_at(&samples, self.rate, &mut bytes)
            .map_err(|error| RunError::Broken(format!("cannot write a WAV file: {error}")))?;
        if let Some(folder) = self.out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Disk.ensure_folder(folder).map_err(FolderError::from)?;
        }
        Disk.replace(&self.out, bytes.get_ref()).map_err(FolderError::from)?;
        let (level, crest) = if signal.level_basis == LevelBasis::Silent {
            ("silent".to_owned(), "none".to_owned())
        } else {
            (
                format!("{} = {} ({})", self.level.written, self.level.digital, signal.level_basis.word()),
                format!("{:.2} dB", signal.crest().0),
            )
        };
        let equivalent = if signal.method_equivalent {
            "\nnote     it stands in for a licensed recording; results with it say method-equivalent-signal"
        } else {
            ""
        };
        output::result(&format!(
            "signal   {}\nrate     {} Hz\nseconds  {}\nlevel    {level}\ncrest    {crest}\nhash     {}\nfile     {}{equivalent}\n",
            signal.id,
            signal.rate,
            signal.seconds(),
            signal.hash,
            self.out.display()
        ))?;
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_digital_level_only() {
        assert!((level("-16 dBm0").unwrap().digital.decibels() + 22.15).abs() < 1e-12);
        assert_eq!(level("-26 dBov").unwrap().digital, DbOv::new(-26.0));
        assert!(level("-4.7 dBPa").unwrap_err().contains("calibration"));
        assert!(level("-10 dBV").unwrap_err().contains("not in dBV"));
        assert!(level("loud").unwrap_err().contains("\"-16 dBm0\""));
        assert!(level("NaN dBm0").is_err());
    }
}
