//! The last two snapshots of a live feed.

use std::sync::Arc;

use super::pair::Pair;
use crate::snapshot::Snapshot;

/// The last two snapshots.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// The newest one.
    pub(super) newest: Option<Arc<Snapshot>>,
    /// The one before. Its memory is reused if nothing else refers to it.
    before: Option<Arc<Snapshot>>,
}

impl Taken {
    /// Takes the snapshot before the newest; `None` if there is none, or if something else refers
    /// to it.
    pub(super) fn unused(&mut self) -> Option<Snapshot> {
        self.before
            .take()
            .and_then(|before| Arc::try_unwrap(before).ok())
    }

    /// Fills in what the newest snapshot lacks from a later one that is not added, and returns it
    /// with the one before; `None` if there is no snapshot.
    pub(super) fn fill_in(&mut self, later: &Snapshot) -> Option<Pair> {
        let newest = self.newest.as_mut()?;
        Arc::make_mut(newest).fill_in(later);
        Some(Pair {
            older: self.before.clone(),
            newer: Arc::clone(newest),
        })
    }

    /// Adds a snapshot, and returns it with the one before.
    pub(super) fn push(&mut self, mut snapshot: Snapshot) -> Pair {
        let older = self.newest.take();
        if let Some(older) = &older {
            copy_topology(older, &mut snapshot);
        }
        let newer = Arc::new(snapshot);
        self.newest = Some(Arc::clone(&newer));
        self.before = older.clone();
        Pair { older, newer }
    }
}

/// Copies the topology that was not collected again: the sockets, cores and nodes of the pCPUs, and
/// the pools. The nodes' memory figures become `None`.
fn copy_topology(older: &Snapshot, snapshot: &mut Snapshot) {
    let (old, new) = (&older.host, &mut snapshot.host);
    if new.pools.is_some() || old.pcpu.len() != new.pcpu.len() {
        return;
    }
    new.pools.clone_from(&old.pools);
    new.nodes.clone_from(&old.nodes);
    for node in new.nodes.iter_mut().flatten() {
        (node.memory_bytes, node.memory_free_bytes) = (None, None);
    }
    for (old, new) in old.pcpu.iter().zip(&mut new.pcpu) {
        (new.socket, new.core, new.node) = (old.socket, old.core, old.node);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{SECOND, domain, full, pcpus, snapshot, vcpu};

    fn at(second: u64) -> Snapshot {
        snapshot(second * SECOND, 0, vec![domain(0, "Domain-0", 0, 0)])
    }

    #[test]
    fn a_pair_has_the_snapshot_before() {
        let mut taken = Taken::default();
        let first = taken.push(at(1));
        assert_eq!((first.older, &*first.newer), (None, &at(1)));
        let second = taken.push(at(2));
        assert_eq!(second.older.as_deref(), Some(&at(1)));
        assert_eq!(*second.newer, at(2));
    }

    #[test]
    fn unused_memory_is_returned_once() {
        let mut taken = Taken::default();
        assert_eq!(taken.unused(), None);
        drop(taken.push(at(1)));
        assert_eq!(taken.unused(), None, "the next pair has it");
        drop(taken.push(at(2)));
        assert_eq!(taken.unused(), Some(at(1)));
        let held = taken.push(at(3));
        assert_eq!(taken.unused(), None, "`held` refers to it");
        drop(held);
        drop(taken.push(at(4)));
        assert_eq!(taken.unused(), Some(at(3)));
        assert_eq!(taken.unused(), None, "already taken");
    }

    #[test]
    fn a_filled_in_snapshot_takes_no_place_in_the_order() {
        let mut taken = Taken::default();
        assert_eq!(taken.fill_in(&at(1)), None);
        taken.push(at(1));
        let second = taken.push(at(2));
        let mut later = at(3);
        later.domains[0].vcpus = Some(vec![vcpu(0, 1, SECOND)]);
        let filled = taken.fill_in(&later).unwrap();
        assert_eq!(filled.older.as_deref(), Some(&at(1)));
        assert_eq!(filled.newer.stamp, at(2).stamp);
        assert_eq!(filled.newer.domains[0].vcpus, later.domains[0].vcpus);
        assert_eq!(*second.newer, at(2), "whoever has it keeps it as it was");
        assert_eq!(taken.push(at(4)).older, Some(filled.newer));
    }

    #[test]
    fn topology_is_copied_and_figures_are_not() {
        let mut first = at(1);
        first.host = full(first.host);
        first.host.pcpu = pcpus(4, SECOND);
        let like = |count: u32| {
            let mut later = at(2);
            later.host.pcpu = pcpus(count, SECOND);
            for pcpu in &mut later.host.pcpu {
                (pcpu.socket, pcpu.core, pcpu.node) = (None, None, None);
            }
            later
        };
        let mut taken = Taken::default();
        taken.push(first.clone());
        let host = &taken.push(like(4)).newer.host;
        assert_eq!(host.pools, first.host.pools);
        assert_eq!(host.pcpu[3].node, first.host.pcpu[3].node);
        let node = &host.nodes.as_ref().unwrap()[0];
        assert_eq!((node.memory_bytes, node.memory_free_bytes), (None, None));
        // The new pCPU's location is unknown.
        let host = &taken.push(like(5)).newer.host;
        assert_eq!((&host.pools, host.pcpu[3].node), (&None, None));
    }
}
