//! The daemon behind XenStore's socket: whether it speaks XenStore, and whether it is running.
//!
//! xenstore-rs accepts any length that it receives and allocates that much memory, and it does not
//! report a lost connection. So [`Daemon::probe`] talks to the daemon on a connection of its own
//! first, and [`Daemon::check`] then watches the daemon's process in procfs.
use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::socket::sockopt::{PeerCredentials, SendTimeout};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, setsockopt, socket,
};
use nix::sys::time::TimeVal;

/// How long an answer may take before XenStore counts as down.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Why XenStore does not answer if its daemon was stopped by a signal.
const STOPPED: &str = "the daemon is stopped";

/// Why XenStore does not answer if its connection ended.
pub(super) const CONNECTION_LOST: &str = "the connection was lost";

/// The socket, where xenstore-rs looks for it.
const SOCKET: &str = "/run/xenstored/socket";

/// The process of a daemon that began to listen before it went into the background.
const PID_FILE: &str = "/run/xen/xenstored.pid";

/// The length of a message's header (`xsd_sockmsg`, xen/io/xs_wire.h): type, request, transaction,
/// and the length of the payload, each a u32.
const HEADER: usize = 16;
const READ: u32 = 2;
const ERROR: u32 = 16;
const PAYLOAD_MAX: u32 = 4096;

/// A daemon that answered the probe.
#[derive(Debug, Default)]
pub(super) struct Daemon {
    /// Whether it has a socket. If not, XenStore is reached through `/dev/xen/xenbus`.
    has_socket: bool,
    /// `/proc/PID/stat` of its process; `None` if the process is unknown.
    stat: Option<File>,
}

impl Daemon {
    /// Asks the daemon for a key, and finds its process.
    ///
    /// # Errors
    /// If nothing listens on the socket, or if the peer does not answer as XenStore does.
    pub(super) fn probe() -> io::Result<Self> {
        Self::probe_socket(&socket_path())
    }

    fn probe_socket(socket: &Path) -> io::Result<Self> {
        let mut stream = match connect_with_timeout(socket) {
            Ok(stream) => stream,
            // XenStore may run in a domain of its own.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                tracing::debug!(
                    ?socket,
                    "no socket, so XenStore is reached through /dev/xen/xenbus"
                );
                return Ok(Self::default());
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(no_answer()),
            Err(error) => return Err(error),
        };
        ask(&mut stream)?;
        tracing::debug!(?socket, "XenStore answers");
        Ok(Self::behind(Some(&stream)))
    }

    /// Returns the daemon that has the socket, without asking it.
    pub(super) fn unasked() -> Self {
        let stream = connect_with_timeout(&socket_path());
        Self::behind(stream.ok().as_ref())
    }

    /// Finds the process of the daemon at the other end.
    fn behind(stream: Option<&UnixStream>) -> Self {
        // The kernel knows which process began to listen. oxenstored listens before it goes into
        // the background, so that process has exited and its PID may belong to another.
        let listener = stream.and_then(|stream| getsockopt(stream, PeerCredentials).ok());
        let stat = listener.and_then(|peer| stat_of_daemon(&peer.pid().to_string()));
        Self {
            has_socket: true,
            stat: stat.or_else(|| stat_of_daemon(&fs::read_to_string(PID_FILE).ok()?)),
        }
    }

    /// Returns the name of its process; `None` if the process is unknown.
    pub(super) fn name(&self) -> Option<String> {
        Some(self.process()?.1)
    }

    /// Returns the PID of its process; `None` if the process is unknown.
    pub(super) fn pid(&self) -> Option<String> {
        Some(self.process()?.0)
    }

    fn process(&self) -> Option<(String, String)> {
        let mut text = [0; 128];
        let length = self.stat.as_ref()?.read_at(&mut text, 0).ok()?;
        let (pid, from) = str::from_utf8(&text[..length]).ok()?.split_once(" (")?;
        let (name, _) = from.rsplit_once(')')?;
        Some((pid.to_owned(), name.to_owned()))
    }

    /// Returns whether a signal has stopped its process.
    pub(super) fn is_stopped(&self) -> bool {
        self.check() == Err(STOPPED)
    }

    /// Returns whether it has a socket.
    pub(super) fn has_socket(&self) -> bool {
        self.has_socket
    }

    /// Checks that its process exists and is not stopped, with one system call and no request to
    /// XenStore.
    ///
    /// # Errors
    /// Why it cannot answer.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let Some(stat) = &self.stat else {
            return Ok(());
        };
        let mut text = [0; 128];
        match stat
            .read_at(&mut text, 0)
            .map(|length| state(&text[..length]))
        {
            // 't' is a stop by a tracer, which soon goes on.
            Ok(Some(b'T')) => Err(STOPPED),
            Ok(Some(b'Z' | b'X')) | Err(_) => Err("the daemon has exited"),
            Ok(_) => Ok(()),
        }
    }
}

#[cfg(test)]
impl Daemon {
    /// Returns the daemon with this process.
    pub(super) fn with_pid(pid: u32) -> Self {
        Self {
            has_socket: true,
            stat: stat_of_daemon(&pid.to_string()),
        }
    }
}

