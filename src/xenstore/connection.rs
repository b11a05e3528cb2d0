//! The thread that keeps the cache right: one connection after the other, with pauses between those
//! that fail.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::timeout;
use xenstore_rs::tokio::XsTokio;

use super::cache::Shared;
use super::daemon::{ANSWER_TIMEOUT, CONNECTION_LOST, Daemon, no_answer};
use super::session::Session;

/// How long a lost connection is left alone: twice as long each time, between these.
const REST: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(8));

/// What a connection hangs on.
#[derive(Clone, Debug)]
pub(super) struct Liveness {
    daemon: Arc<Daemon>,
    runtime: Handle,
    /// How many tasks xenstore-rs has for its connection.
    tasks: usize,
}

impl Liveness {
    /// Whether the connection can be of use still; asks the kernel, and nothing of XenStore.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        // A task of xenstore-rs ends when its connection does; nothing else tells.
        if self.runtime.metrics().num_alive_tasks() < self.tasks {
            return Err(CONNECTION_LOST);
        }
        self.daemon.check()
    }

    /// What nothing can be said against, for tests.
    #[cfg(test)]
    pub(super) fn sound() -> Self {
        Self {
            daemon: Arc::default(),
            runtime: Builder::new_current_thread()
                .build()
                .map(|runtime| runtime.handle().clone())
                .unwrap_or_else(|error| unreachable!("{error}")),
            tasks: 0,
        }
    }
}

/// Keeps the cache right until no one takes samples any more.
pub(super) fn keep(shared: &Shared) {
    let _last = MarkLostOnDrop(shared);
    let mut rest = REST.0;
    loop {
        let ended = connect().and_then(|(runtime, xs, liveness)| {
            let mut session = Session::new(xs, shared, liveness);
            let ended = runtime.block_on(session.run());
            if session.settled {
                rest = REST.0;
            }
            ended
        });
        let mut known = shared.lock();
        match ended {
            Err(error) => {
                // Nothing was heard for so long.
                let ago = match error.kind() {
                    ErrorKind::TimedOut => ANSWER_TIMEOUT,
                    _ => Duration::ZERO,
                };
                tracing::debug!(%error, "XenStore is down");
                known.lose(error.to_string(), ago);
                known.settled = false;
            }
            Ok(()) if known.over => return,
            Ok(()) => known.settled = false,
        }
        drop(known);
        shared.tell();
        shared.rest(rest);
        rest = REST.1.min(rest * 2);
    }
}

/// Says that nothing is kept right any more, even when the thread ends by a panic.
struct MarkLostOnDrop<'a>(&'a Shared);

impl Drop for MarkLostOnDrop<'_> {
    fn drop(&mut self) {
        self.0
            .lock()
            .lose("its thread ended".to_owned(), Duration::ZERO);
        self.0.tell();
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
