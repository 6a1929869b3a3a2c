//! The mouth as a microphone of the bench hears it, past the device: a marker where there is no loopback, and the watch over
//! an artificial mouth whose protection trips.
//!
//! Only where the mouth alone plays: what a loudspeaker adds would hide a loss, or look like one when it ends.
//!
//! 1. **Marker.** Pieces of what was played are looked for in what was heard. Their offsets lie on a line while the clocks
//!    are one and nothing is lost: a jump, or a slope that its own uncertainty does not explain, is seen.
//! 2. **Level.** In each quarter of a second the levels of octaves, heard less played, are held against the upper quartile of
//!    the same octave over the take or against its first pieces, what is more, so that the spectrum of the speech cancels out. The median over the octaves is how much
//!    quieter the mouth is there; three pieces in a row by more than [`DROP_DB`] are a mouth that has fallen.

use std::sync::Arc;

use crate::bench::RenderedTake;
use crate::dsp::align::{DelaySearch, find_delay};
use crate::dsp::spectrum::PowerSpectra;
use crate::take::{Frame, RATE};
use crate::terms::Port;
use crate::units::Seconds;

/// The microphones that may hear the mouth, the nearest first.
pub(super) const MICROPHONES: [&str; 3] = [Port::MIC_MRP, "mic.hfrp", Port::MIC_REFERENCE];
/// Longer takes are not watched: what the microphone heard is kept in memory until the take ends.
pub(super) const WATCHED_MAX: Frame = 300 * RATE as Frame;

/// Frames in a piece, 250 ms.
const PIECE: usize = 12_000;
/// How long before a piece nothing else may have been played, 500 ms: it sounds on.
const ALONE: usize = 24_000;
/// Pieces below the loudest by more than this are pauses, in dB.
const ACTIVE_DB: f64 = 15.0;
/// How much later than played a piece may be heard: the interface, without loopback, and three meters of air.
const DELAY_MAX: usize = 24_000;
/// How far a piece may be from where the first was.
const REACH: usize = 4_096 + 512;
/// The correlation of a piece that was found.
const CORRELATION_MIN: f64 = 0.4;
/// A second place that is nearly as good means that the signal repeats itself, and says nothing.
const SECOND_MAX: f64 = 0.9;
/// How far an offset may step from the slope of the others before it is a jump, in frames, and how many times further than
/// the median step: reflections and the talker's spectrum move the maximum of a correlation.
const JUMP: (f64, f64) = (0.9, 6.0);
/// Pieces that a marker needs.
const PLACES_MIN: usize = 4;
/// What a place is taken to be off, in frames: the air moves, a talker's head and a rig as well.
const PLACE_BIAS: f64 = 0.25;
/// The octaves, in Hz.
const OCTAVES_HZ: [f64; 6] = [250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0];
/// How much the mouth may get quieter.
pub(super) const DROP_DB: f64 = 3.0;
/// Pieces of the beginning, when no protection has tripped yet.
const BEGINNING_PIECES: usize = 4;
/// Pieces in a row that are no chance.
const DROP_PIECES: usize = 3;
/// How far above the silence of the take an octave must be heard to say anything.
const ABOVE_SILENCE_DB: f64 = 10.0;

/// What a take plays at the mouth, and where nothing else sounds.
pub(super) struct Mouth {
    played: Arc<[f32]>,
    /// First frames of the pieces in which the mouth alone plays.
    pieces: Vec<usize>,
}

impl Mouth {
    /// Of a take; `None` where its mouth is silent or never alone.
    pub(super) fn of(take: &RenderedTake) -> Option<Self> {
        let played = Arc::clone(take.tracks.get(&Port::of(Port::MOUTH))?);
        let others: Vec<&Arc<[f32]>> = take
            .tracks
            .iter()
            .filter(|(port, _)| port.name() != Port::MOUTH)
            .map(|(_, track)| track)
            .collect();
        let square = |at: usize| played[at..at + PIECE].iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        let all: Vec<(usize, f64)> =
            (0..(played.len() / PIECE)).map(|k| (k * PIECE, square(k * PIECE))).collect();
        let loudest = all.iter().fold(0.0, |most: f64, one| most.max(one.1));
        let is_alone = |at: usize| {
            let from = at.saturating_sub(ALONE);
            others.iter().all(|track| {
                track[from.min(track.len())..(at + PIECE).min(track.len())].iter().all(|x| *x == 0.0)
            })
        };
        let is_active = |square: f64| square > 0.0 && square >= loudest * 10f64.powf(-ACTIVE_DB / 10.0);
        let pieces = all.iter().filter(|(at, square)| is_active(*square) && is_alone(*at));
        let pieces: Vec<usize> = pieces.map(|(at, _)| *at).collect();
        (!pieces.is_empty()).then_some(Self { played, pieces })
    }
}