/// Measures how long each of `count` answers takes, one after the other.
///
/// # Errors
/// As [`Daemon::probe`].
pub(super) fn round_trips(count: u32) -> io::Result<Vec<Duration>> {
    let mut stream = connect_with_timeout(&socket_path())?;
    let mut timed = || {
        let start = Instant::now();
        ask(&mut stream)?;
        Ok(start.elapsed())
    };
    (0..count).map(|_| timed()).collect()
}

/// Returns the path of the daemon's socket.
fn socket_path() -> PathBuf {
    env::var_os("XENSTORED_PATH").map_or_else(|| SOCKET.into(), PathBuf::from)
}

/// Connects, with a time limit for this and for each write: only a few connections fit the backlog
/// of a stopped daemon, and the next one would wait for ever.
fn connect_with_timeout(path: &Path) -> io::Result<UnixStream> {
    let socket = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let seconds = TimeVal::new(ANSWER_TIMEOUT.as_secs() as i64, 0);
    setsockopt(&socket, SendTimeout, &seconds)?;
    connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(socket.into())
}

/// Returns the error of an answer that took too long.
pub(super) fn no_answer() -> io::Error {
    io::Error::new(
        ErrorKind::TimedOut,
        format!("no answer within {ANSWER_TIMEOUT:?}"),
    )
}

/// Asks XenStore for a key.
fn ask(stream: &mut UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    exchange(stream).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => no_answer(),
        _ => error,
    })
}

/// Reads a key, whatever its value, and checks that the answer is XenStore's.
fn exchange(stream: &mut (impl Read + Write)) -> io::Result<()> {
    const KEY: &[u8] = b"/local/domain/0/name\0";
    const REQUEST: u32 = 0x7865_6e73;
    let mut message = Vec::with_capacity(HEADER + KEY.len());
    for field in [READ, REQUEST, 0, KEY.len() as u32] {
        message.extend(field.to_ne_bytes());
    }
    message.extend(KEY);
    stream.write_all(&message)?;

    let mut field = || {
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes)?;
        Ok::<_, io::Error>(u32::from_ne_bytes(bytes))
    };
    let (kind, request, _transaction, length) = (field()?, field()?, field()?, field()?);
    if !matches!(kind, READ | ERROR) || request != REQUEST || length > PAYLOAD_MAX {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            "the peer at its socket is not XenStore",
        ));
    }
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload)
}

/// Opens the `stat` of the process with this PID; `None` if it is not xenstored or oxenstored.
fn stat_of_daemon(pid: &str) -> Option<File> {
    let stat = File::open(format!("/proc/{}/stat", pid.trim())).ok()?;
    let mut text = [0; 128];
    let length = stat.read_at(&mut text, 0).ok()?;
    let is_daemon = text[..length].windows(9).any(|name| name == b"xenstored");
    is_daemon.then_some(stat)
}

/// Parses the state in a process's `stat`: the letter after its name. The name is in brackets and
/// may hold brackets itself.
pub(super) fn state(stat: &[u8]) -> Option<u8> {
    let bracket = stat.iter().rposition(|&byte| byte == b')')?;
    match stat.get(bracket + 1..)? {
        [b' ', letter, ..] => Some(*letter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::net::UnixListener;
    use std::thread;

    use nix::sys::socket::{Backlog, bind, listen};

    use super::*;

    /// Probes a peer that answers with these bytes.
    fn probe(answer: &'static [u8]) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; HEADER + 21]).unwrap();
            stream.write_all(answer).unwrap();
        });
        let daemon = Daemon::probe_socket(&socket);
        peer.join().unwrap();
        daemon
            .and_then(|daemon| daemon.check().map_err(io::Error::other))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn only_xenstore_passes_the_probe() {
        assert_eq!(probe(b"\x02\0\0\0snex\0\0\0\0\x08\0\0\0Domain-0"), Ok(()));
        assert_eq!(probe(b"\x10\0\0\0snex\0\0\0\0\x07\0\0\0ENOENT\0"), Ok(()));
        let other = |answer| {
            let why = probe(answer).unwrap_err();
            assert!(why.contains("not XenStore"), "{why}");
        };
        other(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        other(b"\x02\0\0\0snex\0\0\0\0\xff\xff\xff\xff");
        other(b"\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert!(probe(b"\x02\0\0\0snex").is_err());
        assert!(probe(b"").is_err());
    }

    #[test]
    fn no_listener_is_an_error_and_no_socket_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        assert!(Daemon::probe_socket(&socket).unwrap().check().is_ok());
        drop(UnixListener::bind(&socket).unwrap());
        let refused = Daemon::probe_socket(&socket).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }

    #[test]
    fn full_backlog_times_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let waiting = socket(
            AddressFamily::Unix,
            SockType::Stream,
            SockFlag::empty(),
            None,
        );
        let waiting = waiting.unwrap();
        bind(waiting.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
        listen(&waiting, Backlog::new(0).unwrap()).unwrap();
        let _first = connect_with_timeout(&path).unwrap();
        let why = Daemon::probe_socket(&path).unwrap_err();
        assert_eq!(why.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn state_follows_the_name() {
        assert_eq!(state(b"17 (oxenstored) S 1 17"), Some(b'S'));
        assert_eq!(state(b"17 (a) T (b) T 1"), Some(b'T'));
        assert_eq!(state(b"17 (a)"), None);
        assert_eq!(state(b"17 (a)TS"), None);
        assert_eq!(state(b""), None);
    }
}
