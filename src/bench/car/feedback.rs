//! The far end as a loop: what arrives at the POI in send goes back into the network in receive, softer and without delay.
//!
//! A car runs in blocks of 10 ms, and a block that is sent is known only when the one that is received has been heard. What
//! makes the loop's own delay 0 all the same is the delay that the network declares:
//!
//! - The last stage of send is a line of delay. What comes out of it next is decided before it comes: as many samples ahead
//!   as the line is long.
//! - Where that is less than a block, as behind a codec that takes most of the delay for itself, the last stage of receive is
//!   made shorter by the rest of the block, and what is played at the POI waits as much longer before the network: it
//!   arrives when it always did, and what is looped arrives as if it had been there in time. When the loop is closed first, what
//!   is on its way in receive loses as many samples, once.
//!
//! A network whose lines are shorter than a block in all, or with jitter buffers in send and a line of less than a block,
//! has no loop: a delay of the loop's own would be another test. The line of the network holds no more than full scale:
//! a loop that howls saturates there.

use crate::bench::car::spec::{CarSpec, NetworkSpec};
use crate::bench::car::stage::{Block, DelayLine, SILENCE};
use crate::bench::car::{BLOCK, Call, Car, CarError, RATE_HZ, network};
use crate::take::Frame;
use crate::terms::{Bandwidth, Direction};

/// A loop that was closed once.
pub(super) struct Feedback {
    /// The factor; `None` while it is open.
    gain: Option<f32>,
    /// What is played, as much later as the network is shorter.
    played: DelayLine,
    /// The block that was sent last.
    sent: Block,
}

impl Feedback {
    /// A loop that needs `early` samples of the delay in receive.
    pub(super) fn new(early: usize) -> Self {
        Self { gain: None, played: DelayLine::new(early), sent: SILENCE }
    }

    /// What the network gets of a block that is played, when the next samples that are sent are `coming`: both as they
    /// were `early` samples ago.
    pub(super) fn incoming(&mut self, played: &Block, coming: &Block) -> Block {
        let early = self.played.samples();
        let mut block = *played;
        self.played.process(&mut block);
        let Some(gain) = self.gain else { return block };
        let sent = self.sent[BLOCK - early..].iter().chain(coming);
        for (sample, sent) in block.iter_mut().zip(sent) {
            *sample = (*sample + gain * sent).clamp(-1.0, 1.0);
        }
        block
    }

    /// What is at the POI in receive while a block is sent, in time.
    pub(super) fn at_poi(&mut self, played: &Block, sent: &Block) -> Block {
        self.sent = *sent;
        let Some(gain) = self.gain else { return *played };
        std::array::from_fn(|at| (played[at] + gain * sent[at]).clamp(-1.0, 1.0))
    }
}

/// How many samples of the delay in receive a loop without delay needs; or how many of both delays are left for it, where
/// they are too few.
pub(super) fn early(spec: &NetworkSpec, bandwidth: Bandwidth) -> Result<usize, usize> {
    let rest = |direction| network::rest(spec, bandwidth, direction, spec.clock.held(direction));
    let (ahead, behind) = (rest(Direction::Send), rest(Direction::Receive));
    let early = BLOCK.saturating_sub(ahead);
    // A jitter buffer turns whole blocks of what the line holds into what is sent.
    let has_buffer = spec.clock.offset_ppm != 0.0 || !spec.clock.jumps(Direction::Send).is_empty();
    if early > behind || has_buffer && early > 0 { Err(ahead + behind) } else { Ok(early) }
}

/// Samples as milliseconds, for an error.
pub(super) fn ms(samples: usize) -> f64 {
    samples as f64 / RATE_HZ * 1e3
}

/// Whether the far end of a car's calls can be a loop without delay.
pub fn is_possible(spec: &CarSpec) -> bool {
    early(&spec.network, spec.bandwidth).is_ok()
}

impl Car {
    /// Lets what is sent be received too, times a factor, from the next block on; `None` opens the loop.
    ///
    /// # Errors
    /// When no call is open, or the network leaves no room for a loop without delay.
    pub fn set_loop(&mut self, gain: Option<f32>) -> Result<(), CarError> {
        let spec = &self.model.spec;
        let early = early(&spec.network, spec.bandwidth)
            .map_err(|left| CarError::Loop { car: spec.name.clone(), left })?;
        let call = self.call.as_mut().ok_or(CarError::NoCall)?;
        if call.feedback.is_none() {
            call.network_receive.shorten(early);
            call.feedback = Some(Feedback::new(early));
        }
        if let Some(feedback) = &mut call.feedback {
            feedback.gain = gain;
        }
        Ok(())
    }

    /// Hangs up and calls again, at the volume of the call's beginning: cold canceller, empty lines, an open loop, and noises
    /// that follow from the frame of the epoch at which that is. The background noise goes on, and a panel stays where it is.
    ///
    /// # Errors
    /// When no call is open, or the terminal is a program and failed.
    pub fn call_again(&mut self, at: Frame) -> Result<(), CarError> {
        self.settle()?;
        let call = self.call.as_mut().ok_or(CarError::NoCall)?;
        // The seeds of two calls of an epoch must differ, and be the same when it is taken up again: by the frame, spread over
        // all bits by the golden ratio.
        let seed = self.seed ^ (at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = Call::new(&self.model, call.volume_step, seed);
        next.is_up = call.is_up;
        next.bed = call.bed.take();
        next.reflector = call.reflector.take();
        next.disturbance = call.disturbance.take();
        *call = next;
        Ok(())
    }
}

impl Call {
    /// What is sent next, as far as a loop needs it.
    pub(super) fn looped(&mut self) -> Option<Block> {
        self.feedback.as_ref().filter(|_| self.is_up)?;
        let mut coming = self.network_send.coming();
        if let Some(buffer) = &mut self.buffer_send {
            buffer.process(&mut coming);
        }
        Some(coming)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::car::spec::Codec;
    use crate::bench::car::tests::shipped;

    #[test]
    fn a_network_without_room_for_a_block_has_no_loop() {
        let mut car = shipped("ideal-wb");
        car.network.codec = Codec::G711A;
        // 552 samples are the codec's.
        for (send_ms, receive_ms, expected) in [
            (22.0, 11.5, Ok(0)),
            (20.0, 20.0, Ok(72)),
            (11.5, 22.0, Ok(480)),
            (15.0, 17.0, Err(432)),
            (20.0, 12.0, Err(432)),
        ] {
            car.network.delay_send_s = send_ms / 1e3;
            car.network.delay_receive_s = receive_ms / 1e3;
            assert_eq!(early(&car.network, Bandwidth::Nb), expected, "{send_ms} {receive_ms}");
        }
        assert!(!is_possible(&car));
        let mut running = Car::new(&car, 1);
        running.open(car.bandwidth, 0).unwrap();
        let told = running.set_loop(Some(0.5)).unwrap_err().to_string();
        assert!(told.contains("leave 9.0 ms") && told.contains("delay_send"), "{told}");
        // With a jitter buffer in send the whole block must be in the line of send: 22 ms are enough without one.
        (car.network.delay_send_s, car.network.delay_receive_s) = (0.022, 0.022);
        assert_eq!(early(&car.network, Bandwidth::Nb), Ok(0));
        car.network.clock.offset_ppm = 20.0;
        assert!(early(&car.network, Bandwidth::Nb).is_err());
    }
}
