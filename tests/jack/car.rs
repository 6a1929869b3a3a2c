//! A car of known properties as a client of a JACK server, and the serial line that turns its volume.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jack::{
    AudioIn, AudioOut, Client, ClientOptions, Control, Port as JackPort, ProcessHandler, ProcessScope,
};
use lombard::bench::car::{BLOCK, BlockInputs, Car};
use lombard::terms::{Bandwidth, Seat};
use serialport::{SerialPort, TTYPort};

/// Full scale of the acoustic ports, as on the rig of the virtual car: 30 dBPa.
const FULL_SCALE_DBPA: f32 = 30.0;
/// What full scale on a loudspeaker of the noise makes, everywhere.
pub(super) const NOISE_FULL_SCALE_DBPA: f32 = 20.0;

/// A car between ports of the server.
struct Behind {
    ins: [JackPort<AudioIn>; 8],
    outs: [JackPort<AudioOut>; 6],
    car: Arc<Mutex<Car>>,
    /// The second line of the network, which ends at an access and not at the car: send and receive.
    line: [Line; 2],
}

/// A network that only delays, as that of the car: 20 ms.
struct Line(VecDeque<f32>);

impl Line {
    fn carry(&mut self, block: &[f32; BLOCK]) -> [f32; BLOCK] {
        self.0.extend(block);
        std::array::from_fn(|_| self.0.pop_front().unwrap())
    }
}

/// Mouth, network, access behind it, then the loudspeakers of the background noise.
const CAR_INS: [&str; 8] =
    ["mouth", "receive", "access_send", "noise_1", "noise_2", "noise_3", "noise_4", "noise_sub"];
const CAR_OUTS: [&str; 6] = ["send", "left", "right", "reference", "mrp", "access_receive"];

impl ProcessHandler for Behind {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        let full_pa = 10f32.powf(FULL_SCALE_DBPA / 20.0);
        let noise_full_pa = 10f32.powf(NOISE_FULL_SCALE_DBPA / 20.0);
        let mut car = self.car.lock().unwrap();
        for at in (0..scope.n_frames() as usize).step_by(BLOCK) {
            let heard = |port: &JackPort<AudioIn>| -> [f32; BLOCK] {
                port.as_slice(scope)[at..at + BLOCK].try_into().unwrap()
            };
            let mouth = heard(&self.ins[0]).map(|x| x * full_pa);
            let inputs = BlockInputs {
                mouths: vec![(Seat::Driver, mouth)],
                receive: heard(&self.ins[1]),
                ambient: self.ins[3..].iter().fold([0.0; BLOCK], |sum, port| {
                    let played = heard(port);
                    std::array::from_fn(|n| sum[n] + noise_full_pa * played[n])
                }),
                ..BlockInputs::default()
            };
            let carried = [heard(&self.ins[2]), inputs.receive];
            let [from_access, at_access] = std::array::from_fn(|n| self.line[n].carry(&carried[n]));
            let mut heard = car.block(&inputs).unwrap();
            heard.poi_send.iter_mut().zip(from_access).for_each(|(sum, x)| *sum += x);
            let pressure = |block: [f32; BLOCK]| block.map(|x| x / full_pa);
            let [left, right] = heard.ears[0].1;
            let all = [
                heard.poi_send,
                pressure(left),
                pressure(right),
                pressure(heard.reference),
                pressure(mouth),
                at_access,
            ];
            for (port, block) in self.outs.iter_mut().zip(all) {
                port.as_mut_slice(scope)[at..at + BLOCK].copy_from_slice(&block);
            }
        }
        Control::Continue
    }
}

/// Puts a car between ports, in a call that never ends.
pub(super) fn car_behind_ports(car: &Arc<Mutex<Car>>) -> impl Sized + use<> {
    let (client, _) = Client::new("car", ClientOptions::NO_START_SERVER).unwrap();
    let ins = CAR_INS.map(|name| client.register_port(name, AudioIn::default()).unwrap());
    let line = [(); 2].map(|()| Line(vec![0.0; 2 * BLOCK].into()));
    let outs = CAR_OUTS.map(|name| client.register_port(name, AudioOut::default()).unwrap());
    client.activate_async((), Behind { ins, outs, car: Arc::clone(car), line }).unwrap()
}

/// Takes time in every period, as real hardware does.
struct Brake(Duration);

impl ProcessHandler for Brake {
    fn process(&mut self, _: &Client, _: &ProcessScope) -> Control {
        std::thread::sleep(self.0);
        Control::Continue
    }
}

/// A client that holds a server up in every period: one that freewheels has no clock, and runs away from everything that has
/// to reach a disk.
pub(super) fn brake(each: Duration) -> impl Sized {
    let (client, _) = Client::new("brake", ClientOptions::NO_START_SERVER).unwrap();
    client.activate_async((), Brake(each)).unwrap()
}

/// The serial line of the rig: it calls the car anew, and turns its volume and the panel. Ends with the process.
pub(super) fn rig_of(car: &Arc<Mutex<Car>>) -> String {
    let (mut device, port) = TTYPort::pair().unwrap();
    let path = port.name().unwrap();
    device.set_timeout(Duration::from_millis(20)).unwrap();
    let car = Arc::clone(car);
    std::thread::spawn(move || {
        let _keeps_it_open = port;
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            if device.read(&mut byte).unwrap_or(0) == 0 {
                std::thread::sleep(Duration::from_millis(1));
            } else if byte == *b"\n" {
                let text = String::from_utf8(std::mem::take(&mut line)).unwrap();
                let mut car = car.lock().unwrap();
                if let Some(step) = text.trim().strip_prefix("VOLUME ") {
                    car.set_volume(step.parse().unwrap()).unwrap();
                } else if text.trim() == "CALL" {
                    car.open(Bandwidth::Wb, 0).unwrap();
                } else {
                    car.turn_reflector(text.trim() == "TURN").unwrap();
                }
                device.write_all(b"OK\r\n").unwrap();
            } else {
                line.push(byte[0]);
            }
        }
    });
    path
}
