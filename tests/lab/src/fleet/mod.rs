//! Many hosts and one Prometheus: the test of its alerts with real hosts, and what it needs for many made-up ones.

mod alerts;
mod answer;
mod axis;
mod dashboards;
mod figures;
mod files;
#[path = "../../../integration/http.rs"]
#[allow(unreachable_pub)]
mod http;
mod load;
mod picture;
mod receiver;
mod server;

use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

pub use alerts::{TEST, test};
pub use load::{Options, run};

/// Returns a port that nothing listens on.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?;
    Ok(listener
        .local_addr()
        .context("a listener has no address")?
        .port())
}

/// Returns the time in seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}
