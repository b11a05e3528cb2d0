//! What samples change, in the order in which they were added.

use std::iter;

use super::bytes::{Broken, Bytes, put};
use super::cell::Cell;

/// What a node becomes in a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) node: u32,
    /// The sample, by its number in the part.
    pub(super) sample: u32,
    /// What it becomes; a number is the difference to the number before.
    pub(super) cell: Cell,
}

impl Change {
    /// Returns how a value becomes another one.
    pub(super) fn between(node: u32, sample: u32, before: &Cell, now: &Cell) -> Self {
        let cell = match (before, now) {
            (Cell::Number(before), Cell::Number(now)) => Cell::Number(now.wrapping_sub(*before)),
            _ => now.clone(),
        };
        Self { node, sample, cell }
    }
}

/// Changes, in the order in which they were added. They are kept as bytes, because there are many until a chunk is
/// written: on a host with 1,000 domains that work, 100,000.
#[derive(Debug, Default)]
pub(super) struct Log {
    bytes: Vec<u8>,
    changes: usize,
}

impl Log {
    /// Returns how many changes it has.
    pub(super) fn len(&self) -> usize {
        self.changes
    }

    /// Adds a change.
    pub(super) fn push(&mut self, change: &Change) {
        for number in [change.node.into(), change.sample.into(), change.cell.kind()] {
            put(&mut self.bytes, number);
        }
        change.cell.put(change.node, &mut self.bytes);
        self.changes += 1;
    }

    /// Removes all.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.changes = 0;
    }

    /// Returns all changes.
    pub(super) fn changes(&self) -> impl Iterator<Item = Change> {
        self.placed().map(|(_, change)| change)
    }

    /// Returns all changes with where their bytes are.
    fn placed(&self) -> impl Iterator<Item = (u32, Change)> {
        let mut rest = Bytes(&self.bytes);
        iter::from_fn(move || {
            let at = self.bytes.len() - rest.0.len();
            // A part ends long before its log has 4 GiB.
            Some((at as u32, take(&mut rest).ok()?))
        })
    }
}

/// Takes a change.
fn take(from: &mut Bytes<'_>) -> Result<Change, Broken> {
    let [node, sample, kind] = [from.small()?, from.small()?, from.small()?];
    let cell = Cell::take(kind.into(), node, from)?;
    Ok(Change { node, sample, cell })
}

/// The changes of a log by node, and those of a node in the order of the samples.
#[derive(Debug)]
pub(super) struct ByNode<'a> {
    bytes: &'a [u8],
    /// Where the changes of each node begin in `order`, and where those of the last one end.
    starts: Vec<u32>,
    /// Where the bytes of the changes begin.
    order: Vec<u32>,
}

impl<'a> ByNode<'a> {
    /// Sorts the changes of this many nodes.
    pub(super) fn of(log: &'a Log, nodes: usize) -> Self {
        let mut starts = vec![0; nodes + 2];
        for change in log.changes() {
            starts[change.node as usize + 2] += 1;
        }
        for node in 2..starts.len() {
            starts[node] += starts[node - 1];
        }
        let mut order = vec![0; log.len()];
        for (at, change) in log.placed() {
            let next = &mut starts[change.node as usize + 1];
            order[*next as usize] = at;
            *next += 1;
        }
        Self {
            bytes: &log.bytes,
            starts,
            order,
        }
    }

    /// Returns how many changes a node has.
    pub(super) fn count(&self, node: u32) -> usize {
        self.places(node).len()
    }

    /// Returns the changes of a node.
    pub(super) fn changes(&self, node: u32) -> impl Iterator<Item = Change> + '_ {
        let places = self.places(node).iter();
        places.filter_map(|&at| take(&mut Bytes(&self.bytes[at as usize..])).ok())
    }

    /// Returns where the bytes of a node's changes begin.
    fn places(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.order[self.starts[node] as usize..self.starts[node + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_was_added_is_returned() {
        let cells = [
            Cell::Null,
            Cell::Bool(false),
            Cell::Bool(true),
            Cell::Number(u64::MAX),
            Cell::Text(70_000),
            Cell::Struct(vec![5, 6, 900_000, 1].into()),
            Cell::List(Vec::new().into()),
        ];
        let change = |(node, cell)| Change {
            node,
            sample: 300,
            cell,
        };
        let added: Vec<Change> = (0..).zip(cells).map(change).collect();
        let mut log = Log::default();
        added.iter().for_each(|change| log.push(change));
        assert_eq!(log.changes().collect::<Vec<_>>(), added);
        assert_eq!(log.len(), added.len());
    }

    #[test]
    fn changes_of_a_node_stay_in_order() {
        let change = |(node, sample)| Change {
            node,
            sample,
            cell: Cell::Null,
        };
        let mut log = Log::default();
        for place in [(2, 0), (0, 1), (2, 1), (3, 1), (2, 3)] {
            log.push(&change(place));
        }
        let by_node = ByNode::of(&log, 4);
        let samples = |node| -> Vec<u32> {
            let changes = by_node.changes(node);
            changes.map(|change| change.sample).collect()
        };
        let all: Vec<Vec<u32>> = (0..4).map(samples).collect();
        assert_eq!(
            (0..4).map(|node| by_node.count(node)).collect::<Vec<_>>(),
            [1, 0, 3, 1]
        );
        assert_eq!(all, [vec![1], vec![], vec![0, 1, 3], vec![1]]);
    }
}
