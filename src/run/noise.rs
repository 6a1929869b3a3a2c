//! From a background noise of the catalogue to what a bench plays of it.
//!
//! A simulated cabin is handed the sound pressure at every point of the noise. Loudspeakers are handed shares of the
//! recording at the driver's head: each of `noise.1` … `noise.n` the n-th part of its power, shifted against each other by
//! so much that they do not know of each other; below the crossover `noise.sub` plays it alone, where there is one. Their
//! levels go through the calibration of each port, which is made at the noise reference microphone: all loudspeakers
//! together have the level and the spectrum of the recording there, as far as that calibration and the equalizer of
//! the loudspeakers are right. The method `noise_field` tells how far they are.

use std::collections::BTreeMap;
use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use super::render::{RenderError, SignalStore, gain};
use crate::bench::noise::{NoiseSound, RenderedNoise};
use crate::context::{BenchInfo, PortDirection};
use crate::dsp::spectrum::{Bin, forward, inverse};
use crate::signals::field::DRIVER_HEAD;
use crate::take::{NoiseBed, RATE};
use crate::terms::Port;
use crate::units::{Quantity, Unit};

/// Below it the subwoofer plays, above it the others, in Hz: under the first third octave in which the field is judged
/// (100 Hz), and within reach of small loudspeakers.
const CROSSOVER_HZ: f64 = 80.0;
/// Between the two there is an octave with equal power of both in its middle.
const CROSSOVER_OCTAVES: f64 = 1.0;
/// More loudspeakers than a car has room for.
const LOUDSPEAKERS_MAX: u32 = 64;
/// The golden section: multiples of it, whole turns taken off, are as far from each other as can be.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// Renders the background noise of a call for a bench.
///
/// # Errors
/// A noise that cannot be made; a bench without loudspeakers for it; a loudspeaker that would clip.
pub fn render_noise(
    bed: &NoiseBed,
    bench: &BenchInfo,
    signals: &SignalStore,
) -> Result<RenderedNoise, RenderError> {
    let points = signals.turns(&bed.signal)?;
    let library = signals.library();
    let first = library.field_points(&bed.signal).and_then(|known| known.first().copied());
    let recording = points.get(DRIVER_HEAD).or_else(|| points.get(first?)).cloned();
    let recording = recording.ok_or_else(|| RenderError::Signal {
        signal: bed.signal.clone(),
        cause: "it is no background noise: only driving noise and recorded noise are".to_owned(),
    })?;
    let sound = if bench.is_virtual {
        NoiseSound::Points(points)
    } else {
        NoiseSound::Ports(at_ports(&bed.signal, &recording, bench)?)
    };
    let spec = library.catalogue().get(&bed.signal);
    let method_equivalent = spec.is_some_and(|spec| library.method_equivalent(spec));
    Ok(RenderedNoise { signal: bed.signal.clone(), recording, sound, method_equivalent })
}

/// The loudspeakers of a bench: `noise.1` … `noise.n`, and `noise.sub` where there is one.
fn loudspeakers(signal: &str, bench: &BenchInfo) -> Result<(Vec<Port>, Option<Port>), RenderError> {
    let is_bound = |port: &Port| bench.has(port, PortDirection::Out);
    let mains: Vec<Port> = (1..=LOUDSPEAKERS_MAX).map(Port::noise).take_while(is_bound).collect();
    let sub = Some(Port::of(Port::NOISE_SUB)).filter(is_bound);
    let numbered =
        |port: &&Port| port.name().strip_prefix("noise.").is_some_and(|n| n.parse::<u32>().is_ok());
    let bound = bench.ports.keys().filter(numbered).count();
    if mains.is_empty() || mains.len() < bound {
        let next = Port::noise(mains.len() as u32 + 1);
        return Err(RenderError::NoNoise {
            bench: bench.name.clone(),
            signal: signal.to_owned(),
            missing: next.name().to_owned(),
        });
    }
    Ok((mains, sub))
}