/// Where the pieces of a take were heard.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Marker {
    /// The first frame of the first piece and of the last.
    pub from: Frame,
    /// See `from`.
    pub to: Frame,
    /// How many were found.
    pub count: usize,
    /// The offset of the first, in frames.
    pub offset_frames: f64,
    /// The drift, in parts per million.
    pub drift_ppm: f64,
    /// Its expanded uncertainty.
    pub uncertainty_ppm: f64,
    /// The smallest jump that would have been seen, in frames.
    pub resolution_frames: f64,
    /// The first jump: between which frames, and by how many.
    pub jump: Option<(Frame, Frame, f64)>,
}

/// Looks for the pieces in what a microphone heard; `None` where too few are found.
pub(super) fn marker(mouth: &Mouth, heard: &[f32]) -> Option<Marker> {
    let mut places: Vec<(f64, f64)> = Vec::new();
    for at in &mouth.pieces {
        let near = places.last().map(|last| last.1);
        if let Some(offset) = place_of(&mouth.played[*at..at + PIECE], heard, *at, near) {
            places.push((*at as f64, offset));
        }
    }
    if places.len() < PLACES_MIN {
        return None;
    }
    let slope = |pair: &[(f64, f64)]| (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0);
    let usual = middle(places.windows(2).map(slope).collect());
    let step = |pair: &[(f64, f64)]| pair[1].1 - pair[0].1 - usual * (pair[1].0 - pair[0].0);
    let scatter = middle(places.windows(2).map(|pair| step(pair).abs()).collect());
    let resolution_frames = JUMP.0.max(JUMP.1 * scatter);
    let jump = places.windows(2).find(|pair| step(pair).abs() > resolution_frames);
    let jump = jump.map(|pair| (pair[0].0 as Frame, pair[1].0 as Frame, step(pair)));
    let count = places.len() as f64;
    let mean_at = places.iter().map(|one| one.0).sum::<f64>() / count;
    let mean_offset = places.iter().map(|one| one.1).sum::<f64>() / count;
    let spread: f64 = places.iter().map(|one| (one.0 - mean_at).powi(2)).sum();
    let slope = places.iter().map(|one| (one.0 - mean_at) * (one.1 - mean_offset)).sum::<f64>() / spread;
    let rest = |one: &(f64, f64)| one.1 - mean_offset - slope * (one.0 - mean_at);
    let variance = places.iter().map(|one| rest(one).powi(2)).sum::<f64>() / (count - 2.0).max(1.0);
    let (first, last) = (places.first()?, places.last()?);
    Some(Marker {
        from: first.0 as Frame,
        to: last.0 as Frame,
        count: places.len(),
        offset_frames: first.1,
        drift_ppm: slope * 1e6,
        uncertainty_ppm: (2.0 * (variance / spread).sqrt() + PLACE_BIAS / (last.0 - first.0)) * 1e6,
        resolution_frames,
        jump,
    })
}

/// The upper median of at least one value.
fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How much later than played a piece was heard, in frames; near the offset of another, or anywhere.
fn place_of(piece: &[f32], heard: &[f32], at: usize, near: Option<f64>) -> Option<f64> {
    let (first, room) = match near {
        Some(near) => ((at as f64 + near) as i64 - REACH as i64, 2 * REACH),
        None => (at as i64, DELAY_MAX),
    };
    let from = usize::try_from(first).unwrap_or(0);
    let to = (from + PIECE + room).min(heard.len());
    let longest = to.checked_sub(from)?.checked_sub(PIECE)?;
    let wide = |samples: &[f32]| samples.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
    let seconds = |frames: usize| Seconds(frames as f64 / f64::from(RATE));
    let search = DelaySearch::between(seconds(0), seconds(longest)).whitened(200.0, 8_000.0);
    let delay = find_delay(&wide(piece), &wide(&heard[from..to]), RATE, &search).ok()?;
    let is_alone = delay.second.is_none_or(|second| second.ratio < SECOND_MAX);
    (delay.stands_out() && delay.correlation >= CORRELATION_MIN && is_alone)
        .then(|| delay.delay.0 * f64::from(RATE) + from as f64 - at as f64)
}

/// A mouth that fell during a take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fall {
    /// The first frame of the piece in which it is quieter.
    pub at: Frame,
    /// By how much, in dB.
    pub by_db: f64,
}

