//! The inputs of a bench without a run: what a person watches who places microphones and sets gains.
//!
//! Capture streams only: nothing is played, no call is open, the rig is not touched and nothing is written.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::audio::AudioSystem;
use super::others::Other;
use super::patience::Patience;
use super::recorder::Lane;
use super::spec::{LiveSpec, OtherSpec, SyncSpec};
use super::take::{RING_S, STALL};
use crate::bench::{BenchError, StopFlag, Tap, TelemetrySender};
use crate::event::Side;
use crate::take::RATE;
use crate::terms::Port;

/// How far the sound may be ahead of time: clocks inside the program run as fast as they can, and people watch.
const AHEAD: Duration = Duration::from_millis(200);
/// How long it is waited for time.
const SLEEP: Duration = Duration::from_millis(10);

/// Hands on the lanes of a chunk of interleaved frames that somebody wants; the first frame has the number `at`.
/// `overloaded` are lanes that reached full scale before their rate was lowered.
pub(super) fn tell(tap: &mut Tap, lanes: &[Lane], chunk: &[f32], at: u64, overloaded: &[usize]) {
    for (n, lane) in lanes.iter().enumerate().filter(|(_, lane)| tap.wants(&lane.port)).collect::<Vec<_>>() {
        let samples = chunk.iter().skip(n).step_by(lanes.len()).copied();
        tap.put(&lane.port, Side::Recorded, at, overloaded.contains(&n), samples);
    }
}

/// The capture side of each interface of a bench; what only plays is left out.
fn captures(spec: &LiveSpec) -> Vec<OtherSpec> {
    let audio = &spec.audio;
    let main = OtherSpec {
        name: "main".to_owned(),
        playback: None,
        capture: Some(audio.capture.clone()),
        rate: audio.rate,
        buffer_frames: audio.buffer_frames,
        cords: audio.cords.clone(),
        outputs: BTreeMap::new(),
        inputs: spec.inputs.clone(),
        sync: spec.loopback.map(|pair| SyncSpec { channel: pair.input, port: Port::of(Port::LOOPBACK) }),
    };
    let others = spec.others.iter().filter(|other| other.capture.is_some()).cloned();
    let mut all: Vec<OtherSpec> = std::iter::once(main).chain(others).collect();
    for one in &mut all {
        one.playback = None;
        one.outputs.clear();
        // The cord of an output has no end here.
        one.cords.retain(|cord| !cord.is_output);
    }
    all
}

/// Every port that a bench can hear without a run.
pub fn ports(spec: &LiveSpec) -> Vec<Port> {
    let all = captures(spec);
    let mut ports: Vec<Port> = all
        .iter()
        .flat_map(|one| one.inputs.keys().cloned().chain(one.sync.iter().map(|sync| sync.port.clone())))
        .collect();
    ports.sort();
    ports
}

/// Hears every input until `stop`, and hands on what somebody wants.
///
/// # Errors
/// An interface is missing, busy, breaks, or delivers nothing for two seconds.
pub fn watch(
    spec: &LiveSpec,
    system: &AudioSystem,
    telemetry: &TelemetrySender,
    stop: &StopFlag,
) -> Result<(), BenchError> {
    let ring = (RATE * RING_S) as usize;
    let mut tap = telemetry.tap();
    let mut inputs = Vec::new();
    for one in captures(spec) {
        inputs.push((Other::start(system, &one, Vec::new(), ring)?, Patience::new(STALL)));
    }
    let (began, mut frames) = (Instant::now(), 0);
    let mut chunk = Vec::new();
    while !stop.is_set() {
        let mut is_idle = true;
        for (input, patience) in &mut inputs {
            input.check_fault()?;
            let heard = input.tell(&mut chunk, &mut tap);
            if heard > 0 {
                patience.renew();
                is_idle = false;
                frames += heard as u64;
            } else if patience.is_over() {
                return Err(input.stalled("while its inputs were watched"));
            }
        }
        let sound = Duration::from_secs_f64(frames as f64 / inputs.len() as f64 / f64::from(RATE));
        if sound > began.elapsed() + AHEAD {
            std::thread::sleep(SLEEP);
        } else if is_idle {
            system.pace().wait();
        }
    }
    Ok(())
}