fn at_ports(
    signal: &str,
    recording: &[f32],
    bench: &BenchInfo,
) -> Result<BTreeMap<Port, Arc<[f32]>>, RenderError> {
    let (mains, sub) = loudspeakers(signal, bench)?;
    let turn: Vec<f64> = recording.iter().map(|x| f64::from(*x)).collect();
    let (low, high) = match &sub {
        Some(_) => split(&turn),
        None => (Vec::new(), turn),
    };
    let share = 1.0 / (mains.len() as f64).sqrt();
    let mut tracks = BTreeMap::new();
    for (n, port) in mains.iter().enumerate() {
        // None of them is in step with the subwoofer, which is not shifted.
        let shift = (((n + 1) as f64 * GOLDEN).fract() * high.len() as f64) as usize;
        let mut own = high.clone();
        own.rotate_left(shift);
        tracks.insert(port.clone(), digital(signal, &own, share, port, bench)?);
    }
    if let Some(port) = sub {
        let track = digital(signal, &low, 1.0, &port, bench)?;
        tracks.insert(port, track);
    }
    Ok(tracks)
}

/// What lies below and above the crossover; their powers add up to that of the turn.
fn split(turn: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let bins = forward(turn);
    let spacing_hz = f64::from(RATE) / turn.len() as f64;
    let part = |share: fn(f64) -> f64| {
        let weigh = |(k, bin): (usize, &Bin)| {
            let octaves = (k as f64 * spacing_hz / CROSSOVER_HZ).log2() / CROSSOVER_OCTAVES;
            bin * share((octaves + 0.5).clamp(0.0, 1.0) * FRAC_PI_2)
        };
        inverse(&bins.iter().enumerate().map(weigh).collect::<Vec<_>>(), turn.len())
    };
    (part(f64::cos), part(f64::sin))
}

