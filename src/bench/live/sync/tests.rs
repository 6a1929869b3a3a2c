//! Breaks, drift and alignment: put in on purpose, found again.

use super::*;
use crate::dsp::resample::fractional_delay;

const DURATION: usize = 96_000;

/// The loopback's recording of an undisturbed take, digital.
fn undisturbed(code: &Code) -> Vec<f32> {
    code.samples()[LEAD..LEAD + DURATION + AFTER].to_vec()
}

/// The recording of a stream that `disturb` changed, cut to the take and what is recorded beyond it.
fn disturbed(code: &Code, disturb: impl FnOnce(&mut Vec<f32>)) -> Vec<f32> {
    let mut stream = code.samples()[LEAD..].to_vec();
    disturb(&mut stream);
    // As long as a bench waits for the code to come back.
    let long = DURATION + 8_192;
    let after = if is_code_at_the_end(code, &stream[..DURATION + AFTER]) { DURATION + AFTER } else { long };
    stream.truncate(after);
    stream
}

/// A cable between converters: gain, a band limit, noise 50 dB below the code, 16 bits.
fn through_a_cable(digital: &[f32], seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let (mut before, mut noise) = (0.0, 0.0);
    let sample = |x: &f32| {
        let now = f64::from(*x);
        let limited = 0.35f64.mul_add(before, 0.65 * now);
        before = now;
        noise = random.normal_pair().0 * PEAK / 3f64.sqrt() * 10f64.powf(-50.0 / 20.0);
        let sum = 0.5 * limited + noise;
        ((sum * 32_768.0).round() / 32_768.0) as f32
    };
    digital.iter().map(sample).collect()
}

#[test]
fn a_whole_take_has_no_breaks() {
    let code = Code::new(1, DURATION as Frame);
    let evidence = examine(&code, &undisturbed(&code), DURATION as Frame);
    assert_eq!(evidence, Evidence { drift_uncertainty_ppm: Some(0.0), ..Evidence::default() });
    let analog = examine(&code, &through_a_cable(&undisturbed(&code), 2), DURATION as Frame);
    assert!(analog.breaks.is_empty(), "{analog:?}");
    assert!(analog.drift_ppm.abs() < 0.1, "{analog:?}");
}

#[test]
fn the_start_of_the_take_is_found_whatever_the_offset() {
    let code = Code::new(3, 48_000);
    for offset in [0, 1, 479, 5_000, 100_000] {
        let mut recording = vec![0.0; offset];
        recording.extend_from_slice(code.samples());
        assert_eq!(find(&code, &recording[..SEARCH_MAX.min(recording.len())]), Some(offset + LEAD));
        let analog = through_a_cable(&recording, 4);
        assert_eq!(find(&code, &analog), Some(offset + LEAD), "analog, {offset}");
        let inverted: Vec<f32> = recording.iter().map(|x| -x).collect();
        assert_eq!(find(&code, &inverted), Some(offset + LEAD), "inverted, {offset}");
    }
}

#[test]
fn what_is_no_code_is_not_found() {
    let code = Code::new(5, 48_000);
    assert_eq!(find(&code, &vec![0.0; SEARCH_MAX]), None);
    assert_eq!(find(&code, Code::new(6, 48_000 + SEARCH_MAX as Frame).samples()), None);
    assert_eq!(find(&code, &[0.5; 100]), None);
}

/// Puts one break of every kind into a stream; gives what must be found.
fn put(stream: &mut Vec<f32>, kind: u64, at: usize, frames: usize, random: &mut Random) -> Break {
    let (count, place) = (frames as u64, at as Frame);
    match kind {
        0 => {
            stream.drain(at..at + frames);
            Break { at: place, lost: count, repeated: 0 }
        }
        1 => {
            let again = stream[at - frames..at].to_vec();
            stream.splice(at..at, again);
            Break { at: place, lost: 0, repeated: count }
        }
        2 => {
            let strange = (0..frames).map(|_| (random.uniform() - 0.5) as f32);
            let strange: Vec<f32> = strange.collect();
            stream.splice(at..at, strange);
            Break { at: place, lost: 0, repeated: count }
        }
        _ => {
            stream[at..at + frames].fill(0.0);
            Break { at: place, lost: count, repeated: count }
        }
    }
}

