//! `lombard signal render`: a signal of the catalogue as a WAV file, as a picture, or both.

use std::fmt::Write as _;
use std::io::Cursor;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::output;
use crate::cli::settings::Settings;
use crate::document::nearest;
use crate::report::plot::Band;
use crate::report::plot::signal::SignalPicture;
use crate::run::RunError;
use crate::signals::field::{self, DBPA_AS_SPL_DB, DRIVER_HEAD, Field, level_dba};
use crate::signals::render::rounded_up;
use crate::signals::{LevelBasis, Library, Options, SignalError, at_level};
use crate::store::folder::FolderError;
use crate::store::storage::{Disk, Storage};
use crate::store::track;
use crate::terms::Bandwidth;
use crate::units::{Db, DbOv, DbPa, DbPaA, Dbm0, Quantity, Unit};

/// The level of a signal where none is asked for.
const LEVEL: Level = Level { written: Quantity::new(-16.0, Unit::Dbm0), digital: DbOv::new(-16.0 - 6.15) };

/// Levels that are taken: down to where 32-bit floats hold nothing that matters.
const LEVELS_DBOV: RangeInclusive<f64> = -200.0..=100.0;

/// The full scale of background noise where none is asked for: 118 dB SPL, over every peak of a car.
const ZERO: Zero = Zero(DbPa::new(24.0));

/// Samples of all channels that are rendered: 2^28, a file of 1 GiB.
const SAMPLES_MAX: f64 = 268_435_456.0;

/// Spans that a picture shows; more would be one gray strip.
const SPANS_MAX: usize = 200;

/// Render a test signal as a WAV file or a picture
///
/// Writes 32-bit float, mono. The level is that of the network: dBm0, of which 0 is −6.15 dBov, or dBov; without
/// --level it is −16 dBm0. A level at which a sample would be beyond full scale is refused.
///
/// Background noise is rendered as it is in the cabin, one channel for each of --points, with its own sound pressure:
/// --zero-dbov says which one full scale stands for. With --level it is a mono track like any other.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard list signals
  lombard signal render css-fb --out css.wav
  lombard signal render css-fb --band WB --rate 16000 --out css.wav
  lombard signal render css-fb --plot css.svg
  lombard signal render speech-single-talk --rate 16000 --level \"-20 dBm0\" --seconds 10 --out speech.wav
  lombard signal render driving-120 --points driver-head,microphone --zero-dbov \"24 dBPa\" --out noise.wav

Exit codes: 0 written, 2 bad input, 4 the disk failed.")]
pub(crate) struct Render {
    /// Id of the signal, as `lombard list signals` shows it
    #[arg(value_name = "ID")]
    id: String,

    /// Frames per second
    #[arg(long, value_name = "HZ", default_value_t = 48_000)]
    rate: u32,

    /// Level on the signal's own basis (RMS or active speech), in dBm0 or dBov; without it -16 dBm0, of background noise
    /// its own
    #[arg(long, value_name = "LEVEL", allow_hyphen_values = true, value_parser = level)]
    level: Option<Level>,

    /// Length: the signal is repeated or cut to it; without it the catalogue's own
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    seconds: Option<f64>,

    /// Limit the signal to the band of NB, WB, SWB or FB; its level stays
    #[arg(long, value_name = "BAND")]
    band: Option<Bandwidth>,

    /// Points of the cabin, of background noise: one channel each; without it the driver's head
    #[arg(long, value_name = "POINTS", value_delimiter = ',', conflicts_with = "level")]
    points: Option<Vec<String>>,

    /// Sound pressure level of 0 dBov, of background noise; without it 24 dBPa
    #[arg(long, value_name = "LEVEL", allow_hyphen_values = true, value_parser = zero, conflicts_with = "level")]
    zero_dbov: Option<Zero>,

    /// WAV file to write
    #[arg(long, value_name = "FILE.wav", required_unless_present = "plot")]
    out: Option<PathBuf>,

    /// Picture to write: time, spectrum and spectrogram; of several channels the first
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

/// A level as it was written, and on the digital scale.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Level {
    written: Quantity,
    digital: DbOv,
}

/// The sound pressure level of 0 dBov.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Zero(pub(super) DbPa);

