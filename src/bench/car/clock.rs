//! The clock of the device, and the jitter buffers on both ends of its link.
//!
//! The device's converters run on a clock of their own, some ppm off that of the bench and its network simulator. What it
//! sends comes out of the simulator at the simulator's pace: with a clock that is fast by p, a sound at the time t is heard
//! at (1 + p)·t and a constant. In receive it is played at the device's pace: the delay shrinks by p·t. Both directions
//! together keep their delay, since the echo goes both ways through one clock.
//!
//! A jitter buffer holds what comes too early. When the clocks have used it up on one side, it is set back to its middle:
//! the delay jumps by its length. Other jumps have their times in the file, for what a network does. Longer by a jump
//! means that the last samples are heard once more, shorter that samples are never heard.
//!
//! Times are those of the call at the end of the link: at the POI in send, at the terminal's input in receive. Without a
//! clock of its own and without jumps there is no buffer, and not a bit is changed.

use std::sync::LazyLock;

use crate::bench::car::BLOCK;
use crate::bench::car::RATE_HZ;
use crate::bench::car::stage::{Block, samples};
use crate::dsp::filter::{kaiser, kaiser_beta};
use crate::take::Frame;
use crate::terms::Direction;

/// How far the clocks may carry the delay from the middle of the buffer before it is set back: 5 ms, so that a jump has the
/// 10 ms of half a packet of 20 ms. A choice of the project; real buffers differ.
pub const REACH_S: f64 = 0.005;
/// No crystal of a product is farther off.
pub const OFFSET_LIMIT_PPM: f64 = 200.0;

/// The link's clock and its jumps.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clock {
    /// By how much the device's clock is fast against the bench's, in ppm.
    pub offset_ppm: f64,
    /// When the delay in send jumps.
    pub jumps_send: Vec<Jump>,
    /// When the delay in receive jumps.
    pub jumps_receive: Vec<Jump>,
}

/// A jump of a delay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jump {
    /// In the call, in seconds from its set-up on.
    pub at_s: f64,
    /// By how much the delay is longer from then on, in seconds; negative is shorter.
    pub by_s: f64,
}

impl Clock {
    /// The jumps of a direction.
    pub fn jumps(&self, direction: Direction) -> &[Jump] {
        match direction {
            Direction::Send => &self.jumps_send,
            Direction::Receive => &self.jumps_receive,
        }
    }

    /// What the buffer of a direction needs of the declared delay, in samples: it can only give back what it holds.
    pub fn held(&self, direction: Direction) -> usize {
        let (mut sum, mut least) = (0i64, 0i64);
        for jump in self.jumps(direction) {
            sum += whole(jump.by_s);
            least = least.min(sum);
        }
        let drifts = if self.offset_ppm == 0.0 { 0 } else { samples(REACH_S) + HALF };
        drifts + least.unsigned_abs() as usize
    }
}

fn whole(seconds: f64) -> i64 {
    (seconds * RATE_HZ).round() as i64
}

/// Half the taps of the interpolation.
const HALF: usize = 24;
/// Positions between two samples that are tabulated; between them it is a straight line, 100 dB down.
const PHASES: usize = 512;

/// Windowed sinc, `PHASES + 1` rows of `2·HALF` taps: flat to 0.001 dB up to 20 kHz.
static KERNEL: LazyLock<Vec<[f32; 2 * HALF]>> = LazyLock::new(|| {
    let beta = kaiser_beta(90.0);
    let tap = |phase: usize, k: usize| {
        // The sample k lies this far from the wanted position.
        let x = k as f64 - (HALF as f64 - 1.0) - phase as f64 / PHASES as f64;
        let sinc = if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
        (sinc * kaiser(x / HALF as f64, beta)) as f32
    };
    (0..=PHASES).map(|phase| std::array::from_fn(|k| tap(phase, k))).collect()
});

/// A running buffer.
pub struct Buffer {
    ring: Vec<f32>,
    /// Frames that have passed.
    at: Frame,
    /// What it holds when nothing has happened yet.
    held: i64,
    /// By how much the delay grows with each frame.
    slope: f64,
    /// Half its length in frames.
    reach: f64,
    /// From which frame on the delay is longer by how many frames in all.
    jumps: Vec<(Frame, i64)>,
}

