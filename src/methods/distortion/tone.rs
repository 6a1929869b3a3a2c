//! The sine: its harmonics without those of the mouth, and all that is left.

use super::{
    ACTIVATION, CROSS, DELAY_MAX, FREQUENCY, ORDER, Reading, SILENT, STEADY, Source, frames, weighting,
};
use crate::calibration::ear::Equalizer;
use crate::capture::Take;
use crate::context::Track;
use crate::dsp::spectrum::{Bin, power_spectrum};
use crate::entry::Entry;
use crate::finding::Unmeasurable;
use crate::meters::distortion::{Harmonics, harmonics};
use crate::meters::line_gain::LineGain;
use crate::methods::{evidence, idle_noise};
use crate::take::{Frame, RATE};
use crate::units::Seconds;

/// What the cabin needs until a sine stands: 60 dB at 70 ms of reverberation time, and the window fades the rest in.
const SETTLING: Seconds = Seconds(0.05);
/// The power of a sine over the noise around it, at least: 10 dB.
const SINE_ABOVE_NOISE: f64 = 10.0;
/// The equivalent noise bandwidth of the Blackman-Harris window of the fit, in bins.
const WINDOW_BINS: f64 = 2.004;
/// A part of a power that noise may be before it hides the rest: 6 dB.
const NOISE_SHARE_MAX: f64 = 0.25;
/// Half a third octave.
const HALF_BAND: f64 = 1.122_018_454_301_963_4; // 10^0.05

/// The readings of one recording, the harmonic distortion first, and by how many dB the sine arrived louder than the
/// activation says.
pub(super) fn read(
    source: &Source,
    track: &Track,
    ear: &Equalizer,
    entry: &Entry,
    take: &Take,
) -> Result<(Vec<Reading>, f64), Unmeasurable> {
    let (activation, steady) = (take.span(ACTIVATION), take.span(STEADY));
    let delay_max = entry.parameters.get(&DELAY_MAX);
    let later = evidence::later_frames(&source.played, track, activation.clone(), delay_max)?;
    let best = source.best();
    let gain = LineGain::new(
        best.slice(activation.clone()),
        track.slice(activation.start + later..activation.end + later),
        RATE,
    );
    let window = steady.start + frames(SETTLING) as Frame..steady.end;
    let frequency = entry.parameters.get(&FREQUENCY);
    let fitted = |samples: &[f64], place: &str| {
        harmonics(samples, RATE, frequency)
            .map_err(|error| Unmeasurable::because(format!("{place}: {error}")))
    };
    let played = fitted(best.slice(window.clone()), "before the path")?;
    let arrived_window = window.start + later..window.end + later;
    let arrived = fitted(track.slice(arrived_window), "behind the path")?;
    let idle = track.slice(take.span(SILENT));
    let tone = Tone::new(&gain, &played, &arrived, source, entry).without(ear);
    Ok((tone.readings(&arrived, idle, ear, entry)?, tone.change_db))
}

/// A sine behind the path, with what the path made of it.
struct Tone {
    /// The frequency and amplitude of the fundamental.
    fundamental: (f64, f64),
    /// Order, frequency and amplitude of the device's own harmonics in the band.
    own: Vec<(usize, f64, f64)>,
    /// The square of what of them may be the mouth's still.
    doubt: f64,
    /// The mouth's harmonics over its fundamental.
    mouth_share: f64,
    unknown: bool,
    /// Against what the activation says.
    change_db: f64,
    /// What the mouth did, for the reader.
    note: String,
}

impl Tone {
    fn new(gain: &LineGain, played: &Harmonics, arrived: &Harmonics, source: &Source, entry: &Entry) -> Self {
        let frequency = arrived.fundamental.0;
        let (sent, came) = (played.amplitudes[0], arrived.amplitudes[0]);
        let foretold = gain.at(frequency).map(|gain| gain * sent);
        let change_db = foretold.map_or(0.0, |foretold| 20.0 * (came.norm() / foretold.norm()).log10());
        // How well the activation foretells what the path does to a sine.
        let error = foretold.map_or(1.0, |foretold| ((came - foretold).norm() / came.norm()).min(1.0));
        let upper_hz = idle_noise::band_hz(entry.bandwidth).1;
        let (mut own, mut doubt) = (Vec::new(), 0.0);
        for (i, amplitude) in arrived.amplitudes.iter().enumerate().skip(1) {
            let hz = frequency * (i + 1) as f64;
            if hz > upper_hz * 1.001 {
                break;
            }
            let before = played.amplitudes.get(i).copied().unwrap_or(Bin::new(0.0, 0.0));
            let passed = match gain.at(hz) {
                // In receive nothing distorts before the path but the rounding of what was played.
                Some(gain) if source.before.is_some() => gain * before,
                _ => Bin::new(0.0, 0.0),
            };
            doubt += if passed.norm() > 0.0 {
                (error * passed.norm()).powi(2)
            } else if source.before.is_some() {
                // Without a gain the mouth's harmonic may have passed as the fundamental did.
                (before.norm() * came.norm() / sent.norm()).powi(2)
            } else {
                0.0
            };
            own.push((i + 1, hz, (amplitude - passed).norm()));
        }
        let mut note = String::new();
        let harmonics = played.amplitudes[1..].iter().map(Bin::norm_sqr).sum::<f64>().sqrt();
        let mouth_share = if source.before.is_some() { harmonics / sent.norm() } else { 0.0 };
        if source.before.is_some() {
            let level_db = 10.0 * (sent.norm_sqr() / 2.0).log10();
            let percent = 100.0 * mouth_share;
            note = format!("; {level_db:.2} dBPa at the MRP, where the mouth has {percent:.3} %");
        }
        let (fundamental, unknown) = ((frequency, came.norm()), source.is_unknown);
        Self { fundamental, own, doubt, mouth_share, unknown, change_db, note }
    }

