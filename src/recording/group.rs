//! Consecutive samples, each as what differs from the one before.

use std::collections::HashMap;

use super::bytes::{Broken, Bytes, fold, length, put, put_bytes, unfold};
use super::tree::{Cell, ROOT, Tree};

/// The node that is outside of the snapshot, for a value that is a name or an ID.
pub(super) const SCRATCH: u32 = 1;

/// The most samples that a part has.
pub(super) const MAX_SAMPLES: u32 = 100_000;

/// What the writer has to know of a node.
#[derive(Debug, Default)]
struct Written {
    /// The number by which it is found among the elements of a list.
    id: u64,
    /// The sample that last selected it, from 1.
    selected_in: u64,
    /// The nodes below it, in the order in which they were added.
    below: Vec<u32>,
    /// What it became in samples of this part. A number is the difference to the number before.
    changes: Vec<(u32, Cell)>,
}

/// Samples that are written together.
#[derive(Debug)]
pub(super) struct Group {
    tree: Tree,
    written: Vec<Written>,
    numbers_of_texts: HashMap<String, u32>,
    /// The samples of this part.
    samples: u32,
    /// The samples of all parts, with the current one.
    sample: u64,
    encoded_texts: usize,
    encoded_nodes: usize,
}

impl Group {
    /// Returns a group without samples.
    pub(super) fn new() -> Self {
        let mut group = Self {
            tree: Tree::new(),
            written: vec![Written::default()],
            numbers_of_texts: HashMap::new(),
            samples: 0,
            sample: 1,
            encoded_texts: 0,
            encoded_nodes: 1,
        };
        // It cannot fail: the root exists.
        let _ = group.add(ROOT, None, 0);
        group
    }

    /// Returns how many samples the part has that is not encoded yet.
    pub(super) fn samples(&self) -> u32 {
        self.samples
    }

    /// Ends a sample.
    pub(super) fn end_sample(&mut self) {
        self.samples += 1;
        self.sample += 1;
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
        let before = self.cell(node);
        if *before == cell {
            return Ok(());
        }
        let change = match (before, &cell) {
            (Cell::Number(before), Cell::Number(now)) => Cell::Number(now.wrapping_sub(*before)),
            _ => cell.clone(),
        };
        if node != SCRATCH {
            self.written[node as usize]
                .changes
                .push((self.samples, change));
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
        let is_it = |&&node: &&u32| {
            let text = self.tree.nodes[node as usize].name;
            text.is_some_and(|text| self.tree.texts[text as usize] == name)
        };
        if let Some(&node) = self.near(parent, nth).find(is_it) {
            return Ok(node);
        }
        let name = self.number_of(name);
        self.add(parent, Some(name), 0)
    }

    /// Returns the node of an element with this ID. It was not returned before in this sample.
    pub(super) fn element(&mut self, parent: u32, id: u64, nth: usize) -> Result<u32, Broken> {
        let is_it = |&&node: &&u32| {
            let written = &self.written[node as usize];
            let is_element = self.tree.nodes[node as usize].name.is_none() && node != SCRATCH;
            is_element && written.id == id && written.selected_in != self.sample
        };
        let found = self.near(parent, nth).find(is_it).copied();
        let node = match found {
            Some(node) => node,
            None => self.add(parent, None, id)?,
        };
        self.written[node as usize].selected_in = self.sample;
        Ok(node)
    }

    /// Returns the nodes below one, starting with the `nth`.
    fn near(&self, parent: u32, nth: usize) -> impl Iterator<Item = &u32> {
        let below = &self.written[parent as usize].below;
        let (before, from) = below.split_at(nth.min(below.len()));
        from.iter().chain(before)
    }

    fn add(&mut self, parent: u32, name: Option<u32>, id: u64) -> Result<u32, Broken> {
        let node = self.tree.add(parent, name)?;
        self.written[parent as usize].below.push(node);
        self.written.push(Written {
            id,
            ..Written::default()
        });
        Ok(node)
    }

    /// Returns the samples since the last call as bytes, and forgets them.
    pub(super) fn take_part(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, self.samples.into());
        let texts = &self.tree.texts[self.encoded_texts..];
        put(&mut bytes, texts.len() as u64);
        for text in texts {
            put_bytes(&mut bytes, text.as_bytes());
        }
        let nodes = &self.tree.nodes[self.encoded_nodes..];
        put(&mut bytes, nodes.len() as u64);
        let mut before = u64::from(ROOT);
        for node in nodes {
            let parent = u64::from(node.parent());
            put(&mut bytes, fold(parent.wrapping_sub(before)));
            before = parent;
            put(&mut bytes, node.name.map_or(0, |name| u64::from(name) + 1));
        }
        let mut streams = Streams::default();
        for class in 0..self.tree.classes.len() {
            self.put_class(class, &mut streams);
        }
        for stream in [
            streams.nodes,
            streams.samples,
            streams.kinds,
            streams.values,
        ] {
            put_bytes(&mut bytes, &stream);
        }
        self.samples = 0;
        self.encoded_texts = self.tree.texts.len();
        self.encoded_nodes = self.tree.nodes.len();
        bytes
    }

