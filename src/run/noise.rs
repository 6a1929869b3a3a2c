//! From a background noise of the catalogue to what a bench plays of it.
//!
//! A simulated cabin is handed the sound pressure at every point of the noise. Loudspeakers are handed shares of the
//! recording at the driver's head: each of `noise.1` … `noise.n` the n-th part of its power, shifted against each other by
//! so much that they do not know of each other; below the crossover `noise.sub` plays it alone, where there is one. Their
//! levels go through the calibration of each port, which is made at the noise reference microphone: all loudspeakers
//! together have the level and the spectrum of the recording there, as far as that calibration and the equalizer of
//! the loudspeakers are right. The method `noise_field` tells how far they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::render::{RenderError, SignalStore, gain};
use crate::bench::noise::{NoiseSound, RenderedNoise};
use crate::calibration::loudspeakers::Shares;
use crate::context::BenchInfo;
use crate::signals::field::DRIVER_HEAD;
use crate::take::NoiseBed;
use crate::terms::Port;
use crate::units::{Db, Quantity, Unit};

/// A loudspeaker of a background noise with what it has to play.
#[derive(Debug, Clone, PartialEq)]
pub struct NoisePlay {
    /// The port.
    pub port: Port,
    /// The level that it alone makes at the noise reference microphone.
    pub level: Quantity,
    /// Its highest peak over that level.
    pub crest: Db,
    /// From its highest peak to full scale of the port.
    pub headroom: Db,
}

/// What every loudspeaker of a rendered noise plays, and the room that is left; nothing where the noise is a field in a
/// simulated cabin.
pub fn noise_plays(noise: &RenderedNoise, bench: &BenchInfo) -> Vec<NoisePlay> {
    let NoiseSound::Ports(tracks) = &noise.sound else { return Vec::new() };
    let play = |(port, track): (&Port, &Arc<[f32]>)| {
        let samples = || track.iter().map(|x| f64::from(*x));
        let level_dbov = 10.0 * (samples().map(|x| x * x).sum::<f64>() / track.len() as f64).log10();
        let peak_dbov = 20.0 * samples().fold(0.0f64, |peak, x| peak.max(x.abs())).log10();
        let zero = bench.ports.get(port)?.calibration.zero_dbov;
        Some(NoisePlay {
            port: port.clone(),
            level: Quantity::new(zero.value + level_dbov, zero.unit),
            crest: Db(peak_dbov - level_dbov),
            headroom: Db(-peak_dbov),
        })
    };
    tracks.iter().filter_map(play).collect()
}

/// Renders the background noise of a call for a bench.
///
/// # Errors
/// A noise that cannot be made; a bench without loudspeakers for it; the loudspeaker that would clip most.
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

/// The loudspeakers of a bench, numbered without a gap.
fn loudspeakers(signal: &str, bench: &BenchInfo) -> Result<(Vec<Port>, Option<Port>), RenderError> {
    let (mains, sub) = bench.noise_loudspeakers();
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
    let shares = Shares::of(&turn, mains.len(), sub.is_some());
    let mut tracks = BTreeMap::new();
    let mut worst: Option<(f64, RenderError)> = None;
    let mut share_out = |port: Port, pascals: &[f64]| -> Result<(), RenderError> {
        match digital(signal, pascals, &port, bench) {
            Ok(track) => drop(tracks.insert(port, track)),
            Err(RenderError::Clips { excess_db, .. })
                if worst.as_ref().is_some_and(|(most_db, _)| excess_db <= *most_db) => {}
            Err(error @ RenderError::Clips { excess_db, .. }) => worst = Some((excess_db, error)),
            Err(error) => return Err(error),
        }
        Ok(())
    };
    for (n, port) in mains.into_iter().enumerate() {
        share_out(port, &shares.shifted(n))?;
    }
    if let (Some(port), Some(low)) = (sub, &shares.sub) {
        share_out(port, low)?;
    }
    // All of them must be turned up by what the worst one lacks.
    worst.map_or(Ok(tracks), |(_, error)| Err(error))
}

/// Pascals at the noise reference microphone as samples of a port.
fn digital(signal: &str, pascals: &[f64], port: &Port, bench: &BenchInfo) -> Result<Arc<[f32]>, RenderError> {
    let unit_gain = gain(bench, port, signal, Quantity::new(0.0, Unit::DbPa))?;
    let peak = unit_gain * pascals.iter().fold(0.0f64, |peak, x| peak.max(x.abs()));
    if peak > 1.0 {
        let power = pascals.iter().map(|x| x * x).sum::<f64>() / pascals.len() as f64;
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
    use crate::context::{NetworkInfo, PortDirection, PortInfo};
    use crate::signals::Library;
    use crate::take::RATE;
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
            has_reflector: false,
            has_loop: false,
            sets_up_calls: true,
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

    #[test]
    fn of_several_that_would_clip_the_worst_is_told() {
        let room = |outputs: &[(&str, f64)]| -> Vec<f64> {
            let noise = rendered(outputs).unwrap();
            noise_plays(&noise, &bench(outputs)).iter().map(|play| play.headroom.0).collect()
        };
        let rooms = room(&[("noise.1", 20.0), ("noise.2", 20.0), ("noise.3", 20.0), ("noise.sub", 20.0)]);
        let [main, sub] = [20.0 - rooms[0], 20.0 - rooms[3]];
        for (short_by, port, excess) in [
            ([5.0, 2.0, 1.0, -1.0], "noise.1", 5.0),
            ([2.0, 5.0, 1.0, -1.0], "noise.2", 5.0),
            ([1.0, 2.0, 5.0, 4.0], "noise.3", 5.0),
            ([-1.0, -1.0, -1.0, 2.5], "noise.sub", 2.5),
        ] {
            let names = ["noise.1", "noise.2", "noise.3", "noise.sub"];
            let zero = |n: usize| if n == 3 { sub } else { main } - short_by[n];
            let outputs: Vec<(&str, f64)> = (0..4).map(|n| (names[n], zero(n))).collect();
            let error = rendered(&outputs).unwrap_err();
            let RenderError::Clips { port: found, excess_db, .. } = &error else { panic!("{error}") };
            assert!(found.name() == port && (excess_db - excess).abs() < 1e-3, "{port} {excess}: {error}");
        }
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
