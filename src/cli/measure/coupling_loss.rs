//! `lombard measure coupling-loss`: the weighted echo loss of G.122.

use std::path::PathBuf;

use clap::Args;

use super::curve::CurveFile;
use super::input::{PairChannels, Signal, Zeros, pair, same_rate, search, signal};
use super::reading::Reading;
use crate::dsp::DspError;
use crate::dsp::bands::Bands;
use crate::meters::MeterError;
use crate::meters::band_energy::{Recorded, band_energies, empty_bands};
use crate::meters::coupling::{Echo, Weighted, constant_db, trapezoid};
use crate::meters::response::{Common, EMPTY_BELOW_DB, common};
use crate::run::RunError;

/// Coupling loss by the trapezoid rule of G.122 B.4
///
/// Third octaves between the edges, aligned by the measured delay; the end values are held to the edges. Echo that cannot
/// be told from the noise of --idle makes the loss a bound: the true one is at least as large.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints coupling_loss_db, noise_limited, hz, band_loss_db. Without --idle the noise is not known and noise_limited is null.

Examples:
  lombard measure coupling-loss receive.wav send.wav --idle idle.wav --json
  lombard measure coupling-loss receive.wav send.wav --from-hz 100 --to-hz 8000
  lombard measure coupling-loss --curve echo-loss.csv --from-hz 300 --to-hz 3400")]
pub(crate) struct CouplingLoss {
    /// WAV file with what was played, and WAV file with its echo, from the same instant on
    #[arg(value_names = ["REF", "ECHO"], num_args = 2, required_unless_present = "curve", conflicts_with = "curve")]
    files: Vec<PathBuf>,

    /// CSV file with the loss by frequency instead, header hz,db
    #[arg(long, value_name = "FILE.csv")]
    curve: Option<PathBuf>,

    /// Lower edge
    #[arg(long, value_name = "HZ", default_value_t = 300.0)]
    from_hz: f64,

    /// Upper edge
    #[arg(long, value_name = "HZ", default_value_t = 3400.0)]
    to_hz: f64,

    /// WAV file recorded as ECHO was while nothing was played
    #[arg(long, value_name = "FILE", conflicts_with = "curve")]
    idle: Option<PathBuf>,

    #[command(flatten)]
    channels: PairChannels,