    /// The same in the field in front of an ear: everything is divided by the ear's response at its own frequency.
    fn without(mut self, ear: &Equalizer) -> Self {
        let gain = |hz: f64| libm::pow(10.0, -ear.response_db(hz) / 20.0);
        self.fundamental.1 *= gain(self.fundamental.0);
        for one in &mut self.own {
            one.2 *= gain(one.1);
        }
        self
    }

    fn percent(&self, power: f64) -> f64 {
        100.0 * power.max(0.0).sqrt() / self.fundamental.1
    }

    /// For the reader.
    fn told(&self) -> String {
        let (hz, amplitude) = self.fundamental;
        let level_db = 20.0 * (amplitude / std::f64::consts::SQRT_2).log10();
        let change_db = self.change_db;
        format!(
            "{hz:.1} Hz, fundamental {level_db:.2} dB, {change_db:+.2} dB against the activation{}",
            self.note
        )
    }

    fn readings(
        &self,
        arrived: &Harmonics,
        idle: &[f64],
        ear: &Equalizer,
        entry: &Entry,
    ) -> Result<Vec<Reading>, Unmeasurable> {
        let order = entry.parameters.get(&ORDER) as usize;
        let told = self.told();
        let rest = ear.equalized(power_spectrum(&arrived.rest, RATE));
        let fit_hz = WINDOW_BINS * f64::from(RATE) / arrived.rest.len() as f64;
        // The square of the amplitude that noise alone gives the fit of a harmonic.
        let noise_at = |hz: f64| {
            let (from, to) = (hz / HALF_BAND, hz * HALF_BAND);
            2.0 * rest.band_power(from, to) / (to - from) * fit_hz
        };
        let around = noise_at(self.fundamental.0);
        let arrives = self.fundamental.1.powi(2) >= SINE_ABOVE_NOISE * around;
        if !arrives {
            return Err(Unmeasurable::because(
                "the sine does not stand out of the noise: nothing of it arrived",
            ));
        }
        let counted: Vec<&(usize, f64, f64)> = self.own.iter().filter(|one| one.0 <= order).collect();
        let power: f64 = counted.iter().map(|one| one.2.powi(2)).sum();
        let noise: f64 = counted.iter().map(|one| noise_at(one.1)).sum();
        let doubt_of = |percent: f64| self.percent(self.doubt).hypot(CROSS * self.mouth_share * percent);
        let hidden = (noise > NOISE_SHARE_MAX * power).then(|| self.percent(power));
        let value = self.percent(power - noise);
        let harmonic = Reading::judged("", value, doubt_of(value), hidden, self.unknown).and_note(&told);

        let weight = weighting(entry.bandwidth);
        let band_hz = idle_noise::band_hz(entry.bandwidth);
        let weighted = |spectrum| weight.apply(spectrum).band_power(band_hz.0, band_hz.1);
        let all = weighted(&rest)
            + self.own.iter().map(|one| weight.power_gain(one.1) * one.2.powi(2) / 2.0).sum::<f64>();
        let quiet = weighted(&ear.equalized(power_spectrum(idle, RATE)));
        let value = self.percent(2.0 * all);
        let hidden = (quiet > NOISE_SHARE_MAX * all).then_some(value);
        let total = Reading::judged("_total", value, doubt_of(value), hidden, self.unknown).and_note(
            &format!("{weight:?} weighting, {} to {} Hz, noise included; {}", band_hz.0, band_hz.1, told),
        );
        let curve = (
            counted.iter().map(|one| one.1).collect(),
            counted.iter().map(|one| self.percent(one.2.powi(2))).collect(),
        );
        let curve =
            Reading { suffix: "_harmonics", curve: Some(curve), uncertainty: None, ..harmonic.clone() };
        let value = harmonic.percent;
        if value.is_finite() {
            Ok(vec![harmonic, total, curve])
        } else {
            Err(Unmeasurable::because("no harmonic lies in the band: choose a lower frequency"))
        }
    }
}
