//! The sine: its harmonics without those of the mouth, and all that is left.

use std::borrow::Cow;
use std::ops::Range;

use super::{
    ACTIVATION, CROSS, DELAY_MAX, FREQUENCY, ORDER, Reading, SILENT, STEADY, Source, frames, weighting,
};
use crate::calibration::ear::Equalizer;
use crate::capture::Take;
use crate::context::Track;
use crate::dsp::resample::stretched;
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
/// What is carried less than this by another clock over a whole take, in frames, is not carried: 0.4° at 20 kHz.
const STANDS_FRAMES: f64 = 1e-3;
/// What a clock that is off may need of the sound around the take, in frames.
const AROUND_FRAMES: Frame = 480;
/// A sine that the path carries this much weaker than the octave around it, by the activation, is canceled by the room.
const CANCELED_DB: f64 = 10.0;
/// Steps of the octave around a sine.
const STEPS: i32 = 24;
/// Half a third octave.
const HALF_BAND: f64 = 1.122_018_454_301_963_4; // 10^0.05

/// Why there is no reading.
pub(super) enum NotRead {
    /// The room cancels the sine where it was recorded, by so many dB against the octave around it: that says nothing about
    /// the device.
    Canceled(f64),
    /// Anything else.
    Unmeasurable(Unmeasurable),
}

impl From<Unmeasurable> for NotRead {
    fn from(reason: Unmeasurable) -> Self {
        Self::Unmeasurable(reason)
    }
}

/// The readings of one recording, the harmonic distortion first, and by how many dB the sine arrived louder than the
/// activation says.
pub(super) fn read(
    source: &Source,
    track: &Track,
    ear: &Equalizer,
    entry: &Entry,
    take: &Take,
) -> Result<(Vec<Reading>, f64), NotRead> {
    let (activation, steady) = (take.span(ACTIVATION), take.span(STEADY));
    let delay_max = entry.parameters.get(&DELAY_MAX);
    let later = evidence::later_frames(&source.played, track, activation.clone(), delay_max)?;
    let best = source.best();
    let frequency = entry.parameters.get(&FREQUENCY);
    let answer = track.slice(activation.start + later..activation.end + later);
    // What cannot be read where the room cancels the sine is not read for that.
    let or_canceled = |reason: Unmeasurable| match canceled_db(
        &LineGain::new(best.slice(activation.clone()), answer, RATE),
        frequency.0,
    ) {
        Some(db) if db >= CANCELED_DB => NotRead::Canceled(db),
        _ => NotRead::Unmeasurable(reason),
    };
    let window = steady.start + frames(SETTLING) as Frame..steady.end;
    let fitted = |samples: &[f64], place: &str| {
        harmonics(samples, RATE, frequency)
            .map_err(|error| Unmeasurable::because(format!("{place}: {error}")))
    };
    let arrived_window = window.start + later..window.end + later;
    let arrived = fitted(track.slice(arrived_window), "behind the path").map_err(or_canceled)?;
    let idle = track.slice(take.span(SILENT));

    // What went in, at the pace of what arrived: the sine itself tells how the device's clock runs.
    let played = fitted(best.slice(window.clone()), "before the path")?;
    let ratio = arrived.fundamental.0 / played.fundamental.0;
    let whole = activation.start..steady.end + AROUND_FRAMES;
    let paced = at_pace(best.slice(whole), ratio, (activation.end - activation.start) as f64 / 2.0);
    let of = |part: &Range<Frame>| {
        &paced[(part.start - activation.start) as usize..(part.end - activation.start) as usize]
    };
    let gain = LineGain::new(of(&activation), answer, RATE);
    let played = fitted(of(&window), "before the path")?;
    let tone = Tone::new(&gain, &played, &arrived, source, entry).without(ear);
    let readings = tone.readings(&arrived, idle, ear, entry).map_err(or_canceled)?;
    Ok((readings, tone.change_db))
}

/// A sound as a clock hears it that runs `ratio` times as fast, around its frame `pivot`.
fn at_pace(sound: &[f64], ratio: f64, pivot: f64) -> Cow<'_, [f64]> {
    let carried = (ratio - 1.0).abs() * (sound.len() as f64 - pivot).max(pivot);
    if carried < STANDS_FRAMES { Cow::Borrowed(sound) } else { Cow::Owned(stretched(sound, ratio, pivot)) }
}

/// How much weaker a path carries a frequency than the octave around it, in dB.
fn canceled_db(gain: &LineGain, hz: f64) -> Option<f64> {
    let around: Vec<f64> = (-STEPS / 2..=STEPS / 2)
        .filter_map(|i| gain.at(hz * libm::exp2(f64::from(i) / f64::from(STEPS))))
        .map(|gain| gain.norm_sqr())
        .collect();
    let mean = around.iter().sum::<f64>() / around.len() as f64;
    Some(10.0 * (mean / gain.at(hz)?.norm_sqr()).log10())
}

/// A turn of the fundamental by so many standard deviations of what foretells it is no chance.
const TURNED: f64 = 3.0;