    #[command(flatten)]
    zeros: Zeros,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl CouplingLoss {
    pub(super) fn run(self) -> Result<(), RunError> {
        let edges_hz = (self.from_hz, self.to_hz);
        if !(0.0 < edges_hz.0 && edges_hz.0 < edges_hz.1 && edges_hz.1.is_finite()) {
            return Err(RunError::Usage(format!(
                "--from-hz {} and --to-hz {} are no band: the lower edge first, both above 0",
                edges_hz.0, edges_hz.1
            )));
        }
        if let Some(path) = &self.curve {
            return self.of_curve(&CurveFile::read(path)?, edges_hz);
        }
        let [reference, echo] = &self.files[..] else {
            return Err(RunError::Usage("name REF and ECHO, or --curve FILE.csv".to_owned()));
        };
        let offset_db = self.zeros.same_plane()?;
        let (played, recorded) = pair(reference, echo, &self.channels)?;
        let idle = match &self.idle {
            None => None,
            Some(path) => {
                let channel = self.channels.captured_channel.or(self.channels.channel);
                let idle = signal(path, channel, "--channel")?;
                same_rate(&[(echo, recorded.rate), (path, idle.rate)])?;
                let idle_s = idle.samples.len() as f64 / f64::from(idle.rate);
                if idle_s < IDLE_MIN_S {
                    return Err(RunError::Usage(format!(
                        "{} lasts {idle_s:.3} s: {IDLE_MIN_S} s of idle noise are needed to know it",
                        path.display()
                    )));
                }
                Some(idle)
            }
        };
        let read = measured(&played, &recorded, idle.as_ref(), edges_hz).map_err(|error| {
            RunError::Usage(format!("{} and {}: {error}", reference.display(), echo.display()))
        })?;
        let limited = idle.is_some().then_some(read.weighted.is_noise_limited());
        let mut reading = Reading::default().number("coupling_loss_db", read.weighted.loss_db - offset_db);
        reading = match limited {
            Some(limited) => reading.truth("noise_limited", limited),
            None => reading.maybe("noise_limited", None),
        };
        let losses = read.echo.band_loss_db().iter().map(|loss| loss - offset_db).collect();
        reading = reading
            .maybe("delay_ms", read.delay_ms)
            .numbers("hz", read.echo.bands.iter().map(|band| band.nominal_hz).collect())
            .numbers("band_loss_db", losses);
        if read.delay_ms.is_none() {
            reading = reading.text("note", "no echo stands out of chance: the whole recording was analyzed");
        }
        reading.print(self.json)
    }

    fn of_curve(&self, curve: &CurveFile, edges_hz: (f64, f64)) -> Result<(), RunError> {
        let ratios: Vec<f64> = curve.db.iter().map(|loss| 10f64.powf(-loss / 10.0)).collect();
        let sum = trapezoid(&curve.hz, &ratios, edges_hz);
        if sum.is_nan() {
            return Err(RunError::Usage(format!(
                "the curve has no point from {} to {} Hz: measure there, or choose other edges",
                edges_hz.0, edges_hz.1
            )));
        }
        let (first, last) = (
            curve.hz.iter().copied().find(|hz| *hz >= edges_hz.0),
            curve.hz.iter().copied().rfind(|hz| *hz <= edges_hz.1),
        );
        if first.is_none_or(|hz| hz > edges_hz.0 * OPEN_MAX)
            || last.is_none_or(|hz| hz < edges_hz.1 / OPEN_MAX)
        {
            return Err(RunError::Usage(format!(
                "the curve leaves more than an octave at an edge of {} to {} Hz open: measure there, or choose other edges",
                edges_hz.0, edges_hz.1
            )));
        }
        let inside = |hz: f64| (edges_hz.0..=edges_hz.1).contains(&hz);
        let points = || curve.hz.iter().zip(&curve.db).filter(|(hz, _)| inside(**hz));
        Reading::default()
            .number("coupling_loss_db", constant_db(edges_hz) - 10.0 * sum.log10())
            .maybe("noise_limited", None)
            .numbers("hz", points().map(|(hz, _)| *hz).collect())
            .numbers("band_loss_db", points().map(|(_, db)| *db).collect())
            .print(self.json)
    }
}

/// How far the end values of a curve may be held to the edges: an octave.
const OPEN_MAX: f64 = 2.0;
/// The shortest idle recording: 0.5 s tell the narrowest band, 70 Hz at 300 Hz, within a decibel.
const IDLE_MIN_S: f64 = 0.5;

/// What was measured between two files.
struct Read {
    weighted: Weighted,
    echo: Echo,
    delay_ms: Option<f64>,
}

fn measured(
    played: &Signal,
    recorded: &Signal,
    idle: Option<&Signal>,
    edges_hz: (f64, f64),
) -> Result<Read, MeterError> {
    let rate = played.rate;
    if edges_hz.1 > f64::from(rate) / 2.0 {
        return Err(MeterError::asked(
            format!("the files end at {} Hz, below the upper edge of {} Hz", rate / 2, edges_hz.1),
            "record at a higher rate, or lower --to-hz",
        ));
    }
    let bands = Bands::third_octave(edges_hz.0, edges_hz.1);
    let found = common(&played.samples, &recorded.samples, rate, &search());
    let (input, output, delay_ms) = match &found {
        Ok(Common { reference, captured, delay }) => (*reference, *captured, Some(delay.delay.as_ms())),
        // Without an echo the whole of both is compared; what is there is noise, and at most that much echo.
        Err(MeterError::Asked { .. } | MeterError::Signal(DspError::Silent { which: "recording" })) => {
            (&played.samples[..], &recorded.samples[..], None)
        }
        Err(error) => return Err(error.clone()),
    };
    let input = band_energies(input, rate, &bands);
    let empty = empty_bands(&input, 0..bands.len(), EMPTY_BELOW_DB);
    if let Some(first) = empty.first() {
        return Err(MeterError::asked(
            format!("REF has no energy in the band at {} Hz", bands.as_slice()[*first].nominal_hz),
            "use a signal that fills the band between the edges",
        ));
    }
    let none = [0.0; 1];
    let idle = idle.map_or(&none[..], |idle| &idle.samples);
    let output = Recorded::read(output, idle, rate, &bands);
    let echo = Echo { bands, input, output };
    Ok(Read { weighted: echo.weighted(edges_hz), echo, delay_ms })
}
