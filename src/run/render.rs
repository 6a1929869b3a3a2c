//! From a take as it is wished to tracks as they are played: levels through the calibration, no clipping.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use crate::bench::{LoopCue, RenderedTake};
use crate::context::{BenchInfo, PortDirection};
use crate::signals::{Library, Options, Signal};
use crate::take::{Action, EpochKey, Frame, RATE, RigAction, TakeId, TakeSpec};
use crate::terms::{Bandwidth, Port};
use crate::units::{Db, Quantity};

/// Why a take cannot be played on this bench.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// The bench has no such output.
    #[error("the bench '{bench}' has no output port {port}; bind it in the bench file")]
    NoOutput {
        /// The bench.
        bench: String,
        /// The port.
        port: Port,
    },
    /// The bench has no such input.
    #[error("the bench '{bench}' has no input port {port}; bind it in the bench file")]
    NoInput {
        /// The bench.
        bench: String,
        /// The port.
        port: Port,
    },
    /// The level is on another plane than the port.
    #[error("signal '{signal}' is to be played at {level}, but port {port} is calibrated in {unit}")]
    Plane {
        /// The signal.
        signal: String,
        /// The level.
        level: Quantity,
        /// The port.
        port: Port,
        /// The plane of the port.
        unit: &'static str,
    },
    /// It would clip.
    #[error(
        "signal '{signal}' at {level} would exceed full scale of port {port} by {excess_db:.1} dB; play it softer or with a smaller crest factor"
    )]
    Clips {
        /// The signal.
        signal: String,
        /// The level.
        level: Quantity,
        /// The port.
        port: Port,
        /// By how much.
        excess_db: f64,
    },
    /// The bench has no loudspeakers for background noise.
    #[error(
        "the bench '{bench}' cannot play the background noise '{signal}': it has no output port {missing}; bind the \
         loudspeakers of the noise as noise.1, noise.2 … without a gap, and a subwoofer as noise.sub, in the bench file"
    )]
    NoNoise {
        /// The bench.
        bench: String,
        /// The noise.
        signal: String,
        /// What is missing.
        missing: String,
    },
    /// The bench cannot close a loop.
    #[error(
        "the bench '{bench}' cannot loop {from} to {to}: it has no electrical loop; leave the entry out with an overlay"
    )]
    NoLoop {
        /// The bench.
        bench: String,
        /// Where it would begin.
        from: Port,
        /// Where it would end.
        to: Port,
    },
    /// A loop that is louder than what it loops, or no number.
    #[error("a loop with a loss of {loss_db} dB: a loss is 0 dB or more")]
    Loss {
        /// What was asked for.
        loss_db: f64,
    },
    /// The signal could not be made.
    #[error("signal '{signal}': {cause}")]
    Signal {
        /// The signal.
        signal: String,
        /// Why.
        cause: String,
    },
}

/// What a signal was made as: its id, and the band that it is limited to.
type Made = (String, Option<Bandwidth>);

/// What is made once: who wants the same waits for the one that makes it, who wants another does not.
struct Once<K, V>(Mutex<BTreeMap<K, Cell<V>>>);

/// One of them, made or not yet.
type Cell<V> = Arc<OnceLock<Result<V, RenderError>>>;

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord, V: Clone> Once<K, V> {
    fn get(&self, key: K, make: impl FnOnce() -> Result<V, RenderError>) -> Result<V, RenderError> {
        // The map is whole even where a thread panicked: cells are put in and nothing else.
        let mut cells = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let cell = Arc::clone(cells.entry(key).or_default());
        drop(cells);
        cell.get_or_init(make).clone()
    }
}

/// Signals at the rate of the bench, made once.
pub struct SignalStore {
    library: Library,
    made: Once<Made, Arc<Signal>>,
    /// One turn of each noise at each of its points, in Pa.
    turns: Once<String, Points>,
}

/// One turn of a noise at points, in Pa.
pub(super) type Points = BTreeMap<String, Arc<[f32]>>;

impl SignalStore {
    /// The signals of a library.
    pub fn new(library: Library) -> Self {
        Self { library, made: Once::default(), turns: Once::default() }
    }

    /// The library.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// A signal, limited to the band of a call where it is played into the network.
    pub(super) fn get(&self, id: &str, band: Option<Bandwidth>) -> Result<Arc<Signal>, RenderError> {
        self.made.get((id.to_owned(), band), || {
            let signal = self.library.make_limited(id, RATE, Options::default(), band);
            let failed = |cause: String| RenderError::Signal { signal: id.to_owned(), cause };
            signal.map(Arc::new).map_err(|error| failed(error.to_string()))
        })
    }

    /// One turn of a noise at every point that it has.
    pub(super) fn turns(&self, id: &str) -> Result<Points, RenderError> {
        self.turns.get(id.to_owned(), || {
            let failed = |cause: String| RenderError::Signal { signal: id.to_owned(), cause };
            let points = self.library.field_points(id).unwrap_or_default();
            let points: Vec<String> = points.into_iter().map(str::to_owned).collect();
            let field =
                self.library.field_loop(id, RATE, &points).map_err(|error| failed(error.to_string()))?;
            let turn = |channel: Vec<f64>| -> Arc<[f32]> { channel.iter().map(|x| *x as f32).collect() };
            Ok(field.points.into_iter().zip(field.channels.into_iter().map(turn)).collect())
        })
    }
}

