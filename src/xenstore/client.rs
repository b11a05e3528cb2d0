//! A connection through xenstore-rs.
//!
//! On a socket, requests go out as they come; xenstore-rs sends up to 32 before it waits for an
//! answer. On `/dev/xen/xenbus`, each request waits for the answer to the one before: Linux queues a
//! request by the address of a buffer that the next one overwrites
//! (`xenbus_dev_request_and_reply` in drivers/xen/xenbus/xenbus_xs.c), so that one of two requests
//! fails, or is answered with the value of the other.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use futures::stream::Stream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout};
use xenstore_rs::tokio::XsTokio;
use xenstore_rs::{AsyncWatch, AsyncXs};

use super::daemon::{ANSWER_TIMEOUT, Daemon, no_answer};
use super::parse::{is_absent, is_too_long};

/// The device that xenstore-rs opens if it cannot connect to the daemon's socket.
const XENBUS: &str = "/dev/xen/xenbus";

/// The pause between two attempts to connect.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// A connection to XenStore, which counts its answers.
#[derive(Clone, Debug)]
pub(super) struct Client {
    xs: XsTokio,
    answers: Rc<Cell<u64>>,
    /// The permit to send a request, on a connection that takes one at a time.
    turn: Option<Rc<Semaphore>>,
}

/// The names below a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// The path does not exist.
    Absent,
    /// The list is longer than one reply.
    TooLong,
    /// All names.
    All(Vec<Box<str>>),
}

impl Names {
    /// Returns all names; none if they are unknown.
    pub(super) fn known(self) -> Vec<Box<str>> {
        match self {
            Self::All(names) => names,
            Self::Absent | Self::TooLong => Vec::new(),
        }
    }
}

impl Client {
    /// Connects to this daemon.
    ///
    /// # Errors
    /// If there is no connection within [`ANSWER_TIMEOUT`].
    pub(super) async fn connect(daemon: &Daemon) -> io::Result<Self> {
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        loop {
            let connecting = timeout(ANSWER_TIMEOUT, XsTokio::new());
            let xs = connecting.await.map_err(|_| no_answer())??;
            // xenstore-rs does not say which way it took, and turns to the device even if the
            // socket only has no room for one more connection.
            if !daemon.has_socket() || !is_open(Path::new(XENBUS)) {
                let one_at_a_time = !daemon.has_socket();
                let client = Self {
                    xs,
                    answers: Rc::default(),
                    turn: one_at_a_time.then(|| Rc::new(Semaphore::new(1))),
                };
                if one_at_a_time {
                    client.greet().await?;
                }
                return Ok(client);
            }
            drop(xs);
            if Instant::now() >= deadline {
                return Err(io::Error::other(
                    "the daemon accepts no more connections on its socket",
                ));
            }
            sleep(RETRY_AFTER).await;
        }
    }

    /// Asks for something that does not block. To watch a path through the device blocks this thread
    /// in the kernel until the daemon answers, and no signal ends that.
    async fn greet(&self) -> io::Result<()> {
        let answer = timeout(ANSWER_TIMEOUT, self.read("/local/domain/0/name"));
        answer.await.map_err(|_| no_answer())?.map(drop)
    }

    /// Returns how many answers have arrived.
    pub(super) fn answers(&self) -> u64 {
        self.answers.get()
    }

    /// Returns whether a request waits for the answer to the one before.
    pub(super) fn is_serial(&self) -> bool {
        self.turn.is_some()
    }

    /// Reads the value at `path`; `None` if there is none, or if it is not text.
    pub(super) async fn read(&self, path: &str) -> io::Result<Option<Box<str>>> {
        match self.ask(self.xs.read(path)).await {
            Ok(text) => Ok(Some(text)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists the names below `path`.
    pub(super) async fn list(&self, path: &str) -> io::Result<Names> {
        match self.ask(self.xs.directory(path)).await {
            Ok(names) => Ok(Names::All(names)),
            Err(error) if is_too_long(&error) => Ok(Names::TooLong),
            Err(error) if is_absent(&error) => Ok(Names::Absent),
            Err(error) => Err(error),
        }
    }

    /// Watches `path`.
    pub(super) async fn watch(
        &self,
        path: &str,
    ) -> io::Result<impl Stream<Item = Box<str>> + 'static> {
        self.ask(self.xs.watch(path)).await
    }

    /// Sends a request and waits for the answer.
    async fn ask<T>(&self, request: impl Future<Output = T>) -> T {
        let _turn = self.take_turn().await;
        let answer = request.await;
        self.answers.set(self.answers.get() + 1);
        answer
    }

    async fn take_turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.turn.as_ref()?.acquire().await.ok()
    }
}

/// Returns whether this process has this file open.
fn is_open(file: &Path) -> bool {
    let open = fs::read_dir("/proc/self/fd").into_iter().flatten();
    open.flatten()
        .any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == file))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::File;

    use super::*;

    #[test]
    fn open_files_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("device");
        let file = File::create(&path).unwrap();
        assert!(is_open(&path));
        drop(file);
        assert!(!is_open(&path));
    }
}
