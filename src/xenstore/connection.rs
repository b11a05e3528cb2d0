//! The thread that keeps the cache up to date. It connects, runs a session, and after a failure
//! waits before it connects again.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use xenstore_rs::tokio::XsTokio;

use super::daemon::{ANSWER_TIMEOUT, Daemon, no_answer};
use super::known::Shared;
use super::liveness::Liveness;
use super::session::Session;

/// How long to wait after a failure: twice as long each time, from the first value to the second.
const RETRY_AFTER: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(8));

/// Keeps the cache up to date until it is dropped.
pub(super) fn run(shared: &Shared) {
    let _lost = MarkLostOnDrop(shared);
    let mut wait = RETRY_AFTER.0;
    loop {
        let ended = connect().and_then(|(runtime, xs, liveness)| {
            let mut session = Session::new(xs, shared, liveness);
            let ended = runtime.block_on(session.run());
            if session.was_complete {
                wait = RETRY_AFTER.0;
            }
            ended
        });
        let mut known = shared.lock();
        match ended {
            Err(error) => {
                // Nothing has arrived for that long.
                let ago = match error.kind() {
                    ErrorKind::TimedOut => ANSWER_TIMEOUT,
                    _ => Duration::ZERO,
                };
                tracing::debug!(%error, "XenStore is down");
                known.mark_lost(error.to_string(), ago);
                known.complete = false;
            }
            Ok(()) if known.stopped => return,
            Ok(()) => known.complete = false,
        }
        drop(known);
        shared.notify();
        shared.pause(wait);
        wait = RETRY_AFTER.1.min(wait * 2);
    }
}

/// Marks the connection as lost when the thread ends, even by a panic.
struct MarkLostOnDrop<'a>(&'a Shared);

impl Drop for MarkLostOnDrop<'_> {
    fn drop(&mut self) {
        self.0
            .lock()
            .mark_lost("the thread ended".to_owned(), Duration::ZERO);
        self.0.notify();
    }
}

fn connect() -> io::Result<(Runtime, XsTokio, Liveness)> {
    let daemon = Daemon::probe()?;
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let connecting = async { timeout(ANSWER_TIMEOUT, XsTokio::new()).await };
    let xs = runtime.block_on(connecting).map_err(|_| no_answer())??;
    let liveness = Liveness {
        daemon: Arc::new(daemon),
        tasks: runtime.metrics().num_alive_tasks(),
        runtime: runtime.handle().clone(),
    };
    Ok((runtime, xs, liveness))
}
