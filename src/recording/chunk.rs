//! Samples that were written together.

use std::sync::Arc;

use super::bytes::Broken;
use super::part::Part;
use super::tree::Tree;

/// The samples of a part. Each is decoded when it is asked for, so that a broken file takes no more memory than one.
#[derive(Debug)]
pub(super) struct Chunk {
    /// What the samples differ from.
    key: Arc<Tree>,
    bytes: Vec<u8>,
    part: Part,
    tree: Tree,
    /// How many samples the tree has been through.
    applied: usize,
}

impl Chunk {
    /// Decodes a part that has this key.
    ///
    /// # Errors
    /// Those of [`Part::decode`].
    pub(super) fn decode(bytes: Vec<u8>, key: Arc<Tree>) -> Result<Self, Broken> {
        let mut tree = Tree::clone(&key);
        Ok(Self {
            part: Part::decode(&bytes, &mut tree)?,
            key,
            bytes,
            tree,
            applied: 0,
        })
    }

    /// Returns how many samples it has.
    pub(super) fn len(&self) -> usize {
        self.part.len()
    }

    /// Returns the tree of a sample.
    ///
    /// # Errors
    /// If a change up to that sample makes no sense.
    pub(super) fn tree(&mut self, sample: usize) -> Result<&Tree, Broken> {
        if sample < self.applied.saturating_sub(1) {
            let bytes = std::mem::take(&mut self.bytes);
            *self = Self::decode(bytes, Arc::clone(&self.key))?;
        }
        while self.applied <= sample {
            self.part.apply(self.applied, &mut self.tree)?;
            self.applied += 1;
        }
        Ok(&self.tree)
    }
}
