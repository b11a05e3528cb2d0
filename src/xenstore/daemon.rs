//! The daemon behind XenStore's socket: whether it speaks XenStore, and whether it still can.
//!
//! xenstore-rs believes any length that it is told and takes as much memory, and does not say when
//! its connection is lost. So a greeting on a connection of its own comes first, and what the
//! kernel says of the daemon's process is watched from then on.

use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::socket::sockopt::{PeerCredentials, SendTimeout};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, setsockopt, socket,
};
use nix::sys::time::TimeVal;

/// How long one answer may take before XenStore counts as down.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Where xenstore-rs looks for the socket, too.
const SOCKET: &str = "/run/xenstored/socket";

/// Where a daemon that began to listen before it went into the background is to be found.
const PID_FILE: &str = "/run/xen/xenstored.pid";

/// The header of a message (`xsd_sockmsg`, xen/io/xs_wire.h): type, request, transaction, and the
/// length of what follows, each a u32.
const HEADER: usize = 16;
const READ: u32 = 2;
const ERROR: u32 = 16;
const PAYLOAD_MAX: u32 = 4096;

/// A daemon that answered the greeting.
#[derive(Debug, Default)]
pub(super) struct Daemon {
    /// `/proc/PID/stat` of its process; `None` when it is not known, or when there is no socket and
    /// XenStore is reached by `/dev/xen/xenbus`.
    stat: Option<File>,
}

impl Daemon {
    /// Greets the daemon, and takes its process down.
    ///
    /// # Errors
    /// When no one listens behind the socket, or does not answer as XenStore would.
    pub(super) fn greet() -> io::Result<Self> {
        let path = env::var_os("XENSTORED_PATH").map_or_else(|| SOCKET.into(), PathBuf::from);
        Self::behind(&path)
    }

    fn behind(socket: &Path) -> io::Result<Self> {
        let mut stream = match connect_in_time(socket) {
            Ok(stream) => stream,
            // XenStore may be in a domain of its own.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                tracing::debug!(
                    ?socket,
                    "there is none, so XenStore is asked by /dev/xen/xenbus"
                );
                return Ok(Self { stat: None });
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(unanswered()),
            Err(error) => return Err(error),
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        exchange(&mut stream).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => unanswered(),
            _ => error,
        })?;
        tracing::debug!(?socket, "XenStore answers");
        // The kernel knows who began to listen. For oxenstored that was the process that ended
        // when it went into the background, so its pid may be another's by now.
        let listener = getsockopt(&stream, PeerCredentials).map(|peer| peer.pid().to_string());
        let stat = listener.ok().and_then(|pid| stat_of_daemon(&pid));
        Ok(Self {
            stat: stat.or_else(|| stat_of_daemon(&fs::read_to_string(PID_FILE).ok()?)),
        })
    }

    /// Whether its process is there and not stopped; one system call, and nothing to XenStore.
    ///
    /// # Errors
    /// Why it can't answer.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let Some(stat) = &self.stat else {
            return Ok(());
        };
        let mut text = [0; 128];
        match stat
            .read_at(&mut text, 0)
            .map(|length| state(&text[..length]))
        {
            Ok(Some(b'T' | b't')) => Err("its daemon is stopped"),
            Ok(Some(b'Z' | b'X')) | Err(_) => Err("its daemon has ended"),
            Ok(_) => Ok(()),
        }
    }
}

/// Connects, with a limit for this and for every write: a daemon that is stopped lets only a few
/// wait before its socket, and the next would wait for ever.
fn connect_in_time(path: &Path) -> io::Result<UnixStream> {
    let socket = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let seconds = TimeVal::new(PATIENCE.as_secs() as i64, 0);
    setsockopt(&socket, SendTimeout, &seconds)?;
    connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(socket.into())
}

/// That XenStore takes too long.
pub(super) fn unanswered() -> io::Error {
    io::Error::new(
        ErrorKind::TimedOut,
        format!("no answer within {PATIENCE:?}"),
    )
}

/// Reads a key, whatever it holds, and checks that the answer is one.
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
            "what answers behind its socket is not XenStore",
        ));
    }
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload)
}

/// The `stat` of the process with this id, if it is a daemon of XenStore (or oxenstored).
fn stat_of_daemon(pid: &str) -> Option<File> {
    let stat = File::open(format!("/proc/{}/stat", pid.trim())).ok()?;
    let mut text = [0; 128];
    let length = stat.read_at(&mut text, 0).ok()?;
    let is_daemon = text[..length].windows(9).any(|name| name == b"xenstored");
    is_daemon.then_some(stat)
}

/// The state of a process in its `stat`: the letter behind its name, which is in brackets and may
/// hold brackets.
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

    /// What greeting says of someone who answers with these bytes.
    fn greeting(answer: &'static [u8]) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let other = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; HEADER + 21]).unwrap();
            stream.write_all(answer).unwrap();
        });
        let greeted = Daemon::behind(&socket);
        other.join().unwrap();
        greeted
            .and_then(|daemon| daemon.check().map_err(io::Error::other))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn only_who_answers_as_xenstore_does_is_spoken_to() {
        assert_eq!(
            greeting(b"\x02\0\0\0snex\0\0\0\0\x08\0\0\0Domain-0"),
            Ok(())
        );
        assert_eq!(
            greeting(b"\x10\0\0\0snex\0\0\0\0\x07\0\0\0ENOENT\0"),
            Ok(())
        );
        let other = |answer| {
            let why = greeting(answer).unwrap_err();
            assert!(why.contains("not XenStore"), "{why}");
        };
        other(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        other(b"\x02\0\0\0snex\0\0\0\0\xff\xff\xff\xff");
        other(b"\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert!(greeting(b"\x02\0\0\0snex").is_err());
        assert!(greeting(b"").is_err());
    }

    #[test]
    fn no_socket_is_no_failure_and_no_listener_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        assert!(Daemon::behind(&socket).unwrap().check().is_ok());
        drop(UnixListener::bind(&socket).unwrap());
        let refused = Daemon::behind(&socket).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_socket_before_which_too_many_wait_is_given_up() {
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
        let _first = connect_in_time(&path).unwrap();
        let why = Daemon::behind(&path).unwrap_err();
        assert_eq!(why.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn the_state_stands_behind_the_name() {
        assert_eq!(state(b"17 (oxenstored) S 1 17"), Some(b'S'));
        assert_eq!(state(b"17 (a) T (b) T 1"), Some(b'T'));
        assert_eq!(state(b"17 (a)"), None);
        assert_eq!(state(b"17 (a)TS"), None);
        assert_eq!(state(b""), None);
    }
}
