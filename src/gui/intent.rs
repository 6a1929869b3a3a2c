//! What a user asks for. Panels return intents; [`Desk::act`](super::desk::Desk::act) does them.

use std::path::PathBuf;

use crate::entry::EntryId;

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
    /// Stop the recording; the run can be resumed.
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
