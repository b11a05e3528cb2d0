//! Where snapshots come from.

use crate::clock::stamped;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::xen::Hypervisor;

pub use crate::store::Keys;

/// The running host: the hypervisor, and XenStore for what people call its domains.
pub struct Source {
    hypervisor: Hypervisor,
    store: Store,
    keys: Keys,
}

impl Source {
    /// Opens the line to the hypervisor below this kernel. `keys` is what every sample reads from
    /// XenStore; see [`Hypervisor::open`] for `allow_untested`.
    ///
    /// # Errors
    /// Those of [`Hypervisor::open`].
    pub fn open(keys: Keys, allow_untested: bool) -> Result<Self, Error> {
        Ok(Self {
            hypervisor: Hypervisor::open(allow_untested)?,
            store: Store::new(),
            keys,
        })
    }

    /// Reads everything once.
    ///
    /// # Errors
    /// When the hypervisor refuses; what XenStore can't supply is `None` and has a note instead.
    pub fn sample(&mut self) -> Result<Snapshot, Error> {
        let host = self.hypervisor.host()?;
        let (domains, stamp) = stamped(|| self.hypervisor.domains());
        let mut domains = domains?;
        let time = jiff::Timestamp::now();
        let notes = self.store.describe(&mut domains, self.keys);
        Ok(Snapshot {
            time,
            stamp,
            host,
            domains,
            notes: notes.into_iter().collect(),
        })
    }
}
