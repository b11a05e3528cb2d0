//! Reads keys on a thread of its own, because XenStore can leave a reader waiting for ever:
//! the daemon may be stopped, and `/dev/xen/xenbus` takes requests that no daemon will answer.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use xenstore_rs::Xs;
use xenstore_rs::unix::XsUnix;

/// How long one answer may take before XenStore counts as down.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection to XenStore, with the thread that waits on it.
#[derive(Debug)]
pub(super) struct Reader {
    requests: Sender<String>,
    answers: Receiver<io::Result<Option<String>>>,
    thread: JoinHandle<()>,
}

impl Reader {
    /// Connects; by the daemon's socket, else by `/dev/xen/xenbus`.
    pub(super) fn start() -> io::Result<Self> {
        let connection = XsUnix::new()?;
        let (requests, to_read) = channel::<String>();
        let (answer, answers) = channel();
        let thread = Builder::new().name("xenstore".into()).spawn(move || {
            // Ends when either end of the channels does.
            for path in to_read {
                if answer.send(value(connection.read(&path))).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self {
            requests,
            answers,
            thread,
        })
    }

    /// The value at `path`; `None` when there is none, or none that is text.
    ///
    /// # Errors
    /// Why XenStore counts as down. The reader is of no use after that.
    pub(super) fn read(&mut self, path: String) -> Result<Option<String>, String> {
        const ENDED: &str = "its connection was lost";
        self.requests.send(path).map_err(|_| ENDED.to_owned())?;
        match self.answers.recv_timeout(PATIENCE) {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(RecvTimeoutError::Timeout) => Err(format!("no answer within {PATIENCE:?}")),
            Err(RecvTimeoutError::Disconnected) => Err(ENDED.to_owned()),
        }
    }

    /// Whether its thread is done, and does not wait for an answer any more.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }
}

/// Tells a key without a value that we can show from a connection that does not work.
fn value(read: io::Result<Box<str>>) -> io::Result<Option<String>> {
    match read {
        Ok(text) => Ok(Some(text.into())),
        Err(error) => match error.kind() {
            // No such key; not ours to read; not UTF-8.
            io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::InvalidData => Ok(None),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_is_no_failure_but_a_lost_connection_is() {
        let failed = |kind| value(Err(io::Error::from(kind)));
        assert_eq!(value(Ok("web".into())).ok(), Some(Some("web".into())));
        assert_eq!(failed(io::ErrorKind::NotFound).ok(), Some(None));
        assert_eq!(failed(io::ErrorKind::InvalidData).ok(), Some(None));
        assert!(failed(io::ErrorKind::BrokenPipe).is_err());
        assert!(failed(io::ErrorKind::UnexpectedEof).is_err());
    }
}
