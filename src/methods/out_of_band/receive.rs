//! What is heard above the band.

use super::{ARRIVED, Above, DELAY_MAX, Least, Loss, SILENT, STIMULUS, TAKE, curve, planned};
use crate::capture::Take;
use crate::context::{EvalCx, Track};
use crate::dsp::bands::Bands;
use crate::dsp::spectrum::{PowerSpectrum, power_spectrum};
use crate::entry::Entry;
use crate::finding::{Finding, Unmeasurable};
use crate::methods::call::{self, EAR_FIELD};
use crate::methods::evidence::{self, EarAtPort};
use crate::methods::idle_noise;
use crate::take::{RATE, frames};
use crate::terms::{Direction, Port};
use crate::units::Unit;

/// The bands of the curve, in one octave.
const FRACTION: u32 = 12;

/// A recording whose silence above the band is this little above the rounding of 24 bits may be nothing else: 6 dB.
const ABOVE_ROUNDING: f64 = 4.0;
/// What is heard of the signal above the band shows that the recorder hears there, if it is at most this far below the
/// band: 70 dB, which the stop band of no converter's own filter leaves.
const HEARD: f64 = 1e-7;

/// Steps in which the response of an ear is looked at over a range.
const STEPS: u32 = 32;

/// What was played, and where it is summed.
struct Played {
    /// What the signal itself holds above the band, over what it holds in it.
    share_above: f64,
    band_hz: (f64, f64),
    range_hz: (f64, f64),
}

/// What one ear heard.
struct Heard {
    port: Port,
    track: Track,
    ear: EarAtPort,
    range_hz: (f64, f64),
    in_band: f64,
    loss: Loss,
    hz: Vec<f64>,
    losses: Vec<Loss>,
}

impl Heard {
    fn read(
        port: Port,
        played: &Played,
        entry: &Entry,
        take: &Take,
        cx: &EvalCx<'_>,
    ) -> Result<Self, Unmeasurable> {
        let track = evidence::captured(cx, take, &port, Unit::DbPa)?;
        let field = entry.parameters.get(&EAR_FIELD);
        let ear = EarAtPort::of(cx, &port, field)?;
        let curve = cx.bench.ports.get(&port).and_then(|info| info.ear.as_ref()?.response(field));
        let ends_hz = curve.and_then(|curve| curve.points.last()).map_or(f64::INFINITY, |point| point.0);
        let range_hz = (played.range_hz.0, played.range_hz.1.min(ends_hz));
        if range_hz.1 <= range_hz.0 {
            return Err(Unmeasurable::because(format!(
                "the curve of {port} ends at {ends_hz} Hz, below {} Hz where the band of the call is left: use an ear \
                 that was measured higher up",
                range_hz.0
            )));
        }
        let span = take.span(STIMULUS);
        let window = span.start..span.end + frames(entry.parameters.get(&DELAY_MAX));
        let raw = |samples: &[f64]| power_spectrum(samples, RATE);
        let (all, idle) = (raw(track.slice(window)), raw(track.slice(take.span(SILENT))));
        hears_above(&all, &idle, played.band_hz, range_hz, (&port, cx))?;
        let (all, idle) = (ear.equalizer.equalized(all), ear.equalizer.equalized(idle));
        let in_all = all.band_power(played.band_hz.0, played.band_hz.1);
        let in_idle = idle.band_power(played.band_hz.0, played.band_hz.1);
        let arrived = in_all > 0.0 && in_all >= ARRIVED * in_idle;
        if !arrived {
            return Err(Unmeasurable::because(format!(
                "the signal does not stand out of the noise at {port}: nothing of it arrived"
            )));
        }
        let in_band = in_all - in_idle;
        let silence = evidence::recorded_silence(cx, &port, &track);
        let loss = |(from_hz, to_hz): (f64, f64), doubt: f64| {
            let power = |spectrum: &PowerSpectrum| spectrum.band_power(from_hz, to_hz);
            // Where the ear hears least, taking it out lifts what the recorder cannot carry most.
            let lift_db = (0..=STEPS)
                .map(|i| from_hz * libm::pow(to_hz / from_hz, f64::from(i) / f64::from(STEPS)))
                .map(|hz| -ear.equalizer.response_db(hz))
                .fold(f64::NEG_INFINITY, f64::max);
            let least = silence * libm::pow(10.0, lift_db / 10.0);
            Loss::of(in_band, power(&all), power(&idle), doubt, least)
        };
        let bands = Bands::per_octave(FRACTION, range_hz.0, range_hz.1);
        let inside =
            || bands.iter().filter(|band| band.lower_hz >= range_hz.0 && band.upper_hz <= range_hz.1);
        Ok(Self {
            loss: loss(range_hz, played.share_above * in_band),
            hz: inside().map(|band| band.nominal_hz).collect(),
            losses: inside().map(|band| loss((band.lower_hz, band.upper_hz), 0.0)).collect(),
            range_hz,
            in_band,
            port,
            track,
            ear,
        })
    }
}