    /// Appends the changes of all nodes of a class, and forgets them.
    fn put_class(&mut self, class: usize, to: &mut Streams) {
        let nodes = &self.tree.classes[class];
        let changed = nodes.iter().enumerate();
        let changed = changed.filter(|&(_, &node)| !self.written[node as usize].changes.is_empty());
        let changed: Vec<(usize, u32)> = changed.map(|(nth, &node)| (nth, node)).collect();
        put(&mut to.nodes, changed.len() as u64);
        if changed.is_empty() {
            return;
        }
        let lists = changed
            .iter()
            .map(|&(_, node)| &self.written[node as usize].changes);
        let follows = Follows::cheaper(self.samples, lists);
        put(&mut to.nodes, follows as u64);
        let mut prediction = Prediction::new(follows, self.samples);
        let mut next = 0;
        for (nth, node) in changed {
            put(&mut to.nodes, (nth - next) as u64);
            next = nth + 1;
            let changes = std::mem::take(&mut self.written[node as usize].changes);
            put(&mut to.nodes, changes.len() as u64);
            let mut due = 0;
            for (sample, cell) in changes {
                put(&mut to.samples, u64::from(sample - due));
                due = sample + 1;
                to.put(node, sample, &cell, &mut prediction);
            }
        }
    }
}

/// What the differences of a class are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follows {
    /// Nothing.
    Nothing = 0,
    /// The difference of the node before in the same sample: what was read together moves together.
    NodeBefore = 1,
}

impl Follows {
    /// Returns what takes fewer bytes.
    fn cheaper<'a>(samples: u32, lists: impl Iterator<Item = &'a Vec<(u32, Cell)>>) -> Self {
        let [mut alone, mut after] =
            [Self::Nothing, Self::NodeBefore].map(|follows| Prediction::new(follows, samples));
        let (mut alone_bytes, mut after_bytes) = (0, 0);
        for (sample, cell) in lists.flatten() {
            if let Cell::Number(difference) = *cell {
                alone_bytes += length(fold(alone.rest(*sample, difference)));
                after_bytes += length(fold(after.rest(*sample, difference)));
            }
        }
        match after_bytes < alone_bytes {
            true => Self::NodeBefore,
            false => Self::Nothing,
        }
    }
}

/// The differences that are expected in each sample.
#[derive(Debug)]
struct Prediction(Option<Vec<u64>>);

impl Prediction {
    fn new(follows: Follows, samples: u32) -> Self {
        let expected = vec![0; samples as usize];
        Self((follows == Follows::NodeBefore).then_some(expected))
    }

    /// Returns a difference less the expected one.
    fn rest(&mut self, sample: u32, difference: u64) -> u64 {
        match &mut self.0 {
            None => difference,
            Some(expected) => {
                let before = std::mem::replace(&mut expected[sample as usize], difference);
                difference.wrapping_sub(before)
            }
        }
    }

    /// Returns the difference of which this is the rest.
    fn difference(&mut self, sample: u32, rest: u64) -> u64 {
        match &mut self.0 {
            None => rest,
            Some(expected) => {
                let difference = rest.wrapping_add(expected[sample as usize]);
                expected[sample as usize] = difference;
                difference
            }
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
    fn put(&mut self, node: u32, sample: u32, cell: &Cell, prediction: &mut Prediction) {
        let (kind, value) = match cell {
            Cell::Number(difference) => (0, Some(fold(prediction.rest(sample, *difference)))),
            Cell::Null => (1, None),
            Cell::Bool(false) => (2, None),
            Cell::Bool(true) => (3, None),
            Cell::Text(text) => (4, Some(u64::from(*text))),
            Cell::Struct(below) => (5, Some(below.len() as u64)),
            Cell::List(below) => (6, Some(below.len() as u64)),
        };
        self.kinds.push(kind);
        if let Some(value) = value {
            put(&mut self.values, value);
        }
        if let Cell::Struct(below) | Cell::List(below) = cell {
            // Mostly they are consecutive.
            let mut due = node;
            for &one in below {
                put(
                    &mut self.values,
                    fold(u64::from(one).wrapping_sub(u64::from(due))),
                );
                due = one + 1;
            }
        }
    }
}

/// Samples that were written together, read one by one.
#[derive(Debug)]
pub(super) struct Part {
    /// What each sample changes. A number is the difference to the number before.
    samples: Vec<Vec<(u32, Cell)>>,
}

impl Part {
    /// Decodes the part that follows what `tree` has been through.
    ///
    /// # Errors
    /// If the bytes are not what [`Group::take_part`] returned. The tree is useless then.
    pub(super) fn decode(bytes: &[u8], tree: &mut Tree) -> Result<Self, Broken> {
        let mut bytes = Bytes(bytes);
        let count = bytes.small()?;
        if count > MAX_SAMPLES {
            return Err(Broken("too many samples"));
        }
        for _ in 0..bytes.small()? {
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
        };
        for class in &tree.classes {
            part.take_class(class, &mut nodes, &mut streams)?;
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
                let cell = match kinds.number()? {
                    0 => Cell::Number(prediction.difference(sample, unfold(values.number()?))),
                    1 => Cell::Null,
                    2 => Cell::Bool(false),
                    3 => Cell::Bool(true),
                    4 => Cell::Text(values.small()?),
                    5 => Cell::Struct(below(node, values)?),
                    6 => Cell::List(below(node, values)?),
                    _ => return Err(Broken("an unknown kind of value")),
                };
                changes.push((node, cell));
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

/// Takes the nodes below one.
fn below(node: u32, values: &mut Bytes<'_>) -> Result<Vec<u32>, Broken> {
    let mut below = Vec::new();
    let mut due = u64::from(node);
    for _ in 0..values.small()? {
        due = due.wrapping_add(unfold(values.number()?));
        let one = u32::try_from(due).map_err(|_| Broken("no such node"))?;
        below.push(one);
        due += 1;
    }
    Ok(below)
}
