//! Samples that have a key.
//!
//! The key is the first sample in full. A part has the next samples: the first of them as what differs from the key,
//! each other one as what differs from the one before. So a part is read with the key alone.

use std::collections::HashMap;
use std::sync::Arc;

use super::bytes::Broken;
use super::cell::{Cell, Nodes};
use super::log::{Change, Log, MAX_SAMPLES};
use super::part::MAX_CHANGES;
use super::tree::{MAX_NODES, ROOT, Tree};

/// The node that is outside of the snapshot, for a value that is a name or an ID.
pub(super) const SCRATCH: u32 = 1;

/// What the writer has to know of a node that is an element of a list or has nodes below it. Most nodes are neither.
#[derive(Debug, Default)]
struct Inner {
    /// The number by which it is found among the elements of a list.
    id: u64,
    /// The sample that last selected it, from 1.
    selected_in: u64,
    /// The nodes that were ever below it, in the order in which they were added.
    below: Nodes,
}

/// Samples that have a key in common.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) tree: Tree,
    /// Of each node; `None` for those that have no [`Inner`].
    inner: Vec<Option<Box<Inner>>>,
    numbers_of_texts: HashMap<String, u32>,
    /// The samples of this part, and what they changed.
    pub(super) samples: u32,
    pub(super) log: Log,
    /// The samples of all parts, with the current one.
    sample: u64,
    /// The nodes that ever became something else than in the key, with what they were in it: nothing if they were added
    /// since. Empty while there is no key.
    differed: Vec<(u32, Cell)>,
    /// Whether a node is among them.
    has_differed: Vec<bool>,
    /// Whether the key was taken, and how many texts and nodes it has.
    pub(super) has_key: bool,
    pub(super) key_texts: usize,
    pub(super) key_nodes: usize,
}

impl Group {
    /// Returns a group without samples.
    pub(super) fn new() -> Self {
        let mut group = Self {
            tree: Tree::new(),
            inner: vec![None],
            numbers_of_texts: HashMap::new(),
            samples: 0,
            log: Log::default(),
            sample: 1,
            differed: Vec::new(),
            has_differed: vec![false],
            has_key: false,
            key_texts: 0,
            key_nodes: 1,
        };
        // It cannot fail: the root exists.
        let _ = group.add(ROOT, None, 0);
        group
    }

    /// Returns how many samples the part has.
    pub(super) fn samples(&self) -> u32 {
        self.samples
    }

    /// Returns whether the part has to end before the next sample: a reader refuses parts that are too large.
    pub(super) fn is_full(&self) -> bool {
        self.samples >= MAX_SAMPLES || self.log.len() > MAX_CHANGES / 4
    }

    /// Returns whether the group has to end before the next sample, as a reader refuses trees that are too large.
    pub(super) fn has_large_tree(&self) -> bool {
        self.tree.nodes.len().max(self.tree.texts.len()) > MAX_NODES / 2
    }

    /// Ends a sample.
    pub(super) fn end_sample(&mut self) {
        if self.samples == 0 {
            self.compare_with_key();
        }
        self.samples += 1;
        self.sample += 1;
    }

    /// Logs how the first sample of a part differs from the key, or from nothing while there is none.
    fn compare_with_key(&mut self) {
        let mut log = std::mem::take(&mut self.log);
        let mut compare = |node: u32, key: &Cell| {
            let now = self.cell(node);
            if key != now {
                log.push(Change::between(node, 0, key, now));
            }
        };
        match self.has_key {
            true => self
                .differed
                .iter()
                .for_each(|(node, key)| compare(*node, key)),
            false => (0..self.tree.nodes.len() as u32)
                .filter(|&node| node != SCRATCH)
                .for_each(|node| compare(node, &Cell::Null)),
        }
        self.log = log;
    }

    /// Returns what a node is.
    pub(super) fn cell(&self, node: u32) -> &Cell {
        &self.tree.nodes[node as usize].cell
    }

    /// Returns the text of a node that is one.
    pub(super) fn text(&self, node: u32) -> Option<&str> {
        match *self.cell(node) {
            Cell::Text(text) => Some(&self.tree.texts[text as usize]),
            _ => None,
        }
    }

    /// Changes what a node is, if it was something else.
    pub(super) fn set(&mut self, node: u32, cell: Cell) -> Result<(), Broken> {
        let before = &self.tree.nodes[node as usize].cell;
        if *before == cell {
            return Ok(());
        }
        if node != SCRATCH {
            let has_differed = &mut self.has_differed[node as usize];
            if self.has_key && !std::mem::replace(has_differed, true) {
                self.differed.push((node, before.clone()));
            }
            // The first sample is compared with the key, when it ends.
            if self.samples > 0 {
                let change = Change::between(node, self.samples, before, &cell);
                self.log.push(change);
            }
        }
        self.tree.set(node, cell)
    }

    /// Changes a node to a text.
    pub(super) fn set_text(&mut self, node: u32, text: &str) -> Result<(), Broken> {
        if self.text(node) == Some(text) {
            return Ok(());
        }
        let text = self.number_of(text);
        self.set(node, Cell::Text(text))
    }