/// Reads a level that a file can have.
fn level(text: &str) -> Result<Level, String> {
    let written: Quantity =
        text.parse().map_err(|error| format!("{error}; write a level as \"-16 dBm0\""))?;
    let digital = match written.unit {
        Unit::Dbm0 => Dbm0::new(written.value).to_dbov(),
        Unit::DbOv => DbOv::new(written.value),
        Unit::DbPa | Unit::DbPaA | Unit::DbA => {
            return Err("an acoustic level needs the calibration of a bench, which a file has not; \
                        write it in dBm0 or dBov"
                .to_owned());
        }
        other => return Err(format!("a file has a level in dBm0 or dBov, not in {other}")),
    };
    if !LEVELS_DBOV.contains(&digital.decibels()) {
        let (low, high) = (LEVELS_DBOV.start(), LEVELS_DBOV.end());
        return Err(format!("{digital} is no level of a file: {low} to {high} dBov are"));
    }
    Ok(Level { written, digital })
}

/// Reads the sound pressure level of full scale.
pub(super) fn zero(text: &str) -> Result<Zero, String> {
    let written: Quantity = text.parse().map_err(|error| format!("{error}; write it as \"24 dBPa\""))?;
    match written.level() {
        Some(zero) => Ok(Zero(zero)),
        None => Err(format!("0 dBov stands for a level in dBPa, as in \"24 dBPa\", not in {}", written.unit)),
    }
}

/// What is written, whatever it was made of.
struct Rendered {
    rate: u32,
    channels: Vec<Vec<f64>>,
    /// Lines of what is told: names and values.
    told: Vec<(&'static str, String)>,
    /// Level, as a picture says it.
    level: String,
    note: Option<&'static str>,
}

impl Render {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        if let (Some(out), Some(plot)) = (&self.out, &self.plot)
            && is_same(out, plot)
        {
            return Err(RunError::Usage(format!(
                "--out and --plot are both {}: give each a name of its own",
                out.display()
            )));
        }
        let library = settings.engine.library(&settings.engine.sources(None))?;
        let rendered = self.rendered(&library)?;
        if let Some(path) = &self.out {
            let channels: Vec<Vec<f32>> =
                rendered.channels.iter().map(|one| one.iter().map(|x| *x as f32).collect()).collect();
            let mut bytes = Cursor::new(Vec::new());
            track::encode_channels(&channels, rendered.rate, &mut bytes)
                .map_err(|error| RunError::Broken(format!("cannot write a WAV file: {error}")))?;
            write(path, bytes.get_ref())?;
        }
        if let Some(path) = &self.plot {
            write(path, self.picture(&library, &rendered).as_bytes())?;
        }
        let mut text = String::new();
        for (name, value) in &rendered.told {
            let _ = writeln!(text, "{name:<8} {value}");
        }
        for (name, path) in [("file", &self.out), ("plot", &self.plot)] {
            if let Some(path) = path {
                let _ = writeln!(text, "{name:<8} {}", path.display());
            }
        }
        if let Some(note) = rendered.note {
            let _ = writeln!(text, "note     {note}");
        }
        output::result(&text)?;
        Ok(0)
    }

    /// Refuses what would not fit into the memory of a bench's computer, nor into a WAV file.
    fn fits(&self, library: &Library) -> Result<(), RunError> {
        let Some(spec) = library.catalogue().get(&self.id) else { return Ok(()) };
        let seconds = self.seconds.unwrap_or(spec.seconds);
        let channels = self.points.as_ref().map_or(1, Vec::len);
        let samples = seconds * f64::from(self.rate) * channels as f64;
        if samples > SAMPLES_MAX {
            let longest = libm::floor(SAMPLES_MAX / f64::from(self.rate) / channels as f64);
            return Err(RunError::Usage(format!(
                "{seconds} s of {channels} channels at {} Hz are {:.0} million samples; at most {:.0} million are \
                 rendered: ask for at most {longest} s, a lower --rate or fewer --points",
                self.rate,
                samples / 1e6,
                SAMPLES_MAX / 1e6
            )));
        }
        Ok(())
    }