/// The band that a signal is limited to where it is played at a port in a call: what goes into the network has that of the
/// call (P.501 Table 7-7).
pub(super) fn band_at(port: &Port, call: Bandwidth) -> Option<Bandwidth> {
    (port.name() == Port::POI_RECEIVE).then_some(call)
}

/// A rendered take, and whether a signal in it stands in for a licensed recording.
pub struct Rendered {
    /// Ready to be played.
    pub take: RenderedTake,
    /// See [`crate::verdict::Flag::MethodEquivalentSignal`].
    pub method_equivalent: bool,
}

/// The call that a take belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Its identity.
    pub epoch: &'a EpochKey,
    /// Its band.
    pub bandwidth: Bandwidth,
    /// The frame of it at which the take begins.
    pub from: Frame,
}

/// Renders a take of a call for a bench. What is played into the network is limited to the band of the call
/// (P.501 Table 7-7) before its level is set.
///
/// # Errors
/// See [`RenderError`].
pub fn render(
    spec: &TakeSpec,
    id: &TakeId,
    call: &Call<'_>,
    bench: &BenchInfo,
    signals: &SignalStore,
) -> Result<Rendered, RenderError> {
    let mut tracks: BTreeMap<Port, Vec<f64>> = BTreeMap::new();
    let mut actions: Vec<(Frame, RigAction)> = Vec::new();
    let mut loops: Vec<LoopCue> = Vec::new();
    let mut method_equivalent = false;
    for cue in &spec.cues {
        match &cue.action {
            Action::Rig(action) => actions.push((cue.at, action.clone())),
            Action::Loop { from, to, loss } => {
                loops.push(LoopCue {
                    at: cue.at,
                    from: from.clone(),
                    to: to.clone(),
                    gain: loop_gain(bench, (from, to), *loss)?,
                });
            }
            Action::Play { port, signal, level } => {
                let gain = gain(bench, port, signal, *level)?;
                let made = signals.get(signal, band_at(port, call.bandwidth))?;
                method_equivalent |= made.method_equivalent;
                let track = tracks.entry(port.clone()).or_insert_with(|| vec![0.0; spec.duration as usize]);
                let from = (cue.at as usize).min(track.len());
                for (sample, add) in track[from..].iter_mut().zip(&made.samples) {
                    *sample += gain * add;
                }
                let peak = track[from..].iter().fold(0.0f64, |peak, x| peak.max(x.abs()));
                if peak > 1.0 {
                    return Err(RenderError::Clips {
                        signal: signal.clone(),
                        level: *level,
                        port: port.clone(),
                        excess_db: 20.0 * peak.log10(),
                    });
                }
            }
        }
    }
    for port in &spec.record {
        if !bench.has(port, PortDirection::In) {
            return Err(RenderError::NoInput { bench: bench.name.clone(), port: port.clone() });
        }
    }
    actions.sort_by_key(|action| action.0);
    loops.sort_by_key(|one| one.at);
    let tracks = tracks.into_iter().map(|(port, track)| (port, track.iter().map(|x| *x as f32).collect()));
    let take = RenderedTake {
        id: id.clone(),
        epoch: call.epoch.clone(),
        from: call.from,
        duration: spec.duration,
        tracks: tracks.collect(),
        actions,
        loops,
        record: spec.record.iter().cloned().collect(),
    };
    Ok(Rendered { take, method_equivalent })
}

/// The factor from a signal of unit level to the samples of a port.
pub(super) fn gain(
    bench: &BenchInfo,
    port: &Port,
    signal: &str,
    level: Quantity,
) -> Result<f64, RenderError> {
    let info = bench.ports.get(port).filter(|_| bench.has(port, PortDirection::Out));
    let info = info.ok_or_else(|| RenderError::NoOutput { bench: bench.name.clone(), port: port.clone() })?;
    if info.calibration.unit() != level.unit {
        return Err(RenderError::Plane {
            signal: signal.to_owned(),
            level,
            port: port.clone(),
            unit: info.calibration.unit().symbol(),
        });
    }
    Ok(10f64.powf((level.value - info.calibration.zero_dbov.value) / 20.0))
}