#[test]
fn every_break_is_located_to_the_frame_through_a_digital_loopback() {
    let mut random = Random::new(7);
    let code = Code::new(8, DURATION as Frame);
    for case in 0..200 {
        let kind = case % 4;
        // Short ones as often as long ones, and places up to the last frame of the take.
        let frames = 2f64.powf(12.0 * random.uniform()) as usize;
        let first = if kind == 1 { frames as u64 } else { 0 };
        let at = (first + random.bits() % (DURATION as u64 - first)) as usize;
        let mut wanted = Break { at: 0, lost: 0, repeated: 0 };
        let recording = disturbed(&code, |stream| wanted = put(stream, kind, at, frames, &mut random));
        assert_eq!(examine(&code, &recording, DURATION as Frame).breaks, [wanted], "case {case}");
    }
}

#[test]
fn a_single_wrong_frame_is_a_break() {
    let code = Code::new(9, DURATION as Frame);
    for (kind, lost, repeated) in [(0, 1, 0), (1, 0, 1), (2, 0, 1), (3, 1, 1)] {
        let recording = disturbed(&code, |stream| {
            put(stream, kind, 50_000, 1, &mut Random::new(10));
        });
        let breaks = examine(&code, &recording, DURATION as Frame).breaks;
        assert_eq!(breaks, [Break { at: 50_000, lost, repeated }], "kind {kind}");
    }
}

#[test]
fn breaks_at_the_edges_and_close_together_are_counted() {
    let code = Code::new(11, DURATION as Frame);
    let first = disturbed(&code, |stream| drop(stream.drain(..480)));
    assert_eq!(examine(&code, &first, DURATION as Frame).breaks, [Break { at: 0, lost: 480, repeated: 0 }]);
    let last = disturbed(&code, |stream| drop(stream.drain(DURATION - 100..DURATION + 380)));
    assert_eq!(
        examine(&code, &last, DURATION as Frame).breaks,
        [Break { at: DURATION as u64 - 100, lost: 480, repeated: 0 }]
    );
    let several = disturbed(&code, |stream| {
        for at in [20_000, 21_440, 22_880] {
            stream.drain(at..at + 480);
        }
    });
    let wanted = [20_000, 21_440, 22_880].map(|at| Break { at, lost: 480, repeated: 0 });
    assert_eq!(examine(&code, &several, DURATION as Frame).breaks, wanted);
}

#[test]
fn a_loopback_that_dies_is_lost_from_there_on() {
    let code = Code::new(12, DURATION as Frame);
    let mut recording = undisturbed(&code);
    recording[30_000..].fill(0.0);
    let rest = (DURATION + AFTER - 30_000) as u64;
    assert_eq!(
        examine(&code, &recording, DURATION as Frame).breaks,
        [Break { at: 30_000, lost: rest, repeated: rest }]
    );
}

#[test]
fn breaks_of_a_buffer_are_found_through_a_cable_too() {
    let mut random = Random::new(13);
    let code = Code::new(14, DURATION as Frame);
    for case in 0..40u64 {
        let frames = 64 + (random.bits() % 4_096) as usize;
        let at = 5_000 + (random.bits() % (DURATION as u64 - 15_000)) as usize;
        let mut wanted = Break { at: 0, lost: 0, repeated: 0 };
        let recording = disturbed(&code, |stream| wanted = put(stream, case % 4, at, frames, &mut random));
        let breaks = examine(&code, &through_a_cable(&recording, case), DURATION as Frame).breaks;
        let lost: u64 = breaks.iter().map(|one| one.lost).sum();
        let repeated: u64 = breaks.iter().map(|one| one.repeated).sum();
        // One coefficient explains four fifths of what this cable delivers, so a frame tells right from wrong with a
        // fifth of the code's energy as noise: the edges of what was put in are clear to a third of a millisecond.
        let near = |found: u64, wanted: u64| found.abs_diff(wanted) <= 16;
        assert!(!breaks.is_empty(), "case {case}: {wanted:?} not found");
        assert!(
            near(lost, wanted.lost) && near(repeated, wanted.repeated),
            "case {case}: {wanted:?}, {breaks:?}"
        );
        assert!(near(breaks[0].at, wanted.at), "case {case}: {wanted:?}, {breaks:?}");
    }
}