impl Buffer {
    /// The buffer of a direction at the beginning of a call; `None` where there is nothing to do.
    pub fn new(clock: &Clock, direction: Direction) -> Option<Self> {
        let offset = clock.offset_ppm * 1e-6;
        if offset == 0.0 && clock.jumps(direction).is_empty() {
            return None;
        }
        let slope = match direction {
            Direction::Send => offset / (1.0 + offset),
            Direction::Receive => -offset,
        };
        let mut sum = 0;
        let jumps: Vec<(Frame, i64)> = clock
            .jumps(direction)
            .iter()
            .map(|jump| {
                sum += whole(jump.by_s);
                (samples(jump.at_s) as Frame, sum)
            })
            .collect();
        let held = clock.held(direction) as i64;
        let longest = jumps.iter().map(|(_, sum)| *sum).max().unwrap_or(0).max(0);
        let length = held + longest + whole(REACH_S) + (BLOCK + 2 * HALF) as i64;
        Some(Self { ring: vec![0.0; length as usize], at: 0, held, slope, reach: REACH_S * RATE_HZ, jumps })
    }

    /// The delay at a frame, in frames.
    fn delay(&self, at: Frame) -> f64 {
        let jumped = self.jumps.iter().rev().find(|(from, _)| *from <= at).map_or(0, |(_, sum)| *sum);
        let drifted = self.slope * at as f64;
        let turns = (drifted / (2.0 * self.reach)).round();
        (self.held + jumped) as f64 + drifted - 2.0 * self.reach * turns
    }

