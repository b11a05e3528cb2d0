//! What samples change, in the order in which they were added.

use super::cell::{Cell, Nodes};

/// The most samples that a part has.
pub(super) const MAX_SAMPLES: u32 = 1_000;

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

/// A change in 16 bytes, because there are many until a chunk is written: on a host with 1,000 domains that work, 100,000.
#[derive(Clone, Copy, Debug)]
struct Packed {
    /// What `kind` makes of it.
    value: u64,
    node: u32,
    sample: u16,
    kind: Kind,
}

const _: () = assert!(size_of::<Packed>() == 16 && MAX_SAMPLES <= u16::MAX as u32);

/// What the value of a packed change is.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// None.
    Null,
    /// 0 or 1.
    Bool,
    Number,
    /// The number of a text.
    Text,
    /// Where the nodes of the fields are in [`Log::lists`].
    Struct,
    /// Where the nodes of the elements are there.
    List,
}

/// Changes, in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Log {
    changes: Vec<Packed>,
    lists: Vec<Nodes>,
}

impl Log {
    /// Returns how many changes it has.
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    /// Adds a change.
    pub(super) fn push(&mut self, change: Change) {
        let (kind, value) = match change.cell {
            Cell::Null => (Kind::Null, 0),
            Cell::Bool(value) => (Kind::Bool, value.into()),
            Cell::Number(difference) => (Kind::Number, difference),
            Cell::Text(text) => (Kind::Text, text.into()),
            Cell::Struct(below) => (Kind::Struct, self.list(below)),
            Cell::List(below) => (Kind::List, self.list(below)),
        };
        self.changes.push(Packed {
            value,
            node: change.node,
            sample: change.sample as u16,
            kind,
        });
    }

    /// Keeps the nodes below one, and returns where.
    fn list(&mut self, below: Nodes) -> u64 {
        self.lists.push(below);
        self.lists.len() as u64 - 1
    }

    /// Removes all.
    pub(super) fn clear(&mut self) {
        self.changes.clear();
        self.lists.clear();
    }

    /// Returns the texts that values become.
    pub(super) fn texts(&self) -> impl Iterator<Item = u32> {
        let texts = self.changes.iter();
        let texts = texts.filter(|change| matches!(change.kind, Kind::Text));
        texts.map(|change| change.value as u32)
    }

    fn unpacked(&self, change: Packed) -> Change {
        let below = || self.lists[change.value as usize].clone();
        Change {
            node: change.node,
            sample: change.sample.into(),
            cell: match change.kind {
                Kind::Null => Cell::Null,
                Kind::Bool => Cell::Bool(change.value != 0),
                Kind::Number => Cell::Number(change.value),
                Kind::Text => Cell::Text(change.value as u32),
                Kind::Struct => Cell::Struct(below()),
                Kind::List => Cell::List(below()),
            },
        }
    }
}

/// The changes of a log by node, and those of a node in the order of the samples.
#[derive(Debug)]
pub(super) struct ByNode<'a> {
    log: &'a Log,
    /// Where the changes of each node begin in `order`, and where those of the last one end.
    starts: Vec<u32>,
    /// Indexes of changes.
    order: Vec<u32>,
}

impl<'a> ByNode<'a> {
    /// Sorts the changes of this many nodes.
    pub(super) fn of(log: &'a Log, nodes: usize) -> Self {
        let mut starts = vec![0; nodes + 2];
        for change in &log.changes {
            starts[change.node as usize + 2] += 1;
        }
        for node in 2..starts.len() {
            starts[node] += starts[node - 1];
        }
        let mut order = vec![0; log.len()];
        for (index, change) in (0..).zip(&log.changes) {
            let next = &mut starts[change.node as usize + 1];
            order[*next as usize] = index;
            *next += 1;
        }
        Self { log, starts, order }
    }

    /// Returns the changes of a node.
    pub(super) fn changes(&self, node: u32) -> impl ExactSizeIterator<Item = Change> + '_ {
        let node = node as usize;
        let [from, to] = [self.starts[node], self.starts[node + 1]];
        let indexes = self.order[from as usize..to as usize].iter();
        indexes.map(|&index| self.log.unpacked(self.log.changes[index as usize]))
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
        added.iter().cloned().for_each(|change| log.push(change));
        let by_node = ByNode::of(&log, added.len());
        let returned = (0..)
            .take(added.len())
            .flat_map(|node| by_node.changes(node));
        assert_eq!(returned.collect::<Vec<_>>(), added);
        assert_eq!(log.texts().collect::<Vec<_>>(), [70_000]);
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
            log.push(change(place));
        }
        let by_node = ByNode::of(&log, 4);
        let samples = |node| -> Vec<u32> {
            let changes = by_node.changes(node);
            changes.map(|change| change.sample).collect()
        };
        let all: Vec<Vec<u32>> = (0..4).map(samples).collect();
        assert_eq!(all, [vec![1], vec![], vec![0, 1, 3], vec![1]]);
    }
}