/// The factor from the samples of one port to those of the other that a loop of this loss has; none where it is opened. The
/// loss is one of levels: samples count by the calibrations of both ports.
fn loop_gain(
    bench: &BenchInfo,
    (from, to): (&Port, &Port),
    loss: Option<Db>,
) -> Result<Option<f32>, RenderError> {
    let info = |port: &Port, direction| bench.ports.get(port).filter(|_| bench.has(port, direction));
    let ends = (info(from, PortDirection::In), info(to, PortDirection::Out));
    let (true, (Some(arrives), Some(plays))) = (bench.has_loop, ends) else {
        return Err(RenderError::NoLoop { bench: bench.name.clone(), from: from.clone(), to: to.clone() });
    };
    let (arrives, plays) = (&arrives.calibration, &plays.calibration);
    if arrives.unit() != plays.unit() {
        let name = bench.name.clone();
        return Err(RenderError::NoLoop { bench: name, from: from.clone(), to: to.clone() });
    }
    let Some(Db(loss_db)) = loss else { return Ok(None) };
    // NaN is no loss.
    if loss_db.is_nan() || loss_db < 0.0 {
        return Err(RenderError::Loss { loss_db });
    }
    let gain = 10f64.powf(-loss_db / 20.0) * arrives.unit_per_sample() / plays.unit_per_sample();
    Ok(Some(gain as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::{PortCalibration, Validity};
    use crate::context::{NetworkInfo, PortInfo};
    use crate::take::Cue;
    use crate::units::{Seconds, Unit};

    fn bench() -> BenchInfo {
        let port = |direction, zero| PortInfo {
            ear: None,
            direction,
            calibration: PortCalibration {
                record: "r".to_owned(),
                zero_dbov: zero,
                validity: Validity::Valid,
            },
        };
        BenchInfo {
            name: "b".to_owned(),
            is_virtual: true,
            ports: [
                (Port::of(Port::MOUTH), port(PortDirection::Out, Quantity::new(20.0, Unit::DbPa))),
                (Port::of(Port::POI_SEND), port(PortDirection::In, Quantity::new(6.15, Unit::Dbm0))),
            ]
            .into(),
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
            has_loop: true,
            sets_up_calls: true,
        }
    }

    fn play(port: &'static str, level: Quantity, record: &'static str) -> Result<Rendered, RenderError> {
        let signals = SignalStore::new(Library::builtin().unwrap());
        let library = signals.library().catalogue();
        let sine = library.signals().iter().find(|one| one.id.starts_with("sine")).unwrap().id.clone();
        let spec = TakeSpec {
            name: "t".to_owned(),
            cues: vec![Cue { at: 480, action: Action::Play { port: Port::of(port), signal: sine, level } }],
            spans: Vec::new(),
            record: [Port::of(record)].into(),
            duration: 24_000,
            continues: false,
        };
        let epoch = EpochKey::stored("e");
        let call = Call { epoch: &epoch, bandwidth: Bandwidth::Wb, from: 0 };
        render(&spec, &TakeId::stored("t"), &call, &bench(), &signals)
    }

    #[test]
    fn levels_go_through_the_calibration() {
        let rendered = play("mouth", Quantity::new(-1.7, Unit::DbPa), "poi.send").unwrap();
        let track = &rendered.take.tracks[&Port::of("mouth")];
        assert!(track[..480].iter().all(|x| *x == 0.0));
        // A sine of RMS −1.7 dBPa on a port whose 0 dBov is 20 dBPa peaks at −18.69 dB of full scale.
        let peak = track.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!((20.0 * f64::from(peak).log10() + 18.69).abs() < 0.01, "{peak}");
    }

    #[test]
    fn a_loop_is_an_attenuation_of_levels() {
        let ends = [Port::POI_SEND, Port::POI_RECEIVE].map(Port::of);
        let gain = |bench: &BenchInfo, loss: Option<f64>| {
            loop_gain(bench, (&ends[0], &ends[1]), loss.map(Db)).map_err(|error| error.to_string())
        };
        let mut bench = bench();
        assert!(gain(&bench, Some(20.0)).unwrap_err().contains("poi.receive"), "there is no such port");
        let mut info = bench.ports[&ends[0]].clone();
        info.direction = PortDirection::Out;
        // 6 dB more to full scale: half the samples for the same level.
        info.calibration.zero_dbov.value += 20.0 * 2f64.log10();
        bench.ports.insert(ends[1].clone(), info);
        assert!((gain(&bench, Some(20.0)).unwrap().unwrap() - 0.05).abs() < 1e-6);
        assert_eq!(gain(&bench, None), Ok(None));
        assert!(gain(&bench, Some(-1.0)).unwrap_err().contains("-1 dB"));
        assert!(gain(&bench, Some(f64::NAN)).is_err());
        bench.has_loop = false;
        assert!(gain(&bench, None).unwrap_err().contains("no electrical loop"));
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        let error =
            |port, level, record| play(port, level, record).err().map(|error| error.to_string()).unwrap();
        assert!(error("mouth", Quantity::new(18.0, Unit::DbPa), "poi.send").contains("by 1.0 dB"));
        assert!(error("mouth", Quantity::new(-16.0, Unit::Dbm0), "poi.send").contains("calibrated in dBPa"));
        assert!(error("poi.send", Quantity::new(-16.0, Unit::Dbm0), "poi.send").contains("no output port"));
        assert!(
            error("mouth", Quantity::new(-1.7, Unit::DbPa), "ear.left").contains("no input port ear.left")
        );
    }
}
