//! What samples change, in the order in which they were added.

use super::cell::Cell;

/// What a node becomes in a sample.
#[derive(Debug)]
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

/// The changes of a part by node, and those of a node in the order of the samples.
#[derive(Debug)]
pub(super) struct ByNode<'a> {
    log: &'a [Change],
    /// Where the changes of each node begin in `order`, and where those of the last one end.
    starts: Vec<u32>,
    /// Indexes of changes.
    order: Vec<u32>,
}

impl<'a> ByNode<'a> {
    /// Sorts the changes of this many nodes.
    pub(super) fn of(log: &'a [Change], nodes: usize) -> Self {
        let mut starts = vec![0; nodes + 2];
        for change in log {
            starts[change.node as usize + 2] += 1;
        }
        for node in 2..starts.len() {
            starts[node] += starts[node - 1];
        }
        let mut order = vec![0; log.len()];
        for (index, change) in (0..).zip(log) {
            let next = &mut starts[change.node as usize + 1];
            order[*next as usize] = index;
            *next += 1;
        }
        Self { log, starts, order }
    }

    /// Returns the changes of a node.
    pub(super) fn changes(&self, node: u32) -> impl ExactSizeIterator<Item = &'a Change> + '_ {
        let node = node as usize;
        let [from, to] = [self.starts[node], self.starts[node + 1]];
        let indexes = &self.order[from as usize..to as usize];
        indexes.iter().map(|&index| &self.log[index as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_a_node_stay_in_order() {
        let change = |(node, sample)| Change {
            node,
            sample,
            cell: Cell::Null,
        };
        let log: Vec<Change> = [(2, 0), (0, 1), (2, 1), (3, 1), (2, 3)].map(change).into();
        let by_node = ByNode::of(&log, 4);
        let samples = |node| -> Vec<u32> {
            let changes = by_node.changes(node);
            changes.map(|change| change.sample).collect()
        };
        let all: Vec<Vec<u32>> = (0..4).map(samples).collect();
        assert_eq!(all, [vec![1], vec![], vec![0, 1, 3], vec![1]]);
    }
}
