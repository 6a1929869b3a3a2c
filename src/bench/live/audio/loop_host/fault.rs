//! What an interface does wrong.

/// What an interface does wrong. Frames are counted from the start of the capture stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopFault {
    /// Recorded frames vanish.
    Lose {
        /// The first of them.
        at: u64,
        /// How many.
        frames: usize,
    },
    /// Recorded frames come a second time.
    Repeat {
        /// Where the repetition begins.
        at: u64,
        /// How many.
        frames: usize,
    },
    /// Frames come that nobody played.
    Insert {
        /// Where they begin.
        at: u64,
        /// How many.
        frames: usize,
    },
    /// The capture clock is faster than the playback clock, from the start on.
    Drift {
        /// By how much, in thousand-millionths.
        ppb: i32,
    },
    /// The callbacks stop, and nobody says so.
    Stall {
        /// From this frame on.
        at: u64,
    },
    /// The interface is unplugged: the error callback is called again and again.
    Unplug {
        /// From this frame on.
        at: u64,
    },
    /// The sound server is killed: it reports an error of its own in a storm, and delivers nothing.
    Kill {
        /// From this frame on.
        at: u64,
    },
    /// A lost block is reported that was not lost.
    Xrun {
        /// At this frame.
        at: u64,
    },
}

/// A sample of what nobody played, between ±0.5.
pub(super) fn strange(at: u64, n: usize) -> f32 {
    let bits = (at ^ ((n as u64) << 20)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (bits >> 40) as f32 / 16_777_216.0 - 0.5
}