/// How what is seen of the fundamental misses what the activation foretells of it.
///
/// The path was read earlier than the sine was played. If it has become longer by τ since, by a jump or a clock, a frequency
/// f is turned by −2πf·τ: the fundamental by φ, its harmonic k by k·φ, and a whole turn of the fundamental is a whole turn of
/// each harmonic. So where φ is more than chance, the gain at harmonic k is turned by k·φ, and what is subtracted is referred
/// to the fundamental of the same window.
///
/// That a delay turned it is not proven: of one frequency the room may have done so, and of the harmonics by something else
/// of that size. Then turning by k·φ adds as much as it was to take away, which is of what passed
/// |e^jkφ − 1| = 2·|sin(kφ/2)| ≤ min(2, k·2·|sin(φ/2)|) = min(2, k·|e^jφ − 1|), since |sin kx| ≤ k·|sin x|. And a level
/// that has changed by the factor g may or may not have changed for the harmonic: |g − 1| of it. |g·e^jkφ − 1| is at most
/// the sum of the two.
///
/// Where φ is chance, nothing is turned, and each harmonic is missed as the fundamental is: by |g·e^jφ − 1|. A true delay
/// that hides in it is one of a few degrees, or the activation was recorded in much noise.
#[derive(Debug)]
struct Miss {
    /// g·e^jφ.
    seen: Bin,
    /// Whether φ is more than chance.
    is_turned: bool,
}

impl Miss {
    /// `foretold` with its standard deviation as a share of it; where nothing is foretold any phase is possible.
    fn of(came: Bin, foretold: Option<(Bin, f64)>) -> Self {
        match foretold.filter(|(foretold, _)| foretold.norm() > 0.0) {
            Some((foretold, scatter)) => {
                let seen = came / foretold;
                Self { seen, is_turned: chord(seen) > TURNED * scatter }
            }
            None => Self { seen: Bin::new(-1.0, 0.0), is_turned: false },
        }
    }

    /// What turns the gain at a harmonic.
    fn turned(&self, order: usize) -> Bin {
        let turn = if self.is_turned { self.seen.arg() } else { 0.0 };
        Bin::from_polar(1.0, turn * order as f64)
    }

    /// The part of what passed of a harmonic that is in doubt.
    fn share(&self, order: usize) -> f64 {
        if self.is_turned {
            (self.seen.norm() - 1.0).abs() + (chord(self.seen) * order as f64).min(2.0)
        } else {
            (self.seen - 1.0).norm()
        }
    }
}

/// |e^jφ − 1| of a phase φ.
fn chord(seen: Bin) -> f64 {
    (Bin::from_polar(1.0, seen.arg()) - 1.0).norm()
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
        let foretold = gain.with_scatter(frequency).map(|(gain, scatter)| (gain * sent, scatter));
        let change_db = foretold.map_or(0.0, |(foretold, _)| 20.0 * (came.norm() / foretold.norm()).log10());
        let miss = Miss::of(came, foretold);
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
                Some(gain) if source.before.is_some() => gain * miss.turned(i + 1) * before,
                _ => Bin::new(0.0, 0.0),
            };
            doubt += if passed.norm() > 0.0 {
                (miss.share(i + 1) * passed.norm()).powi(2)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_turns_a_harmonic_by_its_order() {
        // 0.4 ms later at 1 kHz are −144°; the third harmonic is at −432° then.
        for (turn, order) in [(-0.8 * std::f64::consts::PI, 3_u8), (2.0, 2), (-3.0, 7)] {
            let foretold = (Bin::from_polar(1.0, 0.3), 0.01);
            let miss = Miss::of(Bin::from_polar(0.9, turn + 0.3), Some(foretold));
            let expected = Bin::from_polar(1.0, turn * f64::from(order));
            assert!((miss.turned(usize::from(order)) - expected).norm() < 1e-12, "{miss:?}");
        }
        // What chance may have turned is not turned.
        let miss = Miss::of(Bin::from_polar(1.0, 0.25), Some((Bin::new(1.0, 0.0), 0.1)));
        assert_eq!(miss.turned(3), Bin::new(1.0, 0.0));
        assert!((miss.share(3) - 2.0 * 0.125f64.sin()).abs() < 1e-12, "{miss:?}");
    }

    #[test]
    fn the_doubt_holds_whether_or_not_a_delay_turned_the_fundamental() {
        for g in [0.5, 0.9, 1.0, 1.3] {
            for turn in [-3.0, -1.0, -0.1, 0.02, 0.7, 2.5] {
                let miss = Miss::of(Bin::from_polar(g, turn), Some((Bin::new(1.0, 0.0), 0.0)));
                for order in 2..=10 {
                    let subtracted = miss.turned(order);
                    for level in [1.0, g] {
                        // Turned as a delay turns it, or not at all.
                        for truth in [subtracted * level, Bin::new(level, 0.0)] {
                            let off = (truth - subtracted).norm();
                            assert!(off <= miss.share(order) + 1e-12, "{g} {turn} {order}: {off}");
                        }
                    }
                }
            }
        }
        let unknown = Miss::of(Bin::new(1.0, 0.0), None);
        assert_eq!((unknown.turned(3), unknown.share(3)), (Bin::new(1.0, 0.0), 2.0));
    }

    #[test]
    fn a_clock_that_stands_changes_nothing() {
        let sound = vec![0.5; 48_000];
        assert!(matches!(at_pace(&sound, 1.0 + 1e-9, 24_000.0), Cow::Borrowed(_)));
        assert!(matches!(at_pace(&sound, 1.0 + 1e-6, 24_000.0), Cow::Owned(_)));
    }
}
