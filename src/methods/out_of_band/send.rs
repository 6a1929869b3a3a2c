//! What tones above the band leave in it.

use std::ops::Range;

use super::{ACTIVATION, ARRIVED, Above, DELAY_MAX, Least, Loss, SILENT, TAKE, curve, planned, tone_span};
use crate::capture::Take;
use crate::context::{EvalCx, Track};
use crate::dsp::spectrum::{Psd, WelchSettings, Window, power_spectrum_density};
use crate::entry::Entry;
use crate::finding::{Finding, Unmeasurable};
use crate::methods::{call, evidence, idle_noise};
use crate::take::{Frame, RATE, frames};
use crate::terms::{Direction, Port};
use crate::units::{Seconds, Unit};

/// The tone of the reference.
const REFERENCE_HZ: u32 = 1_000;
/// The span of the pause behind an activation.
const PAUSE: &str = "silence";
/// The end of a tone that is analyzed.
const ANALYSIS: Seconds = Seconds(0.3);
/// What is left out of it before the tone ends.
const TAIL: Seconds = Seconds(0.01);
/// Half a third octave.
const HALF_BAND: f64 = 1.122_018_454_301_963_4; // 10^0.05
/// The reach around a tone of its level at the mouth.
const TONE_REACH_HZ: f64 = 50.0;
/// A mouth may miss the level of a tone by so much.
const MOUTH_MAX_DB: f64 = 3.0;

/// The tracks of the take.
struct Tracks<'t> {
    take: &'t Take,
    played: Track,
    mouth: Track,
    poi: Track,
    later: Frame,
    band_hz: (f64, f64),
}

/// A tone at the mouth: mean squares.
struct AtMouth {
    hz: u32,
    /// What was asked for.
    asked: f64,
    /// Its own, over what was asked for.
    change: f64,
    /// What the mouth made in the band beside it, over the tone that was asked for.
    in_band: f64,
}

impl AtMouth {
    /// What the mouth made of a tone that it missed.
    fn missed(&self) -> Option<String> {
        let (asked_db, change_db) = (10.0 * self.asked.log10(), 10.0 * self.change.log10());
        // NaN is not within.
        let is_within = change_db.abs() <= MOUTH_MAX_DB;
        (!is_within)
            .then(|| format!("{:.1} dBPa of {asked_db:.1} dBPa at {} Hz", asked_db + change_db, self.hz))
    }
}

/// Why there is no value where the mouth missed tones.
fn limited(missed: &[String], more: &str) -> Unmeasurable {
    Unmeasurable::because(format!(
        "the mouth made {}, by mic.mrp: its band or its level is limited; use a mouth that reaches so high, equalize it, or \
         play softer{more}",
        missed.join(", ")
    ))
}

impl<'t> Tracks<'t> {
    fn read(entry: &Entry, take: &'t Take, cx: &EvalCx<'_>) -> Result<Self, Unmeasurable> {
        let played = evidence::played(cx, take, &call::source_port(Direction::Send, entry), Unit::DbPa)?;
        let mouth = evidence::captured(cx, take, &Port::of(Port::MIC_MRP), Unit::DbPa)?;
        let poi = evidence::captured(cx, take, &Port::of(Port::POI_SEND), Unit::Dbm0)?;
        let delay_max = entry.parameters.get(&DELAY_MAX);
        let later = evidence::later_frames(&played, &poi, take.span(ACTIVATION), delay_max)?;
        Ok(Self { take, played, mouth, poi, later, band_hz: idle_noise::band_hz(entry.bandwidth) })
    }

    /// The part of a span that is analyzed, as it was played.
    fn window(&self, span: &str) -> Range<Frame> {
        let span = self.take.span(span);
        let end = span.end - frames(TAIL);
        end.saturating_sub(frames(ANALYSIS) - frames(TAIL))..end
    }

    fn at_poi(&self, span: &str) -> Result<Psd, Unmeasurable> {
        let window = self.window(span);
        density(&self.poi, window.start + self.later..window.end + self.later)
    }

    fn in_band(&self, psd: &Psd) -> f64 {
        psd.band_power(self.band_hz.0, self.band_hz.1)
    }

    /// What the mouth made of a tone.
    fn at_mouth(&self, hz: u32, silence: &Psd) -> Result<AtMouth, Unmeasurable> {
        let window = self.window(&tone_span(hz));
        let near = |psd: &Psd| psd.band_power(f64::from(hz) - TONE_REACH_HZ, f64::from(hz) + TONE_REACH_HZ);
        let made = density(&self.mouth, window.clone())?;
        let asked = near(&density(&self.played, window)?);
        let in_band = (self.in_band(&made) - self.in_band(silence)).max(0.0) / asked;
        Ok(AtMouth { hz, asked, change: near(&made) / asked, in_band })
    }
}

