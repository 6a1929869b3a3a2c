//! `lombard monitor`: levels, peaks, clips, bands and spectrum of a bench's inputs, without a run.

mod screen;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;

use self::screen::{Screen, Style};
use super::settings::Settings;
use super::{interrupt, output};
use crate::bench::StopFlag;
use crate::event::Telemetry;
use crate::run::{LISTENING_GAINS_DB, Listening, RunError, Update};
use crate::terms::Port;

/// Watch the inputs of a bench without a run
///
/// What a person watches who places microphones and sets gains: calibrated level, A-weighted level, peak and clipped samples of
/// each input, ten times a second; third-octave bands and a narrowband spectrum of the ports that --port names; and any input to
/// listen to. Nothing is played, the rig is not touched, nothing is written, and no verdict comes of it: docs/monitor.md says how
/// exact it is.
///
/// On a terminal a table is drawn over the one before, elsewhere a line a second. It goes on until Ctrl-C, or for --for.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lombard monitor lab2                                        every input of the bench
  lombard monitor lab2 --port ear.left --port ear.right --spectrum
  lombard monitor lab2 --listen ear.right --on pulseaudio:headphones --gain 20
  lombard monitor lab2 --port mic.mrp --json --for 10 > levels.jsonl

Fields of a line of --json, levels in decibels of 'unit'; null is silence, or no number where
'broken' is true:
  at_s          seconds since the command began
  port          the port
  side          recorded, or played
  unit          dBPa, dBV, dBm0 or dBov
  standing      calibrated, expired or uncalibrated: then the unit is dBov
  record        the calibration record of the port
  unbroken_s    seconds of sound since something was lost, or since the beginning
  level         RMS level, time weighting F (125 ms)
  level_a       the same with the A weighting; null where the port is no sound pressure
  peak          largest magnitude since the line before of this port
  highest_peak  largest magnitude since the beginning
  clipped       samples at full scale since the beginning
  gaps          how often all averages began anew because something was lost
  broken        whether a value that is no number came since the line before
  bands         nominal_hz and levels of third octaves over the last second; with --spectrum
  lines         levels of the spectrum from 0 Hz on; spacing_hz, noise_bandwidth_hz, averaged_s
Lines about --listen have: at_s, listening (the port), interface, skipped (frames), dry (how often
there was nothing), limited (samples), problem.

Exit codes: 0 ended by --for or Ctrl-C, 2 bad input, 4 the bench or the interface that is listened on failed.")]
pub(super) struct Monitor {
    /// Bench file, or name of a bench
    #[arg(value_name = "BENCH")]
    bench: String,

    /// Watch this port; may be given several times; without it every input
    #[arg(long, value_name = "PORT")]
    port: Vec<String>,

    #[command(flatten)]
    listen: Listen,

    /// Third-octave bands and a narrowband spectrum of each --port
    #[arg(long, requires = "port")]
    spectrum: bool,

    /// End after this many seconds; without it at Ctrl-C
    #[arg(long = "for", value_name = "SECONDS")]
    duration_s: Option<f64>,

    /// Print a JSON object a line, for each reading of each port
    #[arg(long)]
    json: bool,
}

/// What is listened to.
#[derive(Debug, Args)]
pub(super) struct Listen {
    /// Listen to this port; nothing of it is in what is captured
    #[arg(long = "listen", value_name = "PORT")]
    to: Option<String>,

    /// Audio interface to listen on, as `lombard list interfaces` prints it; not one on which the bench plays. Without it the
    /// default output
    #[arg(long, value_name = "INTERFACE", requires = "to")]
    on: Option<String>,

    /// Gain of what is listened to, -60 to 60; nothing is louder than -12 dB of full scale
    #[arg(long, value_name = "DB", requires = "to", default_value_t = 0.0, allow_negative_numbers = true)]
    gain: f64,
}

impl Listen {
    /// What is to be listened to, if anything.
    ///
    /// # Errors
    /// A port that can be none, a gain out of range.
    pub(super) fn wish(&self) -> Result<Option<Listening>, RunError> {
        let Some(name) = &self.to else { return Ok(None) };
        if !LISTENING_GAINS_DB.contains(&self.gain) {
            return Err(RunError::Usage(format!(
                "--gain {} is out of range; give {} to {} dB",
                self.gain,
                LISTENING_GAINS_DB.start(),
                LISTENING_GAINS_DB.end()
            )));
        }
        Ok(Some(Listening { port: port(name)?, interface: self.on.clone(), gain_db: self.gain }))
    }
}

fn port(name: &str) -> Result<Port, RunError> {
    Port::new(name).map_err(|error| RunError::Usage(error.to_string()))
}

/// The longest time that can be asked for: a year.
const FOR_MAX_S: f64 = 366.0 * 86_400.0;

impl Monitor {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, RunError> {
        let ports: Vec<Port> = self.port.iter().map(|name| port(name)).collect::<Result<_, _>>()?;
        let monitor = crate::run::Monitor::new();
        if ports.is_empty() {
            monitor.watch_all();
        } else {
            monitor.watch(ports.clone());
        }
        if self.spectrum {
            monitor.analyze(ports);
        }
        monitor.listen(self.listen.wish()?);
        let stop = StopFlag::default();
        if let Some(seconds) = self.duration_s {
            if !(seconds > 0.0 && seconds <= FOR_MAX_S) {
                return Err(RunError::Usage(format!("--for {seconds} is no time; give seconds above 0")));
            }
            let stop = stop.clone();
            let wait = move || {
                std::thread::sleep(Duration::from_secs_f64(seconds));
                stop.stop();
            };
            let thread = std::thread::Builder::new().name("clock".to_owned()).spawn(wait);
            thread.map_err(|error| RunError::Broken(format!("no thread for --for: {error}")))?;
        }
        interrupt::stops(stop.clone())?;
        let style = match (self.json, output::is_screen()) {
            (true, _) => Style::Json,
            (false, true) => Style::Table,
            (false, false) => Style::Lines,
        };
        let (began, screen) = (Instant::now(), Mutex::new(Screen::new(style)));
        // What ends the watching beside the bench itself.
        let failure: Mutex<Option<RunError>> = Mutex::new(None);
        let fail = |error| {
            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            stop.stop();
        };
        let listener = |update: Update<'_>| {
            let at_s = began.elapsed().as_secs_f64();
            let mut screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
            let text = match update {
                Update::Telemetry(Telemetry::Reading(reading)) => screen.hear(at_s, reading),
                Update::Telemetry(Telemetry::Listening(listened)) => {
                    if let Some(problem) = &listened.problem {
                        fail(RunError::Bench(problem.clone()));
                    }
                    screen.hear_listening(at_s, listened)
                }
                _ => None,
            };
            match text.map(|text| output::offer(&text)) {
                // A reader that has seen enough ends it.
                Some(Ok(false)) => stop.stop(),
                Some(Err(error)) => fail(error),
                Some(Ok(true)) | None => {}
            }
        };
        settings.engine.monitor(&self.bench, &monitor, &listener, &stop)?;
        let failed = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(Ok(0), Err)
    }
}