    fn rendered(&self, library: &Library) -> Result<Rendered, RunError> {
        let options = Options { seconds: self.seconds, seed: None };
        self.fits(library)?;
        let known = library.catalogue().get(&self.id).and_then(field::points);
        if let (Some(known), None) = (known, self.level) {
            if self.band.is_some() {
                return Err(RunError::Usage(
                    "--band limits a track; noise at points of the cabin is not limited: give a --level, or leave --band out"
                        .to_owned(),
                ));
            }
            let at_head = known.iter().find(|one| **one == DRIVER_HEAD).or(known.first());
            let mono = || at_head.map(|one| (*one).to_owned()).into_iter().collect();
            let points: Vec<String> = self.points.clone().unwrap_or_else(mono);
            let field = library
                .field(&self.id, self.rate, options, &points)
                .map_err(|error| refused(library, error))?;
            let note = library.catalogue().get(&self.id).filter(|spec| spec.method_equivalent);
            let note = note.map(|_| "it is synthetic; results with it say method-equivalent-signal");
            return Ok(Rendered { note, ..of_field(&field, self.zero_dbov.unwrap_or(ZERO).0)? });
        }
        let signal = library
            .make_limited(&self.id, self.rate, options, self.band)
            .map_err(|error| refused(library, error))?;
        if self.points.is_some() || self.zero_dbov.is_some() {
            return Err(RunError::Usage(format!(
                "signal '{}' has no points and no sound pressure of its own: --points and --zero-dbov are for \
                 background noise",
                self.id
            )));
        }
        let level = self.level.unwrap_or(LEVEL);
        let samples = at_level(&signal, level.digital)
            .map_err(|error| RunError::Usage(format!("signal '{}': {error}", signal.id)))?;
        let (level, crest) = if signal.level_basis == LevelBasis::Silent {
            ("silent".to_owned(), "none".to_owned())
        } else {
            (
                format!("{} = {} ({})", level.written, level.digital, signal.level_basis.word()),
                format!("{:.2} dB", signal.crest().0),
            )
        };
        let told = vec![
            ("signal", signal.id.clone()),
            ("rate", format!("{} Hz", signal.rate)),
            ("seconds", signal.seconds().to_string()),
            ("level", level.clone()),
            ("crest", crest),
            ("hash", signal.hash.clone()),
        ];
        let stands_in = library.catalogue().get(&self.id).is_some_and(|spec| spec.stands_in_for.is_some());
        let note = match (signal.method_equivalent, stands_in) {
            (false, _) => None,
            (true, true) => {
                Some("it stands in for a licensed recording; results with it say method-equivalent-signal")
            }
            (true, false) => Some(
                "it deviates from the Recommendation's signal; results with it say method-equivalent-signal, see \
                 'lombard list signals'",
            ),
        };
        Ok(Rendered { rate: signal.rate, channels: vec![samples], told, level, note })
    }

    fn picture(&self, library: &Library, rendered: &Rendered) -> String {
        let title = library.catalogue().get(&self.id).map_or(String::new(), |spec| spec.title.clone());
        let spans = library.outline(&self.id).map_or(Vec::new(), |outline| outline.spans);
        let second = |frame: u64| frame as f64 / f64::from(crate::take::RATE);
        let parts = spans.into_iter().filter(|one| one.name != "analysis" || one.frames.start > 0);
        let band = |one: crate::take::Span| Band {
            from: second(one.frames.start),
            to: second(one.frames.end),
            name: one.name,
        };
        let picture = SignalPicture {
            name: self.id.clone(),
            title,
            caption: SignalPicture::facts(&rendered.level, &rendered.channels[0], rendered.rate),
            samples: &rendered.channels[0],
            rate: rendered.rate,
            spans: parts.take(SPANS_MAX).map(band).collect(),
        };
        picture.svg().into_string()
    }
}

