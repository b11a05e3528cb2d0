//! Many hosts and one Prometheus: the test of its alerts.

mod alerts;
mod dashboards;
#[path = "../../../integration/http.rs"]
#[allow(unreachable_pub)]
mod http;
mod receiver;
mod server;

use std::net::TcpListener;

use anyhow::{Context, Result};

pub use alerts::{TEST, test};

/// Returns a port that nothing listens on.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?;
    Ok(listener
        .local_addr()
        .context("a listener has no address")?
        .port())
}