/// Pascals at the noise reference microphone as samples of a port.
fn digital(
    signal: &str,
    pascals: &[f64],
    share: f64,
    port: &Port,
    bench: &BenchInfo,
) -> Result<Arc<[f32]>, RenderError> {
    let unit_gain = share * gain(bench, port, signal, Quantity::new(0.0, Unit::DbPa))?;
    let peak = unit_gain * pascals.iter().fold(0.0f64, |peak, x| peak.max(x.abs()));
    if peak > 1.0 {
        let power = pascals.iter().map(|x| (share * x).powi(2)).sum::<f64>() / pascals.len() as f64;
        return Err(RenderError::Clips {
            signal: signal.to_owned(),
            level: Quantity::new(10.0 * power.log10(), Unit::DbPa),
            port: port.clone(),
            excess_db: 20.0 * peak.log10(),
        });
    }
    Ok(pascals.iter().map(|x| (unit_gain * x) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::{PortCalibration, Validity};
    use crate::context::{NetworkInfo, PortInfo};
    use crate::signals::Library;
    use crate::terms::Bandwidth;
    use crate::units::Seconds;

    /// A bench with these outputs, each with its full scale in dBPa.
    fn bench(outputs: &[(&str, f64)]) -> BenchInfo {
        let port = |(name, zero): &(&str, f64)| {
            let calibration = PortCalibration {
                record: "r".to_owned(),
                zero_dbov: Quantity::new(*zero, Unit::DbPa),
                validity: Validity::Valid,
            };
            let info = PortInfo { ear: None, direction: PortDirection::Out, calibration };
            (Port::new(name).unwrap(), info)
        };
        BenchInfo {
            name: "lab".to_owned(),
            is_virtual: false,
            ports: outputs.iter().map(port).collect(),
            network: NetworkInfo {
                codec: "none".to_owned(),
                mode: String::new(),
                dtx: None,
                bandwidth: Bandwidth::Wb,
                delay_send: Seconds(0.0),
                delay_receive: Seconds(0.0),
            },
            volume_step_count: 1,
        }
    }

    fn rendered(outputs: &[(&str, f64)]) -> Result<RenderedNoise, RenderError> {
        static SIGNALS: std::sync::LazyLock<SignalStore> =
            std::sync::LazyLock::new(|| SignalStore::new(Library::builtin().unwrap()));
        render_noise(&NoiseBed { signal: "driving-50".to_owned() }, &bench(outputs), &SIGNALS)
    }

    #[test]
    fn a_bench_without_loudspeakers_is_told_which_port_it_lacks() {
        for (outputs, missing) in [
            (&[("mouth", 20.0)][..], "noise.1"),
            (&[("noise.sub", 20.0)], "noise.1"),
            (&[("noise.1", 20.0), ("noise.3", 20.0)], "noise.2"),
            (&[("noise.2", 20.0)], "noise.1"),
        ] {
            let error = rendered(outputs).unwrap_err().to_string();
            for part in ["'lab'", "'driving-50'", &format!("no output port {missing};"), "noise.sub"] {
                assert!(error.contains(part), "{part}: {error}");
            }
        }
    }

    #[test]
    fn a_loudspeaker_that_would_clip_is_refused() {
        let error = rendered(&[("noise.1", -25.0)]).unwrap_err();
        assert!(matches!(&error, RenderError::Clips { port, .. } if port.name() == "noise.1"), "{error}");
    }

    /// Power at the reference microphone, where all loudspeakers add up, in Pa².
    fn heard(noise: &RenderedNoise, outputs: &[(&str, f64)]) -> Vec<f64> {
        let NoiseSound::Ports(ports) = &noise.sound else { panic!("loudspeakers") };
        let mut sum = vec![0.0; noise.recording.len()];
        for (port, track) in ports {
            let zero = outputs.iter().find(|one| one.0 == port.name()).unwrap().1;
            let pascals = 10f64.powf(zero / 20.0);
            sum.iter_mut().zip(track.iter()).for_each(|(sum, x)| *sum += pascals * f64::from(*x));
        }
        sum
    }

    #[test]
    fn loudspeakers_together_make_the_recording_again() {
        use crate::dsp::bands::Bands;
        use crate::dsp::spectrum::power_spectrum;
        let bands = Bands::third_octave(31.5, 10_000.0);
        let four: &[(&str, f64)] = &[
            ("noise.1", 20.0),
            ("noise.2", 17.0),
            ("noise.3", 23.0),
            ("noise.4", 20.0),
            ("noise.sub", 30.0),
        ];
        for outputs in [&[("noise.1", 20.0)][..], &four[..2], four] {
            let noise = rendered(outputs).unwrap();
            let recording: Vec<f64> = noise.recording.iter().map(|x| f64::from(*x)).collect();
            let here = bands.powers(&power_spectrum(&heard(&noise, outputs), RATE));
            let there = bands.powers(&power_spectrum(&recording, RATE));
            for (band, (here, there)) in bands.iter().zip(here.iter().zip(&there)) {
                let off = 10.0 * (here / there).log10();
                // Shares that do not know of each other add up by power: n lines of a band scatter by 1/√n. The band at
                // 100 Hz has 460.
                let most = if band.nominal_hz < 100.0 { 1.2 } else { 0.5 };
                assert!(off.abs() < most, "{} loudspeakers, {} Hz: {off}", outputs.len(), band.nominal_hz);
            }
        }
    }

    #[test]
    fn the_subwoofer_plays_what_lies_below_the_crossover_and_nothing_is_lost() {
        use crate::dsp::spectrum::power_spectrum;
        let outputs = &[("noise.1", 20.0), ("noise.sub", 20.0)];
        let noise = rendered(outputs).unwrap();
        let NoiseSound::Ports(ports) = &noise.sound else { panic!("loudspeakers") };
        let power = |port: &str, lo_hz, hi_hz| {
            let track: Vec<f64> = ports[&Port::new(port).unwrap()].iter().map(|x| f64::from(*x)).collect();
            100.0 * power_spectrum(&track, RATE).band_power(lo_hz, hi_hz)
        };
        let recording: Vec<f64> = noise.recording.iter().map(|x| f64::from(*x)).collect();
        let whole = power_spectrum(&recording, RATE);
        for (lo_hz, hi_hz) in [(20.0, 50.0), (60.0, 75.0), (85.0, 110.0), (120.0, 10_000.0)] {
            let (main, sub) = (power("noise.1", lo_hz, hi_hz), power("noise.sub", lo_hz, hi_hz));
            let off = 10.0 * ((main + sub) / whole.band_power(lo_hz, hi_hz)).log10();
            assert!(off.abs() < 0.01, "{lo_hz} Hz: {off}");
            let clear = if lo_hz < 55.0 {
                main / sub
            } else if lo_hz > 115.0 {
                sub / main
            } else {
                0.0
            };
            assert!(clear < 1e-6, "{lo_hz} Hz: {clear}");
        }
    }
}
