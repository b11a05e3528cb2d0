//! Reads what a group has written.

use super::bytes::{Broken, Bytes, unfold};
use super::cell::Cell;
use super::log::MAX_SAMPLES;
use super::prediction::{Follows, Prediction};
use super::tree::{MAX_NODES, ROOT, Tree};

/// The most changes that a part has. With [`MAX_NODES`], decoding takes less than 1 GB, whatever a file says.
pub(super) const MAX_CHANGES: usize = 4 << 20;

/// Samples that were written together.
#[derive(Debug)]
pub(super) struct Part {
    /// What each sample changes. A number is the difference to the number before.
    samples: Vec<Vec<(u32, Cell)>>,
    changes: usize,
}

impl Part {
    /// Decodes a part, or a key. `tree` is that of the key, or an empty one.
    ///
    /// # Errors
    /// If the bytes are not what [`Group::take_part`](super::group::Group::take_part) returned. The tree is useless then.
    pub(super) fn decode(bytes: &[u8], tree: &mut Tree) -> Result<Self, Broken> {
        let mut bytes = Bytes(bytes);
        let count = bytes.small()?;
        if count > MAX_SAMPLES {
            return Err(Broken("too many samples"));
        }
        for _ in 0..bytes.small()? {
            if tree.texts.len() >= MAX_NODES {
                return Err(Broken("too many texts"));
            }
            let text = std::str::from_utf8(bytes.bytes()?);
            let text = text.map_err(|_| Broken("a text is not UTF-8"))?;
            tree.texts.push(text.to_owned());
        }
        let mut parent = u64::from(ROOT);
        for _ in 0..bytes.small()? {
            parent = parent.wrapping_add(unfold(bytes.number()?));
            let name = bytes.small()?.checked_sub(1);
            tree.add(
                u32::try_from(parent).map_err(|_| Broken("no such node"))?,
                name,
            )?;
        }
        let mut streams = [Bytes(&[]); 4];
        for stream in &mut streams {
            *stream = Bytes(bytes.bytes()?);
        }
        let [nodes, ..] = &mut streams;
        let mut nodes = *nodes;
        let mut part = Self {
            samples: vec![Vec::new(); count as usize],
            changes: 0,
        };
        for class in &tree.classes {
            part.take_class(&class.nodes, &mut nodes, &mut streams)?;
        }
        Ok(part)
    }

    /// Decodes the changes of a class of nodes.
    fn take_class(
        &mut self,
        class: &[u32],
        from: &mut Bytes<'_>,
        [_, samples, kinds, values]: &mut [Bytes<'_>; 4],
    ) -> Result<(), Broken> {
        let changed = from.small()?;
        if changed == 0 {
            return Ok(());
        }
        let follows = match from.number()? {
            0 => Follows::Nothing,
            1 => Follows::NodeBefore,
            _ => return Err(Broken("an unknown prediction")),
        };
        let mut prediction = Prediction::new(follows, self.samples.len() as u32);
        let mut next = 0usize;
        for _ in 0..changed {
            let nth = next.saturating_add(from.small()? as usize);
            let &node = class.get(nth).ok_or(Broken("no such node"))?;
            next = nth + 1;
            let mut due = 0u32;
            for _ in 0..from.small()? {
                let sample = due.saturating_add(samples.small()?);
                let changes = self.samples.get_mut(sample as usize);
                let changes = changes.ok_or(Broken("no such sample"))?;
                due = sample + 1;
                let cell = match Cell::take(kinds.number()?, node, values)? {
                    Cell::Number(rest) => Cell::Number(prediction.difference(sample, rest)),
                    cell => cell,
                };
                changes.push((node, cell));
                self.changes += 1;
                if self.changes > MAX_CHANGES {
                    return Err(Broken("too many changes"));
                }
            }
        }
        Ok(())
    }

    /// Returns how many samples it has.
    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Changes the tree to what it is in a sample, if it is what it was in the one before.
    ///
    /// # Errors
    /// If a change makes no sense.
    pub(super) fn apply(&self, sample: usize, tree: &mut Tree) -> Result<(), Broken> {
        for (node, cell) in self.samples.get(sample).into_iter().flatten() {
            let cell = match (cell, &tree.node(*node)?.cell) {
                (Cell::Number(more), Cell::Number(before)) => {
                    Cell::Number(before.wrapping_add(*more))
                }
                (cell, _) => cell.clone(),
            };
            tree.set(*node, cell)?;
        }
        Ok(())
    }
}
