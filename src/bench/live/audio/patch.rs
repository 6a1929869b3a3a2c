//! The only user of the crate `jack` beside cpal: connects the ports of a bench inside of a JACK server.
//!
//! cpal names its clients after the process and connects them to the ports `system:…` by itself. A bench connects what
//! its file says and nothing else, so those connections are taken away before the streams run.

use std::collections::BTreeSet;

use jack::{Client, ClientOptions, PortFlags};

use super::JACK;
use crate::bench::BenchError;
use crate::bench::live::spec::{Cord, Plug, StreamsSpec};

/// What this program is called at the server while it connects.
const NAME: &str = "lombard_patch";

/// The ports of a server before the streams of a bench were there.
pub(super) struct Patch {
    client: Client,
    before: BTreeSet<String>,
}

/// The ports of the streams, by what cpal calls them.
struct Own {
    ports: Vec<String>,
}

impl Own {
    /// The port of a channel, from 1.
    fn port(&self, is_output: bool, channel: u16) -> Option<&str> {
        let ending = format!(":{}_{}", if is_output { "out" } else { "in" }, channel.saturating_sub(1));
        self.ports.iter().find(|port| port.ends_with(&ending)).map(String::as_str)
    }
}

impl Patch {
    /// Looks at the server before the streams are opened; nothing where they are none of JACK's.
    pub(super) fn before(spec: &StreamsSpec<'_>) -> Result<Option<Self>, BenchError> {
        let is_ours = |id: &&str| id.split_once(':').is_some_and(|(host, _)| host == JACK);
        if spec.playback.iter().chain(&spec.capture).find(|id| is_ours(id)).is_none() {
            return Ok(None);
        }
        jack::set_logger(jack::LoggerType::None);
        let (client, _) = Client::new(NAME, ClientOptions::NO_START_SERVER).map_err(|error| {
            BenchError::AskOperator(format!(
                "no JACK server answers: {error}; start one (JACK_DEFAULT_SERVER names another than 'default') and \
                 resume the run"
            ))
        })?;
        let before = all_ports(&client);
        Ok(Some(Self { client, before }))
    }

    /// Connects the streams, which are open now, as the cords say.
    pub(super) fn connect(self, cords: &[Cord]) -> Result<(), BenchError> {
        let own = Own { ports: all_ports(&self.client).difference(&self.before).cloned().collect() };
        for name in &own.ports {
            self.cut(name);
        }
        for cord in cords {
            let one = own.port(cord.is_output, cord.channel);
            for plug in &cord.to {
                let other = match plug {
                    Plug::Port(name) => Some(name.as_str()),
                    Plug::Input(channel) => own.port(false, *channel),
                };
                let (Some(one), Some(other)) = (one, other) else {
                    return Err(BenchError::StopRun(format!(
                        "channel {} has no port at the JACK server: correct the channels of the bench file",
                        cord.channel
                    )));
                };
                self.join(cord, one, other)?;
            }
        }
        Ok(())
    }

    /// Takes every connection away from a port.
    fn cut(&self, name: &str) {
        let Some(port) = self.client.port_by_name(name) else { return };
        // A connection that cannot be taken away is gone already.
        drop(self.client.disconnect(&port));
    }

    fn join(&self, cord: &Cord, one: &str, other: &str) -> Result<(), BenchError> {
        let (from, to) = if cord.is_output { (one, other) } else { (other, one) };
        match self.client.connect_ports_by_name(from, to) {
            Ok(()) | Err(jack::Error::PortAlreadyConnected(..)) => Ok(()),
            Err(error) => {
                let channel = cord.channel;
                let side = if cord.is_output { "output" } else { "input" };
                Err(BenchError::AskOperator(format!(
                    "{side} {channel} cannot be connected to the JACK port '{other}': {error}; start the program that \
                     has it, or correct 'connect' in the bench file (`jack_lsp` lists the ports)"
                )))
            }
        }
    }
}

fn all_ports(client: &Client) -> BTreeSet<String> {
    client.ports(None, None, PortFlags::empty()).into_iter().collect()
}