#[test]
fn a_drifting_clock_is_measured_and_is_no_break() {
    let code = Code::new(15, DURATION as Frame);
    let stream = widened(&code.samples()[LEAD - 200..]);
    for ppm in [-80.0, -7.0, 20.0, 150.0] {
        // The capture clock is faster by `ppm`: frame n arrives at n·(1 + ppm·1e-6).
        let block = 480;
        let mut recording = Vec::new();
        for start in (0..DURATION).step_by(block) {
            // Piecewise constant delay, 480 · 150 ppm = 0.07 frames a step: far below what is measured over a take.
            let delay = (start + block / 2) as f64 * ppm * 1e-6;
            let from = 200 + start - 100;
            let piece = fractional_delay(&stream[from..from + block + 200], delay);
            recording.extend(piece[100..100 + block].iter().map(|x| *x as f32));
        }
        let evidence = examine(&code, &recording, DURATION as Frame);
        assert!(evidence.breaks.is_empty(), "{ppm}: {evidence:?}");
        // What is told of its uncertainty holds.
        let uncertainty_ppm = evidence.drift_uncertainty_ppm.unwrap();
        assert!((evidence.drift_ppm - ppm).abs() < uncertainty_ppm.min(0.5), "{ppm}: {evidence:?}");
        assert!(evidence.drifted(DURATION as Frame), "{ppm}: {evidence:?}");
        assert!(evidence.is_correctable(DURATION as Frame), "{ppm}: {evidence:?}");
    }
}

#[test]
fn a_rest_between_frames_is_stated() {
    let code = Code::new(16, DURATION as Frame);
    let late = fractional_delay(&widened(&code.samples()[LEAD - 200..]), 0.37);
    let recording: Vec<f32> = late[200..200 + DURATION].iter().map(|x| *x as f32).collect();
    let evidence = examine(&code, &recording, DURATION as Frame);
    assert!(evidence.breaks.is_empty(), "{evidence:?}");
    assert!((evidence.rest_frames - 0.37).abs() < 0.02, "{evidence:?}");
    assert!(evidence.drift_ppm.abs() < 0.1 && !evidence.drifted(DURATION as Frame), "{evidence:?}");
}

#[test]
fn a_clock_that_bends_or_is_far_off_is_not_corrected() {
    let duration = DURATION as Frame;
    let good = Evidence {
        drift_ppm: 150.0,
        drift_uncertainty_ppm: Some(0.2),
        deviation_frames: 0.03,
        ..Evidence::default()
    };
    assert!(good.drifted(duration) && good.is_correctable(duration));
    for bad in [
        Evidence { drift_ppm: -200.5, ..good.clone() },
        Evidence { deviation_frames: 0.09, ..good.clone() },
        Evidence { drift_uncertainty_ppm: Some(0.8), ..good.clone() },
        Evidence { drift_uncertainty_ppm: None, ..good.clone() },
        Evidence { breaks: vec![Break { at: 0, lost: 1, repeated: 0 }], ..good.clone() },
    ] {
        assert!(bad.drifted(duration) && !bad.is_correctable(duration), "{bad:?}");
    }
}

#[test]
fn a_break_says_what_and_where() {
    let said = |lost, repeated| Break { at: 24_000, lost, repeated }.to_string();
    assert_eq!(said(480, 0), "480 lost at frame 24000 (0.5000 s)");
    assert_eq!(said(0, 480), "480 repeated or inserted at frame 24000 (0.5000 s)");
    assert_eq!(said(7, 7), "7 replaced at frame 24000 (0.5000 s)");
    assert_eq!(said(7, 9), "7 lost and 9 inserted at frame 24000 (0.5000 s)");
}
