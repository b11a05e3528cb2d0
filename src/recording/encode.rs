//! What a group has written, as bytes.

use super::bytes::{fold, put, put_bytes};
use super::cell::Cell;
use super::group::Group;
use super::log::{ByNode, Change};
use super::prediction::{Follows, Prediction};
use super::tree::ROOT;

impl Group {
    /// Returns the changes as bytes, and forgets them.
    pub(super) fn encode(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, self.samples.into());
        let texts = self.texts();
        put(&mut bytes, texts.numbers.len() as u64);
        for &text in &texts.numbers {
            put_bytes(&mut bytes, self.tree.texts[text as usize].as_bytes());
        }
        let nodes = &self.tree.nodes[self.key_nodes..];
        put(&mut bytes, nodes.len() as u64);
        let mut before = u64::from(ROOT);
        for node in nodes {
            let parent = u64::from(node.parent());
            put(&mut bytes, fold(parent.wrapping_sub(before)));
            before = parent;
            let name = self
                .tree
                .name_of(node)
                .map(|name| u64::from(texts.in_part(name)) + 1);
            put(&mut bytes, name.unwrap_or(0));
        }
        let mut streams = Streams::default();
        let by_node = ByNode::of(&self.log, self.tree.nodes.len());
        for class in &self.tree.classes {
            self.put_class(&class.nodes, &by_node, &texts, &mut streams);
        }
        self.log.clear();
        for stream in [
            streams.nodes,
            streams.samples,
            streams.kinds,
            streams.values,
        ] {
            put_bytes(&mut bytes, &stream);
        }
        bytes
    }

    /// Returns the texts that the part needs besides those of the key, and for the key all of them. What changed in
    /// earlier parts is in none of its changes any more, as the time of their samples, which is a text.
    fn texts(&self) -> Texts {
        if !self.has_key {
            let numbers = 0..self.tree.texts.len() as u32;
            return Texts {
                of_key: 0,
                numbers: numbers.collect(),
            };
        }
        let nodes = &self.tree.nodes[self.key_nodes..];
        let names = nodes.iter().filter_map(|node| self.tree.name_of(node));
        let of_key = self.key_texts as u32;
        let used = self.log.texts().chain(names);
        let mut numbers: Vec<u32> = used.filter(|&text| text >= of_key).collect();
        numbers.sort_unstable();
        numbers.dedup();
        Texts { of_key, numbers }
    }

    /// Appends the changes of all nodes of a class.
    fn put_class(&self, nodes: &[u32], by_node: &ByNode<'_>, texts: &Texts, to: &mut Streams) {
        let changed = nodes.iter().copied().enumerate();
        let changed = changed.filter(|&(_, node)| by_node.changes(node).len() > 0);
        let count = changed.clone().count();
        put(&mut to.nodes, count as u64);
        if count == 0 {
            return;
        }
        let changes = changed.clone().flat_map(|(_, node)| by_node.changes(node));
        let follows = Follows::cheaper(self.samples, changes);
        put(&mut to.nodes, follows as u64);
        let mut prediction = Prediction::new(follows, self.samples);
        let mut next = 0;
        for (nth, node) in changed {
            put(&mut to.nodes, (nth - next) as u64);
            next = nth + 1;
            let changes = by_node.changes(node);
            put(&mut to.nodes, changes.len() as u64);
            let mut due = 0;
            for change in changes {
                put(&mut to.samples, u64::from(change.sample - due));
                due = change.sample + 1;
                to.put(change, texts, &mut prediction);
            }
        }
    }
}

/// The texts that a part needs besides those of the key.
#[derive(Debug)]
struct Texts {
    /// How many the key has.
    of_key: u32,
    /// Their numbers in the group, in ascending order.
    numbers: Vec<u32>,
}

impl Texts {
    /// Returns the number that a text has in the part.
    fn in_part(&self, text: u32) -> u32 {
        match self.numbers.binary_search(&text) {
            Ok(nth) => self.of_key + nth as u32,
            Err(_) => text,
        }
    }
}

/// The bytes of changes. Those that are alike are together.
#[derive(Debug, Default)]
struct Streams {
    nodes: Vec<u8>,
    samples: Vec<u8>,
    kinds: Vec<u8>,
    values: Vec<u8>,
}

impl Streams {
    fn put(&mut self, change: Change, texts: &Texts, prediction: &mut Prediction) {
        let cell = match change.cell {
            Cell::Number(difference) => Cell::Number(prediction.rest(change.sample, difference)),
            Cell::Text(text) => Cell::Text(texts.in_part(text)),
            cell => cell,
        };
        put(&mut self.kinds, cell.kind());
        cell.put(change.node, &mut self.values);
    }
}
