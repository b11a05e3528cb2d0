//! Whether a connection can still be of use.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::daemon::{CONNECTION_LOST, Daemon};

/// What the health of a connection depends on: its tasks and its daemon.
#[derive(Clone, Debug)]
pub(super) struct Liveness {
    pub(super) daemon: Arc<Daemon>,
    pub(super) runtime: Handle,
    /// The number of tasks that xenstore-rs runs for its connection.
    pub(super) tasks: usize,
}

impl Liveness {
    /// Checks that the connection works. This asks the kernel and sends nothing to XenStore.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        // A task of xenstore-rs ends with its connection; xenstore-rs reports that in no other way.
        if self.runtime.metrics().num_alive_tasks() < self.tasks {
            return Err(CONNECTION_LOST);
        }
        self.daemon.check()
    }

    /// Returns one that always passes, for tests.
    #[cfg(test)]
    pub(super) fn always() -> Self {
        Self {
            daemon: Arc::default(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .map(|runtime| runtime.handle().clone())
                .unwrap_or_else(|error| unreachable!("{error}")),
            tasks: 0,
        }
    }
}
