//! What loudness ratings and responses share: a take with an idle span before its stimulus, and from it the sensitivity
//! of the path in bands.
//!
//! 1. The energy in each band, of the played track over the stimulus, and of each recording over the stimulus and
//!    `delay_max` after it. Energies need no alignment: whatever the delay, all of the stimulus lies in the window.
//! 2. The power of the idle span in each band, times the length of that window, is the energy of the noise; it is
//!    subtracted.
//! 3. Where the port is an ear-drum, the response of the ear to a field is taken out of both, line by line of the spectrum.
//! 4. S = 10·log10(energy recorded / energy played), in send in dBV/Pa and in receive in dBPa/V. A level at the POI becomes
//!    a voltage at 600 Ω: 0 dBm0 = −2.218 dBV.
//! 5. Where a reference run of the plan has found the response of the network in that direction, it is taken out of S in
//!    every band that the network carries, between third octaves along a straight line over log f.
//!
//! Where a band stands less than 6 dB above the noise, the truth lies somewhere between nothing and all that was
//! recorded: [`Path`] carries both ends beside the estimate, and each method says how much of that it can live with.

use std::ops::Range;

use super::call::{self, DELAY_MAX, NOISE, Timeline};
use super::evidence::{self, EarAtPort};
use super::reference_run::{self, Known};
use crate::capture::Take;
use crate::context::{EvalCx, PlanCx, Track};
use crate::dsp::bands::Bands;
use crate::entry::{Entry, SignalId};
use crate::finding::{Influence, Unmeasurable};
use crate::meters::band_energy::Recorded;
use crate::terms::{Direction, EarField, Port};
use crate::units::{DBV_AT_0_DBM0, Quantity, Seconds, Unit};

/// The span of the stimulus.
pub const STIMULUS: &str = "stimulus";

/// What a sensitivity needs of a take: settling, idle span, stimulus, and time for the longest delay.
pub fn part(
    take: &mut Timeline,
    port: &Port,
    signal: &SignalId,
    level: Quantity,
    idle: Seconds,
    entry: &Entry,
    cx: &PlanCx<'_>,
) {
    take.silence(idle);
    let at = take.play(port, signal, level, cx);
    take.name_span(STIMULUS, at..at + cx.signal(&signal.0).frames);
    take.wait(entry.parameters.get(&DELAY_MAX));
}

/// The sensitivities of a path by band in dB, three ways.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Without the noise: the estimate.
    pub estimate: Vec<f64>,
    /// As if what stands in bands that noise hides were all signal.
    pub loudest: Vec<f64>,
    /// As if it were all noise.
    pub quietest: Vec<f64>,
}

impl Path {
    fn new(played: &Played, recorded: &Recorded, plane_offset_db: f64) -> Self {
        let signal = recorded.without_noise();
        let db = |energy: f64, band: usize| 10.0 * (energy / played.energies[band]).log10() + plane_offset_db;
        let hidden = |band: usize| recorded.is_noise(band);
        let bands = 0..signal.len();
        Self {
            estimate: bands.clone().map(|i| db(signal[i], i)).collect(),
            loudest: bands
                .clone()
                .map(|i| db(if hidden(i) { recorded.total[i] } else { signal[i] }, i))
                .collect(),
            quietest: bands
                .map(|i| if hidden(i) || played.hidden[i] { f64::NEG_INFINITY } else { db(signal[i], i) })
                .collect(),
        }
    }

    /// Both paths, band by band.
    #[must_use]
    pub fn with(&self, other: &Self, sum: fn(f64, f64) -> f64) -> Self {
        let both = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| sum(*a, *b)).collect();
        Self {
            estimate: both(&self.estimate, &other.estimate),
            loudest: both(&self.loudest, &other.loudest),
            quietest: both(&self.quietest, &other.quietest),
        }
    }

    /// Louder by so much in every band.
    #[must_use]
    pub fn raised(&self, db: f64) -> Self {
        let raise = |a: &[f64]| a.iter().map(|s| s + db).collect();
        Self {
            estimate: raise(&self.estimate),
            loudest: raise(&self.loudest),
            quietest: raise(&self.quietest),
        }
    }

    /// Without the network, whose response in dB is `network`; nothing where it is not known.
    fn without(&self, network: &[Option<f64>]) -> Self {
        let own_db = |band: usize| network.get(band).copied().flatten().unwrap_or(0.0);
        let own = |a: &[f64]| a.iter().enumerate().map(|(band, s)| s - own_db(band)).collect();
        Self { estimate: own(&self.estimate), loudest: own(&self.loudest), quietest: own(&self.quietest) }
    }

    /// The positions at which noise could hide more than `most_db`.
    pub fn hidden(&self, positions: Range<usize>, most_db: f64) -> Vec<usize> {
        // NaN is not certain.
        let certain = |i: usize| self.loudest[i] - self.quietest[i] <= most_db;
        positions.filter(|&i| !certain(i)).collect()
    }
}

/// What the sensitivity refers to, by band.
struct Played {
    energies: Vec<f64>,
    /// Where it is not known because noise hides it.
    hidden: Vec<bool>,
}

/// Which path of a take is asked for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// From the mouth to the POI, or from the POI to where it is heard.
    pub direction: Direction,
    /// The bands.
    pub bands: &'a Bands,
    /// Those that count: the stimulus must fill them.
    pub positions: &'a Range<usize>,
    /// Where the take was recorded.
    pub ports: &'a [Port],
    /// The field to which ears are equalized.
    pub field: EarField,
    /// The microphone beside the mouth, when the level that really was there counts and not the one that was asked for.
    pub at_mouth: Option<&'a Port>,
}

