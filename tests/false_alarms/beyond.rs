//! The truth of what lies beyond the band of a car's calls: the aliases of its microphone's converter, the images of its
//! loudspeaker's.

use lombard::bench::car::truth::Truth;
use lombard::terms::{Bandwidth, Ear};

use super::truth::counted_hz;
use crate::on_car::spectrum::Density;

/// The rate of the converters, the tones that are played above the band, and where images are heard; nothing where no
/// limit judges them.
fn beyond(bandwidth: Bandwidth) -> Option<(f64, [f64; 7], (f64, f64))> {
    match bandwidth {
        Bandwidth::Nb => Some((
            8_000.0,
            [4_600.0, 5_000.0, 5_500.0, 6_000.0, 6_500.0, 7_000.0, 7_500.0],
            (4_600.0, 8_000.0),
        )),
        Bandwidth::Wb => Some((
            16_000.0,
            [8_600.0, 9_000.0, 9_500.0, 10_000.0, 10_500.0, 11_000.0, 12_000.0],
            (8_600.0, 20_000.0),
        )),
        Bandwidth::Swb | Bandwidth::Fb => None,
    }
}

/// The rate of the converters of a drawn car.
pub(super) fn rate_hz(bandwidth: Bandwidth) -> Option<f64> {
    beyond(bandwidth).map(|(rate_hz, ..)| rate_hz)
}

/// How far the loudest alias lies below the tone of 1 kHz, in dB.
pub(super) fn aliases_db(truth: &Truth<'_>, bandwidth: Bandwidth) -> Option<f64> {
    let (_, tones_hz, _) = beyond(bandwidth)?;
    let (from_hz, to_hz) = counted_hz(bandwidth);
    let reference_db = 10.0 * truth.send_response(1_000.0).power().log10();
    let aliases = tones_hz.map(|hz| truth.send_alias(hz));
    let inside = aliases.iter().filter(|(_, image_hz)| (from_hz..=to_hz).contains(image_hz));
    Some(inside.map(|(amplitude, _)| reference_db - 20.0 * amplitude.log10()).fold(f64::INFINITY, f64::min))
}

/// How far the images of a signal lie below what is heard of it in the band, in dB. Both ears of a drawn car hear the
/// loudspeaker by a single tap each, so that it is the same at either.
pub(super) fn images_db(truth: &Truth<'_>, step: u32, far: &Density, bandwidth: Bandwidth) -> Option<f64> {
    /// The responses of drawn cars have no detail finer than this.
    const STEP_HZ: f64 = 50.0;
    let (rate_hz, _, range_hz) = beyond(bandwidth)?;
    let band_hz = counted_hz(bandwidth);
    let within = |(from_hz, to_hz): (f64, f64), hz: f64| (from_hz..=to_hz).contains(&hz);
    let (mut inside, mut above) = (0.0, 0.0);
    for k in 0..(rate_hz / STEP_HZ) as usize {
        let hz = (k as f64 + 0.5) * STEP_HZ;
        let power = far.between(hz - STEP_HZ / 2.0, hz + STEP_HZ / 2.0);
        if within(band_hz, hz) {
            inside += power * truth.receive_response(Ear::Left, step, hz).power();
        }
        // What the limit of the band lets through beyond its edge has images too.
        if within(range_hz, rate_hz - hz) || within(range_hz, rate_hz + hz) {
            let images = truth.receive_images(Ear::Left, step, hz);
            let heard = images.iter().filter(|(_, image_hz)| within(range_hz, *image_hz));
            above += power * heard.map(|(gain, _)| gain).sum::<f64>();
        }
    }
    Some(10.0 * (inside / above).log10())
}
