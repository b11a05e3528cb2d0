//! How XenStore is reached, and how fast it answers.

use std::io;
use std::time::Duration;

use super::daemon::{Daemon, round_trips};

/// How many answers are timed.
const ANSWERS: u32 = 15;

/// How XenStore is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// By the socket of a daemon in dom0.
    Socket {
        /// The name of the daemon's process; `None` if the process is unknown.
        daemon: Option<String>,
        /// The median time that an answer takes.
        answer_time: Duration,
    },
    /// There is no socket, so it can only be in another domain, reached through the kernel. It was not asked.
    Kernel,
}

/// Asks XenStore a few times for dom0's name.
///
/// # Errors
/// Why it does not answer.
pub(crate) fn examine() -> io::Result<Reached> {
    let daemon = Daemon::probe()?;
    if !daemon.has_socket() {
        return Ok(Reached::Kernel);
    }
    daemon.check().map_err(io::Error::other)?;
    let mut times = round_trips(ANSWERS)?;
    times.sort_unstable();
    Ok(Reached::Socket {
        daemon: daemon.name(),
        answer_time: times[times.len() / 2],
    })
}
