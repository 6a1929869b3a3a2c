//! A call to the reference terminal: the network simulator alone, between the POI and an electrical access.
//!
//! No car takes part: what is played on `srw.send` arrives at `poi.send`, what is played on `poi.receive` arrives at
//! `srw.receive`, through codec, band limit, noise and delay of the network and nothing else: the clock of the device and its jitter buffers
//! are the device's. That is what a bench must
//! find of the network when it measures it.

use crate::bench::car::network::Channel;
use crate::bench::car::spec::CarSpec;
use crate::bench::car::stage::Block;
use crate::terms::{Direction, Port};

/// A running call to the reference terminal.
pub struct ReferenceCall {
    send: Channel,
    receive: Channel,
}

/// What a block of a reference call gives back, both digital.
pub struct Carried {
    /// At the POI, from `srw.send`.
    pub poi_send: Block,
    /// At the reference terminal, from `poi.receive`.
    pub srw_receive: Block,
}

impl ReferenceCall {
    /// A call on the network of a car; `seed` decides its noise.
    pub fn new(spec: &CarSpec, seed: u64) -> Self {
        let channel = |direction| Channel::new(&spec.network, spec.bandwidth, direction, seed, 0);
        Self { send: channel(Direction::Send), receive: channel(Direction::Receive) }
    }

    /// Carries one block in each direction.
    pub fn block(&mut self, srw_send: &Block, poi_receive: &Block) -> Carried {
        let mut carried = Carried { poi_send: *srw_send, srw_receive: *poi_receive };
        self.send.process(&mut carried.poi_send);
        self.receive.process(&mut carried.srw_receive);
        carried
    }

    /// Whether a port takes part in a call: the electrical access in reference calls only, the car in others only.
    pub fn has(port: &Port, is_reference: bool) -> bool {
        match port.name() {
            Port::POI_RECEIVE | Port::POI_SEND | Port::LOOPBACK => true,
            Port::SRW_RECEIVE | Port::SRW_SEND => is_reference,
            _ => !is_reference,
        }
    }
}
