//! Conversational timing: who speaks when, with the statistics of P.59.
//!
//! Four states (far alone, near alone, both, nobody) follow each other with exponential durations: from single talk
//! to double talk or to silence, from both of these to single talk of either side. The means are chosen so that
//! double talk and mutual silence have the durations and the shares of P.59.
//!
//! The shares published with them contradict each other: with 38.53 % of speech on each side and 6.59 % of double
//! talk a symmetrical conversation has 1 − 2·0.3853 + 0.0659 = 29.53 % of mutual silence, not 22.48 %. Double talk and
//! mutual silence are held here, as they are what echo cancellers and switches are tried with; each side then
//! speaks for 42.06 %, in spurts of 1.15 s (P.59: 1.004 s) with pauses of 1.58 s (P.59: 1.587 s).

use std::ops::Range;

use super::catalogue::SignalSpec;
use super::dialogue::{Dialogue, Side, fade};
use super::random::Random;
use super::speech::{self, Recording};
use super::{SignalError, SpeechSource};

/// Mean duration of double talk (P.59 Table 1, from memory of it: class C).
pub const DOUBLE_MEAN_S: f64 = 0.228;
/// Share of double talk.
pub const DOUBLE_SHARE: f64 = 0.0659;
/// Mean duration of mutual silence.
pub const SILENCE_MEAN_S: f64 = 0.508;
/// Share of mutual silence.
pub const SILENCE_SHARE: f64 = 0.2248;

/// How near the shares of a conversation come to those of P.59, as it is drawn again until they do.
const SHARE_TOLERANCE: f64 = 0.005;

/// Conversations that are drawn before the nearest is taken.
const DRAWS_MAX: u64 = 2_000;

/// Speech of both sides, timed by P.59.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Recordings of the far side, spoken one after the other.
    pub far: Vec<String>,
    /// Recordings of the near side.
    pub near: Vec<String>,
    /// Seed of the timing.
    pub seed: u64,
}

/// When each side speaks, in seconds, in the order of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timing {
    /// The far side.
    pub far: Vec<Range<f64>>,
    /// The near side.
    pub near: Vec<Range<f64>>,
}

/// What a conversation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Far,
    Near,
    Both,
    Nobody,
}

impl Timing {
    /// Shares of double talk and of mutual silence in `seconds`.
    pub fn shares(&self, seconds: f64) -> (f64, f64) {
        let total = |all: &[Range<f64>]| all.iter().map(|one| one.end - one.start).sum::<f64>();
        let mut both = 0.0;
        let mut near = self.near.iter().peekable();
        for far in &self.far {
            while near.next_if(|one| one.end <= far.start).is_some() {}
            for one in near.clone().take_while(|one| one.start < far.end) {
                both += far.end.min(one.end) - far.start.max(one.start);
            }
        }
        let silence = seconds - (total(&self.far) + total(&self.near) - both);
        (both / seconds, silence / seconds)
    }
}

/// The timing of a conversation of `seconds`: of the streams of its seed the first whose shares come near to P.59.
pub fn timing(conversation: &Conversation, seconds: f64) -> Timing {
    let mut best = (f64::INFINITY, Timing::default());
    for draw in 0..DRAWS_MAX {
        let timing = drawn(&mut Random::new(conversation.seed ^ (draw << 32)), seconds);
        let (double, silence) = timing.shares(seconds);
        let miss = libm::fabs(double - DOUBLE_SHARE).max(libm::fabs(silence - SILENCE_SHARE));
        if miss < best.0 {
            best = (miss, timing);
        }
        if best.0 <= SHARE_TOLERANCE {
            break;
        }
    }
    best.1
}

/// One timing, as the random numbers fall.
fn drawn(random: &mut Random, seconds: f64) -> Timing {
    // Visits a second follow from share and mean; single talk comes before each of them and has the rest.
    let double_rate = DOUBLE_SHARE / DOUBLE_MEAN_S;
    let silence_rate = SILENCE_SHARE / SILENCE_MEAN_S;
    let single_rate = double_rate + silence_rate;
    let single_mean_s = (1.0 - DOUBLE_SHARE - SILENCE_SHARE) / single_rate;
    let mut timing = Timing::default();
    let (mut state, mut now) = (State::Nobody, 0.0);
    let (mut far_from, mut near_from) = (None, None);
    while now < seconds {
        let mean = match state {
            State::Far | State::Near => single_mean_s,
            State::Both => DOUBLE_MEAN_S,
            State::Nobody => SILENCE_MEAN_S,
        };
        // Durations of less than a millisecond are no events of speech.
        let until = (now - mean * libm::log(1.0 - random.uniform())).max(now + 1e-3).min(seconds);
        let choice = random.uniform();
        let next = match state {
            State::Far | State::Near if choice < double_rate / single_rate => State::Both,
            State::Far | State::Near => State::Nobody,
            State::Both | State::Nobody if choice < 0.5 => State::Far,
            State::Both | State::Nobody => State::Near,
        };
        let far_speaks = |state| matches!(state, State::Far | State::Both);
        let near_speaks = |state| matches!(state, State::Near | State::Both);
        turn(&mut timing.far, &mut far_from, far_speaks(state), far_speaks(next), now, until, seconds);
        turn(&mut timing.near, &mut near_from, near_speaks(state), near_speaks(next), now, until, seconds);
        (state, now) = (next, until);
    }
    timing
}