    /// Carries one block, in place.
    pub fn process(&mut self, block: &mut Block) {
        let length = self.ring.len() as i64;
        let first = self.at;
        for (n, sample) in (first..).zip(block.iter()) {
            self.ring[(n as i64 % length) as usize] = *sample;
        }
        for (n, sample) in (first..).zip(block.iter_mut()) {
            let position = n as f64 - self.delay(n);
            let whole = position.floor();
            let between = position - whole;
            let held = |at: i64| if at < 0 { 0.0 } else { self.ring[(at % length) as usize] };
            *sample = if between == 0.0 {
                held(whole as i64)
            } else {
                let phase = between * PHASES as f64;
                let (row, rest) = (phase as usize, phase.fract() as f32);
                let (low, high) = (&KERNEL[row], &KERNEL[row + 1]);
                let from = whole as i64 - HALF as i64 + 1;
                let taps = low.iter().zip(high).map(|(low, high)| low + rest * (high - low));
                (from..).zip(taps).map(|(at, tap)| tap * held(at)).sum()
            };
        }
        self.at += BLOCK as Frame;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(clock: &Clock, direction: Direction, input: impl Fn(usize) -> f32, blocks: usize) -> Vec<f32> {
        let mut buffer = Buffer::new(clock, direction).unwrap();
        let mut out = Vec::new();
        for at in 0..blocks {
            let mut block: Block = std::array::from_fn(|n| input(at * BLOCK + n));
            buffer.process(&mut block);
            out.extend_from_slice(&block);
        }
        out
    }

    #[test]
    fn a_clock_that_is_off_turns_a_tone_by_as_many_ppm() {
        for offset_ppm in [-200.0, -100.0, -20.0, 20.0, 100.0, 200.0] {
            for (direction, ratio) in [
                (Direction::Send, 1.0 / (1.0 + offset_ppm * 1e-6)),
                (Direction::Receive, 1.0 + offset_ppm * 1e-6),
            ] {
                for hz in [300.0, 3_000.0, 19_000.0] {
                    let clock = Clock { offset_ppm, ..Clock::default() };
                    let step = std::f64::consts::TAU * hz / RATE_HZ;
                    let out = run(&clock, direction, |n| (step * n as f64).cos() as f32, 200);
                    // 2 s, in which no buffer runs over.
                    let held = clock.held(direction) as f64;
                    for (n, x) in out.iter().enumerate().skip(4_800) {
                        let expected = (step * (ratio * n as f64 - held)).cos();
                        assert!((f64::from(*x) - expected).abs() < 1e-3, "{offset_ppm} {direction} {hz} {n}");
                    }
                }
            }
        }
    }

    #[test]
    fn both_directions_of_one_clock_keep_the_echo_where_it_is() {
        let clock = Clock { offset_ppm: 150.0, ..Clock::default() };
        let (mut there, mut back) =
            (Buffer::new(&clock, Direction::Receive).unwrap(), Buffer::new(&clock, Direction::Send).unwrap());
        for at in [0, 48_000, 480_000] {
            assert!((there.delay(at) + back.delay(at) - 2.0 * there.held as f64).abs() < 0.02);
        }
        let mut out = Vec::new();
        for at in 0..100 {
            let mut block: Block = std::array::from_fn(|n| ((at * BLOCK + n) as f32 * 0.1).sin());
            there.process(&mut block);
            back.process(&mut block);
            out.extend_from_slice(&block);
        }
        let held = 2 * there.held as usize;
        for (n, x) in out.iter().enumerate().skip(4_800) {
            assert!((x - ((n - held) as f32 * 0.1).sin()).abs() < 6e-3, "{n}");
        }
    }

    #[test]
    fn jumps_come_at_their_frame_and_by_as_much_as_they_say() {
        let jump = |at_s, by_s| Jump { at_s, by_s };
        let clock = Clock {
            jumps_send: vec![jump(0.1, 0.02), jump(0.2, -0.03), jump(0.3, 0.005)],
            ..Clock::default()
        };
        // It holds what it must give back: 20 ms more, then 10 ms less than at first.
        assert_eq!(clock.held(Direction::Send), 480);
        assert!(Buffer::new(&clock, Direction::Receive).is_none());
        let out = run(&clock, Direction::Send, |n| n as f32 + 1.0, 40);
        for (at, delay) in
            [(479, 480), (4_799, 480), (4_800, 1_440), (9_599, 1_440), (9_600, 0), (14_400, 240)]
        {
            assert_eq!(out[at], (at as f32 + 1.0 - delay as f32).max(0.0), "{at}");
        }
    }

    #[test]
    fn a_buffer_that_runs_over_is_set_back_to_its_middle() {
        let clock = Clock { offset_ppm: 200.0, ..Clock::default() };
        let buffer = Buffer::new(&clock, Direction::Send).unwrap();
        let held = buffer.held as f64;
        // 5 ms at 200 ppm are 25 s.
        let seconds = |at: f64| buffer.delay((at * RATE_HZ) as Frame) - held;
        assert!((seconds(24.9) - 239.0).abs() < 0.1, "{}", seconds(24.9));
        assert!((seconds(25.1) + 239.0).abs() < 0.1, "{}", seconds(25.1));
        assert!(seconds(50.0).abs() < 0.1);
        for at in 0..3_000 {
            assert!(seconds(f64::from(at)).abs() <= 240.0);
        }
    }

    /// The ideal car with keys added to its network.
    fn read(network: &str) -> Result<Clock, Vec<crate::problem::Problem>> {
        let path = format!("{}/test-plans/cars/ideal-wb.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the car file exists");
        let text = text.replace("[network]", &format!("[network]\n{network}"));
        let car = crate::bench::car::file::read_car(&crate::problem::SourceText::new("car", text));
        car.map(|car| car.network.clock)
    }

    #[test]
    fn a_car_file_states_clock_and_jumps_of_its_link() {
        assert_eq!(read("").unwrap(), Clock::default());
        let clock = read(
            "clock_ppm = -80\njumps_send_s_ms = [[12.5, 20], [30, -15]]\njumps_receive_s_ms = [[5, -1.5]]",
        )
        .unwrap();
        let jump = |at_s, by_s| Jump { at_s, by_s };
        assert_eq!(clock.offset_ppm, -80.0);
        assert_eq!(clock.jumps_send, [jump(12.5, 0.02), jump(30.0, -0.015)]);
        assert_eq!(clock.jumps_receive, [jump(5.0, -0.0015)]);
    }

    #[test]
    fn what_no_link_has_is_reported_with_its_place() {
        for (network, expected) in [
            ("clock_ppm = 250", "'clock_ppm' is out of range"),
            ("clock_ppm = \"20 ppm\"", "clock_ppm"),
            ("jumps_send_s_ms = [[3, 20], [1, -20]]", "'jumps_send_s_ms' are no jumps"),
            ("jumps_receive_s_ms = [[3, 900]]", "'jumps_receive_s_ms' are no jumps"),
            ("jumps_receive_s_ms = 3", "jumps_receive_s_ms"),
            // 20 ms of delay cannot become 30 ms shorter.
            ("jumps_send_s_ms = [[3, -30]]", "jitter buffer"),
        ] {
            let problems = read(network).unwrap_err();
            let text = format!("{:?}", problems[0]);
            assert!(problems.len() == 1 && text.contains(expected), "{network}: {problems:#?}");
        }
    }
}
