//! Reads keys on a thread of its own, because XenStore can leave a reader waiting for ever:
//! the daemon may be stopped, and `/dev/xen/xenbus` takes requests that no daemon will answer.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};

use xenstore_rs::Xs;
use xenstore_rs::unix::XsUnix;

use super::daemon::{Daemon, PATIENCE, unanswered};
use super::value::is_absent;

/// A connection to XenStore, with the thread that waits on it.
#[derive(Debug)]
pub(super) struct Reader {
    requests: Sender<Request>,
    answers: Receiver<io::Result<Answer>>,
    thread: JoinHandle<()>,
}

/// What to ask for, at which path.
#[derive(Debug)]
enum Request {
    Value(String),
    Children(String),
}

/// What there was: a value alone or the names of children; `None` when it can't be shown.
type Answer = Option<Vec<String>>;

/// XenStore does not answer, and why. A reader that said so is of no further use.
#[derive(Debug)]
pub(super) struct Down(pub(super) String);

impl Reader {
    /// Connects; by the daemon's socket, else by `/dev/xen/xenbus`.
    pub(super) fn start() -> io::Result<Self> {
        Daemon::greet()?;
        let connection = XsUnix::new()?;
        let (requests, to_do) = channel();
        let (answer, answers) = channel();
        let thread = Builder::new().name("xenstore".into()).spawn(move || {
            // Ends when either end of the channels does.
            for request in to_do {
                let answered = match request {
                    Request::Value(path) => connection.read(&path).map(|value| vec![value]),
                    Request::Children(path) => connection.directory(&path),
                };
                if answer.send(known(answered)).is_err() {
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
    pub(super) fn read(&self, path: String) -> Result<Option<String>, Down> {
        let value = self.ask(Request::Value(path))?;
        Ok(value.and_then(|mut value| value.pop()))
    }

    /// The names below `path`; `None` when they are more than XenStore lists at once.
    pub(super) fn list(&self, path: String) -> Result<Option<Vec<String>>, Down> {
        self.ask(Request::Children(path))
    }

    fn ask(&self, request: Request) -> Result<Answer, Down> {
        let ended = || Down("its connection was lost".to_owned());
        self.requests.send(request).map_err(|_| ended())?;
        match self.answers.recv_timeout(PATIENCE) {
            Ok(answer) => answer.map_err(|error| Down(error.to_string())),
            Err(RecvTimeoutError::Timeout) => Err(Down(unanswered().to_string())),
            Err(RecvTimeoutError::Disconnected) => Err(ended()),
        }
    }

    /// Asks nothing more; what is left is the thread, which ends once it has the answer that it
    /// waits for.
    pub(super) fn give_up(self) -> JoinHandle<()> {
        self.thread
    }
}

/// Tells a path without anything that can be shown from a connection that does not work.
fn known(answer: io::Result<Vec<Box<str>>>) -> io::Result<Answer> {
    match answer {
        Ok(texts) => Ok(Some(texts.into_iter().map(String::from).collect())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(Vec::new())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_is_no_failure_but_a_lost_connection_is() {
        let failed = |kind| known(Err(io::Error::from(kind)));
        let web = known(Ok(vec!["web".into()]));
        assert_eq!(web.ok(), Some(Some(vec!["web".into()])));
        assert_eq!(failed(io::ErrorKind::NotFound).ok(), Some(Some(Vec::new())));
        assert_eq!(failed(io::ErrorKind::PermissionDenied).ok(), Some(None));
        assert!(failed(io::ErrorKind::BrokenPipe).is_err());
        assert!(failed(io::ErrorKind::UnexpectedEof).is_err());
    }
}
