//! How XenStore is reached, and how fast it answers.

use std::io::{self, ErrorKind};
use std::time::Duration;

use thiserror::Error;

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

/// Why XenStore does not answer. What helps differs: a daemon that is started beside one that runs takes its socket.
#[derive(Debug, Error)]
pub(crate) enum Unreached {
    /// Nothing listens on its socket, or its process has exited.
    #[error("{0}")]
    Down(io::Error),
    /// A signal has stopped its process.
    #[error("the daemon is stopped (PID {pid})")]
    Stopped {
        /// Its PID.
        pid: String,
    },
    /// It takes too long.
    #[error("{error}{}", pid.as_ref().map(|pid| format!(" (PID {pid})")).unwrap_or_default())]
    NoAnswer {
        /// How long was waited.
        error: io::Error,
        /// The PID of its process; `None` if the process is unknown.
        pid: Option<String>,
    },
    /// This process may not connect to its socket.
    #[error("{0}")]
    Denied(io::Error),
    /// The connection broke, or something else listens there.
    #[error("{0}")]
    Other(io::Error),
}

impl Unreached {
    /// Judges an error. `daemon` finds the process that has the socket.
    fn of(error: io::Error, daemon: impl FnOnce() -> Daemon) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Down(error),
            ErrorKind::PermissionDenied => Self::Denied(error),
            ErrorKind::TimedOut => {
                let daemon = daemon();
                match (daemon.pid(), daemon.check()) {
                    (Some(pid), _) if daemon.is_stopped() => Self::Stopped { pid },
                    (_, Err(why)) => Self::Down(io::Error::other(why)),
                    (pid, Ok(())) => Self::NoAnswer { error, pid },
                }
            }
            _ => Self::Other(error),
        }
    }
}

/// Asks XenStore a few times for dom0's name.
///
/// # Errors
/// Why it does not answer.
pub(crate) fn examine() -> Result<Reached, Unreached> {
    let failed = |error| Unreached::of(error, Daemon::unasked);
    let daemon = Daemon::probe().map_err(failed)?;
    if !daemon.has_socket() {
        return Ok(Reached::Kernel);
    }
    let mut times = round_trips(ANSWERS).map_err(failed)?;
    times.sort_unstable();
    Ok(Reached::Socket {
        daemon: daemon.name(),
        answer_time: times[times.len() / 2],
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::process::Command;
    use std::thread::sleep;
    use std::time::Instant;

    use super::*;

    #[test]
    fn only_a_refused_connection_is_a_daemon_that_does_not_run() {
        let of = |kind: ErrorKind| Unreached::of(kind.into(), Daemon::default);
        assert!(matches!(
            of(ErrorKind::ConnectionRefused),
            Unreached::Down(_)
        ));
        assert!(matches!(
            of(ErrorKind::PermissionDenied),
            Unreached::Denied(_)
        ));
        let unknown = of(ErrorKind::TimedOut);
        assert!(matches!(unknown, Unreached::NoAnswer { pid: None, .. }));
        assert!(matches!(of(ErrorKind::InvalidData), Unreached::Other(_)));
        assert!(matches!(of(ErrorKind::UnexpectedEof), Unreached::Other(_)));
    }

    #[test]
    fn a_daemon_that_does_not_answer_runs_or_is_stopped_or_has_exited() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("xenstored");
        fs::copy("/bin/sleep", &program).unwrap();
        let mut process = Command::new(program).arg("600").spawn().unwrap();
        let daemon = || Daemon::with_pid(process.id());
        let of = |daemon| Unreached::of(ErrorKind::TimedOut.into(), || daemon);
        let running = of(daemon());
        let pid = process.id().to_string();
        Command::new("kill").args(["-STOP", &pid]).status().unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while !daemon().is_stopped() && Instant::now() < end {
            sleep(Duration::from_millis(5));
        }
        let (stopped, exited) = (of(daemon()), daemon());
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(matches!(running, Unreached::NoAnswer { pid: Some(one), .. } if one == pid));
        assert!(matches!(stopped, Unreached::Stopped { pid: one } if one == pid));
        assert!(matches!(of(exited), Unreached::Down(_)));
    }
}
