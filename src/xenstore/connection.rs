//! The thread that has the connection. It connects, runs a session, and after a failure waits before
//! it connects again.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use super::client::Client;
use super::daemon::{ANSWER_TIMEOUT, Daemon};
use super::known::Shared;
use super::liveness::Liveness;
use super::session::Session;

/// How long to wait after a failure: twice as long each time, from the first value to the second.
const RETRY_AFTER: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(8));

/// How long a connection must last for the next failure to count as the first.
const LASTING: Duration = Duration::from_secs(30);

/// Reads what is wanted until nobody needs it any more.
pub(super) fn run(shared: &Shared) {
    let _lost = MarkLostOnDrop(shared);
    let mut wait = RETRY_AFTER.0;
    while shared.wait_for_work() {
        let began = Instant::now();
        let closing = match connect() {
            Ok((runtime, client, liveness)) => {
                shared.lock().connected = true;
                let ended = runtime.block_on(Session::new(client, shared, liveness).run());
                mark_ended(shared, ended);
                Some(runtime)
            }
            Err(error) => {
                mark_ended(shared, Err(error));
                None
            }
        };
        // This closes the connection. On /dev/xen/xenbus it waits for a daemon that hangs.
        drop(closing);
        let mut known = shared.lock();
        known.connected = false;
        let go_on_at_once = known.released || known.ended;
        drop(known);
        shared.notify();
        if began.elapsed() >= LASTING {
            wait = RETRY_AFTER.0;
        }
        if !go_on_at_once {
            shared.pause(wait);
            wait = RETRY_AFTER.1.min(wait * 2);
        }
    }
}

/// Marks the values as possibly stale after a session.
fn mark_ended(shared: &Shared, ended: io::Result<()>) {
    let mut known = shared.lock();
    known.complete = false;
    if let Err(error) = ended {
        // Nothing has arrived for that long.
        let ago = match error.kind() {
            ErrorKind::TimedOut => ANSWER_TIMEOUT,
            _ => Duration::ZERO,
        };
        tracing::debug!(%error, "XenStore is down");
        known.mark_lost(error.to_string(), ago);
    } else if known.released {
        known.mark_released();
    }
    drop(known);
    shared.notify();
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

fn connect() -> io::Result<(Runtime, Client, Liveness)> {
    let daemon = Daemon::probe()?;
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let client = runtime.block_on(Client::connect(&daemon))?;
    let liveness = Liveness {
        daemon: Arc::new(daemon),
        tasks: runtime.metrics().num_alive_tasks(),
        runtime: runtime.handle().clone(),
    };
    Ok((runtime, client, liveness))
}
