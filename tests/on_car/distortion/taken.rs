//! A sine that a device takes away as noise, and one that only the room takes away.

use std::collections::BTreeMap;

use lombard::bench::car::rig::CarBenchMaker;
use lombard::bench::{CaptureSink, SinkError};
use lombard::context::Facts;
use lombard::take::Volume;
use lombard::terms::{Bandwidth, Port};
use lombard::verdict::Verdict;

use super::{ideal, judged};
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