fn density(track: &Track, window: Range<Frame>) -> Result<Psd, Unmeasurable> {
    let samples = track.slice(window);
    let settings = WelchSettings { size: samples.len().max(1), window: Window::BlackmanHarris, overlap: 0.0 };
    power_spectrum_density(samples, RATE, &settings)
        .map_err(|error| Unmeasurable::because(format!("the recording ends before a tone: {error}")))
}

/// The least of the tones that the mouth made; where it missed some, only what is proven counts.
fn least_of(losses: &[Loss], missed: &[String]) -> Result<Least, Unmeasurable> {
    match Least::of(losses) {
        None => Err(limited(missed, "")),
        Some(least) if missed.is_empty() => Ok(least),
        Some(least) => least.of_some().ok_or_else(|| {
            let more = format!(
                "; what the other tones leave in the band is hidden, {:.1} dB down or more",
                least.db
            );
            limited(missed, &more)
        }),
    }
}

/// The findings in send.
pub(super) fn findings(entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
    let take = cx.take(TAKE);
    let Above { tones_hz, .. } = planned(entry)?;
    let tracks = Tracks::read(entry, take, cx)?;
    let (idle, pause) = (density(&tracks.poi, take.span(SILENT))?, tracks.at_poi(PAUSE)?);
    let quiet_mouth = density(&tracks.mouth, take.span(SILENT))?;
    let noise = tracks.in_band(&idle).max(tracks.in_band(&pause));

    let around = |psd: &Psd| {
        let hz = f64::from(REFERENCE_HZ);
        psd.band_power(hz / HALF_BAND, hz * HALF_BAND)
    };
    let noise_around = around(&idle).max(around(&pause));
    let arrived = around(&tracks.at_poi(&tone_span(REFERENCE_HZ))?);
    let stands_out = arrived > 0.0 && arrived >= ARRIVED * noise_around;
    if !stands_out {
        return Err(Unmeasurable::because(
            "the tone of 1 kHz does not stand out of the noise at the POI: nothing of it arrived",
        ));
    }
    let at_mouth = tracks.at_mouth(REFERENCE_HZ, &quiet_mouth)?;
    if let Some(missed) = at_mouth.missed() {
        return Err(limited(&[missed], ""));
    }
    // What the path gives of a tone of the level that was asked for.
    let reference = (arrived - noise_around) / at_mouth.change;

    let least = evidence::coded_silence(cx, &Port::of(Port::POI_SEND));
    let (mut made_hz, mut losses, mut missed) = (Vec::new(), Vec::new(), Vec::new());
    for hz in tones_hz {
        let at_mouth = tracks.at_mouth(hz, &quiet_mouth)?;
        if let Some(one) = at_mouth.missed() {
            missed.push(one);
            continue;
        }
        let stray = tracks.in_band(&tracks.at_poi(&tone_span(hz))?);
        let doubt = at_mouth.in_band * reference;
        made_hz.push(hz);
        losses.push(Loss::of(reference * at_mouth.change, stray, noise, doubt, least));
    }
    let worst = least_of(&losses, &missed)?;

    let mut loss = worst.finding("out_of_band_send");
    loss.note = format!(
        "{} Hz; 1 kHz arrives at {:.1} dBm0, the noise in the band is {:.1} dBm0",
        made_hz[worst.at],
        10.0 * reference.log10(),
        10.0 * noise.max(least).log10()
    );
    if let Some(other) = worst.beside {
        loss.note = format!(
            "{}; noise leaves {:.1} dB open for {} Hz: the worst tone has at least that, and at most what is proven here",
            loss.note, losses[other].db, made_hz[other]
        );
    }
    let mut curve =
        curve("out_of_band_send_curve", made_hz.iter().map(|hz| f64::from(*hz)).collect(), &losses);
    let bounds: Vec<String> =
        (0..losses.len()).filter(|i| losses[*i].is_bound).map(|i| format!("{} Hz", made_hz[i])).collect();
    if !bounds.is_empty() {
        curve.note = format!("at least this at {}", bounds.join(", "));
    }
    if !missed.is_empty() {
        let left_out = format!("left out, since the mouth made {}", missed.join(", "));
        loss.note = format!("{}; {left_out}: the worst tone has at most this", loss.note);
        curve.tell(&left_out);
    }
    let mut findings = vec![loss, curve];
    for finding in &mut findings {
        if let Some(lombard) = call::lombard_note(entry) {
            finding.note = format!("{lombard}; {}", finding.note);
        }
        // A ratio of two levels at one port: its calibration cancels.
        let span = tone_span(made_hz[worst.at]);
        evidence::complete(finding, take, &span, vec![evidence::influence(&tracks.poi, 0.0)]);
    }
    Ok(findings)
}