/// A recorder that hears nothing above the band finds every car clean.
fn hears_above(
    all: &PowerSpectrum,
    idle: &PowerSpectrum,
    band_hz: (f64, f64),
    range_hz: (f64, f64),
    (port, cx): (&Port, &EvalCx<'_>),
) -> Result<(), Unmeasurable> {
    let noise = idle.band_power(range_hz.0, range_hz.1);
    let least = ABOVE_ROUNDING * evidence::least_noise(cx, port, range_hz.1 - range_hz.0);
    let signal = all.band_power(range_hz.0, range_hz.1);
    if noise > least || signal > HEARD * all.band_power(band_hz.0, band_hz.1) {
        return Ok(());
    }
    Err(Unmeasurable::because(format!(
        "{port} records digital silence from {} to {} Hz, less noise than any microphone has: its channel ends at a lower \
         frequency, or something mutes it; record at 48 kHz without speech processing, filters or rate conversion in the \
         interface and its driver, and measure again",
        range_hz.0, range_hz.1
    )))
}

/// The findings in receive.
pub(super) fn findings(entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
    let take = cx.take(TAKE);
    let Above { range_hz, .. } = planned(entry)?;
    let band_hz = idle_noise::band_hz(entry.bandwidth);
    let source = call::source_port(Direction::Receive, entry);
    let played = evidence::played(cx, take, &source, Unit::Dbm0)?;
    let spectrum = power_spectrum(played.slice(take.span(STIMULUS)), RATE);
    let in_band = spectrum.band_power(band_hz.0, band_hz.1);
    let share_above = spectrum.band_power(range_hz.0, range_hz.1) / in_band;
    if !share_above.is_finite() {
        return Err(Unmeasurable::because(format!("what was played on {source} has no energy in the band")));
    }
    let played = Played { share_above, band_hz, range_hz };
    let ports = call::sink_ports(Direction::Receive, entry).into_iter();
    let ears: Vec<Heard> =
        ports.map(|port| Heard::read(port, &played, entry, take, cx)).collect::<Result<_, Unmeasurable>>()?;
    let losses: Vec<Loss> = ears.iter().map(|ear| ear.loss).collect();
    let least = Least::of(&losses).ok_or_else(|| Unmeasurable::because("no ear was recorded"))?;
    let worse = &ears[least.at];
    let mut loss = least.finding("out_of_band_receive");
    let mut curve = curve("out_of_band_receive_curve", worse.hz.clone(), &worse.losses);
    let mut note = format!(
        "{}; {} to {} Hz over {} to {} Hz, where {:.1} dBPa are heard; the signal itself holds {:.1} dB less there",
        worse.port,
        worse.range_hz.0,
        worse.range_hz.1,
        band_hz.0,
        band_hz.1,
        10.0 * worse.in_band.log10(),
        -10.0 * share_above.log10()
    );
    if let Some(other) = least.beside.map(|at| &ears[at]) {
        let (port, db) = (&other.port, other.loss.db);
        note = format!(
            "{note}; noise leaves {db:.1} dB open for {port}: the worse ear has at least that, and at most what is proven here"
        );
    }
    for finding in [&mut loss, &mut curve] {
        // A ratio of two levels at one port: its calibration cancels.
        let influences =
            std::iter::once(evidence::influence(&worse.track, 0.0)).chain(worse.ear.influence(0.0)).collect();
        evidence::complete(finding, take, STIMULUS, influences);
        finding.note.clone_from(&note);
        EarAtPort::tell(std::slice::from_ref(&worse.ear), finding);
    }
    Ok(vec![loss, curve])
}
