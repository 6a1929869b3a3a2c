//! An interface that records on a clock of its own: a faster one makes more frames of the same sound.
//!
//! What arrives on the clock that plays is read between its frames by a sinc under the window (1 − u²)⁴, evaluated anew for
//! every frame. Slow, and nothing that the bench corrects with.

/// Frames that are needed on either side of a place.
const HALF: usize = 64;

/// The clock of the capture stream.
pub(super) struct Drift {
    width: usize,
    /// Frames of playback in a frame of capture.
    step: f64,
    /// Interleaved frames that arrived, the first of them [`HALF`] before the place when the place is 0.
    arrived: Vec<f32>,
    /// The next place, in frames after `HALF` frames of `arrived`.
    place: f64,
}

impl Drift {
    /// A clock that is faster than the one that plays by some thousand-millionths.
    pub(super) fn new(ppb: i32, width: usize) -> Self {
        Self {
            width,
            step: 1.0 / (1.0 + f64::from(ppb) * 1e-9),
            arrived: vec![0.0; HALF * width],
            place: 0.0,
        }
    }

    /// Takes in interleaved frames on the clock that plays; gives those of the other clock that they complete.
    pub(super) fn recorded(&mut self, frames: &[f32]) -> Vec<f32> {
        self.arrived.extend_from_slice(frames);
        let count = self.arrived.len() / self.width;
        let mut out = Vec::with_capacity(frames.len() + self.width);
        while self.place as usize + 2 * HALF < count {
            let first = self.place as usize;
            let weights = weights(self.place - first as f64);
            let around = &self.arrived[first * self.width..(first + 2 * HALF) * self.width];
            for lane in 0..self.width {
                let samples = around.iter().skip(lane).step_by(self.width);
                let sum: f64 = samples.zip(&weights).map(|(x, weight)| f64::from(*x) * weight).sum();
                out.push(sum as f32);
            }
            self.place += self.step;
        }
        let done = self.place as usize;
        self.arrived.drain(..done * self.width);
        self.place -= done as f64;
        out
    }
}

/// The weights of 2·HALF frames for a place that is `part` after the frame `HALF` of them.
fn weights(part: f64) -> [f64; 2 * HALF] {
    let sine = (std::f64::consts::PI * part).sin() / std::f64::consts::PI;
    std::array::from_fn(|n| {
        let away = n as f64 - HALF as f64 - part;
        let sinc = if away.abs() < 1e-12 {
            1.0
        } else {
            // sin(π·away) of whole frames and a part.
            let sign = if (n + HALF).is_multiple_of(2) { -1.0 } else { 1.0 };
            sign * sine / away
        };
        let part_of_window = away / HALF as f64;
        sinc * (1.0 - part_of_window * part_of_window).max(0.0).powi(4)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_clock_hears_the_same_sound_at_other_places() {
        for ppb in [200_000, -200_000, 12_345, 0] {
            let mut drift = Drift::new(ppb, 2);
            let tone = |at: f64, hz: f64| (std::f64::consts::TAU * hz * at / 48_000.0).sin();
            let mut heard = Vec::new();
            for block in 0..400 {
                let frames = (0..480).map(|n| f64::from(block * 480 + n));
                let frames: Vec<f32> =
                    frames.flat_map(|at| [tone(at, 997.0) as f32, tone(at, 20_000.0) as f32]).collect();
                heard.extend(drift.recorded(&frames));
            }
            let step = 1.0 / (1.0 + f64::from(ppb) * 1e-9);
            for (n, frame) in heard.chunks_exact(2).enumerate().skip(200) {
                let at = n as f64 * step;
                let wanted = [tone(at, 997.0), tone(at, 20_000.0)];
                for (x, wanted) in frame.iter().zip(wanted) {
                    // Window of 128 frames: 70 dB at 20 kHz, and single precision.
                    assert!((f64::from(*x) - wanted).abs() < 3e-4, "{ppb}, frame {n}: {x} {wanted}");
                }
            }
            let expected = (400.0 * 480.0 - HALF as f64) / step;
            assert!((heard.len() as f64 / 2.0 - expected).abs() < 2.0, "{}", heard.len());
        }
    }
}