/// Notes the spurt of a side that ends with the state from `now` to `until`.
fn turn(
    spurts: &mut Vec<Range<f64>>,
    from: &mut Option<f64>,
    speaks: bool,
    goes_on: bool,
    now: f64,
    until: f64,
    end: f64,
) {
    if speaks && from.is_none() {
        *from = Some(now);
    }
    if speaks
        && (!goes_on || until >= end)
        && let Some(start) = from.take()
    {
        spurts.push(start..until);
    }
}

/// A side of the conversation: its recordings, spoken on without a pause, gated by its spurts.
pub(super) fn side(
    spec: &SignalSpec,
    dialogue: &Dialogue,
    conversation: &Conversation,
    side: Side,
    source: &dyn SpeechSource,
) -> Result<(Recording, Vec<Range<usize>>), SignalError> {
    let files = if side == Side::Far { &conversation.far } else { &conversation.near };
    let mut speech = Recording { rate: 0, samples: Vec::new() };
    for file in files {
        let one = speech::load(&spec.id, file, source)?;
        if speech.rate != 0 && speech.rate != one.rate {
            return Err(SignalError::Recording {
                id: spec.id.clone(),
                file: file.clone(),
                reason: format!("it has {} Hz, the others {} Hz", one.rate, speech.rate),
            });
        }
        speech.rate = one.rate;
        speech.samples.extend_from_slice(&one.samples);
    }
    if speech.samples.is_empty() {
        let reason = "a side of the conversation has no recordings".to_owned();
        return Err(SignalError::Construction { id: spec.id.clone(), reason });
    }
    let rate = speech.rate;
    let frame = |seconds: f64| libm::round(seconds * f64::from(rate)) as usize;
    let timing = timing(conversation, dialogue.seconds);
    let spurts = if side == Side::Far { timing.far } else { timing.near };
    let mut out = vec![0.0; frame(dialogue.seconds)];
    let mut active = Vec::new();
    let mut next = 0;
    for spurt in spurts {
        let span = frame(spurt.start)..frame(spurt.end).min(out.len());
        let mut piece: Vec<f64> =
            speech.samples.iter().copied().cycle().skip(next).take(span.len()).collect();
        next = (next + span.len()) % speech.samples.len();
        fade(&mut piece, rate);
        out[span.clone()].copy_from_slice(&piece);
        active.push(span);
    }
    Ok((Recording { rate, samples: out }, active))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(seed: u64) -> Conversation {
        Conversation { far: Vec::new(), near: Vec::new(), seed }
    }

    fn mean(all: &[f64]) -> f64 {
        all.iter().sum::<f64>() / all.len() as f64
    }

    #[test]
    fn long_conversations_have_the_statistics_of_p59() {
        let seconds = 200_000.0;
        let timing = drawn(&mut Random::new(1), seconds);
        let (double, silence) = timing.shares(seconds);
        // 58 000 visits of double talk and 88 000 of silence: a standard error of 1/√58 000 = 0.4 % of each.
        assert!((double / DOUBLE_SHARE - 1.0).abs() < 0.02, "{double}");
        assert!((silence / SILENCE_SHARE - 1.0).abs() < 0.02, "{silence}");
        for side in [&timing.far, &timing.near] {
            let spurts: Vec<f64> = side.iter().map(|one| one.end - one.start).collect();
            let pauses: Vec<f64> = side.windows(2).map(|pair| pair[1].start - pair[0].end).collect();
            // P.59: pauses of 1.587 s; 1.584 s follow from the states. 73 000 of each: standard error below 0.6 %.
            assert!((mean(&pauses) / 1.587 - 1.0).abs() < 0.02, "{}", mean(&pauses));
            // Not P.59's 1.004 s: its shares leave each side 42.06 % of the time.
            assert!((mean(&spurts) / 1.150 - 1.0).abs() < 0.02, "{}", mean(&spurts));
            let activity = spurts.iter().sum::<f64>() / seconds;
            assert!((activity / 0.4206 - 1.0).abs() < 0.02, "{activity}");
        }
    }

    #[test]
    fn the_published_shares_contradict_each_other() {
        // Nobody speaks when neither side does: 1 − far − near + both.
        let silence = 1.0 - 2.0 * 0.3853 + DOUBLE_SHARE;
        assert!((silence - 0.2953).abs() < 1e-9 && silence - SILENCE_SHARE > 0.07);
    }

    #[test]
    fn a_short_conversation_is_drawn_until_its_shares_are_those_of_p59() {
        for seed in 0..5 {
            let timing = timing(&conversation(seed), 120.0);
            let (double, silence) = timing.shares(120.0);
            assert!((double - DOUBLE_SHARE).abs() <= SHARE_TOLERANCE, "{double}");
            assert!((silence - SILENCE_SHARE).abs() <= SHARE_TOLERANCE, "{silence}");
        }
        // As they fall, they miss by more: 35 visits of double talk have a standard error of a quarter of their share.
        let misses = (0..20).filter(|seed| {
            let (double, silence) = drawn(&mut Random::new(*seed), 120.0).shares(120.0);
            (double - DOUBLE_SHARE).abs() > SHARE_TOLERANCE
                || (silence - SILENCE_SHARE).abs() > SHARE_TOLERANCE
        });
        assert!(misses.count() > 10);
    }

    #[test]
    fn shares_count_what_overlaps() {
        let timing = Timing { far: vec![0.0..2.0, 5.0..6.0], near: vec![1.0..1.5, 1.8..5.5] };
        // Both: 0.5 + 0.2 + 0.5; speech from 0 to 6 without a gap.
        let (double, silence) = timing.shares(10.0);
        assert!((double - 0.12).abs() < 1e-12 && (silence - 0.4).abs() < 1e-12);
    }
}
