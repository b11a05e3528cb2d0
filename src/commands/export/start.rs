//! The half of `xenscope export` that takes samples, and starts the other one.

use std::env;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{self, Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::{User, close, geteuid};
use xenscope::export::wire;
use xenscope::feed::{Live, Watches};
use xenscope::text::safe;
use xenscope::tracer;
use xenscope::xen::Error;

use super::super::signals::switch_off_first;
use super::sampler::Sampler;
use super::server::FIRST_SOCKET;
use crate::cli::Export;
use crate::exit::{Outcome, WrongUsage, cannot, complain};

/// The users that the server may run as, the best one first.
const USERS: [&str; 2] = ["xenscope", "nobody"];

/// The variables by which systemd passes sockets (sd_listen_fds(3)).
const LISTEN_FDS: &str = "LISTEN_FDS";
const LISTEN_PID: &str = "LISTEN_PID";

/// Starts the server, and gives it samples until one of the two fails.
pub(super) fn run(
    options: &Export,
    open: impl FnOnce() -> Result<Live, Error>,
) -> anyhow::Result<Outcome> {
    let feed = open()?;
    let user = user(options.web.user.as_deref())?;
    let sockets = match options.web.systemd_socket {
        true => passed_sockets()?,
        false => 0,
    };
    let (own, servers) = UnixStream::pair().map_err(cannot("make a pair of sockets"))?;
    // Before there is any thread, and before XenStore is connected to.
    let child = start(&user, sockets, servers).map_err(cannot("start the server"))?;
    for socket in FIRST_SOCKET..FIRST_SOCKET + sockets {
        // Only the server is on the network.
        let _ = close(socket);
    }
    end_with(child).map_err(cannot("start a thread"))?;
    if options.series.ready {
        switch_off_first().map_err(cannot("wait for signals"))?;
    }
    let mut feed = feed.watching(&Watches::default());
    let mut sampler = Sampler::new(&mut feed, options);
    // The server ends when this is closed, and then this process does. If it has an error to report first,
    // it must not be closed.
    let server = Box::leak(Box::new(own));
    answer_requests(&mut sampler, options.web.min_interval, server)
}

/// Takes a sample at the start and whenever the server asks for one. What it asks has no content.
fn answer_requests(
    sampler: &mut Sampler<'_>,
    min_interval: Duration,
    server: &mut UnixStream,
) -> anyhow::Result<Outcome> {
    loop {
        let begun = Instant::now();
        let answer = wire::answer(&sampler.sample()?);
        let asked = server
            .write_all(&answer)
            .and_then(|()| server.read_exact(&mut [0]));
        if let Err(error) = asked {
            return stop(&error);
        }
        // The server never asks so soon. If something else has taken it over, it cannot keep dom0 busy.
        thread::sleep(min_interval.saturating_sub(begun.elapsed()));
    }
}

/// Waits for the thread that ends this process, because the server has ended.
fn stop(error: &io::Error) -> anyhow::Result<Outcome> {
    if ![
        ErrorKind::UnexpectedEof,
        ErrorKind::BrokenPipe,
        ErrorKind::ConnectionReset,
    ]
    .contains(&error.kind())
    {
        complain(format_args!("cannot talk to the server: {error}"));
    }
    loop {
        thread::park();
    }
}

/// Ends this process when the server has ended, with the server's exit code. It has said why.
///
/// That also ends a sampler that hangs in a call.
fn end_with(mut child: Child) -> io::Result<()> {
    let wait = move || {
        let code = match child.wait() {
            Ok(status) => match status.code() {
                Some(code) => code,
                None => {
                    complain(format_args!("the server has ended: {status}"));
                    1
                }
            },
            Err(_) => 1,
        };
        // An exit drops nothing.
        tracer::switch_off();
        process::exit(code);
    };
    thread::Builder::new().name("server".into()).spawn(wait)?;
    Ok(())
}

/// Starts this program again as the server: as this user and without any file of this process but the
/// sockets. Because it is another program to the kernel, nothing of the sampler is in its memory.
fn start(user: &User, sockets: i32, sampler: UnixStream) -> io::Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(env::args_os().next().unwrap_or_else(|| "xenscope".into()))
        .args(env::args_os().skip(1))
        .arg("--serve")
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(sampler)))
        .stdout(Stdio::null());
    if sockets > 0 {
        command.env(LISTEN_FDS, sockets.to_string());
    }
    // Only root can change the user. Another user's server has no more privileges than this process.
    if geteuid().is_root() {
        command.gid(user.gid.as_raw()).uid(user.uid.as_raw());
    }
    command.spawn()
}

/// Returns the user of the server: the named one, or the first one that exists.
fn user(named: Option<&str>) -> anyhow::Result<User> {
    let names = named.map_or(USERS.to_vec(), |name| vec![name]);
    for name in names {
        match User::from_name(name).map_err(cannot("look up the user of the server"))? {
            Some(user) if user.uid.is_root() => {
                let message = "the server must not run as root: use --user with another one";
                return Err(WrongUsage(message.into()).into());
            }
            Some(user) => return Ok(user),
            None => {}
        }
    }
    let message = match named {
        Some(name) => format!("there is no user '{}'", safe(name)),
        None => format!("there is no user {}: use --user", USERS.join(" or ")),
    };
    Err(WrongUsage(message).into())
}

/// Returns how many sockets systemd has passed to this process.
fn passed_sockets() -> Result<i32, WrongUsage> {
    let variable = |name| env::var(name).ok();
    let own = variable(LISTEN_PID).is_some_and(|pid| pid == process::id().to_string());
    let count = variable(LISTEN_FDS).and_then(|count| count.parse().ok());
    count
        .filter(|&count| own && count > 0)
        .ok_or_else(|| WrongUsage("systemd has passed no socket: use a .socket unit".into()))
}
