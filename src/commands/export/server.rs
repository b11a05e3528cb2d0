//! The half of `xenscope export` that is on the network, and the process that reads its files.

use std::env;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use listenfd::ListenFd;
use xenscope::export::{self, Options, ServerError, close_inherited};

use crate::cli::Export;
use crate::exit::{Outcome, WrongUsage, cannot};

/// The first of the sockets that systemd passes (sd_listen_fds(3)).
pub(super) const FIRST_SOCKET: i32 = 3;

/// Serves until the sampler fails. Its stdin is a socket of the sampler.
pub(super) fn run(options: &Export) -> anyhow::Result<Outcome> {
    let mut passed = ListenFd::from_env();
    let count = i32::try_from(passed.len()).unwrap_or(0);
    close_inherited(FIRST_SOCKET + count).map_err(cannot("list the open files"))?;
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        let listener = passed.take_tcp_listener(index);
        listeners.extend(listener.map_err(cannot("listen on a socket of systemd"))?);
    }
    let sampler = stdin()?;
    let web = &options.web;
    let options = Options {
        addresses: web.listen_addresses.clone(),
        telemetry_path: web.telemetry_path.clone(),
        config_file: web.config_file.clone(),
        min_interval: web.min_interval,
    };
    let reader = options.config_file.is_some().then(start_reader).transpose();
    let reader = reader.map_err(cannot("start a process"))?;
    outcome(export::serve(&options, listeners, sampler, reader))
}

/// Reads the file of `--web.config.file` for the server, until that ends. stdin is a socket of the server.
pub(super) fn follow_files(options: &Export) -> anyhow::Result<Outcome> {
    close_inherited(FIRST_SOCKET).map_err(cannot("list the open files"))?;
    let server = stdin()?;
    let path = options.web.config_file.as_deref().unwrap_or(Path::new(""));
    outcome(export::follow_files(path, server))
}

fn outcome(ended: Result<(), ServerError>) -> anyhow::Result<Outcome> {
    match ended {
        Ok(()) => Ok(Outcome::Done),
        Err(error @ ServerError::WebConfig(_)) => Err(WrongUsage(error.to_string()).into()),
        Err(error) => Err(error.into()),
    }
}

/// Starts this program again with the same options as the process that reads files; returns a socket to it.
fn start_reader() -> io::Result<UnixStream> {
    let (own, readers) = UnixStream::pair()?;
    Command::new("/proc/self/exe")
        .arg0(env::args_os().next().unwrap_or_else(|| "xenscope".into()))
        .args(env::args_os().skip(1))
        .arg("--follow-files")
        .env_clear()
        .stdin(OwnedFd::from(readers))
        .stdout(Stdio::null())
        .spawn()?;
    Ok(own)
}

/// Returns the socket that is this process's stdin.
fn stdin() -> Result<UnixStream, WrongUsage> {
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    let socket = stdin.map(UnixStream::from).and_then(|socket| {
        // This fails for another kind of file.
        socket.peer_addr()?;
        Ok(socket)
    });
    let message = "--serve is for xenscope itself: stdin is no socket of the sampler";
    socket.map_err(|_| WrongUsage(message.into()))
}
