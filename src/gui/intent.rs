//! What a user asks for. Panels return intents; [`Desk::act`](super::desk::Desk::act) does them.

use std::path::PathBuf;

use super::state::Pane;
use crate::entry::EntryId;
use crate::event::Side;
use crate::terms::Port;

/// Something that a user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// Read and check the plan that the form names.
    OpenPlan,
    /// Check the open plan again: what records it, or an overlay, is another one.
    CheckAgain,
    /// Open a stored run.
    OpenRun(PathBuf),
    /// Record the open plan.
    Start,
    /// Watch the inputs of the bench; nothing is recorded.
    Monitor,
    /// Show bands and spectrum of one side of a port.
    Watch(Port, Side),
    /// Watch no port any more.
    WatchNone,
    /// Let the panel at the right show the entry or the port.
    ShowPane(Pane),
    /// Listen to a port, where and as loud as the form says, or to none.
    Listen(Option<Port>),
    /// Stop the recording, which can be resumed, or the monitor.
    Stop,
    /// Take up the shown run again.
    Resume,
    /// Show an entry.
    Select(EntryId),
    /// Move the selection down by this many rows, or up.
    Step(isize),
    /// Put away the problems or the message.
    Dismiss,
    /// Put away what is left of a recording that is over.
    HideLive,
    /// Look again for plans, cars, devices and runs.
    Refresh,
    /// Ask this machine for its audio interfaces.
    ListInterfaces,
    /// Put a text on the clipboard.
    Copy(String),
}
