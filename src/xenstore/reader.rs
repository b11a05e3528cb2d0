//! Reads keys on a thread of its own, because XenStore can leave a reader waiting for ever:
//! the daemon may be stopped, and `/dev/xen/xenbus` takes requests that no daemon will answer.

use std::io;
use std::str::FromStr;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};

use xenstore_rs::Xs;
use xenstore_rs::unix::XsUnix;

use super::daemon::{ANSWER_TIMEOUT, Daemon, no_answer};
use super::parse::{is_absent, number};
use crate::snapshot::{Backend, DomId, Listing};

/// How many values are asked for at once, with [`ANSWER_TIMEOUT`] for all of them: handing each one over
/// from thread to thread takes longer than reading it.
const BATCH: usize = 32;

/// Where dom0's backends are.
const BACKENDS: &str = "/local/domain/0/backend";

/// A connection to XenStore, with the thread that waits on it.
#[derive(Debug)]
pub(super) struct Reader {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

/// What the thread does with the connection.
type Job = Box<dyn FnOnce(&XsUnix) + Send>;

/// XenStore does not answer, and why. A reader that said so is of no further use.
#[derive(Debug)]
pub(super) struct Down(pub(super) String);

impl Reader {
    /// Connects; by the daemon's socket, else by `/dev/xen/xenbus`.
    pub(super) fn start() -> io::Result<Self> {
        Daemon::probe()?;
        let connection = XsUnix::new()?;
        let (jobs, to_do) = channel::<Job>();
        let thread = Builder::new().name("xenstore".into()).spawn(move || {
            // Ends when the reader does.
            to_do.into_iter().for_each(|job| job(&connection));
        })?;
        Ok(Self { jobs, thread })
    }

    /// The value at `path`; `None` when there is none, or none that is text.
    pub(super) fn read(&self, path: String) -> Result<Option<String>, Down> {
        self.ask(move |connection| value(connection, &path))
    }

    /// The values at all these paths, as [`Reader::read`] has them.
    pub(super) fn read_all(&self, paths: Vec<String>) -> Result<Vec<Option<String>>, Down> {
        let mut values = Vec::with_capacity(paths.len());
        let mut paths = paths.into_iter().peekable();
        while paths.peek().is_some() {
            let batch: Vec<String> = paths.by_ref().take(BATCH).collect();
            values.extend(self.ask(move |connection| {
                let read = batch.iter().map(|path| value(connection, path));
                read.collect::<io::Result<Vec<_>>>()
            })?);
        }
        Ok(values)
    }

    /// The names below `path`; `None` when they are more than XenStore lists at once.
    pub(super) fn list(&self, path: String) -> Result<Option<Vec<String>>, Down> {
        self.ask(move |connection| {
            let names = known(connection.directory(&path))?;
            Ok(names.map(|names| names.into_iter().map(String::from).collect()))
        })
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&XsUnix) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Down> {
        let ended = || Down("its connection was lost".to_owned());
        let (answer, answered) = channel();
        // No one may wait for the answer any more.
        let job: Job = Box::new(move |connection| drop(answer.send(question(connection))));
        self.jobs.send(job).map_err(|_| ended())?;
        match answered.recv_timeout(ANSWER_TIMEOUT) {
            Ok(answer) => answer.map_err(|error| Down(error.to_string())),
            Err(RecvTimeoutError::Timeout) => Err(Down(no_answer().to_string())),
            Err(RecvTimeoutError::Disconnected) => Err(ended()),
        }
    }

    /// Asks nothing more; what is left is the thread, which ends once it has the answer that it
    /// waits for.
    pub(super) fn give_up(self) -> JoinHandle<()> {
        self.thread
    }
}

/// Reads the lists: one request for the domains, and one for each kind of backend and each domain
/// that has one.
pub(super) fn listing(reader: &Reader) -> Result<Listing, Down> {
    let domains = numbers(reader, "/local/domain")?;
    Ok(Listing {
        domains: domains.map(|ids| ids.into_iter().map(DomId).collect()),
        backends: backends(reader)?,
    })
}

fn backends(reader: &Reader) -> Result<Option<Vec<Backend>>, Down> {
    let mut found = Vec::new();
    let Some(mut kinds) = reader.list(BACKENDS.to_owned())? else {
        return Ok(None);
    };
    kinds.sort_unstable();
    for kind in kinds {
        let of_kind = format!("{BACKENDS}/{kind}");
        let Some(domains) = numbers::<u16>(reader, &of_kind)? else {
            return Ok(None);
        };
        for domain in domains {
            let Some(devices) = numbers(reader, &format!("{of_kind}/{domain}"))? else {
                return Ok(None);
            };
            found.extend(devices.into_iter().map(|device| Backend {
                kind: kind.clone(),
                domain: DomId(domain),
                device,
            }));
        }
    }
    Ok(Some(found))
}

/// The numbers among the names below `path`, rising; `None` when they are more than XenStore lists
/// at once.
fn numbers<T: FromStr + Ord>(reader: &Reader, path: &str) -> Result<Option<Vec<T>>, Down> {
    Ok(reader.list(path.to_owned())?.map(|names| {
        let mut numbers: Vec<T> = names.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        numbers
    }))
}

fn value(connection: &XsUnix, path: &str) -> io::Result<Option<String>> {
    let value = known(connection.read(path).map(|value| vec![value]))?;
    Ok(value.and_then(|mut value| value.pop()).map(String::from))
}

/// Tells a path without anything that can be shown, which is `None`, and one without anything from
/// a connection that does not work.
fn known(answer: io::Result<Vec<Box<str>>>) -> io::Result<Option<Vec<Box<str>>>> {
    match answer {
        Ok(texts) => Ok(Some(texts)),
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