/// A noise on the digital scale of `zero`, and what is told of it.
fn of_field(field: &Field, zero: DbPa) -> Result<Rendered, RunError> {
    let channels = field.digital(zero).map_err(|error| {
        let what = "it would clip with 0 dBov at";
        RunError::Usage(match error {
            crate::signals::RenderError::Clips { excess, .. } => format!(
                "signal '{}': {what} {zero}: its peak is {:.2} dB over full scale; raise --zero-dbov by that much",
                field.id,
                rounded_up(excess).0
            ),
            other @ crate::signals::RenderError::Level => other.to_string(),
        })
    })?;
    let crest = channels.iter().map(|one| {
        let peak = one.iter().fold(0.0_f64, |peak, x| peak.max(x.abs()));
        let square = one.iter().map(|x| x * x).sum::<f64>() / one.len().max(1) as f64;
        format!("{:.2} dB", Db::from_power(peak * peak / square).0)
    });
    // What is in the file, not what the catalogue or the lab states: a rate or a part may leave some of it out.
    let of = |row: usize| level_dba(&field.channels[row], field.rate, DbPa::new(0.0));
    let head = field.points.iter().position(|one| one == DRIVER_HEAD).unwrap_or(0);
    let level = format!("{:.1} dB(A) at {}", of(head), field.points[head]);
    let pressure = DbPaA::new(of(head) - DBPA_AS_SPL_DB);
    let told = vec![
        ("signal", field.id.clone()),
        ("rate", format!("{} Hz", field.rate)),
        ("seconds", (channels[0].len() as f64 / f64::from(field.rate)).to_string()),
        ("points", field.points.join(", ")),
        ("level", format!("{level} = {pressure}; 0 dBov is {zero}")),
        ("crest", crest.collect::<Vec<_>>().join(", ")),
        ("hash", field.hash.clone()),
    ];
    let level = format!("{:.1} dB(A) at {}, 0 dBov is {zero}", of(0), field.points[0]);
    Ok(Rendered { rate: field.rate, channels, told, level, note: None })
}

fn refused(library: &Library, error: SignalError) -> RunError {
    match error {
        SignalError::Unknown { id, .. } if library.catalogue().licensed().iter().any(|one| one.id == id) => {
            let known = library.catalogue().signals();
            let stand_in =
                known.iter().find(|one| one.stands_in_for.as_ref().is_some_and(|one| one.id == id));
            let stand_in = stand_in.map_or(String::new(), |one| {
                format!("; it is then played as '{0}', until then '{0}' stands in for it", one.id)
            });
            RunError::Usage(format!(
                "'{id}' is a licensed recording, which has to be imported first: lombard signal import DIR{stand_in}"
            ))
        }
        SignalError::Unknown { id, known } => {
            let near = nearest(&id, &library.catalogue().ids());
            let near = near.map_or(String::new(), |near| format!("did you mean '{near}'? "));
            RunError::Usage(format!("there is no signal '{id}'; {near}known are {known}"))
        }
        SignalError::Point { id, point, known } => {
            let names: Vec<&str> = known.split(", ").collect();
            let near = nearest(&point, &names);
            let near = near.map_or(String::new(), |near| format!("did you mean '{near}'? "));
            RunError::Usage(format!("signal '{id}' has no point '{point}'; {near}it has {known}"))
        }
        other => RunError::Usage(other.to_string()),
    }
}

/// Whether two names are one file, there or not.
fn is_same(a: &Path, b: &Path) -> bool {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let is_linked =
        |a: &Path| std::fs::canonicalize(a).is_ok_and(|a| std::fs::canonicalize(b).is_ok_and(|b| a == b));
    whole(a) == whole(b) || is_linked(a)
}

/// Writes a file, with its folder.
fn write(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Disk.ensure_folder(folder).map_err(FolderError::from)?;
    }
    Ok(Disk.replace(path, bytes).map_err(FolderError::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_digital_level_only() {
        assert!((level("-16 dBm0").unwrap().digital.decibels() + 22.15).abs() < 1e-12);
        assert_eq!(level("-16 dBm0"), Ok(LEVEL));
        assert_eq!(level("-26 dBov").unwrap().digital, DbOv::new(-26.0));
        assert!(level("-4.7 dBPa").unwrap_err().contains("calibration"));
        assert!(level("60 dB(A)").unwrap_err().contains("calibration"));
        assert!(level("-10 dBV").unwrap_err().contains("not in dBV"));
        assert!(level("loud").unwrap_err().contains("\"-16 dBm0\""));
        assert!(level("NaN dBm0").is_err());
        assert!(level("-201 dBov").unwrap_err().contains("-200 to 100 dBov"));
        assert!(level("101 dBov").is_err() && level("-200 dBov").is_ok());
    }

    #[test]
    fn full_scale_is_a_sound_pressure() {
        assert_eq!(zero("24 dBPa"), Ok(ZERO));
        assert!(zero("24 dBov").unwrap_err().contains("not in dBov"));
        assert!(zero("loud").unwrap_err().contains("\"24 dBPa\""));
    }
}
