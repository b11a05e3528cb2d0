//! The half of `xenscope export` that is on the network.

use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

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
    let sampler = sampler().map_err(|_| {
        WrongUsage("--serve is for xenscope itself: stdin is no socket of the sampler".into())
    })?;
    let web = &options.web;
    let options = Options {
        addresses: web.listen_addresses.clone(),
        telemetry_path: web.telemetry_path.clone(),
        config_file: web.config_file.clone(),
        min_interval: web.min_interval,
    };
    serve(&options, listeners, sampler)
}

fn serve(
    options: &Options,
    listeners: Vec<TcpListener>,
    sampler: UnixStream,
) -> anyhow::Result<Outcome> {
    match export::serve(options, listeners, sampler) {
        Ok(()) => Ok(Outcome::Done),
        Err(error @ ServerError::WebConfig(_)) => Err(WrongUsage(error.to_string()).into()),
        Err(error) => Err(error.into()),
    }
}

/// Returns the socket that is this process's stdin.
fn sampler() -> io::Result<UnixStream> {
    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    let socket = UnixStream::from(stdin);
    // This fails for another kind of file.
    socket.peer_addr()?;
    Ok(socket)
}