    fn number_of(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers_of_texts.get(text) {
            return number;
        }
        let number = self.tree.texts.len() as u32;
        self.tree.texts.push(text.to_owned());
        self.numbers_of_texts.insert(text.to_owned(), number);
        number
    }

    /// Returns the node of a field. `nth` is where it usually is among the fields.
    pub(super) fn field(&mut self, parent: u32, name: &str, nth: usize) -> Result<u32, Broken> {
        if let Some(node) = self.find_field(parent, name, nth) {
            return Ok(node);
        }
        let name = self.number_of(name);
        self.add(parent, Some(name), 0)
    }

    /// Returns the node of a field that the sample before has.
    pub(super) fn field_before(&self, parent: u32, name: &str, nth: usize) -> Result<u32, Broken> {
        let node = self.find_field(parent, name, nth);
        let usual = self.below(parent).get(nth);
        // Looking through all fields of all domains would take long.
        debug_assert_eq!(node.as_ref(), usual, "'{name}' is listed out of order");
        node.ok_or(Broken("a changed field is not in the sample before"))
    }

    fn find_field(&self, parent: u32, name: &str, nth: usize) -> Option<u32> {
        find(self.below(parent), nth, |node| {
            let text = self.tree.name_of(&self.tree.nodes[node as usize]);
            text.is_some_and(|text| self.tree.texts[text as usize] == name)
        })
    }

    /// Returns the node of an element with this ID. It was not returned before in this sample.
    pub(super) fn element(&mut self, parent: u32, id: u64, nth: usize) -> Result<u32, Broken> {
        let found = find(self.below(parent), nth, |node| {
            let name = self.tree.name_of(&self.tree.nodes[node as usize]);
            let is_element = name.is_none() && node != SCRATCH;
            let inner = self.inner[node as usize].as_deref();
            is_element
                && inner.is_some_and(|inner| inner.id == id && inner.selected_in != self.sample)
        });
        let node = match found {
            Some(node) => node,
            None => self.add(parent, None, id)?,
        };
        self.inner_of(node).selected_in = self.sample;
        Ok(node)
    }

    /// Returns the node of the element with this ID that the sample before has.
    pub(super) fn element_before(
        &mut self,
        parent: u32,
        id: u64,
        nth: usize,
    ) -> Result<u32, Broken> {
        let Cell::List(before) = self.cell(parent) else {
            return Err(Broken("a changed list is none in the sample before"));
        };
        let found = find(before, nth, |node| {
            let inner = self.inner[node as usize].as_deref();
            inner.is_some_and(|inner| inner.id == id)
        });
        let node = found.ok_or(Broken("a changed element is not in the sample before"))?;
        self.inner_of(node).selected_in = self.sample;
        Ok(node)
    }

    fn add(&mut self, parent: u32, name: Option<u32>, id: u64) -> Result<u32, Broken> {
        let node = self.tree.add(parent, name)?;
        Arc::make_mut(&mut self.inner_of(parent).below).push(node);
        self.inner.push(None);
        self.has_differed.push(false);
        if name.is_none() {
            self.inner_of(node).id = id;
        }
        Ok(node)
    }

    fn inner_of(&mut self, node: u32) -> &mut Inner {
        self.inner[node as usize].get_or_insert_default()
    }

    /// Returns the nodes that were ever below one.
    fn below(&self, node: u32) -> &[u32] {
        let inner = self.inner[node as usize].as_deref();
        inner.map_or(&[], |inner| &inner.below)
    }

    /// Returns the nodes below one, as its cell has them: mostly they are all that were ever below it.
    pub(super) fn shared(&mut self, node: u32, mut below: Vec<u32>) -> Nodes {
        below.shrink_to_fit();
        let below = Arc::new(below);
        let inner = self.inner_of(node);
        if inner.below == below {
            inner.below = Arc::clone(&below);
        }
        below
    }

    /// Returns the key as bytes, a part of one sample. Only after the first sample of the group, of which the part then
    /// has no more than that it is like the key.
    pub(super) fn take_key(&mut self) -> Vec<u8> {
        let bytes = self.encode();
        self.key_texts = self.tree.texts.len();
        self.key_nodes = self.tree.nodes.len();
        self.has_key = true;
        bytes
    }

    /// Returns the part as bytes, and begins another one.
    pub(super) fn take_part(&mut self) -> Vec<u8> {
        let bytes = self.encode();
        self.samples = 0;
        bytes
    }
}

/// Returns the node that is the one; the `nth` usually is, and else one soon after it.
fn find(nodes: &[u32], nth: usize, is_it: impl Fn(u32) -> bool) -> Option<u32> {
    if let Some(&usual) = nodes.get(nth)
        && is_it(usual)
    {
        return Some(usual);
    }
    let (before, from) = nodes.split_at(nth.min(nodes.len()));
    let mut others = from.iter().chain(before).copied();
    others.find(|&node| is_it(node))
}
