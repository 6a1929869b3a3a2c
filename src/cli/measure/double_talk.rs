//! `lombard measure double-talk`: echo loss and sent-speech attenuation by the AM-FM pair.

use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;

use super::input::{Signal, same_rate, signal};
use super::reading::Reading;
use super::span::span;
use crate::meters::double_talk::double_talk;
use crate::meters::timeline::frames_of;
use crate::run::RunError;

/// Echo loss and sent-speech attenuation in double talk, by the AM-FM pair of P.501
///
/// FAR and NEAR are what was played from either end, SEND is what was recorded at the network meanwhile. Which comb is
/// which is read from the signals. At least 3.3 s; the first half second is left out.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Prints far_comb and near_comb (1: 125, 250, 500 … Hz; 2: 180, 270, 540 … Hz), spread (energy between the combs makes the \
echo reading: no class), for each component of the far comb hz, echo_loss_db (FAR over SEND) and unoccupied_loss_db (what \
the energy between the combs would read), for each of the near comb send_hz and sent_speech_attenuation_db (near-only \
SEND over SEND; null without --near-only-send: against NEAR it would contain the send response).

Examples:
  lombard measure double-talk receive.wav mouth.wav send.wav --near-only-send send-near.wav --json
  lombard measure double-talk receive.wav mouth.wav send.wav --span 5..13")]
pub(crate) struct DoubleTalk {
    /// WAV file with what the far end played
    #[arg(value_name = "FAR")]
    far: PathBuf,

    /// WAV file with what the near end played
    #[arg(value_name = "NEAR")]
    near: PathBuf,

    /// WAV file with the send signal in double talk, from the same instant on
    #[arg(value_name = "SEND")]
    send: PathBuf,

    /// WAV file with the send signal while only the near end played the same
    #[arg(long, value_name = "FILE")]
    near_only_send: Option<PathBuf>,

    /// Part of the three files to measure, in seconds; the first half second of it is left out
    #[arg(long, value_name = "FROM..TO", value_parser = span)]
    span: Option<Range<f64>>,

    /// Part of the near-only send signal, in seconds
    #[arg(long, value_name = "FROM..TO", value_parser = span, requires = "near_only_send")]
    near_only_span: Option<Range<f64>>,

    /// Channel of all files, counted from 1; needed where a file has more than one
    #[arg(long, value_name = "N")]
    channel: Option<usize>,

    /// Channel of FAR, where it differs
    #[arg(long, value_name = "N")]
    far_channel: Option<usize>,

    /// Channel of NEAR, where it differs
    #[arg(long, value_name = "N")]
    near_channel: Option<usize>,

    /// Channel of SEND and the near-only send signal, where it differs
    #[arg(long, value_name = "N")]
    send_channel: Option<usize>,

    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl DoubleTalk {
    pub(super) fn run(self) -> Result<(), RunError> {
        let read = |path: &Path, own: Option<usize>, option: &str| signal(path, own.or(self.channel), option);
        let far = read(&self.far, self.far_channel, "--channel or --far-channel")?;
        let near = read(&self.near, self.near_channel, "--channel or --near-channel")?;
        let send = read(&self.send, self.send_channel, "--channel or --send-channel")?;
        let alone = match &self.near_only_send {
            None => None,
            Some(path) => Some(read(path, self.send_channel, "--channel or --send-channel")?),
        };
        let mut rates: Vec<(&Path, u32)> =
            vec![(&self.far, far.rate), (&self.near, near.rate), (&self.send, send.rate)];
        if let (Some(path), Some(alone)) = (&self.near_only_send, &alone) {
            rates.push((path, alone.rate));
        }
        same_rate(&rates)?;
        let rate = far.rate;
        let far = part(&far, self.span.as_ref(), &self.far)?;
        let near = part(&near, self.span.as_ref(), &self.near)?;
        let send = part(&send, self.span.as_ref(), &self.send)?;
        let alone = match (&alone, &self.near_only_send) {
            (Some(alone), Some(path)) => Some(part(alone, self.near_only_span.as_ref(), path)?),
            _ => None,
        };
        let measured = double_talk(far, near, send, alone, rate).map_err(|error| {
            let names = [&self.far, &self.near, &self.send].map(|path| path.display().to_string());
            RunError::Usage(format!("{}: {error}", names.join(", ")))
        })?;
        let mut reading = Reading::default()
            .text("far_comb", measured.far.word())
            .text("near_comb", measured.near.word())
            .truth("spread", measured.spread)
            .numbers("hz", measured.echo.iter().map(|one| one.freq.0).collect())
            .numbers("echo_loss_db", measured.echo.iter().map(|one| one.echo_loss.0).collect())
            .numbers("unoccupied_loss_db", measured.echo.iter().map(|one| one.unoccupied_loss.0).collect())
            .numbers("send_hz", measured.sent.iter().map(|one| one.freq.0).collect());
        let sent: Option<Vec<f64>> =
            measured.sent.iter().map(|one| one.attenuation.map(|attenuation| attenuation.0)).collect();
        let mut notes = Vec::new();
        reading = if let Some(sent) = sent {
            reading.numbers("sent_speech_attenuation_db", sent)
        } else {
            notes.push(
                "sent-speech attenuation needs --near-only-send: against NEAR it would contain the send response",
            );
            reading.nothing("sent_speech_attenuation_db")
        };
        if measured.spread {
            notes.push("energy that belongs to neither comb (chopped speech, noise) makes the echo reading: no class");
        }
        if !notes.is_empty() {
            reading = reading.text("note", notes.join("; "));
        }
        reading.print(self.json)
    }
}

/// The part of a signal to measure.
fn part<'a>(signal: &'a Signal, span_s: Option<&Range<f64>>, path: &Path) -> Result<&'a [f64], RunError> {
    let Some(span_s) = span_s else { return Ok(&signal.samples) };
    let frames = frames_of(span_s, signal.rate, signal.samples.len())
        .map_err(|error| RunError::Usage(format!("{}: {error}", path.display())))?;
    Ok(&signal.samples[frames])
}