/// Looks for a fall of the mouth in what a microphone heard, `late` frames after it was played.
pub(super) fn fall(mouth: &Mouth, heard: &[f32], late: usize, silence: &[f32]) -> Option<Fall> {
    let mut spectra = PowerSpectra::default();
    let mut octaves = |samples: &[f32]| -> [f64; OCTAVES_HZ.len()] {
        let wide: Vec<f64> = samples.iter().map(|x| f64::from(*x)).collect();
        let spectrum = spectra.of(&wide, RATE);
        let half = std::f64::consts::SQRT_2;
        OCTAVES_HZ.map(|hz| 10.0 * (spectrum.band_power(hz / half, hz * half) + 1e-20).log10())
    };
    // Without silence before the take, that of its quietest piece.
    let quiet = match silence {
        [] => heard.chunks_exact(PIECE).map(&mut octaves).fold([f64::MAX; OCTAVES_HZ.len()], least),
        silence => octaves(silence),
    };
    let pieces: Vec<usize> =
        mouth.pieces.iter().copied().filter(|at| at + late + PIECE <= heard.len()).collect();
    let mut rows = Vec::new();
    for at in &pieces {
        let (there, here) =
            (octaves(&heard[at + late..at + late + PIECE]), octaves(&mouth.played[*at..at + PIECE]));
        rows.push((there, here));
    }
    let mut quieter: Vec<Vec<f64>> = vec![Vec::new(); rows.len()];
    for (octave, quiet) in quiet.iter().enumerate() {
        let loudest = rows.iter().fold(f64::MIN, |most, row| most.max(row.1[octave]));
        let speaks = |row: &([f64; 6], [f64; 6])| row.1[octave] >= loudest - ACTIVE_DB;
        // A level that a background noise makes says nothing about the mouth.
        let is_heard = |row: &([f64; 6], [f64; 6])| row.0[octave] >= quiet + ABOVE_SILENCE_DB;
        let gained = rows.iter().filter(|row| speaks(row) && is_heard(row));
        let mut gains: Vec<f64> = gained.map(|row| row.0[octave] - row.1[octave]).collect();
        let Some(beginning) = median(gains.iter().copied().take(BEGINNING_PIECES).collect()) else {
            continue;
        };
        gains.sort_by(f64::total_cmp);
        let usual = gains[gains.len() * 3 / 4].max(beginning);
        for (row, quieter) in rows.iter().zip(&mut quieter) {
            // What the octave would have as usual must stand out of the silence.
            if speaks(row) && row.1[octave] + usual >= quiet + ABOVE_SILENCE_DB {
                quieter.push(usual - (row.0[octave] - row.1[octave]));
            }
        }
    }
    let medians: Vec<Option<f64>> = quieter.into_iter().map(median).collect();
    let told: Vec<(usize, f64)> =
        pieces.iter().zip(medians).filter_map(|(at, median)| Some((*at, median?))).collect();
    let fallen = told.windows(DROP_PIECES).find(|run| run.iter().all(|one| one.1 > DROP_DB))?;
    let by_db = fallen.iter().fold(0.0, |most: f64, one| most.max(one.1));
    Some(Fall { at: fallen[0].0 as Frame, by_db })
}

/// The lesser of each pair.
fn least(one: [f64; OCTAVES_HZ.len()], other: [f64; OCTAVES_HZ.len()]) -> [f64; OCTAVES_HZ.len()] {
    std::array::from_fn(|n| one[n].min(other[n]))
}

