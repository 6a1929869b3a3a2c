//! What the ears hear of a quiet line, beside what they hear of the cabin.

use super::{Peak, SPAN, TAKE, band_hz, density, peak, third_octaves};
use crate::capture::Take;
use crate::context::{EvalCx, Track};
use crate::dsp::spectrum::{PowerSpectrum, power_spectrum};
use crate::dsp::weighting::Weighting;
use crate::entry::Entry;
use crate::finding::{Bound, Finding, Unmeasurable};
use crate::methods::ambient_noise;
use crate::methods::call::{self, EAR_FIELD};
use crate::methods::evidence::{self, EarAtPort};
use crate::take::RATE;
use crate::terms::{Direction, Port, Seat};
use crate::units::Unit;
use crate::verdict::Flag;

/// Above the noise of the cabin by so much the car's own can be told from it: 6 dB, as a ratio of powers.
const ABOVE_CABIN: f64 = super::ABOVE_NETWORK;

/// What one ear heard.
struct Heard {
    port: Port,
    track: Track,
    ear: EarAtPort,
    spectrum: PowerSpectrum,
    /// A-weighted.
    power: f64,
    peak: Peak,
}

impl Heard {
    fn read(port: Port, entry: &Entry, take: &Take, cx: &EvalCx<'_>) -> Result<Self, Unmeasurable> {
        let track = evidence::captured(cx, take, &port, Unit::DbPa)?;
        let ear = EarAtPort::of(cx, &port, entry.parameters.get(&EAR_FIELD))?;
        let noise = track.slice(take.span(SPAN));
        if noise.iter().all(|sample| *sample == 0.0) {
            return Err(Unmeasurable::because(format!(
                "{port} recorded zeros only: switch the ear on and check its cable"
            )));
        }
        let spectrum = ear.equalizer.equalized(power_spectrum(noise, RATE));
        let peak = peak(&ear.equalizer.equalized_density(density(noise)?), band_hz(entry.bandwidth));
        let power = ambient_noise::weighted(&spectrum);
        Ok(Self { port, track, ear, spectrum, power, peak })
    }

    fn complete(&self, mut finding: Finding, take: &Take) -> Finding {
        let coefficient = if finding.unit == Unit::Db { 0.0 } else { 1.0 };
        let influences = std::iter::once(evidence::influence(&self.track, coefficient))
            .chain(self.ear.influence(coefficient));
        evidence::complete(&mut finding, take, SPAN, influences.collect());
        finding.note = format!("{}; {}", self.port, finding.note);
        EarAtPort::tell(std::slice::from_ref(&self.ear), &mut finding);
        if finding.bound != Bound::Exact {
            finding.flags.push(Flag::NoiseLimited);
        }
        finding
    }
}

/// The findings in receive.
pub(super) fn findings(entry: &Entry, cx: &EvalCx<'_>) -> Result<Vec<Finding>, Unmeasurable> {
    let take = cx.take(TAKE);
    let ports = call::sink_ports(Direction::Receive, entry).into_iter();
    let ears: Vec<Heard> =
        ports.map(|port| Heard::read(port, entry, take, cx)).collect::<Result<_, Unmeasurable>>()?;
    let most = |of: fn(&Heard) -> f64| ears.iter().max_by(|a, b| of(a).total_cmp(&of(b)));
    let nothing = || Unmeasurable::because("no ear was recorded");
    let louder = most(|ear| ear.power).ok_or_else(nothing)?;
    let peaked = most(|ear| ear.peak.above_db).ok_or_else(nothing)?;
    // The fact is that of the driver's ears.
    let known =
        cx.facts.number(ambient_noise::EARS_A, Unit::DbPaA).filter(|_| entry.listener == Seat::Driver);
    let cabin = known.map(|level| 10f64.powf(level / 10.0));

    let (own, bound, told) = without_cabin(louder.power, cabin);
    let mut level = Finding::scalar("idle_noise_receive_a", 10.0 * own.log10(), Unit::DbPaA);
    level.bound = bound;
    level.note = format!("A weighting, 20 to 20000 Hz; {told}");

    let mut peak = Finding::scalar("idle_noise_receive_peak", peaked.peak.above_db, Unit::Db);
    let line = peaked.peak.power * Weighting::A.power_gain(peaked.peak.hz);
    let is_the_cars = cabin.is_some_and(|cabin| line >= ABOVE_CABIN * cabin);
    peak.bound = if is_the_cars { Bound::Exact } else { Bound::AtMost };
    peak.note = peaked.peak.note();
    if !is_the_cars {
        peak.note.push_str("; the cabin may have made it");
    }

    let spectrum = &louder.spectrum;
    let mut curve = third_octaves("idle_noise_receive_spectrum", spectrum, (100.0, 20_000.0), Unit::DbPa);
    "with the noise of the cabin".clone_into(&mut curve.note);
    Ok(vec![louder.complete(level, take), peaked.complete(peak, take), louder.complete(curve, take)])
}

/// The power that is the car's own, how it relates to the truth, and why.
fn without_cabin(power: f64, cabin: Option<f64>) -> (f64, Bound, String) {
    let Some(cabin) = cabin else {
        let told = "how much of it is the cabin's is not known: let an entry with ambient_noise come first";
        return (power, Bound::AtMost, told.to_owned());
    };
    let cabin_db = 10.0 * cabin.log10();
    if power >= ABOVE_CABIN * cabin {
        return (power - cabin, Bound::Exact, format!("{cabin_db:.1} dB of the cabin subtracted"));
    }
    (power, Bound::AtMost, format!("the cabin alone makes {cabin_db:.1} dB, which hides the car's own"))
}
