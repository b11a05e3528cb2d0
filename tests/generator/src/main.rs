//! Serves the metrics of made-up hosts, for `cargo lab fleet`.
//!
//! ```text
//! lab-generator XENSCOPE HOSTS DOMAINS PORT [OPTION...]
//! ```
//! Each host has a real server of `xenscope export`, started by the program XENSCOPE with these options, that listens on
//! a port of loopback: the first one on PORT, each other one on the next. In the place of the sampler, this program
//! makes the figures up. `xen_build_info` says so.

mod host;

use std::env;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;
use xenscope::export::wire;

use host::Host;

/// Debian's user nobody, as whom the servers run if this program may decide that.
const NOBODY: u32 = 65534;

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [program, hosts, domains, port, options @ ..] = &words[..] else {
        bail!("usage: lab-generator XENSCOPE HOSTS DOMAINS PORT [OPTION...]");
    };
    let number = |word: &String| {
        let parsed = word.parse::<u16>();
        parsed.with_context(|| format!("'{word}' is not a number from 0 to 65535"))
    };
    let (hosts, domains, first) = (number(hosts)?, number(domains)?, number(port)?);
    let mut servers = Vec::new();
    for index in 0..hosts {
        let port = first
            .checked_add(index)
            .context("there are not enough ports")?;
        let (own, servers_end) = UnixStream::pair().context("cannot make a pair of sockets")?;
        servers.push(serve(program, port, options, servers_end)?);
        thread::spawn(move || sample(Host::new(index, domains), own));
    }
    // They end only if they fail, and say why.
    for mut server in servers {
        server.wait().context("cannot wait for a server")?;
    }
    bail!("all servers have ended");
}

/// Starts the server half of `xenscope export`, with this end of a socket to its sampler.
fn serve(program: &str, port: u16, options: &[String], sampler: UnixStream) -> Result<Child> {
    let mut command = Command::new(program);
    command
        .args(["export", "--serve", "--web.listen-address"])
        .arg(format!("127.0.0.1:{port}"))
        .args(options)
        .stdin(OwnedFd::from(sampler))
        .stdout(Stdio::null());
    if geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
        .spawn()
        .with_context(|| format!("cannot start {program}"))
}

/// Answers a server: once at the start, and then whenever it asks.
fn sample(mut host: Host, mut server: UnixStream) {
    loop {
        let answer = wire::answer(&host.exposition());
        let asked = server
            .write_all(&answer)
            .and_then(|()| server.read_exact(&mut [0]));
        if asked.is_err() {
            return;
        }
    }
}
