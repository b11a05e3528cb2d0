//! dom0's init, and the agent through which the lab runs commands in dom0.
//!
//! As process 1 it starts itself again as the agent, reaps orphaned processes, and switches the
//! machine off when the agent ends, which it does when the lab's side of the channel closes. Errors
//! before the channel is open are printed to the console, which the lab logs. In Debian, systemd starts
//! the agent after Xen's daemons.

mod boot;
mod serve;

use std::convert::Infallible;
use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::wait::wait;
use nix::unistd::Pid;

fn main() -> ExitCode {
    let result = if Pid::this().as_raw() == 1 {
        init().map(|never| match never {})
    } else {
        agent()
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab-dom0: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs as process 1.
fn init() -> Result<Infallible> {
    boot::mount()?;
    let agent = Command::new(env::current_exe().context("cannot find the own executable")?)
        .spawn()
        .context("cannot start the agent")?;
    loop {
        let ended = wait().context("cannot wait for processes")?;
        if ended
            .pid()
            .is_some_and(|pid| pid.as_raw().unsigned_abs() == agent.id())
        {
            return reboot(RebootMode::RB_POWER_OFF).context("cannot switch off");
        }
    }
}

/// Starts Xen's daemons unless systemd has, and serves the lab until it closes the channel.
fn agent() -> Result<()> {
    if boot::has_systemd() {
        return serve::run(boot::open_channel()?, boot::prepare());
    }
    boot::load_modules()?;
    let channel = boot::open_channel()?;
    serve::run(channel, boot::start_xen().and_then(|()| boot::prepare()))
}