/// The paths of a take.
pub struct Paths {
    /// One for each port of the request.
    pub paths: Vec<Path>,
    tracks: Vec<Track>,
    /// One for each port of the request.
    pub ears: Vec<EarAtPort>,
    reference: Track,
    /// What a reader must know of the network.
    network: Option<String>,
}

/// What the methods of this file want: the response of the network, to take it out.
pub const FACTS_WANTED: &[&str] = &[reference_run::RESPONSE_SEND, reference_run::RESPONSE_RECEIVE];

/// The paths of a take that [`part`] planned.
///
/// # Errors
/// A track in another plane, a stimulus with gaps, a port at which nothing arrived, a bad certificate.
pub fn paths(
    request: &Request<'_>,
    entry: &Entry,
    take: &Take,
    cx: &EvalCx<'_>,
) -> Result<Paths, Unmeasurable> {
    let (played_plane, recorded_plane, plane_offset_db) = match request.direction {
        Direction::Send => (Unit::DbPa, Unit::Dbm0, DBV_AT_0_DBM0),
        Direction::Receive => (Unit::Dbm0, Unit::DbPa, -DBV_AT_0_DBM0),
    };
    let bands = request.bands;
    let port = call::source_port(request.direction, entry);
    let mut reference = evidence::played(cx, take, &port, played_plane)?;
    let stimulus = take.span(STIMULUS);
    let window = stimulus.start..take.spec.duration;
    let energies = evidence::energies(reference.slice(stimulus), bands);
    evidence::stimulus_fills(&energies, bands, request.positions.clone(), &port)?;
    let mut played = Played { hidden: vec![false; energies.len()], energies };
    if let Some(port) = request.at_mouth {
        reference = evidence::captured(cx, take, port, played_plane)?;
        played.measure(&evidence::recorded(&reference, window.clone(), take.span(NOISE), bands));
    }

    let hz = bands.iter().map(|band| band.nominal_hz);
    let known = reference_run::network_db(cx, request.direction, hz)?;
    let network = known.as_ref().map_or(&[][..], |known| &known.value);
    let mut paths = Vec::new();
    let mut tracks = Vec::new();
    let mut ears = Vec::new();
    for port in request.ports {
        let track = evidence::captured(cx, take, port, recorded_plane)?;
        let ear = EarAtPort::of(cx, port, request.field)?;
        let recorded = evidence::recorded_at_ear(&track, window.clone(), take.span(NOISE), bands, &ear);
        if !recorded.total.iter().any(|energy| *energy > 0.0) {
            return Err(Unmeasurable::because(format!(
                "nothing arrived at {port}: check routing, mute and volume"
            )));
        }
        paths.push(Path::new(&played, &recorded, plane_offset_db).without(network));
        tracks.push(track);
        ears.push(ear);
    }
    Ok(Paths { paths, tracks, ears, reference, network: known.and_then(|known| note_of(&known, request)) })
}

fn note_of(known: &Known<Vec<Option<f64>>>, request: &Request<'_>) -> Option<String> {
    if known.value.iter().all(Option::is_none) {
        return None;
    }
    let mut note = format!("without the response of the network, {}", known.told);
    let kept: Vec<usize> = request.positions.clone().filter(|&band| known.value[band].is_none()).collect();
    if !kept.is_empty() {
        note.push_str(", which carries nothing at ");
        note.push_str(&evidence::names(request.bands, &kept));
    }
    Some(note)
}

impl Played {
    /// What was measured takes the place of what was asked for, wherever it stands out of the noise.
    fn measure(&mut self, recorded: &Recorded) {
        for (i, energy) in recorded.without_noise().into_iter().enumerate() {
            self.hidden[i] = recorded.is_noise(i);
            if !self.hidden[i] {
                self.energies[i] = energy;
            }
        }
    }
}

impl Paths {
    /// What a reader must know of the network, when it was taken out.
    pub fn network_note(&self) -> Option<&str> {
        self.network.as_deref()
    }

    /// All paths as one, band by band.
    pub fn sum(&self, sum: fn(f64, f64) -> f64) -> Path {
        combine(&self.paths, sum)
    }

    /// How `result`, a number in dB, follows each calibration, by a small step of it.
    pub fn influences(&self, sum: fn(f64, f64) -> f64, result: impl Fn(&Path) -> f64) -> Vec<Influence> {
        const STEP_DB: f64 = 0.01;
        let at = result(&self.sum(sum));
        let follows = |paths: &[Path]| (result(&combine(paths, sum)) - at) / STEP_DB;
        let all: Vec<Path> = self.paths.iter().map(|path| path.raised(STEP_DB)).collect();
        let mut influences = vec![evidence::influence(&self.reference, -follows(&all))];
        for (i, track) in self.tracks.iter().enumerate() {
            let mut raised = self.paths.clone();
            raised[i] = raised[i].raised(STEP_DB);
            let coefficient = follows(&raised);
            influences.push(evidence::influence(track, coefficient));
            influences.extend(self.ears[i].influence(coefficient));
        }
        influences
    }
}

fn combine(paths: &[Path], sum: fn(f64, f64) -> f64) -> Path {
    paths.iter().skip(1).fold(paths[0].clone(), |all, path| all.with(path, sum))
}
