//! Reads keys on a thread of its own, because XenStore can leave a reader waiting for ever: the
//! daemon may be stopped, and `/dev/xen/xenbus` accepts requests that no daemon answers.

use std::io;
use std::str::FromStr;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};

use xenstore_rs::Xs;
use xenstore_rs::unix::XsUnix;

use super::daemon::{ANSWER_TIMEOUT, CONNECTION_LOST, Daemon, no_answer};
use super::parse::{is_absent, number};
use super::watched_path::BACKENDS;
use crate::snapshot::{Backend, DomId, Listing};

/// How many values one job reads, with [`ANSWER_TIMEOUT`] for all of them. Passing each value from
/// thread to thread would take longer than reading it.
const BATCH: usize = 32;

/// A connection to XenStore, and the thread that waits for it.
#[derive(Debug)]
pub(super) struct Reader {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

/// Work for the thread.
type Job = Box<dyn FnOnce(&XsUnix) + Send>;

/// XenStore does not answer, and why. The reader that returned it cannot be used again.
#[derive(Debug)]
pub(super) struct Down(pub(super) String);

impl Reader {
    /// Connects through the daemon's socket, or through `/dev/xen/xenbus` if there is no socket.
    pub(super) fn start() -> io::Result<Self> {
        Daemon::probe()?;
        let connection = XsUnix::new()?;
        let (jobs, to_do) = channel::<Job>();
        let thread = Builder::new().name("xenstore".into()).spawn(move || {
            // Ends when the reader is dropped.
            to_do.into_iter().for_each(|job| job(&connection));
        })?;
        Ok(Self { jobs, thread })
    }

    /// Reads the value at `path`; `None` if there is none, or if it is not text.
    pub(super) fn read(&self, path: String) -> Result<Option<String>, Down> {
        self.query(move |connection| value(connection, &path))
    }

    /// Reads the values at all these paths, like [`Reader::read`].
    pub(super) fn read_all(&self, paths: Vec<String>) -> Result<Vec<Option<String>>, Down> {
        let mut values = Vec::with_capacity(paths.len());
        let mut paths = paths.into_iter().peekable();
        while paths.peek().is_some() {
            let batch: Vec<String> = paths.by_ref().take(BATCH).collect();
            values.extend(self.query(move |connection| {
                let read = batch.iter().map(|path| value(connection, path));
                read.collect::<io::Result<Vec<_>>>()
            })?);
        }
        Ok(values)
    }

    /// Lists the names below `path`; `None` if they exceed what XenStore lists at once.
    pub(super) fn list(&self, path: String) -> Result<Option<Vec<String>>, Down> {
        self.query(move |connection| {
            let names = content(connection.directory(&path))?;
            Ok(names.map(|names| names.into_iter().map(String::from).collect()))
        })
    }

    fn query<T: Send + 'static>(
        &self,
        work: impl FnOnce(&XsUnix) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Down> {
        let lost = || Down(CONNECTION_LOST.to_owned());
        let (answer, answered) = channel();
        // Sending fails if the wait below has timed out.
        let job: Job = Box::new(move |connection| drop(answer.send(work(connection))));
        self.jobs.send(job).map_err(|_| lost())?;
        match answered.recv_timeout(ANSWER_TIMEOUT) {
            Ok(answer) => answer.map_err(|error| Down(error.to_string())),
            Err(RecvTimeoutError::Timeout) => Err(Down(no_answer().to_string())),
            Err(RecvTimeoutError::Disconnected) => Err(lost()),
        }
    }

    /// Returns the thread, which ends once it has the answer that it waits for.
    pub(super) fn into_thread(self) -> JoinHandle<()> {
        self.thread
    }
}

/// Lists domains and backends: one request for the domains, and one for each kind of backend and
/// each domain that has one.
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

/// Lists the numbers among the names below `path`, ascending; `None` if the names exceed what
/// XenStore lists at once.
fn numbers<T: FromStr + Ord>(reader: &Reader, path: &str) -> Result<Option<Vec<T>>, Down> {
    Ok(reader.list(path.to_owned())?.map(|names| {
        let mut numbers: Vec<T> = names.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        numbers
    }))
}

fn value(connection: &XsUnix, path: &str) -> io::Result<Option<String>> {
    let value = content(connection.read(path).map(|value| vec![value]))?;
    Ok(value.and_then(|mut value| value.pop()).map(String::from))
}

/// Separates missing content from a failed connection: an empty list if the path does not exist,
/// `None` if its content cannot be shown, an error if the connection failed.
fn content(answer: io::Result<Vec<Box<str>>>) -> io::Result<Option<Vec<Box<str>>>> {
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
    fn only_a_failed_connection_is_an_error() {
        let failed = |kind| content(Err(io::Error::from(kind)));
        let web = content(Ok(vec!["web".into()]));
        assert_eq!(web.ok(), Some(Some(vec!["web".into()])));
        assert_eq!(failed(io::ErrorKind::NotFound).ok(), Some(Some(Vec::new())));
        assert_eq!(failed(io::ErrorKind::PermissionDenied).ok(), Some(None));
        assert!(failed(io::ErrorKind::BrokenPipe).is_err());
        assert!(failed(io::ErrorKind::UnexpectedEof).is_err());
    }
}
