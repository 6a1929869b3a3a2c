//! A sine that a device takes away as noise, and one that only the room takes away.

use std::collections::BTreeMap;

use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::{CaptureSink, SinkError};
use lombard::context::Facts;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Port};
use lombard::verdict::Verdict;

use super::{bend, drive_dbpa, ideal, judged, with_loudspeaker};
use crate::on_car::around::around;
use crate::on_car::{SEED, Trial, entry, shipped};

#[test]
fn a_sine_that_the_room_cancels_at_one_ear_is_not_taken_away() {
    // 2 kHz cancels at one ear of this cabin: 12 dB less than the activation says of its neighbors.
    let given = [("direction", "receive"), ("frequency", "2000 Hz")];
    let wanted = entry("distortion", Bandwidth::Wb, Volume::Step(5), &given);
    let found = Trial::record(shipped("reference-wb"), wanted, SEED).finding("distortion_receive");
    assert_eq!(judged(&found).verdict, Verdict::Pass);
    // At both ears nothing but the device can have done it.
    for (ears, taken) in [(&[Port::EAR_LEFT][..], false), (&[Port::EAR_LEFT, Port::EAR_RIGHT], true)] {
        let given = [("direction", "receive"), ("frequency", "500 Hz")];
        let wanted = entry("distortion", Bandwidth::Wb, Volume::Step(5), &given);
        let clean = Trial::record(ideal(Bandwidth::Wb), wanted.clone(), SEED);
        let from = clean.takes[0].span("stimulus").start as usize;
        let maker = CarBenchMaker::new(ideal(Bandwidth::Wb));
        let trial = Trial::through(maker, wanted, SEED, Facts::default(), |inner| {
            around(inner, move |inner, take, sink, stop| {
                inner.take(take, &mut Faded { sink, ears, from, written: BTreeMap::new() }, stop)
            })
        });
        let reason = trial.findings().err().map(|error| error.reason);
        assert_eq!(
            reason.as_ref().is_some_and(|one| one.contains("taken away as noise")),
            taken,
            "{reason:?}"
        );
    }
}

/// A sink to which some ears arrive 12 dB softer from a frame on, as what hears a sine as noise does.
struct Faded<'s> {
    sink: &'s mut dyn CaptureSink,
    ears: &'s [&'static str],
    from: usize,
    written: BTreeMap<Port, usize>,
}

impl CaptureSink for Faded<'_> {
    fn write(&mut self, port: &Port, samples: &[f32]) -> Result<(), SinkError> {
        let before = self.written.entry(port.clone()).or_default();
        let fades = self.ears.contains(&port.name());
        let factor = |n: usize| if fades && *before + n >= self.from { 0.25 } else { 1.0 };
        let faded: Vec<f32> = samples.iter().enumerate().map(|(n, x)| x * factor(n)).collect();
        *before += samples.len();
        self.sink.write(port, &faded)
    }
}

/// Frames of half a period of 1 kHz.
const HALF_PERIOD: usize = 24;

/// A sink at which some ears hear a second arrival, as loud as the first and half a period of 1 kHz later, or nothing of
/// what comes from a frame on.
struct Room<'s> {
    sink: &'s mut dyn CaptureSink,
    two_ways: &'s [&'static str],
    mute: Option<(&'static str, usize)>,
    before: BTreeMap<Port, Vec<f32>>,
}

impl CaptureSink for Room<'_> {
    fn write(&mut self, port: &Port, samples: &[f32]) -> Result<(), SinkError> {
        let before = self.before.entry(port.clone()).or_default();
        let first = before.len();
        before.extend_from_slice(samples);
        let is_mute = |n: usize| self.mute.is_some_and(|(name, from)| name == port.name() && n >= from);
        let second = |n: usize| {
            let is_here = self.two_ways.contains(&port.name());
            if is_here && n >= HALF_PERIOD { before[n - HALF_PERIOD] } else { 0.0 }
        };
        let heard: Vec<f32> =
            (first..before.len()).map(|n| if is_mute(n) { 0.0 } else { before[n] + second(n) }).collect();
        self.sink.write(port, &heard)
    }
}

/// Distortion in receive of a car whose loudspeaker bends, in such a room.
fn in_room(cubic: f64, two_ways: &'static [&'static str], mute: Option<(&'static str, usize)>) -> Trial {
    let car = with_loudspeaker(ideal(Bandwidth::Wb), bend(cubic, 0.0, drive_dbpa(Bandwidth::Wb, 5)));
    let given = [("direction", "receive"), ("frequency", "1000 Hz")];
    let wanted = entry("distortion", Bandwidth::Wb, Volume::Step(5), &given);
    Trial::through(CarBenchMaker::new(car), wanted, SEED, Facts::default(), |inner| {
        around(inner, move |inner, take, sink, stop| {
            inner.take(take, &mut Room { sink, two_ways, mute, before: BTreeMap::new() }, stop)
        })
    })
}

#[test]
fn an_ear_at_which_the_room_cancels_the_sine_is_left_out() {
    for (percent, verdict) in [(2.0, Verdict::Pass), (4.0, Verdict::Fail)] {
        for (ear, other) in [(Port::EAR_LEFT, Port::EAR_RIGHT), (Port::EAR_RIGHT, Port::EAR_LEFT)] {
            let two_ways: &'static [&'static str] =
                if ear == Port::EAR_LEFT { &[Port::EAR_LEFT] } else { &[Port::EAR_RIGHT] };
            let found = in_room(percent, two_ways, None).finding("distortion_receive");
            assert_eq!(judged(&found).verdict, verdict, "{found:?}");
            assert!((found.as_scalar().unwrap() - percent).abs() < 0.02 * percent, "{found:?}");
            let told = format!("cancels 1000 Hz at {ear}");
            assert!(found.note.contains(&told) && found.note.contains(other), "{}", found.note);
        }
    }
    let reason = in_room(2.0, &[Port::EAR_LEFT, Port::EAR_RIGHT], None).findings().unwrap_err().reason;
    for said in ["at ear.left", "at ear.right", "move the head", "another frequency"] {
        assert!(reason.contains(said), "{reason}");
    }
}

#[test]
fn an_ear_that_misses_the_sine_for_another_reason_is_not_left_out() {
    // The activation arrives as anywhere, and nothing says that the room did it.
    let from = in_room(2.0, &[], None).takes[0].span("stimulus").start as usize;
    for mute in [(Port::EAR_LEFT, 0), (Port::EAR_RIGHT, from)] {
        let reason = in_room(2.0, &[], Some(mute)).findings().unwrap_err().reason;
        assert!(!reason.contains("cancels"), "{reason}");
    }
}