/// The median; `None` of fewer than two.
fn median(values: Vec<f64>) -> Option<f64> {
    (values.len() > 1).then(|| middle(values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::suite::take;
    use crate::signals::random::Random;

    const FRAMES: usize = 480_000;

    /// Syllables of colored noise: loud and soft quarters of a second with pauses between them.
    fn speech(seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        let (mut before, mut level) = (0.0, 0.0);
        let sample = |n: usize| {
            if n.is_multiple_of(7_000) {
                level = if random.uniform() < 0.2 { 0.0 } else { 0.02 + 0.2 * random.uniform() };
            }
            let tilt = 0.5 + 0.4 * (n as f64 / 40_000.0).sin();
            before = tilt * before + random.uniform() - 0.5;
            (level * before) as f32
        };
        (0..FRAMES).map(sample).collect()
    }

    /// A microphone of a room: the mouth later and softer, a reflection, and a room's noise.
    fn heard(played: &[f32], late: usize, gain: impl Fn(usize) -> f64) -> Vec<f32> {
        let mut random = Random::new(99);
        let at = |n: Option<usize>| n.and_then(|n| played.get(n)).map_or(0.0, |x| f64::from(*x));
        let sample = |n: usize| {
            let direct = at(n.checked_sub(late)) + 0.4 * at(n.checked_sub(late + 170));
            (0.5 * gain(n) * direct + 1e-4 * (random.uniform() - 0.5)) as f32
        };
        (0..FRAMES).map(sample).collect()
    }

    fn mouth(played: &[f32]) -> Mouth {
        Mouth::of(&take(FRAMES as u64, &[("mouth", played.to_vec())], &["poi.send"])).unwrap()
    }

    #[test]
    fn the_mouth_marks_the_time_of_a_take() {
        let played = speech(1);
        let mouth = mouth(&played);
        let whole = marker(&mouth, &heard(&played, 3_000, |_| 1.0)).unwrap();
        assert!(whole.count > 10 && whole.jump.is_none(), "{whole:?}");
        assert!((whole.offset_frames - 3_000.0).abs() < 0.5, "{whole:?}");
        assert!(whole.drift_ppm.abs() <= whole.uncertainty_ppm && whole.uncertainty_ppm < 2.0, "{whole:?}");
        for (lost, inserted) in [(480usize, 0usize), (0, 333), (2, 0), (4_096, 0), (0, 4_096)] {
            let mut broken = heard(&played, 3_000, |_| 1.0);
            broken.drain(200_000..200_000 + lost);
            broken.splice(200_000..200_000, vec![0.0; inserted]);
            let told = marker(&mouth, &broken).unwrap();
            let (from, to, by) = told.jump.unwrap_or_else(|| panic!("{lost} {inserted}: {told:?}"));
            assert!((from..=to + PIECE as u64).contains(&197_000), "{told:?}");
            assert!((by - (inserted as f64 - lost as f64)).abs() < 0.5, "{told:?}");
        }
        // Nothing of the mouth is heard: nothing is said.
        assert_eq!(marker(&mouth, &heard(&speech(2), 3_000, |_| 1.0)), None);
    }

    #[test]
    fn a_mouth_that_falls_is_seen_and_speech_is_not() {
        let played = speech(3);
        let mouth = mouth(&played);
        let silence = &heard(&vec![0.0; FRAMES], 0, |_| 1.0)[..9_600];
        for late in [2, 100] {
            assert_eq!(fall(&mouth, &heard(&played, late, |_| 1.0), late, silence), None);
        }
        for (from, db) in [(100_000, 6.0), (300_000, 20.0), (300_000, 80.0), (50_000, 4.0)] {
            let gain = |n: usize| if n < from { 1.0 } else { 10f64.powf(-db / 20.0) };
            let fallen = fall(&mouth, &heard(&played, 2, gain), 2, silence);
            let fallen = fallen.unwrap_or_else(|| panic!("{db} dB from {from} on"));
            assert!(fallen.at.abs_diff(from as u64) < 36_000, "{fallen:?} {from}");
            assert!(db > 40.0 || (fallen.by_db - db).abs() < 1.5, "{fallen:?} {db}");
        }
        // One decibel and a half is no protection.
        let gain = |n: usize| if n < 200_000 { 1.0 } else { 10f64.powf(-1.5 / 20.0) };
        assert_eq!(fall(&mouth, &heard(&played, 2, gain), 2, silence), None);
    }

    #[test]
    fn a_background_noise_is_no_fall() {
        let played = speech(5);
        let mouth = mouth(&played);
        // As loud as soft speech, and louder than loud.
        for level in [0.05, 1.0] {
            let mut random = Random::new(98);
            let mut noisy = heard(&played, 2, |_| 1.0);
            for x in &mut noisy {
                *x += (level * (random.uniform() - 0.5)) as f32;
            }
            let silence: Vec<f32> = (0..9_600).map(|_| (level * (random.uniform() - 0.5)) as f32).collect();
            assert_eq!(fall(&mouth, &noisy, 2, &silence), None, "{level}");
            assert_eq!(fall(&mouth, &noisy, 2, &[]), None, "{level}, no silence");
        }
    }

    #[test]
    fn where_something_else_plays_the_mouth_is_not_alone() {
        let played = speech(4);
        let mut other = vec![0.0; FRAMES];
        other[100_000..200_000].fill(0.1);
        let both = take(FRAMES as u64, &[("mouth", played.clone()), ("poi.receive", other)], &["poi.send"]);
        let mouth = Mouth::of(&both).unwrap();
        assert!(mouth.pieces.iter().all(|at| at + PIECE <= 100_000 || *at >= 200_000 + ALONE - PIECE));
        assert!(mouth.pieces.iter().any(|at| *at > 230_000));
        assert!(Mouth::of(&take(FRAMES as u64, &[("poi.receive", played)], &["poi.send"])).is_none());
    }
}
